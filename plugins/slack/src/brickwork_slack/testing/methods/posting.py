"""What all methods that post messages check, and how they post."""

from typing import TYPE_CHECKING, Any

from brickwork_slack.testing.blocks import MOST_CHARACTERS, block_faults, characters, tables
from brickwork_slack.testing.call import Call
from brickwork_slack.testing.state import Channel, Message
from brickwork_slack.testing.traffic import Refused, malformed

if TYPE_CHECKING:
    from brickwork_slack.testing.server import SlackServer
    from brickwork_slack.testing.state import Workspace

MOST_TEXT = 40_000
"""Slack cuts what is longer; here it is refused, so that nobody loses text unawares.

See https://docs.slack.dev/reference/methods/chat.postMessage#truncating.
"""

MOST_UPDATED_TEXT = 4_000
"""See https://docs.slack.dev/reference/methods/chat.update."""

MOST_MARKDOWN = 12_000
MOST_ATTACHMENTS = 100
_KEPT = ("username", "icon_emoji", "icon_url")


def content_of(call: Call, *, most: int = MOST_TEXT) -> tuple[str, dict[str, Any]]:
    """Return the text, and what else a call wants to post.

    Args:
        call: A call with ``text``, ``blocks``, ``attachments`` and others.
        most: The most characters of the text.

    Raises:
        Refused: Slack does not take it.
    """
    text, markdown = call.text("text"), call.text("markdown_text")
    content: dict[str, Any] = {}
    blocks, attachments = call.json("blocks", "invalid_blocks_format"), call.json("attachments")
    if markdown:
        if text or blocks:
            raise malformed("markdown_text_conflict")
        if len(markdown) > MOST_MARKDOWN:
            raise malformed("msg_too_long")
        text, content["blocks"] = markdown, [{"type": "markdown", "text": markdown}]
    if blocks:
        content["blocks"] = with_ids(checked_blocks(blocks), call.server)
    if attachments:
        content["attachments"] = _checked_attachments(attachments)
    if not (text or blocks or attachments):
        raise malformed("no_text")
    if len(text) > most:
        raise malformed("msg_too_long")
    metadata = call.json("metadata", "invalid_metadata_format")
    if metadata:
        content["metadata"] = _checked_metadata(metadata)
    customized = {name: call.text(name) for name in _KEPT if call.text(name)}
    if customized:
        call.need("chat:write.customize")
        content |= _customized(customized)
    return text, content


def checked_blocks(blocks: Any) -> list[dict[str, Any]]:
    """Return blocks that Slack takes."""
    faults = block_faults(blocks)
    if faults:
        raise malformed("invalid_blocks", *(f"[ERROR] {each}" for each in faults), errors=faults)
    if tables(blocks) > 1:
        raise malformed("only_one_table_allowed")
    if characters(blocks) > MOST_CHARACTERS:
        raise malformed("msg_blocks_too_long")
    found: list[dict[str, Any]] = blocks
    return found


def with_ids(blocks: list[dict[str, Any]], server: "SlackServer") -> list[dict[str, Any]]:
    """Return blocks with an id each, as Slack gives them."""
    return [{"block_id": server.short_id(), **block} for block in blocks]


def _checked_attachments(attachments: Any) -> list[dict[str, Any]]:
    if not isinstance(attachments, list) or not all(isinstance(each, dict) for each in attachments):
        raise malformed("invalid_attachments")
    if len(attachments) > MOST_ATTACHMENTS:
        raise malformed("too_many_attachments")
    for index, each in enumerate(attachments):
        if "blocks" in each:
            faults = block_faults(each["blocks"], place=f"/attachments/{index}/blocks")
            if faults:
                told = (f"[ERROR] {fault}" for fault in faults)
                raise malformed("invalid_attachments", *told, errors=faults)
    return [
        {"id": number, "fallback": "[no preview available]", **each}
        for number, each in enumerate(attachments, 1)
    ]


def _checked_metadata(metadata: Any) -> dict[str, Any]:
    if not isinstance(metadata, dict):
        raise malformed("invalid_metadata_format")
    if "entities" not in metadata:
        if not isinstance(metadata.get("event_type"), str) or not metadata["event_type"]:
            raise malformed("invalid_metadata_schema", "[ERROR] missing required field: event_type")
        if not isinstance(metadata.get("event_payload"), dict):
            reason = "[ERROR] missing required field: event_payload"
            raise malformed("invalid_metadata_schema", reason)
    return metadata


def _customized(given: dict[str, str]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    if "username" in given:
        kept["username"] = given["username"]
    if "icon_emoji" in given:
        kept["icons"] = {"emoji": given["icon_emoji"]}
    elif "icon_url" in given:
        kept["icons"] = {"image_48": given["icon_url"]}
    return kept


def destination(call: Call) -> Channel:
    """Return where a message goes: an id, a name, or a user, whose direct message is opened."""
    given = call.required("channel", "channel_not_found")
    workspace = call.workspace
    if given in workspace.users:
        return call.server.direct(workspace, [call.user.id, given])
    channel = workspace.channels.get(given) or workspace.channel_named(given)
    if channel is None or not call.sees(channel):
        raise Refused("channel_not_found")
    if channel.archived:
        raise Refused("is_archived")
    if call.user.id not in channel.members and not (
        channel.kind == "public" and call.may("chat:write.public")
    ):
        raise Refused("not_in_channel")
    return channel


def post(call: Call, channel: Channel, text: str, content: dict[str, Any], **more: Any) -> Message:
    """Put a message of the caller into a channel."""
    thread_ts = call.text("thread_ts") or None
    if thread_ts is not None:
        parent = channel.messages.get(thread_ts)
        if parent is None:
            raise Refused("thread_not_found")
        if parent.thread_ts is not None:
            thread_ts = parent.thread_ts
    message = Message(
        call.server.new_ts(),
        channel.id,
        call.user.id,
        text,
        content,
        thread_ts,
        broadcast=thread_ts is not None and call.flag("reply_broadcast"),
        bot_id=call.user.bot_id,
        app_id=call.server.app_id,
        **more,
    )
    if "username" in content:
        message.subtype = "bot_message"
    if message.broadcast:
        message.subtype = "thread_broadcast"
    return put(call.server, call.workspace, channel, message)


def put(
    server: "SlackServer", workspace: "Workspace", channel: Channel, message: Message
) -> Message:
    """Keep a message, and tell those who listen."""
    channel.messages[message.ts] = message
    server.happened_message(workspace, channel, message)
    return message
