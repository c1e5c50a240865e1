"""An ASGI app that receives what Slack sends, and hands each request to a function."""

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from brickwork import InvalidArguments, Secret, ledger_of
from brickwork.receiving import (
    Bodies,
    HttpAnswer,
    Receive,
    ReceiverApp,
    Scope,
    header_pairs,
    headers_of,
    path_of,
)
from brickwork_slack.errors import SlackRequestRefused
from brickwork_slack.receivers.answers import Handler
from brickwork_slack.receivers.handling import Handling, Outcome, Taken
from brickwork_slack.receivers.reading import media_type, read_body, read_request
from brickwork_slack.receivers.replay import ReplayGuard
from brickwork_slack.receivers.request import SlackRequest
from brickwork_slack.receivers.signature import verify, well_formed

if TYPE_CHECKING:
    import asyncio

    from brickwork.receiving import Called
    from brickwork_slack.credentials import SlackCredentials

_BODY_SECONDS = 3.0  # Slack waits no longer for the answer
_TOGETHER = 16  # bodies of the largest size that may come at the same time
_SIGNATURE = "x-slack-signature"
_TIMESTAMP = "x-slack-request-timestamp"
_ONCE = frozenset({_SIGNATURE, _TIMESTAMP, "content-type", "content-length"})
_log = logging.getLogger(__name__)


def slack_app(
    credentials: "SlackCredentials",
    handlers: Mapping[str, Handler],
    *,
    path: str = "/",
    previous_signing_secrets: Sequence[Secret[str] | str] = (),
    answer_seconds: float = 2.5,
    max_body_bytes: int = 1024 * 1024,
    max_requests: int = 1000,
    threads: int = 10,
    shutdown_seconds: float = 30.0,
) -> "SlackApp":
    """Return an ASGI app for the Events API, interactivity and slash commands.

    It is the Request URL of all three in the app's settings. Each request is verified, answered
    with 200, and then handed to its handler, once however often it comes; a handler that is to give
    the answer itself is wrapped in `answers`. What Slack asks to verify the URL is answered here.

    Where the credentials are saved, all processes remember together, in the vault, what came; else
    each remembers for itself.

    Args:
        credentials: Those with the app's ``signing_secret``.
        handlers: By what they are for: an event, ``message``, or with its subtype,
            ``message:file_share``; a slash command, ``/deploy``; ``block_actions``, or
            ``block_actions:ACTION_ID``; ``view_submission``, ``view_closed``, ``shortcut`` and
            ``message_action``, or each with ``:CALLBACK_ID``; ``block_suggestion``, or with
            ``:ACTION_ID``; ``*`` for all others. The one that says more goes first. Each takes the
            request; what has ``async`` runs on the server's loop, anything else in a thread.
        path: Where requests come to, below where the app is mounted.
        previous_signing_secrets: Secrets that are taken as well, while the secret is replaced.
        answer_seconds: How long a handler that answers is waited for; Slack itself waits for 3 s.
        max_body_bytes: The largest body that is read.
        max_requests: How many may be handled, or wait for it, at once; more are answered 503.
        threads: How many handlers without ``async`` run at once.
        shutdown_seconds: How long a server that shuts down waits for handlers.

    Raises:
        InvalidArguments: The credentials have no signing secret, a secret is empty, or a handler
            cannot be called.
    """
    given = [
        *([] if credentials.signing_secret is None else [credentials.signing_secret]),
        *(each if isinstance(each, Secret) else Secret(each) for each in previous_signing_secrets),
    ]
    # With an empty one everybody could sign.
    if not given or not all(secret.reveal().strip() for secret in given):
        raise InvalidArguments(
            "The credentials have no signing secret, or one is empty.",
            fix="Copy the Signing Secret from Basic Information in the app's settings to"
            " signing_secret.",
        )
    handling = Handling(
        handlers,
        ReplayGuard(ledger_of(credentials)),
        answer_seconds=answer_seconds,
        max_requests=max_requests,
        threads=threads,
    )
    bodies = Bodies(
        max_body_bytes,
        _BODY_SECONDS,
        _TOGETHER * max_body_bytes,
        SlackRequestRefused,
        fix="Raise max_body_bytes to take larger ones, if Slack sent it.",
    )
    return SlackApp(given, handling, bodies, path.rstrip("/"), shutdown_seconds)


class SlackApp(ReceiverApp):
    """Receives requests over ASGI; made by `slack_app`.

    Run it with any server for ASGI, such as uvicorn and hypercorn, or mount it in an application of
    Starlette or FastAPI.
    """

    def __init__(
        self,
        secrets: Sequence[Secret[str]],
        handling: Handling,
        bodies: Bodies,
        path: str,
        shutdown_seconds: float,
    ) -> None:
        self._secrets = tuple(secrets)
        self._handling = handling
        self._bodies = bodies
        self._path = path
        self._shutdown_seconds = shutdown_seconds

    async def finish(self) -> None:
        """Wait for the handlers, and then stop them."""
        await self._handling.finish(self._shutdown_seconds)

    async def answer(
        self, scope: Scope, receive: Receive
    ) -> "tuple[HttpAnswer, asyncio.Task[Called] | None]":
        """Verify a request, and begin to handle it unless it came before."""
        if path_of(scope)[1] != self._path:
            raise SlackRequestRefused("There is no app at this path.", status=404)
        if scope["method"] != "POST":
            # Slack looks at the certificate of a slash command's URL in this way.
            if scope["method"] == "GET" and b"ssl_check=1" in scope.get("query_string", b""):
                return HttpAnswer(200), None
            raise SlackRequestRefused("Requests come by POST.", status=405)
        headers = headers_of(header_pairs(scope), _ONCE, SlackRequestRefused)
        # What can be refused without the body is refused before it is read.
        well_formed(headers.get(_TIMESTAMP), headers.get(_SIGNATURE))
        media_type(headers.get("content-type"))
        body = await self._bodies.read(receive, headers.get("content-length"))
        signed = verify(body, headers.get(_TIMESTAMP), headers.get(_SIGNATURE), self._secrets)
        payload = read_body(body, headers.get("content-type"))
        if payload.get("type") == "url_verification":
            return HttpAnswer(200, {"challenge": payload.get("challenge")}), None
        if "ssl_check" in payload:
            return HttpAnswer(200), None
        retry = headers.get("x-slack-retry-num", "")
        request = read_request(
            payload,
            retry=int(retry) if retry.isascii() and retry.isdigit() and len(retry) < 4 else 0,
            retry_reason=headers.get("x-slack-retry-reason", ""),
        )
        taken = await self._handling.take(request, signed.signature.decode())
        return _http_answer(request, taken), taken.task


def _http_answer(request: SlackRequest, taken: Taken) -> HttpAnswer:
    if taken.outcome is Outcome.REPEATED and not request.event_id:
        raise SlackRequestRefused(
            f"The {request.type} came before, with the same signature.",
            status=403,
            fix="Slack never sends it twice: look who can read what Slack sends.",
        )
    if taken.outcome is Outcome.FAILED:
        return HttpAnswer(500)
    if taken.outcome is Outcome.BUSY:
        return HttpAnswer(503)
    return HttpAnswer(200, taken.answer)
