"""Prebuilt tasks on what users say of themselves: presence, status, do not disturb.

See https://docs.slack.dev/apis/web-api/user-presence-and-status.
"""

from datetime import UTC, datetime
from typing import Any, Literal

from brickwork_slack.calls import ask
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.reading import unless, whole_seconds
from brickwork_slack.resolving import user_id
from brickwork_slack.tasks import slack_task
from brickwork_slack.users.models import DoNotDisturb, Presence, Status


@slack_task("users:read")
async def get_presence(credentials: SlackCredentials, user: str | None = None) -> Presence:
    """Read whether a user is there.

    See https://docs.slack.dev/reference/methods/users.getPresence.

    Args:
        credentials: Whose.
        user: An id, ``@name`` or an e-mail address; None: the token's owner.

    Returns:
        Whether they are; of the token's owner, also why.

    Raises:
        SlackNotFound: There is no such user.
        SlackError: It cannot be read.

    Examples:
        >>> get_presence(credentials, "@ada").state
        'active'
    """
    key = (await _who(credentials, user)).get("user")
    if key is None:
        key = (await ask(credentials, "auth.test"))["user_id"]
    return Presence.of(await ask(credentials, "users.getPresence", user=key))


@slack_task("users:write")
async def set_presence(credentials: SlackCredentials, state: Literal["auto", "away"]) -> None:
    """Say whether the token's owner is there.

    See https://docs.slack.dev/reference/methods/users.setPresence.

    Args:
        credentials: Whose.
        state: ``away``; or ``auto``: Slack finds out, of bots by whether they are connected.

    Raises:
        SlackError: It was not set.

    Examples:
        >>> set_presence(credentials, "away")
    """
    await ask(credentials, "users.setPresence", presence=state)


@slack_task("users.profile:read")
async def get_status(credentials: SlackCredentials, user: str | None = None) -> Status:
    """Read what a user says beside their name.

    See https://docs.slack.dev/reference/methods/users.profile.get.

    Args:
        credentials: Whose.
        user: An id, ``@name`` or an e-mail address; None: the token's owner.

    Returns:
        The status; its texts are empty where there is none.

    Raises:
        SlackNotFound: There is no such user.
        SlackError: It cannot be read.

    Examples:
        >>> get_status(credentials, "@ada").text
        ''
    """
    answer = await ask(credentials, "users.profile.get", **await _who(credentials, user))
    return Status.of(answer["profile"])


@slack_task("users.profile:write")
async def set_status(
    credentials: SlackCredentials,
    text: str,
    *,
    emoji: str = ":speech_balloon:",
    expires_at: datetime | None = None,
    user: str | None = None,
) -> Status:
    """Say something beside the name of the token's owner.

    Slack lets only people do it, not bots. See
    https://docs.slack.dev/reference/methods/users.profile.set.

    Args:
        credentials: A person's.
        text: At most 100 characters.
        emoji: The name of an emoji of the workspace; colons around it do not matter.
        expires_at: When it goes away, with a zone; None: it stays.
        user: Of somebody else, which those who administer a paid workspace may do.

    Returns:
        The status.

    Raises:
        SlackInvalid: The text is too long, there is no such emoji, or the time has no zone.
        SlackDenied: The token is a bot's.
        SlackError: It was not set.

    Examples:
        >>> set_status(credentials, "On call", emoji="pager").emoji
        ':pager:'
    """
    profile = {
        "status_text": text,
        "status_emoji": f":{emoji.strip(':')}:" if emoji.strip(":") else "",
        "status_expiration": 0 if expires_at is None else whole_seconds(expires_at),
    }
    return await _set_status(credentials, profile, user)


@slack_task("users.profile:write")
async def clear_status(credentials: SlackCredentials, user: str | None = None) -> None:
    """Say nothing beside the name of the token's owner any more.

    Slack lets only people do it, not bots. See
    https://docs.slack.dev/reference/methods/users.profile.set.

    Args:
        credentials: A person's.
        user: Of somebody else, which those who administer a paid workspace may do.

    Raises:
        SlackDenied: The token is a bot's.
        SlackError: It was not cleared.

    Examples:
        >>> clear_status(credentials)
    """
    profile = {"status_text": "", "status_emoji": "", "status_expiration": 0}
    await _set_status(credentials, profile, user)


@slack_task("dnd:read")
async def get_do_not_disturb(
    credentials: SlackCredentials, user: str | None = None
) -> DoNotDisturb:
    """Read when a user gets no notifications.

    See https://docs.slack.dev/reference/methods/dnd.info.

    Args:
        credentials: Whose.
        user: An id, ``@name`` or an e-mail address; None: the token's owner.

    Returns:
        When; Slack says until when somebody snoozes only to themselves.

    Raises:
        SlackNotFound: There is no such user.
        SlackError: It cannot be read.

    Examples:
        >>> get_do_not_disturb(credentials, "@ada").scheduled
        False
    """
    return DoNotDisturb.of(await ask(credentials, "dnd.info", **await _who(credentials, user)))


@slack_task("dnd:write")
async def snooze_notifications(credentials: SlackCredentials, minutes: int) -> datetime:
    """Let the token's owner get no notifications for some minutes from now.

    Slack lets only people do it, not bots. See
    https://docs.slack.dev/reference/methods/dnd.setSnooze.

    Args:
        credentials: A person's.
        minutes: One at least.

    Returns:
        Until when.

    Raises:
        SlackInvalid: It is no minute, or more than Slack takes.
        SlackDenied: The token is a bot's.
        SlackError: It was not set.

    Examples:
        >>> until = snooze_notifications(credentials, 30)
        >>> round((until - datetime.now(UTC)).total_seconds() / 60)
        30
    """
    answer = await ask(credentials, "dnd.setSnooze", num_minutes=minutes)
    return datetime.fromtimestamp(answer["snooze_endtime"], UTC)


@slack_task("dnd:write")
async def end_snooze(credentials: SlackCredentials) -> None:
    """Let the token's owner get notifications again; no error if they do not snooze.

    Hours without notifications that they have set stay; `end_do_not_disturb` ends those of now.
    Slack lets only people do it, not bots. See
    https://docs.slack.dev/reference/methods/dnd.endSnooze.

    Args:
        credentials: A person's.

    Raises:
        SlackDenied: The token is a bot's.
        SlackError: It was not ended.

    Examples:
        >>> end_snooze(credentials)
    """
    with unless("snooze_not_active"):
        await ask(credentials, "dnd.endSnooze")


@slack_task("dnd:write")
async def end_do_not_disturb(credentials: SlackCredentials) -> None:
    """End the hours without notifications of the token's owner for now, until they begin again.

    No error if there are none now. Slack lets only people do it, not bots. See
    https://docs.slack.dev/reference/methods/dnd.endDnd.

    Args:
        credentials: A person's.

    Raises:
        SlackDenied: The token is a bot's.
        SlackError: They were not ended.

    Examples:
        >>> end_do_not_disturb(credentials)
    """
    await ask(credentials, "dnd.endDnd")


async def _who(credentials: SlackCredentials, user: str | None) -> dict[str, str]:
    return {} if user is None else {"user": await user_id(credentials, user)}


async def _set_status(
    credentials: SlackCredentials, profile: dict[str, Any], user: str | None
) -> Status:
    who = await _who(credentials, user)
    answer = await ask(credentials, "users.profile.set", profile=profile, **who)
    return Status.of(answer["profile"])
