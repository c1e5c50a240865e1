"""What GitHub answers about Actions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self

from brickwork import register_type
from brickwork_github.reading import login, moment, moment_or_none, repository_in

GOOD = ("success", "neutral", "skipped")
"""How a run ends that did not fail."""


@register_type("github.workflow")
@dataclass(frozen=True)
class Workflow:
    """A workflow.

    Attributes:
        id: Its id.
        name: Its name.
        path: Its file: ``.github/workflows/load.yml``.
        state: ``active``, ``disabled_manually`` ...
        url: Its file on GitHub.
        created_at: When it was first seen.
        updated_at: When it was changed for the last time.
    """

    id: int
    name: str
    path: str
    state: str
    url: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(
            id=found["id"],
            name=found["name"],
            path=found["path"],
            state=found["state"],
            url=found["html_url"],
            created_at=moment(found["created_at"]),
            updated_at=moment(found["updated_at"]),
        )


@register_type("github.dispatched-run")
@dataclass(frozen=True)
class DispatchedRun:
    """The run that a dispatch has started.

    Attributes:
        run_id: The run's id.
        url: Its page.
        found_by: How sure it is that it is this one. ``answer``: GitHub said it. ``marker``: its
            title has a text that no other has. ``search``: it was the only run of this workflow,
            ref and account that began since; servers that say no more can mean no other.
    """

    run_id: int
    url: str
    found_by: Literal["answer", "marker", "search"]


@register_type("github.workflow-run")
@dataclass(frozen=True)
class WorkflowRun:
    """A run of a workflow.

    Attributes:
        repository: ``owner/name``.
        id: Its id.
        number: Its number among the runs of this workflow.
        attempt: Which attempt this is, from 1.
        name: The workflow's name.
        title: What its page is titled.
        workflow_id: The workflow's id.
        path: The workflow's file.
        event: What started it, ``push`` or ``workflow_dispatch``.
        status: ``queued``, ``in_progress``, ``waiting``, ``completed`` ...
        conclusion: How it ended: ``success``, ``failure``, ``cancelled`` ...; None until then.
        branch: The branch or tag.
        sha: The commit.
        actor: Who started it.
        url: Its page.
        created_at: When it was started.
        started_at: When this attempt was.
        updated_at: When it was changed for the last time.
    """

    repository: str
    id: int
    number: int
    attempt: int
    name: str
    title: str
    workflow_id: int
    path: str
    event: str
    status: str
    conclusion: str | None
    branch: str | None
    sha: str
    actor: str
    url: str
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime

    @property
    def is_completed(self) -> bool:
        """Whether it has ended."""
        return self.status == "completed"

    @property
    def is_good(self) -> bool:
        """Whether it has ended, and nothing failed."""
        return self.conclusion in GOOD

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(
            repository=repository_in(found["url"]),
            id=found["id"],
            number=found["run_number"],
            attempt=found.get("run_attempt") or 1,
            name=found.get("name") or "",
            title=found["display_title"],
            workflow_id=found["workflow_id"],
            path=found["path"],
            event=found["event"],
            status=found.get("status") or "queued",
            conclusion=found.get("conclusion"),
            branch=found.get("head_branch"),
            sha=found["head_sha"],
            actor=login(found.get("actor")),
            url=found["html_url"],
            created_at=moment(found["created_at"]),
            started_at=moment_or_none(found.get("run_started_at")),
            updated_at=moment(found["updated_at"]),
        )


@register_type("github.workflow-step")
@dataclass(frozen=True)
class WorkflowStep:
    """A step of a job.

    Attributes:
        number: Its place, from 1.
        name: Its name.
        status: ``queued``, ``in_progress`` or ``completed``.
        conclusion: How it ended; None until then.
    """

    number: int
    name: str
    status: str
    conclusion: str | None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(found["number"], found["name"], found["status"], found.get("conclusion"))


@register_type("github.workflow-job")
@dataclass(frozen=True)
class WorkflowJob:
    """A job of a run.

    Attributes:
        id: Its id.
        run_id: The run's.
        attempt: The run's attempt that it is of.
        name: Its name.
        status: ``queued``, ``in_progress``, ``waiting``, ``completed`` ...
        conclusion: How it ended; None until then.
        steps: Its steps.
        runner: The name of what runs it; empty before it is known.
        url: Its page.
        started_at: When it began.
        completed_at: When it ended.
    """

    id: int
    run_id: int
    attempt: int
    name: str
    status: str
    conclusion: str | None
    steps: tuple[WorkflowStep, ...]
    runner: str
    url: str
    started_at: datetime | None
    completed_at: datetime | None

    @property
    def failed_steps(self) -> tuple[str, ...]:
        """The names of the steps that have ended, and not well."""
        return tuple(
            step.name for step in self.steps if step.conclusion and step.conclusion not in GOOD
        )

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(
            id=found["id"],
            run_id=found["run_id"],
            attempt=found.get("run_attempt") or 1,
            name=found["name"],
            status=found["status"],
            conclusion=found.get("conclusion"),
            steps=tuple(map(WorkflowStep.of, found.get("steps") or ())),
            runner=found.get("runner_name") or "",
            url=found.get("html_url") or "",
            started_at=moment_or_none(found.get("started_at")),
            completed_at=moment_or_none(found.get("completed_at")),
        )


@register_type("github.artifact")
@dataclass(frozen=True)
class Artifact:
    """What a run has left.

    Attributes:
        id: Its id.
        name: Its name.
        size: Of the archive, in bytes.
        digest: ``sha256:`` and that of the archive; empty where GitHub has none.
        expired: Whether it is gone.
        run_id: The run's; None where GitHub does not say it.
        created_at: When it was made.
        expires_at: When it goes.
    """

    id: int
    name: str
    size: int
    digest: str
    expired: bool
    run_id: int | None
    created_at: datetime | None
    expires_at: datetime | None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(
            id=found["id"],
            name=found["name"],
            size=found["size_in_bytes"],
            digest=found.get("digest") or "",
            expired=found["expired"],
            run_id=(found.get("workflow_run") or {}).get("id"),
            created_at=moment_or_none(found.get("created_at")),
            expires_at=moment_or_none(found.get("expires_at")),
        )


@register_type("github.actions-secret")
@dataclass(frozen=True)
class ActionsSecret:
    """A secret of Actions, whose value GitHub shows to nobody.

    Attributes:
        name: Its name.
        visibility: For which repositories one of an organization is: ``all``, ``private`` or
            ``selected``; None otherwise.
        created_at: When it was made.
        updated_at: When it was set for the last time.
    """

    name: str
    visibility: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(
            name=found["name"],
            visibility=found.get("visibility"),
            created_at=moment(found["created_at"]),
            updated_at=moment(found["updated_at"]),
        )


@register_type("github.actions-variable")
@dataclass(frozen=True)
class ActionsVariable:
    """A variable of Actions.

    Attributes:
        name: Its name.
        value: Its value.
        visibility: As of `ActionsSecret`.
        created_at: When it was made.
        updated_at: When it was set for the last time.
    """

    name: str
    value: str
    visibility: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(
            name=found["name"],
            value=found["value"],
            visibility=found.get("visibility"),
            created_at=moment(found["created_at"]),
            updated_at=moment(found["updated_at"]),
        )


@register_type("github.pending-deployment")
@dataclass(frozen=True)
class PendingDeployment:
    """An environment for which a run waits.

    Attributes:
        environment: The environment's name.
        environment_id: Its id.
        can_approve: Whether these credentials may approve it.
        reviewers: The people and teams that may.
        wait_minutes: For how long it waits in any case.
    """

    environment: str
    environment_id: int
    can_approve: bool
    reviewers: tuple[str, ...]
    wait_minutes: int

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        people = [each["reviewer"] for each in found["reviewers"]]
        return cls(
            environment=found["environment"]["name"],
            environment_id=found["environment"]["id"],
            can_approve=found["current_user_can_approve"],
            reviewers=tuple(each.get("login") or each["slug"] for each in people),
            wait_minutes=found["wait_timer"],
        )
