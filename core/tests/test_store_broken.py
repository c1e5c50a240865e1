"""A database that is broken, foreign, full or out of reach: a typed error, and nothing changed."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from brickwork import (
    BlockNotFound,
    BrickworkError,
    SecretBlock,
    Settings,
    StoreError,
    TamperedCiphertext,
    TruncatedCiphertext,
    UnsupportedFormat,
    Vault,
)
from brickwork.errors import KeyUnavailable
from brickwork.testing.concurrent import in_threads
from brickwork.testing.files import umask

BLOCKS = 60


def vault_at(path: Path) -> Vault:
    """Open a vault with a key file in a folder beside it."""
    return Vault.open(str(path), keys=f"file:{path.parent.parent / 'config' / 'key'}")


def value(number: int) -> str:
    """The secret of a block."""
    return f"secret-value-{number}-" + "x" * 200


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a sound vault that nobody has open."""
    path = tmp_path / "data" / "vault.db"
    with vault_at(path) as vault:
        for number in range(BLOCKS):
            vault.save(SecretBlock(value=value(number)), f"b{number}")
    assert [file.name for file in path.parent.iterdir()] == ["vault.db"]
    return path


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file of a folder with its mode and bytes."""
    return {
        str(file.relative_to(folder)): (
            file.stat().st_mode,
            file.read_bytes() if file.is_file() else b"",
        )
        for file in sorted(folder.rglob("*"))
    }


def calls(vault: Vault) -> list[Callable[[], object]]:
    """Reading, listing and writing."""
    return [
        lambda: vault.load("secret/b1"),
        lambda: vault.documents(),
        lambda: vault.history("secret/b1"),
        lambda: vault.save(SecretBlock(value="never-to-be-written"), "new"),
        lambda: vault.save(SecretBlock(value="never-to-be-written"), "b1", overwrite=True),
        lambda: vault.rename("secret/b1", "c1"),
        lambda: vault.delete("secret/b1"),
        lambda: vault.keys.status(),
    ]


def assert_refused(path: Path, *, also: tuple[type[BrickworkError], ...] = ()) -> None:
    """Every call raises a StoreError that names the file and a fix, and changes nothing."""
    before = snapshot(path.parent)
    for number in range(8):
        with vault_at(path) as vault, pytest.raises((StoreError, *also)) as caught:
            calls(vault)[number]()
        assert str(path) in str(caught.value)
        assert getattr(caught.value, "fix", "")
        assert "secret-value" not in str(caught.value)
        assert "never-to-be" not in str(caught.value)
        assert snapshot(path.parent) == before


def random_start(path: Path) -> None:
    """The first page is not what it was."""
    path.write_bytes(os.urandom(4096) + path.read_bytes()[4096:])


def text(path: Path) -> None:
    """Not a database."""
    path.write_text("vault = 'elsewhere'\n" * 100)


def short_text(path: Path) -> None:
    """Shorter than any database."""
    path.write_text("x")


def cut_in_the_first_page(path: Path) -> None:
    """Not even a whole page is left."""
    path.write_bytes(path.read_bytes()[:1000])


def foreign(path: Path) -> None:
    """A database of another program."""
    path.unlink()
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE songs (title TEXT)")
        database.execute("INSERT INTO songs VALUES ('Yesterday')")
        database.commit()


def foreign_named(path: Path) -> None:
    """A database of another program, which says so in its header."""
    foreign(path)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA application_id = 252006674")


def newer(path: Path) -> None:
    """A vault of a format that comes after this one."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 99")


def no_tables(path: Path) -> None:
    """A vault without its documents."""
    with closing(sqlite3.connect(path)) as database:
        for table in ("uses", "documents", "blocks", "keys"):
            database.execute(f"DROP TABLE {table}")
        database.commit()


def no_id(path: Path) -> None:
    """A vault that has lost its id."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("DELETE FROM meta")
        database.commit()


def a_folder(path: Path) -> None:
    """A folder where the file should be."""
    path.unlink()
    path.mkdir()
    (path / "vault.db").write_text("not this one")


@pytest.mark.parametrize(
    "damage",
    [random_start, text, short_text, cut_in_the_first_page, foreign, foreign_named, newer,
     no_tables, no_id, a_folder],
    ids=lambda each: each.__name__,
)  # fmt: skip
def test_what_is_no_vault_is_refused_and_left_alone(
    path: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """Each call says what is wrong with which file and what to do; the sound file works again."""
    backup = tmp_path / "backup.db"
    shutil.copy2(path, backup)
    damage(path)
    assert_refused(path)
    if path.is_dir():
        shutil.rmtree(path)
    shutil.copy2(backup, path)
    with vault_at(path) as vault:
        assert vault.load("secret/b1", expect=SecretBlock).reveal() == value(1)
        vault.save(SecretBlock(value="works again"), "new")


TYPED = (StoreError, TamperedCiphertext, TruncatedCiphertext, UnsupportedFormat, BlockNotFound,
         KeyUnavailable)  # fmt: skip


@pytest.mark.parametrize("kind", ["random bytes", "zeros", "cut"])
def test_damage_anywhere_gives_typed_errors_or_the_truth(
    path: Path, tmp_path: Path, kind: str
) -> None:
    """Page by page: what can still be read is right; the rest raises typed errors."""
    sound = path.read_bytes()
    refused = told = 0
    shown: list[str] = []
    for offset in range(4096, len(sound), 4096):
        if kind == "cut":
            path.write_bytes(sound[:offset])
        else:
            wrong = os.urandom(4096) if kind == "random bytes" else bytes(4096)
            path.write_bytes(sound[:offset] + wrong + sound[offset + 4096 :])
        with vault_at(path) as vault:
            for number in range(0, BLOCKS, 7):
                try:
                    block = vault.load(f"secret/b{number}", expect=SecretBlock)
                except TYPED as error:
                    shown.append(str(error))
                    refused += 1
                else:
                    assert block.reveal() == value(number)
                    told += 1
            for look in (vault.documents, lambda: vault.history("secret/b1"), vault.keys.status):
                try:
                    look()
                except TYPED:
                    refused += 1
        for leftover in path.parent.glob("vault.db-*"):
            leftover.unlink()
    assert "secret-value" not in "".join(shown)
    assert refused > 10
    assert told > 10 or kind == "cut"


def test_an_empty_file_is_no_vault_yet(tmp_path: Path) -> None:
    """As left by `touch` or a process that was killed: reading finds nothing, saving makes one."""
    path = tmp_path / "data" / "vault.db"
    path.parent.mkdir()
    path.touch(mode=0o644)
    with vault_at(path) as vault:
        assert vault.documents() == []
        with pytest.raises(BlockNotFound):
            vault.load("secret/a")
        assert path.stat().st_size == 0
        vault.save(SecretBlock(value="the first"), "a")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_missing_vault_is_not_made_by_looking(tmp_path: Path) -> None:
    """No file, no folder: loading says so, listing is empty, and nothing appears."""
    path = tmp_path / "none" / "data" / "vault.db"
    with vault_at(path) as vault:
        assert vault.documents() == []
        for look in (vault.load, vault.history, vault.delete, vault.document, vault.used_by):
            with pytest.raises(BlockNotFound) as caught:
                look("secret/a")
            assert caught.value.fix
    assert list(tmp_path.iterdir()) == []


def test_a_vault_that_was_replaced_is_read_anew(path: Path, tmp_path: Path) -> None:
    """After a restored backup an open vault reads and writes the new file, not the old one."""
    backup = tmp_path / "backup.db"
    shutil.copy2(path, backup)
    with vault_at(path) as vault:
        vault.save(SecretBlock(value="after the backup"), "late")
        backup.replace(path)
        for name in ("vault.db-wal", "vault.db-shm"):
            (path.parent / name).unlink()
        with pytest.raises(BlockNotFound):
            vault.load("secret/late")
        vault.save(SecretBlock(value="after the restore"), "later")
    with vault_at(path) as vault:
        assert vault.load("secret/later", expect=SecretBlock).reveal() == "after the restore"
        assert len(vault.documents()) == BLOCKS + 1


def test_a_vault_that_was_deleted_is_made_anew(path: Path) -> None:
    """Whoever has the old one open makes the new one with an id of its own, and others read it."""
    with vault_at(path) as vault:
        old = vault.store.store_id
        shutil.rmtree(path.parent)
        vault.save(SecretBlock(value="in the new one"), "new")
        assert vault.store.store_id != old
    with vault_at(path) as vault:
        assert vault.load("secret/new", expect=SecretBlock).reveal() == "in the new one"


# Settings and modes


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o177])
def test_files_are_private_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    """Each file has mode 0600 from its first byte, each folder that was made 0700."""
    path = tmp_path / "home" / "deep" / "data" / "vault.db"
    with umask(mask & ~0o100), vault_at(path) as vault:
        vault.save(SecretBlock(value="a value"), "a")
        files = [file for file in (tmp_path / "home").rglob("*") if file.is_file()]
        assert {file.name for file in files} == {"vault.db", "vault.db-wal", "vault.db-shm", "key"}
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        folders = [tmp_path / "home", *[f for f in (tmp_path / "home").rglob("*") if f.is_dir()]]
        assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}


PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": 2,
    "secure_delete": 1,
    "foreign_keys": 1,
    "trusted_schema": 0,
    "cell_size_check": 1,
    "busy_timeout": 10000,
}


def pragmas(vault: Vault) -> dict[str, object]:
    """What this thread's connection has set."""
    vault.documents()
    database = vault.store._pool.handle().database  # type: ignore[attr-defined]  # an SqliteStore
    return {name: database.execute(f"PRAGMA {name}").fetchone()[0] for name in PRAGMAS}


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_every_connection_has_the_settings(path: Path) -> None:
    """Reading, writing, in threads, after a fork and after closing."""
    with vault_at(path) as vault:
        assert pragmas(vault) == PRAGMAS
        with vault.store.transaction():
            assert pragmas(vault) == PRAGMAS
        found: list[object] = []
        in_threads([lambda: found.append(pragmas(vault))] * 3)
        assert found == [PRAGMAS] * 3
        child = os.fork()
        if child == 0:
            os._exit(0 if pragmas(vault) == PRAGMAS else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        vault.close()
        assert pragmas(vault) == PRAGMAS
    fresh = path.parent / "fresh.db"
    with vault_at(fresh) as vault:
        vault.save(SecretBlock(value="a value"), "a")
        assert pragmas(vault) == PRAGMAS


def test_nothing_is_left_of_what_was_overwritten_and_checkpointed(path: Path) -> None:
    """With secure_delete, what was removed is zeros in the main file."""
    with vault_at(path) as vault:
        for number in range(BLOCKS):
            vault.save(Settings(value=f"public-{number}-{'y' * 100}"), "s", overwrite=True)
        vault.delete("settings/s")
    assert b"public-" not in path.read_bytes()


def test_listing_needs_no_key(path: Path) -> None:
    """`documents`, `history` and `used_by` work where no key is configured at all."""
    with Vault.open(str(path), keys="env:NOT_SET_ANYWHERE") as vault:
        assert len(vault.documents()) == BLOCKS
        assert vault.documents()[0].fields == {"value": "********"}
        assert len(vault.history("secret/b1")) == 1
        assert vault.used_by("secret/b1") == []
        with pytest.raises(KeyUnavailable):
            vault.load("secret/b1")


def test_connections_of_ended_threads_are_closed(path: Path) -> None:
    """A server with a thread for each request does not run out of file descriptors."""
    with vault_at(path) as vault:
        vault.documents()
        before = len(list(Path("/dev/fd").iterdir()))
        for _ in range(50):
            thread = threading.Thread(target=vault.documents)
            thread.start()
            thread.join()
        assert len(list(Path("/dev/fd").iterdir())) <= before + 3
    assert len(list(Path("/dev/fd").iterdir())) < before


# Disks and rights

_PRELUDE = """
import os, subprocess, sys
from pathlib import Path
from brickwork import *
data, keys = Path(sys.argv[1]), "file:" + sys.argv[2]
path = data / "vault.db"
def attempt(what, call):
    try:
        call()
    except BrickworkError as error:
        assert isinstance(error, StoreError) and str(path) in str(error) and error.fix, error
        assert "never-to-be" not in str(error)
        print(what, str(error).replace("\\n", " "))
    else:
        print(what, "worked")
def load(vault, n=1):
    assert vault.load(f"secret/b{n}").reveal().startswith(f"secret-value-{n}-")
"""

_FULL = """
if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", data]).returncode:
    sys.exit(77)
vault = Vault.open(str(path), keys=keys)
vault.save(SecretBlock(value="secret-value-1-"), "b1")
saved = 0
try:
    while True:
        block = SecretBlock(value=f"never-to-be-written-{saved}-" + "x" * 50000)
        vault.save(block, f"f{saved}")
        saved += 1
except StoreError as error:
    print("full", str(error).replace("\\n", " "))
assert saved > 2, saved
load(vault)
assert len(vault.documents()) == saved + 1
for n in range(saved):
    assert len(vault.load(f"secret/f{n}").reveal()) > 50000
vault.close()
vault = Vault.open(str(path), keys=keys)
assert len(vault.documents()) == saved + 1
subprocess.run(["mount", "-o", "remount,size=4m", data], check=True)
vault.save(SecretBlock(value="secret-value-2-"), "b2")
load(vault, 2)
vault.close()
subprocess.run(["mount", "-o", "remount,ro", data], check=True)
vault = Vault.open(str(path), keys=keys)
load(vault)
assert len(vault.documents()) == saved + 2
attempt("readonly", lambda: vault.save(SecretBlock(value="never-to-be"), "b3"))
attempt("readonly", lambda: vault.delete("secret/b2"))
attempt("readonly", lambda: vault.rename("secret/b2", "b4"))
subprocess.run(["mount", "-o", "remount,rw", data], check=True)
other = "import sys; from brickwork import *; Vault.open(sys.argv[1], keys=sys.argv[2])"
other += ".save(SecretBlock(value='secret-value-5-'), 'b5')"
subprocess.run([sys.executable, "-c", other, path, keys], check=True)
subprocess.run(["mount", "-o", "remount,ro", data], check=True)
load(vault, 5)  # a read-only connection sees what was written from elsewhere
subprocess.run(["mount", "-o", "remount,rw", data], check=True)
attempt("again", lambda: vault.save(SecretBlock(value="never-to-be"), "b3"))
print("done")
"""


def run_with_disk(script: str, path: Path) -> list[str]:
    """Run a script that may mount; skip where that is not allowed. Returns its lines."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("needs unshare, to mount a small disk")
    command = [unshare, "--user", "--map-root-user", "--mount", sys.executable, "-c"]
    key = path.parent.parent / "config" / "key"
    result = subprocess.run(
        [*command, _PRELUDE + script, path.parent, key], capture_output=True, text=True, check=False
    )
    if result.returncode == 77 or "unshare" in result.stderr:
        pytest.skip("this user may not mount a small disk")
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def test_full_and_read_only_disks(path: Path) -> None:
    """A full disk loses only the save that met it; a read-only one can be read, also anew."""
    lines = run_with_disk(_FULL, path)
    assert lines[-1] == "done"
    assert "the disk is full" in lines[0]
    assert "Free some space" in lines[0]
    assert [line for line in lines if line.startswith("readonly")]
    for line in lines[1:4]:
        assert "it is read-only" in line
        assert "Make the file and its folder writable" in line
    assert lines[4] == "again worked"


_AS_NOBODY = """
with Vault.open(sys.argv[3], keys="env:WARM_KEY") as warm:  # imports what nobody may not read
    warm.save(SecretBlock(value="secret-value-1-"), "b1")
    load(warm)
    warm.rename("secret/b1", "b2")
    try:
        Vault.open(str(path), keys=keys).load("secret/none")
    except BrickworkError:
        pass
os.setgid(65534); os.setuid(65534)
vault = Vault.open(str(path), keys=keys)
attempt("load", lambda: vault.load("secret/b1"))
attempt("list", lambda: vault.documents())
attempt("save", lambda: vault.save(SecretBlock(value="never-to-be"), "new"))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("what", ["file", "folder", "file read-only", "folder read-only"])
def test_missing_rights(path: Path, what: str) -> None:
    """Without the rights: a StoreError that says what to mend, and nothing changed."""
    config = path.parent.parent / "config"
    for each in (*path.parents, config):
        if str(each).startswith("/tmp/"):  # where pytest works
            each.chmod(0o755)
    os.chown(config, 65534, 65534)
    os.chown(config / "key", 65534, 65534)
    config.chmod(0o700)
    os.chown(path.parent, 65534, 65534)
    os.chown(path, 65534, 65534)
    if what == "file":
        path.chmod(0)
    elif what == "folder":
        path.parent.chmod(0)
    elif what == "file read-only":
        path.chmod(0o400)
    else:
        path.parent.chmod(0o500)
    before = path.read_bytes()
    result = subprocess.run(
        [sys.executable, "-c", _PRELUDE + _AS_NOBODY, path.parent, config / "key",
         path.parent.parent / "warm.db"],
        env=os.environ | {"WARM_KEY": "A" * 43}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "PermissionError" in result.stderr and "setuid" in result.stderr:
        pytest.skip("this container may not change users")
    assert result.returncode == 0, result.stderr
    load, listing, save = result.stdout.splitlines()
    if "read-only" in what:
        assert (load, listing) == ("load worked", "list worked")
        assert "it is read-only" in save
    else:
        for line in (load, listing, save):
            assert "fix: Make the file and its folder" in line
    assert path.read_bytes() == before
    path.parent.chmod(0o700)
    path.chmod(0o600)
    with vault_at(path) as vault:
        assert len(vault.documents()) == BLOCKS
