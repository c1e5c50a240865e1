"""Prebuilt tasks on accounts and members of organizations.

See https://docs.github.com/en/rest/users/users and https://docs.github.com/en/rest/orgs/members.
"""

from typing import Literal

from brickwork_github.credentials import GitHubCredentials
from brickwork_github.repositories.people_models import Account, User
from brickwork_github.requests import Request
from brickwork_github.tasks import retried_task


@retried_task("metadata:read")
def get_user(credentials: GitHubCredentials, username: str | None = None) -> User:
    """Return an account, as its page shows it.

    See https://docs.github.com/en/rest/users/users#get-a-user.

    Args:
        credentials: Whose.
        username: The name; by default whose the credentials are, which those of an App are not.

    Returns:
        The account, also an organization.

    Raises:
        GitHubNotFound: There is none.
        GitHubDenied: The credentials are an App's, and no name is given.
        GitHubError: It cannot be read.

    Examples:
        >>> get_user(credentials, "octocat").name
        'monalisa octocat'
    """
    if username is None:
        return Request(credentials, "GET /user").one(User.of)
    return Request(credentials, "GET /users/{username}", username=username).one(User.of)


@retried_task("members:read")
def list_organization_members(
    credentials: GitHubCredentials,
    organization: str,
    *,
    role: Literal["all", "admin", "member"] = "all",
    without_two_factor: bool = False,
    limit: int | None = None,
) -> list[Account]:
    """List the members of an organization.

    See https://docs.github.com/en/rest/orgs/members#list-organization-members.

    Args:
        credentials: Whose; who is no member sees only public ones.
        organization: Its name.
        role: ``admin``: only its owners; ``member``: only the others.
        without_two_factor: Only those who sign in by a password alone; for owners.
        limit: At most so many; None: all.

    Returns:
        The members.

    Raises:
        GitHubNotFound: There is no such organization.
        GitHubError: They cannot be read.

    Examples:
        >>> [member.login for member in list_organization_members(credentials, "github")]
        ['octocat']
    """
    asked = Request(credentials, "GET /orgs/{org}/members", org=organization)
    query = {"role": role, "filter": "2fa_disabled" if without_two_factor else None}
    return asked.many(Account.of, limit, query=query)
