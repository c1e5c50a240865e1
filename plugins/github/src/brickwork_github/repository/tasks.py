"""Tasks that bring a repository's files here."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from brickwork_github.repository.block import GitHubRepository
from brickwork_github.repository.results import RepositoryArchive, RepositoryClone
from brickwork_github.tasks import retried_task


@retried_task("contents:read")
def clone_repository(
    repository: GitHubRepository,
    folder: Path,
    *,
    ref: str | None = None,
    depth: int | None = 1,
    sparse: Sequence[str] = (),
    submodules: bool = False,
    filter: str | None = None,  # noqa: A002  # what git calls it
) -> RepositoryClone:
    r"""Clone a repository by the command git.

    The token is in no file, argument or environment variable; see `GitHubRepository.clone`. When it
    fails or is cancelled, git is ended, and what was there of the clone is removed.

    Args:
        repository: The repository.
        folder: Where to; missing or empty.
        ref: A branch, a tag or a commit's whole id; by default the block's.
        depth: How many commits; None means all, with all branches and tags.
        sparse: Only the files below these folders.
        submodules: Whether to fetch submodules, too.
        filter: What not to fetch before it is needed: ``blob:none``, ``blob:limit=1m``, ``tree:0``.

    Raises:
        GitError: Git lacks, is too old, or failed.
        GitHubError: GitHub refuses, or cannot be reached; the class says how.
        InvalidArguments: The folder is taken, or what was given is nothing for git.

    Examples:
        >>> from pathlib import Path
        >>> found = clone_repository(repository, Path("work"))
        >>> found.ref, len(found.commit), (found.folder / "README.md").read_text()
        ('main', 40, '# Hello\n')
    """
    return repository.clone(
        folder, ref=ref, depth=depth, sparse=sparse, submodules=submodules, filter=filter
    )


@retried_task("contents:read")
def download_archive(
    repository: GitHubRepository,
    folder: Path,
    *,
    ref: str | None = None,
    format: Literal["tar.gz", "zip"] = "tar.gz",  # noqa: A002  # what it is
    max_bytes: int = 10 * 1024**3,
) -> RepositoryArchive:
    r"""Fetch the files of one commit as an archive, and unpack it safely; needs no git.

    See https://docs.github.com/en/rest/repos/contents#download-a-repository-archive-tar.

    Args:
        repository: The repository.
        folder: Where to; missing or empty.
        ref: A branch, a tag or a commit; by default the block's.
        format: Which archive to fetch.
        max_bytes: How large all files together may be.

    Raises:
        GitHubError: GitHub refuses, or cannot be reached; the class says how.
        UnsafeArchive: The archive would write elsewhere, or too much.
        StorageError: It is damaged, or cannot be written.
        InvalidArguments: The folder is taken.

    Examples:
        >>> from pathlib import Path
        >>> found = download_archive(repository, Path("files"))
        >>> found.files, (found.folder / "README.md").read_text()
        (2, '# Hello\n')
    """
    return repository.download_archive(folder, ref=ref, format=format, max_bytes=max_bytes)
