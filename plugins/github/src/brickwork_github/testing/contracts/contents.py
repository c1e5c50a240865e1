"""Conformance of the tasks on files, commits, branches and tags."""

from collections.abc import Mapping
from typing import Any

import pytest

from brickwork_github.testing.contracts.tasks import GitHubTaskContract
from brickwork_github.testing.faults import secondary_limit
from brickwork_github.testing.server import GitHubServer

_FILES = {"README.md": "# Hello\n", "config/load.yml": "every: day\n", "old.txt": "old"}


class _Living(GitHubTaskContract):
    """A task on a repository that keeps what is done to it."""

    def prepare(self, server: GitHubServer) -> None:
        """Make a repository with files, and with a branch and a tag to be done with."""
        repo = server.repository("octocat/Hello-World", _FILES)
        sha = repo.git.resolve("HEAD", "commit")
        assert sha is not None
        repo.git.update_ref("refs/heads/old", sha)
        repo.git.update_ref("refs/tags/v0", sha)


class _Passing(_Living):
    """A task that changes something, and so gives something else the second time."""

    def same(self, one: Any, two: Any) -> bool:
        """Return whether they are about the same branch."""
        return bool(one.branch == two.branch)


class TestGetFile(_Living):
    """get_file."""

    name = "github.get_file"
    arguments = {"path": "README.md"}


class TestListFolder(_Living):
    """list_folder."""

    name = "github.list_folder"
    arguments = {"path": "config"}


class TestUpdateFile(_Passing):
    """update_file."""

    name = "github.update_file"
    arguments = {"path": "README.md", "content": "# Hello, world\n"}


class TestDeleteFile(_Passing):
    """delete_file."""

    name = "github.delete_file"
    arguments = {"path": "old.txt"}


class TestCommitFiles(_Passing):
    """commit_files."""

    name = "github.commit_files"
    arguments = {"files": {"a.txt": "a", "old.txt": None}, "message": "Tidy up"}

    @pytest.fixture
    def slow_call(
        self, github_server: GitHubServer, call: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        """Let GitHub want a pause in the midst of it."""
        github_server.fail("POST /repos/{owner}/{repo}/git/commits", secondary_limit(600))
        return call


class TestListBranches(GitHubTaskContract):
    """list_branches."""

    name = "github.list_branches"


class TestGetBranch(GitHubTaskContract):
    """get_branch."""

    name = "github.get_branch"
    arguments = {"name": "main"}


class TestCreateBranch(_Living):
    """create_branch."""

    name = "github.create_branch"
    arguments = {"name": "topic"}


class TestRenameBranch(GitHubTaskContract):
    """rename_branch."""

    name = "github.rename_branch"
    arguments = {"name": "master", "new_name": "main"}


class TestMergeBranches(GitHubTaskContract):
    """merge_branches."""

    name = "github.merge_branches"
    arguments = {"base": "main", "head": "next"}


class TestGetRef(GitHubTaskContract):
    """get_ref."""

    name = "github.get_ref"
    arguments = {"ref": "heads/featureA"}


class TestListRefs(GitHubTaskContract):
    """list_refs."""

    name = "github.list_refs"
    arguments = {"prefix": "heads/feature"}


class TestCreateRef(GitHubTaskContract):
    """create_ref."""

    name = "github.create_ref"
    arguments = {"ref": "heads/next", "sha": "aa218f56b14c9653891f9e74264a383fa43fefbd"}


class TestUpdateRef(GitHubTaskContract):
    """update_ref."""

    name = "github.update_ref"
    arguments = {"ref": "heads/next", "sha": "aa218f56b14c9653891f9e74264a383fa43fefbd"}


class TestListTags(GitHubTaskContract):
    """list_tags."""

    name = "github.list_tags"


class TestCreateTag(_Living):
    """create_tag."""

    name = "github.create_tag"
    arguments = {"name": "v2", "message": "The second"}


class TestListCommits(GitHubTaskContract):
    """list_commits."""

    name = "github.list_commits"


class TestGetCommit(GitHubTaskContract):
    """get_commit."""

    name = "github.get_commit"


class TestCompareCommits(GitHubTaskContract):
    """compare_commits."""

    name = "github.compare_commits"
    arguments = {"base": "main", "head": "next"}


class TestCreateFile(GitHubTaskContract):
    """create_file, as the description's examples answer it, which know no second time."""

    name = "github.create_file"
    arguments = {"path": "config/new.yml", "content": "every: hour"}


class TestDeleteBranch(GitHubTaskContract):
    """delete_branch, likewise."""

    name = "github.delete_branch"
    arguments = {"name": "old"}


class TestDeleteRef(GitHubTaskContract):
    """delete_ref, likewise."""

    name = "github.delete_ref"
    arguments = {"ref": "tags/v0"}
