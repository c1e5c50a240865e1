"""An interrupt at every single step of a guarded call: it ends that call, or nothing.

CPython delivers an interrupt only behind certain instructions. These tests trace a call, and
fire behind each such instruction in turn: in the guards' own code, in the function, and on the
way out. What random rounds would meet once in a million is met each time.
"""

import dis
import queue
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from types import CodeType, FrameType
from typing import Any

import pytest

from brickwork import TaskTimeout
from brickwork.tasks import Scope, alarm, clock as time_source, threads
from brickwork.tasks.alarm import AlarmGuard
from brickwork.tasks.interrupt import guarded
from brickwork.tasks.threads import ThreadGuard

# Where CPython 3.11 to 3.13 look for pending signals and exceptions.
_CHECKED = ("RESUME", "CALL", "JUMP_BACKWARD", "POP_JUMP_BACKWARD")


def work() -> str:
    """Pass some places where CPython delivers an exception."""
    for _ in range(3):
        len("x")
    return "done"


class Steps:
    """Counts the steps of a call, and does something at one or some of them.

    Args:
        at: What to do at which step.
    """

    def __init__(self, at: dict[int, Callable[[], None]]) -> None:
        self.count = 0
        self._at = at
        self._checked: dict[CodeType, set[int]] = {}

    @contextmanager
    def traced(self) -> Iterator[None]:
        """Trace what is called inside."""
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            yield
        finally:
            sys.settrace(before)

    def _enter(self, frame: FrameType, event: str, arg: object) -> Any:
        ours = "/brickwork/tasks/" in frame.f_code.co_filename or frame.f_code is work.__code__
        if not ours or frame.f_code.co_name == "_on_alarm" or "fire" in frame.f_code.co_name:
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return self._step

    def _step(self, frame: FrameType, event: str, arg: object) -> Any:
        if event == "opcode" and frame.f_lasti in self._places(frame.f_code):
            self.count += 1
            action = self._at.get(self.count)
            if action is not None:
                action()
        return self._step

    def _places(self, code: CodeType) -> set[int]:
        """Return the instructions that stand behind one where interrupts are delivered."""
        if code not in self._checked:
            found = list(dis.get_instructions(code))
            self._checked[code] = {
                behind.offset
                for before, behind in pairwise(found)
                if before.opname.startswith(_CHECKED)
            }
        return self._checked[code]


class Firing:
    """A thread that fires guards when asked; may wait for the lock that the asker holds."""

    def __init__(self) -> None:
        self._todo: queue.SimpleQueue[tuple[ThreadGuard, threading.Event] | None]
        self._todo = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while (asked := self._todo.get()) is not None:
            asked[0].fire()
            asked[1].set()

    def fire(self, guard: ThreadGuard) -> None:
        """Fire in the other thread."""
        fired = threading.Event()
        self._todo.put((guard, fired))
        fired.wait(0.002)

    def settle(self) -> None:
        """Wait until all that was asked for is done."""
        fired = threading.Event()
        self._todo.put((ThreadGuard(Scope()), fired))
        assert fired.wait(10)

    def close(self) -> None:
        """End the thread."""
        self._todo.put(None)
        self._thread.join(10)


@pytest.fixture
def firing() -> Iterator[Firing]:
    """A thread to fire from."""
    firing = Firing()
    yield firing
    firing.close()


def outcome(call: Callable[[], str]) -> str:
    """Return what the call returned, or whose time-out it raised."""
    try:
        return call()
    except TaskTimeout as error:
        return error.what.split("'")[1]


def some_bytecode() -> None:
    """Give an interrupt that is still pending the chance to show itself."""
    for _ in range(20):
        len("x")


def steps_of(call: Callable[[Steps], object]) -> int:
    """Return how many steps a call has when nothing interrupts it."""
    steps = Steps({})
    call(steps)
    assert steps.count > 15
    return steps.count


def test_a_thread_guard_fired_at_every_step(firing: Firing) -> None:
    """Fired before, in or after the function: late or done, never anything outside."""

    def run(steps: Steps, guard: ThreadGuard) -> str:
        with steps.traced():
            return outcome(lambda: guarded(guard, work, (), {}))

    total = steps_of(lambda steps: run(steps, ThreadGuard(Scope("call"))))
    outcomes: Counter[str] = Counter()
    for step in range(1, total + 1):
        guard = ThreadGuard(Scope("call"))
        outcomes[run(Steps({step: lambda guard=guard: firing.fire(guard)}), guard)] += 1  # type: ignore[misc]  # binds it
        firing.settle()
        some_bytecode()
        assert threads._local.guards == []
        assert not threads._lock.locked()
    assert outcomes.total() == total
    assert outcomes["call"] > 5
    assert outcomes["done"] > 2


def test_nested_thread_guards_fired_at_every_pair_of_steps(firing: Firing) -> None:
    """Outer and inner fired in any order at any steps: each error ends its own call only."""

    def inside(inner: ThreadGuard) -> str:
        inner_ended.append(outcome(lambda: guarded(inner, work, (), {})))
        return "done"

    def run(steps: Steps, outer: ThreadGuard, inner: ThreadGuard) -> str:
        with steps.traced():
            return outcome(lambda: guarded(outer, inside, (inner,), {}))

    inner_ended: list[str] = []
    total = steps_of(lambda steps: run(steps, ThreadGuard(Scope("o")), ThreadGuard(Scope("i"))))
    outcomes: Counter[tuple[str, str]] = Counter()
    for first in range(1, total + 1, 2):
        for distance in (0, 1, 2, 3, 5, 8, 13):
            for swapped in (False, True):
                outer, inner = ThreadGuard(Scope("outer")), ThreadGuard(Scope("inner"))
                one, two = (inner, outer) if swapped else (outer, inner)

                def fire_one(one: ThreadGuard = one) -> None:
                    firing.fire(one)

                def fire_two(two: ThreadGuard = two) -> None:
                    firing.fire(two)

                steps = Steps({first: fire_one, first + distance: fire_two})
                inner_ended.clear()
                ended = run(steps, outer, inner)
                outcomes[ended, "".join(inner_ended)] += 1
                firing.settle()
                some_bytecode()
                assert threads._local.guards == []
    assert set(outcomes) <= {
        ("done", "done"),  # both fired too early or too late
        ("done", "inner"),
        ("outer", ""),
        ("outer", "inner"),
        ("outer", "done"),
    }, outcomes
    assert min(outcomes["outer", ""], outcomes["done", "inner"]) > 10, outcomes


def test_an_inner_interrupt_does_not_replace_an_outer_one(firing: Firing) -> None:
    """While the outer time-out is on its way out, the inner one stays away, also in ``finally``."""

    def both() -> None:
        try:
            firing.fire(outer)
            some_bytecode()
        finally:
            firing.fire(inner)
            some_bytecode()
            reached.append(1)

    reached: list[int] = []
    outer, inner = ThreadGuard(Scope("outer")), ThreadGuard(Scope("inner"))
    with pytest.raises(TaskTimeout, match="'outer'"):
        guarded(outer, guarded, (inner, both, (), {}), {})
    assert reached == [1]


def interrupt_by_hand() -> None:
    """Do what Ctrl-C does."""
    raise KeyboardInterrupt


@pytest.mark.parametrize("kind", [ThreadGuard, AlarmGuard])
def test_ctrl_c_at_every_step(kind: type[ThreadGuard] | type[AlarmGuard]) -> None:
    """It ends the call, and leaves no guard, lock, timer or handler behind."""

    def run(steps: Steps) -> str:
        guard = kind(Scope("call", seconds=60))
        with steps.traced():
            return guarded(guard, work, (), {})

    steps_of(run)  # the first starts the watching thread, with steps of its own
    for step in range(1, steps_of(run) + 1):
        with pytest.raises(KeyboardInterrupt):
            run(Steps({step: interrupt_by_hand}))
        assert alarm._alarms == []
        assert getattr(threads._local, "guards", []) == []
        assert not threads._lock.locked()
        assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


class HandClock(time_source.Clock):
    """A clock that is set by hand."""

    time = 0.0

    def now(self) -> float:
        """Return the time that it was set to."""
        return self.time


@pytest.fixture
def hand_clock(monkeypatch: pytest.MonkeyPatch) -> HandClock:
    """The time of tasks, set by hand."""
    clock = HandClock()
    monkeypatch.setattr(time_source, "clock", clock)
    return clock


def test_an_alarm_at_every_step(hand_clock: HandClock) -> None:
    """The signal before, in or after the function: late or done, and all put back."""

    def ring() -> None:
        hand_clock.time += 100
        if signal.getsignal(signal.SIGALRM) is alarm._on_alarm:
            signal.raise_signal(signal.SIGALRM)

    def run(steps: Steps) -> str:
        guard = AlarmGuard(Scope("call", seconds=60))
        with steps.traced():
            return outcome(lambda: guarded(guard, work, (), {}))

    total = steps_of(run)
    outcomes: Counter[str] = Counter()
    for step in range(1, total + 1):
        outcomes[run(Steps({step: ring}))] += 1
        some_bytecode()
        assert alarm._alarms == []
        assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert outcomes.total() == total
    assert min(outcomes["call"], outcomes["done"]) > 2, outcomes


def test_nested_alarms_at_every_pair_of_steps(hand_clock: HandClock) -> None:
    """Inner and outer due at any two steps: each error ends its own call only."""

    def ring() -> None:
        hand_clock.time += 100
        if signal.getsignal(signal.SIGALRM) is alarm._on_alarm:
            signal.raise_signal(signal.SIGALRM)

    def inside(inner_seconds: float) -> str:
        guard = AlarmGuard(Scope("inner", seconds=inner_seconds))
        inner_ended.append(outcome(lambda: guarded(guard, work, (), {})))
        return "done"

    def run(steps: Steps, outer: float, inner: float) -> str:
        guard = AlarmGuard(Scope("outer", seconds=outer))
        with steps.traced():
            return outcome(lambda: guarded(guard, inside, (inner,), {}))

    inner_ended: list[str] = []
    total = steps_of(lambda steps: run(steps, 1000, 1000))
    outcomes: Counter[tuple[str, str]] = Counter()
    for outer, inner in ((60, 160), (160, 60), (60, 60)):
        for first in range(1, total + 1):
            for distance in (1, 2, 3, 5, 8, 13):
                inner_ended.clear()
                ended = run(Steps({first: ring, first + distance: ring}), outer, inner)
                outcomes[ended, "".join(inner_ended)] += 1
                some_bytecode()
                assert alarm._alarms == []
                assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
                assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert set(outcomes) <= {
        ("done", "done"),
        ("done", "inner"),
        ("outer", ""),
        ("outer", "inner"),
        ("outer", "done"),
    }, outcomes
    assert min(outcomes["outer", ""], outcomes["done", "inner"]) > 10, outcomes


def test_an_inner_alarm_does_not_replace_an_outer_one(hand_clock: HandClock) -> None:
    """While the outer time-out is on its way out, the inner one stays away, also in ``finally``."""

    def both() -> None:
        try:
            hand_clock.time += 100
            signal.raise_signal(signal.SIGALRM)
        finally:
            hand_clock.time += 100
            signal.raise_signal(signal.SIGALRM)
            reached.append(1)

    reached: list[int] = []
    outer = AlarmGuard(Scope("outer", seconds=60))
    inner = AlarmGuard(Scope("inner", seconds=160))
    with pytest.raises(TaskTimeout, match="'outer'"):
        guarded(outer, guarded, (inner, both, (), {}), {})
    assert reached == [1]
