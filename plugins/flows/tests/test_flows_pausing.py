"""Pausing and suspending runs: what waits, what is recorded, what ends it, what it is given."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from brickwork import BasicAuth, Secret, TaskCancelled
from brickwork_flows import (
    FlowSuspended,
    RunInput,
    StateType,
    apause_flow_run,
    aresume_flow_run,
    asuspend_flow_run,
    flow,
    pause_flow_run,
    resume,
    resume_flow_run,
    suspend_flow_run,
    task,
)
from brickwork_flows.claims import Claim
from brickwork_flows.errors import (
    InvalidInput,
    NotPausable,
    NotResumable,
    PauseTimeout,
)
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.history.requests import ask
from brickwork_flows.pausing.awaited import open_pauses
from brickwork_flows.resuming import cancel_at_rest
from brickwork_flows.runtime import Runtime

WAIT_SECONDS = 30.0

T = TypeVar("T")

done: list[Any] = []
asked = SimpleNamespace(type=int, timeout=WAIT_SECONDS, broken=False)


@pytest.fixture(autouse=True)
def fresh() -> None:
    """Nothing was done yet, and nothing is broken."""
    done.clear()
    asked.type, asked.timeout, asked.broken = int, WAIT_SECONDS, False


class Approval(RunInput):
    """Whether the report goes out."""

    approved: bool
    note: str = "none"


@task
def step(number: int) -> int:
    """Do something that can be counted."""
    done.append(number)
    return number


@task
def fragile() -> None:
    """Fail until it is mended."""
    if asked.broken:
        asked.broken = False
        raise OSError("no disk")


@flow
def pauses() -> Any:
    """Pause between two steps."""
    step(1)
    value = pause_flow_run(asked.type, asked.timeout)
    step(2)
    fragile()
    return value


@flow
def suspends() -> Any:
    """Be suspended between two steps."""
    step(1)
    value = suspend_flow_run(asked.type, asked.timeout)
    step(2)
    return value


@flow
def twice() -> tuple[int, str]:
    """Be suspended twice."""
    return suspend_flow_run(int), suspend_flow_run(str, key="name")


@flow
def outer(way: str) -> Any:
    """Call a flow that waits."""
    value = pauses() if way == "pause" else suspends()
    return value, step(3)


@flow
async def pauses_async() -> Any:
    """Pause in an event loop."""
    return await apause_flow_run(asked.type, asked.timeout)


@flow
async def suspends_async() -> Any:
    """Be suspended in an event loop."""
    await step.aio(1)
    return await asuspend_flow_run(asked.type, asked.timeout)


@pytest.fixture
def aside(runtime: Runtime) -> Iterator[Callable[..., "Future[Any]"]]:
    """Runs something in another thread, with this test's history."""
    with ThreadPoolExecutor(4) as pool:
        yield lambda function, *args: pool.submit(copy_context().run, function, *args)


def eventually(true: Callable[[], T]) -> T:
    """Wait until something is so, and return it."""
    until = time.monotonic() + WAIT_SECONDS
    while not (found := true()):
        assert time.monotonic() < until, "it never came to be"
        time.sleep(0.02)
    return found


def newest(runtime: Runtime) -> RunRecord:
    """Return the newest run."""
    runtime.flush()
    return runtime.history.runs()[0]


def paused(runtime: Runtime) -> RunRecord:
    """Wait for a run that is paused, and return it."""
    return eventually(lambda: runtime.history.runs(states=[StateType.PAUSED]))[0]


def suspended(of: Callable[..., Any], *args: Any) -> str:
    """Run a flow until it is suspended, and return the id of the run."""
    with pytest.raises(FlowSuspended) as ended:
        of(*args)
    return ended.value.run_id


def names(record: RunRecord) -> list[str]:
    """Return the names of the states that a run was in."""
    return [state.name for state in record.states]


# Pausing


def test_a_paused_run_waits_and_goes_on_with_what_it_is_given(
    runtime: Runtime, aside: Callable[..., "Future[Any]"]
) -> None:
    """The body stops at the pause, tells how to go on, and gets the typed value there."""
    asked.type = Approval
    running = aside(pauses)
    record = paused(runtime)
    assert done == [1]
    assert record.state.message == "waits at pause-0 for Approval(approved, [note])"
    assert resume_flow_run(record.id, {"approved": True}) is None

    assert running.result(WAIT_SECONDS) == Approval(approved=True)
    assert names(newest(runtime)) == ["Pending", "Running", "Paused", "Running", "Completed"]
    assert open_pauses(runtime.history, record.id) == []


def test_a_process_that_waits_notices_within_a_second(
    runtime: Runtime, aside: Callable[..., "Future[Any]"]
) -> None:
    """From giving the input to the end of the run no second passes."""
    running = aside(pauses)
    record = paused(runtime)
    began = time.time()
    resume_flow_run(record.id, 5)
    running.result(WAIT_SECONDS)
    back = newest(runtime).states[3]
    assert back.timestamp - began < 1.0


def test_a_pause_without_input_needs_leave_alone(
    runtime: Runtime, aside: Callable[..., "Future[Any]"]
) -> None:
    """``resume`` lets a run go on that waits for nothing more than that."""
    asked.type = None
    running = aside(pauses)
    assert resume(paused(runtime).id) is None
    assert running.result(WAIT_SECONDS) is None


def test_input_that_does_not_fit_leaves_the_run_paused(
    runtime: Runtime, aside: Callable[..., "Future[Any]"]
) -> None:
    """Who gives it is told the fields; the run waits still, and takes the next one."""
    asked.type = Approval
    running = aside(pauses)
    record = paused(runtime)
    with pytest.raises(InvalidInput, match="approved: Field required") as refused:
        resume_flow_run(record.id, {"aproved": True})
    assert "aproved: Extra inputs are not permitted" in refused.value.what
    assert newest(runtime).state.type is StateType.PAUSED
    with pytest.raises(InvalidInput, match="approved: Field required"):
        resume_flow_run(record.id)
    resume_flow_run(record.id, Approval(approved=False, note="later"))
    assert running.result(WAIT_SECONDS).note == "later"


def test_a_pause_that_nobody_ends_fails_and_says_so(runtime: Runtime) -> None:
    """After its time the run fails with the reason; resumed, it pauses once more."""
    asked.timeout = 0.05
    with pytest.raises(PauseTimeout, match=r"not resumed within 0\.05 s"):
        pauses()
    record = newest(runtime)
    assert (record.state.type, record.state.name) == (StateType.FAILED, "Failed")
    assert "was paused at pause-0, and not resumed within 0.05 s" in record.state.message
    assert open_pauses(runtime.history, record.id) == []
    with pytest.raises(PauseTimeout):
        resume(record.id)
    assert done == [1]


def test_a_body_may_go_on_after_a_pause_that_timed_out(runtime: Runtime) -> None:
    """The error of the time-out can be dealt with; the run is running then."""

    @flow
    def patient() -> str:
        try:
            pause_flow_run(timeout=0.01)
        except PauseTimeout:
            return "went on"
        return "was resumed"

    assert patient() == "went on"
    assert names(newest(runtime)) == ["Pending", "Running", "Paused", "Running", "Completed"]


def test_a_paused_run_is_cancelled_where_it_waits(
    runtime: Runtime, aside: Callable[..., "Future[Any]"]
) -> None:
    """Cancelling ends the wait; the pause is gone."""
    running = aside(pauses)
    record = paused(runtime)
    assert not cancel_at_rest(runtime, record.id), "its process can do so itself"
    ask(runtime.history, record.id, "cancel")
    with pytest.raises(TaskCancelled):
        running.result(WAIT_SECONDS)
    assert names(newest(runtime))[-3:] == ["Paused", "Cancelling", "Cancelled"]
    assert open_pauses(runtime.history, record.id) == []


def test_a_retried_body_is_not_asked_again(
    runtime: Runtime, aside: Callable[..., "Future[Any]"]
) -> None:
    """What a pause was given comes back at the next attempt, and when the run is resumed."""
    asked.broken = True
    running = aside(pauses.with_options(retries=1))
    resume_flow_run(paused(runtime).id, 7)
    assert running.result(WAIT_SECONDS) == 7
    record = newest(runtime)
    assert names(record).count("Paused") == 1
    assert record.attempts == 2


def test_what_was_given_comes_back_when_the_run_is_resumed(
    runtime: Runtime, aside: Callable[..., "Future[Any]"]
) -> None:
    """A run that failed after its pause is resumed without a question."""
    asked.broken = True
    running = aside(pauses)
    run_id = paused(runtime).id
    resume_flow_run(run_id, 7)
    with pytest.raises(OSError, match="no disk"):
        running.result(WAIT_SECONDS)
    assert resume(run_id) == 7
    assert done == [1, 2]


def test_what_fits_another_type_no_more_is_asked_for_anew(
    runtime: Runtime, aside: Callable[..., "Future[Any]"]
) -> None:
    """When the code wants something else meanwhile, the pause is made again."""
    asked.broken = True
    running = aside(pauses)
    run_id = paused(runtime).id
    resume_flow_run(run_id, 7)
    with pytest.raises(OSError, match="no disk"):
        running.result(WAIT_SECONDS)
    asked.type = Approval
    running = aside(resume, run_id)
    record = paused(runtime)
    assert "for Approval" in record.state.message
    resume_flow_run(run_id, {"approved": True})
    assert running.result(WAIT_SECONDS).approved


def test_two_calls_with_one_key_are_one_pause(
    runtime: Runtime, aside: Callable[..., "Future[Any]"]
) -> None:
    """A key names a pause; without one, each call is a pause of its own."""

    @flow
    def same() -> list[int]:
        return [pause_flow_run(int, key="size"), pause_flow_run(int, key="size")]

    running = aside(same)
    record = paused(runtime)
    assert [each.key for each in open_pauses(runtime.history, record.id)] == ["size"]
    resume_flow_run(record.id, 3)
    assert running.result(WAIT_SECONDS) == [3, 3]


def test_a_flow_in_a_flow_pauses_the_whole(
    runtime: Runtime, aside: Callable[..., "Future[Any]"]
) -> None:
    """The inner run and the outer one are paused, and both go on."""
    running = aside(outer, "pause")
    record = paused(runtime)
    assert record.name == "outer"
    inner = runtime.history.run(f"{record.id}.pauses-0")
    assert inner.state.type is StateType.PAUSED
    assert [each.key for each in open_pauses(runtime.history, record.id)] == ["pauses-0/pause-0"]
    resume_flow_run(record.id, 4)
    assert running.result(WAIT_SECONDS) == (4, 3)
    assert names(newest(runtime))[2:] == ["Paused", "Running", "Completed"]


def test_submitted_tasks_run_on_while_the_body_is_paused(
    runtime: Runtime, aside: Callable[..., "Future[Any]"]
) -> None:
    """What was submitted before the pause ends meanwhile."""

    @flow
    def busy() -> int:
        future = step.submit(8)
        pause_flow_run()
        return future.result()

    running = aside(busy)
    record = paused(runtime)
    eventually(lambda: done == [8])
    resume(record.id)
    assert running.result(WAIT_SECONDS) == 8


def test_nothing_is_paused_in_tasks_and_outside_of_flows(runtime: Runtime) -> None:
    """Both are refused at once, and say where it can be done."""

    @task
    def inside() -> None:
        pause_flow_run()

    @flow
    def main() -> None:
        inside()

    with pytest.raises(NotPausable, match="the task 'inside' runs"):
        main()
    with pytest.raises(NotPausable, match="no flow runs"):
        suspend_flow_run()


# Suspending


def test_a_suspended_run_ends_and_is_resumed_by_replay(runtime: Runtime) -> None:
    """The call ends with FlowSuspended; resumed with input, only what is left runs."""
    run_id = suspended(suspends)
    record = newest(runtime)
    assert (record.state.type, record.state.name) == (StateType.PAUSED, "Suspended")
    assert record.state.message == "waits at pause-0 for int"
    assert resume_flow_run(run_id, 9) == 9
    assert done == [1, 2]
    assert names(newest(runtime))[2:] == ["Suspended", "Pending", "Running", "Completed"]


def test_input_that_does_not_fit_leaves_the_run_suspended(runtime: Runtime) -> None:
    """The replay refuses it; the run is suspended still, and takes the next one."""
    run_id = suspended(suspends)
    for wrong in ("many", None):
        with pytest.raises(InvalidInput, match="does not fit int"):
            resume_flow_run(run_id, wrong)
        assert newest(runtime).state.name == "Suspended"
    assert resume_flow_run(run_id, 9) == 9
    assert done == [1, 2]


def test_each_suspension_is_asked_for_once(runtime: Runtime) -> None:
    """With two in one flow, the first gives back its value when the second is resumed."""
    run_id = suspended(twice)
    assert suspended(resume_flow_run, run_id, 1) == run_id
    assert [each.key for each in open_pauses(runtime.history, run_id)] == ["name"]
    assert resume_flow_run(run_id, "x") == (1, "x")


def test_a_flow_in_a_flow_suspends_the_whole(runtime: Runtime) -> None:
    """The outermost call ends; both runs go on by replay."""
    run_id = suspended(outer, "suspend")
    assert runtime.history.run(f"{run_id}.suspends-0").state.name == "Suspended"
    assert resume_flow_run(run_id, 4) == (4, 3)
    assert done == [1, 2, 3]


def test_what_was_submitted_ends_before_the_run_is_suspended(runtime: Runtime) -> None:
    """No task of the run is at work once it is suspended."""
    gate = threading.Event()

    @task
    def slow() -> str:
        gate.wait(WAIT_SECONDS)
        done.append("slow")
        return "slow"

    @flow
    def main() -> None:
        slow.submit()
        threading.Timer(0.1, gate.set).start()
        suspend_flow_run()

    run_id = suspended(main)
    assert done == ["slow"]
    runtime.flush()
    assert runtime.history.run(f"{run_id}.slow-0").state.type is StateType.COMPLETED


def test_retries_do_not_repeat_what_is_suspended(runtime: Runtime) -> None:
    """To be suspended is no failure of the body."""
    run_id = suspended(suspends.with_options(retries=3))
    assert names(newest(runtime)) == ["Pending", "Running", "Suspended"]
    assert resume_flow_run(run_id, 2) == 2


def test_a_body_that_catches_everything_is_suspended_all_the_same(runtime: Runtime) -> None:
    """What the body does after it was suspended does not count: it runs again."""

    @flow
    def greedy() -> str:
        try:
            suspend_flow_run()
        except BaseException:  # noqa: BLE001  # what is tested
            return "swallowed"
        return "resumed"

    suspended(greedy)
    assert newest(runtime).state.name == "Suspended"


def test_a_flow_that_a_task_called_is_not_suspended(runtime: Runtime) -> None:
    """The task would be cut off in the middle; the error says so."""

    @task
    def calls() -> None:
        suspends()

    @flow
    def main() -> None:
        calls()

    with pytest.raises(NotPausable, match="a task has called it"):
        main()


def test_a_suspension_that_nobody_ended_in_time_fails_when_it_is_resumed(
    runtime: Runtime,
) -> None:
    """Input that comes too late is not taken."""
    asked.timeout = 0.01
    run_id = suspended(suspends)
    eventually(lambda: (open_pauses(runtime.history, run_id)[0].until or 0) < time.time())
    with pytest.raises(PauseTimeout):
        resume_flow_run(run_id, 3)
    assert newest(runtime).state.type is StateType.FAILED


def test_a_suspended_run_is_cancelled_by_anybody(runtime: Runtime) -> None:
    """Nobody needs to run for that; it can be resumed still, and asks again."""
    run_id = suspended(suspends)
    assert cancel_at_rest(runtime, run_id)
    assert newest(runtime).state.type is StateType.CANCELLED
    with pytest.raises(NotResumable, match="is not paused: it is cancelled"):
        resume_flow_run(run_id, 3)
    assert suspended(resume, run_id) == run_id
    assert resume_flow_run(run_id, 3) == 3


def test_of_two_who_resume_one_run_at_once_one_does(
    runtime: Runtime, aside: Callable[..., "Future[Any]"]
) -> None:
    """While somebody holds the run, another offer is refused."""
    run_id = suspended(suspends)
    claim = Claim.take(runtime.place.folder, run_id)
    assert claim is not None
    first = aside(resume_flow_run, run_id, 1)  # waits for who holds it
    eventually(lambda: open_pauses(runtime.history, run_id)[0].offer)
    with pytest.raises(NotResumable, match="Somebody else resumes"):
        resume_flow_run(run_id, 2)
    claim.release()
    assert first.result(WAIT_SECONDS) == 1, "who holds it was gone, so it went on there"
    with pytest.raises(NotResumable, match="has completed"):
        resume_flow_run(run_id, 2)
    assert done == [1, 2]


# In event loops


def test_async_flows_pause(runtime: Runtime) -> None:
    """Others of the loop run on while one is paused; input comes by the async twin."""

    async def main() -> Any:
        running = asyncio.create_task(pauses_async())
        record = await asyncio.to_thread(paused, runtime)
        assert await aresume_flow_run(record.id, 6) is None
        return await running

    assert asyncio.run(main()) == 6
    assert names(newest(runtime))[2:] == ["Paused", "Running", "Completed"]


def test_async_flows_are_suspended(runtime: Runtime) -> None:
    """The coroutine ends with FlowSuspended, and is resumed by one."""
    with pytest.raises(FlowSuspended) as ended:
        asyncio.run(suspends_async())
    assert newest(runtime).state.name == "Suspended"
    assert asyncio.run(aresume_flow_run(ended.value.run_id, 6)) == 6
    assert done == [1]


def test_several_pauses_at_once_are_told_apart_by_key(runtime: Runtime) -> None:
    """The whole is paused until the last one is ended."""

    @flow
    async def both() -> list[int]:
        return list(await asyncio.gather(pauses_async(), pauses_async()))

    async def main() -> Any:
        running = asyncio.create_task(both())
        record = await asyncio.to_thread(paused, runtime)
        await asyncio.to_thread(
            eventually, lambda: len(open_pauses(runtime.history, record.id)) == 2
        )
        with pytest.raises(NotResumable, match="has several pauses: pauses_async-0/pause-0"):
            await aresume_flow_run(record.id, 1)
        await aresume_flow_run(record.id, 2, key="pauses_async-1/pause-0")
        assert newest(runtime).state.type is StateType.PAUSED
        await aresume_flow_run(record.id, 1)
        return await running

    assert asyncio.run(main()) == [1, 2]
    assert names(newest(runtime))[2:] == ["Paused", "Running", "Completed"]


def test_a_group_of_tasks_carries_a_suspension(runtime: Runtime) -> None:
    """What a TaskGroup makes of it suspends the run, and cancels the others of the group."""

    @flow
    async def group() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(suspends_async())
            tasks.create_task(pauses_async())

    with pytest.raises(BaseExceptionGroup):
        asyncio.run(group())
    record = newest(runtime)
    assert record.state.name == "Suspended"
    assert [each.key for each in open_pauses(runtime.history, record.id)] == [
        "suspends_async-0/pause-0"
    ]


def test_a_paused_async_run_is_cancelled(runtime: Runtime) -> None:
    """Cancelling reaches the await."""

    async def main() -> None:
        running = asyncio.create_task(pauses_async())
        record = await asyncio.to_thread(paused, runtime)
        await asyncio.to_thread(ask, runtime.history, record.id, "cancel")
        await running

    with pytest.raises((TaskCancelled, asyncio.CancelledError)):
        asyncio.run(main())
    assert newest(runtime).state.type is StateType.CANCELLED


# From outside


def test_a_run_pauses_before_the_next_task_when_asked(
    runtime: Runtime, aside: Callable[..., "Future[Any]"]
) -> None:
    """The task that runs ends; the next one begins when the run is resumed."""
    first, ended = threading.Event(), threading.Event()

    @task
    def waits() -> None:
        first.set()
        ended.wait(WAIT_SECONDS)

    @flow
    def main() -> int:
        waits()
        return step(1) + sum(future.result() for future in step.map([2, 3]))

    running = aside(main)
    first.wait(WAIT_SECONDS)
    record = newest(runtime)
    ask(runtime.history, record.id, "pause")
    eventually(lambda: runtime.history.entry("requests", record.id) is None)
    ended.set()
    assert paused(runtime).state.message.startswith("somebody asked")
    assert done == []
    resume(record.id)
    assert running.result(WAIT_SECONDS) == 6


def test_a_secret_is_given_and_never_stored_in_clear(
    runtime: Runtime, aside: Callable[..., "Future[Any]"]
) -> None:
    """It is in no file of the history; the flow has it, also when it is resumed."""

    class Login(RunInput):
        user: str
        password: Secret[str]

    BasicAuth(username="any", password=Secret("makes the vault")).save("any")
    asked.type, asked.broken = Login, True
    running = aside(pauses)
    run_id = paused(runtime).id
    with pytest.raises(InvalidInput, match="user: Field required") as refused:
        resume_flow_run(run_id, {"password": "pw-4711-sentinel", "usr": "pw-4711-sentinel"})
    assert "4711" not in str(refused.value)
    resume_flow_run(run_id, {"user": "ada", "password": "pw-4711-sentinel"})
    with pytest.raises(OSError, match="no disk"):
        running.result(WAIT_SECONDS)
    asked.broken = False
    assert resume(run_id).password.reveal() == "pw-4711-sentinel"
    runtime.close()
    stored = b"".join(
        path.read_bytes() for path in runtime.place.folder.rglob("*") if path.is_file()
    )
    assert b"ada" not in stored, "the whole input is sealed"
    assert b"4711" not in stored
