"""Glue's jobs: moto runs them to a good end; a Stubber lets them fail, and be stopped."""

import json
import logging
import secrets
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber

from brickwork import InvalidArguments, Progress, Scope, TaskCancelled, on_progress
from brickwork_aws import (
    AwsConflict,
    AwsCredentials,
    AwsDenied,
    AwsError,
    AwsJobFailed,
    AwsNotFound,
    AwsTimeout,
    GlueJobRun,
    aws_call,
    glue_cancel_job,
    glue_run_job,
    glue_start_job,
    glue_wait_job,
)
from brickwork_aws.testing import AwsServer
from brickwork_aws.testing.contracts.glue import new_glue_job
from brickwork_aws.testing.logs import write_log as log
from brickwork_aws.testing.moto import glue_jobs_run_on

STUBBED = "glue"
RUN = GlueJobRun("nightly", "jr_6f2c")
ASKED = {"JobName": "nightly", "RunId": "jr_6f2c"}
STOP = {"JobName": "nightly", "JobRunIds": ["jr_6f2c"]}


def seen(state: str, **more: Any) -> dict[str, Any]:
    """Return what Glue answers about the run."""
    return {"JobRun": {"Id": "jr_6f2c", "JobName": "nightly", "JobRunState": state, **more}}


def test_a_job_is_run_to_its_end(s3_credentials: AwsCredentials) -> None:
    """And given back as it has ended, with its seconds; stopping it then changes nothing."""
    job = new_glue_job(s3_credentials)
    ended = glue_run_job(s3_credentials, job, arguments={"day": "monday"})
    assert (ended.job, ended.state, ended.seconds) == (job, "SUCCEEDED", 123)
    assert ended.started_at is not None
    found = aws_call(s3_credentials, "glue", "get_job_run", JobName=job, RunId=ended.id)
    assert found["JobRun"]["Arguments"] == {"--day": "monday"}
    glue_cancel_job(s3_credentials, ended)
    assert glue_wait_job(s3_credentials, ended) == ended


def test_a_job_that_is_not_there_is_said(s3_credentials: AwsCredentials) -> None:
    """So is a run that is not."""
    with pytest.raises(AwsNotFound, match=r"glue:StartJobRun.*no-such-job"):
        glue_start_job(s3_credentials, "no-such-job")
    job = new_glue_job(s3_credentials)
    with pytest.raises(AwsNotFound, match="glue:GetJobRun"):
        glue_wait_job(s3_credentials, GlueJobRun(job, "jr_0"))


def test_more_runs_than_may_go_on_are_a_conflict(
    s3_server: AwsServer, s3_credentials: AwsCredentials
) -> None:
    """It names the job, and what can be done."""
    job = new_glue_job(s3_credentials, runs=1)
    with glue_jobs_run_on(s3_server):
        glue_start_job(s3_credentials, job)
        with pytest.raises(AwsConflict, match=f"As many runs of the Glue job {job}") as caught:
            glue_start_job(s3_credentials, job)
    assert caught.value.code == "ConcurrentRunsExceededException"
    assert "queued=True" in str(caught.value.fix)


def test_what_glue_is_told(s3_credentials: AwsCredentials, sent: Stubber) -> None:
    """All that was given, and nothing that was not; names of arguments get their dashes."""
    policy = {"Version": "2012-10-17", "Statement": []}
    sent.add_response(
        "start_job_run",
        {"JobRunId": "jr_6f2c"},
        {
            "JobName": "nightly",
            "Arguments": {"--day": "monday", "--job-bookmark-option": "job-bookmark-disable"},
            "WorkerType": "G.1X",
            "NumberOfWorkers": 4,
            "Timeout": 60,
            "NotificationProperty": {"NotifyDelayAfter": 10},
            "ExecutionClass": "FLEX",
            "SecurityConfiguration": "sealed",
            "ExecutionRoleSessionPolicy": json.dumps(policy),
            "JobRunQueuingEnabled": True,
            "JobRunId": "jr_0",
        },
    )
    sent.add_response(
        "start_job_run", {"JobRunId": "jr_1"}, {"JobName": "shell", "MaxCapacity": 0.0625}
    )
    sent.add_response("start_job_run", {"JobRunId": "jr_2"}, {"JobName": "nightly"})
    run = glue_start_job(
        s3_credentials,
        "nightly",
        arguments={"day": "monday", "--job-bookmark-option": "job-bookmark-disable"},
        worker_type="G.1X",
        workers=4,
        timeout_minutes=60,
        notify_after_minutes=10,
        execution_class="FLEX",
        security_configuration="sealed",
        session_policy=policy,
        queued=True,
        retry_of=GlueJobRun("nightly", "jr_0", "FAILED"),
    )
    assert run == RUN
    glue_start_job(s3_credentials, "shell", max_capacity=0.0625)
    assert glue_start_job(s3_credentials, "nightly").id == "jr_2"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"max_capacity": 2.0, "worker_type": "G.1X"}, "exclude each other"),
        ({"max_capacity": 2.0, "workers": 2}, "exclude each other"),
        ({"session_policy": {"at": object()}}, "The policy cannot be written as JSON"),
        ({"timeout_minutes": 0}, "Timeout is below 1"),
        ({"notify_after_minutes": 0}, "NotifyDelayAfter is below 1"),
        ({"arguments": {"rows": 3}}, "Arguments.--rows is a int"),
    ],
)
@pytest.mark.usefixtures("sent")
def test_arguments_that_do_not_fit_are_refused(
    s3_credentials: AwsCredentials, given: dict[str, Any], said: str
) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidArguments, match=said):
        glue_start_job(s3_credentials, "nightly", **given)


@pytest.mark.parametrize(
    ("state", "more", "said"),
    [
        ("FAILED", {"ErrorMessage": "NameError: name 'dya' is not defined"}, "name 'dya'"),
        ("ERROR", {"StateDetail": "the role cannot be assumed"}, "role cannot be assumed"),
        ("STOPPED", {}, "ended as STOPPED: Glue does not say why"),
        ("TIMEOUT", {"ErrorMessage": "Job run exceeded its timeout"}, "exceeded its timeout"),
        ("EXPIRED", {}, "ended as EXPIRED"),
    ],
)
def test_a_run_that_has_not_ended_well_is_a_failure(
    s3_credentials: AwsCredentials, stubbed: Stubber, state: str, more: dict[str, Any], said: str
) -> None:
    """In Glue's words."""
    stubbed.add_response("get_job_run", seen(state, **more), ASKED)
    with pytest.raises(AwsJobFailed, match=said) as caught:
        glue_wait_job(s3_credentials, RUN)
    assert caught.value.state == state


def test_a_run_is_looked_at_until_it_has_ended(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """Its seconds are the progress; what it cost is in the result."""
    for state in ("WAITING", "STARTING"):
        stubbed.add_response("get_job_run", seen(state), ASKED)
    stubbed.add_response("get_job_run", seen("RUNNING", ExecutionTime=30), ASKED)
    at = datetime(2026, 11, 23, tzinfo=UTC)
    end = {"ExecutionTime": 60, "DPUSeconds": 240.5, "StartedOn": at, "CompletedOn": at}
    stubbed.add_response("get_job_run", seen("SUCCEEDED", **end), ASKED)
    reports: list[Progress] = []
    with on_progress(reports.append):
        ended = glue_wait_job(s3_credentials, RUN, poll_seconds=0.01)
    assert ended == GlueJobRun("nightly", "jr_6f2c", "SUCCEEDED", at, at, 60, 240.5)
    assert [each.done for each in reports] == [0, 0, 30, 60]


def test_both_logs_are_followed_and_their_last_lines_are_in_the_error(
    s3_credentials: AwsCredentials, stubbed: Stubber, caplog: pytest.LogCaptureFixture
) -> None:
    """What the script printed, and then what went wrong; wherever Glue says that they are.

    While it runs: nobody has to wait for its end to read them.
    """
    group = f"/aws-glue/jobs-{secrets.token_hex(8)}"
    log(s3_credentials, f"{group}/output", "jr_6f2c", "42 rows")
    log(s3_credentials, f"{group}/error", "jr_6f2c", "Traceback", "NameError: name 'dya'")
    stubbed.add_response("get_job_run", seen("RUNNING", LogGroupName=group))
    stubbed.add_response("get_job_run", seen("FAILED", LogGroupName=f"{group}/"))
    logged: list[list[str]] = []
    with (
        caplog.at_level(logging.INFO, "brickwork.aws.jobs"),
        on_progress(lambda _: logged.append([*caplog.messages])),
        pytest.raises(AwsJobFailed) as caught,
    ):
        glue_wait_job(s3_credentials, RUN, poll_seconds=0.01)
    assert caught.value.log == ("42 rows", "Traceback", "NameError: name 'dya'")
    running, _ended = logged
    assert "Glue job nightly (jr_6f2c): 42 rows" in running
    assert caplog.messages.count("Glue job nightly (jr_6f2c): 42 rows") == 1


@pytest.mark.parametrize("cancel", [True, False])
def test_a_run_is_stopped_with_its_task_where_that_is_wanted(
    s3_credentials: AwsCredentials, stubbed: Stubber, *, cancel: bool
) -> None:
    """At Glue; or it goes on."""
    stubbed.add_response("get_job_run", seen("RUNNING"))
    if cancel:
        stubbed.add_response("get_job_run", seen("RUNNING"))
        stubbed.add_response("batch_stop_job_run", {"SuccessfulSubmissions": [{}]}, STOP)
    with Scope("job") as scope:
        timer = threading.Timer(0.3, scope.cancel)
        timer.start()
        with pytest.raises(TaskCancelled) as caught:
            glue_wait_job(s3_credentials, RUN, poll_seconds=600, cancel_on_stop=cancel)
        timer.join()
    assert not getattr(caught.value, "__notes__", ())


def test_time_that_is_up_stops_the_run(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """The error says that it was told to stop."""
    stubbed.add_response("get_job_run", seen("RUNNING"))
    stubbed.add_response("get_job_run", seen("RUNNING"))
    stubbed.add_response("batch_stop_job_run", {}, STOP)
    with pytest.raises(AwsTimeout, match="did not end within 0 s") as caught:
        glue_wait_job(s3_credentials, RUN, max_wait_seconds=0)
    assert "told to stop" in str(caught.value.fix)


REFUSED = {
    "Errors": [
        {"ErrorDetail": {"ErrorCode": "JobRunNotInRunningState", "ErrorMessage": "is starting"}}
    ]
}


def test_a_run_that_ends_before_it_is_stopped_is_no_error(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """Glue then refuses to stop it."""
    stubbed.add_response("get_job_run", seen("RUNNING"))
    stubbed.add_response("batch_stop_job_run", REFUSED, STOP)
    stubbed.add_response("get_job_run", seen("SUCCEEDED"))
    glue_cancel_job(s3_credentials, RUN)


def test_a_run_that_cannot_be_stopped_is_an_error(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """Though Glue's answer is none: it names the reason in the answer."""
    stubbed.add_response("get_job_run", seen("STARTING"))
    stubbed.add_response("batch_stop_job_run", REFUSED, STOP)
    stubbed.add_response("get_job_run", seen("STARTING"))
    with pytest.raises(AwsError, match="JobRunNotInRunningState: is starting") as caught:
        glue_cancel_job(s3_credentials, RUN)
    assert caught.value.code == "JobRunNotInRunningState"


def test_who_may_not_start_it_is_told(s3_credentials: AwsCredentials, sent: Stubber) -> None:
    """With the permission that lacks; nothing else is asked."""
    sent.add_client_error("start_job_run", "AccessDeniedException", "no", 403)
    with pytest.raises(AwsDenied, match="glue:StartJobRun"):
        glue_run_job(s3_credentials, "nightly")
