"""What the contracts of all tasks of this package have in common."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest

from brickwork.testing import TaskContract
from brickwork_slack.testing.faults import rate_limited
from brickwork_slack.testing.server import SlackServer
from brickwork_slack.testing.tokens import TokenKind

_ALWAYS = 1000


class SlackTaskContract(TaskContract):
    """A task, in a Slack that is fresh for each test."""

    whose: ClassVar[TokenKind] = "bot"
    """Whose token it takes."""

    arguments: ClassVar[Mapping[str, Any]] = {}
    """What it takes beside ``credentials``, as far as it is the same in each Slack."""

    def prepare(self, server: SlackServer) -> Mapping[str, Any]:  # noqa: ARG002  # for subclasses
        """Make what the task is about, and return what else it takes."""
        return {}

    @pytest.fixture
    def call(self, slack_server: SlackServer) -> Mapping[str, Any]:
        """Return the arguments."""
        return self._given(slack_server)

    @pytest.fixture
    def slow_call(self, slack_server: SlackServer) -> Mapping[str, Any]:
        """Return the arguments where Slack asks to wait for minutes."""
        given = self._given(slack_server)
        slack_server.fail(None, rate_limited(500), times=_ALWAYS)
        return given

    @pytest.fixture
    def throttle(self, slack_server: SlackServer) -> Callable[[], object]:
        """Return what makes the next request one too many."""
        return lambda: slack_server.fail(None, rate_limited(1))

    def _given(self, server: SlackServer) -> Mapping[str, Any]:
        credentials = server.credentials(token=server.token(kind=self.whose))
        return {"credentials": credentials, **self.arguments, **self.prepare(server)}
