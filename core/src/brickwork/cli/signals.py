"""Signals that are handled for a while."""

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def handled(numbers: Iterable[int], handler: Callable[[int], None]) -> Iterator[None]:
    """Call a function when one of these signals comes, until the end of the context.

    A signal that this process was started to ignore, as ``nohup`` does with SIGHUP, stays ignored.
    Only for the main thread.
    """

    def handle(number: int, _frame: FrameType | None) -> None:
        handler(number)

    before = {}
    try:
        for number in numbers:
            if number == signal.SIGCHLD or signal.getsignal(number) != signal.SIG_IGN:
                before[number] = signal.signal(number, handle)
        yield
    finally:
        for number, old in before.items():
            # None: it was not set from Python.
            signal.signal(number, signal.SIG_DFL if old is None else old)
