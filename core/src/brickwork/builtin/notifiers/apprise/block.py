"""``apprise``: every service that Apprise knows, by its URL. Needs ``brickwork[apprise]``.

What URLs there are: https://appriseit.com/services/. Apprise makes its own connections: the policy
for outbound requests does not cover them.
"""

from collections.abc import Sequence
from typing import ClassVar, Self

from pydantic import Field, model_validator

from brickwork.block import Block, CheckReport, Finding
from brickwork.builtin.notifiers.apprise.service import Service, checked_scheme
from brickwork.builtin.notifiers.attempts import Attempt, Attempts
from brickwork.builtin.notifiers.http import RetrySeconds, TimeoutSeconds
from brickwork.errors import BrickworkError, NotifierError, PluginMissing
from brickwork.notifier import (
    DeliveryStatus,
    Limits,
    Notification,
    Notifier,
    Overflow,
    Receipt,
    explained,
)
from brickwork.secret import Secret


class AppriseTarget(Block, Notifier):
    """Sends through Apprise, to any service that it knows.

    Needs ``brickwork[apprise]``. Delivered means that Apprise says so. A notification is sent again
    only when it went to one recipient and surely was not taken: no connection, 429, 503. Options of
    the URL for retries, time-outs, overflow and optional delivery have no effect; those of the
    block do.

    Examples:
        >>> from brickwork import AppriseTarget, notify
        >>> AppriseTarget(url="ntfys://ntfy.example.com/night-shift-9e21").save("phone")
        Document('apprise/phone@1')
        >>> (receipt,) = notify("apprise/phone", title="Backup is late", dry_run=True)
        >>> receipt.detail
        'would be sent'
    """

    slug: ClassVar[str] = "apprise"

    url: Secret[str] = Field(
        description="URL of Apprise, such as tgram://TOKEN/CHAT; the whole of it is a secret."
    )
    overflow: Overflow = Field(
        default=Overflow.CUT, description="What to do with a long body: cut, split or attach it."
    )
    timeout_seconds: TimeoutSeconds = 15.0
    retry_seconds: RetrySeconds = 30.0
    allow_local: bool = Field(
        default=False,
        description="Allow services that act on this machine (desktop, syslog), and those that "
        "post to any URL (json, xml, form).",
    )

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        try:
            checked_scheme(self.url.reveal(), allow_local=self.allow_local)
        except BrickworkError as error:
            reason = explained(error)
        else:
            return self
        raise ValueError(reason)

    @classmethod
    def from_url(cls, url: str, block: object | None = None) -> Self:
        """Make one from ``apprise+`` and a URL of Apprise, such as ``apprise+tgram://TOKEN/CHAT``."""
        prefix, plus, target = url.partition("+")
        if block is not None or prefix.lower() != "apprise" or not plus:
            raise NotifierError(
                "The URL is none of the notifier apprise.",
                fix="Write apprise+ before a URL of Apprise, and no block: "
                "apprise+tgram://TOKEN/CHAT.",
            )
        return cls(url=Secret(target))

    def describe(self) -> str:
        """Return the address; for one that is not saved, only the scheme, since all else may be
        secret.
        """
        if self.address is not None:
            return f"{self.address.slug}/{self.address.name}"
        return f"apprise+{self.url.reveal().partition(':')[0].lower()}:"

    def limits(self) -> Limits:
        """Take what Apprise knows of what the service takes; anything, if the service is not known.

        `deliver` and `rehearse` then say why.
        """
        try:
            return self._service().limits(self.overflow)
        except BrickworkError:
            return Limits()

    def deliver(self, notification: Notification) -> Receipt:
        """Send a notification, again if need be; see the class for when."""
        place = self.url.reveal()
        attempts = Attempts(self.describe(), place, self.timeout_seconds, self.retry_seconds)
        return attempts.run(lambda seconds: self._attempt(notification, seconds))

    def rehearse(self, messages: Sequence[Notification]) -> Receipt:
        """Say what would be sent, or why nothing could be."""
        try:
            self._service()
        except BrickworkError as error:
            return Receipt(self.describe(), DeliveryStatus.REFUSED, 0, detail=explained(error))
        return super().rehearse(messages)

    def check(self) -> CheckReport:
        """Find out whether Apprise is there and accepts the URL; nothing is connected to."""
        try:
            service = self._service()
        except PluginMissing as error:
            return CheckReport((Finding("failed", "package", error.what, error.fix),))
        except BrickworkError as error:
            return CheckReport((Finding("failed", "URL", error.what, error.fix),))
        return CheckReport(
            (
                Finding("ok", "package", f"Apprise {service.version}"),
                Finding("ok", "URL", service.name),
                Finding("skipped", "delivery", "only a notification shows whether it is taken"),
            )
        )

    def _attempt(self, notification: Notification, seconds: float) -> Attempt:
        try:
            service = self._service()
        except BrickworkError as error:
            return Attempt(DeliveryStatus.REFUSED, explained(error), left=False)
        return service.send(notification, seconds)

    def _service(self) -> Service:
        return Service(self.url.reveal(), allow_local=self.allow_local)
