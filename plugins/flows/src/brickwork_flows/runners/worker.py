"""What a process of a `ProcessRunner` does, and what goes to and fro."""

import os
import pickle
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from brickwork import BrickworkError, Scope, Task, mask
from brickwork_flows.context import far_run
from brickwork_flows.current import CurrentRun, current_task_run
from brickwork_flows.errors import NotSendable
from brickwork_flows.runners.far import Here, inside
from brickwork_flows.runners.programs import Files, Unpickler, is_nowhere

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

LOOK_SECONDS = 1.0


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
    order = (Files(), task, args, dict(kwargs), seconds, where)
    if not is_nowhere():
        return _pickled(order, what)
    # As a module, by name, it would go well and not be found there.
    if task.fn.__module__ == "__main__" or _has_cloudpickle():
        return _pickled_whole(order, what, "it is defined in a program without a file")
    return _pickled(order, what)


def _pickled(value: Any, what: str) -> bytes:
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


def work(pipe: "Connection", main: str, held: int | None) -> None:
    """Perform one task after the other, until the pipe is closed at its other end.

    Args:
        pipe: Orders come by it, and what happens is told.
        main: The program, where multiprocessing has not loaded it.
        held: A file that is open as long as this process lives.
    """
    import signal

    # In a group of its own: what tasks begin is killed with it. The parent is told of Ctrl-C.
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if held is not None:
        os.set_inheritable(held, False)
    parent = os.getppid()
    _end_with_parent(parent)
    pipe.send_bytes(pickle.dumps(("ready",)))
    while True:
        try:
            order = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        if os.getppid() != parent:
            return  # it may be run again by somebody else
        telling = Telling(pipe)
        outcome = _performed(order, telling, main)
        try:
            telling.end(outcome)
        except OSError:
            return  # the parent was killed


def _end_with_parent(parent: int) -> None:
    """Kill this process, and what it has begun, as soon as its parent has ended.

    A pipe that only the parent has tells that at once. A process that was forked by it may have the
    pipe, too; so this one also looks who its parent is.
    """
    import signal
    from multiprocessing import parent_process
    from threading import Thread

    process = parent_process()
    assert process is not None  # noqa: S101  # this is none that a program began with

    def watch() -> None:
        while os.getppid() == parent and process.is_alive():
            process.join(LOOK_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(os.getpid(), signal.SIGKILL)

    Thread(target=watch, name="brickwork-parent", daemon=True).start()


class Telling:
    """Tells the parent of retries, and of what is logged, printed and made."""

    def __init__(self, pipe: "Connection") -> None:
        from threading import Lock

        self._pipe = pipe
        self._lock = Lock()
        self._ended = False

    def line(self, at: float, level: int, logger: str, message: str) -> None:
        """Something was logged, from any thread."""
        self._send("line", at, level, logger, message)

    def artifact(self, what: str, *values: object) -> None:
        """An artifact was made, or changed, in any thread."""
        self._send("artifact", what, *values)

    def progress(self, done: float, total: float | None, text: str) -> None:
        """The task says how far it is."""
        self._send("progress", done, total, text)

    def record(self, *events: object) -> None:
        """Something is to be recorded, in any thread."""
        self._send("record", *events)

    def end(self, outcome: Packed) -> None:
        """It has ended, and nothing more is told: what comes next is about another task."""
        self._send("ended", *outcome)

    def _send(self, *what: object) -> None:
        data = pickle.dumps(what)
        with self._lock:
            if not self._ended:
                self._ended = what[0] == "ended"
                self._pipe.send_bytes(data)

    @property
    def run(self) -> CurrentRun | None:
        """What runs, for the user's code."""
        return current_task_run()

    def begins(self) -> None:
        """The task begins; whatever it needed was imported."""
        self._send("begins")

    def retry_planned(self, error: Exception, number: int, delay: float) -> None:
        """An attempt failed, and another one follows."""
        data = _error_pickled(error)
        told = error if data is not None else NotSendable(f"{type(error).__name__}: {error}")
        self._send("retry_planned", told, number, delay)

    def attempt_begins(self, number: int) -> None:
        """That wait is over."""
        context = far_run.get()
        if context is not None:
            context.attempt = number
            context.begin_again()
        self._send("attempt_begins", number)


def _performed(order: bytes, watcher: Telling, main: str) -> Packed:
    try:
        task, args, kwargs, seconds, where = Unpickler(order, main).load()[1:]
    except BaseException as error:  # noqa: BLE001  # as below
        return _failed(_unreadable(error), error)
    try:
        if task.timeout_seconds is not None:
            watcher.begins()
        with Scope(task.name, seconds=seconds), inside(where, watcher):
            value = _perform(task, args, kwargs, watcher)
        return Packed(_pickled(value, f"The result of {task.name!r}"))
    except BaseException as error:  # noqa: BLE001  # raised in the parent
        return _failed(error, error)


def _unreadable(error: BaseException) -> NotSendable:
    what, fix = _described(error), "Define it in a module that this process can import."
    if isinstance(error, BrickworkError):
        what, fix = error.what, error.fix
    return NotSendable(
        f"The task or an argument cannot be read in the process that was to run it: {what}", fix=fix
    )


def _failed(told: BaseException, error: BaseException) -> Packed:
    from traceback import format_exception

    trace = mask("".join(format_exception(error)))
    data = _error_pickled(told)
    if data is None:
        text = f"The task raised what cannot be pickled: {_described(told)}"
        data = pickle.dumps(NotSendable(text))
    return Packed(None, data, trace)


def _described(error: BaseException) -> str:
    from traceback import format_exception_only

    return mask("".join(format_exception_only(error)).strip())


def _perform(task: Task[..., Any], args: Any, kwargs: Any, watcher: Telling) -> Any:
    if not task.is_async:
        return task.perform(args, kwargs, watcher)
    import asyncio

    return asyncio.run(task.perform_async(args, kwargs, watcher))


def _error_pickled(error: BaseException) -> bytes | None:
    """Return an error, pickled; None where that does not give it back."""
    try:
        data = _pickled(error, "The error")
        return data if type(pickle.loads(data)) is type(error) else None  # noqa: S301  # just made
    except Exception:  # noqa: BLE001  # pickling runs anybody's code
        return None
