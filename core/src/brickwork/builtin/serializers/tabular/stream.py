"""Arrow's stream format: https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format.

A stream is a row of messages: a length, metadata as a flatbuffer, a body. Before pyarrow reads a
message, its metadata are looked at here: compressed buffers are refused (a small message could
fill the memory; compression belongs to the chain), and so are extension types (the code that
reads them may trust what it reads).
"""

import io
import struct
from typing import Any, BinaryIO

from brickwork.builtin.serializers.tabular.arrow import EXTENSION, check_read, damaged, pyarrow
from brickwork.errors import CorruptData

_START = struct.Struct("<II")  # the mark of a message, and how many bytes its metadata have
_MARK = 0xFFFFFFFF
_SCHEMA, _DICTIONARY, _RECORDS = 1, 2, 3


def write_stream(table: Any, file: BinaryIO) -> None:
    """Write a table. May raise pyarrow's errors."""
    ipc = pyarrow().ipc
    options = ipc.IpcWriteOptions(compression=None)
    with ipc.new_stream(file, table.schema, options=options) as writer:
        writer.write(table)


def stream_of(table: Any) -> bytes:
    """Return the stream of a table. May raise pyarrow's errors."""
    file = io.BytesIO()
    write_stream(table, file)
    return file.getvalue()


def read_stream(data: bytes) -> Any:
    """Return the table of a stream; it refers to the bytes and copies none.

    Raises:
        CorruptData: Damaged, followed by more, or of a form that is never written.
    """
    _check_messages(memoryview(data))
    pa = pyarrow()
    with damaged("Arrow stream"):
        table = pa.ipc.open_stream(pa.py_buffer(data)).read_all()
        check_read(table)
    return table


def check_schema(metadata: bytes) -> None:
    """Refuse a schema, as bytes, that has extension types. Raises CorruptData."""
    if EXTENSION in metadata:
        raise CorruptData("The table has a column of an extension type: those are never written.")


def _check_messages(data: memoryview) -> None:
    at = 0
    wanted: tuple[int, ...] = (_SCHEMA,)
    while True:
        if len(data) - at < _START.size:
            raise CorruptData("The Arrow stream ends too early.")
        mark, size = _START.unpack_from(data, at)
        at += _START.size
        if mark != _MARK or size > len(data) - at:
            raise CorruptData("The Arrow stream is damaged.")
        if not size:
            break
        kind, body = _read_metadata(bytes(data[at : at + size]))
        at += size + body
        if kind not in wanted or at > len(data):
            raise CorruptData("The Arrow stream is damaged, or ends too early.")
        wanted = (_DICTIONARY, _RECORDS)
    if at != len(data) or wanted == (_SCHEMA,):
        raise CorruptData("The Arrow stream has no schema, or goes on after its end.")


def _read_metadata(metadata: bytes) -> tuple[int, int]:
    """Return a message's kind and the size of its body, after looking for what is refused."""
    try:
        message = _Table.root(metadata)
        kind = metadata[message.at(1)]
        if kind == _SCHEMA:
            check_schema(metadata)
        records = message.inner(2)
        if kind == _DICTIONARY:
            records = records.inner(1)
        if kind != _SCHEMA and records.at(3):
            raise CorruptData("The Arrow stream is compressed: such ones are never written.")
        size_at = message.at(3)
        body = struct.unpack_from("<q", metadata, size_at)[0] if size_at else 0
    except (struct.error, IndexError):
        raise CorruptData("The Arrow stream is damaged.") from None
    if body < 0:
        raise CorruptData("The Arrow stream is damaged.")
    return kind, body


class _Table:
    """A table of a flatbuffer: https://flatbuffers.dev/internals/."""

    def __init__(self, data: bytes, start: int) -> None:
        self._data = data
        self._start = start
        self._slots = start - struct.unpack_from("<i", data, start)[0]
        if self._slots < 0:
            raise IndexError(self._slots)

    @classmethod
    def root(cls, data: bytes) -> "_Table":
        """Return the table that a flatbuffer begins with."""
        return cls(data, struct.unpack_from("<I", data)[0])

    def at(self, slot: int) -> int:
        """Return where a field is; 0 where it is left out."""
        size = struct.unpack_from("<H", self._data, self._slots)[0]
        place = 4 + 2 * slot
        if place + 2 > size:
            return 0
        offset = struct.unpack_from("<H", self._data, self._slots + place)[0]
        return self._start + offset if offset else 0

    def inner(self, slot: int) -> "_Table":
        """Return the table in a field."""
        at = self.at(slot)
        if not at:
            raise IndexError(slot)
        return _Table(self._data, at + struct.unpack_from("<I", self._data, at)[0])
