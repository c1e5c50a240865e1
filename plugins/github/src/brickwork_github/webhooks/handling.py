"""Runs the handlers of deliveries: those with async on the loop, the others in threads."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from brickwork import BrickworkError
from brickwork.receiving import Calls, StillRunning
from brickwork_github.errors import GitHubWebhookRefused
from brickwork_github.webhooks.event import GitHubEvent
from brickwork_github.webhooks.replay import Claim, ReplayGuard

if TYPE_CHECKING:
    import asyncio

Handler = Callable[[Any], object]
"""Takes an event; what it returns does not matter, but is awaited if it can be."""

_log = logging.getLogger(__name__)


class Job(NamedTuple):
    """A delivery that is to be handled.

    Attributes:
        event: What is handed to the handler.
        handler: The handler.
        delivery: What the guard knows the delivery by.
        body: What the guard knows the body by; None where two may be the same.
    """

    event: GitHubEvent
    handler: Handler
    delivery: str
    body: str | None

    @property
    def what(self) -> str:
        """What is handled, for the log."""
        return f"{self.event.name}, delivery {self.event.delivery},"


class Handling:
    """The deliveries that are being handled.

    Args:
        guard: What knows which came before.
        threads: How many handlers without async may run at once.
    """

    def __init__(self, guard: ReplayGuard, threads: int) -> None:
        self._guard = guard
        self._calls = Calls(threads, "brickwork-github-webhook")
        # Of their own, so that the guard never waits for a handler.
        self._guards = ThreadPoolExecutor(1, "brickwork-github-guard")

    def __len__(self) -> int:
        return len(self._calls)

    async def start(self, job: Job) -> "tuple[Claim, asyncio.Task[bool]]":
        """Begin to handle a delivery, unless it came before.

        Returns:
            What is known of it, and a task that gives whether it was handled; it never raises.

        Raises:
            BrickworkError: The guard cannot tell.
            GitHubWebhookRefused: The server ends before the guard could tell.
        """
        import asyncio

        claimed: asyncio.Future[Claim] = asyncio.get_running_loop().create_future()
        task = self._calls.start(self._handle(job, claimed), job.what)
        await asyncio.wait({claimed})
        if claimed.cancelled():
            raise GitHubWebhookRefused("This server is shutting down.", status=503)
        return claimed.result(), task

    async def _handle(self, job: Job, claimed: "asyncio.Future[Claim]") -> bool:

        try:
            claim = await self._claim(job)
        except Exception as error:  # noqa: BLE001  # handed on, to whoever waits for the claim
            claimed.set_exception(error)
            claimed.exception()  # nobody may wait any more: it is then no news
            return False
        except BaseException:  # cancelled
            claimed.cancel()
            raise
        claimed.set_result(claim)
        if claim is not Claim.FRESH:
            return False
        try:
            called = await self._calls.call(job.handler, job.event, job.what)
        except StillRunning:
            raise  # nobody knows how it ends
        except BaseException:  # cancelled
            await self._noted(self._guard.failed, job)
            raise
        await self._noted(self._guard.failed if called.failed else self._guard.done, job)
        return not called.failed

    async def _claim(self, job: Job) -> Claim:
        import asyncio

        claiming = self._guards.submit(self._guard.claim, job.delivery, job.body)
        try:
            return await asyncio.wrap_future(claiming)
        except asyncio.CancelledError:
            # The one thread does this after the claim, which nobody will make use of.
            self._guards.submit(self._give_back, claiming, job)
            raise

    def _give_back(self, claiming: "Future[Claim]", job: Job) -> None:
        if claiming.cancelled() or claiming.exception():
            return
        if claiming.result() is Claim.FRESH:
            self._guard.failed(job.delivery, job.body)

    async def _noted(self, note: Callable[[str, str | None], None], job: Job) -> None:
        import asyncio

        try:
            await asyncio.wrap_future(self._guards.submit(note, job.delivery, job.body))
        except BrickworkError:
            _log.exception("it could not be noted what became of delivery %s", job.event.delivery)

    async def finish(self, seconds: float) -> None:
        """Wait for all that is being handled; after so many seconds, stop what can be stopped."""
        await self._calls.finish(seconds)
