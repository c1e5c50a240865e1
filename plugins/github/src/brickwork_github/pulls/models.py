"""What GitHub answers about pull requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from brickwork import register_type
from brickwork_github.reading import login, logins, moment, moment_or_none, names, repository_in


@register_type("github.pull-request")
@dataclass(frozen=True)
class PullRequest:
    """A pull request.

    What is None "in lists" GitHub says only of a single one: see `get_pull_request`.

    Attributes:
        repository: ``owner/name`` of where it goes.
        number: Its number there.
        title: The title.
        state: ``open`` or ``closed``; a merged one is closed.
        draft: Whether it is a draft.
        url: Its page.
        body: The text, in Markdown.
        author: Who opened it.
        head: The branch it comes from.
        head_sha: The last commit of that.
        head_repository: Where that branch is, ``owner/name``; None where that is no more.
        base: The branch it goes into.
        base_sha: The commit of that which it is compared with.
        assignees: To whom it is assigned.
        labels: The names of its labels.
        milestone: The title of its milestone.
        reviewers: Who is asked for a review, and has not given it.
        team_reviewers: Which teams are, by their slugs.
        auto_merge: By which method GitHub merges it as soon as it may; None: it does not.
        merged: Whether it is merged.
        merge_commit_sha: The commit by which it was merged; before, one by which GitHub tests it.
        mergeable: Whether its changes fit; None while GitHub computes that, and in lists.
        mergeable_state: ``clean``, ``dirty`` (a conflict), ``blocked`` (checks or reviews lack),
            ``behind``, ``unstable`` (a check that is not required), ``draft``, ``has_hooks``, or
            ``unknown``; None in lists.
        maintainer_can_modify: Whether those who maintain the base may push to the head; None in
            lists.
        commits: How many there are; None in lists.
        changed_files: How many there are; None in lists.
        additions: How many lines come; None in lists.
        deletions: How many lines go; None in lists.
        locked: Whether only collaborators may comment.
        created_at: When it was opened.
        updated_at: When it was changed for the last time.
        closed_at: When it was closed, or merged.
        merged_at: When it was merged.
        node_id: What GraphQL calls it.
    """

    repository: str
    number: int
    title: str
    state: str
    draft: bool
    url: str
    body: str
    author: str
    head: str
    head_sha: str
    head_repository: str | None
    base: str
    base_sha: str
    assignees: tuple[str, ...]
    labels: tuple[str, ...]
    milestone: str | None
    reviewers: tuple[str, ...]
    team_reviewers: tuple[str, ...]
    auto_merge: str | None
    merged: bool
    merge_commit_sha: str | None
    mergeable: bool | None
    mergeable_state: str | None
    maintainer_can_modify: bool | None
    commits: int | None
    changed_files: int | None
    additions: int | None
    deletions: int | None
    locked: bool
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    merged_at: datetime | None
    node_id: str

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        head, base = found["head"], found["base"]
        milestone, automatic = found.get("milestone"), found.get("auto_merge")
        return cls(
            repository=repository_in(found["url"]),
            number=found["number"],
            title=found["title"],
            state=found["state"],
            draft=bool(found.get("draft")),
            url=found["html_url"],
            body=found.get("body") or "",
            author=login(found.get("user")),
            head=head["ref"],
            head_sha=head["sha"],
            head_repository=head["repo"]["full_name"] if head.get("repo") else None,
            base=base["ref"],
            base_sha=base["sha"],
            assignees=logins(found.get("assignees")),
            labels=names(found["labels"]),
            milestone=milestone["title"] if milestone else None,
            reviewers=logins(found.get("requested_reviewers")),
            team_reviewers=tuple(team["slug"] for team in found.get("requested_teams") or ()),
            auto_merge=automatic["merge_method"] if automatic else None,
            merged=found.get("merged_at") is not None,
            merge_commit_sha=found.get("merge_commit_sha"),
            mergeable=found.get("mergeable"),
            mergeable_state=found.get("mergeable_state"),
            maintainer_can_modify=found.get("maintainer_can_modify"),
            commits=found.get("commits"),
            changed_files=found.get("changed_files"),
            additions=found.get("additions"),
            deletions=found.get("deletions"),
            locked=bool(found.get("locked")),
            created_at=moment(found["created_at"]),
            updated_at=moment(found["updated_at"]),
            closed_at=moment_or_none(found.get("closed_at")),
            merged_at=moment_or_none(found.get("merged_at")),
            node_id=found["node_id"],
        )


@register_type("github.pull-request-merge")
@dataclass(frozen=True)
class PullRequestMerge:
    """How a pull request was merged.

    Attributes:
        sha: The commit by which it was.
        message: What GitHub says.
    """

    sha: str
    message: str

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(found["sha"], found["message"])
