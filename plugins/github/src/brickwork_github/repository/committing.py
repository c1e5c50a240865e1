"""Writes files of a repository: one by the contents API, several by the Git data API.

The contents API needs one request for a commit, where the Git data API needs four, and can make
the first commit of a repository. See https://docs.github.com/en/rest/repos/contents and
https://docs.github.com/en/rest/guides/using-the-rest-api-to-interact-with-your-git-database.
"""

import base64
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from brickwork import KeyExists, StorageError
from brickwork_github.contents.committing import (
    MAX_FILE_BYTES as MAX_FILE_BYTES,
    PLAIN,
    FileChange,
    Races,
    blob_sha as blob_sha,
    commit_changes,
    file_commit,
    people_of,
)
from brickwork_github.contents.models import FileCommit
from brickwork_github.contents.trees import Entry
from brickwork_github.errors import GitHubConflict, GitHubInvalid, GitHubNotFound
from brickwork_github.repository.commits import branch_of, head_of, request
from brickwork_github.repository.reading import entry_at

if TYPE_CHECKING:
    from brickwork_github.repository.block import GitHubRepository

MOST_INLINE = 1024 * 1024
"""Larger files are not written by the contents API."""


class _Change(NamedTuple):
    """A file, and what shall be there; None for nothing."""

    key: str
    path: str
    data: bytes | None


class FileChanges:
    """Changes that are committed together; see `GitHubRepository.committing`.

    Attributes:
        files: What shall be there, by key; None for nothing.
        commit: The commit, once it is made.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes | str | None] = {}
        self.commit: FileCommit | None = None

    def write(self, key: str, data: bytes | str) -> None:
        """Have a file written."""
        self.files[key] = data

    def delete(self, key: str) -> None:
        """Have a file deleted; one that does not exist is fine."""
        self.files[key] = None


@contextmanager
def committing(
    repository: "GitHubRepository", message: str | None, expected_head: str | None
) -> Iterator[FileChanges]:
    """See `GitHubRepository.committing`."""
    changes = FileChanges()
    yield changes
    changes.commit = write_many(repository, changes.files, message, expected_head)


@contextmanager
def open_write(repository: "GitHubRepository", key: str, *, if_absent: bool) -> Iterator[BinaryIO]:
    """See `GitHubRepository.open_write`."""
    repository.path_of(key)
    file = _Kept()
    yield file
    file.close()
    write(repository, key, file.written, if_absent=if_absent)


class _Kept(io.BytesIO):
    """Keeps what was written also when the writer closes it, as many libraries do."""

    written = b""

    def write(self, data: Any, /) -> int:
        if self.tell() + memoryview(data).nbytes > MAX_FILE_BYTES:
            raise _too_large("what is written")
        return super().write(data)

    def close(self) -> None:
        if not self.closed:
            self.written = self.getvalue()
        super().close()


def write(
    repository: "GitHubRepository", key: str, data: bytes | None, *, if_absent: bool = False
) -> None:
    """Write one file, or with None delete it; see `GitHubRepository.write`."""
    change = _changes_of(repository, {key: data})[0]
    branch = branch_of(repository)
    again = Races(lambda: head_of(repository))
    while True:
        head = head_of(repository)
        there = _there(repository, head, change)
        if if_absent and there is not None:
            raise _exists(repository, key)
        if _is_done(there, data):
            return
        try:
            if head is None or (len(data or b"") <= MOST_INLINE and _is_plain(there)):
                _put(repository, branch, change, there, if_absent=if_absent)
            else:
                _commit(repository, branch, head, {change: there}, None)
        except (GitHubConflict, GitHubInvalid, GitHubNotFound) as error:
            again.lost(head, error)
        else:
            return


def write_many(
    repository: "GitHubRepository",
    files: Mapping[str, bytes | str | None],
    message: str | None,
    expected_head: str | None,
) -> FileCommit:
    """See `GitHubRepository.write_many`."""
    changes = _changes_of(repository, files)
    branch = branch_of(repository)
    again = Races(lambda: head_of(repository))
    while True:
        head = head_of(repository)
        if head is None:
            raise GitHubConflict(
                f"{repository.repository} has no commits, and the Git data API makes no first one.",
                fix="Write one file with write() first.",
            )
        if expected_head not in (None, head):
            raise GitHubConflict(
                f"{repository.repository}: {branch} is at {head}, not at {expected_head}.",
                fix="Read again what is there, and decide anew.",
            )
        known = {change: _there(repository, head, change) for change in changes}
        wanted = {each: there for each, there in known.items() if not _is_done(there, each.data)}
        if not wanted:
            return file_commit(repository.credentials, repository.repository, branch, head, ())
        try:
            commit = _commit(repository, branch, head, wanted, message)
        except (GitHubConflict, GitHubInvalid) as error:
            again.lost(head, error)
        else:
            return file_commit(
                repository.credentials,
                repository.repository,
                branch,
                commit,
                tuple(each.path for each in wanted),
            )


def _put(
    repository: "GitHubRepository",
    branch: str,
    change: _Change,
    there: Entry | None,
    *,
    if_absent: bool,
) -> None:
    """Write or delete one file by the contents API, if it is still what it was."""
    body = {
        "message": _message(repository, {change: there}),
        "branch": branch,
        "sha": None if there is None else there.sha,
        **people_of(repository.author, repository.committer),
    }
    if change.data is None:
        request(repository, "DELETE /contents/{path}", path=change.path).send(body=body)
        return
    body["content"] = base64.b64encode(change.data).decode()
    # Sent again, a write that must be the first could not tell itself from another's.
    safe = None if not if_absent else False
    request(repository, "PUT /contents/{path}", path=change.path, safe=safe).send(body=body)


def _commit(
    repository: "GitHubRepository",
    branch: str,
    head: str,
    changes: Mapping[_Change, Entry | None],
    message: str | None,
) -> str:
    """Commit changes on top of a commit, and return the new one."""
    return commit_changes(
        repository.credentials,
        repository.repository,
        branch,
        head,
        [
            FileChange(change.path, change.data, PLAIN if there is None else there.mode)
            for change, there in changes.items()
        ],
        message or _message(repository, changes),
        people_of(repository.author, repository.committer),
    )


def _changes_of(
    repository: "GitHubRepository", files: Mapping[str, bytes | str | None]
) -> list[_Change]:
    changes = []
    for key, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        if data is not None and len(data) > MAX_FILE_BYTES:
            raise _too_large(key)
        changes.append(_Change(key, repository.path_of(key), data))
    return changes


def _there(repository: "GitHubRepository", head: str | None, change: _Change) -> Entry | None:
    """Return the file that is at a path; None for none.

    Raises:
        StorageError: Something is in the way of it.
    """
    found = None if head is None else entry_at(repository, head, change.path)
    if found is None or found.is_file:
        return found
    if change.data is None:  # a folder, a link or the like is no object of the storage
        return None
    raise StorageError(
        f"{change.key!r} in {repository.url} cannot be written: a folder, a link or a file is in"
        " its way.",
        fix="Use another key.",
    )


def _is_done(there: Entry | None, data: bytes | None) -> bool:
    if data is None:
        return there is None
    return there is not None and there.sha == blob_sha(data)


def _is_plain(there: Entry | None) -> bool:
    return there is None or there.mode == PLAIN


def _message(repository: "GitHubRepository", changes: Mapping[_Change, Entry | None]) -> str:
    first, there = next(iter(changes.items()))
    action = "Delete" if first.data is None else "Add" if there is None else "Update"
    path = first.path
    if len(changes) > 1:
        action, path = "Update", f"{len(changes)} files"
    return repository.message.replace("{action}", action).replace("{path}", path)


def _exists(repository: "GitHubRepository", key: str) -> KeyExists:
    return KeyExists(
        f"{key!r} in {repository.url} exists already.",
        fix="Use another key, or allow to overwrite.",
    )


def _too_large(what: str) -> StorageError:
    return StorageError(
        f"{what!r} is above 100 MiB, which GitHub takes no file of.",
        fix="Upload it as the asset of a release, or use Git LFS.",
    )
