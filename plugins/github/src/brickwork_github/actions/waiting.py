"""Follows workflow runs to their end."""

import re
from contextvars import Context
from typing import NoReturn

from brickwork import TaskCancelled, TaskTimeout, mask, progress
from brickwork_github.actions.dispatching import Inputs, dispatch_workflow
from brickwork_github.actions.models import GOOD, WorkflowJob, WorkflowRun
from brickwork_github.actions.runs import cancel_workflow_run, get_workflow_run, list_workflow_jobs
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.downloading import pieces
from brickwork_github.errors import GitHubError, GitHubRunFailed, GitHubTimeout
from brickwork_github.polling import turns
from brickwork_github.requests import Request
from brickwork_github.tasks import retried_task, task_once

SLOWEST_POLL_SECONDS = 30.0
"""Pauses between two looks grow up to this; or are as long as was asked for."""

LOG_LINES = 20
"""How many lines of a failed job's log an error carries."""

LOGS_READ = 3
"""Of how many failed jobs."""

_JOB_LOG = "GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs"
_KEPT_BYTES = 64 * 1024
_STAMP = re.compile(r"^\ufeff?\d{4}-\d\d-\d\dT[\d:.]+Z ?")
_COLOURS = re.compile(r"\x1b\[[\d;]*m")
_ERROR = "##[error]"


@retried_task("actions:read", "actions:write")
def wait_for_workflow_run(
    credentials: GitHubCredentials,
    repository: str,
    run_id: int,
    *,
    attempt: int | None = None,
    poll_seconds: float = 5.0,
    max_wait_seconds: float | None = None,
    cancel_on_stop: bool = False,
) -> WorkflowRun:
    """Wait for the end of a workflow run.

    Reports as progress how many of its jobs have ended. What has not changed costs nothing of the
    rate limit. See https://docs.github.com/en/rest/actions/workflow-runs#get-a-workflow-run.

    Args:
        credentials: Whose; to read is enough without ``cancel_on_stop``.
        repository: ``owner/name``.
        run_id: The run's id.
        attempt: Wait for the end of this attempt, as `rerun_workflow_run` returns it; by default
            of the one that is the last.
        poll_seconds: The pause after the first look; it grows to 30 seconds.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.
        cancel_on_stop: Whether the run is cancelled when the task is cancelled or its time is up.

    Returns:
        The run as it has ended: with ``success``, ``neutral`` or ``skipped``.

    Raises:
        GitHubRunFailed: It ended otherwise: names the jobs and steps that failed, and has the
            end of their logs.
        GitHubTimeout: It did not end in time.
        GitHubNotFound: There is no such run.
        GitHubError: Nobody can say how it is.

    Examples:
        >>> run = wait_for_workflow_run(credentials, repository, 30433642, max_wait_seconds=3600)
        >>> run.status, run.conclusion
        ('completed', 'success')
    """
    what = f"Workflow run {run_id} of {repository}"
    try:
        for _ in turns(poll_seconds, max_wait_seconds, SLOWEST_POLL_SECONDS):
            run = get_workflow_run.fn(credentials, repository, run_id)
            if run.attempt < (attempt or 1):
                continue  # GitHub shows a new attempt some seconds late
            jobs = list_workflow_jobs.fn(credentials, repository, run_id)
            ended = sum(job.status == "completed" for job in jobs)
            progress(ended, len(jobs) or None, f"{what}: {run.conclusion or run.status}")
            if run.is_good:
                return run
            if run.is_completed and run.conclusion:
                _raise_failed(credentials, run, jobs)
        raise GitHubTimeout(
            f"{what} did not end within {max_wait_seconds:g} s.",
            fix="Give it longer by max_wait_seconds, or wait for it again: it was "
            + ("told to stop." if cancel_on_stop else "not stopped."),
        )
    except (TaskCancelled, TaskTimeout, GitHubTimeout) as error:
        if cancel_on_stop:
            _cancel(credentials, repository, run_id, error)
        raise
    except Exception:
        raise  # it goes on, and can be waited for again
    except BaseException as error:
        if cancel_on_stop:
            _cancel(credentials, repository, run_id, error)
        raise


@task_once("actions:write")
def run_workflow(
    credentials: GitHubCredentials,
    repository: str,
    workflow: str | int,
    *,
    ref: str | None = None,
    inputs: Inputs | None = None,
    marker_input: str | None = None,
    poll_seconds: float = 5.0,
    max_wait_seconds: float | None = None,
    cancel_on_stop: bool = False,
) -> WorkflowRun:
    """Start a workflow, and wait for the end of the run that this started.

    Not retried: it might run twice. `dispatch_workflow` says how the run is found, and
    `wait_for_workflow_run` how it is waited for.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        workflow: Its file, ``load.yml``, or its id.
        ref: The branch or tag to run; by default the default branch.
        inputs: What the workflow is given; no secrets.
        marker_input: The name of an input for a text which no other run has, and which the
            workflow's ``run-name`` shows.
        poll_seconds: The pause after the first look; it grows to 30 seconds.
        max_wait_seconds: How long to wait at most for the end; by default as long as the task may
            run.
        cancel_on_stop: Whether the run is cancelled when the task is cancelled or its time is up.

    Returns:
        The run as it has ended: with ``success``, ``neutral`` or ``skipped``.

    Raises:
        GitHubRunFailed: It ended otherwise: names the jobs and steps that failed, and has the
            end of their logs.
        GitHubTimeout: It did not end in time, or was started, and did not show.
        GitHubNotFound: There is no such workflow.
        GitHubInvalid: The workflow does not take it; see `dispatch_workflow`.
        GitHubError: It was not started, or its run cannot be told from others.

    Examples:
        >>> run = run_workflow(credentials, repository, "build.yml", inputs={"day": "2026-05-01"})
        >>> run.name, run.conclusion
        ('Build', 'success')
    """
    started = dispatch_workflow.fn(
        credentials, repository, workflow, ref=ref, inputs=inputs, marker_input=marker_input
    )
    return wait_for_workflow_run.fn(
        credentials,
        repository,
        started.run_id,
        poll_seconds=poll_seconds,
        max_wait_seconds=max_wait_seconds,
        cancel_on_stop=cancel_on_stop,
    )


def _cancel(
    credentials: GitHubCredentials, repository: str, run_id: int, error: BaseException
) -> None:
    try:
        # In a context of its own, since the task's time is over.
        Context().run(cancel_workflow_run.fn, credentials, repository, run_id)
    except Exception as failed:  # noqa: BLE001  # what stopped the task is what its caller wants
        error.add_note(f"Workflow run {run_id} may still run, it could not be cancelled: {failed}")


def _raise_failed(
    credentials: GitHubCredentials, run: WorkflowRun, jobs: list[WorkflowJob]
) -> NoReturn:
    bad = [job for job in jobs if job.conclusion and job.conclusion not in GOOD]
    told = [_told(job) for job in bad]
    where = f": {'; '.join(told)}" if told else ""
    error = GitHubRunFailed(
        f"Workflow run {run.id} of {run.repository} ({run.name}) ended as {run.conclusion}{where}.",
        fix=f"See {run.url}; rerun_failed_jobs runs again what failed.",
    )
    error.conclusion, error.url, error.run_id = run.conclusion or "", run.url, run.id
    error.jobs = tuple(told)
    for job in bad[:LOGS_READ]:
        if job.conclusion != "cancelled":
            error.log += _end_of_log(credentials, run.repository, job)
    for line in error.log:
        error.add_note(f"log: {line}")
    raise error


def _told(job: WorkflowJob) -> str:
    steps = ", ".join(job.failed_steps)
    return f"job {job.name} {job.conclusion}" + (f" (step {steps})" if steps else "")


def _end_of_log(
    credentials: GitHubCredentials, repository: str, job: WorkflowJob
) -> tuple[str, ...]:
    """Return the lines that end with a job's last error; none where there is no log."""
    tail = b""
    asked = Request(credentials, _JOB_LOG, repository, job_id=job.id)
    try:
        with asked.stream() as reply:
            for piece in pieces(reply, asked.name):
                tail = (tail + piece)[-_KEPT_BYTES:]
    except GitHubError:
        return ()
    lines = [_COLOURS.sub("", _STAMP.sub("", line)) for line in _text(tail).splitlines()]
    last = max((n for n, line in enumerate(lines) if line.startswith(_ERROR)), default=None)
    if last is not None:
        lines = lines[: last + 1]  # behind it is what the runner cleans up
    return tuple(mask(line.replace(_ERROR, "Error: ")) for line in lines[-LOG_LINES:])


def _text(tail: bytes) -> str:
    whole = tail if len(tail) < _KEPT_BYTES else tail.partition(b"\n")[2]
    return whole.decode("utf-8", "replace")
