"""What Slack's search finds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Self, TypeVar

from brickwork import register_type
from brickwork_slack.reading import moment, texts

T = TypeVar("T")


@register_type("slack.search-results")
@dataclass(frozen=True)
class SearchResults(Generic[T]):
    """What a search found; iterate over it, or count it.

    Attributes:
        items: What was found.
        total: How many there are, as Slack counts, also beyond what it gives.
    """

    items: tuple[T, ...]
    total: int

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@register_type("slack.found-message")
@dataclass(frozen=True)
class FoundMessage:
    """A message that was found.

    Attributes:
        channel: The id of its conversation.
        channel_name: The name of that, without ``#``; of a direct message, what Slack gives.
        ts: What Slack knows it by there.
        text: The text, in Slack's markup.
        user: The id of who wrote it; empty where Slack knows none.
        user_name: Their handle.
        permalink: Where people find it.
        sent_at: When it was posted.
    """

    channel: str
    channel_name: str
    ts: str
    text: str
    user: str
    user_name: str
    permalink: str
    sent_at: datetime | None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from Slack's answer."""
        channel = found.get("channel") or {}
        return cls(
            channel=channel.get("id") or "",
            channel_name=channel.get("name") or "",
            ts=found["ts"],
            text=found.get("text") or "",
            user=found.get("user") or "",
            user_name=found.get("username") or "",
            permalink=found.get("permalink") or "",
            sent_at=moment(found["ts"]),
        )


@register_type("slack.found-file")
@dataclass(frozen=True)
class FoundFile:
    """A file that was found.

    Attributes:
        id: ``F...``.
        name: Its name.
        title: Its title.
        media_type: As ``text/csv``; empty where Slack does not say it.
        size: Its bytes.
        user: The id of who uploaded it.
        channels: The ids of the channels in which it is shared.
        permalink: Its page.
        created_at: When it was uploaded.
    """

    id: str
    name: str
    title: str
    media_type: str
    size: int
    user: str
    channels: tuple[str, ...]
    permalink: str
    created_at: datetime | None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from Slack's answer."""
        shared = [*found.get("channels", ()), *found.get("groups", ()), *found.get("ims", ())]
        return cls(
            id=found["id"],
            name=found.get("name") or "",
            title=found.get("title") or "",
            media_type=found.get("mimetype") or "",
            size=found.get("size") or 0,
            user=found.get("user") or "",
            channels=texts(shared),
            permalink=found.get("permalink") or "",
            created_at=moment(found.get("created")),
        )
