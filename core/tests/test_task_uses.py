"""Which tasks a program uses, without running it."""

import sys
from pathlib import Path

import pytest

from brickwork.tasks.uses import load_program, tasks_used

HELPERS = """
from brickwork import task

@task
def by_helper(): ...

def helper():
    by_helper()
"""

PACK = """
from brickwork import task

@task
def by_module(): ...

@task
def by_import(): ...

@task
def never(): ...
"""

PROGRAM = """
import os
import pack_of_test
import json as never
from brickwork import task
from helpers_of_test import helper

@task
def direct(): ...

@task
def outer():
    direct()
    helper()
    return [pack_of_test.by_module() for _ in os.environ]

def late():
    from pack_of_test import by_import
    import no_such_module_of_test
    return lambda: by_import.submit()

class NotAFunction:
    pass

raised = []
if __name__ == "__main__":
    raise AssertionError
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program with two modules beside it."""
    (tmp_path / "helpers_of_test.py").write_text(HELPERS)
    (tmp_path / "pack_of_test.py").write_text(PACK)
    (tmp_path / "program.py").write_text(PROGRAM)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("helpers_of_test", "pack_of_test", "program_program"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path / "program.py"


def test_tasks_are_found_however_they_are_named(program: Path) -> None:
    """Directly, by helpers of other files, behind modules, imported in a function, in lambdas."""
    found = tasks_used(load_program(str(program)))
    assert {task.name for task in found} == {"direct", "by_helper", "by_module", "by_import"}


def test_a_program_is_imported_and_not_run(program: Path) -> None:
    """What it keeps for when it is run itself stays undone; the path is as it was."""
    before = list(sys.path)
    assert load_program(str(program)).__name__ == "program_program"
    assert sys.path == before


def test_a_program_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """No half module is left for the next import."""
    (tmp_path / "broken.py").write_text("1 / 0")
    with pytest.raises(ZeroDivisionError):
        load_program(str(tmp_path / "broken.py"))
    assert "program_broken" not in sys.modules
    with pytest.raises(ImportError, match="no program"):
        load_program(str(tmp_path / "no-such.py"))
