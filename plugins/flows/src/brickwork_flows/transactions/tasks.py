"""What tasks, and flows in a flow, are to transactions: each has one of its own.

That belongs to the transaction around it. Where there is none, it is committed when the task has
completed.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from brickwork_flows.recording import described
from brickwork_flows.transactions.decisions import COMMITTED
from brickwork_flows.transactions.ending import commit, commit_async, roll_back
from brickwork_flows.transactions.hooks import hooks_of
from brickwork_flows.transactions.modes import TransactionState
from brickwork_flows.transactions.unit import Unit, own_of

if TYPE_CHECKING:
    from brickwork_flows.recording import Run

Options = Mapping[str, Any]


def begins(run: "Run", options: Options) -> None:
    """Let a task that begins belong to the transaction that it is called in.

    Raises:
        InvalidFlow: Its hooks are no functions.
    """
    own = own_of(run.context)
    if run.context.flow.replay.staged is not None:
        run.context.flow.replay.staged.forget(own.path)
    for name in ("on_commit", "on_rollback"):
        hooks_of(own.path, options, name)


def completed(run: "Run", options: Options) -> None:
    """Commit what a task has put aside, or let it belong to the transaction around it.

    Raises:
        BrickworkError: It cannot be committed; it is when the run is resumed.
    """
    own = _completed(run, options)
    if own is not None:
        commit(own)


async def completed_async(run: "Run", options: Options) -> None:
    """`completed` without blocking the event loop."""
    own = _completed(run, options)
    if own is not None:
        await commit_async(own)


def given_back(run: "Run", options: Options) -> None:
    """The same for a task that completed before its run was resumed, and is not run again."""
    own = _given_back(run, options)
    if own is not None:
        commit(own)


async def given_back_async(run: "Run", options: Options) -> None:
    """`given_back` without blocking the event loop."""
    own = _given_back(run, options)
    if own is not None:
        await commit_async(own)


def failed(run: "Run", error: BaseException) -> None:
    """Throw away what a task has put aside that failed."""
    own = run.context.transaction
    if own is not None and not own.closed:
        roll_back(own, described(error))


def _completed(run: "Run", options: Options) -> Unit | None:
    """Return what is to be committed now."""
    own = _own(run, options)
    staged = run.context.flow.replay.staged
    if staged is not None:
        staged.prune(own.path)
    if own.parent is None:
        return own if own.parts or own.kept or own.on_commit else None
    return _joined(own, own.parent)


def _given_back(run: "Run", options: Options) -> Unit | None:
    own = _own(run, options)
    staged = run.context.flow.replay.staged
    if staged is not None:
        own.adopt(staged.take(own.path))
    if own.parent is not None:
        return _joined(own, own.parent)
    if not (own.parts or own.kept or own.on_commit):
        return None
    if own.made is not None and own.made.state == COMMITTED:
        own.drop()
        return None
    return own


def _own(run: "Run", options: Options) -> Unit:
    own = own_of(run.context)
    own.run = run
    own.on_commit = hooks_of(own.path, options, "on_commit")
    own.on_rollback = hooks_of(own.path, options, "on_rollback")
    return own


def _joined(own: Unit, parent: Unit) -> Unit | None:
    if parent.state is TransactionState.ROLLED_BACK:
        roll_back(own, "it has completed after that")
    elif parent.done_elsewhere:
        own.drop()
    elif parent.state is TransactionState.COMMITTED:
        return own
    else:
        own.keep_hooks()
        own.state = TransactionState.STAGED
        parent.add(own)
    return None
