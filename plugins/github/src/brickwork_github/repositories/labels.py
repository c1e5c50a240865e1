"""Prebuilt tasks on the labels that a repository has.

See https://docs.github.com/en/rest/issues/labels. Those of an issue are in `issues.sorting`.
"""

from brickwork_github.credentials import GitHubCredentials
from brickwork_github.errors import GitHubNotFound
from brickwork_github.repositories.models import Label
from brickwork_github.requests import Request
from brickwork_github.tasks import retried_task, task_once

_LABELS = "/repos/{owner}/{repo}/labels"


@retried_task("issues:read")
def list_labels(
    credentials: GitHubCredentials, repository: str, *, limit: int | None = None
) -> list[Label]:
    """List the labels that a repository has.

    See https://docs.github.com/en/rest/issues/labels#list-labels-for-a-repository.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        limit: At most so many; None: all.

    Returns:
        The labels.

    Raises:
        GitHubNotFound: There is no such repository.
        GitHubError: They cannot be read.

    Examples:
        >>> for label in list_labels(credentials, repository, limit=1):
        ...     print(label.name, label.color)
        bug f29513
    """
    return Request(credentials, f"GET {_LABELS}", repository).many(Label.of, limit)


@task_once("issues:write")
def create_label(
    credentials: GitHubCredentials,
    repository: str,
    name: str,
    *,
    color: str | None = None,
    description: str | None = None,
) -> Label:
    """Give a repository a label.

    Not retried: the second time GitHub refuses the name. See
    https://docs.github.com/en/rest/issues/labels#create-a-label.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        name: Its name.
        color: Its color, six hexadecimal digits, also after a ``#``; by default GitHub's.
        description: What it is for, in up to 100 characters.

    Returns:
        The label.

    Raises:
        GitHubInvalid: There is one of this name, or the color is none.
        GitHubError: It was not made.

    Examples:
        >>> create_label(credentials, repository, "bug", color="#f29513").name
        'bug'
    """
    return Request(credentials, f"POST {_LABELS}", repository).one(
        Label.of, body={"name": name, "color": _bare(color), "description": description}
    )


@retried_task("issues:write")
def update_label(
    credentials: GitHubCredentials,
    repository: str,
    name: str,
    *,
    new_name: str | None = None,
    color: str | None = None,
    description: str | None = None,
) -> Label:
    """Change a label; issues that have it have it still.

    See https://docs.github.com/en/rest/issues/labels#update-a-label.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        name: Its name, as it is now.
        new_name: What it shall be called; one that is called so already is changed as well.
        color: Its color, six hexadecimal digits, also after a ``#``.
        description: What it is for; empty takes it away.

    Returns:
        The label as it is now.

    Raises:
        GitHubNotFound: There is none of this name, nor of the new one.
        GitHubInvalid: There is one of the new name, or the color is none.
        GitHubError: It was not changed.

    Examples:
        >>> update_label(credentials, repository, "bug", color="b01f26").color
        'b01f26'
    """
    changes = {"color": _bare(color), "description": description}

    def changed(name: str, **more: str | None) -> Label:
        asked = Request(credentials, f"PATCH {_LABELS}/{{name}}", repository, safe=True, name=name)
        return asked.one(Label.of, body=more | changes)

    try:
        return changed(name, new_name=new_name)
    except GitHubNotFound:
        if new_name is None:
            raise
        return changed(new_name)  # renamed by a request whose answer was lost, perhaps


@retried_task("issues:write")
def delete_label(credentials: GitHubCredentials, repository: str, name: str) -> None:
    """Take a label from a repository, and from all its issues.

    See https://docs.github.com/en/rest/issues/labels#delete-a-label.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        name: Its name.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It is there still.

    Examples:
        >>> delete_label(credentials, repository, "wontfix")
    """
    Request(credentials, f"DELETE {_LABELS}/{{name}}", repository, name=name).send()


def _bare(color: str | None) -> str | None:
    return None if color is None else color.removeprefix("#")
