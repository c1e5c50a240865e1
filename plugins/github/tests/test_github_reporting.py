"""Work that is shown as a check, a status or a deployment, however it ends."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import pytest

from brickwork import Scope, Secret, TaskCancelled, TaskTimeout, check_cancelled, sleep, task
from brickwork.testing.task import no_waiting
from brickwork_github import (
    GitHubCredentials,
    GitHubDenied,
    GitHubUnavailable,
    RunningCheck,
    check_run,
    commit_status,
    deployment,
)
from brickwork_github.testing import GitHubServer
from brickwork_github.testing.faults import denied, server_error
from brickwork_github.testing.live import LiveRepository, statuses_of

REPO = "acme/reports"
CREATE = "POST /repos/{owner}/{repo}/check-runs"
UPDATE = "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}"
STATUS = "POST /repos/{owner}/{repo}/statuses/{sha}"


@pytest.fixture
def repo(github_server: GitHubServer) -> LiveRepository:
    """Return a repository with a commit."""
    return github_server.repository(REPO, {"README.md": "# Reports\n"})


@pytest.fixture
def checking(github_credentials: GitHubCredentials, sha: str) -> Callable[..., RunningCheck]:
    """Return what makes a check of the commit."""
    return lambda **more: check_run(github_credentials, REPO, "load", sha, **more)


def the_check(repo: LiveRepository) -> Mapping[str, Any]:
    """Return the only check of a repository."""
    (found,) = statuses_of(repo).checks.values()
    return found


def test_a_check_is_in_progress_and_then_succeeds(
    repo: LiveRepository, checking: Callable[..., RunningCheck]
) -> None:
    """What is said in between is there at once; what is said at the end, at the end."""
    with checking(details_url="https://x.test/1") as check:
        assert the_check(repo)["status"] == "in_progress"
        check.summary = "Half of it."
        check.annotate("README.md", 1, "No title")
        check.update()
        assert the_check(repo)["output"]["summary"] == "Half of it."
        check.summary, check.title = "Loaded 12 rows.", "12 rows"
        check.annotate("README.md", 2, "No words", level="failure", title="Words")
    found = the_check(repo)
    assert (found["status"], found["conclusion"]) == ("completed", "success")
    assert (found["output"]["title"], found["output"]["summary"]) == ("12 rows", "Loaded 12 rows.")
    assert found["details_url"] == "https://x.test/1"
    told = statuses_of(repo).annotations[found["id"]]
    assert [each["message"] for each in told] == ["No title", "No words"]
    assert (check.run.conclusion, check.run.annotations) == ("success", 2)


def test_a_check_may_end_otherwise(
    repo: LiveRepository, checking: Callable[..., RunningCheck]
) -> None:
    """As the work says, with annotations that need no other words."""
    with checking() as check:
        check.annotate("README.md", 1, "No title")
        check.conclusion = "neutral"
    found = the_check(repo)
    assert (found["conclusion"], found["output"]["summary"]) == ("neutral", "1 annotations.")


def test_an_error_fails_the_check(
    repo: LiveRepository, checking: Callable[..., RunningCheck]
) -> None:
    """With its kind and its words, masked, as code: they mention nobody; and it is raised."""
    Secret("a-password-of-the-database")
    with (  # noqa: PT012  # it is the end of a block that is tested
        pytest.raises(ValueError, match="no such row"),
        checking(summary="Loading.") as check,
    ):
        check.annotate("README.md", 3, "Here")
        raise ValueError("no such row for @octocat: a-password-of-the-database ```")
    found = the_check(repo)
    summary = found["output"]["summary"]
    assert found["conclusion"] == "failure"
    assert summary.startswith("Loading.\n\n````text\nValueError: no such row for @octocat: ")
    assert "password-of" not in summary
    assert found["output"]["annotations_count"] == 1


@pytest.mark.parametrize(
    ("error", "conclusion", "state"),
    [
        (KeyboardInterrupt(), "cancelled", "error"),
        (TaskCancelled("The work was cancelled."), "cancelled", "error"),
        (asyncio.CancelledError(), "cancelled", "error"),
        (TaskTimeout("The work did not end in time."), "timed_out", "error"),
        (SystemExit(3), "failure", "failure"),
        (SystemExit(0), "success", "success"),
        (RuntimeError("broken"), "failure", "failure"),
    ],
)
def test_each_end_is_told_apart(
    repo: LiveRepository,
    sha: str,
    checking: Callable[..., RunningCheck],
    github_credentials: GitHubCredentials,
    error: BaseException,
    conclusion: str,
    state: str,
) -> None:
    """Ctrl-C and cancelling are no failures; a check knows more ends than a status."""
    with pytest.raises(type(error)) as caught, checking():
        raise error
    assert caught.value is error
    assert the_check(repo)["conclusion"] == conclusion
    with (
        pytest.raises(type(error)),
        commit_status(github_credentials, REPO, sha),
        deployment(github_credentials, REPO, sha, required_contexts=[]),
    ):
        raise error
    kept = statuses_of(repo)
    assert [each["state"] for each in kept.statuses[sha]] == ["pending", state]
    (said,) = kept.deployed.values()
    assert [each["state"] for each in said] == ["in_progress", state]


def test_a_cancelled_task_concludes_its_check(
    repo: LiveRepository, checking: Callable[..., RunningCheck]
) -> None:
    """Though the task may do nothing any more, GitHub is told."""
    with Scope("load") as scope, pytest.raises(TaskCancelled), checking():  # noqa: PT012  # as above
        scope.cancel()
        check_cancelled()
    assert the_check(repo)["conclusion"] == "cancelled"


def test_a_task_whose_time_is_up_concludes_its_check(
    repo: LiveRepository, checking: Callable[..., RunningCheck]
) -> None:
    """As timed out, also when the task is interrupted in the midst of it."""

    @task(timeout_seconds=1.0)
    def load() -> None:
        with checking():
            sleep(30)

    with pytest.raises(TaskTimeout):
        load()
    assert the_check(repo)["conclusion"] == "timed_out"


def test_an_end_that_cannot_be_told_hides_nothing(
    github_server: GitHubServer, repo: LiveRepository, checking: Callable[..., RunningCheck]
) -> None:
    """The error of the work is raised, with a note that GitHub was not told."""
    github_server.fail(UPDATE, server_error(502), times=9)
    with no_waiting(), pytest.raises(ValueError, match="no such row") as caught, checking():
        raise ValueError("no such row")
    (note,) = caught.value.__notes__
    assert "GitHub could not be told of this: PATCH /repos/acme/reports/check-runs" in note
    assert the_check(repo)["status"] == "in_progress"


def test_a_success_that_cannot_be_told_is_an_error(
    github_server: GitHubServer, checking: Callable[..., RunningCheck]
) -> None:
    """The check would stay in progress, and somebody should know."""
    github_server.fail(UPDATE, server_error(502), times=9)
    with no_waiting(), pytest.raises(GitHubUnavailable), checking():
        pass


def test_work_is_not_begun_when_its_begin_cannot_be_told(
    github_server: GitHubServer, checking: Callable[..., RunningCheck]
) -> None:
    """A permission that lacks is known before anything is done."""
    github_server.fail(CREATE, denied("checks=write"))
    done = []
    with pytest.raises(GitHubDenied), checking():
        done.append(1)
    assert not done


def test_a_coroutine_is_reported(
    repo: LiveRepository, checking: Callable[..., RunningCheck]
) -> None:
    """Also when it is cancelled while it waits."""

    async def work(begun: asyncio.Event) -> None:
        async with checking():
            begun.set()
            await asyncio.Event().wait()

    async def main() -> None:
        begun = asyncio.Event()
        running = asyncio.create_task(work(begun))
        await begun.wait()
        assert the_check(repo)["status"] == "in_progress"
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    asyncio.run(main())
    assert the_check(repo)["conclusion"] == "cancelled"


def test_a_status_says_how_it_ended(
    github_server: GitHubServer,
    repo: LiveRepository,
    sha: str,
    github_credentials: GitHubCredentials,
) -> None:
    """In its own words, or those of the error: on one line, cut to what GitHub takes."""
    with commit_status(github_credentials, REPO, sha, context="load", target_url="https://x.test"):
        pass
    with commit_status(github_credentials, REPO, sha, description="Loading") as status:
        status.description = "Loaded 12 rows."
    with pytest.raises(ValueError, match="word"), commit_status(github_credentials, REPO, sha):
        raise ValueError("word\n" * 100)
    told = [asked.body for asked in github_server.asked(STATUS)]
    assert [each["state"] for each in told] == [
        "pending",
        "success",
        "pending",
        "success",
        "pending",
        "failure",
    ]
    assert [each.get("description") for each in told[:4]] == [
        None,
        None,
        "Loading",
        "Loaded 12 rows.",
    ]
    assert told[0]["target_url"] == "https://x.test"
    assert len(told[-1]["description"]) == 140
    assert told[-1]["description"].startswith("ValueError: word word ")


def test_a_deployment_says_where_it_is(
    repo: LiveRepository, github_credentials: GitHubCredentials
) -> None:
    """The address may be known at the end only."""
    with deployment(
        github_credentials, repo.full_name, "main", environment="staging", log_url="https://x.test"
    ) as running:
        running.environment_url = "https://staging.test"
    (said,) = statuses_of(repo).deployed.values()
    assert [each["state"] for each in said] == ["in_progress", "success"]
    assert [each["environment_url"] for each in said] == ["", "https://staging.test"]
    assert running.deployment.environment == "staging"
