"""Hands requests to their handlers: those with async on the loop, the others in threads."""

import logging
from collections.abc import Callable, Mapping
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from brickwork import BrickworkError, InvalidArguments
from brickwork.receiving import Called, Calls, StillRunning
from brickwork_slack.receivers.answers import Answering, Handler, answer_of
from brickwork_slack.receivers.interactions import BlockSuggestion
from brickwork_slack.receivers.replay import (
    EVENT_SECONDS,
    REQUEST_SECONDS,
    RUNNING_SECONDS,
    ReplayGuard,
)
from brickwork_slack.receivers.request import SlackRequest

if TYPE_CHECKING:
    import asyncio

_log = logging.getLogger(__name__)


class Outcome(Enum):
    """What became of a request until Slack has to be answered."""

    TAKEN = "taken"
    """It was handled, or is being handled, or nobody handles it: it is not to come again."""
    REPEATED = "repeated"
    """It came before."""
    FAILED = "failed"
    """Its handler raised."""
    BUSY = "busy"
    """It is not handled now: there is too much, or what came before cannot be told."""


class Taken(NamedTuple):
    """What to tell Slack of a request.

    Attributes:
        outcome: What became of it.
        answer: What the handler answers, as JSON; None for nothing.
        task: What goes on, if anything does.
    """

    outcome: Outcome
    answer: Any = None
    task: "asyncio.Task[Called] | None" = None


class Handling:
    """The requests that are being handled.

    Args:
        handlers: By the names of what they are for.
        guard: What knows which came before.
        answer_seconds: How long a handler that answers is waited for.
        max_requests: How many may be handled, or wait for it, at once.
        threads: How many handlers without async run at once.

    Raises:
        InvalidArguments: A handler cannot be called, or is for nothing.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        guard: ReplayGuard,
        *,
        answer_seconds: float,
        max_requests: int,
        threads: int,
    ) -> None:
        for name, handler in handlers.items():
            _check_handler(name, handler)
        self._handlers = dict(handlers)
        self._guard = guard
        self._answer_seconds = answer_seconds
        self._max_requests = max_requests
        self._calls = Calls(threads, "brickwork-slack-handler")

    async def take(self, request: SlackRequest, key: str) -> Taken:
        """Begin to handle a request, unless it came before.

        Args:
            request: The request.
            key: What tells that it comes again, where it has no id of its own.
        """
        import asyncio

        handler = self._handler(request)
        if handler is None:
            _log.info("nothing handles %s", request.handled_by[0])
            return Taken(Outcome.TAKEN)
        if len(self._calls) >= self._max_requests:
            _log.error("%s is refused: %d are being handled", request.type, len(self._calls))
            return Taken(Outcome.BUSY)
        answering = isinstance(handler, Answering) or isinstance(request, BlockSuggestion)
        known = f"event:{request.event_id}" if request.event_id else f"request:{key}"
        keep = EVENT_SECONDS if request.event_id else REQUEST_SECONDS
        try:
            fresh = await asyncio.to_thread(
                self._guard.claim, known, RUNNING_SECONDS if answering else keep
            )
        except BrickworkError as error:
            _log.error("it cannot be told whether %s came before: %s", request.type, error.what)
            return Taken(Outcome.BUSY)
        if not fresh:
            return Taken(Outcome.REPEATED)
        task = self._calls.start(
            self._handle(request, handler, known, keep, answering), request.handled_by[0]
        )
        return (
            await self._waited_for(request, task) if answering else Taken(Outcome.TAKEN, task=task)
        )

    def _handler(self, request: SlackRequest) -> Handler | None:
        for name in (*request.handled_by, "*"):
            if name in self._handlers:
                return self._handlers[name]
        return None

    async def _waited_for(self, request: SlackRequest, task: "asyncio.Task[Called]") -> Taken:
        import asyncio

        done, _ = await asyncio.wait({task}, timeout=self._answer_seconds)
        if not done:
            _log.warning(
                "the handler of %s goes on after %g s: what it returns reaches nobody",
                request.handled_by[0], self._answer_seconds,
            )  # fmt: skip
            return Taken(Outcome.TAKEN, task=task)
        if task.cancelled() or task.result().failed:
            return Taken(Outcome.FAILED)
        return Taken(Outcome.TAKEN, task.result().result)

    async def _handle(
        self, request: SlackRequest, handler: Handler, known: str, keep: float, answering: bool
    ) -> Called:
        called = handler.handler if isinstance(handler, Answering) else handler
        read = partial(answer_of, request) if answering else None
        try:
            result = await self._calls.call(called, request, request.handled_by[0], read)
        except StillRunning:
            raise  # nobody knows how it ends
        except BaseException:  # cancelled
            if answering:
                await self._noted(self._guard.forget, known)
            raise
        if answering and result.failed:
            await self._noted(self._guard.forget, known)
        elif answering:
            await self._noted(self._guard.keep, known, keep)
        return result

    async def _noted(self, note: Callable[..., None], *arguments: object) -> None:
        import asyncio

        try:
            await asyncio.to_thread(note, *arguments)
        except BrickworkError:
            _log.exception("it could not be noted what became of a request")

    async def finish(self, seconds: float) -> None:
        """Wait for all that is being handled; after so many seconds, stop what can be stopped."""
        await self._calls.finish(seconds)


def _check_handler(name: str, handler: object) -> None:
    from difflib import get_close_matches

    from brickwork_slack.receivers.events import EVENTS
    from brickwork_slack.receivers.interactions import INTERACTIONS

    if not callable(handler):
        raise InvalidArguments(f"The handler of {name!r} cannot be called.", fix="Give a function.")
    kind = name.partition(":")[0]
    known = {*EVENTS, *INTERACTIONS}
    if kind in known or kind == "*" or kind.startswith("/"):
        return
    if near := get_close_matches(kind, known, 1, cutoff=0.85):  # it would never be called
        raise InvalidArguments(
            f"Slack sends no {kind!r}, which {name!r} is to be the handler of.",
            fix=f"Did you mean {near[0]!r}?",
        )
