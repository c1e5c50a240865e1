"""What GitHub answers about issues."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from brickwork import register_type
from brickwork_github.reading import login, logins, moment, moment_or_none, names, repository_in


@register_type("github.issue")
@dataclass(frozen=True)
class Issue:
    """An issue; a pull request is one, too.

    Attributes:
        repository: ``owner/name``.
        number: Its number there.
        title: The title.
        state: ``open`` or ``closed``.
        state_reason: Why it is in this state: ``completed``, ``not_planned`` ...
        url: Its page.
        body: The text, in Markdown.
        author: Who opened it.
        assignees: To whom it is assigned.
        labels: The names of its labels.
        milestone: The title of its milestone.
        comments: How many there are.
        locked: Whether only collaborators may comment.
        is_pull_request: Whether it is a pull request.
        created_at: When it was opened.
        updated_at: When it was changed for the last time.
        closed_at: When it was closed.
        node_id: What GraphQL calls it.
    """

    repository: str
    number: int
    title: str
    state: str
    state_reason: str | None
    url: str
    body: str
    author: str
    assignees: tuple[str, ...]
    labels: tuple[str, ...]
    milestone: str | None
    comments: int
    locked: bool
    is_pull_request: bool
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    node_id: str

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        milestone = found.get("milestone")
        return cls(
            repository=repository_in(found["url"]),
            number=found["number"],
            title=found["title"],
            state=found["state"],
            state_reason=found.get("state_reason"),
            url=found["html_url"],
            body=found.get("body") or "",
            author=login(found.get("user")),
            assignees=logins(found.get("assignees")),
            labels=names(found["labels"]),
            milestone=None if milestone is None else milestone["title"],
            comments=found["comments"],
            locked=bool(found.get("locked")),
            is_pull_request="pull_request" in found,
            created_at=moment(found["created_at"]),
            updated_at=moment(found["updated_at"]),
            closed_at=moment_or_none(found.get("closed_at")),
            node_id=found["node_id"],
        )


@register_type("github.issue-comment")
@dataclass(frozen=True)
class IssueComment:
    """A comment on an issue or a pull request.

    Attributes:
        id: Its id.
        url: Its place on the page of the issue.
        body: The text, in Markdown.
        author: Who wrote it.
        created_at: When it was written.
        updated_at: When it was changed for the last time.
    """

    id: int
    url: str
    body: str
    author: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(
            id=found["id"],
            url=found["html_url"],
            body=found.get("body") or "",
            author=login(found.get("user")),
            created_at=moment(found["created_at"]),
            updated_at=moment(found["updated_at"]),
        )


@register_type("github.milestone")
@dataclass(frozen=True)
class Milestone:
    """A milestone of a repository.

    Attributes:
        number: Its number, by which issues are put into it.
        title: The title.
        state: ``open`` or ``closed``.
        description: The text.
        due_on: When it is due.
        open_issues: How many are open.
        closed_issues: How many are closed.
        url: Its page.
    """

    number: int
    title: str
    state: str
    description: str
    due_on: datetime | None
    open_issues: int
    closed_issues: int
    url: str

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(
            number=found["number"],
            title=found["title"],
            state=found["state"],
            description=found.get("description") or "",
            due_on=moment_or_none(found.get("due_on")),
            open_issues=found["open_issues"],
            closed_issues=found["closed_issues"],
            url=found["html_url"],
        )
