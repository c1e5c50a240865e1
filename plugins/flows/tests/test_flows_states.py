"""States: the whole table of what may follow what, and the names that runs really get."""

import time
from collections import deque

import pytest

from brickwork import TaskCancelled
from brickwork_flows import (
    INPUTS,
    FlowSuspended,
    StateType,
    flow,
    remove_limit,
    set_limit,
    suspend_flow_run,
    task,
    transaction,
)
from brickwork_flows.context import RunContext
from brickwork_flows.errors import IllegalTransition, LimitRefused, NotResumable
from brickwork_flows.history.events import RunStarted, StateSet
from brickwork_flows.recording import Run
from brickwork_flows.resuming import resumable
from brickwork_flows.runtime import Runtime
from brickwork_flows.states import LEGAL, REPEATABLE, ROLLED_BACK, may_follow

PAIRS = [(before, after) for before in LEGAL for after in StateType]
ROUTES: dict[StateType | None, tuple[StateType, ...]] = {None: ()}
"""By type, types by which a new run gets there."""

_left: deque[StateType | None] = deque([None])
while _left:
    _before = _left.popleft()
    for _after in sorted(LEGAL[_before] - ROUTES.keys()):
        ROUTES[_after] = (*ROUTES[_before], _after)
        _left.append(_after)


def run_in(runtime: Runtime, kind: StateType | None) -> Run:
    """Return the run of a task that has gone into a state, step by step."""
    runtime.recorder.write(RunStarted("f.step-0", "task", "step", "step-0", "f", "step-0", "f"))
    context = RunContext("f.step-0", "task", "step", "step-0", "step-0", None)  # type: ignore[arg-type]  # in no flow
    run = Run(context, runtime.recorder.write)
    for each in ROUTES[kind]:
        run.set(each)
    return run


def recorded(runtime: Runtime) -> list[tuple[StateType, str, str]]:
    """Return the states of that run, as the history has them."""
    runtime.flush()
    states = runtime.history.run("f.step-0").states
    return [(state.type, state.name, state.message) for state in states]


def test_every_type_can_be_reached() -> None:
    """The tests below begin in each type, and look at each pair."""
    assert ROUTES.keys() == LEGAL.keys() == {None, *StateType}
    assert len(PAIRS) == 90


@pytest.mark.parametrize(("before", "after"), [pair for pair in PAIRS if pair[1] in LEGAL[pair[0]]])
def test_what_may_follow_is_recorded(
    before: StateType | None, after: StateType, runtime: Runtime
) -> None:
    """A legal transition is in the history, with its time and its reason."""
    run = run_in(runtime, before)
    name = ROLLED_BACK if before is StateType.COMPLETED else "Named"
    began = time.time()
    run.set(after, name, "because")
    assert recorded(runtime)[-1] == (after, name, "because")
    assert began <= runtime.history.run("f.step-0").state.timestamp <= time.time()


@pytest.mark.parametrize(
    ("before", "after"),
    [pair for pair in PAIRS if not may_follow(*pair)],
)
def test_what_may_not_follow_is_refused(
    before: StateType | None, after: StateType, runtime: Runtime
) -> None:
    """An illegal transition is a typed error that names both states, and leaves the run alone."""
    run = run_in(runtime, before)
    states = list(run.states)
    with pytest.raises(IllegalTransition) as caught:
        run.set(after, "", "because")
    assert f"from {before.value if before else 'no state'} to {after.value}" in caught.value.what
    assert run.states == states
    assert len(recorded(runtime)) == len(states)


def test_what_was_asked_to_stop_while_it_waited_for_a_slot_does_not_begin(
    runtime: Runtime,
) -> None:
    """A run whose slot comes when it is cancelling already is not recorded as running."""
    run = run_in(runtime, StateType.SCHEDULED)
    run.set(StateType.CANCELLING)
    run.begin()
    run.end_badly(TaskCancelled("somebody asked"))
    kinds = [kind for kind, _, _ in recorded(runtime)]
    assert kinds == [StateType.SCHEDULED, StateType.CANCELLING, StateType.CANCELLED]


@pytest.mark.parametrize("kind", StateType)
def test_a_run_begins_again_only_from_where_it_may(kind: StateType, runtime: Runtime) -> None:
    """What has not ended and waits for nobody is refused, and so is what completed."""
    runtime.recorder.write(
        RunStarted("f", "flow", "main", "main", None, "", "f"),
        *(
            StateSet("f", number, each.value, each.value.capitalize(), "", 1.0)
            for number, each in enumerate(ROUTES[kind], 1)
        ),
    )
    if kind in REPEATABLE - {StateType.COMPLETED}:
        assert resumable(runtime, "f").state.type is kind
        return
    with pytest.raises(NotResumable, match=kind.value):
        resumable(runtime, "f")


def test_the_names_of_states_are_prefects(runtime: Runtime) -> None:
    """Each special name stands where it should, with a type of its own and a reason."""
    failing = [True]

    @task(retries=2)
    def retried() -> None:
        if failing and failing.pop():
            raise OSError("no disk")

    @task(cache_policy=INPUTS)
    def cached(number: int) -> int:
        return number

    @task(timeout_seconds=0.05)
    def slow() -> None:
        while True:
            time.sleep(0.01)

    @task(on_rollback=lambda _: None)
    def undone() -> None:
        """Be rolled back."""

    @flow
    def everything() -> int:
        retried()
        cached(1)
        cached(1)
        slow(return_state=True)  # type: ignore[call-arg]  # of the engine
        with transaction() as unit:
            undone()
            unit.rollback()
        return suspend_flow_run(int)

    with pytest.raises(FlowSuspended) as suspended:
        everything()
    runtime.flush()
    run_id = suspended.value.run_id
    runs = [runtime.history.run(run_id), *runtime.history.children(run_id)]
    named = {
        state.name: (state.type, state.message)
        for run in runs
        for state in run.states
        if state.name.lower() != state.type.value
    }
    assert {name: kind for name, (kind, _) in named.items()} == {
        "AwaitingRetry": StateType.SCHEDULED,
        "Retrying": StateType.RUNNING,
        "Cached": StateType.COMPLETED,
        "TimedOut": StateType.FAILED,
        "RolledBack": StateType.COMPLETED,
        "Suspended": StateType.PAUSED,
    }
    assert all(message for name, (_, message) in named.items() if name != "Retrying")


def test_what_got_no_slot_is_recorded_anew_when_its_caller_is_tried_again(
    runtime: Runtime,
) -> None:
    """A flow that was refused at first keeps that in its history, and what came after."""
    set_limit("flow:inner", 0)

    @flow
    def inner() -> int:
        return 3

    @flow(retries=1)
    def outer() -> int:
        try:
            return inner()
        except LimitRefused:
            remove_limit("flow:inner")
            raise

    assert outer() == 3
    runtime.flush()
    [child] = runtime.history.children(runtime.history.runs()[0].id)
    names = ["Pending", "Failed", "Pending", "Running", "Completed"]
    assert [state.name for state in child.states] == names
