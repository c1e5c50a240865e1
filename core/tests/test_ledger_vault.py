"""What saved blocks remember: where it is kept, sealed, and what becomes of it with the vault."""

import os
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from brickwork import (
    Address,
    Block,
    BlockNotFound,
    LedgerRow,
    Saving,
    SecretBlock,
    Settings,
    StoreError,
    Vault,
    ledger_of,
    use_vault,
)
from brickwork.ledger import ProcessLedger
from brickwork.vault.copying import copy_vault
from brickwork.vault.ledger import VaultLedger
from brickwork.vault.schema import FORMAT
from brickwork.vault.sqlite import SqliteStore

TITLE = "Sentinel-title-8d1f0c: the nightly load failed"


def vault_at(folder: Path) -> Vault:
    """Open a vault of its own, with a key of its own."""
    return Vault.open(str(folder / "data" / "vault.db"), keys=f"file:{folder / 'config' / 'key'}")


def remember(block: Block, **values: Any) -> None:
    """Put entries, one for each key."""
    with ledger_of(block).transaction() as page:
        for key, value in values.items():
            page.put(key, {"value": value}, keep_seconds=3600)


def remembered(block: Block) -> dict[str, Any]:
    """Return all that a block remembers."""
    return {key: entry["value"] for key, entry in ledger_of(block).entries().items()}


def saved(name: str = "a") -> SecretBlock:
    """Return a block that is saved in the vault in use."""
    block = SecretBlock(value=f"secret-value-{name}")
    block.save(name)
    return block


def rows_of(vault: Vault, block: Block) -> list[LedgerRow]:
    """Return what the store has of a block."""
    record = vault.store.get(*address_of(block)[:2])
    assert record is not None
    return list(vault.store.ledger(record.block_id))


def address_of(block: Block) -> Address:
    """Return the address of a saved block."""
    assert block.address is not None
    return block.address


def write(vault: Vault, *rows: LedgerRow) -> None:
    """Put rows as somebody does who can write to the database."""
    with vault.store.transaction():
        for row in rows:
            vault.store.put_ledger(row)


# Which ledger


def test_a_saved_block_remembers_in_its_vault(memory_vault: Vault) -> None:
    """The one that was saved, the one that was loaded, and any version of it: one ledger."""
    block = saved()
    remember(block, a=1)
    changed = block.model_copy(update={"value": "another-value"})
    changed.save("a", overwrite=True)
    loaded = [SecretBlock.load("a"), SecretBlock.load("a", version=1), block, changed]
    assert [remembered(each) for each in loaded] == [{"a": 1}] * 4
    assert isinstance(ledger_of(block), VaultLedger)
    assert memory_vault.ledger(block).get("a") == {"value": 1}
    with closing(Vault.open()) as other, use_vault(other):
        assert remembered(SecretBlock.load("a")) == {"a": 1}


def test_blocks_do_not_share_a_ledger(memory_vault: Vault) -> None:
    """Two of the same value are two, when they are saved."""
    first, second = SecretBlock(value="same-value"), SecretBlock(value="same-value")
    memory_vault.save(first, "first")
    memory_vault.save(second, "second")
    remember(first, a=1)
    assert remembered(second) == {}


def test_blocks_saved_together_have_their_ledgers(memory_vault: Vault) -> None:
    """`save_all` stamps them as `save` does."""
    block = SecretBlock(value="some-value")
    memory_vault.save_all([Saving(block, "a")])
    remember(block, a=1)
    assert remembered(SecretBlock.load("a")) == {"a": 1}


def test_an_unsaved_block_remembers_in_its_process() -> None:
    """All that are equal share it; another value, or a changed copy of a saved one, does not."""
    block = SecretBlock(value="never-saved-1")
    remember(block, a=1)
    assert remembered(SecretBlock(value="never-saved-1")) == {"a": 1}
    assert remembered(SecretBlock(value="never-saved-2")) == {}
    settings = Settings(value={"list": [1]})
    remember(settings, a=2)
    assert remembered(Settings(value={"list": [1]})) == {"a": 2}
    assert not Vault.open().store.exists(), "an unsaved block makes no vault"


def test_a_changed_copy_is_not_the_saved_block(memory_vault: Vault) -> None:
    """It is saved nowhere yet."""
    block = saved()
    remember(block, a=1)
    copy = block.model_copy(update={"value": "changed-copy-value"})
    assert remembered(copy) == {}
    remember(copy, a=2)
    assert remembered(block) == {"a": 1}
    assert remembered(block.model_copy(update={"value": "changed-otherwise"})) == {}
    assert remembered(SecretBlock(value="changed-copy-value")) == {"a": 2}
    with pytest.raises(BlockNotFound, match="not saved in the vault"):
        memory_vault.ledger(copy)


def test_unsaved_blocks_are_forgotten_at_some_time() -> None:
    """The ones that were used last are remembered: a process may make blocks without end."""
    blocks = [SecretBlock(value=f"one-of-many-{number}") for number in range(300)]
    for block in blocks:
        remember(block, a=1)
        assert remembered(blocks[0]) == {"a": 1}, "it was used just before"
    assert remembered(blocks[1]) == {}
    assert remembered(blocks[-1]) == {"a": 1}


def test_a_block_of_another_vault_does_not_write_here(memory_vault: Vault, tmp_path: Path) -> None:
    """It remembers in this process, on its own, and as before where its vault is in use."""
    mine = saved()
    with vault_at(tmp_path) as other:
        other.save(theirs := SecretBlock(value="secret-value-a"), "a")
        with use_vault(other):
            remember(theirs, a=1)
        assert isinstance(ledger_of(theirs), ProcessLedger)
        remember(theirs, b=2)
        assert remembered(mine) == {}
        assert remembered(SecretBlock(value="secret-value-a")) == {}
        assert remembered(theirs) == {"b": 2}
        with use_vault(other):
            assert remembered(theirs) == {"a": 1}
        with pytest.raises(BlockNotFound, match="not saved in the vault"):
            memory_vault.ledger(theirs)
    assert rows_of(memory_vault, mine) == []


def test_no_vault_is_made_for_a_block_of_another(tmp_path: Path) -> None:
    """Nor is it an error where the vault in use cannot be opened."""
    with vault_at(tmp_path) as other:
        other.save(block := SecretBlock(value="secret-value"), "a")
    remember(block, a=1)
    assert remembered(block) == {"a": 1}
    assert not Vault.open().store.exists()
    (tmp_path / "not-a-vault").write_text("text " * 100)
    with use_vault(Vault.open(str(tmp_path / "not-a-vault"))):
        assert remembered(block) == {"a": 1}


# What becomes of it


def test_it_stays_when_the_block_is_renamed(memory_vault: Vault) -> None:
    """For who loads it by the new name, and for who still has it by the old one."""
    block = saved()
    remember(block, a=1)
    memory_vault.rename("secret/a", "b")
    assert remembered(SecretBlock.load("b")) == {"a": 1}
    assert remembered(block) == {"a": 1}


def test_it_goes_with_the_block(memory_vault: Vault) -> None:
    """A block that takes the name later begins anew; others remember on."""
    block, other = saved(), saved("other")
    remember(block, a=1)
    remember(other, a=2)
    [row] = rows_of(memory_vault, block)
    memory_vault.delete("secret/a")
    assert list(memory_vault.store.ledger(row.scope)) == []
    assert remembered(saved()) == {}
    assert remembered(other) == {"a": 2}


def test_rotating_keys_forgets_nothing(memory_vault: Vault) -> None:
    """What is put afterwards takes the place of what was there, under the new root key."""
    block = saved()
    remember(block, a=1)
    [before] = rows_of(memory_vault, block)
    remember(block, b=1, c=1)
    old = memory_vault.keys.active()
    memory_vault.keys.rotate()
    assert remembered(block) == {"a": 1, "b": 1, "c": 1}
    remember(block, a=2)
    with ledger_of(block).transaction() as page:
        assert page.get("b") == {"value": 1}
        page.remove("b")
    assert remembered(block) == {"a": 2, "c": 1}
    assert sorted(row.kid == old for row in rows_of(memory_vault, block)) == [False, True]

    write(memory_vault, before)
    assert remembered(block)["a"] == 2, "of two, the one under the newer root key counts"
    assert ledger_of(block).get("a") == {"value": 2}

    memory_vault.keys.destroy(old)
    assert remembered(block) == {"a": 2}, "what was under a destroyed key is forgotten"
    assert ledger_of(block).get("c") is None
    remember(block, c=3)
    assert remembered(block) == {"a": 2, "c": 3}


def test_encrypting_anew_forgets_all(memory_vault: Vault) -> None:
    """No row is left under the old key, and none of its bytes is in the files."""
    block = saved()
    remember(block, a=1)
    [row] = rows_of(memory_vault, block)
    assert row.sealed in files_of(memory_vault)
    memory_vault.keys.reencrypt()
    assert rows_of(memory_vault, block) == []
    assert remembered(block) == {}
    assert row.sealed[:12] not in files_of(memory_vault)
    remember(block, a=2)
    assert remembered(block) == {"a": 2}


def test_a_copy_of_the_vault_begins_anew(memory_vault: Vault, tmp_path: Path) -> None:
    """What was sent from there was not sent from here."""
    remember(saved(), a=1)
    with vault_at(tmp_path) as target:
        assert copy_vault(memory_vault, target).complete
        with use_vault(target):
            block = SecretBlock.load("a")
            assert remembered(block) == {}
            remember(block, b=2)
    assert remembered(SecretBlock.load("a")) == {"a": 1}


def test_it_leaves_no_trace_in_the_trail(memory_vault: Vault) -> None:
    """And no version of the block."""
    block = saved()
    before = memory_vault.audit.head()
    remember(block, a=1)
    assert memory_vault.audit.verify() == before
    assert memory_vault.document("secret/a").version == 1


# Sealed


def files_of(vault: Vault) -> bytes:
    """Return every byte of the database, its log and the log's index.

    Read by another process: closing a file here would drop the locks that SQLite has on it.
    """
    path = Path(vault.store.location)
    files = [str(file) for file in path.parent.glob(f"{path.name}*")]
    assert len(files) >= 2, "the log must be among them"
    return subprocess.run(["cat", *files], stdout=subprocess.PIPE, check=True).stdout


def test_nothing_is_in_clear_in_the_files(memory_vault: Vault) -> None:
    """Neither values nor keys; the same key of two blocks is not even known to be the same."""
    first, second = saved("first"), saved("second")
    marker = SecretBlock(value="another-secret")
    marker.save("control-name-4711")
    for block in (first, second):
        remember(block, **{TITLE: TITLE})
    content = files_of(memory_vault)
    assert b"control-name-4711" in content, "the control: names of blocks are in clear"
    for text in (TITLE, "Sentinel-title", "nightly load"):
        assert text.encode() not in content
    [mine], [theirs] = rows_of(memory_vault, first), rows_of(memory_vault, second)
    assert mine.key != theirs.key
    assert len(mine.sealed) % 64 == 12 + 16, "its length says little"


def test_the_same_value_is_sealed_anew_each_time(memory_vault: Vault) -> None:
    """Nobody can see that nothing changed."""
    block = saved()
    remember(block, a=1)
    [before] = rows_of(memory_vault, block)
    remember(block, a=1)
    [after] = rows_of(memory_vault, block)
    assert before.key == after.key
    assert before.sealed[12:] != after.sealed[12:]


def database(vault: Vault) -> sqlite3.Connection:
    """Return this thread's connection, to change rows as other tools do."""
    found = vault.store._pool.handle().database  # type: ignore[attr-defined]  # an SqliteStore
    assert isinstance(found, sqlite3.Connection)
    return found


def swap(first: LedgerRow, second: LedgerRow, *fields: str) -> tuple[LedgerRow, LedgerRow]:
    """Exchange fields of two rows."""
    return (
        first._replace(**{field: getattr(second, field) for field in fields}),
        second._replace(**{field: getattr(first, field) for field in fields}),
    )


@pytest.mark.parametrize(
    ("of", "fields"),
    [
        ("two keys", ["sealed"]),
        ("two keys", ["sealed", "expires_at"]),
        ("two keys", ["key"]),
        ("two keys", ["expires_at"]),
        ("two blocks", ["sealed", "expires_at"]),
        ("two blocks", ["scope"]),
        ("two blocks", ["key", "expires_at", "sealed"]),
    ],
)
def test_a_row_that_was_moved_is_none(memory_vault: Vault, of: str, fields: list[str]) -> None:
    """To another key, another block, or another time; both places can be written again."""
    block = saved("a")
    other = block if of == "two keys" else saved("b")
    remember(block, a=1)
    remember(other, b=2)
    first, second = {*rows_of(memory_vault, block), *rows_of(memory_vault, other)}
    database(memory_vault).execute("DELETE FROM ledger")
    write(memory_vault, first, second)
    assert remembered(block) | remembered(other) == {"a": 1, "b": 2}, "the control"
    database(memory_vault).execute("DELETE FROM ledger")
    write(memory_vault, *swap(first, second, *fields))
    assert remembered(block) == remembered(other) == {}
    assert ledger_of(block).get("a") is ledger_of(other).get("b") is None
    remember(block, a=3)
    remember(other, b=4)
    assert remembered(block) | remembered(other) == {"a": 3, "b": 4}


def test_a_row_of_another_vault_is_none(memory_vault: Vault, tmp_path: Path) -> None:
    """Though it be of the same block, as in a vault that was copied."""
    remember(block := saved(), a=1)
    [mine] = rows_of(memory_vault, block)
    with vault_at(tmp_path) as other:
        copy_vault(memory_vault, other)
        with use_vault(other):
            remember(SecretBlock.load("a"), a=2)
            [theirs] = rows_of(other, block)
    assert theirs.scope == mine.scope
    for row in (theirs, theirs._replace(kid=mine.kid), theirs._replace(kid=mine.kid, key=mine.key)):
        write(memory_vault, row)
        assert remembered(block) in ({}, {"a": 1})
        assert ledger_of(block).get("a") in (None, {"value": 1})


def test_a_row_is_bound_to_the_vault(memory_vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where another one has the same root key."""
    remember(block := saved(), a=1)
    [row] = rows_of(memory_vault, block)
    ledger = VaultLedger(memory_vault.keys, row.scope)
    assert ledger.entries() == {"a": {"value": 1}}
    monkeypatch.setattr(SqliteStore, "store_id", os.urandom(16))
    assert ledger.entries() == {}


def test_every_changed_byte_is_noticed(memory_vault: Vault) -> None:
    """Of what is sealed, of its key, and of its time; cut short and made longer."""
    block = saved()
    remember(block, a=1)
    [row] = rows_of(memory_vault, block)
    changed = [row._replace(sealed=flipped(row.sealed, at)) for at in range(len(row.sealed))]
    changed += [row._replace(sealed=row.sealed[:size]) for size in range(len(row.sealed))]
    changed += [row._replace(sealed=row.sealed + b" ")]
    changed += [row._replace(kid=flipped(row.kid, at)) for at in range(len(row.kid))]
    changed += [row._replace(expires_at=end) for end in (float("inf"), row.expires_at + 1e-6, 4e9)]
    assert len(changed) > 180
    for each in changed:
        write(memory_vault, each)
        assert ledger_of(block).get("a") is None
        assert remembered(block) == {}
    write(memory_vault, row)
    assert remembered(block) == {"a": 1}


def flipped(data: bytes, at: int) -> bytes:
    """Return the data with one bit flipped."""
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_rows_that_other_tools_wrote_are_none(memory_vault: Vault) -> None:
    """Text where bytes belong, and a time that is none."""
    block = saved()
    remember(block, a=1)
    [row] = rows_of(memory_vault, block)
    for column, value in (("sealed", "text"), ("expires_at", "soon"), ("kid", "text"), ("key", 7)):
        write(memory_vault, row)
        database(memory_vault).execute(f"UPDATE ledger SET {column} = ?", (value,))
        assert remembered(block) == {}
        assert ledger_of(block).get("a") is None
        remember(block, a=2)
        assert remembered(block) == {"a": 2}
        database(memory_vault).execute("DELETE FROM ledger")


# Older vaults, and vaults that cannot be written


@pytest.fixture
def old(memory_vault: Vault) -> Block:
    """A saved block in a vault of format 2, which had no ledgers."""
    block = saved()
    memory_vault.close()
    with closing(sqlite3.connect(memory_vault.store.location)) as connection:
        connection.execute("DROP TABLE ledger")
        connection.execute("PRAGMA user_version = 2")
    return block


def format_of(vault: Vault) -> int:
    """Return what the database says; by a connection of its own, in another process."""
    command = ["python3", "-c", _FORMAT_OF, vault.store.location]
    return int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


_FORMAT_OF = """
import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("PRAGMA user_version").fetchone()[0])
"""


def test_an_old_vault_remembers_nothing_until_it_is_written(
    memory_vault: Vault, old: Block
) -> None:
    """Looking does not upgrade it, not even in a transaction; the first entry does."""
    assert ledger_of(old).get("a") is None
    assert remembered(old) == {}
    with ledger_of(old).transaction() as page:
        assert page.get("a") is None
        assert page.entries() == {}
        page.remove("a")
    assert format_of(memory_vault) == 2
    remember(old, a=1)
    assert format_of(memory_vault) == FORMAT == 3
    assert remembered(old) == {"a": 1}
    assert SecretBlock.load("a") == old


@pytest.mark.parametrize(
    "write", [lambda v: v.delete("secret/a"), lambda v: v.keys.reencrypt()], ids=["delete", "keys"]
)
def test_what_forgets_ledgers_upgrades_an_old_vault(
    memory_vault: Vault, old: Block, write: Callable[[Vault], object]
) -> None:
    """What removes rows finds the table."""
    write(memory_vault)
    assert format_of(memory_vault) == FORMAT


def test_a_vault_that_cannot_be_written_says_so(memory_vault: Vault) -> None:
    """A typed error for who decides what to do; what was remembered can be read on."""
    block = saved()
    remember(block, a=1)
    database(memory_vault).execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="read-only"):
        remember(block, a=2)
    assert remembered(block) == {"a": 1}
    database(memory_vault).execute("PRAGMA query_only = OFF")
    remember(block, a=2)
    assert remembered(block) == {"a": 2}


def test_entries_end_by_the_wall_clock(memory_vault: Vault) -> None:
    """Also by the real one."""
    block = saved()
    with ledger_of(block).transaction() as page:
        page.put("a", {"value": 1}, keep_seconds=0.2)
    end = time.time() + 0.2
    assert ledger_of(block).get("a") == {"value": 1} or time.time() >= end
    while time.time() <= end:
        os.sched_yield()
    assert ledger_of(block).get("a") is None
