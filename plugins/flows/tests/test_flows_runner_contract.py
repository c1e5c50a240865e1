"""What the contract of runners catches: runners that break one promise each."""

import inspect
import queue
import threading
from collections.abc import Callable, Mapping
from contextvars import Context
from pathlib import Path
from typing import Any, Self

import pytest

from brickwork import Task
from brickwork_flows import ProcessRunner, RunFuture, ThreadRunner, use_history
from brickwork_flows.errors import NotSendable, WorkerDied
from brickwork_flows.runners.interface import Watching
from brickwork_flows.testing import RunnerContract

Args = tuple[Any, ...]
Named = Mapping[str, Any]


class OfThreads(RunnerContract):
    """For runners in threads; impatient."""

    __test__ = False
    shares_memory = True
    limit_seconds = 2.0
    stop_seconds = 1.0


class OfProcesses(RunnerContract):
    """For runners in processes; impatient."""

    __test__ = False
    owns_processes = True
    limit_seconds = 5.0
    stop_seconds = 2.0


class Performing(ThreadRunner):
    """Performs by `do`."""

    def perform(self, task: Task[..., Any], args: Args, kwargs: Named, watcher: Watching, /) -> Any:
        return self.do(task, args, kwargs, watcher)

    def do(self, task: Task[..., Any], args: Args, kwargs: Named, watcher: Watching) -> Any:
        """Do the work."""
        return super().perform(task, args, kwargs, watcher)


class Nameless(Performing):
    """Forgets arguments that are given by name."""

    def do(self, task: Task[..., Any], args: Args, kwargs: Named, watcher: Watching) -> Any:
        return super().do(task, args, {}, watcher)


class Cutting(Performing):
    """Returns the first part of what is large."""

    def do(self, task: Task[..., Any], args: Args, kwargs: Named, watcher: Watching) -> Any:
        value = super().do(task, args, kwargs, watcher)
        return value[:65536] if isinstance(value, bytes) else value


class Mixing(Performing):
    """Returns what the task before returned."""

    before: Any = -1

    def do(self, task: Task[..., Any], args: Args, kwargs: Named, watcher: Watching) -> Any:
        value, self.before = self.before, super().do(task, args, kwargs, watcher)
        return value


class Retelling(Performing):
    """Raises every error as one of its own."""

    def do(self, task: Task[..., Any], args: Args, kwargs: Named, watcher: Watching) -> Any:
        try:
            return super().do(task, args, kwargs, watcher)
        except Exception as error:
            raise RuntimeError(str(error)) from error


class Silent(Performing):
    """Does not say what an error said that cannot be pickled."""

    def do(self, task: Task[..., Any], args: Args, kwargs: Named, watcher: Watching) -> Any:
        try:
            return super().do(task, args, kwargs, watcher)
        except Exception:  # noqa: BLE001  # on purpose
            raise NotSendable("The error cannot be pickled.") from None


class Swallowing(Performing):
    """Takes a failure for an end."""

    def do(self, task: Task[..., Any], args: Args, kwargs: Named, watcher: Watching) -> Any:
        try:
            return super().do(task, args, kwargs, watcher)
        except Exception:  # noqa: BLE001  # on purpose
            return None


class OneByOne(Performing):
    """Performs one task at a time."""

    def __init__(self, max_workers: int = 2) -> None:
        super().__init__(max_workers)
        self.lock = threading.Lock()

    def do(self, task: Task[..., Any], args: Args, kwargs: Named, watcher: Watching) -> Any:
        with self.lock:
            return super().do(task, args, kwargs, watcher)


class Fixed(ThreadRunner):
    """Has threads that those who wait keep to themselves."""

    def __init__(self, max_workers: int = 2) -> None:
        super().__init__(max_workers)
        self.queue: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        for _ in range(max_workers):
            threading.Thread(target=self.work, daemon=True).start()

    def work(self) -> None:
        while True:
            self.queue.get()()

    def start(self, future: RunFuture[Any], function: Callable[[], Any], /) -> None:
        self._watch(future)
        self.queue.put(lambda: self.call(future, function))

    def call(self, future: RunFuture[Any], function: Callable[[], Any]) -> None:
        try:
            future.end(function())
        except BaseException as error:  # noqa: BLE001  # raised where the result is asked for
            future.end(None, error)


class NoLoop(ThreadRunner):
    """Knows no coroutines."""

    def start_async(self, future: RunFuture[Any], function: Callable[[], Any], /) -> None:
        future.end(None)


class Untold(Performing):
    """Tells nobody of retries."""

    def do(self, task: Task[..., Any], args: Args, kwargs: Named, watcher: Watching) -> Any:
        return task.perform(args, kwargs)


class Elsewhere(Performing):
    """Loses the context."""

    def do(self, task: Task[..., Any], args: Args, kwargs: Named, watcher: Watching) -> Any:
        return Context().run(task.perform, args, kwargs, watcher)


class Unbounded(ThreadRunner):
    """Runs everything at once."""

    def __init__(self, max_workers: int = 2) -> None:
        super().__init__(100)


class Unstoppable(Performing):
    """Does not interrupt what runs."""

    def do(self, task: Task[..., Any], args: Args, kwargs: Named, watcher: Watching) -> Any:
        return task.perform(args, kwargs, watcher)


class Timeless(Performing):
    """Knows no time-outs."""

    def do(self, task: Task[..., Any], args: Args, kwargs: Named, watcher: Watching) -> Any:
        return super().do(task.with_options(timeout_seconds=None), args, kwargs, watcher)


class Hasty(ThreadRunner):
    """Waits for nothing."""

    def wait(self) -> None:
        pass

    def close(self, *, cancel: bool) -> None:
        pass


class Lingering(Performing):
    """Leaves a thread behind."""

    def do(self, task: Task[..., Any], args: Args, kwargs: Named, watcher: Watching) -> Any:
        threading.Timer(20, print).start()
        return super().do(task, args, kwargs, watcher)


class Once(ThreadRunner):
    """Cannot be closed twice."""

    closed = False

    def close(self, *, cancel: bool) -> None:
        if self.closed:
            raise RuntimeError("closed")
        self.closed = True
        super().close(cancel=cancel)


class Shared(ThreadRunner):
    """Gives itself to every run."""

    def fresh(self) -> Self:
        return self


class Orphaning(ProcessRunner):
    """Leaves its processes behind."""

    left: list[Any] = []

    def close(self, *, cancel: bool) -> None:
        self.left.extend(self._free)
        self._free = []
        super().close(cancel=cancel)


class Waiting(ProcessRunner):
    """Waits for a process that has died."""

    def perform(self, task: Task[..., Any], args: Args, kwargs: Named, watcher: Watching, /) -> Any:
        try:
            return super().perform(task, args, kwargs, watcher)
        except WorkerDied:
            threading.Event().wait(20)


class Vague(ProcessRunner):
    """Takes a death for a failure."""

    def perform(self, task: Task[..., Any], args: Args, kwargs: Named, watcher: Watching, /) -> Any:
        try:
            return super().perform(task, args, kwargs, watcher)
        except WorkerDied as error:
            raise RuntimeError("it failed") from error


def judge(runner: type[ThreadRunner], contract: RunnerContract, name: str, folder: Path) -> None:
    """Make one assertion of the contract about a runner."""
    assertion = getattr(contract, name)
    with use_history(folder / "runs") as runs:
        given = {"runner": lambda: runner(2), "runs": runs, "tmp_path": folder}
        try:
            assertion(**{each: given[each] for each in inspect.signature(assertion).parameters})
        finally:
            for left in ("stop", "go", "over", "a", "b"):  # what tasks that run on wait for
                (folder / left).touch()
            runs.close()


@pytest.mark.parametrize(
    ("broken", "assertion"),
    [
        (Nameless, "test_results_come_back"),
        (Cutting, "test_large_values_come_back"),
        (Mixing, "test_many_tasks_come_back"),
        (Retelling, "test_errors_come_back_as_they_are"),
        (Silent, "test_an_error_that_cannot_be_pickled_is_told"),
        (OneByOne, "test_two_tasks_run_at_once"),
        (Swallowing, "test_futures_are_waited_for"),
        (Fixed, "test_tasks_call_tasks"),
        (NoLoop, "test_async_tasks_run"),
        (Untold, "test_retries_are_recorded"),
        (Elsewhere, "test_a_task_knows_its_run"),
        (Elsewhere, "test_what_a_task_says_is_recorded"),
        (Unbounded, "test_what_was_cancelled_before_it_began_does_not_begin"),
        (Unstoppable, "test_what_runs_is_stopped"),
        (Unstoppable, "test_ctrl_c_ends_everything"),
        (Unstoppable, "test_a_flow_that_fails_takes_its_tasks_along"),
        (Timeless, "test_a_time_out_ends_a_task"),
        (Hasty, "test_a_flow_waits_for_what_it_submitted"),
        (Lingering, "test_closing_leaves_nothing"),
        (Once, "test_closing_twice_is_fine"),
        (Shared, "test_runs_of_one_runner_do_not_meet"),
    ],
)
def test_the_contract_catches_a_broken_runner(
    broken: type[ThreadRunner], assertion: str, tmp_path: Path
) -> None:
    """Each of these runners breaks one promise, and the contract says so."""
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        judge(broken, OfThreads(), assertion, tmp_path)


@pytest.mark.parametrize(
    ("broken", "assertion"),
    [
        (ThreadRunner, "test_what_cannot_be_sent_is_refused"),  # which pickles nothing
        (Orphaning, "test_closing_leaves_nothing"),
        (Waiting, "test_the_death_of_a_worker_is_told"),
        (Vague, "test_the_death_of_a_worker_is_told"),
    ],
)
def test_the_contract_catches_a_broken_runner_of_processes(
    broken: type[ThreadRunner], assertion: str, tmp_path: Path
) -> None:
    """The same of what runs tasks elsewhere."""
    try:
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            judge(broken, OfProcesses(), assertion, tmp_path)
    finally:
        for worker in Orphaning.left:
            worker.end()
        Orphaning.left.clear()


def test_every_assertion_is_caught_in_the_act() -> None:
    """No assertion of the contract is without a runner that it finds to be broken."""
    tests = (
        test_the_contract_catches_a_broken_runner,
        test_the_contract_catches_a_broken_runner_of_processes,
    )
    caught = {
        case[1]
        for test in tests
        for mark in test.pytestmark  # type: ignore[attr-defined]  # pytest's
        for case in mark.args[1]
    }
    assert caught == {name for name in dir(RunnerContract) if name.startswith("test_")}
