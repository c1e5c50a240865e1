"""Notifications: a message to people as data, what sends it, and what became of it."""

from brickwork.notifier.interface import Notifier, sent_safely
from brickwork.notifier.limits import Limits, Overflow, Unit, fitted
from brickwork.notifier.notification import Attachment, Notification, Severity
from brickwork.notifier.receipt import (
    DeliveryStatus,
    Receipt,
    explained,
    not_delivered,
    with_problem,
)

TYPE_CHECKING = False  # as in brickwork's own

if TYPE_CHECKING:
    from brickwork.notifier.template import MessageTemplate, Rendered

__all__ = [
    "Attachment",
    "DeliveryStatus",
    "Limits",
    "MessageTemplate",
    "Notification",
    "Notifier",
    "Overflow",
    "Receipt",
    "Rendered",
    "Severity",
    "Unit",
    "explained",
    "fitted",
    "not_delivered",
    "sent_safely",
    "with_problem",
]


def __getattr__(name: str) -> object:
    # Templates are pydantic models; who sends without one pays nothing for them.
    if name in ("MessageTemplate", "Rendered"):
        from brickwork.notifier import template

        return getattr(template, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
