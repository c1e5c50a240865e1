"""Events about issues and pull requests, their comments and reviews."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar

from brickwork import register_type
from brickwork_github.webhooks.event import ActionEvent
from brickwork_github.webhooks.reading import At


@register_type("github.issues-event")
@dataclass(frozen=True, kw_only=True)
class IssuesEvent(ActionEvent):
    """An issue was opened, changed, closed, labelled, assigned ...

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#issues

    Attributes:
        number: Its number.
        title: Its title.
        body: What it says.
        state: ``open`` or ``closed``; None where GitHub does not say it, as of one that is moved.
        state_reason: Why: ``completed``, ``not_planned``, ``reopened``.
        author: The login of who opened it.
        labels: Its labels' names.
        assignees: The logins of those to whom it is assigned.
        label: The one that was added or removed, where that is what happened.
        assignee: The one who was added or removed, where that is what happened.
        url: Its page.
    """

    tells_apart: ClassVar[bool] = True

    number: Annotated[int, At("issue.number")]
    title: Annotated[str, At("issue.title")]
    body: Annotated[str | None, At("issue.body")] = None
    state: Annotated[str | None, At("issue.state")] = None
    state_reason: Annotated[str | None, At("issue.state_reason")] = None
    author: Annotated[str | None, At("issue.user.login")] = None
    labels: Annotated[tuple[str, ...], At("issue.labels[].name")] = ()
    assignees: Annotated[tuple[str, ...], At("issue.assignees[].login")] = ()
    label: Annotated[str | None, At("label.name")] = None
    assignee: Annotated[str | None, At("assignee.login")] = None
    url: Annotated[str, At("issue.html_url")]


@register_type("github.issue-comment-event")
@dataclass(frozen=True, kw_only=True)
class IssueCommentEvent(ActionEvent):
    """A comment on an issue or on a pull request was written, changed or deleted.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#issue_comment

    Attributes:
        comment_id: The comment's id.
        body: What it says.
        author: The login of who wrote it.
        author_association: What the author is to the repository: ``OWNER``, ``MEMBER``,
            ``COLLABORATOR``, ``CONTRIBUTOR``, ``NONE`` ... Look at it before you obey a comment.
        number: The number of the issue or pull request.
        title: Its title.
        is_pull_request: Whether it is a pull request.
        url: The comment's page.
    """

    tells_apart: ClassVar[bool] = True

    comment_id: Annotated[int, At("comment.id")]
    body: Annotated[str, At("comment.body")]
    author: Annotated[str | None, At("comment.user.login")] = None
    author_association: Annotated[str, At("comment.author_association")]
    number: Annotated[int, At("issue.number")]
    title: Annotated[str, At("issue.title")]
    url: Annotated[str, At("comment.html_url")]

    @property
    def is_pull_request(self) -> bool:
        """Whether the comment is on a pull request."""
        return bool(self.payload["issue"].get("pull_request"))


@dataclass(frozen=True, kw_only=True)
class _PullRequestEvent(ActionEvent):
    tells_apart: ClassVar[bool] = True

    number: Annotated[int, At("pull_request.number")]
    title: Annotated[str, At("pull_request.title")]
    state: Annotated[str, At("pull_request.state")]
    draft: Annotated[bool, At("pull_request.draft")] = False
    author: Annotated[str | None, At("pull_request.user.login")] = None
    base: Annotated[str, At("pull_request.base.ref")]
    base_sha: Annotated[str, At("pull_request.base.sha")]
    head: Annotated[str, At("pull_request.head.ref")]
    head_sha: Annotated[str, At("pull_request.head.sha")]
    head_repository: Annotated[str | None, At("pull_request.head.repo.full_name")] = None
    labels: Annotated[tuple[str, ...], At("pull_request.labels[].name")] = ()

    @property
    def from_fork(self) -> bool:
        """Whether it comes from another repository, or from one that is gone."""
        return self.head_repository != self.repository


@register_type("github.pull-request-event")
@dataclass(frozen=True, kw_only=True)
class PullRequestEvent(_PullRequestEvent):
    """A pull request was opened, changed, closed, got commits, was labelled, assigned ...

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request

    Attributes:
        number: Its number.
        title: Its title.
        body: What it says.
        state: ``open`` or ``closed``.
        draft: Whether it is a draft.
        merged: Whether it is merged, as one that is closed may be or not.
        merge_commit_sha: The commit that merged it; before that, one that tries it.
        author: The login of who opened it.
        base: The branch that it is to go into.
        base_sha: That branch's commit.
        head: The branch that it comes from.
        head_sha: Its newest commit.
        head_repository: Where that branch is: ``owner/name``; None where it is gone.
        labels: Its labels' names.
        label: The one that was added or removed, where that is what happened.
        requested_reviewer: Whose review is asked for, or not any more, where that is what happened.
        url: Its page.
    """

    body: Annotated[str | None, At("pull_request.body")] = None
    merged: Annotated[bool, At("pull_request.merged")] = False
    merge_commit_sha: Annotated[str | None, At("pull_request.merge_commit_sha")] = None
    label: Annotated[str | None, At("label.name")] = None
    requested_reviewer: Annotated[str | None, At("requested_reviewer.login")] = None
    url: Annotated[str, At("pull_request.html_url")]


@register_type("github.pull-request-review-event")
@dataclass(frozen=True, kw_only=True)
class PullRequestReviewEvent(_PullRequestEvent):
    """A pull request was reviewed, or a review was changed or dismissed.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request_review

    Attributes:
        review_id: The review's id.
        review_state: ``approved``, ``changes_requested``, ``commented`` or ``dismissed``.
        reviewer: The login of who reviewed.
        body: What the review says.
        commit_sha: The commit that was reviewed.
        submitted_at: When.
        url: The review's page.
    """

    review_id: Annotated[int, At("review.id")]
    review_state: Annotated[str, At("review.state")]
    reviewer: Annotated[str | None, At("review.user.login")] = None
    body: Annotated[str | None, At("review.body")] = None
    commit_sha: Annotated[str, At("review.commit_id")]
    submitted_at: Annotated[datetime | None, At("review.submitted_at")] = None
    url: Annotated[str, At("review.html_url")]


@register_type("github.pull-request-review-comment-event")
@dataclass(frozen=True, kw_only=True)
class PullRequestReviewCommentEvent(_PullRequestEvent):
    """A comment on a pull request's changes was written, changed or deleted.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request_review_comment

    Attributes:
        comment_id: The comment's id.
        body: What it says.
        comment_author: The login of who wrote it.
        author_association: What that one is to the repository: ``OWNER``, ``MEMBER``, ``NONE`` ...
        path: The file.
        line: The line; None where it is gone, or the comment is about the file.
        commit_sha: The commit that it is about.
        url: The comment's page.
    """

    comment_id: Annotated[int, At("comment.id")]
    body: Annotated[str, At("comment.body")]
    comment_author: Annotated[str | None, At("comment.user.login")] = None
    author_association: Annotated[str, At("comment.author_association")]
    path: Annotated[str, At("comment.path")]
    line: Annotated[int | None, At("comment.line")] = None
    commit_sha: Annotated[str, At("comment.commit_id")]
    url: Annotated[str, At("comment.html_url")]
