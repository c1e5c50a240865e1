"""When a failed attempt is tried again, and after how long."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, strategies as st

from brickwork import TaskCancelled, exponential_backoff, task
from brickwork.tasks import RetryPolicy, Scope, Task
from brickwork.testing.task import no_waiting


class Flaky:
    """A function that fails some times, then returns how often it was called."""

    __name__ = "flaky"

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.calls


class FlakyAsync(Flaky):
    async def __call__(self) -> int:  # type: ignore[override]  # the async twin
        return super().__call__()


class TooMany(Exception):
    def __init__(self, retry_after_seconds: object) -> None:
        super().__init__("slow down")
        self.retry_after_seconds = retry_after_seconds


def run_sync(run: Task[..., Any]) -> Any:
    """Call it."""
    return run()


def run_async(run: Task[..., Any]) -> Any:
    """Await its async twin in an event loop."""
    return asyncio.run(run.aio())


EACH_WAY = pytest.mark.parametrize(
    ("kind", "run"),
    [(Flaky, run_sync), (Flaky, run_async), (FlakyAsync, run_async)],
    ids=["sync", "sync in a thread", "async"],
)


@EACH_WAY
def test_it_is_tried_again_until_it_works(
    kind: type[Flaky], run: Callable[[Task[..., Any]], Any]
) -> None:
    """Two failures and three retries give the third attempt's result, after the planned waits."""
    flaky = kind(OSError(), OSError())
    with no_waiting() as waits:
        assert run(task(retries=3, retry_delay_seconds=exponential_backoff(2))(flaky)) == 3
    assert waits == [2.0, 4.0]


@EACH_WAY
def test_the_last_error_passes_unchanged_with_a_note(
    kind: type[Flaky], run: Callable[[Task[..., Any]], Any]
) -> None:
    """When the retries are used up, the last exception itself comes out, with task and attempts."""
    errors = [OSError("a"), OSError("b"), OSError("c")]
    flaky = kind(*errors)
    with no_waiting(), pytest.raises(OSError, match="c") as caught:
        run(task(retries=2)(flaky))
    assert caught.value is errors[2]
    assert caught.value.__notes__ == ["task 'flaky' failed at attempt 3 of 3"]
    assert flaky.calls == 3


@pytest.mark.parametrize("retries", [0, 2])
def test_an_error_that_was_not_retried_has_no_note(retries: int) -> None:
    """Without a retry the exception comes out exactly as it was raised."""
    with pytest.raises(KeyError) as caught:
        task(retries=retries, retry_on=OSError)(Flaky(KeyError("k")))()
    assert not hasattr(caught.value, "__notes__")


def test_an_error_that_takes_no_note_still_passes() -> None:
    """An exception that cannot be changed, such as a frozen dataclass, comes out as it is."""

    @dataclass(frozen=True)
    class Frozen(Exception):
        code: int

        def add_note(self, note: str) -> None:
            object.__getattribute__(self, "__class__")
            self.code = 2  # type: ignore[misc]  # raises FrozenInstanceError

    with no_waiting(), pytest.raises(Frozen):
        task(retries=1)(Flaky(Frozen(1), Frozen(1)))()


@pytest.mark.parametrize(
    ("plan", "waits"),
    [
        (5, [5, 5, 5]),
        (0, [0, 0, 0]),
        ([1, 10], [1, 10, 10]),
        ((1, 2, 3, 4), [1, 2, 3]),
        (lambda attempt: attempt * 100, [100, 200, 300]),
        (lambda attempt: -1, [0, 0, 0]),
        (exponential_backoff(1.5), [1.5, 3, 6]),
        (exponential_backoff(1, max_seconds=3), [1, 2, 3]),
    ],
)
def test_delays_follow_the_plan(plan: Any, waits: list[float]) -> None:
    """A number, a list whose last repeats, a function of the attempt, and the backoff."""
    with no_waiting() as waited:
        task(retries=3, retry_delay_seconds=plan)(Flaky(*[OSError()] * 3))()
    assert waited == waits


def test_backoff_does_not_overflow() -> None:
    """The ten thousandth delay of a backoff is a float, not an OverflowError."""
    assert exponential_backoff(1, max_seconds=60)(10_000) == 60
    assert exponential_backoff(1)(10_000) > 1e300


@given(delay=st.floats(0, 1e6), factor=st.floats(0, 5), attempt=st.integers(1, 5))
def test_jitter_stays_within_its_share(delay: float, factor: float, attempt: int) -> None:
    """A delay is never further from the plan than the factor allows, and never below 0."""
    policy = RetryPolicy(5, delay, factor)
    jittered = policy.delay_after(OSError(), attempt)
    assert jittered is not None
    low, high = delay * max(0, 1 - factor), delay * (1 + factor)
    assert low * (1 - 1e-9) <= jittered <= high * (1 + 1e-9)


def test_jitter_spreads() -> None:
    """A hundred jittered delays are not one number, and lie on both sides of the plan."""
    policy = RetryPolicy(1, 10.0, 0.5)
    delays = [policy.delay_after(OSError(), 1) or 0.0 for _ in range(100)]
    assert min(delays) < 10 < max(delays)
    assert len(set(delays)) > 90


def test_an_error_brings_its_own_delay() -> None:
    """``retry_after_seconds`` on the exception wins over the plan, and has no jitter."""
    with no_waiting() as waits:
        task(retries=2, retry_delay_seconds=1, retry_jitter_factor=0.5)(
            Flaky(TooMany(30), TooMany(0.25))
        )()
    assert waits == [30.0, 0.25]


@pytest.mark.parametrize("nonsense", [None, "soon", -1, float("nan"), float("inf")])
def test_a_delay_that_is_none_is_ignored(nonsense: object) -> None:
    """A ``retry_after_seconds`` that is no length of time leaves the plan in force."""
    with no_waiting() as waits:
        task(retries=1, retry_delay_seconds=7)(Flaky(TooMany(nonsense)))()
    assert waits == [7.0]


@pytest.mark.parametrize(
    ("retry_on", "calls"),
    [
        (OSError, 2),
        ((ValueError, OSError), 2),
        (ValueError, 1),
        ((), 1),
        (lambda error: "busy" in str(error), 2),
        (lambda error: "gone" in str(error), 1),
    ],
)
def test_retry_on_decides(retry_on: Any, calls: int) -> None:
    """Classes or a function say which errors are worth another attempt."""
    flaky = Flaky(ConnectionError("busy"))
    with no_waiting(), suppress(ConnectionError):
        task(retries=1, retry_on=retry_on)(flaky)()
    assert flaky.calls == calls


def _busy(_task: object, run: object, state: Any) -> bool:
    assert run is None, "no engine runs it"
    assert state.result(raise_on_failure=False) is state.error
    try:
        state.result()
    except ConnectionError as error:
        return "busy" in str(error)
    return False


def _mistaken(_task: object, _run: object, _state: object) -> bool:
    raise LookupError("mistaken")


@EACH_WAY
@pytest.mark.parametrize(
    ("text", "condition", "calls"),
    [("busy", _busy, 3), ("gone", _busy, 1), ("busy", _mistaken, 1)],
)
def test_retry_condition_decides(
    kind: type[Flaky],
    run: Callable[[Task[..., Any]], Any],
    text: str,
    condition: Callable[..., bool],
    calls: int,
) -> None:
    """A condition is called with task, run and state; what it says, or that it fails, decides."""
    flaky = kind(*[ConnectionError(text)] * 5)
    with no_waiting(), pytest.raises(ConnectionError) as caught:
        run(task(retries=2, retry_condition_fn=condition)(flaky))
    assert flaky.calls == calls
    notes = getattr(caught.value, "__notes__", [])
    assert any("LookupError" in note for note in notes) == (condition is _mistaken)


@EACH_WAY
@pytest.mark.parametrize(
    "error",
    [KeyboardInterrupt(), SystemExit(3), TaskCancelled("stopped"), asyncio.CancelledError()],
    ids=lambda error: type(error).__name__,
)
def test_what_ends_the_work_is_never_retried(
    kind: type[Flaky], run: Callable[[Task[..., Any]], Any], error: BaseException
) -> None:
    """Ctrl-C, exit and cancelling end a task at its first attempt, whatever retry_on says."""
    flaky = kind(error)
    with pytest.raises(type(error)):
        run(task(retries=3, retry_on=lambda error: True)(flaky))
    assert flaky.calls == 1


def test_no_wait_beyond_the_outer_deadline() -> None:
    """A retry that could not begin in time is not waited for: the last error comes at once."""

    @task(retries=5, retry_delay_seconds=[1, 30], retry_on=OSError)
    def inner() -> None:
        calls.append(1)
        raise OSError("down")

    @task(timeout_seconds=20)
    def outer() -> None:
        inner()

    calls: list[int] = []
    with no_waiting() as waits, pytest.raises(OSError, match="down") as caught:
        outer()
    assert waits == [1.0]
    assert len(calls) == 2
    (note,) = caught.value.__notes__
    assert note.startswith("task 'inner' failed at attempt 2 of 6; the next would begin in 30 s")


@EACH_WAY
def test_cancelling_ends_the_wait_at_once(
    kind: type[Flaky], run: Callable[[Task[..., Any]], Any]
) -> None:
    """A scope that is cancelled from another thread ends a wait of an hour, and the task."""
    flaky = kind(OSError(), OSError())
    slow = task(retries=3, retry_delay_seconds=3600)(flaky)
    began = time.monotonic()
    with Scope("job") as scope:
        timer = threading.Timer(0.05, scope.cancel)
        timer.start()
        with pytest.raises(TaskCancelled, match="'job' was cancelled"):
            run(slow)
    timer.join()
    assert time.monotonic() - began < 5
    assert flaky.calls == 1


def test_a_retry_is_logged_without_the_errors_text(caplog: pytest.LogCaptureFixture) -> None:
    """The log names task, attempt, error class and delay; the text may hold what it must not."""
    with no_waiting(), caplog.at_level(logging.WARNING, "brickwork.tasks"):
        task(retries=1, retry_delay_seconds=3)(Flaky(OSError("token=abc123")))()
    (record,) = caplog.records
    assert record.getMessage() == (
        "task 'flaky': attempt 1 of 2 failed (OSError); the next begins in 3 s"
    )
