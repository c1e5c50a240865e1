"""Run Command: moto takes commands; a Stubber lets them run on instances, fail and be cancelled."""

import logging
import threading
from typing import Any

import pytest
from botocore.stub import Stubber

from brickwork import InvalidArguments, Progress, Scope, TaskCancelled, on_progress
from brickwork.testing.task import no_waiting
from brickwork_aws import (
    AwsCredentials,
    AwsDenied,
    AwsError,
    AwsJobFailed,
    AwsNotFound,
    AwsTimeout,
    SsmCommand,
    SsmOutput,
    aws_call,
    ssm_cancel_command,
    ssm_run_command,
    ssm_start_command,
    ssm_wait_command,
)
from brickwork_aws.testing.contracts.ssm_command import commands_print

STUBBED = "ssm"
ID = "6f2cc74c-5c4b-4a5d-9bb9-0f1b6f5b1f0e"
COMMAND = SsmCommand(ID, "AWS-RunShellScript")
WEB, DB, GONE = "i-0a1b2c3d", "i-1a1b2c3d", "i-2a1b2c3d"


def add_look(
    stubbed: Stubber, status: str, done: int = 0, total: int = 1, details: str = ""
) -> None:
    """Let Systems Manager tell how the command is."""
    counts = {"CompletedCount": done, "TargetCount": total}
    seen = {"CommandId": ID, "Status": status, "StatusDetails": details or status, **counts}
    stubbed.add_response("list_commands", {"Commands": [seen]}, {"CommandId": ID})


def add_page(
    stubbed: Stubber, *invocations: dict[str, Any], after: str = "", more: str = ""
) -> None:
    """Let Systems Manager list the instances of the command, on one of its pages."""
    asked = {"CommandId": ID, "Details": True} | ({"NextToken": after} if after else {})
    answer = {"CommandInvocations": list(invocations)} | ({"NextToken": more} if more else {})
    stubbed.add_response("list_command_invocations", answer, asked)


def on(instance: str, status: str, *steps: str, details: str = "") -> dict[str, Any]:
    """Return what is listed of an instance, whose steps have all ended."""
    plugins = [{"Name": step, "Status": "Success"} for step in steps]
    state = {"Status": status, "StatusDetails": details or status}
    return {"InstanceId": instance, **state, "CommandPlugins": plugins}


def add_output(stubbed: Stubber, instance: str, step: str, code: int, **output: str) -> None:
    """Let Systems Manager tell what a step did on an instance."""
    stubbed.add_response(
        "get_command_invocation",
        {"ResponseCode": code, **output},
        {"CommandId": ID, "InstanceId": instance, "PluginName": step},
    )


def test_lines_are_run_to_their_end(s3_credentials: AwsCredentials) -> None:
    """And what each instance printed is given back; cancelling it then changes nothing."""
    with commands_print(s3_credentials, "up 3 days\n"):
        ended = ssm_run_command(s3_credentials, ["uptime"], instances=[WEB, DB])
        assert (ended.document, ended.state) == ("AWS-RunShellScript", "Success")
        assert set(ended.outputs) == {WEB, DB}
        assert ended.outputs[WEB] == SsmOutput(WEB, "Success", 0, "up 3 days\n")
        ssm_cancel_command(s3_credentials, ended)
    listed = aws_call(s3_credentials, "ssm", "list_commands", CommandId=ended.id)
    assert listed["Commands"][0]["Parameters"] == {"commands": ["uptime"]}


def test_what_systems_manager_is_told(s3_credentials: AwsCredentials, sent: Stubber) -> None:
    """All that was given, and nothing that was not."""
    answer = {"Command": {"CommandId": ID, "DocumentName": "d", "Status": "Pending"}}
    sent.add_response(
        "send_command",
        answer,
        {
            "DocumentName": "AWS-RunPowerShellScript",
            "DocumentVersion": "$LATEST",
            "Parameters": {
                "commands": ["Get-Date", "exit 0"],
                "workingDirectory": ["/srv"],
                "executionTimeout": ["60"],
                "more": ["x"],
            },
            "Targets": [
                {"Key": "tag:role", "Values": ["web"]},
                {"Key": "tag:stage", "Values": ["test", "prod"]},
                {"Key": "resource-groups:Name", "Values": ["shop"]},
            ],
            "TimeoutSeconds": 30,
            "MaxConcurrency": "10%",
            "MaxErrors": "2",
            "OutputS3BucketName": "logs",
            "OutputS3KeyPrefix": "ssm/web",
            "CloudWatchOutputConfig": {
                "CloudWatchLogGroupName": "/ssm",
                "CloudWatchOutputEnabled": True,
            },
            "Comment": "by night",
        },
    )
    scan = {"DocumentName": "AWS-ApplyPatchBaseline", "Parameters": {"Operation": ["Scan"]}}
    sent.add_response("send_command", answer, {**scan, "InstanceIds": [WEB]})
    bare = {"DocumentName": "acme-restart", "OutputS3BucketName": "logs"}
    sent.add_response("send_command", answer, {**bare, "InstanceIds": [WEB]})
    command = ssm_start_command(
        s3_credentials,
        ["Get-Date", "exit 0"],
        tags={"role": "web", "stage": ["test", "prod"]},
        resource_group="shop",
        document="AWS-RunPowerShellScript",
        document_version="$LATEST",
        parameters={"more": ["x"]},
        directory="/srv",
        execution_seconds=60,
        delivery_seconds=30,
        max_concurrency="10%",
        max_errors=2,
        output_location="s3://logs/ssm/web/",
        log_group="/ssm",
        comment="by night",
    )
    assert command == SsmCommand(ID, "d", "Pending")
    ssm_start_command(
        s3_credentials,
        document="AWS-ApplyPatchBaseline",
        parameters={"Operation": ["Scan"]},
        instances=[WEB],
    )
    ssm_start_command(
        s3_credentials, document="acme-restart", instances=[WEB], output_location="s3://logs"
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"instances": [WEB]}, "nothing to run"),
        ({"lines": [], "instances": [WEB]}, "nothing to run"),
        ({"lines": ["x"]}, "by their ids, or by their tags"),
        ({"lines": ["x"], "instances": [WEB], "tags": {"role": "web"}}, "by their ids, or"),
        ({"lines": ["x"], "instances": [WEB], "parameters": {"commands": ["y"]}}, "given twice"),
        ({"document": "acme-d", "instances": [WEB], "directory": "/srv"}, "are for lines"),
        ({"document": "acme-d", "instances": [WEB], "execution_seconds": 1}, "are for lines"),
        ({"lines": ["x"], "instances": [WEB], "output_location": "logs/x"}, "no place in S3"),
        ({"lines": ["x"], "instances": [WEB], "delivery_seconds": 1}, "TimeoutSeconds is below"),
    ],
)
@pytest.mark.usefixtures("sent")
def test_arguments_that_do_not_fit_are_refused(
    s3_credentials: AwsCredentials, given: dict[str, Any], said: str
) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidArguments, match=said):
        ssm_start_command(s3_credentials, **given)


def test_an_instance_that_is_not_reached_is_named(
    s3_credentials: AwsCredentials, sent: Stubber
) -> None:
    """Also where AWS names none; with what to look at. What else is refused is told as it is."""
    sent.add_client_error("send_command", "InvalidInstanceId", "", 400)
    with pytest.raises(AwsNotFound, match=f"{WEB}, {DB}") as caught:
        ssm_start_command(s3_credentials, ["uptime"], instances=[WEB, DB])
    assert caught.value.code == "InvalidInstanceId"
    assert "agent" in str(caught.value.fix)
    sent.add_client_error("send_command", "InvalidDocument", "no such document", 400)
    with pytest.raises(AwsError, match=r"ssm:SendCommand: InvalidDocument: no such document"):
        ssm_start_command(s3_credentials, document="acme-none", instances=[WEB])


def test_who_may_not_send_it_is_told(s3_credentials: AwsCredentials, sent: Stubber) -> None:
    """With the permission that lacks; nothing else is asked."""
    sent.add_client_error("send_command", "AccessDeniedException", "no", 400)
    with pytest.raises(AwsDenied, match="ssm:SendCommand"):
        ssm_run_command(s3_credentials, ["uptime"], instances=[WEB])


def test_instances_are_read_when_they_are_done(
    s3_credentials: AwsCredentials, stubbed: Stubber, caplog: pytest.LogCaptureFixture
) -> None:
    """Page by page, each once; what they printed is logged, how many are done is the progress."""
    add_look(stubbed, "Pending", 0, 2)
    add_look(stubbed, "InProgress", 1, 2)
    add_page(stubbed, on(DB, "InProgress", "first"), more="2")
    add_page(stubbed, on(WEB, "Success", "first"), after="2")
    add_output(stubbed, WEB, "first", 0, StandardOutputContent="a\nb\n", StandardErrorContent="c\n")
    add_look(stubbed, "Success", 2, 2)
    add_page(stubbed, on(DB, "Success", "first"), on(WEB, "Success", "first"))
    url = "https://s3.amazonaws.com/logs/x"
    add_output(stubbed, DB, "first", 0, StandardOutputContent="d\n", StandardOutputUrl=url)
    reports: list[Progress] = []
    with caplog.at_level(logging.INFO, "brickwork.aws.jobs"), on_progress(reports.append):
        ended = ssm_wait_command(s3_credentials, COMMAND, poll_seconds=0.01)
    assert ended.outputs == {
        WEB: SsmOutput(WEB, "Success", 0, "a\nb\n", "c\n"),
        DB: SsmOutput(DB, "Success", 0, "d\n", "", (url,)),
    }
    said = [
        each.removeprefix(f"SSM command AWS-RunShellScript ({ID}): ") for each in caplog.messages
    ]
    assert said == [f"{WEB}: a", f"{WEB}: b", f"{WEB}: c", f"{DB}: d"]
    assert [(each.done, each.total) for each in reports] == [(0, 2), (1, 2), (2, 2)]


def failed_on_two(stubbed: Stubber) -> None:
    """Let a command of two steps fail on one instance, and another be out of reach."""
    add_look(stubbed, "Failed", 3, 3)
    add_page(
        stubbed,
        on(WEB, "Success", "first", "second"),
        on(DB, "Failed", "first", "second"),
        on(GONE, "TimedOut", details="Undeliverable"),
    )
    add_output(stubbed, WEB, "first", 0, StandardOutputContent="1")
    add_output(stubbed, WEB, "second", 0, StandardOutputContent="2")
    add_output(stubbed, DB, "first", 0)
    add_output(stubbed, DB, "second", 3, StandardErrorContent="Traceback\ndisk full\n")


def test_an_error_names_the_instances(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """With their exit codes and the last lines that they printed."""
    failed_on_two(stubbed)
    with pytest.raises(AwsJobFailed) as caught:
        ssm_wait_command(s3_credentials, COMMAND)
    said = f"2 of 3 instances failed: {DB}: exited with 3: disk full; {GONE}: Undeliverable"
    assert (caught.value.reason, caught.value.state) == (said, "Failed")
    assert caught.value.log == (f"{WEB}: 1", f"{WEB}: 2", f"{DB}: Traceback", f"{DB}: disk full")


def test_a_failure_is_a_result_where_that_is_wanted(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """The outputs of all steps are joined, and the first exit code that is not 0 counts."""
    failed_on_two(stubbed)
    ended = ssm_wait_command(s3_credentials, COMMAND, check=False)
    assert ended.state == "Failed"
    assert ended.outputs[WEB] == SsmOutput(WEB, "Success", 0, "12")
    assert ended.outputs[DB].exit_code == 3
    assert ended.outputs[GONE] == SsmOutput(GONE, "Undeliverable")


@pytest.mark.parametrize(
    ("status", "listed", "said"),
    [
        ("Success", [on(GONE, "TimedOut", details="DeliveryTimedOut")], "DeliveryTimedOut"),
        ("Success", [], "there was no instance"),
        ("Cancelled", [on(WEB, "Success")], "does not say why"),
        ("Cancelled", [on(WEB, "InProgress")], f"{WEB}: InProgress"),
        ("Failed", [on(f"i-{n:08}", "Failed") for n in range(12)], "12 of 12 .*; and 2 more"),
    ],
)
def test_a_command_that_did_not_run_everywhere_is_a_failure(
    s3_credentials: AwsCredentials,
    stubbed: Stubber,
    status: str,
    listed: list[dict[str, Any]],
    said: str,
) -> None:
    """Whatever Systems Manager calls it."""
    add_look(stubbed, status, len(listed), len(listed))
    add_page(stubbed, *listed)
    with pytest.raises(AwsJobFailed, match=said):
        ssm_wait_command(s3_credentials, COMMAND)


def test_lines_that_were_cut_are_not_logged(
    s3_credentials: AwsCredentials, stubbed: Stubber, caplog: pytest.LogCaptureFixture
) -> None:
    """What was cut cannot be masked: a secret may have been cut in two. The result has it."""
    end = "\n--output truncated--"
    text = "whole\nto".ljust(24_000 - len(end), "k") + end
    add_look(stubbed, "Success", 1)
    add_page(stubbed, on(WEB, "Success", "first"))
    add_output(stubbed, WEB, "first", 0, StandardOutputContent=text)
    with caplog.at_level(logging.INFO, "brickwork.aws.jobs"):
        ended = ssm_wait_command(s3_credentials, COMMAND)
    assert ended.outputs[WEB].stdout == text
    (said,) = caplog.messages
    assert said.endswith(f"{WEB}: whole")


def test_a_command_that_was_just_given_may_be_unknown_for_a_while(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """One that Systems Manager never knows is an error; so is what else goes wrong."""
    stubbed.add_client_error("list_commands", "InvalidCommandId", "", 400)
    stubbed.add_response("list_commands", {"Commands": []}, {"CommandId": ID})
    add_look(stubbed, "Success", 1)
    add_page(stubbed, on(WEB, "Success"))
    with no_waiting():
        assert ssm_wait_command(s3_credentials, COMMAND).state == "Success"

    for _ in range(11):
        stubbed.add_client_error("list_commands", "InvalidCommandId", "", 400)
    with no_waiting(), pytest.raises(AwsNotFound, match=f"does not know the command {ID}"):
        ssm_wait_command(s3_credentials, COMMAND)
    stubbed.add_client_error("list_commands", "InvalidFilterKey", "", 400)
    with pytest.raises(AwsError, match="InvalidFilterKey"):
        ssm_wait_command(s3_credentials, COMMAND)


@pytest.mark.parametrize("cancel", [True, False])
def test_a_command_is_cancelled_with_its_task_where_that_is_wanted(
    s3_credentials: AwsCredentials, stubbed: Stubber, *, cancel: bool
) -> None:
    """On all instances; or it goes on."""
    add_look(stubbed, "InProgress")
    if cancel:
        stubbed.add_response("cancel_command", {}, {"CommandId": ID})
    with Scope("job") as scope:
        timer = threading.Timer(0.3, scope.cancel)
        timer.start()
        with pytest.raises(TaskCancelled) as caught:
            ssm_wait_command(s3_credentials, COMMAND, poll_seconds=600, cancel_on_stop=cancel)
        timer.join()
    assert not getattr(caught.value, "__notes__", ())


def test_time_that_is_up_cancels_the_command(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """The error says that it was told to stop."""
    add_look(stubbed, "InProgress")
    stubbed.add_response("cancel_command", {}, {"CommandId": ID})
    with pytest.raises(AwsTimeout, match="did not end within 0 s") as caught:
        ssm_wait_command(s3_credentials, COMMAND, max_wait_seconds=0)
    assert "told to stop" in str(caught.value.fix)
