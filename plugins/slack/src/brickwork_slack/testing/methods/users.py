"""``users.*``: see https://docs.slack.dev/reference/methods?family=users."""

import re
from typing import Any

from brickwork_slack.testing.call import Call, every
from brickwork_slack.testing.methods.registry import method
from brickwork_slack.testing.methods.shapes import channel_shape, user_shape
from brickwork_slack.testing.state import User
from brickwork_slack.testing.traffic import Refused, malformed

_EMOJI = re.compile(r":[\w'+-]+:")
_MOST_STATUS = 100


def _shown(call: Call, user: User) -> dict[str, Any]:
    return user_shape(user, call.workspace, emails=call.may("users:read.email"))


@method("users.list", "users:read")
def users_list(call: Call) -> dict[str, Any]:
    """All users, also deactivated ones."""
    users, cursor = call.page(list(call.workspace.users.values()), default=1000)
    return {
        "members": [_shown(call, user) for user in users],
        "cache_ts": call.now,
        "response_metadata": {"next_cursor": cursor},
    }


@method("users.info", "users:read")
def users_info(call: Call) -> dict[str, Any]:
    """One user."""
    return {"user": _shown(call, call.person())}


@method("users.lookupByEmail", "users:read.email")
def users_lookup(call: Call) -> dict[str, Any]:
    """The user of an address; deactivated ones are not found."""
    wanted = call.required("email").lower()
    for user in call.workspace.users.values():
        if user.email and user.email.lower() == wanted and not user.deleted:
            return {"user": _shown(call, user)}
    raise Refused("users_not_found")


@method("users.conversations", *every("read"))
def users_conversations(call: Call) -> dict[str, Any]:
    """The conversations that a user is in."""
    user = call.person() if call.text("user") else call.user
    kinds = kinds_asked(call)
    found = [
        channel
        for channel in call.workspace.channels.values()
        if channel.kind in kinds
        and user.id in channel.members
        and call.sees(channel)
        and not (channel.archived and call.flag("exclude_archived"))
    ]
    channels, cursor = call.page(found, default=100, most=999)
    return {
        "channels": [_listed(channel_shape(channel, call, brief=True)) for channel in channels],
        "response_metadata": {"next_cursor": cursor},
    }


def _listed(shape: dict[str, Any]) -> dict[str, Any]:
    return {name: shape[name] for name in shape if name not in ("is_member", "num_members")}


_KINDS = {"public_channel": "public", "private_channel": "private", "im": "im", "mpim": "mpim"}
_PREFIX = {"public": "channels", "private": "groups", "im": "im", "mpim": "mpim"}


def kinds_asked(call: Call) -> set[str]:
    """Return the kinds of conversations that ``types`` names; the token must have all scopes."""
    given = call.items("types") or ["public_channel"]
    unknown = [each for each in given if each not in _KINDS]
    if unknown:
        raise malformed("invalid_types", f"[ERROR] {unknown[0]!r} [json-pointer:/types]")
    kinds = {_KINDS[each] for each in given}
    needed = [f"{_PREFIX[kind]}:read" for kind in kinds]
    if set(needed) - set(call.identity.scopes):
        raise Refused(
            "missing_scope",
            needed=",".join(sorted(needed)),
            provided=",".join(call.identity.scopes),
        )
    return kinds


@method("users.getPresence", "users:read")
def users_get_presence(call: Call) -> dict[str, Any]:
    """Whether a user is there."""
    user = call.person() if call.text("user") else call.user
    answer: dict[str, Any] = {"presence": user.presence}
    if user.id == call.user.id:
        online = user.presence == "active"
        answer |= {"online": online, "auto_away": False, "manual_away": not online}
    return answer


@method("users.setPresence", "users:write")
def users_set_presence(call: Call) -> None:
    """Say whether the caller is there."""
    wanted = call.required("presence", "invalid_presence")
    if wanted not in ("auto", "away"):
        raise malformed("invalid_presence")
    call.user.presence = "away" if wanted == "away" else "active"


@method("users.profile.get", "users.profile:read")
def users_profile_get(call: Call) -> dict[str, Any]:
    """A user's profile."""
    user = call.person() if call.text("user") else call.user
    return {"profile": _profile(call, user)}


def _profile(call: Call, user: User) -> dict[str, Any]:
    profile: dict[str, Any] = _shown(call, user)["profile"]
    del profile["team"]
    return profile


@method("users.profile.set", "users.profile:write", kinds=("user",))
def users_profile_set(call: Call) -> dict[str, Any]:
    """Change a profile, the status too."""
    user = call.person() if call.text("user") else call.user
    if user.id != call.user.id and not call.user.admin:
        raise Refused("cannot_update_admin_user" if user.admin else "not_admin")
    changes = call.json("profile", "invalid_profile")
    if changes is None and call.text("name"):
        changes = {call.text("name"): call.text("value")}
    if not isinstance(changes, dict):
        raise malformed("invalid_profile")
    if len(str(changes.get("status_text", ""))) > _MOST_STATUS:
        raise malformed("too_long")
    emoji = changes.get("status_emoji")
    if emoji and not _EMOJI.fullmatch(emoji):
        raise malformed("profile_status_set_failed_not_valid_emoji")
    user.profile |= changes
    if "real_name" in changes:
        user.real_name = changes["real_name"]
    return {"username": user.name, "profile": _profile(call, user)}
