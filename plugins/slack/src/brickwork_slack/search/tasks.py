"""Prebuilt tasks that search: https://docs.slack.dev/reference/methods?family=search.

What holds for both: Slack lets only people search, not bots, and finds what they may see. A query
is written as in Slack's own search: ``deploy in:#general from:@ada after:2026-11-01``.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

from brickwork import check_cancelled, progress
from brickwork_slack.calls import ask
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.search.models import FoundFile, FoundMessage, SearchResults
from brickwork_slack.tasks import slack_task

T = TypeVar("T")

MOST_PAGES = 100
PER_PAGE = 100
"""How much of what is found Slack gives: this many pages of so many."""


@slack_task("search:read")
async def search_messages(
    credentials: SlackCredentials,
    query: str,
    *,
    sort: Literal["score", "timestamp"] = "score",
    order: Literal["asc", "desc"] = "desc",
    limit: int | None = None,
) -> SearchResults[FoundMessage]:
    """Search messages that a person may see.

    Slack lets bots not search, and gives ten thousand at most. See
    https://docs.slack.dev/reference/methods/search.messages.

    Args:
        credentials: A person's.
        query: As in Slack's own search: ``deploy in:#general from:@ada after:2026-11-01``.
        sort: By how well they fit, or by ``timestamp``.
        order: ``desc``, the best or newest first, or ``asc``.
        limit: At most so many; None: all that Slack gives.

    Returns:
        The messages, and how many there are in all.

    Raises:
        SlackDenied: The token is a bot's, or lacks the scope.
        SlackInvalid: There is no query.
        SlackError: The search failed.

    Examples:
        >>> found = search_messages(credentials, "deploy in:#general", sort="timestamp")
        >>> [message.text for message in found], found.total
        (['Deploying'], 1)
    """
    return await _search(
        credentials, "messages", FoundMessage.of, limit, query=query, sort=sort, sort_dir=order
    )


@slack_task("search:read")
async def search_files(
    credentials: SlackCredentials,
    query: str,
    *,
    sort: Literal["score", "timestamp"] = "score",
    order: Literal["asc", "desc"] = "desc",
    limit: int | None = None,
) -> SearchResults[FoundFile]:
    """Search files that a person may see, by name, title and content.

    Slack lets bots not search, and gives ten thousand at most. See
    https://docs.slack.dev/reference/methods/search.files.

    Args:
        credentials: A person's.
        query: As in Slack's own search: ``report type:csv from:@ada``.
        sort: By how well they fit, or by ``timestamp``.
        order: ``desc``, the best or newest first, or ``asc``.
        limit: At most so many; None: all that Slack gives.

    Returns:
        The files, and how many there are in all.

    Raises:
        SlackDenied: The token is a bot's, or lacks the scope.
        SlackInvalid: There is no query.
        SlackError: The search failed.

    Examples:
        >>> [(file.name, file.size) for file in search_files(credentials, "report")]
        [('report.csv', 11)]
    """
    return await _search(
        credentials, "files", FoundFile.of, limit, query=query, sort=sort, sort_dir=order
    )


async def _search(
    credentials: SlackCredentials,
    what: str,
    read: Callable[[Mapping[str, Any]], T],
    limit: int | None,
    **asked: Any,
) -> SearchResults[T]:
    """Ask for page after page."""
    most = MOST_PAGES * PER_PAGE if limit is None else limit
    found: list[T] = []
    total = 0
    for page in range(1, MOST_PAGES + 1):
        check_cancelled()
        answer = await ask(
            credentials, f"search.{what}", count=max(1, min(most, PER_PAGE)), page=page, **asked
        )
        matches = answer[what]["matches"]
        found += map(read, matches)
        progress(len(found), limit, f"search.{what}")
        total = int(answer[what].get("total") or 0)
        if len(found) >= min(most, total) or not matches:
            break
    return SearchResults(tuple(found[:most]), max(total, len(found)))
