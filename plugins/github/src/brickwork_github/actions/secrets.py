"""Prebuilt tasks on secrets of Actions: https://docs.github.com/en/rest/actions/secrets.

A value is sealed here, to a public key of GitHub's, which alone can open it.
"""

from collections.abc import Mapping
from typing import Any

from brickwork import Secret
from brickwork_github.actions.models import ActionsSecret
from brickwork_github.actions.places import Place, Visibility
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.tasks import retried_task

_SECRET = "/{secret_name}"  # noqa: S105  # a part of a path


@retried_task("secrets:write", "environments:write")
def set_secret(
    credentials: GitHubCredentials,
    repository: str,
    name: str,
    value: Secret[str],
    *,
    environment: str | None = None,
) -> None:
    """Make a secret of a repository or of one of its environments, or replace its value.

    ``environments:write`` is for environments, ``secrets:write`` for the repository's own. See
    https://docs.github.com/en/rest/actions/secrets#create-or-update-a-repository-secret.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        name: Its name: letters, digits and ``_``; GitHub writes it in capitals.
        value: Its value, up to 48 KB; it leaves this machine sealed.
        environment: The environment that it is for.

    Raises:
        GitHubNotFound: There is no such repository or environment.
        GitHubInvalid: There cannot be one of this name.
        GitHubError: It was not set.

    Examples:
        >>> from brickwork import Secret
        >>> set_secret(credentials, repository, "WAREHOUSE_PASSWORD", Secret("correct horse"))
    """
    _set(Place(credentials, "secrets", repository, environment), name, value, {})


@retried_task("secrets:read", "environments:read")
def list_secrets(
    credentials: GitHubCredentials,
    repository: str,
    *,
    environment: str | None = None,
    limit: int | None = None,
) -> list[ActionsSecret]:
    """List the secrets of a repository, or of one of its environments; nobody sees their values.

    See https://docs.github.com/en/rest/actions/secrets#list-repository-secrets.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        environment: Those of this environment.
        limit: At most so many; None: all.

    Returns:
        The secrets.

    Raises:
        GitHubNotFound: There is no such repository or environment.
        GitHubError: They cannot be read.

    Examples:
        >>> for secret in list_secrets(credentials, repository):
        ...     print(secret.name, secret.updated_at.date())
        GH_TOKEN 2020-01-10
        GIST_ID 2020-01-11
    """
    asked = Place(credentials, "secrets", repository, environment).request("GET")
    return asked.many(ActionsSecret.of, limit)


@retried_task("secrets:write", "environments:write")
def delete_secret(
    credentials: GitHubCredentials,
    repository: str,
    name: str,
    *,
    environment: str | None = None,
) -> None:
    """Delete a secret of a repository, or of one of its environments.

    See https://docs.github.com/en/rest/actions/secrets#delete-a-repository-secret.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        name: Its name.
        environment: The environment that it is for.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It was not deleted.

    Examples:
        >>> delete_secret(credentials, repository, "WAREHOUSE_PASSWORD")
    """
    place = Place(credentials, "secrets", repository, environment)
    place.request("DELETE", _SECRET, secret_name=name).send()


@retried_task("organization_secrets:write")
def set_organization_secret(
    credentials: GitHubCredentials,
    organization: str,
    name: str,
    value: Secret[str],
    *,
    visibility: Visibility = "private",
    repositories: list[str] | None = None,
) -> None:
    """Make a secret of an organization, or replace its value and for what it is.

    See https://docs.github.com/en/rest/actions/secrets#create-or-update-an-organization-secret.

    Args:
        credentials: Whose.
        organization: The organization's name.
        name: As of `set_secret`.
        value: As of `set_secret`.
        visibility: For ``all`` repositories, or for those that are ``private`` or internal.
        repositories: Only for these, ``owner/name``.

    Raises:
        GitHubNotFound: There is no such organization or repository.
        GitHubInvalid: There cannot be one of this name.
        GitHubError: It was not set.

    Examples:
        >>> from brickwork import Secret
        >>> set_organization_secret(
        ...     credentials, organization, "DEPLOY_KEY", Secret("correct horse"), visibility="all"
        ... )
    """
    place = Place(credentials, "secrets", organization=organization)
    _set(place, name, value, place.shared(visibility, repositories))


@retried_task("organization_secrets:read")
def list_organization_secrets(
    credentials: GitHubCredentials, organization: str, *, limit: int | None = None
) -> list[ActionsSecret]:
    """List the secrets of an organization; nobody sees their values.

    See https://docs.github.com/en/rest/actions/secrets#list-organization-secrets.

    Args:
        credentials: Whose.
        organization: The organization's name.
        limit: At most so many; None: all.

    Returns:
        The secrets.

    Raises:
        GitHubNotFound: There is no such organization.
        GitHubError: They cannot be read.

    Examples:
        >>> for secret in list_organization_secrets(credentials, organization):
        ...     print(secret.name, secret.visibility)
        GIST_ID private
        DEPLOY_TOKEN all
        GH_TOKEN selected
    """
    asked = Place(credentials, "secrets", organization=organization).request("GET")
    return asked.many(ActionsSecret.of, limit)


@retried_task("organization_secrets:write")
def delete_organization_secret(
    credentials: GitHubCredentials, organization: str, name: str
) -> None:
    """Delete a secret of an organization.

    See https://docs.github.com/en/rest/actions/secrets#delete-an-organization-secret.

    Args:
        credentials: Whose.
        organization: The organization's name.
        name: The secret's.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It was not deleted.

    Examples:
        >>> delete_organization_secret(credentials, organization, "DEPLOY_KEY")
    """
    place = Place(credentials, "secrets", organization=organization)
    place.request("DELETE", _SECRET, secret_name=name).send()


def _set(place: Place, name: str, value: Secret[str], more: Mapping[str, Any]) -> None:
    body = place.request("GET", "/public-key").one(
        lambda key: {"encrypted_value": sealed(value, key["key"]), "key_id": key["key_id"]}
    )
    place.request("PUT", _SECRET, secret_name=name).send(body={**body, **more})


def sealed(value: Secret[str], public_key: str) -> str:
    """Return a value such that only the owner of a key can read it.

    See https://docs.github.com/en/rest/guides/encrypting-secrets-for-the-rest-api.

    Args:
        value: The value.
        public_key: In base64.
    """
    from base64 import b64decode, b64encode

    from nacl.public import PublicKey, SealedBox

    box = SealedBox(PublicKey(b64decode(public_key)))
    return b64encode(box.encrypt(value.reveal().encode())).decode()
