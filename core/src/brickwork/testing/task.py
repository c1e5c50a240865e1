"""What every prebuilt task must do, as assertions to inherit; and retries without their waits."""

import asyncio
import inspect
import json
import os
import pickle
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest

from brickwork.errors import TaskCancelled
from brickwork.registry import get_registry
from brickwork.tasks import Progress, Scope, Task, clock as time_source, on_progress
from brickwork.tasks.docstrings import summary
from brickwork.tasks.parameters import EMPTY, resolved_hints
from brickwork.testing.base import Contract, raised_by
from brickwork.testing.block_looks import assert_hidden
from brickwork.testing.examples import examples_in, run_examples
from brickwork.testing.task_shown import (
    secrets_in,
    shown_by,
    shown_by_failing,
    with_a_wrong_one,
)

NAME = re.compile(r"[a-z][a-z0-9]*\.[a-z][a-z0-9_]*")


class TestClock(time_source.Clock):
    """A clock whose waits take no time, but count.

    Attributes:
        waits: The seconds of every wait, in order.
    """

    __test__ = False

    def __init__(self) -> None:
        self.waits: list[float] = []
        self._ahead = 0.0

    def now(self) -> float:
        """Return real time, ahead by the waits so far."""
        return super().now() + self._ahead

    def wait(self, seconds: float, over: threading.Event) -> None:
        """Go ahead at once."""
        self.waits.append(seconds)
        if not over.is_set():
            self._ahead += seconds

    async def wait_async(self, seconds: float, over: asyncio.Event) -> None:
        """Go ahead at once, after other coroutines had their turn."""
        self.waits.append(seconds)
        await asyncio.sleep(0)
        if not over.is_set():
            self._ahead += seconds


@contextmanager
def no_waiting() -> Iterator[list[float]]:
    """Let retries not wait: in all threads, `remaining` falls as if they had.

    ::

        with no_waiting() as waits:
            upload()
        assert waits == [1.0, 2.0]

    Yields:
        The seconds of every wait, in order, filled as they happen.
    """
    before = time_source.clock
    clock = TestClock()
    time_source.clock = clock
    try:
        yield clock.waits
    finally:
        time_source.clock = before


class TaskContract(Contract):
    """What every prebuilt task must do. Subclass it and give `name`, and `call` if it can run::

    class TestS3UploadFile(TaskContract):
        name = "aws.s3_upload_file"

        @pytest.fixture
        def call(self, bucket, tmp_path):
            return {"bucket": bucket, "path": tmp_path / "a.csv", "key": "a.csv"}

    Attributes:
        name: The task's name in `brickwork_tasks`. A task that no plugin brings is given by a
            fixture `task` instead.
    """

    name: ClassVar[str] = ""

    @pytest.fixture
    def task(self) -> Task[..., Any]:
        """Return the task of this name."""
        assert self.name, "Give `name`, as in name = 'aws.s3_upload_file', or a fixture `task`."
        return get_registry().task(self.name)

    @pytest.fixture
    def call(self) -> Mapping[str, Any] | None:
        """Return arguments by name with which the task ends soon; it is called twice with them."""
        return None

    @pytest.fixture
    def slow_call(self) -> Mapping[str, Any] | None:
        """Return arguments by name with which the task runs for a minute, unless cancelled."""
        return None

    @pytest.fixture
    def throttle(self) -> Callable[[], object] | None:
        """Return what lets the service refuse the next request as one too many; None if it cannot.

        It is called after `call` was made, and refuses once.
        """
        return None

    @pytest.fixture
    def example_names(self, call: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """Return what the docstring's example uses beside the task: the arguments of `call`."""
        return call

    @property
    def cancel_seconds(self) -> float:
        """Within how long the task must stop once it was cancelled."""
        return 5.0

    def again(self, call: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the arguments of a second call: others where a call has used something up."""
        return call

    def same(self, one: Any, two: Any) -> bool:
        """Return whether two results of the same call are the same, as far as they can be."""
        return bool(one == two)

    # What can be read

    def test_name_is_plugin_and_task(self, task: Task[..., Any]) -> None:
        """The registered name is the plugin's, a dot and the function's."""
        package = task.__module__.split(".")[0].removeprefix("brickwork_")
        name = self.name or f"{package}.{task.__name__}"
        assert NAME.fullmatch(name), (
            f"{name!r} is no task name. Names are like aws.s3_upload_file: set name in "
            "the test, and the same in the plugin's brickwork_tasks."
        )
        assert name.split(".")[1] == task.__name__, (
            f"{name!r} is registered for a function named {task.__name__!r}: who reads one cannot "
            "find the other. Give both the same name."
        )

    def test_every_parameter_is_typed(self, task: Task[..., Any]) -> None:
        """Every parameter and the result have an annotation that resolves at run time."""
        hints = resolved_hints(task)
        bare = [each.name for each in task.parameters if each.annotation is EMPTY]
        assert not bare, f"{task.name}: annotate {', '.join(bare)}."
        assert "return" in hints, f"{task.name}: annotate what it returns, None if nothing."

    def test_every_parameter_can_be_named(self, task: Task[..., Any]) -> None:
        """Every parameter can be given by name: on the command line there is no other way."""
        by_place = [
            each.name
            for each in task.parameters
            if each.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)
        ]
        assert not by_place, f"{task.name}: let {', '.join(by_place)} be given by name."

    def test_documented(self, task: Task[..., Any]) -> None:
        """The docstring begins with a sentence, and its Args describe every parameter."""
        first = summary(task.__doc__)
        assert len(first.split()) >= 3, (
            f"{task.name}: begin the docstring with a sentence that says what it does."
        )
        assert first.endswith((".", "?", "!", ":")), (
            f"{task.name}: end the docstring's first sentence with a full stop: {first!r}."
        )
        missing = [each.name for each in task.parameters if not each.description]
        assert not missing, (
            f"{task.name}: describe {', '.join(missing)} under Args: in the docstring."
        )

    def test_shows_an_example(self, task: Task[..., Any]) -> None:
        """The docstring has an example, with what it gives."""
        assert any(task.__name__ in each.source for each in examples_in(task.__doc__)), (
            f"{task.name}: show in the docstring how it is called, under Examples: after >>>, and "
            "in the next line what it gives."
        )

    def test_retries_or_says_why_not(self, task: Task[..., Any]) -> None:
        """The task has retries, or its docstring says why it is not retried."""
        assert (
            task.retry.retries or "not retried" in " ".join((task.__doc__ or "").split()).lower()
        ), (
            f"{task.name}: give it retries and retry_on, or write 'Not retried: ...' with the "
            "reason in its docstring, for example that a second send would post twice."
        )

    def test_pickles_as_its_name(self, task: Task[..., Any]) -> None:
        """The task pickles by its import path, so that workers find their own."""
        try:
            back = pickle.loads(pickle.dumps(task))  # noqa: S301 - just written
        except Exception as error:
            raise AssertionError(
                f"{task.name} does not pickle ({error}). Define it at the top of its module, with "
                "@task on the function of the same name."
            ) from error
        assert back is task or back.fn is task.fn, (
            f"{task.name} comes back from its pickle as another task."
        )

    def test_import_loads_no_sdk(self, task: Task[..., Any]) -> None:
        """Importing the task's module loads no vendor SDK: listings and the shell stay quick."""
        loaded = modules_loaded_by(task.__module__)
        foreign = sorted(_foreign(loaded, task.__module__))
        assert not foreign, (
            f"importing {task.__module__} loads {', '.join(foreign)}. Import it inside the "
            "function that needs it, and in annotations only what is light."
        )

    # What can be run

    def test_aio_gives_the_same(self, task: Task[..., Any], call: Mapping[str, Any] | None) -> None:
        """A plain call and its async twin give the same result."""
        if call is None:
            pytest.skip("no `call` is given")
        plain = _finished(task(**call))
        twin = asyncio.run(_await(task.aio(**self.again(call))))
        assert self.same(plain, twin), (
            f"{task.name}: aio() gave something else than a plain call. If two calls cannot give "
            "equal results, override same() with what must be equal."
        )

    def test_shows_no_secret(self, task: Task[..., Any], call: Mapping[str, Any] | None) -> None:
        """Nothing that it logs, prints, reports or returns shows a secret of its arguments."""
        if call is None:
            pytest.skip("no `call` is given")
        secrets = secrets_in(call)
        if not secrets:
            pytest.skip("declared: its arguments hold no secret")
        assert_hidden(secrets, shown_by(task, call))

    def test_shows_no_secret_when_it_fails(
        self,
        task: Task[..., Any],
        call: Mapping[str, Any] | None,
        throttle: Callable[[], object] | None,
    ) -> None:
        """Nor does its error, where the service asks to wait too long, or an argument is wrong."""
        if call is None:
            pytest.skip("no `call` is given")
        secrets = secrets_in(call)
        if not secrets:
            pytest.skip("declared: its arguments hold no secret")
        if throttle is not None:
            throttle()
            given, seconds = call, 0.9  # services ask for whole seconds: the pause does not fit
        elif (wrong := with_a_wrong_one(call)) is not None:
            given, seconds = wrong, self.cancel_seconds
        else:
            pytest.skip("declared: every argument holds a secret, and none asks to wait")
        with no_waiting():
            shown = shown_by_failing(lambda: task(**given), seconds)
        assert_hidden(secrets, shown)

    def test_waits_where_the_service_asks_for_it(
        self,
        task: Task[..., Any],
        call: Mapping[str, Any] | None,
        throttle: Callable[[], object] | None,
    ) -> None:
        """A request that was one too many is sent again, after the pause that was asked for."""
        if call is None or throttle is None:
            pytest.skip("declared: the service never asks to wait, or no `call` is given")
        throttle()
        with no_waiting():
            error = raised_by(lambda: _finished(task(**call)))
        assert error is None, (
            f"{task.name} fails where the service asks to wait: wait as long as it says, within "
            f"remaining(), and send the request again. It raised {error!r}"
        )

    def test_its_example_does_what_it_says(
        self,
        task: Task[..., Any],
        example_names: Mapping[str, Any] | None,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The docstring's example runs, and gives what stands below it."""
        if example_names is None:
            pytest.skip("neither `call` nor `example_names` is given")
        monkeypatch.chdir(tmp_path)
        run_examples(task.name, task.__doc__, {task.__name__: task, **example_names})

    def test_stops_when_cancelled(
        self, task: Task[..., Any], slow_call: Mapping[str, Any] | None
    ) -> None:
        """A long run stops soon after it was cancelled."""
        if slow_call is None:
            pytest.skip("no `slow_call` is given")
        run = _CancelledRun(task, slow_call)
        assert run.begun_and_running(), (
            f"{task.name} ended before it could be cancelled ({run.outcome!r}): give a slow_call "
            "that takes longer."
        )
        run.scope.cancel()
        assert run.ended(self.cancel_seconds), (
            f"{task.name} still runs {self.cancel_seconds} s after it was cancelled. Call "
            "check_cancelled() between two pieces of its work, or hand remaining() to the SDK."
        )
        assert isinstance(run.outcome, TaskCancelled), (
            f"{task.name} was cancelled and ended with {run.outcome!r} instead of TaskCancelled."
        )


class _CancelledRun:
    """A run in another thread, in a scope that can be cancelled from here."""

    def __init__(self, task: Task[..., Any], arguments: Mapping[str, Any]) -> None:
        self.outcome: object = None
        self._began = threading.Event()
        with Scope("contract") as self.scope:
            work = copy_context().run
            self._thread = threading.Thread(
                target=work, args=(self._run, task, arguments), daemon=True
            )
            self._thread.start()

    def _run(self, task: Task[..., Any], arguments: Mapping[str, Any]) -> None:
        try:
            with on_progress(self._reported):
                self.outcome = _finished(task(**arguments))
        except BaseException as error:  # noqa: BLE001 - whatever it is, the assertion judges it
            self.outcome = error

    def _reported(self, _report: Progress) -> None:
        self._began.set()

    def begun_and_running(self) -> bool:
        # The first report of progress says that it is at work; one that reports none gets a while.
        self._began.wait(0.5)
        return self._thread.is_alive()

    def ended(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()


async def _await(awaitable: Any) -> Any:
    return await awaitable


def _finished(running: Any) -> Any:
    return asyncio.run(_await(running)) if inspect.iscoroutine(running) else running


@cache
def modules_loaded_by(module: str) -> list[str]:
    """Return the top-level names of what a fresh process loads for a module."""
    program = (
        "import json, sys\n"
        "before = set(sys.modules)\n"
        f"import {module}\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in set(sys.modules) - before})))\n"
    )
    path = os.pathsep.join(entry for entry in sys.path if entry)
    done = subprocess.run(  # noqa: S603 - this interpreter, and a module of the task's author
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, (
        f"a fresh process cannot import {module}, so nobody finds its tasks:\n{done.stderr}"
    )
    names: list[str] = json.loads(done.stdout.splitlines()[-1])
    return names


def _foreign(modules: Sequence[str], own: str) -> set[str]:
    """Return those modules that come neither with Python, Brickwork nor the task's package."""
    home = _homes()
    known = _with_requirements("brickwork") | set(map(_normal, home.get(own.split(".")[0], [])))
    return {
        name
        for name in modules
        if name not in sys.stdlib_module_names
        and not name.startswith("__editable__")
        and name != own.split(".")[0]
        and home.get(name)
        and not known.intersection(map(_normal, home[name]))
    }


@cache
def _homes() -> Mapping[str, list[str]]:
    """Return which distributions bring a top-level name; reading that takes half a second."""
    from importlib.metadata import packages_distributions

    return packages_distributions()


def _with_requirements(distribution: str) -> set[str]:
    """Return the names of a distribution and all that it needs, extras aside."""
    from importlib.metadata import PackageNotFoundError, requires

    found: set[str] = set()
    todo = [distribution]
    while todo:
        name = _normal(todo.pop())
        if name in found:
            continue
        try:
            needs = requires(name) or []
        except PackageNotFoundError:
            continue
        found.add(name)
        todo += [
            re.split(r"[^\w.-]", need, maxsplit=1)[0] for need in needs if "extra ==" not in need
        ]
    return found


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()
