"""The ASGI app behind a real server, by HTTP on 127.0.0.1."""

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from brickwork import Secret
from brickwork.testing.base import lacking
from brickwork_github import GitHubEvent, WebhookApp, webhook_app
from brickwork_github.testing.webhooks import body_of, signed_headers

STAR: dict[str, Any] = {
    "action": "deleted",
    "starred_at": None,
    "repository": {"full_name": "acme/api", "stargazers_count": 1},
    "sender": {"login": "octocat"},
}


@contextmanager
def served(app: WebhookApp, **options: Any) -> Iterator[tuple[int, Callable[[], None]]]:
    """Run an app under uvicorn; gives the port, and a function that ends the server."""
    try:
        import uvicorn
    except ImportError:
        lacking("uvicorn is not installed")
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http="h11", ws="none", log_config=None, **options)
    server = uvicorn.Server(config)
    started = threading.Event()
    startup = server.startup

    async def tell(sockets: list[socket.socket] | None = None) -> None:
        await startup(sockets)
        started.set()

    server.startup = tell  # type: ignore[method-assign]  # to wait for it without polling
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()

    def end() -> None:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()

    try:
        assert started.wait(30)
        yield listener.getsockname()[1], end
    finally:
        end()
        listener.close()


@contextmanager
def connected(port: int) -> Iterator[http.client.HTTPConnection]:
    """Connect to the server."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        yield connection
    finally:
        connection.close()


def post(connection: http.client.HTTPConnection, secret: Secret[str], **options: Any) -> int:
    """Deliver a payload, and return the status of the answer."""
    body = body_of(STAR)
    connection.request("POST", "/", body, signed_headers("star", body, secret, **options))
    answer = connection.getresponse()
    answer.read()
    return answer.status


def test_deliveries_come_by_http(secret: Secret[str]) -> None:
    """Several on one connection: new, again, with another secret, to another path, by GET."""
    events: list[Any] = []
    with served(webhook_app(secret, {"star": events.append})) as (port, _):
        with connected(port) as connection:
            assert post(connection, secret, delivery="d-1") == 200
            assert post(connection, secret, delivery="d-1") == 200
            assert post(connection, Secret("a-secret-of-somebody-else")) == 401
            assert post(connection, secret) == 200
        for method, path, status in (("GET", "/", 405), ("POST", "/other", 404)):
            with connected(port) as connection:
                connection.request(method, path)
                assert connection.getresponse().status == status
    assert [event.delivery for event in events][:1] == ["d-1"]
    assert len(events) == 2


def test_a_body_in_chunks_is_verified(secret: Secret[str]) -> None:
    """HTTP may leave out how long a body is."""
    events: list[Any] = []
    body = body_of(STAR | {"more": "x" * 300_000})
    headers = signed_headers("star", body, secret)
    del headers["Content-Length"]
    chunks = (body[at : at + 10_000] for at in range(0, len(body), 10_000))
    app = webhook_app(secret, {"star": events.append})
    with served(app) as (port, _), connected(port) as connection:
        connection.request("POST", "/", chunks, headers, encode_chunked=True)
        assert connection.getresponse().status == 200
    assert len(events) == 1


def test_an_unsigned_body_is_not_even_read(secret: Secret[str]) -> None:
    """The answer comes while 25 MB are announced, and none of them was sent."""
    with served(webhook_app(secret, {"*": print})) as (port, _), connected(port) as connection:
        connection.putrequest("POST", "/")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(25 * 1024 * 1024))
        connection.endheaders()
        assert connection.getresponse().status == 401


def test_a_slow_handler_holds_up_no_other_delivery(secret: Secret[str]) -> None:
    """While one runs, the next is answered."""
    go_on, begun = threading.Event(), threading.Event()

    def handler(event: GitHubEvent) -> None:
        if event.delivery == "slow":
            begun.set()
            assert go_on.wait(30)

    app = webhook_app(secret, {"*": handler})
    with served(app) as (port, _), connected(port) as first, connected(port) as second:
        body = body_of(STAR)
        first.request("POST", "/", body, signed_headers("star", body, secret, delivery="slow"))
        assert begun.wait(30)
        assert post(second, secret) == 200
        go_on.set()
        assert first.getresponse().status == 200


@pytest.mark.parametrize("lifespan", ["on", "off"])
def test_a_server_that_ends_waits_for_handlers(secret: Secret[str], lifespan: str) -> None:
    """Also for one that was answered 202, with lifespans and without."""
    go_on, done = threading.Event(), threading.Event()

    def handler(event: GitHubEvent) -> None:
        assert go_on.wait(30)
        done.set()

    app = webhook_app(secret, {"*": handler}, wait_seconds=0)
    with served(app, lifespan=lifespan) as (port, end):
        with connected(port) as connection:
            assert post(connection, secret) == 202
        ending = threading.Thread(target=end)
        ending.start()
        ending.join(0.3)
        assert ending.is_alive()
        assert not done.is_set()
        go_on.set()
        ending.join(30)
        assert done.is_set()
