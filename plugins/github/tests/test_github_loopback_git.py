"""Repositories that live in the loopback GitHub: one truth for the REST API and for git."""

import base64
import io
import os
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import github as pygithub
import pytest
import requests
from github.Repository import Repository

from brickwork_github.testing import GitHubServer
from brickwork_github.testing.live import LiveRepository

FILES = {"README.md": "# Bricks\n", "src/wall.py": "height = 2\n"}


@pytest.fixture
def live(github_server: GitHubServer) -> LiveRepository:
    """A private repository with two files."""
    return github_server.repository("acme/bricks", FILES)


def git(*arguments: str, cwd: Path | None = None, ok: bool = True) -> str:
    """Run git, as a user without any settings."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.com",
    }
    done = subprocess.run(
        ["git", *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode == 0) is ok, done.stderr
    return done.stdout if ok else done.stderr


def remote(server: GitHubServer, token: str = "", name: str = "acme/bricks") -> str:
    """Return a URL to clone, with a token in it."""
    user = f"x-access-token:{token or server.token.reveal()}@"
    return f"{server.url.replace('//', f'//{user}')}/{name}.git"


# Git over HTTP


def test_git_clones_what_the_api_committed(
    github_server: GitHubServer, bricks: Repository, tmp_path: Path
) -> None:
    """A file that the contents API made is in a clone."""
    bricks.create_file("docs/new.md", "Write", "# New\n")
    git("clone", "-q", "--depth=1", remote(github_server), str(tmp_path / "bricks"))
    assert (tmp_path / "bricks" / "docs" / "new.md").read_text() == "# New\n"
    assert (tmp_path / "bricks" / "src" / "wall.py").read_text() == FILES["src/wall.py"]


def test_the_api_sees_what_git_pushed(
    github_server: GitHubServer, bricks: Repository, live: LiveRepository, tmp_path: Path
) -> None:
    """A pushed commit is the branch's; also one that is too large for one piece."""
    work = tmp_path / "bricks"
    git("clone", "-q", remote(github_server), str(work))
    (work / "big.bin").write_bytes(os.urandom(2_000_000))
    git("add", "big.bin", cwd=work)
    git("commit", "-q", "-m", "Add a big one", cwd=work)
    git("push", "-q", cwd=work)

    assert bricks.get_branch("main").commit.commit.message == "Add a big one"
    assert live.read("big.bin") == (work / "big.bin").read_bytes()


def test_git_filters_and_fetches_by_id(
    github_server: GitHubServer, live: LiveRepository, tmp_path: Path
) -> None:
    """Partial clones work as at GitHub, and so does a commit that no branch has any more."""
    first = live.git.resolve("main", "commit")
    live.commit({"other.txt": "x"})
    git("clone", "-q", "--filter=blob:none", "--no-checkout", remote(github_server), str(tmp_path))
    git("fetch", "-q", "origin", str(first), cwd=tmp_path)


@pytest.mark.parametrize("token", ["ghp_unknown", ""])
def test_git_without_a_known_token_is_not_let_in(
    github_server: GitHubServer, live: LiveRepository, tmp_path: Path, token: str
) -> None:
    """A private repository wants one; a wrong one is never as good as none."""
    url = remote(github_server, token) if token else f"{github_server.url}/{live.full_name}.git"
    said = git("clone", url, str(tmp_path / "x"), ok=False)
    assert "Authentication failed" in said or "could not read Username" in said


def test_a_public_repository_is_read_by_anybody_and_written_by_nobody(
    github_server: GitHubServer, tmp_path: Path
) -> None:
    """A push wants a token wherever it goes."""
    public = github_server.repository("acme/open", FILES, private=False)
    work = tmp_path / "open"
    git("clone", "-q", f"{github_server.url}/{public.full_name}.git", str(work))
    said = git("push", "origin", "HEAD:other", cwd=work, ok=False)
    assert "could not read Username" in said


def test_git_is_told_what_is_not_there_or_archived(
    github_server: GitHubServer, tmp_path: Path
) -> None:
    """An unknown repository is not found; an archived one is read, and not written."""
    said = git("clone", remote(github_server, name="acme/none"), str(tmp_path / "n"), ok=False)
    assert "not found" in said

    github_server.repository("acme/old", FILES, archived=True)
    git("clone", "-q", remote(github_server, name="acme/old"), str(tmp_path / "old"))
    assert "403" in git("push", "origin", "HEAD:other", cwd=tmp_path / "old", ok=False)


def test_git_does_not_push_to_a_protected_branch(
    github_server: GitHubServer, live: LiveRepository, tmp_path: Path
) -> None:
    """The push is declined as at GitHub; another branch takes it."""
    live.protect("main")
    git("clone", "-q", remote(github_server), str(tmp_path / "b"))
    git("commit", "-q", "--allow-empty", "-m", "x", cwd=tmp_path / "b")
    assert "GH006: Protected branch" in git("push", "origin", "main", cwd=tmp_path / "b", ok=False)
    git("push", "-q", "origin", "main:other", cwd=tmp_path / "b")


# Contents


def test_files_and_folders_are_listed(bricks: Repository, live: LiveRepository) -> None:
    """A folder is a list, a file has its content, a missing path is not found."""
    root = bricks.get_contents("")
    file = bricks.get_contents("src/wall.py")

    assert isinstance(root, list)
    assert not isinstance(file, list)
    assert [(entry.type, entry.path) for entry in root] == [("file", "README.md"), ("dir", "src")]
    assert file.decoded_content == b"height = 2\n"
    assert file.sha == live.git.entry("HEAD", "src/wall.py").sha  # type: ignore[union-attr]  # it is there
    with pytest.raises(pygithub.UnknownObjectException):
        bricks.get_contents("src/none.py")
    with pytest.raises(pygithub.GithubException, match="No commit found for the ref none"):
        bricks.get_contents("README.md", ref="none")


def test_the_raw_content_is_sent_when_asked_for(
    github_server: GitHubServer, live: LiveRepository
) -> None:
    """By media type: bytes, or a folder as an object."""

    def get(path: str, kind: str) -> requests.Response:
        headers = {
            "Authorization": f"token {github_server.token.reveal()}",
            "Accept": f"application/vnd.github.{kind}+json",
        }
        url = f"{github_server.url}/repos/{live.full_name}/contents/{path}"
        return requests.get(url, headers=headers, timeout=30)

    assert get("README.md", "raw").content == b"# Bricks\n"
    folder = get("src", "object").json()
    assert [entry["name"] for entry in folder["entries"]] == ["wall.py"]


def test_a_file_is_changed_only_by_who_knows_it(bricks: Repository) -> None:
    """Without its id a file is not replaced, and with an old one there is a conflict."""
    file = bricks.get_contents("README.md")
    assert not isinstance(file, list)
    bricks.update_file("README.md", "Once", "1", file.sha)

    with pytest.raises(pygithub.GithubException) as conflict:
        bricks.update_file("README.md", "Twice", "2", file.sha)
    with pytest.raises(pygithub.GithubException) as blind:
        bricks.create_file("README.md", "Blindly", "3")
    assert (conflict.value.status, blind.value.status) == (409, 422)


def test_a_deleted_file_is_gone(bricks: Repository) -> None:
    """Its commit is there instead."""
    file = bricks.get_contents("src/wall.py")
    assert not isinstance(file, list)
    bricks.delete_file("src/wall.py", "Demolish", file.sha)
    with pytest.raises(pygithub.UnknownObjectException):
        bricks.get_contents("src")
    assert bricks.get_commits()[0].commit.message == "Demolish"


def test_an_empty_repository_has_nothing_yet(github_server: GitHubServer) -> None:
    """The first file makes the first commit; the Git data API says that it is empty."""
    github_server.repository("acme/empty")
    headers = {"Authorization": f"token {github_server.token.reveal()}"}
    url = f"{github_server.url}/repos/acme/empty"

    assert requests.get(f"{url}/git/ref/heads/main", headers=headers, timeout=30).status_code == 409
    assert requests.get(f"{url}/contents/", headers=headers, timeout=30).status_code == 404
    body = {"message": "Begin", "content": base64.b64encode(b"x").decode()}
    made = requests.put(f"{url}/contents/a.txt", json=body, headers=headers, timeout=30)
    assert made.status_code == 201
    assert requests.get(f"{url}/git/ref/heads/main", headers=headers, timeout=30).status_code == 200


def test_an_archived_repository_is_read_only(github_server: GitHubServer) -> None:
    """It is read as ever, refuses to be changed, and may be opened again."""
    github_server.repository("acme/old", FILES, archived=True)
    headers = {"Authorization": f"token {github_server.token.reveal()}"}
    url = f"{github_server.url}/repos/acme/old"

    def status(method: str, path: str, body: Any) -> int:
        done = requests.request(method, url + path, json=body, headers=headers, timeout=30)
        return done.status_code

    ref = {"ref": "refs/heads/x", "sha": "0" * 40}
    assert status("POST", "/git/refs", ref) == 403
    assert requests.get(f"{url}/readme", headers=headers, timeout=30).status_code == 200
    assert status("PATCH", "", {"archived": False}) == 200
    assert status("POST", "/git/refs", ref) == 422


# Git data, branches, comparisons


def test_several_files_are_one_commit(bricks: Repository, live: LiveRepository) -> None:
    """A tree upon another, one file added, one removed, one folder kept; the branch moves on."""
    head = bricks.get_git_ref("heads/main")
    base = bricks.get_git_commit(head.object.sha)
    changes = [
        pygithub.InputGitTreeElement("a/b.txt", "100644", "blob", content="b"),
        pygithub.InputGitTreeElement("README.md", "100644", "blob", sha=None),
    ]
    tree = bricks.create_git_tree(changes, base.tree)
    commit = bricks.create_git_commit("Two at once", tree, [base])
    head.edit(commit.sha)

    assert [entry.path for entry in live.git.tree("main", recursive=True)] == [
        "a",
        "a/b.txt",
        "src",
        "src/wall.py",
    ]
    assert bricks.get_branch("main").commit.sha == commit.sha


def test_a_branch_does_not_go_back_without_force(bricks: Repository, live: LiveRepository) -> None:
    """Only a descendant is a fast forward."""
    first = str(live.git.resolve("main", "commit"))
    live.commit({"x": "y"})
    ref = bricks.get_git_ref("heads/main")
    with pytest.raises(pygithub.GithubException, match="not a fast forward"):
        ref.edit(first)
    ref.edit(first, force=True)
    assert bricks.get_branch("main").commit.sha == first


def test_references_are_made_once_and_deleted(bricks: Repository, live: LiveRepository) -> None:
    """A name is taken only once, and must be a whole one."""
    sha = str(live.git.resolve("main", "commit"))
    made = bricks.create_git_ref("refs/heads/topic/one", sha)
    for name, object_id in [
        ("refs/heads/topic/one", sha),
        ("topic", sha),
        ("refs/tags/x", "0" * 40),
    ]:
        with pytest.raises(pygithub.GithubException) as refused:
            bricks.create_git_ref(name, object_id)
        assert refused.value.status == 422
    assert [ref.ref for ref in bricks.get_git_matching_refs("heads/")] == [
        "refs/heads/main",
        "refs/heads/topic/one",
    ]
    made.delete()
    assert [branch.name for branch in bricks.get_branches()] == ["main"]


def test_tags_name_commits(bricks: Repository, live: LiveRepository) -> None:
    """An annotated tag is an object of its own, to which a reference points."""
    sha = str(live.git.resolve("main", "commit"))
    tag = bricks.create_git_tag("v1", "The first", sha, "commit")
    bricks.create_git_ref("refs/tags/v1", tag.sha)

    assert [(each.name, each.commit.sha) for each in bricks.get_tags()] == [("v1", sha)]
    assert bricks.get_git_tag(tag.sha).message == "The first"


def test_branches_are_compared_and_merged(bricks: Repository, live: LiveRepository) -> None:
    """What a branch has more is counted and shown, and is in the other one afterwards."""
    live.commit({"README.md": "# More bricks\n"}, "Change", branch="topic")
    live.commit({"other.txt": "x"}, "Elsewhere")
    found = bricks.compare("main", "topic")

    assert (found.status, found.ahead_by, found.behind_by) == ("diverged", 1, 1)
    assert [(file.filename, file.status, file.additions) for file in found.files] == [
        ("README.md", "modified", 1)
    ]
    assert "+# More bricks" in found.files[0].patch
    merged = bricks.merge("main", "topic")
    assert merged is not None
    assert live.read("README.md") == b"# More bricks\n"
    assert bricks.merge("main", "topic") is None


def test_a_conflict_is_not_merged(bricks: Repository, live: LiveRepository) -> None:
    """Two changes to one line are GitHub's 409."""
    live.commit({"README.md": "one\n"}, branch="topic")
    live.commit({"README.md": "two\n"})
    with pytest.raises(pygithub.GithubException, match="Merge conflict"):
        bricks.merge("main", "topic")


def test_archives_have_one_folder(
    github_server: GitHubServer, bricks: Repository, live: LiveRepository
) -> None:
    """They are downloaded from elsewhere, and hold the files of the commit."""
    folder = f"acme-bricks-{str(live.git.resolve('main', 'commit'))[:7]}"
    names = [f"{folder}/", *(f"{folder}/{path}" for path in ["README.md", "src/", "src/wall.py"])]
    headers = {"Authorization": f"token {github_server.token.reveal()}"}

    def get(kind: str) -> io.BytesIO:
        url = f"{bricks.url}/{kind}/main"
        there = requests.get(url, headers=headers, allow_redirects=False, timeout=30)
        return io.BytesIO(requests.get(there.headers["Location"], timeout=30).content)

    with zipfile.ZipFile(get("zipball")) as archive:
        assert archive.namelist() == names
    with tarfile.open(fileobj=get("tarball")) as packed:
        assert [member.name for member in packed] == [name.rstrip("/") for name in names]
