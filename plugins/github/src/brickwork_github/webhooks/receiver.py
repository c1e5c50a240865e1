"""An ASGI app that receives GitHub's webhooks, and hands each event to a function."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from brickwork import BrickworkError, InvalidArguments, RequestRefused
from brickwork.receiving import (
    Bodies,
    HttpAnswer,
    Receive,
    ReceiverApp,
    Scope,
    header_pairs,
    path_of,
)
from brickwork_github.errors import GitHubWebhookRefused
from brickwork_github.webhooks.delivery import SIGNATURE, event_of, headers_of, media_type
from brickwork_github.webhooks.event import GitHubEvent
from brickwork_github.webhooks.events import NAMES
from brickwork_github.webhooks.handling import Handler, Handling, Job
from brickwork_github.webhooks.replay import Claim, ReplayGuard
from brickwork_github.webhooks.signature import well_formed

if TYPE_CHECKING:
    import asyncio

    from brickwork_github.webhooks.block import GitHubWebhook

MAX_BODY_BYTES = 25 * 1024 * 1024
"""The largest payload that GitHub sends."""

_BODY_SECONDS = 10.0  # GitHub waits no longer for the answer
_TOGETHER = 8  # bodies of the largest size that may come at the same time
_log = logging.getLogger(__name__)


class WebhookApp(ReceiverApp):
    """Receives deliveries over ASGI; made by `GitHubWebhook.app`, which says what its options mean.

    Run it with any server for ASGI, such as uvicorn and hypercorn, or mount it in an application of
    Starlette or FastAPI.
    """

    def __init__(
        self,
        webhook: "GitHubWebhook",
        handlers: Mapping[str, Handler],
        guard: ReplayGuard,
        *,
        path: str,
        wait_seconds: float,
        max_body_bytes: int,
        max_deliveries: int,
        threads: int,
        shutdown_seconds: float,
    ) -> None:
        for name, handler in handlers.items():
            _check_handler(name, handler)
        self._webhook = webhook
        self._handlers = dict(handlers)
        self._path = path.rstrip("/")
        self._wait_seconds = wait_seconds
        self._bodies = Bodies(
            max_body_bytes,
            _BODY_SECONDS,
            _TOGETHER * max_body_bytes,
            GitHubWebhookRefused,
            fix="Raise max_body_bytes to take larger ones; GitHub's have 25 MB at most.",
        )
        self._max_deliveries = max_deliveries
        self._shutdown_seconds = shutdown_seconds
        self._handling = Handling(guard, threads)

    async def finish(self) -> None:
        """Wait for the handlers, and then stop them."""
        await self._handling.finish(self._shutdown_seconds)

    def refused(self, error: RequestRefused) -> HttpAnswer:
        """Say why, which GitHub shows beside the delivery."""
        answer = super().refused(error)
        return answer._replace(body={"status": "refused", "message": error.what})

    async def answer(
        self, scope: Scope, receive: Receive
    ) -> "tuple[HttpAnswer, asyncio.Task[bool] | None]":
        """Verify a delivery, and begin to handle it unless it came before."""
        root, path = path_of(scope)
        if path != self._path:
            raise GitHubWebhookRefused("There is no webhook at this path.", status=404)
        if scope["method"] != "POST":
            raise GitHubWebhookRefused("Deliveries come by POST.", status=405)
        event, body = await self._received(scope, receive)
        handler = self._handler(event)
        if handler is None:
            return _answer(200, "ignored", event), None
        if len(self._handling) >= self._max_deliveries:
            return _answer(503, "too many deliveries are being handled", event), None
        place = f"{root}{path}"
        known_body = f"{place}:{_digest(body)}" if event.tells_apart else None
        job = Job(event, handler, f"{place}:{event.delivery}", known_body)
        try:
            claim, task = await self._handling.start(job)
        except BrickworkError as error:
            _log.error("it cannot be told whether a delivery came before: %s", error.what)
            return _answer(503, "it cannot be told whether this came before", event), None
        if claim is not Claim.FRESH:
            return _answer(*_KNOWN[claim], event), None
        return await self._waited_for(event, task), task

    async def _received(self, scope: Scope, receive: Receive) -> tuple[GitHubEvent, bytes]:
        headers = headers_of(header_pairs(scope))
        # What can be refused without the body is refused before it is read.
        media_type(headers)
        well_formed(headers.get(SIGNATURE))
        body = await self._bodies.read(receive, headers.get("content-length"))
        return event_of(headers, body, self._webhook.secrets), body

    def _handler(self, event: GitHubEvent) -> Handler | None:
        for name in (f"{event.name}.{event.action}", event.name, "*"):
            if name in self._handlers:
                return self._handlers[name]
        return None

    async def _waited_for(self, event: GitHubEvent, task: "asyncio.Task[bool]") -> HttpAnswer:
        import asyncio

        if self._wait_seconds > 0:
            done, _ = await asyncio.wait({task}, timeout=self._wait_seconds)
            if done and not task.cancelled():
                handled = task.result()
                return _answer(200 if handled else 500, "handled" if handled else "failed", event)
        return _answer(202, "accepted", event)


def _check_handler(name: str, handler: object) -> None:
    from difflib import get_close_matches

    if not callable(handler):
        raise InvalidArguments(f"The handler of {name!r} cannot be called.", fix="Give a function.")
    event = name.partition(".")[0]
    near = [] if event in NAMES or name == "*" else get_close_matches(event, NAMES, 1)
    if near:  # it would never be called
        raise InvalidArguments(
            f"GitHub has no event {event!r}, which {name!r} is to be the handler of.",
            fix=f"Did you mean {near[0]!r}?",
        )


_KNOWN = {
    Claim.DONE: (200, "handled before"),
    Claim.RUNNING: (409, "being handled"),
    Claim.COPY: (409, "handled before, under another id"),
}


def _answer(status: int, what: str, event: GitHubEvent) -> HttpAnswer:
    return HttpAnswer(status, {"status": what, "delivery": event.delivery})


def _digest(body: bytes) -> str:
    import hashlib

    return hashlib.sha256(body).hexdigest()
