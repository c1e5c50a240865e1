"""The proxy that breaks requests: what it is told to break arrives as it would in a network."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

import pytest

from brickwork.testing.faulty import Fault, Faults, proxied


class _Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def faults() -> Faults:
    """What goes wrong; by itself nothing."""
    return Faults()


@pytest.fixture
def connection(faults: Faults) -> Iterator[socket.socket]:
    """A connection by way of the proxy, by which a request was not sent yet."""
    with HTTPServer(("127.0.0.1", 0), _Hello) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        with proxied(f"http://127.0.0.1:{server.server_port}", faults) as url:
            where = urlsplit(url)
            with socket.create_connection((str(where.hostname), int(where.port or 0)), 60) as made:
                yield made
        server.shutdown()


def _answer(connection: socket.socket) -> bytes:
    connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    return b"".join(iter(lambda: connection.recv(1000), b""))


@pytest.mark.parametrize("after", [0, 2])
def test_what_is_cut_is_closed(connection: socket.socket, faults: Faults, after: int) -> None:
    """The client sees the end, after so many bytes of the body."""
    faults.plan(Fault(lambda *_: True, cut_after=after))
    assert _answer(connection).partition(b"\r\n\r\n")[2] == b"hello"[:after]


@pytest.mark.parametrize("after", [0, 2])
def test_what_is_reset_is_an_error(connection: socket.socket, faults: Faults, after: int) -> None:
    """The client gets a RST, and no end."""
    faults.plan(Fault(lambda *_: True, cut_after=after, reset=True))
    with pytest.raises(ConnectionResetError):
        _answer(connection)


def test_without_faults_all_gets_through(connection: socket.socket) -> None:
    """The proxy only passes it on."""
    assert _answer(connection).endswith(b"\r\n\r\nhello")
