"""Flows and their tasks: what they return, what is recorded, what a failure leaves."""

import asyncio
from datetime import date

import pytest

from brickwork import Scope, TaskCancelled, TaskTimeout
from brickwork_flows import RunFuture, StateType, allow_failure, as_completed, flow, task, unmapped
from brickwork_flows.errors import InvalidFlow, InvalidParameters, UnfinishedDependency
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.runtime import Runtime


@task
def add(number: int, more: int = 1) -> int:
    """Add."""
    return number + more


@task
def fail(text: str) -> None:
    """Fail."""
    raise ValueError(text)


def recorded(runtime: Runtime) -> tuple[RunRecord, dict[str, RunRecord]]:
    """Return the newest flow's run, and its tasks' by their keys."""
    runtime.flush()
    newest = runtime.history.runs()[0]
    return newest, {each.key: each for each in runtime.history.children(newest.id)}


def names(record: RunRecord) -> list[str]:
    """Return the names of a run's states."""
    return [state.name for state in record.states]


def test_a_flow_returns_what_its_function_returns(runtime: Runtime) -> None:
    """A flow is called like the function; its tasks, too, in loops and comprehensions."""

    @flow
    def total(numbers: list[int]) -> int:
        more = [add(number) for number in numbers]
        return sum(more)

    assert total([1, 2, 3]) == 9

    run, tasks = recorded(runtime)
    assert (run.name, run.kind, run.state.type) == ("total", "flow", StateType.COMPLETED)
    assert names(run) == ["Pending", "Running", "Completed"]
    assert list(tasks) == ["add-0", "add-1", "add-2"]
    assert all(names(each) == ["Pending", "Running", "Completed"] for each in tasks.values())


def test_results_are_kept(runtime: Runtime) -> None:
    """What a task and a flow return is in the history."""
    from brickwork_flows.results import restore

    @flow
    def main() -> dict[str, object]:
        return {"sum": add(1), "day": date(2026, 11, 23)}

    value = main()
    run, tasks = recorded(runtime)
    kept, of_task = map(runtime.history.result, (run.id, tasks["add-0"].id))

    assert kept is not None
    assert of_task is not None
    assert restore(kept) == value
    assert restore(of_task) == 2


def test_a_failure_fails_task_and_flow(runtime: Runtime) -> None:
    """An error that leaves the body is raised, and is the reason of both states."""

    @flow
    def main() -> None:
        fail("no disk")

    with pytest.raises(ValueError, match="no disk"):
        main()
    run, tasks = recorded(runtime)

    assert (run.state.type, tasks["fail-0"].state.type) == (StateType.FAILED, StateType.FAILED)
    assert run.state.message == "ValueError: no disk"


def test_a_caught_failure_fails_the_task_alone(runtime: Runtime) -> None:
    """A flow that deals with an error of a task completes."""

    @flow
    def main() -> str:
        try:
            fail("x")
        except ValueError:
            return "dealt with"
        return "no"

    assert main() == "dealt with"
    run, tasks = recorded(runtime)
    assert (names(run)[-1], names(tasks["fail-0"])[-1]) == ("Completed", "Failed")


def test_retries_of_a_task_are_recorded(runtime: Runtime) -> None:
    """Every attempt is a state, with its reason."""
    left = [2]

    @task(retries=2)
    def flaky() -> str:
        if left[0]:
            left[0] -= 1
            raise OSError("busy")
        return "done"

    @flow
    def main() -> str:
        return flaky()

    assert main() == "done"
    _, tasks = recorded(runtime)
    assert names(tasks["flaky-0"]) == [
        *("Pending", "Running", "AwaitingRetry", "Retrying", "AwaitingRetry", "Retrying"),
        "Completed",
    ]
    assert tasks["flaky-0"].states[2].message.startswith("attempt 1: OSError: busy; the next")
    assert tasks["flaky-0"].attempts == 3


def test_retry_of_a_flow_runs_its_body_again(runtime: Runtime) -> None:
    """The body is tried again; tasks that completed give back what they did."""
    left, called = [1], []

    @task
    def once(number: int) -> int:
        called.append(number)
        return number

    @flow(retries=1)
    def main() -> int:
        value = sum(once(number) for number in (1, 2))
        if left[0]:
            left[0] -= 1
            fail("busy")
        return value

    assert main() == 3
    run, tasks = recorded(runtime)
    assert called == [1, 2]
    assert names(run) == ["Pending", "Running", "AwaitingRetry", "Retrying", "Completed"]
    assert names(tasks["fail-0"]) == ["Pending", "Running", "Failed"]


def test_failed_task_runs_again_with_its_flow(runtime: Runtime) -> None:
    """A task that failed is tried again where the body comes there again, and says so."""
    left = [1]

    @task
    def flaky() -> str:
        if left[0]:
            left[0] -= 1
            raise OSError("busy")
        return "done"

    @flow(retries=1)
    def main() -> str:
        return flaky()

    assert main() == "done"
    _, tasks = recorded(runtime)
    assert names(tasks["flaky-0"]) == [
        *("Pending", "Running", "Failed", "Pending", "Running", "Completed"),
    ]
    assert tasks["flaky-0"].attempts == 2


def test_timeouts_are_told(runtime: Runtime) -> None:
    """A task that takes too long is failed as timed out, and so is its flow."""

    @task(timeout_seconds=0.05)
    def slow() -> None:
        while True:
            pass

    @flow
    def main() -> None:
        slow()

    with pytest.raises(TaskTimeout):
        main()
    run, tasks = recorded(runtime)
    assert (names(tasks["slow-0"])[-1], names(run)[-1]) == ("TimedOut", "TimedOut")


def test_cancelling_is_told(runtime: Runtime) -> None:
    """A flow in a scope that is cancelled ends as cancelled."""

    @flow
    def main() -> None:
        scope.cancel()
        add(1)

    with Scope("outside") as scope, pytest.raises(TaskCancelled):
        main()
    run, _ = recorded(runtime)
    assert names(run)[-1] == "Cancelled"


# Parameters


def test_parameters_become_what_the_annotations_say(runtime: Runtime) -> None:
    """Texts become numbers and dates; defaults stay."""

    @flow
    def main(day: date, number: int = 3) -> tuple[date, int]:
        return day, number

    assert main("2026-11-23", number="4") == (date(2026, 11, 23), 4)  # type: ignore[arg-type]  # coerced
    assert main(date(2026, 1, 1)) == (date(2026, 1, 1), 3)


@pytest.mark.parametrize("arguments", [{}, {"number": "x"}, {"number": 1, "other": 2}])
def test_wrong_parameters_run_nothing(arguments: dict[str, object], runtime: Runtime) -> None:
    """Missing, wrong and unknown parameters are an error that names them; nothing is recorded."""

    @flow
    def main(number: int) -> None:
        raise AssertionError

    with pytest.raises(InvalidParameters, match=r"number|other"):
        main(**arguments)  # type: ignore[arg-type]  # wrong on purpose
    runtime.flush()
    assert runtime.history.runs() == []


def test_unknown_options_are_refused() -> None:
    """An option that does not exist is an error that lists those that do."""
    with pytest.raises(InvalidFlow, match="retires"):
        flow(retires=1)(lambda: None)  # type: ignore[call-overload]  # wrong on purpose


# Async


def test_async_flows_and_tasks(runtime: Runtime) -> None:
    """An async flow awaits async tasks and calls sync ones, also several at once."""

    @task
    async def double(number: int) -> int:
        await asyncio.sleep(0)
        return number * 2

    @flow
    async def main() -> int:
        both = await asyncio.gather(double(1), double(2), add.aio(3))
        return sum(both) + add(1)

    assert asyncio.run(main()) == 12
    run, tasks = recorded(runtime)
    assert names(run)[-1] == "Completed"
    assert set(tasks) == {"double-0", "double-1", "add-0", "add-1"}


# Futures


def test_submitted_tasks_run_at_once_and_depend_on_futures(runtime: Runtime) -> None:
    """A future given to a task, at any depth, makes it wait for that result."""

    @task
    def total(numbers: dict[str, list[int]]) -> int:
        return sum(numbers["all"])

    @flow
    def main() -> int:
        one, two = add.submit(1), add.submit(2)
        return total.submit({"all": [one, two, 10]}).result()  # type: ignore[list-item]  # a future

    assert main() == 15


def test_map_calls_once_for_each_element(runtime: Runtime) -> None:
    """Lists give one element to each call; the rest goes to each whole."""

    @flow
    def main() -> list[int]:
        futures: list[RunFuture[int]] = add.map([1, 2, 3], more=unmapped(10))  # type: ignore[assignment]  # this engine's
        return sorted(future.result() for future in as_completed(futures))

    assert main() == [11, 12, 13]


def test_failed_dependency(runtime: Runtime) -> None:
    """A task whose dependency failed does not begin, unless it allows that."""

    @task
    def looks(at: object) -> str:
        return type(at).__name__

    @flow
    def main() -> str:
        broken = fail.submit("x")
        told = looks.submit(allow_failure(broken)).result()
        with pytest.raises(UnfinishedDependency, match="fail-0"):
            looks.submit(broken).result()
        return told

    assert main() == "ValueError"
    _, tasks = recorded(runtime)
    assert "looks-1" not in tasks


def test_a_flow_waits_for_what_it_submitted(runtime: Runtime) -> None:
    """What was submitted and not waited for has ended when the flow has."""
    futures: list[RunFuture[int]] = []

    @flow
    def main() -> None:
        futures.extend(add.submit(number) for number in range(20))  # type: ignore[misc]  # run futures

    main()
    assert all(future.done() for future in futures)
    assert sum(future.result() for future in futures) == sum(range(1, 21))
