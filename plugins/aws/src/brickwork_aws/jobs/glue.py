"""Glue: runs of its jobs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from brickwork import InvalidArguments, register_type
from brickwork_aws.cloudwatch_logs import LogTail
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsConflict, AwsError
from brickwork_aws.jobs.following import Job, Look, follow
from brickwork_aws.jobs.starting import started_once
from brickwork_aws.payloads import given, to_json
from brickwork_aws.tasks import retried_task, task_once

LOG_GROUP = "/aws-glue/jobs"
"""What the names of the log groups begin with, if Glue does not say otherwise."""

_START = ("glue:StartJobRun",)
_WAIT = ("glue:GetJobRun", "logs:GetLogEvents")
_CANCEL = ("glue:BatchStopJobRun", "glue:GetJobRun")

_ENDS = {"SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"}


@register_type("aws.glue-job-run")
@dataclass(frozen=True)
class GlueJobRun:
    """A run of a job of Glue.

    Attributes:
        job: The job's name.
        id: Glue's id of the run.
        state: ``STARTING``, ``WAITING``, ``RUNNING``, ``STOPPING``, ``SUCCEEDED``, ``FAILED``,
            ``STOPPED``, ``TIMEOUT``, ``ERROR`` or ``EXPIRED``, when it was last looked at.
        started_at: When it began.
        ended_at: When it ended.
        seconds: How long it used its workers.
        dpu_seconds: What it costs, for jobs of which Glue says that: FLEX, and scaling ones.
    """

    job: str
    id: str
    state: str = "STARTING"
    started_at: datetime | None = None
    ended_at: datetime | None = None
    seconds: float = 0.0
    dpu_seconds: float | None = None


@task_once(*_START)
def glue_start_job(
    credentials: AwsCredentials,
    job: str,
    *,
    arguments: Mapping[str, str] | None = None,
    worker_type: str | None = None,
    workers: int | None = None,
    max_capacity: float | None = None,
    timeout_minutes: int | None = None,
    notify_after_minutes: int | None = None,
    execution_class: Literal["STANDARD", "FLEX"] | None = None,
    security_configuration: str | None = None,
    session_policy: Mapping[str, Any] | None = None,
    queued: bool | None = None,
    retry_of: GlueJobRun | None = None,
) -> GlueJobRun:
    """Start a run of a job of Glue.

    Not retried as a task: it might run twice, since Glue knows no request again. So it is sent
    once, and again only where Glue was not reached or asked for too much. See
    https://docs.aws.amazon.com/glue/latest/webapi/API_StartJobRun.html.

    Args:
        credentials: Whose.
        job: The job's name.
        arguments: What the script is given, beside and before the job's own: ``{"day": "monday"}``
            is its ``--day``; those that Glue itself takes as well, ``job-bookmark-option``. Who
            may look at the run sees them: they are no place for secrets.
        worker_type: On what it runs, ``G.1X``; by default as the job has it, and so the others.
        workers: On how many of these.
        max_capacity: DPUs, for jobs without a worker type, such as 0.0625 for a Python shell.
        timeout_minutes: When Glue ends it.
        notify_after_minutes: When EventBridge is told that it takes long.
        execution_class: ``FLEX`` for spare capacity that may be taken away.
        security_configuration: Glue's name of the settings that encrypt what it writes.
        session_policy: An IAM policy that narrows, for this run, what the job's role may do.
        queued: Whether it waits its turn where too much runs already.
        retry_of: A run that failed, which this one repeats, with its arguments and bookmarks.

    Returns:
        The run.

    Raises:
        InvalidArguments: The arguments do not fit together; nothing was sent.
        AwsConflict: As many runs of this job go on as may.
        AwsNotFound: There is no such job.

    Examples:
        >>> run = glue_start_job(credentials, job, worker_type="G.2X", workers=10, queued=True)
        >>> run.id
        'jr_...'
    """
    if max_capacity is not None and (worker_type or workers is not None):
        raise InvalidArguments(
            "DPUs and workers exclude each other.", fix="Leave max_capacity out, or the workers."
        )
    policy = None if session_policy is None else to_json(session_policy, "The policy")
    try:
        answer = started_once(
            credentials,
            "glue",
            "start_job_run",
            JobName=job,
            Arguments=_dashed(arguments or {}) or None,
            WorkerType=worker_type,
            NumberOfWorkers=workers,
            MaxCapacity=max_capacity,
            Timeout=timeout_minutes,
            NotificationProperty=given(NotifyDelayAfter=notify_after_minutes) or None,
            ExecutionClass=execution_class,
            SecurityConfiguration=security_configuration,
            ExecutionRoleSessionPolicy=policy,
            JobRunQueuingEnabled=queued,
            JobRunId=retry_of and retry_of.id,
        )
    except AwsError as error:
        if error.code != "ConcurrentRunsExceededException":
            raise
        raise conflict(
            error,
            f"As many runs of the Glue job {job} go on as may.",
            fix="Wait for one to end, give queued=True, or raise the job's MaxConcurrentRuns.",
        ) from error
    return GlueJobRun(job, answer["JobRunId"])


@retried_task(*_WAIT, *_CANCEL)
def glue_wait_job(
    credentials: AwsCredentials,
    run: GlueJobRun,
    *,
    poll_seconds: float = 5.0,
    max_wait_seconds: float | None = None,
    cancel_on_stop: bool = True,
) -> GlueJobRun:
    """Wait for the end of a run, and log what its driver logs.

    That is in the groups ``/aws-glue/jobs/output`` and ``/aws-glue/jobs/error``, where also the
    rest of what Spark says is; what continuous logging sends to other groups `logs_tail` reads. The
    seconds of the run are reported as progress. Where the job is one that Glue itself tries again,
    each attempt is a run of its own, and only this one is waited for. See
    https://docs.aws.amazon.com/glue/latest/webapi/API_GetJobRun.html.

    Args:
        credentials: Whose.
        run: The run.
        poll_seconds: The pause after the first look; it grows to 15 seconds.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.
        cancel_on_stop: Whether it is stopped when the task is cancelled or its time is up.

    Returns:
        The run as it has ended.

    Raises:
        AwsJobFailed: It failed, took too long or was stopped. Says why.
        AwsNotFound: Glue does not know it.
        AwsTimeout: It did not end in time.

    Examples:
        >>> run = glue_wait_job(credentials, run, max_wait_seconds=3600)
        >>> run.state, run.seconds
        ('SUCCEEDED', 123)
    """
    return follow(
        _Run(credentials, run),
        poll_seconds=poll_seconds,
        max_wait_seconds=max_wait_seconds,
        cancel_on_stop=cancel_on_stop,
    )


@retried_task(*_CANCEL)
def glue_cancel_job(credentials: AwsCredentials, run: GlueJobRun) -> None:
    """Stop a run; one that has ended stays as it is.

    See https://docs.aws.amazon.com/glue/latest/webapi/API_BatchStopJobRun.html.

    Args:
        credentials: Whose.
        run: The run.

    Raises:
        AwsError: Glue does not stop it; ``code`` is its reason.
        AwsNotFound: Glue does not know it.

    Examples:
        >>> glue_cancel_job(credentials, run)
    """
    _Run(credentials, run).stop()


@task_once(*_START, *_WAIT, *_CANCEL)
def glue_run_job(
    credentials: AwsCredentials,
    job: str,
    *,
    arguments: Mapping[str, str] | None = None,
    worker_type: str | None = None,
    workers: int | None = None,
    max_capacity: float | None = None,
    timeout_minutes: int | None = None,
    notify_after_minutes: int | None = None,
    execution_class: Literal["STANDARD", "FLEX"] | None = None,
    security_configuration: str | None = None,
    session_policy: Mapping[str, Any] | None = None,
    queued: bool | None = None,
    retry_of: GlueJobRun | None = None,
    poll_seconds: float = 5.0,
    max_wait_seconds: float | None = None,
    cancel_on_stop: bool = True,
) -> GlueJobRun:
    """Start a run of a job of Glue, wait for its end, and log what its driver logs.

    Not retried as a task: what it does would be done twice.

    Args:
        credentials: Whose.
        job: The job's name.
        arguments: What the script is given, beside and before the job's own: ``{"day": "monday"}``
            is its ``--day``; no secrets.
        worker_type: On what it runs, ``G.1X``; by default as the job has it, and so the others.
        workers: On how many of these.
        max_capacity: DPUs, for jobs without a worker type.
        timeout_minutes: When Glue ends it.
        notify_after_minutes: When EventBridge is told that it takes long.
        execution_class: ``FLEX`` for spare capacity that may be taken away.
        security_configuration: Glue's name of the settings that encrypt what it writes.
        session_policy: An IAM policy that narrows, for this run, what the job's role may do.
        queued: Whether it waits its turn where too much runs already.
        retry_of: A run that failed, which this one repeats.
        poll_seconds: The pause after the first look; it grows to 15 seconds.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.
        cancel_on_stop: Whether it is stopped when the task is cancelled or its time is up.

    Returns:
        The run as it has ended.

    Raises:
        InvalidArguments: The arguments do not fit together; nothing was sent.
        AwsConflict: As many runs of this job go on as may.
        AwsJobFailed: It has not ended well; says why, with the last lines of its log.
        AwsTimeout: It did not end in time.

    Examples:
        >>> run = glue_run_job(credentials, job, arguments={"day": "monday"}, timeout_minutes=30)
        >>> run.state
        'SUCCEEDED'
    """
    run = glue_start_job.fn(
        credentials,
        job,
        arguments=arguments,
        worker_type=worker_type,
        workers=workers,
        max_capacity=max_capacity,
        timeout_minutes=timeout_minutes,
        notify_after_minutes=notify_after_minutes,
        execution_class=execution_class,
        security_configuration=security_configuration,
        session_policy=session_policy,
        queued=queued,
        retry_of=retry_of,
    )
    return glue_wait_job.fn(
        credentials,
        run,
        poll_seconds=poll_seconds,
        max_wait_seconds=max_wait_seconds,
        cancel_on_stop=cancel_on_stop,
    )


@dataclass
class _Run(Job[GlueJobRun]):
    credentials: AwsCredentials
    run: GlueJobRun
    _seen: Mapping[str, Any] = field(default_factory=dict)
    _tails: list[LogTail] = field(default_factory=list)

    @property
    def what(self) -> str:
        return f"Glue job {self.run.job} ({self.run.id})"

    def look(self) -> Look:
        answer = call(self.credentials, "get_job_run", JobName=self.run.job, RunId=self.run.id)
        self._seen = answer["JobRun"]
        state = self._seen["JobRunState"]
        failure = ""
        if state in _ENDS and state != "SUCCEEDED":
            said = self._seen.get("ErrorMessage") or self._seen.get("StateDetail")
            failure = said or "Glue does not say why"
        return Look(state, state in _ENDS, failure, self._seen.get("ExecutionTime", 0))

    def stop(self) -> None:
        if self.look().ended:
            return
        answer = call(
            self.credentials,
            "batch_stop_job_run",
            JobName=self.run.job,
            JobRunIds=[self.run.id],
        )
        if answer.get("Errors") and not self.look().ended:
            raise self._not_stopped(answer["Errors"][0].get("ErrorDetail", {}))

    def result(self) -> GlueJobRun:
        return GlueJobRun(
            self.run.job,
            self.run.id,
            self._seen["JobRunState"],
            self._seen.get("StartedOn"),
            self._seen.get("CompletedOn"),
            self._seen.get("ExecutionTime", 0),
            self._seen.get("DPUSeconds"),
        )

    def new_lines(self) -> Iterator[str]:
        if not self._tails:
            group = (self._seen.get("LogGroupName") or LOG_GROUP).rstrip("/")
            # What goes wrong is in the second, and so comes last.
            self._tails = [
                LogTail(self.credentials, f"{group}/{part}", self.run.id)
                for part in ("output", "error")
            ]
        for tail in self._tails:
            yield from tail.new_lines()

    def _not_stopped(self, detail: Mapping[str, Any]) -> AwsError:
        code = str(detail.get("ErrorCode") or "no reason given")
        error = AwsError(
            f"{self.what} is not stopped: {code}: {detail.get('ErrorMessage') or ''}".rstrip(": ")
            + ".",
            fix="Look at its state, and stop it again.",
        )
        error.operation, error.code = "glue:BatchStopJobRun", code
        return error


def _dashed(arguments: Mapping[str, str]) -> dict[str, str]:
    """Return arguments under the names that Glue wants; others it drops without a word."""
    return {
        name if name.startswith("--") else f"--{name}": value for name, value in arguments.items()
    }


def conflict(error: AwsError, what: str, fix: str) -> AwsConflict:
    """Return the error to raise for one of Glue that is known for a conflict only by its code."""
    found = AwsConflict(what, fix=fix)
    found.operation, found.code, found.request_id = error.operation, error.code, error.request_id
    return found


def call(credentials: AwsCredentials, operation: str, **parameters: Any) -> dict[str, Any]:
    """Call an operation of Glue."""
    from brickwork_aws.operations import Operation

    return Operation(credentials, "glue", operation).call(parameters)
