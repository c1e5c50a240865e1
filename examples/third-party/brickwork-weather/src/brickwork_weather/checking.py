"""Looks at credentials from outside: is the service there, does it know us, what may we?"""

from typing import TYPE_CHECKING

from brickwork import CheckReport, Finding, Scope

from brickwork_weather.errors import (
    WeatherError,
    WeatherForbidden,
    WeatherUnauthorized,
)

if TYPE_CHECKING:
    from brickwork_weather.credentials import WeatherCredentials

CHECK_SECONDS = 5.0
"""How long a check may take in all."""

PERMISSIONS = {
    "account:read": "check themselves",
    "forecast:read": "forecast",
    "stations:read": "list stations",
}
"""What a token must be allowed, and what credentials cannot do without it."""


def check_credentials(credentials: "WeatherCredentials") -> CheckReport:
    """See `WeatherCredentials.check`."""
    try:
        with Scope("check", seconds=CHECK_SECONDS):
            seconds = min(CHECK_SECONDS, credentials.timeout_seconds)
            me = credentials.client(seconds).json("GET", "/v1/me")
    except (WeatherUnauthorized, WeatherForbidden) as error:
        reached = Finding("ok", "service", credentials.url)
        return CheckReport((reached, Finding("failed", "token", error.what, error.fix)))
    except WeatherError as error:
        failed = Finding("failed", "service", error.what, error.fix)
        return CheckReport((failed, Finding("skipped", "token", "The service was not reached.")))
    reached = Finding("ok", "service", credentials.url)
    return CheckReport((reached, Finding("ok", "token", str(me.get("login"))), _allowed(me)))


def _allowed(me: dict[str, object]) -> Finding:
    scopes = me.get("scopes")
    has = scopes if isinstance(scopes, list) else []
    missing = {scope: what for scope, what in PERMISSIONS.items() if scope not in has}
    if not missing:
        return Finding("ok", "permissions", ", ".join(PERMISSIONS))
    return Finding(
        "warning",
        "permissions",
        f"They cannot {', '.join(missing.values())}: the token lacks {', '.join(missing)}.",
        "Allow it in the settings of the account, if that is needed.",
    )
