"""What was decided about transactions, beside the runs in the history.

A transaction that has staged writes or hooks is decided to be committed first, and done afterwards:
between the two, whoever resumes its run goes on with it.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from brickwork_flows.errors import EntryConflict, TransactionConflict
from brickwork_flows.history.interface import History

DECISIONS = "transactions"
KEYS = "transaction-keys"

COMMITTING = "committing"
COMMITTED = "committed"


class Decision(NamedTuple):
    """That a transaction is committed, and how far that is.

    Attributes:
        state: ``committing``, or ``committed`` when all is done.
        files: What it publishes, in order: names of files that were put aside.
        writes: A fingerprint of what its block wrote, and where.
    """

    state: str
    files: Sequence[str]
    writes: str


def decision(history: History, run_id: str) -> Decision | None:
    """Return what was decided about a transaction; None for nothing."""
    found = history.entry(DECISIONS, run_id)
    return None if found is None else Decision(**found.value)


class KeyClaim:
    """A key that one transaction at most is committed with, of all runs.

    Args:
        history: Where they are recorded.
        key: The key.
        run: The id of the run of the flow that claims it.
        path: Which transaction of that.
        overwrite: Whether one that was committed before does not count.

    Attributes:
        done_by: The run that committed a transaction with that key before; empty if none did.
        value: What is kept with the key: a serializer chain, and what that made of a value.
    """

    def __init__(self, history: History, key: str, run: str, path: str, overwrite: bool) -> None:
        self._history = history
        self._key = key
        self._mine = {"run": run, "path": path}
        self._overwrite = overwrite
        self._version = 0
        self._before: dict[str, Any] | None = None  # what it overwrites
        self.done_by = ""
        self.value: tuple[str, str] | None = None

    def look(self) -> None:
        """Look who has it.

        Raises:
            TransactionConflict: A transaction with that key is in the middle of its commit.
        """
        found = self._history.entry(KEYS, self._key)
        if found is None:
            return
        self._version = found.version
        value: dict[str, Any] = found.value
        if self._owned(value):
            return
        if self._overwrite:
            self._before = value
            return
        if value["state"] != COMMITTED:
            raise TransactionConflict(
                f"The run {value['run']} is in the middle of the commit of a transaction with the "
                f"key {self._key!r}.",
                fix=f"Wait for it; if it was killed: brickwork run resume {value['run']}. If there "
                "is no such run any more, give overwrite=True.",
            )
        self.done_by, self.value = value["run"], value["value"]

    def take(self) -> None:
        """Have it, so that nobody else commits with it.

        Raises:
            TransactionConflict: Somebody else was faster.
        """
        try:
            self._put(COMMITTING)
        except EntryConflict:
            raise TransactionConflict(
                f"Another run has committed a transaction with the key {self._key!r} meanwhile.",
                fix="Run the flow again: it finds the transaction committed. With "
                "IsolationLevel.SERIALIZABLE they run one after the other.",
            ) from None

    def finish(self) -> None:
        """Say that the transaction is committed, if the key is this one's."""
        found = self._history.entry(KEYS, self._key)
        if found is not None and self._owned(found.value) and found.value["state"] != COMMITTED:
            self._version = found.version
            self._put(COMMITTED)

    def give_back(self) -> None:
        """Leave it as it was, since nothing came of this."""
        found = self._history.entry(KEYS, self._key)
        if found is not None and self._owned(found.value) and found.value["state"] != COMMITTED:
            self._history.put(KEYS, self._key, self._before)

    def _put(self, state: str) -> None:
        expected = None if self._overwrite else self._version
        value = {**self._mine, "state": state, "value": self.value}
        self._version = self._history.put(KEYS, self._key, value, expected=expected).version

    def _owned(self, value: dict[str, Any]) -> bool:
        return (value["run"], value["path"]) == (self._mine["run"], self._mine["path"])
