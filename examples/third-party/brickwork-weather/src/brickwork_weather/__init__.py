"""Example Weather for Brickwork.

The names are imported when they are asked for, so that finding this plugin costs nothing.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brickwork_weather.client import WeatherClient as WeatherClient
    from brickwork_weather.credentials import (
        WeatherCredentials as WeatherCredentials,
    )
    from brickwork_weather.errors import (
        WeatherError as WeatherError,
        WeatherForbidden as WeatherForbidden,
        WeatherNotFound as WeatherNotFound,
        WeatherRateLimited as WeatherRateLimited,
        WeatherUnauthorized as WeatherUnauthorized,
        WeatherUnavailable as WeatherUnavailable,
    )
    from brickwork_weather.place import WeatherPlace as WeatherPlace
    from brickwork_weather.tasks import (
        Day as Day,
        Station as Station,
        forecast as forecast,
        list_stations as list_stations,
    )

_HOME_OF = {
    "WeatherClient": "client",
    "WeatherCredentials": "credentials",
    "WeatherError": "errors",
    "WeatherForbidden": "errors",
    "WeatherNotFound": "errors",
    "WeatherRateLimited": "errors",
    "WeatherUnauthorized": "errors",
    "WeatherUnavailable": "errors",
    "WeatherPlace": "place",
    "Day": "tasks",
    "Station": "tasks",
    "forecast": "tasks",
    "list_stations": "tasks",
}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'brickwork_weather' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"brickwork_weather.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
