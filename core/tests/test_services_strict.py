"""The servers that stand for Discord, Power Automate and PagerDuty refuse what these refuse."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from brickwork.testing.loopback import Request
from brickwork.testing.services import Discord, PagerDutyEvents, Service, Workflow

Change = Callable[[dict[str, Any]], object]

EMBED = {
    "title": "x",
    "description": "y",
    "color": 1,
    "url": "https://example.com/",
    "timestamp": "2026-11-23T10:00:00Z",
    "footer": {"text": "z"},
    "fields": [{"name": "a", "value": "b", "inline": True}],
}
GOOD: dict[type[Service], dict[str, Any]] = {
    Discord: {"embeds": [EMBED], "allowed_mentions": {"parse": ["everyone"], "roles": ["1"]}},
    Workflow: {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "content": {
                    "type": "AdaptiveCard",
                    "version": "1.2",
                    "body": [
                        {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": "x"}]},
                        {"type": "FactSet", "facts": [{"title": "a", "value": "b"}]},
                    ],
                    "actions": [
                        {"type": "Action.OpenUrl", "title": "x", "url": "https://example.com/"}
                    ],
                },
            }
        ],
    },
    PagerDutyEvents: {
        "routing_key": "x" * 32,
        "event_action": "trigger",
        "dedup_key": "k",
        "payload": {"summary": "x", "severity": "info", "source": "y"},
        "links": [{"href": "https://example.com/", "text": "x"}],
    },
}


def posted(service: Service, message: dict[str, Any]) -> int:
    """Return the status with which a service answers a message."""
    line = f"POST {service.path}{service.query or '?wait=true'} HTTP/1.1"
    headers = {"content-type": "application/json"}
    return service.answer(Request(line, headers, json.dumps(message).encode()))[0]


def embed(name: str, value: Any) -> Change:
    """Change a part of the embed."""
    return lambda message: message["embeds"][0].update({name: value})


def card(change: Change) -> Change:
    """Change the card."""
    return lambda message: change(message["attachments"][0]["content"])


def action(**more: Any) -> dict[str, Any]:
    """Make a button."""
    return {"type": "Action.OpenUrl", "title": "x", "url": "https://example.com/", **more}


def test_what_is_right_is_taken() -> None:
    """Each takes the message of which the bad ones below are changes."""
    assert [posted(kind(), message) for kind, message in GOOD.items()] == [200, 202, 202]


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (Discord, lambda m: m.update(embeds=[])),
        (Discord, lambda m: m.update(embeds=[EMBED] * 11)),
        (Discord, lambda m: m.update(content="x" * 2001)),
        (Discord, lambda m: m.update(username="x" * 81)),
        (Discord, lambda m: m.update(text="unknown")),
        (Discord, lambda m: m.update(thread_name="no forum")),
        (Discord, lambda m: m.update(attachments=[{"id": 0, "filename": "no file"}])),
        (Discord, lambda m: m.update(allowed_mentions={"parse": ["all"]})),
        (Discord, lambda m: m.update(allowed_mentions={"roles": ["x"]})),
        (Discord, lambda m: m.update(allowed_mentions={"parse": ["users"], "users": ["1"]})),
        (Discord, embed("title", "")),
        (Discord, embed("title", " ")),
        (Discord, embed("title", "x" * 257)),
        (Discord, embed("description", "x" * 4097)),
        (Discord, embed("footer", {"text": "x" * 2049})),
        (Discord, embed("url", "http://localhost/x")),
        (Discord, embed("url", "ftp://example.com/x")),
        (Discord, embed("color", 0x1000000)),
        (Discord, embed("timestamp", "now")),
        (Discord, embed("author", "unknown here")),
        (Discord, embed("fields", [{"name": "", "value": "x"}])),
        (Discord, embed("fields", [{"name": "x", "value": " "}])),
        (Discord, embed("fields", [{"name": "x", "value": "x" * 1025}])),
        (Discord, embed("fields", [{"name": "x", "value": "x"}] * 26)),
        (Discord, embed("fields", [{"name": "x", "value": "x" * 1000}] * 6)),
        (Workflow, lambda m: m.update(type="text")),
        (Workflow, lambda m: m["attachments"][0].update(contentType="text/plain")),
        (Workflow, lambda m: m.update(padding="x" * 28 * 1024)),
        (Workflow, card(lambda c: c.update(version="1.9"))),
        (Workflow, card(lambda c: c.update(body=[]))),
        (Workflow, card(lambda c: c.update(msteams={"width": "Wide"}))),
        (Workflow, card(lambda c: c["body"].append({"type": "TextBlock", "text": "*x*"}))),
        (Workflow, card(lambda c: c["body"][0].update(inlines=[]))),
        (Workflow, card(lambda c: c["body"][0]["inlines"][0].update(text=""))),
        (Workflow, card(lambda c: c["body"][0]["inlines"][0].update(size="Huge"))),
        (Workflow, card(lambda c: c["body"][1]["facts"][0].update(title=""))),
        (Workflow, card(lambda c: c.update(actions=[action()] * 7))),
        (Workflow, card(lambda c: c.update(actions=[action(url="javascript:x")]))),
        (Workflow, card(lambda c: c.update(actions=[action(type="Action.Submit")]))),
        (PagerDutyEvents, lambda m: m.update(routing_key="x")),
        (PagerDutyEvents, lambda m: m.update(event_action="open")),
        (PagerDutyEvents, lambda m: m.update(dedup_key="x" * 256)),
        (PagerDutyEvents, lambda m: m.update(event_action="resolve", dedup_key="")),
        (PagerDutyEvents, lambda m: m.pop("payload")),
        (PagerDutyEvents, lambda m: m["payload"].update(summary="")),
        (PagerDutyEvents, lambda m: m["payload"].update(summary="x" * 1025)),
        (PagerDutyEvents, lambda m: m["payload"].update(severity="success")),
        (PagerDutyEvents, lambda m: m["payload"].pop("source")),
        (PagerDutyEvents, lambda m: m["payload"].update(timestamp="now")),
        (PagerDutyEvents, lambda m: m["payload"].update(custom_details="x")),
        (PagerDutyEvents, lambda m: m.update(links=[{"href": "file:///x"}])),
        (PagerDutyEvents, lambda m: m.update(client="x" * 512 * 1024)),
    ],
)
def test_what_is_wrong_is_refused(kind: type[Service], change: Change) -> None:
    """Each refuses a message that breaks one of its rules, and says which."""
    service = kind()
    message = copy.deepcopy(GOOD[kind])
    change(message)

    assert posted(service, message) == 400
    assert len(service.refused) >= 1
    assert service.accepted == []


def test_what_is_no_json_is_refused() -> None:
    """Neither text, nor JSON that is no object, nor what is not UTF-8 passes."""
    for kind in GOOD:
        for body in (b"", b"text", b"[]", b'{"a": "\xff"}'):
            service = kind()
            line = f"POST {service.path}{service.query} HTTP/1.1"
            request = Request(line, {"content-type": "application/json"}, body)
            assert service.answer(request)[0] == 400
