"""What the errors of a vault's SQLite database mean, and what to do about each."""

import errno
import os
import sqlite3
from pathlib import Path

from brickwork.errors import StoreError

GIVE_UP_SECONDS = 60.0
"""How long a writer waits for others."""

_PERMISSION = (
    "you may not",
    "Make the file and its folder yours to read and write, or name another (BRICKWORK_VAULT).",
)
_FULL = ("the disk is full", "Free some space; nothing was changed.")
_READ_ONLY = (
    "it is read-only",
    "Make the file and its folder writable, or save to another vault (BRICKWORK_VAULT).",
)
_DISK = ("the disk reports an error", "Check the disk and its space.")
_OF_SQLITE = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _PERMISSION,
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", _PERMISSION[1]),
    sqlite3.SQLITE_IOERR: _DISK,
    sqlite3.SQLITE_NOTADB: (
        "it is not a database, or damaged at its start",
        "Point BRICKWORK_VAULT at the right file, or restore the vault from a backup.",
    ),
    sqlite3.SQLITE_CORRUPT: (
        "the database is damaged",
        "Restore it from a backup, or save what `sqlite3 FILE .recover` can still read.",
    ),
    sqlite3.SQLITE_BUSY: (
        f"others kept it locked for {GIVE_UP_SECONDS:.0f} seconds",
        "Find the process that holds the lock (`brickwork doctor`), and try again.",
    ),
}
_OF_SYSTEM = {
    errno.EACCES: _PERMISSION,
    errno.EPERM: _PERMISSION,
    errno.EROFS: _READ_ONLY,
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EIO: _DISK,
}


def typed(error: sqlite3.Error | OSError, path: Path, doing: str) -> StoreError:
    """Say what a database's failure means and what to do about it."""
    known: tuple[str, str] | None
    if isinstance(error, OSError):
        known = _OF_SYSTEM.get(error.errno or 0)
        other = error.strerror or type(error).__name__
    else:
        known = _OF_SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        if known is _DISK and _is_full(path):
            known = _FULL  # a reader too needs room, for the index of the log
        other = str(error)
    if _is_folder(path):
        known = ("it is a folder", "Name the vault's file in it (BRICKWORK_VAULT).")
    what, fix = known or (other, "Run `brickwork doctor`.")
    return StoreError(f"The vault {path} cannot be {doing}: {what}.", fix=fix)


def _is_full(path: Path) -> bool:
    try:
        return os.statvfs(path.parent).f_bavail == 0
    except OSError:
        return False


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False
