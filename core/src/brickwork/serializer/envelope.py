"""The envelope that results travel in, format 1.

::

    magic        4   "BWEV"
    version      1   1
    flags        1   1 = encrypted (aes256gcm), 2 = signed (may run code when read); others 0
    key id       8   of the root key; zeros when flags is 0
    context     32   SHA-256 of what the writer bound it to, for example the run and the key
    chain      1+n   length, then ASCII: "json|zstd|aes256gcm"
    type       1+n   length, then UTF-8: the value's type, for people; nothing is loaded by it
    body size    8
    body             the content; encrypted, if so flagged, with all before it as context
    checksum    32   SHA-256 of all before it; only when not encrypted (GCM has its own)

    content:
    size         8   bytes of the serialized payload
    hash        32   SHA-256 of the serialized payload
    stored size  8
    mac         32   only when signed: over the header and the rest of the content
    stored       n   the payload after the codecs
    zeros            only when encrypted: up to a multiple of 64

Integers are big-endian and unsigned. Every length must fit exactly. What an encrypted envelope
shows without its key is the header: chain, type, context hash, rounded size. The hash of its
payload is inside, since a guess at a small result could be confirmed with it.
"""

import hashlib
import hmac
import re
import struct
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from brickwork.crypto import KID_SIZE, KeySource, NamedKey
from brickwork.errors import (
    CorruptData,
    KeyUnavailable,
    TamperedCiphertext,
    TruncatedCiphertext,
    UnsupportedFormat,
)
from brickwork.serializer.interface import BytesLike
from brickwork.serializer.sealing import MAC_SIZE, PADDING, Aes256Gcm, HmacSha256

MAGIC: Final = b"BWEV"
VERSION: Final = 1
ENCRYPTED: Final = 1
SIGNED: Final = 2
CHAIN_PATTERN: Final = re.compile(r"[a-z][a-z0-9-]*(?:\|[a-z][a-z0-9-]*){0,15}")

_START = struct.Struct(f">4sBB{KID_SIZE}s32s")
CONTENT = struct.Struct(">Q32sQ")
CHECKSUM_SIZE: Final = 32
PIECE_SIZE: Final = 1 << 20
"""What is read and written at once, in bytes."""
_NO_KID = bytes(KID_SIZE)


class EnvelopeInfo(NamedTuple):
    """What an envelope says about itself; read, not verified.

    Attributes:
        version: Of the format.
        chain: The stages that made it, for example ``json|zstd|aes256gcm``.
        encrypted: The content can be read with a key only.
        signed: Reading it may run code (pickle); it carries a MAC.
        kid: The id of the root key that is needed, in hex; empty if none is.
        type_name: The type of the value.
        context_hash: SHA-256 of what it is bound to, in hex.
        content_hash: SHA-256 of the serialized payload, in hex; empty when encrypted.
        content_size: Bytes of the serialized payload; None when encrypted.
        size: Bytes of the envelope.
    """

    version: int
    chain: str
    encrypted: bool
    signed: bool
    kid: str
    type_name: str
    context_hash: str
    content_hash: str
    content_size: int | None
    size: int


class Content(NamedTuple):
    """The payload after the codecs, with size and SHA-256 of the payload before them."""

    stored: bytes
    size: int
    digest: bytes


class Head(NamedTuple):
    """The header's fields."""

    flags: int
    kid: bytes
    context: bytes
    chain: str
    type_name: str

    @property
    def encrypted(self) -> bool:
        """Whether the body is encrypted."""
        return bool(self.flags & ENCRYPTED)

    @property
    def signed(self) -> bool:
        """Whether the content has a MAC."""
        return bool(self.flags & SIGNED)


class Parsed(NamedTuple):
    """An envelope in its parts; lengths fit, nothing is verified."""

    head: Head
    header: bytes
    body: bytes
    checksum: bytes


def inspect(data: BytesLike) -> EnvelopeInfo:
    """Read what an envelope says about itself: no key, no plugin, no check of its content.

    Raises:
        UnsupportedFormat: No envelope, or a newer one.
        CorruptData: Its lengths or fields do not fit.
        TruncatedCiphertext: It is encrypted, and ends too early.
    """
    head, _, body, _ = parse(data)
    content = None if head.encrypted else _split(head, body)[1]
    return EnvelopeInfo(
        version=VERSION,
        chain=head.chain,
        encrypted=head.encrypted,
        signed=head.signed,
        kid=head.kid.hex() if head.flags else "",
        type_name=head.type_name,
        context_hash=head.context.hex(),
        content_hash=content.digest.hex() if content else "",
        content_size=content.size if content else None,
        size=len(data),
    )


def reencrypt(data: BytesLike, keys: KeySource) -> bytes:
    """Encrypt, and sign where it was signed, again with the current key.

    The payload is neither decompressed nor loaded, and the plugin that wrote it is not needed. An
    envelope without encryption and signature comes back as it is.

    Raises:
        KeyUnavailable: The old key is gone, or there is no current one.
        WrongKey, TamperedCiphertext, TruncatedCiphertext, CorruptData, UnsupportedFormat: As for
            reading it; nothing that does not verify is sealed again.
    """
    parsed = parse(data)
    content = open_content(parsed, keys)
    return build(parsed.head, content, keys) if parsed.head.flags else bytes(data)


def build(head: Head, content: Content, keys: KeySource | None) -> bytes:
    """Return the envelope; the head's key id is replaced by that of the current key."""
    return bytes(Envelope(head, content, keys))


class Envelope:
    """An envelope that is ready to be written: ``bytes(envelope)``, or `write_to`.

    Args:
        head: The header; its key id is replaced by that of the current key.
        content: What is in it.
        keys: Needed for what is encrypted or signed.

    Attributes:
        size: How many bytes it has.
    """

    __slots__ = ("_header", "_key", "_plain", "size")

    def __init__(self, head: Head, content: Content, keys: KeySource | None) -> None:
        named = _current_key(head, keys)
        head = head._replace(kid=named.kid if named else _NO_KID)
        start = CONTENT.pack(content.size, content.digest, len(content.stored))
        size = len(start) + (MAC_SIZE if head.signed else 0) + len(content.stored)
        body_size = Aes256Gcm.sealed_size(size) if head.encrypted else size
        self._header = _header(head, body_size)
        if head.signed:
            key = _key(keys, head.kid, HmacSha256.purpose)
            start += HmacSha256.sign(key, self._header, start, content.stored)
        self._plain = (start, content.stored)
        self._key = named.key if named and head.encrypted else None
        self.size = len(self._header) + body_size + (0 if head.encrypted else CHECKSUM_SIZE)

    def __bytes__(self) -> bytes:
        if self._key is None:
            return b"".join(self._pieces())
        return self._header + Aes256Gcm.seal(self._key, b"".join(self._plain), self._header)

    def write_to(self, file: BinaryIO) -> None:
        """Write it to a file in pieces, without a copy of its content in memory."""
        for piece in self._pieces():
            for at in range(0, len(piece), PIECE_SIZE):
                part = memoryview(piece)[at : at + PIECE_SIZE]
                while part:  # an unbuffered file may take less
                    part = part[file.write(part) :]

    def _pieces(self) -> Iterator[bytes]:
        yield self._header
        if self._key is None:
            yield from self._plain
            yield checksum_of(self._header, *self._plain).digest()
        else:
            yield from Aes256Gcm.seal_pieces(self._key, self._plain, self._header)


def parse(data: BytesLike) -> Parsed:
    """Split an envelope into its parts, strictly. Raises as `inspect`."""
    data = bytes(data)
    head, at, body_size = parse_head(data)
    _check_size(head, len(data) - at, body_size)
    return Parsed(head, data[:at], data[at : at + body_size], data[at + body_size :])


def parse_head(data: bytes) -> tuple[Head, int, int]:
    """Read the header that bytes begin with; return it, where it ends, and the body's size.

    Raises:
        UnsupportedFormat: No envelope, or a newer one.
        CorruptData: Its fields do not fit.
    """
    if data[:4] != MAGIC or len(data) < 5:
        raise UnsupportedFormat(
            "This is no Brickwork envelope.", fix="Read it with what wrote it, not as a result."
        )
    if data[4] != VERSION:
        raise UnsupportedFormat(
            f"The envelope has format {data[4]}; this Brickwork reads format {VERSION}.",
            fix="Upgrade brickwork: python -m pip install -U brickwork",
        )
    if len(data) < _START.size:
        raise corrupt("it ends inside its header")
    _, _, flags, kid, context = _START.unpack_from(data)
    if flags & ~(ENCRYPTED | SIGNED):
        raise corrupt("unknown flags")
    chain, at = _short_text(data, _START.size)
    type_name, at = _short_text(data, at)
    if len(data) < at + 8:
        raise corrupt("it ends inside its header")
    head = Head(flags, kid, context, chain, type_name)
    _check_head(head)
    return head, at + 8, int.from_bytes(data[at : at + 8], "big")


def read_header(file: BinaryIO) -> bytes:
    """Read a header from a file: as far as there is one, for `parse_head` to look at."""
    header = read_exactly(file, _START.size)
    for _ in range(2):
        length = read_exactly(file, 1)
        header += length + read_exactly(file, int.from_bytes(length, "big"))
    return header + read_exactly(file, 8)


def read_exactly(file: BinaryIO, size: int) -> bytes:
    """Read as many bytes, or what there is before the end of the file."""
    data = file.read(size)
    while 0 < len(data) < size:
        more = file.read(size - len(data))
        if not more:
            break
        data += more
    return data


def open_content(parsed: Parsed, keys: KeySource | None) -> Content:
    """Verify everything there is to verify, decrypt, and return the content."""
    head, header, body, checksum = parsed
    if head.encrypted:
        body = Aes256Gcm.open(sealing_key(head, keys), body, header, head.kid.hex())
    elif not hmac.compare_digest(checksum_of(header, body).digest(), checksum):
        raise corrupt("its checksum does not fit")
    mac, content = _split(head, body)
    verify_signature(head, header, mac, content, keys)
    return content


def verify_signature(
    head: Head, header: bytes, mac: bytes, content: Content, keys: KeySource | None
) -> None:
    """Return if nothing is signed, or the MAC fits. Raises TamperedCiphertext."""
    if head.signed:
        key = _key(keys, head.kid, HmacSha256.purpose)
        start = CONTENT.pack(content.size, content.digest, len(content.stored))
        HmacSha256.verify(key, mac, header, start, content.stored)


def _header(head: Head, body_size: int) -> bytes:
    chain, type_name = head.chain.encode("ascii"), head.type_name.encode()
    return b"".join(
        (
            _START.pack(MAGIC, VERSION, head.flags, head.kid, head.context),
            len(chain).to_bytes(1, "big"),
            chain,
            len(type_name).to_bytes(1, "big"),
            type_name,
            body_size.to_bytes(8, "big"),
        )
    )


def _short_text(data: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + data[at] if at < len(data) else at
    if not at < end <= len(data):
        raise corrupt("it ends inside its header")
    try:
        return data[at + 1 : end].decode(), end
    except UnicodeDecodeError:
        raise corrupt("a name in its header is not text") from None


def _check_head(head: Head) -> None:
    if not CHAIN_PATTERN.fullmatch(head.chain):
        raise corrupt("its chain is none")
    # Shown on terminals: no control characters.
    if not head.type_name.isprintable():
        raise corrupt("its type name is none")
    if head.encrypted != (Aes256Gcm.name in head.chain.split("|")[1:]):
        raise corrupt("its flags and its chain disagree")
    if not head.flags and head.kid != _NO_KID:
        raise corrupt("it names a key that it does not need")


def _check_size(head: Head, rest: int, body_size: int) -> None:
    if head.encrypted:
        if rest < body_size:
            raise TruncatedCiphertext("The encrypted envelope ends too early.")
        if rest > body_size:
            raise TamperedCiphertext("The encrypted envelope has something after its end.")
    elif rest != body_size + CHECKSUM_SIZE:
        raise corrupt("its length is not what its header says")


def _split(head: Head, body: bytes) -> tuple[bytes, Content]:
    """Split a plain body into MAC and content, strictly."""
    start = content_start(head)
    if len(body) < start:
        raise corrupt("it ends inside its content")
    size, digest, stored_size = CONTENT.unpack_from(body)
    end = start + stored_size
    if len(body) < end:
        raise corrupt("the length of its content does not fit")
    check_rest(head, end, body[end:])
    return body[CONTENT.size : start], Content(body[start:end], size, digest)


def content_start(head: Head) -> int:
    """Return how many bytes of the content come before what is stored."""
    return CONTENT.size + (MAC_SIZE if head.signed else 0)


def check_rest(head: Head, end: int, rest: bytes) -> None:
    """Refuse what follows the content, if that is not its padding. Raises CorruptData."""
    if len(rest) != (-end % PADDING if head.encrypted else 0) or any(rest):
        raise corrupt("the length of its content does not fit")


def _current_key(head: Head, keys: KeySource | None) -> NamedKey | None:
    if not head.flags:
        return None
    purpose = Aes256Gcm.purpose if head.encrypted else HmacSha256.purpose
    return require_keys(keys, purpose).current(purpose)


def _key(keys: KeySource | None, kid: bytes, purpose: str) -> bytes:
    return require_keys(keys, purpose, kid).by_id(kid, purpose)


def sealing_key(head: Head, keys: KeySource | None) -> bytes:
    """Return the key that an encrypted envelope was sealed with. Raises KeyUnavailable."""
    return _key(keys, head.kid, Aes256Gcm.purpose)


def require_keys(keys: KeySource | None, purpose: str, kid: bytes = b"") -> KeySource:
    """Return the keys. Raises KeyUnavailable if there are none."""
    if keys is None:
        verb = "encrypt" if purpose == Aes256Gcm.purpose else "sign"
        raise KeyUnavailable(
            f"There is no key to {verb} results with, or to read such ones.",
            kid=kid.hex(),
            fix="Open the serializer with a vault that has a key: open_serializer(..., keys=...).",
        )
    return keys


def checksum_of(*parts: bytes) -> "hashlib._Hash":
    """Return the hash of what is not encrypted, header first."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest


def corrupt(why: str) -> CorruptData:
    """Return the error for an envelope that is damaged."""
    return CorruptData(
        f"The envelope is damaged: {why}.",
        fix="Run the work again, or bring the file back from a backup.",
    )
