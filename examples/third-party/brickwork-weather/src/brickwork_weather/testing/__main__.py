"""Runs the service, to try things by hand: ``python -m brickwork_weather.testing``."""

import sys
from threading import Event

from brickwork_weather.testing.server import weather_server


def main() -> None:
    """Say where it is and with which token, and run it until Ctrl-C."""
    with weather_server() as server:
        server.api.add_stations("Trondheim", "Bergen")
        sys.stdout.write(f"url={server.url} token={server.token()}\n")
        sys.stdout.flush()
        Event().wait()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
