"""The part of the contract of runners that is about ends: cancelling, deaths, closing."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest

from brickwork import TaskCancelled, TaskTimeout
from brickwork.testing import Contract
from brickwork_flows.definition import Flow
from brickwork_flows.errors import WorkerDied
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.runners import TaskRunner
from brickwork_flows.runtime import Runtime, use_history
from brickwork_flows.testing import runner_tasks as tasks

Make = Callable[[], TaskRunner]


class RunnerEndsContract(Contract):
    """How what every runner runs must end; `RunnerContract` has it with the rest."""

    @pytest.fixture
    def runner(self) -> Make:
        """Override: what makes a runner that runs two tasks at once."""
        raise NotImplementedError(
            "Give a fixture `runner` that returns what makes a runner of two workers, such as "
            "lambda: MyRunner(max_workers=2)."
        )

    @property
    def shares_memory(self) -> bool:
        """Whether tasks run in threads of this process, so that nothing is pickled."""
        return False

    @property
    def owns_processes(self) -> bool:
        """Whether tasks run in processes of this machine that the runner begins, and ends."""
        return False

    @property
    def stops_tasks(self) -> bool:
        """Whether cancelling stops what runs already, and not only what waits."""
        return True

    @property
    def limit_seconds(self) -> float:
        """After how long something that does not end counts as one that never does."""
        return 60.0

    @property
    def stop_seconds(self) -> float:
        """Within how long what was cancelled must have ended."""
        return 10.0

    @pytest.fixture(autouse=True)
    def runs(self, tmp_path: Path) -> Iterator[Runtime]:
        """A history for the runs of one assertion."""
        with use_history(tmp_path / "runs") as runtime:
            yield runtime
            runtime.close()

    # Cancelling

    def test_what_was_cancelled_before_it_began_does_not_begin(
        self, runner: Make, runs: Runtime, tmp_path: Path
    ) -> None:
        """With all workers at work, a task waits for its turn, and can be cancelled."""

        def main() -> list[str]:
            busy: list[Any] = [tasks.ticks.submit(tmp_path / name) for name in "ab"]
            assert _all_there(tmp_path, "ab"), "Two tasks do not run at once."
            waiting: Any = tasks.touches.submit(tmp_path / "begun")
            assert not tasks.awaited(tmp_path / "begun", 0.3), (
                "A third task began beside two at work. Run no more at once than was asked for."
            )
            waiting.cancel()
            (tmp_path / "stop").touch()
            with pytest.raises(TaskCancelled):
                waiting.result()
            return [each.result() for each in busy]

        assert self.ran(main, runner) == ["a", "b"], (
            "Those at work were disturbed when one that waited was cancelled."
        )
        assert not (tmp_path / "begun").exists(), (
            "A task began though it was cancelled while it waited for its turn. Look whether "
            "`future.done()` before you call its function."
        )
        assert states(runs)["touches-0"][-1] == "Cancelled", "That is how it ended."

    def test_what_runs_is_stopped(self, runner: Make, runs: Runtime, tmp_path: Path) -> None:
        """A task that was cancelled while it runs stops, ends as cancelled, and others go on."""
        self.needs(self.stops_tasks, "the runner does not stop tasks")

        def main() -> int:
            running: Any = tasks.ticks.submit(tmp_path / "a")
            assert tasks.awaited(tmp_path / "a"), "The task has not begun."
            running.cancel()
            assert running.wait(self.stop_seconds), (
                f"A task runs on {self.stop_seconds:g} s after it was cancelled. Let `perform` use "
                "brickwork's `stoppable`, or stop what works elsewhere when its scope is cancelled."
            )
            with pytest.raises(TaskCancelled):
                running.result()
            return tasks.double.submit(2).result()

        assert self.ran(main, runner) == 4, "Later tasks must go on."
        self.check_stopped(tmp_path / "a")
        assert states(runs)["ticks-0"][-1] == "Cancelled", "That is how it ended."

    def test_a_flow_that_fails_takes_its_tasks_along(
        self, runner: Make, runs: Runtime, tmp_path: Path
    ) -> None:
        """When a body raises, `close(cancel=True)` ends what it has submitted, soon."""
        self.needs(self.stops_tasks, "the runner does not stop tasks")

        def main() -> None:
            for name in ("a", "b", "c"):
                tasks.ticks.submit(tmp_path / name)
            assert _all_there(tmp_path, "ab"), "Two tasks do not run at once."
            raise LookupError("the body")

        began = time.monotonic()
        with pytest.raises(LookupError, match="the body"):
            self.ran(main, runner)
        seconds = time.monotonic() - began
        assert seconds < self.stop_seconds + 2, (
            f"The flow took {seconds:.1f} s. `close(cancel=True)` must cancel all that has not "
            "ended, before it waits for anything."
        )
        self.check_stopped(tmp_path / "a")
        ends = {key: names[-1] for key, names in states(runs).items()}
        assert ends == dict.fromkeys(("ticks-0", "ticks-1", "ticks-2"), "Cancelled"), (
            f"The tasks of a failed flow ended as {ends}."
        )

    def test_ctrl_c_ends_everything(self, runner: Make, runs: Runtime, tmp_path: Path) -> None:
        """Ctrl-C in the program ends a flow and its tasks soon, as cancelled."""
        self.needs(self.stops_tasks, "the runner does not stop tasks")
        main_thread = threading.current_thread() is threading.main_thread()
        self.needs(main_thread, "only the main thread is told of Ctrl-C")

        def main() -> None:
            running: Any = tasks.ticks.submit(tmp_path / "a")
            assert tasks.awaited(tmp_path / "a"), "The task has not begun."
            pressing.start()
            running.result()

        over = threading.Event()
        pressing = threading.Thread(target=_press, args=(over, self.limit_seconds), daemon=True)
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        began = time.monotonic()
        try:
            with pytest.raises(KeyboardInterrupt):
                Flow(main, task_runner=runner)()
        finally:
            over.set()
            signal.signal(signal.SIGINT, before)
        seconds = time.monotonic() - began
        pressing.join()
        assert seconds < self.stop_seconds + 2, f"After Ctrl-C the flow went on {seconds:.1f} s."
        self.check_stopped(tmp_path / "a")
        runs.flush()
        ends = [runs.history.runs()[0].state.name, states(runs)["ticks-0"][-1]]
        assert ends == ["Cancelled", "Cancelled"], f"Flow and task ended as {ends}."

    # Time-outs and deaths

    def test_a_time_out_ends_a_task(self, runner: Make, runs: Runtime, tmp_path: Path) -> None:
        """A task that takes longer than it may is stopped, fails as that, and others go on."""

        def main() -> int:
            slow: Any = tasks.late.submit(tmp_path / "a")
            assert slow.wait(self.stop_seconds), (
                "A task has not ended long after its time was up. `task.perform` sees to that in "
                "its thread; elsewhere, stop what works."
            )
            with pytest.raises(TaskTimeout):
                slow.result()
            return tasks.double.submit(2).result()

        assert self.ran(main, runner) == 4, "Later tasks must go on."
        self.check_stopped(tmp_path / "a")
        assert states(runs)["late-0"][-1] == "TimedOut", "That is why it failed."

    def test_the_death_of_a_worker_is_told(
        self, runner: Make, runs: Runtime, tmp_path: Path
    ) -> None:
        """A task whose process is killed has crashed; one beside it, and later ones, go on."""
        self.needs(self.owns_processes, "no process runs tasks alone")

        def main() -> list[object]:
            beside: Any = tasks.meets.submit(tmp_path / "b", tmp_path / "over")
            dying: Any = tasks.dies.submit(tmp_path / "a", tmp_path / "go")
            assert _all_there(tmp_path, "ab"), "Two tasks do not run at once."
            (tmp_path / "go").touch()
            assert dying.wait(self.stop_seconds), (
                "The process of a task was killed, and its future waits on. Notice the death: by "
                "the end of its pipe, and by looking whether it lives."
            )
            (tmp_path / "over").touch()
            return [dying.exception(), beside.result(), tasks.double.submit(2).result()]

        error, *others = self.ran(main, runner)
        assert isinstance(error, WorkerDied), (
            f"The task raised {error!r}. Raise `brickwork_flows.errors.WorkerDied`, so that it is "
            "recorded as crashed and not as failed."
        )
        assert others == [True, 4], "The death of one process is none of the other tasks' business."
        assert states(runs)["dies-0"][-1] == "Crashed", "That is how it ended."

    # Closing

    def test_a_flow_waits_for_what_it_submitted(
        self, runner: Make, runs: Runtime, tmp_path: Path
    ) -> None:
        """Nobody asks for the results, and yet all of it has ended when the flow has."""

        def main() -> None:
            for number in range(6):
                tasks.meets.submit(tmp_path / f"{number}", tmp_path / f"{number}")
            tasks.ticks.submit(tmp_path / "a")
            later = threading.Timer(0.5, (tmp_path / "stop").touch)
            later.start()

        self.ran(main, runner)
        found = records(runs)
        ended = runs.history.runs()[0].state.timestamp
        in_time = [
            run.key
            for run in found.values()
            if run.state.name == "Completed" and run.state.timestamp <= ended
        ]
        assert len(in_time) == 7, (
            f"When the flow had completed, of its 7 tasks only {in_time} had. `wait` returns when "
            "everything that was started has ended."
        )

    def test_closing_leaves_nothing(self, runner: Make) -> None:
        """After a flow there is no thread and no process that was not there before."""

        def main() -> set[int]:
            return {future.result() for future in [tasks.process.submit() for _ in range(8)]}

        self.ran(main, runner)  # what is made once, for all runs, is there now
        before = set(threading.enumerate())
        processes = self.ran(main, runner) - {os.getpid()}
        end = time.monotonic() + self.stop_seconds
        threads = set(threading.enumerate()) - before
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        left = [thread.name for thread in threads if thread.is_alive()]
        assert not left, f"These threads are left: {left}. `close` must end what `start` has begun."
        alive = processes if self.owns_processes else set()
        while alive and time.monotonic() < end:
            alive = {each for each in alive if _lives(each)}
        assert not alive, f"The processes {alive} live on. `close` must end them, and await that."

    def test_closing_twice_is_fine(self, runner: Make) -> None:
        """Also of a runner that has run nothing, and with another word on cancelling."""
        made = runner()
        try:
            made.wait()
            made.close(cancel=False)
            made.close(cancel=True)
        except Exception as error:  # noqa: BLE001  # whatever it is
            pytest.fail(f"{error!r} was raised. What is closed already needs no closing.")

    def test_runs_of_one_runner_do_not_meet(self, runner: Make) -> None:
        """Each run of a flow that was given a runner itself has one of its own."""
        made = runner()

        def inner() -> int:
            return tasks.double.submit(2).result()

        within = Flow(inner, task_runner=made)

        def main() -> list[int]:
            first: Any = tasks.double.submit(1)
            return [within(), first.result(), tasks.double.submit(3).result()]

        found = self.ran(main, made)
        made.close(cancel=False)
        assert found == [4, 2, 6], "The end of one run has disturbed another one."
        assert made.fresh() is not made, "`fresh` makes another one: it is closed with its run."

    # For assertions

    def ran(self, body: Callable[[], Any], runner: Make | TaskRunner, **options: Any) -> Any:
        """Run a flow in a thread of its own, and return its result; fail if it does not end."""
        work = Flow(body, task_runner=runner, **options)
        results: list[Any] = []
        errors: list[BaseException] = []

        def call() -> None:
            try:
                results.append(asyncio.run(work()) if work.is_async else work())
            except BaseException as error:  # noqa: BLE001  # raised below
                errors.append(error)

        thread = threading.Thread(target=copy_context().run, args=(call,), daemon=True)
        thread.start()
        thread.join(self.limit_seconds)
        if thread.is_alive():
            pytest.fail(
                f"The flow has not ended within {self.limit_seconds:g} s. Every future that was "
                "given to `start` or `start_async` must be ended, whatever happens to its task."
            )
        if errors:
            raise errors[0]
        return results[0]

    def needs(self, able: bool, why: str) -> None:
        """Skip an assertion that asks for what the runner says it cannot do."""
        if not able:
            pytest.skip(why)

    def check_stopped(self, path: Path) -> None:
        """Fail if a task writes on."""
        end = time.monotonic() + self.stop_seconds
        size = -1
        while size != (size := path.stat().st_size):
            assert time.monotonic() < end, (
                "A task writes on though its run has ended. What was cancelled or timed out must "
                "be stopped where it works; else two attempts of it could run at once."
            )
            time.sleep(0.25)


def records(runs: Runtime) -> dict[str, RunRecord]:
    """Return the tasks of the newest flow's run, by their keys."""
    runs.flush()
    newest = runs.history.runs()[0]
    return {each.key: each for each in runs.history.children(newest.id)}


def states(runs: Runtime) -> dict[str, list[str]]:
    """Return the names of the states of the newest flow's tasks, by their keys."""
    return {key: [each.name for each in run.states] for key, run in records(runs).items()}


def _all_there(folder: Path, names: str) -> bool:
    return all(tasks.awaited(folder / name) for name in names)


def _press(over: threading.Event, seconds: float) -> None:
    """Press Ctrl-C, and once more if nothing comes of it."""
    os.kill(os.getpid(), signal.SIGINT)
    if not over.wait(seconds):
        os.kill(os.getpid(), signal.SIGINT)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
