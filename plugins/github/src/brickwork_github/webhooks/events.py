"""Payloads of webhooks as typed events.

https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from collections.abc import Mapping

from brickwork_github.errors import GitHubWebhookRefused
from brickwork_github.webhooks import code_events, discussion_events, run_events
from brickwork_github.webhooks.event import GitHubEvent
from brickwork_github.webhooks.reading import read

EVENTS: Mapping[str, type[GitHubEvent]] = {
    "check_run": run_events.CheckRunEvent,
    "check_suite": run_events.CheckSuiteEvent,
    "commit_comment": code_events.CommitCommentEvent,
    "create": code_events.CreateEvent,
    "delete": code_events.DeleteEvent,
    "deployment": code_events.DeploymentEvent,
    "deployment_status": code_events.DeploymentStatusEvent,
    "fork": code_events.ForkEvent,
    "installation": run_events.InstallationEvent,
    "installation_repositories": run_events.InstallationRepositoriesEvent,
    "issue_comment": discussion_events.IssueCommentEvent,
    "issues": discussion_events.IssuesEvent,
    "ping": run_events.PingEvent,
    "pull_request": discussion_events.PullRequestEvent,
    "pull_request_review": discussion_events.PullRequestReviewEvent,
    "pull_request_review_comment": discussion_events.PullRequestReviewCommentEvent,
    "push": code_events.PushEvent,
    "release": code_events.ReleaseEvent,
    "repository": code_events.RepositoryChangedEvent,
    "repository_dispatch": code_events.RepositoryDispatchEvent,
    "star": code_events.StarEvent,
    "status": code_events.StatusEvent,
    "workflow_dispatch": run_events.WorkflowDispatchEvent,
    "workflow_job": run_events.WorkflowJobEvent,
    "workflow_run": run_events.WorkflowRunEvent,
}
"""The class of each event that has one of its own, by GitHub's name of the event."""

NAMES = frozenset(
    """
    branch_protection_configuration branch_protection_rule check_run check_suite
    code_scanning_alert commit_comment create custom_property custom_property_values delete
    dependabot_alert deploy_key deployment deployment_protection_rule deployment_review
    deployment_status discussion discussion_comment fork github_app_authorization gollum
    installation installation_repositories installation_target issue_comment issue_dependencies
    issues label marketplace_purchase member membership merge_group meta milestone org_block
    organization package page_build personal_access_token_request ping project project_card
    project_column projects_v2 projects_v2_item projects_v2_status_update public pull_request
    pull_request_review pull_request_review_comment pull_request_review_thread push
    registry_package release repository repository_advisory repository_dispatch
    repository_import repository_ruleset repository_vulnerability_alert secret_scanning_alert
    secret_scanning_alert_location secret_scanning_scan security_advisory security_and_analysis
    sponsorship star status sub_issues team team_add watch workflow_dispatch workflow_job
    workflow_run
    """.split()  # noqa: SIM905  # as a list it would be 75 lines
)
"""The names of all events that GitHub documents, and of some that it had."""


def parse_event(name: str, payload: object, *, delivery: str = "") -> GitHubEvent:
    """Make a payload a typed event.

    Args:
        name: GitHub's name of the event, from the header ``X-GitHub-Event``.
        payload: The payload, read from JSON.
        delivery: The delivery's id, from the header ``X-GitHub-Delivery``.

    Returns:
        An event of the class in `EVENTS`; a `GitHubEvent` for an event that is not there.

    Raises:
        GitHubWebhookRefused: The payload is none, or not one of this event.
    """
    if not isinstance(payload, dict):
        raise GitHubWebhookRefused("The payload is no JSON object.", status=400)
    cls = EVENTS.get(name, GitHubEvent)
    return read(cls, payload, name=name, delivery=delivery, payload=payload)
