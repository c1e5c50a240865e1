"""Signing what a webhook sends, and verifying it at the receiver's side.

The scheme is that of Standard Webhooks (https://www.standardwebhooks.com), which has libraries for
receivers in many languages: three headers,

- ``webhook-id``: the id of the message, the same when it is sent again;
- ``webhook-timestamp``: the time of sending, in seconds since 1970;
- ``webhook-signature``: ``v1,`` and the Base64 of HMAC-SHA256 over ``id.timestamp.body``; several
  of them, with spaces between, while a secret is being replaced.
"""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping

from brickwork.errors import NotifierError

_PREFIX = "whsec_"


def signing_key(secret: str) -> bytes:
    """Return the key of a signing secret: ``whsec_`` and Base64, or else any text as it is.

    Raises:
        NotifierError: It begins with ``whsec_``, and the rest is no Base64.
    """
    if not secret.startswith(_PREFIX):
        return secret.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise NotifierError(
            "The signing secret begins with whsec_, but the rest of it is no Base64.",
            fix="Copy the secret anew, or use one without that prefix.",
        ) from None


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of the header ``webhook-signature``. Raises NotifierError."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(signing_key(secret), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode("ascii")


def verify_signature(
    headers: Mapping[str, str],
    body: bytes,
    secret: str,
    *,
    tolerance_seconds: float = 300.0,
    now: float | None = None,
) -> bool:
    """Tell whether a request was signed with the secret, and not long ago.

    For the receiver of a webhook, before anything is read from the body. A request that is sent
    twice within the tolerance passes twice: remember each ``webhook-id`` for that long to notice.

    Args:
        headers: The request's headers; the case of their names does not matter.
        body: The body as it was received, before any decoding.
        secret: The signing secret.
        tolerance_seconds: How far the time of sending may be from now, in both directions.
        now: The time now, in seconds since 1970; the clock's if left out.

    Raises:
        NotifierError: The secret itself cannot be read.
    """
    found = {name.lower(): value for name, value in headers.items()}
    message_id = found.get("webhook-id", "")
    timestamp = found.get("webhook-timestamp", "")
    if not message_id or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        return False
    moment = time.time() if now is None else now
    if abs(moment - int(timestamp)) > tolerance_seconds:
        return False
    signed = f"{message_id}.{timestamp}.".encode("utf-8", "surrogatepass") + body
    digest = hmac.new(signing_key(secret), signed, hashlib.sha256).digest()
    expected = b"v1," + base64.b64encode(digest)
    # Bytes: compare_digest raises TypeError for texts that are not ASCII.
    given = found.get("webhook-signature", "").encode("utf-8", "surrogatepass").split(b" ")
    return any(hmac.compare_digest(expected, one) for one in given)
