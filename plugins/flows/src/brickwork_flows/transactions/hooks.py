"""Calling what tasks and transactions have for their commit and their rollback."""

from collections.abc import Callable, Iterable, Mapping
from contextvars import Context, copy_context
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from brickwork import use_engine
from brickwork_flows.context import current_run, current_transaction
from brickwork_flows.errors import InvalidFlow
from brickwork_flows.finding import entry_point, find, source_file

if TYPE_CHECKING:
    from brickwork_flows.transactions.unit import Unit

CommitHook = Callable[..., object]
"""A function of the transaction, or a coroutine function."""
CommitHooks = CommitHook | Iterable[CommitHook] | None

Calls = list[tuple["Unit", CommitHook]]


def hooks_of(what: str, options: Mapping[str, Any], name: str) -> tuple[CommitHook, ...]:
    """Return the hooks of a task or a transaction; one alone needs no list.

    Raises:
        InvalidFlow: They are no functions.
    """
    given = options.get(name)
    if given is None:
        return ()
    if callable(given):
        return (given,)
    listed = isinstance(given, Iterable) and not isinstance(given, str)
    hooks = tuple(given) if listed else ()
    if not listed or not all(map(callable, hooks)):
        raise InvalidFlow(
            f"{name} of {what} is no list of functions.",
            fix=f"Give functions of the transaction: {name}=[undo], with def undo(txn): ...",
        )
    return hooks


def where_found(hook: CommitHook) -> list[str]:
    """Return how another process finds a hook."""
    if not hasattr(hook, "__qualname__"):  # a partial, for example
        return ["", ""]
    return [entry_point(hook), source_file(hook)]


def found_hooks(places: Iterable[list[str]]) -> tuple[CommitHook, ...]:
    """Return hooks by where they are found; one that is not found is logged, and left out."""
    hooks: list[CommitHook] = []
    for place in places:
        try:
            hooks.append(find(*place))
        except InvalidFlow as error:
            from brickwork_flows.logs import get_run_logger

            get_run_logger().warning("a hook of a transaction is not found again: %s", error.what)
    return tuple(hooks)


def call_hooks(calls: Calls) -> None:
    """Call hooks one after another; one that fails is logged, and breaks nothing."""
    for unit, hook in calls:
        context = _context_of(unit)
        if iscoroutinefunction(hook):
            # In a thread, since a loop of this one may wait for the caller.
            from threading import Thread

            thread = Thread(target=context.run, args=(_run_alone, hook, unit))
            thread.start()
            thread.join()
        else:
            context.run(_call, hook, unit)


async def call_hooks_async(calls: Calls) -> None:
    """`call_hooks` without blocking the event loop, in which coroutines run."""
    import asyncio

    for unit, hook in calls:
        if iscoroutinefunction(hook):
            running = _await(hook, unit)
            await asyncio.get_running_loop().create_task(running, context=_context_of(unit))
        else:
            await asyncio.to_thread(call_hooks, [(unit, hook)])


def _context_of(unit: "Unit") -> Context:
    context = copy_context()
    # What a hook logs belongs to the run; a task that it calls is a plain call.
    context.run(current_run.set, unit.context)
    context.run(current_transaction.set, unit)
    return context


def _call(hook: CommitHook, unit: "Unit") -> None:
    try:
        with use_engine(None):
            hook(unit.public)
    except Exception as error:  # noqa: BLE001  # the user's
        _failed(hook, error)


def _run_alone(hook: Any, unit: "Unit") -> None:
    import asyncio

    asyncio.run(_await(hook, unit))


async def _await(hook: Any, unit: "Unit") -> None:
    try:
        with use_engine(None):
            await hook(unit.public)
    except Exception as error:  # noqa: BLE001  # the user's
        _failed(hook, error)


def _failed(hook: object, error: Exception) -> None:
    from brickwork_flows.logs import get_run_logger

    name = getattr(hook, "__qualname__", type(hook).__name__)
    get_run_logger().warning("the hook %s of a transaction failed", name, exc_info=error)
