"""Merging pull requests: why not, what may pass, and what is waited for."""

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from brickwork import Progress, Scope, TaskCancelled, TaskTimeout, on_progress
from brickwork.testing.task import no_waiting
from brickwork_github import (
    GitHubConflict,
    GitHubCredentials,
    GitHubError,
    GitHubNotFound,
    GitHubNotMergeable,
    GitHubTimeout,
    GitHubUnavailable,
    close_pull_request,
    convert_to_draft,
    create_pull_request,
    create_review,
    disable_auto_merge,
    enable_auto_merge,
    get_pull_request,
    is_pull_request_merged,
    mark_ready_for_review,
    merge_pull_request,
    update_pull_request_branch,
    wait_until_mergeable,
)
from brickwork_github.testing import Fault, GitHubServer
from brickwork_github.testing.faults import cut, invalid, not_found, server_error
from brickwork_github.testing.graphql import ROUTE as GRAPHQL
from brickwork_github.testing.live import LiveRepository

REPO = "acme/api"
PULL = "/repos/{owner}/{repo}/pulls/{pull_number}"
GET, MERGE, UPDATE = f"GET {PULL}", f"PUT {PULL}/merge", f"PUT {PULL}/update-branch"
SHA = "a" * 40
UNKNOWN = {"mergeable": None, "mergeable_state": "unknown"}


@pytest.fixture
def api(github_server: GitHubServer, github_credentials: GitHubCredentials) -> LiveRepository:
    """A repository with a pull request of two commits."""
    repo = github_server.repository(REPO, {"a.txt": "one\n"})
    repo.commit({"b.txt": "two\n"}, "Add b", branch="topic")
    repo.commit({"c.txt": "three\n"}, "Add c", branch="topic")
    create_pull_request(github_credentials, REPO, "Add letters", "topic", "main")
    return repo


def refused(message: str, status: int = 405) -> Fault:
    """Make what GitHub answers to a merge that it does not do."""
    body = {"message": message, "documentation_url": "https://docs.github.com/rest/pulls/pulls"}
    return Fault(status, body)


def head_of(repo: LiveRepository, branch: str) -> str:
    """Return the last commit of a branch."""
    return str(repo.git.resolve(f"refs/heads/{branch}", "commit"))


# Merged


@pytest.mark.parametrize(
    ("method", "commits", "message"),
    [
        ("merge", 4, "Letters\n\nAll of them"),
        ("squash", 2, "Letters\n\nAll of them"),
        ("rebase", 3, "Add c"),
    ],
)
def test_it_is_merged_by_each_method(
    api: LiveRepository,
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    method: Any,
    commits: int,
    message: str,
) -> None:
    """What came of it is what the branch is then, with the message that was given."""
    head = head_of(api, "topic")
    merge = merge_pull_request(
        github_credentials,
        REPO,
        1,
        method=method,
        title="Letters",
        message="All of them",
        sha=head,
    )
    assert merge.sha == head_of(api, "main")
    history = api.git.commits("main")
    assert (len(history), history[0].message) == (commits, message)
    assert api.read("c.txt") == b"three\n"
    assert is_pull_request_merged(github_credentials, REPO, 1)
    assert github_server.asked(MERGE)[0].body == {
        "merge_method": method,
        "commit_title": "Letters",
        "commit_message": "All of them",
        "sha": head,
    }


@pytest.mark.parametrize("guarded", [True, False])
def test_a_lost_merge_is_found(
    api: LiveRepository,
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    guarded: bool,
) -> None:
    """The second try is refused, since it is done; so the first one's commit is the answer."""
    github_server.fail(MERGE, cut(0))
    with no_waiting():
        merge = merge_pull_request(
            github_credentials, REPO, 1, sha=head_of(api, "topic") if guarded else None
        )
    assert len(github_server.asked(MERGE)) == 2
    assert merge.sha == head_of(api, "main")
    assert len(api.git.commits("main")) == 4


def test_it_is_merged_when_github_is_back(
    api: LiveRepository, github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """A failure of GitHub's own passes."""
    github_server.fail(MERGE, server_error(502), times=2)
    with no_waiting():
        assert merge_pull_request(github_credentials, REPO, 1).sha == head_of(api, "main")


@pytest.mark.parametrize(("branch", "status"), [("Base", 405), ("Base", 409), ("Head", 409)])
def test_a_branch_that_moved_just_then_passes(
    api: LiveRepository,
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    branch: str,
    status: int,
) -> None:
    """GitHub says so when another one was merged at the same time, too: it is asked again."""
    message = f"{branch} branch was modified. Review and try the merge again."
    github_server.fail(MERGE, refused(message, status), times=2)
    with no_waiting() as waits:
        merge = merge_pull_request(github_credentials, REPO, 1, sha=head_of(api, "topic"))
    assert merge.sha == head_of(api, "main")
    assert waits == [1.0, 1.5]


@pytest.mark.usefixtures("api")
def test_what_is_not_computed_yet_passes(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """While GitHub does not know whether it can be merged, it says that it cannot."""
    example = {**github_server.example(GET, state="open", merged_at=None), **UNKNOWN}
    github_server.answer(GET, example, times=2)
    github_server.fail(MERGE, refused("Pull Request is not mergeable"), times=2)
    with no_waiting() as waits:
        merge_pull_request(github_credentials, REPO, 1)
    assert len(waits) == 2


def test_what_is_never_computed_is_given_up(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """After a minute it fails as GitHub says it."""
    example = {**github_server.example(GET, state="open", merged_at=None), **UNKNOWN}
    github_server.answer(GET, example)
    github_server.fail(MERGE, refused("Pull Request is not mergeable"), times=50)
    with no_waiting() as waits, pytest.raises(GitHubNotMergeable, match="is not mergeable"):
        merge_pull_request(github_credentials, REPO, 1)
    assert sum(waits) == pytest.approx(60, abs=1)


# Not merged


def _draft(credentials: GitHubCredentials, repo: LiveRepository) -> str:
    close_pull_request(credentials, REPO, 1)
    repo.commit({"d.txt": "four\n"}, "Add d", branch="other")
    create_pull_request(credentials, REPO, "Add d", "other", "main", draft=True)
    return "Pull Request is still a draft"


def _closed(credentials: GitHubCredentials, repo: LiveRepository) -> str:
    repo.commit({"d.txt": "four\n"}, "Add d", branch="other")
    create_pull_request(credentials, REPO, "Add d", "other", "main")
    close_pull_request(credentials, REPO, 2)
    return "Pull Request is not mergeable"


def _conflict(credentials: GitHubCredentials, repo: LiveRepository) -> str:
    repo.commit({"a.txt": "1\n"}, "Change a", branch="other")
    repo.commit({"a.txt": "I\n"}, "Change a, too")
    create_pull_request(credentials, REPO, "Change a", "other", "main")
    return "Pull Request is not mergeable"


def _blocked(credentials: GitHubCredentials, repo: LiveRepository) -> str:
    repo.commit({"d.txt": "four\n"}, "Add d", branch="other")
    create_pull_request(credentials, REPO, "Add d", "other", "main")
    repo.protected.add("main")
    return "At least 1 approving review is required"


@pytest.mark.parametrize(
    ("prepare", "reason", "fix"),
    [
        (_draft, "draft", "mark_ready_for_review"),
        (_closed, "closed", "state='open'"),
        (_conflict, "conflict", "solve the conflict"),
        (_blocked, "blocked", "checks and reviews"),
    ],
)
def test_why_it_is_not_merged(
    api: LiveRepository,
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    prepare: Any,
    reason: str,
    fix: str,
) -> None:
    """GitHub says 405 to all of them; what the pull request is tells them apart."""
    message = prepare(github_credentials, api)
    with pytest.raises(GitHubNotMergeable, match=message) as caught:
        merge_pull_request(github_credentials, REPO, 2)
    assert (caught.value.reason, caught.value.status) == (reason, 405)
    assert fix in caught.value.fix
    assert isinstance(caught.value, GitHubConflict)
    assert caught.value.request_id
    assert len(github_server.asked(MERGE)) == 1
    assert not is_pull_request_merged(github_credentials, REPO, 2)


def test_nothing_is_merged_that_came_since(
    api: LiveRepository, github_credentials: GitHubCredentials
) -> None:
    """With the commit that was reviewed, one that came later keeps it from being merged: 409."""
    reviewed = head_of(api, "topic")
    api.commit({"evil.txt": "!\n"}, "Add more", branch="topic")
    with pytest.raises(GitHubNotMergeable, match="Head branch was modified") as caught:
        merge_pull_request(github_credentials, REPO, 1, sha=reviewed)
    assert (caught.value.reason, caught.value.status) == ("head_moved", 409)
    with pytest.raises(KeyError):
        api.read("evil.txt")


def test_what_another_commit_merged_is_no_success(
    api: LiveRepository, github_credentials: GitHubCredentials
) -> None:
    """One that is merged is so by the commit that was meant, or it fails."""
    merge_pull_request(github_credentials, REPO, 1)
    assert merge_pull_request(github_credentials, REPO, 1).sha == head_of(api, "main")
    with pytest.raises(GitHubNotMergeable) as caught:
        merge_pull_request(github_credentials, REPO, 1, sha=SHA)
    assert caught.value.reason == "merged"


@pytest.mark.usefixtures("api")
def test_a_method_that_is_not_allowed_is_not_tried_again(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Where nothing is wrong with the pull request, GitHub's own words say what is."""
    github_server.fail(MERGE, refused("Squash merges are not allowed on this repository."))
    with pytest.raises(GitHubNotMergeable, match="Squash merges are not allowed") as caught:
        merge_pull_request(github_credentials, REPO, 1, method="squash")
    assert caught.value.reason == "refused"
    assert len(github_server.asked(MERGE)) == 1


def test_whether_it_is_merged_is_not_said_of_nothing(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """GitHub says 404 to both; one that is not there is no False."""
    github_server.fail(GET, not_found())
    with pytest.raises(GitHubNotFound):
        is_pull_request_merged(github_credentials, REPO, 7)


# Waiting


def states(github_server: GitHubServer, *each: Mapping[str, Any]) -> None:
    """Let a pull request be in one state after the other, and stay in the last."""
    example = github_server.example(GET, merged_at=None)
    for number, state in enumerate(reversed(each)):
        github_server.answer(GET, {**example, **state}, times=1 if number else None)


BLOCKED = {"mergeable": True, "mergeable_state": "blocked"}


@pytest.mark.parametrize("state", ["clean", "unstable", "has_hooks"])
def test_it_waits_until_all_is_there(
    github_server: GitHubServer, github_credentials: GitHubCredentials, state: str
) -> None:
    """It is computed, then its checks run, and then it can be merged."""
    heard: list[Progress] = []
    states(github_server, UNKNOWN, BLOCKED, BLOCKED, {"mergeable_state": state})
    with no_waiting() as waits, on_progress(heard.append):
        pull = wait_until_mergeable(github_credentials, REPO, 1347)
    assert (pull.mergeable, pull.mergeable_state) == (True, state)
    assert waits == [2.0, 3.0, 4.5]
    assert [each.text for each in heard] == [
        "acme/api#1347: unknown",
        "acme/api#1347: blocked",
        "acme/api#1347: blocked",
    ]


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"mergeable": False, "mergeable_state": "dirty"}, "conflict"),
        ({"mergeable": True, "mergeable_state": "behind"}, "behind"),
        ({"draft": True, "mergeable_state": "draft"}, "draft"),
        ({"state": "closed"}, "closed"),
        ({"state": "closed", "merged_at": "2026-01-01T00:00:00Z"}, "merged"),
        ({"head": None}, "head_moved"),
    ],
)
def test_what_waiting_does_not_help_fails_at_once(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    state: dict[str, Any],
    reason: str,
) -> None:
    """Nothing but somebody's work will help there."""
    sha = github_server.example(GET)["head"]["sha"]
    if "head" in state:
        state = {"head": {**github_server.example(GET)["head"], "sha": SHA}}
    states(github_server, UNKNOWN, state)
    with no_waiting() as waits, pytest.raises(GitHubNotMergeable) as caught:
        wait_until_mergeable(github_credentials, REPO, 1347, sha=sha)
    assert caught.value.reason == reason
    assert caught.value.what.startswith("acme/api#1347 cannot be merged: it")
    assert len(waits) == 1


def test_a_wait_has_an_end(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Its own, or the task's; it says what lacks."""
    states(github_server, BLOCKED)
    with no_waiting() as waits, pytest.raises(GitHubTimeout, match="60 s: it is blocked"):
        wait_until_mergeable(github_credentials, REPO, 1347, max_wait_seconds=60)
    assert sum(waits) == pytest.approx(60, abs=1)
    limited = wait_until_mergeable.with_options(timeout_seconds=30)
    with no_waiting(), pytest.raises(TaskTimeout):
        limited(github_credentials, REPO, 1347, max_wait_seconds=None)


def test_a_wait_is_cancelled(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Between two looks, at once."""
    states(github_server, BLOCKED)
    scope = Scope("test")

    def cancel(_progress: Progress) -> None:
        threading.Thread(target=scope.cancel).start()

    with on_progress(cancel), scope, pytest.raises(TaskCancelled):
        wait_until_mergeable(github_credentials, REPO, 1347, poll_seconds=60)
    assert len(github_server.asked(GET)) == 1


def test_an_approval_ends_the_wait(
    api: LiveRepository, github_credentials: GitHubCredentials
) -> None:
    """On a protected branch it waits for the review, and merges then."""
    api.protected.add("main")
    heard: list[Progress] = []

    def approve(report: Progress) -> None:
        if not heard:
            create_review(github_credentials, REPO, 1, "APPROVE")
        heard.append(report)

    with no_waiting(), on_progress(approve):
        pull = wait_until_mergeable(github_credentials, REPO, 1)
    assert len(heard) == 1
    assert merge_pull_request(github_credentials, REPO, 1, sha=pull.head_sha).sha


# Kept up to date


def test_a_branch_gets_what_its_base_has(
    api: LiveRepository, github_credentials: GitHubCredentials
) -> None:
    """Once; the second time there is nothing to merge."""
    api.commit({"d.txt": "four\n"}, "Add d")
    assert update_pull_request_branch(github_credentials, REPO, 1, sha=head_of(api, "topic"))
    assert api.read("d.txt", "topic") == b"four\n"
    assert update_pull_request_branch(github_credentials, REPO, 1) is False


def test_a_lost_update_is_found(
    api: LiveRepository, github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """A head that is nothing but the merge of the base into the one that was given is it."""
    api.commit({"d.txt": "four\n"}, "Add d")
    github_server.fail(UPDATE, cut(0))
    with no_waiting():
        assert update_pull_request_branch(github_credentials, REPO, 1, sha=head_of(api, "topic"))
    assert len(github_server.asked(UPDATE)) == 2


def test_a_branch_that_moved_on_is_not_updated(
    api: LiveRepository, github_credentials: GitHubCredentials
) -> None:
    """Somebody else pushed to it."""
    before = head_of(api, "topic")
    api.commit({"d.txt": "four\n"}, "Add d")
    api.commit({"e.txt": "five\n"}, "Add e", branch="topic")
    with pytest.raises(GitHubNotMergeable) as caught:
        update_pull_request_branch(github_credentials, REPO, 1, sha=before)
    assert (caught.value.reason, caught.value.status) == ("head_moved", 422)


def test_a_conflict_with_the_base_is_told(
    api: LiveRepository, github_credentials: GitHubCredentials
) -> None:
    """Nothing is merged into the branch then."""
    api.commit({"b.txt": "2\n"}, "Add another b")
    before = head_of(api, "topic")
    with pytest.raises(GitHubNotMergeable, match="merge conflict") as caught:
        update_pull_request_branch(github_credentials, REPO, 1)
    assert caught.value.reason == "conflict"
    assert head_of(api, "topic") == before


@pytest.mark.usefixtures("api")
def test_another_refusal_stays_as_it_is(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """What is no matter of merging is not made one."""
    github_server.fail(UPDATE, invalid(message="Updates are turned off"))
    with pytest.raises(GitHubError, match="turned off") as caught:
        update_pull_request_branch(github_credentials, REPO, 1)
    assert not isinstance(caught.value, GitHubNotMergeable)


# By GraphQL


class Switches:
    """A pull request whose switches are turned by GraphQL, and read by REST."""

    def __init__(self, github_server: GitHubServer) -> None:
        self.server, self.draft, self.method = github_server, False, ""
        github_server.answer(GET, self.read)
        github_server.answer(GRAPHQL, self.turn)

    def read(self, _asked: Any) -> Any:
        """Answer how it is."""
        merging = {"enabled_by": self.server.example(GET)["user"], "commit_title": "T"}
        automatic = {**merging, "merge_method": self.method.lower(), "commit_message": "M"}
        return self.server.example(
            GET, draft=self.draft, auto_merge=automatic if self.method else None
        )

    def turn(self, asked: Any) -> Any:
        """Do what a mutation says, and answer how it is then."""
        query, given = asked.body["query"], asked.body["variables"]["input"]
        if "AutoMerge" in query:
            self.method = given["mergeMethod"] if "enable" in query else ""
        else:
            self.draft = "convertPullRequestToDraft" in query
        automatic = {"mergeMethod": self.method} if self.method else None
        after = {"isDraft": self.draft, "autoMergeRequest": automatic}
        return {"data": {"changed": {"pullRequest": after}}}


@pytest.fixture
def switches(github_server: GitHubServer) -> Switches:
    """A pull request that can be switched."""
    return Switches(github_server)


@pytest.mark.usefixtures("switches")
def test_auto_merge_is_switched_on_and_off(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """What is given is sent by GraphQL's names; what is so already is not sent again."""
    for _ in range(2):
        pull = enable_auto_merge(
            github_credentials, REPO, 1347, method="squash", title="Letters", sha=SHA
        )
        assert pull.auto_merge == "squash"
    for _ in range(2):
        assert disable_auto_merge(github_credentials, REPO, 1347).auto_merge is None
    on, off = (asked.body for asked in github_server.asked(GRAPHQL))
    assert on["variables"]["input"] == {
        "pullRequestId": pull.node_id,
        "mergeMethod": "SQUASH",
        "commitHeadline": "Letters",
        "expectedHeadOid": SHA,
    }
    assert off["variables"]["input"] == {"pullRequestId": pull.node_id}


@pytest.mark.usefixtures("switches")
def test_a_draft_is_made_ready_and_back(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """What is so already is left alone."""
    for _ in range(2):
        assert convert_to_draft(github_credentials, REPO, 1347).draft is True
    for _ in range(2):
        assert mark_ready_for_review(github_credentials, REPO, 1347).draft is False
    assert len(github_server.asked(GRAPHQL)) == 2
    assert get_pull_request(github_credentials, REPO, 1347).draft is False


def test_github_merges_when_all_is_there(
    api: LiveRepository, github_credentials: GitHubCredentials
) -> None:
    """With auto-merge the approval is the last thing that lacks."""
    with pytest.raises(GitHubConflict, match="clean status"):
        enable_auto_merge(github_credentials, REPO, 1)
    api.protected.add("main")
    pull = enable_auto_merge(github_credentials, REPO, 1, method="squash", title="Letters")
    assert (pull.auto_merge, pull.state) == ("squash", "open")
    assert get_pull_request(github_credentials, REPO, 1).auto_merge == "squash"
    create_review(github_credentials, REPO, 1, "APPROVE")
    assert is_pull_request_merged(github_credentials, REPO, 1)
    assert api.git.commits("main")[0].message == "Letters"


@pytest.mark.usefixtures("api")
def test_a_draft_lives(github_credentials: GitHubCredentials) -> None:
    """What GraphQL changes, REST shows; and what is closed is no draft any more."""
    assert convert_to_draft(github_credentials, REPO, 1).draft
    assert get_pull_request(github_credentials, REPO, 1).mergeable_state == "draft"
    assert not mark_ready_for_review(github_credentials, REPO, 1).draft
    assert merge_pull_request(github_credentials, REPO, 1).sha
    with pytest.raises(GitHubConflict, match="closed"):
        convert_to_draft(github_credentials, REPO, 1)


@pytest.mark.usefixtures("switches")
def test_a_lost_mutation_is_not_sent_again(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """The task looks again, and finds it done."""
    github_server.fail(GRAPHQL, cut(0))
    with no_waiting():
        assert enable_auto_merge(github_credentials, REPO, 1347).auto_merge == "merge"
    assert len(github_server.asked(GRAPHQL)) == 1
    github_server.fail(GRAPHQL, server_error(502), times=3)
    with no_waiting(), pytest.raises(GitHubUnavailable):
        disable_auto_merge(github_credentials, REPO, 1347)


@pytest.mark.parametrize(
    ("message", "fix"),
    [
        ("Pull request Pull request is in clean status", "merge_pull_request"),
        ("Pull request Pull request is in unstable status", "merge_pull_request"),
        ("Pull request Auto merge is not allowed for this repository", "Allow auto-merge"),
        ("Pull request is locked", "Look at what is there"),
    ],
)
@pytest.mark.usefixtures("switches")
def test_why_there_is_no_auto_merge(
    github_server: GitHubServer, github_credentials: GitHubCredentials, message: str, fix: str
) -> None:
    """Most often there is nothing to wait for."""
    problem = {"type": "UNPROCESSABLE", "path": ["changed"], "message": f'["{message}"]'}
    github_server.answer(GRAPHQL, {"data": {"changed": None}, "errors": [problem]})
    with pytest.raises(GitHubConflict, match=message) as caught:
        enable_auto_merge(github_credentials, REPO, 1347)
    assert fix in caught.value.fix


@pytest.mark.usefixtures("switches")
def test_an_answer_of_nothing_is_an_error(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """GitHub's schema allows it, and it does not say how things are."""
    github_server.answer(GRAPHQL, {"data": {"changed": {"pullRequest": None}}})
    with pytest.raises(GitHubError, match=r"does not say how octocat/Hello-World#1347 is now"):
        convert_to_draft(github_credentials, REPO, 1347)
