"""The default history: one SQLite file, written by one thread of each process."""

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from brickwork_flows.errors import EntryConflict, HistoryError, RunNotFound
from brickwork_flows.history.connections import connect, patiently
from brickwork_flows.history.events import Emitted, Event, Logged, ResultKept, StateSet
from brickwork_flows.history.interface import Change, Entry, History, RunRecord
from brickwork_flows.history.rows import Rows
from brickwork_flows.states import StateType

T = TypeVar("T")

_UNUSED = 0.2
"""Of a file's pages: where more of them have nothing in them, they are given back."""

_FIX = "Check the disk's free space and the folder's permissions."
_DAMAGED = "Put a copy of it back; or set BRICKWORK_HISTORY to another folder, and begin anew."
_FORBIDDEN = "It must be a file, which this user may read and write, and its folder too."
_FIXES = {
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_CANTOPEN: _FORBIDDEN,
    sqlite3.SQLITE_PERM: _FORBIDDEN,
    sqlite3.SQLITE_READONLY: _FORBIDDEN,
}
"""By SQLite's error, what to do."""

_RUN_COLUMNS = (
    "r.id, r.kind, r.name, r.run_name, r.parent, r.key, r.flow_run, r.tags, r.inputs, r.details"
)
_STATE_COLUMNS = "run, number, type, name, message, at, attempt"
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

    @classmethod
    def open(cls, url: str, *, power: bool = False) -> Self:
        """Return the history of ``sqlite:///absolute/path``."""
        path = url.partition("://")[2]
        if not path.startswith("/"):
            raise HistoryError(
                f"{url} has no absolute path.", fix="Write sqlite:///absolute/path/runs.db."
            )
        return cls(Path(path), power=power)

    # Writing

    def record(self, events: Sequence[Event]) -> None:
        """Keep events, in one transaction."""
        rows = Rows()
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

    def forget(self, before: float) -> int:
        """Remove what was emitted outside of runs before a time."""
        with self._transaction() as database:
            return database.execute(
                "DELETE FROM emitted WHERE run = '' AND at < ?", (before,)
            ).rowcount

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
            for table in ("states", "emitted", "results"):
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
            flow_run, dot, _ = run_id.partition(".")
            look = f"show {flow_run}` shows what ran in it" if dot else "ls` shows those there are"
            raise RunNotFound(f"There is no run {run_id}.", fix=f"`brickwork run {look}.")
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

    def changes(
        self, *, after: int = 0, since: float = 0.0, run: str = "", limit: int = 1000
    ) -> Sequence[Change]:
        """Return states and emitted events, by position."""
        where = "position > ? AND at >= ?"
        values: list[Any] = [after, since]
        if run:
            # "+": by position, and not by the index, since most callers ask for the newest few.
            where += " AND (+run = ? OR (+run > ? AND +run < ?))"
            values += [run, f"{run}.", f"{run}/"] if "." not in run else [run, f"{run}/", f"{run}0"]
        rows = self._read(
            f"SELECT c.*, r.kind, r.name, r.run_name FROM (SELECT * FROM ("  # noqa: S608  # constants only
            f"SELECT position, {_STATE_COLUMNS}, NULL AS data FROM states WHERE {where} UNION ALL"
            f" SELECT position, run, 0, id, name, '', at, 0, data FROM emitted WHERE {where})"
            " ORDER BY position LIMIT ?) c LEFT JOIN runs r ON r.id = c.run ORDER BY c.position",
            (*values, *values, limit),
        )
        return [_change(row) for row in rows]

    def position(self) -> int:
        """Return the position of the newest change."""
        rows = self._read("SELECT last FROM positions", ())
        return rows[0][0] if rows else 0

    def entries(
        self, collection: str, *, prefix: str = "", after: str = "", limit: int = 1000
    ) -> Sequence[Entry]:
        """Return entries of a collection."""
        rows = self._read(
            "SELECT key, value, version, at FROM entries WHERE collection = ? AND key > ?"
            " AND key >= ? AND key < ? ORDER BY key LIMIT ?",
            (collection, after, prefix, _beyond(prefix), limit),
        )
        return [Entry(key, json.loads(value), *rest) for key, value, *rest in rows]

    def compact(self) -> None:
        """Write the file anew where much of it is unused, and empty the write-ahead log."""
        if not self.path.exists():
            return
        database = self._typed(self._connection)

        def number(pragma: str) -> int:
            found: int = database.execute(f"PRAGMA {pragma}").fetchone()[0]
            return found

        if self._typed(lambda: number("freelist_count") > _UNUSED * number("page_count")):
            self._typed(lambda: database.execute("VACUUM"))
        self._typed(lambda: database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())

    def close(self) -> None:
        """Close this thread's connection."""
        database = getattr(self._local, "database", None)
        if database is not None:
            self._local.database = None
            if self._local.process == os.getpid():  # else it is the parent's
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
            f"SELECT {_STATE_COLUMNS} FROM states WHERE run IN ({marks}) ORDER BY run, number",  # noqa: S608  # marks only
            tuple(runs),
        )
        found: dict[str, list[StateSet]] = {}
        for row in rows:
            found.setdefault(row[0], []).append(StateSet._make(row))
        return found

    # The database

    def _read(self, query: str, values: tuple[Any, ...]) -> list[Any]:
        if not self._typed(self.path.exists):
            self._check_folder()
            return []
        return self._typed(lambda: self._connection().execute(query, values).fetchall())

    def _check_folder(self) -> None:
        folder = self.path.parent
        if folder.exists() and not folder.is_dir():
            raise HistoryError(
                f"The history cannot be in {folder}, which is no folder.",
                fix="Set BRICKWORK_HISTORY to a folder; it is made where it lacks.",
            )

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
        fix = _FIXES.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, _FIX)
        told = (error.strerror or "").lower() if isinstance(error, OSError) else error
        return HistoryError(f"The history {self.path} cannot be used: {told}.", fix=fix)

    def _connection(self) -> sqlite3.Connection:
        database: sqlite3.Connection | None = getattr(self._local, "database", None)
        if database is not None and self._local.process == os.getpid():
            return database
        database = connect(self.path, power=self._power)
        self._local.database, self._local.process = database, os.getpid()
        return database


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


def _change(row: Any) -> Change:
    position, run, number, kind, name, message, at, attempt, data, *facts = row
    event: StateSet | Emitted = (
        StateSet(run, number, kind, name, message, at, attempt)
        if data is None
        else Emitted(kind, name, at, run, json.loads(data))
    )
    return Change(position, event, *(each or "" for each in facts))


def _beyond(prefix: str) -> str | bytes:
    """Return what comes right after all keys with a prefix."""
    stem = prefix.rstrip("\U0010ffff")
    if not stem:
        return b""  # SQLite sorts every text before it
    last = ord(stem[-1]) + 1
    return stem[:-1] + chr(0xE000 if last == 0xD800 else last)  # no text has what is between
