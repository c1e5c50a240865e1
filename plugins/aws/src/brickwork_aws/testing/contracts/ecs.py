"""Conformance of the tasks on ECS, against moto, where every container ends with 0."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from brickwork.testing import TaskContract
from brickwork.testing.task import no_waiting
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.generic import aws_call
from brickwork_aws.jobs import ecs

CLUSTER = "jobs"
DEFINITION = "nightly-report"


class _EcsTaskContract(TaskContract):
    @pytest.fixture
    def arguments(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments to start a small task with."""
        container = {"name": "app", "image": "busybox", "memory": 64}
        aws_call(s3_credentials, "ecs", "create_cluster", clusterName=CLUSTER)
        aws_call(
            s3_credentials,
            "ecs",
            "register_task_definition",
            family=DEFINITION,
            containerDefinitions=[container],
        )
        return {
            "credentials": s3_credentials,
            "definition": DEFINITION,
            "cluster": CLUSTER,
            "launch_type": "FARGATE",
        }

    @pytest.fixture
    def call(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return those arguments."""
        return arguments

    @pytest.fixture
    def example_names(self, call: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Return those arguments; in moto a task goes on only when it is looked at."""
        with no_waiting():
            yield call

    def same(self, one: Any, two: Any) -> bool:
        """Compare without the names and times, which every task has anew."""
        if one is None:
            return two is None
        tasks = [replace(each, arn="", started_at=None, stopped_at=None) for each in (one, two)]
        return bool(tasks[0] == tasks[1])


class TestEcsStartTask(_EcsTaskContract):
    """ecs_start_task."""

    name = "aws.ecs_start_task"


class TestEcsRunTask(_EcsTaskContract):
    """ecs_run_task."""

    name = "aws.ecs_run_task"

    @pytest.fixture
    def call(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return those arguments, and short pauses."""
        return {**arguments, "poll_seconds": 0.01}

    @pytest.fixture
    def slow_call(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return those arguments, and a long pause: the task runs when it is looked at first."""
        return {**arguments, "poll_seconds": 60}


class _OnATask(_EcsTaskContract):
    @pytest.fixture
    def started(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return arguments for a task that was started."""
        task = ecs.ecs_start_task(**arguments)
        return {"credentials": arguments["credentials"], "task": task}

    @pytest.fixture
    def call(self, started: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return those arguments."""
        return started


class TestEcsWaitTask(_OnATask):
    """ecs_wait_task."""

    name = "aws.ecs_wait_task"

    @pytest.fixture
    def call(self, started: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return those arguments, and short pauses."""
        return {**started, "poll_seconds": 0.01}

    @pytest.fixture
    def slow_call(self, started: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return those arguments, and a long pause: the task runs when it is looked at first."""
        return {**started, "poll_seconds": 60}


class TestEcsCancelTask(_OnATask):
    """ecs_cancel_task."""

    name = "aws.ecs_cancel_task"
