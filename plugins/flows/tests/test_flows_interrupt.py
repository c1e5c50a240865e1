"""Ctrl-C: real programs, real signals, and what the history says afterwards."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from brickwork_flows import use_history
from brickwork_flows.history.interface import RunRecord

LIMIT_SECONDS = 2.0

PROGRAM = """
import asyncio, os, sys, time
from typing import Any
from brickwork_flows import ProcessRunner, ThreadRunner, flow, task, use_history

def began(word: str) -> None:
    os.write(1, f"{word}\\n".encode())

@task
def sleeps() -> None:
    began("sleeps")
    time.sleep(60)

@task
def spins() -> None:
    began("spins")
    while True:
        pass

@task
def stubborn() -> None:
    began("stubborn")
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass

@task
async def awaits() -> None:
    began("awaits")
    await asyncio.sleep(60)

@task
def after(value: object) -> None:
    began("after")

@task(retries=5, retry_delay_seconds=60)
def retried() -> None:
    began("retried")
    raise OSError("busy")

@flow(task_runner=ThreadRunner(4))
def waits_for_result() -> None:
    futures: list[Any] = [sleeps.submit(), spins.submit(), stubborn.submit(), retried.submit()]
    futures += [after.submit(futures[0])]
    futures += after.map(range(500))
    began("waiting")
    futures[0].result()

@flow(task_runner=ThreadRunner(4))
def waits_at_its_end() -> None:
    sleeps.submit(), spins.submit(), stubborn.submit(), retried.submit()

@flow
def calls() -> None:
    spins.submit()
    sleeps()

@flow
async def in_a_loop() -> None:
    awaits.submit()
    sleeps.submit()
    await awaits()

@flow(task_runner=ProcessRunner(2))
def in_processes() -> None:
    futures: list[Any] = [sleeps.submit(), stubborn.submit()]
    futures += after.map(range(20))
    began("waiting")
    futures[0].result()

if __name__ == "__main__":
    with use_history(sys.argv[1]):
        main = globals()[sys.argv[2]]
        if main.is_async:
            asyncio.run(main())
        else:
            main()
"""


def interrupted(tmp_path: Path, flow: str, words: set[str]) -> tuple[float, str, list[RunRecord]]:
    """Run a flow, press Ctrl-C once all of the words were printed.

    Returns:
        How long the flow went on, what was written to stderr, and the runs, the flow's first.
    """
    program, folder = tmp_path / "program.py", tmp_path / "runs"
    program.write_text(PROGRAM)
    with subprocess.Popen(
        [sys.executable, str(program), str(folder), flow],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        assert running.stdout is not None
        missing = set(words)
        while missing:
            line = running.stdout.readline()
            assert line, running.stderr and running.stderr.read()
            missing.discard(line.strip())
        pressed = time.time()
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does
        try:
            _, errors = running.communicate(timeout=20)
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
    with use_history(folder) as runtime:
        runtime.flush()
        newest = runtime.history.runs()[0]
        runs = [newest, *runtime.history.children(newest.id)]
        runtime.close()
    return newest.state.timestamp - pressed, errors, runs


@pytest.mark.parametrize(
    ("flow", "words", "tasks"),
    [
        ("waits_for_result", "sleeps spins stubborn retried waiting", 505),
        ("waits_at_its_end", "sleeps spins stubborn retried", 4),
        ("calls", "spins sleeps", 2),
        ("in_a_loop", "sleeps awaits", 3),
        ("in_processes", "sleeps stubborn waiting", 22),
    ],
)
def test_ctrl_c_cancels_everything(flow: str, words: str, tasks: int, tmp_path: Path) -> None:
    """Flow and tasks are recorded as cancelled within two seconds, and the program ends."""
    seconds, errors, runs = interrupted(tmp_path, flow, set(words.split()))

    assert seconds < LIMIT_SECONDS
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert {run.name: run.state.name for run in runs if run.state.name != "Cancelled"} == {}
    # All of those at work; of those in the queue as many as were submitted when Ctrl-C came.
    assert min(tasks, 5) <= len(runs) - 1 <= tasks
