"""Reading an envelope from a file, with one copy of its content in memory."""

import hmac
from io import BytesIO
from typing import BinaryIO, Protocol

from brickwork.crypto import TAG_SIZE, KeySource
from brickwork.errors import TamperedCiphertext, TruncatedCiphertext
from brickwork.serializer.envelope import (
    CHECKSUM_SIZE,
    CONTENT,
    PIECE_SIZE,
    Content,
    Head,
    check_rest,
    checksum_of,
    content_start,
    corrupt,
    read_exactly,
    sealing_key,
    verify_signature,
)
from brickwork.serializer.sealing import PADDING, START_SIZE, Aes256Gcm


def read_content(
    file: BinaryIO, head: Head, header: bytes, body_size: int, keys: KeySource | None
) -> Content:
    """Read what follows the header; verify everything there is to verify.

    Args:
        file: Stands behind the header.
        head: The header's fields.
        header: Its bytes.
        body_size: What it says that the body has.
        keys: Needed for what is encrypted or signed.

    Raises:
        CorruptData, TamperedCiphertext, TruncatedCiphertext, WrongKey, KeyUnavailable: As
            `Chain.loads`.
    """
    body: _Body
    if head.encrypted:
        body = _SealedBody(file, head, header, body_size, keys)
    else:
        body = _PlainBody(file, header, body_size)
    start = _take(body, content_start(head))
    # Before the end is verified, a size is but a guess at where to cut.
    stored_size = CONTENT.unpack_from(start)[2] if len(start) == content_start(head) else 0
    stored = BytesIO()
    left = stored_size
    while left and (piece := body.read(left)):
        stored.write(piece)
        left -= len(piece)
    rest = _take(body, PADDING)
    while body.read(PIECE_SIZE):
        rest = b"\1"  # too much for any padding
    body.end()
    if len(start) < content_start(head):
        raise corrupt("it ends inside its content")
    if left:
        raise corrupt("the length of its content does not fit")
    check_rest(head, len(start) + stored_size, rest)
    size, digest, _ = CONTENT.unpack_from(start)
    content = Content(stored.getvalue(), size, digest)  # which does not copy
    verify_signature(head, header, start[CONTENT.size :], content, keys)
    return content


class _Body(Protocol):
    def read(self, size: int) -> bytes:
        """Return some of the next bytes; none at the end."""

    def end(self) -> None:
        """Return if all is there, and as it was written."""


class _PlainBody:
    def __init__(self, file: BinaryIO, header: bytes, size: int) -> None:
        self._file = file
        self._left = size
        self._digest = checksum_of(header)

    def read(self, size: int) -> bytes:
        piece = self._file.read(min(size, self._left, PIECE_SIZE))
        self._left -= len(piece)
        self._digest.update(piece)
        return piece

    def end(self) -> None:
        checksum = read_exactly(self._file, CHECKSUM_SIZE)
        if self._left or len(checksum) < CHECKSUM_SIZE or self._file.read(1):
            raise corrupt("its length is not what its header says")
        if not hmac.compare_digest(self._digest.digest(), checksum):
            raise corrupt("its checksum does not fit")


class _SealedBody:
    def __init__(
        self, file: BinaryIO, head: Head, header: bytes, size: int, keys: KeySource | None
    ) -> None:
        key = sealing_key(head, keys)
        if size < Aes256Gcm.overhead:
            raise TruncatedCiphertext("The encrypted envelope ends too early.")
        self._file = file
        self._left = size - Aes256Gcm.overhead
        start = read_exactly(file, START_SIZE)
        self._opening = Aes256Gcm.opening(key, start, header, head.kid.hex())

    def read(self, size: int) -> bytes:
        piece = self._file.read(min(size, self._left, PIECE_SIZE))
        self._left -= len(piece)
        return self._opening.update(piece)

    def end(self) -> None:
        tag = read_exactly(self._file, TAG_SIZE)
        if self._left:
            raise TruncatedCiphertext("The encrypted envelope ends too early.")
        self._opening.end(tag)
        if self._file.read(1):
            raise TamperedCiphertext("The encrypted envelope has something after its end.")


def _take(body: _Body, size: int) -> bytes:
    taken = b""
    while len(taken) < size and (piece := body.read(size - len(taken))):
        taken += piece
    return taken
