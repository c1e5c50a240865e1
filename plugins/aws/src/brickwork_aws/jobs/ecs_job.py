"""The tasks that `brickwork_aws.jobs.ecs` follows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from brickwork import InvalidArguments, register_type
from brickwork_aws.cloudwatch_logs import LogTail, tail_of
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsError, AwsNotFound
from brickwork_aws.jobs.following import Job, Look

_UNSEEN = 10  # looks at a task that is not known yet; about a minute and a half
_STOPPED_BY_ECS = {137, 143}  # SIGKILL, SIGTERM: how essential containers end with another one


@register_type("aws.ecs-task")
@dataclass(frozen=True)
class EcsTask:
    """A task that was given to ECS.

    Attributes:
        arn: ECS's name of it.
        cluster: The cluster's ARN.
        container: The container that was chosen; empty: the first essential one of the definition.
        state: ``PROVISIONING``, ``PENDING``, ``RUNNING``, ``STOPPED`` and what is between them,
            when it was last looked at.
        exit_codes: How each container has ended, by its name.
        started_at: Since when it ran.
        stopped_at: When it ended.
    """

    arn: str
    cluster: str
    container: str = ""
    state: str = "PROVISIONING"
    exit_codes: Mapping[str, int] = field(default_factory=dict)
    started_at: datetime | None = None
    stopped_at: datetime | None = None

    @property
    def id(self) -> str:
        """The end of the ARN, which names the task in its cluster."""
        return self.arn.rpartition("/")[2]


@dataclass
class EcsJob(Job[EcsTask]):
    """A task on ECS; started by whom does not matter."""

    credentials: AwsCredentials
    task: EcsTask
    _seen: Mapping[str, Any] = field(default_factory=dict)
    _misses: int = 0
    _tail: LogTail | None = None

    @property
    def what(self) -> str:
        """The task, for people."""
        return f"ECS task {self.task.id}"

    def look(self) -> Look:
        """Ask ECS how it is."""
        answer = call(
            self.credentials, "describe_tasks", cluster=self.task.cluster, tasks=[self.task.arn]
        )
        if not answer.get("tasks"):
            return self._missing()
        self._seen = answer["tasks"][0]
        state = self._seen["lastStatus"]
        if state != "STOPPED":
            return Look(state)
        failure = _failure(self._seen, self._containers, self._main["name"])
        return Look(self._seen.get("stopCode") or state, True, failure)

    def stop(self) -> None:
        """Stop it; one that has ended stays as it is."""
        try:
            call(
                self.credentials,
                "stop_task",
                cluster=self.task.cluster,
                task=self.task.arn,
                reason="Cancelled by Brickwork",
            )
        except AwsError as error:
            # ECS forgets tasks that have ended, and has no code of its own for that.
            if error.code != "InvalidParameterException" or "not found" not in error.what:
                raise

    def result(self) -> EcsTask:
        """Return it as it has ended."""
        return task_of(self._seen, self.task.container)

    def new_lines(self) -> Iterable[str]:
        """Give what the container that counts has logged since the last time."""
        if self._tail is None and self._seen:
            self._tail = self._log()
        return self._tail.new_lines() if self._tail is not None else ()

    def _missing(self) -> Look:
        """What RunTask has just returned may be unknown for a while."""
        self._misses += 1
        if self._seen or self._misses > _UNSEEN:
            raise AwsNotFound(
                f"ECS does not know the task {self.task.arn}, or not any more.",
                fix="Wait for tasks while they run: an hour after their end they are forgotten.",
            )
        return Look(self.task.state)

    @cached_property
    def _containers(self) -> list[Mapping[str, Any]]:
        return containers_of(self.credentials, self._seen["taskDefinitionArn"])

    @cached_property
    def _main(self) -> Mapping[str, Any]:
        return main_of(self._containers, self.task.container)

    def _log(self) -> LogTail | None:
        """Find the stream of the container that counts; None if it has none, or none yet.

        See https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specify-log-config.html.
        """
        log = self._main.get("logConfiguration") or {}
        if log.get("logDriver") != "awslogs":
            return None
        options, name = log.get("options", {}), self._main["name"]
        prefix = options.get("awslogs-stream-prefix")
        if prefix:
            stream = f"{prefix}/{name}/{self.task.id}"
        else:  # then it is Docker's id of the container, which comes with its start
            ids = {each["name"]: each.get("runtimeId") for each in self._seen["containers"]}
            stream = ids.get(name) or ""
        return tail_of(self.credentials, options, stream) if stream else None


def _failure(seen: Mapping[str, Any], containers: Iterable[Mapping[str, Any]], main: str) -> str:
    """Return why a task that has stopped has not ended well; nothing if it has."""
    found = {each["name"]: each for each in seen.get("containers", ())}
    problems = [_ended(main, found.get(main, {}))]
    for each in containers:
        name = each["name"]
        if name == main or not each.get("essential", True):
            continue
        end = found.get(name, {})
        code = end.get("exitCode", 0)
        if end.get("reason") or code not in _STOPPED_BY_ECS:
            problems.append(_ended(name, {"exitCode": 0, **end}))
    if seen.get("stopCode", "EssentialContainerExited") != "EssentialContainerExited":
        problems.append("it was stopped")
    said = [problem for problem in problems if problem]
    if said and seen.get("stoppedReason"):
        said.append(seen["stoppedReason"])
    return "; ".join(said)


def _ended(name: str, container: Mapping[str, Any]) -> str:
    """Say what is wrong with the end of a container; nothing if all is well."""
    code, reason = container.get("exitCode"), container.get("reason") or ""
    if code == 0:
        return ""
    how = "did not run" if code is None else f"exited with {code}"
    return f"container {name} {how}" + (f": {reason}" if reason else "")


def containers_of(credentials: AwsCredentials, name: str) -> list[Mapping[str, Any]]:
    """Return the containers of a task definition."""
    answer = call(credentials, "describe_task_definition", taskDefinition=name)
    containers: list[Mapping[str, Any]] = answer["taskDefinition"]["containerDefinitions"]
    return containers


def main_of(containers: list[Mapping[str, Any]], chosen: str = "") -> Mapping[str, Any]:
    """Return the container that counts."""
    if not chosen:
        return next((each for each in containers if each.get("essential", True)), containers[0])
    for each in containers:
        if each["name"] == chosen:
            return each
    names = ", ".join(each["name"] for each in containers)
    raise InvalidArguments(
        f"The task definition has no container {chosen!r}.", fix=f"There are: {names}."
    )


def task_of(found: Mapping[str, Any], container: str) -> EcsTask:
    """Return a task as it is."""
    codes = {
        each["name"]: each["exitCode"]
        for each in found.get("containers", ())
        if each.get("exitCode") is not None
    }
    return EcsTask(
        found["taskArn"],
        found["clusterArn"],
        container,
        found["lastStatus"],
        codes,
        found.get("startedAt"),
        found.get("stoppedAt"),
    )


def call(credentials: AwsCredentials, operation: str, **parameters: Any) -> dict[str, Any]:
    """Call an operation of ECS."""
    from brickwork_aws.operations import Operation

    return Operation(credentials, "ecs", operation).call(parameters)
