"""The default history: one SQLite file, written by one thread of each process."""

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from brickwork_flows.errors import EntryConflict, HistoryError, RunNotFound
from brickwork_flows.history.connections import connect, patiently
from brickwork_flows.history.events import Event, Logged, ResultKept, RunStarted, StateSet
from brickwork_flows.history.interface import Entry, History, RunRecord
from brickwork_flows.states import StateType

T = TypeVar("T")

_TABLES = {"runs": 11, "states": 7, "results": 5, "logs": 7}
"""By table, how many columns a row has."""

_AT_ONCE = 250
"""Rows of one statement: each statement lets other threads run, and then waits for its turn."""

_LATE_START = "UPDATE runs SET began = ? WHERE id = ? AND began = 0"
_RUN_COLUMNS = (
    "r.id, r.kind, r.name, r.run_name, r.parent, r.key, r.flow_run, r.tags, r.inputs, r.details"
)
_LAST = "(SELECT type FROM states s WHERE s.run = r.id ORDER BY number DESC LIMIT 1)"


class SqliteHistory(History):
    """Runs in one SQLite file: ``sqlite:///absolute/path`` or a plain path.

    Args:
        path: The file; it and its folder are made when something is first recorded.
        power: Whether each commit waits for the disk.
    """

    scheme: ClassVar[str] = "sqlite"

    def __init__(self, path: Path, *, power: bool = False) -> None:
        self.path = path
        self._power = power
        self._local = threading.local()

    # Writing

    def record(self, events: Sequence[Event]) -> None:
        """Keep events, in one transaction."""
        rows = _Rows()
        for event in events:
            rows.add(event)
        with self._transaction() as database:
            try:
                rows.insert(database)
            except UnicodeEncodeError:  # half of a character, which no file can have
                rows.mend()
                rows.insert(database)

    def put(
        self,
        collection: str,
        key: str,
        value: Any,
        *,
        expected: int | None = None,
        run: str | None = None,
    ) -> Entry:
        """Keep a value under a key."""
        where = (collection, key)
        with self._transaction() as database:
            row = database.execute(
                "SELECT version FROM entries WHERE collection = ? AND key = ?", where
            ).fetchone()
            version: int = row[0] if row else 0
            if expected is not None and expected != version:
                raise EntryConflict(
                    f"{key!r} in {collection!r} has version {version}, and not {expected}.",
                    fix="Read it again.",
                )
            if value is None:
                database.execute("DELETE FROM entries WHERE collection = ? AND key = ?", where)
                return Entry(key, None, 0, time.time())
            kept = Entry(key, value, version + 1, time.time())
            database.execute(
                "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?)",
                (collection, key, json.dumps(value), kept.version, kept.at, run),
            )
            return kept

    def remove(self, run_id: str) -> Sequence[ResultKept]:
        """Remove a flow's run; a result that another run points to, as a cache hit does, stays."""
        flow_run = (self.run(run_id).flow_run,)
        with self._transaction() as database:
            ids = "SELECT id FROM runs WHERE flow_run = ?"
            kept = database.execute(
                f"SELECT * FROM results WHERE run IN ({ids}) AND url IS NOT NULL"  # noqa: S608  # a constant
                " AND (url, storage_key) NOT IN (SELECT url, storage_key FROM results"
                f" WHERE run NOT IN ({ids}) AND url IS NOT NULL)",
                flow_run * 2,
            ).fetchall()
            for table in ("states", "results"):
                database.execute(f"DELETE FROM {table} WHERE run IN ({ids})", flow_run)  # noqa: S608  # as above
            for table in ("logs", "runs"):
                database.execute(f"DELETE FROM {table} WHERE flow_run = ?", flow_run)  # noqa: S608  # as above
            database.execute("DELETE FROM entries WHERE run = ?", flow_run)
        return [ResultKept._make(row) for row in kept]

    # Reading

    def run(self, run_id: str) -> RunRecord:
        """Return a run."""
        found = self._records("WHERE r.id = ?", (run_id,))
        if not found:
            raise RunNotFound(
                f"There is no run {run_id}.", fix="`brickwork run ls` shows those that are kept."
            )
        return found[0]

    def runs(
        self,
        *,
        name: str | None = None,
        states: Iterable[StateType] = (),
        before: str | None = None,
        limit: int = 50,
    ) -> Sequence[RunRecord]:
        """Return flows' runs, the newest first."""
        where, values = ["r.parent IS NULL"], []
        if name is not None:
            where.append("r.name = ?")
            values.append(name)
        wanted = [state.value for state in states]
        if wanted:
            where.append(f"{_LAST} IN ({','.join('?' * len(wanted))})")
            values += wanted
        if before is not None:
            where.append("(r.began, r.id) < (SELECT began, id FROM runs WHERE id = ?)")
            values.append(before)
        condition = f"WHERE {' AND '.join(where)} ORDER BY r.began DESC, r.id DESC LIMIT ?"
        return self._records(condition, (*values, limit))

    def matching(self, text: str) -> Sequence[str]:
        """Return the ids of runs that a text may stand for."""
        rows = self._read(
            "SELECT id FROM runs WHERE parent IS NULL AND"
            " (run_name = ? OR substr(id, 1, ?) = ? OR substr(id, -?) = ?)"
            " ORDER BY began DESC, id DESC LIMIT 100",
            (text, len(text), text, len(text) or 1, text),
        )
        return [row[0] for row in rows]

    def children(self, flow_run: str) -> Sequence[RunRecord]:
        """Return what ran within a flow's run."""
        return self._records("WHERE r.flow_run = ? AND r.id != ? ORDER BY r.rowid", (flow_run,) * 2)

    def result(self, run_id: str) -> ResultKept | None:
        """Return where a result is."""
        rows = self._read("SELECT * FROM results WHERE run = ?", (run_id,))
        return ResultKept._make(rows[0]) if rows else None

    def results(self, flow_run: str) -> Mapping[str, ResultKept]:
        """Return where the results within a flow's run are."""
        rows = self._read(
            "SELECT results.* FROM results JOIN runs ON runs.id = results.run WHERE flow_run = ?",
            (flow_run,),
        )
        return {row[0]: ResultKept._make(row) for row in rows}

    def logs(self, flow_run: str, *, after: int = 0, limit: int = 1000) -> Sequence[Logged]:
        """Return what was logged."""
        rows = self._read(
            "SELECT run, number, at, level, logger, message FROM logs"
            " WHERE flow_run = ? AND number > ? ORDER BY number LIMIT ?",
            (flow_run, after, limit),
        )
        return [Logged._make(row) for row in rows]

    def entries(
        self, collection: str, *, prefix: str = "", after: str = "", limit: int = 1000
    ) -> Sequence[Entry]:
        """Return entries of a collection."""
        rows = self._read(
            "SELECT key, value, version, at FROM entries WHERE collection = ? AND key > ?"
            " AND key >= ? AND substr(key, 1, ?) = ? ORDER BY key LIMIT ?",
            (collection, after, prefix, len(prefix), prefix, limit),
        )
        return [Entry(key, json.loads(value), *rest) for key, value, *rest in rows]

    def close(self) -> None:
        """Close this thread's connection."""
        database = getattr(self._local, "database", None)
        if database is not None:
            self._local.database = None
            database.close()

    def _records(self, condition: str, values: tuple[Any, ...]) -> list[RunRecord]:
        rows = self._read(f"SELECT {_RUN_COLUMNS} FROM runs r {condition}", values)  # noqa: S608  # constants only
        found: list[RunRecord] = []
        for start in range(0, len(rows), 500):
            part = rows[start : start + 500]
            states = self._states([row[0] for row in part])
            found += [_record(row, states.get(row[0], [])) for row in part]
        return found

    def _states(self, runs: list[str]) -> dict[str, list[StateSet]]:
        marks = ",".join("?" * len(runs))
        rows = self._read(
            f"SELECT * FROM states WHERE run IN ({marks}) ORDER BY run, number",  # noqa: S608  # marks only
            tuple(runs),
        )
        found: dict[str, list[StateSet]] = {}
        for row in rows:
            found.setdefault(row[0], []).append(StateSet._make(row))
        return found

    # The database

    def _read(self, query: str, values: tuple[Any, ...]) -> list[Any]:
        if not self.path.exists():
            return []
        return self._typed(lambda: self._connection().execute(query, values).fetchall())

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        database = self._typed(self._connection)
        self._typed(lambda: database.execute("BEGIN IMMEDIATE"))
        try:
            yield database
            database.execute("COMMIT")
        except BaseException as error:
            if database.in_transaction:
                with suppress(sqlite3.Error):  # the first error says what is wrong
                    database.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise self._unusable(error) from None
            raise

    def _typed(self, work: Callable[[], T]) -> T:
        try:
            return patiently(work)
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from None

    def _unusable(self, error: Exception) -> HistoryError:
        return HistoryError(
            f"The history {self.path} cannot be used: {error}.",
            fix="Check the disk's free space and the folder's permissions.",
        )

    def _connection(self) -> sqlite3.Connection:
        database: sqlite3.Connection | None = getattr(self._local, "database", None)
        if database is not None and self._local.process == os.getpid():
            return database
        database = connect(self.path, power=self._power)
        self._local.database, self._local.process = database, os.getpid()
        return database


class _Rows:
    """What events are in the tables."""

    def __init__(self) -> None:
        self._states: list[StateSet] = []
        self._runs: list[RunStarted] = []
        self._results: list[ResultKept] = []
        self._logs: list[tuple[Any, ...]] = []
        self._began: dict[str, float] = {}

    def add(self, event: Event) -> None:
        """Add what an event is."""
        if isinstance(event, StateSet):
            self._states.append(event)
            if event.number == 1:
                self._began[event.run] = event.at
        elif isinstance(event, RunStarted):
            self._runs.append(event)
        elif isinstance(event, ResultKept):
            self._results.append(event)
        else:
            flow_run = event.run.partition(".")[0]
            self._logs.append((flow_run, event.number, event.run, *event[2:]))

    def mend(self) -> None:
        """Replace what cannot be written as UTF-8."""
        self._states = [StateSet._make(_whole(row)) for row in self._states]
        self._runs = [RunStarted._make(_whole(row)) for row in self._runs]
        self._logs = [_whole(row) for row in self._logs]

    def insert(self, database: sqlite3.Connection) -> None:
        """Insert what is not there yet."""
        began = self._began
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
        _insert(database, "states", self._states)
        _insert(database, "results", self._results, "REPLACE")
        _insert(database, "logs", self._logs)
        if len(began) > len(runs):
            late = began.keys() - {run.id for run in self._runs}
            database.executemany(_LATE_START, [(began[run], run) for run in late])


def _insert(
    database: sqlite3.Connection, table: str, rows: Sequence[tuple[Any, ...]], how: str = "IGNORE"
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


def _record(row: Any, states: list[StateSet]) -> RunRecord:
    return RunRecord._make(
        (
            *row[:7],
            tuple(json.loads(row[7])),
            row[8],
            json.loads(row[9]),
            tuple(each.state for each in states),
            max((each.attempt for each in states), default=0),
        )
    )
