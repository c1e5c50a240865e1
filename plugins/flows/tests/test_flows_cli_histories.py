"""``brickwork run`` with histories that are large, lack, or are broken; and ids of all kinds."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from brickwork.cli.app import run as run_brickwork
from brickwork.testing.commandline import Command, command_here
from brickwork_flows import flow, list_runs
from brickwork_flows.errors import HistoryError
from brickwork_flows.history.events import RunStarted, StateSet
from brickwork_flows.runtime import Runtime, current_runtime

_READING = ("ls", "show some", "logs some", "graph some", "result some", "watch some", "rm some")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """The history is one of this test's own, for other processes too."""
    monkeypatch.setenv("BRICKWORK_HISTORY", str(tmp_path / "runs"))
    runtime = current_runtime()
    yield runtime
    runtime.close()
    runtime.history.close()


@pytest.fixture
def brickwork(capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs the command line in this process."""
    return command_here(run_brickwork, capfd)


@flow(flow_run_name="same")
def named() -> int:
    """Return a number."""
    return 1


# Histories


@pytest.mark.parametrize("command", _READING[1:])
def test_without_a_history_there_is_no_run(
    brickwork: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Asking for one makes no history, and says where to look."""
    monkeypatch.setenv("BRICKWORK_HISTORY", str(tmp_path / "none"))
    done = brickwork("run", *command.split())
    assert done.code == 4
    assert "There is no run some." in done.err
    assert "brickwork run ls" in done.err
    assert not (tmp_path / "none").exists()


def test_an_empty_list_says_where_it_looked(
    brickwork: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistyped folder shows; a URL, which may have a password, does not."""
    monkeypatch.setenv("BRICKWORK_HISTORY", str(tmp_path / "mistyped"))
    done = brickwork("run", "ls")
    assert (done.code, done.out) == (0, "")
    assert str(tmp_path / "mistyped") in done.err
    monkeypatch.setenv("BRICKWORK_HISTORY", f"sqlite://{tmp_path}/p4ssword.db")
    assert brickwork("run", "ls").err == "No flow has run yet.\n"


@pytest.mark.parametrize("command", _READING)
@pytest.mark.parametrize(
    ("fault", "what", "fix"),
    [
        ("a file", "which is no folder", "Set BRICKWORK_HISTORY to a folder"),
        ("text", "file is not a database", "Put a copy of it back"),
        ("cut", "malformed", "Put a copy of it back"),
        ("folder", "unable to open", "must be a file"),
        ("newer", "has the format 99", "Upgrade brickwork-flows"),
    ],
)
def test_a_history_that_cannot_be_used_is_told(
    brickwork: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    what: str,
    fix: str,
    command: str,
) -> None:
    """One line says what is wrong with which file, one what to do; the exit code is 8."""
    folder = tmp_path / "broken"
    monkeypatch.setenv("BRICKWORK_HISTORY", str(folder))
    if fault == "a file":
        folder.touch()
    else:
        folder.mkdir()
        _break(folder / "runs.db", fault)
    done = brickwork("run", *command.split())
    assert done.code == 8
    assert what in done.err
    assert str(folder) in done.err
    assert fix in done.err
    assert len(done.err.splitlines()) == 2


def _break(path: Path, fault: str) -> None:
    if fault == "folder":
        path.mkdir()
    elif fault == "text":
        path.write_text("no database\n" * 200)
    else:
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE some (thing)")
            database.executemany("INSERT INTO some VALUES (?)", [("x" * 100,)] * 1000)
            database.execute("PRAGMA user_version = 99")
        database.close()
        if fault == "cut":
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 - 7])


@pytest.mark.parametrize("what", ["folder", "runs.db"])
def test_a_history_of_somebody_else_is_told(here: Runtime, what: str) -> None:
    """What this user may not read is an error that says so, and no empty history."""
    named()
    here.close()
    path = here.place.folder if what == "folder" else here.place.database
    before = path.stat().st_mode
    path.chmod(0)
    user = os.geteuid()
    if user == 0:  # who may read everything
        os.seteuid(65534)
    try:
        with pytest.raises(HistoryError) as caught:
            list_runs()
    finally:
        os.seteuid(user)
        path.chmod(before)
    assert caught.value.fix
    assert "permission" in str(caught.value) or "may read" in str(caught.value)


def test_ten_thousand_runs_are_found_fast_enough(brickwork: Command, here: Runtime) -> None:
    """The newest are listed, one is found by its name, and all can be had."""
    here.history.record(
        [
            event
            for n in range(10_000)
            for event in (
                RunStarted(f"{n:026x}", "flow", "many", f"run-{n}", None, "", f"{n:026x}"),
                StateSet(f"{n:026x}", 1, "pending", "Pending", "", n),
                StateSet(f"{n:026x}", 2, "completed", "Completed", "", n + 1, 1),
            )
        ]
    )
    newest = brickwork("run", "ls").out.splitlines()
    assert len(newest) == 51
    assert newest[1].split()[2] == "run-9999"
    assert len(brickwork("run", "ls", "--limit", "10000", "--json").json["runs"]) == 10_000
    assert brickwork("run", "show", "run-77", "--json").json["id"] == f"{77:026x}"


_LISTS = """
import sys
from brickwork.cli.app import run

run(["run", "ls"])
heavy = {
    "asyncio", "hashlib", "logging", "pydantic", "rich",
    "brickwork.serializer", "brickwork.storage", "brickwork.vault",
    "brickwork_flows.artifacts", "brickwork_flows.definition", "brickwork_flows.engine",
    "brickwork_flows.results", "brickwork_flows.cli.run_graph", "brickwork_flows.cli.run_watch",
}
print(sorted(heavy & sys.modules.keys()))
"""


def test_a_list_imports_little(here: Runtime) -> None:
    """`run ls` loads neither other commands nor the engine, and so starts soon."""
    named()
    here.flush()
    done = subprocess.run(
        [sys.executable, "-c", _LISTS], capture_output=True, text=True, check=True
    )
    *listed, heavy = done.stdout.splitlines()
    assert listed[-1].split()[1] == "named"
    assert heavy == "[]"


# Ids


def test_a_name_of_several_runs_is_told_with_them(brickwork: Command, here: Runtime) -> None:
    """Each stands there with its id, name and state, up to five of them."""
    for _ in range(7):
        named()
    done = brickwork("run", "show", "same")
    assert done.code == 4
    assert done.err.count("  same  Completed") == 5
    assert "and others" in done.err
    assert "the id of one" in done.err


def test_an_empty_id_is_told(brickwork: Command, here: Runtime) -> None:
    """A variable of the shell that is empty stands for no run, and not for every one."""
    named()
    here.flush()
    for command in ("show", "rm", "watch", "logs"):
        done = brickwork("run", command, "")
        assert (done.code, "is empty" in done.err) == (4, True)
    assert len(here.history.runs()) == 1


def test_a_run_that_is_named_twice_is_removed_once(brickwork: Command, here: Runtime) -> None:
    """By its name and its id, or by the same twice."""
    named()
    here.flush()
    (record,) = here.history.runs()
    done = brickwork("run", "rm", "same", record.id, "same")
    assert (done.code, done.err) == (0, "1 run(s) removed.\n")


def test_of_several_to_remove_one_that_lacks_keeps_all(brickwork: Command, here: Runtime) -> None:
    """Nothing is removed before all were found."""
    named()
    assert brickwork("run", "rm", "same", "nobody").code == 4
    assert len(here.history.runs()) == 1


def test_what_did_not_run_in_a_run_is_told(brickwork: Command, here: Runtime) -> None:
    """Where the flow's run is there, what ran in it is shown next; else the runs."""
    named()
    here.flush()
    (record,) = here.history.runs()
    assert f"brickwork run show {record.id}`" in brickwork("run", "show", "same.load-7").err
    assert "brickwork run ls`" in brickwork("run", "show", "nobody.load-7").err


@pytest.mark.parametrize("command", ["cancel", "pause"])
def test_what_has_ended_cannot_be_stopped(brickwork: Command, here: Runtime, command: str) -> None:
    """One that failed may go on, and how is said; one that completed may not."""

    @flow(flow_run_name="bad")
    def fails() -> None:
        raise OSError

    named()
    with pytest.raises(OSError):  # noqa: PT011  # its own
        fails()
    done = brickwork("run", command, "same")
    assert (done.code, "it is completed" in done.err, "resume" in done.err) == (5, True, False)
    done = brickwork("run", command, "bad")
    assert (done.code, "brickwork run resume" in done.err) == (5, True)


def test_a_folder_with_a_colon_is_told_from_a_url(
    brickwork: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who meant a folder learns how to write it."""
    monkeypatch.setenv("BRICKWORK_HISTORY", "history:2026")
    done = brickwork("run", "ls")
    assert done.code != 0
    assert "write ./history:" in done.err
