"""Tasks that start workflows, and the search for the runs that they became."""

from typing import Any

import pytest

from brickwork import InvalidArguments, Secret
from brickwork.testing.task import no_waiting
from brickwork_github import (
    DispatchedRun,
    GitHubCredentials,
    GitHubDenied,
    GitHubError,
    GitHubInvalid,
    GitHubNotFound,
    GitHubTimeout,
    GitHubUnavailable,
    create_repository_dispatch,
    disable_workflow,
    dispatch_workflow,
    enable_workflow,
)
from brickwork_github.testing import GitHubServer
from brickwork_github.testing.faults import Fault, bad_credentials, cut, denied, server_error
from brickwork_github.testing.live import LiveRepository
from brickwork_github.testing.live.actions import actions_of

REPO = "acme/data"
LOAD = """\
name: Load
run-name: Load ${{ inputs.day }} ${{ inputs.marker }}
on:
  workflow_dispatch:
    inputs:
      day: {required: true}
      full: {default: "false"}
      marker: {default: ""}
jobs: {}
"""
PUSH = "name: Push\non: push\njobs: {}\n"
EVENT = "name: Event\non: {repository_dispatch: {types: [data-ready]}}\njobs: {}\n"

ACTIONS = "/repos/{owner}/{repo}/actions"
DISPATCH = f"POST {ACTIONS}/workflows/{{workflow_id}}/dispatches"
WORKFLOW_RUNS = f"GET {ACTIONS}/workflows/{{workflow_id}}/runs"


@pytest.fixture
def repo(github_server: GitHubServer) -> LiveRepository:
    """A repository with workflows."""
    files = {"load.yml": LOAD, "push.yml": PUSH, "event.yaml": EVENT}
    return github_server.repository(
        REPO, {f".github/workflows/{name}": text for name, text in files.items()}
    )


@pytest.fixture
def silent(repo: LiveRepository) -> LiveRepository:
    """The same on a server that does not say which run a dispatch has started."""
    actions_of(repo).silent = True
    return repo


# Dispatching


def test_a_dispatch_gives_its_run(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """GitHub is asked which run it is; inputs go as the texts that workflows compare."""
    started = dispatch_workflow(
        github_credentials, REPO, ".github/workflows/load.yml", inputs={"day": 7, "full": True}
    )
    (run,) = actions_of(repo).runs
    assert started == DispatchedRun(run, f"https://github.com/{REPO}/actions/runs/{run}", "answer")
    (asked,) = github_server.asked(DISPATCH)
    assert asked.path["workflow_id"] == "load.yml"
    assert asked.body == {
        "ref": "main",
        "inputs": {"day": "7", "full": "true"},
        "return_run_details": True,
    }


@pytest.mark.parametrize(
    ("workflow", "options", "message"),
    [
        ("load.yml", {}, "Required input 'day' not provided"),
        ("load.yml", {"inputs": {"day": 1, "dya": 2}}, "Unexpected inputs provided"),
        ("load.yml", {"inputs": {"day": 1}, "ref": "none"}, "No ref found"),
        ("push.yml", {}, "does not have 'workflow_dispatch'"),
    ],
)
def test_a_dispatch_that_github_does_not_take_is_sent_once(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    repo: LiveRepository,
    workflow: str,
    options: dict[str, Any],
    message: str,
) -> None:
    """What is wrong is what GitHub says, and no other form of it is tried."""
    with pytest.raises(GitHubInvalid, match=message):
        dispatch_workflow(github_credentials, REPO, workflow, **options)
    assert len(github_server.asked(DISPATCH)) == 1
    assert not actions_of(repo).runs


def test_a_missing_or_a_disabled_workflow_is_not_started(
    github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """The former is not found, the latter denied, until it is enabled again."""
    with pytest.raises(GitHubNotFound):
        dispatch_workflow(github_credentials, REPO, "none.yml")
    disable_workflow(github_credentials, REPO, "load.yml")
    with pytest.raises(GitHubDenied, match="disabled workflow"):
        dispatch_workflow(github_credentials, REPO, "load.yml", inputs={"day": 1})
    enable_workflow(github_credentials, REPO, "load.yml")
    dispatch_workflow(github_credentials, REPO, "load.yml", inputs={"day": 1})
    assert len(actions_of(repo).runs) == 1


@pytest.mark.parametrize("value", [Secret("correct horse"), [{"key": Secret("correct horse")}]])
def test_no_secret_is_an_input(
    github_server: GitHubServer, github_credentials: GitHubCredentials, value: Any
) -> None:
    """All who see the run would see it, so nothing is sent."""
    with pytest.raises(InvalidArguments, match="set_secret") as caught:
        dispatch_workflow(github_credentials, REPO, "load.yml", inputs={"password": value})
    assert "correct horse" not in str(caught.value)
    with pytest.raises(InvalidArguments, match="client_payload"):
        create_repository_dispatch(github_credentials, REPO, "go", client_payload={"a": value})
    assert not github_server.requests


def test_a_lost_dispatch_is_not_sent_again(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """It may have begun, and without a marker nobody can say as which run."""
    github_server.fail(DISPATCH, cut(0))
    with no_waiting(), pytest.raises(GitHubUnavailable, match="no answer") as caught:
        dispatch_workflow(github_credentials, REPO, "load.yml", inputs={"day": 1})
    assert "Look whether it was done" in caught.value.fix
    assert len(actions_of(repo).runs) == 1


def test_a_lost_dispatch_with_a_marker_is_found(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """Its title has a text that no other has; the run of another with like inputs is not it."""
    dispatch_workflow(github_credentials, REPO, "load.yml", inputs={"day": 1, "marker": "other"})
    github_server.fail(DISPATCH, cut(0))
    with no_waiting():
        started = dispatch_workflow(
            github_credentials, REPO, "load.yml", inputs={"day": 1}, marker_input="marker"
        )
    assert started.found_by == "marker"
    assert list(actions_of(repo).runs) == [started.run_id - 1, started.run_id]
    marker = actions_of(repo).inputs[started.run_id]["marker"]
    assert len(marker) == 32


def test_a_dispatch_that_was_lost_on_its_way_is_told_as_lost(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """When no run with the marker shows in time, the first error counts."""
    github_server.fail(DISPATCH, server_error(502))
    with no_waiting() as waits, pytest.raises(GitHubUnavailable, match="502"):
        dispatch_workflow(
            github_credentials, REPO, "load.yml", inputs={"day": 1}, marker_input="marker"
        )
    assert 59 < sum(waits) < 61
    assert not actions_of(repo).runs


# Servers that do not say which run it is


def test_an_older_server_is_asked_for_the_run(
    github_server: GitHubServer, github_credentials: GitHubCredentials, silent: LiveRepository
) -> None:
    """Only runs of this workflow, branch and account count that were not there before."""
    actions_of(silent).silent = False
    dispatch_workflow(github_credentials, REPO, "load.yml", inputs={"day": 1})
    actions_of(silent).silent = True
    with no_waiting():
        started = dispatch_workflow(
            github_credentials, REPO, "load.yml", ref="refs/heads/main", inputs={"day": 1}
        )
    assert started.found_by == "search"
    assert started.run_id == max(actions_of(silent).runs)
    before, *_, after = github_server.asked(WORKFLOW_RUNS)
    assert before.query == {
        "event": "workflow_dispatch",
        "branch": "main",
        "actor": "octocat",
        "per_page": "100",
    }
    assert after.query["created"].endswith("..*")
    assert [asked.body.get("return_run_details") for asked in github_server.asked(DISPATCH)] == [
        True,
        True,
        None,
    ]


def test_a_server_that_takes_no_unknown_field_is_asked_without(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """Some only say that the request is bad; nothing was started by it."""
    github_server.fail(DISPATCH, Fault(400, {"message": "Bad Request"}))
    inputs: dict[str, int | str] = {"day": 1, "marker": "order-1742"}
    started = dispatch_workflow(
        github_credentials, REPO, "load.yml", inputs=inputs, marker_input="marker"
    )
    assert (started.found_by, [started.run_id]) == ("marker", list(actions_of(repo).runs))


def test_an_older_server_shows_the_marker(
    github_credentials: GitHubCredentials, silent: LiveRepository
) -> None:
    """With a text of one's own the run is sure, whatever else runs."""
    inputs: dict[str, int | str] = {"day": 1, "marker": "order-1742"}
    started = dispatch_workflow(
        github_credentials, REPO, "load.yml", inputs=inputs, marker_input="marker"
    )
    assert started.found_by == "marker"
    assert actions_of(silent).runs[started.run_id].shown["display_title"] == "Load 1 order-1742"


def test_of_two_new_runs_none_is_taken(
    github_server: GitHubServer, github_credentials: GitHubCredentials, silent: LiveRepository
) -> None:
    """Another process of the same account starts one meanwhile: nobody can tell them apart."""

    def two(asked: Any) -> Any:
        run = github_server.example(WORKFLOW_RUNS)["workflow_runs"][0]
        mine = [{**run, "id": 7}, {**run, "id": 8}] if "created" in asked.query else []
        return {"total_count": len(mine), "workflow_runs": mine}

    github_server.answer(WORKFLOW_RUNS, two)
    with no_waiting(), pytest.raises(GitHubError, match="one of the runs 7, 8") as caught:
        dispatch_workflow(github_credentials, REPO, "load.yml", inputs={"day": 1})
    assert "marker_input" in caught.value.fix


def test_a_run_that_shows_first_need_not_be_ours(
    github_server: GitHubServer, github_credentials: GitHubCredentials, silent: LiveRepository
) -> None:
    """A second look is taken, at which the other one shows, too."""
    run = github_server.example(WORKFLOW_RUNS)["workflow_runs"][0]
    shown = iter([[], [7], [7, 8]])

    def later(_asked: Any) -> Any:
        found = [{**run, "id": number} for number in next(shown)]
        return {"total_count": len(found), "workflow_runs": found}

    github_server.answer(WORKFLOW_RUNS, later)
    with no_waiting(), pytest.raises(GitHubError, match="one of the runs 7, 8"):
        dispatch_workflow(github_credentials, REPO, "load.yml", inputs={"day": 1})


def test_a_run_that_does_not_show_is_not_waited_for_forever(
    github_server: GitHubServer, github_credentials: GitHubCredentials, silent: LiveRepository
) -> None:
    """It says that the workflow was started, and that GitHub may be slow."""
    github_server.answer(WORKFLOW_RUNS, {"total_count": 0, "workflow_runs": []})
    with no_waiting() as waits, pytest.raises(GitHubTimeout, match="was started"):
        dispatch_workflow(github_credentials, REPO, "load.yml", inputs={"day": 1}, find_seconds=20)
    assert 19 < sum(waits) < 21


def test_who_is_nobody_starts_nothing_on_an_older_server(
    github_server: GitHubServer, github_credentials: GitHubCredentials, silent: LiveRepository
) -> None:
    """The token of a workflow is nobody's: its runs cannot be told from those of others."""
    github_server.fail("GET /user", denied())
    with pytest.raises(GitHubError, match="was not started") as caught:
        dispatch_workflow(github_credentials, REPO, "load.yml", inputs={"day": 1})
    assert "marker_input" in caught.value.fix
    assert not actions_of(silent).runs


def test_an_app_is_known_by_its_slug(github_server: GitHubServer, silent: LiveRepository) -> None:
    """The runs of an App are those of its robot."""
    app = github_server.app
    credentials = github_server.credentials(
        app={"app_id": app.app_id, "private_key": app.private_key, "installation": REPO}
    )
    github_server.answer(WORKFLOW_RUNS, {"total_count": 0, "workflow_runs": []})
    with no_waiting(), pytest.raises(GitHubTimeout):
        dispatch_workflow(credentials, REPO, "load.yml", inputs={"day": 1})
    actor = github_server.asked(WORKFLOW_RUNS)[0].query["actor"]
    assert actor == f"{github_server.example('GET /app')['slug']}[bot]"


def test_a_server_that_says_nothing_is_no_reason_to_guess(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """It takes the request, and answers without a run: only a marker could find it then."""
    github_server.answer(DISPATCH, status=204)
    with pytest.raises(GitHubError, match="was started, and the server does not say") as caught:
        dispatch_workflow(github_credentials, REPO, "load.yml")
    assert "marker_input" in caught.value.fix
    assert not github_server.asked(WORKFLOW_RUNS)


def test_a_dispatch_that_an_older_server_did_not_answer_is_found(
    github_server: GitHubServer, github_credentials: GitHubCredentials, silent: LiveRepository
) -> None:
    """It shows as the only new run, and is not sent again."""
    refusal = {"message": 'Invalid request.\n\n"return_run_details" is not a permitted key.'}
    github_server.fail(DISPATCH, Fault(422, refusal))
    github_server.fail(DISPATCH, cut(0))
    with no_waiting():
        started = dispatch_workflow(github_credentials, REPO, "load.yml", inputs={"day": 1})
    assert started.found_by == "search"
    assert list(actions_of(silent).runs) == [started.run_id]


def test_a_token_that_has_ended_is_not_taken_for_nobody(
    github_server: GitHubServer, github_credentials: GitHubCredentials, silent: LiveRepository
) -> None:
    """The error is that of the token, and nothing was started."""
    github_server.fail("GET /user", bad_credentials())
    with pytest.raises(GitHubDenied, match="Bad credentials"):
        dispatch_workflow(github_credentials, REPO, "load.yml", inputs={"day": 1})
    assert not actions_of(silent).runs


def test_a_marker_that_two_runs_have_is_none(
    github_credentials: GitHubCredentials, silent: LiveRepository
) -> None:
    """A text of one's own was used before: which run it is cannot be said."""
    inputs: dict[str, int | str] = {"day": 1, "marker": "order-1742"}
    dispatch_workflow(github_credentials, REPO, "load.yml", inputs=inputs, marker_input="marker")
    with pytest.raises(GitHubError, match="one of the runs"):
        dispatch_workflow(
            github_credentials, REPO, "load.yml", inputs=inputs, marker_input="marker"
        )
