"""``usergroups.*``: see https://docs.slack.dev/reference/methods?family=usergroups."""

from typing import Any

from brickwork_slack.testing.call import Call
from brickwork_slack.testing.methods.registry import method
from brickwork_slack.testing.methods.shapes import group_shape
from brickwork_slack.testing.state import UserGroup
from brickwork_slack.testing.traffic import Refused, malformed


def _group(call: Call) -> UserGroup:
    found = call.workspace.groups.get(call.required("usergroup", "no_such_subteam"))
    if found is None:
        raise Refused("no_such_subteam")
    return found


def _changed(call: Call, group: UserGroup) -> dict[str, Any]:
    group.updated = call.now
    return {"usergroup": group_shape(group, call)}


def _check_names(call: Call, group: UserGroup | None) -> None:
    others = [each for each in call.workspace.groups.values() if each is not group]
    if call.text("name") in {each.name for each in others}:
        raise Refused("name_already_exists")
    if call.text("handle") and call.text("handle") in {each.handle for each in others}:
        raise Refused("handle_already_exists")
    for channel in call.items("channels"):
        if channel not in call.workspace.channels:
            raise Refused("channel_not_found")


@method("usergroups.create", "usergroups:write")
def usergroups_create(call: Call) -> dict[str, Any]:
    """Make a group."""
    name = call.required("name")
    _check_names(call, None)
    handle = call.text("handle") or name.lower().replace(" ", "-")
    made = UserGroup(
        call.server.new_id("S"), name, handle, call.text("description"), call.now, call.user.id
    )
    made.channels = call.items("channels")
    call.workspace.groups[made.id] = made
    return _changed(call, made)


@method("usergroups.update", "usergroups:write")
def usergroups_update(call: Call) -> dict[str, Any]:
    """Change what is said of it."""
    group = _group(call)
    _check_names(call, group)
    for name in ("name", "handle", "description"):
        if call.text(name):
            setattr(group, name, call.text(name))
    if "channels" in call.arguments:
        group.channels = call.items("channels")
    return _changed(call, group)


@method("usergroups.disable", "usergroups:write")
def usergroups_disable(call: Call) -> dict[str, Any]:
    """Let nobody mention it."""
    group = _group(call)
    if group.disabled:
        raise Refused("already_disabled")
    group.disabled = call.now
    return _changed(call, group)


@method("usergroups.enable", "usergroups:write")
def usergroups_enable(call: Call) -> dict[str, Any]:
    """Let it be mentioned again."""
    group = _group(call)
    if not group.disabled:
        raise Refused("already_enabled")
    group.disabled = 0
    return _changed(call, group)


@method("usergroups.list", "usergroups:read")
def usergroups_list(call: Call) -> dict[str, Any]:
    """All groups."""
    found = [
        each
        for each in call.workspace.groups.values()
        if call.flag("include_disabled") or not each.disabled
    ]
    users = call.flag("include_users")
    count = call.flag("include_count")
    return {"usergroups": [group_shape(each, call, users=users, count=count) for each in found]}


@method("usergroups.users.list", "usergroups:read")
def usergroups_users_list(call: Call) -> dict[str, Any]:
    """Who is in it."""
    return {"users": list(_group(call).users)}


@method("usergroups.users.update", "usergroups:write")
def usergroups_users_update(call: Call) -> dict[str, Any]:
    """Say who is in it: all that are not named are not."""
    wanted = call.items("users")
    if not wanted:
        raise malformed("no_users_provided")
    group = _group(call)
    for user in wanted:
        if user not in call.workspace.users or call.workspace.users[user].deleted:
            raise Refused("invalid_users")
    group.users = list(dict.fromkeys(wanted))
    group.updated = call.now
    return {"usergroup": group_shape(group, call, users=True)}
