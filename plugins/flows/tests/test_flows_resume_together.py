"""Several processes and one run: who resumes it, whose journal is folded, who waits at a kill."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from typing import TypeVar

import pytest

from brickwork_flows import (
    StateType,
    flow,
    pause_flow_run,
    resume_flow_run,
    resuming as resuming_module,
    use_history,
)
from brickwork_flows.claims import Claim
from brickwork_flows.errors import HistoryError, NotResumable
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.history.journal import Journal, folding
from brickwork_flows.history.recorder import recover
from brickwork_flows.history.sqlite import SqliteHistory
from brickwork_flows.resuming import resumable
from brickwork_flows.runtime import Runtime
from brickwork_flows.testing.history import begun as events_of

T = TypeVar("T")

WAIT_SECONDS = 60.0

FLOWS = '''
import os
import sys
from pathlib import Path

from brickwork_flows import (
    ThreadRunner, flow, get_transaction, pause_flow_run, set_limit, task, transaction
)

here = Path(__file__).parent


def effect(what):
    with (here / "effects").open("a") as file:
        os.write(file.fileno(), f"{what}\\n".encode())


def gate():
    """Wait until somebody opens the gate."""
    with (here / "gate").open():
        pass


@task
def step(number):
    effect(number)
    return number


@task
def gated():
    effect("gated")
    gate()


@flow
def held():
    step(1)
    gated()
    return step(2)


@flow
def pauses():
    step(1)
    return pause_flow_run(int)


@task
def slow():
    effect("slow")
    if not (here / "killed").exists():
        gate()
    return 100


@task(retries=1, retry_delay_seconds=600)
def fails_once():
    effect("fails")
    if not (here / "killed").exists():
        raise OSError("busy")
    return 10


@task(tags=["narrow"])
def limited(number):
    own = get_transaction()
    own.write(f"file:{here / 'out'}", str(number), b"once")
    effect(f"{number}:{own.key}")
    if not (here / "killed").exists():
        gate()
    return number


@task
def follows(value, number):
    effect(f"follows-{number}")
    return value + number


@flow(task_runner=ThreadRunner(max_workers=3))
def busy():
    set_limit("tag:narrow", 1)
    later = [limited.submit(number) for number in range(3)]
    first = slow.submit()
    again = fails_once.submit()
    after = [follows.submit(first, number) for number in range(3)]
    return sum(each.result() for each in (*later, first, again, *after))


if __name__ == "__main__":
    print(globals()[sys.argv[1]](), flush=True)
'''


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with flows, whose runs are in a history of this test's own, and a closed gate."""
    monkeypatch.setenv("BRICKWORK_HISTORY", str(tmp_path / "runs"))
    os.mkfifo(tmp_path / "gate")
    path = tmp_path / "flows_together.py"
    path.write_text(FLOWS)
    return path


@pytest.fixture
def here(program: Path) -> Iterator[Runtime]:
    """The same history, in this process."""
    with use_history(program.with_name("runs")) as runtime:
        yield runtime
        runtime.close()


@contextmanager
def begun(*args: str) -> "Iterator[subprocess.Popen[str]]":
    """Run Python in a process of its own, which is killed in the end."""
    with subprocess.Popen(
        [sys.executable, *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def resuming(run_id: str, *args: str) -> "subprocess.Popen[str]":
    """Resume a run by the command line, without a terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", "brickwork", "run", "resume", run_id, *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def killed(process: "subprocess.Popen[str]") -> None:
    """Kill a process."""
    process.send_signal(signal.SIGKILL)
    assert process.wait(WAIT_SECONDS) == -signal.SIGKILL


def eventually(true: Callable[[], T]) -> T:
    """Wait until something is so in another process, and return it."""
    until = time.monotonic() + WAIT_SECONDS
    while not (found := true()):
        assert time.monotonic() < until, "it never came to be"
        time.sleep(0.02)
    return found


def effects(program: Path) -> Counter[str]:
    """What was done, and how often."""
    path = program.with_name("effects")
    return Counter(path.read_text().split() if path.exists() else [])


def newest(here: Runtime) -> RunRecord:
    """Return the newest run, with what processes that died left of it."""
    here.flush()
    return here.history.runs()[0]


def killed_at_the_gate(program: Path, here: Runtime) -> RunRecord:
    """Run a flow that is killed in its second task; nobody has looked at it since."""
    with begun(str(program), "held") as process:
        eventually(lambda: effects(program)["gated"])
        run = eventually(here.history.runs)[0]
        killed(process)
    return run


# Who resumes a run


def test_of_many_who_resume_a_run_at_once_one_does(program: Path, here: Runtime) -> None:
    """The others are told so at once, with their own exit code, while it runs; nothing is twice."""
    run = killed_at_the_gate(program, here)
    several = [resuming(run.id) for _ in range(4)]
    try:
        eventually(lambda: sum(each.poll() is not None for each in several) == 3)
        (winner,) = [each for each in several if each.poll() is None]
        eventually(lambda: effects(program)["gated"] == 2)
        for each in several:
            if each is not winner:
                told = each.communicate()[1]
                assert each.returncode == 5, told
                assert re.search(r"is being resumed already|has not ended: it is \w+", told), told
                assert "to go on: brickwork run resume" not in told
        with program.with_name("gate").open("w"):
            assert winner.communicate(timeout=WAIT_SECONDS)[0] == "2\n"
    finally:
        for each in several:
            each.kill()
            each.communicate()
    assert effects(program) == {"1": 1, "gated": 2, "2": 1}
    assert newest(here).attempts == 2


def test_of_two_who_give_a_killed_run_its_input_one_does(program: Path, here: Runtime) -> None:
    """The run goes on with the input of who is not told otherwise."""
    with begun(str(program), "pauses") as process:
        run = eventually(lambda: here.history.runs(states=[StateType.PAUSED]))[0]
        killed(process)
    both = [resuming(run.id, "--input", str(number)) for number in (7, 8)]
    ends = [each.communicate(timeout=WAIT_SECONDS) for each in both]
    codes = [each.returncode for each in both]
    assert sorted(codes) == [0, 5], ends
    number = 7 if codes[0] == 0 else 8
    assert ends[codes.index(0)][0] == f"{number}\n"
    assert effects(program) == {"1": 1}
    assert newest(here).attempts == 2


def test_who_is_given_a_run_that_somebody_resumes_is_told(program: Path, here: Runtime) -> None:
    """A paused run that another process waits in takes one input; the next one is refused."""
    with begun(str(program), "pauses") as process:
        run = eventually(lambda: here.history.runs(states=[StateType.PAUSED]))[0]
        both = [resuming(run.id, "--input", str(number)) for number in (7, 8)]
        ends = [each.communicate(timeout=WAIT_SECONDS) for each in both]
        codes = [each.returncode for each in both]
        assert sorted(codes) == [0, 5], ends
        assert process.communicate(timeout=WAIT_SECONDS)[0] == f"{7 if codes[0] == 0 else 8}\n"


def test_who_looks_just_as_the_run_goes_on_is_not_told_otherwise(
    here: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two looks the run takes its input, and even ends: that is no error."""

    @flow
    def waits() -> int:
        return pause_flow_run(int)

    ended: list[int] = []
    running = threading.Thread(
        target=copy_context().run, args=(lambda: ended.append(waits()),), daemon=True
    )
    running.start()
    run = eventually(lambda: here.history.runs(states=[StateType.PAUSED]))[0]
    answers = iter([True])

    def held(*_: object) -> bool:
        if next(answers, False):
            return True
        running.join(WAIT_SECONDS)  # what happens after the look at the pause, and before this
        return False

    monkeypatch.setattr(resuming_module, "is_held", held)
    assert resume_flow_run(run.id, 7) is None
    assert ended == [7]


def test_a_run_is_not_kept_by_what_its_process_forked(tmp_path: Path) -> None:
    """When who resumes a run dies, a child that lives on does not stand in the way."""
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from brickwork_flows.claims import Claim\n"
        f"claim = Claim.take(Path({str(tmp_path)!r}), 'f')\n"
        "if os.fork() == 0:\n"
        "    os.write(1, b'alive\\n')\n"
        "    sys.stdin.read()\n"
        "    os._exit(0)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    with begun("-c", code) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "alive\n"
        assert process.wait(WAIT_SECONDS) == -signal.SIGKILL
        claim = Claim.take(tmp_path, "f")
        assert claim is not None
        claim.release()


def test_a_child_does_not_give_back_what_its_parent_has(tmp_path: Path) -> None:
    """Where a forked child ends what its parent has begun, the run is the parent's still."""
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from brickwork_flows.claims import Claim\n"
        f"claim = Claim.take(Path({str(tmp_path)!r}), 'f')\n"
        "if os.fork() == 0:\n"
        "    claim.release()\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        f"assert Claim.take(Path({str(tmp_path)!r}), 'f') is None\n"
        "claim.release()\n"
        "claim.release()\n"
    )
    with begun("-c", code) as process:
        _, told = process.communicate(timeout=WAIT_SECONDS)
        assert process.returncode == 0, told


# Whose journal it is


def test_a_copied_history_has_its_own_end_of_a_run(program: Path, here: Runtime) -> None:
    """A folder that is copied while a run lives, as to another host, is of use there; and here."""
    with begun(str(program), "held") as process:
        eventually(lambda: effects(program)["gated"])
        run = eventually(here.history.runs)[0]
        copied = program.with_name("copied")
        shutil.copytree(here.place.folder, copied)
        with use_history(copied) as there:
            assert newest(there).state.type is StateType.CRASHED
            there.close()
        assert newest(here).state.type is StateType.RUNNING
        with begun("-m", "brickwork", "run", "resume", run.id) as refused:
            _, told = refused.communicate(timeout=WAIT_SECONDS)
        assert refused.returncode == 5
        assert "has not ended: it is running" in told
        with program.with_name("gate").open("w"):
            assert process.communicate(timeout=WAIT_SECONDS)[0] == "2\n"
    assert newest(here).state.type is StateType.COMPLETED


def test_a_run_whose_journal_is_gone_is_resumed_all_the_same(program: Path, here: Runtime) -> None:
    """A history that was copied without journals, or whose journals were removed, keeps no run."""
    with begun(str(program), "held") as process:
        eventually(lambda: effects(program)["gated"])
        run = eventually(here.history.runs)[0]
        copied = program.with_name("copied")
        here.flush()
        shutil.copytree(here.place.folder, copied, ignore=shutil.ignore_patterns("*.journal"))
        with use_history(copied) as there:
            assert newest(there).state.type is StateType.RUNNING
            assert resumable(there, run.id).state.type is StateType.CRASHED
            assert "left no journal" in newest(there).state.message
            states = {each.key: each.state.type.value for each in there.history.children(run.id)}
            assert states == {"step-0": "completed", "gated-0": "crashed"}
            there.close()
        with pytest.raises(NotResumable, match="has not ended: it is running"):
            resumable(here, run.id)
        assert newest(here).state.type is StateType.RUNNING
        with program.with_name("gate").open("w"):
            assert process.communicate(timeout=WAIT_SECONDS)[0] == "2\n"


def test_a_process_id_that_was_given_out_again_means_nothing(program: Path, here: Runtime) -> None:
    """A journal under the id of a living process is left by a dead one; and the other way round."""
    run = killed_at_the_gate(program, here)
    (journal,) = [
        path for path in here.place.journals.iterdir() if not path.name.startswith(f"{os.getpid()}")
    ]
    journal.rename(journal.with_name(f"{os.getppid()}-aaaaaaaaaaaa.journal"))
    with begun(str(program), "held") as process:
        eventually(lambda: effects(program)["gated"] == 2)
        living = eventually(lambda: [each for each in here.history.runs() if each.id != run.id])[0]
        (own,) = here.place.journals.glob(f"{process.pid}-*.journal")
        own.rename(own.with_name("999999999-bbbbbbbbbbbb.journal"))
        here.flush()
        assert here.history.run(run.id).state.type is StateType.CRASHED
        assert here.history.run(living.id).state.type is StateType.RUNNING
        with program.with_name("gate").open("w"):
            assert process.communicate(timeout=WAIT_SECONDS)[0] == "2\n"
    here.flush()
    assert here.history.run(living.id).state.type is StateType.COMPLETED


@pytest.mark.parametrize(
    "garbage", [b"\0" * 4096, b"half a li", b"00000000 [[]]\n", b"\xff\xfe\n\n\n", b'["state"]\n']
)
def test_a_journal_with_garbage_in_it_loses_no_other_line(
    garbage: bytes, program: Path, here: Runtime
) -> None:
    """What a bad disk or a loss of power left at its end, or in front, is no event."""
    with begun(str(program), "held") as process:
        eventually(lambda: effects(program)["gated"])
        (journal,) = here.place.journals.glob(f"{process.pid}-*.journal")
        killed(process)
    journal.write_bytes(b"garbage\n" + journal.read_bytes() + garbage)
    run = newest(here)
    assert run.state.type is StateType.CRASHED
    states = {each.key: each.state.type.value for each in here.history.children(run.id)}
    assert states == {"step-0": "completed", "gated-0": "crashed"}
    assert not journal.exists()


def test_events_of_a_newer_version_are_not_lost(tmp_path: Path) -> None:
    """A journal with what this version does not know stays until one comes that does."""
    journal = Journal(tmp_path / "journals")
    journal.write(b'[["moved",["f","elsewhere"]]]')
    journal.close()
    history = SqliteHistory(tmp_path / "runs.db")
    with pytest.raises(HistoryError, match="events that this version does not know") as error:
        recover(history, tmp_path / "journals")
    assert "Update brickwork-flows" in error.value.fix
    assert journal.path.exists()


def test_what_is_no_journal_is_left_alone(tmp_path: Path) -> None:
    """A folder or a pipe under such a name blocks nobody."""
    folder = tmp_path / "journals"
    (folder / "a.journal").mkdir(parents=True)
    os.mkfifo(folder / "b.journal")
    assert recover(SqliteHistory(tmp_path / "runs.db"), folder) == []


def test_who_looks_while_another_one_folds_waits_for_it(tmp_path: Path) -> None:
    """So that nobody is told that there is no such run, while it is on its way to the history."""
    journal = Journal(tmp_path / "journals")
    from brickwork_flows.history.events import encoded

    journal.write(encoded(events_of("f")))
    journal.close()
    history = SqliteHistory(tmp_path / "runs.db")
    found: list[str] = []

    def look() -> None:
        recover(history, tmp_path / "journals")
        found.append(history.run("f").state.type.value)
        history.close()

    with folding(tmp_path / "journals"):
        looking = threading.Thread(target=copy_context().run, args=(look,))
        looking.start()
        looking.join(0.2)
        assert looking.is_alive(), "it did not wait"
        assert found == []
    looking.join(WAIT_SECONDS)
    assert found == ["crashed"]


# Killed while tasks wait


def test_a_kill_while_tasks_wait_for_what_they_need(program: Path, here: Runtime) -> None:
    """Those that waited for a future, a slot, or their next attempt run when the run is resumed."""

    def waiting() -> bool:
        here.flush()
        runs = here.history.runs()
        states = Counter(each.state.name for each in here.history.children(runs[0].id) if runs)
        done = effects(program)
        return (
            states["AwaitingRetry"] == 1
            and states["AwaitingConcurrencySlot"] == 2
            and states["Running"] == 2
            and done["slow"] == done["fails"] == 1
        )

    with begun(str(program), "busy") as process:
        eventually(lambda: here.history.runs())
        eventually(waiting)
        killed(process)
    program.with_name("killed").touch()
    run = newest(here)
    assert run.state.type is StateType.CRASHED
    states = {each.state.type for each in here.history.children(run.id)}
    assert states == {StateType.CRASHED}
    resumed = resuming(run.id)
    printed, told = resumed.communicate(timeout=WAIT_SECONDS)
    assert (resumed.returncode, printed) == (0, f"{3 + 100 + 10 + 303}\n"), told

    done = effects(program)
    assert done["slow"] == done["fails"] == 2
    assert [done[f"follows-{number}"] for number in range(3)] == [1, 1, 1]
    keys = {each for each in done if ":" in each}
    assert len(keys) == 3, "a task that ran again has another key than before"
    assert sorted(path.name for path in program.with_name("out").iterdir()) == ["0", "1", "2"]
    assert newest(here).state.type is StateType.COMPLETED
