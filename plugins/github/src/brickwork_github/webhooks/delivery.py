"""A delivery: what GitHub sends to a webhook, verified and read."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from brickwork import Secret, receiving
from brickwork_github.errors import GitHubWebhookRefused
from brickwork_github.webhooks.event import GitHubEvent
from brickwork_github.webhooks.events import parse_event
from brickwork_github.webhooks.signature import verify

SIGNATURE = "x-hub-signature-256"
_EVENT = "x-github-event"
_DELIVERY = "x-github-delivery"
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"
_ONCE = frozenset({SIGNATURE, _EVENT, _DELIVERY, "content-type", "content-length"})
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}")


def headers_of(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return headers by their names in small letters.

    Raises:
        GitHubWebhookRefused: One that counts is there twice, so that it is not clear which counts.
    """
    return receiving.headers_of(pairs, _ONCE, GitHubWebhookRefused)


def media_type(headers: Mapping[str, str]) -> str:
    """Return the kind of a body: JSON, or a form with JSON inside.

    Raises:
        GitHubWebhookRefused: It is neither.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (_JSON, _FORM):
        raise GitHubWebhookRefused(
            f"The delivery is neither {_JSON} nor {_FORM}.",
            status=415,
            fix=f"Choose {_JSON} in the webhook's settings on GitHub.",
        )
    return kind


def event_of(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[Secret[str]]
) -> GitHubEvent:
    """Verify a delivery, and only then read it.

    Args:
        headers: By their names in small letters.
        body: The bytes as they were received.
        secrets: See `verify`.

    Raises:
        GitHubWebhookRefused: It is not from GitHub, or not what GitHub sends.
    """
    verify(body, headers.get(SIGNATURE), secrets)
    kind = media_type(headers)
    name = _header(headers, _EVENT, _NAME)
    delivery = _header(headers, _DELIVERY, _ID)
    return parse_event(name, _payload(body, kind), delivery=delivery)


def _header(headers: Mapping[str, str], name: str, form: re.Pattern[str]) -> str:
    value = headers.get(name, "")
    if not form.fullmatch(value):
        raise GitHubWebhookRefused(
            f"The delivery has no header {name} as GitHub sends it.", status=400
        )
    return value


def _payload(body: bytes, kind: str) -> Any:
    import json

    try:
        return json.loads(_form_field(body) if kind == _FORM else body)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        # Not the cause: it quotes the body.
        raise GitHubWebhookRefused(
            f"The body of the delivery is not {kind} with JSON as GitHub sends it.", status=400
        ) from None


def _form_field(body: bytes) -> str:
    from urllib.parse import parse_qs

    fields = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=10, errors="strict")
    (payload,) = fields.get("payload", [])  # ValueError unless it is there once
    return payload
