"""Thrift's compact protocol, which Parquet's footers and pages are described in.

See https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md. A struct
is a dict here: by field number, what is in it.
"""

from typing import Any

from brickwork.errors import CorruptData

Struct = dict[int, Any]

_DEPTH = 16


class Reader:
    """Reads structs from bytes.

    Args:
        data: The bytes.
        at: Where the first struct begins.
        end: Where there is nothing more to read.
    """

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self._data = data
        self._end = end
        self.at = at

    def struct(self, depth: int = 0) -> Struct:
        """Return the fields of the struct that is next. Raises CorruptData."""
        if depth > _DEPTH:
            raise _damaged()
        fields: Struct = {}
        number = 0
        while (head := self._byte()) != 0:
            number = number + (head >> 4) if head >> 4 else self._signed()
            kind = head & 15
            fields[number] = kind == 1 if kind in (1, 2) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind == 3 or kind in (1, 2):  # a byte; in lists, also truth values
            return self._byte()
        if kind in (4, 5, 6):
            return self._signed()
        if kind == 7:
            return self._bytes(8)
        if kind == 8:
            return self._bytes(self._unsigned())
        if kind in (9, 10):
            return self._list(depth)
        if kind == 12:
            return self.struct(depth + 1)
        raise _damaged()

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        count = head >> 4 if head >> 4 < 15 else self._unsigned()
        if count > self._end - self.at:
            raise _damaged()
        return [self._value(head & 15, depth + 1) for _ in range(count)]

    def _bytes(self, count: int) -> bytes:
        if count > self._end - self.at:
            raise _damaged()
        self.at += count
        return self._data[self.at - count : self.at]

    def _signed(self) -> int:
        raw = self._unsigned()
        return raw >> 1 ^ -(raw & 1)

    def _unsigned(self) -> int:
        raw = shift = 0
        while shift < 70:
            byte = self._byte()
            raw |= (byte & 127) << shift
            if byte < 128:
                return raw
            shift += 7
        raise _damaged()

    def _byte(self) -> int:
        if self.at >= self._end:
            raise _damaged()
        self.at += 1
        return self._data[self.at - 1]


def _damaged() -> CorruptData:
    return CorruptData("The Parquet data are damaged: their description cannot be read.")
