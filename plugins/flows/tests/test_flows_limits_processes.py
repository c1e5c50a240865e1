"""Limits across processes of one history: fair, kept under kills, and rates that hold."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from brickwork_flows import (
    StateType,
    concurrency,
    list_limits,
    release_limit,
    resume,
    set_limit,
)
from brickwork_flows.limits import alive
from brickwork_flows.limits.alive import Life, bodies, is_dead, machine
from brickwork_flows.limits.book import Process, Ticket
from brickwork_flows.limits.limiter import Limiter, limiter_of
from brickwork_flows.runtime import LIMITS, Runtime

PATIENCE = 60.0

FREED_SECONDS = 2.0
"""So soon the slots of a killed process are free; on a busy machine, later."""

_BEGIN = """
import json, os, sys, time
from pathlib import Path
from brickwork_flows import *
with use_history(sys.argv[1]) as runtime:
"""

_LOG = """
    def say(*what):
        os.write(1, (json.dumps([time.time(), os.getpid(), *what]) + "\\n").encode())
    say("begins"); sys.stdin.readline()
"""


def code(body: str) -> list[str]:
    """The command of a process: it says that it begins, and waits for a line before its body."""
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    return [sys.executable, "-c", _BEGIN + _LOG + lines]


@contextmanager
def processes(runtime: Runtime, count: int, body: str) -> Iterator[list[subprocess.Popen[str]]]:
    """Run a body in so many processes, which begin together; what is left is killed."""
    command = [*code(body), str(runtime.place.folder)]
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        for _ in range(count)
    ]
    try:
        for each in running:
            assert each.stdout is not None
            assert "begins" in each.stdout.readline()
        for each in running:
            assert each.stdin is not None
            each.stdin.write("go\n")
            each.stdin.flush()
        yield running
    finally:
        for each in running:
            each.kill()
            each.communicate()


def lines(process: subprocess.Popen[str]) -> list[list[Any]]:
    """What a process said until its end, which must be a good one."""
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    return [json.loads(line) for line in out.splitlines()]


def line(process: subprocess.Popen[str]) -> list[Any]:
    """The next thing that a process says."""
    assert process.stdout is not None
    said: list[Any] = json.loads(process.stdout.readline())
    return said


def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def test_processes_share_the_slots_fairly(runtime: Runtime) -> None:
    """Eight processes, each with two threads that always want one of two slots, take turns."""
    set_limit("db", 2)
    body = """
from threading import Thread
from contextvars import copy_context
def work():
    for _ in range(25):
        with concurrency("db"):
            say("in"); time.sleep(0.002); say("out")
threads = [Thread(target=copy_context().run, args=(work,)) for _ in range(2)]
for each in threads: each.start()
for each in threads: each.join()
"""
    with processes(runtime, 8, body) as running:
        said = sorted(each for process in running for each in lines(process))
    inside = most = 0
    for _, _, what in said:
        inside += 1 if what == "in" else -1
        most = max(most, inside)
    entered = [pid for _, pid, what in said if what == "in"]
    assert len(entered) == 8 * 50
    assert most <= 2
    # While all want slots, nobody is far ahead of the others: each has 50 turns, 25 on average
    # when half of all are over.
    half = Counter(entered[: len(entered) // 2])
    assert len(half) == 8
    assert min(half.values()) >= 8
    assert not list_limits()[0].holders


def test_who_wants_much_starves_nobody(runtime: Runtime) -> None:
    """Beside a process with a hundred claims in line, one with a single one has turns."""
    set_limit("db", 1)
    body = """
from threading import Thread
from contextvars import copy_context
def work(turns):
    for _ in range(turns):
        with concurrency("db"):
            say("in"); time.sleep(0.002)
greedy = sys.stdin.readline() == "greedy\\n"
threads = [Thread(target=copy_context().run, args=(work, 1)) for _ in range(100 if greedy else 0)]
for each in threads: each.start()
if not greedy: work(20)
for each in threads: each.join()
"""
    with concurrency("db"), processes(runtime, 2, body) as running:
        for process, kind in zip(running, ("greedy", "modest"), strict=True):
            assert process.stdin is not None
            process.stdin.write(f"{kind}\n")
            process.stdin.flush()
        until(lambda: len(list_limits()[0].waiting) == 2)
        release_limit("db")  # all are in line
        greedy, modest = (lines(process) for process in running)
    assert (len(greedy), len(modest)) == (100, 20)
    last = modest[-1][0]
    # Taking turns, 20 of the others come before the last of these; in one line, nearly all would.
    assert sum(at < last for at, *_ in greedy) <= 60


@pytest.mark.parametrize("where", ["holding", "waiting"])
def test_a_killed_process_frees_its_slots(runtime: Runtime, where: str) -> None:
    """After ``kill -9``, others get its slots, or its place in the queue, soon."""
    set_limit("db", 1)
    body = """
with concurrency("db"):
    say("in"); time.sleep(600)
"""
    with processes(runtime, 2, body) as running:
        until(lambda: bool(list_limits()[0].holders and list_limits()[0].waiting))
        limit = list_limits()[0]
        (holder,) = (each for each in running if each.pid == limit.holders[0].pid)
        (waiter,) = (each for each in running if each is not holder)
        if where == "waiting":
            waiter.kill()
            waiter.wait()
            until(lambda: not list_limits()[0].waiting)
            assert list_limits()[0].holders[0].pid == holder.pid
        else:
            began = time.monotonic()
            holder.kill()
            assert line(waiter)[2] == "in"
            assert time.monotonic() - began < FREED_SECONDS * 5
        for each in running:
            each.kill()
            each.wait()
        with concurrency("db", timeout_seconds=PATIENCE):
            pass
    assert len(list(runtime.place.folder.glob("limits/*.alive"))) == 1  # this process's


def test_kills_at_random_lose_no_slot(runtime: Runtime) -> None:
    """Processes that are killed at any moment of taking and giving back leave all slots free."""
    set_limit("db", 2)
    set_limit("api", 100, per_second=1000)
    body = """
while True:
    with concurrency("db"):
        say("in")
    rate_limit("api")
"""
    kills = 0
    for number in range(4):
        with processes(runtime, 3, body) as running:
            for _ in range(10 + number * 7):
                line(running[0])
            for each in running:
                each.kill()
                kills += 1
    assert kills == 12
    with concurrency("db", 2, timeout_seconds=PATIENCE):
        pass
    assert not limiter_of(runtime).change(deaths=True).processes


def test_a_stopped_process_keeps_its_slots(runtime: Runtime) -> None:
    """A process that stands still is not dead."""
    set_limit("db", 1)
    body = """
with concurrency("db"):
    say("in"); sys.stdin.readline()
"""
    with processes(runtime, 1, body) as (process,):
        assert line(process)[2] == "in"
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(TimeoutError), concurrency("db", timeout_seconds=1.2):
            pass
        process.send_signal(signal.SIGCONT)
        assert process.stdin is not None
        process.stdin.write("end\n")
        process.stdin.flush()
        with concurrency("db", timeout_seconds=PATIENCE):
            pass


def test_a_rate_holds_over_processes(runtime: Runtime) -> None:
    """Eight processes together never go on faster than the rate, in any second."""
    burst, rate, each = 5, 40, 12
    set_limit("api", burst, per_second=rate)
    body = f"""
for _ in range({each}):
    rate_limit("api"); say("goes")
"""
    began = time.time()
    with processes(runtime, 8, body) as running:
        said = sorted(at for process in running for at, *_ in lines(process))
    total = 8 * each
    assert len(said) == total
    # A process may be late in saying so, and never early: these hold on any machine.
    assert said[-1] - began >= (total - burst) / rate - 0.01
    for number, at in enumerate(said, start=1):
        assert number <= burst + rate * (at - began) + 1
    # In any window of a second, those that are late by up to half a second come on top.
    for first in said:
        assert sum(first <= at < first + 1.0 for at in said) <= burst + rate * 1.5


def test_a_run_that_was_killed_with_a_slot_is_resumed(runtime: Runtime, tmp_path: Path) -> None:
    """Its slot is free for the run that is resumed, which takes it anew."""
    set_limit("tag:db", 1)
    module = tmp_path / "limited_flow.py"
    module.write_text(
        "import sys, time\n"
        "from pathlib import Path\n"
        "from brickwork_flows import flow, task\n"
        "@task(tags=['db'])\n"
        "def query():\n"
        "    if not Path(__file__).with_name('mended').exists():\n"
        "        print('in', flush=True); time.sleep(600)\n"
        "    return 7\n"
        "@flow\n"
        "def work():\n"
        "    return query.submit().result()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "brickwork", "flow", "run", f"{module}:work", "--quiet"],
        env={**os.environ, "BRICKWORK_HISTORY": str(runtime.place.folder)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "in\n"
    while not runtime.history.runs():  # that process writes its history soon, and not at once
        Event().wait(0.01)
    run = runtime.history.runs()[0]
    (holder,) = list_limits()[0].holders
    assert (holder.run, holder.pid) == (f"{run.id}.query-0", process.pid)
    process.kill()
    process.communicate()
    (tmp_path / "mended").touch()
    assert resume(run.id) == 7
    runtime.flush()
    assert runtime.history.run(run.id).state.type is StateType.COMPLETED
    assert not list_limits()[0].holders


def test_a_forked_child_takes_slots_of_its_own(runtime: Runtime) -> None:
    """What was held at a fork is the parent's; the child's end frees nothing of it."""
    set_limit("db", 1)
    body = """
with concurrency("db"):
    child = os.fork()
    if child == 0:
        try:
            with concurrency("db", timeout_seconds=0.2): say("both")
        except TimeoutError:
            say("late")
        os._exit(0)
    os.waitpid(child, 0)
    say([each.used for each in list_limits()])
"""
    with processes(runtime, 1, body) as (process,):
        assert [each[2] for each in lines(process)] == ["late", [1]]


# Leases


def other_machine(until: float) -> Process:
    """A process of another machine."""
    return Process("another machine", "far", 1, "/nowhere", until)


def test_processes_of_other_machines_have_a_lease(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They hold their slots until their lease is over; those of here move theirs on."""
    set_limit("db", 1)

    def hold(book: Any) -> None:
        book.processes["far-1"] = other_machine(time.time() + 600)
        book.join(Ticket("far-1-0", ("db",), 1, "far-1", "", time.time()))

    limiter = limiter_of(runtime)
    limiter.change(hold)
    with pytest.raises(TimeoutError), concurrency("db", timeout_seconds=0.7):
        pass
    limiter.change(lambda book: book.processes.update({"far-1": other_machine(time.time() - 1)}))
    with concurrency("db", timeout_seconds=PATIENCE):
        (mine,) = limiter.change().processes.values()
        assert mine.until > time.time() + alive.LEASE_SECONDS / 2

        def near_its_end(book: Any) -> None:
            token, process = next(iter(book.processes.items()))
            book.processes[token] = process._replace(until=time.time() + 1)

        limiter.change(near_its_end)
        (mine,) = limiter.change().processes.values()
        assert mine.until > time.time() + alive.LEASE_SECONDS / 2


def test_a_file_tells_who_lives_on_this_machine(tmp_path: Path) -> None:
    """With its file locked a process lives, whatever its lease; unlocked it is dead."""
    life = Life(tmp_path)
    record = life.record()
    assert not is_dead(record._replace(until=0.0))
    assert list(bodies(tmp_path)) == []
    life.forget()  # as when the process ends
    assert is_dead(record)
    assert list(bodies(tmp_path)) == [life.token]
    alive.clear(tmp_path, life.token)
    assert list(tmp_path.iterdir()) == []
    # Without the file, its lease tells: another container may not see that folder.
    assert not is_dead(record)
    assert is_dead(record._replace(until=0.0))
    assert record.machine == machine()


def test_the_history_alone_has_the_limits(runtime: Runtime) -> None:
    """All there is of limits is one entry, which any history keeps."""
    set_limit("db", 1)
    with concurrency("db"):
        entry = runtime.history.entry(*LIMITS)
        assert entry is not None
        assert entry.value["limits"] == {"db": [1, None]}
        assert len(entry.value["held"]) == 1
    entry = runtime.history.entry(*LIMITS)
    assert entry is not None
    assert entry.value == {"limits": {"db": [1, None]}}


def test_a_process_that_just_begins_is_not_taken_for_dead(runtime: Runtime, tmp_path: Path) -> None:
    """A file that was seen before it was locked costs its process nothing that it takes later."""
    set_limit("db", 1)
    place = runtime.place
    folder = place.folder / "limits"
    beginning = folder / "7-beginning.alive"
    beginning.touch(0o600)
    other = Limiter(Runtime(place))  # sees it
    with beginning.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)

        def take(book: Any) -> None:
            process = Process(machine(), "here", 7, str(beginning), 0.0)
            book.processes["7-beginning"] = process
            book.join(Ticket("7-0", ("db",), 1, "7-beginning", "", time.time()))

        limiter_of(runtime).change(take)
        assert "7-0" in other.change().held
        assert beginning.exists()
    assert not other.change(deaths=True).held
    assert not beginning.exists()
    other.close()
