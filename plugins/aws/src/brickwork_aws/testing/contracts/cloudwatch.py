"""Conformance of the tasks on CloudWatch and its logs, against moto."""

import secrets
import time
from collections.abc import Mapping
from typing import Any

import pytest

from brickwork import Task
from brickwork.testing import TaskContract
from brickwork_aws.cloudwatch_logs import logs_filter_events, logs_tail
from brickwork_aws.cloudwatch_metrics import cloudwatch_put_metric
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.generic import aws_call


class _LogsTaskContract(TaskContract):
    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments for a group with two lines."""
        group = f"contract-{secrets.token_hex(8)}"
        stream: dict[str, Any] = {"logGroupName": group, "logStreamName": "one"}
        now = time.time_ns() // 1_000_000
        events = [{"timestamp": now + each, "message": f"line {each}"} for each in range(2)]
        aws_call(s3_credentials, "logs", "create_log_group", logGroupName=group)
        aws_call(s3_credentials, "logs", "create_log_stream", **stream)
        aws_call(s3_credentials, "logs", "put_log_events", **stream, logEvents=events)
        return {"credentials": s3_credentials, "group": group}


class TestLogsFilterEvents(_LogsTaskContract):
    """logs_filter_events."""

    @pytest.fixture
    def task(self) -> Task[..., Any]:
        """Return the task."""
        return logs_filter_events


class TestLogsTail(_LogsTaskContract):
    """logs_tail."""

    @pytest.fixture
    def task(self) -> Task[..., Any]:
        """Return the task."""
        return logs_tail


class TestCloudwatchPutMetric(TaskContract):
    """cloudwatch_put_metric."""

    @pytest.fixture
    def task(self) -> Task[..., Any]:
        """Return the task."""
        return cloudwatch_put_metric

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments of one value."""
        return {
            "credentials": s3_credentials,
            "namespace": "Contract",
            "metric": "Rows",
            "value": 1.0,
        }
