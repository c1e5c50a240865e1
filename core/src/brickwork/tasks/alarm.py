"""Interrupts the main thread by SIGALRM, even while it blocks."""

import signal
import threading
from types import FrameType
from typing import Any

from brickwork.errors import TaskError
from brickwork.tasks import clock as time_source
from brickwork.tasks.scope import Interrupt, Scope, at_fork

_alarms: "list[AlarmGuard]" = []  # outermost first; only the main thread touches it
_handler_before: Any = signal.SIG_DFL


def alarm_is_free() -> bool:
    """Return whether this is the main thread, and SIGALRM is ours or nobody's."""
    if threading.current_thread() is not threading.main_thread():
        return False
    handler = signal.getsignal(signal.SIGALRM)
    if _alarms or handler is _on_alarm:
        return handler is _on_alarm
    # A handler set by C code reads as None. A timer that runs without a handler is taken, too.
    idle = handler is signal.SIG_DFL or handler is signal.SIG_IGN
    return idle and signal.getitimer(signal.ITIMER_REAL)[0] == 0


class AlarmGuard:
    """Watches one call on the main thread; nested ones share the process's one real timer."""

    __slots__ = ("live", "scope")

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.live = True

    def enter(self) -> None:
        """Begin to watch."""
        global _handler_before
        while _alarms and not _alarms[-1].live:
            _alarms.pop()  # left behind by a Ctrl-C in the middle of leaving
        if not _alarms:
            previous = signal.signal(signal.SIGALRM, _on_alarm)
            if previous is not _on_alarm:
                _handler_before = previous
        _alarms.append(self)
        _set_timer()

    def leave(self) -> None:
        """Stop watching, and put timer and handler back as they were. Callable twice."""
        self.live = False  # from here on the handler raises nothing for this guard
        if self not in _alarms:
            return
        del _alarms[_alarms.index(self) :]
        if signal.getsignal(signal.SIGALRM) is not _on_alarm:
            return  # the task took the signal for itself, and its timer with it
        if _alarms:
            _set_timer()
        else:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, _handler_before)

    def error(self) -> TaskError:
        """Return the error that an interrupted call ends with."""
        return self.scope.timed_out()


def _set_timer() -> None:
    ends = [alarm.scope.ends for alarm in _alarms if alarm.live and alarm.scope.ends is not None]
    if ends:
        # 0 would switch the timer off, so at least a microsecond.
        left = max(min(ends) - time_source.clock.now(), 1e-6)
        signal.setitimer(signal.ITIMER_REAL, left)


def _on_alarm(_number: int, _frame: FrameType | None) -> None:
    now = time_source.clock.now()
    for place, alarm in enumerate(_alarms):
        ends = alarm.scope.ends
        if alarm.live and ends is not None and ends <= now:
            for inner in _alarms[place:]:
                inner.live = False  # an inner one must not replace this interrupt on its way out
            raise Interrupt.of(alarm.scope)
    _set_timer()


at_fork(_alarms.clear)  # timers do not survive a fork
