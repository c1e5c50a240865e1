"""``teams-webhook``: the cards, their size, and what an answer of Power Automate means."""

import json
from typing import Any

import pytest

from brickwork import (
    Attachment,
    InvalidBlock,
    Notification,
    Overflow,
    Receipt,
    Severity,
    TeamsWebhook,
)
from brickwork.builtin.notifiers.teams import MAX_CARD_BYTES
from brickwork.testing.loopback import LoopbackServer, Peer, Request, Serve, reply
from brickwork.testing.services import Workflow


def block(server: LoopbackServer, **fields: Any) -> TeamsWebhook:
    """Make a block for a loopback server."""
    given = {"allow_private": True, "allow_http": True, "timeout_seconds": 5}
    url = Workflow().url(server.port)
    return TeamsWebhook.model_validate({"url": url, **given, **fields})


def send(
    serve: Serve, notification: Notification | None = None, **fields: Any
) -> tuple[Receipt, list[Request]]:
    """Send one notification to a server that behaves like this."""
    with LoopbackServer(serve) as server:
        receipt = block(server, **fields).send(notification or Notification("hello"))
        return receipt, list(server.requests)


def cards(workflow: Workflow) -> list[dict[str, Any]]:
    """Return the cards that were taken."""
    return [message["attachments"][0]["content"] for message in workflow.accepted]


def texts(element: dict[str, Any]) -> list[str]:
    """Return the texts of an element, in order."""
    own = [run["text"] for run in element.get("inlines", [])]
    return own + [text for item in element.get("items", []) for text in texts(item)]


# What arrives


def test_a_card_has_every_part() -> None:
    """Title, severity, tags, body, fields and links have their places, in the severity's style."""
    workflow = Workflow()
    receipt, requests = send(
        workflow.serve,
        Notification(
            "Load failed \U0001f600",
            "3 of 40\nfiles",
            severity=Severity.ERROR,
            fields={"run": "1742"},
            url="https://example.com/1742",
            tags=frozenset({"etl", "db"}),
            links={"Runbook": "https://example.com/runbook"},
        ),
    )
    (made,) = cards(workflow)
    head, body, facts = made["body"]

    assert requests[0].headers["content-type"] == "application/json; charset=utf-8"
    assert (head["style"], head["bleed"], made["msteams"]) == ("attention", True, {"width": "Full"})
    assert texts(head) == ["Load failed \U0001f600", "ERROR \u00b7 db \u00b7 etl"]
    assert texts(body) == ["3 of 40\nfiles"]
    assert facts["facts"] == [{"title": "run", "value": "1742"}]
    assert [(each["title"], each["url"]) for each in made["actions"]] == [
        ("Open", "https://example.com/1742"),
        ("Runbook", "https://example.com/runbook"),
    ]
    assert (receipt.status, receipt.http_status) == ("delivered", 202)
    assert receipt.message_id == "08581CU"


def test_a_title_alone_is_a_card() -> None:
    """There is nothing empty in a card of little."""
    workflow = Workflow()
    receipt, _ = send(workflow.serve, Notification("x", " \n "))

    assert receipt.delivered
    assert len(cards(workflow)[0]["body"]) == 1
    assert "actions" not in cards(workflow)[0]


def test_more_links_than_buttons_are_lines() -> None:
    """Teams shows six buttons; the other links, and those that are none, are in the body."""
    workflow = Workflow()
    links = {f"link {n}": f"https://example.com/{n}" for n in range(8)}
    send(
        workflow.serve,
        Notification("x", "y", links={"note": "not a URL", **links}, url="https://example.com/"),
    )
    (made,) = cards(workflow)

    assert [each["title"] for each in made["actions"]] == [
        "Open",
        *(f"link {n}" for n in range(5)),
    ]
    assert texts(made["body"][1])[0].split("\n") == [
        "y",
        "note: not a URL",
        *(f"link {n}: https://example.com/{n}" for n in range(5, 8)),
    ]


def test_files_are_named() -> None:
    """A webhook takes no files: the card says which there were."""
    workflow = Workflow()
    file = Attachment("log.txt", b"x" * 2000)
    send(workflow.serve, Notification("x", attachments=(file,)))

    assert texts(cards(workflow)[0]["body"][1]) == ["Not attached: log.txt (2,000 bytes)"]


@pytest.mark.parametrize("letter", ["a", "\\", '"', "*", "é", "日", "\U0001f600", "\x01", "\t"])
def test_a_card_is_full_but_not_too_large(letter: str) -> None:
    """However its letters are written in JSON, a long body fills a card and stays within it."""
    workflow = Workflow()
    receipt, (request,) = send(workflow.serve, Notification("x", letter * 50_000))

    assert receipt.delivered
    assert 0.6 * MAX_CARD_BYTES < len(request.body) <= MAX_CARD_BYTES
    assert texts(cards(workflow)[0]["body"][1])[0].endswith("more characters")


def test_a_long_body_is_split() -> None:
    """With ``split`` all lines arrive, in order, in numbered cards."""
    workflow = Workflow()
    lines = [f"line {n} with {{json}} and \\back\\slashes" for n in range(1200)]
    receipt, _ = send(workflow.serve, Notification("x", "\n".join(lines)), overflow=Overflow.SPLIT)
    arrived = "\n".join(texts(made["body"][1])[0] for made in cards(workflow))

    assert receipt.delivered
    assert arrived.split("\n") == lines
    assert (
        texts(cards(workflow)[-1]["body"][0])[0] == f"x ({len(cards(workflow))}/{receipt.attempts})"
    )


# What an answer means


@pytest.mark.parametrize(
    ("status", "body", "outcome", "says"),
    [
        (202, b"", "delivered", ""),
        (200, b"1", "delivered", ""),
        (200, b'{"error": {"code": "Broken"}}', "refused", "Broken"),
        (
            200,
            b"Delivery failed: Microsoft Teams endpoint returned HTTP error 413",
            "refused",
            "HTTP error 413",
        ),
        (400, b'{"error": {"code": "TriggerInputSchemaMismatch"}}', "refused", "SchemaMismatch"),
        (401, b'{"error": {"code": "DirectApiAuthorizationRequired"}}', "refused", "HTTP 401"),
        (404, b'{"error": {"code": "WorkflowNotFound"}}', "refused", "WorkflowNotFound"),
        (413, b"", "refused", "HTTP 413"),
        (500, b"", "failed", "HTTP 500"),
        (502, b"", "failed", "HTTP 502"),
    ],
)
def test_answers(status: int, body: bytes, outcome: str, says: str, waits: list[float]) -> None:
    """Only what the workflow took is delivered; nothing of these is sent again."""
    receipt, requests = send(reply(status, body))

    assert (receipt.status, receipt.http_status) == (outcome, status)
    assert says in receipt.detail
    assert (len(requests), waits) == (1, [])


def test_throttled_is_sent_again(waits: list[float]) -> None:
    """After 429 it waits as long as Power Automate asks."""
    rest = iter([reply(429, b"", {"Retry-After": "6"}), reply(202)])
    receipt, _ = send(lambda peer, request: next(rest)(peer, request))

    assert (receipt.status, receipt.attempts, waits) == ("delivered", 2, [6.0])


def test_silence_is_not_sent_again(waits: list[float]) -> None:
    """A workflow cannot tell what it has had: without an answer it is sent once."""

    def silent(peer: Peer, _: Request) -> None:
        peer.pause()

    receipt, requests = send(silent, timeout_seconds=0.3)

    assert (receipt.status, len(requests)) == ("failed", 1)


def test_the_signature_is_secret() -> None:
    """Nothing of the URL but its host shows, also when the answer quotes it."""

    def quoting(peer: Peer, request: Request) -> None:
        reply(400, json.dumps({"error": request.line}).encode())(peer, request)

    receipt, requests = send(quoting)

    assert "aSignature-of-a-workflow" in requests[0].line
    assert "aSignature-of-a-workflow" not in repr(receipt)
    assert Workflow.path.split("/")[2] not in repr(receipt)
    assert receipt.target.startswith("teams-webhook:http://127.0.0.1:")


def test_check_does_not_call_the_workflow() -> None:
    """A call would post a card: the check connects, and says what that leaves open."""
    with LoopbackServer(reply(202)) as server:
        report = block(server).check()

    assert [(each.status, each.what) for each in report.findings] == [
        ("ok", "connection"),
        ("skipped", "workflow"),
    ]
    assert server.requests == []


def test_a_url_that_is_none_is_refused() -> None:
    """A block that could never send is not made."""
    with pytest.raises(InvalidBlock, match="is http"):
        TeamsWebhook.model_validate({"url": "http://example.com/x"})
