"""The vault's root keys: made, unwrapped once per process, and derived from."""

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from brickwork.crypto import NamedKey, derive, key_id, new_key, pack, without_frames
from brickwork.errors import KeyUnavailable, TamperedCiphertext
from brickwork.keyprovider import KeyProvider
from brickwork.store import Store, WrappedKey
from brickwork.vault.envelope import DataKeys

_WRAPPING = "wrap"
_TOO_MANY_WRAPS = 2**31


class KeyRing:
    """The root keys of one vault, in the hands of one process.

    It is a `KeySource`: ``current(purpose)`` and ``by_id(kid, purpose)`` give derived keys, for
    results and others. Root keys are kept as bytearrays and zeroed by `close`.

    Attributes:
        unwrapped: The data keys of documents that were opened.
    """

    def __init__(self, store: Store, provider: Callable[[], KeyProvider]) -> None:
        self._store = store
        self._make_provider = provider
        self._provider: KeyProvider | None = None
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._roots: dict[bytes, bytearray] = {}
        self._derived: dict[tuple[bytes, str], bytes] = {}
        self.unwrapped = DataKeys()

    @property
    def provider(self) -> KeyProvider:
        """The key provider that is configured."""
        if self._provider is None:
            self._provider = self._make_provider()
        return self._provider

    def current(self, purpose: str) -> NamedKey:
        """Return the key of that purpose for new data. Raises KeyUnavailable, WrongKey."""
        kid = self.active()
        return NamedKey(kid, self.by_id(kid, purpose))

    def by_id(self, kid: bytes, purpose: str) -> bytes:
        """Return the key of that purpose by root key. Raises KeyUnavailable, WrongKey."""
        key = self._derived.get((kid, purpose))
        if key is None:
            key = derive(self._root(kid), purpose)
            self._derived[kid, purpose] = key
        return key

    def wrapping_key(self, kid: bytes) -> bytes:
        """Return the key that wraps the data keys of documents."""
        return self.by_id(kid, _WRAPPING)

    def active(self) -> bytes:
        """Return the id of the root key for new data. Raises KeyUnavailable where there is none."""
        kid = self._active() if self._store.exists() else None
        if kid is not None:
            return kid
        raise KeyUnavailable(
            f"The vault {self._store.location} has no root key yet.",
            tried=[self.provider.describe()],
            fix="Save a block first; that makes the vault and its root key.",
        )

    def status(self) -> list[WrappedKey]:
        """Return every root key of the vault, oldest first, still wrapped."""
        return list(self._store.keys()) if self._store.exists() else []

    def prepare(self) -> bool:
        """Make sure that a fresh vault can be locked, before anything of it is made.

        Returns:
            Whether the provider made a new key.

        Raises:
            KeyUnavailable: The provider has no key; nothing was made.
        """
        made = self.provider.create()
        self.provider.wrap(bytes(32), b"probe")
        return made

    def for_sealing(self) -> NamedKey:
        """Return the wrapping key for a new document; inside a transaction of the store.

        Makes the first root key of a fresh vault. Counts the use.
        """
        kid = self._active() or self._first()
        key = NamedKey(kid, self.wrapping_key(kid))  # unlocks it before anything is counted
        if self._store.count_wrap(kid) == _TOO_MANY_WRAPS:
            import warnings

            warnings.warn(
                f"Root key {kid.hex()} has sealed 2**31 documents. Run `brickwork keys rotate`.",
                stacklevel=4,
            )
        return key

    def close(self) -> None:
        """Forget every key, and zero the root keys in memory."""
        with self._lock:
            for root in self._roots.values():
                root[:] = bytes(len(root))
            self._roots.clear()
            self._derived.clear()
            self.unwrapped.forget()

    def _active(self) -> bytes | None:
        return next((key.kid for key in self.status() if key.active), None)

    def _first(self) -> bytes:
        root = bytearray(new_key())
        kid = key_id(root)
        wrapped = self.provider.wrap(bytes(root), self._context(kid))
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        self._store.put_key(WrappedKey(kid, self.provider.name, wrapped, now, True, 0))
        # Not kept: what seals a document is what the provider gives back, so that a key which
        # cannot be unwrapped never seals anything.
        return kid

    @without_frames
    def _root(self, kid: bytes) -> bytearray:
        if self._pid != os.getpid():
            # Another thread may have held it when this process was forked: it will never let go.
            self._lock, self._pid = threading.RLock(), os.getpid()
        with self._lock:
            root = self._roots.get(kid)
            if root is None:
                root = bytearray(self._unwrap(kid))
                if key_id(root) != kid:
                    raise TamperedCiphertext(
                        f"Root key {kid.hex()} of {self._store.location} is not what it says.",
                        fix="Somebody wrote to the vault's key table: restore it from a backup.",
                    )
                self._roots[kid] = root
            return root

    def _unwrap(self, kid: bytes) -> bytes:
        for key in self.status():
            if key.kid == kid:
                if key.provider not in {self.provider.name, *self.provider.also_opens}:
                    raise KeyUnavailable(
                        f"The vault {self._store.location} is locked by the key provider "
                        f"{key.provider!r}, and {self.provider.name!r} is configured "
                        f"({self.provider.describe()}).",
                        kid=kid.hex(),
                        tried=[self.provider.describe()],
                        fix=_configure(key.provider),
                    )
                return self.provider.unwrap(key.wrapped, self._context(kid))
        raise KeyUnavailable(
            f"The vault {self._store.location} has no root key {kid.hex()}.",
            kid=kid.hex(),
            tried=[self.provider.describe()],
            fix="The document or the key table was changed: restore the vault from a backup.",
        )

    def _context(self, kid: bytes) -> bytes:
        return pack(b"brickwork/root-key", self._store.store_id, kid)


def _configure(provider: str) -> str:
    variable = {"env": "BRICKWORK_KEY", "file": "BRICKWORK_KEY_FILE"}.get(provider)
    if variable and not os.environ.get(variable):
        return f"Set {variable}, or name the provider in brickwork.toml: keys = {provider!r}."
    return f"Name that provider: keys = '{provider}:...' in brickwork.toml."
