"""Connections to a history in SQLite: how they are opened, made ready, and carried by a fork."""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar
from weakref import WeakSet

from brickwork_flows.errors import HistoryError
from brickwork_flows.history.files import make_private
from brickwork_flows.history.schema import FIRST, FORMAT, UPGRADES

BUSY_SECONDS = 60.0
"""How long to wait for another process that writes."""

_TRY_SECONDS = 0.005  # SQLite itself asks ever more seldom, and so misses every gap

T = TypeVar("T")


class _Connection(sqlite3.Connection):
    """A connection that can be referred to weakly."""


_open: WeakSet[_Connection] = WeakSet()
_at_fork: list[_Connection] = []
_inherited: list[_Connection] = []


def _before_fork() -> None:
    _at_fork.extend(_open)


def _in_child() -> None:
    # Closing a connection of the parent would let SQLite tidy up what the parent still uses.
    _inherited.extend(_at_fork)
    _at_fork.clear()
    _open.clear()


os.register_at_fork(before=_before_fork, after_in_parent=_at_fork.clear, after_in_child=_in_child)


def connect(path: Path, *, power: bool = False) -> sqlite3.Connection:
    """Open a history, or make one, for its owner alone.

    Args:
        path: Its file.
        power: Whether each commit waits for the disk.

    Raises:
        HistoryError: It is of a newer format than this program knows.
        sqlite3.Error: It cannot be used.
        OSError: Its folder cannot be made.
    """
    make_private(path.parent)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    database = sqlite3.connect(
        path,
        timeout=_TRY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        factory=_Connection,
    )
    try:
        patiently(lambda: _prepare(database, path, power=power))
    except BaseException:
        database.close()
        raise
    _open.add(database)
    return database


def _prepare(database: sqlite3.Connection, path: Path, *, power: bool) -> None:
    database.execute("PRAGMA trusted_schema = OFF")
    if _format_of(database) != FORMAT:
        _upgrade(database, path)
    if database.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        database.execute("PRAGMA journal_mode = WAL")
    database.execute(f"PRAGMA synchronous = {'FULL' if power else 'NORMAL'}")


def _format_of(database: sqlite3.Connection) -> int:
    found: int = database.execute("PRAGMA user_version").fetchone()[0]
    return found


def _upgrade(database: sqlite3.Connection, path: Path) -> None:
    database.execute("BEGIN IMMEDIATE")
    try:
        found = _format_of(database)
        if found > FORMAT:
            raise HistoryError(
                f"The history {path} has the format {found}; this program knows up to {FORMAT}.",
                fix="Upgrade brickwork-flows, or set BRICKWORK_HISTORY to another folder.",
            )
        if found == 0:
            _execute_all(database, FIRST)
            found = 1
        for number in range(found, FORMAT):
            _execute_all(database, UPGRADES[number])
        database.execute(f"PRAGMA user_version = {FORMAT}")
        database.execute("COMMIT")
    finally:
        if database.in_transaction:
            database.execute("ROLLBACK")


def _execute_all(database: sqlite3.Connection, statements: str) -> None:
    # `executescript` would commit first.
    part = ""
    for line in statements.splitlines():
        part += f"{line}\n"
        if sqlite3.complete_statement(part):
            database.execute(part)
            part = ""


def patiently(work: Callable[[], T]) -> T:
    """Do something again while another process writes, makes the history, or switches its mode."""
    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return work()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.001)
