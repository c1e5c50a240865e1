"""Submitting tasks: what a future stands for, from its turn to its end."""

from collections.abc import Mapping
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from brickwork import Scope, Task, TaskCancelled
from brickwork_flows.calls import TaskCall
from brickwork_flows.context import current_run, current_transaction
from brickwork_flows.dependencies import resolved, resolved_async
from brickwork_flows.futures import RunFuture
from brickwork_flows.states import State

if TYPE_CHECKING:
    from brickwork_flows.engine import FlowRun

Waits = tuple[Any, ...]


class Submitted(NamedTuple):
    """A task was submitted, and waits for its turn; told to who looks on, and not recorded.

    Attributes:
        run: The id that its run gets.
    """

    run: str


def start(
    engine: "FlowRun",
    task: Task[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    after: Waits = (),
) -> RunFuture[Any]:
    """Start a task by the engine's runner, and return at once.

    Args:
        engine: The flow's run.
        task: The task.
        args: Positional arguments.
        kwargs: Arguments by name.
        after: Futures that it waits for besides those in its arguments.
    """
    path = engine.key(task.name)
    caller = current_run.get()
    parent = engine.id if caller is None else caller.id
    if engine.heard is not None:
        engine.heard((Submitted(f"{engine.root}.{path}"),))
    future: RunFuture[Any] = RunFuture(
        task.name, path, partial(engine.never_began, task, path, parent)
    )
    future.submitted = True
    around = current_transaction.get()
    if around is not None:
        around.futures.append(future)
    if task.is_async and engine.runner.in_loops:
        engine.runner.start_async(
            future, partial(_run_async, engine, future, task, args, kwargs, after)
        )
    else:
        engine.runner.start(
            future, partial(copy_context().run, _run, engine, future, task, args, kwargs, after)
        )
    return future


def _run(
    engine: "FlowRun",
    future: RunFuture[Any],
    task: Task[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    after: Waits,
) -> Any:
    with Scope(task.name) as scope:
        if not future.begin(scope):
            raise _cancelled(future)
        if after:
            resolved(task.name, after, {})
        return TaskCall(engine, task, args, kwargs, future.key, future, after).run()


async def _run_async(
    engine: "FlowRun",
    future: RunFuture[Any],
    task: Task[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    after: Waits,
) -> Any:
    with Scope(task.name) as scope:
        if not future.begin(scope):
            raise _cancelled(future)
        if after:
            await resolved_async(task.name, after, {})
        return await TaskCall(engine, task, args, kwargs, future.key, future, after).run_async()


def _cancelled(future: RunFuture[Any]) -> TaskCancelled:
    return TaskCancelled(f"The task {future.key} was cancelled before it began.")


# Options of a call


def call_options(
    task: Task[..., Any], kwargs: Mapping[str, Any]
) -> tuple[dict[str, Any], Waits, bool]:
    """Return a call's arguments without the options that are the engine's, and these.

    ``wait_for`` and ``return_state`` are the engine's where the function has no parameter of that
    name.
    """
    rest = dict(kwargs)
    code: Any = getattr(task.fn, "__code__", None)
    own = () if code is None else code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    after = rest.pop("wait_for", None) if "wait_for" not in own else None
    state = bool(rest.pop("return_state", False)) if "return_state" not in own else False
    return rest, () if after is None else (list(_iterable(after)),), state


def _iterable(after: Any) -> Any:
    return (after,) if isinstance(after, RunFuture) else after


OPTIONS: frozenset[str] = frozenset({"wait_for", "return_state"})
"""What `call_options` looks for."""


class Outcome(State):
    """The state in which a task or flow ended, with its result; ``return_state=True`` gives it."""

    __slots__ = ("_error", "_value")

    _error: BaseException | None
    _value: Any

    @classmethod
    def of(cls, future: RunFuture[Any]) -> Self:
        """Wait for a future, and return how it ended."""
        future.wait()
        error = future.exception()
        return cls.ended(future.state, None if error else future.result(), error)

    @classmethod
    def ended(cls, state: State, value: Any, error: BaseException | None = None) -> Self:
        """Return a state with what was returned, or raised."""
        outcome = cls(state.type, state.name, state.message, state.timestamp)
        object.__setattr__(outcome, "_error", error)
        object.__setattr__(outcome, "_value", value)
        return outcome

    def result(self, *, raise_on_failure: bool = True) -> Any:
        """Return the result.

        Args:
            raise_on_failure: Whether to raise what was raised, or to return that.
        """
        if self._error is None:
            return self._value
        if raise_on_failure:
            raise self._error
        return self._error
