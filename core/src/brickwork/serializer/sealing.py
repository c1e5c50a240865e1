"""How envelopes are encrypted and signed. A closed list: plugins bring codecs, not ciphers."""

import hashlib
import hmac
import os
from typing import Final

from brickwork.crypto import NONCE_SIZE, TAG_SIZE, derive, open_sealed, pack, seal
from brickwork.errors import TamperedCiphertext, TruncatedCiphertext, WrongKey

SALT_SIZE: Final = 32
COMMIT_SIZE: Final = 32
MAC_SIZE: Final = 32
PADDING: Final = 64


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
    def open(cls, key: bytes, sealed: bytes, context: bytes, kid: str) -> bytes:
        """Decrypt what `seal` made; the padding is still there.

        Raises:
            WrongKey: Sealed with another key.
            TamperedCiphertext: Changed, or sealed for another context.
            TruncatedCiphertext: Too short to be anything sealed.
        """
        if len(sealed) < cls.overhead:
            raise TruncatedCiphertext("The encrypted envelope ends too early.")
        salt, commit = sealed[:SALT_SIZE], sealed[SALT_SIZE : SALT_SIZE + COMMIT_SIZE]
        expected, message_key = cls._derive(key, salt)
        if not hmac.compare_digest(commit, expected):
            raise WrongKey(
                f"The key that was found as {kid} is not the one this envelope was sealed with.",
                kid=kid,
                fix="Open the vault that wrote it, or bring back the root key with that id.",
            )
        return open_sealed(message_key, sealed[SALT_SIZE + COMMIT_SIZE :], context)

    @staticmethod
    def _derive(key: bytes, salt: bytes) -> tuple[bytes, bytes]:
        both = derive(key, "envelope/" + salt.hex(), COMMIT_SIZE + 32)
        return both[:COMMIT_SIZE], both[COMMIT_SIZE:]


class HmacSha256:
    """The MAC over serializers whose reading can run code; added by the chain, never named in it.

    ``HMAC-SHA256(pickle key, header and content, length-prefixed)``.
    """

    purpose: Final = "pickle"

    @staticmethod
    def sign(key: bytes, header: bytes, content: bytes) -> bytes:
        """Return the MAC."""
        return hmac.digest(key, pack(header, content), hashlib.sha256)

    @classmethod
    def verify(cls, key: bytes, header: bytes, content: bytes, mac: bytes) -> None:
        """Return if the MAC fits. Raises TamperedCiphertext."""
        if not hmac.compare_digest(cls.sign(key, header, content), mac):
            raise TamperedCiphertext(
                "The signature does not fit: the payload was changed, signed with another key, or"
                " belongs to something else. It was not loaded.",
                fix="Run the work again; find out who else can write to the result storage.",
            )
