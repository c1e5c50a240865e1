"""What a route remembers in its ledger: what it said, what it held back, who is down.

Every decision is one transaction of the ledger, so that all processes that share a saved route hold
back together. A ledger that cannot be read holds nothing back: a message matters more than a count.
"""

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from brickwork.errors import BrickworkError
from brickwork.ledger import Ledger, Page
from brickwork.notifier import Notification, Severity

KEEP_SECONDS = 7 * 24 * 3600.0
"""How long it is remembered what was held back, if nobody tells."""

SENDING_SECONDS = 300.0
"""How long a notification may be on its way; if it is not settled by then, its process has died."""

_INCIDENT = "incident:"
_DOWN = "down"
_THROTTLE = "throttle"


@dataclass(frozen=True, slots=True)
class Rules:
    """When a route holds back.

    Attributes:
        dedupe_seconds: For how long the same incident is not told again; 0 to tell it each time.
        max_notifications: How many may be sent in ``throttle_seconds``; None for any number.
        throttle_seconds: See above.
        always: From this severity on the throttle holds nothing back.
    """

    dedupe_seconds: float
    max_notifications: int | None
    throttle_seconds: float
    always: Severity


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with a notification.

    Attributes:
        held: Why it is held back; empty if it is to be sent.
        counts: What to tell with it of those that were held back before.
        mark: What `Memory.settle` needs.
        problem: Why the route could not decide, and so sends.
    """

    held: str = ""
    counts: tuple[str, ...] = ()
    mark: "Mark | None" = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a decision wrote down."""

    at: float
    token: str
    incident: str | None
    before: Mapping[str, Any] = field(default_factory=dict)
    told: Mapping[str, int] = field(default_factory=dict)
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Held:
    """Notifications that were held back and that nobody was told of yet.

    Attributes:
        key: Where the ledger has them.
        notification: What to send about them.
        counts: How many, for `Memory.put_back`.
    """

    key: str
    notification: Notification
    counts: Mapping[str, int]


class Memory:
    """A route's ledger, in the route's own terms.

    Args:
        ledger: Where it is kept.
        rules: When to hold back.
    """

    def __init__(self, ledger: Ledger, rules: Rules) -> None:
        self._ledger = ledger
        self._rules = rules

    def decide(self, notification: Notification, incident: str | None) -> Decision:
        """Decide whether to send a notification, and write that down.

        Args:
            notification: The notification, masked.
            incident: What it is about; None if it is about nothing that may come again.
        """
        rules = self._rules
        deduped = incident is not None and rules.dedupe_seconds > 0
        if not deduped and rules.max_notifications is None:
            return Decision()
        try:
            with self._ledger.transaction() as page:
                return self._decided(page, notification, incident if deduped else None)
        except BrickworkError as error:
            return Decision(problem=f"sent without looking at what was sent before: {error.what}")

    def _decided(self, page: Page, notification: Notification, incident: str | None) -> Decision:
        now = time.time()
        rules = self._rules
        entry = {} if incident is None else (page.get(_INCIDENT + incident) or {})
        if entry and self._is_repeated(entry, notification, now):
            entry["held"] = entry.get("held", 0) + 1
            page.put(_INCIDENT + str(incident), entry, keep_seconds=KEEP_SECONDS)
            ago = now - entry["sent_at"]
            return Decision(
                held=f"told {ago:.0f} s ago, and counted: {_times(entry['held'])} since"
            )
        throttle = page.get(_THROTTLE) or {}
        sent = [at for at in throttle.get("sent", ()) if 0 <= now - at < rules.throttle_seconds]
        free = rules.max_notifications is None or len(sent) < rules.max_notifications
        if not free and not notification.severity.reaches(rules.always):
            held = throttle.setdefault("held", {})
            held[notification.severity.value] = held.get(notification.severity.value, 0) + 1
            throttle.setdefault("since", now)
            page.put(_THROTTLE, throttle, keep_seconds=KEEP_SECONDS)
            return Decision(
                held=f"over the limit of {rules.max_notifications} in "
                f"{rules.throttle_seconds:.0f} s, and counted"
            )
        return self._sent(page, notification, incident, entry, throttle, sent, now)

    def _is_repeated(self, entry: dict[str, Any], notification: Notification, now: float) -> bool:
        """Tell whether an incident was told lately, at least as loudly."""
        ago = now - entry.get("sent_at", 0.0)
        if not 0 <= ago < self._rules.dedupe_seconds:
            return False
        if not entry.get("told") and ago > SENDING_SECONDS:
            return False
        before = Severity(entry["severity"])
        severity = notification.severity
        quieter = severity.reaches(Severity.WARNING) and before.reaches(severity)
        # Good news after bad news, and bad after good, is no repetition.
        return severity is before or quieter

    def _sent(
        self,
        page: Page,
        notification: Notification,
        incident: str | None,
        entry: dict[str, Any],
        throttle: dict[str, Any],
        sent: list[float],
        now: float,
    ) -> Decision:
        counts: list[str] = []
        token = uuid4().hex
        if incident is not None:
            if entry.get("held"):
                counts.append(_more_like_this(entry["held"], entry["first_at"]))
            fresh = {
                "sent_at": now,
                "first_at": now,
                "severity": notification.severity.value,
                "told": False,
                "held": 0,
                "title": notification.title,
                "thread_key": notification.thread_key,
                "dedupe_key": notification.dedupe_key,
                "tags": sorted(notification.tags),
                "token": token,
            }
            page.put(_INCIDENT + incident, fresh, keep_seconds=KEEP_SECONDS)
        told: dict[str, int] = {}
        if self._rules.max_notifications is not None:
            told = throttle.get("held", {})
            if told:
                counts.append(_held_back(told, throttle["since"]))
            page.put(_THROTTLE, {"sent": [*sent, now]}, keep_seconds=KEEP_SECONDS)
        mark = Mark(now, token, incident, entry, told, throttle.get("since", now))
        return Decision(counts=tuple(counts), mark=mark)

    def settle(
        self,
        mark: Mark | None,
        *,
        delivered: bool,
        failed: Iterable[str] = (),
        up: Iterable[str] = (),
        rest_seconds: float = 0.0,
    ) -> None:
        """Write down what became of a notification.

        If nobody got it, the decision is taken back: the next one like it is no repetition, and
        tells of those held back before, as this one would have.

        Args:
            mark: That of the decision; None where there was nothing to decide.
            delivered: Whether anybody got it.
            failed: The targets that are down since just now.
            up: The targets that are not down any more.
            rest_seconds: For how long it is remembered that a target is down.
        """
        failed, up = tuple(failed), tuple(up)
        decided = mark is not None and (mark.incident is not None or not delivered)
        if not decided and not failed and not up:
            return
        with suppress(BrickworkError), self._ledger.transaction() as page:
            if failed or up:
                now = time.time()
                down = {n: at for n, at in (page.get(_DOWN) or {}).items() if n not in up}
                down = {n: at for n, at in down.items() if now - at < rest_seconds}
                page.put(_DOWN, down | dict.fromkeys(failed, now), keep_seconds=rest_seconds)
            if mark is not None:
                self._settle_incident(page, mark, delivered=delivered)
                if not delivered:
                    self._free(page, mark)

    def _settle_incident(self, page: Page, mark: Mark, *, delivered: bool) -> None:
        if mark.incident is None:
            return
        key = _INCIDENT + mark.incident
        entry = page.get(key)
        if entry is None or entry.get("token") != mark.token:
            return  # somebody told it again since
        if delivered:
            page.put(key, {**entry, "told": True}, keep_seconds=KEEP_SECONDS)
            return
        first = mark.before.get("first_at", entry["first_at"])
        entry |= {"sent_at": 0.0, "first_at": first}
        _put_held(page, key, entry, mark.before.get("held", 0))

    def _free(self, page: Page, mark: Mark) -> None:
        """Give the place in the throttle back."""
        if self._rules.max_notifications is None:
            return
        throttle = page.get(_THROTTLE) or {}
        throttle["sent"] = [at for at in throttle.get("sent", ()) if at != mark.at]
        _put_throttled(page, throttle, mark.told, mark.since)

    def down(self, rest_seconds: float) -> dict[str, float]:
        """Return since when targets are down: their names, and seconds since 1970."""
        if not rest_seconds:
            return {}
        try:
            down = self._ledger.get(_DOWN) or {}
        except BrickworkError:
            return {}
        now = time.time()
        return {name: since for name, since in down.items() if 0 <= now - since < rest_seconds}

    # What was held back

    def take_held(self) -> list[Held]:
        """Return what to tell of all that is held back, and count it as told."""
        with self._ledger.transaction() as page:
            found: list[Held] = []
            for key, entry in page.entries(_INCIDENT).items():
                if entry.get("held"):
                    found.append(Held(key, _summary(entry), {"held": entry["held"]}))
                    page.put(key, {**entry, "held": 0}, keep_seconds=KEEP_SECONDS)
            throttle = page.get(_THROTTLE) or {}
            if throttle.get("held"):
                found.append(Held(_THROTTLE, _throttled(throttle), throttle["held"]))
                page.put(_THROTTLE, {"sent": throttle.get("sent", [])}, keep_seconds=KEEP_SECONDS)
            return found

    def put_back(self, held: Held) -> None:
        """Count as held back again what could not be told."""
        with suppress(BrickworkError), self._ledger.transaction() as page:
            entry = page.get(held.key) or {}
            if held.key == _THROTTLE:
                _put_throttled(page, entry, held.counts, time.time())
            elif entry:
                _put_held(page, held.key, entry, held.counts["held"])


def _put_held(page: Page, key: str, entry: dict[str, Any], count: int) -> None:
    entry["held"] = entry.get("held", 0) + count
    page.put(key, entry, keep_seconds=KEEP_SECONDS)


def _put_throttled(
    page: Page, throttle: dict[str, Any], counts: Mapping[str, int], since: float
) -> None:
    if counts:
        held = throttle.setdefault("held", {})
        for severity, count in counts.items():
            held[severity] = held.get(severity, 0) + count
        throttle["since"] = min(since, throttle.get("since", since))
    page.put(_THROTTLE, throttle, keep_seconds=KEEP_SECONDS)


def _summary(entry: dict[str, Any]) -> Notification:
    return Notification(
        entry["title"],
        _more_like_this(entry["held"], entry["first_at"]),
        Severity(entry["severity"]),
        thread_key=entry["thread_key"],
        dedupe_key=entry["dedupe_key"],
        tags=frozenset(entry["tags"]),
    )


def _throttled(throttle: dict[str, Any]) -> Notification:
    held: dict[str, int] = throttle["held"]
    worst = max(map(Severity, held), key=lambda severity: severity.rank)
    count = sum(held.values())
    return Notification(
        f"{count} {'notification was' if count == 1 else 'notifications were'} held back",
        _held_back(held, throttle["since"]),
        worst,
    )


def _more_like_this(count: int, since: float) -> str:
    return f"{count} more like this since {_moment(since)}."


def _held_back(held: Mapping[str, int], since: float) -> str:
    kinds = ", ".join(
        f"{held[severity]} {severity}" for severity in reversed(Severity) if severity in held
    )
    return f"{sum(held.values())} more were held back since {_moment(since)}: {kinds}."


def _moment(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    same_day = moment.date() == datetime.fromtimestamp(time.time(), UTC).date()
    return moment.strftime("%H:%M UTC" if same_day else "%Y-%m-%d %H:%M UTC")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
