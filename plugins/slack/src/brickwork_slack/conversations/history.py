"""Prebuilt tasks that read messages: https://docs.slack.dev/messaging/retrieving-messages.

What holds for both: Slack lets apps that are sold outside its marketplace ask once a minute for 15
messages; other apps 50 times a minute. That is waited out. See
https://docs.slack.dev/apis/web-api/rate-limits.
"""

from datetime import datetime

from brickwork_slack.calls import everything
from brickwork_slack.conversations.models import ChannelMessage
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.reading import ts_of
from brickwork_slack.resolving import channel_id
from brickwork_slack.tasks import slack_task


@slack_task("channels:history")
async def read_history(
    credentials: SlackCredentials,
    channel: str,
    *,
    oldest: datetime | str | None = None,
    latest: datetime | str | None = None,
    inclusive: bool = False,
    metadata: bool = False,
    limit: int | None = None,
) -> list[ChannelMessage]:
    """Read the messages of a conversation, the newest first.

    Replies are read by `read_replies`. For a private channel the token needs ``groups:history``,
    for direct messages ``im:history`` and ``mpim:history``. See
    https://docs.slack.dev/reference/methods/conversations.history.

    Args:
        credentials: Whose; the owner must be in the conversation.
        channel: An id, or the name of a channel.
        oldest: Only later ones: a time with a zone, or the ``ts`` of a message.
        latest: Only earlier ones, likewise.
        inclusive: Also those at exactly these times.
        metadata: With what apps attached; that takes ``metadata.message:read``.
        limit: At most so many, the newest; None: all.

    Returns:
        The messages, without replies that are not shown in the channel.

    Raises:
        SlackNotFound: There is no such conversation, or it may not be seen.
        SlackDenied: The token's owner is not in it.
        SlackError: They cannot be read.

    Examples:
        >>> for message in read_history(credentials, "#general", limit=2):
        ...     print(message.text, message.reply_count)
        Done 0
        Deploying 1
    """
    found = await everything(
        credentials,
        "conversations.history",
        "messages",
        limit=limit,
        channel=(key := await channel_id(credentials, channel)),
        oldest=ts_of(oldest),
        latest=ts_of(latest),
        inclusive=inclusive or None,
        include_all_metadata=metadata or None,
    )
    return [ChannelMessage.of(key, each) for each in found]


@slack_task("channels:history")
async def read_replies(
    credentials: SlackCredentials,
    channel: str,
    ts: str,
    *,
    oldest: datetime | str | None = None,
    latest: datetime | str | None = None,
    inclusive: bool = False,
    metadata: bool = False,
    limit: int | None = None,
) -> list[ChannelMessage]:
    """Read a thread: the message that began it, and its replies, the oldest first.

    For a private channel the token needs ``groups:history``, for direct messages ``im:history``
    and ``mpim:history``. See https://docs.slack.dev/reference/methods/conversations.replies.

    Args:
        credentials: Whose; the owner must be in the conversation.
        channel: An id, or the name of a channel.
        ts: The message that began the thread, or a reply.
        oldest: Only later replies: a time with a zone, or the ``ts`` of a message.
        latest: Only earlier replies, likewise.
        inclusive: Also those at exactly these times.
        metadata: With what apps attached; that takes ``metadata.message:read``.
        limit: At most so many messages, with the first; None: all.

    Returns:
        The messages; the first is the one that began the thread, whatever the times.

    Raises:
        SlackNotFound: There is no such conversation, or no such message.
        SlackDenied: The token's owner is not in it.
        SlackError: They cannot be read.

    Examples:
        >>> [message.text for message in read_replies(credentials, "#general", ts)]
        ['Deploying', 'Half way']
    """
    found = await everything(
        credentials,
        "conversations.replies",
        "messages",
        limit=limit,
        channel=(key := await channel_id(credentials, channel)),
        ts=ts,
        oldest=ts_of(oldest),
        latest=ts_of(latest),
        inclusive=inclusive or None,
        include_all_metadata=metadata or None,
    )
    return [ChannelMessage.of(key, each) for each in found]
