"""Locks by key, so that threads and processes that want the same result compute it once."""

import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

from brickwork import Scope
from brickwork_flows.futures import block

FIRST_WAIT_SECONDS = 0.002
LONGEST_WAIT_SECONDS = 0.05


class KeyLock:
    """The lock of a key: held by one thread or coroutine of all processes on this machine.

    The system releases it when its process ends, in whatever way.

    Args:
        path: The file that is locked; it exists while somebody holds it or waits for it.
    """

    __slots__ = ("_file", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def take(self) -> bool:
        """Take the lock if nobody has it, without waiting; return whether it is held now.

        Raises:
            OSError: The file cannot be made or locked.
        """
        while True:
            try:
                file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            except FileNotFoundError:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                continue
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
                return False
            except BaseException:
                os.close(file)
                raise
            if _is_at(file, self.path):
                self._file = file
                return True
            os.close(file)  # whoever held it has removed it since we opened it

    def wait(self) -> None:
        """Take the lock, waiting for whoever has it.

        Raises:
            TaskCancelled: The scope that runs now was cancelled before or meanwhile.
            TaskTimeout: Its time is up.
            OSError: The file cannot be made or locked.
        """
        if self.take():
            return
        over = Event()
        scope = Scope("wait for a result of another run")
        try:
            while self._file is None:
                scope.check()
                with scope.waking(over.set):
                    # The place in a pool of threads is for others meanwhile.
                    block(lambda seconds: self._poll(over, seconds), over.set, None)
        except BaseException:
            self.release()
            raise

    def _poll(self, over: Event, seconds: float | None) -> None:
        """Try to take the lock again and again, until it is held or the wait is over."""
        end = None if seconds is None else time.monotonic() + seconds
        for pause in _waits():
            if over.wait(pause) or self.take() or (end is not None and time.monotonic() > end):
                return

    async def wait_async(self) -> None:
        """`wait` without blocking the event loop."""
        import asyncio

        scope = Scope("wait for a result of another run")
        for seconds in _waits():
            scope.check()
            if self.take():
                return
            await asyncio.sleep(seconds)

    def release(self) -> None:
        """Let the next one have it; nothing happens where it is not held."""
        file, self._file = self._file, None
        if file is None:
            return
        try:
            # While it is locked, so that nobody can have taken it between the two steps.
            self.path.unlink(missing_ok=True)
        finally:
            # Unlocked by hand: a child process that inherited the file would hold it on.
            fcntl.flock(file, fcntl.LOCK_UN)
            os.close(file)


def _waits() -> Iterator[float]:
    seconds = FIRST_WAIT_SECONDS
    while True:
        yield seconds
        seconds = min(seconds * 1.5, LONGEST_WAIT_SECONDS)


def _is_at(file: int, path: Path) -> bool:
    """Return whether an open file is the one that is at a path now."""
    try:
        there = path.lstat()
    except FileNotFoundError:
        return False
    here = os.fstat(file)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
