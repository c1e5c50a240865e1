"""Prebuilt tasks that merge pull requests, and get them ready for that.

See https://docs.github.com/en/rest/pulls/pulls#merge-a-pull-request.
"""

from typing import Literal

from brickwork import progress
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.errors import (
    GitHubConflict,
    GitHubError,
    GitHubInvalid,
    GitHubNotMergeable,
    GitHubTimeout,
)
from brickwork_github.faults import about
from brickwork_github.polling import turns
from brickwork_github.pulls.models import PullRequest, PullRequestMerge
from brickwork_github.pulls.tasks import PULL, get_pull_request
from brickwork_github.requests import Request
from brickwork_github.tasks import retried_task

MergeMethod = Literal["merge", "squash", "rebase"]
"""How: by a merge commit, as one commit, or each commit by itself."""

COMPUTING_SECONDS = 60.0
"""For how long GitHub is given to compute whether a pull request can be merged."""

SLOWEST_POLL_SECONDS = 30.0

_REASONS = {
    "merged": ("it is merged", "There is nothing left to do."),
    "closed": ("it is closed", "Open it again by update_pull_request(..., state='open')."),
    "head_moved": (
        "its branch has moved on",
        "Look at what came, and give the commit that it is now.",
    ),
    "draft": ("it is a draft", "Mark it by mark_ready_for_review when it is."),
    "conflict": (
        "its changes conflict with those of its base",
        "Merge the base into its branch, solve the conflict, and push that.",
    ),
    "behind": (
        "its branch lacks commits of its base",
        "Bring it up to date by update_pull_request_branch.",
    ),
    "blocked": (
        "the rules of its base want more",
        "See which checks and reviews lack; wait_until_mergeable waits for them.",
    ),
}


@retried_task("contents:write", "pull_requests:read")
def merge_pull_request(
    credentials: GitHubCredentials,
    repository: str,
    number: int,
    *,
    method: MergeMethod = "merge",
    title: str | None = None,
    message: str | None = None,
    sha: str | None = None,
) -> PullRequestMerge:
    """Merge a pull request; of one that is merged already, tell how it was.

    While GitHub still computes whether it can be merged, and when one of the branches moved on
    just then, it is asked again for a minute. See
    https://docs.github.com/en/rest/pulls/pulls#merge-a-pull-request.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The pull request's.
        method: ``merge``, ``squash`` or ``rebase``, as the repository allows it.
        title: The first line of the commit's message; None: as GitHub makes it.
        message: The rest of it.
        sha: The commit that the head must be, whole, so that nothing is merged that came since it
            was reviewed; None: whatever is there.

    Returns:
        The commit by which it was merged.

    Raises:
        GitHubNotFound: There is no such pull request.
        GitHubNotMergeable: It cannot be merged; ``reason`` says why.
        GitHubDenied: The credentials may not.
        GitHubError: It was not merged.

    Examples:
        >>> merge_pull_request(credentials, repository, 1347, method="squash").sha
        '6dcb09b5b57875f334f61aebed695e2e4193db5e'
    """
    request = Request(credentials, f"PUT {PULL}/merge", repository, pull_number=number)
    body = {"merge_method": method, "commit_title": title, "commit_message": message, "sha": sha}
    for _ in turns(1.0, COMPUTING_SECONDS, SLOWEST_POLL_SECONDS):
        try:
            return request.one(PullRequestMerge.of, body=body)
        except GitHubConflict as error:
            refused = error
        pull = get_pull_request.fn(credentials, repository, number)
        if pull.merged and pull.merge_commit_sha and sha in (None, pull.head_sha):
            return PullRequestMerge(pull.merge_commit_sha, "Pull Request is already merged")
        reason = _against(pull, sha)
        if reason or not _may_pass(pull, refused):
            break
    raise _refusal(refused, reason) from None


@retried_task("pull_requests:read")
def is_pull_request_merged(credentials: GitHubCredentials, repository: str, number: int) -> bool:
    """Tell whether a pull request is merged.

    It is read as a whole, for GitHub answers its own question,
    https://docs.github.com/en/rest/pulls/pulls#check-if-a-pull-request-has-been-merged, in the
    same way for one that is not there.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The pull request's.

    Returns:
        Whether it is.

    Raises:
        GitHubNotFound: There is no such pull request.
        GitHubError: It cannot be read.

    Examples:
        >>> is_pull_request_merged(credentials, repository, 1347)
        True
    """
    return get_pull_request.fn(credentials, repository, number).merged


@retried_task("pull_requests:read")
def wait_until_mergeable(
    credentials: GitHubCredentials,
    repository: str,
    number: int,
    *,
    sha: str | None = None,
    poll_seconds: float = 2.0,
    max_wait_seconds: float | None = 600.0,
) -> PullRequest:
    """Wait until a pull request can be merged: computed, and as its base's rules want it.

    So it waits for checks and reviews that are required, but not for others. What waiting does not
    help fails at once: a conflict, a draft, a branch that is behind. See
    https://docs.github.com/en/rest/pulls/pulls#get-a-pull-request.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The pull request's.
        sha: The commit that its head must stay; None: whatever is there.
        poll_seconds: The first pause between two looks; it grows up to half a minute.
        max_wait_seconds: When to give up; None: never, only with the task.

    Returns:
        The pull request; hand its ``head_sha`` to `merge_pull_request`.

    Raises:
        GitHubNotFound: There is no such pull request.
        GitHubNotMergeable: It cannot be merged; ``reason`` says why.
        GitHubTimeout: It could not be merged in time.
        GitHubError: It cannot be read.
        TaskCancelled, TaskTimeout: The task was stopped meanwhile.

    Examples:
        >>> wait_until_mergeable(credentials, repository, 1347).mergeable_state
        'clean'
    """
    what = f"{repository}#{number}"
    for _ in turns(poll_seconds, max_wait_seconds, SLOWEST_POLL_SECONDS):
        pull = get_pull_request.fn(credentials, repository, number)
        reason = _against(pull, sha)
        if reason not in ("", "blocked"):
            why, fix = _REASONS[reason]
            raise _not_mergeable(f"{what} cannot be merged: {why}.", fix, reason)
        if pull.mergeable and not reason and pull.mergeable_state != "unknown":
            return pull
        progress(0, None, f"{what}: {pull.mergeable_state}")
    raise GitHubTimeout(
        f"{what} could not be merged within {max_wait_seconds:g} s: it is {pull.mergeable_state}.",
        fix=f"See which checks and reviews lack, or give it longer: {pull.url}",
    )


@retried_task("contents:write", "pull_requests:write")
def update_pull_request_branch(
    credentials: GitHubCredentials, repository: str, number: int, *, sha: str | None = None
) -> bool:
    """Merge the base of a pull request into its branch.

    GitHub does it a moment later: see `wait_until_mergeable`. See
    https://docs.github.com/en/rest/pulls/pulls#update-a-pull-request-branch.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        number: The pull request's.
        sha: The commit that the head must be, whole; None: whatever is there.

    Returns:
        Whether there was anything to merge.

    Raises:
        GitHubNotFound: There is no such pull request.
        GitHubNotMergeable: There is a conflict, or the branch has moved on; ``reason`` says which.
        GitHubDenied: The credentials may not push to the branch.
        GitHubError: It was not merged.

    Examples:
        >>> update_pull_request_branch(credentials, repository, 1347)
        True
    """
    request = Request(credentials, f"PUT {PULL}/update-branch", repository, pull_number=number)
    try:
        request.send(body={"expected_head_sha": sha})
    except GitHubInvalid as refused:
        if "no new commits" in refused.what.lower():
            return False
        pull = get_pull_request.fn(credentials, repository, number)
        reason = _against(pull, sha)
        if reason == "head_moved" and _merged_into(credentials, repository, pull.head_sha, sha):
            return True  # before, and the answer was lost
        if reason in ("merged", "closed", "head_moved", "conflict"):
            raise _refusal(refused, reason) from None
        raise
    return True


def _merged_into(
    credentials: GitHubCredentials, repository: str, head: str, before: str | None
) -> bool:
    """Tell whether a commit merges something into another, and does nothing else."""
    route = "GET /repos/{owner}/{repo}/commits/{ref}"
    parents = Request(credentials, route, repository, ref=head).send().data["parents"]
    return len(parents) == 2 and parents[0]["sha"] == before


def _against(pull: PullRequest, sha: str | None) -> str:
    """Return why a pull request cannot be merged; empty where nothing is known."""
    if pull.state != "open":
        return "merged" if pull.merged else "closed"
    if sha not in (None, pull.head_sha):
        return "head_moved"
    if pull.draft:
        return "draft"
    if pull.mergeable is False:
        return "conflict"
    state = pull.mergeable_state or ""
    return state if state in ("behind", "blocked") else ""


def _may_pass(pull: PullRequest, refused: GitHubConflict) -> bool:
    """Tell whether the same request may succeed a little later."""
    # "Base branch was modified", and the same of the head; with `sha` only that one is merged.
    return pull.mergeable is None or "branch was modified" in refused.what.lower()


def _refusal(refused: GitHubError, reason: str) -> GitHubNotMergeable:
    fix = _REASONS[reason][1] if reason else "See what GitHub says, and act on that."
    return about(
        _not_mergeable(refused.what, fix, reason or "refused"),
        refused.request,
        refused.status,
        refused.request_id,
        refused.documentation_url,
    )


def _not_mergeable(what: str, fix: str, reason: str) -> GitHubNotMergeable:
    found = GitHubNotMergeable(what, fix=fix)
    found.reason = reason
    return found
