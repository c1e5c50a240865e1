"""Routes: who is sent what, who stands in for whom, and what the receipt says."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import pytest
from pydantic import Field

from brickwork import (
    Attachment,
    Block,
    CheckReport,
    DeliveryStatus,
    Finding,
    InvalidBlock,
    Limits,
    MessageTemplate,
    Notification,
    Notifier,
    NotifyRoute,
    Receipt,
    RouteTarget,
    Scope,
    Settings,
    Severity,
    ledger,
    notify,
)
from brickwork.vault.current import current_vault

SENT: dict[str, list[Notification]] = {}
ANSWERS: dict[str, DeliveryStatus] = {}
GATES: dict[str, threading.Event] = {}


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """No test sees what another one sent."""
    for each in (SENT, ANSWERS, GATES):
        each.clear()
    ledger._of_blocks.clear()
    yield
    for gate in GATES.values():
        gate.set()


class Pager(Block, Notifier):
    """A notifier that keeps what it is given, and answers as the test says."""

    slug: ClassVar[str] = "routetest-pager"
    who: str = Field(description="Whose it is.")

    def deliver(self, notification: Notification) -> Receipt:
        if self.who in GATES:
            GATES[self.who].wait(10)
        SENT.setdefault(self.who, []).append(notification)
        status = ANSWERS.get(self.who, DeliveryStatus.DELIVERED)
        return Receipt(self.describe(), status, message_id=f"{self.who}-1", detail=f"is {status}")

    def describe(self) -> str:
        return f"pager:{self.who}"

    def limits(self) -> Limits:
        return Limits(attachments=5)

    def check(self) -> CheckReport:
        if self.who == "raising":
            raise RuntimeError
        status = "failed" if ANSWERS.get(self.who) else "ok"
        return CheckReport((Finding(status, "line"),))  # type: ignore[arg-type]  # one of its words


def to(who: str, **options: object) -> RouteTarget:
    """A target."""
    return RouteTarget.model_validate({"to": Pager(who=who), **options})


def route(*targets: RouteTarget, **options: object) -> NotifyRoute:
    """A route that is not saved."""
    return NotifyRoute.model_validate({"targets": list(targets), **options})


def titles(who: str) -> list[str]:
    """What somebody was sent."""
    return [notification.title for notification in SENT.get(who, [])]


@contextmanager
def closed(*names: str) -> Iterator[None]:
    """Somebody takes nothing until the block ends."""
    GATES.update({name: threading.Event() for name in names})
    yield
    for name in names:
        GATES[name].set()


# Who is sent what


def test_every_target_gets_it_whole() -> None:
    """Without floors and tags, each target gets all of a notification, and has a receipt."""
    notification = Notification(
        "down",
        "since noon",
        Severity.ERROR,
        {"host": "a"},
        "https://example.com",
        "thread",
        "incident",
        tags=frozenset({"db"}),
        links={"Runbook": "https://example.com/r"},
        html="<b>since noon</b>",
        attachments=(Attachment("log.txt", b"x"),),
    )
    receipt = route(to("ann"), to("bob")).send(notification)

    assert SENT["ann"] == SENT["bob"] == [notification]
    assert receipt.delivered
    assert [part.target for part in receipt.parts] == ["pager:ann", "pager:bob"]
    assert (receipt.attempts, receipt.message_id) == (2, "ann-1")


@pytest.mark.parametrize("floor", list(Severity))
@pytest.mark.parametrize("severity", list(Severity))
def test_floor_lets_through_what_reaches_it(floor: Severity, severity: Severity) -> None:
    """A target gets what matters at least as much as its floor says, and nothing else."""
    receipt = route(to("ann", at_least=floor)).send(Notification("x", severity=severity))

    order = list(Severity)
    through = order.index(severity) >= order.index(floor)
    assert bool(titles("ann")) == through
    assert receipt.status == ("delivered" if through else "skipped")
    assert not receipt.failed


def test_tags_choose_targets() -> None:
    """A target with tags gets what has one of them; one without gets everything."""
    both = route(to("dba", tags={"db", "disk"}), to("all"))
    both.send(Notification("one", tags=frozenset({"db", "web"})))
    both.send(Notification("two", tags=frozenset({"web"})))
    both.send(Notification("three"))

    assert titles("dba") == ["one"]
    assert titles("all") == ["one", "two", "three"]


def test_nobody_wants_it() -> None:
    """What no target takes is skipped, which is no failure, and says why."""
    receipt = route(to("ann", tags={"db"})).send(Notification("x", tags=frozenset({"web"})))

    assert (receipt.status, receipt.attempts, receipt.failed) == ("skipped", 0, False)
    assert receipt.detail == "no target takes info with web"


# Who stands in


def test_backup_gets_only_what_failed() -> None:
    """A backup is sent what the target before it did not deliver, and nothing else."""
    chain = route(to("chat"), to("mail", backup=True), to("pager", backup=True), rest_seconds=0)
    assert chain.send(Notification("one")).delivered
    ANSWERS["chat"] = DeliveryStatus.FAILED
    two = chain.send(Notification("two"))
    ANSWERS["mail"] = DeliveryStatus.REFUSED
    three = chain.send(Notification("three"))

    assert titles("mail") == ["two", "three"]
    assert titles("pager") == ["three"]
    assert two.delivered
    assert two.detail == "pager:mail took over from pager:chat"
    assert [part.status for part in three.parts] == ["failed", "refused", "delivered"]
    assert three.message_id == "pager-1"


def test_backup_does_not_stand_in_for_another_target() -> None:
    """A backup belongs to the target before it; the failure of a later one is not its matter."""
    ANSWERS["b"] = DeliveryStatus.FAILED
    receipt = route(to("a"), to("backup of a", backup=True), to("b")).send(Notification("x"))

    assert titles("backup of a") == []
    assert (receipt.status, receipt.delivered) == ("failed", False)
    assert receipt.detail == "pager:b: is failed"


def test_backup_of_a_target_that_did_not_want_it() -> None:
    """Where a target does not take a notification nothing failed, and no backup is sent it."""
    receipt = route(to("a", at_least="error"), to("b", backup=True)).send(Notification("x"))

    assert SENT == {}
    assert receipt.status == "skipped"


def test_backup_has_a_floor_too() -> None:
    """A backup that does not take a notification is passed over for the next one."""
    ANSWERS["chat"] = DeliveryStatus.FAILED
    chain = route(to("chat"), to("pager", backup=True, at_least="error"), to("mail", backup=True))
    chain.send(Notification("x"))

    assert (titles("pager"), titles("mail")) == ([], ["x"])


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ("delivered delivered", "delivered"),
        ("delivered refused", "refused"),
        ("refused refused", "refused"),
        ("refused failed", "failed"),
        ("failed delivered", "failed"),
    ],
)
def test_route_is_delivered_only_if_all_are(answers: str, status: str) -> None:
    """One target without it, and the whole is not delivered."""
    for who, answer in zip("ab", answers.split(), strict=True):
        ANSWERS[who] = DeliveryStatus(answer)
    receipt = route(to("a"), to("b")).send(Notification("x"))

    assert receipt.status == status
    assert [part.status for part in receipt.parts] == answers.split()


def test_target_that_failed_rests() -> None:
    """While a target rests, its backup gets everything at once, and it is not even tried."""
    chain = route(to("chat"), to("mail", backup=True), rest_seconds=3600)
    ANSWERS["chat"] = DeliveryStatus.FAILED
    chain.send(Notification("one"))
    receipt = chain.send(Notification("two"))

    assert titles("chat") == ["one"]
    assert titles("mail") == ["one", "two"]
    assert receipt.delivered
    assert receipt.parts[0].attempts == 0
    assert "not tried: it failed 0 s ago" in receipt.parts[0].detail


def test_target_that_is_tried_again_is_in_use_again() -> None:
    """A target without a backup is tried each time; once it delivers, it rests no more."""
    alone = route(to("chat"), rest_seconds=3600)
    ANSWERS["chat"] = DeliveryStatus.FAILED
    assert not alone.send(Notification("one")).delivered
    assert not alone.send(Notification("two")).delivered
    ANSWERS.clear()
    assert alone.send(Notification("three")).delivered
    assert titles("chat") == ["one", "two", "three"]


def test_refused_target_does_not_rest() -> None:
    """A refusal is about one notification: the next one is sent to the target all the same."""
    chain = route(to("chat"), to("mail", backup=True), rest_seconds=3600)
    ANSWERS["chat"] = DeliveryStatus.REFUSED
    chain.send(Notification("one"))
    ANSWERS.clear()
    chain.send(Notification("two"))

    assert titles("chat") == ["one", "two"]
    assert titles("mail") == ["one"]


# Order


def test_one_thread_keeps_its_order_at_each_target() -> None:
    """Notifications of one thread reach a target in the order in which they were sent."""
    both = route(to("slow"), to("fast"))
    started = threading.Event()
    order = threading.Lock()
    senders = []
    with closed("slow"):
        for number in range(8):
            order.acquire()
            entered = threading.Event()

            def send(number: int = number, entered: threading.Event = entered) -> None:
                entered.set()
                both.send(Notification(str(number), thread_key="nightly"))

            senders.append(threading.Thread(target=send))
            senders[-1].start()
            entered.wait(5)
            # The place in the queue is taken once the fast target has it.
            while len(titles("fast")) <= number:
                started.wait(0.001)
            order.release()
        assert titles("fast") == [str(number) for number in range(8)]
        assert titles("slow") == []
    for sender in senders:
        sender.join(10)

    assert titles("slow") == [str(number) for number in range(8)]


def test_threads_do_not_wait_for_each_other() -> None:
    """What belongs to another thread, or to none, does not wait."""
    one = route(to("ann"))
    with closed("ann"):
        waiting = threading.Thread(target=one.send, args=[Notification("a", thread_key="a")])
        waiting.start()
        other = route(to("bob"))
        assert other.send(Notification("b", thread_key="a")).delivered
    waiting.join(10)
    assert titles("ann") == ["a"]


def test_queues_are_gone_afterwards() -> None:
    """What keeps the order takes no memory once everything is sent, also after faults."""
    from brickwork.builtin.notifiers.route.block import _turns

    ANSWERS["bob"] = DeliveryStatus.FAILED
    for number in range(50):
        route(to("ann"), to("bob")).send(Notification("x", thread_key=str(number)))
    assert len(_turns) == 0


def test_a_cancelled_sender_leaves_the_queue() -> None:
    """Who is cancelled while it waits for its turn sends nothing, says so, and blocks nobody."""
    one = route(to("ann"), dedupe_seconds=0)
    scopes: list[Scope] = []
    receipts: list[Receipt] = []
    ready = threading.Event()

    def second() -> None:
        with Scope("second") as scope:
            scopes.append(scope)
            ready.set()
            receipts.append(one.send(Notification("second", thread_key="t")))

    with closed("ann"):
        first = threading.Thread(target=one.send, args=[Notification("first", thread_key="t")])
        first.start()
        other = threading.Thread(target=second)
        other.start()
        ready.wait(5)
        scopes[0].cancel()
        other.join(10)
        assert receipts[0].status == "failed"
        assert "cancelled" in receipts[0].detail
    first.join(10)
    assert one.send(Notification("third", thread_key="t")).delivered
    assert titles("ann") == ["first", "third"]


# As a notifier, and as a block


def test_routes_are_notifiers() -> None:
    """A saved route is used by its address wherever a notifier is, and within another route."""
    Pager(who="ann").save("ann")
    NotifyRoute(targets=[RouteTarget(to=Pager.load("ann"))]).save("team")
    NotifyRoute(
        targets=[RouteTarget(to=NotifyRoute.load("team")), to("bob")],
    ).save("all")
    (receipt,) = notify("notify-route/all", title="x")

    assert receipt.delivered
    assert receipt.parts[0].target == "notify-route/team"
    assert receipt.parts[0].parts[0].target == "pager:ann"
    assert (titles("ann"), titles("bob")) == (["x"], ["x"])


def test_target_by_address_is_opened_when_something_is_sent() -> None:
    """A target named by its address follows what is saved there, and need not be there at first."""
    NotifyRoute(targets=[RouteTarget(to="routetest-pager/late"), to("ann")]).save("r")
    (first,) = notify("notify-route/r", title="one")
    Pager(who="bob").save("late")
    (second,) = notify("notify-route/r", title="two")

    assert [part.status for part in first.parts] == ["refused", "delivered"]
    assert first.parts[0].target == "routetest-pager/late"
    assert "No block routetest-pager/late" in first.parts[0].detail
    assert second.delivered
    assert (titles("bob"), titles("ann")) == (["two"], ["one", "two"])


def test_target_that_cannot_be_opened_has_a_backup() -> None:
    """What keeps one target from being loaded keeps nothing from its backup and the others."""
    current_vault().define("routetest-pager/x", {"who": "${env:NOT_SET_ANYWHERE}"})
    chain = route(RouteTarget(to="routetest-pager/x"), to("mail", backup=True), to("ann"))
    receipt = chain.send(Notification("one"))

    assert receipt.delivered
    assert (titles("mail"), titles("ann")) == (["one"], ["one"])
    assert "NOT_SET_ANYWHERE" in receipt.parts[0].detail


def test_address_of_what_is_no_notifier() -> None:
    """An address that leads to another kind of block is told, and found by the check."""
    Settings(value={}).save("s")
    wrong = route(RouteTarget(to="settings/s"))

    assert "a settings block is no notifier" in wrong.send(Notification("x")).detail
    (finding,) = wrong.check().findings
    assert (finding.status, finding.what) == ("failed", "settings/s")


def test_saved_route_refers_to_its_targets() -> None:
    """Rotating a target reaches every route that sends to it, and it cannot be deleted under it."""
    Pager(who="ann").save("ops")
    NotifyRoute(targets=[RouteTarget(to=Pager.load("ops"))]).save("r")
    Pager(who="bob").save("ops", overwrite=True)
    notify("notify-route/r", title="x")

    assert titles("bob") == ["x"]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"targets": []}, "at least 1"),
        ({"targets": [{"to": Settings(value={})}]}, "a settings block is no notifier"),
        ({"targets": [{"to": "console:"}]}, "to"),
        ({"targets": [{"to": Pager(who="a"), "backup": True}]}, "cannot be a backup"),
        ({"targets": [{"to": Pager(who="a"), "at_least": "loud"}]}, "at_least"),
        ({"targets": [{"to": Pager(who="a")}], "max_notifications": 0}, "max_notifications"),
        ({"targets": [{"to": Pager(who="a")}], "dedupe_seconds": -1}, "dedupe_seconds"),
    ],
)
def test_wrong_routes_are_refused(fields: dict[str, object], says: str) -> None:
    """A route that could not work is refused when it is made, and says what is wrong."""
    with pytest.raises(InvalidBlock, match=says):
        NotifyRoute.model_validate(fields)


def test_broken_target_stops_no_other() -> None:
    """A target whose code is wrong has a receipt that says so; the others are sent to."""

    class Broken(Pager):
        slug: ClassVar[str] = "routetest-broken"

        def deliver(self, notification: Notification) -> Receipt:
            raise RuntimeError("boom " + notification.title)

    receipt = route(RouteTarget(to=Broken(who="x")), to("ann")).send(Notification("hello"))

    assert [part.status for part in receipt.parts] == ["failed", "delivered"]
    assert "RuntimeError in Broken" in receipt.parts[0].detail
    assert "boom" not in receipt.detail


def test_dry_run_sends_and_remembers_nothing() -> None:
    """A dry run names who would be sent it, sends nothing and counts nothing."""
    NotifyRoute(targets=[to("ann"), to("mail", backup=True), to("bob", at_least="error")]).save("r")
    saved = NotifyRoute.load("r")
    for _ in range(3):
        receipt = saved.send(Notification("x", dedupe_key="k"), dry_run=True)
        assert receipt.status == "dry-run"
        assert receipt.detail == "would be sent to 1 target"
        assert [part.target for part in receipt.parts] == ["pager:ann"]

    assert SENT == {}
    assert saved.send(Notification("x", dedupe_key="k")).delivered


# Wording


def test_templates_of_route_and_target() -> None:
    """The route's template words it for all but those with a template of their own."""
    own = to("bob", template={"title": "Bob: {{ title }}"})
    both = route(to("ann"), own, template={"title": "{{ severity|upper }} {{ title }}"})
    assert both.send(Notification("full", severity=Severity.ERROR)).delivered

    assert (titles("ann"), titles("bob")) == (["ERROR full"], ["Bob: full"])


def test_template_that_fails_degrades_to_plain_text() -> None:
    """A target whose template fails gets the plain text, and its receipt says why."""
    broken = route(to("ann", template={"body": "{{ nobody.knows }}"}), to("bob"))
    receipt = broken.send(Notification("full", "of logs"))

    assert (titles("ann"), SENT["ann"][0].body) == (["full"], "of logs")
    assert receipt.delivered
    assert receipt.parts[0].detail.startswith("its template failed (body, line 1: ")
    assert "template" not in receipt.parts[1].detail


def test_check_finds_templates_that_cannot_work() -> None:
    """The check of a route compiles its templates."""
    report = route(to("ann", template=MessageTemplate(body="{% if %}"))).check()

    assert report.findings[-1].status == "failed"
    assert "body, line 1" in report.findings[-1].detail


def test_dry_run_finds_targets_that_cannot_be_opened() -> None:
    """A dry run tells which targets would not be reached; none at all is a refusal."""
    gone = RouteTarget(to="routetest-pager/gone")
    some = route(gone, to("ann")).send(Notification("x"), dry_run=True)
    none = route(gone).send(Notification("x"), dry_run=True)

    assert (some.status, none.status) == ("dry-run", "refused")
    assert some.detail.startswith("would be sent to 1 target; routetest-pager/gone: ")


def test_check_asks_every_target() -> None:
    """The check of a route is that of its targets, each finding with its target's name."""
    ANSWERS["bob"] = DeliveryStatus.FAILED
    report = route(to("ann"), to("bob"), to("raising")).check()

    assert [(each.status, each.what) for each in report.findings] == [
        ("ok", "pager:ann: line"),
        ("failed", "pager:bob: line"),
        ("failed", "pager:raising"),
    ]
