"""Conformance of repositories: as a block, as a storage, and their tasks."""

import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from brickwork import Block, Secret, Storage
from brickwork.testing import BlockContract, StorageContract
from brickwork_github.contents.models import GitPerson
from brickwork_github.credentials import ClientOptions, GitHubCredentials
from brickwork_github.repository.block import GitHubRepository
from brickwork_github.testing.contracts.credentials import GOLDEN
from brickwork_github.testing.contracts.tasks import GitHubTaskContract
from brickwork_github.testing.server import GitHubServer

MIB = 1024 * 1024
_FILES = {"README.md": "# Hello\n", "src/app.py": "print('hello')\n"}


class TestGitHubRepository(BlockContract):
    """GitHubRepository as a block."""

    golden_folder = GOLDEN

    @pytest.fixture
    def block(self) -> Block:
        """Return a repository at a port where nobody listens."""
        credentials = GitHubCredentials(
            token=Secret("ghp_contract-token"),
            host="github.example",
            api_url="http://127.0.0.1:1",
            client_options=ClientOptions(timeout=5, retries=0),
        )
        return GitHubRepository(
            repository="acme/docs",
            ref="main",
            prefix="site/public",
            credentials=credentials,
            author=GitPerson(name="Mona", email="mona@example.com"),
            committer=GitPerson(name="Robot", email="robot@example.com"),
            message="{action} {path} [skip ci]",
        )


class TestGitHubRepositoryStorage(StorageContract):
    """GitHubRepository as a storage: a folder of a repository that has other files."""

    @pytest.fixture
    def storage(self, github_server: GitHubServer, monkeypatch: pytest.MonkeyPatch) -> Storage:
        """Return an empty folder of a branch; the token is in the environment."""
        live = github_server.repository(
            "acme/data", {"README.md": "# Data\n", "team/data.txt": "1"}
        )
        live.commit({}, branch="daily/import")
        monkeypatch.setenv("GITHUB_TOKEN", github_server.token.reveal())
        monkeypatch.setenv("GITHUB_API_URL", github_server.url)
        return GitHubRepository(repository="acme/data", ref="daily/import", prefix="team/data")

    @property
    def supports_streams_constant_memory(self) -> bool:
        """Not for writing: GitHub takes contents within JSON, up to 100 MiB."""
        return False

    @property
    def listing_page_size(self) -> int:
        """A tree has no pages, and each file here is a commit."""
        return 30

    def source_for_new_process(self, storage: Storage) -> str | None:
        """Return source that finds the token in the environment."""
        return (
            "from brickwork_github import GitHubRepository\n"
            f"storage = GitHubRepository.from_url({storage.url!r})\n"
        )


class _RepositoryTaskContract(GitHubTaskContract):
    @pytest.fixture
    def call(self, example_names: Mapping[str, Any], tmp_path: Path) -> Mapping[str, Any]:
        """Return the repository, and a folder that is not there yet."""
        return {**example_names, "folder": tmp_path / "first"}

    def again(self, call: Mapping[str, Any]) -> Mapping[str, Any]:
        """Take another folder: one that is there is refused, as it should be."""
        return {**call, "folder": call["folder"].with_name("second")}

    def same(self, one: Any, two: Any) -> bool:
        """Compare all but the folders."""
        return bool(replace(one, folder=two.folder) == two)

    @pytest.fixture
    def example_names(self, github_server: GitHubServer) -> Mapping[str, Any]:
        """Return a repository with two files."""
        github_server.repository("acme/reports", _FILES)
        credentials = github_server.credentials()
        return {"repository": GitHubRepository(repository="acme/reports", credentials=credentials)}


class TestCloneRepository(_RepositoryTaskContract):
    """clone_repository."""

    name = "github.clone_repository"

    @pytest.fixture
    def throttle(self) -> Callable[[], object] | None:
        """Return none: git asks for no pause."""
        return None

    @pytest.fixture
    def slow_call(self, silent_url: str, tmp_path: Path) -> Mapping[str, Any]:
        """Return arguments for a server that never answers."""
        credentials = GitHubCredentials(token=Secret("ghp_contract-token"), api_url=silent_url)
        repository = GitHubRepository(repository="acme/reports", credentials=credentials)
        return {"repository": repository, "folder": tmp_path / "slow"}

    @pytest.fixture
    def silent_url(self) -> Iterator[str]:
        """Return where a server accepts, and says nothing."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"


class TestDownloadArchive(_RepositoryTaskContract):
    """download_archive."""

    name = "github.download_archive"
