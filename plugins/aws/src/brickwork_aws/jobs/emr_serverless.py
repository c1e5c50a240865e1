"""EMR Serverless: Spark and Hive without a cluster of one's own."""

from collections.abc import Mapping
from typing import Literal

from brickwork import progress
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsConflict, AwsTimeout
from brickwork_aws.jobs.emr_serverless_job import (
    EmrServerlessJob,
    EmrServerlessLogs,
    FollowedJob,
    HiveQuery,
    SparkSubmit,
)
from brickwork_aws.jobs.emr_serverless_log import call, get_application
from brickwork_aws.jobs.following import SLOWEST_POLL_SECONDS, follow
from brickwork_aws.payloads import given
from brickwork_aws.polling import turns
from brickwork_aws.tasks import retried_task, task_once

START_SECONDS = 900.0
"""How long an application may take to start."""

_START = (
    "emr-serverless:StartJobRun",
    "emr-serverless:GetApplication",
    "emr-serverless:StartApplication",
    "emr-serverless:TagResource",
    "iam:PassRole",
)
_WAIT = (
    "emr-serverless:GetJobRun",
    "emr-serverless:GetApplication",
    "logs:DescribeLogStreams",
    "logs:GetLogEvents",
    "s3:GetObject",
    "s3:ListBucket",
)
_CANCEL = ("emr-serverless:CancelJobRun", "emr-serverless:GetJobRun")


@task_once(*_START)
def emr_serverless_start_job(
    credentials: AwsCredentials,
    application: str,
    role: str,
    driver: SparkSubmit | HiveQuery,
    *,
    name: str | None = None,
    configuration: Mapping[str, Mapping[str, str]] | None = None,
    logs: EmrServerlessLogs | None = None,
    mode: Literal["BATCH", "STREAMING"] | None = None,
    attempts: int | None = None,
    timeout_minutes: int | None = None,
    tags: Mapping[str, str] | None = None,
    start_application: bool = True,
    client_token: str | None = None,
) -> EmrServerlessJob:
    """Give EMR Serverless a job.

    Not retried as a task: it might run twice; botocore's own retries carry a token by which EMR
    knows them. See
    https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_StartJobRun.html.

    Args:
        credentials: Whose; they must be allowed to pass the role.
        application: The id of the application that it runs on.
        role: The ARN of the role that it runs as.
        driver: What it runs. Who may look at the job sees it: secrets belong elsewhere.
        name: Its name.
        configuration: Settings by classification, beside those of the application:
            ``{"spark-defaults": {"spark.executor.memory": "4g"}}``.
        logs: Where its logs go; by default as the application has it.
        mode: Whether it ends by itself; by default it does, ``BATCH``.
        attempts: How often EMR tries it; by default once, in the mode ``STREAMING`` again and
            again. Needs release 7.1 of EMR.
        timeout_minutes: When EMR cancels it; by default after 12 hours.
        tags: Tags of the job.
        start_application: Whether to start an application that does not start by itself, and wait
            until it has.
        client_token: A text by which EMR knows a start that is repeated, and gives the job that
            was started; by default a new one.

    Returns:
        The job.

    Raises:
        InvalidArguments: EMR does not take that; the job was not started.
        AwsNotFound: There is no such application.
        AwsConflict: The application is no more.
        AwsTimeout: The application did not start in time.

    Examples:
        >>> from brickwork_aws import SparkSubmit
        >>> driver = SparkSubmit("s3://code/nightly.py", ["monday"])
        >>> emr_serverless_start_job(credentials, application, role, driver).state
        'SUBMITTED'
    """
    if start_application:
        _start(credentials, application)
    overrides = given(
        applicationConfiguration=[
            {"classification": kind, "properties": dict(settings)}
            for kind, settings in (configuration or {}).items()
        ]
        or None,
        monitoringConfiguration=(logs and logs.as_monitoring()) or None,
    )
    answer = call(
        credentials,
        "start_job_run",
        applicationId=application,
        executionRoleArn=role,
        jobDriver=driver.as_driver(),
        name=name,
        configurationOverrides=overrides or None,
        mode=mode,
        retryPolicy=None if attempts is None else {"maxAttempts": attempts},
        executionTimeoutMinutes=timeout_minutes,
        tags=tags,
        clientToken=client_token,
    )
    return EmrServerlessJob(answer["jobRunId"], application, name or "")


@retried_task(*_WAIT, *_CANCEL)
def emr_serverless_wait_job(
    credentials: AwsCredentials,
    job: EmrServerlessJob,
    *,
    poll_seconds: float = 2.0,
    max_wait_seconds: float | None = None,
    cancel_on_stop: bool = True,
) -> EmrServerlessJob:
    """Wait for the end of a job, and log what its driver logs.

    While it runs where its logs go to CloudWatch, the driver's streams of each attempt; at its end
    where they go only to S3, the last thousand lines of each of the driver's files. Nothing of what
    EMR keeps itself, or executors log. See
    https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_GetJobRun.html.

    Args:
        credentials: Whose.
        job: The job.
        poll_seconds: The pause after the first look; it grows to 15 seconds.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.
        cancel_on_stop: Whether it is cancelled when the task is cancelled or its time is up.

    Returns:
        The job as it has ended, with what is billed.

    Raises:
        AwsJobFailed: It failed after all its attempts, or was cancelled, as EMR does when its time
            is up. Says why, with the last lines of its log.
        AwsNotFound: EMR does not know it.
        AwsTimeout: It did not end in time.

    Examples:
        >>> emr_serverless_wait_job(credentials, job).state
        'SUCCESS'
    """
    return follow(
        FollowedJob(credentials, job),
        poll_seconds=poll_seconds,
        max_wait_seconds=max_wait_seconds,
        cancel_on_stop=cancel_on_stop,
    )


@retried_task(*_CANCEL)
def emr_serverless_cancel_job(
    credentials: AwsCredentials, job: EmrServerlessJob, *, grace_seconds: int | None = None
) -> None:
    """Cancel a job; one that has ended stays as it is.

    It ends a while after that. See
    https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_CancelJobRun.html.

    Args:
        credentials: Whose.
        job: The job.
        grace_seconds: How long it may take to end, before it is ended by force; by default as EMR
            has it.

    Examples:
        >>> emr_serverless_cancel_job(credentials, job, grace_seconds=60)
    """
    FollowedJob(credentials, job).stop(grace_seconds)


@task_once(*_START, *_WAIT, *_CANCEL)
def emr_serverless_run_job(
    credentials: AwsCredentials,
    application: str,
    role: str,
    driver: SparkSubmit | HiveQuery,
    *,
    name: str | None = None,
    configuration: Mapping[str, Mapping[str, str]] | None = None,
    logs: EmrServerlessLogs | None = None,
    mode: Literal["BATCH", "STREAMING"] | None = None,
    attempts: int | None = None,
    timeout_minutes: int | None = None,
    tags: Mapping[str, str] | None = None,
    start_application: bool = True,
    client_token: str | None = None,
    poll_seconds: float = 2.0,
    max_wait_seconds: float | None = None,
    cancel_on_stop: bool = True,
) -> EmrServerlessJob:
    """Give EMR Serverless a job, wait for its end, and log what its driver logs.

    Not retried as a task: what it does would be done twice; ``attempts`` lets EMR try it again.

    Args:
        credentials: Whose; they must be allowed to pass the role.
        application: The id of the application that it runs on.
        role: The ARN of the role that it runs as.
        driver: What it runs. Who may look at the job sees it: secrets belong elsewhere.
        name: Its name.
        configuration: Settings by classification, beside those of the application.
        logs: Where its logs go; by default as the application has it.
        mode: Whether it ends by itself; by default it does, ``BATCH``.
        attempts: How often EMR tries it; by default once.
        timeout_minutes: When EMR cancels it; by default after 12 hours.
        tags: Tags of the job.
        start_application: Whether to start an application that does not start by itself, and wait
            until it has.
        client_token: A text by which EMR knows a start that is repeated; by default a new one.
        poll_seconds: The pause after the first look; it grows to 15 seconds.
        max_wait_seconds: How long to wait at most, once the job was started; by default as long as
            the task may run.
        cancel_on_stop: Whether it is cancelled when the task is cancelled or its time is up.

    Returns:
        The job as it has ended, with what is billed.

    Raises:
        InvalidArguments: EMR does not take that; the job was not started.
        AwsJobFailed: It failed or was cancelled; says why, with the last lines of its log.
        AwsTimeout: It did not end in time, or the application did not start.

    Examples:
        >>> from brickwork_aws import SparkSubmit
        >>> driver = SparkSubmit("s3://code/nightly.py", ["monday"])
        >>> emr_serverless_run_job(credentials, application, role, driver, name="nightly").state
        'SUCCESS'
    """
    job = emr_serverless_start_job.fn(
        credentials,
        application,
        role,
        driver,
        name=name,
        configuration=configuration,
        logs=logs,
        mode=mode,
        attempts=attempts,
        timeout_minutes=timeout_minutes,
        tags=tags,
        start_application=start_application,
        client_token=client_token,
    )
    return emr_serverless_wait_job.fn(
        credentials,
        job,
        poll_seconds=poll_seconds,
        max_wait_seconds=max_wait_seconds,
        cancel_on_stop=cancel_on_stop,
    )


@retried_task("emr-serverless:GetDashboardForJobRun")
def emr_serverless_read_dashboard_url(
    credentials: AwsCredentials, job: EmrServerlessJob, *, attempt: int | None = None
) -> str:
    """Ask for a URL of the Spark or Tez UI of a job, which works for an hour.

    Who has the URL needs no credentials, so treat it as a secret. See
    https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_GetDashboardForJobRun.html.

    Args:
        credentials: Whose.
        job: The job; it may have ended, if EMR keeps its logs.
        attempt: Which attempt; by default the last.

    Returns:
        The URL.

    Raises:
        AwsNotFound: EMR does not know the job.

    Examples:
        >>> emr_serverless_read_dashboard_url(credentials, job)
        'https://...'
    """
    answer = call(
        credentials,
        "get_dashboard_for_job_run",
        applicationId=job.application,
        jobRunId=job.id,
        attempt=attempt,
    )
    return str(answer["url"])


def _start(credentials: AwsCredentials, application: str) -> None:
    """See to it that an application takes jobs: that it has started, or will by itself."""
    what, told, found = f"EMR Serverless application {application}", False, {}
    for _ in turns(1.0, START_SECONDS, SLOWEST_POLL_SECONDS):
        found = get_application(credentials, application)
        state = found["state"]
        rests = state in {"CREATED", "STOPPED"}
        by_itself = found.get("autoStartConfiguration", {}).get("enabled", True)
        if state == "STARTED" or (by_itself and (rests or state == "STARTING")):
            return
        if state == "TERMINATED":
            raise AwsConflict(f"{what} is no more.", fix="Give the id of another one.")
        if rests and not told:
            call(credentials, "start_application", applicationId=application)
            told = True
        progress(0, None, f"{what}: {state}")
    raise AwsTimeout(
        f"{what} did not start within {START_SECONDS:g} s: {found['state']} "
        f"{found.get('stateDetails', '')}".rstrip()
        + ".",
        fix="See its page in the console, or try again later.",
    )
