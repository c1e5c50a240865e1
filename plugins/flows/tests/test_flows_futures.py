"""Futures: waiting, cancelling, dependencies and states."""

import asyncio
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from brickwork import InvalidArguments, Scope, TaskCancelled
from brickwork_flows import (
    RunFuture,
    StateType,
    ThreadRunner,
    allow_failure,
    as_completed,
    flow,
    task,
    use_history,
    wait,
)
from brickwork_flows.dependencies import has_futures, resolved
from brickwork_flows.errors import EndlessWait, UnfinishedDependency
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.runtime import Runtime


def tasks_of(runtime: Runtime) -> dict[str, RunRecord]:
    """Return the runs of the newest flow's tasks, by their keys."""
    runtime.flush()
    newest = runtime.history.runs()[0]
    return {each.key: each for each in runtime.history.children(newest.id)}


def names(record: RunRecord) -> list[str]:
    """Return the names of a run's states."""
    return [state.name for state in record.states]


@task
def add(number: int, more: int = 1) -> int:
    """Add."""
    return number + more


@task
def fail() -> None:
    """Fail."""
    raise ValueError("no")


# Nested containers

scalars = st.none() | st.integers() | st.text(max_size=5)
futures = st.builds(lambda value: ended(value), st.integers())
nested = st.recursive(
    scalars | futures,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
    ),
    max_leaves=10,
)


def ended(value: Any) -> RunFuture[Any]:
    """Return a future that has ended."""
    future: RunFuture[Any] = RunFuture("t", "t-0")
    future.end(value)
    return future


def replaced(value: Any) -> Any:
    """Return a value with the results of futures in their places, in another way."""
    if isinstance(value, RunFuture):
        return value.result()
    if isinstance(value, dict):
        return {key: replaced(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(replaced(each) for each in value)
    return value


@given(nested)
def test_futures_are_found_at_any_depth(value: Any) -> None:
    """Results take the places of futures in nested containers; the rest stays as it is."""
    args, kwargs = resolved("t", (value,), {"named": value})

    assert args[0] == kwargs["named"] == replaced(value)
    assert type(args[0]) is type(replaced(value))
    assert not has_futures(args, kwargs)
    assert has_futures((value,), {}) == (repr(value) != repr(replaced(value)))


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.integers(1, 3))
def test_no_tree_of_waiting_tasks_stands_still(
    tmp_path_factory: pytest.TempPathFactory, shape: list[int], workers: int
) -> None:
    """Tasks that submit tasks and wait for them end with any number of workers."""

    @task
    def grow(depth: int) -> int:
        if depth == len(shape):
            return 1
        below = [grow.submit(depth + 1) for _ in range(min(shape[depth], 2 if depth < 4 else 1))]
        return 1 + sum(future.result() for future in below)

    @flow(task_runner=lambda: ThreadRunner(workers))
    def main() -> int:
        return grow.submit(0).result(timeout=30)

    with use_history(tmp_path_factory.mktemp("runs")) as runtime:
        assert main() >= 1
        runtime.close()


# Waiting


def test_wait_tells_what_has_ended(runtime: Runtime) -> None:
    """``wait`` with a time-out returns both kinds; ``result`` raises, and the task goes on."""
    go = threading.Event()

    @task
    def waits() -> str:
        go.wait(10)
        return "done"

    @flow
    def main() -> None:
        slow: Any = waits.submit()
        fast: Any = add.submit(1)
        fast.result()
        done, not_done = wait([slow, fast], timeout=0.05)
        assert (done, not_done) == ({fast}, {slow})
        with pytest.raises(TimeoutError, match="waits-0"):
            slow.result(timeout=0.01)
        with pytest.raises(TimeoutError, match="1 of 2"):
            list(as_completed([slow, fast], timeout=0.05))
        go.set()
        assert slow.result() == "done"

    main()


def test_results_are_awaited(runtime: Runtime) -> None:
    """In a coroutine, ``aresult`` waits without blocking the event loop."""

    @task
    async def later(number: int) -> int:
        await asyncio.sleep(0)
        return number

    @flow
    async def main() -> int:
        one: Any = later.submit(1)
        two: Any = add.submit(one)
        return int(await two.aresult()) + int(await one.aresult())

    assert asyncio.run(main()) == 3


def test_a_wait_that_stops_its_own_loop_is_told(runtime: Runtime) -> None:
    """``result`` in a coroutine for what the same loop has to run is an error, also by detours."""

    @task
    async def later() -> int:
        await asyncio.sleep(0)
        return 1

    @flow
    async def main() -> int:
        future: Any = later.submit()
        with pytest.raises(EndlessWait, match=r"await future.aresult\(\)"):
            future.result()
        return int(await future.aresult())

    assert asyncio.run(main()) == 1


def test_a_circle_of_waits_is_told(runtime: Runtime) -> None:
    """Two tasks that wait for each other are told so, and do not hang."""
    both: list[Any] = []
    made = threading.Event()

    @task
    def waits_for(number: int) -> str:
        made.wait(10)
        try:
            both[number].result(timeout=20)
        except EndlessWait:
            return "told"
        return "went on"

    @flow
    def main() -> list[str]:
        both.extend([waits_for.submit(1), waits_for.submit(0)])
        made.set()
        return [future.result() for future in both]

    assert "told" in main()


def test_callbacks_are_called_once(runtime: Runtime) -> None:
    """A callback is called when the future has ended, or at once; one that fails harms nobody."""
    told: list[str] = []

    @flow
    def main() -> None:
        future: Any = add.submit(1)
        future.add_done_callback(lambda each: told.append(each.key))
        future.result()
        future.add_done_callback(lambda each: told.append("late"))

    main()
    assert told == ["add-0", "late"]


def test_a_failing_callback_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The future ends, and the next callback is called."""
    future: RunFuture[int] = RunFuture("t", "t-0")
    told: list[bool] = []
    future.add_done_callback(lambda _: 1 / 0)
    future.add_done_callback(lambda each: told.append(each.done()))
    future.end(1)
    assert told == [True]
    assert "a callback of t-0 failed" in caplog.text


# Cancelling


def test_cancelled_before_it_began(runtime: Runtime) -> None:
    """What waits for its turn does not begin; both states are recorded."""
    go, began = threading.Event(), threading.Event()

    @task
    def waits() -> None:
        began.set()
        go.wait(10)

    @flow(task_runner=lambda: ThreadRunner(1))
    def main() -> None:
        first = waits.submit()
        second: Any = add.submit(1)
        began.wait(10)
        assert second.state.type.name == "PENDING"
        assert second.cancel()
        assert not second.cancel()
        assert second.state.type.name == "CANCELLED"
        go.set()
        first.result()

    main()
    assert names(tasks_of(runtime)["add-0"]) == ["Pending", "Cancelled"]


def test_cancelled_while_it_runs(runtime: Runtime) -> None:
    """Python code is interrupted at its next bytecode; the flow goes on."""
    began = threading.Event()

    @task
    def spins() -> None:
        began.set()
        while True:
            pass

    @flow
    def main() -> None:
        future: Any = spins.submit()
        began.wait(10)
        assert future.state.name == "Running"
        assert future.cancel()
        future.wait(10)
        assert future.state.name == "Cancelled"

    main()
    assert names(tasks_of(runtime)["spins-0"]) == ["Pending", "Running", "Cancelled"]


def test_a_cancelled_wait_ends(runtime: Runtime) -> None:
    """A task that waits for another one can be cancelled."""
    go, began = threading.Event(), threading.Event()

    @task
    def waits() -> None:
        go.wait(10)

    @task
    def watches(boxed: list[Any]) -> None:
        began.set()
        boxed[0]().result()

    @flow
    def main() -> None:
        slow = waits.submit()
        watching: Any = watches.submit([lambda: slow])
        began.wait(10)
        watching.cancel()
        assert watching.wait(10)
        go.set()

    main()
    assert names(tasks_of(runtime)["watches-0"])[-1] == "Cancelled"


@pytest.mark.parametrize("how", ["result", "as_completed", "end"])
def test_a_cancelled_flow_waits_no_longer(how: str, runtime: Runtime) -> None:
    """A flow that is cancelled from elsewhere while it waits for a future ends at once."""

    @task
    def cancels_all() -> None:
        outside.cancel()
        while True:
            pass

    @flow
    def main() -> None:
        future: Any = cancels_all.submit()
        if how == "result":
            future.result()
        elif how == "as_completed":
            list(as_completed([future]))

    with Scope("outside") as outside, pytest.raises(TaskCancelled):
        main()
    assert {names(each)[-1] for each in tasks_of(runtime).values()} == {"Cancelled"}


# Options of calls


def test_plain_calls_take_futures(runtime: Runtime) -> None:
    """A future given to a plain call is waited for."""

    @flow
    def main() -> int:
        return add(add.submit(1), more=2)  # type: ignore[arg-type]  # a future

    assert main() == 4


def test_wait_for_orders_tasks(runtime: Runtime) -> None:
    """``wait_for`` makes a task begin after others, in calls, ``submit`` and ``map``."""
    order: list[str] = []
    go = threading.Event()

    @task
    def says(word: str) -> None:
        if word == "first":
            go.wait(10)
        order.append(word)

    @flow
    def main() -> None:
        first = says.submit("first")
        second = says.submit("second", wait_for=[first])  # type: ignore[call-arg]  # the engine's
        third = says.map(["third"], wait_for=second)
        go.set()
        says("fourth", wait_for=third)  # type: ignore[call-arg]  # the engine's

    main()
    assert order == ["first", "second", "third", "fourth"]


def test_wait_for_what_failed(runtime: Runtime) -> None:
    """A task does not begin after what failed, unless that is allowed."""

    @flow
    def main() -> int:
        broken: Any = fail.submit()
        with pytest.raises(UnfinishedDependency):
            add(1, wait_for=[broken])  # type: ignore[call-arg]  # the engine's
        return add(1, wait_for=[allow_failure(broken)])  # type: ignore[call-arg]  # the engine's

    assert main() == 2


def test_return_state(runtime: Runtime) -> None:
    """``return_state`` gives the state, with the result, and raises nothing by itself."""

    @flow
    def main() -> None:
        good: Any = add(1, return_state=True)  # type: ignore[call-arg]  # the engine's
        bad: Any = fail.submit(return_state=True)  # type: ignore[call-arg]  # the engine's
        all_of: Any = add.map([1, 2], return_state=True)
        assert (good.type, good.result()) == (StateType.COMPLETED, 2)
        assert (bad.type, str(bad.result(raise_on_failure=False))) == (StateType.FAILED, "no")
        assert [each.result() for each in all_of] == [2, 3]
        with pytest.raises(ValueError, match="no"):
            bad.result()

    main()


def test_own_parameters_stay_own(runtime: Runtime) -> None:
    """A function with a parameter of that name gets it."""

    @task
    def own(wait_for: str, return_state: bool = False) -> tuple[str, bool]:
        return wait_for, return_state

    @flow
    def main() -> Any:
        return own(wait_for="x", return_state=True), own.submit(wait_for="y").result()

    assert main() == (("x", True), ("y", False))


def test_map_wants_something_to_map() -> None:
    """``map`` without a list, and with lists of different lengths, says so."""

    @flow
    def main(arguments: list[Any]) -> None:
        add.map(*arguments)

    for arguments in ([1, 2], [[1, 2], [1]]):
        with pytest.raises(InvalidArguments, match=r"add\.map"):
            main(arguments)


@task
def doubled(number: int) -> int:
    """Return twice the number; not for 13."""
    if number == 13:
        raise ValueError("unlucky")
    return 2 * number


def test_a_flow_that_returns_futures_gives_their_results(runtime: Runtime) -> None:
    """At any depth, and it is the results that are kept; an allowed failure is an error."""

    @flow
    def returns() -> Any:
        many = doubled.map([1, 2])
        return {
            "all": many,
            "one": (doubled.submit(3), 4),
            "bad": allow_failure(doubled.submit(13)),
        }

    @flow
    async def later() -> Any:
        return doubled.map([1, 2])

    found = returns()
    assert found["all"] == [2, 4]
    assert found["one"] == (6, 4)
    assert isinstance(found["bad"], ValueError)
    assert asyncio.run(later()) == [2, 4]
    runtime.flush()
    assert runtime.history.result(runtime.history.runs()[0].id) is not None


def test_a_flow_that_returns_a_failed_future_fails(runtime: Runtime) -> None:
    """The error is the task's own."""

    @flow
    def returns() -> Any:
        return doubled.map([1, 13])

    with pytest.raises(ValueError, match="unlucky"):
        returns()
    runtime.flush()
    assert names(runtime.history.runs()[0])[-1] == "Failed"
