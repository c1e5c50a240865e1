"""EMR on EC2: moto takes steps and ends none; a Stubber lets them end, fail and be cancelled."""

import gzip
import logging
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber

from brickwork import InvalidArguments, Progress, Scope, TaskCancelled, on_progress
from brickwork.testing.task import no_waiting
from brickwork_aws import (
    AwsConflict,
    AwsCredentials,
    AwsDenied,
    AwsError,
    AwsJobFailed,
    AwsNotFound,
    AwsTimeout,
    EmrStep,
    EmrStepConfig,
    S3Bucket,
    aws_call,
    emr_cancel_steps,
    emr_find_cluster,
    emr_run_steps,
    emr_start_steps,
    emr_wait_cluster,
    emr_wait_steps,
)
from brickwork_aws.testing.contracts.emr import STEP, new_cluster

STUBBED = "emr"
CLUSTER = "j-2AXXXXXXGAPLF"
NIGHTLY = EmrStep("s-1", CLUSTER, "nightly")
WEEKLY = EmrStep("s-2", CLUSTER, "weekly")
AT = datetime(2026, 11, 23, 2, tzinfo=UTC)


def step(of: EmrStep, state: str, **status: Any) -> dict[str, Any]:
    """Return what EMR answers about a step."""
    times = {"StartDateTime": AT, "EndDateTime": AT}
    return {
        "Id": of.id,
        "Name": of.name,
        "Status": {"State": state, "Timeline": times, **status},
    }


def seen(state: str, **status: Any) -> dict[str, Any]:
    """Return what EMR answers about the one step."""
    return {"Steps": [step(NIGHTLY, state, **status)]}


def asked(*steps: EmrStep) -> dict[str, Any]:
    """Return what asks for some steps."""
    return {"ClusterId": CLUSTER, "StepIds": [each.id for each in steps]}


def cancelling(option: str = "SEND_INTERRUPT", *steps: EmrStep) -> dict[str, Any]:
    """Return what cancels some steps."""
    return {**asked(*(steps or (NIGHTLY,))), "StepCancellationOption": option}


def cluster(state: str, **reason: str) -> dict[str, Any]:
    """Return what EMR answers about the cluster."""
    status: dict[str, Any] = {"State": state}
    if reason:
        status["StateChangeReason"] = reason
    found = {"Id": CLUSTER, "Name": "reports", "Status": status, "ReleaseLabel": "emr-7.5.0"}
    return {"Cluster": {**found, "LogUri": "s3n://logs/", "MasterPublicDnsName": "ip-1.internal"}}


# Steps


def test_steps_are_given_to_a_cluster(s3_credentials: AwsCredentials) -> None:
    """In order; the cluster has them as they were given."""
    there = new_cluster(s3_credentials)
    second = EmrStepConfig(
        "weekly",
        ["monday"],
        jar="s3://code/weekly.jar",
        main_class="com.example.Weekly",
        properties={"day": "monday"},
        on_failure="CANCEL_AND_WAIT",
    )
    first, other = emr_start_steps(s3_credentials, there.id, [STEP, second])
    assert (first.cluster, first.name, first.state) == (there.id, "nightly", "PENDING")
    described = aws_call(
        s3_credentials, "emr", "describe_step", ClusterId=there.id, StepId=first.id
    )["Step"]
    assert described["Config"]["Jar"] == "command-runner.jar"
    assert described["Config"]["Args"] == ["spark-submit", "s3://code/nightly.py"]
    assert described["ActionOnFailure"] == "CONTINUE"
    described = aws_call(
        s3_credentials, "emr", "describe_step", ClusterId=there.id, StepId=other.id
    )["Step"]
    assert described["Config"]["Properties"] == {"day": "monday"}
    assert described["ActionOnFailure"] == "CANCEL_AND_WAIT"


def test_what_emr_is_told(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """All that was given, and nothing that was not."""
    full = {
        "Name": "weekly",
        "ActionOnFailure": "TERMINATE_CLUSTER",
        "HadoopJarStep": {
            "Jar": "s3://code/weekly.jar",
            "MainClass": "com.example.Weekly",
            "Args": ["monday"],
            "Properties": [{"Key": "day", "Value": "monday"}],
        },
        "StepMonitoringConfiguration": {"S3MonitoringConfiguration": {"LogUri": "s3://logs/"}},
    }
    bare = {
        "Name": "bare",
        "ActionOnFailure": "CONTINUE",
        "HadoopJarStep": {"Jar": "command-runner.jar"},
    }
    role = "arn:aws:iam::123456789012:role/nightly"
    stubbed.add_response(
        "add_job_flow_steps",
        {"StepIds": ["s-1", "s-2"]},
        {"JobFlowId": CLUSTER, "Steps": [full, bare], "ExecutionRoleArn": role},
    )
    stubbed.add_response(
        "add_job_flow_steps", {"StepIds": ["s-3"]}, {"JobFlowId": CLUSTER, "Steps": [bare]}
    )
    weekly = EmrStepConfig(
        "weekly",
        ["monday"],
        "s3://code/weekly.jar",
        "com.example.Weekly",
        {"day": "monday"},
        "TERMINATE_CLUSTER",
        "s3://logs/",
    )
    given = [weekly, EmrStepConfig("bare")]
    first, second = emr_start_steps(s3_credentials, CLUSTER, given, role=role)
    assert (first.id, second.id, second.name) == ("s-1", "s-2", "bare")
    emr_start_steps(s3_credentials, CLUSTER, [EmrStepConfig("bare")])


@pytest.mark.usefixtures("stubbed")
def test_bad_arguments_are_refused(s3_credentials: AwsCredentials) -> None:
    """Before anything is sent: no steps, or steps of several clusters."""
    with pytest.raises(InvalidArguments, match="There are no steps"):
        emr_start_steps(s3_credentials, CLUSTER, [])
    with pytest.raises(InvalidArguments, match="of 0 clusters"):
        emr_wait_steps(s3_credentials, [])
    with pytest.raises(InvalidArguments, match="of 2 clusters"):
        emr_cancel_steps(s3_credentials, [NIGHTLY, EmrStep("s-2", "j-other")])


def test_steps_are_run_to_their_end(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """Those that have ended are not asked for again; how many have is the progress."""
    stubbed.add_response("add_job_flow_steps", {"StepIds": ["s-1", "s-2"]})
    running = [step(WEEKLY, "PENDING"), step(NIGHTLY, "RUNNING")]
    stubbed.add_response("list_steps", {"Steps": running}, asked(NIGHTLY, WEEKLY))
    ended = [step(WEEKLY, "RUNNING"), step(NIGHTLY, "COMPLETED")]
    stubbed.add_response("list_steps", {"Steps": ended}, asked(NIGHTLY, WEEKLY))
    stubbed.add_response("list_steps", {"Steps": [step(WEEKLY, "COMPLETED")]}, asked(WEEKLY))
    reports: list[Progress] = []
    with on_progress(reports.append):
        steps = emr_run_steps(s3_credentials, CLUSTER, [STEP, STEP], poll_seconds=0.01)
    assert [(each.id, each.name, each.state) for each in steps] == [
        ("s-1", "nightly", "COMPLETED"),
        ("s-2", "weekly", "COMPLETED"),
    ]
    assert (steps[0].started_at, steps[0].ended_at) == (AT, AT)
    assert [(each.done, each.total) for each in reports] == [(0, 2), (1, 2), (2, 2)]


def test_many_steps_are_asked_for_ten_at_once(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """As many as EMR allows."""
    many = [EmrStep(f"s-{number}", CLUSTER) for number in range(23)]
    for start in (0, 10, 20):
        some = many[start : start + 10]
        answer = [step(each, "COMPLETED") for each in reversed(some)]
        stubbed.add_response("list_steps", {"Steps": answer}, asked(*some))
    ended = emr_wait_steps(s3_credentials, many)
    assert [each.id for each in ended] == [each.id for each in many]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (
            {"FailureDetails": {"Reason": "Main Class not found.", "Message": "No such class"}},
            "ended as FAILED: Main Class not found.; No such class",
        ),
        (
            {"FailureDetails": {"Reason": "Unknown Error.", "LogFile": "s3://none-such/e.gz"}},
            "Unknown Error.; see s3://none-such/e.gz",
        ),
        ({"StateChangeReason": {"Message": "Cluster terminated"}}, "Cluster terminated"),
        ({}, "EMR does not say why"),
    ],
)
def test_a_step_that_failed_says_why(
    s3_credentials: AwsCredentials, stubbed: Stubber, status: dict[str, Any], said: str
) -> None:
    """In EMR's words, with the file of the log."""
    stubbed.add_response("list_steps", seen("FAILED", **status))
    with pytest.raises(AwsJobFailed, match=said) as caught:
        emr_wait_steps(s3_credentials, [NIGHTLY])
    assert caught.value.state == "FAILED"
    assert str(caught.value).startswith("EMR step nightly (s-1) ended")


def test_all_steps_have_ended_before_one_that_failed_is_said(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """All that failed, by name."""
    details = {"FailureDetails": {"Reason": "Out of memory"}}
    both = [step(NIGHTLY, "FAILED", **details), step(WEEKLY, "RUNNING")]
    stubbed.add_response("list_steps", {"Steps": both})
    stubbed.add_response("list_steps", {"Steps": [step(WEEKLY, "INTERRUPTED")]}, asked(WEEKLY))
    with pytest.raises(AwsJobFailed) as caught:
        emr_wait_steps(s3_credentials, [NIGHTLY, WEEKLY], poll_seconds=0.01)
    assert caught.value.reason == (
        "nightly (s-1) FAILED: Out of memory; weekly (s-2) INTERRUPTED: EMR does not say why"
    )
    assert f"2 EMR steps of {CLUSTER}" in caught.value.what


def test_an_error_has_the_end_of_the_log(
    s3_credentials: AwsCredentials,
    s3_bucket: S3Bucket,
    stubbed: Stubber,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Of the file in which EMR has found why; once, while another step goes on."""
    s3_bucket.write("s-1/stderr.gz", gzip.compress(b"starting\nno such table\n"))
    url = f"s3://{s3_bucket.bucket}/s-1/stderr.gz"
    failed = step(NIGHTLY, "FAILED", FailureDetails={"Reason": "Unknown Error.", "LogFile": url})
    stubbed.add_response("list_steps", {"Steps": [step(WEEKLY, "RUNNING"), failed]})
    stubbed.add_response("list_steps", {"Steps": [step(WEEKLY, "COMPLETED")]})
    with (
        caplog.at_level(logging.INFO, "brickwork.aws.jobs"),
        pytest.raises(AwsJobFailed, match=f"see {url}") as caught,
    ):
        emr_wait_steps(s3_credentials, [NIGHTLY, WEEKLY], poll_seconds=0.01)
    assert caught.value.log == ("starting", "no such table")
    assert len(caplog.messages) == 2


@pytest.mark.parametrize("there", [True, False])
def test_a_log_that_cannot_be_read_is_at_most_a_warning(
    s3_credentials: AwsCredentials,
    s3_bucket: S3Bucket,
    stubbed: Stubber,
    caplog: pytest.LogCaptureFixture,
    *,
    there: bool,
) -> None:
    """One that is not there yet is none."""
    place = f"s3://{s3_bucket.bucket}/" if there else "file:///var/log/"
    details = {"Reason": "Unknown Error.", "LogFile": f"{place}stderr.gz"}
    stubbed.add_response("list_steps", seen("FAILED", FailureDetails=details))
    with pytest.raises(AwsJobFailed):
        emr_wait_steps(s3_credentials, [NIGHTLY])
    assert len(caplog.messages) == (0 if there else 1)


# What is not there, and what is not allowed


@pytest.mark.parametrize(
    ("code", "message", "error"),
    [
        ("ValidationException", "Specified job flow ID does not exist.", AwsNotFound),
        (
            "ValidationException",
            "A job flow that is shutting down, terminated, or finished may not be modified.",
            AwsConflict,
        ),
        ("ValidationException", "Runtime roles are not supported on this cluster.", AwsError),
        ("AccessDeniedException", "not authorized", AwsDenied),
        ("UnrecognizedClientException", "The access key does not exist", AwsError),
    ],
)
def test_a_cluster_that_takes_no_steps_is_said(
    s3_credentials: AwsCredentials,
    stubbed: Stubber,
    code: str,
    message: str,
    error: type[AwsError],
) -> None:
    """In EMR's words; what kind of error it is only they tell."""
    stubbed.add_client_error("add_job_flow_steps", code, message, 400)
    with pytest.raises(AwsError, match="elasticmapreduce:AddJobFlowSteps") as caught:
        emr_start_steps(s3_credentials, CLUSTER, [STEP])
    assert type(caught.value) is error
    assert caught.value.code == code
    assert message in caught.value.what or error is AwsDenied


def test_a_step_that_is_not_there_is_said(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """Whether EMR says it, or leaves it out."""
    stubbed.add_response("list_steps", {"Steps": []})
    with pytest.raises(AwsNotFound, match=f"does not know s-1 of the cluster {CLUSTER}"):
        emr_wait_steps(s3_credentials, [NIGHTLY])
    message = "Step id 's-1' is not valid."
    stubbed.add_client_error("list_steps", "InvalidRequestException", message, 400)
    with pytest.raises(AwsNotFound, match=message):
        emr_wait_steps(s3_credentials, [NIGHTLY])


# Cancelling


@pytest.mark.parametrize("cancel", [True, False])
def test_steps_are_cancelled_with_their_task_where_that_is_wanted(
    s3_credentials: AwsCredentials, stubbed: Stubber, *, cancel: bool
) -> None:
    """At EMR, in the way that was wanted; or they go on."""
    stubbed.add_response("list_steps", seen("RUNNING"))
    if cancel:
        stubbed.add_response(
            "cancel_steps",
            {"CancelStepsInfoList": [{"StepId": "s-1", "Status": "SUBMITTED"}]},
            cancelling("TERMINATE_PROCESS"),
        )
    with Scope("job") as scope:
        timer = threading.Timer(0.3, scope.cancel)
        timer.start()
        with pytest.raises(TaskCancelled):
            emr_wait_steps(
                s3_credentials,
                [NIGHTLY],
                poll_seconds=600,
                cancel_on_stop=cancel,
                cancel_option="TERMINATE_PROCESS",
            )
        timer.join()


def test_time_that_is_up_cancels_the_steps(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """By an interrupt; the error says that they were told to stop."""
    stubbed.add_response("list_steps", seen("RUNNING"))
    stubbed.add_response("cancel_steps", {"CancelStepsInfoList": []}, cancelling())
    with pytest.raises(AwsTimeout, match="did not end within 0 s") as caught:
        emr_wait_steps(s3_credentials, [NIGHTLY], max_wait_seconds=0)
    assert "told to stop" in str(caught.value.fix)


def refusals(*steps: EmrStep) -> dict[str, Any]:
    """Return the answer of EMR that it does not cancel some steps."""
    why = "Unable to cancel step. It is already running."
    return {
        "CancelStepsInfoList": [
            {"StepId": each.id, "Status": "FAILED", "Reason": why} for each in steps
        ]
    }


def test_steps_that_have_ended_stay_as_they_are(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """EMR refuses to cancel them, which is no error; nor is it for those that are cancelled."""
    both = [step(NIGHTLY, "COMPLETED"), step(WEEKLY, "CANCEL_PENDING")]
    stubbed.add_response(
        "cancel_steps",
        refusals(NIGHTLY, WEEKLY),
        cancelling("TERMINATE_PROCESS", NIGHTLY, WEEKLY),
    )
    stubbed.add_response("list_steps", {"Steps": both})
    emr_cancel_steps(s3_credentials, [NIGHTLY, WEEKLY], cancel_option="TERMINATE_PROCESS")


def test_steps_that_cannot_be_cancelled_are_said(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """With EMR's reason, and what to do."""
    both = [step(NIGHTLY, "COMPLETED"), step(WEEKLY, "RUNNING")]
    answer = refusals(NIGHTLY, WEEKLY)
    stubbed.add_response("cancel_steps", answer, cancelling("SEND_INTERRUPT", NIGHTLY, WEEKLY))
    stubbed.add_response("list_steps", {"Steps": both})
    with pytest.raises(AwsError, match="1 of 2 go on; the first, s-2: Unable") as caught:
        emr_cancel_steps(s3_credentials, [NIGHTLY, WEEKLY])
    assert "5.28" in str(caught.value.fix)


# Clusters


def test_a_cluster_is_waited_for_until_it_is_ready(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """And given back as it is then."""
    for state in ("STARTING", "BOOTSTRAPPING", "WAITING"):
        stubbed.add_response("describe_cluster", cluster(state), {"ClusterId": CLUSTER})
    with no_waiting():
        ready = emr_wait_cluster(s3_credentials, CLUSTER)
    assert (ready.id, ready.name, ready.state) == (CLUSTER, "reports", "WAITING")
    assert (ready.release, ready.log_url, ready.primary_dns) == (
        "emr-7.5.0",
        "s3n://logs/",
        "ip-1.internal",
    )


def test_a_cluster_that_ends_instead_says_why(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """With EMR's code."""
    reason = {"Code": "BOOTSTRAP_FAILURE", "Message": "bootstrap action 1 failed"}
    stubbed.add_response("describe_cluster", cluster("TERMINATING", **reason))
    with pytest.raises(AwsJobFailed, match="bootstrap action 1 failed") as caught:
        emr_wait_cluster(s3_credentials, CLUSTER)
    assert (caught.value.state, caught.value.code) == ("TERMINATING", "BOOTSTRAP_FAILURE")


@pytest.mark.parametrize("well", [True, False])
def test_the_end_of_a_cluster_is_waited_for(
    s3_credentials: AwsCredentials, stubbed: Stubber, *, well: bool
) -> None:
    """One that is not well is an error."""
    for state in ("RUNNING", "TERMINATING", "TERMINATED" if well else "TERMINATED_WITH_ERRORS"):
        stubbed.add_response("describe_cluster", cluster(state))
    with no_waiting():
        if well:
            ended = emr_wait_cluster(s3_credentials, CLUSTER, until="terminated")
            assert ended.state == "TERMINATED"
            return
        with pytest.raises(AwsJobFailed, match="TERMINATED_WITH_ERRORS: EMR does not say why"):
            emr_wait_cluster(s3_credentials, CLUSTER, until="terminated")


def test_a_cluster_that_is_not_there_is_said(s3_credentials: AwsCredentials) -> None:
    """In EMR's words."""
    with pytest.raises(AwsNotFound, match="'j-NONE' is not valid"):
        emr_wait_cluster(s3_credentials, "j-NONE")


def test_waiting_for_a_cluster_never_ends_it(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """The error says that it was not stopped."""
    stubbed.add_response("describe_cluster", cluster("STARTING"))
    with pytest.raises(AwsTimeout) as caught:
        emr_wait_cluster(s3_credentials, CLUSTER, max_wait_seconds=0)
    assert "not stopped" in str(caught.value.fix)


def test_a_cluster_is_found_by_its_name(s3_credentials: AwsCredentials) -> None:
    """One that has ended only where that is wanted; several are an error that names them."""
    there = new_cluster(s3_credentials)
    assert emr_find_cluster(s3_credentials, there.name) == there
    aws_call(s3_credentials, "emr", "terminate_job_flows", JobFlowIds=[there.id])
    with pytest.raises(AwsNotFound, match=there.name):
        emr_find_cluster(s3_credentials, there.name)
    ended = emr_find_cluster(s3_credentials, there.name, states=["TERMINATED"])
    assert (ended.id, ended.state) == (there.id, "TERMINATED")


def test_clusters_of_one_name_are_said_of_all_pages(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """Nobody guesses which is meant."""
    found = [cluster("WAITING")["Cluster"] for _ in range(3)]
    summaries = [
        {"Id": f"j-{number}", "Name": each["Name"], "Status": each["Status"]}
        for number, each in enumerate(found)
    ]
    summaries[1]["Name"] = "other"
    states = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"]
    stubbed.add_response(
        "list_clusters", {"Clusters": summaries[:2], "Marker": "m"}, {"ClusterStates": states}
    )
    stubbed.add_response(
        "list_clusters", {"Clusters": summaries[2:]}, {"ClusterStates": states, "Marker": "m"}
    )
    with pytest.raises(AwsConflict, match="2 clusters of EMR 'reports'") as caught:
        emr_find_cluster(s3_credentials, "reports")
    assert "j-0, j-2" in str(caught.value.fix)
