"""Prebuilt tasks on deployments: https://docs.github.com/en/rest/deployments."""

from collections.abc import Mapping
from typing import Any

from brickwork_github.checks.models import Deployment, DeploymentState, DeploymentStatus
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.errors import GitHubConflict
from brickwork_github.faults import about
from brickwork_github.requests import Request
from brickwork_github.tasks import retried_task, task_once

_DEPLOYMENTS = "/repos/{owner}/{repo}/deployments"
_DEPLOYMENT = f"{_DEPLOYMENTS}/{{deployment_id}}"


@task_once("deployments:write")
def create_deployment(
    credentials: GitHubCredentials,
    repository: str,
    ref: str,
    *,
    environment: str = "production",
    description: str | None = None,
    task: str = "deploy",
    payload: Mapping[str, Any] | None = None,
    required_contexts: list[str] | None = None,
    auto_merge: bool = False,
    transient: bool | None = None,
    production: bool | None = None,
) -> Deployment:
    """Ask for a commit to be deployed.

    GitHub deploys nothing: who listens to its webhooks does, or who asked. Not retried: it might
    be deployed twice. See
    https://docs.github.com/en/rest/deployments/deployments#create-a-deployment.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        ref: The branch, tag or commit.
        environment: Where to; one that is new is made.
        description: In some words.
        task: What to do.
        payload: What who deploys is told.
        required_contexts: Commit statuses that must be ``success``; None: all that there are,
            an empty list: none.
        auto_merge: Whether GitHub first merges the default branch into a branch that is behind.
        transient: Whether the environment will be gone one day; None: no.
        production: Whether people use it; None: if it is called ``production``.

    Returns:
        The deployment.

    Raises:
        GitHubNotFound: There is no such repository.
        GitHubConflict: A status is not ``success``; or the default branch was merged, or cannot
            be, and there is no deployment yet.
        GitHubInvalid: There is no such commit.
        GitHubError: It was not asked for.

    Examples:
        >>> deployment = create_deployment(credentials, repository, "topic-branch")
        >>> deployment.environment, deployment.production
        ('production', True)
    """
    asked = Request(credentials, f"POST {_DEPLOYMENTS}", repository)

    def made(found: Mapping[str, Any]) -> Deployment:
        if "id" in found:
            return Deployment.of(found)
        # Status 202: GitHub merged, and did no more.
        what = f"{asked.name}: the default branch was merged into {ref}; nothing is deployed yet."
        fix = "Wait for the checks of the merge commit, and ask again."
        raise about(GitHubConflict(what, fix=fix), asked.name, 202)

    return asked.one(
        made,
        body={
            "ref": ref,
            "environment": environment,
            "description": description,
            "task": task,
            "payload": payload,
            "required_contexts": required_contexts,
            "auto_merge": auto_merge,
            "transient_environment": transient,
            "production_environment": production,
        },
    )


@retried_task("deployments:read")
def get_deployment(
    credentials: GitHubCredentials, repository: str, deployment_id: int
) -> Deployment:
    """Return a deployment.

    See https://docs.github.com/en/rest/deployments/deployments#get-a-deployment.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        deployment_id: The deployment's id.

    Returns:
        The deployment.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It cannot be read.

    Examples:
        >>> get_deployment(credentials, repository, 1).ref
        'topic-branch'
    """
    asked = Request(credentials, f"GET {_DEPLOYMENT}", repository, deployment_id=deployment_id)
    return asked.one(Deployment.of)


@retried_task("deployments:read")
def list_deployments(
    credentials: GitHubCredentials,
    repository: str,
    *,
    environment: str | None = None,
    ref: str | None = None,
    sha: str | None = None,
    task: str | None = None,
    limit: int | None = None,
) -> list[Deployment]:
    """List deployments, the newest first.

    See https://docs.github.com/en/rest/deployments/deployments#list-deployments.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        environment: Only those to there.
        ref: Only those of this branch, tag or commit, as it was asked for.
        sha: Only those of this commit.
        task: Only those with this task.
        limit: At most so many; None: all.

    Returns:
        The deployments.

    Raises:
        GitHubNotFound: There is no such repository.
        GitHubError: They cannot be read.

    Examples:
        >>> [each.id for each in list_deployments(credentials, repository, limit=1)]
        [1]
    """
    return Request(credentials, f"GET {_DEPLOYMENTS}", repository).many(
        Deployment.of,
        limit,
        query={"environment": environment, "ref": ref, "sha": sha, "task": task},
    )


@retried_task("deployments:write")
def delete_deployment(credentials: GitHubCredentials, repository: str, deployment_id: int) -> None:
    """Delete a deployment, which must be the only one, or inactive.

    See https://docs.github.com/en/rest/deployments/deployments#delete-a-deployment.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        deployment_id: The deployment's id.

    Raises:
        GitHubNotFound: There is none.
        GitHubInvalid: It is active: give it the status ``inactive`` first.
        GitHubError: It was not deleted.

    Examples:
        >>> delete_deployment(credentials, repository, 1)
    """
    asked = Request(credentials, f"DELETE {_DEPLOYMENT}", repository, deployment_id=deployment_id)
    asked.send()


@retried_task("deployments:write")
def create_deployment_status(
    credentials: GitHubCredentials,
    repository: str,
    deployment_id: int,
    state: DeploymentState,
    *,
    description: str | None = None,
    environment: str | None = None,
    environment_url: str | None = None,
    log_url: str | None = None,
    auto_inactive: bool = True,
) -> DeploymentStatus:
    """Say how far a deployment is; only the last status counts.

    See https://docs.github.com/en/rest/deployments/statuses#create-a-deployment-status.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        deployment_id: The deployment's id.
        state: ``queued``, ``in_progress``, ``success``, ``failure``, ``error`` ...
        description: In 140 characters.
        environment: Where to, if that has changed.
        environment_url: Where what was deployed can be seen.
        log_url: Where its log can be read.
        auto_inactive: Whether a success makes the former deployments to there inactive.

    Returns:
        The status.

    Raises:
        GitHubNotFound: There is no such deployment.
        GitHubInvalid: The description is too long.
        GitHubError: It was not said.

    Examples:
        >>> create_deployment_status(credentials, repository, 42, "success").state
        'success'
    """
    return Request(
        credentials,
        f"POST {_DEPLOYMENT}/statuses",
        repository,
        safe=True,
        deployment_id=deployment_id,
    ).one(
        DeploymentStatus.of,
        body={
            "state": state,
            "description": description,
            "environment": environment,
            "environment_url": environment_url,
            "log_url": log_url,
            "auto_inactive": auto_inactive,
        },
    )


@retried_task("deployments:read")
def list_deployment_statuses(
    credentials: GitHubCredentials,
    repository: str,
    deployment_id: int,
    *,
    limit: int | None = None,
) -> list[DeploymentStatus]:
    """List what was said of a deployment, the newest first.

    See https://docs.github.com/en/rest/deployments/statuses#list-deployment-statuses.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        deployment_id: The deployment's id.
        limit: At most so many; None: all.

    Returns:
        The statuses.

    Raises:
        GitHubNotFound: There is no such deployment.
        GitHubError: They cannot be read.

    Examples:
        >>> [each.state for each in list_deployment_statuses(credentials, repository, 42)]
        ['success']
    """
    return Request(
        credentials, f"GET {_DEPLOYMENT}/statuses", repository, deployment_id=deployment_id
    ).many(DeploymentStatus.of, limit)
