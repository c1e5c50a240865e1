"""Prebuilt tasks on who is in a conversation.

See https://docs.slack.dev/reference/methods?family=conversations.
"""

from brickwork_slack.calls import ask, everything
from brickwork_slack.conversations.models import Conversation, DirectMessage
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.errors import SlackError, SlackInvalid
from brickwork_slack.resolving import channel_id, user_id, user_ids
from brickwork_slack.tasks import slack_task

_MOST_DIRECT = 8
"""With how many one may have a direct message."""

_MOST_INVITED = 1000
"""How many Slack takes in a call."""

_THERE = frozenset({"already_in_channel", "cant_invite_self"})
"""What Slack says of who is in a channel; one who may invite is."""


@slack_task("channels:read")
async def list_conversation_members(
    credentials: SlackCredentials, channel: str, *, limit: int | None = None
) -> list[str]:
    """List who is in a conversation.

    For a private channel the token needs ``groups:read``, for direct messages ``im:read`` and
    ``mpim:read``. See https://docs.slack.dev/reference/methods/conversations.members.

    Args:
        credentials: Whose.
        channel: An id, or the name of a channel.
        limit: At most so many; None: all.

    Returns:
        The ids of the members; `get_user` and `list_users` say who they are.

    Raises:
        SlackNotFound: There is no such conversation, or it may not be seen.
        SlackError: They cannot be read.

    Examples:
        >>> members = list_conversation_members(credentials, "#general")
        >>> user in members, len(members)
        (True, 2)
    """
    return await _members(credentials, await channel_id(credentials, channel), limit)


@slack_task("channels:write.invites", "channels:read")
async def invite_to_conversation(
    credentials: SlackCredentials, channel: str, users: list[str]
) -> list[str]:
    """Bring users into a channel; no error for those who are there.

    If somebody cannot be invited, nobody is. For a private channel the token needs
    ``groups:write.invites``. See https://docs.slack.dev/reference/methods/conversations.invite.

    Args:
        credentials: Whose; the owner must be in the channel.
        channel: An id, or the name of a channel.
        users: Whom: ids, ``@names`` or e-mail addresses, at most 1,000.

    Returns:
        The ids of those who were not there before.

    Raises:
        SlackNotFound: There is no such channel, or no such user.
        SlackDenied: The token's owner is not in the channel, or may not invite.
        SlackError: They were not invited.

    Examples:
        >>> invite_to_conversation(credentials, channel, ["grace@example.com"]) == [user]
        True
    """
    key = await channel_id(credentials, channel)
    wanted = await user_ids(credentials, users)
    if len(wanted) > _MOST_INVITED:
        raise _too_many("conversations.invite", _MOST_INVITED)
    try:
        await _invite(credentials, key, wanted)
    except SlackError as error:
        if error.error not in _THERE:
            raise
        there = set(await _members(credentials, key))
        wanted = [each for each in wanted if each not in there]
        await _invite(credentials, key, wanted)
    return wanted


async def _invite(credentials: SlackCredentials, key: str, users: list[str]) -> None:
    if users:
        await ask(credentials, "conversations.invite", channel=key, users=",".join(users))


@slack_task("channels:manage", "channels:read")
async def kick_from_conversation(credentials: SlackCredentials, channel: str, user: str) -> None:
    """Put a user out of a channel; no error if they are not in it.

    For a private channel the token needs ``groups:write``. See
    https://docs.slack.dev/reference/methods/conversations.kick.

    Args:
        credentials: Whose; the owner must be in the channel.
        channel: An id, or the name of a channel.
        user: Whom: an id, ``@name`` or an e-mail address.

    Raises:
        SlackNotFound: There is no such channel, or no such user.
        SlackDenied: The token's owner is not in the channel, or may not do it.
        SlackError: They are still in it; nobody can be put out of the general channel.

    Examples:
        >>> kick_from_conversation(credentials, channel, "@ada")
    """
    key, who = await channel_id(credentials, channel), await user_id(credentials, user)
    try:
        await ask(credentials, "conversations.kick", channel=key, user=who)
    except SlackError as error:
        # Slack says the same of who is to be put out, and of who asks for it.
        if error.error != "not_in_channel" or who in await _members(credentials, key):
            raise


@slack_task("channels:join")
async def join_conversation(credentials: SlackCredentials, channel: str) -> Conversation:
    """Let the token's owner be in a public channel; no error if they are.

    Into a private channel they have to be invited. See
    https://docs.slack.dev/reference/methods/conversations.join.

    Args:
        credentials: Whose.
        channel: An id, or the name of a channel.

    Returns:
        The channel.

    Raises:
        SlackNotFound: There is no such channel.
        SlackConflict: It is archived.
        SlackError: They are not in it.

    Examples:
        >>> join_conversation(credentials, "#random").is_member
        True
    """
    key = await channel_id(credentials, channel)
    answer = await ask(credentials, "conversations.join", channel=key)
    return Conversation.of(answer["channel"])


@slack_task("channels:manage")
async def leave_conversation(credentials: SlackCredentials, channel: str) -> None:
    """Let the token's owner be in a channel no longer; no error if they are not.

    For a private channel the token needs ``groups:write``. See
    https://docs.slack.dev/reference/methods/conversations.leave.

    Args:
        credentials: Whose.
        channel: An id, or the name of a channel.

    Raises:
        SlackNotFound: There is no such channel.
        SlackError: They are still in it; nobody can leave the general channel.

    Examples:
        >>> leave_conversation(credentials, channel)
    """
    key = await channel_id(credentials, channel)
    await ask(credentials, "conversations.leave", channel=key)


@slack_task("im:write", "mpim:write")
async def open_conversation(credentials: SlackCredentials, users: list[str]) -> DirectMessage:
    """Open a direct message with a user, or with several; the same people have the same one.

    See https://docs.slack.dev/reference/methods/conversations.open.

    Args:
        credentials: Whose; the owner is in it beside the users.
        users: With whom: one to eight ids, ``@names`` or e-mail addresses.

    Returns:
        The direct message, to whose id messages can be posted.

    Raises:
        SlackNotFound: There is no such user.
        SlackInvalid: It is nobody, or more than eight.
        SlackError: It was not opened.

    Examples:
        >>> open_conversation(credentials, ["ada@example.com"]).users == (user,)
        True
    """
    wanted = await user_ids(credentials, users)
    if not 1 <= len(wanted) <= _MOST_DIRECT:
        raise _too_many("conversations.open", _MOST_DIRECT)
    answer = await ask(credentials, "conversations.open", users=",".join(wanted))
    return DirectMessage(answer["channel"]["id"], tuple(wanted))


@slack_task("im:write", "mpim:write")
async def close_conversation(credentials: SlackCredentials, channel: str) -> None:
    """Put a direct message away: it is shown in no list until somebody writes in it.

    No error if it is away. Its messages are kept. See
    https://docs.slack.dev/reference/methods/conversations.close.

    Args:
        credentials: Whose.
        channel: The id of the direct message.

    Raises:
        SlackNotFound: There is none.
        SlackError: It was not put away; a channel cannot be.

    Examples:
        >>> close_conversation(credentials, channel)
    """
    key = await channel_id(credentials, channel)
    await ask(credentials, "conversations.close", channel=key)


@slack_task("channels:manage")
async def mark_conversation(credentials: SlackCredentials, channel: str, ts: str) -> None:
    """Say until where the token's owner has read; later messages are shown as new.

    For a private channel the token needs ``groups:write``, for direct messages ``im:write`` and
    ``mpim:write``. See https://docs.slack.dev/reference/methods/conversations.mark.

    Args:
        credentials: Whose.
        channel: An id, or the name of a channel.
        ts: The last message that was read.

    Raises:
        SlackNotFound: There is no such conversation.
        SlackError: It was not marked.

    Examples:
        >>> mark_conversation(credentials, channel, ts)
    """
    key = await channel_id(credentials, channel)
    await ask(credentials, "conversations.mark", channel=key, ts=ts)


async def _members(credentials: SlackCredentials, key: str, limit: int | None = None) -> list[str]:
    return await everything(
        credentials, "conversations.members", "members", limit=limit, channel=key
    )


def _too_many(method: str, most: int) -> SlackInvalid:
    error = SlackInvalid(f"{method} takes 1 to {most:,} users.", fix="Give them in several calls.")
    error.method = method
    return error
