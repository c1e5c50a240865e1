"""Asks again and again until something is so."""

from collections.abc import Iterator

from brickwork import Scope, check_cancelled, sleep

GROWTH = 1.5


def turns(
    poll_seconds: float, max_wait_seconds: float | None, slowest_seconds: float
) -> Iterator[None]:
    """Give a turn at once, and one after each pause, until the time is up; the last when it is.

    Args:
        poll_seconds: The first pause.
        max_wait_seconds: When to give up; None: never, only with the task.
        slowest_seconds: Pauses grow by a half each time up to this.

    Raises:
        TaskCancelled: The task was cancelled meanwhile.
        TaskTimeout: Its time is up.
    """
    time = Scope(seconds=max_wait_seconds)
    while True:
        check_cancelled()
        yield
        left = None if max_wait_seconds is None else time.remaining()
        if left == 0:
            return
        sleep(poll_seconds if left is None else min(poll_seconds, left))
        poll_seconds = max(poll_seconds, min(poll_seconds * GROWTH, slowest_seconds))
