"""The primitives: key derivation, key ids, authenticated encryption. No format, no policy.

AES-256-GCM and HKDF-SHA256 come from ``cryptography``; nothing here is our own cipher.
"""

import os
from collections.abc import Callable
from functools import wraps
from typing import NamedTuple, ParamSpec, Protocol, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from brickwork.errors import BrickworkError, TamperedCiphertext

P = ParamSpec("P")
R = TypeVar("R")

KEY_SIZE = 32
KID_SIZE = 8
NONCE_SIZE = 12
TAG_SIZE = 16

__all__ = [
    "AESGCM",
    "KeySource",
    "NamedKey",
    "derive",
    "key_id",
    "new_key",
    "open_sealed",
    "pack",
    "seal",
    "without_frames",
]


class NamedKey(NamedTuple):
    """A derived key, and the id of the root key that it was derived from."""

    kid: bytes
    key: bytes

    def __repr__(self) -> str:
        return f"NamedKey({self.kid.hex()})"


class KeySource(Protocol):
    """Where serializers and others get derived keys from: the vault, or fixed keys in a test."""

    def current(self, purpose: str) -> NamedKey:
        """Return the key to protect new data with. Raises KeyUnavailable."""

    def by_id(self, kid: bytes, purpose: str) -> bytes:
        """Return the key that data naming this id was protected with. Raises KeyUnavailable."""


def new_key() -> bytes:
    """Return 32 random bytes."""
    return os.urandom(KEY_SIZE)


def derive(key: bytes | bytearray, label: str, size: int = KEY_SIZE) -> bytes:
    """Derive a key for one purpose from a uniformly random key (HKDF-SHA256, expand only)."""
    return HKDFExpand(hashes.SHA256(), size, b"brickwork/1/" + label.encode()).derive(bytes(key))


def key_id(root_key: bytes | bytearray) -> bytes:
    """Return the 8 bytes that name a root key without telling anything about it."""
    return derive(root_key, "kid", KID_SIZE)


def pack(*parts: bytes) -> bytes:
    """Join byte strings so that no two different lists give the same result."""
    return b"".join([len(part).to_bytes(4, "big") + part for part in parts])


def seal(key: bytes | AESGCM, plaintext: bytes, context: bytes) -> bytes:
    """Encrypt with AES-256-GCM and a random nonce: ``nonce || ciphertext || tag``.

    The key may be a cipher that was made of it, which saves making it again.
    The context is authenticated, not stored. One key may seal at most 2**32 texts, since the
    nonces are random; data keys that seal one document each are far from that.
    """
    nonce = os.urandom(NONCE_SIZE)
    cipher = AESGCM(key) if isinstance(key, bytes) else key
    return nonce + cipher.encrypt(nonce, plaintext, context)


def open_sealed(key: bytes | AESGCM, sealed: bytes, context: bytes) -> bytes:
    """Decrypt what `seal` made. Raises TamperedCiphertext for anything else.

    The key may be a cipher that was made of it, which saves making it again.
    """
    cipher = AESGCM(key) if isinstance(key, bytes) else key
    try:
        return cipher.decrypt(sealed[:NONCE_SIZE], sealed[NONCE_SIZE:], context)
    except (InvalidTag, ValueError):
        raise TamperedCiphertext(
            "The encrypted data was changed, or belongs to something else."
        ) from None


def without_frames(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function that handles keys in clear fail without showing them.

    What it raises of ours has no frame of it, since a traceback may show local variables.
    """

    @wraps(function)
    def quiet(*args: P.args, **options: P.kwargs) -> R:
        try:
            return function(*args, **options)
        except BrickworkError as error:
            raised = error.with_traceback(None)
            if raised.__suppress_context__:
                raised.__context__ = None
        finally:
            del args, options
        raise raised

    return quiet
