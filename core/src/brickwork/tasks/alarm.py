"""Interrupts the main thread by SIGALRM, even while it blocks."""

import signal
import threading

# What signal.py wraps: making enums of every handler costs 10 us a call.
from _signal import getsignal, signal as set_handler  # type: ignore[import-not-found]  # typeshed lacks it
from types import FrameType
from typing import Any

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

_alarms: "list[AlarmGuard]" = []  # outermost first; only the main thread touches it
_handler_before: Any = signal.SIG_DFL
_IDLE = (signal.SIG_DFL, signal.SIG_IGN)  # compare by ==: they come as plain numbers


def alarm_is_free() -> bool:
    """Return whether this is the main thread, and SIGALRM is ours or nobody's."""
    if threading.current_thread() is not threading.main_thread():
        return False
    handler = getsignal(signal.SIGALRM)
    if _alarms or handler is _on_alarm:
        return handler is _on_alarm
    # A handler set by C code reads as None. A timer that runs without a handler is taken, too.
    return handler in _IDLE and signal.getitimer(signal.ITIMER_REAL)[0] == 0


class AlarmGuard:
    """Watches one call on the main thread; nested ones share the process's one real timer."""

    __slots__ = ("interrupt", "scope", "silenced")

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.interrupt: type[Interrupt] | None = None  # once it was raised
        self.silenced = False  # an outer one's interrupt is on its way out, not to be replaced

    def due_in(self, now: float) -> float | None:
        """Return the seconds until this guard must raise, or look whether it must again."""
        if self.silenced or self.scope.ends is None:
            return None
        if self.interrupt is None:
            return self.scope.ends - now
        return 0.0 if self.interrupt.was_swallowed() else LOOK_AGAIN_SECONDS

    def enter(self) -> None:
        """Begin to watch."""
        global _handler_before
        if not _alarms:
            previous = set_handler(signal.SIGALRM, _on_alarm)
            if previous is not _on_alarm:
                _handler_before = previous
        _alarms.append(self)
        _set_timer()

    def leave(self) -> None:
        """Stop watching, and put timer and handler back as they were. Callable twice."""
        if self in _alarms:
            del _alarms[_alarms.index(self) :]
        if getsignal(signal.SIGALRM) is not _on_alarm:
            return  # all is put back, or the task took the signal for itself, timer and all
        if _alarms:
            _set_timer()
        else:
            signal.setitimer(signal.ITIMER_REAL, 0)
            set_handler(signal.SIGALRM, _handler_before)

    def error(self) -> TaskError:
        """Return the error that an interrupted call ends with."""
        return self.scope.timed_out()


def _set_timer() -> None:
    now = time_source.clock.now()
    due = [seconds for alarm in _alarms if (seconds := alarm.due_in(now)) is not None]
    if due:
        # 0 would switch the timer off, so at least a microsecond.
        signal.setitimer(signal.ITIMER_REAL, max(min(due), 1e-6))


def _on_alarm(_number: int, frame: FrameType | None) -> None:
    now = time_source.clock.now()
    for place, alarm in enumerate(_alarms):
        due = alarm.due_in(now)
        if due is not None and due <= 0:
            if would_be_lost(frame):
                signal.setitimer(signal.ITIMER_REAL, TRY_AGAIN_SECONDS)
                return
            alarm.interrupt = Interrupt.of(alarm.scope)
            for inner in _alarms[place + 1 :]:
                inner.silenced = True
            _set_timer()
            raise alarm.interrupt
    _set_timer()


at_fork(_alarms.clear)  # timers do not survive a fork
