"""Conformance of the tasks on EMR, against moto, where the first step runs for ever."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from brickwork.testing import TaskContract
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.generic import aws_call
from brickwork_aws.jobs import emr
from brickwork_aws.jobs.emr_steps import EmrCluster, EmrStep, EmrStepConfig

STEP = EmrStepConfig("nightly", ["spark-submit", "s3://code/nightly.py"])
_STEPS = [EmrStep("s-1", "j-1", "nightly")]
_TIMES = 3
"""How often what is answered is asked for, at most."""

_ENDED = {"Steps": [{"Id": "s-1", "Name": "nightly", "Status": {"State": "COMPLETED"}}]}


def new_cluster(credentials: AwsCredentials) -> EmrCluster:
    """Return a new cluster that waits for steps."""
    name = f"cluster-{secrets.token_hex(8)}"
    aws_call(
        credentials,
        "emr",
        "run_job_flow",
        Name=name,
        ReleaseLabel="emr-7.5.0",
        JobFlowRole="EMR_EC2_DefaultRole",
        ServiceRole="EMR_DefaultRole",
        Instances={
            "MasterInstanceType": "m5.xlarge",
            "InstanceCount": 1,
            "KeepJobFlowAliveWhenNoSteps": True,
        },
    )
    return emr.emr_find_cluster(credentials, name)


def _answered(credentials: AwsCredentials, **answers: Any) -> Iterator[Mapping[str, Any]]:
    """Give what an example uses; botocore's Stubber answers, since moto cannot."""
    from botocore.stub import Stubber

    with Stubber(credentials.client("emr")) as stubber:
        for operation, answer in [*answers.items()] * _TIMES:
            stubber.add_response(operation, answer)
        yield {"credentials": credentials, "cluster": "j-1", "steps": _STEPS}


class _EmrTaskContract(TaskContract):
    @pytest.fixture
    def cluster(self, s3_credentials: AwsCredentials) -> EmrCluster:
        """Return a cluster that waits for steps."""
        return new_cluster(s3_credentials)

    @pytest.fixture
    def arguments(self, s3_credentials: AwsCredentials, cluster: EmrCluster) -> Mapping[str, Any]:
        """Return arguments to start a step with."""
        return {"credentials": s3_credentials, "cluster": cluster.id, "steps": [STEP]}


class TestEmrStartSteps(_EmrTaskContract):
    """emr_start_steps."""

    name = "aws.emr_start_steps"

    @pytest.fixture
    def call(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return those arguments."""
        return arguments

    def same(self, one: Any, two: Any) -> bool:
        """Compare without the ids, which every step has anew."""
        return [replace(each, id="") for each in one] == [replace(each, id="") for each in two]


class TestEmrRunSteps(_EmrTaskContract):
    """emr_run_steps; moto cannot cancel steps."""

    name = "aws.emr_run_steps"

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Iterator[Mapping[str, Any]]:
        """Return arguments; botocore's Stubber answers."""
        for _ in _answered(
            s3_credentials, add_job_flow_steps={"StepIds": ["s-1"]}, list_steps=_ENDED
        ):
            yield {"credentials": s3_credentials, "cluster": "j-1", "steps": [STEP]}

    @pytest.fixture
    def slow_call(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return arguments of a step that does not end."""
        return {**arguments, "cancel_on_stop": False}

    @pytest.fixture
    def example_names(self, s3_credentials: AwsCredentials) -> Iterator[Mapping[str, Any]]:
        """Return what the example uses."""
        given = {"StepIds": ["s-1"]}
        yield from _answered(s3_credentials, add_job_flow_steps=given, list_steps=_ENDED)


class TestEmrWaitSteps(_EmrTaskContract):
    """emr_wait_steps; moto cannot cancel steps."""

    name = "aws.emr_wait_steps"

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Iterator[Mapping[str, Any]]:
        """Return arguments; botocore's Stubber answers."""
        for _ in _answered(s3_credentials, list_steps=_ENDED):
            yield {"credentials": s3_credentials, "steps": _STEPS}

    @pytest.fixture
    def slow_call(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return arguments for a step that does not end."""
        steps = emr.emr_start_steps(**arguments)
        return {
            "credentials": arguments["credentials"],
            "steps": steps,
            "cancel_on_stop": False,
        }

    @pytest.fixture
    def example_names(self, s3_credentials: AwsCredentials) -> Iterator[Mapping[str, Any]]:
        """Return what the example uses."""
        yield from _answered(s3_credentials, list_steps=_ENDED)


class TestEmrCancelSteps(_EmrTaskContract):
    """emr_cancel_steps, which moto cannot do."""

    name = "aws.emr_cancel_steps"

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials) -> Iterator[Mapping[str, Any]]:
        """Return arguments; botocore's Stubber answers."""
        for _ in _answered(s3_credentials, cancel_steps={"CancelStepsInfoList": []}):
            yield {"credentials": s3_credentials, "steps": _STEPS}

    @pytest.fixture
    def example_names(self, s3_credentials: AwsCredentials) -> Iterator[Mapping[str, Any]]:
        """Return what the example uses."""
        yield from _answered(s3_credentials, cancel_steps={"CancelStepsInfoList": []})


class TestEmrWaitCluster(_EmrTaskContract):
    """emr_wait_cluster."""

    name = "aws.emr_wait_cluster"

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials, cluster: EmrCluster) -> Mapping[str, Any]:
        """Return arguments for a cluster that is ready."""
        return {"credentials": s3_credentials, "cluster": cluster.id}

    @pytest.fixture
    def slow_call(self, s3_credentials: AwsCredentials, cluster: EmrCluster) -> Mapping[str, Any]:
        """Return arguments for a cluster that does not end."""
        return {"credentials": s3_credentials, "cluster": cluster.id, "until": "terminated"}


class TestEmrFindCluster(_EmrTaskContract):
    """emr_find_cluster."""

    name = "aws.emr_find_cluster"

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials, cluster: EmrCluster) -> Mapping[str, Any]:
        """Return arguments for a cluster that is there."""
        return {"credentials": s3_credentials, "name": cluster.name}
