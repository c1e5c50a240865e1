"""A backup of the root keys opens the vault again when its key is lost, and nothing else does."""

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brickwork import (
    BasicAuth,
    BlockNotFound,
    BrickworkError,
    KeyExists,
    KeyUnavailable,
    Secret,
    StorageError,
    TamperedCiphertext,
    UnsupportedFormat,
    Vault,
    WrongKey,
)
from brickwork.builtin.key_file import FileKey
from brickwork.builtin.key_passphrase import Cost
from brickwork.testing.files import change, dump
from brickwork.vault import key_backup
from brickwork.vault.audit import AuditTrail
from brickwork.vault.key_backup import read, restore
from brickwork.vault.keys import KeyRing
from brickwork.vault.sqlite import SqliteStore

CHEAP = Cost(memory_kib=64, passes=1, lanes=1)
PASSPHRASE: Secret[str] = Secret("five random words are enough")


def vault_at(path: Path, key: str = "key") -> Vault:
    """Open a vault with a key file in a folder beside it."""
    store = SqliteStore(path)
    return Vault(store, KeyRing(store, lambda: FileKey(path.parent / "config" / key)))


def write(vault: Vault, path: Path) -> key_backup.Written:
    """Write a backup at a low cost."""
    return key_backup.write(vault.keys, path, PASSPHRASE, CHEAP)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the vault is."""
    return tmp_path / "vault.db"


@pytest.fixture
def vault(path: Path) -> Iterator[Vault]:
    """A vault with three blocks and two root keys, documents under each."""
    with vault_at(path) as vault:
        vault.save(BasicAuth(username="u", password="password-0"), "n0")
        vault.keys.rotate()
        for number in (1, 2):
            vault.save(BasicAuth(username="u", password=f"password-{number}"), f"n{number}")
        yield vault


@pytest.fixture
def backup(vault: Vault, tmp_path: Path) -> Path:
    """A backup of its root keys."""
    write(vault, tmp_path / "backup")
    return tmp_path / "backup"


def check(vault: Vault) -> None:
    """Assert that every block opens."""
    for number in range(3):
        block = vault.load(f"basic-auth/n{number}", expect=BasicAuth)
        assert block.password.reveal() == f"password-{number}"


def test_losing_the_key_file_is_not_losing_the_vault(
    vault: Vault, path: Path, backup: Path
) -> None:
    """The backup and its passphrase are enough; a new key file is made, which guards all then."""
    key = path.parent / "config" / "key"
    lost = key.read_text()
    key.unlink()
    with vault_at(path) as other:
        with pytest.raises(KeyUnavailable):
            check(other)
        done = restore(other.keys, read(backup), PASSPHRASE)
        assert (len(done.kids), done.made_key, done.activated, done.locked) == (2, True, None, ())
        check(other)
    assert key.read_text() != lost
    with vault_at(path) as again:
        check(again)
        again.save(BasicAuth(username="u", password="password-3"), "n3")
        assert [key.active for key in again.keys.status()] == [False, True]
        AuditTrail(again.store, again.keys).verify()


def test_a_backup_is_private_and_overwrites_nothing(vault: Vault, tmp_path: Path) -> None:
    """Mode 0600; a file, a folder, a dangling link in its place are left alone."""
    path = tmp_path / "backup"
    write(vault, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(each.name for each in tmp_path.glob(".*")) == [], "A temporary file was left."
    before = path.read_bytes()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    for taken in (path, tmp_path / "config", link):
        with pytest.raises(KeyExists, match="already"):
            write(vault, taken)
    assert path.read_bytes() == before
    assert not (tmp_path / "nowhere").exists()
    with pytest.raises(StorageError, match="cannot be written"):
        write(vault, tmp_path / "no" / "folder")


def test_a_backup_can_be_written_where_there_are_no_links(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a memory stick; still private, and still overwriting nothing."""

    def no_links(*args: Any, **options: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    path = tmp_path / "backup"
    assert len(write(vault, path).kids) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(KeyExists):
        write(vault, path)


def test_a_backup_shows_no_key(vault: Vault, backup: Path) -> None:
    """Not a root key, not what is derived from it, not the passphrase, in any form."""
    text = backup.read_text()
    content = backup.read_bytes()
    for key in vault.keys.status():
        for secret in (vault.keys.root(key.kid), vault.keys.wrapping_key(key.kid)):
            assert secret not in content
            assert secret.hex() not in text
    assert PASSPHRASE.reveal() not in text
    assert "config/key" not in text


def test_a_backup_says_what_it_is_without_the_passphrase(vault: Vault, backup: Path) -> None:
    """The vault, the time, the ids of the root keys."""
    found = read(backup)
    keys = vault.keys.status()
    assert found.store_id == vault.store.store_id
    assert [each.kid for each in found.keys] == [key.kid for key in keys]
    assert [each.active for each in found.keys] == [False, True]


def test_another_passphrase_is_told_as_such(vault: Vault, path: Path, backup: Path) -> None:
    """WrongKey; nothing is changed, and no key file is made."""
    (path.parent / "config" / "key").unlink()
    before = dump(path)
    with vault_at(path) as other:
        for wrong in ("five random words are enougH", "x", "five random words are enough "):
            with pytest.raises(WrongKey, match="passphrase"):
                restore(other.keys, read(backup), Secret(wrong))
    with pytest.raises(KeyUnavailable, match="empty"):
        restore(vault.keys, read(backup), Secret(" "))
    assert dump(path) == before
    assert not (path.parent / "config" / "key").exists()


def test_a_changed_backup_is_refused(vault: Vault, path: Path, backup: Path) -> None:
    """Whatever is changed in it, in clear or sealed: a typed error, and nothing happens."""
    before = dump(path)
    content = json.loads(backup.read_text())
    first, second = content["keys"]
    changes: list[dict[str, Any]] = [
        {"made_at": "2020-01-01T00:00:00+00:00"},
        {"keys": [second, first]},
        {"keys": [second]},
        {"keys": [first, {**second, "active": False}]},
        {"keys": [first, {**second, "kid": "00" * 8}]},
        {"sealed": content["sealed"][:-4] + "AAA="},
        {"sealed": ""},
        {"passphrase": content["passphrase"][:-8]},
    ]
    for each in changes:
        backup.write_text(json.dumps({**content, **each}))
        with pytest.raises((TamperedCiphertext, BrickworkError)) as caught:
            restore(vault.keys, read(backup), PASSPHRASE)
        assert caught.value.exit_code in (3, 6), each
    assert dump(path) == before


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"format": "brickwork-keys/2"}',
     b'{"format": "brickwork-keys/1"}', b'{"format": "brickwork-keys/1", "vault": 7}'],
)  # fmt: skip
def test_what_is_no_backup_is_told_as_such(tmp_path: Path, content: bytes) -> None:
    """Anything else, or one of a newer version: UnsupportedFormat."""
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(UnsupportedFormat, match="not a backup"):
        read(tmp_path / "file")


def test_a_file_that_cannot_be_read_is_told_as_such(tmp_path: Path) -> None:
    """Missing, or a folder."""
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(StorageError, match="cannot be read"):
            read(path)


def test_a_backup_of_another_vault_is_refused(backup: Path, tmp_path: Path) -> None:
    """Its root keys open nothing here; and where no vault is, none is made."""
    with vault_at(tmp_path / "other" / "vault.db") as other:
        with pytest.raises(BlockNotFound, match="database first"):
            restore(other.keys, read(backup), PASSPHRASE)
        assert not other.store.exists()
        other.save(BasicAuth(username="u", password="password-0"), "n0")
        with pytest.raises(WrongKey, match="another vault"):
            restore(other.keys, read(backup), PASSPHRASE)


def test_a_root_key_that_was_lost_comes_back(vault: Vault, path: Path, backup: Path) -> None:
    """Rows taken out of the key table are put back; what needs them opens again."""
    active = vault.keys.active()
    change(path, "DELETE FROM keys")
    with vault_at(path) as other:
        done = restore(other.keys, read(backup), PASSPHRASE)
        assert done.activated == active
        check(other)
        assert other.keys.active() == active


def test_a_root_key_made_after_the_backup_stays_as_it_is(
    vault: Vault, path: Path, backup: Path
) -> None:
    """While it can be opened it stays the active one."""
    newest = vault.keys.rotate().kid
    done = restore(vault.keys, read(backup), PASSPHRASE)
    assert (done.locked, done.activated) == ((), None)
    assert vault.keys.active() == newest
    check(vault)


def test_a_root_key_made_after_the_backup_and_lost_is_told(
    vault: Vault, path: Path, backup: Path
) -> None:
    """Its documents stay locked and are counted; the newest of the backup seals from then on."""
    before = vault.keys.active()
    newest = vault.keys.rotate(new=True).kid
    vault.save(BasicAuth(username="u", password="password-3"), "n3")
    (path.parent / "config" / "key").unlink()
    with vault_at(path) as other:
        done = restore(other.keys, read(backup), PASSPHRASE)
        assert done.locked == ((newest, 4),)
        assert done.activated == before
        other.save(BasicAuth(username="u", password="password-4"), "n4")
        assert other.load("basic-auth/n4", expect=BasicAuth).password.reveal() == "password-4"
        with pytest.raises((KeyUnavailable, WrongKey)):
            other.load("basic-auth/n3")


def test_a_backup_leaves_out_what_does_not_open_and_says_so(
    vault: Vault, path: Path, tmp_path: Path
) -> None:
    """An old root key that was damaged does not keep the others from being backed up."""
    old, new = vault.keys.status()
    change(path, "UPDATE keys SET wrapped = zeroblob(77) WHERE kid = ?", old.kid)
    with vault_at(path) as other:
        written = write(other, tmp_path / "backup")
        assert written.kids == (new.kid,)
        assert [kid for kid, _ in written.left] == [old.kid]
        change(path, "UPDATE keys SET wrapped = zeroblob(77) WHERE kid = ?", new.kid)
    with vault_at(path) as other, pytest.raises(BrickworkError):
        write(other, tmp_path / "second")
    assert not (tmp_path / "second").exists()


def test_another_provider_can_guard_what_comes_back(
    vault: Vault, path: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Restoring with another provider configured moves the vault to it."""
    monkeypatch.setenv("BRICKWORK_PASSPHRASE", "the passphrase of the vault")
    with Vault.open(str(path), keys="passphrase:BRICKWORK_PASSPHRASE") as other:
        with pytest.raises(KeyUnavailable):
            check(other)
        restore(other.keys, read(backup), PASSPHRASE)
        check(other)
    with Vault.open(str(path), keys="passphrase:BRICKWORK_PASSPHRASE") as again:
        check(again)
    with vault_at(path) as old, pytest.raises(KeyUnavailable, match="passphrase"):
        check(old)


def test_the_trail_tells_of_both(vault: Vault, backup: Path) -> None:
    """Who wrote the keys out, where to, and who brought them back."""
    restore(vault.keys, read(backup), PASSPHRASE)
    trail = AuditTrail(vault.store, vault.keys)
    back, out = trail.entries(limit=2)
    kids = [key.kid.hex() for key in vault.keys.status()]
    assert (out.action, out.detail["keys"]) == ("keys.backup", kids)
    assert out.detail["file"] == str(backup)
    assert (back.action, back.detail["keys"]) == ("keys.restore", kids)
    trail.verify()
