"""How envelopes are encrypted and signed. A closed list: plugins bring codecs, not ciphers."""

import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator
from typing import Final

from brickwork.crypto import NONCE_SIZE, TAG_SIZE, derive, open_sealed, pack, seal
from brickwork.errors import TamperedCiphertext, TruncatedCiphertext, WrongKey

SALT_SIZE: Final = 32
COMMIT_SIZE: Final = 32
MAC_SIZE: Final = 32
PADDING: Final = 64
START_SIZE: Final = SALT_SIZE + COMMIT_SIZE + NONCE_SIZE
"""What comes before the ciphertext, in bytes."""

_PIECE_SIZE = 1 << 20


class Aes256Gcm:
    """AES-256-GCM with a key of its own for each envelope: the last stage ``aes256gcm``.

    ``salt 32 | commit 32 | nonce 12 | ciphertext | tag 16``. HKDF-SHA256 of the results key and
    the random salt gives ``commit`` and the AES key, so any number of envelopes can be sealed
    under one results key, no ciphertext opens under two keys, and a wrong key is told from a
    changed text. The plaintext is padded to a multiple of 64 bytes, so that the length does not
    tell ``true`` from ``false``.
    """

    name: Final = "aes256gcm"
    purpose: Final = "results"
    overhead: Final = SALT_SIZE + COMMIT_SIZE + NONCE_SIZE + TAG_SIZE

    @classmethod
    def sealed_size(cls, size: int) -> int:
        """Return how many bytes `seal` makes of that many."""
        return cls.overhead + size + -size % PADDING

    @classmethod
    def seal(cls, key: bytes, plaintext: bytes, context: bytes) -> bytes:
        """Pad and encrypt; the context is authenticated, not stored."""
        salt = os.urandom(SALT_SIZE)
        commit, message_key = cls._derive(key, salt)
        padded = plaintext + bytes(-len(plaintext) % PADDING)
        return salt + commit + seal(message_key, padded, context)

    @classmethod
    def seal_pieces(cls, key: bytes, plaintext: Iterable[bytes], context: bytes) -> Iterator[bytes]:
        """Do what `seal` does to one text after the other, with little of it in memory."""
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        salt, nonce = os.urandom(SALT_SIZE), os.urandom(NONCE_SIZE)
        commit, message_key = cls._derive(key, salt)
        encryptor = Cipher(algorithms.AES(message_key), modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(context)
        yield salt + commit + nonce
        size = 0
        for text in plaintext:
            size += len(text)
            for at in range(0, len(text), _PIECE_SIZE):
                yield encryptor.update(memoryview(text)[at : at + _PIECE_SIZE])
        yield encryptor.update(bytes(-size % PADDING)) + encryptor.finalize() + encryptor.tag

    @classmethod
    def opening(cls, key: bytes, start: bytes, context: bytes, kid: str) -> "Opening":
        """Begin to decrypt in pieces what `seal` or `seal_pieces` made.

        Args:
            key: The results key.
            start: The first `START_SIZE` bytes.
            context: What it was sealed with.
            kid: The key's id, for the error.

        Raises:
            WrongKey: Sealed with another key.
            TruncatedCiphertext: Too short to be anything sealed.
        """
        message_key = cls._message_key(key, start, kid)
        return Opening(message_key, start[-NONCE_SIZE:], context)

    @classmethod
    def open(cls, key: bytes, sealed: bytes, context: bytes, kid: str) -> bytes:
        """Decrypt what `seal` made; the padding is still there.

        Raises:
            WrongKey: Sealed with another key.
            TamperedCiphertext: Changed, or sealed for another context.
            TruncatedCiphertext: Too short to be anything sealed.
        """
        if len(sealed) < cls.overhead:
            raise _truncated()
        message_key = cls._message_key(key, sealed[:START_SIZE], kid)
        return open_sealed(message_key, sealed[SALT_SIZE + COMMIT_SIZE :], context)

    @classmethod
    def _message_key(cls, key: bytes, start: bytes, kid: str) -> bytes:
        if len(start) < START_SIZE:
            raise _truncated()
        salt, commit = start[:SALT_SIZE], start[SALT_SIZE : SALT_SIZE + COMMIT_SIZE]
        expected, message_key = cls._derive(key, salt)
        if not hmac.compare_digest(commit, expected):
            raise WrongKey(
                f"The key that was found as {kid} is not the one this envelope was sealed with.",
                kid=kid,
                fix="Open the vault that wrote it, or bring back the root key with that id.",
            )
        return message_key

    @staticmethod
    def _derive(key: bytes, salt: bytes) -> tuple[bytes, bytes]:
        both = derive(key, "envelope/" + salt.hex(), COMMIT_SIZE + 32)
        return both[:COMMIT_SIZE], both[COMMIT_SIZE:]


class Opening:
    """Decrypts a sealed text in pieces; nothing of it may be used before `end` has returned."""

    def __init__(self, message_key: bytes, nonce: bytes, context: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        self._decryptor = Cipher(algorithms.AES(message_key), modes.GCM(nonce)).decryptor()
        self._decryptor.authenticate_additional_data(context)

    def update(self, ciphertext: bytes) -> bytes:
        """Return the next piece, which nothing vouches for yet."""
        return self._decryptor.update(ciphertext)

    def end(self, tag: bytes) -> None:
        """Return if it is what was sealed. Raises TamperedCiphertext, TruncatedCiphertext."""
        from cryptography.exceptions import InvalidTag

        if len(tag) < TAG_SIZE:
            raise _truncated()
        try:
            self._decryptor.finalize_with_tag(tag)
        except InvalidTag:
            raise TamperedCiphertext(
                "The encrypted data was changed, or belongs to something else."
            ) from None


def _truncated() -> TruncatedCiphertext:
    return TruncatedCiphertext("The encrypted envelope ends too early.")


class HmacSha256:
    """The MAC over serializers whose reading can run code; added by the chain, never named in it.

    ``HMAC-SHA256(pickle key, header and content, length-prefixed)``.
    """

    purpose: Final = "pickle"

    @staticmethod
    def sign(key: bytes, header: bytes, *content: bytes) -> bytes:
        """Return the MAC; the parts of the content count as one."""
        mac = hmac.new(key, pack(header), hashlib.sha256)
        mac.update(sum(map(len, content)).to_bytes(4, "big"))
        for part in content:
            mac.update(part)
        return mac.digest()

    @classmethod
    def verify(cls, key: bytes, mac: bytes, header: bytes, *content: bytes) -> None:
        """Return if the MAC fits. Raises TamperedCiphertext."""
        if not hmac.compare_digest(cls.sign(key, header, *content), mac):
            raise TamperedCiphertext(
                "The signature does not fit: the payload was changed, signed with another key, or"
                " belongs to something else. It was not loaded.",
                fix="Run the work again; find out who else can write to the result storage.",
            )
