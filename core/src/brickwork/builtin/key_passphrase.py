"""The key provider ``passphrase``: the key is made from a passphrase by Argon2id."""

import os
import struct
import sys
from typing import ClassVar, NamedTuple, Self

from brickwork.builtin import wrapping
from brickwork.crypto import KEY_SIZE, without_frames
from brickwork.errors import KeyUnavailable, UnsupportedFormat
from brickwork.keyprovider import KeyProvider
from brickwork.masking import masker

_ASK = "ask"
_SALT_SIZE = 16
_COST = struct.Struct(">IIH")


class Cost(NamedTuple):
    """What one guess at a passphrase costs: the parameters of Argon2id (RFC 9106).

    Attributes:
        memory_kib: Memory, in KiB.
        passes: Passes over the memory.
        lanes: Threads that share it.
    """

    memory_kib: int = 64 * 1024
    passes: int = 3
    lanes: int = 4

    @property
    def reasonable(self) -> bool:
        """Whether Argon2id takes it, and a laptop bears it: at most 1 GiB and some seconds."""
        return (
            1 <= self.lanes <= 16
            and 1 <= self.passes <= 16
            and 8 * self.lanes <= self.memory_kib <= 1024 * 1024
            and self.memory_kib * self.passes <= 4 * 1024 * 1024
        )


class PassphraseKey(KeyProvider):
    """Makes the key from a passphrase: Argon2id with 64 MiB, 3 passes and 4 lanes.

    The setting is the name of the environment variable that holds the passphrase, by default
    ``BRICKWORK_PASSPHRASE``; ``ask`` means that variable or, where it is not set and the program
    runs in a terminal, a question. The salt and the cost are kept with the wrapped key; a cost that
    is read there is refused if it is absurd, so that a changed vault cannot eat the memory.

    Whoever has the vault's database can guess at the passphrase for as long as they like: take five
    or more random words, not a password.
    """

    name: ClassVar[str] = "passphrase"
    default_variable: ClassVar[str] = "BRICKWORK_PASSPHRASE"

    def __init__(
        self,
        variable: str = default_variable,
        *,
        ask: bool = False,
        cost: Cost = Cost(),  # noqa: B008 - a NamedTuple is immutable
    ) -> None:
        self.variable = variable
        self.ask = ask
        self.cost = cost

    @classmethod
    def open(cls, setting: str) -> Self:
        """Make one from the name of a variable, or ``ask``; empty means the default variable.

        Raises:
            ConfigError: The setting is neither.
        """
        if setting == _ASK:
            return cls(ask=True)
        return cls(wrapping.variable_name(setting, default=cls.default_variable, provider=cls.name))

    @without_frames
    def wrap(self, root_key: bytes, context: bytes) -> bytes:
        """Protect a root key. Raises KeyUnavailable if there is no passphrase, or an empty one."""
        salt = os.urandom(_SALT_SIZE)
        key = _stretch(self._passphrase(new=True), salt, self.cost)
        extra = _COST.pack(*self.cost) + salt
        return wrapping.lock(root_key, context, key, wrapping.BY_PASSPHRASE, extra)

    @without_frames
    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Return the root key; see `KeyProvider.unwrap` for the errors.

        A changed salt or cost looks like another passphrase, and raises WrongKey as that does.
        """
        extra = wrapping.inspect(wrapped, wrapping.BY_PASSPHRASE, _COST.size + _SALT_SIZE)
        cost = Cost(*_COST.unpack_from(extra))
        if not cost.reasonable:
            raise UnsupportedFormat(
                "The vault's wrapped root key asks for an absurd amount of memory or time.",
                fix="It was changed, or made by something newer: restore the vault's database from "
                "a backup, or upgrade Brickwork.",
            )
        key = _stretch(self._passphrase(new=False), extra[_COST.size :], cost)
        return wrapping.unlock(wrapped, context, key, guard=self.describe())

    def describe(self) -> str:
        """Say where the passphrase comes from."""
        return f"passphrase in environment variable {self.variable}" + (
            " or from the terminal" if self.ask else ""
        )

    def __repr__(self) -> str:
        return f"PassphraseKey({self.variable!r}, ask={self.ask})"

    def _passphrase(self, *, new: bool) -> bytes:
        text = os.environ.get(self.variable)
        if text is None and self.ask:
            text = self._asked(new=new)
        if text is None:
            raise self._unavailable(
                f"The environment variable {self.variable} is not set, and it should hold the "
                "passphrase."
            )
        if not text.strip():
            raise self._unavailable("The passphrase is empty.")
        masker.add(text)
        return _encoded(text)

    def _asked(self, *, new: bool) -> str | None:
        if sys.stdin is None or not sys.stdin.isatty():
            return None
        from getpass import getpass

        try:
            text = getpass("Passphrase of the Brickwork vault: ")
            if new and getpass("The same again: ") != text:
                raise KeyUnavailable(
                    "The two passphrases are not the same.",
                    tried=[self.name],
                    fix="Try again.",
                )
        except EOFError:
            return None
        return text

    def _unavailable(self, what: str) -> KeyUnavailable:
        return KeyUnavailable(
            what,
            tried=[self.name],
            fix=f"Set {self.variable}, or use the setting 'passphrase:ask' in a terminal.",
        )


def _encoded(text: str) -> bytes:
    if not text.isascii():
        # One character can be spelt in several ways; systems differ in which they type.
        import unicodedata

        text = unicodedata.normalize("NFC", text)
    return text.encode("utf-8", "surrogateescape")


def _stretch(passphrase: bytes, salt: bytes, cost: Cost) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    try:
        return Argon2id(
            salt=salt,
            length=KEY_SIZE,
            iterations=cost.passes,
            lanes=cost.lanes,
            memory_cost=cost.memory_kib,
        ).derive(passphrase)
    except (UnsupportedAlgorithm, MemoryError) as error:
        raise KeyUnavailable(
            f"Argon2id cannot be computed here ({type(error).__name__}), which a passphrase needs.",
            tried=[PassphraseKey.name],
            fix="Use a cryptography package with OpenSSL 3.2 or newer and 64 MiB of free memory, "
            "or another key provider.",
        ) from None
