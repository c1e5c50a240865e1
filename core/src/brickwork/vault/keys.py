"""The vault's root keys: made, unwrapped once per process, and derived from."""

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from brickwork.crypto import NamedKey, derive, key_id, new_key, pack, without_frames
from brickwork.errors import KeyUnavailable, TamperedCiphertext
from brickwork.keyprovider import KeyProvider
from brickwork.store import Store, WrappedKey
from brickwork.vault.envelope import DataKeys

if TYPE_CHECKING:
    from brickwork.vault.rotation import Rotated

_WRAPPING = "wrap"
_TOO_MANY_WRAPS = 2**31


class KeyRing:
    """The root keys of one vault, in the hands of one process.

    It is a `KeySource`: ``current(purpose)`` and ``by_id(kid, purpose)`` give derived keys, for
    results and others. Root keys are kept as bytearrays and zeroed by `close`.

    Attributes:
        store: Where the wrapped root keys are.
        unwrapped: The data keys of documents that were opened.
    """

    def __init__(self, store: Store, provider: Callable[[], KeyProvider]) -> None:
        self.store = store
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
        kid = self._active() if self.store.exists() else None
        if kid is not None:
            return kid
        raise KeyUnavailable(
            f"The vault {self.store.location} has no root key yet.",
            tried=[self.provider.describe()],
            fix="Save a block first; that makes the vault and its root key.",
        )

    def status(self) -> list[WrappedKey]:
        """Return every root key of the vault, oldest first, still wrapped."""
        return list(self.store.keys()) if self.store.exists() else []

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
        kid = self._active()
        if kid is None:
            first = self.make_root()
            self.store.put_key(first)
            kid = first.kid
        key = NamedKey(kid, self.wrapping_key(kid))  # unlocks it before anything is counted
        if self.store.count_wrap(kid) == _TOO_MANY_WRAPS:
            import warnings

            warnings.warn(
                f"Root key {kid.hex()} has sealed 2**31 documents. Run `brickwork keys rotate`.",
                stacklevel=4,
            )
        return key

    @without_frames
    def root(self, kid: bytes) -> bytes:
        """Return a root key in clear. Raises KeyUnavailable, WrongKey."""
        return bytes(self._root(kid))

    @without_frames
    def make_root(self, *, renews: bool = False) -> WrappedKey:
        """Make a root key, for the caller to put into the store as the active one.

        What it seals with is what the provider gives back: a key which cannot be unwrapped never
        seals anything.

        Args:
            renews: What the key says about itself: see `WrappedKey`.

        Raises:
            KeyUnavailable: The provider has no key, or does not give this one back.
            WrongKey: The provider's key is not what guards the root key that is active now.
        """
        active = self._active() if self.store.exists() else None
        if active is not None:
            self._unwrap(active)
        root = bytearray(new_key())
        kid = key_id(root)
        wrapped = self.wrapped_by(self.provider, kid, root)
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        with self._locked():
            self._roots[kid] = root
        return WrappedKey(kid, self.provider.name, wrapped, now, True, 0, renews)

    @without_frames
    def wrapped_by(
        self, provider: KeyProvider, kid: bytes, root: bytes | bytearray | None = None
    ) -> bytes:
        """Return a root key wrapped by a provider that has proved to give it back.

        Args:
            provider: Who wraps it.
            kid: Its id.
            root: The key; that of the vault where it is None.

        Raises:
            KeyUnavailable: The provider has no key, or gives another one back.
        """
        plain = self.root(kid) if root is None else bytes(root)
        wrapped = provider.wrap(plain, self._context(kid))
        if provider.unwrap(wrapped, self._context(kid)) != plain:
            raise KeyUnavailable(
                f"The key provider {provider.name!r} ({provider.describe()}) does not give back "
                "what it is given.",
                kid=kid.hex(),
                tried=[provider.describe()],
                fix="Use another key provider.",
            )
        return wrapped

    # Changing the keys

    def rotate(
        self,
        *,
        new: bool = False,
        resume: bool = False,
        report: Callable[[int, int], object] | None = None,
    ) -> "Rotated":
        """Make a new root key, and wrap every document's data key with it.

        Finishes what an interrupted rotation or encryption anew left, if there is such, instead of
        beginning another. Others may read and write meanwhile. The old root keys stay, to read
        what else was made with them. See `brickwork.vault.rotation`.

        Args:
            new: Make another root key even though something is unfinished.
            resume: Only finish what is unfinished.
            report: Called with how many documents are done, and of how many.

        Returns:
            What was done, and which documents could not be.

        Raises:
            KeyUnavailable: The vault has no root key yet, or the provider has none.
            WrongKey: The provider's key is another one.
            StoreError: The database cannot be written.
        """
        from brickwork.vault.rotation import Rotation

        return Rotation(self, report).run(new=new, resume=resume)

    def reencrypt(
        self,
        *,
        new: bool = False,
        resume: bool = False,
        report: Callable[[int, int], object] | None = None,
    ) -> "Rotated":
        """Make a new root key, and encrypt every version of every document anew under it.

        Afterwards no byte of the old ciphertexts is in the store. Finishes what an interrupted one
        left. Arguments, result and errors as of `rotate`.
        """
        from brickwork.vault.rotation import Rotation

        return Rotation(self, report).run(renew=True, new=new, resume=resume)

    def rewrap(self, provider: KeyProvider) -> bool:
        """Let another provider, or another key of the same, guard the root keys; one transaction.

        The ring uses it from then on; whoever opens the vault next must configure it.

        Returns:
            Whether the provider made a key of its own for it.

        Raises:
            KeyUnavailable: One of the two providers has no key, or the new one does not give a
                root key back. Nothing was changed, also for the other errors.
            WrongKey: The provider of today has another key.
        """
        from brickwork.vault.root_keys import rewrap

        made = rewrap(self, provider)
        self._provider = provider
        return made

    def destroy(self, kid: bytes) -> None:
        """Remove a root key for good. What was made with it elsewhere cannot be opened any more.

        Raises:
            KeyInUse: It is active, or documents need it.
            KeyUnavailable: There is no such root key.
            AuditBroken: The audit trail is not whole, so that nothing can vouch for the entries
                whose codes the key made.
        """
        from brickwork.vault.root_keys import destroy

        destroy(self, kid)
        with self._locked():
            root = self._roots.pop(kid, bytearray())
            root[:] = bytes(len(root))
            for each in [each for each in self._derived if each[0] == kid]:
                del self._derived[each]
            self.unwrapped.forget()

    def close(self) -> None:
        """Forget every key, and zero the root keys in memory."""
        with self._locked():
            for root in self._roots.values():
                root[:] = bytes(len(root))
            self._roots.clear()
            self._derived.clear()
            self.unwrapped.forget()

    def _active(self) -> bytes | None:
        return next((key.kid for key in self.status() if key.active), None)

    def _locked(self) -> threading.RLock:
        if self._pid != os.getpid():
            # Another thread may have held it when this process was forked: it will never let go.
            self._lock, self._pid = threading.RLock(), os.getpid()
        return self._lock

    @without_frames
    def _root(self, kid: bytes) -> bytearray:
        with self._locked():
            root = self._roots.get(kid)
            if root is None:
                root = bytearray(self._unwrap(kid))
                if key_id(root) != kid:
                    raise TamperedCiphertext(
                        f"Root key {kid.hex()} of {self.store.location} is not what it says.",
                        fix="Somebody wrote to the vault's key table: restore it from a backup.",
                    )
                self._roots[kid] = root
            return root

    def _unwrap(self, kid: bytes) -> bytes:
        for key in self.status():
            if key.kid == kid:
                if key.provider not in {self.provider.name, *self.provider.also_opens}:
                    raise KeyUnavailable(
                        f"The vault {self.store.location} is locked by the key provider "
                        f"{key.provider!r}, and {self.provider.name!r} is configured "
                        f"({self.provider.describe()}).",
                        kid=kid.hex(),
                        tried=[self.provider.describe()],
                        fix=_configure(key.provider),
                    )
                return self.provider.unwrap(key.wrapped, self._context(kid))
        raise KeyUnavailable(
            f"The vault {self.store.location} has no root key {kid.hex()}.",
            kid=kid.hex(),
            tried=[self.provider.describe()],
            fix="The document or the key table was changed: restore the vault from a backup.",
        )

    def _context(self, kid: bytes) -> bytes:
        return pack(b"brickwork/root-key", self.store.store_id, kid)


def _configure(provider: str) -> str:
    variable = {"env": "BRICKWORK_KEY", "file": "BRICKWORK_KEY_FILE"}.get(provider)
    if variable and not os.environ.get(variable):
        return f"Set {variable}, or name the provider in brickwork.toml: keys = {provider!r}."
    return f"Name that provider: keys = '{provider}:...' in brickwork.toml."
