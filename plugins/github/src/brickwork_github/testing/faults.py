"""What can go wrong at GitHub, to be told to a `GitHubServer`."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_DOCS = "https://docs.github.com/rest"
_LIMITS = f"{_DOCS}/using-the-rest-api/rate-limits-for-the-rest-api"


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request.

    Attributes:
        status: The HTTP status of the answer; 0 lets the request be served.
        body: The answer's.
        headers: The answer's.
        delay_seconds: How long to wait first.
        cut_after: How many bytes of the answer get through before the connection breaks; with 0
            not even its headers do.
        unserved: The connection breaks before anything was done.
    """

    status: int = 0
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0
    cut_after: int | None = None
    unserved: bool = False


def _said(status: int, message: str, page: str = _DOCS, **more: Any) -> dict[str, Any]:
    return {"message": message, "documentation_url": page, "status": str(status), **more}


def secondary_limit(retry_after: int | None = 60, *, status: int = 403) -> Fault:
    """Too much at once: see https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api.

    Args:
        retry_after: What GitHub says to wait, in seconds; None leaves it out, as it may.
        status: 403 or 429.
    """
    message = (
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    )
    waits = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Fault(status, _said(status, message, f"{_LIMITS}#about-secondary-rate-limits"), waits)


def primary_limit(reset_in: float = 60, *, status: int = 403) -> Fault:
    """The hour's requests are used up.

    Args:
        reset_in: In how many seconds there are new ones.
        status: 403 or 429.
    """
    reset = str(int(time.time() + reset_in))
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    message = "API rate limit exceeded for user ID 1."
    return Fault(status, _said(status, message, _LIMITS), headers)


def server_error(status: int = 502) -> Fault:
    """GitHub, or what stands before it, is broken; the answer is a page, not JSON."""
    page = b"<html><body><h1>Unicorn!</h1></body></html>"
    return Fault(status, page, {"Content-Type": "text/html"})


def conflict(message: str = "Git Repository is empty.") -> Fault:
    """What is asked for contradicts the state of the repository: 409."""
    return Fault(409, _said(409, message))


def not_found(message: str = "Not Found") -> Fault:
    """It is not there, or may not be seen: 404."""
    return Fault(404, _said(404, message))


def denied(*accepted: str, message: str = "Resource not accessible by integration") -> Fault:
    """A permission lacks: 403.

    Args:
        accepted: The permissions of which any would do, such as ``issues=write``.
        message: What GitHub says.
    """
    named = {"X-Accepted-GitHub-Permissions": "; ".join(accepted)} if accepted else {}
    return Fault(403, _said(403, message), named)


def sso_required(url: str = "https://github.com/orgs/octo/sso?authorization_request=AAAA") -> Fault:
    """The token is not authorized for an organization with single sign-on: 403."""
    message = (
        "Resource protected by organization SAML enforcement. "
        "You must grant your token access to this organization."
    )
    return Fault(403, _said(403, message), {"X-GitHub-SSO": f"required; url={url}"})


def bad_credentials() -> Fault:
    """The token is wrong, expired or revoked: 401."""
    return Fault(401, _said(401, "Bad credentials"))


def invalid(*errors: Mapping[str, Any], message: str = "Validation Failed") -> Fault:
    """The request is understood, and what it says will not do: 422.

    Args:
        errors: Such as ``{"resource": "Issue", "field": "title", "code": "missing_field"}``.
        message: What GitHub says.
    """
    return Fault(422, _said(422, message, errors=[dict(error) for error in errors]))


def slow(seconds: float) -> Fault:
    """The request is served, but late."""
    return Fault(delay_seconds=seconds)


def reset() -> Fault:
    """The connection breaks before anything was done."""
    return Fault(unserved=True)


def cut(after: int = 0) -> Fault:
    """The request is served, and the connection breaks in the midst of the answer.

    Args:
        after: How many bytes get through; with 0 none, so that the client cannot know that the
            work was done.
    """
    return Fault(cut_after=after)
