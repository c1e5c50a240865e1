"""The sealed format of documents, version 1.

::

    "BLK1" | suite 1 | flags 1 | kid 8 | commitment 32 | wrap length 2 |
    wrap nonce 12 | wrapped data key 48 | nonce 12 | ciphertext and tag

Suite 1 is AES-256-GCM with HKDF-SHA256. The root key's wrapping key seals a random data key; the
data key yields, by HKDF, the encryption key and the commitment, so that no two keys open one
document. Every save has a new data key, so its nonce cannot repeat.

What is sealed is a JSON object from field path to value, padded with spaces to 64 bytes. It is
bound to its place: see `Identity`. The wrapped data key is bound to the same, less the version and
the public fields, and to the root key's id.
"""

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple, Self

from pydantic_core import from_json

from brickwork.crypto import (
    AESGCM,
    KEY_SIZE,
    KID_SIZE,
    NONCE_SIZE,
    TAG_SIZE,
    NamedKey,
    derive,
    new_key,
    open_sealed,
    pack,
    seal,
    without_frames,
)
from brickwork.errors import TamperedCiphertext, TruncatedCiphertext, UnsupportedFormat
from brickwork.store import Record


class Secrets(dict[str, str | bytes]):
    """Field path to secret value. Its repr has only the paths: tracebacks show local variables."""

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted(self))})"


_MAGIC = b"BLK1"
_SUITE = b"\x01\x00"  # suite 1, no flags
_COMMIT_SIZE = 32
_WRAP_SIZE = NONCE_SIZE + KEY_SIZE + TAG_SIZE
_KID = slice(6, 6 + KID_SIZE)
_COMMIT = slice(_KID.stop, _KID.stop + _COMMIT_SIZE)
_WRAP_LENGTH = slice(_COMMIT.stop, _COMMIT.stop + 2)
_WRAP = slice(_WRAP_LENGTH.stop, _WRAP_LENGTH.stop + _WRAP_SIZE)
_SHORTEST = _WRAP.stop + NONCE_SIZE + TAG_SIZE
_BUCKET = 64
_KEPT_KEYS = 4096


class Identity(NamedTuple):
    """What a sealed document belongs to; anything else refuses to open it."""

    store_id: bytes
    slug: str
    block_id: bytes
    name: str
    schema_version: int
    version: int

    @classmethod
    def of(cls, record: Record, store_id: bytes) -> Self:
        """Return what a document of a store must have been sealed for."""
        return cls(
            store_id,
            record.slug,
            record.block_id,
            record.name,
            record.schema_version,
            record.version,
        )

    def __str__(self) -> str:
        return f"{self.slug}/{self.name}@{self.version}"


class WrappingKey(NamedTuple):
    """The key that wraps data keys, made ready to wrap many."""

    kid: bytes
    cipher: AESGCM

    @classmethod
    def of(cls, key: NamedKey) -> Self:
        """Make it ready."""
        return cls(key.kid, AESGCM(key.key))


class DataKeys:
    """Data keys that this process has unwrapped, by all that unwrapping them depends on.

    The root key in memory opens all of them anyway; keeping them saves half of the time that it
    takes to open a document. Forgotten as a whole when there are too many.
    """

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: dict[tuple[bytes, ...], AESGCM] = {}

    def get(self, whole: tuple[bytes, ...]) -> AESGCM | None:
        """Return the encryption key, if it is known."""
        return self._keys.get(whole)

    def keep(self, whole: tuple[bytes, ...], key: AESGCM) -> None:
        """Remember an encryption key that was unwrapped and checked."""
        if len(self._keys) >= _KEPT_KEYS:
            self.forget()
        self._keys[whole] = key

    def forget(self) -> None:
        """Forget all."""
        self._keys.clear()


def seal_secrets(key: NamedKey, identity: Identity, public: bytes, secrets: Secrets) -> bytes:
    """Seal a document's secrets under a root key's wrapping key."""
    return _sealed(key.kid, key.key, identity, public, _encode(secrets))


@without_frames
def rewrapped(old: WrappingKey, new: WrappingKey, identity: Identity, sealed: bytes) -> bytes:
    """Return a sealed document with its data key wrapped by another root key.

    What is encrypted with the data key stays as it is, and is not looked at: if it was tampered
    with, it is refused when it is opened, as before.

    Args:
        old: The wrapping key of the root key that it needs.
        new: The wrapping key to be.
        identity: The place that the document was found in.
        sealed: What `seal_secrets` made.

    Raises:
        UnsupportedFormat: Not this format.
        TruncatedCiphertext: Shorter than the format allows.
        TamperedCiphertext: The wrapping was changed, or made for another place or root key.
    """
    data_key, context = _unwrapped(old, identity, sealed)
    wrapped = seal(new.cipher, data_key, context[:-KID_SIZE] + new.kid)
    return b"".join(
        (sealed[: _KID.start], new.kid, sealed[_KID.stop : _WRAP.start], wrapped,
         sealed[_WRAP.stop :])
    )  # fmt: skip


@without_frames
def renewed(
    old: WrappingKey, new: WrappingKey, identity: Identity, public: bytes, sealed: bytes
) -> bytes:
    """Return a document encrypted anew, with a new data key; see `rewrapped`.

    Raises:
        UnsupportedFormat: Not this format.
        TruncatedCiphertext: Shorter than the format allows.
        TamperedCiphertext: Changed, or sealed for another place, root key, or public fields.
    """
    encryption_key, commitment = _split(_unwrapped(old, identity, sealed)[0])
    if not hmac.compare_digest(commitment, sealed[_COMMIT]):
        raise _tampered(identity)
    try:
        context = _data_context(identity, public)
    except OverflowError:  # a version that no document has
        raise _tampered(identity) from None
    plaintext = _open(identity, encryption_key, sealed[_WRAP.stop :], context)
    return _sealed(new.kid, new.cipher, identity, public, plaintext)


@without_frames
def open_secrets(
    wrapping_key: Callable[[bytes], bytes],
    identity: Identity,
    public: bytes,
    sealed: bytes,
    unwrapped: "DataKeys | None" = None,
) -> Secrets:
    """Return the secrets of a sealed document.

    Args:
        wrapping_key: Gives the wrapping key for a kid; raises KeyUnavailable or WrongKey.
        identity: The place that the document was found in.
        public: The public fields that stand beside it.
        sealed: What `seal_secrets` made.
        unwrapped: Data keys that were unwrapped before, and need not be again.

    Raises:
        UnsupportedFormat: Not this format.
        TruncatedCiphertext: Shorter than the format allows.
        TamperedCiphertext: Changed, or sealed for another place or other public fields.
    """
    kid = sealed_kid(sealed, identity)
    try:
        wrap_context, data_context = _wrap_context(identity, kid), _data_context(identity, public)
    except OverflowError:  # a version that no document has
        raise _tampered(identity) from None
    # All that unwrapping depends on, so that what differs in any of it is unwrapped itself.
    whole = (kid, sealed[_COMMIT], sealed[_WRAP], wrap_context)
    key = None if unwrapped is None else unwrapped.get(whole)
    if key is None:
        data_key = _open(identity, wrapping_key(kid), sealed[_WRAP], wrap_context)
        encryption_key, commitment = _split(data_key)
        if not hmac.compare_digest(commitment, sealed[_COMMIT]):
            raise _tampered(identity)
        key = AESGCM(encryption_key)
        if unwrapped is not None:
            unwrapped.keep(whole, key)
    return _decode(_open(identity, key, sealed[_WRAP.stop :], data_context))


def sealed_kid(sealed: bytes, identity: Identity) -> bytes:
    """Check the header, and return the id of the root key that a document needs."""
    if sealed[:4] != _MAGIC[: len(sealed)] or sealed[4:6] != _SUITE[: max(len(sealed) - 4, 0)]:
        raise UnsupportedFormat(
            f"{identity} is sealed in a format that this Brickwork does not know.",
            fix="Upgrade brickwork; if it is the newest, the document is damaged: restore it.",
        )
    if len(sealed) < _SHORTEST:
        raise TruncatedCiphertext(
            f"{identity} is cut short: {len(sealed)} bytes are too few.",
            fix="Restore it from a backup, or save it again.",
        )
    if sealed[_WRAP_LENGTH] != _WRAP_SIZE.to_bytes(2, "big"):
        raise _tampered(identity)
    return sealed[_KID]


def _sealed(
    kid: bytes, wrapping_key: bytes | AESGCM, identity: Identity, public: bytes, plaintext: bytes
) -> bytes:
    data_key = new_key()
    encryption_key, commitment = _split(data_key)
    return b"".join(
        (
            _MAGIC,
            _SUITE,
            kid,
            commitment,
            _WRAP_SIZE.to_bytes(2, "big"),
            seal(wrapping_key, data_key, _wrap_context(identity, kid)),
            seal(encryption_key, plaintext, _data_context(identity, public)),
        )
    )


def _unwrapped(old: WrappingKey, identity: Identity, sealed: bytes) -> tuple[bytes, bytes]:
    """Return the data key, and the context that its wrapping is bound to."""
    if sealed_kid(sealed, identity) != old.kid:
        raise _tampered(identity)
    try:
        context = _wrap_context(identity, old.kid)
    except OverflowError:  # a schema version that no document has
        raise _tampered(identity) from None
    return _open(identity, old.cipher, sealed[_WRAP], context), context


def fingerprint(public: bytes, sealed: bytes) -> bytes:
    """Return 16 bytes that differ for any two documents; rewrapping does not change them."""
    kept = pack(public, sealed[_COMMIT], sealed[_WRAP.stop :])
    return hashlib.sha256(kept).digest()[:16]


def _split(data_key: bytes) -> tuple[bytes, bytes]:
    material = derive(data_key, "document", KEY_SIZE + _COMMIT_SIZE)
    return material[:KEY_SIZE], material[KEY_SIZE:]


def _open(identity: Identity, key: bytes | AESGCM, sealed: bytes, context: bytes) -> bytes:
    try:
        return open_sealed(key, sealed, context)
    except TamperedCiphertext:
        raise _tampered(identity) from None


def _tampered(identity: Identity) -> TamperedCiphertext:
    return TamperedCiphertext(
        f"{identity} was changed outside Brickwork, or belongs to another block or vault.",
        fix="Do not use it. Find out who wrote to the database, then restore it or save it again.",
    )


@lru_cache(maxsize=256)
def _shelf(store_id: bytes, slug: str) -> bytes:
    # Not the kid: rewrapping changes it.
    return pack(b"brickwork/document", _MAGIC + _SUITE, store_id, slug.encode())


@lru_cache(maxsize=4096)
def _place(store_id: bytes, slug: str, block_id: bytes, name: str, schema_version: int) -> bytes:
    rest = pack(block_id, name.encode(), schema_version.to_bytes(4, "big"))
    return _shelf(store_id, slug) + rest


def _data_context(identity: Identity, public: bytes) -> bytes:
    # What `pack` makes of the version and the hash, whose sizes are known.
    version = identity.version.to_bytes(8, "big")
    digest = hashlib.sha256(public).digest()
    return b"%b\0\0\0\x08%b\0\0\0\x20%b" % (_place(*identity[:5]), version, digest)


def _wrap_context(identity: Identity, kid: bytes) -> bytes:
    return b"%b\0\0\0\x08%b" % (_place(*identity[:5]), kid)


def _encode(secrets: Mapping[str, str | bytes]) -> bytes:
    plain = {
        path: value if isinstance(value, str) else {"base64": b64encode(value).decode()}
        for path, value in secrets.items()
    }
    text = json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()
    return text + b" " * (-len(text) % _BUCKET)


def _decode(plaintext: bytes) -> Secrets:
    try:
        plain = from_json(plaintext)
    except ValueError:  # half a surrogate pair, which json writes and reads
        plain = json.loads(plaintext)
    return Secrets(
        (path, value if isinstance(value, str) else b64decode(value["base64"]))
        for path, value in plain.items()
    )
