"""A webhook of Discord."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from brickwork.testing.loopback import Request
from brickwork.testing.services.base import Answer, Files, Json, Service, is_time, length, unknown

# Discord refuses hosts without a dot.
_URL = re.compile(r"https?://[\w-]+(?:\.[\w-]+)+(?::\d+)?(?:[/?#]\S*)?", re.ASCII)


class Discord(Service):
    """A webhook of Discord, of a text channel or of a forum.

    https://docs.discord.com/developers/resources/webhook#execute-webhook

    Args:
        forum: Whether the channel is a forum.

    Attributes:
        threads: The ids of the forum's threads.
    """

    path = "/api/v10/webhooks/223704706495545344/aTokenOfSomeLength-x7"

    def __init__(self, *, forum: bool = False) -> None:
        super().__init__()
        self._forum = forum
        self.threads: list[str] = []

    def got(self) -> Answer:
        """Return the webhook."""
        return 200, {}, {"id": "223704706495545344", "type": 1, "name": "ops alerts"}

    def answer(self, request: Request) -> Answer:
        """Answer as any service, and for a thread that is gone as Discord."""
        thread = parse_qs(urlsplit(request.line.split(" ")[1]).query).get("thread_id", [None])[0]
        if self._forum and thread is not None and thread not in self.threads:
            return 404, {}, {"message": "Unknown Channel", "code": 10003}
        return super().answer(request)

    def refusal(self, faults: list[str]) -> Answer:
        """Return what Discord says of what it refuses."""
        return 400, {}, {"message": "Invalid Form Body", "code": 50035, "errors": faults}

    def taken(self, message: Json, query: dict[str, str]) -> Answer:
        """Return the message, if it is waited for."""
        number = len(self.accepted)
        if "thread_name" in message:
            self.threads.append(f"77{number}")
        if query.get("wait") != "true":
            return 204, {}, None
        channel = query.get("thread_id") or (self.threads[-1] if self.threads else "55")
        return 200, {}, {"id": f"99{number}", "channel_id": channel, "type": 0}

    def faults(self, message: Json, files: Files, query: dict[str, str]) -> Iterator[str]:
        """Say what Discord would refuse."""
        known = {"content", "username", "avatar_url", "embeds", "allowed_mentions"}
        yield from unknown(message, known | {"attachments", "thread_name"}, "the message")
        if not (message.get("content") or message.get("embeds") or files):
            yield "an empty message"
        yield from length("content", message.get("content", ""), 0, 2000)
        yield from length("username", message.get("username", "x"), 1, 80)
        in_thread = "thread_id" in query
        if ("thread_name" in message) != (self._forum and not in_thread):
            yield "a thread name for no forum, none for a forum, or with a thread id"
        yield from length("thread_name", message.get("thread_name", "x").strip(), 1, 100)
        embeds = message.get("embeds", [])
        if len(embeds) > 10:
            yield "too many embeds"
        for embed in embeds:
            yield from _embed_faults(embed)
        total = sum(len(text) for embed in embeds for text in _embed_texts(embed))
        if total > 6000:
            yield f"{total} characters in all embeds"
        yield from _mention_faults(message.get("allowed_mentions", {}))
        yield from _file_faults(message.get("attachments", []), files)


def _embed_texts(embed: Json) -> Iterator[str]:
    yield embed.get("title", "")
    yield embed.get("description", "")
    yield embed.get("footer", {}).get("text", "")
    for field in embed.get("fields", []):
        yield field["name"]
        yield field["value"]


def _embed_faults(embed: Json) -> Iterator[str]:
    known = {"title", "description", "url", "timestamp", "color", "footer", "fields"}
    yield from unknown(embed, known, "an embed")
    # White space around a text is taken off, and what is empty then is missing.
    yield from length("title", embed.get("title", "x").strip(), 1, 256)
    yield from length("title", embed.get("title", "x"), 1, 256)
    yield from length("description", embed.get("description", "x"), 1, 4096)
    yield from length("footer", embed.get("footer", {}).get("text", ""), 0, 2048)
    if "url" in embed and not (_URL.fullmatch(embed["url"]) and len(embed["url"]) <= 2048):
        yield f"not a well formed URL: {embed['url']}"
    if not isinstance(embed.get("color", 0), int) or not 0 <= embed.get("color", 0) <= 0xFFFFFF:
        yield "the colour"
    if "timestamp" in embed and not is_time(embed["timestamp"]):
        yield "the timestamp"
    if len(embed.get("fields", [])) > 25:
        yield "too many fields"
    for field in embed.get("fields", []):
        yield from unknown(field, {"name", "value", "inline"}, "a field")
        yield from length("a field's name", field["name"].strip(), 1, 256)
        yield from length("a field's name", field["name"], 1, 256)
        yield from length("a field's value", field["value"].strip(), 1, 1024)
        yield from length("a field's value", field["value"], 1, 1024)


def _mention_faults(allowed: Json) -> Iterator[str]:
    yield from unknown(allowed, {"parse", "roles", "users", "replied_user"}, "allowed_mentions")
    if not set(allowed.get("parse", [])) <= {"everyone", "roles", "users"}:
        yield "parse"
    for kind in ("roles", "users"):
        ids = allowed.get(kind, [])
        if len(ids) > 100 or len(set(ids)) < len(ids) or not all(each.isdigit() for each in ids):
            yield f"the {kind} of allowed_mentions"
        if ids and kind in allowed.get("parse", []):
            yield f"{kind} both in parse and as a list"


def _file_faults(attachments: list[Json], files: Files) -> Iterator[str]:
    if len(files) > 10:
        yield "too many files"
    if sorted(files) != sorted(f"files[{each['id']}]" for each in attachments):
        yield "attachments and files are not the same"
    for name, content in files.values():
        yield from length("a file's name", name, 1, 1024)
        if len(content) > 10 * 1024 * 1024:
            yield f"{name} is too large"
