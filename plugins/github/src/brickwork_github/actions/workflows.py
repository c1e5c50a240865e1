"""Prebuilt tasks on workflows: https://docs.github.com/en/rest/actions/workflows."""

from collections.abc import Mapping
from typing import Any

from brickwork import InvalidArguments, Secret
from brickwork_github.actions.models import Workflow
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.requests import NULL, Request
from brickwork_github.tasks import retried_task, task_once

_WORKFLOWS = "/repos/{owner}/{repo}/actions/workflows"
_WORKFLOW = f"{_WORKFLOWS}/{{workflow_id}}"


@retried_task("actions:read")
def list_workflows(
    credentials: GitHubCredentials, repository: str, *, limit: int | None = None
) -> list[Workflow]:
    """List the workflows of a repository.

    See https://docs.github.com/en/rest/actions/workflows#list-repository-workflows.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        limit: At most so many; None: all.

    Returns:
        The workflows.

    Raises:
        GitHubNotFound: There is no such repository.
        GitHubError: They cannot be read.

    Examples:
        >>> for workflow in list_workflows(credentials, repository):
        ...     print(workflow.name, workflow.path, workflow.state)
        CI .github/workflows/blank.yaml active
        Linter .github/workflows/linter.yaml active
    """
    return Request(credentials, f"GET {_WORKFLOWS}", repository).many(Workflow.of, limit)


@retried_task("actions:write")
def enable_workflow(credentials: GitHubCredentials, repository: str, workflow: str | int) -> None:
    """Let a workflow run again that was disabled.

    See https://docs.github.com/en/rest/actions/workflows#enable-a-workflow.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        workflow: Its file, ``load.yml``, or its id.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It was not enabled.

    Examples:
        >>> enable_workflow(credentials, repository, "load.yml")
    """
    _switch(credentials, repository, workflow, "enable")


@retried_task("actions:write")
def disable_workflow(credentials: GitHubCredentials, repository: str, workflow: str | int) -> None:
    """Let a workflow run no more, until it is enabled; what runs goes on.

    See https://docs.github.com/en/rest/actions/workflows#disable-a-workflow.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        workflow: Its file, ``load.yml``, or its id.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It was not disabled.

    Examples:
        >>> disable_workflow(credentials, repository, "load.yml")
    """
    _switch(credentials, repository, workflow, "disable")


@task_once("contents:write")
def create_repository_dispatch(
    credentials: GitHubCredentials,
    repository: str,
    event_type: str,
    *,
    client_payload: Mapping[str, Any] | None = None,
) -> None:
    """Start the workflows of the default branch that wait for an event of this name.

    GitHub does not say which these are, nor their runs; `dispatch_workflow` starts one, and says
    it. Not retried: they might run twice. See
    https://docs.github.com/en/rest/repos/repos#create-a-repository-dispatch-event.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        event_type: The event, up to 100 characters, as ``on: repository_dispatch: types:`` has it.
        client_payload: What the workflows are told: up to ten fields, and no secrets, since all
            see it who see the run.

    Raises:
        InvalidArguments: The payload has a secret.
        GitHubNotFound: There is no such repository.
        GitHubError: The event was not made.

    Examples:
        >>> create_repository_dispatch(
        ...     credentials, repository, "data-ready", client_payload={"day": "2026-05-01"}
        ... )
    """
    refuse_secrets("client_payload", client_payload)
    payload = None if client_payload is None else _with_nulls(client_payload)
    Request(credentials, "POST /repos/{owner}/{repo}/dispatches", repository).send(
        body={"event_type": event_type, "client_payload": payload}
    )


def file_or_id(workflow: str | int) -> str | int:
    """Return what paths have of a workflow: its id, or its file without the folders."""
    return workflow if isinstance(workflow, int) else workflow.rpartition("/")[2]


def refuse_secrets(name: str, value: object) -> None:
    """Refuse what GitHub would show to all who see the run.

    Raises:
        InvalidArguments: There is a secret in it.
    """
    if isinstance(value, Secret):
        raise InvalidArguments(
            f"{name} has a secret, which all would see who see the run.",
            fix="Set it with set_secret, and let the workflow read ${{ secrets.NAME }}.",
        )
    if isinstance(value, Mapping):
        for each in value.values():
            refuse_secrets(name, each)
    elif isinstance(value, list | tuple):
        for each in value:
            refuse_secrets(name, each)


def _with_nulls(value: Any) -> Any:
    """Return a payload of others, in which None is null, and not what is left out."""
    if value is None:
        return NULL
    if isinstance(value, Mapping):
        return {name: _with_nulls(each) for name, each in value.items()}
    return [_with_nulls(each) for each in value] if isinstance(value, list | tuple) else value


def _switch(credentials: GitHubCredentials, repository: str, workflow: str | int, how: str) -> None:
    route = f"PUT {_WORKFLOW}/{how}"
    Request(credentials, route, repository, workflow_id=file_or_id(workflow)).send()
