"""The part of the contract of stores that is about the ledgers of blocks."""

import math
import threading
from collections.abc import Callable
from typing import Any

import pytest

from brickwork import BlockNotFound, LedgerRow, Store, StoreError
from brickwork.testing.base import Contract
from brickwork.testing.concurrent import in_threads
from brickwork.testing.store_inputs import KID, key, put, record

_SCOPE = record().block_id
_OTHER = record("b").block_id
_END = 1_800_000_000.123456


def _row(name: bytes = b"key", **fields: Any) -> LedgerRow:
    return LedgerRow(_SCOPE, name, KID, b"sealed " + name, _END)._replace(**fields)


def _put(store: Store, *rows: LedgerRow) -> None:
    with store.transaction():
        for row in rows:
            store.put_ledger(row)


class LedgerStoreContract(Contract):
    """How every store must keep the ledgers of blocks; a part of `StoreContract`."""

    def test_ledgers_begin_empty(self, store: Store) -> None:
        """There are no rows in a new vault; before it is made, reading raises BlockNotFound."""
        for keys in (None, [b"key"]):
            with pytest.raises(BlockNotFound):
                store.ledger(_SCOPE, keys)
        with store.transaction():
            assert list(store.ledger(_SCOPE)) == [], "A transaction sees those of a new vault."
        assert list(store.ledger(_SCOPE)) == []
        assert list(store.ledger(_SCOPE, [b"key"])) == []

    def test_ledger_rows_come_back_exactly(
        self, store: Store, open_store: Callable[[], Store]
    ) -> None:
        """Every byte and the whole time, also after opening the store again."""
        every = bytes(range(256))
        rows = [
            _row(every, kid=every[-8:], sealed=every),
            _row(b"", sealed=b"", expires_at=0.0),
            _row(b"\x00", sealed=b"x" * 2**20, expires_at=0.1),
            _row(b"\xff not UTF-8", expires_at=math.nextafter(_END, math.inf)),
        ]
        _put(store, *rows)
        store.close()
        other = open_store()
        found = sorted(other.ledger(_SCOPE))
        assert found == sorted(rows), "What was put must come back as it was."
        assert all(type(row.sealed) is bytes for row in found), "Contents are bytes."
        for row in rows:
            assert list(other.ledger(_SCOPE, [row.key])) == [row]
        other.close()

    def test_ledger_rows_are_found_by_scope_and_key(self, store: Store) -> None:
        """Those of one scope, or of the keys that are asked for; also those that have ended."""
        mine = [_row(b"a"), _row(b"b", expires_at=1.0), _row(b"c")]
        other = _row(b"a", scope=_OTHER)
        _put(store, *mine, other)
        assert sorted(store.ledger(_SCOPE)) == mine, (
            "ledger() returns every row of the scope, and no other scope's; time does not matter."
        )
        assert sorted(store.ledger(_SCOPE, [b"b", b"a", b"none"])) == mine[:2], (
            "ledger() returns the rows of the keys that are there."
        )
        assert list(store.ledger(_SCOPE, [b"A"])) == [], "Keys are compared as bytes."
        assert list(store.ledger(_SCOPE, [])) == [], "No keys, no rows."
        assert list(store.ledger(_OTHER, [b"a"])) == [other]
        assert list(store.ledger(b"another scope...")) == []

    def test_a_ledger_row_replaces_the_one_before(self, store: Store) -> None:
        """The one with its scope and key; the same key of another scope stays."""
        other = _row(scope=_OTHER)
        _put(store, _row(), other)
        anew = _row(kid=b"12345678", sealed=b"anew", expires_at=_END - 5)
        _put(store, anew)
        assert list(store.ledger(_SCOPE)) == [anew], "put_ledger() replaces the whole row."
        assert list(store.ledger(_OTHER)) == [other], "It changed another block's ledger."

    def test_ledger_rows_are_removed(self, store: Store) -> None:
        """Those of the keys that are given, and no others; twice is no error."""
        _put(store, _row(b"a"), _row(b"b"), _row(b"c"), _row(b"a", scope=_OTHER))
        for _ in range(2):
            with store.transaction():
                store.remove_ledger(_SCOPE, [b"a", b"c", b"none"])
            assert list(store.ledger(_SCOPE)) == [_row(b"b")]
        assert len(store.ledger(_OTHER)) == 1, "It changed another block's ledger."

    def test_a_ledger_stays_and_goes_with_its_block(self, store: Store) -> None:
        """A block that is renamed keeps it, a block that is removed takes it along."""
        put(store, record(), record("b"))
        _put(store, _row(b"a"), _row(b"b"), _row(b"a", scope=_OTHER))
        with store.transaction():
            store.replace(record()._replace(name="renamed"))
        assert len(store.ledger(_SCOPE)) == 2, "The scope is the block's id, which stays."
        with store.transaction():
            store.remove(_SCOPE)
        assert list(store.ledger(_SCOPE)) == [], "remove() removes the block's ledger too."
        assert list(store.ledger(_OTHER)) == [_row(b"a", scope=_OTHER)]

    def test_a_ledger_keeps_no_root_key(self, store: Store) -> None:
        """A root key that only ledgers need can be removed."""
        with store.transaction():
            store.put_key(key(active=False))
            store.put_ledger(_row())
        with store.transaction():
            store.remove_key(KID)
        assert list(store.keys()) == [], "What blocks remember must not keep a root key."

    def test_ended_ledger_rows_are_removed(self, store: Store) -> None:
        """Of every scope, the ones that ended first before others, as many as are asked for."""
        ends = [5.0, 1.0, 4.0, 2.0, 3.0, 6.0]
        rows = {end: _row(b"%d" % end, expires_at=end) for end in ends}
        rows[3.0] = rows[3.0]._replace(scope=_OTHER)
        _put(store, *rows.values())

        def left() -> list[float]:
            found = [*store.ledger(_SCOPE), *store.ledger(_OTHER)]
            return sorted(row.expires_at for row in found)

        def remove(moment: float, limit: int | None = None) -> int:
            with store.transaction():
                return store.remove_ended(moment, limit)

        assert remove(0.999) == 0, "Nothing has ended before the first one ends."
        assert remove(5.0, 2) == 2, "remove_ended() returns how many it removed."
        assert left() == [3.0, 4.0, 5.0, 6.0], "At most so many; those that ended first go first."
        assert remove(4.0) == 2, "What ends at the moment has ended; without a limit, all go."
        assert left() == [5.0, 6.0]
        assert remove(math.inf, 100) == 2, "Every row ends before infinity."
        assert left() == []
        assert remove(math.inf) == 0

    def test_a_ledger_belongs_to_its_transaction(
        self, store: Store, open_store: Callable[[], Store]
    ) -> None:
        """Seen inside at once, by others after the commit, and never after an exception."""
        _put(store, _row(b"a"))
        other = open_store()
        with store.transaction():
            store.put_ledger(_row(b"b"))
            store.remove_ledger(_SCOPE, [b"a"])
            assert list(store.ledger(_SCOPE)) == [_row(b"b")], "It must see what it wrote."
            assert list(other.ledger(_SCOPE)) == [_row(b"a")], "Nobody else sees it yet."
        assert list(other.ledger(_SCOPE)) == [_row(b"b")]
        with pytest.raises(ValueError, match="undo"), store.transaction():
            store.put_ledger(_row(b"c"))
            store.remove_ledger(_SCOPE, [b"b"])
            store.remove_ended(math.inf)
            raise ValueError("undo")
        assert list(store.ledger(_SCOPE)) == [_row(b"b")], "It was not rolled back."
        other.close()

    def test_writing_a_ledger_needs_a_transaction(self, store: Store) -> None:
        """Outside of one it is refused."""
        _put(store, _row())
        for write in (
            lambda: store.put_ledger(_row(b"b")),
            lambda: store.remove_ledger(_SCOPE, [b"key"]),
            lambda: store.remove_ended(math.inf),
        ):
            with pytest.raises(StoreError):
                write()
        assert list(store.ledger(_SCOPE)) == [_row()]

    def test_many_writers_count_in_one_ledger(
        self, store: Store, open_store: Callable[[], Store]
    ) -> None:
        """Who reads a row and writes it in one transaction loses nobody's count."""
        _put(store, _row(sealed=b"0"))
        barrier = threading.Barrier(4)

        def work() -> None:
            mine = open_store()
            barrier.wait()
            for _ in range(10):
                with mine.transaction():
                    [row] = mine.ledger(_SCOPE, [b"key"])
                    mine.put_ledger(row._replace(sealed=b"%d" % (int(row.sealed) + 1)))
            mine.close()

        in_threads([work] * 4)
        assert store.ledger(_SCOPE)[0].sealed == b"40", (
            "Transactions must wait for each other, or counts are lost."
        )
