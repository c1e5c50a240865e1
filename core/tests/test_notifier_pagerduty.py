"""``pagerduty``: alerts, what acknowledges and resolves them, and what is sent again."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from brickwork import (
    Attachment,
    InvalidBlock,
    Notification,
    NotifierError,
    PagerDuty,
    Receipt,
    Secret,
    Severity,
)
from brickwork.builtin.notifiers.pagerduty import ENDPOINTS, MAX_DEDUP_KEY, _dedup_key
from brickwork.testing.loopback import LoopbackServer, Peer, Request, Serve, in_turn, reply
from brickwork.testing.services import PagerDutyEvents

KEY = "e93facc04764012d7bfb002500d5d1a6"
TAKEN = b'{"status": "success", "message": "Event processed", "dedup_key": "k"}'


def block(server: LoopbackServer, **fields: Any) -> PagerDuty:
    """Make a block for a loopback server."""
    url = PagerDutyEvents().url(server.port)
    given = {"routing_key": KEY, "endpoint": url, "timeout_seconds": 5}
    return PagerDuty.model_validate({**given, "allow_private": True, "allow_http": True, **fields})


def send(
    serve: Serve, *notifications: Notification, **fields: Any
) -> tuple[list[Receipt], list[Request]]:
    """Send notifications to a server that behaves like this."""
    with LoopbackServer(serve) as server:
        sender = block(server, **fields)
        receipts = [sender.send(each) for each in notifications or [Notification("hello")]]
        return receipts, list(server.requests)


# What arrives


def test_an_alert_has_every_part() -> None:
    """A notification is a trigger event in PagerDuty's common format."""
    events = PagerDutyEvents()
    (receipt,), _ = send(
        events.serve,
        Notification(
            "Disk full",
            "98 %\nof /var",
            severity=Severity.CRITICAL,
            fields={"host": "db1", "body": "a field of that name"},
            url="https://example.com/1742",
            dedupe_key="disk-db1",
            tags=frozenset({"db", "disk"}),
            links={"Runbook": "https://example.com/runbook", "local": "file:///x"},
            attachments=(Attachment("df.txt", b"12"),),
        ),
        source="db1.example.com",
        component="postgres",
        group="app-stack",
        event_class="disk",
    )
    (event,) = events.accepted

    assert event["payload"].pop("timestamp").endswith("Z")
    assert event == {
        "routing_key": KEY,
        "event_action": "trigger",
        "dedup_key": "disk-db1",
        "client": "Brickwork",
        "client_url": "https://example.com/1742",
        "links": [
            {"href": "https://example.com/1742"},
            {"href": "https://example.com/runbook", "text": "Runbook"},
        ],
        "payload": {
            "summary": "Disk full",
            "severity": "critical",
            "source": "db1.example.com",
            "component": "postgres",
            "group": "app-stack",
            "class": "disk",
            "custom_details": {
                "host": "db1",
                "body": "a field of that name",
                "body_": "98 %\nof /var\nlocal: file:///x\nNot attached: df.txt (2 bytes)",
                "tags": "db, disk",
            },
        },
    }
    assert (receipt.status, receipt.http_status) == ("delivered", 202)
    assert receipt.message_id == "disk-db1"


@pytest.mark.parametrize(
    ("severity", "told"),
    [
        ("info", "info"),
        ("success", "info"),
        ("warning", "warning"),
        ("error", "error"),
        ("critical", "critical"),
    ],
)
def test_severities(severity: str, told: str) -> None:
    """PagerDuty knows four of the five severities."""
    events = PagerDutyEvents()
    send(events.serve, Notification("x", severity=Severity(severity)))

    assert events.accepted[0]["payload"]["severity"] == told
    assert events.accepted[0]["payload"]["source"]


# The life of an alert


def test_success_resolves() -> None:
    """Of one dedupe key, errors are one alert, and success resolves it."""
    events = PagerDutyEvents()
    failed = Notification("Load failed", severity=Severity.ERROR, dedupe_key="load")
    worked = Notification("Load worked", severity=Severity.SUCCESS, dedupe_key="load")
    receipts, _ = send(events.serve, failed, failed, worked)

    assert events.alerts == {"load": "resolved"}
    assert events.accepted[-1] == {
        "routing_key": KEY,
        "event_action": "resolve",
        "dedup_key": "load",
    }
    assert [receipt.message_id for receipt in receipts] == ["load"] * 3


def test_success_without_a_key_or_wanted_so_is_an_alert() -> None:
    """Success resolves nothing where there is no key, or ``resolve_on_success`` is off."""
    events = PagerDutyEvents()
    send(events.serve, Notification("x", severity=Severity.SUCCESS))
    worked = Notification("x", severity=Severity.SUCCESS, dedupe_key="load")
    send(events.serve, worked, resolve_on_success=False)

    assert [event["event_action"] for event in events.accepted] == ["trigger", "trigger"]


def test_acknowledge_and_resolve() -> None:
    """An alert can be acknowledged and resolved by its key."""
    events = PagerDutyEvents()
    with LoopbackServer(events.serve) as server:
        sender = block(server)
        sender.send(Notification("x", dedupe_key="load"))
        for action, state in [(sender.acknowledge, "acknowledged"), (sender.resolve, "resolved")]:
            receipt = action("load")
            assert (receipt.status, receipt.message_id) == ("delivered", "load")
            assert events.alerts == {"load": state}
        for action in (sender.acknowledge, sender.resolve):
            with pytest.raises(NotifierError, match="empty"):
                action("")


def test_keys_with_secrets_meet() -> None:
    """The key of a notification is masked on its way; so is the one that resolves it."""
    secret = Secret("a-secret-in-a-key")
    events = PagerDutyEvents()
    with LoopbackServer(events.serve) as server:
        sender = block(server)
        sender.send(Notification("x", dedupe_key=f"load {secret.reveal()}"))
        sender.resolve(f"load {secret.reveal()}")

    assert list(events.alerts.values()) == ["resolved"]
    assert secret.reveal() not in str(events.accepted)


@given(st.text(max_size=400), st.text(max_size=400))
def test_long_keys_stay_apart(one: str, other: str) -> None:
    """Keys are cut to what PagerDuty takes, and two that differ still do."""
    keys = [_dedup_key(key) for key in (one, other, "é" * 300 + one, "é" * 300 + other)]

    assert all(len(key.encode()) <= MAX_DEDUP_KEY for key in keys)
    if one.encode("utf-8", "replace") != other.encode("utf-8", "replace") and one.isprintable():
        assert (keys[0] == keys[1]) is (one == other)
        assert (keys[2] == keys[3]) is (one == other)


# What is sent again


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_an_alert_is_sent_again_and_not_doubled(status: int, waits: list[float]) -> None:
    """After 429 and 5xx, also without a dedupe key, the same event is sent again."""
    events = PagerDutyEvents()
    lost = 0

    def losing(peer: Peer, request: Request) -> None:
        """Take the event, and answer as if it had not been, twice."""
        nonlocal lost
        lost += 1
        events.answer(request)
        reply(status)(peer, request) if lost < 3 else reply(202, TAKEN)(peer, request)

    (receipt,), requests = send(losing, Notification("x"))

    assert (receipt.status, receipt.attempts) == ("delivered", 3)
    assert len({request.body for request in requests}) == 1
    assert list(events.alerts.values()) == ["triggered"]


def test_a_lost_answer_is_sent_again(waits: list[float]) -> None:
    """When the connection breaks or nothing comes, the same event is sent again."""
    events = PagerDutyEvents()
    (receipt,), _ = send(in_turn(lambda peer, _: peer.reset(), events.serve))

    assert (receipt.status, receipt.attempts) == ("delivered", 2)
    assert len(events.alerts) == 1


def test_a_throttled_key_does_not_hold_up_another(waits: list[float]) -> None:
    """The limit is one of the service behind a key: all share one URL."""
    events = PagerDutyEvents()
    with LoopbackServer(
        in_turn(reply(429, headers={"Retry-After": "900"}), events.serve)
    ) as server:
        throttled = block(server).send(Notification("x"))
        other = block(server, routing_key="0" * 32).send(Notification("x"))

    assert (throttled.status, other.status) == ("failed", "delivered")
    assert "900 s" in throttled.detail


@pytest.mark.parametrize(
    ("status", "body", "outcome", "says"),
    [
        (
            400,
            b'{"status":"invalid event","errors":["routing_key should be 32 characters"]}',
            "refused",
            "should be 32 characters",
        ),
        (404, b"", "refused", "HTTP 404"),
        (413, b"", "refused", "HTTP 413"),
        (
            200,
            b'{"status":"invalid event","message":"not valid","errors":["no source"]}',
            "refused",
            "no source",
        ),
        (200, b"<html>welcome", "failed", "no answer of the Events API"),
        (202, b"", "failed", "no answer of the Events API"),
        (202, b'{"message": "ok"}', "refused", "ok"),
    ],
)
def test_refused_is_final(
    status: int, body: bytes, outcome: str, says: str, waits: list[float]
) -> None:
    """Only ``success`` is a delivery; what was refused is not sent again."""
    (receipt,), requests = send(reply(status, body))

    assert (receipt.status, receipt.http_status) == (outcome, status)
    assert says in receipt.detail
    assert (len(requests), waits) == (1, [])


def test_the_routing_key_is_secret() -> None:
    """An answer that quotes the event does not bring the routing key into a receipt."""

    def quoting(peer: Peer, request: Request) -> None:
        reply(400, request.body)(peer, request)

    (receipt,), requests = send(quoting)

    assert KEY in requests[0].body.decode()
    assert KEY not in repr(receipt)
    assert "routing_key" in receipt.detail


# The block


def test_regions() -> None:
    """Each service region has its address."""
    made = {
        region: PagerDuty.model_validate({"routing_key": KEY, "region": region}).describe()
        for region in ENDPOINTS
    }
    assert made == {
        "us": "pagerduty:https://events.pagerduty.com",
        "eu": "pagerduty:https://events.eu.pagerduty.com",
    }


def test_check_sends_nothing() -> None:
    """Any event would be an alert: the check connects, and says what that leaves open."""
    with LoopbackServer(reply(202)) as server:
        report = block(server).check()

    assert [(each.status, each.what) for each in report.findings] == [
        ("ok", "connection"),
        ("skipped", "routing key"),
    ]
    assert server.requests == []


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"routing_key": "u+wkQxr3FzTDJt5bJxyz"}, "32 letters"),
        ({"routing_key": "é" * 32}, "32 letters"),
        ({"region": "asia"}, "region"),
        ({"source": ""}, "source"),
        ({"component": "x" * 300}, "component"),
        ({"endpoint": "http://example.com/", "allow_http": False}, "is http"),
    ],
)
def test_unusable_fields_are_refused(fields: dict[str, Any], says: str) -> None:
    """A block that could never send is not made; the error shows no key."""
    with pytest.raises(InvalidBlock, match=says) as caught:
        PagerDuty.model_validate({"routing_key": KEY, **fields})
    assert "wkQxr3" not in str(caught.value)


def test_an_event_is_as_large_as_it_may_be() -> None:
    """A body of a megabyte fills an event to nearly 512 KB, and is one event."""
    events = PagerDutyEvents()
    (receipt,), (request,) = send(events.serve, Notification("x", 'é"' * 500_000))

    assert receipt.delivered
    assert 400 * 1024 < len(request.body) <= 512 * 1024
    details = json.loads(request.body)["payload"]["custom_details"]
    assert details["body"].endswith("more characters")
