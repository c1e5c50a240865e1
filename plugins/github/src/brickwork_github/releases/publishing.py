"""A prebuilt task that makes a whole release, with its assets."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from brickwork import InvalidArguments
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.errors import GitHubConflict, GitHubNotFound
from brickwork_github.releases.assets import upload_release_asset
from brickwork_github.releases.models import Release
from brickwork_github.releases.sending import asset_name, opened
from brickwork_github.releases.tasks import (
    create_release,
    drafts_of,
    get_release_by_tag,
    update_release,
)
from brickwork_github.tasks import retried_task


@retried_task("contents:write")
def publish_release(
    credentials: GitHubCredentials,
    repository: str,
    tag: str,
    assets: Sequence[Path],
    *,
    name: str | None = None,
    body: str | None = None,
    target: str | None = None,
    prerelease: bool = False,
    make_latest: Literal["true", "false", "legacy"] | None = None,
    generate_notes: bool = False,
) -> Release:
    """Publish a release with assets; nobody sees it before all of them are there.

    A draft is made, the assets are uploaded to it, and then it is published. Called again after a
    failure, it goes on with the draft of this tag; what is published already, with these assets,
    is returned as it is. See https://docs.github.com/en/rest/releases/releases#create-a-release.

    Args:
        credentials: Whose; as of `create_release`.
        repository: ``owner/name``.
        tag: The tag.
        assets: The paths of files; each must have a name of its own.
        name: The title.
        body: The text, in Markdown.
        target: The branch or commit to make the tag from, where there is none; by default the
            default branch.
        prerelease: Mark it as not ready.
        make_latest: Whether it becomes the latest one; ``legacy``: by date and version.
        generate_notes: Let GitHub write a title, where there is none, and notes below the text.

    Returns:
        The release.

    Raises:
        GitHubConflict: A release of this tag is published, with other assets; or there are
            several drafts of it.
        GitHubInvalid: There is no such target.
        InvalidArguments: A file cannot be read or is empty, or two have the same name.
        GitHubError: It was not published; the draft stays.

    Examples:
        >>> publish_release(credentials, repository, "v1.0.0", []).draft
        False
    """
    files = [Path(each) for each in assets]
    _check_files(files)
    published = _published(credentials, repository, tag)
    if published is not None:
        _check_published(published, files)
        return published
    drafts = drafts_of(credentials, repository, tag)
    if len(drafts) > 1:
        raise GitHubConflict(
            f"{repository} has {len(drafts)} drafts of {tag}.",
            fix="Delete all but one by delete_release, or all.",
        )
    draft = (
        drafts[0]
        if drafts
        else create_release.fn(
            credentials,
            repository,
            tag,
            name=name,
            body=body,
            target=target,
            draft=True,
            prerelease=prerelease,
            generate_notes=generate_notes,
        )
    )
    for each in files:
        upload_release_asset.fn(credentials, repository, draft.id, each, replace=True)
    return update_release.fn(
        credentials,
        repository,
        draft.id,
        name=name,
        body=None if generate_notes else body,
        target=target,
        draft=False,
        prerelease=prerelease,
        make_latest=make_latest,
    )


def _published(credentials: GitHubCredentials, repository: str, tag: str) -> Release | None:
    try:
        return get_release_by_tag.fn(credentials, repository, tag)
    except GitHubNotFound:
        return None


def _check_files(files: Sequence[Path]) -> None:
    """Find out before anything is made what will not do."""
    if len({asset_name(each.name) for each in files}) < len(files):
        raise InvalidArguments(
            "Several assets have the same name, or one that is the same to GitHub.",
            fix="Rename the files.",
        )
    for each in files:
        with opened(each):
            pass


def _check_published(release: Release, files: Sequence[Path]) -> None:
    there = {asset.name: asset.digest for asset in release.assets}
    for each in files:
        with opened(each) as file:
            if there.get(asset_name(each.name)) == file.digest_of_all():
                continue
        raise GitHubConflict(
            f"The release {release.tag} of {release.repository} is published, and {each.name} is"
            " not among its assets, or has another content.",
            fix=f"Use another tag, or upload_release_asset: {release.url}",
        )
