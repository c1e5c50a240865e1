"""ECS: moto runs tasks that end well; a Stubber lets them fail, and be refused."""

import logging
import secrets
import threading
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from brickwork import InvalidArguments, Scope, TaskCancelled
from brickwork.testing.task import no_waiting
from brickwork_aws import (
    AwsCredentials,
    AwsError,
    AwsJobFailed,
    AwsNotFound,
    AwsTimeout,
    EcsTask,
    aws_call,
    ecs_cancel_task,
    ecs_run_task,
    ecs_start_task,
    ecs_wait_task,
)
from brickwork_aws.testing.logs import write_log as log

STUBBED = "ecs"
CLUSTER = "arn:aws:ecs:eu-west-1:123456789012:cluster/jobs"
ARN = "arn:aws:ecs:eu-west-1:123456789012:task/jobs/6f2c"
TASK = EcsTask(ARN, CLUSTER)
DEFINITION = "arn:aws:ecs:eu-west-1:123456789012:task-definition/nightly:3"
STOP = {"cluster": CLUSTER, "task": ARN, "reason": "Cancelled by Brickwork"}


@pytest.fixture
def cluster(s3_credentials: AwsCredentials) -> str:
    """The name of a fresh cluster, with a task definition of the same name."""
    name = f"jobs-{secrets.token_hex(8)}"
    options = {"awslogs-group": name, "awslogs-stream-prefix": "run"}
    containers: list[dict[str, Any]] = [
        {
            "name": "app",
            "image": "busybox",
            "memory": 64,
            "logConfiguration": {"logDriver": "awslogs", "options": options},
        },
        {"name": "proxy", "image": "envoy", "memory": 64, "essential": False},
    ]
    aws_call(s3_credentials, "ecs", "create_cluster", clusterName=name)
    aws_call(
        s3_credentials,
        "ecs",
        "register_task_definition",
        family=name,
        containerDefinitions=containers,
    )
    return name


def seen(status: str, *containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return what ECS answers about the task."""
    of = {"taskArn": ARN, "clusterArn": CLUSTER, "taskDefinitionArn": DEFINITION}
    return {"tasks": [{**of, "lastStatus": status, "containers": list(containers), **more}]}


def add_definition(stubbed: Stubber, *containers: dict[str, Any], asked: str = DEFINITION) -> None:
    """Let ECS tell the containers of the definition; by default ``app`` and an essential proxy."""
    told = list(containers) or [{"name": "app"}, {"name": "proxy", "essential": True}]
    stubbed.add_response(
        "describe_task_definition",
        {"taskDefinition": {"containerDefinitions": told}},
        {"taskDefinition": asked},
    )


def test_a_task_is_run_to_its_end(s3_credentials: AwsCredentials, cluster: str) -> None:
    """And given back as it has ended; waiting again gives the same, cancelling changes nothing."""
    started = ecs_start_task(s3_credentials, cluster, cluster=cluster, launch_type="FARGATE")
    assert started.cluster.endswith(f"cluster/{cluster}")
    assert started.arn.endswith(f"/{started.id}")
    ended = ecs_wait_task(s3_credentials, started, poll_seconds=0.01)
    assert (ended.arn, ended.state) == (started.arn, "STOPPED")
    ecs_cancel_task(s3_credentials, ended)
    again = ecs_run_task(
        s3_credentials, cluster, cluster=cluster, launch_type="FARGATE", poll_seconds=0.01
    )
    assert again.arn != ended.arn


def test_what_is_not_there_is_said(s3_credentials: AwsCredentials, cluster: str) -> None:
    """A cluster, a container."""
    with pytest.raises(AwsNotFound, match="ecs:RunTask"):
        ecs_start_task(s3_credentials, cluster, cluster="no-such-cluster")
    with pytest.raises(InvalidArguments, match="no container 'web'") as caught:
        ecs_start_task(s3_credentials, cluster, cluster=cluster, container="web")
    assert "app, proxy" in str(caught.value.fix)


def test_what_ecs_is_told(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """All that was given, for the first essential container; nothing that was not given."""
    add_definition(stubbed, {"name": "proxy", "essential": False}, {"name": "app"}, asked="nightly")
    stubbed.add_response(
        "run_task",
        seen("PROVISIONING"),
        {
            "taskDefinition": "nightly",
            "cluster": "jobs",
            "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}],
            "networkConfiguration": {
                "awsvpcConfiguration": {
                    "subnets": ["subnet-1"],
                    "securityGroups": ["sg-1"],
                    "assignPublicIp": "ENABLED",
                }
            },
            "overrides": {
                "cpu": "512",
                "memory": "1024",
                "containerOverrides": [
                    {
                        "name": "app",
                        "command": ["report", "monday"],
                        "environment": [{"name": "DAY", "value": "monday"}],
                    }
                ],
            },
            "tags": [{"key": "team", "value": "data"}],
            "propagateTags": "TASK_DEFINITION",
            "clientToken": "monday",
        },
    )
    stubbed.add_response(
        "run_task", seen("PROVISIONING"), {"taskDefinition": "nightly", "clientToken": ANY}
    )
    started = ecs_start_task(
        s3_credentials,
        "nightly",
        cluster="jobs",
        capacity_provider="FARGATE_SPOT",
        subnets=["subnet-1"],
        security_groups=["sg-1"],
        public_ip=True,
        command=["report", "monday"],
        environment={"DAY": "monday"},
        cpu=512,
        memory=1024,
        tags={"team": "data"},
        propagate_tags=True,
        client_token="monday",
    )
    assert started == TASK
    ecs_start_task(s3_credentials, "nightly")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"launch_type": "EC2", "capacity_provider": "mine"}, "exclude each other"),
        ({"security_groups": ["sg-1"]}, "need subnets"),
        ({"public_ip": True}, "need subnets"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    s3_credentials: AwsCredentials, stubbed: Stubber, given: dict[str, Any], said: str
) -> None:
    """Before anything is sent."""
    assert stubbed is not None
    with pytest.raises(InvalidArguments, match=said):
        ecs_start_task(s3_credentials, "nightly", **given)


def test_a_task_for_which_there_is_no_room_is_an_error(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """Though ECS's answer is none: it names the reason in the answer."""
    failure = {"reason": "RESOURCE:MEMORY", "detail": "no instance has 8192 MiB"}
    stubbed.add_response("run_task", {"tasks": [], "failures": [failure]})
    with pytest.raises(AwsError, match="RESOURCE:MEMORY: no instance has 8192 MiB") as caught:
        ecs_start_task(s3_credentials, "nightly")
    assert (caught.value.code, caught.value.operation) == ("RESOURCE:MEMORY", "ecs:RunTask")


APP_0, APP_3 = {"name": "app", "exitCode": 0}, {"name": "app", "exitCode": 3}


@pytest.mark.parametrize(
    ("containers", "more", "said"),
    [
        ([APP_3, {"name": "proxy", "exitCode": 143}], {}, "container app exited with 3"),
        ([APP_0, {"name": "proxy", "exitCode": 1}], {}, "container proxy exited with 1"),
        (
            [{"name": "app", "exitCode": 137, "reason": "OutOfMemoryError: killed"}],
            {"stoppedReason": "Essential container in task exited"},
            "exited with 137: OutOfMemoryError: killed; Essential container in task exited",
        ),
        (
            [{"name": "app", "reason": "CannotPullContainerError: no such image"}],
            {"stopCode": "TaskFailedToStart"},
            "app did not run: CannotPullContainerError: no such image",
        ),
        ([APP_0], {"stopCode": "SpotInterruption"}, "ended as SpotInterruption: it was stopped"),
        (
            [APP_0],
            {"stopCode": "UserInitiated", "stoppedReason": "by Ann"},
            "ended as UserInitiated: it was stopped; by Ann",
        ),
        ([], {"stoppedReason": "Host EC2 terminated"}, "app did not run; Host EC2 terminated"),
    ],
)
def test_a_task_that_did_not_end_well_is_a_failure(
    s3_credentials: AwsCredentials,
    stubbed: Stubber,
    containers: list[dict[str, Any]],
    more: dict[str, Any],
    said: str,
) -> None:
    """By the exit codes of its essential containers, or since somebody stopped it."""
    stubbed.add_response("describe_tasks", seen("STOPPED", *containers, **more))
    add_definition(stubbed)
    with pytest.raises(AwsJobFailed, match=said) as caught:
        ecs_wait_task(s3_credentials, TASK)
    assert caught.value.state == more.get("stopCode", "STOPPED")


@pytest.mark.parametrize(
    ("task", "containers"),
    [
        (TASK, [APP_0, {"name": "proxy", "exitCode": 143}]),
        (TASK, [APP_0, {"name": "proxy", "exitCode": 137}]),
        (TASK, [APP_0, {"name": "proxy"}]),
        (EcsTask(ARN, CLUSTER, "proxy"), [{"name": "proxy", "exitCode": 0}]),
    ],
)
def test_what_ecs_does_to_the_other_containers_is_no_failure(
    s3_credentials: AwsCredentials,
    stubbed: Stubber,
    task: EcsTask,
    containers: list[dict[str, Any]],
) -> None:
    """It ends them by signals, once the one that counts has ended."""
    stop = {"stopCode": "EssentialContainerExited", "stoppedReason": "Essential container exited"}
    stubbed.add_response("describe_tasks", seen("STOPPED", *containers, **stop))
    add_definition(stubbed)
    ended = ecs_wait_task(s3_credentials, task)
    assert ended.exit_codes == {
        each["name"]: each["exitCode"] for each in containers if "exitCode" in each
    }


@pytest.mark.parametrize("prefix", ["run", None])
def test_an_error_has_the_last_lines_of_the_log(
    s3_credentials: AwsCredentials,
    stubbed: Stubber,
    caplog: pytest.LogCaptureFixture,
    prefix: str | None,
) -> None:
    """Of the container that counts, in the stream that its definition names, or Docker."""
    group = f"group-{secrets.token_hex(8)}"
    options = {"awslogs-group": group, "awslogs-region": "us-west-2"}
    stream = "docker-id"
    if prefix is not None:
        options["awslogs-stream-prefix"], stream = prefix, f"{prefix}/app/{TASK.id}"
    there = s3_credentials.model_copy(update={"region": "us-west-2"})
    log(there, group, stream, "begin", "no such table")
    stubbed.add_response("describe_tasks", seen("RUNNING", {"name": "app"}))
    add_definition(
        stubbed,
        {"name": "app", "logConfiguration": {"logDriver": "awslogs", "options": options}},
    )
    stubbed.add_response("describe_tasks", seen("STOPPED", {**APP_3, "runtimeId": "docker-id"}))
    with (
        caplog.at_level(logging.INFO, "brickwork.aws.jobs"),
        pytest.raises(AwsJobFailed) as caught,
    ):
        ecs_wait_task(s3_credentials, TASK, poll_seconds=0.01)
    assert caught.value.log == ("begin", "no such table")
    assert "ECS task 6f2c: no such table" in caplog.messages


def test_what_a_task_logged_is_logged_here(
    s3_credentials: AwsCredentials, cluster: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Also of one that has ended well, and before somebody waits for it."""
    started = ecs_start_task(
        s3_credentials, cluster, cluster=cluster, launch_type="FARGATE", container="app"
    )
    log(s3_credentials, cluster, f"run/app/{started.id}", "42 rows")
    with caplog.at_level(logging.INFO, "brickwork.aws.jobs"):
        ecs_wait_task(s3_credentials, started, poll_seconds=0.01)
    assert f"ECS task {started.id}: 42 rows" in caplog.messages


def test_a_task_that_was_just_started_may_be_unknown_for_a_while(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """ECS is consistent in the end; one that it never knows is an error."""
    unknown: dict[str, Any] = {"tasks": [], "failures": [{"arn": ARN, "reason": "MISSING"}]}
    stubbed.add_response("describe_tasks", unknown, {"cluster": CLUSTER, "tasks": [ARN]})
    stubbed.add_response("describe_tasks", seen("STOPPED", APP_0))
    add_definition(stubbed)
    with no_waiting():
        assert ecs_wait_task(s3_credentials, TASK).state == "STOPPED"

    for _ in range(11):
        stubbed.add_response("describe_tasks", unknown)
    with no_waiting(), pytest.raises(AwsNotFound, match="does not know the task"):
        ecs_wait_task(s3_credentials, TASK)


@pytest.mark.parametrize("cancel", [True, False])
def test_a_task_is_stopped_with_its_waiter_where_that_is_wanted(
    s3_credentials: AwsCredentials, stubbed: Stubber, *, cancel: bool
) -> None:
    """At ECS, with a reason; or it goes on."""
    stubbed.add_response("describe_tasks", seen("RUNNING"))
    add_definition(stubbed)
    if cancel:
        stubbed.add_response("stop_task", {}, STOP)
    with Scope("job") as scope:
        timer = threading.Timer(0.3, scope.cancel)
        timer.start()
        with pytest.raises(TaskCancelled):
            ecs_wait_task(s3_credentials, TASK, poll_seconds=600, cancel_on_stop=cancel)
        timer.join()


def test_time_that_is_up_stops_the_task(s3_credentials: AwsCredentials, stubbed: Stubber) -> None:
    """The error says that it was told to stop."""
    stubbed.add_response("describe_tasks", seen("PENDING"))
    add_definition(stubbed)
    stubbed.add_response("stop_task", {}, STOP)
    with pytest.raises(AwsTimeout, match="did not end within 0 s") as caught:
        ecs_wait_task(s3_credentials, TASK, max_wait_seconds=0)
    assert "told to stop" in str(caught.value.fix)


def test_a_task_that_ecs_has_forgotten_need_not_be_stopped(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """What else goes wrong is an error."""
    gone = "The referenced task was not found."
    stubbed.add_client_error("stop_task", "InvalidParameterException", gone, 400)
    ecs_cancel_task(s3_credentials, TASK)
    stubbed.add_client_error("stop_task", "InvalidParameterException", "reason too long", 400)
    with pytest.raises(AwsError, match="reason too long"):
        ecs_cancel_task(s3_credentials, TASK)
