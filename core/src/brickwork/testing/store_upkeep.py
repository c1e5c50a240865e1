"""The part of the contract of stores that is about pruning, changing keys, and compacting."""

from collections.abc import Callable

import pytest

from brickwork import Record, Rewrap, Store, StoreError
from brickwork.testing.base import Contract
from brickwork.testing.store_inputs import KID, key, put, record

NEW = b"new key\xfe"
_BEFORE = b"before: it is to be replaced "
_AFTER = b"after: it replaces what was "


def _move(old: Record, **fields: bytes) -> Rewrap:
    return Rewrap(old, fields.get("kid", NEW), fields.get("sealed", b"again " + old.sealed))


def _rewrap(store: Store, *changes: Rewrap) -> int:
    with store.transaction():
        return store.rewrap(changes)


def _all_of(store: Store, kid: bytes, limit: int) -> list[Record]:
    """Read all documents of a root key, some at a time."""
    found: list[Record] = []
    while page := store.sealed_with(kid, limit, found[-1] if found else None):
        assert len(page) <= limit, "sealed_with() returned more than it was asked for."
        found += page
        assert len(found) < 1000, "sealed_with() goes round in circles: begin beyond `after`."
    return found


class UpkeepStoreContract(Contract):
    """How every store is kept up; a part of `StoreContract`, with its fixtures.

    Give ``stored_bytes`` too if the store's files are within reach.
    """

    @pytest.fixture
    def stored_bytes(self) -> Callable[[], bytes] | None:
        """A function that returns every byte of the store's files; None where that cannot be."""
        return None

    # Pruning

    def test_versions_are_removed(self, store: Store) -> None:
        """Those that are named, with what they used; the count is told; the others stay."""
        uses = ("secret/b",)
        put(store, record("b"), *(record(version=v, uses=uses) for v in (1, 2, 3, 4)))
        with store.transaction():
            assert store.remove_versions(record().block_id, [1, 3, 3, 17]) == 2, (
                "remove_versions() returns how many there were to remove."
            )
        assert [each.version for each in store.versions("secret", "a")] == [2, 4]
        assert store.get("secret", "a", 3) is None
        users = store.users_of("secret", "b", history=True)
        assert [user.version for user in users] == [2, 4], "What a removed version used is gone."
        assert store.versions("secret", "b") == [record("b")], "Another block lost a version."
        put(store, record(version=5))
        assert store.get("secret", "a") == record(version=5), "The next version follows the newest."

    def test_the_newest_version_is_not_removed(self, store: Store) -> None:
        """StoreError, and none of the others is removed either."""
        put(store, record(), record(version=2))
        with pytest.raises(StoreError), store.transaction():
            store.remove_versions(record().block_id, [1, 2])
        assert store.versions("secret", "a") == [record(), record(version=2)]

    # Documents by root key

    def test_documents_are_counted_by_root_key(self, store: Store) -> None:
        """All versions of all blocks count."""
        with store.transaction():
            pass
        assert dict(store.documents_by_key()) == {}
        put(store, record(), record(version=2, kid=NEW), record("b"), record("c", kid=NEW))
        put(store, record(version=3))
        assert dict(store.documents_by_key()) == {KID: 3, NEW: 2}, (
            "documents_by_key() counts every version, not only the newest."
        )

    @pytest.mark.parametrize("limit", [1, 2, 7, 100])
    def test_documents_of_a_root_key_are_found(self, store: Store, limit: int) -> None:
        """Each once, whole, whatever the size of the pages; no others."""
        mine = [record(name, version) for name in "abc" for version in (1, 2, 3)]
        put(store, *mine, record("other", kid=NEW))
        found = _all_of(store, KID, limit)
        assert sorted(found) == sorted(mine), (
            "Page by page, sealed_with() must return every version once, with what is sealed."
        )
        assert store.sealed_with(NEW, 10) == [record("other", kid=NEW)]
        assert store.sealed_with(b"no such.", 10) == []

    def test_pages_go_on_after_a_document_that_moved_or_went(self, store: Store) -> None:
        """Beyond one that has another root key by now; where it is gone, nothing is left out."""
        mine = [record(name, version) for name in "abc" for version in (1, 2)]
        put(store, *mine)
        first = store.sealed_with(KID, 3)
        assert _rewrap(store, *map(_move, first)) == 3
        rest = store.sealed_with(KID, 10, first[-1])
        assert sorted([*first, *rest]) == sorted(mine), "Moving `after` must not lose the place."
        with store.transaction():
            store.remove(rest[0].block_id)
        left = {each for each in rest if each.block_id != rest[0].block_id}
        assert left <= set(store.sealed_with(KID, 10, rest[0])), (
            "Where `after` is gone, begin anew: leaving documents out would lose them."
        )

    # Rewrapping

    def test_rewrapping_changes_the_wrapping_only(self, store: Store) -> None:
        """Root key and what is sealed are as given; all else of the document stays."""
        put(store, record(), record(version=2, uses=("secret/b",)), record("b"))
        changes = [_move(record()), _move(record(version=2))]
        assert _rewrap(store, *changes) == 2, "rewrap() returns how many it changed."
        for change in changes:
            found = store.get("secret", "a", change.record.version)
            assert found == change.record._replace(kid=NEW, sealed=change.sealed)
        assert store.get("secret", "b") == record("b"), "It changed another document."
        assert len(store.users_of("secret", "b")) == 1
        assert dict(store.documents_by_key()) == {KID: 1, NEW: 2}
        assert _rewrap(store) == 0

    def test_rewrapping_compares_and_sets(self, store: Store) -> None:
        """What was changed, rewrapped or removed since it was read stays as it is."""
        changed, moved, gone, same = (record(name) for name in ("changed", "moved", "gone", "same"))
        put(store, changed, moved, gone, same)
        with store.transaction():
            store.replace(changed._replace(sealed=b"meanwhile"))
            store.replace(moved._replace(kid=b"a third."))
            store.remove(gone.block_id)
        assert _rewrap(store, *map(_move, (changed, moved, gone, same))) == 1, (
            "rewrap() must compare the root key and what is sealed with what was read."
        )
        assert store.get("secret", "changed") == changed._replace(sealed=b"meanwhile"), (
            "rewrap() wrote over a change: a save was lost."
        )
        assert store.get("secret", "moved") == moved._replace(kid=b"a third.")
        assert store.get("secret", "gone") is None
        assert store.get("secret", "same") == _move(same).record._replace(
            kid=NEW, sealed=_move(same).sealed
        )

    # Root keys

    def test_wraps_are_counted_many_at_once(self, store: Store) -> None:
        """`count_wrap` adds as many as it is told, one without a number."""
        with store.transaction():
            store.put_key(key())
            counts = [store.count_wrap(KID), store.count_wrap(KID, 500), store.count_wrap(KID)]
        assert counts == [1, 501, 502], "count_wrap() adds `times`, and returns the sum."
        assert store.keys()[0].wraps == 502

    def test_an_encryption_anew_is_kept_with_the_active_key(self, store: Store) -> None:
        """`renews` comes back until it is taken back, or another key becomes the active one."""
        with store.transaction():
            store.put_key(key(renews=True))
        assert store.keys() == [key(renews=True)], "renews must come back."
        with store.transaction():
            store.put_key(key())
        assert store.keys() == [key()], "Writing the active key without renews takes it back."
        with store.transaction():
            store.put_key(key(renews=True))
        with store.transaction():
            store.put_key(key(NEW))
        assert not any(each.renews for each in list(store.keys())), "Only the active key's counts."
        with store.transaction():
            store.put_key(key(NEW, renews=True))
            store.put_key(key(active=False))
        assert [each.renews for each in list(store.keys())] == [False, True], (
            "Writing another key that is not active must not take it back."
        )

    def test_a_root_key_is_removed(self, store: Store) -> None:
        """The one, not the others; twice is no error."""
        with store.transaction():
            store.put_key(key())
            store.put_key(key(NEW))
        for _ in range(2):
            with store.transaction():
                store.remove_key(KID)
            assert store.keys() == [key(NEW)]

    def test_a_root_key_that_is_needed_stays(self, store: Store) -> None:
        """While it is active, and while any version needs it."""
        newest = b"newest.."
        with store.transaction():
            for kid in (KID, newest, NEW):
                store.put_key(key(kid))
            store.put(record())
            store.put(record(version=2, kid=newest))
        for kid, what in (
            (NEW, "it is active"),
            (KID, "an old version needs it"),
            (newest, "the newest version needs it"),
        ):
            with pytest.raises(StoreError), store.transaction():
                store.remove_key(kid)
            assert kid in [each.kid for each in list(store.keys())], (
                f"It was removed, though {what}."
            )

    # Transactions

    def test_upkeep_needs_a_transaction(self, store: Store) -> None:
        """Outside of one it is refused, and an exception leaves nothing; compacting needs none."""
        put(store, record(), record(version=2))
        with store.transaction():
            store.put_key(key(active=False))
            store.put_key(key(NEW))
        for write in (
            lambda: store.remove_versions(record().block_id, [1]),
            lambda: store.rewrap([_move(record())]),
            lambda: store.remove_key(b"unknown_"),
        ):
            with pytest.raises(StoreError):
                write()
        with pytest.raises(ValueError, match="stop"), store.transaction():
            store.rewrap([_move(record()), _move(record(version=2))])
            store.remove_versions(record().block_id, [1])
            store.remove_key(KID)
            raise ValueError("stop")
        assert store.versions("secret", "a") == [record(), record(version=2)]
        assert [each.kid for each in list(store.keys())] == [KID, NEW]
        with pytest.raises(StoreError), store.transaction():
            store.compact()

    # Compacting

    def test_compacting_keeps_everything(
        self, store: Store, open_store: Callable[[], Store]
    ) -> None:
        """All that was saved is there, here and for others that have the store open."""
        other = open_store()
        kept = [record(f"n{number}", sealed=b"x" * 5000) for number in range(20)]
        put(store, *kept, *(record(f"gone-{number}", public=b"y" * 5000) for number in range(20)))
        assert other.heads(), "The other one has read something."
        with store.transaction():
            for number in range(20):
                store.remove(record(f"gone-{number}").block_id)
        before = store.store_id
        store.compact()
        for each in (store, other):
            assert [each.get("secret", one.name) for one in kept] == kept, "compact() lost some."
            assert each.store_id == before
        put(other, record("after"))
        assert store.get("secret", "after") == record("after")
        other.close()

    def test_compacting_leaves_no_byte_of_what_was_replaced(
        self, store: Store, stored_bytes: Callable[[], bytes] | None
    ) -> None:
        """In no file of the store: what was rewrapped, written anew, or removed."""
        if stored_bytes is None:
            pytest.skip("the files of this store are not within reach")
        old = [
            record(f"n{number}", sealed=_BEFORE * (1 + number * 20) + b"%d" % number)
            for number in range(60)
        ]
        put(store, *old)
        assert _BEFORE in stored_bytes(), "stored_bytes() must return what the store has."
        with store.transaction():
            for number, each in enumerate(old):
                if number % 3 == 0:
                    store.remove(each.block_id)
                elif number % 3 == 1:
                    store.replace(each._replace(sealed=_AFTER))
            store.rewrap([_move(each, sealed=_AFTER) for each in old])
        store.compact()
        left = stored_bytes()
        assert _AFTER in left
        assert _BEFORE[:12] not in left, (
            "Bytes of replaced ciphertexts are in the files after compact()."
        )
