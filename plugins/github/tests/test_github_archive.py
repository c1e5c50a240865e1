"""The files of a repository as an archive: unpacked whole, or refused whole."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from brickwork import (
    InvalidArguments,
    Scope,
    StorageError,
    TaskCancelled,
    UnsafeArchive,
    on_progress,
)
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.errors import GitHubNotFound, GitHubUnavailable
from brickwork_github.repository.block import GitHubRepository
from brickwork_github.repository.tasks import download_archive
from brickwork_github.testing import GitHubServer
from brickwork_github.testing.faults import not_found
from brickwork_github.testing.live import LiveRepository

FILES = {"README.md": "# Hello\n", "src/é.py": "print(1)\n", "empty": ""}
_TARBALL, _ZIPBALL = (
    f"GET /repos/{{owner}}/{{repo}}/{kind}ball/{{ref}}" for kind in ("tar", "zip")
)


@pytest.fixture
def live(github_server: GitHubServer) -> LiveRepository:
    """A repository with files, a script, a link and a tag."""
    made = github_server.repository("acme/reports", FILES)
    head = str(made.git.resolve("main"))
    changes = [
        ("100755", "run.sh", made.git.write_blob(b"#!/bin/sh\n")),
        ("120000", "link", made.git.write_blob(b"/etc/passwd")),
    ]
    tree = made.git.write_tree(head, changes)
    made.git.update_ref("refs/heads/main", made.git.write_commit(tree, [head], "m", made.author()))
    made.git.run("tag", "v1", head)
    return made


@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
def test_the_files_come_without_links(
    kind: str, repository: GitHubRepository, live: LiveRepository, tmp_path: Path
) -> None:
    """Either archive gives the same files, scripts as such, at the commit that it names."""
    reports: list[str] = []
    with on_progress(lambda report: reports.append(report.text)):
        found = download_archive(repository, tmp_path / "here", format=kind)  # type: ignore[arg-type]  # one of the two
    texts = {
        path.relative_to(found.folder).as_posix(): path.read_text()
        for path in found.folder.rglob("*")
        if path.is_file()
    }
    assert texts == {**FILES, "run.sh": "#!/bin/sh\n"}
    assert (found.files, found.skipped_links) == (4, ("link",))
    assert found.size == sum(len(text.encode()) for text in texts.values())
    assert found.commit == live.git.resolve("main")
    assert (found.folder / "run.sh").stat().st_mode & 0o100
    assert "bytes of the archive" in reports
    assert "src/é.py" in reports


def test_another_ref_can_be_fetched(repository: GitHubRepository, tmp_path: Path) -> None:
    """A tag is as good as a branch."""
    found = repository.download_archive(tmp_path / "here", ref="v1")
    assert (found.files, found.skipped_links) == (3, ())


def test_the_storage_behind_github_gets_no_token(
    repository: GitHubRepository, github_server: GitHubServer, tmp_path: Path
) -> None:
    """The archive is on another host, which the loopback refuses if a token comes along."""
    repository.download_archive(tmp_path / "here")
    assert github_server.asked(_TARBALL)[0].token == github_server.token.reveal()
    assert github_server.files.leaks == []


def _tar(*entries: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, data in entries:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return file.getvalue()


def _zip(*entries: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return file.getvalue()


_BOMB = b"\0" * (32 * 1024 * 1024)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("tar.gz", _tar(("top/ok", b"1"), ("top/../../evil", b"1"))),
        ("tar.gz", _tar(("top/ok", b"1"), ("/evil", b"1"))),
        ("tar.gz", _tar(("top/README", b"1"), ("top/readme", b"1"))),
        ("tar.gz", _tar(("top/bomb", _BOMB))),
        ("zip", _zip(("top/ok", b"1"), ("top/../../evil", b"1"))),
        ("zip", _zip(("top/bomb", _BOMB))),
    ],
)
def test_hostile_archives_are_refused_and_leave_nothing(
    kind: str, content: bytes, repository: GitHubRepository, github_server: GitHubServer,
    tmp_path: Path,
) -> None:  # fmt: skip
    """Whatever the server sends, nothing gets out of the folder, and none of it stays."""
    github_server.answer(_TARBALL if kind == "tar.gz" else _ZIPBALL, content)
    with pytest.raises(UnsafeArchive):
        repository.download_archive(tmp_path / "in/here", format=kind)  # type: ignore[arg-type]  # one of the two
    assert [path for path in tmp_path.rglob("*") if path.name != "in"] == []


def test_too_much_is_refused(repository: GitHubRepository, tmp_path: Path) -> None:
    """The caller's limit counts for the archive, and for what is in it."""
    with pytest.raises(StorageError, match="above 10 bytes"):
        repository.download_archive(tmp_path / "here", max_bytes=10)
    assert not (tmp_path / "here").exists()


def test_what_is_damaged_missing_or_taken_says_so(
    repository: GitHubRepository, github_server: GitHubServer, tmp_path: Path
) -> None:
    """Each failure is typed, and leaves the folder as it was."""
    with pytest.raises(GitHubNotFound):
        repository.download_archive(tmp_path / "here", ref="nothing")
    with pytest.raises(InvalidArguments):
        repository.download_archive(tmp_path / "here", ref="--output=x")
    with pytest.raises(InvalidArguments):
        repository.download_archive(tmp_path / "here", format="rar")  # type: ignore[arg-type]  # on purpose
    github_server.fail(_TARBALL, not_found())
    with pytest.raises(GitHubNotFound):
        repository.download_archive(tmp_path / "here")
    github_server.answer(_TARBALL, _tar(("top/a", b"x" * 10_000))[:-20])
    with pytest.raises(StorageError, match="cannot be read"):
        repository.download_archive(tmp_path / "here")
    github_server.answer(_TARBALL, headers={"Location": "http://127.0.0.1:1/x"})
    hasty = github_server.credentials(client_options={"retries": 0, "timeout": 2})
    with pytest.raises(GitHubUnavailable):
        repository.model_copy(update={"credentials": hasty}).download_archive(tmp_path / "here")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine").write_text("1")
    with pytest.raises(InvalidArguments, match="not empty"):
        repository.download_archive(tmp_path)
    assert (tmp_path / "mine").read_text() == "1"


def test_an_empty_repository_has_no_archive(
    github_server: GitHubServer, github_credentials: GitHubCredentials, tmp_path: Path
) -> None:
    """There is nothing to fetch."""
    github_server.repository("acme/new")
    repository = GitHubRepository(repository="acme/new", credentials=github_credentials)
    with pytest.raises(StorageError, match="no commits"):
        repository.download_archive(tmp_path / "here")


def test_a_cancelled_download_leaves_nothing(repository: GitHubRepository, tmp_path: Path) -> None:
    """It stops between two pieces, while fetching and while unpacking."""
    for text in ("bytes of the archive", "README.md"):
        with Scope("archive") as scope:

            def stop(report: object, text: str = text, scope: Scope = scope) -> None:
                if getattr(report, "text", "") == text:
                    scope.cancel()

            with on_progress(stop), pytest.raises(TaskCancelled):
                repository.download_archive(tmp_path / "here")
        assert list(tmp_path.iterdir()) == []
