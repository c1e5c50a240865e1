"""Conformance of credentials."""

from pathlib import Path

import pytest

from brickwork import Block, Secret
from brickwork.testing import BlockContract, CheckContract
from brickwork_github.app_tokens import GitHubApp
from brickwork_github.credentials import ClientOptions, GitHubCredentials
from brickwork_github.testing.server import GitHubServer

GOLDEN = Path(__file__).parents[1] / "golden"
"""What releases of this package have saved."""

_KEY = (
    "-----BEGIN RSA PRIVATE KEY-----\nY29udHJhY3QtcHJpdmF0ZS1rZXk=\n-----END RSA PRIVATE KEY-----\n"
)
_OPTIONS = ClientOptions(
    timeout=5, retries=0, proxy=Secret("http://user:contract-proxy-word@127.0.0.1:1")
)


class TestGitHubCredentials(BlockContract):
    """GitHubCredentials with a token."""

    golden_folder = GOLDEN
    unset = frozenset({"app"})
    """A token excludes an App; see the next class."""

    @pytest.fixture
    def block(self) -> Block:
        """Return credentials for a port where nobody listens."""
        return GitHubCredentials(
            token=Secret("ghp_contract-token"),
            host="github.example",
            api_url="http://127.0.0.1:1",
            client_options=_OPTIONS,
        )


class TestGitHubCredentialsOfAnApp(BlockContract):
    """GitHubCredentials of a GitHub App."""

    golden_folder = GOLDEN
    unset = frozenset({"token"})
    """An App excludes a token."""

    @pytest.fixture
    def block(self) -> Block:
        """Return credentials for a port where nobody listens."""
        app = GitHubApp(
            app_id="12345",
            private_key=Secret(_KEY),
            installation="acme/reports",
            repositories=("reports",),
            permissions=("issues:write",),
        )
        return GitHubCredentials(
            app=app, host="github.example", api_url="http://127.0.0.1:1", client_options=_OPTIONS
        )


class TestCheckOfGitHubCredentials(CheckContract):
    """What the check of a token tells."""

    @pytest.fixture
    def working(self, github_server: GitHubServer) -> Block:
        """Return credentials with a token that is taken."""
        return github_server.credentials()

    @pytest.fixture
    def wrong(self, github_server: GitHubServer) -> Block:
        """Return credentials with a token that was revoked."""
        revoked = github_server.new_token()
        github_server.revoke(revoked)
        return github_server.credentials(token=revoked)

    @pytest.fixture
    def unreachable(self, no_github_settings: None) -> Block:  # noqa: ARG002  # for what it hides
        """Return credentials for a port where nobody listens."""
        return _at(1)

    @pytest.fixture
    def silent(self, silent_port: int, no_github_settings: None) -> Block:  # noqa: ARG002  # as above
        """Return credentials for a port where nobody answers."""
        return _at(silent_port)


def _at(port: int) -> GitHubCredentials:
    return GitHubCredentials(token=Secret("ghp_contract-token"), api_url=f"http://127.0.0.1:{port}")
