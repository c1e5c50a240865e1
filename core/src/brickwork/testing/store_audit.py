"""The part of the contract of stores that is about the audit trail."""

import os
import threading
from collections.abc import Callable
from typing import Any

import pytest

from brickwork import AuditRow, BlockNotFound, Store, StoreError, VersionConflict, WrappedKey
from brickwork.testing.base import Contract
from brickwork.testing.concurrent import in_threads

_KID = b"\x00kid\xff\x01\x02\x03"
_OLD = "2020-01-01T00:00:00.000001+00:00"


def _row(position: int, **fields: Any) -> AuditRow:
    plain = AuditRow(position, b'{"action":"save %d"}' % position, _KID, b"%032d" % position)
    return plain._replace(**fields)


def _append(store: Store, *rows: AuditRow) -> None:
    with store.transaction():
        for row in rows:
            store.append_audit(row)


class AuditStoreContract(Contract):
    """How every store must keep the audit trail; a part of `StoreContract`, with its fixtures."""

    def test_an_audit_trail_begins_empty(self, store: Store) -> None:
        """There are no rows in a new vault; before it is made, reading raises BlockNotFound."""
        for read in (
            store.last_audit,
            store.audit_rows,
            lambda: store.audit_rows_before(10, 10),
        ):
            with pytest.raises(BlockNotFound):
                read()
        with store.transaction():
            assert store.last_audit() is None, "A transaction sees the trail of a new vault."
        assert store.last_audit() is None
        assert list(store.audit_rows()) == []
        assert list(store.audit_rows_before(2**63 - 1, 10)) == []

    def test_audit_rows_come_back_exactly(
        self, store: Store, open_store: Callable[[], Store]
    ) -> None:
        """Every byte of them, whatever its value, also after opening the store again."""
        every = bytes(range(256))
        rows = [
            _row(1, content=every, kid=every[-8:], mac=every[:32]),
            _row(2, content=b"", kid=b"\x00" * 8, mac=b"\xff" * 32),
            _row(3, content=os.urandom(2**20)),
            _row(4, content=b"\xff\xfe not UTF-8 \x00 {"),
        ]
        _append(store, *rows)
        store.close()
        other = open_store()
        assert list(other.audit_rows()) == rows, "What was appended must come back as it was."
        assert type(other.audit_rows()[1].content) is bytes, "Contents are bytes, empty ones too."
        assert other.last_audit() == rows[-1]
        other.close()

    def test_audit_rows_are_read_in_parts(self, store: Store) -> None:
        """Forwards from a position and backwards from one, as many as are asked for."""
        rows = [_row(position) for position in range(1, 13)]  # more than one digit
        _append(store, *rows)
        assert store.last_audit() == rows[-1], "last_audit() is the one of the highest position."
        assert list(store.audit_rows()) == rows, "audit_rows() is in order of position."
        assert list(store.audit_rows(-(2**63))) == rows
        assert list(store.audit_rows(3, 4)) == rows[3:7], "`after` is not among them."
        assert list(store.audit_rows(10, 100)) == rows[10:]
        assert list(store.audit_rows(12)) == []
        assert list(store.audit_rows(2**63 - 1)) == []
        assert list(store.audit_rows(3, 0)) == []
        backwards = rows[::-1]
        assert list(store.audit_rows_before(2**63 - 1, 100)) == backwards, "The newest come first."
        assert list(store.audit_rows_before(10, 4)) == backwards[3:7], "Below 10, not from it on."
        assert list(store.audit_rows_before(1, 4)) == []

    def test_an_audit_row_must_follow_the_last_one(self, store: Store) -> None:
        """One that does not raises VersionConflict, and nothing of its transaction stays."""
        for wrong in (0, 2, -1):
            with pytest.raises(VersionConflict):
                _append(store, _row(wrong))
        _append(store, _row(1), _row(2))
        for wrong in (1, 2, 4, 0, -1, 2**62):
            with pytest.raises(VersionConflict):
                _append(store, _row(wrong, content=b"changed"))
            with pytest.raises(VersionConflict):
                _append(store, _row(3), _row(3, content=b"changed"))
            assert list(store.audit_rows()) == [_row(1), _row(2)], (
                "A refused row changed the trail."
            )
        _append(store, _row(3))
        assert store.last_audit() == _row(3)

    def test_an_audit_row_belongs_to_its_transaction(
        self, store: Store, open_store: Callable[[], Store]
    ) -> None:
        """It is seen inside at once, by others after the commit, and never after an exception."""
        _append(store, _row(1))
        other = open_store()
        with store.transaction():
            store.append_audit(_row(2))
            assert store.last_audit() == _row(2), "A transaction must see what it appended."
            assert list(store.audit_rows_before(9, 1)) == [_row(2)]
            assert other.last_audit() == _row(1), "Nobody else sees what is not committed."
        assert other.last_audit() == _row(2)
        with pytest.raises(ValueError, match="undo"), store.transaction():
            store.append_audit(_row(3))
            raise ValueError("undo")
        assert list(store.audit_rows()) == [_row(1), _row(2)], "It was not rolled back."
        other.close()

    def test_appending_to_the_audit_trail_needs_a_transaction(self, store: Store) -> None:
        """Outside of one it is refused."""
        _append(store, _row(1))
        with pytest.raises(StoreError):
            store.append_audit(_row(2))
        assert store.last_audit() == _row(1)

    def test_the_audit_trail_outlives_its_root_keys(self, store: Store) -> None:
        """A root key that made a code can be removed, and no row goes with it or changes."""
        with store.transaction():
            store.put_key(WrappedKey(_KID, "file", b"w", _OLD, False, 0))
            store.append_audit(_row(1))
        with store.transaction():
            store.remove_key(_KID)
        assert list(store.keys()) == [], "A key that no document needs may go."
        assert list(store.audit_rows()) == [_row(1)], "The audit trail is only added to."

    def test_many_writers_make_one_audit_trail(
        self, store: Store, open_store: Callable[[], Store]
    ) -> None:
        """Who reads the last row and appends in one transaction never meets somebody else there."""
        with store.transaction():
            pass
        barrier = threading.Barrier(4)

        def work() -> None:
            mine = open_store()
            barrier.wait()
            for _ in range(10):
                with mine.transaction():
                    last = mine.last_audit()
                    mine.append_audit(_row(1 if last is None else last.position + 1))
            mine.close()

        in_threads([work] * 4)
        assert list(store.audit_rows()) == [_row(position) for position in range(1, 41)], (
            "Transactions must wait for each other, or one of two that appended is lost."
        )
