"""slack_sdk's clients: shared, patient, through proxies; no token goes where it does not belong."""

import asyncio
import http.server
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    RateLimitErrorRetryHandler,
    ServerErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient

from brickwork import Scope
from brickwork.testing.task import no_waiting
from brickwork_slack import SlackCredentials, SlackError, clients
from brickwork_slack.calls import ask
from brickwork_slack.tasks import driven
from brickwork_slack.testing import Fault, SlackServer
from brickwork_slack.testing.faults import rate_limited, reset_after, server_error

Use = Callable[..., Any]


@pytest.fixture(params=["client", "async_client"])
def use(request: pytest.FixtureRequest) -> Iterator[Use]:
    """Call a method of slack_sdk's client in the one way or in the other, without waits."""

    def blocking(credentials: SlackCredentials, name: str, **given: Any) -> Any:
        return getattr(credentials.client(), name)(**given)

    def waiting(credentials: SlackCredentials, name: str, **given: Any) -> Any:
        return asyncio.run(getattr(credentials.async_client(), name)(**given))

    with no_waiting():
        yield blocking if request.param == "client" else waiting


@pytest.fixture(params=[driven, asyncio.run], ids=["call", "aio"])
def run(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Run a coroutine in the one way or in the other."""
    found: Callable[..., Any] = request.param
    return found


def test_clients_are_slack_sdks(slack_credentials: SlackCredentials) -> None:
    """With its three retry handlers on, in both of them."""
    blocking, waiting = slack_credentials.client(), slack_credentials.async_client()
    assert isinstance(blocking, WebClient)
    assert isinstance(waiting, AsyncWebClient)
    for handlers, kinds in (
        (
            blocking.retry_handlers,
            (RateLimitErrorRetryHandler, ConnectionErrorRetryHandler, ServerErrorRetryHandler),
        ),
        (
            waiting.retry_handlers,
            (
                AsyncRateLimitErrorRetryHandler,
                AsyncConnectionErrorRetryHandler,
                AsyncServerErrorRetryHandler,
            ),
        ),
    ):
        for handler, kind in zip(handlers, kinds, strict=True):
            assert isinstance(handler, kind)


def test_equal_credentials_share_a_client(slack_server: SlackServer) -> None:
    """A client is kept by value, and another value has another one."""
    token = slack_server.token()
    one, same = slack_server.credentials(token=token), slack_server.credentials(token=token)
    assert one.client() is same.client()
    assert one.async_client() is same.async_client()
    assert slack_server.credentials().client() is not one.client()


def test_clients_are_forgotten_when_there_are_too_many(slack_server: SlackServer) -> None:
    """The one that was not used for longest goes first."""
    first = slack_server.credentials()
    kept = first.client()
    others = [slack_server.credentials() for _ in range(clients.MAX_CLIENTS)]
    for each in others[:-1]:
        each.client()
        assert first.client() is kept
    others[-1].client()
    for each in others[:2]:
        each.client()
    for _ in range(clients.MAX_CLIENTS):
        slack_server.credentials().client()
    assert first.client() is not kept


def test_the_client_waits_out_a_rate_limit(slack_server: SlackServer, use: Use) -> None:
    """As long as Slack says, for any method."""
    credentials = slack_server.credentials()
    slack_server.fail("chat.postMessage", rate_limited(7))
    with no_waiting() as waits:
        use(credentials, "chat_postMessage", channel=slack_server.general.id, text="x")
    assert [round(wait) for wait in waits] == [7]
    assert len(slack_server.general.posted) == 1


def test_the_client_waits_no_longer_than_it_may(slack_server: SlackServer, use: Use) -> None:
    """Neither than the task has, nor than the options say: then it is slack_sdk's error."""
    slack_server.fail("team.info", rate_limited(60), times=2)
    with Scope("job", seconds=5), pytest.raises(SlackApiError, match="ratelimited"):
        use(slack_server.credentials(), "team_info")
    short = slack_server.credentials(client_options={"rate_limit_wait_seconds": 59})
    with pytest.raises(SlackApiError, match="ratelimited"):
        use(short, "team_info")
    assert len(slack_server.requests) == 2


@pytest.mark.parametrize("fault", [server_error(503), reset_after()], ids=["503", "reset"])
def test_the_client_repeats_what_does_no_harm(
    slack_server: SlackServer, use: Use, fault: Fault
) -> None:
    """A read; a post is not made twice."""
    credentials = slack_server.credentials()
    slack_server.fail("team.info", fault, times=2)
    assert use(credentials, "team_info")["ok"]
    assert len(slack_server.requests) == 3
    slack_server.fail("chat.postMessage", fault)
    with pytest.raises(Exception):  # noqa: B017, PT011  # slack_sdk's, urllib's or aiohttp's
        use(credentials, "chat_postMessage", channel=slack_server.general.id, text="x")
    assert len(slack_server.asked("chat.postMessage")) == 1


def test_a_proxy_that_is_given_counts(
    slack_server: SlackServer, monkeypatch: pytest.MonkeyPatch, run: Callable[..., Any]
) -> None:
    """It beats the one of the environment, and its password is not shown."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with forwarding(slack_server) as url:
        given = url.replace("http://", "http://user:proxy-word-4711@")
        through = slack_server.credentials(
            base_url="http://slack.invalid/api/", client_options={"proxy": given, "retries": 0}
        )
        assert run(ask(through, "team.info"))["ok"]
    assert "4711" not in repr(through)


def test_a_proxy_of_the_environment_counts(
    slack_server: SlackServer, monkeypatch: pytest.MonkeyPatch, run: Callable[..., Any]
) -> None:
    """But not for hosts that NO_PROXY names."""
    with forwarding(slack_server) as url:
        monkeypatch.setenv("http_proxy", url)
        far = slack_server.credentials(base_url="http://slack.invalid/api/")
        assert run(ask(far, "team.info"))["ok"]
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert run(ask(slack_server.credentials(), "team.info"))["ok"]


def test_a_proxy_that_is_not_there_is_told(
    slack_server: SlackServer, run: Callable[..., Any]
) -> None:
    """Without its password."""
    options = {"proxy": "http://user:proxy-word-4711@127.0.0.1:9", "retries": 0}
    with pytest.raises(SlackError) as caught:
        run(ask(slack_server.credentials(client_options=options), "team.info"))
    assert "4711" not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_token_follows_a_redirect_to_another_host(
    slack_server: SlackServer, run: Callable[..., Any], status: int
) -> None:
    """Wherever a proxy, or who got into between, may send it."""
    seen: list[tuple[str, str]] = []

    class Elsewhere(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            seen.append((str(self.headers), self.rfile.read(length).decode()))
            body = b'{"ok": true}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815  # http.server's name

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    credentials = slack_server.credentials(client_options={"retries": 0})
    with serving(Elsewhere) as port:
        away = Fault(status, b"", {"Location": f"http://localhost:{port}/api/team.info"})
        slack_server.fail("team.info", away, times=4)
        with suppress(SlackError):  # or it is not followed at all
            run(ask(credentials, "team.info"))
    token = credentials.token.reveal()
    assert all(token not in headers and token not in body for headers, body in seen)
    assert token == slack_server.requests[0].token


@contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[int]:
    """Serve on a port of 127.0.0.1."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def forwarding(slack: SlackServer) -> Iterator[str]:
    """Run a proxy that leads all hosts to a loopback Slack; give its URL."""

    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert urlsplit(self.path).hostname == "slack.invalid"
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {
                name: value
                for name, value in self.headers.items()
                if name.lower() in ("authorization", "content-type")
            }
            url = slack.url + urlsplit(self.path).path
            request = urllib.request.Request(url, body, headers, method="POST")  # loopback
            straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with straight.open(request) as answer:
                content = answer.read()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST  # noqa: N815  # http.server's name

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(Proxy) as port:
        yield f"http://127.0.0.1:{port}"
