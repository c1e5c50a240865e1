"""What GitHub answers about repositories, and what is asked of their branches."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from brickwork import register_type
from brickwork_github.reading import login, logins, moment_or_none


@register_type("github.repository")
@dataclass(frozen=True)
class Repository:
    """A repository.

    Attributes:
        full_name: ``owner/name``, as tasks take it.
        owner: Whose it is.
        name: Its name there.
        id: Its number, which stays when it is renamed.
        description: What it says of itself.
        homepage: Its homepage; empty: none.
        visibility: ``public``, ``private`` or ``internal``.
        private: Whether not everybody may see it.
        default_branch: Its default branch.
        topics: Its topics.
        archived: Whether it is read-only.
        fork: Whether it is a fork.
        is_template: Whether others may be made of it.
        language: What most of it is written in; None where GitHub cannot tell.
        stars: How many people starred it.
        forks: How many there are.
        open_issues: How many issues and pull requests are open.
        url: Its page.
        clone_url: Where git finds it over HTTPS.
        created_at: When it was created.
        pushed_at: When it was last pushed to.
        node_id: What GraphQL calls it.
    """

    full_name: str
    owner: str
    name: str
    id: int
    description: str
    homepage: str
    visibility: str
    private: bool
    default_branch: str
    topics: tuple[str, ...]
    archived: bool
    fork: bool
    is_template: bool
    language: str | None
    stars: int
    forks: int
    open_issues: int
    url: str
    clone_url: str
    created_at: datetime | None
    pushed_at: datetime | None
    node_id: str

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer; old servers leave some fields out."""
        private = bool(found["private"])
        return cls(
            full_name=found["full_name"],
            owner=login(found["owner"]),
            name=found["name"],
            id=found["id"],
            description=found.get("description") or "",
            homepage=found.get("homepage") or "",
            visibility=found.get("visibility") or ("private" if private else "public"),
            private=private,
            default_branch=found.get("default_branch") or "",
            topics=tuple(found.get("topics") or ()),
            archived=bool(found.get("archived")),
            fork=bool(found["fork"]),
            is_template=bool(found.get("is_template")),
            language=found.get("language"),
            stars=found.get("stargazers_count") or 0,
            forks=found.get("forks_count") or 0,
            open_issues=found.get("open_issues_count") or 0,
            url=found["html_url"],
            clone_url=found.get("clone_url") or f"{found['html_url']}.git",
            created_at=moment_or_none(found.get("created_at")),
            pushed_at=moment_or_none(found.get("pushed_at")),
            node_id=found["node_id"],
        )


@register_type("github.label")
@dataclass(frozen=True)
class Label:
    """A label that a repository has for its issues and pull requests.

    Attributes:
        name: Its name.
        color: Its color, six hexadecimal digits.
        description: What it is for.
        default: Whether new repositories have it.
    """

    name: str
    color: str
    description: str
    default: bool

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        description = found.get("description") or ""
        return cls(found["name"], found["color"], description, found["default"])


@register_type("github.actors")
@dataclass(frozen=True)
class Actors:
    """Who may do something.

    Attributes:
        users: The names of people.
        teams: The slugs of teams.
        apps: The slugs of GitHub Apps.
    """

    users: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    apps: tuple[str, ...] = ()

    @classmethod
    def of(cls, found: Mapping[str, Any] | None) -> "Actors | None":
        """Read them from GitHub's answer."""
        if found is None:
            return None
        slugs = [
            tuple(each["slug"] for each in found.get(kind) or ()) for kind in ("teams", "apps")
        ]
        return cls(logins(found.get("users")), *slugs)

    def asked(self) -> dict[str, list[str]]:
        """Return them as GitHub wants them."""
        return {"users": [*self.users], "teams": [*self.teams], "apps": [*self.apps]}


@register_type("github.required-check")
@dataclass(frozen=True)
class RequiredCheck:
    """A check that must have succeeded.

    Attributes:
        context: Its name.
        app_id: Only if it is this App's; None: anybody's.
    """

    context: str
    app_id: int | None = None


@register_type("github.required-reviews")
@dataclass(frozen=True)
class RequiredReviews:
    """Reviews without which nothing is merged.

    Attributes:
        approvals: How many must approve, 0 to 6.
        dismiss_stale: Whether new commits take approvals away.
        code_owners: Whether the owners of the code must be among them.
        last_push: Whether the last push must be approved by somebody else.
        dismissal: Who may dismiss reviews; None: who may write.
        bypass: Who needs none.
    """

    approvals: int = 1
    dismiss_stale: bool = False
    code_owners: bool = False
    last_push: bool = False
    dismissal: Actors | None = None
    bypass: Actors | None = None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read them from GitHub's answer."""
        return cls(
            approvals=found.get("required_approving_review_count") or 0,
            dismiss_stale=bool(found.get("dismiss_stale_reviews")),
            code_owners=bool(found.get("require_code_owner_reviews")),
            last_push=bool(found.get("require_last_push_approval")),
            dismissal=Actors.of(found.get("dismissal_restrictions")),
            bypass=Actors.of(found.get("bypass_pull_request_allowances")),
        )

    def asked(self) -> dict[str, Any]:
        """Return them as GitHub wants them."""
        return {
            "required_approving_review_count": self.approvals,
            "dismiss_stale_reviews": self.dismiss_stale,
            "require_code_owner_reviews": self.code_owners,
            "require_last_push_approval": self.last_push,
            "dismissal_restrictions": self.dismissal and self.dismissal.asked(),
            "bypass_pull_request_allowances": self.bypass and self.bypass.asked(),
        }


@register_type("github.branch-protection")
@dataclass(frozen=True)
class BranchProtection:
    """What a branch is protected from.

    Attributes:
        checks: Checks that must have succeeded before something is merged; None: none.
        up_to_date: Whether they must have with the last state of the branch.
        reviews: Reviews that are needed; None: also pull requests are not.
        enforce_admins: Whether it holds for administrators, too.
        push: Who may push; None: who may write. Only of an organization's repositories.
        linear_history: Whether merge commits are refused.
        allow_force_pushes: Whether its commits may be replaced.
        allow_deletions: Whether it may be deleted.
        block_creations: Whether `push` counts as well for who creates matching branches.
        conversation_resolution: Whether all conversations must be resolved.
        lock: Whether nobody may push.
        allow_fork_syncing: Whether a locked branch may take what its upstream has.
    """

    checks: tuple[RequiredCheck, ...] | None = None
    up_to_date: bool = False
    reviews: RequiredReviews | None = None
    enforce_admins: bool = False
    push: Actors | None = None
    linear_history: bool = False
    allow_force_pushes: bool = False
    allow_deletions: bool = False
    block_creations: bool = False
    conversation_resolution: bool = False
    lock: bool = False
    allow_fork_syncing: bool = False

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        checks, reviews = (
            found.get("required_status_checks"),
            found.get("required_pull_request_reviews"),
        )
        switches = {
            field: bool((found.get(name) or {}).get("enabled")) for field, name in SWITCHES.items()
        }
        return cls(
            checks=None if checks is None else _checks_in(checks),
            up_to_date=bool(checks and checks.get("strict")),
            reviews=None if reviews is None else RequiredReviews.of(reviews),
            push=Actors.of(found.get("restrictions")),
            **switches,
        )


SWITCHES = {
    "enforce_admins": "enforce_admins",
    "linear_history": "required_linear_history",
    "allow_force_pushes": "allow_force_pushes",
    "allow_deletions": "allow_deletions",
    "block_creations": "block_creations",
    "conversation_resolution": "required_conversation_resolution",
    "lock": "lock_branch",
    "allow_fork_syncing": "allow_fork_syncing",
}
"""What GitHub calls what is on or off."""


def _checks_in(found: Mapping[str, Any]) -> tuple[RequiredCheck, ...]:
    checks = {each["context"]: each.get("app_id") for each in found.get("checks") or ()}
    bare = dict.fromkeys(found.get("contexts") or ())
    return tuple(RequiredCheck(name, app) for name, app in {**bare, **checks}.items())
