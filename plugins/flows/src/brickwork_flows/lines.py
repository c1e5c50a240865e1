"""The lines that runs log and print, as they are kept."""

import threading
from typing import TYPE_CHECKING

from brickwork import mask
from brickwork_flows.history.events import Logged

if TYPE_CHECKING:
    from brickwork_flows.runtime import Runtime

MAX_LINE = 32 * 1024
"""Of a longer text, so many characters are kept."""


class RunLog:
    """The lines of a flow's run, with those of its tasks: numbered from 1. Safe from any thread.

    Args:
        run_id: The flow's run.
        runtime: Where it is recorded.
    """

    def __init__(self, run_id: str, runtime: "Runtime") -> None:
        self._run_id = run_id
        self._runtime = runtime
        self._last: int | None = 0
        # A signal handler may log while a line is written.
        self._lock = threading.RLock()

    def goes_on(self) -> None:
        """Number on from what the history has: the run is resumed."""
        self._last = None

    def add(self, run: str, at: float, level: int, logger: str, message: str) -> None:
        """Keep a line. Secrets are hidden in it, and it is cut if it is very long.

        Raises:
            HistoryError: It cannot be recorded.
        """
        text = stored(message)
        # Written under the lock too: who follows the log asks for what comes after a number.
        with self._lock:
            last = self._recorded() if self._last is None else self._last
            self._last = last + 1
            self._runtime.recorder.write(Logged(run, last + 1, at, level, logger, text))

    def _recorded(self) -> int:
        last = 0
        while lines := self._runtime.history.logs(self._run_id, after=last, limit=10_000):
            last = lines[-1].number
        return last


def stored(message: str) -> str:
    """Return a text as it may be kept: secrets hidden, then cut, lone surrogates written out."""
    text = mask(message)
    if len(text) > MAX_LINE:
        text = f"{text[:MAX_LINE]}... ({len(text) - MAX_LINE} more characters)"
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
