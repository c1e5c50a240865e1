"""What sends the states of a `LiveMessage`: a thread, or a task of an event loop.

Each waits for news, waits on until the last change is long enough ago, and sends what is news by
then. At the end it waits for nothing, and what it is sending is told to stop.
"""

import threading
import time
from collections.abc import Coroutine
from contextlib import suppress
from contextvars import Context
from typing import Any, Protocol

from brickwork_slack.tasks import driven


class Display(Protocol):
    """What is kept up to date."""

    def change(self) -> Coroutine[Any, Any, None]:
        """Send the state of now, unless it was sent; raises nothing."""

    def hurry(self) -> None:
        """Stop waiting for what is being sent."""


class ThreadSender:
    """Sends in a thread, which knows no time-out and no cancellation of the work.

    Args:
        display: What to keep up to date.
        interval: The least seconds between two changes.
    """

    def __init__(self, display: Display, interval: float) -> None:
        self._display = display
        self._interval = interval
        self._news = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slack-live-message", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Say that there is news; from any thread."""
        self._news.set()

    def finish(self, seconds: float) -> None:
        """Let the last state be sent, and wait for that, but no longer than this."""
        self._ending.set()
        self._display.hurry()
        self._news.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        ended = False
        earliest = time.monotonic() + self._interval
        while not ended:
            self._news.wait()
            self._ending.wait(max(0.0, earliest - time.monotonic()))
            self._news.clear()
            ended = self._ending.is_set()
            driven(self._display.change())
            earliest = time.monotonic() + self._interval


class LoopSender:
    """Sends in a task of the running event loop.

    Args:
        display: What to keep up to date.
        interval: The least seconds between two changes.
    """

    def __init__(self, display: Display, interval: float) -> None:
        import asyncio

        self._display = display
        self._interval = interval
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._ending = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin."""
        # In a context of its own, in which the work's time-out and cancellation are not.
        self._tasks = {self._loop.create_task(self._run(), context=Context())}

    def wake(self) -> None:
        """Say that there is news; from any thread."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._news.set)

    async def finish(self, seconds: float) -> None:
        """Let the last state be sent, and wait for that, but no longer than this."""
        import asyncio

        self._ending.set()
        self._display.hurry()
        self._news.set()
        _, late = await asyncio.wait(self._tasks, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self) -> None:
        import asyncio

        ended = False
        earliest = self._loop.time() + self._interval
        while not ended:
            await self._news.wait()
            with suppress(TimeoutError):
                left = max(0.0, earliest - self._loop.time())
                await asyncio.wait_for(self._ending.wait(), left)
            self._news.clear()
            ended = self._ending.is_set()
            await self._display.change()
            earliest = self._loop.time() + self._interval
