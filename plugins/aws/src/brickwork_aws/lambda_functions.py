"""Prebuilt tasks on functions of Lambda."""

import json
import logging
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from brickwork import InvalidArguments, check_cancelled, mask, register_type
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsError, AwsJobFailed, AwsTimeout, never_so
from brickwork_aws.jobs.following import Look, failed
from brickwork_aws.operations import Operation
from brickwork_aws.payloads import to_json
from brickwork_aws.polling import turns
from brickwork_aws.tasks import once_sent_task, retried_task

SECONDS = 910.0
"""How long to wait for a function's answer: the 15 minutes that it may run, and a little."""

MAX_CONTEXT_BYTES = 3583
"""What Lambda takes as a client context, in Base64."""

SLOWEST_POLL_SECONDS = 5.0

_NOT_RUN = {
    "EC2ThrottledException",
    "ResourceNotReadyException",
    "SnapStartNotReadyException",
    "TooManyRequestsException",
}
"""Errors by which Lambda says that it has not run the function, and may do so a little later."""

_logger = logging.getLogger("brickwork.aws.lambda")


@register_type("aws.lambda-result")
@dataclass(frozen=True)
class LambdaResult:
    """What a function gave.

    Attributes:
        output: What it returned, read from JSON; bytes where that is none.
        request_id: Lambda's id of the invocation, by which its log has it.
        version: The version that ran: ``$LATEST``, or a number.
        log: The last lines of its log, 4 KiB at most, masked; empty without ``tail``.
    """

    output: Any
    request_id: str = ""
    version: str = ""
    log: tuple[str, ...] = ()


@register_type("aws.lambda-function")
@dataclass(frozen=True)
class LambdaFunction:
    """A function, or a version of one.

    Attributes:
        arn: Its ARN.
        version: ``$LATEST``, or a number.
        state: ``Active`` when it can be invoked.
        timeout_seconds: How long it may run.
        memory_mb: How much memory it has, in MiB.
    """

    arn: str
    version: str
    state: str
    timeout_seconds: int = 0
    memory_mb: int = 0


@once_sent_task("lambda:InvokeFunction", not_run=_NOT_RUN)
def lambda_invoke(
    credentials: AwsCredentials,
    function: str,
    payload: Any = None,
    *,
    qualifier: str | None = None,
    client_context: Mapping[str, Any] | None = None,
    tail: bool = True,
) -> LambdaResult:
    """Invoke a function, and wait for what it returns, up to 15 minutes.

    A request is sent once. The task is retried only where the function surely did not run: Lambda
    was asked for too much at once or was not ready, or nobody could be reached. Where the answer
    does not come, the function may have run. It cannot be stopped: a task that is cancelled ends
    with its answer. See https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html.

    Args:
        credentials: Whose; their ``read_timeout`` counts if it is longer than 15 minutes.
        function: The function's name or ARN.
        payload: Any JSON value; bytes go as they are; None: nothing, and the function gets an
            empty object. At most 6 MB.
        qualifier: A version or an alias; by default ``$LATEST``.
        client_context: What the function finds in ``context.client_context``, such as
            ``{"custom": {"day": "2026-11-23"}}``.
        tail: Whether to fetch the last 4 KiB of its log, which go to this program's log and into
            the result or the error.

    Returns:
        What it returned.

    Raises:
        InvalidArguments: The payload or the context is no JSON, or too long; nothing was sent.
        AwsJobFailed: The function failed or ran out of time: ``code`` is the type of its error,
            ``reason`` has the message, ``log`` the last lines.
        AwsNotFound: There is no such function.
        AwsError: It was not invoked, or its answer did not come.

    Examples:
        >>> result = lambda_invoke(
        ...     credentials, function, {"order": 1742}, client_context={"custom": {"run": 17}}
        ... )
        >>> result.output
        {'order': 1742}
    """
    operation = Operation(credentials, "lambda", "invoke", once_seconds=SECONDS)
    try:
        answer = operation.answer(
            {
                "FunctionName": function,
                "Payload": _sent(payload),
                "Qualifier": qualifier,
                "ClientContext": _context(client_context),
                "LogType": "Tail" if tail else None,
            }
        )
    except AwsError:
        check_cancelled()  # the task's time may have been up, and with it that of the request
        raise
    what, log = f"Lambda function {function}", _lines(answer.get("LogResult", ""))
    for line in log:
        _logger.info("%s: %s", what, line)
    output, request = _read(answer.get("Payload", b"")), _request_id(answer)
    if answer.get("FunctionError"):
        raise _failure(what, answer["FunctionError"], output, log, request)
    return LambdaResult(output, request, answer.get("ExecutedVersion", ""), log)


@once_sent_task("lambda:InvokeFunction", not_run=_NOT_RUN)
def lambda_invoke_async(
    credentials: AwsCredentials,
    function: str,
    payload: Any = None,
    *,
    qualifier: str | None = None,
) -> str:
    """Have a function invoked, and do not wait for it.

    Lambda queues the event, and invokes the function again where it fails, as the function's own
    settings say. A request is sent once, and the task is retried only where Lambda did not take
    the event. See https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html.

    Args:
        credentials: Whose.
        function: The function's name or ARN.
        payload: Any JSON value; bytes go as they are; None: nothing, and the function gets an
            empty object. At most 1 MB.
        qualifier: A version or an alias; by default ``$LATEST``.

    Returns:
        Lambda's id of the invocation, by which the function's log has it.

    Raises:
        InvalidArguments: The payload is no JSON; nothing was sent.
        AwsNotFound: There is no such function.
        AwsError: It was not taken, or nobody knows whether it was.

    Examples:
        >>> lambda_invoke_async(credentials, function, {"order": 1742})
        '...'
    """
    seconds = credentials.client_options.read_timeout
    operation = Operation(credentials, "lambda", "invoke", once_seconds=seconds)
    answer = operation.answer(
        {
            "FunctionName": function,
            "InvocationType": "Event",
            "Payload": _sent(payload),
            "Qualifier": qualifier,
        }
    )
    return _request_id(answer)


@retried_task("lambda:GetFunctionConfiguration")
def lambda_wait_active(
    credentials: AwsCredentials,
    function: str,
    *,
    qualifier: str | None = None,
    poll_seconds: float = 1.0,
    max_wait_seconds: float | None = None,
) -> LambdaFunction:
    """Wait until a function that was created or updated can be invoked as it is now.

    See https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html.

    Args:
        credentials: Whose.
        function: The function's name or ARN.
        qualifier: A version or an alias; by default ``$LATEST``.
        poll_seconds: The pause after the first look; it grows to 5 seconds.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.

    Returns:
        The function.

    Raises:
        AwsTimeout: It was not so in time.
        AwsNotFound: There is no such function.
        AwsError: It never will be so: creating or updating it failed, or it is inactive, from
            which an invocation wakes it.

    Examples:
        >>> ready = lambda_wait_active(credentials, function, max_wait_seconds=120)
        >>> ready.state, ready.timeout_seconds, ready.memory_mb
        ('Active', 3, 128)
    """
    operation = Operation(credentials, "lambda", "get_function_configuration")
    for _ in turns(poll_seconds, max_wait_seconds, SLOWEST_POLL_SECONDS):
        found = operation.call({"FunctionName": function, "Qualifier": qualifier})
        state, update = found.get("State", "Active"), found.get("LastUpdateStatus", "Successful")
        if state not in {"Pending", "Active"}:
            raise never_so(
                f"Lambda function {function} is active",
                operation.name,
                f"It is {state}: {found.get('StateReason', 'Lambda does not say why')}".rstrip("."),
            )
        if update == "Failed":
            why = found.get("LastUpdateStatusReason", "Lambda does not say why").rstrip(".")
            raise never_so(
                f"Lambda function {function} is updated",
                operation.name,
                f"The update failed: {why}",
            )
        if (state, update) == ("Active", "Successful"):
            return LambdaFunction(
                found["FunctionArn"],
                found.get("Version", ""),
                state,
                found.get("Timeout", 0),
                found.get("MemorySize", 0),
            )
    raise AwsTimeout(
        f"Lambda function {function} was not active within {max_wait_seconds:g} s.",
        fix="Give it longer by max_wait_seconds, or look at what it waits for.",
    )


def _sent(payload: Any) -> bytes | None:
    if payload is None or isinstance(payload, bytes):
        return payload
    return to_json(payload, "The payload").encode()


def _context(given: Mapping[str, Any] | None) -> str | None:
    if given is None:
        return None
    text = b64encode(to_json(given, "The client context").encode()).decode("ascii")
    if len(text) > MAX_CONTEXT_BYTES:
        raise InvalidArguments(
            f"The client context is too long: {len(text)} bytes in Base64, and Lambda takes "
            f"{MAX_CONTEXT_BYTES}.",
            fix="Put it into the payload.",
        )
    return text


def _read(payload: bytes) -> Any:
    """Return what JSON means; what is none, which a custom runtime may give, as it is."""
    try:
        return json.loads(payload) if payload else None
    except ValueError:
        return payload


def _lines(tail: str) -> tuple[str, ...]:
    text = b64decode(tail).decode("utf-8", "replace")  # cut anywhere, within a character too
    return tuple(mask(line) for line in text.splitlines() if line.strip())


def _request_id(answer: Mapping[str, Any]) -> str:
    return str(answer.get("ResponseMetadata", {}).get("RequestId") or "")


def _failure(
    what: str, state: str, output: Any, log: tuple[str, ...], request: str
) -> AwsJobFailed:
    """Return the error for what a function said of its own, see
    https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html.
    """  # one sentence with a long address
    told = output if isinstance(output, dict) else {"errorMessage": str(output)}
    kind, message = str(told.get("errorType") or ""), str(told.get("errorMessage") or "")
    why = ": ".join(part for part in (kind, message) if part) or "Lambda does not say why"
    error = failed(what, Look(state, True, why, code=kind), log)
    error.operation, error.request_id = "lambda:Invoke", request
    return error
