"""What a process of a `ProcessRunner` does, and what goes to and fro."""

import pickle
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from brickwork import BrickworkError, Scope, Task, mask
from brickwork_flows.context import far_run
from brickwork_flows.current import CurrentRun, current_task_run
from brickwork_flows.errors import NotSendable
from brickwork_flows.runners.far import Here, inside

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


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
    return _pickled(
        (task, args, dict(kwargs), seconds, where), f"The task {task.name!r} or an argument"
    )


def _pickled(value: Any, what: str) -> bytes:
    try:
        return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    except BrickworkError as error:  # a secret, which says what to do
        raise NotSendable(
            f"{what} cannot go to another process: {error.what}", fix=error.fix
        ) from None
    except Exception as error:  # noqa: BLE001  # pickling runs anybody's code
        reason = f"{type(error).__name__}: {error}"
    try:
        import cloudpickle
    except ImportError:
        raise NotSendable(
            f"{what} cannot go to another process: {mask(reason)}",
            fix="Define the task in a module; or pip install 'brickwork[pickle]'.",
        ) from None
    try:
        data: bytes = cloudpickle.dumps(value)
    except BrickworkError as error:
        raise NotSendable(
            f"{what} cannot go to another process: {error.what}", fix=error.fix
        ) from None
    except Exception as error:  # noqa: BLE001  # as above
        raise NotSendable(
            f"{what} cannot go to another process: {mask(f'{type(error).__name__}: {error}')}",
            fix="Pass what can be pickled, such as a path instead of an open file.",
        ) from None
    return data


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


def work(pipe: "Connection") -> None:
    """Perform one task after the other, until the pipe is closed at its other end."""
    import signal

    # Ctrl-C goes to the whole group; the parent decides, and kills.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            order = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        telling = Telling(pipe)
        outcome = _performed(order, telling)
        try:
            telling.end(outcome)
        except OSError:
            return  # the parent was killed


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


def _performed(order: bytes, watcher: Telling) -> Packed:
    import traceback

    try:
        task, args, kwargs, seconds, where = pickle.loads(order)  # noqa: S301  # from our own process
        with Scope(task.name, seconds=seconds), inside(where, watcher):
            value = _perform(task, args, kwargs, watcher)
        return Packed(_pickled(value, f"The result of {task.name!r}"))
    except BaseException as error:  # noqa: BLE001  # raised in the parent
        trace = mask("".join(traceback.format_exception(error)))
        data = _error_pickled(error)
        if data is None:
            text = mask("".join(traceback.format_exception_only(error)).strip())
            data = pickle.dumps(NotSendable(f"The task raised what cannot be pickled: {text}"))
        return Packed(None, data, trace)


def _perform(task: Task[..., Any], args: Any, kwargs: Any, watcher: Telling) -> Any:
    if not task.is_async:
        return task.perform(args, kwargs, watcher)
    import asyncio

    return asyncio.run(task.perform_async(args, kwargs, watcher))


def _error_pickled(error: BaseException) -> bytes | None:
    """Return an error, pickled; None where that does not give it back."""
    try:
        data = pickle.dumps(error)
        return data if type(pickle.loads(data)) is type(error) else None  # noqa: S301  # just made
    except Exception:  # noqa: BLE001  # pickling runs anybody's code
        return None
