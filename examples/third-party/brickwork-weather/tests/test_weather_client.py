"""The client: one error for each reason, and no token in any of them."""

import pytest
from brickwork import Scope
from brickwork.testing.task import no_waiting

from brickwork_weather import (
    WeatherCredentials,
    WeatherError,
    WeatherForbidden,
    WeatherNotFound,
    WeatherRateLimited,
    WeatherUnauthorized,
    WeatherUnavailable,
)
from brickwork_weather.testing import Service


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, WeatherUnauthorized),
        (403, WeatherForbidden),
        (404, WeatherNotFound),
        (422, WeatherError),
        (500, WeatherUnavailable),
        (0, WeatherUnavailable),
    ],
)
def test_each_refusal_has_its_error(
    weather_server: Service,
    weather_credentials: WeatherCredentials,
    status: int,
    kind: type[WeatherError],
) -> None:
    """It says what to do next, and shows no token; a broken connection (0) has one, too."""
    weather_server.fail(status)
    with pytest.raises(WeatherError) as caught:
        weather_credentials.client().json("GET", "/v1/me")
    assert type(caught.value) is kind
    assert (caught.value.status, bool(caught.value.fix)) == (status, True)
    assert weather_credentials.token.reveal() not in repr(caught.value)


def test_a_pause_that_is_asked_for_is_made(
    weather_server: Service,
    weather_credentials: WeatherCredentials,
) -> None:
    """What only reads is sent again after the pause."""
    weather_server.fail(429, retry_after=7)
    with no_waiting() as waits:
        assert weather_credentials.client().json("GET", "/v1/me")["login"] == "robot"
    assert waits == [7.0]


def test_a_pause_that_does_not_fit_is_an_error(
    weather_server: Service,
    weather_credentials: WeatherCredentials,
) -> None:
    """Where the time is too short for the pause, it ends at once."""
    weather_server.fail(429, retry_after=3600)
    with pytest.raises(WeatherRateLimited) as caught, Scope(seconds=5):
        weather_credentials.client().json("GET", "/v1/me")
    assert caught.value.retry_after_seconds == 3600
    assert len(weather_server.requests) == 1


def test_what_writes_is_not_sent_again(
    weather_server: Service,
    weather_credentials: WeatherCredentials,
) -> None:
    """After a pause a second POST could do the work twice, so the caller decides."""
    weather_server.fail(429, retry_after=1)
    with pytest.raises(WeatherRateLimited):
        weather_credentials.client().json("POST", "/v1/anything", body={})
    assert len(weather_server.requests) == 1


def test_a_web_page_is_no_answer(
    weather_server: Service,
    weather_credentials: WeatherCredentials,
) -> None:
    """An answer without an object in JSON is an error of its own."""
    weather_server.fail(200)
    with pytest.raises(WeatherError, match="no object in JSON"):
        weather_credentials.client().json("GET", "/v1/me")


def test_half_an_answer_is_none(
    weather_server: Service,
    weather_credentials: WeatherCredentials,
) -> None:
    """What was broken off is not taken for the whole."""
    weather_server.cut()
    with pytest.raises(WeatherUnavailable):
        weather_credentials.client().json("GET", "/v1/me")
