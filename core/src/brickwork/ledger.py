"""Ledgers: what a block remembers between its uses, for a limited time.

A notifier's route remembers what it sent, a chat service's block the thread that a thread key
began. A saved block has its ledger in the vault, where all processes share it; one that is not
saved remembers within its process.
"""

import json
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple
from weakref import WeakSet

from brickwork._default import current_vault
from brickwork.block import Block, place_of
from brickwork.errors import BrickworkError, StoreError, UnsupportedType

MAX_KEEP_SECONDS = 366 * 24 * 3600.0
"""No entry is kept for longer than a year, so that a ledger cannot grow without end."""

_MAX_ENTRIES = 10_000
_MAX_BLOCKS = 256


class Page(ABC):
    """What one transaction of a ledger sees and changes.

    A key is any text. A value is a JSON object, and comes back as JSON gives it back: a tuple as a
    list, the keys of a dict as text.
    """

    @abstractmethod
    def get(self, key: str) -> dict[str, Any] | None:
        """Return the value of a key, with the changes of this transaction; None for none."""

    @abstractmethod
    def put(self, key: str, value: Mapping[str, Any], *, keep_seconds: float) -> None:
        """Keep a value, in the place of what the key had.

        Args:
            key: What it is found by.
            value: A JSON object.
            keep_seconds: For how long from now, by the wall clock; a year at most. What has ended
                is as if it had never been put.

        Raises:
            UnsupportedType: The value is no JSON object. Secrets are none.
        """

    @abstractmethod
    def remove(self, key: str) -> None:
        """Remove what a key has; nothing happens if it has nothing."""

    @abstractmethod
    def entries(self, prefix: str = "") -> dict[str, dict[str, Any]]:
        """Return every value whose key begins so, by key, sorted; with this transaction's changes.

        Reads all that the block remembers, whatever the prefix is.
        """


class Ledger(ABC):
    """What one block remembers.

    Every method raises VaultError where what is kept cannot be read or written: the disk is full,
    or the vault is read-only. For a notifier a message matters more than what it remembers; it
    sends all the same.
    """

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Page]:
        """Begin a transaction: what is read in it stays true until its changes are kept.

        Transactions wait for each other, over threads and processes, so keep them short: decide in
        one, send after it. The changes are kept when the body ends, all or none, durably where the
        ledger is in a vault; an exception that leaves the body leaves nothing. One that changed
        nothing writes nothing.

        Raises:
            StoreError: It cannot be begun or kept; or this thread has one open already.
        """

    @abstractmethod
    def get(self, key: str) -> dict[str, Any] | None:
        """Return the value of a key that is kept now; None for none."""

    @abstractmethod
    def entries(self, prefix: str = "") -> dict[str, dict[str, Any]]:
        """Return every value that is kept now and whose key begins so, by key, sorted."""


class Entry(NamedTuple):
    """A value, for those who implement ledgers.

    Attributes:
        content: The value as JSON.
        expires_at: When it ends, in seconds since 1970.
    """

    content: bytes
    expires_at: float

    def value(self) -> dict[str, Any] | None:
        """Return the value; None if it has ended."""
        if self.expires_at <= time.time():
            return None
        value: dict[str, Any] = json.loads(self.content)
        return value


class Draft(Page):
    """A page that holds its changes back, for those who implement ledgers.

    Args:
        read: Returns what is kept for a key.
        read_all: Returns all that is kept.

    Attributes:
        changes: By key, what is to be kept; None for what is to be removed.
    """

    def __init__(
        self, read: Callable[[str], Entry | None], read_all: Callable[[], Mapping[str, Entry]]
    ) -> None:
        self.changes: dict[str, Entry | None] = {}
        self._read = read
        self._read_all = read_all

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the value of a key."""
        entry = self.changes[key] if key in self.changes else self._read(key)
        return None if entry is None else entry.value()

    def put(self, key: str, value: Mapping[str, Any], *, keep_seconds: float) -> None:
        """Keep a value when the transaction ends."""
        keep = min(keep_seconds, MAX_KEEP_SECONDS) if keep_seconds > 0 else 0.0  # and for NaN
        self.changes[key] = Entry(_content(value), time.time() + keep)

    def remove(self, key: str) -> None:
        """Remove a value when the transaction ends."""
        if key in self.changes or self._read(key) is not None:
            self.changes[key] = None

    def entries(self, prefix: str = "") -> dict[str, dict[str, Any]]:
        """Return every value whose key begins so."""
        return values_of({**self._read_all(), **self.changes}, prefix)


def values_of(entries: Mapping[str, Entry | None], prefix: str) -> dict[str, dict[str, Any]]:
    """Return the values that have not ended and whose key begins so, sorted by key."""
    found = {}
    for key in sorted(entries):
        entry = entries[key]
        value = entry.value() if entry is not None and key.startswith(prefix) else None
        if value is not None:
            found[key] = value
    return found


def _content(value: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(
            dict(value), sort_keys=True, separators=(",", ":"), allow_nan=False
        ).encode()
    except (TypeError, ValueError, RecursionError):
        # Not the cause: it may quote the value.
        raise UnsupportedType(
            "A ledger keeps JSON objects, and this value is none.",
            fix="Give a dict of texts, numbers, booleans, None, lists and dicts; no secrets.",
        ) from None


class ProcessLedger(Ledger):
    """A ledger in the memory of this process, for blocks that are not saved.

    Safe to use from many threads. A process that is forked has a copy of its own.

    Args:
        max_entries: How many are kept at most; of more, those that end first are dropped.
    """

    def __init__(self, *, max_entries: int = _MAX_ENTRIES) -> None:
        self._most = max_entries
        self._entries: dict[str, Entry] = {}
        self._ends: list[tuple[float, str]] = []  # a heap; also of entries that changed since
        self._lock = threading.Lock()
        self._owner: int | None = None
        _ledgers.add(self)

    @contextmanager
    def transaction(self) -> Iterator[Page]:
        """Begin a transaction."""
        if self._owner == threading.get_ident():
            raise StoreError(
                "A transaction on this ledger is open in this thread already.",
                fix="End it before the next one begins.",
            )
        with self._lock:
            self._owner = threading.get_ident()
            try:
                draft = Draft(self._entries.get, lambda: self._entries)
                yield draft
                self._keep(draft.changes)
            finally:
                self._owner = None

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the value of a key that is kept now."""
        entry = self._entries.get(key)
        return None if entry is None else entry.value()

    def entries(self, prefix: str = "") -> dict[str, dict[str, Any]]:
        """Return every value that is kept now and whose key begins so."""
        return values_of(self._entries.copy(), prefix)  # a copy: others may be writing

    def _keep(self, changes: Mapping[str, Entry | None]) -> None:
        for key, entry in changes.items():
            if entry is None:
                self._entries.pop(key, None)
            else:
                self._entries[key] = entry
                heappush(self._ends, (entry.expires_at, key))
        now = time.time()
        while self._ends and (len(self._entries) > self._most or self._ends[0][0] <= now):
            end, key = heappop(self._ends)
            held = self._entries.get(key)
            if held is not None and held.expires_at == end:
                del self._entries[key]
        if len(self._ends) > 2 * len(self._entries) + 64:
            self._ends = [(entry.expires_at, key) for key, entry in self._entries.items()]
            heapify(self._ends)


def ledger_of(block: Block) -> Ledger:
    """Return what a block remembers.

    A block that was loaded from the vault in use, or saved there, has its ledger in that vault: it
    is shared by all processes, whatever the block's version, stays when the block is renamed, and
    goes when it is deleted. Any other block remembers in this process only: one that is saved in
    another vault on its own; one that is not saved together with all that are equal to it. The
    256 blocks that were used last are remembered so.
    """
    place = place_of(block)
    if place is None or place.changed:
        return _in_process(block)
    try:
        return current_vault().ledger(block)
    except BrickworkError:  # it is saved in another one; or that one cannot even be opened
        return _in_process((place.store_id, place.block_id))


_ledgers: "WeakSet[ProcessLedger]" = WeakSet()
_of_blocks: dict[object, ProcessLedger] = {}
_lock = threading.Lock()


def _in_process(owner: object) -> ProcessLedger:
    with _lock:
        ledger = _of_blocks.pop(owner, None) or ProcessLedger()
        _of_blocks[owner] = ledger  # the last one: used most recently
        if len(_of_blocks) > _MAX_BLOCKS:
            del _of_blocks[next(iter(_of_blocks))]
        return ledger


def _after_fork() -> None:
    # Threads that held a lock when this process was forked are not here to let go.
    global _lock  # as in every process
    _lock = threading.Lock()
    for ledger in list(_ledgers):
        if ledger._owner != threading.get_ident():  # noqa: SLF001  # of this module
            ledger._lock, ledger._owner = threading.Lock(), None  # noqa: SLF001  # as above


os.register_at_fork(after_in_child=_after_fork)
