"""The ASGI app: how long it waits for handlers, and how it ends."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from brickwork import Ledger, Page, Secret, ledger_of
from brickwork_github import (
    GitHubEvent,
    GitHubWebhook,
    ReplayGuard,
    WebhookApp,
    webhook_app,
)
from brickwork_github.testing import Answered, adeliver
from brickwork_github.testing.webhooks import body_of, signed_headers

STAR: dict[str, Any] = {
    "action": "deleted",
    "starred_at": None,
    "repository": {"full_name": "acme/api", "stargazers_count": 1},
    "sender": {"login": "octocat"},
}


def test_a_handler_that_takes_long_is_answered_202_and_goes_on(secret: Secret[str]) -> None:
    """GitHub waits for 10 s only; the handler has all the time that it needs."""

    async def main() -> tuple[int, bool]:
        go_on, done = asyncio.Event(), asyncio.Event()

        async def handler(event: GitHubEvent) -> None:
            await go_on.wait()
            done.set()

        app = webhook_app(secret, {"*": handler}, wait_seconds=0.01)
        started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        call = asyncio.create_task(_called(app, secret, started))
        status = await started
        assert not done.is_set()
        go_on.set()
        await call  # a server that shuts down waits for the call
        return status, done.is_set()

    assert asyncio.run(main()) == (202, True)


async def _called(app: WebhookApp, secret: Secret[str], started: "asyncio.Future[int]") -> None:
    body = body_of(STAR)

    async def receive() -> Any:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            started.set_result(message["status"])

    headers = [
        (name.lower().encode(), value.encode())
        for name, value in signed_headers("star", body, secret).items()
    ]
    await app({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive, send)


def test_with_no_wait_everything_is_answered_at_once(secret: Secret[str]) -> None:
    """202 comes before the handler has ended, and also where it fails."""
    answered = threading.Event()

    def handler(event: GitHubEvent) -> None:
        assert answered.wait(10)
        raise ValueError("too late for GitHub")

    async def main() -> int:
        started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        call = asyncio.create_task(
            _called(webhook_app(secret, {"*": handler}, wait_seconds=0), secret, started)
        )
        status = await started
        answered.set()
        await call
        return status

    assert asyncio.run(main()) == 202


def test_a_sender_who_does_not_wait_stops_no_handler(secret: Secret[str]) -> None:
    """A server that gives the call up leaves what was begun alone."""

    async def main() -> bool:
        begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def handler(event: GitHubEvent) -> None:
            begun.set()
            await go_on.wait()
            done.set()

        app = webhook_app(secret, {"*": handler})
        call = asyncio.create_task(adeliver(app, "star", STAR, secret))
        await begun.wait()
        call.cancel()
        await asyncio.wait({call})
        go_on.set()
        await asyncio.wait_for(done.wait(), 10)
        return call.cancelled()

    assert asyncio.run(main())


def test_more_deliveries_than_allowed_are_answered_503(secret: Secret[str]) -> None:
    """What waits in memory is bounded."""

    async def main() -> tuple[int, int, int]:
        go_on, begun = asyncio.Event(), asyncio.Event()

        async def handler(event: GitHubEvent) -> None:
            begun.set()
            await go_on.wait()

        app = GitHubWebhook(secret=secret).app({"*": handler}, max_deliveries=1)
        first = asyncio.create_task(adeliver(app, "star", STAR, secret))
        await begun.wait()
        second = await adeliver(app, "star", STAR, secret)
        go_on.set()
        last = await first
        return last.status, second.status, (await adeliver(app, "star", STAR, secret)).status

    assert asyncio.run(main()) == (200, 503, 200)


class Lifespan:
    """The part of a server that begins and ends an app."""

    def __init__(self, app: WebhookApp) -> None:
        self._in: asyncio.Queue[Any] = asyncio.Queue()
        self._out: asyncio.Queue[Any] = asyncio.Queue()
        self._call = asyncio.create_task(app({"type": "lifespan"}, self._in.get, self._out.put))

    async def say(self, what: str) -> str:
        """Send a message of lifespan, and return the answer."""
        await self._in.put({"type": f"lifespan.{what}"})
        return str((await self._out.get())["type"])


def test_shutting_down_waits_for_handlers(secret: Secret[str]) -> None:
    """Those that were answered 202 as well."""

    async def main() -> None:
        begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def handler(event: GitHubEvent) -> None:
            begun.set()
            await go_on.wait()
            done.set()

        app = webhook_app(secret, {"*": handler}, wait_seconds=0)
        lifespan = Lifespan(app)
        assert await lifespan.say("startup") == "lifespan.startup.complete"
        call = asyncio.create_task(adeliver(app, "star", STAR, secret))
        await begun.wait()
        down = asyncio.create_task(lifespan.say("shutdown"))
        await asyncio.sleep(0)
        assert not down.done()
        go_on.set()
        assert await down == "lifespan.shutdown.complete"
        assert done.is_set()
        assert (await call).status == 202

    asyncio.run(main())


def test_shutting_down_stops_what_does_not_end(
    secret: Secret[str], caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged by its delivery, and handled anew when GitHub delivers it again."""
    calls = []

    async def main() -> None:
        begun = asyncio.Event()

        async def handler(event: GitHubEvent) -> None:
            calls.append(event.delivery)
            begun.set()
            if len(calls) == 1:
                await asyncio.Event().wait()

        app = GitHubWebhook(secret=secret).app({"*": handler}, shutdown_seconds=0.01)
        lifespan = Lifespan(app)
        await lifespan.say("startup")
        first = asyncio.create_task(adeliver(app, "star", STAR, secret, delivery="d-1"))
        await begun.wait()
        assert await lifespan.say("shutdown") == "lifespan.shutdown.complete"
        assert (await first).status == 202
        assert (await adeliver(app, "star", STAR, secret, delivery="d-1")).status == 200

    with caplog.at_level(logging.ERROR):
        asyncio.run(main())
    assert calls == ["d-1", "d-1"]
    assert ", delivery d-1, did not end within 0.01 s" in caplog.text


def test_a_thread_that_does_not_end_is_left_alone(
    secret: Secret[str], caplog: pytest.LogCaptureFixture
) -> None:
    """It cannot be stopped: its delivery counts as being handled, and is not handled twice."""
    begun, go_on = threading.Event(), threading.Event()
    calls = []

    def handler(event: GitHubEvent) -> None:
        calls.append(event.delivery)
        begun.set()
        assert go_on.wait(30)

    async def main() -> None:
        app = GitHubWebhook(secret=secret).app({"*": handler}, shutdown_seconds=0.01, threads=1)
        lifespan = Lifespan(app)
        await lifespan.say("startup")
        first = asyncio.create_task(adeliver(app, "star", STAR, secret, delivery="d-1"))
        assert await asyncio.to_thread(begun.wait, 30)
        waiting = asyncio.create_task(adeliver(app, "star", STAR, secret, delivery="d-2"))
        while len(app._handling) < 2:
            await asyncio.sleep(0)
        await lifespan.say("shutdown")
        assert [(await first).status, (await waiting).status] == [202, 202]
        assert (await adeliver(app, "star", STAR, secret, delivery="d-1")).status == 409
        go_on.set()
        # The one that had not begun was given back.
        assert (await adeliver(app, "star", STAR, secret, delivery="d-2")).status == 200

    asyncio.run(main())
    assert calls == ["d-1", "d-2"]
    assert caplog.text.count("did not end within 0.01 s") == 2


class Slow(Ledger):
    """A ledger that keeps everybody waiting, until it is told to go on."""

    def __init__(self, kept: Ledger) -> None:
        self.asked, self.go_on = threading.Event(), threading.Event()
        self._kept = kept

    @contextmanager
    def transaction(self) -> Iterator[Page]:
        """Wait, and begin."""
        self.asked.set()
        assert self.go_on.wait(30)
        with self._kept.transaction() as page:
            yield page

    def get(self, key: str) -> dict[str, Any] | None:
        """Return what is kept."""
        return self._kept.get(key)

    def entries(self, prefix: str = "") -> dict[str, dict[str, Any]]:
        """Return all that is kept."""
        return self._kept.entries(prefix)


def test_shutting_down_while_the_memory_is_slow_loses_nothing(secret: Secret[str]) -> None:
    """What was claimed too late to be handled is given back, and answered 503."""
    calls = []

    async def main() -> None:
        webhook = GitHubWebhook(secret=secret)
        ledger = Slow(ledger_of(webhook))
        guard = ReplayGuard(ledger)
        app = webhook.app({"*": lambda _: calls.append(1)}, shutdown_seconds=0.01, guard=guard)
        lifespan = Lifespan(app)
        await lifespan.say("startup")
        first = asyncio.create_task(adeliver(app, "star", STAR, secret, delivery="d-1"))
        assert await asyncio.to_thread(ledger.asked.wait, 30)
        await lifespan.say("shutdown")
        assert (await first).status == 503
        ledger.go_on.set()
        assert (await adeliver(app, "star", STAR, secret, delivery="d-1")).status == 200

    asyncio.run(main())
    assert calls == [1]


def test_handlers_without_async_run_at_once_and_no_more_than_so_many(secret: Secret[str]) -> None:
    """Ten deliveries and three threads: three run, the others wait."""
    running, most, lock = [0], [0], threading.Lock()
    three = threading.Barrier(3)

    def handler(event: GitHubEvent) -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        three.wait(10)
        with lock:
            running[0] -= 1

    async def main() -> list[Answered]:
        app = GitHubWebhook(secret=secret).app({"*": handler}, threads=3)
        return await asyncio.gather(*[adeliver(app, "star", STAR, secret) for _ in range(9)])

    assert [answer.status for answer in asyncio.run(main())] == [200] * 9
    assert most == [3]
