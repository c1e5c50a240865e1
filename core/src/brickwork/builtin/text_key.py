"""What ``env``, ``file`` and ``keyring`` have in common: their key is a text that users keep."""

from abc import abstractmethod
from typing import ClassVar

from brickwork.builtin import wrapping
from brickwork.crypto import without_frames
from brickwork.keyprovider import KeyProvider


class TextKey(KeyProvider):
    """Protects root keys with a key that can be handed on as a text.

    The same text in a file, a variable or a keyring opens the same vault, so each of them opens
    what the others locked.
    """

    also_opens: ClassVar[frozenset[str]] = frozenset({"env", "file", "keyring"})

    @without_frames
    def wrap(self, root_key: bytes, context: bytes) -> bytes:
        """Protect a root key.

        Raises:
            KeyUnavailable: There is no key, or none that can be read.
            InsecureKeyFile: It is where others can read it.
        """
        return wrapping.lock(root_key, context, self._key(), wrapping.BY_KEY)

    @without_frames
    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Return the root key; see `KeyProvider.unwrap` for the errors, and `wrap`."""
        wrapping.inspect(wrapped, wrapping.BY_KEY)
        return wrapping.unlock(wrapped, context, self._key(), guard=self._guard())

    def _guard(self) -> str:
        """Return what guards the root keys, for messages."""
        return f"key in {self.describe()}"

    @abstractmethod
    def _key(self) -> bytes:
        """Return the key, read anew; it is kept nowhere. Raises as `wrap`."""
