"""Requests and answers, as a test sees them."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from brickwork_github.testing.validation import Json


@dataclass(frozen=True)
class Asked:
    """A request, as it was understood.

    Attributes:
        route: For example ``POST /repos/{owner}/{repo}/issues``; method and path where there is
            no such operation.
        path: The path's parameters.
        query: The query's parameters; the last one where a name comes twice.
        body: The body, read as JSON; None without one, bytes where it is not JSON.
        headers: As they came; names without regard to case.
        base_url: What the URLs in the answer begin with.
        raw: The body, as it came.
    """

    route: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Json
    headers: Mapping[str, str] = field(repr=False)
    base_url: str = field(repr=False, default="")
    raw: bytes = field(repr=False, default=b"")

    @property
    def token(self) -> str | None:
        """The token that it came with; also a password, as git sends it."""
        return token_in(self.headers.get("Authorization"))

    @property
    def repository(self) -> str:
        """The repository it is about, ``owner/name``; empty where it is about none."""
        owner, name = self.path.get("owner"), self.path.get("repo")
        return f"{owner}/{name}" if owner and name else ""


@dataclass(frozen=True)
class Refusal:
    """A request that GitHub's description refuses.

    Attributes:
        asked: The request.
        status: What was answered.
        reasons: What is wrong with it.
    """

    asked: Asked
    status: int
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """What is answered to a request.

    Attributes:
        body: JSON; bytes for anything else; None for nothing.
        status: The HTTP status; None means the operation's first one that is a success.
        headers: To be added, or to stand instead of those that the server makes.
    """

    body: Json = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Answering = Callable[[Asked], Json | Answer]
"""Makes an answer to a request: a body, or an `Answer`."""


def token_in(header: str | None) -> str | None:
    """Return the token of an Authorization header; None if there is none."""
    kind, _, rest = (header or "").partition(" ")
    if kind.lower() in ("token", "bearer"):
        return rest.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(rest, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return None


def problem(status: int, message: str, page: str = "https://docs.github.com/rest") -> Answer:
    """Return an answer that says what is wrong, in GitHub's form."""
    return Answer({"message": message, "documentation_url": page, "status": str(status)}, status)


def read_json(raw: bytes) -> Json:
    """Read a body; None where there is none, and the bytes where it is not JSON."""
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError:
        return raw


def written(body: Json) -> bytes:
    """Write a body."""
    if body is None or isinstance(body, bytes):
        return body or b""
    return json.dumps(body, separators=(",", ":")).encode()
