"""``with transaction()``: the block of a transaction."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import Token
from enum import StrEnum
from typing import TypeVar

from brickwork import mask
from brickwork_flows.caching.locks import KeyLock
from brickwork_flows.context import RunContext, current_run, current_transaction, far_run
from brickwork_flows.errors import HistoryError, TransactionError
from brickwork_flows.recording import described
from brickwork_flows.transactions.decisions import COMMITTING, KeyClaim, decision
from brickwork_flows.transactions.ending import (
    commit,
    commit_async,
    give_up,
    give_up_async,
    publish,
    roll_back,
    roll_back_async,
    wait_for_all,
    wait_for_all_async,
)
from brickwork_flows.transactions.hooks import CommitHooks, hooks_of
from brickwork_flows.transactions.modes import CommitMode, IsolationLevel, TransactionState
from brickwork_flows.transactions.public import Transaction
from brickwork_flows.transactions.unit import Unit, enclosing, made_key, own_of

E = TypeVar("E", bound=StrEnum)


@contextmanager
def transaction(
    key: str | None = None,
    *,
    commit_mode: CommitMode | str | None = None,
    isolation_level: IsolationLevel | str | None = None,
    overwrite: bool = False,
    on_commit: CommitHooks = None,
    on_rollback: CommitHooks = None,
) -> Iterator[Transaction]:
    """Let what is done inside the ``with`` block stand together, or leave nothing.

    At its end it waits for the tasks that were submitted in it, and is committed; an exception
    that leaves the block rolls it back. In a coroutine, use `atransaction`.

    Args:
        key: A text that stands for the work, for all runs: one transaction is committed with it.
            ``txn.is_committed()`` tells whether one was before.
        commit_mode: When it is committed; default: as the transaction around it, or ``lazy``.
        isolation_level: What it sees of others with its key; default: as the one around it, or
            ``read_committed``.
        overwrite: Whether it is done, and counts, even if one with its key was committed before.
        on_commit: Functions of the transaction, called when it is committed.
        on_rollback: The same when it is rolled back, in reverse order.

    Raises:
        TransactionError: It is not inside a flow, or an argument cannot be used.
        TransactionConflict: Another run is in the middle of committing one with the same key.
    """
    block = _Block(key, commit_mode, isolation_level, overwrite, on_commit, on_rollback)
    with block.waiting() as lock:
        if lock is not None:
            lock.wait()
    try:
        opened = block.begin()
        try:
            yield opened
            wait_for_all(block.unit)
            if block.to_commit():
                commit(block.unit)
            elif block.to_roll_back():
                roll_back(block.unit, NOBODY)
        except BaseException as error:
            if block.to_undo(error):
                give_up(block.unit)
                roll_back(block.unit, described(error))
            raise
    finally:
        block.close()


@asynccontextmanager
async def atransaction(
    key: str | None = None,
    *,
    commit_mode: CommitMode | str | None = None,
    isolation_level: IsolationLevel | str | None = None,
    overwrite: bool = False,
    on_commit: CommitHooks = None,
    on_rollback: CommitHooks = None,
) -> AsyncIterator[Transaction]:
    """`transaction` for ``async with``: nothing in it blocks the event loop."""
    block = _Block(key, commit_mode, isolation_level, overwrite, on_commit, on_rollback)
    with block.waiting() as lock:
        if lock is not None:
            await lock.wait_async()
    try:
        opened = block.begin()
        try:
            yield opened
            await wait_for_all_async(block.unit)
            if block.to_commit():
                await commit_async(block.unit)
            elif block.to_roll_back():
                await roll_back_async(block.unit, NOBODY)
        except GeneratorExit as error:  # nothing can be awaited any more
            if block.to_undo(error):
                roll_back(block.unit, described(error))
            raise
        except BaseException as error:
            if block.to_undo(error):
                await give_up_async(block.unit)
                await roll_back_async(block.unit, described(error))
            raise
    finally:
        block.close()


def get_transaction() -> Transaction | None:
    """Return the transaction of here: that of the block, or in a task the task's own.

    None in the body of a flow outside of a block, and outside of flows.
    """
    context = current_run.get()
    if context is None:
        found = _far(far_run.get())
    else:
        found = current_transaction.get()
        if found is None or found.context is not context:
            found = own_of(context) if context.kind == "task" else enclosing(context)
    return None if found is None else found.public


def _far(context: RunContext | None) -> Unit | None:
    """Return what a task in a process of its own can have: the key, and values for itself."""
    if context is not None and context.transaction is None:
        context.transaction = Unit(context, context.path, key=made_key(context.id))
    return None if context is None else context.transaction


class _Block:
    """How a block begins and ends; arguments and errors are those of `transaction`."""

    def __init__(
        self,
        key: str | None,
        commit_mode: CommitMode | str | None,
        isolation_level: IsolationLevel | str | None,
        overwrite: bool,
        on_commit: CommitHooks,
        on_rollback: CommitHooks,
    ) -> None:
        context = self._context = _run_here()
        parent = _around(context)
        owner = self._owner = parent if parent and parent.context is context else context
        self._keyed = key is not None
        if not self._keyed and owner.opened:
            raise TransactionError(
                f"Two transactions are open beside each other in {context.run_name}; if it is "
                "resumed, nobody can tell which is which.",
                fix="Give each a key, or open each in a task of its own.",
            )
        name = "(transaction)" if key is None else f"(transaction {made_key(_checked(key))[:16]})"
        path = owner.next_key(name)
        path = f"{owner.path}/{path}" if owner.path else path
        self.unit = unit = Unit(context, path, parent, key=key or "")
        unit.commit_mode = _mode(commit_mode, parent)
        unit.isolation_level = _isolation(isolation_level, parent, key)
        hooks = {"on_commit": on_commit, "on_rollback": on_rollback}
        unit.on_commit = hooks_of("a transaction", hooks, "on_commit")
        unit.on_rollback = hooks_of("a transaction", hooks, "on_rollback")
        self._token: Token[Unit | None] | None = None
        if key is not None:
            self._claim(key, overwrite)

    def _claim(self, key: str, overwrite: bool) -> None:
        unit, flow = self.unit, self._context.flow
        if any(each.key == key for each in unit.around() if each is not unit):
            raise TransactionError(
                f"A transaction with the key {key!r} is open around this one.",
                fix="Give it another key, or none.",
            )
        unit.claim = KeyClaim(flow.runtime.history, key, flow.root, unit.path, overwrite)
        if unit.isolation_level is IsolationLevel.SERIALIZABLE:
            folder = flow.runtime.place.folder / "transaction-locks"
            unit.lock = KeyLock(folder / f"{made_key(key)}.lock")

    @contextmanager
    def waiting(self) -> Iterator[KeyLock | None]:
        """Give the lock to wait for, if it is one of those that run one after the other."""
        try:
            yield self.unit.lock
        except TimeoutError:  # an OSError as well: the time of the task is up
            raise
        except OSError as error:
            raise HistoryError(
                f"The lock of a transaction's key cannot be taken: {error.strerror}.",
                fix="Check the permissions of the folder of the history.",
            ) from None

    def begin(self) -> Transaction:
        """Begin: find out what was decided before, and go on with that."""
        unit, replay = self.unit, self._context.flow.replay
        unit.state = TransactionState.ACTIVE
        unit.made = made = decision(unit.history, unit.id)
        if made is not None:
            if made.state == COMMITTING:
                publish(unit, made)
            elif unit.claim is not None:
                unit.claim.finish()
        else:
            if replay.staged is not None:
                replay.staged.forget(unit.path)
            if unit.claim is not None and not unit.replayed:
                unit.claim.look()
                if unit.claim.done_by:
                    unit.state = TransactionState.COMMITTED
                    # Who asks skips what it may have begun when its run ran before.
                    replay.left.pop(self._context.path, None)
        if not self._keyed:
            self._owner.opened = True
        self._token = current_transaction.set(unit)
        return unit.public

    def to_commit(self) -> bool:
        """Return whether it commits itself now; if not, let it belong to the one around it."""
        unit, parent = self.unit, self.unit.parent
        if unit.state is not TransactionState.ACTIVE:
            return False
        if unit.commit_mode is CommitMode.EAGER or unit.made is not None:
            return True
        if parent is None or parent.closed:
            return unit.commit_mode is CommitMode.LAZY
        unit.keep_hooks()
        unit.state = TransactionState.STAGED
        parent.add(unit)
        return False

    def to_roll_back(self) -> bool:
        """Return whether nobody commits it."""
        return self.unit.state is TransactionState.ACTIVE

    def to_undo(self, error: BaseException) -> bool:
        """Return whether it is rolled back because of what left the block."""
        # What is suspended goes on when it is resumed.
        suspends = self._context.flow.top.suspended is not None and not isinstance(error, Exception)
        active = self.unit.state is TransactionState.ACTIVE
        return active and not suspends and not self.unit.replayed

    def close(self) -> None:
        """Leave the block."""
        if self._token is not None:
            with suppress(ValueError):  # an abandoned coroutine is closed in another context
                current_transaction.reset(self._token)
            if not self._keyed:
                self._owner.opened = False
        if self.unit.state is not TransactionState.STAGED:  # else whoever commits it unlocks it
            self.unit.unlock()


NOBODY = "nobody committed it"


def _run_here() -> RunContext:
    context = current_run.get()
    if context is None:
        raise TransactionError(
            "A transaction belongs to the run of a flow, and none runs here.",
            fix="Call it inside a @flow function, or in a task under one that runs in a thread "
            "or in the event loop.",
        )
    return context


def _around(context: RunContext) -> Unit | None:
    """Return the transaction that a block of a run's body is in."""
    at = current_transaction.get()
    if at is not None and at.context is context and not at.closed:
        return at
    return own_of(context) if context.kind == "task" else enclosing(context)


def _mode(given: CommitMode | str | None, parent: Unit | None) -> CommitMode:
    if given is None:
        return CommitMode.LAZY if parent is None else parent.commit_mode
    return _word(CommitMode, given, "commit mode")


def _word(kind: type[E], given: E | str, what: str) -> E:
    try:
        return kind(given.lower())
    except (ValueError, AttributeError):
        raise TransactionError(
            f"There is no {what} {given!r}.", fix=f"Use one of: {', '.join(kind)}."
        ) from None


def _isolation(
    given: IsolationLevel | str | None, parent: Unit | None, key: str | None
) -> IsolationLevel:
    if given is None:
        return IsolationLevel.READ_COMMITTED if parent is None else parent.isolation_level
    found = _word(IsolationLevel, given, "isolation level")
    if key is None and found is IsolationLevel.SERIALIZABLE:
        raise TransactionError(
            "A serializable transaction needs a key: by that it is told what must wait for what.",
            fix='Give one: transaction(key="import-2026-01-01", isolation_level=...).',
        )
    return found


def _checked(key: object) -> str:
    if not isinstance(key, str) or not key:
        raise TransactionError(
            f"A transaction's key is a {type(key).__name__}, or empty.",
            fix="Give a text that stands for the work.",
        )
    if mask(key) != key:
        raise TransactionError(
            "A known secret stands in a transaction's key.", fix="Keys are kept in clear: use none."
        )
    return key
