"""What GitHub answers about gists."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from brickwork import register_type
from brickwork_github.reading import login, moment


@register_type("github.gist-file")
@dataclass(frozen=True)
class GistFile:
    """A file of a gist.

    Attributes:
        name: Its name.
        content: The text, or bytes where it is none; None in lists.
        truncated: Whether the content is only its first megabyte; `Gist.git_url` has the rest.
        size: In bytes.
        type: Its media type.
        language: What GitHub takes it for; None where it cannot tell.
        raw_url: Where the file is, as it is.
    """

    name: str
    content: str | bytes | None
    truncated: bool
    size: int
    type: str
    language: str | None
    raw_url: str

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        content = found.get("content")
        if content is not None and found.get("encoding") == "base64":
            content = base64.b64decode(content)
        return cls(
            name=found["filename"],
            content=content,
            truncated=bool(found.get("truncated")),
            size=found["size"],
            type=found["type"],
            language=found.get("language"),
            raw_url=found["raw_url"],
        )


@register_type("github.gist")
@dataclass(frozen=True)
class Gist:
    """A gist: some files, with a page of their own.

    Attributes:
        id: Its id.
        description: What it says of itself.
        public: Whether it is listed; one that is not is seen by all who know its URL.
        owner: Whose it is.
        files: Its files, by name.
        truncated: Whether it has more files: GitHub gives 300.
        comments: How many there are.
        url: Its page.
        git_url: Where git finds it.
        created_at: When it was created.
        updated_at: When it was changed for the last time.
    """

    id: str
    description: str
    public: bool
    owner: str
    files: Mapping[str, GistFile]
    truncated: bool
    comments: int
    url: str
    git_url: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(
            id=found["id"],
            description=found.get("description") or "",
            public=found["public"],
            owner=login(found.get("owner")),
            files={name: GistFile.of(each) for name, each in found["files"].items()},
            truncated=bool(found.get("truncated")),
            comments=found["comments"],
            url=found["html_url"],
            git_url=found["git_pull_url"],
            created_at=moment(found["created_at"]),
            updated_at=moment(found["updated_at"]),
        )
