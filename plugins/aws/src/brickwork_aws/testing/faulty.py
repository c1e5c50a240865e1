"""A proxy before a test server, which breaks what it is told to break."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from brickwork_aws.testing.servers import AwsServer

_OF_A_CONNECTION = {"connection", "keep-alive", "transfer-encoding"}


@dataclass(frozen=True)
class _Fault:
    method: str
    cut_after: int | None
    answer: tuple[int, str] | None


class Faults:
    """What is to go wrong, and what was asked for.

    Attributes:
        requests: Method and path of every request so far, with its query.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: list[_Fault] = []
        self.requests: list[tuple[str, str]] = []

    def cut(self, method: str, *, after: int = 0, times: int = 1) -> None:
        """Serve the next such requests, but close the connection in the midst of the answer.

        Args:
            method: For example ``GET``.
            after: How many bytes of the body get through; with 0 not even the headers do: the
                server has done the work, and the client never learns of it.
            times: How many requests.
        """
        self._plan(_Fault(method, after, None), times)

    def refuse(self, method: str, status: int, code: str, *, times: int = 1) -> None:
        """Answer the next such requests with an error; the server does not see them.

        Args:
            method: For example ``PUT``.
            status: The HTTP status, for example 503.
            code: The error code of S3, for example ``SlowDown``.
            times: How many requests.
        """
        self._plan(_Fault(method, None, (status, code)), times)

    def _plan(self, fault: _Fault, times: int) -> None:
        with self._lock:
            self._planned += [fault] * times

    @property
    def left(self) -> int:
        """How many of the faults have not happened yet."""
        return len(self._planned)

    def next_for(self, method: str, path: str) -> _Fault | None:
        """Note a request, and return its fault."""
        with self._lock:
            self.requests.append((method, path))
            found = next((fault for fault in self._planned if fault.method == method), None)
            if found is not None:
                self._planned.remove(found)
            return found


@contextmanager
def faulty(server: AwsServer) -> Iterator[tuple[AwsServer, Faults]]:
    """Run a proxy before a server until the block ends.

    ::

        with faulty(server) as (through, faults):
            faults.cut("GET", after=1000)
            S3Bucket(bucket=name, credentials=through.credentials()).read("key")

    Yields:
        The server by way of the proxy, and what to break.
    """
    faults = Faults()
    upstream = urlsplit(server.endpoint_url)

    class Handler(_Handler):
        plan = faults
        host, port = str(upstream.hostname), int(upstream.port or 80)

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy.daemon_threads = True
    thread = threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield replace(server, endpoint_url=f"http://127.0.0.1:{proxy.server_port}"), faults
    finally:
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
        if fault is not None and fault.answer is not None:
            status, code = fault.answer
            text = f"<Error><Code>{code}</Code><Message>as planned</Message></Error>".encode()
            self._answer(status, {"Content-Type": "application/xml"}, text, len(text))
            return
        status, headers, answer = self._forward(body)
        length = int(headers.get("Content-Length") or len(answer))
        if fault is None or fault.cut_after is None:
            self._answer(status, headers, answer, length)
            return
        if fault.cut_after:
            self._answer(status, headers, answer[: fault.cut_after], length)
        self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815  # the base class's names

    def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection(self.host, self.port, timeout=60)
        try:
            connection.putrequest(
                self.command, self.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in self.headers.items():  # Host too: it is part of the signature
                if name.lower() not in {*_OF_A_CONNECTION, "expect"}:
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

    def _answer(self, status: int, headers: dict[str, str], body: bytes, length: int) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""
