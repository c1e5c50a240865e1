"""Prebuilt tasks on labels, assignees and milestones.

See https://docs.github.com/en/rest/issues/labels, https://docs.github.com/en/rest/issues/assignees
and https://docs.github.com/en/rest/issues/milestones.
"""

from datetime import datetime
from typing import Literal

from brickwork_github.credentials import GitHubCredentials
from brickwork_github.issues.models import Issue, Milestone
from brickwork_github.reading import names
from brickwork_github.requests import Request
from brickwork_github.tasks import retried_task, task_once

_LABELS = "/repos/{owner}/{repo}/issues/{issue_number}/labels"
_ASSIGNEES = "/repos/{owner}/{repo}/issues/{issue_number}/assignees"
_MILESTONES = "/repos/{owner}/{repo}/milestones"


@retried_task("issues:write")
def add_issue_labels(
    credentials: GitHubCredentials, repository: str, number: int, labels: list[str]
) -> tuple[str, ...]:
    """Add labels to those of an issue or a pull request; what it has stays.

    See https://docs.github.com/en/rest/issues/labels#add-labels-to-an-issue.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The issue's.
        labels: Their names; one that the repository lacks is made.

    Returns:
        The names of all its labels now.

    Raises:
        GitHubNotFound: There is no such issue.
        GitHubError: They were not added.

    Examples:
        >>> add_issue_labels(credentials, repository, 1347, ["bug"])
        ('bug', 'enhancement')
    """
    asked = Request(credentials, f"POST {_LABELS}", repository, safe=True, issue_number=number)
    return asked.one(names, body={"labels": labels})


@retried_task("issues:write")
def set_issue_labels(
    credentials: GitHubCredentials, repository: str, number: int, labels: list[str]
) -> tuple[str, ...]:
    """Replace all labels of an issue or a pull request.

    See https://docs.github.com/en/rest/issues/labels#set-labels-for-an-issue.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The issue's.
        labels: Their names; an empty list takes all away.

    Returns:
        The names of all its labels now.

    Raises:
        GitHubNotFound: There is no such issue.
        GitHubError: They were not replaced.

    Examples:
        >>> set_issue_labels(credentials, repository, 1347, ["bug", "enhancement"])
        ('bug', 'enhancement')
    """
    if not labels:  # of which GitHub takes no list
        Request(credentials, f"DELETE {_LABELS}", repository, issue_number=number).send()
        return ()
    asked = Request(credentials, f"PUT {_LABELS}", repository, issue_number=number)
    return asked.one(names, body={"labels": labels})


@retried_task("issues:write")
def remove_issue_label(
    credentials: GitHubCredentials, repository: str, number: int, label: str
) -> None:
    """Take a label from an issue or a pull request.

    See https://docs.github.com/en/rest/issues/labels#remove-a-label-from-an-issue.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The issue's.
        label: Its name.

    Raises:
        GitHubNotFound: There is no such issue, or it has no such label.
        GitHubError: It was not taken away.

    Examples:
        >>> remove_issue_label(credentials, repository, 1347, "bug")
    """
    Request(
        credentials, f"DELETE {_LABELS}/{{name}}", repository, issue_number=number, name=label
    ).send()


@retried_task("issues:write")
def add_issue_assignees(
    credentials: GitHubCredentials, repository: str, number: int, assignees: list[str]
) -> Issue:
    """Assign an issue or a pull request to more people, up to ten in all.

    See https://docs.github.com/en/rest/issues/assignees#add-assignees-to-an-issue.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The issue's.
        assignees: Their names; who cannot be assigned is left out in silence.

    Returns:
        The issue as it is now.

    Raises:
        GitHubNotFound: There is no such issue.
        GitHubError: It was not assigned.

    Examples:
        >>> add_issue_assignees(credentials, repository, 1347, ["octocat"]).assignees
        ('octocat',)
    """
    asked = Request(credentials, f"POST {_ASSIGNEES}", repository, safe=True, issue_number=number)
    return asked.one(Issue.of, body={"assignees": assignees})


@retried_task("issues:write")
def remove_issue_assignees(
    credentials: GitHubCredentials, repository: str, number: int, assignees: list[str]
) -> Issue:
    """Assign an issue or a pull request to some people no longer.

    See https://docs.github.com/en/rest/issues/assignees#remove-assignees-from-an-issue.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The issue's.
        assignees: Their names; who was not assigned does not matter.

    Returns:
        The issue as it is now.

    Raises:
        GitHubNotFound: There is no such issue.
        GitHubError: It was not changed.

    Examples:
        >>> remove_issue_assignees(credentials, repository, 1347, ["hubot"]).number
        1347
    """
    asked = Request(credentials, f"DELETE {_ASSIGNEES}", repository, issue_number=number)
    return asked.one(Issue.of, body={"assignees": assignees})


@task_once("issues:write")
def create_milestone(
    credentials: GitHubCredentials,
    repository: str,
    title: str,
    *,
    description: str | None = None,
    due_on: datetime | None = None,
) -> Milestone:
    """Make a milestone.

    Not retried: the second time GitHub refuses the title. See
    https://docs.github.com/en/rest/issues/milestones#create-a-milestone.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        title: The title.
        description: The text.
        due_on: When it is due; GitHub keeps the day.

    Returns:
        The milestone.

    Raises:
        GitHubInvalid: There is one of this title.
        GitHubError: It was not made.

    Examples:
        >>> create_milestone(credentials, repository, "v1.0").number
        1
    """
    return Request(credentials, f"POST {_MILESTONES}", repository).one(
        Milestone.of, body={"title": title, "description": description, "due_on": due_on}
    )


@retried_task("issues:read")
def list_milestones(
    credentials: GitHubCredentials,
    repository: str,
    *,
    state: Literal["open", "closed", "all"] = "open",
    limit: int | None = None,
) -> list[Milestone]:
    """List the milestones of a repository, what is due first.

    See https://docs.github.com/en/rest/issues/milestones#list-milestones.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        state: ``open``, ``closed`` or ``all``.
        limit: At most so many; None: all.

    Returns:
        The milestones.

    Raises:
        GitHubNotFound: There is no such repository.
        GitHubError: They cannot be read.

    Examples:
        >>> for milestone in list_milestones(credentials, repository):
        ...     print(milestone.number, milestone.title)
        1 v1.0
    """
    asked = Request(credentials, f"GET {_MILESTONES}", repository)
    return asked.many(Milestone.of, limit, query={"state": state})


@retried_task("issues:write")
def close_milestone(credentials: GitHubCredentials, repository: str, number: int) -> Milestone:
    """Close a milestone; one that is closed stays so.

    See https://docs.github.com/en/rest/issues/milestones#update-a-milestone.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The milestone's.

    Returns:
        The milestone as it is now.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It was not closed.

    Examples:
        >>> close_milestone(credentials, repository, 1).title
        'v1.0'
    """
    route = f"PATCH {_MILESTONES}/{{milestone_number}}"
    asked = Request(credentials, route, repository, safe=True, milestone_number=number)
    return asked.one(Milestone.of, body={"state": "closed"})
