"""Requests to an ASGI app in tests, without a network; for packages whose service sends some."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from brickwork.errors import BrickworkError

if TYPE_CHECKING:
    from brickwork.receiving import Message, Scope


class Answered(NamedTuple):
    """What an app answered.

    Attributes:
        status: The HTTP status.
        body: The body, read as JSON where it is JSON; else its bytes.
        headers: By their names in small letters.
    """

    status: int
    body: Any
    headers: Mapping[str, str]


async def post(app: Any, body: bytes, headers: Mapping[str, str | None], path: str) -> Answered:
    """Post a body to an app, as over HTTPS; return when the app is through with it.

    Args:
        app: The app; any framework's has a type of its own.
        body: The body.
        headers: The headers; those that are None are left out.
        path: Where to.

    Raises:
        BrickworkError: It did not begin exactly one answer.
    """
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in headers.items()
            if value is not None
        ],
        "server": ("127.0.0.1", 443),
        "client": ("127.0.0.1", 50000),
    }
    messages: list[Message] = []

    async def receive() -> "Message":
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: "Message") -> None:
        messages.append(message)

    await app(scope, receive, send)
    return _answered(messages)


def _answered(messages: "list[Message]") -> Answered:
    started = [each for each in messages if each["type"] == "http.response.start"]
    if len(started) != 1:
        raise BrickworkError(f"The app began {len(started)} answers.")
    headers = {name.decode(): value.decode() for name, value in started[0].get("headers", ())}
    body = b"".join(each.get("body", b"") for each in messages if each is not started[0])
    is_json = headers.get("content-type", "").startswith("application/json")
    return Answered(started[0]["status"], json.loads(body) if is_json else body, headers)
