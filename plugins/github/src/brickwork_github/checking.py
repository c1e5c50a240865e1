"""Looks at credentials from outside: is anybody there, who are we, and how much may we ask?"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from brickwork import BrickworkError, CheckReport, Finding, Scope
from brickwork_github.clients import Client, client_for
from brickwork_github.errors import GitHubDenied, GitHubNotFound
from brickwork_github.sending import Answer, Sender

if TYPE_CHECKING:
    from brickwork_github.credentials import GitHubCredentials

CHECK_SECONDS = 15.0
"""How long a check may take in all."""

SOON = timedelta(days=7)
"""A token that ends sooner is worth a warning."""

FEW = 100
"""So few requests left are worth a warning."""

_LOOPBACK = re.compile(r"http://(127\.[0-9.]+|localhost|\[::1\])(:|/|$)", re.IGNORECASE)
_EXPIRES = "github-authentication-token-expiration"


def check_credentials(credentials: "GitHubCredentials") -> CheckReport:
    """See `GitHubCredentials.check`."""
    findings: list[Finding] = []
    try:
        with Scope("check", seconds=CHECK_SECONDS):
            client = client_for(credentials)
            findings.append(_address(credentials, client))
            if client.installation is not None:
                findings.append(_app(client))
                limits = _limits(client.sender)
            else:
                limits = _limits(client.sender)
                identity, headers = _identity(client.sender)
                findings += [identity, _expiry(headers if limits is None else limits.headers)]
            findings.append(_limit(limits))
    except BrickworkError as error:
        findings.append(Finding("failed", "identity", error.what, error.fix or "Try again."))
    except Exception as error:  # noqa: BLE001  # a check never raises
        what = f"it failed with {type(error).__name__}"
        findings.append(Finding("failed", "identity", what, "Check host and api_url."))
    return CheckReport(tuple(findings))


def _address(credentials: "GitHubCredentials", client: Client) -> Finding:
    if not credentials.client_options.verify:
        return Finding(
            "warning",
            "address",
            f"{client.transport.api_url}; its certificate is not verified: it may be anybody",
            "Set client_options.verify to true, and ca_bundle for an authority of your own.",
        )
    url = client.transport.api_url
    if url.startswith("http:") and not _LOOPBACK.match(url):
        return Finding(
            "warning",
            "address",
            f"{url}; the token goes there in clear",
            "Write https:// in api_url.",
        )
    return Finding("ok", "address", url)


def _app(client: Client) -> Finding:
    installation = client.installation
    assert installation is not None  # noqa: S101  # as asked before
    app = installation.ask("GET /app")
    client.token()
    may = ", ".join(f"{name}: {level}" for name, level in sorted(installation.permissions.items()))
    return Finding("ok", "identity", f"the App {app.get('slug')}; {may or 'no permissions'}")


def _limits(sender: Sender) -> Answer | None:
    """Return the limits; None where an Enterprise Server has none, as it is by default."""
    try:
        return sender.send("GET /rate_limit")
    except GitHubNotFound as error:
        if "rate limit" not in error.what.lower():
            raise
        return None


def _identity(sender: Sender) -> tuple[Finding, Mapping[str, str]]:
    try:
        answer = sender.send("GET /user")
    except GitHubDenied as error:
        if error.status == 401:
            raise
        # It is known, and is nobody: the token of an installation, as in Actions.
        return Finding("ok", "identity", "an App's installation, as a workflow has it"), {}
    scopes = answer.headers.get("x-oauth-scopes")
    kind = "fine-grained token" if scopes is None else f"scopes {scopes or 'none'}"
    return Finding("ok", "identity", f"{answer.data['login']}; {kind}"), answer.headers


def _expiry(headers: Mapping[str, str]) -> Finding:
    text = headers.get(_EXPIRES, "").removesuffix(" UTC")
    if not text:
        return Finding("ok", "expiry", "GitHub names no end of the token")
    ends = datetime.fromisoformat(text)
    ends = ends if ends.tzinfo is not None else ends.replace(tzinfo=UTC)
    told = f"the token ends on {ends:%Y-%m-%d %H:%M} UTC"
    if ends - datetime.now(UTC) < SOON:
        return Finding("warning", "expiry", told, "Make another one, and save it.")
    return Finding("ok", "expiry", told)


def _limit(answer: Answer | None) -> Finding:
    if answer is None:
        return Finding("ok", "rate limit", "the server has none")
    core = answer.data["resources"]["core"]
    reset = datetime.fromtimestamp(core["reset"], UTC)
    told = f"{core['remaining']} of {core['limit']} requests left until {reset:%H:%M} UTC"
    if core["remaining"] < FEW:
        return Finding("warning", "rate limit", told, "Wait, or use a GitHub App.")
    return Finding("ok", "rate limit", told)
