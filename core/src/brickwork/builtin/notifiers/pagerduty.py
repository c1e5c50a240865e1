"""``pagerduty``: alerts through the Events API v2 of PagerDuty.

Limits, answers and retries are those of
https://developer.pagerduty.com/docs/events-api-v2-overview and
https://developer.pagerduty.com/docs/send-alert-event.
"""

import hashlib
import time
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self
from uuid import uuid4

from pydantic import Field, model_validator

from brickwork.block import Block, CheckReport
from brickwork.builtin.notifiers.attempts import Attempt
from brickwork.builtin.notifiers.http import (
    AllowHttp,
    AllowPrivate,
    CaCertificates,
    Post,
    RetrySeconds,
    TimeoutSeconds,
    checked_url,
    described,
    reached,
)
from brickwork.builtin.notifiers.texts import (
    cut,
    host_of_link,
    json_bytes,
    json_object,
    json_size,
    plain,
)
from brickwork.errors import NotifierError
from brickwork.masking import masker
from brickwork.notifier import DeliveryStatus, Limits, Notification, Notifier, Receipt, Severity
from brickwork.secret import Secret

if TYPE_CHECKING:
    from brickwork.builtin.outbound.client import Response

ENDPOINTS = {
    "us": "https://events.pagerduty.com/v2/enqueue",
    "eu": "https://events.eu.pagerduty.com/v2/enqueue",
}
"""By service region: https://support.pagerduty.com/main/docs/service-regions."""

MAX_EVENT_BYTES = 512 * 1024
MAX_SUMMARY = 1024
MAX_DEDUP_KEY = 255
_ROUTING_KEY_LENGTH = 32

# Beside texts: names in the JSON, quotes and commas of fields and links, and the block's fields.
_OVERHEAD_BYTES = 48 * 1024
_MAX_FIELDS = 1000
_MAX_LINKS = 50
_MAX_URL = 2048
_MAX_TAGS = 2048

_SEVERITIES = {
    Severity.INFO: "info",
    Severity.SUCCESS: "info",
    Severity.WARNING: "warning",
    Severity.ERROR: "error",
    Severity.CRITICAL: "critical",
}


class PagerDuty(Block, Notifier):
    """Triggers, acknowledges and resolves alerts of a PagerDuty service.

    A notification triggers an alert. Its dedupe key identifies the alert: another one with the
    same key updates it, and one with severity ``success`` resolves it. Only PagerDuty's answer that
    it accepted the event counts as delivered. An event that was lost is sent again; since it has a
    key, also a generated one, no alert is doubled. Attachments are named, not sent.

    Examples:
        >>> from brickwork import PagerDuty, notify
        >>> key = "4a7e19c0d85b4f6292c3b1e0a6d7f853"
        >>> PagerDuty(routing_key=key, region="eu", component="postgres").save("on-call")
        Document('pagerduty/on-call@1')
        >>> (receipt,) = notify(
        ...     "pagerduty/on-call",
        ...     title="Disk full on db1",
        ...     severity="critical",
        ...     dedupe_key="db1-disk",
        ...     dry_run=True,
        ... )
        >>> receipt.detail
        'would be sent'
    """

    slug: ClassVar[str] = "pagerduty"

    routing_key: Secret[str] = Field(
        description="Integration key of an Events API v2 integration: 32 characters."
    )
    region: Literal["us", "eu"] = Field(
        default="us", description="Service region of the account: us or eu."
    )
    source: str | None = Field(
        default=None,
        min_length=1,
        max_length=255,
        description="The affected system, such as a host name; this machine's, if left out.",
    )
    component: str | None = Field(
        default=None, max_length=255, description="Part of the source, such as postgres."
    )
    group: str | None = Field(
        default=None, max_length=255, description="Group of components, such as app-stack."
    )
    event_class: str | None = Field(
        default=None, max_length=255, description="Class of the event, such as ping failure."
    )
    resolve_on_success: bool = Field(
        default=True,
        description="A notification with severity success and a dedupe key resolves the alert.",
    )
    endpoint: Secret[str] | None = Field(
        default=None, description="Where to post instead of the region's address, for a proxy."
    )
    timeout_seconds: TimeoutSeconds = 10.0
    retry_seconds: RetrySeconds = 60.0
    allow_private: AllowPrivate = False
    allow_http: AllowHttp = False
    ca_certificates: CaCertificates = None

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        key = self.routing_key.reveal()
        if len(key) != _ROUTING_KEY_LENGTH or not key.isascii() or not key.isalnum():
            raise ValueError(
                "the routing key is not 32 letters and digits; copy the Integration Key of an "
                "Events API v2 integration"
            )
        checked_url(self._url, self)
        return self

    @property
    def _url(self) -> str:
        return ENDPOINTS[self.region] if self.endpoint is None else self.endpoint.reveal()

    def describe(self) -> str:
        """Return the address; for one that is not saved, ``pagerduty:`` and the host."""
        return described(self, self._url)

    def limits(self) -> Limits:
        """Take 1,024 characters as summary, and 512 KB as JSON altogether; no attachments.

        What is too long is cut, never split: each part would be an alert that calls somebody.
        """
        return Limits(
            title=MAX_SUMMARY,
            fields=_MAX_FIELDS,
            total=MAX_EVENT_BYTES - _OVERHEAD_BYTES,
            measure=json_size,
            links=_MAX_LINKS,
            link=_can_link,
        )

    def deliver(self, notification: Notification) -> Receipt:
        """Trigger an alert, or resolve it; see the class."""
        key = notification.dedupe_key
        if key and self.resolve_on_success and notification.severity is Severity.SUCCESS:
            return self._post("resolve", key)
        return self._post("trigger", key or uuid4().hex, self._alert(notification))

    def acknowledge(self, dedupe_key: str) -> Receipt:
        """Say that somebody works on the alert with this key: it calls nobody any more.

        PagerDuty accepts, and drops, what is about no open alert.

        Raises:
            NotifierError: The key is empty.
        """
        return self._post("acknowledge", _given(dedupe_key))

    def resolve(self, dedupe_key: str) -> Receipt:
        """Say that the alert with this key is over.

        PagerDuty accepts, and drops, what is about no open alert.

        Raises:
            NotifierError: The key is empty.
        """
        return self._post("resolve", _given(dedupe_key))

    def check(self) -> CheckReport:
        """Connect to the Events API, with TLS; send nothing."""
        return reached(self._url, self, "routing key")

    def _post(self, action: str, key: str, alert: dict[str, Any] | None = None) -> Receipt:
        event = {
            "routing_key": self.routing_key.reveal(),
            "event_action": action,
            "dedup_key": _dedup_key(key),
            **(alert or {}),
        }
        post = Post(
            self.describe(),
            self._url,
            self,
            repeatable=True,
            judge=_judged,
            # The limit is one of the service that the key leads to.
            place=f"{self._url} {self.routing_key.reveal()}",
        )
        return post.send(json_bytes(event), lambda: {"content-type": "application/json"})

    def _alert(self, notification: Notification) -> dict[str, Any]:
        about = {"component": self.component, "group": self.group, "class": self.event_class}
        alert: dict[str, Any] = {
            "client": "Brickwork",
            "payload": {
                "summary": plain(notification.title),
                "severity": _SEVERITIES[notification.severity],
                "source": self.source or _this_host(),
                "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                **{name: value for name, value in about.items() if value},
                "custom_details": _details(notification),
            },
        }
        if notification.url:
            alert["client_url"] = notification.url
        links = [{"href": notification.url}] if notification.url else []
        links += [{"href": url, "text": plain(words)} for words, url in notification.links.items()]
        return {**alert, "links": links} if links else alert


def _details(notification: Notification) -> dict[str, str]:
    """Return the fields, and body and tags under names that no field has."""
    tags = cut(", ".join(sorted(notification.tags)), _MAX_TAGS)
    details: dict[str, str] = {}
    for name, text in [*notification.fields.items(), ("body", notification.body), ("tags", tags)]:
        free = plain(name) or "_"
        while free in details:
            free += "_"
        if text or name in notification.fields:
            details[free] = plain(text)
    return details


def _given(dedupe_key: str) -> str:
    if not dedupe_key:
        raise NotifierError(
            "The dedupe key of an alert is empty.",
            fix="Give the dedupe_key of the notification that triggered it.",
        )
    # As in notifications: there the key was masked before it was sent.
    return masker.mask(dedupe_key)


def _dedup_key(key: str) -> str:
    """Return a key as PagerDuty takes it: the end of a long one is replaced by a hash of it."""
    key = plain(key)
    if len(key.encode()) <= MAX_DEDUP_KEY:
        return key
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f"{key.encode()[: MAX_DEDUP_KEY - 65].decode('utf-8', 'ignore')}#{digest}"


def _can_link(_words: str, url: str) -> bool:
    return len(url) <= _MAX_URL and host_of_link(url) is not None


def _judged(response: "Response") -> Attempt:
    """Read an answer: ``success`` and the key, or else it was not accepted."""
    answer = json_object(response.body)
    key = answer.get("dedup_key")
    if answer.get("status") == "success":
        return Attempt(
            DeliveryStatus.DELIVERED,
            http_status=response.status,
            message_id=key if isinstance(key, str) else None,
        )
    said = [answer.get("status"), answer.get("message"), answer.get("errors")]
    detail = "; ".join(str(each) for each in said if each) or "it is no answer of the Events API"
    return Attempt(
        DeliveryStatus.REFUSED if answer else DeliveryStatus.FAILED,
        f"HTTP {response.status}, but: {detail}",
        http_status=response.status,
    )


def _this_host() -> str:
    from socket import gethostname

    return gethostname() or "unknown"
