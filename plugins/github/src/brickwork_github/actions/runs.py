"""Prebuilt tasks on workflow runs and their jobs.

See https://docs.github.com/en/rest/actions/workflow-runs and
https://docs.github.com/en/rest/actions/workflow-jobs.
"""

from datetime import datetime
from typing import Literal

from brickwork_github.actions.models import WorkflowJob, WorkflowRun
from brickwork_github.actions.workflows import file_or_id
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.errors import GitHubConflict, GitHubUnavailable
from brickwork_github.requests import Request
from brickwork_github.sending import sendable
from brickwork_github.tasks import retried_task, task_once

_ACTIONS = "/repos/{owner}/{repo}/actions"
_RUN = f"{_ACTIONS}/runs/{{run_id}}"


@retried_task("actions:read")
def list_workflow_runs(
    credentials: GitHubCredentials,
    repository: str,
    *,
    workflow: str | int | None = None,
    status: str | None = None,
    branch: str | None = None,
    event: str | None = None,
    actor: str | None = None,
    sha: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
) -> list[WorkflowRun]:
    """List the workflow runs of a repository, the newest first.

    With a filter GitHub gives a thousand at most. See
    https://docs.github.com/en/rest/actions/workflow-runs#list-workflow-runs-for-a-repository.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        workflow: Only those of the workflow with this file, ``load.yml``, or id.
        status: Only those that are so, or ended so: ``in_progress``, ``failure`` ...
        branch: Only those of this branch.
        event: Only those that this started: ``push``, ``workflow_dispatch`` ...
        actor: Only those that this one started.
        sha: Only those of this commit.
        since: Only those that were started then or later.
        until: Only those that were started then or before.
        limit: At most so many; None: all.

    Returns:
        The runs.

    Raises:
        GitHubNotFound: There is no such repository or workflow.
        GitHubError: They cannot be read.

    Examples:
        >>> for run in list_workflow_runs(credentials, repository, status="queued", limit=5):
        ...     print(run.number, run.name, run.status)
        562 Build queued
    """
    if workflow is None:
        asked = Request(credentials, f"GET {_ACTIONS}/runs", repository)
    else:
        route = f"GET {_ACTIONS}/workflows/{{workflow_id}}/runs"
        asked = Request(credentials, route, repository, workflow_id=file_or_id(workflow))
    return asked.many(
        WorkflowRun.of,
        limit,
        query={
            "status": status,
            "branch": branch,
            "event": event,
            "actor": actor,
            "head_sha": sha,
            "created": created(since, until),
        },
    )


@retried_task("actions:read")
def get_workflow_run(credentials: GitHubCredentials, repository: str, run_id: int) -> WorkflowRun:
    """Return a workflow run.

    See https://docs.github.com/en/rest/actions/workflow-runs#get-a-workflow-run.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        run_id: The run's id.

    Returns:
        The run, as its last attempt is.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It cannot be read.

    Examples:
        >>> run = get_workflow_run(credentials, repository, 30433642)
        >>> run.name, run.event, run.branch
        ('Build', 'push', 'main')
    """
    return Request(credentials, f"GET {_RUN}", repository, run_id=run_id).one(WorkflowRun.of)


@retried_task("actions:write")
def cancel_workflow_run(
    credentials: GitHubCredentials, repository: str, run_id: int, *, force: bool = False
) -> None:
    """Cancel a workflow run; one that has ended stays as it is.

    GitHub takes its time for it: `wait_for_workflow_run` waits for the end. See
    https://docs.github.com/en/rest/actions/workflow-runs#cancel-a-workflow-run.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        run_id: The run's id.
        force: Skip what the workflow does ``if: always()``; for a run that does not end otherwise.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It was not cancelled.

    Examples:
        >>> cancel_workflow_run(credentials, repository, 30433642)
    """
    route = f"POST {_RUN}/{'force-cancel' if force else 'cancel'}"
    try:
        Request(credentials, route, repository, safe=True, run_id=run_id).send()
    except GitHubConflict:
        if not get_workflow_run.fn(credentials, repository, run_id).is_completed:
            raise


@task_once("actions:write")
def rerun_workflow_run(
    credentials: GitHubCredentials, repository: str, run_id: int, *, debug: bool = False
) -> int:
    """Run all jobs of a workflow run again.

    Not retried: there might be one attempt too many; an answer that is lost is found out by the
    number of attempts. See https://docs.github.com/en/rest/actions/workflow-runs#re-run-a-workflow.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        run_id: The run's id.
        debug: Whether its log says more.

    Returns:
        The number of the new attempt, for `wait_for_workflow_run`.

    Raises:
        GitHubNotFound: There is none.
        GitHubDenied: It still runs, or is older than GitHub runs again.
        GitHubError: It was not run again.

    Examples:
        >>> rerun_workflow_run(credentials, repository, 30433642)
        2
    """
    return _again(credentials, repository, run_id, "rerun", debug)


@task_once("actions:write")
def rerun_failed_jobs(
    credentials: GitHubCredentials, repository: str, run_id: int, *, debug: bool = False
) -> int:
    """Run the jobs of a workflow run again that failed, and those that need them.

    Not retried, as `rerun_workflow_run`. See
    https://docs.github.com/en/rest/actions/workflow-runs#re-run-failed-jobs-from-a-workflow-run.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        run_id: The run's id.
        debug: Whether its log says more.

    Returns:
        The number of the new attempt, for `wait_for_workflow_run`.

    Raises:
        GitHubNotFound: There is none.
        GitHubDenied: It still runs, or nothing failed.
        GitHubError: They were not run again.

    Examples:
        >>> rerun_failed_jobs(credentials, repository, 30433642)
        2
    """
    return _again(credentials, repository, run_id, "rerun-failed-jobs", debug)


def _again(
    credentials: GitHubCredentials, repository: str, run_id: int, how: str, debug: bool
) -> int:
    before = get_workflow_run.fn(credentials, repository, run_id).attempt
    asked = Request(credentials, f"POST {_RUN}/{how}", repository, run_id=run_id)
    try:
        asked.send(body={"enable_debug_logging": True} if debug else None)
    except GitHubUnavailable:
        if get_workflow_run.fn(credentials, repository, run_id).attempt == before:
            raise
    return before + 1


@retried_task("actions:read")
def list_workflow_jobs(
    credentials: GitHubCredentials,
    repository: str,
    run_id: int,
    *,
    attempts: Literal["latest", "all"] = "latest",
    limit: int | None = None,
) -> list[WorkflowJob]:
    """List the jobs of a workflow run, with their steps.

    See https://docs.github.com/en/rest/actions/workflow-jobs#list-jobs-for-a-workflow-run.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        run_id: The run's id.
        attempts: Of its last attempt, or of all.
        limit: At most so many; None: all.

    Returns:
        The jobs.

    Raises:
        GitHubNotFound: There is no such run.
        GitHubError: They cannot be read.

    Examples:
        >>> for job in list_workflow_jobs(credentials, repository, 29679449):
        ...     print(job.name, job.conclusion, job.steps[1].name)
        build success Run actions/checkout@v2
    """
    asked = Request(credentials, f"GET {_RUN}/jobs", repository, run_id=run_id)
    return asked.many(WorkflowJob.of, limit, query={"filter": attempts})


def created(since: datetime | None, until: datetime | None) -> str | None:
    """Return a range of times, as GitHub's searches write it; None for all."""
    if since is None and until is None:
        return None
    return "..".join("*" if each is None else sendable(each) for each in (since, until))
