"""What the services on loopback share: one answer a request, by rules."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import datetime
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qs, urlsplit

from brickwork.testing.loopback import Peer, Request, reply

Json = dict[str, Any]
Files = dict[str, tuple[str, bytes]]
"""By the names of their parts in a form: file names and contents."""

Answer = tuple[int, dict[str, str], Json | None]
"""Status, headers and body."""


class Service(ABC):
    """One of the services.

    Attributes:
        path: Where it takes messages.
        query: What its URL has after that.
        max_bytes: How large a request may be.
        accepted: The messages that it took, as JSON.
        files: The contents of the files that came with them, by name.
        refused: What was wrong with the others, in words.
    """

    path = "/"
    query = ""
    max_bytes = 25 * 1024 * 1024

    def __init__(self) -> None:
        self.accepted: list[Json] = []
        self.files: dict[str, bytes] = {}
        self.refused: list[str] = []

    def url(self, port: int) -> str:
        """Return its URL on a loopback server."""
        return f"http://127.0.0.1:{port}{self.path}{self.query}"

    def serve(self, peer: Peer, request: Request) -> None:
        """Answer a request; for `LoopbackServer`."""
        status, headers, answer = self.answer(request)
        body = b"" if answer is None else json.dumps(answer).encode()
        reply(status, body, headers)(peer, request)

    def answer(self, request: Request) -> Answer:
        """Return the answer to a request."""
        method, resource, _ = request.line.split(" ")
        url = urlsplit(resource)
        if url.path != self.path:
            return 404, {}, {"message": "404: Not Found", "code": 0}
        if method == "GET":
            return self.got()
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        message, files = read_message(request)
        faults = self.faults_of(request.body, message, files, query)
        if faults:
            self.refused += faults
            return self.refusal(faults)
        self.accepted.append(message)
        self.files |= dict(files.values())
        return self.taken(message, query)

    def faults_of(
        self, body: bytes, message: Any, files: Files, query: dict[str, str]
    ) -> list[str]:
        """Say what the service would refuse of a request."""
        if len(body) > self.max_bytes:
            return [f"{len(body)} bytes"]
        if not isinstance(message, dict):
            return ["no JSON object in UTF-8"]
        return list(self.faults(message, files, query))

    @abstractmethod
    def faults(self, message: Json, files: Files, query: dict[str, str]) -> Iterator[str]:
        """Say what the service would refuse of a message."""

    @abstractmethod
    def taken(self, message: Json, query: dict[str, str]) -> Answer:
        """Return the answer to a message that was taken."""

    @abstractmethod
    def refusal(self, faults: list[str]) -> Answer:
        """Return the answer to a message that was refused."""

    def got(self) -> Answer:
        """Return the answer to GET."""
        return 405, {}, None


def read_message(request: Request) -> tuple[Any, Files]:
    """Return the JSON of a request, also from a part ``payload_json``, and its files."""
    media_type = request.headers.get("content-type", "")
    if media_type.startswith("application/json"):
        return _json(request.body), {}
    if not media_type.startswith("multipart/form-data; boundary="):
        return None, {}
    head = f"Content-Type: {media_type}\r\n\r\n".encode()
    message, files = None, Files()
    for part in BytesParser(policy=HTTP).parsebytes(head + request.body).iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes), "a part of a form has parts"
        if name == "payload_json":
            message = _json(content)
        else:
            files[str(name)] = (str(part.get_filename()), content)
    return message, files


def _json(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"))
    except ValueError:
        return None


def unknown(given: Json, known: set[str], where: str) -> Iterator[str]:
    """Say which names in an object the service does not know."""
    if given.keys() - known:
        yield f"unknown in {where}: {sorted(given.keys() - known)}"


def length(name: str, value: object, least: int, most: int) -> Iterator[str]:
    """Say if a value is no text of a length in code points."""
    if not isinstance(value, str) or not least <= len(value) <= most:
        yield f"{name}: not a text of {least} to {most} characters"


def is_time(value: object) -> bool:
    """Tell whether a value is a time of ISO 8601 with its zone."""
    try:
        return datetime.fromisoformat(str(value)).tzinfo is not None
    except ValueError:
        return False
