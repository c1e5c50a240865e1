"""What transactions have put aside: files that wait to be published, or are thrown away.

One folder for each run of a flow, one file for each write: a line of JSON that says where it
belongs, and the bytes. A file is there whole or not at all, and outlives a kill of its process.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from threading import Lock
from typing import NamedTuple, cast

from brickwork import mask, open_serializer
from brickwork_flows.errors import HistoryError, TransactionError
from brickwork_flows.history.files import make_private, sync, sync_folder
from brickwork_flows.results import SEARCHED_BYTES
from brickwork_flows.runtime import Place

FORMAT = 1
SEALED = "bytes|aes256gcm"
"""The chain of what holds a known secret."""

Bytes = bytes | bytearray | memoryview


class Staged(NamedTuple):
    """Something that was put aside.

    Attributes:
        writer: The path of the task or transaction that did so.
        number: Which one of that writer's it is, from 0.
        storage: The address or the URL of the storage that it belongs in; empty for a value of
            `Transaction.set`.
        key: The key there, or the value's name.
        file: The name of its file.
    """

    writer: str
    number: int
    storage: str
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
        self._numbers: dict[str, int] = {}
        self._left: dict[str, list[Staged]] = {}
        for staged in sorted(self._on_disk()):
            self._left.setdefault(staged.writer, []).append(staged)

    @classmethod
    def left_by(cls, place: Place, root: str) -> "Staging | None":
        """Return what a run has left behind; None for nothing."""
        found = cls(place, root)
        return found if found._folder.is_dir() else None

    def put(self, writer: str, storage: str, key: str, data: Bytes) -> Staged:
        """Put data aside; when it returns, a kill of this process does not lose it.

        Raises:
            TransactionError: A known secret stands in the key.
            VaultError: One stands in the data, and the vault in use has no key to encrypt it with.
            HistoryError: It cannot be written.
        """
        if mask(key) != key or mask(storage) != storage:
            raise TransactionError(
                "A known secret stands in the key or the storage of a staged write.",
                fix="Use a key without it: keys are kept in clear.",
            )
        chain = SEALED if _holds_secret(data) else ""
        stored = open_serializer(chain).dumps(bytes(data)) if chain else data
        with self._lock:
            number = self._numbers.get(writer, 0)
            self._numbers[writer] = number + 1
        of_writer = blake2b(writer.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
        staged = Staged(writer, number, storage, key, f"{of_writer}-{number:06d}")
        header = json.dumps([FORMAT, writer, number, storage, key, chain, _check(stored)])
        self._write(staged.file, header.encode("ascii"), stored)
        return staged

    def take(self, path: str) -> list[Staged]:
        """Return what a call that is given back had put aside, with the calls within it."""
        with self._lock:
            return [each for writer in self._writers(path) for each in self._left.pop(writer)]

    def forget(self, path: str) -> None:
        """Throw away what is left of a task or transaction that begins anew.

        Not that of the tasks that it called: those may be given back.
        """
        with self._lock:
            self._numbers.pop(path, None)
            left = [
                self._left.pop(writer)
                for writer in self._writers(path)
                if writer == path or writer[len(path) :].startswith("/(")
            ]
        for staged in left:
            self.remove(*staged)

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
        found = _header(line)
        if found is None or found[2] != _check(stored):
            raise TransactionError(
                f"What was put aside in {self._folder / name} is damaged.",
                fix="Look at the disk. To give it up, remove the file and resume the run.",
            )
        staged, chain, _ = found
        if chain:
            return staged, cast("bytes", open_serializer(chain).loads(stored))
        return staged, stored

    def clear(self) -> None:
        """Remove the folder, and all that is in it."""
        with suppress(FileNotFoundError):
            for path in self._folder.iterdir():
                path.unlink(missing_ok=True)
            self._folder.rmdir()

    # The files

    def _writers(self, path: str) -> list[str]:
        within = f"{path}/" if path else ""
        return [each for each in self._left if each == path or each.startswith(within)]

    def _on_disk(self) -> Iterator[Staged]:
        try:
            for path in self._folder.iterdir():
                with path.open("rb") as file:
                    found = _header(file.readline().rstrip(b"\n"))
                if found is not None and found[0].file == path.name:
                    yield found[0]
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

    def _unusable(self, error: OSError) -> HistoryError:
        return HistoryError(
            f"What transactions put aside in {self._folder} cannot be read or written: "
            f"{os.strerror(error.errno or 0).lower()}.",
            fix="Check the disk's free space and the folder's permissions.",
        )


def _header(line: bytes) -> tuple[Staged, str, str] | None:
    """Return what a file is, the chain of its data, and their sum; None for anything else."""
    try:
        version, writer, number, storage, key, chain, check = json.loads(line)
    except ValueError:
        return None
    if version != FORMAT:
        return None
    of_writer = blake2b(writer.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
    return Staged(writer, number, storage, key, f"{of_writer}-{number:06d}"), chain, check


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
