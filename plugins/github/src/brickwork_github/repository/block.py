"""``GitHubRepository``: a repository, or a part of one, as a block and as a storage."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar, Literal, Self

from pydantic import Field, field_validator

from brickwork import (
    Block,
    CheckReport,
    InvalidArguments,
    InvalidBlock,
    InvalidKey,
    ObjectInfo,
    Storage,
    StorageError,
    check_key,
    check_prefix,
)
from brickwork_github.contents.models import FileCommit, GitPerson
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.paths import split_repository
from brickwork_github.repository.guards import check_ref
from brickwork_github.repository.results import RepositoryArchive, RepositoryClone

if TYPE_CHECKING:
    from brickwork_github.repository.committing import FileChanges


class GitHubRepository(Block, Storage):
    """A repository on GitHub, or what lies below a folder of one; also a storage.

    As a storage, ``github://owner/repo@ref/folder``, its keys are the paths of its files, and a
    write is a commit. Symbolic links and submodules are no objects of it. A tag or a commit can
    only be read. Files of up to 100 MiB are read and written; they are in memory when written.

    Examples:
        >>> from brickwork_github import GitHubCredentials, GitHubRepository
        >>> robot = GitHubCredentials(token="github_pat_11AAAA...")
        >>> docs = GitHubRepository(repository="acme/docs", prefix="site", credentials=robot)
        >>> docs.save("docs")
        Document('github-repository/docs@1')
        >>> GitHubRepository.load("docs").url
        'github://acme/docs/site'
    """

    slug: ClassVar[str] = "github-repository"

    repository: str = Field(description="The repository, owner/name.")
    ref: str | None = Field(
        None, description="A branch, a tag, or a commit's whole id; by default the default branch."
    )
    prefix: str = Field(
        "", description="A folder: all keys are paths below it. Empty: the whole repository."
    )
    credentials: GitHubCredentials = Field(
        default_factory=GitHubCredentials,
        description="Who to be; without it, the token of the environment. Git clones what is"
        " public without a token, too.",
    )
    author: GitPerson | None = Field(
        None, description="Whose work commits are; by default whose the credentials are."
    )
    committer: GitPerson | None = Field(
        None, description="Who makes commits; by default the author."
    )
    message: str = Field(
        "{action} {path}",
        min_length=1,
        max_length=1000,
        description="The message of a commit: {action} is Add, Update or Delete, {path} the file's"
        " path, or how many files they are.",
    )

    @field_validator("repository")
    @classmethod
    def _owner_and_name(cls, value: str) -> str:
        try:
            split_repository(value)
        except InvalidArguments as error:
            raise ValueError(f"{error.what} {error.fix}") from None
        return value

    @field_validator("ref")
    @classmethod
    def _good_ref(cls, value: str | None) -> str | None:
        try:
            return value if value is None else check_ref(value)
        except InvalidArguments as error:
            raise ValueError(error.what) from None

    @field_validator("prefix")
    @classmethod
    def _as_prefix(cls, value: str) -> str:
        value = value.rstrip("/")
        try:
            return check_key(value) if value else value
        except InvalidKey as error:
            raise ValueError(error.what) from None

    @classmethod
    def from_url(cls, url: str, block: object | None = None) -> Self:
        """Open ``github://owner/repo@ref/folder``; percent-encoding counts, also in the ref.

        Args:
            url: The URL; ``@ref`` and the folder may lack. A slash in a ref is written ``%2F``.
            block: A `GitHubCredentials`; without one, the token of the environment.

        Raises:
            StorageError: The URL or the block is another.
        """
        from urllib.parse import unquote

        fix = "Write github://owner/repo@ref/folder."
        scheme, _, rest = url.partition("://")
        owner, _, rest = rest.partition("/")
        named, _, prefix = rest.partition("/")
        name, _, ref = named.partition("@")
        if scheme != "github" or not owner or not name:
            raise StorageError(f"{url!r} names no repository.", fix=fix)
        if not isinstance(block, GitHubCredentials | None):
            raise StorageError(
                f"{url!r} cannot be opened with a {type(block).__name__}.",
                fix="Name a block of the kind github-credentials: ?block=github-credentials/name.",
            )
        try:
            return cls(
                repository=f"{owner}/{name}",
                ref=unquote(ref) or None,
                prefix=unquote(prefix),
                credentials=block or GitHubCredentials(),
            )
        except InvalidBlock as error:
            problems = "; ".join(map(str, error.problems))
            raise StorageError(f"{url!r} cannot be opened: {problems}", fix=fix) from None

    @property
    def url(self) -> str:
        """``github://owner/repo@ref/folder``, percent-encoded; not whose credentials."""
        from urllib.parse import quote

        ref = "" if self.ref is None else f"@{quote(self.ref, safe='')}"
        return f"github://{self.repository}{ref}" + (
            f"/{quote(self.prefix)}" if self.prefix else ""
        )

    # Reading

    def open_read(self, key: str) -> BinaryIO:
        """Open a file for reading, in constant memory; it goes on when a connection breaks.

        Raises:
            KeyNotFound: There is no such file.
            InvalidKey: It is no key.
            GitHubError: GitHub refuses, or cannot be reached; the class says how.
        """
        import io

        from brickwork_github.repository.reading import BlobReader, file_at

        return io.BufferedReader(BlobReader(self, file_at(self, key)), 256 * 1024)

    def stat(self, key: str) -> ObjectInfo:
        """Return size, time and etag of a file; the etag is git's hash of its content.

        The time is that of the last commit that changed it.
        """
        from brickwork_github.repository.reading import file_at, last_change

        found = file_at(self, key)
        return ObjectInfo(key, found.size, last_change(self, key), found.sha)

    def exists(self, key: str) -> bool:
        """Tell whether there is a file of this path."""
        from brickwork_github.repository.reading import find_file

        return find_file(self, check_key(key)) is not None

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Yield the paths of the files that begin with a text, of one commit, sorted."""
        from brickwork_github.repository.reading import listed

        return listed(self, check_prefix(prefix))

    # Writing

    def open_write(self, key: str, *, if_absent: bool = False) -> AbstractContextManager[BinaryIO]:
        """Open a file for writing that is committed, whole, when the block ends.

        Raises:
            StorageError: The ref is a tag or a commit, or the file is above 100 MiB.
            KeyExists: With ``if_absent``, at the latest when the block ends.
            InvalidKey: It is no key.
            GitHubError: GitHub refuses, or cannot be reached; the class says how.
        """
        from brickwork_github.repository.committing import open_write

        return open_write(self, check_key(key), if_absent=if_absent)

    def write(
        self, key: str, data: bytes | bytearray | memoryview, *, if_absent: bool = False
    ) -> None:
        """Write a file by one commit; by none where that very content is there already."""
        from brickwork_github.repository.committing import write

        write(self, check_key(key), bytes(data), if_absent=if_absent)

    def delete(self, key: str) -> None:
        """Delete a file by one commit; one that does not exist is fine."""
        from brickwork_github.repository.committing import write

        write(self, check_key(key), None)

    def write_many(
        self,
        files: Mapping[str, bytes | str | None],
        *,
        message: str | None = None,
        expected_head: str | None = None,
    ) -> FileCommit:
        """Write and delete files by one commit, through the Git data API.

        Where somebody else commits meanwhile, it is done again on top of that commit; unless
        ``expected_head`` says on which it must be.

        See https://docs.github.com/en/rest/git/commits#create-a-commit.

        Args:
            files: Contents by key; None deletes, and one that does not exist is fine.
            message: The commit's; by default as the block says.
            expected_head: The id of the commit that must still be the branch's last one.

        Returns:
            The commit; the last one of the branch where nothing had to be changed.

        Raises:
            InvalidKey: One is no key.
            StorageError: The ref is a tag or a commit, or a file is above 100 MiB.
            GitHubConflict: The branch has another last commit than is expected, or none, or others
                commit without a pause.
            GitHubError: GitHub refuses, or cannot be reached; the class says how.
        """
        from brickwork_github.repository.committing import write_many

        return write_many(self, files, message, expected_head)

    def committing(
        self, message: str | None = None, *, expected_head: str | None = None
    ) -> "AbstractContextManager[FileChanges]":
        """Collect changes in a ``with`` block, and commit them together at its end.

        Nothing is committed when an exception leaves the block. ::

            with repository.committing("Publish") as changes:
                changes.write("a.txt", b"new")
                changes.delete("b.txt")
            print(changes.commit.url)

        Args:
            message: As of `write_many`.
            expected_head: As of `write_many`.

        Raises:
            GitHubError, StorageError: As of `write_many`.
        """
        from brickwork_github.repository.committing import committing

        return committing(self, message, expected_head)

    # More than a storage

    def clone(
        self,
        folder: str | Path,
        *,
        ref: str | None = None,
        depth: int | None = 1,
        sparse: Sequence[str] = (),
        submodules: bool = False,
        filter: str | None = None,  # noqa: A002  # what git calls it
    ) -> RepositoryClone:
        """Clone the repository by the command git.

        The token is given to GitHub alone: not to hosts of submodules, hooks or filters; it is in
        no file, argument or environment variable. Neither hooks nor the settings of the user and
        the machine count. Git LFS leaves its pointers as they are. When it fails or is cancelled,
        what was there of the clone is removed.

        Args:
            folder: Where to; missing or empty. All of the repository comes there, not its prefix.
            ref: A branch, a tag, a pull request as ``refs/pull/7/head``, or a commit's whole id; by
                default the block's.
            depth: How many commits; None means all, with all branches and tags.
            sparse: Only the files below these folders, and those above them; their contents alone
                are fetched.
            submodules: Whether to fetch submodules, too, over https.
            filter: What not to fetch before it is needed: ``blob:none``, ``blob:limit=1m`` or
                ``tree:0``; see https://git-scm.com/docs/git-rev-list. Git will ask for it later,
                without these credentials.

        Raises:
            GitError: Git lacks, is too old, or failed.
            GitHubNotFound: There is no such repository, or no such ref.
            GitHubDenied: The credentials may not read it.
            GitHubUnavailable: GitHub cannot be reached.
            InvalidArguments: The folder is taken, or what was given is nothing for git.
            TaskCancelled, TaskTimeout: The task was stopped; so was git.
        """
        from brickwork_github.repository.cloning import Wanted, clone

        return clone(self, folder, Wanted(ref, depth, sparse, submodules, filter))

    def download_archive(
        self,
        folder: str | Path,
        *,
        ref: str | None = None,
        format: Literal["tar.gz", "zip"] = "tar.gz",  # noqa: A002  # what it is
        max_bytes: int = 10 * 1024**3,
    ) -> RepositoryArchive:
        """Fetch the files of one commit as an archive, and unpack it; needs no git.

        The archive is unpacked by `brickwork.extract_archive`: nothing gets out of the folder, and
        nothing blows up. Links are left out, and reported. When it fails, what was there is
        removed.

        See https://docs.github.com/en/rest/repos/contents#download-a-repository-archive-tar.

        Args:
            folder: Where to; missing or empty. All of the repository comes there, not its prefix.
            ref: A branch, a tag or a commit; by default the block's.
            format: Which archive to fetch.
            max_bytes: How large all files together may be.

        Raises:
            GitHubError: GitHub refuses, or cannot be reached; the class says how.
            UnsafeArchive: The archive would write elsewhere, or too much.
            StorageError: It is damaged, or cannot be written.
            InvalidArguments: The folder is taken.
            TaskCancelled, TaskTimeout: The task was stopped.
        """
        from brickwork_github.repository.archives import download_archive

        return download_archive(self, folder, ref, format, max_bytes)

    def check(self) -> CheckReport:
        """Ask whether the repository and the ref exist, and what is permitted; never raises."""
        from brickwork_github.repository.checking import check_repository

        return check_repository(self)

    def path_of(self, key: str) -> str:
        """Return the path of a key in the repository.

        Raises:
            InvalidKey: It is no key, or git could not have it: a part of it is ``.git``.
        """
        path = f"{self.prefix}/{check_key(key)}" if self.prefix else check_key(key)
        if any(part.lower() == ".git" for part in path.split("/")):
            raise InvalidKey(
                f"{key!r:.200} cannot be in a repository: .git is git's own.", fix="Rename it."
            )
        return path
