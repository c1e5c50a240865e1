"""How transactions end: committed, or rolled back.

What is done twice here, once without and once with an event loop, differs in the waiting alone.
"""

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from brickwork_flows.errors import EndlessWait, ReplayDiverged, TransactionError
from brickwork_flows.history.events import StateSet
from brickwork_flows.recording import described, rolled_back
from brickwork_flows.staging import callers
from brickwork_flows.transactions.decisions import (
    COMMITTED,
    COMMITTING,
    Decision,
    decision,
)
from brickwork_flows.transactions.hooks import Calls, call_hooks, call_hooks_async
from brickwork_flows.transactions.modes import TransactionState
from brickwork_flows.transactions.unit import Unit

if TYPE_CHECKING:
    from brickwork_flows.futures import RunFuture

GRACE_SECONDS = 0.75
"""How long what was submitted may take to stop, before it is left behind."""


# Committing


def commit(unit: Unit) -> None:
    """Commit a transaction with those within it.

    Raises:
        TransactionConflict: Its key was committed meanwhile; nothing is, and it is rolled back.
        BrickworkError: Something cannot be published; it is when the run is resumed.
        ReplayDiverged: Its block wrote something else when it was committed.
    """
    try:
        decide_and_publish(unit)
        call_hooks(commit_hooks(unit))
        finish(unit)
    except BaseException as error:
        if _undecided(unit):
            roll_back(unit, described(error))
        raise


async def commit_async(unit: Unit) -> None:
    """`commit` without blocking the event loop."""
    try:
        await _shielded(decide_and_publish, unit)
        await call_hooks_async(commit_hooks(unit))
        await _shielded(finish, unit)
    except BaseException as error:
        if _undecided(unit):
            await roll_back_async(unit, described(error))
        raise


def decide_and_publish(unit: Unit) -> None:
    """Decide that it is committed, and write what was put aside where it belongs."""
    decided = unit.decided
    if decided is None:
        files = list(unit.files())
        for each in unit.within():
            if each.claim is not None:
                each.claim.take()
        if not files and not commit_hooks(unit):
            return
        decided = unit.decide(COMMITTING, files)
    elif decided.writes != unit.writes and not unit.own:
        raise ReplayDiverged(
            f"The transaction {unit.path} was committed when the flow ran before, and its block "
            "wrote something else then.",
            fix="Make the flow's body depend on its parameters and on results of tasks alone; "
            "where blocks run at once, give each a key, or a task of its own.",
        )
    publish(unit, decided)


def publish(unit: Unit, decided: Decision) -> None:
    """Write what was put aside where it belongs, in order; what has been is not written again."""
    for name in decided.files:
        unit.staging.publish(name)


def commit_hooks(unit: Unit) -> Calls:
    """Return the hooks that are called for the commit; none if they were before."""
    if unit.decided is not None and unit.decided.state == COMMITTED:
        return []
    return [(each, hook) for each in unit.within() for hook in each.on_commit]


def finish(unit: Unit) -> None:
    """Write down that all is done."""
    if unit.decided is None or unit.decided.state != COMMITTED:
        for each in unit.within():
            if each.claim is not None:
                each.claim.finish()
        unit.decide(COMMITTED)
        for each in unit.within():
            for function in each.after_commit:
                function()
    unit.unlock()
    for each in tuple(unit.within()):
        each.state = TransactionState.COMMITTED
        each.drop()


def _undecided(unit: Unit) -> bool:
    """Tell whether a commit that failed may be rolled back; else resuming the run finishes it."""
    unit.state = TransactionState.STAGED
    unit.unlock()
    return decision(unit.history, unit.id) is None


async def _shielded(function: Any, unit: Unit) -> None:
    """Call a function in a thread, and wait for its end, whatever comes meanwhile."""
    import asyncio

    working = asyncio.ensure_future(asyncio.to_thread(function, unit))
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        while not working.done():
            await asyncio.wait([working])
        raise


# Rolling back


def roll_back(unit: Unit, reason: str) -> None:
    """Throw away what was put aside, and have the hooks undo the rest; those within it, too.

    Args:
        unit: The transaction.
        reason: Why; for the message of the runs that are rolled back.
    """
    call_hooks(_undone(unit, reason))
    _throw_away(unit)


async def roll_back_async(unit: Unit, reason: str) -> None:
    """`roll_back` without blocking the event loop."""
    await call_hooks_async(_undone(unit, reason))
    _throw_away(unit)


def _undone(unit: Unit, reason: str) -> Calls:
    """Record that its runs are rolled back, all or none, so that they run again; return its hooks.

    That comes before the hooks: a kill between the two runs a task again that was not undone, which
    is better than to give back one that was.
    """
    message = f"with the transaction {unit.path}: {reason}"
    undone = tuple(unit.within())
    events = tuple(_states(undone, message))
    if events:
        unit.context.flow.write(*events)
    for each in undone:
        each.state = TransactionState.ROLLED_BACK
    return [(each, hook) for each in undone[::-1] for hook in each.on_rollback[::-1]]


def _states(undone: tuple[Unit, ...], message: str) -> Iterator[StateSet]:
    runs = {each.path: each.run for each in undone if each.run is not None}
    calls = undone[0].context.flow.replay.calls
    for path, run in runs.items():
        yield run.undone(message)
        if path in calls:
            calls[path] = calls[path].undone(run.number)
    # What they had called before the run was resumed, and did not call again: they were given back.
    for path, past in tuple(calls.items()):
        if past.known and path not in runs and any(each in runs for each in callers(path)):
            run_id = f"{undone[0].context.flow.root}.{path}"
            yield rolled_back(run_id, past.number + 1, message, past.attempts)
            calls[path] = past.undone(past.number + 1)


def _throw_away(unit: Unit) -> None:
    unit.unlock()
    for each in tuple(unit.within()):
        each.drop()
        if each.claim is not None:
            each.claim.give_back()


# What was submitted


def wait_for_all(unit: Unit) -> None:
    """Wait for what was submitted in it, and raise what nobody has asked for.

    Raises:
        TransactionError: It runs in the event loop of here, which would stop.
    """
    number = 0
    while number < len(unit.futures):  # tasks may submit others meanwhile
        try:
            unit.futures[number].wait()
        except EndlessWait:
            raise TransactionError(
                "The end of the transaction would stop the event loop that runs its tasks.",
                fix="Write: async with atransaction() as txn: ...",
            ) from None
        number += 1
    _raise_unasked(unit)


async def wait_for_all_async(unit: Unit) -> None:
    """`wait_for_all` without blocking the event loop."""
    number = 0
    while number < len(unit.futures):
        await unit.futures[number].await_end()
        number += 1
    _raise_unasked(unit)


def _raise_unasked(unit: Unit) -> None:
    futures, unit.futures = unit.futures, []
    for future in futures:
        if not future.asked:
            future.result()


def give_up(unit: Unit) -> None:
    """Cancel what was submitted in it, and wait until it has stopped, or is left behind."""
    pending, end = _cancelled(unit), time.monotonic() + GRACE_SECONDS
    here = threading.get_ident()
    for future in pending:
        if future.loop == here:
            continue  # ends when the loop of here goes on
        ended = threading.Event()
        future.add_done_callback(lambda _, ended=ended: ended.set())  # type: ignore[misc]  # bound now
        if not ended.wait(max(0.0, end - time.monotonic())):
            future.leave_behind()


async def give_up_async(unit: Unit) -> None:
    """`give_up` without blocking the event loop."""
    import asyncio

    pending = _cancelled(unit)
    if not pending:
        return
    waits = [asyncio.ensure_future(each.await_end()) for each in pending]
    await asyncio.wait(waits, timeout=GRACE_SECONDS)
    for future, wait in zip(pending, waits, strict=True):
        wait.cancel()
        if not future.done():
            future.leave_behind()


def _cancelled(unit: Unit) -> "list[RunFuture[Any]]":
    futures, unit.futures = unit.futures, []
    pending = [each for each in futures if not each.done()]
    for future in pending:
        future.cancel()
    return pending
