"""Conformance of the tasks on SQS, against moto."""

from collections.abc import Mapping
from secrets import token_hex
from typing import Any

import pytest

from brickwork.testing import TaskContract
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.generic import aws_call
from brickwork_aws.sqs import tasks


class _SqsTaskContract(TaskContract):
    @pytest.fixture
    def queue(self, s3_credentials: AwsCredentials) -> str:
        """Return the URL of a new queue."""
        name = f"queue-{token_hex(8)}"
        return str(aws_call(s3_credentials, "sqs", "create_queue", QueueName=name)["QueueUrl"])

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials, queue: str) -> Mapping[str, Any]:
        """Return arguments for a queue."""
        return {"credentials": s3_credentials, "queue": queue, **self.arguments()}

    def arguments(self) -> Mapping[str, Any]:
        """Return the arguments after the queue."""
        raise NotImplementedError

    def same(self, one: Any, two: Any) -> bool:
        """Compare without the ids, which every message has anew."""
        return type(one) is type(two)


class TestSqsSendMessage(_SqsTaskContract):
    """sqs_send_message."""

    name = "aws.sqs_send_message"

    def arguments(self) -> Mapping[str, Any]:
        """A message."""
        return {"body": "hello"}


class TestSqsSendMessages(_SqsTaskContract):
    """sqs_send_messages."""

    name = "aws.sqs_send_messages"

    def arguments(self) -> Mapping[str, Any]:
        """Two messages."""
        return {"bodies": ["a", "b"]}


class TestSqsReceiveMessages(_SqsTaskContract):
    """sqs_receive_messages."""

    name = "aws.sqs_receive_messages"

    def arguments(self) -> Mapping[str, Any]:
        """As many as there are: none."""
        return {"limit": 2}

    @pytest.fixture
    def example_names(self, call: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return those arguments, with two orders in the queue."""
        orders = ['{"order": 1742}', '{"order": 1743}']
        tasks.sqs_send_messages(call["credentials"], call["queue"], orders)
        return call

    @pytest.fixture
    def slow_call(self, call: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return those arguments, and that a message is waited for."""
        return {**call, "wait_seconds": 60}


class TestSqsDeleteMessages(_SqsTaskContract):
    """sqs_delete_messages."""

    name = "aws.sqs_delete_messages"

    def arguments(self) -> Mapping[str, Any]:
        """None, since the contract calls it twice."""
        return {"messages": []}

    @pytest.fixture
    def example_names(self, call: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return those arguments, with an order in the queue."""
        tasks.sqs_send_message(call["credentials"], call["queue"], '{"order": 1742}')
        return call


class TestSqsWaitForMessage(_SqsTaskContract):
    """sqs_wait_for_message."""

    name = "aws.sqs_wait_for_message"

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials, queue: str) -> Mapping[str, Any]:
        """Return arguments for a queue with two messages."""
        tasks.sqs_send_messages(s3_credentials, queue, ['{"day": "2026-11-23"}'] * 2)
        return {"credentials": s3_credentials, "queue": queue}

    @pytest.fixture
    def slow_call(self, s3_credentials: AwsCredentials, queue: str) -> Mapping[str, Any]:
        """Return arguments for a queue without messages."""
        return {"credentials": s3_credentials, "queue": queue}
