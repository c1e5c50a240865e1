"""Workflows, secrets, releases, statuses and deployments that live in the loopback GitHub."""

import io
import zipfile
from pathlib import Path
from typing import Any

import github as pygithub
import pytest
import requests
from github.Repository import Repository
from github.WorkflowRun import WorkflowRun

from brickwork_github.testing import GitHubServer
from brickwork_github.testing.live import (
    LiveRepository,
    RunPlan,
    actions_of,
    releases_of,
    settings_of,
    statuses_of,
)

BUILD = """
name: Build
on:
  push:
  workflow_dispatch:
    inputs:
      target: {required: true}
      level: {default: info}
"""
NIGHTLY = "name: Nightly\non:\n  repository_dispatch: {types: [night]}\n"


@pytest.fixture
def live(github_server: GitHubServer) -> LiveRepository:
    """A repository with two workflows."""
    folder = ".github/workflows"
    files = {f"{folder}/build.yml": BUILD, f"{folder}/nightly.yaml": NIGHTLY, "README.md": "# B\n"}
    return github_server.repository("acme/bricks", files)


def ask(server: GitHubServer, method: str, path: str, body: Any = None) -> requests.Response:
    """Send a request about the repository; redirects are followed by hand."""
    return requests.request(
        method,
        f"{server.url}/repos/acme/bricks{path}",
        json=body,
        headers={"Authorization": f"token {server.token.reveal()}"},
        timeout=30,
        allow_redirects=False,
    )


def download(server: GitHubServer, path: str) -> bytes:
    """Follow a redirect to a file, without the token."""
    return requests.get(ask(server, "GET", path).headers["Location"], timeout=30).content


def ended(bricks: Repository, run_id: int) -> WorkflowRun:
    """Look at a run until it has ended."""
    for _ in range(20):
        run = bricks.get_workflow_run(run_id)
        if run.status == "completed":
            return run
    raise AssertionError("the run does not end")


def dispatched(server: GitHubServer, **body: Any) -> int:
    """Dispatch the workflow, and return the id of its run."""
    whole = {"ref": "main", "inputs": {"target": "x"}, "return_run_details": True, **body}
    answer = ask(server, "POST", "/actions/workflows/build.yml/dispatches", whole)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["workflow_run_id"])


# Workflows and their runs


def test_workflows_are_the_files_of_the_repository(
    bricks: Repository, live: LiveRepository
) -> None:
    """By file name or id; one that is pushed is there, too."""
    live.commit({".github/workflows/extra.yml": "on: push\n"})
    found = {workflow.path: workflow for workflow in bricks.get_workflows()}
    assert sorted(Path(path).name for path in found) == ["build.yml", "extra.yml", "nightly.yaml"]
    build = found[".github/workflows/build.yml"]
    assert bricks.get_workflow("build.yml").id == bricks.get_workflow(build.id).id
    assert (build.name, build.state) == ("Build", "active")


def test_a_dispatched_run_goes_on_with_each_look(
    github_server: GitHubServer, bricks: Repository, live: LiveRepository
) -> None:
    """Queued, in progress, completed; it knows its inputs, with their defaults."""
    run_id = dispatched(github_server)
    states = [bricks.get_workflow_run(run_id).status for _ in range(3)]

    assert states == ["queued", "in_progress", "completed"]
    assert bricks.get_workflow_run(run_id).conclusion == "success"
    assert actions_of(live).inputs[run_id] == {"target": "x", "level": "info"}


def test_a_dispatch_may_answer_nothing(github_server: GitHubServer, bricks: Repository) -> None:
    """As GitHub did for years; the run is found by event, branch and time then."""
    body = {"ref": "main", "inputs": {"target": "x"}}
    answer = ask(github_server, "POST", "/actions/workflows/build.yml/dispatches", body)
    assert (answer.status_code, answer.content) == (204, b"")

    (run,) = bricks.get_workflow_runs(event="workflow_dispatch", created=">=2020")
    assert run.head_sha == bricks.get_branch("main").commit.sha
    assert list(bricks.get_workflow_runs(created="<2020")) == []
    assert list(bricks.get_workflow_runs(event="push")) == []


@pytest.mark.parametrize(
    ("name", "body", "status", "why"),
    [
        ("none.yml", {"ref": "main"}, 404, "Not Found"),
        ("build.yml", {"ref": "none"}, 422, "No ref found"),
        ("build.yml", {"ref": "main"}, 422, "Required input 'target'"),
        ("build.yml", {"ref": "main", "inputs": {"tarte": 1}}, 422, "Unexpected inputs"),
        ("nightly.yaml", {"ref": "main"}, 422, "'workflow_dispatch' trigger"),
    ],
)
def test_a_dispatch_that_cannot_be_is_refused(
    github_server: GitHubServer, live: LiveRepository, name: str, body: Any, status: int, why: str
) -> None:
    """No such workflow or branch, wrong inputs, no such trigger."""
    answer = ask(github_server, "POST", f"/actions/workflows/{name}/dispatches", body)
    assert answer.status_code == status
    assert why in answer.json()["message"]
    assert actions_of(live).runs == {}


def test_a_disabled_workflow_does_not_run(github_server: GitHubServer, bricks: Repository) -> None:
    """Until it is enabled again."""
    workflow = bricks.get_workflow("build.yml")
    assert ask(github_server, "PUT", "/actions/workflows/build.yml/disable").status_code == 204
    assert bricks.get_workflow("build.yml").state == "disabled_manually"
    assert not workflow.create_dispatch("main", {"target": "x"})
    assert ask(github_server, "PUT", "/actions/workflows/build.yml/enable").status_code == 204
    assert dispatched(github_server)


def test_a_test_says_how_a_run_goes(
    github_server: GitHubServer, bricks: Repository, live: LiveRepository
) -> None:
    """How it ends, after how many looks, what it prints and leaves."""
    wheel = {"dist/bricks.whl": b"wheel"}
    plan = RunPlan("failure", looks=2, log="No mortar\n", artifacts={"wheel": wheel})
    actions_of(live).planned.append(plan)
    run_id = dispatched(github_server)
    assert ask(github_server, "GET", f"/actions/runs/{run_id}/logs").status_code == 404

    assert ended(bricks, run_id).conclusion == "failure"
    with zipfile.ZipFile(
        io.BytesIO(download(github_server, f"/actions/runs/{run_id}/logs"))
    ) as logs:
        assert logs.read("0_build.txt").endswith(b"Z No mortar\n")
    (artifact,) = bricks.get_workflow_run(run_id).get_artifacts()
    content = download(github_server, f"/actions/artifacts/{artifact.id}/zip")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.read("dist/bricks.whl") == b"wheel"
    assert artifact.size_in_bytes == len(content)
    assert artifact.delete()
    assert list(bricks.get_artifacts()) == []


def test_a_job_has_steps_and_a_log(github_server: GitHubServer, bricks: Repository) -> None:
    """It is done when the run is."""
    run = ended(bricks, dispatched(github_server))
    (job,) = run.jobs()
    assert [(step.name, step.conclusion) for step in job.steps] == [("Run make", "success")]
    assert download(github_server, f"/actions/jobs/{job.id}/logs").endswith(b"Z Done.\n")


def test_a_run_is_cancelled_once(github_server: GitHubServer, bricks: Repository) -> None:
    """It ends soon after; what has ended cannot be cancelled."""
    run = bricks.get_workflow_run(dispatched(github_server))
    assert run.cancel()
    assert ended(bricks, run.id).conclusion == "cancelled"
    assert ask(github_server, "POST", f"/actions/runs/{run.id}/cancel").status_code == 409


def test_a_run_is_run_again(
    github_server: GitHubServer, bricks: Repository, live: LiveRepository
) -> None:
    """As another attempt, by itself a better one; and when all was well, no failed jobs are."""
    actions_of(live).planned.append(RunPlan("failure"))
    run = ended(bricks, dispatched(github_server))
    assert (
        ask(github_server, "POST", f"/actions/runs/{run.id}/rerun-failed-jobs").status_code == 201
    )
    again = ended(bricks, run.id)

    assert (again.run_attempt, again.conclusion) == (2, "success")
    assert (
        ask(github_server, "POST", f"/actions/runs/{run.id}/rerun-failed-jobs").status_code == 403
    )
    assert ask(github_server, "DELETE", f"/actions/runs/{run.id}").status_code == 204
    assert list(bricks.get_workflow_runs()) == []


def test_a_repository_dispatch_starts_those_who_wait_for_it(
    bricks: Repository, live: LiveRepository
) -> None:
    """By the type of the event."""
    assert bricks.create_repository_dispatch("day", {})
    assert bricks.create_repository_dispatch("night", {"moon": "full"})
    (run,) = bricks.get_workflow_runs()
    assert (run.name, run.event) == ("Nightly", "repository_dispatch")
    assert actions_of(live).inputs[run.id] == {"moon": "full"}


# Secrets and variables


def test_secrets_are_opened_with_the_repositorys_key(
    github_server: GitHubServer, bricks: Repository, live: LiveRepository
) -> None:
    """A test sees whether the right thing was sealed; GitHub shows only names."""
    bricks.create_secret("deploy_key", "s3cret ü")
    assert settings_of(live).secrets == {("", "DEPLOY_KEY"): "s3cret ü"}
    assert [secret.name for secret in bricks.get_secrets()] == ["DEPLOY_KEY"]
    assert set(ask(github_server, "GET", "/actions/secrets/DEPLOY_KEY").json()) == {
        "name",
        "created_at",
        "updated_at",
    }
    key = ask(github_server, "GET", "/actions/secrets/public-key").json()["key_id"]
    for body in [
        {"encrypted_value": "c2VhbGVk", "key_id": key},
        {"encrypted_value": "c2VhbGVk", "key_id": "1"},
    ]:
        assert ask(github_server, "PUT", "/actions/secrets/OTHER", body).status_code == 422
    assert ask(github_server, "DELETE", "/actions/secrets/DEPLOY_KEY").status_code == 204
    assert settings_of(live).secrets == {}


def test_an_environment_has_secrets_and_variables_of_its_own(
    github_server: GitHubServer, live: LiveRepository
) -> None:
    """The same name may stand for something else there."""
    for place, value in [("/actions", "a"), ("/environments/production", "b")]:
        body = {"name": "level", "value": value}
        assert ask(github_server, "POST", f"{place}/variables", body).status_code == 201
    shown = ask(github_server, "GET", "/environments/production/variables/LEVEL").json()
    assert shown["value"] == "b"
    assert len(settings_of(live).variables) == 2


def test_variables_are_made_changed_and_deleted(
    github_server: GitHubServer, bricks: Repository
) -> None:
    """Twice the same name is a conflict."""
    variable = bricks.create_variable("LEVEL", "1")
    body = {"name": "level", "value": "2"}
    assert ask(github_server, "POST", "/actions/variables", body).status_code == 409
    variable.edit("3")
    assert [(each.name, each.value) for each in bricks.get_variables()] == [("LEVEL", "3")]
    variable.delete()
    assert ask(github_server, "GET", "/actions/variables/LEVEL").status_code == 404


# Releases


def test_a_release_makes_its_tag_and_is_the_latest(
    bricks: Repository, live: LiveRepository
) -> None:
    """A draft and a pre-release are not; a draft has no tag yet."""
    release = bricks.create_git_release("v1", "One", "The first")
    bricks.create_git_release("v2", "Two", "", draft=True)
    bricks.create_git_release("v3", "Three", "", prerelease=True)

    assert bricks.get_latest_release().id == release.id
    assert [each.tag_name for each in bricks.get_releases()] == ["v3", "v2", "v1"]
    assert sorted(tag.name for tag in bricks.get_tags()) == ["v1", "v3"]
    assert live.git.resolve("v1", "commit") == live.git.resolve("main", "commit")
    assert bricks.get_release("v1").body == "The first"
    with pytest.raises(pygithub.UnknownObjectException):
        bricks.get_release("v2")
    with pytest.raises(pygithub.GithubException, match="already_exists"):
        bricks.create_git_release("v1", "Again", "")


def test_notes_name_what_has_come_since(bricks: Repository, live: LiveRepository) -> None:
    """The commits after the release before."""
    bricks.create_git_release("v1", "One", "")
    live.commit({"a": "b"}, "Lay a stone")
    notes = bricks.generate_release_notes("v2")
    assert "* Lay a stone by @octocat" in notes.body
    assert "Add files" not in notes.body
    assert notes.body.endswith("/acme/bricks/compare/v1...v2")


def test_assets_are_uploaded_and_downloaded(
    github_server: GitHubServer, bricks: Repository, live: LiveRepository, tmp_path: Path
) -> None:
    """Byte for byte, also if they are JSON; a name only once."""
    file = tmp_path / "a.json"
    file.write_text('{ "a" :  1 }\n')
    release = bricks.create_git_release("v1", "One", "")
    asset = release.upload_asset(str(file), name="a.json", label="A")

    answer = requests.get(
        asset.url,
        headers={
            "Authorization": f"token {github_server.token.reveal()}",
            "Accept": "application/octet-stream",
        },
        allow_redirects=False,
        timeout=30,
    )
    assert requests.get(answer.headers["Location"], timeout=30).content == file.read_bytes()
    assert releases_of(live).contents == {asset.id: file.read_bytes()}
    with pytest.raises(pygithub.GithubException, match="already_exists"):
        release.upload_asset(str(file), name="a.json")
    assert asset.delete_asset()
    assert list(release.get_assets()) == []


def test_the_next_release_is_the_latest_when_the_latest_is_deleted(bricks: Repository) -> None:
    """The tag stays."""
    bricks.create_git_release("v1", "One", "")
    bricks.create_git_release("v2", "Two", "").delete_release()
    assert bricks.get_latest_release().tag_name == "v1"
    assert sorted(tag.name for tag in bricks.get_tags()) == ["v1", "v2"]


# Statuses, checks, deployments


def test_the_worst_last_status_counts(bricks: Repository) -> None:
    """Of each context the last one; pending as long as one is."""
    commit = bricks.get_commit("main")
    assert commit.get_combined_status().state == "pending"
    commit.create_status("failure", context="build")
    commit.create_status("success", context="build")
    assert commit.get_combined_status().state == "success"
    commit.create_status("error", "https://example.com/1", "Broken", "lint")
    combined = commit.get_combined_status()
    assert (combined.state, combined.total_count) == ("failure", 2)


def test_a_check_goes_from_queued_to_a_conclusion(bricks: Repository, live: LiveRepository) -> None:
    """Annotations add up; a completed one has a conclusion."""
    sha = bricks.get_branch("main").commit.sha
    check = bricks.create_check_run("lint", sha, status="in_progress")
    note = {
        "path": "README.md",
        "start_line": 1,
        "end_line": 1,
        "annotation_level": "warning",
        "message": "Short",
    }
    output: Any = {"title": "Lint", "summary": "One", "annotations": [note]}
    check.edit(output=output)
    check.edit(output=output, status="completed", conclusion="neutral")

    assert check.output.annotations_count == 2
    assert [each.message for each in check.get_annotations()] == ["Short", "Short"]
    (found,) = bricks.get_commit(sha).get_check_runs(check_name="lint")
    assert (found.status, found.conclusion) == ("completed", "neutral")
    assert found.completed_at is not None
    with pytest.raises(pygithub.GithubException, match="conclusion"):
        bricks.create_check_run("build", sha, status="completed")
    assert statuses_of(live).checks[check.id]["name"] == "lint"


def test_a_deployment_waits_for_the_statuses_of_its_commit(bricks: Repository) -> None:
    """A failed one is a conflict, unless it is not required; its states are told."""
    bricks.get_commit("main").create_status("failure", context="build")
    with pytest.raises(pygithub.GithubException, match="status checks failed") as refused:
        bricks.create_deployment("main")
    assert refused.value.status == 409

    deployment = bricks.create_deployment("main", required_contexts=[], environment="staging")
    deployment.create_status("in_progress")
    deployment.create_status("success", environment_url="https://staging.example.com")
    assert [each.state for each in deployment.get_statuses()] == ["success", "in_progress"]
    assert [each.id for each in bricks.get_deployments(environment="staging")] == [deployment.id]
    assert list(bricks.get_deployments(environment="production")) == []


def test_an_active_deployment_is_not_deleted(
    github_server: GitHubServer, bricks: Repository
) -> None:
    """An inactive one is."""
    deployment = bricks.create_deployment("main")
    deployment.create_status("success")
    path = f"/deployments/{deployment.id}"
    assert ask(github_server, "DELETE", path).status_code == 422
    deployment.create_status("inactive")
    assert ask(github_server, "DELETE", path).status_code == 204
    assert ask(github_server, "GET", path).status_code == 404
