"""A history in a folder whose name a URL, a shell or a database could take for something else."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from brickwork import LocalStorage
from brickwork.cli.app import run as run_brickwork
from brickwork.testing.commandline import Command, command_here
from brickwork_flows import (
    ProcessRunner,
    create_markdown_artifact,
    flow,
    get_artifact,
    list_runs,
    prune_runs,
    resume,
    task,
    transaction,
    use_history,
)
from brickwork_flows.caching import INPUTS
from brickwork_flows.runtime import Runtime, current_runtime

LARGE = 100_000

NAMES = [
    "50%",
    "a%25b%2Fc%00",
    "what?x=1&y=2",
    "tag#1",
    "two words ",
    "größe-文-😀",
    "c:colon;semi",
    "back\\slash",
    "~'\"`$HOME*[a-z]{x}",
    "new\nline",
    os.fsdecode(b"raw\xff\xfe"),
]


@pytest.fixture(params=NAMES, ids=ascii)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder of such a name, which is not there yet."""
    name: str = request.param
    return tmp_path / name


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """A history in it, for other processes too."""
    monkeypatch.setenv("BRICKWORK_HISTORY", str(folder))
    runtime = current_runtime()
    yield runtime
    runtime.close()
    runtime.history.close()


@pytest.fixture
def brickwork(capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs the command line in this process."""
    return command_here(run_brickwork, capfd)


calls: list[int] = []


@task(cache_policy=INPUTS, persist_result=True)
def cached(size: int) -> str:
    """Return so many letters, and count the calls."""
    calls.append(size)
    return "c" * size


@task
def large(size: int) -> str:
    """Return so many letters."""
    return "l" * size


def test_results_caches_and_artifacts_are_found_again(here: Runtime, folder: Path) -> None:
    """What is too large for the history itself is in that folder, and is read from there."""
    calls.clear()

    @flow
    def report() -> str:
        create_markdown_artifact("# x" * LARGE, key="page")
        return cached(LARGE) + large(LARGE)

    assert report() == report() == "c" * LARGE + "l" * LARGE
    assert calls == [LARGE]
    newest, oldest = list_runs()
    assert newest.result() == oldest.result() == "c" * LARGE + "l" * LARGE
    assert get_artifact("page", 1).read() == "# x" * LARGE
    # What is left after the older run is removed is what the newer one needs.
    assert prune_runs(keep=1).problems == ()
    (left,) = list_runs()
    assert left.result() == "c" * LARGE + "l" * LARGE
    assert [each.result() for each in left.tasks()] == ["c" * LARGE, "l" * LARGE]
    assert {each.name for each in folder.iterdir()} >= {"runs.db", "results", "artifacts", "cache"}


def test_a_run_is_resumed_with_its_results(here: Runtime) -> None:
    """What the tasks returned before is read back, and not made again."""
    fails = [True]
    calls.clear()

    @flow
    def report() -> int:
        size = len(uncached(LARGE))
        if fails.pop():
            raise OSError
        return size

    @task
    def uncached(size: int) -> str:
        calls.append(size)
        return "u" * size

    with pytest.raises(OSError):  # noqa: PT011  # its own
        report()
    fails.append(False)
    assert resume(list_runs()[0].id, report) == LARGE
    assert calls == [LARGE]


def test_staged_writes_are_committed(here: Runtime, tmp_path: Path, folder: Path) -> None:
    """They wait in that folder, and then stand in a storage in one with such a name."""
    storage = LocalStorage(root=folder / "out" / folder.name)

    @flow
    def report() -> None:
        with transaction(key="all") as unit:
            unit.write(storage, "day/all.txt", b"x" * LARGE)

    report()
    assert storage.read("day/all.txt") == b"x" * LARGE
    assert (folder / "out" / folder.name / "day" / "all.txt").exists()


def test_processes_find_the_folder(here: Runtime) -> None:
    """A worker keeps what it returns where its parent finds it."""

    @flow(task_runner=ProcessRunner(1))
    def report() -> int:
        return len(large.submit(LARGE).result())

    assert report() == LARGE
    (run,) = list_runs()
    (within,) = run.tasks()
    assert len(within.result()) == LARGE


def test_commands_take_such_folders(here: Runtime, brickwork: Command, folder: Path) -> None:
    """A result is printed, and written to a file in such a folder."""

    @flow(flow_run_name="report-1")
    def report() -> str:
        return large(LARGE)

    report()
    assert brickwork("run", "result", "report-1").out == "l" * LARGE + "\n"
    target = folder / folder.name
    assert brickwork("run", "result", "report-1", "-o", str(target)).code == 0
    assert target.read_text() == "l" * LARGE
    assert brickwork("run", "result", "report-1", "-o", str(target / "below")).code == 1
    assert brickwork("run", "result", "report-1", "-o", str(folder)).code == 2
    assert not [each for each in folder.iterdir() if each.suffix == ".part"]


def test_a_url_of_sqlite_is_a_path_as_it_is(folder: Path) -> None:
    """Nothing in ``sqlite:///path`` is decoded."""
    with use_history(f"sqlite://{folder}/x.db") as runtime:

        @flow
        def report() -> str:
            return large(LARGE)

        report()
        assert len(list_runs()[0].result()) == LARGE
        assert (folder / "x.db").exists()
        runtime.close()
        runtime.history.close()
