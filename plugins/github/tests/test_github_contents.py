"""Tasks on files and commits: what is committed, what is refused, and what is lost on the way."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from brickwork import InvalidArguments, InvalidKey
from brickwork.testing.task import no_waiting
from brickwork_github import (
    GitHubConflict,
    GitHubCredentials,
    GitHubDenied,
    GitHubError,
    GitHubInvalid,
    GitHubNotFound,
    GitHubUnavailable,
    GitPerson,
    commit_files,
    compare_commits,
    create_file,
    delete_file,
    get_commit,
    get_file,
    list_commits,
    list_folder,
    update_file,
)
from brickwork_github.testing import GitHubServer
from brickwork_github.testing.faults import (
    conflict,
    cut,
    denied,
    not_found,
    secondary_limit,
    server_error,
)
from brickwork_github.testing.live.repository import LiveRepository
from brickwork_github.testing.messages import Answer, Asked, problem

REPO = "acme/reports"
CONTENTS = "/repos/{owner}/{repo}/contents/{path}"
GIT = "/repos/{owner}/{repo}/git"
FILES: dict[str, str | bytes] = {"README.md": "# Reports\n", "etc/load.yml": "every: day\n"}


@pytest.fixture
def repo(github_server: GitHubServer) -> LiveRepository:
    """Return a repository with two files."""
    return github_server.repository(REPO, FILES)


def head(repo: LiveRepository, ref: str = "HEAD") -> str:
    """Return the id of a commit."""
    found = repo.git.resolve(ref, "commit")
    assert found is not None
    return found


def meanwhile(
    repo: LiveRepository, monkeypatch: pytest.MonkeyPatch, acts: Iterator[Callable[[], Any]]
) -> None:
    """Let others act whenever a branch is about to be moved by the Git data API."""
    from brickwork_github.testing.live import gitdata

    plain = gitdata.HANDLERS[f"PATCH {GIT}/refs/{{ref}}"]

    def patched(found: LiveRepository, asked: Asked) -> Any:
        next(acts, lambda: None)()
        return plain(found, asked)

    from brickwork_github.testing import live

    handlers = {**live._handlers(), f"PATCH {GIT}/refs/{{ref}}": patched}
    monkeypatch.setattr(live, "_handlers", lambda: handlers)


@pytest.mark.usefixtures("repo")
def test_a_file_is_read(github_credentials: GitHubCredentials) -> None:
    """With its content, its id and its page; also as it was at a ref."""
    found = get_file(github_credentials, REPO, "etc/load.yml")
    assert (found.path, found.content, found.text) == (
        "etc/load.yml",
        b"every: day\n",
        "every: day\n",
    )
    assert found.url.endswith("/blob/main/etc/load.yml")
    twin = asyncio.run(get_file.aio(github_credentials, REPO, "etc/load.yml", ref="main"))
    assert twin == found


def test_a_large_file_is_read_whole(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """Above 1 MiB GitHub leaves the content out, and it comes as it is by its id."""
    large = bytes(range(256)) * 8192
    repo.commit({"large.bin": large})
    assert get_file(github_credentials, REPO, "large.bin").content == large
    (blob,) = github_server.asked(f"GET {GIT}/blobs/{{file_sha}}")
    assert blob.headers["Accept"] == "application/vnd.github.raw+json"


def test_what_comes_damaged_is_no_file(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """The content must be the one that its id names."""
    repo.commit({"large.bin": bytes(2 * 1024 * 1024)})
    github_server.answer(f"GET {GIT}/blobs/{{file_sha}}", b"something else")
    with pytest.raises(GitHubError, match="not what git's hash names"):
        get_file(github_credentials, REPO, "large.bin")


@pytest.mark.usefixtures("repo")
def test_a_folder_is_listed_and_is_no_file(github_credentials: GitHubCredentials) -> None:
    """Each is read by its own task, which says so."""
    assert [(each.type, each.path) for each in list_folder(github_credentials, REPO)] == [
        ("file", "README.md"),
        ("dir", "etc"),
    ]
    (inside,) = list_folder(github_credentials, REPO, "etc")
    assert (inside.path, inside.size) == ("etc/load.yml", 11)
    with pytest.raises(InvalidArguments, match="'etc' in acme/reports is no file") as caught:
        get_file(github_credentials, REPO, "etc")
    assert "list_folder" in caught.value.fix
    with pytest.raises(InvalidArguments, match="is no folder"):
        list_folder(github_credentials, REPO, "README.md")


@pytest.mark.parametrize(("count", "whole"), [(999, True), (1000, False)])
def test_a_folder_that_github_cuts_is_an_error(
    github_server: GitHubServer, github_credentials: GitHubCredentials, count: int, whole: bool
) -> None:
    """GitHub gives a thousand entries, and says nothing of the others."""
    github_server.repository(REPO, {f"many/{number:04}.txt": "x" for number in range(count)})
    if whole:
        assert len(list_folder(github_credentials, REPO, "many")) == count
        return
    with pytest.raises(GitHubError, match="'many' in acme/reports has 1000 entries") as caught:
        list_folder(github_credentials, REPO, "many")
    assert "open_storage" in caught.value.fix


@pytest.mark.usefixtures("repo")
def test_a_file_that_is_not_there_is_not_found(github_credentials: GitHubCredentials) -> None:
    """Neither is one at a ref that is not there, nor is a path that leads elsewhere ever asked."""
    with pytest.raises(GitHubNotFound):
        get_file(github_credentials, REPO, "none.txt")
    with pytest.raises(GitHubNotFound):
        get_file(github_credentials, REPO, "README.md", ref="none")
    with pytest.raises(InvalidArguments):
        get_file(github_credentials, REPO, "../../issues")


def test_a_file_is_created_once(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """A second one at the path is a conflict; a lost answer is not sent again."""
    mona = GitPerson(name="Mona", email="mona@example.com")
    made = create_file(
        github_credentials, REPO, "new.txt", "news", message="Tell", branch="main", author=mona
    )
    assert (made.branch, made.changed, made.commit) == ("main", ("new.txt",), head(repo))
    assert made.url.endswith(f"/{REPO}/commit/{made.commit}")
    assert repo.git.commit(made.commit).author.name == "Mona"
    with pytest.raises(GitHubConflict, match="is there already"):
        create_file(github_credentials, REPO, "new.txt", "other news")
    github_server.fail(f"PUT {CONTENTS}", cut(0))
    with no_waiting(), pytest.raises(GitHubUnavailable):
        create_file(github_credentials, REPO, "newer.txt", "news")
    assert len(github_server.asked(f"PUT {CONTENTS}")) == 3


def test_a_first_file_makes_a_repository(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """An empty repository takes it, where the Git data API takes nothing."""
    repo = github_server.repository(REPO)
    with pytest.raises(GitHubConflict, match="no commits") as caught:
        commit_files(github_credentials, REPO, {"a.txt": "a"}, "Begin")
    assert "create_file" in caught.value.fix
    create_file(github_credentials, REPO, "README.md", "# Reports\n")
    assert repo.read("README.md") == b"# Reports\n"


def test_a_file_is_written_whatever_is_there(
    github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """What is there is replaced, what lacks is added, what is the same is left alone."""
    assert update_file(github_credentials, REPO, "README.md", "# New\n").changed == ("README.md",)
    assert repo.git.commit(head(repo)).message.strip() == "Update README.md"
    update_file(github_credentials, REPO, "etc/more.yml", b"\xff")
    assert repo.read("etc/more.yml") == b"\xff"
    before = head(repo)
    same = update_file(github_credentials, REPO, "etc/more.yml", b"\xff")
    assert (same.changed, same.commit, head(repo)) == ((), before, before)


def test_a_file_is_written_only_over_what_was_read(
    github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """With if_sha, what somebody else wrote meanwhile is a conflict, and stays."""
    read = get_file(github_credentials, REPO, "README.md")
    repo.commit({"README.md": "# Theirs\n"})
    with pytest.raises(GitHubConflict, match="another content"):
        update_file(github_credentials, REPO, "README.md", "# Mine\n", if_sha=read.sha)
    with pytest.raises(GitHubConflict, match="another content"):
        delete_file(github_credentials, REPO, "README.md", if_sha=read.sha)
    assert repo.read("README.md") == b"# Theirs\n"
    read = get_file(github_credentials, REPO, "README.md")
    update_file(github_credentials, REPO, "README.md", "# Mine\n", if_sha=read.sha)
    assert repo.read("README.md") == b"# Mine\n"


@pytest.mark.parametrize("change", ["update", "delete"])
def test_a_change_whose_answer_is_lost_is_done_once(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    repo: LiveRepository,
    change: str,
) -> None:
    """It looks whether it was done, also where it gave the id of what it replaces."""
    sha = get_file(github_credentials, REPO, "README.md").sha
    with no_waiting():
        if change == "update":
            github_server.fail(f"PUT {CONTENTS}", cut(0))
            update_file(github_credentials, REPO, "README.md", "# Once\n", if_sha=sha)
        else:
            github_server.fail(f"DELETE {CONTENTS}", cut(0))
            delete_file(github_credentials, REPO, "README.md", if_sha=sha)
    assert len(repo.git.commits("main")) == 2


def test_a_file_is_written_over_a_race(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """When the branch moved at the same moment, it reads again and writes."""
    github_server.fail(f"PUT {CONTENTS}", conflict("main is at a but expected b"))
    with no_waiting():
        update_file(github_credentials, REPO, "README.md", "# Mine\n")
    assert repo.read("README.md") == b"# Mine\n"


def test_a_protected_branch_takes_no_file(
    github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """It says so after a second look, neither by one file nor by several."""
    repo.protect("main")
    with no_waiting(), pytest.raises(GitHubConflict, match="pull request"):
        update_file(github_credentials, REPO, "README.md", "# Mine\n")
    with no_waiting(), pytest.raises(GitHubInvalid, match="pull request"):
        commit_files(github_credentials, REPO, {"a.txt": "a"}, "Add", rebase=True)


def test_an_archived_repository_takes_nothing(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """GitHub says that it is read-only."""
    github_server.repository(REPO, FILES, archived=True)
    with pytest.raises(GitHubDenied, match="read-only"):
        update_file(github_credentials, REPO, "README.md", "# Mine\n")
    with pytest.raises(GitHubDenied, match="read-only"):
        commit_files(github_credentials, REPO, {"a.txt": "a"}, "Add")


def test_a_missing_permission_is_named(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """The permission that GitHub names is in the error."""
    github_server.fail(f"PUT {CONTENTS}", denied("contents=write"))
    with pytest.raises(GitHubDenied) as caught:
        create_file(github_credentials, REPO, "a.txt", "a")
    assert caught.value.permissions == "contents=write"
    github_server.fail("GET /repos/{owner}/{repo}", not_found())
    with pytest.raises(GitHubNotFound):
        commit_files(github_credentials, REPO, {"a.txt": "a"}, "Add")


def test_a_file_is_deleted_once(
    github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """Where there is none, nothing is committed."""
    assert delete_file(github_credentials, REPO, "etc/load.yml").changed == ("etc/load.yml",)
    before = head(repo)
    assert delete_file(github_credentials, REPO, "etc/load.yml").changed == ()
    assert head(repo) == before


def test_several_files_are_one_commit(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """Texts, bytes, programs, links and deletions; what is as it shall be is left out."""
    repo.commit({"old.txt": "old", "same.txt": "same"})
    before = head(repo)
    files: dict[str, bytes | str | None] = {
        "run.sh": "exec load\n",
        "bin/data": b"\xff\x00",
        "now": "run.sh",
        "old.txt": None,
        "none.txt": None,
        "same.txt": "same",
    }
    made = commit_files(
        github_credentials,
        REPO,
        files,
        "Set up",
        modes={"run.sh": "100755", "now": "120000"},
        expected_head=before,
    )
    assert made.changed == ("run.sh", "bin/data", "now", "old.txt")
    assert repo.git.commit(head(repo)).parents == (before,)
    there = {each.path: each.mode for each in repo.git.tree("HEAD^{tree}", recursive=True)}
    assert there["run.sh"] == "100755"
    assert there["now"] == "120000"
    assert "old.txt" not in there
    assert repo.read("bin/data") == b"\xff\x00"
    assert len(github_server.asked(f"POST {GIT}/blobs")) == 1
    again = commit_files(github_credentials, REPO, files, "Set up", modes={"run.sh": "100755"})
    assert (again.changed, again.commit) == ((), made.commit)


def test_a_program_stays_one(github_credentials: GitHubCredentials, repo: LiveRepository) -> None:
    """A mode that is not given is that which is there."""
    commit_files(github_credentials, REPO, {"run": "a"}, "Add", modes={"run": "100755"})
    commit_files(github_credentials, REPO, {"run": "b"}, "Change")
    entry = repo.git.entry("HEAD^{tree}", "run")
    assert entry is not None
    assert entry.mode == "100755"


def test_a_commit_goes_on_top_of_what_was_seen(
    github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """With expected_head, a branch that moved is a conflict."""
    before = head(repo)
    theirs = repo.commit({"theirs.txt": "t"})
    with pytest.raises(GitHubConflict, match=f"is at {theirs}, not at {before}"):
        commit_files(github_credentials, REPO, {"a.txt": "a"}, "Add", expected_head=before)


def test_a_commit_that_was_done_is_not_expected_again(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """Where GitHub was away for so long that the task began anew, it finds its own commit."""
    before = head(repo)
    github_server.fail(f"PATCH {GIT}/refs/{{ref}}", cut(0))
    github_server.fail(f"PATCH {GIT}/refs/{{ref}}", server_error(503), times=5)
    with no_waiting():
        made = commit_files(github_credentials, REPO, {"a": "a"}, "Add", expected_head=before)
    assert made.commit == head(repo)
    assert len(repo.git.commits("main")) == 2


def test_a_lost_race_is_a_conflict(
    github_credentials: GitHubCredentials, repo: LiveRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What others committed meanwhile stays, and nothing is committed on top unasked."""
    meanwhile(repo, monkeypatch, iter([lambda: repo.commit({"theirs.txt": "t"})]))
    with pytest.raises(GitHubConflict, match="main moved meanwhile") as caught:
        commit_files(github_credentials, REPO, {"a.txt": "a"}, "Add")
    assert "rebase=True" in caught.value.fix
    assert repo.read("theirs.txt") == b"t"
    assert len(repo.git.commits("main")) == 2


def test_a_lost_race_is_run_again_when_asked(
    github_credentials: GitHubCredentials, repo: LiveRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With rebase, the commit is made anew on top of theirs, as often as they are quicker."""
    acts = iter([lambda: repo.commit({"b": "1"}), lambda: repo.commit({"b": "2"})])
    meanwhile(repo, monkeypatch, acts)
    with no_waiting():
        made = commit_files(github_credentials, REPO, {"a": "mine"}, "Add", rebase=True)
    assert (repo.read("a"), repo.read("b"), head(repo)) == (b"mine", b"2", made.commit)
    assert len(repo.git.commits("main")) == 4


def test_a_race_over_the_same_file_is_a_conflict(
    github_credentials: GitHubCredentials, repo: LiveRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rebase does not overwrite what others wrote to one of these files meanwhile."""
    meanwhile(repo, monkeypatch, iter([lambda: repo.commit({"README.md": "# Theirs\n"})]))
    with no_waiting(), pytest.raises(GitHubConflict, match="other changes of these files"):
        commit_files(github_credentials, REPO, {"README.md": "# Mine\n"}, "Change", rebase=True)
    assert repo.read("README.md") == b"# Theirs\n"


@pytest.mark.parametrize("route", [f"POST {GIT}/trees", f"POST {GIT}/commits"])
def test_a_commit_whose_answers_are_lost_is_one(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    repo: LiveRepository,
    route: str,
) -> None:
    """What is not referred to is nobody's, so each request may be sent again."""
    github_server.fail(route, cut(0))
    github_server.fail(f"PATCH {GIT}/refs/{{ref}}", cut(0))
    with no_waiting():
        commit_files(github_credentials, REPO, {"a": "mine"}, "Add")
    assert len(repo.git.commits("main")) == 2


def test_a_commit_that_others_followed_is_done(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    repo: LiveRepository,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The answer was lost, and somebody committed on top: it is there, and not made again."""
    acts = iter([lambda: None, lambda: repo.commit({"theirs.txt": "t"})])
    meanwhile(repo, monkeypatch, acts)
    github_server.fail(f"PATCH {GIT}/refs/{{ref}}", cut(0))
    with no_waiting():
        made = commit_files(github_credentials, REPO, {"a": "mine"}, "Add")
    assert [each.sha for each in repo.git.commits("main")][1] == made.commit


@pytest.mark.parametrize(
    ("files", "modes"),
    [
        ({"etc": "no folder"}, {}),
        ({"README.md/a": "below a file"}, {}),
        ({"etc": None}, {}),
        ({"a": None}, {"a": "100755"}),
        ({}, {"a": "100755"}),
        ({"../a": "a"}, {}),
        ({"/a": "a"}, {}),
        ({"a//b": "a"}, {}),
    ],
)
@pytest.mark.usefixtures("repo")
def test_a_file_that_cannot_be_there_is_refused(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    files: dict[str, str | None],
    modes: dict[str, Any],
) -> None:
    """Before anything is written."""
    with pytest.raises((InvalidArguments, InvalidKey)):
        commit_files(github_credentials, REPO, files, "Add", modes=modes)
    assert all(asked.route.startswith("GET ") for asked in github_server.requests)


@pytest.mark.usefixtures("repo")
def test_a_branch_that_is_not_there_takes_no_commit(github_credentials: GitHubCredentials) -> None:
    """It says how to make it."""
    with pytest.raises(GitHubNotFound, match="has no branch 'next'") as caught:
        commit_files(github_credentials, REPO, {"a": "a"}, "Add", branch="next")
    assert "create_branch" in caught.value.fix
    with pytest.raises(GitHubNotFound, match="has no branch 'next'"):
        update_file(github_credentials, REPO, "a", "a", branch="next")
    with pytest.raises(GitHubNotFound, match="has no branch 'next'"):
        delete_file(github_credentials, REPO, "a", branch="next")
    with pytest.raises(GitHubNotFound):
        create_file(github_credentials, REPO, "a", "a", branch="next")


def test_a_file_that_others_deleted_is_deleted(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """When it is gone at the same moment, it looks again, and is done."""

    def gone(asked: Asked) -> Answer:
        repo.commit({"README.md": None})
        return problem(404, "Not Found", asked.base_url)

    github_server.answer(f"DELETE {CONTENTS}", gone, times=1)
    with no_waiting():
        assert delete_file(github_credentials, REPO, "README.md").changed == ()
    assert len(repo.git.commits("main")) == 2


def test_commits_are_listed(github_credentials: GitHubCredentials, repo: LiveRepository) -> None:
    """The newest first, to the end, of a path, with a limit."""
    for number in range(105):
        repo.commit({"log.txt": str(number)}, f"Log {number}")
    found = list_commits(github_credentials, REPO)
    assert len(found) == 106
    assert [each.message.strip() for each in found[:2]] == ["Log 104", "Log 103"]
    assert found[0].parents == (found[1].sha,)
    assert len(list_commits(github_credentials, REPO, path="README.md")) == 1
    assert len(list_commits(github_credentials, REPO, limit=3)) == 3


def test_a_commit_tells_what_it_changes(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """All files, page by page; GitHub gives 300 at once."""
    sha = repo.commit({"README.md": "# Other\n", "etc/load.yml": None}, "Change")
    found = get_commit(github_credentials, REPO, sha)
    assert [(each.path, each.status) for each in found.files] == [
        ("README.md", "modified"),
        ("etc/load.yml", "removed"),
    ]
    route = "GET /repos/{owner}/{repo}/commits/{ref}"
    whole = github_server.example(route)
    pages = {
        "1": {**whole, "files": [{**whole["files"][0], "filename": f"{n}"} for n in range(300)]},
        "2": {**whole, "files": [{**whole["files"][0], "filename": "last"}]},
    }

    def paged(asked: Asked) -> Answer:
        number = asked.query["page"]
        link = f'<{asked.base_url}/repositories/1/commits/x?page=2>; rel="next"'
        return Answer(pages[number], headers={"Link": link} if number == "1" else {})

    github_server.answer(route, paged)
    files = get_commit(github_credentials, REPO, "main").files
    assert (len(files), files[-1].path) == (301, "last")


def test_commits_are_compared(github_credentials: GitHubCredentials, repo: LiveRepository) -> None:
    """What the head has that the base has not, and the files that differ."""
    repo.commit({"next.txt": "n"}, "Next", branch="next")
    repo.commit({"main.txt": "m"}, "Main")
    found = compare_commits(github_credentials, REPO, "main", "next")
    assert (found.status, found.ahead_by, found.behind_by) == ("diverged", 1, 1)
    assert [each.message.strip() for each in found.commits] == ["Next"]
    assert [each.path for each in found.files] == ["next.txt"]
    with pytest.raises(GitHubError):
        compare_commits(github_credentials, REPO, "main", "none")
    with pytest.raises(InvalidArguments, match="limit cannot be -1"):
        compare_commits(github_credentials, REPO, "main", "next", limit=-1)


def test_a_comparison_is_read_to_its_end(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Commits come page by page, files with the first; a limit ends it."""
    route = "GET /repos/{owner}/{repo}/compare/{basehead}"
    whole = github_server.example(route)

    def paged(asked: Asked) -> Answer:
        number = int(asked.query["page"])
        commits = [{**whole["commits"][0], "sha": f"{number:040d}"}] * 100
        link = f'<{asked.base_url}/repositories/1/compare/x?page={number + 1}>; rel="next"'
        files = whole["files"] if number == 1 else []
        body = {**whole, "commits": commits, "files": files}
        return Answer(body, headers={"Link": link} if number < 3 else {})

    github_server.answer(route, paged)
    found = compare_commits(github_credentials, REPO, "main", "next")
    assert (len(found.commits), len(found.files)) == (300, len(whole["files"]))
    assert len(compare_commits(github_credentials, REPO, "main", "next", limit=150).commits) == 150
    assert len(github_server.asked(route)) == 5


def test_a_rate_limit_is_waited_out(
    github_server: GitHubServer, github_credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """In the midst of a commit, too, which is then one."""
    github_server.fail(f"POST {GIT}/trees", secondary_limit(retry_after=7))
    with no_waiting() as waits:
        commit_files(github_credentials, REPO, {"a": "a"}, "Add")
    assert sum(waits) >= 6
    assert len(repo.git.commits("main")) == 2
