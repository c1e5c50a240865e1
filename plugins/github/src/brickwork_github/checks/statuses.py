"""Prebuilt tasks on commit statuses: https://docs.github.com/en/rest/commits/statuses."""

from brickwork_github.checks.models import CombinedStatus, CommitState, CommitStatus
from brickwork_github.clients import PER_PAGE
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.requests import Request
from brickwork_github.tasks import retried_task

MOST_DESCRIPTION = 140
"""How many characters GitHub takes."""


@retried_task("statuses:write")
def create_commit_status(
    credentials: GitHubCredentials,
    repository: str,
    sha: str,
    state: CommitState,
    *,
    context: str = "default",
    description: str | None = None,
    target_url: str | None = None,
) -> CommitStatus:
    """Say how a commit is.

    Of each context only the last status counts, so a second of the same kind does no harm. GitHub
    takes a thousand of each commit and context. See
    https://docs.github.com/en/rest/commits/statuses#create-a-commit-status.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        sha: The whole id of the commit.
        state: ``error``, ``failure``, ``pending`` or ``success``.
        context: Who says it, such as ``nightly/load``; without regard to case.
        description: In 140 characters.
        target_url: Where to read more.

    Returns:
        The status.

    Raises:
        GitHubNotFound: There is no such repository.
        GitHubInvalid: There is no such commit, or the description is too long.
        GitHubError: It was not said.

    Examples:
        >>> sha = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
        >>> status = create_commit_status(credentials, repository, sha, "success", context="load")
        >>> status.state
        'success'
    """
    return Request(
        credentials, "POST /repos/{owner}/{repo}/statuses/{sha}", repository, safe=True, sha=sha
    ).one(
        CommitStatus.of,
        body={
            "state": state,
            "context": context,
            "description": description,
            "target_url": target_url,
        },
    )


@retried_task("statuses:read")
def list_commit_statuses(
    credentials: GitHubCredentials, repository: str, ref: str, *, limit: int | None = None
) -> list[CommitStatus]:
    """List all that was said of a commit, the newest first.

    See https://docs.github.com/en/rest/commits/statuses#list-commit-statuses-for-a-reference.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        ref: A commit, a branch or a tag.
        limit: At most so many; None: all.

    Returns:
        The statuses.

    Raises:
        GitHubNotFound: There is no such repository or commit.
        GitHubError: They cannot be read.

    Examples:
        >>> for status in list_commit_statuses(credentials, repository, "main"):
        ...     print(status.context, status.state)
        continuous-integration/jenkins success
    """
    route = "GET /repos/{owner}/{repo}/commits/{ref}/statuses"
    return Request(credentials, route, repository, ref=ref).many(CommitStatus.of, limit)


@retried_task("statuses:read")
def get_combined_status(
    credentials: GitHubCredentials, repository: str, ref: str
) -> CombinedStatus:
    """Return what all contexts together say of a commit; checks do not count.

    See https://docs.github.com/en/rest/commits/statuses#get-the-combined-status-for-a-specific-reference.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        ref: A commit, a branch or a tag.

    Returns:
        The state, and the last status of each context.

    Raises:
        GitHubNotFound: There is no such repository or commit.
        GitHubError: It cannot be read.

    Examples:
        >>> get_combined_status(credentials, repository, "main").state
        'success'
    """
    route = "GET /repos/{owner}/{repo}/commits/{ref}/status"
    asked = Request(credentials, route, repository, ref=ref)
    state, sha = asked.one(
        lambda found: (str(found["state"]), str(found["sha"])), query={"per_page": PER_PAGE}
    )
    # The first page is the same request again, which GitHub answers by 304.
    return CombinedStatus(state, sha, tuple(asked.many(CommitStatus.of, None)))
