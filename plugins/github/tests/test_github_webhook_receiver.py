"""The ASGI app: which handler gets an event, what becomes of failures, and of replays."""

import asyncio
import contextvars
import functools
import json
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import pytest

from brickwork import InvalidArguments, InvalidBlock, Secret, Vault, task, use_vault
from brickwork_github import (
    GitHubEvent,
    GitHubWebhook,
    IssuesEvent,
    PushEvent,
    WebhookApp,
    webhook_app,
)
from brickwork_github.testing import Answered, adeliver, deliver
from brickwork_github.testing.webhooks import body_of, signed_headers

SECRET = Secret("a-secret-of-the-receiver")

ISSUE: dict[str, Any] = {
    "action": "opened",
    "issue": {"number": 7, "title": "It burns", "html_url": "https://github.com/a/b/issues/7"},
    "repository": {"full_name": "acme/api"},
    "sender": {"login": "octocat"},
}
STAR: dict[str, Any] = {
    "action": "deleted",
    "starred_at": None,
    "repository": {"full_name": "acme/api", "stargazers_count": 1},
    "sender": {"login": "octocat"},
}


# Handlers


def test_an_event_is_handed_to_its_handler(secret: Secret[str], events: list[Any]) -> None:
    """Typed, with its delivery's id; the answer says that it was handled."""
    app = webhook_app(secret, {"issues": events.append})
    answer = deliver(app, "issues", ISSUE, secret, delivery="d-1")
    assert answer == (200, {"status": "handled", "delivery": "d-1"}, answer.headers)
    (event,) = events
    assert isinstance(event, IssuesEvent)
    assert (event.number, event.repository, event.delivery) == (7, "acme/api", "d-1")


def test_the_nearest_handler_is_called(secret: Secret[str]) -> None:
    """That of the action, else that of the event, else the one for all others."""
    called: list[str] = []
    app = webhook_app(
        secret,
        {
            "issues.opened": lambda _: called.append("opened"),
            "issues": lambda _: called.append("issues"),
            "*": lambda _: called.append("other"),
        },
    )
    for action in ("opened", "closed"):
        assert deliver(app, "issues", ISSUE | {"action": action}, secret).status == 200
    assert deliver(app, "star", STAR, secret).status == 200
    assert called == ["opened", "issues", "other"]


def test_an_event_without_handler_is_taken_and_ignored(secret: Secret[str]) -> None:
    """GitHub shows no failure for what nobody wants, a ping among it."""
    app = webhook_app(secret, {"push": print})
    assert deliver(app, "ping", {"zen": "Speak like a human."}, secret).status == 200
    assert deliver(app, "issues", ISSUE, secret).body["status"] == "ignored"


def test_handlers_may_be_any_callable(secret: Secret[str]) -> None:
    """With and without async, partial, a method, a task, a function that returns a coroutine."""
    seen: list[str] = []

    async def note(how: str, event: GitHubEvent) -> None:
        await asyncio.sleep(0)
        seen.append(how)

    class Asynchronous:
        async def __call__(self, event: GitHubEvent) -> None:
            await note("object", event)

    @task
    async def noted(event: GitHubEvent) -> None:
        await note("task", event)

    @task
    def noted_sync(event: GitHubEvent) -> None:
        seen.append("sync task")

    handlers: list[Callable[[Any], object]] = [
        functools.partial(note, "partial"),
        lambda event: note("lambda", event),
        Asynchronous(),
        noted,
        noted_sync,
        lambda _: seen.append("sync"),
    ]
    for handler in handlers:
        assert deliver(webhook_app(secret, {"*": handler}), "star", STAR, secret).status == 200
    assert seen == ["partial", "lambda", "object", "task", "sync task", "sync"]


def test_a_handler_without_async_does_not_hold_up_the_loop(secret: Secret[str]) -> None:
    """It runs in a thread, with the context of the server."""
    variable = contextvars.ContextVar("variable", default="unset")
    seen = []

    def handler(event: GitHubEvent) -> None:
        seen.append((threading.current_thread() is threading.main_thread(), variable.get()))

    async def main() -> None:
        variable.set("set")
        await adeliver(webhook_app(secret, {"*": handler}), "star", STAR, secret)

    asyncio.run(main())
    assert seen == [(False, "set")]


@pytest.mark.parametrize(
    "handlers", [{"issue": print}, {"pull_requests.opened": print}, {"push": "print"}]
)
def test_a_handler_that_would_never_be_called_is_refused(handlers: dict[str, Any]) -> None:
    """A misspelt event, or nothing that can be called, is an error when the app is made."""
    with pytest.raises(InvalidArguments, match=r"fix: (Did you mean|Give a function)"):
        webhook_app(SECRET, handlers)


def test_events_that_are_not_known_yet_may_have_handlers(
    secret: Secret[str], events: list[Any]
) -> None:
    """GitHub adds events; a name that is like none is taken as it is."""
    app = webhook_app(secret, {"quantum_leap": events.append})
    assert deliver(app, "quantum_leap", {"action": "leapt"}, secret).status == 200
    assert type(events[0]) is GitHubEvent


def test_a_webhook_without_secret_cannot_be_received() -> None:
    """Not even by accident."""
    with pytest.raises(InvalidBlock):
        webhook_app("", {"*": print})
    with pytest.raises(InvalidBlock):
        webhook_app([], {"*": print})


# Failures


def test_a_handler_that_fails_is_answered_500_and_logged_without_secrets(
    secret: Secret[str], caplog: pytest.LogCaptureFixture
) -> None:
    """GitHub shows the delivery as failed; what went wrong stands in the log only, masked."""
    token = Secret("ghp_0123456789abcdefghij")

    def handler(event: PushEvent) -> None:
        raise ValueError(f"no access with {token.reveal()}")

    answer = deliver(webhook_app(secret, {"*": handler}), "star", STAR, secret, delivery="d-1")
    assert (answer.status, answer.body) == (500, {"status": "failed", "delivery": "d-1"})
    assert "delivery d-1" in caplog.text
    assert "ValueError: no access with ***" in caplog.text
    assert token.reveal() not in caplog.text


def test_a_handler_that_exits_ends_no_server(secret: Secret[str]) -> None:
    """``sys.exit`` in a handler is a failure of the handler."""
    for handler in (lambda _: exit_now(), exit_later):
        assert deliver(webhook_app(secret, {"*": handler}), "star", STAR, secret).status == 500


def exit_now() -> None:
    """Exit, as a command line tool does."""
    raise SystemExit(3)


async def exit_later(event: GitHubEvent) -> None:
    """Exit, as a command line tool does."""
    raise SystemExit(3)


def test_a_delivery_that_failed_is_handled_when_it_comes_again(secret: Secret[str]) -> None:
    """GitHub's redelivery has the same id and body."""
    outcomes: Iterator[Any] = iter([ValueError("not yet"), None])

    def handler(event: GitHubEvent) -> None:
        outcome = next(outcomes)
        if outcome:
            raise outcome

    app, payload = webhook_app(secret, {"*": handler}), ISSUE
    answers = [deliver(app, "issues", payload, secret, delivery="d-1") for _ in range(3)]
    assert [answer.status for answer in answers] == [500, 200, 200]
    assert [answer.body["status"] for answer in answers] == ["failed", "handled", "handled before"]


@pytest.mark.parametrize(
    "error", [StopIteration, StopAsyncIteration, asyncio.CancelledError, futures.CancelledError]
)
def test_whatever_a_handler_raises_is_its_failure(
    secret: Secret[str], error: type[BaseException]
) -> None:
    """Also what has a meaning of its own to generators, futures and tasks."""

    def handler(event: GitHubEvent) -> None:
        raise error

    async def waiting(event: GitHubEvent) -> None:
        raise error

    for each in (handler, waiting):
        assert deliver(webhook_app(secret, {"*": each}), "star", STAR, secret).status == 500


# Replays


def test_a_delivery_that_comes_twice_is_handled_once(
    app: WebhookApp, secret: Secret[str], events: list[Any]
) -> None:
    """The second one is answered 200, so that GitHub shows no failure."""
    payload = ISSUE
    answers = [deliver(app, "issues", payload, secret, delivery="d-1") for _ in range(2)]
    assert [answer.body["status"] for answer in answers] == ["handled", "handled before"]
    assert [answer.status for answer in answers] == [200, 200]
    assert len(events) == 1


def test_a_delivery_under_another_id_is_refused(
    app: WebhookApp, secret: Secret[str], events: list[Any]
) -> None:
    """The id is not signed: the same issue cannot be opened twice, under whichever event's name."""
    payload = ISSUE
    assert deliver(app, "issues", payload, secret).status == 200
    assert deliver(app, "issues", payload, secret).status == 409
    assert deliver(app, "issues", payload, secret).body["status"].endswith("another id")
    assert len(events) == 1


def test_events_that_may_repeat_are_handled_each_time(
    app: WebhookApp, secret: Secret[str], events: list[Any]
) -> None:
    """Two requests with the same text are two requests."""
    payload = {
        "action": "build", "branch": "main", "client_payload": {"target": "all"},
        "repository": {"full_name": "acme/api"}, "sender": {"login": "octocat"},
    }  # fmt: skip
    for _ in range(2):
        assert deliver(app, "repository_dispatch", payload, secret).status == 200
    assert len(events) == 2


def test_while_it_is_handled_a_delivery_is_not_handled_again(secret: Secret[str]) -> None:
    """The second one is answered 409: how the first one ends, nobody knows yet."""

    async def main() -> tuple[Answered, Answered]:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def handler(event: GitHubEvent) -> None:
            begun.set()
            await go_on.wait()

        app = webhook_app(secret, {"*": handler})
        first = asyncio.create_task(adeliver(app, "star", STAR, secret, delivery="d-1"))
        await begun.wait()
        second = await adeliver(app, "star", STAR, secret, delivery="d-1")
        go_on.set()
        return await first, second

    first, second = asyncio.run(main())
    assert (first.status, second.status) == (200, 409)


def test_two_apps_with_one_secret_each_get_their_delivery(
    secret: Secret[str], events: list[Any]
) -> None:
    """Two webhooks for the same event deliver it with one id, to two paths."""
    for path in ("/one", "/two"):
        app = webhook_app(secret, {"*": events.append}, path=path)
        assert deliver(app, "star", STAR, secret, delivery="d-1", path=path).status == 200
    assert len(events) == 2


def test_a_memory_that_fails_is_answered_503(memory_vault: Vault, events: list[Any]) -> None:
    """What cannot be told to be new is not handled; GitHub can deliver it again."""
    with use_vault(memory_vault):
        GitHubWebhook(secret=SECRET).save("ci")
        app = GitHubWebhook.load("ci").app({"*": events.append})
        assert deliver(app, "star", STAR, SECRET).status == 200
        memory_vault.close()
        Path(memory_vault.store.location).write_bytes(b"no database any more" * 1000)
        assert deliver(app, "star", STAR, SECRET).status == 503
    assert len(events) == 1


# Other frameworks


def test_a_delivery_of_another_framework_is_verified_and_read(secret: Secret[str]) -> None:
    """From headers in any case, and the raw body."""
    webhook, body = GitHubWebhook(secret=secret), body_of(ISSUE)
    headers = signed_headers("issues", body, secret, delivery="d-1")
    for sent in (headers, {name.upper(): value for name, value in headers.items()}):
        event = webhook.event(sent, body)
        assert isinstance(event, IssuesEvent)
        assert (event.number, event.delivery) == (7, "d-1")


def test_answers_are_json(app: WebhookApp, secret: Secret[str]) -> None:
    """With their length, so that connections can be kept."""
    answer = deliver(app, "star", STAR, secret)
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["content-length"]) == len(json.dumps(answer.body))
