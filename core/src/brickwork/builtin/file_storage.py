"""Files below a folder as a storage: ``file:///absolute/path`` or ``file:relative/path``."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Self

from brickwork.errors import InvalidKey, StorageError
from brickwork.storage import ObjectInfo, Storage, check_key, check_prefix
from brickwork.storage.confined import (
    MAX_PART_BYTES,
    TEMPORARY,
    atomic_file,
    delete_file,
    list_files,
    open_file,
    stat_file,
)


class FileStorage(Storage):
    """Keeps each object as a file of the same name below a folder, and never leaves the folder.

    Every part of a path is opened without following symbolic links, so a link below the folder is
    refused, also one that is put there at the worst moment. (The folder itself may be reached
    through links.) A file is written beside its place under a hidden name and then renamed, with
    the rights that the umask leaves. What a killed writer left is never listed, and is swept by a
    listing when it is a day old.

    Two limits come from the file system: ``a`` and ``a/b`` cannot both be objects, and a part of a
    key has at most 255 bytes. Deleting the last file of a folder removes the folder.

    Args:
        root: The folder; made by the first write. A relative one counts from the current folder.
        durable: Sync each write to the disk, so that it survives a loss of power. It survives the
            death of the process in any case.
    """

    __slots__ = ("_root", "durable")

    def __init__(self, root: str | Path, *, durable: bool = False) -> None:
        self._root = os.path.abspath(root)  # noqa: PTH100  # must not resolve links
        self.durable = durable

    @property
    def root(self) -> Path:
        """The folder, as an absolute path."""
        return Path(self._root)

    @classmethod
    def from_url(cls, url: str, block: object | None = None) -> Self:
        """Open a folder by URL; ``?durable=true`` sets that option.

        Raises:
            StorageError: The URL names a host, has another option, or comes with a block.
        """
        from urllib.parse import parse_qsl, unquote_to_bytes, urlsplit

        scheme, netloc, path, query, fragment = urlsplit(url)
        folder = os.fsdecode(unquote_to_bytes(path))
        options = dict(parse_qsl(query, keep_blank_values=True))
        durable = options.pop("durable", "false")
        fault = (
            (scheme != "file" and "its scheme is not file")
            or (netloc not in ("", "localhost") and f"it names a host, {netloc!r}")
            or (fragment and "it has a # (write %23 for one in the path)")
            or (options and f"it has an unknown option, {next(iter(options))!r}")
            or (durable not in ("true", "false") and "durable must be true or false")
            or ((not folder or "\0" in folder) and "it names no folder")
            or (block is not None and "files need no block")
        )
        if fault:
            raise StorageError(
                f"Cannot open {url!r} as a folder: {fault}.",
                fix="Write file:///absolute/folder or file:relative/folder.",
            )
        return cls(folder, durable=durable == "true")

    @property
    def url(self) -> str:
        """``file://`` and the absolute path, percent-encoded."""
        from urllib.parse import quote

        return f"file://{quote(os.fsencode(self._root))}{'?durable=true' if self.durable else ''}"

    def open_read(self, key: str) -> BinaryIO:
        """Open a file for reading; it can seek."""
        return open_file(self._root, self._check(key))

    def open_write(self, key: str, *, if_absent: bool = False) -> AbstractContextManager[BinaryIO]:
        """Open a file for writing that appears when the block ends."""
        return atomic_file(self._root, self._check(key), if_absent=if_absent, durable=self.durable)

    def delete(self, key: str) -> None:
        """Delete a file, and the folders that are empty then."""
        delete_file(self._root, self._check(key))

    def stat(self, key: str) -> ObjectInfo:
        """Return size, time and etag of a file; the etag is made of its inode, time and size."""
        found = stat_file(self._root, self._check(key))
        etag = f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"
        return ObjectInfo(key, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC), etag)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Yield the paths of the regular files, one folder at a time."""
        return list_files(self._root, check_prefix(prefix))

    def __repr__(self) -> str:
        return f"FileStorage({self._root!r}{', durable=True' if self.durable else ''})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FileStorage) and self.url == other.url

    def __hash__(self) -> int:
        return hash(self.url)

    def _check(self, key: str) -> str:
        for part in check_key(key).split("/"):
            if part.startswith(TEMPORARY):
                raise InvalidKey(
                    f"{key!r} has a part that begins with {TEMPORARY}, as files do that are being"
                    " written.",
                    fix="Use another name.",
                )
            if len(part) * 4 > MAX_PART_BYTES and len(part.encode()) > MAX_PART_BYTES:
                raise InvalidKey(
                    f"{key!r:.200} has a part of more than {MAX_PART_BYTES} bytes, which no file"
                    " system takes as a name.",
                    fix="Shorten it, or split it with /.",
                )
        return key
