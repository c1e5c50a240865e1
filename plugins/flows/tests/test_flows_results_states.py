"""``return_state=True`` and ``wait_for`` at calls of flows, as tasks have them."""

import asyncio
from typing import Any

import pytest

from brickwork_flows import StateType, flow, resume, task
from brickwork_flows.errors import InvalidParameters, MissingResult, UnfinishedDependency
from brickwork_flows.runtime import Runtime

CALLED: list[str] = []


@task
def step(n: int) -> int:
    """Return a number."""
    return n


@task
def breaks() -> int:
    """Fail."""
    raise ValueError("no rows")


@flow
def adds(n: int) -> int:
    """Call a task."""
    CALLED.append("adds")
    return step(n) + 1


@flow
def fails() -> int:
    """Fail by a task."""
    return breaks()


@flow
async def later(n: int) -> int:
    """Call a task, or fail."""
    if n < 0:
        raise ValueError("below zero")
    return await step.aio(n)


def test_state_of_a_flow(runtime: Runtime) -> None:
    """The state is the recorded one, with the result; a failed flow raises when that is asked."""
    good: Any = adds(1, return_state=True)  # type: ignore[call-arg]  # an option of the call
    bad: Any = fails(return_state=True)  # type: ignore[call-arg]  # as above
    runtime.flush()
    newest, first = runtime.history.runs()

    assert (good.type, good.result()) == (StateType.COMPLETED, 2)
    assert (good.timestamp, bad.timestamp) == (first.state.timestamp, newest.state.timestamp)
    assert (bad.type, bad.message) == (StateType.FAILED, "ValueError: no rows")
    with pytest.raises(ValueError, match="no rows"):
        bad.result()
    assert isinstance(bad.result(raise_on_failure=False), ValueError)


def test_state_of_an_async_flow(runtime: Runtime) -> None:
    """The same with coroutines, and with ``aio`` of either kind."""

    async def main() -> list[Any]:
        return [
            await later(1, return_state=True),  # type: ignore[call-arg]  # an option of the call
            await later.aio(-1, return_state=True),  # type: ignore[call-arg]  # as above
            await adds.aio(2, return_state=True),  # type: ignore[call-arg]  # as above
            await adds.aio(3),
        ]

    good, bad, sync, plain = asyncio.run(main())

    assert (good.result(), sync.result(), plain) == (1, 3, 4)
    assert bad.type is StateType.FAILED
    with pytest.raises(ValueError, match="below zero"):
        bad.result()


def test_state_of_a_flow_within_one(runtime: Runtime) -> None:
    """A flow goes on after one that failed within it; a replayed one gives its result again."""
    CALLED.clear()

    @flow
    def main() -> tuple[int, str]:
        good: Any = adds(1, return_state=True)  # type: ignore[call-arg]  # an option of the call
        bad: Any = fails(return_state=True)  # type: ignore[call-arg]  # as above
        CALLED.append("body")
        if CALLED.count("body") == 1:
            raise RuntimeError("not yet")
        return good.result(), str(bad.result(raise_on_failure=False))

    with pytest.raises(RuntimeError):
        main()
    runtime.flush()
    assert main.with_options(retries=1)() == (2, "no rows")
    assert CALLED == ["adds", "body", "adds", "body"]


def test_replayed_flow_has_a_state_as_well(runtime: Runtime) -> None:
    """In a run that is resumed, a flow that completed is not run again, and is completed."""
    CALLED.clear()
    with pytest.raises(RuntimeError):
        resumed()
    runtime.flush()

    assert resume(runtime.history.runs()[0].id) == ("completed", 2)
    assert CALLED == ["adds", "resumed", "resumed"]


@flow
def resumed() -> tuple[str, int]:
    """Fail the first time, after a flow within."""
    state: Any = adds(1, return_state=True)  # type: ignore[call-arg]  # an option of the call
    CALLED.append("resumed")
    if CALLED.count("resumed") == 1:
        raise RuntimeError("not yet")
    return state.type.value, state.result()


def test_flow_waits_for_what_it_is_told_to(runtime: Runtime) -> None:
    """A flow begins after the futures of ``wait_for``, and not at all if one failed."""
    CALLED.clear()

    @flow
    def main() -> int:
        first = step.submit(5)
        found: int = adds(1, wait_for=[first])  # type: ignore[call-arg]  # an option of the call
        with pytest.raises(UnfinishedDependency):
            adds(1, wait_for=[breaks.submit()])  # type: ignore[call-arg]  # as above
        return found

    assert main() == 2
    assert CALLED == ["adds"]


def test_own_parameter_of_that_name_is_the_flows(runtime: Runtime) -> None:
    """A flow with a parameter called like an option gets it as any other."""

    @flow
    def own(return_state: bool) -> bool:
        return return_state

    assert own(return_state=True) is True
    with pytest.raises(InvalidParameters):
        adds(n="many", return_state=True)  # type: ignore[call-arg, arg-type]  # wrong on purpose


def test_result_that_cannot_be_kept_is_in_the_state(runtime: Runtime) -> None:
    """With persist_result=True, what cannot be kept is a failed state, like any other error."""

    @flow(persist_result=True)
    def odd() -> object:
        return object()

    state: Any = odd(return_state=True)  # type: ignore[call-arg]  # an option of the call
    assert state.type is StateType.FAILED
    assert not isinstance(state.result(raise_on_failure=False), MissingResult)
