"""Prebuilt tasks on references and tags.

See https://docs.github.com/en/rest/git/refs and https://docs.github.com/en/rest/git/tags.
"""

from typing import Any

from brickwork_github.contents.models import GitPerson, GitRef, Tag
from brickwork_github.contents.trees import commit_of
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.errors import GitHubConflict, GitHubInvalid
from brickwork_github.requests import Request
from brickwork_github.tasks import retried_task

_GIT = "/repos/{owner}/{repo}/git"


@retried_task("contents:read")
def get_ref(credentials: GitHubCredentials, repository: str, ref: str) -> GitRef:
    """Return a reference, and what it stands for.

    See https://docs.github.com/en/rest/git/refs#get-a-reference.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        ref: Its name: ``heads/main``, ``tags/v1``; ``refs/`` may stand before it.

    Returns:
        The reference.

    Raises:
        GitHubNotFound: There is none.
        GitHubConflict: The repository has no commits.
        GitHubError: It cannot be read.

    Examples:
        >>> get_ref(credentials, repository, "heads/featureA").type
        'commit'
    """
    return Request(credentials, f"GET {_GIT}/ref/{{ref}}", repository, ref=_short(ref)).one(
        GitRef.of
    )


@retried_task("contents:read")
def list_refs(
    credentials: GitHubCredentials, repository: str, prefix: str, *, limit: int | None = None
) -> list[GitRef]:
    """List the references whose names begin with a text.

    See https://docs.github.com/en/rest/git/refs#list-matching-references.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        prefix: ``heads``, ``tags``, ``heads/feature`` ...
        limit: At most so many; None: all.

    Returns:
        The references.

    Raises:
        GitHubConflict: The repository has no commits.
        GitHubError: They cannot be read.

    Examples:
        >>> for found in list_refs(credentials, repository, "heads/feature"):
        ...     print(found.ref)
        refs/heads/feature-a
        refs/heads/feature-b
    """
    asked = Request(
        credentials, f"GET {_GIT}/matching-refs/{{ref}}", repository, ref=_short(prefix)
    )
    # GitHub gives all at once, and takes no per_page.
    return [GitRef.of(each) for each in asked.send().data][:limit]


@retried_task("contents:write")
def create_ref(credentials: GitHubCredentials, repository: str, ref: str, sha: str) -> GitRef:
    """Create a reference; one that stands for the same already is fine.

    See https://docs.github.com/en/rest/git/refs#create-a-reference.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        ref: Its name: ``heads/main``, ``tags/v1``; ``refs/`` may stand before it.
        sha: The id of what it shall stand for.

    Returns:
        The reference.

    Raises:
        GitHubConflict: There is one of the name that stands for something else.
        GitHubInvalid: There is nothing of the id, or the name is none.
        GitHubError: It was not created.

    Examples:
        >>> made = create_ref(
        ...     credentials, repository, "heads/next", "aa218f56b14c9653891f9e74264a383fa43fefbd"
        ... )
        >>> made.type
        'commit'
    """
    body = {"ref": f"refs/{_short(ref)}", "sha": sha}
    try:
        return Request(credentials, f"POST {_GIT}/refs", repository, safe=True).one(
            GitRef.of, body=body
        )
    except GitHubInvalid as error:
        if "already exists" not in str(error):
            raise
    found = get_ref.fn(credentials, repository, ref)
    if found.sha == sha:
        return found
    raise GitHubConflict(
        f"{repository} has a reference {found.ref}, which stands for {found.sha}.",
        fix="Use another name, or move it by update_ref.",
    )


@retried_task("contents:write")
def update_ref(
    credentials: GitHubCredentials, repository: str, ref: str, sha: str, *, force: bool = False
) -> GitRef:
    """Let a reference stand for another object.

    See https://docs.github.com/en/rest/git/refs#update-a-reference.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        ref: Its name: ``heads/main``, ``tags/v1``; ``refs/`` may stand before it.
        sha: The id of what it shall stand for.
        force: Also if that does not come after what it stands for now: commits may get lost.

    Returns:
        The reference.

    Raises:
        GitHubInvalid: There is no such reference, nothing of the id, it does not come after the
            present one, or the branch is protected.
        GitHubError: It was not moved.

    Examples:
        >>> update_ref(
        ...     credentials, repository, "heads/next", "aa218f56b14c9653891f9e74264a383fa43fefbd"
        ... ).type
        'commit'
    """
    asked = Request(
        credentials, f"PATCH {_GIT}/refs/{{ref}}", repository, safe=True, ref=_short(ref)
    )
    return asked.one(GitRef.of, body={"sha": sha, "force": force})


@retried_task("contents:write")
def delete_ref(credentials: GitHubCredentials, repository: str, ref: str) -> None:
    """Delete a reference: a branch, or a tag.

    See https://docs.github.com/en/rest/git/refs#delete-a-reference.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        ref: Its name: ``heads/main``, ``tags/v1``; ``refs/`` may stand before it.

    Raises:
        GitHubNotFound: There is none.
        GitHubInvalid: The branch is protected, or the default one.
        GitHubError: It was not deleted.

    Examples:
        >>> delete_ref(credentials, repository, "tags/v0")
    """
    get_ref.fn(credentials, repository, ref)
    try:
        Request(credentials, f"DELETE {_GIT}/refs/{{ref}}", repository, ref=_short(ref)).send()
    except GitHubInvalid as error:
        # It was there: an answer was lost, or somebody else was quicker.
        if "does not exist" not in str(error):
            raise


@retried_task("metadata:read")
def list_tags(
    credentials: GitHubCredentials, repository: str, *, limit: int | None = None
) -> list[Tag]:
    """List the tags of a repository.

    See https://docs.github.com/en/rest/repos/repos#list-repository-tags.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        limit: At most so many; None: all.

    Returns:
        The tags.

    Raises:
        GitHubNotFound: There is no such repository.
        GitHubError: They cannot be read.

    Examples:
        >>> [tag.name for tag in list_tags(credentials, repository)]
        ['v0.1']
    """
    return Request(credentials, "GET /repos/{owner}/{repo}/tags", repository).many(Tag.of, limit)


@retried_task("contents:write")
def create_tag(
    credentials: GitHubCredentials,
    repository: str,
    name: str,
    *,
    message: str | None = None,
    at: str | None = None,
    tagger: GitPerson | None = None,
) -> Tag:
    """Tag a commit; a tag that is there already, at the same commit, is fine.

    See https://docs.github.com/en/rest/git/tags#create-a-tag-object.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        name: Its name: ``v1.0``.
        message: Makes an annotated tag, with this message; without one it is a lightweight tag.
        at: A branch, a tag or a commit; by default the default branch.
        tagger: Who tags it; by default whose the credentials are.

    Returns:
        The tag.

    Raises:
        GitHubConflict: There is one of the name at another commit, or there are no commits.
        GitHubInvalid: There is no such commit, or the name is none.
        GitHubError: It was not made.

    Examples:
        >>> create_tag(credentials, repository, "v1.0", message="The first").name
        'v1.0'
    """
    commit = commit_of(credentials, repository, at)
    sha = commit
    if message is not None:
        who = None if tagger is None else {"name": tagger.name, "email": tagger.email}
        body = {"tag": name, "message": message, "object": commit, "type": "commit", "tagger": who}
        asked = Request(credentials, f"POST {_GIT}/tags", repository, safe=True)
        sha = asked.one(_sha, body=body)  # which nobody sees before the reference is there
    try:
        create_ref.fn(credentials, repository, f"tags/{name}", sha)
    except GitHubConflict:
        # Of an earlier call whose answer was lost, perhaps: each makes a tag with its own time.
        if commit_of(credentials, repository, f"tags/{name}") != commit:
            raise
    return Tag(name, commit)


def _short(ref: str) -> str:
    return ref.removeprefix("refs/")


def _sha(found: Any) -> str:
    return str(found["sha"])
