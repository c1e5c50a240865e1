"""The contract of notifiers catches what is wrong with what arrives, and with what shows."""

import logging
import re
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from brickwork import Notification, Notifier, NotifierError, Receipt
from brickwork.builtin.notifiers.attempts import Attempt
from brickwork.notifier import DeliveryStatus, Overflow, fitted
from brickwork.testing.notifier import Behaviour
from brickwork.testing.notifier_content import ContentNotifierContract
from brickwork.testing.notifier_memory import TOKEN, Faithful, Fault, broken
from brickwork.testing.notifier_privacy import PrivacyNotifierContract


def drops(part: str) -> type[Faithful]:
    """Make a notifier that does not send one part of notifications."""
    return broken(parts=lambda self, one: {**Faithful.parts(self, one), part: None})


def limited(**changes: Any) -> type[Faithful]:
    """Make a notifier that declares other limits than its service has."""
    return broken(limits=lambda self: replace(Faithful.limits(self), **changes))


def renders(change: Callable[[str], str]) -> type[Faithful]:
    """Make a notifier that spoils the text that it sends."""
    return broken(render=lambda self, one: change(Faithful.render(self, one)))


def prepares(change: Callable[[Notification], Notification]) -> type[Faithful]:
    """Make a notifier that spoils what it is to deliver."""
    return broken(deliver=lambda self, one: Faithful.deliver(self, change(one)))


def answers(change: Callable[[Receipt], Receipt]) -> type[Faithful]:
    """Make a notifier that spoils its receipts."""
    return broken(deliver=lambda self, one: change(Faithful.deliver(self, one)))


def sends(prepare: Callable[[Faithful, Notification], list[Notification]]) -> type[Faithful]:
    """Make a notifier with a ``send`` of its own."""

    def send(self: Faithful, notification: Notification, *, dry_run: bool = False) -> Receipt:
        started = time.monotonic()
        messages = prepare(self, notification)
        receipt = self.rehearse(messages) if dry_run else self._deliver_all(messages)
        return replace(receipt, seconds=time.monotonic() - started)

    return broken(send=send)


def trips(error: Exception, when: Callable[[Notification], object]) -> type[Faithful]:
    """Make a notifier that fails on some notifications."""

    def check(notification: Notification) -> Notification:
        if when(notification):
            raise error
        return notification

    return prepares(check)


class Talkative(Faithful):
    """Names its target by its token."""

    def describe(self) -> str:
        return self.token.reveal()[:-1]  # the masker knows only the whole of it


class Logging(Faithful):
    """Logs what it connects to, as libraries do."""

    def attempt(self, text: str, seconds: float) -> Attempt:
        logging.getLogger("acme.client").debug("POST /%s", self.token.reveal()[:-1])
        return super().attempt(text, seconds)


class Quoting(Faithful):
    """Raises errors that quote its token."""

    def deliver(self, notification: Notification) -> Receipt:
        receipt = super().deliver(notification)
        if receipt.failed and notification.body == "x":
            raise NotifierError(f"no channel {self.token.reveal()[:-1]}")
        return receipt


class Anywhere(Faithful):
    """Does not ask whether an address is allowed."""

    def attempt(self, text: str, seconds: float) -> Attempt:
        copy = self.model_copy(update={"allow_private": True})
        return Faithful.attempt(copy, text, seconds)


class RefusedFails(Faithful):
    """Reports what is not allowed as something that may work later."""

    def attempt(self, text: str, seconds: float) -> Attempt:
        made = super().attempt(text, seconds)
        return made if made.left else replace(made, status=DeliveryStatus.FAILED)


def connecting(self: Faithful, messages: Sequence[Notification]) -> Receipt:
    """Look the service up in a dry run."""
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", 9), timeout=0.2)
    return Notifier.rehearse(self, messages)


def remembering(self: Faithful, messages: Sequence[Notification]) -> Receipt:
    """Refuse in earnest what was rehearsed."""
    self.service.behaviours[self.token.reveal()] = Behaviour.REFUSING
    return Notifier.rehearse(self, messages)


def only_one(self: Faithful, messages: Sequence[Notification]) -> Receipt:
    """Expect one message."""
    (_,) = messages
    return Notifier.rehearse(self, messages)


def masked_too_late(self: Faithful, notification: Notification) -> list[Notification]:
    """Cut, and hide secrets then."""
    return [each.masked() for each in fitted(notification, self.limits())]


FAULTS = {
    "drops the url": Fault(drops("url"), "delivers", "7a5 did not arrive; send every part"),
    "needs a body": Fault(
        trips(ValueError("no body"), lambda one: one.title == "just this"),
        "title_alone_delivers",
        "no body",
    ),
    "knows four severities": Fault(
        trips(KeyError("success"), lambda one: one.severity == "success"),
        "takes_every_severity severities_can_be_told_apart",
        "success",
    ),
    "drops the severity": Fault(drops("severity"), "severities_can_be_told_apart", "in 1 forms"),
    "drops links": Fault(drops("links"), "links_and_tags_arrive", "runbook-5e6 did not arrive"),
    "drops tags": Fault(drops("tags"), "links_and_tags_arrive", "the tag did not arrive"),
    "sends ASCII": Fault(
        renders(lambda text: text.encode("ascii", "ignore").decode()),
        "texts_arrive_as_they_are",
        "send UTF-8",
    ),
    "ends at a null": Fault(
        renders(lambda text: text.partition("\0")[0]),
        "odd_texts_are_delivered",
        "control characters around it",
    ),
    "has templates of its own": Fault(
        trips(NotifierError("not closed"), lambda one: "{{" in one.title + one.body),
        "odd_texts_are_delivered template_that_fails_is_left_out",
        "not closed",
    ),
    "drops fields": Fault(
        prepares(lambda one: replace(one, fields=dict(list(one.fields.items())[:9]))),
        "many_fields_and_a_long_title_arrive",
        "dropped in silence",
    ),
    "drops the end of a title": Fault(
        broken(
            limits=lambda self: replace(Faithful.limits(self), title=None),
            parts=lambda self, one: {**Faithful.parts(self, one), "title": one.title[:300]},
        ),
        "many_fields_and_a_long_title_arrive",
        "long title was dropped in silence",
    ),
    "cuts in deliver": Fault(
        prepares(lambda one: replace(one, body=one.body[:9000])),
        "long_body_is_cut long_body_is_split body_too_long_to_split_says_so",
        "let it cut instead of deliver",
    ),
    "cuts a little more": Fault(
        prepares(lambda one: replace(one, body=one.body[:500] + one.body[1500:])),
        "long_body_is_cut many_fields_and_a_long_title_arrive "
        "long_body_is_split body_too_long_to_split_says_so",
        "not its start",
    ),
    "ignores its field overflow": Fault(
        limited(overflow=Overflow.CUT),
        "long_body_is_attached secrets_are_hidden_where_texts_are_cut long_body_is_split "
        "body_too_long_to_split_says_so",
        "Limits\\(overflow",
    ),
    "sends no numbers": Fault(
        prepares(lambda one: replace(one, title=re.sub(r" .\d+/\d+.$", "", one.title))),
        "long_body_is_split",
        "send the title of each message",
    ),
    "drops files": Fault(
        drops("attachments"),
        "long_body_is_attached attachments_arrive_or_are_named "
        "attachments_that_are_too_much_are_named",
        "did not arrive",
    ),
    "drops a file too many": Fault(
        broken(
            limits=lambda self: replace(
                Faithful.limits(self), attachments=1000, attachment_bytes=None
            ),
            parts=lambda self, one: Faithful.parts(
                self, replace(one, attachments=one.attachments[:3])
            ),
        ),
        "attachments_that_are_too_much_are_named",
        "dropped in silence",
    ),
    "sends HTML as text": Fault(
        prepares(lambda one: replace(one, body=f"{one.body}\n{one.html or ''}")),
        "html_is_shown_or_left_out",
        "shows it as text",
    ),
    "does not mask": Fault(
        sends(lambda self, one: fitted(one, self.limits())),
        "secrets_do_not_leave secrets_are_hidden_where_texts_are_cut",
        "implement deliver",
    ),
    "masks what was cut": Fault(
        sends(masked_too_late),
        "secrets_are_hidden_where_texts_are_cut",
        "cut before it was masked",
    ),
    "names itself by its token": Fault(
        Talkative,
        "shows_no_secret_of_the_service",
        "describe\\(\\) shows a secret",
    ),
    "logs its token": Fault(Logging, "shows_no_secret_of_the_service", "the log at DEBUG shows"),
    "quotes its token": Fault(Quoting, "shows_no_secret_of_the_service", "the traceback shows"),
    "shows its token in receipts": Fault(
        answers(lambda one: replace(one, message_id=f"{TOKEN}-message")),
        "shows_no_secret_of_the_service",
        "the receipt shows",
    ),
    "has two names": Fault(
        answers(lambda one: replace(one, target="memory")),
        "receipts_name_the_target one_failure_stops_no_other",
        "is describe",
    ),
    "looks up in a dry run": Fault(
        broken(rehearse=connecting),
        "dry_run_sends_nothing dry_run_of_what_does_not_fit",
        "used the network",
    ),
    "sends in a dry run": Fault(
        broken(rehearse=lambda self, messages: self.deliver(messages[0])),
        "dry_run_sends_nothing dry_run_of_what_does_not_fit",
        "reached the service",
    ),
    "says delivered after a dry run": Fault(
        broken(rehearse=lambda self, _: Receipt(self.describe(), DeliveryStatus.DELIVERED, 0)),
        "dry_run_sends_nothing dry_run_of_what_does_not_fit",
        "DRY_RUN",
    ),
    "remembers a dry run": Fault(
        broken(rehearse=remembering),
        "dry_run_sends_nothing",
        "takes everything, and the receipt says",
    ),
    "rehearses one message": Fault(
        broken(rehearse=only_one),
        "dry_run_of_what_does_not_fit",
        "too many values",
    ),
    "goes anywhere": Fault(Anywhere, "private_address_is_refused", "the receipt says delivered"),
    "fails where it is refused": Fault(
        RefusedFails, "private_address_is_refused", "OutboundRefused"
    ),
}


def test_every_assertion_has_a_fault() -> None:
    """None of these assertions is one that nothing fails."""
    parts = (ContentNotifierContract, PrivacyNotifierContract)
    names = {name for part in parts for name in vars(part) if name.startswith("test_")}

    assert names <= {f"test_{name}" for fault in FAULTS.values() for name in fault.fails.split()}


@pytest.mark.parametrize("name", FAULTS)
def test_contract_catches(name: str) -> None:
    """Each fault fails the assertions that are about it, and says what is wrong."""
    FAULTS[name].prove()
