"""A transaction: what belongs to it, and what has become of it."""

import threading
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from brickwork import BrickworkError, open_serializer
from brickwork_flows.caching.locks import KeyLock
from brickwork_flows.context import RunContext, current_transaction
from brickwork_flows.history.interface import History
from brickwork_flows.recording import setting
from brickwork_flows.staging import Kind, Staged, Staging
from brickwork_flows.transactions.decisions import DECISIONS, Decision, KeyClaim, decision
from brickwork_flows.transactions.hooks import CommitHook, found_hooks, where_found
from brickwork_flows.transactions.modes import CommitMode, IsolationLevel, TransactionState

if TYPE_CHECKING:
    from brickwork_flows.futures import RunFuture
    from brickwork_flows.recording import Run
    from brickwork_flows.transactions.public import Transaction

_CLOSED = frozenset({TransactionState.COMMITTED, TransactionState.ROLLED_BACK})


class Unit:
    """A transaction, for the engine; `public` is what the user's code has of it.

    Attributes:
        context: The run that it belongs to.
        path: Which one it is, seen from the outermost flow; the same when its run is resumed.
        parent: The transaction around it.
        key: As it was given, or made of the path.
        commit_mode: When it is committed.
        isolation_level: What it sees of others with its key.
        state: What has become of it.
        own: Whether it is that of a task, or of a flow in a flow, and no block's.
        run: The run that stands or falls with it, if it is such a one.
        parts: What was put aside, and the transactions within it, in their order.
        values: What was set.
        on_commit: Functions of it, called when it is committed.
        on_rollback: The same when it is rolled back.
        after_commit: What else is done when it is committed.
        futures: What was submitted within it.
        claim: Its key among all runs, if it was given one.
        lock: What others with its key wait for, if they run one after the other.
        decided: What was decided when its run ran before.
        writes: A fingerprint of what its block wrote, and where.
        opened: Whether a transaction within it, of the same body, is open.
    """

    __slots__ = (
        "_calls",
        "_lock",
        "_public",
        "after_commit",
        "claim",
        "commit_mode",
        "context",
        "decided",
        "futures",
        "isolation_level",
        "key",
        "lock",
        "on_commit",
        "on_rollback",
        "opened",
        "own",
        "parent",
        "parts",
        "path",
        "run",
        "state",
        "values",
        "writes",
    )

    def __init__(
        self,
        context: RunContext,
        path: str,
        parent: "Unit | None" = None,
        *,
        key: str = "",
        own: bool = False,
    ) -> None:
        self.context = context
        self.path = path
        self.parent = parent
        self.commit_mode: CommitMode = CommitMode.LAZY
        self.isolation_level: IsolationLevel = IsolationLevel.READ_COMMITTED
        if parent is not None:
            self.commit_mode = parent.commit_mode
            self.isolation_level = parent.isolation_level
        self.own = own
        self.key = key or made_key(f"{context.flow.root}.{path}")
        self.state = TransactionState.ACTIVE if own else TransactionState.PENDING
        self.run: Run | None = None
        self.parts: dict[str, Staged | Unit] = {}
        self.values: dict[str, Any] = {}
        self.on_commit: tuple[CommitHook, ...] = ()
        self.on_rollback: tuple[CommitHook, ...] = ()
        self.after_commit: list[Callable[[], object]] = []
        self.futures: list[RunFuture[Any]] = []
        self.claim: KeyClaim | None = None
        self.lock: KeyLock | None = None
        self.decided: Decision | None = None
        self.writes = ""
        self.opened = False
        self._calls: dict[str, int] = {}
        self._lock = threading.Lock()
        self._public: Transaction | None = None

    @property
    def public(self) -> "Transaction":
        """What the user's code has of it."""
        if self._public is None:
            from brickwork_flows.transactions.public import Transaction

            self._public = Transaction(self)
        return self._public

    @property
    def id(self) -> str:
        """Its id, among those of all runs."""
        return f"{self.context.flow.root}.{self.path}"

    @property
    def history(self) -> History:
        """Where it is decided."""
        return self.context.flow.runtime.history

    @property
    def staging(self) -> Staging:
        """Where things are put aside."""
        flow = self.context.flow
        with setting(flow.root):
            if flow.replay.staged is None:
                flow.replay.staged = Staging(flow.runtime.place, flow.root)
            return flow.replay.staged

    @property
    def closed(self) -> bool:
        """Whether nothing can belong to it any more."""
        return self.state in _CLOSED and not self.done_elsewhere

    @property
    def done_elsewhere(self) -> bool:
        """Whether another transaction, with the same key, was committed before it began."""
        return self.claim is not None and bool(self.claim.done_by)

    def decide(self, state: str, files: Sequence[str] = ()) -> Decision:
        """Write down, durably, how far it is committed; nothing takes that back."""
        decided = Decision(state, files, self.writes)
        root = self.context.flow.root
        self.history.put(DECISIONS, self.id, decided._asdict(), run=root)
        return decided

    def around(self) -> "Iterator[Unit]":
        """Give this one, and those around it."""
        at: Unit | None = self
        while at is not None:
            yield at
            at = at.parent

    @property
    def replayed(self) -> bool:
        """Whether it was committed when its run ran before, or one around it was."""
        return any(each.decided is not None for each in self.around())

    def next_key(self, name: str) -> str:
        """Return which one of that name the next one in its body is."""
        number = self._calls.get(name, 0)
        self._calls[name] = number + 1
        return f"{name}-{number}"

    # What belongs to it

    def add(self, part: "Staged | Unit") -> None:
        """Let something belong to it, after what belongs to it already."""
        key = part.path if isinstance(part, Unit) else part.file
        with self._lock:
            self.parts.pop(key, None)
            self.parts[key] = part

    def adopt(self, left: list[Staged]) -> None:
        """Let belong to it what its run had put aside before that was resumed.

        The run is given back, and so nothing that it called is called again: what that had put
        aside belongs to it as well.
        """
        made: dict[str, Unit] = {}
        for staged in left:
            self.add(staged)
            if staged.kind == Kind.WRITE:
                continue
            within = self if staged.writer == self.path else self._made_again(staged, made)
            value = self.staging.value(staged)
            if staged.kind == Kind.VALUE:
                within.values[staged.key] = value
            else:
                within.on_commit, within.on_rollback = map(found_hooks, value)

    def _made_again(self, staged: Staged, made: dict[str, "Unit"]) -> "Unit":
        found = made.get(staged.writer)
        if found is None:
            found = made[staged.writer] = Unit(self.context, staged.writer, self, own=True)
            self.add(found)
        return found

    def keep(self, kind: Kind, name: str, value: Any) -> None:
        """Put something aside for the hooks after a resume; what JSON cannot take is not."""
        try:
            data = open_serializer("json").dumps(value)
            self.add(self.staging.put(self.path, kind, "", name, data))
        except BrickworkError as error:
            import logging

            logging.getLogger("brickwork.flows").warning(
                "%s of the transaction %s would not outlive a kill: %s", kind, self.path, error.what
            )

    def keep_hooks(self) -> None:
        """Put aside where its hooks are found, since its task may be given back by what calls it.

        Not for what the body of the outermost flow calls: that is called again in any case.
        """
        body = self.path.rpartition("/")[0] if self.own else self.context.path
        if body and (self.on_commit or self.on_rollback):
            hooks = [list(map(where_found, each)) for each in (self.on_commit, self.on_rollback)]
            self.keep(Kind.HOOKS, "", hooks)

    def files(self) -> Iterator[str]:
        """Give the names of what is to be published, in order; with the transactions within it."""
        for part in tuple(self.parts.values()):
            if isinstance(part, Unit):
                yield from part.files()
            elif part.kind == Kind.WRITE:
                yield part.file

    def within(self) -> "Iterator[Unit]":
        """Give the transactions within it, in order, and then itself."""
        for part in tuple(self.parts.values()):
            if isinstance(part, Unit):
                yield from part.within()
        yield self

    def begin_again(self) -> None:
        """Let it be as at its beginning: its task is tried again."""
        if self.parts:
            from brickwork_flows.transactions.ending import roll_back

            roll_back(self, "its task is tried again")
        self.drop()
        self.state = TransactionState.ACTIVE
        self.values.clear()
        self.after_commit.clear()
        self._calls.clear()
        self.opened = False
        if self.context.flow.replay.staged is not None:
            self.context.flow.replay.staged.forget(self.path)

    def unlock(self) -> None:
        """Let others have the keys of it, and of the transactions within it."""
        for each in self.within():
            if each.lock is not None:
                each.lock.release()

    def drop(self) -> None:
        """Throw away what it has put aside, and what is left of it."""
        staged = [each for each in self.parts.values() if isinstance(each, Staged)]
        if staged:
            self.staging.remove(*staged)
        self.parts.clear()


def own_of(context: RunContext) -> "Unit":
    """Return the transaction of a task's run, or of a flow's in a flow; it comes to be so."""
    found = context.transaction
    if found is None:
        parent = enclosing(context)
        found = Unit(context, context.path, parent, own=True)
        past = context.flow.replay.calls.get(context.path)
        if parent is None and past is not None and past.known:
            found.decided = decision(found.history, found.id)
        context.transaction = found
    return found


def enclosing(context: RunContext) -> Unit | None:
    """Return the transaction that a run is called in; None outside of one."""
    at = current_transaction.get()
    while at is not None and (at.context is context or at.closed):
        at = at.parent
    return at


def made_key(run_id: str) -> str:
    """Return a short key that stands for an id."""
    return blake2b(run_id.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
