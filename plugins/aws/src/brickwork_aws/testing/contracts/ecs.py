"""Conformance of the tasks on ECS, against moto, where every container ends with 0."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from brickwork import Task
from brickwork.testing import TaskContract
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.generic import aws_call
from brickwork_aws.jobs import ecs

NAME = "contract"


class _EcsTaskContract(TaskContract):
    name = ""

    @pytest.fixture
    def task(self) -> Task[..., Any]:
        """Return the task of the class's name."""
        found: Task[..., Any] = getattr(ecs, self.name)
        return found

    @pytest.fixture
    def arguments(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments to start a small task with."""
        container = {"name": "app", "image": "busybox", "memory": 64}
        aws_call(s3_credentials, "ecs", "create_cluster", clusterName=NAME)
        aws_call(
            s3_credentials,
            "ecs",
            "register_task_definition",
            family=NAME,
            containerDefinitions=[container],
        )
        return {
            "credentials": s3_credentials,
            "definition": NAME,
            "cluster": NAME,
            "launch_type": "FARGATE",
        }

    @pytest.fixture
    def call(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return those arguments."""
        return arguments

    def same(self, one: Any, two: Any) -> bool:
        """Compare without the names and times, which every task has anew."""
        if one is None:
            return two is None
        tasks = [replace(each, arn="", started_at=None, stopped_at=None) for each in (one, two)]
        return bool(tasks[0] == tasks[1])


class TestEcsStartTask(_EcsTaskContract):
    """ecs_start_task."""

    name = "ecs_start_task"


class TestEcsRunTask(_EcsTaskContract):
    """ecs_run_task."""

    name = "ecs_run_task"

    @pytest.fixture
    def call(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return those arguments, and short pauses."""
        return {**arguments, "poll_seconds": 0.01}


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

    name = "ecs_wait_task"

    @pytest.fixture
    def call(self, started: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return those arguments, and short pauses."""
        return {**started, "poll_seconds": 0.01}


class TestEcsCancelTask(_OnATask):
    """ecs_cancel_task."""

    name = "ecs_cancel_task"
