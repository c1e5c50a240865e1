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
      "dedupe_key": null,
      "tags": ["db"],
      "links": {"Runbook": "https://example.com/runbook"},
      "attachments": [{"name": "log.txt", "media_type": "text/plain", "content": "Base64"}]
    }

The headers ``webhook-id`` and ``webhook-timestamp`` are always sent; ``webhook-signature`` if there
is a signing secret (see `brickwork.builtin.notifiers.webhook_signature`, which also verifies).
"""

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self
from uuid import uuid4

from pydantic import Field, model_validator

from brickwork.block import Block, CheckReport
from brickwork.builtin.notifiers.http import (
    AllowHttp,
    AllowPrivate,
    CaCertificates,
    Post,
    RetrySeconds,
    TimeoutSeconds,
    described,
    reached,
)
from brickwork.builtin.notifiers.webhook_signature import signature, signing_key
from brickwork.builtin.outbound.headers import checked_headers
from brickwork.builtin.outbound.target import parse_url
from brickwork.errors import NotifierError, OutboundRefused
from brickwork.notifier import Limits, Notification, Notifier, Receipt, explained
from brickwork.secret import Secret

BODY_VERSION = 1
MAX_ATTACHED_BYTES = 5 * 1024 * 1024


class Webhook(Block, Notifier):
    """Posts notifications as JSON to a URL, signed if a secret is given.

    Only a 2xx answer counts as delivered. Redirects are not followed. A notification is sent again
    when it surely was not taken (no connection, 429, 503); with ``idempotent`` also when that is
    uncertain (no answer, 500, 502, 504). ``Retry-After`` is respected.

    Examples:
        >>> from brickwork import Webhook, notify
        >>> deploys = Webhook(
        ...     url="https://hooks.example.com/deploys/8c1f",
        ...     headers={"Authorization": "Bearer 5d0e-7b1a"},
        ...     idempotent=True,
        ... )
        >>> deploys.save("deploys")
        Document('webhook/deploys@1')
        >>> (receipt,) = notify("webhook/deploys", title="Release 4.2 is out", dry_run=True)
        >>> receipt.detail
        'would be sent'
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
    timeout_seconds: TimeoutSeconds = 10.0
    retry_seconds: RetrySeconds = 30.0
    allow_private: AllowPrivate = False
    allow_http: AllowHttp = False
    ca_certificates: CaCertificates = None

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
        return described(self, self.url.reveal())

    def limits(self) -> Limits:
        """Take everything, but not more attached than 5 MiB."""
        return Limits(attachments=100, attachment_bytes=MAX_ATTACHED_BYTES)

    def deliver(self, notification: Notification) -> Receipt:
        """Post a notification, again if need be; see the class for when."""
        message_id = f"msg_{uuid4().hex}"
        body = _body(notification, message_id)
        post = Post(self.describe(), self.url.reveal(), self, repeatable=self.idempotent)
        receipt = post.send(body, lambda: self._headers(message_id, body))
        return replace(receipt, message_id=message_id)

    def check(self) -> CheckReport:
        """Connect to the server, with TLS, under the policy for outbound requests; send nothing."""
        return reached(self.url.reveal(), self, "path, headers and signature")

    def _headers(self, message_id: str, body: bytes) -> dict[str, str]:
        now = int(time.time())
        headers = {
            "content-type": "application/json",
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
        "tags": sorted(notification.tags),
        "links": notification.links,
        "attachments": [
            {
                "name": each.name,
                "media_type": each.media_type,
                "content": base64.b64encode(each.content).decode("ascii"),
            }
            for each in notification.attachments
        ],
    }
    return json.dumps(shape).encode("ascii")
