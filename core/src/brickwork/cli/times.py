"""Points in time and spans, as people write them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

_SPAN = re.compile(r"(\d{1,6})\s*([hdwy])")
_UNITS = {
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "y": timedelta(days=365),
}
_FOREVER = 36_500


class Span(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions only
    """A span of time: ``30d``, ``12h``, ``2w``, ``1y``."""

    name = "span"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Return the span."""
        found = _span(value) if isinstance(value, str) else value
        if not isinstance(found, timedelta):
            self.fail("write a number and h, d, w or y, such as 30d.", param, ctx)
        return found


class When(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions only
    """A point in time: a date, a date with a time, a span from now, or ``never``."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the time in UTC, or the text ``never``."""
        if not isinstance(value, str) or value == "never":
            return value
        span = _span(value)
        if span is not None:
            return datetime.now(UTC).replace(microsecond=0) + span
        try:
            when = datetime.fromisoformat(value)
            # A date means that day, as the person who writes it sees it begin.
            return when.astimezone(UTC)
        except (ValueError, OverflowError, OSError):
            self.fail("write a date (2027-01-31), a span from now (90d) or never.", param, ctx)


def _span(text: str) -> timedelta | None:
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        return None
    return min(int(found[1]) * _UNITS[found[2]], timedelta(days=_FOREVER))
