"""A new root key, and all documents under it, while everything goes on."""

import multiprocessing
import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from brickwork import (
    BasicAuth,
    KeyUnavailable,
    Record,
    Rewrap,
    Settings,
    StoreError,
    TamperedCiphertext,
    Vault,
    WrongKey,
)
from brickwork.builtin.key_file import FileKey
from brickwork.testing.concurrent import CheckedThread
from brickwork.testing.files import change, dump
from brickwork.vault import rotation
from brickwork.vault.audit import AuditTrail
from brickwork.vault.keys import KeyRing
from brickwork.vault.rotation import unfinished
from brickwork.vault.sqlite import SqliteStore


def vault_at(path: Path, cls: type[SqliteStore] = SqliteStore) -> Vault:
    """Open a vault with a key file in a folder beside it."""
    store = cls(path)
    return Vault(store, KeyRing(store, lambda: FileKey(path.parent / "config" / "key")))


def password(number: int) -> str:
    """The secret of a block."""
    return f"password-{number}"


def fill(vault: Vault, blocks: int, versions: int = 1) -> None:
    """Save blocks with some versions each."""
    for version in range(versions):
        for number in range(blocks):
            block = BasicAuth(username=f"user-{version}", password=password(number))
            vault.save(block, f"n{number}", overwrite=True)


def check(vault: Vault, blocks: int) -> None:
    """Assert that every version of every block opens."""
    assert len(vault.documents("basic-auth")) == blocks
    for document in vault.documents("basic-auth"):
        for each in vault.history(f"basic-auth/{document.name}"):
            block = vault.load(each.address, expect=BasicAuth)
            assert block.password.reveal() == password(int(document.name[1:]))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the vault is."""
    return tmp_path / "vault.db"


@pytest.fixture
def vault(path: Path) -> Iterator[Vault]:
    """A vault of 12 blocks with 3 versions each."""
    with vault_at(path) as vault:
        fill(vault, 12, 3)
        yield vault


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> int:
    """Five documents in a transaction."""
    monkeypatch.setattr(rotation, "BATCH", 5)
    return 5


def test_every_version_comes_under_a_new_root_key(vault: Vault, path: Path) -> None:
    """All documents name the new key, open with it, and the old one stays without being active."""
    [old] = vault.keys.status()
    done = vault.keys.rotate()

    assert (done.made, done.renewed, done.documents, done.left) == (True, False, 36, ())
    assert vault.keys.active() == done.kid != old.kid
    assert dict(vault.store.documents_by_key()) == {done.kid: 36}
    assert [(key.kid, key.active) for key in vault.keys.status()] == [
        (old.kid, False),
        (done.kid, True),
    ]
    check(vault, 12)
    with vault_at(path) as other:
        check(other, 12)


def test_rotating_changes_nothing_but_the_wrapping(vault: Vault, path: Path) -> None:
    """What is encrypted with the data key, the versions, times and public parts stay."""

    def rest() -> list[tuple[Any, ...]]:
        records = [each for n in range(12) for each in vault.store.versions("basic-auth", f"n{n}")]
        return [(*each[:7], each.public, each.sealed[14:46], each.sealed[108:]) for each in records]

    before = rest()
    vault.keys.rotate()
    assert len(before) == 36
    assert rest() == before


def test_what_is_saved_afterwards_is_under_the_new_key(vault: Vault, path: Path) -> None:
    """Also by a process that has been running since before."""
    with vault_at(path) as running:
        running.load("basic-auth/n0")
        kid = vault.keys.rotate().kid
        running.save(BasicAuth(username="new", password="password-12"), "n12")
        running.rename("basic-auth/n0", "n13")
        record = running.store.get("basic-auth", "n12")
        assert record is not None
        assert record.kid == kid
        assert set(vault.store.documents_by_key()) == {kid}
        assert running.load("basic-auth/n13", expect=BasicAuth).password.reveal() == password(0)


def test_wraps_are_counted(vault: Vault) -> None:
    """The new root key has wrapped every document."""
    kid = vault.keys.rotate().kid
    assert {key.kid: key.wraps for key in vault.keys.status()}[kid] == 36


def test_transactions_are_few(path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """One for the root key, one for each 500 documents, one at the end: bar 7, by structure."""
    begun: list[int] = []

    class Counting(SqliteStore):
        @contextmanager
        def transaction(self) -> Iterator[None]:
            begun.append(1)
            with super().transaction():
                yield

    assert rotation.BATCH == 500
    monkeypatch.setattr(rotation, "BATCH", 10)
    with vault_at(path, Counting) as counting:
        counting.keys.rotate()
    assert len(begun) == 1 + 4 + 1  # 36 documents, 10 at a time


def test_an_empty_vault_rotates(path: Path) -> None:
    """Without documents there is a new root key all the same."""
    with vault_at(path) as vault:
        with vault.store.transaction():
            vault.keys.prepare()
            vault.keys.for_sealing()
        done = vault.keys.rotate()
        assert (done.made, done.documents) == (True, 0)
        assert len(vault.keys.status()) == 2


def test_a_vault_that_is_not_there_is_not_made(path: Path) -> None:
    """KeyUnavailable, and no file."""
    with vault_at(path) as vault, pytest.raises(KeyUnavailable, match="no root key"):
        vault.keys.rotate()
    assert list(path.parent.iterdir()) == []


# Interrupted


class Stop(Exception):
    """Stands for a kill."""


def stop_after(documents: int) -> Callable[[int, int], None]:
    """A report that stops the rotation when so many are done."""

    def report(done: int, total: int) -> None:
        if done >= documents:
            raise Stop

    return report


def test_an_interrupted_rotation_is_finished(vault: Vault, path: Path, small_batches: int) -> None:
    """The next one brings the rest, and makes no further root key; then one more is a new one."""
    with pytest.raises(Stop):
        vault.keys.rotate(report=stop_after(12))
    assert unfinished(vault.keys) == (21, False)
    check(vault, 12)
    with vault_at(path) as other:
        done = other.keys.rotate()
        assert (done.made, done.documents) == (False, 21)
        assert len(other.keys.status()) == 2
        check(other, 12)
        assert other.keys.rotate().made


def test_resume_makes_no_root_key(vault: Vault, small_batches: int) -> None:
    """With nothing to finish it does nothing at all."""
    before = vault.keys.status()
    done = vault.keys.rotate(resume=True)
    assert (done.made, done.documents) == (False, 0)
    assert vault.keys.status() == before
    with pytest.raises(Stop):
        vault.keys.rotate(report=stop_after(0))
    done = vault.keys.rotate(resume=True)
    assert (done.made, done.documents) == (False, 36)


def test_another_root_key_is_made_when_asked(vault: Vault, small_batches: int) -> None:
    """With ``new``, what an interrupted rotation left comes to a third root key."""
    with pytest.raises(Stop):
        vault.keys.rotate(report=stop_after(12))
    done = vault.keys.rotate(new=True)
    assert (done.made, done.documents) == (True, 36)
    assert dict(vault.store.documents_by_key()) == {done.kid: 36}
    check(vault, 12)


@settings(max_examples=25, deadline=None)
@given(stops=st.lists(st.tuples(st.integers(0, 20), st.booleans(), st.booleans()), max_size=5))
def test_any_series_of_interruptions_ends_well(
    tmp_path_factory: pytest.TempPathFactory, stops: list[tuple[int, bool, bool]]
) -> None:
    """Rotating and encrypting anew, stopped anywhere, in any order: all opens, and it finishes."""
    path = tmp_path_factory.mktemp("vault") / "vault.db"
    batch, rotation.BATCH = rotation.BATCH, 3
    try:
        with vault_at(path) as vault:
            fill(vault, 4, 3)
            for documents, renew, new in stops:
                begin = vault.keys.reencrypt if renew else vault.keys.rotate
                with suppress(Stop):
                    begin(new=new, report=stop_after(documents))
                check(vault, 4)
            done = vault.keys.rotate(resume=True)
            assert done.left == ()
            assert unfinished(vault.keys) == (0, False)
            check(vault, 4)
            AuditTrail(vault.store, vault.keys).verify()
    finally:
        rotation.BATCH = batch


def test_progress_is_reported(vault: Vault, small_batches: int) -> None:
    """From nothing to all, never back, never beyond the total."""
    seen: list[tuple[int, int]] = []
    vault.keys.rotate(report=lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, 36)
    assert seen[-1] == (36, 36)
    assert len(seen) >= 36 // small_batches
    assert seen == sorted(seen)


# Documents that cannot follow


def test_a_tampered_document_hinders_no_other(vault: Vault, path: Path, small_batches: int) -> None:
    """It is named and stays; the others come under the new key, whatever is wrong with it."""
    [old] = vault.keys.status()
    broken = {
        "n0": "UPDATE documents SET sealed = substr(sealed, 1, 30)",
        "n1": "UPDATE documents SET sealed = CAST('what is this' AS BLOB)",
        "n2": "UPDATE documents SET sealed = zeroblob(60) || substr(sealed, 61)",
        "n3": "UPDATE documents SET schema_version = 7",
        "n4": "UPDATE documents SET schema_version = -1",
    }
    for name, query in broken.items():
        change(
            path,
            f"{query} WHERE version = 2 AND id = (SELECT id FROM blocks WHERE name = '{name}')",
        )
    done = vault.keys.rotate()
    assert {each.what for each in done.left} == {f"basic-auth/{name}@2" for name in broken}
    assert all(each.error.fix and each.error.exit_code == 6 for each in done.left)
    assert done.documents == 36 - 5
    assert dict(vault.store.documents_by_key()) == {old.kid: 5, done.kid: 31}
    for number in range(5, 12):
        vault.load(f"basic-auth/n{number}@2")
    # Again: they are tried again, nothing else happens, and no root key is made of it.
    again = vault.keys.rotate()
    assert (again.made, again.documents, len(again.left)) == (False, 0, 5)
    # They can be mended by saving over them, and then it is finished.
    assert vault.keys.rotate(new=True).made


def test_many_tampered_documents_at_the_front_hide_no_other(path: Path, small_batches: int) -> None:
    """More of them than a batch holds: those behind them follow all the same."""
    with vault_at(path) as vault:
        fill(vault, 30)
        change(path, "UPDATE documents SET sealed = zeroblob(200) WHERE id <= 17")
        done = vault.keys.rotate()
        assert (len(done.left), done.documents) == (17, 13)


def test_a_swapped_row_does_not_follow(vault: Vault, path: Path) -> None:
    """Sealed data of another block is not rewrapped into its new place."""
    change(
        path,
        "UPDATE documents SET sealed = (SELECT sealed FROM documents WHERE id = 2 AND version = 1)"
        " WHERE id = 1 AND version = 1",
    )
    done = vault.keys.rotate()
    assert [each.what for each in done.left] == ["basic-auth/n0@1"]
    with pytest.raises(TamperedCiphertext):
        vault.load("basic-auth/n0@1")


def test_a_row_whose_key_is_text_is_not_forgotten(vault: Vault, path: Path) -> None:
    """It is counted, cannot be found by its root key, and is reported; it never runs for ever."""
    change(path, "UPDATE documents SET kid = CAST(kid AS TEXT) WHERE id = 1")
    done = vault.keys.rotate()
    assert done.documents == 33
    assert [(each.what, each.documents) for each in done.left] == [("changed rows", 3)]
    assert [each.documents for each in vault.keys.rotate().left] == [3]


def test_a_root_key_that_is_unknown_is_reported(vault: Vault, path: Path) -> None:
    """Rows that name one that nobody has look unfinished; what can follow does, when asked."""
    change(path, "UPDATE documents SET kid = CAST('12345678' AS BLOB) WHERE id = 1")
    done = vault.keys.rotate()
    assert (done.made, done.documents) == (False, 0)
    done = vault.keys.rotate(new=True)
    assert (done.made, done.documents) == (True, 33)
    assert [(each.documents, type(each.error)) for each in done.left] == [(3, KeyUnavailable)]


def test_a_root_key_that_does_not_open_hinders_no_other(vault: Vault, path: Path) -> None:
    """Documents under it are reported together; those of other old root keys follow."""
    [first] = vault.keys.status()
    vault.keys.rotate()
    second = vault.keys.active()
    change(path, "UPDATE documents SET kid = ? WHERE id = 1", first.kid)
    change(path, "UPDATE keys SET wrapped = zeroblob(90) WHERE kid = ?", first.kid)
    with vault_at(path) as other:
        done = other.keys.rotate(new=True)
        assert [(each.what, each.documents) for each in done.left] == [
            (f"root key {first.kid.hex()}", 3)
        ]
        assert done.documents == 33
        assert second not in other.store.documents_by_key()


# Keys and disks in trouble


def test_another_key_changes_nothing(vault: Vault, path: Path) -> None:
    """WrongKey, be it in a new process or in one that has the root key already; a dump is equal."""
    before = dump(path)
    key = path.parent / "config" / "key"
    key.unlink()
    FileKey(key).create()
    for renew in (False, True):
        with vault_at(path) as other, pytest.raises(WrongKey):
            (other.keys.reencrypt if renew else other.keys.rotate)()
        with pytest.raises(WrongKey):
            (vault.keys.reencrypt if renew else vault.keys.rotate)()
    assert dump(path) == before
    key.unlink()
    with vault_at(path) as other, pytest.raises(KeyUnavailable):
        other.keys.rotate()
    assert dump(path) == before


def test_a_provider_that_does_not_give_back_is_refused(vault: Vault, path: Path) -> None:
    """A root key that nobody could unwrap never becomes the active one."""
    before = dump(path)

    class Forgetful(FileKey):
        def wrap(self, root_key: bytes, context: bytes) -> bytes:
            return super().wrap(os.urandom(32), context)

    store = SqliteStore(path)
    keys = KeyRing(store, lambda: Forgetful(path.parent / "config" / "key"))
    with pytest.raises(KeyUnavailable, match="does not give back"):
        keys.rotate()
    assert dump(path) == before
    store.close()


def test_a_disk_that_cannot_be_written_changes_nothing(path: Path, vault: Vault) -> None:
    """StoreError with a fix; every document opens as before."""
    vault.close()
    before = dump(path)

    class ReadOnly(SqliteStore):
        def _change(self, action: Callable[[sqlite3.Connection], sqlite3.Cursor]) -> int:
            database = self._pool.handle().database
            assert database is not None
            database.execute("PRAGMA query_only = ON")
            return super()._change(action)

    with vault_at(path, ReadOnly) as other, pytest.raises(StoreError) as caught:
        other.keys.rotate()
    assert caught.value.fix
    assert dump(path) == before
    with vault_at(path) as again:
        check(again, 12)


def test_a_failure_half_way_is_resumed(vault: Vault, path: Path, small_batches: int) -> None:
    """A disk that fills up in the middle: a typed error, all opens, and the rest follows later."""

    class Fills(SqliteStore):
        batches = 0

        def rewrap(self, changes: Sequence[Rewrap]) -> int:
            self.batches += 1
            if self.batches == 4:
                raise StoreError("The vault cannot be written: the disk is full.", fix="Free some.")
            return super().rewrap(changes)

    with vault_at(path, Fills) as other, pytest.raises(StoreError, match="full"):
        other.keys.rotate()
    check(vault, 12)
    done = vault.keys.rotate()
    assert (done.made, done.documents) == (False, 36 - 15)
    check(vault, 12)


# At the same time


def test_reading_and_writing_go_on(path: Path, small_batches: int) -> None:
    """Readers that load all the time, each save and each rename work during ten rotations."""
    counts: Counter[str] = Counter()
    stop = threading.Event()

    def read(vault: Vault) -> None:
        while not stop.is_set():
            check_one(vault, counts["read"] % 20)
            counts["read"] += 1

    def check_one(vault: Vault, number: int) -> None:
        block = vault.load(f"basic-auth/n{number}", expect=BasicAuth)
        assert block.password.reveal() == password(number)

    def read_anew() -> None:
        while not stop.is_set():
            with vault_at(path) as fresh:
                check_one(fresh, counts["fresh"] % 20)
            counts["fresh"] += 1

    def write(vault: Vault) -> None:
        number = 0
        while not stop.is_set():
            vault.save(Settings(value=number), "counter", overwrite=True)
            vault.rename(f"settings/moved-{number}", f"moved-{number + 1}")
            number += 1
        counts["written"] = number

    with vault_at(path) as vault, vault_at(path) as another:
        fill(vault, 20, 2)
        vault.save(Settings(value="x"), "moved-0")
        works = [lambda: read(vault), lambda: read(another), read_anew, lambda: write(another)]
        threads = [CheckedThread(work) for work in works]
        try:
            with vault_at(path) as rotating:
                for _ in range(10):
                    assert rotating.keys.rotate().left == ()
        finally:
            stop.set()
            for thread in threads:
                thread.finish()
        assert unfinished(vault.keys) == (0, False)
        check(vault, 20)
        saved = vault.load("settings/counter", expect=Settings).value
    assert saved == counts["written"] - 1
    assert min(counts["read"], counts["fresh"], counts["written"]) >= 10, counts


def test_a_document_that_is_saved_meanwhile_is_not_overwritten(
    vault: Vault, path: Path, small_batches: int
) -> None:
    """What was renamed between reading and writing stays as it was renamed."""

    class Interfering(SqliteStore):
        renamed = False

        def sealed_with(
            self, kid: bytes, limit: int, after: Record | None = None
        ) -> Sequence[Record]:
            found = super().sealed_with(kid, limit, after)
            if not self.renamed:
                self.renamed = True
                vault.rename("basic-auth/n0", "n99")
            return found

    with vault_at(path, Interfering) as other:
        done = other.keys.rotate()
    assert done.left == ()
    assert done.documents == 36 - 3
    assert vault.load("basic-auth/n99", expect=BasicAuth).password.reveal() == password(0)
    assert dict(vault.store.documents_by_key()) == {done.kid: 36}


def test_a_rotation_that_is_overtaken_goes_on_with_the_newer_key(
    vault: Vault, path: Path, small_batches: int
) -> None:
    """Somebody else makes another root key in the middle: both work towards that one."""
    made: list[bytes] = []

    def overtake(done: int, total: int) -> None:
        if done >= 10 and not made:
            with vault_at(path) as other, pytest.raises(Stop):
                other.keys.rotate(new=True, report=stop_after(5))
            made.append(other_active(path))

    done = vault.keys.rotate(report=overtake)
    assert made == [done.kid]
    assert dict(vault.store.documents_by_key()) == {done.kid: 36}
    check(vault, 12)


def other_active(path: Path) -> bytes:
    """The active root key, as another process sees it."""
    with vault_at(path) as vault:
        return vault.keys.active()


def _rotate_in_process(path: Path, barrier: Any, results: Any) -> None:
    rotation.BATCH = 3
    with vault_at(path) as vault:
        barrier.wait()
        try:
            done = vault.keys.rotate()
            results.put((done.made, done.documents, len(done.left)))
        except BaseException as error:
            results.put(repr(error))
            raise


def test_processes_that_rotate_at_once_share_the_work(path: Path) -> None:
    """Of several that begin together none fails, all documents open, none is left behind."""
    with vault_at(path) as vault:
        fill(vault, 40, 3)
    context: Any = multiprocessing.get_context("spawn")  # typeshed gives Process to its kinds only
    barrier, results = context.Barrier(3), context.Queue()
    workers = [
        context.Process(target=_rotate_in_process, args=(path, barrier, results)) for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    outcomes = [results.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join()
    assert all(isinstance(outcome, tuple) for outcome in outcomes), outcomes
    made = sum(outcome[0] for outcome in outcomes)
    assert made >= 1
    assert sum(outcome[1] for outcome in outcomes) >= 120
    with vault_at(path) as vault:
        assert len(vault.keys.status()) == 1 + made
        assert unfinished(vault.keys) == (0, False)
        check(vault, 40)
        AuditTrail(vault.store, vault.keys).verify()


# The audit trail


def test_the_trail_tells_of_it(vault: Vault) -> None:
    """What began, with the number of documents, and how it ended; documents still match it."""
    [old] = vault.keys.status()
    done = vault.keys.rotate()
    trail = AuditTrail(vault.store, vault.keys)
    finished, began = trail.entries(limit=2)
    assert (began.action, finished.action) == ("keys.rotate", "keys.finished")
    assert dict(began.detail) == {
        "kid": done.kid.hex(), "documents": 36, "replaces": old.kid.hex(),
    }  # fmt: skip
    assert dict(finished.detail) == {"kid": done.kid.hex(), "documents": 36, "left": 0}
    trail.verify()
