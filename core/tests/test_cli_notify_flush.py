"""``brickwork notify --flush``: what routes have held back is told on demand."""

import pytest

from brickwork import Console, NotifyRoute, RouteTarget
from brickwork.cli.app import run
from brickwork.testing.commandline import Command, command_here


@pytest.fixture
def brickwork(capfd: pytest.CaptureFixture[str]) -> Command:
    """Run a command line here, with standard input that is no terminal."""
    return command_here(run, capfd)


@pytest.fixture
def ops() -> None:
    """A saved route to standard error."""
    NotifyRoute(targets=[RouteTarget(to=Console())]).save("ops")


@pytest.mark.usefixtures("ops")
def test_flush_tells_what_was_held_back_once(brickwork: Command) -> None:
    """What a route has held back is sent by ``--flush``, and then there is nothing any more."""
    for _ in range(3):
        brickwork("notify", "ops", "-m", "full", "--dedupe", "disk", "--severity", "error")

    told = brickwork("notify", "ops", "--flush", "--json")
    again = brickwork("notify", "ops", "--flush")

    assert (told.code, again.code) == (0, 0)
    assert [each["status"] for each in told.json["receipts"]] == ["delivered"]
    assert "[ERROR] full" in told.err
    assert "2 more like this since" in told.err
    assert "Nothing is held back." in again.err


@pytest.mark.usefixtures("ops")
@pytest.mark.parametrize("more", [["-m", "x"], ["--dry-run"], ["--tag", "a"], ["--", "true"]])
def test_flush_goes_with_targets_alone(brickwork: Command, more: list[str]) -> None:
    """A message, or a command, beside it is a mistake, and nothing is sent."""
    said = brickwork("notify", "ops", "--flush", *more)

    assert said.code == 2
    assert "--flush takes targets alone" in said.err


def test_flush_of_what_is_no_route(brickwork: Command) -> None:
    """Only routes hold back; another target is an error that says so."""
    Console().save("screen")

    said = brickwork("notify", "console/screen", "--flush")

    assert said.code == 1
    assert "console/screen is no route" in said.err
