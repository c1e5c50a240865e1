"""The interface of notifiers."""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Self, final

from brickwork.errors import BrickworkError, NotifierError
from brickwork.notifier.limits import Limits, fitted
from brickwork.notifier.notification import Notification
from brickwork.notifier.receipt import DeliveryStatus, Receipt, joined, not_delivered

_NO_FILES = Limits()


class Notifier(ABC):
    """Sends notifications to one place.

    A notifier implements `deliver` and `describe`, and `limits` where its service has some; users
    call `send`, or `brickwork.notify` for several targets. A block that is a notifier inherits from
    both: ``class Hook(Block, Notifier)``.
    """

    @final
    def send(self, notification: Notification, *, dry_run: bool = False) -> Receipt:
        """Send a notification, with known secrets hidden, in messages that the service takes.

        A notification that is not delivered is a receipt that says so, and no error; so is an
        error of Brickwork on the way. Other errors are faults of the notifier and are raised.

        Args:
            notification: What to say.
            dry_run: Do everything but send: no connection is made and nothing is remembered.
        """
        started = time.monotonic()
        try:
            messages = fitted(notification.masked(), self.limits())
            receipt = self.rehearse(messages) if dry_run else self._deliver_all(messages)
        except BrickworkError as error:
            receipt = not_delivered(self.describe(), error)
        return replace(receipt, seconds=round(time.monotonic() - started, 6))

    @final
    async def asend(self, notification: Notification, *, dry_run: bool = False) -> Receipt:
        """`send`, in a worker thread."""
        import asyncio

        return await asyncio.to_thread(self.send, notification, dry_run=dry_run)

    def _deliver_all(self, messages: Sequence[Notification]) -> Receipt:
        receipts: list[Receipt] = []
        for message in messages:
            receipts.append(self.deliver(message))
            # What comes after a gap would be misread.
            if not receipts[-1].delivered:
                break
        return joined(receipts, len(messages))

    @abstractmethod
    def deliver(self, notification: Notification) -> Receipt:
        """Hand a notification, masked already and within `limits`, over to the service.

        Retries, where they are safe, belong here, and so does a limit on the time. The receipt is
        ``delivered`` only if the service confirmed it. NotifierError and other errors of Brickwork
        become receipts in `send`.
        """

    @abstractmethod
    def describe(self) -> str:
        """Name the target for receipts: never a secret, so no webhook's path and no token."""

    def limits(self) -> Limits:
        """Say what the service takes; what is larger is cut or split before `deliver` sees it.

        The default takes every text as it is and no file: the body then names those that there are.
        """
        return _NO_FILES

    def rehearse(self, messages: Sequence[Notification]) -> Receipt:
        """Say what would be sent, for a dry run. No I/O; only routes need another one."""
        count = len(messages)
        detail = "would be sent" if count == 1 else f"would be sent in {count} messages"
        return Receipt(self.describe(), DeliveryStatus.DRY_RUN, attempts=0, detail=detail)

    @classmethod
    def from_url(cls, url: str, block: object | None = None) -> Self:  # noqa: ARG003  # interface
        """Make one from a URL of its scheme, for ``open_notifier``.

        Args:
            url: The whole URL with its scheme, without the parameter ``block``.
            block: The block that ``?block=slug/name`` named, loaded.

        Raises:
            NotifierError: This notifier has no URL form, or the URL is not one.
        """
        raise NotifierError(
            f"{cls.__name__} has no URL form.",
            fix="Save it as a block and use its address, slug/name.",
        )


def sent_safely(
    notifier: Notifier, notification: Notification, label: str, *, dry_run: bool = False
) -> Receipt:
    """Send, with a receipt also for an error that is a fault of the notifier.

    For who sends to several: one that is broken must not stop the others.

    Args:
        notifier: Who sends.
        notification: What to say.
        label: What to call the target where it cannot say so itself.
        dry_run: As for `Notifier.send`.
    """
    try:
        receipt: object = notifier.send(notification, dry_run=dry_run)
    except Exception as error:  # noqa: BLE001  # foreign code
        # Not its text: errors of HTTP libraries quote the URL, which may be the secret.
        return Receipt(
            label,
            DeliveryStatus.FAILED,
            detail=f"{type(error).__name__} in {type(notifier).__name__}; "
            "call its send() alone to see where",
        )
    if not isinstance(receipt, Receipt):
        return Receipt(
            label, DeliveryStatus.FAILED, detail=f"{type(notifier).__name__} gave no receipt"
        )
    return receipt
