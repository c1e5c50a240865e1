"""What GitHub finds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Self, TypeVar

from brickwork import register_type
from brickwork_github.reading import moment

T = TypeVar("T")


@register_type("github.search-results")
@dataclass(frozen=True)
class SearchResults(Generic[T]):
    """What a search found; iterate over it, or count it.

    Attributes:
        items: What was found, the best match first unless it was sorted.
        total: How many there are, as GitHub counts, also beyond the thousand that it gives.
        incomplete: Whether GitHub stopped before it had looked everywhere, since that took too
            long: there may be more.
    """

    items: tuple[T, ...]
    total: int
    incomplete: bool

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@register_type("github.found-code")
@dataclass(frozen=True)
class FoundCode:
    """A file in which something was found.

    Attributes:
        repository: ``owner/name``.
        path: Its path there.
        sha: The id of its content.
        url: Its page.
        fragments: The pieces of it in which it was found.
    """

    repository: str
    path: str
    sha: str
    url: str
    fragments: tuple[str, ...]

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        return cls(
            repository=found["repository"]["full_name"],
            path=found["path"],
            sha=found["sha"],
            url=found["html_url"],
            fragments=tuple(each["fragment"] for each in found.get("text_matches") or ()),
        )


@register_type("github.found-commit")
@dataclass(frozen=True)
class FoundCommit:
    """A commit that was found.

    Attributes:
        repository: ``owner/name``.
        sha: Its id.
        message: Its message, whole.
        author: The name of its author, as git has it.
        author_login: The author's account; None where GitHub knows none.
        authored_at: When it was written.
        committed_at: When it was committed.
        url: Its page.
    """

    repository: str
    sha: str
    message: str
    author: str
    author_login: str | None
    authored_at: datetime
    committed_at: datetime
    url: str

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read it from GitHub's answer."""
        commit = found["commit"]
        return cls(
            repository=found["repository"]["full_name"],
            sha=found["sha"],
            message=commit["message"],
            author=commit["author"]["name"],
            author_login=(found.get("author") or {}).get("login"),
            authored_at=moment(commit["author"]["date"]),
            committed_at=moment(commit["committer"]["date"]),
            url=found["html_url"],
        )
