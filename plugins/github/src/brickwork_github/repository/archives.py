"""Fetches the files of a commit as an archive, and unpacks it."""

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from brickwork import (
    InvalidArguments,
    StorageError,
    check_cancelled,
    extract_archive,
    progress,
)
from brickwork_github.errors import GitHubUnavailable
from brickwork_github.repository.commits import head_of, request
from brickwork_github.repository.folders import new_folder
from brickwork_github.repository.guards import check_ref
from brickwork_github.repository.results import RepositoryArchive

if TYPE_CHECKING:
    from brickwork_github.repository.block import GitHubRepository

_ROUTES = {"tar.gz": "GET /tarball/{ref}", "zip": "GET /zipball/{ref}"}
_CHUNK = 256 * 1024


def download_archive(
    repository: "GitHubRepository",
    folder: str | Path,
    ref: str | None,
    kind: str,
    max_bytes: int,
) -> RepositoryArchive:
    """See `GitHubRepository.download_archive`."""
    from tempfile import TemporaryFile

    if kind not in _ROUTES:
        raise InvalidArguments(f"{kind!r} is no format.", fix="Give tar.gz or zip.")
    at = repository if ref is None else repository.model_copy(update={"ref": check_ref(ref)})
    commit = head_of(at)
    if commit is None:
        raise StorageError(
            f"{repository.repository} has no commits.", fix="Push a first commit, or check it."
        )
    with new_folder(folder) as root, TemporaryFile(prefix="brickwork-") as file:
        _fetch(repository, _ROUTES[kind], commit, file, max_bytes)
        found = extract_archive(
            file, root, strip=1, links="skip", max_bytes=max_bytes, progress=_unpacked
        )
    return RepositoryArchive(
        repository.repository,
        Path(root),
        commit,
        len(found.files),
        found.size,
        found.skipped_links,
    )


def _fetch(
    repository: "GitHubRepository", route: str, commit: str, file: BinaryIO, max_bytes: int
) -> None:
    """Write an archive into a file; by its commit, for a branch may move meanwhile."""
    from requests import RequestException

    done = 0
    try:
        with request(repository, route, ref=commit).stream() as reply:
            for chunk in reply.iter_content(_CHUNK):
                check_cancelled()
                done += len(chunk)
                if done > max_bytes:
                    raise StorageError(
                        f"The archive of {repository.repository} is above {max_bytes} bytes.",
                        fix="Raise max_bytes, or clone with sparse and filter.",
                    )
                file.write(chunk)
                progress(done, None, "bytes of the archive")
    except RequestException as error:
        raise GitHubUnavailable(
            f"The archive of {repository.repository} broke off ({type(error).__name__}).",
            fix="Check the network, and try again.",
        ) from None


def _unpacked(done: int, _total: int | None, path: str) -> None:
    check_cancelled()
    progress(done, None, path)
