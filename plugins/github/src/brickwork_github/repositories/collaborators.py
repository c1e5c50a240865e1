"""Prebuilt tasks on who may do what in a repository.

See https://docs.github.com/en/rest/collaborators/collaborators.
"""

from collections.abc import Mapping
from typing import Any, Literal

from brickwork_github.credentials import GitHubCredentials
from brickwork_github.repositories.people_models import Collaborator, RepositoryInvitation
from brickwork_github.requests import Request
from brickwork_github.tasks import retried_task

_COLLABORATORS = "/repos/{owner}/{repo}/collaborators"
_COLLABORATOR = f"{_COLLABORATORS}/{{username}}"


@retried_task("metadata:read")
def list_collaborators(
    credentials: GitHubCredentials,
    repository: str,
    *,
    affiliation: Literal["all", "direct", "outside"] = "all",
    permission: Literal["pull", "triage", "push", "maintain", "admin"] | None = None,
    limit: int | None = None,
) -> list[Collaborator]:
    """List who may do something in a repository.

    See https://docs.github.com/en/rest/collaborators/collaborators#list-repository-collaborators.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        affiliation: ``direct``: not those who only may as all of the organization; ``outside``:
            those who do not belong to it.
        permission: Only those who may do at least this.
        limit: At most so many; None: all.

    Returns:
        The collaborators.

    Raises:
        GitHubNotFound: There is no such repository.
        GitHubDenied: Only who may push may know.
        GitHubError: They cannot be read.

    Examples:
        >>> for found in list_collaborators(credentials, repository, permission="push"):
        ...     print(found.login, found.role)
        octocat write
    """
    query = {"affiliation": affiliation, "permission": permission}
    return Request(credentials, f"GET {_COLLABORATORS}", repository).many(
        lambda found: Collaborator(found["login"], found["role_name"]), limit, query=query
    )


@retried_task("metadata:read")
def get_collaborator(
    credentials: GitHubCredentials, repository: str, username: str
) -> Collaborator:
    """Return what somebody may do in a repository.

    See https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        username: The name of somebody.

    Returns:
        The role, ``none`` included.

    Raises:
        GitHubNotFound: There is no such account, or no such repository.
        GitHubError: It cannot be read.

    Examples:
        >>> get_collaborator(credentials, repository, "octocat").role
        'admin'
    """
    route = f"GET {_COLLABORATOR}/permission"

    def read(found: Mapping[str, Any]) -> Collaborator:
        return Collaborator(username, found.get("role_name") or found["permission"])

    return Request(credentials, route, repository, username=username).one(read)


@retried_task("administration:write")
def add_collaborator(
    credentials: GitHubCredentials, repository: str, username: str, *, permission: str = "push"
) -> RepositoryInvitation | None:
    """Let somebody do something in a repository; who is not one yet is invited.

    See https://docs.github.com/en/rest/collaborators/collaborators#add-a-repository-collaborator.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        username: The name of somebody.
        permission: ``pull``, ``triage``, ``push``, ``maintain``, ``admin``, or a role that the
            organization made. The repository of a person has only ``push``.

    Returns:
        The invitation; None where nobody had to be invited.

    Raises:
        GitHubNotFound: There is no such account, or no such repository.
        GitHubInvalid: There is no such permission.
        GitHubDenied: These credentials may not do it, or too many were invited.
        GitHubError: Nothing was changed.

    Examples:
        >>> add_collaborator(credentials, repository, "hubot", permission="triage").role
        'write'
    """

    def read(found: Mapping[str, Any] | None) -> RepositoryInvitation | None:
        return None if found is None else RepositoryInvitation.of(found)

    return Request(credentials, f"PUT {_COLLABORATOR}", repository, username=username).one(
        read, body={"permission": permission}
    )


@retried_task("administration:write")
def remove_collaborator(credentials: GitHubCredentials, repository: str, username: str) -> None:
    """Let somebody do nothing in a repository any more; an open invitation stays.

    See https://docs.github.com/en/rest/collaborators/collaborators#remove-a-repository-collaborator.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        username: The name of somebody.

    Raises:
        GitHubNotFound: There is no such repository.
        GitHubError: Nothing was changed.

    Examples:
        >>> remove_collaborator(credentials, repository, "hubot")
    """
    Request(credentials, f"DELETE {_COLLABORATOR}", repository, username=username).send()
