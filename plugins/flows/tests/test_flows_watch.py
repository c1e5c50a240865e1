"""``brickwork run watch``: states, logs and progress of a run of another process, until its end."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from brickwork.cli.app import run as run_brickwork
from brickwork.testing.commandline import Command, Conversation, command_here, command_line
from brickwork_flows import create_progress_artifact, flow, get_run_logger, task
from brickwork_flows.cli import watching
from brickwork_flows.cli.watching import Watching
from brickwork_flows.history.events import Logged, StateSet
from brickwork_flows.runtime import Runtime, current_runtime

PROGRAM = """
import sys
import time
from pathlib import Path
from brickwork_flows import create_progress_artifact, flow, get_run_logger, task
from brickwork_flows import update_progress_artifact

folder = Path(__file__).parent

def until(name):
    while not (folder / name).exists():
        time.sleep(0.01)

@task
def step():
    get_run_logger().warning("in the task")
    until("go")

@flow(flow_run_name="long-1")
def long(end):
    bar = create_progress_artifact(10, description="files")
    step()
    update_progress_artifact(bar, 60)
    get_run_logger().info("goes on\\nin two lines")
    until("on")
    if end == "badly":
        raise ValueError("badly")
    if end == "cancelled":
        raise KeyboardInterrupt

long(sys.argv[1])
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """The history is one of this test's own, for other processes too."""
    monkeypatch.setenv("BRICKWORK_HISTORY", str(tmp_path / "runs"))
    monkeypatch.setenv("TERM", "xterm")
    runtime = current_runtime()
    yield runtime
    runtime.close()
    runtime.history.close()


@pytest.fixture
def brickwork(capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs the command line in this process."""
    return command_here(run_brickwork, capfd)


Running = Callable[[str], Any]


@pytest.fixture
def running(tmp_path: Path) -> Running:
    """Returns a context in which the program runs, in a process of its own, in its task."""
    (tmp_path / "program.py").write_text(PROGRAM)

    @contextmanager
    def run(end: str) -> Iterator[None]:
        command = [sys.executable, str(tmp_path / "program.py"), end]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                while not any(
                    each.run_name == "long-1" for each in current_runtime().history.runs()
                ):
                    assert process.poll() is None
                yield
            finally:
                process.kill()

    return run


@flow(flow_run_name="ended-1")
def ended() -> None:
    """Log, show a progress, and end."""
    create_progress_artifact(40, description="rows")
    get_run_logger().info("within")
    alone()


@task
def alone() -> None:
    """Log a line."""
    get_run_logger().warning("of the task")


# A run of another process


@pytest.mark.parametrize(("end", "code"), [("well", 0), ("badly", 1), ("cancelled", 130)])
def test_all_that_happens_is_printed_as_lines(
    running: Running, tmp_path: Path, end: str, code: int
) -> None:
    """From the beginning, while it happens; the exit code says how it ended."""
    command = [sys.executable, "-m", "brickwork", "run", "watch", "long-1"]
    with (
        running(end),
        subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as watch,
    ):
        assert watch.stdout is not None
        lines: list[str] = []

        def read_until(text: str) -> None:
            assert watch.stdout is not None
            for line in watch.stdout:
                lines.append(line)
                if text in line:
                    return
            raise AssertionError(f"{text!r} never came: {lines}")

        read_until("WARNING   step-0  in the task")
        (tmp_path / "go").touch()
        read_until("    in two lines")
        (tmp_path / "on").touch()
        lines += watch.stdout
        assert watch.wait(60) == code
    text = "".join(lines)
    assert "PROGRESS  long-1  10%  files" in text
    assert "PROGRESS  long-1  60%  files" in text
    assert text.count("STATE     step-0  Running") == 1
    assert lines[0].endswith("STATE     long-1  Pending\n")
    assert "STATE     long-1  " in lines[-1]


def test_a_terminal_shows_the_tree_with_logs_above(running: Running, tmp_path: Path) -> None:
    """What is logged stands above it; progress beside the run that shows it."""
    with running("well"), Conversation("run", "watch", "long-1") as talk:
        talk.wait_for("in the task")
        talk.wait_for("10% files")
        (tmp_path / "go").touch()
        talk.wait_for("in two lines")
        talk.wait_for("60% files")
        (tmp_path / "on").touch()
        assert talk.end() == 0
    assert "✓" in talk.shown.split("\x1b[J")[-2]


def test_who_watches_may_leave(running: Running, tmp_path: Path) -> None:
    """Ctrl-C ends the watching, and not the run."""
    with running("well"):
        with Conversation("run", "watch", "long-1") as talk:
            talk.wait_for("in the task")
            talk.press(b"\x03")
            assert talk.end() == 130
        (tmp_path / "go").touch()
        (tmp_path / "on").touch()
        assert command_line("run", "watch", "long-1").code == 0


# A run that has ended


def test_json_has_an_object_for_each_line(brickwork: Command) -> None:
    """States, lines of the log and progress in the order of time; the last one is the end."""
    ended()
    done = brickwork("run", "watch", "ended-1", "--json")
    objects = [json.loads(line) for line in done.out.splitlines()]
    assert {each["schema"] for each in objects} == {"brickwork.run.watch/1"}
    assert [each["type"] for each in objects if each["type"] != "state"] == [
        *("progress", "log", "log", "end"),
    ]
    times = [each["at"] for each in objects[:-1]]
    assert times == sorted(times)
    states = [(each["run_name"], each["state"]) for each in objects if each["type"] == "state"]
    assert states[-1] == ("ended-1", "completed")
    assert states.count(("alone-0", "completed")) == 1
    (progress,) = [each for each in objects if each["type"] == "progress"]
    assert (progress["progress"], progress["description"]) == (40, "rows")
    assert objects[-1] == {
        "schema": "brickwork.run.watch/1",
        "type": "end",
        "run": objects[0]["run"],
        "state": "completed",
        "exit_code": 0,
    }


def test_of_a_task_only_that_is_shown(brickwork: Command) -> None:
    """Not what its flow, or what ran beside it, has said."""
    ended()
    done = brickwork("run", "watch", "ended-1.alone-0")
    assert [line.split("  ")[1].strip() for line in done.out.splitlines()] == [
        *("STATE", "STATE", "WARNING", "STATE"),
    ]


def test_nothing_is_missed_or_told_twice(here: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is recorded while the runs are read is told once; pages are read to their end."""
    monkeypatch.setattr(watching, "PAGE", 2)

    @flow
    def several() -> None:
        for _ in range(5):
            alone()

    several()
    here.flush()
    (record,) = here.history.runs()
    position = here.history.position
    # As if it had been asked for before anything was recorded.
    monkeypatch.setattr(here.history, "position", lambda: position() and 0)
    happenings = [each.what for page in Watching(here, record.id) for each in page]
    states = [(each.run, each.number) for each in happenings if isinstance(each, StateSet)]
    assert len(states) == len(set(states)) == 6 * 3
    assert sum(isinstance(each, Logged) for each in happenings) == 5


def test_control_characters_are_written_out(brickwork: Command) -> None:
    """What a run says cannot move the cursor."""

    @flow(flow_run_name="evil-1")
    def evil() -> None:
        create_progress_artifact(1, description="\x1b[2J")
        raise ValueError("\x1b[31mred")

    with pytest.raises(ValueError, match="red"):
        evil()
    done = brickwork("run", "watch", "evil-1")
    assert done.code == 1
    assert "\x1b" not in done.out
    assert "u001b[2J" in done.out
