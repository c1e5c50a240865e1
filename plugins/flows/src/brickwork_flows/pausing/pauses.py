"""Pausing and suspending the run of a flow, from its body."""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Event, Lock, RLock
from typing import TYPE_CHECKING, Any, TypeVar, overload

from brickwork import check_cancelled
from brickwork_flows.claims import Claim
from brickwork_flows.context import current_run
from brickwork_flows.errors import (
    EntryConflict,
    FlowSuspended,
    InvalidInput,
    NotPausable,
    PauseTimeout,
)
from brickwork_flows.futures import block
from brickwork_flows.history.interface import History
from brickwork_flows.pausing.awaited import ASKED, Pause, begun, known, remove
from brickwork_flows.pausing.inputs import Wanted, unpacked
from brickwork_flows.states import StateType

if TYPE_CHECKING:
    from brickwork_flows.engine import FlowRun

T = TypeVar("T")

TIMEOUT_SECONDS = 3600.0
"""Prefect's."""

POLL_SECONDS = 0.4
"""How often a process that waits looks whether it was given something."""


@overload
def pause_flow_run(
    wait_for_input: None = None, timeout: float | None = ..., key: str | None = None
) -> None: ...
@overload
def pause_flow_run(
    wait_for_input: type[T], timeout: float | None = ..., key: str | None = None
) -> T: ...
def pause_flow_run(
    wait_for_input: Any = None, timeout: float | None = TIMEOUT_SECONDS, key: str | None = None
) -> Any:
    """Stop the flow's body here until somebody resumes the run; its process waits.

    What was submitted before runs on. When the body runs again (it is retried, or the run was
    killed and is resumed), a pause that was ended is not made again, and gives back what it was
    given.

    Args:
        wait_for_input: What is to be given: a model derived from `RunInput`, or any type that
            pydantic knows, such as ``int``. Without it, nothing but leave to go on.
        timeout: Seconds until the pause fails; None for never.
        key: Which pause of the run it is. Default: ``pause-0``, ``pause-1`` and so on. Two calls
            with one key are one pause.

    Returns:
        What was given.

    Raises:
        PauseTimeout: Nobody resumed the run in time.
        NotPausable: No flow runs here, or a task does.
        InvalidInput: The type is none that a run can be given.
    """
    pause = _Call(wait_for_input, timeout, key, suspends=False)
    if pause.known():
        return pause.value
    try:
        pause.begin()
        while not pause.over():
            pause.wait()
    except BaseException:
        pause.leave(ended=False)
        raise
    pause.leave(ended=True)
    return pause.value


async def apause_flow_run(
    wait_for_input: Any = None, timeout: float | None = TIMEOUT_SECONDS, key: str | None = None
) -> Any:
    """`pause_flow_run` without blocking the event loop."""
    import asyncio

    pause = _Call(wait_for_input, timeout, key, suspends=False)
    if await to_its_end(pause.known):
        return pause.value
    try:
        await to_its_end(pause.begin)
        while not await to_its_end(pause.over):
            await asyncio.sleep(pause.left())
    except BaseException:
        pause.leave(ended=False)  # in no thread: where this is cancelled, nothing can be awaited
        raise
    await to_its_end(partial(pause.leave, ended=True))
    return pause.value


@overload
def suspend_flow_run(
    wait_for_input: None = None, timeout: float | None = ..., key: str | None = None
) -> None: ...
@overload
def suspend_flow_run(
    wait_for_input: type[T], timeout: float | None = ..., key: str | None = None
) -> T: ...
def suspend_flow_run(
    wait_for_input: Any = None, timeout: float | None = TIMEOUT_SECONDS, key: str | None = None
) -> Any:
    """End the flow's body here, and with it the program, until somebody resumes the run.

    What was submitted before ends first. The run is resumed by replay: its body begins again, what
    it completed gives back what it returned, and this call what it is given. Arguments are those of
    `pause_flow_run`.

    Raises:
        FlowSuspended: It is suspended; reaches whoever called the flow.
        PauseTimeout: Nobody resumed the run in time.
        NotPausable: No flow runs here, or a task does, or one has called the flow.
        InvalidInput: The type is none that a run can be given.
    """
    pause = _Call(wait_for_input, timeout, key, suspends=True)
    if not pause.known():
        pause.flow.runner.wait()
        pause.suspend()
    return pause.value


async def asuspend_flow_run(
    wait_for_input: Any = None, timeout: float | None = TIMEOUT_SECONDS, key: str | None = None
) -> Any:
    """`suspend_flow_run` without blocking the event loop."""
    import asyncio

    pause = _Call(wait_for_input, timeout, key, suspends=True)
    if not await to_its_end(pause.known):
        await asyncio.to_thread(pause.flow.runner.wait)
        await to_its_end(pause.suspend)
    return pause.value


async def to_its_end(function: Callable[[], T]) -> T:
    """Call a function in a thread; where this is cancelled, the function ends first."""
    import asyncio

    running = asyncio.ensure_future(asyncio.to_thread(function))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


class _Call:
    """One call that pauses a run.

    Attributes:
        flow: The run of the flow that it is in.
        value: What it was given, once it is over.
    """

    def __init__(
        self, kind: Any, timeout: float | None, key: str | None, *, suspends: bool
    ) -> None:
        word = "suspend" if suspends else "pause"
        context = current_run.get()
        if context is None or context.kind != "flow":
            raise NotPausable(
                f"Nothing can be {word}ed here: "
                + ("no flow runs." if context is None else f"the task {context.name!r} runs."),
                fix=f"Call {word}_flow_run in the body of a flow.",
            )
        self.flow: FlowRun = context.flow
        callers = [each.caller for each in self.flow.chain()]
        if suspends and any(each is not None and each.kind == "task" for each in callers):
            raise NotPausable(
                f"The flow {context.name!r} cannot be suspended: a task has called it.",
                fix="Pause it, or call the flow from a flow.",
            )
        self._wanted = None if kind is None else Wanted(kind)
        key = context.next_key("\0pause").replace("\0", "") if key is None else key
        self._key = f"{context.path}/{key}" if context.path else key
        self._seconds = timeout
        self._kind = word
        self._pause: Pause | None = None
        self._begun = False
        self._refused: InvalidInput | None = None
        self.value: Any = None

    @property
    def _history(self) -> History:
        return self.flow.runtime.history

    def known(self) -> bool:
        """Tell whether it is over already: it was ended before, or is ended by what resumes it.

        Raises:
            PauseTimeout: Its time was over when the run was resumed.
            FlowSuspended: What it is given now does not fit.
        """
        self._pause = known(self._history, self.flow.root, self._key)
        if self._pause is None:
            return False
        if self._over(self._pause):
            return True
        if self._refused is not None:  # by who resumes the run, and is told so
            self._stop(self._refused)
        return False

    def begin(self) -> None:
        """Record the pause."""
        self._tell()
        if self._pause is None:
            self._pause = self._opened()
        self._begun = True
        pausing(self.flow).begin(self.flow, "Paused", self._message())

    def over(self) -> bool:
        """Tell whether the run may go on.

        Raises:
            PauseTimeout: The time is up.
            TaskCancelled: The run was cancelled.
        """
        check_cancelled()
        pause = known(self._history, self.flow.root, self._key)
        if pause is None:  # removed by hand: nobody waits for it any more
            self._pause = self._opened()
            return False
        return self._over(pause)

    def left(self) -> float:
        """Return the seconds until the next look."""
        until = None if self._pause is None else self._pause.until
        return POLL_SECONDS if until is None else max(0.0, min(POLL_SECONDS, until - time.time()))

    def wait(self) -> None:
        """Wait for the next look; ends at once when the run is cancelled."""
        event = Event()
        block(event.wait, event.set, self.left())

    def leave(self, *, ended: bool) -> None:
        """Record that the body goes on; or ends, and waits for nothing any more."""
        if not ended:
            remove(self._history, self.flow.root, self._key)
        if self._begun:
            pausing(self.flow).end(self.flow)

    def suspend(self) -> None:
        """Record the pause, and end the body."""
        if self._pause is None:
            self._pause = self._opened()
        self._tell()
        self._stop(None)

    def _stop(self, refused: InvalidInput | None) -> None:
        pausing(self.flow).begin(self.flow, "Suspended", self._message())
        self.flow.top.suspended = FlowSuspended(self.flow.root, refused)
        raise self.flow.top.suspended

    def _opened(self) -> Pause:
        now = time.time()
        pause = Pause(
            self.flow.root,
            self._key,
            self._kind,
            now,
            None if self._seconds is None else now + self._seconds,
            "" if self._wanted is None else self._wanted.name,
            None if self._wanted is None else self._wanted.schema,
        )
        return begun(self._history, pause)

    def _over(self, pause: Pause) -> bool:
        """Take what a pause was given, or is offered; tell whether that ended it."""
        if pause.given is not None:
            if self._taken(pause.given["input"]) is None:
                return True
            self._pause = self._opened()  # the type is another one since: it is asked for anew
            return False
        history, offer = self._history, pause.offer
        now = time.time() if offer is None else offer["at"]
        if pause.until is not None and now >= pause.until:
            remove(history, pause.root, pause.key)
            raise PauseTimeout(
                f"The run {pause.root} was paused at {pause.key}, and not resumed within "
                f"{pause.until - pause.since:g} s.",
                fix="Resume it: it pauses there once more.",
            )
        self._pause = pause
        if offer is None:
            return False
        self._refused = self._taken(offer["input"])
        with suppress(EntryConflict):  # somebody has changed it meanwhile, so look again
            if self._refused is None:
                self._pause = pause.put(history, offer=None, given=offer)
                return True
            problems = self._refused.what.split("\n  - ")[1:]
            self._pause = pause.put(history, offer=None, refused=problems)
        return False

    def _taken(self, kept: Any) -> InvalidInput | None:
        """Take a value; return what is wrong with it, or None."""
        try:
            if self._wanted is not None:
                self.value = self._wanted.read(None if kept is None else unpacked(kept))
        except InvalidInput as error:
            return error
        return None

    def _tell(self) -> None:
        from brickwork_flows.logs import get_run_logger

        how = f"brickwork run resume {self.flow.root}"
        get_run_logger().info("the run %s; to go on: %s", self._message(), how)

    def _message(self) -> str:
        waits = "" if self._wanted is None else f" for {self._wanted.outline}"
        return f"waits at {self._key}{waits}"


class Pausing:
    """The pauses of a run that are open in this process; safe from any thread.

    Args:
        top: The run that nobody called.
    """

    def __init__(self, top: "FlowRun") -> None:
        self._top = top
        self._open: dict[FlowRun, int] = {}
        self._claim: Claim | None = None
        self._lock = RLock()
        self._asked = False
        self._look_at = 0.0

    def begin(self, flow: "FlowRun", name: str, message: str) -> None:
        """Record that a flow waits, and with it those that wait for it."""
        with self._lock:
            if not self._open and not self._top.claimed:
                folder = self._top.runtime.place.folder
                self._claim = Claim.take(folder, self._top.id, wait=True)
            for each in flow.chain():
                self._open[each] = self._open.get(each, 0) + 1
                new = self._open[each] == 1 or name == "Suspended"
                if new and each.states.state.type is not StateType.CANCELLING:
                    each.states.set(StateType.PAUSED, name, message)
            self._flush()

    def end(self, flow: "FlowRun") -> None:
        """Record that it waits no more."""
        with self._lock:
            for each in flow.chain():
                self._open[each] = left = self._open.get(each, 1) - 1
                if not left:
                    del self._open[each]
                    if each.states.state.type is StateType.PAUSED:
                        each.states.set(StateType.RUNNING)
            self._flush()
            if not self._open and self._claim is not None:
                self._claim.release()
                self._claim = None

    def held(self, *, begins: bool = False) -> bool:
        """Tell whether tasks wait, since somebody asked the run to pause.

        Args:
            begins: Whether this is the first time that a task asks, and not whether it goes on.
        """
        top, history = self._top, self._top.runtime.history
        with self._lock:
            if not top.pause_asked:
                return False
            if begins and not self._asked:
                self._asked = True
                begun(history, Pause(top.id, ASKED, "asked", time.time()))
                self.begin(top, "Paused", "somebody asked")
            now = time.monotonic()
            if now >= self._look_at:
                self._look_at = now + POLL_SECONDS
                pause = known(history, top.id, ASKED)
                if pause is None or pause.offer is not None:
                    self._go_on(pause)
            return top.pause_asked

    def _go_on(self, pause: Pause | None) -> None:
        self._top.pause_asked = self._asked = False
        if pause is not None:
            with suppress(EntryConflict):  # who offers it something else looks again
                pause.put(self._top.runtime.history, offer=None, given=pause.offer)
        self.end(self._top)

    def close(self) -> None:
        """Give the run back: it has ended, or is suspended."""
        with self._lock:
            if self._asked:
                remove(self._top.runtime.history, self._top.id, ASKED)
            self._flush()
            if self._claim is not None:
                self._claim.release()
                self._claim = None

    def _flush(self) -> None:
        # Others look at the history; what it says must be so while the claim is held.
        self._top.runtime.recorder.flush()


_making = Lock()


def pausing(flow: "FlowRun") -> Pausing:
    """Return the pauses of the run that a flow is in."""
    top = flow.top
    with _making:
        if top.pausing is None:
            top.pausing = Pausing(top)
    return top.pausing


# Pauses that somebody asked for


def hold(flow: "FlowRun") -> None:
    """Wait before a task begins, while the run is paused from outside."""
    here = pausing(flow)
    waits = here.held(begins=True)
    while waits:
        event = Event()
        block(event.wait, event.set, POLL_SECONDS)
        check_cancelled()
        waits = here.held()


async def ahold(flow: "FlowRun") -> None:
    """`hold` without blocking the event loop."""
    import asyncio

    here = pausing(flow)
    waits = await to_its_end(partial(here.held, begins=True))
    while waits:
        await asyncio.sleep(POLL_SECONDS)
        check_cancelled()
        waits = await to_its_end(here.held)
