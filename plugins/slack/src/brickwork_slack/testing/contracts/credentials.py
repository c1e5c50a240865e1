"""Conformance of credentials."""

from pathlib import Path

import pytest

from brickwork import Block, Secret
from brickwork.testing import BlockContract, CheckContract
from brickwork_slack.credentials import ClientOptions, SlackCredentials
from brickwork_slack.testing.server import SlackServer

GOLDEN = Path(__file__).parents[1] / "golden"
"""What releases of this package have saved."""


class TestSlackCredentials(BlockContract):
    """SlackCredentials as a block."""

    golden_folder = GOLDEN

    @pytest.fixture
    def block(self) -> Block:
        """Return credentials for a port where nobody listens."""
        return SlackCredentials(
            token=Secret("xoxb-contract-bot-token"),
            app_token=Secret("xapp-contract-app-token"),
            signing_secret=Secret("contract-signing-secret"),
            team_id="T024BE7LD",
            base_url="http://127.0.0.1:1/api/",
            client_options=ClientOptions(
                timeout=5,
                retries=0,
                rate_limit_wait_seconds=10,
                proxy=Secret("http://user:contract-proxy-word@127.0.0.1:1"),
            ),
        )


class TestCheckOfSlackCredentials(CheckContract):
    """What the check of a token tells."""

    @pytest.fixture
    def working(self, slack_server: SlackServer) -> Block:
        """Return credentials with a token that is taken."""
        return slack_server.credentials()

    @pytest.fixture
    def wrong(self, slack_server: SlackServer) -> Block:
        """Return credentials with a token that was revoked."""
        revoked = slack_server.token()
        slack_server.revoke(revoked)
        return slack_server.credentials(token=revoked)

    @pytest.fixture
    def denied(self, slack_server: SlackServer) -> Block:
        """Return credentials with a token that may not post."""
        return slack_server.credentials(token=slack_server.token(scopes=["channels:read"]))

    @pytest.fixture
    def unreachable(self) -> Block:
        """Return credentials for a port where nobody listens."""
        return _at(1)

    @pytest.fixture
    def silent(self, silent_port: int) -> Block:
        """Return credentials for a port where nobody answers."""
        return _at(silent_port)


def _at(port: int) -> SlackCredentials:
    token = Secret("xoxb-contract-bot-token")
    return SlackCredentials(token=token, base_url=f"http://127.0.0.1:{port}/api/")
