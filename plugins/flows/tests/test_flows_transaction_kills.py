"""Kills at every step of transactions: what stands after the run was resumed, and how often.

``BRICKWORK_ATTACK_SCALE`` of 10 is the bar: every step, and 200 kills at random moments.
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from brickwork import open_storage
from brickwork_flows import use_history

pytestmark = pytest.mark.attack

LONG = int(os.environ.get("BRICKWORK_ATTACK_SCALE", "1")) >= 10
KILLS = 200 if LONG else 8

# Runs a flow, kills it at its n-th step on the disk, resumes it until it completes, and tells what
# stands then. Each in a process of its own, forked from one that has imported everything.
_STEPS = """
import json, os, signal, sys
from pathlib import Path
from brickwork import open_storage
from brickwork_flows import (
    CommitMode, flow, get_transaction, resume, task, transaction, use_history,
)
from brickwork_flows.history.sqlite import SqliteHistory
from brickwork_flows.states import StateType

folder = Path(sys.argv[1])


def tell(what):
    with (here / "told").open("a") as file:
        file.write(what + "\\n")


def said(word):
    def hook(txn):
        tell(f"{word} {txn.get('name')}")
    return hook


def undone(txn):
    tell(f"undone {txn.get('name')}")


def stands(txn):
    tell(f"stands {txn.get('name')}")


@task(on_commit=stands, on_rollback=undone)
def work(name):
    txn = get_transaction()
    txn.set("name", name)
    txn.write(out, f"{name}.txt", name.encode())
    tell(f"did {name} {txn.key}")
    return name


@task
def calls_others(name):
    work(f"{name}-inner")
    get_transaction().write(out, f"{name}.txt", name.encode())
    return work(f"{name}-inner-2")


@flow
def part(name):
    return work.submit(f"{name}-in-part").result()


failing = []


@flow(retries=1)
def main():
    work("alone")
    with transaction() as txn:
        txn.write(out, "first.txt", b"first")
        work("one")
        calls_others("two")
        part("three")
        work.submit("four")
        with transaction():
            work("five")
        with transaction(commit_mode=CommitMode.EAGER) as eager:
            eager.write(out, "eager.txt", b"eager")
            work("six")
        txn.write(out, "last.txt", b"last")
    with transaction(key=str(here)) as keyed:
        if keyed.is_committed():
            raise SystemExit("the key was committed by somebody else")
        work("keyed")
    try:
        with transaction() as given_up:
            given_up.write(out, "never.txt", b"never")
            work("never")
            raise LookupError("on purpose")
    except LookupError:
        pass
    work("end")
    if not (here / "failed").exists():
        (here / "failed").touch()
        raise OSError("once")
    return "done"


steps = 0


def killing(function, at):
    def called(*args, **kwargs):
        global steps
        steps += 1
        if steps == at:
            os.kill(os.getpid(), signal.SIGKILL)
        value = function(*args, **kwargs)
        steps += 1
        if steps == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return value
    return called


def run(at):
    os.write, os.replace, os.unlink = (
        killing(each, at) for each in (os.write, os.replace, os.unlink)
    )
    SqliteHistory.put = killing(SqliteHistory.put, at)
    with use_history(here / "runs") as runtime:
        assert main() == "done"
        runtime.close()
    with (folder / "steps").open("a") as file:
        file.write(f"{steps}\\n")


def resumed(_):
    with use_history(here / "runs") as runtime:
        runtime.flush()
        runs = runtime.history.runs()
        if not runs:
            assert main() == "done"
        elif runs[0].state.type is not StateType.COMPLETED:
            assert resume(runs[0].id) == "done"
        runtime.close()


def told_all(_):
    with use_history(here / "runs") as runtime:
        runs = runtime.history.runs()
        runtime.close()
    staged = here / "runs" / "staged"
    print(json.dumps({
        "at": at,
        "told": (here / "told").read_text().splitlines(),
        "out": {key: open_storage(out).read(key).decode() for key in open_storage(out).keys()},
        "left": [p.name for p in staged.glob("*/*")] if staged.exists() else [],
        "runs": [run.state.name for run in runs],
    }), flush=True)


def forked(function, value=None):
    child = os.fork()
    if child == 0:
        try:
            function(value)
            os._exit(0)
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1]


for at in map(int, sys.argv[2].split(",")):
    here = folder / str(at)
    here.mkdir()
    out = f"file:{here / 'out'}"
    status = forked(run, at)
    if status != signal.SIGKILL and at and status:
        sys.exit(f"step {at}: {status}")
    if forked(resumed):
        sys.exit(f"step {at}: not resumed")
    if forked(told_all):
        sys.exit(f"step {at}: nothing told")
    if at and status != signal.SIGKILL:
        break
"""

NAMES = (
    *("alone", "one", "two-inner", "two-inner-2", "three-in-part", "four", "five", "six"),
    *("keyed", "end"),
)


def wrong(told: dict[str, Any]) -> list[str]:
    """What is not as it should be after a kill and a resume."""
    found = []
    files = {f"{name}.txt": name for name in (*NAMES, "two", "first", "last", "eager")}
    if told["out"] != files:
        found.append(f"stands: {sorted(told['out'].items() ^ files.items())}")
    if told["left"]:
        found.append(f"left: {told['left']}")
    if told["runs"] != ["Completed"]:
        found.append(f"runs: {told['runs']}")
    lines = told["told"]
    for name in NAMES:
        keys = {line.split()[2] for line in lines if line.startswith(f"did {name} ")}
        if len(keys) != 1:
            found.append(f"{name} has the keys {keys}")
        if f"stands {name}" not in lines:
            found.append(f"{name} was not told of the commit")
        if f"undone {name}" in lines:
            found.append(f"{name} was undone")
    if "stands never" in lines or "undone never" not in lines:
        found.append("what was given up stands, or was not undone")
    return found


def swept(folder: Path, steps: list[int]) -> list[dict[str, Any]]:
    """Kill a flow at each of those steps, resume it, and return what was told then."""
    folder.mkdir(exist_ok=True)
    program = folder / "program.py"
    program.write_text(_STEPS)
    done = subprocess.run(
        [sys.executable, str(program), str(folder), ",".join(map(str, steps))],
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_kill_at_any_step_leaves_each_write_once(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """A kill before or after any write to the disk: once resumed, all stands as without it."""
    (whole,) = swept(tmp_path / "whole", [0])
    assert wrong(whole) == []
    number = int((tmp_path / "whole" / "steps").read_text())
    assert number > 100, "the flow has too few steps to prove anything"
    steps = range(1, number + 1)
    chosen = list(steps) if LONG else sorted(random.Random(8).sample(steps, 16))
    told = swept(tmp_path / "killed", chosen)
    assert len(told) > len(chosen) * 0.9
    assert {each["at"]: wrong(each) for each in told if wrong(each)} == {}
    record_property("steps", len(told))


# At random moments

_FLOW = '''
import os
import time
from pathlib import Path
from brickwork_flows import flow, get_transaction, task, transaction

HERE = Path(__file__).parent
OUT = f"file:{HERE / 'out'}"


def effect(kind, text):
    file = os.open(HERE / kind, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, f"{text}\\n".encode())
    os.close(file)
    time.sleep(0.001)  # so that kills come between tasks, and not after all of them


@task
def alone(number):
    """An effect by itself: at least once."""
    effect("effects", number)
    effect("plain", number)
    return number


@task
def keyed(number):
    """An effect that carries the key of its call: a service would do it once."""
    effect("effects", number)
    effect("keyed", f"{number} {get_transaction().key}")
    return number


@task
def staged(number):
    """A staged write: exactly once."""
    effect("effects", number)
    get_transaction().write(OUT, f"{number}.txt", str(number).encode())
    return number


KINDS = (alone, keyed, staged)


@flow
def main():
    effect("effects", "flow")
    for start in range(0, 50, 10):
        with transaction() as txn:
            for number in range(start, start + 5):
                KINDS[number % 3](number)
            futures = [KINDS[number % 3].submit(number) for number in range(start + 5, start + 10)]
            assert [each.result() for each in futures] == list(range(start + 5, start + 10))
            txn.write(OUT, f"block-{start}.txt", b"block")
            effect("keyed", f"block-{start} {txn.key}")
    return "done"
'''


def brickwork(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Begin a command with the history of a folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "brickwork", *arguments],
        env=os.environ | {"BRICKWORK_HISTORY": str(folder / "runs")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def lines_of(path: Path) -> list[str]:
    """The lines of a file; none without it."""
    return path.read_text().splitlines() if path.exists() else []


def standing(folder: Path) -> list[str]:
    """What does not stand as often as it should, after the run has completed."""
    found = []
    plain, keyed = lines_of(folder / "plain"), lines_of(folder / "keyed")
    expected = {str(number) for number in range(50)}
    if {line.split()[0] for line in plain} != {each for each in expected if int(each) % 3 == 0}:
        found.append("a plain effect is missing")
    of_calls = {each for each in expected if int(each) % 3 == 1}
    of_calls |= {f"block-{start}" for start in range(0, 50, 10)}
    distinct = [line.split()[0] for line in set(keyed)]
    if sorted(distinct) != sorted(of_calls):
        found.append("an effect with a key is missing, or has two keys")
    out = open_storage(f"file:{folder / 'out'}")
    files = {key: out.read(key).decode() for key in out.keys()}  # noqa: SIM118  # no mapping
    writes = {f"{each}.txt": each for each in expected if int(each) % 3 == 2}
    writes |= {f"block-{start}.txt": "block" for start in range(0, 50, 10)}
    if files != writes:
        found.append(f"staged writes: {sorted(files.items() ^ writes.items())}")
    staged = folder / "runs" / "staged"
    if staged.exists() and any(staged.iterdir()):
        found.append("something is put aside still")
    return found


def run_of(folder: Path) -> str:
    """The id of the one run, with its state; empty if it was killed before it was recorded."""
    with use_history(folder / "runs") as runtime:
        runtime.flush()
        runs = runtime.history.runs()
        runtime.close()
    with closing(sqlite3.connect(folder / "runs" / "runs.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert len(runs) <= 1
    assert runs or not lines_of(folder / "effects"), "a run that had effects is lost"
    return f"{runs[0].id} {runs[0].state.type}" if runs else ""


def await_progress(process: "subprocess.Popen[str]", folder: Path, chance: random.Random) -> None:
    """Wait until some more effects are there, and a moment longer; or until it has ended."""
    enough = len(lines_of(folder / "effects")) + chance.randrange(0, 25)
    while process.poll() is None and len(lines_of(folder / "effects")) <= enough:
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.001)
    with suppress(subprocess.TimeoutExpired):
        process.wait(chance.random() * 0.005)


def test_random_kills_leave_each_effect_as_often_as_it_should(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Flows of 50 tasks, killed at random: writes and keys count once, and no run is lost."""
    chance = random.Random(50)
    kills = inside = flows = 0
    again = {"plain": 0, "keyed": 0}
    wrong: list[str] = []
    while kills < KILLS:
        folder = tmp_path / str(flows)
        folder.mkdir()
        flows += 1
        program = folder / "program.py"
        program.write_text(_FLOW)
        command = ("flow", "run", "--quiet", f"{program}:main")
        while True:
            process = brickwork(folder, *command)
            if kills < KILLS:
                await_progress(process, folder, chance)
            else:
                process.wait(120)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                kills += 1
            _, error = process.communicate(timeout=120)
            assert process.returncode in (0, -signal.SIGKILL), error
            run_id, _, state = run_of(folder).partition(" ")
            if state == "completed":
                break
            inside += state == "crashed"
            if run_id:
                assert state == "crashed", f"{run_id} is {state}"
                command = ("run", "resume", "--quiet", run_id)
        wrong += standing(folder)
        for kind in again:
            lines = lines_of(folder / kind)
            again[kind] += len(lines) - len(set(lines))
    record_property("kills", kills)
    record_property("kills inside of a run", inside)
    record_property("flows of 50 tasks", flows)
    record_property("effects that stand", flows * 60)
    record_property("of these made again, once or oftener", again)
    record_property("wrong effects", len(wrong))
    assert wrong == []
    assert inside > kills * 0.7, "the kills came between runs, so they prove little"


def test_control_a_write_that_is_lost_or_done_twice_is_noticed(tmp_path: Path) -> None:
    """The check fails when a staged write is taken away, and when a key has changed."""
    program = tmp_path / "program.py"
    program.write_text(_FLOW)
    process = brickwork(tmp_path, "flow", "run", "--quiet", f"{program}:main")
    _, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    assert standing(tmp_path) == []
    (tmp_path / "out" / "2.txt").unlink()
    with (tmp_path / "keyed").open("a") as file:
        file.write("4 another-key\n")
    assert [each.partition(":")[0] for each in standing(tmp_path)] == [
        "an effect with a key is missing, or has two keys",
        "staged writes",
    ]
