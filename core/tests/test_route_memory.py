"""Routes: what is held back, who is told how many, and what survives a restart."""

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given, settings, strategies as st
from pydantic import Field

from brickwork import (
    Block,
    DeliveryStatus,
    Notification,
    Notifier,
    NotifyRoute,
    Receipt,
    RouteTarget,
    Severity,
    StoreError,
    Vault,
    ledger,
    ledger_of,
    use_vault,
)
from brickwork.builtin.notifiers.route.memory import Memory, Rules
from brickwork.ledger import ProcessLedger

SENT: list[Notification] = []
ANSWER: list[DeliveryStatus] = []


@pytest.fixture(autouse=True)
def fresh() -> None:
    """No test sees what another one sent."""
    SENT.clear()
    ANSWER.clear()
    ledger._of_blocks.clear()


class Bell(Block, Notifier):
    """A notifier that keeps what it is given."""

    slug: ClassVar[str] = "routetest-bell"
    name_of_it: str = Field(default="bell", description="Its name.")

    def deliver(self, notification: Notification) -> Receipt:
        status = ANSWER[0] if ANSWER else DeliveryStatus.DELIVERED
        if status is DeliveryStatus.DELIVERED:
            SENT.append(notification)
        return Receipt("bell", status)

    def describe(self) -> str:
        return "bell"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A wall clock that stands still until it is moved."""
    now = [1_790_000_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    return now


def saved(**options: object) -> NotifyRoute:
    """A saved route, as another process would load it."""
    block = NotifyRoute.model_validate({"targets": [RouteTarget(to=Bell())], **options})
    block.save("r", overwrite=True)
    return NotifyRoute.load("r")


def error(title: str = "db is down", key: str | None = "db", **parts: object) -> Notification:
    """A notification of severity error."""
    parts = {"severity": Severity.ERROR, **parts}
    return Notification(title, dedupe_key=key, **parts)  # type: ignore[arg-type]  # a test's choice


# Deduplication


def test_repeated_incident_is_held_and_counted(clock: list[float]) -> None:
    """Within the time the same incident is held back; the next one after it says how many were."""
    route = saved(dedupe_seconds=300)
    assert route.send(error()).delivered
    for number in range(12):
        clock[0] += 10
        receipt = route.send(error())
        assert (receipt.status, receipt.attempts, receipt.failed) == ("held", 0, False)
        counted = "once" if number == 0 else f"{number + 1} times"
        assert receipt.detail == f"told {10 * (number + 1)} s ago, and counted: {counted} since"
    clock[0] += 300
    assert route.send(error(body="still down")).delivered

    assert SENT[0].body == ""
    assert SENT[1].body == "still down\n12 more like this since 14:13 UTC."
    assert len(SENT) == 2


def test_another_incident_is_told(clock: list[float]) -> None:
    """Only the same key is the same incident; without a key nothing is."""
    route = saved()
    assert route.send(error(key="a")).delivered
    assert route.send(error(key="b")).delivered
    assert route.send(error(key=None)).delivered
    assert route.send(error(key=None)).delivered
    assert route.send(error(key="a")).status == "held"


def test_titles_may_be_keys(clock: list[float]) -> None:
    """With ``dedupe_by`` title, the same title is the same incident where there is no key."""
    route = saved(dedupe_by="title")
    assert route.send(error("full", key=None)).delivered
    assert route.send(error("full", key=None)).status == "held"
    assert route.send(error("empty", key=None)).delivered
    assert route.send(error("full", key="full")).delivered


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("error", "error", False),
        ("error", "critical", True),
        ("critical", "error", False),
        ("warning", "error", True),
        ("error", "warning", False),
        ("error", "success", True),
        ("success", "error", True),
        ("success", "success", False),
        ("error", "info", True),
    ],
)
def test_news_is_told(first: str, second: str, told: bool, clock: list[float]) -> None:
    """What is worse than was told, and good news after bad, is no repetition."""
    route = saved()
    route.send(error(severity=first))
    receipt = route.send(error(severity=second))

    assert receipt.delivered == told


def test_zero_tells_everything(clock: list[float]) -> None:
    """Without a time for it nothing is a repetition."""
    route = saved(dedupe_seconds=0)
    assert [route.send(error()).status for _ in range(3)] == ["delivered"] * 3


@pytest.mark.parametrize("answer", ["failed", "refused"])
def test_undelivered_incident_is_no_repetition(answer: str, clock: list[float]) -> None:
    """What nobody got does not hold the next one back, and no count is lost by it."""
    route = saved(dedupe_seconds=300)
    route.send(error())
    for _ in range(4):
        route.send(error())
    clock[0] += 301
    ANSWER.append(DeliveryStatus(answer))
    assert route.send(error()).status == answer
    ANSWER.clear()
    assert route.send(error()).delivered
    assert "4 more like this since" in SENT[-1].body


# Throttle


def test_throttle_counts_by_severity(clock: list[float]) -> None:
    """Over the limit all but the most severe are held back; the next one says how many, of what."""
    route = saved(max_notifications=2, throttle_seconds=60)
    sent = [route.send(Notification(str(n))).status for n in range(5)]
    assert sent == ["delivered", "delivered", "held", "held", "held"]
    assert route.send(error(key=None)).status == "held"
    assert route.send(Notification("!", severity=Severity.CRITICAL)).delivered
    assert "4 more were held back since" in SENT[-1].body
    assert SENT[-1].body.endswith("1 error, 3 info.")
    clock[0] += 61
    assert route.send(Notification("later")).delivered
    assert SENT[-1].body == ""


def test_throttle_slides(clock: list[float]) -> None:
    """In no stretch of that length are more sent than allowed."""
    route = saved(max_notifications=3, throttle_seconds=60, always="critical")
    times = []
    for _ in range(200):
        clock[0] += 7
        if route.send(Notification("x")).delivered:
            times.append(clock[0])
    assert len(times) > 60
    assert all(later - early >= 60 for early, later in zip(times, times[3:], strict=False))


def test_undelivered_takes_no_place_in_the_throttle(clock: list[float]) -> None:
    """What nobody got does not use the limit up."""
    route = saved(max_notifications=1)
    ANSWER.append(DeliveryStatus.FAILED)
    for _ in range(3):
        assert route.send(Notification("x")).status == "failed"
    ANSWER.clear()
    assert route.send(Notification("x")).delivered
    assert route.send(Notification("x")).status == "held"


# Telling what was held back


def test_flush_tells_everything_once(clock: list[float]) -> None:
    """``flush`` sends one notification per incident, one for the throttle, and then nothing."""
    route = saved(dedupe_seconds=300, max_notifications=3)
    for _ in range(3):
        route.send(error("a is down", key="a", thread_key="t", tags=frozenset({"x"})))
        route.send(error("b is down", key="b"))
    route.send(Notification("c"))
    route.send(Notification("d"))
    SENT.clear()
    receipts = route.flush()

    assert [receipt.status for receipt in receipts] == ["delivered"] * 3
    found = {each.title: each for each in SENT}
    assert set(found) == {"a is down", "b is down", "1 notification was held back"}
    assert found["a is down"].body.startswith("2 more like this since ")
    assert (found["a is down"].thread_key, found["a is down"].dedupe_key) == ("t", "a")
    assert found["a is down"].tags == {"x"}
    assert found["a is down"].severity == "error"
    assert route.flush() == []


def test_flush_that_fails_keeps_the_count(clock: list[float]) -> None:
    """What could not be told is told by the next flush."""
    route = saved(max_notifications=1)
    for _ in range(3):
        route.send(error())
    route.send(Notification("x"))
    ANSWER.append(DeliveryStatus.FAILED)
    assert [receipt.status for receipt in route.flush()] == ["failed", "failed"]
    ANSWER.clear()
    SENT.clear()
    assert [receipt.status for receipt in route.flush()] == ["delivered", "delivered"]
    assert {each.body.split(" since")[0] for each in SENT} == {
        "2 more like this",
        "1 more were held back",
    }


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 120), st.sampled_from("abc")), max_size=60))
def test_every_notification_is_told_or_counted(events: list[tuple[int, str]]) -> None:
    """Whatever comes when: what was sent plus what it counted is what came, for each incident."""
    patch = pytest.MonkeyPatch()
    now = [1_790_000_000.0]
    patch.setattr(time, "time", lambda: now[0])
    memory = Memory(ProcessLedger(), Rules(100, None, 60, Severity.CRITICAL))
    told = dict.fromkeys("abc", 0)
    came = dict.fromkeys("abc", 0)
    try:
        for wait, key in events:
            now[0] += wait
            came[key] += 1
            decision = memory.decide(error(key, key=key), key)
            if not decision.held:
                told[key] += 1 + sum(int(text.split()[0]) for text in decision.counts)
        for held in memory.take_held():
            told[held.notification.title] += held.counts["held"]
    finally:
        patch.undo()
    assert told == came


# Across processes and restarts

_ANOTHER_PROCESS = """
from brickwork import Notification, Severity
from brickwork.vault.current import current_vault
import brickwork
route = brickwork.NotifyRoute.load("shared")
print(route.send(Notification("down", severity=Severity.ERROR, dedupe_key="k")).status)
"""


def test_a_restart_forgets_nothing() -> None:
    """Another process that loads the route holds back what this one has told."""
    from brickwork import Console

    NotifyRoute(targets=[RouteTarget(to=Console())], dedupe_seconds=3600).save("shared")
    statuses = [
        subprocess.run(
            [sys.executable, "-c", _ANOTHER_PROCESS], capture_output=True, text=True, check=True
        ).stdout.strip()
        for _ in range(3)
    ]
    assert statuses == ["delivered", "held", "held"]


def test_new_version_of_a_route_remembers(clock: list[float]) -> None:
    """Changing a route does not make it tell everything again; deleting it does."""
    assert saved(dedupe_seconds=300).send(error()).delivered
    assert saved(dedupe_seconds=200).send(error()).status == "held"
    with Vault.open() as vault:
        vault.delete("notify-route/r")
    assert saved(dedupe_seconds=200).send(error()).delivered


def test_unsaved_route_remembers_in_this_process(clock: list[float]) -> None:
    """A route that is not saved holds back too, as long as the process lives."""
    route = NotifyRoute(targets=[RouteTarget(to=Bell(name_of_it="unsaved"))])
    assert route.send(error()).delivered
    assert route.send(error()).status == "held"


def test_ledger_that_cannot_be_read_holds_nothing(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message matters more than a count: without the ledger everything is sent, and says so."""
    route = saved()
    kind = type(ledger_of(route))

    def broken(*_: object, **__: object) -> None:
        raise StoreError("The disk is full.")

    for method in ("transaction", "get", "entries"):
        monkeypatch.setattr(kind, method, broken)
    first, second = route.send(error()), route.send(error())

    assert first.delivered
    assert second.delivered
    assert first.detail == "sent without looking at what was sent before: The disk is full."


def test_route_of_another_vault(clock: list[float], memory_vault: Vault, tmp_path: Path) -> None:
    """A route that was loaded from one vault writes nothing into another one."""
    route = saved()
    assert route.send(error()).delivered
    with Vault.open(str(tmp_path / "other.db"), f"file:{tmp_path / 'key'}") as other:
        other.save(Bell(), "other")
        with use_vault(other):
            assert route.send(error()).delivered
            assert route.send(error()).status == "held"
    with closing(sqlite3.connect(tmp_path / "other.db")) as database:
        assert database.execute("SELECT count(*) FROM ledger").fetchone() == (0,)
    assert route.send(error()).status == "held"


def test_killed_sender_does_not_silence_an_incident(clock: list[float]) -> None:
    """What was on its way when its process died is told again, and not held back for long."""
    route = saved(dedupe_seconds=24 * 3600)
    rules = Rules(24 * 3600, None, 60, Severity.CRITICAL)
    decision = Memory(ledger_of(route), rules).decide(error(), "key:db")
    assert decision.mark is not None  # and the process is killed before it is settled
    clock[0] += 60
    assert route.send(error()).status == "held"
    clock[0] += 300
    assert route.send(error()).delivered
    assert "1 more like this since" in SENT[-1].body
