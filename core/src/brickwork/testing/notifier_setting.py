"""What the parts of the contract of notifiers share: what an author declares, and one sending."""

import pytest

from brickwork.notifier import Notification, Notifier, Overflow, Receipt
from brickwork.testing.base import Contract
from brickwork.testing.notifier_counterpart import Behaviour, Counterpart


class NotifierSetting(Contract):
    """What the author of a notifier says about it: one fixture, and four properties."""

    @pytest.fixture
    def counterpart(self) -> Counterpart:
        """Give the service that the notifier talks to."""
        raise NotImplementedError("the contract needs a fixture named counterpart")

    @property
    def behaviours(self) -> frozenset[Behaviour]:
        """What the service can do; leave out of it only what cannot happen to this notifier."""
        return frozenset(Behaviour)

    @property
    def patience_seconds(self) -> float:
        """How long `send` and `check` may take when the service never answers."""
        return 15.0

    @property
    def shows_html(self) -> bool:
        """Whether the service shows HTML, so that ``Notification.html`` is to arrive."""
        return False

    @property
    def check_connects(self) -> bool:
        """Whether `check` of a block connects to the service, and so notices that it is gone."""
        return True

    def _declared(self, behaviour: Behaviour) -> None:
        if behaviour not in self.behaviours:
            pytest.skip(f"declared: the service of this notifier is never {behaviour}")

    def _notifier(self, counterpart: Counterpart, behaviour: Behaviour) -> Notifier:
        self._declared(behaviour)
        return counterpart.notifier(behaviour)

    def _overflowing(self, counterpart: Counterpart, overflow: Overflow) -> Notifier:
        notifier = counterpart.notifier_with(overflow)
        if notifier is None:
            pytest.skip(f"declared: this notifier has no choice of overflow, so never {overflow}")
        declared = notifier.limits().overflow
        assert declared is overflow, (
            f"the notifier is to {overflow} what is too long, and limits() says {declared}; give "
            "the field overflow to Limits(overflow=...) in limits()"
        )
        return notifier

    def _send(
        self,
        counterpart: Counterpart,
        behaviour: Behaviour,
        notification: Notification | None = None,
    ) -> Receipt:
        notifier = self._notifier(counterpart, behaviour)
        receipt = notifier.send(notification or Notification("hello", body="there"))
        check_receipt(receipt)
        return receipt

    def _delivered(self, notifier: Notifier, notification: Notification) -> Receipt:
        receipt = notifier.send(notification)
        check_receipt(receipt)
        assert receipt.delivered, f"the service takes everything, and the receipt says {receipt}"
        return receipt


def check_receipt(receipt: object) -> None:
    """Assert what holds for every receipt of something that was sent."""
    assert isinstance(receipt, Receipt), f"send() returned {type(receipt).__name__}, no Receipt"
    assert receipt.target, "the receipt names no target; return a name from describe()"
    assert receipt.attempts >= 1, "it was sent, and the receipt counts no attempt"
    assert receipt.seconds > 0, "the receipt does not say how long it took; do not override send()"
