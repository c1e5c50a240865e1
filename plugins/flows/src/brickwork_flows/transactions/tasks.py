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


def completed(run: "Run", options: Options, *, before: bool = False) -> None:
    """Commit what a task has put aside, or let it belong to the transaction around it.

    Args:
        run: The task's run.
        options: What was given to the task.
        before: Whether it completed before its flow was resumed, and is not run again.

    Raises:
        BrickworkError: It cannot be committed; it is when the run is resumed.
    """
    unit = _to_commit(run, options, before)
    if unit is not None:
        commit(unit)


async def completed_async(run: "Run", options: Options, *, before: bool = False) -> None:
    """`completed` without blocking the event loop."""
    unit = _to_commit(run, options, before)
    if unit is not None:
        await commit_async(unit)


def failed(run: "Run", error: BaseException) -> None:
    """Throw away what a task has put aside that failed."""
    own = run.context.transaction
    if own is not None and not own.closed:
        roll_back(own, described(error))


def _to_commit(run: "Run", options: Options, before: bool) -> Unit | None:
    own = own_of(run.context)
    own.run = run
    own.on_commit = hooks_of(own.path, options, "on_commit")
    own.on_rollback = hooks_of(own.path, options, "on_rollback")
    staged = run.context.flow.replay.staged
    if staged is not None:
        left = staged.take(own.path)
        if before:
            own.adopt(left)
        else:
            staged.remove(*left)  # it was not made again within it
    if own.parent is not None:
        return _joined(own, own.parent)
    if before and own.decided is not None and own.decided.state == COMMITTED:
        own.drop()
        return None
    return own if own.parts or own.on_commit else None


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
