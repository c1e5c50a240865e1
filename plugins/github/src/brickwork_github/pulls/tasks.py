"""Prebuilt tasks on pull requests: https://docs.github.com/en/rest/pulls/pulls."""

from typing import Literal, NoReturn

from brickwork_github.contents.models import ChangedFile, Commit
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.errors import GitHubConflict, GitHubInvalid
from brickwork_github.faults import about
from brickwork_github.pulls.models import PullRequest
from brickwork_github.requests import Request
from brickwork_github.tasks import retried_task

_PULLS = "/repos/{owner}/{repo}/pulls"
PULL = f"{_PULLS}/{{pull_number}}"
"""The path of a pull request."""

DIFF = "application/vnd.github.diff"


@retried_task("pull_requests:write")
def create_pull_request(
    credentials: GitHubCredentials,
    repository: str,
    title: str,
    head: str,
    base: str | None = None,
    *,
    body: str | None = None,
    draft: bool | None = None,
    maintainer_can_modify: bool | None = None,
    head_repository: str | None = None,
) -> PullRequest:
    """Open a pull request, unless the same one is open already.

    GitHub takes no second one from a branch into another. So when an answer was lost, the one that
    was opened is found by its title and text. See
    https://docs.github.com/en/rest/pulls/pulls#create-a-pull-request.

    Args:
        credentials: Whose.
        repository: ``owner/name`` of where it goes.
        title: The title.
        head: The branch it comes from; in a fork of another owner ``owner:branch``.
        base: The branch it goes into; None: the repository's default branch.
        body: The text, in Markdown.
        draft: Whether it is a draft.
        maintainer_can_modify: Whether those who maintain the repository may push to a fork's
            branch; None: they may.
        head_repository: The name of the fork, where it has the same owner as the repository.

    Returns:
        The pull request.

    Raises:
        GitHubConflict: Another one from this branch into that one is open.
        GitHubInvalid: There is no such branch, or nothing in it that is new.
        GitHubDenied: The credentials may not, or the repository is archived.
        GitHubError: It was not opened.

    Examples:
        >>> pull = create_pull_request(credentials, repository, "Amazing new feature", "new-topic")
        >>> pull.number, pull.state, pull.head, pull.base
        (1347, 'open', 'new-topic', 'master')
    """
    into = base or _default_branch(credentials, repository)
    # Safe: a second one is refused.
    request = Request(credentials, f"POST {_PULLS}", repository, safe=True)
    try:
        return request.one(
            PullRequest.of,
            body={
                "title": title,
                "head": head,
                "base": into,
                "body": body,
                "draft": draft,
                "maintainer_can_modify": maintainer_can_modify,
                "head_repo": head_repository,
            },
        )
    except GitHubInvalid as refused:
        if "already exists" not in refused.what:
            raise
        owner = "" if ":" in head else f"{repository.partition('/')[0]}:"
        query = {"head": f"{owner}{head}", "base": into, "state": "open"}
        listing = Request(credentials, f"GET {_PULLS}", repository)
        for there in listing.many(PullRequest.of, None, query=query):
            if head_repository in (None, (there.head_repository or "").partition("/")[2]):
                if (there.title, _text(there.body)) == (title.strip(), _text(body)):
                    return get_pull_request.fn(credentials, repository, there.number)
                _refuse(refused, there)
        raise


def _default_branch(credentials: GitHubCredentials, repository: str) -> str:
    found = Request(credentials, "GET /repos/{owner}/{repo}", repository).send().data
    return str(found["default_branch"])


def _text(body: str | None) -> list[str]:
    return (body or "").strip().splitlines()


def _refuse(refused: GitHubInvalid, there: PullRequest) -> NoReturn:
    raise about(
        GitHubConflict(
            f"{refused.request}: #{there.number} is open from {there.head} into {there.base}.",
            fix=f"Change that one by update_pull_request, or close it: {there.url}",
        ),
        refused.request,
        refused.status,
        refused.request_id,
        refused.documentation_url,
    ) from None


@retried_task("pull_requests:read")
def get_pull_request(credentials: GitHubCredentials, repository: str, number: int) -> PullRequest:
    """Return a pull request.

    GitHub computes whether it can be merged only when it is asked, so that ``mergeable`` may be
    None at first: see `wait_until_mergeable`. See
    https://docs.github.com/en/rest/pulls/pulls#get-a-pull-request.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The pull request's.

    Returns:
        The pull request.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It cannot be read.

    Examples:
        >>> pull = get_pull_request(credentials, repository, 1347)
        >>> pull.title, pull.changed_files, pull.mergeable
        ('Amazing new feature', 5, True)
    """
    return Request(credentials, f"GET {PULL}", repository, pull_number=number).one(PullRequest.of)


@retried_task("pull_requests:read")
def get_pull_request_diff(credentials: GitHubCredentials, repository: str, number: int) -> str:
    """Return what a pull request changes, in the form of ``git diff``.

    See https://docs.github.com/en/rest/pulls/pulls#get-a-pull-request.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The pull request's.

    Returns:
        The difference; up to 20,000 lines, says GitHub.

    Raises:
        GitHubNotFound: There is no such pull request.
        GitHubError: It cannot be read, or is too large.

    Examples:
        >>> print(get_pull_request_diff(credentials, repository, 1347))
        diff --git a/README.md b/README.md
        ...
    """
    request = Request(credentials, f"GET {PULL}", repository, accept=DIFF, pull_number=number)
    return str(request.send().data or "")


@retried_task("pull_requests:write")
def update_pull_request(
    credentials: GitHubCredentials,
    repository: str,
    number: int,
    *,
    title: str | None = None,
    body: str | None = None,
    state: Literal["open", "closed"] | None = None,
    base: str | None = None,
    maintainer_can_modify: bool | None = None,
) -> PullRequest:
    """Change a pull request; what is None stays as it is.

    Labels, assignees and the milestone are those of its issue: see `update_issue`. See
    https://docs.github.com/en/rest/pulls/pulls#update-a-pull-request.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The pull request's.
        title: The title.
        body: The text, in Markdown; an empty one takes it away.
        state: ``open`` or ``closed``.
        base: The branch it goes into.
        maintainer_can_modify: Whether those who maintain the repository may push to a fork's
            branch.

    Returns:
        The pull request as it is now.

    Raises:
        GitHubNotFound: There is none.
        GitHubInvalid: It is merged, there is no such branch, or another one is open for it.
        GitHubError: It was not changed.

    Examples:
        >>> update_pull_request(credentials, repository, 1347, body="Please pull these").number
        1347
    """
    request = Request(credentials, f"PATCH {PULL}", repository, safe=True, pull_number=number)
    return request.one(
        PullRequest.of,
        body={
            "title": title,
            "body": body,
            "state": state,
            "base": base,
            "maintainer_can_modify": maintainer_can_modify,
        },
    )


@retried_task("pull_requests:write")
def close_pull_request(credentials: GitHubCredentials, repository: str, number: int) -> PullRequest:
    """Close a pull request without merging it; one that is closed stays so.

    `update_pull_request` opens it again, with ``state="open"``. See
    https://docs.github.com/en/rest/pulls/pulls#update-a-pull-request.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The pull request's.

    Returns:
        The pull request as it is now.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It was not closed.

    Examples:
        >>> close_pull_request(credentials, repository, 1347).number
        1347
    """
    return update_pull_request.fn(credentials, repository, number, state="closed")


@retried_task("pull_requests:read")
def list_pull_requests(
    credentials: GitHubCredentials,
    repository: str,
    *,
    state: Literal["open", "closed", "all"] = "open",
    head: str | None = None,
    base: str | None = None,
    sort: Literal["created", "updated", "popularity", "long-running"] = "created",
    direction: Literal["asc", "desc"] = "desc",
    limit: int | None = None,
) -> list[PullRequest]:
    """List the pull requests of a repository.

    See https://docs.github.com/en/rest/pulls/pulls#list-pull-requests; `search_issues` finds them
    by label, author or text.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        state: ``open``, ``closed`` or ``all``; merged ones are closed.
        head: Only those from this branch, ``branch`` or, in a fork, ``owner:branch``.
        base: Only those into this branch.
        sort: By what; ``popularity``: by the number of comments.
        direction: ``asc`` or ``desc``.
        limit: At most so many; None: all.

    Returns:
        The pull requests, without what GitHub says only of a single one.

    Raises:
        GitHubNotFound: There is no such repository.
        GitHubError: They cannot be read.

    Examples:
        >>> for pull in list_pull_requests(credentials, repository, base="master", limit=10):
        ...     print(pull.number, pull.title, pull.author)
        1347 Amazing new feature octocat
    """
    if head is not None and ":" not in head:  # which GitHub would leave out of account in silence
        head = f"{repository.partition('/')[0]}:{head}"
    query = {"state": state, "head": head, "base": base, "sort": sort, "direction": direction}
    return Request(credentials, f"GET {_PULLS}", repository).many(
        PullRequest.of, limit, query=query
    )


@retried_task("pull_requests:read")
def list_pull_requests_of_commit(
    credentials: GitHubCredentials, repository: str, sha: str, *, limit: int | None = None
) -> list[PullRequest]:
    """List the pull requests that brought a commit into the repository, or would bring it.

    That is the merged one of a commit of the default branch; of another, also the open ones. See
    https://docs.github.com/en/rest/commits/commits#list-pull-requests-associated-with-a-commit.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        sha: The commit's id.
        limit: At most so many; None: all.

    Returns:
        The pull requests, without what GitHub says only of a single one.

    Raises:
        GitHubInvalid: There is no such commit.
        GitHubNotFound: There is no such repository.
        GitHubError: They cannot be read.

    Examples:
        >>> sha = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
        >>> [pull.number for pull in list_pull_requests_of_commit(credentials, repository, sha)]
        [1347]
    """
    route = "GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls"
    return Request(credentials, route, repository, commit_sha=sha).many(PullRequest.of, limit)


@retried_task("pull_requests:read")
def list_pull_request_files(
    credentials: GitHubCredentials, repository: str, number: int, *, limit: int | None = None
) -> list[ChangedFile]:
    """List the files that a pull request changes.

    GitHub gives 3,000 at most. See
    https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The pull request's.
        limit: At most so many; None: all that GitHub gives.

    Returns:
        The files.

    Raises:
        GitHubNotFound: There is no such pull request.
        GitHubError: They cannot be read.

    Examples:
        >>> for file in list_pull_request_files(credentials, repository, 1347):
        ...     print(file.status, file.path, file.additions, file.deletions)
        added file1.txt 103 21
    """
    request = Request(credentials, f"GET {PULL}/files", repository, pull_number=number)
    return request.many(ChangedFile.of, limit)


@retried_task("pull_requests:read")
def list_pull_request_commits(
    credentials: GitHubCredentials, repository: str, number: int, *, limit: int | None = None
) -> list[Commit]:
    """List the commits of a pull request, the oldest first.

    GitHub gives 250 at most. See
    https://docs.github.com/en/rest/pulls/pulls#list-commits-on-a-pull-request.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The pull request's.
        limit: At most so many; None: all that GitHub gives.

    Returns:
        The commits.

    Raises:
        GitHubNotFound: There is no such pull request.
        GitHubError: They cannot be read.

    Examples:
        >>> for commit in list_pull_request_commits(credentials, repository, 1347):
        ...     print(commit.sha[:7], commit.message)
        6dcb09b Fix all the bugs
    """
    request = Request(credentials, f"GET {PULL}/commits", repository, pull_number=number)
    return request.many(Commit.of, limit)
