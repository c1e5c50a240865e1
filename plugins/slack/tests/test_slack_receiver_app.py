"""The ASGI app: which handler gets a request, what Slack is answered, and what is refused."""

import asyncio
import contextvars
import functools
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import pytest

from brickwork import InvalidArguments, Secret, Vault, task, use_vault
from brickwork.receiving import Receive, Scope, Send as AsgiSend
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.receivers.answers import (
    answers,
    view_errors,
    view_push,
    view_update,
    views_clear,
)
from brickwork_slack.receivers.asgi import SlackApp, slack_app
from brickwork_slack.receivers.request import SlackRequest
from brickwork_slack.testing.posts import (
    Answered,
    App,
    Post,
    action_payload,
    adeliver,
    command_post,
    deliver,
    event_post,
    interaction_post,
)

TOKEN = "xoxb-1-of-the-receiver-tests"
MESSAGE = {"type": "message", "channel": "C1", "user": "U1", "text": "hi", "ts": "1.2"}
MODAL = {
    "type": "view_submission",
    "user": {"id": "U1"},
    "view": {"id": "V1", "type": "modal", "callback_id": "feedback"},
}
COMMAND = command_post("/deploy", "api")
ODD_EVENT = """ {"type" :"event_callback","event_id":"Ev\\u0031",\r
\t"event": {"text":"Gr\\u00FC\u00dfe \\/ f\u00fcr alle",  "type":"message", "channel": "C1"} }
"""


@pytest.fixture
def credentials() -> SlackCredentials:
    """Credentials of this test, so that nothing came before."""
    return SlackCredentials(token=Secret(TOKEN), signing_secret=Secret(f"secret-{uuid4()}"))


Send = Callable[..., Answered]


@pytest.fixture
def send(credentials: SlackCredentials) -> Send:
    """Deliver a post to an app, signed."""
    assert credentials.signing_secret is not None
    secret = credentials.signing_secret

    def to(app: App, post: Post, **options: Any) -> Answered:
        return deliver(app, post, options.pop("secret", secret), **options)

    return to


# Handlers


def test_an_event_is_handed_to_its_handler(credentials: SlackCredentials, send: Send) -> None:
    """Typed, after Slack was told 200 with nothing else."""
    seen: list[Any] = []
    app = slack_app(credentials, {"message": seen.append})
    assert send(app, event_post(MESSAGE, event_id="Ev1"))[:2] == (200, b"")
    assert [(each.text, each.event_id) for each in seen] == [("hi", "Ev1")]


@pytest.mark.parametrize(
    ("post", "text"),
    [
        (Post(ODD_EVENT.encode()), "Gr\u00fc\u00dfe / f\u00fcr alle"),
        (COMMAND._replace(body=COMMAND.body.replace(b"%2Fdeploy", b"/deploy")), "api"),
        (COMMAND._replace(body=COMMAND.body.replace(b"%2F", b"%2f")), "api"),
    ],
    ids=["event", "command", "escape"],
)
def test_the_body_is_verified_as_it_came(
    credentials: SlackCredentials, send: Send, post: Post, text: str
) -> None:
    """Byte by byte, and not as one would write it oneself."""
    seen: list[Any] = []
    app = slack_app(credentials, {"message": seen.append, "/deploy": seen.append})
    assert send(app, post).status == 200
    assert [each.text for each in seen] == [text]


def test_the_nearest_handler_is_called(credentials: SlackCredentials, send: Send) -> None:
    """That of the subtype or id, else that of the type, else the one for all others."""
    called: list[str] = []

    def note(name: str) -> Callable[[Any], None]:
        return lambda _: called.append(name)

    names = ["message:file_share", "message", "block_actions:go", "block_actions", "/deploy", "*"]
    app = slack_app(credentials, {name: note(name) for name in names})
    for post in (
        event_post({**MESSAGE, "subtype": "file_share"}),
        event_post({**MESSAGE, "subtype": "bot_message"}),
        interaction_post(action_payload("go")),
        interaction_post(action_payload("stop")),
        COMMAND,
        command_post("/other"),
        event_post({"type": "team_rename"}),
    ):
        assert send(app, post).status == 200
    assert called == [
        "message:file_share", "message", "block_actions:go", "block_actions", "/deploy", "*", "*",
    ]  # fmt: skip


def test_what_nobody_handles_is_taken(credentials: SlackCredentials, send: Send) -> None:
    """Slack is to send it no second time, and shows no error."""
    app = slack_app(credentials, {"message": print})
    for post in (event_post({"type": "team_rename"}), COMMAND, interaction_post(MODAL)):
        assert send(app, post)[:2] == (200, b"")


def test_handlers_may_be_any_callable(credentials: SlackCredentials, send: Send) -> None:
    """With and without async, partial, an object, a task, a function that returns a coroutine."""
    seen: list[str] = []

    async def note(how: str, request: SlackRequest) -> None:
        await asyncio.sleep(0)
        seen.append(how)

    class Asynchronous:
        async def __call__(self, request: SlackRequest) -> None:
            await note("object", request)

    @task
    async def noted(request: SlackRequest) -> None:
        await note("task", request)

    @task
    def noted_sync(request: SlackRequest) -> None:
        seen.append("sync task")

    handlers: list[Callable[[Any], object]] = [
        functools.partial(note, "partial"),
        lambda request: note("lambda", request),
        Asynchronous(),
        noted,
        noted_sync,
        lambda _: seen.append("sync"),
        answers(Asynchronous()),
    ]
    for handler in handlers:
        assert send(slack_app(credentials, {"*": handler}), event_post(MESSAGE)).status == 200
    assert seen == ["partial", "lambda", "object", "task", "sync task", "sync", "object"]


def test_a_handler_without_async_does_not_hold_up_the_loop(
    credentials: SlackCredentials,
) -> None:
    """It runs in a thread, with the context of the server."""
    variable = contextvars.ContextVar("variable", default="unset")
    seen = []

    def handler(_: SlackRequest) -> None:
        seen.append((threading.current_thread() is threading.main_thread(), variable.get()))

    async def main() -> None:
        variable.set("set")
        app = slack_app(credentials, {"*": handler})
        assert credentials.signing_secret is not None
        await adeliver(app, COMMAND, credentials.signing_secret)

    asyncio.run(main())
    assert seen == [(False, "set")]


def test_slack_is_answered_before_the_handler_ends(credentials: SlackCredentials) -> None:
    """It waits for three seconds only; the handler has all the time that it needs."""

    async def main() -> int:
        go_on, begun = asyncio.Event(), asyncio.Event()

        async def handler(_: SlackRequest) -> None:
            begun.set()
            await go_on.wait()

        app = slack_app(credentials, {"*": handler})
        answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        call = asyncio.create_task(tell_status(app, credentials, event_post(MESSAGE), answered))
        status = await answered
        await begun.wait()
        assert not call.done()  # a server that shuts down waits for the call
        go_on.set()
        await call
        return status

    assert asyncio.run(main()) == 200


async def tell_status(
    app: SlackApp, credentials: SlackCredentials, post: Post, answered: "asyncio.Future[int]"
) -> None:
    """Deliver, and tell the status as soon as it is sent."""

    async def telling(scope: Any, receive: Any, send: Any) -> None:
        async def tell(message: Any) -> None:
            await send(message)
            if message["type"] == "http.response.start":
                answered.set_result(message["status"])

        await app(scope, receive, tell)

    assert credentials.signing_secret is not None
    await adeliver(telling, post, credentials.signing_secret)


# Answers


@pytest.mark.parametrize(
    ("post", "result", "answer"),
    [
        (COMMAND, "on it", {"response_type": "ephemeral", "text": "on it"}),
        (COMMAND, {"response_type": "in_channel", "text": "on it"},
         {"response_type": "in_channel", "text": "on it"}),
        (COMMAND, None, b""),
        (interaction_post(MODAL), view_errors({"b1": "too short"}),
         {"response_action": "errors", "errors": {"b1": "too short"}}),
        (interaction_post(MODAL), view_update({"type": "modal"}),
         {"response_action": "update", "view": {"type": "modal"}}),
        (interaction_post(MODAL), view_push({"type": "modal"}),
         {"response_action": "push", "view": {"type": "modal"}}),
        (interaction_post(MODAL), views_clear(), {"response_action": "clear"}),
        (interaction_post(action_payload("go")), None, b""),
        (event_post(MESSAGE), None, b""),
    ],
)  # fmt: skip
def test_what_an_answering_handler_returns_is_the_answer(
    credentials: SlackCredentials, send: Send, post: Post, result: Any, answer: Any
) -> None:
    """A text for the caller alone, a message, what becomes of a modal, or nothing."""
    app = slack_app(credentials, {"*": answers(lambda _: result)})
    assert send(app, post)[:2] == (200, answer)


@pytest.mark.parametrize(
    "result",
    [
        ["Bern", "Berlin"],
        {"Bern": "Bern", "Berlin": "Berlin"},
        {"options": [{"text": {"type": "plain_text", "text": t}, "value": t}
                     for t in ("Bern", "Berlin")]},
        [{"text": {"type": "plain_text", "text": t}, "value": t} for t in ("Bern", "Berlin")],
    ],
)  # fmt: skip
def test_the_options_of_a_menu_are_answered(
    credentials: SlackCredentials, send: Send, result: Any
) -> None:
    """Without ``answers``, since nothing else is of use: texts, a mapping, or as Slack has it."""
    app = slack_app(credentials, {"block_suggestion:city": lambda _: result})
    post = interaction_post({"type": "block_suggestion", "action_id": "city", "value": "Be"})
    answered = send(app, post)
    assert answered.status == 200
    assert [each["value"] for each in answered.body["options"]] == ["Bern", "Berlin"]
    assert answered.body["options"][0]["text"] == {"type": "plain_text", "text": "Bern"}


def test_without_answers_nothing_is_answered(credentials: SlackCredentials, send: Send) -> None:
    """What any other handler returns is for nobody."""
    app = slack_app(credentials, {"/deploy": lambda _: "on it"})
    assert send(app, COMMAND)[:2] == (200, b"")


def test_a_late_answer_is_none(
    credentials: SlackCredentials, send: Send, caplog: pytest.LogCaptureFixture
) -> None:
    """Slack is answered in time, the handler goes on, and the log says what is lost."""
    ended = threading.Event()

    @answers
    async def slow(_: SlackRequest) -> str:
        await asyncio.sleep(0.05)
        ended.set()
        return "too late"

    app = slack_app(credentials, {"/deploy": slow}, answer_seconds=0.01)
    assert send(app, COMMAND)[:2] == (200, b"")
    assert ended.is_set()
    assert "reaches nobody" in caplog.text


@pytest.mark.parametrize("post", [COMMAND, interaction_post(MODAL), event_post(MESSAGE)])
def test_what_is_no_answer_is_a_failure(
    credentials: SlackCredentials, send: Send, post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    """A number means nothing to Slack."""
    assert send(slack_app(credentials, {"*": answers(lambda _: 42)}), post).status == 500
    assert "returned a int" in caplog.text


# Failures


def fail(_: SlackRequest) -> None:
    """Fail with a secret in the error."""
    raise RuntimeError(f"could not log in with {TOKEN}")


async def exit_(_: SlackRequest) -> None:
    """Fail in a way that would end a server."""
    raise SystemExit(3)


async def cancelled(_: SlackRequest) -> None:
    """Fail as if cancelled."""
    raise asyncio.CancelledError


@pytest.mark.parametrize("handler", [fail, exit_, cancelled])
def test_a_failure_is_logged_without_secrets(
    credentials: SlackCredentials,
    send: Send,
    caplog: pytest.LogCaptureFixture,
    handler: Callable[[SlackRequest], object],
) -> None:
    """Slack was told 200 before; the log has the traceback, and no token."""
    assert send(slack_app(credentials, {"*": handler}), event_post(MESSAGE)).status == 200
    assert "the handler of message failed" in caplog.text
    assert "Traceback" in caplog.text
    assert TOKEN not in caplog.text
    assert (handler is fail) == ("could not log in with" in caplog.text)


def test_a_failure_of_an_answering_handler_is_told_to_slack(
    credentials: SlackCredentials, send: Send
) -> None:
    """By 500; so the event comes again, and is then handled."""
    calls: list[int] = []

    @answers
    def second_time(request: Any) -> None:
        calls.append(request.retry)
        if len(calls) == 1:
            raise ConnectionError

    app = slack_app(credentials, {"*": second_time})
    assert send(app, event_post(MESSAGE, event_id="Ev1")).status == 500
    assert send(app, event_post(MESSAGE, event_id="Ev1", retry=1)).status == 200
    assert send(app, event_post(MESSAGE, event_id="Ev1", retry=2)).status == 200
    assert calls == [0, 1]


# Once


def test_an_event_that_slack_sends_again_is_handled_once(
    credentials: SlackCredentials, send: Send
) -> None:
    """Whatever else differs: the time, the signature, the number of the retry."""
    seen: list[Any] = []
    app = slack_app(credentials, {"*": seen.append})
    now = time.time()
    for retry in range(4):
        post = event_post(MESSAGE, event_id="Ev1", retry=retry)
        assert send(app, post, timestamp=now + retry).status == 200
    assert len(seen) == 1
    assert send(app, event_post(MESSAGE, event_id="Ev2")).status == 200
    assert len(seen) == 2


def test_a_retry_says_that_it_is_one(credentials: SlackCredentials, send: Send) -> None:
    """Where the first one never came, the handler is told why it comes late."""
    seen: list[Any] = []
    send(slack_app(credentials, {"*": seen.append}), event_post(MESSAGE, retry=2))
    assert [(each.retry, each.retry_reason) for each in seen] == [(2, "http_timeout")]


@pytest.mark.parametrize("post", [COMMAND, interaction_post(action_payload("go"))])
def test_what_somebody_sends_again_within_the_window_is_refused(
    credentials: SlackCredentials, send: Send, post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    """Slack sends a command or a click never twice; a second click has another signature."""
    seen: list[Any] = []
    app = slack_app(credentials, {"*": seen.append})
    now = int(time.time())
    assert send(app, post, timestamp=now).status == 200
    assert send(app, post, timestamp=now)[:2] == (403, b"")
    assert "came before" in caplog.text
    assert send(app, post, timestamp=now - 1).status == 200
    assert len(seen) == 2


def test_processes_that_share_a_vault_handle_an_event_once(
    credentials: SlackCredentials, send: Send, memory_vault: Vault
) -> None:
    """Two apps stand for two processes: what one has taken, the other knows."""
    seen: list[Any] = []
    with use_vault(memory_vault):
        credentials.save("acme")
        first, second = (
            slack_app(SlackCredentials.load("acme"), {"*": seen.append}) for _ in range(2)
        )
        for app in (first, second):
            assert send(app, event_post(MESSAGE, event_id="Ev1")).status == 200
    assert len(seen) == 1


# What is refused


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Slack-Signature": None}, 401),
        ({"X-Slack-Signature": "v0=" + "0" * 64}, 401),
        ({"X-Slack-Signature": "v0=\u00e9"}, 401),
        ({"X-Slack-Request-Timestamp": None}, 401),
        ({"X-Slack-Request-Timestamp": "now"}, 401),
        ({"X-Slack-Request-Timestamp": "1531420618"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": None}, 415),
        ({"Content-Length": "-1"}, 400),
        ({"Content-Length": "99999999"}, 413),
        ({"Content-Length": "9" * 30}, 413),
    ],
)
def test_why_a_request_is_refused_is_for_the_log_alone(
    credentials: SlackCredentials,
    send: Send,
    headers: Mapping[str, str | None],
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whoever sent it sees a number, and no handler sees it."""
    seen: list[Any] = []
    app = slack_app(credentials, {"*": seen.append})
    assert send(app, event_post(MESSAGE), headers=headers)[:2] == (status, b"")
    assert f"refused with {status}: " in caplog.text
    assert not seen


@pytest.mark.parametrize("name", ["X-Slack-Signature", "X-Slack-Request-Timestamp", "Content-Type"])
def test_a_header_that_comes_twice_is_refused(
    credentials: SlackCredentials, send: Send, name: str
) -> None:
    """Who stands between may have looked at the first, and here the last would count."""
    seen: list[Any] = []
    app = slack_app(credentials, {"*": seen.append})

    async def with_two(scope: Scope, receive: Receive, sending: AsgiSend) -> None:
        scope["headers"] = [(name.lower().encode(), b"v0=0"), *scope["headers"]]
        await app(scope, receive, sending)

    assert send(with_two, event_post(MESSAGE)).status == 400
    assert not seen


def test_what_is_signed_with_another_secret_is_refused(
    credentials: SlackCredentials, send: Send
) -> None:
    """Also what verifies the URL, and the check of a certificate."""
    app = slack_app(credentials, {"*": print})
    for post in (
        event_post(MESSAGE),
        COMMAND,
        Post(b'{"type": "url_verification", "challenge": "c"}'),
        Post(b"ssl_check=1", "application/x-www-form-urlencoded"),
    ):
        assert send(app, post, secret="another-signing-secret")[:2] == (401, b"")


def test_a_body_without_an_end_is_given_up(credentials: SlackCredentials) -> None:
    """What comes beyond the largest size is not read, whatever its headers say."""

    async def main() -> tuple[int, int]:
        read = 0
        sent: list[Any] = []

        async def receive() -> Any:
            nonlocal read
            read += 1
            return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

        async def send(message: Any) -> None:
            sent.append(message)

        async def endless(scope: Any, _: Any, __: Any) -> None:
            scope["headers"] = [each for each in scope["headers"] if each[0] != b"content-length"]
            await app(scope, receive, send)
            for message in sent:
                await __(message)

        app = slack_app(credentials, {"*": print}, max_body_bytes=5000)
        assert credentials.signing_secret is not None
        answered = await adeliver(endless, event_post(MESSAGE), credentials.signing_secret)
        return answered.status, read

    assert asyncio.run(main()) == (413, 6)


def test_the_secret_before_is_taken_while_it_is_replaced(
    credentials: SlackCredentials, send: Send
) -> None:
    """Both the new and the old one fit."""
    old = f"old-{uuid4()}"
    app = slack_app(credentials, {"*": print}, previous_signing_secrets=[old])
    assert send(app, event_post(MESSAGE)).status == 200
    assert send(app, event_post(MESSAGE), secret=old).status == 200
    assert send(slack_app(credentials, {}), event_post(MESSAGE), secret=old).status == 401


def test_without_a_signing_secret_there_is_no_app(credentials: SlackCredentials) -> None:
    """An empty one would let everybody in."""
    bare = SlackCredentials(token=Secret(TOKEN))
    for given, more in ((bare, ()), (credentials, ("",)), (bare, (" ",))):
        with pytest.raises(InvalidArguments, match="signing secret"):
            slack_app(given, {}, previous_signing_secrets=more)


@pytest.mark.parametrize(
    ("handlers", "told"),
    [({"message": 7}, "cannot be called"), ({"mesage": print}, "'message'"),
     ({"block_action:go": print}, "'block_actions'")],
)  # fmt: skip
def test_a_handler_that_would_never_be_called_is_refused(
    credentials: SlackCredentials, handlers: Any, told: str
) -> None:
    """What is no function, and names that are nearly right."""
    with pytest.raises(InvalidArguments, match=told):
        slack_app(credentials, handlers)


# What the app answers itself


def test_slack_can_verify_the_url(credentials: SlackCredentials, send: Send) -> None:
    """The challenge comes back, as often as Slack asks."""
    app = slack_app(credentials, {})
    post = Post(b'{"token": "x", "challenge": "3eZbrw1aB", "type": "url_verification"}')
    for _ in range(2):
        assert send(app, post)[:2] == (200, {"challenge": "3eZbrw1aB"})


def test_slack_can_check_the_certificate(credentials: SlackCredentials, send: Send) -> None:
    """By a signed form, or by GET."""
    app = slack_app(credentials, {"*": fail})
    post = Post(b"ssl_check=1&token=x", "application/x-www-form-urlencoded")
    assert send(app, post)[:2] == (200, b"")
    assert get(app, b"ssl_check=1&token=x") == 200
    assert get(app, b"") == 405


def get(app: SlackApp, query: bytes) -> int:
    """Ask by GET; return the status."""

    async def asking(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "method": "GET", "query_string": query}, receive, send)

    return deliver(asking, Post(b""), "unsigned", headers={"X-Slack-Signature": None}).status


@pytest.mark.parametrize(
    ("path", "mount", "asked", "status"),
    [
        ("/", "", "/", 200),
        ("/slack/events", "", "/slack/events", 200),
        ("/slack/events", "", "/slack/events/", 200),
        ("/slack/events", "", "/slack/other", 404),
        ("/", "", "/slack", 404),
        ("/events", "/slack", "/slack/events", 200),
        ("/events", "/slack", "/events", 200),
    ],
)
def test_requests_come_to_one_path(
    credentials: SlackCredentials, send: Send, path: str, mount: str, asked: str, status: int
) -> None:
    """Below where the app is mounted, whether the server leaves the mount in the path or not."""
    app = slack_app(credentials, {"*": print}, path=path)

    async def mounted(scope: Any, receive: Any, send_: Any) -> None:
        await app({**scope, "root_path": mount}, receive, send_)

    assert deliver(mounted, event_post(MESSAGE), _secret(credentials), path=asked).status == status


def _secret(credentials: SlackCredentials) -> Secret[str]:
    assert credentials.signing_secret is not None
    return credentials.signing_secret


def test_too_much_at_once_comes_again(credentials: SlackCredentials) -> None:
    """An event that there is no room for is answered 503, and taken when Slack sends it again."""

    async def main() -> list[int]:
        go_on = asyncio.Event()
        seen: list[Any] = []

        async def handler(request: SlackRequest) -> None:
            seen.append(request.event_id)
            await go_on.wait()

        app = slack_app(credentials, {"*": handler}, max_requests=1)
        secret = _secret(credentials)
        answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        first = asyncio.create_task(tell_status(app, credentials, event_post(MESSAGE), answered))
        statuses = [await answered]
        post = event_post(MESSAGE, event_id="Ev2")
        statuses.append((await adeliver(app, post, secret)).status)
        go_on.set()
        await first
        statuses.append((await adeliver(app, post, secret)).status)
        assert len(seen) == 2
        return statuses

    assert asyncio.run(main()) == [200, 503, 200]


def test_a_server_that_ends_waits_for_handlers(
    credentials: SlackCredentials, caplog: pytest.LogCaptureFixture
) -> None:
    """For some time: then those with async are stopped, and the log says which."""
    caplog.set_level(logging.INFO)

    async def main() -> list[str]:
        stopped: list[str] = []

        async def endless(_: SlackRequest) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                stopped.append("endless")
                raise

        async def quick(_: SlackRequest) -> None:
            await asyncio.sleep(0.01)
            stopped.append("quick ended")

        handlers = {"message": endless, "/deploy": quick}
        app = slack_app(credentials, handlers, shutdown_seconds=0.1)
        secret = _secret(credentials)
        calls = [
            asyncio.create_task(adeliver(app, post, secret))
            for post in (event_post(MESSAGE), COMMAND)
        ]
        await asyncio.sleep(0.005)
        await lifespan(app)
        assert [each.status for each in await asyncio.gather(*calls)] == [200, 200]
        return stopped

    assert asyncio.run(main()) == ["quick ended", "endless"]
    assert "the handler of message did not end within 0.1 s" in caplog.text


async def lifespan(app: SlackApp) -> None:
    """Start and end the app as a server does."""
    asked = iter(["lifespan.startup", "lifespan.shutdown"])
    told: list[str] = []

    async def receive() -> Any:
        return {"type": next(asked)}

    async def send(message: Any) -> None:
        told.append(message["type"])

    await app({"type": "lifespan"}, receive, send)
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
