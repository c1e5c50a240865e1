"""The loopback Slack tells an app what happened: over HTTP, signed, and over Socket Mode."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import pytest
from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from brickwork import BrickworkError
from brickwork_slack.testing import SlackServer

BUTTON = {
    "type": "button",
    "action_id": "approve",
    "value": "42",
    "text": {"type": "plain_text", "text": "Approve"},
}


class App:
    """An app with a URL, which verifies signatures as slack_sdk does."""

    def __init__(self, slack: SlackServer) -> None:
        self.verifier = SignatureVerifier(slack.signing_secret.reveal())
        self.received: list[dict[str, Any]] = []
        self.status = 200
        app = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                valid = app.verifier.is_valid_request(raw, dict(self.headers))
                answer = app.take(raw, self.headers["Content-Type"]) if valid else b"forged"
                self.send_response(app.status if valid else 401)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/slack/events"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def take(self, raw: bytes, kind: str) -> bytes:
        """Keep what came, and answer a challenge."""
        if kind == "application/json":
            read: dict[str, Any] = json.loads(raw)
        else:
            form = {name: values[0] for name, values in parse_qs(raw.decode()).items()}
            read = json.loads(form["payload"]) if "payload" in form else form
        if read.get("type") == "url_verification":
            return str(read["challenge"]).encode()
        self.received.append(read)
        return b'{"text":"seen"}'

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def app(slack_server: SlackServer) -> Iterator[App]:
    """An app that listens."""
    made = App(slack_server)
    yield made
    made.close()


@pytest.fixture
def client(slack_server: SlackServer) -> WebClient:
    """Slack's own client, with a bot's token."""
    return WebClient(slack_server.token().reveal(), base_url=f"{slack_server.url}/api/")


def test_events_are_signed_so_that_slack_sdk_believes_them(
    slack_server: SlackServer, app: App
) -> None:
    """The challenge is answered first, and slack_sdk's verifier takes the signature."""
    slack_server.events.listen(app.url)
    told = slack_server.events.event({"type": "app_mention", "text": "hi"})
    assert (told.status, told.body) == (200, {"text": "seen"})
    (received,) = app.received
    assert received["type"] == "event_callback"
    assert received["event"]["text"] == "hi"
    assert received["team_id"] == slack_server.workspace.id


def test_an_app_that_answers_no_challenge_is_not_listened_to(
    slack_server: SlackServer, app: App
) -> None:
    """A URL must confirm that it wants the events."""
    app.status = 500
    with pytest.raises(BrickworkError, match="challenge with 500"):
        slack_server.events.listen(app.url)


def test_an_app_hears_what_it_subscribed_to(
    slack_server: SlackServer, app: App, client: WebClient
) -> None:
    """Messages, mentions and reactions are told as they happen, and nothing else."""
    slack_server.events.listen(app.url)
    slack_server.events.subscribed |= {"message", "app_mention", "reaction_added"}
    said = slack_server.say(slack_server.general, f"<@{slack_server.bot.id}> help")
    slack_server.react(said, "eyes")
    slack_server.unreact(said, "eyes")
    client.chat_postMessage(channel=slack_server.general.id, text="hi")
    slack_server.events.wait()
    kinds = [each["event"]["type"] for each in app.received]
    assert kinds == ["message", "app_mention", "reaction_added", "message"]
    assert app.received[2]["event"]["item"]["ts"] == said.ts


def test_a_pressed_button_is_told_with_its_message(
    slack_server: SlackServer, app: App, client: WebClient
) -> None:
    """The payload has the button's value, who pressed it, and a URL to answer to."""
    slack_server.events.listen(app.url)
    ts = client.chat_postMessage(
        channel=slack_server.general.id,
        text="Approve?",
        blocks=[{"type": "actions", "elements": [BUTTON]}],
    )["ts"]
    message = slack_server.general.messages[ts]
    assert slack_server.press_button(message, "approve").status == 200
    (payload,) = app.received
    assert payload["type"] == "block_actions"
    assert payload["actions"][0]["value"] == "42"
    assert payload["user"]["id"] == slack_server.ada.id
    assert payload["message"]["ts"] == ts
    assert payload["response_url"].startswith(slack_server.url)
    with pytest.raises(BrickworkError, match="no element 'reject'"):
        slack_server.press_button(message, "reject")


def test_a_slash_command_is_told(slack_server: SlackServer, app: App) -> None:
    """With its text, its channel, and who typed it."""
    slack_server.events.listen(app.url)
    slack_server.command("/deploy", "web now")
    (form,) = app.received
    assert (form["command"], form["text"]) == ("/deploy", "web now")
    assert form["channel_id"] == slack_server.general.id


def test_an_app_that_is_gone_is_told_nothing(slack_server: SlackServer, app: App) -> None:
    """No answer is status 0."""
    slack_server.events.listen(app.url)
    slack_server.events.url = "http://127.0.0.1:9/"
    assert slack_server.events.event({"type": "app_mention"}).status == 0


@pytest.fixture
def sockets(slack_server: SlackServer, client: WebClient) -> Iterator[SocketModeClient]:
    """slack_sdk's own client of Socket Mode, connected."""
    made = SocketModeClient(
        app_token=slack_server.token(kind="app").reveal(),
        web_client=WebClient(base_url=f"{slack_server.url}/api/"),
        auto_reconnect_enabled=False,
        ping_interval=0.2,
    )
    made.connect()
    assert slack_server.sockets.wait_opened()
    yield made
    made.close()


def test_slack_sdk_hears_over_socket_mode(
    slack_server: SlackServer, sockets: SocketModeClient
) -> None:
    """An envelope is acknowledged; one that takes an answer brings it back."""
    heard: list[SocketModeRequest] = []

    def listener(client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        heard.append(request)
        payload = {"text": "seen"} if request.accepts_response_payload else None
        client.send_socket_mode_response(SocketModeResponse(request.envelope_id, payload))

    sockets.socket_mode_request_listeners.append(listener)
    event = slack_server.events.event({"type": "app_mention", "text": "x" * 70_000})
    assert (event.status, event.body) == (200, None)
    command = slack_server.command("/deploy", "web")
    assert (command.status, command.body) == (200, {"text": "seen"})
    assert [each.type for each in heard] == ["events_api", "slash_commands"]
    assert len(heard[0].payload["event"]["text"]) == 70_000


async def until_closed(url: str, slack: SlackServer) -> list[dict[str, Any]]:
    """Open a socket, let Slack ask for another, and return what came until it was closed."""
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        first = await socket.receive_json(timeout=5)
        await asyncio.to_thread(slack.sockets.disconnect, "refresh_requested")
        return [first, *[message.json() async for message in socket]]


def test_slack_asks_for_another_socket(slack_server: SlackServer, client: WebClient) -> None:
    """A socket begins with hello, ends after a disconnect, and its URL is good once."""
    token = slack_server.token(kind="app").reveal()
    url = client.apps_connections_open(app_token=token)["url"]
    hello, farewell = asyncio.run(until_closed(url, slack_server))
    assert (hello["type"], hello["num_connections"]) == ("hello", 1)
    assert (farewell["type"], farewell["reason"]) == ("disconnect", "refresh_requested")
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        asyncio.run(until_closed(url, slack_server))
