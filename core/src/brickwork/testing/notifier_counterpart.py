"""What stands for the service of a notifier in `NotifierContract`, on 127.0.0.1."""

import base64
import binascii
import json
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from types import MappingProxyType, TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, unquote

from brickwork.block import Block
from brickwork.notifier import Notifier, Overflow

_PATIENT = {"timeout_seconds": 30.0, "retry_seconds": 60.0}

URL_SECRET = "T0-counterpart-path-secret-9f2c"  # noqa: S105  # looked for where it must not be


class Behaviour(StrEnum):
    """How the service that a notifier talks to behaves."""

    OK = "ok"
    """Takes everything."""
    REFUSING = "refusing"
    """Says no for good: HTTP 404."""
    RATE_LIMITING = "rate-limiting"
    """Asks to try again soon, HTTP 429 with ``Retry-After: 1``, and takes the next one."""
    BUSY = "busy"
    """Asks to try again in an hour, always: HTTP 429 with ``Retry-After: 3600``."""
    BROKEN = "broken"
    """Answers HTTP 500, always."""
    SILENT = "silent"
    """Takes the connection and never answers."""
    UNREACHABLE = "unreachable"
    """Nothing listens at its address."""


class Counterpart(ABC):
    """What stands for the service in the contract.

    Two methods are enough. The others say more, so that the contract can look closer.

    Attributes:
        secrets: What must show nowhere: parts of the URL, tokens, passwords that the notifiers of
            this counterpart are given.
        wait_seconds: How long it asks to wait in `Behaviour.RATE_LIMITING`; 0 if it cannot say.
    """

    secrets: tuple[str, ...] = (URL_SECRET,)
    wait_seconds: float = 0.0

    @abstractmethod
    def notifier(self, behaviour: Behaviour) -> Notifier:
        """Return a notifier whose service behaves like this; one that nobody else has paused."""

    @abstractmethod
    def received(self) -> str:
        """Return everything that has arrived, in order of arrival: what came later is at the end.

        As it came, and as people would read it: what is encoded (JSON, MIME, Base64, also in
        attachments) must be there decoded, too.
        """

    def notifier_with(self, overflow: Overflow) -> Notifier | None:
        """Return a notifier that does this with what is too long; None if it never does.

        Found out for a notifier with a fixed overflow, and for a block with a field ``overflow``.
        """
        notifier = self.notifier(Behaviour.OK)
        if notifier.limits().overflow is overflow:
            return notifier
        return changed(notifier, overflow=overflow)

    def arrivals(self) -> int | None:
        """Return how many messages came, those that were refused included; None: not known."""
        return None

    def connections(self) -> int | None:
        """Return how many connections were made to the service; None: not known."""
        return None


def changed(notifier: Notifier, **fields: object) -> Notifier | None:
    """Return a copy of a block with other values; None if it has no such fields."""
    if not isinstance(notifier, Block) or not fields.keys() <= type(notifier).model_fields.keys():
        return None
    copy = notifier.model_copy(update=fields)
    assert isinstance(copy, Notifier)
    return copy


class Asked(NamedTuple):
    """A request to a service.

    Attributes:
        method: The HTTP method.
        target: The whole path, with the query.
        path: What follows the notifier's own URL in it.
        headers: Its headers.
        body: Its body.
    """

    method: str
    target: str
    path: str
    headers: Any
    body: bytes


class Answer(NamedTuple):
    """An answer of a service."""

    status: int
    body: bytes
    headers: Mapping[str, str] = MappingProxyType({})


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # with the usual 5, many senders at once wait a second
    connections = 0

    def get_request(self) -> Any:
        self.connections += 1
        return super().get_request()


class HttpCounterpart(Counterpart):
    """An HTTP server on 127.0.0.1, for notifiers that take the URL of their service.

    What is posted, put or patched is a message. What is asked for with GET is answered in the same
    way and does not count: a check may do that.

    Args:
        make: Makes the notifier for a URL; the URL's path holds `URL_SECRET`. Its time-out should
            be short, and its time for retries, too. Fields ``timeout_seconds`` and
            ``retry_seconds`` keep these values for a silent service only: a busy machine is slow.
        answer: The body of the answer to what is taken.
        status: The status of that answer.
    """

    wait_seconds = 1.0

    def __init__(
        self, make: Callable[[str], Notifier], *, answer: bytes = b"ok", status: int = 200
    ) -> None:
        self._make = make
        self._answer = (status, answer)
        self._lock = Lock()
        self._received: list[str] = []
        self._limited: set[str] = set()
        self._made = 0
        self._closing = Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._nobody = socket.socket()  # keeps a port on which nothing listens
        self._nobody.bind(("127.0.0.1", 0))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._nobody.close()

    def notifier(self, behaviour: Behaviour) -> Notifier:
        """Return a notifier for a URL of its own on this server."""
        self._made += 1
        listener = self._nobody if behaviour is Behaviour.UNREACHABLE else self._server.socket
        port = listener.getsockname()[1]
        made = self._make(f"http://127.0.0.1:{port}/{behaviour}/{self._made}/{URL_SECRET}")
        if behaviour is not Behaviour.SILENT:
            for field, seconds in _PATIENT.items():
                made = changed(made, **{field: seconds}) or made
        return made

    def received(self) -> str:
        """Return the headers and bodies of all messages, as they came and decoded."""
        with self._lock:
            return "\n".join(self._received)

    def arrivals(self) -> int:
        """Return how many messages came."""
        return len(self._received)

    def connections(self) -> int:
        """Return how many connections were made."""
        return self._server.connections

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        counterpart = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                with suppress(ConnectionError):  # a client that gave up
                    counterpart._serve(self)

            do_GET = do_PUT = do_PATCH = do_POST  # noqa: N815  # the names http.server looks for

            def log_message(self, *args: object) -> None:
                """Keep the test's output clean."""

        return Handler

    def message_of(self, asked: Asked) -> str | None:
        """Return the message that a request brings, as it came and decoded; None if it is none."""
        if asked.method == "GET":
            return None
        return f"{asked.headers}\n{readable(asked.body, asked.headers)}"

    def answer_to(self, asked: Asked, behaviour: Behaviour, *, limited: bool) -> Answer:
        """Return the answer to a request.

        Args:
            asked: The request.
            behaviour: How the service behaves.
            limited: Whether it is a message that comes too soon, and is asked for again.
        """
        if behaviour is Behaviour.REFUSING:
            # Many servers quote the path that they do not know.
            return Answer(404, f"Cannot POST {asked.target}".encode())
        if behaviour is Behaviour.BROKEN:
            return Answer(500, b"Internal Server Error")
        if behaviour is Behaviour.BUSY:
            return Answer(429, b"slow down", {"Retry-After": "3600"})
        if limited:
            return Answer(429, b"slow down", {"Retry-After": f"{self.wait_seconds:.0f}"})
        return Answer(*self._answer)

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        _, name, number, _, *rest = request.path.split("/")
        asked = Asked(request.command, request.path, "/".join(rest), request.headers, body)
        behaviour, limited = Behaviour(name), False
        message = self.message_of(asked)
        if message is not None:
            with self._lock:
                self._received.append(message)
                limited = behaviour is Behaviour.RATE_LIMITING and number not in self._limited
                self._limited.add(number)
        if behaviour is Behaviour.SILENT:
            self._closing.wait()
            return
        answer = self.answer_to(asked, behaviour, limited=limited)
        request.send_response(answer.status)
        for field, value in answer.headers.items():
            request.send_header(field, value)
        request.send_header("Content-Length", str(len(answer.body)))
        request.end_headers()
        request.wfile.write(answer.body)


def readable(body: bytes, headers: Any) -> str:
    """Return a body as it came, and as people would read it.

    Args:
        body: JSON, a form, several parts, or text.
        headers: Its headers, with a method ``get``; the content type is read.
    """
    raw = body.decode("utf-8", "replace")
    kind = str(headers.get("Content-Type") or "")
    return "\n".join([raw, *_decoded(body, raw, kind)])


def _decoded(body: bytes, raw: str, kind: str) -> Iterator[str]:
    if kind.startswith("multipart/"):
        from email.parser import BytesParser
        from email.policy import HTTP

        message = BytesParser(policy=HTTP).parsebytes(
            f"Content-Type: {kind}\r\n\r\n".encode() + body
        )
        for part in message.walk():
            if not part.is_multipart():
                content = part.get_payload(decode=True)
                assert isinstance(content, bytes)
                yield str(part.get_filename() or "")
                yield readable(content, part)
    elif kind.startswith("application/x-www-form-urlencoded"):
        for name, value in parse_qsl(raw, keep_blank_values=True):
            yield f"{name}={value}"
            yield from _decoded(value.encode(), value, "application/json")
    else:
        try:
            yield from _texts(json.loads(body))
        except ValueError:
            yield unquote(raw)


def _texts(value: object) -> Iterator[str]:
    """Return all texts in a JSON value, names included; what is in Base64 decoded, too."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value.encode("utf-8", "replace").decode()
        if len(value) >= 12:
            with suppress(binascii.Error, ValueError):
                yield base64.b64decode(value, validate=True).decode()
