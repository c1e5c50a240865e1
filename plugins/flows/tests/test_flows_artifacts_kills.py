"""Artifacts are made exactly once, whenever the process that makes them is killed."""

import os
import random
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from brickwork_flows import list_artifacts, use_history
from brickwork_flows.runtime import Runtime
from brickwork_flows.states import StateType

pytestmark = pytest.mark.attack

LONG = int(os.environ.get("BRICKWORK_ATTACK_SCALE", "1")) >= 10
ROUNDS = 20 if LONG else 2

PROGRAM = """
import os, sys
from brickwork_flows import (
    create_markdown_artifact, create_progress_artifact, flow, resume, task,
    update_progress_artifact, use_history,
)


def made():
    os.write(1, b"made\\n")


@task
def part(number: int) -> int:
    create_markdown_artifact(f"part {number}", "part")
    made()
    create_markdown_artifact(f"{number} " * 10_000, "large")
    made()
    progress = create_progress_artifact(0, "progress")
    update_progress_artifact(progress, 100)
    made()
    return number


@flow
def work() -> int:
    total = 0
    for number in range(20):
        create_markdown_artifact(f"body {number}", "body")
        made()
        total += part(number)
    return total


if __name__ == "__main__":
    with use_history(sys.argv[1]):
        resume(sys.argv[2]) if sys.argv[2:] else work()
"""


def started(runtime: Runtime) -> str | None:
    """Return the id of the run, which crashed; None if it has completed, or never began."""
    runtime.flush()
    runs = runtime.history.runs()
    return runs[0].id if runs and runs[0].state.type is not StateType.COMPLETED else None


def run_and_kill(command: list[str], lines: int, delay: float) -> None:
    """Run a program, and kill it some time after so many lines."""
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(lines):
            process.stdout.readline()
        with suppress(subprocess.TimeoutExpired):
            process.wait(delay)
        process.kill()


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_a_killed_run_makes_each_artifact_once(tmp_path: Path, seed: int) -> None:
    """After kills at random moments and as many resumes, each stands there once, and whole."""
    chance = random.Random(seed)
    program = tmp_path / "works.py"
    program.write_text(PROGRAM)
    command = [sys.executable, str(program), str(tmp_path / "runs")]
    kills = 0
    with use_history(tmp_path / "runs") as runtime:
        run_and_kill(command, 1, chance.uniform(0, 0.006))
        while (run := started(runtime)) is not None and kills < 6:
            kills += 1
            run_and_kill([*command, run], chance.randrange(30), chance.uniform(0, 0.006))
        if run is not None:
            subprocess.run([*command, run], check=True, timeout=120, stdout=subprocess.DEVNULL)
        assert started(runtime) is None
        assert kills > 2, "it was hardly ever killed, which proves nothing"
        for key, content in (("part", "part {}"), ("body", "body {}"), ("large", "{} " * 10_000)):
            found = [each.read() for each in list_artifacts(key)]
            assert sorted(found) == sorted(content.replace("{}", str(n)) for n in range(20))
        progress = list_artifacts("progress")
        assert [each.read() for each in progress] == [100.0] * 20
        for key in ("part", "body", "large", "progress"):
            versions = [each.version or 0 for each in list_artifacts(key)]
            assert versions == sorted(versions, reverse=True)
            assert versions[-1] == 1
        runtime.close()
        runtime.history.close()
