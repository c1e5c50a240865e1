"""Tasks on gists: created once, read, changed file by file, deleted."""

import asyncio
import base64
from datetime import UTC, datetime

import pytest

from brickwork import InvalidArguments, open_serializer
from brickwork.testing.task import no_waiting
from brickwork_github import (
    Gist,
    GitHubCredentials,
    GitHubDenied,
    GitHubInvalid,
    GitHubNotFound,
    GitHubUnavailable,
    create_gist,
    delete_gist,
    get_gist,
    list_gists,
    update_gist,
)
from brickwork_github.testing import GitHubServer
from brickwork_github.testing.faults import cut, denied, not_found, reset, server_error

CREATE, UPDATE = "POST /gists", "PATCH /gists/{gist_id}"
GET, DELETE = "GET /gists/{gist_id}", "DELETE /gists/{gist_id}"


@pytest.fixture
def gist(github_credentials: GitHubCredentials) -> Gist:
    """A gist of two files."""
    return create_gist(github_credentials, {"a.txt": "A", "b.txt": "B"}, description="Letters")


def texts(gist: Gist) -> dict[str, str | bytes | None]:
    """Return what its files have."""
    return {name: file.content for name, file in gist.files.items()}


def test_a_gist_is_created_and_read(
    github_server: GitHubServer, github_credentials: GitHubCredentials, gist: Gist
) -> None:
    """It is secret unless said otherwise, and comes back as it was given."""
    assert github_server.asked(CREATE)[0].body == {
        "description": "Letters",
        "public": False,
        "files": {"a.txt": {"content": "A"}, "b.txt": {"content": "B"}},
    }
    assert (gist.public, gist.description, gist.truncated) == (False, "Letters", False)
    assert texts(gist) == {"a.txt": "A", "b.txt": "B"}
    assert gist.files["a.txt"].size == 1
    assert get_gist(github_credentials, gist.id) == gist
    assert create_gist(github_credentials, {"a.txt": "A"}, public=True).public


def test_a_gist_is_created_once(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Nobody knows whether the lost one is there, so it is not created again."""
    github_server.fail(CREATE, cut(0))
    with no_waiting(), pytest.raises(GitHubUnavailable, match="Look whether it was done"):
        create_gist(github_credentials, {"a.txt": "A"})
    assert len(list_gists(github_credentials)) == 1


def test_a_revision_is_read(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """By the id of its commit."""
    get_gist(github_credentials, "2decf6c462d9b4418f2", revision="ac3e6daf")
    assert github_server.requests[0].route == "GET /gists/{gist_id}/{sha}"
    assert github_server.requests[0].path["sha"] == "ac3e6daf"


def test_what_is_no_text_comes_as_bytes(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """And what was cut off is told, with where the whole is."""
    found = github_server.example(GET)
    file = {**found["files"]["README.md"], "encoding": "base64", "truncated": True}
    file["content"] = base64.b64encode(b"\x00\xff").decode()
    github_server.answer(GET, {**found, "files": {"a.bin": {**file, "filename": "a.bin"}}})
    gist = get_gist(github_credentials, "2decf6c462d9b4418f2")
    assert gist.files["a.bin"].content == b"\x00\xff"
    assert gist.files["a.bin"].truncated
    assert gist.git_url.startswith("https://gist.github.com/")


def test_gists_are_listed_to_the_end(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """One's own, somebody's, those with a star; all pages, or as many as are wanted."""
    since = datetime(2026, 5, 1, tzinfo=UTC)
    for route in ("GET /gists", "GET /gists/starred", "GET /users/{username}/gists"):
        github_server.answer(route, [github_server.example(route, id=str(n)) for n in range(130)])
    found = list_gists(github_credentials, since=since)
    assert [each.id for each in found] == [str(n) for n in range(130)]
    assert found[0].files["hello_world.rb"].content is None
    assert len(list_gists(github_credentials, starred=True, limit=4)) == 4
    assert len(list_gists(github_credentials, user="octocat")) == 130
    routes = [asked.route for asked in github_server.requests]
    assert (
        routes == ["GET /gists"] * 2 + ["GET /gists/starred"] + ["GET /users/{username}/gists"] * 2
    )
    assert github_server.requests[0].query["since"] == "2026-05-01T00:00:00Z"
    with pytest.raises(InvalidArguments, match="starred"):
        list_gists(github_credentials, user="octocat", starred=True)


def test_files_are_changed_added_renamed_and_deleted(
    github_server: GitHubServer, github_credentials: GitHubCredentials, gist: Gist
) -> None:
    """By one request; the others stay."""
    files = {"a.txt": "AA", "b.txt": None, "c.txt": "C"}
    found = update_gist(github_credentials, gist.id, files, renames={"a.txt": "d.txt"})
    assert texts(found) == {"d.txt": "AA", "c.txt": "C"}
    assert github_server.asked(UPDATE)[0].body == {
        "files": {
            "a.txt": {"content": "AA", "filename": "d.txt"},
            "b.txt": None,
            "c.txt": {"content": "C"},
        }
    }
    assert found.description == "Letters"
    assert update_gist(github_credentials, gist.id, description="Bricks").description == "Bricks"


@pytest.mark.parametrize("fault", [cut(0), reset(), server_error(502)])
def test_a_change_whose_answer_was_lost_is_made_once(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    gist: Gist,
    fault: object,
) -> None:
    """What was renamed and deleted already is not asked for again."""
    github_server.fail(UPDATE, fault)  # type: ignore[arg-type]  # parametrize loses the type
    files = {"a.txt": "AA", "b.txt": None}
    with no_waiting():
        found = update_gist(github_credentials, gist.id, files, renames={"a.txt": "d.txt"})
    assert texts(found) == {"d.txt": "AA"}


def test_what_is_done_already_changes_nothing(
    github_server: GitHubServer, github_credentials: GitHubCredentials, gist: Gist
) -> None:
    """A file that is gone need not be deleted."""
    found = update_gist(github_credentials, gist.id, {"gone.txt": None}, renames={"x": "a.txt"})
    assert texts(found) == texts(gist)
    assert github_server.asked(UPDATE) == []


def test_a_change_that_cannot_be_is_told(github_credentials: GitHubCredentials, gist: Gist) -> None:
    """Nothing given, a file that is not there, and a gist without any."""
    with pytest.raises(InvalidArguments, match="Nothing shall be changed"):
        update_gist(github_credentials, gist.id)
    with pytest.raises(InvalidArguments, match="has no file 'x'"):
        update_gist(github_credentials, gist.id, renames={"x": "y"})
    with pytest.raises(GitHubInvalid):
        update_gist(github_credentials, gist.id, {"a.txt": None, "b.txt": None})


def test_a_deleted_gist_is_gone(
    github_server: GitHubServer, github_credentials: GitHubCredentials, gist: Gist
) -> None:
    """Also where the answer was lost, and the second finds nothing."""
    github_server.fail(DELETE, cut(0))
    github_server.fail(DELETE, not_found())
    with no_waiting():
        delete_gist(github_credentials, gist.id)
    assert github_server.gists.found == {}


def test_who_may_not_have_gists_is_told(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """As the installation of an App, or a token without the permission."""
    github_server.fail(CREATE, denied("gists=write"))
    with pytest.raises(GitHubDenied) as caught:
        create_gist(github_credentials, {"a.txt": "A"})
    assert caught.value.permissions == "gists=write"
    github_server.fail(GET, not_found())
    with pytest.raises(GitHubNotFound):
        get_gist(github_credentials, "0")


@pytest.mark.parametrize("gist_id", ["", "..", "a\nb"])
def test_an_id_cannot_lead_elsewhere(
    github_server: GitHubServer, github_credentials: GitHubCredentials, gist_id: str
) -> None:
    """It is refused before anything is sent."""
    with pytest.raises(InvalidArguments):
        delete_gist(github_credentials, gist_id)
    assert github_server.requests == []


def test_a_gist_can_be_awaited_and_kept(github_credentials: GitHubCredentials, gist: Gist) -> None:
    """The async twin gives the same, and what comes is what was stored."""

    async def found() -> Gist:
        return await get_gist.aio(github_credentials, gist.id)

    assert asyncio.run(found()) == gist
    serializer = open_serializer("json")
    assert serializer.loads(serializer.dumps(gist)) == gist
