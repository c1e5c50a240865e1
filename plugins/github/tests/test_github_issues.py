"""Tasks on issues: what they ask GitHub, and what they make of its answers."""

from datetime import UTC, datetime
from typing import Any

import pytest

from brickwork.testing.task import no_waiting
from brickwork_github import (
    GitHubConflict,
    GitHubCredentials,
    GitHubInvalid,
    GitHubNotFound,
    GitHubUnavailable,
    close_issue,
    create_issue,
    create_issue_comment,
    create_milestone,
    delete_issue_comment,
    get_issue,
    list_issues,
    lock_issue,
    remove_issue_label,
    reopen_issue,
    search_issues,
    set_issue_labels,
    update_issue,
)
from brickwork_github.testing import GitHubServer
from brickwork_github.testing.faults import conflict, cut, invalid, not_found, server_error

REPO = "acme/reports"
ISSUES = "GET /repos/{owner}/{repo}/issues"
CREATE = "POST /repos/{owner}/{repo}/issues"
UPDATE = "PATCH /repos/{owner}/{repo}/issues/{issue_number}"
GET = "GET /repos/{owner}/{repo}/issues/{issue_number}"
LABELS = "/repos/{owner}/{repo}/issues/{issue_number}/labels"


def test_an_issue_is_opened_as_it_is_said(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """What is given is sent, by GitHub's names; what is not given is left to GitHub."""
    create_issue(github_credentials, REPO, "Load failed", labels=["bug"], milestone=3)
    assert github_server.asked(CREATE)[0].body == {
        "title": "Load failed",
        "labels": ["bug"],
        "milestone": 3,
    }


def test_an_issue_is_read_whole(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Every attribute is that of GitHub's answer."""
    found = github_server.example(GET)
    issue = get_issue(github_credentials, REPO, 1347)
    assert (issue.number, issue.title, issue.body) == (1347, found["title"], found["body"])
    assert (issue.repository, issue.author) == ("octocat/Hello-World", "octocat")
    assert issue.labels == tuple(label["name"] for label in found["labels"])
    assert issue.assignees == tuple(user["login"] for user in found["assignees"])
    assert issue.milestone == found["milestone"]["title"]
    assert issue.created_at == datetime(2011, 4, 22, 13, 33, 48, tzinfo=UTC)
    assert issue.closed_at is None
    assert issue.is_pull_request == ("pull_request" in found)
    assert issue.url.endswith("/octocat/Hello-World/issues/1347")


def test_an_issue_of_nobody_can_be_read(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """No body, no milestone, no labels, and an author who is no more."""
    bare: dict[str, Any] = {
        "body": None,
        "milestone": None,
        "labels": [],
        "user": None,
        "assignees": [],
    }
    github_server.answer(GET, github_server.example(GET, **bare))
    issue = get_issue(github_credentials, REPO, 1347)
    assert (issue.body, issue.milestone, issue.labels) == ("", None, ())
    assert issue.author == "ghost"


@pytest.mark.parametrize(
    ("change", "body"),
    [
        ({"title": "A"}, {"title": "A"}),
        ({"milestone": 0}, {"milestone": None}),
        ({"milestone": 2}, {"milestone": 2}),
        ({"labels": [], "assignees": []}, {"labels": [], "assignees": []}),
        ({"state": "closed", "state_reason": "duplicate"}, None),
    ],
)
def test_only_what_is_given_is_changed(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    change: dict[str, Any],
    body: dict[str, Any] | None,
) -> None:
    """None leaves a thing alone; milestone 0 takes the issue out of its milestone."""
    update_issue(github_credentials, REPO, 7, **change)
    (asked,) = github_server.asked(UPDATE)
    assert asked.body == (change if body is None else body)


def test_issues_are_closed_and_opened_again(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """With the reason that GitHub wants."""
    close_issue(github_credentials, REPO, 7, reason="not_planned")
    reopen_issue(github_credentials, REPO, 7)
    assert [asked.body for asked in github_server.asked(UPDATE)] == [
        {"state": "closed", "state_reason": "not_planned"},
        {"state": "open", "state_reason": "reopened"},
    ]


def test_issues_are_listed_to_the_end(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """All pages, without pull requests unless they are wanted, filtered as asked."""
    pull = github_server.example(ISSUES)
    issue = {name: each for name, each in pull.items() if name != "pull_request"}
    each = [{**(pull if n % 2 else issue), "number": n} for n in range(250)]
    github_server.answer(ISSUES, each)
    since = datetime(2026, 5, 1, tzinfo=UTC)
    found = list_issues(github_credentials, REPO, labels=["bug", "p1"], since=since)
    assert [issue.number for issue in found] == list(range(0, 250, 2))
    assert github_server.asked(ISSUES)[0].query == {
        "state": "open",
        "labels": "bug,p1",
        "since": "2026-05-01T00:00:00Z",
        "sort": "created",
        "direction": "desc",
        "per_page": "100",
    }
    assert len(list_issues(github_credentials, REPO, pull_requests=True)) == 250
    assert len(list_issues(github_credentials, REPO, limit=60)) == 60


def test_a_search_goes_beyond_a_repository(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """The query is sent as it is written, and what is found says where it is."""
    route = "GET /search/issues"
    found = search_issues(github_credentials, 'is:issue "time out" in:title', sort="created")
    assert github_server.asked(route)[0].query["q"] == 'is:issue "time out" in:title'
    assert all("/" in each.repository for each in found)


def test_an_issue_that_is_gone_is_not_found(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """404, and 410 of one that was deleted."""
    github_server.fail(GET, not_found())
    with pytest.raises(GitHubNotFound, match=r"GET /repos/acme/reports/issues/7: 404"):
        get_issue(github_credentials, REPO, 7)
    gone = {"message": "This issue was deleted", "documentation_url": "https://docs.github.com"}
    github_server.answer(GET, gone, status=410)
    with pytest.raises(GitHubNotFound, match="This issue was deleted"):
        get_issue(github_credentials, REPO, 7)


def test_a_second_milestone_of_a_title_is_refused(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """What GitHub has against it is named by field."""
    route = "POST /repos/{owner}/{repo}/milestones"
    problem = {"resource": "Milestone", "code": "already_exists", "field": "title"}
    github_server.fail(route, invalid(problem))
    with pytest.raises(GitHubInvalid) as caught:
        create_milestone(github_credentials, REPO, "v1", due_on=datetime(2026, 5, 1, tzinfo=UTC))
    assert caught.value.fields == ("title: already_exists",)
    assert github_server.asked(route)[0].body == {"title": "v1", "due_on": "2026-05-01T00:00:00Z"}


def test_no_labels_means_none(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """GitHub takes no empty list, so all labels are taken away by their own route."""
    assert set_issue_labels(github_credentials, REPO, 7, []) == ()
    assert [asked.route for asked in github_server.requests] == [f"DELETE {LABELS}"]


def test_a_label_with_a_slash_is_taken_away(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Its name is one part of the path, whatever stands in it."""
    remove_issue_label(github_credentials, REPO, 7, "area/core & more?")
    assert github_server.requests[0].path["name"] == "area/core & more?"


def test_what_was_deleted_by_a_lost_request_is_deleted(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """When the answer to a DELETE is lost, and the second finds nothing, it is done."""
    route = "DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}"
    github_server.fail(route, cut(0))
    github_server.fail(route, not_found())
    with no_waiting():
        delete_issue_comment(github_credentials, REPO, 42)
    github_server.fail(route, not_found())
    with pytest.raises(GitHubNotFound):
        delete_issue_comment(github_credentials, REPO, 42)


def test_a_comment_is_written_once(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Nobody knows whether the lost one stands there, so it is not written again."""
    route = "POST /repos/{owner}/{repo}/issues/{issue_number}/comments"
    github_server.fail(route, cut(0))
    with no_waiting(), pytest.raises(GitHubUnavailable):
        create_issue_comment(github_credentials, REPO, 7, "Me too")
    assert len(github_server.asked(route)) == 1


def test_a_task_outlasts_a_longer_failure(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """What may be repeated is tried by the task again, when the request's repeats are spent."""
    github_server.fail(GET, server_error(503), times=6)
    with no_waiting():
        assert get_issue(github_credentials, REPO, 7).number == 1347


def test_a_lock_has_a_reason_or_none(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Without a reason no body is sent."""
    lock_issue(github_credentials, REPO, 7)
    lock_issue(github_credentials, REPO, 7, reason="too heated")
    assert [asked.body for asked in github_server.requests] == [None, {"lock_reason": "too heated"}]


def test_a_conflict_is_one(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """409 is GitHubConflict, whatever the task."""
    github_server.fail(UPDATE, conflict("The issue is being transferred."))
    with pytest.raises(GitHubConflict, match="being transferred"):
        close_issue(github_credentials, REPO, 7)
