"""Discord, Microsoft Teams and PagerDuty take whatever is sent to them, in their strict forms."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from brickwork import (
    Attachment,
    DiscordWebhook,
    Notification,
    Notifier,
    Overflow,
    PagerDuty,
    Receipt,
    Severity,
    TeamsWebhook,
)
from brickwork.builtin.notifiers import discord as discord_module, teams as teams_module
from brickwork.builtin.notifiers.discord import escaped
from brickwork.builtin.notifiers.teams import card
from brickwork.builtin.notifiers.texts import plain
from brickwork.notifier import Limits, fitted
from brickwork.testing.base import lacking
from brickwork.testing.loopback import LoopbackServer, Request
from brickwork.testing.notifier import Counterpart, HttpCounterpart, NotifierContract
from brickwork.testing.services import Discord, PagerDutyEvents, Service, Workflow
from brickwork.testing.services.base import read_message

ROUTING_KEY = "e93facc04764012d7bfb002500d5d1a6"
LOOPBACK: Mapping[str, Any] = {"allow_private": True, "allow_http": True}


def discord(url: str, **fields: Any) -> DiscordWebhook:
    """Make a block for a loopback server."""
    return DiscordWebhook.model_validate({"url": url, "timeout_seconds": 5, **LOOPBACK, **fields})


def teams(url: str, **fields: Any) -> TeamsWebhook:
    """Make a block for a loopback server."""
    return TeamsWebhook.model_validate({"url": url, "timeout_seconds": 5, **LOOPBACK, **fields})


def pagerduty(url: str, **fields: Any) -> PagerDuty:
    """Make a block for a loopback server."""
    given = {"routing_key": ROUTING_KEY, "endpoint": url, "timeout_seconds": 5}
    return PagerDuty.model_validate({**given, **LOOPBACK, **fields})


# The contract, with servers that refuse what the service refuses


class StrictCounterpart(HttpCounterpart):
    """Answers 400 to what the service would refuse.

    Args:
        service: The rules.
        make: Makes the notifier for a URL.
        answer: What the service says when it takes a message.
        status: With this status.
    """

    def __init__(
        self,
        service: Service,
        make: Callable[..., Notifier],
        *,
        answer: dict[str, Any] | None,
        status: int,
    ) -> None:
        body = b"" if answer is None else json.dumps(answer).encode()
        super().__init__(
            lambda url: make(f"{url}{service.query}", timeout_seconds=0.5, retry_seconds=1),
            answer=body,
            status=status,
        )
        self._service = service

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        request.rfile = BytesIO(body)
        if request.command != "GET":
            headers = {name.lower(): value for name, value in request.headers.items()}
            message, files = read_message(Request(request.requestline, headers, body))
            query = dict(parse_qsl(urlsplit(request.path).query))
            faults = self._service.faults_of(body, message, files, query)
            if faults:
                request.send_error(400, "refused", json.dumps(faults))
                return
        super()._serve(request)


class TestDiscordWebhook(NotifierContract):
    @pytest.fixture
    def counterpart(self) -> Iterator[Counterpart]:
        answer = {"id": "1112", "channel_id": "1113", "name": "ops alerts", "type": 1}
        with StrictCounterpart(Discord(), discord, answer=answer, status=200) as server:
            yield server


class TestTeamsWebhook(NotifierContract):
    @pytest.fixture
    def counterpart(self) -> Iterator[Counterpart]:
        with StrictCounterpart(Workflow(), teams, answer=None, status=202) as server:
            yield server


class TestPagerDuty(NotifierContract):
    @pytest.fixture
    def counterpart(self) -> Iterator[Counterpart]:
        answer = {"status": "success", "message": "Event processed", "dedup_key": "a-key"}
        with StrictCounterpart(PagerDutyEvents(), pagerduty, answer=answer, status=202) as server:
            yield server


# Whatever a notification is

MARKUP = "\\*_~`|<>[]()#:-+.\"'&@{}$%^=\n\r\t 1 \x00\x1b\x85\u2028\u200b\ud800\udc4d\U0001f600é日"
texts = st.one_of(
    st.text(max_size=60),
    st.text(st.characters(exclude_categories=()), max_size=60),
    st.text(st.sampled_from(MARKUP), max_size=400),
    st.builds(
        "{}{}".format,
        st.sampled_from(["https://a.example/_x_", "https://", ":warning:", "1. a\n2. b", "- "]),
        st.text(st.sampled_from(MARKUP), max_size=30),
    ),
)
long_texts = st.builds(
    lambda text, times: (text or "x") * times,
    texts,
    st.sampled_from([1, 1, 30, 2_000]),
)
urls = st.one_of(
    texts,
    st.sampled_from(
        [
            "https://example.com/a_b?c=(d)&e=%20#f",
            "http://localhost:3000/x",
            "http://10.1.2.3/x",
            "http://vmalert-1:8080/alert?id=1",
            "https://exa mple.com/",
            "https://example.com/" + "x" * 3000,
            "https://user:pw@example.com/",
            "https://münchen.example/ü",
            "javascript:alert(1)",
            "https://example.com/\n# x",
        ]
    ),
)
attachments = st.lists(
    st.builds(
        Attachment,
        st.sampled_from(["a.txt", 'a"b.txt', "a\\b.txt", "日本.csv", "x" * 500 + ".log", " a "]),
        st.binary(max_size=300),
        st.sampled_from(["text/plain; charset=utf-8", "x\r\nX-A: b", "", "image/png"]),
    ),
    max_size=12,
).map(tuple)
notifications = st.builds(
    Notification,
    title=long_texts.filter(str.strip),
    body=long_texts,
    severity=st.sampled_from(Severity),
    fields=st.one_of(
        st.dictionaries(texts, texts, max_size=5),
        st.dictionaries(long_texts, long_texts, max_size=3),
        st.integers(0, 1200).map(lambda n: {f"name_{i}": f"value {i}" for i in range(n)}),
    ),
    url=st.none() | urls,
    thread_key=st.none() | texts,
    dedupe_key=st.none() | long_texts,
    tags=st.frozensets(texts, max_size=40),
    links=st.dictionaries(texts, urls, max_size=12),
    attachments=attachments,
)
AWKWARD = Notification(
    "\x01",
    "\n",
    fields={"": "", " ": "\u200b", "\x00": "\x00", "a": "1. b"},
    links={"": "https://example.com", "https://example.com": "https://example.org"},
    dedupe_key="é" * 300,
)


@dataclass
class Sent:
    """What came of sending.

    Attributes:
        receipt: The receipt.
        service: Who took or refused it.
        limits: Those of the notifier.
    """

    receipt: Receipt
    service: Service
    limits: Limits
    bodies: list[bytes] = field(default_factory=list)


def sent(
    service: Service, make: Callable[..., Notifier], notification: Notification, **fields: Any
) -> Sent:
    """Send a notification to a service."""
    with LoopbackServer(service.serve) as server:
        notifier = make(service.url(server.port), **fields)
        receipt = notifier.send(notification)
        return Sent(receipt, service, notifier.limits(), [r.body for r in server.requests])


def taken(result: Sent) -> None:
    """Assert that all was taken."""
    assert result.service.refused == []
    assert result.receipt.delivered, result.receipt
    assert len(result.service.accepted) == result.receipt.attempts >= 1


whatever = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@whatever
@given(notifications, st.sampled_from(Overflow), st.booleans())
@example(AWKWARD, Overflow.CUT, False)
@example(Notification("x" * 300, "_" * 50_000), Overflow.SPLIT, True)
@example(Notification("_" * 300, "*" * 5_000), Overflow.ATTACH, False)
def test_discord_takes_whatever_is_sent(
    notification: Notification, overflow: Overflow, forum: bool
) -> None:
    """Any notification becomes messages that Discord takes, in every overflow mode."""
    fields = {"overflow": overflow, "forum": forum, "username": "ops", "mentions": ("here",)}
    taken(sent(Discord(forum=forum), discord, notification, **fields))


@whatever
@given(notifications, st.sampled_from(Overflow))
@example(AWKWARD, Overflow.CUT)
@example(Notification("x", "\\" * 100_000), Overflow.SPLIT)
@example(Notification("\U0001f600" * 500, "\t\n" * 50_000), Overflow.ATTACH)
def test_teams_takes_whatever_is_sent(notification: Notification, overflow: Overflow) -> None:
    """Any notification becomes cards that Teams knows, within their size, whatever is escaped."""
    result = sent(Workflow(), teams, notification, overflow=overflow)

    taken(result)
    assert max(map(len, result.bodies)) <= teams_module.MAX_CARD_BYTES
    for message in result.service.accepted:
        assert_no_markdown(message["attachments"][0]["content"])


@whatever
@given(notifications)
@example(AWKWARD)
@example(Notification("\x00" * 5000 + "x", "\U0001f600\x00" * 200_000))
@example(Notification("x", links={f"{n}": f"https://a.example/{'x' * 2000}" for n in range(500)}))
def test_pagerduty_takes_whatever_is_sent(notification: Notification) -> None:
    """Any notification becomes one event that PagerDuty takes."""
    result = sent(PagerDutyEvents(), pagerduty, notification)

    taken(result)
    assert len(result.bodies) == 1
    assert result.receipt.message_id == result.service.accepted[0]["dedup_key"]


@given(st.text(st.sampled_from(MARKUP + "ab:/htps"), max_size=80), st.integers(0, 80))
@pytest.mark.parametrize("module", [discord_module, teams_module])
def test_measures_never_fall(module: Any, text: str, cut: int) -> None:
    """What is measured of a start is not more than of the whole, and lines add up."""
    measure: Callable[[str], int] = module._size
    start = text[:cut]
    if not (start.endswith("\r") and text[cut : cut + 1] == "\n"):
        assert measure(start) <= measure(text)
    assert measure(f"{start}\n{text}") <= measure(start) + measure("\n") + measure(text)


# Texts are shown as they are

_ESCAPE = re.compile(r"\\([^0-9A-Za-z\s])")


@given(texts)
def test_discord_shows_a_text_as_it_is(text: str) -> None:
    """Taken off the backslashes as Discord does, the text is what it was."""
    markdown = escaped(text)
    shown = "".join(
        part if number % 2 else _ESCAPE.sub(r"\1", part)
        for number, part in enumerate(re.split(r"(https?://[^\s<>\\`]+)", markdown))
    )
    assert shown == plain(text)


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("a_b *c* ~~d~~ `e` ||f||", r"a\_b \*c\* \~\~d\~\~ \`e\` \|\|f\|\|"),
        ("[words](https://evil.example)", r"\[words\](https://evil.example)"),
        ("https://example.com/a_b_c*d", "https://example.com/a_b_c*d"),
        ("# x\n> y\n- z\n  + w\n12. v", "\\# x\n\\> y\n\\- z\n  \\+ w\n12\\. v"),
        ("<@1> <@&2> <#3> <:e:4> @everyone", r"\<@1\> \<@&2\> \<\#3\> \<\:e:4\> @everyone"),
        ("12:30:45 :warning: C:\\x", "12:30:45 \\:warning: C:\\\\x"),
    ],
)
def test_discord_markdown_is_escaped(text: str, markdown: str) -> None:
    """What Discord reads as Markdown, mentions or emoji has a backslash; web addresses have not."""
    assert escaped(text) == markdown


def assert_no_markdown(made: dict[str, Any]) -> None:
    """Assert that text that Teams reads as Markdown has nothing of it."""
    for element in made["body"]:
        for fact in element.get("facts", []):
            for text in fact.values():
                assert not set(text) & set("\\*_`[]<>~#|\n\t"), text
        assert element["type"] in ("Container", "RichTextBlock", "FactSet"), "no TextBlock"


def test_teams_texts_are_no_markdown() -> None:
    """Texts are in blocks without Markdown; fields are in facts if Markdown leaves them alone."""
    made = card(Notification("*a*", "_b_\n  # c\n\nd", fields={"run": "1742", "at": "10:30"}))
    rows = card(Notification("a", fields={"file": "a_b_c", "run": "1742"}))["body"]

    assert made["body"][0]["items"][0]["inlines"][0]["text"] == "*a*"
    assert made["body"][1]["inlines"] == [
        {"type": "TextRun", "text": "_b_\n\u00a0\u00a0# c\n\nd"},
    ]
    assert made["body"][2] == {
        "type": "FactSet",
        "facts": [{"title": "run", "value": "1742"}, {"title": "at", "value": "10:30"}],
    }
    assert [[run["text"] for run in row["inlines"]] for row in rows[1:]] == [
        ["file: ", "a_b_c"],
        ["run: ", "1742"],
    ]


VALIDATE = """
const { AdaptiveCard, HostConfig, Version, SerializationContext } = require(
  "adaptivecards/dist/adaptivecards.js",
);
const cards = JSON.parse(require("fs").readFileSync(0, "utf8"));
const said = cards.map((json) => {
  const card = new AdaptiveCard();
  card.hostConfig = new HostConfig({ actions: { maxActions: 6 }, supportsInteractivity: true });
  const context = new SerializationContext(new Version(1, 2));
  card.parse(json, context);
  const parsed = [...Array(context.eventCount).keys()].map((n) => context.getEventAt(n).message);
  const checked = card.validateProperties().validationEvents.map((event) => event.message);
  return { faults: [...parsed, ...checked], elements: card.getItemCount() };
});
console.log(JSON.stringify(said));
"""


OWN_PROGRAMS = Path(sys.executable).parent


def validated(cards: list[Any]) -> list[dict[str, Any]]:
    """Ask Microsoft's own library what is wrong with cards; skip where it is not installed."""
    node = shutil.which("node", path=os.pathsep.join([os.environ["PATH"], str(OWN_PROGRAMS)]))
    if node is None:
        lacking("Node is not installed")
    done = subprocess.run(
        [node, "-e", VALIDATE],
        input=json.dumps(cards),
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if "Cannot find module 'adaptivecards/" in done.stderr:
        lacking("the npm package adaptivecards is not on NODE_PATH; `hatch run test` installs it")
    assert done.returncode == 0, done.stderr
    answer: list[dict[str, Any]] = json.loads(done.stdout)
    return answer


def test_teams_cards_are_valid_for_the_library_of_microsoft() -> None:
    """The library that shows Adaptive Cards finds nothing wrong in ours, and does in bad ones."""
    limits = teams("http://127.0.0.1:1/").limits()
    notifications = [
        AWKWARD,
        *(Notification("x", "body\n*b*", severity, fields={"a": "b"}) for severity in Severity),
        Notification("x", fields={"a_": "b", "c": ""}, url="https://example.com/"),
        Notification("x", links={f"{n}": f"https://example.com/{n}" for n in range(9)}),
    ]
    cards = [card(fitted(each, limits)[0]) for each in notifications]
    broken = json.loads(json.dumps(cards[0]))
    broken["body"] += [{"type": "NoSuchElement"}, {"type": "Container", "style": "nope"}]
    *ours, bad = validated([*cards, broken])

    assert [each["faults"] for each in ours] == [[]] * len(cards)
    assert [each["elements"] for each in ours] == [len(each["body"]) for each in cards]
    assert len(bad["faults"]) >= 2
