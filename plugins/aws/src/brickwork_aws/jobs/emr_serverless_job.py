"""The jobs that `brickwork_aws.jobs.emr_serverless` follows, and what they are made of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from brickwork import register_type
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsError
from brickwork_aws.jobs.emr_serverless_log import ENDS, JobLog, call
from brickwork_aws.jobs.following import Job, Look
from brickwork_aws.payloads import given


@register_type("aws.spark-submit")
@dataclass(frozen=True)
class SparkSubmit:
    """What Spark is to run, as ``spark-submit`` has it.

    Attributes:
        entry_point: The program in S3: ``s3://bucket/job.py`` or ``job.jar``.
        arguments: What the program gets.
        parameters: Options of ``spark-submit`` in one text: ``--class com.example.Nightly --conf
            spark.executor.cores=4``. Settings of Spark fit better into ``configuration``.
    """

    entry_point: str
    arguments: list[str] | tuple[str, ...] = ()
    parameters: str = ""

    def as_driver(self) -> dict[str, Any]:
        """Return it as EMR has it."""
        return {
            "sparkSubmit": given(
                entryPoint=self.entry_point,
                entryPointArguments=list(self.arguments) or None,
                sparkSubmitParameters=self.parameters or None,
            )
        }


@register_type("aws.hive-query")
@dataclass(frozen=True)
class HiveQuery:
    """What Hive is to run.

    Attributes:
        query: The file with the query in S3: ``s3://bucket/query.sql``; or the query.
        init_file: A file that runs before, in S3; None: none.
        parameters: Options of ``hive`` in one text: ``--hiveconf hive.root.logger=DEBUG``.
    """

    query: str
    init_file: str | None = None
    parameters: str = ""

    def as_driver(self) -> dict[str, Any]:
        """Return it as EMR has it."""
        return {
            "hive": given(
                query=self.query,
                initQueryFile=self.init_file,
                parameters=self.parameters or None,
            )
        }


@register_type("aws.emr-serverless-logs")
@dataclass(frozen=True)
class EmrServerlessLogs:
    """Where the logs of a job go. What is None stays as the application has it.

    See
    https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_MonitoringConfiguration.html.

    Attributes:
        cloudwatch: Whether to CloudWatch, where they can be followed while the job goes on; by
            default if anything is said of how.
        group: The log group there; by default ``/aws/emr-serverless``.
        stream_prefix: How the names of the streams begin there.
        types: What goes there, by the kind of worker: ``{"SPARK_DRIVER": ["STDOUT", "STDERR"]}``,
            which is the default.
        cloudwatch_key: The ARN of the KMS key that encrypts them there.
        s3_url: A folder in S3, ``s3://bucket/logs/``, where they come to be at the job's end.
        s3_key: The ARN of the KMS key that encrypts them there.
        managed: Whether EMR keeps them for 30 days; by default it does. The dashboard needs that.
        managed_key: The ARN of the KMS key that encrypts them there.
    """

    cloudwatch: bool | None = None
    group: str | None = None
    stream_prefix: str | None = None
    types: Mapping[str, list[str]] | None = None
    cloudwatch_key: str | None = None
    s3_url: str | None = None
    s3_key: str | None = None
    managed: bool | None = None
    managed_key: str | None = None

    def as_monitoring(self) -> dict[str, Any]:
        """Return it as EMR has it."""
        cloudwatch = given(
            enabled=self.cloudwatch,
            logGroupName=self.group,
            logStreamNamePrefix=self.stream_prefix,
            logTypes=self.types,
            encryptionKeyArn=self.cloudwatch_key,
        )
        if cloudwatch:
            cloudwatch.setdefault("enabled", True)
        s3 = given(logUri=self.s3_url, encryptionKeyArn=self.s3_key)
        managed = given(enabled=self.managed, encryptionKeyArn=self.managed_key)
        return given(
            cloudWatchLoggingConfiguration=cloudwatch or None,
            s3MonitoringConfiguration=s3 or None,
            managedPersistenceMonitoringConfiguration=managed or None,
        )


@register_type("aws.emr-serverless-job")
@dataclass(frozen=True)
class EmrServerlessJob:
    """A job that was given to EMR Serverless.

    Attributes:
        id: EMR's id of it.
        application: The id of the application that it runs on.
        name: Its name; empty if it has none.
        state: ``SUBMITTED``, ``QUEUED``, ``PENDING``, ``SCHEDULED``, ``RUNNING``, ``SUCCESS``,
            ``FAILED``, ``CANCELLING`` or ``CANCELLED``, when it was last looked at.
        details: What EMR says of the state.
        attempt: Which attempt it is, from 1.
        seconds: How long it ran.
        vcpu_hours: What is billed of CPUs.
        memory_gb_hours: What is billed of memory.
        storage_gb_hours: What is billed of storage.
        started_at: Since when it ran.
        ended_at: When it ended.
    """

    id: str
    application: str
    name: str = ""
    state: str = "SUBMITTED"
    details: str = ""
    attempt: int = 1
    seconds: float = 0.0
    vcpu_hours: float = 0.0
    memory_gb_hours: float = 0.0
    storage_gb_hours: float = 0.0
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass
class FollowedJob(Job[EmrServerlessJob]):
    """A job on EMR Serverless; by whom it was started does not matter."""

    credentials: AwsCredentials
    job: EmrServerlessJob
    _seen: Mapping[str, Any] = field(default_factory=dict)
    _log: JobLog | None = None

    @property
    def what(self) -> str:
        """The job, for people."""
        name = f"{self.job.name} ({self.job.id})" if self.job.name else self.job.id
        return f"EMR Serverless job {name}"

    def look(self) -> Look:
        """Ask EMR how it is."""
        self._seen = call(
            self.credentials,
            "get_job_run",
            applicationId=self.job.application,
            jobRunId=self.job.id,
        )["jobRun"]
        state = self._seen["state"]
        failure = ""
        if state in {"FAILED", "CANCELLED"}:
            failure = self._seen.get("stateDetails") or "EMR does not say why"
        return Look(state, state in ENDS, failure)

    def stop(self, grace_seconds: int | None = None) -> None:
        """Cancel it; one that has ended stays as it is."""
        try:
            call(
                self.credentials,
                "cancel_job_run",
                applicationId=self.job.application,
                jobRunId=self.job.id,
                shutdownGracePeriodInSeconds=grace_seconds,
            )
        except AwsError as error:
            # EMR has no code of its own for jobs that have ended.
            if error.code not in {"ValidationException", "ConflictException"}:
                raise
            if not self.look().ended:
                raise

    def result(self) -> EmrServerlessJob:
        """Return it as it has ended."""
        seen = self._seen
        billed = seen.get("billedResourceUtilization") or {}
        return EmrServerlessJob(
            self.job.id,
            self.job.application,
            seen.get("name") or "",
            seen["state"],
            seen.get("stateDetails") or "",
            seen.get("attempt", 1),
            float(seen.get("totalExecutionDurationSeconds", 0)),
            billed.get("vCPUHour", 0.0),
            billed.get("memoryGBHour", 0.0),
            billed.get("storageGBHour", 0.0),
            seen.get("startedAt"),
            seen.get("endedAt"),
        )

    def new_lines(self) -> Iterator[str]:
        """Give what its driver has logged since the last time."""
        if self._log is None:
            self._log = JobLog(self.credentials)
        return self._log.new_lines(self._seen)
