"""``parquet``: tables of pyarrow, pandas and polars as a Parquet file."""

import base64
import io
from collections.abc import Callable
from typing import Any

from brickwork.builtin.serializers.gzip import too_large
from brickwork.builtin.serializers.tabular.arrow import check_read, damaged, pyarrow
from brickwork.builtin.serializers.tabular.dictionaries import put_back, take_out
from brickwork.builtin.serializers.tabular.footer import Footer
from brickwork.builtin.serializers.tabular.stream import check_schema
from brickwork.builtin.serializers.tabular.values import table_of, value_of
from brickwork.errors import BrickworkError, CorruptData, SerializerError, UnsupportedType
from brickwork.serializer import DEFAULT_MAX_SIZE, Serializer

_SCHEMA = b"ARROW:schema"  # where pyarrow keeps the types that Parquet has not
_OPTIONS = {
    "version": "2.6",
    "data_page_version": "1.0",
    "compression": "zstd",
    "compression_level": 3,
    "use_dictionary": False,  # one long value could stand for many
    "column_encoding": "PLAIN",
    "write_statistics": False,
    "write_page_checksum": True,
    "store_schema": True,
}


class ParquetSerializer(Serializer):
    """Takes what ``arrow`` takes, and writes a file that other tools read, each column compressed.

    Needs ``brickwork[arrow]``. It unpacks to at most 1 GiB, or sixteen times its size if that is
    more. See https://parquet.apache.org/docs/file-format/.
    """

    name = "parquet"

    def dumps(self, value: object) -> bytes:
        """Return the table. Raises UnsupportedType, SecretExposed, PluginMissing."""
        table = take_out(table_of(value, self.name))
        _check_types(table.schema)
        try:
            data = _write(table)
        except pyarrow().ArrowException:
            # From None: the error may quote the data.
            raise _cannot_keep("a column") from None
        if Footer(data).unpacked_size() > _limit(data):
            raise SerializerError(
                "The table has more values than could be read again.",
                fix='Use "arrow|zstd" with a larger max_size, or store it in parts.',
            )
        is_fixed = pyarrow().types.is_fixed_size_list
        if any(_has(field.type, is_fixed) for field in table.schema):
            _check_readable(data)
        return data

    def loads(self, data: bytes) -> object:
        """Return the table. Raises CorruptData, UnsupportedFormat, PluginMissing."""
        with damaged("Parquet file"):
            table = _read(data)
        return value_of(table)


def _write(table: Any) -> bytes:
    file = io.BytesIO()
    pyarrow("pyarrow.parquet").write_table(table, file, **_OPTIONS)
    return file.getvalue()


def _read(data: bytes) -> Any:
    pa = pyarrow()
    footer = Footer(data)
    if footer.unpacked_size() > _limit(data):
        raise too_large("parquet", _limit(data))
    raw = base64.b64decode(footer.value(_SCHEMA))
    check_schema(raw)
    table = _open(data).read()
    schema = pa.ipc.read_schema(pa.py_buffer(raw))
    if [_stored(arrow_type) for arrow_type in schema.types] != table.schema.types:
        raise CorruptData("The Parquet file is damaged: the columns do not fit their types.")
    columns = [c.cast(t) for c, t in zip(table.columns, schema.types, strict=True)]
    table = put_back(pa.Table.from_arrays(columns, schema=schema))
    check_read(table)
    return table


def _check_readable(data: bytes) -> None:
    """Refuse what pyarrow writes and does not read: nulls in lists of a fixed size, before 26."""
    try:
        _read(data)
    except (BrickworkError, OSError, pyarrow().ArrowException):
        raise _cannot_keep("a list of fixed size with nulls, with this pyarrow") from None


def _check_types(schema: Any) -> None:
    """Refuse what Parquet brings back as something else: try it without rows."""
    try:
        data = _write(schema.empty_table())
    except (pyarrow().ArrowException, OSError):
        found = {}
    else:
        found = dict(enumerate(_open(data).schema_arrow.types))
    is_dictionary = pyarrow().types.is_dictionary
    for at, field in enumerate(schema):
        if found.get(at) != _stored(field.type) or _has(field.type, is_dictionary):
            raise _cannot_keep(f"the type {str(field.type)[:100]} of column {field.name[:100]!r}")


def _stored(arrow_type: Any) -> Any:
    """Return the type that a column has in a file: Parquet has no seconds."""
    pa = pyarrow()
    if pa.types.is_timestamp(arrow_type) and arrow_type.unit == "s":
        return pa.timestamp("ms", tz=arrow_type.tz)
    return pa.time32("ms") if arrow_type == pa.time32("s") else arrow_type


def _has(arrow_type: Any, is_one: Callable[[Any], bool]) -> bool:
    """Tell whether a type, or one inside it, is of a kind."""
    return is_one(arrow_type) or any(
        _has(arrow_type.field(at).type, is_one) for at in range(arrow_type.num_fields)
    )


def _cannot_keep(what: str) -> UnsupportedType:
    return UnsupportedType(f"'parquet' cannot keep {what}.", fix='Use "arrow", or cast it.')


def _open(data: bytes) -> Any:
    return pyarrow("pyarrow.parquet").ParquetFile(
        pyarrow().BufferReader(data),
        page_checksum_verification=True,
        arrow_extensions_enabled=False,
    )


def _limit(data: bytes) -> int:
    return max(DEFAULT_MAX_SIZE, 16 * len(data))
