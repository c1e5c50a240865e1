"""Prebuilt tasks on pull requests that only GitHub's GraphQL API can do.

See https://docs.github.com/en/graphql/reference/mutations. A mutation is sent once; where its
answer is lost, the task looks at the pull request again before it sends another.
"""

from dataclasses import replace
from typing import Any

from brickwork_github.credentials import GitHubCredentials
from brickwork_github.errors import GitHubConflict, GitHubError
from brickwork_github.pulls.merging import MergeMethod
from brickwork_github.pulls.models import PullRequest
from brickwork_github.pulls.tasks import get_pull_request
from brickwork_github.tasks import retried_task

_MUTATION = """
mutation($input: %(kind)sInput!) {
  changed: %(name)s(input: $input) {
    pullRequest { isDraft autoMergeRequest { mergeMethod } }
  }
}
"""


@retried_task("contents:write", "pull_requests:write")
def enable_auto_merge(
    credentials: GitHubCredentials,
    repository: str,
    number: int,
    *,
    method: MergeMethod = "merge",
    title: str | None = None,
    message: str | None = None,
    sha: str | None = None,
) -> PullRequest:
    """Let GitHub merge a pull request as soon as its checks and reviews are there.

    Where that is so by the same method already, it stays as it is. See
    https://docs.github.com/en/graphql/reference/mutations#enablepullrequestautomerge.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The pull request's.
        method: ``merge``, ``squash`` or ``rebase``.
        title: The first line of the commit's message; None: as GitHub makes it.
        message: The rest of it.
        sha: The commit that the head must be, whole; None: whatever is there.

    Returns:
        The pull request as it is now.

    Raises:
        GitHubNotFound: There is no such pull request.
        GitHubConflict: Nothing lacks, so that it can be merged at once; or the repository allows no
            auto-merge.
        GitHubError: It was not enabled.

    Examples:
        >>> enable_auto_merge(credentials, repository, 1347, method="squash").auto_merge
        'squash'
    """
    pull = get_pull_request.fn(credentials, repository, number)
    if pull.auto_merge == method:
        return pull
    given = {
        "mergeMethod": method.upper(),
        "commitHeadline": title,
        "commitBody": message,
        "expectedHeadOid": sha,
    }
    try:
        return _changed(credentials, pull, "enablePullRequestAutoMerge", given)
    except GitHubConflict as refused:
        if "clean status" in refused.what or "unstable status" in refused.what:
            refused.fix = "There is nothing to wait for: merge it by merge_pull_request."
        elif "not allowed" in refused.what:
            refused.fix = "Allow auto-merge in the settings of the repository."
        raise


@retried_task("contents:write", "pull_requests:write")
def disable_auto_merge(credentials: GitHubCredentials, repository: str, number: int) -> PullRequest:
    """Let GitHub merge a pull request by itself no longer; where it does not, nothing happens.

    See https://docs.github.com/en/graphql/reference/mutations#disablepullrequestautomerge.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The pull request's.

    Returns:
        The pull request as it is now.

    Raises:
        GitHubNotFound: There is no such pull request.
        GitHubError: It was not disabled.

    Examples:
        >>> print(disable_auto_merge(credentials, repository, 1347).auto_merge)
        None
    """
    pull = get_pull_request.fn(credentials, repository, number)
    if pull.auto_merge is None:
        return pull
    return _changed(credentials, pull, "disablePullRequestAutoMerge")


@retried_task("pull_requests:write")
def mark_ready_for_review(
    credentials: GitHubCredentials, repository: str, number: int
) -> PullRequest:
    """Make a pull request of a draft; one that is none stays as it is.

    See https://docs.github.com/en/graphql/reference/mutations#markpullrequestreadyforreview.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The pull request's.

    Returns:
        The pull request as it is now.

    Raises:
        GitHubNotFound: There is no such pull request.
        GitHubError: It is a draft still.

    Examples:
        >>> mark_ready_for_review(credentials, repository, 1347).draft
        False
    """
    pull = get_pull_request.fn(credentials, repository, number)
    return _changed(credentials, pull, "markPullRequestReadyForReview") if pull.draft else pull


@retried_task("pull_requests:write")
def convert_to_draft(credentials: GitHubCredentials, repository: str, number: int) -> PullRequest:
    """Make a draft of a pull request; one that is a draft stays so.

    See https://docs.github.com/en/graphql/reference/mutations#convertpullrequesttodraft.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The pull request's.

    Returns:
        The pull request as it is now.

    Raises:
        GitHubNotFound: There is no such pull request.
        GitHubError: It is no draft still.

    Examples:
        >>> convert_to_draft(credentials, repository, 1347).draft
        True
    """
    pull = get_pull_request.fn(credentials, repository, number)
    return pull if pull.draft else _changed(credentials, pull, "convertPullRequestToDraft")


def _changed(
    credentials: GitHubCredentials,
    pull: PullRequest,
    name: str,
    given: dict[str, Any] | None = None,
) -> PullRequest:
    """Send a mutation, and return the pull request as its answer has it."""
    query = _MUTATION % {"name": name, "kind": name[0].upper() + name[1:]}
    sent = {key: value for key, value in (given or {}).items() if value is not None}
    answer = credentials.graphql(query, {"input": {"pullRequestId": pull.node_id, **sent}})
    found = (answer.get("changed") or {}).get("pullRequest")
    if found is None:
        raise GitHubError(
            f"{name}: GitHub does not say how {pull.repository}#{pull.number} is now.",
            fix=f"Look at it: {pull.url}",
        )
    automatic = found["autoMergeRequest"]
    method = automatic["mergeMethod"].lower() if automatic else None
    return replace(pull, draft=found["isDraft"], auto_merge=method)
