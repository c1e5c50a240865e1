"""GitHub's GraphQL API: one query, or all pages of one.

See https://docs.github.com/en/graphql.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from brickwork import InvalidArguments, check_cancelled
from brickwork_github import errors
from brickwork_github.errors import GitHubError
from brickwork_github.faults import about, limited
from brickwork_github.limits import pause_asked

if TYPE_CHECKING:
    from brickwork_github.credentials import GitHubCredentials

NAME = "POST /graphql"

_KINDS: dict[str, tuple[type[GitHubError], str]] = {
    "NOT_FOUND": (errors.GitHubNotFound, "Check the names, and what the credentials may see."),
    "FORBIDDEN": (errors.GitHubDenied, "Check what the credentials may do there."),
    "INSUFFICIENT_SCOPES": (errors.GitHubDenied, "Give the token the scopes that it lacks."),
    "UNPROCESSABLE": (errors.GitHubConflict, "Look at what is there, and act on that."),
    "STALE_DATA": (errors.GitHubConflict, "Ask again for what is there, and act on that."),
}
_MOST_SHOWN = 3
_MUTATION = re.compile(r"(?:^|\})\s*mutation\b", re.MULTILINE)


def queried(
    credentials: "GitHubCredentials", query: str, variables: Mapping[str, Any]
) -> dict[str, Any]:
    """Ask once; see `GitHubCredentials.graphql`."""
    from brickwork_github.clients import client_for

    client = client_for(credentials)
    answer = client.sender.send(
        f"POST {client.requester.graphql_url}",
        body={"query": query, "variables": variables},
        safe=_MUTATION.search(query) is None,
    )
    data = answer.data if isinstance(answer.data, dict) else {}
    if data.get("errors"):
        asked = pause_asked(200, answer.headers, json.dumps(data).encode(), 0)
        if asked is not None:
            raise limited(NAME, asked)
        raise _explained(data["errors"], answer.headers.get("x-github-request-id", ""))
    return dict(data.get("data") or {})


def everything(
    credentials: "GitHubCredentials",
    query: str,
    variables: Mapping[str, Any],
    limit: int | None = None,
) -> dict[str, Any]:
    """Ask until the cursor is at its end, and join the lists; see `GitHubCredentials.graphql`."""
    if limit is not None and limit < 1:
        raise InvalidArguments("limit is how many at most: 1 or more.", fix="Give a number.")
    if "$cursor" not in query or "pageInfo" not in query:
        raise InvalidArguments(
            "The query cannot be asked page by page.",
            fix="Let it take $cursor: String, pass it as after: $cursor, and ask for"
            " pageInfo { hasNextPage endCursor }.",
        )
    found = queried(credentials, query, variables)
    whole = last = _paged(found)
    while (cursor := _next(last)) and (limit is None or _length(whole) < limit):
        check_cancelled()
        if cursor == variables.get("cursor"):
            raise GitHubError(
                f"{NAME}: the next page begins where this one did.",
                fix="Pass the variable on: after: $cursor.",
            )
        variables = {**variables, "cursor": cursor}
        last = _paged(queried(credentials, query, variables))
        for name in last.keys() & _LISTS:
            whole[name] += last[name]
    whole["pageInfo"] = last["pageInfo"]
    for name in whole.keys() & _LISTS:
        whole[name] = whole[name][:limit]
    return found


_LISTS = frozenset({"nodes", "edges"})


def _next(page: Mapping[str, Any]) -> str | None:
    info = page["pageInfo"]
    return info.get("endCursor") if info.get("hasNextPage") else None


def _length(page: Mapping[str, Any]) -> int:
    return max((len(page[name]) for name in page.keys() & _LISTS), default=0)


def _paged(data: dict[str, Any]) -> dict[str, Any]:
    """Return the one object that has pages."""
    found = list(_with_pages(data))
    if len(found) != 1:
        raise InvalidArguments(
            f"The answer has {len(found)} lists with pages.",
            fix="Ask for just one pageInfo { hasNextPage endCursor }.",
        )
    return found[0]


def _with_pages(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for each in value:
            yield from _with_pages(each)
    elif isinstance(value, dict):
        if "pageInfo" in value:
            yield value
        for each in value.values():
            yield from _with_pages(each)


def _explained(problems: list[dict[str, Any]], request_id: str) -> GitHubError:
    from brickwork import mask

    kind = str(problems[0].get("type", ""))
    told = [" ".join(mask(str(each.get("message", ""))).split()) for each in problems]
    more = f", and {len(told) - _MOST_SHOWN} more" if len(told) > _MOST_SHOWN else ""
    made, fix = _KINDS.get(
        kind, (errors.GitHubInvalid, "Correct the query; see GitHub's reference of GraphQL.")
    )
    found = made(f"{NAME}: {'; '.join(told[:_MOST_SHOWN])}{more}", fix=fix)
    if isinstance(found, errors.GitHubInvalid):
        found.fields = tuple(
            f"{'.'.join(map(str, each.get('path') or ['query']))}: {text}"
            for each, text in zip(problems, told, strict=True)
        )
    return about(found, NAME, 200, request_id)
