"""Step Functions: moto runs the states where it is told to; else executions run until stopped.

What it does not do, such as express machines, a Stubber does.
"""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from brickwork import InvalidArguments, Scope, Secret, TaskCancelled
from brickwork.testing.task import no_waiting
from brickwork_aws import (
    AwsConflict,
    AwsCredentials,
    AwsError,
    AwsJobFailed,
    AwsNotFound,
    AwsTimeout,
    StepFunctionsExecution,
    stepfunctions_cancel_execution,
    stepfunctions_list_executions,
    stepfunctions_run_execution,
    stepfunctions_run_express_execution,
    stepfunctions_start_execution,
    stepfunctions_wait_execution,
)
from brickwork_aws.operations import once_client
from brickwork_aws.testing import AwsServer
from brickwork_aws.testing.contracts.stepfunctions import new_machine
from brickwork_aws.testing.faulty import faulty
from brickwork_aws.testing.moto import state_machines_run

STUBBED = "stepfunctions"
ARN = "arn:aws:states:eu-west-1:123456789012"
MACHINE = f"{ARN}:stateMachine:nightly"
RUN = StepFunctionsExecution(f"{ARN}:execution:nightly:one", "one")
EXPRESS = StepFunctionsExecution(f"{ARN}:express:nightly:one:1a2b", "one")
AT = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


@pytest.fixture
def machine(s3_credentials: AwsCredentials) -> str:
    """Return the ARN of a new state machine."""
    return new_machine(s3_credentials)


def described(status: str, **more: Any) -> dict[str, Any]:
    """Return what Step Functions answers about an execution."""
    return {
        "executionArn": RUN.arn,
        "stateMachineArn": MACHINE,
        "name": "one",
        "status": status,
        "startDate": AT,
        **more,
    }


def given(credentials: AwsCredentials, execution: StepFunctionsExecution) -> Any:
    """Return the input that an execution was given."""
    client = credentials.client("stepfunctions")
    return json.loads(client.describe_execution(executionArn=execution.arn)["input"])


@pytest.mark.parametrize(
    "value", [{"day": "2026-11-23", "n": [1, 2.5, True, None]}, [1], "text", 7, False, {"ä": "ö"}]
)
def test_any_json_value_is_an_input(
    s3_credentials: AwsCredentials, machine: str, value: Any
) -> None:
    """And arrives as that."""
    started = stepfunctions_start_execution(s3_credentials, machine, input=value)
    assert started.state == "RUNNING"
    assert started.started_at is not None
    assert started.arn.endswith(f":{started.name}")
    assert given(s3_credentials, started) == value


def test_without_an_input_it_is_an_empty_object(
    s3_credentials: AwsCredentials, machine: str
) -> None:
    """Since AWS wants one."""
    assert given(s3_credentials, stepfunctions_start_execution(s3_credentials, machine)) == {}


def test_secrets_in_the_input_go_in_clear(s3_credentials: AwsCredentials, machine: str) -> None:
    """To the execution."""
    value = {"token": Secret("Zq7!-in-clear")}
    started = stepfunctions_start_execution(s3_credentials, machine, input=value)
    assert given(s3_credentials, started) == {"token": "Zq7!-in-clear"}


@pytest.mark.parametrize("value", [{"at": AT}, float("nan"), {"x": {1, 2}}, "\ud800"])
def test_what_is_no_json_is_refused(s3_credentials: AwsCredentials, value: Any) -> None:
    """Before anything is sent, and without the value."""
    nobody = s3_credentials.model_copy(update={"endpoint_url": "http://127.0.0.1:1"})
    with pytest.raises(InvalidArguments, match="The input cannot be written as JSON") as caught:
        stepfunctions_start_execution(nobody, MACHINE, input=value)
    assert "2026" not in str(caught.value)


def test_the_same_name_and_input_are_the_same_execution(
    s3_credentials: AwsCredentials, machine: str
) -> None:
    """While it runs and when it has ended, in whatever order the keys are."""
    value = {"a": 1, "b": 2}
    first = stepfunctions_start_execution(s3_credentials, machine, input=value, name="today")
    again = stepfunctions_start_execution(s3_credentials, machine, input=value, name="today")
    assert again == first
    stepfunctions_cancel_execution(s3_credentials, first)
    ended = stepfunctions_start_execution(
        s3_credentials, machine, input={"b": 2, "a": 1}, name="today"
    )
    assert (ended.arn, ended.state) == (first.arn, "ABORTED")
    assert len(stepfunctions_list_executions(s3_credentials, machine)) == 1


def test_the_same_name_with_another_input_is_a_conflict(
    s3_credentials: AwsCredentials, machine: str
) -> None:
    """And nothing is started."""
    stepfunctions_start_execution(s3_credentials, machine, input={"a": 1}, name="today")
    with pytest.raises(AwsConflict, match="ExecutionAlreadyExists"):
        stepfunctions_start_execution(s3_credentials, machine, input={"a": 2}, name="today")
    assert len(stepfunctions_list_executions(s3_credentials, machine)) == 1


def test_a_conflict_stays_one_where_nobody_may_look(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """Of an alias, the execution is that of its machine."""
    stubbed.add_client_error("start_execution", "ExecutionAlreadyExists", "there", 400)
    stubbed.add_client_error(
        "describe_execution",
        "AccessDeniedException",
        "no",
        400,
        expected_params={"executionArn": RUN.arn},
    )
    with pytest.raises(AwsConflict):
        stepfunctions_start_execution(s3_credentials, f"{MACHINE}:PROD", name="one")


def test_an_answer_that_is_lost_starts_no_second_execution(
    s3_server: AwsServer, s3_credentials: AwsCredentials, machine: str
) -> None:
    """By botocore, which asks again with the same name, though none was given."""
    with faulty(s3_server) as (through, faults):
        faults.cut("POST")
        started = stepfunctions_start_execution(through.credentials(), machine)
    found = stepfunctions_list_executions(s3_credentials, machine)
    assert [each.arn for each in found] == [started.arn]


def test_an_unknown_machine_is_named(s3_credentials: AwsCredentials) -> None:
    """As not found."""
    with pytest.raises(AwsNotFound, match="nightly"):
        stepfunctions_start_execution(s3_credentials, MACHINE)


@pytest.fixture
def executing(s3_server: AwsServer) -> Iterator[None]:
    """Let moto run the states."""
    with state_machines_run(s3_server):
        yield


@pytest.mark.usefixtures("executing")
def test_a_machine_is_run_over_the_wire(s3_credentials: AwsCredentials) -> None:
    """From its input to its output; with the same name later, it gives the same."""
    machine = new_machine(
        s3_credentials, Type="Pass", Parameters={"file.$": "$.day", "n": 2.5}, End=True
    )
    value = {"day": "2026-11-23"}
    ended = stepfunctions_run_execution(
        s3_credentials, machine, input=value, name="today", poll_seconds=0.01
    )
    assert ended.state == "SUCCEEDED"
    assert ended.output == {"file": "2026-11-23", "n": 2.5}
    assert ended.started_at is not None
    assert ended.ended_at is not None
    again = stepfunctions_run_execution(
        s3_credentials, machine, input=value, name="today", poll_seconds=0.01
    )
    assert again == ended


@pytest.mark.usefixtures("executing")
def test_a_machine_that_fails_over_the_wire_says_why(s3_credentials: AwsCredentials) -> None:
    """The name of the error and the cause."""
    machine = new_machine(s3_credentials, Type="Fail", Error="BadDay", Cause="no such day")
    with pytest.raises(AwsJobFailed, match="ended as FAILED: BadDay: no such day") as caught:
        stepfunctions_run_execution(s3_credentials, machine, poll_seconds=0.01)
    assert (caught.value.code, caught.value.reason) == ("BadDay", "BadDay: no such day")


def test_what_was_started_is_waited_for(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """Until it has ended, seldomer and seldomer; what was just started may not be seen yet."""
    stubbed.add_response(
        "start_execution",
        {"executionArn": RUN.arn, "startDate": AT},
        {"stateMachineArn": MACHINE, "name": ANY, "input": '{"day": 1}'},
    )
    stubbed.add_client_error("describe_execution", "ExecutionDoesNotExist", "not yet", 400)
    stubbed.add_response("describe_execution", described("RUNNING"), {"executionArn": RUN.arn})
    stubbed.add_response("describe_execution", described("PENDING_REDRIVE"))
    done = described("SUCCEEDED", output='{"rows": [1, null]}', stopDate=AT)
    stubbed.add_response("describe_execution", done)
    with no_waiting() as waits:
        ended = stepfunctions_run_execution(s3_credentials, MACHINE, input={"day": 1})
    assert ended == StepFunctionsExecution(RUN.arn, "one", "SUCCEEDED", {"rows": [1, None]}, AT, AT)
    assert waits == [1.0, 1.5, 2.25]


def test_an_execution_that_is_not_there_is_not_waited_for(
    s3_credentials: AwsCredentials, machine: str
) -> None:
    """For more than a moment, nor stopped."""
    name = machine.rpartition(":")[2]
    gone = StepFunctionsExecution(f"{ARN}:execution:{name}:gone")
    with pytest.raises(AwsNotFound, match="ExecutionDoesNotExist"), no_waiting() as waits:
        stepfunctions_wait_execution.with_options(retries=0)(s3_credentials, gone)
    assert len(waits) == 3


@pytest.mark.parametrize(
    ("status", "more", "said"),
    [
        ("FAILED", {"error": "BadDay", "cause": "no such day"}, "FAILED: BadDay: no such day."),
        ("TIMED_OUT", {"error": "States.Timeout"}, "TIMED_OUT: States.Timeout."),
        ("ABORTED", {}, "ABORTED: Step Functions does not say why."),
    ],
)
def test_an_execution_that_failed_says_why(
    s3_credentials: AwsCredentials, stubbed: Stubber, status: str, more: dict[str, str], said: str
) -> None:
    """Its state, the name of its error, and the cause."""
    stubbed.add_response("describe_execution", described(status, **more))
    with pytest.raises(AwsJobFailed) as caught:
        stepfunctions_wait_execution(s3_credentials, RUN)
    assert str(caught.value.args[0]) == f"Step Functions execution nightly/one ended as {said}"
    assert (caught.value.state, caught.value.code) == (status, more.get("error", ""))


def test_a_long_cause_is_whole_in_the_reason(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """The message has its begin."""
    cause = "x" * 30_000
    stubbed.add_response("describe_execution", described("FAILED", error="E", cause=cause))
    with pytest.raises(AwsJobFailed) as caught:
        stepfunctions_wait_execution(s3_credentials, RUN)
    assert caught.value.reason == f"E: {cause}"
    assert len(str(caught.value)) < 1500


def test_an_execution_is_cancelled_with_a_reason(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """That the service records."""
    stubbed.add_response(
        "stop_execution",
        {"stopDate": AT},
        {"executionArn": RUN.arn, "error": "Late", "cause": "no longer wanted"},
    )
    stepfunctions_cancel_execution(s3_credentials, RUN, error="Late", cause="no longer wanted")


@pytest.mark.parametrize(("cancel", "state"), [(True, "ABORTED"), (False, "RUNNING")])
def test_an_execution_is_stopped_with_its_task_where_that_is_wanted(
    s3_credentials: AwsCredentials, machine: str, *, cancel: bool, state: str
) -> None:
    """Or it goes on."""
    with Scope("job") as scope:
        timer = threading.Timer(0.2, scope.cancel)
        timer.start()
        with pytest.raises(TaskCancelled):
            stepfunctions_run_execution(
                s3_credentials, machine, poll_seconds=600, cancel_on_stop=cancel
            )
        timer.join()
    (found,) = stepfunctions_list_executions(s3_credentials, machine)
    assert found.state == state


def test_time_that_is_up_stops_the_execution(s3_credentials: AwsCredentials, machine: str) -> None:
    """The error says that it was told to stop."""
    with pytest.raises(AwsTimeout, match="did not end within 0 s") as caught:
        stepfunctions_run_execution(s3_credentials, machine, max_wait_seconds=0)
    assert "told to stop" in str(caught.value.fix)
    (found,) = stepfunctions_list_executions(s3_credentials, machine)
    assert (found.state, found.ended_at is not None) == ("ABORTED", True)


def test_executions_are_listed_to_the_last_page(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """With the state that was asked for."""
    asked = {"stateMachineArn": MACHINE, "statusFilter": "FAILED"}
    one = {**described("FAILED"), "stopDate": AT}
    page = {"executions": [one, one], "nextToken": "more"}
    stubbed.add_response("list_executions", page, asked)
    stubbed.add_response("list_executions", {"executions": [one]}, {**asked, "nextToken": "more"})
    found = stepfunctions_list_executions(s3_credentials, MACHINE, state="FAILED")
    assert found == [StepFunctionsExecution(RUN.arn, "one", "FAILED", None, AT, AT)] * 3

    stubbed.add_response("list_executions", page, asked)  # the next page is not asked for
    assert len(stepfunctions_list_executions(s3_credentials, MACHINE, state="FAILED", limit=2)) == 2


def test_executions_of_express_machines_are_not_waited_for(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """The error names the task that can."""
    stubbed.add_client_error("describe_execution", "InvalidArn", "Invalid Arn", 400)
    with pytest.raises(AwsError, match="nobody can wait for it") as caught:
        stepfunctions_wait_execution(s3_credentials, EXPRESS)
    assert "stepfunctions_run_express_execution" in str(caught.value.fix)


@pytest.fixture
def stubbed_once(s3_credentials: AwsCredentials) -> Iterator[Stubber]:
    """As `stubbed`, for what is sent just once."""
    with Stubber(once_client(s3_credentials, "stepfunctions", 310)) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_an_express_machine_is_run(s3_credentials: AwsCredentials, stubbed_once: Stubber) -> None:
    """By one request, with its output in the answer."""
    ended = {"executionArn": EXPRESS.arn, "name": "one", "startDate": AT, "stopDate": AT}
    stubbed_once.add_response(
        "start_sync_execution",
        {**ended, "status": "SUCCEEDED", "output": "[1]"},
        {"stateMachineArn": MACHINE, "input": "{}", "name": "one"},
    )
    found = stepfunctions_run_express_execution(s3_credentials, MACHINE, name="one")
    assert found == StepFunctionsExecution(EXPRESS.arn, "one", "SUCCEEDED", [1], AT, AT)


def test_an_express_machine_that_failed_says_why(
    s3_credentials: AwsCredentials, stubbed_once: Stubber
) -> None:
    """As others do."""
    ended = {"executionArn": EXPRESS.arn, "startDate": AT, "stopDate": AT}
    stubbed_once.add_response(
        "start_sync_execution", {**ended, "status": "FAILED", "error": "BadDay", "cause": "no"}
    )
    with pytest.raises(AwsJobFailed, match="ended as FAILED: BadDay: no") as caught:
        stepfunctions_run_express_execution(s3_credentials, MACHINE)
    assert caught.value.code == "BadDay"


def test_an_express_machine_has_its_time_and_is_run_once(s3_credentials: AwsCredentials) -> None:
    """Five minutes, unless the task has less; botocore never sends it again."""
    config = once_client(s3_credentials, "stepfunctions", 310).meta.config
    assert config.read_timeout == 310
    assert config.retries["total_max_attempts"] == 1
    with Scope("job", seconds=90):
        hurried = once_client(s3_credentials, "stepfunctions", 310).meta.config
    assert hurried.read_timeout == 120
