"""How the core's own key providers protect a root key, and what a key looks like as text.

A wrapped root key, by bytes::

    "BRK"         3   magic
    version       1   1
    kind          1   1: wrapped by a key; 2: wrapped by a passphrase
    cost         10   kind 2 only: Argon2id memory in KiB (4), passes (4), lanes (2), big-endian
    salt         16   kind 2 only: random
    fingerprint   8   of the wrapping key: tells another key from changed data
    sealed       60   AES-256-GCM: nonce (12), root key (32), tag (16)

The wrapping key and its fingerprint are derived by HKDF from the provider's key, which is used for
nothing else. Everything before ``sealed``, and the caller's context, is authenticated with it. For
a passphrase the fingerprint comes after Argon2id, so guessing at it costs what guessing at the tag
costs. ``env`` and ``file`` write the same layout: the key of a key file, given as
``BRICKWORK_KEY``, opens what the file locked.
"""

import base64
import hmac
import re

from brickwork.crypto import KEY_SIZE, NONCE_SIZE, TAG_SIZE, derive, open_sealed, pack, seal
from brickwork.errors import (
    ConfigError,
    KeyUnavailable,
    TamperedCiphertext,
    TruncatedCiphertext,
    UnsupportedFormat,
    WrongKey,
)
from brickwork.masking import masker

BY_KEY = 1
BY_PASSPHRASE = 2

_MAGIC = b"BRK\x01"
_FINGERPRINT_SIZE = 8
_SEALED_SIZE = NONCE_SIZE + KEY_SIZE + TAG_SIZE
_PURPOSE = b"brickwork root key"

_TEXT = re.compile(r"[A-Za-z0-9_-]{43}=?")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")

MAKE_KEY = "python -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"
"""A command that prints a new key; for the ``fix`` of errors."""


def key_to_text(key: bytes) -> str:
    """Return a key as the text that users keep: URL-safe base64, 44 characters."""
    return base64.urlsafe_b64encode(key).decode("ascii")


def key_from_text(text: str, where: str, *, provider: str) -> bytes:
    """Read a key from its text, and register it with the masker.

    Args:
        text: URL-safe base64 of 32 bytes; the padding and white space around it may be absent or
            present.
        where: What held the text, for the message.
        provider: The name of the key provider, for the error.

    Raises:
        KeyUnavailable: It is anything else. The message never quotes the text.
    """
    text = text.strip()
    key = _decoded(text)
    if key is None:
        raise KeyUnavailable(
            f"{where} holds no key: {_what_is_wrong(text)}.",
            tried=[provider],
            fix=f"Put the right key back. A key for a new vault is made by: {MAKE_KEY}",
        )
    masker.add(text)
    masker.add(key)
    return key


def _decoded(text: str) -> bytes | None:
    if not _TEXT.fullmatch(text):
        return None
    key = base64.urlsafe_b64decode(text[:43] + "=")
    # The last character has two unused bits; only one of its four spellings is what was written.
    return key if key_to_text(key)[:43] == text[:43] else None


def _what_is_wrong(text: str) -> str:
    if not text:
        return "it is empty"
    if "+" in text or "/" in text:
        return "it has '+' or '/', and a key is URL-safe base64, with '-' and '_' in their place"
    if len(text) not in (43, 44):
        return f"it has {len(text)} characters, and a key is 32 bytes as URL-safe base64: 43 or 44"
    return "it is not the URL-safe base64 of 32 bytes"


def variable_name(setting: str, *, default: str, provider: str) -> str:
    """Return the environment variable that a provider's setting names.

    Raises:
        ConfigError: It is no name in capitals. The message does not quote it: what stands there by
            mistake is mostly the secret itself.
    """
    name = setting or default
    if _VARIABLE.fullmatch(name) and _decoded(name) is None:
        return name
    raise ConfigError(
        f"The setting of the key provider {provider!r} is not the name of an environment variable.",
        fix=f"Write the variable's name in capitals, as in '{provider}:{default}', and give the "
        "secret itself only in that variable.",
    )


def lock(root_key: bytes, context: bytes, key: bytes, kind: int, extra: bytes = b"") -> bytes:
    """Wrap a root key; the layout is in the module's docstring.

    Args:
        root_key: 32 bytes.
        context: What the result is bound to; not stored in it.
        key: The provider's key: 32 uniformly random bytes, or the output of Argon2id.
        kind: `BY_KEY` or `BY_PASSPHRASE`.
        extra: What stands between the kind and the fingerprint.

    Raises:
        ValueError: The root key has another size.
    """
    if len(root_key) != KEY_SIZE:
        raise ValueError(f"a root key has {KEY_SIZE} bytes, not {len(root_key)}")
    header = _MAGIC + bytes([kind]) + extra + _fingerprint(key)
    return header + seal(_wrapping_key(key), root_key, pack(_PURPOSE, header, context))


def inspect(wrapped: bytes, kind: int, extra_size: int = 0) -> bytes:
    """Check a wrapped root key's form, and return what stands between kind and fingerprint.

    Raises:
        UnsupportedFormat: It was made by something newer, by another kind of provider, or is not a
            wrapped root key.
        TruncatedCiphertext: It ends too early.
        TamperedCiphertext: It is longer than it should be.
    """
    start = len(_MAGIC) + 1
    size = start + extra_size + _FINGERPRINT_SIZE + _SEALED_SIZE
    if not wrapped.startswith(_MAGIC[: len(wrapped)]) or wrapped[4:5] not in (b"", bytes([kind])):
        raise UnsupportedFormat(
            "The vault's root key is not wrapped in a form that this key provider writes.",
            fix="Name the key provider that wrapped it, or upgrade Brickwork.",
        )
    if len(wrapped) < size:
        raise TruncatedCiphertext(
            f"The vault's wrapped root key has {len(wrapped)} bytes; it should have {size}.",
            fix="Restore the vault's database from a backup.",
        )
    if len(wrapped) > size:
        raise _tampered()
    return wrapped[start : start + extra_size]


def unlock(wrapped: bytes, context: bytes, key: bytes, *, guard: str) -> bytes:
    """Return the root key of a wrapped one whose form `inspect` has checked.

    Args:
        wrapped: What `lock` returned.
        context: What it was bound to.
        key: The provider's key.
        guard: Where the key came from, for the message.

    Raises:
        WrongKey: It was wrapped by another key.
        TamperedCiphertext: It was changed, or belongs to another context.
    """
    header, sealed = wrapped[:-_SEALED_SIZE], wrapped[-_SEALED_SIZE:]
    if not hmac.compare_digest(header[-_FINGERPRINT_SIZE:], _fingerprint(key)):
        raise WrongKey(
            f"The {guard} is not what this vault was locked with.",
            fix="Give the one that the vault was made with. If it is lost, what it locked cannot "
            "be opened.",
        )
    try:
        root_key = open_sealed(_wrapping_key(key), sealed, pack(_PURPOSE, header, context))
    except TamperedCiphertext:
        raise _tampered() from None
    return root_key


def _tampered() -> TamperedCiphertext:
    return TamperedCiphertext(
        "The vault's wrapped root key was changed, or belongs to another vault.",
        fix="Restore the vault's database from a backup.",
    )


def _wrapping_key(key: bytes) -> bytes:
    return derive(key, "key provider/wrap")


def _fingerprint(key: bytes) -> bytes:
    return derive(key, "key provider/fingerprint", _FINGERPRINT_SIZE)
