"""What a ref of a repository is now: the commit, its tree, and what may be written to."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

from brickwork import StorageError
from brickwork_github.contents.trees import commit_id, is_sha
from brickwork_github.errors import GitHubConflict, GitHubInvalid, GitHubNotFound
from brickwork_github.requests import Request

if TYPE_CHECKING:
    from brickwork_github.repository.block import GitHubRepository


def request(repository: "GitHubRepository", route: str, **options: Any) -> Request:
    """Make a request about a repository: ``request(repository, "GET /git/ref/{ref}", ref=...)``."""
    method, _, path = route.partition(" ")
    whole = f"{method} /repos/{{owner}}/{{repo}}{path}"
    return Request(repository.credentials, whole, repository.repository, **options)


def head_of(repository: "GitHubRepository") -> str | None:
    """Return the id of the commit that the ref is now; None in a repository without commits.

    Raises:
        GitHubNotFound: There is no such ref, or no such repository.
    """
    ref = repository.ref
    if ref is None:
        return commit_id(repository.credentials, repository.repository, "HEAD")
    if is_sha(ref):
        return ref
    bare = ref.removeprefix("refs/")
    candidates = [f"heads/{ref}", f"tags/{ref}"]
    if bare.startswith(("heads/", "tags/")):
        candidates.append(bare)
    for name in candidates:
        try:
            return commit_id(repository.credentials, repository.repository, name)
        except GitHubInvalid:  # what GitHub says of a ref that is not there; of a repository, 404
            continue
    raise no_ref(repository)


def branch_of(repository: "GitHubRepository") -> str:
    """Return the branch that may be written to.

    Raises:
        StorageError: The ref is a tag or a commit.
        GitHubNotFound: There is no such ref, or no such repository.
    """
    ref = repository.ref
    if ref is None:
        return request(repository, "GET ").one(lambda data: str(data["default_branch"]))
    if is_sha(ref):
        _refuse(repository, "a commit")
    bare = ref.removeprefix("refs/")
    if bare.startswith("tags/") and bare != ref:
        _refuse(repository, "a tag")
    for name in dict.fromkeys([ref, bare.removeprefix("heads/")]):
        if _exists(repository, f"heads/{name}"):
            return name
    if any(_exists(repository, f"tags/{name}") for name in (ref, bare.removeprefix("tags/"))):
        _refuse(repository, "a tag")
    raise no_ref(repository)


def no_ref(repository: "GitHubRepository") -> GitHubNotFound:
    """Return the error for a ref that is not there."""
    return GitHubNotFound(
        f"{repository.repository} has no branch and no tag {repository.ref!r}.",
        fix="Check the name, or create the branch first.",
    )


def _refuse(repository: "GitHubRepository", kind: str) -> NoReturn:
    raise StorageError(
        f"{repository.url} cannot be written: {repository.ref} is {kind}.",
        fix="Give the block a branch as ref: model_copy(update={'ref': 'main'}).",
    )


def _exists(repository: "GitHubRepository", ref: str) -> bool:
    try:
        request(repository, "GET /git/ref/{ref}", ref=ref).send()
    except GitHubNotFound:
        return False
    except GitHubConflict:  # there are no commits at all
        return ref.startswith("heads/")
    return True


def committed_at(data: Any) -> datetime:
    """Return when a commit was made, from GitHub's description of it."""
    return datetime.fromisoformat(data["commit"]["committer"]["date"])
