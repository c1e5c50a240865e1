"""``zstd``: RFC 8878, faster and smaller than gzip."""

import sys
from types import ModuleType

from brickwork.builtin.serializers.gzip import too_large
from brickwork.errors import CorruptData
from brickwork.serializer import Codec

_MAX_WINDOW_LOG = 27  # 128 MiB, zstd's own default limit: memory a frame may ask for


class ZstdCodec(Codec):
    """Compresses with Zstandard, level 3, one frame with its size."""

    name = "zstd"

    def encode(self, data: bytes) -> bytes:
        """Return the compressed bytes."""
        compressed: bytes = _zstd().compress(data, level=3)
        return compressed

    def decode(self, data: bytes, max_size: int) -> bytes:
        """Return the bytes. Raises CorruptData."""
        zstd = _zstd()
        try:
            announced = zstd.get_frame_info(data).decompressed_size
            if announced is not None and announced > max_size:
                raise too_large(self.name, max_size)
            options = {zstd.DecompressionParameter.window_log_max: _MAX_WINDOW_LOG}
            decoder = zstd.ZstdDecompressor(options=options)
            plain: bytes = decoder.decompress(data, max_length=max_size + 1)
        except zstd.ZstdError:
            raise CorruptData("The zstd data is damaged.") from None
        if len(plain) > max_size:
            raise too_large(self.name, max_size)
        if not decoder.eof or decoder.unused_data:
            raise CorruptData("The zstd data ends too early, or goes on after its end.")
        return plain


def _zstd() -> ModuleType:
    # Imported on use: most programs never compress.
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd
