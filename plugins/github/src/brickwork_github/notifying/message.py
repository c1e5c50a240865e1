"""A notification as GitHub's Markdown, with a hidden marker by which it is found again.

GitHub takes 65,536 characters as the body of an issue or a comment, and 256 as a title.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from brickwork import Limits, Notification, Severity
from brickwork_github.markdown import escaped, is_link, on_one_line

MOST_BODY = 65_535
"""One less than issues take: what the summary of a check takes."""

MOST_TITLE = 256

_MAX_FIELDS = 100
_MAX_LINKS = 20
_MAX_TAGS = 500
# Beside texts: the marker, the severity and its tags, what is around fields and links, the count.
_OVERHEAD = 500 + _MAX_TAGS + _MAX_FIELDS * 10 + _MAX_LINKS * 8

_SIGNS = {
    Severity.INFO: "\U0001f535",
    Severity.SUCCESS: "\U0001f7e2",
    Severity.WARNING: "\U0001f7e0",
    Severity.ERROR: "\U0001f534",
    Severity.CRITICAL: "\U0001f6a8",
}
_TRUSTED = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})


class Marker(NamedTuple):
    """What tells a notification that stands on GitHub apart; a comment of HTML, which none sees.

    Attributes:
        digest: Of its key: what is about the same has the same.
        delivery: The id of what was sent last.
        seen: How often.
    """

    digest: str
    delivery: str
    seen: int = 1

    def __str__(self) -> str:
        return f"<!-- brickwork:{self.digest} delivery={self.delivery} seen={self.seen} -->"

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self | None:
        """Return the marker of an issue or a comment; None if it has none that can be trusted.

        Anybody can copy a marker into a public repository. Only what an App, or somebody of the
        repository has written counts. In our own texts no foreign text becomes a marker, since
        ``<`` is escaped.
        """
        user = found.get("user") or {}
        if user.get("type") != "Bot" and found.get("author_association") not in _TRUSTED:
            return None
        read = _MARKER.search(found.get("body") or "")
        return None if read is None else cls(read[1], read[2], int(read[3]))


_MARKER = re.compile(r"<!-- brickwork:([0-9a-f]{32}) delivery=([0-9a-f]{32}) seen=([0-9]{1,9}) -->")


def digest_of(notification: Notification) -> str:
    """Return the digest of what a notification is about: dedupe key, thread key or title.

    The key itself may say more than all who can read the repository should know.
    """
    key = notification.dedupe_key or notification.thread_key or notification.title
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def limits() -> Limits:
    """Return what GitHub takes, counted as Markdown; no attachments."""
    return Limits(
        title=MOST_TITLE,
        fields=_MAX_FIELDS,
        total=MOST_BODY - _OVERHEAD,
        measure=_size,
        links=_MAX_LINKS,
        link=lambda words, url: is_link(url) and "\n" not in words,
    )


def title_of(notification: Notification) -> str:
    """Return the title, plain, as GitHub takes it."""
    return on_one_line(notification.title) or "?"


def body_of(
    notification: Notification, marker: Marker | None = None, *, titled: bool = False
) -> str:
    """Return Markdown that says it all.

    Args:
        notification: Within `limits`.
        marker: Hidden at its begin.
        titled: Whether the title is a part of it.
    """
    head = f"{_SIGNS[notification.severity]} **{notification.severity.upper()}**"
    if titled:
        head += f" **{escaped(title_of(notification))}**"
    tags = on_one_line(", ".join(sorted(notification.tags)))
    if tags:
        head += f" \u00b7 {escaped(_TAGS.cut(tags, _MAX_TAGS))}"
    parts = [
        head if marker is None else f"{marker}\n{head}",
        escaped(notification.body).strip("\n"),
        _table(notification.fields),
        _links(notification),
    ]
    if marker is not None and marker.seen > 1:
        parts.append(f"<sub>Seen {marker.seen:,} times; this is the last.</sub>")
    return "\n\n".join(filter(None, parts))


def _table(fields: Mapping[str, str]) -> str:
    if not fields:
        return ""
    rows = [f"| {_cell(name)} | {_cell(value)} |" for name, value in fields.items()]
    return "\n".join(["| | |", "|---|---|", *rows])


def _links(notification: Notification) -> str:
    links = [("Open", notification.url)] if notification.url else []
    links += notification.links.items()
    return " \u00b7 ".join(f"[{escaped(words).strip()}](<{url}>)" for words, url in links)


def _cell(text: str) -> str:
    return escaped(text).strip("\n").replace("\n", "<br>")


def _size(text: str) -> int:
    """Return how long a text is as Markdown, at the most: in a table a line's end is longer."""
    return len(escaped(text)) + 3 * text.count("\n") + 3 * text.count("\r")


_TAGS = Limits(measure=_size)
