"""The logs of the jobs that `brickwork_aws.jobs.emr_serverless` follows."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from brickwork import StorageError
from brickwork_aws.cloudwatch_logs import LogTail
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsError, AwsNotFound
from brickwork_aws.jobs.s3_logs import lines_of_folder
from brickwork_aws.polling import turns

LOG_GROUP = "/aws/emr-serverless"
"""Where the log of a job is, if nothing else is said."""

LATE_LOG_SECONDS = 10.0
"""How long the log of a job that failed is waited for, in S3."""

ENDS = {"SUCCESS", "FAILED", "CANCELLED"}
"""The states of jobs that have ended."""

_logger = logging.getLogger("brickwork.aws.jobs")


class JobLog:
    """What the driver of a job has logged since the last time that it was asked.

    See https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/logging.html. A log that
    cannot be read is a warning, once: the job goes on.

    Args:
        credentials: Whose.
    """

    def __init__(self, credentials: AwsCredentials) -> None:
        self._credentials = credentials
        self._settings: Mapping[str, Any] | None = None
        self._tails: dict[str, LogTail] = {}
        self._warned = False

    def new_lines(self, seen: Mapping[str, Any]) -> Iterator[str]:
        """Give the lines that are new: from CloudWatch, or else from S3 once the job has ended.

        Args:
            seen: What EMR says of the job.
        """
        try:
            yield from self._lines(seen)
        except (AwsError, StorageError) as error:
            if not self._warned:
                _logger.warning("The log of EMR Serverless job %s: %s", seen["jobRunId"], error)
            self._warned = True

    def _lines(self, seen: Mapping[str, Any]) -> Iterator[str]:
        if self._settings is None:
            self._settings = {}  # if they cannot be asked for, then once
            self._settings = self._logging(seen)
        cloudwatch = self._settings.get("cloudWatchLoggingConfiguration") or {}
        url = (self._settings.get("s3MonitoringConfiguration") or {}).get("logUri")
        if cloudwatch.get("enabled"):
            yield from self._tailed(cloudwatch, seen)
        elif url and seen["state"] in ENDS:
            late = LATE_LOG_SECONDS if seen["state"] == "FAILED" else 0
            for _ in turns(1.0, late):
                lines = list(lines_of_folder(self._credentials, url.rstrip("/") + _folder(seen)))
                yield from lines
                if lines:
                    return

    def _logging(self, seen: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return where a job logs; if it does not say that itself, its application does."""
        own: Mapping[str, Any] = seen.get("configurationOverrides", {}).get(
            "monitoringConfiguration", {}
        )
        if "cloudWatchLoggingConfiguration" in own or "s3MonitoringConfiguration" in own:
            return own
        application = get_application(self._credentials, seen["applicationId"])
        found: Mapping[str, Any] = application.get("monitoringConfiguration", {})
        return found

    def _tailed(self, settings: Mapping[str, Any], seen: Mapping[str, Any]) -> Iterator[str]:
        group = settings.get("logGroupName") or LOG_GROUP
        prefix = settings.get("logStreamNamePrefix", "") + _folder(seen)
        for stream in _streams(self._credentials, group, prefix):
            self._tails.setdefault(stream, LogTail(self._credentials, group, stream))
        # Errors last: STDERR after STDOUT. Also those of attempts before, which may end late.
        for stream in sorted(self._tails, reverse=True):
            yield from self._tails[stream].new_lines()


def _folder(seen: Mapping[str, Any]) -> str:
    """Return where the log of a job's driver is, below the place of all logs."""
    attempts = seen.get("retryPolicy", {}).get("maxAttempts", 1)
    retried = attempts > 1 or seen.get("mode") == "STREAMING"
    attempt = f"/attempts/{seen.get('attempt', 1)}" if retried else ""
    driver = "HIVE_DRIVER" if "hive" in seen["jobDriver"] else "SPARK_DRIVER"
    return f"/applications/{seen['applicationId']}/jobs/{seen['jobRunId']}{attempt}/{driver}"


def _streams(credentials: AwsCredentials, group: str, prefix: str) -> list[str]:
    from brickwork_aws.operations import Operation

    asked = {"logGroupName": group, "logStreamNamePrefix": prefix}
    try:
        found = Operation(credentials, "logs", "describe_log_streams").everything(asked)
    except AwsNotFound:  # the group comes with its first stream
        return []
    return [each["logStreamName"] for each in found["logStreams"]]


def get_application(credentials: AwsCredentials, application: str) -> dict[str, Any]:
    """Return what EMR says of an application."""
    answer = call(credentials, "get_application", applicationId=application)
    found: dict[str, Any] = answer["application"]
    return found


def call(credentials: AwsCredentials, operation: str, **parameters: Any) -> dict[str, Any]:
    """Call an operation of EMR Serverless."""
    from brickwork_aws.operations import Operation

    return Operation(credentials, "emr-serverless", operation).call(parameters)
