"""Several targets at once, and all of them stopped by one Ctrl-C."""

from collections.abc import Callable, Sequence
from typing import TypeVar

MAX_PARALLEL = 16

T = TypeVar("T")
R = TypeVar("R")


def at_once(function: Callable[[T], R], items: Sequence[T], name: str) -> list[R]:
    """Call a function with each of several items at the same time; return the results in order.

    Each call runs in a copy of the caller's context, where the vault in use is found. Ctrl-C, and
    any error of a call, cancels the scope that all calls run in, so that their waits end.

    Args:
        function: What is called.
        items: With what.
        name: The beginning of the threads' names.
    """
    if len(items) < 2:
        return [function(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor
    from contextvars import copy_context

    from brickwork.tasks import Scope

    workers = min(len(items), MAX_PARALLEL)
    with ThreadPoolExecutor(workers, name) as pool, Scope(name) as scope:
        calls = [pool.submit(copy_context().run, function, item) for item in items]
        try:
            return [call.result() for call in calls]
        except BaseException:
            scope.cancel()
            for call in calls:
                call.cancel()
            raise
