"""``chat.*``: see https://docs.slack.dev/reference/methods?family=chat."""

from typing import Any

from brickwork_slack.testing.call import Call
from brickwork_slack.testing.methods.posting import (
    MOST_UPDATED_TEXT,
    content_of,
    destination,
    post,
)
from brickwork_slack.testing.methods.registry import method
from brickwork_slack.testing.methods.shapes import message_shape
from brickwork_slack.testing.state import Channel, Message, Scheduled
from brickwork_slack.testing.traffic import Refused, malformed

_SCHEDULE_SECONDS = 120 * 86400
"""How far ahead: https://docs.slack.dev/reference/methods/chat.scheduleMessage."""


@method("chat.postMessage", "chat:write", check=content_of)
def chat_post_message(call: Call) -> dict[str, Any]:
    """Post a message."""
    call.required("channel", "channel_not_found")
    text, content = content_of(call)
    channel = destination(call)
    message = post(call, channel, text, content)
    return {
        "channel": channel.id,
        "ts": message.ts,
        "message": message_shape(message, call, within=False),
    }


@method("chat.postEphemeral", "chat:write", check=content_of)
def chat_post_ephemeral(call: Call) -> dict[str, Any]:
    """Show a message to one member, until they reload."""
    text, content = content_of(call)
    call.required("user", "invalid_arguments")
    channel = destination(call)
    user = call.person()
    if user.id not in channel.members:
        raise Refused("user_not_in_channel")
    ts = call.server.new_ts()
    message = Message(ts, channel.id, call.user.id, text, content, call.text("thread_ts") or None)
    message.to = user.id
    call.workspace.ephemeral.append(message)
    return {"message_ts": ts}


@method("chat.meMessage", "chat:write")
def chat_me_message(call: Call) -> dict[str, Any]:
    """Post what the caller does."""
    text, content = content_of(call)
    channel = destination(call)
    return {
        "channel": channel.id,
        "ts": post(call, channel, text, content, subtype="me_message").ts,
    }


def own_message(call: Call, refusal: str, *, ts: str = "ts") -> tuple[Channel, Message]:
    """Return a message of the caller's, which alone they may change."""
    channel = call.channel()
    message = channel.messages.get(call.required(ts, "message_not_found"))
    if message is None:
        raise Refused("message_not_found")
    if message.user != call.user.id:
        raise Refused(refusal)
    if channel.archived:
        raise Refused("is_archived")
    return channel, message


def _updated(call: Call) -> tuple[str, dict[str, Any]]:
    return content_of(call, most=MOST_UPDATED_TEXT)


@method("chat.update", "chat:write", check=_updated)
def chat_update(call: Call) -> dict[str, Any]:
    """Change a message: what is not given of blocks and attachments stays, if a text is not."""
    call.required("channel", "channel_not_found")
    call.required("ts", "message_not_found")
    text, content = _updated(call)
    channel, message = own_message(call, "cant_update_message")
    kept = {name: value for name, value in message.content.items() if name not in content}
    if call.text("text") or "blocks" in content:
        # An empty list takes them away; a new text or new blocks let neither stay beside them.
        kept.pop("blocks", None)
    for name in ("blocks", "attachments"):
        if call.json(name) == []:
            kept.pop(name, None)
    message.text, message.content = text, {**kept, **content}
    if message.thread_ts is not None and call.flag("reply_broadcast"):
        message.broadcast, message.subtype = True, "thread_broadcast"
    message.edited = call.server.new_ts()
    call.server.happened_message(call.workspace, channel, message, subtype="message_changed")
    shape = message_shape(message, call, within=False)
    shown = {name: value for name, value in shape.items() if name not in ("ts", "thread_ts")}
    return {"channel": channel.id, "ts": message.ts, "text": text, "message": shown}


@method("chat.delete", "chat:write")
def chat_delete(call: Call) -> dict[str, Any]:
    """Delete a message."""
    call.required("channel", "channel_not_found")
    channel, message = own_message(call, "cant_delete_message")
    if channel.replies(message.ts):
        message.subtype, message.text, message.content = (
            "tombstone",
            "This message was deleted.",
            {},
        )
        message.user = "USLACKBOT"
    else:
        del channel.messages[message.ts]
    channel.pins = [pin for pin in channel.pins if pin[0] != message.ts]
    call.server.happened_message(call.workspace, channel, message, subtype="message_deleted")
    return {"channel": channel.id, "ts": message.ts}


@method("chat.getPermalink")
def chat_get_permalink(call: Call) -> dict[str, Any]:
    """Return a message's address."""
    channel = call.channel()
    message = channel.messages.get(call.required("message_ts", "message_not_found"))
    if message is None:
        raise Refused("message_not_found")
    return {"channel": channel.id, "permalink": permalink(call, message)}


def permalink(call: Call, message: Message) -> str:
    """Return where people find a message."""
    where = f"https://{call.workspace.domain}.slack.com/archives/{message.channel}"
    thread = f"?thread_ts={message.thread_ts}&cid={message.channel}" if message.thread_ts else ""
    return f"{where}/p{message.ts.replace('.', '')}{thread}"


@method("chat.scheduleMessage", "chat:write", check=content_of)
def chat_schedule_message(call: Call) -> dict[str, Any]:
    """Post a message later; `SlackServer.advance` lets the time come."""
    text, content = content_of(call)
    post_at = int(call.number("post_at", 0, "invalid_time"))
    channel = destination(call)
    if post_at <= call.server.now():
        raise Refused("time_in_past")
    if post_at > call.server.now() + _SCHEDULE_SECONDS:
        raise Refused("time_too_far")
    key = call.server.new_id("Q")
    thread_ts = call.text("thread_ts") or None
    broadcast = thread_ts is not None and call.flag("reply_broadcast")
    arguments = {"text": text, "content": content, "thread_ts": thread_ts, "broadcast": broadcast}
    kept = Scheduled(key, channel.id, post_at, call.now, call.user.id, arguments)
    call.workspace.scheduled[key] = kept
    message = {
        "text": text,
        "type": "delayed_message",
        "user": call.user.id,
        "team": call.workspace.id,
    }
    if call.user.bot_id:
        message |= {"bot_id": call.user.bot_id}
    return {
        "channel": channel.id,
        "scheduled_message_id": key,
        "post_at": post_at,
        "message": message
        | {key: content[key] for key in ("blocks", "attachments") if key in content},
    }


@method("chat.deleteScheduledMessage", "chat:write")
def chat_delete_scheduled_message(call: Call) -> None:
    """Do not post it, after all."""
    channel = call.channel()
    kept = call.workspace.scheduled.get(call.required("scheduled_message_id"))
    if kept is None or kept.channel != channel.id or kept.user != call.user.id:
        raise Refused("invalid_scheduled_message_id")
    if kept.post_at - call.server.now() < 60:
        # "60 seconds or less" before: https://docs.slack.dev/reference/methods/chat.deleteScheduledMessage
        raise Refused("invalid_scheduled_message_id")
    del call.workspace.scheduled[kept.id]


@method("chat.scheduledMessages.list")
def chat_scheduled_messages_list(call: Call) -> dict[str, Any]:
    """The caller's messages that are still to be posted."""
    channel = call.channel().id if call.text("channel") else ""
    oldest, latest = call.number("oldest", 0), call.number("latest", float("inf"))
    if oldest > latest:
        raise malformed("invalid_arguments")
    found = [
        each
        for each in call.workspace.scheduled.values()
        if each.user == call.user.id
        and channel in ("", each.channel)
        and oldest <= each.post_at <= latest
    ]
    page, cursor = call.page(found, default=100)
    return {
        "scheduled_messages": [
            {
                "id": each.id,
                "channel_id": each.channel,
                "post_at": each.post_at,
                "date_created": each.created,
                "text": each.arguments["text"],
            }
            for each in page
        ],
        "response_metadata": {"next_cursor": cursor},
    }


@method("chat.unfurl", "links:write")
def chat_unfurl(call: Call) -> None:
    """Show what links in a message lead to, as attachments."""
    unfurls = call.json("unfurls", "cannot_parse_attachment")
    channel = call.channel()
    message = channel.messages.get(call.required("ts", "cannot_unfurl_message"))
    if message is None:
        raise Refused("cannot_unfurl_message")
    if not isinstance(unfurls, dict):
        raise malformed("missing_unfurls")
    added = [{"from_url": url, "is_app_unfurl": True, **each} for url, each in unfurls.items()]
    message.content["attachments"] = [*message.attachments, *added]
