"""Tasks on releases: made once, changed, listed, published with all their assets."""

import asyncio
from pathlib import Path
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
    GitHubUnavailable,
    Release,
    create_release,
    delete_release,
    generate_release_notes,
    get_latest_release,
    get_release,
    get_release_by_tag,
    list_releases,
    publish_release,
    update_release,
    upload_release_asset,
)
from brickwork_github.testing import GitHubServer, releases_of
from brickwork_github.testing.faults import cut, denied, primary_limit, reset, server_error
from brickwork_github.testing.live import LiveRepository

REPO = "acme/data"
RELEASES = "/repos/{owner}/{repo}/releases"
CREATE, LIST = f"POST {RELEASES}", f"GET {RELEASES}"
UPDATE = f"PATCH {RELEASES}/{{release_id}}"
UPLOAD = f"POST {RELEASES}/{{release_id}}/assets"


@pytest.fixture
def repo(github_server: GitHubServer) -> LiveRepository:
    """A repository with a commit."""
    return github_server.repository(REPO, {"README.md": "# Data\n"})


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two files to release."""
    for name, content in {"data.csv": b"day,sum\n", "tool.tar.gz": b"\x1f\x8b..."}.items():
        (tmp_path / name).write_bytes(content)
    return [tmp_path / "data.csv", tmp_path / "tool.tar.gz"]


def test_a_release_is_made_as_it_is_said(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """What is given is sent by GitHub's names, the tag is made, and every attribute is read."""
    made = create_release(
        github_credentials, REPO, "v1", name="First", body="Bricks", target="main"
    )
    assert github_server.asked(CREATE)[0].body == {
        "tag_name": "v1",
        "name": "First",
        "body": "Bricks",
        "target_commitish": "main",
        "draft": False,
        "prerelease": False,
        "generate_release_notes": False,
    }
    assert (made.repository, made.tag, made.target) == (REPO, "v1", "main")
    assert (made.name, made.body, made.author) == ("First", "Bricks", "octocat")
    assert (made.draft, made.prerelease, made.immutable, made.assets) == (False, False, False, ())
    assert made.published_at is not None
    assert made.url.endswith("/acme/data/releases/tag/v1")
    assert repo.git.resolve("refs/tags/v1") == repo.git.resolve("refs/heads/main")
    assert get_release(github_credentials, REPO, made.id) == made
    assert get_release_by_tag(github_credentials, REPO, "v1") == made
    assert get_latest_release(github_credentials, REPO) == made


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"name": "First", "body": "Bricks\n\nand mortar\n"},
        {"generate_notes": True},
        {"generate_notes": True, "name": "First", "body": "Bricks"},
        {"prerelease": True, "target": "main"},
        {"draft": True, "name": "First"},
    ],
)
def test_a_release_whose_answer_was_lost_is_found(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    repo: LiveRepository,
    options: dict[str, Any],
) -> None:
    """GitHub made it, nobody heard of it: it is returned, and there is one."""
    github_server.fail(CREATE, cut(0))
    with no_waiting():
        made = create_release(github_credentials, REPO, "v1", **options)
    assert [made.id] == list(releases_of(repo).found)


def test_a_draft_that_nobody_finds_is_not_sent_again(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """GitHub takes many drafts of a tag, so a second request could double it."""
    create_release(github_credentials, REPO, "v1", name="Another", draft=True)
    github_server.fail(CREATE, reset())
    with no_waiting(), pytest.raises(GitHubUnavailable, match="Look whether it was done"):
        create_release(github_credentials, REPO, "v1", draft=True)
    assert len(github_server.asked(CREATE)) == 2
    assert len(releases_of(repo).found) == 1


def test_a_published_release_is_made_in_the_end(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """A request that did not get there, or failed at GitHub, is sent again."""
    github_server.fail(CREATE, reset())
    github_server.fail(CREATE, server_error(502))
    with no_waiting():
        create_release(github_credentials, REPO, "v1")
    assert len(releases_of(repo).found) == 1


@pytest.mark.parametrize(
    "options", [{"name": "Other"}, {"body": "Other"}, {"prerelease": True}, {"target": "next"}]
)
def test_another_release_of_a_tag_is_a_conflict(
    github_credentials: GitHubCredentials, repo: LiveRepository, options: dict[str, Any]
) -> None:
    """What somebody else released is not taken for ours."""
    repo.commit({"a.txt": "a"}, branch="next")
    create_release(github_credentials, REPO, "v1", name="First", body="Bricks", target="main")
    wanted = {"name": "First", "body": "Bricks", "target": "main", **options}
    with pytest.raises(GitHubConflict, match="v1 has a release already") as caught:
        create_release(github_credentials, REPO, "v1", **wanted)
    assert caught.value.status == 422


def test_a_release_of_nothing_is_refused(
    github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """GitHub names the field of a target that is not there."""
    with pytest.raises(GitHubInvalid) as caught:
        create_release(github_credentials, REPO, "v1", target="nowhere")
    assert caught.value.fields == ("target_commitish: invalid",)


def test_who_may_not_release_is_told_what_lacks(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """A permission that lacks, and an archived repository."""
    github_server.fail(CREATE, denied("contents=write"))
    with pytest.raises(GitHubDenied) as caught:
        create_release(github_credentials, REPO, "v1")
    assert caught.value.permissions == "contents=write"
    repo.archived = True
    with pytest.raises(GitHubDenied, match="archived"):
        create_release(github_credentials, REPO, "v1")


def test_a_rate_limit_is_waited_out(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """It says when it lifts, and then the release is made, once."""
    github_server.fail(CREATE, primary_limit(reset_in=30))
    with no_waiting() as waits:
        create_release(github_credentials, REPO, "v1")
    assert sum(waits) > 25
    assert len(releases_of(repo).found) == 1


def test_a_draft_is_changed_and_published(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """Only what is given is sent; publishing makes the tag; an answer that is lost does no harm."""
    draft = create_release(github_credentials, REPO, "v1", draft=True)
    assert (draft.draft, draft.published_at) == (True, None)
    with pytest.raises(GitHubNotFound):
        get_release_by_tag(github_credentials, REPO, "v1")
    assert repo.git.resolve("refs/tags/v1") is None
    github_server.fail(UPDATE, cut(0))
    with no_waiting():
        found = update_release(github_credentials, REPO, draft.id, draft=False, name="First")
    assert (found.draft, found.name) == (False, "First")
    assert [asked.body for asked in github_server.asked(UPDATE)] == [
        {"draft": False, "name": "First"}
    ] * 2
    assert repo.git.resolve("refs/tags/v1") is not None


def test_a_prerelease_is_not_the_latest(
    github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """Nor is what was told not to be."""
    create_release(github_credentials, REPO, "v1")
    create_release(github_credentials, REPO, "v2-rc1", prerelease=True)
    create_release(github_credentials, REPO, "v0.9.1", make_latest="false")
    assert get_latest_release(github_credentials, REPO).tag == "v1"
    assert [each.tag for each in list_releases(github_credentials, REPO)] == [
        "v0.9.1",
        "v2-rc1",
        "v1",
    ]


def test_releases_are_listed_to_the_end(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """All pages, or as many as are wanted."""
    github_server.answer(LIST, [github_server.example(LIST, id=n) for n in range(230)])
    assert [each.id for each in list_releases(github_credentials, REPO)] == list(range(230))
    assert len(github_server.asked(LIST)) == 3
    assert len(list_releases(github_credentials, REPO, limit=7)) == 7
    assert github_server.requests[-1].query["per_page"] == "7"


def test_a_deleted_release_leaves_its_tag(
    github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """The release is gone, and the latest with it."""
    made = create_release(github_credentials, REPO, "v1")
    delete_release(github_credentials, REPO, made.id)
    with pytest.raises(GitHubNotFound):
        get_latest_release(github_credentials, REPO)
    assert repo.git.resolve("refs/tags/v1") is not None


def test_notes_are_written_of_what_came_since(
    github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """Since the release before, or the tag that is named; nothing is saved."""
    create_release(github_credentials, REPO, "v1")
    repo.commit({"mortar.txt": "m"}, "Add mortar")
    notes = generate_release_notes(github_credentials, REPO, "v2")
    assert "Add mortar" in notes.body
    assert "v1...v2" in notes.body
    assert len(releases_of(repo).found) == 1
    with pytest.raises(GitHubInvalid):
        generate_release_notes(github_credentials, REPO, "v2", previous_tag="v0")


@pytest.mark.parametrize("tag", ["../v1", "", "a..b"])
def test_a_tag_cannot_lead_elsewhere(github_credentials: GitHubCredentials, tag: str) -> None:
    """It is refused before anything is sent."""
    with pytest.raises(InvalidArguments, match="tag cannot be"):
        get_release_by_tag(github_credentials, REPO, tag)


def test_a_release_can_be_awaited(
    github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """The async twin gives the same."""

    async def made() -> Release:
        return await create_release.aio(github_credentials, REPO, "v1")

    assert asyncio.run(made()) == get_release_by_tag(github_credentials, REPO, "v1")


# Published with all assets


def test_a_release_is_published_with_all_its_assets(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    repo: LiveRepository,
    files: list[Path],
) -> None:
    """It is a draft until the last of them is there."""
    found = publish_release(github_credentials, REPO, "v1", files, name="First")
    assert (found.draft, found.name) == (False, "First")
    assert [asset.name for asset in found.assets] == ["data.csv", "tool.tar.gz"]
    writes = [each.route for each in github_server.requests if not each.route.startswith("GET ")]
    assert writes == [CREATE, UPLOAD, UPLOAD, UPDATE]
    assert get_latest_release(github_credentials, REPO) == found


def test_nothing_is_published_where_an_asset_fails(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    repo: LiveRepository,
    files: list[Path],
) -> None:
    """The draft stays, and the next call goes on with it, without what it has already."""
    github_server.fail(UPLOAD, denied("contents=write"))
    repo_kept = releases_of(repo)
    draft = create_release(github_credentials, REPO, "v1", draft=True)
    upload_release_asset_first(github_credentials, draft, files[0], github_server)
    with pytest.raises(GitHubDenied):
        publish_release(github_credentials, REPO, "v1", files)
    assert [each["draft"] for each in repo_kept.found.values()] == [True]
    sent = len(github_server.asked(UPLOAD))
    found = publish_release(github_credentials, REPO, "v1", files)
    assert (found.id, found.draft) == (draft.id, False)
    assert len(github_server.asked(UPLOAD)) == sent + 1


def upload_release_asset_first(
    credentials: GitHubCredentials, draft: Release, file: Path, server: GitHubServer
) -> None:
    """Upload one; the fault that waits for uploads is for the next one."""
    with pytest.raises(GitHubDenied):
        upload_release_asset(credentials, REPO, draft.id, file)
    upload_release_asset(credentials, REPO, draft.id, file)
    server.fail(UPLOAD, denied("contents=write"))


def test_what_is_published_stays(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    repo: LiveRepository,
    files: list[Path],
) -> None:
    """The same again changes nothing; other assets are a conflict."""
    first = publish_release(github_credentials, REPO, "v1", files)
    count = len([each for each in github_server.requests if not each.route.startswith("GET ")])
    assert publish_release(github_credentials, REPO, "v1", files).id == first.id
    files[0].write_text("other")
    with pytest.raises(GitHubConflict, match=r"data\.csv is not among its assets"):
        publish_release(github_credentials, REPO, "v1", files)
    assert count == len([e for e in github_server.requests if not e.route.startswith("GET ")])


def test_an_answer_that_is_lost_while_publishing_doubles_nothing(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    repo: LiveRepository,
    files: list[Path],
) -> None:
    """Neither the draft, nor an asset."""
    for route in (CREATE, UPLOAD, UPDATE):
        github_server.fail(route, cut(0))
    with no_waiting():
        found = publish_release(github_credentials, REPO, "v1", files)
    assert list(releases_of(repo).found) == [found.id]
    assert sorted(asset.name for asset in found.assets) == ["data.csv", "tool.tar.gz"]


@pytest.mark.parametrize("names", [["a b.txt", "a.b.txt"], ["none.txt"], ["empty.txt"]])
def test_files_that_will_not_do_are_found_before_anything_is_made(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    tmp_path: Path,
    names: list[str],
) -> None:
    """Two that GitHub gives one name, one that is not there, an empty one."""
    for name in ("a b.txt", "a.b.txt"):
        (tmp_path / name).write_text(name)
    (tmp_path / "empty.txt").touch()
    with pytest.raises(InvalidArguments):
        publish_release(github_credentials, REPO, "v1", [tmp_path / name for name in names])
    assert github_server.requests == []


def test_several_drafts_of_a_tag_are_not_guessed_among(
    github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """Somebody must say which one it is."""
    for name in ("one", "two"):
        create_release(github_credentials, REPO, "v1", name=name, draft=True)
    with pytest.raises(GitHubConflict, match="2 drafts of v1"):
        publish_release(github_credentials, REPO, "v1", [])
