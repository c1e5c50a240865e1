"""The default store: one SQLite file, durable on every commit, for many threads and processes."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self, cast
from urllib.parse import unquote

from brickwork.errors import BlockNotFound, StoreError, VersionConflict
from brickwork.store import AuditRow, Record, Rewrap, WrappedKey
from brickwork.vault.connections import Handle, Pool, begin_writing, exists, retry_busy
from brickwork.vault.sqlite_errors import typed
from brickwork.vault.sqlite_ledger import LedgerTable

_LARGEST = 2**63 - 1  # of SQLite's integers

# The casts: whoever edits the database with other tools may leave text where bytes belong.
_COLUMNS = (
    "CAST(b.block_id AS BLOB), CAST(b.slug AS TEXT), CAST(b.name AS TEXT), CAST(d.version AS INT),"
    " CAST(d.schema_version AS INT), CAST(d.saved_at AS TEXT), CAST(d.saved_by AS TEXT),"
    " CAST(d.kid AS BLOB), CAST(d.public AS BLOB)"
)
_SEALED = ", CAST(d.sealed AS BLOB)"
_NEWEST = " FROM blocks b JOIN documents d ON d.id = b.id AND d.version = b.version"
_EVERY = " FROM blocks b JOIN documents d ON d.id = b.id"
_GET = f"SELECT {_COLUMNS}{_SEALED}{_NEWEST} WHERE b.slug = ? AND b.name = ?"
_GET_VERSION = (
    f"SELECT {_COLUMNS}{_SEALED}{_EVERY} WHERE b.slug = ? AND b.name = ? AND d.version = ?"
)
_SEALED_WITH = (
    f"SELECT {_COLUMNS}{_SEALED}{_EVERY} WHERE d.kid = ? AND (d.id, d.version)"
    " > (coalesce((SELECT id FROM blocks WHERE block_id = ?), 0), ?)"
    " ORDER BY d.id, d.version LIMIT ?"
)
_HEADS = f"SELECT {_COLUMNS}{_NEWEST}"
_VERSIONS = f"SELECT {_COLUMNS}{_SEALED}{_EVERY} WHERE b.slug = ? AND b.name = ? ORDER BY d.version"
_USERS = (
    f"SELECT {_COLUMNS}{_SEALED}%s JOIN uses u ON u.id = d.id AND u.version = d.version"
    " WHERE u.address = ? ORDER BY b.slug, b.name, d.version"
)


class SqliteStore(LedgerTable):
    """A vault in one SQLite file: ``sqlite:///absolute/path`` or a plain path.

    Write-ahead logging with ``synchronous=FULL``: a commit is on the disk when it returns, at the
    cost of one fsync. Old ciphertexts are overwritten with zeros (``secure_delete``). Files are
    readable by their owner only. Each thread of each process has its own connection; all are closed
    before a fork.

    While it is open, do not open and close the file by other means in the same process: closing any
    descriptor of it would drop the locks that SQLite holds
    (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
    """

    scheme: ClassVar[str] = "sqlite"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser().absolute()
        self._pool = Pool(self.path)

    @classmethod
    def open(cls, url: str) -> Self:
        """Make a store from ``sqlite:///path``, or from a path. Does no I/O."""
        return cls(unquote(url.removeprefix("sqlite://")) if url.startswith("sqlite:") else url)

    @property
    def location(self) -> str:
        return str(self.path)

    def exists(self) -> bool:
        try:
            return exists(self.path)
        except OSError as error:
            raise typed(error, self.path, "opened") from None

    @property
    def store_id(self) -> bytes:
        try:
            return self._pool.store_id()
        except (sqlite3.Error, OSError) as error:
            raise typed(error, self.path, "opened") from None

    # Reading

    def get(self, slug: str, name: str, version: int | None = None) -> Record | None:
        if version is None:
            rows = self._read(_GET, slug, name)
        else:
            rows = self._read(_GET_VERSION, slug, name, min(version, _LARGEST))
        return Record._make((*rows[0], ())) if rows else None

    def heads(self, slug: str | None = None) -> Sequence[Record]:
        where, values = ("", ()) if slug is None else (" WHERE b.slug = ?", (slug,))
        return [
            Record._make((*row, b"", ()))
            for row in self._read(f"{_HEADS}{where} ORDER BY b.slug, b.name", *values)
        ]

    def versions(self, slug: str, name: str) -> Sequence[Record]:
        return [Record._make((*row, ())) for row in self._read(_VERSIONS, slug, name)]

    def users_of(self, slug: str, name: str, *, history: bool = False) -> Sequence[Record]:
        query = _USERS % (_EVERY if history else _NEWEST)
        return [Record._make((*row, ())) for row in self._read(query, f"{slug}/{name}")]

    def keys(self) -> Sequence[WrappedKey]:
        rows = self._read(
            "SELECT CAST(kid AS BLOB), CAST(provider AS TEXT), CAST(wrapped AS BLOB), created_at,"
            " active, wraps, active AND kid = (SELECT value FROM meta WHERE name = 'renewing')"
            " FROM keys ORDER BY position"
        )
        return [
            WrappedKey(kid, provider, wrapped, created, bool(active), wraps, bool(renews))
            for kid, provider, wrapped, created, active, wraps, renews in rows
        ]

    # Writing

    @contextmanager
    def transaction(self) -> Iterator[None]:
        try:
            handle = self._pool.take(create=True)
        except (sqlite3.Error, OSError) as error:
            raise typed(error, self.path, "written") from None
        try:
            database = self._idle(handle)
            try:
                self._in_transaction(lambda each: begin_writing(each, self.path), database)
                yield
                if handle.pid != os.getpid():
                    raise StoreError(
                        f"A transaction on the vault {self.path} was carried through a fork.",
                        fix="Fork before the transaction, or after it; the parent's is unharmed.",
                    )
                self._in_transaction(lambda each: each.execute("COMMIT"), database)
            finally:
                # A failed COMMIT (a full disk) may have rolled back already.
                if handle.pid == os.getpid() and database.in_transaction:
                    database.execute("ROLLBACK")
        finally:
            self._pool.give(handle)

    def put(self, record: Record) -> None:
        address = f"{record.slug}/{record.name}"
        if record.version == 1:
            done = self._write(
                "INSERT INTO blocks (block_id, slug, name, version) VALUES (?, ?, ?, 1)"
                " ON CONFLICT DO NOTHING",
                record.block_id,
                record.slug,
                record.name,
            )
        else:
            done = self._write(
                "UPDATE blocks SET version = ? WHERE block_id = ? AND version = ?",
                record.version,
                record.block_id,
                record.version - 1,
            )
        if done != 1:
            raise VersionConflict(
                f"{address} was saved by somebody else in between.",
                fix="Load it again, make the change on what is there now, and save that.",
            )
        row = self._row_id(record.block_id)
        self._write(
            "INSERT INTO documents (id, version, schema_version, saved_at, saved_by, kid, public,"
            " sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            row,
            *record[3:10],
        )
        self._put_uses(row, record)

    def replace(self, record: Record) -> None:
        address = f"{record.slug}/{record.name}"
        row = self._row_id(record.block_id)
        self._write(
            "UPDATE blocks SET slug = ?, name = ? WHERE id = ?", record.slug, record.name, row
        )
        done = self._write(
            "UPDATE documents SET schema_version = ?, saved_at = ?, saved_by = ?, kid = ?,"
            " public = ?, sealed = ? WHERE id = ? AND version = ?",
            *record[4:10],
            row,
            record.version,
        )
        if done != 1:
            raise BlockNotFound(f"{address} has no version {record.version} to write anew.")
        self._write("DELETE FROM uses WHERE id = ? AND version = ?", row, record.version)
        self._put_uses(row, record)

    def remove(self, block_id: bytes) -> None:
        self._write("DELETE FROM blocks WHERE block_id = ?", block_id)
        self._remove_scope(block_id)

    def put_key(self, key: WrappedKey) -> None:
        if key.active:
            self._write("UPDATE keys SET active = 0 WHERE kid != ?", key.kid)
            self._write("DELETE FROM meta WHERE name = 'renewing'")
            if key.renews:
                self._write("INSERT INTO meta VALUES ('renewing', ?)", key.kid)
        self._write(
            "INSERT INTO keys (kid, provider, wrapped, created_at, active, wraps)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (kid) DO UPDATE SET"
            " provider = excluded.provider, wrapped = excluded.wrapped, active = excluded.active",
            *key[:6],
        )

    def count_wrap(self, kid: bytes, times: int = 1) -> int:
        if self._write("UPDATE keys SET wraps = wraps + ? WHERE kid = ?", times, kid) != 1:
            raise StoreError(
                f"The vault {self.path} has no root key {kid.hex()}.",
                fix="The key table was changed: restore the vault from a backup.",
            )
        return cast("int", self._read("SELECT wraps FROM keys WHERE kid = ?", kid)[0][0])

    # Upkeep

    def remove_versions(self, block_id: bytes, versions: Iterable[int]) -> int:
        row = self._row_id(block_id)
        [(newest,)] = self._read("SELECT version FROM blocks WHERE id = ?", row)
        wanted = sorted(set(versions))
        if newest in wanted:
            raise StoreError(
                f"Version {newest} is the newest of its block and cannot be removed alone.",
                fix="Delete the block, or save a newer version first.",
            )
        query = "DELETE FROM documents WHERE id = ? AND version = ?"
        return sum(self._write(query, row, version) for version in wanted)

    def documents_by_key(self) -> Mapping[bytes, int]:
        counts: dict[bytes, int] = {}
        for kid, count in self._read(
            "SELECT CAST(kid AS BLOB), count(*) FROM documents GROUP BY kid"
        ):
            counts[kid] = counts.get(kid, 0) + count  # twice, where text stands for bytes
        return counts

    def sealed_with(self, kid: bytes, limit: int, after: Record | None = None) -> Sequence[Record]:
        block, version = (b"", 0) if after is None else (after.block_id, after.version)
        rows = self._read(_SEALED_WITH, kid, block, min(version, _LARGEST), limit)
        return [Record._make((*row, ())) for row in rows]

    def rewrap(self, changes: Sequence[Rewrap]) -> int:
        return self._write_many(
            "UPDATE documents SET kid = ?, sealed = ? WHERE version = ? AND kid = ? AND sealed = ?"
            " AND id = (SELECT id FROM blocks WHERE block_id = ?)",
            (
                (new.kid, new.sealed, old.version, old.kid, old.sealed, old.block_id)
                for new in changes
                for old in (new.record,)
            ),
        )

    def remove_key(self, kid: bytes) -> None:
        done = self._write(
            "DELETE FROM keys WHERE kid = ?1 AND NOT active"
            " AND NOT EXISTS (SELECT 1 FROM documents WHERE kid = ?1)",
            kid,
        )
        if not done and self._read("SELECT 1 FROM keys WHERE kid = ?", kid):
            raise StoreError(
                f"Root key {kid.hex()} is still needed.",
                fix="See what uses it with `brickwork keys status`.",
            )

    def compact(self) -> None:
        try:
            handle = self._pool.take()
            try:
                database = self._idle(handle)
                # Else the log would keep what VACUUM leaves behind in the file.
                retry_busy(lambda: _checkpoint(database))
                retry_busy(lambda: database.execute("VACUUM"))
                retry_busy(lambda: _checkpoint(database))
            finally:
                self._pool.give(handle)
        except (sqlite3.Error, OSError) as error:
            raise typed(error, self.path, "written") from None

    # The audit trail

    def append_audit(self, row: AuditRow) -> None:
        done = self._write(
            "INSERT INTO audit SELECT ?1, ?2, ?3, ?4"
            " WHERE ?1 = 1 + (SELECT coalesce(max(position), 0) FROM audit)",
            *row,
        )
        if done != 1:
            raise VersionConflict(
                f"Row {row.position} of the audit trail does not follow the last one.",
                fix="Try again; if it happens again, run `brickwork audit verify`.",
            )

    def last_audit(self) -> AuditRow | None:
        rows = self._audit("ORDER BY position DESC LIMIT 1")
        return rows[0] if rows else None

    def audit_rows(self, after: int = 0, limit: int | None = None) -> Sequence[AuditRow]:
        most = -1 if limit is None else limit
        return self._audit("WHERE position > ? ORDER BY position LIMIT ?", after, most)

    def audit_rows_before(self, position: int, limit: int) -> Sequence[AuditRow]:
        return self._audit("WHERE position < ? ORDER BY position DESC LIMIT ?", position, limit)

    def close(self) -> None:
        self._pool.close()

    # Helpers

    def _row_id(self, block_id: bytes) -> int:
        rows = self._read("SELECT id FROM blocks WHERE block_id = ?", block_id)
        if not rows:
            raise BlockNotFound("The block was deleted in between.", fix="Save it as a new one.")
        return cast("int", rows[0][0])

    def _audit(self, where: str, *values: int) -> list[AuditRow]:
        query = "SELECT position, CAST(content AS BLOB), CAST(kid AS BLOB), CAST(mac AS BLOB)"
        rows = self._read_from("audit", f"{query} FROM audit {where}", *values)
        return [AuditRow._make(row) for row in rows]

    def _put_uses(self, row: int, record: Record) -> None:
        for address in record.uses:
            self._write("INSERT OR IGNORE INTO uses VALUES (?, ?, ?)", row, record.version, address)

    def _read(self, query: str, *values: Any) -> list[Any]:
        # No context managers: they would double the time of a read.
        try:
            handle = self._pool.take()
            try:
                # To the end of the rows: any of them can be where the damage is.
                return cast("sqlite3.Connection", handle.database).execute(query, values).fetchall()
            finally:
                self._pool.give(handle)
        except (sqlite3.Error, OSError) as error:
            raise typed(error, self.path, "read") from None

    def _read_from(self, table: str, query: str, *values: Any) -> list[Any]:
        """Read a table that a vault of an older format has not yet: as if it were empty."""
        try:
            return self._read(query, *values)
        except StoreError:
            if self._read("SELECT 1 FROM sqlite_master WHERE name = ?", table):
                raise
            return []

    def _write(self, query: str, *values: Any) -> int:
        """Change rows, and return how many."""
        return self._change(lambda database: database.execute(query, values))

    def _write_many(self, query: str, rows: Iterable[tuple[Any, ...]]) -> int:
        """Change rows, once for each tuple, and return how many."""
        return self._change(lambda database: database.executemany(query, rows))

    def _change(self, action: Callable[[sqlite3.Connection], sqlite3.Cursor]) -> int:
        try:
            database = self._pool.handle().database
            if database is None or not database.in_transaction:
                raise StoreError(
                    f"The vault {self.path} was to be changed outside of a transaction.",
                    fix="Write inside `with store.transaction():`.",
                )
            return action(database).rowcount
        except (sqlite3.Error, OSError) as error:
            raise typed(error, self.path, "written") from None

    def _idle(self, handle: Handle) -> sqlite3.Connection:
        database = cast("sqlite3.Connection", handle.database)
        if database.in_transaction:
            raise StoreError(
                f"A transaction on the vault {self.path} is open in this thread already.",
                fix="End it before the next one begins.",
            )
        return database

    def _in_transaction(
        self, action: Callable[[sqlite3.Connection], object], database: sqlite3.Connection
    ) -> None:
        try:
            action(database)
        except sqlite3.Error as error:
            raise typed(error, self.path, "written") from None


def _checkpoint(database: sqlite3.Connection) -> None:
    """Move the log into the file and empty it. Raises sqlite3.OperationalError while it is read."""
    busy: int = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if busy:
        error = sqlite3.OperationalError("the log is being read")
        error.sqlite_errorcode = sqlite3.SQLITE_BUSY
        raise error
