"""Runs read back: ``get_run``, ``list_runs``, and ``brickwork run result``."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from brickwork import SecretBlock, register_type
from brickwork.cli.app import run as run_brickwork
from brickwork.testing.commandline import Command, command_here
from brickwork_flows import (
    RecordedRun,
    StateType,
    flow,
    get_run,
    get_run_logger,
    list_runs,
    tags,
    task,
)
from brickwork_flows.errors import MissingResult, RunNotFound
from brickwork_flows.results import INLINE_BYTES
from brickwork_flows.runtime import Runtime, current_runtime

LARGE = "äx" * INLINE_BYTES


class Odd(set[int]):
    """Something that JSON does not take, and pickle does."""


@task
def step(n: int) -> int:
    """Log, and return a number."""
    get_run_logger().warning("step %d", n)
    return n * 2


@flow
def inner(n: int) -> int:
    """Call a task."""
    return step(n)


@flow(flow_run_name="nightly-{day}")
def nightly(day: date, n: int = 1) -> int:
    """Call a task and a flow."""
    get_run_logger().warning("nightly begins")
    return step(n) + inner(n + 1)


@flow
def fails() -> None:
    """Fail."""
    raise ValueError("no rows")


def test_run_tells_what_is_recorded(runtime: Runtime) -> None:
    """Its states, parameters, tags, tasks, logs and result, for the flow and all that ran in it."""
    with tags("blue"):
        assert nightly(date(2026, 11, 23)) == 6

    run = get_run("nightly-2026-11-23")
    assert isinstance(run, RecordedRun)
    assert (run.kind, run.name, run.run_name) == ("flow", "nightly", "nightly-2026-11-23")
    assert run.state.type is StateType.COMPLETED
    assert [state.name for state in run.states] == ["Pending", "Running", "Completed"]
    assert run.parameters == {"day": "2026-11-23", "n": 1}
    assert run.tags == ("blue",)
    assert run.attempts == 1
    assert run.result() == 6
    assert [(each.kind, each.run_name, each.result()) for each in run.tasks()] == [
        ("task", "step-0", 2),
        ("flow", "inner-0", 4),
        ("task", "inner-0/step-0", 4),
    ]
    assert [each.message for each in run.logs()] == ["nightly begins", "step 1", "step 2"]

    within = get_run(f"{run.id}.inner-0")
    assert [each.id for each in within.tasks()] == [f"{run.id}.inner-0/step-0"]
    assert [each.message for each in within.logs()] == ["step 2"]
    assert within.logs()[0].level == logging.WARNING


def test_run_is_found_as_on_the_command_line(runtime: Runtime) -> None:
    """An id may be cut short; what stands for two runs, or for none, is refused."""
    nightly(date(2026, 1, 1))
    nightly(date(2026, 1, 1))
    first, second = (run.id for run in list_runs())

    assert get_run(first[-8:]).id == first
    assert get_run(f"{second[-8:]}.step-0").id == f"{second}.step-0"
    with pytest.raises(RunNotFound, match="several runs"):
        get_run("nightly-2026-01-01")
    with pytest.raises(RunNotFound, match="There is no run"):
        get_run("nowhere")


_LIVES_ON = """
import sys
from brickwork_flows import flow, use_history

@flow(flow_run_name="fresh")
def work() -> int:
    return 7

with use_history(sys.argv[1]):
    work()
    print("ended", flush=True)
    sys.stdin.read()
"""


def test_run_of_a_process_that_lives_is_found_at_once(runtime: Runtime) -> None:
    """Also where that has not brought it into the history yet."""
    command = [sys.executable, "-c", _LIVES_ON, str(runtime.place.folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ended\n"
        assert get_run("fresh").result() == 7
        process.communicate(timeout=60)


def test_runs_are_listed_newest_first_and_by_what_they_are(runtime: Runtime) -> None:
    """By flow, state and tags, page by page."""
    with pytest.raises(ValueError, match="no rows"):
        fails()
    for n in range(5):
        with tags("even" if n % 2 == 0 else "odd", "all"):
            inner(n)

    assert [run.name for run in list_runs()] == ["inner"] * 5 + ["fails"]
    assert [run.parameters["n"] for run in list_runs(flow="inner")] == [4, 3, 2, 1, 0]
    assert [run.parameters["n"] for run in list_runs(tags=["even", "all"])] == [4, 2, 0]
    assert [run.parameters["n"] for run in list_runs(tags="even", limit=2)] == [4, 2]
    assert [run.name for run in list_runs(states=["failed"])] == ["fails"]
    page = list_runs(limit=2)
    assert [run.parameters["n"] for run in list_runs(before=page[-1].id, limit=2)] == [2, 1]
    with pytest.raises(ValueError, match="nosuch"):
        list_runs(states=["nosuch"])


def test_result_that_is_not_there_says_why(runtime: Runtime) -> None:
    """A run that failed, one whose result was not kept, one whose file is gone: each is told."""

    @flow
    def odd() -> object:
        return object()

    @flow
    def large() -> str:
        return LARGE

    with pytest.raises(ValueError, match="no rows"):
        fails()
    with pytest.raises(MissingResult, match=r"no result: it is Failed\(ValueError: no rows\)"):
        list_runs()[0].result()
    odd()
    with pytest.raises(MissingResult, match=r"was not kept: .*does not know the type") as caught:
        list_runs()[0].result()
    assert "result_serializer" in caught.value.fix
    large()
    run = list_runs()[0]
    assert run.result() == LARGE
    for path in runtime.place.results.iterdir():
        path.unlink()
    with pytest.raises(MissingResult, match="cannot be read: "):
        run.result()


def test_result_of_a_missing_package_names_it(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the serializer, or the type, is not there, the error says what to install or import."""

    @register_type("test-results-order")
    @dataclass
    class Order:
        number: int

    @flow
    def orders() -> list[Order]:
        return [Order(7)]

    orders()
    run = list_runs()[0]
    assert run.result() == [Order(7)]
    from brickwork.serializer import types

    monkeypatch.delitem(types._by_name, "test-results-order")
    with pytest.raises(MissingResult, match="test-results-order") as caught:
        run.result()
    assert "register_type" in caught.value.fix
    assert b'"number":7' in run.payload()

    kept = runtime.history.result(run.id)
    assert kept is not None
    assert kept.data is not None
    of_others = kept._replace(chain="aws-frames|zstd")
    monkeypatch.setattr(runtime.history, "result", lambda _run: of_others)
    with pytest.raises(MissingResult, match="aws-frames") as caught:
        run.result()
    assert caught.value.fix


# The command line


@pytest.fixture
def brickwork(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    """The command line, in this process, on a history of this test's own."""
    monkeypatch.setenv("BRICKWORK_HISTORY", str(tmp_path / "runs"))
    yield command_here(run_brickwork, capfd)
    current_runtime().close()


def test_output_is_what_the_serializer_wrote(brickwork: Command, tmp_path: Path) -> None:
    """A result is written to a file, or to standard output, whole; a link is followed."""

    @flow(result_serializer="text|zstd|aes256gcm")
    def large() -> str:
        return LARGE

    SecretBlock(value="makes the vault").save("first")
    large()
    run = list_runs()[0].id
    (tmp_path / "link").symlink_to(tmp_path / "there")
    done = brickwork("run", "result", run, "--output", str(tmp_path / "link"))

    assert (done.code, done.out) == (0, "")
    assert (tmp_path / "there").read_bytes() == LARGE.encode()
    assert (tmp_path / "link").is_symlink()
    command = [sys.executable, "-m", "brickwork", "run", "result", run, "-o", "-"]
    piped = subprocess.run(command, capture_output=True, timeout=60, check=True)
    assert piped.stdout == LARGE.encode()


def test_pickle_needs_a_flag(brickwork: Command, tmp_path: Path) -> None:
    """A pickle is refused with what to do; its bytes may be taken without running it."""

    @flow(result_serializer="pickle")
    def odd() -> Odd:
        return Odd({1, 2})

    SecretBlock(value="makes the vault").save("first")
    odd()
    run = list_runs()[0].id
    refused = brickwork("run", "result", run)
    allowed = brickwork("run", "result", run, "--allow-pickle", "--json")
    taken = brickwork("run", "result", run, "--output", str(tmp_path / "file"))

    assert refused.code == 4
    assert "--allow-pickle" in refused.err
    assert allowed.json["result"] == [1, 2]
    assert taken.code == 0
    assert (tmp_path / "file").read_bytes()[:2] == b"\x80\x05"
