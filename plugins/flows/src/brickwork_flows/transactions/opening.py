"""``with transaction()``: the block of a transaction."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import Token
from enum import StrEnum
from typing import TypeVar

from brickwork import BrickworkError, mask
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

_NOBODY = "nobody committed it"


class transaction:  # noqa: N801  # used as a function
    """Let what is done inside the ``with`` block stand together, or leave nothing.

    At its end it waits for the tasks that were submitted in it, and is committed; an exception
    that leaves the block rolls it back. In a coroutine, write ``async with``: it blocks no event
    loop.

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
        TransactionError: When the block begins: it is not inside a flow, or an argument cannot be
            used.
        TransactionConflict: Another run is in the middle of committing one with the same key; or,
            at the end of the block, has committed one meanwhile.
    """

    def __init__(
        self,
        key: str | None = None,
        *,
        commit_mode: CommitMode | str | None = None,
        isolation_level: IsolationLevel | str | None = None,
        overwrite: bool = False,
        on_commit: CommitHooks = None,
        on_rollback: CommitHooks = None,
    ) -> None:
        self._key = key
        self._commit_mode = commit_mode
        self._isolation_level = isolation_level
        self._overwrite = overwrite
        self._hooks = {"on_commit": on_commit, "on_rollback": on_rollback}

    def __enter__(self) -> Transaction:
        lock = self._open()
        with _lock_errors():
            if lock is not None:
                lock.wait()
        return self._begin()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if error is None:
                self._end()
            else:
                self._undo(error)
        finally:
            self._close()

    async def __aenter__(self) -> Transaction:
        lock = self._open()
        with _lock_errors():
            if lock is not None:
                await lock.wait_async()
        return self._begin()

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if error is None:
                await self._end_async()
            elif isinstance(error, GeneratorExit):
                self._undo(error)  # nothing can be awaited any more
            else:
                await self._undo_async(error)
        finally:
            self._close()

    # The beginning

    def _open(self) -> KeyLock | None:
        """Make the transaction; return the lock to wait for before it begins."""
        context = self._context = _run_here()
        key, parent = self._key, _around(context)
        inside = current_transaction.get()  # it may be committed already, and its block be open
        if inside is None or inside.context is not context:
            inside = context.transaction
        owner = self._owner = inside or context
        if key is None and owner.opened:
            raise TransactionError(
                f"Two transactions are open beside each other in {context.run_name}; if it is "
                "resumed, nobody can tell which is which.",
                fix="Give each a key, or open each in a task of its own.",
            )
        name = "(transaction)" if key is None else f"(transaction {made_key(_checked(key))[:16]})"
        path = owner.next_key(name)
        path = f"{owner.path}/{path}" if owner.path else path
        self._unit = unit = Unit(context, path, parent, key=key or "")
        if self._commit_mode is not None:
            unit.commit_mode = _word(CommitMode, self._commit_mode, "commit mode")
        if self._isolation_level is not None:
            level = _word(IsolationLevel, self._isolation_level, "isolation level")
            unit.isolation_level = level
            if key is None and level is IsolationLevel.SERIALIZABLE:
                raise TransactionError(
                    "A serializable transaction needs a key: it tells what must wait for what.",
                    fix='Give one: transaction(key="import-2026-01-01", isolation_level=...).',
                )
        unit.on_commit = hooks_of("a transaction", self._hooks, "on_commit")
        unit.on_rollback = hooks_of("a transaction", self._hooks, "on_rollback")
        if key is not None:
            self._claim(key)
        return unit.lock

    def _claim(self, key: str) -> None:
        unit, flow = self._unit, self._context.flow
        if any(each.key == key for each in unit.around() if each is not unit):
            raise TransactionError(
                f"A transaction with the key {key!r} is open around this one.",
                fix="Give it another key, or none.",
            )
        unit.claim = KeyClaim(unit.history, key, flow.root, unit.path, self._overwrite)
        if unit.isolation_level is IsolationLevel.SERIALIZABLE:
            folder = flow.runtime.place.folder / "transaction-locks"
            unit.lock = KeyLock(folder / f"{made_key(key)}.lock")

    def _begin(self) -> Transaction:
        try:
            self._find_out()
        except BaseException:
            self._unit.unlock()
            raise
        if self._key is None:
            self._owner.opened = True
        self._token: Token[Unit | None] = current_transaction.set(self._unit)
        return self._unit.public

    def _find_out(self) -> None:
        """Find out what was decided before, and go on with that."""
        unit, replay = self._unit, self._context.flow.replay
        unit.state = TransactionState.ACTIVE
        unit.decided = decision(unit.history, unit.id)
        if unit.decided is not None:
            if unit.decided.state == COMMITTING:
                publish(unit, unit.decided)
            elif unit.claim is not None:
                unit.claim.finish()
            return
        if replay.staged is not None:
            replay.staged.forget(unit.path)
        if unit.claim is not None and not unit.replayed:
            unit.claim.look()
            if unit.claim.done_by:
                unit.state = TransactionState.COMMITTED
                # Who asks skips what it may have begun when its run ran before.
                replay.left.pop(self._context.path, None)

    # The end

    def _end(self) -> None:
        try:
            wait_for_all(self._unit)
        except BaseException as error:
            self._undo(error)
            raise
        if self._commits():
            commit(self._unit)
        elif self._active:
            roll_back(self._unit, _NOBODY)

    async def _end_async(self) -> None:
        try:
            await wait_for_all_async(self._unit)
        except BaseException as error:
            await self._undo_async(error)
            raise
        if self._commits():
            await commit_async(self._unit)
        elif self._active:
            await roll_back_async(self._unit, _NOBODY)

    def _undo(self, error: BaseException) -> None:
        if self._undone_by(error):
            give_up(self._unit)
            roll_back(self._unit, described(error))

    async def _undo_async(self, error: BaseException) -> None:
        if self._undone_by(error):
            await give_up_async(self._unit)
            await roll_back_async(self._unit, described(error))

    @property
    def _active(self) -> bool:
        return self._unit.state is TransactionState.ACTIVE

    def _commits(self) -> bool:
        """Return whether it commits itself now; if not, let it belong to the one around it."""
        unit, parent = self._unit, self._unit.parent
        if not self._active:
            return False
        if unit.commit_mode is CommitMode.EAGER or unit.decided is not None:
            return True
        if parent is None or parent.closed:
            return unit.commit_mode is CommitMode.LAZY
        unit.keep_hooks()
        unit.state = TransactionState.STAGED
        parent.add(unit)
        return False

    def _undone_by(self, error: BaseException) -> bool:
        # What is suspended goes on when it is resumed.
        suspends = self._context.flow.top.suspended is not None and not isinstance(error, Exception)
        return self._active and not suspends and not self._unit.replayed

    def _close(self) -> None:
        with suppress(ValueError):  # an abandoned coroutine is closed in another context
            current_transaction.reset(self._token)
        if self._key is None:
            self._owner.opened = False
        if self._unit.state is not TransactionState.STAGED:  # else whoever commits it unlocks it
            self._unit.unlock()


atransaction = transaction
"""The same, by the name that Prefect has for it in ``async with``."""


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


@contextmanager
def _lock_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, BrickworkError):  # a time that is up is an OSError as well
            raise
        raise HistoryError(
            f"The lock of a transaction's key cannot be taken: {error.strerror}.",
            fix="Check the permissions of the folder of the history.",
        ) from None


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
    while at is not None and at.closed:
        at = at.parent
    if at is not None and at.context is context:
        return at
    return own_of(context) if context.kind == "task" else enclosing(context)


def _word(kind: type[E], given: E | str, what: str) -> E:
    try:
        return kind(given.lower())
    except (ValueError, AttributeError):
        raise TransactionError(
            f"There is no {what} {given!r}.", fix=f"Use one of: {', '.join(kind)}."
        ) from None


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
