"""What transactions have put aside: files that wait to be published, or are thrown away.

One folder for each run of a flow, one file for each thing: a line of JSON that says what it is, and
the bytes. A file is there whole or not at all, and outlives a kill of its process.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum
from hashlib import blake2b
from threading import Lock
from typing import NamedTuple, cast

from brickwork import Storage, mask, open_serializer, open_storage
from brickwork_flows.errors import HistoryError, TransactionError
from brickwork_flows.history.files import make_private, sync, sync_folder
from brickwork_flows.result_settings import Where, found_again
from brickwork_flows.results import SEARCHED_BYTES
from brickwork_flows.runtime import Place

FORMAT = 1
SEALED = "bytes|aes256gcm"
"""The chain of what holds a known secret."""

Bytes = bytes | bytearray | memoryview


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
            for path in _callers(staged.writer):
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

    def storage(self, where: str) -> Storage:
        """Return the storage that was meant, as it was given if that was in this process."""
        found = self._opened.get(where)
        if found is None:
            found = self._opened[where] = Where(open_storage(where), where)
        return found.storage

    def put(self, writer: str, kind: Kind, where: str, key: str, data: Bytes) -> Staged:
        """Put something aside; when it returns, a kill of this process does not lose it.

        Raises:
            TransactionError: A known secret stands in the key.
            VaultError: One stands in the data, and the vault in use has no key to encrypt it with.
            HistoryError: It cannot be written.
        """
        if mask(key) != key:
            raise TransactionError(
                "A known secret stands in the key of a staged write, or in the name of a value.",
                fix="Use one without it: keys and names are kept in clear.",
            )
        chain = SEALED if _holds_secret(data) else ""
        stored = open_serializer(chain).dumps(bytes(data)) if chain else data
        with self._lock:
            self._order += 1
            order = self._order
        # Never a name of before: what is committed is known by the names of its files.
        staged = Staged(order, writer, kind, where, key, f"{order:08d}-{os.urandom(6).hex()}")
        header = json.dumps([FORMAT, *staged[:-1], chain, _check(stored)])
        self._write(staged.file, header.encode("ascii"), stored)
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

    def prune(self, path: str) -> None:
        """Throw away what is left of a call that has ended: it was not made again within it."""
        self.remove(*self.take(path))

    def remove(self, *staged: Staged) -> None:
        """Throw away what was put aside."""
        for each in staged:
            (self._folder / each.file).unlink(missing_ok=True)

    def read(self, name: str) -> tuple[Staged, bytes] | None:
        """Return what is in a file; None where it was published, and is gone.

        Raises:
            TransactionError: It is damaged.
            HistoryError: It cannot be read.
        """
        try:
            content = (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from None
        line, _, stored = content.partition(b"\n")
        staged, chain, check = self._header(line, name)
        if check != _check(stored):
            raise self._damaged(name)
        if chain:
            return staged, cast("bytes", open_serializer(chain).loads(stored))
        return staged, stored

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
        try:
            for path in self._folder.iterdir():
                if path.name.startswith("."):
                    continue  # what was being written at a kill
                with path.open("rb") as file:
                    yield self._header(file.readline().rstrip(b"\n"), path.name)[0]
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._unusable(error) from None

    def _write(self, name: str, header: bytes, data: Bytes) -> None:
        path, new = self._folder / name, self._folder / f".{name}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            make_private(self._folder)
            with os.fdopen(os.open(new, flags, 0o600), "wb", buffering=0) as file:
                _write_all(file.fileno(), header + b"\n")
                _write_all(file.fileno(), data)
                if self._power:
                    sync(file.fileno())
            new.replace(path)
            if self._power:
                sync_folder(self._folder)
        except OSError as error:
            new.unlink(missing_ok=True)
            raise self._unusable(error) from None

    def _header(self, line: bytes, name: str) -> tuple[Staged, str, str]:
        """Return what a file is, the chain of its data, and their sum."""
        try:
            version, order, writer, kind, where, key, chain, check = json.loads(line)
        except (ValueError, TypeError):
            raise self._damaged(name) from None
        if version != FORMAT:
            raise self._damaged(name)
        return Staged(order, writer, kind, where, key, name), chain, check

    def _damaged(self, name: str) -> TransactionError:
        return TransactionError(
            f"What a transaction has put aside in {self._folder / name} is damaged.",
            fix="Look at the disk. To give it up, remove the file and resume the run.",
        )

    def _unusable(self, error: OSError) -> HistoryError:
        return HistoryError(
            f"What transactions put aside in {self._folder} cannot be read or written: "
            f"{os.strerror(error.errno or 0).lower()}.",
            fix="Check the disk's free space and the folder's permissions.",
        )


def _callers(path: str) -> Iterator[str]:
    """Give a path, and those of what calls it."""
    while path:
        yield path
        path = path.rpartition("/")[0]


def _check(data: Bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def _holds_secret(data: Bytes) -> bool:
    if len(data) > SEARCHED_BYTES:
        return False
    text = bytes(data).decode("utf-8", "replace")
    return mask(text) != text


def _write_all(file: int, data: Bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
