"""A vault of format 1 is read as it is, and brought to format 2 by the first who writes to it.

``BRICKWORK_ATTACK_SCALE`` of 10 kills ten times as often.
"""

import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from brickwork import AuditBroken, SecretBlock, StoreError, Vault
from brickwork.vault import connections, schema
from brickwork.vault.schema import FIRST, FORMAT

pytestmark = [
    pytest.mark.attack,
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]

SCALE = int(os.environ.get("BRICKWORK_ATTACK_SCALE", "1"))
BLOCKS = 5


def vault_at(path: Path) -> Vault:
    """Open a vault with a key file in a folder beside its own."""
    return Vault.open(str(path), keys=f"file:{path.parents[1] / 'config' / 'key'}")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The path of a vault of format 1 with real documents, as the first release wrote it."""
    newest = tmp_path / "newest" / "vault.db"
    with vault_at(newest) as vault:
        for number in range(BLOCKS):
            vault.save(SecretBlock(value=f"first-value-{number}"), f"b{number}")
            vault.save(SecretBlock(value=f"secret-value-{number}"), f"b{number}", overwrite=True)
    path = tmp_path / "data" / "vault.db"
    path.parent.mkdir(mode=0o700)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA application_id = {connections._APPLICATION_ID}")
        database.execute("PRAGMA user_version = 1")
        database.executescript(FIRST)
        database.execute("ATTACH ? AS newest", (str(newest),))
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            if not table.startswith("sqlite_"):
                columns = ", ".join(
                    row[1] for row in database.execute(f"PRAGMA table_info({table})").fetchall()
                )
                database.execute(f"INSERT INTO {table} SELECT {columns} FROM newest.{table}")
    path.chmod(0o600)
    assert format_of(path) == 1
    return path


def format_of(path: Path) -> int:
    """What the file says, and that the database in it is sound."""
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found: int = database.execute("PRAGMA user_version").fetchone()[0]
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        assert ("audit" in tables) == (found >= 2), "half of an upgrade"
        assert ("ledger" in tables) == (found >= 3), "half of an upgrade"
        return found


def check(vault: Vault) -> None:
    """Assert that every document is there, of every version."""
    assert len([each for each in vault.documents() if each.name.startswith("b")]) == BLOCKS
    for number in range(BLOCKS):
        for version, value in ((1, "first-value"), (2, "secret-value")):
            block = vault.load(f"secret/b{number}@{version}", expect=SecretBlock)
            assert block.reveal() == f"{value}-{number}"


def test_reading_changes_nothing(old: Path) -> None:
    """Who only looks does not lock older programs out; the trail of an old vault is empty."""
    with vault_at(old) as vault:
        check(vault)
        assert list(vault.audit.entries()) == []
        assert vault.audit.head().position == 0
        assert vault.audit.verify(documents=False).position == 0
        with pytest.raises(AuditBroken, match="no audit trail"):
            vault.audit.verify()
    assert format_of(old) == 1


def test_the_first_write_upgrades(old: Path) -> None:
    """In its own transaction; the documents of before are taken into the trail."""
    with vault_at(old) as vault:
        check(vault)  # a connection that was open before
        vault.save(SecretBlock(value="new-value"), "new")
        check(vault)
        entries = [(e.action, str(e.address)) for e in vault.audit.entries(oldest_first=True)]
        assert entries == [("begin", "None"), ("save", "secret/new@1")]
        vault.audit.verify()
    assert format_of(old) == FORMAT


def test_what_fails_is_not_upgraded(old: Path) -> None:
    """A transaction that is undone undoes the upgrade too."""

    def fail(vault: Vault) -> None:
        with vault.store.transaction():
            vault.audit.append("export")
            raise ValueError("undo")

    with vault_at(old) as vault:
        with pytest.raises(ValueError, match="undo"):
            fail(vault)
        check(vault)
    assert format_of(old) == 1


def test_an_open_connection_sees_the_upgrade_of_another(old: Path) -> None:
    """One that was opened before goes on, reads the trail, and adds to it."""
    with vault_at(old) as first, vault_at(old) as second:
        check(first)
        second.save(SecretBlock(value="new-value"), "by-second")
        assert len(list(first.audit.entries())) == 2
        first.save(SecretBlock(value="new-value"), "by-first")
        assert first.audit.verify() == second.audit.verify()


def test_who_is_older_than_the_vault_writes_nothing(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that had it open when a newer Brickwork upgraded it is told so at its next save."""
    with vault_at(old) as vault:
        vault.save(SecretBlock(value="new-value"), "before")
        with closing(sqlite3.connect(old)) as database:
            database.execute(f"PRAGMA user_version = {FORMAT + 1}")
        with pytest.raises(StoreError, match=f"has format {FORMAT + 1}") as caught:
            vault.save(SecretBlock(value="new-value"), "after")
        assert "Upgrade brickwork" in caught.value.fix
        assert len(vault.documents()) == BLOCKS + 1


# Several at once


def _save(path: Path, number: int, barrier: Any) -> None:
    with vault_at(path) as vault:
        check(vault)
        barrier.wait()
        vault.save(SecretBlock(value=f"value-of-{number}"), f"p{number}")
        check(vault)


@pytest.mark.parametrize("start", ["spawn", "fork"])
def test_four_processes_upgrade_at_once(old: Path, start: str) -> None:
    """One does it, the others find it done; each saves, and one trail has all."""
    context: Any = multiprocessing.get_context(start)
    barrier = context.Barrier(4)
    workers = [context.Process(target=_save, args=(old, number, barrier)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert format_of(old) == FORMAT
    with vault_at(old) as vault:
        check(vault)
        actions = [entry.action for entry in vault.audit.entries(oldest_first=True)]
        assert actions == ["begin", *["save"] * 4]
        vault.audit.verify()


# Failing in the middle


@pytest.fixture
def broken_upgrade(old: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An upgrade whose last statement fails, as on a disk that gets full."""
    script = f"{schema.UPGRADES[1]}\nINSERT INTO nowhere VALUES (1);\n"
    monkeypatch.setattr(schema, "UPGRADES", {1: script})
    yield
    monkeypatch.undo()


@pytest.mark.usefixtures("broken_upgrade")
def test_an_upgrade_that_fails_leaves_the_old_vault(old: Path, tmp_path: Path) -> None:
    """A typed error for who writes; who reads goes on; the file is a vault of format 1."""
    before = dump(old)
    with vault_at(old) as vault:
        check(vault)
        with pytest.raises(StoreError, match="cannot be written"):
            vault.save(SecretBlock(value="new-value"), "new")
        check(vault)
    assert format_of(old) == 1
    assert dump(old) == before


def test_it_is_upgraded_when_the_cause_is_gone(
    old: Path, broken_upgrade: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same vault object, which stayed open."""
    with vault_at(old) as vault:
        with pytest.raises(StoreError):
            vault.save(SecretBlock(value="new-value"), "new")
        monkeypatch.undo()
        vault.save(SecretBlock(value="new-value"), "new")
        vault.audit.verify()
    assert format_of(old) == FORMAT


def dump(path: Path) -> list[str]:
    """All that is in a database, as SQL."""
    with closing(sqlite3.connect(path)) as database:
        return list(database.iterdump())


_KILLED = """
import itertools, os, signal, sys
from pathlib import Path
from brickwork import SecretBlock, Vault
from brickwork.vault import connections
path, kill_at = Path(sys.argv[1]), int(sys.argv[2])
statements, numbers = connections._statements, itertools.count()
def counted(script):
    for statement in statements(script):
        if next(numbers) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        yield statement
connections._statements = counted
vault = Vault.open(str(path), keys=f"file:{path.parents[1] / 'config' / 'key'}")
vault.documents()
with vault.store.transaction():
    if kill_at == -1:
        os.kill(os.getpid(), signal.SIGKILL)
    vault.audit.append("export")
    if kill_at == -2:
        os.kill(os.getpid(), signal.SIGKILL)
print("done")
"""


@pytest.mark.parametrize("kill_at", [0, 1, 2, 3, 4, -1, -2])
def test_a_kill_at_each_step_leaves_the_old_vault(old: Path, kill_at: int) -> None:
    """Before, between and after the statements, up to the commit."""
    before = dump(old)
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(old), str(kill_at)], capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert format_of(old) == 1
    assert dump(old) == before
    with vault_at(old) as vault:
        vault.save(SecretBlock(value="new-value"), "new")
        check(vault)
        vault.audit.verify()


_UPGRADING = """
import sys
from pathlib import Path
from brickwork import SecretBlock, Vault
import brickwork.vault.audit_entry, brickwork.vault.writing
path = Path(sys.argv[1])
vault = Vault.open(str(path), keys=f"file:{path.parents[1] / 'config' / 'key'}")
vault.documents()
print("go", flush=True)
vault.save(SecretBlock(value="by-the-killed"), "killed")
print("done", flush=True)
"""


def test_kills_at_any_time_leave_a_whole_vault(old: Path, tmp_path: Path) -> None:
    """The old or the newest format, never half, and every document that was acknowledged."""
    pristine, upgraded = tmp_path / "pristine.db", 0
    shutil.copy(old, pristine)
    kills = 8 * SCALE
    for kill in range(kills):
        for file in old.parent.glob("vault.db*"):
            file.unlink()
        shutil.copy(pristine, old)
        command = [sys.executable, "-c", _UPGRADING, str(old)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"go\n"
            threading.Event().wait(kill / kills * 0.05)
            process.kill()
            acknowledged = process.stdout.read() == b"done\n"
        found = format_of(old)
        upgraded += found == FORMAT
        with vault_at(old) as vault:
            check(vault)
            names = {document.name for document in vault.documents()}
            assert ("killed" in names) == (found == FORMAT)
            assert not acknowledged or found == FORMAT
            vault.save(SecretBlock(value="new-value"), "new")
            vault.audit.verify()
    assert 0 < upgraded < kills, f"{upgraded} of {kills} came through: no kill met an upgrade"


# Media that cannot be written

_READ_ONLY = """
import subprocess, sys
from pathlib import Path
from brickwork import *
path = Path(sys.argv[1])
mount = ["mount", "-o", "bind,ro", path.parent, path.parent]
if subprocess.run(["mount", "--bind", path.parent, path.parent]).returncode:
    sys.exit(77)
subprocess.run(["mount", "-o", "remount,bind,ro", path.parent], check=True)
vault = Vault.open(str(path), keys=f"file:{path.parents[1] / 'config' / 'key'}")
assert len(vault.documents()) == 5
block = vault.load("secret/b3")
assert block.reveal() == "secret-value-3"
assert vault.ledger(block).get("key") is None
assert vault.ledger(block).entries() == {}
assert list(vault.audit.entries()) == []
assert vault.audit.head().position == 0
assert vault.audit.verify(documents=False).position == 0
try:
    vault.save(SecretBlock(value="new-value"), "new")
except StoreError as error:
    assert "read-only" in str(error), error
else:
    raise AssertionError("saved to a read-only disk")
print("done")
"""


def test_read_only_media_can_be_read(old: Path) -> None:
    """A vault of format 1 on a disk that cannot be written: its blocks load, its trail is empty."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("needs unshare, to mount a disk read-only")
    before = old.read_bytes()
    command = [unshare, "--user", "--map-root-user", "--mount", sys.executable, "-c", _READ_ONLY]
    done = subprocess.run([*command, old], capture_output=True, text=True, check=False)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("this user may not mount a disk")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "done\n"
    assert old.read_bytes() == before
    assert format_of(old) == 1


def test_a_new_vault_is_what_an_upgraded_one_is(old: Path, tmp_path: Path) -> None:
    """The same tables, indexes and triggers, to the letter."""

    def made(path: Path) -> list[str]:
        with vault_at(path) as vault:
            vault.save(SecretBlock(value="new-value"), "new")
        with closing(sqlite3.connect(path)) as database:
            return sorted(
                sql for (sql,) in database.execute("SELECT sql FROM sqlite_master") if sql
            )

    assert made(old) == made(tmp_path / "fresh" / "vault.db")
