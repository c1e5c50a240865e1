"""Prebuilt tasks on reviews, and on who is asked for one.

See https://docs.github.com/en/rest/pulls/reviews and
https://docs.github.com/en/rest/pulls/review-requests.
"""

from collections.abc import Mapping
from typing import Any, Literal

from brickwork import InvalidArguments
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.errors import GitHubInvalid
from brickwork_github.pulls.models import PullRequest
from brickwork_github.pulls.review_models import LineComment, Review
from brickwork_github.pulls.tasks import PULL
from brickwork_github.requests import Request
from brickwork_github.tasks import retried_task, task_once

ReviewEvent = Literal["APPROVE", "REQUEST_CHANGES", "COMMENT"]
"""What a review says."""

_REVIEW = f"{PULL}/reviews/{{review_id}}"
_STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


@retried_task("pull_requests:read")
def list_reviews(
    credentials: GitHubCredentials, repository: str, number: int, *, limit: int | None = None
) -> list[Review]:
    """List the reviews of a pull request, the oldest first.

    See https://docs.github.com/en/rest/pulls/reviews#list-reviews-for-a-pull-request.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The pull request's.
        limit: At most so many; None: all.

    Returns:
        The reviews.

    Raises:
        GitHubNotFound: There is no such pull request.
        GitHubError: They cannot be read.

    Examples:
        >>> for review in list_reviews(credentials, repository, 1347):
        ...     print(review.author, review.state)
        octocat APPROVED
    """
    request = Request(credentials, f"GET {PULL}/reviews", repository, pull_number=number)
    return request.many(Review.of, limit)


@task_once("pull_requests:write")
def create_review(
    credentials: GitHubCredentials,
    repository: str,
    number: int,
    event: ReviewEvent | None = "COMMENT",
    *,
    body: str | None = None,
    comments: list[LineComment] | None = None,
    commit_sha: str | None = None,
) -> Review:
    """Review a pull request, with comments on its lines.

    Not retried: the review might stand there twice. See
    https://docs.github.com/en/rest/pulls/reviews#create-a-review-for-a-pull-request.

    Args:
        credentials: Whose; nobody approves a pull request of their own.
        repository: ``owner/name``.
        number: The pull request's.
        event: ``APPROVE``, ``REQUEST_CHANGES`` or ``COMMENT``; None leaves it pending, seen by
            nobody else until `submit_review`.
        body: The text, in Markdown; GitHub wants one, unless it is approved.
        comments: Comments on lines that the pull request shows.
        commit_sha: The commit that was reviewed; None: the last one.

    Returns:
        The review.

    Raises:
        GitHubNotFound: There is no such pull request.
        GitHubInvalid: A text lacks, a line is none of the difference, it is one's own, or one's
            other review is pending.
        GitHubError: It was not reviewed.

    Examples:
        >>> comment = LineComment("file1.txt", 2, "Why?")
        >>> review = create_review(
        ...     credentials, repository, 1347, "REQUEST_CHANGES", body="Please", comments=[comment]
        ... )
        >>> review.id, review.state
        (80, 'CHANGES_REQUESTED')
    """
    request = Request(credentials, f"POST {PULL}/reviews", repository, pull_number=number)
    return request.one(
        Review.of,
        body={
            "event": event,
            "body": body,
            "comments": [comment.sent() for comment in comments] if comments else None,
            "commit_id": commit_sha,
        },
    )


@retried_task("pull_requests:write")
def submit_review(
    credentials: GitHubCredentials,
    repository: str,
    number: int,
    review_id: int,
    event: ReviewEvent,
    *,
    body: str | None = None,
) -> Review:
    """Submit a review that is pending; one that says the same already stays as it is.

    See https://docs.github.com/en/rest/pulls/reviews#submit-a-review-for-a-pull-request.

    Args:
        credentials: Whose the review is.
        repository: ``owner/name``.
        number: The pull request's.
        review_id: The review's.
        event: ``APPROVE``, ``REQUEST_CHANGES`` or ``COMMENT``.
        body: The text, in Markdown; None: that which it has.

    Returns:
        The review as it is now.

    Raises:
        GitHubNotFound: There is no such review.
        GitHubInvalid: It was submitted as something else, or a text lacks.
        GitHubError: It was not submitted.

    Examples:
        >>> submit_review(credentials, repository, 1347, 80, "APPROVE").state
        'APPROVED'
    """
    route, state = f"POST {_REVIEW}/events", _STATES[event]
    return _settled(
        credentials, route, repository, number, review_id, state, {"event": event, "body": body}
    )


@retried_task("pull_requests:write")
def dismiss_review(
    credentials: GitHubCredentials, repository: str, number: int, review_id: int, message: str
) -> Review:
    """Dismiss a review, so that it counts no longer; one that was dismissed stays so.

    See https://docs.github.com/en/rest/pulls/reviews#dismiss-a-review-for-a-pull-request.

    Args:
        credentials: Whose; on a protected branch of one who may dismiss.
        repository: ``owner/name``.
        number: The pull request's.
        review_id: The review's.
        message: Why.

    Returns:
        The review as it is now.

    Raises:
        GitHubNotFound: There is no such review.
        GitHubInvalid: It neither approves nor asks for changes.
        GitHubError: It was not dismissed.

    Examples:
        >>> dismiss_review(credentials, repository, 1347, 80, "Fixed since").state
        'DISMISSED'
    """
    route = f"PUT {_REVIEW}/dismissals"
    return _settled(
        credentials, route, repository, number, review_id, "DISMISSED", {"message": message}
    )


def _settled(
    credentials: GitHubCredentials,
    route: str,
    repository: str,
    number: int,
    review_id: int,
    state: str,
    body: Mapping[str, Any],
) -> Review:
    """Change a review, and find it changed where that was done, and the answer was lost."""

    def request(route: str) -> Request:
        return Request(
            credentials, route, repository, safe=True, pull_number=number, review_id=review_id
        )

    try:
        return request(route).one(Review.of, body=body)
    except GitHubInvalid:
        found = request(f"GET {_REVIEW}").one(Review.of)
        if found.state != state:
            raise
        return found


@retried_task("pull_requests:write")
def request_reviewers(
    credentials: GitHubCredentials,
    repository: str,
    number: int,
    *,
    reviewers: list[str] | None = None,
    team_reviewers: list[str] | None = None,
) -> PullRequest:
    """Ask people and teams for a review of a pull request.

    See https://docs.github.com/en/rest/pulls/review-requests#request-reviewers-for-a-pull-request.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The pull request's.
        reviewers: Names of people.
        team_reviewers: Slugs of teams.

    Returns:
        The pull request as it is now.

    Raises:
        InvalidArguments: Nobody is named.
        GitHubNotFound: There is no such pull request.
        GitHubInvalid: Somebody is its author, or may not see the repository.
        GitHubError: They were not asked.

    Examples:
        >>> pull = request_reviewers(credentials, repository, 1347, reviewers=["octocat"])
        >>> "octocat" in pull.reviewers
        True
    """
    route = f"POST {PULL}/requested_reviewers"
    request = Request(credentials, route, repository, safe=True, pull_number=number)
    return request.one(PullRequest.of, body=_named(reviewers, team_reviewers))


@retried_task("pull_requests:write")
def remove_reviewers(
    credentials: GitHubCredentials,
    repository: str,
    number: int,
    *,
    reviewers: list[str] | None = None,
    team_reviewers: list[str] | None = None,
) -> PullRequest:
    """Ask people and teams for a review of a pull request no longer.

    See
    https://docs.github.com/en/rest/pulls/review-requests#remove-requested-reviewers-from-a-pull-request.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The pull request's.
        reviewers: Names of people.
        team_reviewers: Slugs of teams.

    Returns:
        The pull request as it is now.

    Raises:
        InvalidArguments: Nobody is named.
        GitHubNotFound: There is no such pull request.
        GitHubInvalid: Somebody is none that may be asked.
        GitHubError: They are asked still.

    Examples:
        >>> remove_reviewers(credentials, repository, 1347, reviewers=["hubot"]).number
        1347
    """
    route = f"DELETE {PULL}/requested_reviewers"
    request = Request(credentials, route, repository, pull_number=number)
    # GitHub wants the people, also where only teams go.
    return request.one(PullRequest.of, body={"reviewers": [], **_named(reviewers, team_reviewers)})


def _named(people: list[str] | None, teams: list[str] | None) -> dict[str, list[str]]:
    given = {"reviewers": people, "team_reviewers": teams}
    named = {name: each for name, each in given.items() if each}
    if not named:
        raise InvalidArguments("Nobody is named.", fix="Give reviewers, or team_reviewers.")
    return named
