"""The tasks: all pages, all retries, and what the service does not take."""

from datetime import date

import pytest
from brickwork.testing.task import no_waiting

from brickwork_weather import (
    Day,
    WeatherCredentials,
    WeatherError,
    WeatherForbidden,
    WeatherPlace,
    WeatherUnavailable,
    forecast,
    list_stations,
)
from brickwork_weather.testing import Service


@pytest.fixture
def place(weather_credentials: WeatherCredentials) -> WeatherPlace:
    """A place on the equator."""
    return WeatherPlace(credentials=weather_credentials, latitude=0, longitude=10)


def test_a_forecast_begins_today(weather_server: Service, place: WeatherPlace) -> None:
    """One for each day, in order."""
    weather_server.api.today = date(2026, 12, 31)
    assert forecast(place, days=2) == [
        Day(day=date(2026, 12, 31), low=29.0, high=35.0, rain=0.4),
        Day(day=date(2027, 1, 1), low=30.0, high=36.0, rain=0.0),
    ]


def test_units_are_those_of_the_place(place: WeatherPlace) -> None:
    """The service counts, and not the task."""
    (today,) = forecast(place.model_copy(update={"units": "imperial"}), days=1)
    assert (today.low, today.rain) == (84.2, 0.016)


@pytest.mark.parametrize("days", [0, 17])
def test_days_that_there_are_not_are_refused(place: WeatherPlace, days: int) -> None:
    """The service says no, once."""
    with pytest.raises(WeatherError, match="422"):
        forecast(place, days=days)


def test_all_pages_are_listed(
    weather_server: Service, weather_credentials: WeatherCredentials
) -> None:
    """Nothing is lost at the end of a page, and other countries are left out."""
    weather_server.api.add_stations(*(f"station {number}" for number in range(250)))
    weather_server.api.add_stations("Lund", country="SE")
    found = list_stations(weather_credentials, country="NO")
    assert [each.name for each in found] == [f"station {number}" for number in range(250)]
    assert len(weather_server.requests) == 3


def test_they_are_tried_again_when_the_service_is_away(
    weather_server: Service, place: WeatherPlace
) -> None:
    """Errors that pass cost time; those that do not are raised after the last retry."""
    with no_waiting() as waits:
        weather_server.fail(503, times=3)
        assert len(forecast(place, days=3)) == 3
        assert len(waits) == 3
        weather_server.fail(503, times=4)
        with pytest.raises(WeatherUnavailable):
            list_stations(place.credentials)


def test_an_answer_of_another_kind_is_an_error(
    weather_server: Service, weather_credentials: WeatherCredentials
) -> None:
    """It is no empty list, and no KeyError."""
    weather_server.api.stations.append({"country": "NO", "number": "1"})
    with pytest.raises(WeatherError, match="none of the API"):
        list_stations(weather_credentials)


def test_a_permission_that_lacks_is_not_retried(weather_server: Service) -> None:
    """It would fail again; the check of the place says so, too."""
    token = weather_server.token("account:read", "stations:read")
    who = WeatherCredentials(url=weather_server.url, token=token)
    place = WeatherPlace(credentials=who, latitude=0, longitude=0)
    with pytest.raises(WeatherForbidden):
        forecast(place)
    assert len(weather_server.requests) == 1
    assert not place.check().ok
    assert list_stations(who) == []
