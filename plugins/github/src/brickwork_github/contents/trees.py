"""Trees of a repository, and what they have at a path: through the Git data API.

GitHub's other way, the contents API, follows links in the repository.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from brickwork_github.errors import GitHubConflict, GitHubInvalid, GitHubNotFound
from brickwork_github.requests import Request

if TYPE_CHECKING:
    from brickwork_github.credentials import GitHubCredentials

_SHA = "application/vnd.github.sha"
_HEX = frozenset("0123456789abcdef")


class Entry(NamedTuple):
    """What a tree has under a name.

    Attributes:
        mode: Git's: 100644 and 100755 are files, 120000 links, 160000 submodules, 040000 folders.
        sha: What is there.
        size: Of a file, in bytes.
    """

    mode: str
    sha: str
    size: int

    @property
    def is_file(self) -> bool:
        """Whether it is a plain file; links are none."""
        return self.mode in ("100644", "100755")

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.mode == "040000"


def commit_id(credentials: "GitHubCredentials", repository: str, ref: str) -> str | None:
    """Return the id of the commit that a ref is now; None in a repository without commits.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        ref: ``HEAD``, ``heads/main``, ``tags/v1``, or a bare name.

    Raises:
        GitHubInvalid: There is no such ref.
        GitHubNotFound: There is no such repository.
    """
    route = "GET /repos/{owner}/{repo}/commits/{ref}"
    try:
        bare = Request(credentials, route, repository, ref=ref, accept=_SHA).send().data
        if isinstance(bare, str) and is_sha(bare):
            return bare
        # One id in millions is a number to who reads it as JSON: 12e3.
        return Request(credentials, route, repository, ref=ref).one(lambda data: str(data["sha"]))
    except GitHubConflict:
        return None


def commit_of(credentials: "GitHubCredentials", repository: str, ref: str | None) -> str:
    """Return the id of the commit that a ref is now; by default of the default branch's last one.

    Raises:
        GitHubConflict: There are no commits.
        GitHubInvalid: There is no such ref.
        GitHubNotFound: There is no such repository.
    """
    found = commit_id(credentials, repository, ref or "HEAD")
    if found is None:
        raise no_commits(repository)
    return found


def no_commits(repository: str) -> GitHubConflict:
    """Return the error for a repository without commits."""
    return GitHubConflict(
        f"{repository} has no commits.", fix="Create a first file by create_file."
    )


def branch_head(credentials: "GitHubCredentials", repository: str, branch: str) -> str | None:
    """Return the id of a branch's last commit; None in a repository without commits.

    Raises:
        GitHubNotFound: There is no such branch, or no such repository.
    """
    try:
        return commit_id(credentials, repository, f"heads/{branch}")
    except GitHubInvalid:  # what GitHub says of a ref that is not there
        raise GitHubNotFound(
            f"{repository} has no branch {branch!r}.",
            fix="Check the name, or create the branch first by create_branch.",
        ) from None


def default_branch(credentials: "GitHubCredentials", repository: str) -> str:
    """Return the name of the default branch, also of a repository without commits."""
    asked = Request(credentials, "GET /repos/{owner}/{repo}", repository)
    return asked.one(lambda data: str(data["default_branch"]))


def is_sha(text: str) -> bool:
    """Tell whether a text is the whole id of an object of git."""
    return len(text) in (40, 64) and _HEX.issuperset(text)


def entry_at(
    credentials: "GitHubCredentials", repository: str, commit: str, path: str
) -> Entry | None:
    """Return what a commit has at a path; also a file that is where a folder would have to be."""
    found = Entry("040000", root_of(credentials, repository, commit), 0)
    for part in path.split("/") if path else ():
        if not found.is_folder:
            return Entry("", found.sha, 0)
        inside = tree_of(credentials, repository, found.sha).get(part)
        if inside is None:
            return None
        found = inside
    return found


def entries_in(data: Any) -> dict[str, Entry]:
    """Return the entries of a tree, by path, from GitHub's description of it."""
    return {
        str(each["path"]): Entry(str(each["mode"]), str(each["sha"]), int(each.get("size") or 0))
        for each in data["tree"]
    }


# What an id stands for never changes.


@lru_cache(maxsize=256)
def root_of(credentials: "GitHubCredentials", repository: str, commit: str) -> str:
    """Return the id of a commit's tree."""
    route = "GET /repos/{owner}/{repo}/git/commits/{commit_sha}"
    return Request(credentials, route, repository, commit_sha=commit).one(
        lambda data: str(data["tree"]["sha"])
    )


@lru_cache(maxsize=64)
def tree_of(credentials: "GitHubCredentials", repository: str, sha: str) -> dict[str, Entry]:
    """Return what a tree has, by name."""
    route = "GET /repos/{owner}/{repo}/git/trees/{tree_sha}"
    return Request(credentials, route, repository, tree_sha=sha).one(entries_in)
