"""When a notification is sent again, how long that may take, and how all who send wait together."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, strategies as st

from brickwork.builtin.notifiers import attempts as module
from brickwork.builtin.notifiers.attempts import (
    FIRST_DELAY_SECONDS,
    MAX_ATTEMPTS,
    MAX_DELAY_SECONDS,
    Attempt,
    Attempts,
    one_attempt,
    retry_after,
)
from brickwork.notifier import DeliveryStatus
from brickwork.tasks import Scope, clock as task_clock

TAKEN = Attempt(DeliveryStatus.DELIVERED, message_id="m-1", http_status=200)
REFUSED = Attempt(DeliveryStatus.REFUSED, "no", http_status=404)
DOWN = Attempt(DeliveryStatus.FAILED, "down", again=True)
NEVER_LEFT = Attempt(DeliveryStatus.REFUSED, "not allowed", left=False)


def asks(seconds: float) -> Attempt:
    """Make the attempt at a service that asks to wait."""
    return Attempt(DeliveryStatus.FAILED, "busy", 429, again=True, retry_after=seconds)


class Time:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.now_ = 1000.0
        self.waits: list[float] = []
        self.on_wait: Callable[[], object] = lambda: None

    def monotonic(self) -> float:
        return self.now_

    now = monotonic

    def pause(self, seconds: float, over: threading.Event) -> None:
        self.waits.append(seconds)
        self.on_wait()
        if not over.is_set():
            self.now_ += seconds


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """No place is paused by what other tests did."""
    monkeypatch.setattr(module, "_pauses", module._Pauses())


@pytest.fixture
def timer(monkeypatch: pytest.MonkeyPatch) -> Time:
    """Nobody waits in earnest."""
    timer = Time()
    monkeypatch.setattr(module, "time", timer)
    monkeypatch.setattr(module, "pause", timer.pause)
    monkeypatch.setattr(task_clock, "clock", timer)
    return timer


class Script:
    """Gives one answer after the other, the last one again and again."""

    def __init__(self, *made: Attempt) -> None:
        self._made = list(made)
        self.timeouts: list[float] = []

    def __call__(self, seconds: float) -> Attempt:
        self.timeouts.append(seconds)
        return self._made.pop(0) if len(self._made) > 1 else self._made[0]


def attempts(place: str = "place", *, retry_seconds: float = 60.0) -> Attempts:
    """Make what is tested."""
    return Attempts("acme:here", place, timeout_seconds=5.0, retry_seconds=retry_seconds)


def test_taken_at_once(timer: Time) -> None:
    """What is taken is sent once, with its time-out, and the receipt has what the service said."""
    script = Script(TAKEN)
    receipt = attempts().run(script)

    assert (receipt.target, receipt.status, receipt.attempts) == ("acme:here", "delivered", 1)
    assert (receipt.message_id, receipt.http_status) == ("m-1", 200)
    assert script.timeouts == [5.0]
    assert timer.waits == []


def test_refused_is_not_sent_again(timer: Time) -> None:
    """A refusal ends it, and what never left this machine counts no attempt."""
    assert attempts().run(Script(REFUSED)).attempts == 1
    assert attempts().run(Script(NEVER_LEFT)).attempts == 0
    assert timer.waits == []


@pytest.mark.parametrize("failures", range(1, MAX_ATTEMPTS))
def test_attempts_are_counted(timer: Time, failures: int) -> None:
    """After some failures it is taken, and every attempt counts."""
    receipt = attempts().run(Script(*[DOWN] * failures, TAKEN))

    assert (receipt.status, receipt.attempts) == ("delivered", failures + 1)
    assert len(timer.waits) == failures


def test_delays_double_and_spread(timer: Time) -> None:
    """Each wait is up to twice as long as the one before, at least half of that, and bounded."""
    receipt = attempts(retry_seconds=3600).run(Script(DOWN))

    assert (receipt.status, receipt.attempts) == ("failed", MAX_ATTEMPTS)
    for number, wait in enumerate(timer.waits):
        longest = min(FIRST_DELAY_SECONDS * 2**number, MAX_DELAY_SECONDS)
        assert longest / 2 <= wait <= longest


def test_no_attempt_after_the_time_limit(timer: Time) -> None:
    """No attempt begins later than the time for retries allows; 0 means one attempt."""
    started = timer.now_
    assert attempts(retry_seconds=2).run(Script(DOWN)).attempts >= 2
    assert timer.now_ - started <= 2
    assert attempts(retry_seconds=0).run(Script(DOWN)).attempts == 1


def test_asked_to_wait(timer: Time) -> None:
    """A wait that the service asks for is kept exactly, and told if it is too long."""
    assert attempts().run(Script(asks(7), TAKEN)).status == "delivered"
    assert sum(timer.waits) == pytest.approx(7)

    receipt = attempts("other").run(Script(asks(3600)))
    assert (receipt.status, receipt.attempts) == ("failed", 1)
    assert receipt.detail == "busy (it asked to wait 3600 s)"
    assert sum(timer.waits) == pytest.approx(7)


def test_short_waits_are_told(timer: Time) -> None:
    """A wait of less than a second is not told as none."""
    receipt = attempts(retry_seconds=0).run(Script(asks(0.25)))

    assert receipt.detail == "busy (it asked to wait 0.2 s)"


def test_a_pause_holds_for_the_place(timer: Time) -> None:
    """Who sends to a place that asked to wait waits as well, and who sends elsewhere does not."""
    attempts(retry_seconds=0).run(Script(asks(30)))
    assert timer.waits == []

    assert attempts("elsewhere").run(Script(TAKEN)).delivered
    assert timer.waits == []

    assert attempts(retry_seconds=60).run(Script(TAKEN)).delivered
    assert timer.waits == [30]


def test_a_pause_that_is_too_long_is_not_waited_for(timer: Time) -> None:
    """It is not even tried, no attempt counts, and the receipt says how long the pause is."""
    attempts(retry_seconds=0).run(Script(asks(300)))
    timer.now_ += 100
    script = Script(TAKEN)
    receipt = attempts(retry_seconds=60).run(script)

    assert (receipt.status, receipt.attempts, script.timeouts) == ("failed", 0, [])
    assert receipt.detail == "not tried: the service asked all who send to wait, 200 s more"


def test_a_pause_that_grows_is_waited_for(timer: Time) -> None:
    """If others are asked to wait longer meanwhile, that counts, for a first and a later one."""

    def grow() -> None:
        timer.on_wait = lambda: None
        module._pauses.begin("place", 20)

    timer.on_wait = grow
    assert attempts().run(Script(asks(5), TAKEN)).delivered
    assert timer.now_ == pytest.approx(1020)

    module._pauses.begin("place", 5)
    timer.on_wait = grow
    assert attempts().run(Script(TAKEN)).delivered
    assert timer.now_ == pytest.approx(1040)


def test_the_end_of_a_pause_does_not_come_nearer(timer: Time) -> None:
    """A later, shorter wait does not shorten a pause."""
    module._pauses.begin("place", 50)
    module._pauses.begin("place", 5)

    assert module._pauses.left("place") == 50


def test_no_pause_is_for_ever(timer: Time) -> None:
    """Whatever a service asks for, it is tried again after an hour."""
    attempts().run(Script(asks(999_999_999)))
    timer.now_ += 3600

    assert attempts().run(Script(TAKEN)).delivered


def test_pauses_take_bounded_memory(timer: Time) -> None:
    """However many places ask to wait, so many are remembered; those that end last stay."""
    for number in range(5000):
        module._pauses.begin(f"place-{number}", 10 + number / 10)

    assert len(module._pauses._until) == module._MAX_PAUSES
    assert module._pauses.left("place-4999") > 0
    assert module._pauses.left("place-0") == 0
    timer.now_ += 1000
    module._pauses.begin("new", 1)
    assert len(module._pauses._until) == 1


def test_threads_wait_together() -> None:
    """When one thread is asked to wait, all that send to the place hold back until then."""
    paused = threading.Event()
    sent: list[float] = []
    started: list[float] = []

    def first(_: float) -> Attempt:
        if not started:
            started.append(time.monotonic())
            return asks(0.5)
        sent.append(time.monotonic())
        return TAKEN

    def others(_: float) -> Attempt:
        sent.append(time.monotonic())
        return TAKEN

    def run_other() -> None:
        paused.wait(10)
        attempts().run(others)

    threads = [threading.Thread(target=run_other) for _ in range(6)]
    threads.append(threading.Thread(target=lambda: attempts().run(first)))
    for thread in threads:
        thread.start()
    while not module._pauses.left("place"):
        time.sleep(0.001)
    paused.set()
    for thread in threads:
        thread.join()

    assert len(sent) == 7
    assert min(sent) - started[0] >= 0.5


def test_one_attempt(timer: Time) -> None:
    """Inside, everybody tries once and waits for nothing; afterwards it is as before."""
    with one_attempt():
        with one_attempt():
            assert attempts().run(Script(DOWN, TAKEN)).attempts == 1
        assert attempts().run(Script(asks(1), TAKEN)).attempts == 1
        receipt = attempts().run(Script(TAKEN))
        assert (receipt.status, receipt.attempts) == ("failed", 0)
    assert timer.waits == []
    assert attempts("other").run(Script(DOWN, TAKEN)).attempts == 2


def test_time_of_a_task_is_the_limit(timer: Time) -> None:
    """In a task an attempt has no more time than the task, and none is begun after it."""
    script = Script(DOWN)
    with Scope(seconds=3):
        receipt = attempts(retry_seconds=600).run(script)

    assert receipt.attempts >= 2
    assert script.timeouts[0] == 3
    assert script.timeouts == sorted(script.timeouts, reverse=True)
    assert timer.now_ <= 1003


def test_a_wait_beyond_the_task_is_not_begun(timer: Time) -> None:
    """A wait that would end after the task's time is not begun."""
    with Scope(seconds=3):
        assert attempts(retry_seconds=600).run(Script(asks(4), TAKEN)).attempts == 1
    assert timer.waits == []


def test_cancelled_while_waiting(timer: Time) -> None:
    """When the work around is cancelled, the wait ends and nothing is sent again."""
    with Scope() as scope:
        timer.on_wait = scope.cancel
        receipt = attempts().run(Script(asks(30), TAKEN))

    assert (receipt.status, receipt.attempts) == ("failed", 1)
    assert timer.now_ == 1000


def test_cancelled_while_paused(timer: Time) -> None:
    """When it is cancelled before the first attempt, nothing is sent at all."""
    module._pauses.begin("place", 30)
    script = Script(TAKEN)
    with Scope() as scope:
        timer.on_wait = scope.cancel
        receipt = attempts().run(script)

    assert (receipt.status, receipt.attempts, script.timeouts) == ("failed", 0, [])
    assert receipt.detail == "not tried: cancelled"


def test_cancelling_wakes_a_real_wait() -> None:
    """The wait ends at once in real time, too, from another thread."""
    waiting = threading.Event()

    def busy(_: float) -> Attempt:
        waiting.set()
        return asks(20)

    def cancel() -> None:
        waiting.wait(10)
        scope.cancel()

    with Scope() as scope:
        canceller = threading.Thread(target=cancel)
        canceller.start()
        started = time.monotonic()
        receipt = attempts().run(busy)
        canceller.join()

    assert receipt.attempts == 1
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 3.5 ", 3.5),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        (None, None),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("1e3", None),
        ("١٢", None),
        ("inf", None),
        ("nan", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    """Seconds, also fractions, and dates are read; a date that is past is no wait."""
    assert retry_after(value) == seconds


@given(st.integers(2, 999_999))
def test_retry_after_dates(seconds: int) -> None:
    """A date is so many seconds from now."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)

    assert seconds - 3 <= (retry_after(date) or 0) <= seconds


def header_values() -> Iterator[st.SearchStrategy[str]]:
    """Values near those that mean something."""
    yield st.text()
    yield st.from_regex(r"[0-9]{1,12}(\.[0-9]{0,12})?", fullmatch=True)
    yield st.builds(
        "{}, {} {} {} {}:{}:{} {}".format,
        st.sampled_from(["Wed", "Xyz", ""]),
        st.integers(-1, 99),
        st.sampled_from(["Oct", "Foo", "2"]),
        st.integers(-1, 99_999),
        st.integers(-1, 99),
        st.integers(-1, 99),
        st.integers(-1, 99),
        st.sampled_from(["GMT", "-0000", "+9999", "-99999999", ""]),
    )


@given(st.one_of(*header_values()))
def test_retry_after_reads_or_refuses(value: str) -> None:
    """Whatever a service sends, it is a time that is not negative and finite, or none."""
    seconds = retry_after(value)

    assert seconds is None or 0 <= seconds < sys.maxsize
