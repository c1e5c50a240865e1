"""Reads what stands in Slack's answers in many places."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from brickwork_slack.errors import SlackError, SlackInvalid


def moment(seconds: float | str | None) -> datetime | None:
    """Return a time in UTC; None for none, and for 0, which is Slack's none.

    Args:
        seconds: Since 1970; a message's ``ts`` is such, too.
    """
    value = float(seconds or 0)
    return datetime.fromtimestamp(value, UTC) if value > 0 else None


def texts(values: Iterable[Any] | None) -> tuple[str, ...]:
    """Return ids or names; none are an empty tuple."""
    return tuple(map(str, values or ()))


def said(part: Mapping[str, Any] | None) -> str:
    """Return the text of a topic or a purpose."""
    return str((part or {}).get("value") or "")


def ts_of(when: datetime | str | None) -> str | None:
    """Return a time as Slack knows messages by it; such a text, and None, stay as they are.

    Raises:
        SlackInvalid: The time has no zone.
    """
    if not isinstance(when, datetime):
        return when
    return f"{whole_seconds(when)}.{when.microsecond:06d}"


def whole_seconds(when: datetime) -> int:
    """Return the whole seconds since 1970 of a time.

    Raises:
        SlackInvalid: The time has no zone.
    """
    if when.tzinfo is None:
        raise SlackInvalid(
            f"{when.isoformat()} has no zone: nobody knows which moment it is.",
            fix="Give datetime.now(UTC), or another time with a zone.",
        )
    return int(when.replace(microsecond=0).timestamp())


@contextmanager
def unless(*errors: str) -> Iterator[None]:
    """Go on where Slack says that what was asked for is so already.

    Args:
        errors: Slack's codes for it.
    """
    try:
        yield
    except SlackError as error:
        if error.error not in errors:
            raise
