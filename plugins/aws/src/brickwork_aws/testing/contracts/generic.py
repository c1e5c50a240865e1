"""Conformance of the tasks for any operation and any waiter."""

from collections.abc import Mapping
from typing import Any

import pytest

from brickwork import Task
from brickwork.testing import TaskContract
from brickwork_aws import generic
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.s3.bucket import S3Bucket


class TestAwsCall(TaskContract):
    """aws_call."""

    @pytest.fixture
    def task(self) -> Task[..., Any]:
        """Return the task."""
        return generic.aws_call

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments of an operation that changes nothing."""
        return {
            "credentials": s3_credentials,
            "service": "sts",
            "operation": "get_caller_identity",
        }


class TestAwsWait(TaskContract):
    """aws_wait."""

    @pytest.fixture
    def task(self) -> Task[..., Any]:
        """Return the task."""
        return generic.aws_wait

    @pytest.fixture
    def call(self, s3_bucket: S3Bucket) -> Mapping[str, Any]:
        """Return arguments of a waiter for what is so already."""
        return {
            "credentials": s3_bucket.credentials,
            "service": "s3",
            "waiter": "bucket_exists",
            "Bucket": s3_bucket.bucket,
        }

    @pytest.fixture
    def slow_call(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments of a waiter for what will not be."""
        return {
            "credentials": s3_credentials,
            "service": "s3",
            "waiter": "bucket_exists",
            "Bucket": "no-such-bucket",
        }
