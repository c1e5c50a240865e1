"""A proxy before a test server, which counts requests and breaks what it is told to break."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from brickwork_hashicorp.testing.server import BaoServer

_OF_A_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(frozen=True)
class _Fault:
    path: str
    status: int = 0
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    drip: bool = False


class Faults:
    """What is to go wrong, and what was asked for.

    Attributes:
        requests: Method and path of every request so far, with its query.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: list[_Fault] = []
        self.closing = threading.Event()
        self.requests: list[tuple[str, str]] = []

    def refuse(
        self, path: str, status: int, *, error: str = "as planned", times: int = 1, **headers: str
    ) -> None:
        """Answer the next requests to a path with an error; the server does not see them.

        Args:
            path: How the path begins, after ``/v1/``.
            status: The HTTP status, for example 503.
            error: What the answer says.
            times: How many requests.
            headers: More headers, with ``_`` for ``-``.
        """
        more = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        body = json.dumps({"errors": [error]}).encode()
        self._plan(_Fault(path, status, body, (("Content-Type", "application/json"), *more)), times)

    def cut(self, path: str, *, times: int = 1) -> None:
        """Close the connection instead of an answer; the server has done the work."""
        self._plan(_Fault(path), times)

    def drip(self, path: str, *, times: int = 1) -> None:
        """Answer byte by byte, without an end."""
        self._plan(_Fault(path, drip=True), times)

    def count(self, path: str) -> int:
        """Return how many requests there were to paths that begin so, after ``/v1/``."""
        with self._lock:
            return sum(each.startswith(f"/v1/{path}") for _, each in self.requests)

    @property
    def left(self) -> int:
        """How many of the faults have not happened yet."""
        return len(self._planned)

    def _plan(self, fault: _Fault, times: int) -> None:
        with self._lock:
            self._planned += [fault] * times

    def next_for(self, method: str, path: str) -> _Fault | None:
        """Note a request, and return its fault."""
        with self._lock:
            self.requests.append((method, path))
            for fault in self._planned:
                if path.startswith(f"/v1/{fault.path}"):
                    self._planned.remove(fault)
                    return fault
            return None


@contextmanager
def faulty(server: BaoServer) -> Iterator[tuple[BaoServer, Faults]]:
    """Run a proxy before a server without TLS until the block ends.

    ::

        with faulty(server) as (through, faults):
            faults.refuse("kv/", 429)
            through.block().client()

    Yields:
        The server by way of the proxy, and what to break.
    """
    faults = Faults()
    upstream = urlsplit(server.url)

    class Handler(_Handler):
        plan = faults
        host, port = str(upstream.hostname), int(upstream.port or 80)

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy.daemon_threads = True
    thread = threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield replace(server, url=f"http://127.0.0.1:{proxy.server_port}"), faults
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
        if fault is not None and fault.drip:
            self._drip()
        elif fault is not None and fault.status:
            self._answer(fault.status, fault.headers, fault.body)
        else:
            status, headers, answer = self._forward(body)
            if fault is None:
                self._answer(status, headers, answer)
            else:
                self.close_connection = True

    do_GET = do_LIST = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815  # the base class's names

    def _drip(self) -> None:
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
        try:
            while not self.plan.closing.wait(0.1):
                self.wfile.write(b"x")
        except OSError:  # the client has given up
            return

    def _forward(self, body: bytes) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
        connection = HTTPConnection(self.host, self.port, timeout=60)
        try:
            headers = {
                name: value
                for name, value in self.headers.items()
                if name.lower() not in _OF_A_CONNECTION
            }
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            kept = tuple(
                (name, value)
                for name, value in answer.getheaders()
                if name.lower() not in _OF_A_CONNECTION
            )
            return answer.status, kept, answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: tuple[tuple[str, str], ...], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""
