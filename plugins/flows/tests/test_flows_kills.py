"""What a task acknowledged is in the history, whenever its process is killed.

``BRICKWORK_ATTACK_SCALE`` of 10 is the bar: 200 kills.
"""

import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from brickwork_flows.history.recorder import recover
from brickwork_flows.history.sqlite import SqliteHistory
from brickwork_flows.states import StateType
from brickwork_flows.testing.history import begun

pytestmark = pytest.mark.attack

LONG = int(os.environ.get("BRICKWORK_ATTACK_SCALE", "1")) >= 10
KILLS = 200 if LONG else 12

_WORKER = """
import os, sys
from brickwork_flows import flow, task, use_history
from brickwork_flows.context import current_run
from brickwork_flows.history import recorder
recorder.ROTATE_BYTES = int(sys.argv[2])

@task
def step(number):
    return number

@flow
def work():
    os.write(1, f"flow {current_run.get().id}\\n".encode())
    for number in range(50):
        assert step(number) == number
        os.write(1, f"step-{number}\\n".encode())

with use_history(sys.argv[1]):
    while True:
        work()
        os.write(1, b"done\\n")
"""


def killed(folder: Path, after: int, delay: float, rotate: int) -> list[str]:
    """Run flows, kill them some time after so many lines, and return the lines that were whole."""
    command = [sys.executable, "-c", _WORKER, str(folder), str(rotate)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(after)]
        with suppress(subprocess.TimeoutExpired):
            process.wait(delay)
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.read().splitlines(keepends=True)
        assert process.wait() == -signal.SIGKILL
    return [line.decode().strip() for line in lines if line.endswith(b"\n")]


def missing(history: SqliteHistory, lines: list[str]) -> list[str]:
    """What was acknowledged and is not in the history, and what is there and should not be."""
    wrong: list[str] = []
    flows: dict[str, list[str]] = {}
    run = ""
    for line in lines:
        if line.startswith("flow "):
            run = line.removeprefix("flow ")
            flows[run] = []
        else:
            flows[run].append(line)
    for run, steps in flows.items():
        record = history.run(run)
        expected = StateType.COMPLETED if "done" in steps else StateType.CRASHED
        # The last one may have ended, and been killed before it said so.
        ended = record.state.type is StateType.COMPLETED and steps[-1:] == ["step-49"]
        if record.state.type is not expected and not ended:
            wrong.append(f"{run} is {record.state.type}")
        children = {child.key: child for child in history.children(run)}
        results = history.results(run)
        for step in steps:
            child = children.get(step)
            if step == "done":
                continue
            if child is None or child.state.type is not StateType.COMPLETED:
                wrong.append(f"{run} {step} is lost")
            elif results[child.id].data != step.removeprefix("step-").encode():
                wrong.append(f"{run} {step} has lost its result")
        wrong += [
            f"{run} {child.key} is {child.state.type}"
            for child in children.values()
            if not child.state.final
        ]
    return wrong


def test_a_kill_loses_nothing_that_was_acknowledged(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """After each kill -9 the history opens, has every acknowledged task, and the run crashed."""
    chance = random.Random(8)
    acknowledged = crashes = 0
    for kill in range(KILLS):
        rotate = 10_000 if kill % 3 else 8 * 2**20
        lines = killed(tmp_path, chance.randrange(1, 300), chance.random() * 0.15, rotate)
        history = SqliteHistory(tmp_path / "runs.db")
        crashed = recover(history, tmp_path / "journals")
        assert missing(history, lines) == []
        assert len(crashed) <= 1
        crashes += len(crashed)
        acknowledged += len(lines)
        assert list((tmp_path / "journals").iterdir()) == []
        history.close()
    with closing(sqlite3.connect(tmp_path / "runs.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert acknowledged > KILLS * 100, "too few tasks to prove anything"
    assert crashes > KILLS // 2, "the kills came between flows, so they prove little"
    record_property("kills", KILLS)
    record_property("acknowledged", acknowledged)


def test_a_kill_while_the_history_is_made_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    """Whoever comes after it makes the history, or finds it made."""
    chance = random.Random(9)
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from brickwork_flows.history.sqlite import SqliteHistory\n"
        "from brickwork_flows.testing.history import begun\n"
        "print('go', flush=True)\n"
        "SqliteHistory(Path(sys.argv[1]) / 'runs.db').record(begun('f'))\n"
        "print('done', flush=True)\n"
        "sys.stdin.read()\n"
    )
    for number in range(60 if LONG else 8):
        folder = tmp_path / str(number)
        command = [sys.executable, "-c", code, str(folder)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "go\n"
            try:
                process.wait(chance.random() * 0.03)
            except subprocess.TimeoutExpired:
                process.kill()
            told = process.stdout.read()
        history = SqliteHistory(folder / "runs.db")
        if told:
            assert history.run("f").state.type is StateType.RUNNING
        assert len(history.runs()) <= 1
        history.record(begun("g"))
        assert history.run("g").id == "g"
        history.close()


def test_control_a_lost_task_is_noticed(tmp_path: Path) -> None:
    """The check that follows each kill fails when one state or one result is taken away."""
    lines = killed(tmp_path, 20, 0, 8 * 2**20)
    history = SqliteHistory(tmp_path / "runs.db")
    recover(history, tmp_path / "journals")
    assert missing(history, lines) == []
    run = lines[0].removeprefix("flow ")
    with closing(sqlite3.connect(tmp_path / "runs.db")) as database:
        database.execute("DELETE FROM states WHERE run = ? AND number = 3", (f"{run}.step-3",))
        database.execute("UPDATE results SET data = x'00' WHERE run = ?", (f"{run}.step-5",))
        database.commit()
    assert [line.split()[1] for line in missing(history, lines)] == ["step-3", "step-5", "step-3"]


# Memory

_GROWS = """
import gc, sys, tracemalloc
from brickwork_flows import flow, task, use_history

@task
def step(number):
    return number

@flow
def work(many):
    for number in range(many):
        step(number)

with use_history(sys.argv[1]) as runtime:
    work(500)  # what is made once
    runtime.flush()
    gc.collect()
    tracemalloc.start()

    @flow
    def measured(many):
        for number in range(many):
            step(number)
        runtime.flush()
        gc.collect()
        print(tracemalloc.get_traced_memory()[0])  # while the flow still runs

    measured(2000)
"""


def test_a_finished_task_leaves_little_in_memory(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """While their flow still runs, 2,000 finished tasks hold under 1 KB each; the bar is 4 KB."""
    command = [sys.executable, "-c", _GROWS, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    each = int(done.stdout) / 2000
    record_property("bytes per finished task", each)
    assert each < 1024
