"""EMR Serverless: moto's jobs end well at once; a Stubber lets them run, fail and be cancelled."""

import gzip
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from brickwork import InvalidArguments, Scope, TaskCancelled
from brickwork.testing.task import no_waiting
from brickwork_aws import (
    AwsConflict,
    AwsCredentials,
    AwsDenied,
    AwsJobFailed,
    AwsNotFound,
    AwsTimeout,
    EmrServerlessJob,
    EmrServerlessLogs,
    HiveQuery,
    S3Bucket,
    SparkSubmit,
    aws_call,
    emr_serverless_cancel_job,
    emr_serverless_read_dashboard_url,
    emr_serverless_run_job,
    emr_serverless_start_job,
    emr_serverless_wait_job,
)
from brickwork_aws.jobs import s3_logs
from brickwork_aws.testing.contracts.emr_serverless import ROLE, new_application

STUBBED = "emr-serverless"
APPLICATION = "00fapp"
JOB = EmrServerlessJob("00fjob", APPLICATION, "nightly")
NAMED = {"applicationId": APPLICATION, "jobRunId": JOB.id}
SPARK = SparkSubmit("s3://code/nightly.py")
AT = datetime(2026, 11, 23, 2, tzinfo=UTC)
ARN = f"arn:aws:emr-serverless:eu-west-1:123456789012:/applications/{APPLICATION}"
S3_ONLY = {"s3MonitoringConfiguration": {"logUri": "s3://logs/emr/"}}
CLOUDWATCH = {"cloudWatchLoggingConfiguration": {"enabled": True}}


def seen(state: str, monitoring: Any = None, job: str = JOB.id, **more: Any) -> dict[str, Any]:
    """Return what EMR answers about a job that says itself where it logs; by default nowhere."""
    logs = {"s3MonitoringConfiguration": {}} if monitoring is None else monitoring
    found = {
        **NAMED,
        "jobRunId": job,
        "name": "nightly",
        "arn": f"{ARN}/jobruns/{job}",
        "createdBy": "arn:aws:iam::123456789012:user/me",
        "createdAt": AT,
        "updatedAt": AT,
        "executionRole": ROLE,
        "state": state,
        "stateDetails": state,
        "releaseLabel": "emr-7.5.0",
        "jobDriver": SPARK.as_driver(),
        "configurationOverrides": {"monitoringConfiguration": logs},
    }
    return {"jobRun": {**found, **more}}


def application(state: str, **more: Any) -> dict[str, Any]:
    """Return what EMR answers about an application."""
    found = {
        "applicationId": APPLICATION,
        "arn": ARN,
        "releaseLabel": "emr-7.5.0",
        "type": "Spark",
        "state": state,
        "createdAt": AT,
        "updatedAt": AT,
    }
    return {"application": {**found, **more}}


def log(credentials: AwsCredentials, group: str, stream: str, *lines: str) -> None:
    """Log lines, as a driver would."""
    where: dict[str, Any] = {"logGroupName": group, "logStreamName": stream}
    groups = aws_call(credentials, "logs", "describe_log_groups", logGroupNamePrefix=group)
    if not any(each["logGroupName"] == group for each in groups["logGroups"]):
        aws_call(credentials, "logs", "create_log_group", logGroupName=group)
    aws_call(credentials, "logs", "create_log_stream", **where)
    now = time.time_ns() // 1_000_000
    events = [{"timestamp": now + at, "message": line} for at, line in enumerate(lines)]
    aws_call(credentials, "logs", "put_log_events", **where, logEvents=events)


# Starting


def test_a_job_is_run_to_its_end(s3_credentials: AwsCredentials) -> None:
    """And given back as it has ended."""
    ended = emr_serverless_run_job(
        s3_credentials, new_application(s3_credentials), ROLE, SPARK, name="nightly"
    )
    assert (ended.name, ended.state) == ("nightly", "SUCCESS")
    assert emr_serverless_wait_job(s3_credentials, ended) == ended


def test_what_emr_is_told(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """All that was given, and nothing that was not; a token, by which EMR knows a second start."""
    answer = {**NAMED, "arn": f"{ARN}/jobruns/{JOB.id}"}
    asked = {"applicationId": APPLICATION, "executionRoleArn": ROLE}
    spark = {
        "entryPoint": "s3://code/nightly.py",
        "entryPointArguments": ["monday"],
        "sparkSubmitParameters": "--conf spark.executor.cores=4",
    }
    monitoring = {
        "cloudWatchLoggingConfiguration": {
            "enabled": True,
            "logGroupName": "emr",
            "logStreamNamePrefix": "nightly",
            "logTypes": {"SPARK_DRIVER": ["STDERR"]},
        },
        "s3MonitoringConfiguration": {"logUri": "s3://logs/emr/"},
        "managedPersistenceMonitoringConfiguration": {"enabled": False},
    }
    settings = {"spark.executor.memory": "4g"}
    more = {
        "jobDriver": {"sparkSubmit": spark},
        "name": "nightly",
        "configurationOverrides": {
            "applicationConfiguration": [
                {"classification": "spark-defaults", "properties": settings}
            ],
            "monitoringConfiguration": monitoring,
        },
        "mode": "BATCH",
        "retryPolicy": {"maxAttempts": 3},
        "executionTimeoutMinutes": 60,
        "tags": {"team": "data"},
        "clientToken": "monday",
    }
    hive = {"query": "s3://code/day.sql", "initQueryFile": "s3://code/init.sql"}
    stubbed.add_response("start_job_run", answer, {**asked, **more})
    stubbed.add_response(
        "start_job_run", answer, {**asked, "jobDriver": {"hive": hive}, "clientToken": ANY}
    )
    job = emr_serverless_start_job(
        s3_credentials,
        APPLICATION,
        ROLE,
        SparkSubmit("s3://code/nightly.py", ["monday"], "--conf spark.executor.cores=4"),
        name="nightly",
        configuration={"spark-defaults": settings},
        logs=EmrServerlessLogs(
            group="emr",
            stream_prefix="nightly",
            types={"SPARK_DRIVER": ["STDERR"]},
            s3_url="s3://logs/emr/",
            managed=False,
        ),
        mode="BATCH",
        attempts=3,
        timeout_minutes=60,
        tags={"team": "data"},
        start_application=False,
        client_token="monday",
    )
    assert job == JOB
    emr_serverless_start_job(
        s3_credentials,
        APPLICATION,
        ROLE,
        HiveQuery("s3://code/day.sql", "s3://code/init.sql"),
        start_application=False,
    )


@pytest.mark.usefixtures("stubbed")
def test_what_emr_does_not_take_is_refused(s3_credentials: AwsCredentials) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidArguments, match="entryPoint is shorter than 1"):
        emr_serverless_start_job(
            s3_credentials, APPLICATION, ROLE, SparkSubmit(""), start_application=False
        )


@pytest.mark.parametrize("state", ["CREATED", "STOPPED", "STARTING", "STARTED"])
def test_an_application_that_starts_by_itself_is_left_to_it(
    s3_credentials: AwsCredentials, stubbed: Stubber, state: str
) -> None:
    """It does as soon as it is given a job."""
    stubbed.add_response("get_application", application(state), {"applicationId": APPLICATION})
    stubbed.add_response("start_job_run", {**NAMED, "arn": f"{ARN}/jobruns/{JOB.id}"})
    emr_serverless_start_job(s3_credentials, APPLICATION, ROLE, SPARK)


def test_an_application_that_does_not_start_by_itself_is_started(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """Once, when it has stopped; and the job is given when it has started."""
    off = {"autoStartConfiguration": {"enabled": False}}
    for state in ("STOPPING", "STOPPED"):
        stubbed.add_response("get_application", application(state, **off))
    stubbed.add_response("start_application", {}, {"applicationId": APPLICATION})
    for state in ("STOPPED", "STARTING", "STARTED"):
        stubbed.add_response("get_application", application(state, **off))
    stubbed.add_response("start_job_run", {**NAMED, "arn": f"{ARN}/jobruns/{JOB.id}"})
    with no_waiting():
        assert emr_serverless_start_job(s3_credentials, APPLICATION, ROLE, SPARK).id == JOB.id


def test_an_application_that_does_not_come_up_is_said(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """After a quarter of an hour, in EMR's words; no job is given."""
    off = {"autoStartConfiguration": {"enabled": False}, "stateDetails": "no addresses left"}
    stubbed.add_response("get_application", application("CREATED", **off))
    stubbed.add_response("start_application", {})
    for _ in range(65):
        stubbed.add_response("get_application", application("STOPPED", **off))
    with no_waiting() as waits, pytest.raises(AwsTimeout, match="STOPPED no addresses left"):
        emr_serverless_start_job(s3_credentials, APPLICATION, ROLE, SPARK)
    assert sum(waits) == pytest.approx(900, abs=1)


def test_an_application_that_is_no_more_is_said(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """No job is given."""
    stubbed.add_response("get_application", application("TERMINATED"))
    with pytest.raises(AwsConflict, match=f"{APPLICATION} is no more"):
        emr_serverless_start_job(s3_credentials, APPLICATION, ROLE, SPARK)


@pytest.mark.parametrize("look", [True, False])
def test_an_application_that_is_not_there_is_said(
    s3_credentials: AwsCredentials, *, look: bool
) -> None:
    """In EMR's words."""
    with pytest.raises(AwsNotFound, match="00fnone does not exist"):
        emr_serverless_start_job(s3_credentials, "00fnone", ROLE, SPARK, start_application=look)


def test_a_role_that_may_not_be_passed_is_said(s3_credentials: AwsCredentials) -> None:
    """As what the credentials may not do."""
    other = "arn:aws:iam::999999999999:role/nightly"
    with pytest.raises(AwsDenied, match="emr-serverless:StartJobRun"):
        emr_serverless_start_job(s3_credentials, new_application(s3_credentials), other, SPARK)


# Waiting


def test_what_has_ended_says_what_is_billed(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """Beside the times and the attempt."""
    billed = {"vCPUHour": 1.5, "memoryGBHour": 6.0, "storageGBHour": 20.0}
    more: dict[str, Any] = {
        "billedResourceUtilization": billed,
        "totalExecutionDurationSeconds": 90,
        "attempt": 2,
        "startedAt": AT,
        "endedAt": AT,
        "stateDetails": "done",
    }
    for state in ("SUBMITTED", "PENDING", "SCHEDULED", "RUNNING"):
        stubbed.add_response("get_job_run", seen(state), NAMED)
    stubbed.add_response("get_job_run", seen("SUCCESS", **more), NAMED)
    with no_waiting():
        ended = emr_serverless_wait_job(s3_credentials, JOB)
    assert ended == replace(
        JOB,
        state="SUCCESS",
        details="done",
        attempt=2,
        seconds=90,
        vcpu_hours=1.5,
        memory_gb_hours=6.0,
        storage_gb_hours=20.0,
        started_at=ended.started_at,
        ended_at=ended.ended_at,
    )
    assert (ended.started_at, ended.ended_at) == (AT, AT)


@pytest.mark.parametrize(
    ("state", "details", "said"),
    [
        ("FAILED", "Job failed. ExitCode: 1", "ended as FAILED: Job failed. ExitCode: 1"),
        ("CANCELLED", "Execution timed out", "ended as CANCELLED: Execution timed out"),
    ],
)
def test_a_job_that_failed_says_why(
    s3_credentials: AwsCredentials, stubbed: Stubber, state: str, details: str, said: str
) -> None:
    """In EMR's words; so does one that was cancelled."""
    stubbed.add_response("get_job_run", seen(state, stateDetails=details))
    with pytest.raises(AwsJobFailed, match=said) as caught:
        emr_serverless_wait_job(s3_credentials, JOB)
    assert caught.value.state == state


def test_a_job_that_is_not_there_is_said(s3_credentials: AwsCredentials) -> None:
    """In EMR's words."""
    missing = EmrServerlessJob("00fnone", new_application(s3_credentials))
    with pytest.raises(AwsNotFound, match="emr-serverless:GetJobRun"):
        emr_serverless_wait_job(s3_credentials, missing)


# Logs


@pytest.mark.parametrize("where", ["job", "application"])
@pytest.mark.parametrize("prefix", ["", "team"])
def test_the_log_of_the_driver_is_followed_in_cloudwatch(
    s3_credentials: AwsCredentials,
    stubbed: Stubber,
    caplog: pytest.LogCaptureFixture,
    where: str,
    prefix: str,
) -> None:
    """Both its streams, errors last; where they are the job says, or else its application."""
    group = f"emr-{secrets.token_hex(8)}"
    settings: dict[str, Any] = {"enabled": True, "logGroupName": group}
    if prefix:
        settings["logStreamNamePrefix"] = prefix
    monitoring: dict[str, Any] = {"cloudWatchLoggingConfiguration": settings}
    folder = f"{prefix}/applications/{APPLICATION}/jobs/{JOB.id}"
    log(s3_credentials, group, f"{folder}/SPARK_DRIVER/stderr", "no such table")
    log(s3_credentials, group, f"{folder}/SPARK_DRIVER/stdout", "hello")
    log(s3_credentials, group, f"{folder}/SPARK_EXECUTOR/1/stdout", "not followed")
    own = monitoring if where == "job" else {}
    stubbed.add_response("get_job_run", seen("RUNNING", own))
    if where == "application":
        stubbed.add_response(
            "get_application", application("STARTED", monitoringConfiguration=monitoring)
        )
    stubbed.add_response("get_job_run", seen("FAILED", own, stateDetails="ExitCode: 1"))
    with (
        caplog.at_level(logging.INFO, "brickwork.aws.jobs"),
        pytest.raises(AwsJobFailed, match="ExitCode: 1") as caught,
    ):
        emr_serverless_wait_job(s3_credentials, JOB, poll_seconds=0.01)
    assert caught.value.log == ("hello", "no such table")
    lines = [each.partition("): ")[2] for each in caplog.messages]
    assert lines == ["hello", "no such table"]


@pytest.mark.parametrize(
    "tried_again", [{"retryPolicy": {"maxAttempts": 2}}, {"mode": "STREAMING"}]
)
def test_the_log_of_every_attempt_is_followed(
    s3_credentials: AwsCredentials, stubbed: Stubber, tried_again: dict[str, Any]
) -> None:
    """Each has a folder of its own, where EMR tries again; of Hive, another driver."""
    group = f"emr-{secrets.token_hex(8)}"
    on = {"cloudWatchLoggingConfiguration": {"enabled": True, "logGroupName": group}}
    folder = f"/applications/{APPLICATION}/jobs/{JOB.id}/attempts"
    log(s3_credentials, group, f"{folder}/1/HIVE_DRIVER/stdout", "one")
    log(s3_credentials, group, f"{folder}/2/HIVE_DRIVER/stdout", "two")
    more: dict[str, Any] = {**tried_again, "jobDriver": HiveQuery("SELECT 1").as_driver()}
    stubbed.add_response("get_job_run", seen("RUNNING", on, attempt=1, **more))
    stubbed.add_response("get_job_run", seen("FAILED", on, attempt=2, **more))
    with pytest.raises(AwsJobFailed) as caught:
        emr_serverless_wait_job(s3_credentials, JOB, poll_seconds=0.01)
    assert caught.value.log == ("one", "two")


def test_a_group_that_is_not_there_yet_is_no_log(
    s3_credentials: AwsCredentials,
    stubbed: Stubber,
    caplog: pytest.LogCaptureFixture,
    lacks: Callable[[bool, str], None],
) -> None:
    """It comes with its first stream; nobody is warned."""
    on = {"cloudWatchLoggingConfiguration": {"enabled": True, "logGroupName": "no-such-group"}}
    stubbed.add_response("get_job_run", seen("SUCCESS", on))
    emr_serverless_wait_job(s3_credentials, JOB)
    lacks("may not do this" in caplog.text, caplog.text)
    assert not caplog.messages


def test_a_log_that_may_not_be_read_is_a_warning_and_the_job_goes_on(
    s3_credentials: AwsCredentials, stubbed: Stubber, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, however often it is asked for."""
    for state in ("RUNNING", "RUNNING", "SUCCESS"):
        stubbed.add_response("get_job_run", seen(state, CLOUDWATCH))
    with Stubber(s3_credentials.client("logs")) as logs:
        for _ in range(3):
            logs.add_client_error("describe_log_streams", "AccessDeniedException", "no", 403)
        emr_serverless_wait_job(s3_credentials, JOB, poll_seconds=0.01)
    (warning,) = caplog.messages
    assert "logs:DescribeLogStreams" in warning


def test_an_application_that_may_not_be_looked_at_is_a_warning(
    s3_credentials: AwsCredentials, stubbed: Stubber, caplog: pytest.LogCaptureFixture
) -> None:
    """It is asked once; the job goes on."""
    stubbed.add_response("get_job_run", seen("RUNNING", {}))
    stubbed.add_client_error("get_application", "AccessDeniedException", "no", 403)
    stubbed.add_response("get_job_run", seen("SUCCESS", {}))
    emr_serverless_wait_job(s3_credentials, JOB, poll_seconds=0.01)
    (warning,) = caplog.messages
    assert "emr-serverless:GetApplication" in warning


@pytest.mark.parametrize("state", ["SUCCESS", "FAILED"])
def test_the_log_in_s3_is_read_at_the_end(
    s3_credentials: AwsCredentials,
    s3_bucket: S3Bucket,
    stubbed: Stubber,
    caplog: pytest.LogCaptureFixture,
    state: str,
) -> None:
    """The driver's files, errors last; not those that were rotated away, or of executors."""
    in_s3 = {"s3MonitoringConfiguration": {"logUri": f"s3://{s3_bucket.bucket}/emr/"}}
    folder = f"emr/applications/{APPLICATION}/jobs/{JOB.id}"
    for name, text in {
        "SPARK_DRIVER/stdout.gz": "one\ntwo\n",
        "SPARK_DRIVER/stderr.gz": "no such table",
        "SPARK_DRIVER/archived/stderr_1.gz": "not read",
        "SPARK_EXECUTOR/1/stderr.gz": "not read",
    }.items():
        s3_bucket.write(f"{folder}/{name}", gzip.compress(text.encode()))
    stubbed.add_response("get_job_run", seen("RUNNING", in_s3))
    stubbed.add_response("get_job_run", seen(state, in_s3))
    with caplog.at_level(logging.INFO, "brickwork.aws.jobs"):
        if state == "SUCCESS":
            emr_serverless_wait_job(s3_credentials, JOB, poll_seconds=0.01)
        else:
            with pytest.raises(AwsJobFailed) as caught:
                emr_serverless_wait_job(s3_credentials, JOB, poll_seconds=0.01)
            assert caught.value.log == ("one", "two", "no such table")
    lines = [each.partition("): ")[2] for each in caplog.messages]
    assert lines == ["one", "two", "no such table"]


def test_the_log_in_s3_of_a_job_that_failed_may_come_late(
    s3_credentials: AwsCredentials, s3_bucket: S3Bucket, stubbed: Stubber
) -> None:
    """It is waited for a little, and then the job's own reason must do."""
    in_s3 = {"s3MonitoringConfiguration": {"logUri": f"s3://{s3_bucket.bucket}"}}
    stubbed.add_response("get_job_run", seen("FAILED", in_s3))
    with no_waiting() as waits, pytest.raises(AwsJobFailed) as caught:
        emr_serverless_wait_job(s3_credentials, JOB)
    assert caught.value.log == ()
    assert sum(waits) == pytest.approx(10, abs=1)


def test_a_bucket_that_is_not_there_is_a_warning(
    s3_credentials: AwsCredentials, stubbed: Stubber, caplog: pytest.LogCaptureFixture
) -> None:
    """The job has ended as it has."""
    in_s3 = {"s3MonitoringConfiguration": {"logUri": f"s3://{secrets.token_hex(8)}/emr"}}
    stubbed.add_response("get_job_run", seen("FAILED", in_s3))
    with pytest.raises(AwsJobFailed):
        emr_serverless_wait_job(s3_credentials, JOB)
    (warning,) = caplog.messages
    assert "The log of EMR Serverless job 00fjob" in warning


def test_only_the_last_lines_of_a_file_are_read(
    s3_credentials: AwsCredentials, s3_bucket: S3Bucket
) -> None:
    """Whether compressed or not, or cut off since it is being written; not lines without end."""
    lines = [f"line {number}" for number in range(2500)]
    text = "".join(f"{line}\n" for line in lines).encode()
    whole = gzip.compress(text)
    s3_bucket.write("whole.gz", whole)
    s3_bucket.write("plain.txt", text)
    s3_bucket.write("cut.gz", whole[:-8])
    s3_bucket.write(
        "long.gz", gzip.compress(b"one\n" + b"x" * 200_000 + b"\ntwo\n" + b"y" * 70_000)
    )
    place = f"s3n://{s3_bucket.bucket}"
    for name in ("whole.gz", "plain.txt", "cut.gz"):
        read = list(s3_logs.lines_of_file(s3_credentials, f"{place}/{name}"))
        assert read == lines[-1000:], name
    long = list(s3_logs.lines_of_file(s3_credentials, f"{place}/long.gz"))
    assert long == ["one", "(a line that is too long)", "two", "(a line that is too long)"]


# Stopping


@pytest.mark.parametrize("cancel", [True, False])
def test_a_job_is_cancelled_with_its_task_where_that_is_wanted(
    s3_credentials: AwsCredentials, stubbed: Stubber, *, cancel: bool
) -> None:
    """At EMR, with a request of its own; or it goes on."""
    stubbed.add_response("get_job_run", seen("RUNNING"))
    if cancel:
        stubbed.add_response("cancel_job_run", NAMED, NAMED)
    with Scope("job") as scope:
        timer = threading.Timer(0.3, scope.cancel)
        timer.start()
        with pytest.raises(TaskCancelled):
            emr_serverless_wait_job(s3_credentials, JOB, poll_seconds=600, cancel_on_stop=cancel)
        timer.join()


def test_time_that_is_up_cancels_the_job(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """The error says that it was told to stop."""
    stubbed.add_response("get_job_run", seen("QUEUED"))
    stubbed.add_response("cancel_job_run", NAMED, NAMED)
    with pytest.raises(AwsTimeout, match="did not end within 0 s") as caught:
        emr_serverless_wait_job(s3_credentials, JOB, max_wait_seconds=0)
    assert "told to stop" in str(caught.value.fix)


def test_a_job_is_cancelled(s3_credentials: AwsCredentials) -> None:
    """And ends as that."""
    job = emr_serverless_start_job(s3_credentials, new_application(s3_credentials), ROLE, SPARK)
    emr_serverless_cancel_job(s3_credentials, job)
    with pytest.raises(AwsJobFailed, match="ended as CANCELLED: EMR does not say why"):
        emr_serverless_wait_job(s3_credentials, job)


def test_a_job_gets_time_to_end(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """As long as was said."""
    stubbed.add_response("cancel_job_run", NAMED, {**NAMED, "shutdownGracePeriodInSeconds": 300})
    emr_serverless_cancel_job(s3_credentials, JOB, grace_seconds=300)


@pytest.mark.parametrize("ended", [True, False])
def test_a_job_that_has_ended_stays_as_it_is(
    s3_credentials: AwsCredentials, stubbed: Stubber, *, ended: bool
) -> None:
    """EMR refuses to cancel it, which is no error; of another job it is one."""
    stubbed.add_client_error("cancel_job_run", "ValidationException", "in a final state", 400)
    stubbed.add_response("get_job_run", seen("SUCCESS" if ended else "RUNNING"))
    if ended:
        emr_serverless_cancel_job(s3_credentials, JOB)
        return
    with pytest.raises(Exception, match="in a final state"):
        emr_serverless_cancel_job(s3_credentials, JOB)


def test_a_job_that_may_not_be_cancelled_is_said(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """By the permission that lacks."""
    stubbed.add_client_error("cancel_job_run", "AccessDeniedException", "no", 403)
    with pytest.raises(AwsDenied, match="emr-serverless:CancelJobRun"):
        emr_serverless_cancel_job(s3_credentials, JOB)


def test_the_dashboard_has_a_url(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """Of the attempt that is asked for."""
    url = "https://p-1-00fjob.emrappui-prod.eu-west-1.amazonaws.com/shs/?authToken=t"
    stubbed.add_response("get_dashboard_for_job_run", {"url": url}, {**NAMED, "attempt": 2})
    assert emr_serverless_read_dashboard_url(s3_credentials, JOB, attempt=2) == url
