"""Prebuilt tasks on gists: https://docs.github.com/en/rest/gists/gists."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from brickwork import InvalidArguments
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.gists.models import Gist
from brickwork_github.requests import NULL, Request
from brickwork_github.tasks import retried_task, task_once

_GIST = "/gists/{gist_id}"


@task_once("gists:write")
def create_gist(
    credentials: GitHubCredentials,
    files: Mapping[str, str],
    *,
    description: str | None = None,
    public: bool = False,
) -> Gist:
    """Create a gist.

    Not retried: there might be two. See https://docs.github.com/en/rest/gists/gists#create-a-gist.

    Args:
        credentials: Whose; not an App's, which has no gists.
        files: Their texts, by name; at least one, and none is empty.
        description: What it says of itself.
        public: Whether it is listed; one that is not is still seen by all who know its URL.

    Returns:
        The gist.

    Raises:
        GitHubInvalid: A file is empty, or has a name that cannot be.
        GitHubError: It was not created.

    Examples:
        >>> gist = create_gist(credentials, {"load.log": "Done."}, description="Of last night")
        >>> gist.public, gist.files["load.log"].content
        (False, 'Done.')
    """
    return Request(credentials, "POST /gists").one(
        Gist.of,
        body={
            "description": description,
            "public": public,
            "files": {name: {"content": text} for name, text in files.items()},
        },
    )


@retried_task()
def get_gist(credentials: GitHubCredentials, gist_id: str, *, revision: str | None = None) -> Gist:
    """Return a gist with its files; of each up to a megabyte, of all up to 300.

    See https://docs.github.com/en/rest/gists/gists#get-a-gist.

    Args:
        credentials: Whose.
        gist_id: Its id.
        revision: The id of one of its commits; by default the last one.

    Returns:
        The gist.

    Raises:
        GitHubNotFound: There is none, or no such revision.
        GitHubError: It cannot be read.

    Examples:
        >>> get_gist(credentials, "2decf6c462d9b4418f2").files["README.md"].content
        'Hello world from GitHub'
    """
    if revision is None:
        return Request(credentials, f"GET {_GIST}", gist_id=gist_id).one(Gist.of)
    asked = Request(credentials, f"GET {_GIST}/{{sha}}", gist_id=gist_id, sha=revision)
    return asked.one(Gist.of)


@retried_task()
def list_gists(
    credentials: GitHubCredentials,
    *,
    user: str | None = None,
    starred: bool = False,
    since: datetime | None = None,
    limit: int | None = None,
) -> list[Gist]:
    """List gists: one's own, those with one's star, or the public ones of somebody.

    See https://docs.github.com/en/rest/gists/gists#list-gists-for-the-authenticated-user.

    Args:
        credentials: Whose.
        user: Whose public ones; None: one's own.
        starred: Those with one's star instead; not with a user.
        since: Only those that were changed since then.
        limit: At most so many; None: all.

    Returns:
        The gists, with their files, without what is in them.

    Raises:
        InvalidArguments: There are a user and a star.
        GitHubNotFound: There is no such user.
        GitHubError: They cannot be read.

    Examples:
        >>> for gist in list_gists(credentials, user="octocat", limit=10):
        ...     print(gist.id, gist.description, *gist.files)
        aa5a315d61ae9438b18d Hello World Examples hello_world.rb
    """
    if user is not None and starred:
        raise InvalidArguments(
            "GitHub does not list what somebody else has starred.", fix="Leave one of them out."
        )
    if user is not None:
        asked = Request(credentials, "GET /users/{username}/gists", username=user)
    else:
        asked = Request(credentials, "GET /gists/starred" if starred else "GET /gists")
    return asked.many(Gist.of, limit, query={"since": since})


@retried_task("gists:write")
def update_gist(
    credentials: GitHubCredentials,
    gist_id: str,
    files: Mapping[str, str | None] | None = None,
    *,
    renames: Mapping[str, str] | None = None,
    description: str | None = None,
) -> Gist:
    """Change a gist: files that are not named stay as they are.

    What is renamed or deleted already stays so. See
    https://docs.github.com/en/rest/gists/gists#update-a-gist.

    Args:
        credentials: Whose.
        gist_id: Its id.
        files: New texts by name, also of new files; None deletes a file.
        renames: New names, by the old ones; their texts are given by the old names.
        description: What it says of itself.

    Returns:
        The gist as it is now.

    Raises:
        GitHubNotFound: There is none, or it is somebody else's.
        GitHubInvalid: It would have no file, or an empty one.
        InvalidArguments: What shall be renamed is not there, or nothing was given.
        GitHubError: It was not changed.

    Examples:
        >>> update_gist(credentials, "2decf6c462d9b4418f2", {"README.md": "Hello"}).description
        'An updated gist description.'
    """
    texts, names = dict(files or {}), dict(renames or {})
    if not texts and not names and description is None:
        raise InvalidArguments("Nothing shall be changed.", fix="Give files or a description.")
    # To rename or delete a file twice fails, so only what is there still is sent, and once.
    once = bool(names) or None in texts.values()
    there = set(get_gist.fn(credentials, gist_id).files) if once else set()
    changes: dict[str, Any] = {
        name: NULL if text is None else {"content": text}
        for name, text in texts.items()
        if text is not None or name in there
    }
    for old, new in names.items():
        change = changes.pop(old, {})
        if old in there:
            changes[old] = {**change, "filename": new}
        elif new not in there:
            raise InvalidArguments(
                f"The gist {gist_id} has no file {old!r}.", fix="Give the name of one that it has."
            )
        elif change:
            changes[new] = change
    if not changes and description is None:
        return get_gist.fn(credentials, gist_id)
    asked = Request(credentials, f"PATCH {_GIST}", safe=not once, gist_id=gist_id)
    return asked.one(Gist.of, body={"description": description, "files": changes or None})


@retried_task("gists:write")
def delete_gist(credentials: GitHubCredentials, gist_id: str) -> None:
    """Delete a gist.

    See https://docs.github.com/en/rest/gists/gists#delete-a-gist.

    Args:
        credentials: Whose.
        gist_id: Its id.

    Raises:
        GitHubNotFound: There is none, or it is somebody else's.
        GitHubError: It was not deleted.

    Examples:
        >>> delete_gist(credentials, "2decf6c462d9b4418f2")
    """
    Request(credentials, f"DELETE {_GIST}", gist_id=gist_id).send()
