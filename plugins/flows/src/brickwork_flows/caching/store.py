"""The cache itself: a folder with a small file for each key."""

import json
import os
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator, Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Self

from brickwork_flows.caching.locks import KeyLock
from brickwork_flows.history.events import ResultKept
from brickwork_flows.runtime import Place, current_runtime

FORMAT = 1
ENTRY = ".entry"
LOCK = ".lock"
_CHECK_BYTES = 16


class UnreadableEntry(Exception):
    """What is in the cache cannot be used; the text says why. Never leaves this package."""


def now() -> float:
    """Return the time, in seconds since 1970."""
    return time.time()


@dataclass(frozen=True, slots=True)
class Entry:
    """A result in the cache.

    Attributes:
        key: The key.
        task: The task's name, for people.
        created: When it was computed, in seconds since 1970.
        expires: When it ceases to count; None: never.
        kept: The result, with the id of the run that computed it.
    """

    key: str
    task: str
    created: float
    expires: float | None
    kept: ResultKept

    def counts(self, lifetime: timedelta | None, at: float) -> bool:
        """Return whether it still counts: neither what was said when it was written is over, nor
        what is said now.

        Args:
            lifetime: How long a result counts, as the task says now.
            at: The time, in seconds since 1970.
        """
        if self.expires is not None and at >= self.expires:
            return False
        return lifetime is None or at < self.created + lifetime.total_seconds()


class CacheStore:
    """The results in a folder, by key. A file appears whole, or not at all.

    Args:
        folder: The folder; made when something is written.
    """

    __slots__ = ("folder",)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, place: Place) -> Self:
        """Return the cache of a place where runs are kept."""
        return cls(_folder_of(place.folder))

    def lock(self, key: str) -> KeyLock:
        """Return the lock of a key."""
        return KeyLock(self.folder / key[:2] / f"{key}{LOCK}")

    def read(self, key: str) -> Entry | None:
        """Return what is kept under a key, also if it does not count any more; None for nothing.

        Raises:
            UnreadableEntry: The file is damaged, or cannot be read.
        """
        try:
            file = os.open(f"{self.folder}/{key[:2]}/{key}{ENTRY}", os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnreadableEntry(f"it cannot be read: {error.strerror}") from None
        try:
            data = _read_whole(file)
        except OSError as error:
            raise UnreadableEntry(f"it cannot be read: {error.strerror}") from None
        finally:
            os.close(file)
        entry = decoded(data)
        if entry.key != key:
            raise UnreadableEntry("it belongs to another key")
        return entry

    def write(self, entry: Entry) -> None:
        """Keep a result, in place of the one before.

        Raises:
            OSError: It cannot be written; the one before stays.
        """
        folder = self.folder / entry.key[:2]
        new = folder / f".{os.urandom(8).hex()}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            file = os.open(new, flags, 0o600)
        except FileNotFoundError:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(new, flags, 0o600)
        try:
            with os.fdopen(file, "wb") as opened:
                opened.write(encoded(entry))
            new.replace(folder / f"{entry.key}{ENTRY}")
        except BaseException:
            new.unlink(missing_ok=True)
            raise

    def entries(self) -> Iterator[Path]:
        """Give the files of all entries."""
        yield from self.folder.glob(f"??/*{ENTRY}")

    def readable(self) -> Iterator[Entry]:
        """Give all entries that can be read."""
        for path in self.entries():
            with suppress(UnreadableEntry):
                entry = self.read(path.name.removesuffix(ENTRY))
                if entry is not None:
                    yield entry


@lru_cache(maxsize=16)
def _folder_of(place: Path) -> Path:
    return place / "cache"  # which takes longer than one would think, for each call


def encoded(entry: Entry) -> bytes:
    """Return an entry as bytes: a hash of the rest, and a line of JSON."""
    kept = entry.kept
    data = None if kept.data is None else b64encode(kept.data).decode("ascii")
    body = json.dumps(
        [
            *(FORMAT, entry.key, entry.task, entry.created, entry.expires),
            *(kept.run, kept.chain, data, kept.url, kept.storage_key),
        ]
    ).encode()
    return _check(body) + b"\n" + body


def decoded(data: bytes) -> Entry:
    """Return the entry that bytes are. Raises UnreadableEntry."""
    check, _, body = data.partition(b"\n")
    if check != _check(body):
        raise UnreadableEntry("it is damaged")
    try:
        version, key, task, created, expires, run, chain, text, url, storage_key = json.loads(body)
        if version != FORMAT:
            raise UnreadableEntry(f"it has the format {version}, which this version cannot read")
        inline = None if text is None else b64decode(text, validate=True)
    except (ValueError, TypeError):
        raise UnreadableEntry("it is damaged") from None
    return Entry(key, task, created, expires, ResultKept(run, chain, inline, url, storage_key))


def _read_whole(file: int) -> bytes:
    # Faster than a file object, and most entries come in one piece.
    pieces = []
    while piece := os.read(file, 1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


def _check(body: bytes) -> bytes:
    return blake2b(body, digest_size=_CHECK_BYTES).hexdigest().encode()


def prune(
    older_than: timedelta | None = None,
    *,
    of_runs: AbstractSet[str] = frozenset(),
    dry_run: bool = False,
) -> int:
    """Remove what is of no use any more from the cache of the history in use.

    That is what has expired, what cannot be read, and files that killed processes left behind.
    Results of runs stay: they belong to the history.

    Args:
        older_than: Remove what was computed longer ago as well.
        of_runs: Remove what was computed in these runs of flows, too, by their ids.
        dry_run: Remove nothing.

    Returns:
        How many results were removed, or would be.
    """
    store = CacheStore.of(current_runtime().place)
    at = now()
    removed = 0
    for path in store.entries():
        try:
            entry = store.read(path.name.removesuffix(ENTRY))
            useful = entry is None or (
                entry.counts(older_than, at) and entry.kept.run.partition(".")[0] not in of_runs
            )
        except UnreadableEntry:
            useful = False
        if not useful:
            removed += 1
            if not dry_run:
                path.unlink(missing_ok=True)
    if not dry_run:
        _remove_left_behind(store, at)
    return removed


def _remove_left_behind(store: CacheStore, at: float) -> None:
    for path in store.folder.glob(f"??/*{LOCK}"):
        lock = KeyLock(path)
        if lock.take():
            lock.release()  # which removes the file
    for path in store.folder.glob("??/.*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < at - 3600:
                path.unlink()
