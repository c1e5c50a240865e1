"""Interrupts a sync call whose time is up. Imported only when a task with a time-out runs.

What is raised inside the call is no `Exception`, so that a task's own error handling does not
swallow it; the attempt turns it into `TaskTimeout` or `TaskCancelled`.
"""

import gc
import os
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, ClassVar, Protocol, TypeVar
from weakref import ref

from brickwork.errors import TaskError
from brickwork.tasks.scope import Scope

R = TypeVar("R")

# How soon to look again: whether an interrupt was swallowed, or can be raised by now.
LOOK_AGAIN_SECONDS = 0.05
TRY_AGAIN_SECONDS = 0.001


class Interrupt(BaseException):
    """Raised inside a call to end it; never leaves the attempt whose scope it names."""

    scope: ClassVar[Scope | None] = None
    raised: "ClassVar[ref[Interrupt] | None]" = None

    def __init__(self) -> None:
        super().__init__()
        type(self).raised = ref(self)

    @classmethod
    def of(cls, scope: Scope) -> "type[Interrupt]":
        """Return a class of its own for one scope: CPython sets classes in other threads."""
        return type("Interrupt", (cls,), {"scope": scope, "__module__": __name__})

    @classmethod
    def was_swallowed(cls) -> bool:
        """Return whether it was raised and is gone: neither on its way nor being handled."""
        return cls.raised is not None and cls.raised() is None


def would_be_lost(frame: FrameType | None) -> bool:
    """Return whether CPython only prints what is raised in a frame.

    So it does in finalizers, and in callbacks of weak references and of the garbage collector.
    Not every one can be told from its frame; the rest is found by `Interrupt.was_swallowed`.
    """
    callbacks = {getattr(callback, "__code__", None) for callback in gc.callbacks}
    while frame is not None and frame.f_code is not guarded.__code__:
        code = frame.f_code
        module = frame.f_globals.get("__name__")
        if code in callbacks or code.co_name == "__del__" or module in ("weakref", "_weakrefset"):
            return True
        frame = frame.f_back
    return False


def at_fork(forget: Callable[[], object]) -> None:
    """Have ``forget`` called in every child process: what watched the time is not in it."""
    os.register_at_fork(after_in_child=forget)


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
    from brickwork.tasks.alarm import AlarmGuard, alarm_is_free

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
    except BaseException as error:
        guard.leave()  # it may have come in the middle of leaving, and a Ctrl-C as well
        if not isinstance(error, Interrupt) or error.scope is not guard.scope:
            raise
        # With the traceback, which shows where the call was; without the interrupt itself.
        raise guard.error().with_traceback(error.__traceback__) from None
