"""A repository as a storage: what is read, and that writes are commits."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from brickwork import (
    InvalidKey,
    KeyExists,
    KeyNotFound,
    StorageError,
    Vault,
    open_storage,
    use_vault,
)
from brickwork.testing.task import no_waiting
from brickwork_github.contents.models import GitPerson
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.errors import (
    GitHubConflict,
    GitHubDenied,
    GitHubError,
    GitHubInvalid,
    GitHubNotFound,
    GitHubUnavailable,
)
from brickwork_github.repository import committing, reading
from brickwork_github.repository.block import GitHubRepository
from brickwork_github.repository.commits import head_of
from brickwork_github.testing import Asked, GitHubServer
from brickwork_github.testing.faults import cut, denied, invalid, not_found
from brickwork_github.testing.live import LiveRepository

NAME = "acme/docs"
FILES = {
    "README.md": "# Docs\n",
    "site/index.html": "<h1>Docs</h1>\n",
    "site/css/main.css": "body {}\n",
    "site-map.txt": "one\n",
}
_CONTENTS = "/repos/{owner}/{repo}/contents/{path}"
_GIT = "/repos/{owner}/{repo}/git"
_WRITES = ("PUT", "POST", "PATCH", "DELETE")


@pytest.fixture
def live(github_server: GitHubServer) -> LiveRepository:
    """A repository with files, a tag and two branches."""
    made = github_server.repository(NAME, FILES)
    made.git.run("tag", "v1", "HEAD")
    made.commit({"site/index.html": "<h1>Two</h1>\n"}, branch="release/2")
    return made


def commits(live: LiveRepository, branch: str = "main") -> list[str]:
    """Return the messages of a branch's commits, the last one first."""
    return [commit.message for commit in live.git.commits(f"refs/heads/{branch}")]


def writes(github_server: GitHubServer) -> list[Asked]:
    """Return the requests that change something."""
    return [asked for asked in github_server.requests if asked.route.startswith(_WRITES)]


# URLs and refs


def test_a_url_with_a_block_opens_it(
    repository: GitHubRepository, github_credentials: GitHubCredentials, memory_vault: Vault
) -> None:
    """The scheme github is known, and the credentials come from the vault."""
    with use_vault(memory_vault):
        github_credentials.save("robot")
        url = "github://acme/docs@release%2F2/site?block=github-credentials/robot"
        storage = open_storage(url)
        assert isinstance(storage, GitHubRepository)
        assert (storage.ref, storage.prefix) == ("release/2", "site")
        assert storage.read("index.html") == b"<h1>Two</h1>\n"
        assert storage.url == "github://acme/docs@release%2F2/site"
        with pytest.raises(StorageError, match="github-credentials"):
            GitHubRepository.from_url("github://acme/docs", repository)


@pytest.mark.parametrize(
    "url",
    ["github://acme", "github:///docs", "github://acme/docs@-x", "github://acme/docs@a..b",
     "github://acme/docs@main/../x", "github://a b/docs", "s3://acme/docs", "github://acme/..@main"],
)  # fmt: skip
def test_bad_urls_are_refused(url: str) -> None:
    """A URL that names no repository, ref or folder says how to write one."""
    with pytest.raises(StorageError) as caught:
        GitHubRepository.from_url(url)
    assert "github://owner/repo@ref/folder" in caught.value.fix


@pytest.mark.parametrize("ref", ["v1", "tags/v1", "refs/tags/v1", "COMMIT"])
def test_tags_and_commits_can_be_read_and_not_written(
    ref: str, repository: GitHubRepository, live: LiveRepository, github_server: GitHubServer
) -> None:
    """What cannot change reads as ever; a write is refused before anything is sent."""
    commit = str(live.git.resolve("main"))
    fixed = repository.model_copy(update={"ref": commit if ref == "COMMIT" else ref})
    live.commit({"README.md": "changed\n"})
    assert fixed.read("README.md") == b"# Docs\n"
    assert sorted(fixed.keys()) == sorted(FILES)
    tries: list[Callable[[], object]] = [
        lambda: fixed.write("a", b"1"),
        lambda: fixed.delete("README.md"),
        lambda: fixed.write_many({"a": b"1"}),
    ]
    for attempt in tries:
        with pytest.raises(StorageError, match="cannot be written") as caught:
            attempt()
        assert "branch" in caught.value.fix
    assert writes(github_server) == []


@pytest.mark.parametrize("ref", ["release/2", "heads/release/2", "refs/heads/release/2"])
def test_branches_are_written_by_any_of_their_names(
    ref: str, repository: GitHubRepository, live: LiveRepository
) -> None:
    """A branch with slashes is one; the default branch stays as it is."""
    repository.model_copy(update={"ref": ref}).write("a.txt", b"1")
    assert live.read("a.txt", "release/2") == b"1"
    with pytest.raises(KeyError):
        live.read("a.txt")


def test_a_branch_comes_before_a_tag_of_the_same_name(
    repository: GitHubRepository, live: LiveRepository
) -> None:
    """As for git, and for clones."""
    live.git.run("tag", "both", "main")
    live.commit({"README.md": "branch\n"}, branch="both")
    assert repository.model_copy(update={"ref": "both"}).read("README.md") == b"branch\n"
    assert repository.model_copy(update={"ref": "tags/both"}).read("README.md") == b"# Docs\n"


@pytest.mark.parametrize("what", ["ref", "repository"])
def test_a_ref_or_a_repository_that_is_not_there_says_so(
    what: str, repository: GitHubRepository, github_server: GitHubServer
) -> None:
    """Reading and writing raise GitHubNotFound, not that an object lacks."""
    missing = repository.model_copy(update={"ref": "nothing"})
    if what == "repository":
        github_server.fail(None, not_found(), times=10)
    tries: list[Callable[[], object]] = [
        lambda: missing.read("README.md"),
        lambda: missing.exists("README.md"),
        lambda: missing.write("a", b"1"),
        lambda: missing.delete("a"),
        lambda: list(missing.keys()),
    ]
    for attempt in tries:
        with pytest.raises(GitHubNotFound):
            attempt()


# Reading


def test_the_time_is_that_of_the_last_commit_of_the_file(
    repository: GitHubRepository, live: LiveRepository, github_server: GitHubServer
) -> None:
    """A commit to another file changes neither time nor etag."""
    first = repository.stat("README.md")
    github_server.advance(3600)
    live.commit({"other": "1"})
    assert repository.stat("README.md") == first
    live.commit({"README.md": "new\n"})
    second = repository.stat("README.md")
    assert (second.modified - first.modified).total_seconds() >= 3600
    assert second.etag == committing.blob_sha(b"new\n")


def test_links_and_submodules_are_no_objects(
    repository: GitHubRepository, live: LiveRepository
) -> None:
    """A link is not read, listed, replaced or written through, wherever it leads."""
    link, head = live.git.write_blob(b"../README.md"), str(live.git.resolve("main"))
    tree = live.git.write_tree(
        head,
        [("120000", "site/link", link), ("120000", "site/dir", link), ("160000", "site/sub", head)],
    )
    live.git.update_ref("refs/heads/main", live.git.write_commit(tree, [head], "m", live.author()))
    site = repository.model_copy(update={"prefix": "site"})
    assert list(site.keys()) == ["css/main.css", "index.html"]
    for key in ("link", "sub", "dir/x"):
        assert not site.exists(key)
        with pytest.raises(KeyNotFound):
            site.read(key)
        with pytest.raises(StorageError, match="in its way"):
            site.write(key, b"1")
        site.delete(key)
    assert live.read("site/link") == b"../README.md"


def test_listings_walk_what_github_truncates(
    repository: GitHubRepository, live: LiveRepository, github_server: GitHubServer
) -> None:
    """A tree that is too large for one answer is listed folder by folder, in order."""
    live.commit({"a.txt": "1", "a/b/c": "1", "a/b.txt": "1", "a0": "1", "site/z": "1"})
    from brickwork_github.testing.live import gitdata

    def truncated(asked: Asked) -> Any:
        body = gitdata._get_tree(live, asked)
        assert isinstance(body, dict)
        if "recursive" in asked.query and asked.path["tree_sha"] == live.git.resolve(
            "main", "tree"
        ):
            return {**body, "tree": body["tree"][:2], "truncated": True}
        return body

    github_server.answer(f"GET {_GIT}/trees/{{tree_sha}}", truncated)
    everything = sorted([*FILES, "a.txt", "a/b/c", "a/b.txt", "a0", "site/z"])
    assert list(repository.keys()) == everything
    assert list(repository.keys("a")) == [key for key in everything if key.startswith("a")]


def test_a_second_read_costs_two_requests(
    repository: GitHubRepository, live: LiveRepository, github_server: GitHubServer
) -> None:
    """Trees are remembered by their hash; what the branch is now is asked for each time."""
    repository.read("site/css/main.css")
    before = len(github_server.requests)
    repository.read("site/css/main.css")
    assert len(github_server.requests) - before == 2
    live.commit({"site/css/main.css": "new"})
    assert repository.read("site/css/main.css") == b"new"


def test_large_files_are_read_and_written(
    repository: GitHubRepository, live: LiveRepository
) -> None:
    """Above one MiB, where the contents API ends, blobs carry them."""
    data = bytes(range(256)) * 12_000
    repository.write("big.bin", data)
    assert live.read("big.bin") == data
    assert repository.read("big.bin") == data
    assert repository.stat("big.bin").size == len(data)


def test_reading_goes_on_when_a_connection_breaks(
    repository: GitHubRepository, github_server: GitHubServer
) -> None:
    """What came is kept, the rest is fetched anew; after too many breaks it is an error."""
    data = bytes(range(256)) * 8000
    repository.write("big.bin", data)
    route = f"GET {_GIT}/blobs/{{file_sha}}"
    with no_waiting():
        github_server.fail(route, cut(after=1_500_000))
        github_server.fail(route, cut(after=1_900_000))
        assert repository.read("big.bin") == data
        github_server.fail(route, cut(after=1000), times=10)
        with pytest.raises(GitHubUnavailable):
            repository.read("big.bin")


def test_a_content_that_is_not_what_its_hash_names_is_an_error(
    repository: GitHubRepository, github_server: GitHubServer
) -> None:
    """Nobody on the way may change a file unseen."""
    github_server.answer(f"GET {_GIT}/blobs/{{file_sha}}", b"# Evil\n")
    with pytest.raises(GitHubError, match="hash"):
        repository.read("README.md")


def test_an_empty_repository_has_no_keys_and_takes_a_first_commit(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """One file can be written to nothing; several, which the Git data API refuses, say so."""
    live = github_server.repository("acme/new")
    repository = GitHubRepository(repository="acme/new", credentials=github_credentials)
    assert list(repository.keys()) == []
    assert not repository.exists("a")
    with pytest.raises(KeyNotFound):
        repository.read("a")
    repository.delete("a")
    with pytest.raises(GitHubConflict, match="no commits") as caught:
        repository.write_many({"a": b"1", "b": b"2"})
    assert "write()" in caught.value.fix
    repository.write("a", b"1", if_absent=True)
    assert (commits(live), live.read("a")) == (["Add a"], b"1")


# Writing


def test_a_write_is_a_commit_with_message_and_people(
    repository: GitHubRepository, live: LiveRepository
) -> None:
    """Message, author and committer are as the block says."""
    robot = GitPerson(name="Robot", email="robot@example.com")
    block = repository.model_copy(
        update={"message": "docs: {action} {path} [ci]", "author": robot, "prefix": "site"}
    )
    block.write("new.txt", b"1")
    block.write("new.txt", b"2")
    block.delete("new.txt")
    told = [f"docs: {action} site/new.txt [ci]" for action in ("Delete", "Update", "Add")]
    assert commits(live)[:3] == told
    last = live.git.commits("-1", "main")[0]
    assert (last.author.name, last.committer.email) == ("Robot", "robot@example.com")


def test_what_is_there_already_makes_no_commit(
    repository: GitHubRepository, live: LiveRepository, github_server: GitHubServer
) -> None:
    """Writing the same content, and deleting nothing, sends no write."""
    before = commits(live)
    repository.write("README.md", b"# Docs\n")
    repository.delete("never/was")
    found = repository.write_many({"README.md": "# Docs\n", "never/was": None})
    assert commits(live) == before
    assert (found.changed, found.commit) == ((), live.git.resolve("main"))
    assert writes(github_server) == []


@pytest.mark.parametrize("data", [b"#!/bin/sh\necho 2\n", b"x" * 2_000_000])
def test_the_right_to_execute_is_kept(
    data: bytes, repository: GitHubRepository, live: LiveRepository
) -> None:
    """A script that is written anew still is one."""
    head, blob = str(live.git.resolve("main")), live.git.write_blob(b"#!/bin/sh\n")
    tree = live.git.write_tree(head, [("100755", "run.sh", blob)])
    live.git.update_ref("refs/heads/main", live.git.write_commit(tree, [head], "m", live.author()))
    repository.write("run.sh", data)
    entry = live.git.entry(str(live.git.resolve("main", "tree")), "run.sh")
    assert entry is not None
    assert (entry.mode, live.read("run.sh")) == ("100755", data)


def test_several_files_are_one_commit(repository: GitHubRepository, live: LiveRepository) -> None:
    """Texts, bytes, a large file and a deletion come together, and nothing else changes."""
    found = repository.write_many(
        {
            "site-map.txt": None,
            "a/text.txt": "é\n",
            "a/bytes": b"\xff\x00",
            "a/big": b"x" * 1_500_000,
        },
        message="All at once",
    )
    assert commits(live)[:2] == ["All at once", "Initial commit"]
    assert found.commit == live.git.resolve("main")
    assert found.changed == ("site-map.txt", "a/text.txt", "a/bytes", "a/big")
    assert found.url.endswith(f"/acme/docs/commit/{found.commit}")
    assert live.read("a/text.txt") == "é\n".encode()
    assert live.read("a/bytes") == b"\xff\x00"
    assert len(live.read("a/big")) == 1_500_000
    assert sorted(repository.keys()) == ["README.md", "a/big", "a/bytes", "a/text.txt",
                                         "site/css/main.css", "site/index.html"]  # fmt: skip


def test_changes_are_collected_and_committed_at_the_end(
    repository: GitHubRepository, live: LiveRepository
) -> None:
    """An exception in the block commits nothing."""
    with repository.committing("Publish") as changes:
        changes.write("a", b"1")
        changes.write("b", "2")
        changes.delete("site-map.txt")
    assert changes.commit is not None
    assert changes.commit.changed == ("a", "b", "site-map.txt")
    assert commits(live)[0] == "Publish"
    with pytest.raises(ZeroDivisionError), repository.committing("Never") as changes:
        changes.write("c", b"%d" % (1 // 0))
    assert commits(live)[0] == "Publish"
    with repository.committing() as changes:
        changes.write("d", b"1")
        changes.write("e", b"1")
    assert commits(live)[0] == "Update 2 files"


def _racing(
    live: LiveRepository, monkeypatch: pytest.MonkeyPatch, times: int, path: str = "theirs"
) -> None:
    """Let somebody else commit right after the branch was looked at, so many times."""
    real, left = head_of, [times]

    def raced(repository: GitHubRepository) -> str | None:
        head = real(repository)
        if left[0]:
            left[0] -= 1
            live.commit({path: f"theirs {left[0]}"}, "Theirs")
        return head

    monkeypatch.setattr(committing, "head_of", raced)


@pytest.mark.parametrize("size", [10, 2_000_000])
def test_a_lost_race_is_run_again_on_top_of_the_others(
    size: int, repository: GitHubRepository, live: LiveRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What others committed meanwhile stays, and ours comes on top."""
    _racing(live, monkeypatch, 3)
    with no_waiting():
        repository.write_many({"ours": b"x" * size, "more": b"1"}, message="Ours")
    assert commits(live)[:5] == ["Ours", "Theirs", "Theirs", "Theirs", "Initial commit"]
    assert live.read("theirs") == b"theirs 0"
    assert len(live.read("ours")) == size


def test_an_expected_head_is_a_guard(
    repository: GitHubRepository, live: LiveRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A branch that is elsewhere, or moves in the last moment, is not written."""
    head = str(live.git.resolve("main"))
    repository.write_many({"a": b"1"}, expected_head=head)
    with pytest.raises(GitHubConflict, match="not at"):
        repository.write_many({"a": b"2"}, expected_head=head)
    now = str(live.git.resolve("main"))
    _racing(live, monkeypatch, 1)
    with no_waiting(), pytest.raises(GitHubConflict):
        repository.write_many({"a": b"2"}, expected_head=now)
    assert live.read("a") == b"1"


def test_a_race_for_one_file_with_if_absent_has_one_winner(
    repository: GitHubRepository, live: LiveRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes second is told so, although nothing was there when it looked."""
    _racing(live, monkeypatch, 1, "lock")
    with no_waiting(), pytest.raises(KeyExists):
        repository.write("lock", b"ours", if_absent=True)
    assert live.read("lock") == b"theirs 0"


def test_many_writers_lose_nothing(repository: GitHubRepository, live: LiveRepository) -> None:
    """Six threads that commit at once each get their commit, with all of their files."""

    def work(number: int) -> None:
        for turn in range(2):
            repository.write_many({f"{number}/{turn}/{name}": b"1" for name in "ab"})

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert len(commits(live)) == 13
    assert len([key for key in list(repository.keys()) if key.endswith(("/a", "/b"))]) == 24


@pytest.mark.parametrize("method", ["write", "delete", "many"])
def test_a_lost_answer_makes_no_second_commit(
    method: str, repository: GitHubRepository, live: LiveRepository, github_server: GitHubServer
) -> None:
    """Where GitHub did the work and the connection broke, it is found done."""
    before = len(commits(live))
    routes = {"write": f"PUT {_CONTENTS}", "delete": f"DELETE {_CONTENTS}"}
    with no_waiting():
        github_server.fail(routes.get(method, f"PATCH {_GIT}/refs/{{ref}}"), cut())
        if method == "write":
            repository.write("README.md", b"new")
        elif method == "delete":
            repository.delete("README.md")
        else:
            repository.write_many({"a": b"1", "b": b"2"})
    assert github_server.faults_left == 0
    assert len(commits(live)) == before + 1


def test_an_exclusive_write_is_not_sent_twice(
    repository: GitHubRepository, live: LiveRepository, github_server: GitHubServer
) -> None:
    """Its second sending could not tell its own commit from another's: the error says to look."""
    github_server.fail(f"PUT {_CONTENTS}", cut())
    with no_waiting(), pytest.raises(GitHubUnavailable, match="Look whether"):
        repository.write("lock", b"1", if_absent=True)
    assert commits(live)[0] == "Add lock"


def test_a_refusal_that_no_race_explains_is_raised_soon(
    repository: GitHubRepository, github_server: GitHubServer
) -> None:
    """A protected branch is not tried a dozen times."""
    route = f"PATCH {_GIT}/refs/{{ref}}"
    github_server.fail(route, invalid(message="Protected branch update failed"), times=12)
    with no_waiting() as waits, pytest.raises(GitHubInvalid, match="Protected branch"):
        repository.write_many({"a": b"1", "b": b"1"})
    assert len(waits) == 1
    assert github_server.faults_left == 10


def test_what_the_credentials_may_not_do_is_denied(
    repository: GitHubRepository, live: LiveRepository, github_server: GitHubServer
) -> None:
    """An archived repository and a missing permission are named."""
    live.archived = True
    with pytest.raises(GitHubDenied) as archived:
        repository.write("a", b"1")
    assert "Unarchive" in archived.value.fix
    live.archived = False
    github_server.fail(f"PUT {_CONTENTS}", denied("contents=write"))
    with pytest.raises(GitHubDenied) as lacking:
        repository.write("a", b"1")
    assert lacking.value.permissions == "contents=write"


@pytest.mark.parametrize(
    "key", [".git/hooks/post-checkout", ".GIT/config", "a/.git", "site/.Git/x"]
)
def test_gits_own_folder_is_no_key(
    key: str, repository: GitHubRepository, github_server: GitHubServer
) -> None:
    """Nobody who clones the repository gets a hook from here."""
    tries: list[Callable[[], object]] = [
        lambda: repository.write(key, b"1"),
        lambda: repository.write_many({key: b"1"}),
        lambda: repository.read(key),
        lambda: repository.exists(key),
        lambda: repository.delete(key),
    ]
    for attempt in tries:
        with pytest.raises(InvalidKey):
            attempt()
    assert github_server.requests == []


def test_too_large_files_are_refused_before_they_are_sent(
    repository: GitHubRepository, github_server: GitHubServer, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    """GitHub takes no file above 100 MiB; a stream is refused as soon as it is above that."""
    assert committing.MAX_FILE_BYTES == 100 * 1024 * 1024
    monkeypatch.setattr(committing, "MAX_FILE_BYTES", 1000)
    for attempt in (
        lambda: repository.write("a", b"x" * 1001),
        lambda: repository.write_many({"a": "x" * 1001}),
    ):
        with pytest.raises(StorageError, match="100 MiB"):
            attempt()
    with pytest.raises(StorageError, match="100 MiB"), repository.open_write("a") as file:
        file.writelines([b"x" * 500] * 3)
    (tmp_path / "large").write_bytes(b"x" * 1001)
    with pytest.raises(StorageError, match="100 MiB"):
        repository.upload_file(tmp_path / "large", "a")
    assert github_server.requests == []


def test_a_file_is_not_written_over_a_folder(
    repository: GitHubRepository, live: LiveRepository
) -> None:
    """Neither a folder nor a file above is replaced in silence."""
    for key in ("site", "README.md/x", "site/css"):
        with pytest.raises(StorageError, match="in its way"):
            repository.write(key, b"1")
        with pytest.raises(StorageError, match="in its way"):
            repository.write_many({key: b"1"})
    assert commits(live) == ["Initial commit"]


def test_streams_of_files_are_binary_files(repository: GitHubRepository) -> None:
    """They read in parts, know their end, and can be closed early."""
    file = repository.open_read("README.md")
    assert isinstance(file, io.BufferedReader)
    with file:
        assert (file.read(2), file.read(), file.read()) == (b"# ", b"Docs\n", b"")
    early = repository.open_read("README.md")
    early.read(1)
    early.close()
    assert reading.file_at(repository, "README.md").size == 7


# Checks


def _told(repository: GitHubRepository) -> dict[str, str]:
    return {
        finding.what: f"{finding.status}: {finding.detail}"
        for finding in repository.check().findings
    }


def test_the_check_says_what_is_there_and_permitted(
    repository: GitHubRepository, live: LiveRepository, github_server: GitHubServer
) -> None:
    """Existence, default branch, ref, and what may be done, also of an archive."""
    told = _told(repository)
    assert told["repository"] == "ok: acme/docs, private, default branch main"
    assert told["ref"].startswith("ok: main is at ")
    assert told["may read"].startswith("ok")
    assert told["may write"].startswith("ok")
    live.archived = True
    assert _told(repository)["may write"].startswith("warning: the repository is archived")
    live.archived = False
    live.settings["permissions"] = {"pull": True, "push": False, "admin": False}
    assert _told(repository)["may write"].startswith("warning: push lacks")
    assert _told(repository.model_copy(update={"ref": "nothing"}))["ref"].startswith("failed")
    github_server.fail("GET /repos/{owner}/{repo}", denied())
    report = repository.check()
    assert [each.status for each in report.findings] == ["failed", "skipped", "skipped", "skipped"]
    github_server.rename("acme/docs-of-old", NAME)
    renamed = _told(repository.model_copy(update={"repository": "acme/docs-of-old"}))
    assert "renamed from acme/docs-of-old" in renamed["repository"]
