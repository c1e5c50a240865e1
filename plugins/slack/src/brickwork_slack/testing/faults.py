"""What can go wrong at Slack, to be told to a `SlackServer`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request.

    Attributes:
        status: The HTTP status of the answer; 0 lets the request be served.
        body: The answer's; bytes for what is not JSON.
        headers: The answer's.
        delay_seconds: How long to wait first.
        cut_after: How many bytes of the answer get through before the connection breaks; with 0
            not even its headers do.
        unserved: The connection breaks before anything was done.
        served: The request is served, though its answer is another one.
    """

    status: int = 0
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0
    cut_after: int | None = None
    unserved: bool = False
    served: bool = False


def rate_limited(retry_after: float | None = 1) -> Fault:
    """Too much was asked: 429; see https://docs.slack.dev/apis/web-api/rate-limits.

    Args:
        retry_after: What Slack says to wait, in seconds; None leaves it out.
    """
    waits = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return Fault(429, {"ok": False, "error": "ratelimited"}, waits)


def server_error(status: int = 503, *, served: bool = False) -> Fault:
    """Slack, or what stands before it, is broken; the answer is a page, not JSON.

    Args:
        status: The HTTP status.
        served: What was asked for was done all the same.
    """
    page = b"<html><body>Something went wrong.</body></html>"
    return Fault(status, page, {"Content-Type": "text/html"}, served=served)


def says(error: str, **more: Any) -> Fault:
    """Slack refuses with a code, as ``fatal_error``, ``internal_error`` or ``team_added_to_org``.

    Args:
        error: Slack's code.
        more: Other fields of the answer.
    """
    return Fault(200, {"ok": False, "error": error, **more})


def slow(seconds: float) -> Fault:
    """The request is served, but late."""
    return Fault(delay_seconds=seconds)


def reset_before() -> Fault:
    """The connection breaks before anything was done."""
    return Fault(unserved=True)


def reset_after() -> Fault:
    """The request is served, and the connection breaks before the answer."""
    return Fault(cut_after=0)


def lost_answer(after: int = 1) -> Fault:
    """The request is served, and the connection breaks in the midst of the answer.

    Args:
        after: How many bytes of the answer's body get through.
    """
    return Fault(cut_after=after)


def garbled() -> Fault:
    """The request is served, and what is answered is not JSON, as proxies do."""
    return Fault(
        200,
        b"<html>Welcome to the guest network</html>",
        {"Content-Type": "text/html"},
        served=True,
    )
