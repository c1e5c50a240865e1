"""``files.*``: see https://docs.slack.dev/reference/methods?family=files."""

from typing import Any

from brickwork_slack.testing.call import Call
from brickwork_slack.testing.methods.posting import checked_blocks
from brickwork_slack.testing.methods.registry import method
from brickwork_slack.testing.methods.shapes import file_shape
from brickwork_slack.testing.state import Channel, File, Message
from brickwork_slack.testing.traffic import Refused, malformed

MOST_BYTES = 1 << 30
"""1 GB: https://docs.slack.dev/messaging/working-with-files."""


@method("files.getUploadURLExternal", "files:write")
def files_get_upload_url(call: Call) -> dict[str, Any]:
    """Where a file's bytes go."""
    name = call.required("filename")
    length = int(call.number("length", 0))
    if length < 1:
        raise malformed("missing_argument", "[ERROR] must be greater than 0 [json-pointer:/length]")
    if length > MOST_BYTES:
        raise malformed("file_upload_size_restricted")
    key = call.server.new_id("F")
    made = File(key, name, name, call.user.id, length, call.now)
    made.snippet_type, made.alt_text = call.text("snippet_type"), call.text("alt_txt")
    call.workspace.files[key] = made
    return {"upload_url": f"{call.server.url}/upload/v1/{key}", "file_id": key}


@method("files.completeUploadExternal", "files:write")
def files_complete_upload(call: Call) -> dict[str, Any]:
    """Show uploaded files in channels, or keep them private."""
    wanted = call.json("files")
    if not isinstance(wanted, list) or not wanted:
        raise malformed("invalid_arguments", "[ERROR] missing required field: files")
    files = [_uploaded(call, each) for each in wanted]
    blocks = call.json("blocks", "invalid_blocks_format")
    channels = [_target(call, each) for each in _targets(call)]
    for channel in channels:
        _share(call, files, channel, checked_blocks(blocks) if blocks else [])
    for file, each in zip(files, wanted, strict=True):
        file.title = each.get("title") or file.name
        file.complete = True
    # Slack shows them later, when it has looked through them.
    unshown: dict[str, Any] = {"shares": {}, "is_public": False}
    unshown |= {"channels": [], "groups": [], "ims": []}
    return {"files": [file_shape(file, call) | unshown for file in files]}


def _targets(call: Call) -> list[str]:
    single, several = call.text("channel_id"), call.items("channels")
    if call.text("thread_ts") and len(several) > 1:
        raise malformed("invalid_arguments", "[ERROR] thread_ts needs one channel")
    return [single] if single else several


def _uploaded(call: Call, wanted: Any) -> File:
    file = call.workspace.files.get(wanted.get("id", "") if isinstance(wanted, dict) else "")
    if file is None or file.user != call.user.id:
        raise Refused("file_not_found")
    if file.path is None:
        raise Refused("file_not_found")
    return file


def _target(call: Call, given: str) -> Channel:
    # Unlike chat.postMessage, it takes ids only.
    channel = call.workspace.channels.get(given)
    if channel is None or not call.sees(channel):
        raise Refused("channel_not_found")
    if channel.archived:
        raise Refused("is_archived")
    if call.user.id not in channel.members:
        raise Refused("not_in_channel")
    thread = call.text("thread_ts")
    if thread and thread not in channel.messages:
        raise Refused("thread_not_found")
    return channel


def _share(call: Call, files: list[File], channel: Channel, blocks: list[dict[str, Any]]) -> None:
    message = Message(
        call.server.new_ts(),
        channel.id,
        call.user.id,
        call.text("initial_comment"),
        {"blocks": blocks} if blocks and not call.text("initial_comment") else {},
        call.text("thread_ts") or None,
        files=[file.id for file in files],
        bot_id=call.user.bot_id,
        app_id=call.server.app_id,
    )
    channel.messages[message.ts] = message
    for file in files:
        file.shares.setdefault(channel.id, []).append(message.ts)
    call.server.happened_message(call.workspace, channel, message)


def _file(call: Call) -> File:
    file = call.workspace.files.get(call.required("file", "file_not_found"))
    if file is None or not file.complete or not _sees(call, file):
        raise Refused("file_not_found")
    return file


def _sees(call: Call, file: File) -> bool:
    shown = (call.workspace.channels[channel] for channel in file.shares)
    return file.user == call.user.id or any(map(call.sees, shown))


@method("files.info", "files:read")
def files_info(call: Call) -> dict[str, Any]:
    """One file."""
    return {"file": file_shape(_file(call), call), "comments": [], "response_metadata": {}}


@method("files.list", "files:read")
def files_list(call: Call) -> dict[str, Any]:
    """The files that the caller sees, newest first, in numbered pages."""
    found = [
        file
        for file in reversed(call.workspace.files.values())
        if file.complete
        and _sees(call, file)
        and call.text("channel") in ("", *file.shares)
        and call.text("user") in ("", file.user)
        and call.number("ts_from", 0) <= file.created <= call.number("ts_to", float("inf"))
    ]
    count, page = int(call.number("count", 100)), int(call.number("page", 1))
    if count < 1 or page < 1:
        raise malformed("invalid_arguments", "[ERROR] must be greater than 0 [json-pointer:/page]")
    shown = found[(page - 1) * count : page * count]
    pages = -(-len(found) // count)
    return {
        "files": [file_shape(file, call) for file in shown],
        "paging": {"count": count, "total": len(found), "page": page, "pages": pages},
    }


@method("files.delete", "files:write")
def files_delete(call: Call) -> None:
    """Delete a file, also from the messages that show it."""
    file = _file(call)
    if file.user != call.user.id and not call.user.admin:
        raise Refused("cant_delete_file")
    for message in call.workspace.messages():
        if file.id in message.files:
            message.files.remove(file.id)
    del call.workspace.files[file.id]


@method("files.sharedPublicURL", "files:write", kinds=("user",))
def files_shared_public_url(call: Call) -> dict[str, Any]:
    """Let anybody see it who has the link."""
    return {"file": file_shape(_file(call), call) | {"public_url_shared": True}}
