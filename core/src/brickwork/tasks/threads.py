"""Interrupts a call in any thread at its next bytecode."""

import ctypes
import heapq
import itertools
import sys
import threading

from brickwork.errors import TaskError
from brickwork.tasks import clock as time_source
from brickwork.tasks.interrupt import (
    LOOK_AGAIN_SECONDS,
    TRY_AGAIN_SECONDS,
    Interrupt,
    at_fork,
    would_be_lost,
)
from brickwork.tasks.scope import Scope

_lock = threading.Lock()  # held for moments: to fire, to enter and to leave
_local = threading.local()  # .guards: those of this thread, outermost first


class ThreadGuard:
    """Watches one call in the thread that enters it.

    The interrupt may be set at the very moment in which the call ends. So firing and leaving take
    one lock: nothing is fired after leaving, and what was fired before is delivered in `leave`.
    It is not taken back, since in CPython 3.11 that leaves the flag for pending work set: every
    call is slower from then on, and tracers hang.
    """

    __slots__ = ("_guards", "_stopped", "_thread", "interrupt", "scope")

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._thread = 0  # not entered yet
        self._guards: list[ThreadGuard] = []
        self.interrupt: type[Interrupt] | None = None  # once it was fired
        self._stopped = False

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
            if self in self._guards:
                del self._guards[self._guards.index(self) :]
        _deliver()

    def stop(self) -> bool:
        """Interrupt the call, from another thread, since it was cancelled.

        Returns:
            False when the call had not begun: it never will.
        """
        with _lock:
            self._stopped = True
            begun = self._thread != 0
        if begun:
            _watch.add(self, time_source.clock.now())
        return begun

    def stop_soon(self) -> None:
        """`stop`, for who does not ask whether the call had begun."""
        self.stop()

    def fire(self) -> float | None:
        """Interrupt the call, from another thread, unless it has ended.

        Returns:
            After how many seconds to fire again; None for not at all.
        """
        with _lock:
            if self not in self._guards:
                return None
            outer = self._guards[: self._guards.index(self)]
            if any(guard.interrupt for guard in outer):
                return None  # that one is on its way out, and must not be replaced
            if self.interrupt is not None and not self.interrupt.was_swallowed():
                return LOOK_AGAIN_SECONDS
            # This thread runs, so that one stands still until the interrupt reaches it.
            if would_be_lost(sys._current_frames().get(self._thread)):  # noqa: SLF001 - the only way
                return TRY_AGAIN_SECONDS
            self.interrupt = Interrupt.of(self.scope)
            _set_async_exc(self._thread, self.interrupt)
            return LOOK_AGAIN_SECONDS

    def error(self) -> TaskError:
        """Return the error that an interrupted call ends with."""
        return self.scope.error() if self._stopped else self.scope.timed_out()

    @property
    def ended(self) -> bool:
        """Whether the call was left."""
        return self._thread != 0 and self not in self._guards


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
        """Forget guards of calls that ended, each time the heap has doubled."""
        if len(self._heap) > self._tidy_above:
            self._heap = [entry for entry in self._heap if not entry[2].ended]
            heapq.heapify(self._heap)
            self._tidy_above = 2 * len(self._heap) + 100

    def _run(self) -> None:
        while True:
            guard = self._next()
            again = guard.fire()
            if again is not None:
                self.add(guard, time_source.clock.now() + again)
            del guard  # not kept alive while there is nothing to do

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
