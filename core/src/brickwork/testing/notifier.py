"""The contract of notifiers: what arrives, what must not leave, and what a receipt may say.

::

    class TestTeamChat(NotifierContract):
        @pytest.fixture
        def counterpart(self):
            with HttpCounterpart(lambda url: TeamChat(url=url, timeout_seconds=0.5)) as server:
                yield server

A notifier that is not reached by HTTP brings a `Counterpart` of its own: two methods are enough.
What the service cannot do is left out of ``behaviours``. A block with a field ``overflow`` is tried
with each of its values.
"""

import asyncio
import re
from contextlib import nullcontext
from threading import Thread

import pytest

from brickwork.block import Block
from brickwork.fanout import notify
from brickwork.notifier import DeliveryStatus, Notification, Notifier, Receipt, Severity
from brickwork.tasks import Scope
from brickwork.testing.notifier_content import ContentNotifierContract
from brickwork.testing.notifier_counterpart import (
    URL_SECRET as URL_SECRET,
    Answer as Answer,
    Asked as Asked,
    Behaviour as Behaviour,
    Counterpart as Counterpart,
    HttpCounterpart as HttpCounterpart,
    changed,
    readable as readable,
)
from brickwork.testing.notifier_privacy import PrivacyNotifierContract
from brickwork.testing.notifier_setting import check_receipt
from brickwork.testing.task import no_waiting

_THREADS = 8


class NotifierContract(ContentNotifierContract, PrivacyNotifierContract):
    """What every notifier keeps to.

    Give one fixture, ``counterpart``, and, where they differ, the properties ``behaviours``,
    ``patience_seconds``, ``shows_html`` and ``check_connects``.
    """

    # What the service answers

    def test_delivers(self, counterpart: Counterpart) -> None:
        """A notification that the service takes is reported as delivered, and arrives whole."""
        self._delivered(
            counterpart.notifier(Behaviour.OK),
            Notification(
                "title-7a1",
                body="body-7a2",
                severity=Severity.WARNING,
                fields={"name-7a3": "value-7a4"},
                url="https://example.com/7a5",
            ),
        )
        arrived = counterpart.received()
        for part in ("title-7a1", "body-7a2", "name-7a3", "value-7a4", "https://example.com/7a5"):
            assert part in arrived, f"{part} did not arrive; send every part of a notification"

    def test_refused_is_not_delivered(self, counterpart: Counterpart) -> None:
        """What the service refuses is a receipt that says so and why; nothing is raised."""
        receipt = self._send(counterpart, Behaviour.REFUSING)

        assert receipt.status is DeliveryStatus.REFUSED, (
            f"the service refused for good, and the receipt says {receipt.status}; "
            "return a Receipt with DeliveryStatus.REFUSED"
        )
        assert receipt.detail, "the receipt does not say why; give it a detail"
        assert receipt.attempts == 1, (
            f"it was sent {receipt.attempts} times, though it was refused for good; send again "
            "only what may be taken later"
        )

    def test_rate_limit_is_waited_for(self, counterpart: Counterpart) -> None:
        """When the service asks to wait, it is sent again after that, and the receipt counts it."""
        receipt = self._send(counterpart, Behaviour.RATE_LIMITING)

        assert receipt.delivered, (
            "after one 429 the service takes it: wait as long as Retry-After says and send it "
            f"again, as Attempts does. The receipt: {receipt}"
        )
        assert receipt.attempts == 2, f"it was sent twice; the receipt counts {receipt.attempts}"
        assert receipt.seconds >= counterpart.wait_seconds * 0.95, (
            f"it was sent again after {receipt.seconds:.2f} s, though the service asked to wait "
            f"{counterpart.wait_seconds:.0f} s; wait as long as Retry-After says"
        )

    def test_long_wait_is_not_waited_for(self, counterpart: Counterpart) -> None:
        """When the service asks to wait an hour, it ends at once as failed, and says why."""
        receipt = self._send(counterpart, Behaviour.BUSY)

        assert receipt.status is DeliveryStatus.FAILED, (
            f"the service asks to wait an hour, and the receipt says {receipt.status}; it may be "
            "taken later: return DeliveryStatus.FAILED"
        )
        assert receipt.attempts == 1, (
            f"it was sent {receipt.attempts} times, though the service asked to wait an hour"
        )
        assert receipt.seconds < self.patience_seconds, (
            f"it took {receipt.seconds:.1f} s; when the wait does not fit in the time, end at once"
        )
        assert re.search(r"3,?600|hour|60 min", receipt.detail), (
            f"the receipt does not say how long the service asked to wait: {receipt.detail!r}"
        )

    def test_broken_service_is_not_delivered(self, counterpart: Counterpart) -> None:
        """An error of the service is never reported as success."""
        with no_waiting():
            receipt = self._send(counterpart, Behaviour.BROKEN)

        assert receipt.status is DeliveryStatus.FAILED, (
            f"the service answers 500, and the receipt says {receipt.status}; look at the answer "
            "before reporting, and return a Receipt with DeliveryStatus.FAILED"
        )
        assert receipt.detail, "the receipt does not say why; give it a detail"

    def test_silent_service_is_given_up(self, counterpart: Counterpart) -> None:
        """A service that never answers is given up in time, and not reported as success."""
        with no_waiting():
            receipt = self._send(counterpart, Behaviour.SILENT)

        assert receipt.status is DeliveryStatus.FAILED, f"nobody answered, and: {receipt}"
        assert receipt.seconds < self.patience_seconds, (
            f"it took {receipt.seconds:.1f} s; set a time-out in the client"
        )
        assert receipt.detail, "the receipt does not say why; give it a detail"

    def test_unreachable_service_is_not_delivered(self, counterpart: Counterpart) -> None:
        """When nothing listens, that is a receipt that says so and why; nothing is raised."""
        with no_waiting(), Scope(seconds=2):
            receipt = self._send(counterpart, Behaviour.UNREACHABLE)

        assert receipt.status is DeliveryStatus.FAILED, f"nothing listens, and: {receipt}"
        assert receipt.detail, "the receipt does not say why; give it a detail"

    @pytest.mark.parametrize(
        "behaviour", [Behaviour.OK, Behaviour.REFUSING, Behaviour.RATE_LIMITING, Behaviour.BROKEN]
    )
    def test_attempts_are_counted(self, counterpart: Counterpart, behaviour: Behaviour) -> None:
        """A receipt counts as many attempts as arrived."""
        # How long the service asks to wait, some keep by a clock of their own.
        with no_waiting() if behaviour is Behaviour.BROKEN else nullcontext():
            receipt = self._send(counterpart, behaviour)
        arrived = counterpart.arrivals()
        if arrived is None:
            pytest.skip("declared: the counterpart does not count what arrives")
        assert receipt.attempts == arrived, (
            f"it was sent {arrived} times, and the receipt counts {receipt.attempts}"
        )

    # When to stop

    def test_cancelling_ends_the_wait(self, counterpart: Counterpart) -> None:
        """When the work around is cancelled, the wait for the next attempt ends at once."""
        notifier = self._notifier(counterpart, Behaviour.RATE_LIMITING)
        if not counterpart.wait_seconds:
            pytest.skip("declared: the service cannot ask to wait")
        with Scope() as scope:
            canceller = Thread(target=_cancel_after_arrival, args=(scope, counterpart))
            canceller.start()
            receipt = notifier.send(Notification("hello"))
            canceller.join()

        assert receipt.attempts == 1, (
            f"it was sent {receipt.attempts} times, though the scope was cancelled after the "
            "first; wait with Scope.waking, and look at cancelled() before the next attempt"
        )
        assert receipt.status is DeliveryStatus.FAILED, f"it was cancelled, and: {receipt}"
        assert receipt.seconds < counterpart.wait_seconds, (
            f"it took {receipt.seconds:.2f} s: the wait was not ended by the cancelling"
        )

    def test_time_of_a_task_bounds_the_retries(self, counterpart: Counterpart) -> None:
        """A wait that the time of the task around does not allow is not begun."""
        notifier = self._notifier(counterpart, Behaviour.RATE_LIMITING)
        if not counterpart.wait_seconds:
            pytest.skip("declared: the service cannot ask to wait")
        with Scope(seconds=counterpart.wait_seconds / 2):
            receipt = notifier.send(Notification("hello"))

        assert (receipt.status, receipt.attempts) == (DeliveryStatus.FAILED, 1), (
            f"the task's time was too short for another attempt, and: {receipt}; ask remaining()"
        )

    def test_time_of_a_task_bounds_an_attempt(self, counterpart: Counterpart) -> None:
        """A service that never answers is given up when the time of the task around is up."""
        slow = changed(self._notifier(counterpart, Behaviour.SILENT), timeout_seconds=60.0)
        if slow is None:
            pytest.skip("declared: this notifier has no field timeout_seconds")
        with Scope(seconds=0.3):
            receipt = slow.send(Notification("hello"))

        assert receipt.status is DeliveryStatus.FAILED, f"nobody answered, and: {receipt}"
        assert receipt.seconds < self.patience_seconds, (
            f"it took {receipt.seconds:.1f} s of a task that had 0.3 s; hand remaining() to the "
            "client as its time-out"
        )

    # Together

    def test_one_failure_stops_no_other(self, counterpart: Counterpart) -> None:
        """With several targets, each has its receipt in order, whatever the others do."""
        good = counterpart.notifier(Behaviour.OK)
        bad = [
            counterpart.notifier(each)
            for each in (Behaviour.REFUSING, Behaviour.BROKEN, Behaviour.SILENT)
            if each in self.behaviours
        ]
        with no_waiting():
            receipts = notify([Raising(), good, "no-such-scheme:x", *bad, good], title="to all")

        delivered = [receipt.delivered for receipt in receipts]
        assert delivered == [False, True, False, *[False] * len(bad), True], receipts
        assert receipts[1].target == receipts[-1].target == good.describe(), "in another order"

    def test_sends_from_many_threads(self, counterpart: Counterpart) -> None:
        """One notifier may be used by several threads at once: each message arrives, once."""
        notifier = counterpart.notifier(Behaviour.OK)
        receipts: list[Receipt] = []

        def send(number: int) -> None:
            receipts.append(notifier.send(Notification(f"from-thread-{number}-end")))

        threads = [Thread(target=send, args=(number,)) for number in range(_THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(receipts) == _THREADS, "send() raised in a thread"
        assert all(receipt.delivered for receipt in receipts), receipts
        arrived = counterpart.received()
        missing = [n for n in range(_THREADS) if f"from-thread-{n}-end" not in arrived]
        assert not missing, (
            f"{len(missing)} of {_THREADS} messages did not arrive; keep nothing of one message on "
            "the notifier"
        )
        assert counterpart.arrivals() in (None, _THREADS), (
            f"{_THREADS} messages were sent, and {counterpart.arrivals()} arrived"
        )

    @pytest.mark.parametrize("behaviour", [Behaviour.OK, Behaviour.REFUSING])
    def test_asend_is_send(self, counterpart: Counterpart, behaviour: Behaviour) -> None:
        """`asend` sends the same and gives the same receipt."""
        notification = Notification("title-2c1", body="body-2c2")
        plain = self._send(counterpart, behaviour, notification)
        notifier = counterpart.notifier(behaviour)
        before = len(counterpart.received())
        receipt = asyncio.run(notifier.asend(notification))

        check_receipt(receipt)
        assert (receipt.status, receipt.attempts, receipt.http_status) == (
            plain.status,
            plain.attempts,
            plain.http_status,
        ), f"send() gave {plain}, and asend() {receipt}; do not override asend()"
        assert "title-2c1" in counterpart.received()[before:], "what asend() sent did not arrive"

    # Checking a block

    def test_check_says_ok(self, counterpart: Counterpart) -> None:
        """A block's `check` finds nothing wrong where the service takes everything."""
        report = _block(counterpart.notifier(Behaviour.OK)).check()

        assert report.ok, f"the service is there, and check() says {report}"
        assert report.findings, "check() looked at nothing; return at least one Finding"

    def test_check_sends_nothing(self, counterpart: Counterpart) -> None:
        """A check must not write to people: nothing arrives, whatever the service does."""
        for behaviour in sorted(self.behaviours - {Behaviour.SILENT}):
            _block(counterpart.notifier(behaviour)).check()

        assert counterpart.received() == "", "check() sent a message; only look, or connect"

    def test_check_notices_that_nothing_listens(self, counterpart: Counterpart) -> None:
        """A check of a service that is not there fails, and says what to do."""
        self._declared(Behaviour.UNREACHABLE)
        if not self.check_connects:
            pytest.skip("declared: the check of this block does not connect")
        report = _block(counterpart.notifier(Behaviour.UNREACHABLE)).check()

        assert not report.ok, f"nothing listens, and check() says {report}; connect, or say why not"
        assert all(each.fix for each in report.findings if each.status == "failed"), (
            "a failed finding does not say what to do next; give it a fix"
        )

    def test_check_is_bounded_in_time(self, counterpart: Counterpart) -> None:
        """A check of a service that never answers ends in time, with a report."""
        self._declared(Behaviour.SILENT)
        block = _block(counterpart.notifier(Behaviour.SILENT))
        done: list[object] = []
        checking = Thread(target=lambda: done.append(block.check()), daemon=True)
        checking.start()
        checking.join(self.patience_seconds)

        assert not checking.is_alive(), (
            f"check() has no end within {self.patience_seconds:.0f} s; set a time-out in the client"
        )
        assert done, "check() raised an error; let it return a report with a failed finding"


def _cancel_after_arrival(scope: Scope, counterpart: Counterpart) -> None:
    from time import monotonic, sleep

    end = monotonic() + 10
    while not counterpart.received() and monotonic() < end:
        sleep(0.005)
    scope.cancel()


def _block(notifier: Notifier) -> Block:
    if not isinstance(notifier, Block):
        pytest.skip("declared: this notifier is no block, so it has no check")
    return notifier


class Raising(Notifier):
    """A notifier with a fault."""

    def deliver(self, notification: Notification) -> Receipt:
        """Raise what no notifier should."""
        raise RuntimeError(notification.title)

    def describe(self) -> str:
        """Return a name."""
        return "raising"
