"""Who runs the tasks that are submitted."""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, Self

from brickwork_flows.futures import RunFuture

MAX_THREADS = 32


class TaskRunner(ABC):
    """Runs submitted tasks, several at once. One is made for each run of a flow."""

    @abstractmethod
    def start(self, future: RunFuture[Any], function: Callable[..., Any], /, *args: Any) -> None:
        """Call a function elsewhere, and end the future with what it returns or raises."""

    @abstractmethod
    def start_async(
        self, future: RunFuture[Any], function: Callable[..., Any], /, *args: Any
    ) -> None:
        """Run a coroutine function, in the event loop of here if there is one."""

    @abstractmethod
    def wait(self) -> None:
        """Wait until everything that was started has ended."""

    @abstractmethod
    def close(self, *, cancel: bool) -> None:
        """End; with ``cancel``, what has not begun does not begin."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.close(cancel=error is not None)


class ThreadRunner(TaskRunner):
    """Runs tasks in threads of this process.

    Args:
        max_workers: How many at once.
    """

    def __init__(self, max_workers: int = MAX_THREADS) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self._pool = ThreadPoolExecutor(max_workers, "brickwork-task")
        self._open: set[RunFuture[Any]] = set()
        self._lock = threading.Lock()

    def start(self, future: RunFuture[Any], function: Callable[..., Any], /, *args: Any) -> None:
        """Call a function in a thread."""

        def work() -> None:
            try:
                value = function(*args)
            except BaseException as error:  # noqa: BLE001  # raised where the result is asked for
                self._end(future, None, error)
            else:
                self._end(future, value, None)

        with self._lock:
            self._open.add(future)
        queued = self._pool.submit(work)
        future.can_cancel(queued.cancel)

    def start_async(
        self, future: RunFuture[Any], function: Callable[..., Any], /, *args: Any
    ) -> None:
        """Run a coroutine function: as a task of the running loop, else in a thread."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            context = copy_context()
            self.start(future, context.run, lambda: asyncio.run(function(*args)))
            return
        with self._lock:
            self._open.add(future)

        async def work() -> None:
            try:
                value = await function(*args)
            except BaseException as error:  # noqa: BLE001  # as above
                self._end(future, None, error)
            else:
                self._end(future, value, None)

        running = loop.create_task(work())
        future.can_cancel(running.cancel)

    def _end(self, future: RunFuture[Any], value: Any, error: BaseException | None) -> None:
        with self._lock:
            self._open.discard(future)
        future.end(value, error)

    def wait(self) -> None:
        """Wait until everything has ended; tasks may have started others meanwhile."""
        while True:
            with self._lock:
                future = next(iter(self._open), None)
            if future is None:
                return
            future.wait()

    def close(self, *, cancel: bool) -> None:
        """End the threads."""
        self._pool.shutdown(wait=True, cancel_futures=cancel)
