"""What tasks cost at import, and how they look to a type checker."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "asyncio",
    "concurrent.futures",
    "ctypes",
    "dataclasses",
    "inspect",
    "json",
    "logging",
    "pydantic",
    "random",
    "signal",
    "subprocess",
    "threading",
}


def modules_after(program: str) -> set[str]:
    """Return what a fresh interpreter has loaded after a program."""
    done = subprocess.run(
        [
            sys.executable,
            "-S",
            "-c",
            f"{program}\nimport sys, _json as j\nprint(list(sys.modules))",
        ],
        env={"PYTHONPATH": str(Path(__file__).parents[1] / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded: list[str] = json.loads(done.stdout.splitlines()[-1].replace("'", '"'))
    return set(loaded)


CALL = """
@task(retries=2, retry_on=OSError, tags=["a"])
def work(number: int) -> int:
    return number
assert work(3) == 3
"""


@pytest.mark.parametrize("also", ["", CALL], ids=["import", "definition and call"])
def test_a_task_costs_no_heavy_module(also: str) -> None:
    """Importing, defining and calling a task with retries load nothing that is not needed."""
    loaded = modules_after("from brickwork import task" + also)
    assert "brickwork.tasks.definition" in loaded
    assert not loaded & HEAVY


def test_what_is_needed_later_is_loaded_later() -> None:
    """A time-out on the main thread loads no ctypes and no asyncio; parameters load inspect."""
    timed = modules_after(
        "from brickwork import task\n@task(timeout_seconds=5)\ndef f() -> None: ...\nf()"
    )
    assert "signal" in timed
    assert not timed & {"ctypes", "asyncio", "inspect", "pydantic"}
    listed = modules_after(
        "from brickwork import task\n@task\ndef f(a: int) -> None: ...\nf.parameters"
    )
    assert "inspect" in listed
    assert "pydantic" not in listed


TYPED = """
from collections.abc import Coroutine
from typing import Any, assert_type

from brickwork import Task, task
from brickwork.tasks import TaskFuture


@task
def plain(a: int, *, b: str = "") -> float:
    return 1.0


@task(retries=3)
async def later(a: int) -> str:
    return ""


class Holder:
    @task(timeout_seconds=3)
    def method(self, a: int) -> bytes:
        return b""


async def main() -> None:
    assert_type(plain(1, b="x"), float)
    running = later(1)
    _ = assert_type(running, Coroutine[Any, Any, str])
    assert_type(await running, str)
    assert_type(await later(1), str)
    assert_type(await plain.aio(1), float)
    assert_type(await later.aio(1), str)
    assert_type(plain.submit(1), TaskFuture[float])
    assert_type(later.submit(1), TaskFuture[str])
    assert_type(plain.map([1]), list[TaskFuture[float]])
    assert_type(plain.with_options(retries=1)(1), float)
    assert_type(Holder().method(1), bytes)
    plain("1")  # error: arg-type
    plain(1, c=2)  # error: call-arg
    await plain.aio("1")  # error: arg-type
    plain.with_options(retrys=1)  # error: call-arg
    plain.nme  # error: attr-defined
    Holder().method("1")  # error: arg-type


@task(retrys=1)  # error: call-overload
def wrong() -> None: ...
"""


@pytest.mark.slow
def test_signatures_are_kept_for_type_checkers(tmp_path: Path) -> None:
    """Under mypy --strict, calls keep parameters and result; each mistake is found."""
    source = tmp_path / "typed.py"
    source.write_text(TYPED)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--no-error-summary"),
            *("--cache-dir", str(tmp_path / "cache"), "--config-file", "", str(source)),
        ],
        env={"MYPYPATH": str(Path(__file__).parents[1] / "src"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = TYPED.splitlines()
    expected = {number for number, line in enumerate(lines, 1) if "# error:" in line}
    found: dict[int, str] = {}
    for line in done.stdout.splitlines():
        if line.startswith(str(source)) and ": error:" in line:
            number = int(line.split(":")[1])
            found[number] = found.get(number, "") + line
    assert set(found) == expected, done.stdout + done.stderr
    for number, line in found.items():
        code = lines[number - 1].split("# error: ")[1]
        assert f"[{code}]" in line, line
