"""Tasks on assets: sent and fetched piece by piece, whole or not at all, and never twice."""

import asyncio
import contextlib
import hashlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from brickwork import (
    InvalidArguments,
    Progress,
    TaskCancelled,
    TaskTimeout,
    on_progress,
    sleep,
)
from brickwork.testing.task import no_waiting
from brickwork_github import (
    GitHubConflict,
    GitHubCredentials,
    GitHubDenied,
    GitHubNotFound,
    GitHubUnavailable,
    Release,
    create_release,
    delete_release_asset,
    download_release_asset,
    get_release,
    list_release_assets,
    upload_release_asset,
)
from brickwork_github.releases.sending import asset_name, content_type_of, opened
from brickwork_github.testing import GitHubServer, releases_of
from brickwork_github.testing.faults import cut, denied, reset, secondary_limit, server_error, slow
from brickwork_github.testing.live import LiveRepository
from brickwork_github.testing.messages import Answer, Asked

REPO = "acme/data"
ASSETS = "/repos/{owner}/{repo}/releases/{release_id}/assets"
UPLOAD, LIST = f"POST {ASSETS}", f"GET {ASSETS}"
ASSET = "/repos/{owner}/{repo}/releases/assets/{asset_id}"
GET, DELETE = f"GET {ASSET}", f"DELETE {ASSET}"
MIB = 1024 * 1024


@pytest.fixture
def repo(github_server: GitHubServer) -> LiveRepository:
    """A repository with a commit."""
    return github_server.repository(REPO, {"README.md": "# Data\n"})


@pytest.fixture
def release(github_credentials: GitHubCredentials, repo: LiveRepository) -> Release:
    """A release without assets."""
    return create_release(github_credentials, REPO, "v1")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file to upload."""
    path = tmp_path / "data.csv"
    path.write_bytes(b"day,sum\n" * 100_000)
    return path


def digest(content: bytes) -> str:
    """Return a digest, as GitHub writes it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def contents(repo: LiveRepository) -> list[bytes]:
    """Return what all assets of a repository have."""
    kept = releases_of(repo)
    ids = [asset["id"] for each in kept.found.values() for asset in each["assets"]]
    return [kept.contents[each] for each in ids]


def test_an_asset_comes_back_as_it_was_sent(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    release: Release,
    file: Path,
    tmp_path: Path,
) -> None:
    """Bytes, name, label, type and digest; GitHub's storage gets no token."""
    asset = upload_release_asset(github_credentials, REPO, release.id, file, label="The data")
    assert (asset.name, asset.label, asset.state) == ("data.csv", "The data", "uploaded")
    assert (asset.content_type, asset.size) == ("text/csv", 800_000)
    assert asset.digest == digest(file.read_bytes())
    (asked,) = github_server.asked(UPLOAD)
    assert asked.headers["Content-Length"] == "800000"
    assert asked.query == {"name": "data.csv", "label": "The data"}
    target = tmp_path / "new" / "copy.csv"
    assert download_release_asset(github_credentials, REPO, asset.id, target) == target
    assert target.read_bytes() == file.read_bytes()
    assert get_release(github_credentials, REPO, release.id).assets[0].downloads == 1


def test_bytes_are_sent_under_a_name(
    github_credentials: GitHubCredentials, release: Release, repo: LiveRepository
) -> None:
    """The type may be said, too."""
    asset = upload_release_asset(
        github_credentials, REPO, release.id, b"bricks", name="bricks", content_type="text/x-brick"
    )
    assert (asset.name, asset.content_type) == ("bricks", "text/x-brick")
    assert contents(repo) == [b"bricks"]


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (b"bricks", {}),
        (b"", {"name": "empty"}),
        (Path("missing.csv"), {}),
        (Path(), {"name": "folder"}),
    ],
)
def test_what_cannot_be_sent_is_told_before_anything_is(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    content: Path | bytes,
    options: dict[str, Any],
) -> None:
    """Bytes without a name, nothing at all, no file, a folder."""
    with pytest.raises(InvalidArguments):
        upload_release_asset(github_credentials, REPO, 1, content, **options)
    assert github_server.requests == []


def test_progress_is_told_both_ways(
    github_credentials: GitHubCredentials, release: Release, file: Path, tmp_path: Path
) -> None:
    """In bytes, of the whole."""
    told: list[Progress] = []
    with on_progress(told.append):
        asset = upload_release_asset(github_credentials, REPO, release.id, file)
        download_release_asset(github_credentials, REPO, asset.id, tmp_path / "copy.csv")
    for text in ("uploading", "downloading"):
        steps = [each.done for each in told if each.text == text]
        assert steps == sorted(steps)
        assert len(steps) > 1
        assert steps[-1] == 800_000
    assert {each.total for each in told} == {800_000}


@pytest.mark.parametrize("fault", [cut(0), reset(), server_error(502)])
def test_an_upload_that_breaks_is_done_once_in_the_end(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    release: Release,
    repo: LiveRepository,
    file: Path,
    fault: Any,
) -> None:
    """What arrived is found by its digest; what did not is sent again."""
    github_server.fail(UPLOAD, fault)
    with no_waiting():
        asset = upload_release_asset(github_credentials, REPO, release.id, file)
    assert contents(repo) == [file.read_bytes()]
    assert len(github_server.asked(UPLOAD)) == (1 if fault == cut(0) else 2)
    assert asset.digest == digest(file.read_bytes())


def test_what_an_upload_left_is_removed_and_sent_again(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    release: Release,
    repo: LiveRepository,
    file: Path,
) -> None:
    """GitHub keeps an empty asset of state ``starter``, which blocks the name."""
    left = github_server.example(LIST, id=77, name=file.name, state="starter", size=0)

    def leave(asked: Asked) -> Answer:
        releases_of(repo).found[release.id]["assets"].append(left)
        return Answer({"message": "Error saving asset"}, 502)

    github_server.answer(UPLOAD, leave, times=1)
    with no_waiting():
        asset = upload_release_asset(github_credentials, REPO, release.id, file)
    assert [asked.path["asset_id"] for asked in github_server.asked(DELETE)] == ["77"]
    assert (asset.state, contents(repo)) == ("uploaded", [file.read_bytes()])


def test_what_an_upload_left_cannot_be_fetched(
    github_server: GitHubServer, github_credentials: GitHubCredentials, tmp_path: Path
) -> None:
    """It has no content, and the error says what it is."""
    github_server.answer(GET, github_server.example(GET, state="starter"))
    with pytest.raises(GitHubNotFound, match="not whole"):
        download_release_asset(github_credentials, REPO, 1, tmp_path / "copy.csv")


def test_another_asset_of_a_name_is_replaced_only_if_asked(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    release: Release,
    repo: LiveRepository,
    file: Path,
) -> None:
    """Otherwise it is a conflict, and nothing is sent or deleted."""
    upload_release_asset(github_credentials, REPO, release.id, b"old", name="data.csv")
    with pytest.raises(GitHubConflict, match=r"v1 of acme/data has another asset 'data\.csv'"):
        upload_release_asset(github_credentials, REPO, release.id, file)
    assert contents(repo) == [b"old"]
    upload_release_asset(github_credentials, REPO, release.id, file, replace=True)
    assert contents(repo) == [file.read_bytes()]
    assert len(github_server.asked(UPLOAD)) == 2


def test_the_same_asset_is_not_sent_again(
    github_server: GitHubServer, github_credentials: GitHubCredentials, release: Release, file: Path
) -> None:
    """Also where it could be replaced; a new label is given to it."""
    first = upload_release_asset(github_credentials, REPO, release.id, file)
    again = upload_release_asset(github_credentials, REPO, release.id, file, replace=True)
    assert again == first
    found = upload_release_asset(github_credentials, REPO, release.id, file, label="The data")
    assert (found.id, found.label) == (first.id, "The data")
    assert len(github_server.asked(UPLOAD)) == 1


def test_a_name_that_github_would_change_is_found_again(
    github_server: GitHubServer, github_credentials: GitHubCredentials, release: Release
) -> None:
    """It is sent as one that GitHub leaves alone; the page shows the whole name."""
    for _ in range(2):
        asset = upload_release_asset(
            github_credentials, REPO, release.id, b"bricks", name="größe (neu).csv"
        )
        assert (asset.name, asset.label) == ("gro.e.neu.csv", "größe (neu).csv")
    (asked,) = github_server.asked(UPLOAD)
    assert asked.query == {"name": "gro.e.neu.csv", "label": "größe (neu).csv"}


def test_a_rate_limit_in_the_midst_does_no_harm(
    github_server: GitHubServer, github_credentials: GitHubCredentials, release: Release, file: Path
) -> None:
    """The file is sent from its begin again, when it may be."""
    github_server.fail(UPLOAD, secondary_limit(retry_after=9))
    with no_waiting() as waits:
        asset = upload_release_asset(github_credentials, REPO, release.id, file)
    assert sum(waits) > 8
    assert asset.digest == digest(file.read_bytes())


def test_a_renamed_repository_takes_uploads(
    github_server: GitHubServer, github_credentials: GitHubCredentials, release: Release, file: Path
) -> None:
    """Under the name that it has now."""
    github_server.rename("acme/old", REPO)
    asset = upload_release_asset(github_credentials, "acme/old", release.id, file)
    assert asset.state == "uploaded"


def test_what_arrived_otherwise_is_not_left_there(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    release: Release,
    file: Path,
) -> None:
    """An asset with another digest than what was sent is deleted, and in the end an error."""
    wrong = github_server.example(UPLOAD, id=5, digest=digest(b"other"))
    github_server.answer(UPLOAD, wrong)
    github_server.answer(DELETE, None)
    with no_waiting(), pytest.raises(GitHubUnavailable, match="what arrived has the digest"):
        upload_release_asset(github_credentials, REPO, release.id, file)
    assert len(github_server.asked(UPLOAD)) == len(github_server.asked(DELETE)) == 3


def test_a_file_is_replaced_only_by_the_right_one(
    github_server: GitHubServer, github_credentials: GitHubCredentials, file: Path
) -> None:
    """What comes with another digest, or comes in part, leaves the old file, and no other."""
    before = file.read_bytes()

    def answer(asked: Asked) -> Answer:
        if "octet-stream" in asked.headers.get("Accept", ""):
            return Answer(b"changed on the way", 302)
        return Answer(github_server.example(GET, digest=digest(b"bricks")))

    github_server.answer(GET, answer)
    with no_waiting(), pytest.raises(GitHubUnavailable, match="what came has the digest"):
        download_release_asset(github_credentials, REPO, 1, file)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_who_may_not_download_is_told(
    github_server: GitHubServer, github_credentials: GitHubCredentials, tmp_path: Path
) -> None:
    """That it is denied, and not that the file cannot be written."""

    def answer(asked: Asked) -> Answer:
        if "octet-stream" in asked.headers.get("Accept", ""):
            return Answer({"message": "Resource not accessible by integration"}, 403)
        return Answer(github_server.example(GET))

    github_server.answer(GET, answer)
    with pytest.raises(GitHubDenied):
        download_release_asset(github_credentials, REPO, 1, tmp_path / "copy.csv")


def test_an_old_asset_without_a_digest_can_be_fetched(
    github_server: GitHubServer, github_credentials: GitHubCredentials, tmp_path: Path
) -> None:
    """GitHub has no digests of what was uploaded before 2025."""

    def answer(asked: Asked) -> Answer:
        if "octet-stream" in asked.headers.get("Accept", ""):
            return Answer(b"bricks", 302)
        return Answer(github_server.example(GET, digest=None))

    github_server.answer(GET, answer)
    target = download_release_asset(github_credentials, REPO, 1, tmp_path / "old.zip")
    assert target.read_bytes() == b"bricks"


def test_an_upload_stops_when_cancelled(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    release: Release,
    repo: LiveRepository,
    tmp_path: Path,
) -> None:
    """Between two pieces, before all is sent."""
    path = tmp_path / "large.bin"
    with path.open("wb") as large:
        large.truncate(64 * MIB)

    async def cancelled() -> None:
        begun, loop = asyncio.Event(), asyncio.get_running_loop()

        def hold(_: Progress) -> None:
            loop.call_soon_threadsafe(begun.set)
            with contextlib.suppress(TaskCancelled):
                sleep(60)

        with on_progress(hold):
            upload = upload_release_asset.aio(github_credentials, REPO, release.id, path)
            task = asyncio.create_task(upload)
            await begun.wait()
            task.cancel()
            await task

    with pytest.raises((asyncio.CancelledError, TaskCancelled)):
        asyncio.run(cancelled())
    assert contents(repo) == []


def test_an_upload_ends_with_its_time(
    github_server: GitHubServer, github_credentials: GitHubCredentials, release: Release, file: Path
) -> None:
    """GitHub answers late: the task's time-out is what the caller hears of."""
    github_server.fail(UPLOAD, slow(30))
    with pytest.raises(TaskTimeout):
        upload_release_asset.with_options(timeout_seconds=0.5)(
            github_credentials, REPO, release.id, file
        )


def test_assets_are_listed_to_the_end(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """All pages, so that a name is found wherever it is."""
    github_server.answer(LIST, [github_server.example(LIST, id=n) for n in range(130)])
    found = list_release_assets(github_credentials, REPO, 1)
    assert [each.id for each in found] == list(range(130))
    assert len(list_release_assets(github_credentials, REPO, 1, limit=5)) == 5


def test_a_deleted_asset_is_gone(
    github_credentials: GitHubCredentials, release: Release, file: Path, tmp_path: Path
) -> None:
    """It is listed no more, nor downloaded."""
    asset = upload_release_asset(github_credentials, REPO, release.id, file)
    delete_release_asset(github_credentials, REPO, asset.id)
    assert list_release_assets(github_credentials, REPO, release.id) == []
    with pytest.raises(GitHubNotFound):
        download_release_asset(github_credentials, REPO, asset.id, tmp_path / "copy.csv")


def test_who_may_not_upload_is_told(
    github_server: GitHubServer, github_credentials: GitHubCredentials, release: Release, file: Path
) -> None:
    """With the permission that lacks."""
    github_server.fail(UPLOAD, denied("contents=write"))
    with pytest.raises(GitHubDenied) as caught:
        upload_release_asset(github_credentials, REPO, release.id, file)
    assert caught.value.permissions == "contents=write"


_MEASURED = """
import resource, sys
from brickwork_github import GitHubCredentials, download_release_asset, upload_release_asset
url, token, release, path = sys.argv[1:]
here = GitHubCredentials(token=token, api_url=url)
upload_release_asset(here, "acme/data", int(release), b"first", name="first")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
asset = upload_release_asset(here, "acme/data", int(release), path)
download_release_asset(here, "acme/data", asset.id, path + ".copy")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_large_files_take_no_more_memory(
    github_server: GitHubServer, release: Release, tmp_path: Path
) -> None:
    """96 MiB go up and come back with less than 16 MiB."""
    path = tmp_path / "large.bin"
    with path.open("wb") as large:
        large.truncate(96 * MIB)
    arguments = [github_server.url, github_server.token.reveal(), str(release.id), str(path)]
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *arguments], capture_output=True, text=True, check=True
    )
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(done.stdout) * unit < 16 * MIB
    assert (tmp_path / "large.bin.copy").stat().st_size == 96 * MIB


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", "text/csv"),
        ("a.zip", "application/zip"),
        ("a.tar.gz", "application/gzip"),
        ("a.tgz", "application/gzip"),
        ("a.tar.xz", "application/x-xz"),
        ("a.whl", "application/octet-stream"),
        ("a", "application/octet-stream"),
    ],
)
def test_the_type_is_that_of_the_name(name: str, kind: str) -> None:
    """The same on all machines, whatever they have in /etc/mime.types."""
    assert content_type_of(name) == kind


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a-b_c+d@e.1.zip", "a-b_c+d@e.1.zip"),
        ("tool_1.0~rc1_amd64.deb", "tool_1.0.rc1_amd64.deb"),
        ("my data (2).csv", "my.data.2.csv"),
        (".config", "default.config"),
        ("größe.csv", "gro.e.csv"),
        ("豫言.pdf", "default.pdf"),
        ("a..b.", "a.b"),
        ("!", "default"),
    ],
)
def test_names_are_as_github_keeps_them(name: str, kept: str) -> None:
    """Points for what is neither letter, digit, nor ``-_+@``; one at a time, none at the ends."""
    assert asset_name(name) == kept


@given(st.text(min_size=1))
def test_a_kept_name_is_kept(name: str) -> None:
    """It has only what GitHub leaves alone, and it is not changed again."""
    kept = asset_name(name)
    assert re.fullmatch(r"[A-Za-z0-9_+@-]+(\.[A-Za-z0-9_+@-]+)*", kept)
    assert asset_name(kept) == kept


@given(st.binary(min_size=1), st.integers(1, 100))
def test_a_file_is_summed_up_as_it_is_read(content: bytes, size: int) -> None:
    """In pieces of any size, also after it was read before."""
    with opened(content) as file:
        assert file.digest_of_all() == digest(content)
        pieces = list(iter(lambda: file.read(size), b""))
        assert b"".join(pieces) == content
        assert file.digest == digest(content)
        file.seek(0)
        assert file.digest == digest(b"")
        assert file.read() == content
        assert file.digest == digest(content)
