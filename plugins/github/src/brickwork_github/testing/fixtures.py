"""Pytest fixtures over `brickwork_github.testing`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from brickwork.testing.base import lacking
from brickwork_github.testing.description import description
from brickwork_github.testing.npm import DescriptionMissing
from brickwork_github.testing.server import GitHubServer, github_server as run_github_server

if TYPE_CHECKING:
    from brickwork_github.credentials import GitHubCredentials


@pytest.fixture
def no_github_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the developer's tokens, and what GitHub Actions says to its jobs."""
    import os

    for name in list(os.environ):
        if name.startswith(("GITHUB_", "GH_")):
            monkeypatch.delenv(name)


@pytest.fixture
def github_server(
    no_github_settings: None,  # noqa: ARG001  # for what it hides
) -> Iterator[GitHubServer]:
    """A loopback GitHub, fresh for each test, in some milliseconds.

    At the end it fails the test if a request was one that GitHub's description refuses. A test
    that means such a request clears ``github_server.refusals``.
    """
    try:
        description()
        with run_github_server() as server:
            yield server
    except DescriptionMissing as error:  # at the end, if it is the schema of GraphQL that lacks
        lacking(str(error))


@pytest.fixture
def github_credentials(github_server: GitHubServer) -> "GitHubCredentials":
    """Credentials of the loopback GitHub, with a token that it takes."""
    return github_server.credentials()
