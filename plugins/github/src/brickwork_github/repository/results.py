"""What clones, archives and commits give."""

from dataclasses import dataclass
from pathlib import Path

from brickwork import register_type


@register_type("github.clone")
@dataclass(frozen=True)
class RepositoryClone:
    """A repository that was cloned.

    Attributes:
        repository: ``owner/name``.
        folder: Where its files are.
        ref: The branch or the tag, ``main``; the commit's id where that was asked for.
        commit: The id of the commit whose files these are.
    """

    repository: str
    folder: Path
    ref: str
    commit: str


@register_type("github.archive")
@dataclass(frozen=True)
class RepositoryArchive:
    """The files of a repository that came as an archive.

    Attributes:
        repository: ``owner/name``.
        folder: Where they are.
        commit: The id of the commit whose files these are.
        files: How many.
        size: Of all, in bytes.
        skipped_links: The paths of links, which are not made.
    """

    repository: str
    folder: Path
    commit: str
    files: int
    size: int
    skipped_links: tuple[str, ...] = ()
