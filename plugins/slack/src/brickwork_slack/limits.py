"""Slack's rate limits: one for each method and workspace.

See https://docs.slack.dev/apis/web-api/rate-limits.
"""

import threading
from collections.abc import Mapping
from math import isfinite
from time import monotonic

DEFAULT_SECONDS = 30.0
"""How long to wait where Slack does not say it; it always does."""

_LIMITED = frozenset({"ratelimited", "rate_limited"})


def seconds_asked(status: int, error: str, headers: Mapping[str, str]) -> float | None:
    """Return the seconds that an answer asks one to wait; None where it is no rate limit's.

    Args:
        status: The HTTP status.
        error: Slack's code.
        headers: By their names in lower case.
    """
    if status != 429 and error not in _LIMITED:
        return None
    try:
        seconds = float(headers.get("retry-after", DEFAULT_SECONDS))
    except ValueError:
        return DEFAULT_SECONDS
    return max(seconds, 1.0) if isfinite(seconds) else DEFAULT_SECONDS


class Gates:
    """What all threads know of the limits of one token: until when a method is not called."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed: dict[str, float] = {}

    def close(self, method: str, seconds: float) -> None:
        """Let nobody call a method for so long."""
        with self._lock:
            self._closed[method] = max(monotonic() + seconds, self._closed.get(method, 0.0))

    def closed(self, method: str) -> tuple[float, float] | None:
        """Return until when a method is closed, and the seconds left; None where it is open."""
        with self._lock:
            until = self._closed.get(method)
        left = 0.0 if until is None else until - monotonic()
        return None if until is None or left <= 0 else (until, left)

    def waited(self, method: str, until: float) -> None:
        """Open a method, which somebody waited for; unless it was closed for longer meanwhile."""
        with self._lock:
            if self._closed.get(method) == until:
                del self._closed[method]
