"""Clones by git: what they bring, and what nobody gets to see."""

import os
import socket
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from brickwork import (
    InvalidArguments,
    InvalidBlock,
    Scope,
    TaskCancelled,
    TaskTimeout,
    on_progress,
)
from brickwork.testing.listening import Reply
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.errors import GitError, GitHubDenied, GitHubNotFound, GitHubUnavailable
from brickwork_github.repository import git as git_module
from brickwork_github.repository.block import GitHubRepository
from brickwork_github.repository.git import web_url
from brickwork_github.repository.guards import check_filter, check_paths, check_ref
from brickwork_github.repository.tasks import clone_repository
from brickwork_github.testing import GitHubServer, githttp, serving
from brickwork_github.testing.live import LiveRepository
from brickwork_github.testing.live.gitdir import clean_environment

FILES = {
    "README.md": "# Hello\n",
    "src/a.py": "print(1)\n",
    "docs/b.md": "b\n",
    "big.bin": "x" * 9999,
}
NAME = "acme/reports"


@pytest.fixture
def live(github_server: GitHubServer) -> LiveRepository:
    """A private repository with files, a tag and a branch."""
    made = github_server.repository(NAME, FILES)
    made.git.run("tag", "v1", "HEAD")
    made.commit({"README.md": "# Hello, v2\n"}, branch="feature/two")
    return made


def git(folder: Path, *arguments: str) -> str:
    """Run git in a clone."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=clean_environment(), capture_output=True, check=True
    )
    return done.stdout.decode().strip()


def files_of(folder: Path) -> set[str]:
    """Return the paths of a clone's files."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


# What comes


def test_a_clone_has_the_files_of_the_default_branch(
    repository: GitHubRepository, live: LiveRepository, tmp_path: Path
) -> None:
    """Without a ref it is the default branch, tracked, with one commit."""
    found = repository.clone(tmp_path / "here")
    assert files_of(found.folder) == set(FILES)
    assert (found.repository, found.ref) == (NAME, "main")
    assert found.commit == live.git.resolve("main") == git(found.folder, "rev-parse", "HEAD")
    assert git(found.folder, "rev-parse", "--abbrev-ref", "HEAD@{upstream}") == "origin/main"
    assert git(found.folder, "status", "--porcelain") == ""
    assert git(found.folder, "rev-list", "--count", "HEAD") == "1"


@pytest.mark.parametrize("ref", ["feature/two", "refs/heads/feature/two", "heads/feature/two"])
def test_a_branch_is_cloned_by_its_name(
    ref: str, repository: GitHubRepository, tmp_path: Path
) -> None:
    """A branch may have slashes, and be given by its whole name."""
    found = repository.clone(tmp_path / "here", ref=ref)
    assert (found.folder / "README.md").read_text() == "# Hello, v2\n"
    assert git(found.folder, "symbolic-ref", "--short", "HEAD") == found.ref == "feature/two"


def test_tags_and_commits_are_cloned(
    repository: GitHubRepository, live: LiveRepository, tmp_path: Path
) -> None:
    """A tag, an annotated one and a commit's id give a detached head at their commit."""
    live.git.run("tag", "-a", "-m", "two", "v2", "feature/two", environment=_SOMEBODY)
    two = live.git.resolve("feature/two", "commit")
    assert two is not None
    assert repository.clone(tmp_path / "tag", ref="v1").ref == "v1"
    assert repository.clone(tmp_path / "annotated", ref="v2").commit == two
    found = repository.model_copy(update={"ref": two}).clone(tmp_path / "commit")
    assert (found.ref, found.commit) == (two, two)
    assert (found.folder / "README.md").read_text() == "# Hello, v2\n"


def test_a_pull_request_is_cloned_by_its_ref(
    repository: GitHubRepository, live: LiveRepository, tmp_path: Path
) -> None:
    """What GitHub keeps below refs/pull is a commit to look at."""
    two = str(live.git.resolve("feature/two"))
    live.git.update_ref("refs/pull/7/head", two)
    found = repository.clone(tmp_path / "here", ref="refs/pull/7/head")
    assert found.commit == two
    assert (found.folder / "README.md").read_text() == "# Hello, v2\n"


_SOMEBODY = {
    "GIT_COMMITTER_NAME": "Mona",
    "GIT_COMMITTER_EMAIL": "mona@example.com",
}


def test_history_and_depth(
    repository: GitHubRepository, live: LiveRepository, tmp_path: Path
) -> None:
    """Depth counts commits; None brings all, with all branches and tags."""
    for number in range(4):
        live.commit({"n": str(number)})
    two = repository.clone(tmp_path / "two", depth=2)
    assert git(two.folder, "rev-list", "--count", "HEAD") == "2"
    whole = repository.clone(tmp_path / "whole", depth=None)
    assert git(whole.folder, "rev-list", "--count", "HEAD") == "5"
    assert "origin/feature/two" in git(whole.folder, "branch", "-r")
    assert git(whole.folder, "tag") == "v1"


def test_sparse_clones_bring_only_what_they_name(
    repository: GitHubRepository, tmp_path: Path
) -> None:
    """The files of a folder and those at the top come; contents of others are not fetched."""
    found = repository.clone(tmp_path / "here", sparse=["docs/"])
    assert files_of(found.folder) == {"README.md", "big.bin", "docs/b.md"}
    missing = git(found.folder, "rev-list", "--objects", "--missing=print", "HEAD")
    assert sum(line.startswith("?") for line in missing.splitlines()) == 1


def test_a_filter_leaves_objects_there(repository: GitHubRepository, tmp_path: Path) -> None:
    """With blob:limit only large contents would be left, and the checkout fetches what it needs."""
    found = repository.clone(tmp_path / "here", filter="blob:limit=1k")
    assert files_of(found.folder) == set(FILES)
    assert git(found.folder, "config", "remote.origin.partialclonefilter") == "blob:limit=1024"


def test_a_public_repository_needs_no_token(github_server: GitHubServer, tmp_path: Path) -> None:
    """Credentials without any token clone what is public, and are denied what is not."""
    github_server.repository("acme/open", FILES, private=False)
    github_server.repository("acme/closed", FILES)
    nobody = github_server.credentials(token=None)
    opened = GitHubRepository(repository="acme/open", credentials=nobody)
    assert files_of(opened.clone(tmp_path / "open").folder) == set(FILES)
    closed = GitHubRepository(repository="acme/closed", credentials=nobody)
    with pytest.raises(GitHubDenied):
        closed.clone(tmp_path / "closed")


def test_lfs_pointers_stay_as_they_are(
    repository: GitHubRepository, live: LiveRepository, tmp_path: Path
) -> None:
    """No filter runs: neither of the machine's settings, nor of those of the user."""
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    live.commit({".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "a.bin": pointer})
    found = repository.clone(tmp_path / "here")
    assert (found.folder / "a.bin").read_text() == pointer


def test_the_task_gives_the_same_also_as_a_coroutine(
    repository: GitHubRepository, tmp_path: Path
) -> None:
    """A plain call and its twin differ in their folder alone."""
    import asyncio

    plain = clone_repository(repository, tmp_path / "plain")
    twin = asyncio.run(clone_repository.aio(repository, tmp_path / "twin"))
    assert (plain.ref, plain.commit) == (twin.ref, twin.commit)
    assert files_of(plain.folder) == files_of(twin.folder)


# Submodules


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[GitHubServer]:
    """Another host, with a public repository."""
    from brickwork_github.testing import github_server as run

    with run() as server:
        server.repository("other/library", {"lib.txt": "lib\n"}, private=False)
        yield server


def _with_submodule(live: LiveRepository, url: str, commit: str) -> None:
    modules = f'[submodule "lib"]\n\tpath = lib\n\turl = {url}\n'
    blob = live.git.write_blob(modules.encode())
    parent = live.git.resolve("main", "commit")
    assert parent is not None
    changes = [("100644", ".gitmodules", blob), ("160000", "lib", commit)]
    tree = live.git.write_tree(parent, changes)
    live.git.update_ref(
        "refs/heads/main", live.git.write_commit(tree, [parent], "m", live.author())
    )


@pytest.mark.parametrize(
    "form", ["{url}/acme/library.git", "../library.git", "git@{host}:acme/library.git"]
)
def test_submodules_of_the_same_host_come_with_the_token(
    form: str, repository: GitHubRepository, live: LiveRepository, github_server: GitHubServer,
    tmp_path: Path,
) -> None:  # fmt: skip
    """A private submodule is fetched, also where it is named by ssh or relative to its parent."""
    library = github_server.repository("acme/library", {"lib.txt": "lib\n"})
    host = github_server.url.removeprefix("http://")
    url = form.format(url=github_server.url, host=host)
    _with_submodule(live, url, str(library.git.resolve("main")))
    found = repository.clone(tmp_path / "here", submodules=True)
    assert (found.folder / "lib/lib.txt").read_text() == "lib\n"
    plain = repository.clone(tmp_path / "plain")
    assert not (plain.folder / "lib/lib.txt").exists()


def test_submodules_of_another_host_get_no_token(
    repository: GitHubRepository, live: LiveRepository, elsewhere: GitHubServer, tmp_path: Path
) -> None:
    """The other host gives what is public, and is never told the token, even if it asks for one."""
    library = elsewhere.repositories["other/library"]
    _with_submodule(live, f"{elsewhere.url}/other/library.git", str(library.git.resolve("main")))
    found = repository.clone(tmp_path / "here", submodules=True)
    assert (found.folder / "lib/lib.txt").read_text() == "lib\n"
    library.private = True
    with pytest.raises(GitHubDenied):
        repository.clone(tmp_path / "denied", submodules=True)
    assert len(elsewhere.requests) >= 4
    assert [asked for asked in elsewhere.requests if "Authorization" in asked.headers] == []


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c touch% {canary}",
        "file://{path}",
        "{path}",
        "-u./evil",
        "--upload-pack=touch {canary}",
        "ssh://-oProxyCommand=touch%20{canary}/x",
        "git://127.0.0.1:1/x",
        "fd::17",
    ],
)
def test_hostile_submodules_run_nothing_and_read_nothing(
    url: str, repository: GitHubRepository, live: LiveRepository, tmp_path: Path
) -> None:
    """Commands, local paths and options in place of a URL are refused; nothing stays."""
    canary = tmp_path / "canary"
    _with_submodule(
        live, url.format(canary=canary, path=live.git.path), str(live.git.resolve("main"))
    )
    with pytest.raises(GitError) as caught:
        repository.clone(tmp_path / "here", submodules=True)
    assert "not allowed" in caught.value.what or "No url found" in caught.value.what
    assert not canary.exists()
    assert not (tmp_path / "here").exists()


def test_a_redirect_to_another_host_gets_no_token(
    repository: GitHubRepository,
    elsewhere: GitHubServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Public files come from where it leads, and its question for a token is in vain."""
    real = githttp.serve_git

    def leading(
        server: GitHubServer, method: str, target: str, headers: object, raw: bytes
    ) -> Reply | None:
        if server is not elsewhere and "/info/refs" in target:
            there = target.replace(NAME, "other/library")
            return Reply(301, {"Location": f"{elsewhere.url}{there}"}, b"")
        return real(server, method, target, headers, raw)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(serving, "serve_git", leading)
    assert files_of(repository.clone(tmp_path / "open").folder) == {"lib.txt"}
    elsewhere.repositories["other/library"].private = True
    with pytest.raises(GitHubDenied):
        repository.clone(tmp_path / "closed")
    assert len(elsewhere.requests) >= 4
    assert [asked for asked in elsewhere.requests if "Authorization" in asked.headers] == []


def test_a_submodule_that_brings_a_command_does_not_run_it(
    repository: GitHubRepository, live: LiveRepository, tmp_path: Path
) -> None:
    """What .gitmodules says of how to update is no shell's business."""
    canary = tmp_path / "canary"
    modules = (
        '[submodule "lib"]\n\tpath = lib\n\turl = ../reports.git\n'
        f"\tupdate = !touch {canary}\n\tbranch = --upload-pack=touch\n"
    )
    parent = str(live.git.resolve("main"))
    blob = live.git.write_blob(modules.encode())
    tree = live.git.write_tree(parent, [("100644", ".gitmodules", blob), ("160000", "lib", parent)])
    live.git.update_ref(
        "refs/heads/main", live.git.write_commit(tree, [parent], "m", live.author())
    )
    with pytest.raises(GitError):
        repository.clone(tmp_path / "here", submodules=True)
    assert not canary.exists()
    assert not (tmp_path / "here").exists()


def test_a_submodule_whose_path_is_gits_own_is_refused(
    repository: GitHubRepository, live: LiveRepository, tmp_path: Path
) -> None:
    """A hook that a repository brings along does not run: git and we refuse its place."""
    canary = tmp_path / "canary"
    hook = f"#!/bin/sh\ntouch {canary}\n"
    modules = '[submodule "../../hooks"]\n\tpath = lib\n\turl = ../reports.git\n'
    live.commit(
        {".gitmodules": modules, "hooks/post-checkout": hook, ".githooks/post-checkout": hook}
    )
    repository.clone(tmp_path / "here", submodules=True)
    assert not canary.exists()


# The token


@pytest.fixture
def seen_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What /proc tells of all processes' arguments and environments while git talks to us."""
    seen: list[str] = []
    real = githttp.serve_git

    def watching(*arguments: object) -> Reply | None:
        seen.extend(_processes())
        return real(*arguments)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(serving, "serve_git", watching)
    return seen


def _processes() -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        if int(folder.name) == os.getpid():
            continue  # this one made the token
        for name in ("cmdline", "environ"):
            try:
                found.append((folder / name).read_bytes().decode(errors="replace"))
            except OSError:
                continue
    return found


def _forms(token: str) -> list[str]:
    pair = f"x-access-token:{token}".encode()
    return [token, b64encode(pair).decode(), b64encode(pair).decode()[16:-4]]


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks into Linux's /proc")
def test_the_token_is_in_no_argument_environment_file_or_log(
    repository: GitHubRepository, live: LiveRepository, github_server: GitHubServer,
    seen_while_it_runs: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """While git runs no process shows it, and afterwards no file has it, neither bare nor coded."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("GIT_TRACE_CURL", "1")
    monkeypatch.setattr("tempfile.tempdir", None)
    library = github_server.repository("acme/library", {"lib.txt": "lib\n"})
    _with_submodule(live, "../library.git", str(library.git.resolve("main")))
    caplog.set_level(0)
    repository.clone(tmp_path / "here", sparse=["docs"], submodules=True)
    assert any("remote-http" in text for text in seen_while_it_runs), "the control saw no argument"
    assert any("GIT_ASKPASS=" in text for text in seen_while_it_runs), "nor an environment"
    authorized = [each for each in github_server.requests if "Authorization" in each.headers]
    assert authorized, "the control: the token was used"
    contents = [p.read_bytes().decode("latin-1") for p in tmp_path.rglob("*") if p.is_file()]
    assert len(contents) > 20
    shown = [*seen_while_it_runs, *contents, caplog.text]
    for form in _forms(github_server.token.reveal()):
        assert [text for text in shown if form in text] == []
    config = (tmp_path / "here/.git/config").read_text()
    assert f"url = {github_server.url}/{NAME}.git\n" in config
    assert "credential" not in config


def test_the_token_is_in_no_error(
    repository: GitHubRepository, github_server: GitHubServer, tmp_path: Path
) -> None:
    """Not even where the server answers with it."""
    token = github_server.token.reveal()
    github_server.revoke(github_server.token)
    with pytest.raises(GitHubDenied) as denied:
        repository.clone(tmp_path / "here")
    assert token not in repr(denied.value) + str(denied.value)
    told = git_module.failed("fetch", f"fatal: could not read https://x:{token}@github.com/")
    assert token not in str(told)


def test_settings_of_the_user_do_not_count(
    repository: GitHubRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hooks, filters, credential helpers and .netrc of the user are neither run nor read."""
    home, canary = tmp_path / "home", tmp_path / "canary"
    hooks = home / "hooks"
    hooks.mkdir(parents=True)
    (hooks / "post-checkout").write_text(f"#!/bin/sh\ntouch {canary}\n")
    (hooks / "post-checkout").chmod(0o755)
    (home / ".gitconfig").write_text(
        f"[core]\n\thooksPath = {hooks}\n\tfsmonitor = touch {canary}\n"
        f"[credential]\n\thelper = !touch {canary}; false\n"
        f'[url "file:///nowhere/"]\n\tinsteadOf = http://127\n'
    )
    template = home / "template/hooks"
    template.mkdir(parents=True)
    (template / "post-checkout").write_text(f"#!/bin/sh\ntouch {canary}\n")
    (template / "post-checkout").chmod(0o755)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(home / "template"))
    monkeypatch.setenv("GIT_ASKPASS", f"touch {canary}")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other"))
    repository.clone(tmp_path / "here")
    assert not canary.exists()
    assert not (tmp_path / "here/.git/hooks").exists()


def test_tokens_of_an_app_are_asked_for_when_git_wants_them(
    live: LiveRepository, github_server: GitHubServer, tmp_path: Path
) -> None:
    """A repository is cloned as an App's installation."""
    app = github_server.credentials(app=github_server.app.settings())
    found = GitHubRepository(repository=NAME, credentials=app).clone(tmp_path / "here")
    assert files_of(found.folder) == set(FILES)


# Stopping


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        yield listener


def _hanging(silent: socket.socket) -> GitHubRepository:
    url = f"http://127.0.0.1:{silent.getsockname()[1]}"
    credentials = GitHubCredentials(token="ghp_never-seen-token", api_url=url)
    return GitHubRepository(repository=NAME, credentials=credentials)


def test_a_cancelled_clone_ends_git_and_leaves_nothing(
    silent: socket.socket, tmp_path: Path
) -> None:
    """All processes of git end within seconds, the token's thread too; no folder stays."""
    port = silent.getsockname()[1]
    with Scope("clone") as scope, ThreadPoolExecutor(1) as pool:
        clone = _hanging(silent).clone
        cloning = pool.submit(copy_context().run, clone, tmp_path / "here")
        try:
            connection, _ = silent.accept()
            with connection:
                assert _clients_of(port), "git did not begin"
                scope.cancel()
                with pytest.raises(TaskCancelled):
                    cloning.result(20)
        finally:
            scope.cancel()
    assert _clients_of(port) == set()
    assert not (tmp_path / "here").exists()
    assert [each for each in threading.enumerate() if each.name == "git-token"] == []


def _clients_of(port: int) -> set[str]:
    """Return the processes of git that talk to a port."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if f"127.0.0.1:{port}/acme/reports".encode() in command:
            found.add(folder.name)
    return found


def test_a_clone_ends_with_the_time_of_its_task(silent: socket.socket, tmp_path: Path) -> None:
    """A server that says nothing is waited for no longer than the task may run."""
    begun = time.monotonic()
    with pytest.raises(TaskTimeout):
        clone_repository.with_options(timeout_seconds=0.7, retries=0)(
            _hanging(silent), tmp_path / "here"
        )
    assert time.monotonic() - begun < 10
    assert not (tmp_path / "here").exists()


def test_progress_is_gits(
    repository: GitHubRepository, live: LiveRepository, tmp_path: Path
) -> None:
    """What git reports of its work is reported, with counts."""
    live.commit({f"many/{number}": str(number) for number in range(150)})
    texts: dict[str, tuple[float, float | None]] = {}
    with on_progress(lambda report: texts.update({report.text: (report.done, report.total)})):
        repository.clone(tmp_path / "here", depth=None)
    done, total = texts["Receiving objects"]
    assert done == total
    assert total is not None
    assert total > 150


# What is refused


@pytest.mark.parametrize("setup", ["missing", "denied", "no ref", "no id", "empty", "away"])
def test_failures_are_typed_and_leave_nothing(
    setup: str, repository: GitHubRepository, github_server: GitHubServer, tmp_path: Path
) -> None:
    """Each reason has its class, says what to do, and leaves the folder as it was."""
    expected: type[Exception] = GitHubNotFound
    ref = None
    if setup == "missing":
        repository = repository.model_copy(update={"repository": "acme/nothing"})
    elif setup == "denied":
        github_server.revoke(github_server.token)
        expected = GitHubDenied
    elif setup == "no ref":
        ref = "nothing"
    elif setup == "no id":
        ref, expected = "ab" * 20, GitError
    elif setup == "empty":
        github_server.repository("acme/empty")
        repository = repository.model_copy(update={"repository": "acme/empty"})
    else:
        away = GitHubCredentials(token="ghp_x", api_url="http://127.0.0.1:1")
        repository, expected = (
            GitHubRepository(repository=NAME, credentials=away),
            GitHubUnavailable,
        )
    existing = tmp_path / "existing"
    existing.mkdir()
    for folder in (tmp_path / "new", existing):
        with pytest.raises(expected) as caught:
            repository.clone(folder, ref=ref)
        assert caught.value.fix  # type: ignore[attr-defined]  # all of ours have it
    assert not (tmp_path / "new").exists()
    assert list(existing.iterdir()) == []


def test_a_folder_that_is_taken_is_refused_and_kept(
    repository: GitHubRepository, tmp_path: Path
) -> None:
    """A clone overwrites nothing, and its failure removes nothing of others."""
    (tmp_path / "mine").write_text("1")
    with pytest.raises(InvalidArguments, match="not empty"):
        repository.clone(tmp_path)
    with pytest.raises(InvalidArguments):
        repository.clone(tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "1"


def test_a_machine_without_git_is_told_what_to_install(
    repository: GitHubRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without git, or with one that ignores our guards, nothing is begun."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="not installed") as lacking:
        repository.clone(tmp_path / "here")
    assert "apt install git" in lacking.value.fix
    old = tmp_path / "git"
    old.write_text("#!/bin/sh\necho git version 2.30.2\n")
    old.chmod(0o755)
    git_module._version.cache_clear()
    with pytest.raises(GitError, match=r"2\.30; 2\.31 is the oldest"):
        repository.clone(tmp_path / "here")
    git_module._version.cache_clear()
    assert not (tmp_path / "here").exists()


BAD_REFS = (
    "-", "--upload-pack=touch evil", "-u", "--", "", " ", "a b", "a..b", "..", "../x", "a/../b",
    "/a", "a/", "a//b",
    ".a", "a/.b", "a.lock", "a.lock/b", "a.", "@", "a@{0}", "a~1", "a^", "a^{tree}",
    "a:b", "a?b", "a*", "a[b]", "a\\b", "a\nb", "a\0b", "a\x7f", "a\tb", "a\"b", "x" * 300,
    ":/text", "\ud800",
    "+refs/heads/*:refs/heads/*", "ext::sh -c evil",
)  # fmt: skip


@pytest.mark.parametrize("ref", BAD_REFS)
def test_bad_refs_never_reach_git(
    ref: str, repository: GitHubRepository, github_server: GitHubServer, tmp_path: Path
) -> None:
    """Options, ranges, expressions and control characters are refused before anything is begun."""
    with pytest.raises(InvalidArguments):
        repository.clone(tmp_path / "here", ref=ref)
    assert github_server.requests == []
    assert not (tmp_path / "here").exists()


@given(st.text(max_size=30))
def test_what_passes_as_a_ref_is_one_for_git(text: str) -> None:
    """Whatever is let through, git's own check of names of branches lets through as well."""
    try:
        check_ref(text)
    except InvalidArguments:
        return
    done = subprocess.run(["git", "check-ref-format", f"refs/heads/{text}"], check=False)
    assert done.returncode == 0
    assert not text.startswith("-")


@pytest.mark.parametrize(
    "path", ["-x", "--stdin", "/a", "../a", "a/../b", "a\nb", '"a"', "", "!a", "#a"]
)
def test_bad_folders_of_sparse_clones_are_refused(path: str) -> None:
    """What git could take for an option, a pattern or two lines is refused."""
    with pytest.raises(InvalidArguments):
        check_paths([path])


@pytest.mark.parametrize(
    "text", ["", "blob:none --x", "-x", "sparse:path=x", "combine:blob:none", "tree:x"]
)
def test_bad_filters_are_refused(text: str) -> None:
    """Only the three plain kinds are let through."""
    with pytest.raises(InvalidArguments):
        check_filter(text)


@pytest.mark.parametrize(
    "name", ["--upload-pack=x/y", "a/..", "../b", "a/b/c", "a", "a b/c", "a/b\n", "-a/-b\0"]
)
def test_bad_repositories_make_no_block(name: str) -> None:
    """A repository is an owner and a name."""
    with pytest.raises(InvalidBlock):
        GitHubRepository(repository=name)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "https://github.com"),
        ({"host": "github.com"}, "https://github.com"),
        ({"host": "git.acme.example"}, "https://git.acme.example"),
        ({"host": "acme.ghe.com"}, "https://acme.ghe.com"),
        ({"api_url": "https://git.acme.example:8443/api/v3"}, "https://git.acme.example:8443"),
    ],
)
def test_git_finds_repositories_where_the_host_has_them(
    options: dict[str, str], expected: str
) -> None:
    """Hosts with an API of their own, and those of Enterprise, each have git at their root."""
    assert web_url(GitHubCredentials(token="ghp_x", **options)) == expected
