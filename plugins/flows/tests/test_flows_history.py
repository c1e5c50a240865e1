"""The history in SQLite: what its contract catches, formats, many processes."""

import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from brickwork import ConfigError
from brickwork.testing.base import lacking
from brickwork_flows import flow, use_history
from brickwork_flows.errors import HistoryError
from brickwork_flows.history import connections, schema
from brickwork_flows.history.events import Emitted, Event, Logged, ResultKept, StateSet
from brickwork_flows.history.interface import Change, Entry, RunRecord
from brickwork_flows.history.recorder import Recorder, recover
from brickwork_flows.history.sqlite import SqliteHistory
from brickwork_flows.states import StateType
from brickwork_flows.testing import HistoryContract
from brickwork_flows.testing.history import begun, ended

WRITERS = 8


# What the contract catches


class Forgetful(SqliteHistory):
    """Loses what is recorded last."""

    def record(self, events: Sequence[Event]) -> None:
        """Keep all but the last."""
        super().record(events[:-1])


class LastWins(SqliteHistory):
    """Lets a later state replace one."""

    def record(self, events: Sequence[Event]) -> None:
        """Remove what is there under the numbers first."""
        super().record(events)
        with closing(sqlite3.connect(self.path)) as database:
            columns = "run, number, type, name, message, at, attempt"
            rows = [event for event in events if isinstance(event, StateSet)]
            database.executemany(
                f"INSERT OR REPLACE INTO states ({columns}) VALUES (?,?,?,?,?,?,?)", rows
            )
            database.commit()


class OneByOne(SqliteHistory):
    """Keeps what it can of a batch."""

    def record(self, events: Sequence[Event]) -> None:
        """Record each event for itself."""
        for event in events:
            super().record([event])


class TwoLogs(SqliteHistory):
    """Keeps lines twice."""

    def logs(self, flow_run: str, *, after: int = 0, limit: int = 1000) -> Sequence[Logged]:
        """Return each line twice."""
        return [line for line in super().logs(flow_run, after=after, limit=limit) for _ in "12"]


class OldestFirst(SqliteHistory):
    """Lists the wrong way round."""

    def runs(
        self,
        *,
        name: str | None = None,
        states: Iterable[StateType] = (),
        before: str | None = None,
        limit: int = 50,
    ) -> Sequence[RunRecord]:
        """Return a page, reversed."""
        return super().runs(name=name, states=states, before=before, limit=limit)[::-1]


class AnyState(SqliteHistory):
    """Filters by no state."""

    def runs(
        self,
        *,
        name: str | None = None,
        states: Iterable[StateType] = (),
        before: str | None = None,
        limit: int = 50,
    ) -> Sequence[RunRecord]:
        """Ignore the states."""
        return super().runs(name=name, before=before, limit=limit)


class FirstPage(SqliteHistory):
    """Knows one page of children."""

    def children(self, flow_run: str) -> Sequence[RunRecord]:
        """Return a thousand."""
        return super().children(flow_run)[:1000]


class TextOnly(SqliteHistory):
    """Keeps results as text."""

    def result(self, run_id: str) -> ResultKept | None:
        """Return what of it is ASCII."""
        kept = super().result(run_id)
        if kept is None or kept.data is None:
            return kept
        return kept._replace(data=kept.data.decode("ascii", "ignore").encode())


class Deaf(SqliteHistory):
    """Takes whatever version for the expected one."""

    def put(self, collection: str, key: str, value: Any, **options: Any) -> Entry:
        """Put it in any case."""
        return super().put(collection, key, value, **{**options, "expected": None})


class Sticky(SqliteHistory):
    """Removes no entry."""

    def put(self, collection: str, key: str, value: Any, **options: Any) -> Entry:
        """Put what is not None."""
        if value is None:
            return Entry(key, None, 0, 0.0)
        return super().put(collection, key, value, **options)


class Patterned(SqliteHistory):
    """Takes a prefix for a pattern."""

    def entries(self, collection: str, *, prefix: str = "", **options: Any) -> Sequence[Entry]:
        """Return what is like it."""
        pattern = prefix.replace("%", "").replace("_", "")
        return super().entries(collection, prefix=pattern, **options)


class Unbound(SqliteHistory):
    """Forgets with which run an entry goes."""

    def put(self, collection: str, key: str, value: Any, **options: Any) -> Entry:
        """Put it for good."""
        return super().put(collection, key, value, **{**options, "run": None})


class Leaving(SqliteHistory):
    """Removes without telling which files are left."""

    def remove(self, run_id: str) -> Sequence[ResultKept]:
        """Remove, and return nothing."""
        super().remove(run_id)
        return []


class Zealous(SqliteHistory):
    """Takes what is small for what is unused."""

    def compact(self) -> None:
        """Drop entries."""
        for entry in self.entries("colours"):
            self.put("colours", entry.key, None)


class Mute(SqliteHistory):
    """Keeps no emitted event."""

    def record(self, events: Sequence[Event]) -> None:
        """Keep the rest."""
        super().record([each for each in events if not isinstance(each, Emitted)])


class ByTime(SqliteHistory):
    """Orders changes by their times."""

    def changes(self, **options: Any) -> Sequence[Change]:
        """Return them so."""
        return sorted(super().changes(**options), key=lambda each: -each.event.at)


class Overlapping(SqliteHistory):
    """Begins a page with the last change of the one before."""

    def changes(self, *, after: int = 0, **options: Any) -> Sequence[Change]:
        """Return it once more."""
        return super().changes(after=max(0, after - 1), **options)


class Recounting(SqliteHistory):
    """Gives positions of removed changes again."""

    def remove(self, run_id: str) -> Sequence[ResultKept]:
        """Count from what is left."""
        removed = super().remove(run_id)
        with self._transaction() as database:
            database.execute("UPDATE positions SET last = (SELECT count(*) FROM states)")
        return removed


class Racing(SqliteHistory):
    """Gives a position to what is recorded before those that were given."""

    def record(self, events: Sequence[Event]) -> None:
        """Record it behind the back of who reads on."""
        super().record(events)
        with self._transaction() as database:
            last = database.execute("SELECT last FROM positions").fetchone()[0]
            database.execute("UPDATE states SET position = ? WHERE position = ?", (-last, last - 1))


class OneRun(SqliteHistory):
    """Knows changes of the very run alone."""

    def changes(self, *, run: str = "", **options: Any) -> Sequence[Change]:
        """Leave out those within it."""
        found = super().changes(run=run, **options)
        return [each for each in found if run in ("", each.event.run)]


class Greedy(SqliteHistory):
    """Forgets everything that was emitted."""

    def forget(self, before: float) -> int:
        """Remove what belongs to runs, too."""
        with self._transaction() as database:
            return database.execute("DELETE FROM emitted WHERE at < ?", (before + 9,)).rowcount


class AllResults(SqliteHistory):
    """Mixes the results of runs."""

    def results(self, flow_run: str) -> Mapping[str, ResultKept]:
        """Return every result there is."""
        rows = self._read("SELECT * FROM results", ())
        return {row[0]: ResultKept._make(row) for row in rows}


@pytest.mark.parametrize(
    ("broken", "assertion"),
    [
        (Forgetful, "test_a_run_comes_back_as_it_was_recorded"),
        (LastWins, "test_what_is_there_is_not_overwritten"),
        (OneByOne, "test_a_batch_is_kept_whole_or_not_at_all"),
        (TwoLogs, "test_logs_come_in_order_and_in_parts"),
        (OldestFirst, "test_runs_are_the_flows_newest_first"),
        (OldestFirst, "test_runs_come_in_pages"),
        (AnyState, "test_runs_are_filtered"),
        (FirstPage, "test_children_are_all_and_in_order"),
        (TextOnly, "test_results_come_back"),
        (AllResults, "test_results_come_back"),
        (Deaf, "test_a_change_by_somebody_else_is_a_conflict"),
        (Sticky, "test_none_removes"),
        (Patterned, "test_entries_come_in_order_and_in_parts"),
        (Unbound, "test_remove_takes_everything_of_one_run"),
        (Leaving, "test_remove_takes_everything_of_one_run"),
        (Zealous, "test_compacting_loses_nothing"),
        (Mute, "test_changes_come_as_they_were_recorded"),
        (ByTime, "test_changes_come_as_they_were_recorded"),
        (Overlapping, "test_changes_come_in_pages"),
        (Recounting, "test_positions_are_never_given_twice"),
        (Racing, "test_nothing_is_missed_while_others_record"),
        (OneRun, "test_changes_are_filtered"),
        (Greedy, "test_emitted_events_are_forgotten_by_age"),
    ],
)
def test_the_contract_catches_a_broken_history(
    tmp_path: Path, broken: type[SqliteHistory], assertion: str
) -> None:
    """Each of these histories breaks one promise, and the contract says so."""
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        getattr(HistoryContract(), assertion)(broken(tmp_path / "runs.db"))
    getattr(HistoryContract(), assertion)(SqliteHistory(tmp_path / "whole.db"))


# The file


def test_files_are_the_owners_alone(tmp_path: Path) -> None:
    """Under the most open umask, folders are 0700 and every file is 0600."""
    before = os.umask(0)
    try:
        with use_history(tmp_path / "a" / "runs") as runtime:
            runtime.recorder.write(*begun("f"))
            runtime.flush()
            files = [path for path in (tmp_path / "a").rglob("*") if path.is_file()]
            modes = {path.name: path.stat().st_mode & 0o777 for path in files}
            folders = [tmp_path / "a", tmp_path / "a" / "runs", runtime.place.journals]
            assert set(modes.values()) == {0o600}, modes
            assert [path.stat().st_mode & 0o777 for path in folders] == [0o700] * 3
            assert any(name.endswith(".journal") for name in modes)
            assert "runs.db-wal" in modes
            runtime.close()
    finally:
        os.umask(before)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    """A history that a later version wrote is named, and not touched."""
    history = SqliteHistory(tmp_path / "runs.db")
    history.record(begun("f"))
    history.close()
    with closing(sqlite3.connect(history.path)) as database:
        database.execute(f"PRAGMA user_version = {schema.FORMAT + 1}")
    content = history.path.read_bytes()
    for work in (lambda: history.run("f"), lambda: history.record(begun("g"))):
        with pytest.raises(HistoryError, match=f"format {schema.FORMAT + 1}") as caught:
            work()
        assert "Upgrade brickwork-flows" in (caught.value.fix or "")
    assert history.path.read_bytes() == content


def test_an_older_format_is_upgraded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was recorded is there after the upgrade, which is done once."""
    history = SqliteHistory(tmp_path / "runs.db")
    history.record(begun("f"))
    history.close()
    upgrades = schema.UPGRADES | {schema.FORMAT: "CREATE TABLE extra (x);\n"}
    monkeypatch.setattr(connections, "UPGRADES", upgrades)
    monkeypatch.setattr(connections, "FORMAT", schema.FORMAT + 1)
    for _ in range(2):
        again = SqliteHistory(history.path)
        assert again.run("f").state.type is StateType.RUNNING
        again.close()
    with closing(sqlite3.connect(history.path)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (schema.FORMAT + 1,)
        assert database.execute("SELECT * FROM extra").fetchall() == []


def test_a_history_of_the_first_format_has_its_changes(tmp_path: Path) -> None:
    """States that were recorded before there were positions get some, by their times."""
    with closing(sqlite3.connect(tmp_path / "runs.db")) as database:
        database.executescript(schema.FIRST)
        rows = [
            ("b", 1, "running", "Running", "", 2.0, 1),
            ("a", 1, "running", "Running", "", 1.0, 1),
        ]
        database.executemany("INSERT INTO states VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        database.execute("PRAGMA user_version = 1")
        database.commit()
    history = SqliteHistory(tmp_path / "runs.db")
    history.record([StateSet("c", 1, "running", "Running", "", 0.0, 1)])
    found = [(each.position, each.event.run) for each in history.changes()]
    assert found == [(1, "a"), (2, "b"), (3, "c")]


def test_what_is_no_database_is_a_typed_error(tmp_path: Path) -> None:
    """A file of something else is not overwritten, and the error names it."""
    (tmp_path / "runs.db").write_bytes(b"my notes, " * 100)
    with pytest.raises(HistoryError, match=r"runs\.db"):
        SqliteHistory(tmp_path / "runs.db").record(begun("f"))
    assert (tmp_path / "runs.db").read_bytes() == b"my notes, " * 100


def test_half_characters_do_not_stop_a_history(tmp_path: Path) -> None:
    """A message with half of a character, which no file can have, is kept without it."""
    history = SqliteHistory(tmp_path / "runs.db")
    history.record([*begun("f"), ended("f", StateType.FAILED, "bad \ud83e half")])
    assert history.run("f").state.message == "bad ? half"


# Durability


def test_durability_is_one_of_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelled durability is an error, and not the weaker one in silence."""
    with pytest.raises(ConfigError, match="pwer"), use_history(tmp_path, durability="pwer"):  # type: ignore[arg-type]  # wrong on purpose
        pass
    monkeypatch.setenv("BRICKWORK_DURABILITY", "power")
    with use_history(tmp_path) as runtime:
        assert runtime.place.durability == "power"
    monkeypatch.setenv("BRICKWORK_DURABILITY", "Power")
    with pytest.raises(ConfigError, match="Power"):
        flow(_nothing)()


def _nothing() -> None:
    pass


_RECORDS = """
import sys
from pathlib import Path
from brickwork_flows import use_history
from brickwork_flows.testing.history import begun
with use_history(sys.argv[1], durability=sys.argv[2]) as runtime:
    for number in range(int(sys.argv[3])):
        runtime.recorder.write(*begun(f"r{number}"))
    runtime.close()
"""


def synced(folder: Path, durability: str, writes: int) -> int:
    """Record so many times under strace, and return how often the disk was waited for."""
    command = ["strace", "-f", "-c", "-e", "trace=fsync,fdatasync", sys.executable, "-c", _RECORDS]
    command += [str(folder), durability, str(writes)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "ptrace" in done.stderr or "Operation not permitted" in done.stderr:
        pytest.skip("this user may not trace a process")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stderr.splitlines()]
    return sum(int(row[3]) for row in rows if row and row[-1] in ("fsync", "fdatasync"))


def test_power_waits_for_the_disk_at_each_step(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Two hundred steps are two hundred syncs and those of some folds; without power, a handful."""
    if shutil.which("strace") is None:
        lacking("needs strace, to count syncs")
    few = synced(tmp_path / "a", "power", 0)
    power = synced(tmp_path / "b", "power", 200) - few
    process = synced(tmp_path / "c", "process", 200)
    assert 200 <= power <= 260
    assert process <= 20
    record_property("syncs of 200 steps", f"power {power}, process {process}")


# Many processes


def _record_in_process(folder: Path, writer: int, runs: int, barrier: Any, results: Any) -> None:
    try:
        recorder = Recorder(SqliteHistory(folder / "runs.db"), folder / "journals")
        barrier.wait()
        for number in range(runs):
            run = f"w{writer}-{number}"
            recorder.write(*begun(run))
            recorder.write(ResultKept(run, "json", b"1"), ended(run))
            if number % 10 == 0:
                recorder.flush()
                recover(recorder.history, folder / "journals")
        recorder.close()
        results.put("")
    except BaseException as error:
        results.put(f"{type(error).__name__}: {error}")
        raise


def test_eight_processes_lose_nothing(tmp_path: Path) -> None:
    """They make one history at once, fold into it and recover; every record is there."""
    context: Any = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(WRITERS), context.Queue()
    writers = [
        context.Process(target=_record_in_process, args=(tmp_path, each, 50, barrier, results))
        for each in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    assert [results.get(timeout=200) for _ in writers] == [""] * WRITERS
    for writer in writers:
        writer.join()
    history = SqliteHistory(tmp_path / "runs.db")
    found = history.runs(limit=10_000)
    assert len(found) == WRITERS * 50
    assert {run.state.type for run in found} == {StateType.COMPLETED}
    assert len(history._read("SELECT * FROM results", ())) == WRITERS * 50
    assert list((tmp_path / "journals").iterdir()) == []


some_keys = st.text("ab\ud7ff\ue000\uffff\U00010000\U0010ffff", min_size=1, max_size=3)


@settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(keys=st.lists(some_keys, unique=True), prefix=some_keys | st.just(""))
def test_a_prefix_gives_all_keys_with_it(
    tmp_path_factory: pytest.TempPathFactory, keys: list[str], prefix: str
) -> None:
    """Also where the character after its last one is none, or there is no such character."""
    history = SqliteHistory(tmp_path_factory.mktemp("history") / "runs.db")
    for key in keys:
        history.put("notes", key, 1)
    found = [entry.key for entry in history.entries("notes", prefix=prefix)]
    assert found == sorted(key for key in keys if key.startswith(prefix))
    history.close()


def test_a_prefix_reads_no_other_entries(tmp_path: Path) -> None:
    """What is looked for in a large collection is not looked for in all that comes after it."""
    history = SqliteHistory(tmp_path / "runs.db")
    for number in range(500):
        history.put("notes", f"z{number}", 1)
    steps = [0]

    def count() -> int:
        steps[0] += 1
        return 0

    database = history._connection()
    database.set_progress_handler(count, 1)
    assert history.entry("notes", "a") is None
    assert history.entries("notes", prefix="a/") == []
    database.set_progress_handler(None, 1)
    assert 0 < steps[0] < 200
    history.close()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc, to see open files")
def test_a_history_in_use_for_a_while_leaves_nothing_open(tmp_path: Path) -> None:
    """After its block, no file and no thread of it is left; it can be used again."""

    @flow
    def work() -> int:
        return 3

    def files() -> int:
        links = (link for link in Path("/proc/self/fd").iterdir() if link.is_symlink())
        return sum(link.readlink().is_relative_to(tmp_path) for link in links)

    for _ in range(2):
        with use_history(tmp_path / "runs") as runtime:
            with use_history(tmp_path / "runs"):
                work()
            assert files()
            work()
        assert (files(), runtime.uses) == (0, 0)
    assert len(runtime.history.runs()) == 4
    runtime.history.close()
