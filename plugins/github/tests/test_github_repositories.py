"""Tasks on repositories, their settings, labels, collaborators and teams."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from brickwork import InvalidArguments
from brickwork.testing.task import no_waiting
from brickwork_github import (
    Actors,
    BranchProtection,
    GitHubConflict,
    GitHubCredentials,
    GitHubDenied,
    GitHubInvalid,
    GitHubNotFound,
    GitHubUnavailable,
    RequiredCheck,
    RequiredReviews,
    add_collaborator,
    add_team_member,
    archive_repository,
    create_label,
    create_repository,
    create_repository_from_template,
    create_team,
    delete_label,
    delete_repository,
    get_branch_protection,
    get_collaborator,
    get_repository,
    get_user,
    list_collaborators,
    list_labels,
    list_organization_members,
    list_repositories,
    list_team_members,
    list_teams,
    list_topics,
    protect_branch,
    remove_team_member,
    replace_topics,
    set_team_repository,
    unarchive_repository,
    unprotect_branch,
    update_label,
    update_repository,
)
from brickwork_github.repositories.branch_protection import _asked
from brickwork_github.testing import GitHubServer
from brickwork_github.testing.faults import (
    conflict,
    cut,
    denied,
    not_found,
    primary_limit,
    server_error,
)

REPO = "acme/reports"
BASE = "/repos/{owner}/{repo}"
PROTECTION = f"{BASE}/branches/{{branch}}/protection"


def test_a_repository_is_created_as_it_is_said(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """A private one unless said otherwise; what is not given is left to GitHub."""
    made = create_repository(github_credentials, "reports", organization="acme", auto_init=True)
    assert (made.full_name, made.private, made.default_branch) == (REPO, True, "main")
    (asked,) = github_server.asked("POST /orgs/{org}/repos")
    assert asked.body == {"name": "reports", "private": True, "auto_init": True}
    with pytest.raises(GitHubInvalid, match="already exists"):
        create_repository(github_credentials, "reports", organization="acme")


def test_a_repository_is_created_once(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Nobody knows whether the lost one is there, so it is not sent again."""
    github_server.fail("POST /user/repos", cut(0))
    with no_waiting(), pytest.raises(GitHubUnavailable):
        create_repository(github_credentials, "reports")
    assert len(github_server.asked("POST /user/repos")) == 1


def test_a_repository_is_made_of_a_template(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """The template is in the path, the rest in the body."""
    create_repository_from_template(
        github_credentials, "acme/service", "billing", owner="octo", include_all_branches=True
    )
    (asked,) = github_server.requests
    assert asked.path == {"template_owner": "acme", "template_repo": "service"}
    assert asked.body == {
        "name": "billing",
        "owner": "octo",
        "private": True,
        "include_all_branches": True,
    }
    with pytest.raises(InvalidArguments):
        create_repository_from_template(github_credentials, "../x", "billing")


def test_a_repository_is_read_and_changed(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Only what is given is sent; an empty text takes a thing away."""
    github_server.repository(REPO, {"a": "a"})
    update_repository(github_credentials, REPO, description="", has_wiki=False)
    assert github_server.asked(f"PATCH {BASE}")[0].body == {"description": "", "has_wiki": False}
    found = get_repository(github_credentials, REPO)
    assert (found.owner, found.name, found.description) == ("acme", "reports", "")
    github_server.fail(f"GET {BASE}", not_found())
    with pytest.raises(GitHubNotFound):
        get_repository(github_credentials, "acme/none")


@pytest.mark.parametrize(
    ("given", "route"),
    [
        ({"organization": "acme"}, "GET /orgs/{org}/repos"),
        ({"user": "octocat"}, "GET /users/{username}/repos"),
        ({}, "GET /user/repos"),
    ],
)
def test_repositories_are_listed_to_the_end(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    given: dict[str, Any],
    route: str,
) -> None:
    """All pages of whose they are, with a limit when there is one."""
    each = [github_server.example(route, full_name=f"acme/r{n}") for n in range(130)]
    github_server.answer(route, each)
    found = list_repositories(github_credentials, sort="pushed", **given)
    assert [one.full_name for one in found] == [f"acme/r{n}" for n in range(130)]
    assert len(list_repositories(github_credentials, limit=7, **given)) == 7
    assert github_server.asked(route)[0].query["sort"] == "pushed"


def test_repositories_are_of_one(github_credentials: GitHubCredentials) -> None:
    """An organization and a user at once are refused before anything is sent."""
    with pytest.raises(InvalidArguments, match="An organization and a user"):
        list_repositories(github_credentials, organization="a", user="b")


def test_a_repository_is_archived_once(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """GitHub refuses it of an archived one; that is not an error, also when an answer was lost."""
    repo = github_server.repository(REPO, {"a": "a"})
    github_server.fail(f"PATCH {BASE}", cut(0))
    with no_waiting():
        assert archive_repository(github_credentials, REPO).archived
    assert repo.archived
    with pytest.raises(GitHubDenied, match="read-only"):
        update_repository(github_credentials, REPO, has_wiki=False)
    assert not unarchive_repository(github_credentials, REPO).archived
    github_server.fail(f"PATCH {BASE}", denied("administration=write"))
    with pytest.raises(GitHubDenied) as caught:
        archive_repository(github_credentials, REPO)
    assert caught.value.permissions == "administration=write"


def test_a_repository_is_deleted_by_its_present_name(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """An old name, which GitHub leads on from, deletes nothing."""
    github_server.repository("acme/billing", {"a": "a"})
    github_server.rename(REPO, "acme/billing")
    with pytest.raises(GitHubConflict, match="is now called acme/billing"):
        delete_repository(github_credentials, REPO)
    assert "acme/billing" in github_server.repositories
    github_server.fail(f"DELETE {BASE}", cut(0))
    with no_waiting():
        delete_repository(github_credentials, "Acme/Billing")
    assert "acme/billing" not in github_server.repositories
    with pytest.raises(GitHubNotFound):
        delete_repository(github_credentials, "acme/billing")


def test_topics_are_replaced(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """By a list, which may be empty."""
    github_server.repository(REPO)
    assert replace_topics(github_credentials, REPO, ["etl", "python"]) == ["etl", "python"]
    assert list_topics(github_credentials, REPO) == ["etl", "python"]
    assert replace_topics(github_credentials, REPO, ()) == []
    assert list_topics(github_credentials, REPO) == []


def test_a_branch_is_protected_and_free_again(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """What GitHub has then is what was wanted; replacing a part leaves the rest."""
    github_server.repository(REPO, {"a": "a"})
    wanted = BranchProtection(
        checks=(RequiredCheck("test"), RequiredCheck("lint")),
        up_to_date=True,
        reviews=RequiredReviews(2, code_owners=True),
        enforce_admins=True,
    )
    assert protect_branch(github_credentials, REPO, "main", wanted) == wanted
    found = get_branch_protection(github_credentials, REPO, "main")
    protect_branch(github_credentials, REPO, "main", replace(found, reviews=None))
    assert get_branch_protection(github_credentials, REPO, "main") == replace(wanted, reviews=None)
    unprotect_branch(github_credentials, REPO, "main")
    with pytest.raises(GitHubNotFound, match="not protected"):
        get_branch_protection(github_credentials, REPO, "main")
    with pytest.raises(GitHubNotFound):
        protect_branch(github_credentials, REPO, "none", wanted)


def test_a_protection_takes_away_what_it_does_not_name(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """GitHub replaces all of it, so what is None is sent as null, which it demands."""
    protect_branch(github_credentials, REPO, "main", BranchProtection())
    body = github_server.requests[0].body
    assert body["required_status_checks"] is None
    assert body["required_pull_request_reviews"] is None
    assert body["restrictions"] is None
    assert body["enforce_admins"] is False


def test_a_check_of_an_app_is_that_apps(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """GitHub takes either names, or names with Apps: not both."""
    checks = (RequiredCheck("test", 15368), RequiredCheck("lint"))
    protect_branch(github_credentials, REPO, "main", BranchProtection(checks=checks))
    assert github_server.requests[0].body["required_status_checks"] == {
        "strict": False,
        "contexts": [],
        "checks": [{"context": "test", "app_id": 15368}, {"context": "lint"}],
    }


def test_who_may_push_is_read(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """People by name, teams and Apps by slug, also of who may dismiss reviews."""
    found = get_branch_protection(github_credentials, "octocat/Hello-World", "main")
    assert found.push == Actors(("octocat",), ("justice-league",), ("octoapp",))
    assert found.reviews is not None
    assert found.reviews.dismissal == Actors(("octocat",), ("justice-league",), ("octoapp",))
    protect_branch(github_credentials, REPO, "main", found)
    asked = github_server.asked(f"PUT {PROTECTION}")[0].body
    assert asked["restrictions"] == {
        "users": ["octocat"],
        "teams": ["justice-league"],
        "apps": ["octoapp"],
    }


_NAMES = st.lists(st.text("abc-", min_size=1, max_size=5), max_size=2).map(tuple)
_ACTORS = st.none() | st.builds(Actors, _NAMES, _NAMES, _NAMES)
_REVIEWS = st.builds(
    RequiredReviews,
    st.integers(0, 6),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    _ACTORS,
    _ACTORS,
)
_CHECKS = st.lists(
    st.builds(RequiredCheck, st.text("abc", min_size=1), st.none() | st.integers(1, 9)),
    max_size=3,
    unique_by=lambda check: check.context,
).map(tuple)
_SWITCHES = {
    name: st.booleans()
    for name, kind in BranchProtection.__annotations__.items()
    if kind is bool and name != "up_to_date"
}


def _answered(asked: dict[str, Any]) -> dict[str, Any]:
    """Return a protection as GitHub answers it, of what was asked for."""
    answer: dict[str, Any] = {"url": "https://api.github.com"}
    for name, value in asked.items():
        if isinstance(value, bool):
            answer[name] = {"enabled": value}
        elif isinstance(value, dict):
            answer[name] = {key: _with_names(each) for key, each in value.items()}
            answer[name] = _with_names(answer[name])
    return answer


def _with_names(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"users", "teams", "apps"}:
        return {
            "users": [{"login": each} for each in value["users"]],
            "teams": [{"slug": each} for each in value["teams"]],
            "apps": [{"slug": each} for each in value["apps"]],
        }
    return value


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.builds(
        BranchProtection,
        checks=_CHECKS,
        up_to_date=st.booleans(),
        reviews=st.none() | _REVIEWS,
        push=_ACTORS,
        **_SWITCHES,
    )
)
def test_a_protection_is_read_as_it_was_asked_for(wanted: BranchProtection) -> None:
    """No setting gets lost, or becomes another, on the way to GitHub and back."""
    assert BranchProtection.of(_answered(_asked(wanted))) == wanted


def test_labels_are_kept(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Made, changed, renamed and deleted; names may have any character."""
    github_server.repository(REPO)
    made = create_label(github_credentials, REPO, "area/core & more?", color="#B01F26")
    assert (made.color, made.description, made.default) == ("B01F26", "", False)
    with pytest.raises(GitHubInvalid) as caught:
        create_label(github_credentials, REPO, "area/core & more?")
    assert caught.value.fields == ("name: already_exists",)
    update_label(github_credentials, REPO, "area/core & more?", new_name="core", description="Us")
    assert [
        each.description for each in list_labels(github_credentials, REPO) if each.name == "core"
    ] == ["Us"]
    delete_label(github_credentials, REPO, "core")
    assert "core" not in [each.name for each in list_labels(github_credentials, REPO)]
    with pytest.raises(GitHubNotFound):
        update_label(github_credentials, REPO, "core", color="000000")


def test_a_label_whose_renaming_was_lost_is_renamed(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """The second time there is none of the old name, and one of the new."""
    github_server.repository(REPO)
    github_server.fail(f"PATCH {BASE}/labels/{{name}}", cut(0))
    with no_waiting():
        renamed = update_label(github_credentials, REPO, "bug", new_name="defect", color="000000")
    assert (renamed.name, renamed.color) == ("defect", "000000")
    with pytest.raises(GitHubNotFound):
        update_label(github_credentials, REPO, "none", new_name="nothing")


def test_labels_are_listed_to_the_end(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """All pages, and after a longer failure, too."""
    route = f"GET {BASE}/labels"
    github_server.answer(route, [github_server.example(route, name=f"l{n}") for n in range(201)])
    github_server.fail(route, server_error(503), times=6)
    with no_waiting():
        assert len(list_labels(github_credentials, REPO)) == 201


def test_a_collaborator_is_invited_or_is_one(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """201 is an invitation; 204 says that nobody had to be invited."""
    route = f"PUT {BASE}/collaborators/{{username}}"
    invitation = add_collaborator(github_credentials, REPO, "hubot", permission="maintain")
    assert invitation is not None
    assert invitation.invitee == "octocat"
    assert github_server.asked(route)[0].body == {"permission": "maintain"}
    github_server.answer(route, None, status=204)
    assert add_collaborator(github_credentials, REPO, "hubot") is None
    with pytest.raises(InvalidArguments):
        add_collaborator(github_credentials, REPO, "../../orgs")


def test_roles_are_read(github_server: GitHubServer, github_credentials: GitHubCredentials) -> None:
    """Of one, and of all; a role that an organization made has its name."""
    route = f"GET {BASE}/collaborators"
    each = [github_server.example(route, login=f"u{n}", role_name="docs") for n in range(101)]
    github_server.answer(route, each)
    found = list_collaborators(github_credentials, REPO, affiliation="direct", permission="push")
    assert (len(found), found[100].login, found[100].role) == (101, "u100", "docs")
    assert github_server.asked(route)[0].query == {
        "affiliation": "direct",
        "permission": "push",
        "per_page": "100",
    }
    one = f"GET {BASE}/collaborators/{{username}}/permission"
    github_server.answer(one, github_server.example(one, permission="none", role_name=""))
    assert get_collaborator(github_credentials, REPO, "nobody").role == "none"


def test_a_team_is_made_and_peopled(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """By its slug; roles and permissions are sent as they are said."""
    team = create_team(
        github_credentials, "acme", "Data", privacy="secret", repositories=[REPO], parent_id=7
    )
    add_team_member(github_credentials, "acme", team.slug, "hubot", role="maintainer")
    set_team_repository(github_credentials, "acme", team.slug, REPO, permission="admin")
    remove_team_member(github_credentials, "acme", team.slug, "hubot")
    assert [asked.body for asked in github_server.requests] == [
        {"name": "Data", "privacy": "secret", "repo_names": [REPO], "parent_team_id": 7},
        {"role": "maintainer"},
        {"permission": "admin"},
        None,
    ]
    assert github_server.requests[2].path == {
        "org": "acme",
        "team_slug": team.slug,
        "owner": "acme",
        "repo": "reports",
    }


def test_a_team_is_made_once(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """A lost answer is not asked for again; what may be repeated is."""
    github_server.fail("POST /orgs/{org}/teams", cut(0))
    with no_waiting(), pytest.raises(GitHubUnavailable):
        create_team(github_credentials, "acme", "Data")
    route = "PUT /orgs/{org}/teams/{team_slug}/memberships/{username}"
    github_server.fail(route, cut(0))
    with no_waiting():
        add_team_member(github_credentials, "acme", "data", "hubot")
    assert len(github_server.asked(route)) == 2


def test_members_are_listed_to_the_end(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Of an organization, of a team; teams, too; after the rate limit lifts."""
    people, team = "GET /orgs/{org}/members", "GET /orgs/{org}/teams/{team_slug}/members"
    for route in (people, team):
        each = [github_server.example(route, login=f"u{n}") for n in range(120)]
        github_server.answer(route, each)
    github_server.fail(people, primary_limit(reset_in=30))
    with no_waiting() as waits:
        found = list_organization_members(github_credentials, "acme", without_two_factor=True)
    assert (len(found), found[-1].login) == (120, "u119")
    assert sum(waits) >= 25
    assert github_server.asked(people)[0].query["filter"] == "2fa_disabled"
    assert len(list_team_members(github_credentials, "acme", "data", role="maintainer")) == 120
    assert len(list_team_members(github_credentials, "acme", "data", limit=5)) == 5
    assert [each.slug for each in list_teams(github_credentials, "acme")] == ["justice-league"]


def test_somebody_is_read(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """By name, or oneself; what is not shown is empty."""
    route = "GET /users/{username}"
    bare = {"name": None, "email": None, "company": None, "location": None, "bio": None}
    github_server.answer(route, github_server.example(route, **bare))
    found = get_user(github_credentials, "octocat")
    assert (found.login, found.name, found.email, found.bio) == ("octocat", "", None, "")
    assert get_user(github_credentials).login == "octocat"
    assert github_server.requests[-1].route == "GET /user"


def test_a_missing_permission_and_a_conflict_are_told(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """403 names what lacks; 409 is a conflict."""
    github_server.fail(f"PUT {PROTECTION}", denied("administration=write"))
    with pytest.raises(GitHubDenied) as caught:
        protect_branch(github_credentials, REPO, "main", BranchProtection())
    assert caught.value.permissions == "administration=write"
    github_server.fail(f"PUT {PROTECTION}", conflict("Branch protection is being changed."))
    with pytest.raises(GitHubConflict, match="being changed"):
        protect_branch(github_credentials, REPO, "main", BranchProtection())
