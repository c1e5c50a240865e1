"""Calls handlers: those with async on the event loop, the others in threads."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from inspect import isawaitable, iscoroutinefunction
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")
_log = logging.getLogger(__name__)


class StillRunning(asyncio.CancelledError):
    """It was cancelled, and its thread cannot be stopped: how the handler ends is not known."""


class Called(NamedTuple):
    """How a handler ended.

    Attributes:
        failed: Whether it raised; that is logged.
        result: What it returned, awaited if it can be.
    """

    failed: bool
    result: Any = None


class Calls:
    """The requests that are being handled.

    Args:
        threads: How many handlers without async may run at once.
        name: How the names of their threads begin.
    """

    def __init__(self, threads: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(threads, name)
        self._tasks: dict[asyncio.Task[Any], str] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, handling: Coroutine[Any, Any, T], what: str) -> asyncio.Task[T]:
        """Begin to handle a request; it goes on where the sender does not wait for it.

        Args:
            handling: What is to be done.
            what: What is handled, for the log.
        """
        task = asyncio.create_task(handling)
        self._tasks[task] = what
        task.add_done_callback(self._tasks.pop)
        return task

    async def call(
        self,
        handler: Callable[[Any], object],
        request: object,
        what: str,
        read: Callable[[object], object] | None = None,
    ) -> Called:
        """Call a handler. What it raises ends no server: it is logged.

        Args:
            handler: With async, it runs on the event loop, else in a thread, with the context
                variables of here.
            request: Its argument.
            what: What is handled, for the log.
            read: Makes the result of what it returned; what this raises is the handler's fault.

        Raises:
            StillRunning: It was cancelled while a thread runs the handler.
            CancelledError: It was cancelled, and the handler with it.
        """
        try:
            if is_async(handler):
                result = handler(request)
            else:
                result = await self._in_thread(handler, request)
            if isawaitable(result):
                result = await result
            return Called(False, result if read is None else read(result))
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            _log.exception("the handler of %s failed", what)
            return Called(True)

    async def _in_thread(self, handler: Callable[[Any], object], request: object) -> object:
        future = self._pool.submit(copy_context().run, _attempt, handler, request)
        try:
            result, error = await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if future.cancelled():  # before it began
                raise
            raise StillRunning from None
        if error is not None:
            raise error
        return result

    async def finish(self, seconds: float) -> None:
        """Wait for all that is being handled; after so many seconds, stop what can be stopped."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(set(self._tasks), timeout=seconds)
        for task in late:
            _log.error("the handler of %s did not end within %g s", self._tasks[task], seconds)
            task.cancel()
        if late:
            await asyncio.wait(late)


def is_async(handler: Callable[..., object]) -> bool:
    """Tell whether a call gives a coroutine; also that of an object, or of one in a partial."""
    call = getattr(type(handler), "__call__", None)  # noqa: B004  # whether it is async
    return iscoroutinefunction(handler) or iscoroutinefunction(call)


def _attempt(
    handler: Callable[[Any], object], request: object
) -> tuple[object, BaseException | None]:
    try:
        return handler(request), None
    except BaseException as error:  # noqa: BLE001  # a future cannot bring all: no StopIteration
        return None, error
