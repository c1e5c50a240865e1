"""What GitHub answers about reviews."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self

from brickwork import register_type
from brickwork_github.reading import login, moment, moment_or_none

Side = Literal["LEFT", "RIGHT"]
"""``LEFT``: the file as it was; ``RIGHT``: as it will be."""


@register_type("github.review")
@dataclass(frozen=True)
class Review:
    """A review of a pull request.

    Attributes:
        id: Its id.
        author: Who gave it.
        state: ``APPROVED``, ``CHANGES_REQUESTED``, ``COMMENTED``, ``DISMISSED``, or ``PENDING``:
            not submitted yet, and seen by nobody else.
        body: The text, in Markdown.
        commit_sha: The commit that was reviewed; None where that is no more.
        submitted_at: When it was submitted.
        url: Its place on the page of the pull request.
    """

    id: int
    author: str
    state: str
    body: str
    commit_sha: str | None
    submitted_at: datetime | None
    url: str

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(
            id=found["id"],
            author=login(found.get("user")),
            state=found["state"],
            body=found.get("body") or "",
            commit_sha=found.get("commit_id"),
            submitted_at=moment_or_none(found.get("submitted_at")),
            url=found["html_url"],
        )


@register_type("github.review-comment")
@dataclass(frozen=True)
class ReviewComment:
    """A comment on a line of a pull request, or on one of its files.

    Attributes:
        id: Its id.
        review_id: The review it belongs to.
        author: Who wrote it.
        body: The text, in Markdown.
        path: The file.
        line: The line, or the last one of some; None where it is on the file, or outdated.
        start_line: The first line of some; None where it is on one.
        side: The side of the difference that the line is on: ``LEFT`` or ``RIGHT``.
        commit_sha: The commit it is shown on.
        reply_to: The id of the comment it answers.
        diff_hunk: The lines around it.
        created_at: When it was written.
        updated_at: When it was changed for the last time.
        url: Its place on the page of the pull request.
    """

    id: int
    review_id: int | None
    author: str
    body: str
    path: str
    line: int | None
    start_line: int | None
    side: str | None
    commit_sha: str
    reply_to: int | None
    diff_hunk: str
    created_at: datetime
    updated_at: datetime
    url: str

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(
            id=found["id"],
            review_id=found.get("pull_request_review_id"),
            author=login(found.get("user")),
            body=found["body"],
            path=found["path"],
            line=found.get("line"),
            start_line=found.get("start_line"),
            side=found.get("side"),
            commit_sha=found["commit_id"],
            reply_to=found.get("in_reply_to_id"),
            diff_hunk=found["diff_hunk"],
            created_at=moment(found["created_at"]),
            updated_at=moment(found["updated_at"]),
            url=found["html_url"],
        )


@register_type("github.line-comment")
@dataclass(frozen=True)
class LineComment:
    """A comment to be written with a review.

    Attributes:
        path: The file.
        line: The line, or the last one of some; it must be shown in the difference.
        body: The text, in Markdown.
        side: The side of the difference that the line is on.
        start_line: The first line of some; None: only `line`.
    """

    path: str
    line: int
    body: str
    side: Side = "RIGHT"
    start_line: int | None = None

    def sent(self) -> dict[str, Any]:
        """Return it as GitHub wants it."""
        return placed(self.path, self.line, self.body, self.side, self.start_line)


def placed(path: str, line: int, body: str, side: Side, start_line: int | None) -> dict[str, Any]:
    """Return a comment and its place, as GitHub wants it."""
    made = {"path": path, "body": body, "line": line, "side": side}
    return made if start_line is None else {**made, "start_line": start_line, "start_side": side}
