"""How far a running task is: a bar on a terminal, else a line now and then."""

import sys
import time
from collections.abc import Iterator
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


class _Lines:
    """Prints a line at the first report, then at most one a second, and one at the end."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, report: Progress) -> None:
        now = time.monotonic()
        complete = report.total is not None and report.done >= report.total
        if now < self._next and not complete:
            return
        self._next = now + _SECONDS_BETWEEN_LINES
        of = "" if report.total is None else f" of {report.total:g}"
        text = f": {report.text}" if report.text else ""
        note(harmless(f"{report.task} {report.done:g}{of}{text}"))


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
