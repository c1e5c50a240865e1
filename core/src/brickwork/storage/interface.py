"""The abstract class that storages implement."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

from brickwork.errors import KeyNotFound, StorageError

ProgressCallback = Callable[[int, int | None, str], object]
"""Called with what is done, the total (None if unknown) and a text that says what was done last.

``brickwork.progress`` is one. It may raise: that stops the transfer.
"""


class ObjectInfo(NamedTuple):
    """What a storage knows about one object."""

    key: str
    size: int
    """In bytes."""
    modified: datetime
    """When it was last written, with a time zone."""
    etag: str
    """Text that changes whenever the object is written anew; not a hash that can be relied on."""


class Storage(ABC):
    """Bytes by key.

    A key is a relative POSIX path (see `check_key`) and cannot lead out of the storage. There are
    no folders: a key such as ``a/b.txt`` needs none, and an empty one does not exist.

    A subclass writes six: `open_read`, `open_write`, `delete`, `stat`, `keys` and `url`; the rest
    is built on them. It also writes `from_url` if a URL scheme is to open it, and overrides what
    its service does better: `read` and `write` where one request is enough, `copy_to` where the
    service copies, `_read_into` and `_write_from` where many connections are faster.

    This class has no state, no ``__init__`` and no name that pydantic uses, so that a block can be
    a storage: ``class S3Bucket(Block, Storage)``. Methods may be called from many threads.
    """

    __slots__ = ()

    @classmethod
    def from_url(cls, url: str, block: object | None = None) -> Self:  # noqa: ARG003  # for others
        """Open the storage that a URL names.

        Args:
            url: The whole URL, with its scheme, without ``?block=``.
            block: The block that ``?block=slug/name`` named, loaded; its credentials, as a rule.

        Raises:
            StorageError: The URL or the block is not one that this storage can use.
        """
        raise StorageError(
            f"{cls.__name__} cannot be opened by a URL, such as {url!r}.",
            fix=f"Make one with {cls.__name__}(...).",
        )

    @property
    @abstractmethod
    def url(self) -> str:
        """The URL of the storage, without any secret; `from_url` opens the same storage by it."""

    @abstractmethod
    def open_read(self, key: str) -> BinaryIO:
        """Open an object for reading, in constant memory; a context manager, closed by its reader.

        It need not be able to seek. What it reads is one version: a write meanwhile does not show.

        Raises:
            KeyNotFound: No object has this key.
            InvalidKey: It is no key.
        """

    @abstractmethod
    def open_write(self, key: str, *, if_absent: bool = False) -> AbstractContextManager[BinaryIO]:
        """Open an object for writing, in constant memory.

        The object appears, whole, when the ``with`` block ends. If an exception leaves the block,
        or the process dies, the old value stays and nothing half-written is ever seen.

        Args:
            key: Where to write.
            if_absent: Refuse to overwrite; of many writers at once exactly one succeeds.

        Raises:
            KeyExists: With ``if_absent``, at the latest when the block ends.
            InvalidKey: It is no key.
        """

    @abstractmethod
    def delete(self, key: str) -> None:
        """Delete an object; one that does not exist is fine.

        Raises:
            InvalidKey: It is no key.
        """

    @abstractmethod
    def stat(self, key: str) -> ObjectInfo:
        """Return size, time and etag of an object.

        Raises:
            KeyNotFound: No object has this key.
            InvalidKey: It is no key.
        """

    @abstractmethod
    def keys(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys that begin with a text, lazily, sorted by code point.

        The prefix is text, as in S3: ``"a"`` finds ``a``, ``ab`` and ``a/b``; ``"a/"`` only
        ``a/b``. Objects that somebody else put there under names that are no keys are left out.

        Raises:
            InvalidKey: No key can begin with the prefix.
        """

    def read(self, key: str) -> bytes:
        """Return an object's bytes.

        Raises:
            KeyNotFound: No object has this key.
            InvalidKey: It is no key.
        """
        with self.open_read(key) as file:
            return file.read()

    def write(
        self, key: str, data: bytes | bytearray | memoryview, *, if_absent: bool = False
    ) -> None:
        """Write an object, atomically: readers see the old value or the new one, never a part.

        Args:
            key: Where to write.
            data: The whole value.
            if_absent: Refuse to overwrite; of many writers at once exactly one succeeds.

        Raises:
            KeyExists: With ``if_absent``, if there is an object already.
            InvalidKey: It is no key.
        """
        with self.open_write(key, if_absent=if_absent) as file:
            file.write(data)

    def exists(self, key: str) -> bool:
        """Tell whether there is an object with this key.

        Raises:
            InvalidKey: It is no key.
        """
        try:
            self.stat(key)
        except KeyNotFound:
            return False
        return True

    def copy_to(self, key: str, target: "Storage", target_key: str | None = None) -> None:
        """Copy an object to another storage, or within this one, in constant memory.

        Args:
            key: The object to copy.
            target: Where to; may be this storage.
            target_key: The key there; the same one by default.

        Raises:
            KeyNotFound: No object has this key.
            InvalidKey: One of the two is no key.
        """
        from brickwork.storage.transfer import pump

        new_key = key if target_key is None else target_key
        with self.open_read(key) as source, target.open_write(new_key) as sink:
            pump(source, sink)

    def move_to(self, key: str, target: "Storage", target_key: str | None = None) -> None:
        """Copy an object, then delete it here; moving it onto itself changes nothing.

        Not atomic: for a moment, and after a crash in it, the object is in both places.

        Args:
            key: The object to move.
            target: Where to; may be this storage.
            target_key: The key there; the same one by default.

        Raises:
            KeyNotFound: No object has this key.
            InvalidKey: One of the two is no key.
        """
        from brickwork.storage.transfer import object_url

        new_key = key if target_key is None else target_key
        if object_url(self, key) == object_url(target, new_key):
            self.stat(key)
            return
        self.copy_to(key, target, new_key)
        self.delete(key)

    def upload_file(
        self, path: str | Path, key: str, *, progress: ProgressCallback | None = None
    ) -> None:
        """Write a local file's bytes to an object, in constant memory.

        Args:
            path: The file.
            key: Where to write.
            progress: Called with bytes done and bytes in all.

        Raises:
            InvalidKey: It is no key.
            StorageError: The file cannot be read.
        """
        from brickwork.storage.transfer import upload_file

        upload_file(self, path, key, progress)

    def download_file(
        self, key: str, path: str | Path, *, progress: ProgressCallback | None = None
    ) -> None:
        """Write an object's bytes to a local file, atomically and in constant memory.

        Missing folders are made. Until all is there, the path holds what it held before. A
        symbolic link is followed: the file that it leads to is replaced.

        Args:
            key: The object to read.
            path: The file.
            progress: Called with bytes done and bytes in all.

        Raises:
            KeyNotFound: No object has this key.
            InvalidKey: It is no key.
            StorageError: The file cannot be written.
        """
        from brickwork.storage.transfer import download_file

        download_file(self, key, path, progress)

    def upload_folder(
        self,
        path: str | Path,
        prefix: str = "",
        *,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        workers: int = 16,
        progress: ProgressCallback | None = None,
    ) -> list[str]:
        """Upload all files below a folder, many at once; return their keys, sorted.

        Symbolic links and special files are left out, so nothing from outside the folder is ever
        read; empty folders leave no trace. The first failure stops what has not begun.

        Args:
            path: The folder.
            prefix: Goes before each file's path, with a ``/`` between: the folder to upload to.
            include: Globs: only files that one of them matches. ``*`` and ``?`` stop at ``/``,
                ``**`` does not. A glob without ``/`` is matched against each part of the path, one
                with ``/`` from its beginning; a match of a folder covers all that is below it.
            exclude: Globs: not these; stronger than ``include``.
            workers: How many files to upload at once.
            progress: Called in this thread, with files done and files in all.

        Raises:
            InvalidKey: A file's name cannot be a key; found before anything is uploaded.
            StorageError: The folder or a file cannot be read.
        """
        from brickwork.storage.transfer import Globs, upload_folder

        return upload_folder(self, path, prefix, Globs(include, exclude), workers, progress)

    def download_folder(
        self,
        prefix: str,
        path: str | Path,
        *,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        workers: int = 16,
        progress: ProgressCallback | None = None,
    ) -> list[Path]:
        """Download all objects below a prefix, many at once; return the files, sorted by key.

        Nothing is written outside the folder, whatever the keys are and also where the folder
        holds symbolic links: such a key is refused. Each file appears whole. The first failure
        stops what has not begun.

        Args:
            prefix: The folder to download: ``"a"`` and ``"a/"`` both mean the keys below ``a/``.
            path: The local folder; made if missing.
            include: Globs, as in `upload_folder`, on the part of the key after the prefix.
            exclude: Globs: not these; stronger than ``include``.
            workers: How many objects to download at once.
            progress: Called in this thread, with objects done and objects in all.

        Raises:
            InvalidKey: A key would lead out of the folder.
            StorageError: A file cannot be written.
        """
        from brickwork.storage.transfer import Globs, download_folder

        return download_folder(self, prefix, path, Globs(include, exclude), workers, progress)

    def _read_into(self, key: str, file: BinaryIO, advance: Callable[[int], None]) -> None:
        """Write an object's bytes into an open local file, which can seek.

        Override it where the service is faster with many connections. ``advance`` is told how many
        more bytes were done; it may be called from any thread.
        """
        from brickwork.storage.transfer import pump

        with self.open_read(key) as source:
            pump(source, file, advance)

    def _write_from(self, file: BinaryIO, key: str, advance: Callable[[int], None]) -> None:
        """Write an open local file's bytes, from its beginning, to an object; see `_read_into`."""
        from brickwork.storage.transfer import pump

        with self.open_write(key) as sink:
            pump(file, sink, advance)
