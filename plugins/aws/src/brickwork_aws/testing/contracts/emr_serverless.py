"""Conformance of the tasks on EMR Serverless, against moto, where every job ends well at once."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from brickwork.testing import TaskContract
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.generic import aws_call
from brickwork_aws.jobs import emr_serverless
from brickwork_aws.jobs.emr_serverless_job import EmrServerlessJob, SparkSubmit
from brickwork_aws.testing.answering import answered

ROLE = "arn:aws:iam::123456789012:role/nightly"


def new_application(credentials: AwsCredentials) -> str:
    """Return the id of a new application for Spark."""
    answer = aws_call(
        credentials,
        "emr-serverless",
        "create_application",
        name="nightly",
        type="SPARK",
        releaseLabel="emr-6.15.0",
    )
    return str(answer["applicationId"])


class _EmrServerlessTaskContract(TaskContract):
    @pytest.fixture
    def arguments(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments to start a small job with."""
        return {
            "credentials": s3_credentials,
            "application": new_application(s3_credentials),
            "role": ROLE,
            "driver": SparkSubmit("s3://code/nightly.py"),
        }

    @pytest.fixture
    def call(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return those arguments."""
        return arguments

    def same(self, one: Any, two: Any) -> bool:
        """Compare without the ids, which every job has anew."""
        if one is None:
            return two is None
        return bool(replace(one, id="") == replace(two, id=""))

    @pytest.fixture
    def running(self, arguments: Mapping[str, Any]) -> Iterator[None]:
        """Let no job end."""
        runs = {"jobRun": {"applicationId": arguments["application"], "state": "RUNNING"}}
        with answered(arguments["credentials"], "emr-serverless", "GetJobRun", lambda _: runs):
            yield


class TestEmrServerlessStartJob(_EmrServerlessTaskContract):
    """emr_serverless_start_job."""

    name = "aws.emr_serverless_start_job"


class TestEmrServerlessRunJob(_EmrServerlessTaskContract):
    """emr_serverless_run_job."""

    name = "aws.emr_serverless_run_job"

    @pytest.fixture
    def slow_call(self, call: Mapping[str, Any], running: None) -> Mapping[str, Any]:  # noqa: ARG002  # for its answers
        """Return arguments of a job that does not end."""
        return call


class _OnAJob(_EmrServerlessTaskContract):
    @pytest.fixture
    def call(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return arguments for a job that has ended well."""
        job = emr_serverless.emr_serverless_start_job(**arguments)
        return {"credentials": arguments["credentials"], "job": job}


class TestEmrServerlessWaitJob(_OnAJob):
    """emr_serverless_wait_job."""

    name = "aws.emr_serverless_wait_job"

    @pytest.fixture
    def slow_call(self, call: Mapping[str, Any], running: None) -> Mapping[str, Any]:  # noqa: ARG002  # for its answers
        """Return arguments for a job that does not end."""
        return call


class TestEmrServerlessCancelJob(_OnAJob):
    """emr_serverless_cancel_job."""

    name = "aws.emr_serverless_cancel_job"


class TestEmrServerlessReadDashboardUrl(_EmrServerlessTaskContract):
    """emr_serverless_read_dashboard_url, which moto does not know."""

    name = "aws.emr_serverless_read_dashboard_url"

    @pytest.fixture
    def call(self, example_names: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what the example uses."""
        return example_names

    def same(self, one: Any, two: Any) -> bool:
        """Compare the URLs."""
        return bool(one == two)

    @pytest.fixture
    def example_names(self, s3_credentials: AwsCredentials) -> Iterator[Mapping[str, Any]]:
        """Return what the example uses; botocore's Stubber answers it."""
        from botocore.stub import Stubber

        job = EmrServerlessJob("00fjob", "00fapp")
        with Stubber(s3_credentials.client("emr-serverless")) as stubber:
            url = "https://p-1-00fjob.emrappui-prod.eu-west-1.amazonaws.com/shs/?authToken=t"
            for _ in range(3):  # as often as it is asked for, at most
                stubber.add_response("get_dashboard_for_job_run", {"url": url})
            yield {"credentials": s3_credentials, "job": job}
