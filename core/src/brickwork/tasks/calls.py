"""A call without an engine: attempts, and the waits between them."""

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from brickwork.tasks.retry import FailedAttempt
from brickwork.tasks.scope import current_scope, sleep, sleep_async

if TYPE_CHECKING:
    from brickwork.tasks.definition import Task

R = TypeVar("R")


class Watcher(Protocol):
    """Is told of the retries of a call; for engines, which record them."""

    @property
    def run(self) -> object:
        """What runs, for ``retry_condition_fn``."""

    def retry_planned(self, error: Exception, number: int, delay: float) -> None:
        """An attempt failed, and another one follows after so many seconds."""

    def attempt_begins(self, number: int) -> None:
        """That wait is over."""


def call(
    task: "Task[..., R]",
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    watcher: Watcher | None = None,
) -> R:
    """Run a sync task with its retries."""
    number = 1
    while True:
        try:
            return task.attempt(args, kwargs, number)
        except Exception as error:
            delay = _delay_after(task, error, number, watcher)
            if delay is None:
                raise
            if watcher is not None:
                watcher.retry_planned(error, number, delay)
        sleep(delay)
        number += 1
        if watcher is not None:
            watcher.attempt_begins(number)


async def call_async(
    task: "Task[..., Any]",
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    watcher: Watcher | None = None,
) -> Any:
    """Run a task with its retries, without blocking the event loop."""
    number = 1
    while True:
        try:
            return await task.attempt_async(args, kwargs, number)
        except Exception as error:
            delay = _delay_after(task, error, number, watcher)
            if delay is None:
                raise
            if watcher is not None:
                watcher.retry_planned(error, number, delay)
        await sleep_async(delay)
        number += 1
        if watcher is not None:
            watcher.attempt_begins(number)


def _delay_after(
    task: "Task[..., Any]", error: Exception, number: int, watcher: Watcher | None
) -> float | None:
    """Return the wait before the next attempt, or None and a note on the error."""
    delay = task.retry.delay_after(error, number)
    if delay is not None and task.retry_condition_fn is not None:
        delay = delay if _worth_it(task, error, watcher) else None
    scope = current_scope.get()
    left = None if scope is None else scope.remaining()
    if delay is not None and (left is None or delay < left):
        _log(task, error, number, delay)
        return delay
    note = f"task {task.name!r} failed at attempt {number} of {task.retry.retries + 1}"
    if delay is not None:
        note += f"; the next would begin in {delay:.3g} s, and {left:.3g} s are left"
    if number > 1 or delay is not None:
        # An exception that cannot be changed, such as a frozen dataclass, goes without.
        with suppress(AttributeError, TypeError):
            error.add_note(note)
    return None


def _worth_it(task: "Task[..., Any]", error: Exception, watcher: Watcher | None) -> bool:
    assert task.retry_condition_fn is not None  # noqa: S101  # the caller has looked
    run = None if watcher is None else watcher.run
    try:
        return bool(task.retry_condition_fn(task, run, FailedAttempt(error)))
    except Exception as failure:  # noqa: BLE001  # the user's
        if failure is not error:  # a condition that raises the error itself says no
            with suppress(AttributeError, TypeError):
                error.add_note(f"its retry_condition_fn failed: {type(failure).__qualname__}")
        return False


def _log(task: "Task[..., Any]", error: Exception, number: int, delay: float) -> None:
    import logging

    # The class only: the text may carry what must not be logged, and the last error shows its own.
    logging.getLogger("brickwork.tasks").warning(
        "task %r: attempt %d of %d failed (%s); the next begins in %.3g s",
        *(task.name, number, task.retry.retries + 1, type(error).__qualname__, delay),
    )
