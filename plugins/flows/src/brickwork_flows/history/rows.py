"""Events as rows of the tables of a history in SQLite."""

import json
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from brickwork_flows.history.events import (
    Emitted,
    Event,
    ResultKept,
    RunStarted,
    StateSet,
)

if TYPE_CHECKING:
    import sqlite3

_TABLES = {"runs": 11, "states": 8, "emitted": 6, "results": 5, "logs": 7}
"""By table, how many columns a row has."""

_AT_ONCE = 250
"""Rows of one statement: each statement lets other threads run, and then waits for its turn."""

_LATE_START = "UPDATE runs SET began = ? WHERE id = ? AND began = 0"


class Rows:
    """What events are in the tables.

    Attributes:
        changes: How many positions they need.
    """

    def __init__(self) -> None:
        self._states: list[tuple[int, StateSet]] = []
        self._emitted: list[tuple[int, Emitted]] = []
        self._runs: list[RunStarted] = []
        self._results: list[ResultKept] = []
        self._logs: list[tuple[Any, ...]] = []
        self._began: dict[str, float] = {}
        self.changes = 0

    def add(self, event: Event) -> None:
        """Add what an event is."""
        if isinstance(event, StateSet):
            self.changes += 1
            self._states.append((self.changes, event))
            if event.number == 1:
                self._began[event.run] = event.at
        elif isinstance(event, RunStarted):
            self._runs.append(event)
        elif isinstance(event, ResultKept):
            self._results.append(event)
        elif isinstance(event, Emitted):
            self.changes += 1
            self._emitted.append((self.changes, event))
        else:
            flow_run = event.run.partition(".")[0]
            self._logs.append((flow_run, event.number, event.run, *event[2:]))

    def mend(self) -> None:
        """Replace what cannot be written as UTF-8."""
        self._states = [(number, StateSet._make(_whole(row))) for number, row in self._states]
        self._emitted = [(number, Emitted._make(_whole(row))) for number, row in self._emitted]
        self._runs = [RunStarted._make(_whole(row)) for row in self._runs]
        self._logs = [_whole(row) for row in self._logs]

    def insert(self, database: "sqlite3.Connection") -> None:
        """Insert what is not there yet; inside a transaction, so that nobody else counts."""
        began = self._began
        start = self._positions(database)
        runs = [
            (
                *run[:7],
                json.dumps(run.tags) if run.tags else "[]",
                run.inputs,
                json.dumps(run.details) if run.details else "{}",
                began.get(run.id, 0.0),
            )
            for run in self._runs
        ]
        _insert(database, "runs", runs)
        _insert(database, "states", [(start + n, *event) for n, event in self._states])
        _insert(
            database,
            "emitted",
            [(start + n, *event[:4], json.dumps(event.data)) for n, event in self._emitted],
        )
        _insert(database, "results", self._results, "REPLACE")
        _insert(database, "logs", self._logs)
        if len(began) > len(runs):
            late = began.keys() - {run.id for run in self._runs}
            database.executemany(_LATE_START, [(began[run], run) for run in late])

    def _positions(self, database: "sqlite3.Connection") -> int:
        """Take as many positions as are needed; return the one before the first."""
        if not self.changes:
            return 0
        database.execute("UPDATE positions SET last = last + ?", (self.changes,))
        last: int = database.execute("SELECT last FROM positions").fetchone()[0]
        return last - self.changes


def _insert(
    database: "sqlite3.Connection", table: str, rows: Sequence[tuple[Any, ...]], how: str = "IGNORE"
) -> None:
    if not rows:
        return
    marks = f"({','.join('?' * _TABLES[table])})"
    statement = f"INSERT OR {how} INTO {table} VALUES {marks}"  # noqa: S608  # constants only
    whole = len(rows) - len(rows) % _AT_ONCE
    if whole:
        many = f"{statement}{f',{marks}' * (_AT_ONCE - 1)}"
        for start in range(0, whole, _AT_ONCE):
            part = rows[start : start + _AT_ONCE]
            database.execute(many, list(chain.from_iterable(part)))
    database.executemany(statement, rows[whole:])


def _whole(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(
        each.encode("utf-8", "replace").decode("utf-8") if isinstance(each, str) else each
        for each in row
    )
