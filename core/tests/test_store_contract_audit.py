"""The contract notices stores that do not keep the audit trail as it must be kept."""

import inspect
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from brickwork import AuditRow, BlockNotFound, StoreError, VersionConflict
from brickwork.testing import StoreContract
from brickwork.testing.store_audit import AuditStoreContract
from brickwork.vault.sqlite import SqliteStore


class BeginsByItself(SqliteStore):
    """Puts a first row into every new trail."""

    def last_audit(self) -> AuditRow | None:
        return super().last_audit() or AuditRow(0, b"begin", b"", b"")


class ReadsWithoutAVault(SqliteStore):
    """Takes a vault that is not there for one whose trail is empty."""

    def audit_rows(self, after: int = 0, limit: int | None = None) -> Sequence[AuditRow]:
        try:
            return super().audit_rows(after, limit)
        except BlockNotFound:
            return []


class KeepsText(SqliteStore):
    """Takes contents for text."""

    def append_audit(self, row: AuditRow) -> None:
        super().append_audit(row._replace(content=row.content.decode("utf-8", "replace").encode()))


class LosesEmptyContents(SqliteStore):
    """Gives an empty content back as something else than bytes."""

    def audit_rows(self, after: int = 0, limit: int | None = None) -> Sequence[AuditRow]:
        rows = super().audit_rows(after, limit)
        return [row._replace(content=row.content or bytearray()) for row in rows]  # type: ignore[arg-type]  # wrong on purpose


class SortsAsText(SqliteStore):
    """Sorts positions like words."""

    def audit_rows(self, after: int = 0, limit: int | None = None) -> Sequence[AuditRow]:
        return sorted(super().audit_rows(after, limit), key=lambda row: str(row.position))


class CountsFromThePosition(SqliteStore):
    """Gives the row of the position itself too."""

    def audit_rows(self, after: int = 0, limit: int | None = None) -> Sequence[AuditRow]:
        return super().audit_rows(max(after - 1, -(2**63)), limit)


class IgnoresTheLimit(SqliteStore):
    """Gives all, whatever was asked for."""

    def audit_rows(self, after: int = 0, limit: int | None = None) -> Sequence[AuditRow]:
        return super().audit_rows(after)


class ReadsBackwardsFromTheStart(SqliteStore):
    """Takes the first of those before a position instead of the last."""

    def audit_rows_before(self, position: int, limit: int) -> Sequence[AuditRow]:
        return [row for row in self.audit_rows() if row.position < position][:limit][::-1]


class LastIsFirst(SqliteStore):
    """Takes the oldest row for the last."""

    def last_audit(self) -> AuditRow | None:
        rows = self.audit_rows(limit=1)
        return rows[0] if rows else None


class AllowsGaps(SqliteStore):
    """Appends at any position beyond the last."""

    def append_audit(self, row: AuditRow) -> None:
        try:
            super().append_audit(row)
        except VersionConflict:
            last = self.last_audit()
            if last is not None and row.position <= last.position:
                raise
            self._write("INSERT INTO audit VALUES (?, ?, ?, ?)", *row)


class Renumbers(SqliteStore):
    """Gives every row the next position, whatever it says."""

    def append_audit(self, row: AuditRow) -> None:
        last = self.last_audit()
        super().append_audit(row._replace(position=1 if last is None else last.position + 1))


class ForgivesDuplicates(SqliteStore):
    """Lets a row of a position that is taken pass in silence."""

    def append_audit(self, row: AuditRow) -> None:
        if row not in self.audit_rows():
            try:
                super().append_audit(row)
            except VersionConflict:
                if not any(row.position == each.position for each in self.audit_rows()):
                    raise


class CommitsAtOnce(SqliteStore):
    """Writes rows of the trail by a transaction of their own."""

    def append_audit(self, row: AuditRow) -> None:
        super().append_audit(row)
        database = self._pool.handle().database
        assert database is not None
        database.execute("COMMIT")
        database.execute("BEGIN IMMEDIATE")


class AppendsAtTheEnd(SqliteStore):
    """Keeps rows for the end of the transaction, which does not see them until then."""

    _waiting: list[AuditRow] = []

    def append_audit(self, row: AuditRow) -> None:
        self._waiting.append(row)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with super().transaction():
            yield
            while self._waiting:
                super().append_audit(self._waiting.pop(0))


class AppendsAnywhere(SqliteStore):
    """Begins a transaction by itself where there is none."""

    def append_audit(self, row: AuditRow) -> None:
        try:
            super().append_audit(row)
        except VersionConflict:
            raise
        except StoreError:
            with self.transaction():
                super().append_audit(row)


class ForgetsTheTrailOfAKey(SqliteStore):
    """Removes the rows of a root key together with it."""

    def remove_key(self, kid: bytes) -> None:
        super().remove_key(kid)
        self._write("DROP TRIGGER audit_is_not_removed")
        self._write("DELETE FROM audit WHERE kid = ?", kid)


class KeepsEveryKey(SqliteStore):
    """Says of every root key that it is needed."""

    def remove_key(self, kid: bytes) -> None:
        raise StoreError("it is needed")


class ReadsAnOldSnapshot(SqliteStore):
    """Reads the last row from what was there before the transaction began."""

    def last_audit(self) -> AuditRow | None:
        with closing(sqlite3.connect(self.path)) as database:
            rows = database.execute("SELECT * FROM audit ORDER BY position DESC LIMIT 1").fetchall()
        return AuditRow._make(rows[0]) if rows else None


BROKEN: dict[type[SqliteStore], str] = {
    BeginsByItself: "test_an_audit_trail_begins_empty",
    ReadsWithoutAVault: "test_an_audit_trail_begins_empty",
    KeepsText: "test_audit_rows_come_back_exactly",
    LosesEmptyContents: "test_audit_rows_come_back_exactly",
    SortsAsText: "test_audit_rows_are_read_in_parts",
    CountsFromThePosition: "test_audit_rows_are_read_in_parts",
    IgnoresTheLimit: "test_audit_rows_are_read_in_parts",
    ReadsBackwardsFromTheStart: "test_audit_rows_are_read_in_parts",
    LastIsFirst: "test_audit_rows_are_read_in_parts",
    AllowsGaps: "test_an_audit_row_must_follow_the_last_one",
    Renumbers: "test_an_audit_row_must_follow_the_last_one",
    ForgivesDuplicates: "test_an_audit_row_must_follow_the_last_one",
    CommitsAtOnce: "test_an_audit_row_belongs_to_its_transaction",
    AppendsAtTheEnd: "test_an_audit_row_belongs_to_its_transaction",
    ReadsAnOldSnapshot: "test_an_audit_row_belongs_to_its_transaction",
    AppendsAnywhere: "test_appending_to_the_audit_trail_needs_a_transaction",
    ForgetsTheTrailOfAKey: "test_the_audit_trail_outlives_its_root_keys",
    KeepsEveryKey: "test_the_audit_trail_outlives_its_root_keys",
}


class ReadsBeforeTheTransaction(SqliteStore):
    """Begins transactions late: what it read first may not be the last any more."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self.exists():
            self._read_before = super().last_audit()
        with super().transaction():
            yield

    def last_audit(self) -> AuditRow | None:
        return self._read_before


BROKEN[ReadsBeforeTheTransaction] = "test_many_writers_make_one_audit_trail"


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
    with pytest.raises((AssertionError, pytest.fail.Exception, VersionConflict, StoreError)):
        test(**{name: offered[name] for name in wanted})
    offered["store"].close()


def test_every_assertion_has_a_store_that_it_catches() -> None:
    """No assertion about the trail is there that nothing could fail."""
    assertions = {name for name in vars(AuditStoreContract) if name.startswith("test_")}
    assert assertions == set(BROKEN.values())
