"""Runners: threads, processes, and those that others bring."""

import asyncio
import gc
import os
import signal
import threading
import time
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

from brickwork import InvalidArguments, Secret, Task, TaskTimeout
from brickwork_flows import ProcessRunner, ThreadRunner, flow, task
from brickwork_flows.errors import NotSendable, WorkerDied
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.runtime import Runtime

where: ContextVar[str] = ContextVar("where", default="nowhere")


def tasks_of(runtime: Runtime) -> dict[str, RunRecord]:
    """Return the runs of the newest flow's tasks, by their keys."""
    runtime.flush()
    newest = runtime.history.runs()[0]
    return {each.key: each for each in runtime.history.children(newest.id)}


def names(record: RunRecord) -> list[str]:
    """Return the names of a run's states."""
    return [state.name for state in record.states]


# Threads


@task
def thread_name(number: int) -> tuple[str, str]:
    """Return who runs this, and a context variable."""
    return threading.current_thread().name, where.get()


def test_threads_have_names_and_contexts(runtime: Runtime) -> None:
    """A task sees the context variables that were set where it was submitted."""

    @flow
    def main() -> list[tuple[str, str]]:
        where.set("flow")
        first = thread_name.submit(1)
        where.set("later")
        return [first.result(), thread_name.submit(2).result()]

    found = main()
    assert [context for _, context in found] == ["flow", "later"]
    assert all(name.startswith("brickwork-task-") for name, _ in found)


def test_submitted_tasks_leave_nothing_for_the_garbage_collector(runtime: Runtime) -> None:
    """What they used goes when they end: no cycles, which would have to be looked for."""

    @flow
    def main(count: int) -> int:
        for future in thread_name.map(range(count)):
            future.result()
        runtime.flush()
        return gc.collect()

    main(10)
    gc.collect()
    gc.disable()
    try:
        assert main(500) < 250
    finally:
        gc.enable()


def test_one_worker_runs_in_order_and_alone(runtime: Runtime) -> None:
    """With one worker nothing overlaps, though tasks wait for each other; the order is fair."""
    order: list[str] = []
    at_work = [0]

    @task
    def step(name: str, nested: bool = False) -> None:
        at_work[0] += 1
        assert at_work[0] == 1
        order.append(name)
        at_work[0] -= 1
        if nested:
            step.submit(f"{name}'").result()
            assert at_work[0] == 0

    @flow(task_runner=ThreadRunner(max_workers=1))
    def main() -> None:
        for future in [step.submit("a", True), step.submit("b"), step.submit("c", True)]:
            future.result()

    main()
    assert order[0] == "a"
    assert order.index("b") < order.index("c") < order.index("c'")
    assert sorted(order) == ["a", "a'", "b", "c", "c'"]


def test_as_many_at_once_as_allowed(runtime: Runtime) -> None:
    """``max_workers`` tasks that block run at once, and not one more."""
    barrier = threading.Barrier(4)
    most, lock, now = [0], threading.Lock(), [0]

    @task
    def meets(number: int) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        barrier.wait(10)
        with lock:
            now[0] -= 1

    @flow(task_runner=lambda: ThreadRunner(4))
    def main() -> None:
        for future in meets.map(range(12)):
            future.result()

    main()
    assert most[0] == 4


def test_errors_keep_their_traceback(runtime: Runtime) -> None:
    """What a task raises in a thread shows the line that raised it."""

    @task
    def breaks() -> None:
        raise ZeroDivisionError("here")

    @flow
    def main() -> None:
        breaks.submit().result()

    with pytest.raises(ZeroDivisionError, match="here") as caught:
        main()
    assert any(entry.name == "breaks" for entry in caught.traceback)


def test_many_tasks_need_little_memory(runtime: Runtime) -> None:
    """A task that has ended, and whose future is kept, holds less than 4 KB."""
    import tracemalloc

    @task
    def nothing(number: int) -> None:
        return None

    @flow
    def main() -> float:
        for future in nothing.map(range(200)):
            future.result()
        runtime.flush()
        before = tracemalloc.get_traced_memory()[0]
        kept = nothing.map(range(2000))
        for future in kept:
            future.result()
        runtime.flush()
        return (tracemalloc.get_traced_memory()[0] - before) / len(kept)

    tracemalloc.start()
    try:
        assert main() < 4096
    finally:
        tracemalloc.stop()


def test_a_runner_without_workers_is_refused() -> None:
    """Fewer than one worker is an error."""
    with pytest.raises(InvalidArguments, match="0 workers"):
        ThreadRunner(0)


def test_a_failed_body_leaves_nothing_behind_for_the_next_attempt(runtime: Runtime) -> None:
    """Before a flow's body is tried again, what it submitted has ended, also what never began."""
    left, went_on = [1], threading.Event()

    @task
    def waits() -> str:
        if left[0]:
            went_on.wait(0.5)
            time.sleep(0)
        return "done"

    @flow(retries=1, task_runner=lambda: ThreadRunner(1))
    def main() -> list[str]:
        futures = [waits.submit(), waits.submit()]
        if left[0]:
            left[0] -= 1
            raise OSError("again")
        return [future.result() for future in futures]

    assert main() == ["done", "done"]
    runtime.flush()
    second = runtime.history.children(runtime.history.runs()[0].id)[1]
    names = ["Pending", "Cancelled", "Pending", "Running", "Completed"]
    assert ([state.name for state in second.states], second.attempts) == (names, 1)


# Those that others bring


class Counting(ThreadRunner):
    """Counts what it performs."""

    performed: list[str] = []

    def perform(
        self,
        task: Task[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        watcher: Any,
        /,
    ) -> Any:
        self.performed.append(task.name)
        return super().perform(task, args, kwargs, watcher)


@pytest.mark.parametrize("runner", [Counting, Counting(2), lambda: Counting(3)])
def test_a_class_a_factory_and_an_instance(runner: Any, runtime: Runtime) -> None:
    """``task_runner`` takes all three, also for several runs; plain calls do not come by it."""
    Counting.performed.clear()

    @flow(task_runner=runner)
    def main() -> None:
        thread_name(0)
        thread_name.submit(1).result()

    main()
    main()
    assert Counting.performed == ["thread_name", "thread_name"]


# Processes


@task
def process(number: int) -> tuple[int, int]:
    """Return who runs this."""
    return number, os.getpid()


@task(retries=2)
def flaky(folder: Path) -> int:
    """Fail twice."""
    tried = len(list(folder.iterdir()))
    (folder / str(tried)).touch()
    if tried < 2:
        raise OSError("busy")
    return tried


@task(timeout_seconds=0.2)
def too_slow() -> None:
    """Take too long."""
    time.sleep(30)


@task
def killed() -> None:
    """Be killed."""
    os.kill(os.getpid(), signal.SIGKILL)


@task
def raises(text: str) -> None:
    """Raise."""
    raise LookupError(text)


@task
def takes(value: object) -> str:
    """Return the type's name."""
    return type(value).__name__


@task
def gives_lock() -> object:
    """Return what cannot be pickled."""
    return threading.Lock()


@task
async def in_coroutine() -> int:
    """Return who runs this."""
    await asyncio.sleep(0)
    return os.getpid()


def test_processes_run_tasks_and_report(runtime: Runtime, tmp_path: Path) -> None:
    """Results, retries, time-outs, errors and kills come back; the pool goes on."""

    @flow(task_runner=lambda: ProcessRunner(2))
    def main() -> None:
        numbers = [future.result() for future in process.map(range(6))]
        assert [number for number, _ in numbers] == list(range(6))
        assert os.getpid() not in {pid for _, pid in numbers}
        assert flaky.submit(tmp_path_of_flaky).result() == 2
        with pytest.raises(TaskTimeout):
            too_slow.submit().result()
        with pytest.raises(WorkerDied, match="SIGKILL"):
            killed.submit().result()
        with pytest.raises(LookupError, match="lost") as caught:
            raises.submit("lost").result()
        assert "in raises" in str(caught.value.__cause__)
        assert in_coroutine.submit().result() != os.getpid()
        assert process.submit(7).result()[0] == 7

    tmp_path_of_flaky = tmp_path / "flaky"
    tmp_path_of_flaky.mkdir()
    main()
    tasks = tasks_of(runtime)
    assert names(tasks["flaky-0"])[-3:] == ["AwaitingRetry", "Retrying", "Completed"]
    assert names(tasks["too_slow-0"])[-1] == "TimedOut"
    assert names(tasks["killed-0"])[-1] == "Crashed"
    assert tasks["raises-0"].state.message == "LookupError: lost"


def test_what_cannot_go_to_a_process_is_told(runtime: Runtime) -> None:
    """Secrets and what cannot be pickled are refused, with the reason, and the pool goes on."""

    @flow(task_runner=lambda: ProcessRunner(1))
    def main() -> None:
        with pytest.raises(NotSendable) as caught:
            takes.submit(Secret("hunter2hunter2")).result()
        assert "hunter2" not in str(caught.value)
        with pytest.raises(NotSendable, match="The task 'takes' or an argument"):
            takes.submit(threading.Lock()).result()
        with pytest.raises(NotSendable, match="The result of 'gives_lock'"):
            gives_lock.submit().result()
        assert takes.submit(3).result() == "int"

    main()


def test_functions_of_functions_go_by_cloudpickle(runtime: Runtime) -> None:
    """A task that no other process can import goes whole, where cloudpickle is installed."""
    pytest.importorskip("cloudpickle")
    more = 5

    @task
    def inner(number: int) -> int:
        return number + more

    @flow(task_runner=lambda: ProcessRunner(1))
    def main() -> int:
        return inner.submit(1).result()

    assert main() == 6


def test_classes_of_functions_go_there_and_back(runtime: Runtime, tmp_path: Path) -> None:
    """Values and errors, also of an attempt that is followed by another one."""
    pytest.importorskip("cloudpickle")

    class Value:
        pass

    class Busy(Exception):
        pass

    @task(retries=1)
    def inner(value: Value | None) -> Value:
        with (tmp_path / "tried").open("a") as file:
            file.write(".")
        if value is not None:
            raise Busy("still")
        return Value()

    @flow(task_runner=lambda: ProcessRunner(1), persist_result=False)
    def main() -> Value:
        with pytest.raises(Busy, match="still"):
            inner.submit(Value()).result()
        return inner.submit(None).result()

    assert type(main()) is Value
    assert (tmp_path / "tried").read_text() == "..."
    assert names(tasks_of(runtime)["inner-0"])[-3:] == ["AwaitingRetry", "Retrying", "Failed"]


def test_a_process_is_killed_when_its_task_is_cancelled(runtime: Runtime, tmp_path: Path) -> None:
    """Also where it blocks."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    @flow(task_runner=lambda: ProcessRunner(1))
    def main() -> float:
        future: Any = blocks.submit(pipe)
        pipe.read_text()  # until it has begun
        began = time.monotonic()
        future.cancel()
        assert future.wait(10)
        return time.monotonic() - began

    assert main() < 2
    assert names(tasks_of(runtime)["blocks-0"])[-1] == "Cancelled"


@task
def blocks(pipe: Path) -> None:
    """Say that it began, and block."""
    pipe.write_text("began")
    time.sleep(60)
