"""The memory of this process as a storage: ``memory:name``."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from io import BytesIO
from threading import Lock
from typing import BinaryIO, NoReturn, Self
from weakref import WeakValueDictionary

from brickwork.errors import KeyExists, KeyNotFound, StorageError
from brickwork.storage import ObjectInfo, Storage, check_key, check_prefix


class MemoryStorage(Storage):
    """Keeps objects in this process: for tests, and for what may be lost.

    Storages of one name share their objects until the process ends. One without a name is new and
    empty, and its objects go when it goes. Objects are whole in memory, also while being written.

    Args:
        name: Letters, digits, ``.``, ``_`` and ``-``; a random one by default.

    Raises:
        StorageError: The name has other characters.
    """

    __slots__ = ("_shelf",)

    def __init__(self, name: str | None = None) -> None:
        if name is not None and not (name and set(name) <= _NAME_CHARACTERS):
            raise StorageError(
                f"{name!r} cannot name a memory storage.",
                fix="Use letters, digits, dots, underscores and dashes.",
            )
        self._shelf = _shelf(name or f"unnamed-{os.urandom(8).hex()}", keep=name is not None)

    @classmethod
    def from_url(cls, url: str, block: object | None = None) -> Self:
        """Open the storage of a name; ``memory:`` alone makes a new one.

        Raises:
            StorageError: The URL has more than a name, or comes with a block.
        """
        scheme, _, name = url.partition(":")
        if scheme != "memory" or block is not None:
            raise StorageError(
                f"Cannot open {url!r} as a memory storage.",
                fix="Write memory:name, and no block.",
            )
        return cls(name.removeprefix("//") or None)

    @property
    def url(self) -> str:
        """``memory:`` and the name."""
        return f"memory:{self._shelf.name}"

    def open_read(self, key: str) -> BinaryIO:
        """Open an object for reading; it can seek."""
        return BytesIO(self._find(key).data)

    def open_write(self, key: str, *, if_absent: bool = False) -> AbstractContextManager[BinaryIO]:
        """Open an object for writing that appears when the block ends."""
        return self._open_write(check_key(key), if_absent)

    def delete(self, key: str) -> None:
        """Delete an object; one that does not exist is fine."""
        with self._shelf.lock:
            self._shelf.objects.pop(check_key(key), None)

    def stat(self, key: str) -> ObjectInfo:
        """Return size, time and etag of an object; the etag counts the storage's writes."""
        return self._find(key).info

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys that there were when the listing began."""
        check_prefix(prefix)
        with self._shelf.lock:
            found = [key for key in self._shelf.objects if key.startswith(prefix)]
        return iter(sorted(found))

    def __repr__(self) -> str:
        return f"MemoryStorage({self._shelf.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MemoryStorage) and self._shelf is other._shelf

    def __hash__(self) -> int:
        return hash(self._shelf)

    def __reduce__(self) -> NoReturn:
        raise StorageError(
            f"{self!r} cannot be pickled: another process would find it empty.",
            fix="Use a file: storage for what several processes share.",
        )

    def _find(self, key: str) -> "_Object":
        with self._shelf.lock:
            found = self._shelf.objects.get(check_key(key))
        if found is None:
            raise KeyNotFound(
                f"No object {key!r} in {self.url}.", fix="List the keys to see what exists."
            )
        return found

    @contextmanager
    def _open_write(self, key: str, if_absent: bool) -> Iterator[BinaryIO]:
        file = _Buffer()
        yield file
        file.close()
        shelf = self._shelf
        with shelf.lock:
            if if_absent and key in shelf.objects:
                raise KeyExists(
                    f"{key!r} in {self.url} exists already.",
                    fix="Use another key, or allow to overwrite.",
                )
            shelf.writes += 1
            info = ObjectInfo(key, len(file.written), datetime.now(UTC), str(shelf.writes))
            shelf.objects[key] = _Object(file.written, info)


class _Object:
    __slots__ = ("data", "info")

    def __init__(self, data: bytes, info: ObjectInfo) -> None:
        self.data = data
        self.info = info


class _Shelf:
    """The objects of one name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lock = Lock()
        self.objects: dict[str, _Object] = {}
        self.writes = 0


class _Buffer(BytesIO):
    """Keeps what was written also when the writer closes it, as many libraries do."""

    written = b""

    def close(self) -> None:
        if not self.closed:
            self.written = self.getvalue()
        super().close()


_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
_shelves: WeakValueDictionary[str, _Shelf] = WeakValueDictionary()
_kept: set[_Shelf] = set()
_shelves_lock = Lock()


def _shelf(name: str, *, keep: bool) -> _Shelf:
    with _shelves_lock:
        shelf = _shelves.get(name)
        if shelf is None:
            shelf = _shelves[name] = _Shelf(name)
            if keep:
                _kept.add(shelf)
        return shelf
