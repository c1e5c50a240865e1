"""Socket Mode: the websockets over which a loopback Slack tells an app what happened.

See https://docs.slack.dev/apis/events-api/using-socket-mode.
"""

import base64
import hashlib
import json
import secrets
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from brickwork.testing.listening import Exchange, Reply

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10


class Connection:
    """A websocket that an app opened."""

    def __init__(self, exchange: Exchange) -> None:
        self._socket = exchange.connection
        self._reader = exchange.reader
        self._lock = threading.Lock()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send JSON."""
        self.frame(_TEXT, json.dumps(message).encode())

    def frame(self, opcode: int, data: bytes) -> None:
        """Send a frame."""
        size = len(data)
        if size < 126:
            head = struct.pack("!BB", 0x80 | opcode, size)
        elif size < 1 << 16:
            head = struct.pack("!BBH", 0x80 | opcode, 126, size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 127, size)
        with self._lock:
            self._socket.sendall(head + data)

    def receive(self) -> tuple[int, bytes]:
        """Return the next message: its kind, and its bytes.

        Raises:
            ConnectionError: The app is gone.
        """
        kind, whole = 0, b""
        while True:
            first, second = self._exactly(2)
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack("!H", self._exactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", self._exactly(8))
            mask = self._exactly(4) if second & 0x80 else bytes(4)
            data = bytes(each ^ mask[index % 4] for index, each in enumerate(self._exactly(size)))
            opcode = first & 0x0F
            if opcode >= _CLOSE:
                return opcode, data
            kind, whole = kind or opcode, whole + data
            if first & 0x80:
                return kind, whole

    def shut(self) -> None:
        """Break the connection."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _exactly(self, size: int) -> bytes:
        data = self._reader.read(size) if size else b""
        if len(data) < size:
            raise ConnectionAbortedError
        return data


class Sockets:
    """The sockets of an app.

    Args:
        app_id: The app's.

    Attributes:
        connections: Those that are open.
        opened: How many were opened so far.
    """

    def __init__(self, app_id: str) -> None:
        self.base_url = ""
        self.connections: list[Connection] = []
        self.opened = 0
        self._app_id = app_id
        self._tickets: set[str] = set()
        self.changed = threading.Condition()
        self._acknowledged: dict[str, dict[str, Any]] = {}

    def new_url(self) -> str:
        """Return where a socket may be opened, once."""
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        query = f"ticket={ticket}&app_id={self._app_id}"
        return f"{self.base_url.replace('http', 'ws', 1)}/link/?{query}"

    def wait_opened(self, count: int = 1, *, seconds: float = 5) -> bool:
        """Wait until an app has opened so many sockets, since the start; tell whether it has."""
        with self.changed:
            return self.changed.wait_for(lambda: self.opened >= count, seconds)

    def serve(self, exchange: Exchange) -> Reply | None:
        """Open a socket, and listen to the app until it or this server ends it."""
        ticket = parse_qs(urlsplit(exchange.target).query).get("ticket", [""])[0]
        key = exchange.headers.get("Sec-WebSocket-Key")
        if ticket not in self._tickets or key is None:
            return Reply(403, {"Content-Type": "text/plain"}, b"Forbidden")
        self._tickets.remove(ticket)
        accept = base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest())  # noqa: S324  # as RFC 6455 wants it
        exchange.connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        connection = Connection(exchange)
        with self.changed:  # nothing is sent before the greeting, and whoever saw it is in the list
            self.connections.append(connection)
            self.opened += 1
            self.changed.notify_all()
            with suppress(OSError):  # an app that is gone is noticed below
                connection.send(self._hello())
        try:
            self._listen(connection)
        except OSError:
            pass  # the app is gone
        finally:
            with self.changed:
                self.connections.remove(connection)
                self.changed.notify_all()
        return None

    def deliver(
        self, kind: str, payload: Mapping[str, Any], *, answers: bool, seconds: float
    ) -> dict[str, Any] | None:
        """Send an envelope to one of the sockets, and return what the app acknowledged with.

        Args:
            kind: ``events_api``, ``interactive`` or ``slash_commands``.
            payload: What happened.
            answers: Whether the app may answer with a payload.
            seconds: How long to wait; Slack waits for 3.

        Returns:
            What the app sent: empty for a mere acknowledgement; None if none came.
        """
        envelope = str(uuid4())
        with self.changed:
            if not self.connections:
                return None
            connection = self.connections[-1]
        connection.send(
            {
                "envelope_id": envelope,
                "type": kind,
                "accepts_response_payload": answers,
                "payload": dict(payload),
                **({"retry_attempt": 0, "retry_reason": ""} if kind == "events_api" else {}),
            }
        )
        with self.changed:
            self.changed.wait_for(lambda: envelope in self._acknowledged, seconds)
            return self._acknowledged.pop(envelope, None)

    def disconnect(self, reason: str = "refresh_requested") -> None:
        """Tell the app to open another socket, and end the ones that are open.

        Args:
            reason: ``warning``, after which they stay open, ``refresh_requested`` or
                ``link_disabled``.
        """
        with self.changed:
            connections = list(self.connections)
        for connection in connections:
            with suppress(OSError):
                connection.send({"type": "disconnect", "reason": reason, "debug_info": {}})
                if reason != "warning":
                    connection.frame(_CLOSE, struct.pack("!H", 1000))

    def close(self) -> None:
        """Break all sockets; done at the end of `slack_server`."""
        with self.changed:
            connections = list(self.connections)
        for connection in connections:
            connection.shut()

    def _hello(self) -> dict[str, Any]:
        info = {"host": "applink-1", "build_number": 1, "approximate_connection_time": 18060}
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "debug_info": info,
            "connection_info": {"app_id": self._app_id},
        }

    def _listen(self, connection: Connection) -> None:
        handlers: dict[int, Callable[[bytes], None]] = {
            _TEXT: self._acknowledge,
            _PING: lambda data: connection.frame(_PONG, data),
        }
        while True:
            opcode, data = connection.receive()
            if opcode == _CLOSE:
                with suppress(OSError):
                    connection.frame(_CLOSE, data[:2])
                return
            if opcode in handlers:
                handlers[opcode](data)

    def _acknowledge(self, data: bytes) -> None:
        message = json.loads(data)
        with self.changed:
            self._acknowledged[message["envelope_id"]] = message.get("payload") or {}
            self.changed.notify_all()
