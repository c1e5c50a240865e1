"""Prebuilt tasks on teams: https://docs.github.com/en/rest/teams."""

from collections.abc import Sequence
from typing import Literal

from brickwork_github.credentials import GitHubCredentials
from brickwork_github.repositories.people_models import Account, Team, TeamMembership
from brickwork_github.requests import Request
from brickwork_github.tasks import retried_task, task_once

_TEAMS = "/orgs/{org}/teams"
_TEAM = f"{_TEAMS}/{{team_slug}}"
_MEMBERSHIP = f"{_TEAM}/memberships/{{username}}"
_REPOSITORY = f"{_TEAM}/repos/{{owner}}/{{repo}}"


@retried_task("members:read")
def list_teams(
    credentials: GitHubCredentials, organization: str, *, limit: int | None = None
) -> list[Team]:
    """List the teams of an organization that the credentials may see.

    See https://docs.github.com/en/rest/teams/teams#list-teams.

    Args:
        credentials: Whose.
        organization: Its name.
        limit: At most so many; None: all.

    Returns:
        The teams.

    Raises:
        GitHubNotFound: There is no such organization.
        GitHubDenied: The credentials are not those of a member.
        GitHubError: They cannot be read.

    Examples:
        >>> [team.slug for team in list_teams(credentials, "github")]
        ['justice-league']
    """
    return Request(credentials, f"GET {_TEAMS}", org=organization).many(Team.of, limit)


@task_once("members:write")
def create_team(
    credentials: GitHubCredentials,
    organization: str,
    name: str,
    *,
    description: str | None = None,
    privacy: Literal["secret", "closed"] = "closed",
    maintainers: Sequence[str] | None = None,
    repositories: Sequence[str] | None = None,
    parent_id: int | None = None,
) -> Team:
    """Make a team.

    Not retried: the second time GitHub refuses the name. See
    https://docs.github.com/en/rest/teams/teams#create-a-team.

    Args:
        credentials: Whose; they become a maintainer of it.
        organization: Its name.
        name: The team's.
        description: What it is for.
        privacy: ``closed``: all members of the organization see it; ``secret``: only its own do,
            and it cannot have a parent.
        maintainers: The names of those who look after it.
        repositories: ``owner/name`` of those that it may read.
        parent_id: The number of the team that it belongs to, see `Team.id`.

    Returns:
        The team.

    Raises:
        GitHubInvalid: There is one of this name, or somebody is not there.
        GitHubDenied: These credentials may not make teams.
        GitHubError: It was not made.

    Examples:
        >>> create_team(credentials, "github", "Justice League", maintainers=["octocat"]).slug
        'justice-league'
    """
    return Request(credentials, f"POST {_TEAMS}", org=organization).one(
        Team.of,
        body={
            "name": name,
            "description": description,
            "privacy": privacy,
            "maintainers": maintainers,
            "repo_names": repositories,
            "parent_team_id": parent_id,
        },
    )


@retried_task("members:read")
def list_team_members(
    credentials: GitHubCredentials,
    organization: str,
    team: str,
    *,
    role: Literal["all", "member", "maintainer"] = "all",
    limit: int | None = None,
) -> list[Account]:
    """List the members of a team, and of the teams that belong to it.

    See https://docs.github.com/en/rest/teams/members#list-team-members.

    Args:
        credentials: Whose.
        organization: Its name.
        team: The team's slug, see `Team.slug`.
        role: Only those who are this.
        limit: At most so many; None: all.

    Returns:
        The members.

    Raises:
        GitHubNotFound: There is no such team, or it may not be seen.
        GitHubError: They cannot be read.

    Examples:
        >>> [member.login for member in list_team_members(credentials, "github", "justice-league")]
        ['octocat']
    """
    asked = Request(credentials, f"GET {_TEAM}/members", org=organization, team_slug=team)
    return asked.many(Account.of, limit, query={"role": role})


@retried_task("members:write")
def add_team_member(
    credentials: GitHubCredentials,
    organization: str,
    team: str,
    username: str,
    *,
    role: Literal["member", "maintainer"] = "member",
) -> TeamMembership:
    """Let somebody belong to a team, or change the role; who is not in the organization is invited.

    See https://docs.github.com/en/rest/teams/members#add-or-update-team-membership-for-a-user.

    Args:
        credentials: Whose.
        organization: Its name.
        team: The team's slug, see `Team.slug`.
        username: The name of somebody.
        role: As what.

    Returns:
        The membership.

    Raises:
        GitHubNotFound: There is no such team, or no such account.
        GitHubDenied: The members come from elsewhere, or these credentials may not do it.
        GitHubInvalid: An organization cannot belong to a team.
        GitHubError: Nothing was changed.

    Examples:
        >>> add_team_member(credentials, "github", "justice-league", "octocat").state
        'pending'
    """
    asked = Request(
        credentials, f"PUT {_MEMBERSHIP}", org=organization, team_slug=team, username=username
    )
    return asked.one(TeamMembership.of, body={"role": role})


@retried_task("members:write")
def remove_team_member(
    credentials: GitHubCredentials, organization: str, team: str, username: str
) -> None:
    """Let somebody belong to a team no longer; in the organization, one stays.

    See https://docs.github.com/en/rest/teams/members#remove-team-membership-for-a-user.

    Args:
        credentials: Whose.
        organization: Its name.
        team: The team's slug, see `Team.slug`.
        username: The name of somebody.

    Raises:
        GitHubNotFound: There is no such team, or somebody else's name.
        GitHubDenied: The members come from elsewhere, or these credentials may not do it.
        GitHubError: Nothing was changed.

    Examples:
        >>> remove_team_member(credentials, "github", "justice-league", "octocat")
    """
    Request(
        credentials, f"DELETE {_MEMBERSHIP}", org=organization, team_slug=team, username=username
    ).send()


@retried_task("members:read", "administration:write")
def set_team_repository(
    credentials: GitHubCredentials,
    organization: str,
    team: str,
    repository: str,
    *,
    permission: str = "push",
) -> None:
    """Let a team do something in a repository.

    See https://docs.github.com/en/rest/teams/teams#add-or-update-team-repository-permissions.

    Args:
        credentials: Whose.
        organization: Its name.
        team: The team's slug, see `Team.slug`.
        repository: ``owner/name``; the organization must own it.
        permission: ``pull``, ``triage``, ``push``, ``maintain``, ``admin``, or a role that the
            organization made.

    Raises:
        GitHubNotFound: There is no such team, or no such repository.
        GitHubInvalid: There is no such permission, or another owns the repository.
        GitHubError: Nothing was changed.

    Examples:
        >>> set_team_repository(
        ...     credentials, "octocat", "justice-league", repository, permission="maintain"
        ... )
    """
    asked = Request(credentials, f"PUT {_REPOSITORY}", repository, org=organization, team_slug=team)
    asked.send(body={"permission": permission})


@retried_task("members:read", "administration:write")
def remove_team_repository(
    credentials: GitHubCredentials, organization: str, team: str, repository: str
) -> None:
    """Let a team do nothing in a repository any more; the repository stays.

    See https://docs.github.com/en/rest/teams/teams#remove-a-repository-from-a-team.

    Args:
        credentials: Whose.
        organization: Its name.
        team: The team's slug, see `Team.slug`.
        repository: ``owner/name``.

    Raises:
        GitHubNotFound: There is no such team, or no such repository.
        GitHubError: Nothing was changed.

    Examples:
        >>> remove_team_repository(credentials, "octocat", "justice-league", repository)
    """
    Request(
        credentials, f"DELETE {_REPOSITORY}", repository, org=organization, team_slug=team
    ).send()
