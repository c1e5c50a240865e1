"""What GitHub answers about releases."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from brickwork import register_type
from brickwork_github.reading import login, moment, moment_or_none, repository_in


@register_type("github.release-asset")
@dataclass(frozen=True)
class ReleaseAsset:
    """A file of a release.

    Attributes:
        id: Its id.
        name: Its name: letters, digits, and ``.-_+@``.
        label: What the page shows instead of the name; empty: the name.
        state: ``uploaded``; or ``starter`` of one whose upload broke off, which nobody can fetch.
        content_type: Its media type.
        size: In bytes.
        digest: ``sha256:`` and 64 digits; empty where GitHub has none, as of old ones.
        downloads: How often it was fetched.
        url: Where people fetch it.
        created_at: When it was uploaded.
    """

    id: int
    name: str
    label: str
    state: str
    content_type: str
    size: int
    digest: str
    downloads: int
    url: str
    created_at: datetime

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(
            id=found["id"],
            name=found["name"],
            label=found.get("label") or "",
            state=found["state"],
            content_type=found["content_type"],
            size=found["size"],
            digest=found.get("digest") or "",
            downloads=found["download_count"],
            url=found["browser_download_url"],
            created_at=moment(found["created_at"]),
        )


@register_type("github.release")
@dataclass(frozen=True)
class Release:
    """A release of a repository.

    Attributes:
        repository: ``owner/name``.
        id: Its id.
        tag: Its tag, which a draft does not make yet.
        target: The branch or the commit that the tag is, or will be, made from.
        name: The title; empty: the tag is shown.
        body: The text, in Markdown.
        draft: Whether it is not published.
        prerelease: Whether it is marked as not ready.
        immutable: Whether its tag and its assets cannot be changed any more.
        author: Who made it.
        url: Its page.
        upload_url: Where its assets are sent to.
        assets: Its files.
        created_at: When the commit was made that it is of.
        published_at: When it was published; None of a draft.
    """

    repository: str
    id: int
    tag: str
    target: str
    name: str
    body: str
    draft: bool
    prerelease: bool
    immutable: bool
    author: str
    url: str
    upload_url: str
    assets: tuple[ReleaseAsset, ...]
    created_at: datetime
    published_at: datetime | None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(
            repository=repository_in(found["url"]),
            id=found["id"],
            tag=found["tag_name"],
            target=found["target_commitish"],
            name=found.get("name") or "",
            body=found.get("body") or "",
            draft=found["draft"],
            prerelease=found["prerelease"],
            immutable=bool(found.get("immutable")),
            author=login(found.get("author")),
            url=found["html_url"],
            upload_url=found["upload_url"],
            assets=tuple(map(ReleaseAsset.of, found["assets"])),
            created_at=moment(found["created_at"]),
            published_at=moment_or_none(found.get("published_at")),
        )


@register_type("github.release-notes")
@dataclass(frozen=True)
class ReleaseNotes:
    """Notes that GitHub wrote of what was merged since the release before.

    Attributes:
        name: A title.
        body: The text, in Markdown.
    """

    name: str
    body: str

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(found["name"], found["body"])
