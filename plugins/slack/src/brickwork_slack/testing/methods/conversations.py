"""``conversations.*``: see https://docs.slack.dev/reference/methods?family=conversations."""

import re
from typing import Any

from brickwork_slack.testing.call import Call, channel_scopes, every
from brickwork_slack.testing.methods.registry import method
from brickwork_slack.testing.methods.shapes import channel_shape, message_shape
from brickwork_slack.testing.methods.users import kinds_asked
from brickwork_slack.testing.state import Channel, Kind, Message
from brickwork_slack.testing.traffic import Refused, malformed

_NAME = re.compile(r"[\w-]+")
_MOST_NAME, _MOST_TOPIC = 80, 250


@method("conversations.list", *every("read"))
def conversations_list(call: Call) -> dict[str, Any]:
    """The conversations that the caller may see."""
    kinds = kinds_asked(call)
    found = [
        channel
        for channel in call.workspace.channels.values()
        if channel.kind in kinds
        and call.sees(channel)
        and not (channel.archived and call.flag("exclude_archived"))
    ]
    channels, cursor = call.page(found, default=100)
    return {
        "channels": [channel_shape(channel, call, brief=True) for channel in channels],
        "response_metadata": {"next_cursor": cursor},
    }


@method("conversations.info", *every("read"))
def conversations_info(call: Call) -> dict[str, Any]:
    """One conversation."""
    channel = call.channel("read")
    shape = channel_shape(channel, call)
    if call.flag("include_num_members"):
        shape["num_members"] = len(channel.members)
    return {"channel": shape}


@method("conversations.members", *every("read"))
def conversations_members(call: Call) -> dict[str, Any]:
    """The ids of who is in it."""
    members, cursor = call.page(call.channel("read").members, default=100)
    return {"members": members, "response_metadata": {"next_cursor": cursor}}


def _within(call: Call, messages: list[Message]) -> list[Message]:
    oldest, latest = call.text("oldest", "0"), call.text("latest", "99999999999")
    try:
        low, high = _moment(oldest), _moment(latest)
    except ValueError:
        which = "oldest" if not re.fullmatch(r"[\d.]+", oldest) else "latest"
        raise malformed(f"invalid_ts_{which}") from None
    if call.flag("inclusive"):
        return [each for each in messages if low <= _moment(each.ts) <= high]
    return [each for each in messages if low < _moment(each.ts) < high]


def _moment(ts: str) -> tuple[int, int]:
    seconds, _, micros = ts.partition(".")
    return int(seconds), int(micros.ljust(6, "0")[:6])


@method("conversations.history", *every("history"))
def conversations_history(call: Call) -> dict[str, Any]:
    """The messages of a conversation, newest first, without replies."""
    channel = call.channel("history", member=True)
    shown = [each for each in channel.messages.values() if each.thread_ts is None or each.broadcast]
    page, cursor = call.page(_within(call, shown)[::-1], default=100, most=999)
    answer: dict[str, Any] = {
        "messages": [message_shape(each, call) for each in page],
        "has_more": bool(cursor),
        "pin_count": len(channel.pins),
    }
    return answer | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


@method("conversations.replies", *every("history"))
def conversations_replies(call: Call) -> dict[str, Any]:
    """A message and its replies, oldest first."""
    channel = call.channel("history", member=True)
    parent = channel.messages.get(call.required("ts"))
    if parent is None:
        raise Refused("thread_not_found")
    if parent.thread_ts is not None:
        parent = channel.messages[parent.thread_ts]
    thread = [parent, *_within(call, channel.replies(parent.ts))]
    page, cursor = call.page(thread, default=1000)
    answer: dict[str, Any] = {
        "messages": [message_shape(each, call) for each in page],
        "has_more": bool(cursor),
    }
    return answer | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


def _checked_name(call: Call, name: str) -> str:
    if len(name) > _MOST_NAME:
        raise malformed("invalid_name_maxlength")
    if not _NAME.fullmatch(name) or name != name.lower():
        raise malformed("invalid_name_specials")
    if call.workspace.channel_named(name) is not None:
        raise Refused("name_taken")
    return name


@method("conversations.create", *channel_scopes("public", "manage"), "groups:write")
def conversations_create(call: Call) -> dict[str, Any]:
    """Make a channel."""
    name = call.required("name", "invalid_name_required")
    kind: Kind = "private" if call.flag("is_private") else "public"
    call.need(*channel_scopes(kind, "manage"))
    _checked_name(call, name)
    channel = call.server.new_channel(call.workspace, name, kind, call.user.id, [call.user.id])
    return {"channel": channel_shape(channel, call)}


@method("conversations.rename", *every("manage"))
def conversations_rename(call: Call) -> dict[str, Any]:
    """Give a channel another name."""
    name = call.required("name", "invalid_name_required")
    channel = call.channel("manage", member=True, live=True)
    if channel.creator != call.user.id and not call.user.admin:
        raise Refused("not_authorized")
    previous, channel.name = channel.name, _checked_name(call, name)
    channel.previous_names.insert(0, previous)
    return {"channel": channel_shape(channel, call)}


@method("conversations.archive", *every("manage"))
def conversations_archive(call: Call) -> None:
    """Close a channel for good, but that it can be read."""
    channel = call.channel("manage", member=True)
    if channel.archived:
        raise Refused("already_archived")
    if channel.name == "general":
        raise Refused("cant_archive_general")
    if channel.kind in ("im", "mpim"):
        raise Refused("method_not_supported_for_channel_type")
    channel.archived = True


@method("conversations.unarchive", *every("manage"))
def conversations_unarchive(call: Call) -> None:
    """Open an archived channel again; its members are those it had."""
    channel = call.channel("manage")
    if not channel.archived:
        raise Refused("not_archived")
    channel.archived = False


@method("conversations.join", "channels:join", "channels:write")
def conversations_join(call: Call) -> dict[str, Any]:
    """Be in a public channel."""
    channel = call.channel(live=True)
    if channel.kind != "public":
        raise Refused("method_not_supported_for_channel_type")
    if call.user.id in channel.members:
        return {
            "channel": channel_shape(channel, call),
            "warning": "already_in_channel",
            "response_metadata": {"warnings": ["already_in_channel"]},
        }
    channel.members.append(call.user.id)
    call.server.happened(call.workspace, _membership("member_joined_channel", call, channel))
    return {"channel": channel_shape(channel, call)}


def _membership(kind: str, call: Call, channel: Channel, user: str = "") -> dict[str, Any]:
    return {
        "type": kind,
        "user": user or call.user.id,
        "channel": channel.id,
        "channel_type": "C" if channel.kind == "public" else "G",
        "team": call.workspace.id,
    }


@method("conversations.leave", *every("manage"))
def conversations_leave(call: Call) -> dict[str, Any]:
    """Be in it no longer."""
    channel = call.channel("manage")
    if channel.name == "general":
        raise Refused("cant_leave_general")
    if call.user.id not in channel.members:
        return {"not_in_channel": True}
    channel.members.remove(call.user.id)
    call.server.happened(call.workspace, _membership("member_left_channel", call, channel))
    return {}


@method("conversations.invite", *every("invite"))
def conversations_invite(call: Call) -> dict[str, Any]:
    """Bring users in; if one cannot be, none is, unless ``force`` is given."""
    wanted = call.items("users")
    if not wanted:
        raise malformed("no_user")
    if len(wanted) > 1000:
        raise malformed("too_many_users")
    channel = call.channel("invite", member=True, live=True)
    if channel.kind in ("im", "mpim"):
        raise Refused("method_not_supported_for_channel_type")
    errors = [_invite_error(call, channel, user) for user in wanted]
    faults = [
        {"user": user, "ok": False, "error": error}
        for user, error in zip(wanted, errors, strict=True)
        if error
    ]
    if faults and (len(faults) == len(wanted) or not call.flag("force")):
        raise Refused(str(faults[0]["error"]), errors=faults)
    for user, error in zip(wanted, errors, strict=True):
        if not error:
            channel.members.append(user)
            event = _membership("member_joined_channel", call, channel, user)
            call.server.happened(call.workspace, {**event, "inviter": call.user.id})
    answer: dict[str, Any] = {"channel": channel_shape(channel, call)}
    return answer | ({"errors": faults} if faults else {})


def _invite_error(call: Call, channel: Channel, user: str) -> str:
    found = call.workspace.users.get(user)
    if found is None:
        return "user_not_found"
    if user == call.user.id:
        return "cant_invite_self"
    if found.deleted:
        return "user_is_deactivated"
    return "already_in_channel" if user in channel.members else ""


@method("conversations.kick", *every("manage"))
def conversations_kick(call: Call) -> None:
    """Put a user out."""
    call.required("user", "user_not_found")
    channel = call.channel("manage", member=True)
    user = call.person()
    if user.id == call.user.id:
        raise Refused("cant_kick_self")
    if channel.name == "general":
        raise Refused("cant_kick_from_general")
    if user.id not in channel.members:
        raise Refused("not_in_channel")
    channel.members.remove(user.id)
    event = _membership("member_left_channel", call, channel, user.id)
    call.server.happened(call.workspace, event)


@method("conversations.setTopic", *every("topic"))
def conversations_set_topic(call: Call) -> dict[str, Any]:
    """Say what it is about now."""
    topic = call.text("topic")
    if len(topic) > _MOST_TOPIC:
        raise malformed("too_long")
    channel = call.channel("topic", member=True, live=True)
    channel.topic = (topic, call.user.id, call.now)
    return {"channel": channel_shape(channel, call)}


@method("conversations.setPurpose", *every("topic"))
def conversations_set_purpose(call: Call) -> dict[str, Any]:
    """Say what it is for."""
    purpose = call.text("purpose")
    if len(purpose) > _MOST_TOPIC:
        raise malformed("too_long")
    channel = call.channel("topic", member=True, live=True)
    channel.purpose = (purpose, call.user.id, call.now)
    return {"channel": channel_shape(channel, call)}


@method("conversations.mark", *every("manage"))
def conversations_mark(call: Call) -> None:
    """Say until where the caller has read."""
    channel = call.channel("manage", member=True)
    channel.marked[call.user.id] = call.required("ts", "invalid_timestamp")


@method("conversations.open", "im:write", "mpim:write")
def conversations_open(call: Call) -> dict[str, Any]:
    """Open a direct message with one user, or with several."""
    if call.text("channel"):
        channel = call.channel()
        return {"channel": _opened(call, channel), "no_op": True, "already_open": True}
    wanted = call.items("users")
    if not wanted:
        raise malformed("users_list_not_supplied")
    if len(wanted) > 8:
        raise malformed("too_many_users")
    for user in wanted:
        if user not in call.workspace.users:
            raise Refused("user_not_found")
        if call.workspace.users[user].deleted:
            raise Refused("user_disabled")
    members = list(dict.fromkeys([call.user.id, *wanted]))
    call.need("im:write" if len(members) <= 2 else "mpim:write")
    before = len(call.workspace.channels)
    channel = call.server.direct(call.workspace, members)
    opened = {"channel": _opened(call, channel)}
    if len(call.workspace.channels) == before:
        return {**opened, "no_op": True, "already_open": True}
    return opened


def _opened(call: Call, channel: Channel) -> dict[str, Any]:
    if not call.flag("return_im"):
        return {"id": channel.id}
    shape = channel_shape(channel, call)
    wanted = ("id", "created", "is_im", "is_org_shared", "user")
    return {name: shape[name] for name in wanted if name in shape}


@method("conversations.close", "im:write", "mpim:write")
def conversations_close(call: Call) -> dict[str, Any]:
    """Put a direct message away; its messages are kept."""
    channel = call.channel()
    if channel.kind not in ("im", "mpim"):
        raise Refused("method_not_supported_for_channel_type")
    return {}
