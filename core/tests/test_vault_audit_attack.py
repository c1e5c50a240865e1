"""Whoever can write to the database, and has no key, cannot change the audit trail unseen.

``BRICKWORK_ATTACK_SCALE`` multiplies the number of random changes: 1, the default, is 2,000.
"""

import multiprocessing
import os
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from brickwork import (
    AuditBroken,
    AuditHead,
    AuditRow,
    BasicAuth,
    Block,
    KeyUnavailable,
    SecretBlock,
    Settings,
    Vault,
    WrongKey,
)
from brickwork.vault.audit_chain import Chain

pytestmark = [
    pytest.mark.attack,
    pytest.mark.filterwarnings("ignore::brickwork.MaskingWarning"),  # short on purpose
]

SCALE = int(os.environ.get("BRICKWORK_ATTACK_SCALE", "1"))
CHANGES = 2_000 * SCALE
ROWS = 12
FOUND = (AuditBroken, KeyUnavailable, WrongKey)


class Parent(Block):
    """A block that refers to another one."""

    slug = "auditattack-parent"
    child: Block


def vault_at(path: Path) -> Vault:
    """Open a vault with a key file in a folder beside it."""
    return Vault.open(str(path), keys=f"file:{path.parent / 'config' / 'key'}")


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    """A vault with twelve entries by two root keys; its trail can be changed."""
    with vault_at(tmp_path / "vault.db") as vault:
        for number in range(6):
            vault.save(Settings(value=number), "counter", overwrite=True)
        vault.keys.rotate()
        child = SecretBlock(value="first-value")
        vault.save(child, "child")
        vault.save(Parent(child=child), "parent")
        vault.save(SecretBlock(value="other-value"), "other")
        vault.rename("secret/other", "another")
        with unlocked(vault):
            pass
        assert vault.audit.verify().position == ROWS
        assert len({entry.row.kid for entry in vault.audit.entries()}) == 2
        yield vault


class unlocked:  # noqa: N801  # reads as a function
    """The database as somebody has it who can write to it, without the triggers."""

    def __init__(self, vault: Vault) -> None:
        self._database = sqlite3.connect(vault.store.location, isolation_level=None)

    def __enter__(self) -> sqlite3.Connection:
        for name in ("audit_is_not_changed", "audit_is_not_removed"):
            self._database.execute(f"DROP TRIGGER IF EXISTS {name}")
        return self._database

    def __exit__(self, *exception: object) -> None:
        self._database.close()


def rows_of(vault: Vault) -> list[AuditRow]:
    """The rows of the trail."""
    return list(vault.store.audit_rows())


def put_rows(vault: Vault, rows: Sequence[AuditRow]) -> None:
    """Write the trail anew."""
    with unlocked(vault) as database:
        database.execute("BEGIN")
        database.execute("DELETE FROM audit")
        database.executemany("INSERT INTO audit VALUES (?, ?, ?, ?)", rows)
        database.execute("COMMIT")


def edited(row: AuditRow, column: str, value: bytes) -> AuditRow:
    """A row with another value in one column."""
    return AuditRow(**{**row._asdict(), column: value})


# The triggers


@pytest.mark.parametrize("change", ["UPDATE audit SET content = x'00'", "DELETE FROM audit"])
def test_the_trail_is_only_added_to(tmp_path: Path, change: str) -> None:
    """SQLite itself refuses to change or remove a row: an accident, or a careless tool."""
    with vault_at(tmp_path / "vault.db") as vault:
        vault.save(Settings(value=1), "a")
        with (
            closing(sqlite3.connect(vault.store.location)) as database,
            pytest.raises(sqlite3.IntegrityError, match="only added to"),
        ):
            database.execute(change)


# Any single change


def changed(rows: list[AuditRow], chance: random.Random) -> list[AuditRow]:
    """Return rows with one thing changed, as a text editor or a tool could do it."""
    rows = list(rows)
    at = chance.randrange(len(rows))
    row, column = rows[at], chance.choice(["content", "kid", "mac"])
    value = bytearray(getattr(row, column))
    match chance.choice(["flip", "cut", "add", "remove", "swap", "copy", "end", "kid", "front"]):
        case "flip":
            value[chance.randrange(len(value))] ^= 1 << chance.randrange(8)
            rows[at] = edited(row, column, bytes(value))
        case "cut":
            rows[at] = edited(row, column, bytes(value[: chance.randrange(len(value))]))
        case "add":
            more = chance.randbytes(chance.randint(1, 9))
            rows[at] = edited(row, column, bytes(value) + more)
        case "remove":
            del rows[min(at, len(rows) - 2)]  # the end alone needs a head: see below
        case "swap":
            other = chance.choice([n for n in range(len(rows)) if n != at])
            rows[at] = rows[other]._replace(position=at + 1)
            rows[other] = row._replace(position=other + 1)
        case "copy":  # put in somewhere, so that all behind it move up by one
            rows.insert(chance.randint(0, len(rows)), row)
            rows = [each._replace(position=number) for number, each in enumerate(rows, 1)]
        case "end":
            rows.append(row._replace(position=len(rows) + 1))
        case "kid":
            rows[at] = row._replace(kid=next(each.kid for each in rows if each.kid != row.kid))
        case "front":
            place = chance.choice([0, -1, -(2**63) + 1, 2**63 - 1])
            rows.append(row._replace(position=place))
    return sorted(rows)


def test_any_single_change_is_found(
    vault: Vault, record_property: Callable[[str, object], None]
) -> None:
    """A byte, a row removed, swapped, copied, put in front, another key id: none passes."""
    rows, seen = rows_of(vault), Counter[str]()
    chance = random.Random(20261122)
    key_of = cached_keys(vault)
    check(vault.store.store_id, key_of, rows)
    for number in range(CHANGES):
        wrong = changed(rows, chance)
        if wrong == rows:
            continue  # what was put in is what follows there
        try:
            check(vault.store.store_id, key_of, wrong)
        except FOUND as error:
            seen[type(error).__name__] += 1
        else:
            pytest.fail(f"change {number} was not found")
        if number < 60:  # and through the database, which is slower
            put_rows(vault, wrong)
            with pytest.raises(FOUND):
                vault.audit.verify(documents=False)
    assert sum(seen.values()) > CHANGES * 0.95
    assert seen["AuditBroken"] > seen["KeyUnavailable"] > 0
    record_property("changes of the audit trail, all found", dict(seen))
    put_rows(vault, rows)
    vault.audit.verify()


def check(store_id: bytes, key_of: Callable[[bytes], bytes], rows: list[AuditRow]) -> None:
    """Walk along rows that are in no database."""
    for _ in Chain(store_id, key_of, "the trail").checked(rows):
        pass


def cached_keys(vault: Vault) -> Callable[[bytes], bytes]:
    """The audit keys, with an error for the others at no cost."""
    known = {key.kid: vault.keys.by_id(key.kid, "audit") for key in vault.keys.status()}

    def key_of(kid: bytes) -> bytes:
        if kid not in known:
            raise KeyUnavailable("no such key", kid=kid.hex(), fix="none")
        return known[kid]

    return key_of


@given(data=st.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_edit_of_any_row_is_found(vault: Vault, data: st.DataObject) -> None:
    """Whatever content, code or kid somebody makes up for a row, in the database itself."""
    rows = rows_of(vault)
    at = data.draw(st.integers(0, ROWS - 1))
    column = data.draw(st.sampled_from(["content", "kid", "mac"]))
    old = getattr(rows[at], column)
    value = data.draw(
        st.binary(max_size=80).filter(lambda value: value != old) | st.just(old + b" ")
    )
    wrong = [*rows[:at], edited(rows[at], column, value), *rows[at + 1 :]]
    put_rows(vault, wrong)
    try:
        with pytest.raises(FOUND) as caught:
            vault.audit.verify()
        assert str(at + 1) in str(caught.value)
    finally:
        put_rows(vault, rows)


def test_control_an_unchanged_trail_passes(vault: Vault) -> None:
    """Writing the rows back as they were is no finding."""
    put_rows(vault, rows_of(vault))
    assert vault.audit.verify() == vault.audit.head()


# What is named


def expect(vault: Vault, reason: str, position: int, head: AuditHead | None = None) -> AuditBroken:
    """Assert that verifying finds something, and where."""
    with pytest.raises(AuditBroken) as caught:
        vault.audit.verify(head)
    assert (caught.value.reason, caught.value.position) == (reason, position), str(caught.value)
    assert caught.value.exit_code == 1
    assert caught.value.fix
    return caught.value


def test_a_changed_row_is_named(vault: Vault) -> None:
    """Its number, and that the ones before it are good."""
    with unlocked(vault) as database:
        database.execute(
            "UPDATE audit SET content = replace(CAST(content AS TEXT), 'save', 'load')"
            " WHERE position = 3"
        )
    error = expect(vault, "changed", 3)
    assert "Entry 3" in error.what
    assert "before 3 are good" in error.fix


def test_missing_rows_are_named(vault: Vault) -> None:
    """From which to which."""
    with unlocked(vault) as database:
        database.execute("DELETE FROM audit WHERE position IN (4, 5)")
    assert "Entries 4 to 5 are missing" in expect(vault, "missing", 4).what


def test_a_trail_that_was_cut_off_is_found_by_its_head(vault: Vault) -> None:
    """Nothing in the database tells of it, if no document does; the head does."""
    for _ in range(2):
        vault.keys.rotate()
    head = vault.audit.verify()
    with unlocked(vault) as database:
        database.execute("DELETE FROM audit WHERE position > 12")
    assert vault.audit.verify().position == 12, "the limit that the documentation names"
    error = expect(vault, "cut off", 13, head)
    assert f"ends at entry 12; it had {head.position}" in error.what


def test_a_trail_that_is_gone_is_found(vault: Vault) -> None:
    """Documents without a trail are a finding, with a head and without one."""
    head = vault.audit.verify()
    put_rows(vault, [])
    expect(vault, "cut off", 1)
    expect(vault, "cut off", 1, head)


def test_a_trail_that_was_written_anew_is_found_by_its_head(vault: Vault, tmp_path: Path) -> None:
    """An old copy that was put back and used since is whole in itself, and is another one."""
    path, old = tmp_path / "vault.db", tmp_path / "old.db"
    vault.close()
    shutil.copy(path, old)
    vault.save(Settings(value="kept"), "new")
    head = vault.audit.verify()
    restore(vault, old)
    vault.save(Settings(value="other"), "new")
    assert vault.audit.verify().position == head.position
    expect(vault, "rewritten", head.position, head)


def test_a_head_of_another_vault_is_no_head(vault: Vault, tmp_path: Path) -> None:
    """Heads are not mixed up in silence."""
    with vault_at(tmp_path / "other.db") as other:
        other.save(Settings(value=1), "a")
        expect(vault, "rewritten", 1, other.audit.verify())


def test_rows_of_another_vault_do_not_fit(vault: Vault) -> None:
    """Not even where the root key is the same: the codes are bound to the vault's id."""
    with pytest.raises(AuditBroken, match="Entry 1 "):
        check(bytes(16), cached_keys(vault), rows_of(vault))


def test_a_missing_root_key_is_an_error_of_its_own(vault: Vault) -> None:
    """It names the entry and the key; the entries before it are good."""
    old, _ = vault.keys.status()
    with unlocked(vault) as database:
        database.execute("DELETE FROM keys WHERE kid = ?", (old.kid,))
    vault.keys.close()
    with pytest.raises(KeyUnavailable, match=f"Entry 1 of .* root key {old.kid.hex()}") as caught:
        vault.audit.verify()
    assert caught.value.kid == old.kid.hex()
    assert caught.value.exit_code == 3
    assert "key table" in caught.value.fix


# Attack 3: old rows and old copies


def restore(vault: Vault, copy: Path) -> None:
    """Put an old copy of the whole database back."""
    vault.close()
    path = Path(vault.store.location)
    for file in path.parent.glob("vault.db-*"):
        file.unlink()
    shutil.copy(copy, path)


def test_an_old_copy_of_the_database_is_found_by_the_head(vault: Vault, tmp_path: Path) -> None:
    """The password of before comes back with it; without the head, nothing shows it."""
    vault.close()
    shutil.copy(tmp_path / "vault.db", tmp_path / "old.db")
    vault.save(SecretBlock(value="changed-after-leak"), "child", overwrite=True)
    head = vault.audit.verify()
    restore(vault, tmp_path / "old.db")
    assert vault.load("secret/child", expect=SecretBlock).reveal() == "first-value"
    assert vault.audit.verify().position == ROWS, "the limit that the documentation names"
    expect(vault, "cut off", ROWS + 1, head)


def test_an_old_row_that_was_put_back_is_found_without_a_head(vault: Vault) -> None:
    """The newest version is removed, so that the one before it is loaded again."""
    vault.save(SecretBlock(value="changed-after-leak"), "child", overwrite=True)
    with unlocked(vault) as database:
        database.execute("UPDATE blocks SET version = 1 WHERE name = 'child'")
        database.execute(
            "DELETE FROM documents WHERE version = 2 AND id ="
            " (SELECT id FROM blocks WHERE name = 'child')"
        )
    assert vault.load("secret/child", expect=SecretBlock).reveal() == "first-value"
    error = expect(vault, "document", ROWS + 1)
    assert "secret/child@1 is there; secret/child@2 was saved last" in error.what


def test_the_same_version_of_a_copy_is_found(vault: Vault, tmp_path: Path) -> None:
    """A version that was saved in a copy of the vault, for a test, does not pass for this one's.

    It opens, since the copy has the same key and everything that it is bound to is the same.
    """
    vault.close()
    shutil.copy(tmp_path / "vault.db", tmp_path / "copy.db")
    vault.save(SecretBlock(value="of-production"), "child", overwrite=True)
    with vault_at(tmp_path / "copy.db") as copy:
        copy.save(SecretBlock(value="of-a-test"), "child", overwrite=True)
        theirs = copy.store.get("secret", "child")
        assert theirs is not None
    with unlocked(vault) as database:
        database.execute(
            "UPDATE documents SET sealed = ? WHERE version = 2 AND id ="
            " (SELECT id FROM blocks WHERE name = 'child')",
            (theirs.sealed,),
        )
    assert vault.load("secret/child", expect=SecretBlock).reveal() == "of-a-test"
    error = expect(vault, "document", ROWS + 1)
    assert "secret/child@2 does not hold what was saved as that" in error.what


def test_the_row_of_before_a_rename_is_found(vault: Vault) -> None:
    """A parent that refers to the child's old name, where somebody else may have saved since."""
    before = vault.store.get("auditattack-parent", "parent")
    assert before is not None
    vault.rename("secret/child", "renamed")
    vault.save(SecretBlock(value="somebody-elses"), "child")
    with unlocked(vault) as database:
        database.execute("UPDATE documents SET public = ?, sealed = ? WHERE id ="
                         " (SELECT id FROM blocks WHERE name = 'parent')",
                         (before.public, before.sealed))  # fmt: skip
    loaded = vault.load("auditattack-parent/parent", expect=Parent)
    assert isinstance(loaded.child, SecretBlock)
    assert loaded.child.reveal() == "somebody-elses"
    expect(vault, "document", ROWS + 1)


def test_a_block_that_was_removed_is_found(vault: Vault) -> None:
    """Removed from the database, and not by `delete`."""
    with unlocked(vault) as database:
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("DELETE FROM blocks WHERE name = 'counter'")
    assert "settings/counter@6 is gone" in expect(vault, "document", 6).what


def test_a_deleted_block_that_came_back_is_found(vault: Vault) -> None:
    """Its rows were kept by somebody, and put back after it was deleted."""
    with unlocked(vault) as database:
        kept = {
            table: database.execute(
                f"SELECT * FROM {table} WHERE id = (SELECT id FROM blocks WHERE name = 'another')"
            ).fetchall()
            for table in ("blocks", "documents")
        }
        vault.delete("secret/another")
        vault.audit.verify()
        for table, rows in kept.items():
            marks = ", ".join("?" * len(rows[0]))
            database.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    assert vault.load("secret/another", expect=SecretBlock).reveal() == "other-value"
    error = expect(vault, "document", ROWS + 1)
    assert "secret/another@1 is there, and no entry says who saved it" in error.what


def test_many_findings_are_listed_in_short(vault: Vault) -> None:
    """Ten of them, and how many more."""
    for number in range(15):
        vault.save(Settings(value=number), f"many-{number}")
    with unlocked(vault) as database:
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("DELETE FROM blocks WHERE name LIKE 'many-%'")
    what = expect(vault, "document", ROWS + 1).what
    assert what.count("is gone") == 10
    assert "and 5 more" in what


@pytest.mark.parametrize("work", ["rotate", "reencrypt"])
def test_new_keys_are_no_finding(vault: Vault, work: str) -> None:
    """Documents are rewrapped, or encrypted anew: what they hold is the same."""
    getattr(vault.keys, work)()
    vault.audit.verify()
    vault.save(SecretBlock(value="saved-after"), "child", overwrite=True)
    with unlocked(vault) as database:
        database.execute("UPDATE blocks SET version = 1 WHERE name = 'child'")
    expect(vault, "document", vault.audit.head().position)


def test_verifying_while_others_save_finds_nothing(vault: Vault, tmp_path: Path) -> None:
    """Saves, renames and deletions between reading the trail and the documents are no finding."""
    context: Any = multiprocessing.get_context("spawn")
    ready, stop = context.Event(), context.Event()
    writer = context.Process(target=_keep_changing, args=(tmp_path / "vault.db", ready, stop))
    writer.start()
    try:
        assert ready.wait(60)
        began = vault.audit.head().position
        rounds = 0
        while rounds < 30 or vault.audit.head().position < began + 50:
            vault.audit.verify()
            rounds += 1
    finally:
        stop.set()
        writer.join()
    assert writer.exitcode == 0


def _keep_changing(path: Path, ready: Any, stop: Any) -> None:
    with vault_at(path) as vault:
        number = 0
        while not stop.is_set():
            number += 1
            vault.save(Settings(value=number), "counter", overwrite=True)
            vault.rename("secret/another", f"another-{number}")
            vault.rename(f"secret/another-{number}", "another")
            vault.save(Settings(value=number), "passing")
            vault.delete("settings/passing")
            ready.set()


# Many writers


def _save_fifty(path: Path, number: int, barrier: Any) -> None:
    with vault_at(path) as vault:
        barrier.wait()
        for each in range(50):
            vault.save(BasicAuth(username=f"{number}", password=f"password-{each}"), f"n{number}",
                       overwrite=True)  # fmt: skip


@pytest.mark.parametrize("start", ["spawn", "fork"])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_four_processes_make_one_chain(tmp_path: Path, start: str) -> None:
    """Four times fifty saves are two hundred entries in order, and each block's in its order."""
    path = tmp_path / "vault.db"
    vault = vault_at(path)
    vault.save(Settings(value=0), "first")
    vault.close()
    context: Any = multiprocessing.get_context(start)
    barrier = context.Barrier(4)
    workers = [
        context.Process(target=_save_fifty, args=(path, number, barrier)) for number in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    with vault:
        assert vault.audit.verify().position == 201
        entries = list(vault.audit.entries(oldest_first=True))[1:]
        assert [entry.position for entry in entries] == [*range(2, 202)]
        for number in range(4):
            places = [e.address for e in entries if e.address and e.address.name == f"n{number}"]
            assert [place.version for place in places] == [*range(1, 51)]
        switches = sum(a.address != b.address for a, b in pairwise(entries))
        assert switches > 4, "they never met, so this proves nothing"
