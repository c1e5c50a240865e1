"""What GitHub answers about commit statuses, check runs, deployments and rate limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Self

from brickwork import register_type
from brickwork_github.reading import login, moment, moment_or_none

CommitState = Literal["error", "failure", "pending", "success"]
CheckStatus = Literal["queued", "in_progress", "completed"]
CheckConclusion = Literal[
    "action_required", "cancelled", "failure", "neutral", "skipped", "success", "timed_out"
]
AnnotationLevel = Literal["notice", "warning", "failure"]
DeploymentState = Literal[
    "error", "failure", "inactive", "in_progress", "queued", "pending", "success"
]


@register_type("github.commit-status")
@dataclass(frozen=True)
class CommitStatus:
    """What one context says of a commit.

    Attributes:
        id: Its id.
        state: ``error``, ``failure``, ``pending`` or ``success``.
        context: Who says it: of each only the last counts.
        description: In some words.
        target_url: Where to read more.
        creator: Who told it; empty where GitHub does not say.
        created_at: When.
    """

    id: int
    state: str
    context: str
    description: str
    target_url: str
    creator: str
    created_at: datetime

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(
            id=found["id"],
            state=found["state"],
            context=found["context"],
            description=found.get("description") or "",
            target_url=found.get("target_url") or "",
            creator=login(found["creator"]) if "creator" in found else "",
            created_at=moment(found["created_at"]),
        )


@register_type("github.combined-status")
@dataclass(frozen=True)
class CombinedStatus:
    """What all contexts together say of a commit.

    Attributes:
        state: ``success`` if all do, ``pending`` if one does or there is none, else ``failure``.
        sha: The commit.
        statuses: The last one of each context.
    """

    state: str
    sha: str
    statuses: tuple[CommitStatus, ...]


@register_type("github.check-annotation")
@dataclass(frozen=True)
class CheckAnnotation:
    """A remark of a check run on lines of a file.

    Attributes:
        path: The file, from the root of the repository.
        start_line: The first line, from 1.
        message: The remark: 64 KiB at most.
        level: ``notice``, ``warning`` or ``failure``.
        end_line: The last line; None: the first one.
        start_column: The first column, of a remark on a single line.
        end_column: The last column, likewise.
        title: 255 characters at most.
        raw_details: More, as it is: 64 KiB at most.
    """

    path: str
    start_line: int
    message: str
    level: AnnotationLevel = "warning"
    end_line: int | None = None
    start_column: int | None = None
    end_column: int | None = None
    title: str | None = None
    raw_details: str | None = None

    def body(self) -> dict[str, Any]:
        """Return it as it is sent."""
        return {
            "path": self.path,
            "start_line": self.start_line,
            "end_line": self.start_line if self.end_line is None else self.end_line,
            "start_column": self.start_column,
            "end_column": self.end_column,
            "annotation_level": self.level,
            "message": self.message,
            "title": self.title,
            "raw_details": self.raw_details,
        }

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(
            path=found["path"],
            start_line=found["start_line"],
            message=found["message"] or "",
            level=found["annotation_level"],
            end_line=found["end_line"],
            start_column=found["start_column"],
            end_column=found["end_column"],
            title=found["title"],
            raw_details=found["raw_details"],
        )


@register_type("github.check-run")
@dataclass(frozen=True)
class CheckRun:
    """A check of a commit.

    Attributes:
        id: Its id.
        name: What is checked.
        head_sha: The commit.
        status: ``queued``, ``in_progress`` or ``completed``.
        conclusion: How it ended: ``success``, ``failure``, ``neutral`` ...; None: not yet.
        title: Of its output.
        summary: Of its output, in Markdown.
        annotations: How many there are.
        external_id: What its App calls it.
        url: Its page.
        details_url: Where its App says more.
        app: The App's slug; empty where GitHub does not say.
        started_at: When it began.
        completed_at: When it ended.
    """

    id: int
    name: str
    head_sha: str
    status: str
    conclusion: str | None
    title: str
    summary: str
    annotations: int
    external_id: str
    url: str
    details_url: str
    app: str
    started_at: datetime | None
    completed_at: datetime | None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        output = found["output"]
        return cls(
            id=found["id"],
            name=found["name"],
            head_sha=found["head_sha"],
            status=found["status"],
            conclusion=found["conclusion"],
            title=output["title"] or "",
            summary=output["summary"] or "",
            annotations=output["annotations_count"],
            external_id=found.get("external_id") or "",
            url=found["html_url"] or "",
            details_url=found.get("details_url") or "",
            app=(found.get("app") or {}).get("slug") or "",
            started_at=moment_or_none(found["started_at"]),
            completed_at=moment_or_none(found["completed_at"]),
        )


@register_type("github.deployment")
@dataclass(frozen=True)
class Deployment:
    """A request to deploy a commit.

    Attributes:
        id: Its id.
        sha: The commit.
        ref: The branch, tag or commit that was asked for.
        task: What to do, ``deploy``.
        environment: Where to.
        description: In some words.
        payload: What who deploys is told: JSON.
        creator: Who asked for it.
        transient: Whether the environment will be gone one day.
        production: Whether people use the environment.
        created_at: When it was asked for.
        updated_at: When it was changed for the last time.
    """

    id: int
    sha: str
    ref: str
    task: str
    environment: str
    description: str
    payload: Any
    creator: str
    transient: bool
    production: bool
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(
            id=found["id"],
            sha=found["sha"],
            ref=found["ref"],
            task=found["task"],
            environment=found["environment"],
            description=found.get("description") or "",
            payload=found["payload"],
            creator=login(found["creator"]),
            transient=bool(found.get("transient_environment")),
            production=bool(found.get("production_environment")),
            created_at=moment(found["created_at"]),
            updated_at=moment(found["updated_at"]),
        )


@register_type("github.deployment-status")
@dataclass(frozen=True)
class DeploymentStatus:
    """How far a deployment is.

    Attributes:
        id: Its id.
        state: ``queued``, ``in_progress``, ``success``, ``failure``, ``inactive`` ...
        environment: Where to.
        description: In some words.
        environment_url: Where what was deployed can be seen.
        log_url: Where its log can be read.
        creator: Who told it.
        created_at: When.
    """

    id: int
    state: str
    environment: str
    description: str
    environment_url: str
    log_url: str
    creator: str
    created_at: datetime

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(
            id=found["id"],
            state=found["state"],
            environment=found.get("environment") or "",
            description=found["description"],
            environment_url=found.get("environment_url") or "",
            log_url=found.get("log_url") or "",
            creator=login(found["creator"]),
            created_at=moment(found["created_at"]),
        )


@register_type("github.rate-limit")
@dataclass(frozen=True)
class RateLimit:
    """How much may be asked of one part of GitHub.

    Attributes:
        resource: Which part: ``core``, ``search``, ``graphql`` ...
        limit: How many requests in its stretch of time: an hour, or a minute.
        used: How many were sent.
        remaining: How many are left.
        reset_at: When all are there again.
    """

    resource: str
    limit: int
    used: int
    remaining: int
    reset_at: datetime

    @classmethod
    def of(cls, resource: str, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(
            resource=resource,
            limit=found["limit"],
            used=found["used"],
            remaining=found["remaining"],
            reset_at=datetime.fromtimestamp(found["reset"], UTC),
        )
