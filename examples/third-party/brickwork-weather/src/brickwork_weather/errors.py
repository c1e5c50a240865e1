"""What can go wrong with Example Weather: one branch of Brickwork's tree.

::

    BrickworkError
    └── WeatherError             a request failed
        ├── WeatherUnauthorized  the token is unknown
        ├── WeatherForbidden     the token may not do it
        ├── WeatherNotFound      what is asked for is not there
        ├── WeatherRateLimited   too much was asked, and there is no time to wait
        └── WeatherUnavailable   no answer came, or the service itself failed
"""

from brickwork import BrickworkError


class WeatherError(BrickworkError):
    """A request failed.

    Attributes:
        status: The HTTP status; 0 where no answer came.
    """

    def __init__(self, what: str, *, fix: str = "", status: int = 0) -> None:
        super().__init__(what, fix=fix)
        self.status = status


class WeatherUnauthorized(WeatherError):
    """The token is unknown, or has expired."""

    exit_code = 7


class WeatherForbidden(WeatherError, PermissionError):
    """The token may not do it."""

    exit_code = 7


class WeatherNotFound(WeatherError, LookupError):
    """What is asked for is not there."""

    exit_code = 4


class WeatherRateLimited(WeatherError):
    """Too much was asked, and there is no time to wait.

    Attributes:
        retry_after_seconds: How long the service asks to wait.
    """

    exit_code = 8
    retry_after_seconds: float = 0.0


class WeatherUnavailable(WeatherError):
    """No answer came, or the service itself failed.

    Attributes:
        never_sent: Whether the request surely did not arrive, so that it may be sent again.
    """

    exit_code = 8
    never_sent: bool = False
