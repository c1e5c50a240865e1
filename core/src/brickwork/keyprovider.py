"""The interface of key providers: what guards a vault's root key."""

from abc import ABC, abstractmethod
from typing import ClassVar


class KeyProvider(ABC):
    """Guards root keys; what it needs for that never lives beside the data.

    The vault hands over a random root key of 32 bytes, keeps what `wrap` returns in its store with
    the provider's `name`, and asks `unwrap` for it once per process. What a wrapped key looks like
    is the provider's business: AWS KMS never shows its key and has blobs of its own length.

    ``context`` is bytes that name the vault and the key; a provider binds the wrapped key to them,
    so that a wrapped key moved to another vault is refused.
    """

    name: ClassVar[str]
    """The name under which the plugin registers it: ``env``, ``file``, ``passphrase`` ..."""
    also_opens: ClassVar[frozenset[str]] = frozenset()
    """The names of providers whose wrapped keys this one can unwrap too."""

    @classmethod
    @abstractmethod
    def open(cls, setting: str) -> "KeyProvider":
        """Make one from its setting, the text after ``name:`` in ``keys = "name:setting"``.

        Must be cheap and must not ask, connect or create anything; that is for `wrap` and `unwrap`.
        Raises ConfigError for a setting that it cannot use.
        """

    @abstractmethod
    def wrap(self, root_key: bytes, context: bytes) -> bytes:
        """Protect a root key.

        Raises KeyUnavailable where there is no key, InsecureKeyFile where it is not private.
        """

    @abstractmethod
    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Return the root key that `wrap` was given.

        Raises KeyUnavailable where the provider has no key, WrongKey where it has another one,
        TamperedCiphertext where the wrapped key was changed or belongs to another context.
        """

    @abstractmethod
    def describe(self) -> str:
        """Say in some words where the key is, for messages: ``key file ~/.config/...``."""

    def create(self) -> bool:
        """Make the provider's own key if it has none and may make one; tell whether it did.

        Called before the first save in a fresh vault. The default makes nothing.
        """
        return False
