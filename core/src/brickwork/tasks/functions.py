"""Which functions can be tasks."""

from functools import partial
from types import FunctionType

from brickwork.errors import TaskError

# inspect's flags of code objects; importing inspect costs 14 ms.
_GENERATOR, _COROUTINE, _ITERABLE_COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x100, 0x200


def is_async(fn: object) -> bool:
    """Return whether a function is a coroutine function.

    Raises:
        TaskError: It is no function, or one that cannot be a task.
    """
    if isinstance(fn, staticmethod | classmethod):
        raise TaskError(
            f"{fn!r} cannot be a task.", fix="Write @task below @staticmethod or @classmethod."
        )
    if isinstance(fn, type) or not callable(fn):
        raise TaskError(
            f"{fn!r} is no function.", fix="Put @task on a function; give options by name."
        )
    flags = _flags(fn)
    if flags & _ASYNC_GENERATOR or (flags & _GENERATOR and not flags & _ITERABLE_COROUTINE):
        raise TaskError(
            f"{getattr(fn, '__qualname__', fn)} is a generator: a call does none of its work.",
            fix="Return a list, or take a callback for each element.",
        )
    return bool(flags & (_COROUTINE | _ITERABLE_COROUTINE))


def _flags(fn: object) -> int:
    """Return the flags of the code below partials and bound methods; 0 without code."""
    while True:
        inner = getattr(fn, "__func__", None) or (fn.func if isinstance(fn, partial) else None)
        if inner is None:
            break
        fn = inner
    if not isinstance(fn, FunctionType):
        fn = getattr(type(fn), "__call__", fn)  # noqa: B004 - its code is wanted
    code = getattr(fn, "__code__", None)
    return 0 if code is None else int(code.co_flags)
