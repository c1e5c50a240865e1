"""What the service on loopback knows, answers and refuses. Keep it as strict as the real one.

No sockets here: `brickwork_weather.testing.server` listens, and hands requests on.
"""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from io import BytesIO
from typing import Any, BinaryIO, NamedTuple, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from brickwork_weather.checking import PERMISSIONS

ALL_SCOPES = tuple(PERMISSIONS)
_LARGEST_PAGE = 100
_MOST_DAYS = 16


class Readable(Protocol):
    """A file that can be read, or the end of a connection."""

    def read(self, size: int, /) -> bytes:
        """Return as many bytes, or those that are left."""


class Answer(NamedTuple):
    """What comes back.

    Attributes:
        status: The HTTP status.
        body: The bytes, as a file.
        size: How many they are.
        headers: More headers.
    """

    status: int
    body: BinaryIO
    size: int
    headers: Mapping[str, str]


class Refusal(Exception):
    """The service says no.

    Attributes:
        status: With this HTTP status.
        why: And these words.
    """

    def __init__(self, status: int, why: str) -> None:
        super().__init__(status, why)
        self.status, self.why = status, why


class Asked(NamedTuple):
    """A request.

    Attributes:
        method: The HTTP method.
        path: The parts of the path after ``/v1/``, unquoted.
        query: The parameters of the URL.
        headers: The headers, with a method ``get``.
        body: The bytes, as a file.
        size: How many they are.
    """

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str]
    headers: Any
    body: Readable
    size: int


class Api:
    """The service, without its network.

    Attributes:
        tokens: What each token may do.
        stations: The stations that there are.
        today: The day on which forecasts begin.
    """

    def __init__(self) -> None:
        self.tokens: dict[str, tuple[str, ...]] = {}
        self.stations: list[dict[str, Any]] = []
        self.today = date(2026, 11, 24)

    def add_stations(self, *names: str, country: str = "NO") -> None:
        """Let there be stations of these names, a degree further north each."""
        for name in names:
            number = len(self.stations)
            place = {"latitude": number % 90, "longitude": 10}
            self.stations.append({"id": f"s{number}", "name": name, "country": country, **place})

    def answer(self, method: str, target: str, headers: Any, body: Readable, size: int) -> Answer:
        """Answer a request.

        Args:
            method: The HTTP method.
            target: The path with its query.
            headers: The headers, with a method ``get``.
            body: The bytes that were sent, as a file.
            size: How many they are.
        """
        parts = urlsplit(target)
        _, _, *path = map(unquote, parts.path.split("/"))
        query = dict(parse_qsl(parts.query))
        try:
            return self._answer(Asked(method, tuple(path), query, headers, body, size))
        except Refusal as refusal:
            return _json(refusal.status, {"error": refusal.why})

    def _answer(self, asked: Asked) -> Answer:
        scopes = self.tokens.get(str(asked.headers.get("Authorization")).removeprefix("Bearer "))
        if scopes is None:
            raise Refusal(401, "unknown token")
        match asked.method, *asked.path:
            case "GET", "me":
                _need(scopes, "account:read")
                return _json(200, {"login": "robot", "scopes": list(scopes)})
            case "GET", "forecast":
                _need(scopes, "forecast:read")
                return self._forecast(asked.query)
            case "GET", "stations":
                _need(scopes, "stations:read")
                return self._stations(asked.query)
        raise Refusal(404, "no such resource")

    def _stations(self, query: Mapping[str, str]) -> Answer:
        limit, start = query.get("limit", "20"), query.get("cursor", "0")
        if not limit.isdecimal() or not 1 <= int(limit) <= _LARGEST_PAGE or not start.isdecimal():
            raise Refusal(422, "limit or cursor")
        wanted = query.get("country", "")
        found = [each for each in self.stations if wanted in ("", each["country"])]
        end = int(start) + int(limit)
        more = str(end) if end < len(found) else None
        return _json(200, {"stations": found[int(start) : end], "next": more})

    def _forecast(self, query: Mapping[str, str]) -> Answer:
        try:
            latitude, longitude = float(query["latitude"]), float(query["longitude"])
            days = int(query["days"])
        except (KeyError, ValueError):
            raise Refusal(422, "latitude, longitude or days") from None
        if abs(latitude) > 90 or abs(longitude) > 180 or not 1 <= days <= _MOST_DAYS:
            raise Refusal(422, "no such place, or too many days")
        metric = query.get("units", "metric") == "metric"
        return _json(200, {"days": [self._day(latitude, day, metric) for day in range(days)]})

    def _day(self, latitude: float, number: int, metric: bool) -> dict[str, Any]:
        """Make up the weather: colder to the poles, a little warmer each day."""
        low, rain = round(29.0 - abs(latitude) / 2, 1) + number, 0.4 if number % 2 == 0 else 0.0
        high = low + 6
        if not metric:
            low, high, rain = low * 1.8 + 32, high * 1.8 + 32, rain / 25.4
        day = self.today + timedelta(days=number)
        numbers = {"low": round(low, 1), "high": round(high, 1), "rain": round(rain, 3)}
        return {"date": day.isoformat(), **numbers}


def _need(scopes: tuple[str, ...], scope: str) -> None:
    if scope not in scopes:
        raise Refusal(403, f"the token lacks {scope}")


def _json(status: int, content: Mapping[str, Any]) -> Answer:
    data = json.dumps(content).encode()
    return Answer(status, BytesIO(data), len(data), {"Content-Type": "application/json"})
