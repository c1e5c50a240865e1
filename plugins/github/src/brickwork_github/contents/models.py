"""What GitHub answers about files and commits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from brickwork import register_type
from brickwork_github.reading import moment_or_none


class GitPerson(BaseModel):
    """Who made a commit."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(min_length=1, max_length=200, description="The name that is shown.")
    email: str = Field(pattern=r"^[^@\s<>]+@[^@\s<>]+$", description="The address.")


@register_type("github.file")
@dataclass(frozen=True)
class RepositoryFile:
    """A file of a repository.

    Attributes:
        repository: ``owner/name``.
        path: Its path.
        sha: The id of its content; what `update_file` and `delete_file` take as ``if_sha``.
        content: What it has.
        url: Its page.
    """

    repository: str
    path: str
    sha: str
    content: bytes = field(repr=False)
    url: str

    @property
    def text(self) -> str:
        """Its content as text.

        Raises:
            UnicodeDecodeError: It is not UTF-8.
        """
        return self.content.decode()


@register_type("github.folder-entry")
@dataclass(frozen=True)
class FolderEntry:
    """What a folder of a repository has.

    Attributes:
        path: Its path.
        type: ``file``, ``dir``, ``symlink`` or ``submodule``; GitHub calls submodules ``file`` in
            lists.
        size: Of a file, in bytes.
        sha: The id of its content.
        url: Its page; None of a submodule that is elsewhere.
    """

    path: str
    type: str
    size: int
    sha: str
    url: str | None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(found["path"], found["type"], found["size"], found["sha"], found.get("html_url"))


@register_type("github.file-commit")
@dataclass(frozen=True)
class FileCommit:
    """A commit that changed files.

    Attributes:
        repository: ``owner/name``.
        branch: The branch that it is on.
        commit: Its id; where nothing had to be changed, that of the branch's last one, if any.
        changed: The paths of the files that it wrote or removed, in the repository.
        url: Where to look at it.
    """

    repository: str
    branch: str
    commit: str
    changed: tuple[str, ...]
    url: str


@register_type("github.changed-file")
@dataclass(frozen=True)
class ChangedFile:
    """A file that a commit or a comparison changes.

    Attributes:
        path: Its path.
        status: ``added``, ``modified``, ``removed``, ``renamed``, ``copied`` ...
        additions: How many lines come.
        deletions: How many lines go.
        previous_path: Its path before; None where it stayed.
        patch: The change; None of a binary or a very large one.
    """

    path: str
    status: str
    additions: int
    deletions: int
    previous_path: str | None
    patch: str | None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(
            path=found["filename"],
            status=found["status"],
            additions=found["additions"],
            deletions=found["deletions"],
            previous_path=found.get("previous_filename"),
            patch=found.get("patch"),
        )


@register_type("github.commit")
@dataclass(frozen=True)
class Commit:
    """A commit.

    Attributes:
        sha: Its id.
        message: Its message, whole.
        author: The name of its author, as git has it.
        author_email: The author's address.
        author_login: The author's account; None where GitHub knows none.
        committer: The name of who committed it.
        authored_at: When it was written.
        committed_at: When it was committed.
        tree: The id of its files.
        parents: The ids of the commits before it.
        verified: Whether GitHub could verify its signature.
        url: Its page.
        files: What it changes; empty in lists.
    """

    sha: str
    message: str
    author: str
    author_email: str
    author_login: str | None
    committer: str
    authored_at: datetime | None
    committed_at: datetime | None
    tree: str
    parents: tuple[str, ...]
    verified: bool
    url: str
    files: tuple[ChangedFile, ...] = ()

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        commit = found["commit"]
        author, committer = commit["author"] or {}, commit["committer"] or {}
        return cls(
            sha=found["sha"],
            message=commit["message"],
            author=author.get("name", ""),
            author_email=author.get("email", ""),
            author_login=(found.get("author") or {}).get("login"),
            committer=committer.get("name", ""),
            authored_at=moment_or_none(author.get("date")),
            committed_at=moment_or_none(committer.get("date")),
            tree=commit["tree"]["sha"],
            parents=tuple(parent["sha"] for parent in found["parents"]),
            verified=bool((commit.get("verification") or {}).get("verified")),
            url=found["html_url"],
            files=tuple(map(ChangedFile.of, found.get("files") or ())),
        )


@register_type("github.comparison")
@dataclass(frozen=True)
class Comparison:
    """What lies between two commits.

    Attributes:
        status: ``ahead``, ``behind``, ``diverged`` or ``identical``: how the head is to the base.
        ahead_by: How many commits the head has that the base has not.
        behind_by: How many commits the base has that the head has not.
        merge_base: The id of the last commit that both have.
        commits: What the head has, the oldest first.
        files: What changed since the merge base; GitHub tells of 300 at most.
        url: Its page.
    """

    status: str
    ahead_by: int
    behind_by: int
    merge_base: str
    commits: tuple[Commit, ...]
    files: tuple[ChangedFile, ...]
    url: str


@register_type("github.branch")
@dataclass(frozen=True)
class Branch:
    """A branch.

    Attributes:
        name: Its name.
        commit: The id of its last commit.
        protected: Whether a protection says who may change it, and how.
    """

    name: str
    commit: str
    protected: bool

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(found["name"], found["commit"]["sha"], found["protected"])


@register_type("github.ref")
@dataclass(frozen=True)
class GitRef:
    """A reference: a name that stands for an object of git.

    Attributes:
        ref: Its whole name: ``refs/heads/main``.
        sha: The id of what it stands for.
        type: What that is: ``commit``, or ``tag`` of an annotated tag.
    """

    ref: str
    sha: str
    type: str

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(found["ref"], found["object"]["sha"], found["object"]["type"])


@register_type("github.tag")
@dataclass(frozen=True)
class Tag:
    """A tag.

    Attributes:
        name: Its name.
        commit: The id of the commit that it names.
    """

    name: str
    commit: str

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(found["name"], found["commit"]["sha"])
