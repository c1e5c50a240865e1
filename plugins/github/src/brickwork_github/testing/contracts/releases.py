"""Conformance of the tasks on releases."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from brickwork_github.credentials import GitHubCredentials
from brickwork_github.testing.contracts.tasks import GitHubTaskContract
from brickwork_github.testing.messages import Answer, Asked
from brickwork_github.testing.server import GitHubServer

_RELEASES = "/repos/{owner}/{repo}/releases"
_ASSET = f"GET {_RELEASES}/assets/{{asset_id}}"


class TestCreateRelease(GitHubTaskContract):
    """create_release."""

    name = "github.create_release"
    arguments = {"tag": "v1.0.0"}


class TestGetRelease(GitHubTaskContract):
    """get_release."""

    name = "github.get_release"
    arguments = {"release_id": 1}


class TestGetLatestRelease(GitHubTaskContract):
    """get_latest_release."""

    name = "github.get_latest_release"


class TestGetReleaseByTag(GitHubTaskContract):
    """get_release_by_tag."""

    name = "github.get_release_by_tag"
    arguments = {"tag": "v1.0.0"}


class TestListReleases(GitHubTaskContract):
    """list_releases."""

    name = "github.list_releases"


class TestUpdateRelease(GitHubTaskContract):
    """update_release."""

    name = "github.update_release"
    arguments = {"release_id": 1, "draft": False}


class TestDeleteRelease(GitHubTaskContract):
    """delete_release."""

    name = "github.delete_release"
    arguments = {"release_id": 1}


class TestGenerateReleaseNotes(GitHubTaskContract):
    """generate_release_notes."""

    name = "github.generate_release_notes"
    arguments = {"tag": "v1.0.0"}


class TestPublishRelease(GitHubTaskContract):
    """publish_release."""

    name = "github.publish_release"
    arguments = {"tag": "v1.0.0", "assets": []}


class TestUploadReleaseAsset(GitHubTaskContract):
    """upload_release_asset."""

    name = "github.upload_release_asset"
    arguments = {"release_id": 1, "content": b"...", "name": "example.zip"}

    def prepare(self, server: GitHubServer) -> None:
        """Let there be no assets yet, and answer as one sent them."""
        route = f"POST {_RELEASES}/{{release_id}}/assets"
        digest = f"sha256:{hashlib.sha256(b'...').hexdigest()}"
        server.answer(f"GET {_RELEASES}/{{release_id}}/assets", [])
        server.answer(route, server.example(route, digest=digest))


class TestListReleaseAssets(GitHubTaskContract):
    """list_release_assets."""

    name = "github.list_release_assets"
    arguments = {"release_id": 1}


class TestDownloadReleaseAsset(GitHubTaskContract):
    """download_release_asset."""

    name = "github.download_release_asset"
    arguments = {"asset_id": 1}

    def prepare(self, server: GitHubServer) -> None:
        """Answer with an asset, and with its content where that is asked for."""
        content = bytes(1024)
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        asset = server.example(_ASSET, digest=digest)

        def answer(asked: Asked) -> Answer:
            whole = "octet-stream" in asked.headers.get("Accept", "")
            return Answer(content, 302) if whole else Answer(asset)

        server.answer(_ASSET, answer)

    @pytest.fixture
    def call(
        self,
        github_server: GitHubServer,
        github_credentials: GitHubCredentials,
        tmp_path: Path,
    ) -> Mapping[str, Any]:
        """Return the arguments."""
        self.prepare(github_server)
        return {
            "credentials": github_credentials,
            "repository": self.repository,
            **self.arguments,
            "path": tmp_path / "example.zip",
        }


class TestDeleteReleaseAsset(GitHubTaskContract):
    """delete_release_asset."""

    name = "github.delete_release_asset"
    arguments = {"asset_id": 1}
