"""``reactions.*``, ``pins.*`` and ``bookmarks.*``: what people put to messages and channels."""

import re
from typing import Any

from brickwork_slack.testing.call import Call
from brickwork_slack.testing.methods.chat import permalink
from brickwork_slack.testing.methods.registry import method
from brickwork_slack.testing.methods.shapes import message_shape, reactions_shape
from brickwork_slack.testing.state import Channel, Message
from brickwork_slack.testing.traffic import Refused, malformed

_EMOJI = re.compile(r"[\w'+-]+(::skin-tone-[2-6])?")
_MOST_EACH = 23
_MOST_BOOKMARKS = 100


def _message(call: Call, *, error: str = "message_not_found") -> tuple[Channel, Message]:
    channel = call.channel(member=True)
    message = channel.messages.get(call.required("timestamp", "no_item_specified"))
    if message is None:
        raise Refused(error)
    return channel, message


@method("reactions.add", "reactions:write")
def reactions_add(call: Call) -> None:
    """React to a message: https://docs.slack.dev/reference/methods/reactions.add."""
    name = call.required("name", "invalid_name").strip(":")
    if not _EMOJI.fullmatch(name):
        raise malformed("invalid_name")
    channel, message = _message(call)
    if channel.archived:
        raise Refused("is_archived")
    users = message.reactions.get(name, [])
    if call.user.id in users:
        raise Refused("already_reacted")
    mine = sum(call.user.id in each for each in message.reactions.values())
    if mine >= _MOST_EACH:
        raise Refused("too_many_emoji")
    message.reactions.setdefault(name, []).append(call.user.id)
    call.server.happened_reaction(call.workspace, message, name, call.user.id, added=True)


@method("reactions.remove", "reactions:write")
def reactions_remove(call: Call) -> None:
    """Take it back: https://docs.slack.dev/reference/methods/reactions.remove."""
    name = call.required("name", "invalid_name").strip(":")
    _, message = _message(call)
    users = message.reactions.get(name, [])
    if call.user.id not in users:
        raise Refused("no_reaction")
    users.remove(call.user.id)
    if not users:
        del message.reactions[name]
    call.server.happened_reaction(call.workspace, message, name, call.user.id, added=False)


@method("reactions.get", "reactions:read")
def reactions_get(call: Call) -> dict[str, Any]:
    """The reactions to a message: https://docs.slack.dev/reference/methods/reactions.get."""
    channel, message = _message(call)
    shape = _shown(call, message)
    if message.reactions:
        shape["reactions"] = reactions_shape(message)
    return {"type": "message", "channel": channel.id, "message": shape}


@method("reactions.list", "reactions:read")
def reactions_list(call: Call) -> dict[str, Any]:
    """What a user reacted to: https://docs.slack.dev/reference/methods/reactions.list."""
    user = call.person() if call.text("user") else call.user
    found = [
        message
        for message in call.workspace.messages()
        if any(user.id in users for users in message.reactions.values())
        and call.sees(call.workspace.channels[message.channel])
    ]
    page, cursor = call.page(found[::-1], default=100)
    return {
        "items": [
            {"type": "message", "channel": each.channel, "message": message_shape(each, call)}
            for each in page
        ],
        "response_metadata": {"next_cursor": cursor},
    }


@method("pins.add", "pins:write")
def pins_add(call: Call) -> None:
    """Pin a message: https://docs.slack.dev/reference/methods/pins.add."""
    channel, message = _message(call)
    if channel.archived:
        raise Refused("is_archived")
    if any(ts == message.ts for ts, _, _ in channel.pins):
        raise Refused("already_pinned")
    if len(channel.pins) >= 100:
        raise Refused("too_many_pins")
    channel.pins.append((message.ts, call.user.id, call.now))


@method("pins.remove", "pins:write")
def pins_remove(call: Call) -> None:
    """Pin it no longer: https://docs.slack.dev/reference/methods/pins.remove."""
    channel, message = _message(call)
    left = [pin for pin in channel.pins if pin[0] != message.ts]
    if len(left) == len(channel.pins):
        raise Refused("no_pin")
    channel.pins = left


@method("pins.list", "pins:read")
def pins_list(call: Call) -> dict[str, Any]:
    """What is pinned: https://docs.slack.dev/reference/methods/pins.list."""
    channel = call.channel(member=True)
    return {
        "items": [
            {
                "type": "message",
                "channel": channel.id,
                "created": created,
                "created_by": user,
                "message": _shown(call, channel.messages[ts]),
            }
            for ts, user, created in reversed(channel.pins)
        ]
    }


def _shown(call: Call, message: Message) -> dict[str, Any]:
    """Return a message without metadata, which only the reading of a channel can ask for."""
    shape = message_shape(message, call, within=False)
    shape.pop("metadata", None)
    return {**shape, "permalink": permalink(call, message)}


def _bookmarks(call: Call) -> Channel:
    return call.channel(name="channel_id", member=True, live=True)


@method("bookmarks.add", "bookmarks:write")
def bookmarks_add(call: Call) -> dict[str, Any]:
    """Put a link on top of a channel: https://docs.slack.dev/reference/methods/bookmarks.add."""
    title, kind = call.required("title"), call.required("type", "invalid_bookmark_type")
    if kind != "link":
        raise malformed("invalid_bookmark_type")
    if not re.match(r"https?://", call.text("link")):
        raise malformed("invalid_link")
    channel = _bookmarks(call)
    if len(channel.bookmarks) >= _MOST_BOOKMARKS:
        raise Refused("too_many_bookmarks")
    bookmark = {
        "id": call.server.new_id("Bk"),
        "channel_id": channel.id,
        "title": title,
        "link": call.text("link"),
        "emoji": call.text("emoji"),
        "icon_url": "",
        "type": "link",
        "date_created": call.now,
        "date_updated": 0,
        "rank": str(len(channel.bookmarks)),
        "last_updated_by_user_id": call.user.id,
        "last_updated_by_team_id": call.workspace.id,
        "shortcut_id": "",
        "app_id": call.server.app_id,
    }
    channel.bookmarks.append(bookmark)
    return {"bookmark": bookmark}


def _bookmark(call: Call, channel: Channel) -> dict[str, Any]:
    wanted = call.required("bookmark_id", "not_found")
    for bookmark in channel.bookmarks:
        if bookmark["id"] == wanted:
            return bookmark
    raise Refused("not_found")


@method("bookmarks.edit", "bookmarks:write")
def bookmarks_edit(call: Call) -> dict[str, Any]:
    """Change one: https://docs.slack.dev/reference/methods/bookmarks.edit."""
    bookmark = _bookmark(call, _bookmarks(call))
    if call.text("link") and not re.match(r"https?://", call.text("link")):
        raise malformed("invalid_link")
    changes = {name: call.text(name) for name in ("title", "link", "emoji") if call.text(name)}
    bookmark |= changes | {"date_updated": call.now, "last_updated_by_user_id": call.user.id}
    return {"bookmark": bookmark}


@method("bookmarks.remove", "bookmarks:write")
def bookmarks_remove(call: Call) -> None:
    """Take one away: https://docs.slack.dev/reference/methods/bookmarks.remove."""
    channel = _bookmarks(call)
    channel.bookmarks.remove(_bookmark(call, channel))


@method("bookmarks.list", "bookmarks:read")
def bookmarks_list(call: Call) -> dict[str, Any]:
    """All of a channel: https://docs.slack.dev/reference/methods/bookmarks.list."""
    return {"bookmarks": list(call.channel(name="channel_id", member=True).bookmarks)}
