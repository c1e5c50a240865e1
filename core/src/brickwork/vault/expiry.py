"""When what a block holds ends to be valid, as its notes say."""

import warnings
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from brickwork.errors import ExpiryWarning

if TYPE_CHECKING:
    from brickwork.store import Record
    from brickwork.vault.notes import Notes

SOON = timedelta(days=14)
"""How long before its end a block is said to expire soon."""

Expiry = Literal["expired", "soon"]

_told: dict[str, object] = {}


def expiry(notes: "Notes", now: datetime | None = None) -> Expiry | None:
    """Return whether a block has expired, or will soon; None for neither."""
    when = notes.expires_at
    if when is None:
        return None
    left = when - (now or datetime.now(UTC))
    if left <= timedelta(0):
        return "expired"
    return "soon" if left <= SOON else None


def told(notes: "Notes", now: datetime | None = None) -> str:
    """Say when a block expires, in words such as ``expired 3 days ago, on 2026-11-19``."""
    when = notes.expires_at
    if when is None:
        return ""
    left = when - (now or datetime.now(UTC))
    day = f"{when:%Y-%m-%d}"
    if left <= timedelta(0):
        return f"expired {_span(-left)} ago, on {day}"
    return f"expires in {_span(left)}, on {day}"


def warn_if_expired(record: "Record") -> None:
    """Warn of a loaded document that has expired: once per process and address."""
    from brickwork.vault.document import Document

    notes = Document(record).notes
    if expiry(notes) != "expired":
        return
    address = f"{record.slug}/{record.name}"
    mine = object()
    if _told.setdefault(address, mine) is not mine:
        return
    warnings.warn(
        f"{address} {told(notes)}. Save what replaced it, or correct the date: "
        f"brickwork block annotate {address} --expires DATE.",
        ExpiryWarning,
        stacklevel=_level_of_caller(),
    )


def _level_of_caller() -> int:
    """Return how far up the program is that loads the block, from who warns."""
    import inspect

    level, frame = 0, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith("brickwork."):
        level, frame = level + 1, frame.f_back
    return max(level, 1)


def _span(left: timedelta) -> str:
    if left >= timedelta(days=1):
        return f"{left.days} day{'' if left.days == 1 else 's'}"
    hours = left // timedelta(hours=1)
    if hours:
        return f"{hours} hour{'' if hours == 1 else 's'}"
    return "less than an hour"
