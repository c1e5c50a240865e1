"""Folders that only their owner enters, locked files, and writes that reach the disk."""

import fcntl
import os
import sys
from pathlib import Path
from weakref import WeakSet

_CLOSED = -1


class Lock:
    """An open file that this process has locked; the system drops the lock when that ends.

    A process that is forked has no part in it: it would hold the lock on after its parent's end.

    Args:
        file: The file, open.

    Raises:
        BlockingIOError: Somebody else has locked it, and `wait` is not wanted; it is closed.
        OSError: It cannot be locked; it is closed.
    """

    __slots__ = ("__weakref__", "_file")

    def __init__(self, file: int, *, wait: bool = False) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BaseException:
            os.close(file)
            raise
        self._file = file
        _locks.add(self)

    @property
    def file(self) -> int:
        """The file, open."""
        return self._file

    @property
    def held(self) -> bool:
        """Whether this process has it."""
        return self._file != _CLOSED

    @property
    def removed(self) -> bool:
        """Whether the file was removed after it was opened."""
        return os.fstat(self._file).st_nlink == 0

    def release(self) -> None:
        """Unlock and close it; nothing in a forked process, which does not have it."""
        if not self.held:
            return
        _locks.discard(self)
        # By hand: a program that was just begun may still have the file, too.
        fcntl.flock(self._file, fcntl.LOCK_UN)
        os.close(self._file)
        self._file = _CLOSED

    def forget(self) -> None:
        """In a forked process: leave it to the parent."""
        os.close(self._file)
        self._file = _CLOSED


_locks: WeakSet[Lock] = WeakSet()


def _in_child() -> None:
    for lock in list(_locks):
        lock.forget()
    _locks.clear()


os.register_at_fork(after_in_child=_in_child)


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that lack, for their owner alone.

    Raises:
        OSError: It cannot be made.
    """
    if folder.is_dir():
        return
    make_private(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)


def sync(file: int) -> None:
    """Wait until what was written to a file is on the disk."""
    if sys.platform == "darwin":  # its fsync stops at the disk's own memory
        import fcntl

        fcntl.fcntl(file, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(file)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    file = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
