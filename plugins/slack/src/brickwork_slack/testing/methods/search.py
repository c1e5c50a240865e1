"""``search.*``: see https://docs.slack.dev/reference/methods?family=search.

Of the query, words, ``"phrases"``, ``from:@name``, ``in:#name`` and ``has::emoji:`` are understood.
"""

import re
from typing import Any

from brickwork_slack.testing.call import Call
from brickwork_slack.testing.methods.chat import permalink
from brickwork_slack.testing.methods.registry import method
from brickwork_slack.testing.methods.shapes import file_shape
from brickwork_slack.testing.state import File, Message
from brickwork_slack.testing.traffic import malformed

_TERM = re.compile(r'"([^"]*)"|(from|in|has):(\S+)|(\S+)')


def _terms(call: Call) -> list[tuple[str, str]]:
    query = call.required("query", "no_query")
    return [
        (modifier, value) if modifier else ("word", phrase or word)
        for phrase, modifier, value, word in _TERM.findall(query)
    ]


def _fits(call: Call, message: Message, kind: str, value: str) -> bool:
    workspace = call.workspace
    if kind == "from":
        user = workspace.users.get(message.user)
        return user is not None and value.lstrip("@") in (user.name, "me" * (user is call.user))
    if kind == "in":
        return workspace.channels[message.channel].name == value.lstrip("#")
    if kind == "has":
        return value.strip(":") in message.reactions
    return value.lower() in message.text.lower()


def _messages(call: Call) -> dict[str, Any]:
    terms = _terms(call)
    found = [
        message
        for message in call.workspace.messages()
        if call.sees(call.workspace.channels[message.channel])
        and all(_fits(call, message, kind, value) for kind, value in terms)
    ]
    found.sort(key=lambda each: each.ts, reverse=call.text("sort_dir", "desc") == "desc")
    shown, paging = _page(call, found)
    return {"total": len(found), "matches": [_match(call, each) for each in shown], **paging}


def _match(call: Call, message: Message) -> dict[str, Any]:
    channel = call.workspace.channels[message.channel]
    user = call.workspace.users.get(message.user)
    return {
        "iid": message.ts,
        "team": call.workspace.id,
        "channel": {
            "id": channel.id,
            "name": channel.name,
            "is_private": channel.kind != "public",
            "is_mpim": channel.kind == "mpim",
            "is_shared": False,
            "is_ext_shared": False,
            "is_org_shared": False,
            "is_pending_ext_shared": False,
            "pending_shared": [],
        },
        "type": "message",
        "user": message.user,
        "username": user.name if user else "",
        "ts": message.ts,
        "text": message.text,
        "permalink": permalink(call, message),
    }


def _page(call: Call, found: list[Any]) -> tuple[list[Any], dict[str, Any]]:
    count, page = int(call.number("count", 20)), int(call.number("page", 1))
    if not 1 <= count <= 100 or not 1 <= page <= 100:
        raise malformed("invalid_arguments", "[ERROR] must be 1 to 100 [json-pointer:/count]")
    first = (page - 1) * count
    pages = -(-len(found) // count)
    return found[first : first + count], {
        "pagination": {
            "total_count": len(found),
            "page": page,
            "per_page": count,
            "page_count": pages,
            "first": first + 1,
            "last": min(first + count, len(found)),
        },
        "paging": {"count": count, "total": len(found), "page": page, "pages": pages},
    }


def _files(call: Call) -> dict[str, Any]:
    words = [value.lower() for kind, value in _terms(call) if kind == "word"]

    def fits(file: File) -> bool:
        shown = map(call.workspace.channels.__getitem__, file.shares)
        seen = file.user == call.user.id or any(map(call.sees, shown))
        return seen and all(word in f"{file.name} {file.title}".lower() for word in words)

    found = [file for file in call.workspace.files.values() if file.complete and fits(file)]
    shown, paging = _page(call, found)
    return {"total": len(found), "matches": [file_shape(each, call) for each in shown], **paging}


@method("search.messages", "search:read", kinds=("user",))
def search_messages(call: Call) -> dict[str, Any]:
    """Find messages."""
    return {"query": call.text("query"), "messages": _messages(call)}


@method("search.files", "search:read", kinds=("user",))
def search_files(call: Call) -> dict[str, Any]:
    """Find files."""
    return {"query": call.text("query"), "files": _files(call)}


@method("search.all", "search:read", kinds=("user",))
def search_all(call: Call) -> dict[str, Any]:
    """Find both."""
    found = {"messages": _messages(call), "files": _files(call)}
    return {"query": call.text("query"), **found}
