"""What this package brings passes the contracts of Brickwork."""

from brickwork_weather.testing.contracts import *  # noqa: F403  # pytest collects the classes
