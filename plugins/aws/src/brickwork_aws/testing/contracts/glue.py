"""Conformance of the tasks on Glue, against moto, where everything ends well at once."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from brickwork.testing import TaskContract
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.generic import aws_call
from brickwork_aws.jobs import glue
from brickwork_aws.testing.moto import glue_jobs_run_on
from brickwork_aws.testing.servers import AwsServer


def new_glue_job(credentials: AwsCredentials, runs: int = 10) -> str:
    """Make a job of which so many runs may go on at once, and return its name."""
    name = f"job-{secrets.token_hex(8)}"
    aws_call(
        credentials,
        "glue",
        "create_job",
        Name=name,
        Role="arn:aws:iam::123456789012:role/glue",
        Command={"Name": "glueetl", "ScriptLocation": "s3://scripts/job.py"},
        ExecutionProperty={"MaxConcurrentRuns": runs},
    )
    return name


class _GlueJobContract(TaskContract):
    @pytest.fixture
    def arguments(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments to start a job with."""
        job = new_glue_job(s3_credentials)
        return {"credentials": s3_credentials, "job": job, "arguments": {"day": "monday"}}

    @pytest.fixture
    def call(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return those arguments."""
        return arguments

    def same(self, one: Any, two: Any) -> bool:
        """Compare without the ids and times, which every run has anew."""
        if one is None:
            return two is None
        runs = [replace(each, id="", started_at=None, ended_at=None) for each in (one, two)]
        return bool(runs[0] == runs[1])


class TestGlueStartJob(_GlueJobContract):
    """glue_start_job."""

    name = "aws.glue_start_job"


class TestGlueRunJob(_GlueJobContract):
    """glue_run_job."""

    name = "aws.glue_run_job"

    @pytest.fixture
    def slow_call(
        self, s3_server: AwsServer, arguments: Mapping[str, Any]
    ) -> Iterator[Mapping[str, Any]]:
        """Return arguments of a run that does not end; moto cannot stop it."""
        with glue_jobs_run_on(s3_server):
            yield {**arguments, "cancel_on_stop": False}


class _OnAGlueJobRun(_GlueJobContract):
    @pytest.fixture
    def call(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return arguments for a run that has ended well."""
        return {"credentials": arguments["credentials"], "run": glue.glue_run_job(**arguments)}


class TestGlueWaitJob(_OnAGlueJobRun):
    """glue_wait_job."""

    name = "aws.glue_wait_job"

    @pytest.fixture
    def slow_call(
        self, s3_server: AwsServer, arguments: Mapping[str, Any]
    ) -> Iterator[Mapping[str, Any]]:
        """Return arguments for a run that does not end."""
        with glue_jobs_run_on(s3_server):
            yield {"credentials": arguments["credentials"], "run": glue.glue_start_job(**arguments)}


class TestGlueCancelJob(_OnAGlueJobRun):
    """glue_cancel_job."""

    name = "aws.glue_cancel_job"
