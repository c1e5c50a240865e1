"""The default store: one SQLite file, durable on every commit, for many threads and processes."""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self, cast
from urllib.parse import quote, unquote

from brickwork.errors import BlockNotFound, StoreError, VersionConflict
from brickwork.store import Record, Store, WrappedKey

_APPLICATION_ID = 0x42574B31  # "BWK1": tells `file` and us what this database is
_FORMAT = 1
_BUSY_SECONDS = 10.0
_GIVE_UP_SECONDS = 60.0

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE keys (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    kid BLOB NOT NULL UNIQUE,
    provider TEXT NOT NULL,
    wrapped BLOB NOT NULL,
    created_at TEXT NOT NULL,
    active INTEGER NOT NULL,
    wraps INTEGER NOT NULL
);
CREATE UNIQUE INDEX one_active_key ON keys (active) WHERE active;
CREATE TABLE blocks (
    id INTEGER PRIMARY KEY,
    block_id BLOB NOT NULL UNIQUE,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    UNIQUE (slug, name)
);
CREATE TABLE documents (
    id INTEGER NOT NULL REFERENCES blocks (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    schema_version INTEGER NOT NULL,
    saved_at TEXT NOT NULL,
    saved_by TEXT NOT NULL,
    kid BLOB NOT NULL,
    public BLOB NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (id, version)
) WITHOUT ROWID;
CREATE INDEX documents_by_kid ON documents (kid);
CREATE TABLE uses (
    id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    address TEXT NOT NULL,
    PRIMARY KEY (id, version, address),
    FOREIGN KEY (id, version) REFERENCES documents (id, version) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX uses_by_address ON uses (address);
"""

_COLUMNS = (
    "b.block_id, b.slug, b.name, d.version, d.schema_version, d.saved_at, d.saved_by, d.kid,"
    " d.public"
)
_NEWEST = " FROM blocks b JOIN documents d ON d.id = b.id AND d.version = b.version"
_EVERY = " FROM blocks b JOIN documents d ON d.id = b.id"
_GET = f"SELECT {_COLUMNS}, d.sealed{_NEWEST} WHERE b.slug = ? AND b.name = ?"
_GET_VERSION = (
    f"SELECT {_COLUMNS}, d.sealed{_EVERY} WHERE b.slug = ? AND b.name = ? AND d.version = ?"
)
_HEADS = f"SELECT {_COLUMNS}{_NEWEST}"
_VERSIONS = (
    f"SELECT {_COLUMNS}, d.sealed{_EVERY} WHERE b.slug = ? AND b.name = ? ORDER BY d.version"
)
_USERS = (
    f"SELECT {_COLUMNS}, d.sealed%s JOIN uses u ON u.id = d.id AND u.version = d.version"
    " WHERE u.address = ? ORDER BY b.slug, b.name, d.version"
)


class SqliteStore(Store):
    """A vault in one SQLite file: ``sqlite:///absolute/path`` or a plain path.

    Write-ahead logging with ``synchronous=FULL``: a commit is on the disk when it returns, at the
    cost of one fsync. Old ciphertexts are overwritten with zeros (``secure_delete``). Files are
    readable by their owner only. Connections belong to a thread and a process; after a fork the
    child opens its own.
    """

    scheme: ClassVar[str] = "sqlite"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser().absolute()
        self._local = threading.local()
        self._store_id: bytes | None = None

    @classmethod
    def open(cls, url: str) -> Self:
        """Make a store from ``sqlite:///path``, or from a path. Does no I/O."""
        return cls(unquote(url.removeprefix("sqlite://")) if url.startswith("sqlite:") else url)

    @property
    def location(self) -> str:
        return str(self.path)

    def exists(self) -> bool:
        with self._typed_errors("opened"):
            return self.path.exists() and self.path.stat().st_size > 0

    @property
    def store_id(self) -> bytes:
        if self._store_id is None:
            row = self._read("SELECT value FROM meta WHERE name = 'store_id'").fetchone()
            self._store_id = cast("bytes", row[0])
        return self._store_id

    # Reading

    def get(self, slug: str, name: str, version: int | None = None) -> Record | None:
        if version is None:
            row = self._read(_GET, slug, name).fetchone()
        else:
            row = self._read(_GET_VERSION, slug, name, version).fetchone()
        return None if row is None else Record._make((*row, ()))

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
            "SELECT kid, provider, wrapped, created_at, active, wraps FROM keys ORDER BY position"
        )
        return [
            WrappedKey(kid, provider, wrapped, created, bool(active), wraps)
            for kid, provider, wrapped, created, active, wraps in rows
        ]

    # Writing

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._typed_errors("written"):
            connection = self._connection(create=True)
            _begin(connection)
            try:
                yield
                connection.execute("COMMIT")
            except BaseException:
                # A failed COMMIT (a full disk) may have rolled back already.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

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
        if done.rowcount != 1:
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
        row = self._row_id(record.block_id)
        self._write(
            "UPDATE blocks SET slug = ?, name = ? WHERE id = ?", record.slug, record.name, row
        )
        self._write(
            "UPDATE documents SET schema_version = ?, saved_at = ?, saved_by = ?, kid = ?,"
            " public = ?, sealed = ? WHERE id = ? AND version = ?",
            *record[4:10],
            row,
            record.version,
        )
        self._write("DELETE FROM uses WHERE id = ? AND version = ?", row, record.version)
        self._put_uses(row, record)

    def remove(self, block_id: bytes) -> None:
        self._write("DELETE FROM blocks WHERE block_id = ?", block_id)

    def put_key(self, key: WrappedKey) -> None:
        if key.active:
            self._write("UPDATE keys SET active = 0 WHERE kid != ?", key.kid)
        self._write(
            "INSERT INTO keys (kid, provider, wrapped, created_at, active, wraps)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (kid) DO UPDATE SET"
            " provider = excluded.provider, wrapped = excluded.wrapped, active = excluded.active",
            *key,
        )

    def count_wrap(self, kid: bytes) -> int:
        row = self._write(
            "UPDATE keys SET wraps = wraps + 1 WHERE kid = ? RETURNING wraps", kid
        ).fetchone()
        return cast("int", row[0])

    def close(self) -> None:
        connection = getattr(self._local, "connection", None)
        if connection is not None and self._local.pid == os.getpid():
            connection.close()
        self._local = threading.local()

    # Helpers

    def _row_id(self, block_id: bytes) -> int:
        row = self._write("SELECT id FROM blocks WHERE block_id = ?", block_id).fetchone()
        if row is None:
            raise BlockNotFound("The block was deleted in between.")
        return cast("int", row[0])

    def _put_uses(self, row: int, record: Record) -> None:
        for address in record.uses:
            self._write("INSERT OR IGNORE INTO uses VALUES (?, ?, ?)", row, record.version, address)

    def _read(self, query: str, *values: Any) -> sqlite3.Cursor:
        # Not _typed_errors: a context manager would double the time of a read.
        try:
            return self._connection().execute(query, values)
        except (sqlite3.Error, OSError) as error:
            raise _typed(error, self.path, "read") from None

    def _write(self, query: str, *values: Any) -> sqlite3.Cursor:
        connection = self._connection()
        assert connection.in_transaction, "writes belong inside `with store.transaction()`"  # noqa: S101  # a bug of ours
        return connection.execute(query, values)

    @contextmanager
    def _typed_errors(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise _typed(error, self.path, doing) from None

    def _connection(self, *, create: bool = False) -> sqlite3.Connection:
        local = self._local
        if getattr(local, "pid", None) == os.getpid():
            return cast("sqlite3.Connection", local.connection)
        # A connection that came through a fork is kept, never closed: closing it here would
        # release locks that SQLite believes the parent holds.
        local.inherited = getattr(local, "connection", None)
        if create and not self.exists():
            self._create()
        local.connection = self._connect()
        local.pid = os.getpid()
        return cast("sqlite3.Connection", local.connection)

    def _connect(self) -> sqlite3.Connection:
        if not self.path.exists():
            raise BlockNotFound(
                f"There is no vault at {self.path} yet.",
                fix="Save a block first, or point BRICKWORK_VAULT at the vault that has it.",
            )
        mode = "rw"
        if not os.access(self.path.parent, os.W_OK) and not Path(f"{self.path}-wal").exists():
            mode = "ro&immutable=1"  # a vault on a read-only mount: nobody can be writing it
        connection = sqlite3.connect(
            f"file:{quote(str(self.path))}?mode={mode}",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            _check_format(connection, self.path)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA trusted_schema = OFF")
        except BaseException:
            connection.close()
            raise
        return connection

    def _create(self) -> None:
        """Make the database file, private from its first byte; safe against others doing it too."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            _retry_busy(lambda: connection.execute("PRAGMA journal_mode = WAL"))
            _begin(connection)
            if connection.execute("PRAGMA application_id").fetchone() == (0,):
                connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {_FORMAT}")
                for statement in _SCHEMA.split(";"):
                    connection.execute(statement)
                connection.execute("INSERT INTO meta VALUES ('store_id', ?)", (os.urandom(16),))
            connection.execute("COMMIT")
        finally:
            connection.close()


def _begin(connection: sqlite3.Connection) -> None:
    _retry_busy(lambda: connection.execute("BEGIN IMMEDIATE"))


def _retry_busy(action: Any) -> None:
    # SQLite's own waiting is not fair: a waiter can lose the race for its whole time-out.
    give_up = time.monotonic() + _GIVE_UP_SECONDS
    while True:
        try:
            action()
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not busy or time.monotonic() > give_up:
                raise
        else:
            return


def _check_format(connection: sqlite3.Connection, path: Path) -> None:
    application, version = connection.execute(
        "SELECT * FROM pragma_application_id, pragma_user_version"
    ).fetchone()
    if application != _APPLICATION_ID:
        raise StoreError(
            f"{path} is not a Brickwork vault.",
            fix="Point BRICKWORK_VAULT at the vault's own file, or at a new one.",
        )
    if version != _FORMAT:
        raise StoreError(
            f"The vault {path} has format {version}; this Brickwork knows format {_FORMAT}.",
            fix="Upgrade brickwork.",
        )


def _typed(error: sqlite3.Error | OSError, path: Path, doing: str) -> StoreError:
    """Say what a database's failure means and what to do about it."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    what, fix = {
        sqlite3.SQLITE_FULL: ("the disk is full", "Free some space; nothing was changed."),
        sqlite3.SQLITE_READONLY: (
            "it is read-only",
            "Make the file and its folder writable, or save to another vault (BRICKWORK_VAULT).",
        ),
        sqlite3.SQLITE_NOTADB: (
            "it is not a database, or damaged at its start",
            "Point BRICKWORK_VAULT at the right file, or restore the vault from a backup.",
        ),
        sqlite3.SQLITE_CORRUPT: (
            "the database is damaged",
            "Restore it from a backup, or save what `sqlite3 FILE .recover` can still read.",
        ),
        sqlite3.SQLITE_BUSY: (
            f"others kept it locked for {_GIVE_UP_SECONDS:.0f} seconds",
            "Find the process that holds the lock (`brickwork doctor`), and try again.",
        ),
        sqlite3.SQLITE_CANTOPEN: (
            "it cannot be opened",
            "Make the file and its folder readable and writable for you.",
        ),
        sqlite3.SQLITE_IOERR: ("the disk reports an error", "Check the disk and its space."),
    }.get(code, (str(error.strerror) if isinstance(error, OSError) else str(error), ""))
    return StoreError(
        f"The vault {path} cannot be {doing}: {what}.", fix=fix or "Run `brickwork doctor`."
    )
