"""An HTTP server on 127.0.0.1 for what stands for a service: fast, strict, and it can break off."""

import shutil
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import BinaryIO, cast

_CHUNK = 1 << 16


@dataclass(frozen=True)
class Reply:
    """An answer, ready to be sent.

    Attributes:
        status: The HTTP status.
        headers: All of them, but for the length.
        content: The body.
        file: In its place, a file that is streamed.
        cut_after: After how many bytes of the body the connection breaks; with 0 not even the
            headers get through.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    file: Path | None = None
    cut_after: int | None = None


class Exchange:
    """A request whose body is still to be read.

    Attributes:
        method: ``GET``, ``POST``, ...
        target: Path and query.
        headers: Names without regard to case.
        connection: The socket, for what is no longer HTTP.
    """

    def __init__(self, handler: "_Handler") -> None:
        self._handler = handler
        self.method = handler.command
        self.target = handler.path
        self.headers: Message[str, str] = handler.headers
        self.connection: socket.socket = handler.connection
        self.reader = cast("BinaryIO", handler.rfile)

    def chunks(self) -> Iterator[bytes]:
        """Yield the body in pieces of at most 64 KiB.

        Raises:
            ConnectionAbortedError: The client broke off.
        """
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            yield from self._exactly(int(self.headers.get("Content-Length") or 0))
            return
        while size := int(self.reader.readline().partition(b";")[0], 16):
            yield from self._exactly(size)
            self.reader.readline()
        while self.reader.readline().strip():
            pass

    def body(self) -> bytes:
        """Return the whole body."""
        return b"".join(self.chunks())

    def _exactly(self, length: int) -> Iterator[bytes]:
        while length:
            piece = self.reader.read(min(length, _CHUNK))
            if not piece:
                raise ConnectionAbortedError
            length -= len(piece)
            yield piece


Serve = Callable[[Exchange], Reply | None]
"""Answers a request whose body it has read; None where it took the connection over, and is done."""


@contextmanager
def listening(serve: Serve, closing: threading.Event) -> Iterator[str]:
    """Listen on a free port of 127.0.0.1 until the block ends, and yield the URL.

    Args:
        serve: Answers; called in a thread of its own for each connection.
        closing: Set when the block ends.
    """

    class Handler(_Handler):
        answer = staticmethod(serve)

    listener = _Listener(("127.0.0.1", 0), Handler)
    listener.closing = closing
    thread = threading.Thread(target=listener.accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.server_port}"
    finally:
        closing.set()
        with suppress(OSError):  # it may just have noticed
            socket.create_connection(("127.0.0.1", listener.server_port), timeout=5).close()
        thread.join()
        listener.server_close()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    closing: threading.Event

    def server_bind(self) -> None:
        """Bind, without asking the network for this machine's name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def accept(self) -> None:
        """Accept connections until the end; at once, where `serve_forever` looks now and then."""
        while not self.closing.is_set():
            with suppress(OSError):
                request, address = self.get_request()
                self.process_request(request, address)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: what a client does to its connection is the test's matter."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without it each answer waits some 40 ms for the client's acknowledgement of its head.
    disable_nagle_algorithm = True
    answer: Serve

    def _serve(self) -> None:
        reply = type(self).answer(Exchange(self))
        if reply is None:
            self.close_connection = True
            return
        with suppress(OSError):  # the client has given up
            self._send(reply)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815  # the base class's names

    def _send(self, reply: Reply) -> None:
        if reply.cut_after == 0:
            self._break()
            return
        length = reply.file.stat().st_size if reply.file else len(reply.content)
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status not in (204, 304):
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self._write(reply)
        if reply.cut_after is not None:
            self._break()

    def _write(self, reply: Reply) -> None:
        if reply.file is None:
            self.wfile.write(reply.content[: reply.cut_after])
            return
        with reply.file.open("rb") as file:
            if reply.cut_after is None:
                shutil.copyfileobj(file, self.wfile, _CHUNK)
            else:
                self.wfile.write(file.read(reply.cut_after))

    def _break(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""
