"""The service on 127.0.0.1, with faults on demand."""

import shutil
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import NamedTuple

from brickwork_weather.testing.api import ALL_SCOPES, Answer, Api


class Fault(NamedTuple):
    """What an answer is instead.

    Attributes:
        status: The HTTP status; 0 for none, since the connection is dropped.
        headers: More headers.
    """

    status: int
    headers: Mapping[str, str]


HALF = Fault(0, {"half": "of what it should be"})


class Service:
    """The service, as a URL.

    Attributes:
        api: What it knows; change it as a test needs.
        url: Where it listens.
        requests: The method and target of each request, in order.
        delay_seconds: How long it takes for each answer.
    """

    def __init__(self, api: Api, url: str) -> None:
        self.api = api
        self.url = url
        self.requests: list[str] = []
        self.delay_seconds = 0.0
        self._faults: deque[Fault] = deque()

    def token(self, *scopes: str) -> str:
        """Return a new token that may do this; by default everything."""
        token = f"loopback-token-{len(self.api.tokens) + 1:04}"
        self.api.tokens[token] = scopes or ALL_SCOPES
        return token

    def fail(self, status: int, *, times: int = 1, retry_after: int | None = None) -> None:
        """Answer the next requests with an error; with 0, drop their connections.

        Args:
            status: The HTTP status.
            times: How many requests.
            retry_after: The seconds to ask to wait.
        """
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        self._faults.extend([Fault(status, headers)] * times)

    def cut(self, *, times: int = 1) -> None:
        """Break off the next answers half-way."""
        self._faults.extend([HALF] * times)

    def next_fault(self) -> Fault | None:
        """Return what the next request fails with, and forget it."""
        try:
            return self._faults.popleft()
        except IndexError:
            return None


class _Listener(ThreadingHTTPServer):
    request_queue_size = 128  # with the usual 5, many clients at once wait a second


@contextmanager
def weather_server() -> Iterator[Service]:
    """Run the service until the block ends; it takes some milliseconds."""
    api = Api()
    with _Listener(("127.0.0.1", 0), BaseHTTPRequestHandler) as listener:
        server = Service(api, f"http://127.0.0.1:{listener.server_port}")
        listener.RequestHandlerClass = _handler(server)
        thread = Thread(target=listener.serve_forever, args=(0.005,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()


def _handler(server: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(ConnectionError):  # a client that gave up
                self._serve()

        do_POST = do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815  # the names that are looked for

        def _serve(self) -> None:
            server.requests.append(f"{self.command} {self.path}")
            size = int(self.headers.get("Content-Length") or 0)
            time.sleep(server.delay_seconds)
            fault = server.next_fault()
            if fault is None or fault is HALF:
                target, rest = self.path, self.rfile
                answer = server.api.answer(self.command, target, self.headers, rest, size)
                self._send(answer, whole=fault is None)
                return
            self.rfile.read(size)
            if fault.status:
                self._head(fault.status, 0, fault.headers)

        def _send(self, answer: Answer, *, whole: bool) -> None:
            self._head(answer.status, answer.size, answer.headers)
            with answer.body as body:
                if self.command == "HEAD":
                    return
                if whole:
                    shutil.copyfileobj(body, self.wfile)
                else:
                    self.wfile.write(body.read(answer.size // 2))

        def _head(self, status: int, size: int, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(size)}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Keep the output of tests clean."""

    return Handler
