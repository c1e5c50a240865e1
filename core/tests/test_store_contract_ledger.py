"""The contract notices stores that do not keep the ledgers of blocks as they must be kept."""

import inspect
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from brickwork import BlockNotFound, LedgerRow, Record, StoreError
from brickwork.testing import StoreContract
from brickwork.testing.store_ledger import LedgerStoreContract
from brickwork.vault.sqlite import SqliteStore


class ReadsWithoutAVault(SqliteStore):
    """Takes a vault that is not there for one that remembers nothing."""

    def ledger(self, scope: bytes, keys: Sequence[bytes] | None = None) -> Sequence[LedgerRow]:
        try:
            return super().ledger(scope, keys)
        except BlockNotFound:
            return []


class CutsTheTime(SqliteStore):
    """Keeps whole seconds."""

    def put_ledger(self, row: LedgerRow) -> None:
        super().put_ledger(row._replace(expires_at=float(int(row.expires_at))))


class KeepsText(SqliteStore):
    """Takes what is sealed for text."""

    def put_ledger(self, row: LedgerRow) -> None:
        super().put_ledger(row._replace(sealed=row.sealed.decode("utf-8", "replace").encode()))


class HidesWhatHasEnded(SqliteStore):
    """Leaves rows out that have ended."""

    def ledger(self, scope: bytes, keys: Sequence[bytes] | None = None) -> Sequence[LedgerRow]:
        return [row for row in super().ledger(scope, keys) if row.expires_at > 1000]


class TakesNoKeysForAll(SqliteStore):
    """Returns everything where no key is asked for."""

    def ledger(self, scope: bytes, keys: Sequence[bytes] | None = None) -> Sequence[LedgerRow]:
        return super().ledger(scope, keys or None)


class FoldsCase(SqliteStore):
    """Compares keys as if they were words."""

    def ledger(self, scope: bytes, keys: Sequence[bytes] | None = None) -> Sequence[LedgerRow]:
        return super().ledger(scope, keys and [key.lower() for key in keys])


class KeepsTheFirst(SqliteStore):
    """Does not write over a row."""

    def put_ledger(self, row: LedgerRow) -> None:
        if not self.ledger(row.scope, [row.key]):
            super().put_ledger(row)


class KeepsTheTime(SqliteStore):
    """Writes over a row, but not over its end."""

    def put_ledger(self, row: LedgerRow) -> None:
        for old in self.ledger(row.scope, [row.key]):
            row = row._replace(expires_at=old.expires_at)
        super().put_ledger(row)


class RemovesTheScope(SqliteStore):
    """Removes all that a block remembers."""

    def remove_ledger(self, scope: bytes, keys: Sequence[bytes]) -> None:
        self._remove_scope(scope)


class RemovesOfEveryScope(SqliteStore):
    """Removes a key wherever it is."""

    def remove_ledger(self, scope: bytes, keys: Sequence[bytes]) -> None:
        for key in keys:
            self._write("DELETE FROM ledger WHERE key = ?", key)


class LeavesOrphans(SqliteStore):
    """Keeps what a block remembered that is gone."""

    def _remove_scope(self, scope: bytes) -> None:
        pass


class ForgetsOnRenaming(SqliteStore):
    """Takes a block of another name for another block."""

    def replace(self, record: Record) -> None:
        super().replace(record)
        self._remove_scope(record.block_id)


class KeepsKeysOfLedgers(SqliteStore):
    """Keeps a root key while a ledger has rows under it."""

    def remove_key(self, kid: bytes) -> None:
        if self._read("SELECT 1 FROM ledger WHERE kid = ?", kid):
            raise StoreError("it is needed")
        super().remove_key(kid)


class EndsLate(SqliteStore):
    """Takes a row that ends at the moment for one that goes on."""

    def remove_ended(self, moment: float, limit: int | None = None) -> int:
        return super().remove_ended(math.nextafter(moment, 0), limit)


class IgnoresTheLimit(SqliteStore):
    """Removes all at once."""

    def remove_ended(self, moment: float, limit: int | None = None) -> int:
        return super().remove_ended(moment)


class RemovesTheNewestFirst(SqliteStore):
    """Removes some, and not those that ended first."""

    def remove_ended(self, moment: float, limit: int | None = None) -> int:
        return self._write(
            "DELETE FROM ledger WHERE (scope, key) IN (SELECT scope, key FROM ledger"
            " WHERE expires_at <= ? ORDER BY expires_at DESC LIMIT ?)",
            moment,
            -1 if limit is None else limit,
        )


class CommitsAtOnce(SqliteStore):
    """Writes rows by a transaction of their own."""

    def put_ledger(self, row: LedgerRow) -> None:
        super().put_ledger(row)
        database = self._pool.handle().database
        assert database is not None
        database.execute("COMMIT")
        database.execute("BEGIN IMMEDIATE")


class PutsAtTheEnd(SqliteStore):
    """Keeps rows for the end of the transaction, which does not see them until then."""

    _waiting: list[LedgerRow] = []

    def put_ledger(self, row: LedgerRow) -> None:
        self._waiting.append(row)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with super().transaction():
            yield
            while self._waiting:
                super().put_ledger(self._waiting.pop(0))


class PutsAnywhere(SqliteStore):
    """Begins a transaction by itself where there is none."""

    def put_ledger(self, row: LedgerRow) -> None:
        try:
            super().put_ledger(row)
        except StoreError:
            with self.transaction():
                super().put_ledger(row)


class ReadsBeforeTheTransaction(SqliteStore):
    """Begins transactions late: what it read first may not be there any more."""

    _before: Sequence[LedgerRow] | None = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self.exists():
            self._before = super().ledger(b"a".ljust(16, b"\x00"))
        with super().transaction():
            yield
        self._before = None

    def ledger(self, scope: bytes, keys: Sequence[bytes] | None = None) -> Sequence[LedgerRow]:
        return super().ledger(scope, keys) if self._before is None else self._before


BROKEN: dict[type[SqliteStore], str] = {
    ReadsWithoutAVault: "test_ledgers_begin_empty",
    CutsTheTime: "test_ledger_rows_come_back_exactly",
    KeepsText: "test_ledger_rows_come_back_exactly",
    HidesWhatHasEnded: "test_ledger_rows_are_found_by_scope_and_key",
    TakesNoKeysForAll: "test_ledger_rows_are_found_by_scope_and_key",
    FoldsCase: "test_ledger_rows_are_found_by_scope_and_key",
    KeepsTheFirst: "test_a_ledger_row_replaces_the_one_before",
    KeepsTheTime: "test_a_ledger_row_replaces_the_one_before",
    RemovesTheScope: "test_ledger_rows_are_removed",
    RemovesOfEveryScope: "test_ledger_rows_are_removed",
    LeavesOrphans: "test_a_ledger_stays_and_goes_with_its_block",
    ForgetsOnRenaming: "test_a_ledger_stays_and_goes_with_its_block",
    KeepsKeysOfLedgers: "test_a_ledger_keeps_no_root_key",
    EndsLate: "test_ended_ledger_rows_are_removed",
    IgnoresTheLimit: "test_ended_ledger_rows_are_removed",
    RemovesTheNewestFirst: "test_ended_ledger_rows_are_removed",
    CommitsAtOnce: "test_a_ledger_belongs_to_its_transaction",
    PutsAtTheEnd: "test_a_ledger_belongs_to_its_transaction",
    PutsAnywhere: "test_writing_a_ledger_needs_a_transaction",
    ReadsBeforeTheTransaction: "test_many_writers_count_in_one_ledger",
}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda each: each.__name__)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_contract_notices(broken: type[SqliteStore], tmp_path: Path) -> None:
    """Each broken store fails the assertion that is there for its fault."""
    test = getattr(StoreContract(), BROKEN[broken])
    offered: dict[str, Any] = {
        "store": broken(tmp_path / "vault.db"),
        "open_store": lambda: broken(tmp_path / "vault.db"),
    }
    wanted = inspect.signature(test).parameters
    with pytest.raises((AssertionError, pytest.fail.Exception, StoreError)):
        test(**{name: offered[name] for name in wanted})
    offered["store"].close()


def test_every_assertion_has_a_store_that_it_catches() -> None:
    """No assertion about ledgers is there that nothing could fail."""
    assertions = {name for name in vars(LedgerStoreContract) if name.startswith("test_")}
    assert assertions == set(BROKEN.values())
