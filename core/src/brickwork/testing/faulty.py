"""A proxy before a test server, which counts requests and breaks what it is told to break.

For the testing kits of plugins: subclass `Faults` with what goes wrong at that service.
"""

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import urlsplit

_OF_A_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "expect"}


class Fault(NamedTuple):
    """What goes wrong with one request.

    Attributes:
        matches: Tells by method and path, with its query, whether a request is meant.
        status: The HTTP status of an answer that is given in the server's stead; 0 for none.
        headers: Its headers.
        body: Its body.
        cut_after: How many bytes of the body of the server's answer get through before the
            connection closes; with 0 not even the headers do: the server has done the work, and
            the client never learns of it.
        reset: Whether what is cut ends in a reset, as where a machine dies, and not in a close;
            what is still on its way then may be lost.
        drip: Answer byte by byte, without an end.
        delay_seconds: How long to wait before the request is passed on, or answered.
        damage: Change the last byte of the body of the server's answer.
    """

    matches: Callable[[str, str], bool]
    status: int = 0
    headers: Mapping[str, str] = {}
    body: bytes = b""
    cut_after: int | None = None
    reset: bool = False
    drip: bool = False
    delay_seconds: float = 0
    damage: bool = False


_NONE = Fault(lambda _method, _path: True)


class Faults:
    """What is to go wrong, and what was asked for.

    Attributes:
        requests: Method and path of every request so far, with its query.
        closing: Set when the proxy ends.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        self.closing = threading.Event()

    def plan(self, fault: Fault, times: int = 1) -> None:
        """Let something go wrong with the next requests that it matches."""
        with self._lock:
            self._planned += [fault] * times

    @property
    def left(self) -> int:
        """How many of the faults have not happened yet."""
        return len(self._planned)

    def next_for(self, method: str, path: str) -> Fault | None:
        """Note a request, and return its fault."""
        with self._lock:
            self.requests.append((method, path))
            found = next((fault for fault in self._planned if fault.matches(method, path)), None)
            if found is not None:
                self._planned.remove(found)
            return found


@contextmanager
def proxied(url: str, faults: Faults) -> Iterator[str]:
    """Run a proxy before a server without TLS until the block ends.

    Args:
        url: The server's.
        faults: What goes wrong.

    Yields:
        The proxy's URL, without a path.
    """
    upstream = urlsplit(url)

    class Handler(_Handler):
        plan = faults
        host, port = str(upstream.hostname), int(upstream.port or 80)

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy.daemon_threads = True
    thread = threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{proxy.server_port}"
    finally:
        faults.closing.set()
        proxy.shutdown()
        proxy.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    plan: Faults
    host: str
    port: int

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.plan.next_for(self.command, self.path)
        if fault is not None and fault.delay_seconds:
            self.plan.closing.wait(fault.delay_seconds)
        if fault is not None and fault.drip:
            self._drip()
        elif fault is not None and fault.status:
            self._answer(fault.status, fault.headers, fault.body, len(fault.body))
        else:
            self._pass_on(body, fault or _NONE)

    do_GET = do_HEAD = do_LIST = do_PUT = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815  # the base class's names

    def _pass_on(self, body: bytes, fault: Fault) -> None:
        status, headers, answer = self._forward(body)
        cut_after = fault.cut_after
        if fault.damage and answer:
            answer = answer[:-1] + bytes([answer[-1] ^ 1])
        # Of a HEAD, the length is not that of what comes.
        length = int(headers.pop("Content-Length", len(answer)))
        if cut_after != 0:
            self._answer(status, headers, answer[:cut_after], length)
        if cut_after is not None:
            self.close_connection = True
            if fault.reset:
                self._reset()

    def _reset(self) -> None:
        # Without a time to linger a close sends RST. Here, since the server would first say by a
        # FIN that the answer has ended; it does not mind that the socket is gone.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close(self.connection.detach())

    def _drip(self) -> None:
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
        try:
            while not self.plan.closing.wait(0.1):
                self.wfile.write(b"x")
        except OSError:  # the client has given up
            return

    def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection(self.host, self.port, timeout=60)
        try:
            connection.putrequest(
                self.command, self.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in self.headers.items():  # Host too: it is part of some signatures
                if name.lower() not in _OF_A_CONNECTION:
                    connection.putheader(name, value)
            connection.endheaders(body or None)
            answer = connection.getresponse()
            headers = {
                name: value
                for name, value in answer.getheaders()
                if name.lower() not in _OF_A_CONNECTION
            }
            return answer.status, headers, answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes, length: int) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""
