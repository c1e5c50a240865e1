"""``brickwork flow`` and ``brickwork run``: what they take, print, change, and end with."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from brickwork import BasicAuth, Secret
from brickwork.cli.app import run as run_brickwork
from brickwork.testing.commandline import Command, Done, command_here, command_line
from brickwork_flows import StateType
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.runtime import Runtime, current_runtime

FLOWS = '''
import datetime
import os
import time
from pathlib import Path
from brickwork import BasicAuth, Secret
from brickwork_flows import flow, task


@task
def double(number: int) -> int:
    return number * 2


@flow
def report(day: datetime.date, n: int = 2, many: list[int] = [1]) -> dict[str, object]:
    """Make a report."""
    return {"day": day, "doubled": [double(n), *map(double, many)]}


@flow
def enter(token: Secret[str], auth: BasicAuth) -> str:
    return f"{len(token.reveal())} {auth.username}"


@flow
def needs_mending(token: Secret[str]) -> int:
    double(1)
    if not Path(__file__).with_name("mended").exists():
        raise OSError("no disk")
    return double(2)


@flow
def large() -> str:
    return "x" * 100_000


@flow
async def later() -> int:
    return await double.aio(21)


@flow(flow_run_name="nightly")
def named() -> None:
    double(1)


def started() -> None:
    Path(__file__).with_name("started").touch()


@task
def deaf() -> None:
    started()
    time.sleep(60)


@flow
def sleeps() -> None:
    deaf()


@flow
def sleeps_in_thread() -> None:
    deaf.submit().result()


@flow
def listens() -> None:
    started()
    while True:
        double(1)
        time.sleep(0.01)


@flow
async def awaits() -> None:
    import asyncio

    started()
    await asyncio.sleep(60)


no_flow = 3
'''


@pytest.fixture
def flows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file of flows; the history is one of this test's own."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setenv("BRICKWORK_HISTORY", str(tmp_path / "runs"))
    file = tmp_path / "flows_here.py"
    file.write_text(FLOWS)
    yield file
    current_runtime().close()
    current_runtime().history.close()


@pytest.fixture
def brickwork(capfd: pytest.CaptureFixture[str]) -> Command:
    """The command line, in this process."""
    return command_here(run_brickwork, capfd)


def newest() -> RunRecord:
    """Return the newest run of a flow."""
    runtime: Runtime = current_runtime()
    runtime.flush()
    return runtime.history.runs()[0]


# Running


def test_a_flow_is_run_and_tells_its_run(flows: Path, brickwork: Command) -> None:
    """The result is on standard output; the run's id and its end on standard error."""
    done = brickwork("flow", "run", f"{flows}:report", "-p", "day=2026-01-01", "-p", "n=3")
    assert (done.code, done.out.split()[:4]) == (0, ["{", '"day":', '"2026-01-01",', '"doubled":'])
    assert done.err.startswith(f"report: run {newest().id}\n")
    assert "report: completed in " in done.err


def test_json_and_quiet(flows: Path, brickwork: Command) -> None:
    """JSON names its shape; quiet leaves standard error empty."""
    done = brickwork("flow", "run", f"{flows}:later", "--json", "--quiet")
    assert done.err == ""
    assert {**done.json, "seconds": 0, "id": ""} == {
        "schema": "brickwork.flow.run/1",
        "id": "",
        "flow": "later",
        "state": "completed",
        "seconds": 0,
        "result": 42,
    }


def test_modules_do_as_well_as_files(
    flows: Path, brickwork: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module is looked for where the command runs, as by ``python -m``."""
    monkeypatch.chdir(flows.parent)
    assert brickwork("flow", "run", "flows_here:later", "--quiet").out == "42\n"
    assert newest().details["entry"] == "flows_here:later"


def test_secrets_and_blocks(flows: Path, brickwork: Command) -> None:
    """A secret comes from standard input, a block by its address; neither is recorded in clear."""
    BasicAuth(username="anna", password=Secret("pw-never-shown")).save("prod")
    target = f"{flows}:enter"
    args = ("-p", "token=-", "-p", "auth=basic-auth/prod")
    done = brickwork("flow", "run", target, *args, stdin="token-never-shown\n")
    assert (done.code, done.out) == (0, "17 anna\n")
    shown = brickwork("run", "show", newest().id)
    assert "not recorded: it is a secret" in shown.out
    assert "never-shown" not in shown.out + str(newest().details)

    refused = brickwork("flow", "run", target, "-p", "token=abc", "-p", "auth=basic-auth/prod")
    assert refused.code != 0
    assert "abc" not in refused.err


@pytest.mark.parametrize(
    ("target", "args", "told"),
    [
        ("{}:nobody", (), "There is: report, enter"),
        ("{}:no_flow", (), "is no flow"),
        ("{}x:report", (), "There is no file"),
        ("nowhere_at_all:report", (), "nowhere_at_all cannot be loaded"),
        ("report", (), "path/to/file.py:name"),
        ("{}:report", (), "day: is missing"),
        ("{}:report", ("-p", "day=soon"), "day"),
        ("{}:report", ("-p", "day"), "FIELD=VALUE"),
    ],
)
def test_wrong_usage(
    target: str, args: tuple[str, ...], told: str, flows: Path, brickwork: Command
) -> None:
    """What cannot be run is told, with what can; nothing is recorded."""
    done = brickwork("flow", "run", target.format(flows), *args)
    assert done.code in (1, 2)
    assert told in done.err
    assert brickwork("run", "ls", "--json").json["runs"] == []


def test_a_failure_tells_how_to_go_on(flows: Path, brickwork: Command) -> None:
    """A flow that raises ends with 1, its error, and the command that resumes it."""
    done = brickwork("flow", "run", f"{flows}:needs_mending", "-p", "token=-", stdin="t0ken")
    assert done.code == 1
    assert f"failed; to go on: brickwork run resume {newest().id}" in done.err
    assert "no disk" in done.err


def test_flows_of_a_file_are_listed(flows: Path, brickwork: Command) -> None:
    """What is listed can be given to ``flow run``."""
    rows = brickwork("flow", "ls", flows, "--json").json["flows"]
    assert rows[0] == {
        "target": f"{flows}:report",
        "name": "report",
        "description": "Make a report.",
    }
    assert "no_flow" not in brickwork("flow", "ls", flows).out


# Looking


def test_runs_are_found_by_parts_of_their_ids_and_names(flows: Path, brickwork: Command) -> None:
    """A unique beginning or end of an id, and a name, stand for the run; others are refused."""
    brickwork("flow", "run", f"{flows}:named")
    run = newest()
    brickwork("flow", "run", f"{flows}:later")
    for text in (run.id, run.id[-8:], "nightly"):
        assert brickwork("run", "show", text, "--json").json["id"] == run.id
    assert brickwork("run", "show", f"{run.id[-8:]}.double-0", "--json").json["kind"] == "task"

    several = brickwork("run", "show", run.id[:4])
    assert (several.code, "stands for several runs" in several.err) == (4, True)
    assert brickwork("run", "show", "nobody").code == 4


def test_results_are_printed(flows: Path, brickwork: Command) -> None:
    """``run result`` gives what was returned; where nothing was kept, 4."""
    brickwork("flow", "run", f"{flows}:later")
    assert brickwork("run", "result", newest().id).out == "42\n"
    assert brickwork("run", "result", newest().id, "--json").json["result"] == 42
    brickwork("flow", "run", f"{flows}:needs_mending", "-p", "token=-", stdin="t0ken")
    missing = brickwork("run", "result", newest().id)
    assert (missing.code, "has no result" in missing.err) == (4, True)


# Changing


def test_removing_removes_stored_results(flows: Path, brickwork: Command) -> None:
    """A run that is removed leaves nothing, also of a result that has a file of its own."""
    brickwork("flow", "run", f"{flows}:large", "--quiet")
    kept = flows.parent / "runs" / "results"
    assert [each for each in kept.rglob("*") if each.is_file()]
    assert brickwork("run", "rm", newest().id).err == "1 run(s) removed.\n"
    assert [each for each in kept.rglob("*") if each.is_file()] == []
    assert brickwork("run", "ls", "--json").json["runs"] == []


def test_old_runs_are_removed_by_age_and_state(flows: Path, brickwork: Command) -> None:
    """Only what ended so long ago, in one of the states, is removed."""
    brickwork("flow", "run", f"{flows}:later")
    brickwork("flow", "run", f"{flows}:needs_mending", "-p", "token=-", stdin="t0ken")
    assert "0 run(s)" in brickwork("run", "prune", "--older-than", "1d").err
    assert "1 run(s)" in brickwork("run", "prune", "--older-than", "0s", "--state", "failed").err
    assert newest().name == "later"
    assert brickwork("run", "rm").code == 2
    assert brickwork("run", "prune", "--older-than", "soon").code == 2
    assert brickwork("run", "rm", "--state", "failed", newest().id).code == 2


def test_resuming(flows: Path, brickwork: Command) -> None:
    """A failed run goes on under its id, asked for its secret; a completed one is refused."""
    brickwork("flow", "run", f"{flows}:needs_mending", "-p", "token=-", stdin="t0ken")
    run = newest()
    flows.with_name("mended").touch()

    lacking = brickwork("run", "resume", run.id)
    assert (lacking.code, "token: it is a secret" in lacking.err) == (2, True)
    done = brickwork("run", "resume", run.id[-8:], "-p", "token=-", stdin="t0ken")
    assert (done.code, done.out) == (0, "4\n")
    assert (newest().id, newest().state.type) == (run.id, StateType.COMPLETED)
    assert brickwork("run", "resume", run.id).code == 5
    assert brickwork("run", "cancel", run.id).code == 5


# Stopping


@contextmanager
def begun(flows: Path, name: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Run a flow in a process; gives it and the run's id when its body runs and others see it."""
    args = [sys.executable, "-m", "brickwork", "flow", "run", f"{flows}:{name}"]
    with subprocess.Popen(args, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            run_id = process.stderr.readline().split()[-1]
            until = time.monotonic() + 30
            history = current_runtime().history
            while not (flows.with_name("started").exists() and history.matching(run_id)):
                assert process.poll() is None, process.stderr.read()
                assert time.monotonic() < until
                time.sleep(0.01)  # a file of another process cannot be waited for
            yield process, run_id
        finally:
            process.kill()


@pytest.mark.parametrize("name", ["sleeps", "sleeps_in_thread", "listens", "awaits"])
def test_ctrl_c_ends_soon_and_is_recorded(name: str, flows: Path) -> None:
    """Ctrl-C ends within 2 s with 130, whatever runs; the run and its tasks are cancelled."""
    with begun(flows, name) as (process, run_id):
        pressed = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
        seconds = time.monotonic() - pressed

    assert process.returncode == 130, told
    assert seconds < 2 + _slack()
    run = newest()
    assert run.state.type is StateType.CANCELLED
    states = {each.state.type for each in current_runtime().history.children(run.id)}
    assert states <= {StateType.CANCELLED, StateType.COMPLETED}
    assert run.id == run_id
    assert f"brickwork run resume {run.id}" in told


@pytest.mark.parametrize("name", ["sleeps", "listens", "awaits"])
def test_cancelling_from_outside(name: str, flows: Path) -> None:
    """``run cancel`` in another process ends the run: Cancelling, then Cancelled."""
    with begun(flows, name) as (process, run_id):
        asked: Done = command_line("run", "cancel", run_id)
        process.communicate(timeout=30)

    assert asked.code == 0
    assert process.returncode in (1, 130)
    names = [state.name for state in newest().states]
    assert names == ["Pending", "Running", "Cancelling", "Cancelled"]


def _slack() -> float:
    # Tests run beside each other, on machines with few cores.
    return 3.0 if "PYTEST_XDIST_WORKER" in os.environ else 1.0
