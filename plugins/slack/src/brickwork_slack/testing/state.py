"""What a workspace of the loopback Slack keeps."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Kind = Literal["public", "private", "im", "mpim"]


@dataclass
class User:
    """A person or a bot.

    Attributes:
        id: ``U...``.
        name: The handle, as Slack calls it in ``name``.
        email: The address.
        real_name: As people see it.
        bot_id: ``B...`` of a bot; empty of a person.
        deleted: Deactivated.
        presence: ``active`` or ``away``.
        profile: What `users.profile.set` changed.
        admin: Administers the workspace.
        snoozed_until: Until when they want to be left alone, in seconds since 1970.
    """

    id: str
    name: str
    email: str = ""
    real_name: str = ""
    bot_id: str = ""
    deleted: bool = False
    presence: str = "active"
    profile: dict[str, Any] = field(default_factory=dict)
    admin: bool = False
    snoozed_until: int = 0


@dataclass
class Message:
    """A message in a conversation.

    Attributes:
        ts: What Slack knows it by in its channel.
        channel: The channel's id.
        user: Who posted it; empty for an incoming webhook.
        text: The text.
        content: What else was posted: blocks, attachments, metadata, username, icons.
        thread_ts: Of a reply, its parent; None of others.
        broadcast: A reply that is shown in the channel, too.
        reactions: Who reacted, by the name of the emoji, in order.
        files: Ids.
        edited: When it was changed last, as a ``ts``; empty if never.
        bot_id: Of the bot that posted it.
        app_id: Of the app that posted it.
        subtype: As ``bot_message``; empty of plain ones.
        to: Of an ephemeral message, who alone sees it.
    """

    ts: str
    channel: str
    user: str
    text: str = ""
    content: dict[str, Any] = field(default_factory=dict)
    thread_ts: str | None = None
    broadcast: bool = False
    reactions: dict[str, list[str]] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    edited: str = ""
    bot_id: str = ""
    app_id: str = ""
    subtype: str = ""
    to: str = ""

    @property
    def blocks(self) -> list[dict[str, Any]]:
        """Its blocks; none is an empty list."""
        found: list[dict[str, Any]] = self.content.get("blocks", [])
        return found

    @property
    def attachments(self) -> list[dict[str, Any]]:
        """Its attachments; none is an empty list."""
        found: list[dict[str, Any]] = self.content.get("attachments", [])
        return found

    @property
    def metadata(self) -> dict[str, Any] | None:
        """Its metadata."""
        found: dict[str, Any] | None = self.content.get("metadata")
        return found


@dataclass
class Channel:
    """A conversation.

    Attributes:
        id: ``C...`` of a channel, ``D...`` of a direct message.
        name: Without ``#``; empty of a direct message.
        kind: ``public``, ``private``, ``im`` or ``mpim``.
        creator: The id of who made it.
        created: When, in seconds since 1970.
        members: Ids.
        archived: Nothing may be changed in it.
        topic: The topic.
        purpose: The purpose, which Slack's people see as its description.
        messages: By ``ts``, in order; also replies.
        pins: ``(ts, user, time)`` of what is pinned.
        bookmarks: As Slack answers them.
        previous_names: What it was called before.
        marked: Until where each user has read.
    """

    id: str
    name: str
    kind: Kind
    creator: str
    created: int
    members: list[str] = field(default_factory=list)
    archived: bool = False
    topic: tuple[str, str, int] = ("", "", 0)
    purpose: tuple[str, str, int] = ("", "", 0)
    messages: dict[str, Message] = field(default_factory=dict)
    pins: list[tuple[str, str, int]] = field(default_factory=list)
    bookmarks: list[dict[str, Any]] = field(default_factory=list)
    previous_names: list[str] = field(default_factory=list)
    marked: dict[str, str] = field(default_factory=dict)

    def replies(self, ts: str) -> list[Message]:
        """Return the replies to a message, in order."""
        return [each for each in self.messages.values() if each.thread_ts == ts]

    @property
    def posted(self) -> list[Message]:
        """Its messages, without replies, in order."""
        return [each for each in self.messages.values() if each.thread_ts is None]


@dataclass
class UserGroup:
    """A group of users, which can be mentioned by its handle."""

    id: str
    name: str
    handle: str
    description: str
    created: int
    creator: str
    users: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    disabled: int = 0
    updated: int = 0


@dataclass
class File:
    """An uploaded file.

    Attributes:
        id: ``F...``.
        path: Where its bytes are; None until they came.
        size: How many they are to be.
        sha256: Of the bytes.
        shares: The ``ts`` of the messages that show it, by channel.
    """

    id: str
    name: str
    title: str
    user: str
    size: int
    created: int
    path: Path | None = None
    sha256: str = ""
    complete: bool = False
    snippet_type: str = ""
    alt_text: str = ""
    shares: dict[str, list[str]] = field(default_factory=dict)

    def read(self) -> bytes:
        """Return its bytes."""
        return b"" if self.path is None else self.path.read_bytes()


@dataclass
class Scheduled:
    """A message that is to be posted later."""

    id: str
    channel: str
    post_at: int
    created: int
    user: str
    arguments: dict[str, Any]


@dataclass
class View:
    """A modal or a home tab, as Slack answers it."""

    id: str
    user: str
    payload: dict[str, Any]
    root: str = ""
    previous: str = ""

    @property
    def home(self) -> bool:
        """Whether it is a home tab."""
        return bool(self.payload["type"] == "home")

    @property
    def external_id(self) -> str:
        """The app's own id of it."""
        return str(self.payload.get("external_id", ""))


@dataclass
class Workspace:
    """All that one workspace keeps.

    Attributes:
        id: ``T...``.
        domain: The subdomain of slack.com.
    """

    id: str
    domain: str
    name: str
    users: dict[str, User] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    groups: dict[str, UserGroup] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    scheduled: dict[str, Scheduled] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    ephemeral: list[Message] = field(default_factory=list)
    emoji: dict[str, str] = field(default_factory=dict)
    triggers: dict[str, tuple[str, float]] = field(default_factory=dict)

    def user_named(self, name: str) -> User | None:
        """Return a user by handle."""
        return next((each for each in self.users.values() if each.name == name), None)

    def channel_named(self, name: str) -> Channel | None:
        """Return a channel by name."""
        wanted = name.removeprefix("#")
        found = (each for each in self.channels.values() if each.name and each.name == wanted)
        return next(found, None)

    def messages(self) -> Iterator[Message]:
        """Yield all messages of all channels."""
        for channel in self.channels.values():
            yield from channel.messages.values()
