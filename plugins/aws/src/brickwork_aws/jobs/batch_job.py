"""The jobs that `brickwork_aws.jobs.batch` follows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from brickwork import register_type
from brickwork_aws.cloudwatch_logs import LogTail, tail_of
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsNotFound
from brickwork_aws.jobs.following import Job, Look

LOG_GROUP = "/aws/batch/job"
"""Where the log of a job is, if its definition does not say otherwise."""

_UNSEEN = 10  # looks at a job that is not known yet; about a minute and a half
_ENDS = {"SUCCEEDED", "FAILED"}


@register_type("aws.batch-job")
@dataclass(frozen=True)
class BatchJob:
    """A job that was given to Batch.

    Attributes:
        id: Batch's id of it.
        name: Its name.
        state: ``SUBMITTED``, ``PENDING``, ``RUNNABLE``, ``STARTING``, ``RUNNING``, ``SUCCEEDED`` or
            ``FAILED``, when it was last looked at.
        exit_code: How its container has ended, the last time; None of an array.
        attempts: How often it ran.
        size: How many jobs an array has; 0 if it is none.
        succeeded: How many of the array have ended well.
        started_at: Since when it ran.
        stopped_at: When it ended.
    """

    id: str
    name: str
    state: str = "SUBMITTED"
    exit_code: int | None = None
    attempts: int = 0
    size: int = 0
    succeeded: int = 0
    started_at: datetime | None = None
    stopped_at: datetime | None = None


@dataclass
class FollowedJob(Job[BatchJob]):
    """A job on Batch; by whom it was given does not matter."""

    credentials: AwsCredentials
    job: BatchJob
    _seen: Mapping[str, Any] = field(default_factory=dict)
    _misses: int = 0
    _tail: LogTail | None = None

    @property
    def what(self) -> str:
        """The job, for people."""
        return f"Batch job {self.job.name} ({self.job.id})"

    def look(self) -> Look:
        """Ask Batch how it is."""
        found = self._described(self.job.id)
        if found is None:
            return self._missing()
        self._seen = found
        state = found["status"]
        array = found.get("arrayProperties", {})
        counts, size = array.get("statusSummary", {}), array.get("size")
        failure = self._why_failed(found, counts, size) if state == "FAILED" else ""
        done = sum(counts.get(end, 0) for end in _ENDS)
        return Look(state, state in _ENDS, failure, done, size)

    def stop(self) -> None:
        """Terminate it, all of it if it is an array; one that has ended stays as it is."""
        reason = "Cancelled by Brickwork"
        call(self.credentials, "terminate_job", jobId=self.job.id, reason=reason)

    def result(self) -> BatchJob:
        """Return it as it has ended."""
        seen, array = self._seen, self._seen.get("arrayProperties", {})
        return BatchJob(
            self.job.id,
            self.job.name,
            seen["status"],
            _container(seen).get("exitCode"),
            len(seen.get("attempts", ())),
            array.get("size", 0),
            array.get("statusSummary", {}).get("SUCCEEDED", 0),
            _time(seen.get("startedAt")),
            _time(seen.get("stoppedAt")),
        )

    def new_lines(self) -> Iterator[str]:
        """Give what the last attempt has logged since the last time, after the rest of others."""
        if self._tail is not None:
            yield from self._tail.new_lines()
        options, stream = _log(self._seen)
        if stream and (self._tail is None or self._tail.stream != stream):
            self._tail = tail_of(self.credentials, options, stream)
            yield from self._tail.new_lines()

    def _described(self, job_id: str) -> dict[str, Any] | None:
        jobs = call(self.credentials, "describe_jobs", jobs=[job_id])["jobs"]
        return jobs[0] if jobs else None

    def _missing(self) -> Look:
        """What SubmitJob has just returned may be unknown for a while."""
        self._misses += 1
        if self._seen or self._misses > _UNSEEN:
            raise AwsNotFound(
                f"Batch does not know the job {self.job.id}, or not any more.",
                fix="Check the id, the region and the account; ended jobs are forgotten in a week.",
            )
        return Look(self.job.state)

    def _why_failed(
        self, seen: Mapping[str, Any], counts: Mapping[str, int], size: int | None
    ) -> str:
        """Return why it failed; of an array, see to it that the log of one that did is read."""
        if size is None:
            return _failure(seen)
        said = f"{counts.get('FAILED', 0)} of {size} failed"
        listed = call(self.credentials, "list_jobs", arrayJobId=self.job.id, jobStatus="FAILED")[
            "jobSummaryList"
        ]
        children = sorted(listed, key=lambda each: each.get("arrayProperties", {}).get("index", 0))
        child = self._described(children[0]["jobId"]) if children else None
        if child is None:
            return f"{said}; {_failure(seen)}"
        self._seen = {**seen, "container": child.get("container", {})}
        self._seen["ecsProperties"] = child.get("ecsProperties", {})
        return f"{said}; {child['jobId']}: {_failure(child)}"


def _failure(seen: Mapping[str, Any]) -> str:
    container = _container(seen)
    code = container.get("exitCode")
    said = [
        "" if code is None else f"exited with {code}",
        container.get("reason"),
        seen.get("statusReason"),
    ]
    return "; ".join(each for each in said if each) or "Batch does not say why"


def _container(seen: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the container of a job; of several, the first essential one."""
    if seen.get("container"):
        found: Mapping[str, Any] = seen["container"]
        return found
    tasks = seen.get("ecsProperties", {}).get("taskProperties") or [{}]
    containers: list[Mapping[str, Any]] = tasks[0].get("containers") or [{}]
    return next((each for each in containers if each.get("essential", True)), containers[0])


def _log(seen: Mapping[str, Any]) -> tuple[Mapping[str, str], str]:
    """Return where a job logs, by the options of ``awslogs``, and the stream; empty if nowhere.

    See https://docs.aws.amazon.com/batch/latest/userguide/using_awslogs.html.
    """
    container = _container(seen)
    log = container.get("logConfiguration", {})
    if log.get("logDriver", "awslogs") != "awslogs":
        return {}, ""
    options = {"awslogs-group": LOG_GROUP, **log.get("options", {})}
    return options, container.get("logStreamName", "")


def _time(milliseconds: int | None) -> datetime | None:
    # What has not begun is said to have begun in 1970.
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None


def call(credentials: AwsCredentials, operation: str, **parameters: Any) -> dict[str, Any]:
    """Call an operation of Batch."""
    from brickwork_aws.operations import Operation

    return Operation(credentials, "batch", operation).call(parameters)
