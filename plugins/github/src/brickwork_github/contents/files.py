"""Prebuilt tasks on files of a repository: https://docs.github.com/en/rest/repos/contents."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from brickwork import InvalidArguments
from brickwork_github.contents.committing import Races, blob_sha, file_commit, people_of
from brickwork_github.contents.models import FileCommit, FolderEntry, GitPerson, RepositoryFile
from brickwork_github.contents.trees import branch_head, default_branch
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.downloading import pieces
from brickwork_github.errors import GitHubConflict, GitHubError, GitHubInvalid, GitHubNotFound
from brickwork_github.requests import Request
from brickwork_github.tasks import retried_task, task_once

_MOST_ENTRIES = 1000

_CONTENTS = "/repos/{owner}/{repo}/contents/{path}"
_RAW = "application/vnd.github.raw+json"


@retried_task("contents:read")
def get_file(
    credentials: GitHubCredentials, repository: str, path: str, *, ref: str | None = None
) -> RepositoryFile:
    r"""Return a file, of up to 100 MiB.

    See https://docs.github.com/en/rest/repos/contents#get-repository-content.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        path: The file's; of a link to a file in the repository, GitHub gives that file.
        ref: A branch, a tag or a commit; by default the default branch.

    Returns:
        The file, with its content.

    Raises:
        GitHubNotFound: There is none, or no such ref.
        InvalidArguments: It is a folder, a submodule, or a link that leads out.
        GitHubError: It cannot be read.

    Examples:
        >>> get_file(credentials, repository, "config/load.yml").text
        'every: day\n'
    """
    found = _found(credentials, repository, path, ref)
    kind = found["type"] if isinstance(found, dict) else "dir"
    if not isinstance(found, dict) or kind != "file":
        raise InvalidArguments(
            f"{path!r} in {repository} is no file, but of type {kind}.",
            fix="List a folder by list_folder; ask for what a link leads to by its own path.",
        )
    sha = found["sha"]
    if found["encoding"] == "base64":
        content = base64.b64decode(found["content"])
    else:  # above 1 MiB
        content = _blob(credentials, repository, sha)
    return RepositoryFile(repository, found["path"], sha, content, found["html_url"])


@retried_task("contents:read")
def list_folder(
    credentials: GitHubCredentials, repository: str, path: str = "", *, ref: str | None = None
) -> list[FolderEntry]:
    """List what a folder has, not what its folders have.

    For a folder of a thousand entries and more, list `GitHubRepository` as a storage: GitHub gives
    no more by this way, and does not say so. See
    https://docs.github.com/en/rest/repos/contents#get-repository-content.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        path: The folder's; empty: the whole repository.
        ref: A branch, a tag or a commit; by default the default branch.

    Returns:
        The entries.

    Raises:
        GitHubNotFound: There is no such folder, or no such ref.
        InvalidArguments: It is no folder.
        GitHubError: It cannot be read, or has a thousand entries or more.

    Examples:
        >>> for entry in list_folder(credentials, repository, "config"):
        ...     print(entry.type, entry.path, entry.size)
        file config/load.yml 11
    """
    found = _found(credentials, repository, path, ref)
    if not isinstance(found, list):
        raise InvalidArguments(
            f"{path!r} in {repository} is no folder.", fix="Read a file by get_file."
        )
    if len(found) >= _MOST_ENTRIES:
        raise GitHubError(
            f"{path or 'The root'!r} in {repository} has {_MOST_ENTRIES} entries or more, and"
            " GitHub leaves out what is beyond.",
            fix="List it as a storage: open_storage('github://owner/repo@ref/path').keys().",
        )
    return [FolderEntry.of(each) for each in found]


@task_once("contents:write")
def create_file(
    credentials: GitHubCredentials,
    repository: str,
    path: str,
    content: bytes | str,
    *,
    message: str | None = None,
    branch: str | None = None,
    author: GitPerson | None = None,
    committer: GitPerson | None = None,
) -> FileCommit:
    """Create a file by a commit; it must not be there.

    Not retried: the second time nobody knows who created it. It can be the first file of a
    repository. See https://docs.github.com/en/rest/repos/contents#create-or-update-file-contents.

    Args:
        credentials: Whose; below ``.github/workflows`` they need ``workflows:write``, too.
        repository: ``owner/name``.
        path: The file's.
        content: What it shall have; text goes as UTF-8.
        message: The commit's; by default ``Add`` and the path.
        branch: Where; by default the default branch.
        author: Whose work it is; by default whose the credentials are.
        committer: Who commits it; by default the author.

    Returns:
        The commit.

    Raises:
        GitHubConflict: It is there already, somebody else committed at the same moment, or the
            branch is protected.
        GitHubNotFound: There is no such branch.
        GitHubError: It was not created.

    Examples:
        >>> create_file(credentials, repository, "config/new.yml", "every: hour").changed
        ('config/new.yml',)
    """
    branch = branch or default_branch(credentials, repository)
    body = _body(content, message or f"Add {path}", branch, people_of(author, committer))
    asked = Request(credentials, f"PUT {_CONTENTS}", repository, safe=False, path=path)
    try:
        commit = asked.one(_commit_in, body=body)
    except GitHubInvalid as error:
        if '"sha"' not in str(error):
            raise
        raise GitHubConflict(
            f"{path!r} in {repository} is there already.",
            fix="Use another path, or replace it by update_file.",
        ) from None
    return file_commit(credentials, repository, branch, commit, (path,))


@retried_task("contents:write")
def update_file(
    credentials: GitHubCredentials,
    repository: str,
    path: str,
    content: bytes | str,
    *,
    if_sha: str | None = None,
    message: str | None = None,
    branch: str | None = None,
    author: GitPerson | None = None,
    committer: GitPerson | None = None,
) -> FileCommit:
    """Write a file by a commit; what is there is replaced.

    Nothing is committed where it has that content already. Others may commit other files at the
    same time. See https://docs.github.com/en/rest/repos/contents#create-or-update-file-contents.

    Args:
        credentials: Whose; below ``.github/workflows`` they need ``workflows:write``, too.
        repository: ``owner/name``.
        path: The file's.
        content: What it shall have; text goes as UTF-8.
        if_sha: Only if its content still is that of this id, see `RepositoryFile.sha`; by default
            whatever is there, and also if nothing is.
        message: The commit's; by default ``Update``, or ``Add``, and the path.
        branch: Where; by default the default branch.
        author: Whose work it is; by default whose the credentials are.
        committer: Who commits it; by default the author.

    Returns:
        The commit.

    Raises:
        GitHubConflict: It is not that of ``if_sha``, or the branch is protected.
        GitHubNotFound: There is no such branch.
        GitHubError: It was not written.

    Examples:
        >>> update_file(credentials, repository, "config/load.yml", "every: hour").changed
        ('config/load.yml',)
    """
    data = content.encode() if isinstance(content, str) else content
    people = people_of(author, committer)
    asked = Request(credentials, f"PUT {_CONTENTS}", repository, path=path)

    def write(there: str | None, branch: str) -> str:
        action = "Add" if there is None else "Update"
        body = _body(data, message or f"{action} {path}", branch, people)
        return asked.one(_commit_in, body=body | {"sha": there})

    wanted = blob_sha(data)
    return _changed(credentials, repository, path, branch, if_sha, wanted, write)


@retried_task("contents:write")
def delete_file(
    credentials: GitHubCredentials,
    repository: str,
    path: str,
    *,
    if_sha: str | None = None,
    message: str | None = None,
    branch: str | None = None,
    author: GitPerson | None = None,
    committer: GitPerson | None = None,
) -> FileCommit:
    """Delete a file by a commit; nothing is committed where there is none.

    See https://docs.github.com/en/rest/repos/contents#delete-a-file.

    Args:
        credentials: Whose; below ``.github/workflows`` they need ``workflows:write``, too.
        repository: ``owner/name``.
        path: The file's.
        if_sha: Only if its content still is that of this id, see `RepositoryFile.sha`; by default
            whatever is there.
        message: The commit's; by default ``Delete`` and the path.
        branch: Where; by default the default branch.
        author: Whose work it is; by default whose the credentials are.
        committer: Who commits it; by default the author.

    Returns:
        The commit.

    Raises:
        GitHubConflict: It is not that of ``if_sha``, or the branch is protected.
        GitHubNotFound: There is no such branch.
        GitHubError: It was not deleted.

    Examples:
        >>> delete_file(credentials, repository, "config/load.yml").changed
        ('config/load.yml',)
    """
    people = people_of(author, committer)
    # Sent again, it would be refused for a file that is gone; the whole task looks first.
    asked = Request(credentials, f"DELETE {_CONTENTS}", repository, safe=False, path=path)

    def delete(there: str | None, branch: str) -> str:
        body = {"message": message or f"Delete {path}", "branch": branch, "sha": there, **people}
        return asked.one(_commit_in, body=body)

    return _changed(credentials, repository, path, branch, if_sha, None, delete)


def _changed(
    credentials: GitHubCredentials,
    repository: str,
    path: str,
    branch: str | None,
    if_sha: str | None,
    wanted: str | None,
    change: Callable[[str | None, str], str],
) -> FileCommit:
    """Change a file on top of what is there, again where others committed meanwhile.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        path: The file's.
        branch: Where; None: the default branch.
        if_sha: The id of the content that must be there; None: any.
        wanted: The id of the content that shall be there; None: no file.
        change: Takes the id of what is there, and the branch; returns the commit.
    """
    branch = branch or default_branch(credentials, repository)

    def head_now() -> str | None:
        return branch_head(credentials, repository, branch)

    races, head = Races(head_now), None
    while True:
        there = _sha_at(credentials, repository, path, branch)
        if there == wanted:
            return file_commit(credentials, repository, branch, head_now() or "", ())
        if if_sha not in (None, there):
            raise GitHubConflict(
                f"{path!r} in {repository} has another content than that of {if_sha}.",
                fix="Read again what is there, and decide anew.",
            )
        try:
            commit = change(there, branch)
        except (GitHubConflict, GitHubInvalid, GitHubNotFound) as error:
            now = head_now()  # says so where it is the branch that is not there
            races.lost(head, error)
            head = now
        else:
            return file_commit(credentials, repository, branch, commit, (path,))


def _sha_at(credentials: GitHubCredentials, repository: str, path: str, branch: str) -> str | None:
    try:
        found = _found(credentials, repository, path, branch)
    except GitHubNotFound:  # also of an empty repository, and of a branch, which a write tells
        return None
    if isinstance(found, list):
        raise InvalidArguments(
            f"{path!r} in {repository} is a folder.", fix="Give the path of a file."
        )
    return str(found["sha"])


def _found(credentials: GitHubCredentials, repository: str, path: str, ref: str | None) -> Any:
    route = f"GET {_CONTENTS}" if path else "GET /repos/{owner}/{repo}/contents/"
    asked = Request(credentials, route, repository, path=path)
    return asked.one(_file_or_folder, query={"ref": ref})


def _file_or_folder(found: Any) -> Any:
    """Return it as it is. Raises LookupError or TypeError if it is neither."""
    return found if isinstance(found, list) else {**found, "sha": str(found["sha"])}


def _blob(credentials: GitHubCredentials, repository: str, sha: str) -> bytes:
    route = "GET /repos/{owner}/{repo}/git/blobs/{file_sha}"
    asked = Request(credentials, route, repository, accept=_RAW, file_sha=sha)
    with asked.stream() as reply:
        content = b"".join(pieces(reply, asked.name))
    if blob_sha(content) != sha:
        raise GitHubError(
            f"{asked.name}: what came is not what git's hash names.",
            fix="Try again; something on the way changed it.",
        )
    return content


def _body(
    content: bytes | str, message: str, branch: str, people: Mapping[str, Any]
) -> dict[str, Any]:
    data = content.encode() if isinstance(content, str) else content
    told = base64.b64encode(data).decode()
    return {"message": message, "content": told, "branch": branch, **people}


def _commit_in(found: Any) -> str:
    return str(found["commit"]["sha"])
