"""Prebuilt tasks on the files of releases: https://docs.github.com/en/rest/releases/assets."""

from pathlib import Path

from brickwork import InvalidArguments, check_cancelled
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.downloading import check_digest, download, new_file
from brickwork_github.errors import (
    GitHubConflict,
    GitHubInvalid,
    GitHubNotFound,
    GitHubUnavailable,
)
from brickwork_github.releases.models import Release, ReleaseAsset
from brickwork_github.releases.sending import Watched, asset_name, content_type_of, opened
from brickwork_github.releases.tasks import RELEASE, get_release
from brickwork_github.requests import Request
from brickwork_github.tasks import retried_task

_ASSET = "/repos/{owner}/{repo}/releases/assets/{asset_id}"
_UPLOADED = "uploaded"


@retried_task("contents:write")
def upload_release_asset(
    credentials: GitHubCredentials,
    repository: str,
    release_id: int,
    content: Path | bytes,
    *,
    name: str | None = None,
    label: str | None = None,
    content_type: str | None = None,
    replace: bool = False,
) -> ReleaseAsset:
    """Upload a file to a release, piece by piece, up to 2 GiB.

    What is there with the same name and content already, as after an answer that was lost, is
    found and not sent again; what an upload left that broke off is removed, and sent again. See
    https://docs.github.com/en/rest/releases/assets#upload-a-release-asset.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        release_id: The release's id.
        content: The path of a file; or bytes, which need a name.
        name: Its name there; by default the file's. Characters that GitHub would replace become
            points.
        label: What the page shows instead of the name; by default the whole name, where
            characters of it were replaced.
        content_type: The media type; by default what the name says.
        replace: Whether another asset of this name is deleted first; meanwhile there is none.

    Returns:
        The asset.

    Raises:
        GitHubConflict: There is another asset of this name.
        GitHubNotFound: There is no such release.
        GitHubInvalid: GitHub does not take it, as in a release that is immutable.
        GitHubUnavailable: It did not arrive whole, also when sent again.
        InvalidArguments: The file cannot be read, is empty, or has no name.
        GitHubError: It was not uploaded.

    Examples:
        >>> asset = upload_release_asset(credentials, repository, 1, b"...", name="example.zip")
        >>> asset.name, asset.state, asset.content_type
        ('example.zip', 'uploaded', 'application/zip')
    """
    name = name or ("" if isinstance(content, bytes) else Path(content).name)
    if not name:
        raise InvalidArguments("The asset has no name.", fix="Give name=, for bytes have none.")
    kept = asset_name(name)
    label = name if label is None and kept != name else label
    with opened(content) as file:
        release = get_release.fn(credentials, repository, release_id)
        there = _asset_of(credentials, release, kept)
        if there is not None and there.state == _UPLOADED and not _is_same(there, file):
            if not replace:
                raise _taken(release, there)
        elif there is not None and there.state == _UPLOADED:
            return _labelled(credentials, release, there, label)
        if there is not None:
            delete_release_asset.fn(credentials, release.repository, there.id)
        kind = content_type or content_type_of(name)
        return _sent(credentials, release, file, kind, {"name": kept, "label": label})


@retried_task("contents:read")
def list_release_assets(
    credentials: GitHubCredentials, repository: str, release_id: int, *, limit: int | None = None
) -> list[ReleaseAsset]:
    """List the assets of a release.

    See https://docs.github.com/en/rest/releases/assets#list-release-assets.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        release_id: The release's id.
        limit: At most so many; None: all.

    Returns:
        The assets; see `ReleaseAsset.state`.

    Raises:
        GitHubNotFound: There is no such release.
        GitHubError: They cannot be read.

    Examples:
        >>> for asset in list_release_assets(credentials, repository, 1):
        ...     print(asset.name, asset.size, asset.downloads)
        example.zip 1024 42
    """
    asked = Request(credentials, f"GET {RELEASE}/assets", repository, release_id=release_id)
    return asked.many(ReleaseAsset.of, limit)


@retried_task("contents:read")
def download_release_asset(
    credentials: GitHubCredentials, repository: str, asset_id: int, path: Path
) -> Path:
    """Download an asset to a file, piece by piece.

    What comes is compared with the digest that GitHub has of it, if it has one. See
    https://docs.github.com/en/rest/releases/assets#get-a-release-asset.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        asset_id: The asset's id, as `Release.assets` has it.
        path: Where to; what is there is replaced once the asset is whole.

    Returns:
        The file.

    Raises:
        GitHubNotFound: There is none, or its upload broke off.
        GitHubUnavailable: What came is not what GitHub has, also when asked again.
        InvalidArguments: The file cannot be written.
        GitHubError: It cannot be read.

    Examples:
        >>> download_release_asset(credentials, repository, 1, "example.zip").stat().st_size
        1024
    """
    target = Path(path)
    found = Request(credentials, f"GET {_ASSET}", repository, asset_id=asset_id).one(
        ReleaseAsset.of
    )
    if found.state != _UPLOADED:
        raise GitHubNotFound(
            f"The asset {found.name!r} ({found.id}) of {repository} is not whole: its upload"
            " broke off, or is still under way.",
            fix="Upload it again by upload_release_asset.",
        )
    asked = Request(
        credentials,
        f"GET {_ASSET}",
        repository,
        accept="application/octet-stream",
        asset_id=asset_id,
    )
    with new_file(target) as file:
        check_digest(asked, download(asked, file), found.digest)
    return target


@retried_task("contents:write")
def delete_release_asset(credentials: GitHubCredentials, repository: str, asset_id: int) -> None:
    """Delete an asset of a release.

    See https://docs.github.com/en/rest/releases/assets#delete-a-release-asset.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        asset_id: The asset's id.

    Raises:
        GitHubNotFound: There is none.
        GitHubError: It was not deleted.

    Examples:
        >>> delete_release_asset(credentials, repository, 1)
    """
    Request(credentials, f"DELETE {_ASSET}", repository, asset_id=asset_id).send()


def _asset_of(credentials: GitHubCredentials, release: Release, name: str) -> ReleaseAsset | None:
    """Return the asset of a name; also one that an upload left which broke off."""
    found = list_release_assets.fn(credentials, release.repository, release.id)
    return next((each for each in found if each.name == name), None)


def _is_same(there: ReleaseAsset, file: Watched) -> bool:
    return there.size == file.size and there.digest == file.digest_of_all()


def _taken(release: Release, there: ReleaseAsset) -> GitHubConflict:
    return GitHubConflict(
        f"The release {release.tag} of {release.repository} has another asset {there.name!r}.",
        fix="Use another name, or replace=True.",
    )


def _labelled(
    credentials: GitHubCredentials, release: Release, there: ReleaseAsset, label: str | None
) -> ReleaseAsset:
    if label is None or there.label == label:
        return there
    asked = Request(
        credentials, f"PATCH {_ASSET}", release.repository, safe=True, asset_id=there.id
    )
    return asked.one(ReleaseAsset.of, body={"label": label})


def _sent(
    credentials: GitHubCredentials,
    release: Release,
    file: Watched,
    content_type: str,
    query: dict[str, str | None],
) -> ReleaseAsset:
    # Under the name that the release has for its repository, which may have been renamed.
    route, where = f"POST {RELEASE}/assets", release.repository
    asked = Request(credentials, route, where, release_id=release.id)
    try:
        made = asked.upload(ReleaseAsset.of, file, content_type, to=release.upload_url, query=query)
    except GitHubUnavailable:
        check_cancelled()  # which may be why it broke off
        raise
    except GitHubInvalid as refused:
        if "name: already_exists" not in refused.fields:
            raise
        raise GitHubUnavailable(
            f"{asked.name}: an asset of this name was made at the same moment.",
            fix="Look who else uploads to this release.",
        ) from None
    if made.digest and made.digest != file.digest:
        delete_release_asset.fn(credentials, where, made.id)
        raise GitHubUnavailable(
            f"{asked.name}: what arrived has the digest {made.digest}, and {file.digest} was sent.",
            fix="Upload it again.",
        )
    return made
