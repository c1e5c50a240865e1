"""Conformance of the tasks on Run Command, against moto, where every command ends well at once.

moto lists no instances of a command, cancels none and knows no output: that is answered in its
place.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from brickwork.testing import TaskContract
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.generic import aws_call
from brickwork_aws.jobs import ssm_command
from brickwork_aws.testing.answering import answered

INSTANCE = "i-0a1b2c3d"
STEP = "aws:runShellScript"


@contextmanager
def commands_print(credentials: AwsCredentials, stdout: str) -> Iterator[None]:
    """Answer in moto's place what commands print on their instances, until the block ends.

    Args:
        credentials: Whose; others get moto's answers.
        stdout: What a command prints on each instance.
    """

    def invocations(asked: Mapping[str, Any]) -> dict[str, Any]:
        named = asked["CommandId"]
        command = aws_call(credentials, "ssm", "list_commands", CommandId=named)["Commands"][0]
        step = {"Name": STEP, "Status": "Success"}
        return {
            "CommandInvocations": [
                {"InstanceId": each, "Status": "Success", "CommandPlugins": [step]}
                for each in command["InstanceIds"]
            ]
        }

    answers = {
        "ListCommandInvocations": invocations,
        "GetCommandInvocation": lambda _: {"ResponseCode": 0, "StandardOutputContent": stdout},
        "CancelCommand": lambda _: {},
    }
    with ExitStack() as stack:
        for operation, answer in answers.items():
            stack.enter_context(answered(credentials, "ssm", operation, answer))
        yield


class _SsmCommandContract(TaskContract):
    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Iterator[Mapping[str, Any]]:
        """Return arguments of a small command."""
        with commands_print(s3_credentials, "Use%\n 42%\n"):
            yield {"credentials": s3_credentials, "lines": ["uptime"], "instances": [INSTANCE]}

    @pytest.fixture
    def running(self, s3_credentials: AwsCredentials) -> Iterator[None]:
        """Let no command end."""
        runs = {"Commands": [{"Status": "InProgress"}]}
        with answered(s3_credentials, "ssm", "ListCommands", lambda _: runs):
            yield

    def same(self, one: Any, two: Any) -> bool:
        """Compare without the ids, which every command has anew."""
        if one is None:
            return two is None
        return bool(replace(one, id="") == replace(two, id=""))


class TestSsmStartCommand(_SsmCommandContract):
    """ssm_start_command."""

    name = "aws.ssm_start_command"


class TestSsmRunCommand(_SsmCommandContract):
    """ssm_run_command."""

    name = "aws.ssm_run_command"

    @pytest.fixture
    def slow_call(self, call: Mapping[str, Any], running: None) -> Mapping[str, Any]:  # noqa: ARG002  # for its answers
        """Return arguments of a command that does not end."""
        return call


class _OnACommand(_SsmCommandContract):
    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Iterator[Mapping[str, Any]]:
        """Return arguments for a command that has ended well."""
        with commands_print(s3_credentials, "Use%\n 42%\n"):
            command = ssm_command.ssm_start_command(
                s3_credentials, ["uptime"], instances=[INSTANCE]
            )
            yield {"credentials": s3_credentials, "command": command}


class TestSsmWaitCommand(_OnACommand):
    """ssm_wait_command."""

    name = "aws.ssm_wait_command"

    @pytest.fixture
    def slow_call(self, call: Mapping[str, Any], running: None) -> Mapping[str, Any]:  # noqa: ARG002  # for its answers
        """Return arguments for a command that does not end."""
        return call


class TestSsmCancelCommand(_OnACommand):
    """ssm_cancel_command."""

    name = "aws.ssm_cancel_command"
