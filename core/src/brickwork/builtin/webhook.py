"""``webhook``: notifications as JSON, posted to a URL.

The body, version 1, in UTF-8; receivers should ignore keys that they do not know::

    {
      "version": 1,
      "id": "msg_0f4c...",             the same when the notification is sent again
      "sent_at": "2026-11-22T10:00:00Z",
      "title": "Nightly load failed",
      "body": "3 of 40 files",
      "severity": "error",             info, success, warning, error or critical
      "fields": {"run": "1742"},       texts
      "url": null,                     or a text, as the two below
      "thread_key": null,
      "dedupe_key": null
    }

The headers ``webhook-id`` and ``webhook-timestamp`` are always sent; ``webhook-signature`` if there
is a signing secret (see `brickwork.builtin.webhook_signature`, which also verifies).
"""

import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self
from uuid import uuid4

from pydantic import Field, model_validator

from brickwork.block import Block, CheckReport, Finding
from brickwork.builtin.outbound.headers import checked_headers
from brickwork.builtin.outbound.target import parse_url
from brickwork.builtin.webhook_signature import signature, signing_key
from brickwork.errors import (
    BrickworkError,
    NotifierError,
    OutboundFailed,
    OutboundRefused,
)
from brickwork.masking import masker
from brickwork.notifier import DeliveryStatus, Notification, Notifier, Receipt, explained
from brickwork.secret import Secret

if TYPE_CHECKING:
    from brickwork.builtin.outbound.client import Response

BODY_VERSION = 1
MAX_ANSWER_BYTES = 16 * 1024  # of the receiver's answer; only a part of it is shown

MAX_ATTEMPTS = 6
FIRST_DELAY_SECONDS = 0.5
MAX_DELAY_SECONDS = 10.0
# The receiver says that it did not take the notification.
_NOT_TAKEN = frozenset({429, 503})
# It may have: sent again only where it recognises what it has seen.
_UNCERTAIN = frozenset({500, 502, 504})


class Webhook(Block, Notifier):
    """Posts notifications as JSON to a URL, signed if a secret is given.

    Only a 2xx answer counts as delivered. Redirects are not followed. A notification is sent again
    when it surely was not taken (no connection, 429, 503); with ``idempotent`` also when that is
    uncertain (no answer, 500, 502, 504). ``Retry-After`` is respected.
    """

    slug: ClassVar[str] = "webhook"

    url: Secret[str] = Field(description="Where to post; the whole URL counts as a secret.")
    headers: dict[str, Secret[str]] = Field(
        default_factory=dict, description="More headers to send, such as Authorization."
    )
    signing_secret: Secret[str] | None = Field(
        default=None,
        description="Secret for signatures in the manner of Standard Webhooks: whsec_ and Base64, "
        "or any text.",
    )
    idempotent: bool = Field(
        default=False,
        description="The receiver recognises a repeated Idempotency-Key (or webhook-id): send one, "
        "and send again also when an answer was lost.",
    )
    timeout_seconds: float = Field(
        default=10.0, gt=0, le=300, description="Time limit of one attempt, in seconds."
    )
    retry_seconds: float = Field(
        default=30.0,
        ge=0,
        le=3600,
        description="No attempt is begun later than this many seconds after the first; 0 for one "
        "attempt only.",
    )
    allow_private: bool = Field(
        default=False,
        description="Allow a server on loopback or a private network (metadata services never).",
    )
    allow_http: bool = Field(default=False, description="Allow http, which is not encrypted.")
    ca_certificates: str | None = Field(
        default=None,
        description="Certificates, as PEM, of the authorities to trust instead of the system's.",
    )

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        try:
            parse_url(self.url.reveal(), allow_http=self.allow_http)
            checked_headers("POST", {name: value.reveal() for name, value in self.headers.items()})
            if self.signing_secret is not None:
                signing_key(self.signing_secret.reveal())
        except (OutboundRefused, NotifierError) as error:
            reason = explained(error)
        else:
            return self
        raise ValueError(reason)

    @classmethod
    def from_url(cls, url: str, block: object | None = None) -> Self:
        """Make one for quick use from ``webhook:https://host/path``, with the usual settings."""
        target = url.partition(":")[2]
        if block is not None:
            raise NotifierError(
                "The URL of a webhook takes no block.",
                fix="Save a webhook block and use its address, webhook/name.",
            )
        return cls(url=Secret(target))

    def describe(self) -> str:
        """Return the address; for one that is not saved, the scheme and the host of its URL."""
        if self.address is not None:
            return f"{self.address.slug}/{self.address.name}"
        return f"webhook:{parse_url(self.url.reveal(), allow_http=True).origin}"

    def deliver(self, notification: Notification) -> Receipt:
        """Post a notification, again if need be; see the class for when.

        Inside a task it ends within the task's time, and is not sent again once that is cancelled.
        """
        from brickwork.tasks import cancelled, remaining

        message_id = f"msg_{uuid4().hex}"
        body = _body(notification, message_id)
        latest = time.monotonic() + _shorter(self.retry_seconds, remaining())
        attempts = 1
        while True:
            limit = _shorter(self.timeout_seconds, remaining())
            attempt = self._attempt(message_id, body, limit)
            delay = attempt.delay(attempts)
            if delay is None or attempts == MAX_ATTEMPTS or cancelled():
                return self._receipt(attempt, message_id, attempts)
            if time.monotonic() + delay > latest:
                return self._receipt(attempt, message_id, attempts)
            time.sleep(delay)
            attempts += 1

    def check(self) -> CheckReport:
        """Connect to the server, with TLS, under the policy for outbound requests; send nothing."""
        from brickwork.builtin.outbound.client import probe

        try:
            found = probe(
                self.url.reveal(),
                timeout_seconds=min(self.timeout_seconds, 10.0),
                allow_private=self.allow_private,
                allow_http=self.allow_http,
                ca_certificates=self.ca_certificates,
            )
        except BrickworkError as error:
            fix = error.fix or "Check the URL, and whether the server runs and can be reached."
            reached = Finding("failed", "connection", error.what, fix)
        else:
            reached = Finding("ok", "connection", f"{found.origin}, {found.tls or 'without TLS'}")
        rest = Finding(
            "skipped",
            "path, headers and signature",
            "only a notification shows whether the receiver takes them",
        )
        return CheckReport((reached, rest))

    def _attempt(self, message_id: str, body: bytes, timeout_seconds: float) -> "_Attempt":
        from brickwork.builtin.outbound.client import request

        try:
            response = request(
                "POST",
                self.url.reveal(),
                headers=self._headers(message_id, body),
                body=body,
                timeout_seconds=timeout_seconds,
                allow_private=self.allow_private,
                allow_http=self.allow_http,
                max_response_bytes=MAX_ANSWER_BYTES,
                ca_certificates=self.ca_certificates,
            )
        except OutboundRefused as error:
            return _Attempt(DeliveryStatus.REFUSED, explained(error), left=False)
        except OutboundFailed as error:
            again = self.idempotent or not error.sent
            return _Attempt(DeliveryStatus.FAILED, explained(error), again=again)
        return self._judge(response)

    def _judge(self, response: "Response") -> "_Attempt":
        status = response.status
        if 200 <= status < 300:
            return _Attempt(DeliveryStatus.DELIVERED, http_status=status)
        detail = f"HTTP {status}"
        if 300 <= status < 400:
            detail += ": redirects are not followed; give the URL that it leads to"
        answer = _shown(response.body, self.url.reveal())
        if answer:
            detail += f": {answer}"
        again = status in _NOT_TAKEN or (self.idempotent and status in _UNCERTAIN)
        later = again or status >= 500
        return _Attempt(
            DeliveryStatus.FAILED if later else DeliveryStatus.REFUSED,
            detail,
            http_status=status,
            again=again,
            retry_after=_retry_after(response.headers.get("retry-after")),
        )

    def _headers(self, message_id: str, body: bytes) -> dict[str, str]:
        now = int(time.time())
        headers = {
            "content-type": "application/json",
            "user-agent": "brickwork",
            "webhook-id": message_id,
            "webhook-timestamp": str(now),
        }
        if self.idempotent:
            headers["idempotency-key"] = message_id
        headers |= {name.lower(): value.reveal() for name, value in self.headers.items()}
        if self.signing_secret is not None:
            secret = self.signing_secret.reveal()
            headers["webhook-signature"] = signature(secret, message_id, now, body)
        return headers

    def _receipt(self, attempt: "_Attempt", message_id: str, attempts: int) -> Receipt:
        detail = attempt.detail
        if attempt.again and attempt.retry_after:
            detail += f" (it asked to wait {attempt.retry_after:.0f} s)"
        return Receipt(
            self.describe(),
            attempt.status,
            attempts=attempts if attempt.left else 0,
            message_id=message_id,
            http_status=attempt.http_status,
            detail=detail,
        )


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What became of one attempt, and whether another one may follow."""

    status: DeliveryStatus
    detail: str = ""
    http_status: int | None = None
    again: bool = False
    retry_after: float | None = None
    left: bool = True

    def delay(self, attempts: int) -> float | None:
        """Return the seconds to wait before the next attempt; None if there must be none."""
        if not self.again:
            return None
        longest = min(FIRST_DELAY_SECONDS * 2.0 ** (attempts - 1), MAX_DELAY_SECONDS)
        usual = random.uniform(longest / 2, longest)  # noqa: S311  # spreads senders, no secret
        return max(usual, self.retry_after or 0.0)


def _shorter(seconds: float, left: float | None) -> float:
    return seconds if left is None else min(seconds, left)


def _body(notification: Notification, message_id: str) -> bytes:
    shape: Mapping[str, Any] = {
        "version": BODY_VERSION,
        "id": message_id,
        "sent_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "title": notification.title,
        "body": notification.body,
        "severity": notification.severity.value,
        "fields": notification.fields,
        "url": notification.url,
        "thread_key": notification.thread_key,
        "dedupe_key": notification.dedupe_key,
    }
    return json.dumps(shape).encode("ascii")


def _retry_after(value: str | None) -> float | None:
    """Read ``Retry-After``: seconds or a date (RFC 9110, 10.2.3); None if it is neither."""
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit() and len(value) < 10:
        return float(value)
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _shown(body: bytes, url: str) -> str:
    """Return the start of an answer, on one line, without what it quotes of the URL.

    Many servers quote the path that they do not know, and it is the webhook's secret.
    """
    from urllib.parse import unquote, urlsplit

    text = masker.mask(" ".join(body.decode("utf-8", "replace").split()))
    path, query = urlsplit(url)[2:4]
    parts = [*path.split("/"), *(pair.rpartition("=")[2] for pair in query.split("&"))]
    # Shorter ones are no secrets, as for the masker.
    forms = {form for part in parts for form in (part, unquote(part)) if len(form) >= 6}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "***")
    return text[:200]
