"""How Slack answers what it keeps."""

from typing import Any

from brickwork_slack.testing.call import Call
from brickwork_slack.testing.state import Channel, File, Message, User, UserGroup, Workspace


def user_shape(user: User, workspace: Workspace, *, emails: bool = True) -> dict[str, Any]:
    """Return a user, as https://docs.slack.dev/reference/objects/user-object says."""
    shape: dict[str, Any] = {
        "id": user.id,
        "team_id": workspace.id,
        "name": user.name,
        "deleted": user.deleted,
        "profile": _profile(user, workspace, emails),
        "is_bot": bool(user.bot_id),
        "updated": 0,
        "is_app_user": False,
    }
    if user.deleted:
        return shape
    return shape | {
        "color": "9f69e7",
        "real_name": user.real_name,
        "tz": "Europe/Amsterdam",
        "tz_label": "Central European Time",
        "tz_offset": 3600,
        "is_admin": user.admin,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_email_confirmed": bool(user.email),
    }


def _profile(user: User, workspace: Workspace, emails: bool) -> dict[str, Any]:
    profile = {
        "real_name": user.real_name,
        "real_name_normalized": user.real_name,
        "display_name": user.name if not user.bot_id else "",
        "display_name_normalized": user.name if not user.bot_id else "",
        "status_text": "",
        "status_emoji": "",
        "status_expiration": 0,
        "team": workspace.id,
        "avatar_hash": "g",
        **user.profile,
    }
    if user.email and emails:
        profile["email"] = user.email
    if user.bot_id:
        profile["bot_id"] = user.bot_id
    return profile


def channel_shape(channel: Channel, call: Call, *, brief: bool = False) -> dict[str, Any]:
    """Return a conversation.

    See https://docs.slack.dev/reference/objects/conversation-object.

    Args:
        channel: Which.
        call: Whose caller looks at it.
        brief: As in lists, which do not say when it was read last.
    """
    kind = channel.kind
    shape: dict[str, Any] = {
        "id": channel.id,
        "created": channel.created,
        "is_archived": channel.archived,
        "is_im": kind == "im",
        "is_org_shared": False,
        "context_team_id": call.workspace.id,
    }
    if kind == "im":
        others = [user for user in channel.members if user != call.user.id]
        return shape | {"user": others[0] if others else call.user.id}
    member = call.user.id in channel.members
    shape |= {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": kind == "public",
        "is_group": kind == "private",
        "is_mpim": kind == "mpim",
        "is_private": kind != "public",
        "is_general": channel.name == "general",
        "is_shared": False,
        "is_ext_shared": False,
        "is_pending_ext_shared": False,
        "pending_shared": [],
        "unlinked": 0,
        "creator": channel.creator,
        "is_member": member,
        "topic": _topic(channel.topic),
        "purpose": _topic(channel.purpose),
        "previous_names": list(channel.previous_names),
    }
    if brief:
        shape["num_members"] = len(channel.members)
    elif member:
        shape["last_read"] = channel.marked.get(call.user.id, "0000000000.000000")
    return shape


def _topic(kept: tuple[str, str, int]) -> dict[str, Any]:
    return dict(zip(("value", "creator", "last_set"), kept, strict=True))


def message_shape(message: Message, call: Call, *, within: bool = True) -> dict[str, Any]:
    """Return a message, as https://docs.slack.dev/reference/events/message says.

    Args:
        message: Which.
        call: Whose caller looks at it.
        within: As it stands in its channel, with its replies and reactions.
    """
    workspace = call.workspace
    content = {key: value for key, value in message.content.items() if key != "metadata"}
    shape: dict[str, Any] = {"type": "message", "text": message.text, "ts": message.ts, **content}
    for name in ("user", "bot_id", "app_id", "subtype"):
        if getattr(message, name):
            shape[name] = getattr(message, name)
    if message.user:
        shape["team"] = workspace.id
    if message.bot_id and (bot := workspace.users.get(message.user)):
        shape["bot_profile"] = {
            "id": bot.bot_id,
            "deleted": bot.deleted,
            "name": bot.real_name,
            "updated": 0,
            "app_id": message.app_id,
            "user_id": bot.id,
            "team_id": workspace.id,
        }
    if message.edited:
        shape["edited"] = {"user": message.user, "ts": message.edited}
    if message.thread_ts is not None:
        shape["thread_ts"] = message.thread_ts
    if message.files:
        shape["files"] = [file_shape(workspace.files[each], call) for each in message.files]
    asked_for = call.flag("include_all_metadata") and call.may("metadata.message:read")
    if message.metadata is not None and (asked_for or not within):
        shape["metadata"] = message.metadata
    if not within:
        return shape
    if message.reactions:
        shape["reactions"] = reactions_shape(message)
    return shape | _thread(message, call)


def _thread(message: Message, call: Call) -> dict[str, Any]:
    channel = call.workspace.channels[message.channel]
    if message.thread_ts is not None:
        parent = channel.messages.get(message.thread_ts)
        return {"parent_user_id": parent.user} if parent and parent.user else {}
    replies = channel.replies(message.ts)
    if not replies:
        return {}
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users": list(dict.fromkeys(each.user for each in replies)),
        "reply_users_count": len({each.user for each in replies}),
        "latest_reply": replies[-1].ts,
        "is_locked": False,
        "subscribed": False,
    }


def reactions_shape(message: Message) -> list[dict[str, Any]]:
    """Return the reactions to a message."""
    kept = message.reactions.items()
    return [{"name": name, "users": list(users), "count": len(users)} for name, users in kept]


def file_shape(file: File, call: Call) -> dict[str, Any]:
    """Return a file, as https://docs.slack.dev/reference/objects/file-object says."""
    workspace = call.workspace
    kind = file.name.rpartition(".")[2].lower() if "." in file.name else "text"
    url = f"{call.server.url}/files-pri/{workspace.id}-{file.id}"
    kinds: dict[str, list[str]] = {"public": [], "private": [], "im": [], "mpim": []}
    for channel in file.shares:
        kinds[workspace.channels[channel].kind].append(channel)
    shared = {
        name: {channel: [{"ts": ts} for ts in file.shares[channel]] for channel in channels}
        for name, channels in (
            ("public", kinds["public"]),
            ("private", kinds["private"] + kinds["im"] + kinds["mpim"]),
        )
        if channels
    }
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title,
        "mimetype": _mimetype(file.name),
        "filetype": file.snippet_type or kind,
        "pretty_type": kind.upper(),
        "user": file.user,
        "user_team": workspace.id,
        "editable": bool(file.snippet_type),
        "size": file.size,
        "mode": "snippet" if file.snippet_type else "hosted",
        "is_external": False,
        "external_type": "",
        "is_public": bool(kinds["public"]),
        "public_url_shared": False,
        "display_as_bot": False,
        "username": "",
        "url_private": f"{url}/{file.name}",
        "url_private_download": f"{url}/download/{file.name}",
        "permalink": f"https://{workspace.domain}.slack.com/files/{file.user}/{file.id}/{file.name}",
        "channels": kinds["public"],
        "groups": kinds["private"],
        "ims": kinds["im"] + kinds["mpim"],
        "shares": shared,
        "comments_count": 0,
        "has_rich_preview": False,
        "file_access": "visible",
    }


def _mimetype(name: str) -> str:
    import mimetypes

    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def group_shape(
    group: UserGroup, call: Call, *, users: bool = False, count: bool = False
) -> dict[str, Any]:
    """Return a user group, as https://docs.slack.dev/reference/objects/usergroup-object says."""
    shape: dict[str, Any] = {
        "id": group.id,
        "team_id": call.workspace.id,
        "is_usergroup": True,
        "is_subteam": True,
        "is_external": False,
        "name": group.name,
        "description": group.description,
        "handle": group.handle,
        "date_create": group.created,
        "date_update": group.updated,
        "date_delete": group.disabled,
        "auto_provision": False,
        "created_by": group.creator,
        "updated_by": group.creator,
        "prefs": {"channels": list(group.channels), "groups": []},
    }
    if count:
        shape["user_count"] = len(group.users)
    return shape | {"users": list(group.users)} if users else shape
