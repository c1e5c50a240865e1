"""Notifications: a message to people as data, what sends it, and what became of it."""

from brickwork.notifier.interface import Notifier, sent_safely
from brickwork.notifier.limits import Limits, Overflow, Unit, fitted
from brickwork.notifier.notification import Attachment, Notification, Severity
from brickwork.notifier.receipt import DeliveryStatus, Receipt, explained, not_delivered
from brickwork.notifier.template import MessageTemplate, Rendered, with_problem

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
