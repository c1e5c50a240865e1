"""Connections to a vault in SQLite: made, checked and closed in time.

A connection belongs to one thread of one process. SQLite keeps its locks in the memory of the
process, so that a child process which inherits an open connection believes to hold locks that it
has not, and loses what it writes
(https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_connection_across_a_fork_).
Therefore every connection is closed before a fork, once its transaction has ended; the next use
opens it again.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote
from weakref import WeakSet

from brickwork.errors import BlockNotFound, StoreError
from brickwork.vault.schema import FORMAT
from brickwork.vault.sqlite_errors import GIVE_UP_SECONDS

_APPLICATION_ID = 0x42574B31  # "BWK1": tells `file` and us what this database is
_BUSY_SECONDS = 10.0
_FORK_SECONDS = 10.0

_registry = threading.RLock()  # held while connections or vaults are made, and over a fork
_pools: "WeakSet[Pool]" = WeakSet()
_held: "list[Handle]" = []
_forking = threading.Event()


class Handle:
    """A connection of one thread. Whoever uses it holds its lock, which keeps a fork away."""

    __slots__ = (
        "__weakref__",
        "database",
        "immutable",
        "lock",
        "pid",
        "retired",
        "seen",
        "store_id",
    )

    def __init__(
        self, database: sqlite3.Connection, store_id: bytes, seen: object, *, immutable: bool
    ) -> None:
        self.database: sqlite3.Connection | None = database
        self.lock = threading.RLock()
        self.pid = os.getpid()
        self.retired = False
        self.seen = seen
        self.store_id = store_id
        self.immutable = immutable
        # One that came through a fork in the middle of a transaction must not be closed, not even
        # when its process ends. This circle, which the garbage collector cannot see, keeps it from
        # that; closing it breaks the circle.
        database.create_function("brickwork_keep", 0, database.close)

    def close(self, *, _getpid: Callable[[], int] = os.getpid) -> None:
        """Close it, if it was opened by this process."""
        database, self.database = self.database, None
        if database is not None and self.pid == _getpid():
            database.close()

    __del__ = close

    def close_if_idle(self) -> None:
        """Close it now, or when its transaction is over."""
        if _in_transaction(self):
            self.retired = True
        else:
            self.close()


class Pool:
    """The connections of one store: one for each thread and process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.handles: WeakSet[Handle] = WeakSet()
        self._local = threading.local()
        with _registry:
            _pools.add(self)

    def handle(self, *, create: bool = False) -> Handle:
        """Return this thread's connection; makes the vault first, if that is asked for.

        Raises:
            BlockNotFound: There is no vault.
            StoreError: It is no vault, or one of a newer format.
            sqlite3.Error: It cannot be opened.
        """
        handle: Handle | None = getattr(self._local, "handle", None)
        if handle is not None:
            if self._usable(handle):
                return handle
            handle.close()
        with _registry:
            if create and not exists(self.path):
                _make(self.path)
            self._local.handle = handle = _connect(self.path)
            self.handles.add(handle)
        return handle

    def store_id(self) -> bytes:
        """Return the id of the vault that this thread read last; raises like `handle`."""
        handle: Handle | None = getattr(self._local, "handle", None)
        return (handle or self.handle()).store_id

    def take(self, *, create: bool = False) -> Handle:
        """Return this thread's connection, locked; raises like `handle`."""
        while True:
            handle = self.handle(create=create)
            if _forking.is_set() and not _in_transaction(handle):
                with _registry:  # one who waits for a lock gets it late, if others ask all the time
                    continue
            handle.lock.acquire()
            if handle.database is not None:
                return handle
            handle.lock.release()  # closed for a fork in between

    def give(self, handle: Handle) -> None:
        """Unlock a connection that `take` returned."""
        if handle.retired:
            handle.close_if_idle()
        handle.lock.release()

    def close(self) -> None:
        """Close all that are idle; the others close when their transactions end."""
        with _registry:
            handles = list(self.handles)
        for handle in handles:
            if handle.lock.acquire(blocking=False):
                handle.close_if_idle()
                handle.lock.release()
            else:
                handle.retired = True

    def _usable(self, handle: Handle) -> bool:
        if handle.database is None or handle.pid != os.getpid():
            return False
        if handle.database.in_transaction:
            return True
        # Another file stands there when somebody restored a backup; what is written to the old
        # one is lost.
        return not handle.retired and handle.seen == _look(self.path, immutable=handle.immutable)


def _in_transaction(handle: Handle) -> bool:
    return handle.database is not None and handle.database.in_transaction


def _before_fork() -> None:
    _registry.acquire()
    _forking.set()
    give_up = time.monotonic() + _FORK_SECONDS
    for pool in list(_pools):
        for handle in list(pool.handles):
            if handle.pid == os.getpid() and handle.lock.acquire(
                timeout=max(0.0, give_up - time.monotonic())
            ):
                _held.append(handle)
                if not _in_transaction(handle):
                    handle.close()


def _after_fork() -> None:
    while _held:
        _held.pop().lock.release()
    _forking.clear()
    _registry.release()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)


def exists(path: Path) -> bool:
    """Tell whether there is a vault, or at least something that nobody may write over.

    A file without content is none, and neither is one with a rollback journal beside it: that is
    there only while a vault is being made, or when the process that made it was killed.
    """
    try:
        return os.stat(path).st_size > 0 and not os.path.exists(f"{path}-journal")  # noqa: PTH110, PTH116  # pathlib takes three times as long
    except FileNotFoundError:
        return False


class _Seen(NamedTuple):
    device: int
    inode: int
    size: int = 0
    changed: int = 0
    frozen: bool = False


def _look(path: Path, *, immutable: bool) -> _Seen | None:
    try:
        found = os.stat(path)  # noqa: PTH116  # as above
    except FileNotFoundError:
        return None
    if not immutable:
        return _Seen(found.st_dev, found.st_ino)
    # Nobody can write it from here; somebody may from the other side of a read-only mount.
    return _Seen(
        found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, _cannot_be_written(path)
    )


def _cannot_be_written(path: Path) -> bool:
    # Without a log nobody is writing it now, and SQLite need not write anything beside it.
    return not os.access(path.parent, os.W_OK) and not Path(f"{path}-wal").exists()


def _connect(path: Path) -> Handle:
    immutable = _cannot_be_written(path)
    seen = _look(path, immutable=immutable)
    if seen is None:
        raise _no_vault(path)
    mode = "ro&immutable=1" if immutable else "rw"  # else SQLite would want to write beside it
    database = _open(path, mode)
    try:
        database.execute("PRAGMA trusted_schema = OFF")
        database.execute("PRAGMA cell_size_check = ON")
        database.execute("PRAGMA foreign_keys = ON")
        _check_format(database, path)
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA secure_delete = ON")
        if not immutable:
            _use_log(database, path)
        row = database.execute("SELECT value FROM meta WHERE name = 'store_id'").fetchone()
        if row is None or not isinstance(row[0], bytes):
            raise StoreError(f"The vault {path} has lost its id.", fix="Restore it from a backup.")
        return Handle(database, row[0], seen, immutable=immutable)
    except BaseException:
        database.close()
        raise


def _open(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file://{quote(os.fsencode(path))}?mode={mode}",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )


def _use_log(database: sqlite3.Connection, path: Path) -> None:
    """Switch to write-ahead logging, which a new vault does not have yet."""
    if database.execute("PRAGMA journal_mode").fetchone() == ("wal",):
        return
    modes: list[tuple[str]] = []
    retry_busy(lambda: modes.append(database.execute("PRAGMA journal_mode = WAL").fetchone()))
    if modes != [("wal",)]:
        raise StoreError(
            f"The vault {path} cannot use write-ahead logging where it is.",
            fix="Move it to a local disk; a network file system has no shared memory.",
        )


def _make(path: Path) -> None:
    """Make a vault in one transaction, private from its first byte.

    Safe against others who do it too, and against being killed: what is left then is nothing, or
    a journal from which the next one brings back nothing. The caller holds the registry's lock,
    since closing any descriptor of a database's file drops the locks that this process has on it.
    """
    from brickwork.builtin.key_file import make_private_folder
    from brickwork.vault.schema import FIRST

    make_private_folder(path.parent)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        if path.stat().st_size == 0:
            path.chmod(0o600)
    database = _open(path, "rw")
    try:
        database.execute("PRAGMA synchronous = EXTRA")  # the journal's removal too is durable
        begin(database)
        if _is_empty(database):
            database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            database.execute("PRAGMA user_version = 1")
            for statement in _statements(FIRST):
                database.execute(statement)
            database.execute("INSERT INTO meta VALUES ('store_id', ?)", (os.urandom(16),))
            _upgrade(database)
        database.execute("COMMIT")
    finally:
        database.close()


def begin_writing(database: sqlite3.Connection, path: Path) -> None:
    """Begin a write transaction, and bring an older vault to the newest format in it.

    Reading changes nothing: whoever only looks at an old vault does not lock older programs out of
    it, and a vault that cannot be written can be read.

    Raises:
        StoreError: A newer Brickwork has upgraded the vault since it was opened here.
    """
    begin(database)
    if database.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
        _check_format(database, path)
        _upgrade(database)


def _upgrade(database: sqlite3.Connection) -> None:
    """Bring an older vault to the newest format; inside a transaction."""
    from brickwork.vault.schema import UPGRADES

    while (found := _format(database)[1]) in UPGRADES:
        for statement in _statements(UPGRADES[found]):
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {found + 1}")


def _statements(script: str) -> Iterator[str]:
    """Split a script; executescript would end the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _is_empty(database: sqlite3.Connection) -> bool:
    found: tuple[int, ...] = database.execute(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)"
        " FROM pragma_application_id, pragma_user_version"
    ).fetchone()
    return found == (0, 0, 0)


def begin(database: sqlite3.Connection) -> None:
    """Begin a write transaction, and wait for others to end theirs."""
    retry_busy(lambda: database.execute("BEGIN IMMEDIATE"))


def retry_busy(action: Callable[[], object]) -> None:
    """Try until nobody else holds the lock. Raises sqlite3.OperationalError after a minute."""
    # SQLite's own waiting is not fair: a waiter can lose the race for its whole time-out.
    give_up = time.monotonic() + GIVE_UP_SECONDS
    while True:
        try:
            action()
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not busy or time.monotonic() > give_up:
                raise
            time.sleep(0.001)  # some locks are refused at once, without SQLite's own waiting
        else:
            return


def _no_vault(path: Path) -> BlockNotFound:
    return BlockNotFound(
        f"There is no vault at {path} yet.",
        fix="Save a block first, or point BRICKWORK_VAULT at the vault that has it.",
    )


def _format(database: sqlite3.Connection) -> tuple[int, int]:
    """Return whose database it is, and its format."""
    found: tuple[int, int] = database.execute(
        "SELECT * FROM pragma_application_id, pragma_user_version"
    ).fetchone()
    return found


def _check_format(database: sqlite3.Connection, path: Path) -> None:
    application, version = _format(database)
    if application != _APPLICATION_ID:
        if path.stat().st_size == 0:
            raise _no_vault(path)
        raise StoreError(
            f"{path} is not a Brickwork vault.",
            fix="Point BRICKWORK_VAULT at the vault's own file, or at a new one.",
        )
    if not 1 <= version <= FORMAT:
        raise StoreError(
            f"The vault {path} has format {version}; this Brickwork knows formats up to {FORMAT}.",
            fix="Upgrade brickwork.",
        )
