"""Prebuilt tasks on variables of Actions: https://docs.github.com/en/rest/actions/variables."""

from collections.abc import Mapping
from typing import Any

from brickwork_github.actions.models import ActionsVariable
from brickwork_github.actions.places import Place, Visibility
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.errors import GitHubConflict, GitHubNotFound
from brickwork_github.tasks import retried_task

_VARIABLE = "/{name}"


@retried_task("actions_variables:write", "environments:write")
def set_variable(
    credentials: GitHubCredentials,
    repository: str,
    name: str,
    value: str,
    *,
    environment: str | None = None,
) -> None:
    """Make a variable of a repository or of one of its environments, or replace its value.

    ``environments:write`` is for environments, ``actions_variables:write`` for the repository's
    own. See https://docs.github.com/en/rest/actions/variables#update-a-repository-variable.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        name: Its name: letters, digits and ``_``; GitHub writes it in capitals.
        value: Its value, which all see who may read the repository's settings, and its logs.
        environment: The environment that it is for.

    Raises:
        GitHubNotFound: There is no such repository or environment.
        GitHubInvalid: There cannot be one of this name.
        GitHubError: It was not set.

    Examples:
        >>> set_variable(credentials, repository, "REGION", "eu-central-1")
    """
    _set(Place(credentials, "variables", repository, environment), name, value, {})


@retried_task("actions_variables:read", "environments:read")
def list_variables(
    credentials: GitHubCredentials,
    repository: str,
    *,
    environment: str | None = None,
    limit: int | None = None,
) -> list[ActionsVariable]:
    """List the variables of a repository, or of one of its environments.

    See https://docs.github.com/en/rest/actions/variables#list-repository-variables.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        environment: Those of this environment.
        limit: At most so many; None: all.

    Returns:
        The variables.

    Raises:
        GitHubNotFound: There is no such repository or environment.
        GitHubError: They cannot be read.

    Examples:
        >>> for variable in list_variables(credentials, repository):
        ...     print(variable.name, variable.value)
        USERNAME octocat
        EMAIL octocat@github.com
    """
    return _list(Place(credentials, "variables", repository, environment), limit)


@retried_task("actions_variables:write", "environments:write")
def delete_variable(
    credentials: GitHubCredentials,
    repository: str,
    name: str,
    *,
    environment: str | None = None,
) -> None:
    """Delete a variable of a repository, or of one of its environments.

    See https://docs.github.com/en/rest/actions/variables#delete-a-repository-variable.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        name: Its name.
        environment: The environment that it is for.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It was not deleted.

    Examples:
        >>> delete_variable(credentials, repository, "REGION")
    """
    place = Place(credentials, "variables", repository, environment)
    place.request("DELETE", _VARIABLE, name=name).send()


@retried_task("organization_actions_variables:write")
def set_organization_variable(
    credentials: GitHubCredentials,
    organization: str,
    name: str,
    value: str,
    *,
    visibility: Visibility = "private",
    repositories: list[str] | None = None,
) -> None:
    """Make a variable of an organization, or replace its value and for what it is.

    See https://docs.github.com/en/rest/actions/variables#create-an-organization-variable.

    Args:
        credentials: Whose.
        organization: The organization's name.
        name: As of `set_variable`.
        value: As of `set_variable`.
        visibility: For ``all`` repositories, or for those that are ``private`` or internal.
        repositories: Only for these, ``owner/name``.

    Raises:
        GitHubNotFound: There is no such organization or repository.
        GitHubInvalid: There cannot be one of this name.
        GitHubError: It was not set.

    Examples:
        >>> set_organization_variable(
        ...     credentials, organization, "REGION", "eu-central-1", visibility="all"
        ... )
    """
    place = Place(credentials, "variables", organization=organization)
    _set(place, name, value, place.shared(visibility, repositories))


@retried_task("organization_actions_variables:read")
def list_organization_variables(
    credentials: GitHubCredentials, organization: str, *, limit: int | None = None
) -> list[ActionsVariable]:
    """List the variables of an organization.

    See https://docs.github.com/en/rest/actions/variables#list-organization-variables.

    Args:
        credentials: Whose.
        organization: The organization's name.
        limit: At most so many; None: all.

    Returns:
        The variables.

    Raises:
        GitHubNotFound: There is no such organization.
        GitHubError: They cannot be read.

    Examples:
        >>> for variable in list_organization_variables(credentials, organization):
        ...     print(variable.name, variable.value, variable.visibility)
        USERNAME octocat private
        ACTIONS_RUNNER_DEBUG True all
        ADMIN_EMAIL octocat@github.com selected
    """
    return _list(Place(credentials, "variables", organization=organization), limit)


@retried_task("organization_actions_variables:write")
def delete_organization_variable(
    credentials: GitHubCredentials, organization: str, name: str
) -> None:
    """Delete a variable of an organization.

    See https://docs.github.com/en/rest/actions/variables#delete-an-organization-variable.

    Args:
        credentials: Whose.
        organization: The organization's name.
        name: The variable's.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It was not deleted.

    Examples:
        >>> delete_organization_variable(credentials, organization, "REGION")
    """
    place = Place(credentials, "variables", organization=organization)
    place.request("DELETE", _VARIABLE, name=name).send()


_PER_PAGE = 30
"""GitHub gives no more variables at once."""


def _list(place: Place, limit: int | None) -> list[ActionsVariable]:
    size = _PER_PAGE if limit is None else max(1, min(limit, _PER_PAGE))
    return place.request("GET").many(ActionsVariable.of, limit, query={"per_page": size})


def _set(place: Place, name: str, value: str, more: Mapping[str, Any]) -> None:
    update = place.request("PATCH", _VARIABLE, name=name)
    try:
        update.send(body={"value": value, **more})
    except GitHubNotFound:
        try:
            place.request("POST").send(body={"name": name, "value": value, **more})
        except GitHubConflict:  # made meanwhile, or by our request whose answer was lost
            update.send(body={"value": value, **more})
