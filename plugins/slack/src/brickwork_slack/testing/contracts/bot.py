"""Conformance of channels: as a block, and as a notifier."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from brickwork import Block, Overflow, Secret
from brickwork.testing import BlockContract, NotifierContract
from brickwork_slack.bot import SlackChannel
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.testing.counterpart import SlackCounterpart

GOLDEN = Path(__file__).parents[1] / "golden"
"""What releases of this package have saved."""


class TestSlackChannel(BlockContract):
    """SlackChannel as a block."""

    golden_folder = GOLDEN

    @pytest.fixture
    def block(self) -> Block:
        """Return one at a port where nobody listens."""
        return SlackChannel(
            channel="C024BE7LH",
            credentials=SlackCredentials(
                token=Secret("xoxb-contract-token"), base_url="http://127.0.0.1:1/api/"
            ),
            threads=False,
            broadcast=True,
            mentions=("here", "U024BE7LH"),
            overflow=Overflow.ATTACH,
            timeout_seconds=5,
            retry_seconds=0,
        )


class TestSlackChannelAsNotifier(NotifierContract):
    """SlackChannel as a notifier."""

    @pytest.fixture
    def counterpart(self) -> Iterator[SlackCounterpart]:
        """Give a Slack that behaves as it is told."""
        with SlackCounterpart(_quick, _patient) as service:
            yield service


def _quick(credentials: SlackCredentials, channel: str) -> SlackChannel:
    return SlackChannel(
        channel=channel, credentials=credentials, timeout_seconds=1, retry_seconds=1
    )


def _patient(credentials: SlackCredentials, channel: str) -> SlackChannel:
    return SlackChannel(
        channel=channel, credentials=credentials, timeout_seconds=30, retry_seconds=60
    )
