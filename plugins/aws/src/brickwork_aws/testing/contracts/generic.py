"""Conformance of the tasks for any operation and any waiter."""

from collections.abc import Mapping
from typing import Any

import pytest

from brickwork.testing import TaskContract
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.s3.bucket import S3Bucket
from brickwork_aws.testing.contracts.dynamodb import make_table


class TestAwsCall(TaskContract):
    """aws_call."""

    name = "aws.aws_call"

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

    name = "aws.aws_wait"

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
    def example_names(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return a table."""
        return {"credentials": s3_credentials, "table": make_table(s3_credentials)}

    @pytest.fixture
    def slow_call(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments of a waiter for what will not be."""
        return {
            "credentials": s3_credentials,
            "service": "s3",
            "waiter": "bucket_exists",
            "Bucket": "no-such-bucket",
        }
