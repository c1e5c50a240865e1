"""What became of a notification."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from brickwork.errors import BrickworkError, OutboundRefused
from brickwork.masking import masker

MAX_DETAIL = 500


class DeliveryStatus(StrEnum):
    """What became of a notification for one target."""

    DELIVERED = "delivered"
    """The service said that it took it."""
    REFUSED = "refused"
    """The service, or a rule of ours, said no: sending the same again would change nothing."""
    FAILED = "failed"
    """It did not get through, also not on retry; it may later."""
    HELD = "held"
    """A route keeps it back on purpose and counts it: the next one that it sends tells how many."""
    SKIPPED = "skipped"
    """A route has no target for its severity and its tags."""
    DRY_RUN = "dry-run"
    """It would have been sent."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a notification for one target.

    Texts are masked, and then ``detail`` is cut, when a receipt is made.

    Attributes:
        target: The target, as `Notifier.describe` names it: an address, or a scheme and a host.
        status: What became of it.
        attempts: How many times it was sent; 0 where it never left.
        message_id: What the service calls it, if it said so.
        http_status: The last HTTP status, for a service that is reached by HTTP.
        detail: Why it was not delivered, or what else to know, in some words.
        seconds: How long it took, with retries.
        parts: The receipts of a route's own targets.
    """

    target: str
    status: DeliveryStatus
    attempts: int = 1
    message_id: str | None = None
    http_status: int | None = None
    detail: str = ""
    seconds: float = 0.0
    parts: tuple["Receipt", ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", DeliveryStatus(self.status))
        object.__setattr__(self, "target", masker.mask(self.target))
        object.__setattr__(self, "detail", masker.mask(self.detail)[:MAX_DETAIL])
        object.__setattr__(self, "parts", tuple(self.parts))
        if self.message_id is not None:
            object.__setattr__(self, "message_id", masker.mask(self.message_id))

    @property
    def delivered(self) -> bool:
        """Whether the service said that it took the notification."""
        return self.status is DeliveryStatus.DELIVERED

    @property
    def failed(self) -> bool:
        """Whether it should have been delivered and was not: refused or failed."""
        return self.status in (DeliveryStatus.REFUSED, DeliveryStatus.FAILED)

    def as_dict(self) -> dict[str, Any]:
        """Return it as what JSON can hold."""
        return {
            "target": self.target,
            "status": self.status.value,
            "attempts": self.attempts,
            "message_id": self.message_id,
            "http_status": self.http_status,
            "detail": self.detail,
            "seconds": self.seconds,
            "parts": [part.as_dict() for part in self.parts],
        }


def joined(receipts: Sequence[Receipt], planned: int) -> Receipt:
    """Make one receipt for a notification that was sent in several messages, one after another.

    Args:
        receipts: Those of the messages that were tried; at least one.
        planned: How many messages there were to be.
    """
    first, last = receipts[0], receipts[-1]
    if planned == 1:
        return first
    sent = sum(receipt.delivered for receipt in receipts)
    told = f"{sent} of {planned} messages were delivered."
    return replace(
        last,
        attempts=sum(receipt.attempts for receipt in receipts),
        message_id=first.message_id,
        detail=f"{told} {last.detail}".rstrip(),
    )


def not_delivered(target: str, error: BrickworkError) -> Receipt:
    """Make the receipt for an error that was raised before the service answered."""
    never = isinstance(error, OutboundRefused)
    status = DeliveryStatus.REFUSED if never else DeliveryStatus.FAILED
    return Receipt(target, status, attempts=0 if never else 1, detail=explained(error))


def explained(error: BrickworkError) -> str:
    """Return what happened and what to do next, on one line."""
    return f"{error.what} {error.fix}".rstrip()


def with_problem(receipt: Receipt, problem: str) -> Receipt:
    """Say in the receipt of what was sent that its template failed, and why.

    Args:
        receipt: Stays as it is for what was not sent.
        problem: As of `Rendered`; if it is empty, the receipt stays as it is.
    """
    if not problem or receipt.status not in (DeliveryStatus.DELIVERED, DeliveryStatus.DRY_RUN):
        return receipt
    told = f"its template failed ({problem}), sent as plain text"
    return replace(receipt, detail=f"{told}; {receipt.detail}" if receipt.detail else told)
