"""The ASGI app: what it takes for a delivery, and what it refuses."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from brickwork import Secret
from brickwork_github import (
    GitHubWebhook,
    WebhookApp,
    webhook_app,
)
from brickwork_github.testing import deliver
from brickwork_github.testing.webhooks import body_of, signed_headers

SECRET = Secret("a-secret-of-the-receiver")

STAR: dict[str, Any] = {
    "action": "deleted",
    "starred_at": None,
    "repository": {"full_name": "acme/api", "stargazers_count": 1},
    "sender": {"login": "octocat"},
}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Hub-Signature-256": None}, 401),
        ({"X-Hub-Signature-256": None, "X-Hub-Signature": "sha1=" + "0" * 40}, 401),
        ({"X-Hub-Signature-256": "sha256=" + "0" * 64}, 401),
        ({"X-Hub-Signature-256": "sha256=" + "\xe9" * 64}, 401),
        ({"X-GitHub-Event": None}, 400),
        ({"X-GitHub-Event": "issues\nforged: log line"}, 400),
        ({"X-GitHub-Event": "../issues"}, 400),
        ({"X-GitHub-Event": "x" * 65}, 400),
        ({"X-GitHub-Delivery": None}, 400),
        ({"X-GitHub-Delivery": "d 1"}, 400),
        ({"X-GitHub-Delivery": "d" * 65}, 400),
        ({"Content-Type": None}, 415),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 400),
        ({"Content-Length": "26214401"}, 413),
        ({"Content-Length": "9" * 5000}, 413),
        ({"Content-Length": "-1"}, 400),
        ({"Content-Length": "٣"}, 400),
    ],
)
def test_what_is_not_as_github_sends_it_is_refused(
    app: WebhookApp,
    secret: Secret[str],
    events: list[Any],
    headers: dict[str, str | None],
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """By its status, with a reason, a line in the log, and no handler called."""
    if "٣" in str(headers):
        headers = {"Content-Length": "\xb2"}  # a digit of Latin-1 that is no decimal
    answer = deliver(app, "star", STAR, secret, headers=headers)
    assert answer.status == status
    assert answer.body["status"] == "refused"
    assert answer.body["message"]
    assert events == []
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "forged" not in caplog.text


@pytest.mark.parametrize("event", ["issues", "star"])
def test_a_payload_that_is_not_one_of_its_event_is_refused(
    app: WebhookApp, secret: Secret[str], event: str
) -> None:
    """The event's name is not signed: an issue does not pass for something else."""
    answer = deliver(app, event, {"action": "opened"}, secret)
    assert answer.status == 400
    assert "repository.full_name is missing" in answer.body["message"]


def test_content_types_may_have_parameters_and_capitals(
    app: WebhookApp, secret: Secret[str]
) -> None:
    """As HTTP has it."""
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert deliver(app, "star", STAR, secret, headers=headers).status == 200


def test_forms_are_taken_as_well(app: WebhookApp, secret: Secret[str], events: list[Any]) -> None:
    """GitHub's older kind of body: the JSON is a field of a form, and the form is signed."""
    payload = STAR | {"note": "100% ü & = + \u2028"}
    assert deliver(app, "star", payload, secret, form=True).status == 200
    assert events[0].payload == payload


def request(
    app: WebhookApp,
    body: bytes,
    secret: Secret[str],
    *,
    parts: list[bytes] | None = None,
    event: str = "star",
    headers: list[tuple[bytes, bytes]] | None = None,
    ends: bool = True,
    **scope: Any,
) -> list[dict[str, Any]]:
    """Send a signed body as it is, in parts; return the messages of the answer."""
    signed = signed_headers(event, body, secret)
    sent = [(name.lower().encode(), value.encode()) for name, value in signed.items()]
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": part, "more_body": True} for part in parts or [body]
    ]
    if ends:
        messages[-1]["more_body"] = False
    messages.append({"type": "http.disconnect"})
    answers: list[dict[str, Any]] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        answers.append(message)

    whole = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "headers": sent + (headers or []),
        **scope,
    }
    asyncio.run(app(whole, receive, send))
    return answers


def status_of(messages: list[dict[str, Any]]) -> int:
    """Return the status of an answer."""
    return int(messages[0]["status"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"text"',
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b"payload=%7B%7D",
    ],
)
def test_a_body_that_is_no_payload_is_refused(
    app: WebhookApp, secret: Secret[str], body: bytes
) -> None:
    """Signed or not: 400, and no other error."""
    assert status_of(request(app, body, secret)) == 400


@pytest.mark.parametrize(
    "body",
    [b"payload={}&payload={}", b"other={}", b"payload", b"payload=%FF", b"\xc3\xa9={}", b"&" * 99],
)
def test_a_form_that_is_none_is_refused(app: WebhookApp, secret: Secret[str], body: bytes) -> None:
    """One field ``payload``, with JSON in UTF-8."""
    signed = signed_headers("star", body, secret, form=True)
    headers = [(name.lower().encode(), value.encode()) for name, value in signed.items()]
    assert status_of(request(app, body, secret, headers=[])) == 400
    answers: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        answers.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    asyncio.run(app(scope, receive, send))
    assert status_of(answers) == 400


@pytest.mark.parametrize("name", [b"x-hub-signature-256", b"x-github-event", b"x-github-delivery"])
def test_a_header_that_is_there_twice_is_refused(
    app: WebhookApp, secret: Secret[str], name: bytes
) -> None:
    """Whoever stands before this app may have looked at the other one."""
    answers = request(app, body_of(STAR), secret, headers=[(name, b"other")])
    assert status_of(answers) == 400


def test_the_signature_is_looked_at_before_anything_is_told(
    app: WebhookApp, secret: Secret[str]
) -> None:
    """Who cannot sign learns nothing about payloads and events."""
    other = Secret("a-secret-of-somebody-else")
    assert deliver(app, "no event!", {}, other).status == 401
    assert deliver(app, "issues", {}, other).status == 401


def test_another_path_or_method_is_refused(app: WebhookApp, secret: Secret[str]) -> None:
    """404 and 405, before headers and body are looked at."""
    assert status_of(request(app, b"", secret, path="/other")) == 404
    answers = request(app, b"", secret, method="GET")
    assert status_of(answers) == 405
    assert (b"allow", b"POST") in answers[0]["headers"]


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        ({"path": "/hooks/github", "root_path": ""}, True),
        ({"path": "/hooks/github/", "root_path": ""}, True),
        ({"path": "/api/hooks/github", "root_path": "/api"}, True),
        ({"path": "/hooks/github", "root_path": "/api"}, True),
        ({"path": "/apihooks/github", "root_path": "/api"}, False),
        ({"path": "/hooks/github/more", "root_path": ""}, False),
        ({"path": "/", "root_path": "/hooks/github"}, False),
    ],
)
def test_the_path_is_that_below_the_mount(
    secret: Secret[str], scope: dict[str, Any], found: bool
) -> None:
    """Whether a framework leaves the mount in the path or takes it out."""
    app = webhook_app(secret, {"*": print}, path="/hooks/github")
    assert (status_of(request(app, body_of(STAR), secret, **scope)) == 200) is found


def test_a_body_in_parts_is_put_together(app: WebhookApp, secret: Secret[str]) -> None:
    """Byte by byte, and with empty parts."""
    body = body_of(STAR)
    parts = [b"", *[bytes([each]) for each in body], b""]
    assert status_of(request(app, body, secret, parts=parts)) == 200


def test_a_body_that_grows_too_large_is_refused(secret: Secret[str], events: list[Any]) -> None:
    """Whatever its Content-Length said; the rest is not even read."""
    app = GitHubWebhook(secret=secret).app({"*": events.append}, max_body_bytes=1000)
    body = body_of({**STAR, "more": "x" * 10_000})
    parts = [body[at : at + 100] for at in range(0, len(body), 100)]
    short = [(b"content-length", b"10")]
    signed = signed_headers("star", body, secret)
    sent = [
        (name.lower().encode(), value.encode())
        for name, value in signed.items()
        if name != "Content-Length"
    ]
    read = []

    async def receive() -> Any:
        read.append(1)
        return {"type": "http.request", "body": parts[len(read) - 1], "more_body": True}

    answers: list[Any] = []

    async def send(message: Any) -> None:
        answers.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": sent + short}
    asyncio.run(app(scope, receive, send))
    assert status_of(answers) == 413
    assert len(read) == 11
    assert events == []


def test_githubs_largest_payload_is_taken(app: WebhookApp, secret: Secret[str]) -> None:
    """25 MB, not one byte less."""
    rest = 25 * 1024 * 1024 - len(body_of({**STAR, "more": ""}))
    assert deliver(app, "star", {**STAR, "more": "x" * rest}, secret).status == 200
    assert deliver(app, "star", {**STAR, "more": "x" * (rest + 1)}, secret).status == 413


def test_a_sender_who_is_gone_is_not_answered(
    app: WebhookApp, secret: Secret[str], events: list[Any]
) -> None:
    """Half a body is none."""
    assert request(app, body_of(STAR), secret, ends=False) == []
    assert events == []


def sent_headers(body: bytes, secret: Secret[str]) -> list[tuple[bytes, bytes]]:
    """Return the headers of a delivery, as ASGI has them."""
    headers = signed_headers("star", body, secret)
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def test_a_body_that_never_comes_is_given_up(
    secret: Secret[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """408, after as long as GitHub would wait for the answer."""
    monkeypatch.setattr("brickwork_github.webhooks.receiver._BODY_SECONDS", 0.01)
    app = webhook_app(secret, {"*": print})
    answers: list[Any] = []

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        answers.append(message)

    headers = sent_headers(b"{}", secret)
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    asyncio.run(app(scope, receive, send))
    assert status_of(answers) == 408


def test_what_comes_at_once_is_bounded(secret: Secret[str], events: list[Any]) -> None:
    """Bodies that nobody has verified yet cannot fill the memory; those that fit are taken."""

    async def main() -> list[int]:
        app = GitHubWebhook(secret=secret).app({"*": events.append}, max_body_bytes=1000)
        waiting, go_on = asyncio.Semaphore(0), asyncio.Event()

        async def deliver_slowly(number: int) -> int:
            body = body_of(STAR | {"more": str(number) + "x" * 800})
            answers: list[Any] = []
            parts = [body, b""]

            async def receive() -> Any:
                if len(parts) == 1:
                    waiting.release()
                    await go_on.wait()
                return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

            async def send(message: Any) -> None:
                answers.append(message)

            headers = sent_headers(body, secret)
            scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
            await app(scope, receive, send)
            return status_of(answers)

        first = [asyncio.create_task(deliver_slowly(number)) for number in range(8)]
        for _ in first:
            await waiting.acquire()
        refused = await asyncio.gather(*[deliver_slowly(number) for number in range(9, 12)])
        go_on.set()
        taken = await asyncio.gather(*first)
        return [*taken, *refused, await deliver_slowly(12)]

    assert asyncio.run(main()) == [200] * 8 + [503] * 3 + [200]
    assert len(events) == 9


def test_websockets_are_closed(app: WebhookApp) -> None:
    """Nobody speaks to it that way."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app({"type": "websocket", "path": "/", "headers": []}, receive, send))
    assert [message["type"] for message in sent] == ["websocket.close"]


_FUZZED = webhook_app(SECRET, {"*": lambda _: None})
_LATIN = st.text(st.characters(max_codepoint=255), max_size=20).map(
    lambda text: text.encode("latin-1")
)


@settings(max_examples=300, deadline=None)
@given(
    body=st.binary(max_size=200) | st.just(body_of(STAR)),
    event=st.sampled_from(["star", "push", "ping"]) | st.text(max_size=10),
    headers=st.lists(st.tuples(_LATIN, _LATIN), max_size=3),
    path=st.sampled_from(["/", "", "/x"]),
)
def test_whatever_comes_is_answered(
    body: bytes, event: str, headers: list[tuple[bytes, bytes]], path: str
) -> None:
    """Never an exception, never 500."""
    try:
        event.encode()
    except UnicodeEncodeError:
        return
    status = status_of(request(_FUZZED, body, SECRET, event=event, headers=headers, path=path))
    assert status in {200, 400, 401, 404, 409, 413, 415}
