"""Who to be at Example Weather, and where it is."""

import re
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from brickwork import Block, CheckReport, Secret
from pydantic import Field, field_validator

if TYPE_CHECKING:
    from brickwork_weather.client import WeatherClient

_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


class WeatherCredentials(Block):
    """A token for Example Weather.

    Examples:
        >>> from brickwork_weather import WeatherCredentials
        >>> WeatherCredentials(token="example-token-1234").save("prod")
        Document('weather-credentials/prod@1')
        >>> WeatherCredentials.load("prod").token
        Secret('********')
    """

    slug: ClassVar[str] = "weather-credentials"

    token: Secret[str] = Field(description="The API token, from the settings of the account.")
    url: str = Field(
        default="https://api.weather.example",
        description="Where the API is: https, or http on this machine.",
    )
    timeout_seconds: float = Field(
        default=10.0, gt=0, le=3600, description="Seconds to wait for an answer, for each request."
    )

    @field_validator("token")
    @classmethod
    def _fits_into_a_header(cls, value: Secret[str]) -> Secret[str]:
        # A line end that was copied with it would make an error that shows the token.
        if not re.fullmatch(r"[!-~]+", value.reveal()):
            raise ValueError("has spaces, line ends or other characters that no token has")
        return value

    @field_validator("url")
    @classmethod
    def _keeps_the_token_safe(cls, value: str) -> str:
        parts = urlsplit(value)
        safe = parts.scheme == "https" or (
            parts.scheme == "http" and parts.hostname in _THIS_MACHINE
        )
        if not safe or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("is not https://host, without user and query")
        return value.rstrip("/")

    def client(self, timeout_seconds: float | None = None) -> "WeatherClient":
        """Return a client; many threads may use it at once.

        Args:
            timeout_seconds: In place of the block's own.
        """
        from brickwork_weather.client import WeatherClient

        return WeatherClient(self.url, self.token, timeout_seconds or self.timeout_seconds)

    def check(self) -> CheckReport:
        """Ask who the token is and what it may; takes some seconds at most, never raises."""
        from brickwork_weather.checking import check_credentials

        return check_credentials(self)
