"""``gzip``: RFC 1952, readable with every tool."""

import zlib

from brickwork.errors import CorruptData
from brickwork.serializer import Codec

_GZIP_FORMAT = 31  # zlib's window bits 15, plus 16 for the gzip header


class GzipCodec(Codec):
    """Compresses with gzip, level 6, one member, without a time stamp."""

    name = "gzip"

    def encode(self, data: bytes) -> bytes:
        """Return the compressed bytes."""
        return zlib.compress(data, 6, _GZIP_FORMAT)

    def decode(self, data: bytes, max_size: int) -> bytes:
        """Return the bytes. Raises CorruptData."""
        decoder = zlib.decompressobj(_GZIP_FORMAT)
        try:
            # One byte more than allowed; zero would mean no limit.
            plain = decoder.decompress(data, max_size + 1)
        except zlib.error:
            raise CorruptData("The gzip data is damaged.") from None
        if len(plain) > max_size:
            raise too_large(self.name, max_size)
        if not decoder.eof or decoder.unused_data:
            raise CorruptData("The gzip data ends too early, or goes on after its end.")
        return plain


def too_large(name: str, max_size: int) -> CorruptData:
    """Return the error for a payload that is larger than it may be."""
    return CorruptData(
        f"The {name} data expands to more than the {max_size} bytes allowed or announced.",
        fix="If max_size was the limit and you trust whoever wrote the data, pass a larger one.",
    )
