"""A kill at each write around a pause: nobody is asked again for what was given."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

_DRIVER = '''
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from brickwork_flows import FlowSuspended, flow, resume, resume_flow_run, task, use_history
from brickwork_flows import pause_flow_run, suspend_flow_run
from brickwork_flows.claims import Claim
from brickwork_flows.history.journal import Journal
from brickwork_flows.history.sqlite import SqliteHistory
from brickwork_flows.pausing import pauses
from brickwork_flows.pausing.awaited import _pauses

pauses.POLL_SECONDS = 0.02


@task
def step(number):
    with open(effects, "a") as file:
        os.write(file.fileno(), b"%d\\n" % number)
    return number


@flow
def waits(how):
    step(1)
    value = (suspend_flow_run if how == "suspend" else pause_flow_run)(int, timeout=30)
    step(2)
    return value


def dies_at(count):
    """Kill this process before or after one of the writes that others can see."""
    left = [count]
    lock = threading.Lock()

    def around(owner, name):
        write = getattr(owner, name)

        def writes(*args, **kwargs):
            with lock:
                left[0] -= 1
                before = left[0] == 0
            if before:
                os.kill(os.getpid(), signal.SIGKILL)
            value = write(*args, **kwargs)
            with lock:
                left[0] -= 1
                after = left[0] == 0
            if after:
                os.kill(os.getpid(), signal.SIGKILL)
            return value

        setattr(owner, name, writes)

    around(SqliteHistory, "put")
    around(Journal, "write")
    around(Claim, "release")


def forked(work):
    """Do something in a child, and return how that ended."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException as error:
            print(type(error).__name__, error, file=sys.stderr)
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def answering(runtime, run_id):
    """Give each pause of a run what it waits for, once."""

    def answer():
        while True:
            for pause in _pauses(runtime.history, run_id):
                if pause.given is None and pause.offer is None:
                    if may_ask:
                        try:
                            resume_flow_run(run_id, 7)
                        except Exception:
                            pass  # somebody else was faster
                    else:
                        print("asked again", file=sys.stderr, flush=True)
                        os._exit(3)
            time.sleep(0.01)

    from contextvars import copy_context

    threading.Thread(target=copy_context().run, args=(answer,), daemon=True).start()


def first():
    if how == "pause":
        dies_at(number)
    with use_history(folder) as runtime:
        if how == "pause":
            seek(runtime)
        try:
            assert waits(how) == 7
        except FlowSuspended:
            pass
        runtime.close()


def seek(runtime):
    """Answer the run as soon as it is there."""
    from contextvars import copy_context

    def look():
        while not (found := runtime.history.runs()):
            time.sleep(0.01)
        answering(runtime, found[0].id)

    threading.Thread(target=copy_context().run, args=(look,), daemon=True).start()


def second():
    if how == "suspend" and not told["killed"]:
        dies_at(number)
    with use_history(folder) as runtime:
        runtime.flush()
        runs = runtime.history.runs()
        state = runs[0].state.type.value if runs else "unknown"
        if state == "paused":
            found = [each for each in _pauses(runtime.history, runs[0].id) if each.given is None]
            asks = [each for each in found if each.offer is None]
            if asks and not may_ask:
                print("asked again", file=sys.stderr, flush=True)
                os._exit(3)
            assert resume_flow_run(runs[0].id, 7 if asks else None) == 7
        elif state == "crashed":
            answering(runtime, runs[0].id)
            assert resume(runs[0].id) == 7
        elif state != "completed":
            os._exit(4)  # it was killed before anything of it was recorded
        runtime.close()


def known(folder):
    """Whether the run was given its input before the kill."""
    history = SqliteHistory(Path(folder) / "runs.db")
    runs = history.runs()
    found = [each for run in runs for each in _pauses(history, run.id)]
    history.close()
    return any(each.given or each.offer for each in found)


how, home, begin = sys.argv[1], sys.argv[2], int(sys.argv[3])
number = begin
while True:
    folder, effects = f"{home}/{number}", f"{home}/{number}.effects"
    told = {"killed": False}
    may_ask = True
    codes = [forked(first)]
    if how == "suspend":
        codes.append(forked(second))
    told["killed"] = True
    ended = codes[-1] == 0
    if not ended:
        may_ask = not known(folder)
        codes.append(forked(second))
    lines = Path(effects).read_text().split() if Path(effects).exists() else []
    print(json.dumps({"number": number, "codes": codes, "effects": lines}), flush=True)
    if ended:
        break
    number += 2
'''


@pytest.mark.parametrize("begin", [1, 2])
@pytest.mark.parametrize("how", ["pause", "suspend"])
def test_a_kill_at_any_write_around_a_pause_loses_no_input(
    how: str, begin: int, tmp_path: Path
) -> None:
    """Killed before and after each write, the run ends right, and is not asked what it was told."""
    driver = tmp_path / "driver.py"
    driver.write_text(_DRIVER)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(driver), how, str(tmp_path), str(begin)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kills = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(kills) > 6, "there are more writes than that"
    for kill in kills[:-1]:
        codes = kill["codes"]
        assert -signal.SIGKILL in codes, (kill, done.stderr)
        if codes[-1] == 4:
            assert kill["effects"] == [], "something was done that nobody knows of"
            continue
        assert codes[-1] == 0, (kill, done.stderr)
        assert set(kill["effects"]) == {"1", "2"}, kill
        assert len(kill["effects"]) <= 3, "at most what ran at the kill was done twice"
    assert sum(kill["codes"][-1] == 0 for kill in kills) > 5, "the kills prove little"
