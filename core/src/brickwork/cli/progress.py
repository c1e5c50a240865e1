"""How far a running task is: a bar on a terminal, else a line now and then."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from brickwork.cli.output import harmless, note
from brickwork.tasks import Progress, on_progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars, TaskID

_SECONDS_BETWEEN_LINES = 1.0


@contextmanager
def shown_progress(*, hidden: bool = False) -> Iterator[None]:
    """Show on standard error what the tasks inside report."""
    if hidden:
        yield
    elif sys.stderr.isatty():
        with _bars() as bars, on_progress(_Bars(bars)):
            yield
    else:
        with on_progress(_Lines()):
            yield


@contextmanager
def counted(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show on standard error how far something is that is no task; nothing if it is done at once.

    Args:
        what: What is counted, for people.

    Yields:
        What to call with how many are done, and of how many.
    """
    if not sys.stderr.isatty():
        yield _reporting(what, _Lines(time.monotonic() + _SECONDS_BETWEEN_LINES))
        return
    with _bars() as bars:
        yield _reporting(what, _Bars(bars))


def _reporting(what: str, show: Callable[[Progress], None]) -> Callable[[int, int], None]:
    return lambda done, total: show(Progress(what, done, total, "", None))


class _Lines:
    """Prints a line at the first report, then at most one a second, and one at the end.

    Args:
        start: Nothing is printed before that time, not even the end.
    """

    def __init__(self, start: float = 0.0) -> None:
        self._next = start
        self._began = not start

    def __call__(self, report: Progress) -> None:
        now = time.monotonic()
        complete = report.total is not None and report.done >= report.total
        if now < self._next and not (complete and self._began):
            return
        self._began = True
        self._next = now + _SECONDS_BETWEEN_LINES
        of = "" if report.total is None else f" of {report.total:g}"
        text = f": {report.text}" if report.text else ""
        note(harmless(f"{report.task} {report.done:g}{of}{text}".strip()))


class _Bars:
    """A bar for each run of a task."""

    def __init__(self, bars: "Bars") -> None:
        self._bars = bars
        self._ids: dict[object, TaskID] = {}

    def __call__(self, report: Progress) -> None:
        key = report.scope if report.scope is not None else report.task
        # Brackets are markup to rich.
        text = harmless(f"{report.task} {report.text}".strip()).replace("[", "\\[")
        if key not in self._ids:
            self._ids[key] = self._bars.add_task(text, total=report.total)
        self._bars.update(
            self._ids[key], completed=report.done, total=report.total, description=text
        )


def _bars() -> "Bars":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress as Bars,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    return Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(show_speed=False),
        TimeElapsedColumn(),
        console=Console(file=sys.stderr),
        transient=True,
    )
