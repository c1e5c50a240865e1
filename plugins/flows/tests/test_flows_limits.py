"""Slots and rates in one process: in code, for tasks and flows, while waiting and at the end."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from typing import Any, cast

import pytest

from brickwork import InvalidArguments, Scope, Secret, TaskCancelled, TaskTimeout
from brickwork.testing.commandline import Command, command_here
from brickwork_flows import (
    INPUTS,
    ProcessRunner,
    RunFuture,
    State,
    StateType,
    ThreadRunner,
    aconcurrency,
    arate_limit,
    concurrency,
    flow,
    list_limits,
    rate_limit,
    release_limit,
    remove_limit,
    set_limit,
    tags,
    task,
    use_history,
)
from brickwork_flows.errors import EndlessWait, LimitNotFound, LimitRefused, LimitTimeout
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.limits.limiter import limiter_of
from brickwork_flows.runtime import Runtime

PATIENCE = 30.0
"""So long a test waits for what must happen."""

AWAITING = "AwaitingConcurrencySlot"


class Counter:
    """How many are inside at once, and how many there were at most."""

    def __init__(self) -> None:
        self.now = self.most = self.all = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self.now += 1
            self.all += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self.now -= 1


def thread(function: Callable[[], object]) -> threading.Thread:
    """Run something in another thread, with the history that is in use here."""
    started = threading.Thread(target=copy_context().run, args=(function,))
    started.start()
    return started


@contextmanager
def held(name: str, slots: int = 1) -> Iterator[None]:
    """Slots that somebody else in this process holds: what runs here is not inside of that."""
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        with concurrency(name, slots):
            taken.set()
            done.wait(PATIENCE)

    holder = thread(hold)
    assert taken.wait(PATIENCE)
    try:
        yield
    finally:
        done.set()
        holder.join(PATIENCE)


def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def nothing_is_left(runtime: Runtime) -> bool:
    """Tell whether nobody holds slots or waits for them."""
    seen = limiter_of(runtime).change()
    return not seen.held and not seen.queue


def waiting(name: str) -> bool:
    """Tell whether somebody waits for a limit."""
    return any(each.waiting for each in list_limits() if each.name == name)


def within(runtime: Runtime, number: int = 0) -> list[RunRecord]:
    """The runs of tasks in the newest flow."""
    runtime.flush()
    return list(runtime.history.children(runtime.history.runs()[number].id))


def names(record: RunRecord) -> list[str]:
    """The names of the states that a run was in."""
    return [each.name for each in record.states]


# In code


def test_no_more_than_the_limit_at_once(runtime: Runtime) -> None:
    """Eight threads that want a slot each never hold more, and all have their turn."""
    set_limit("db", 2)
    inside = Counter()

    def work() -> None:
        for _ in range(10):
            with concurrency("db"), inside:
                time.sleep(0.001)

    threads = [thread(work) for _ in range(8)]
    for each in threads:
        each.join(PATIENCE)
    assert (inside.most, inside.all) == (2, 80)
    assert nothing_is_left(runtime)


def test_coroutines_take_turns(runtime: Runtime) -> None:
    """The same for coroutines of one event loop, which goes on meanwhile."""
    set_limit("db", 2)
    inside, ticks = Counter(), 0

    async def work() -> None:
        async with aconcurrency("db"):
            with inside:
                await asyncio.sleep(0.01)

    async def tick() -> None:
        nonlocal ticks
        while inside.all < 20:
            ticks += 1
            await asyncio.sleep(0.002)

    async def main() -> None:
        await asyncio.gather(tick(), *(work() for _ in range(20)))

    asyncio.run(main())
    assert (inside.most, inside.all) == (2, 20)
    assert ticks > 5
    until(lambda: nothing_is_left(runtime))


def test_a_name_without_a_limit_limits_nothing(runtime: Runtime) -> None:
    """Without ``strict``, an unknown name is free; with it, an error that says what to do."""
    with concurrency(["unknown", "other"]):
        rate_limit("unknown")
    with pytest.raises(LimitNotFound, match="brickwork limit set unknown"):
        concurrency("unknown", strict=True)
    assert nothing_is_left(runtime)


def test_a_late_slot_says_who_holds_it(runtime: Runtime) -> None:
    """When the time is up, the error names the holders, and nothing stays behind."""
    set_limit("db", 1)
    with held("db"):
        late = pytest.raises(TimeoutError, match=r"within 0.05 s.*\n.*no run, process \d+")
        with late as caught, concurrency("db", timeout_seconds=0.05):
            pass
        assert isinstance(caught.value, LimitTimeout)
        with pytest.raises(LimitTimeout):
            asyncio.run(arriving("db", 0.05))
    until(lambda: nothing_is_left(runtime))
    with concurrency("db", timeout_seconds=0.05):
        pass


async def arriving(name: str, timeout: float | None = None) -> None:
    """Take a slot in an event loop."""
    async with aconcurrency(name, timeout_seconds=timeout):
        return


def test_a_scope_ends_the_wait(runtime: Runtime) -> None:
    """Who waits for a slot stops when it is cancelled, or its time is up."""
    set_limit("db", 1)
    with held("db"):
        with pytest.raises(TaskTimeout), Scope("short", seconds=0.05), concurrency("db"):
            pass
        scope = Scope("cancelled")

        def stop() -> None:
            until(lambda: waiting("db"))
            scope.cancel()

        stopping = thread(stop)
        with pytest.raises(TaskCancelled), scope, concurrency("db"):
            pass
        stopping.join(PATIENCE)

        async def cancelled() -> None:
            job = asyncio.create_task(arriving("db"))
            while not waiting("db"):
                await asyncio.sleep(0.005)
            job.cancel()
            await job

        with pytest.raises(asyncio.CancelledError):
            asyncio.run(cancelled())
    until(lambda: nothing_is_left(runtime))


def test_more_than_there_is_is_refused(runtime: Runtime) -> None:
    """A limit of 0, and a wish for more than a limit has, are errors at once."""
    set_limit("db", 2)
    refused = pytest.raises(LimitRefused, match="3 slots of 'db' are asked for, and there are 2")
    with refused, concurrency("db", 3):
        pass
    set_limit("db", 0)
    with pytest.raises(LimitRefused, match="The limit 'db' is 0"), concurrency("db"):
        pass
    assert nothing_is_left(runtime)


def test_a_limit_may_change_while_somebody_waits(runtime: Runtime) -> None:
    """A higher limit lets them in, one of 0 refuses them, and a removed one limits nothing."""
    for change, refused in (
        (lambda: set_limit("db", 2), False),
        (lambda: set_limit("db", 0), True),
        (lambda: remove_limit("db"), False),
    ):
        set_limit("db", 1)
        errors: list[BaseException] = []

        def enter(errors: list[BaseException] = errors) -> None:
            try:
                with concurrency("db"):
                    return
            except LimitRefused as error:
                errors.append(error)

        with held("db"):
            waiter = thread(enter)
            until(lambda: waiting("db"))
            change()
            waiter.join(PATIENCE)
            assert not waiter.is_alive()
        assert bool(errors) is refused
    assert nothing_is_left(runtime)


def test_several_limits_never_lock_each_other(runtime: Runtime) -> None:
    """Claims of the same limits in any order go on: they take all or none."""
    set_limit("a", 1)
    set_limit("b", 1)
    inside = Counter()

    def work(*wanted: str) -> None:
        for _ in range(10):
            with concurrency(wanted), inside:
                pass

    threads = [thread(lambda: work("a", "b")), thread(lambda: work("b", "a"))]
    for each in threads:
        each.join(PATIENCE)
        assert not each.is_alive()
    assert (inside.most, inside.all) == (1, 20)


def test_what_cannot_be_a_limit_is_refused(runtime: Runtime) -> None:
    """Names and numbers that make no sense, and secrets, are refused; kinds are not mixed up."""
    for name in ("", "a\nb", "x" * 201):
        with pytest.raises(InvalidArguments):
            set_limit(name, 1)
    secret = Secret("hunter2-limit")
    with pytest.raises(InvalidArguments) as caught:
        set_limit(f"tag:{secret.reveal()}", 1)
    assert "hunter2" not in str(caught.value)
    for slots, rate in ((-1, None), (1, 0.0), (1, float("nan")), (1, float("inf"))):
        with pytest.raises(InvalidArguments):
            set_limit("db", slots, per_second=rate)
    set_limit("held", 1)
    set_limit("rate", 1, per_second=1)
    with pytest.raises(InvalidArguments, match="is a rate"):
        concurrency("rate")
    with pytest.raises(InvalidArguments, match="is no rate"):
        rate_limit("held")
    with pytest.raises(InvalidArguments):
        concurrency("held", 0)
    with pytest.raises(LimitNotFound):
        remove_limit("unknown")


def test_releasing_frees_what_is_stuck(runtime: Runtime, caplog: pytest.LogCaptureFixture) -> None:
    """A released slot goes to the next one; who held it goes on, and is told in the log."""
    set_limit("db", 1)
    with held("db"):
        released = release_limit("db")
        assert [each.slots for each in released] == [1]
        with concurrency("db", timeout_seconds=PATIENCE):
            pass
    until(lambda: nothing_is_left(runtime))
    assert "released by somebody else" in caplog.text
    assert release_limit("db") == []


def test_limits_tell_who_holds_and_who_waits(runtime: Runtime) -> None:
    """A limit says how many slots are held, by which run and process, and who waits."""
    import os

    set_limit("db", 2)
    set_limit("api", 5, per_second=2)
    with held("db", 2):
        waiter = thread(lambda: asyncio.run(arriving("db")))
        until(lambda: waiting("db"))
        api, db = list_limits()
    waiter.join(PATIENCE)
    assert (api.name, api.slots, api.per_second) == ("api", 5, 2.0)
    assert (db.name, db.used, db.holders[0].pid, len(db.waiting)) == ("db", 2, os.getpid(), 1)
    assert abs(db.holders[0].since - time.time()) < PATIENCE


def test_waiting_is_cheap(runtime: Runtime) -> None:
    """A second of waiting for a slot takes next to nothing of the processor."""
    set_limit("db", 1)
    with held("db"):
        waiter = thread(lambda: asyncio.run(arriving("db")))
        until(lambda: waiting("db"))
        began, used = time.monotonic(), time.process_time()
        threading.Event().wait(1.0)
        used, seconds = time.process_time() - used, time.monotonic() - began
    waiter.join(PATIENCE)
    assert used < 0.1 * seconds


# Rates


def test_a_rate_lets_no_more_go_on(runtime: Runtime) -> None:
    """After the burst, calls go on as they come back; with and without an event loop."""
    set_limit("api", 3, per_second=50)
    began = time.monotonic()
    for _ in range(8):
        rate_limit("api")

    async def calls() -> None:
        await asyncio.gather(*(arate_limit("api") for _ in range(5)))

    asyncio.run(calls())
    assert time.monotonic() - began >= (13 - 3) / 50 - 0.001
    assert nothing_is_left(runtime)


def test_a_slow_rate_can_be_given_up(runtime: Runtime) -> None:
    """A wait for a rate ends in time, or with its task, and what is refused is told."""
    set_limit("api", 1, per_second=0.001)
    rate_limit("api")
    with pytest.raises(LimitTimeout):
        rate_limit("api", timeout_seconds=0.05)
    with pytest.raises(TaskTimeout), Scope("short", seconds=0.05):
        rate_limit("api")
    with pytest.raises(LimitRefused):
        rate_limit("api", 2)


# Tasks


def test_tags_limit_tasks_however_they_are_called(runtime: Runtime) -> None:
    """Calls, ``submit``, ``map`` and coroutines with a limited tag share its slots."""
    inside = Counter()

    @task(tags=["db"])
    def query(number: int) -> int:
        with inside:
            time.sleep(0.003)
        return number

    @task(tags=["db", "free"])
    async def aquery(number: int) -> int:
        with inside:
            await asyncio.sleep(0.003)
        return number

    @task
    def plain(number: int) -> int:
        with inside:
            time.sleep(0.003)
        return number

    @flow
    def mapped() -> int:
        futures = [*query.map(range(20)), query.submit(20), aquery.submit(21)]
        return sum(each.result() for each in futures) + query(22)

    @flow
    async def gathered() -> int:
        return sum(await asyncio.gather(*(aquery(each) for each in range(20))))

    @flow
    def tagged() -> int:
        with tags("db"):
            return sum(each.result() for each in plain.map(range(20)))

    set_limit("tag:db", 2)
    assert (mapped(), asyncio.run(gathered()), tagged()) == (sum(range(23)), 190, 190)
    assert (inside.most, inside.all) == (2, 63)
    for number in range(2):
        shown = [names(each) for each in within(runtime, number)]
        assert [AWAITING, "Pending", "Running", "Completed"] in shown
    waited = [each for each in within(runtime, 2) if AWAITING in names(each)]
    assert waited
    assert {each.states[0].type for each in waited} == {StateType.SCHEDULED}
    assert waited[0].states[0].message == "tag:db"
    until(lambda: nothing_is_left(runtime))


def test_many_that_wait_need_no_threads(runtime: Runtime) -> None:
    """Hundreds of tasks that wait for a slot keep neither threads nor the places of others."""
    go_on = threading.Event()

    @task(tags=["db"])
    def query() -> int:
        go_on.wait(PATIENCE)
        return 1

    @task
    def other() -> int:
        return threading.active_count()

    @flow(task_runner=ThreadRunner(2))
    def work() -> tuple[int, int]:
        before = threading.active_count()
        futures = [query.submit() for _ in range(500)]
        threads = other.submit().result(PATIENCE) - before
        go_on.set()
        return threads, sum(each.result() for each in futures)

    set_limit("tag:db", 1)
    threads, done = work()
    assert done == 500
    assert threads < 20


def test_a_task_that_waits_can_be_cancelled(runtime: Runtime) -> None:
    """Its future ends as cancelled while it waits; it never ran, and holds nothing."""

    @task(tags=["db"])
    def query() -> int:
        raise AssertionError("it ran")

    @flow
    def work() -> State:
        future = cast("RunFuture[int]", query.submit())
        until(lambda: future.state.name == AWAITING)
        assert future.cancel()
        with pytest.raises(TaskCancelled):
            future.result(PATIENCE)
        return future.state

    set_limit("tag:db", 1)
    with held("tag:db"):
        assert work().type is StateType.CANCELLED
    assert [names(each) for each in within(runtime)] == [[AWAITING, "Cancelled"]]
    until(lambda: nothing_is_left(runtime))


def test_the_time_of_a_flow_ends_the_wait(runtime: Runtime) -> None:
    """A flow whose time is up leaves no task behind that waits: called, submitted or awaited."""

    @task(tags=["db"])
    def query() -> int:
        raise AssertionError("it ran")

    @task(tags=["db"])
    async def aquery() -> int:
        raise AssertionError("it ran")

    @flow(timeout_seconds=0.3)
    def calls() -> int:
        return query()

    @flow(timeout_seconds=0.3)
    def submits() -> int:
        return query.submit().result() or 0

    @flow(timeout_seconds=0.3)
    async def awaits() -> int:
        return await aquery()

    set_limit("tag:db", 1)
    with held("tag:db"):
        runs: list[Callable[[], object]] = [calls, submits, lambda: asyncio.run(awaits())]
        for run in runs:
            with pytest.raises(TimeoutError):
                run()
            (record,) = within(runtime)
            assert record.state.final
            assert record.state.type is not StateType.COMPLETED
            assert names(record)[0] == AWAITING
    until(lambda: nothing_is_left(runtime))


def test_a_limit_of_0_refuses_tasks(runtime: Runtime) -> None:
    """The task fails at once with an error that says so, and its hooks are called."""
    told: list[str] = []

    @task(tags=["db"], retries=3, on_failure=lambda task, run, state: told.append(state.message))
    def query() -> int:
        raise AssertionError("it ran")

    @flow
    def work() -> int:
        return query()

    set_limit("tag:db", 0)
    with pytest.raises(LimitRefused, match="The limit 'tag:db' is 0"):
        work()
    (record,) = within(runtime)
    assert names(record) == ["Pending", "Failed"]
    assert "LimitRefused" in record.state.message
    assert len(told) == 1


def test_tasks_inside_a_task_use_its_slot(runtime: Runtime) -> None:
    """With one slot, a task that holds it calls and submits others of its tag, one at a time."""
    inside = Counter()

    @task(tags=["db"])
    def leaf(number: int) -> int:
        with inside:
            time.sleep(0.002)
        return number

    @task(tags=["db"])
    def middle(number: int) -> int:
        return leaf(number) + sum(each.result() for each in leaf.map(range(5)))

    @task(tags=["db"])
    async def aleaf(number: int) -> int:
        with inside:
            await asyncio.sleep(0.002)
        return number

    @task(tags=["db"])
    async def amiddle() -> int:
        return sum(await asyncio.gather(*(aleaf(each) for each in range(5))))

    @flow
    def work() -> int:
        return sum(each.result() for each in middle.map(range(4)))

    @flow
    async def awork() -> int:
        return sum(await asyncio.gather(*(amiddle() for _ in range(4))))

    set_limit("tag:db", 1)
    assert (work(), asyncio.run(awork())) == (6 + 40, 40)
    assert inside.most == 1
    until(lambda: nothing_is_left(runtime))


def test_tasks_inside_a_task_take_free_slots_too(runtime: Runtime) -> None:
    """Where there are more slots than that of the caller, tasks inside use them at once."""
    meeting = threading.Barrier(3)

    @task(tags=["db"])
    def leaf() -> int:
        return meeting.wait(PATIENCE)

    @task(tags=["db"])
    def outer() -> int:
        return sum(each.result() for each in [leaf.submit() for _ in range(3)])

    @flow
    def work() -> int:
        return outer()

    set_limit("tag:db", 3)
    assert work() == 3
    until(lambda: nothing_is_left(runtime))


def test_a_child_that_goes_on_keeps_the_slot(runtime: Runtime) -> None:
    """A slot that is lent is not given back before who borrowed it has ended."""
    begun, go_on = threading.Event(), threading.Event()

    @task(tags=["db"])
    def child() -> None:
        begun.set()
        go_on.wait(PATIENCE)

    @task(tags=["db"])
    def parent() -> Any:
        child.submit()
        begun.wait(PATIENCE)

    @flow
    def work() -> list[int]:
        parent()
        used = [each.used for each in list_limits()]
        go_on.set()
        return used

    set_limit("tag:db", 1)
    assert work() == [1]
    until(lambda: nothing_is_left(runtime))


def test_a_blocking_wait_for_its_own_loop_is_an_error(runtime: Runtime) -> None:
    """A sync task in an event loop does not wait for a slot that a coroutine there holds."""

    @task(tags=["db"])
    def query() -> int:
        return 1

    @flow
    async def work() -> int:
        taken = asyncio.Event()

        async def hold() -> None:
            async with aconcurrency("tag:db"):
                taken.set()
                await asyncio.sleep(PATIENCE)

        holding = asyncio.create_task(hold())
        await taken.wait()
        try:
            return query()
        finally:
            holding.cancel()

    set_limit("tag:db", 1)
    with pytest.raises(EndlessWait, match="aconcurrency"):
        asyncio.run(work())


def test_a_cached_result_needs_no_slot(runtime: Runtime) -> None:
    """What is in the cache comes back while all slots are held; what is not waits, and caches."""

    @task(tags=["db"], cache_policy=INPUTS)
    def query(number: int) -> int:
        return number

    @flow
    def work(number: int) -> int:
        return query.submit(number).result(PATIENCE)

    assert work(1) == 1
    set_limit("tag:db", 1)
    with held("tag:db"):
        assert work(1) == 1
        assert names(within(runtime)[0]) == ["Pending", "Cached"]
        later = thread(lambda: work(2))
        until(lambda: [names(each) for each in within(runtime)] == [[AWAITING]])
    later.join(PATIENCE)
    assert names(within(runtime)[0]) == [AWAITING, "Pending", "Running", "Completed"]
    assert work(2) == 2
    assert names(within(runtime)[0]) == ["Pending", "Cached"]


def test_a_tag_may_be_a_rate(runtime: Runtime) -> None:
    """Tasks with such a tag begin no faster; those that wait need no threads."""

    @task(tags=["api"])
    def call() -> float:
        return time.monotonic()

    @flow
    def work() -> list[float]:
        return [each.result() for each in [call.submit() for _ in range(12)]]

    set_limit("tag:api", 2, per_second=40)
    began = time.monotonic()
    assert max(work()) - began >= (12 - 2) / 40 - 0.001


def test_slots_in_a_worker_process(tmp_path: Path) -> None:
    """Code of a task in another process takes slots of the flow's history."""
    with use_history(tmp_path / "runs") as runtime:
        set_limit("db", 1)
        with held("db"):
            assert late_in_process() == "LimitTimeout"
        runtime.close()


@task
def try_slot() -> str:
    """Take a slot, and tell what came of it."""
    try:
        with concurrency("db", timeout_seconds=0.1, strict=True):
            return "held"
    except LimitTimeout as error:
        return type(error).__name__


@flow(task_runner=ProcessRunner(1))
def late_in_process() -> str:
    """Take a slot in another process."""
    return try_slot.submit().result()


# Flows


def test_flows_are_limited_by_name_and_by_tag(runtime: Runtime) -> None:
    """Runs of a flow wait before they begin, and say so; with and without an event loop."""
    inside = Counter()

    @flow
    def nightly() -> None:
        with inside:
            time.sleep(0.01)

    @flow(tags=["etl"])
    async def anightly() -> None:
        with inside:
            await asyncio.sleep(0.01)

    set_limit("flow:nightly", 1)
    set_limit("tag:etl", 1)
    threads = [thread(nightly) for _ in range(4)]
    for each in threads:
        each.join(PATIENCE)
    assert (inside.most, inside.all) == (1, 4)

    async def main() -> None:
        await asyncio.gather(*(anightly() for _ in range(4)))

    asyncio.run(main())
    assert (inside.most, inside.all) == (1, 8)
    runtime.flush()
    for name in ("nightly", "anightly"):
        shown = [names(each) for each in runtime.history.runs(name=name)]
        assert shown.count([AWAITING, "Pending", "Running", "Completed"]) == 3
    until(lambda: nothing_is_left(runtime))


def test_a_flow_that_waits_can_be_cancelled_and_resumed(
    runtime: Runtime, tmp_path: Path, command: Command
) -> None:
    """``brickwork run cancel`` ends the wait of a run, which can be resumed later."""
    import os

    from brickwork_flows import resume

    set_limit("flow:later", 1)
    file = tmp_path / "later_flow.py"
    file.write_text("from brickwork_flows import flow\n@flow\ndef later():\n    return 7\n")
    with held("flow:later"):
        process = subprocess.Popen(
            [sys.executable, "-m", "brickwork", "flow", "run", f"{file}:later", "--quiet"],
            env={**os.environ, "BRICKWORK_HISTORY": str(runtime.place.folder)},
            stderr=subprocess.PIPE,
        )

        def awaits() -> bool:
            runtime.flush()
            return any(names(each) == [AWAITING] for each in runtime.history.runs())

        until(awaits)
        run = runtime.history.runs()[0]
        assert command("run", "cancel", run.id).code == 0
        process.communicate(timeout=PATIENCE)
        runtime.flush()
        assert runtime.history.run(run.id).state.type is StateType.CANCELLED
    assert resume(run.id) == 7
    until(lambda: nothing_is_left(runtime))


def test_a_limit_of_0_refuses_flows(runtime: Runtime) -> None:
    """The run fails before it begins."""

    @flow
    def nightly() -> None:
        raise AssertionError("it ran")

    set_limit("flow:nightly", 0)
    with pytest.raises(LimitRefused):
        nightly()
    runtime.flush()
    assert names(runtime.history.runs()[0]) == ["Pending", "Failed"]


# Costs


def test_a_program_without_limits_imports_nothing_of_them(tmp_path: Path) -> None:
    """Flows and tasks with tags do not load what limits are made of, where there are none."""
    code = (
        "import sys\n"
        "from brickwork_flows import flow, task, use_history\n"
        "@task(tags=['db'])\n"
        "def step(): return 1\n"
        "@flow(tags=['etl'])\n"
        "def work(): return step() + step.submit().result()\n"
        f"with use_history({str(tmp_path)!r}): assert work() == 2\n"
        "print([name for name in sys.modules if 'brickwork_flows.limits' in name])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert not (tmp_path / "limits").exists()


# The command line


@pytest.fixture
def command(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Command:
    """The command line, on the history of this test."""
    from brickwork.cli.app import run as run_brickwork

    monkeypatch.setenv("BRICKWORK_HISTORY", str(runtime.place.folder))
    return command_here(run_brickwork, capfd)


def test_the_command_line_sets_and_shows(runtime: Runtime, command: Command) -> None:
    """Limits are set, listed, shown with who holds them, released and removed."""
    assert "There is no limit" in command("limit", "ls").err
    assert command("limit", "set", "db", "2").code == 0
    assert command("limit", "set", "api", "5", "--per-second", "2.5").code == 0
    listed = json.loads(command("limit", "ls", "--json").out)
    assert listed["schema"] == "brickwork.limit.list/1"
    assert [(each["name"], each["slots"], each["per_second"]) for each in listed["limits"]] == [
        ("api", 5, 2.5),
        ("db", 2, None),
    ]
    with held("db"):
        shown = json.loads(command("limit", "show", "db", "--json").out)
        assert (shown["held"], len(shown["holders"]), shown["waiting"]) == (1, 1, [])
        ticket = shown["holders"][0]["ticket"]
        assert ticket in command("limit", "show", "db").out
        assert "0 slot(s)" in command("limit", "release", "db", "--run", "other").err
        released = command("limit", "release", "db", "--ticket", ticket, "--json")
        assert json.loads(released.out)["released"][0]["ticket"] == ticket
    assert command("limit", "rm", "db").code == 0
    for args in (("rm", "db"), ("show", "db"), ("release", "db")):
        assert command("limit", *args).code == 4
    assert command("limit", "set", "db", "-1").code == 2
    assert command("limit", "set", "db", "1", "--per-second", "0").code == 2
