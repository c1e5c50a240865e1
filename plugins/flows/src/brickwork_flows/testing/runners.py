"""The contract of runners."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from brickwork import Secret, TaskError
from brickwork_flows.errors import NotSendable, UnfinishedDependency
from brickwork_flows.futures import unmapped
from brickwork_flows.runtime import Runtime
from brickwork_flows.testing import runner_tasks as tasks
from brickwork_flows.testing.runner_ends import Make, RunnerEndsContract, records, states

_SECRET = "contract-word-of-a-secret"  # noqa: S105  # nobody's
_VALUES: list[Any] = [None, 0, "é\n\0", b"\xff", [1, (2, {"a": {3}})], Path("x"), 2**70]
_LARGE = 4 * 1024 * 1024


class RunnerContract(RunnerEndsContract):
    """What every runner must keep. Subclass it, give ``runner``, and say where tasks run::

    class TestAcmeRunner(RunnerContract):
        @pytest.fixture
        def runner(self):
            return lambda: AcmeRunner(max_workers=2)
    """

    # Results and errors

    def test_results_come_back(self, runner: Make, runs: Runtime) -> None:
        """Arguments arrive, by place and by name, and what is returned comes back."""

        def main() -> list[Any]:
            futures: list[Any] = [tasks.double.submit(2), tasks.double.submit(2, plus=3)]
            futures += [tasks.echo.submit(each) for each in _VALUES]
            return [future.result() for future in futures]

        found = self.ran(main, runner)
        assert found == [4, 7, *_VALUES], (
            f"{found} came back. `perform` passes on `args` and `kwargs` as they are, and returns "
            "what the task returns."
        )
        assert {names[-1] for names in states(runs).values()} == {"Completed"}, "All of them did."

    def test_large_values_come_back(self, runner: Make) -> None:
        """Megabytes go there and back."""
        data = b"0123456789abcdef" * (_LARGE // 16)

        def main() -> Any:
            return tasks.echo.submit(data).result(timeout=self.limit_seconds)

        found = self.ran(main, runner)
        assert found == data, f"Of {_LARGE} bytes, {len(found)} came back, or other ones."

    def test_many_tasks_come_back(self, runner: Make, runs: Runtime) -> None:
        """`map` gives a future for each element, in order, and every task is recorded."""

        def main() -> list[int]:
            futures = tasks.double.map(range(200), plus=unmapped(1))
            return [future.result() for future in futures]

        found = self.ran(main, runner)
        assert found == [2 * number + 1 for number in range(200)], (
            "Results are lost or mixed up: each belongs to the future that its task was given with."
        )
        ends = [names[-1] for names in states(runs).values()]
        assert ends == ["Completed"] * 200, "Each task is recorded once, and completed."

    def test_errors_come_back_as_they_are(self, runner: Make) -> None:
        """`result` raises what the task raised: that class, with those arguments."""

        def main() -> tuple[Any, Any, int]:
            future: Any = tasks.fails.submit("lost", 7)
            with pytest.raises(Exception) as caught:
                future.result()
            return caught.value, future.state, tasks.double.submit(2).result()

        error, state, after = self.ran(main, runner)
        assert (type(error), error.args) == (LookupError, ("lost", 7)), (
            f"A task raised LookupError('lost', 7), and {error!r} came back."
        )
        assert (state.name, "lost" in state.message) == ("Failed", True), f"It is {state}."
        assert after == 4, "After a task that failed, others must go on."

    def test_an_error_that_cannot_be_pickled_is_told(self, runner: Make) -> None:
        """Its text arrives, though it cannot itself where tasks run elsewhere."""

        def main() -> tuple[BaseException | None, int]:
            future: Any = tasks.fails_strangely.submit("the reason")
            future.wait()
            return future.exception(), tasks.double.submit(2).result()

        error, after = self.ran(main, runner)
        wanted = tasks.Strange if self.shares_memory else NotSendable
        assert isinstance(error, wanted), f"{error!r} was raised, and not a {wanted.__name__}."
        assert "the reason" in str(error), (
            f"The task said why it failed; {error!r} does not. Where an error cannot be pickled, "
            "send its class and text: brickwork_flows.errors.NotSendable."
        )
        assert after == 4, "After a task that failed, others must go on."

    def test_what_cannot_be_sent_is_refused(self, runner: Make) -> None:
        """Arguments and results that cannot be pickled, and secrets: told, and others go on."""

        def main() -> list[Any]:
            futures: list[Any] = [
                tasks.kind_of.submit(threading.Lock()),
                tasks.kind_of.submit(Secret(_SECRET)),
                tasks.gives_lock.submit(),
            ]
            for future in futures:
                future.wait()
            errors = [future.exception() for future in futures]
            return [*errors, tasks.double.submit(2).result()]

        *errors, after = self.ran(main, runner)
        wanted = type(None) if self.shares_memory else NotSendable
        for error, what in zip(errors, ("a lock", "a secret", "a lock as result"), strict=True):
            assert isinstance(error, wanted), (
                f"With {what}, {error!r} was raised. Where values are pickled, say by NotSendable "
                "what cannot be; where they are not, everything goes."
            )
            assert _SECRET not in str(error), "The error shows a secret."
        assert after == 4, "After a task that could not be sent, others must go on."

    # What belongs together

    def test_two_tasks_run_at_once(self, runner: Make, tmp_path: Path) -> None:
        """Two tasks that wait for each other come to their end."""

        def main() -> list[bool]:
            a, b = tmp_path / "a", tmp_path / "b"
            futures: list[Any] = [tasks.meets.submit(a, b), tasks.meets.submit(b, a)]
            return [future.result() for future in futures]

        assert self.ran(main, runner) == [True, True], (
            "They did not meet. `start` returns at once, and two workers work at once."
        )

    def test_futures_are_waited_for(self, runner: Make, tmp_path: Path) -> None:
        """A task gets the results of futures, deep in its arguments; none that failed."""

        def main() -> tuple[int, BaseException | None]:
            numbers = tasks.double.map(range(10))
            five: Any = tasks.double.submit(5)
            every: Any = [*numbers, tasks.double.submit(five)]
            whole: Any = tasks.total.submit({"all": every, "none": ()})
            options: Any = {"wait_for": [tasks.fails.submit("bad", 1)]}
            never: Any = tasks.touches.submit(tmp_path / "begun", **options)
            never.wait()
            return whole.result(), never.exception()

        found, error = self.ran(main, runner)
        assert found == 110, f"The sum of what was waited for is 110, and not {found}."
        assert isinstance(error, UnfinishedDependency), f"What failed was waited for: {error!r}."
        assert not (tmp_path / "begun").exists(), "It began though what it waits for failed."

    def test_tasks_call_tasks(self, runner: Make) -> None:
        """A plain call works in a task; what is submitted there is run, or refused at once."""

        def main() -> tuple[int, Any]:
            called: Any = tasks.calls.submit(3)
            future: Any = tasks.descends.submit(5)
            future.wait()
            return called.result(), future.exception() or future.result()

        called, found = self.ran(main, runner)
        assert called == 12, f"A task that calls a task twice with 3 gives 12, and not {called}."
        if self.shares_memory:
            assert found == 5, (
                f"A task that submits one, five deep, gave {found!r}. Who waits for a future "
                "leaves his place to others: with two workers, all would wait for each other."
            )
        else:
            assert isinstance(found, TaskError), (
                f"A task submits where there is no engine, and {found!r} comes of it."
            )

    def test_async_tasks_run(self, runner: Make) -> None:
        """In flows with and without an event loop, and sync ones beside them."""

        def main() -> list[int]:
            futures: list[Any] = [tasks.in_coroutine.submit(each) for each in range(5)]
            return [future.result() for future in futures]

        async def in_loop() -> list[int]:
            futures: list[Any] = [tasks.in_coroutine.submit(each) for each in range(5)]
            futures += [tasks.double.submit(each) for each in range(5)]
            return [await future.aresult() for future in futures]

        wanted = [0, 2, 4, 6, 8]
        found = self.ran(main, runner)
        assert found == wanted, f"From a sync flow, async tasks gave {found}. See `start_async`."
        found = self.ran(in_loop, runner)
        assert found == [*wanted, *wanted], f"From an async flow, {found} came."

    # What is recorded

    def test_retries_are_recorded(self, runner: Make, runs: Runtime, tmp_path: Path) -> None:
        """A task that fails twice completes at last, and the history tells of each attempt."""

        def main() -> int:
            return tasks.flaky.submit(tmp_path).result()

        assert self.ran(main, runner) == 2, "The third attempt returns 2."
        run = records(runs)["flaky-0"]
        names = [state.name for state in run.states if state.name not in ("Pending", "Running")]
        assert names == [*["AwaitingRetry", "Retrying"] * 2, "Completed"], (
            f"The states were {names}. Hand `watcher` to `task.perform`, or call it as that does."
        )
        assert run.attempts == 3, f"{run.attempts} attempts are recorded, of 3."

    def test_a_task_knows_its_run(self, runner: Make, runs: Runtime) -> None:
        """Where the task works, its ids, names, tags and parameters are known."""

        def main() -> Mapping[str, Any]:
            return tasks.speaks.submit("hello").result()

        told = self.ran(main, runner, name="speech")
        run = records(runs)["speaks-0"]
        wanted = {
            "task": (run.id, "speaks", 1, ("of-the-task",), ("word",)),
            "flow": (run.flow_run, "speech"),
        }
        found = {key: told[key] and tuple(told[key]) for key in wanted}
        assert found == wanted, (
            f"A task is told {found} of itself. What `start` is given is called with its context; "
            "where the work is done elsewhere, that must be made anew there."
        )

    def test_what_a_task_says_is_recorded(self, runner: Make, runs: Runtime) -> None:
        """What it logs, prints and emits belongs to its run."""

        def main() -> None:
            tasks.speaks.submit("hello").result()

        self.ran(main, runner)
        run = records(runs)["speaks-0"]
        lines = {line.message: line.run for line in runs.history.logs(run.flow_run)}
        for text in ("logged hello", "printed hello"):
            assert lines.get(text) == run.id, (
                f"{text!r} is not among the lines of the task's run: {lines}. Send what is logged "
                "and printed elsewhere to this process, which records."
            )
        emitted = [
            change.event.run
            for change in runs.history.changes(run=run.flow_run)
            if getattr(change.event, "name", "") == "contract.said"
        ]
        assert emitted == [run.id], f"The event that the task emitted belongs to {emitted}."
