"""A prebuilt task that commits several files at once."""

from collections.abc import Mapping
from typing import Literal

from brickwork import InvalidArguments, check_key
from brickwork_github.contents.committing import (
    LINK,
    MAX_FILE_BYTES,
    PLAIN,
    FileChange,
    Races,
    blob_sha,
    commit_changes,
    file_commit,
    people_of,
)
from brickwork_github.contents.models import FileCommit, GitPerson
from brickwork_github.contents.trees import Entry, branch_head, default_branch, entry_at, no_commits
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.errors import GitHubConflict, GitHubInvalid
from brickwork_github.tasks import retried_task

Mode = Literal["100644", "100755", "120000"]


@retried_task("contents:write")
def commit_files(
    credentials: GitHubCredentials,
    repository: str,
    files: Mapping[str, bytes | str | None],
    message: str,
    *,
    modes: Mapping[str, Mode] | None = None,
    branch: str | None = None,
    expected_head: str | None = None,
    rebase: bool = False,
    author: GitPerson | None = None,
    committer: GitPerson | None = None,
) -> FileCommit:
    """Write and delete several files by one commit: all of them, or none.

    Files that are as they shall be are left out; where all are, nothing is committed. See
    https://docs.github.com/en/rest/guides/using-the-rest-api-to-interact-with-your-git-database.

    Args:
        credentials: Whose; below ``.github/workflows`` they need ``workflows:write``, too.
        repository: ``owner/name``.
        files: Contents by path; text goes as UTF-8, None deletes the file, if it is there.
        message: The commit's.
        modes: By path, git's modes: ``100755`` of programs, ``120000`` of links, whose content is
            where they lead. By default as it is there, else ``100644``.
        branch: Where; by default the default branch.
        expected_head: Only if the last commit of the branch still is this one.
        rebase: When others commit at the same time, do it anew on top of theirs, unless they
            changed one of these files.
        author: Whose work it is; by default whose the credentials are.
        committer: Who commits it; by default the author.

    Returns:
        The commit.

    Raises:
        GitHubConflict: The branch moved, or is not at ``expected_head``; somebody changed one of
            these files; or the repository has no commits.
        GitHubInvalid: The branch is protected.
        GitHubNotFound: There is no such branch.
        InvalidArguments: A path is none, a file too large, or something is in its way.
        GitHubError: It was not committed.

    Examples:
        >>> files = {"config/load.yml": "every: hour", "run.sh": "exec load", "old.txt": None}
        >>> commit_files(credentials, repository, files, "Run hourly").changed
        ('config/load.yml', 'run.sh', 'old.txt')
    """
    changes = _changes(files, modes or {})
    branch = branch or default_branch(credentials, repository)
    people = people_of(author, committer)

    def head_now() -> str:
        found = branch_head(credentials, repository, branch)
        if found is None:  # and the Git data API makes no first one
            raise no_commits(repository)
        return found

    races, before = Races(head_now), None
    while True:
        head = head_now()
        there = {each.path: entry_at(credentials, repository, head, each.path) for each in changes}
        wanted = [needed for each in changes if (needed := _needed(repository, each, there))]
        if not wanted:  # perhaps it was done by an earlier try, whose answer was lost
            return file_commit(credentials, repository, branch, head, ())
        if expected_head not in (None, head):
            raise _moved(repository, branch, f"is at {head}, not at {expected_head}")
        if before not in (None, there):
            raise _moved(repository, branch, "got other changes of these files")
        try:
            commit = commit_changes(credentials, repository, branch, head, wanted, message, people)
        except (GitHubConflict, GitHubInvalid) as error:
            if not rebase:
                if head_now() == head:
                    raise
                raise _moved(repository, branch, "moved meanwhile") from None
            races.lost(head, error)
            before = there
        else:
            changed = tuple(each.path for each in wanted)
            return file_commit(credentials, repository, branch, commit, changed)


def _changes(
    files: Mapping[str, bytes | str | None], modes: Mapping[str, Mode]
) -> list[FileChange]:
    for path in modes:
        if files.get(path) is None:
            raise InvalidArguments(f"{path!r} has a mode, and no content.", fix="Give it in files.")
    changes = []
    for path, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        if data is not None and len(data) > MAX_FILE_BYTES:
            raise InvalidArguments(
                f"{path!r} is above 100 MiB, which GitHub takes no file of.",
                fix="Upload it as the asset of a release, or use Git LFS.",
            )
        changes.append(FileChange(check_key(path), data, modes.get(path, "")))
    return changes


def _needed(
    repository: str, change: FileChange, there: Mapping[str, Entry | None]
) -> FileChange | None:
    """Return a change with its mode; None where nothing has to be done."""
    found = there[change.path]
    if found is not None and not (found.is_file or found.mode == LINK):
        if change.data is None and not found.is_folder:
            return None
        raise InvalidArguments(
            f"{change.path!r} in {repository}: a folder, a submodule or a file is in its way.",
            fix="Give the paths of files; delete what is in the way by a commit before.",
        )
    mode = change.mode or (PLAIN if found is None else found.mode)
    if change.data is None:
        done = found is None
    else:
        done = found is not None and (found.mode, found.sha) == (mode, blob_sha(change.data))
    return None if done else change._replace(mode=mode)


def _moved(repository: str, branch: str, how: str) -> GitHubConflict:
    return GitHubConflict(
        f"{repository}: {branch} {how}.",
        fix="Read again what is there, and decide anew; rebase=True does what can be done.",
    )
