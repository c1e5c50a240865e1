"""A transaction, as the user's code sees it."""

from hashlib import blake2b
from typing import Any

from brickwork import Storage, check_key
from brickwork_flows.context import current_run
from brickwork_flows.errors import TransactionError
from brickwork_flows.staging import Kind
from brickwork_flows.transactions.modes import TransactionState
from brickwork_flows.transactions.unit import Unit, own_of

_NOTHING = object()


class Transaction(Unit):
    """Tasks and writes that stand together, or leave nothing.

    Made by `transaction` and `atransaction`; in a task, `get_transaction` gives the task's own.

    Attributes:
        key: As it was given; else one of its own, the same after each retry and resume: for
            services that take a key with a request, so as to do it once.
        path: Which one it is in its flow.
        parent: The transaction around it, or None.
        state: What has become of it.
    """

    __slots__ = ()

    def set(self, name: str, value: Any) -> None:
        """Keep a value for the hooks, and for the transactions within this one.

        What a task sets in its own outlives a kill, if it can be written as JSON.
        """
        if not isinstance(name, str):
            raise TransactionError("The name of a value is no text.", fix="Give a text.")
        self.values[name] = value
        if self.own and self.is_active():
            self.keep(Kind.VALUE, name, value)

    def get(self, name: str, default: Any = _NOTHING) -> Any:
        """Return a value, of this transaction or of the nearest around it that has one.

        Raises:
            TransactionError: There is none of that name, and no default.
        """
        for each in self.around():
            if name in each.values:
                return each.values[name]
        if default is _NOTHING:
            raise TransactionError(
                f"The transaction has no value {name!r}.",
                fix="Call txn.set() before, or give a default: txn.get(name, default).",
            )
        return default

    def write(self, storage: Storage | str, key: str, data: bytes | bytearray | memoryview) -> None:
        """Put data aside, to be written to a storage when the transaction is committed.

        Args:
            storage: A storage; or its address or URL, as `brickwork.open_storage` takes it.
            key: Where to write.
            data: The whole value.

        Raises:
            TransactionError: The transaction has ended, or its key was committed before it began.
            InvalidKey: It is no key.
            HistoryError: It cannot be put aside.
            VaultError: It holds a known secret, and there is no key to encrypt it with.
            BrickworkError: There is no such storage.
        """
        run = current_run.get()
        if run is not None and run is not self.context and run.path:
            own_of(run).write(storage, key, data)  # so that it shares the fate of that run
            return
        self._check_open()
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TransactionError(
                f"A staged write takes bytes, and no {type(data).__name__}.",
                fix="Encode it first, such as text.encode().",
            )
        check_key(key)
        where = self.staging.where(storage)
        self.body = blake2b(f"{self.body}{where} {key}".encode(), digest_size=16).hexdigest()
        if not self.replayed:
            flat = memoryview(data).cast("B")
            self.add(self.staging.put(self.path, Kind.WRITE, where, key, flat))

    def commit(self) -> None:
        """Commit it now: publish what was put aside, and call the hooks.

        Raises:
            TransactionError: It has ended, or is a task's own.
            TransactionConflict: Another run has committed one with the same key meanwhile.
            StorageError: Something cannot be published; resuming the run does it.
        """
        from brickwork_flows.transactions.ending import commit, wait_for_all

        self._check_explicit()
        wait_for_all(self)
        commit(self)

    def rollback(self) -> None:
        """Roll it back now: throw away what was put aside, and have the hooks undo the rest.

        Raises:
            TransactionError: It has ended, or is a task's own; or it was committed when the run
                that is resumed ran before.
        """
        from brickwork_flows.transactions.ending import give_up, roll_back

        self._check_explicit()
        if self.replayed:
            raise TransactionError(
                f"The transaction {self.path} was committed when the flow ran before.",
                fix="Make the flow's body depend on its parameters and on results of tasks alone.",
            )
        give_up(self)
        roll_back(self, "rollback() was called")

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

    def begin_again(self) -> None:
        """For engines: a task is tried again, and begins its own transaction anew."""
        from brickwork_flows.transactions.ending import roll_back

        if self.parts:
            roll_back(self, "its task is tried again")
        self.drop()
        self.reset()

    def __repr__(self) -> str:
        return f"<Transaction {self.path} {self.state}>"

    def _check_explicit(self) -> None:
        if self.own:
            raise TransactionError(
                f"The task {self.path} is committed, or rolled back, when it has ended.",
                fix="In its body, open one: with transaction() as txn: ...",
            )
        self._check_open()

    def _check_open(self) -> None:
        if self.is_active():
            if any(each.done_elsewhere for each in self.around()):
                raise self._done_elsewhere()
            return
        if self.done_elsewhere:
            raise self._done_elsewhere()
        raise TransactionError(
            f"The transaction {self.path} is {self.state.replace('_', ' ')}, and not open.",
            fix="Use it inside its `with` block, before commit() or rollback(); in a process of "
            "its own, return the data from the task and write it in the flow.",
        )

    def _done_elsewhere(self) -> TransactionError:
        done = next(each.claim for each in self.around() if each.done_elsewhere)
        assert done is not None  # noqa: S101  # that is what was looked for
        return TransactionError(
            f"A transaction with this key was committed before, by the run {done.done_by}.",
            fix="Ask txn.is_committed() first, and skip the work; or give overwrite=True.",
        )
