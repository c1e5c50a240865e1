"""Prebuilt tasks on user groups: https://docs.slack.dev/reference/methods?family=usergroups."""

from typing import Any

from brickwork_slack.calls import ask
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.errors import SlackInvalid
from brickwork_slack.reading import unless
from brickwork_slack.resolving import channel_id, forget, group_id, user_ids
from brickwork_slack.tasks import slack_task
from brickwork_slack.usergroups.models import UserGroup


@slack_task("usergroups:read")
async def list_user_groups(
    credentials: SlackCredentials, *, disabled: bool = False, users: bool = False
) -> list[UserGroup]:
    """List the user groups of a workspace.

    See https://docs.slack.dev/reference/methods/usergroups.list.

    Args:
        credentials: Whose.
        disabled: Also those that cannot be mentioned.
        users: With the ids of their members.

    Returns:
        The groups.

    Raises:
        SlackError: They cannot be read.

    Examples:
        >>> [group.handle for group in list_user_groups(credentials)]
        ['ops']
    """
    answer = await ask(
        credentials, "usergroups.list", include_disabled=disabled, include_users=users
    )
    return [UserGroup.of(each) for each in answer["usergroups"]]


@slack_task("usergroups:write")
async def create_user_group(
    credentials: SlackCredentials,
    name: str,
    *,
    handle: str | None = None,
    description: str | None = None,
    channels: list[str] | None = None,
) -> UserGroup:
    """Make a user group, with nobody in it.

    See https://docs.slack.dev/reference/methods/usergroups.create.

    Args:
        credentials: Whose.
        name: The name; no other group has it.
        handle: What it is mentioned by; an ``@`` before it does not matter. None: Slack makes one.
        description: What it is for.
        channels: To which its members are added: ids, or names of channels.

    Returns:
        The group.

    Raises:
        SlackConflict: The name or the handle is taken.
        SlackDenied: The token's owner may not do it, or the workspace has no user groups.
        SlackError: It was not made.

    Examples:
        >>> create_user_group(credentials, "On call", handle="on-call").handle
        'on-call'
    """
    given = await _given(credentials, name, handle, description, channels)
    answer = await ask(credentials, "usergroups.create", **given)
    forget(credentials, "usergroup")
    return UserGroup.of(answer["usergroup"])


@slack_task("usergroups:write")
async def update_user_group(
    credentials: SlackCredentials,
    group: str,
    *,
    name: str | None = None,
    handle: str | None = None,
    description: str | None = None,
    channels: list[str] | None = None,
) -> UserGroup:
    """Change what is said of a user group; what is not given stays.

    See https://docs.slack.dev/reference/methods/usergroups.update.

    Args:
        credentials: Whose.
        group: An id, or ``@handle``.
        name: The name.
        handle: What it is mentioned by; an ``@`` before it does not matter.
        description: What it is for.
        channels: To which its members are added, all of them: ids, or names of channels.

    Returns:
        The group as it is now.

    Raises:
        SlackNotFound: There is no such group.
        SlackConflict: The name or the handle is taken.
        SlackError: It was not changed.

    Examples:
        >>> update_user_group(credentials, "@ops", description="Ask us").description
        'Ask us'
    """
    given = await _given(credentials, name, handle, description, channels)
    given["usergroup"] = await group_id(credentials, group)
    answer = await ask(credentials, "usergroups.update", **given)
    forget(credentials, "usergroup")
    return UserGroup.of(answer["usergroup"])


@slack_task("usergroups:read")
async def list_user_group_members(credentials: SlackCredentials, group: str) -> list[str]:
    """List who is in a user group.

    See https://docs.slack.dev/reference/methods/usergroups.users.list.

    Args:
        credentials: Whose.
        group: An id, or ``@handle``.

    Returns:
        The ids of the members.

    Raises:
        SlackNotFound: There is no such group.
        SlackError: They cannot be read.

    Examples:
        >>> list_user_group_members(credentials, "@ops") == [user]
        True
    """
    key = await group_id(credentials, group)
    answer = await ask(credentials, "usergroups.users.list", usergroup=key, include_disabled=True)
    return list(answer["users"])


@slack_task("usergroups:write")
async def set_user_group_members(
    credentials: SlackCredentials, group: str, users: list[str]
) -> UserGroup:
    """Say who is in a user group: those who are not named are in it no longer.

    See https://docs.slack.dev/reference/methods/usergroups.users.update.

    Args:
        credentials: Whose.
        group: An id, or ``@handle``.
        users: All members: ids, ``@names`` or e-mail addresses, one at least.

    Returns:
        The group, with its members.

    Raises:
        SlackNotFound: There is no such group, or no such user.
        SlackInvalid: It is nobody; `disable_user_group` is for that.
        SlackError: They were not set.

    Examples:
        >>> set_user_group_members(credentials, "@ops", ["@ada"]).users == (user,)
        True
    """
    wanted = await user_ids(credentials, users)
    if not wanted:
        error = SlackInvalid(
            f"Slack keeps no user group without members, and {group} would be one.",
            fix="Give one user at least, or disable the group.",
        )
        error.method = "usergroups.users.update"
        raise error
    answer = await ask(
        credentials,
        "usergroups.users.update",
        usergroup=await group_id(credentials, group),
        users=",".join(wanted),
    )
    return UserGroup.of({"users": wanted, **answer["usergroup"]})


@slack_task("usergroups:write")
async def enable_user_group(credentials: SlackCredentials, group: str) -> None:
    """Let a user group be mentioned again; no error if it can be.

    See https://docs.slack.dev/reference/methods/usergroups.enable.

    Args:
        credentials: Whose.
        group: An id, or ``@handle``.

    Raises:
        SlackNotFound: There is no such group.
        SlackError: It was not enabled.

    Examples:
        >>> enable_user_group(credentials, "@ops")
    """
    key = await group_id(credentials, group)
    with unless("already_enabled"):
        await ask(credentials, "usergroups.enable", usergroup=key)


@slack_task("usergroups:write")
async def disable_user_group(credentials: SlackCredentials, group: str) -> None:
    """Let nobody mention a user group; no error if nobody can. It keeps its members.

    See https://docs.slack.dev/reference/methods/usergroups.disable.

    Args:
        credentials: Whose.
        group: An id, or ``@handle``.

    Raises:
        SlackNotFound: There is no such group.
        SlackError: It was not disabled.

    Examples:
        >>> disable_user_group(credentials, "@ops")
    """
    key = await group_id(credentials, group)
    with unless("already_disabled"):
        await ask(credentials, "usergroups.disable", usergroup=key)


async def _given(
    credentials: SlackCredentials,
    name: str | None,
    handle: str | None,
    description: str | None,
    channels: list[str] | None,
) -> dict[str, Any]:
    given: dict[str, Any] = {"name": name, "description": description}
    if handle is not None:
        given["handle"] = handle.removeprefix("@")
    if channels is not None:
        given["channels"] = ",".join([await channel_id(credentials, each) for each in channels])
    return given
