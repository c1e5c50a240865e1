"""How a loopback Slack tells an app what people did: over HTTP, signed, or over Socket Mode."""

import json
import queue
import threading
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from brickwork import BrickworkError
from brickwork_slack.testing.posts import (
    Post,
    command_post,
    event_payload,
    interaction_post,
    signed_headers,
)
from brickwork_slack.testing.state import Channel, Message, Workspace

if TYPE_CHECKING:
    from brickwork_slack.testing.server import SlackServer

SECONDS = 3.0
"""How long Slack waits for an app: https://docs.slack.dev/apis/events-api/#responding."""


class Delivered(NamedTuple):
    """What became of something that an app was told.

    Attributes:
        status: The HTTP status; 200 for an acknowledged envelope; 0 where nothing came in time.
        body: What the app answered, read as JSON where it is that; None for nothing.
        payload: What it was told.
    """

    status: int
    body: Any
    payload: Mapping[str, Any]


class Delivering:
    """Tells an app.

    Args:
        slack: Whose app.
    """

    def __init__(self, slack: "SlackServer") -> None:
        self._slack = slack
        self.url = ""
        self.subscribed: set[str] = set()
        self.delivered: list[Delivered] = []
        self._waiting: queue.Queue[Mapping[str, Any] | None] = queue.Queue()
        self._worker: threading.Thread | None = None

    def listen(self, url: str, *, challenge: bool = True) -> None:
        """Send to a URL from now on, which the app must confirm.

        Raises:
            BrickworkError: It does not answer the challenge.
        """
        self.url = url
        if not challenge:
            return
        asked = {"type": "url_verification", "token": "deprecated", "challenge": "3eZbrw1aB10Fdo"}
        told = self._post(Post(json.dumps(asked).encode()), asked)
        answered = told.body.get("challenge") if isinstance(told.body, dict) else told.body
        if told.status != 200 or answered not in (asked["challenge"], asked["challenge"].encode()):
            raise BrickworkError(f"The URL answers the challenge with {told.status}: {told.body!r}")

    def event(self, event: Mapping[str, Any], *, retry: int = 0, **around: Any) -> Delivered:
        """Deliver an event.

        Args:
            event: With its ``type``.
            retry: How often it was sent before.
            around: What stands around it, instead of what usually does.
        """
        stands = {
            "team_id": self._slack.workspace.id,
            "api_app_id": self._slack.app_id,
            "event_time": int(self._slack.now()),
            **around,
        }
        payload = event_payload({"event_ts": self._slack.new_ts(), **event}, **stands)
        if not self.url:
            return self._socket("events_api", payload, answers=False)
        again = {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"}
        return self._post(
            Post(json.dumps(payload).encode(), headers=again if retry else {}), payload
        )

    def interaction(self, payload: Mapping[str, Any]) -> Delivered:
        """Deliver what people did with blocks and views."""
        if not self.url:
            return self._socket("interactive", payload, answers=True)
        return self._post(interaction_post(payload), payload)

    def command(self, command: str, fields: Mapping[str, str]) -> Delivered:
        """Deliver a slash command."""
        if not self.url:
            payload = {"command": command, **fields}
            return self._socket("slash_commands", payload, answers=True)
        return self._post(command_post(command, **fields), fields)

    def happened(self, workspace: Workspace, event: Mapping[str, Any]) -> None:
        """Deliver an event soon, if the app wants that type: not before the call is answered."""
        if event["type"] not in self.subscribed:
            return
        if self._worker is None:
            self._worker = threading.Thread(target=self._work, daemon=True)
            self._worker.start()
        self._waiting.put({**event, "team": workspace.id})

    def wait(self) -> None:
        """Wait until all that happened is delivered."""
        self._waiting.join()

    def close(self) -> None:
        """Deliver no more; done at the end of `slack_server`."""
        if self._worker is not None:
            self._waiting.put(None)
            self._worker.join()

    def _work(self) -> None:
        while True:
            event = self._waiting.get()
            try:
                if event is None:
                    return
                self.delivered.append(self.event(event))
            except Exception as error:  # noqa: BLE001  # raised again in the thread of the test
                self._slack.lies.append(error)
            finally:
                self._waiting.task_done()

    def _socket(self, kind: str, payload: Mapping[str, Any], *, answers: bool) -> Delivered:
        told = self._slack.sockets.deliver(kind, payload, answers=answers, seconds=SECONDS)
        return Delivered(0 if told is None else 200, told or None, payload)

    def _post(self, post: Post, payload: Mapping[str, Any]) -> Delivered:
        parts = urlsplit(self.url)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=SECONDS)
        headers = signed_headers(post, self._slack.signing_secret, timestamp=self._slack.now())
        try:
            connection.request("POST", parts.path or "/", post.body, headers)
            answer = connection.getresponse()
            raw = answer.read()
        except (OSError, HTTPException):
            return Delivered(0, None, payload)
        finally:
            connection.close()
        return Delivered(answer.status, _read(raw), payload)


def _read(raw: bytes) -> Any:
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError:
        return raw


def message_event(channel: Channel, message: Message, subtype: str) -> dict[str, Any]:
    """Return the event of a message, as https://docs.slack.dev/reference/events/message says."""
    kinds = {"public": "channel", "private": "group", "im": "im", "mpim": "mpim"}
    around = {"type": "message", "channel": channel.id, "channel_type": kinds[channel.kind]}
    shape: dict[str, Any] = {"text": message.text, "ts": message.ts, "user": message.user}
    shape |= {name: value for name, value in message.content.items() if name != "metadata"}
    if message.bot_id:
        shape |= {"bot_id": message.bot_id, "app_id": message.app_id}
    if message.thread_ts:
        shape["thread_ts"] = message.thread_ts
    if not subtype:
        return {**around, **shape}
    hidden = {**around, "subtype": subtype, "hidden": True, "ts": message.edited or message.ts}
    if subtype == "message_deleted":
        return {**hidden, "deleted_ts": message.ts, "previous_message": shape}
    return {**hidden, "message": {"type": "message", **shape}}
