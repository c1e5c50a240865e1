"""Prebuilt tasks on repositories: https://docs.github.com/en/rest/repos/repos."""

from typing import Any, Literal

from brickwork import InvalidArguments
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.errors import GitHubConflict, GitHubDenied
from brickwork_github.paths import split_repository
from brickwork_github.repositories.models import Repository
from brickwork_github.requests import Request
from brickwork_github.tasks import retried_task, task_once

_REPOSITORY = "/repos/{owner}/{repo}"
Visibility = Literal["public", "private", "internal"]


@task_once("administration:write")
def create_repository(
    credentials: GitHubCredentials,
    name: str,
    *,
    organization: str | None = None,
    description: str | None = None,
    homepage: str | None = None,
    private: bool = True,
    auto_init: bool = False,
    gitignore_template: str | None = None,
    license_template: str | None = None,
    is_template: bool | None = None,
    has_issues: bool | None = None,
    has_projects: bool | None = None,
    has_wiki: bool | None = None,
    allow_squash_merge: bool | None = None,
    allow_merge_commit: bool | None = None,
    allow_rebase_merge: bool | None = None,
    allow_auto_merge: bool | None = None,
    delete_branch_on_merge: bool | None = None,
) -> Repository:
    """Create a repository; a private one, unless said otherwise.

    Not retried: the second time GitHub refuses the name. See
    https://docs.github.com/en/rest/repos/repos#create-a-repository-for-the-authenticated-user and
    https://docs.github.com/en/rest/repos/repos#create-an-organization-repository.

    Args:
        credentials: Whose.
        name: Its name, without the owner.
        organization: Whose it shall be; by default whose the credentials are.
        description: What it says of itself.
        homepage: Its homepage.
        private: Whether not everybody may see it.
        auto_init: Whether to commit a first README; without a commit there is no branch.
        gitignore_template: Commit a .gitignore for ``Python``, ``Node`` ...
        license_template: Commit a license: ``mit``, ``apache-2.0`` ...
        is_template: Whether others may be made of it.
        has_issues: Whether it has issues; by default it has.
        has_projects: Whether it has projects; by default it has.
        has_wiki: Whether it has a wiki; by default it has.
        allow_squash_merge: Whether pull requests may be squashed; by default they may.
        allow_merge_commit: Whether they may be merged by a commit; by default they may.
        allow_rebase_merge: Whether they may be rebased; by default they may.
        allow_auto_merge: Whether they may be merged as soon as all is well; by default not.
        delete_branch_on_merge: Whether their branches are deleted then; by default not.

    Returns:
        The repository.

    Raises:
        GitHubInvalid: There is one of this name, or the name is none.
        GitHubDenied: These credentials may not create repositories there.
        GitHubError: It was not created.

    Examples:
        >>> create_repository(credentials, "Hello-World", auto_init=True).full_name
        'octocat/Hello-World'
    """
    body = {
        "name": name,
        "description": description,
        "homepage": homepage,
        "private": private,
        "auto_init": auto_init,
        "gitignore_template": gitignore_template,
        "license_template": license_template,
        "is_template": is_template,
        "has_issues": has_issues,
        "has_projects": has_projects,
        "has_wiki": has_wiki,
        "allow_squash_merge": allow_squash_merge,
        "allow_merge_commit": allow_merge_commit,
        "allow_rebase_merge": allow_rebase_merge,
        "allow_auto_merge": allow_auto_merge,
        "delete_branch_on_merge": delete_branch_on_merge,
    }
    if organization is None:
        asked = Request(credentials, "POST /user/repos")
    else:
        asked = Request(credentials, "POST /orgs/{org}/repos", org=organization)
    return asked.one(Repository.of, body=body)


@task_once("administration:write")
def create_repository_from_template(
    credentials: GitHubCredentials,
    template: str,
    name: str,
    *,
    owner: str | None = None,
    description: str | None = None,
    private: bool = True,
    include_all_branches: bool = False,
) -> Repository:
    """Create a repository with the files of another; a private one, unless said otherwise.

    Not retried: the second time GitHub refuses the name. See
    https://docs.github.com/en/rest/repos/repos#create-a-repository-using-a-template.

    Args:
        credentials: Whose.
        template: ``owner/name`` of one that is a template.
        name: Its name, without the owner.
        owner: Whose it shall be; by default whose the credentials are.
        description: What it says of itself.
        private: Whether not everybody may see it.
        include_all_branches: Whether all branches come, not only the default one.

    Returns:
        The repository. Its files come some seconds later.

    Raises:
        GitHubNotFound: There is no such template.
        GitHubInvalid: There is one of this name, or the other is no template.
        GitHubError: It was not created.

    Examples:
        >>> create_repository_from_template(credentials, "acme/service", "billing").name
        'Hello-World'
    """
    where = split_repository(template)
    asked = Request(
        credentials,
        "POST /repos/{template_owner}/{template_repo}/generate",
        template_owner=where["owner"],
        template_repo=where["repo"],
    )
    return asked.one(
        Repository.of,
        body={
            "name": name,
            "owner": owner,
            "description": description,
            "private": private,
            "include_all_branches": include_all_branches,
        },
    )


@retried_task("metadata:read")
def get_repository(credentials: GitHubCredentials, repository: str) -> Repository:
    """Return a repository; one that was renamed, by its old name, too.

    See https://docs.github.com/en/rest/repos/repos#get-a-repository.

    Args:
        credentials: Whose.
        repository: ``owner/name``.

    Returns:
        The repository.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It cannot be read.

    Examples:
        >>> found = get_repository(credentials, repository)
        >>> found.full_name, found.default_branch, found.archived
        ('octocat/Hello-World', 'master', False)
    """
    return Request(credentials, f"GET {_REPOSITORY}", repository).one(Repository.of)


@retried_task("metadata:read")
def list_repositories(
    credentials: GitHubCredentials,
    *,
    organization: str | None = None,
    user: str | None = None,
    kind: Literal["all", "owner", "public", "private", "member", "forks", "sources"] | None = None,
    sort: Literal["created", "updated", "pushed", "full_name"] | None = None,
    direction: Literal["asc", "desc"] | None = None,
    limit: int | None = None,
) -> list[Repository]:
    """List repositories: of an organization, of somebody, or one's own.

    See https://docs.github.com/en/rest/repos/repos#list-organization-repositories,
    https://docs.github.com/en/rest/repos/repos#list-repositories-for-a-user and
    https://docs.github.com/en/rest/repos/repos#list-repositories-for-the-authenticated-user.

    Args:
        credentials: Whose.
        organization: Those of this one.
        user: The public ones of this one. Without both: those of whose the credentials are.
        kind: Which. An organization has ``all``, ``public``, ``private``, ``forks``, ``sources``
            and ``member``; a user ``all``, ``owner`` and ``member``; oneself all but forks and
            sources.
        sort: By what.
        direction: ``asc`` or ``desc``.
        limit: At most so many; None: all.

    Returns:
        The repositories.

    Raises:
        InvalidArguments: Both an organization and a user are given.
        GitHubNotFound: There is no such organization or user.
        GitHubError: They cannot be read.

    Examples:
        >>> for found in list_repositories(credentials, organization="octocat", kind="sources"):
        ...     print(found.full_name, found.private, found.pushed_at.date())
        octocat/Hello-World False 2011-01-26
    """
    if organization is not None and user is not None:
        raise InvalidArguments("An organization and a user are given.", fix="Give one of them.")
    if organization is not None:
        asked = Request(credentials, "GET /orgs/{org}/repos", org=organization)
    elif user is not None:
        asked = Request(credentials, "GET /users/{username}/repos", username=user)
    else:
        asked = Request(credentials, "GET /user/repos")
    query = {"type": kind, "sort": sort, "direction": direction}
    return asked.many(Repository.of, limit, query=query)


@retried_task("administration:write")
def update_repository(
    credentials: GitHubCredentials,
    repository: str,
    *,
    name: str | None = None,
    description: str | None = None,
    homepage: str | None = None,
    visibility: Visibility | None = None,
    default_branch: str | None = None,
    is_template: bool | None = None,
    has_issues: bool | None = None,
    has_projects: bool | None = None,
    has_wiki: bool | None = None,
    allow_squash_merge: bool | None = None,
    allow_merge_commit: bool | None = None,
    allow_rebase_merge: bool | None = None,
    allow_auto_merge: bool | None = None,
    allow_update_branch: bool | None = None,
    delete_branch_on_merge: bool | None = None,
) -> Repository:
    """Change a repository: what is given replaces what is there.

    See https://docs.github.com/en/rest/repos/repos#update-a-repository.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        name: Its name, without the owner; GitHub leads from the old one to it.
        description: What it says of itself; empty takes it away.
        homepage: Its homepage; empty takes it away.
        visibility: Who may see it. What was public may have been copied.
        default_branch: Its default branch, which must be there.
        is_template: Whether others may be made of it.
        has_issues: Whether it has issues.
        has_projects: Whether it has projects.
        has_wiki: Whether it has a wiki.
        allow_squash_merge: Whether pull requests may be squashed.
        allow_merge_commit: Whether they may be merged by a commit.
        allow_rebase_merge: Whether they may be rebased.
        allow_auto_merge: Whether they may be merged as soon as all is well.
        allow_update_branch: Whether they offer to be brought up to date.
        delete_branch_on_merge: Whether their branches are deleted when they are merged.

    Returns:
        The repository as it is now.

    Raises:
        GitHubNotFound: There is none.
        GitHubInvalid: The name is taken, or there is no such branch.
        GitHubDenied: It is archived, or these credentials may not change it.
        GitHubError: It was not changed.

    Examples:
        >>> update_repository(credentials, repository, has_wiki=False).name
        'Hello-World'
    """
    return _patched(
        credentials,
        repository,
        {
            "name": name,
            "description": description,
            "homepage": homepage,
            "visibility": visibility,
            "default_branch": default_branch,
            "is_template": is_template,
            "has_issues": has_issues,
            "has_projects": has_projects,
            "has_wiki": has_wiki,
            "allow_squash_merge": allow_squash_merge,
            "allow_merge_commit": allow_merge_commit,
            "allow_rebase_merge": allow_rebase_merge,
            "allow_auto_merge": allow_auto_merge,
            "allow_update_branch": allow_update_branch,
            "delete_branch_on_merge": delete_branch_on_merge,
        },
    )


@retried_task("administration:write")
def archive_repository(credentials: GitHubCredentials, repository: str) -> Repository:
    """Make a repository read-only; one that is archived stays so.

    See https://docs.github.com/en/rest/repos/repos#update-a-repository.

    Args:
        credentials: Whose.
        repository: ``owner/name``.

    Returns:
        The repository as it is now.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It was not archived.

    Examples:
        >>> archive_repository(credentials, repository).archived
        True
    """
    try:
        return _patched(credentials, repository, {"archived": True})
    except GitHubDenied:  # GitHub refuses it for one that is archived, as any other change
        found = get_repository.fn(credentials, repository)
        if not found.archived:
            raise
        return found


@retried_task("administration:write")
def unarchive_repository(credentials: GitHubCredentials, repository: str) -> Repository:
    """Let an archived repository be changed again; one that is not archived stays so.

    See https://docs.github.com/en/rest/repos/repos#update-a-repository.

    Args:
        credentials: Whose.
        repository: ``owner/name``.

    Returns:
        The repository as it is now.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It was not opened.

    Examples:
        >>> unarchive_repository(credentials, repository).archived
        False
    """
    return _patched(credentials, repository, {"archived": False})


@retried_task("administration:write")
def delete_repository(credentials: GitHubCredentials, repository: str) -> None:
    """Delete a repository, with all that is in it.

    A classic token needs the scope ``delete_repo``. See
    https://docs.github.com/en/rest/repos/repos#delete-a-repository.

    Args:
        credentials: Whose.
        repository: ``owner/name``, as it is now called: an old name does not count.

    Raises:
        GitHubNotFound: There is none.
        GitHubConflict: It was renamed.
        GitHubDenied: The organization does not allow it, or these credentials may not do it.
        GitHubError: It was not deleted.

    Examples:
        >>> delete_repository(credentials, repository)
    """
    found = get_repository.fn(credentials, repository)
    if found.full_name.lower() != repository.lower():
        # GitHub would lead the request on, to what perhaps nobody meant.
        raise GitHubConflict(
            f"{repository} is now called {found.full_name}.", fix="Delete it by that name."
        )
    Request(credentials, f"DELETE {_REPOSITORY}", repository).send()


def _patched(credentials: GitHubCredentials, repository: str, body: dict[str, Any]) -> Repository:
    asked = Request(credentials, f"PATCH {_REPOSITORY}", repository, safe=True)
    return asked.one(Repository.of, body=body)
