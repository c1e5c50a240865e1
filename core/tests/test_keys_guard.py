"""Another provider for the root keys, and destroying one."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from brickwork import BasicAuth, BrickworkError, KeyInUse, KeyUnavailable, Vault, WrongKey
from brickwork.builtin.key_env import EnvKey
from brickwork.builtin.key_file import FileKey
from brickwork.builtin.wrapping import key_to_text
from brickwork.crypto import new_key
from brickwork.testing.concurrent import CheckedThread
from brickwork.testing.files import change, dump
from brickwork.vault.audit import AuditTrail
from brickwork.vault.keys import KeyRing
from brickwork.vault.root_keys import KeyUse, use_of
from brickwork.vault.sqlite import SqliteStore


def vault_at(path: Path, key: str = "key", cls: type[SqliteStore] = SqliteStore) -> Vault:
    """Open a vault with a key file in a folder beside it."""
    store = cls(path)
    return Vault(store, KeyRing(store, lambda: FileKey(path.parent / "config" / key)))


def check(vault: Vault) -> None:
    """Assert that every version of the block opens."""
    for version in (1, 2):
        block = vault.load(f"basic-auth/prod@{version}", expect=BasicAuth)
        assert block.password.reveal() == f"password-{version}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the vault is."""
    return tmp_path / "vault.db"


@pytest.fixture
def vault(path: Path) -> Iterator[Vault]:
    """A vault with a block of two versions, and three root keys."""
    with vault_at(path) as vault:
        vault.save(BasicAuth(username="u", password="password-1"), "prod")
        vault.keys.rotate()
        vault.save(BasicAuth(username="u", password="password-2"), "prod", overwrite=True)
        vault.keys.rotate()
        yield vault


def test_a_new_provider_guards_all_root_keys(
    vault: Vault, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new one opens the vault, also in the ring that did it; the old one does not."""
    monkeypatch.setenv("NEW_KEY", key_to_text(new_key()))
    before = vault.keys.status()
    assert vault.keys.rewrap(EnvKey("NEW_KEY")) is False
    assert vault.keys.provider.name == "env"
    after = vault.keys.status()
    assert [key._replace(wrapped=b"", provider="") for key in after] == [
        key._replace(wrapped=b"", provider="") for key in before
    ], "Only the wrapping and the provider change."
    assert {key.provider for key in after} == {"env"}
    check(vault)
    vault.save(BasicAuth(username="u", password="password-3"), "third")
    with Vault.open(str(path), keys="env:NEW_KEY") as other:
        check(other)
    with vault_at(path) as old, pytest.raises(WrongKey):
        check(old)


def test_documents_are_not_touched(vault: Vault, path: Path, tmp_path: Path) -> None:
    """Not a row of them is written, and it is one transaction: bar 7, by structure."""
    begun: list[int] = []

    class Counting(SqliteStore):
        @contextmanager
        def transaction(self) -> Iterator[None]:
            begun.append(1)
            with super().transaction():
                yield

    def documents() -> list[str]:
        return [line for line in dump(path) if 'INTO "documents"' in line]

    before = documents()
    with vault_at(path, cls=Counting) as counting:
        assert counting.keys.rewrap(FileKey(tmp_path / "config" / "new")) is True
    assert documents() == before != []
    assert len(begun) == 1
    with vault_at(path, "new") as other:
        check(other)


def test_a_provider_that_cannot_give_back_is_refused(vault: Vault, path: Path) -> None:
    """Without a key, or one that loses what it is given: nothing is changed."""
    before = dump(path)

    class Forgetful(FileKey):
        def wrap(self, root_key: bytes, context: bytes) -> bytes:
            return super().wrap(os.urandom(32), context)

    for provider in (EnvKey("NOT_SET"), Forgetful(path.parent / "config" / "key")):
        with pytest.raises(KeyUnavailable):
            vault.keys.rewrap(provider)
    assert dump(path) == before
    assert vault.keys.provider.name == "file"


def test_the_key_of_today_is_needed(vault: Vault, path: Path) -> None:
    """Who does not have it cannot put another in its place."""
    before = dump(path)
    with vault_at(path, "other") as other:
        other.keys.provider.create()
        with pytest.raises(WrongKey):
            other.keys.rewrap(FileKey(path.parent / "config" / "mine"))
    assert dump(path) == before


def test_one_root_key_that_does_not_open_stops_it(vault: Vault, path: Path) -> None:
    """Not half of them are moved: two providers for one vault would open neither half."""
    change(path, "UPDATE keys SET wrapped = zeroblob(90) WHERE position = 1")
    before = dump(path)
    with vault_at(path) as other, pytest.raises(BrickworkError):
        other.keys.rewrap(FileKey(path.parent / "config" / "new"))
    assert dump(path) == before


def test_a_rotation_in_between_is_not_lost(vault: Vault, path: Path) -> None:
    """A root key made while the others are being wrapped is wrapped too."""
    made: list[bytes] = []

    class Slow(FileKey):
        def wrap(self, root_key: bytes, context: bytes) -> bytes:
            if not made:
                with vault_at(path) as other:
                    made.append(other.keys.rotate().kid)
            return super().wrap(root_key, context)

    slow = Slow(path.parent / "config" / "new")
    vault.keys.rewrap(slow)
    assert vault.keys.active() == made[0]
    with vault_at(path, "new") as other:
        check(other)
        assert len(other.keys.status()) == 4


def test_a_vault_without_a_root_key_has_nothing_to_rewrap(tmp_path: Path) -> None:
    """KeyUnavailable, and neither a vault nor a key is made."""
    with vault_at(tmp_path / "none.db") as vault, pytest.raises(KeyUnavailable):
        vault.keys.rewrap(FileKey(tmp_path / "config" / "new"))
    assert list(tmp_path.iterdir()) == []


def test_the_trail_tells_of_the_provider(vault: Vault, path: Path) -> None:
    """Its name, and which root keys."""
    vault.keys.rewrap(FileKey(path.parent / "config" / "new"))
    trail = AuditTrail(vault.store, vault.keys)
    [entry] = trail.entries(limit=1)
    assert entry.action == "keys.rewrap"
    assert dict(entry.detail) == {
        "provider": "file",
        "keys": [key.kid.hex() for key in vault.keys.status()],
    }
    trail.verify()


# Destroying


def idle_key(vault: Vault) -> bytes:
    """Add a root key that nothing needs."""
    spare = vault.keys.make_root()._replace(active=False)
    with vault.store.transaction():
        vault.store.put_key(spare)
    return spare.kid


def test_a_root_key_that_nothing_needs_is_destroyed(vault: Vault, path: Path) -> None:
    """It is gone from the vault and from this process; the trail says so."""
    kid = idle_key(vault)
    assert not use_of(vault.store, kid)
    vault.keys.by_id(kid, "results")
    vault.keys.destroy(kid)
    assert kid not in [key.kid for key in vault.keys.status()]
    with pytest.raises(KeyUnavailable, match="no root key"):
        vault.keys.by_id(kid, "results")
    with pytest.raises(KeyUnavailable, match="no root key"):
        vault.keys.root(kid)
    trail = AuditTrail(vault.store, vault.keys)
    [entry] = trail.entries(limit=1)
    assert (entry.action, entry.detail["kid"]) == ("keys.destroy", kid.hex())
    trail.verify()
    check(vault)


def test_a_root_key_that_is_needed_is_not_destroyed(vault: Vault, path: Path) -> None:
    """While it is active, or documents need it; the counts are told. The trail needs none."""
    first, _, active = (key.kid for key in vault.keys.status())
    idle = idle_key(vault)
    change(path, "UPDATE documents SET kid = ? WHERE version = 1", idle)
    assert use_of(vault.store, idle) == KeyUse(False, 1, 0)
    assert use_of(vault.store, active) == KeyUse(True, 1, 2)
    assert use_of(vault.store, first) == KeyUse(False, 0, 1)
    for kid, told in (
        (active, "new documents are sealed with it, 1 document(s)"),
        (idle, "1 document(s)"),
    ):
        with pytest.raises(KeyInUse) as caught:
            vault.keys.destroy(kid)
        assert told in caught.value.what
        assert caught.value.fix
    assert len(vault.keys.status()) == 4
    vault.keys.destroy(first)
    vault.audit.verify(documents=False)


def test_a_root_key_that_is_not_there_cannot_be_destroyed(vault: Vault) -> None:
    """KeyUnavailable names it."""
    with pytest.raises(KeyUnavailable, match="0101010101010101"):
        vault.keys.destroy(b"\x01" * 8)


def test_keys_are_zeroed_when_they_are_forgotten(vault: Vault) -> None:
    """The bytes in memory, not only the reference to them; of that key only."""
    kid = idle_key(vault)
    active = vault.keys.active()
    vault.keys.current("results")
    root, other = vault.keys._roots[kid], vault.keys._roots[active]
    vault.keys.destroy(kid)
    assert root == bytes(32) != other
    vault.close()
    assert other == bytes(32)


def test_a_running_process_follows_all_of_it(vault: Vault, path: Path) -> None:
    """One that has the vault open loads and saves before and after, each time with the new key."""
    saved: list[bytes] = []
    active: list[bytes] = []
    changed, checked = threading.Event(), threading.Event()

    def run() -> None:
        with vault_at(path) as running:
            for _ in range(3):
                check(running)
                block = BasicAuth(username="u", password="password-9")
                running.save(block, f"saved-{len(saved)}")
                record = running.store.get("basic-auth", f"saved-{len(saved)}")
                assert record is not None
                saved.append(record.kid)
                checked.set()
                assert changed.wait(60)
                changed.clear()

    thread = CheckedThread(run)
    steps: list[Callable[[], object]] = [vault.keys.rotate, vault.keys.reencrypt, lambda: None]
    for step in steps:
        assert checked.wait(60)
        checked.clear()
        step()
        active.append(vault.keys.active())
        changed.set()
    thread.finish()
    assert saved[1:] == active[:2]
