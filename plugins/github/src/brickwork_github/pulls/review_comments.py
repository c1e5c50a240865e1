"""Prebuilt tasks on comments on lines of pull requests.

See https://docs.github.com/en/rest/pulls/comments. Comments on the whole are those of the issue:
see `create_issue_comment`.
"""

from datetime import datetime
from typing import Literal

from brickwork_github.credentials import GitHubCredentials
from brickwork_github.pulls.review_models import ReviewComment, Side, placed
from brickwork_github.pulls.tasks import PULL, get_pull_request
from brickwork_github.requests import Request
from brickwork_github.tasks import retried_task, task_once

_COMMENT = "/repos/{owner}/{repo}/pulls/comments/{comment_id}"


@retried_task("pull_requests:read")
def list_review_comments(
    credentials: GitHubCredentials,
    repository: str,
    number: int,
    *,
    since: datetime | None = None,
    sort: Literal["created", "updated"] = "created",
    direction: Literal["asc", "desc"] = "asc",
    limit: int | None = None,
) -> list[ReviewComment]:
    """List the comments on the lines of a pull request.

    See https://docs.github.com/en/rest/pulls/comments#list-review-comments-on-a-pull-request.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The pull request's.
        since: Only those that were changed since then.
        sort: By what.
        direction: ``asc`` or ``desc``.
        limit: At most so many; None: all.

    Returns:
        The comments.

    Raises:
        GitHubNotFound: There is no such pull request.
        GitHubError: They cannot be read.

    Examples:
        >>> for comment in list_review_comments(credentials, repository, 1347):
        ...     print(comment.path, comment.line, comment.body)
        file1.txt 2 Great stuff!
    """
    request = Request(credentials, f"GET {PULL}/comments", repository, pull_number=number)
    query = {"since": since, "sort": sort, "direction": direction}
    return request.many(ReviewComment.of, limit, query=query)


@task_once("pull_requests:write")
def create_review_comment(
    credentials: GitHubCredentials,
    repository: str,
    number: int,
    body: str,
    path: str,
    line: int | None = None,
    *,
    side: Side = "RIGHT",
    start_line: int | None = None,
    commit_sha: str | None = None,
) -> ReviewComment:
    """Comment on a line of a pull request, on some lines, or on a file.

    Not retried: the comment might stand there twice. See
    https://docs.github.com/en/rest/pulls/comments#create-a-review-comment-for-a-pull-request.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The pull request's.
        body: The text, in Markdown.
        path: The file.
        line: The line, or the last one of some, which the pull request must show; None: the file.
        side: ``LEFT`` for a line that goes, else ``RIGHT``.
        start_line: The first line of some; None: only `line`.
        commit_sha: The commit that `line` is of; None: the last one.

    Returns:
        The comment.

    Raises:
        GitHubNotFound: There is no such pull request.
        GitHubInvalid: The file or the line is none of the difference.
        GitHubError: It was not written.

    Examples:
        >>> comment = create_review_comment(
        ...     credentials, repository, 1347, "Great stuff!", "file1.txt", 2, start_line=1
        ... )
        >>> comment.path, comment.line, comment.body
        ('file1.txt', 2, 'Great stuff!')
    """
    sha = commit_sha or get_pull_request.fn(credentials, repository, number).head_sha
    if line is None:
        made = {"path": path, "body": body, "subject_type": "file"}
    else:
        made = placed(path, line, body, side, start_line)
    request = Request(credentials, f"POST {PULL}/comments", repository, pull_number=number)
    return request.one(ReviewComment.of, body={"commit_id": sha, **made})


@task_once("pull_requests:write")
def reply_to_review_comment(
    credentials: GitHubCredentials, repository: str, number: int, comment_id: int, body: str
) -> ReviewComment:
    """Answer a comment on a line of a pull request.

    Not retried: the answer might stand there twice. See
    https://docs.github.com/en/rest/pulls/comments#create-a-reply-for-a-review-comment.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The pull request's.
        comment_id: The first comment's; GitHub takes no answers to answers.
        body: The text, in Markdown.

    Returns:
        The answer.

    Raises:
        GitHubNotFound: There is no such comment, or it is an answer itself.
        GitHubError: It was not written.

    Examples:
        >>> answer = reply_to_review_comment(credentials, repository, 1347, 8, "Great stuff!")
        >>> answer.reply_to, answer.body
        (8, 'Great stuff!')
    """
    route = f"POST {PULL}/comments/{{comment_id}}/replies"
    return Request(credentials, route, repository, pull_number=number, comment_id=comment_id).one(
        ReviewComment.of, body={"body": body}
    )


@retried_task("pull_requests:write")
def update_review_comment(
    credentials: GitHubCredentials, repository: str, comment_id: int, body: str
) -> ReviewComment:
    """Replace the text of a comment on a line of a pull request.

    See https://docs.github.com/en/rest/pulls/comments#update-a-review-comment-for-a-pull-request.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        comment_id: The comment's.
        body: The text, in Markdown.

    Returns:
        The comment as it is now.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It was not changed.

    Examples:
        >>> update_review_comment(credentials, repository, 10, "Great stuff!").body
        'Great stuff!'
    """
    return Request(
        credentials, f"PATCH {_COMMENT}", repository, safe=True, comment_id=comment_id
    ).one(ReviewComment.of, body={"body": body})


@retried_task("pull_requests:write")
def delete_review_comment(credentials: GitHubCredentials, repository: str, comment_id: int) -> None:
    """Delete a comment on a line of a pull request.

    See https://docs.github.com/en/rest/pulls/comments#delete-a-review-comment-for-a-pull-request.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        comment_id: The comment's.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It was not deleted.

    Examples:
        >>> delete_review_comment(credentials, repository, 10)
    """
    Request(credentials, f"DELETE {_COMMENT}", repository, comment_id=comment_id).send()
