"""Reviews of pull requests, who is asked for them, and comments on lines."""

from datetime import UTC, datetime
from typing import Any

import pytest

from brickwork import InvalidArguments
from brickwork.cli.app import run as run_brickwork
from brickwork.testing.commandline import command_here
from brickwork.testing.task import no_waiting
from brickwork_github import (
    GitHubConflict,
    GitHubCredentials,
    GitHubInvalid,
    GitHubNotFound,
    GitHubUnavailable,
    LineComment,
    create_pull_request,
    create_review,
    create_review_comment,
    delete_review_comment,
    dismiss_review,
    list_review_comments,
    list_reviews,
    remove_reviewers,
    reply_to_review_comment,
    request_reviewers,
    submit_review,
    update_review_comment,
)
from brickwork_github.testing import GitHubServer
from brickwork_github.testing.faults import conflict, cut, invalid

REPO = "acme/api"
PULL = "/repos/{owner}/{repo}/pulls/{pull_number}"
REVIEWS = f"{PULL}/reviews"
REVIEW = f"{REVIEWS}/{{review_id}}"
COMMENTS = f"{PULL}/comments"
REVIEWERS = f"{PULL}/requested_reviewers"


@pytest.fixture
def opened(github_server: GitHubServer, github_credentials: GitHubCredentials) -> str:
    """A pull request that lives; its head's commit."""
    lines = [f"{number}\n" for number in range(1, 10)]
    repo = github_server.repository(REPO, {"a.txt": "".join(lines)})
    files = {"a.txt": "".join(lines[2:]), "b.txt": "".join(lines)}
    sha = repo.commit(files, "Add b", branch="topic")
    create_pull_request(github_credentials, REPO, "Add b", "topic", "main")
    return sha


def test_a_review_has_comments_on_lines(
    github_server: GitHubServer, github_credentials: GitHubCredentials, opened: str
) -> None:
    """On one, on some, and on what goes; it stands there afterwards."""
    comments = [
        LineComment("b.txt", 1, "Why two?"),
        LineComment("b.txt", 9, "And these?", start_line=7),
        LineComment("a.txt", 1, "Keep it", side="LEFT"),
    ]
    review = create_review(
        github_credentials, REPO, 1, "REQUEST_CHANGES", body="No", comments=comments
    )
    assert (review.state, review.body) == ("CHANGES_REQUESTED", "No")
    assert review.commit_sha == opened
    assert list_reviews(github_credentials, REPO, 1) == [review]
    assert github_server.asked(f"POST {REVIEWS}")[0].body == {
        "event": "REQUEST_CHANGES",
        "body": "No",
        "comments": [
            {"path": "b.txt", "line": 1, "side": "RIGHT", "body": "Why two?"},
            {
                "path": "b.txt",
                "line": 9,
                "side": "RIGHT",
                "start_line": 7,
                "start_side": "RIGHT",
                "body": "And these?",
            },
            {"path": "a.txt", "line": 1, "side": "LEFT", "body": "Keep it"},
        ],
    }


def test_comments_may_be_written_in_json(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """As on the command line, where there is no other way."""
    github_credentials.save("robot")
    command = [
        "task",
        "run",
        "github.create_review",
        "--arg",
        "credentials=github-credentials/robot",
    ]
    command += ["--arg", f"repository={REPO}", "--arg", "number=7", "--arg", "body=No", "--arg"]
    brickwork = command_here(run_brickwork, capfd)
    done = brickwork(*command, 'comments=[{"path": "b.txt", "line": 1, "body": "Why?"}]')
    assert done.code == 0
    (asked,) = github_server.requests
    comment = {"path": "b.txt", "line": 1, "side": "RIGHT", "body": "Why?"}
    assert asked.body == {"event": "COMMENT", "body": "No", "comments": [comment]}
    done = brickwork(*command, 'comments=[{"path": "b.txt", "body": "Why?"}]')
    assert "comments[0].line" in done.err


@pytest.mark.usefixtures("opened")
def test_a_pending_review_has_no_event(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """GitHub keeps it to oneself until it is submitted."""
    assert create_review(github_credentials, REPO, 1, None, body="Later").state == "PENDING"
    assert github_server.asked(f"POST {REVIEWS}")[0].body == {"body": "Later"}


@pytest.mark.usefixtures("opened")
def test_a_review_says_something(github_credentials: GitHubCredentials) -> None:
    """Only an approval may be without words."""
    with pytest.raises(GitHubInvalid, match="blank"):
        create_review(github_credentials, REPO, 1, "COMMENT")
    assert create_review(github_credentials, REPO, 1, "APPROVE").state == "APPROVED"


@pytest.mark.usefixtures("opened")
def test_a_review_is_written_once(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Nobody knows whether the lost one stands there, so it is not written again."""
    github_server.fail(f"POST {REVIEWS}", cut(0))
    with no_waiting(), pytest.raises(GitHubUnavailable):
        create_review(github_credentials, REPO, 1, "APPROVE")
    assert len(list_reviews(github_credentials, REPO, 1)) == 1


def test_reviews_are_listed_to_the_end(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """All pages; of a reviewer who is no more, and of a review that is pending, too."""
    example = github_server.example(f"GET {REVIEWS}")
    pending = {name: each for name, each in example.items() if name != "submitted_at"}
    pending |= {"user": None, "commit_id": None, "state": "PENDING"}
    github_server.answer(f"GET {REVIEWS}", [pending, *[example] * 140])
    reviews = list_reviews(github_credentials, REPO, 7)
    assert len(reviews) == 141
    first = reviews[0]
    assert (first.author, first.commit_sha, first.submitted_at) == ("ghost", None, None)
    assert reviews[1].submitted_at == datetime(2019, 11, 17, 17, 43, 43, tzinfo=UTC)
    assert len(list_reviews(github_credentials, REPO, 7, limit=101)) == 101


@pytest.mark.parametrize("state", ["APPROVED", "COMMENTED", "PENDING"])
def test_a_lost_submission_is_found(
    github_server: GitHubServer, github_credentials: GitHubCredentials, state: str
) -> None:
    """GitHub takes it once; the second time the review says whether it was that."""
    events = f"POST {REVIEW}/events"
    github_server.fail(events, cut(0))
    github_server.fail(events, invalid(message="Could not submit"))
    github_server.answer(f"GET {REVIEW}", github_server.example(f"GET {REVIEW}", state=state))
    with no_waiting():
        if state == "APPROVED":
            assert submit_review(github_credentials, REPO, 7, 80, "APPROVE").state == state
        else:
            with pytest.raises(GitHubInvalid, match="Could not submit"):
                submit_review(github_credentials, REPO, 7, 80, "APPROVE")
    assert github_server.asked(events)[1].body == {"event": "APPROVE"}


def test_a_lost_dismissal_is_found(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """One that is dismissed stays so."""
    route = f"PUT {REVIEW}/dismissals"
    github_server.fail(route, cut(0))
    github_server.fail(route, invalid(message="Can not dismiss a dismissed pull request review"))
    dismissed = github_server.example(f"GET {REVIEW}", state="DISMISSED")
    github_server.answer(f"GET {REVIEW}", dismissed)
    with no_waiting():
        review = dismiss_review(github_credentials, REPO, 7, 80, "Fixed since")
    assert review.state == "DISMISSED"
    assert [asked.body for asked in github_server.asked(route)] == [{"message": "Fixed since"}] * 2


def test_a_review_waits_until_it_is_submitted(
    github_credentials: GitHubCredentials, opened: str
) -> None:
    """Its comments are seen then; a dismissed one counts no longer."""
    comment = LineComment("b.txt", 3, "Why three?")
    review = create_review(github_credentials, REPO, 1, None, comments=[comment])
    assert (review.state, review.submitted_at, review.commit_sha) == ("PENDING", None, opened)
    assert list_review_comments(github_credentials, REPO, 1) == []
    for _ in range(2):
        submitted = submit_review(github_credentials, REPO, 1, review.id, "APPROVE", body="Good")
        assert (submitted.state, submitted.body) == ("APPROVED", "Good")
    with pytest.raises(GitHubInvalid, match="not pending"):
        submit_review(github_credentials, REPO, 1, review.id, "COMMENT")
    (written,) = list_review_comments(github_credentials, REPO, 1)
    assert (written.review_id, written.line, written.body) == (review.id, 3, "Why three?")
    assert written.diff_hunk.endswith("+3")
    for _ in range(2):
        dismissed = dismiss_review(github_credentials, REPO, 1, review.id, "Fixed since")
        assert dismissed.state == "DISMISSED"


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize(
    ("comment", "why"),
    [
        (LineComment("c.txt", 1, "?"), "path must be part of the diff"),
        (LineComment("b.txt", 10, "?"), "line must be part of the diff"),
        (LineComment("b.txt", 1, "?", side="LEFT"), "line must be part of the diff"),
        (LineComment("b.txt", 2, "?", start_line=3), "start_line must be part of the diff"),
    ],
)
def test_only_lines_that_are_shown_are_commented(
    github_credentials: GitHubCredentials, comment: LineComment, why: str
) -> None:
    """Nothing of the review is written otherwise."""
    with pytest.raises(GitHubInvalid, match=why):
        create_review(github_credentials, REPO, 1, "APPROVE", comments=[comment])
    assert list_reviews(github_credentials, REPO, 1) == []


# Who is asked


@pytest.mark.usefixtures("opened")
def test_reviewers_are_asked_and_no_longer(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Twice is as good as once, so what was lost is asked again."""
    github_server.fail(f"POST {REVIEWERS}", cut(0))
    with no_waiting():
        pull = request_reviewers(github_credentials, REPO, 1, reviewers=["hubot", "monalisa"])
    assert pull.reviewers == ("hubot", "monalisa")
    pull = remove_reviewers(github_credentials, REPO, 1, reviewers=["hubot"])
    assert pull.reviewers == ("monalisa",)


@pytest.mark.usefixtures("opened")
def test_nobody_reviews_what_is_their_own(github_credentials: GitHubCredentials) -> None:
    """GitHub refuses to ask the author."""
    with pytest.raises(GitHubInvalid, match="pull request author"):
        request_reviewers(github_credentials, REPO, 1, reviewers=["octocat"])


def test_teams_are_asked_by_their_slugs(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Where they go alone, GitHub wants an empty list of people."""
    request_reviewers(github_credentials, REPO, 7, team_reviewers=["justice-league"])
    remove_reviewers(github_credentials, REPO, 7, team_reviewers=["justice-league"])
    assert [asked.body for asked in github_server.requests] == [
        {"team_reviewers": ["justice-league"]},
        {"reviewers": [], "team_reviewers": ["justice-league"]},
    ]


@pytest.mark.parametrize("task", [request_reviewers, remove_reviewers])
def test_nobody_is_not_asked(
    github_server: GitHubServer, github_credentials: GitHubCredentials, task: Any
) -> None:
    """Nothing is sent then."""
    with pytest.raises(InvalidArguments, match="Nobody is named"):
        task(github_credentials, REPO, 7, reviewers=[])
    assert github_server.requests == []


# Comments


@pytest.mark.parametrize(
    ("where", "body"),
    [
        ({"line": 2}, {"line": 2, "side": "RIGHT"}),
        (
            {"line": 2, "start_line": 1, "side": "LEFT"},
            {"line": 2, "side": "LEFT", "start_line": 1, "start_side": "LEFT"},
        ),
        ({}, {"subject_type": "file"}),
    ],
)
def test_a_comment_is_on_a_line_on_some_or_on_a_file(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    opened: str,
    where: dict[str, Any],
    body: dict[str, Any],
) -> None:
    """Of the last commit, unless another one is said."""
    create_review_comment(github_credentials, REPO, 1, "Why?", "a.txt", **where)
    create_review_comment(
        github_credentials, REPO, 1, "Why?", "a.txt", commit_sha="a" * 40, **where
    )
    first, second = (asked.body for asked in github_server.asked(f"POST {COMMENTS}"))
    assert first == {"body": "Why?", "path": "a.txt", "commit_id": opened, **body}
    assert second == {**first, "commit_id": "a" * 40}
    assert len(github_server.asked(f"GET {PULL}")) == 1


@pytest.mark.usefixtures("opened")
def test_a_comment_is_answered_changed_and_deleted(
    github_credentials: GitHubCredentials,
) -> None:
    """An answer stands where the comment does; GitHub takes none to an answer."""
    first = create_review_comment(github_credentials, REPO, 1, "Why?", "b.txt", 4, start_line=2)
    answer = reply_to_review_comment(github_credentials, REPO, 1, first.id, "So")
    assert (answer.reply_to, answer.path, answer.line) == (first.id, "b.txt", 4)
    with pytest.raises(GitHubNotFound):
        reply_to_review_comment(github_credentials, REPO, 1, answer.id, "So?")
    changed = update_review_comment(github_credentials, REPO, first.id, "Why not?")
    assert [changed.body, changed.start_line] == ["Why not?", 2]
    delete_review_comment(github_credentials, REPO, answer.id)
    assert list_review_comments(github_credentials, REPO, 1) == [changed]
    with pytest.raises(GitHubNotFound):
        delete_review_comment(github_credentials, REPO, answer.id)


def test_a_comment_and_its_answer_are_written_once(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Nobody knows whether the lost one stands there, so it is not written again."""
    replies = f"POST {COMMENTS}/{{comment_id}}/replies"
    github_server.fail(f"POST {COMMENTS}", cut(0))
    github_server.fail(replies, cut(0))
    with no_waiting():
        with pytest.raises(GitHubUnavailable):
            create_review_comment(github_credentials, REPO, 7, "Why?", "b.txt", 1)
        with pytest.raises(GitHubUnavailable):
            reply_to_review_comment(github_credentials, REPO, 7, 8, "So")
    assert len(github_server.asked(f"POST {COMMENTS}")) == 1
    (asked,) = github_server.asked(replies)
    assert (asked.path["comment_id"], asked.body) == ("8", {"body": "So"})


def test_comments_are_listed_to_the_end(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """All pages, since then; one on a file has no line."""
    route = f"GET {COMMENTS}"
    example = github_server.example(route)
    places = ("line", "start_line", "side", "in_reply_to_id")
    bare = {name: each for name, each in example.items() if name not in places}
    github_server.answer(route, [example, *[{**bare, "user": None}] * 119])
    since = datetime(2026, 5, 1, 12, tzinfo=UTC)
    comments = list_review_comments(github_credentials, REPO, 7, since=since, sort="updated")
    assert len(comments) == 120
    first, last = comments[0], comments[-1]
    assert (first.line, first.start_line, first.side, first.reply_to) == (2, 1, "RIGHT", 8)
    assert (first.review_id, first.author, first.path) == (42, "octocat", "file1.txt")
    assert (last.line, last.start_line, last.side, last.reply_to) == (None, None, None, None)
    assert last.author == "ghost"
    assert github_server.asked(route)[0].query == {
        "since": "2026-05-01T12:00:00Z",
        "sort": "updated",
        "direction": "asc",
        "per_page": "100",
    }


def test_a_conflict_is_one(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """409 is GitHubConflict, whatever the task."""
    github_server.fail(f"POST {REVIEWS}", conflict("The pull request is being merged."))
    with pytest.raises(GitHubConflict, match="being merged"):
        create_review(github_credentials, REPO, 7, "APPROVE")
