"""The audit trail when root keys are destroyed: an entry under another key vouches for theirs."""

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from brickwork import AuditBroken, AuditRow, BasicAuth, BrickworkError, KeyUnavailable, Vault
from brickwork.vault.sqlite import SqliteStore


def _save(vault: Vault, name: str) -> None:
    vault.save(BasicAuth(username="u", password=f"password-{name}"), name)


@pytest.fixture
def vault(memory_vault: Vault) -> Vault:
    """A vault whose first two root keys are gone, with entries of all three."""
    _save(memory_vault, "a")
    _save(memory_vault, "b")
    first = memory_vault.keys.active()
    memory_vault.keys.rotate()
    _save(memory_vault, "c")
    memory_vault.keys.destroy(first)
    second = memory_vault.keys.active()
    memory_vault.keys.rotate()
    memory_vault.keys.destroy(second)
    _save(memory_vault, "d")
    return memory_vault


def _changed(vault: Vault, row: AuditRow, **change: object) -> None:
    """Change a row as somebody with the database file would."""
    store = vault.store
    assert isinstance(store, SqliteStore)
    new = row._replace(**change)  # type: ignore[arg-type]  # any field
    with store.transaction():
        store._write("DROP TRIGGER IF EXISTS audit_is_not_changed")
        store._write(
            "UPDATE audit SET content = ?, kid = ?, mac = ? WHERE position = ?",
            new.content, new.kid, new.mac, row.position,
        )  # fmt: skip


def test_a_trail_outlives_the_keys_that_made_it(vault: Vault) -> None:
    """Also one whose voucher was made by a key that is gone too; entries are all listed."""
    assert len(vault.keys.status()) == 1
    assert len({row.kid for row in vault.store.audit_rows()}) == 3
    head = vault.audit.verify()
    assert vault.audit.verify(head) == head
    assert [entry.action for entry in vault.audit.entries(oldest_first=True)].count("save") == 4
    with Vault.open() as other:  # which never had the old keys in memory
        assert other.audit.verify() == head


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_a_change_of_any_entry_is_found(vault: Vault, data: st.DataObject) -> None:
    """Of its content, its code or its key: also where nobody can check the code itself any more."""
    rows = list(vault.store.audit_rows())
    row = data.draw(st.sampled_from(rows))
    field = data.draw(st.sampled_from(["content", "mac", "kid"]))
    value: bytes = getattr(row, field)
    at = data.draw(st.integers(0, len(value) - 1))
    flipped = bytes([value[at] ^ data.draw(st.integers(1, 255))])
    _changed(vault, row, **{field: value[:at] + flipped + value[at + 1 :]})
    try:
        with pytest.raises(BrickworkError):
            vault.audit.verify(documents=False)
    finally:
        _changed(vault, row)
    vault.audit.verify()


def test_two_entries_cannot_change_places(vault: Vault) -> None:
    """Nor can one be written again under a key that is gone."""
    one, two, *_ = vault.store.audit_rows()
    _changed(vault, one, content=two.content)
    _changed(vault, two, content=one.content)
    with pytest.raises(AuditBroken) as caught:
        vault.audit.verify(documents=False)
    assert caught.value.position == 1


def test_a_key_that_was_removed_without_a_word_is_told(memory_vault: Vault) -> None:
    """By somebody with the database: the entries that need it are not taken for good."""
    _save(memory_vault, "a")
    first = memory_vault.keys.active()
    memory_vault.keys.rotate()
    _save(memory_vault, "b")
    with memory_vault.store.transaction():
        memory_vault.store.remove_key(first)
    memory_vault.close()
    with pytest.raises(KeyUnavailable, match="Entry 1 "):
        memory_vault.audit.verify()


def test_a_key_of_a_broken_trail_is_not_destroyed(memory_vault: Vault) -> None:
    """Nothing vouches for entries that are not what was written; the key stays."""
    _save(memory_vault, "a")
    first = memory_vault.keys.active()
    memory_vault.keys.rotate()
    row = memory_vault.store.audit_rows()[0]
    _changed(memory_vault, row, content=row.content.replace(b"save", b"load"))
    with pytest.raises(AuditBroken):
        memory_vault.keys.destroy(first)
    assert len(memory_vault.keys.status()) == 2
    assert [entry.action for entry in memory_vault.audit.entries()].count("keys.destroy") == 0
