"""The interface of stores: they keep documents and wrapped keys, never a secret in clear."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import ClassVar, NamedTuple


class Record(NamedTuple):
    """One saved version of a block, as a store keeps it.

    Attributes:
        block_id: 16 random bytes that stay with the block through renames.
        slug: The block class's slug.
        name: The block's name.
        version: 1 for the first, then one more each time; pruned ones leave gaps.
        schema_version: The class's schema version when it was saved.
        saved_at: UTC, ISO 8601 with microseconds.
        saved_by: Who saved it: user@host, and BRICKWORK_ACTOR in brackets where it was set.
        kid: The id of the root key that wraps the data key.
        public: The fields in clear, as bytes that must come back exactly.
        sealed: The sealed secrets; empty in listings, which never need them.
        uses: The addresses that this version refers to, as ``slug/name``, sorted.
    """

    block_id: bytes
    slug: str
    name: str
    version: int
    schema_version: int
    saved_at: str
    saved_by: str
    kid: bytes
    public: bytes
    sealed: bytes = b""
    uses: tuple[str, ...] = ()


class WrappedKey(NamedTuple):
    """A root key, as a store keeps it.

    Attributes:
        kid: Its id, 8 bytes.
        provider: The name of the key provider that wrapped it.
        wrapped: What the provider returned.
        created_at: UTC, ISO 8601.
        active: Whether new documents are sealed with it; true for one at the most.
        wraps: How many data keys it has wrapped.
        renews: Whether documents come under it only by being encrypted anew, since an encryption
            anew is not finished yet; only the active one's is kept.
    """

    kid: bytes
    provider: str
    wrapped: bytes
    created_at: str
    active: bool
    wraps: int
    renews: bool = False


class AuditRow(NamedTuple):
    """One link of the audit chain, as a store keeps it.

    Attributes:
        position: 1 for the first, then without a gap.
        content: What happened, as bytes that must come back exactly.
        kid: The id of the root key whose audit key made the code.
        mac: The code that binds this row to the one before it.
    """

    position: int
    content: bytes
    kid: bytes
    mac: bytes


class LedgerRow(NamedTuple):
    """An entry of a block's ledger, as a store keeps it.

    Attributes:
        scope: The id of the block whose ledger it is.
        key: What it is found by: a code of the entry's key, which tells nothing about it.
        kid: The id of the root key that it is sealed under.
        sealed: The entry, encrypted.
        expires_at: When it ends, in seconds since 1970.
    """

    scope: bytes
    key: bytes
    kid: bytes
    sealed: bytes
    expires_at: float


class Rewrap(NamedTuple):
    """A document whose data key gets another wrapping.

    Attributes:
        record: As it was read, with what is sealed.
        kid: The id of the root key that wraps it now.
        sealed: The document with the new wrapping.
    """

    record: Record
    kid: bytes
    sealed: bytes


class Store(ABC):
    """Keeps documents and wrapped keys durably.

    Reading needs no transaction and sees what was committed. Writing happens inside
    ``with store.transaction():``, which is one durable, serialized transaction: it is committed as
    a whole when the block ends, and leaves nothing when an exception leaves it. Reads inside see
    its writes. A store may be used by many threads and processes, also forked ones.

    Every method raises StoreError when the database cannot do it, or when something is written
    outside a transaction; reading raises BlockNotFound when there is no vault yet. What the body of
    a transaction raises leaves it as it is.
    """

    scheme: ClassVar[str]
    """The scheme of its URLs, for example ``sqlite``."""

    @classmethod
    @abstractmethod
    def open(cls, url: str) -> "Store":
        """Make a store from its URL. Does no I/O."""

    @property
    @abstractmethod
    def location(self) -> str:
        """Where it is, for messages; without passwords."""

    @abstractmethod
    def exists(self) -> bool:
        """Tell whether there is a vault yet; the first transaction makes one."""

    @property
    @abstractmethod
    def store_id(self) -> bytes:
        """16 random bytes made with the vault; sealed documents are bound to it."""

    @abstractmethod
    def get(self, slug: str, name: str, version: int | None = None) -> Record | None:
        """Return a version of a block, the newest where none is given; None where there is none."""

    @abstractmethod
    def heads(self, slug: str | None = None) -> Sequence[Record]:
        """Return the newest version of every block, by slug and name, without what is sealed."""

    @abstractmethod
    def versions(self, slug: str, name: str) -> Sequence[Record]:
        """Return every version of a block, oldest first."""

    @abstractmethod
    def users_of(self, slug: str, name: str, *, history: bool = False) -> Sequence[Record]:
        """Return what refers to a block: newest versions, or with ``history`` all versions."""

    @abstractmethod
    def keys(self) -> Sequence[WrappedKey]:
        """Return every root key, oldest first."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """Begin a write transaction; makes the vault if there is none yet."""

    @abstractmethod
    def put(self, record: Record) -> None:
        """Add a version.

        Compares and sets: raises VersionConflict unless the newest version saved is the one before.
        """

    @abstractmethod
    def replace(self, record: Record) -> None:
        """Write an existing version of ``record.block_id`` anew, with its slug and name.

        Raises BlockNotFound where there is no such version.
        """

    @abstractmethod
    def remove(self, block_id: bytes) -> None:
        """Remove a block with all its versions and its ledger.

        Nothing happens if it is gone already.
        """

    @abstractmethod
    def put_key(self, key: WrappedKey) -> None:
        """Add a root key, or write the one of that id anew.

        An existing one keeps the time of its creation and the count of its wraps. If the key is
        active, no other one is from then on.
        """

    @abstractmethod
    def count_wrap(self, kid: bytes, times: int = 1) -> int:
        """Count more data keys wrapped by a root key, and return how many there are.

        Raises StoreError for a root key that is not there.
        """

    # Upkeep

    @abstractmethod
    def remove_versions(self, block_id: bytes, versions: Iterable[int]) -> int:
        """Remove versions of a block, and return how many there were.

        Raises StoreError for the newest: a block without one could not be saved again.
        """

    @abstractmethod
    def documents_by_key(self) -> Mapping[bytes, int]:
        """Return how many documents, of all versions, each root key wraps."""

    @abstractmethod
    def sealed_with(self, kid: bytes, limit: int, after: Record | None = None) -> Sequence[Record]:
        """Return some of the documents, of any version, that a root key wraps; whole.

        They are in an order of the store's own: those beyond ``after``, which may have another key
        by now; from the start if it is gone.
        """

    @abstractmethod
    def rewrap(self, changes: Sequence[Rewrap]) -> int:
        """Give documents another wrapping, and return how many had still the one that was read.

        Compares and sets each: one that was changed or removed since it was read stays as it is.
        """

    @abstractmethod
    def remove_key(self, kid: bytes) -> None:
        """Remove a root key; nothing happens if it is gone already.

        Raises StoreError while documents use it or while it is active. Not for the audit trail:
        who removes a key writes down there what stands for the codes that it made.
        """

    @abstractmethod
    def compact(self) -> None:
        """Leave no byte of what was overwritten or removed in the store's files.

        Outside of a transaction. Waits for writers; what cannot be reached (backups, copies by the
        file system) is for the caller to say.
        """

    # The audit trail

    @abstractmethod
    def append_audit(self, row: AuditRow) -> None:
        """Add a row to the end. Raises VersionConflict unless it follows the last one."""

    @abstractmethod
    def last_audit(self) -> AuditRow | None:
        """Return the last row; None where there is none."""

    @abstractmethod
    def audit_rows(self, after: int = 0, limit: int | None = None) -> Sequence[AuditRow]:
        """Return the rows whose position is beyond one, in order; at most so many."""

    @abstractmethod
    def audit_rows_before(self, position: int, limit: int) -> Sequence[AuditRow]:
        """Return the rows whose position is below one, the newest first; at most so many."""

    # The ledgers of blocks

    @abstractmethod
    def ledger(self, scope: bytes, keys: Sequence[bytes] | None = None) -> Sequence[LedgerRow]:
        """Return the rows of a scope, or those of some keys; in any order, also what has ended."""

    @abstractmethod
    def put_ledger(self, row: LedgerRow) -> None:
        """Write a row, in the place of the one that has its scope and key."""

    @abstractmethod
    def remove_ledger(self, scope: bytes, keys: Sequence[bytes]) -> None:
        """Remove the rows of some keys; those that are gone already do not matter."""

    @abstractmethod
    def remove_ended(self, moment: float, limit: int | None = None) -> int:
        """Remove rows of any scope that end at a moment or before, and return how many.

        At most so many, those that ended first before others.
        """

    @abstractmethod
    def close(self) -> None:
        """Close this thread's connection, and let the others close when they are done.

        Can be called again, and the store can be used again: it opens what it needs.
        """
