"""Runs that are killed where they are paused: they are paused still, and go on when resumed.

Every process here is a real one, and ends by ``kill -9``.
"""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from brickwork_flows import StateType, use_history
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.runtime import Runtime

T = TypeVar("T")

WAIT_SECONDS = 60.0

FLOWS = '''
import asyncio
import os
import sys
from pathlib import Path

from brickwork_flows import (
    RunInput, apause_flow_run, flow, pause_flow_run, suspend_flow_run, task
)


class Approval(RunInput):
    """Whether the report goes out."""

    approved: bool
    copies: int = 1


def effect(what):
    with Path(__file__).with_name("effects").open("a") as file:
        os.write(file.fileno(), f"{what}\\n".encode())


def waits():
    """Tell that it waits, and wait for a line, or a kill."""
    os.write(1, b"waits\\n")
    sys.stdin.readline()


@task
def step(number):
    effect(number)
    return number


@flow
def pauses():
    step(1)
    number = pause_flow_run(int)
    step(2)
    return number


@flow
def pauses_for_leave():
    step(1)
    pause_flow_run()
    return step(2)


@flow
def pauses_for_a_model():
    step(1)
    approval = pause_flow_run(Approval)
    return f"{approval.approved} {approval.copies} {step(2)}"


@flow
async def pauses_in_a_loop():
    await step.aio(1)
    number = await apause_flow_run(int)
    await step.aio(2)
    return number


@flow
def pauses_with_tasks():
    future = hangs.submit()
    step(1)
    number = pause_flow_run(int)
    return number + future.result() + step(2)


@task
def hangs():
    effect("hangs")
    if not Path(__file__).with_name("killed").exists():
        waits()
    return 0


@flow
def suspends():
    step(1)
    try:
        number = suspend_flow_run(int)
    finally:
        if not Path(__file__).with_name("killed").exists():
            waits()
    step(2)
    return number


@flow
def outer():
    value = suspends()
    return value + step(3)


if __name__ == "__main__":
    value = globals()[sys.argv[1]]()
    print(asyncio.run(value) if asyncio.iscoroutine(value) else value, flush=True)
'''


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with flows, whose runs are in a history of this test's own."""
    monkeypatch.setenv("BRICKWORK_HISTORY", str(tmp_path / "runs"))
    path = tmp_path / "flows_killed.py"
    path.write_text(FLOWS)
    return path


@pytest.fixture
def here(program: Path) -> Iterator[Runtime]:
    """The same history, in this process."""
    with use_history(program.with_name("runs")) as runtime:
        yield runtime
        runtime.close()


@contextmanager
def begun(program: Path, name: str) -> "Iterator[subprocess.Popen[str]]":
    """Run a flow in a process of its own, which is killed in the end."""
    command = [sys.executable, str(program), name]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def killed(process: "subprocess.Popen[str]", program: Path) -> None:
    """Kill a process, and let what comes after it know."""
    process.send_signal(signal.SIGKILL)
    assert process.wait(WAIT_SECONDS) == -signal.SIGKILL
    program.with_name("killed").touch()


def eventually(true: Callable[[], T]) -> T:
    """Wait until something is so in another process, and return it."""
    until = time.monotonic() + WAIT_SECONDS
    while not (found := true()):
        assert time.monotonic() < until, "it never came to be"
        time.sleep(0.02)
    return found


def paused(here: Runtime) -> RunRecord:
    """Wait for the run that is paused."""
    return eventually(lambda: here.history.runs(states=[StateType.PAUSED]))[0]


def newest(here: Runtime) -> RunRecord:
    """Return the newest run, with what processes that died left of it."""
    here.flush()
    return here.history.runs()[0]


def brickwork(*args: str) -> "subprocess.CompletedProcess[str]":
    """Run a command without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "brickwork", *args],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )


def output(*args: str) -> str:
    """Run a command that must succeed, and return what it prints."""
    done = brickwork(*args)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def effects(program: Path) -> Counter[str]:
    """What was done, and how often."""
    return Counter(program.with_name("effects").read_text().split())


# Killed while paused


@pytest.mark.parametrize(
    ("name", "given", "result"),
    [
        ("pauses", ["--input", "7"], "7"),
        ("pauses_for_leave", [], "2"),
        ("pauses_for_a_model", ["-i", "approved=yes"], "True 1 2"),
        ("pauses_in_a_loop", ["--input", "7"], "7"),
    ],
)
def test_a_run_that_was_killed_while_paused_goes_on(
    name: str, given: list[str], result: str, program: Path, here: Runtime
) -> None:
    """It is paused still, takes its input from the command line, and does nothing twice."""
    with begun(program, name) as process:
        run = paused(here)
        killed(process, program)
    assert newest(here).state.type is StateType.PAUSED
    assert output("run", "resume", run.id, *given) == result
    assert effects(program) == {"1": 1, "2": 1}
    after = newest(here)
    names = [state.name for state in after.states]
    assert names == ["Pending", "Running", "Paused", "Pending", "Running", "Completed"]


def test_what_was_submitted_is_run_again_after_a_kill_at_the_pause(
    program: Path, here: Runtime
) -> None:
    """The run is paused, the task that ran beside it crashed; both end with the resume."""
    with begun(program, "pauses_with_tasks") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waits\n"
        run = paused(here)
        killed(process, program)
    assert newest(here).state.type is StateType.PAUSED
    assert here.history.run(f"{run.id}.hangs-0").state.type is StateType.CRASHED
    assert output("run", "resume", run.id, "--input", "40") == "42"
    assert effects(program) == {"hangs": 2, "1": 1, "2": 1}


@pytest.mark.parametrize(("name", "result"), [("suspends", "7"), ("outer", "10")])
def test_a_run_that_was_killed_as_it_was_suspended_goes_on(
    name: str, result: str, program: Path, here: Runtime
) -> None:
    """The kill comes between the suspension and the end of the body."""
    with begun(program, name) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waits\n"
        run = paused(here)
        killed(process, program)
    assert newest(here).state.name == "Suspended"
    assert output("run", "resume", run.id, "--input", "7") == result
    made = {"1": 1, "2": 1} | ({"3": 1} if name == "outer" else {})
    assert effects(program) == made


def test_a_killed_run_that_gets_no_input_says_what_it_takes(program: Path, here: Runtime) -> None:
    """Without a terminal and without input, resuming is an error that loses nothing."""
    with begun(program, "pauses_for_a_model") as process:
        run = paused(here)
        killed(process, program)
    refused = brickwork("run", "resume", run.id)
    assert refused.returncode == 2
    assert "waits for Approval(approved, [copies]), and was given nothing" in refused.stderr
    assert "--input" in refused.stderr
    wrong = brickwork("run", "resume", run.id, "-i", "approved=perhaps")
    assert wrong.returncode == 2
    assert "approved: Input should be a valid boolean" in wrong.stderr
    assert newest(here).state.type is StateType.PAUSED
    assert output("run", "resume", run.id, "--input", '{"approved": true}') == "True 1 2"
    assert effects(program) == {"1": 1, "2": 1}


def test_a_killed_paused_run_is_cancelled_and_can_still_be_resumed(
    program: Path, here: Runtime
) -> None:
    """Nobody needs to live for that; resumed, it asks once more."""
    with begun(program, "pauses") as process:
        run = paused(here)
        killed(process, program)
    assert "is cancelled" in brickwork("run", "cancel", run.id).stderr
    assert newest(here).state.type is StateType.CANCELLED
    with subprocess.Popen(
        [sys.executable, "-m", "brickwork", "run", "resume", run.id], stdout=subprocess.PIPE
    ) as resuming:
        paused(here)
        assert output("run", "resume", run.id, "--input", "7") == ""
        assert resuming.communicate(timeout=WAIT_SECONDS)[0] == b"7\n"
    assert effects(program) == {"1": 1, "2": 1}
