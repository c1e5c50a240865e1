"""Starts workflows, and finds the runs that they became.

Since 2026 GitHub answers a dispatch with its run. Servers that do not yet are asked for runs, and
no run is taken for ours that may be another's.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from brickwork_github.actions.models import DispatchedRun, WorkflowRun
from brickwork_github.actions.runs import created
from brickwork_github.actions.workflows import file_or_id, refuse_secrets
from brickwork_github.clients import PER_PAGE, client_for
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.errors import (
    GitHubDenied,
    GitHubError,
    GitHubInvalid,
    GitHubTimeout,
    GitHubUnavailable,
)
from brickwork_github.polling import turns
from brickwork_github.reading import login
from brickwork_github.requests import Request, items_of
from brickwork_github.tasks import task_once

_WORKFLOW = "/repos/{owner}/{repo}/actions/workflows/{workflow_id}"
_DETAILS = "return_run_details"
_POLL_SECONDS, _SLOWEST_SECONDS = 2.0, 10.0
_LOOKS_ALONE = 4  # within ten seconds; runs show within about five
_MARK_IT = "Give marker_input, the name of an input that the workflow's run-name shows."

Inputs = Mapping[str, str | int | float | bool]


@task_once("actions:write")
def dispatch_workflow(
    credentials: GitHubCredentials,
    repository: str,
    workflow: str | int,
    *,
    ref: str | None = None,
    inputs: Inputs | None = None,
    marker_input: str | None = None,
    find_seconds: float = 60.0,
) -> DispatchedRun:
    """Start a workflow that has ``on: workflow_dispatch``, and return the run that this started.

    GitHub says which it is. An Enterprise Server before 3.21 does not: there the run is looked
    for, by the marker, else as the only new one of this workflow, ref and account; when two may be
    meant, that is an error.

    Not retried: it might run twice. With a marker, a dispatch whose answer is lost is found all the
    same. See https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        workflow: Its file, ``load.yml``, or its id.
        ref: The branch or tag to run; by default the default branch.
        inputs: What the workflow is given, up to 25; no secrets, since all see them who see the
            run.
        marker_input: The name of an input that gets a text which no other run has (yours, if it is
            in ``inputs``), and which the workflow shows: ``run-name: Load ${{ inputs.marker }}``.
        find_seconds: For how long a run is looked for, where it must be.

    Returns:
        The run, and how it was found.

    Raises:
        InvalidArguments: An input is a secret.
        GitHubNotFound: There is no such workflow.
        GitHubInvalid: The workflow has no ``workflow_dispatch``, lacks an input or has no such one,
            or there is no such ref.
        GitHubDenied: It is disabled, or these credentials may not start it.
        GitHubTimeout: It was started, and its run did not show in time.
        GitHubError: It was not started, or its run cannot be told from others.

    Examples:
        >>> started = dispatch_workflow(credentials, repository, "load.yml", inputs={"day": 1})
        >>> started.run_id, started.found_by
        (1, 'answer')
    """
    refuse_secrets("inputs", inputs)
    given = {name: _text(each) for name, each in (inputs or {}).items()}
    marker = given.setdefault(marker_input, _new_marker()) if marker_input else ""
    ref = ref or Request(credentials, "GET /repos/{owner}/{repo}", repository).one(
        lambda found: str(found["default_branch"])
    )
    dispatch = _Dispatch(credentials, repository, workflow, ref, given, marker)
    try:
        return dispatch.send(find_seconds)
    except GitHubInvalid as error:
        if _DETAILS not in error.what and error.status != 400:
            raise
    return dispatch.send_to_older_server(find_seconds)


def _text(value: str | float) -> str:
    # As workflows compare them, and as older servers want all inputs.
    return str(value).lower() if isinstance(value, bool) else str(value)


def _new_marker() -> str:
    from uuid import uuid4

    return uuid4().hex


class _Dispatch:
    """One dispatch, and the search for its run."""

    def __init__(
        self,
        credentials: GitHubCredentials,
        repository: str,
        workflow: str | int,
        ref: str,
        inputs: Mapping[str, str],
        marker: str,
    ) -> None:
        route = f"POST {_WORKFLOW}/dispatches"
        which = file_or_id(workflow)
        self._asked = Request(credentials, route, repository, workflow_id=which)
        route = f"GET {_WORKFLOW}/runs"
        self._runs = Request(credentials, route, repository, workflow_id=which)
        self._body = {"ref": ref, "inputs": inputs or None}
        self._what = f"{workflow} of {repository}"
        self._credentials, self._marker = credentials, marker
        branch = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
        self._query = {"event": "workflow_dispatch", "branch": branch, "per_page": PER_PAGE}
        self._known: frozenset[int] = frozenset()

    def send(self, find_seconds: float) -> DispatchedRun:
        """Send it, and have the server say which run it is."""
        try:
            found = self._asked.send(body={**self._body, _DETAILS: True}).data
        except GitHubUnavailable as lost:
            return self._found(find_seconds, lost)
        if found:
            return DispatchedRun(found["workflow_run_id"], found["html_url"], "answer")
        return self._found(find_seconds, None)

    def send_to_older_server(self, find_seconds: float) -> DispatchedRun:
        """Send it, and look for the run."""
        if not self._marker:
            self._look_before()
        try:
            self._asked.send(body=self._body)
        except GitHubUnavailable as lost:
            return self._found(find_seconds, lost)
        return self._found(find_seconds, None)

    def _look_before(self) -> None:
        """Note the runs that are none of ours, and from when on ours can be."""
        account = account_of(self._credentials)
        if account is None:
            raise GitHubError(
                f"{self._what} was not started: the server does not say which run it would be,"
                " nor who these credentials are, whose runs one might look for.",
                fix=_MARK_IT,
            )
        self._query["actor"] = account
        answer = self._runs.send(query=self._query)
        self._known = frozenset(each["id"] for each in items_of(answer.data))
        self._query["created"] = created(_date_of(answer.headers), None)

    def _found(self, find_seconds: float, lost: GitHubUnavailable | None) -> DispatchedRun:
        """Look for the run.

        Args:
            find_seconds: For how long.
            lost: The error without which we would know more; raised again if nothing is found.
        """
        searched = "actor" in self._query
        if not (self._marker or searched):
            raise lost or GitHubError(
                f"{self._what} was started, and the server does not say as which run.",
                fix=f"Look at its runs. {_MARK_IT}",
            )
        alone = 0
        for _ in turns(_POLL_SECONDS, find_seconds, _SLOWEST_SECONDS):
            runs = self._candidates()
            if len(runs) > 1:
                raise GitHubError(
                    f"{self._what} was started as one of the runs"
                    f" {', '.join(str(run.id) for run in runs)}; nobody can say as which.",
                    fix=_MARK_IT,
                )
            # Another one may be shown before ours is, so more looks are taken.
            alone += len(runs)
            if runs and (self._marker or alone >= _LOOKS_ALONE):
                how: Literal["marker", "search"] = "marker" if self._marker else "search"
                return DispatchedRun(runs[0].id, runs[0].url, how)
        raise lost or GitHubTimeout(
            f"{self._what} was started, and its run did not show within {find_seconds:g} s.",
            fix="Look at its runs; GitHub may be slow"
            + (", or its run-name does not show the marker." if self._marker else "."),
        )

    def _candidates(self) -> list[WorkflowRun]:
        runs = self._runs.many(WorkflowRun.of, PER_PAGE, query=self._query)
        if self._marker:
            return [run for run in runs if self._marker in run.title]
        return [run for run in runs if run.id not in self._known]


def account_of(credentials: GitHubCredentials) -> str | None:
    """Return what GitHub calls who asks; None for a token that is nobody's, as in a workflow."""
    installation = client_for(credentials).installation
    if installation is not None:
        return f"{installation.ask('GET /app')['slug']}[bot]"
    try:
        return Request(credentials, "GET /user").one(login)
    except GitHubDenied as error:
        if error.status == 401:
            raise
        return None


def _date_of(headers: Mapping[str, str]) -> datetime | None:
    """Return the server's time, which may not be ours."""
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError, TypeError):
        return None
