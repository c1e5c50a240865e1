"""Prebuilt tasks on comments: https://docs.github.com/en/rest/issues/comments."""

from datetime import datetime

from brickwork_github.credentials import GitHubCredentials
from brickwork_github.issues.models import IssueComment
from brickwork_github.requests import Request
from brickwork_github.tasks import retried_task, task_once

_COMMENTS = "/repos/{owner}/{repo}/issues/{issue_number}/comments"
_COMMENT = "/repos/{owner}/{repo}/issues/comments/{comment_id}"


@task_once("issues:write")
def create_issue_comment(
    credentials: GitHubCredentials, repository: str, number: int, body: str
) -> IssueComment:
    """Comment on an issue or a pull request.

    Not retried: the comment might stand there twice. See
    https://docs.github.com/en/rest/issues/comments#create-an-issue-comment.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The issue's.
        body: The text, in Markdown.

    Returns:
        The comment.

    Raises:
        GitHubNotFound: There is no such issue.
        GitHubDenied: The issue is locked, or the repository archived.
        GitHubError: It was not written.

    Examples:
        >>> create_issue_comment(credentials, repository, 1347, "Me too").body
        'Me too'
    """
    return Request(credentials, f"POST {_COMMENTS}", repository, issue_number=number).one(
        IssueComment.of, body={"body": body}
    )


@retried_task("issues:read")
def list_issue_comments(
    credentials: GitHubCredentials,
    repository: str,
    number: int,
    *,
    since: datetime | None = None,
    limit: int | None = None,
) -> list[IssueComment]:
    """List the comments on an issue or a pull request, the oldest first.

    See https://docs.github.com/en/rest/issues/comments#list-issue-comments.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The issue's.
        since: Only those that were changed since then.
        limit: At most so many; None: all.

    Returns:
        The comments.

    Raises:
        GitHubNotFound: There is no such issue.
        GitHubError: They cannot be read.

    Examples:
        >>> for comment in list_issue_comments(credentials, repository, 1347):
        ...     print(comment.author, comment.body)
        octocat Me too
    """
    return Request(credentials, f"GET {_COMMENTS}", repository, issue_number=number).many(
        IssueComment.of, limit, query={"since": since}
    )


@retried_task("issues:write")
def update_issue_comment(
    credentials: GitHubCredentials, repository: str, comment_id: int, body: str
) -> IssueComment:
    """Replace the text of a comment on an issue or a pull request.

    See https://docs.github.com/en/rest/issues/comments#update-an-issue-comment.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        comment_id: The comment's id.
        body: The text, in Markdown.

    Returns:
        The comment as it is now.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It was not changed.

    Examples:
        >>> update_issue_comment(credentials, repository, 42, "Me too").author
        'octocat'
    """
    return Request(
        credentials, f"PATCH {_COMMENT}", repository, safe=True, comment_id=comment_id
    ).one(IssueComment.of, body={"body": body})


@retried_task("issues:write")
def delete_issue_comment(credentials: GitHubCredentials, repository: str, comment_id: int) -> None:
    """Delete a comment on an issue or a pull request.

    See https://docs.github.com/en/rest/issues/comments#delete-an-issue-comment.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        comment_id: The comment's id.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It was not deleted.

    Examples:
        >>> delete_issue_comment(credentials, repository, 42)
    """
    Request(credentials, f"DELETE {_COMMENT}", repository, comment_id=comment_id).send()
