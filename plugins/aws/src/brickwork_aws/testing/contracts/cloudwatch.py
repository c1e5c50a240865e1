"""Conformance of the tasks on CloudWatch and its logs, against moto."""

import secrets
import time
from collections.abc import Mapping
from typing import Any

import pytest

from brickwork.testing import TaskContract
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.generic import aws_call

LINES = ("ERROR no file of 2026-11-23", "INFO 1742 rows")


class _LogsTaskContract(TaskContract):
    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments for a group with two lines."""
        group = f"contract-{secrets.token_hex(8)}"
        stream: dict[str, Any] = {"logGroupName": group, "logStreamName": "nightly"}
        now = time.time_ns() // 1_000_000
        events = [{"timestamp": now + number, "message": line} for number, line in enumerate(LINES)]
        aws_call(s3_credentials, "logs", "create_log_group", logGroupName=group)
        aws_call(s3_credentials, "logs", "create_log_stream", **stream)
        aws_call(s3_credentials, "logs", "put_log_events", **stream, logEvents=events)
        return {"credentials": s3_credentials, "group": group}


class TestLogsFilterEvents(_LogsTaskContract):
    """logs_filter_events."""

    name = "aws.logs_filter_events"


class TestLogsTail(_LogsTaskContract):
    """logs_tail."""

    name = "aws.logs_tail"


class TestCloudwatchPutMetric(TaskContract):
    """cloudwatch_put_metric."""

    name = "aws.cloudwatch_put_metric"

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments of one value."""
        return {
            "credentials": s3_credentials,
            "namespace": "Contract",
            "metric": "Rows",
            "value": 1.0,
        }
