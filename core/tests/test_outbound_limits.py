"""Redirects, limits and broken servers, on real sockets."""

import time
from collections.abc import Callable, Mapping

import pytest

from brickwork.builtin.outbound.client import Response, request
from brickwork.errors import OutboundFailed, OutboundRefused
from brickwork.testing.loopback import LoopbackServer, Peer, Request, reply

SECRET_PATH = "T0B0-secret-path"


def fetch(
    server: LoopbackServer,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    timeout_seconds: float = 5,
    max_redirects: int = 0,
    max_response_bytes: int = 1024 * 1024,
) -> Response:
    """Request a path from a loopback server."""
    return request(
        method,
        f"http://127.0.0.1:{server.port}/{SECRET_PATH}",
        headers=headers,
        body=body,
        timeout_seconds=timeout_seconds,
        max_redirects=max_redirects,
        max_response_bytes=max_response_bytes,
        allow_private=True,
        allow_http=True,
    )


def raw(data: bytes) -> Callable[[Peer, Request], None]:
    """Answer with these bytes and end the connection."""
    return lambda peer, _: peer.send(data)


def test_request_as_it_is_sent() -> None:
    """Method, path, headers and body arrive as given, and no header is added but the needed."""
    with LoopbackServer(reply(201, b"made", {"X-Id": "7"})) as server:
        response = fetch(server, method="PUT", headers={"X-Token": "abc"}, body=b"\x00\xff")

    sent = server.requests[0]
    assert sent.line == f"PUT /{SECRET_PATH} HTTP/1.1"
    assert sent.body == b"\x00\xff"
    assert sent.headers == {
        "host": f"127.0.0.1:{server.port}",
        "connection": "close",
        "content-length": "2",
        "x-token": "abc",
    }
    assert (response.status, response.body, response.headers["x-id"]) == (201, b"made", "7")


@pytest.mark.parametrize("status", [200, 204, 304, 400, 401, 404, 418, 429, 500, 503])
def test_every_status_is_returned(status: int) -> None:
    """Whatever the server answers is returned, not raised."""
    with LoopbackServer(reply(status)) as server:
        assert fetch(server).status == status


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "a\r\nX-B: b"),
        ("X-A", "a\nb"),
        ("X-A", "a\x00"),
        ("X-A\r\nX-B", "a"),
        ("X A", "a"),
        ("", "a"),
        ("X-A", "\u0142"),
        ("Host", "elsewhere"),
        ("content-length", "0"),
        ("Transfer-Encoding", "chunked"),
    ],
)
def test_headers_cannot_smuggle(name: str, value: str) -> None:
    """A header that would make other headers, or another request, is refused unsent."""
    with LoopbackServer(reply()) as server:
        with pytest.raises(OutboundRefused, match="header"):
            fetch(server, headers={name: value})
        assert server.connections == 0


# Redirects


def test_redirects_are_not_followed() -> None:
    """Unless asked for, a redirect is the answer."""
    with LoopbackServer(reply(302, headers={"Location": "/elsewhere"})) as server:
        response = fetch(server)

    assert (response.status, response.headers["location"]) == (302, "/elsewhere")
    assert server.connections == 1


def steps(peer: Peer, req: Request) -> None:
    """Redirect to /end, and answer there."""
    path = req.line.split()[1]
    reply(200, b"end")(peer, req) if path == "/end" else reply(307, b"", {"Location": "/end"})(
        peer, req
    )


def test_allowed_redirect_keeps_the_request() -> None:
    """On the same server a redirect keeps method, body and headers."""
    with LoopbackServer(steps) as server:
        response = fetch(server, method="POST", body=b"x", headers={"X-A": "1"}, max_redirects=1)

    assert response.body == b"end"
    assert [r.line.split()[0] for r in server.requests] == ["POST", "POST"]
    assert [(r.body, r.headers["x-a"]) for r in server.requests] == [(b"x", "1")] * 2


def test_redirect_to_another_origin_loses_headers() -> None:
    """Headers, which may be credentials, are not sent to another server."""
    with (
        LoopbackServer(reply()) as other,
        LoopbackServer(
            reply(307, headers={"Location": f"http://127.0.0.1:{other.port}/"})
        ) as server,
    ):
        fetch(server, headers={"Authorization": "Bearer x"}, max_redirects=3)

    assert server.requests[0].headers["authorization"] == "Bearer x"
    assert "authorization" not in other.requests[0].headers


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://0.0.0.0/",
        "file:///etc/passwd",
        "http://user:pw@127.0.0.1/",
        "//169.254.169.254/",
        "http://0xa9fea9fe/",
        "gopher://127.0.0.1/",
    ],
)
def test_each_redirect_is_judged(location: str) -> None:
    """A redirect to where the first URL could not have gone is refused."""
    with (
        LoopbackServer(reply(302, headers={"Location": location})) as server,
        pytest.raises(OutboundRefused),
    ):
        fetch(server, max_redirects=5)

    assert server.connections == 1


def test_redirects_end() -> None:
    """A server that redirects to itself is asked only as often as allowed."""
    with LoopbackServer(reply(302, headers={"Location": "/again"})) as server:
        assert fetch(server, max_redirects=4).status == 302

    assert server.connections == 5


def test_post_does_not_become_get() -> None:
    """A redirect that would lose the body is the answer, even when redirects are allowed."""
    with LoopbackServer(reply(303, headers={"Location": "/end"})) as server:
        assert fetch(server, method="POST", body=b"x", max_redirects=3).status == 303

    assert server.connections == 1


# Limits


def test_huge_body_is_cut() -> None:
    """Of a body without end the allowed part is kept, and it is marked."""

    def endless(peer: Peer, _: Request) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            peer.send(b"x" * 65536)

    with LoopbackServer(endless) as server:
        response = fetch(server, max_response_bytes=100_000)

    assert len(response.body) == 100_000
    assert response.truncated


@pytest.mark.parametrize("size", [0, 1, 99_999, 100_000])
def test_body_within_the_limit_is_whole(size: int) -> None:
    """A body up to the limit is whole and not marked."""
    with LoopbackServer(reply(200, b"x" * size)) as server:
        response = fetch(server, max_response_bytes=100_000)

    assert (len(response.body), response.truncated) == (size, False)


def test_chunked_body() -> None:
    """A body in chunks is put together."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with LoopbackServer(raw(head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")) as server:
        response = fetch(server)

    assert (response.body, response.truncated) == (b"abcde", False)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
)
def test_broken_body_keeps_its_status(answer: bytes) -> None:
    """When the body breaks off, the status counts all the same, and the body is marked."""
    with LoopbackServer(raw(answer)) as server:
        response = fetch(server)

    assert (response.status, response.body, response.truncated) == (200, b"abc", True)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + (b"X-A: " + b"b" * 60_000 + b"\r\n") * 90 + b"\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000,
        b"HTTP/1.1 " + b"2" * 200_000,
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
        b"\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 99999 OK\r\n\r\n",
        b"",
    ],
    ids=[
        "many",
        "long",
        "both",
        "continue",
        "status",
        "ssh",
        "tls",
        "empty",
        "abc",
        "99999",
        "none",
    ],
)
def test_nonsense_is_no_answer(answer: bytes) -> None:
    """Too many or too long headers, and what is not HTTP, is an error without any of it."""
    with LoopbackServer(raw(answer)) as server, pytest.raises(OutboundFailed) as caught:
        fetch(server)

    assert caught.value.sent
    assert SECRET_PATH not in str(caught.value)
    assert "SSH" not in str(caught.value)


def drip(peer: Peer, _: Request) -> None:
    """Send a byte now and then, for ever."""
    peer.send(b"HTTP/1.1 200 OK\r\nX-A: ")
    while not peer.pause(0.05):
        peer.send(b"a")


def silence(peer: Peer, _: Request) -> None:
    """Say nothing until the test ends."""
    peer.pause()


@pytest.mark.parametrize("serve", [drip, silence])
def test_time_is_limited_as_a_whole(serve: Callable[[Peer, Request], None]) -> None:
    """A server that sends a byte now and then cannot hold on longer than one that is silent."""
    with LoopbackServer(serve) as server:
        started = time.monotonic()
        with pytest.raises(OutboundFailed, match="time-out") as caught:
            fetch(server, timeout_seconds=0.4)
        taken = time.monotonic() - started

    assert 0.3 < taken < 5
    assert caught.value.sent


def test_slow_body_ends_in_time() -> None:
    """When the status has come and the body drips, the status is returned in time."""

    def serve(peer: Peer, _: Request) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not peer.pause(0.05):
            peer.send(b"a")

    with LoopbackServer(serve) as server:
        started = time.monotonic()
        response = fetch(server, timeout_seconds=0.4)
        taken = time.monotonic() - started

    assert (response.status, response.truncated) == (200, True)
    assert response.body.startswith(b"aa")
    assert taken < 5


def test_silent_handshake_ends_in_time() -> None:
    """A server that accepts and never begins TLS is given up, and nothing was sent."""
    with LoopbackServer(silence) as server, pytest.raises(OutboundFailed, match="time-out") as c:
        request("GET", f"https://127.0.0.1:{server.port}/", allow_private=True, timeout_seconds=0.4)

    assert not c.value.sent


def test_silent_resolver_ends_in_time() -> None:
    """A resolver that does not come back is given up."""
    from threading import Event

    release = Event()

    def resolve(host: str, port: int) -> list[str]:
        release.wait(10)
        return []

    started = time.monotonic()
    with pytest.raises(OutboundFailed, match="resolving") as caught:
        request("GET", "https://slow.example/", timeout_seconds=0.2, resolve=resolve)
    taken = time.monotonic() - started
    release.set()

    assert taken < 5
    assert not caught.value.sent


def test_reset_is_no_answer() -> None:
    """A connection that breaks after the request may have been taken, and the error says so."""
    with (
        LoopbackServer(lambda peer, _: peer.reset()) as server,
        pytest.raises(OutboundFailed, match="did not answer") as caught,
    ):
        fetch(server, method="POST", body=b"x")

    assert caught.value.sent


def test_closed_port_was_not_sent() -> None:
    """When nobody listens, nothing was sent, and the error says so."""
    with LoopbackServer(reply()) as server:
        pass

    with pytest.raises(OutboundFailed, match="connection refused") as caught:
        fetch(server)
    assert not caught.value.sent
