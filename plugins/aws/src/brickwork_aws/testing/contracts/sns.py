"""Conformance of the tasks on SNS, against moto, and of the notifier, against a service of ours."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

import pytest

from brickwork import Block
from brickwork.testing import BlockContract, NotifierContract, TaskContract
from brickwork.testing.notifier import Asked, Behaviour
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.generic import aws_call
from brickwork_aws.sns.notifier import SnsTopic
from brickwork_aws.testing.contracts.credentials import GOLDEN, closed_port
from brickwork_aws.testing.counterpart import AwsCounterpart, Service

ARN = "arn:aws:sns:eu-west-1:123456789012:alerts"


class _SnsTaskContract(TaskContract):
    @pytest.fixture
    def topic(self, s3_credentials: AwsCredentials) -> str:
        """Return the ARN of a topic."""
        return str(aws_call(s3_credentials, "sns", "create_topic", Name="night-shift")["TopicArn"])

    def same(self, one: Any, two: Any) -> bool:
        """Compare without the ids, which every message has anew."""
        return type(one) is type(two)


class TestSnsPublish(_SnsTaskContract):
    """sns_publish."""

    name = "aws.sns_publish"

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials, topic: str) -> Mapping[str, Any]:
        """Return arguments of a message."""
        return {"credentials": s3_credentials, "to": topic, "message": "hello"}


class TestSnsPublishMany(_SnsTaskContract):
    """sns_publish_many."""

    name = "aws.sns_publish_many"

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials, topic: str) -> Mapping[str, Any]:
        """Return arguments of two messages."""
        return {"credentials": s3_credentials, "topic": topic, "messages": ["a", "b"]}


class TestSnsTopic(BlockContract):
    """SnsTopic as a block."""

    golden_folder = GOLDEN

    @pytest.fixture
    def block(self, no_aws_settings: None) -> Block:  # noqa: ARG002  # for what it hides
        """Return a topic at a port where nobody listens."""
        return SnsTopic(topic_arn=ARN, credentials=closed_port(), timeout_seconds=5)


def _form(asked: Asked) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}


def _read(asked: Asked) -> str | None:
    """Return all values of the form; where they are JSON, as they are read."""
    if _form(asked)["Action"] != "Publish":
        return None
    values = list(_form(asked).values())
    lists = [" ".join(json.loads(each)) for each in values if each.startswith('["')]
    return "\n".join([*values, *lists])


def _accept(asked: Asked) -> str:
    if _form(asked)["Action"] == "Publish":
        return _answer("Publish", "<MessageId>0a1b2c3d</MessageId>")
    entry = "<entry><key>SubscriptionsConfirmed</key><value>2</value></entry>"
    return _answer("GetTopicAttributes", f"<Attributes>{entry}</Attributes>")


def _answer(action: str, result: str) -> str:
    name = f'{action}Response xmlns="http://sns.amazonaws.com/doc/2010-03-31/"'
    inside = f"<{action}Result>{result}</{action}Result>"
    return f"<{name}>{inside}</{action}Response>"


SNS = Service(
    make=lambda credentials: SnsTopic(topic_arn=ARN, credentials=credentials, timeout_seconds=0.5),
    read=_read,
    accept=_accept,
    refuse=lambda code: (
        f"<ErrorResponse><Error><Code>{code}</Code><Message>as told</Message></Error>"
        "</ErrorResponse>"
    ),
    content_type="text/xml",
)
"""SNS, in its format: the query protocol."""


class TestSnsTopicAsNotifier(NotifierContract):
    """SnsTopic as a notifier."""

    @pytest.fixture
    def counterpart(self, no_aws_settings: None) -> Iterator[AwsCounterpart]:  # noqa: ARG002  # for what it hides
        """Give an SNS that behaves as it is told."""
        with AwsCounterpart(SNS) as service:
            yield service

    @property
    def behaviours(self) -> frozenset[Behaviour]:
        """SNS throttles, and never says how long to wait."""
        return frozenset(Behaviour) - {Behaviour.BUSY}
