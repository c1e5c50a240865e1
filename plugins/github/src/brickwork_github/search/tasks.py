"""Prebuilt tasks that search: https://docs.github.com/en/rest/search/search.

What holds for all: a query is written as in the search on GitHub's pages; GitHub gives a thousand
results at most, and lets one search thirty times a minute, code ten times; that is waited out.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

from brickwork_github.credentials import GitHubCredentials
from brickwork_github.repositories.models import Repository
from brickwork_github.repositories.people_models import Account
from brickwork_github.requests import Request
from brickwork_github.search.models import FoundCode, FoundCommit, SearchResults
from brickwork_github.sending import JSON
from brickwork_github.tasks import retried_task

T = TypeVar("T")

MOST = 1000
"""How many results GitHub gives of a search."""

_WITH_FRAGMENTS = "application/vnd.github.text-match+json"


@retried_task("metadata:read")
def search_repositories(
    credentials: GitHubCredentials,
    query: str,
    *,
    sort: Literal["stars", "forks", "help-wanted-issues", "updated"] | None = None,
    order: Literal["asc", "desc"] = "desc",
    limit: int | None = None,
) -> SearchResults[Repository]:
    """Search repositories, by what they say and are.

    GitHub gives a thousand at most. See
    https://docs.github.com/en/rest/search/search#search-repositories.

    Args:
        credentials: Whose.
        query: For example ``org:acme language:python archived:false``.
        sort: By what; None: the best match first.
        order: ``asc`` or ``desc``.
        limit: At most so many; None: all that GitHub gives.

    Returns:
        The repositories, how many there are in all, and whether GitHub looked everywhere.

    Raises:
        GitHubInvalid: The query cannot be understood, or names what may not be seen.
        GitHubError: The search failed.

    Examples:
        >>> found = search_repositories(credentials, "tetris language:assembly", sort="stars")
        >>> [repository.full_name for repository in found], found.total, found.incomplete
        (['dtrupenn/Tetris'], 40, False)
    """
    return _found(credentials, "repositories", Repository.of, query, limit, sort, order)


@retried_task("contents:read")
def search_code(
    credentials: GitHubCredentials, query: str, *, limit: int | None = None
) -> SearchResults[FoundCode]:
    """Search in the files of default branches, up to 384 KB each.

    GitHub gives a thousand at most. See https://docs.github.com/en/rest/search/search#search-code.

    Args:
        credentials: Whose.
        query: At least one word, and where: ``addClass repo:jquery/jquery language:js``.
        limit: At most so many; None: all that GitHub gives.

    Returns:
        The files, how many there are in all, and whether GitHub looked everywhere.

    Raises:
        GitHubInvalid: The query cannot be understood, or names what may not be seen.
        GitHubError: The search failed.

    Examples:
        >>> for file in search_code(credentials, "addClass repo:jquery/jquery"):
        ...     print(file.repository, file.path)
        jquery/jquery src/attributes/classes.js
    """
    return _found(credentials, "code", FoundCode.of, query, limit, accept=_WITH_FRAGMENTS)


@retried_task("contents:read")
def search_commits(
    credentials: GitHubCredentials,
    query: str,
    *,
    sort: Literal["author-date", "committer-date"] | None = None,
    order: Literal["asc", "desc"] = "desc",
    limit: int | None = None,
) -> SearchResults[FoundCommit]:
    """Search the messages of commits on default branches.

    GitHub gives a thousand at most. See
    https://docs.github.com/en/rest/search/search#search-commits.

    Args:
        credentials: Whose.
        query: For example ``css repo:octocat/Spoon-Knife author-date:>2026-01-01``.
        sort: By what; None: the best match first.
        order: ``asc`` or ``desc``.
        limit: At most so many; None: all that GitHub gives.

    Returns:
        The commits, how many there are in all, and whether GitHub looked everywhere.

    Raises:
        GitHubInvalid: The query cannot be understood, or names what may not be seen.
        GitHubError: The search failed.

    Examples:
        >>> for commit in search_commits(credentials, "css repo:octocat/Spoon-Knife"):
        ...     print(commit.repository, commit.message)
        octocat/Spoon-Knife Create styles.css and updated README
    """
    return _found(credentials, "commits", FoundCommit.of, query, limit, sort, order)


@retried_task()
def search_users(
    credentials: GitHubCredentials,
    query: str,
    *,
    sort: Literal["followers", "repositories", "joined"] | None = None,
    order: Literal["asc", "desc"] = "desc",
    limit: int | None = None,
) -> SearchResults[Account]:
    """Search people and organizations.

    GitHub gives a thousand at most. See https://docs.github.com/en/rest/search/search#search-users.

    Args:
        credentials: Whose.
        query: For example ``mojombo``, or ``location:Berlin language:rust type:user``.
        sort: By what; None: the best match first.
        order: ``asc`` or ``desc``.
        limit: At most so many; None: all that GitHub gives.

    Returns:
        The accounts, how many there are in all, and whether GitHub looked everywhere.

    Raises:
        GitHubInvalid: The query cannot be understood.
        GitHubError: The search failed.

    Examples:
        >>> [user.login for user in search_users(credentials, "mojombo")]
        ['mojombo']
    """
    return _found(credentials, "users", Account.of, query, limit, sort, order)


def _found(
    credentials: GitHubCredentials,
    what: str,
    make: Callable[[Mapping[str, Any]], T],
    query: str,
    limit: int | None,
    sort: str | None = None,
    order: str | None = None,
    *,
    accept: str = JSON,
) -> SearchResults[T]:
    totals, stopped = [0], [False]

    def told(page: Mapping[str, Any]) -> None:
        totals.append(page["total_count"])
        stopped.append(page["incomplete_results"])

    items = Request(credentials, f"GET /search/{what}", accept=accept).many(
        make,
        MOST if limit is None else min(limit, MOST),
        query={"q": query, "sort": sort, "order": None if sort is None else order},
        beside=told,
    )
    return SearchResults(tuple(items), totals[-1], any(stopped))
