"""The server that stands for a service speaks HTTP/1.1, streams, and breaks off when it is told."""

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from brickwork.testing.listening import Exchange, Reply, listening

Start = Callable[[Callable[[Exchange], Reply | None]], http.client.HTTPConnection]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start servers, and return connections to them."""
    with ExitStack() as stack:

        def started(serve: Callable[[Exchange], Reply | None]) -> http.client.HTTPConnection:
            url = urlsplit(stack.enter_context(listening(serve, threading.Event())))
            connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=10)
            stack.callback(connection.close)
            return connection

        yield started


def echo(exchange: Exchange) -> Reply:
    """Answer with the request."""
    said = f"{exchange.method} {exchange.target} ".encode() + exchange.body()
    return Reply(200, {"X-Asked": exchange.headers["x-asks"] or "nothing"}, said)


def test_a_connection_is_kept_for_requests_of_any_form(start: Start) -> None:
    """Bodies with a length, in chunks, and none."""
    connection = start(echo)
    asked: list[tuple[str, object]] = [
        ("PATCH", b"a body"),
        ("POST", iter([b"in ", b"chunks"])),
        ("DELETE", None),
    ]
    sockets = set()
    for method, body in asked:
        connection.request(method, "/a?b", body=body, headers={"X-Asks": method})  # type: ignore[arg-type]  # an iterator is sent in chunks
        sockets.add(connection.sock)
        answer = connection.getresponse()
        given = {"PATCH": b"a body", "POST": b"in chunks", "DELETE": b""}[method]
        assert (answer.read(), answer.headers["X-Asked"]) == (
            f"{method} /a?b ".encode() + given,
            method,
        )
    assert len(sockets) == 1


@pytest.mark.parametrize("streamed", [False, True])
def test_a_body_breaks_off_where_it_is_told(start: Start, streamed: bool, tmp_path: Path) -> None:
    """After so many bytes, of a length that promises more; a file is the same as bytes."""
    file = tmp_path / "file"
    file.write_bytes(b"0123456789")
    whole = Reply(200, file=file) if streamed else Reply(200, content=b"0123456789")
    connection = start(lambda exchange: replace(whole, cut_after=len(exchange.body())))
    connection.request("POST", "/", b"four")
    answer = connection.getresponse()
    assert answer.headers["Content-Length"] == "10"
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)) as caught:
        answer.read()
    if isinstance(caught.value, http.client.IncompleteRead):  # a reset may overtake what was sent
        assert caught.value.partial == b"0123"


def test_nothing_comes_where_it_is_cut_after_nothing(start: Start) -> None:
    """Not even the head."""
    connection = start(lambda exchange: Reply(200, {}, exchange.body(), cut_after=0))
    connection.request("GET", "/")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        connection.getresponse()


def test_a_file_is_streamed(start: Start, tmp_path: Path) -> None:
    """Whole, and its size is known before."""
    (tmp_path / "large").write_bytes(bytes(range(256)) * 1024)
    connection = start(lambda _: Reply(200, file=tmp_path / "large"))
    connection.request("GET", "/")
    assert connection.getresponse().read() == bytes(range(256)) * 1024


@pytest.mark.parametrize(("status", "length"), [(204, None), (304, None), (200, "2"), (404, "2")])
def test_a_length_stands_where_there_can_be_a_body(
    start: Start, status: int, length: str | None
) -> None:
    """And the head of it, without the body, is what HEAD asks for."""
    body = b"" if length is None else b"no"
    connection = start(lambda _: Reply(status, {}, body))
    for method, wanted in (("HEAD", b""), ("GET", body)):
        connection.request(method, "/")
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Content-Length"]) == (status, length)
        assert answer.read() == wanted


def test_a_request_that_breaks_off_is_not_served(start: Start) -> None:
    """A client that died is no request with an empty body."""
    served: list[bytes] = []
    broken = threading.Event()

    def serve(exchange: Exchange) -> Reply:
        try:
            served.append(exchange.body())
        except ConnectionAbortedError:
            broken.set()
            raise
        return Reply(200)

    connection = start(serve)
    connection.request("POST", "/", b"whole")
    connection.getresponse().read()
    with socket.create_connection((connection.host, connection.port)) as client:
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf")
    assert broken.wait(10)
    assert served == [b"whole"]


def test_what_takes_the_connection_over_ends_it(start: Start) -> None:
    """As for a websocket: no other answer is sent."""

    def serve(exchange: Exchange) -> None:
        exchange.connection.sendall(b"HTTP/1.1 101 Switching\r\n\r\nother words")

    connection = start(serve)
    connection.request("GET", "/")
    assert connection.sock is not None
    got = b""
    while part := connection.sock.recv(100):
        got += part
    assert got.endswith(b"other words")


def test_it_ends_at_once_and_says_so() -> None:
    """Connections that are open keep nothing waiting."""
    closing = threading.Event()
    with listening(echo, closing) as url:
        host, port = urlsplit(url).hostname, urlsplit(url).port
        idle = socket.create_connection((host, port))
        assert not closing.is_set()
    with idle:
        assert closing.is_set()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, port))
