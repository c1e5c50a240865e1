"""Events about workflows, checks, and GitHub Apps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, ClassVar

from brickwork import register_type
from brickwork_github.webhooks.event import ActionEvent, GitHubEvent, RepositoryEvent
from brickwork_github.webhooks.reading import At


@register_type("github.workflow-run-event")
@dataclass(frozen=True, kw_only=True)
class WorkflowRunEvent(ActionEvent):
    """A workflow run was requested, began or ended.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#workflow_run

    Attributes:
        run_id: Its id.
        run_number: Its number among the runs of the workflow.
        run_attempt: 1, and one more each time that it is run again.
        workflow: The workflow's name.
        path: The workflow's file.
        trigger: The event that it runs for: ``push``, ``schedule`` ...
        status: ``queued``, ``in_progress``, ``completed`` ...
        conclusion: How it ended: ``success``, ``failure``, ``cancelled`` ...; None before that.
        branch: The branch.
        sha: The commit.
        actor: The login of who began it.
        pull_requests: The numbers of the pull requests that it is for; none for those of forks.
        url: Its page.
    """

    tells_apart: ClassVar[bool] = True

    run_id: Annotated[int, At("workflow_run.id")]
    run_number: Annotated[int, At("workflow_run.run_number")]
    run_attempt: Annotated[int, At("workflow_run.run_attempt")] = 1
    workflow: Annotated[str | None, At("workflow_run.name")] = None
    path: Annotated[str, At("workflow_run.path")] = ""
    trigger: Annotated[str, At("workflow_run.event")]
    status: Annotated[str, At("workflow_run.status")]
    conclusion: Annotated[str | None, At("workflow_run.conclusion")] = None
    branch: Annotated[str | None, At("workflow_run.head_branch")] = None
    sha: Annotated[str, At("workflow_run.head_sha")]
    actor: Annotated[str | None, At("workflow_run.actor.login")] = None
    pull_requests: Annotated[tuple[int, ...], At("workflow_run.pull_requests[].number")] = ()
    url: Annotated[str, At("workflow_run.html_url")]


@register_type("github.workflow-job-event")
@dataclass(frozen=True, kw_only=True)
class WorkflowJobEvent(ActionEvent):
    """A job of a workflow run was queued, waits, began or ended.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#workflow_job

    Attributes:
        job_id: Its id.
        run_id: That of its run.
        run_attempt: The run's attempt.
        job: The job's name.
        workflow: The workflow's name.
        status: ``queued``, ``in_progress``, ``completed``, ``waiting``.
        conclusion: How it ended: ``success``, ``failure``, ``cancelled`` ...; None before that.
        labels: What it asks of a runner.
        runner: The runner's name, once it has one.
        branch: The branch.
        sha: The commit.
        started_at: When it began; for one that is queued, when that was.
        completed_at: When it ended.
        url: Its page.
    """

    tells_apart: ClassVar[bool] = True

    job_id: Annotated[int, At("workflow_job.id")]
    run_id: Annotated[int, At("workflow_job.run_id")]
    run_attempt: Annotated[int, At("workflow_job.run_attempt")] = 1
    job: Annotated[str, At("workflow_job.name")]
    workflow: Annotated[str | None, At("workflow_job.workflow_name")] = None
    status: Annotated[str, At("workflow_job.status")]
    conclusion: Annotated[str | None, At("workflow_job.conclusion")] = None
    labels: Annotated[tuple[str, ...], At("workflow_job.labels")] = ()
    runner: Annotated[str | None, At("workflow_job.runner_name")] = None
    branch: Annotated[str | None, At("workflow_job.head_branch")] = None
    sha: Annotated[str, At("workflow_job.head_sha")]
    started_at: Annotated[datetime | None, At("workflow_job.started_at")] = None
    completed_at: Annotated[datetime | None, At("workflow_job.completed_at")] = None
    url: Annotated[str, At("workflow_job.html_url")]


@register_type("github.workflow-dispatch-event")
@dataclass(frozen=True, kw_only=True)
class WorkflowDispatchEvent(RepositoryEvent):
    """Somebody asked for a run of a workflow.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#workflow_dispatch

    Attributes:
        workflow: The workflow's file.
        ref: The branch or tag, as ``refs/heads/main``.
        inputs: What was given along.
    """

    workflow: Annotated[str, At("workflow")]
    ref: Annotated[str, At("ref")]
    inputs: Annotated[Mapping[str, Any] | None, At("inputs")] = field(default=None, hash=False)


@register_type("github.check-run-event")
@dataclass(frozen=True, kw_only=True)
class CheckRunEvent(RepositoryEvent):
    """A check run was made or ended, is asked for again, or a button on it was pressed.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#check_run

    Attributes:
        check_run_id: Its id.
        check: Its name.
        status: ``queued``, ``in_progress``, ``completed`` ...
        conclusion: How it ended: ``success``, ``failure`` ...; None before that.
        sha: The commit.
        app: The short name of the GitHub App that made it.
        external_id: What that App calls it.
        details_url: Where the App says more.
        requested_action: The App's name of the button that was pressed, where one was.
        url: Its page.
    """

    check_run_id: Annotated[int, At("check_run.id")]
    check: Annotated[str, At("check_run.name")]
    status: Annotated[str, At("check_run.status")]
    conclusion: Annotated[str | None, At("check_run.conclusion")] = None
    sha: Annotated[str, At("check_run.head_sha")]
    app: Annotated[str | None, At("check_run.app.slug")] = None
    external_id: Annotated[str, At("check_run.external_id")] = ""
    details_url: Annotated[str | None, At("check_run.details_url")] = None
    requested_action: Annotated[str | None, At("requested_action.identifier")] = None
    url: Annotated[str | None, At("check_run.html_url")] = None


@register_type("github.check-suite-event")
@dataclass(frozen=True, kw_only=True)
class CheckSuiteEvent(ActionEvent):
    """The checks of a commit are asked for, again, or have ended.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#check_suite

    Attributes:
        check_suite_id: Its id.
        status: ``queued``, ``in_progress``, ``completed`` ...
        conclusion: How it ended: ``success``, ``failure`` ...; None before that.
        branch: The branch.
        sha: The commit.
        app: The short name of the GitHub App whose checks they are.
    """

    check_suite_id: Annotated[int, At("check_suite.id")]
    status: Annotated[str | None, At("check_suite.status")] = None
    conclusion: Annotated[str | None, At("check_suite.conclusion")] = None
    branch: Annotated[str | None, At("check_suite.head_branch")] = None
    sha: Annotated[str, At("check_suite.head_sha")]
    app: Annotated[str | None, At("check_suite.app.slug")] = None


@register_type("github.ping-event")
@dataclass(frozen=True, kw_only=True)
class PingEvent(GitHubEvent):
    """A webhook was made, or somebody tries it.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#ping

    Attributes:
        hook_id: The webhook's id.
        events: The events that it is for.
        zen: A saying of GitHub's.
    """

    hook_id: Annotated[int | None, At("hook_id")] = None
    events: Annotated[tuple[str, ...], At("hook.events")] = ()
    zen: Annotated[str | None, At("zen")] = None


@dataclass(frozen=True, kw_only=True)
class _InstallationEvent(GitHubEvent):
    action: Annotated[str, At("action")] = field()
    installation_id: Annotated[int, At("installation.id")] = field()
    account: Annotated[str | None, At("installation.account.login")] = None
    app_id: Annotated[int, At("installation.app_id")]
    app: Annotated[str, At("installation.app_slug")] = ""
    permissions: Annotated[Mapping[str, Any], At("installation.permissions")] = field(hash=False)
    events: Annotated[tuple[str, ...], At("installation.events")]
    repository_selection: Annotated[str, At("installation.repository_selection")]


@register_type("github.installation-event")
@dataclass(frozen=True, kw_only=True)
class InstallationEvent(_InstallationEvent):
    """A GitHub App was installed, removed, suspended, or got new permissions.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#installation

    Attributes:
        account: The login of whose installation it is; None for an enterprise.
        app_id: The App's id.
        app: The App's short name.
        permissions: What it may do: ``{"issues": "write"}``.
        events: The events that it gets.
        repository_selection: ``all`` or ``selected``.
        repositories: ``owner/name`` of those that it was installed in, as GitHub lists them.
    """

    repositories: Annotated[tuple[str, ...], At("repositories[].full_name")] = ()


@register_type("github.installation-repositories-event")
@dataclass(frozen=True, kw_only=True)
class InstallationRepositoriesEvent(_InstallationEvent):
    """A GitHub App was given repositories, or they were taken from it.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#installation_repositories

    Attributes:
        account: The login of whose installation it is; None for an enterprise.
        app_id: The App's id.
        app: The App's short name.
        permissions: What it may do: ``{"issues": "write"}``.
        events: The events that it gets.
        repository_selection: ``all`` or ``selected``.
        added: ``owner/name`` of those that it was given.
        removed: ``owner/name`` of those that were taken from it.
    """

    added: Annotated[tuple[str, ...], At("repositories_added[].full_name")]
    removed: Annotated[tuple[str, ...], At("repositories_removed[].full_name")]
