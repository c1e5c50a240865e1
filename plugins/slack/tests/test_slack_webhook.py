"""Incoming webhooks: ``ok`` is the only answer that counts, and nothing is posted twice."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from brickwork import (
    DeliveryStatus,
    InvalidBlock,
    Notification,
    Overflow,
    Secret,
    Severity,
    Task,
    on_progress,
)
from brickwork.testing.notifier import Answer, Asked, Behaviour, HttpCounterpart
from brickwork.testing.task import no_waiting
from brickwork_slack import (
    SlackConflict,
    SlackDenied,
    SlackError,
    SlackInvalid,
    SlackNotFound,
    SlackRateLimited,
    SlackUnavailable,
    SlackUncertain,
    SlackWebhook,
    blockkit,
    delete_original,
    respond,
    send_webhook,
)
from brickwork_slack.testing import SlackServer

OK = Answer(200, b"ok")
LOOKS = {
    Severity.INFO: ("\U0001f535", "#36C5F0"),  # a blue disc
    Severity.SUCCESS: ("\U0001f7e2", "#2EB67D"),  # a green disc
    Severity.WARNING: ("\U0001f7e0", "#ECB22E"),  # an orange disc
    Severity.ERROR: ("\U0001f534", "#E01E5A"),  # a red disc
    Severity.CRITICAL: ("\U0001f6a8", "#7A0B2E"),  # a rotating light
}


class Hooks(HttpCounterpart):
    """Webhooks that answer what they are told to, and then ``ok``."""

    def __init__(self) -> None:
        super().__init__(lambda url: SlackWebhook(url=Secret(url), timeout_seconds=2))
        self.answers: list[Answer] = []
        self.bodies: list[dict[str, Any]] = []

    def answer_to(self, asked: Asked, behaviour: Behaviour, *, limited: bool) -> Answer:
        self.bodies.append(json.loads(asked.body))
        return self.answers.pop(0) if self.answers else OK

    def hook(self, behaviour: Behaviour = Behaviour.OK, **changes: Any) -> SlackWebhook:
        """Return a webhook for this server."""
        made = self.notifier(behaviour)
        assert isinstance(made, SlackWebhook)
        return made.model_copy(update=changes)


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    """Run a server of webhooks."""
    with Hooks() as server:
        yield server


def run(task: Task[..., Any], way: str, *args: Any, **kwargs: Any) -> Any:
    """Call a task, or await its twin."""
    if way == "call":
        return task(*args, **kwargs)
    return asyncio.run(task.aio(*args, **kwargs))


WAYS = pytest.mark.parametrize("way", ["call", "aio"])


@WAYS
def test_a_message_is_posted(hooks: Hooks, way: str) -> None:
    """Text, blocks and the rest arrive; what is not given is left out."""
    report = blockkit.message(blockkit.header("Load"), "done")
    run(send_webhook, way, hooks.hook(), blocks=report.blocks, unfurl_links=False)

    assert hooks.bodies == [
        {
            "text": "Load\ndone",
            "blocks": [dict(each) for each in report.blocks],
            "unfurl_links": False,
        }
    ]


@WAYS
@pytest.mark.parametrize(
    ("status", "text", "kind", "fix"),
    [
        (404, "no_service", SlackNotFound, "Make a new webhook"),
        (410, "channel_is_archived", SlackConflict, "Unarchive"),
        (403, "action_prohibited", SlackDenied, "administrator"),
        (403, "invalid_token", SlackDenied, "new webhook"),
        (400, "invalid_blocks", SlackInvalid, "blocks"),
        (400, "no_text", SlackInvalid, "text"),
        (400, "something_new", SlackInvalid, ""),
        (404, '{"ok":false,"error":"expired_url"}', SlackNotFound, "30 minutes"),
        (500, "rollup_error", SlackUncertain, "before you send it again"),
        (200, "<html>Log in to the guest network</html>", SlackError, "proxies"),
    ],
)
def test_what_is_not_ok_is_an_error(
    hooks: Hooks, way: str, status: int, text: str, kind: type[SlackError], fix: str
) -> None:
    """Each answer is an error with Slack's word, the status and what to do; it is posted once."""
    hooks.answers = [Answer(status, text.encode())]
    with pytest.raises(kind) as caught:
        run(send_webhook, way, hooks.hook(), "hello")

    assert type(caught.value) is kind
    assert fix in caught.value.fix
    assert caught.value.status == status
    if text.isidentifier():
        assert caught.value.error == text
        assert text in caught.value.what
    assert len(hooks.bodies) == 1


@WAYS
def test_a_rate_limit_is_waited_out(hooks: Hooks, way: str) -> None:
    """Slack's Retry-After is waited for, and told; then the message is posted."""
    hooks.answers = [Answer(429, b"rate_limited", {"Retry-After": "7"})] * 2
    told: list[str] = []
    with no_waiting() as waits, on_progress(lambda each: told.append(each.text)):
        run(send_webhook, way, hooks.hook(), "hello")

    assert waits == [7.0, 7.0]
    assert "Slack asks to wait 7 s" in told
    assert len(hooks.bodies) == 3


@WAYS
def test_a_rate_limit_beyond_the_time_is_an_error_at_once(hooks: Hooks, way: str) -> None:
    """A task that has 5 seconds does not begin to wait for 60."""
    hooks.answers = [Answer(429, b"rate_limited", {"Retry-After": "60"})]
    with no_waiting() as waits, pytest.raises(SlackRateLimited) as caught:
        run(send_webhook.with_options(timeout_seconds=5), way, hooks.hook(), "hello")

    assert waits == []
    assert caught.value.retry_after_seconds == 60


@WAYS
def test_a_rate_limit_of_hours_is_an_error_at_once(hooks: Hooks, way: str) -> None:
    """Also where the task has all the time of the world: it would look as if it hung."""
    hooks.answers = [Answer(429, b"rate_limited", {"Retry-After": "86400"})]
    with no_waiting() as waits, pytest.raises(SlackRateLimited, match="86400 s"):
        run(send_webhook, way, hooks.hook(), "hello")

    assert waits == []


@WAYS
def test_a_closed_port_is_tried_again(hooks: Hooks, way: str) -> None:
    """Nothing was sent, so it may be sent again; the error names the host, and not the path."""
    hook = hooks.hook(Behaviour.UNREACHABLE)
    with no_waiting() as waits, pytest.raises(SlackUnavailable) as caught:
        run(send_webhook, way, hook, "hello")

    assert waits == [0.5, 2.0]
    assert "127.0.0.1" in str(caught.value)
    assert hook.url.reveal().rpartition("/")[2] not in str(caught.value)


@WAYS
def test_a_lost_answer_is_not_sent_again(hooks: Hooks, way: str) -> None:
    """Nobody knows whether a message was taken whose answer did not come."""
    hook = hooks.hook(Behaviour.SILENT, timeout_seconds=0.2)
    with pytest.raises(SlackUncertain, match="Nobody knows"):
        run(send_webhook, way, hook, "hello")
    assert hooks.arrivals() == 1


@WAYS
def test_nothing_to_say_is_refused_before_it_is_sent(hooks: Hooks, way: str) -> None:
    """So are blocks that Slack would refuse."""
    with pytest.raises(SlackInvalid, match="says nothing"):
        run(send_webhook, way, hooks.hook(), " ")
    block = {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}
    with pytest.raises(SlackInvalid, match="less than 151"):
        run(send_webhook, way, hooks.hook(), blocks=[block])
    assert hooks.bodies == []


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.slack.com/services/T0/B0/x",
        "hooks.slack.com/services/T0/B0/x",
        "ftp://hooks.slack.com/x",
        "https://",
        "https://hooks.slack.com/a b",
        "https://hooks.slack.com:port/x",
    ],
)
def test_a_url_that_is_none_is_refused(url: str) -> None:
    """Without TLS only loopback is taken; the error does not show the URL."""
    with pytest.raises(InvalidBlock) as caught:
        SlackWebhook(url=Secret(url))
    assert url not in str(caught.value)


@WAYS
def test_an_answer_that_quotes_a_secret_is_not_repeated(hooks: Hooks, way: str) -> None:
    """Of what a proxy says, the error shows nothing of the URL, and no secret that is known."""
    webhook, other = hooks.hook(), Secret("a-token-of-the-proxy")
    url = f"{webhook.url.reveal()}%2Dbehind"
    webhook = webhook.model_copy(update={"url": Secret(url)})
    path = urlsplit(webhook.url.reveal()).path
    said = f"no way to {path} or {unquote(path)} with {other.reveal()}"
    hooks.answers = [Answer(403, said.encode())]
    with pytest.raises(SlackDenied) as caught:
        run(send_webhook, way, webhook, "hello")

    assert "no way to" in caught.value.what
    for part in (*path.split("/")[-1:], other.reveal()):
        assert part not in str(caught.value)
        assert unquote(part) not in str(caught.value)


@WAYS
def test_an_interaction_is_answered(hooks: Hooks, way: str) -> None:
    """Through its response URL: to who did it or to all, anew or in place; and deleted."""
    url = hooks.hook().url
    run(respond, way, url, "only you", thread_ts="1700000000.000100")
    run(
        respond,
        way,
        url.reveal(),
        blocks=[blockkit.divider()],
        text="done",
        to="in_channel",
        replace_original=True,
    )
    run(delete_original, way, url)

    assert hooks.bodies == [
        {
            "text": "only you",
            "response_type": "ephemeral",
            "replace_original": False,
            "thread_ts": "1700000000.000100",
        },
        {
            "text": "done",
            "blocks": [{"type": "divider"}],
            "response_type": "in_channel",
            "replace_original": True,
        },
        {"delete_original": True},
    ]


def test_an_event_loop_is_not_blocked(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is awaited goes through slack_sdk's async client alone."""

    def blocks(*_: object) -> None:
        raise AssertionError("the client that blocks was used")

    monkeypatch.setattr("slack_sdk.webhook.WebhookClient.send_dict", blocks)
    run(send_webhook, "aio", hooks.hook(), "hello")
    run(respond, "aio", hooks.hook().url, "only you")
    run(delete_original, "aio", hooks.hook().url)
    assert [body.get("text") for body in hooks.bodies] == ["hello", "only you", None]


@WAYS
def test_a_response_url_that_is_used_up_says_so(hooks: Hooks, way: str) -> None:
    """It works five times, for half an hour; what is none is refused unseen."""
    hooks.answers = [Answer(404, b'{"ok": false, "error": "used_url"}')]
    with pytest.raises(SlackConflict, match="response URL") as caught:
        run(respond, way, hooks.hook().url, "hello")
    assert caught.value.error == "used_url"
    with pytest.raises(SlackInvalid, match="cannot be used"):
        run(respond, way, "http://example.com/x", "hello")
    with pytest.raises(SlackInvalid, match="says nothing"):
        run(respond, way, hooks.hook().url)


@pytest.mark.parametrize("severity", list(Severity))
def test_a_notification_looks_as_severe_as_it_is(hooks: Hooks, severity: Severity) -> None:
    """A header with a sign, and beside a bar in the colour all the rest; no two look the same."""
    sign, colour = LOOKS[severity]
    assert len({look for pair in LOOKS.values() for look in pair}) == 10
    hooks.hook().send(Notification("Load failed", "3 of 40 files", severity=severity))

    (body,) = hooks.bodies
    (attachment,) = body["attachments"]
    assert attachment["color"] == colour
    assert body["blocks"][0]["text"]["text"] == f"{sign} Load failed"
    assert severity.upper() in str(attachment["blocks"][-1])


def test_a_notification_has_fields_and_buttons(hooks: Hooks) -> None:
    """Fields in two columns, links as buttons, addresses in the text as links."""
    hooks.hook().send(
        Notification(
            "Load failed",
            "see https://example.com/log, *now*",
            fields={"run": "1742", "a*b": "<!here>"},
            url="https://example.com/runs/1742",
            links={"Runbook": "https://example.com/runbook"},
            tags=frozenset({"db", "prod"}),
        )
    )
    text, facts, row, told = hooks.bodies[0]["attachments"][0]["blocks"]
    assert text["elements"][0]["elements"] == [
        {"type": "text", "text": "see "},
        {"type": "link", "url": "https://example.com/log"},
        {"type": "text", "text": ", *now*"},
    ]
    assert [each["text"] for each in facts["fields"]] == ["*run*\n1742", "*a*b*\n&lt;!here&gt;"]
    assert [(each["text"]["text"], each["url"]) for each in row["elements"]] == [
        ("Open", "https://example.com/runs/1742"),
        ("Runbook", "https://example.com/runbook"),
    ]
    assert told["elements"][0]["text"] == "INFO \u00b7 db \u00b7 prod"


def test_only_who_is_named_is_alerted(hooks: Hooks) -> None:
    """No text of a notification mentions anybody; ``mentions`` does, each once."""
    hooks.hook(mentions=("here", "U024BE7LH", "here", "S024BE7LH")).send(
        Notification("<!channel> <@U0>", "<!everyone> @here", fields={"<!here>": "<!channel>"})
    )
    (body,) = hooks.bodies
    assert body["blocks"][1]["text"]["text"] == "<!here> <@U024BE7LH> <!subteam^S024BE7LH>"
    marked = [each for each in _texts(body) if each["type"] == "mrkdwn"]
    assert len(marked) == 2
    assert "<" not in marked[1]["text"] + body["text"] + body["attachments"][0]["fallback"]


def test_a_notification_is_never_posted_twice(hooks: Hooks) -> None:
    """What was refused, or may have been taken, is not sent again; the receipt has Slack's word."""
    for status, code, wanted in [
        (404, b"no_service", DeliveryStatus.REFUSED),
        (500, b"rollup_error", DeliveryStatus.FAILED),
    ]:
        hooks.answers = [Answer(status, code)]
        receipt = hooks.hook().send(Notification("hello"))
        assert (receipt.status, receipt.http_status, receipt.attempts) == (wanted, status, 1)
        assert code.decode() in receipt.detail
    assert len(hooks.bodies) == 2


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer(400, b"no_text"), "ok"),
        (Answer(404, b"no_service"), "failed"),
        (Answer(500, b"oops"), "failed"),
        (OK, "warning"),
    ],
)
def test_a_check_posts_nothing(hooks: Hooks, answer: Answer, status: str) -> None:
    """It sends what Slack refuses, and reads from the answer whether the webhook is known."""
    hooks.answers = [answer]
    (finding,) = hooks.hook().check().findings

    assert finding.status == status
    assert hooks.bodies == [{"text": ""}]


def test_a_long_body_is_split_where_that_is_wished(hooks: Hooks) -> None:
    """In order, and each within Slack's limits."""
    hook = hooks.hook(overflow=Overflow.SPLIT)
    receipt = hook.send(Notification("long", "word " * 3000))

    assert receipt.delivered
    assert len(hooks.bodies) > 1
    assert sum(str(body).count("word ") for body in hooks.bodies) >= 2990
    for body in hooks.bodies:
        assert not _problems([body["blocks"], body["attachments"][0]["blocks"]])


@WAYS
def test_a_webhook_of_slack_posts_to_its_channel(slack_server: SlackServer, way: str) -> None:
    """On the loopback Slack; an archived channel, and a webhook that is gone, are named."""
    webhook = SlackWebhook(url=slack_server.webhook())
    run(send_webhook, way, webhook, "*Release 4.2* is out")
    assert webhook.send(Notification("Load failed", "3 of 40", fields={"run": "17"})).delivered
    assert [each.text for each in slack_server.general.posted] == [
        "*Release 4.2* is out",
        "\U0001f535 Load failed",
    ]
    slack_server.general.archived = True
    with pytest.raises(SlackConflict, match="channel_is_archived"):
        run(send_webhook, way, webhook, "hello")
    slack_server.hooks.clear()
    with pytest.raises(SlackNotFound, match="no_service"):
        run(send_webhook, way, webhook, "hello")


@WAYS
def test_webhooks_and_answers_reply_in_threads(slack_server: SlackServer, way: str) -> None:
    """Whoever knows the message; an answer may be nothing but attachments."""
    began = slack_server.say(slack_server.general, "Load 17")
    webhook = SlackWebhook(url=slack_server.webhook())
    run(send_webhook, way, webhook, "It failed", thread_ts=began.ts)
    url = slack_server.response_url(message=began)
    bar = {"color": "#E01E5A", "text": "3 of 40"}
    run(respond, way, url, attachments=[bar], to="in_channel", thread_ts=began.ts)
    failed, counted = slack_server.general.replies(began.ts)
    assert failed.text == "It failed"
    assert counted.attachments[0]["text"] == "3 of 40"


@WAYS
def test_a_response_url_of_slack_is_used_up(slack_server: SlackServer, way: str) -> None:
    """Five answers, of which one takes the place of the message, and one deletes it."""
    message = slack_server.say(slack_server.general, "Deploy?", user=slack_server.bot)
    url = slack_server.response_url(message=message)
    run(respond, way, url, "On it.", to="in_channel")
    run(respond, way, url, "Deployed.", replace_original=True)
    assert [each.text for each in slack_server.general.posted] == ["Deployed.", "On it."]
    run(delete_original, way, url)
    for _ in range(2):
        run(respond, way, url, "for you")
    assert [each.text for each in slack_server.general.posted] == ["On it."]
    with pytest.raises(SlackConflict) as caught:
        run(respond, way, url, "too much")
    assert caught.value.error == "used_url"


def _problems(places: Sequence[Sequence[blockkit.Block]]) -> list[str]:
    return [problem for blocks in places for problem in blockkit.problems(blocks)]


def _texts(part: Any) -> list[dict[str, Any]]:
    if isinstance(part, dict):
        own = [part] if part.get("type") in ("mrkdwn", "plain_text") else []
        return own + [each for value in part.values() for each in _texts(value)]
    if isinstance(part, list):
        return [each for value in part for each in _texts(value)]
    return []
