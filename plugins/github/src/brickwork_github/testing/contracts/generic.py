"""Conformance of the tasks for any route and any query."""

from brickwork_github.testing.contracts.tasks import GitHubTaskContract


class TestGithubCall(GitHubTaskContract):
    """github_call, of a route that changes nothing."""

    name = "github.github_call"
    arguments = {"route": "GET /repos/{owner}/{repo}"}


class TestGithubGraphql(GitHubTaskContract):
    """github_graphql."""

    name = "github.github_graphql"
    repository = None
    arguments = {"query": "{ viewer { login } }"}
