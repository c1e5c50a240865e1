"""Where processes find tasks: in files, programs, packages, and programs without a file."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from brickwork_flows.errors import InvalidFlow
from brickwork_flows.finding import load_file

DEFINITIONS = """
import os
from brickwork_flows import flow, task

class Odd(Exception):
    def __init__(self, number, process):
        super().__init__(number, process)
        self.number = number

class Value:
    def __init__(self, number):
        self.number = number

@task
def square(value):
    return Value(value.number ** 2)

@task
def squares_of(values):
    return [square(value) for value in values], os.getpid()

@task
def fails(number):
    raise Odd(number, os.getpid())

@flow(task_runner="processes")
def main() -> list[int]:
    print("the body runs")
    squares, process = squares_of.submit([Value(number) for number in range(4)]).result()
    assert process != os.getpid()
    assert {type(each) for each in squares} == {Value}
    try:
        fails.submit(7).result()
    except Odd as error:
        assert error.number == 7
    return [each.number for each in squares]
"""
UNGUARDED = f"{DEFINITIONS}\nprint(main())\n"
PROGRAM = f'{DEFINITIONS}\nif __name__ == "__main__":\n    print(main())\n'
SAID = ["the body runs", "[0, 1, 4, 9]"]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A folder with the program, as file, module, package, folder and archive."""
    for name in ("program.py", "package/module.py", "package/__main__.py", "folder/__main__.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(PROGRAM)
    (tmp_path / "package" / "__init__.py").touch()
    (tmp_path / "package" / "words.py").write_text('WORD = "relative"\n')
    own = tmp_path / "package" / "__main__.py"
    own.write_text(f"from .words import WORD\n{PROGRAM}")
    with zipfile.ZipFile(tmp_path / "program.pyz", "w") as archive:
        archive.writestr("__main__.py", PROGRAM)
    (tmp_path / "unguarded.py").write_text(UNGUARDED)
    (tmp_path / "unguarded").mkdir()
    (tmp_path / "unguarded" / "__main__.py").write_text(UNGUARDED)
    (tmp_path / "unguarded" / "__init__.py").touch()
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [["program.py"], ["-m", "package.module"], ["-m", "package"], ["folder"], ["program.pyz"]],
    ids=" ".join,
)
def test_a_program_is_loaded_by_its_processes(app: Path, arguments: list[str]) -> None:
    """Its tasks, classes and errors go there and back, however Python runs it."""
    done = run(app, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == SAID


def test_a_program_without_a_file_goes_whole(app: Path) -> None:
    """Also from ``python -c`` and notebooks, tasks with all that they use reach a process."""
    pytest.importorskip("cloudpickle")
    done = run(app, "-c", PROGRAM)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == SAID


@pytest.mark.parametrize(
    "name", ["program.py", "odd.name-1.py", "package/module.py"], ids=["plain", "odd", "in package"]
)
def test_a_file_of_the_command_line_is_loaded(app: Path, name: str) -> None:
    """What ``brickwork flow run`` loads as a file, each process loads under the same name."""
    (app / "odd.name-1.py").write_text(PROGRAM)
    done = run(app, "-m", "brickwork", "flow", "run", f"{name}:main", "--json")
    assert done.returncode == 0, done.stderr
    assert '"result": [' in done.stdout


@pytest.mark.parametrize("arguments", [["unguarded.py"], ["-m", "unguarded"]], ids=" ".join)
def test_a_program_without_a_guard_is_told_so(app: Path, arguments: list[str]) -> None:
    """Its flow does not run once more in each process; the error says what to write."""
    done = run(app, *arguments)
    assert done.returncode == 1
    assert done.stdout.splitlines() == ["the body runs"]
    assert 'under: if __name__ == "__main__":' in done.stderr


def test_a_file_is_loaded_once(tmp_path: Path) -> None:
    """Whoever asks for it, there is one module of it; one that failed is loaded again."""
    path = tmp_path / "flows.py"
    path.write_text("VALUE = 1 / 0")
    with pytest.raises(InvalidFlow, match="ZeroDivisionError"):
        load_file(path)
    path.write_text("VALUE = object()")
    assert load_file(path).VALUE is load_file(path).VALUE
