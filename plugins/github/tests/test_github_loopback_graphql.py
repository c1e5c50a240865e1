"""The GraphQL API of the loopback GitHub: queries and answers are held against GitHub's schema."""

from collections.abc import Mapping
from typing import Any

import pytest
import requests

from brickwork.testing.base import lacking
from brickwork_github.testing import DescriptionMissing, GitHubServer, WrongAnswer, faults
from brickwork_github.testing.graphql import checked, query_faults, schema

GRAPHQL = "POST /graphql"
TITLES = """
query($cursor: String) {
  repository(owner: "o", name: "r") {
    issues(first: 2, after: $cursor) {
      nodes { number title }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""


@pytest.fixture(autouse=True, scope="module")
def _needs_the_schema() -> None:
    """Skip where the schema is not installed, and cannot be fetched."""
    try:
        schema()
    except DescriptionMissing as error:
        lacking(str(error))


def ask(server: GitHubServer, query: str, path: str = "/graphql", **variables: Any) -> Any:
    """Send a query as any program might."""
    answer = requests.post(
        server.url + path,
        json={"query": query, "variables": variables},
        headers={"Authorization": f"bearer {server.token.reveal()}"},
        timeout=30,
    )
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.parametrize(
    ("query", "variables", "why"),
    [
        ("{ viewer { login", {}, "Syntax Error"),
        ("{ viewer { nick } }", {}, "Cannot query field 'nick' on type 'User'"),
        ('{ repository(owner: "o") { id } }', {}, "name:"),
        ("query($n: Int!) { viewer { id } }", {"n": 1}, "'$n' is never used"),
        ("query($l: String!) { user(login: $l) { id } }", {}, "'$l'"),
        ("query($l: String!) { user(login: $l) { id } }", {"l": 5}, "5"),
        ("query($l: String!) { user(login: $l) { id } }", {"l": "a", "m": 1}, "not declared"),
        ('mutation { addComment(input: {subjectId: "x"}) { subject { id } } }', {}, "body"),
    ],
)
def test_a_query_that_the_schema_refuses_is_refused(
    github_server: GitHubServer, query: str, variables: Mapping[str, Any], why: str
) -> None:
    """It is answered with errors, as GitHub does, and noted."""
    answer = ask(github_server, query, **variables)

    assert why in answer["errors"][0]["message"]
    (refusal,) = github_server.refusals
    assert why in refusal.reasons[0]
    github_server.refusals.clear()


@pytest.mark.parametrize("body", [None, {}, {"query": 1}, {"query": "{ a }", "variabels": {}}])
def test_what_is_no_query_is_refused(body: Any) -> None:
    """A body has a query; beside it only variables and the name of an operation."""
    assert query_faults(body)


def test_an_answer_follows_the_query(github_server: GitHubServer) -> None:
    """What is asked for is there; what is not asked for is left out."""
    issue = {"number": 1, "title": "Wall", "body": "not asked for"}
    page = {"nodes": [issue], "pageInfo": {"hasNextPage": False, "endCursor": None}}
    github_server.answer(GRAPHQL, {"data": {"repository": {"issues": page}}})

    found = ask(github_server, TITLES)["data"]["repository"]["issues"]
    assert found["nodes"] == [{"number": 1, "title": "Wall"}]
    assert github_server.asked(GRAPHQL)[0].body["query"] == TITLES


def test_pages_may_be_answered_by_the_cursor(github_server: GitHubServer) -> None:
    """A function sees the variables, and so answers one page after the other."""

    def page(asked: Any) -> Any:
        start = int(asked.body["variables"].get("cursor") or 0)
        nodes = [{"number": n, "title": str(n)} for n in range(start, start + 2)]
        info = {"hasNextPage": start < 4, "endCursor": str(start + 2)}
        return {"data": {"repository": {"issues": {"nodes": nodes, "pageInfo": info}}}}

    github_server.answer(GRAPHQL, page)
    numbers, cursor = [], None
    while True:
        found = ask(github_server, TITLES, cursor=cursor)["data"]["repository"]["issues"]
        numbers += [node["number"] for node in found["nodes"]]
        cursor = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break
    assert numbers == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("query", "data"),
    [
        ("{ viewer { login } }", {"viewer": {"name": "a"}}),
        ("{ viewer { login } }", {"viewer": {"login": None}}),
        ("{ viewer { login } }", {"viewer": None}),
        ('{ repository(owner: "o", name: "r") { isFork } }', {"repository": {"isFork": "no"}}),
        (
            '{ repository(owner: "o", name: "r") { visibility } }',
            {"repository": {"visibility": "OPEN"}},
        ),
        ('{ node(id: "1") { id } }', {"node": {"id": "1"}}),
    ],
)
def test_a_lie_is_refused(query: str, data: Any) -> None:
    """Missing, null where that cannot be, of another type, or of a type that nobody knows."""
    with pytest.raises(WrongAnswer):
        checked({"query": query}, {"data": data})


def test_a_lie_fails_the_test_at_its_end(github_server: GitHubServer) -> None:
    """It is noted, and the client gets no answer out of it."""
    github_server.answer(GRAPHQL, {"data": {"viewer": {}}})
    with pytest.raises(AssertionError, match="500"):
        ask(github_server, "{ viewer { login } }")
    assert isinstance(github_server.lies.pop(), WrongAnswer)


def test_an_interface_says_its_type() -> None:
    """Which of several types an object has stands beside its fields, and is left out again."""
    query = 'query { node(id: "1") { ... on Issue { number } } }'
    given = {"data": {"node": {"__typename": "Issue", "number": 3}}}
    assert checked({"query": query}, given) == {"data": {"node": {"number": 3}}}


def test_errors_are_answered_as_they_are_given(github_server: GitHubServer) -> None:
    """GitHub answers 200 with errors, also where a part of the data is there."""
    errors = [{"type": "NOT_FOUND", "path": ["repository"], "message": "Could not resolve"}]
    github_server.answer(GRAPHQL, {"data": {"repository": None}, "errors": errors})
    assert ask(github_server, TITLES) == {"data": {"repository": None}, "errors": errors}


def test_without_an_answer_one_is_made_up(github_server: GitHubServer) -> None:
    """It is as the schema says, and has no further page; also on an Enterprise server's path."""
    found = ask(github_server, TITLES, path="/api/graphql")["data"]["repository"]["issues"]
    assert found["nodes"] == [{"number": 1, "title": "string"}]
    assert found["pageInfo"]["hasNextPage"] is False


def test_queries_fail_as_requests_do(github_server: GitHubServer) -> None:
    """Faults and the rate limit know the route."""
    github_server.fail(GRAPHQL, faults.server_error(503))
    answer = requests.post(
        f"{github_server.url}/graphql",
        json={"query": "{ viewer { login } }"},
        headers={"Authorization": f"bearer {github_server.token.reveal()}"},
        timeout=30,
    )
    assert answer.status_code == 503
