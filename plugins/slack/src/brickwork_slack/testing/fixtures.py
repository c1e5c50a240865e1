"""Pytest fixtures over `brickwork_slack.testing`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from brickwork.testing.base import lacking
from brickwork_slack.testing.npm import TypesMissing
from brickwork_slack.testing.server import SlackServer, slack_server as run_slack_server

if TYPE_CHECKING:
    from brickwork_slack.credentials import SlackCredentials


@pytest.fixture
def slack_server() -> Iterator[SlackServer]:
    """A loopback Slack, fresh for each test, in some milliseconds.

    At the end it fails the test if a call was one that Slack refuses whatever the state of the
    workspace is. A test that means such a call says ``slack_server.expect_refusals()``.
    """
    try:
        with run_slack_server() as server:
            yield server
    except TypesMissing as error:
        lacking(str(error))


@pytest.fixture
def slack_credentials(slack_server: SlackServer) -> "SlackCredentials":
    """Credentials of the loopback Slack, with a bot token that it takes."""
    return slack_server.credentials()
