"""What the contracts of all tasks of this package have in common."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest

from brickwork.testing import TaskContract
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.testing.faults import secondary_limit
from brickwork_github.testing.server import GitHubServer


class GitHubTaskContract(TaskContract):
    """A task on the repository ``octocat/Hello-World``, as GitHub's description shows it."""

    arguments: ClassVar[Mapping[str, Any]] = {}
    """What the task takes beside ``credentials`` and ``repository``."""

    repository: ClassVar[str | None] = "octocat/Hello-World"
    """None where the task takes none."""

    def prepare(self, server: GitHubServer) -> None:
        """Say what is answered, where the description's example will not do."""

    @pytest.fixture
    def call(
        self, github_server: GitHubServer, github_credentials: GitHubCredentials
    ) -> Mapping[str, Any]:
        """Return the arguments."""
        self.prepare(github_server)
        where = {} if self.repository is None else {"repository": self.repository}
        return {"credentials": github_credentials, **where, **self.arguments}

    @pytest.fixture
    def slow_call(
        self, github_server: GitHubServer, call: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        """Return the arguments where GitHub asks to wait for minutes."""
        github_server.fail(None, secondary_limit(600))
        return call

    @pytest.fixture
    def throttle(self, github_server: GitHubServer) -> Callable[[], object]:
        """Return what makes the next request one too many."""
        return lambda: github_server.fail(None, secondary_limit(1))
