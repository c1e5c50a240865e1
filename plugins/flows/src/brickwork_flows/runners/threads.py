"""The runner that is there without being asked for: threads of this process."""

import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import copy_context
from functools import partial
from typing import Any, Self

from brickwork import InvalidArguments, Task, stoppable
from brickwork_flows.futures import RunFuture
from brickwork_flows.runners.interface import Parked, TaskRunner, Watching
from brickwork_flows.runners.pool import Pool

MAX_THREADS = 32

GRACE_SECONDS = 0.75
"""How long a cancelled task may take to stop, before its thread is left behind."""


class _Work:
    """A function that a thread calls for a future. A class, since closures would be a cycle."""

    __slots__ = ("_function", "_future", "_threads")

    def __init__(self, threads: Pool, future: RunFuture[Any], function: Callable[[], Any]) -> None:
        self._threads = threads
        self._future = future
        self._function = function

    def __call__(self) -> None:
        if self._future.done():  # it was cancelled before
            return
        self._go_on(self._function)

    def _go_on(self, function: Callable[[], Any]) -> None:
        try:
            value = function()
        except Parked as parked:
            then = partial(self._go_on, parked.go_on)
            parked.wait(partial(self._threads.put, then))
        except BaseException as error:  # noqa: BLE001  # raised where the result is asked for
            self._future.end(None, error)
        else:
            self._future.end(value)


class ThreadRunner(TaskRunner):
    """Runs tasks in threads of this process.

    They begin in the order in which they were submitted. A task that waits for a future leaves its
    place meanwhile, so that tasks which wait for each other never use up all places.

    Args:
        max_workers: How many at once; those that wait for futures are not counted.

    Raises:
        InvalidArguments: ``max_workers`` is below 1.
    """

    parks = True

    def __init__(self, max_workers: int = MAX_THREADS) -> None:
        if max_workers < 1:
            raise InvalidArguments(
                f"A runner with {max_workers} workers runs nothing.", fix="Give 1 or more."
            )
        self.max_workers = max_workers
        self._threads = Pool(max_workers, "brickwork-task")
        self._open: dict[RunFuture[Any], None] = {}  # in the order in which they came
        self._in_loop: set[Any] = set()
        self._lock = threading.Lock()

    def fresh(self) -> Self:
        """Return a runner with the same settings."""
        return type(self)(self.max_workers)

    def start(self, future: RunFuture[Any], function: Callable[[], Any], /) -> None:
        """Call a function in a thread."""
        self._watch(future)
        self._threads.put(_Work(self._threads, future, function))

    def start_async(self, future: RunFuture[Any], function: Callable[[], Any], /) -> None:
        """Run a coroutine function: as a task of the running loop, else in a thread."""
        asyncio = sys.modules.get("asyncio")
        loop = None if asyncio is None else asyncio._get_running_loop()  # noqa: SLF001  # None without one
        if loop is None:
            context = copy_context()
            self.start(future, lambda: context.run(_run, function))
            return

        async def work() -> None:
            try:
                value = await function()
            except BaseException as error:  # noqa: BLE001  # as above
                future.end(None, error)
            else:
                future.end(value)

        self._watch(future)
        future.loop = threading.get_ident()
        running = loop.create_task(work())
        self._in_loop.add(running)  # the loop alone would let it be collected
        running.add_done_callback(self._in_loop.discard)

    def perform(
        self,
        task: Task[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        watcher: Watching,
        /,
    ) -> Any:
        """Do the work here; when it is cancelled, it is interrupted at its next bytecode."""
        return stoppable(task.perform, args, kwargs, watcher)

    def _watch(self, future: RunFuture[Any]) -> None:
        with self._lock:
            self._open[future] = None
        future.add_done_callback(self._ended)

    def _ended(self, future: RunFuture[Any]) -> None:
        with self._lock:
            self._open.pop(future, None)

    def wait(self) -> None:
        """Wait until everything has ended; tasks may have started others meanwhile."""
        while True:
            with self._lock:
                future = next(iter(self._open), None)
            if future is None:
                return
            future.wait()

    def close(self, *, cancel: bool) -> None:
        """End the threads; what does not stop soon after it was cancelled is left behind."""
        stopped = self.cancel() if cancel else True
        self._threads.close(GRACE_SECONDS if stopped else 0.0)

    def cancel(self) -> bool:
        """Cancel what has not ended; return whether it stopped before the grace was over."""
        with self._lock:
            pending = list(self._open)
        here = threading.get_ident()
        for future in pending:
            future.cancel()
        stopped, end = True, time.monotonic() + GRACE_SECONDS
        for future in pending:
            if future.loop == here:
                continue  # ends when the loop of here goes on
            if not future.done() and not _ends(future, end):
                future.leave_behind()
                stopped = False
        return stopped


def _ends(future: RunFuture[Any], end: float) -> bool:
    ended = threading.Event()
    future.add_done_callback(lambda _: ended.set())
    return ended.wait(max(0.0, end - time.monotonic()))


def _run(function: Callable[[], Any]) -> Any:
    import asyncio

    return asyncio.run(function())
