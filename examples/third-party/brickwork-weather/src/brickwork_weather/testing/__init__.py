"""Example Weather on this machine, for tests and examples.

::

    with weather_server() as server:
        credentials = WeatherCredentials(url=server.url, token=server.token())
        server.fail(503)  # the next request

For pytest, name the fixtures' module in the ``conftest.py`` at the root of your tests::

    pytest_plugins = ["brickwork_weather.testing.fixtures"]
"""

from brickwork_weather.testing.server import Service, weather_server

__all__ = ["Service", "weather_server"]
