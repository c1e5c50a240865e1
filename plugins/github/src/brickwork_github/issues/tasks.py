"""Prebuilt tasks on issues: https://docs.github.com/en/rest/issues/issues."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from brickwork_github.clients import PER_PAGE
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.issues.models import Issue
from brickwork_github.requests import NULL, Request
from brickwork_github.tasks import retried_task, task_once

_ISSUE = "/repos/{owner}/{repo}/issues/{issue_number}"


@task_once("issues:write")
def create_issue(
    credentials: GitHubCredentials,
    repository: str,
    title: str,
    *,
    body: str | None = None,
    labels: list[str] | None = None,
    assignees: list[str] | None = None,
    milestone: int | None = None,
) -> Issue:
    """Open an issue.

    Not retried: there might be two. See
    https://docs.github.com/en/rest/issues/issues#create-an-issue.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        title: The title.
        body: The text, in Markdown.
        labels: The names of labels; left out in silence unless one may push to the repository.
            The same holds for the next two.
        assignees: To whom it is assigned.
        milestone: The number of its milestone.

    Returns:
        The issue.

    Raises:
        GitHubNotFound: There is no such repository, or it has no issues.
        GitHubInvalid: Somebody cannot be assigned, or there is no such milestone.
        GitHubError: It was not opened.

    Examples:
        >>> issue = create_issue(credentials, repository, "Load failed", labels=["bug"])
        >>> issue.number, issue.state
        (1347, 'open')
    """
    return Request(credentials, "POST /repos/{owner}/{repo}/issues", repository).one(
        Issue.of,
        body={
            "title": title,
            "body": body,
            "labels": labels,
            "assignees": assignees,
            "milestone": milestone,
        },
    )


@retried_task("issues:read")
def get_issue(credentials: GitHubCredentials, repository: str, number: int) -> Issue:
    """Return an issue, or a pull request as one.

    See https://docs.github.com/en/rest/issues/issues#get-an-issue.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The issue's.

    Returns:
        The issue; where it was transferred, the one that it became.

    Raises:
        GitHubNotFound: There is none, or no more.
        GitHubError: It cannot be read.

    Examples:
        >>> get_issue(credentials, repository, 1347).title
        'Found a bug'
    """
    return Request(credentials, f"GET {_ISSUE}", repository, issue_number=number).one(Issue.of)


@retried_task("issues:write")
def update_issue(
    credentials: GitHubCredentials,
    repository: str,
    number: int,
    *,
    title: str | None = None,
    body: str | None = None,
    state: Literal["open", "closed"] | None = None,
    state_reason: Literal["completed", "not_planned", "duplicate", "reopened"] | None = None,
    labels: list[str] | None = None,
    assignees: list[str] | None = None,
    milestone: int | None = None,
) -> Issue:
    """Change an issue: what is given replaces what is there.

    See https://docs.github.com/en/rest/issues/issues#update-an-issue.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The issue's.
        title: The title.
        body: The text, in Markdown.
        state: ``open`` or ``closed``.
        state_reason: Why.
        labels: The names of all its labels.
        assignees: All to whom it is assigned.
        milestone: The number of its milestone; 0 takes it out of the one that it is in.

    Returns:
        The issue as it is now.

    Raises:
        GitHubNotFound: There is none.
        GitHubInvalid: Somebody cannot be assigned, or there is no such milestone.
        GitHubError: It was not changed.

    Examples:
        >>> update_issue(credentials, repository, 1347, title="Found a bug").title
        'Found a bug'
    """
    return Request(credentials, f"PATCH {_ISSUE}", repository, safe=True, issue_number=number).one(
        Issue.of,
        body={
            "title": title,
            "body": body,
            "state": state,
            "state_reason": state_reason,
            "labels": labels,
            "assignees": assignees,
            "milestone": NULL if milestone == 0 else milestone,
        },
    )


@retried_task("issues:write")
def close_issue(
    credentials: GitHubCredentials,
    repository: str,
    number: int,
    *,
    reason: Literal["completed", "not_planned", "duplicate"] = "completed",
) -> Issue:
    """Close an issue; one that is closed stays so.

    See https://docs.github.com/en/rest/issues/issues#update-an-issue.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The issue's.
        reason: Why.

    Returns:
        The issue as it is now.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It was not closed.

    Examples:
        >>> close_issue(credentials, repository, 1347, reason="not_planned").number
        1347
    """
    return update_issue.fn(credentials, repository, number, state="closed", state_reason=reason)


@retried_task("issues:write")
def reopen_issue(credentials: GitHubCredentials, repository: str, number: int) -> Issue:
    """Open an issue again; one that is open stays so.

    See https://docs.github.com/en/rest/issues/issues#update-an-issue.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The issue's.

    Returns:
        The issue as it is now.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It was not opened.

    Examples:
        >>> reopen_issue(credentials, repository, 1347).state
        'open'
    """
    return update_issue.fn(credentials, repository, number, state="open", state_reason="reopened")


@retried_task("issues:read")
def list_issues(
    credentials: GitHubCredentials,
    repository: str,
    *,
    state: Literal["open", "closed", "all"] = "open",
    labels: list[str] | None = None,
    assignee: str | None = None,
    creator: str | None = None,
    mentioned: str | None = None,
    milestone: str | None = None,
    since: datetime | None = None,
    sort: Literal["created", "updated", "comments"] = "created",
    direction: Literal["asc", "desc"] = "desc",
    pull_requests: bool = False,
    limit: int | None = None,
) -> list[Issue]:
    """List the issues of a repository.

    See https://docs.github.com/en/rest/issues/issues#list-repository-issues.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        state: ``open``, ``closed`` or ``all``.
        labels: Only those that have all of these.
        assignee: Only those of this one; ``none``: of nobody, ``*``: of anybody.
        creator: Only those that this one opened.
        mentioned: Only those that mention this one.
        milestone: Only those of the milestone with this number; ``none`` and ``*`` as above.
        since: Only those that were changed since then.
        sort: By what.
        direction: ``asc`` or ``desc``.
        pull_requests: Whether pull requests count, too.
        limit: At most so many; None: all.

    Returns:
        The issues.

    Raises:
        GitHubNotFound: There is no such repository, or it has no issues.
        GitHubError: They cannot be read.

    Examples:
        >>> for issue in list_issues(credentials, repository, labels=["bug"], limit=10):
        ...     print(issue.number, issue.title)
        1347 Found a bug
    """

    def wanted(found: Mapping[str, Any]) -> Issue | None:
        return Issue.of(found) if pull_requests or "pull_request" not in found else None

    return Request(credentials, "GET /repos/{owner}/{repo}/issues", repository).many(
        wanted,
        limit,
        query={
            "state": state,
            "labels": labels,
            "assignee": assignee,
            "creator": creator,
            "mentioned": mentioned,
            "milestone": milestone,
            "since": since,
            "sort": sort,
            "direction": direction,
            "per_page": PER_PAGE,
        },
    )


@retried_task("issues:read")
def search_issues(
    credentials: GitHubCredentials,
    query: str,
    *,
    sort: Literal["comments", "reactions", "interactions", "created", "updated"] | None = None,
    order: Literal["asc", "desc"] = "desc",
    limit: int | None = None,
) -> list[Issue]:
    """Search issues and pull requests, in one repository or in many.

    GitHub gives a thousand at most. See
    https://docs.github.com/en/rest/search/search#search-issues-and-pull-requests.

    Args:
        credentials: Whose.
        query: As in the search on GitHub's pages: ``repo:acme/api is:issue is:open timeout``.
        sort: By what; None: the best match first.
        order: ``asc`` or ``desc``.
        limit: At most so many; None: all that GitHub gives.

    Returns:
        The issues.

    Raises:
        GitHubInvalid: The query cannot be understood, or names what may not be seen.
        GitHubError: The search failed.

    Examples:
        >>> found = search_issues(credentials, "repo:octocat/Hello-World is:issue is:open")
        >>> [issue.repository for issue in found]
        ['...']
    """
    return Request(credentials, "GET /search/issues").many(
        Issue.of, limit, query={"q": query, "sort": sort, "order": order}
    )


@retried_task("issues:write")
def lock_issue(
    credentials: GitHubCredentials,
    repository: str,
    number: int,
    *,
    reason: Literal["off-topic", "too heated", "resolved", "spam"] | None = None,
) -> None:
    """Lock the conversation on an issue or a pull request.

    See https://docs.github.com/en/rest/issues/issues#lock-an-issue.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The issue's.
        reason: Why.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It was not locked.

    Examples:
        >>> lock_issue(credentials, repository, 1347, reason="resolved")
    """
    Request(credentials, f"PUT {_ISSUE}/lock", repository, issue_number=number).send(
        body=None if reason is None else {"lock_reason": reason}
    )


@retried_task("issues:write")
def unlock_issue(credentials: GitHubCredentials, repository: str, number: int) -> None:
    """Unlock the conversation on an issue or a pull request.

    See https://docs.github.com/en/rest/issues/issues#unlock-an-issue.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The issue's.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It was not unlocked.

    Examples:
        >>> unlock_issue(credentials, repository, 1347)
    """
    Request(credentials, f"DELETE {_ISSUE}/lock", repository, issue_number=number).send()
