"""What goes to a process that runs tasks, and what comes back: pickled."""

import pickle
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from brickwork import BrickworkError, Task, mask
from brickwork_flows.errors import NotSendable
from brickwork_flows.runners.far import Here
from brickwork_flows.runners.programs import Program, is_nowhere


class Packed(NamedTuple):
    """How a task ended.

    Attributes:
        value: What it returned, pickled.
        error: What it raised, pickled.
        trace: The traceback of that, as text, with secrets hidden.
    """

    value: bytes | None
    error: bytes | None = None
    trace: str = ""


class RemoteTraceback(Exception):
    """The cause of an error that came from another process: its traceback there, as text."""

    def __str__(self) -> str:
        return f"in the process that ran it:\n{self.args[0]}"


def packed(
    task: Task[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    seconds: float | None,
    where: Here | None = None,
) -> bytes:
    """Return an order for a worker.

    Raises:
        NotSendable: Something in it cannot be pickled.
    """
    what = f"The task {task.name!r} or an argument"
    order = (Program(), task, args, dict(kwargs), seconds, where)
    if not is_nowhere():
        return pickled(order, what)
    # As a module, by name, it would go well and not be found there.
    if task.fn.__module__ == "__main__" or _has_cloudpickle():
        return _pickled_whole(order, what, "it is defined in a program without a file")
    return pickled(order, what)


def pickled(value: Any, what: str) -> bytes:
    """Return a value pickled; by cloudpickle, if that is there, where pickle does not do.

    Args:
        value: The value.
        what: What it is, for the error.

    Raises:
        NotSendable: It cannot be pickled.
    """
    try:
        return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    except BrickworkError as error:  # a secret, which says what to do
        raise _not_sendable(what, error.what, error.fix) from None
    except Exception as error:  # noqa: BLE001  # pickling runs anybody's code
        reason = f"{type(error).__name__}: {error}"
    return _pickled_whole(value, what, reason)


def _pickled_whole(value: Any, what: str, reason: str) -> bytes:
    """Pickle functions and classes that nobody can import as what they are made of."""
    if not _has_cloudpickle():
        fix = "Define the task in a module; or pip install 'brickwork[pickle]'."
        raise _not_sendable(what, reason, fix)
    from io import BytesIO

    import cloudpickle

    class Pickler(cloudpickle.CloudPickler):  # type: ignore[misc]  # it has no types
        def reducer_override(self, each: Any) -> Any:
            if isinstance(each, Task) and each.__module__ == "__main__":
                return _task_of, (each.fn, each.options)
            return super().reducer_override(each)

    written = BytesIO()
    try:
        Pickler(written).dump(value)
    except BrickworkError as error:
        raise _not_sendable(what, error.what, error.fix) from None
    except Exception as error:  # noqa: BLE001  # as above
        fix = "Pass what can be pickled, such as a path instead of an open file."
        raise _not_sendable(what, f"{type(error).__name__}: {error}", fix) from None
    return written.getvalue()


def _task_of(fn: Any, options: Any) -> Task[..., Any]:
    return Task(fn, **options)


@cache
def _has_cloudpickle() -> bool:
    from importlib.util import find_spec

    return find_spec("cloudpickle") is not None


def _not_sendable(what: str, reason: str, fix: str) -> NotSendable:
    return NotSendable(f"{what} cannot go to another process: {mask(reason)}", fix=fix)


def unpacked(outcome: Packed) -> Any:
    """Return what a task returned, or raise what it raised, with its traceback as the cause.

    Raises:
        NotSendable: It cannot be unpickled here.
    """
    data = outcome.value if outcome.error is None else outcome.error
    try:
        value = pickle.loads(data or b"")  # noqa: S301  # from our own process
    except Exception as error:  # noqa: BLE001  # unpickling runs anybody's code
        raise NotSendable(
            f"What the task returned or raised cannot be read here: {type(error).__name__}."
            f"\n{outcome.trace}"
        ) from None
    if outcome.error is None:
        return value
    raise value from RemoteTraceback(outcome.trace)


def error_pickled(error: BaseException) -> bytes | None:
    """Return an error, pickled; None where that does not give it back."""
    try:
        data = pickled(error, "The error")
        return data if type(pickle.loads(data)) is type(error) else None  # noqa: S301  # just made
    except Exception:  # noqa: BLE001  # pickling runs anybody's code
        return None
