"""The cache beyond one process: programs run as scripts, and by the command line."""

import os
import subprocess
import sys
from pathlib import Path

_JOBS = """
from enum import Enum
from brickwork_flows import INPUTS, TASK_SOURCE, flow, task

class Size(Enum):
    SMALL = 1

@task(cache_policy=INPUTS + TASK_SOURCE)
def costs(size: Size) -> int:
    print("computed")
    return {price}

@task(cache_policy=INPUTS)
def named(text: str) -> str:
    print("named")
    return __file__[-4] + text

@flow
def main():
    print(costs(Size.SMALL), named("!"))

if __name__ == "__main__":
    main()
"""


def _run(tmp_path: Path, *command: str) -> list[str]:
    # A change within a second that keeps a file's size escapes Python where it keeps bytecode.
    own = {"BRICKWORK_HISTORY": str(tmp_path / "runs"), "PYTHONDONTWRITEBYTECODE": "1"}
    environment = os.environ | own
    done = subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_a_program_finds_what_it_computed_before(tmp_path: Path) -> None:
    """However it is run: as a script, or by the command line, each time in a process of its own."""
    script = tmp_path / "a.py"
    script.write_text(_JOBS.format(price=3))
    assert _run(tmp_path, str(script)) == ["computed", "named", "3", "a!"]
    assert _run(tmp_path, str(script)) == ["3", "a!"]
    command = ("-m", "brickwork", "flow", "run", "--quiet", f"{script}:main")
    assert _run(tmp_path, *command) == ["3", "a!"]
    script.write_text(_JOBS.format(price=4))
    assert _run(tmp_path, *command) == ["computed", "4", "a!"]


def test_programs_with_tasks_of_one_name_do_not_share_results(tmp_path: Path) -> None:
    """Each program is `__main__`, and its tasks are its own all the same."""
    for name in ("a", "b"):
        script = tmp_path / f"{name}.py"
        script.write_text(_JOBS.format(price=3))
        assert _run(tmp_path, str(script)) == ["computed", "named", "3", f"{name}!"]
