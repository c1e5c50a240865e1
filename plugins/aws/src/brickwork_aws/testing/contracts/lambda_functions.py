"""Conformance of the tasks on Lambda, against moto, whose functions answer what they are given."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from typing import Any
from uuid import uuid4
from zipfile import ZipFile

import pytest

from brickwork.testing import TaskContract
from brickwork_aws import lambda_functions
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.testing.answering import answered
from brickwork_aws.testing.moto import functions_echo
from brickwork_aws.testing.servers import AwsServer


def new_function(credentials: AwsCredentials) -> str:
    """Return the name of a new function."""
    name = f"function-{uuid4().hex}"
    role = credentials.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    code = BytesIO()
    with ZipFile(code, "w") as archive:
        archive.writestr("echo.py", "def handle(event, context): return event\n")
    credentials.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role["Role"]["Arn"],
        Handler="echo.handle",
        Code={"ZipFile": code.getvalue()},
    )
    return name


class _LambdaTaskContract(TaskContract):
    @pytest.fixture
    def call(
        self, s3_server: AwsServer, s3_credentials: AwsCredentials
    ) -> Iterator[Mapping[str, Any]]:
        """Return arguments for a new function."""
        with functions_echo(s3_server):
            yield {"credentials": s3_credentials, "function": new_function(s3_credentials)}

    def same(self, one: Any, two: Any) -> bool:
        """Compare without the ids, which every invocation has anew."""
        if isinstance(one, lambda_functions.LambdaResult):
            return bool(replace(one, request_id="") == replace(two, request_id=""))
        return type(one) is type(two)


class TestLambdaInvoke(_LambdaTaskContract):
    """lambda_invoke."""

    name = "aws.lambda_invoke"


class TestLambdaInvokeAsync(_LambdaTaskContract):
    """lambda_invoke_async."""

    name = "aws.lambda_invoke_async"


class TestLambdaWaitActive(_LambdaTaskContract):
    """lambda_wait_active."""

    name = "aws.lambda_wait_active"

    @pytest.fixture
    def slow_call(self, call: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Return arguments for a function that does not become active."""
        pending = {"State": "Pending"}
        credentials = call["credentials"]
        with answered(credentials, "lambda", "GetFunctionConfiguration", lambda _: pending):
            yield call

    def same(self, one: Any, two: Any) -> bool:
        """Compare all of it."""
        return bool(one == two)
