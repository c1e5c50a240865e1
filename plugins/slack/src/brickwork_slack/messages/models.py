"""What the tasks on messages return."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from brickwork import register_type
from brickwork_slack.reading import moment


@register_type("slack.posted_message")
@dataclass(frozen=True)
class PostedMessage:
    """A message that was posted or changed.

    Attributes:
        channel: The id of the conversation.
        ts: The message's id there, and its time.
        permalink: Where people find it; empty where the workspace did not say its address.
        thread_ts: The message that its thread began with; None where it is in no thread.
        text: What it says, as Slack keeps it.
    """

    channel: str
    ts: str
    permalink: str
    thread_ts: str | None = None
    text: str = ""

    @classmethod
    def of(cls, answer: Mapping[str, Any], site: str, thread_ts: str | None) -> "PostedMessage":
        """Return what an answer of Slack says."""
        message = answer.get("message") or {}
        channel, ts = str(answer["channel"]), str(answer["ts"])
        thread = message.get("thread_ts") or thread_ts
        return cls(
            channel,
            ts,
            permalink(site, channel, ts, thread),
            thread,
            str(message.get("text") or ""),
        )


@register_type("slack.scheduled_message")
@dataclass(frozen=True)
class ScheduledMessage:
    """A message that will be posted.

    Attributes:
        id: By which it is deleted.
        channel: The id of the conversation.
        post_at: When.
        text: What it will say.
    """

    id: str
    channel: str
    post_at: datetime
    text: str = ""

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> "ScheduledMessage":
        """Return what an item of a list says."""
        post_at = moment(item["post_at"])
        assert post_at is not None  # noqa: S101  # Slack schedules nothing in 1970
        return cls(str(item["id"]), str(item["channel_id"]), post_at, str(item.get("text") or ""))


def permalink(site: str, channel: str, ts: str, thread_ts: str | None) -> str:
    """Return where people find a message, as Slack makes such addresses.

    Args:
        site: The workspace's address, with a slash at its end; empty: not known.
        channel: The id of the conversation.
        ts: The message.
        thread_ts: The message that its thread began with.
    """
    if not site:
        return ""
    thread = f"?thread_ts={thread_ts}&cid={channel}" if thread_ts and thread_ts != ts else ""
    return f"{site}archives/{channel}/p{ts.replace('.', '')}{thread}"
