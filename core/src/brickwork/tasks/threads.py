"""Interrupts a call in any thread at its next bytecode."""

import ctypes
import heapq
import itertools
import threading

from brickwork.errors import TaskError
from brickwork.tasks import clock as time_source
from brickwork.tasks.scope import Interrupt, Scope, at_fork

_lock = threading.Lock()  # held for moments: to fire, to enter and to leave
_local = threading.local()  # .guards: those of this thread, outermost first


class ThreadGuard:
    """Watches one call in the thread that enters it.

    The interrupt may be set at the very moment in which the call ends. So firing and leaving take
    one lock: nothing is fired after leaving, and what was fired before is delivered in `leave`.
    It is not taken back, since in CPython 3.11 that leaves the flag for pending work set: every
    call is slower from then on, and tracers hang.
    """

    __slots__ = ("_done", "_guards", "_stopped", "_thread", "fired", "scope")

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._thread = 0  # not entered yet
        self._guards: list[ThreadGuard] = []
        self._done = self.fired = self._stopped = False

    def enter(self) -> None:
        """Begin to watch, in the thread that calls this."""
        if not hasattr(_local, "guards"):
            _local.guards = []
        with _lock:
            if self._stopped:
                raise Interrupt.of(self.scope)
            self._guards = _local.guards
            self._guards.append(self)
            self._thread = threading.get_ident()
        if self.scope.ends is not None:
            _watch.add(self, self.scope.ends)

    def leave(self) -> None:
        """Stop watching; an interrupt that is still under way is raised here. Callable twice."""
        with _lock:
            self._done = True
            if self in self._guards:
                del self._guards[self._guards.index(self) :]
        _deliver()

    def fire(self, *, stop: bool = False) -> bool:
        """Interrupt the call from another thread: once, and not after it ended.

        Args:
            stop: It was cancelled, not late.

        Returns:
            False when the call had not begun yet; if it was to stop, it never will.
        """
        with _lock:
            if stop:
                self._stopped = True
            if not self._thread:
                return False
            if not (self._done or self.fired or self._outer_fired()):
                self.fired = True
                _set_async_exc(self._thread, Interrupt.of(self.scope))
            return True

    def error(self) -> TaskError:
        """Return the error that an interrupted call ends with."""
        return self.scope.error() if self._stopped else self.scope.timed_out()

    @property
    def done(self) -> bool:
        """Whether the call has ended."""
        return self._done

    def _outer_fired(self) -> bool:
        """Whether an interrupt of an outer guard is on its way; an inner must not replace it."""
        if self not in self._guards:
            return True  # an outer guard's interrupt came while this one left
        return any(guard.fired for guard in self._guards[: self._guards.index(self)])


def _set_async_exc(thread: int, kind: type[Interrupt]) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(kind))


def _deliver() -> None:
    """Do nothing: CPython raises what was set for a thread whenever it enters a function."""


class _Watch:
    """One thread that fires every guard whose time is up; started when first needed."""

    def __init__(self) -> None:
        self._ready = threading.Condition()
        self._heap: list[tuple[float, int, ThreadGuard]] = []
        self._numbers = itertools.count()  # guards of the same moment are not compared
        self._tidy_above = 100
        self._thread: threading.Thread | None = None

    def add(self, guard: ThreadGuard, ends: float) -> None:
        with self._ready:
            self._tidy()
            heapq.heappush(self._heap, (ends, next(self._numbers), guard))
            if self._heap[0][2] is guard:
                self._ready.notify()
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="brickwork-timeouts", daemon=True)
                thread.start()
                self._thread = thread

    def _tidy(self) -> None:
        """Forget guards that are done, each time the heap has doubled."""
        if len(self._heap) > self._tidy_above:
            self._heap = [entry for entry in self._heap if not entry[2].done]
            heapq.heapify(self._heap)
            self._tidy_above = 2 * len(self._heap) + 100

    def _run(self) -> None:
        while True:
            self._next().fire()

    def _next(self) -> ThreadGuard:
        with self._ready:
            while True:
                left = self._heap[0][0] - time_source.clock.now() if self._heap else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._heap)[2]
                # Looks again each hour: a wait of years overflows.
                self._ready.wait(None if left is None else min(left, 3600.0))


_watch = _Watch()


def _forget() -> None:
    """Begin anew after a fork: the watching thread, and who held a lock, are gone."""
    global _lock, _watch
    _lock = threading.Lock()
    _watch = _Watch()
    if hasattr(_local, "guards"):
        _local.guards.clear()


at_fork(_forget)
