"""Conformance of the tasks on Batch, against moto, where every job ends well at once."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from brickwork.testing import TaskContract
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.generic import aws_call
from brickwork_aws.jobs import batch
from brickwork_aws.testing.answering import answered
from brickwork_aws.testing.moto import jobs_succeed
from brickwork_aws.testing.servers import AwsServer


def batch_queue(credentials: AwsCredentials) -> str:
    """Make a queue and a job definition of one name, and return it."""
    name = f"jobs-{secrets.token_hex(8)}"
    role = aws_call(credentials, "iam", "create_role", RoleName=name, AssumeRolePolicyDocument="{}")
    environment = aws_call(
        credentials,
        "batch",
        "create_compute_environment",
        computeEnvironmentName=name,
        type="UNMANAGED",
        serviceRole=role["Role"]["Arn"],
    )["computeEnvironmentArn"]
    aws_call(
        credentials,
        "batch",
        "create_job_queue",
        jobQueueName=name,
        state="ENABLED",
        priority=1,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": environment}],
    )
    aws_call(
        credentials,
        "batch",
        "register_job_definition",
        jobDefinitionName=name,
        type="container",
        containerProperties={"image": "busybox", "vcpus": 1, "memory": 64},
    )
    return name


class _BatchTaskContract(TaskContract):
    @pytest.fixture
    def arguments(
        self, s3_server: AwsServer, s3_credentials: AwsCredentials
    ) -> Iterator[Mapping[str, Any]]:
        """Return arguments to start a small job with."""
        name = batch_queue(s3_credentials)
        with jobs_succeed(s3_server):
            yield {
                "credentials": s3_credentials,
                "name": "contract",
                "queue": name,
                "definition": name,
            }

    @pytest.fixture
    def call(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return those arguments."""
        return arguments

    @pytest.fixture
    def running(self, s3_credentials: AwsCredentials) -> Iterator[None]:
        """Let no job end."""
        runs = {"jobs": [{"status": "RUNNING"}]}
        with answered(s3_credentials, "batch", "DescribeJobs", lambda _: runs):
            yield

    def same(self, one: Any, two: Any) -> bool:
        """Compare without the ids and times, which every job has anew."""
        if one is None:
            return two is None
        jobs = [replace(each, id="", started_at=None, stopped_at=None) for each in (one, two)]
        return bool(jobs[0] == jobs[1])


class TestBatchStartJob(_BatchTaskContract):
    """batch_start_job."""

    name = "aws.batch_start_job"


class TestBatchRunJob(_BatchTaskContract):
    """batch_run_job."""

    name = "aws.batch_run_job"

    @pytest.fixture
    def slow_call(self, call: Mapping[str, Any], running: None) -> Mapping[str, Any]:  # noqa: ARG002  # for its answers
        """Return arguments of a job that does not end."""
        return call


class _OnAJob(_BatchTaskContract):
    @pytest.fixture
    def call(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return arguments for a job that has ended well."""
        job = batch.batch_start_job(**arguments)
        return {"credentials": arguments["credentials"], "job": job}


class TestBatchWaitJob(_OnAJob):
    """batch_wait_job."""

    name = "aws.batch_wait_job"

    @pytest.fixture
    def slow_call(self, call: Mapping[str, Any], running: None) -> Mapping[str, Any]:  # noqa: ARG002  # for its answers
        """Return arguments for a job that does not end."""
        return call


class TestBatchCancelJob(_OnAJob):
    """batch_cancel_job."""

    name = "aws.batch_cancel_job"
