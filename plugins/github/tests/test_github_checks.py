"""Commit statuses, check runs, deployments and rate limits: what is asked, and what it becomes."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from brickwork import InvalidArguments
from brickwork.testing.task import no_waiting
from brickwork_github import (
    CheckAnnotation,
    GitHubConflict,
    GitHubCredentials,
    GitHubDenied,
    GitHubInvalid,
    GitHubNotFound,
    GitHubUnavailable,
    create_check_run,
    create_commit_status,
    create_deployment,
    create_deployment_status,
    delete_deployment,
    get_check_run,
    get_combined_status,
    get_deployment,
    get_rate_limit,
    list_check_annotations,
    list_check_runs,
    list_commit_statuses,
    list_deployment_statuses,
    list_deployments,
    update_check_run,
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
from brickwork_github.testing.live import LiveRepository, statuses_of

REPO = "acme/reports"
STATUS = "POST /repos/{owner}/{repo}/statuses/{sha}"
CREATE = "POST /repos/{owner}/{repo}/check-runs"
UPDATE = "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}"
DEPLOY = "POST /repos/{owner}/{repo}/deployments"
NOWHERE = "0" * 40


@pytest.fixture
def repo(github_server: GitHubServer) -> LiveRepository:
    """Return a repository with a commit."""
    return github_server.repository(REPO, {"README.md": "# Reports\n"})


def remarks(count: int) -> list[CheckAnnotation]:
    """Return so many annotations."""
    return [CheckAnnotation("README.md", n + 1, f"remark {n}", "notice") for n in range(count)]


# Commit statuses


def test_the_last_status_of_a_context_counts(
    github_credentials: GitHubCredentials, repo: LiveRepository, sha: str
) -> None:
    """All that was said is listed; together, the last of each context is."""
    where = (github_credentials, REPO, sha)
    create_commit_status(*where, "pending", context="load")
    create_commit_status(*where, "success", context="lint")
    said = create_commit_status(
        *where, "failure", context="load", description="3 rows lack", target_url="https://x.test/1"
    )
    assert (said.description, said.target_url) == ("3 rows lack", "https://x.test/1")
    assert said.creator == "octocat"
    listed = list_commit_statuses(github_credentials, REPO, "main")
    assert [(each.context, each.state) for each in listed] == [
        ("load", "failure"),
        ("lint", "success"),
        ("load", "pending"),
    ]
    combined = get_combined_status(github_credentials, REPO, "main")
    assert (combined.state, combined.sha) == ("failure", sha)
    assert {each.context: each.state for each in combined.statuses} == {
        "load": "failure",
        "lint": "success",
    }


def test_more_contexts_than_a_page_are_combined(
    github_server: GitHubServer, github_credentials: GitHubCredentials, sha: str
) -> None:
    """The combined status is read to its end, and the first page not paid for twice."""
    for n in range(130):
        create_commit_status(github_credentials, REPO, sha, "success", context=f"part-{n}")
    before = github_server.quota.remaining
    combined = get_combined_status(github_credentials, REPO, sha)
    assert len({each.context for each in combined.statuses}) == 130
    assert before - github_server.quota.remaining == 2
    assert len(list_commit_statuses(github_credentials, REPO, sha, limit=101)) == 101


def test_a_status_may_be_said_twice(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    repo: LiveRepository,
    sha: str,
) -> None:
    """Only the last counts, so what may be lost is said again."""
    github_server.fail(STATUS, cut(0))
    github_server.fail(STATUS, server_error(502))
    with no_waiting():
        create_commit_status(github_credentials, REPO, sha, "success")
    assert {each["state"] for each in statuses_of(repo).statuses[sha]} == {"success"}
    assert get_combined_status(github_credentials, REPO, sha).state == "success"


def test_a_status_of_no_commit_is_refused(
    github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """GitHub knows the repository, and not the commit."""
    with pytest.raises(GitHubInvalid, match="No commit found"):
        create_commit_status(github_credentials, repo.full_name, NOWHERE, "success")


def test_a_rate_limit_is_waited_out(
    github_server: GitHubServer, github_credentials: GitHubCredentials, sha: str
) -> None:
    """A status is said when GitHub takes it again, after as long as it asked for."""
    github_server.fail(STATUS, secondary_limit(retry_after=120))
    with no_waiting() as waited:
        assert create_commit_status(github_credentials, REPO, sha, "success").state == "success"
    assert sum(waited) == pytest.approx(120, abs=1)


# Check runs


def test_a_check_has_all_its_annotations(
    github_server: GitHubServer, github_credentials: GitHubCredentials, sha: str
) -> None:
    """They go by fifties, in order, and the conclusion with the last of them."""
    check = create_check_run(
        github_credentials,
        REPO,
        "lint",
        sha,
        conclusion="neutral",
        summary="Found some.",
        annotations=remarks(120),
    )
    assert (check.conclusion, check.annotations, check.title) == ("neutral", 120, "lint")
    (first,), (second, third) = github_server.asked(CREATE), github_server.asked(UPDATE)
    assert [len(each.body["output"]["annotations"]) for each in (first, second, third)] == [
        50,
        50,
        20,
    ]
    assert ["conclusion" in each.body for each in (first, second, third)] == [False, False, True]
    found = list_check_annotations(github_credentials, REPO, check.id)
    assert [each.message for each in found] == [f"remark {n}" for n in range(120)]
    assert (found[4].start_line, found[4].end_line, found[4].level) == (5, 5, "notice")


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (1, 1), (50, 1), (51, 2), (100, 2)])
def test_annotations_take_no_request_too_many(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    sha: str,
    count: int,
    requests: int,
) -> None:
    """Fifty go with one request."""
    check = create_check_run(github_credentials, REPO, "lint", sha)
    more: dict[str, Any] = {"title": "Lint", "summary": "All."} if count else {}
    done = update_check_run(
        github_credentials,
        REPO,
        check.id,
        conclusion="success",
        annotations=remarks(count),
        **more,
    )
    assert (done.status, done.conclusion, done.annotations) == ("completed", "success", count)
    assert len(github_server.asked(UPDATE)) == requests


def test_checks_of_a_commit_are_listed(
    github_credentials: GitHubCredentials, repo: LiveRepository, sha: str
) -> None:
    """Of each name the last one, or all; by name; to the end."""
    for n in range(3):
        create_check_run(github_credentials, REPO, "lint", sha, external_id=f"lint-{n}")
    for n in range(110):
        create_check_run(github_credentials, REPO, f"part-{n}", sha)
    assert len(list_check_runs(github_credentials, REPO, "main")) == 111
    assert len(list_check_runs(github_credentials, REPO, sha, which="all")) == 113
    assert len(list_check_runs(github_credentials, REPO, sha, limit=7)) == 7
    (last,) = list_check_runs(github_credentials, REPO, sha, name="lint")
    assert last.external_id == "lint-2"
    assert get_check_run(github_credentials, REPO, last.id) == last
    assert last.started_at is not None
    assert abs((datetime.now(UTC) - last.started_at).total_seconds()) < 60


def test_a_check_whose_answer_is_lost_is_found(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    repo: LiveRepository,
    sha: str,
) -> None:
    """It is looked for by its external id, and not begun twice."""
    github_server.fail(CREATE, cut(0))
    with no_waiting():
        check = create_check_run(github_credentials, REPO, "load", sha)
    assert list(statuses_of(repo).checks) == [check.id]
    assert len(github_server.asked(CREATE)) == 1


def test_a_check_that_did_not_get_through_is_told(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    repo: LiveRepository,
    sha: str,
) -> None:
    """When there is none of its external id, nobody knows, and the error says so."""
    github_server.fail(CREATE, reset())
    with no_waiting(), pytest.raises(GitHubUnavailable, match="no answer"):
        create_check_run(github_credentials, REPO, "load", sha)
    assert not statuses_of(repo).checks


def test_annotations_are_not_sent_twice(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    repo: LiveRepository,
    sha: str,
) -> None:
    """A lost answer to some is an error; one to a conclusion alone is not."""
    check = create_check_run(github_credentials, REPO, "lint", sha)
    github_server.fail(UPDATE, cut(0))
    with no_waiting(), pytest.raises(GitHubUnavailable):
        update_check_run(
            github_credentials, REPO, check.id, title="a", summary="b", annotations=remarks(3)
        )
    assert len(statuses_of(repo).annotations[check.id]) == 3
    github_server.fail(UPDATE, cut(0))
    with no_waiting():
        done = update_check_run(github_credentials, REPO, check.id, conclusion="failure")
    assert (done.conclusion, done.annotations) == ("failure", 3)


def test_annotations_need_a_summary(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Nothing is sent that GitHub would not take."""
    with pytest.raises(InvalidArguments, match="summary"):
        create_check_run(github_credentials, REPO, "lint", NOWHERE, annotations=remarks(1))
    with pytest.raises(InvalidArguments, match="title"):
        update_check_run(github_credentials, REPO, 7, summary="Words.")
    assert not github_server.requests


def test_only_an_app_may_check(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """GitHub says so, and the error with it."""
    message = "You must authenticate via a GitHub App."
    github_server.fail(CREATE, denied("checks=write", message=message))
    with pytest.raises(GitHubDenied, match="authenticate via a GitHub App") as caught:
        create_check_run(github_credentials, REPO, "lint", NOWHERE)
    assert caught.value.permissions == "checks=write"


# Deployments


def test_a_deployment_is_followed(
    github_credentials: GitHubCredentials, repo: LiveRepository, sha: str
) -> None:
    """From the request over its statuses to its end."""
    made = create_deployment(
        github_credentials,
        REPO,
        "main",
        environment="staging",
        payload={"rows": 3},
        description="Nightly",
    )
    assert (made.sha, made.ref, made.environment) == (sha, "main", "staging")
    assert (made.payload, made.production) == ({"rows": 3}, False)
    create_deployment_status(github_credentials, REPO, made.id, "in_progress")
    create_deployment_status(
        github_credentials, REPO, made.id, "success", environment_url="https://staging.test"
    )
    said = list_deployment_statuses(github_credentials, REPO, made.id)
    assert [each.state for each in said] == ["success", "in_progress"]
    assert said[0].environment_url == "https://staging.test"
    assert get_deployment(github_credentials, REPO, made.id) == made
    assert list_deployments(github_credentials, REPO, environment="production") == []
    assert list_deployments(github_credentials, REPO, environment="staging") == [made]


def test_deployments_are_listed_to_the_end(
    github_credentials: GitHubCredentials, repo: LiveRepository, sha: str
) -> None:
    """All pages, the newest first."""
    ids = [create_deployment(github_credentials, REPO, sha).id for _ in range(120)]
    assert [each.id for each in list_deployments(github_credentials, REPO)] == ids[::-1]
    assert len(list_deployments(github_credentials, REPO, limit=103)) == 103


def test_an_active_deployment_is_not_deleted(
    github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """It must be inactive first."""
    made = create_deployment(github_credentials, repo.full_name, "main")
    create_deployment_status(github_credentials, REPO, made.id, "success")
    with pytest.raises(GitHubInvalid, match="active deployment"):
        delete_deployment(github_credentials, REPO, made.id)
    create_deployment_status(github_credentials, REPO, made.id, "inactive")
    delete_deployment(github_credentials, REPO, made.id)
    with pytest.raises(GitHubNotFound):
        get_deployment(github_credentials, REPO, made.id)


def test_a_commit_that_failed_is_not_deployed(
    github_credentials: GitHubCredentials, repo: LiveRepository, sha: str
) -> None:
    """Unless its statuses are not asked for."""
    create_commit_status(github_credentials, REPO, sha, "failure", context="load")
    with pytest.raises(GitHubConflict, match="status checks failed"):
        create_deployment(github_credentials, REPO, "main")
    assert create_deployment(github_credentials, REPO, "main", required_contexts=[]).sha == sha


def test_a_merge_instead_of_a_deployment_is_told(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """GitHub answers 202 when it merged the default branch, and deploys nothing."""
    github_server.answer(DEPLOY, {"message": "Auto-merged main into topic."}, status=202)
    with pytest.raises(GitHubConflict, match="nothing is deployed yet"):
        create_deployment(github_credentials, REPO, "topic", auto_merge=True)


def test_a_deployment_is_asked_for_once(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """Nobody knows whether the lost one stands there."""
    github_server.fail(DEPLOY, cut(0))
    with no_waiting(), pytest.raises(GitHubUnavailable, match="no answer"):
        create_deployment(github_credentials, repo.full_name, "main")
    assert len(statuses_of(repo).deployments) == 1


# Rate limits, and what holds for all


def test_the_rate_limit_is_told(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """By resource, and to ask costs nothing."""
    github_server.quota.remaining = 321
    limits = get_rate_limit(github_credentials)
    core = limits["core"]
    assert (core.resource, core.limit, core.used, core.remaining) == ("core", 5000, 4679, 321)
    assert core.reset_at > datetime.now(UTC)
    assert limits["search"].limit == 30
    assert github_server.quota.remaining == 321


def test_nothing_is_said_in_an_archive(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """An archived repository can only be read, and the error says so."""
    old = github_server.repository("acme/old", {"a": "b"})
    sha = old.git.resolve("HEAD") or ""
    old.archived = True
    with pytest.raises(GitHubDenied) as caught:
        create_commit_status(github_credentials, "acme/old", sha, "success")
    assert "Unarchive" in caught.value.fix
    assert list_commit_statuses(github_credentials, "acme/old", sha) == []


def test_a_repository_that_is_not_there_is_not_found(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """GitHub says 404, also where a permission lacks."""
    github_server.fail(DEPLOY, not_found())
    with pytest.raises(GitHubNotFound, match="POST /repos/acme/none/deployments: 404"):
        create_deployment(github_credentials, "acme/none", "main")


def test_tasks_may_be_awaited(
    github_credentials: GitHubCredentials, repo: LiveRepository, sha: str
) -> None:
    """`aio` gives the same as the call."""
    check = asyncio.run(create_check_run.aio(github_credentials, repo.full_name, "load", sha))
    assert check == get_check_run(github_credentials, REPO, check.id)
