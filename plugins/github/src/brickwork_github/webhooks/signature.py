"""Who a delivery is from: the signature that GitHub makes with the webhook's secret.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

import re
from collections.abc import Sequence

from brickwork import Secret
from brickwork_github.errors import GitHubWebhookRefused

_FORM = re.compile(rb"sha256=[0-9a-f]{64}")


def sign(body: bytes, secret: Secret[str]) -> str:
    """Return what GitHub's header ``X-Hub-Signature-256`` says of a body, as it is sent."""
    import hashlib
    import hmac

    key = secret.reveal().encode("utf-8", "surrogatepass")
    return "sha256=" + hmac.digest(key, body, hashlib.sha256).hex()


def well_formed(signature: str | bytes | None) -> bytes:
    """Return a header that could be a signature, before the body is read.

    Raises:
        GitHubWebhookRefused: It is missing, or none: that of SHA-1 among others.
    """
    if not signature:
        raise GitHubWebhookRefused(
            "The delivery has no header X-Hub-Signature-256.",
            status=401,
            fix="Give the webhook a secret in its settings on GitHub; the header"
            " X-Hub-Signature, which is made with SHA-1, is not enough.",
        )
    # Bytes: compare_digest raises TypeError for texts that are not ASCII.
    given = signature.encode("utf-8", "surrogatepass") if isinstance(signature, str) else signature
    if not _FORM.fullmatch(given):
        raise GitHubWebhookRefused(
            "The header X-Hub-Signature-256 is not sha256= and 64 hexadecimal digits.",
            status=401,
            fix="Look at what stands between GitHub and this program, and may change headers.",
        )
    return given


def verify(body: bytes, signature: str | bytes | None, secrets: Sequence[Secret[str]]) -> None:
    """Verify that a body was signed with one of the secrets, in constant time.

    Args:
        body: The bytes as they were received, before any decoding.
        signature: The header ``X-Hub-Signature-256``; None where there is none.
        secrets: The webhook's secret; while it is replaced, also the one before.

    Raises:
        GitHubWebhookRefused: It was not, or the header is missing or malformed.
    """
    import hmac

    given = well_formed(signature)
    # Not any(): which of the secrets fits must not show in the time that it takes.
    fits = [hmac.compare_digest(sign(body, secret).encode(), given) for secret in secrets]
    if not sum(fits):
        raise GitHubWebhookRefused(
            "The signature of the delivery does not fit its body and the webhook's secret.",
            status=401,
            fix="Compare the secret with the one in the webhook's settings on GitHub, and verify"
            " the body as it was received, before it is decoded.",
        )
