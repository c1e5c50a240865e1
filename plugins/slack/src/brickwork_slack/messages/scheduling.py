"""Prebuilt tasks on messages that are posted later."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from brickwork_slack.blockkit import Block
from brickwork_slack.calls import ask, everything
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.messages.models import ScheduledMessage
from brickwork_slack.messages.posting import destination
from brickwork_slack.messages.tasks import Content, content
from brickwork_slack.reading import ts_of, unless, whole_seconds
from brickwork_slack.resolving import channel_id
from brickwork_slack.tasks import slack_task


@slack_task("chat:write", retried=False)
async def schedule_message(
    credentials: SlackCredentials,
    channel: str,
    post_at: datetime,
    text: Content = "",
    *,
    blocks: Sequence[Block] | None = None,
    attachments: Sequence[Mapping[str, Any]] | None = None,
    markdown: bool = False,
    thread_ts: str | None = None,
    broadcast: bool = False,
    unfurl_links: bool | None = None,
    unfurl_media: bool | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> ScheduledMessage:
    """Post a message later, at most 120 days ahead.

    Not retried, since Slack would post it twice; where the answer is lost, look at
    `list_scheduled_messages`. See https://docs.slack.dev/reference/methods/chat.scheduleMessage.

    Args:
        credentials: Who posts.
        channel: An id, or the name of a channel.
        post_at: When, with a time zone.
        text: As in `post_message`.
        blocks: Blocks.
        attachments: Secondary content.
        markdown: Whether the text is Markdown.
        thread_ts: The message to reply to.
        broadcast: Whether to show the reply in the channel, too.
        unfurl_links: Whether to show previews of pages; None: as Slack decides.
        unfurl_media: Whether to show previews of media; None: as Slack decides.
        metadata: For apps, as in `post_message`.

    Returns:
        The message; `delete_scheduled_message` takes its ``id``.

    Raises:
        SlackInvalid: The time has no zone, is not to come, or too far.
        SlackNotFound: There is no such channel, or it may not be seen.
        SlackUncertain: Nobody knows whether it was scheduled.
        SlackError: It cannot be scheduled.

    Examples:
        >>> from datetime import UTC, datetime, timedelta
        >>> tomorrow = datetime.now(UTC) + timedelta(days=1)
        >>> scheduled = schedule_message(credentials, "#general", tomorrow, "Good morning")
        >>> delete_scheduled_message(credentials, scheduled.channel, scheduled.id)
    """
    answer = await ask(
        credentials,
        "chat.scheduleMessage",
        channel=await destination(credentials, channel),
        post_at=whole_seconds(post_at),
        thread_ts=thread_ts,
        reply_broadcast=broadcast or None,
        unfurl_links=unfurl_links,
        unfurl_media=unfurl_media,
        metadata=metadata,
        **content(text, blocks, attachments, markdown=markdown),
    )
    said = (answer.get("message") or {}).get("text")
    when = datetime.fromtimestamp(int(answer["post_at"]), UTC)
    key = str(answer["scheduled_message_id"])
    return ScheduledMessage(key, str(answer["channel"]), when, str(said or ""))


@slack_task()
async def list_scheduled_messages(
    credentials: SlackCredentials,
    *,
    channel: str | None = None,
    oldest: datetime | None = None,
    latest: datetime | None = None,
    limit: int | None = None,
) -> list[ScheduledMessage]:
    """List the messages that these credentials have scheduled.

    See https://docs.slack.dev/reference/methods/chat.scheduledMessages.list.

    Args:
        credentials: Whose.
        channel: Only those for this conversation.
        oldest: Only those that are posted later than this.
        latest: Only those that are posted earlier.
        limit: At most so many; None: all.

    Raises:
        SlackNotFound: There is no such channel, or it may not be seen.
        SlackError: They cannot be listed.

    Examples:
        >>> list_scheduled_messages(credentials, channel="#random")
        []
    """
    found = await everything(
        credentials,
        "chat.scheduledMessages.list",
        "scheduled_messages",
        limit=limit,
        channel=None if channel is None else await channel_id(credentials, channel),
        oldest=ts_of(oldest),
        latest=ts_of(latest),
    )
    return [ScheduledMessage.of(each) for each in found]


@slack_task("chat:write")
async def delete_scheduled_message(
    credentials: SlackCredentials, channel: str, scheduled_id: str
) -> None:
    """Let a message not be posted; one that is not scheduled any more is no error.

    See https://docs.slack.dev/reference/methods/chat.deleteScheduledMessage.

    Args:
        credentials: Who scheduled it.
        channel: For which conversation it is.
        scheduled_id: The message.

    Raises:
        SlackNotFound: There is no such channel, or it may not be seen.
        SlackError: It cannot be taken back.

    Examples:
        >>> delete_scheduled_message(credentials, "#general", "Q1298393284")
    """
    key = await channel_id(credentials, channel)
    with unless("invalid_scheduled_message_id"):
        await ask(
            credentials,
            "chat.deleteScheduledMessage",
            channel=key,
            scheduled_message_id=scheduled_id,
        )
