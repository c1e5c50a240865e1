"""``AuditEntry`` and ``AuditHead``: what the audit trail says, and where it ends."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple, Self

from brickwork._address import Address, check_slug
from brickwork.errors import BrickworkError, InvalidName
from brickwork.store import AuditRow

_HEAD = re.compile(r"([0-9]{1,19}):([0-9a-f]{64})?")


class AuditHead(NamedTuple):
    """Where an audit trail ends. Keep it away from the vault: see `AuditTrail.verify`.

    As text it is ``position:code``, for example ``200:4f1c...``; an empty trail is ``0:``.

    Attributes:
        position: The number of the last entry, which is how many there are.
        mac: The code of the last entry, which depends on all before it.
    """

    position: int
    mac: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``position:code``. Raises InvalidName."""
        found = _HEAD.fullmatch(text.strip())
        if found is None or (found[1].strip("0") == "") != (found[2] is None):
            raise InvalidName(
                f"Not the head of an audit trail: {text.strip()[:80]!r}.",
                fix="Give what `brickwork audit head` printed: a number, a colon, 64 hex digits.",
            )
        return cls(int(found[1]), bytes.fromhex(found[2] or ""))

    def __str__(self) -> str:
        return f"{self.position}:{self.mac.hex()}"


class AuditEntry(NamedTuple):
    """One thing that happened to a vault.

    Attributes:
        position: 1 for the first, then without a gap.
        at: When, by the clock of the machine that did it; None if it cannot be read.
        who: user@host, by that machine's operating system.
        actor: What BRICKWORK_ACTOR said there; empty if it was not set.
        action: A key of `brickwork.vault.audit.ACTIONS`, such as ``save``.
        address: The document that it happened to; None for what concerns none.
        block: The id, in hex, that the block keeps when it is renamed.
        kid: The id, in hex, of the root key that the document was sealed with.
        detail: What else there is to say; never a secret.
        readable: Whether it could be read. One that somebody overwrote has only a position.
        row: What the store has.
    """

    position: int
    at: datetime | None
    who: str
    actor: str
    action: str
    address: Address | None
    block: str
    kid: str
    detail: Mapping[str, Any]
    readable: bool
    row: AuditRow

    def __repr__(self) -> str:
        what = f"{self.action} {self.address or ''}".strip() if self.readable else "unreadable"
        return f"AuditEntry({self.position}, {what!r})"


def entry_of(row: AuditRow) -> AuditEntry:
    """Read a row; what is no entry becomes one that is not readable."""
    try:
        content = json.loads(row.content)
        texts = [
            _text(content.get(name, "")) for name in ("who", "actor", "action", "block", "kid")
        ]
        detail = content.get("detail", {})
        if not isinstance(detail, dict) or not texts[2]:
            return _unreadable(row)
        at = datetime.fromisoformat(content["at"])
        if at.tzinfo is None:
            return _unreadable(row)
        place = content.get("address")
        return AuditEntry(
            position=row.position,
            at=at,
            who=texts[0],
            actor=texts[1],
            action=texts[2],
            address=None if place is None else Address.parse(place),
            block=texts[3],
            kid=texts[4],
            detail=detail,
            readable=True,
            row=row,
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, BrickworkError):
        return _unreadable(row)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _unreadable(row: AuditRow) -> AuditEntry:
    return AuditEntry(row.position, None, "", "", "", None, "", "", {}, False, row)


def filtered(
    *,
    address: str | None,
    action: str | Collection[str] | None,
    who: str | None,
    since: datetime | None,
    until: datetime | None,
) -> Callable[[AuditEntry], bool]:
    """Return what says whether an entry is asked for; see `AuditTrail.entries`."""
    tests: list[Callable[[AuditEntry], bool]] = []
    if address is not None:
        place = Address.parse(address) if "/" in address else Address(check_slug(address), "")
        tests.append(lambda entry: any(_within(each, place) for each in _addresses(entry)))
    if action is not None:
        actions = {action} if isinstance(action, str) else set(action)
        tests.append(
            lambda entry: entry.action in actions or entry.action.partition(".")[0] in actions
        )
    if who is not None:
        tests.append(lambda entry: who in entry.who or who in entry.actor)
    if since is not None:
        start = since.astimezone()
        tests.append(lambda entry: entry.at is not None and entry.at >= start)
    if until is not None:
        end = until.astimezone()
        tests.append(lambda entry: entry.at is not None and entry.at < end)
    return lambda entry: not entry.readable or all(test(entry) for test in tests)


def _addresses(entry: AuditEntry) -> list[Address]:
    found = [] if entry.address is None else [entry.address]
    if "old" in entry.detail:  # of a rename
        with suppress(BrickworkError, AttributeError):
            found.append(Address.parse(entry.detail["old"]))
    return found


def _within(found: Address, place: Address) -> bool:
    """Whether an address is one, or one of a block, or one of a slug, that was asked for."""
    wanted = [part for part in place if part]
    return list(found[: len(wanted)]) == wanted
