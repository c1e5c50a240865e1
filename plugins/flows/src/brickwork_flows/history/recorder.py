"""What this process records: first in its journal, soon after in the history."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from weakref import WeakSet

from brickwork_flows.errors import HistoryError
from brickwork_flows.history.events import Event, StateSet, encoded
from brickwork_flows.history.interface import History
from brickwork_flows.history.journal import (
    Journal,
    LeftJournal,
    events_so_far,
    folding,
    journals_in,
)
from brickwork_flows.history.requests import Requests
from brickwork_flows.states import FINAL, StateType

FOLD_SECONDS = 0.1
FOLD_EVENTS = 20_000
ROTATE_BYTES = 8 * 1024 * 1024
"""A journal that is larger, and folded, is replaced by one that has only what runs still."""

_FORK_SECONDS = 2.0
_GAP_SECONDS = 0.01  # in which other processes have their turn
_AT_REST = frozenset(kind.value for kind in (*FINAL, StateType.PAUSED))


class Recorder:
    """Records events so that a kill of this process loses none. Safe to use from many threads.

    A process that is forked has no part in it: its `write` raises HistoryError there.

    Args:
        history: Where they are folded into.
        folder: Where the journals of all processes are.
        power: Whether each event waits for the disk.

    Attributes:
        heard: Called with the events of each `write`, after that, in its thread; must be quick.
    """

    def __init__(self, history: History, folder: Path, *, power: bool = False) -> None:
        self.history = history
        self._folder = folder
        self._power = power
        self._journal = Journal(folder, power=power)
        self._notes: deque[_Note] = deque()  # of threads that want them in the journal
        self._waiting: list[Event] = []
        self._alive: dict[str, StateSet] = {}
        self._rotate_at = ROTATE_BYTES
        # A signal handler may record while its thread does.
        self._lock = threading.RLock()
        self._folding = threading.Lock()
        self._wake = threading.Event()
        self._folded = threading.Condition()
        self._recorded = 0
        self._done = 0
        self._closing = False
        self._problem: HistoryError | None = None
        self.heard: Callable[[tuple[object, ...]], object] | None = None
        self.requests = Requests(history)
        self._thread = threading.Thread(target=self._fold, name="brickwork-history", daemon=True)
        self._thread.start()
        _recorders.add(self)

    def write(self, *events: Event) -> None:
        """Record events, in order. When it returns, a kill of this process does not lose them.

        Raises:
            HistoryError: The journal cannot be written; nothing of them counts as recorded.
        """
        if self._notes or not self._lock.acquire(blocking=False):
            self._write_with_others(events)
        else:
            try:
                self._journal.write(encoded(events))
                self._waiting += events
                self._recorded += len(events)
            finally:
                self._lock.release()
        if self.heard is not None:
            self.heard(events)
        if len(self._waiting) > FOLD_EVENTS:
            self._wake.set()

    def _write_with_others(self, events: tuple[Event, ...]) -> None:
        note = _Note(events)
        self._notes.append(note)
        with self._lock:
            # Whoever has the lock writes for all: they wait for it, or for the disk, only once.
            if not note.done:
                self._write_notes()
        if note.problem is not None:
            raise note.problem

    def _write_notes(self) -> None:
        notes: list[_Note] = []
        while self._notes:
            notes.append(self._notes.popleft())
        problem: HistoryError | None = None
        try:
            self._journal.write(*(note.line for note in notes))
        except HistoryError as error:
            problem = error
        except BaseException:
            self._notes.extendleft(reversed(notes))  # an interrupt of this thread is not theirs
            raise
        for note in notes:
            note.done, note.problem = True, problem
            if problem is None:
                self._waiting += note.events
                self._recorded += len(note.events)

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

    @property
    def busy(self) -> bool:
        """Whether a run that it records has not ended, nor waits in no process."""
        return bool(self._alive)

    def close(self) -> None:
        """Fold what is left, and remove the journal; if that fails, the next process does it.

        The journal of runs that have not ended stays, so that the next process says that they
        crashed.
        """
        self._closing = True
        self._wake.set()
        self._thread.join()
        with self._lock:
            self._journal.close(remove=self._done == self._recorded and not self._alive)

    # The thread

    def _fold(self) -> None:
        while True:
            self._wake.wait(FOLD_SECONDS)
            self._wake.clear()
            closing = self._closing
            with self._lock:
                batch, self._waiting = self._waiting, []
            if batch:
                self._fold_batch(batch)
            self.requests.poll()
            if closing:
                self.history.close()
                return
            if len(batch) > FOLD_EVENTS // 10:
                time.sleep(_GAP_SECONDS)
            if self._journal.size > self._rotate_at and len(self._waiting) < FOLD_EVENTS:
                self._rotate()

    def _fold_batch(self, batch: list[Event]) -> None:
        try:
            with self._folding:
                self.history.record(batch)
        except Exception as error:  # noqa: BLE001  # whatever it is, this thread goes on
            with self._lock:
                self._waiting[:0] = batch
            with self._folded:
                self._problem = error if isinstance(error, HistoryError) else _broken(error)
                self._folded.notify_all()
            return
        keep_unfinished(self._alive, batch)
        with self._folded:
            self._done += len(batch)
            self._folded.notify_all()

    def _rotate(self) -> None:
        """Go on in a new journal, which begins with what the next process must know.

        A kill at any point leaves one of them, or both with the same states.
        """
        with self._lock:
            try:
                journal = Journal(self._folder, power=self._power)
            except HistoryError:
                return
            try:
                journal.write(encoded([*self._alive.values(), *self._waiting]))
            except HistoryError:  # a full disk: the old one is as good
                journal.close(remove=True)
                return
            self._journal.close(remove=True)
            self._journal = journal
            self._rotate_at = max(ROTATE_BYTES, 2 * journal.size)

    def _leave(self) -> None:
        """In a forked process: leave everything to the parent, its locks too."""
        self._lock = threading.RLock()
        self._folding = threading.Lock()
        self._folded = threading.Condition()
        self._waiting = []
        self._notes.clear()
        self._journal.close()


class _Note:
    """What one call of `Recorder.write` records; whoever writes it says so here."""

    __slots__ = ("done", "events", "line", "problem")

    def __init__(self, events: tuple[Event, ...]) -> None:
        self.events = events
        self.line = encoded(events)
        self.done = False
        self.problem: HistoryError | None = None


_recorders: WeakSet[Recorder] = WeakSet()
_held: list[threading.Lock] = []


def _before_fork() -> None:
    # SQLite's own locks must not be held at a fork, or the child could not use it.
    for recorder in list(_recorders):
        lock = recorder._folding  # noqa: SLF001  # its own module
        if lock.acquire(timeout=_FORK_SECONDS):
            _held.append(lock)


def _after_fork() -> None:
    while _held:
        _held.pop().release()


def _in_child() -> None:
    _held.clear()
    for recorder in list(_recorders):
        recorder._leave()  # noqa: SLF001  # its own module
    _recorders.clear()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_in_child)


def keep_unfinished(alive: dict[str, StateSet], events: Iterable[Event]) -> None:
    """Bring up to date which runs need their process still, and the state that each is in."""
    for event in events:
        if isinstance(event, StateSet):
            if event.type in _AT_REST:
                alive.pop(event.run, None)
            else:
                alive[event.run] = event


def recover(history: History, folder: Path) -> list[str]:
    """Fold the journals of processes that have died; return the ids of the flows that crashed.

    Runs that had not ended are crashed; paused ones are paused still.

    Raises:
        HistoryError: A journal cannot be read, or the history not written; nothing is lost by it.
    """
    with folding(folder):
        return [run for path in journals_in(folder) for run in _folded(history, path)]


def is_at_work(folder: Path, run: str) -> bool:
    """Tell whether a process has recorded that a run runs in it, and not that it has ended.

    Who asks has folded before what processes that died have left, so that it lives.

    Raises:
        HistoryError: A journal cannot be read.
    """
    while True:
        try:
            return any(run in _unfinished(events_so_far(path)) for path in journals_in(folder))
        except FileNotFoundError:  # its process has ended, or has begun another one
            continue


def _folded(history: History, path: Path) -> list[str]:
    left = LeftJournal.take(path)
    if left is None:
        return []
    try:
        events = list(left.events())
        ended, flows = _crashes(events)
        history.record([*events, *ended])
    except BaseException:
        left.release()
        raise
    left.remove()
    return flows


def _crashes(events: Sequence[Event]) -> tuple[list[StateSet], list[str]]:
    """Return the states of runs that had not ended, and which of them are flows."""
    alive = _unfinished(events)
    message, now = "its process was killed, or the machine stopped", time.time()
    ended = [
        StateSet(run, state.number + 1, "crashed", "Crashed", message, now, state.attempt)
        for run, state in alive.items()
    ]
    # A task's run is called after its flow's, with a dot.
    return ended, [run for run in alive if "." not in run]


def _unfinished(events: Iterable[Event]) -> dict[str, StateSet]:
    alive: dict[str, StateSet] = {}
    keep_unfinished(alive, events)
    return alive


def _broken(error: Exception) -> HistoryError:
    return HistoryError(
        f"What was recorded cannot be kept in the history: {type(error).__name__}: {error}.",
        fix="It stays in the journal. Please report this.",
    )
