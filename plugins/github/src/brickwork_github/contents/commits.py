"""Prebuilt tasks on commits: https://docs.github.com/en/rest/commits/commits."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from brickwork import check_cancelled
from brickwork_github.clients import PER_PAGE
from brickwork_github.contents.models import ChangedFile, Commit, Comparison
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.requests import Request, check_limit, next_page
from brickwork_github.tasks import retried_task


@retried_task("contents:read")
def list_commits(
    credentials: GitHubCredentials,
    repository: str,
    *,
    ref: str | None = None,
    path: str | None = None,
    author: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
) -> list[Commit]:
    """List the commits of a branch, the newest first.

    See https://docs.github.com/en/rest/commits/commits#list-commits.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        ref: A branch, a tag or a commit to begin with; by default the default branch.
        path: Only those that change this file or folder.
        author: Only those of this account or address.
        since: Only those since then.
        until: Only those until then.
        limit: At most so many; None: all.

    Returns:
        The commits, without the files they change.

    Raises:
        GitHubNotFound: There is no such repository, or no such ref.
        GitHubConflict: The repository has no commits.
        GitHubError: They cannot be read.

    Examples:
        >>> for commit in list_commits(credentials, repository, limit=10):
        ...     print(commit.sha[:7], commit.author, commit.message)
        6dcb09b Monalisa Octocat Fix all the bugs
    """
    return Request(credentials, "GET /repos/{owner}/{repo}/commits", repository).many(
        Commit.of,
        limit,
        query={"sha": ref, "path": path, "author": author, "since": since, "until": until},
    )


@retried_task("contents:read")
def get_commit(credentials: GitHubCredentials, repository: str, ref: str = "HEAD") -> Commit:
    """Return a commit, with the files it changes.

    GitHub tells of 3,000 files at most. See
    https://docs.github.com/en/rest/commits/commits#get-a-commit.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        ref: A branch, a tag or a commit; ``HEAD`` is the default branch's last one.

    Returns:
        The commit.

    Raises:
        GitHubInvalid: There is no such commit.
        GitHubNotFound: There is no such repository.
        GitHubError: It cannot be read.

    Examples:
        >>> commit = get_commit(credentials, repository)
        >>> commit.message, [file.path for file in commit.files]
        ('Fix all the bugs', ['file1.txt'])
    """
    asked = Request(credentials, "GET /repos/{owner}/{repo}/commits/{ref}", repository, ref=ref)
    pages = list(_pages(asked))
    files = [ChangedFile.of(each) for page in pages for each in page.get("files") or ()]
    return replace(Commit.of(pages[0]), files=tuple(files))


@retried_task("contents:read")
def compare_commits(
    credentials: GitHubCredentials,
    repository: str,
    base: str,
    head: str,
    *,
    limit: int | None = None,
) -> Comparison:
    """Compare two commits: what the head has that the base has not.

    See https://docs.github.com/en/rest/commits/commits#compare-two-commits.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        base: A branch, a tag or a commit; of a fork as ``owner:branch``.
        head: As the base.
        limit: Tell of so many commits at most; None: of all.

    Returns:
        The comparison.

    Raises:
        GitHubNotFound: There is no such commit, or they have nothing in common.
        GitHubError: They cannot be compared.

    Examples:
        >>> found = compare_commits(credentials, repository, "main", "next")
        >>> found.status, found.ahead_by, [file.path for file in found.files]
        ('behind', 1, ['file1.txt'])
    """
    check_limit(limit)
    route = "GET /repos/{owner}/{repo}/compare/{basehead}"
    asked = Request(credentials, route, repository, basehead=f"{base}...{head}")
    commits: list[Commit] = []
    first: Any = None
    for page in _pages(asked, limit):
        first = first or page
        commits += map(Commit.of, page["commits"])
        if limit is not None and len(commits) >= limit:
            break
    return Comparison(
        status=first["status"],
        ahead_by=first["ahead_by"],
        behind_by=first["behind_by"],
        merge_base=first["merge_base_commit"]["sha"],
        commits=tuple(commits[:limit]),
        files=tuple(map(ChangedFile.of, first.get("files") or ())),
        url=first["html_url"],
    )


def _pages(asked: Request, limit: int | None = None) -> Iterator[Any]:
    """Give an answer whose lists go on in further pages, page by page."""
    size, number = PER_PAGE if limit is None else max(1, min(limit, PER_PAGE)), 1
    while True:
        answer = asked.send(query={"per_page": size, "page": number})
        yield answer.data
        if next_page(answer.headers) is None:
            return
        number += 1
        check_cancelled()
