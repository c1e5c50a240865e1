"""Any route and any query: checked before it is sent, and read to the end."""

from typing import Any

import pytest

from brickwork import InvalidArguments, Scope, Secret, Task, task
from brickwork.cli.app import run as run_brickwork
from brickwork.registry.current import get_registry
from brickwork.testing.commandline import command_here
from brickwork.testing.task import no_waiting
from brickwork_github import (
    GitHubConflict,
    GitHubCredentials,
    GitHubDenied,
    GitHubError,
    GitHubInvalid,
    GitHubNotFound,
    GitHubRateLimited,
    GitHubUnavailable,
    github_call,
    github_graphql,
)
from brickwork_github.permissions import permissions_for
from brickwork_github.routes import route_for
from brickwork_github.testing import Asked, GitHubServer
from brickwork_github.testing.description import description
from brickwork_github.testing.faults import server_error

REPO = "acme/reports"
ISSUES = "GET /repos/{owner}/{repo}/issues"


# Routes


def test_every_route_of_github_is_known() -> None:
    """What GitHub's description has can be called, by its method and path."""
    for name, operation in description().operations.items():
        known = route_for(name)
        assert known.name == name
        assert known.query == {name for place, name in operation.parameters if place == "query"}


@pytest.mark.parametrize("route", ["get  /repos/{owner}/{repo}", "GET /repos/{owner}/{repo}"])
def test_a_route_may_be_written_loosely(route: str) -> None:
    """Small letters and spaces do not matter."""
    assert route_for(route).name == "GET /repos/{owner}/{repo}"


def test_an_unknown_route_names_like_ones(github_credentials: GitHubCredentials) -> None:
    """Nothing is sent, and what was perhaps meant is named."""
    with pytest.raises(InvalidArguments, match="no route") as caught:
        github_call(credentials=github_credentials, route="GET /repos/{owner}/{repo}/issue")
    assert "GET /repos/{owner}/{repo}/issues" in caught.value.fix


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "owner lacks; repo lacks"),
        ({"owner": "acme"}, "repo lacks"),
        ({"repository": REPO, "titel": "A"}, "titel is unknown; there is title"),
        ({"repository": REPO, "owner": "acme"}, "owner is unknown"),
    ],
)
def test_what_a_route_does_not_take_is_refused(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    parameters: dict[str, Any],
    said: str,
) -> None:
    """GitHub would pass over a misspelt name in silence; here nothing is sent."""
    with pytest.raises(InvalidArguments, match=said):
        github_call(github_credentials, "POST /repos/{owner}/{repo}/issues", **parameters)
    assert github_server.requests == []


def test_parameters_go_where_they_belong(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Into the path, the query or the body, also of a DELETE."""
    route = "DELETE /repos/{owner}/{repo}/issues/{issue_number}/assignees"
    github_call(github_credentials, route, repository=REPO, issue_number=7, assignees=["octocat"])
    github_call(github_credentials, ISSUES, owner="acme", repo="reports", state="all", labels=None)
    first, second = github_server.requests
    assert (first.path["issue_number"], first.body) == ("7", {"assignees": ["octocat"]})
    assert second.query == {"state": "all", "per_page": "100"}


def test_an_answer_is_read_to_its_end(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """All pages are joined, bare lists and counted ones; a limit ends it sooner."""
    issue = github_server.example(ISSUES)
    github_server.answer(ISSUES, [issue] * 150)
    call = github_call.with_options(name="call")
    assert len(call(github_credentials, ISSUES, repository=REPO)) == 150
    assert len(call(github_credentials, ISSUES, repository=REPO, limit=120)) == 120
    assert len(call(github_credentials, ISSUES, repository=REPO, all_pages=False)) == 30
    runs = call(github_credentials, "GET /repos/{owner}/{repo}/actions/runs", repository=REPO)
    assert [type(run) for run in runs] == [dict]


def test_what_has_no_body_gives_none(github_credentials: GitHubCredentials) -> None:
    """204 is None."""
    route = "PUT /repos/{owner}/{repo}/issues/{issue_number}/lock"
    assert github_call(github_credentials, route, repository=REPO, issue_number=7) is None


def test_secrets_go_in_clear(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """A Secret among the parameters is revealed as it is sent."""
    route = "POST /repos/{owner}/{repo}/hooks"
    config = {"url": "https://ci.acme.example", "secret": Secret("hook-secret-4711")}
    github_call(github_credentials, route, repository=REPO, config=config)
    assert github_server.asked(route)[0].body["config"]["secret"] == "hook-secret-4711"


# GraphQL

ISSUE_TITLES = """
query ($cursor: String) {
  repository(owner: "acme", name: "reports") {
    issues(first: 2, after: $cursor) { nodes { number } pageInfo { hasNextPage endCursor } }
  }
}
"""


def pages(asked: Asked) -> dict[str, Any]:
    """Answer with five issues, two by two."""
    begin = int((asked.body.get("variables") or {}).get("cursor") or 0)
    numbers = [{"number": n} for n in range(begin, min(begin + 2, 5))]
    info = {"hasNextPage": begin + 2 < 5, "endCursor": str(begin + 2)}
    return {"data": {"repository": {"issues": {"nodes": numbers, "pageInfo": info}}}}


def test_a_query_is_followed_by_its_cursor(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """All pages of the one list are joined; without it, the first page is given."""
    github_server.answer("POST /graphql", pages)
    whole = github_graphql(github_credentials, ISSUE_TITLES, all_pages=True)
    assert whole["repository"]["issues"] == {
        "nodes": [{"number": n} for n in range(5)],
        "pageInfo": {"hasNextPage": False, "endCursor": "6"},
    }
    first = github_credentials.graphql(ISSUE_TITLES, {"cursor": "2"})
    assert [each["number"] for each in first["repository"]["issues"]["nodes"]] == [2, 3]


@pytest.mark.parametrize(("limit", "asked"), [(1, 1), (2, 1), (3, 2), (5, 3), (9, 3)])
def test_no_more_of_a_query_is_asked_for_than_the_limit(
    github_server: GitHubServer, github_credentials: GitHubCredentials, limit: int, asked: int
) -> None:
    """Pages end with it, and the last is cut."""
    github_server.answer("POST /graphql", pages)
    whole = github_graphql(github_credentials, ISSUE_TITLES, all_pages=True, limit=limit)
    found = [each["number"] for each in whole["repository"]["issues"]["nodes"]]
    assert found == list(range(min(limit, 5)))
    assert len(github_server.requests) == asked


def test_a_cursor_that_stays_is_an_error(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Else the same page would be asked for for ever."""
    info = {"hasNextPage": True, "endCursor": "2"}
    page = {"nodes": [{"number": 1}], "pageInfo": info}
    github_server.answer("POST /graphql", {"data": {"repository": {"issues": page}}})
    with pytest.raises(GitHubError, match="begins where this one did"):
        github_graphql(github_credentials, ISSUE_TITLES, all_pages=True)
    assert len(github_server.requests) == 2


def test_a_limit_below_one_is_refused(github_credentials: GitHubCredentials) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidArguments, match="1 or more"):
        github_graphql(github_credentials, ISSUE_TITLES, all_pages=True, limit=0)


def test_a_query_without_a_cursor_has_no_pages(github_credentials: GitHubCredentials) -> None:
    """It says how to write it instead of asking the same for ever."""
    with pytest.raises(InvalidArguments, match="page by page"):
        github_graphql(github_credentials, "{ viewer { login } }", all_pages=True)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("NOT_FOUND", GitHubNotFound),
        ("FORBIDDEN", GitHubDenied),
        ("UNPROCESSABLE", GitHubConflict),
        ("undefinedField", GitHubInvalid),
    ],
)
def test_errors_of_graphql_are_typed(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    kind: str,
    error: type[Exception],
) -> None:
    """GraphQL answers 200 with errors, which are raised as those of REST."""
    problem = {"type": kind, "message": "Could not resolve to a User.", "path": ["viewer"]}
    github_server.answer("POST /graphql", {"data": None, "errors": [problem]})
    with pytest.raises(error, match="Could not resolve to a User"):
        github_graphql(github_credentials, "{ viewer { login } }")


def test_graphqls_limit_is_waited_out(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """GraphQL says by an answer of 200 that its limit is used up."""
    reset = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(github_server.now()) + 40)}
    limit = {"type": "RATE_LIMITED", "message": "API rate limit exceeded"}
    github_server.answer("POST /graphql", {"errors": [limit]}, headers=reset, times=1)
    with no_waiting() as waits:
        assert github_graphql(github_credentials, "{ viewer { login } }")["viewer"]
    assert waits == [pytest.approx(41, abs=3)]


@pytest.mark.parametrize(
    "said",
    [
        "You have exceeded a secondary rate limit. Please wait a few minutes.",
        "was submitted too quickly",
    ],
)
def test_graphqls_secondary_limit_is_waited_out(
    github_server: GitHubServer, github_credentials: GitHubCredentials, said: str
) -> None:
    """It comes by an answer of 200, too, with quota left; a mutation was not done then."""
    star = 'mutation { addStar(input: {starrableId: "R_1"}) { clientMutationId } }'
    limit = {"message": said, "path": ["addStar"]}
    answer = {"data": {"addStar": None}, "errors": [limit]}
    github_server.answer("POST /graphql", answer, times=1)
    with no_waiting() as waits:
        assert "addStar" in github_graphql(github_credentials, star)
    assert waits == [pytest.approx(60, abs=1)]
    github_server.answer("POST /graphql", answer)
    with no_waiting(), Scope("short", seconds=30), pytest.raises(GitHubRateLimited) as caught:
        github_graphql(github_credentials, star)
    assert caught.value.retry_after_seconds == pytest.approx(60, abs=1)


def test_a_limit_that_stays_is_one_of_graphql_too(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """After five waits it is told as a limit, not as a query to correct."""
    limit = {"type": "RATE_LIMITED", "message": "API rate limit exceeded"}
    github_server.answer("POST /graphql", {"errors": [limit]}, headers={"Retry-After": "5"})
    with no_waiting() as waits, pytest.raises(GitHubRateLimited):
        github_graphql(github_credentials, "{ viewer { login } }")
    assert len(waits) == 5


def test_what_was_done_in_part_is_no_limit(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Where one field of a mutation was done, it is not sent again."""
    both = """mutation {
      one: addStar(input: {starrableId: "R_1"}) { clientMutationId }
      two: addStar(input: {starrableId: "R_2"}) { clientMutationId }
    }"""
    limit = {"message": "was submitted too quickly", "path": ["two"]}
    done = {"one": {"clientMutationId": "1"}, "two": None}
    github_server.answer("POST /graphql", {"data": done, "errors": [limit]})
    with pytest.raises(GitHubInvalid, match="too quickly"):
        github_graphql(github_credentials, both)
    assert len(github_server.requests) == 1


@pytest.mark.parametrize(
    ("query", "times"),
    [
        ("{ viewer { login } }", 2),
        ('mutation { addStar(input: {starrableId: "R_1"}) { clientMutationId } }', 1),
    ],
)
def test_a_mutation_is_not_sent_twice(
    github_server: GitHubServer, github_credentials: GitHubCredentials, query: str, times: int
) -> None:
    """A query that failed on the way is sent again, a mutation is not."""
    github_server.fail("POST /graphql", server_error(502))
    with no_waiting():
        if times == 1:
            with pytest.raises(GitHubUnavailable):
                github_graphql(github_credentials, query)
        else:
            github_graphql(github_credentials, query)
    assert len(github_server.requests) == times


# Permissions


def test_permissions_are_the_least_that_tasks_declare() -> None:
    """The highest level of each name, and metadata with any; what is no permission is left out."""

    def tasked(*permissions: str) -> Task[[], None]:
        return task(permissions=permissions)(lambda: None)

    needed = permissions_for([tasked("issues:read", "s3:GetObject"), tasked("issues:write")])
    assert needed == {"issues": "write", "metadata": "read"}
    assert permissions_for([tasked()]) == {}


# Permissions of GitHub that its description's list of them lacks, from
# https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps.
OTHERS = {"actions_variables", "gists", "organization_actions_variables"}


def test_every_task_declares_permissions_that_github_has() -> None:
    """By the names that GitHub knows, each at a level that there is."""
    known = description().schema("app-permissions")["properties"]
    names = [each for each in get_registry().names("tasks") if each.startswith("github.")]
    for name in names:
        for each in get_registry().task(name).permissions:
            permission, _, level = each.partition(":")
            assert permission in known or permission in OTHERS, f"{name}: {each}"
            levels = known.get(permission, {}).get("enum", ["read", "write"])
            assert level in levels, f"{name}: {each}"


def test_the_command_line_prints_permissions(capfd: pytest.CaptureFixture[str]) -> None:
    """As lines for a workflow's file, and as JSON; what is not known is pointed out."""
    brickwork = command_here(run_brickwork, capfd)
    done = brickwork("github", "permissions", "github.get_issue", "github.lock_issue")
    assert (done.code, done.out) == (0, "issues: write\nmetadata: read\n")
    done = brickwork("github", "permissions", "github.github_call", "--json")
    assert "Add the permissions that are needed by github_call" in done.err
    assert done.json["permissions"] == {}
