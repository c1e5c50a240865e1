"""Encrypting anew: new data keys for everything, and nothing left of the old ciphertexts."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from brickwork import BasicAuth, SecretBlock, StoreError, Vault
from brickwork.builtin.key_file import FileKey
from brickwork.vault import rotation
from brickwork.vault.audit import AuditTrail
from brickwork.vault.keys import KeyRing
from brickwork.vault.rotation import unfinished
from brickwork.vault.sqlite import SqliteStore


def vault_at(path: Path, cls: type[SqliteStore] = SqliteStore) -> Vault:
    """Open a vault with a key file in a folder beside it."""
    store = cls(path)
    return Vault(store, KeyRing(store, lambda: FileKey(path.parent.parent / "config" / "key")))


def password(number: int) -> str:
    """A secret; some are longer than a page of the database."""
    return f"password-{number}-" + "x" * (number * number * 10)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the vault is, in a folder of its own."""
    return tmp_path / "data" / "vault.db"


@pytest.fixture
def vault(path: Path) -> Iterator[Vault]:
    """A vault of 30 blocks, some of them with two versions."""
    with vault_at(path) as vault:
        for number in range(30):
            vault.save(BasicAuth(username="u", password=password(number)), f"n{number}")
        for number in range(0, 30, 4):
            block = BasicAuth(username="v", password=password(number))
            vault.save(block, f"n{number}", overwrite=True)
        yield vault


def check(vault: Vault) -> None:
    """Assert that every version opens."""
    for number in range(30):
        for document in vault.history(f"basic-auth/n{number}"):
            block = vault.load(document.address, expect=BasicAuth)
            assert block.password.reveal() == password(number)


def pieces(vault: Vault) -> set[bytes]:
    """Every 16 bytes of every ciphertext, nonce, commitment and wrapping of all versions."""
    found = set()
    for number in range(30):
        for record in vault.store.versions("basic-auth", f"n{number}"):
            random = record.sealed[14:46], record.sealed[48:]
            found |= {part[i : i + 16] for part in random for i in range(0, len(part) - 15, 16)}
    return found


def found_in_files(folder: Path, wanted: set[bytes]) -> int:
    """How many of the pieces are in any file of a folder, at any offset.

    Read by another process: closing a file here would drop the locks that SQLite has on it.
    """
    files = sorted(str(file) for file in folder.iterdir())
    content = subprocess.run(["cat", *files], stdout=subprocess.PIPE, check=True).stdout
    present = {content[i : i + 16] for i in range(len(content) - 15)}
    return len(wanted & present)


def test_no_byte_of_the_old_ciphertexts_is_left(
    vault: Vault, path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Bar 8: in no file of the database, though other connections are open and were used."""
    with vault_at(path) as other:
        check(other)
        old = pieces(vault)
        assert found_in_files(path.parent, old) > 0.99 * len(old), "the search finds nothing"
        done = vault.keys.reencrypt()
        assert (done.made, done.renewed, done.documents, done.left) == (True, True, 38, ())
        assert found_in_files(path.parent, old) == 0
        new = pieces(vault)
        assert found_in_files(path.parent, new) > 0.99 * len(new)
        check(other)
    check(vault)
    record_property("pieces of 16 bytes searched", len(old))


def test_control_rotating_leaves_the_ciphertexts(vault: Vault, path: Path) -> None:
    """Rewrapping is no cure: what the old data keys open is still there."""
    old = pieces(vault)
    vault.keys.rotate()
    vault.store.compact()
    assert found_in_files(path.parent, old) > 0.9 * len(old)


def test_every_data_key_is_new(vault: Vault) -> None:
    """No commitment, which the data key gives, is as it was; versions, times and texts are."""

    def look() -> tuple[set[bytes], list[tuple[object, ...]]]:
        every = [r for n in range(30) for r in vault.store.versions("basic-auth", f"n{n}")]
        return {r.sealed[14:46] for r in every}, [(*r[:7], r.public) for r in every]

    keys, rest = look()
    vault.keys.reencrypt()
    assert look()[0].isdisjoint(keys)
    assert look()[1] == rest


class Stop(Exception):
    """Stands for a kill."""


def stop_after(documents: int) -> Callable[[int, int], None]:
    """A report that stops when so many are done."""

    def report(done: int, total: int) -> None:
        if done >= documents:
            raise Stop

    return report


@pytest.mark.parametrize("finish", ["reencrypt", "rotate", "reencrypt --resume", "rotate --resume"])
def test_an_interrupted_one_is_finished_as_it_began(
    vault: Vault, path: Path, finish: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a rotation encrypts the rest anew: nothing is only rewrapped to such a root key."""
    monkeypatch.setattr(rotation, "BATCH", 5)
    old = pieces(vault)
    with pytest.raises(Stop):
        vault.keys.reencrypt(report=stop_after(12))
    assert unfinished(vault.keys) == (23, True)
    check(vault)
    with vault_at(path) as other:
        begin = other.keys.rotate if finish.startswith("rotate") else other.keys.reencrypt
        done = begin(resume="--resume" in finish)
        assert (done.made, done.renewed, done.documents) == (False, True, 23)
        assert found_in_files(path.parent, old) == 0
        assert unfinished(other.keys) == (0, False)
        assert len(other.keys.status()) == 2
        check(other)
        assert other.keys.reencrypt().made, (
            "What is finished does not keep the next from beginning."
        )


def test_what_was_left_before_compacting_is_compacted_later(vault: Vault, path: Path) -> None:
    """A failure between the last document and the end leaves something to finish."""
    old = pieces(vault)

    class Busy(SqliteStore):
        def compact(self) -> None:
            raise StoreError("The vault cannot be written: others kept it locked.", fix="Wait.")

    with vault_at(path, Busy) as other, pytest.raises(StoreError, match="locked"):
        other.keys.reencrypt()
    assert unfinished(vault.keys) == (0, True)
    assert found_in_files(path.parent, old) > 0
    done = vault.keys.reencrypt()
    assert (done.made, done.documents) == (False, 0)
    assert found_in_files(path.parent, old) == 0


def test_after_an_interrupted_rotation_all_is_encrypted_anew(
    vault: Vault, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what the rotation had rewrapped already."""
    monkeypatch.setattr(rotation, "BATCH", 5)
    old = pieces(vault)
    with pytest.raises(Stop):
        vault.keys.rotate(report=stop_after(12))
    old |= pieces(vault)
    done = vault.keys.reencrypt()
    assert (done.made, done.renewed, done.documents) == (True, True, 38)
    assert found_in_files(path.parent, old) == 0


def test_a_tampered_document_stays_and_is_told(vault: Vault, path: Path) -> None:
    """All others are encrypted anew; it stays unfinished, and is finished once that is mended."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(path)) as database:
        # Only what rewrapping does not look at: the ciphertext itself.
        database.execute("UPDATE documents SET sealed = CAST(sealed || x'00' AS BLOB) WHERE id = 2")
        database.commit()
    assert vault.keys.rotate().left == ()
    done = vault.keys.reencrypt()
    assert [each.what for each in done.left] == ["basic-auth/n1@1"]
    assert done.documents == 37
    assert unfinished(vault.keys) == (1, True)
    vault.delete("basic-auth/n1")
    done = vault.keys.reencrypt()
    assert (done.made, done.documents, done.left) == (False, 0, ())
    assert unfinished(vault.keys) == (0, False)


def test_saving_goes_on_meanwhile(vault: Vault, path: Path) -> None:
    """What is saved during it has a new data key anyway, and is left alone."""
    saved: list[int] = []

    def save(done: int, total: int) -> None:
        with vault_at(path) as other:
            other.save(SecretBlock(value=f"value-{len(saved)}"), f"s{len(saved)}")
        saved.append(done)

    rotation_batch, rotation.BATCH = rotation.BATCH, 5
    try:
        assert vault.keys.reencrypt(report=save).documents == 38
    finally:
        rotation.BATCH = rotation_batch
    assert len(saved) >= 8
    for number in range(len(saved)):
        assert vault.load(f"secret/s{number}", expect=SecretBlock).reveal() == f"value-{number}"
    check(vault)


def test_the_trail_still_matches(vault: Vault) -> None:
    """The audit trail says that documents were encrypted anew, and verifies."""
    vault.keys.reencrypt()
    trail = AuditTrail(vault.store, vault.keys)
    assert [each.action for each in trail.entries(limit=2)] == ["keys.finished", "keys.reencrypt"]
    trail.verify()
    vault.save(SecretBlock(value="another value"), "after")
    trail.verify()
