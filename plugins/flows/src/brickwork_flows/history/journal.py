"""The journal: what a process has recorded and not yet folded into the history.

One file for each process that runs flows. What is recorded together is one ``write`` of one line,
so that what was recorded before the process was killed is in the file: the operating system has
it. A lock on the file, which the system drops when the process ends in whatever way, tells whether
that process lives.
"""

import fcntl
import os
import stat
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from brickwork_flows.errors import HistoryError
from brickwork_flows.history.events import Event, decoded
from brickwork_flows.history.files import Lock, make_private, sync, sync_folder

SUFFIX = ".journal"

_CLOSED = -1
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_FOLDING_SECONDS = 10.0
_LOOK_SECONDS = 0.01


class Journal:
    """A journal that this process writes. For one thread at a time.

    Args:
        folder: Where the journals of all processes are; made where it lacks.
        power: Whether `write` waits for the disk, so that a loss of power loses nothing either.

    Attributes:
        path: Its file.
        size: How many bytes it has.

    Raises:
        HistoryError: It cannot be made.
    """

    def __init__(self, folder: Path, *, power: bool = False) -> None:
        self._power = power
        self.size = 0
        try:
            make_private(folder)
            self.path, self._file = _made(folder)
            if power:
                sync_folder(folder)
        except OSError as error:
            raise _unusable(folder, error) from None

    def write(self, *lines: bytes) -> None:
        """Record lines that `encoded` returns: all or, where that fails, none.

        Raises:
            HistoryError: The disk is full, or gone, or the journal was closed; nothing of them
                counts as recorded.
        """
        if self._file == _CLOSED:
            raise HistoryError(
                f"The journal {self.path} is closed: its process ends, or has forked this one.",
                fix="Begin a flow in the process that is to run it.",
            )
        # The sum finds a line that is not whole, and one that a bad disk has changed.
        text = b"".join([b"%08x %b\n" % (zlib.crc32(line), line) for line in lines])
        try:
            written = os.write(self._file, text)
            while written < len(text):  # a signal, or a disk that is nearly full
                written += os.write(self._file, text[written:])
            if self._power:
                sync(self._file)
        except BaseException as error:
            # Half a line would swallow the next one.
            with suppress(OSError):
                os.ftruncate(self._file, self.size)
            if isinstance(error, OSError):
                raise _unusable(self.path, error) from None
            raise
        self.size += len(text)

    def close(self, *, remove: bool = False) -> None:
        """Close it; with its file removed, if everything in it is elsewhere."""
        file, self._file = self._file, _CLOSED
        if file != _CLOSED:
            if remove:
                self.path.unlink(missing_ok=True)
            os.close(file)


def _made(folder: Path) -> tuple[Path, int]:
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
    while True:
        path = folder / f"{os.getpid()}-{os.urandom(6).hex()}{SUFFIX}"
        file = os.open(path, flags, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file).st_nlink:
            return path, file
        os.close(file)  # somebody took it for a dead process's, before it was locked


@contextmanager
def folding(folder: Path) -> Iterator[None]:
    """Fold what others left in a folder while nobody else does: wait until that is in the history.

    Who does so is waited for in vain where it was stopped in the middle: then both fold.
    """
    until = time.monotonic() + _FOLDING_SECONDS
    lock: Lock | None = None
    while lock is None and time.monotonic() < until:
        try:
            lock = Lock(os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY))
        except BlockingIOError:
            time.sleep(_LOOK_SECONDS)
        except OSError:
            break  # there is none, or it takes no locks: each journal has its own
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


class LeftJournal:
    """A journal whose process has died, held so that nobody else folds it meanwhile."""

    def __init__(self, path: Path, lock: Lock) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def take(cls, path: Path) -> Self | None:
        """Take a journal; None if its process lives, somebody else has it, or it is gone.

        Raises:
            HistoryError: It cannot be opened.
        """
        try:
            lock = Lock(os.open(path, _READ))
        except (FileNotFoundError, BlockingIOError):
            return None
        except OSError as error:
            raise _unusable(path, error) from None
        # Removed between open and lock; or put there by somebody, as a folder or a pipe.
        if lock.removed or not stat.S_ISREG(os.fstat(lock.file).st_mode):
            lock.release()
            return None
        return cls(path, lock)

    def events(self) -> Iterator[Event]:
        """Return what was recorded, without lines that are not whole: those never counted.

        Raises:
            HistoryError: It cannot be read, or a newer version of this package wrote it.
        """
        return _events(self.path, os.dup(self._lock.file))

    def remove(self) -> None:
        """Remove its file: everything in it is in the history."""
        self.path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Leave it for another time."""
        self._lock.release()


def events_so_far(path: Path) -> Iterator[Event]:
    """Return what was recorded in a journal until now, also of a process that lives.

    Raises:
        FileNotFoundError: It is gone: its process has ended, or has begun another one.
        HistoryError: As `LeftJournal.events`.
    """
    file = os.open(path, _READ)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        return iter(())
    return _events(path, file)


def _events(path: Path, file: int) -> Iterator[Event]:
    try:
        with os.fdopen(file, "rb") as lines:
            for line in lines:
                yield from _of_line(path, line)
    except OSError as error:
        raise _unusable(path, error) from None


def _of_line(path: Path, line: bytes) -> Sequence[Event]:
    total, _, text = line[:-1].partition(b" ")
    if not line.endswith(b"\n") or total != b"%08x" % zlib.crc32(text):
        return ()
    try:
        return decoded(text)
    except (ValueError, TypeError, IndexError):
        # It is as it was written, so that to leave it out would lose what was acknowledged.
        raise HistoryError(
            f"The journal {path} has events that this version does not know.",
            fix="Update brickwork-flows here to the version that wrote it; nothing is lost.",
        ) from None


def journals_in(folder: Path) -> list[Path]:
    """Return the journals of all processes. Raises HistoryError where they cannot be listed."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == SUFFIX)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise _unusable(folder, error) from None


def _unusable(path: Path, error: OSError) -> HistoryError:
    return HistoryError(
        f"The journal {path} cannot be used: {os.strerror(error.errno or 0).lower()}.",
        fix="Check the disk's free space and the folder's permissions.",
    )
