"""Prebuilt tasks on topics: https://docs.github.com/en/rest/repos/repos."""

from collections.abc import Sequence

from brickwork_github.credentials import GitHubCredentials
from brickwork_github.requests import Request
from brickwork_github.tasks import retried_task

_TOPICS = "/repos/{owner}/{repo}/topics"


@retried_task("metadata:read")
def list_topics(
    credentials: GitHubCredentials, repository: str, *, limit: int | None = None
) -> list[str]:
    """List the topics of a repository.

    See https://docs.github.com/en/rest/repos/repos#get-all-repository-topics.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        limit: At most so many; None: all.

    Returns:
        The topics.

    Raises:
        GitHubNotFound: There is no such repository.
        GitHubError: They cannot be read.

    Examples:
        >>> list_topics(credentials, repository)
        ['octocat', 'atom', 'electron', 'api']
    """
    return Request(credentials, f"GET {_TOPICS}", repository).many(str, limit)


@retried_task("administration:write")
def replace_topics(
    credentials: GitHubCredentials, repository: str, topics: Sequence[str]
) -> list[str]:
    """Replace all topics of a repository.

    See https://docs.github.com/en/rest/repos/repos#replace-all-repository-topics.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        topics: The topics, in small letters; none takes all away.

    Returns:
        The topics, as GitHub has them now.

    Raises:
        GitHubNotFound: There is no such repository.
        GitHubInvalid: There are more than 20, or one is none.
        GitHubError: They were not replaced.

    Examples:
        >>> replace_topics(credentials, repository, ["octocat", "atom", "electron", "api"])
        ['octocat', 'atom', 'electron', 'api']
    """
    asked = Request(credentials, f"PUT {_TOPICS}", repository)
    return asked.one(lambda found: [*map(str, found["names"])], body={"names": [*topics]})
