"""A few lines at the bottom of a terminal that change, and what is printed above them.

The cursor is never hidden, and stands below the lines: a program that is killed leaves a terminal
as it should be. What is printed keeps its bytes, which rich's display would lay out anew; and no
rich is imported.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, TextIO

from brickwork_flows.cli.live_text import Row, cells

FRAME_SECONDS = 0.1
FIRST_SECONDS = 0.25
"""What ends sooner is drawn once, when it has ended."""

SHARE = 50
"""Between two frames passes at least so many times what one costs."""

_AT_ONCE_SECONDS = 0.02
_MARGIN = 2  # lines that are left above

Rows = Callable[[int], list[Row]]
"""Returns what is to be shown, in so many lines at most."""


def is_terminal() -> bool:
    """Whether standard error is a terminal that can move its cursor."""
    return sys.stderr.isatty() and os.environ.get("TERM", "") not in ("dumb", "")


class Screen:
    """Shows lines until it is closed; standard output and error are printed above them.

    Args:
        rows: Makes the lines; called in another thread, some ten times a second at most.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._error = sys.stderr
        self._colours = not os.environ.get("NO_COLOR")
        self._process = os.getpid()
        # A signal handler may print while a line is written.
        self.lock = threading.RLock()
        self._drawn: list[str] = []  # what stands on the terminal now, without colours
        self._frame: list[str] = []  # what was drawn last, with colours, and without
        self._plain: list[str] = []
        self._last = 0.0
        self._open = False  # somebody's line is not finished
        self._closed = False
        self._stop = threading.Event()
        self._above = [_Above(self, sys.stderr)]
        sys.stderr = self._above[0]
        if sys.stdout.isatty():
            self._above.append(_Above(self, sys.stdout))
            sys.stdout = self._above[1]
        self._thread = threading.Thread(target=self._run, name="brickwork-live", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Draw the lines a last time, and leave them; print as ever."""
        if not self.shows:
            return
        self._stop.set()
        self._thread.join(1.0)
        with self.lock, suppress(OSError, ValueError):  # the terminal may be gone
            for above in self._above:
                above.flush()
            if self._open:
                self._error.write("\n")
            self._paint()
        self._closed = True
        for name in ("stderr", "stdout"):
            current = getattr(sys, name)
            if isinstance(current, _Above) and current in self._above:
                setattr(sys, name, current.stream)

    def paint(self) -> None:
        """Draw the lines as they are now."""
        with self.lock:
            if not self._open and not self._closed:
                self._paint()

    @property
    def shows(self) -> bool:
        """Whether lines are shown, by this process."""
        return not self._closed and self._process == os.getpid()

    def print(self, stream: TextIO, text: str) -> None:
        """Print a text above the lines."""
        with self.lock:
            self._erase()
            stream.write(text)
            stream.flush()
            self._open = not text.endswith("\n")
            now = time.monotonic()
            if not self._open and self._frame and now - self._last > _AT_ONCE_SECONDS:
                self._last = now
                self._draw()

    def _run(self) -> None:
        pause = FIRST_SECONDS
        while not self._stop.wait(pause):
            began = time.thread_time()
            try:
                self.paint()
            except (OSError, ValueError):
                return  # the terminal is gone
            pause = max(FRAME_SECONDS, SHARE * (time.thread_time() - began))

    def _paint(self) -> None:
        width, height = self._size()
        rows = [self._writable(row) for row in self._rows(max(2, height - _MARGIN))]
        self._frame = [row.text(width - 1, colours=self._colours) for row in rows]
        self._plain = [row.text(width - 1, colours=False) for row in rows]
        self._last = time.monotonic()
        self._draw()

    def _writable(self, row: Row) -> Row:
        """Return a row as the stream would write it, which may take more cells."""
        encoding = getattr(self._error, "encoding", None) or "utf-8"
        label, about = (
            text.encode(encoding, "backslashreplace").decode(encoding)
            for text in (row.label, row.about)
        )
        return row._replace(label=label, about=about)

    def _draw(self) -> None:
        up = self._up()
        lines = "".join(f"{line}\x1b[K\n" for line in self._frame)
        self._error.write(f"{up}{lines}\x1b[J")
        self._error.flush()
        self._drawn = self._plain

    def _erase(self) -> None:
        if self._drawn:
            self._error.write(f"{self._up()}\x1b[J")
            self._error.flush()
            self._drawn = []

    def _up(self) -> str:
        """Return what moves the cursor to the first line; a narrower terminal has folded them."""
        if not self._drawn:
            return ""
        width, _ = self._size()
        return f"\r\x1b[{sum(max(1, -(-cells(line) // width)) for line in self._drawn)}A"

    def _size(self) -> tuple[int, int]:
        try:
            columns, lines = os.get_terminal_size(self._error.fileno())
        except (OSError, ValueError):
            columns, lines = 0, 0
        return columns or 80, lines or 24


class _Above:
    """A stream whose whole lines go above the lines of a screen.

    Args:
        screen: The screen.
        stream: What is behind it.
    """

    def __init__(self, screen: Screen, stream: TextIO) -> None:
        self.stream = stream
        self._screen = screen
        self._rest = ""

    def write(self, text: str) -> int:
        """Print whole lines; keep the rest until it is one, or is flushed."""
        screen = self._screen
        if not screen.shows:
            return self.stream.write(text)
        with screen.lock:
            whole, newline, self._rest = (self._rest + text).rpartition("\n")
            if newline:
                screen.print(self.stream, whole + newline)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Print what is no whole line yet; until it is, the lines below are away."""
        screen = self._screen
        if not screen.shows:
            self.stream.flush()
            return
        with screen.lock:
            rest, self._rest = self._rest, ""
            if rest:
                screen.print(self.stream, rest)
            else:
                self.stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)
