"""Posting once: what is done where the answer to a post was lost.

Slack knows no key by which it would drop a second message. So each post carries one in its
metadata, https://docs.slack.dev/messaging/message-metadata, and before a post is repeated the
conversation is read for it. Where that may not be read, or where no answer came in time, so that
Slack may still be at it, the post is not repeated: `SlackUncertain`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from brickwork_slack.calls import PAGE, ask, asked, pause
from brickwork_slack.clients import client_for
from brickwork_slack.errors import SlackDenied, SlackError, SlackUncertain
from brickwork_slack.resolving import channel_id

if TYPE_CHECKING:
    from brickwork_slack.credentials import SlackCredentials

EVENT_TYPE = "brickwork_post"
"""The type of the metadata that a post carries, unless the user gives others."""

_KEY = "key"
_LOOK_SECONDS = (1.0, 3.0)
"""When to look for a message whose answer was lost: it may come to be there a little later."""

_LATER_SECONDS = (10.0, 20.0)
"""When to look besides, where no answer came in time."""

_CLOCKS_SECONDS = 3600.0
"""How much the clock here may be ahead of Slack's, for replies, which come oldest first."""

_MOST_REPLIES = 999
_READ_METADATA = "metadata.message:read"


async def destination(credentials: "SlackCredentials", channel: str) -> str:
    """Return where to post to: an id; or the name of a channel, where names cannot be looked up.

    Args:
        credentials: Who posts.
        channel: As in `channel_id`.

    Raises:
        SlackError: As `channel_id`.
    """
    try:
        return await channel_id(credentials, channel)
    except SlackDenied as error:
        # Methods that post are the only ones that take names, of channels, as Slack knows them.
        if error.method != "conversations.list" or error.error != "missing_scope":
            raise
    return f"#{channel.strip().removeprefix('#').lower()}"


async def post_once(
    credentials: "SlackCredentials", arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """Post a message, again only where the first attempt surely posted nothing.

    Args:
        credentials: Who posts.
        arguments: Of ``chat.postMessage``; the channel is a `destination`.

    Raises:
        SlackUncertain: Nobody knows whether it was posted.
        SlackError: As `ask`.
    """
    key, marked = uuid4().hex, dict(arguments)
    ours = not arguments.get("metadata")
    if ours:
        marked["metadata"] = {"event_type": EVENT_TYPE, "event_payload": {_KEY: key}}
    repeats = client_for(credentials).options.retries
    while True:
        try:
            return await ask(credentials, "chat.postMessage", **marked)
        except SlackUncertain as lost:
            if not ours:
                raise _not_repeated(lost, _OWN_METADATA) from None
            found = await _look(credentials, marked, key, longer=lost.still_at_it)
            if found:
                return found
            if found is None:
                raise _not_repeated(lost, _why_unseen(marked)) from None
            if lost.still_at_it or not repeats:
                raise _not_repeated(lost, "It was not there some seconds later.") from None
            repeats -= 1


async def _look(
    credentials: "SlackCredentials", arguments: Mapping[str, Any], key: str, *, longer: bool
) -> dict[str, Any] | None:
    """Return the message that carries a key; {} for none, None where nobody may look."""
    channel = str(arguments["channel"])
    for seconds in (*_LOOK_SECONDS, *(_LATER_SECONDS if longer else ())):
        await pause(seconds)
        try:
            if channel[0] in "UW":  # people's ids are no conversations
                opened = await ask(credentials, "conversations.open", users=channel)
                channel = str(opened["channel"]["id"])
            messages = await _latest(credentials, channel, arguments.get("thread_ts"))
        except SlackError:
            return None
        if messages is None:
            return None
        for message in messages:
            payload = (message.get("metadata") or {}).get("event_payload") or {}
            if payload.get(_KEY) == key:
                return {"ok": True, "channel": channel, "ts": message["ts"], "message": message}
    return {}


async def _latest(
    credentials: "SlackCredentials", channel: str, thread_ts: str | None
) -> list[Any] | None:
    """Return the last messages, with their metadata; None where that would not be shown."""
    from time import time

    given: dict[str, Any] = {"channel": channel, "include_all_metadata": True}
    if thread_ts is None:
        method = "conversations.history"
        given |= {"limit": PAGE}
    else:
        method = "conversations.replies"
        oldest = f"{time() - _CLOCKS_SECONDS:.6f}"
        given |= {"ts": thread_ts, "oldest": oldest, "limit": _MOST_REPLIES}
    answer, headers = await asked(credentials, method, given)
    return (answer.get("messages") or []) if _shows_metadata(headers) else None


def _shows_metadata(headers: Mapping[str, str]) -> bool:
    """Tell whether the token may see metadata: Slack leaves it out without a word, if not."""
    scopes = [scope.strip() for scope in headers.get("x-oauth-scopes", "").split(",")]
    return _READ_METADATA in scopes


_OWN_METADATA = "Without metadata of your own, a post can be found and so be repeated."


def _why_unseen(arguments: Mapping[str, Any]) -> str:
    if str(arguments["channel"]).startswith("#"):
        return (
            "Give the channel's id, or the token channels:read, so that this is found out before a "
            "message is posted again."
        )
    return (
        f"Give the token channels:history and {_READ_METADATA} (groups:history for private "
        "channels, im:history for direct messages), so that this is found out before a message is "
        "posted again."
    )


def _not_repeated(lost: SlackUncertain, why: str) -> SlackUncertain:
    error = SlackUncertain(lost.what, fix=f"{lost.fix} {why}")
    error.error, error.method, error.status = lost.error, lost.method, lost.status
    error.still_at_it = lost.still_at_it
    return error


async def site_of(credentials: "SlackCredentials") -> str:
    """Return the address of the workspace, asked for once; empty where Slack does not say it."""
    names = client_for(credentials).names
    if "site" not in names:
        try:
            answer = await ask(credentials, "auth.test")
        except SlackError:
            return ""  # the message matters more than its address
        names["site"] = str(answer.get("url") or "")
    return str(names["site"])
