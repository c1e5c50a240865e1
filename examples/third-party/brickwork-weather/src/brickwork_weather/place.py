"""A place whose weather matters, to be saved by its name."""

from typing import ClassVar, Literal

from brickwork import Block, CheckReport, Finding
from pydantic import Field

from brickwork_weather.credentials import WeatherCredentials
from brickwork_weather.errors import WeatherError

_CHECK_SECONDS = 5.0


class WeatherPlace(Block):
    """A place whose weather matters.

    Examples:
        >>> from brickwork_weather import WeatherCredentials, WeatherPlace
        >>> who = WeatherCredentials(token="example-token-1234")
        >>> WeatherPlace(credentials=who, latitude=63.43, longitude=10.39).save("plant")
        Document('weather-place/plant@1')
        >>> WeatherPlace.load("plant").units
        'metric'
    """

    slug: ClassVar[str] = "weather-place"

    credentials: WeatherCredentials = Field(description="Who asks.")
    latitude: float = Field(ge=-90, le=90, description="Degrees north of the equator.")
    longitude: float = Field(ge=-180, le=180, description="Degrees east of Greenwich.")
    units: Literal["metric", "imperial"] = Field(
        default="metric",
        description="Degrees Celsius and millimetres, or degrees Fahrenheit and inches.",
    )

    def query(self) -> dict[str, str]:
        """Return the parameters by which the service knows the place."""
        return {
            "latitude": str(self.latitude),
            "longitude": str(self.longitude),
            "units": self.units,
        }

    def check(self) -> CheckReport:
        """Ask for the forecast of one day. Never raises."""
        seconds = min(_CHECK_SECONDS, self.credentials.timeout_seconds)
        client = self.credentials.client(seconds)
        try:
            client.json("GET", "/v1/forecast", query={**self.query(), "days": "1"})
        except WeatherError as error:
            return CheckReport((Finding("failed", "forecast", error.what, error.fix),))
        return CheckReport((Finding("ok", "forecast", f"{self.latitude}, {self.longitude}"),))
