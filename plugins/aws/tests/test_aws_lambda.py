"""Lambda: moto's functions answer what they are given; a Stubber has them fail."""

import json
import logging
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import Stubber

from brickwork import InvalidArguments, Scope, Secret, TaskTimeout
from brickwork.testing.task import no_waiting
from brickwork_aws import (
    AwsCredentials,
    AwsError,
    AwsJobFailed,
    AwsNotFound,
    AwsTimeout,
    LambdaFunction,
    LambdaResult,
    lambda_invoke,
    lambda_invoke_async,
    lambda_wait_active,
)
from brickwork_aws.lambda_functions import SECONDS
from brickwork_aws.operations import once_client
from brickwork_aws.testing import AwsServer
from brickwork_aws.testing.contracts.lambda_functions import new_function
from brickwork_aws.testing.faulty import faulty
from brickwork_aws.testing.moto import functions_echo

NAME = "nightly"
ARN = f"arn:aws:lambda:eu-west-1:123456789012:function:{NAME}"
ASKED = {"FunctionName": NAME, "LogType": "Tail"}


@pytest.fixture
def function(s3_server: AwsServer, s3_credentials: AwsCredentials) -> Iterator[str]:
    """Return the name of a function that returns what it is given."""
    with functions_echo(s3_server):
        yield new_function(s3_credentials)


@pytest.fixture
def stubbed(s3_credentials: AwsCredentials) -> Iterator[Stubber]:
    """Answers that moto never gives, checked against botocore's description."""
    with Stubber(once_client(s3_credentials, "lambda", SECONDS)) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def answer(payload: bytes, **more: Any) -> dict[str, Any]:
    """Return what Lambda answers."""
    metadata = {"RequestId": "request-1", "HTTPStatusCode": 200}
    return {"StatusCode": 200, "Payload": payload, "ResponseMetadata": metadata, **more}


def log_of(*lines: str) -> str:
    """Return lines as Lambda gives the tail of a log."""
    return b64encode("\n".join([*lines, ""]).encode()).decode()


@pytest.mark.parametrize(
    "value", [{"day": "2026-11-23", "n": [1, 2.5, True, None]}, [], "text", 0, False, {"ä": "ö"}]
)
def test_any_json_value_is_a_payload(
    s3_credentials: AwsCredentials, function: str, value: Any
) -> None:
    """And what comes back is read as that."""
    found = lambda_invoke(s3_credentials, function, value)
    assert found.output == value
    assert found.request_id


def test_bytes_go_as_they_are(s3_credentials: AwsCredentials, function: str) -> None:
    """And come back as bytes, where they are no JSON."""
    assert lambda_invoke(s3_credentials, function, b'{"a": 1}').output == {"a": 1}
    assert lambda_invoke(s3_credentials, function, b"not json").output == b"not json"


def test_secrets_in_the_payload_go_in_clear(s3_credentials: AwsCredentials, function: str) -> None:
    """To the function."""
    found = lambda_invoke(s3_credentials, function, {"token": Secret("Zq7!-in-clear")})
    assert found.output == {"token": "Zq7!-in-clear"}


def test_what_lambda_is_told(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """Only what was given; the context in Base64."""
    stubbed.add_response("invoke", answer(b"null"), ASKED)
    context = {"custom": {"day": "2026-11-23"}}
    text = b64encode(json.dumps(context).encode()).decode()
    stubbed.add_response(
        "invoke",
        answer(b"", ExecutedVersion="7"),
        {
            "FunctionName": NAME,
            "Payload": b"[1]",
            "Qualifier": "PROD",
            "ClientContext": text,
        },
    )
    assert lambda_invoke(s3_credentials, NAME) == LambdaResult(None, "request-1")
    found = lambda_invoke(
        s3_credentials, NAME, [1], qualifier="PROD", client_context=context, tail=False
    )
    assert found == LambdaResult(None, "request-1", "7")
    assert json.loads(b64decode(text)) == context


def test_the_tail_of_the_log_is_in_the_result_and_in_this_log(
    s3_credentials: AwsCredentials, stubbed: Stubber, caplog: pytest.LogCaptureFixture
) -> None:
    """Masked; it may begin in the midst of a character."""
    secret = Secret("hunter2-of-the-log")
    text = b"\xa4 rest\nSTART\ngot " + secret.reveal().encode() + b"\n\n"
    tail = b64encode(text).decode()
    stubbed.add_response("invoke", answer(b"1", LogResult=tail), ASKED)
    with caplog.at_level(logging.INFO, "brickwork.aws.lambda"):
        found = lambda_invoke(s3_credentials, NAME)
    assert found.log == ("\N{REPLACEMENT CHARACTER} rest", "START", "got ***")
    assert f"Lambda function {NAME}: got ***" in caplog.messages


def test_a_function_that_fails_says_why(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """The type of its error, the message, and the log."""
    told = {"errorType": "ValueError", "errorMessage": "no such day", "stackTrace": ["..."]}
    stubbed.add_response(
        "invoke",
        answer(
            json.dumps(told).encode(),
            FunctionError="Unhandled",
            LogResult=log_of("START", "[ERROR] ValueError: no such day"),
        ),
    )
    with pytest.raises(AwsJobFailed, match="ended as Unhandled: ValueError: no such day") as caught:
        lambda_invoke(s3_credentials, NAME)
    error = caught.value
    assert (error.state, error.code, error.reason) == (
        "Unhandled",
        "ValueError",
        "ValueError: no such day",
    )
    assert error.log == ("START", "[ERROR] ValueError: no such day")
    assert error.request_id == "request-1"
    assert "log: START" in error.__notes__


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b'{"errorMessage": "Task timed out after 3.00 seconds"}', "Task timed out after 3.00"),
        (b'"just a text"', "just a text"),
        (b"{}", "Lambda does not say why"),
    ],
)
def test_a_function_may_fail_in_other_forms(
    s3_credentials: AwsCredentials, stubbed: Stubber, payload: bytes, said: str
) -> None:
    """As a custom runtime does, or Lambda in its stead."""
    stubbed.add_response("invoke", answer(payload, FunctionError="Unhandled"))
    with pytest.raises(AwsJobFailed, match=said):
        lambda_invoke(s3_credentials, NAME)


def test_a_function_that_fails_is_not_run_again(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """One request; the next answer stays where it is."""
    stubbed.add_response("invoke", answer(b"{}", FunctionError="Unhandled"))
    with pytest.raises(AwsJobFailed), no_waiting() as waits:
        lambda_invoke(s3_credentials, NAME)
    assert waits == []


@pytest.mark.parametrize("invoke", [lambda_invoke, lambda_invoke_async])
def test_an_answer_that_is_lost_runs_no_function_twice(
    s3_server: AwsServer, function: str, invoke: Any
) -> None:
    """Neither botocore asks again, nor the task."""
    with faulty(s3_server) as (through, faults):
        faults.cut("POST")
        with pytest.raises(AwsError, match="lambda:Invoke"), no_waiting():
            invoke(through.credentials(), function, {"a": 1})
        assert [method for method, _ in faults.requests] == ["POST"]


@pytest.mark.parametrize("invoke", [lambda_invoke, lambda_invoke_async])
def test_an_error_of_the_service_runs_no_function_twice(
    s3_server: AwsServer, function: str, invoke: Any
) -> None:
    """It may come after the function has run."""
    with faulty(s3_server) as (through, faults):
        faults.refuse("POST", 503, "ServiceException")
        with pytest.raises(AwsError, match="lambda:Invoke"), no_waiting():
            invoke(through.credentials(), function)
        assert [method for method, _ in faults.requests] == ["POST"]


@pytest.mark.parametrize("code", ["TooManyRequestsException", "ResourceNotReadyException"])
def test_what_has_not_run_is_asked_again(
    s3_credentials: AwsCredentials, stubbed: Stubber, code: str
) -> None:
    """By the task, after a pause."""
    stubbed.add_client_error("invoke", code, "not now", 429)
    stubbed.add_client_error("invoke", code, "not now", 429)
    stubbed.add_response("invoke", answer(b"1"), ASKED)
    with no_waiting() as waits:
        assert lambda_invoke(s3_credentials, NAME).output == 1
    assert len(waits) == 2


def test_where_nobody_is_reached_it_is_tried_again(s3_credentials: AwsCredentials) -> None:
    """Nothing has run."""
    nobody = s3_credentials.model_copy(update={"endpoint_url": "http://127.0.0.1:1"})
    with pytest.raises(AwsError, match="cannot be reached"), no_waiting() as waits:
        lambda_invoke(nobody, NAME)
    assert len(waits) == 2


def test_a_function_has_its_fifteen_minutes(s3_credentials: AwsCredentials) -> None:
    """Unless the task has less, or the options more."""

    def read_timeout(credentials: AwsCredentials) -> float:
        return float(once_client(credentials, "lambda", SECONDS).meta.config.read_timeout)

    assert read_timeout(s3_credentials) == 910
    with Scope("job", seconds=200):
        assert read_timeout(s3_credentials) == 300
    options = s3_credentials.client_options.model_copy(update={"read_timeout": 3600})
    assert read_timeout(s3_credentials.model_copy(update={"client_options": options})) == 3600


def test_the_time_of_the_task_ends_the_wait(s3_server: AwsServer, function: str) -> None:
    """As a time-out of the task, and not as a connection that broke."""
    from brickwork.testing.faulty import Fault

    with faulty(s3_server) as (through, faults):
        faults.plan(Fault(lambda method, _: method == "POST", delay_seconds=60))
        with pytest.raises(TaskTimeout):
            lambda_invoke.with_options(timeout_seconds=0.2)(through.credentials(), function)


def test_what_is_no_json_is_refused(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """Before anything is sent; so is a context that is too long."""
    with pytest.raises(InvalidArguments, match="The payload cannot be written as JSON"):
        lambda_invoke(s3_credentials, NAME, {"x": {1}})
    with pytest.raises(InvalidArguments, match="The client context cannot be written"):
        lambda_invoke(s3_credentials, NAME, client_context={"x": object()})
    with pytest.raises(InvalidArguments, match="too long: 3600 bytes"):
        lambda_invoke(s3_credentials, NAME, client_context={"x": "y" * 2691})


def test_an_unknown_function_is_named(s3_credentials: AwsCredentials, function: str) -> None:
    """As not found, by moto."""
    with pytest.raises(AwsNotFound, match="gone"):
        lambda_wait_active(s3_credentials, "gone")


def test_a_function_is_invoked_without_waiting(
    s3_credentials: AwsCredentials, function: str
) -> None:
    """The id is that of the invocation."""
    assert lambda_invoke_async(s3_credentials, function, {"a": 1})


def test_what_lambda_is_told_of_an_event(s3_credentials: AwsCredentials) -> None:
    """That it is one; Lambda's id of it comes back."""
    seconds = s3_credentials.client_options.read_timeout
    asked = {
        "FunctionName": NAME,
        "InvocationType": "Event",
        "Payload": b'{"a": 1}',
        "Qualifier": "PROD",
    }
    with Stubber(once_client(s3_credentials, "lambda", seconds)) as stubber:
        stubber.add_response("invoke", {**answer(b""), "StatusCode": 202}, asked)
        found = lambda_invoke_async(s3_credentials, NAME, {"a": 1}, qualifier="PROD")
    assert found == "request-1"


@pytest.fixture
def looks(s3_credentials: AwsCredentials) -> Iterator[Stubber]:
    """Answers about a function's state."""
    with Stubber(s3_credentials.client("lambda")) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def state(name: str, update: str = "Successful", **more: Any) -> dict[str, Any]:
    """Return what Lambda answers about a function."""
    return {
        "FunctionArn": ARN,
        "Version": "$LATEST",
        "State": name,
        "LastUpdateStatus": update,
        "Timeout": 900,
        "MemorySize": 512,
        **more,
    }


def test_a_function_is_waited_for(s3_credentials: AwsCredentials, function: str) -> None:
    """Over the wire, where it is active at once."""
    found = lambda_wait_active(s3_credentials, function)
    assert found.arn.endswith(f":{function}")
    assert (found.state, found.timeout_seconds, found.memory_mb) == ("Active", 3, 128)


def test_creating_and_updating_are_waited_for(
    s3_credentials: AwsCredentials, looks: Stubber
) -> None:
    """A function that is being updated is active, and yet what it was."""
    asked = {"FunctionName": NAME, "Qualifier": "7"}
    for each in (state("Pending"), state("Active", "InProgress"), state("Active")):
        looks.add_response("get_function_configuration", each, asked)
    with no_waiting() as waits:
        found = lambda_wait_active(s3_credentials, NAME, qualifier="7")
    assert found == LambdaFunction(ARN, "$LATEST", "Active", 900, 512)
    assert waits == [1.0, 1.5]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (state("Failed", StateReason="The role is gone."), "It is Failed: The role is gone"),
        (state("Inactive"), "It is Inactive: Lambda does not say why"),
        (
            state("Active", "Failed", LastUpdateStatusReason="No such image."),
            "The update failed: No such image",
        ),
    ],
)
def test_what_never_will_be_active_is_not_waited_for(
    s3_credentials: AwsCredentials, looks: Stubber, found: dict[str, Any], said: str
) -> None:
    """With Lambda's reason."""
    looks.add_response("get_function_configuration", found)
    with pytest.raises(AwsError, match=said):
        lambda_wait_active(s3_credentials, NAME)


def test_a_function_that_takes_too_long_is_a_time_out(
    s3_credentials: AwsCredentials, looks: Stubber
) -> None:
    """After the last look."""
    looks.add_response("get_function_configuration", state("Pending"))
    with pytest.raises(AwsTimeout, match="was not active within 0 s"):
        lambda_wait_active(s3_credentials, NAME, max_wait_seconds=0)
