"""Having a run for oneself: of several processes that would go on with it, only one does."""

import os
import time
from pathlib import Path
from typing import Self

from brickwork_flows.errors import HistoryError
from brickwork_flows.history.files import Lock, make_private

_LOOK_SECONDS = 0.02


class Claim:
    """A run that this process goes on with, or waits in; the system drops it when that ends.

    Args:
        path: The file that is locked.
        lock: Its lock.
    """

    def __init__(self, path: Path, lock: Lock) -> None:
        self._path = path
        self._lock = lock

    @classmethod
    def take(
        cls, folder: Path, run_id: str, *, wait: bool = False, patience: float = 0.0
    ) -> Self | None:
        """Claim a run; None where somebody else has it.

        Args:
            folder: Where the runs are kept.
            run_id: The run of a flow that nobody called.
            wait: Whether to wait until whoever has it gives it back.
            patience: Else, for how many seconds to try: who only looks has it for a moment, too.

        Raises:
            HistoryError: The file cannot be made.
        """
        path = folder / "resuming" / run_id
        until = time.monotonic() + patience
        while True:
            try:
                make_private(path.parent)
                flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
                lock = Lock(os.open(path, flags, 0o600), wait=wait)
            except BlockingIOError:
                if time.monotonic() >= until:
                    return None
                time.sleep(_LOOK_SECONDS)
                continue
            except OSError as error:
                raise HistoryError(
                    f"{path} cannot be made: {os.strerror(error.errno or 0).lower()}.",
                    fix="Check the disk's free space and the folder's permissions.",
                ) from None
            if not lock.removed:
                return cls(path, lock)
            lock.release()  # whoever had it has just removed it

    def release(self) -> None:
        """Give it back."""
        if self._lock.held:
            self._path.unlink(missing_ok=True)
            self._lock.release()
