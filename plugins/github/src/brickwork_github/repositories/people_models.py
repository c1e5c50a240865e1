"""What GitHub answers about people and teams."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from brickwork import register_type
from brickwork_github.reading import moment


@register_type("github.account")
@dataclass(frozen=True)
class Account:
    """A member of something.

    Attributes:
        login: Its name.
        id: Its number, which stays when it is renamed.
        type: ``User``, ``Bot`` or ``Organization``.
        url: Its page.
    """

    login: str
    id: int
    type: str
    url: str

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(found["login"], found["id"], found["type"], found["html_url"])


@register_type("github.user")
@dataclass(frozen=True)
class User:
    """An account, as its page shows it.

    Attributes:
        login: Its name.
        id: Its number, which stays when it is renamed.
        type: ``User``, ``Bot`` or ``Organization``.
        name: What it calls itself.
        email: The address that it shows; None: it shows none.
        company: Where somebody works.
        location: Where somebody is.
        bio: What somebody says of oneself.
        public_repos: How many public repositories there are.
        followers: How many there are.
        created_at: When it was created.
        url: Its page.
    """

    login: str
    id: int
    type: str
    name: str
    email: str | None
    company: str
    location: str
    bio: str
    public_repos: int
    followers: int
    created_at: datetime
    url: str

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(
            login=found["login"],
            id=found["id"],
            type=found["type"],
            name=found.get("name") or "",
            email=found.get("email"),
            company=found.get("company") or "",
            location=found.get("location") or "",
            bio=found.get("bio") or "",
            public_repos=found["public_repos"],
            followers=found["followers"],
            created_at=moment(found["created_at"]),
            url=found["html_url"],
        )


@register_type("github.collaborator")
@dataclass(frozen=True)
class Collaborator:
    """Somebody who may do something in a repository.

    Attributes:
        login: The name.
        role: ``read``, ``triage``, ``write``, ``maintain``, ``admin``, a role that the
            organization made, or ``none``.
    """

    login: str
    role: str


@register_type("github.repository-invitation")
@dataclass(frozen=True)
class RepositoryInvitation:
    """An invitation to a repository; it ends after seven days.

    Attributes:
        id: Its id.
        invitee: Who is invited.
        role: As what.
        url: Where it is accepted.
    """

    id: int
    invitee: str
    role: str
    url: str

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        invitee = (found.get("invitee") or {}).get("login", "")
        return cls(found["id"], invitee, found["permissions"], found["html_url"])


@register_type("github.team")
@dataclass(frozen=True)
class Team:
    """A team of an organization.

    Attributes:
        slug: What tasks call it.
        name: Its name.
        id: Its number.
        description: What it is for.
        privacy: ``secret``: only its members see it; ``closed``: all members of the organization.
        parent: The slug of the team that it belongs to.
        url: Its page.
    """

    slug: str
    name: str
    id: int
    description: str
    privacy: str
    parent: str | None
    url: str

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(
            slug=found["slug"],
            name=found["name"],
            id=found["id"],
            description=found.get("description") or "",
            privacy=found.get("privacy") or "",
            parent=(found.get("parent") or {}).get("slug"),
            url=found["html_url"],
        )


@register_type("github.team-membership")
@dataclass(frozen=True)
class TeamMembership:
    """How somebody belongs to a team.

    Attributes:
        role: ``member`` or ``maintainer``.
        state: ``active``, or ``pending`` until an invitation to the organization is accepted.
    """

    role: str
    state: str

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(found["role"], found["state"])
