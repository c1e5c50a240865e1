"""Tasks on pull requests: what they ask GitHub, and what they make of its answers."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from brickwork import InvalidArguments
from brickwork.testing.task import no_waiting
from brickwork_github import (
    GitHubConflict,
    GitHubCredentials,
    GitHubDenied,
    GitHubInvalid,
    GitHubNotFound,
    PullRequest,
    close_pull_request,
    create_pull_request,
    get_pull_request,
    get_pull_request_diff,
    list_pull_request_commits,
    list_pull_request_files,
    list_pull_requests,
    list_pull_requests_of_commit,
    merge_pull_request,
    update_pull_request,
)
from brickwork_github.testing import GitHubServer
from brickwork_github.testing.faults import (
    cut,
    denied,
    invalid,
    not_found,
    secondary_limit,
    server_error,
)
from brickwork_github.testing.live import LiveRepository

REPO = "acme/api"
PULLS = "GET /repos/{owner}/{repo}/pulls"
CREATE = "POST /repos/{owner}/{repo}/pulls"
GET = "GET /repos/{owner}/{repo}/pulls/{pull_number}"
UPDATE = "PATCH /repos/{owner}/{repo}/pulls/{pull_number}"
EXISTS = {
    "resource": "PullRequest",
    "code": "custom",
    "message": "A pull request already exists for acme:topic.",
}


@pytest.fixture
def api(github_server: GitHubServer) -> LiveRepository:
    """A repository with a branch that has something new."""
    repo = github_server.repository(REPO, {"a.txt": "one\n"})
    repo.commit({"b.txt": "two\n"}, "Add b", branch="topic")
    repo.commit({"c.txt": "three\n"}, "Add c", branch="topic")
    return repo


def test_a_pull_request_is_opened_as_it_is_said(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """What is given is sent, by GitHub's names; what is not given is left to GitHub."""
    create_pull_request(
        github_credentials,
        REPO,
        "Add b",
        "octo:topic",
        "main",
        body="Why not",
        draft=True,
        maintainer_can_modify=False,
        head_repository="api-fork",
    )
    (asked,) = github_server.requests
    assert asked.route == CREATE
    assert asked.body == {
        "title": "Add b",
        "head": "octo:topic",
        "base": "main",
        "body": "Why not",
        "draft": True,
        "maintainer_can_modify": False,
        "head_repo": "api-fork",
    }


@pytest.mark.usefixtures("api")
def test_a_pull_request_goes_into_the_default_branch(
    github_credentials: GitHubCredentials,
) -> None:
    """Unless another one is said; it says how it is."""
    pull = create_pull_request(github_credentials, REPO, "Add b", "topic", draft=True)
    assert (pull.repository, pull.number, pull.state) == (REPO, 1, "open")
    assert (pull.base, pull.head, pull.head_repository) == ("main", "topic", REPO)
    assert (pull.draft, pull.merged, pull.mergeable_state) == (True, False, "draft")
    assert (pull.commits, pull.changed_files, pull.additions) == (2, 2, 2)


def test_a_pull_request_is_read_whole(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Every attribute is that of GitHub's answer."""
    merging = {"enabled_by": github_server.example(GET)["user"], "merge_method": "squash"}
    automatic = {**merging, "commit_title": "T", "commit_message": "M"}
    found = github_server.example(GET, auto_merge=automatic)
    github_server.answer(GET, found)
    pull = get_pull_request(github_credentials, REPO, 1347)
    assert (pull.number, pull.title, pull.body) == (1347, found["title"], found["body"])
    assert (pull.repository, pull.author) == ("octocat/Hello-World", "octocat")
    assert (pull.head_sha, pull.base_sha) == (found["head"]["sha"], found["base"]["sha"])
    assert pull.labels == tuple(label["name"] for label in found["labels"])
    assert pull.reviewers == tuple(user["login"] for user in found["requested_reviewers"])
    assert pull.team_reviewers == ("justice-league",)
    assert pull.milestone == found["milestone"]["title"]
    assert pull.auto_merge == "squash"
    assert pull.created_at == datetime(2011, 1, 26, 19, 1, 12, tzinfo=UTC)
    assert (pull.commits, pull.changed_files, pull.deletions) == (3, 5, 3)
    assert pull.maintainer_can_modify is True


def test_a_pull_request_of_nobody_can_be_read(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """The author may be gone; and lists say less than a single one does."""
    bare: dict[str, Any] = {"body": None, "milestone": None, "user": None, "merged_at": None}
    github_server.answer(PULLS, [github_server.example(PULLS, **bare)])
    (pull,) = list_pull_requests(github_credentials, REPO)
    assert (pull.author, pull.body, pull.milestone, pull.merged) == ("ghost", "", None, False)
    assert pull.mergeable is pull.commits is pull.maintainer_can_modify is None


def test_a_pull_request_outlives_its_fork(github_server: GitHubServer) -> None:
    """GitHub says null of a fork that was deleted, though its description does not know that."""
    example = github_server.example(GET)
    pull = PullRequest.of({**example, "head": {**example["head"], "repo": None}})
    assert (pull.head, pull.head_repository) == ("new-topic", None)


@pytest.mark.usefixtures("api")
def test_a_lost_pull_request_is_found(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """GitHub refuses to open it again, so the one that is there is the one that was opened."""
    github_server.fail(CREATE, cut(0))
    with no_waiting():
        pull = create_pull_request(github_credentials, REPO, "Add b", "topic", body="Text\r\nof it")
    assert len(github_server.asked(CREATE)) == 2
    assert (pull.number, pull.commits) == (1, 2)
    assert [each.number for each in list_pull_requests(github_credentials, REPO)] == [1]


@pytest.mark.usefixtures("api")
def test_another_pull_request_for_the_branch_is_a_conflict(
    github_credentials: GitHubCredentials,
) -> None:
    """It is named, and is not taken for the one that was meant."""
    create_pull_request(github_credentials, REPO, "Add b", "topic")
    with pytest.raises(GitHubConflict, match="#1 is open from topic into main") as caught:
        create_pull_request(github_credentials, REPO, "Add c", "topic")
    assert "github.com/acme/api/pull/1" in caught.value.fix
    assert (caught.value.status, bool(caught.value.request_id)) == (422, True)


def test_a_lost_pull_request_is_looked_for_in_its_fork(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """By the owner of the branch, and by the fork's name where one owner has several."""
    example = github_server.example(PULLS)

    def of(name: str, number: int) -> dict[str, Any]:
        repo = {**example["head"]["repo"], "full_name": f"acme/{name}"}
        changed = {"number": number, "title": "Add b", "body": None}
        return {**example, **changed, "head": {**example["head"], "repo": repo}}

    github_server.answer(PULLS, [of("api", 3), of("api-fork", 4)])
    github_server.fail(CREATE, invalid(EXISTS), times=2)
    create_pull_request(
        github_credentials, REPO, "Add b", "topic", "main", head_repository="api-fork"
    )
    assert github_server.asked(GET)[0].path["pull_number"] == "4"
    with pytest.raises(GitHubConflict):
        create_pull_request(github_credentials, REPO, "Add c", "octo:topic", "main")
    heads = [asked.query["head"] for asked in github_server.asked(PULLS)]
    assert heads == ["acme:topic", "octo:topic"]


@pytest.mark.parametrize(
    ("head", "base", "why"),
    [
        ("nowhere", "main", "head: invalid"),
        ("topic", "nowhere", "base: invalid"),
        ("main", "main", "No commits between main and main"),
    ],
)
@pytest.mark.usefixtures("api")
def test_what_cannot_be_opened_says_why(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    head: str,
    base: str,
    why: str,
) -> None:
    """A branch that is not there, or has nothing new; nothing is looked for then."""
    with pytest.raises(GitHubInvalid) as caught:
        create_pull_request(github_credentials, REPO, "Add b", head, base)
    assert caught.value.fields == (why,)
    assert github_server.asked(PULLS) == []


def test_who_may_not_open_learns_what_lacks(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """The permission by its name; of an archive, that it is one; of nothing, that it is not."""
    github_server.fail(CREATE, denied("pull_requests=write"))
    with pytest.raises(GitHubDenied) as caught:
        create_pull_request(github_credentials, REPO, "Add b", "topic", "main")
    assert caught.value.permissions == "pull_requests=write"
    github_server.repository("acme/old", {"a.txt": "one\n"}, archived=True)
    with pytest.raises(GitHubDenied, match="archived") as caught:
        create_pull_request(github_credentials, "acme/old", "Add b", "topic", "main")
    assert "Unarchive" in caught.value.fix
    github_server.fail(CREATE, not_found())
    with pytest.raises(GitHubNotFound):
        create_pull_request(github_credentials, "acme/gone", "Add b", "topic", "main")


@pytest.mark.parametrize("repository", ["acme", "acme/api/pulls", "acme/..", "../api", "a b/c", ""])
def test_what_is_no_repository_is_asked_nobody(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repository: str
) -> None:
    """A name that leads elsewhere is refused before anything is sent."""
    with pytest.raises(InvalidArguments, match="no repository"):
        list_pull_requests(github_credentials, repository)
    assert github_server.requests == []


def test_pull_requests_are_listed_to_the_end(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """All pages, filtered as asked; a bare branch gets its owner, else GitHub ignores it."""
    example = github_server.example(PULLS)
    github_server.answer(PULLS, [{**example, "number": n} for n in range(230)])
    found = list_pull_requests(
        github_credentials, REPO, state="all", head="topic", base="main", sort="updated"
    )
    assert [pull.number for pull in found] == list(range(230))
    assert [asked.query.get("page", "1") for asked in github_server.asked(PULLS)] == ["1", "2", "3"]
    assert github_server.asked(PULLS)[0].query == {
        "state": "all",
        "head": "acme:topic",
        "base": "main",
        "sort": "updated",
        "direction": "desc",
        "per_page": "100",
    }
    assert len(list_pull_requests(github_credentials, REPO, limit=7)) == 7
    assert github_server.requests[-1].query["per_page"] == "7"


def test_files_are_listed_to_the_end(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """With the path that a renamed one had; a binary one has no patch."""
    route = f"{GET}/files"
    example = github_server.example(route)
    binary = {name: each for name, each in example.items() if name != "patch"}
    renamed = {**binary, "filename": "b", "previous_filename": "a", "status": "renamed"}
    github_server.answer(route, [renamed, *[example] * 120])
    files = list_pull_request_files(github_credentials, REPO, 1347)
    assert len(files) == 121
    first = files[0]
    assert (first.path, first.previous_path, first.status) == ("b", "a", "renamed")
    assert first.patch is None
    assert files[1].patch == example["patch"]


def test_commits_and_the_difference_are_those_of_the_branch(
    api: LiveRepository, github_credentials: GitHubCredentials
) -> None:
    """The oldest commit first; the difference as git shows it."""
    create_pull_request(github_credentials, REPO, "Add b", "topic")
    commits = list_pull_request_commits(github_credentials, REPO, 1)
    assert [commit.message for commit in commits] == ["Add b", "Add c"]
    assert commits[1].sha == api.git.resolve("topic")
    assert commits[1].parents == (commits[0].sha,)
    assert commits[0].author == "Monalisa Octocat"
    diff = get_pull_request_diff(github_credentials, REPO, 1)
    assert "diff --git a/b.txt b/b.txt" in diff
    assert "+three" in diff


def test_the_pull_request_of_a_commit_is_found(
    api: LiveRepository, github_credentials: GitHubCredentials
) -> None:
    """By one of its commits, and by the one by which it was merged."""
    number = create_pull_request(github_credentials, REPO, "Add b", "topic").number
    topic = str(api.git.resolve("topic", "commit"))
    merge = merge_pull_request(github_credentials, REPO, number, method="squash")
    for sha in (topic, merge.sha):
        (pull,) = list_pull_requests_of_commit(github_credentials, REPO, sha)
        assert (pull.number, pull.merged) == (number, True)
    first = api.git.commits("main")[-1].sha
    assert list_pull_requests_of_commit(github_credentials, REPO, first) == []
    with pytest.raises(GitHubInvalid, match="No commit found"):
        list_pull_requests_of_commit(github_credentials, REPO, "a" * 40)


@pytest.mark.usefixtures("api")
def test_only_what_is_given_is_changed(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """None leaves a thing alone; what is closed can be opened again, and closed twice."""
    create_pull_request(github_credentials, REPO, "Add b", "topic", body="Text")
    assert update_pull_request(github_credentials, REPO, 1, title="Add b and c").body == "Text"
    assert update_pull_request(github_credentials, REPO, 1, body="").body == ""
    for _ in range(2):
        assert close_pull_request(github_credentials, REPO, 1).state == "closed"
    assert list_pull_requests(github_credentials, REPO) == []
    assert update_pull_request(github_credentials, REPO, 1, state="open").state == "open"
    assert [asked.body for asked in github_server.asked(UPDATE)] == [
        {"title": "Add b and c"},
        {"body": ""},
        {"state": "closed"},
        {"state": "closed"},
        {"state": "open"},
    ]


@pytest.mark.usefixtures("api")
def test_a_lost_change_is_made_again(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """It means the same the second time."""
    create_pull_request(github_credentials, REPO, "Add b", "topic")
    github_server.fail(UPDATE, cut(0))
    github_server.fail(UPDATE, server_error(502))
    with no_waiting():
        assert update_pull_request(github_credentials, REPO, 1, title="B").title == "B"
    assert len(github_server.asked(UPDATE)) == 3


def test_a_limit_is_waited_out(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Also for what is sent only once, since GitHub did nothing yet."""
    github_server.fail(CREATE, secondary_limit(retry_after=7))
    with no_waiting() as waits:
        create_pull_request(github_credentials, REPO, "Add b", "topic", "main")
    assert waits == [pytest.approx(7, abs=0.5)]


def test_many_are_read_at_once(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """The coroutines of one loop ask for one pull request each."""

    def pull(asked: Any) -> Any:
        return github_server.example(GET, number=int(asked.path["pull_number"]))

    async def read() -> list[int]:
        calls = (get_pull_request.aio(github_credentials, REPO, n) for n in range(1, 9))
        return [found.number for found in await asyncio.gather(*calls)]

    github_server.answer(GET, pull)
    assert asyncio.run(read()) == [1, 2, 3, 4, 5, 6, 7, 8]
