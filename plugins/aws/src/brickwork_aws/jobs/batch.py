"""Batch: jobs, and arrays of them."""

from collections.abc import Mapping
from typing import Any

from brickwork import InvalidArguments
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.jobs.batch_job import BatchJob, FollowedJob
from brickwork_aws.jobs.following import follow
from brickwork_aws.jobs.starting import started_once
from brickwork_aws.tasks import retried_task, task_once

_START = ("batch:SubmitJob", "batch:TagResource")
_WAIT = ("batch:DescribeJobs", "batch:ListJobs", "logs:GetLogEvents")
_CANCEL = ("batch:TerminateJob",)


@task_once(*_START)
def batch_start_job(
    credentials: AwsCredentials,
    name: str,
    queue: str,
    definition: str,
    *,
    parameters: Mapping[str, str] | None = None,
    command: list[str] | None = None,
    environment: Mapping[str, str] | None = None,
    vcpus: float | None = None,
    memory: int | None = None,
    array_size: int | None = None,
    depends_on: list[BatchJob] | None = None,
    each_after_its_like: bool = False,
    one_after_the_other: bool = False,
    attempts: int | None = None,
    timeout_seconds: int | None = None,
    tags: Mapping[str, str] | None = None,
) -> BatchJob:
    """Give Batch a job, or an array of jobs.

    Not retried as a task: it might run twice, since Batch knows no request again. So it is sent
    once, and again only where Batch was not reached or asked for too much. See
    https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html.

    Args:
        credentials: Whose.
        name: Its name: letters, digits, hyphens and underscores.
        queue: The queue's name or ARN.
        definition: The job definition: its name, ``name:revision``, or ARN.
        parameters: What stands for ``Ref::...`` in the definition's command.
        command: What it runs; by default as the definition has it.
        environment: Variables beside those of the definition. Who may look at the job sees them:
            secrets belong into the definition.
        vcpus: CPUs; by default as the definition has it.
        memory: MiB; by default as the definition has it.
        array_size: Make it an array of so many jobs, 2 to 10,000, each with its number from 0 in
            ``AWS_BATCH_JOB_ARRAY_INDEX``.
        depends_on: Jobs that must end well before it begins, up to 20.
        each_after_its_like: Each of the array waits only for that with its number in the arrays
            that it depends on.
        one_after_the_other: Each of the array waits for the one before it.
        attempts: How often Batch tries it, 1 to 10; by default as the definition has it.
        timeout_seconds: When Batch ends an attempt, at least 60; by default as the definition has
            it.
        tags: Tags of the job.

    Returns:
        The job.

    Raises:
        InvalidArguments: The arguments do not fit together; nothing was sent.
        AwsError: Batch refuses, such as a queue that it does not know.

    Examples:
        >>> job = batch_start_job(
        ...     credentials, "photos", queue, definition, array_size=50, environment={"SIZE": "320"}
        ... )
        >>> job.state, job.size
        ('SUBMITTED', 50)
    """
    overrides = {
        "command": command,
        "environment": _pairs(environment) or None,
        "resourceRequirements": _resources(vcpus, memory) or None,
    }
    given = {each: value for each, value in overrides.items() if value is not None}
    answer = started_once(
        credentials,
        "batch",
        "submit_job",
        jobName=name,
        jobQueue=queue,
        jobDefinition=definition,
        parameters=parameters,
        containerOverrides=given or None,
        arrayProperties=None if array_size is None else {"size": array_size},
        dependsOn=_dependencies(
            array_size, depends_on or [], each_after_its_like, one_after_the_other
        ),
        retryStrategy=None if attempts is None else {"attempts": attempts},
        timeout=None if timeout_seconds is None else {"attemptDurationSeconds": timeout_seconds},
        tags=tags,
    )
    return BatchJob(answer["jobId"], answer["jobName"], size=array_size or 0)


@retried_task(*_WAIT, *_CANCEL)
def batch_wait_job(
    credentials: AwsCredentials,
    job: BatchJob,
    *,
    poll_seconds: float = 2.0,
    max_wait_seconds: float | None = None,
    cancel_on_stop: bool = True,
) -> BatchJob:
    """Wait for the end of a job, and log what it logs.

    Of an array, how many of its jobs have ended is the progress, and only the log of one that
    failed is read. See
    https://docs.aws.amazon.com/batch/latest/APIReference/API_DescribeJobs.html.

    Args:
        credentials: Whose.
        job: The job.
        poll_seconds: The pause after the first look; it grows to 15 seconds.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.
        cancel_on_stop: Whether it is terminated when the task is cancelled or its time is up.

    Returns:
        The job as it has ended.

    Raises:
        AwsJobFailed: It failed after all its attempts, or one of the array did; or it was
            terminated. Says why.
        AwsNotFound: Batch does not know it.
        AwsTimeout: It did not end in time.

    Examples:
        >>> job = batch_wait_job(credentials, job, max_wait_seconds=3600)
        >>> job.state
        'SUCCEEDED'
    """
    return follow(
        FollowedJob(credentials, job),
        poll_seconds=poll_seconds,
        max_wait_seconds=max_wait_seconds,
        cancel_on_stop=cancel_on_stop,
    )


@retried_task(*_CANCEL)
def batch_cancel_job(credentials: AwsCredentials, job: BatchJob) -> None:
    """Terminate a job, also while it runs; one that has ended stays as it is.

    See https://docs.aws.amazon.com/batch/latest/APIReference/API_TerminateJob.html.

    Args:
        credentials: Whose.
        job: The job; with an array, all its jobs.

    Examples:
        >>> batch_cancel_job(credentials, job)
    """
    FollowedJob(credentials, job).stop()


@task_once(*_START, *_WAIT, *_CANCEL)
def batch_run_job(
    credentials: AwsCredentials,
    name: str,
    queue: str,
    definition: str,
    *,
    parameters: Mapping[str, str] | None = None,
    command: list[str] | None = None,
    environment: Mapping[str, str] | None = None,
    vcpus: float | None = None,
    memory: int | None = None,
    array_size: int | None = None,
    depends_on: list[BatchJob] | None = None,
    each_after_its_like: bool = False,
    one_after_the_other: bool = False,
    attempts: int | None = None,
    timeout_seconds: int | None = None,
    tags: Mapping[str, str] | None = None,
    poll_seconds: float = 2.0,
    max_wait_seconds: float | None = None,
    cancel_on_stop: bool = True,
) -> BatchJob:
    """Give Batch a job, or an array of jobs, wait for its end, and log what it logs.

    Not retried as a task: what it does would be done twice; ``attempts`` lets Batch try it again.

    Args:
        credentials: Whose.
        name: Its name: letters, digits, hyphens and underscores.
        queue: The queue's name or ARN.
        definition: The job definition: its name, ``name:revision``, or ARN.
        parameters: What stands for ``Ref::...`` in the definition's command.
        command: What it runs; by default as the definition has it.
        environment: Variables beside those of the definition; no secrets.
        vcpus: CPUs; by default as the definition has it.
        memory: MiB; by default as the definition has it.
        array_size: Make it an array of so many jobs, 2 to 10,000.
        depends_on: Jobs that must end well before it begins, up to 20.
        each_after_its_like: Each of the array waits only for that with its number in the arrays
            that it depends on.
        one_after_the_other: Each of the array waits for the one before it.
        attempts: How often Batch tries it, 1 to 10; by default as the definition has it.
        timeout_seconds: When Batch ends an attempt, at least 60; by default as the definition has
            it.
        tags: Tags of the job.
        poll_seconds: The pause after the first look; it grows to 15 seconds.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.
        cancel_on_stop: Whether it is terminated when the task is cancelled or its time is up.

    Returns:
        The job as it has ended.

    Raises:
        InvalidArguments: The arguments do not fit together; nothing was sent.
        AwsJobFailed: It failed; says why, with the last lines of its log.
        AwsTimeout: It did not end in time.

    Examples:
        >>> job = batch_run_job(
        ...     credentials, "report", queue, definition, command=["report", "monday"], attempts=3
        ... )
        >>> job.name, job.state
        ('report', 'SUCCEEDED')
    """
    job = batch_start_job.fn(
        credentials,
        name,
        queue,
        definition,
        parameters=parameters,
        command=command,
        environment=environment,
        vcpus=vcpus,
        memory=memory,
        array_size=array_size,
        depends_on=depends_on,
        each_after_its_like=each_after_its_like,
        one_after_the_other=one_after_the_other,
        attempts=attempts,
        timeout_seconds=timeout_seconds,
        tags=tags,
    )
    return batch_wait_job.fn(
        credentials,
        job,
        poll_seconds=poll_seconds,
        max_wait_seconds=max_wait_seconds,
        cancel_on_stop=cancel_on_stop,
    )


def _dependencies(
    array_size: int | None,
    jobs: list[BatchJob],
    each_after_its_like: bool,
    one_after_the_other: bool,
) -> list[dict[str, Any]] | None:
    if (each_after_its_like or one_after_the_other) and array_size is None:
        raise InvalidArguments(
            "Only the jobs of an array can wait for each other, or for those of another array.",
            fix="Give array_size, or leave each_after_its_like and one_after_the_other out.",
        )
    if each_after_its_like and not jobs:
        raise InvalidArguments(
            "There are no jobs to wait for.", fix="Give the other arrays as depends_on."
        )
    kind = {"type": "N_TO_N"} if each_after_its_like else {}
    made = [{"jobId": each.id, **kind} for each in jobs]
    if one_after_the_other:
        made.append({"type": "SEQUENTIAL"})
    return made or None


def _pairs(values: Mapping[str, str] | None) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in (values or {}).items()]


def _resources(vcpus: float | None, memory: int | None) -> list[dict[str, str]]:
    wanted = {
        "VCPU": None if vcpus is None else f"{vcpus:g}",
        "MEMORY": None if memory is None else str(memory),
    }
    return [{"type": kind, "value": each} for kind, each in wanted.items() if each is not None]
