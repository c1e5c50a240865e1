"""Tasks that search: what they ask, what they make of it, and what GitHub did not look at."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from brickwork import open_serializer
from brickwork.testing.task import no_waiting
from brickwork_github import (
    Account,
    GitHubCredentials,
    GitHubError,
    GitHubInvalid,
    SearchResults,
    search_code,
    search_commits,
    search_repositories,
    search_users,
)
from brickwork_github.testing import GitHubServer
from brickwork_github.testing.faults import invalid, secondary_limit, server_error

REPOSITORIES, CODE = "GET /search/repositories", "GET /search/code"
COMMITS, USERS = "GET /search/commits", "GET /search/users"


def give(
    server: GitHubServer, route: str, count: int, *, total: int | None = None, **changes: Any
) -> None:
    """Let a search find as many."""
    item = server.example(route)["items"][0]
    items = [{**item, **changes, "id": number} for number in range(count)]
    if route in (CODE, COMMITS):
        items = [{**item, **changes, "sha": f"{number:040x}"} for number in range(count)]
    found = {"total_count": total or count, "incomplete_results": False, "items": items}
    server.answer(route, found)


def test_repositories_are_found(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """The query goes as it is written, and what is found is as any other repository."""
    query = "org:acme language:python stars:>10"
    found = search_repositories(github_credentials, query, sort="stars", order="asc")
    assert github_server.requests[0].query == {
        "q": query,
        "sort": "stars",
        "order": "asc",
        "per_page": "100",
    }
    (repository,) = found
    assert (repository.full_name, repository.language) == ("dtrupenn/Tetris", "Assembly")
    assert (found.total, found.incomplete, len(found)) == (40, False, 1)


def test_an_order_without_a_sort_is_not_sent(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """The best match comes first, whatever the order."""
    search_users(github_credentials, "mojombo", order="asc")
    assert github_server.requests[0].query == {"q": "mojombo", "per_page": "100"}


def test_code_comes_with_the_pieces_in_which_it_was_found(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """GitHub gives them only to who asks for them."""
    match = {"object_url": "https://api.github.com", "object_type": "FileContent"}
    pieces = [{**match, "property": "content", "fragment": "addClass: x", "matches": []}]
    give(github_server, CODE, 1, text_matches=pieces)
    (found,) = search_code(github_credentials, "addClass repo:jquery/jquery")
    assert github_server.requests[0].headers["Accept"] == "application/vnd.github.text-match+json"
    assert (found.repository, found.path) == ("jquery/jquery", "src/attributes/classes.js")
    assert found.fragments == ("addClass: x",)


def test_commits_are_found_also_of_strangers(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """GitHub need not know the author."""
    give(github_server, COMMITS, 1, author=None)
    (found,) = search_commits(github_credentials, "css", sort="author-date")
    assert (found.repository, found.author) == ("octocat/Spoon-Knife", "The Octocat")
    assert found.author_login is None
    assert found.authored_at.astimezone(UTC) == datetime(2014, 2, 4, 22, 38, 36, tzinfo=UTC)


@pytest.mark.parametrize(
    ("search", "route"),
    [
        (search_repositories, REPOSITORIES),
        (search_code, CODE),
        (search_commits, COMMITS),
        (search_users, USERS),
    ],
)
def test_a_search_gives_a_thousand_at_most(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    search: Callable[..., SearchResults[Any]],
    route: str,
) -> None:
    """In ten pages; the total tells that there are more. A limit asks for less."""
    give(github_server, route, 1100, total=4321)
    found = search(github_credentials, "bricks")
    assert (len(found), found.total) == (1000, 4321)
    assert len(github_server.requests) == 10
    assert len(search(github_credentials, "bricks", limit=5000)) == 1000
    assert len(search(github_credentials, "bricks", limit=130)) == 130
    assert len(search(github_credentials, "bricks", limit=3)) == 3
    assert github_server.requests[-1].query["per_page"] == "3"


def test_results_that_lack_are_told(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """GitHub stops a search that takes too long; one page that says so is enough."""
    item = github_server.example(USERS)["items"][0]
    pages = iter([True, False])

    def answer(_: object) -> Any:
        return {"total_count": 120, "incomplete_results": next(pages), "items": [item] * 120}

    github_server.answer(USERS, answer)
    found = search_users(github_credentials, "bricks")
    assert (len(found), found.incomplete) == (120, True)


def test_a_query_that_cannot_be_understood_is_told(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """With what GitHub says of it."""
    problem = {"resource": "Search", "field": "q", "code": "invalid"}
    github_server.fail(CODE, invalid({**problem, "message": "None of the search qualifiers apply"}))
    with pytest.raises(GitHubInvalid) as caught:
        search_code(github_credentials, "repo:acme/unknown bricks")
    assert caught.value.fields == ("q: None of the search qualifiers apply",)


def test_a_limit_of_searches_is_waited_out(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """In the midst of the pages, and a failure is passed over, too."""
    give(github_server, USERS, 150)
    github_server.fail(USERS, secondary_limit(retry_after=20))
    github_server.fail(USERS, server_error(503))
    with no_waiting() as waits:
        assert len(search_users(github_credentials, "bricks")) == 150
    assert sum(waits) > 19


def test_an_answer_of_another_form_is_an_error(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """As of what stands before an old server."""
    from brickwork_github.testing.faults import Fault

    github_server.fail(USERS, Fault(200, {"items": []}))
    with pytest.raises(GitHubError, match="unknown form"):
        search_users(github_credentials, "bricks")


def test_results_can_be_awaited_and_kept(github_credentials: GitHubCredentials) -> None:
    """The async twin gives the same, and what comes is what was stored."""

    async def found() -> SearchResults[Account]:
        return await search_users.aio(github_credentials, "mojombo")

    results = asyncio.run(found())
    assert results == search_users(github_credentials, "mojombo")
    serializer = open_serializer("json")
    assert serializer.loads(serializer.dumps(results)) == results
