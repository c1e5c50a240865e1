"""The limits of a history, in this process: the book is read and written here."""

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from contextvars import ContextVar
from heapq import heappop, heappush
from itertools import count

from brickwork_flows.errors import EntryConflict, HistoryError
from brickwork_flows.limits.alive import LEASE_SECONDS, Life, bodies, clear, is_dead
from brickwork_flows.limits.book import Book
from brickwork_flows.limits.claim import Claim
from brickwork_flows.limits.lines import Lines
from brickwork_flows.runtime import LIMITS, Runtime

FIRST_POLL_SECONDS = 0.005
LONGEST_POLL_SECONDS = 0.1
"""While somebody waits for slots, the book is looked into so often; ever more seldom as long as
nothing changes."""

DEATHS_SECONDS = 0.5
"""So often it is looked whether those that hold slots live."""

_IDLE_SECONDS = 1.0  # after which the thread ends

_log = logging.getLogger("brickwork.flows")


class Limiter:
    """Gives out the slots of a history's limits in this process. Safe to use from many threads.

    Args:
        runtime: The history; beside it, processes show that they live.

    Attributes:
        seen: The book as it was last seen.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._folder = runtime.place.folder / "limits"
        self._life = Life(self._folder)
        self._lines = Lines(self._life.token)
        self._wake = threading.Condition(self._lines.lock)
        self._changing = threading.Lock()  # held while the book is read and written
        self._dead: set[str] = set()
        # Files that nobody has locked: of dead processes, or of some that just begin.
        self._bodies = set(bodies(self._folder))
        self._ends: list[tuple[float, int, Claim]] = []
        self._numbers = count()
        self._next_deaths = 0.0
        self._poll = FIRST_POLL_SECONDS
        self._looked = 0.0  # when the book was looked into
        self._version = 0
        self._asked = False
        self._sleeps_until = 0.0
        self._thread: threading.Thread | None = None
        self.seen = Book()

    # Claims

    def claim(self, names: Iterable[str], rates: Iterable[str], slots: int, run: str = "") -> Claim:
        """Return a claim of what runs here; it wants nothing yet."""
        around = tuple(claim for limiter, claim in held_here.get() if limiter is self)
        return Claim(names, rates, slots, run, around)

    def enter(self, claim: Claim, *, now: bool = True) -> None:
        """Take what a claim wants, or line it up for that.

        Args:
            claim: Is done when this returns, or some time later.
            now: Whether to look into the book here, and not in the limiter's thread.

        Raises:
            HistoryError: The history cannot be read or written.
        """
        with self._lines.lock:
            first = self._lines.enter(claim)
        if claim.done:
            return
        if first and now:
            try:
                self.change()
            except BaseException:
                self.leave(claim, now=False)
                raise
        self._ask(look=not now)

    def leave(self, claim: Claim, *, now: bool = True) -> None:
        """Give back what a claim holds, or take it out of its line; once for each claim.

        Args:
            claim: The claim.
            now: Whether to write that here, and not in the limiter's thread.
        """
        with self._lines.lock:
            self._lines.leave(claim)
            now = now and bool(self._lines.dropping)
        if now:
            try:
                self.change()
            except HistoryError as error:
                _log.warning("slots are given back later: %s", error.what)
        self._ask(look=not now)

    def stops(self, loop: int, names: Iterable[str]) -> bool:
        """Tell whether slots are for coroutines of a loop, which cannot go on while it waits."""
        with self._lines.lock:
            return self._lines.stops(loop, names)

    def wake_at(self, claim: Claim, end: float) -> None:
        """Have who waits for a claim look at a time of the monotonic clock, if it is not done."""
        with self._lines.lock:
            heappush(self._ends, (end, next(self._numbers), claim))
        self._ask()

    # The book

    def change(
        self, function: Callable[[Book], object] | None = None, *, deaths: bool = False
    ) -> Book:
        """Write into the book what this process wants and gives back, and see who is next.

        Args:
            function: Changes it besides; it is called again when somebody else was faster.
            deaths: Whether to look now who has died.

        Raises:
            HistoryError: The history cannot be read or written.
        """
        more = True
        while more:
            with self._changing:
                more = self._change_once(function, deaths=deaths)
            function = None
        return self.seen

    def _change_once(self, function: Callable[[Book], object] | None, *, deaths: bool) -> bool:
        while True:
            entry = self._runtime.history.entry(*LIMITS)
            before = {} if entry is None else entry.value
            version = 0 if entry is None else entry.version
            book = Book(before)
            self._look_for_deaths(book, now=deaths or bool(self._bodies))
            for token in self._dead:
                book.bury(token)
            if function is not None:
                function(book)
            with self._lines.lock:
                step = self._lines.apply(book)
            self._sign(book)
            after = book.value()
            if after == before:
                break
            with suppress(EntryConflict):
                version = self._runtime.history.put(*LIMITS, after, expected=version).version
                break
        for token in self._dead | (self._bodies - book.processes.keys()):
            clear(self._folder, token)
        self._dead.clear()
        self._bodies.clear()
        with self._lines.lock:
            calm = version == self._version
            self._poll = min(self._poll * 1.5, LONGEST_POLL_SECONDS) if calm else FIRST_POLL_SECONDS
            self._version, self._looked, self.seen = version, time.monotonic(), book
            for claim in self._lines.lost(book):
                _log.warning(
                    "slots of %s were released by somebody else: by hand, or since this process "
                    "did not renew its lease",
                    ", ".join(claim.names),
                )
            return self._lines.notice(book, step)

    def _look_for_deaths(self, book: Book, *, now: bool) -> None:
        # After the book was read: who has tickets in it has locked its file before.
        if not now and not self._lines.waiting:
            return
        clock = time.monotonic()
        if not now and clock < self._next_deaths:
            return
        self._next_deaths = clock + DEATHS_SECONDS
        for token, process in book.processes.items():
            if token != self._life.token and is_dead(process):
                self._dead.add(token)

    def _sign(self, book: Book) -> None:
        """Say that this process lives, if it has tickets in the book."""
        token = self._life.token
        if not any(each.process == token for each in (*book.held.values(), *book.queue.values())):
            book.processes.pop(token, None)
            return
        process = book.processes.get(token)
        if process is None or process.until - time.time() < LEASE_SECONDS / 2:
            book.processes[token] = self._life.record()

    # The thread

    def _ask(self, *, look: bool = False) -> None:
        """Have the thread run, and go on, while there is something to wait for or to renew."""
        with self._wake:
            self._asked = self._asked or look
            pause = self._pause()
            if pause is None:
                return
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._serve, name="brickwork-limits", daemon=True
                )
                self._thread.start()
            elif time.monotonic() + pause < self._sleeps_until:
                self._wake.notify()

    def _pause(self) -> float | None:
        """Return for how long the thread may sleep; None if there is nothing to do for it."""
        if self._asked:
            return 0.0
        now, ends = time.monotonic(), []
        if self._lines.waiting or self._lines.dropping:
            ends.append(self._looked + self._poll)
        elif self._lines.held:
            ends.append(self._looked + LEASE_SECONDS / 3)
        due = self._lines.next_due()
        if due is not None:
            ends.append(now + due - time.time())
        if self._ends:
            ends.append(self._ends[0][0])
        return max(0.0, min(ends) - now) if ends else None

    def _serve(self) -> None:
        while self._has_slept():
            try:
                self.change()
            except HistoryError as error:
                with self._lines.lock:
                    self._looked, self._poll = time.monotonic(), LONGEST_POLL_SECONDS
                    self._lines.fail(error)
        self._runtime.history.close()

    def _has_slept(self) -> bool:
        """Sleep until there is something to do; tell whether there is within a while."""
        with self._wake:
            while (pause := self._pause()) != 0.0:
                seconds = _IDLE_SECONDS if pause is None else pause
                self._sleeps_until = time.monotonic() + seconds
                notified = self._wake.wait(seconds)
                if pause is None and not notified and self._pause() is None:
                    self._thread = None
                    return False
            self._asked = False
            self._sleeps_until = 0.0
            now = time.monotonic()
            while self._ends and (self._ends[0][0] <= now or self._ends[0][2].done):
                heappop(self._ends)[2].wake()
            return True

    # Ends

    def close(self) -> None:
        """Give back everything: the process ends."""
        with suppress(HistoryError):
            self._dead.add(self._life.token)
            self._lines = Lines(self._life.token)
            self.change()
            self._life.end()

    def forget(self) -> None:
        """In a forked process: leave everything to the parent."""
        self._life.forget()


held_here: ContextVar[tuple[tuple[Limiter, Claim], ...]] = ContextVar(
    "brickwork_limits", default=()
)
"""The claims that what runs here is inside of, the innermost last."""

_limiters: dict[Runtime, Limiter] = {}
_making = threading.Lock()


def limiter_of(runtime: Runtime) -> Limiter:
    """Return this process's limiter of a history.

    Raises:
        HistoryError: The folder beside the history cannot be used.
    """
    limiter = _limiters.get(runtime)
    if limiter is None:
        with _making:
            limiter = _limiters.get(runtime)
            if limiter is None:
                limiter = _limiters[runtime] = Limiter(runtime)
    return limiter


def _in_child() -> None:
    global _making
    _making = threading.Lock()
    for limiter in _limiters.values():
        limiter.forget()
    _limiters.clear()


os.register_at_fork(after_in_child=_in_child)


@atexit.register
def _close_all() -> None:
    for limiter in _limiters.values():
        limiter.close()
