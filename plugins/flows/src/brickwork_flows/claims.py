"""Having a run for oneself: of several processes that would go on with it, only one does."""

import fcntl
import os
from pathlib import Path
from typing import Self

from brickwork_flows.errors import HistoryError
from brickwork_flows.history.files import make_private


class Claim:
    """A run that this process goes on with, or waits in; the system drops it when that ends.

    Args:
        path: The file that is locked.
        file: The same, open.
    """

    def __init__(self, path: Path, file: int) -> None:
        self._path = path
        self._file = file

    @classmethod
    def take(cls, folder: Path, run_id: str, *, wait: bool = False) -> Self | None:
        """Claim a run; None where somebody else has it.

        Args:
            folder: Where the runs are kept.
            run_id: The run of a flow that nobody called.
            wait: Whether to wait until whoever has it gives it back.

        Raises:
            HistoryError: The file cannot be made.
        """
        path = folder / "resuming" / run_id
        how = fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB
        while True:
            try:
                make_private(path.parent)
                flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
                file = os.open(path, flags, 0o600)
            except OSError as error:
                raise HistoryError(
                    f"{path} cannot be made: {os.strerror(error.errno or 0).lower()}.",
                    fix="Check the disk's free space and the folder's permissions.",
                ) from None
            try:
                fcntl.flock(file, how)
            except BlockingIOError:
                os.close(file)
                return None
            if os.fstat(file).st_nlink:
                return cls(path, file)
            os.close(file)  # whoever had it has just removed it

    def release(self) -> None:
        """Give it back."""
        self._path.unlink(missing_ok=True)
        os.close(self._file)
