"""Futures: tasks that run elsewhere, and the waiting for what they return."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

from brickwork import (
    InvalidArguments,
    Scope,
    TaskCancelled,
    TaskFuture,
    check_cancelled,
    remaining,
)
from brickwork_flows.errors import EndlessWait
from brickwork_flows.states import State, StateType

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

R = TypeVar("R")
T = TypeVar("T")


class HasState(Protocol):
    """A run, as its future sees it."""

    @property
    def state(self) -> State:
        """The state that it is in."""

    def leave_behind(self) -> None:
        """Record that it was cancelled and does not stop."""


class RunFuture(Generic[R]):
    """The result of a task that was submitted.

    Given to another task, also deep in a list, a tuple, a dict or a set, it makes that task wait
    for it and get the result.

    Attributes:
        name: The task's name.
        key: Which call of its flow it is.
    """

    __slots__ = (
        "_callbacks",
        "_done",
        "_error",
        "_lock",
        "_never_began",
        "_run",
        "_scope",
        "_state",
        "_value",
        "asked",
        "key",
        "loop",
        "name",
        "submitted",
        "waits_for",
    )

    def __init__(
        self, name: str, key: str, never_began: Callable[[], object] | None = None
    ) -> None:
        self.name = name
        self.key = key
        self.asked = False  # whether somebody was told how it ended
        self.submitted = False  # whether a runner does the work
        self.loop: int | None = None  # the thread of the event loop that runs it
        self.waits_for: RunFuture[Any] | None = None
        self._lock = threading.Lock()
        self._done = False
        self._value: R | None = None
        self._error: BaseException | None = None
        self._callbacks: tuple[Callable[[RunFuture[R]], object], ...] = ()
        self._scope: Scope | None = None
        self._run: HasState | None = None
        self._state: State | None = None
        self._never_began = never_began

    def result(self, timeout: float | None = None) -> R:
        """Wait for the result and return it, or raise what the task raised.

        Args:
            timeout: Seconds to wait at most.

        Raises:
            TimeoutError: It has not ended by then, and runs on.
            TaskCancelled: It was cancelled; or the task that waits here was.
            EndlessWait: It waits for what waits here, or for the event loop of here.
        """
        if not self.wait(timeout):
            raise TimeoutError(f"{self.key} has not ended within {timeout:g} s")
        return self._ended()

    async def aresult(self) -> R:
        """`result` without blocking the event loop."""
        await self.await_end()
        return self._ended()

    async def await_end(self) -> None:
        """`wait` without blocking the event loop."""
        if self._done:
            return
        import asyncio

        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        wake = _waker(loop, ended.set)
        with waiting_for(self), scope_here().waking(lambda: wake(self)):
            self.add_done_callback(wake)
            try:
                await ended.wait()
            finally:
                self.forget(wake)
        if not self._done:
            check_cancelled()

    def _ended(self) -> R:
        self.asked = True
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # set with _done

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has ended, and tell whether it has.

        Args:
            timeout: Seconds to wait at most.

        Raises:
            TaskCancelled: The task that waits here was cancelled.
            TaskTimeout: The time of the task that waits here is up.
            EndlessWait: It waits for what waits here, or for the event loop of here.
        """
        if self._done:
            return True
        event = threading.Event()

        def wake(_: object = None) -> None:
            event.set()

        with waiting_for(self, blocking=True):
            self.add_done_callback(wake)
            try:
                block(event.wait, wake, timeout)
            finally:
                self.forget(wake)
        if not self._done:
            check_cancelled()
        return self._done

    def done(self) -> bool:
        """Return whether it has ended, in whatever way."""
        return self._done

    def exception(self) -> BaseException | None:
        """Return what it raised; None where it has not ended, or ended well."""
        self.asked = self.asked or self._done
        return self._error

    @property
    def state(self) -> State:
        """The state that its run is in; pending while it waits for its turn."""
        self.asked = self.asked or self._done
        return self._state_now()

    def _state_now(self) -> State:
        run = self._run
        if run is not None:
            return run.state
        return self._state or State(StateType.PENDING)

    def cancel(self) -> bool:
        """Ask it to stop; return False when it is too late.

        What has not begun does not begin. What runs is interrupted at its next bytecode in a
        thread and at its next ``await`` in an event loop; in a process, that is killed.
        """
        self.asked = True
        with self._lock:
            if self._done:
                return False
            scope, never_began = self._scope, self._never_began
            self._never_began = None
        if scope is not None:
            scope.cancel()
            return True
        self._state = State(StateType.CANCELLED, message="cancelled before it began")
        if never_began is not None:
            never_began()
        self.end(None, TaskCancelled(f"The task {self.key} was cancelled before it began."))
        return True

    def add_done_callback(self, callback: Callable[["RunFuture[R]"], object]) -> None:
        """Have a function called with this future when it has ended; at once if it has."""
        with self._lock:
            if not self._done:
                self._callbacks += (callback,)
                return
        callback(self)

    def forget(self, callback: Callable[["RunFuture[R]"], object]) -> None:
        """Take back an `add_done_callback`."""
        with self._lock:
            if callback in self._callbacks:
                place = self._callbacks.index(callback)
                self._callbacks = self._callbacks[:place] + self._callbacks[place + 1 :]

    # For engines and runners

    def begin(self, scope: Scope) -> bool:
        """Note that it begins, in a scope; False when it was cancelled and does not begin."""
        with self._lock:
            if self._done or self._state is not None:
                return False
            self._scope = scope
            self._never_began = None
        current_future.set(self)
        return True

    def runs_as(self, run: HasState) -> None:
        """Note which run it is."""
        self._run = run

    def leave_behind(self) -> None:
        """End it as cancelled, though what runs does not stop."""
        run = self._run
        if run is not None:
            run.leave_behind()
        self.end(None, TaskCancelled(f"{self.key} was cancelled, and did not stop in time."))

    def end(self, value: Any, error: BaseException | None = None) -> None:
        """Set how it ended, and wake who waits; what ended already stays as it is."""
        with self._lock:
            if self._done:
                return
            if self._run is not None:
                self._state = self._run.state
                self._run = None
            elif self._state is None:
                self._state = _state_without_run(error)
            self._value, self._error, self._done = value, error, True
            callbacks, self._callbacks = self._callbacks, ()
            self._scope = self._never_began = None
        for callback in callbacks:
            try:
                callback(self)
            except Exception:
                import logging

                logging.getLogger("brickwork.flows").exception("a callback of %s failed", self.key)

    def __repr__(self) -> str:
        return f"<RunFuture {self.key} {self._state_now().name}>"


def _state_without_run(error: BaseException | None) -> State:
    if error is None:
        return State(StateType.COMPLETED)
    if isinstance(error, TaskCancelled):
        return State(StateType.CANCELLED)
    return State(StateType.FAILED, "NotReady", type(error).__name__)


current_future: ContextVar[RunFuture[Any] | None] = ContextVar("brickwork_future", default=None)
"""The future of the task that runs here; None in the body of a flow."""


def scope_here() -> Scope:
    """Return the scope of the submitted task that runs here; one of its own where none does."""
    future = current_future.get()
    return (future and future._scope) or Scope()  # noqa: SLF001  # of this module


# Waiting


class Slots(Protocol):
    """Of a pool of threads: those that wait leave their place to others meanwhile."""

    def leave(self) -> None:
        """Another thread may work instead."""

    def come_back(self) -> None:
        """Wait for a place, and go on."""


class _Thread(threading.local):
    slots: Slots | None = None


this_thread = _Thread()
"""Whose place the thread takes, where it is one of a pool."""


@contextmanager
def waiting_for(future: RunFuture[Any], *, blocking: bool = False) -> Generator[None]:
    """Note who waits for a future, and refuse a wait that would never end.

    Args:
        future: What is waited for.
        blocking: Whether the wait stops the event loop of here, if there is one.

    Raises:
        EndlessWait: It would never end.
    """
    waiter = current_future.get()
    if waiter is not None:
        waiter.waits_for = future
    try:
        _check_wait(waiter, future, threading.get_ident() if blocking else None)
        yield
    finally:
        if waiter is not None:
            waiter.waits_for = None


def _check_wait(waiter: RunFuture[Any] | None, future: RunFuture[Any], blocked: int | None) -> None:
    """Follow who waits for whom, to the waiter itself or to the thread that would be blocked."""
    at: RunFuture[Any] | None = future
    seen: set[int] = set()
    while at is not None and not at.done() and id(at) not in seen:
        if at is waiter:
            raise EndlessWait(
                f"{waiter.key} waits for {future.key}, which waits for {waiter.key}.",
                fix="Pass results on as arguments: so no circle can come to be.",
            )
        if blocked is not None and at.loop == blocked:
            raise EndlessWait(
                f"Waiting here for {future.key} would stop the event loop that runs {at.key}.",
                fix="Write: await future.aresult()",
            )
        seen.add(id(at))
        at = at.waits_for


@contextmanager
def place_left() -> Generator[None]:
    """Leave the thread's place in its pool to others, where it is one of a pool."""
    slots = this_thread.slots
    if slots is None:
        yield
        return
    slots.leave()
    try:
        yield
    finally:
        slots.come_back()


def block(
    wait: Callable[[float | None], object], wake: Callable[[], None], timeout: float | None
) -> None:
    """Wait, at most until what runs here is cancelled or its time is up.

    Args:
        wait: Waits, for so many seconds at most.
        wake: Ends the wait.
        timeout: Seconds to wait at most.
    """
    left = remaining()
    limit = timeout if left is None or (timeout is not None and timeout < left) else left
    with place_left(), scope_here().waking(wake):
        wait(limit)


def _waker(
    loop: "AbstractEventLoop", wake: Callable[[], object]
) -> Callable[[RunFuture[Any]], None]:
    from contextlib import suppress

    def called(_: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nothing waits there any more
            loop.call_soon_threadsafe(wake)

    return called


class Allowed(NamedTuple):
    """A future whose failure is no failure of the task that it is given to; see `allow_failure`."""

    future: RunFuture[Any]


class Whole(NamedTuple):
    """A value that ``map`` gives to every call as it is; see `unmapped`."""

    value: Any


def allow_failure(future: TaskFuture[Any]) -> Any:
    """Mark a future: who is given it begins in any case, with the exception if it failed."""
    return Allowed(of_flows(future))


def of_flows(future: TaskFuture[R]) -> RunFuture[R]:
    """Return a future as what it is under a flow.

    Raises:
        InvalidArguments: It is something else.
    """
    if not isinstance(future, RunFuture):
        raise InvalidArguments(
            f"A {type(future).__name__} is no future of a task.",
            fix="Give what submit() or map() of a task has returned inside of a flow.",
        )
    return future


def unmapped(value: T) -> T:
    """Mark an argument of ``map``: every call gets the whole of it, instead of one element."""
    marked: Any = Whole(value)
    return marked  # type: ignore[no-any-return]  # as what the task takes, for type checkers
