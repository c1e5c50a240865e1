"""A service of AWS that answers as it is told to, for contracts of notifiers."""

import socket
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, NamedTuple, Self

from brickwork import Notifier, Secret
from brickwork.testing.notifier import Behaviour, Counterpart
from brickwork_aws.credentials import AwsCredentials

_KEY = "counterpart-secret-access-key-4d1f"


class Request(NamedTuple):
    """What was asked, as it came and as people would read it."""

    path: str
    body: bytes


class Service(NamedTuple):
    """How a service answers; its format is its own.

    Attributes:
        make: Makes the notifier of some credentials.
        sends: Tells whether a request sends a message.
        read: Returns the message of a request as people would read it.
        accept: Returns the answer to what is taken.
        refuse: Returns the answer with this error code.
        content_type: Of answers.
    """

    make: Callable[[AwsCredentials], Notifier]
    sends: Callable[[Request], bool]
    read: Callable[[Request], str]
    accept: Callable[[Request], str]
    refuse: Callable[[str], str]
    content_type: str


class AwsCounterpart(Counterpart):
    """A server on 127.0.0.1 which stands for a service; each notifier has a path of its own."""

    secrets = (_KEY,)

    def __init__(self, service: Service) -> None:
        self._service = service
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
        """Return one for a path of its own on this server."""
        self._made += 1
        listener = self._nobody if behaviour is Behaviour.UNREACHABLE else self._server.socket
        port = listener.getsockname()[1]
        return self._service.make(
            AwsCredentials(
                access_key_id="AKIAIOSFODNN7EXAMPLE",
                secret_access_key=Secret(_KEY),
                region="eu-west-1",
                endpoint_url=f"http://127.0.0.1:{port}/{behaviour}/{self._made}",
            )
        )

    def received(self) -> str:
        """Return all messages, as people would read them."""
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

            do_GET = do_PUT = do_POST  # noqa: N815  # the names http.server looks for

            def log_message(self, *args: object) -> None:
                """Keep the test's output clean."""

        return Handler

    def _serve(self, http: BaseHTTPRequestHandler) -> None:
        _, name, number, *rest = http.path.split("/")
        body = http.rfile.read(int(http.headers.get("Content-Length") or 0))
        request = Request("/".join(rest), body)
        behaviour, limited = Behaviour(name), False
        if self._service.sends(request):
            with self._lock:
                self._received.append(self._service.read(request))
                limited = behaviour is Behaviour.RATE_LIMITING and number not in self._limited
                self._limited.add(number)
        if behaviour is Behaviour.SILENT:
            self._closing.wait()
        elif behaviour is Behaviour.REFUSING:
            self._reply(http, 404, self._service.refuse("NotFoundException"))
        elif behaviour is Behaviour.BROKEN:
            self._reply(http, 500, self._service.refuse("InternalFailure"))
        elif limited:
            self._reply(http, 400, self._service.refuse("ThrottlingException"))
        else:
            self._reply(http, 200, self._service.accept(request))

    def _reply(self, http: BaseHTTPRequestHandler, status: int, text: str) -> None:
        content = text.encode()
        http.send_response(status)
        http.send_header("Content-Type", self._service.content_type)
        http.send_header("Content-Length", str(len(content)))
        http.end_headers()
        http.wfile.write(content)


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # with the usual 5, many senders at once wait a second
    connections = 0

    def get_request(self) -> Any:
        self.connections += 1
        return super().get_request()
