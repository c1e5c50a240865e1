"""Looks at credentials from outside: does Slack know the token, and what may it?"""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from brickwork import BrickworkError, CheckReport, Finding, Scope
from brickwork_slack.errors import SlackDenied, SlackRateLimited, SlackUnavailable

if TYPE_CHECKING:
    from brickwork_slack.credentials import SlackCredentials

CHECK_SECONDS = 8.0
"""How long a check may take in all."""


def check_credentials(credentials: "SlackCredentials") -> CheckReport:
    """See `SlackCredentials.check`."""
    from brickwork_slack.calls import asked
    from brickwork_slack.tasks import driven

    try:
        with Scope("check", seconds=CHECK_SECONDS):
            found, headers = driven(asked(credentials, "auth.test", {}))
    except (SlackUnavailable, SlackRateLimited) as error:
        return CheckReport((Finding("failed", "slack", error.what, error.fix), _SKIPPED))
    except SlackDenied as error:
        return CheckReport((Finding("failed", "token", error.what, error.fix), _SKIPPED))
    except BrickworkError as error:
        return CheckReport((Finding("failed", "slack", error.what, error.fix), _SKIPPED))
    except Exception as error:  # noqa: BLE001  # a check never raises
        fix = "Look at the credentials' options."
        return CheckReport((Finding("failed", "slack", type(error).__name__, fix), _SKIPPED))
    who = "bot" if found.get("bot_id") else "user"
    named = f"{who} {found.get('user')} ({found.get('user_id')})"
    team = f"{found.get('team')} ({found.get('team_id')}), {found.get('url')}"
    return CheckReport(
        (
            Finding("ok", "token", named),
            Finding("ok", "workspace", team),
            _scopes(headers.get("x-oauth-scopes", "")),
            *_parts(credentials),
        )
    )


_SKIPPED = Finding("skipped", "scopes", "The token could not be looked at.")


def _scopes(said: str) -> Finding:
    scopes = sorted(filter(None, (scope.strip() for scope in said.split(","))))
    if not scopes:
        return Finding("skipped", "scopes", "Slack did not say which.")
    if "chat:write" not in scopes:
        return Finding(
            "warning",
            "scopes",
            f"No messages can be posted: chat:write lacks. There are {', '.join(scopes)}.",
            "If that is wanted, add it in the app's settings, under OAuth & Permissions, and "
            "install the app again.",
        )
    return Finding("ok", "scopes", ", ".join(scopes))


def _parts(credentials: "SlackCredentials") -> list[Finding]:
    """Say what of an app is here, which nothing but use can try, and who may read along."""
    found = []
    from brickwork_slack.clients import api_url

    where = urlsplit(api_url(credentials))
    if where.scheme == "http" and where.hostname not in ("127.0.0.1", "localhost", "::1"):
        fix = "Give a base_url with https://."
        told = f"The token goes to {where.hostname} in clear."
        found.append(Finding("warning", "address", told, fix))
    if credentials.app_token is not None:
        found.append(Finding("skipped", "app token", "Tried by Socket Mode, which uses it."))
    if credentials.signing_secret is not None:
        found.append(Finding("skipped", "signing secret", "Tried by the first request of Slack."))
    return found
