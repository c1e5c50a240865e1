"""What a Parquet file says of itself, and how large it becomes, before pyarrow unpacks any.

A file of a few bytes can name terabytes: by compression, by a dictionary whose long values are
repeated, by runs of nulls. So no dictionary is written, and a file with one is not read; then
the headers of the pages bound what comes out. See https://parquet.apache.org/docs/file-format/
and https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift, whose
field numbers stand here. pyarrow is not asked: some damaged footers end the process there.
"""

from typing import Any

from brickwork.builtin.serializers.tabular.thrift import Reader, Struct
from brickwork.errors import CorruptData

_MAGIC = b"PAR1"
# By physical type: BOOLEAN, INT32, INT64, INT96, FLOAT, DOUBLE, BYTE_ARRAY (its offsets).
_WIDTHS = (1, 4, 8, 12, 4, 8, 8)
_FIXED = 7
_DATA_PAGE = 0
_PLAIN, _RLE = 0, 3
_UNCOMPRESSED, _ZSTD = 0, 6


class Footer:
    """The footer of a Parquet file.

    Args:
        data: The file.

    Raises:
        CorruptData: It has none.
    """

    def __init__(self, data: bytes) -> None:
        size = int.from_bytes(data[-8:-4], "little")
        start = len(data) - 8 - size
        if data[:4] != _MAGIC or data[-4:] != _MAGIC or start < len(_MAGIC):
            raise CorruptData("This is no Parquet file, or it ends too early.")
        self._data = data
        self._end = start
        self._fields = Reader(data, start, len(data) - 8).struct()

    def value(self, key: bytes) -> bytes:
        """Return what stands under a key. Raises CorruptData."""
        found = [pair.get(2) for pair in self._fields.get(5, ()) if pair.get(1) == key]
        if len(found) != 1 or not isinstance(found[0], bytes):
            raise CorruptData("The Parquet data do not say what they were made from.")
        return found[0]

    def unpacked_size(self) -> int:
        """Return at most how many bytes the columns become.

        Raises:
            CorruptData: Damaged, or of a form that is never written.
        """
        # The first element is the root; leaves have no number of children.
        leaves = [element for element in self._fields[2][1:] if not element.get(5)]
        total, at = 0, len(_MAGIC)
        for group in self._fields[4]:
            for chunk, leaf in zip(group[1], leaves, strict=True):
                size, at = self._chunk_size(chunk, leaf, at)
                total += size
        if at != self._end:
            raise _never_written()
        return total

    def _chunk_size(self, chunk: Struct, leaf: Struct, at: int) -> tuple[int, int]:
        """Return how large a chunk becomes, and where it ends; it must begin where it is told."""
        column = chunk[3]
        if 1 in chunk or 11 in column or column[4] not in (_UNCOMPRESSED, _ZSTD):
            raise _never_written()
        width = leaf[2] if leaf[1] == _FIXED else _WIDTHS[leaf[1]]
        end = at + column[7]
        if (column[7] and column[9] != at) or not at <= end <= self._end or width < 0:
            raise _never_written()
        total = 0
        while at < end:
            header = Reader(self._data, at, end)
            packed, unpacked, values = _page(header.struct())
            at = header.at + packed
            total += max(unpacked, values * width)
        if at != end:
            raise _never_written()
        return total, end


def _page(header: Struct) -> tuple[int, ...]:
    """Return the sizes of a page, packed and unpacked, and how many values it has."""
    page = header.get(5)
    if header.get(1) != _DATA_PAGE or not isinstance(page, dict):
        raise _never_written()
    if page.get(2) not in (_PLAIN, _RLE) or page.get(3) != _RLE or page.get(4) != _RLE:
        raise _never_written()
    sizes: tuple[Any, ...] = (header.get(3), header.get(2), page.get(1))
    if not all(isinstance(size, int) and size >= 0 for size in sizes):
        raise _never_written()
    return sizes


def _never_written() -> CorruptData:
    return CorruptData("The Parquet data are damaged, or of a form that is never written.")
