"""What Slack answers about files."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from brickwork import register_type
from brickwork_slack.reading import moment


@register_type("slack.file-share")
@dataclass(frozen=True)
class FileShare:
    """A message that shows a file.

    Attributes:
        channel: The id of the conversation.
        ts: The message.
        thread_ts: The message that began its thread; None where it is no reply.
    """

    channel: str
    ts: str
    thread_ts: str | None = None


@register_type("slack.file")
@dataclass(frozen=True)
class File:
    """A file.

    Slack looks through a file before it shows it, which takes seconds: until then ``media_type``
    and ``shares`` are empty. See https://docs.slack.dev/reference/objects/file-object.

    Attributes:
        id: ``F...``.
        name: Its name.
        title: What people see.
        media_type: As ``text/csv``; empty as long as Slack does not know it.
        kind: Slack's name for what it is, as ``csv``; empty as long as Slack does not know it.
        size: Its bytes.
        user: The id of who uploaded it.
        mode: ``hosted``, ``snippet``, ``external`` (it is kept elsewhere), ``tombstone`` (it was
            deleted), ``hidden_by_limit``, ...
        is_public: Whether it is in a public channel.
        permalink: Its page.
        url: Where its bytes are, for who has a token; `download_file` gets them.
        shares: The messages that show it, as far as Slack says it.
        created_at: When it was uploaded.
    """

    id: str
    name: str
    title: str
    media_type: str
    kind: str
    size: int
    user: str
    mode: str
    is_public: bool
    permalink: str
    url: str
    shares: tuple[FileShare, ...]
    created_at: datetime | None

    @property
    def channels(self) -> tuple[str, ...]:
        """The ids of the conversations that show it, each once."""
        return tuple(dict.fromkeys(share.channel for share in self.shares))

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from Slack's answer."""
        return cls(
            id=found["id"],
            name=found.get("name") or "",
            title=found.get("title") or "",
            media_type=found.get("mimetype") or "",
            kind=found.get("filetype") or "",
            size=found.get("size") or 0,
            user=found.get("user") or "",
            mode=found.get("mode") or "",
            is_public=bool(found.get("is_public")),
            permalink=found.get("permalink") or "",
            url=found.get("url_private_download") or found.get("url_private") or "",
            shares=_shares(found.get("shares") or {}),
            created_at=moment(found.get("created")),
        )


def _shares(found: Mapping[str, Any]) -> tuple[FileShare, ...]:
    return tuple(
        FileShare(channel, share["ts"], share.get("thread_ts"))
        for kind in ("public", "private")
        for channel, shares in (found.get(kind) or {}).items()
        for share in shares
    )
