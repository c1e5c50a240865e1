"""Notifications, receipts, ``send`` and ``notify``."""

import pickle
import subprocess
import sys
import threading
from contextvars import ContextVar
from types import ModuleType

import pytest

from brickwork import (
    Notification,
    Notifier,
    NotifierError,
    OutboundRefused,
    Receipt,
    Secret,
    Severity,
    notify,
)
from brickwork.notifier import DeliveryStatus


class Recorder(Notifier):
    """Keeps what it is given."""

    def __init__(self, name: str = "recorder") -> None:
        self._name = name
        self.given: list[Notification] = []

    def deliver(self, notification: Notification) -> Receipt:
        self.given.append(notification)
        return Receipt(self._name, DeliveryStatus.DELIVERED)

    def describe(self) -> str:
        return self._name


class Raising(Recorder):
    """Fails with an error that quotes a secret URL."""

    def __init__(self, error: Exception) -> None:
        super().__init__("raising")
        self._error = error

    def deliver(self, notification: Notification) -> Receipt:
        raise self._error


@pytest.mark.parametrize("title", ["", "  ", "\n", None, 3])
def test_title_is_needed(title: object) -> None:
    """A notification without a title is an error that says so."""
    with pytest.raises(NotifierError, match="needs a title"):
        Notification(title)  # type: ignore[arg-type]  # that is the point


def test_severity_by_name() -> None:
    """A severity may be given by its name; an unknown one is an error that lists the known."""
    assert Notification("x", severity="error").severity is Severity.ERROR  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(NotifierError, match="info, success, warning, error, critical"):
        notify([], title="x", severity="fatal")


def test_notification_is_a_value() -> None:
    """Notifications compare, pickle, cannot be changed, and do not share the caller's dict."""
    fields = {"run": 1742}
    one = Notification("x", fields=fields)  # type: ignore[arg-type]  # values become texts
    fields["run"] = 1

    assert one.fields == {"run": "1742"}
    assert pickle.loads(pickle.dumps(one)) == one
    with pytest.raises(AttributeError):
        one.title = "y"  # type: ignore[misc]  # that is the point


def test_receipt_masks_then_cuts() -> None:
    """A secret that straddles the place where the detail is cut leaves no piece of it behind."""
    secret = Secret("hunter2-but-much-longer-than-that")
    for before in range(460, 500):
        receipt = Receipt("t", DeliveryStatus.FAILED, detail="x" * before + secret.reveal())
        assert "hunter" not in receipt.detail
        assert len(receipt.detail) <= 500


def test_send_masks_everything_before_delivery() -> None:
    """What a notifier is given holds no known secret, in no part of it."""
    secret = Secret("correct-horse-battery").reveal()
    recorder = Recorder()
    recorder.send(
        Notification(secret, secret, fields={secret: secret}, url=secret, thread_key=secret)
    )

    assert len(recorder.given) == 1
    assert secret not in repr(recorder.given[0])


def test_send_makes_receipts_of_our_errors() -> None:
    """Refused by the policy means refused, other errors of ours mean failed; neither is raised."""
    refused = Raising(OutboundRefused("not there")).send(Notification("x"))
    failed = Raising(NotifierError("no token")).send(Notification("x"))

    assert (refused.status, refused.attempts, refused.detail) == ("refused", 0, "not there")
    assert (failed.status, failed.detail) == ("failed", "no token")


def test_send_raises_faults() -> None:
    """A fault of the notifier itself is not hidden from who calls it alone."""
    with pytest.raises(ZeroDivisionError):
        Raising(ZeroDivisionError()).send(Notification("x"))


def test_notify_keeps_order_and_isolates() -> None:
    """One receipt per target, in order; an exception or a target that is none stops no other."""
    first, last = Recorder("first"), Recorder("last")
    fault = Raising(RuntimeError("https://hooks.example.com/services/T0/SECRET-PATH"))
    receipts = notify([first, fault, "no scheme", 7, last], title="hi")  # type: ignore[list-item]  # wrong on purpose

    assert [r.target for r in receipts] == ["first", "raising", "...", "int", "last"]
    assert [r.delivered for r in receipts] == [True, False, False, False, True]
    assert "SECRET-PATH" not in repr(receipts)
    assert "RuntimeError in Raising" in receipts[1].detail
    assert len(first.given) == len(last.given) == 1


def test_notify_takes_one_target() -> None:
    """A single notifier need not be in a list, and no target is no receipt."""
    assert [r.target for r in notify(Recorder(), title="hi")] == ["recorder"]
    assert notify([], title="hi") == []


def test_notify_needs_one_notification() -> None:
    """A notification and a title at once, or neither, is an error."""
    with pytest.raises(NotifierError, match="either a notification or a title"):
        notify([])
    with pytest.raises(NotifierError, match="either a notification or a title"):
        notify([], Notification("x"), title="y")


def test_notify_is_parallel_and_keeps_the_context() -> None:
    """All targets are sent to at the same time, each in the context of the caller."""
    where: ContextVar[str] = ContextVar("where", default="nowhere")
    together = threading.Barrier(4)

    class Meeting(Recorder):
        def deliver(self, notification: Notification) -> Receipt:
            together.wait(10)  # passes only if all four are here at once
            return Receipt(where.get(), DeliveryStatus.DELIVERED)

    where.set("here")
    receipts = notify([Meeting() for _ in range(4)], title="meet")

    assert [r.target for r in receipts] == ["here"] * 4


def test_notifier_without_receipt() -> None:
    """A notifier that forgets its receipt has not delivered."""

    class Forgetful(Recorder):
        def send(self, notification: Notification) -> None:  # type: ignore[override, misc]  # wrong on purpose
            pass

    assert notify(Forgetful(), title="x")[0].status == "failed"


@pytest.mark.parametrize(
    "target", ["webhook:https://127.0.0.1:1/T0/SECRET-PATH", "nonsense SECRET-PATH", "x:"]
)
def test_target_that_cannot_be_opened(target: str) -> None:
    """Its receipt names no more than its scheme: the rest of a URL may be the secret."""
    receipt = notify([target, Recorder()], title="x", url=None)[0]

    assert not receipt.delivered
    assert "SECRET-PATH" not in repr(receipt)


def test_opening_error_that_quotes_its_target(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that quotes the URL does not bring it into the receipt; the fix is shown."""
    opening = ModuleType("brickwork.opening")

    def open_notifier(target: str) -> Notifier:
        raise NotifierError(f"cannot open {target}", fix="pip install brickwork-acme")

    opening.open_notifier = open_notifier  # type: ignore[attr-defined]  # a module of our own
    monkeypatch.setitem(sys.modules, "brickwork.opening", opening)
    receipt = notify("acme://hooks.example.com/T0/SECRET-PATH", title="x")[0]

    assert (receipt.status, receipt.attempts) == ("refused", 0)
    assert receipt.detail == "cannot open acme:... pip install brickwork-acme"


def test_interface_is_light() -> None:
    """Importing the interface brings in neither pydantic nor anything for the network."""
    code = (
        "import sys, brickwork.notifier, brickwork.fanout\n"
        "heavy = {'pydantic', 'ssl', 'http.client', 'asyncio', 'urllib3', 'concurrent.futures'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
