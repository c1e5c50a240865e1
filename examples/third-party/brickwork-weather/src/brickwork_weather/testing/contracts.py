"""Conformance of what this package brings, for ``brickwork plugin check`` and its own tests."""

from pathlib import Path

import pytest
from brickwork import Block
from brickwork.testing import (
    BlockContract,
    CheckContract,
    PackageContract,
    TaskContract,
)

from brickwork_weather.credentials import WeatherCredentials
from brickwork_weather.place import WeatherPlace
from brickwork_weather.testing.fixtures import (
    weather_credentials,
    weather_server,
)
from brickwork_weather.testing.server import Service

# The fixtures too: pytest finds them where the classes are.
__all__ = [
    "TestCheckOfCredentials",
    "TestCredentials",
    "TestForecast",
    "TestListStations",
    "TestPackage",
    "TestPlace",
    "weather_credentials",
    "weather_server",
]

_GOLDEN = Path(__file__).parent / "golden"
"""What releases of this package have saved. Add to it, and never change what is there."""

_GOLDEN_CREDENTIALS = WeatherCredentials(
    token="golden-token-1234",
    url="https://api.weather.example",
    timeout_seconds=5,
)


class TestPackage(PackageContract):
    """The package."""

    @pytest.fixture
    def distribution(self) -> str:
        """Return its name."""
        return "brickwork-weather"

    @pytest.fixture
    def forbidden_at_discovery(self) -> list[str]:
        """Return what is slow to import; name the vendor's library here."""
        return ["http.client", "pydantic"]


class TestCredentials(BlockContract):
    """WeatherCredentials."""

    golden_folder = _GOLDEN

    @pytest.fixture
    def block(self, weather_server: Service) -> Block:
        """Return credentials that the service on loopback knows."""
        return WeatherCredentials(
            url=weather_server.url,
            token=weather_server.token(),
            timeout_seconds=5,
        )

    @pytest.fixture
    def golden_block(self) -> Block:
        """Return what is written as a golden document."""
        return _GOLDEN_CREDENTIALS


class TestCheckOfCredentials(CheckContract):
    """WeatherCredentials.check, and what it tells apart."""

    @pytest.fixture
    def working(self, weather_credentials: WeatherCredentials) -> Block:
        """Return credentials that the service knows."""
        return weather_credentials

    @pytest.fixture
    def wrong(self, weather_server: Service) -> Block:
        """Return credentials that it does not know."""
        url = weather_server.url
        return WeatherCredentials(token="unknown-token-1234", url=url)

    @pytest.fixture
    def denied(self, weather_server: Service) -> Block:
        """Return credentials that may not even ask who they are."""
        token = weather_server.token("nothing:read")
        return WeatherCredentials(token=token, url=weather_server.url)

    @pytest.fixture
    def unreachable(self) -> Block:
        """Return credentials for a port where nobody listens."""
        return WeatherCredentials(token="unknown-token-1234", url="http://127.0.0.1:1")

    @pytest.fixture
    def silent(self, silent_port: int) -> Block:
        """Return credentials for a service that never answers."""
        url = f"http://127.0.0.1:{silent_port}"
        return WeatherCredentials(token="unknown-token-1234", url=url, timeout_seconds=0.5)


class TestPlace(BlockContract):
    """WeatherPlace."""

    golden_folder = _GOLDEN

    @pytest.fixture
    def block(self, weather_credentials: WeatherCredentials) -> Block:
        """Return a place that the service on loopback knows."""
        return _place(weather_credentials)

    @pytest.fixture
    def golden_block(self) -> Block:
        """Return what is written as a golden document."""
        return _place(_GOLDEN_CREDENTIALS)


class TestForecast(TaskContract):
    """forecast."""

    name = "weather.forecast"

    @pytest.fixture
    def call(self, weather_credentials: WeatherCredentials) -> dict[str, object]:
        """Return arguments."""
        return {"place": _place(weather_credentials)}


class TestListStations(TaskContract):
    """list_stations."""

    name = "weather.list_stations"

    @pytest.fixture
    def call(
        self, weather_server: Service, weather_credentials: WeatherCredentials
    ) -> dict[str, object]:
        """Return arguments; the service has what the docstring's example shows."""
        weather_server.api.add_stations("Trondheim", "Bergen")
        weather_server.api.add_stations("Lund", country="SE")
        return {"credentials": weather_credentials}

    @pytest.fixture
    def slow_call(
        self, weather_server: Service, weather_credentials: WeatherCredentials
    ) -> dict[str, object]:
        """Return arguments for a run of a minute: 1,200 pages from a slow service."""
        weather_server.api.add_stations(*map(str, range(120_000)))
        weather_server.delay_seconds = 0.05
        return {"credentials": weather_credentials}


def _place(credentials: WeatherCredentials) -> WeatherPlace:
    return WeatherPlace(credentials=credentials, latitude=63, longitude=10.4, units="metric")
