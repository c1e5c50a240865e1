"""Who a request is from, and when: the signature that Slack makes with the app's signing secret.

https://docs.slack.dev/authentication/verifying-requests-from-slack/
"""

import re
import time
from collections.abc import Sequence
from typing import NamedTuple

from brickwork import Secret
from brickwork_slack.errors import SlackRequestRefused

WINDOW_SECONDS = 300
"""How far Slack's clock and ours may be apart; what is signed is worth nothing after it."""

_SIGNATURE = re.compile(rb"v0=[0-9a-f]{64}")
_TIMESTAMP = re.compile(rb"[0-9]{1,12}")


class Signed(NamedTuple):
    """The two headers of a signature, which could be Slack's.

    Attributes:
        timestamp: ``X-Slack-Request-Timestamp``: seconds since 1970, as digits.
        signature: ``X-Slack-Signature``: ``v0=`` and 64 hexadecimal digits.
    """

    timestamp: bytes
    signature: bytes


def sign(body: bytes, timestamp: str | bytes, secret: Secret[str]) -> str:
    """Return what Slack's header ``X-Slack-Signature`` says of a body that is sent at a time."""
    import hashlib
    import hmac

    moment = timestamp.encode() if isinstance(timestamp, str) else timestamp
    key = secret.reveal().encode("utf-8", "surrogatepass")
    return "v0=" + hmac.digest(key, b"v0:%b:%b" % (moment, body), hashlib.sha256).hex()


def well_formed(
    timestamp: str | bytes | None, signature: str | bytes | None, *, now: float | None = None
) -> Signed:
    """Return headers that could be a signature of now, before the body is read.

    Args:
        timestamp: The header ``X-Slack-Request-Timestamp``; None where there is none.
        signature: The header ``X-Slack-Signature``; None where there is none.
        now: Seconds since 1970; the clock's by default.

    Raises:
        SlackRequestRefused: One is missing or malformed (401), or the time is more than five
            minutes away (403).
    """
    moment = _formed("X-Slack-Request-Timestamp", timestamp, _TIMESTAMP, "a number of seconds")
    signed = _formed("X-Slack-Signature", signature, _SIGNATURE, "v0= and 64 hexadecimal digits")
    away = (time.time() if now is None else now) - int(moment)
    if abs(away) > WINDOW_SECONDS:
        raise SlackRequestRefused(
            f"The request was signed {abs(away):.0f} s {'ago' if away > 0 else 'from now'}.",
            status=403,
            fix="Set this machine's clock by NTP, if Slack sent it; else somebody sends again what"
            " Slack sent before.",
        )
    return Signed(moment, signed)


def _formed(name: str, given: str | bytes | None, form: re.Pattern[bytes], what: str) -> bytes:
    if not given:
        raise SlackRequestRefused(
            f"The request has no header {name}.",
            status=401,
            fix="Look at what stands between Slack and this program, if Slack sent it.",
        )
    # Bytes: compare_digest raises TypeError for texts that are not ASCII.
    value = given.encode("utf-8", "surrogatepass") if isinstance(given, str) else given
    if not form.fullmatch(value):
        raise SlackRequestRefused(
            f"The header {name} is not {what}.",
            status=401,
            fix="Look at what stands between Slack and this program, and may change headers.",
        )
    return value


def verify(
    body: bytes,
    timestamp: str | bytes | None,
    signature: str | bytes | None,
    secrets: Sequence[Secret[str]],
    *,
    now: float | None = None,
) -> Signed:
    """Verify that Slack signed a body within the last five minutes, in constant time.

    It does not notice a request that comes twice within that time: `slack_app` does.

    Args:
        body: The bytes as they were received, before any decoding.
        timestamp: The header ``X-Slack-Request-Timestamp``; None where there is none.
        signature: The header ``X-Slack-Signature``; None where there is none.
        secrets: The app's signing secret; while it is replaced, also the one before.
        now: Seconds since 1970; the clock's by default.

    Raises:
        SlackRequestRefused: It was not, or a header is missing or malformed (401), or the time is
            more than five minutes away (403).
    """
    import hmac

    signed = well_formed(timestamp, signature, now=now)
    # Not any(): which of the secrets fits must not show in the time that it takes.
    fits = [
        hmac.compare_digest(sign(body, signed.timestamp, secret).encode(), signed.signature)
        for secret in secrets
    ]
    if not sum(fits):
        raise SlackRequestRefused(
            "The signature of the request does not fit its body and the signing secret.",
            status=401,
            fix="Compare the signing secret with the one under Basic Information in the app's"
            " settings, and verify the body as it was received, before it is decoded.",
        )
    return signed
