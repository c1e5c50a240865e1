"""Prebuilt tasks on channels: https://docs.slack.dev/reference/methods?family=conversations."""

from typing import Any, Literal

from brickwork_slack.calls import ask, everything
from brickwork_slack.conversations.models import Conversation, ConversationKind
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.errors import SlackConflict, SlackError, SlackNotFound, SlackUncertain
from brickwork_slack.reading import unless
from brickwork_slack.resolving import channel_id, forget, user_id
from brickwork_slack.tasks import slack_task


@slack_task("channels:read")
async def list_conversations(
    credentials: SlackCredentials,
    *,
    kinds: list[ConversationKind] | None = None,
    user: str | None = None,
    archived: bool = False,
    limit: int | None = None,
) -> list[Conversation]:
    """List the conversations that the token may see, or those that a user is in.

    For private channels the token needs ``groups:read``, for direct messages ``im:read`` and
    ``mpim:read``. See https://docs.slack.dev/reference/methods/conversations.list and
    https://docs.slack.dev/reference/methods/users.conversations.

    Args:
        credentials: Whose.
        kinds: ``public_channel``, ``private_channel``, ``mpim``, ``im``; None: public channels.
        user: Only those that this user is in: an id, ``@name`` or an e-mail address.
        archived: Also those that are archived.
        limit: At most so many; None: all.

    Returns:
        The conversations. With ``user``, Slack says neither how many are in them, nor whether the
        token's owner is.

    Raises:
        SlackDenied: The token lacks a scope for one of the kinds.
        SlackError: They cannot be read.

    Examples:
        >>> for channel in list_conversations(credentials):
        ...     print(channel.name, channel.is_member)
        general True
        random False
    """
    asked: dict[str, Any] = {
        "types": ",".join(kinds or ["public_channel"]),
        "exclude_archived": not archived,
    }
    method = "conversations.list"
    if user is not None:
        method, asked["user"] = "users.conversations", await user_id(credentials, user)
    found = await everything(credentials, method, "channels", limit=limit, **asked)
    return [Conversation.of(each) for each in found]


@slack_task("channels:read")
async def get_conversation(credentials: SlackCredentials, channel: str) -> Conversation:
    """Read what Slack knows of a conversation.

    For a private channel the token needs ``groups:read``, for direct messages ``im:read`` and
    ``mpim:read``. See https://docs.slack.dev/reference/methods/conversations.info.

    Args:
        credentials: Whose.
        channel: An id, or the name of a channel.

    Returns:
        The conversation, with the number of its members.

    Raises:
        SlackNotFound: There is none, or it is private and the token's owner is not in it.
        SlackError: It cannot be read.

    Examples:
        >>> found = get_conversation(credentials, "#general")
        >>> found.name, found.kind, found.member_count
        ('general', 'public_channel', 2)
    """
    return await _info(credentials, await channel_id(credentials, channel))


@slack_task("channels:manage", "channels:read")
async def create_conversation(
    credentials: SlackCredentials,
    name: str,
    *,
    private: bool = False,
    if_exists: Literal["error", "use"] = "error",
) -> Conversation:
    """Make a channel; the token's owner is in it.

    For a private one the token needs ``groups:write``. See
    https://docs.slack.dev/reference/methods/conversations.create.

    Args:
        credentials: Whose.
        name: Its name: at most 80 small letters, digits, hyphens and underscores; a ``#`` before
            it does not matter.
        private: Let only those see it who are in it.
        if_exists: ``use`` returns the channel that has this name, as it is: it may be of the other
            kind, and the token's owner need not be in it. For a private one that takes
            ``groups:read``.

    Returns:
        The channel.

    Raises:
        SlackConflict: The name is taken; with ``use``, by a channel that is archived or not seen.
        SlackInvalid: It is no name for a channel.
        SlackError: It was not made.

    Examples:
        >>> create_conversation(credentials, "incident-42", if_exists="use").name
        'incident-42'
    """
    name = name.removeprefix("#")
    try:
        made = await ask(credentials, "conversations.create", name=name, is_private=private)
    except (SlackConflict, SlackUncertain) as error:
        maybe_there = error.error == "name_taken" or isinstance(error, SlackUncertain)
        if if_exists != "use" or not maybe_there:
            raise
        problem = error
    else:
        forget(credentials, "channel")
        return Conversation.of(made["channel"])
    return await _usable(credentials, name, problem)


async def _usable(credentials: SlackCredentials, name: str, problem: SlackError) -> Conversation:
    """Return the channel that has a name; if nobody may use it, raise what was the problem."""
    forget(credentials, "channel")
    try:
        found = await _info(credentials, await channel_id(credentials, f"#{name}"))
    except SlackNotFound:
        if isinstance(problem, SlackConflict):
            problem.fix = "Take another name: this one is of a private channel that is not seen."
        raise problem from None
    if found.is_archived:
        problem.fix = f"Take another name, or unarchive {found.id}, which has this one."
        raise problem
    return found


@slack_task("channels:manage", "channels:read")
async def rename_conversation(
    credentials: SlackCredentials, channel: str, name: str
) -> Conversation:
    """Give a channel another name; no error if it has that name already.

    Only who made it may do it, and those who administer the workspace. For a private channel the
    token needs ``groups:write``. See https://docs.slack.dev/reference/methods/conversations.rename.

    Args:
        credentials: Whose.
        channel: An id, or the name of a channel.
        name: As for a new channel. Slack may change it a little to make it fit.

    Returns:
        The channel, with its new name.

    Raises:
        SlackNotFound: There is no such channel.
        SlackConflict: Another channel has the name.
        SlackDenied: The token's owner may not do it.
        SlackError: It was not renamed.

    Examples:
        >>> rename_conversation(credentials, channel, "announcements").name
        'announcements'
    """
    key, name = await channel_id(credentials, channel), name.removeprefix("#")
    try:
        answer = await ask(credentials, "conversations.rename", channel=key, name=name)
    except SlackConflict as error:
        found = await _info(credentials, key) if error.error == "name_taken" else None
        if found is None or found.name != name:
            raise
        return found
    forget(credentials, "channel")
    return Conversation.of(answer["channel"])


@slack_task("channels:manage")
async def archive_conversation(credentials: SlackCredentials, channel: str) -> None:
    """Close a channel: it can be read, and nothing can be posted; no error if it is closed.

    For a private channel the token needs ``groups:write``. See
    https://docs.slack.dev/reference/methods/conversations.archive.

    Args:
        credentials: Whose.
        channel: An id, or the name of a channel.

    Raises:
        SlackNotFound: There is no such channel.
        SlackError: It was not closed; the general channel cannot be.

    Examples:
        >>> archive_conversation(credentials, channel)
    """
    key = await channel_id(credentials, channel)
    with unless("already_archived"):
        await ask(credentials, "conversations.archive", channel=key)


@slack_task("channels:write")
async def unarchive_conversation(credentials: SlackCredentials, channel: str) -> None:
    """Open an archived channel again; no error if it is open.

    Slack lets only people do it, not bots: the token is a user's. For a private channel it needs
    ``groups:write``. See https://docs.slack.dev/reference/methods/conversations.unarchive.

    Args:
        credentials: A person's.
        channel: An id, or the name of a channel.

    Raises:
        SlackNotFound: There is no such channel.
        SlackError: It was not opened.

    Examples:
        >>> unarchive_conversation(credentials, channel)
    """
    key = await channel_id(credentials, channel)
    with unless("not_archived"):
        await ask(credentials, "conversations.unarchive", channel=key)


@slack_task("channels:write.topic")
async def set_conversation_topic(
    credentials: SlackCredentials, channel: str, topic: str
) -> Conversation:
    """Say what a conversation is about now; people see it at its top.

    For a private channel the token needs ``groups:write.topic``. See
    https://docs.slack.dev/reference/methods/conversations.setTopic.

    Args:
        credentials: Whose.
        channel: An id, or the name of a channel.
        topic: At most 250 characters; an empty one takes it away.

    Returns:
        The conversation.

    Raises:
        SlackNotFound: There is no such channel.
        SlackDenied: The token's owner is not in it.
        SlackError: It was not set.

    Examples:
        >>> set_conversation_topic(credentials, channel, "Release 4.2 on Thursday").topic
        'Release 4.2 on Thursday'
    """
    key = await channel_id(credentials, channel)
    answer = await ask(credentials, "conversations.setTopic", channel=key, topic=topic)
    return Conversation.of(answer["channel"])


@slack_task("channels:write.topic")
async def set_conversation_purpose(
    credentials: SlackCredentials, channel: str, purpose: str
) -> Conversation:
    """Say what a conversation is for; people see it as its description.

    For a private channel the token needs ``groups:write.topic``. See
    https://docs.slack.dev/reference/methods/conversations.setPurpose.

    Args:
        credentials: Whose.
        channel: An id, or the name of a channel.
        purpose: At most 250 characters; an empty one takes it away.

    Returns:
        The conversation.

    Raises:
        SlackNotFound: There is no such channel.
        SlackDenied: The token's owner is not in it.
        SlackError: It was not set.

    Examples:
        >>> set_conversation_purpose(credentials, channel, "All about releases").purpose
        'All about releases'
    """
    key = await channel_id(credentials, channel)
    answer = await ask(credentials, "conversations.setPurpose", channel=key, purpose=purpose)
    return Conversation.of(answer["channel"])


async def _info(credentials: SlackCredentials, key: str) -> Conversation:
    answer = await ask(credentials, "conversations.info", channel=key, include_num_members=True)
    return Conversation.of(answer["channel"])
