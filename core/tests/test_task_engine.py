"""An engine in front of tasks."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest

from brickwork import TaskError, TaskTimeout, remaining, task
from brickwork.tasks import Engine, Task, TaskFuture, use_engine
from brickwork.testing.task import no_waiting


class RecordingEngine:
    """A small engine: it records each attempt, and retries as the task's policy says."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.pool = ThreadPoolExecutor(2)

    def run(self, task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        number = 1
        while True:
            self.seen.append(f"{task.name} {number}")
            try:
                return task.attempt(args, kwargs, number)
            except Exception as error:
                if task.retry.delay_after(error, number) is None:
                    raise
            number += 1

    async def run_async(
        self, task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        self.seen.append(f"{task.name} async")
        return await task.attempt_async(args, kwargs)

    def submit(
        self, task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> TaskFuture[Any]:
        return self.pool.submit(copy_context().run, self.run, task, args, kwargs)  # type: ignore[return-value]  # as much of one as these tests use

    def map(
        self, task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> list[TaskFuture[Any]]:
        return [self.submit(task, each, kwargs) for each in zip(*args, strict=True)]


@task
def add(left: int, right: int = 1) -> int:
    """Add."""
    return left + right


@task
async def add_soon(left: int) -> int:
    """Add, later."""
    return add(left)


@task(retries=2, timeout_seconds=60)
def flaky(failures: list[int]) -> float | None:
    """Fail as often as the list is long."""
    if failures:
        failures.pop()
        raise OSError("down")
    return remaining()


def test_calls_go_to_the_engine() -> None:
    """Plain, awaited and inner calls inside the context, and none outside."""
    engine = RecordingEngine()
    installed: Engine = engine
    with use_engine(installed):
        assert add(1) == 2
        assert asyncio.run(add_soon(2)) == 3
        assert asyncio.run(add.aio(3)) == 4
        with use_engine(None):
            add(4)
    add(5)
    assert engine.seen == ["add 1", "add_soon async", "add 1", "add async"]


def test_an_engine_has_the_policy() -> None:
    """Attempts under an engine have time-out and scope; when to retry, the policy says."""
    engine = RecordingEngine()
    with use_engine(engine), no_waiting() as waits:
        left = flaky([1, 1])
        assert left is not None
        assert 59 < left <= 60
        with pytest.raises(OSError, match="down"):
            flaky([1, 1, 1])
    assert engine.seen == ["flaky 1", "flaky 2", "flaky 3"] * 2
    assert waits == []


def test_submit_and_map_give_futures() -> None:
    """Under an engine, work runs elsewhere, and its results come by futures."""
    with use_engine(RecordingEngine()):
        assert add.submit(1, right=2).result(10) == 3
        assert [each.result(10) for each in add.map([1, 2, 3])] == [2, 3, 4]
        late = task(timeout_seconds=0.01, name="late")(_spin).submit()
        with pytest.raises(TaskTimeout):
            late.result(10)
        assert late.done()


def _spin() -> None:
    while True:
        pass


@pytest.mark.parametrize("method", ["submit", "map"])
def test_without_an_engine_the_error_says_how_to_get_one(method: str) -> None:
    """``submit`` and ``map`` name the package that brings an engine."""
    with pytest.raises(TaskError, match=f"add.{method}\\(\\) needs an engine") as caught:
        getattr(add, method)(1)
    assert "brickwork-flows" in caught.value.fix
