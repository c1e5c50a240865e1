"""Tasks on branches, references and tags: what is there afterwards, and what is refused."""

import pytest

from brickwork import InvalidArguments
from brickwork.testing.task import no_waiting
from brickwork_github import (
    GitHubConflict,
    GitHubCredentials,
    GitHubInvalid,
    GitHubNotFound,
    GitHubUnavailable,
    GitPerson,
    create_branch,
    create_ref,
    create_tag,
    delete_branch,
    delete_ref,
    get_branch,
    get_ref,
    list_branches,
    list_refs,
    list_tags,
    merge_branches,
    rename_branch,
    update_ref,
)
from brickwork_github.testing import GitHubServer
from brickwork_github.testing.faults import cut, not_found
from brickwork_github.testing.live.repository import LiveRepository

REPO = "acme/reports"
BASE = "/repos/{owner}/{repo}"
GIT = f"{BASE}/git"


@pytest.fixture
def repo(github_server: GitHubServer) -> LiveRepository:
    """Return a repository with a commit."""
    return github_server.repository(REPO, {"README.md": "# Reports\n"})


def at(repo: LiveRepository, ref: str = "HEAD") -> str | None:
    """Return the id of a commit; None for none."""
    return repo.git.resolve(ref, "commit")


def test_a_branch_goes_on_from_where_it_is_said(
    github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """From the default branch, another branch or a commit; with slashes in its name."""
    first = at(repo)
    repo.commit({"b": "b"})
    assert create_branch(github_credentials, REPO, "feature/a").commit == at(repo)
    assert create_branch(github_credentials, REPO, "old", at=first).commit == first
    create_branch(github_credentials, REPO, "older", at="old")
    assert at(repo, "refs/heads/older") == first
    assert get_branch(github_credentials, REPO, "feature/a").commit == at(repo)
    with pytest.raises(GitHubNotFound):
        get_branch(github_credentials, REPO, "none")
    with pytest.raises(GitHubInvalid):
        create_branch(github_credentials, REPO, "next", at="none")


def test_a_branch_that_is_there_is_made_only_where_it_is(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """At the same commit that is fine, as after a lost answer; at another it is a conflict."""
    github_server.fail(f"POST {GIT}/refs", cut(0))
    with no_waiting():
        create_branch(github_credentials, REPO, "next")
    assert len(github_server.asked(f"POST {GIT}/refs")) == 2
    repo.commit({"b": "b"})
    with pytest.raises(GitHubConflict, match="has a reference refs/heads/next"):
        create_branch(github_credentials, REPO, "next")


def test_branches_are_listed_to_the_end(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """All pages; protected ones when they are asked for."""
    route = f"GET {BASE}/branches"
    github_server.answer(route, [github_server.example(route, name=f"b{n}") for n in range(130)])
    assert len(list_branches(github_credentials, REPO, protected=True)) == 130
    assert github_server.asked(route)[0].query["protected"] == "true"
    assert [each.name for each in list_branches(github_credentials, REPO, limit=2)] == ["b0", "b1"]


def test_a_branch_is_deleted_once(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """A lost answer is no error; a branch that was never there is."""
    repo.commit({"b": "b"}, branch="old")
    github_server.fail(f"DELETE {GIT}/refs/{{ref}}", cut(0))
    with no_waiting():
        delete_branch(github_credentials, REPO, "old")
    assert at(repo, "refs/heads/old") is None
    with pytest.raises(GitHubNotFound):
        delete_branch(github_credentials, REPO, "old")


def test_a_protected_branch_is_not_deleted(
    github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """GitHub refuses it, and the error says what kind of branch it is."""
    repo.protect("main")
    with pytest.raises(GitHubInvalid, match="protected") as caught:
        delete_branch(github_credentials, REPO, "main")
    assert "The branch is protected" in caught.value.fix
    assert "main" in [each.name for each in list_branches(github_credentials, REPO)]


def test_a_branch_is_renamed_once(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """The old name is gone; a lost answer is not asked for again."""
    assert rename_branch(github_credentials, REPO, "main", "trunk").commit == at(repo)
    assert (at(repo, "refs/heads/main"), repo.default_branch) == (None, "trunk")
    github_server.fail(f"POST {BASE}/branches/{{branch}}/rename", cut(0))
    with no_waiting(), pytest.raises(GitHubUnavailable):
        rename_branch(github_credentials, REPO, "trunk", "main")
    assert at(repo, "refs/heads/main") is not None
    repo.commit({"b": "b"}, branch="next")
    with pytest.raises(GitHubInvalid):
        rename_branch(github_credentials, REPO, "next", "main")


def test_branches_are_merged_once(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """Nothing to merge is None, also after a lost answer; what does not fit is a conflict."""
    repo.commit({"b": "b"}, branch="next")
    repo.commit({"c": "c"})
    merged = merge_branches(github_credentials, REPO, "main", "next", message="Take next")
    assert merged == at(repo)
    assert merged is not None
    assert repo.git.commit(merged).message.strip() == "Take next"
    assert merge_branches(github_credentials, REPO, "main", "next") is None
    repo.commit({"d": "d"}, branch="next")
    github_server.fail(f"POST {BASE}/merges", cut(0))
    with no_waiting():
        assert merge_branches(github_credentials, REPO, "main", "next") is None
    assert repo.read("d", "main") == b"d"
    repo.commit({"b": "theirs"}, branch="next")
    repo.commit({"b": "ours"})
    with pytest.raises(GitHubConflict, match="Merge conflict"):
        merge_branches(github_credentials, REPO, "main", "next")
    with pytest.raises(GitHubNotFound):
        merge_branches(github_credentials, REPO, "main", "none")


def test_a_reference_is_moved_only_forwards(
    github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """Unless it is forced; it may be named with refs/ or without."""
    first = at(repo)
    second = repo.commit({"b": "b"})
    assert first is not None
    create_ref(github_credentials, REPO, "refs/heads/next", first)
    assert update_ref(github_credentials, REPO, "heads/next", second).sha == second
    with pytest.raises(GitHubInvalid, match="fast forward"):
        update_ref(github_credentials, REPO, "heads/next", first)
    update_ref(github_credentials, REPO, "refs/heads/next", first, force=True)
    found = get_ref(github_credentials, REPO, "refs/heads/next")
    assert (found.ref, found.sha, found.type) == ("refs/heads/next", first, "commit")
    repo.protect("next")
    with pytest.raises(GitHubInvalid, match="pull request"):
        update_ref(github_credentials, REPO, "heads/next", second)


def test_references_are_listed(github_credentials: GitHubCredentials, repo: LiveRepository) -> None:
    """All whose names begin so, with a limit when there is one."""
    repo.commit({"b": "b"}, branch="feature/a")
    repo.commit({"b": "b"}, branch="feature/b")
    found = list_refs(github_credentials, REPO, "heads/feature")
    assert [each.ref for each in found] == ["refs/heads/feature/a", "refs/heads/feature/b"]
    assert len(list_refs(github_credentials, REPO, "heads", limit=1)) == 1
    assert list_refs(github_credentials, REPO, "tags") == []


@pytest.mark.parametrize("ref", ["heads/../../issues", "", "heads//a", "heads/a\n"])
def test_a_reference_that_leads_elsewhere_is_refused(
    github_server: GitHubServer, github_credentials: GitHubCredentials, ref: str
) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidArguments):
        delete_ref(github_credentials, REPO, ref)
    assert github_server.requests == []


def test_a_repository_without_commits_has_no_branches(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """It says what to do first."""
    github_server.repository(REPO)
    with pytest.raises(GitHubConflict) as caught:
        create_branch(github_credentials, REPO, "next")
    assert "create_file" in caught.value.fix
    github_server.fail(f"GET {BASE}/commits/{{ref}}", not_found())
    with pytest.raises(GitHubNotFound):
        create_tag(github_credentials, "acme/none", "v1")


def test_a_tag_is_annotated_or_not(
    github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """With a message it is an object of its own, which says who and why."""
    create_tag(github_credentials, REPO, "v1")
    assert get_ref(github_credentials, REPO, "tags/v1").type == "commit"
    mona = GitPerson(name="Mona", email="mona@example.com")
    create_tag(github_credentials, REPO, "v2", message="The second", at="main", tagger=mona)
    told = get_ref(github_credentials, REPO, "tags/v2")
    assert told.type == "tag"
    assert "tagger Mona <mona@example.com>" in repo.git.run("cat-file", "tag", told.sha).decode()
    tags = {each.name: each.commit for each in list_tags(github_credentials, REPO)}
    assert tags == {"v1": at(repo), "v2": at(repo)}


@pytest.mark.parametrize("message", [None, "The first"])
def test_a_tag_that_is_there_is_made_only_where_it_is(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    repo: LiveRepository,
    message: str | None,
) -> None:
    """Lost answers make no second one; at another commit it is a conflict."""
    github_server.fail(f"POST {GIT}/refs", cut(0))
    if message is not None:
        github_server.fail(f"POST {GIT}/tags", cut(0))
    with no_waiting():
        create_tag(github_credentials, REPO, "v1", message=message)
        again = create_tag(github_credentials, REPO, "v1", message=message)
    assert again.commit == at(repo)
    repo.commit({"b": "b"})
    with pytest.raises(GitHubConflict, match="refs/tags/v1"):
        create_tag(github_credentials, REPO, "v1", message=message)


def test_tags_are_listed_to_the_end(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """All pages, with a limit when there is one."""
    route = f"GET {BASE}/tags"
    github_server.answer(route, [github_server.example(route, name=f"v{n}") for n in range(101)])
    assert list_tags(github_credentials, REPO)[-1].name == "v100"
    assert len(list_tags(github_credentials, REPO, limit=3)) == 3
