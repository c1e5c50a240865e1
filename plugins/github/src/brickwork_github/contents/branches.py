"""Prebuilt tasks on branches: https://docs.github.com/en/rest/branches/branches."""

from brickwork_github.contents.models import Branch
from brickwork_github.contents.refs import create_ref, delete_ref
from brickwork_github.contents.trees import commit_of
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.requests import Request
from brickwork_github.tasks import retried_task, task_once

_BRANCHES = "/repos/{owner}/{repo}/branches"


@retried_task("contents:read")
def list_branches(
    credentials: GitHubCredentials,
    repository: str,
    *,
    protected: bool | None = None,
    limit: int | None = None,
) -> list[Branch]:
    """List the branches of a repository.

    See https://docs.github.com/en/rest/branches/branches#list-branches.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        protected: Only those that are protected, or that are not; None: both.
        limit: At most so many; None: all.

    Returns:
        The branches.

    Raises:
        GitHubNotFound: There is no such repository.
        GitHubError: They cannot be read.

    Examples:
        >>> [branch.name for branch in list_branches(credentials, repository)]
        ['master']
    """
    told = None if protected is None else str(protected).lower()
    return Request(credentials, f"GET {_BRANCHES}", repository).many(
        Branch.of, limit, query={"protected": told}
    )


@retried_task("contents:read")
def get_branch(credentials: GitHubCredentials, repository: str, name: str) -> Branch:
    """Return a branch.

    See https://docs.github.com/en/rest/branches/branches#get-a-branch.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        name: The branch's.

    Returns:
        The branch; where it was renamed, the one that it became.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It cannot be read.

    Examples:
        >>> branch = get_branch(credentials, repository, "main")
        >>> branch.name, branch.protected
        ('main', False)
    """
    return Request(credentials, f"GET {_BRANCHES}/{{branch}}", repository, branch=name).one(
        Branch.of
    )


@retried_task("contents:write")
def create_branch(
    credentials: GitHubCredentials, repository: str, name: str, *, at: str | None = None
) -> Branch:
    """Create a branch; one that is there already, at the same commit, is fine.

    See https://docs.github.com/en/rest/git/refs#create-a-reference.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        name: The branch's.
        at: A branch, a tag or a commit, from which it goes on; by default the default branch.

    Returns:
        The branch.

    Raises:
        GitHubConflict: There is one of the name at another commit, or there are no commits.
        GitHubInvalid: There is no such commit, or the name is none.
        GitHubError: It was not created.

    Examples:
        >>> create_branch(credentials, repository, "next").name
        'next'
    """
    made = create_ref.fn(
        credentials, repository, f"heads/{name}", commit_of(credentials, repository, at)
    )
    return Branch(name, made.sha, protected=False)


@retried_task("contents:write")
def delete_branch(credentials: GitHubCredentials, repository: str, name: str) -> None:
    """Delete a branch; pull requests from it are closed.

    See https://docs.github.com/en/rest/git/refs#delete-a-reference.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        name: The branch's.

    Raises:
        GitHubNotFound: There is none.
        GitHubInvalid: It is protected, or the default one.
        GitHubError: It was not deleted.

    Examples:
        >>> delete_branch(credentials, repository, "old")
    """
    delete_ref.fn(credentials, repository, f"heads/{name}")


@task_once("contents:write")
def rename_branch(
    credentials: GitHubCredentials, repository: str, name: str, new_name: str
) -> Branch:
    """Rename a branch; pull requests and protections go with it.

    Not retried: the second time there is no branch of the old name. To rename the default branch
    needs ``administration:write``, too. See
    https://docs.github.com/en/rest/branches/branches#rename-a-branch.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        name: The branch's, as it is now.
        new_name: What it shall be.

    Returns:
        The branch. GitHub may still be at work for it for some seconds.

    Raises:
        GitHubNotFound: There is none.
        GitHubInvalid: There is one of the new name, or it is none.
        GitHubError: It was not renamed.

    Examples:
        >>> rename_branch(credentials, repository, "trunk", "master").name
        'master'
    """
    route = f"POST {_BRANCHES}/{{branch}}/rename"
    return Request(credentials, route, repository, branch=name).one(
        Branch.of, body={"new_name": new_name}
    )


@retried_task("contents:write")
def merge_branches(
    credentials: GitHubCredentials,
    repository: str,
    base: str,
    head: str,
    *,
    message: str | None = None,
) -> str | None:
    """Merge a branch, or a commit, into a branch.

    It may be sent again: what is merged is not merged twice. See
    https://docs.github.com/en/rest/branches/branches#merge-a-branch.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        base: The branch to merge into.
        head: The branch or the commit to merge.
        message: The merge commit's; by default GitHub's.

    Returns:
        The id of the merge commit; None where the base had all of it already.

    Raises:
        GitHubConflict: They do not go together, or the base is protected.
        GitHubNotFound: There is no such branch.
        GitHubError: It was not merged.

    Examples:
        >>> merge_branches(credentials, repository, "main", "next")
        '6dcb09b5b57875f334f61aebed695e2e4193db5e'
    """
    asked = Request(credentials, "POST /repos/{owner}/{repo}/merges", repository, safe=True)
    return asked.one(
        lambda found: None if found is None else str(found["sha"]),
        body={"base": base, "head": head, "commit_message": message},
    )
