"""What this process records: first in its journal, soon after in the history."""

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from brickwork_flows.errors import HistoryError
from brickwork_flows.history.events import Event, RunStarted, StateSet
from brickwork_flows.history.interface import History
from brickwork_flows.history.journal import SUFFIX, Journal, LeftJournal
from brickwork_flows.states import FINAL, StateType

FOLD_SECONDS = 0.1
FOLD_EVENTS = 20_000


class Recorder:
    """Records events so that a kill of this process loses none. Safe to use from many threads.

    Args:
        history: Where they are folded into.
        folder: Where the journals of all processes are.
        power: Whether each event waits for the disk.
    """

    def __init__(self, history: History, folder: Path, *, power: bool = False) -> None:
        self.history = history
        name = f"{os.getpid()}-{os.urandom(6).hex()}{SUFFIX}"
        self._journal = Journal(folder / name, power=power)
        self._waiting: list[Event] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._folded = threading.Condition()
        self._recorded = 0
        self._done = 0
        self._closing = False
        self._problem: HistoryError | None = None
        self._thread = threading.Thread(target=self._fold, name="brickwork-history", daemon=True)
        self._thread.start()

    def write(self, *events: Event) -> None:
        """Record events, in order. When it returns, a kill of this process does not lose them.

        Raises:
            HistoryError: The journal cannot be written; nothing of them counts as recorded.
        """
        self._journal.write(*events)
        with self._lock:
            self._waiting += events
            self._recorded += len(events)
        if len(self._waiting) > FOLD_EVENTS:
            self._wake.set()

    def flush(self) -> None:
        """Wait until everything recorded so far is in the history.

        Raises:
            HistoryError: It cannot be; it stays in the journal.
        """
        with self._folded:
            wanted = self._recorded
            self._problem = None
            self._wake.set()
            self._folded.wait_for(lambda: self._done >= wanted or self._problem is not None)
            if self._done < wanted and self._problem is not None:
                raise self._problem

    def close(self) -> None:
        """Fold what is left, and remove the journal; if that fails, the next process does it."""
        self._closing = True
        self._wake.set()
        self._thread.join()
        if self._done == self._recorded:
            self._journal.remove()

    def _fold(self) -> None:
        while True:
            self._wake.wait(FOLD_SECONDS)
            self._wake.clear()
            closing = self._closing
            with self._lock:
                batch, self._waiting = self._waiting, []
            self._fold_batch(batch)
            if closing:
                self.history.close()
                return

    def _fold_batch(self, batch: list[Event]) -> None:
        try:
            if batch:
                self.history.record(batch)
        except HistoryError as error:
            with self._lock:
                self._waiting[:0] = batch
            with self._folded:
                self._problem = error
                self._folded.notify_all()
            return
        with self._folded:
            self._done += len(batch)
            self._folded.notify_all()


def recover(history: History, folder: Path) -> list[str]:
    """Fold the journals of processes that have died; return the ids of the flows that crashed.

    Runs that had not ended are crashed.
    """
    crashed: list[str] = []
    with suppress(FileNotFoundError):
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            left = LeftJournal.take(path)
            if left is None:
                continue
            try:
                events = list(left.events())
                ended, flows = _crashes(events)
                history.record([*events, *ended])
            except BaseException:
                left.release()
                raise
            left.remove()
            crashed += flows
    return crashed


def _crashes(events: Sequence[Event]) -> tuple[list[StateSet], list[str]]:
    """Return the states of runs that had not ended, and which of them are flows."""
    import time

    last = {event.run: event for event in events if isinstance(event, StateSet)}
    message = "its process was killed, or the machine stopped"
    ended = [
        StateSet(run, state.number + 1, "crashed", "Crashed", message, time.time(), state.attempt)
        for run, state in last.items()
        if StateType(state.type) not in FINAL
    ]
    flows = {e.id for e in events if isinstance(e, RunStarted) and e.kind == "flow"}
    return ended, [state.run for state in ended if state.run in flows]
