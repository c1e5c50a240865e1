"""A target and its backups: tried one after the other until one of them delivers."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from brickwork.builtin.notifiers.attempts import one_attempt
from brickwork.builtin.notifiers.route.target import RouteTarget
from brickwork.errors import BrickworkError
from brickwork.notifier import (
    DeliveryStatus,
    MessageTemplate,
    Notification,
    Receipt,
    explained,
    sent_safely,
    with_problem,
)


@dataclass(frozen=True, slots=True)
class Chain:
    """A target that always gets a notification, and those that stand in for it.

    Attributes:
        place: Its number in the route, the same for every notification.
        targets: The target, and its backups that take this notification.
    """

    place: int
    targets: tuple[RouteTarget, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a notification in one chain.

    Attributes:
        receipts: Of the targets that were tried, in order.
        down: The names of those that failed.
        up: The names of those that were known to be down and are not.
    """

    receipts: tuple[Receipt, ...]
    down: tuple[str, ...]
    up: tuple[str, ...]

    @property
    def last(self) -> Receipt:
        """The receipt that counts: that of the last one that was tried."""
        return self.receipts[-1]


def chains_for(targets: Sequence[RouteTarget], notification: Notification) -> list[Chain]:
    """Return the chains that take a notification.

    A backup that does not take it is passed over; a chain whose first target does not is none,
    since nothing failed that its backups could stand in for.
    """
    chains: list[Chain] = []
    current: list[RouteTarget] = []
    place = -1
    for target in targets:
        if not target.backup:
            _add(chains, place, current)
            place += 1
            current = [target] if target.takes(notification) else []
        elif current and target.takes(notification):
            current.append(target)
    _add(chains, place, current)
    return chains


def _add(chains: list[Chain], place: int, targets: list[RouteTarget]) -> None:
    if targets:
        chains.append(Chain(place, tuple(targets)))


def run(
    chain: Chain,
    notification: Notification,
    template: MessageTemplate | None,
    down: Mapping[str, float],
    rest_seconds: float,
) -> Outcome:
    """Send along a chain until a target does not fail.

    Args:
        chain: The targets.
        notification: What to say.
        template: How it is worded for targets without a template of their own.
        down: Since when targets are known to be down, by name. One that has a backup is left out
            then; one that has none is tried once, and not again.
        rest_seconds: How long a target is left out after it failed.
    """
    receipts: list[Receipt] = []
    failed: list[str] = []
    up: list[str] = []
    for position, target in enumerate(chain.targets):
        name = target.label
        since = down.get(name)
        if since is not None and position + 1 < len(chain.targets):
            receipts.append(_left_out(name, since, rest_seconds))
            continue
        with one_attempt(since is not None):
            receipt = _sent(target, notification, template, name)
        receipts.append(receipt)
        if receipt.status is DeliveryStatus.FAILED and since is None:
            failed.append(name)
        if since is not None and receipt.delivered:
            up.append(name)
        if not receipt.failed:
            break
    return Outcome(tuple(receipts), tuple(failed), tuple(up))


def not_sent(chain: Chain) -> Outcome:
    """Say that nothing was sent along a chain."""
    name = chain.targets[0].label
    detail = "cancelled before it was sent"
    return Outcome((Receipt(name, DeliveryStatus.FAILED, 0, detail=detail),), (), ())


def rehearsed(
    chain: Chain, notification: Notification, template: MessageTemplate | None
) -> Receipt:
    """Say what the first target of a chain would be sent."""
    target = chain.targets[0]
    return _sent(target, notification, template, target.label, dry_run=True)


def _sent(
    target: RouteTarget,
    notification: Notification,
    template: MessageTemplate | None,
    name: str,
    *,
    dry_run: bool = False,
) -> Receipt:
    try:
        notifier = target.opened()
    except BrickworkError as error:
        return Receipt(name, DeliveryStatus.REFUSED, attempts=0, detail=explained(error))
    wording = target.template or template
    if wording is None:
        return sent_safely(notifier, notification, name, dry_run=dry_run)
    worded = wording.render(notification)
    receipt = sent_safely(notifier, worded.notification, name, dry_run=dry_run)
    return with_problem(receipt, worded.problem)


def _left_out(name: str, since: float, rest_seconds: float) -> Receipt:
    ago = max(0.0, time.time() - since)
    left = max(0.0, rest_seconds - ago)
    detail = f"not tried: it failed {ago:.0f} s ago, and is tried again in {left:.0f} s"
    return Receipt(name, DeliveryStatus.FAILED, attempts=0, detail=detail)
