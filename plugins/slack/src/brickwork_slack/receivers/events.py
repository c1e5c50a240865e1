"""What happens in a workspace: the Events API.

https://docs.slack.dev/apis/events-api/ and https://docs.slack.dev/reference/events
"""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from brickwork import register_type
from brickwork_slack.receivers.request import Hidden, Moment, Part, SlackRequest, Text, at


@register_type("slack.event")
class SlackEvent(SlackRequest):
    """Something that happened; an event without a class of its own is one of these.

    Attributes:
        type: Slack's name of the event: ``channel_archive``.
        subtype: What kind of it, where it has kinds: ``bot_message``.
        user: The id of who did it, or whom it is about.
        channel: The id of the channel.
        ts: What Slack knows the message by, or the event itself.
        occurred_at: When it happened.
        retry: How often Slack tried to send it before.
        retry_reason: Why it is sent again: ``http_timeout``, ``http_error`` ...; else empty.
    """

    type: str = at("event.type", "type", default=...)
    subtype: Text = at("event.subtype")
    user: Text = at("event.user.id", "event.user", "event.user_id")
    channel: Text = at(
        "event.channel.id", "event.channel", "event.channel_id", "event.item.channel"
    )
    ts: Text = at("event.ts", "event.item.ts", "event.message_ts", "event.event_ts")
    occurred_at: Moment = at("event_time")
    given_id: str = Field("", validation_alias="event_id", repr=False)
    retry: int = Field(0, validation_alias="brickwork_retry")
    retry_reason: str = Field("", validation_alias="brickwork_retry_reason")

    @property
    def event_id(self) -> str:
        """Slack's id of the event: the same when it is sent again."""
        return self.given_id

    @property
    def handled_by(self) -> tuple[str, ...]:
        """``message:file_share``, and ``message``."""
        return (f"{self.type}:{self.subtype}", self.type) if self.subtype else (self.type,)


@register_type("slack.message-event")
class MessageEvent(SlackEvent):
    """A message was sent, or with a ``subtype`` changed, deleted, or something else.

    https://docs.slack.dev/reference/events/message

    Attributes:
        text: The text, in mrkdwn; that of the changed message for ``message_changed``.
        ts: What Slack knows the message by; for ``message_changed`` and ``message_deleted`` that
            of the message that was.
        thread_ts: The ``ts`` of the message that began the thread; None outside of threads.
        channel_type: ``channel``, ``group``, ``im``, ``mpim`` or ``app_home``.
        bot_id: The id of the bot that sent it; None for people.
        files: The files, as Slack describes them.
        blocks: The blocks.
    """

    user: Text = at("event.user", "event.message.user", "event.previous_message.user")
    text: str = at("event.text", "event.message.text", default="")
    ts: Text = at("event.deleted_ts", "event.message.ts", "event.ts")
    thread_ts: Text = at("event.thread_ts", "event.message.thread_ts")
    channel_type: Text = at("event.channel_type")
    bot_id: Text = at("event.bot_id", "event.message.bot_id")
    files: tuple[Mapping[str, Any], ...] = at("event.files", "event.message.files", default=())
    blocks: tuple[Mapping[str, Any], ...] = at("event.blocks", "event.message.blocks", default=())

    @property
    def from_bot(self) -> bool:
        """Whether a bot sent it: answering those, two bots may never end."""
        return self.bot_id is not None or self.subtype == "bot_message"

    @property
    def thread(self) -> str | None:
        """The thread to answer in: the one it is in, or the one that it could begin."""
        return self.thread_ts or self.ts


@register_type("slack.app-mention-event")
class AppMentionEvent(MessageEvent):
    """Somebody wrote to the app: ``@app do it``.

    https://docs.slack.dev/reference/events/app_mention
    """

    @property
    def request(self) -> str:
        """The text without the mention that it begins with."""
        text = self.text.strip()
        head, _, tail = text.partition(">")
        return tail.strip() if head.startswith("<@") else text


@register_type("slack.reaction-event")
class ReactionEvent(SlackEvent):
    """A reaction was added or removed: ``reaction_added``, ``reaction_removed``.

    https://docs.slack.dev/reference/events/reaction_added

    Attributes:
        reaction: The emoji's name, without colons.
        item_type: ``message``, nearly always.
        item_user: The id of who wrote the message.
    """

    reaction: str = at("event.reaction", default=...)
    item_type: Text = at("event.item.type")
    item_user: Text = at("event.item_user")


@register_type("slack.member-event")
class MemberEvent(SlackEvent):
    """Somebody joined or left a channel: ``member_joined_channel``, ``member_left_channel``.

    https://docs.slack.dev/reference/events/member_joined_channel

    Attributes:
        inviter: The id of who invited; None for who came by themselves.
        channel_type: ``C`` for a public channel, ``G`` for a private one.
    """

    inviter: Text = at("event.inviter")
    channel_type: Text = at("event.channel_type")


@register_type("slack.channel-event")
class ChannelEvent(SlackEvent):
    """A channel was made, renamed, archived, taken out of the archive, or deleted.

    https://docs.slack.dev/reference/events/channel_created

    Attributes:
        name: The channel's name, the new one; None for what says only which channel.
        user: The id of who did it; for ``channel_created`` of who made it.
    """

    user: Text = at("event.user", "event.channel.creator")
    name: Text = at("event.channel.name")


@register_type("slack.app-home-opened-event")
class AppHomeOpenedEvent(SlackEvent):
    """Somebody looks at the app's home.

    https://docs.slack.dev/reference/events/app_home_opened

    Attributes:
        tab: ``home`` or ``messages``.
        view: The view that stands there; None for none.
    """

    tab: Text = at("event.tab")
    view: Mapping[str, Any] | None = at("event.view")


@register_type("slack.file-event")
class FileEvent(SlackEvent):
    """A file was shared, made, changed or deleted: ``file_shared`` ...

    https://docs.slack.dev/reference/events/file_shared

    Attributes:
        file_id: The file's id.
    """

    file_id: str = at("event.file_id", "event.file.id", default=...)


@register_type("slack.pin-event")
class PinEvent(SlackEvent):
    """Something was pinned, or is no longer: ``pin_added``, ``pin_removed``.

    https://docs.slack.dev/reference/events/pin_added

    Attributes:
        ts: What Slack knows the pinned message by.
    """

    ts: Text = at("event.item.message.ts", "event.item.ts")


@register_type("slack.shared-link")
class SharedLink(Part):
    """A link in a message.

    Attributes:
        url: The link.
        domain: Its domain, as the app is registered for it.
    """

    url: str
    domain: str = ""


@register_type("slack.link-shared-event")
class LinkSharedEvent(SlackEvent):
    """Somebody wrote a link that the app can unfurl.

    https://docs.slack.dev/reference/events/link_shared

    Attributes:
        links: The links.
        unfurl_id: What to hand to ``chat.unfurl``.
        source: Where the message is: ``conversations_history`` or ``composer``.
    """

    links: tuple[SharedLink, ...] = at("event.links", default=())
    unfurl_id: Text = at("event.unfurl_id")
    source: Text = at("event.source")


@register_type("slack.user-event")
class UserEvent(SlackEvent):
    """Somebody joined the workspace, or changed: ``team_join``, ``user_change`` ...

    https://docs.slack.dev/reference/events/team_join

    Attributes:
        name: The user's name.
        email: The address, with the scope ``users:read.email``.
        deleted: Whether the user was deactivated.
        is_bot: Whether it is a bot.
    """

    name: Text = at("event.user.name")
    email: Text = at("event.user.profile.email")
    deleted: bool = at("event.user.deleted", default=False)
    is_bot: bool = at("event.user.is_bot", default=False)


@register_type("slack.function-executed-event")
class FunctionExecutedEvent(SlackEvent):
    """A workflow wants a step of the app done.

    https://docs.slack.dev/reference/events/function_executed

    Attributes:
        function: The step's callback id.
        execution_id: What ``functions.completeSuccess`` and ``completeError`` are told.
        inputs: What the workflow hands to it.
        token: The token that the step is done with; it is good for a while only.
    """

    function: Text = at("event.function.callback_id")
    execution_id: str = at("event.function_execution_id", default=...)
    inputs: Mapping[str, Any] = at("event.inputs", default={})
    token: Hidden = at("event.bot_access_token")

    subtype: Text = at("event.function.callback_id")


EVENTS: Mapping[str, type[SlackEvent]] = {
    "app_home_opened": AppHomeOpenedEvent,
    "app_mention": AppMentionEvent,
    "channel_archive": ChannelEvent,
    "channel_created": ChannelEvent,
    "channel_deleted": ChannelEvent,
    "channel_rename": ChannelEvent,
    "channel_unarchive": ChannelEvent,
    "file_change": FileEvent,
    "file_created": FileEvent,
    "file_deleted": FileEvent,
    "file_public": FileEvent,
    "file_shared": FileEvent,
    "file_unshared": FileEvent,
    "function_executed": FunctionExecutedEvent,
    "group_archive": ChannelEvent,
    "group_deleted": ChannelEvent,
    "group_rename": ChannelEvent,
    "group_unarchive": ChannelEvent,
    "link_shared": LinkSharedEvent,
    "member_joined_channel": MemberEvent,
    "member_left_channel": MemberEvent,
    "message": MessageEvent,
    "pin_added": PinEvent,
    "pin_removed": PinEvent,
    "reaction_added": ReactionEvent,
    "reaction_removed": ReactionEvent,
    "team_join": UserEvent,
    "user_change": UserEvent,
    "user_profile_changed": UserEvent,
    "user_status_changed": UserEvent,
}
"""The class of each event that has one of its own, by Slack's name of the event."""
