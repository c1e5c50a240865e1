"""Tasks for whatever has no task of its own: any route of the REST API, and GraphQL."""

from typing import Any

from brickwork_github.credentials import GitHubCredentials
from brickwork_github.tasks import task_once


@task_once()
def github_call(
    credentials: GitHubCredentials,
    route: str,
    *,
    repository: str | None = None,
    all_pages: bool = True,
    limit: int | None = None,
    **parameters: Any,
) -> Any:
    """Call any route of GitHub's REST API.

    The route and the parameters are checked against the routes that GitHub has before anything is
    sent. Not retried as a task: nobody knows whether the call may be repeated; the requests are,
    where their method allows it. See https://docs.github.com/en/rest.

    Args:
        credentials: Whose.
        route: The method and the path, as GitHub's documentation has them:
            ``POST /repos/{owner}/{repo}/issues``.
        repository: ``owner/name``, in place of ``owner`` and ``repo``.
        all_pages: Whether to read an answer that has pages to its end, and join them.
        limit: Of an answer that has pages, at most so many items.
        parameters: What the route takes in its path, its query and its body, with GitHub's names.
            Secrets go in clear; None is left out.

    Returns:
        The answer, as JSON has it; None where it has no body. Of pages, the list of their items.

    Raises:
        InvalidArguments: There is no such route, or it does not take that; nothing was sent.
        GitHubError: It failed; the class says how.
        BlockError: The credentials have no token.

    Examples:
        >>> route = "GET /repos/{owner}/{repo}/issues"
        >>> found = github_call(credentials, route, repository="octocat/Hello-World", state="open")
        >>> [issue["number"] for issue in found]
        [1347]
    """
    from brickwork_github.requests import Request
    from brickwork_github.routes import route_for

    known = route_for(route)
    path, query, body = known.sorted(parameters, has_repository=repository is not None)
    request = Request(credentials, known.name, repository, **path)
    if all_pages and "page" in known.query:
        return request.many(_itself, limit, query=query)
    return request.send(query=query, body=body or None).data


@task_once()
def github_graphql(
    credentials: GitHubCredentials,
    query: str,
    *,
    variables: dict[str, Any] | None = None,
    all_pages: bool = False,
    limit: int | None = None,
) -> dict[str, Any]:
    """Ask GitHub's GraphQL API.

    Not retried as a task: nobody knows whether a mutation may be repeated; queries are sent again
    one by one. See https://docs.github.com/en/graphql/guides/forming-calls-with-graphql.

    Args:
        credentials: Whose.
        query: The query or mutation.
        variables: By name, without the ``$``. Secrets go in clear.
        all_pages: Whether to follow the cursor to the end, and join the lists; see
            `GitHubCredentials.graphql`.
        limit: Of all pages, at most so many items; None: all.

    Returns:
        The answer's ``data``.

    Raises:
        InvalidArguments: With ``all_pages``: the query cannot be asked page by page, or ``limit``
            is below 1.
        GitHubError: It failed; the class says how.
        BlockError: The credentials have no token.

    Examples:
        >>> github_graphql(credentials, "{ viewer { login } }")
        {'viewer': {'login': '...'}}
    """
    return credentials.graphql(query, variables, all_pages=all_pages, limit=limit)


def _itself(item: Any) -> Any:
    return item
