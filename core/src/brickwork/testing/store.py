"""The contract of stores."""

import os
import threading
from collections.abc import Callable, Iterator

import pytest

from brickwork import BlockNotFound, Store, StoreError, VersionConflict
from brickwork.testing.concurrent import CheckedThread, in_threads
from brickwork.testing.store_audit import AuditStoreContract
from brickwork.testing.store_inputs import KID, key, put, record
from brickwork.testing.store_ledger import LedgerStoreContract
from brickwork.testing.store_upkeep import UpkeepStoreContract


class StoreContract(AuditStoreContract, LedgerStoreContract, UpkeepStoreContract):
    """What every store must do.

    Give one fixture, ``open_store``: a function that makes a store on a location that is fresh for
    each test, and the same at every call in it.
    """

    @pytest.fixture
    def open_store(self) -> Callable[[], Store]:
        """A function that makes one more store on the same, at first empty, location."""
        raise NotImplementedError("the contract needs a fixture `open_store`")

    @pytest.fixture
    def store(self, open_store: Callable[[], Store]) -> Iterator[Store]:
        """A store that is closed afterwards."""
        store = open_store()
        yield store
        store.close()

    # Being there

    def test_there_is_no_vault_before_the_first_transaction(self, store: Store) -> None:
        """`exists` is false, reading raises BlockNotFound, and neither makes anything."""
        assert not store.exists(), "exists() must be false before anything was written."
        for read in (store.heads, store.keys, lambda: store.get("secret", "a")):
            with pytest.raises(BlockNotFound):
                read()
        assert not store.exists(), "Reading made a vault; only a transaction may."
        with store.transaction():
            pass
        assert store.exists(), "A transaction makes the vault, also one that writes nothing."
        assert store.heads() == []
        assert store.location, "location names the place, for messages."

    def test_the_id_stays(self, store: Store, open_store: Callable[[], Store]) -> None:
        """`store_id` is 16 bytes that every connection sees, made once."""
        with store.transaction():
            inside = store.store_id
        other = open_store()
        try:
            assert len(inside) == 16, "store_id must be 16 random bytes."
            assert store.store_id == inside == other.store_id, "store_id must never change."
        finally:
            other.close()

    # Records

    def test_records_come_back_exactly(self, store: Store) -> None:
        """Every byte of every field, whatever its value."""
        every = bytes(range(256))
        odd = record(
            "Odd.name_1-x",
            block_id=every[:16],
            slug="basic-auth",
            schema_version=2**31,
            saved_by="n\u00e4me\U0001f511@h\x01st 'quoted\"",
            kid=every[-8:],
            public=every * 3,
            sealed=every[::-1] + b"\x00",
        )
        large = record("large", public=b"x" * 2**20, sealed=os.urandom(2**20))
        empty = record("empty", public=b"", sealed=b"", saved_by="")
        put(store, odd, large, empty)
        for each in (odd, large, empty):
            found = store.get(each.slug, each.name)
            assert found == each, "get() must return what put() was given."
            assert type(found.public) is bytes, "public and sealed must come back as bytes."
            assert store.versions(each.slug, each.name) == [each]

    def test_versions_are_kept(self, store: Store) -> None:
        """Each by its number, the newest without one; nothing for what is not there."""
        records = [record(version=version) for version in (1, 2, 3)]
        put(store, *records)
        assert store.get("secret", "a") == records[2]
        assert [store.get("secret", "a", version) for version in (1, 2, 3)] == records
        assert store.versions("secret", "a") == records, "versions() is in order, oldest first."
        for version in (0, 4, -1, 2**63, 2**200):
            assert store.get("secret", "a", version) is None
        for slug, name in (("secret", "A"), ("secret", ""), ("basic-auth", "a"), ("%", "%")):
            assert store.get(slug, name) is None, "Names are compared exactly; case counts."
            assert store.versions(slug, name) == []

    def test_heads_are_sorted_and_without_what_is_sealed(self, store: Store) -> None:
        """One for each block, the newest, by slug and name; of one slug where that is asked for."""
        put(store, record("b"), record("a"), record("a", 2), record("B"))
        put(store, record("z", slug="aaa"))
        heads = store.heads()
        assert [(head.slug, head.name, head.version) for head in heads] == [
            ("aaa", "z", 1),
            ("secret", "B", 1),
            ("secret", "a", 2),
            ("secret", "b", 1),
        ], "heads() lists newest versions by slug and name, in the order of code points."
        assert {head.sealed for head in heads} == {b""}, "Listings never need what is sealed."
        assert [head.name for head in store.heads("aaa")] == ["z"]
        assert store.heads("none") == []

    def test_users_are_found(self, store: Store) -> None:
        """What refers to a block now, and with history what ever did."""
        put(
            store,
            record("child"),
            record("now", uses=("secret/child", "secret/other")),
            record("before", uses=("secret/child",)),
            record("before", 2),
            record("never", uses=("secret/child2",)),
        )

        def users(history: bool) -> list[tuple[str, int]]:
            found = store.users_of("secret", "child", history=history)
            return [(user.name, user.version) for user in found]

        assert users(False) == [("now", 1)]
        assert users(True) == [("before", 1), ("now", 1)]
        assert store.users_of("secret", "child", history=True)[0].sealed == b"sealed before 1", (
            "users_of() returns whole records: renaming reseals them."
        )

    # Writing

    def test_put_compares_and_sets(self, store: Store) -> None:
        """A version is added only after the one before it; a conflict leaves nothing."""
        put(store, record(), record(version=2))
        wrong = [
            record(version=1, sealed=b"changed"),
            record(version=2, sealed=b"changed"),
            record(version=4, sealed=b"changed"),
            record(version=1, block_id=b"another block id"),
            record(version=3, block_id=b"another block id"),
        ]
        for each in wrong:
            with pytest.raises(VersionConflict):
                put(store, each)
            assert len(store.versions("secret", "a")) == 2, "A refused version was kept."
            assert store.get("secret", "a") == record(version=2)
        put(store, record(version=3))
        assert store.get("secret", "a") == record(version=3)

    def test_one_of_two_writers_wins(self, store: Store, open_store: Callable[[], Store]) -> None:
        """Of many who add the same version, one does; all others get VersionConflict."""
        put(store, record())
        stores = [open_store() for _ in range(8)]
        barrier = threading.Barrier(8)
        won: list[int] = []
        lost: list[int] = []

        def add(number: int) -> None:
            barrier.wait()
            for version in range(2, 12):
                try:
                    put(stores[number], record(version=version, sealed=b"%d" % number))
                except VersionConflict:
                    lost.append(version)
                else:
                    won.append(version)
                barrier.wait()
            stores[number].close()

        in_threads([lambda n=n: add(n) for n in range(8)])  # type: ignore[misc]  # a default binds n
        assert sorted(won) == list(range(2, 12)), "Each version is added by exactly one writer."
        assert len(lost) == 70
        assert len(store.versions("secret", "a")) == 11

    def test_replace_writes_one_version_anew(self, store: Store) -> None:
        """With name, kid, public and sealed part and what it uses; the others stay."""
        put(store, record(), record(version=2, uses=("secret/x",)))
        anew = record(
            version=2, name="renamed", block_id=record().block_id, kid=b"12345678",
            schema_version=7, public=b"new", sealed=b"anew", uses=("secret/y",),
        )  # fmt: skip
        with store.transaction():
            store.replace(anew)
        assert store.get("secret", "a") is None, "replace() takes over the record's name."
        assert store.get("secret", "renamed") == anew._replace(uses=())
        first = store.get("secret", "renamed", 1)
        assert first is not None
        assert first.sealed == b"sealed a 1", "replace() must change one version only."
        assert store.users_of("secret", "x") == []
        assert len(store.users_of("secret", "y")) == 1
        for missing in (record("none"), anew._replace(version=3)):
            with pytest.raises(BlockNotFound), store.transaction():
                store.replace(missing)

    def test_remove_takes_all_of_a_block(self, store: Store) -> None:
        """Versions and uses; another block may take the name. Twice is no error."""
        put(store, record(), record(version=2, uses=("secret/b",)), record("b"))
        for _ in range(2):
            with store.transaction():
                store.remove(record().block_id)
        assert store.get("secret", "a") is None
        assert store.get("secret", "a", 1) is None
        assert store.users_of("secret", "b", history=True) == []
        assert [head.name for head in store.heads()] == ["b"]
        put(store, record(block_id=b"another block id"))
        assert store.get("secret", "a") == record(block_id=b"another block id")

    def test_keys_are_kept_in_order(self, store: Store) -> None:
        """With exact bytes; one is active; writing one anew keeps its count and its place."""
        second = key(b"second__", active=True)
        with store.transaction():
            store.put_key(key())
            assert [store.count_wrap(KID) for _ in range(3)] == [1, 2, 3]
        with store.transaction():
            store.put_key(second)
        first = key(active=False)._replace(wraps=3)
        assert store.keys() == [first, second], "One key is active at most; the newest here."
        with store.transaction():
            store.put_key(key()._replace(provider="env", wrapped=b"anew"))
        again = first._replace(provider="env", wrapped=b"anew", active=True)
        assert store.keys() == [again, second._replace(active=False)]

    def test_counting_an_unknown_key_is_an_error(self, store: Store) -> None:
        """A wrap that cannot be counted must not go unnoticed."""
        with pytest.raises(StoreError), store.transaction():
            store.count_wrap(b"unknown_")

    # Transactions

    def test_an_exception_leaves_nothing(self, store: Store) -> None:
        """Whatever was written before it, of every kind, and whatever it is; the next one works."""
        with store.transaction():
            store.put(record())
            store.put_key(key())
        for error in (ValueError("x"), OSError(5, "x"), KeyboardInterrupt(), TimeoutError("x")):
            with pytest.raises(type(error)) as caught, store.transaction():
                store.put(record(version=2))
                store.put(record("b", uses=("secret/a",)))
                store.replace(record(sealed=b"changed"))
                store.put_key(key(b"second__"))
                store.count_wrap(KID)
                store.remove(record().block_id)
                raise error
            assert caught.value is error, "What the body raises leaves it as it is."
            assert store.versions("secret", "a") == [record()], "It was not rolled back."
            assert [head.name for head in store.heads()] == ["a"]
            assert store.users_of("secret", "a", history=True) == []
            assert store.keys() == [key()], "Keys and counts are rolled back too."
        put(store, record(version=2))

    def test_reads_inside_see_the_writes(
        self, store: Store, open_store: Callable[[], Store]
    ) -> None:
        """The transaction sees its own writes at once; another connection after the commit."""
        put(store, record())
        other = open_store()
        with store.transaction():
            store.put(record(version=2))
            store.put_key(key())
            assert store.get("secret", "a") == record(version=2)
            assert len(store.versions("secret", "a")) == 2
            assert len(store.keys()) == 1
            assert store.heads()[0].version == 2
            assert other.get("secret", "a") == record(), "Nobody else sees what is uncommitted."
            assert other.keys() == []
        assert other.get("secret", "a") == record(version=2)
        other.close()

    def test_transactions_wait_for_each_other(
        self, store: Store, open_store: Callable[[], Store]
    ) -> None:
        """A second one begins when the first has ended, and sees what it wrote."""
        put(store, record())
        began, seen = threading.Event(), []

        def second() -> None:
            other = open_store()
            began.set()
            with other.transaction():
                seen.append(other.get("secret", "a"))
            other.close()

        with store.transaction():
            thread = CheckedThread(second)
            began.wait()
            store.put(record(version=2))
            assert not seen, "Two transactions ran at once."
        thread.finish()
        assert seen == [record(version=2)], "It must see what was committed before it began."

    def test_writing_needs_a_transaction(self, store: Store) -> None:
        """Outside of one, writing is refused."""
        put(store, record())
        for write in (
            lambda: store.put(record("b")),
            lambda: store.replace(record(sealed=b"changed")),
            lambda: store.remove(record().block_id),
            lambda: store.put_key(key()),
            lambda: store.count_wrap(KID),
        ):
            with pytest.raises(StoreError):
                write()
        assert store.heads() == [record()._replace(sealed=b"")]
        assert store.get("secret", "a") == record()
        with pytest.raises(StoreError), store.transaction(), store.transaction():
            pass
        put(store, record("after"))

    # Connections

    def test_what_was_written_is_there_after_reopening(
        self, store: Store, open_store: Callable[[], Store]
    ) -> None:
        """Another store on the same location has it all; so has this one after closing."""
        put(store, record(), record(version=2))
        store.close()
        store.close()
        other = open_store()
        assert other.exists()
        assert other.versions("secret", "a") == [record(), record(version=2)]
        other.close()
        assert store.get("secret", "a") == record(version=2), "A closed store opens again."

    def test_closing_waits_for_the_work_of_others(self, store: Store) -> None:
        """A transaction of another thread is not broken by closing the store."""
        put(store, record())
        inside, closed = threading.Event(), threading.Event()

        def write() -> None:
            with store.transaction():
                store.put(record(version=2))
                inside.set()
                closed.wait()
                store.put(record(version=3))

        thread = CheckedThread(write)
        inside.wait()
        store.close()
        closed.set()
        thread.finish()
        assert store.get("secret", "a") == record(version=3)

    def test_many_threads_share_a_store(self, store: Store) -> None:
        """Eight at once read and write; nothing is lost, and nobody is told to try again."""
        with store.transaction():
            store.put_key(key())
        barrier = threading.Barrier(8)

        def work(number: int) -> None:
            barrier.wait()
            for version in range(1, 11):
                mine = record(f"t{number}", version)
                with store.transaction():
                    store.put(mine)
                    store.count_wrap(KID)
                assert store.get("secret", f"t{number}") == mine
                assert store.heads()

        in_threads([lambda n=n: work(n) for n in range(8)])  # type: ignore[misc]  # a default binds n
        assert {(head.name, head.version) for head in store.heads()} == {
            (f"t{number}", 10) for number in range(8)
        }
        assert store.keys()[0].wraps == 80

    @pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
    def test_a_fork_gets_connections_of_its_own(self, store: Store) -> None:
        """Parent and child go on with the same store after a fork, while other threads write."""
        put(store, record())
        stop = threading.Event()

        def keep_writing() -> None:
            version = 1
            while not stop.is_set():
                put(store, record("busy", version))
                version += 1

        thread = CheckedThread(keep_writing)
        try:
            for number in range(5):
                child = os.fork()
                if child == 0:
                    status = 1
                    try:
                        put(store, record(f"child-{number}"))
                        status = int(store.get("secret", f"child-{number}") is None)
                    finally:
                        os._exit(status)
                put(store, record(f"parent-{number}"))
                assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, (
                    "A child could not use the store: open connections anew after a fork."
                )
        finally:
            stop.set()
            thread.finish()
        names = {head.name for head in store.heads()}
        assert names == {"a", "busy"} | {
            f"{who}-{n}" for who in ("child", "parent") for n in range(5)
        }
