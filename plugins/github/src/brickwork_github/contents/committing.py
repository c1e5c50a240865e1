"""Commits of several files, by the Git data API.

See https://docs.github.com/en/rest/guides/using-the-rest-api-to-interact-with-your-git-database.
"""

import base64
import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from brickwork import check_cancelled, progress, sleep
from brickwork_github.clients import web_url
from brickwork_github.contents.models import FileCommit, GitPerson
from brickwork_github.contents.trees import root_of
from brickwork_github.errors import GitHubConflict, GitHubError, GitHubInvalid
from brickwork_github.requests import NULL, Request

if TYPE_CHECKING:
    from brickwork_github.credentials import GitHubCredentials

MIB = 1024 * 1024
MAX_FILE_BYTES = 100 * MIB
"""What GitHub takes at most; see https://docs.github.com/en/repositories/working-with-files/managing-large-files/about-large-files-on-github."""

MOST_INLINE = MIB // 16
"""Larger files go as blobs, each by a request of its own."""

TRIES = 12
"""How often a commit is made anew on top of what others committed meanwhile."""

PLAIN, EXECUTABLE, LINK = "100644", "100755", "120000"


class FileChange(NamedTuple):
    """What shall be at a path.

    Attributes:
        path: The path.
        data: The content, of a link where it leads; None for nothing.
        mode: Git's.
    """

    path: str
    data: bytes | None
    mode: str = PLAIN


class Races:
    """Decides whether a commit that GitHub refused is worth another try.

    Args:
        head: Returns the id of the branch's last commit.
    """

    def __init__(self, head: Callable[[], str | None]) -> None:
        self._head = head
        self._tries = 0

    def lost(self, head: str | None, error: Exception) -> None:
        """Wait for a moment; or raise the error, where nobody else was the cause of it.

        Args:
            head: What the branch's last commit was.
            error: What GitHub said.
        """
        self._tries += 1
        if self._tries >= TRIES or (self._tries > 1 and self._head() == head):
            raise error
        sleep(random.uniform(0.05, 0.1) * self._tries)  # noqa: S311  # spreads writers, hides nothing


def commit_changes(
    credentials: "GitHubCredentials",
    repository: str,
    branch: str,
    head: str,
    changes: Sequence[FileChange],
    message: str,
    people: Mapping[str, Any],
) -> str:
    """Commit changes on top of a branch's last commit, and return the new one.

    Each request may be sent again: what is not referred to is nobody's, and the branch moves only
    from what it was.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        branch: The branch.
        head: Its last commit.
        changes: What shall be where; what shall go must be there.
        message: The commit's.
        people: ``author`` and ``committer``, see `people_of`.

    Raises:
        GitHubConflict: The repository has no commits.
        GitHubInvalid: The branch is no more at that commit, or is protected.
        GitHubError: It was not committed.
    """

    def made(route: str, body: Mapping[str, Any]) -> str:
        asked = Request(
            credentials, f"POST /repos/{{owner}}/{{repo}}{route}", repository, safe=True
        )
        return asked.one(lambda data: str(data["sha"]), body=body)

    def content_of(data: bytes | None) -> dict[str, Any]:
        """Say what a content is: the text itself, or a blob that has it."""
        if data is None:
            return {"sha": NULL}
        if len(data) <= MOST_INLINE:
            try:
                return {"content": data.decode()}
            except UnicodeDecodeError:
                pass
        body = {"content": base64.b64encode(data).decode(), "encoding": "base64"}
        return {"sha": made("/git/blobs", body)}

    tree = []
    for count, change in enumerate(changes):
        check_cancelled()
        kind = {"path": change.path, "mode": change.mode, "type": "blob"}
        tree.append(kind | content_of(change.data))
        progress(count + 1, len(changes), "files")
    root = root_of(credentials, repository, head)
    body = {
        "message": message,
        "tree": made("/git/trees", {"base_tree": root, "tree": tree}),
        "parents": [head],
        **people,
    }
    commit = made("/git/commits", body)
    _move(credentials, repository, branch, commit)
    return commit


def _move(credentials: "GitHubCredentials", repository: str, branch: str, commit: str) -> None:
    """Let a branch be at a commit that comes after what it was at."""
    route = "PATCH /repos/{owner}/{repo}/git/refs/{ref}"
    asked = Request(credentials, route, repository, safe=True, ref=f"heads/{branch}")
    try:
        asked.send(body={"sha": commit, "force": False})
    except (GitHubConflict, GitHubInvalid):
        # It may have moved by a request whose answer was lost, and then on by another's.
        if not _is_in(credentials, repository, commit, branch):
            raise


def _is_in(credentials: "GitHubCredentials", repository: str, commit: str, branch: str) -> bool:
    route = "GET /repos/{owner}/{repo}/compare/{basehead}"
    asked = Request(credentials, route, repository, basehead=f"{commit}...{branch}")
    try:
        status = asked.one(lambda data: str(data["status"]), query={"per_page": 1})
    except GitHubError:
        return False
    return status in ("ahead", "identical")


def people_of(author: GitPerson | None, committer: GitPerson | None) -> dict[str, Any]:
    """Return what a request says of who made a commit; by default whose the credentials are."""

    def told(person: GitPerson | None) -> dict[str, str] | None:
        return None if person is None else {"name": person.name, "email": person.email}

    return {"author": told(author), "committer": told(committer or author)}


def file_commit(
    credentials: "GitHubCredentials",
    repository: str,
    branch: str,
    commit: str,
    changed: tuple[str, ...],
) -> FileCommit:
    """Return what a commit is to its caller."""
    url = f"{web_url(credentials)}/{repository}/commit/{commit}"
    return FileCommit(repository, branch, commit, changed, url)


def blob_sha(data: bytes) -> str:
    """Return what git calls a content."""
    return hashlib.sha1(b"blob %d\0%b" % (len(data), data), usedforsecurity=False).hexdigest()
