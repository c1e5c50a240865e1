"""Runs one attempt inside an event loop: an async function, or a sync one in a thread."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextvars import copy_context
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from brickwork.errors import TaskError
from brickwork.tasks import clock as time_source
from brickwork.tasks.interrupt import guarded
from brickwork.tasks.scope import Scope, call_soon
from brickwork.tasks.threads import ThreadGuard

R = TypeVar("R")


class LoopGuard:
    """Cancels the asyncio task inside when its scope is over, and says so by our error.

    Like `asyncio.timeout`, with two causes: the scope's own deadline, and its cancelling from any
    thread. A cancelling by others passes through, and so does the task's own TimeoutError.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._loop = asyncio.get_running_loop()
        self._error: TaskError | None = None
        self._left = False

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise TaskError(
                f"Task {self._scope.name!r} has a time-out, and no asyncio task runs it.",
                fix="Await it in a coroutine that asyncio runs, for example by asyncio.run().",
            )
        self._task = task
        self._cancelling = task.cancelling()
        ends = self._scope.ends
        left = None if ends is None else ends - time_source.clock.now()
        self._timer = None if left is None else self._loop.call_later(left, self._stop, True)
        self._waking = self._scope.waking(lambda: call_soon(self._loop, self._stop))
        self._waking.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._left = True  # a stop that is already in the loop's queue comes too late
        if self._timer is not None:
            self._timer.cancel()
        self._waking.__exit__(None, None, None)
        if self._error is None:
            return
        # Ours is taken back; when others cancelled as well, theirs goes on.
        others = self._task.uncancel() > self._cancelling
        if isinstance(error, asyncio.CancelledError) and not others:
            raise self._error.with_traceback(traceback) from None

    def _stop(self, late: bool = False) -> None:
        if not self._left and self._error is None:
            self._error = self._scope.timed_out() if late else self._scope.error()
            self._task.cancel()


async def in_loop(
    scope: Scope, fn: Callable[..., Awaitable[R]], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> R:
    """Await an async function under its scope.

    Raises:
        TaskTimeout: The scope's own time was up.
        TaskCancelled: The scope, or one around it, was cancelled.
    """
    with LoopGuard(scope):
        return await fn(*args, **kwargs)


async def in_thread(
    scope: Scope, fn: Callable[..., R], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> R:
    """Call a sync function in a worker thread, with the context variables of here.

    When the caller is cancelled, the call is interrupted at its next bytecode, and the cancelling
    goes on only after it has ended: nobody retries while the old call still runs.

    Raises:
        TaskTimeout: The scope's own time was up.
    """
    guard = ThreadGuard(scope)
    call = partial(copy_context().run, guarded, guard, fn, args, kwargs)
    future = asyncio.get_running_loop().run_in_executor(None, call)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        if not future.done():
            scope.cancel()
            if guard.stop():
                await _ended(future)
            else:
                future.cancel()
        raise


async def _ended(future: "asyncio.Future[Any]") -> None:
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError:
            continue  # asked again; the thread was told already
    if not future.cancelled():
        future.exception()  # was looked at: asyncio need not warn that nobody did
