"""ECS: containers that run until they end by themselves."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from brickwork import InvalidArguments
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsError
from brickwork_aws.jobs.ecs_job import EcsJob, EcsTask, call, containers_of, main_of, task_of
from brickwork_aws.jobs.following import follow
from brickwork_aws.payloads import given
from brickwork_aws.tasks import retried_task, task_once

LaunchType = Literal["FARGATE", "EC2", "EXTERNAL"]

_START = ("ecs:RunTask", "ecs:DescribeTaskDefinition", "ecs:TagResource", "iam:PassRole")
_WAIT = ("ecs:DescribeTasks", "ecs:DescribeTaskDefinition", "logs:GetLogEvents")
_CANCEL = ("ecs:StopTask",)


@task_once(*_START)
def ecs_start_task(
    credentials: AwsCredentials,
    definition: str,
    *,
    cluster: str | None = None,
    launch_type: LaunchType | None = None,
    capacity_provider: str | None = None,
    subnets: list[str] | None = None,
    security_groups: list[str] | None = None,
    public_ip: bool = False,
    container: str | None = None,
    command: list[str] | None = None,
    environment: Mapping[str, str] | None = None,
    cpu: int | None = None,
    memory: int | None = None,
    tags: Mapping[str, str] | None = None,
    propagate_tags: bool = False,
    client_token: str | None = None,
) -> EcsTask:
    """Start a task on ECS.

    Not retried as a task: it might start twice; botocore's own retries carry a token by which ECS
    knows them. See https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html.

    Args:
        credentials: Whose.
        definition: The task definition: ``family``, ``family:revision`` or its ARN.
        cluster: The cluster's name or ARN; by default ``default``.
        launch_type: On what it runs; by default as the cluster has it.
        capacity_provider: On which capacity it runs, ``FARGATE_SPOT``; not with a launch type.
        subnets: Its network, for definitions with ``awsvpc``, as all on Fargate are.
        security_groups: In these subnets; by default the VPC's own.
        public_ip: Whether it gets a public address in these subnets.
        container: The container that counts: which ``command`` and ``environment`` are for, whose
            log is followed and whose exit code decides. By default the first essential one.
        command: What it runs; by default as the definition has it.
        environment: Variables beside those of the definition. Who may look at the task sees them:
            secrets belong into the definition.
        cpu: Units of CPU of the whole task, 1024 for one; by default as the definition has it.
        memory: MiB of the whole task; by default as the definition has it.
        tags: Tags of the task.
        propagate_tags: Whether it gets the definition's tags as well.
        client_token: A text by which ECS knows a start that is repeated within 24 hours, and gives
            the task that was started; by default a new one.

    Returns:
        The task.

    Raises:
        InvalidArguments: The arguments do not fit together; nothing was sent.
        AwsNotFound: There is no such cluster.
        AwsError: It was not started, such as for lack of room; ``code`` is ECS's reason.

    Examples:
        >>> task = ecs_start_task(
        ...     credentials,
        ...     "nightly-report",
        ...     cluster="jobs",
        ...     launch_type="FARGATE",
        ...     environment={"DAY": "2026-11-23"},
        ... )
        >>> task.state
        'RUNNING'
    """
    if launch_type and capacity_provider:
        raise InvalidArguments(
            "A launch type and a capacity provider exclude each other.", fix="Give one of them."
        )
    network = _network(subnets, security_groups, public_ip=public_ip)
    overrides: dict[str, Any] = given(
        cpu=None if cpu is None else str(cpu), memory=None if memory is None else str(memory)
    )
    if container or command is not None or environment:
        name = main_of(containers_of(credentials, definition), container or "")["name"]
        variables = [{"name": each, "value": value} for each, value in (environment or {}).items()]
        changed = given(command=command, environment=variables or None)
        if changed:
            overrides["containerOverrides"] = [{"name": name, **changed}]
    answer = call(
        credentials,
        "run_task",
        taskDefinition=definition,
        cluster=cluster,
        launchType=launch_type,
        capacityProviderStrategy=capacity_provider and [{"capacityProvider": capacity_provider}],
        networkConfiguration=network,
        overrides=overrides or None,
        tags=[{"key": key, "value": value} for key, value in (tags or {}).items()] or None,
        propagateTags="TASK_DEFINITION" if propagate_tags else None,
        clientToken=client_token,
    )
    if not answer.get("tasks"):
        raise _refused(answer.get("failures", ()))
    return task_of(answer["tasks"][0], container or "")


@retried_task(*_WAIT, *_CANCEL)
def ecs_wait_task(
    credentials: AwsCredentials,
    task: EcsTask,
    *,
    poll_seconds: float = 2.0,
    max_wait_seconds: float | None = None,
    cancel_on_stop: bool = True,
) -> EcsTask:
    """Wait for the end of a task, and log what its container logs.

    The log is read where the definition sends it to CloudWatch by ``awslogs``. See
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html.

    Args:
        credentials: Whose.
        task: The task.
        poll_seconds: The pause after the first look; it grows to 15 seconds.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.
        cancel_on_stop: Whether it is stopped when this task is cancelled or its time is up.

    Returns:
        The task as it has ended.

    Raises:
        AwsJobFailed: It could not start, was stopped, or the container that counts did not end
            with 0; or another essential one did not, save by the signals with which ECS ends them.
        AwsNotFound: ECS does not know it; about an hour after its end it forgets a task.
        AwsTimeout: It did not end in time.

    Examples:
        >>> ecs_wait_task(credentials, task, max_wait_seconds=3600).exit_codes
        {'app': 0}
    """
    return follow(
        EcsJob(credentials, task),
        poll_seconds=poll_seconds,
        max_wait_seconds=max_wait_seconds,
        cancel_on_stop=cancel_on_stop,
    )


@retried_task(*_CANCEL)
def ecs_cancel_task(credentials: AwsCredentials, task: EcsTask) -> None:
    """Stop a task; one that has ended stays as it is.

    Its containers get SIGTERM, and half a minute later SIGKILL, unless their definition says
    otherwise. See https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopTask.html.

    Args:
        credentials: Whose.
        task: The task.

    Examples:
        >>> from brickwork_aws import aws_call
        >>> ecs_cancel_task(credentials, task)
        >>> found = aws_call(credentials, "ecs", "describe_tasks", cluster="jobs", tasks=[task.arn])
        >>> found["tasks"][0]["desiredStatus"]
        'STOPPED'
    """
    EcsJob(credentials, task).stop()


@task_once(*_START, *_WAIT, *_CANCEL)
def ecs_run_task(
    credentials: AwsCredentials,
    definition: str,
    *,
    cluster: str | None = None,
    launch_type: LaunchType | None = None,
    capacity_provider: str | None = None,
    subnets: list[str] | None = None,
    security_groups: list[str] | None = None,
    public_ip: bool = False,
    container: str | None = None,
    command: list[str] | None = None,
    environment: Mapping[str, str] | None = None,
    cpu: int | None = None,
    memory: int | None = None,
    tags: Mapping[str, str] | None = None,
    propagate_tags: bool = False,
    client_token: str | None = None,
    poll_seconds: float = 2.0,
    max_wait_seconds: float | None = None,
    cancel_on_stop: bool = True,
) -> EcsTask:
    """Start a task on ECS, wait for its end, and log what its container logs.

    Not retried as a task: what it does would be done twice.

    Args:
        credentials: Whose.
        definition: The task definition: ``family``, ``family:revision`` or its ARN.
        cluster: The cluster's name or ARN; by default ``default``.
        launch_type: On what it runs; by default as the cluster has it.
        capacity_provider: On which capacity it runs, ``FARGATE_SPOT``; not with a launch type.
        subnets: Its network, for definitions with ``awsvpc``, as all on Fargate are.
        security_groups: In these subnets; by default the VPC's own.
        public_ip: Whether it gets a public address in these subnets.
        container: The container that counts; by default the first essential one.
        command: What it runs; by default as the definition has it.
        environment: Variables beside those of the definition; no secrets.
        cpu: Units of CPU of the whole task, 1024 for one; by default as the definition has it.
        memory: MiB of the whole task; by default as the definition has it.
        tags: Tags of the task.
        propagate_tags: Whether it gets the definition's tags as well.
        client_token: A text by which ECS knows a start that is repeated; by default a new one.
        poll_seconds: The pause after the first look; it grows to 15 seconds.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.
        cancel_on_stop: Whether it is stopped when this task is cancelled or its time is up.

    Returns:
        The task as it has ended.

    Raises:
        InvalidArguments: The arguments do not fit together; nothing was sent.
        AwsJobFailed: It has not ended well; says why, with the last lines of its log.
        AwsTimeout: It did not end in time.
        AwsError: It was not started; ``code`` is ECS's reason.

    Examples:
        >>> task = ecs_run_task(
        ...     credentials,
        ...     "nightly-report",
        ...     cluster="jobs",
        ...     launch_type="FARGATE",
        ...     command=["report", "2026-11-23"],
        ... )
        >>> task.state, task.exit_codes
        ('STOPPED', {'app': 0})
    """
    task = ecs_start_task.fn(
        credentials,
        definition,
        cluster=cluster,
        launch_type=launch_type,
        capacity_provider=capacity_provider,
        subnets=subnets,
        security_groups=security_groups,
        public_ip=public_ip,
        container=container,
        command=command,
        environment=environment,
        cpu=cpu,
        memory=memory,
        tags=tags,
        propagate_tags=propagate_tags,
        client_token=client_token,
    )
    return ecs_wait_task.fn(
        credentials,
        task,
        poll_seconds=poll_seconds,
        max_wait_seconds=max_wait_seconds,
        cancel_on_stop=cancel_on_stop,
    )


def _network(
    subnets: list[str] | None, security_groups: list[str] | None, *, public_ip: bool
) -> dict[str, Any] | None:
    if not subnets:
        if security_groups or public_ip:
            raise InvalidArguments(
                "Security groups and a public address need subnets.", fix="Give the subnets too."
            )
        return None
    network = given(
        subnets=subnets,
        securityGroups=security_groups,
        assignPublicIp="ENABLED" if public_ip else "DISABLED",
    )
    return {"awsvpcConfiguration": network}


def _refused(failures: Iterable[Mapping[str, Any]]) -> AwsError:
    first = next(iter(failures), {})
    code = str(first.get("reason") or "no reason given")
    detail = first.get("detail")
    error = AwsError(
        f"ecs:RunTask: nothing was started: {code}" + (f": {detail}" if detail else "") + ".",
        fix="Give the cluster room, or take another launch type, capacity provider or subnet.",
    )
    error.operation, error.code = "ecs:RunTask", code
    return error
