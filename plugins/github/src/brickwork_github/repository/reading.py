"""Finds, lists and reads the files of a repository, through the Git data API.

GitHub's other way, the contents API, follows links in the repository: out of a block's folder, too.
"""

import hashlib
import io
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from brickwork import InvalidKey, KeyNotFound, check_key
from brickwork_github.contents import trees
from brickwork_github.contents.trees import Entry, entries_in
from brickwork_github.errors import GitHubError, GitHubUnavailable
from brickwork_github.repository.commits import committed_at, head_of, request

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from brickwork_github.repository.block import GitHubRepository

_RAW = "application/vnd.github.raw+json"
_CHUNK = 256 * 1024


def file_at(repository: "GitHubRepository", key: str) -> Entry:
    """Return the file of a key.

    Raises:
        KeyNotFound: There is none.
    """
    found = find_file(repository, check_key(key))
    if found is None:
        raise KeyNotFound(
            f"No object {key!r} in {repository.url}.", fix="List the keys to see what exists."
        )
    return found


def find_file(repository: "GitHubRepository", key: str) -> Entry | None:
    """Return the file of a key; None where there is none."""
    path = repository.path_of(key)
    head = head_of(repository)
    found = None if head is None else entry_at(repository, head, path)
    return found if found is not None and found.is_file else None


def entry_at(repository: "GitHubRepository", commit: str, path: str) -> Entry | None:
    """Return what a commit has at a path; also a file that is where a folder would have to be."""
    return trees.entry_at(repository.credentials, repository.repository, commit, path)


def last_change(repository: "GitHubRepository", key: str) -> datetime:
    """Return when a file was changed last."""
    head = head_of(repository)
    query = {"path": repository.path_of(key), "sha": head}
    found = request(repository, "GET /commits").many(committed_at, 1, query=query)
    if not found:
        raise KeyNotFound(
            f"No object {key!r} in {repository.url}.", fix="It has just been deleted."
        )
    return found[0]


def listed(repository: "GitHubRepository", prefix: str) -> Iterator[str]:
    """Yield the keys that begin with a text, sorted, of the commit that is there at first."""
    head = head_of(repository)
    if head is None:
        return
    folder = prefix.rpartition("/")[0]
    path = "/".join(filter(None, (repository.prefix, folder)))
    found = entry_at(repository, head, path)
    if found is None or not found.is_folder:
        return
    start = f"{folder}/" if folder else ""
    for key in _below(repository, found.sha, start):
        if key.startswith(prefix) and _is_key(key):
            yield key


def _is_key(path: str) -> bool:
    try:
        check_key(path)
    except InvalidKey:
        return False
    return True


def _below(repository: "GitHubRepository", tree: str, start: str) -> Iterator[str]:
    """Yield the paths of all files below a tree, sorted."""
    answer = request(repository, "GET /git/trees/{tree_sha}", tree_sha=tree).one(
        lambda data: (entries_in(data), bool(data["truncated"])), query={"recursive": "1"}
    )
    entries, truncated = answer
    if not truncated:
        yield from sorted(start + path for path, entry in entries.items() if entry.is_file)
        return
    # Too large for one answer: folder by folder. A folder sorts as if its name had a slash.
    whole = trees.tree_of(repository.credentials, repository.repository, tree)
    for name in sorted(f"{name}/" if entry.is_folder else name for name, entry in whole.items()):
        entry = whole[name.removesuffix("/")]
        if entry.is_folder:
            yield from _below(repository, entry.sha, start + name)
        elif entry.is_file:
            yield start + name


class BlobReader(io.RawIOBase):
    """A file of a repository, read as it comes; its hash is compared at the end.

    Args:
        repository: Where it is.
        entry: The file.
    """

    def __init__(self, repository: "GitHubRepository", entry: Entry) -> None:
        super().__init__()
        self._repository, self._entry = repository, entry
        self._hash = hashlib.sha1(b"blob %d\0" % entry.size, usedforsecurity=False)
        self._position = 0
        self._failures = 0
        self._rest = b""
        self._stream: Any = None
        self._chunks: Iterator[bytes] | None = None

    def readable(self) -> bool:  # noqa: D102  # as io says
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:  # noqa: D102  # as io says
        view = memoryview(buffer).cast("B")
        while not self._rest:
            chunk = self._next()
            if chunk is None:
                return 0
            self._rest = chunk
        count = min(len(view), len(self._rest))
        view[:count], self._rest = self._rest[:count], self._rest[count:]
        return count

    def close(self) -> None:  # noqa: D102  # as io says
        self._leave()
        super().close()

    def _next(self) -> bytes | None:
        """Return what comes next; None at the end."""
        from requests import RequestException

        try:
            if self._chunks is None:
                self._chunks = self._begun()
            chunk = next(self._chunks, None)
        except RequestException as error:
            self._leave()
            self._failures += 1
            if self._failures > self._repository.credentials.client_options.retries:
                raise GitHubUnavailable(
                    f"{self._repository.url}: the connection broke ({type(error).__name__}).",
                    fix="Check the network, and try again.",
                ) from None
            return b""
        if chunk is None:
            self._judge()
            return None
        self._hash.update(chunk)
        self._position += len(chunk)
        return chunk

    def _begun(self) -> Iterator[bytes]:
        """Ask for the content, and go to where it broke off: what a hash names does not change."""
        asked = request(
            self._repository, "GET /git/blobs/{file_sha}", file_sha=self._entry.sha, accept=_RAW
        )
        self._stream = asked.stream()
        reply = self._stream.__enter__()
        skip = self._position
        for chunk in reply.iter_content(_CHUNK):
            if skip >= len(chunk):
                skip -= len(chunk)
                continue
            yield chunk[skip:]
            skip = 0

    def _leave(self) -> None:
        self._chunks, stream = None, self._stream
        self._stream = None
        if stream is not None:
            stream.__exit__(None, None, None)

    def _judge(self) -> None:
        self._leave()
        whole = self._position == self._entry.size
        if not whole or self._hash.hexdigest() != self._entry.sha:
            raise GitHubError(
                f"{self._repository.url}: what came is not what git's hash names.",
                fix="Try again; something on the way changed it.",
            )
        self._chunks = iter(())
