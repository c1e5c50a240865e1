"""``brickwork run pause|resume|send|cancel`` against a run that lives in another process."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from brickwork.testing.commandline import Conversation
from brickwork_flows import StateType, use_history
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.runtime import Runtime

T = TypeVar("T")

WAIT_SECONDS = 60.0

FLOWS = '''
import os
import sys
from pathlib import Path
from typing import Literal

from pydantic import Field

from brickwork_flows import RunInput, flow, pause_flow_run, receive_input, task

here = Path(__file__).parent


class Order(RunInput):
    """What is to be made."""

    size: int = Field(description="How large.", ge=1)
    colour: Literal["red", "blue"]
    urgent: bool = False
    note: str = "none"


@task
def tick(number):
    with (here / "effects").open("a") as file:
        os.write(file.fileno(), f"{number}\\n".encode())


@flow
def ticks():
    number = 0
    while not (here / "stop").exists():
        tick(number)
        number += 1
    return "stopped"


@flow
def orders():
    order = pause_flow_run(Order)
    return f"{order.size} {order.colour} {order.urgent} {order.note}"


@flow
def receives():
    tick(0)
    receiver = receive_input(dict | int | str, timeout=60)
    return [receiver.next() for _ in range(3)]


if __name__ == "__main__":
    print(globals()[sys.argv[1]](), flush=True)
'''


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with flows, whose runs are in a history of this test's own."""
    monkeypatch.setenv("BRICKWORK_HISTORY", str(tmp_path / "runs"))
    path = tmp_path / "flows_paused.py"
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
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def printed(process: "subprocess.Popen[str]") -> str:
    """Wait for the end of a process, and return what it printed."""
    return process.communicate(timeout=WAIT_SECONDS)[0].strip()


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
    """Return the newest run."""
    here.flush()
    return here.history.runs()[0]


def brickwork(*args: str, given: str = "") -> "subprocess.CompletedProcess[str]":
    """Run a command without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "brickwork", *args],
        input=given,
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )


# Without a terminal


def test_a_living_run_is_paused_and_goes_on(program: Path, here: Runtime) -> None:
    """No task begins while it is paused; each command tells what became of the run."""
    effects = program.with_name("effects")
    with begun(program, "ticks") as process:
        eventually(effects.exists)
        run = eventually(here.history.runs)[0]
        asked = brickwork("run", "pause", run.id)
        assert (asked.returncode, asked.stdout) == (0, "")
        assert f"{run.id} is paused; to go on: brickwork run resume {run.id}" in asked.stderr
        at_rest = effects.read_bytes()
        again = brickwork("run", "pause", run.id)
        assert again.returncode == 5
        assert "is paused already" in again.stderr
        assert effects.read_bytes() == at_rest
        gone_on = brickwork("run", "resume", run.id, "--json")
        assert gone_on.returncode == 0, gone_on.stderr
        assert '"state": "running"' in gone_on.stdout
        eventually(lambda: effects.read_bytes() != at_rest)
        refused = brickwork("run", "resume", run.id)
        assert refused.returncode == 5
        assert "has not ended: it is running" in refused.stderr
        program.with_name("stop").touch()
        assert printed(process) == "stopped"
    assert brickwork("run", "pause", run.id).returncode == 5
    assert brickwork("run", "pause", "nobody").returncode == 4
    assert [state.name for state in newest(here).states].count("Paused") == 1


def test_a_living_run_that_is_paused_is_cancelled(program: Path, here: Runtime) -> None:
    """Its process ends; the pause is gone."""
    with begun(program, "orders") as process:
        run = paused(here)
        asked = brickwork("run", "cancel", run.id)
        assert asked.returncode == 0
        assert re.search(rf"{run.id} (is cancell|was asked to stop)", asked.stderr)
        printed(process)
        assert process.returncode != 0
    assert newest(here).state.type is StateType.CANCELLED


def test_a_living_run_is_sent_json_and_texts(program: Path, here: Runtime) -> None:
    """From the command line and from standard input, in order; to no run and to none's task: no."""
    with begun(program, "receives") as process:
        eventually(program.with_name("effects").exists)
        run = eventually(here.history.runs)[0]
        assert brickwork("run", "send", run.id, '{"a": 1}').returncode == 0
        assert brickwork("run", "send", run.id, "-", given="5\n").returncode == 0
        assert brickwork("run", "send", "nobody", "5").returncode == 4
        refused = brickwork("run", "send", f"{run.id}.tick-0", "5")
        assert refused.returncode == 5
        assert "it is a task's" in refused.stderr
        assert brickwork("run", "send", run.id, "plain text").returncode == 0
        assert printed(process) == "[{'a': 1}, 5, 'plain text']"
    refused = brickwork("run", "send", run.id, "6")
    assert refused.returncode == 5
    assert "it is completed" in refused.stderr


def test_input_without_a_terminal_is_given_whole_or_refused(program: Path, here: Runtime) -> None:
    """What lacks or does not fit is named with exit code 2, and the run waits on."""
    with begun(program, "orders") as process:
        run = paused(here)
        for args, told in [
            ((), "waits for Order(size, colour, [urgent], [note]), and was given nothing"),
            (("-i", "size=3"), "colour: Field required"),
            (("-i", "size=0", "-i", "colour=red"), "size: Input should be greater than or equal"),
            (("-i", "length=3"), "There is no field 'length'"),
            (("--input", "{"), "is no JSON"),
            (("--input", "{}", "-i", "size=3"), "Give --input, or -i"),
            (("--key", "other", "--input", "{}"), "has no open pause 'other'"),
        ]:
            refused = brickwork("run", "resume", run.id, *args)
            assert told in refused.stderr
            assert refused.returncode == (5 if "--key" in args else 2), refused.stderr
            assert newest(here).state.type is StateType.PAUSED
        given = brickwork("run", "resume", run.id, "-i", "size=3", "-i", "colour=red")
        assert given.returncode == 0, given.stderr
        assert printed(process) == "3 red False none"


# With one


def test_a_person_is_asked_until_it_fits(program: Path, here: Runtime) -> None:
    """What the process of the run refuses is shown, and asked for once more."""
    with begun(program, "orders") as process:
        run = paused(here)
        with Conversation("run", "resume", run.id) as talk:
            talk.answer("size (integer), How large.: ", "0")
            talk.answer("colour (red | blue): ", "blue")
            talk.answer("urgent (boolean) [y/N]: ", "")
            talk.answer("note (string) [none]: ", "")
            talk.wait_for("size: Input should be greater than or equal to 1")
            talk.answer("size (integer), How large.: ", "2")
            talk.answer("colour (red | blue): ", "red")
            talk.answer("urgent (boolean) [y/N]: ", "y")
            talk.answer("note (string) [none]: ", "soon")
            talk.wait_for("goes on in its process")
            assert talk.end() == 0
        assert printed(process) == "2 red True soon"


def test_a_person_is_asked_by_who_goes_on_with_a_killed_run(program: Path, here: Runtime) -> None:
    """The replay refuses what does not fit, and the question comes again."""
    with begun(program, "orders") as process:
        run = paused(here)
        process.kill()
        process.wait(WAIT_SECONDS)
    with Conversation("run", "resume", run.id, "--quiet") as talk:
        for size in ("0", "4"):
            talk.answer("size (integer), How large.: ", size)
            talk.answer("colour (red | blue): ", "blue")
            talk.answer("urgent (boolean) [y/N]: ", "n")
            talk.answer("note (string) [none]: ", "")
        talk.wait_for("4 blue False none")
        assert talk.end() == 0
    assert "size: Input should be greater than or equal to 1" in talk.shown


def test_nobody_is_asked_who_does_not_want_to_be(program: Path, here: Runtime) -> None:
    """With ``--no-input``, a terminal is none."""
    with begun(program, "orders"):
        run = paused(here)
        with Conversation("--no-input", "run", "resume", run.id) as talk:
            talk.wait_for("and was given nothing")
            assert talk.end() == 2
