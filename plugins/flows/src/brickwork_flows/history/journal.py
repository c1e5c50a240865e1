"""The journal: what a process has recorded and not yet folded into the history.

One file for each process that runs flows. Every event is one ``write`` of one line, so that what
was recorded before the process was killed is in the file: the operating system has it. A lock on
the file, which the system drops when the process ends in whatever way, tells whether that process
lives.
"""

import fcntl
import os
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from brickwork_flows.errors import HistoryError
from brickwork_flows.history.events import Event, decoded, encoded

SUFFIX = ".journal"


class Journal:
    """A journal that this process writes. Safe to use from many threads.

    Args:
        path: Its file, which must not exist.
        power: Whether `sync` waits for the disk, so that a loss of power loses nothing either.
    """

    def __init__(self, path: Path, *, power: bool = False) -> None:
        self.path = path
        self._power = power
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
            self._file = os.open(path, flags, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise _unusable(path, error) from None

    def write(self, *events: Event) -> None:
        """Record events, in order, in one piece.

        Raises:
            HistoryError: The disk is full, or gone; nothing of them counts as recorded.
        """
        lines = "".join([_line(encoded(event)) for event in events]).encode("utf-8")
        with self._lock:
            try:
                written = os.write(self._file, lines)
                while written < len(lines):  # a disk that is nearly full
                    written += os.write(self._file, lines[written:])
                if self._power:
                    os.fdatasync(self._file)
            except OSError as error:
                raise _unusable(self.path, error) from None

    def remove(self) -> None:
        """Close it and remove its file: everything in it is in the history."""
        with self._lock:
            self.path.unlink(missing_ok=True)
            os.close(self._file)


class LeftJournal:
    """A journal whose process has died, held so that nobody else folds it meanwhile."""

    def __init__(self, path: Path, file: int) -> None:
        self.path = path
        self._file = file

    @classmethod
    def take(cls, path: Path) -> Self | None:
        """Take a journal; None if its process lives, somebody else has it, or it is gone."""
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unusable(path, error) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return None
        if os.fstat(file).st_nlink == 0:  # removed between open and lock
            os.close(file)
            return None
        return cls(path, file)

    def events(self) -> Iterator[Event]:
        """Return what was recorded, up to a line that is not whole: there its process died."""
        copy = os.dup(self._file)
        with os.fdopen(copy, encoding="utf-8", errors="replace", newline="\n") as lines:
            for line in lines:
                event = _event(line)
                if event is None:
                    return
                yield event

    def remove(self) -> None:
        """Remove its file: everything in it is in the history."""
        self.path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Leave it for another time."""
        os.close(self._file)


def _line(text: str) -> str:
    # The sum finds a line that is not whole, and one that a bad disk has changed.
    return f"{zlib.crc32(text.encode('utf-8')):08x} {text}\n"


def _event(line: str) -> Event | None:
    if not line.endswith("\n") or len(line) < 11:
        return None
    total, text = line[:8], line[9:-1]
    try:
        if int(total, 16) != zlib.crc32(text.encode("utf-8")):
            return None
        return decoded(text)
    except (ValueError, TypeError, IndexError):
        return None


def _unusable(path: Path, error: OSError) -> HistoryError:
    return HistoryError(
        f"The journal {path} cannot be used: {os.strerror(error.errno or 0).lower()}.",
        fix="Check the disk's free space and the folder's permissions.",
    )
