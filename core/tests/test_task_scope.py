"""What long work asks and reports: remaining, cancelled, progress."""

import threading
import time
from contextvars import copy_context

import pytest

from brickwork import TaskCancelled, TaskTimeout, cancelled, progress, remaining, sleep, task
from brickwork.tasks import Progress, Scope, check_cancelled, on_progress
from brickwork.testing.task import no_waiting


def test_outside_of_a_task_nothing_limits() -> None:
    """Without a task there is no deadline, nothing is cancelled, and progress goes nowhere."""
    assert remaining() is None
    assert cancelled() is False
    check_cancelled()
    progress(1, 2, "text")


def test_a_task_without_time_out_has_no_deadline() -> None:
    """``remaining`` is None where nothing limits the task."""
    assert task(remaining)() is None


def test_remaining_is_the_tightest() -> None:
    """A task inside another has the time of whichever ends first."""
    short = task(timeout_seconds=10, name="short")(remaining)
    long = task(timeout_seconds=1000, name="long")(remaining)

    @task(timeout_seconds=100)
    def outer() -> tuple[float | None, float | None, float | None]:
        return short(), long(), remaining()

    in_short, in_long, own = outer()
    assert in_short is not None
    assert in_long is not None
    assert own is not None
    assert 9 < in_short <= 10
    assert 99 < in_long <= 100
    assert 99 < own <= 100


def test_remaining_falls_and_stops_at_zero() -> None:
    """Time that passes is taken off; there is never less than none."""
    flaky = [OSError("down")]

    @task(retries=1, retry_delay_seconds=3)
    def work() -> float | None:
        if flaky:
            raise flaky.pop()
        return remaining()

    with no_waiting() as waits, Scope("job", seconds=5):
        left = work()
    assert waits == [3.0]
    assert left is not None
    assert 1 < left <= 2
    assert Scope("late", seconds=-1).remaining() == 0.0


def test_a_task_sees_that_it_was_cancelled() -> None:
    """Cancelling a scope reaches the task inside, and the one inside that."""

    @task
    def inner() -> bool:
        return cancelled()

    @task
    def outer(scope: Scope) -> tuple[bool, bool, bool]:
        before = inner()
        now = cancelled()
        scope.cancel()
        return before, now, cancelled()

    with Scope("job") as scope:
        assert outer(scope) == (False, False, True)
    assert not cancelled()


def test_check_cancelled_says_who_was_stopped() -> None:
    """A cancelled task ends by TaskCancelled, a late one by TaskTimeout; both name it."""

    @task
    def work(scope: Scope) -> None:
        scope.cancel()
        check_cancelled()

    with Scope("job") as scope, pytest.raises(TaskCancelled, match="Task 'work' was cancelled"):
        work(scope)
    with Scope("report", seconds=-1), pytest.raises(TaskTimeout, match="'report' did not end"):
        check_cancelled()


def test_no_task_starts_in_a_scope_that_is_over() -> None:
    """In a cancelled or late scope, a call ends before the function runs."""
    calls: list[int] = []
    work = task(name="work")(lambda: calls.append(1))
    with Scope("job") as scope:
        work()
        scope.cancel()
        with pytest.raises(TaskCancelled):
            work()
    with Scope("late", seconds=-1), pytest.raises(TaskTimeout, match="'late' did not end"):
        work()
    assert calls == [1]


def test_a_thread_left_behind_is_told_to_stop() -> None:
    """What a failed task started in other threads sees that it is cancelled."""
    stopped = threading.Event()
    began = threading.Event()

    def helper() -> None:
        began.set()
        while not cancelled():
            time.sleep(0.001)
        stopped.set()

    @task
    def work() -> None:
        threading.Thread(target=copy_context().run, args=(helper,), daemon=True).start()
        assert began.wait(5)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert stopped.wait(5)


def test_progress_reaches_every_listener() -> None:
    """A report carries task, amount, text and the attempt; listeners nest."""
    heard: list[Progress] = []
    also: list[Progress] = []

    @task
    def copy_files() -> None:
        progress(1, 4)
        progress(4, 4, "last.csv")

    with on_progress(heard.append):
        with on_progress(also.append):
            copy_files()
        copy_files()
    copy_files()
    assert [report[:4] for report in also] == [
        ("copy_files", 1, 4, ""),
        ("copy_files", 4, 4, "last.csv"),
    ]
    assert len(heard) == 4
    assert heard[0].scope is heard[1].scope is also[0].scope
    assert heard[0].scope is not heard[2].scope


def test_a_listener_that_fails_does_not_break_the_work(caplog: pytest.LogCaptureFixture) -> None:
    """The error of a display is logged; the task goes on, and so do other listeners."""
    heard: list[Progress] = []

    def broken(report: Progress) -> None:
        raise RuntimeError("no terminal")

    def work() -> str:
        progress(1)
        return "done"

    with on_progress(broken), on_progress(heard.append):
        assert task(work)() == "done"
    assert len(heard) == 1
    assert "a progress listener failed" in caplog.text


def test_wakers_are_forgotten() -> None:
    """A scope that lives long does not collect what was once to be woken."""
    scope = Scope("server")
    woken: list[int] = []
    for number in range(3):
        with scope.waking(lambda number=number: woken.append(number)):  # type: ignore[misc]  # binds it
            pass
    scope.cancel()
    assert woken == []
    assert not scope.wakers
    with scope.waking(lambda: woken.append(9)):
        pass
    assert woken == [9], "who comes late is woken at once"


def test_a_sleep_ends_with_its_task() -> None:
    """It lasts until the task is cancelled, or its time is up; outside of a task, to its end."""
    began = time.monotonic()
    with Scope("job") as scope:
        timer = threading.Timer(0.05, scope.cancel)
        timer.start()
        with pytest.raises(TaskCancelled):
            sleep(600)
        timer.join()
    with Scope("late", seconds=-1), pytest.raises(TaskTimeout):
        sleep(0)
    assert time.monotonic() - began < 300
    with no_waiting() as waits:
        sleep(3)
    assert waits == [3]
