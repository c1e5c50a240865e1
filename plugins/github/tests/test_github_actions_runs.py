"""Tasks that follow and steer workflow runs."""

import threading
from contextvars import copy_context
from datetime import UTC, datetime
from typing import Any

import pytest

from brickwork import InvalidArguments, Progress, Scope, TaskCancelled, TaskTimeout, on_progress
from brickwork.testing.task import no_waiting
from brickwork_github import (
    GitHubConflict,
    GitHubCredentials,
    GitHubDenied,
    GitHubNotFound,
    GitHubRunFailed,
    GitHubTimeout,
    GitHubUnavailable,
    WorkflowRun,
    cancel_workflow_run,
    create_repository_dispatch,
    dispatch_workflow,
    get_workflow_run,
    list_pending_deployments,
    list_workflow_jobs,
    list_workflow_runs,
    list_workflows,
    rerun_failed_jobs,
    rerun_workflow_run,
    review_pending_deployments,
    run_workflow,
    wait_for_workflow_run,
)
from brickwork_github.testing import GitHubServer
from brickwork_github.testing.faults import (
    cut,
    denied,
    not_found,
    reset,
    secondary_limit,
    server_error,
)
from brickwork_github.testing.live import LiveRepository
from brickwork_github.testing.live.actions import RunPlan, actions_of

REPO = "acme/data"
LOAD = "name: Load\non: {workflow_dispatch: {}, repository_dispatch: {}}\njobs: {}\n"

ACTIONS = "/repos/{owner}/{repo}/actions"
RUNS = f"GET {ACTIONS}/runs"
RUN = f"GET {ACTIONS}/runs/{{run_id}}"
JOBS = f"GET {ACTIONS}/runs/{{run_id}}/jobs"
CANCEL = f"POST {ACTIONS}/runs/{{run_id}}/cancel"
RERUN = f"POST {ACTIONS}/runs/{{run_id}}/rerun"
JOB_LOG = f"GET {ACTIONS}/jobs/{{job_id}}/logs"
PENDING = f"{ACTIONS}/runs/{{run_id}}/pending_deployments"


@pytest.fixture
def repo(github_server: GitHubServer) -> LiveRepository:
    """A repository with a workflow."""
    return github_server.repository(REPO, {".github/workflows/load.yml": LOAD})


@pytest.fixture
def credentials(github_credentials: GitHubCredentials) -> GitHubCredentials:
    """Whose."""
    return github_credentials


def started(credentials: GitHubCredentials, repo: LiveRepository, **plan: Any) -> int:
    """Start a run that goes as planned, and return its id."""
    actions_of(repo).planned.append(RunPlan(**plan))
    return dispatch_workflow(credentials, REPO, "load.yml").run_id


# Waiting


def test_a_workflow_is_run_to_its_end(credentials: GitHubCredentials, repo: LiveRepository) -> None:
    """Each look reports the state and the jobs; the pauses grow from five seconds on."""
    reports: list[Progress] = []
    actions_of(repo).planned.append(RunPlan(looks=3))
    with no_waiting() as waits, on_progress(reports.append):
        run = run_workflow(credentials, REPO, "load.yml")
    assert (run.status, run.conclusion, run.is_good) == ("completed", "success", True)
    assert waits == [5, 7.5, 11.25, 16.875, 25.3125, 30]
    assert [(each.done, each.total) for each in reports] == [*[(0, 1)] * 5, (1, 1), (1, 1)]
    assert reports[0].text == f"Workflow run {run.id} of {REPO}: queued"
    assert reports[-1].text.endswith(": success")


@pytest.mark.parametrize("conclusion", ["neutral", "skipped"])
def test_what_did_nothing_did_not_fail(
    credentials: GitHubCredentials, repo: LiveRepository, conclusion: str
) -> None:
    """A run whose jobs were all skipped is as good as any."""
    run_id = started(credentials, repo, conclusion=conclusion)
    with no_waiting():
        assert wait_for_workflow_run(credentials, REPO, run_id).conclusion == conclusion


def test_a_failure_names_jobs_steps_and_the_end_of_the_log(
    github_server: GitHubServer, credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """The log ends with the last error, without times, colours and what comes behind it."""
    token = github_server.token.reveal()
    noise = "\n".join(f"line {n}" for n in range(100))
    log = f"{noise}\n\x1b[31m##[error]make: {token} refused\x1b[0m\nPost job cleanup.\n"
    run_id = started(credentials, repo, conclusion="failure", log=log)
    with no_waiting(), pytest.raises(GitHubRunFailed) as caught:
        wait_for_workflow_run(credentials, REPO, run_id)
    error = caught.value
    assert error.what == (
        f"Workflow run {run_id} of {REPO} (Load) ended as failure:"
        " job build failure (step Run make)."
    )
    assert (error.conclusion, error.run_id) == ("failure", run_id)
    assert error.url == f"https://github.com/{REPO}/actions/runs/{run_id}"
    assert error.jobs == ("job build failure (step Run make)",)
    assert len(error.log) == 20
    assert error.log[-2:] == ("line 99", "Error: make: *** refused")
    assert error.__notes__[-1] == "log: Error: make: *** refused"
    assert token not in f"{error} {error.__notes__}"


def test_a_failure_without_a_log_is_told(
    github_server: GitHubServer, credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """Logs are deleted after a while, and a job that never began has none."""
    run_id = started(credentials, repo, conclusion="startup_failure")
    github_server.answer(JOBS, {"total_count": 0, "jobs": []})
    with no_waiting(), pytest.raises(GitHubRunFailed, match="ended as startup_failure") as caught:
        wait_for_workflow_run(credentials, REPO, run_id)
    assert (caught.value.jobs, caught.value.log) == ((), ())
    run_id = started(credentials, repo, conclusion="failure")
    job = github_server.example(JOBS)["jobs"][0]
    failed = {**job, "conclusion": "failure"}
    github_server.answer(JOBS, {"total_count": 1, "jobs": [failed]})
    github_server.fail(JOB_LOG, not_found())
    with no_waiting(), pytest.raises(GitHubRunFailed, match="job build failure") as caught:
        wait_for_workflow_run(credentials, REPO, run_id)
    assert caught.value.log == ()


def test_a_run_that_was_cancelled_has_failed(
    credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """Somebody else cancels it: what it should have done is not done."""
    run_id = started(credentials, repo, stays="waiting")
    cancel_workflow_run(credentials, REPO, run_id)
    with no_waiting(), pytest.raises(GitHubRunFailed) as caught:
        wait_for_workflow_run(credentials, REPO, run_id)
    assert caught.value.conclusion == "cancelled"


@pytest.mark.parametrize("cancel", [False, True])
def test_a_wait_ends_when_its_time_is_up(
    github_server: GitHubServer, credentials: GitHubCredentials, repo: LiveRepository, cancel: bool
) -> None:
    """The run goes on, unless it should be cancelled; it can be waited for again."""
    run_id = started(credentials, repo, stays="waiting")
    with no_waiting() as waits, pytest.raises(GitHubTimeout, match="within 60 s") as caught:
        wait_for_workflow_run(credentials, REPO, run_id, max_wait_seconds=60, cancel_on_stop=cancel)
    assert 59 < sum(waits) < 61
    assert ("told to stop" in caught.value.fix) == cancel
    assert len(github_server.asked(CANCEL)) == cancel
    if cancel:
        get_workflow_run(credentials, REPO, run_id)
        assert get_workflow_run(credentials, REPO, run_id).conclusion == "cancelled"


@pytest.mark.parametrize("cancel", [False, True])
def test_a_cancelled_wait_cancels_the_run_if_it_should(
    github_server: GitHubServer, credentials: GitHubCredentials, repo: LiveRepository, cancel: bool
) -> None:
    """The request gets through though the task's own time is over."""
    run_id = started(credentials, repo, stays="in_progress")
    looked = threading.Event()
    ended: list[BaseException] = []

    def wait() -> None:
        try:
            with on_progress(lambda _report: looked.set()):
                wait_for_workflow_run(credentials, REPO, run_id, cancel_on_stop=cancel)
        except TaskCancelled as error:
            ended.append(error)

    with Scope("test") as scope:
        thread = threading.Thread(target=copy_context().run, args=(wait,))
        thread.start()
        assert looked.wait(10)
        scope.cancel()
        thread.join(10)
    assert isinstance(ended[0], TaskCancelled)
    assert len(github_server.asked(CANCEL)) == cancel
    assert actions_of(repo).runs[run_id].cancelled == cancel


@pytest.mark.parametrize("cancel", [False, True])
def test_ctrl_c_cancels_the_run_if_it_should(
    github_server: GitHubServer, credentials: GitHubCredentials, repo: LiveRepository, cancel: bool
) -> None:
    """Whoever waits at a terminal is through with it."""

    def pressed(_report: Progress) -> None:
        raise KeyboardInterrupt

    run_id = started(credentials, repo, stays="in_progress")
    with on_progress(pressed), pytest.raises(KeyboardInterrupt):
        wait_for_workflow_run(credentials, REPO, run_id, cancel_on_stop=cancel)
    assert len(github_server.asked(CANCEL)) == cancel


def test_a_run_that_cannot_be_cancelled_is_told_beside_what_stopped_the_task(
    github_server: GitHubServer, credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """The time-out stays the error; that the run may go on is a note."""
    run_id = started(credentials, repo, stays="in_progress")
    github_server.fail(CANCEL, denied("actions=write"))
    waiting = wait_for_workflow_run.with_options(timeout_seconds=20)
    with no_waiting(), pytest.raises(TaskTimeout) as caught:
        waiting(credentials, REPO, run_id, cancel_on_stop=True)
    assert "could not be cancelled" in caught.value.__notes__[0]
    assert "actions=write" in caught.value.__notes__[0]


def test_a_wait_outlasts_limits_and_failures(
    github_server: GitHubServer, credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """A secondary limit is waited out; 5xx and broken connections are asked again."""
    run_id = started(credentials, repo)
    github_server.fail(RUN, secondary_limit(retry_after=30))
    github_server.fail(JOBS, server_error(502), times=2)
    github_server.fail(JOBS, reset())
    with no_waiting() as waits:
        assert wait_for_workflow_run(credentials, REPO, run_id).is_good
    assert any(29 < wait <= 30 for wait in waits)


def test_looks_at_what_has_not_changed_are_free(
    github_server: GitHubServer, credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """A run that waits for days does not use up the rate limit."""
    run_id = started(credentials, repo, stays="waiting")
    github_server.answer(RUN, get_workflow_run_raw(github_server, repo, run_id))
    left = github_server.quota.remaining
    with no_waiting(), pytest.raises(GitHubTimeout):
        wait_for_workflow_run(credentials, REPO, run_id, max_wait_seconds=3000)
    assert len(github_server.asked(RUN)) > 100
    assert left - github_server.quota.remaining == 2


def get_workflow_run_raw(server: GitHubServer, repo: LiveRepository, run_id: int) -> dict[str, Any]:
    """Return a run as the server shows it, and always the same."""
    return {**server.example(RUN), **actions_of(repo).runs[run_id].shown}


def test_the_jobs_of_a_large_matrix_are_counted(
    github_server: GitHubServer, credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """They come in pages, too."""
    run_id = started(credentials, repo)
    job = github_server.example(JOBS)["jobs"][0]
    jobs = [{**job, "id": n, "name": f"build ({n})"} for n in range(256)]
    github_server.answer(JOBS, {"total_count": 256, "jobs": jobs})
    reports: list[Progress] = []
    with no_waiting(), on_progress(reports.append):
        wait_for_workflow_run(credentials, REPO, run_id)
    assert reports[-1].total == 256
    found = list_workflow_jobs(credentials, REPO, run_id, attempts="all")
    assert [each.name for each in found] == [each["name"] for each in jobs]
    assert github_server.asked(JOBS)[-1].query["filter"] == "all"
    assert len(list_workflow_jobs(credentials, REPO, run_id, limit=150)) == 150


# Again


def test_a_run_is_run_again_and_waited_for(
    github_server: GitHubServer, credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """The first attempt, which GitHub may still show for a while, is not taken for the second."""
    run_id = started(credentials, repo, conclusion="failure")
    with no_waiting(), pytest.raises(GitHubRunFailed):
        wait_for_workflow_run(credentials, REPO, run_id)
    old = get_workflow_run_raw(github_server, repo, run_id)
    attempt = rerun_failed_jobs(credentials, REPO, run_id, debug=True)
    assert attempt == 2
    assert github_server.asked(f"{RERUN}-failed-jobs")[0].body == {"enable_debug_logging": True}
    github_server.answer(RUN, old, times=2)
    with no_waiting():
        run = wait_for_workflow_run(credentials, REPO, run_id, attempt=attempt)
    assert (run.attempt, run.conclusion) == (2, "success")


def test_a_run_that_runs_is_not_run_again(
    github_server: GitHubServer, credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """GitHub refuses it, and the task does not insist."""
    run_id = started(credentials, repo, stays="queued")
    with pytest.raises(GitHubDenied, match="already running"):
        rerun_workflow_run(credentials, REPO, run_id)
    assert len(github_server.asked(RERUN)) == 1


def test_a_lost_rerun_is_found_by_the_number_of_attempts(
    github_server: GitHubServer, credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """One whose answer was lost is done; one that never came is told, and not sent again."""
    run_id = started(credentials, repo)
    with no_waiting():
        wait_for_workflow_run(credentials, REPO, run_id)
    github_server.fail(RERUN, server_error(502))
    with pytest.raises(GitHubUnavailable, match="502"):
        rerun_workflow_run(credentials, REPO, run_id)
    github_server.fail(RERUN, cut(0))
    assert rerun_workflow_run(credentials, REPO, run_id) == 2
    assert len(github_server.asked(RERUN)) == 2


# Cancelling, reading


def test_what_has_ended_is_cancelled_already(
    credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """It stays as it is, and that is no error; for one that still runs, a conflict is."""
    run_id = started(credentials, repo)
    with no_waiting():
        wait_for_workflow_run(credentials, REPO, run_id)
    cancel_workflow_run(credentials, REPO, run_id)
    assert get_workflow_run(credentials, REPO, run_id).conclusion == "success"


def test_a_conflict_of_a_run_that_runs_is_one(
    github_server: GitHubServer, credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """It is not cancelled, which must not be passed over."""
    from brickwork_github.testing.faults import conflict

    run_id = started(credentials, repo, stays="in_progress")
    route = f"POST {ACTIONS}/runs/{{run_id}}/force-cancel"
    github_server.fail(route, conflict("Cannot cancel a workflow run that is not cancelling."))
    with pytest.raises(GitHubConflict, match="not cancelling"):
        cancel_workflow_run(credentials, REPO, run_id, force=True)


def test_a_run_is_read_whole(github_server: GitHubServer, credentials: GitHubCredentials) -> None:
    """Every attribute is that of GitHub's answer."""
    found = github_server.example(RUN)
    assert get_workflow_run(credentials, "octocat/Hello-World", 30433642) == WorkflowRun(
        repository="octo-org/octo-repo",
        id=30433642,
        number=562,
        attempt=1,
        name="Build",
        title="Update README.md",
        workflow_id=159038,
        path=".github/workflows/build.yml@main",
        event="push",
        status="queued",
        conclusion=None,
        branch="main",
        sha="acb5820ced9479c074f688cc328bf03f341a511d",
        actor="octocat",
        url=found["html_url"],
        created_at=datetime(2020, 1, 22, 19, 33, 8, tzinfo=UTC),
        started_at=datetime(2020, 1, 22, 19, 33, 8, tzinfo=UTC),
        updated_at=datetime(2020, 1, 22, 19, 33, 8, tzinfo=UTC),
    )


def test_runs_are_listed_to_the_end_as_filtered(
    github_server: GitHubServer, credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """All pages of the repository's runs, or of one workflow's."""
    run = github_server.example(RUN)
    runs = [{**run, "id": n} for n in range(230)]
    github_server.answer(RUNS, {"total_count": 230, "workflow_runs": runs})
    since = datetime(2026, 5, 1, tzinfo=UTC)
    found = list_workflow_runs(
        credentials, REPO, status="failure", branch="main", actor="octocat", since=since
    )
    assert [each.id for each in found] == list(range(230))
    assert github_server.asked(RUNS)[0].query == {
        "status": "failure",
        "branch": "main",
        "actor": "octocat",
        "created": "2026-05-01T00:00:00Z..*",
        "per_page": "100",
    }
    assert len(list_workflow_runs(credentials, REPO, limit=120)) == 120
    run_id = started(credentials, repo)
    (workflow,) = list_workflows(credentials, REPO)
    of_one = list_workflow_runs(credentials, REPO, workflow=workflow.id, event="workflow_dispatch")
    assert [each.id for each in of_one] == [run_id]
    until = datetime(2020, 1, 1, tzinfo=UTC)
    assert list_workflow_runs(credentials, REPO, workflow="load.yml", until=until) == []


def test_an_event_starts_the_workflows_that_wait_for_it(
    github_server: GitHubServer, credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """What they are told is sent as it is; a lost event is not made again."""
    route = "POST /repos/{owner}/{repo}/dispatches"
    payload = {"day": [1, None], "note": None, "more": {"note": None}}
    create_repository_dispatch(credentials, REPO, "ready", client_payload=payload)
    assert github_server.asked(route)[0].body == {"event_type": "ready", "client_payload": payload}
    (run,) = list_workflow_runs(credentials, REPO, event="repository_dispatch")
    assert run.name == "Load"
    github_server.fail(route, cut(0))
    with no_waiting(), pytest.raises(GitHubUnavailable):
        create_repository_dispatch(credentials, REPO, "ready")
    assert len(github_server.asked(route)) == 2


@pytest.mark.usefixtures("repo")
def test_nothing_is_started_in_an_archive(
    github_server: GitHubServer, credentials: GitHubCredentials
) -> None:
    """It can only be read; the error says what to do."""
    old = github_server.repository("acme/old", {".github/workflows/load.yml": LOAD}, archived=True)
    with pytest.raises(GitHubDenied, match="archived") as caught:
        dispatch_workflow(credentials, "acme/old", "load.yml")
    assert "Unarchive" in caught.value.fix
    assert not actions_of(old).runs
    github_server.fail(RUNS, not_found())
    with pytest.raises(GitHubNotFound):
        list_workflow_runs(credentials, "acme/none")


def test_a_deployment_is_approved_by_its_name(
    github_server: GitHubServer, credentials: GitHubCredentials
) -> None:
    """GitHub wants ids; for what the run does not wait for, nothing is sent."""
    pending = list_pending_deployments(credentials, REPO, 7)
    assert [each.environment for each in pending] == ["staging"]
    with pytest.raises(InvalidArguments, match="does not wait for production") as caught:
        review_pending_deployments(credentials, REPO, 7, ["production"], state="approved")
    assert "staging" in caught.value.fix
    review_pending_deployments(credentials, REPO, 7, ["staging"], state="approved", comment="Go")
    (asked,) = github_server.asked(f"POST {PENDING}")
    assert asked.body == {
        "environment_ids": [pending[0].environment_id],
        "state": "approved",
        "comment": "Go",
    }
