"""Pytest fixtures over `brickwork_weather.testing`."""

from collections.abc import Iterator

import pytest

from brickwork_weather.credentials import WeatherCredentials
from brickwork_weather.testing.server import Service, weather_server as run_server


@pytest.fixture
def weather_server() -> Iterator[Service]:
    """The service on loopback, new for each test."""
    with run_server() as server:
        yield server


@pytest.fixture
def weather_credentials(
    weather_server: Service,
) -> WeatherCredentials:
    """Credentials that may do everything there."""
    return WeatherCredentials(
        url=weather_server.url,
        token=weather_server.token(),
        timeout_seconds=5,
    )
