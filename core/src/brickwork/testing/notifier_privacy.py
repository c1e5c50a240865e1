"""The part of the contract of notifiers that is about what must not leave, and not show."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest

from brickwork.block import Block
from brickwork.builtin.notifiers.attempts import one_attempt
from brickwork.errors import BrickworkError
from brickwork.notifier import Attachment, DeliveryStatus, Notification, Notifier, Overflow
from brickwork.secret import Secret
from brickwork.testing.leaks import leaks
from brickwork.testing.network import no_connection, no_network
from brickwork.testing.notifier_counterpart import Behaviour, Counterpart, changed
from brickwork.testing.notifier_setting import NotifierSetting, check_receipt
from brickwork.testing.task import no_waiting

_SENTINEL = "sentinel-that-must-not-leave-71c4d0"
_STRADDLING = "Vq7Lz0Xw2Rk9Tm4Yb6Nc"
_PIECE = 8  # so long a piece of a secret is no accident


class PrivacyNotifierContract(NotifierSetting):
    """What must not leave the process; a part of `NotifierContract`, with its fixture."""

    def test_secrets_do_not_leave(self, counterpart: Counterpart) -> None:
        """A secret that got into any part is hidden before it leaves; the rest arrives."""
        Secret(_SENTINEL)
        notification = Notification(
            f"title {_SENTINEL}",
            body=f"beside-it {_SENTINEL}",
            fields={f"name {_SENTINEL}": f"value {_SENTINEL}"},
            url=f"https://example.com/?token={_SENTINEL}",
            thread_key=f"thread {_SENTINEL}",
            dedupe_key=f"dedupe {_SENTINEL}",
            tags=frozenset({_SENTINEL}),
            links={f"words {_SENTINEL}": f"https://example.com/{_SENTINEL}"},
            html=f"<p>{_SENTINEL}</p>",
            attachments=(
                Attachment(f"{_SENTINEL}.txt", f"text {_SENTINEL}".encode(), "text/plain"),
            ),
        )
        self._delivered(counterpart.notifier(Behaviour.OK), notification)

        arrived = counterpart.received()
        assert "beside-it" in arrived, "the text beside the secret did not arrive"
        shown = leaks(_SENTINEL, arrived)
        assert not shown, (
            f"a secret was sent, as {shown}; implement deliver(), which is given masked texts, and "
            "not send()"
        )

    @pytest.mark.parametrize("overflow", list(Overflow))
    def test_secrets_are_hidden_where_texts_are_cut(
        self, counterpart: Counterpart, overflow: Overflow
    ) -> None:
        """A secret that lies where a text is cut leaves no half of it behind."""
        notifier = self._overflowing(counterpart, overflow)
        Secret(_STRADDLING)
        # Wherever it is cut, that is in one of them or beside it.
        notification = Notification(
            _STRADDLING * 200,
            body=f"{_STRADDLING}~" * 6000,
            fields={f"name {n}": f"{_STRADDLING}~" * 200 for n in range(3)},
        )
        self._delivered(notifier, notification)

        arrived = counterpart.received()
        for start in range(len(_STRADDLING) - _PIECE + 1):
            assert _STRADDLING[start : start + _PIECE] not in arrived, (
                "a piece of a secret was sent: it was cut before it was masked; implement "
                "deliver(), which is given masked texts, and cut nothing before"
            )

    def test_shows_no_secret_of_the_service(self, counterpart: Counterpart) -> None:
        """No receipt, description, check, log record or traceback has a secret of the service."""
        shown = 0
        for behaviour in sorted(self.behaviours):
            notifier = counterpart.notifier(behaviour)
            for name, text in _visible(notifier):
                shown += 1
                for secret in counterpart.secrets:
                    assert not leaks(secret, text), (
                        f"{behaviour}: {name} shows a secret of the service: {text!r}; keep it in "
                        "a Secret, and name the target by its address, or its scheme and host"
                    )
        assert shown, "no behaviour is declared"

    def test_receipts_name_the_target(self, counterpart: Counterpart) -> None:
        """A receipt's target is what `describe` says."""
        notifier = counterpart.notifier(Behaviour.OK)
        receipt = notifier.send(Notification("hello"))

        assert receipt.target == notifier.describe(), "a receipt's target is describe()"

    def test_dry_run_sends_nothing(self, counterpart: Counterpart) -> None:
        """A dry run says what would be sent; no connection is made, nothing arrives or stays."""
        notifier = counterpart.notifier(Behaviour.OK)
        notification = Notification(
            "dry-9d1", body="body", attachments=(Attachment("dry.txt", b"dry"),), dedupe_key="dry"
        )
        before = counterpart.connections(), counterpart.received()
        with no_network() as tried:
            receipt = notifier.send(notification, dry_run=True)
        assert not tried, f"a dry run used the network ({', '.join(tried)}); rehearse() must not"
        assert (counterpart.connections(), counterpart.received()) == before, (
            "a dry run reached the service; rehearse() must send nothing"
        )
        assert receipt.status is DeliveryStatus.DRY_RUN, (
            f"the receipt of a dry run says {receipt.status}; return DeliveryStatus.DRY_RUN"
        )
        assert receipt.attempts == 0, f"nothing was sent, and the receipt says {receipt.attempts}"
        assert receipt.target == notifier.describe(), "a receipt's target is describe()"

        self._delivered(notifier, notification)
        assert "dry-9d1" in counterpart.received(), "after a dry run the real thing did not arrive"

    def test_dry_run_of_what_does_not_fit(self, counterpart: Counterpart) -> None:
        """A dry run with 100,000 characters ends in the same way, and sends nothing."""
        for overflow in Overflow:
            notifier = counterpart.notifier_with(overflow)
            if notifier is not None:
                with no_network() as tried:
                    receipt = notifier.send(Notification("dry", body="x" * 100_000), dry_run=True)
                assert (receipt.status, tried) == (DeliveryStatus.DRY_RUN, []), (
                    f"overflow {overflow}: {receipt}"
                )
        assert counterpart.received() == "", "a dry run reached the service"

    def test_private_address_is_refused(self, counterpart: Counterpart) -> None:
        """Where the outbound policy forbids it, nothing is connected, and the receipt says so."""
        notifier = changed(counterpart.notifier(Behaviour.OK), allow_private=False)
        if notifier is None:
            pytest.skip("declared: this notifier has no field allow_private")
        with no_connection() as tried:
            receipt = notifier.send(Notification("hello"))

        assert not tried, "it connected to a private address; use the client of the core"
        assert receipt.status is DeliveryStatus.REFUSED, (
            f"the address is not allowed, and the receipt says {receipt.status}; let "
            "OutboundRefused through, or return DeliveryStatus.REFUSED"
        )
        assert receipt.attempts == 0, f"it never left, and the receipt counts {receipt.attempts}"
        assert receipt.detail, "the receipt does not say why"
        assert counterpart.received() == "", "it arrived all the same"


def _visible(notifier: Notifier) -> Iterator[tuple[str, str]]:
    """Return what one sending, and a check, make visible: by name, as text."""
    yield "repr()", repr(notifier)
    yield "str()", str(notifier)
    yield "describe()", notifier.describe()
    with _log() as records, one_attempt(), no_waiting():
        receipt = notifier.send(Notification("hello", body="there"))
        check_receipt(receipt)
        yield "the receipt", repr(receipt)
        try:
            yield "the receipt", repr(notifier.deliver(replace(Notification("hello"), body="x")))
        except BrickworkError as error:
            yield "the traceback", "".join(traceback.format_exception(error))
        if isinstance(notifier, Block):
            with suppress(NotImplementedError):
                yield "check()", repr(notifier.check())
    yield "the log at DEBUG", "\n".join(records)


class _Kept(logging.Handler):
    def __init__(self, kept: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        self._kept.append(self.format(record))


@contextmanager
def _log() -> Iterator[list[str]]:
    """Collect what all loggers say, down to DEBUG."""
    kept: list[str] = []
    handler = _Kept(kept)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield kept
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
