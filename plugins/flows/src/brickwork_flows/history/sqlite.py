"""The default history: one SQLite file, written by one thread of each process."""

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from brickwork_flows.errors import HistoryError, RunNotFound
from brickwork_flows.history.events import Event, Logged, ResultKept, RunStarted, StateSet
from brickwork_flows.history.interface import History, RunRecord
from brickwork_flows.history.schema import FIRST, FORMAT
from brickwork_flows.states import StateType

BUSY_SECONDS = 60.0

T = TypeVar("T")

_RUN = "INSERT OR IGNORE INTO runs VALUES (?,?,?,?,?,?,?,?,?,?,?)"
_STATE = "INSERT OR IGNORE INTO states VALUES (?,?,?,?,?,?,?)"
_RESULT = "INSERT OR REPLACE INTO results VALUES (?,?,?,?,?)"
_LOG = "INSERT OR IGNORE INTO logs VALUES (?,?,?,?,?,?,?)"
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
        runs: list[tuple[Any, ...]] = []
        states: list[tuple[Any, ...]] = []
        results: list[tuple[Any, ...]] = []
        logs: list[tuple[Any, ...]] = []
        began: dict[str, float] = {}
        for event in events:
            if type(event) is StateSet:
                states.append(event)
                began.setdefault(event.run, event.at)
            elif type(event) is RunStarted:
                runs.append(event)
            elif type(event) is ResultKept:
                results.append(event)
            elif type(event) is Logged:
                flow_run = event.run.partition(".")[0]
                logs.append((flow_run, event.number, event.run, *event[2:]))
        rows = [
            (*run[:7], json.dumps(run[7]), run[8], json.dumps(run[9]), began.get(run[0], 0.0))
            for run in runs
        ]
        with self._transaction() as database:
            database.executemany(_RUN, rows)
            database.executemany(_STATE, states)
            database.executemany(_RESULT, results)
            database.executemany(_LOG, logs)

    def request(self, flow_run: str, wish: str) -> None:
        """Ask for something."""
        with self._transaction() as database:
            database.execute("INSERT OR REPLACE INTO requests VALUES (?, ?)", (flow_run, wish))

    def remove(self, run_id: str) -> Sequence[ResultKept]:
        """Remove a flow's run."""
        record = self.run(run_id)
        with self._transaction() as database:
            ids = "SELECT id FROM runs WHERE flow_run = ?"
            kept = database.execute(
                f"SELECT * FROM results WHERE run IN ({ids}) AND url IS NOT NULL",  # noqa: S608  # a constant
                (record.flow_run,),
            ).fetchall()
            for table in ("states", "results"):
                database.execute(f"DELETE FROM {table} WHERE run IN ({ids})", (record.flow_run,))  # noqa: S608  # as above
            for table in ("logs", "runs", "requests"):
                database.execute(f"DELETE FROM {table} WHERE flow_run = ?", (record.flow_run,))  # noqa: S608  # as above
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

    def requests(self, flow_runs: Iterable[str]) -> Mapping[str, str]:
        """Return what was asked."""
        wanted = tuple(flow_runs)
        marks = ",".join("?" * len(wanted))
        rows = self._read(f"SELECT * FROM requests WHERE flow_run IN ({marks})", wanted)  # noqa: S608  # marks only
        return dict(rows)

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
                database.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise self._unusable(error) from None
            raise

    def _typed(self, work: Callable[[], T]) -> T:
        try:
            return work()
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
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = os.umask(0o077)
        try:
            database = sqlite3.connect(
                self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        finally:
            os.umask(before)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA synchronous = {'FULL' if self._power else 'NORMAL'}")
        if database.execute("PRAGMA user_version").fetchone()[0] == 0:
            _make(database)
        self._local.database, self._local.process = database, os.getpid()
        return database


def _make(database: sqlite3.Connection) -> None:
    database.execute("BEGIN IMMEDIATE")
    if database.execute("PRAGMA user_version").fetchone()[0] == 0:
        for statement in FIRST.split(";"):
            if statement.strip():
                database.execute(statement)
        database.execute(f"PRAGMA user_version = {FORMAT}")
    database.execute("COMMIT")


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
