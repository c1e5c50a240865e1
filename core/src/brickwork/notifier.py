"""The interface of notifiers: a message to people, and a receipt that tells what became of it."""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self, final

from brickwork.errors import BrickworkError, NotifierError, OutboundRefused
from brickwork.masking import masker

MAX_DETAIL = 500


class Severity(StrEnum):
    """How much a notification matters, in rising order."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @classmethod
    def parse(cls, text: str) -> "Severity":
        """Return the severity of that name. Raises NotifierError."""
        try:
            return cls(text)
        except ValueError:
            raise NotifierError(
                "The severity of a notification is unknown.",
                fix=f"Use one of: {', '.join(cls)}.",
            ) from None


class DeliveryStatus(StrEnum):
    """What became of a notification for one target."""

    DELIVERED = "delivered"
    """The service said that it took it."""
    REFUSED = "refused"
    """The service, or a rule of ours, said no: sending the same again would change nothing."""
    FAILED = "failed"
    """It did not get through, also not on retry; it may later."""


@dataclass(frozen=True, slots=True)
class Notification:
    """A message, as data; each notifier gives it the form of its service.

    Attributes:
        title: One line; must not be empty.
        body: More text; plain, lines separated by newlines.
        severity: How much it matters; its name as a text is taken, too.
        fields: Short facts by name, shown as a table where the service has one. Values are turned
            into text.
        url: Where to read more.
        thread_key: Notifications with the same key belong together: one thread, one e-mail
            conversation, where the service has such a thing.
        dedupe_key: Notifications with the same key are about the same incident; a service that
            knows incidents joins them.

    Raises:
        NotifierError: There is no title, or an unknown severity.
    """

    title: str
    body: str = ""
    severity: Severity = Severity.INFO
    fields: Mapping[str, str] = field(default_factory=dict)
    url: str | None = None
    thread_key: str | None = None
    dedupe_key: str | None = None

    def __post_init__(self) -> None:
        title: object = self.title
        if not isinstance(title, str) or not title.strip():
            raise NotifierError(
                "A notification needs a title.", fix="Give title= a text of one line."
            )
        object.__setattr__(self, "severity", Severity.parse(self.severity))
        fields = {str(name): str(value) for name, value in self.fields.items()}
        object.__setattr__(self, "fields", fields)

    def masked(self) -> "Notification":
        """Return the same with every known secret hidden."""
        mask = masker.mask
        return Notification(
            title=mask(self.title),
            body=mask(self.body),
            severity=self.severity,
            fields={mask(name): mask(value) for name, value in self.fields.items()},
            url=self.url and mask(self.url),
            thread_key=self.thread_key and mask(self.thread_key),
            dedupe_key=self.dedupe_key and mask(self.dedupe_key),
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a notification for one target.

    Texts are masked, and then ``detail`` is cut, when a receipt is made.

    Attributes:
        target: The target, as `Notifier.describe` names it: an address, or a scheme and a host.
        status: Delivered, refused or failed.
        attempts: How many times it was sent; 0 where it never left.
        message_id: What the service calls it, if it said so.
        http_status: The last HTTP status, for a service that is reached by HTTP.
        detail: Why it was not delivered, in some words.
        seconds: How long it took, with retries.
    """

    target: str
    status: DeliveryStatus
    attempts: int = 1
    message_id: str | None = None
    http_status: int | None = None
    detail: str = ""
    seconds: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", DeliveryStatus(self.status))
        object.__setattr__(self, "target", masker.mask(self.target))
        object.__setattr__(self, "detail", masker.mask(self.detail)[:MAX_DETAIL])
        if self.message_id is not None:
            object.__setattr__(self, "message_id", masker.mask(self.message_id))

    @property
    def delivered(self) -> bool:
        """Whether the service said that it took the notification."""
        return self.status is DeliveryStatus.DELIVERED


class Notifier(ABC):
    """Sends notifications to one place.

    A notifier implements `deliver` and `describe`; users call `send`, or `brickwork.notify` for
    several targets. A block that is a notifier inherits from both: ``class Hook(Block, Notifier)``.
    """

    @final
    def send(self, notification: Notification) -> Receipt:
        """Send a notification, with known secrets hidden.

        A notification that is not delivered is a receipt that says so, and no error; so is an
        error of Brickwork on the way. Other errors are faults of the notifier and are raised.
        """
        started = time.monotonic()
        try:
            receipt = self.deliver(notification.masked())
        except BrickworkError as error:
            receipt = not_delivered(self.describe(), error)
        return replace(receipt, seconds=round(time.monotonic() - started, 6))

    @abstractmethod
    def deliver(self, notification: Notification) -> Receipt:
        """Hand a notification, already masked, over to the service, and say what it answered.

        Retries, where they are safe, belong here, and so does a limit on the time. The receipt is
        ``delivered`` only if the service confirmed it. NotifierError and other errors of Brickwork
        become receipts in `send`.
        """

    @abstractmethod
    def describe(self) -> str:
        """Name the target for receipts: never a secret, so no webhook's path and no token."""

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


def not_delivered(target: str, error: BrickworkError) -> Receipt:
    """Make the receipt for an error that was raised before the service answered."""
    never = isinstance(error, OutboundRefused)
    status = DeliveryStatus.REFUSED if never else DeliveryStatus.FAILED
    return Receipt(target, status, attempts=0 if never else 1, detail=explained(error))


def explained(error: BrickworkError) -> str:
    """Return what happened and what to do next, on one line."""
    return f"{error.what} {error.fix}".rstrip()
