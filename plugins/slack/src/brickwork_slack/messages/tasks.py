"""Prebuilt tasks on messages: https://docs.slack.dev/messaging."""

from collections.abc import Mapping, Sequence
from typing import Any

from brickwork_slack.blockkit import Block, Message, checked, from_markdown
from brickwork_slack.calls import ask
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.errors import SlackInvalid
from brickwork_slack.messages.models import PostedMessage
from brickwork_slack.messages.posting import destination, post_once, site_of
from brickwork_slack.reading import unless
from brickwork_slack.resolving import channel_id, user_id
from brickwork_slack.tasks import slack_task

Content = str | Message


@slack_task("chat:write")
async def post_message(
    credentials: SlackCredentials,
    channel: str,
    text: Content = "",
    *,
    blocks: Sequence[Block] | None = None,
    attachments: Sequence[Mapping[str, Any]] | None = None,
    markdown: bool = False,
    thread_ts: str | None = None,
    broadcast: bool = False,
    unfurl_links: bool | None = None,
    unfurl_media: bool | None = None,
    username: str | None = None,
    icon_emoji: str | None = None,
    icon_url: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> PostedMessage:
    """Post a message.

    It is not posted twice: where the answer is lost, the conversation is read for the message
    before another is posted. That takes ``channels:history`` and ``metadata.message:read``
    (``groups:history`` in private channels); without them `SlackUncertain` says that nobody knows.
    To a public channel that the app is not in, ``chat:write.public`` lets it post; another name or
    icon takes ``chat:write.customize``. See
    https://docs.slack.dev/reference/methods/chat.postMessage.

    Args:
        credentials: Who posts.
        channel: An id, or the name of a channel; a user's id, ``@name`` or e-mail address for a
            direct message. A token without ``channels:read`` may name public channels, too.
        text: In Slack's markup, or a message of `brickwork_slack.blockkit`. Beside blocks it is
            what notifications show.
        blocks: Blocks, as `brickwork_slack.blockkit` makes them.
        attachments: Secondary content, see
            https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments.
        markdown: Whether the text is Markdown.
        thread_ts: The message to reply to.
        broadcast: Whether to show the reply in the channel, too.
        unfurl_links: Whether to show previews of pages; None: as Slack decides.
        unfurl_media: Whether to show previews of media; None: as Slack decides.
        username: Under another name.
        icon_emoji: With another icon, as ``:package:``.
        icon_url: With another icon, at this address.
        metadata: For apps, as ``{"event_type": ..., "event_payload": {...}}``. With it, a post
            whose answer is lost cannot be found, and is not repeated.

    Returns:
        Where it is; `update_message` and replies take its ``channel`` and ``ts``.

    Raises:
        SlackNotFound: There is no such channel, or it may not be seen.
        SlackDenied: The app is not in the channel, or may not post there.
        SlackInvalid: Slack does not take the content.
        SlackUncertain: Nobody knows whether it was posted.
        SlackError: It cannot be posted.

    Examples:
        >>> posted = post_message(credentials, "#general", "Deployed *1.4*")
        >>> posted.permalink
        'https://....slack.com/archives/C.../p...'
        >>> post_message(credentials, posted.channel, "All green", thread_ts=posted.ts).thread_ts
        '...'
    """
    arguments = {
        "channel": await destination(credentials, channel),
        **content(text, blocks, attachments, markdown=markdown),
        "thread_ts": thread_ts,
        "reply_broadcast": broadcast or None,
        "unfurl_links": unfurl_links,
        "unfurl_media": unfurl_media,
        "username": username,
        "icon_emoji": icon_emoji,
        "icon_url": icon_url,
        "metadata": metadata,
    }
    site = await site_of(credentials)  # before, so that nothing can fail once it is posted
    return PostedMessage.of(await post_once(credentials, arguments), site, thread_ts)


@slack_task("chat:write")
async def update_message(
    credentials: SlackCredentials,
    channel: str,
    ts: str,
    text: Content = "",
    *,
    blocks: Sequence[Block] | None = None,
    attachments: Sequence[Mapping[str, Any]] | None = None,
    markdown: bool = False,
    broadcast: bool = False,
    metadata: Mapping[str, Any] | None = None,
) -> PostedMessage:
    """Change a message of one's own: what it says is then this alone.

    See https://docs.slack.dev/reference/methods/chat.update.

    Args:
        credentials: Who posted it.
        channel: Where it is: the id that `post_message` returned.
        ts: The message.
        text: As in `post_message`.
        blocks: Blocks; an empty list takes away those that are there.
        attachments: Secondary content; an empty list takes away what is there.
        markdown: Whether the text is Markdown.
        broadcast: Show a reply, which was in its thread alone, in the channel, too.
        metadata: For apps, as in `post_message`; None leaves what is there.

    Returns:
        Where it is.

    Raises:
        SlackNotFound: There is no such message.
        SlackDenied: Somebody else posted it.
        SlackInvalid: Slack does not take the content.
        SlackError: It cannot be changed.

    Examples:
        >>> posted = post_message(credentials, "#general", "Deploying")
        >>> update_message(credentials, posted.channel, posted.ts, "Deployed").text
        'Deployed'
    """
    answer = await ask(
        credentials,
        "chat.update",
        channel=await channel_id(credentials, channel),
        ts=ts,
        reply_broadcast=broadcast or None,
        metadata=metadata,
        **content(text, blocks, attachments, markdown=markdown),
    )
    return PostedMessage.of(answer, await site_of(credentials), None)


@slack_task("chat:write")
async def delete_message(credentials: SlackCredentials, channel: str, ts: str) -> None:
    """Delete a message of one's own; one that is gone already is no error.

    See https://docs.slack.dev/reference/methods/chat.delete.

    Args:
        credentials: Who posted it.
        channel: Where it is: the id that `post_message` returned.
        ts: The message.

    Raises:
        SlackDenied: Somebody else posted it.
        SlackError: It cannot be deleted.

    Examples:
        >>> posted = post_message(credentials, "#general", "Oops")
        >>> delete_message(credentials, posted.channel, posted.ts)
    """
    key = await channel_id(credentials, channel)
    with unless("message_not_found"):
        await ask(credentials, "chat.delete", channel=key, ts=ts)


@slack_task("chat:write", retried=False)
async def post_ephemeral(
    credentials: SlackCredentials,
    channel: str,
    user: str,
    text: Content = "",
    *,
    blocks: Sequence[Block] | None = None,
    attachments: Sequence[Mapping[str, Any]] | None = None,
    markdown: bool = False,
    thread_ts: str | None = None,
    username: str | None = None,
    icon_emoji: str | None = None,
    icon_url: str | None = None,
) -> str:
    """Show a message to one member of a channel, until they reload.

    Not retried, since nobody can find out whether it was shown. See
    https://docs.slack.dev/reference/methods/chat.postEphemeral.

    Args:
        credentials: Who posts.
        channel: An id, or the name of a channel.
        user: An id, an e-mail address or ``@name``.
        text: As in `post_message`.
        blocks: Blocks.
        attachments: Secondary content.
        markdown: Whether the text is Markdown.
        thread_ts: In this thread, which must have replies.
        username: Under another name; as in `post_message`.
        icon_emoji: With another icon, as ``:package:``.
        icon_url: With another icon, at this address.

    Returns:
        The ``ts``; nothing takes it, the message cannot be changed.

    Raises:
        SlackNotFound: There is no such channel or user.
        SlackError: It cannot be shown.

    Examples:
        >>> ts = post_ephemeral(credentials, "#general", "@ada", "Only you see this")
    """
    answer = await ask(
        credentials,
        "chat.postEphemeral",
        channel=await destination(credentials, channel),
        user=await user_id(credentials, user),
        thread_ts=thread_ts,
        username=username,
        icon_emoji=icon_emoji,
        icon_url=icon_url,
        **content(text, blocks, attachments, markdown=markdown),
    )
    return str(answer["message_ts"])


@slack_task()
async def get_permalink(credentials: SlackCredentials, channel: str, ts: str) -> str:
    """Return where people find a message.

    See https://docs.slack.dev/reference/methods/chat.getPermalink.

    Args:
        credentials: Who asks.
        channel: Where it is.
        ts: The message.

    Raises:
        SlackNotFound: There is no such message, or it may not be seen.
        SlackError: Slack does not say it.

    Examples:
        >>> posted = post_message(credentials, "#general", "Deployed")
        >>> get_permalink(credentials, posted.channel, posted.ts) == posted.permalink
        True
    """
    key = await channel_id(credentials, channel)
    answer = await ask(credentials, "chat.getPermalink", channel=key, message_ts=ts)
    return str(answer["permalink"])


def content(
    text: Content,
    blocks: Sequence[Block] | None,
    attachments: Sequence[Mapping[str, Any]] | None,
    *,
    markdown: bool,
) -> dict[str, Any]:
    """Return what a message says, as arguments of ``chat.postMessage`` and its like.

    Raises:
        SlackInvalid: It says nothing, it has blocks twice, or they do not keep Slack's limits.
    """
    if isinstance(text, Message):
        if blocks is not None or markdown:
            raise SlackInvalid(
                "A message of blockkit has its blocks and its markup.",
                fix="Leave out blocks and markdown, or give a text.",
            )
        return {**text.arguments(), "attachments": attachments}
    if not text.strip() and not blocks and not attachments:
        raise SlackInvalid("The message says nothing.", fix="Give a text or blocks.")
    said = str(from_markdown(text)) if markdown else text
    return {
        "text": said or None,
        "blocks": checked(blocks) if blocks else blocks,
        "attachments": attachments,
    }
