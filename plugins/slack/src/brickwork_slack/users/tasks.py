"""Prebuilt tasks on users: https://docs.slack.dev/reference/methods?family=users."""

from collections.abc import Mapping
from typing import Any

from brickwork_slack.calls import ask, everything
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.resolving import user_id
from brickwork_slack.tasks import slack_task
from brickwork_slack.users.models import User


@slack_task("users:read.email", "users:read")
async def look_up_user(credentials: SlackCredentials, email: str) -> User:
    """Find the user who has an e-mail address.

    Slack asks for both scopes. See https://docs.slack.dev/reference/methods/users.lookupByEmail.

    Args:
        credentials: Whose.
        email: The address; capitals do not matter.

    Returns:
        The user.

    Raises:
        SlackNotFound: Nobody has it, or they are deactivated.
        SlackError: It cannot be looked up.

    Examples:
        >>> look_up_user(credentials, "ada@example.com").real_name
        'Ada Lovelace'
    """
    return User.of((await ask(credentials, "users.lookupByEmail", email=email))["user"])


@slack_task("users:read")
async def get_user(credentials: SlackCredentials, user: str) -> User:
    """Read what Slack knows of a user.

    The address is there if the token has ``users:read.email``. See
    https://docs.slack.dev/reference/methods/users.info.

    Args:
        credentials: Whose.
        user: An id, ``@name`` or an e-mail address.

    Returns:
        The user.

    Raises:
        SlackNotFound: There is none.
        SlackError: It cannot be read.

    Examples:
        >>> found = get_user(credentials, "@ada")
        >>> found.real_name, found.email, found.is_bot
        ('Ada Lovelace', 'ada@example.com', False)
    """
    key = await user_id(credentials, user)
    return User.of((await ask(credentials, "users.info", user=key))["user"])


@slack_task("users:read")
async def list_users(
    credentials: SlackCredentials,
    *,
    bots: bool = True,
    deactivated: bool = False,
    limit: int | None = None,
) -> list[User]:
    """List the people and bots of a workspace.

    Addresses are there if the token has ``users:read.email``. See
    https://docs.slack.dev/reference/methods/users.list.

    Args:
        credentials: Whose.
        bots: Also bots.
        deactivated: Also those who may not log in any more.
        limit: At most so many; None: all.

    Returns:
        The users.

    Raises:
        SlackError: They cannot be read.

    Examples:
        >>> [user.name for user in list_users(credentials, bots=False)]
        ['ada']
    """

    def wanted(found: Mapping[str, Any]) -> bool:
        user = User.of(found)
        return (bots or not user.is_bot) and (deactivated or user.is_active)

    members = await everything(credentials, "users.list", "members", limit=limit, keep=wanted)
    return [User.of(each) for each in members]
