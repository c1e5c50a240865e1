"""Issues and pull requests that live in the loopback GitHub: what was done to them stays."""

from typing import Any

import github as pygithub
import pytest
import requests
from github.PullRequest import PullRequest
from github.Repository import Repository

from brickwork_github.testing import GitHubServer
from brickwork_github.testing.live import LiveRepository, issues_of


@pytest.fixture
def live(github_server: GitHubServer) -> LiveRepository:
    """A repository with a file."""
    return github_server.repository("acme/bricks", {"README.md": "# Bricks\n"})


def ask(server: GitHubServer, method: str, path: str, body: Any = None) -> requests.Response:
    """Send a request about the repository."""
    return requests.request(
        method,
        f"{server.url}/repos/acme/bricks{path}",
        json=body,
        headers={"Authorization": f"token {server.token.reveal()}"},
        timeout=30,
    )


# Issues


def test_an_issue_is_there_once_it_is_created(bricks: Repository) -> None:
    """It has a number of its own, what it was given, and is in the list."""
    milestone = bricks.create_milestone("Spring")
    first = bricks.create_issue(
        "Crack", body="Wide", labels=["bug", "wall"], assignees=["hubot"], milestone=milestone
    )
    second = bricks.create_issue("Gap")

    assert (first.number, second.number) == (1, 2)
    assert [label.name for label in bricks.get_issue(1).labels] == ["bug", "wall"]
    assert first.assignees[0].login == "hubot"
    assert first.milestone.title == "Spring"
    assert [issue.title for issue in bricks.get_issues()] == ["Gap", "Crack"]
    assert first.url.startswith(bricks.url)


def test_an_issue_that_was_not_created_is_not_found(bricks: Repository) -> None:
    """A live repository has no examples of issues."""
    with pytest.raises(pygithub.UnknownObjectException):
        bricks.get_issue(1347)


def test_issues_are_closed_for_a_reason_and_reopened(bricks: Repository) -> None:
    """What is closed is no more in the list of open ones."""
    issue = bricks.create_issue("Crack")
    issue.edit(state="closed", state_reason="not_planned")
    assert (issue.state, issue.state_reason) == ("closed", "not_planned")
    assert issue.closed_at is not None
    assert list(bricks.get_issues()) == []
    issue.edit(state="open")
    assert (issue.state, issue.state_reason) == ("open", "reopened")
    assert issue.raw_data["closed_at"] is None


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [3, 2]),
        ("state=all", [3, 2, 1]),
        ("state=closed", [1]),
        ("state=all&sort=created&direction=asc", [1, 2, 3]),
        ("labels=bug", [2]),
        ("labels=bug,none", []),
        ("assignee=hubot", [3]),
        ("assignee=none", [2]),
        ("assignee=*", [3]),
        ("creator=nobody", []),
        ("since=2999-01-01T00:00:00Z", []),
    ],
)
def test_a_list_is_filtered_as_the_query_says(
    github_server: GitHubServer, bricks: Repository, query: str, numbers: list[int]
) -> None:
    """State, labels, assignee, creator, time, and the order."""
    bricks.create_issue("One").edit(state="closed")
    bricks.create_issue("Two", labels=["bug"])
    bricks.create_issue("Three", assignees=["hubot"])

    found = ask(github_server, "GET", f"/issues?{query}").json()
    assert [issue["number"] for issue in found] == numbers


def test_comments_are_kept_edited_and_deleted(bricks: Repository, live: LiveRepository) -> None:
    """The issue counts them."""
    issue = bricks.create_issue("Crack")
    comment = issue.create_comment("See there")
    issue.create_comment("And here")
    comment.edit("See here")
    assert [each.body for each in issue.get_comments()] == ["See here", "And here"]
    comment.delete()
    assert bricks.get_issue(1).comments == 1
    assert len(issues_of(live).comments) == 1


def test_labels_are_added_replaced_and_removed(
    github_server: GitHubServer, bricks: Repository
) -> None:
    """A label that is not there yet is made; one that the issue has not cannot be removed."""
    bricks.create_issue("Crack", labels=["bug"])

    def names(method: str, path: str, body: Any = None) -> list[str]:
        answer = ask(github_server, method, f"/issues/1/labels{path}", body)
        assert answer.status_code == 200
        return [label["name"] for label in answer.json()]

    assert names("POST", "", {"labels": ["bug", "new"]}) == ["bug", "new"]
    assert names("DELETE", "/bug") == ["new"]
    assert names("PUT", "", {"labels": ["question"]}) == ["question"]
    assert ask(github_server, "DELETE", "/issues/1/labels/bug").status_code == 404
    assert ask(github_server, "DELETE", "/issues/1/labels").status_code == 204
    assert {label.name for label in bricks.get_labels()} >= {"bug", "new", "question"}


def test_a_label_of_the_repository_has_one_name(
    bricks: Repository, github_server: GitHubServer
) -> None:
    """Made twice it is refused; renamed, issues have it by its new name; deleted, they lose it."""
    label = bricks.create_label("wall", "ff0000")
    bricks.create_issue("Crack", labels=["wall"])
    with pytest.raises(pygithub.GithubException, match="already_exists"):
        bricks.create_label("Wall", "00ff00")
    label.edit("Mauer", "ff0000")
    assert [each.name for each in bricks.get_issue(1).labels] == ["Mauer"]
    assert ask(github_server, "DELETE", "/labels/mauer").status_code == 204
    assert bricks.get_issue(1).labels == []


def test_a_conversation_is_locked_and_unlocked(bricks: Repository) -> None:
    """With the reason."""
    issue = bricks.create_issue("Crack")
    issue.lock("too heated")
    assert (bricks.get_issue(1).locked, bricks.get_issue(1).active_lock_reason) == (
        True,
        "too heated",
    )
    issue.unlock()
    assert bricks.get_issue(1).locked is False


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("repo:acme/bricks", [1, 2, 3]),
        ("repo:acme/bricks crack", [1]),
        ('repo:acme/bricks "marker: abc" in:body', [2]),
        ('repo:acme/bricks "marker: abc" in:title', []),
        ("repo:acme/bricks is:open", [2, 3]),
        ("repo:acme/bricks is:closed", [1]),
        ("repo:acme/bricks is:pr", []),
        ("repo:acme/bricks -label:bug", [1, 3]),
        ("repo:acme/bricks assignee:hubot", [3]),
    ],
)
def test_issues_are_found_by_a_search(
    github_server: GitHubServer, bricks: Repository, query: str, numbers: list[int]
) -> None:
    """Words, and the qualifiers that most queries have."""
    bricks.create_issue("Crack").edit(state="closed")
    bricks.create_issue("Two", body="text\n<!-- marker: abc -->", labels=["bug"])
    bricks.create_issue("Three", assignees=["hubot"])

    answer = requests.get(
        f"{github_server.url}/search/issues",
        params={"q": query},
        headers={"Authorization": f"token {github_server.token.reveal()}"},
        timeout=30,
    )
    assert sorted(item["number"] for item in answer.json()["items"]) == numbers


# Pull requests


@pytest.fixture
def pull(bricks: Repository, live: LiveRepository) -> PullRequest:
    """One that could be merged."""
    live.commit({"wall.txt": "wall\n"}, "Build a wall", branch="topic")
    live.commit({"other.txt": "x"}, "Something else")
    return bricks.create_pull(base="main", head="topic", title="Wall", body="A wall.")


def test_a_pull_request_shows_what_its_branch_has_more(
    bricks: Repository, pull: PullRequest, live: LiveRepository
) -> None:
    """Its files and commits are those of the git repository."""
    assert [file.filename for file in pull.get_files()] == ["wall.txt"]
    assert [commit.commit.message for commit in pull.get_commits()] == ["Build a wall"]
    assert (pull.commits, pull.additions, pull.deletions) == (1, 1, 0)
    assert (pull.mergeable, pull.mergeable_state) == (True, "clean")
    assert pull.head.sha == live.git.resolve("topic", "commit")
    assert [each.number for each in bricks.get_pulls()] == [pull.number]
    assert [each.number for each in bricks.get_issues()] == [pull.number]


@pytest.mark.parametrize(
    ("base", "head", "why"),
    [
        ("main", "topic", "already exists"),
        ("main", "none", "head"),
        ("none", "topic", "base"),
        ("main", "main", "No commits between"),
    ],
)
def test_a_pull_request_that_makes_no_sense_is_refused(
    bricks: Repository, pull: PullRequest, base: str, head: str, why: str
) -> None:
    """A branch that is not there, one without commits, a second one for the same branches."""
    assert pull.number == 1
    with pytest.raises(pygithub.GithubException, match=why) as refused:
        bricks.create_pull(base=base, head=head, title="Again")
    assert refused.value.status == 422


@pytest.mark.parametrize(
    ("method", "message", "parents"),
    [
        ("merge", "Merge pull request #1 from acme/topic\n\nWall", 2),
        ("squash", "Wall (#1)", 1),
        ("rebase", "Build a wall", 1),
    ],
)
def test_a_pull_request_is_merged_by_each_method(
    bricks: Repository,
    pull: PullRequest,
    live: LiveRepository,
    method: str,
    message: str,
    parents: int,
) -> None:
    """The base has its files then, and the pull request is closed and merged."""
    done = pull.merge(merge_method=method)
    commit = live.git.commit(done.sha)

    assert live.git.resolve("main", "commit") == done.sha
    assert (commit.message, len(commit.parents)) == (message, parents)
    assert live.read("wall.txt") == b"wall\n"
    assert pull.is_merged()
    assert bricks.get_pull(1).state == "closed"
    assert [file.filename for file in bricks.get_pull(1).get_files()] == ["wall.txt"]


def test_a_head_that_moved_is_not_merged(pull: PullRequest, live: LiveRepository) -> None:
    """The guard is GitHub's 409."""
    before = pull.head.sha
    live.commit({"wall.txt": "higher\n"}, branch="topic")
    with pytest.raises(pygithub.GithubException, match="Head branch was modified") as refused:
        pull.merge(sha=before)
    assert refused.value.status == 409
    assert not pull.is_merged()


def test_a_conflict_a_draft_and_a_protected_branch_are_not_merged(
    bricks: Repository, pull: PullRequest, live: LiveRepository
) -> None:
    """Each is GitHub's 405, with another reason; a review that approves opens the branch."""
    live.protected.add("main")
    with pytest.raises(pygithub.GithubException, match="approving review") as refused:
        pull.merge()
    assert refused.value.status == 405
    pull.create_review(event="APPROVE")

    live.commit({"wall.txt": "other\n"})
    assert bricks.get_pull(1).mergeable_state == "dirty"
    with pytest.raises(pygithub.GithubException, match="not mergeable"):
        pull.merge()

    live.commit({"third.txt": "x"}, branch="third")
    draft = bricks.create_pull(base="main", head="third", title="Third", draft=True)
    with pytest.raises(pygithub.GithubException, match="still a draft"):
        draft.merge()


def test_a_branch_is_brought_up_to_date(pull: PullRequest, live: LiveRepository) -> None:
    """The base is merged into the head, once, and only into the head that was expected."""
    assert not pull.update_branch("0" * 40)
    assert pull.update_branch(pull.head.sha)
    assert live.read("other.txt", "topic") == b"x"
    assert not pull.update_branch()


def test_reviews_are_asked_for_and_given(bricks: Repository, pull: PullRequest) -> None:
    """A review that wants changes says which; nobody reviews what is one's own."""
    pull.create_review_request(["hubot"])
    assert [user.login for user in pull.get_review_requests()[0]] == ["hubot"]
    pull.delete_review_request(["hubot"])
    assert bricks.get_pull(1).requested_reviewers == []
    with pytest.raises(pygithub.GithubException, match="from pull request author"):
        pull.create_review_request(["octocat"])
    with pytest.raises(pygithub.GithubException, match="can not be blank"):
        pull.create_review(event="REQUEST_CHANGES")
    pull.create_review(body="Higher, please", event="REQUEST_CHANGES")
    assert [review.state for review in pull.get_reviews()] == ["CHANGES_REQUESTED"]


def test_a_pull_request_is_read_as_a_diff(github_server: GitHubServer, pull: PullRequest) -> None:
    """By media type."""
    answer = requests.get(
        pull.url,
        headers={
            "Authorization": f"token {github_server.token.reveal()}",
            "Accept": "application/vnd.github.diff",
        },
        timeout=30,
    )
    assert "+wall" in answer.text
