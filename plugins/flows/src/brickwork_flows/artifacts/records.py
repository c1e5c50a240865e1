"""What an artifact is: before it is kept, and as it is kept."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from brickwork_flows.errors import ArtifactNotFound, InvalidArtifact

if TYPE_CHECKING:
    from brickwork import LocalStorage

MAX_BYTES = 16 * 1024 * 1024
"""The most that the content of an artifact may have: as UTF-8, as JSON, or as an image."""

MAX_KEY = 255

OUTSIDE = "outside"
"""What ids begin with instead of a run, where there was none."""

_KEY = re.compile(r"[a-z0-9-]+")


class Draft(NamedTuple):
    """An artifact that is to be kept.

    Attributes:
        id: Its id: the run of the flow that it belongs to, a slash, and which one it is there.
        type: ``markdown``, ``table``, ``link``, ``image`` or ``progress``.
        key: The key that it is a version of; None for one that is only its run's.
        description: What it is.
        run: The id of the run that made it; None outside of one.
        made: When, in seconds since 1970.
        data: Its content, as JSON has it.
        image: The bytes of an image.
    """

    id: str
    type: str
    key: str | None
    description: str
    run: str | None
    made: float
    data: Any
    image: bytes | None = None


class ProgressShown(NamedTuple):
    """An artifact shows a progress; told to who looks on, and not recorded.

    Attributes:
        id: The artifact's id.
        run: The id of the run that made it; empty where it was made before.
        progress: How much is done, from 0 to 100.
        label: What it is; None: as before.
    """

    id: str
    run: str
    progress: float
    label: str | None


class Table(NamedTuple):
    """A table, as `Artifact.read` gives it back.

    Attributes:
        columns: The names of the columns.
        rows: The cells: what JSON has.
    """

    columns: list[str]
    rows: list[list[Any]]

    def records(self) -> list[dict[str, Any]]:
        """Return a dict for each row; of columns with the same name, the last one counts."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Artifact:
    """An artifact that is kept.

    Attributes:
        id: Its id, as `update_progress_artifact` and ``brickwork artifact show`` take it.
        type: ``markdown``, ``table``, ``link``, ``image`` or ``progress``.
        key: The key that it is a version of; None for one that is only its run's.
        version: Which version of the key it is, from 1; None without a key.
        description: What it is.
        run: The id of the task's or flow's run that made it; None outside of one.
        made: When it was made, in seconds since 1970.
        updated: When it was changed last; only those of progress ever are.
        size: How many bytes its content has.
    """

    id: str
    type: str
    key: str | None
    version: int | None
    description: str
    run: str | None
    made: float
    updated: float
    size: int
    _data: Any = field(repr=False)
    _folder: Path | None = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """``key@version``, or the id of one without a key."""
        return self.id if self.key is None else f"{self.key}@{self.version}"

    def read(self) -> Any:
        """Return the content, secrets hidden.

        Returns:
            For Markdown its text; for a table a `Table`; for a link a dict with ``link`` and
            ``link_text``; for an image its bytes, or a dict with ``image_url`` where only that was
            given; for progress a number from 0 to 100.

        Raises:
            ArtifactNotFound: Its content was removed.
            StorageError: It cannot be read.
        """
        data = self._data
        if self._folder is not None:
            content = self._content(self._folder)
            data = content if self.type == "image" else json.loads(content)
        return Table(**data) if self.type == "table" else data

    def _content(self, folder: Path) -> bytes:
        from brickwork import KeyNotFound

        try:
            return files_in(folder).read(self.id)
        except KeyNotFound:
            raise ArtifactNotFound(
                f"The content of the artifact {self.name} is gone: {folder}/{self.id}.",
                fix="Remove it: brickwork artifact rm.",
            ) from None

    @property
    def in_file(self) -> bool:
        """Whether the content is in a file, and not in the history."""
        return self._folder is not None

    @property
    def media_type(self) -> str:
        """Of an image that is kept, what it is: ``image/png``; else empty."""
        return str(self._data["media_type"]) if self.type == "image" and self.in_file else ""

    def facts(self) -> dict[str, Any]:
        """Return all but the content, as JSON has it."""
        from datetime import UTC, datetime

        def when(seconds: float) -> str:
            return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")

        return {
            "id": self.id,
            "type": self.type,
            "key": self.key,
            "version": self.version,
            "description": self.description,
            "run": self.run,
            "made": when(self.made),
            "updated": when(self.updated),
            "size": self.size,
            "media_type": self.media_type,
        }


def artifact_of(artifact_id: str, record: Mapping[str, Any], at: float, folder: Path) -> Artifact:
    """Return an artifact as its entry in the history has it.

    Args:
        artifact_id: Its id, which is the key of the entry.
        record: The value of the entry.
        at: When the entry was changed last.
        folder: The folder of the contents that are too large for the history.
    """
    return Artifact(
        artifact_id,
        record["type"],
        record["key"],
        record["version"],
        record["description"],
        record["run"],
        record["made"],
        at,
        record["size"],
        record["data"],
        folder if record["file"] else None,
    )


def files_in(folder: Path, *, durable: bool = False) -> "LocalStorage":
    """Return the storage of contents that are too large for the history."""
    from brickwork import LocalStorage

    return LocalStorage(root=folder, durable=durable)


def check_key(key: str | None) -> None:
    """Refuse what cannot be a key. Raises InvalidArtifact."""
    if key is None or (_KEY.fullmatch(str(key)) and len(key) <= MAX_KEY):
        return
    raise InvalidArtifact(
        f"The key {str(key)[:80]!r} of an artifact may only have lower-case letters (a-z), digits"
        f" and dashes, and has to have 1 to {MAX_KEY} of them.",
        fix="Choose another key, such as 'daily-report'.",
    )


def check_size(size: int) -> None:
    """Refuse what is too large. Raises InvalidArtifact."""
    if size > MAX_BYTES:
        raise InvalidArtifact(
            f"The content of the artifact has {size:,} bytes, and may have {MAX_BYTES:,}.",
            fix="Write it to a storage, and make a link to it.",
        )
