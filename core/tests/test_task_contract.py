"""The contract of prebuilt tasks: a good package passes it, and each fault is caught."""

import importlib
import logging
import sys
import textwrap
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest
from pydantic import Field

from brickwork import Block, Secret, Task, progress, remaining, sleep, task
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

    Examples:
        >>> repeat(text, times=3)
        'aaa'
    """
    return text * times


@task
async def wait_long(seconds: float) -> None:
    """Wait, and report while waiting. Not retried: nothing in it can fail.

    Args:
        seconds: How long.

    Examples:
        >>> import asyncio
        >>> asyncio.run(wait_long(seconds))
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

    Examples:
        >>> count(2)
        2
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
    """Give something else each time.

    Examples:
        >>> unsteady()
        -1
    """
    calls.append(1)
    return len(calls)


@task(retries=1)
def deaf() -> None:
    """Never look at whether it was cancelled.

    Examples:
        >>> 1 + 1
        2
    """
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
    name = "goodtasks.count"

    @pytest.fixture
    def task(self, good: ModuleType) -> Task[..., Any]:
        found: Task[..., Any] = good.count
        return found

    @pytest.fixture
    def slow_call(self) -> Mapping[str, Any]:
        return {"to": 60_000}


class Checked(TaskContract):
    """The contract with its assertions callable one by one; not collected."""

    cancel_seconds = 0.3


class Misnamed(TaskContract):
    """Registered under another name than the function's."""

    name = "badtasks.other"


def run_example(task: Task[..., Any]) -> None:
    """Run the example of a task in this folder."""
    with pytest.MonkeyPatch.context() as patch:
        Checked().test_its_example_does_what_it_says(task, {}, Path(), patch)


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
        ("without_retries", Checked().test_shows_an_example, "show in the docstring"),
        ("deaf", Checked().test_shows_an_example, "show in the docstring"),
        ("unsteady", run_example, r"Expected:\n +-1\n"),
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


def test_a_call_that_uses_something_up_gets_other_arguments(tmp_path: Path) -> None:
    """The second call takes what `again` returns."""

    class Once(Checked):
        def again(self, call: Mapping[str, Any]) -> Mapping[str, Any]:
            return {"folder": call["folder"].with_name("second")}

    @task
    def make(folder: Path) -> int:
        folder.mkdir()
        return 1

    with pytest.raises(FileExistsError):
        Checked().test_aio_gives_the_same(make, {"folder": tmp_path / "first"})
    (tmp_path / "first").rmdir()
    Once().test_aio_gives_the_same(make, {"folder": tmp_path / "first"})


def test_a_task_that_does_not_wait_is_caught() -> None:
    """One that fails at once where it was asked to come again later."""
    refusals: list[str] = []

    @task
    def hasty() -> str:
        if refusals:
            raise ConnectionRefusedError(refusals.pop())
        return "done"

    @task(retries=1, retry_on=ConnectionRefusedError)
    def patient() -> str:
        return hasty()

    Checked().test_waits_where_the_service_asks_for_it(
        patient, {}, lambda: refusals.append("later")
    )
    with pytest.raises(AssertionError, match="wait as long as it says"):
        Checked().test_waits_where_the_service_asks_for_it(
            hasty, {}, lambda: refusals.append("later")
        )


class Login(Block):
    """Who logs in."""

    slug: ClassVar[str] = "taskcontract-login"
    token: Secret[str] = Field(description="The token.")


def prints(login: Login) -> None:
    """Print it."""
    print(login.token.reveal())


def tells(login: Login) -> None:
    """Tell it as progress."""
    progress(1, 2, login.token.reveal())


def returns(login: Login) -> dict[str, str]:
    """Return it, in base64."""
    return {"Authorization": b64encode(login.token.reveal().encode()).decode()}


async def returns_later(login: Login) -> list[str]:
    """Return it from a coroutine."""
    return [login.token.reveal()]


@pytest.mark.parametrize(
    ("fn", "where"),
    [
        (prints, "what it prints"),
        (tells, "its progress"),
        (returns, "the repr of its result"),
        (returns_later, "the repr of its result"),
    ],
)
def test_a_task_that_shows_a_secret_is_caught(fn: Callable[..., Any], where: str) -> None:
    """Wherever it shows, and in any form."""
    login = Login.model_validate({"token": "s3ntinel-of-a-task"})
    with pytest.raises(AssertionError, match=f"A secret shows in {where}"):
        Checked().test_shows_no_secret(task(fn), {"login": login})


def quotes(login: Login, times: int) -> str:
    """Quote it where an argument is wrong."""
    if not isinstance(times, int):
        raise TypeError(f"{login.token.reveal()} was to be repeated")
    return "done"


def quotes_a_cause(login: Login, times: int) -> str:
    """Quote it in the error below the one that is raised."""
    try:
        return quotes(login, times)
    except TypeError as error:
        raise ValueError("it cannot be repeated") from error


async def quotes_later(login: Login, times: int) -> str:
    """Quote it from a coroutine."""
    return quotes(login, times)


def keeps(login: Login, times: int) -> str:
    """Keep it in an attribute of the error."""
    try:
        return quotes(login, times)
    except TypeError:
        error = ValueError("it cannot be repeated")
        error.headers = {"Authorization": login.token.reveal()}  # type: ignore[attr-defined]  # as SDKs do
        raise error from None


def hides(login: Login, times: int) -> str:
    """Let nobody see the error that quotes it."""
    try:
        return quotes(login, times)
    except TypeError:
        raise ValueError("it cannot be repeated") from None


TRACEBACK = "the traceback of a call that fails"


@pytest.mark.parametrize(
    ("fn", "where"),
    [
        (quotes, TRACEBACK),
        (quotes_a_cause, TRACEBACK),
        (quotes_later, TRACEBACK),
        (keeps, "the repr of its error"),
    ],
)
def test_a_task_whose_error_shows_a_secret_is_caught(fn: Callable[..., Any], where: str) -> None:
    """Also where only a cause of the error shows it; one that hides the cause passes."""
    login = Login.model_validate({"token": "s3ntinel-of-a-task"})
    call = {"login": login, "times": 1}
    Checked().test_shows_no_secret(task(fn), call)
    with pytest.raises(AssertionError, match=f"A secret shows in {where}"):
        Checked().test_shows_no_secret_when_it_fails(task(fn), call, None)
    Checked().test_shows_no_secret_when_it_fails(task(hides), call, None)


def test_a_task_that_shows_a_secret_when_it_is_throttled_is_caught() -> None:
    """The pause that the service asks for is longer than the time that the task has."""
    refusals: list[float] = []

    def patient(login: Login) -> str:
        if not refusals:
            return "done"
        seconds = refusals.pop()
        if (remaining() or 0) < seconds:
            raise ConnectionRefusedError(f"{login.token.reveal()} asks too often")
        sleep(seconds)
        return "done"

    login = Login.model_validate({"token": "s3ntinel-of-a-task"})
    with pytest.raises(AssertionError, match=f"A secret shows in {TRACEBACK}"):
        Checked().test_shows_no_secret_when_it_fails(
            task(patient), {"login": login}, lambda: refusals.append(1.0)
        )
    assert not refusals


def test_a_task_that_shows_no_secret_passes() -> None:
    """Also one that logs it: the masker is there."""

    def logs(login: Login) -> str:
        logging.getLogger("taskcontract").debug("the token is %s", login.token.reveal())
        return repr(login)

    login = Login.model_validate({"token": "s3ntinel-of-a-task"})
    Checked().test_shows_no_secret(task(logs), {"login": login})


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
