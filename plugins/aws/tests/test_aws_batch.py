"""Batch: moto's jobs end well at once; a Stubber lets them run, fail and be tried again."""

import logging
import secrets
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import Stubber

from brickwork import InvalidArguments, Progress, Scope, TaskCancelled, on_progress
from brickwork.testing.task import no_waiting
from brickwork_aws import (
    AwsCredentials,
    AwsError,
    AwsJobFailed,
    AwsNotFound,
    AwsTimeout,
    BatchJob,
    batch_cancel_job,
    batch_run_job,
    batch_start_job,
    batch_wait_job,
)
from brickwork_aws.testing import AwsServer
from brickwork_aws.testing.contracts.batch import batch_queue
from brickwork_aws.testing.logs import write_log as log
from brickwork_aws.testing.moto import jobs_succeed

STUBBED = "batch"
JOB = BatchJob("6f2c", "nightly")
STOP = {"jobId": "6f2c", "reason": "Cancelled by Brickwork"}


@pytest.fixture
def queue(s3_server: AwsServer, s3_credentials: AwsCredentials) -> Iterator[str]:
    """The name of a fresh queue, and of a definition."""
    name = batch_queue(s3_credentials)
    with jobs_succeed(s3_server):
        yield name


def seen(status: str, job: str = "6f2c", **more: Any) -> dict[str, Any]:
    """Return what Batch answers about the job."""
    of = {"jobId": job, "jobName": "nightly", "jobQueue": "q", "jobDefinition": "d"}
    return {"jobs": [{**of, "status": status, "startedAt": 0, **more}]}


def test_a_job_is_run_to_its_end(s3_credentials: AwsCredentials, queue: str) -> None:
    """And given back as it has ended; terminating it then changes nothing."""
    ended = batch_run_job(s3_credentials, "nightly", queue, queue, command=["true"])
    assert (ended.name, ended.state, ended.size) == ("nightly", "SUCCEEDED", 0)
    assert ended.started_at is not None
    assert ended.stopped_at is not None
    batch_cancel_job(s3_credentials, ended)
    assert batch_wait_job(s3_credentials, ended) == ended


def test_an_array_is_run_to_its_end(s3_credentials: AwsCredentials, queue: str) -> None:
    """How many of its jobs have ended is the progress."""
    reports: list[Progress] = []
    with on_progress(reports.append):
        ended = batch_run_job(s3_credentials, "nightly", queue, queue, array_size=3)
    assert (ended.state, ended.size, ended.succeeded) == ("SUCCEEDED", 3, 3)
    assert (reports[-1].done, reports[-1].total) == (3, 3)


def test_a_queue_that_is_not_there_is_said(s3_credentials: AwsCredentials, queue: str) -> None:
    """In Batch's words."""
    with pytest.raises(AwsError, match=r"batch:SubmitJob.*no-such-queue"):
        batch_start_job(s3_credentials, "nightly", "no-such-queue", queue)


def test_what_batch_is_told(s3_credentials: AwsCredentials, sent: Stubber) -> None:
    """All that was given, and nothing that was not."""
    answer = {"jobId": "6f2c", "jobName": "nightly"}
    asked: dict[str, Any] = {"jobName": "nightly", "jobQueue": "q", "jobDefinition": "d:3"}
    more = {
        "parameters": {"day": "monday"},
        "containerOverrides": {
            "command": ["report", "Ref::day"],
            "environment": [{"name": "A", "value": "b"}],
            "resourceRequirements": [
                {"type": "VCPU", "value": "0.25"},
                {"type": "MEMORY", "value": "1048576"},
            ],
        },
        "arrayProperties": {"size": 3},
        "dependsOn": [{"jobId": "7a3d", "type": "N_TO_N"}, {"type": "SEQUENTIAL"}],
        "retryStrategy": {"attempts": 4},
        "timeout": {"attemptDurationSeconds": 600},
        "tags": {"team": "data"},
    }
    sent.add_response("submit_job", answer, {**asked, **more})
    sent.add_response("submit_job", answer, {**asked, "dependsOn": [{"jobId": "7a3d"}]})
    sent.add_response("submit_job", answer, asked)
    before = BatchJob("7a3d", "earlier")
    job = batch_start_job(
        s3_credentials,
        "nightly",
        "q",
        "d:3",
        parameters={"day": "monday"},
        command=["report", "Ref::day"],
        environment={"A": "b"},
        vcpus=0.25,
        memory=1048576,
        array_size=3,
        depends_on=[before],
        each_after_its_like=True,
        one_after_the_other=True,
        attempts=4,
        timeout_seconds=600,
        tags={"team": "data"},
    )
    assert job == BatchJob("6f2c", "nightly", size=3)
    batch_start_job(s3_credentials, "nightly", "q", "d:3", depends_on=[before])
    assert batch_start_job(s3_credentials, "nightly", "q", "d:3") == JOB


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"one_after_the_other": True}, "Only the jobs of an array"),
        ({"each_after_its_like": True, "depends_on": [JOB]}, "Only the jobs of an array"),
        ({"each_after_its_like": True, "array_size": 2}, "no jobs to wait for"),
    ],
)
@pytest.mark.usefixtures("sent")
def test_arguments_that_do_not_fit_are_refused(
    s3_credentials: AwsCredentials, given: dict[str, Any], said: str
) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidArguments, match=said):
        batch_start_job(s3_credentials, "nightly", "q", "d", **given)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"container": {"exitCode": 3}, "statusReason": "Essential container in task exited"},
            "exited with 3; Essential container in task exited",
        ),
        (
            {"container": {"exitCode": 137, "reason": "OutOfMemoryError: killed"}},
            "exited with 137; OutOfMemoryError: killed",
        ),
        ({"statusReason": "Job attempt duration exceeded timeout"}, "exceeded timeout"),
        ({}, "Batch does not say why"),
    ],
)
def test_a_job_that_failed_says_why(
    s3_credentials: AwsCredentials, stubbed: Stubber, more: dict[str, Any], said: str
) -> None:
    """By its exit code and Batch's reasons."""
    stubbed.add_response("describe_jobs", seen("FAILED", **more), {"jobs": ["6f2c"]})
    with pytest.raises(AwsJobFailed, match=said) as caught:
        batch_wait_job(s3_credentials, JOB)
    assert caught.value.state == "FAILED"


def test_the_log_of_every_attempt_is_followed(
    s3_credentials: AwsCredentials, stubbed: Stubber, caplog: pytest.LogCaptureFixture
) -> None:
    """Each has a stream of its own; of the one before the last lines are not lost."""
    stream = f"d/default/{secrets.token_hex(8)}"
    first, second = f"{stream}-1", f"{stream}-2"
    log(s3_credentials, "/aws/batch/job", first, "one", "two")
    log(s3_credentials, "/aws/batch/job", second, "again")
    for status, container in (
        ("RUNNABLE", {}),
        ("RUNNING", {"logStreamName": first}),
        ("RUNNING", {"logStreamName": second}),
        ("SUCCEEDED", {"logStreamName": second, "exitCode": 0}),
    ):
        attempts = [{"startedAt": 1}, {"startedAt": 2}]
        stubbed.add_response("describe_jobs", seen(status, container=container, attempts=attempts))
    with caplog.at_level(logging.INFO, "brickwork.aws.jobs"):
        ended = batch_wait_job(s3_credentials, JOB, poll_seconds=0.01)
    lines = [each.rpartition(": ")[2] for each in caplog.messages]
    assert lines == ["one", "two", "again"]
    assert (ended.exit_code, ended.attempts) == (0, 2)


@pytest.mark.parametrize("several", [True, False])
def test_an_error_has_the_last_lines_of_the_log(
    s3_credentials: AwsCredentials, stubbed: Stubber, *, several: bool
) -> None:
    """From the group that the definition names; of several containers, of the essential one."""
    group = f"group-{secrets.token_hex(8)}"
    options = {"awslogs-group": group}
    container = {
        "exitCode": 1,
        "logStreamName": "s",
        "logConfiguration": {"logDriver": "awslogs", "options": options},
    }
    log(s3_credentials, group, "s", "no such table")
    aside = {"name": "proxy", "essential": False, "exitCode": 0}
    more = (
        {"ecsProperties": {"taskProperties": [{"containers": [aside, container]}]}}
        if several
        else {"container": container}
    )
    stubbed.add_response("describe_jobs", seen("FAILED", **more))
    with pytest.raises(AwsJobFailed, match="exited with 1") as caught:
        batch_wait_job(s3_credentials, JOB)
    assert caught.value.log == ("no such table",)


def test_a_log_that_goes_elsewhere_is_not_read(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """Only ``awslogs`` goes to CloudWatch."""
    logs = {"logDriver": "splunk", "options": {}}
    container = {"exitCode": 1, "logStreamName": "s", "logConfiguration": logs}
    stubbed.add_response("describe_jobs", seen("FAILED", container=container))
    with (
        Stubber(s3_credentials.client("logs")),
        pytest.raises(AwsJobFailed, match="exited with 1") as caught,
    ):
        batch_wait_job(s3_credentials, JOB)
    assert caught.value.log == ()


def test_an_array_of_which_some_failed_names_one_and_has_its_log(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """The array itself has neither an exit code nor a log."""
    stream = f"d/default/{secrets.token_hex(8)}"
    log(s3_credentials, "/aws/batch/job", stream, "no such table")
    array = {"size": 5, "statusSummary": {"FAILED": 2, "SUCCEEDED": 3}}
    stubbed.add_response("describe_jobs", seen("FAILED", arrayProperties=array))
    children = [
        {"jobId": f"6f2c:{index}", "jobName": "nightly", "arrayProperties": {"index": index}}
        for index in (4, 1)
    ]
    stubbed.add_response(
        "list_jobs", {"jobSummaryList": children}, {"arrayJobId": "6f2c", "jobStatus": "FAILED"}
    )
    container = {"exitCode": 7, "logStreamName": stream}
    stubbed.add_response(
        "describe_jobs", seen("FAILED", "6f2c:1", container=container), {"jobs": ["6f2c:1"]}
    )
    with pytest.raises(AwsJobFailed, match="2 of 5 failed; 6f2c:1: exited with 7") as caught:
        batch_wait_job(s3_credentials, BatchJob("6f2c", "nightly", size=5))
    assert caught.value.log == ("no such table",)


def test_an_array_of_which_no_child_is_known_says_what_batch_says(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """Such as one whose dependency failed before it began."""
    array = {"size": 5, "statusSummary": {}}
    why = "Dependent Job failed"
    stubbed.add_response("describe_jobs", seen("FAILED", arrayProperties=array, statusReason=why))
    stubbed.add_response("list_jobs", {"jobSummaryList": []})
    with pytest.raises(AwsJobFailed, match="0 of 5 failed; Dependent Job failed"):
        batch_wait_job(s3_credentials, JOB)


def test_a_job_that_was_just_given_may_be_unknown_for_a_while(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """One that Batch never knows is an error."""
    stubbed.add_response("describe_jobs", {"jobs": []})
    stubbed.add_response("describe_jobs", seen("SUCCEEDED"))
    with no_waiting():
        assert batch_wait_job(s3_credentials, JOB).state == "SUCCEEDED"

    for _ in range(11):
        stubbed.add_response("describe_jobs", {"jobs": []})
    with no_waiting(), pytest.raises(AwsNotFound, match="does not know the job 6f2c"):
        batch_wait_job(s3_credentials, JOB)


@pytest.mark.parametrize("cancel", [True, False])
def test_a_job_is_terminated_with_its_task_where_that_is_wanted(
    s3_credentials: AwsCredentials, stubbed: Stubber, *, cancel: bool
) -> None:
    """At Batch, with a reason; or it goes on."""
    stubbed.add_response("describe_jobs", seen("RUNNING"))
    if cancel:
        stubbed.add_response("terminate_job", {}, STOP)
    with Scope("job") as scope:
        timer = threading.Timer(0.3, scope.cancel)
        timer.start()
        with pytest.raises(TaskCancelled):
            batch_wait_job(s3_credentials, JOB, poll_seconds=600, cancel_on_stop=cancel)
        timer.join()


def test_time_that_is_up_terminates_the_job(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """The error says that it was told to stop."""
    stubbed.add_response("describe_jobs", seen("RUNNABLE"))
    stubbed.add_response("terminate_job", {}, STOP)
    with pytest.raises(AwsTimeout, match="did not end within 0 s") as caught:
        batch_wait_job(s3_credentials, JOB, max_wait_seconds=0)
    assert "told to stop" in str(caught.value.fix)
