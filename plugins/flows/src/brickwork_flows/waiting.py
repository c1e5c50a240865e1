"""Waiting for many futures."""

import time
from collections.abc import Iterable, Iterator
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from brickwork import TaskFuture, check_cancelled
from brickwork_flows.futures import RunFuture, block, of_flows

R = TypeVar("R")


def wait(
    futures: Iterable[TaskFuture[R]], timeout: float | None = None
) -> tuple[set[RunFuture[R]], set[RunFuture[R]]]:
    """Wait for futures; return those that have ended, and those that have not.

    Args:
        futures: What to wait for.
        timeout: Seconds to wait at most, for all together.
    """
    wanted = [of_flows(future) for future in futures]
    end = None if timeout is None else time.monotonic() + timeout
    for future in wanted:
        future.wait(None if end is None else max(0.0, end - time.monotonic()))
    done = {future for future in wanted if future.done()}
    return done, set(wanted) - done


def as_completed(
    futures: Iterable[TaskFuture[R]], timeout: float | None = None
) -> Iterator[RunFuture[R]]:
    """Give futures back in the order in which they end.

    Raises:
        TimeoutError: Some have not ended by then.
    """
    wanted = [of_flows(future) for future in futures]
    ended: SimpleQueue[RunFuture[R] | None] = SimpleQueue()
    for future in wanted:
        future.add_done_callback(ended.put)
    end = None if timeout is None else time.monotonic() + timeout
    left = len(wanted)
    try:
        while left:
            future_ended = _next_ended(ended, end)
            if future_ended is not None:
                left -= 1
                yield future_ended
            elif end is not None and time.monotonic() >= end:
                raise TimeoutError(f"{left} of {len(wanted)} futures have not ended")
    finally:
        for future in wanted:
            future.forget(ended.put)


def _next_ended(ended: Any, end: float | None) -> Any:
    found: list[Any] = []

    def get(limit: float | None) -> None:
        try:
            found.append(ended.get(timeout=limit))
        except Empty:
            return

    if not ended.empty():
        return ended.get()
    left = None if end is None else max(0.0, end - time.monotonic())
    block(get, lambda: ended.put(None), left)
    if not found or found[0] is None:
        check_cancelled()
        return None
    return found[0]
