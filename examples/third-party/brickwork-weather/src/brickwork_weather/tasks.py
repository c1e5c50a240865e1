"""The prebuilt tasks of Example Weather."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ParamSpec, TypeVar

from brickwork import Task, check_cancelled, exponential_backoff, progress, task

from brickwork_weather.credentials import WeatherCredentials
from brickwork_weather.errors import WeatherError, WeatherUnavailable
from brickwork_weather.place import WeatherPlace

_PAGE_SIZE = 100

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Day:
    """The weather of a day.

    Attributes:
        day: Which.
        low: The lowest temperature, in the units of the place.
        high: The highest one.
        rain: How much falls, in the units of the place.
    """

    day: date
    low: float
    high: float
    rain: float


@dataclass(frozen=True)
class Station:
    """A station that measures.

    Attributes:
        id: Its id.
        name: Its name.
        latitude: Degrees north of the equator.
        longitude: Degrees east of Greenwich.
    """

    id: str
    name: str
    latitude: float
    longitude: float


def _reading(permission: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a task of a function that only reads, and so may be called again."""
    return task(
        retries=3,
        retry_delay_seconds=exponential_backoff(1, max_seconds=30),
        retry_jitter_factor=0.5,
        retry_on=WeatherUnavailable,
        timeout_seconds=300,
        permissions=(permission,),
    )


@_reading("forecast:read")
def forecast(place: WeatherPlace, days: int = 7) -> list[Day]:
    """Return the weather of the next days at a place, today's first.

    Args:
        place: Where.
        days: How many, up to 16.

    Returns:
        One for each day.

    Raises:
        WeatherError: The request failed; see `brickwork_weather.errors`.

    Examples:
        >>> for each in forecast(place, days=2):
        ...     print(each.day, each.low, each.high, each.rain)
        2026-11-24 -2.5 3.5 0.4
        2026-11-25 -1.5 4.5 0.0
    """
    query = {**place.query(), "days": str(days)}
    found = place.credentials.client().json("GET", "/v1/forecast", query=query)
    return _read(_day, found.get("days"))


@_reading("stations:read")
def list_stations(credentials: WeatherCredentials, country: str = "") -> list[Station]:
    """List the stations of a country, or of all, from as many pages as there are.

    Args:
        credentials: Who asks.
        country: Its code of two letters, as in ISO 3166; all by default.

    Returns:
        The stations, by id.

    Raises:
        WeatherError: A request failed; see `brickwork_weather.errors`.

    Examples:
        >>> [station.name for station in list_stations(credentials, country="NO")]
        ['Trondheim', 'Bergen']
    """
    client = credentials.client()
    stations: list[Station] = []
    query = {"country": country, "limit": str(_PAGE_SIZE)}
    while True:
        check_cancelled()
        page = client.json("GET", "/v1/stations", query=query)
        stations += _read(_station, page.get("stations"))
        progress(len(stations), None, "stations")
        if not page.get("next"):
            return stations
        query["cursor"] = str(page["next"])


def _read(read: Callable[[Mapping[str, Any]], R], found: Any) -> list[R]:
    try:
        return [read(each) for each in found]
    except (KeyError, TypeError, ValueError):
        raise WeatherError(
            "The answer is none of the API of Example Weather.",
            fix="Check the URL of the API, and for a newer version of this package.",
        ) from None


def _day(found: Mapping[str, Any]) -> Day:
    numbers = (float(found[name]) for name in ("low", "high", "rain"))
    return Day(date.fromisoformat(found["date"]), *numbers)


def _station(found: Mapping[str, Any]) -> Station:
    place = (float(found[name]) for name in ("latitude", "longitude"))
    return Station(str(found["id"]), str(found["name"]), *place)
