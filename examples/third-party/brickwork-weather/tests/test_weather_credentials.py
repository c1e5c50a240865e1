"""Credentials: what they refuse, and what their check says; the rest is in their contracts."""

import pytest
from brickwork import InvalidBlock

from brickwork_weather import WeatherCredentials
from brickwork_weather.testing import Service

TOKEN = "another-token-1234"


@pytest.mark.parametrize("token", ["", "two words", "line-end\n", "t\u00f6ken-1234"])
def test_a_token_that_cannot_be_sent_is_refused(token: str) -> None:
    """And the error does not show it."""
    with pytest.raises(InvalidBlock, match="token") as caught:
        WeatherCredentials(token=token)
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["http://api.example.com", "https://", "https://a:b@api.example.com", "api.example.com"],
)
def test_a_url_that_would_show_the_token_is_refused(url: str) -> None:
    """Only TLS, or this machine, is good enough for a token."""
    with pytest.raises(InvalidBlock, match="url"):
        WeatherCredentials(token=TOKEN, url=url)


def test_a_permission_that_lacks_is_named(weather_server: Service) -> None:
    """A token that may do some things is good for those, and the check says what it lacks."""
    token = weather_server.token("account:read")
    report = WeatherCredentials(token=token, url=weather_server.url).check()
    last = report.findings[-1]
    assert (report.ok, last.what, last.status) == (True, "permissions", "warning")
    assert "account:read" not in last.detail
    assert "lacks" in last.detail


@pytest.mark.parametrize("status", [500, 503])
def test_a_check_of_a_broken_service_fails(
    weather_server: Service,
    weather_credentials: WeatherCredentials,
    status: int,
) -> None:
    """An error of the service is no fault of the token."""
    weather_server.fail(status)
    report = weather_credentials.check()
    assert [finding.status for finding in report.findings] == ["failed", "skipped"]
