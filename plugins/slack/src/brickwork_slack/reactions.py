"""Prebuilt tasks on reactions: https://docs.slack.dev/reference/methods?family=reactions."""

from brickwork_slack.calls import ask, everything
from brickwork_slack.conversations.models import ChannelMessage, ReactionCount
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.reading import unless
from brickwork_slack.resolving import channel_id, user_id
from brickwork_slack.tasks import slack_task


@slack_task("reactions:write")
async def add_reaction(credentials: SlackCredentials, channel: str, ts: str, name: str) -> None:
    """React to a message with an emoji; no error if the token's owner did so already.

    See https://docs.slack.dev/reference/methods/reactions.add.

    Args:
        credentials: Whose.
        channel: An id, or the name of a channel.
        ts: The message.
        name: The emoji's name, as ``eyes`` or ``thumbsup::skin-tone-3``; colons around it do not
            matter.

    Raises:
        SlackNotFound: There is no such channel, or no such message.
        SlackInvalid: There is no such emoji.
        SlackConflict: The message has as many reactions as there may be.
        SlackError: It was not added.

    Examples:
        >>> add_reaction(credentials, "#general", ts, "white_check_mark")
    """
    key = await channel_id(credentials, channel)
    with unless("already_reacted"):
        await ask(credentials, "reactions.add", channel=key, timestamp=ts, name=emoji_name(name))


@slack_task("reactions:write")
async def remove_reaction(credentials: SlackCredentials, channel: str, ts: str, name: str) -> None:
    """Take back the reaction of the token's owner to a message; no error if there is none.

    See https://docs.slack.dev/reference/methods/reactions.remove.

    Args:
        credentials: Whose.
        channel: An id, or the name of a channel.
        ts: The message.
        name: The emoji's name; colons around it do not matter.

    Raises:
        SlackNotFound: There is no such channel, or no such message.
        SlackError: It was not taken back.

    Examples:
        >>> remove_reaction(credentials, "#general", ts, "eyes")
    """
    key = await channel_id(credentials, channel)
    with unless("no_reaction"):
        await ask(credentials, "reactions.remove", channel=key, timestamp=ts, name=emoji_name(name))


@slack_task("reactions:read")
async def get_reactions(
    credentials: SlackCredentials, channel: str, ts: str
) -> list[ReactionCount]:
    """Read who reacted to a message, and with what.

    See https://docs.slack.dev/reference/methods/reactions.get.

    Args:
        credentials: Whose.
        channel: An id, or the name of a channel.
        ts: The message.

    Returns:
        The reactions, with the ids of all users.

    Raises:
        SlackNotFound: There is no such channel, or no such message.
        SlackError: They cannot be read.

    Examples:
        >>> for reaction in get_reactions(credentials, "#general", ts):
        ...     print(reaction.name, reaction.count)
        eyes 1
    """
    key = await channel_id(credentials, channel)
    answer = await ask(credentials, "reactions.get", channel=key, timestamp=ts, full=True)
    found = (answer.get("message") or {}).get("reactions") or ()
    return [ReactionCount.of(each) for each in found]


@slack_task("reactions:read")
async def list_reactions(
    credentials: SlackCredentials, *, user: str | None = None, limit: int | None = None
) -> list[ChannelMessage]:
    """List the messages that somebody reacted to, the newest first.

    See https://docs.slack.dev/reference/methods/reactions.list.

    Args:
        credentials: Whose.
        user: Who reacted: an id, ``@name`` or an e-mail address; None: the token's owner.
        limit: At most so many; None: all.

    Returns:
        The messages that the token's owner sees, with all their reactions.

    Raises:
        SlackNotFound: There is no such user.
        SlackError: They cannot be read.

    Examples:
        >>> for message in list_reactions(credentials, user="@ada"):
        ...     print(message.text, [reaction.name for reaction in message.reactions])
        Deploying ['eyes']
    """
    who = None if user is None else await user_id(credentials, user)
    found = await everything(
        credentials, "reactions.list", "items", limit=limit, user=who, full=True
    )
    # Reactions to files, which Slack had once, are left out.
    messages = [each for each in found if each.get("type") == "message"]
    return [ChannelMessage.of(each["channel"], each["message"]) for each in messages]


def emoji_name(name: str) -> str:
    """Return an emoji's name without the colons around it."""
    return name.strip().removeprefix(":").removesuffix(":")
