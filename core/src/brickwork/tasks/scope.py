"""What runs now: its deadline, whether it should stop, and whom it reports its progress to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, NamedTuple, Self

from brickwork.errors import TaskCancelled, TaskError, TaskTimeout
from brickwork.tasks import clock as time_source

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop


class Scope:
    """A stretch of work that can be told to stop, and that may have a deadline.

    Every attempt of a task runs in a scope of its own. A caller who wants to cancel opens one
    around the calls, and keeps it for another thread::

        with Scope("nightly import") as scope:
            stop_button.on_click(scope.cancel)
            import_everything()

    Scopes nest: a scope is over when one around it is. Stopping is agreed, not forced: the wait
    before a retry ends at once, an async task is cancelled at its ``await``, no further task
    starts; a sync task that works on is expected to look at `cancelled`. A deadline given here
    is told to the tasks by `remaining`; only a task's own ``timeout_seconds`` interrupts.

    Args:
        name: Named in the errors.
        seconds: Time until the deadline; without it, that of the scope around.

    Attributes:
        name: As given.
        attempt: Which attempt of a task this is, from 1.
        parent: The scope around this one.
        stopped: Whether this very scope was cancelled.
        wakers: What `cancel` calls, see `waking`.
        ends: The deadline of this scope alone, on the task clock; None without one.
        deadline: The tightest of this scope's and those around.
    """

    __slots__ = (
        "_seconds",
        "_token",
        "attempt",
        "deadline",
        "ends",
        "name",
        "parent",
        "stopped",
        "wakers",
    )

    def __init__(self, name: str = "", *, seconds: float | None = None, attempt: int = 1) -> None:
        self.name = name
        self.attempt = attempt
        self.parent = parent = current_scope.get()
        self.stopped = False
        self.wakers: list[Callable[[], None]] | None = None
        self._token: Token[Scope | None] | None = None
        self._seconds = seconds
        outer = None if parent is None else parent.deadline
        self.ends: float | None = None
        self.deadline: float | None = outer
        if seconds is not None:
            self.ends = ends = time_source.clock.now() + seconds
            if outer is None or ends < outer:
                self.deadline = ends

    def __enter__(self) -> Self:
        self._token = current_scope.set(self)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._token is not None:
            current_scope.reset(self._token)

    def cancel(self) -> None:
        """Ask everything in this scope to stop. Callable from any thread, more than once."""
        self.stopped = True
        for wake in tuple(self.wakers or ()):
            wake()

    def remaining(self) -> float | None:
        """Return the seconds until the deadline, never below 0; None without one."""
        if self.deadline is None:
            return None
        return max(0.0, self.deadline - time_source.clock.now())

    def cancelled(self) -> bool:
        """Return whether the work should stop: somebody asked, or the time is up."""
        return self._was_cancelled() or self.remaining() == 0.0

    def check(self) -> None:
        """Go on, or stop by an error.

        Raises:
            TaskCancelled: This scope, or one around it, was cancelled.
            TaskTimeout: The time of this scope, or of one around it, is up.
        """
        if self.cancelled():
            raise self.error()

    def error(self) -> TaskError:
        """Return the error that says why this scope is over."""
        if self._was_cancelled():
            return TaskCancelled(f"{self._subject()} was cancelled.")
        return self._overdue().timed_out()

    @contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """Have ``wake`` called when this scope or one around it is cancelled, also if it was."""
        chain = tuple(self._chain())
        for scope in chain:
            if scope.wakers is None:
                scope.wakers = []
            scope.wakers.append(wake)
        try:
            if self._was_cancelled():
                wake()
            yield
        finally:
            for scope in chain:
                if scope.wakers is not None:
                    scope.wakers.remove(wake)

    def _chain(self) -> "Iterator[Scope]":
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def _was_cancelled(self) -> bool:
        scope: Scope | None = self
        while scope is not None:
            if scope.stopped:
                return True
            scope = scope.parent
        return False

    def _overdue(self) -> "Scope":
        """Return the outermost scope whose own time is up; this one, if there is none."""
        now = time_source.clock.now()
        late = [s for s in self._chain() if s.ends is not None and s.ends <= now]
        return late[-1] if late else self

    def timed_out(self) -> TaskTimeout:
        """Return the error that says that this scope's own time is up."""
        within = "in time" if self._seconds is None else f"within {self._seconds:g} s"
        return TaskTimeout(
            f"{self._subject()} did not end {within}.",
            fix="Give it less to do, or raise timeout_seconds.",
        )

    def _subject(self) -> str:
        return f"Task {self.name!r}" if self.name else "The work"


current_scope: ContextVar[Scope | None] = ContextVar("brickwork_scope", default=None)


def remaining() -> float | None:
    """Return the seconds that are left to the running task, to hand to SDKs and sockets.

    The tightest of its own time-out and of those around it; never below 0; None when nothing
    limits it.
    """
    scope = current_scope.get()
    return None if scope is None else scope.remaining()


def cancelled() -> bool:
    """Return whether the running task should stop: it was cancelled, or its time is up.

    Long work asks between two pieces of it. False outside of a task.
    """
    scope = current_scope.get()
    return scope is not None and scope.cancelled()


def check_cancelled() -> None:
    """Go on, or stop the running task by an error.

    Raises:
        TaskCancelled: The task, or what it belongs to, was cancelled.
        TaskTimeout: Its time is up.
    """
    scope = current_scope.get()
    if scope is not None:
        scope.check()


class Progress(NamedTuple):
    """How far a task is.

    Attributes:
        task: The task's name; empty outside of a task.
        done: How much is done, in whatever unit the task counts.
        total: How much there is to do; None when nobody knows.
        text: What it is doing, for people.
        scope: The attempt that reports: tells two runs of one task apart.
    """

    task: str
    done: float
    total: float | None
    text: str
    scope: Scope | None


_listeners: ContextVar[tuple[Callable[[Progress], object], ...]] = ContextVar(
    "brickwork_progress", default=()
)


def progress(done: float, total: float | None = None, text: str = "") -> None:
    """Report how far the running task is; nearly free when nobody listens.

    Args:
        done: How much is done, in whatever unit the task counts.
        total: How much there is to do, when it is known.
        text: What it is doing, for people; never a secret.
    """
    listeners = _listeners.get()
    if not listeners:
        return
    scope = current_scope.get()
    report = Progress("" if scope is None else scope.name, done, total, text, scope)
    for listener in listeners:
        try:
            listener(report)
        except Exception:  # noqa: BLE001 - a display that fails must not break the work
            _log_failed(listener)


@contextmanager
def on_progress(listener: Callable[[Progress], object]) -> Iterator[None]:
    """Hear the progress of every task that is called inside.

    Args:
        listener: Called at each report, in the thread that reports; must be quick. When it
            fails, that is logged and the work goes on.
    """
    token = _listeners.set((*_listeners.get(), listener))
    try:
        yield
    finally:
        _listeners.reset(token)


def _log_failed(listener: object) -> None:
    import logging

    logging.getLogger("brickwork.tasks").warning(
        "a progress listener failed: %r", listener, exc_info=True
    )


def sleep(seconds: float) -> None:
    """Wait, until the running task is over at the latest: between two questions to a service.

    Args:
        seconds: How long; tests that skip the waits of retries skip this one too.

    Raises:
        TaskCancelled: The task, or what it belongs to, was cancelled before or meanwhile.
        TaskTimeout: Its time is up.
    """
    from threading import Event

    over = Event()
    scope = current_scope.get()
    if scope is None:
        time_source.clock.wait(seconds, over)
        return
    with scope.waking(over.set):
        time_source.clock.wait(seconds, over)
    scope.check()


async def sleep_async(seconds: float) -> None:
    """Wait in the same way without blocking the event loop.

    Raises:
        TaskCancelled: The task, or what it belongs to, was cancelled before or meanwhile.
        TaskTimeout: Its time is up.
    """
    import asyncio

    over = asyncio.Event()
    scope = current_scope.get()
    if scope is None:
        await time_source.clock.wait_async(seconds, over)
        return
    loop = asyncio.get_running_loop()
    with scope.waking(lambda: call_soon(loop, over.set)):
        await time_source.clock.wait_async(seconds, over)
    scope.check()


def call_soon(loop: "AbstractEventLoop", callback: Callable[[], object]) -> None:
    """Run a callback in a loop, asked for from any thread."""
    with suppress(RuntimeError):  # the loop is closed: nothing there waits any more
        loop.call_soon_threadsafe(callback)
