"""A transaction, as the user's code sees it."""

from base64 import b64decode, b64encode
from hashlib import blake2b
from typing import Any

from brickwork import Storage, check_key
from brickwork_flows.context import current_run
from brickwork_flows.errors import TransactionError
from brickwork_flows.history.events import ResultKept
from brickwork_flows.results import INLINE_BYTES, discard, keep, restore
from brickwork_flows.staging import Data, Kind
from brickwork_flows.transactions.modes import CommitMode, IsolationLevel, TransactionState
from brickwork_flows.transactions.unit import Unit, own_of

_NOTHING = object()


class Transaction:
    """Tasks and writes that stand together, or leave nothing.

    Made by `transaction` and `atransaction`; in a task, `get_transaction` gives the task's own.
    """

    __slots__ = ("_unit",)

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    @property
    def key(self) -> str:
        """As it was given; else one of its own, the same after each retry and resume.

        For services that take a key with a request, so as to do it once.
        """
        return self._unit.key

    @property
    def state(self) -> TransactionState:
        """What has become of it."""
        return self._unit.state

    @property
    def parent(self) -> "Transaction | None":
        """The transaction around it."""
        return None if self._unit.parent is None else self._unit.parent.public

    @property
    def commit_mode(self) -> CommitMode:
        """When it is committed."""
        return self._unit.commit_mode

    @property
    def isolation_level(self) -> IsolationLevel:
        """What it sees of others with its key."""
        return self._unit.isolation_level

    def set(self, name: str, value: Any) -> None:
        """Keep a value for the hooks, and for the transactions within this one.

        What a task sets in its own outlives a kill, if it can be written as JSON.
        """
        if not isinstance(name, str):
            raise TransactionError("The name of a value is no text.", fix="Give a text.")
        unit = self._unit
        unit.values[name] = value
        if unit.own and self.is_active():
            unit.keep(Kind.VALUE, name, value)

    def get(self, name: str, default: Any = _NOTHING) -> Any:
        """Return a value, of this transaction or of the nearest around it that has one.

        Raises:
            TransactionError: There is none of that name, and no default.
        """
        for each in self._unit.around():
            if name in each.values:
                return each.values[name]
        if default is _NOTHING:
            raise TransactionError(
                f"The transaction has no value {name!r}.",
                fix="Call txn.set() before, or give a default: txn.get(name, default).",
            )
        return default

    def write(self, storage: Storage | str, key: str, data: Data) -> None:
        """Put data aside, to be written to a storage when the transaction is committed.

        Args:
            storage: A storage; or its address or URL, as `brickwork.open_storage` takes it.
            key: Where to write.
            data: Bytes; or a file, as a path or open for reading, which is copied now.

        Raises:
            TransactionError: The transaction has ended, or its key was committed before it began;
                or the data is no bytes, or cannot be read.
            InvalidFlow: The storage is one that no other process could open.
            InvalidKey: It is no key.
            HistoryError: It cannot be put aside.
            VaultError: It holds a known secret, and there is no key to encrypt it with.
            BrickworkError: There is no such storage.
        """
        unit, run = self._unit, current_run.get()
        if run is not None and run is not unit.context and run.path:
            own = own_of(run)  # so that it shares the fate of that run
            if own is not unit:
                own.public.write(storage, key, data)
                return
        self._check_open()
        check_key(key)
        where = unit.staging.where(storage)
        unit.writes = blake2b(f"{unit.writes}{where} {key}".encode(), digest_size=16).hexdigest()
        if not unit.replayed:
            unit.add(unit.staging.put(unit.path, Kind.WRITE, where, key, data))

    def stage(self, value: Any) -> None:
        """Keep a small value with the key, for who finds that committed: `read` returns it.

        Args:
            value: What the flow's results can be; up to 16 KB.

        Raises:
            TransactionError: The transaction has no key or has ended, or the value is too large.
            SerializerError: The serializer of the flow's results cannot take it.
            VaultError: It holds a known secret, and there is no key to encrypt it with.
        """
        self._check_open()
        unit = self._unit
        if unit.claim is None:
            raise TransactionError(
                "A transaction without a key keeps no value.",
                fix="Give it one, as in transaction(key=...); for hooks, use txn.set().",
            )
        kept = keep(unit.id, value, unit.context.flow.results)
        if kept.data is None:
            discard(kept)
            raise TransactionError(
                f"A value of a transaction may have {INLINE_BYTES:,} bytes, and this one has more.",
                fix="Write it to a storage with txn.write(), and stage its key.",
            )
        unit.claim.value = (kept.chain, b64encode(kept.data).decode("ascii"))

    def read(self) -> Any:
        """Return the value that was staged, here or by the run that committed it; None for none.

        Raises:
            MissingResult: It cannot be read.
        """
        unit = self._unit
        if unit.claim is None or unit.claim.value is None:
            return None
        chain, text = unit.claim.value
        kept = ResultKept(unit.claim.done_by or unit.id, chain, b64decode(text))
        return restore(kept, allow_pickle=unit.context.flow.results.allow_pickle)

    def commit(self) -> None:
        """Commit it now: publish what was put aside, and call the hooks.

        Raises:
            TransactionError: It has ended, or is a task's own.
            TransactionConflict: Another run has committed one with the same key meanwhile.
            StorageError: Something cannot be published; resuming the run does it.
        """
        from brickwork_flows.transactions.ending import commit, wait_for_all

        self._check_explicit()
        wait_for_all(self._unit)
        commit(self._unit)

    def rollback(self) -> None:
        """Roll it back now: throw away what was put aside, and have the hooks undo the rest.

        Raises:
            TransactionError: It has ended, or is a task's own; or it was committed when the run
                that is resumed ran before.
        """
        from brickwork_flows.transactions.ending import give_up, roll_back

        self._check_explicit()
        if self._unit.replayed:
            raise TransactionError(
                f"The transaction {self._unit.path} was committed when the flow ran before.",
                fix="Make the flow's body depend on its parameters and on results of tasks alone.",
            )
        give_up(self._unit)
        roll_back(self._unit, "rollback() was called")

    def is_committed(self) -> bool:
        """Return whether it is committed; when it begins, whether its key was before."""
        return self.state is TransactionState.COMMITTED

    def is_rolled_back(self) -> bool:
        """Return whether it was rolled back."""
        return self.state is TransactionState.ROLLED_BACK

    def is_staged(self) -> bool:
        """Return whether its block has ended, and the transaction around it will commit it."""
        return self.state is TransactionState.STAGED

    def is_pending(self) -> bool:
        """Return whether its block has not begun."""
        return self.state is TransactionState.PENDING

    def is_active(self) -> bool:
        """Return whether its block, or its task, is at work."""
        return self.state is TransactionState.ACTIVE

    def __repr__(self) -> str:
        return f"<Transaction {self._unit.path} {self.state}>"

    def _check_explicit(self) -> None:
        if self._unit.own:
            raise TransactionError(
                f"The task {self._unit.path} is committed, or rolled back, when it has ended.",
                fix="In its body, open one: with transaction() as txn: ...",
            )
        self._check_open()

    def _check_open(self) -> None:
        for each in self._unit.around():
            if each.claim is not None and each.claim.done_by:
                raise TransactionError(
                    "A transaction with this key was committed before, by the run "
                    f"{each.claim.done_by}.",
                    fix="Ask txn.is_committed() first, and skip the work; or give overwrite=True.",
                )
        if not self.is_active():
            raise TransactionError(
                f"The transaction {self._unit.path} is {self.state.replace('_', ' ')}, "
                "and not open.",
                fix="Use it inside its `with` block, before commit() or rollback(); in a process "
                "of its own, return the data from the task and write it in the flow.",
            )
