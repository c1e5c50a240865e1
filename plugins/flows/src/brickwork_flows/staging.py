"""What transactions have put aside: files that wait to be published, or are thrown away.

One folder for each run of a flow, one file for each thing: a line of JSON that says what it is, and
the bytes. A file is there whole or not at all, and outlives a kill of its process.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from enum import StrEnum
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, NamedTuple, cast

from brickwork import BrickworkError, Storage, mask, open_serializer, open_storage
from brickwork_flows.errors import HistoryError, TransactionError
from brickwork_flows.history.files import make_private, sync, sync_folder
from brickwork_flows.result_settings import Where, found_again
from brickwork_flows.results import SEARCHED_BYTES, holds_secret
from brickwork_flows.runtime import Place

FORMAT = 1
SEALED = "bytes|aes256gcm"
"""The chain of what holds a known secret."""

PIECE_BYTES = 1024 * 1024
"""So much is read at a time."""

Data = bytes | bytearray | memoryview | Path | BinaryIO
"""What can be put aside: bytes, a file by its path, or one that is open for reading."""

Bytes = bytes | bytearray | memoryview

_NO_SUM = "0" * 32


class Kind(StrEnum):
    """What was put aside."""

    WRITE = "write"
    """Bytes for a storage."""
    VALUE = "value"
    """A value for hooks."""
    HOOKS = "hooks"
    """Where the hooks are found again."""


class Staged(NamedTuple):
    """Something that was put aside.

    Attributes:
        order: It was put aside after all with a lower one.
        writer: The path of the task or transaction that did so.
        kind: What it is.
        where: The address or the URL of the storage that a write belongs in.
        key: The key there, or the value's name.
        file: The name of its file.
    """

    order: int
    writer: str
    kind: str
    where: str
    key: str
    file: str


class Staging:
    """What was put aside in the run of a flow, and in those within it.

    Args:
        place: Where runs are kept.
        root: The id of the run that nobody called.
    """

    def __init__(self, place: Place, root: str) -> None:
        self._folder = place.folder / "staged" / root
        self._power = place.durability == "power"
        self._lock = Lock()
        self._opened: dict[object, Where] = {}
        self._left: dict[str, list[Staged]] = {}
        self._within: dict[str, set[str]] = {}
        self._order = 0
        for staged in sorted(self._on_disk()):
            self._order = staged.order
            self._left.setdefault(staged.writer, []).append(staged)
            for path in callers(staged.writer):
                self._within.setdefault(path, set()).add(staged.writer)

    @classmethod
    def left_by(cls, place: Place, root: str) -> "Staging | None":
        """Return what a run has left behind; None for nothing."""
        found = cls(place, root)
        return found if found._left else None

    def where(self, storage: Storage | str) -> str:
        """Return by what another process opens a storage.

        Raises:
            InvalidFlow: None could, since it is a block that is not saved, for example.
            BrickworkError: There is no such storage.
        """
        key = storage if isinstance(storage, str) else id(storage)
        found = self._opened.get(key)
        if found is None:
            found = found_again("the storage of a staged write", storage)
            self._opened[key] = self._opened[found.url] = found
        return found.url

    def put(self, writer: str, kind: Kind, where: str, key: str, data: Data) -> Staged:
        """Put something aside; when it returns, a kill of this process does not lose it.

        Raises:
            TransactionError: A known secret stands in the key; or the data is no bytes, or a file
                that cannot be read.
            VaultError: One stands in the data, and the vault in use has no key to encrypt it with.
            HistoryError: It cannot be written.
        """
        if mask(key) != key:
            raise TransactionError(
                "A known secret stands in the key of a staged write, or in the name of a value.",
                fix="Use one without it: keys and names are kept in clear.",
            )
        sealing, pieces = _sealed(_pieces(data))
        with self._lock:
            self._order += 1
            order = self._order
        # Never a name of before: what is committed is known by the names of its files.
        staged = Staged(order, writer, kind, where, key, f"{order:08d}-{os.urandom(6).hex()}")
        self._write(staged, sealing, pieces)
        return staged

    def take(self, path: str) -> list[Staged]:
        """Return what a call that is given back had put aside, with the calls within it."""
        with self._lock:
            writers = self._within.pop(path, ())
            return sorted(each for writer in writers for each in self._left.pop(writer, ()))

    def forget(self, writer: str) -> None:
        """Throw away what is left of a task or transaction that begins anew.

        Not of what it calls: a task may be given back, and a transaction be committed already.
        """
        with self._lock:
            left = self._left.pop(writer, ())
        self.remove(*left)

    def remove(self, *staged: Staged) -> None:
        """Throw away what was put aside."""
        for each in staged:
            (self._folder / each.file).unlink(missing_ok=True)

    def publish(self, name: str) -> None:
        """Write what is in a file where it belongs; nothing where that was done, and it is gone.

        Raises:
            TransactionError: It is damaged; nothing is written.
            HistoryError: It cannot be read.
            BrickworkError: It cannot be written there.
        """
        try:
            staged, sealing, expected = self._header(name)
        except FileNotFoundError:
            return
        where = self._opened.get(staged.where)
        storage = open_storage(staged.where) if where is None else where.storage
        with storage.open_write(staged.key) as sink:
            for piece in self._data(name, sealing, expected):
                sink.write(piece)
        self.remove(staged)

    def value(self, staged: Staged) -> Any:
        """Return a value that was put aside, made of JSON.

        Raises:
            TransactionError: It is damaged.
            HistoryError: It cannot be read.
        """
        _, sealing, expected = self._header(staged.file)
        data = b"".join(self._data(staged.file, sealing, expected))
        return open_serializer("json").loads(data)

    def clear(self) -> None:
        """Remove the folder, and all that is in it."""
        with suppress(FileNotFoundError):
            for path in self._folder.iterdir():
                path.unlink(missing_ok=True)
        self.tidy()

    def tidy(self) -> None:
        """Remove the folder if nothing is in it."""
        with suppress(OSError):
            self._folder.rmdir()

    # The files

    def _on_disk(self) -> Iterator[Staged]:
        names: list[str] = []
        with suppress(FileNotFoundError), self._usable():
            names = [path.name for path in self._folder.iterdir()]
        for name in names:
            if not name.startswith("."):  # what was being written at a kill
                yield self._header(name)[0]

    def _header(self, name: str) -> tuple[Staged, str, str]:
        """Return what a file is, the chain of its data, and their sum."""
        with self._usable(), (self._folder / name).open("rb") as file:
            line = file.readline()
        with suppress(ValueError, TypeError):
            version, order, writer, kind, where, key, sealing, expected = json.loads(line)
            if version == FORMAT:
                return Staged(order, writer, kind, where, key, name), sealing, expected
        raise self._damaged(name)

    def _data(self, name: str, sealing: str, expected: str) -> Iterator[bytes]:
        """Give the data in a file; an error comes before their end if they are not whole."""
        if sealing:
            whole = b"".join(self._data(name, "", expected))
            yield cast("bytes", open_serializer(sealing).loads(whole))
            return
        found = blake2b(digest_size=16)
        with self._usable(), (self._folder / name).open("rb") as file:
            file.readline()
            while piece := file.read(PIECE_BYTES):
                found.update(piece)
                yield piece
        if found.hexdigest() != expected:
            raise self._damaged(name)

    def _write(self, staged: Staged, sealing: str, pieces: Iterable[Bytes]) -> None:
        path, new = self._folder / staged.file, self._folder / f".{staged.file}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        written = blake2b(digest_size=16)
        with self._usable():
            try:
                make_private(self._folder)
                with os.fdopen(os.open(new, flags, 0o600), "wb", buffering=0) as file:
                    _write_all(file.fileno(), _header(staged, sealing, _NO_SUM))
                    for piece in pieces:
                        written.update(piece)
                        _write_all(file.fileno(), piece)
                    file.seek(0)  # the sum of what is read from a file is not known before
                    _write_all(file.fileno(), _header(staged, sealing, written.hexdigest()))
                    if self._power:
                        sync(file.fileno())
                new.replace(path)
                if self._power:
                    sync_folder(self._folder)
            except BaseException:
                new.unlink(missing_ok=True)
                raise

    @contextmanager
    def _usable(self) -> Iterator[None]:
        """Say of an error of the system where it comes from; a file may be gone, though."""
        try:
            yield
        except OSError as error:
            # A time that is up is an OSError as well.
            if isinstance(error, FileNotFoundError | BrickworkError):
                raise
            raise HistoryError(
                f"What transactions put aside in {self._folder} cannot be read or written: "
                f"{os.strerror(error.errno or 0).lower()}.",
                fix="Check the disk's free space and the folder's permissions.",
            ) from None

    def _damaged(self, name: str) -> TransactionError:
        return TransactionError(
            f"What a transaction has put aside in {self._folder / name} is damaged.",
            fix="Look at the disk. To give it up, remove the file and resume the run.",
        )


def callers(path: str) -> Iterator[str]:
    """Give a path, and those of what calls it."""
    while path:
        yield path
        path = path.rpartition("/")[0]


def _header(staged: Staged, sealing: str, check: str) -> bytes:
    """Return the first line of a file; equally long whatever the sum."""
    return json.dumps([FORMAT, *staged[:-1], sealing, check]).encode("ascii") + b"\n"


def _pieces(data: Data) -> Iterator[Bytes]:
    """Give data as it is, or what is in a file piece by piece."""
    if isinstance(data, bytes | bytearray | memoryview):
        yield memoryview(data).cast("B")
        return
    try:
        with data.open("rb") if isinstance(data, Path) else nullcontext(data) as file:
            while piece := file.read(PIECE_BYTES):
                if not isinstance(piece, bytes):
                    raise _no_bytes(piece)
                yield piece
    except AttributeError:
        raise _no_bytes(data) from None
    except OSError as error:
        if isinstance(error, BrickworkError):
            raise
        raise TransactionError(
            f"A file that is to be written cannot be read: "
            f"{os.strerror(error.errno or 0).lower()}.",
            fix="Check its path and its permissions, and that it is open for reading.",
        ) from None


def _no_bytes(data: object) -> TransactionError:
    return TransactionError(
        f"A staged write takes bytes, and no {type(data).__name__}.",
        fix="Encode it first, such as text.encode(); or give the path of a file, or a file that "
        "is open in binary mode.",
    )


def _sealed(pieces: Iterator[Bytes]) -> tuple[str, Iterable[Bytes]]:
    """Return the chain that encrypts data in which a known secret stands, and what it makes."""
    first: list[Bytes] = []
    size = 0
    for piece in pieces:
        first.append(piece)
        size += len(piece)
        if size > SEARCHED_BYTES:
            return "", chain(first, pieces)
    whole = b"".join(first)
    if holds_secret(whole):
        return SEALED, [open_serializer(SEALED).dumps(whole)]
    return "", [whole]


def _write_all(file: int, data: Bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
