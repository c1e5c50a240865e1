"""Who lives: a locked file for each process, and for other machines a lease.

The system drops the lock when the process ends in whatever way, so that on its own machine its
death is known at once.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from brickwork_flows.errors import HistoryError
from brickwork_flows.history.files import make_private
from brickwork_flows.limits.book import Process

LEASE_SECONDS = 60.0
"""After so long without a sign of life, a process of another machine counts as dead."""

SUFFIX = ".alive"


class Life:
    """That this process lives, as others can see it.

    Args:
        folder: Where the files of all processes are; made where it lacks.

    Attributes:
        token: The process's own, among those of the history.

    Raises:
        HistoryError: The file cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            make_private(folder)
            while True:
                self.token = f"{os.getpid()}-{os.urandom(6).hex()}"
                self._path = folder / f"{self.token}{SUFFIX}"
                self._file = os.open(self._path, flags, 0o600)
                fcntl.flock(self._file, fcntl.LOCK_EX)
                if os.fstat(self._file).st_nlink:
                    break
                os.close(self._file)  # somebody took it for a dead process's, before it was locked
        except OSError as error:
            raise HistoryError(
                f"{folder} cannot be used: {os.strerror(error.errno or 0).lower()}.",
                fix="Check the disk's free space and the folder's permissions.",
            ) from None
        self._machine, self._host = machine(), os.uname().nodename

    def record(self) -> Process:
        """Return what is written about this process, with a new lease."""
        until = time.time() + LEASE_SECONDS
        return Process(self._machine, self._host, os.getpid(), str(self._path), until)

    def end(self) -> None:
        """Remove the file: nothing is held any more."""
        self._path.unlink(missing_ok=True)
        os.close(self._file)

    def forget(self) -> None:
        """In a forked process: the file is the parent's alone."""
        with suppress(OSError):
            os.close(self._file)


def is_dead(process: Process) -> bool:
    """Tell whether a process has died.

    On the same machine its file tells; where there is no such file, or on another machine, it has
    died when its lease is over.
    """
    if process.machine == machine():
        locked = _locked(process.file)
        if locked is not None:
            return not locked
    return time.time() > process.until


def bodies(folder: Path) -> Iterator[str]:
    """Return the tokens of the processes in a folder that have died and left their files."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        if _locked(str(path)) is False:
            yield path.name.removesuffix(SUFFIX)


def clear(folder: Path, token: str) -> None:
    """Remove what a process has left, when nothing of it is in the book any more."""
    path = folder / f"{token}{SUFFIX}"
    with suppress(OSError):
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # it may be one that just begins
            path.unlink(missing_ok=True)
        finally:
            os.close(file)


def _locked(path: str) -> bool | None:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False


_machine = ""


def machine() -> str:
    """Return what tells this machine, since it was started, from others."""
    global _machine
    if not _machine:
        try:
            # The same in all containers of a machine, whose locks all see.
            _machine = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        except OSError:
            from uuid import getnode

            _machine = f"{getnode():x}"
    return _machine
