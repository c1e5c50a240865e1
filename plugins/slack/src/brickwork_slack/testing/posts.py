"""What Slack sends to an app, in tests: signed, and delivered to an ASGI app without a network.

::

    app = slack_app(credentials, {"app_mention": answer})
    event = event_post({"type": "app_mention", "text": "<@U0BOT> help", "channel": "C1"})
    assert deliver(app, event, credentials.signing_secret).status == 200
"""

import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from brickwork import Secret
from brickwork.testing.receiving import Answered as Answered, post as _post

App = Any
"""An ASGI app: any framework's has a type of its own."""

_FORM = "application/x-www-form-urlencoded"


class Post(NamedTuple):
    """What Slack posts to an app.

    Attributes:
        body: The body.
        content_type: What kind it is.
        headers: More headers.
    """

    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}


def event_post(
    event: Mapping[str, Any], *, event_id: str | None = None, retry: int = 0, **around: Any
) -> Post:
    """Return what the Events API posts.

    Args:
        event: The event, with its ``type``.
        event_id: Slack's id of it; a new one where it is None.
        retry: How often it was sent before.
        **around: What else stands around the event.
    """
    headers = {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"}
    return Post(
        json.dumps(event_payload(event, event_id=event_id, **around)).encode(),
        headers=headers if retry else {},
    )


def event_payload(
    event: Mapping[str, Any], *, event_id: str | None = None, **around: Any
) -> dict[str, Any]:
    """Return an event with what the Events API puts around it; see `event_post`."""
    from uuid import uuid4

    return {
        "token": "deprecated-verification-token",
        "team_id": "T0BRICK",
        "api_app_id": "A0BRICK",
        "event": {"event_ts": "1700000000.000100", **event},
        "type": "event_callback",
        "event_id": event_id or f"Ev{uuid4().hex[:10].upper()}",
        "event_time": 1700000000,
        "is_ext_shared_channel": False,
        **around,
    }


def interaction_post(payload: Mapping[str, Any]) -> Post:
    """Return what interactivity posts: ``block_actions`` and others; see `action_payload`."""
    from urllib.parse import urlencode

    return Post(urlencode({"payload": json.dumps(dict(payload))}).encode(), _FORM)


def action_payload(
    action_id: str,
    value: str | None = None,
    *,
    user: str = "U0ADA",
    channel: str = "C0GENERAL",
    ts: str = "1700000000.000100",
    **others: Any,
) -> dict[str, Any]:
    """Return the payload of a button in a message that was pressed.

    Args:
        action_id: The button's.
        value: The button's.
        user: The id of who presses.
        channel: The id of the message's channel.
        ts: What Slack knows the message by.
        **others: What else stands in the payload.
    """
    action = {"type": "button", "action_id": action_id, "block_id": "b1", "action_ts": ts}
    return {
        "type": "block_actions",
        "team": {"id": "T0BRICK", "domain": "brick"},
        "user": {"id": user, "username": "ada", "name": "ada", "team_id": "T0BRICK"},
        "api_app_id": "A0BRICK",
        "token": "deprecated-verification-token",
        "container": {"type": "message", "message_ts": ts, "channel_id": channel},
        "trigger_id": "1700000000.1.abc",
        "channel": {"id": channel, "name": "general"},
        "message": {"type": "message", "ts": ts, "text": "", "user": "U0BOT"},
        "state": {"values": {}},
        "response_url": "https://hooks.slack.com/actions/T0BRICK/1/abcdef",
        "actions": [action if value is None else {**action, "value": value}],
        **others,
    }


def command_post(command: str, text: str = "", **fields: str) -> Post:
    """Return what a slash command posts.

    Args:
        command: The command, with its slash.
        text: What is written behind it.
        **fields: Other fields, instead of those that are sent or beside them.
    """
    from urllib.parse import urlencode

    sent = {
        "token": "deprecated-verification-token",
        "team_id": "T0BRICK",
        "team_domain": "brick",
        "channel_id": "C0GENERAL",
        "channel_name": "general",
        "user_id": "U0ADA",
        "user_name": "ada",
        "command": command,
        "text": text,
        "api_app_id": "A0BRICK",
        "is_enterprise_install": "false",
        "response_url": "https://hooks.slack.com/commands/T0BRICK/1/abcdef",
        "trigger_id": "1700000000.1.abc",
        **fields,
    }
    return Post(urlencode(sent).encode(), _FORM)


def signed_headers(
    post: Post, secret: Secret[str] | str, *, timestamp: float | None = None
) -> dict[str, str]:
    """Return the headers that Slack sends.

    Args:
        post: What is sent.
        secret: The app's signing secret.
        timestamp: When, in seconds since 1970; now where it is None.
    """
    from brickwork_slack.receivers.signature import sign

    moment = str(int(time.time() if timestamp is None else timestamp))
    secret = secret if isinstance(secret, Secret) else Secret(secret)
    return {
        "Content-Type": post.content_type,
        "Content-Length": str(len(post.body)),
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "X-Slack-Request-Timestamp": moment,
        "X-Slack-Signature": sign(post.body, moment, secret),
        **post.headers,
    }


def deliver(
    app: App,
    post: Post,
    secret: Secret[str] | str,
    *,
    timestamp: float | None = None,
    path: str = "/",
    headers: Mapping[str, str | None] | None = None,
) -> Answered:
    """Sign what Slack would post and deliver it to an ASGI app, without a network.

    Returns when the app is through with it, its handlers included.

    Args:
        app: The app.
        post: What to send; see `event_post`, `interaction_post` and `command_post`.
        secret: The app's signing secret.
        timestamp: When it is signed, in seconds since 1970; now where it is None.
        path: Where to.
        headers: Headers to send instead of Slack's, or beside them; None for one to leave out.

    Raises:
        RuntimeError: An event loop is running in this thread: use `adeliver`.
    """
    import asyncio

    return asyncio.run(adeliver(app, post, secret, timestamp=timestamp, path=path, headers=headers))


async def adeliver(
    app: App,
    post: Post,
    secret: Secret[str] | str,
    *,
    timestamp: float | None = None,
    path: str = "/",
    headers: Mapping[str, str | None] | None = None,
) -> Answered:
    """Do what `deliver` does, on the loop that runs."""
    signed = signed_headers(post, secret, timestamp=timestamp)
    return await _post(app, post.body, {**signed, **(headers or {})}, path)
