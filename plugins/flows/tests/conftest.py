"""Fixtures of this package's tests."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from brickwork_flows import use_history
from brickwork_flows.runtime import Runtime
from brickwork_flows.states import REPEATABLE, StateType, may_follow


@pytest.fixture(autouse=True)
def isolated(fresh_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees the user's vault, keys, settings or history."""
    import os

    for name in list(os.environ):
        if name.startswith("BRICKWORK_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BRICKWORK_HOME", str(fresh_home))
    return fresh_home


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    """A history of this test's own, in use."""
    with use_history(tmp_path / "runs") as runtime:
        yield runtime
        runtime.close()
        assert illegal_states(runtime.place.database) == []


def illegal_states(database: Path) -> list[str]:
    """Return what a history has of runs that went from one state into another as none may."""
    if not database.exists():
        return []
    states: list[tuple[str, str, str]] = []
    select = "SELECT run, type, name FROM states ORDER BY run, number"
    with closing(sqlite3.connect(database)) as connection, suppress(sqlite3.DatabaseError):
        states = connection.execute(select).fetchall()  # some tests damage it
    found: list[str] = []
    last_run, last = "", StateType.PENDING
    for run, text, name in states:
        kind = StateType(text)
        before = last if run == last_run else None
        again = before in REPEATABLE and may_follow(None, kind)
        if not (again or may_follow(before, kind, name)):
            found.append(f"{run}: {before} to {kind} ({name})")
        last_run, last = run, kind
    return found
