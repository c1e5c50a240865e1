"""Names of channels, people and groups as ids: asked for once, and remembered for the workspace.

Slack takes ids. Looking a name up means to list all of a workspace, which is slow and limited; so
ids are always taken as they are, and what was found is kept for all tasks of the process.
"""

import re
import threading
from collections.abc import Callable, Coroutine, Iterable
from time import monotonic
from typing import TYPE_CHECKING, Any

from brickwork_slack.calls import ask, everything
from brickwork_slack.clients import client_for
from brickwork_slack.errors import SlackError, SlackInvalid, SlackNotFound

if TYPE_CHECKING:
    from brickwork_slack.credentials import SlackCredentials

_CHANNEL = re.compile(r"[CGDUW][A-Z0-9]{7,}")
_USER = re.compile(r"[UW][A-Z0-9]{7,}")
_GROUP = re.compile(r"S[A-Z0-9]{7,}")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_LINK = re.compile(r"<[#@!](?:subteam\^)?([A-Z0-9]{8,})(?:\|[^>]*)?>")
_KEPT_SECONDS = 3600.0
_MISSING_SECONDS = 10.0
"""How long a list counts in which a name was not: a channel may have been made since."""

_lock = threading.Lock()

Names = dict[str, list[str]]


async def channel_id(credentials: "SlackCredentials", channel: str) -> str:
    """Return the id of a conversation.

    Args:
        credentials: Who asks.
        channel: An id, which is taken as it is; ``#name``, or ``name``; a user's id, ``@name`` or
            e-mail address, for the conversation with them.

    Raises:
        SlackNotFound: There is none that these credentials see.
        SlackInvalid: It is no name, or several people have it.
    """
    text = _unlinked(channel)
    if _CHANNEL.fullmatch(text):
        return text
    if text.startswith("@") or _MAIL.fullmatch(text):
        user = await user_id(credentials, text)
        opened = await ask(credentials, "conversations.open", users=user)
        return str(opened["channel"]["id"])
    name = text.removeprefix("#").lower()
    return await _named(credentials, "channel", name, channel, _channels)


async def user_id(credentials: "SlackCredentials", user: str) -> str:
    """Return the id of a user.

    Args:
        credentials: Who asks.
        user: An id, which is taken as it is; an e-mail address; ``@name``, where the name is the
            account's, the display name or the real name.

    Raises:
        SlackNotFound: There is none.
        SlackInvalid: Several people have the name: give an id.
    """
    text = _unlinked(user)
    if _USER.fullmatch(text):
        return text
    if _MAIL.fullmatch(text.removeprefix("@")) and not text.startswith("@"):
        return await _named(credentials, "mail", text.lower(), user, _by_mail(text))
    name = text.removeprefix("@").lower()
    return await _named(credentials, "user", name, user, _users)


async def user_ids(credentials: "SlackCredentials", users: str | Iterable[str]) -> list[str]:
    """Return the ids of users, each once, in order; each as in `user_id`."""
    found: dict[str, None] = {}
    for user in [users] if isinstance(users, str) else users:
        found[await user_id(credentials, user)] = None
    return list(found)


async def group_id(credentials: "SlackCredentials", group: str) -> str:
    """Return the id of a user group.

    Args:
        credentials: Who asks.
        group: An id, which is taken as it is; its handle or name, with or without ``@``.

    Raises:
        SlackNotFound: There is none.
        SlackInvalid: Several have the name: give an id.
    """
    text = _unlinked(group)
    if _GROUP.fullmatch(text):
        return text
    name = text.removeprefix("@").lower()
    return await _named(credentials, "usergroup", name, group, _groups)


def forget(credentials: "SlackCredentials", kind: str) -> None:
    """Ask anew for names of a kind, which something has changed: ``channel``, ``usergroup``."""
    client_for(credentials).names.pop(kind, None)


Fetch = Callable[["SlackCredentials"], Coroutine[Any, Any, Names]]


async def _named(
    credentials: "SlackCredentials", kind: str, name: str, given: str, fetch: Fetch
) -> str:
    if not name:
        raise SlackInvalid(f"{given!r} is no name and no id.", fix="Give one of them.")
    kept = client_for(credentials).names
    found = _kept(kept, kind, name)
    if found is None:
        names = await fetch(credentials)
        with _lock:
            _, known = kept.get(kind, (0.0, {}))
            # Addresses are asked for one by one; of all others this is the whole list.
            kept[kind] = monotonic(), {**known, **names} if kind == "mail" else names
        found = names.get(name, [])
    if not found:
        raise _missing(kind, given)
    if len(found) > 1:
        raise SlackInvalid(
            f"{given!r} are {len(found)}: {', '.join(sorted(found)[:10])}.", fix="Give the id."
        )
    return found[0]


def _kept(kept: dict[str, Any], kind: str, name: str) -> list[str] | None:
    """Return what is known of a name; None where somebody must ask."""
    with _lock:
        since, names = kept.get(kind, (None, {}))
    if since is None:
        return None
    age = monotonic() - since
    found: list[str] | None = names.get(name)
    if found is not None:
        return found if age < _KEPT_SECONDS else None
    return [] if age < _MISSING_SECONDS and kind != "mail" else None


def _missing(kind: str, given: str) -> SlackNotFound:
    fixes = {
        "channel": "Look at the name; a private channel is only seen by its members: invite the "
        "app, or give the channel's id.",
        "user": "Look at the name, or give an id or an e-mail address.",
        "mail": "Look at the address, or give an id.",
        "usergroup": "Look at the handle, or give an id.",
    }
    what = {"mail": "user", "usergroup": "user group"}.get(kind, kind)
    error = SlackNotFound(f"There is no {what} {given!r} here.", fix=fixes[kind])
    error.error = {"channel": "channel_not_found", "usergroup": "subteam_not_found"}.get(
        kind, "user_not_found"
    )
    return error


def _unlinked(text: str) -> str:
    """Return the id in ``<@U...>`` and its like, as messages have them; else the text itself."""
    text = text.strip()
    found = _LINK.fullmatch(text)
    return found[1] if found else text


async def _channels(credentials: "SlackCredentials") -> Names:
    types = "public_channel,private_channel"
    try:
        found = await everything(credentials, "conversations.list", "channels", types=types)
    except SlackError as error:
        if error.error != "missing_scope":
            raise
        # Without groups:read the public ones are all that can be seen.
        found = await everything(
            credentials, "conversations.list", "channels", types="public_channel"
        )
    names: Names = {}
    for each in found:
        for name in {each.get("name"), each.get("name_normalized")}:
            _add(names, name, each["id"])
    return names


async def _users(credentials: "SlackCredentials") -> Names:
    accounts: Names = {}
    others: Names = {}
    for each in await everything(credentials, "users.list", "members"):
        if each.get("deleted"):
            continue
        profile = each.get("profile") or {}
        _add(accounts, each.get("name"), each["id"])
        for name in ("display_name", "real_name"):
            _add(others, profile.get(name), each["id"])
    # Accounts' names are unique, and so say whom somebody means who has another's display name.
    return {**others, **accounts}


async def _groups(credentials: "SlackCredentials") -> Names:
    names: Names = {}
    answer = await ask(credentials, "usergroups.list", include_disabled=True)
    for each in answer.get("usergroups") or []:
        for name in {each.get("handle"), each.get("name")}:
            _add(names, name, each["id"])
    return names


def _by_mail(address: str) -> Fetch:
    async def fetch(credentials: "SlackCredentials") -> Names:
        try:
            answer = await ask(credentials, "users.lookupByEmail", email=address)
        except SlackNotFound:
            return {}
        return {address.lower(): [str(answer["user"]["id"])]}

    return fetch


def _add(names: Names, name: object, key: str) -> None:
    if isinstance(name, str) and name and key not in names.setdefault(name.lower(), []):
        names[name.lower()].append(key)
