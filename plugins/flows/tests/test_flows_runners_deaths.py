"""Processes of a runner and deaths: of the process that began them, and of their own."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from brickwork import TaskTimeout
from brickwork_flows import ProcessRunner, flow, resume, task, use_history, working
from brickwork_flows.errors import NotResumable, WorkerDied
from brickwork_flows.runners import processes
from brickwork_flows.runtime import Runtime

PATIENCE = 60.0
LONG = int(os.environ.get("BRICKWORK_ATTACK_SCALE", "1")) >= 10
ROUNDS = 60 if LONG else 6

PROGRAM = """
import ctypes, os, subprocess, sys, time
from pathlib import Path
from brickwork import TaskTimeout
from brickwork_flows import ProcessRunner, flow, task, use_history

@task
def works(folder: Path) -> str:
    child = subprocess.Popen(["sleep", "100"])
    (folder / "child").write_text(str(child.pid))
    for _ in range(20_000):
        with (folder / "effects").open("a") as file:
            file.write(f"{os.getpid()}\\n")
        if (folder / "enough").exists() and (folder / "enough").read_text() != str(os.getpid()):
            break
        if (folder / "stuck").exists() and len(open(folder / "effects").readlines()) > 3:
            (folder / "stuck").write_text("yes")
            ctypes.PyDLL(None).sleep(100)  # and no other thread of it runs meanwhile
        time.sleep(0.005)
    child.kill()
    child.wait()
    return "done"

@flow(task_runner=ProcessRunner(1))
def main(folder: Path) -> str:
    future = works.submit(folder)
    if (folder / "forks").exists():
        while not (folder / "effects").exists():
            time.sleep(0.01)
        child = os.fork()
        if child == 0:
            time.sleep(100)
            os._exit(0)
        (folder / "forks").write_text(str(child))
    return future.result()

if __name__ == "__main__":
    with use_history(sys.argv[1]):
        main(Path(sys.argv[2]))
"""


def eventually(true: Callable[[], object], seconds: float = PATIENCE) -> bool:
    """Wait until something is true, and tell whether it came to be."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def gone(process: int) -> bool:
    """Tell whether a process has ended, though perhaps nobody has asked how."""
    done = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()[:1] in ("", "Z")


def effects(folder: Path) -> list[int]:
    """Return which processes had an effect, in order."""
    path = folder / "effects"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


@contextmanager
def killed(folder: Path) -> Iterator[int]:
    """Run the program, kill it while its process is at work, and yield the id of that one."""
    (folder / "program.py").write_text(PROGRAM)
    command = [sys.executable, str(folder / "program.py"), str(folder / "runs"), str(folder)]
    with subprocess.Popen(command) as program:
        try:
            assert eventually(lambda: len(effects(folder)) > 3)
            worker = effects(folder)[0]
            for each in (folder / "forks", folder / "stuck"):
                assert not each.exists() or eventually(each.read_text)
        finally:
            program.kill()
            program.wait()
        try:
            yield worker
        finally:
            for left in (worker, *(int(each.read_text()) for each in folder.glob("forks"))):
                with suppress(ProcessLookupError):
                    os.kill(left, signal.SIGKILL)
            with suppress(ProcessLookupError):
                os.kill(int((folder / "child").read_text()), signal.SIGKILL)


def states(runtime: Runtime) -> dict[str, str]:
    """Return how the newest flow's run and its tasks ended, by their names."""
    runtime.flush()
    newest = runtime.history.runs()[0]
    return {each.name: each.state.name for each in (newest, *runtime.history.children(newest.id))}


@pytest.mark.parametrize("forks", [False, True], ids=["alone", "with a forked process"])
def test_a_process_ends_with_the_one_that_began_it(tmp_path: Path, forks: bool) -> None:
    """Soon after a kill -9, in the middle of a task; what the task has begun ends, too."""
    if forks:
        (tmp_path / "forks").touch()
    with killed(tmp_path) as worker:
        child = int((tmp_path / "child").read_text())
        assert eventually(lambda: gone(worker), 15)
        assert eventually(lambda: gone(child), 15)
        before = effects(tmp_path)
    with use_history(tmp_path / "runs") as runtime:
        assert states(runtime) == {"main": "Crashed", "works": "Crashed"}
        assert effects(tmp_path) == before
        runtime.close()


def test_a_run_is_not_resumed_beside_its_processes(tmp_path: Path) -> None:
    """Who resumes at once has no effect before the last one of the process that is left."""
    with killed(tmp_path) as worker, use_history(tmp_path / "runs") as runtime:
        (tmp_path / "enough").write_text(str(worker))
        runtime.flush()
        assert resume(runtime.history.runs()[0].id) == "done"
        order = effects(tmp_path)
        again = [number for number, each in enumerate(order) if each != worker]
        assert again
        assert worker not in order[again[0] :]
        assert states(runtime) == {"main": "Completed", "works": "Completed"}
        assert list((tmp_path / "runs" / "working").iterdir()) == []
        runtime.close()


def test_a_process_that_cannot_end_keeps_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is stuck in C code is named, and the run is not resumed before it has ended."""
    monkeypatch.setattr(working, "PATIENCE_SECONDS", 0.2)
    (tmp_path / "stuck").touch()
    with killed(tmp_path) as worker, use_history(tmp_path / "runs") as runtime:
        (tmp_path / "enough").write_text(str(worker))
        runtime.flush()
        run = runtime.history.runs()[0].id
        with pytest.raises(NotResumable, match=f"has died: {worker}"):
            resume(run)
        assert set(effects(tmp_path)) == {worker}
        os.killpg(worker, signal.SIGKILL)  # with what its task has begun
        assert eventually(lambda: gone(worker))
        assert resume(run) == "done"
        runtime.close()


OFTEN = """
import os, sys, time
from pathlib import Path
from brickwork_flows import ProcessRunner, flow, resume, task, use_history

@task
def step(folder: Path, number: int) -> int:
    for _ in range(20 if number % 2 else 800):
        with (folder / f"{number}.effects").open("a") as file:
            file.write(f"{os.getpid()}\\n")
        time.sleep(0.002)
    return number

@flow(task_runner=ProcessRunner(2))
def main(folder: Path) -> list[int]:
    return [future.result() for future in [step.submit(folder, number) for number in range(8)]]

if __name__ == "__main__":
    with use_history(sys.argv[1]) as runtime:
        runtime.flush()
        before = runtime.history.runs()
        print("begun", flush=True)
        print(resume(before[0].id) if before else main(Path(sys.argv[2])))
"""


@pytest.mark.attack
def test_no_task_runs_twice_at_a_time(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Killed at random and resumed at once, again and again: no process works beside its heir."""

    def workers() -> set[str]:
        return {each for path in tmp_path.glob("*.effects") for each in path.read_text().split()}

    chance = random.Random(8)
    (tmp_path / "program.py").write_text(OFTEN)
    command = [sys.executable, str(tmp_path / "program.py"), str(tmp_path / "runs"), str(tmp_path)]
    kills = 0
    for round_ in range(ROUNDS):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
            assert program.stdout is not None
            assert program.stdout.readline() == "begun\n"
            if round_ < ROUNDS - 1:
                before = workers()
                assert eventually(lambda: workers() - before)  # noqa: B023  # called now
                with suppress(subprocess.TimeoutExpired):
                    program.wait(chance.uniform(0, 0.5))
            else:
                assert program.stdout.read() == f"{list(range(8))}\n"
            kills += program.poll() is None
            program.kill()
    for path in tmp_path.glob("*.effects"):
        order = [key for key, _ in groupby(path.read_text().split())]
        assert len(order) == len(set(order)), f"{path.name}: {order}"
    assert len(list(tmp_path.glob("*.effects"))) == 8
    record_property("kills of runs whose processes work", kills)
    assert kills == ROUNDS - 1


# Deaths of the processes themselves


@task(timeout_seconds=0.1, retries=1)
def is_stuck(tried: Path) -> None:
    """Take too long in C code, where nothing interrupts it."""
    with tried.open("a") as file:
        file.write(".")
    sum(range(10**12))


@task(timeout_seconds=0.1)
def cleans_up() -> str:
    """Take too long, and then some time to tidy up."""
    try:
        time.sleep(100)
    finally:
        time.sleep(0.5)
    return ""


def test_a_task_that_does_not_notice_its_time_out_is_killed(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long after its time, with its process; it has timed out, is not tried again; others go on."""
    monkeypatch.setattr(processes, "OVERDUE_SECONDS", 0.3)

    @flow(task_runner=ProcessRunner(1))
    def main() -> int:
        with pytest.raises(TaskTimeout, match="so its process was killed"):
            is_stuck.submit(tmp_path / "tried").result(timeout=PATIENCE)
        return process.submit().result()

    assert main() != os.getpid()
    assert (tmp_path / "tried").read_text() == "."
    assert states(runtime)["is_stuck"] == "TimedOut"


def test_a_task_may_tidy_up_after_its_time(runtime: Runtime) -> None:
    """One that was interrupted, and ends soon after, keeps its process."""

    @flow(task_runner=ProcessRunner(1))
    def main() -> tuple[int, int]:
        first = process.submit().result()
        with pytest.raises(TaskTimeout, match=r"within 0\.1 s\."):
            cleans_up.submit().result()
        return first, process.submit().result()

    first, second = main()
    assert first == second


@task
def forks_and_dies() -> None:
    """Die, while a forked process has everything open still."""
    if os.fork() == 0:
        time.sleep(30)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)


@task
def process() -> int:
    """Return who runs this."""
    return os.getpid()


@task
def exits() -> None:
    """End the process by hand."""
    os._exit(3)


def test_a_death_is_noticed_though_the_pipe_is_open(runtime: Runtime) -> None:
    """A process that the task had forked keeps its pipe open; the death is told all the same."""

    @flow(task_runner=ProcessRunner(1))
    def main() -> BaseException | None:
        future: Any = forks_and_dies.submit()
        assert future.wait(20)
        error: BaseException | None = future.exception()
        return error

    assert isinstance(main(), WorkerDied)


def test_how_a_process_ended_is_told(runtime: Runtime) -> None:
    """Its exit code is named; the next task gets another process."""

    @flow(task_runner=ProcessRunner(1))
    def main() -> None:
        with pytest.raises(WorkerDied, match="exit code 3"):
            exits.submit().result()
        assert process.submit().result() != os.getpid()

    main()


def test_an_idle_process_that_died_is_replaced(runtime: Runtime) -> None:
    """A process that is killed between two tasks fails neither."""

    @flow(task_runner=ProcessRunner(1))
    def main() -> tuple[int, int]:
        first = process.submit().result()
        os.kill(first, signal.SIGKILL)
        assert eventually(lambda: gone(first))
        return first, process.submit().result()

    first, second = main()
    assert first != second


class DiesWhenRead:
    """Kills the process that reads it, as often as there are signs to take from a file."""

    def __init__(self, deaths: Path) -> None:
        self.deaths = deaths

    def __reduce__(self) -> tuple[Callable[[Path], Path], tuple[Path]]:
        return _die, (self.deaths,)


def _die(deaths: Path) -> Path:
    left = deaths.read_text()
    deaths.write_text(left[1:])
    if left:
        os.kill(os.getpid(), signal.SIGKILL)
    return deaths


@task
def notes(folder: Path, deadly: object = None, *, dies: bool = False) -> int:
    """Have an effect, and die if asked to."""
    with (folder / "effects").open("a") as file:
        file.write(f"{os.getpid()}\n")
    if dies:
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def test_an_idle_process_that_seems_alive_is_replaced(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the last threads of a killed process end, the system says that it lives."""

    @flow(task_runner=ProcessRunner(1))
    def main() -> tuple[int, int]:
        first = process.submit().result()
        os.kill(first, signal.SIGKILL)
        assert eventually(lambda: gone(first))
        monkeypatch.setattr(processes.Worker, "alive", lambda self: True)
        return first, notes.submit(tmp_path).result()

    first, second = main()
    assert first != second
    assert effects(tmp_path) == [second]


def test_one_that_dies_before_the_task_begins_is_replaced(runtime: Runtime, tmp_path: Path) -> None:
    """Also when it took the order; the task is performed once."""
    deaths = tmp_path / "deaths"

    @flow(task_runner=ProcessRunner(1))
    def main() -> tuple[int, int]:
        first = process.submit().result()
        deaths.write_text("1")
        return first, notes.submit(tmp_path, DiesWhenRead(deaths)).result()

    first, second = main()
    assert first != second
    assert effects(tmp_path) == [second]


def test_a_fresh_process_that_dies_is_not_replaced(runtime: Runtime, tmp_path: Path) -> None:
    """The order kills who reads it: one that was idle, one that was begun for it, and no more."""
    deaths = tmp_path / "deaths"

    @flow(task_runner=ProcessRunner(1))
    def main() -> None:
        process.submit().result()
        deaths.write_text("12345")
        with pytest.raises(WorkerDied, match="SIGKILL"):
            notes.submit(tmp_path, DiesWhenRead(deaths)).result()

    main()
    assert deaths.read_text() == "345"
    assert effects(tmp_path) == []


def test_what_has_begun_is_never_begun_elsewhere(runtime: Runtime, tmp_path: Path) -> None:
    """A process that was idle and dies in the middle of its next task fails that."""

    @flow(task_runner=ProcessRunner(1))
    def main() -> int:
        first = process.submit().result()
        with pytest.raises(WorkerDied, match="in the middle of it"):
            notes.submit(tmp_path, dies=True).result()
        return first

    first = main()
    assert effects(tmp_path) == [first]


def test_nothing_is_left_of_a_run_that_ended(runtime: Runtime) -> None:
    """The file that tells of its processes is removed, and so is one that a killed run left."""

    @flow(task_runner=ProcessRunner(1))
    def main() -> int:
        return process.submit().result()

    folder = runtime.place.folder / "working"
    main()
    assert list(folder.iterdir()) == []
    (folder / "0123.dead").touch()
    main()
    assert list(folder.iterdir()) == []
