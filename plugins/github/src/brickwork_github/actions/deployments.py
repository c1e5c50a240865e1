"""Prebuilt tasks on runs that wait for somebody's approval.

See https://docs.github.com/en/actions/how-tos/deploy/configure-and-manage-deployments/review-deployments.
"""

from typing import Literal

from brickwork import InvalidArguments
from brickwork_github.actions.models import PendingDeployment
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.requests import Request
from brickwork_github.tasks import retried_task, task_once

_PENDING = "/repos/{owner}/{repo}/actions/runs/{run_id}/pending_deployments"


@retried_task("actions:read")
def list_pending_deployments(
    credentials: GitHubCredentials, repository: str, run_id: int
) -> list[PendingDeployment]:
    """List the environments for which a workflow run waits.

    See https://docs.github.com/en/rest/actions/workflow-runs#get-pending-deployments-for-a-workflow-run.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        run_id: The run's id.

    Returns:
        The environments, with who may approve them.

    Raises:
        GitHubNotFound: There is no such run.
        GitHubError: They cannot be read.

    Examples:
        >>> for pending in list_pending_deployments(credentials, repository, 30433642):
        ...     print(pending.environment, pending.can_approve, pending.reviewers)
        staging True ('octocat', 'justice-league')
    """
    asked = Request(credentials, f"GET {_PENDING}", repository, run_id=run_id)
    return asked.one(lambda found: [PendingDeployment.of(each) for each in found])


@task_once("actions:read", "deployments:write")
def review_pending_deployments(
    credentials: GitHubCredentials,
    repository: str,
    run_id: int,
    environments: list[str],
    *,
    state: Literal["approved", "rejected"],
    comment: str = "",
) -> None:
    """Approve or reject that a workflow run goes on in some environments.

    Only reviewers of the environment may, who are people. Not retried: what was reviewed is not
    pending any more. See
    https://docs.github.com/en/rest/actions/workflow-runs#review-pending-deployments-for-a-workflow-run.

    Args:
        credentials: Whose: those of a reviewer.
        repository: ``owner/name``.
        run_id: The run's id.
        environments: Their names.
        state: ``approved`` or ``rejected``.
        comment: Why.

    Raises:
        InvalidArguments: The run does not wait for one of them.
        GitHubNotFound: There is no such run.
        GitHubError: They were not reviewed.

    Examples:
        >>> review_pending_deployments(
        ...     credentials, repository, 30433642, ["staging"], state="approved", comment="Ship it!"
        ... )
    """
    pending = list_pending_deployments.fn(credentials, repository, run_id)
    ids = {each.environment: each.environment_id for each in pending}
    unknown = [name for name in environments if name not in ids]
    if unknown or not environments:
        raise InvalidArguments(
            f"Workflow run {run_id} of {repository} does not wait for"
            f" {', '.join(unknown) or 'no environment at all'}.",
            fix=f"It waits for {', '.join(ids) or 'none'}.",
        )
    Request(credentials, f"POST {_PENDING}", repository, run_id=run_id).send(
        body={
            "environment_ids": [ids[name] for name in environments],
            "state": state,
            "comment": comment,
        }
    )
