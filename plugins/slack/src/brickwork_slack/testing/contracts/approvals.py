"""Conformance of the task that asks for approval."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from brickwork_slack.testing.contracts.tasks import SlackTaskContract
from brickwork_slack.testing.server import SlackServer


class TestAskApproval(SlackTaskContract):
    """ask_approval, which Ada answers by reactions."""

    name = "slack.ask_approval"
    arguments = {"text": "Deploy *1.4*?", "poll_seconds": 0.05}

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:
        """Return the channel."""
        return {"channel": server.general.id}

    @pytest.fixture
    def call(self, slack_server: SlackServer) -> Iterator[Mapping[str, Any]]:
        """Let Ada approve whatever is asked."""
        over = threading.Event()

        def approve() -> None:
            while not over.wait(0.01):
                for message in list(slack_server.general.messages.values()):
                    slack_server.react(message, "white_check_mark")

        ada = threading.Thread(target=approve)
        ada.start()
        yield self._given(slack_server)
        over.set()
        ada.join()

    @pytest.fixture
    def slow_call(self, slack_server: SlackServer) -> Mapping[str, Any]:
        """Let nobody decide."""
        return self._given(slack_server)

    def same(self, one: Any, two: Any) -> bool:
        """Return whether the same person decided the same; each message is one of its own."""
        return bool((one.approved, one.by) == (two.approved, two.by))
