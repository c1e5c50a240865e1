"""What this package brings to Brickwork: names and dotted paths, nothing imported."""

from collections.abc import Mapping

from brickwork import hookimpl

brickwork_api = 1


@hookimpl
def brickwork_blocks() -> Mapping[str, str]:
    """The blocks."""
    return {
        "weather-credentials": "brickwork_weather.credentials:WeatherCredentials",
        "weather-place": "brickwork_weather.place:WeatherPlace",
    }


@hookimpl
def brickwork_tasks() -> Mapping[str, str]:
    """The prebuilt tasks."""
    return {
        "weather.forecast": "brickwork_weather.tasks:forecast",
        "weather.list_stations": "brickwork_weather.tasks:list_stations",
    }
