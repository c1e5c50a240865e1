"""What changes root keys without touching documents: another provider, and destroying one."""

from typing import NamedTuple

from brickwork.errors import KeyInUse, KeyUnavailable
from brickwork.keyprovider import KeyProvider
from brickwork.store import Store, WrappedKey
from brickwork.vault.audit import AuditTrail
from brickwork.vault.keys import KeyRing

_ROWS = 1000


class KeyUse(NamedTuple):
    """What needs a root key, as far as the vault can tell.

    Results, pickles and other vaults' copies that were made with it are not counted: nobody knows
    where they are.

    Attributes:
        active: Whether new documents are sealed with it.
        documents: How many documents, of all versions, it wraps.
        audit_entries: How many entries of the audit trail have their code from it. They do not need
            it: an entry under the active key vouches for them from its destruction on.
    """

    active: bool
    documents: int
    audit_entries: int

    def __bool__(self) -> bool:
        return self.active or self.documents > 0

    def __str__(self) -> str:
        parts = [
            "new documents are sealed with it" if self.active else "",
            f"{self.documents} document(s)" if self.documents else "",
        ]
        return ", ".join(filter(None, parts)) or "nothing in the vault"


def rewrap(keys: KeyRing, provider: KeyProvider) -> bool:
    """Let another provider guard the root keys; see `KeyRing.rewrap`."""
    store = keys.store
    if not keys.status():
        keys.active()  # raises: there is none
    made = provider.create()
    while True:
        # Before the transaction: the providers may be far away, or ask a person.
        before = keys.status()
        anew = [
            key._replace(provider=provider.name, wrapped=keys.wrapped_by(provider, key.kid))
            for key in before
        ]
        with store.transaction():
            if _compared(keys.status()) != _compared(before):
                continue  # a rotation has made another one
            for key in anew:
                store.put_key(key)
            AuditTrail(store, keys).append(
                "keys.rewrap", None, provider=provider.name, keys=[key.kid.hex() for key in anew]
            )
        return made


def use_of(store: Store, kid: bytes) -> KeyUse:
    """Return what needs a root key. Raises KeyUnavailable where there is no such key."""
    known = {key.kid: key for key in store.keys()}  # noqa: SIM118  # no dict
    key = known.get(kid)
    if key is None:
        raise KeyUnavailable(
            f"The vault {store.location} has no root key {kid.hex()}.",
            kid=kid.hex(),
            fix="List them with `brickwork keys status`.",
        )
    return KeyUse(key.active, store.documents_by_key().get(kid, 0), _audit_entries(store, kid))


def destroy(keys: KeyRing, kid: bytes) -> None:
    """Remove a root key; see `KeyRing.destroy`."""
    refuse_use(keys.store, kid)
    trail = AuditTrail(keys.store, keys)
    with keys.store.transaction():
        attested = trail.attest(kid)
        keys.store.remove_key(kid)  # which looks again
        trail.append("keys.destroy", None, kid=kid.hex(), attests={kid.hex(): attested})


def refuse_use(store: Store, kid: bytes) -> KeyUse:
    """Return what a root key is for, if it can be destroyed.

    Raises:
        KeyInUse: It is active, or documents need it.
        KeyUnavailable: There is no such root key.
    """
    use = use_of(store, kid)
    if use:
        raise KeyInUse(
            f"Root key {kid.hex()} is still needed: {use}.",
            fix="Run `brickwork keys rotate` first: it brings all documents under another one.",
        )
    return use


def _compared(keys: list[WrappedKey]) -> list[WrappedKey]:
    return [key._replace(wraps=0) for key in keys]


def _audit_entries(store: Store, kid: bytes) -> int:
    found, after = 0, 0
    while rows := store.audit_rows(after, _ROWS):
        found += sum(row.kid == kid for row in rows)
        after = rows[-1].position
    return found
