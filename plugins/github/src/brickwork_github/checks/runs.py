"""Prebuilt tasks on check runs: https://docs.github.com/en/rest/checks/runs."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

from brickwork import InvalidArguments
from brickwork_github.checks.models import (
    CheckAnnotation,
    CheckConclusion,
    CheckRun,
    CheckStatus,
)
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.errors import GitHubUnavailable
from brickwork_github.requests import Request
from brickwork_github.tasks import retried_task, task_once

MOST_ANNOTATIONS = 50
"""How many GitHub takes with one request."""

_RUNS = "/repos/{owner}/{repo}/check-runs"
_RUN = f"{_RUNS}/{{check_run_id}}"


@task_once("checks:write")
def create_check_run(
    credentials: GitHubCredentials,
    repository: str,
    name: str,
    head_sha: str,
    *,
    status: CheckStatus = "in_progress",
    conclusion: CheckConclusion | None = None,
    title: str | None = None,
    summary: str | None = None,
    text: str | None = None,
    annotations: Sequence[CheckAnnotation] = (),
    details_url: str | None = None,
    external_id: str | None = None,
) -> CheckRun:
    """Begin a check of a commit, or report one that has ended.

    Only a GitHub App may, which the token of a workflow is one of; a person's token may not.

    Not retried: there might be two. If the answer is lost, the check is looked for by its external
    id. See https://docs.github.com/en/rest/checks/runs#create-a-check-run.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        name: What is checked.
        head_sha: The whole id of the commit.
        status: ``queued``, ``in_progress`` or, with a conclusion, ``completed``.
        conclusion: How it ended, if it has.
        title: Of its output; by default the name.
        summary: Of its output, in Markdown: 65,535 characters at most.
        text: More of it, likewise; needs a summary.
        annotations: Remarks on lines of files; sent by fifties. They need a summary, too.
        details_url: Where more is said; by default the App's page.
        external_id: What to call it; by default a text that nothing else is called.

    Returns:
        The check run.

    Raises:
        GitHubDenied: These are not the credentials of an App, or it may not.
        GitHubNotFound: There is no such repository.
        GitHubInvalid: There is no such commit, or a text is too long.
        InvalidArguments: A text or annotations without a summary.
        GitHubError: It was not begun, or not all of it was said.

    Examples:
        >>> sha = "ce587453ced02b1526dfb4cb910479d431683101"
        >>> check = create_check_run(credentials, repository, "load", sha, summary="Begun.")
        >>> check.id
        4
    """
    first, rest = annotations[:MOST_ANNOTATIONS], annotations[MOST_ANNOTATIONS:]
    external_id = external_id or f"brickwork-{uuid4().hex}"
    end = {} if conclusion is None or rest else _ended(conclusion)
    try:
        made = Request(credentials, f"POST {_RUNS}", repository).one(
            CheckRun.of,
            body={
                "name": name,
                "head_sha": head_sha,
                "external_id": external_id,
                "details_url": details_url,
                "status": "in_progress" if rest else status,
                "started_at": datetime.now(UTC),
                "output": _output(title or name, summary, text, first),
                **end,
            },
        )
    except GitHubUnavailable:
        found = find_check_run(credentials, repository, name, head_sha, external_id)
        if found is None:
            raise
        made = found
    if not rest:
        return made
    return update_check_run.fn(
        credentials,
        repository,
        made.id,
        conclusion=conclusion,
        status=None if conclusion else status,
        title=title or name,
        summary=summary,
        text=text,
        annotations=rest,
    )


@task_once("checks:write")
def update_check_run(
    credentials: GitHubCredentials,
    repository: str,
    check_run_id: int,
    *,
    name: str | None = None,
    status: CheckStatus | None = None,
    conclusion: CheckConclusion | None = None,
    title: str | None = None,
    summary: str | None = None,
    text: str | None = None,
    annotations: Sequence[CheckAnnotation] = (),
    details_url: str | None = None,
    external_id: str | None = None,
) -> CheckRun:
    """Say more of a check, or how it ended.

    Annotations are added to those that are there, fifty with a request, and the conclusion goes
    with the last of them. Not retried as a whole: annotations would be there twice; requests
    without them are. See https://docs.github.com/en/rest/checks/runs#update-a-check-run.

    Args:
        credentials: Whose: the App's that began it.
        repository: ``owner/name``.
        check_run_id: The check run's id.
        name: What is checked.
        status: ``queued``, ``in_progress`` or, with a conclusion, ``completed``.
        conclusion: How it ended.
        title: Of its output.
        summary: Of its output, in Markdown: 65,535 characters at most; needs a title.
        text: More of it, likewise; needs both.
        annotations: Remarks on lines of files; they need both, too.
        details_url: Where more is said.
        external_id: What to call it.

    Returns:
        The check run as it is now.

    Raises:
        GitHubDenied: It is another App's, or the App may not.
        GitHubNotFound: There is none.
        GitHubInvalid: A text is too long.
        InvalidArguments: A text or annotations without a summary.
        GitHubError: Not all of it was said.

    Examples:
        >>> update_check_run(credentials, repository, 4, conclusion="neutral").conclusion
        'neutral'
    """

    def sent(body: dict[str, Any], batch: Sequence[CheckAnnotation]) -> CheckRun:
        return Request(
            credentials, f"PATCH {_RUN}", repository, safe=not batch, check_run_id=check_run_id
        ).one(CheckRun.of, body={**body, "output": _output(title, summary, text, batch)})

    *before, last = list(_batches(annotations))
    for batch in before:
        sent({}, batch)
    return sent(
        {
            "name": name,
            "status": status,
            "details_url": details_url,
            "external_id": external_id,
            **({} if conclusion is None else _ended(conclusion)),
        },
        last,
    )


@retried_task("checks:read")
def get_check_run(credentials: GitHubCredentials, repository: str, check_run_id: int) -> CheckRun:
    """Return a check run.

    See https://docs.github.com/en/rest/checks/runs#get-a-check-run.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        check_run_id: The check run's id.

    Returns:
        The check run.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It cannot be read.

    Examples:
        >>> get_check_run(credentials, repository, 4).name
        'mighty_readme'
    """
    return Request(credentials, f"GET {_RUN}", repository, check_run_id=check_run_id).one(
        CheckRun.of
    )


@retried_task("checks:read")
def list_check_runs(
    credentials: GitHubCredentials,
    repository: str,
    ref: str,
    *,
    name: str | None = None,
    status: CheckStatus | None = None,
    which: Literal["latest", "all"] = "latest",
    app_id: int | None = None,
    limit: int | None = None,
) -> list[CheckRun]:
    """List the check runs of a commit.

    See https://docs.github.com/en/rest/checks/runs#list-check-runs-for-a-git-reference.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        ref: A commit, a branch or a tag.
        name: Only those of this name.
        status: Only those in this state.
        which: ``latest``: of each name the last one; or ``all``.
        app_id: Only those of this App.
        limit: At most so many; None: all.

    Returns:
        The check runs.

    Raises:
        GitHubNotFound: There is no such repository or commit.
        GitHubError: They cannot be read.

    Examples:
        >>> for check in list_check_runs(credentials, repository, "main"):
        ...     print(check.name, check.conclusion)
        mighty_readme neutral
    """
    route = "GET /repos/{owner}/{repo}/commits/{ref}/check-runs"
    return Request(credentials, route, repository, ref=ref).many(
        CheckRun.of,
        limit,
        query={"check_name": name, "status": status, "filter": which, "app_id": app_id},
    )


@retried_task("checks:read")
def list_check_annotations(
    credentials: GitHubCredentials,
    repository: str,
    check_run_id: int,
    *,
    limit: int | None = None,
) -> list[CheckAnnotation]:
    """List the annotations of a check run.

    See https://docs.github.com/en/rest/checks/runs#list-check-run-annotations.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        check_run_id: The check run's id.
        limit: At most so many; None: all.

    Returns:
        The annotations.

    Raises:
        GitHubNotFound: There is no such check run.
        GitHubError: They cannot be read.

    Examples:
        >>> for found in list_check_annotations(credentials, repository, 4):
        ...     print(f"{found.path}:{found.start_line}: {found.message}")
        README.md:2: Check your spelling for 'banaas'.
    """
    asked = Request(credentials, f"GET {_RUN}/annotations", repository, check_run_id=check_run_id)
    return asked.many(CheckAnnotation.of, limit)


def find_check_run(
    credentials: GitHubCredentials, repository: str, name: str, ref: str, external_id: str
) -> CheckRun | None:
    """Return the check run of a commit that is called so; None if there is none."""
    runs = list_check_runs.fn(credentials, repository, ref, name=name, which="all")
    return next((run for run in runs if run.external_id == external_id), None)


def _ended(conclusion: CheckConclusion) -> dict[str, Any]:
    return {"status": "completed", "conclusion": conclusion, "completed_at": datetime.now(UTC)}


def _batches(annotations: Sequence[CheckAnnotation]) -> Iterator[Sequence[CheckAnnotation]]:
    """Give them by fifties; one empty batch if there are none."""
    for start in range(0, max(len(annotations), 1), MOST_ANNOTATIONS):
        yield annotations[start : start + MOST_ANNOTATIONS]


def _output(
    title: str | None,
    summary: str | None,
    text: str | None,
    annotations: Sequence[CheckAnnotation],
) -> dict[str, Any] | None:
    if summary is None and text is None and not annotations:
        return None
    if title is None or summary is None:
        raise InvalidArguments(
            "The text and the annotations of a check need a title and a summary.",
            fix="Give title and summary.",
        )
    return {
        "title": title,
        "summary": summary,
        "text": text,
        "annotations": [each.body() for each in annotations] or None,
    }
