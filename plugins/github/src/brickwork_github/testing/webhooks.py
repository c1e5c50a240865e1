"""Webhooks in tests: payloads that GitHub could send, and deliveries to an ASGI app.

::

    app = webhook_app("a-secret", {"issues.opened": triage})
    payload = webhook_payload("issues", "opened")
    assert deliver(app, "issues", payload, "a-secret").status == 200
"""

import json
from collections.abc import Mapping
from typing import Any, cast

from brickwork import BrickworkError, Secret
from brickwork.testing.receiving import Answered as Answered, post

App = Any
"""An ASGI app: any framework's has a type of its own."""


def deliver(
    app: App,
    event: str,
    payload: Mapping[str, Any],
    secret: Secret[str] | str,
    *,
    delivery: str | None = None,
    path: str = "/",
    form: bool = False,
    headers: Mapping[str, str | None] | None = None,
) -> Answered:
    """Sign a payload and deliver it to an ASGI app, as GitHub does, without a network.

    Returns when the app is through with it, its handlers included.

    Args:
        app: The app.
        event: GitHub's name of the event: ``issues``.
        payload: The payload.
        secret: The webhook's secret.
        delivery: The delivery's id; a new one where it is None.
        path: Where to.
        form: Whether to send a form, and not JSON.
        headers: Headers to send instead of GitHub's, or beside them; None for one to leave out.

    Raises:
        RuntimeError: An event loop is running in this thread: use `adeliver`.
    """
    import asyncio

    return asyncio.run(
        adeliver(
            app,
            event,
            payload,
            secret,
            delivery=delivery,
            path=path,
            form=form,
            headers=headers,
        )
    )


async def adeliver(
    app: App,
    event: str,
    payload: Mapping[str, Any],
    secret: Secret[str] | str,
    *,
    delivery: str | None = None,
    path: str = "/",
    form: bool = False,
    headers: Mapping[str, str | None] | None = None,
) -> Answered:
    """Do what `deliver` does, on the loop that runs."""
    body = body_of(payload, form=form)
    signed = signed_headers(event, body, secret, delivery=delivery, form=form)
    return await post(app, body, {**signed, **(headers or {})}, path)


def body_of(payload: Mapping[str, Any], *, form: bool = False) -> bytes:
    """Return the body that GitHub sends for a payload."""
    text = json.dumps(dict(payload), separators=(",", ":"))
    if not form:
        return text.encode()
    from urllib.parse import urlencode

    return urlencode({"payload": text}).encode()


def signed_headers(
    event: str,
    body: bytes,
    secret: Secret[str] | str,
    *,
    delivery: str | None = None,
    form: bool = False,
) -> dict[str, str]:
    """Return the headers that GitHub sends with a body.

    Args:
        event: GitHub's name of the event.
        body: The body.
        secret: The webhook's secret.
        delivery: The delivery's id; a new one where it is None.
        form: Whether the body is a form.
    """
    from uuid import uuid4

    from brickwork_github.webhooks.signature import sign

    secret = secret if isinstance(secret, Secret) else Secret(secret)
    return {
        "Accept": "*/*",
        "Content-Type": "application/x-www-form-urlencoded" if form else "application/json",
        "Content-Length": str(len(body)),
        "User-Agent": "GitHub-Hookshot/044aadd",
        "X-GitHub-Delivery": delivery or str(uuid4()),
        "X-GitHub-Event": event,
        "X-GitHub-Hook-ID": "292430182",
        "X-GitHub-Hook-Installation-Target-ID": "79929171",
        "X-GitHub-Hook-Installation-Target-Type": "repository",
        "X-Hub-Signature-256": sign(body, secret),
    }


def _with_moments(node: Any) -> Any:
    """Put moments where the description says no more than that a text, or something, is there."""
    if isinstance(node, list):
        return [_with_moments(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        name: _MOMENT if name.endswith("_at") and value in ("string", 1) else _with_moments(value)
        for name, value in node.items()
    }


_MOMENT = "2011-01-26T19:14:43Z"


def webhook_payload(event: str, action: str | None = None) -> dict[str, Any]:
    """Return a payload that GitHub's description allows for an event: an example, to be changed.

    Args:
        event: GitHub's name of the event: ``issues``.
        action: What was done: ``opened``; None for an event without, or for any of its actions.

    Raises:
        BrickworkError: GitHub has no such event or action.
        DescriptionMissing: The description could not be fetched.
    """
    from brickwork_github.testing.description import description
    from brickwork_github.testing.examples import Examples
    from brickwork_github.testing.validation import Schemas

    github = description()
    known: list[str] = []
    for webhook in github.webhooks:
        if webhook.event == event:
            known.append(webhook.action or "")
            if action in (None, webhook.action):
                made = Examples(github, Schemas(github)).mended({}, webhook.schema)
                return cast("dict[str, Any]", _with_moments(made))
    raise BrickworkError(
        f"GitHub has no event {event!r}" + (f" with the action {action!r}." if known else "."),
        fix=f"Its actions are: {', '.join(known)}." if known else "Look at the event's name.",
    )
