"""A notification as a message of Slack: blocks beside a bar in the colour of its severity.

Texts are shown as they are: nothing in them is markup, and nobody is alerted but who is named in
``mentions``.
"""

import os
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

from pydantic import Field

from brickwork import Limits, Notification, Overflow, Severity, Unit, check_cancelled
from brickwork_slack.blockkit import (
    Block,
    Mrkdwn,
    actions,
    button,
    context,
    escape,
    fields,
    header,
    mention,
    section,
)
from brickwork_slack.blockkit.cutting import cut
from brickwork_slack.blockkit.limits import MOST_BUTTON, MOST_BUTTONS, size
from brickwork_slack.blockkit.markup import is_link, sound

_MOST_TITLE = 140
_MOST_BODY = 6000
_MOST_FIELDS = 20
_MOST_NAME, _MOST_VALUE = 100, 500
_MOST_TOTAL = 9000
_MOST_TAGS = 500
_LOCKS = 64
_LOOK_SECONDS = 0.5

SIGNS = {
    Severity.INFO: "\U0001f535",
    Severity.SUCCESS: "\U0001f7e2",
    Severity.WARNING: "\U0001f7e0",
    Severity.ERROR: "\U0001f534",
    Severity.CRITICAL: "\U0001f6a8",
}
COLOURS = {
    Severity.INFO: "#36C5F0",
    Severity.SUCCESS: "#2EB67D",
    Severity.WARNING: "#ECB22E",
    Severity.ERROR: "#E01E5A",
    Severity.CRITICAL: "#7A0B2E",
}
_ADDRESS = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_AFTER = "?!.,:;*_~'\")]}"

Mention = Annotated[str, Field(pattern=r"^(?:here|channel|everyone|[UWS][A-Z0-9]{1,30})$")]
Mentions = Annotated[
    tuple[Mention, ...],
    Field(
        max_length=50,
        description="Whom each message alerts: here, channel, everyone, or the id of a user or a "
        "user group.",
    ),
]
Overflowing = Annotated[Overflow, Field(description="What to do with a long body.")]
TimeoutSeconds = Annotated[
    float, Field(gt=0, le=300, description="Time limit of one attempt, in seconds.")
]
RetrySeconds = Annotated[
    float,
    Field(
        ge=0,
        le=3600,
        description="No attempt is begun later than this many seconds after the first; 0 for one "
        "attempt only.",
    ),
]


def limits(
    overflow: Overflow, *, attachments: int = 0, attachment_bytes: int | None = None
) -> Limits:
    """Return what fits in one message.

    Args:
        overflow: What is done with a long body.
        attachments: How many files are taken.
        attachment_bytes: How large they may be together.
    """
    return Limits(
        title=_MOST_TITLE,
        body=_MOST_BODY,
        fields=_MOST_FIELDS,
        field_name=_MOST_NAME,
        field_value=_MOST_VALUE,
        total=_MOST_TOTAL,
        unit=Unit.UTF16,
        links=MOST_BUTTONS - 1,
        link=lambda words, url: is_link(url) and size(words) <= MOST_BUTTON,
        attachments=attachments,
        attachment_bytes=attachment_bytes,
        overflow=overflow,
    )


def message_of(notification: Notification, mentions: Sequence[str] = ()) -> dict[str, Any]:
    """Return the arguments of a message: text, blocks and one attachment with a colour.

    Args:
        notification: Masked, and within `limits`.
        mentions: Whom it alerts.
    """
    title = f"{SIGNS[notification.severity]} {notification.title}"
    blocks: list[Block] = [header(title)]
    if mentions:
        blocks.append(section(Mrkdwn(" ".join(map(str, map(mention, dict.fromkeys(mentions)))))))
    return {
        "text": escape(title),
        "blocks": blocks,
        "attachments": [
            {
                "color": COLOURS[notification.severity],
                "fallback": escape(cut(notification.body, 500)) or notification.severity.value,
                "blocks": list(_blocks(notification)),
            }
        ],
    }


def _blocks(notification: Notification) -> Iterable[Block]:
    body = sound(notification.body).strip("\n")
    if body.strip():
        yield {
            "type": "rich_text",
            "elements": [{"type": "rich_text_section", "elements": list(_running(body))}],
        }
    yield from fields(notification.fields)
    links = [("Open", notification.url)] if notification.url else []
    links += notification.links.items()
    if links:
        yield actions(
            *[
                button(words, url=url, action_id=f"brickwork-link-{at}")
                for at, (words, url) in enumerate(links)
            ]
        )
    told = [notification.severity.upper(), *sorted(notification.tags)]
    yield context(cut(" \u00b7 ".join(told), _MOST_TAGS))


def _running(text: str) -> Iterable[dict[str, str]]:
    """Yield a text as pieces of rich text: nothing in it is markup, addresses are links."""
    at = 0
    for found in _ADDRESS.finditer(text):
        address = found[0].rstrip(_AFTER)
        if not is_link(address):
            continue
        if found.start() > at:
            yield {"type": "text", "text": text[at : found.start()]}
        yield {"type": "link", "url": address}
        at = found.start() + len(address)
    if at < len(text):
        yield {"type": "text", "text": text[at:]}


@contextmanager
def one_at_a_time(key: str) -> Iterator[None]:
    """Let one thread of this process at a time look for what has a key, and begin it.

    Raises:
        TaskCancelled, TaskTimeout: The task was stopped meanwhile.
    """
    lock = _locks[hash(key) % _LOCKS]
    while not lock.acquire(timeout=_LOOK_SECONDS):
        check_cancelled()
    try:
        yield
    finally:
        lock.release()


_locks = [threading.Lock() for _ in range(_LOCKS)]


def _renew() -> None:
    # A forked child must not wait for its parent's threads.
    _locks[:] = [threading.Lock() for _ in range(_LOCKS)]


os.register_at_fork(after_in_child=_renew)
