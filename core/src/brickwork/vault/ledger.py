"""``VaultLedger``: what a saved block remembers, sealed, in the vault's store.

An entry is one row. Its key is kept as a code (HMAC-SHA256), and its value is sealed with
AES-256-GCM, each under a key of its own that is derived from a root key for this block's ledger
alone. Store, block, code and end are authenticated with it, so that a row which was changed or
moved, or whose time was, is none. What cannot be opened counts as never put: what a notifier
remembers may be lost, and its messages may not.

New rows are under the active root key. Those of the ones before are found too while these are
there, so that rotating keys forgets nothing.
"""

import hmac
import struct
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from brickwork.block import Block, place_of
from brickwork.crypto import open_sealed, pack, seal
from brickwork.errors import BlockNotFound, VaultError
from brickwork.ledger import Draft, Entry, Ledger, Page, values_of
from brickwork.store import LedgerRow
from brickwork.vault.keys import KeyRing

_SWEPT = 16  # ended rows that a transaction removes; more than it usually adds
_BUCKET = 64  # values are padded to it, as secrets are
_UNREADABLE = (VaultError, ValueError, TypeError, struct.error)


class _Unchanged(Exception):
    """Ends a transaction that changed nothing, without a commit."""


def ledger_in(keys: KeyRing, block: Block) -> "VaultLedger":
    """Return the ledger of a block; see `Vault.ledger`."""
    place = place_of(block)
    if place is None or place.changed or place.store_id != keys.store.store_id:
        raise BlockNotFound(
            f"This {type(block).__name__} is not saved in the vault {keys.store.location}.",
            fix="Save it there, or use brickwork.ledger_of, which knows other blocks too.",
        )
    return VaultLedger(keys, place.block_id)


class VaultLedger(Ledger):
    """The ledger of one saved block.

    Args:
        keys: The vault's root keys; their store has the rows.
        block_id: The block's id, which stays when it is renamed.
    """

    def __init__(self, keys: KeyRing, block_id: bytes) -> None:
        self._keys = keys
        self._store = keys.store
        self._scope = block_id
        self._purpose = f"ledger/{block_id.hex()}"

    @contextmanager
    def transaction(self) -> Iterator[Page]:
        """Begin a transaction, which is one of the store: durable, and after all others."""
        with suppress(_Unchanged), self._store.transaction():
            kids = self._kids()
            draft = Draft(
                lambda key: self._found(kids, key), lambda: self._opened(kids, self._all())
            )
            yield draft
            if not draft.changes:
                raise _Unchanged
            self._keep(kids, draft.changes)

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the value of a key that is kept now."""
        entry = self._found(self._kids(), key)
        return None if entry is None else entry.value()

    def entries(self, prefix: str = "") -> dict[str, dict[str, Any]]:
        """Return every value that is kept now and whose key begins so."""
        return values_of(self._opened(self._kids(), self._all()), prefix)

    # Finding

    def _kids(self) -> list[bytes]:
        """Return the root keys that rows may be under: the active one, then newer before older."""
        keys = self._keys.status()
        active = [key.kid for key in keys if key.active] or [self._keys.active()]  # which raises
        self._keys.by_id(active[0], self._purpose)  # nothing can be remembered without it
        kids = active
        for key in reversed(keys):
            if not key.active:
                with suppress(VaultError):
                    self._keys.by_id(key.kid, self._purpose)
                    kids.append(key.kid)
        return kids

    def _found(self, kids: list[bytes], key: str) -> Entry | None:
        names = [self._name(kid, key) for kid in kids]
        return self._opened(kids, self._store.ledger(self._scope, names)).get(key)

    def _all(self) -> Iterable[LedgerRow]:
        return self._store.ledger(self._scope)

    def _opened(self, kids: list[bytes], rows: Iterable[LedgerRow]) -> dict[str, Entry]:
        """Open what can be opened; what is there under several root keys, as the newest has it."""
        found: dict[str, Entry] = {}
        known = [row for row in rows if row.kid in kids]
        for row in sorted(known, key=lambda row: kids.index(row.kid), reverse=True):
            with suppress(*_UNREADABLE):
                key, content = self._open(row)
                found[key] = Entry(content, row.expires_at)
        return found

    # Keeping

    def _keep(self, kids: list[bytes], changes: Mapping[str, Entry | None]) -> None:
        for key, entry in changes.items():
            names = [self._name(kid, key) for kid in kids]
            if entry is None:
                self._store.remove_ledger(self._scope, names)
            else:
                self._store.remove_ledger(self._scope, names[1:])
                self._store.put_ledger(self._sealed(kids[0], names[0], key, entry))
        self._store.remove_ended(time.time(), _SWEPT)

    # Sealing

    def _name(self, kid: bytes, key: str) -> bytes:
        return hmac.digest(self._keys.by_id(kid, f"{self._purpose}/names"), _raw(key), "sha256")

    def _sealed(self, kid: bytes, name: bytes, key: str, entry: Entry) -> LedgerRow:
        plain = pack(_raw(key)) + entry.content
        plain += b" " * (-len(plain) % _BUCKET)
        context = self._context(name, entry.expires_at)
        sealed = seal(self._keys.by_id(kid, self._purpose), plain, context)
        return LedgerRow(self._scope, name, kid, sealed, entry.expires_at)

    def _open(self, row: LedgerRow) -> tuple[str, bytes]:
        """Return an entry's key, and its value as JSON; raises what is in `_UNREADABLE`."""
        context = self._context(row.key, row.expires_at)
        plain = open_sealed(self._keys.by_id(row.kid, self._purpose), row.sealed, context)
        end = 4 + int.from_bytes(plain[:4], "big")
        return plain[4:end].decode("utf-8", "surrogatepass"), plain[end:]

    def _context(self, name: bytes, expires_at: float) -> bytes:
        end = struct.pack(">d", expires_at)
        return pack(b"brickwork/ledger", self._store.store_id, self._scope, name, end)


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
