"""The contract of notifiers catches what is wrong with answers, waits, threads and checks."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from brickwork import CheckReport, Notification, Receipt
from brickwork.block import Finding
from brickwork.builtin.notifiers.attempts import Attempt
from brickwork.notifier import DeliveryStatus
from brickwork.testing.notifier import Behaviour, Counterpart, NotifierContract
from brickwork.testing.notifier_memory import (
    WAIT,
    Answer,
    Faithful,
    Fault,
    HastyContract,
    MemoryCounterpart,
    broken,
)

pytestmark = pytest.mark.usefixtures("hasty_retries")


@pytest.fixture
def hasty_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries begin soon, where the service does not say when."""
    monkeypatch.setattr("brickwork.builtin.notifiers.attempts.FIRST_DELAY_SECONDS", 0.05)


class TestFaithful(HastyContract):
    @pytest.fixture
    def counterpart(self) -> Counterpart:
        return MemoryCounterpart(Faithful)


def judges(status: int, /, **changes: Any) -> type[Faithful]:
    """Make a notifier that takes an answer with this status for another one."""

    def judged(self: Faithful, answer: Answer) -> Attempt:
        made = Faithful.judged(self, answer)
        return replace(made, **changes) if answer.status == status else made

    return broken(judged=judged)


def catches(**changes: Any) -> type[Faithful]:
    """Make a notifier that takes no answer for something else."""

    def attempt(self: Faithful, text: str, seconds: float) -> Attempt:
        made = Faithful.attempt(self, text, seconds)
        return replace(made, **changes) if made.detail == "no answer" else made

    return broken(attempt=attempt)


def answers(change: Callable[[Receipt], Receipt]) -> type[Faithful]:
    """Make a notifier that spoils its receipts."""
    return broken(deliver=lambda self, one: change(Faithful.deliver(self, one)))


class Hanging(Faithful):
    """Has no time-out."""

    def attempt(self, text: str, seconds: float) -> Attempt:
        return super().attempt(text, 60)


class OwnTimeout(Faithful):
    """Does not ask how long the task around has."""

    def attempt(self, text: str, seconds: float) -> Attempt:
        return super().attempt(text, self.timeout_seconds)


class OwnLoop(Faithful):
    """Waits and tries again on its own, whatever the work around says."""

    def deliver(self, notification: Notification) -> Receipt:
        text = self.render(notification)
        made = self.attempt(text, self.timeout_seconds)
        attempts = int(made.left)
        while made.again and (made.retry_after or 0) < 1:
            time.sleep(made.retry_after or 0)
            made = self.attempt(text, self.timeout_seconds)
            attempts += 1
        detail = f"{made.detail} (wait {made.retry_after or 0:.0f} s)"
        return Receipt(
            self.describe(), made.status, attempts, http_status=made.http_status, detail=detail
        )


class Raises(Faithful):
    """Lets the errors of its client through."""

    def attempt(self, text: str, seconds: float) -> Attempt:
        if self.service.behaviours[self.token.reveal()] is Behaviour.UNREACHABLE:
            raise ConnectionRefusedError
        return super().attempt(text, seconds)


class Shared(Faithful):
    """Keeps the message of the moment where other threads find it."""

    current: ClassVar[str] = ""

    def deliver(self, notification: Notification) -> Receipt:
        type(self).current = notification.title
        time.sleep(0.02)
        return super().deliver(replace(notification, title=type(self).current))


class Twice(Faithful):
    """Sends everything that is taken twice, and counts it once."""

    def attempt(self, text: str, seconds: float) -> Attempt:
        made = super().attempt(text, seconds)
        if made.status is DeliveryStatus.DELIVERED:
            self.service.take(self.token.reveal(), text, seconds)
        return made


class Insisting(Faithful):
    """Sends again what was refused."""

    def deliver(self, notification: Notification) -> Receipt:
        receipt = super().deliver(notification)
        if receipt.status is DeliveryStatus.REFUSED and receipt.attempts:
            return replace(super().deliver(notification), attempts=2)
        return receipt


class Hurried(Faithful):
    """Waits half as long as it is asked to."""

    def judged(self, answer: Answer) -> Attempt:
        shorter = WAIT * 0.6 if answer.retry_after == WAIT else answer.retry_after
        return super().judged(answer._replace(retry_after=shorter))


class OwnAsend(Faithful):
    """Sends another way when it is awaited."""

    async def asend(  # type: ignore[misc]  # the fault
        self, notification: Notification, *, dry_run: bool = False
    ) -> Receipt:
        return replace(self.send(Notification("something")), seconds=0.1)


def check_by_sending(self: Faithful) -> CheckReport:
    """Send a test message."""
    delivered = self.send(Notification("a test")).delivered
    return CheckReport((Finding("ok" if delivered else "failed", "sending", fix="Look."),))


def check_without_fix(self: Faithful) -> CheckReport:
    """Find what is wrong, and leave it at that."""
    found = Faithful.check(self).findings
    return CheckReport(tuple(replace(each, fix="") for each in found))


def check_without_end(self: Faithful) -> CheckReport:
    """Wait for an answer as long as it takes."""
    if self.service.behaviours[self.token.reveal()] is Behaviour.SILENT:
        time.sleep(1.5)
    return Faithful.check(self)


def report(status: Any, fix: str = "") -> Callable[[Faithful], CheckReport]:
    """Make a check that finds always the same."""
    return lambda self: CheckReport((Finding(status, "connection", fix=fix),))


DELIVERED = {"status": DeliveryStatus.DELIVERED, "again": False}

FAULTS = {
    "says delivered when refused": Fault(
        judges(404, **DELIVERED),
        "refused_is_not_delivered one_failure_stops_no_other",
        "refused for good, and the receipt says delivered",
    ),
    "sends again what was refused": Fault(
        Insisting,
        "refused_is_not_delivered",
        "sent 2 times, though it was refused",
    ),
    "does not say why": Fault(
        answers(lambda one: replace(one, detail="")),
        "refused_is_not_delivered broken_service_is_not_delivered silent_service_is_given_up "
        "unreachable_service_is_not_delivered long_wait_is_not_waited_for "
        "private_address_is_refused",
        "does not say why",
    ),
    "never waits": Fault(
        judges(429, again=False),
        "rate_limit_is_waited_for long_wait_is_not_waited_for",
        "wait as long as Retry-After says and send it",
    ),
    "waits too short": Fault(
        Hurried, "rate_limit_is_waited_for", "wait as long as Retry-After says"
    ),
    "counts one attempt": Fault(
        answers(lambda one: replace(one, attempts=min(one.attempts, 1))),
        "rate_limit_is_waited_for attempts_are_counted",
        "counts 1",
    ),
    "sends twice": Fault(
        Twice,
        "attempts_are_counted sends_from_many_threads",
        "8 messages were sent, and 16 arrived",
    ),
    "refuses what is to wait": Fault(
        judges(429, status=DeliveryStatus.REFUSED),
        "long_wait_is_not_waited_for cancelling_ends_the_wait time_of_a_task_bounds_the_retries",
        "may be taken later",
    ),
    "keeps the wait to itself": Fault(
        answers(lambda one: replace(one, detail=one.detail.partition("(")[0])),
        "long_wait_is_not_waited_for",
        "how long the service asked to wait",
    ),
    "says delivered when broken": Fault(
        judges(500, **DELIVERED),
        "broken_service_is_not_delivered one_failure_stops_no_other",
        "answers 500",
    ),
    "says delivered without an answer": Fault(
        catches(status=DeliveryStatus.DELIVERED),
        "silent_service_is_given_up one_failure_stops_no_other time_of_a_task_bounds_an_attempt",
        "nobody answered",
    ),
    "has no time-out": Fault(
        Hanging, "silent_service_is_given_up time_of_a_task_bounds_an_attempt", "set a time-out"
    ),
    "raises when nothing listens": Fault(
        Raises, "unreachable_service_is_not_delivered shows_no_secret_of_the_service", ""
    ),
    "ignores the time of a task": Fault(
        OwnTimeout, "time_of_a_task_bounds_an_attempt", r"hand remaining\(\)"
    ),
    "loops on its own": Fault(
        OwnLoop,
        "cancelling_ends_the_wait time_of_a_task_bounds_the_retries "
        "time_of_a_task_bounds_an_attempt",
        "Scope.waking",
    ),
    "keeps the message of the moment": Fault(
        Shared, "sends_from_many_threads", "keep nothing of one message"
    ),
    "awaits another way": Fault(OwnAsend, "asend_is_send", "what asend"),
    "finds always something": Fault(
        broken(check=report("failed", "Look.")), "check_says_ok", "the service is there"
    ),
    "looks at nothing": Fault(
        broken(check=lambda self: CheckReport()),
        "check_says_ok check_notices_that_nothing_listens",
        "looked at nothing",
    ),
    "checks by sending": Fault(
        broken(check=check_by_sending), "check_sends_nothing", "only look, or connect"
    ),
    "does not connect": Fault(
        broken(check=report("ok")), "check_notices_that_nothing_listens", "connect, or say why"
    ),
    "does not say what to do": Fault(
        broken(check=check_without_fix), "check_notices_that_nothing_listens", "give it a fix"
    ),
    "checks without end": Fault(
        broken(check=check_without_end), "check_is_bounded_in_time", "has no end within 1 s"
    ),
}


def test_every_assertion_has_a_fault() -> None:
    """None of these assertions is one that nothing fails."""
    names = {name for name in vars(NotifierContract) if name.startswith("test_")}

    assert names - {"test_delivers"} <= {
        f"test_{name}" for fault in FAULTS.values() for name in fault.fails.split()
    }


@pytest.mark.parametrize("name", FAULTS)
def test_contract_catches(name: str) -> None:
    """Each fault fails the assertions that are about it, and says what is wrong."""
    FAULTS[name].prove()
