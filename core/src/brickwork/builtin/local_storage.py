"""A folder of this machine as a block: ``local-storage``."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, ClassVar

from pydantic import Field, field_validator

from brickwork.block import Block, CheckReport, Finding
from brickwork.builtin.file_storage import FileStorage
from brickwork.storage import ObjectInfo, Storage


class LocalStorage(Block, Storage):
    """A folder of the machine that the block is used on, as a storage.

    Examples:
        >>> from brickwork import LocalStorage
        >>> LocalStorage(root="~/reports", durable=True).save("reports")
        Document('local-storage/reports@1')
        >>> reports = LocalStorage.load("reports")
        >>> reports.write("2026-11/total.csv", b"day,total")
        >>> list(reports.keys("2026-11/"))
        ['2026-11/total.csv']
    """

    slug: ClassVar[str] = "local-storage"

    root: Path = Field(description="The folder: an absolute path, or one that begins with ~.")
    durable: bool = Field(
        default=False, description="Sync each write, so that it survives a loss of power."
    )

    @field_validator("root")
    @classmethod
    def _is_absolute(cls, root: Path) -> Path:
        # A relative one would mean another folder wherever the block is loaded.
        if not root.is_absolute() and root.parts[:1] != ("~",):
            raise ValueError("must be absolute, or begin with ~/")
        return root

    @property
    def files(self) -> FileStorage:
        """The storage itself, with ``~`` replaced by the home of whoever uses it."""
        return FileStorage(self.root.expanduser(), durable=self.durable)

    @property
    def url(self) -> str:
        """``file://`` and the absolute path; opens a `FileStorage`."""
        return self.files.url

    def open_read(self, key: str) -> BinaryIO:
        """Open a file for reading; it can seek."""
        return self.files.open_read(key)

    def open_write(self, key: str, *, if_absent: bool = False) -> AbstractContextManager[BinaryIO]:
        """Open a file for writing that appears when the block ends."""
        return self.files.open_write(key, if_absent=if_absent)

    def delete(self, key: str) -> None:
        """Delete a file, and the folders that are empty then."""
        self.files.delete(key)

    def stat(self, key: str) -> ObjectInfo:
        """Return size, time and etag of a file."""
        return self.files.stat(key)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Yield the paths of the regular files, one folder at a time."""
        return self.files.keys(prefix)

    def check(self) -> CheckReport:
        """Look whether the folder is there, or can be made, and can be written."""
        root = self.files.root
        nearest = next(folder for folder in (root, *root.parents) if os.path.lexists(folder))
        if not nearest.is_dir():
            return CheckReport(
                (Finding("failed", "folder", f"{nearest} is not a folder.", "Name another one."),)
            )
        if not os.access(nearest, os.R_OK | os.W_OK | os.X_OK):
            return CheckReport(
                (
                    Finding(
                        "failed",
                        "folder",
                        f"This user may not write in {nearest}.",
                        "Give this user the right, or name another folder.",
                    ),
                )
            )
        if nearest != root:
            detail = f"{root} is missing; the first write makes it."
            return CheckReport((Finding("warning", "folder", detail),))
        return CheckReport((Finding("ok", "folder", f"{root} can be written."),))
