"""What a process of a `ProcessRunner` does."""

import os
import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from brickwork import BrickworkError, Scope, Task, mask
from brickwork_flows.context import far_run
from brickwork_flows.current import CurrentRun, current_task_run
from brickwork_flows.errors import NotSendable
from brickwork_flows.runners.far import inside
from brickwork_flows.runners.orders import Packed, error_pickled, pickled
from brickwork_flows.runners.programs import Unpickler

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

LOOK_SECONDS = 1.0
READY = b"ready"


def perform_order(order: bytes, tell: Callable[[bytes], object]) -> None:
    """Perform a task for a runner that works elsewhere, in the process that it works in.

    Args:
        order: What `RemoteCall.order` is there. Reading it can run code: take it only from those
            who may run theirs here.
        tell: Is called with what `RemoteCall.hear` is to be given, from any thread, also while the
            task runs; at last with how it ended.
    """
    telling = Telling(tell)
    telling.end(_performed(order, telling))


def work(pipe: "Connection", held: int | None) -> None:
    """Perform one task after the other, until the pipe is closed at its other end.

    Args:
        pipe: Orders come by it, and what happens is told.
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
    pipe.send_bytes(READY)
    while True:
        try:
            order = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        if os.getppid() != parent:
            return  # it may be run again by somebody else
        try:
            perform_order(order, pipe.send_bytes)
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

    def __init__(self, tell: Callable[[bytes], object]) -> None:
        from threading import Lock

        self._tell = tell
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
        data = pickled(what, "What the task tells")
        with self._lock:
            if not self._ended:
                self._ended = what[0] == "ended"
                self._tell(data)

    @property
    def run(self) -> CurrentRun | None:
        """What runs, for the user's code."""
        return current_task_run()

    def begins(self) -> None:
        """The task begins; whatever it needed was imported."""
        self._send("begins")

    def retry_planned(self, error: Exception, number: int, delay: float) -> None:
        """An attempt failed, and another one follows."""
        told = error_pickled(error) is not None
        kept = error if told else NotSendable(f"{type(error).__name__}: {error}")
        self._send("retry_planned", kept, number, delay)

    def attempt_begins(self, number: int) -> None:
        """That wait is over."""
        context = far_run.get()
        if context is not None:
            context.attempt = number
            context.begin_again()
        self._send("attempt_begins", number)


def _performed(order: bytes, watcher: Telling) -> Packed:
    try:
        task, args, kwargs, seconds, where = Unpickler(order).load()[1:]
    except BaseException as error:  # noqa: BLE001  # as below
        return _failed(_unreadable(error), error)
    try:
        watcher.begins()  # before anything else is done: who hears nothing may call it elsewhere
        with Scope(task.name, seconds=seconds), inside(where, watcher):
            value = _perform(task, args, kwargs, watcher)
        return Packed(pickled(value, f"The result of {task.name!r}"))
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
    data = error_pickled(told)
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
