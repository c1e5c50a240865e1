"""Recording what becomes of a run: its states, and why it went into each."""

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Lock

from brickwork import TaskCancelled, TaskTimeout, mask
from brickwork_flows.context import RunContext
from brickwork_flows.current import CurrentRun, described_run
from brickwork_flows.errors import IllegalTransition, ReplayDiverged, WorkerDied
from brickwork_flows.history.events import Event, StateSet
from brickwork_flows.states import (
    AWAITING_RETRY,
    CACHED,
    RETRYING,
    ROLLED_BACK,
    State,
    StateType,
    check_transition,
)

MAX_MESSAGE = 500

# Who is asked to cancel a run sets a state in another thread than the run's own. A lock for each
# run would take more memory than its states.
_settings = [Lock() for _ in range(64)]


def setting(run_id: str) -> Lock:
    """Return the lock under which a run's states, and what belongs to them, are changed."""
    return _settings[hash(run_id) % len(_settings)]


def _in_child() -> None:
    # Another thread may have held one when the process was forked, and is not in the child.
    _settings[:] = [Lock() for _ in _settings]


os.register_at_fork(after_in_child=_in_child)


class Run:
    """A run and its states, each recorded when it is set. Tells nobody's secrets.

    Attributes:
        context: What is called inside sees this.
        states: Every state that it was in since it began here, as recorded.
        number: How many states were recorded.
    """

    __slots__ = ("_write", "context", "number", "states")

    def __init__(self, context: RunContext, write: Callable[..., None], number: int = 0) -> None:
        self.context = context
        self.states: list[StateSet] = []
        self._write = write
        self.number = number

    def begin(self, *before: Event, message: str = "") -> None:
        """Record that the run came to be and began at once."""
        if self.states:  # it waited for a slot
            with suppress(IllegalTransition):  # and was asked to stop meanwhile
                self.set(StateType.PENDING, "", message, *before)
                self.set(StateType.RUNNING)
            return
        run, now = self.context.id, time.time()
        number = self.number
        pending = StateSet(run, number + 1, "pending", "Pending", message, now)
        running = StateSet(run, number + 2, "running", "Running", "", now, self.context.attempt)
        self._write(*before, pending, running)
        self.number = number + 2
        self.states += (pending, running)

    def found(self, message: str, before: tuple[Event, ...], kept: tuple[Event, ...]) -> None:
        """Record that the run came to be and ended at once, with a result of another run."""
        run, now, number = self.context.id, time.time(), self.number
        pending = StateSet(run, number + 1, "pending", "Pending", "", now)
        cached = StateSet(run, number + 2, "completed", CACHED, message, now, self.context.attempt)
        self._write(*before, pending, *kept, cached)
        self.number = number + 2
        self.states += (pending, cached)

    def set(self, kind: StateType, name: str = "", message: str = "", *before: Event) -> None:
        """Record that the run goes into a state.

        Raises:
            IllegalTransition: It may not follow.
        """
        with setting(self.context.id):
            last = StateType(self.states[-1].type) if self.states else None
            check_transition(last, kind, self.context.run_name, name)
            state = StateSet(
                self.context.id,
                self.number + 1,
                kind.value,
                name or kind.value.capitalize(),
                message,
                time.time(),
                self.context.attempt,
            )
            self._write(*before, state)
            self.number += 1
            self.states.append(state)

    @property
    def state(self) -> State:
        """The state that it is in."""
        return self.states[-1].state

    @property
    def ended(self) -> bool:
        """Whether that is a state in which a run ends."""
        return bool(self.states) and self.state.final

    # What a call of `Task.perform` asks and tells

    @property
    def run(self) -> CurrentRun:
        """What runs, for the user's code."""
        return described_run(self.context)

    def retry_planned(self, error: Exception, number: int, delay: float) -> None:
        """Record that an attempt failed, and that another one follows."""
        if self.state.type is StateType.CANCELLING:
            return  # the wait before it ends at once
        if isinstance(error, ReplayDiverged):
            raise error  # so would the next one
        if self.context.kind == "flow":  # what this attempt submitted must not meet the next one
            self.context.flow.runner.close(cancel=True)
        message = f"attempt {number}: {described(error)}; the next begins in {delay:.3g} s"
        self.set(StateType.SCHEDULED, AWAITING_RETRY, message)

    def attempt_begins(self, number: int) -> None:
        """Record that another attempt begins."""
        self.context.attempt = number
        self.context.begin_again()
        self.set(StateType.RUNNING, RETRYING)

    def undone(self, message: str) -> StateSet:
        """Return, to be recorded, that what it did is rolled back."""
        run = self.context
        with setting(run.id):
            self.number += 1
            state = rolled_back(run.id, self.number, message, run.attempt)
            self.states.append(state)
        return state

    def leave_behind(self) -> None:
        """Record that it was cancelled and does not stop; nothing of it is recorded any more."""
        with suppress(IllegalTransition):  # it has just ended
            self.set(StateType.CANCELLED, "", "it did not stop, and was left behind")
        self._write = _nowhere

    def end_badly(self, error: BaseException) -> None:
        """Record how an error ended the run."""
        message = described(error)
        if isinstance(error, TaskTimeout):
            self.set(StateType.FAILED, "TimedOut", message)
        elif isinstance(error, TaskCancelled | KeyboardInterrupt) or _of_asyncio(error):
            self.set(StateType.CANCELLED, "", message)
        elif isinstance(error, Exception) and not isinstance(error, WorkerDied):
            self.set(StateType.FAILED, "", message)
        else:
            self.set(StateType.CRASHED, "", message)


def rolled_back(run: str, number: int, message: str, attempt: int) -> StateSet:
    """Return the state of a run that had completed, and was undone."""
    return StateSet(
        run, number, "completed", ROLLED_BACK, message[:MAX_MESSAGE], time.time(), attempt
    )


def _nowhere(*_events: Event) -> None:
    """Record nothing."""


def _of_asyncio(error: BaseException) -> bool:
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and isinstance(error, asyncio.CancelledError)


def described(error: BaseException) -> str:
    """Return the kind and the text of an error, masked, for a state's message."""
    import traceback

    text = "".join(traceback.format_exception_only(error)).strip()
    return mask(text)[:MAX_MESSAGE]


def new_run_id() -> str:
    """Return an id for a run: ids sort by the time at which they were made."""
    return f"{time.time_ns() // 1000:014x}{os.urandom(6).hex()}"
