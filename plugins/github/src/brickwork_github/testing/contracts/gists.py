"""Conformance of the tasks on gists."""

from typing import Any

from brickwork_github.testing.contracts.tasks import GitHubTaskContract

_GIST = "2decf6c462d9b4418f2"


class TestCreateGist(GitHubTaskContract):
    """create_gist: each call makes another one."""

    name = "github.create_gist"
    repository = None
    arguments = {"files": {"load.log": "Done."}}

    def same(self, one: Any, two: Any) -> bool:
        """Compare what was given, for each has an id of its own."""
        return bool(one.files.keys() == two.files.keys())


class TestGetGist(GitHubTaskContract):
    """get_gist."""

    name = "github.get_gist"
    repository = None
    arguments = {"gist_id": _GIST}


class TestListGists(GitHubTaskContract):
    """list_gists."""

    name = "github.list_gists"
    repository = None
    arguments = {"user": "octocat"}


class TestUpdateGist(GitHubTaskContract):
    """update_gist."""

    name = "github.update_gist"
    repository = None
    arguments = {"gist_id": _GIST, "files": {"README.md": "Hello", "old.txt": None}}


class TestDeleteGist(GitHubTaskContract):
    """delete_gist."""

    name = "github.delete_gist"
    repository = None
    arguments = {"gist_id": _GIST}
