"""Prebuilt tasks on releases: https://docs.github.com/en/rest/releases/releases."""

from collections.abc import Mapping
from typing import Any, Literal

from brickwork_github.credentials import GitHubCredentials
from brickwork_github.errors import GitHubConflict, GitHubInvalid, GitHubUnavailable
from brickwork_github.faults import about
from brickwork_github.releases.models import Release, ReleaseNotes
from brickwork_github.requests import Request
from brickwork_github.tasks import retried_task, task_once

_RELEASES = "/repos/{owner}/{repo}/releases"
RELEASE = f"{_RELEASES}/{{release_id}}"
"""The path of a release."""


@task_once("contents:write")
def create_release(
    credentials: GitHubCredentials,
    repository: str,
    tag: str,
    *,
    name: str | None = None,
    body: str | None = None,
    target: str | None = None,
    draft: bool = False,
    prerelease: bool = False,
    make_latest: Literal["true", "false", "legacy"] | None = None,
    generate_notes: bool = False,
    discussion_category: str | None = None,
) -> Release:
    """Make a release, and its tag where there is none.

    GitHub takes no second release of a tag. So the request may be repeated, and when an answer was
    lost, the release is found by its tag, title and text. Of drafts it takes many: one whose
    answer was lost is looked for in the same way, and not retried where it is not found, for it
    may still come. See
    https://docs.github.com/en/rest/releases/releases#create-a-release.

    Args:
        credentials: Whose; where the target has other workflows than the default branch, they
            need ``workflows:write``, too.
        repository: ``owner/name``.
        tag: The tag.
        name: The title.
        body: The text, in Markdown.
        target: The branch or commit to make the tag from, where there is none; by default the
            default branch.
        draft: Only prepare it: people with write access see it, and the tag is not made yet.
        prerelease: Mark it as not ready.
        make_latest: Whether it becomes the latest one; ``legacy``: by date and version.
        generate_notes: Let GitHub write a title, where there is none, and notes below the text.
        discussion_category: Open a discussion of it, in this category.

    Returns:
        The release.

    Raises:
        GitHubConflict: There is another release of this tag.
        GitHubInvalid: There is no such target.
        GitHubNotFound: There is no such repository.
        GitHubDenied: The credentials may not, or the repository is archived.
        GitHubError: It was not made.

    Examples:
        >>> release = create_release(credentials, repository, "v1.0.0", generate_notes=True)
        >>> release.tag, release.name, release.draft
        ('v1.0.0', 'v1.0.0', False)
    """
    wanted = {
        "tag_name": tag,
        "name": name,
        "body": body,
        "target_commitish": target,
        "draft": draft,
        "prerelease": prerelease,
        "make_latest": make_latest,
        "generate_release_notes": generate_notes,
        "discussion_category_name": discussion_category,
    }
    # Safe unless a draft: a second one is refused.
    asked = Request(credentials, f"POST {_RELEASES}", repository, safe=not draft)
    try:
        return asked.one(Release.of, body=wanted)
    except GitHubInvalid as refused:
        if "tag_name: already_exists" not in refused.fields:
            raise
        there = get_release_by_tag.fn(credentials, repository, tag)
        if _is_as_wanted(there, wanted):
            return there
        raise about(
            GitHubConflict(
                f"{asked.name}: {there.tag} has a release already, which is another one.",
                fix=f"Change that one by update_release, or use another tag: {there.url}",
            ),
            asked.name,
            refused.status,
        ) from None
    except GitHubUnavailable:
        if not draft:
            raise
        for found in drafts_of(credentials, repository, tag):
            if _is_as_wanted(found, wanted):
                return found
        raise


@retried_task("contents:read")
def get_release(credentials: GitHubCredentials, repository: str, release_id: int) -> Release:
    """Return a release by its id; with write access also a draft.

    See https://docs.github.com/en/rest/releases/releases#get-a-release.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        release_id: Its id.

    Returns:
        The release.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It cannot be read.

    Examples:
        >>> get_release(credentials, repository, 1).tag
        'v1.0.0'
    """
    asked = Request(credentials, f"GET {RELEASE}", repository, release_id=release_id)
    return asked.one(Release.of)


@retried_task("contents:read")
def get_latest_release(credentials: GitHubCredentials, repository: str) -> Release:
    """Return the release that GitHub shows as the latest: no draft, no prerelease.

    See https://docs.github.com/en/rest/releases/releases#get-the-latest-release.

    Args:
        credentials: Whose.
        repository: ``owner/name``.

    Returns:
        The release.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It cannot be read.

    Examples:
        >>> get_latest_release(credentials, repository).tag
        'v1.0.0'
    """
    return Request(credentials, f"GET {_RELEASES}/latest", repository).one(Release.of)


@retried_task("contents:read")
def get_release_by_tag(credentials: GitHubCredentials, repository: str, tag: str) -> Release:
    """Return the release of a tag that is published; no draft.

    See https://docs.github.com/en/rest/releases/releases#get-a-release-by-tag-name.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        tag: The tag.

    Returns:
        The release.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It cannot be read.

    Examples:
        >>> get_release_by_tag(credentials, repository, "v1.0.0").id
        1
    """
    return Request(credentials, f"GET {_RELEASES}/tags/{{tag}}", repository, tag=tag).one(
        Release.of
    )


@retried_task("contents:read")
def list_releases(
    credentials: GitHubCredentials, repository: str, *, limit: int | None = None
) -> list[Release]:
    """List the releases of a repository; with write access also drafts.

    Tags without a release are none of them; GitHub gives ten thousand at most. See
    https://docs.github.com/en/rest/releases/releases#list-releases.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        limit: At most so many; None: all.

    Returns:
        The releases.

    Raises:
        GitHubNotFound: There is no such repository.
        GitHubError: They cannot be read.

    Examples:
        >>> for release in list_releases(credentials, repository, limit=10):
        ...     print(release.tag, release.published_at.date())
        v1.0.0 2013-02-27
    """
    return Request(credentials, f"GET {_RELEASES}", repository).many(Release.of, limit)


@retried_task("contents:write")
def update_release(
    credentials: GitHubCredentials,
    repository: str,
    release_id: int,
    *,
    tag: str | None = None,
    name: str | None = None,
    body: str | None = None,
    target: str | None = None,
    draft: bool | None = None,
    prerelease: bool | None = None,
    make_latest: Literal["true", "false", "legacy"] | None = None,
    discussion_category: str | None = None,
) -> Release:
    """Change a release: what is given replaces what is there.

    See https://docs.github.com/en/rest/releases/releases#update-a-release.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        release_id: Its id.
        tag: The tag.
        name: The title.
        body: The text, in Markdown.
        target: The branch or commit to make the tag from, where there is none.
        draft: False publishes it, and makes its tag.
        prerelease: Whether it is marked as not ready.
        make_latest: Whether it becomes the latest one; ``legacy``: by date and version.
        discussion_category: Open a discussion of it, in this category, unless it has one.

    Returns:
        The release as it is now.

    Raises:
        GitHubNotFound: There is none, or no such category.
        GitHubInvalid: Another release has the tag, or there is no such target.
        GitHubError: It was not changed.

    Examples:
        >>> update_release(credentials, repository, 1, draft=False).draft
        False
    """
    asked = Request(credentials, f"PATCH {RELEASE}", repository, safe=True, release_id=release_id)
    return asked.one(
        Release.of,
        body={
            "tag_name": tag,
            "name": name,
            "body": body,
            "target_commitish": target,
            "draft": draft,
            "prerelease": prerelease,
            "make_latest": make_latest,
            "discussion_category_name": discussion_category,
        },
    )


@retried_task("contents:write")
def delete_release(credentials: GitHubCredentials, repository: str, release_id: int) -> None:
    """Delete a release with its assets; its tag stays, and `delete_ref` deletes that.

    See https://docs.github.com/en/rest/releases/releases#delete-a-release.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        release_id: Its id.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It was not deleted.

    Examples:
        >>> delete_release(credentials, repository, 1)
    """
    Request(credentials, f"DELETE {RELEASE}", repository, release_id=release_id).send()


@retried_task("contents:write")
def generate_release_notes(
    credentials: GitHubCredentials,
    repository: str,
    tag: str,
    *,
    target: str | None = None,
    previous_tag: str | None = None,
    configuration_file: str | None = None,
) -> ReleaseNotes:
    """Let GitHub write the notes of a release; nothing is saved.

    See https://docs.github.com/en/rest/releases/releases#generate-release-notes-content-for-a-release.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        tag: The release's, also one that is not there yet.
        target: The branch or commit that a new tag would be made from.
        previous_tag: Since when; by default since the release before.
        configuration_file: The path of a file in the repository that sorts the notes; by default
            ``.github/release.yml``.

    Returns:
        The notes.

    Raises:
        GitHubNotFound: There is no such repository.
        GitHubInvalid: There is no such tag or target.
        GitHubError: They were not written.

    Examples:
        >>> notes = generate_release_notes(credentials, repository, "v1.0.0")
        >>> notes.body.splitlines()[0]
        '##Changes in Release v1.0.0 ... ##Contributors @monalisa'
    """
    # Safe: it changes nothing.
    return Request(credentials, f"POST {_RELEASES}/generate-notes", repository, safe=True).one(
        ReleaseNotes.of,
        body={
            "tag_name": tag,
            "target_commitish": target,
            "previous_tag_name": previous_tag,
            "configuration_file_path": configuration_file,
        },
    )


def drafts_of(credentials: GitHubCredentials, repository: str, tag: str) -> list[Release]:
    """Return the drafts of a tag; GitHub gives no release by tag that is one."""

    def wanted(found: Mapping[str, Any]) -> Release | None:
        return Release.of(found) if found["draft"] and found["tag_name"] == tag else None

    return Request(credentials, f"GET {_RELEASES}", repository).many(wanted, None)


def _is_as_wanted(there: Release, wanted: Mapping[str, Any]) -> bool:
    """Tell whether a release is what was asked for, as far as GitHub shows it as it came."""
    if (there.draft, there.prerelease) != (wanted["draft"], wanted["prerelease"]):
        return False
    if wanted["target_commitish"] not in (None, there.target):
        return False
    written = wanted["generate_release_notes"]
    name, body = wanted["name"] or "", _lines(wanted["body"])
    named = there.name == name.strip() or (not name and (written or there.name == there.tag))
    there_body = _lines(there.body)
    return named and (there_body[: len(body)] if written else there_body) == body


def _lines(text: str | None) -> list[str]:
    return (text or "").strip().splitlines()
