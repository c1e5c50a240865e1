"""Timing, and the rows that the benchmarks make."""

import math
import os
import statistics
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Literal, NamedTuple

Unit = Literal["s", "MB", "MB/s", "/s", "count"]


class Skip(Exception):
    """A part cannot run here; the message says what it needs."""


@dataclass(frozen=True)
class Bar:
    """A limit on one's own figure, or on the ratio of it to the other.

    Args:
        of: Which of the two is limited.
        at_most: The highest value allowed; in the row's own unit where it is the figure.
        at_least: The lowest value allowed.
    """

    of: Literal["ours", "ratio"]
    at_most: float | None = None
    at_least: float | None = None

    def met(self, value: float) -> bool:
        """Tell whether a figure, or ratio, is within the limit."""
        if self.at_most is not None and value > self.at_most:
            return False
        return self.at_least is None or value >= self.at_least

    def text(self, unit: Unit) -> str:
        """Return the limit as it stands in the table: ``≤ 50.0 µs``, ``≥ 0.90 x``."""
        sign, limit = ("≤", self.at_most) if self.at_most is not None else ("≥", self.at_least)
        assert limit is not None
        return f"{sign} {limit:g}x" if self.of == "ratio" else f"{sign} {show(limit, unit)}"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Args:
        what: What was measured.
        unit: Of both figures; seconds are shown as µs, ms or s.
        ours: Brickwork's figure. None where it could not be measured; ``note`` says why.
        other: What it is compared with: a baseline or the peer.
        other_name: What the other is.
        ratio: Of ours to the other. Given where it is not simply their quotient (interleaved
            processes: the median of the ratios of each round).
        bar: The limit, if there is one.
        note: How the figures came about, where that is not plain.
    """

    what: str
    unit: Unit = "s"
    ours: float | None = None
    other: float | None = None
    other_name: str = ""
    ratio: float | None = None
    bar: Bar | None = None
    note: str = ""

    def the_ratio(self) -> float | None:
        """Return ours divided by the other, or what was given as that."""
        if self.ratio is not None or self.ours is None or not self.other:
            return self.ratio
        return self.ours / self.other

    def met(self) -> bool | None:
        """Tell whether the bar is met; None where there is no bar or no figure."""
        if self.bar is None:
            return None
        value = self.ours if self.bar.of == "ours" else self.the_ratio()
        return None if value is None else self.bar.met(value)

    def as_json(self) -> dict[str, Any]:
        """Return the row for ``--json``; figures in the base unit (seconds, MB, MB/s, count)."""
        return {
            "what": self.what,
            "unit": self.unit,
            "ours": self.ours,
            "other": self.other,
            "other_name": self.other_name,
            "ratio": self.the_ratio(),
            "bar": self.bar.text(self.unit) if self.bar else None,
            "met": self.met(),
            "note": self.note,
        }


def show(value: float, unit: Unit) -> str:
    """Format a figure with three significant digits and the unit that suits it."""
    if unit == "s":
        for scale, name in ((1.0, "s"), (1e-3, "ms")):
            if value >= scale:
                return f"{_three(value / scale)} {name}"
        return f"{_three(value / 1e-6)} µs"
    return _three(value) if unit == "count" else f"{_three(value)} {unit}"


def _three(value: float) -> str:
    if value == 0 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


class Summary(NamedTuple):
    """Median, 90th percentile and number of some timings."""

    median: float
    p90: float
    times: int


def summary(values: Sequence[float]) -> Summary:
    """Summarise timings. Raises ValueError where there are none."""
    if not values:
        raise ValueError("nothing was measured")
    ordered = sorted(values)
    p90 = ordered[min(len(ordered) - 1, math.ceil(0.9 * len(ordered)) - 1)]
    return Summary(statistics.median(ordered), p90, len(ordered))


def quietest(values: Sequence[float], batches: int = 20) -> Summary:
    """Cut timings, in the order they were made, into batches; summarise the one least disturbed.

    For calls of microseconds: what else a shared machine does can only add to them, and comes in
    stretches far longer than a batch. Batches have 20 timings at least.
    """
    size = max(20, len(values) // batches)
    parts = [values[start : start + size] for start in range(0, len(values), size)]
    return min(summary(part) for part in parts if len(part) == min(size, len(values)))


def yardstick() -> str:
    """Say how long a fixed piece of work takes on this machine now, and how steadily.

    A shared machine may be half as fast for minutes: compare this before comparing two runs.
    """
    values = each(lambda: sum(range(20_000)), 500)
    slow = summary(values).p90 / min(values)
    return f"sum(range(20_000)) takes {show(min(values), 's')} at best, p90 {slow:.2f} times that"


def each(call: Callable[[], object], times: int, warm_up: int = 10) -> list[float]:
    """Call something many times and return the seconds that each call took."""
    for _ in range(warm_up):
        call()
    taken = []
    for _ in range(times):
        start = perf_counter()
        call()
        taken.append(perf_counter() - start)
    return taken


class Process(NamedTuple):
    """A program to be timed from its start to its end."""

    command: Sequence[str | Path]
    env: dict[str, str]


class Interleaved(NamedTuple):
    """Timings of several processes that took turns.

    Attributes:
        wall: Per process, the seconds of each round.
    """

    wall: list[list[float]]

    def median(self, which: int) -> float:
        """Return one process's median."""
        return statistics.median(self.wall[which])

    def ratio(self, which: int, to: int) -> float:
        """Return the median over the rounds of one process's time divided by another's."""
        pairs = zip(self.wall[which], self.wall[to], strict=True)
        return statistics.median(mine / theirs for mine, theirs in pairs)


def interleave(processes: Sequence[Process], rounds: int) -> Interleaved:
    """Time processes in turns, so that whatever else the machine does meets all of them alike.

    Each is run once beforehand: that fills the file cache, writes ``.pyc`` files, and shows an
    error in full. The order changes from round to round.

    Raises:
        RuntimeError: A process failed; with what it wrote to standard error.
    """
    for process in processes:
        run(process.command, process.env)
    wall: list[list[float]] = [[] for _ in processes]
    for number in range(rounds):
        for place in range(len(processes)):
            which = (place + number) % len(processes)
            wall[which].append(_time(processes[which]))
    return Interleaved(wall)


def _time(process: Process) -> float:
    """Run a process silently and return its seconds, with as little around it as possible."""
    command = [os.fspath(part) for part in process.command]
    null = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1, 2)]
    start = perf_counter()
    pid = os.posix_spawn(command[0], command, process.env, file_actions=null)
    _, status = os.waitpid(pid, 0)
    taken = perf_counter() - start
    if status:
        run(process.command, process.env)  # once more, for what it says on standard error
        raise RuntimeError(f"{command} ended with {os.waitstatus_to_exitcode(status)} once")
    return taken


def run(command: Sequence[str | Path], env: dict[str, str]) -> str:
    """Run a program to its end and return its standard output.

    Raises:
        RuntimeError: It failed; with the end of what it wrote to standard error.
    """
    done = subprocess.run(
        command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        shown = " ".join(os.fspath(part) for part in command)[:300]
        raise RuntimeError(f"{shown}\nended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout
