"""Threads that transfer the parts of large objects, shared by all transfers of the process.

Shared, because a folder of large files would otherwise need threads, connections and memory for
each of them: https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html.
"""

import os
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from threading import Lock
from typing import Any, Generic, TypeVar

from brickwork import check_cancelled

R = TypeVar("R")

MIB = 1024 * 1024
THREADS = 8
PART_BYTES = 8 * MIB
"""The size of a part, which S3 wants to be at least 5 MiB; larger for objects beyond 8 GB."""

MAX_BYTES = 48 * MIB
"""How much of all transfers' parts is in memory at once, beside what is being filled."""

MAX_PARTS = 10_000

_lock = Lock()
_pool: ThreadPoolExecutor | None = None
_in_flight: dict[Future[Any], int] = {}


def part_bytes(number: int, total: int | None = None) -> int:
    """Return how large a part is to be, so that 10,000 of them hold the object.

    Args:
        number: The part, from 1.
        total: The object's size; unknown, parts grow as there are more of them, up to 5 TiB in all.
    """
    if total is None:
        return PART_BYTES << ((number - 1) // 1000)
    return max(PART_BYTES, -(-total // MAX_PARTS))


class PartGroup(Generic[R]):
    """The parts of one transfer."""

    def __init__(self) -> None:
        self._futures: list[Future[R]] = []
        self._first_running = 0
        self.stopped = False

    def run(self, size: int, work: Callable[..., R], *args: object) -> None:
        """Have a part transferred; waits while too much is in memory already.

        Args:
            size: Its bytes in memory.
            work: Called with the arguments, in another thread and the context of this one.
            args: The arguments.

        Raises:
            Exception: What an earlier part failed with.
            TaskCancelled, TaskTimeout: The running task is to stop.
        """
        _make_room(size)
        while self._first_running < len(self._futures):
            first = self._futures[self._first_running]
            if not first.done():
                break
            first.result()
            self._first_running += 1
        future = _threads().submit(copy_context().run, work, *args)
        self._futures.append(future)
        with _lock:
            _in_flight[future] = size
        future.add_done_callback(_landed)

    def results(self) -> list[R]:
        """Wait for all parts, and return what they returned, in order; raises as `run`."""
        for future in self._futures:
            future.result()
            check_cancelled()
        return [future.result() for future in self._futures]

    def stop(self) -> None:
        """Drop the parts that have not begun, and wait for those that have."""
        self.stopped = True
        for future in self._futures:
            future.cancel()
        wait(self._futures)


def _make_room(size: int) -> None:
    """Wait until so many bytes more may be in memory. Raises TaskCancelled, TaskTimeout."""
    check_cancelled()
    while True:
        with _lock:
            if not _in_flight or sum(_in_flight.values()) + size <= MAX_BYTES:
                return
            running = list(_in_flight)
        wait(running, return_when=FIRST_COMPLETED)
        check_cancelled()


def _landed(future: Future[Any]) -> None:
    with _lock:
        _in_flight.pop(future, None)


def _threads() -> ThreadPoolExecutor:
    global _pool
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(THREADS, thread_name_prefix="brickwork-s3")
        return _pool


def _forget() -> None:
    # A forked child has none of its parent's threads.
    global _lock, _pool
    _lock, _pool = Lock(), None
    _in_flight.clear()


os.register_at_fork(after_in_child=_forget)
