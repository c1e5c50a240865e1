"""Conformance of the tasks on Step Functions, against moto.

It runs the states where it is told to; else executions run until they are stopped.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from brickwork.testing import TaskContract
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.jobs import stepfunctions
from brickwork_aws.operations import once_client
from brickwork_aws.testing.moto import state_machines_run
from brickwork_aws.testing.servers import AwsServer

ARN = "arn:aws:states:eu-west-1:123456789012"


def new_machine(credentials: AwsCredentials, **state: Any) -> str:
    """Return the ARN of a new state machine of one state, by default one that gives its input."""
    definition = {"StartAt": "Only", "States": {"Only": state or {"Type": "Succeed"}}}
    answer = credentials.client("stepfunctions").create_state_machine(
        name=f"machine-{uuid4().hex}",
        definition=json.dumps(definition),
        roleArn="arn:aws:iam::123456789012:role/machine",
    )
    return str(answer["stateMachineArn"])


class _StepFunctionsTaskContract(TaskContract):
    @pytest.fixture
    def machine(self, s3_credentials: AwsCredentials) -> str:
        """Return the ARN of a state machine."""
        return new_machine(s3_credentials)

    @pytest.fixture
    def execution(
        self, s3_credentials: AwsCredentials, machine: str
    ) -> stepfunctions.StepFunctionsExecution:
        """Return an execution that runs."""
        return stepfunctions.stepfunctions_start_execution(
            s3_credentials, machine, input={"order": 1742}, name="order-1742"
        )

    def same(self, one: Any, two: Any) -> bool:
        """Compare without the ids and times, which every execution has anew."""
        executions = (
            replace(each, arn="", name="", started_at=None, ended_at=None)
            for each in (one, two)
            if isinstance(each, stepfunctions.StepFunctionsExecution)
        )
        first = next(executions, one)
        return bool(first == next(executions, two))


class TestStepfunctionsStartExecution(_StepFunctionsTaskContract):
    """stepfunctions_start_execution."""

    name = "aws.stepfunctions_start_execution"

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials, machine: str) -> Mapping[str, Any]:
        """Return arguments of an execution that runs on."""
        return {"credentials": s3_credentials, "state_machine": machine, "input": {"day": 1}}


class TestStepfunctionsRunExecution(_StepFunctionsTaskContract):
    """stepfunctions_run_execution."""

    name = "aws.stepfunctions_run_execution"

    @pytest.fixture
    def call(
        self, s3_server: AwsServer, s3_credentials: AwsCredentials
    ) -> Iterator[Mapping[str, Any]]:
        """Return arguments of an execution that ends at once."""
        with state_machines_run(s3_server):
            yield {
                "credentials": s3_credentials,
                "state_machine": new_machine(s3_credentials),
                "input": {"day": 1},
                "poll_seconds": 0.01,
            }

    @pytest.fixture
    def slow_call(self, s3_credentials: AwsCredentials, machine: str) -> Mapping[str, Any]:
        """Return arguments of an execution that does not end."""
        return {"credentials": s3_credentials, "state_machine": machine}


class TestStepfunctionsRunExpressExecution(_StepFunctionsTaskContract):
    """stepfunctions_run_express_execution, against a Stubber: moto does not know it."""

    name = "aws.stepfunctions_run_express_execution"

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Iterator[Mapping[str, Any]]:
        """Return arguments of an execution, for which there are two answers."""
        from botocore.stub import Stubber

        at = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
        answer = {
            "executionArn": f"{ARN}:express:price:order-1742:5f0c",
            "name": "order-1742",
            "startDate": at,
            "stopDate": at,
            "status": "SUCCEEDED",
            "output": '{"total": "89.90"}',
        }
        client = once_client(s3_credentials, "stepfunctions", stepfunctions.EXPRESS_SECONDS)
        with Stubber(client) as stubber:
            for _ in range(2):
                stubber.add_response("start_sync_execution", answer)
            yield {
                "credentials": s3_credentials,
                "state_machine": f"{ARN}:stateMachine:price",
                "input": {"order": 1742},
            }


class TestStepfunctionsWaitExecution(_StepFunctionsTaskContract):
    """stepfunctions_wait_execution."""

    name = "aws.stepfunctions_wait_execution"

    @pytest.fixture
    def call(
        self, s3_server: AwsServer, s3_credentials: AwsCredentials
    ) -> Iterator[Mapping[str, Any]]:
        """Return arguments for an execution that ends at once."""
        with state_machines_run(s3_server):
            machine = new_machine(s3_credentials)
            started = stepfunctions.stepfunctions_start_execution(
                s3_credentials, machine, input={"order": 1742}
            )
            yield {"credentials": s3_credentials, "execution": started, "poll_seconds": 0.01}

    @pytest.fixture
    def slow_call(
        self,
        s3_credentials: AwsCredentials,
        execution: stepfunctions.StepFunctionsExecution,
    ) -> Mapping[str, Any]:
        """Return arguments for an execution that does not end."""
        return {"credentials": s3_credentials, "execution": execution}


class TestStepfunctionsCancelExecution(_StepFunctionsTaskContract):
    """stepfunctions_cancel_execution."""

    name = "aws.stepfunctions_cancel_execution"

    @pytest.fixture
    def call(
        self,
        s3_credentials: AwsCredentials,
        execution: stepfunctions.StepFunctionsExecution,
    ) -> Mapping[str, Any]:
        """Return arguments for an execution that runs the first time, and then has ended."""
        return {"credentials": s3_credentials, "execution": execution}

    @pytest.fixture
    def example_names(self, call: Mapping[str, Any], machine: str) -> Mapping[str, Any]:
        """Return those arguments, and its machine."""
        return {**call, "state_machine": machine}


class TestStepfunctionsListExecutions(_StepFunctionsTaskContract):
    """stepfunctions_list_executions."""

    name = "aws.stepfunctions_list_executions"

    @pytest.fixture
    def call(
        self,
        s3_credentials: AwsCredentials,
        machine: str,
        execution: stepfunctions.StepFunctionsExecution,  # noqa: ARG002  # it is listed
    ) -> Mapping[str, Any]:
        """Return arguments for a machine with one execution."""
        return {"credentials": s3_credentials, "state_machine": machine}
