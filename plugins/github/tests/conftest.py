"""Fixtures of this package's tests."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from brickwork import Secret
from brickwork_github import GitHubCredentials, GitHubRepository, WebhookApp, webhook_app
from brickwork_github.testing import GitHubServer
from brickwork_github.testing.fixtures import (
    github_credentials,
    github_server,
    no_github_settings,
)
from brickwork_github.testing.live import LiveRepository

if TYPE_CHECKING:
    from github.Repository import Repository

__all__ = ["github_credentials", "github_server", "no_github_settings"]


@pytest.fixture(autouse=True)
def isolated(
    no_github_settings: None,
    fresh_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """No test sees the user's tokens, vault, keys or Brickwork settings."""
    for name in list(os.environ):
        if name.startswith("BRICKWORK_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BRICKWORK_HOME", str(fresh_home))
    return fresh_home


@pytest.fixture
def repository(live: LiveRepository, github_credentials: GitHubCredentials) -> GitHubRepository:
    """The block of the repository ``live``, which a file of tests makes."""
    return GitHubRepository(repository=live.full_name, credentials=github_credentials)


@pytest.fixture
def bricks(github_server: GitHubServer, live: LiveRepository) -> "Iterator[Repository]":
    """The repository ``live``, as PyGithub sees it."""
    import github

    client = github.Github(
        base_url=github_server.url,
        auth=github.Auth.Token(github_server.token.reveal()),
        retry=None,
        seconds_between_writes=None,
        seconds_between_requests=None,
    )
    yield client.get_repo(live.full_name)
    client.close()


@pytest.fixture
def sha(repo: LiveRepository) -> str:
    """The last commit of the repository ``repo``, which a file of tests makes."""
    found = repo.git.resolve("HEAD")
    assert found is not None
    return found


@pytest.fixture
def secret() -> Secret[str]:
    """A webhook's secret, of this test alone, so that nothing was delivered before."""
    return Secret(f"a-secret-{uuid4()}")


@pytest.fixture
def events() -> list[Any]:
    """What the handler of ``app`` was given."""
    return []


@pytest.fixture
def app(secret: Secret[str], events: list[Any]) -> WebhookApp:
    """An app that takes every event of a webhook."""
    return webhook_app(secret, {"*": events.append})
