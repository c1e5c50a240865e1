"""Interrupts a sync call whose time is up. Imported only when a task with a time-out runs.

What is raised inside the call is no `Exception`, so that a task's own error handling does not
swallow it; the attempt turns it into `TaskTimeout` or `TaskCancelled`. User code that catches
`BaseException` and goes on is not interrupted a second time.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from brickwork.errors import TaskError
from brickwork.tasks.alarm import AlarmGuard, alarm_is_free
from brickwork.tasks.scope import Interrupt, Scope

R = TypeVar("R")


class Guard(Protocol):
    """Watches one call, and interrupts it."""

    scope: Scope

    def enter(self) -> None:
        """Begin to watch."""

    def leave(self) -> None:
        """Stop watching; nothing is raised for this guard afterwards. Callable twice."""

    def error(self) -> TaskError:
        """Return the error that an interrupted call ends with."""


def limited(
    scope: Scope, fn: Callable[..., R], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> R:
    """Call a sync function, and interrupt it when the scope's own time is up.

    On the main thread a signal does it, even while the call blocks. In other threads, and where
    somebody else uses SIGALRM, the call ends at its next bytecode: a blocking system call or C
    function returns first.

    Raises:
        TaskTimeout: The time was up.
    """
    if alarm_is_free():
        return guarded(AlarmGuard(scope), fn, args, kwargs)
    from brickwork.tasks.threads import ThreadGuard

    return guarded(ThreadGuard(scope), fn, args, kwargs)


def guarded(
    guard: Guard, fn: Callable[..., R], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> R:
    """Call a sync function under a guard.

    Raises:
        TaskTimeout: The time was up.
        TaskCancelled: The guard was told to stop the call.
    """
    try:
        try:
            guard.enter()
            return fn(*args, **kwargs)
        finally:
            guard.leave()
    except Interrupt as interrupt:
        guard.leave()  # it may have come in the middle of leaving
        if interrupt.scope is not guard.scope:
            raise
        # With the traceback, which shows where the call was; without the interrupt itself.
        raise guard.error().with_traceback(interrupt.__traceback__) from None
