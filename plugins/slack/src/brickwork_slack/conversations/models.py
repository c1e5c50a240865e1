"""What Slack answers about conversations."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self

from brickwork import register_type
from brickwork_slack.reading import moment, said, texts

ConversationKind = Literal["public_channel", "private_channel", "mpim", "im"]
"""``im`` is a direct message with one user, ``mpim`` one with several."""


@register_type("slack.conversation")
@dataclass(frozen=True)
class Conversation:
    """A channel, a private channel, or a direct message.

    See https://docs.slack.dev/reference/objects/conversation-object.

    Attributes:
        id: ``C...``, ``G...`` or ``D...``.
        name: Without ``#``; empty of a direct message with one user.
        kind: ``public_channel``, ``private_channel``, ``mpim`` or ``im``.
        topic: What it is about now.
        purpose: What it is for; people see it as its description.
        creator: The id of who made it; empty where Slack does not say it.
        created_at: When it was made.
        is_member: Whether the token's owner is in it; None where Slack does not say it.
        is_archived: Whether it is closed, and can only be read.
        is_general: Whether it is the channel that everybody is in.
        is_shared: Whether other workspaces or organizations share it.
        member_count: How many are in it; None where Slack does not say it.
        user: The id of the other one in a direct message; None elsewhere.
        last_read: The ``ts`` until which the token's owner has read; None where Slack does not
            say it.
        previous_names: What it was called before.
    """

    id: str
    name: str
    kind: ConversationKind
    topic: str
    purpose: str
    creator: str
    created_at: datetime | None
    is_member: bool | None
    is_archived: bool
    is_general: bool
    is_shared: bool
    member_count: int | None
    user: str | None
    last_read: str | None
    previous_names: tuple[str, ...]

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from Slack's answer."""
        kind = kind_of(found)
        return cls(
            id=found["id"],
            name=found.get("name") or "",
            kind=kind,
            topic=said(found.get("topic")),
            purpose=said(found.get("purpose")),
            creator=found.get("creator") or "",
            created_at=moment(found.get("created")),
            # Who sees a direct message is in it.
            is_member=found.get("is_member", True if kind in ("im", "mpim") else None),
            is_archived=bool(found.get("is_archived")),
            is_general=bool(found.get("is_general")),
            is_shared=any(found.get(f"is_{name}shared") for name in ("", "ext_", "org_")),
            member_count=found.get("num_members"),
            user=found.get("user"),
            last_read=found.get("last_read"),
            previous_names=texts(found.get("previous_names")),
        )


def kind_of(found: Mapping[str, Any]) -> ConversationKind:
    """Return the kind of a conversation in Slack's answer."""
    if found.get("is_im"):
        return "im"
    if found.get("is_mpim"):
        return "mpim"
    return "private_channel" if found.get("is_private") else "public_channel"


@register_type("slack.direct-message")
@dataclass(frozen=True)
class DirectMessage:
    """A direct message that is open: messages may be posted to its id.

    Attributes:
        id: ``D...``, or ``G...`` or ``C...`` of one with several.
        users: The ids of the others.
    """

    id: str
    users: tuple[str, ...]


@register_type("slack.reaction-count")
@dataclass(frozen=True)
class ReactionCount:
    """How many reacted to a message with an emoji.

    Attributes:
        name: The emoji, without colons.
        count: How many.
        users: The ids of some of them; of all, as long as they are few.
    """

    name: str
    count: int
    users: tuple[str, ...]

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from Slack's answer."""
        return cls(name=found["name"], count=found["count"], users=texts(found.get("users")))


@register_type("slack.channel-message")
@dataclass(frozen=True)
class ChannelMessage:
    """A message as it stands in a conversation.

    See https://docs.slack.dev/reference/events/message.

    Attributes:
        channel: The id of the conversation.
        ts: What Slack knows it by there.
        text: The text, in Slack's markup.
        user: The id of who wrote it; empty where Slack knows none, as of old webhooks.
        bot_id: Of the bot that wrote it; None of people.
        subtype: As ``bot_message`` or ``channel_join``; empty of plain messages.
        thread_ts: The ``ts`` of the message that began its thread, also if that is this one; None
            where there is no thread.
        reply_count: How many replies it has.
        blocks: As Slack keeps them.
        attachments: As Slack keeps them.
        files: The ids of its files.
        reactions: What people reacted with.
        metadata: What an app attached; None where there is none, or it was not asked for.
        sent_at: When it was posted.
        edited_at: When it was changed last; None if never.
    """

    channel: str
    ts: str
    text: str
    user: str
    bot_id: str | None
    subtype: str
    thread_ts: str | None
    reply_count: int
    blocks: tuple[Mapping[str, Any], ...]
    attachments: tuple[Mapping[str, Any], ...]
    files: tuple[str, ...]
    reactions: tuple[ReactionCount, ...]
    metadata: Mapping[str, Any] | None
    sent_at: datetime | None
    edited_at: datetime | None

    @property
    def is_reply(self) -> bool:
        """Whether it is in the thread of another message."""
        return self.thread_ts not in (None, self.ts)

    @classmethod
    def of(cls, channel: str, found: Mapping[str, Any]) -> Self:
        """Read it from Slack's answer about a channel."""
        return cls(
            channel=channel,
            ts=found["ts"],
            text=found.get("text") or "",
            user=found.get("user") or "",
            bot_id=found.get("bot_id"),
            subtype=found.get("subtype") or "",
            thread_ts=found.get("thread_ts"),
            reply_count=found.get("reply_count") or 0,
            blocks=tuple(found.get("blocks") or ()),
            attachments=tuple(found.get("attachments") or ()),
            files=texts(each.get("id") for each in found.get("files") or ()),
            reactions=tuple(map(ReactionCount.of, found.get("reactions") or ())),
            metadata=found.get("metadata"),
            sent_at=moment(found["ts"]),
            edited_at=moment((found.get("edited") or {}).get("ts")),
        )
