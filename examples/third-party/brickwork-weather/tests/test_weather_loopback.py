"""The service on loopback as a program."""

import subprocess
import sys

from brickwork_weather import WeatherCredentials


def test_it_can_be_tried_by_hand() -> None:
    """It says where it is and with which token, and runs until it is ended."""
    command = [sys.executable, "-m", "brickwork_weather.testing"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url, token = process.stdout.readline().split()
            credentials = WeatherCredentials(
                url=url.removeprefix("url="),
                token=token.removeprefix("token="),
            )
            assert credentials.check().ok
        finally:
            process.terminate()
