"""How long runs and results are kept: ``prune_runs``, ``brickwork run prune``, ``run rm``."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from brickwork import open_storage
from brickwork.cli.app import run as run_brickwork
from brickwork.testing.commandline import Command, command_here
from brickwork_flows import INPUTS, Pruned, flow, get_run, list_runs, prune_runs, task
from brickwork_flows.claims import Claim
from brickwork_flows.errors import NotResumable
from brickwork_flows.history.events import ResultKept, StateSet
from brickwork_flows.results import INLINE_BYTES
from brickwork_flows.retention import GUARD_SECONDS, remove_run
from brickwork_flows.runtime import Runtime, current_runtime

LARGE = "x" * (INLINE_BYTES + 1)
NOW = timedelta()
RAN: list[int] = []


@task
def make(n: int) -> str:
    """Return something large."""
    return LARGE + str(n)


@flow
def many(n: int) -> str:
    """Return what is larger than the history takes, by two tasks and a flow."""
    return make(n) + make(n + 1)


@flow
def small() -> int:
    """Return something small."""
    return 1


@flow
def fails() -> None:
    """Fail."""
    raise ValueError("no rows")


@task(cache_policy=INPUTS)
def slow(n: int) -> str:
    """Count how often it ran."""
    RAN.append(n)
    return LARGE


@flow
def cached(n: int) -> int:
    """Call the cached task."""
    return len(slow(n))


def files(runtime: Runtime) -> list[str]:
    """Return the stored results."""
    return sorted(open_storage(f"file:{runtime.place.results}").keys())


def aged(path: Path, seconds: float = GUARD_SECONDS + 60) -> Path:
    """Make a file, or what there is, older."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"left")
    then = time.time() - seconds
    os.utime(path, (then, then))
    return path


def test_old_runs_go_with_all_that_is_theirs(runtime: Runtime) -> None:
    """What ended before the age goes with its stored results; nothing of the others does."""
    many(1)
    many(2)
    old, new = list_runs()[1], list_runs()[0]
    runtime.history.record([_ended_at(runtime, old.id, time.time() - 3600)])
    assert len(files(runtime)) == 6

    done = prune_runs(older_than=timedelta(minutes=30))

    assert done == Pruned((old.id,), 0, 0, ())
    assert [run.id for run in list_runs()] == [new.id]
    assert len(files(runtime)) == 3
    assert len(new.result()) == 2 * len(LARGE) + 2
    assert all(each.result() for each in new.tasks())


def _ended_at(runtime: Runtime, run: str, at: float) -> StateSet:
    """Return the state of a completed run that was rolled back long ago, which is its last."""
    number = len(runtime.history.run(run).states) + 1
    return StateSet(run, number, "completed", "RolledBack", "", at, 1)


def test_newest_stay_and_states_count(runtime: Runtime) -> None:
    """The newest of each flow stay, whatever their age; a state and a flow narrow it down."""
    for _ in range(3):
        small()
        with pytest.raises(ValueError, match="no rows"):
            fails()

    assert len(prune_runs(keep=2, dry_run=True).runs) == 2
    assert len(list_runs()) == 6
    assert len(prune_runs(keep=2, states=["failed"]).runs) == 1
    assert len(prune_runs(older_than=NOW, keep=1, flow="small").runs) == 2
    assert [run.name for run in list_runs()] == ["fails", "small", "fails"]
    assert prune_runs().runs == ()
    for options in ({"keep": -1}, {"states": ["running"]}, {"states": ["nosuch"]}):
        with pytest.raises(ValueError, match=r"state|keep|nosuch"):
            prune_runs(older_than=NOW, **options)


def test_what_runs_or_is_being_resumed_stays(runtime: Runtime) -> None:
    """A run from the inside of itself, and one that somebody else holds, are left alone."""
    seen: list[Pruned] = []

    @flow
    def prunes() -> str:
        seen.append(prune_runs(older_than=NOW))
        with pytest.raises(NotResumable, match="has not ended"):
            remove_run(runtime, list_runs()[0].id)
        return LARGE

    small()
    first = list_runs()[0].id
    claim = Claim.take(runtime.place.folder, first)
    assert claim is not None
    try:
        prunes()
        with pytest.raises(NotResumable, match="is being resumed"):
            remove_run(runtime, first)
    finally:
        claim.release()

    assert seen[0].runs == ()
    assert len(list_runs()) == 2
    assert list_runs()[0].result() == LARGE
    assert prune_runs(older_than=NOW, flow="small").runs == (first,)


def test_cache_of_removed_runs_goes_and_is_computed_anew(runtime: Runtime) -> None:
    """A cache entry whose run was removed is no error: the task runs again."""
    RAN.clear()
    cached(1)
    cached(1)
    assert RAN == [1]
    done = prune_runs(older_than=NOW)
    assert (len(done.runs), done.cached) == (2, 1)
    assert files(runtime) == []

    cached(1)
    remove_run(runtime, list_runs()[0].id)  # which leaves the entry, that leads nowhere
    cached(1)
    assert RAN == [1, 1, 1]
    assert "is not used" in list_runs()[0].tasks()[0].state.message


def test_result_that_a_cached_run_shares_stays(runtime: Runtime) -> None:
    """The file of a result goes with the last run that points to it."""
    RAN.clear()
    cached(1)
    first = list_runs()[0].id
    cached(1)
    second = list_runs()[0]
    remove_run(runtime, first)

    assert second.tasks()[0].result() == LARGE
    remove_run(runtime, second.id)
    assert files(runtime) == []


def test_orphans_go_when_they_are_old(runtime: Runtime) -> None:
    """A file that nothing points to goes a day after; one that a run or the cache names stays."""
    RAN.clear()
    many(1)
    cached(1)
    kept = runtime.history.result(f"{list_runs()[0].id}.slow-0")
    assert kept is not None
    for path in runtime.place.results.iterdir():
        aged(path)
    staged = runtime.place.folder / "staged"
    for name in ("gone", list_runs()[0].id, "new"):
        aged(staged / name / "00000001")
        aged(staged / name, 0.0 if name == "new" else GUARD_SECONDS + 60)
    aged(runtime.place.results / "left-0")
    aged(runtime.place.results / "young", 60)
    aged(runtime.place.results / ".brickwork-tmp-1")
    before = files(runtime)

    assert prune_runs(dry_run=True).orphans == 1
    assert files(runtime) == before
    done = prune_runs()

    assert (done.orphans, done.runs) == (1, ())
    assert set(before) - set(files(runtime)) == {"left-0"}
    assert not (runtime.place.results / ".brickwork-tmp-1").exists()
    assert sorted(path.name for path in staged.iterdir()) == [list_runs()[0].id, "new"]
    assert [run.result() for run in list_runs()] == [len(LARGE), f"{LARGE}1{LARGE}2"]

    runtime.history.remove(list_runs()[0].id)  # the cache alone points to it now
    assert prune_runs().orphans == 0
    cached(1)
    assert RAN == [1]


def test_storages_of_others_are_not_searched(runtime: Runtime, tmp_path: Path) -> None:
    """In a storage that was named, only results of removed runs go; what else is there stays."""
    place = tmp_path / "place"
    aged(place / "of somebody else")
    many.with_options(result_storage=f"file:{place}")(1)
    assert len(list(place.iterdir())) == 4

    assert prune_runs(older_than=NOW).orphans == 0
    assert [path.name for path in place.iterdir()] == ["of somebody else"]


def test_result_that_cannot_be_deleted_is_told(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run goes all the same, and the caller is told what stays where."""
    small()
    run = list_runs()[0].id
    runtime.history.record([ResultKept(run, "json", None, "nosuch://bucket", "key")])

    done = prune_runs(older_than=NOW)

    assert done.runs == (run,)
    assert len(done.problems) == 1
    assert "stays where it is" in done.problems[0]


def test_file_of_the_history_shrinks(runtime: Runtime) -> None:
    """The space of what was removed is given back, and the log beside the file is empty."""

    @flow
    def wordy() -> None:
        for n in range(300):
            make.with_options(name=f"task-{n}", result_serializer="json")(n)

    wordy()
    small()
    runtime.flush()
    database = runtime.place.database
    runtime.history.compact()
    before = database.stat().st_size
    prune_runs(older_than=NOW)

    assert database.stat().st_size < before / 2
    assert (database.parent / f"{database.name}-wal").stat().st_size == 0
    assert small() == 1
    assert list_runs()[0].result() == 1


BUSY = """
import sys, threading
from brickwork_flows import INPUTS, flow, task, use_history

@task
def make(n: int) -> str:
    return "x" * 20_000 + str(n)

@task(cache_policy=INPUTS)
def shared(n: int) -> str:
    return "y" * 20_000

@flow
def busy(n: int) -> int:
    return len(make(n)) + len(shared(n % 3))

told = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), told.set()), daemon=True).start()
print("ready", flush=True)
with use_history(sys.argv[1]) as runtime:
    for n in range(10_000):
        assert busy(n) > 40_000
        if told.is_set():
            break
    runtime.close()
print("done", flush=True)
"""


def test_pruning_beside_running_processes(runtime: Runtime) -> None:
    """While two processes run flows, others prune: nothing fails, and what is kept is whole."""
    command = [sys.executable, "-c", BUSY, str(runtime.place.folder)]
    workers = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    removed = 0
    while removed < 40 and all(worker.poll() is None for worker in workers):
        removed += len(prune_runs(older_than=NOW, keep=3).runs)
    for worker in workers:
        _, err = worker.communicate(timeout=60)
        assert (worker.returncode, err) == (0, "")

    prune_runs(older_than=NOW, keep=3)
    assert removed >= 40
    runs = list_runs()
    assert len(runs) == 3
    for run in runs:
        assert run.result() > 40_000
        assert len(run.tasks()[0].result()) > 20_000


# The command line


@pytest.fixture
def brickwork(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    """The command line, in this process, on a history of this test's own."""
    monkeypatch.setenv("BRICKWORK_HISTORY", str(tmp_path / "runs"))
    yield command_here(run_brickwork, capfd)
    current_runtime().close()


def test_command_prunes_and_tells(brickwork: Command) -> None:
    """A dry run tells what would go; without an age or a number no run goes."""
    for _ in range(3):
        small()
    ids = [run.id for run in list_runs()]

    dry = brickwork("run", "prune", "--older-than", "0s", "--keep", "1", "--dry-run", "--json")
    assert dry.json["runs"] == ids[1:]
    assert (dry.json["cached"], dry.json["orphans"], dry.json["dry_run"]) == (0, 0, True)
    assert "0 run(s)" in brickwork("run", "prune").err
    assert "0 run(s)" in brickwork("run", "prune", "--older-than", "99999999999w").err
    assert "2 run(s), 0 cached" in brickwork("run", "prune", "--keep", "1").err
    assert [run.id for run in list_runs()] == ids[:1]
    assert brickwork("run", "prune", "--state", "failed").code == 2
    assert brickwork("run", "prune", "--state", "running", "--keep", "1").code == 2
    assert "1 run(s) removed" in brickwork("run", "rm", get_run(ids[0]).id).err
