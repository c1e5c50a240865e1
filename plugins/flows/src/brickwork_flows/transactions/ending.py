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
from brickwork_flows.transactions.decisions import (
    COMMITTED,
    COMMITTING,
    Decision,
    decide,
    decision,
)
from brickwork_flows.transactions.hooks import Calls, call_hooks, call_hooks_async
from brickwork_flows.transactions.modes import TransactionState

if TYPE_CHECKING:
    from brickwork_flows.futures import RunFuture
    from brickwork_flows.transactions.public import Transaction
    from brickwork_flows.transactions.unit import Unit

GRACE_SECONDS = 0.75
"""How long what was submitted may take to stop, before it is left behind."""


# Committing


def commit(transaction: "Transaction") -> None:
    """Commit a transaction with those within it.

    Raises:
        TransactionConflict: Its key was committed meanwhile; nothing is, and it is rolled back.
        BrickworkError: Something cannot be published; it is when the run is resumed.
        ReplayDiverged: Its block wrote something else when it was committed.
    """
    try:
        publish_all(transaction)
        call_hooks(commit_calls(transaction))
        done(transaction)
    except BaseException as error:
        if _undecided(transaction):
            roll_back(transaction, described(error))
        raise


async def commit_async(transaction: "Transaction") -> None:
    """`commit` without blocking the event loop."""
    try:
        await _whole(publish_all, transaction)
        await call_hooks_async(commit_calls(transaction))
        await _whole(done, transaction)
    except BaseException as error:
        if _undecided(transaction):
            await roll_back_async(transaction, described(error))
        raise


def publish_all(transaction: "Transaction") -> None:
    """Decide that it is committed, and write what was put aside where it belongs."""
    made = transaction.made
    if made is not None:
        if made.body != transaction.body and not transaction.own:
            raise ReplayDiverged(
                f"The transaction {transaction.path} was committed when the flow ran before, and "
                "its block wrote something else then.",
                fix="Make the flow's body depend on its parameters and on results of tasks alone; "
                "where blocks run at once, give each a key, or a task of its own.",
            )
        publish(transaction, made)
        return
    files = [staged.file for staged in transaction.staged()]
    for each in transaction.within():
        if each.claim is not None:
            each.claim.take()
    if files or commit_calls(transaction):
        made = Decision(COMMITTING, files, transaction.body)
        decide(transaction.history, transaction.id, transaction.context.flow.root, made)
        publish(transaction, made)


def publish(transaction: "Unit", made: Decision) -> None:
    """Write what was put aside where it belongs, in order; what has been is not written again."""
    staging = transaction.staging
    for name in made.files:
        found = staging.read(name)
        if found is not None:
            staged, data = found
            staging.storage(staged.where).write(staged.key, data)
            staging.remove(staged)


def commit_calls(transaction: "Transaction") -> Calls:
    """Return the hooks that are called for the commit; none if they were before."""
    if transaction.made is not None and transaction.made.state == COMMITTED:
        return []
    return [(each, hook) for each in transaction.within() for hook in each.on_commit]


def done(transaction: "Transaction") -> None:
    """Write down that all is done."""
    if transaction.made is None or transaction.made.state != COMMITTED:
        for each in transaction.within():
            if each.claim is not None:
                each.claim.finish()
        made = Decision(COMMITTED, (), transaction.body)
        decide(transaction.history, transaction.id, transaction.context.flow.root, made)
        for each in transaction.within():
            for function in each.later:
                function()
    for each in tuple(transaction.within()):
        each.state = TransactionState.COMMITTED
        each.drop()


def _undecided(transaction: "Transaction") -> bool:
    """Tell whether a commit that failed may be rolled back; else resuming the run finishes it."""
    transaction.state = TransactionState.STAGED
    return decision(transaction.history, transaction.id) is None


async def _whole(function: Any, transaction: "Transaction") -> None:
    """Call a function in a thread, and wait for its end, whatever comes meanwhile."""
    import asyncio

    working = asyncio.ensure_future(asyncio.to_thread(function, transaction))
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        while not working.done():
            await asyncio.wait([working])
        raise


# Rolling back


def roll_back(transaction: "Transaction", reason: str) -> None:
    """Throw away what was put aside, and have the hooks undo the rest; those within it, too.

    Args:
        transaction: The transaction.
        reason: Why; for the message of the runs that are rolled back.
    """
    call_hooks(_undone(transaction, reason))
    _thrown_away(transaction)


async def roll_back_async(transaction: "Transaction", reason: str) -> None:
    """`roll_back` without blocking the event loop."""
    await call_hooks_async(_undone(transaction, reason))
    _thrown_away(transaction)


def _undone(transaction: "Transaction", reason: str) -> Calls:
    """Record that its runs are rolled back, all or none, so that they run again; return its hooks.

    That comes before the hooks: a kill between the two runs a task again that was not undone, which
    is better than to give back one that was.
    """
    message = f"with the transaction {transaction.path}: {reason}"
    undone = tuple(transaction.within())
    events = tuple(_states(undone, message))
    if events:
        transaction.context.flow.write(*events)
    for each in undone:
        each.state = TransactionState.ROLLED_BACK
    return [(each, hook) for each in undone[::-1] for hook in each.on_rollback[::-1]]


def _states(undone: tuple["Transaction", ...], message: str) -> Iterator[StateSet]:
    runs = {each.path: each.run for each in undone if each.run is not None}
    calls = undone[0].context.flow.replay.calls
    for path, run in runs.items():
        yield run.undone(message)
        if path in calls:
            calls[path] = calls[path].undone(run.number)
    # What they had called before the run was resumed, and did not call again: they were given back.
    for path, past in tuple(calls.items()):
        if past.known and path not in runs and any(each in runs for each in _callers(path)):
            run_id = f"{undone[0].context.flow.root}.{path}"
            yield rolled_back(run_id, past.number + 1, message, past.attempts)
            calls[path] = past.undone(past.number + 1)


def _callers(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _thrown_away(transaction: "Transaction") -> None:
    for each in tuple(transaction.within()):
        each.drop()
        if each.claim is not None:
            each.claim.give_back()


# What was submitted


def wait_for_all(transaction: "Transaction") -> None:
    """Wait for what was submitted in it, and raise what nobody has asked for.

    Raises:
        TransactionError: It runs in the event loop of here, which would stop.
    """
    number = 0
    while number < len(transaction.futures):  # tasks may submit others meanwhile
        try:
            transaction.futures[number].wait()
        except EndlessWait:
            raise TransactionError(
                "The end of the transaction would stop the event loop that runs its tasks.",
                fix="Write: async with atransaction() as txn: ...",
            ) from None
        number += 1
    _raise_unasked(transaction)


async def wait_for_all_async(transaction: "Transaction") -> None:
    """`wait_for_all` without blocking the event loop."""
    number = 0
    while number < len(transaction.futures):
        await transaction.futures[number].await_end()
        number += 1
    _raise_unasked(transaction)


def _raise_unasked(transaction: "Transaction") -> None:
    futures, transaction.futures = transaction.futures, []
    for future in futures:
        if not future.asked:
            future.result()


def give_up(transaction: "Transaction") -> None:
    """Cancel what was submitted in it, and wait until it has stopped, or is left behind."""
    pending, end = _cancelled(transaction), time.monotonic() + GRACE_SECONDS
    here = threading.get_ident()
    for future in pending:
        if future.loop == here:
            continue  # ends when the loop of here goes on
        ended = threading.Event()
        future.add_done_callback(lambda _, ended=ended: ended.set())  # type: ignore[misc]  # bound now
        if not ended.wait(max(0.0, end - time.monotonic())):
            future.leave_behind()


async def give_up_async(transaction: "Transaction") -> None:
    """`give_up` without blocking the event loop."""
    import asyncio

    pending = _cancelled(transaction)
    if not pending:
        return
    waits = [asyncio.ensure_future(each.await_end()) for each in pending]
    await asyncio.wait(waits, timeout=GRACE_SECONDS)
    for future, wait in zip(pending, waits, strict=True):
        wait.cancel()
        if not future.done():
            future.leave_behind()


def _cancelled(transaction: "Transaction") -> "list[RunFuture[Any]]":
    futures, transaction.futures = transaction.futures, []
    pending = [each for each in futures if not each.done()]
    for future in pending:
        future.cancel()
    return pending
