"""Knowing whether processes that a run has begun work for it still, though its own has died.

What such a process does is not recorded by anybody; but the run must not do it again meanwhile.
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from brickwork_flows.errors import HistoryError, NotResumable
from brickwork_flows.history.files import Lock, make_private

PATIENCE_SECONDS = 10.0
"""How long who resumes a run waits for the processes that worked for it."""

_LOOK_SECONDS = 0.01


class Work:
    """That processes work for a run: known until the last of them has ended, in whatever way.

    Args:
        folder: Where the runs are kept.
        run_id: The run of a flow that nobody called.

    Raises:
        HistoryError: The file cannot be made.
    """

    def __init__(self, folder: Path, run_id: str) -> None:
        for left in _files(folder, ""):
            _removed(left)
        try:
            make_private(folder / _FOLDER)
            self._path, self._lock = _made(folder / _FOLDER, run_id)
        except OSError as error:
            raise HistoryError(
                f"{folder / _FOLDER} cannot be used: {os.strerror(error.errno or 0).lower()}.",
                fix="Check the disk's free space and the folder's permissions.",
            ) from None

    @property
    def file(self) -> int:
        """A locked file, for each of the processes to inherit: who has it open holds the lock."""
        return self._lock.file

    def begun(self, process: int) -> None:
        """Note the id of a process, for people."""
        with suppress(OSError):
            os.write(self.file, b"%d\n" % process)

    def end(self) -> None:
        """Forget it: all of them have ended."""
        self._path.unlink(missing_ok=True)
        self._lock.release()


def await_work(folder: Path, run_id: str) -> None:
    """Wait until no process works for a run whose own process has died.

    Args:
        folder: Where the runs are kept.
        run_id: The run of a flow that nobody called.

    Raises:
        NotResumable: Some of them work still after a while.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    for path in _files(folder, run_id):
        while not _removed(path):
            if time.monotonic() > until:
                processes = ", ".join(filter(_lives, path.read_text().split()))
                raise NotResumable(
                    f"Processes of the run {run_id} work still, though that which began them has "
                    f"died: {processes}.",
                    fix="They end when they come to run Python again. Wait for them, or kill them.",
                )
            time.sleep(_LOOK_SECONDS)


_FOLDER = "working"


def _made(folder: Path, run_id: str) -> tuple[Path, Lock]:
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
    while True:
        path = folder / f"{run_id}.{os.urandom(6).hex()}"
        with suppress(BlockingIOError):
            lock = Lock(os.open(path, flags, 0o600))
            if not lock.removed:
                return path, lock
            lock.release()  # somebody took it for a dead one's, before it was locked


def _files(folder: Path, run_id: str) -> Iterator[Path]:
    yield from (folder / _FOLDER).glob(f"{run_id}.*" if run_id else "*")


def _removed(path: Path) -> bool:
    """Remove the file of processes that have ended; False where one works still."""
    try:
        lock = Lock(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW))
    except FileNotFoundError:
        return True
    except BlockingIOError:
        return False
    path.unlink(missing_ok=True)
    lock.release()
    return True


def _lives(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
