"""Conformance of the tasks on SQS, against moto."""

from collections.abc import Mapping
from typing import Any

import pytest

from brickwork import Task
from brickwork.testing import TaskContract
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.generic import aws_call
from brickwork_aws.sqs import tasks


class _SqsTaskContract(TaskContract):
    name = ""

    @pytest.fixture
    def task(self) -> Task[..., Any]:
        """Return the task of the class's name."""
        found: Task[..., Any] = getattr(tasks, self.name)
        return found

    @pytest.fixture
    def queue(self, s3_credentials: AwsCredentials) -> str:
        """Return the URL of a queue."""
        return str(aws_call(s3_credentials, "sqs", "create_queue", QueueName=self.name)["QueueUrl"])

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

    name = "sqs_send_message"

    def arguments(self) -> Mapping[str, Any]:
        """A message."""
        return {"body": "hello"}


class TestSqsSendMessages(_SqsTaskContract):
    """sqs_send_messages."""

    name = "sqs_send_messages"

    def arguments(self) -> Mapping[str, Any]:
        """Two messages."""
        return {"bodies": ["a", "b"]}


class TestSqsReceiveMessages(_SqsTaskContract):
    """sqs_receive_messages."""

    name = "sqs_receive_messages"

    def arguments(self) -> Mapping[str, Any]:
        """As many as there are: none."""
        return {"limit": 2}


class TestSqsDeleteMessages(_SqsTaskContract):
    """sqs_delete_messages."""

    name = "sqs_delete_messages"

    def arguments(self) -> Mapping[str, Any]:
        """None, since the contract calls it twice."""
        return {"messages": []}


class TestSqsWaitForMessage(_SqsTaskContract):
    """sqs_wait_for_message."""

    name = "sqs_wait_for_message"

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials, queue: str) -> Mapping[str, Any]:
        """Return arguments for a queue with two messages."""
        tasks.sqs_send_messages(s3_credentials, queue, ["a", "b"])
        return {"credentials": s3_credentials, "queue": queue}

    @pytest.fixture
    def slow_call(self, s3_credentials: AwsCredentials, queue: str) -> Mapping[str, Any]:
        """Return arguments for a queue without messages."""
        return {"credentials": s3_credentials, "queue": queue}
