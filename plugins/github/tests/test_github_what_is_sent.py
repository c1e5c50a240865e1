"""What tasks leave behind at GitHub: the state afterwards, or else the request itself."""

from datetime import UTC, datetime
from typing import Literal

import pytest

from brickwork import Task
from brickwork_github import (
    GitHubCredentials,
    add_issue_assignees,
    add_issue_labels,
    close_milestone,
    create_issue,
    create_issue_comment,
    create_milestone,
    delete_organization_secret,
    delete_organization_variable,
    get_issue,
    list_issue_comments,
    list_milestones,
    lock_issue,
    remove_collaborator,
    remove_issue_assignees,
    remove_team_repository,
    unlock_issue,
    update_issue_comment,
)
from brickwork_github.testing import GitHubServer, LiveRepository, issues_of

REPO = "acme/bricks"


@pytest.fixture
def live(github_server: GitHubServer) -> LiveRepository:
    """A repository that keeps what is done in it."""
    return github_server.repository(REPO)


@pytest.fixture
def credentials(github_credentials: GitHubCredentials, live: LiveRepository) -> GitHubCredentials:
    """Whose; there is an issue 1, which an issue 2 must not be taken for."""
    create_issue(github_credentials, live.full_name, "Crack")
    create_issue(github_credentials, live.full_name, "Gap")
    return github_credentials


# Issues


def test_labels_are_added_beside_those_that_are_there(credentials: GitHubCredentials) -> None:
    """Also one that the repository lacked; all of them are returned."""
    assert add_issue_labels(credentials, REPO, 1, ["bug"]) == ("bug",)
    assert add_issue_labels(credentials, REPO, 1, ["new", "wall"]) == ("bug", "new", "wall")
    assert get_issue(credentials, REPO, 1).labels == ("bug", "new", "wall")
    assert get_issue(credentials, REPO, 2).labels == ()


def test_people_are_assigned_beside_those_who_are(credentials: GitHubCredentials) -> None:
    """The issue that is returned is that of afterwards."""
    assert add_issue_assignees(credentials, REPO, 1, ["hubot"]).assignees == ("hubot",)
    issue = add_issue_assignees(credentials, REPO, 1, ["octocat", "mona"])
    assert issue.assignees == ("hubot", "octocat", "mona")
    assert get_issue(credentials, REPO, 1) == issue
    assert get_issue(credentials, REPO, 2).assignees == ()


def test_only_the_named_are_assigned_no_longer(credentials: GitHubCredentials) -> None:
    """The others still are; who never was does not matter."""
    for number in (1, 2):
        add_issue_assignees(credentials, REPO, number, ["hubot", "octocat", "mona"])
    issue = remove_issue_assignees(credentials, REPO, 1, ["octocat", "nobody"])
    assert issue.assignees == ("hubot", "mona")
    assert get_issue(credentials, REPO, 1) == issue
    assert get_issue(credentials, REPO, 2).assignees == ("hubot", "octocat", "mona")


def test_a_conversation_is_unlocked_again(credentials: GitHubCredentials) -> None:
    """Where it was locked before; another one stays so."""
    for number in (1, 2):
        lock_issue(credentials, REPO, number)
    assert get_issue(credentials, REPO, 1).locked
    unlock_issue(credentials, REPO, 1)
    assert not get_issue(credentials, REPO, 1).locked
    assert get_issue(credentials, REPO, 2).locked


# Comments


@pytest.mark.parametrize(("limit", "count"), [(None, 130), (0, 0), (5, 5), (120, 120), (200, 130)])
def test_comments_are_listed_to_the_end_or_the_limit(
    credentials: GitHubCredentials, live: LiveRepository, limit: int | None, count: int
) -> None:
    """Page by page, the oldest first, and no comments on another issue."""
    create_issue_comment(credentials, REPO, 2, "elsewhere")
    comment = create_issue_comment(credentials, REPO, 1, "0")
    kept = issues_of(live).comments
    for n in range(1, 130):
        kept[comment.id + n] = {**kept[comment.id], "id": comment.id + n, "body": str(n)}
    found = list_issue_comments(credentials, REPO, 1, limit=limit)
    assert [each.body for each in found] == [str(n) for n in range(count)]


def test_comments_are_listed_since_a_moment(
    github_server: GitHubServer, credentials: GitHubCredentials
) -> None:
    """One that was only changed since then is among them."""
    early = create_issue_comment(credentials, REPO, 1, "early")
    create_issue_comment(credentials, REPO, 1, "old")
    github_server.advance(60)
    since = datetime.fromtimestamp(github_server.now(), UTC)
    create_issue_comment(credentials, REPO, 1, "new")
    update_issue_comment(credentials, REPO, early.id, "changed")
    found = list_issue_comments(credentials, REPO, 1, since=since)
    assert [each.body for each in found] == ["changed", "new"]
    assert len(list_issue_comments(credentials, REPO, 1)) == 3


def test_the_text_of_a_comment_is_replaced(credentials: GitHubCredentials) -> None:
    """By exactly what is given, in this comment alone."""
    first, second = (create_issue_comment(credentials, REPO, 1, text) for text in ("a", "b"))
    text = " **Me** too\r\n\n<!-- ü --> "
    changed = update_issue_comment(credentials, REPO, second.id, text)
    assert (changed.id, changed.body) == (second.id, text)
    assert list_issue_comments(credentials, REPO, 1) == [first, changed]


# Milestones


def test_a_milestone_is_closed(credentials: GitHubCredentials) -> None:
    """Alone, and it stays closed when it is closed again."""
    first, second = (create_milestone(credentials, REPO, title) for title in ("v1", "v2"))
    for _ in range(2):
        closed = close_milestone(credentials, REPO, second.number)
        assert (closed.title, closed.state) == ("v2", "closed")
    assert list_milestones(credentials, REPO, state="all") == [first, closed]


@pytest.mark.parametrize(
    ("state", "limit", "titles"),
    [
        (None, None, ["v1", "v3", "v4"]),
        ("open", 2, ["v1", "v3"]),
        ("closed", None, ["v2", "v5"]),
        ("closed", 1, ["v2"]),
        ("all", None, ["v1", "v2", "v3", "v4", "v5"]),
        ("all", 4, ["v1", "v2", "v3", "v4"]),
    ],
)
def test_milestones_are_listed_by_their_state(
    credentials: GitHubCredentials,
    state: Literal["open", "closed", "all"] | None,
    limit: int | None,
    titles: list[str],
) -> None:
    """Open ones where nothing is said; as many as are wanted."""
    for n in range(1, 6):
        create_milestone(credentials, REPO, f"v{n}")
    for number in (2, 5):
        close_milestone(credentials, REPO, number)
    if state is None:
        found = list_milestones(credentials, REPO, limit=limit)
    else:
        found = list_milestones(credentials, REPO, state=state, limit=limit)
    assert [each.title for each in found] == titles


def test_milestones_are_listed_to_the_end(
    credentials: GitHubCredentials, live: LiveRepository
) -> None:
    """Also those of a second page."""
    first = create_milestone(credentials, REPO, "v1")
    kept = issues_of(live).milestones
    for n in range(2, 131):
        kept[n] = {**kept[first.number], "number": n, "title": f"v{n}"}
    found = list_milestones(credentials, REPO)
    assert [each.number for each in found] == list(range(1, 131))


# What the loopback keeps no state of


@pytest.mark.parametrize(
    ("call", "arguments", "route", "path"),
    [
        (
            remove_collaborator,
            (REPO, "hubot"),
            "DELETE /repos/{owner}/{repo}/collaborators/{username}",
            {"owner": "acme", "repo": "bricks", "username": "hubot"},
        ),
        (
            remove_team_repository,
            ("octo-org", "justice-league", REPO),
            "DELETE /orgs/{org}/teams/{team_slug}/repos/{owner}/{repo}",
            {
                "org": "octo-org",
                "team_slug": "justice-league",
                "owner": "acme",
                "repo": "bricks",
            },
        ),
        (
            delete_organization_secret,
            ("octo-org", "PASSWORD"),
            "DELETE /orgs/{org}/actions/secrets/{secret_name}",
            {"org": "octo-org", "secret_name": "PASSWORD"},
        ),
        (
            delete_organization_variable,
            ("octo-org", "REGION"),
            "DELETE /orgs/{org}/actions/variables/{name}",
            {"org": "octo-org", "name": "REGION"},
        ),
    ],
)
def test_what_is_taken_away_is_named_by_one_request(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    call: Task[..., None],
    arguments: tuple[str, ...],
    route: str,
    path: dict[str, str],
) -> None:
    """A DELETE of its path, with nothing in the query and no body."""
    call(github_credentials, *arguments)
    (asked,) = github_server.requests
    assert (asked.route, asked.path, asked.query, asked.body) == (route, path, {}, None)
