"""The little of HTTP over ASGI that receivers need.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

import json
from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from typing import Any, NamedTuple

from brickwork.errors import RequestRefused

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Disconnected(Exception):
    """The sender is gone before the body was whole."""


class HttpAnswer(NamedTuple):
    """What a request is answered with.

    Attributes:
        status: The HTTP status.
        body: What is sent as JSON; nothing is where it is None.
        headers: More headers.
    """

    status: int
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()

    async def send(self, send: Send) -> None:
        """Send it."""
        data = b"" if self.body is None else json.dumps(self.body).encode()
        headers = [("content-length", str(len(data))), *self.headers]
        if data:
            headers.append(("content-type", "application/json"))
        pairs = [(name.encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": self.status, "headers": pairs})
        await send({"type": "http.response.body", "body": data})


def header_pairs(scope: Scope) -> Iterable[tuple[str, str]]:
    """Yield the headers of a request, as they came."""
    for name, value in scope["headers"]:
        yield bytes(name).decode("latin-1"), bytes(value).decode("latin-1")


def headers_of(
    pairs: Iterable[tuple[str, str]], once: Collection[str], refusal: type[RequestRefused]
) -> dict[str, str]:
    """Return headers by their names in small letters.

    Args:
        pairs: The headers, as they came.
        once: The names, in small letters, of those that count.
        refusal: What is raised.

    Raises:
        RequestRefused: One that counts is there twice, so that it is not clear which counts.
    """
    headers: dict[str, str] = {}
    for given, value in pairs:
        name = given.lower()
        if name in headers and name in once:
            raise refusal(f"There are two headers {name}.", status=400)
        headers[name] = value
    return headers


def path_of(scope: Scope) -> tuple[str, str]:
    """Return where the app is mounted, and the path below that; both without a slash at the end."""
    root, path = scope.get("root_path", "").rstrip("/"), str(scope["path"])
    # Some servers and frameworks leave the mount in the path, some take it out.
    below = path[len(root) :] if root and f"{path}/".startswith(f"{root}/") else path
    return root, below.rstrip("/")
