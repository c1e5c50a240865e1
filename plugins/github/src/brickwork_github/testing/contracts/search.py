"""Conformance of the tasks that search."""

from brickwork_github.testing.contracts.tasks import GitHubTaskContract


class TestSearchRepositories(GitHubTaskContract):
    """search_repositories."""

    name = "github.search_repositories"
    repository = None
    arguments = {"query": "tetris", "sort": "stars"}


class TestSearchCode(GitHubTaskContract):
    """search_code."""

    name = "github.search_code"
    repository = None
    arguments = {"query": "addClass repo:jquery/jquery"}


class TestSearchCommits(GitHubTaskContract):
    """search_commits."""

    name = "github.search_commits"
    repository = None
    arguments = {"query": "css repo:octocat/Spoon-Knife"}


class TestSearchUsers(GitHubTaskContract):
    """search_users."""

    name = "github.search_users"
    repository = None
    arguments = {"query": "mojombo"}
