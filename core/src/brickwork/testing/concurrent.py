"""Threads whose errors are not lost, and the memory that a call takes: for contracts."""

import tracemalloc
from collections.abc import Callable, Sequence
from threading import Thread


class CheckedThread:
    """A running thread whose exception is raised by `finish`."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001  # raised in the test's thread
            self._error = error

    def finish(self) -> None:
        """Wait for the thread to end, and raise what it raised."""
        self._thread.join(timeout=120)
        assert not self._thread.is_alive(), "a call did not return within two minutes"
        if self._error is not None:
            raise self._error


def in_threads(work: Sequence[Callable[[], object]]) -> None:
    """Run all at once, each in a thread; raise what the first of them raised."""
    for thread in [CheckedThread(one) for one in work]:
        thread.finish()


def peak_memory(work: Callable[[], object]) -> int:
    """Return how many bytes of Python memory a call takes at its peak."""
    already_tracing = tracemalloc.is_tracing()
    if not already_tracing:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not already_tracing:
            tracemalloc.stop()
