"""The contract of prebuilt tasks: a good package passes it, and each fault is caught."""

import importlib
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from brickwork import Task, remaining, task
from brickwork.testing.task import TaskContract, no_waiting

GOOD = '''
import time

from brickwork import check_cancelled, progress, task


@task(retries=2, retry_on=OSError)
def repeat(text: str, times: int = 2) -> str:
    """Repeat a text.

    Args:
        text: What to repeat.
        times: How often.
    """
    return text * times


@task
async def wait_long(seconds: float) -> None:
    """Wait, and report while waiting. Not retried: nothing in it can fail.

    Args:
        seconds: How long.
    """
    import asyncio

    for second in range(int(seconds * 100)):
        progress(second, seconds)
        await asyncio.sleep(0.01)


@task(retries=1)
def count(to: int) -> int:
    """Count to a number, slowly.

    Args:
        to: How far.
    """
    for number in range(to):
        progress(number, to)
        check_cancelled()
        time.sleep(0.001)
    return to
'''

BAD = '''
import time

import hypothesis

from brickwork import progress, task


@task
def undocumented(text, times: int = 2):
    return text


@task(retries=1)
def half_documented(text: str, times: int = 2) -> str:
    """Repeat a text.

    Args:
        text: What to repeat.
    """
    return text * times


@task
def without_retries(text: str) -> str:
    """Send a text somewhere.

    Args:
        text: The text.
    """
    return text


@task(retries=1)
def by_place(text: str, /, *more: str) -> str:
    """Join texts to one.

    Args:
        text: The first.
        more: The others.
    """
    return text


@task(retries=1)
def BadName(text: "Unknown") -> str:
    """Change a text somehow

    Args:
        text: The text.
    """
    return text


calls = []


@task(retries=1)
def unsteady() -> int:
    """Give something else each time."""
    calls.append(1)
    return len(calls)


@task(retries=1)
def deaf() -> None:
    """Never look at whether it was cancelled."""
    progress(0)
    time.sleep(2)


def make():
    @task(retries=1)
    def inside() -> None:
        """Do nothing at all."""

    return inside


local = make()
'''


def package(folder: Path, name: str, source: str) -> ModuleType:
    """Write a package with a module of tasks, and import that."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").touch()
    (folder / name / "tasks.py").write_text(textwrap.dedent(source))
    return importlib.import_module(f"{name}.tasks")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder from which packages are imported."""
    folder = tmp_path_factory.mktemp("packages")
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def good(folder: Path) -> ModuleType:
    """A package without a fault."""
    return package(folder, "brickwork_goodtasks", GOOD)


@pytest.fixture(scope="module")
def bad(folder: Path) -> ModuleType:
    """A package of faults."""
    return package(folder, "brickwork_badtasks", BAD)


class TestRepeat(TaskContract):
    @pytest.fixture
    def task(self, good: ModuleType) -> Task[..., Any]:
        found: Task[..., Any] = good.repeat
        return found

    @pytest.fixture
    def call(self) -> Mapping[str, Any]:
        return {"text": "a"}


class TestWaitLong(TaskContract):
    @pytest.fixture
    def task(self, good: ModuleType) -> Task[..., Any]:
        found: Task[..., Any] = good.wait_long
        return found

    @pytest.fixture
    def call(self) -> Mapping[str, Any]:
        return {"seconds": 0.01}

    @pytest.fixture
    def slow_call(self) -> Mapping[str, Any]:
        return {"seconds": 60}


class TestCount(TaskContract):
    @pytest.fixture
    def task(self, good: ModuleType) -> Task[..., Any]:
        found: Task[..., Any] = good.count
        return found

    @pytest.fixture
    def slow_call(self) -> Mapping[str, Any]:
        return {"to": 60_000}

    @property
    def registered_name(self) -> str:
        return "goodtasks.count"


class Checked(TaskContract):
    """The contract with its assertions callable one by one; not collected."""

    cancel_seconds = 0.3


class Misnamed(TaskContract):
    """Registered under another name than the function's."""

    registered_name = "badtasks.other"


@pytest.mark.parametrize(
    ("name", "assertion", "says"),
    [
        ("undocumented", Checked().test_every_parameter_is_typed, "annotate text"),
        ("undocumented", Checked().test_documented, "begin the docstring"),
        ("half_documented", Checked().test_documented, "describe times"),
        ("BadName", Checked().test_documented, "full stop"),
        ("without_retries", Checked().test_retries_or_says_why_not, "Not retried"),
        ("by_place", Checked().test_every_parameter_can_be_named, "text, more"),
        ("BadName", Checked().test_name_is_plugin_and_task, "no task name"),
        ("deaf", Misnamed().test_name_is_plugin_and_task, "same name"),
        ("local", Checked().test_pickles_as_its_name, "top of its module"),
        ("deaf", Checked().test_import_loads_no_sdk, "loads .*hypothesis"),
        ("unsteady", lambda it: Checked().test_aio_gives_the_same(it, {}), "override same"),
        ("deaf", lambda it: Checked().test_stops_when_cancelled(it, {}), "check_cancelled"),
        ("unsteady", lambda it: Checked().test_stops_when_cancelled(it, {}), "takes longer"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_each_fault_is_caught(
    bad: ModuleType, name: str, assertion: Callable[[Any], None], says: str
) -> None:
    """A task with one fault fails the assertion meant for it, which says how to mend it."""
    with pytest.raises(AssertionError, match=says):
        assertion(getattr(bad, name))


def test_an_annotation_that_does_not_resolve_is_caught(bad: ModuleType) -> None:
    """A type that is not there at run time fails the contract by the task's own error."""
    with pytest.raises(Exception, match="cannot be resolved"):
        Checked().test_every_parameter_is_typed(bad.BadName)


def test_a_task_without_its_optional_fixtures_skips() -> None:
    """What was not given is skipped, and said."""
    with pytest.raises(pytest.skip.Exception, match="no `call`"):
        Checked().test_aio_gives_the_same(task(len), None)
    with pytest.raises(pytest.skip.Exception, match="no `slow_call`"):
        Checked().test_stops_when_cancelled(task(len), None)


def test_no_waiting_puts_the_clock_back() -> None:
    """After the context, real time is used again, also after an error."""
    from brickwork.tasks import clock

    real = clock.clock
    with no_waiting():
        assert clock.clock is not real
    with pytest.raises(ZeroDivisionError), no_waiting():
        _ = 1 / 0
    assert clock.clock is real
    assert task(timeout_seconds=3)(remaining)() is not None
