"""Step Functions: executions of state machines."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from brickwork import check_cancelled, register_type
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsConflict, AwsDenied, AwsError, AwsNotFound
from brickwork_aws.jobs.following import Job, Look, failed, follow
from brickwork_aws.operations import Operation
from brickwork_aws.payloads import to_json
from brickwork_aws.tasks import retried_task, task_once

_START = ("states:StartExecution", "states:DescribeExecution")
_WAIT = ("states:DescribeExecution",)
_CANCEL = ("states:StopExecution",)

_GOES_ON = {"RUNNING", "PENDING_REDRIVE"}
_LOOKS_IN_VAIN = 3
"""What was just started may not be seen yet: DescribeExecution is eventually consistent."""

EXPRESS_SECONDS = 310.0
"""An express machine runs for up to five minutes."""


@register_type("aws.stepfunctions-execution")
@dataclass(frozen=True)
class StepFunctionsExecution:
    """An execution of a state machine.

    Attributes:
        arn: Its ARN.
        name: Its name; the last part of the ARN.
        state: ``RUNNING``, ``SUCCEEDED``, ``FAILED``, ``TIMED_OUT``, ``ABORTED`` or
            ``PENDING_REDRIVE``, when it was last looked at.
        output: What it gave, read from JSON; None before it has succeeded, and in lists.
        started_at: When it began.
        ended_at: When it ended; None while it runs.
    """

    arn: str
    name: str = ""
    state: str = "RUNNING"
    output: Any = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


@task_once(*_START)
def stepfunctions_start_execution(
    credentials: AwsCredentials,
    state_machine: str,
    *,
    input: Any = None,  # noqa: A002  # AWS's name of it
    name: str | None = None,
) -> StepFunctionsExecution:
    """Start an execution of a state machine.

    The same name and input are the same execution, also when it has ended: it is returned, and
    none is started. That does not hold for express machines, which know no names. Not retried as
    a task: without a name, each call starts another one; botocore's own retries have the same
    name. See
    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html.

    Args:
        credentials: Whose.
        state_machine: Its ARN, or that of a version or an alias of it.
        input: Any JSON value; by default an empty object.
        name: The execution's name, up to 80 characters; a new one by default. AWS keeps it for 90
            days after the end.

    Returns:
        The execution.

    Raises:
        InvalidArguments: The input is no JSON; nothing was started.
        AwsNotFound: There is no such state machine.
        AwsConflict: There is an execution of that name with another input.

    Examples:
        >>> execution = stepfunctions_start_execution(
        ...     credentials, state_machine, input={"order": 1742}, name="order-1742"
        ... )
        >>> execution.name, execution.state
        ('order-1742', 'RUNNING')
    """
    text = to_json({} if input is None else input, "The input")
    # Always with a name, by which AWS knows a request that botocore sends again.
    called = name or str(uuid4())
    try:
        answer = _call(
            credentials, "start_execution", stateMachineArn=state_machine, name=called, input=text
        )
    except AwsConflict:
        found = _with_input(credentials, _arn(state_machine, called), text)
        if found is None:
            raise
        return found
    return StepFunctionsExecution(
        answer["executionArn"], called, started_at=answer.get("startDate")
    )


@retried_task(*_WAIT, *_CANCEL)
def stepfunctions_wait_execution(
    credentials: AwsCredentials,
    execution: StepFunctionsExecution,
    *,
    poll_seconds: float = 1.0,
    max_wait_seconds: float | None = None,
    cancel_on_stop: bool = True,
) -> StepFunctionsExecution:
    """Wait for the end of an execution.

    Reports its state as progress. Nobody can look at executions of express machines; run those by
    `stepfunctions_run_express_execution`. See
    https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html.

    Args:
        credentials: Whose.
        execution: The execution.
        poll_seconds: The pause after the first look; it grows to 15 seconds.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.
        cancel_on_stop: Whether it is stopped when the task is cancelled or its time is up.

    Returns:
        The execution as it has ended, with its output.

    Raises:
        AwsJobFailed: It failed, timed out or was stopped: ``code`` is the error's name, ``reason``
            has the cause.
        AwsTimeout: It did not end in time.
        AwsNotFound: There is no such execution.

    Examples:
        >>> execution = stepfunctions_wait_execution(credentials, execution, max_wait_seconds=3600)
        >>> execution.state, execution.output
        ('SUCCEEDED', {'order': 1742})
    """
    return follow(
        _Execution(credentials, execution.arn),
        poll_seconds=poll_seconds,
        max_wait_seconds=max_wait_seconds,
        cancel_on_stop=cancel_on_stop,
    )


@retried_task(*_CANCEL)
def stepfunctions_cancel_execution(
    credentials: AwsCredentials,
    execution: StepFunctionsExecution,
    *,
    error: str | None = None,
    cause: str | None = None,
) -> None:
    """Stop an execution.

    See https://docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html.

    Args:
        credentials: Whose.
        execution: The execution.
        error: The name of the error to record, up to 256 characters.
        cause: Why, up to 32,768 characters. With either, an encrypted execution needs permission
            to use its key.

    Examples:
        >>> from brickwork_aws import stepfunctions_list_executions
        >>> stepfunctions_cancel_execution(credentials, execution, error="Superseded")
        >>> stepfunctions_list_executions(credentials, state_machine)[0].state
        'ABORTED'
    """
    _call(credentials, "stop_execution", executionArn=execution.arn, error=error, cause=cause)


@task_once(*_START, *_CANCEL)
def stepfunctions_run_execution(
    credentials: AwsCredentials,
    state_machine: str,
    *,
    input: Any = None,  # noqa: A002  # AWS's name of it
    name: str | None = None,
    poll_seconds: float = 1.0,
    max_wait_seconds: float | None = None,
    cancel_on_stop: bool = True,
) -> StepFunctionsExecution:
    """Start an execution of a state machine, and wait for its end.

    With the name and the input of an execution that is there already, waits for that one, or
    gives what it gave. Not retried as a task: without a name, each call starts another one.

    Args:
        credentials: Whose.
        state_machine: Its ARN, or that of a version or an alias of it; not of an express one.
        input: Any JSON value; by default an empty object.
        name: The execution's name, up to 80 characters; a new one by default.
        poll_seconds: The pause after the first look; it grows to 15 seconds.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.
        cancel_on_stop: Whether it is stopped when the task is cancelled or its time is up.

    Returns:
        The execution as it has ended, with its output.

    Raises:
        InvalidArguments: The input is no JSON; nothing was started.
        AwsConflict: There is an execution of that name with another input.
        AwsJobFailed: It failed, timed out or was stopped: ``code`` is the error's name, ``reason``
            has the cause.
        AwsTimeout: It did not end in time.

    Examples:
        >>> ended = stepfunctions_run_execution(credentials, state_machine, input={"order": 1742})
        >>> ended.output
        {'order': 1742}
    """
    started = stepfunctions_start_execution.fn(credentials, state_machine, input=input, name=name)
    return stepfunctions_wait_execution.fn(
        credentials,
        started,
        poll_seconds=poll_seconds,
        max_wait_seconds=max_wait_seconds,
        cancel_on_stop=cancel_on_stop,
    )


@task_once("states:StartSyncExecution")
def stepfunctions_run_express_execution(
    credentials: AwsCredentials,
    state_machine: str,
    *,
    input: Any = None,  # noqa: A002  # AWS's name of it
    name: str | None = None,
) -> StepFunctionsExecution:
    """Run an express state machine, and wait for its end, which comes within five minutes.

    One request starts it and waits; it cannot be stopped. Not retried as a task, nor the request
    by botocore: it would run twice. botocore puts ``sync-`` before the name of the host, also
    before that of ``endpoint_url``, unless ``AWS_DISABLE_HOST_PREFIX_INJECTION`` is true. See
    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartSyncExecution.html.

    Args:
        credentials: Whose.
        state_machine: Its ARN, or that of a version or an alias of it.
        input: Any JSON value; by default an empty object.
        name: The execution's name, up to 80 characters; a new one by default.

    Returns:
        The execution as it has ended, with its output.

    Raises:
        InvalidArguments: The input is no JSON; nothing was started.
        AwsJobFailed: It failed or timed out: ``code`` is the error's name, ``reason`` has the
            cause.
        AwsError: It was not started, or nobody knows how it ended.

    Examples:
        >>> priced = stepfunctions_run_express_execution(
        ...     credentials, state_machine, input={"order": 1742}
        ... )
        >>> priced.output
        {'total': '89.90'}
    """
    text = to_json({} if input is None else input, "The input")
    operation = Operation(
        credentials, "stepfunctions", "start_sync_execution", once_seconds=EXPRESS_SECONDS
    )
    try:
        answer = operation.call({"stateMachineArn": state_machine, "name": name, "input": text})
    except AwsError:
        check_cancelled()  # the task's time may have been up, and with it that of the request
        raise
    seen = _look(answer)
    if seen.failure:
        raise failed(_what(answer["executionArn"]), seen, ())
    return _execution(answer)


@retried_task("states:ListExecutions")
def stepfunctions_list_executions(
    credentials: AwsCredentials,
    state_machine: str,
    *,
    state: str | None = None,
    limit: int | None = None,
) -> list[StepFunctionsExecution]:
    """List the executions of a state machine, the latest first; not those of an express one.

    See https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html.

    Args:
        credentials: Whose.
        state_machine: Its ARN, or that of a version or an alias of it.
        state: Only those in this state, ``RUNNING``, ``SUCCEEDED``, ``FAILED``, ``TIMED_OUT`` or
            ``ABORTED``.
        limit: At most so many; by default all, of the last 90 days.

    Returns:
        The executions, without their outputs.

    Raises:
        AwsNotFound: There is no such state machine.

    Examples:
        >>> running = stepfunctions_list_executions(credentials, state_machine, state="RUNNING")
        >>> [execution.name for execution in running]
        ['order-1742']
    """
    from itertools import islice

    return list(islice(_listed(credentials, state_machine, state), limit))


@dataclass
class _Execution(Job[StepFunctionsExecution]):
    credentials: AwsCredentials
    arn: str
    _seen: dict[str, Any] = field(default_factory=dict)
    _in_vain: int = 0

    @property
    def what(self) -> str:
        return _what(self.arn)

    def look(self) -> Look:
        try:
            self._seen = _call(self.credentials, "describe_execution", executionArn=self.arn)
        except AwsNotFound:
            self._in_vain += 1
            if self._in_vain > _LOOKS_IN_VAIN:
                raise
            return Look("not seen yet")
        except AwsError as error:
            if not _is_express(self.arn):
                raise
            refused = AwsError(
                f"{self.what} is one of an express machine: nobody can wait for it or stop it.",
                fix="Use stepfunctions_run_express_execution for this machine.",
            )
            refused.operation, refused.code = error.operation, error.code
            raise refused from error
        return _look(self._seen)

    def stop(self) -> None:
        # Without a cause, for which an encrypted execution would want its key.
        _call(self.credentials, "stop_execution", executionArn=self.arn)

    def result(self) -> StepFunctionsExecution:
        return _execution(self._seen)


def _call(credentials: AwsCredentials, operation: str, **parameters: Any) -> dict[str, Any]:
    return Operation(credentials, "stepfunctions", operation).call(parameters)


def _with_input(credentials: AwsCredentials, arn: str, text: str) -> StepFunctionsExecution | None:
    """Return the execution that is there, if it was given the same; the order of keys is none."""
    # Where nobody may look, or the input cannot be decrypted, it counts as another one.
    with suppress(AwsNotFound, AwsDenied, ValueError):
        found = _call(credentials, "describe_execution", executionArn=arn)
        if json.loads(found.get("input", "")) == json.loads(text):
            return _execution(found)
    return None


def _listed(
    credentials: AwsCredentials, state_machine: str, state: str | None
) -> Iterator[StepFunctionsExecution]:
    operation = Operation(credentials, "stepfunctions", "list_executions")
    for page in operation.pages({"stateMachineArn": state_machine, "statusFilter": state}):
        for each in page["executions"]:
            yield _execution(each)


def _look(found: Mapping[str, Any]) -> Look:
    state = found["status"]
    if state in _GOES_ON:
        return Look(state)
    if state == "SUCCEEDED":
        return Look(state, ended=True)
    error, cause = found.get("error") or "", found.get("cause") or ""
    why = ": ".join(part for part in (error, cause) if part)
    return Look(state, True, why or "Step Functions does not say why", code=error)


def _execution(found: Mapping[str, Any]) -> StepFunctionsExecution:
    output = found.get("output")
    return StepFunctionsExecution(
        found["executionArn"],
        found.get("name", ""),
        found["status"],
        None if output is None else json.loads(output),
        found.get("startDate"),
        found.get("stopDate"),
    )


def _arn(state_machine: str, name: str) -> str:
    """Return the ARN of an execution; a version or alias of the machine has no part in it."""
    parts = state_machine.split(":")
    return ":".join([*parts[:5], "execution", *parts[6:7], name])


def _is_express(arn: str) -> bool:
    return arn.split(":")[5:6] == ["express"]


def _what(arn: str) -> str:
    """Name an execution as people do: the machine and the name."""
    return f"Step Functions execution {'/'.join(arn.split(':')[6:])}"
