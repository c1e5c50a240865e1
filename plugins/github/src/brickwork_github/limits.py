"""GitHub's rate limits: how long to wait, and whether there is time for it.

See https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api and
https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import time

from brickwork import check_cancelled, progress, remaining, sleep

SECONDARY_SECONDS = 60.0
"""How long GitHub wants one to wait where it does not say it; twice that the next time."""

_SECONDARY = (
    "secondary rate limit",
    "abuse detection",
    "please wait a few minutes",
    "was submitted too quickly",
)
_LOOK_SECONDS = 0.5


def pause_asked(status: int, headers: Mapping[str, str], body: bytes, tries: int) -> float | None:
    """Return the seconds that an answer asks one to wait; None where it is no rate limit's.

    Args:
        status: The HTTP status.
        headers: By their names in lower case.
        body: The answer's.
        tries: How often this request ran into a limit before.
    """
    spent = headers.get("x-ratelimit-remaining") == "0"
    if status == 200:
        if not _graphql_limited(body):
            return None
    elif status not in (403, 429):
        return None
    asked = headers.get("retry-after", "")
    if asked.isdecimal():
        return float(asked)
    if spent:
        return seconds_to_reset(headers)
    if status in (200, 429) or _is_secondary(body.decode("utf-8", "replace")):
        return SECONDARY_SECONDS * 2.0**tries
    return None


def _is_secondary(text: str) -> bool:
    return any(words in text.lower() for words in _SECONDARY)


def _graphql_limited(body: bytes) -> bool:
    """Tell whether GraphQL, which answers 200 to anything, did nothing because of a limit.

    See https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api.
    """
    if b'"errors"' not in body:
        return False
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    problems = answer.get("errors") if isinstance(answer, dict) else None
    if not isinstance(problems, list) or any((answer.get("data") or {}).values()):
        return False
    return any(
        isinstance(each, dict)
        and (each.get("type") == "RATE_LIMITED" or _is_secondary(str(each.get("message"))))
        for each in problems
    )


def seconds_to_reset(headers: Mapping[str, str]) -> float:
    """Return how long a primary limit still lasts, by GitHub's clock."""
    from email.utils import parsedate_to_datetime

    try:
        reset = float(headers["x-ratelimit-reset"])
    except (KeyError, ValueError):
        return SECONDARY_SECONDS
    try:
        now = parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        now = time()
    return max(reset - now, 0.0) + 1  # it is not said when in that second


def resource_of(path: str) -> str:
    """Return which of GitHub's primary limits a path counts to, roughly."""
    for name in ("/search/code", "/search", "/graphql"):
        if name in path:
            return name
    return ""


class Gate:
    """What all threads know of the limits of one client: no request is sent while one lasts.

    Args:
        most: How many requests may be under way at once; GitHub allows 100 for all of a user.
        longest: The longest wait, in seconds.
    """

    def __init__(self, most: int, longest: float) -> None:
        self._places = threading.BoundedSemaphore(most)
        self._longest = longest
        self._closed: dict[str, float] = {}  # by resource, until when

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Take a place, as soon as one is free.

        Raises:
            TaskCancelled: The task was cancelled meanwhile.
            TaskTimeout: Its time is up.
        """
        while not self._places.acquire(timeout=_LOOK_SECONDS):
            check_cancelled()
        try:
            yield
        finally:
            self._places.release()

    def close(self, resource: str, seconds: float) -> None:
        """Let nobody pass for so long."""
        self._closed[resource] = max(time() + seconds, self._closed.get(resource, 0.0))

    def wait(self, resource: str) -> float | None:
        """Wait until the gate is open; return the seconds for which there is no time, else None.

        Raises:
            TaskCancelled: The task was cancelled meanwhile.
            TaskTimeout: Its time is up.
        """
        until = self._closed.get(resource)
        if until is None:
            return None
        seconds = until - time()
        if seconds > 0:
            left = remaining()
            if seconds > self._longest or (left is not None and seconds >= left):
                return seconds
            progress(0, None, f"GitHub's rate limit: waiting {seconds:.0f} s")
            sleep(seconds)
        if self._closed.get(resource) == until:
            self._closed.pop(resource, None)
        return None
