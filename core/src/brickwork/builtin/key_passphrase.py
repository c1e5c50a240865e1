"""The key provider ``passphrase``: the key is made from a passphrase by Argon2id."""

import os
import struct
import sys
from typing import ClassVar, NamedTuple, Self

from brickwork.builtin import wrapping
from brickwork.crypto import KEY_SIZE, without_frames
from brickwork.errors import KeyUnavailable, UnsupportedFormat, WrongKey
from brickwork.keyprovider import KeyProvider
from brickwork.masking import masker
from brickwork.secret import Secret

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
    runs in a terminal, a question, asked once. The salt and the cost are kept with the wrapped
    key; a cost that is read there is refused if it is absurd, so that a changed vault cannot eat
    the memory.

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
        self._answer: Secret[str] | None = None

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
        return lock(root_key, context, self._passphrase(new=True), self.cost)

    @without_frames
    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Return the root key; see `KeyProvider.unwrap` for the errors.

        A changed salt or cost looks like another passphrase, and raises WrongKey as that does.
        """
        extra = checked(wrapped)
        try:
            return unlock(wrapped, extra, context, self._passphrase(new=False), self.describe())
        except WrongKey:
            self._answer = None  # mistyped: ask again
            raise

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
        return encoded(text)

    def _asked(self, *, new: bool) -> str | None:
        if self._answer is not None:
            return self._answer.reveal()
        if sys.stdin is None or not sys.stdin.isatty():
            return None
        from getpass import getpass

        what = "New passphrase for" if new else "Passphrase of"
        try:
            text = getpass(f"{what} the Brickwork vault: ")
            if new and getpass("The same again: ") != text:
                raise KeyUnavailable(
                    "The two passphrases are not the same.",
                    tried=[self.name],
                    fix="Try again.",
                )
        except EOFError:
            return None
        self._answer = Secret(text)
        return text

    def _unavailable(self, what: str) -> KeyUnavailable:
        return KeyUnavailable(
            what,
            tried=[self.name],
            fix=f"Set {self.variable}, or use the setting 'passphrase:ask' in a terminal.",
        )


@without_frames
def lock(root_key: bytes, context: bytes, passphrase: bytes, cost: Cost) -> bytes:
    """Wrap a root key, or another key of its size, by a passphrase.

    Args:
        root_key: 32 bytes.
        context: What the result is bound to.
        passphrase: As `encoded` returned it.
        cost: What a guess is to cost.
    """
    salt = os.urandom(_SALT_SIZE)
    extra = _COST.pack(*cost) + salt
    key = _stretch(passphrase, salt, cost)
    return wrapping.lock(root_key, context, key, wrapping.BY_PASSPHRASE, extra)


def checked(wrapped: bytes) -> bytes:
    """Check the form and the cost of a wrapped key, and return both the cost and the salt.

    Raises:
        UnsupportedFormat: Not wrapped by a passphrase, or at an absurd cost.
        TruncatedCiphertext: It ends too early.
        TamperedCiphertext: It is longer than it should be.
    """
    extra = wrapping.inspect(wrapped, wrapping.BY_PASSPHRASE, _COST.size + _SALT_SIZE)
    if not Cost(*_COST.unpack_from(extra)).reasonable:
        raise UnsupportedFormat(
            "The wrapped root key asks for an absurd amount of memory or time.",
            fix="It was changed, or made by something newer: restore it from a backup, or upgrade "
            "Brickwork.",
        )
    return extra


@without_frames
def unlock(wrapped: bytes, extra: bytes, context: bytes, passphrase: bytes, guard: str) -> bytes:
    """Return the key that `lock` wrapped.

    Args:
        wrapped: What `lock` returned.
        extra: What `checked` returned for it.
        context: What it was bound to.
        passphrase: As `encoded` returned it.
        guard: Where the passphrase came from, for the message.

    Raises:
        WrongKey: By another passphrase, or the cost or the salt was changed.
        TamperedCiphertext: It was changed, or belongs to another context.
    """
    key = _stretch(passphrase, extra[_COST.size :], Cost(*_COST.unpack_from(extra)))
    return wrapping.unlock(wrapped, context, key, guard=guard)


def encoded(text: str) -> bytes:
    """Return a passphrase as bytes that are the same wherever and however it was typed."""
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
