"""Dictionary columns in Parquet, which writes their values and forgets their dictionaries."""

import base64
import json
from typing import Any

from brickwork.builtin.serializers.tabular.arrow import pyarrow
from brickwork.builtin.serializers.tabular.stream import read_stream, stream_of
from brickwork.errors import CorruptData, UnsupportedType

KEY = b"brickwork.dictionaries"


def take_out(table: Any) -> Any:
    """Return a table with values in place of dictionaries, which stand in its metadata then.

    Raises:
        UnsupportedType: A dictionary cannot be found again by its values.
    """
    pa = pyarrow()
    kept = {}
    for at, field in enumerate(table.schema):
        if not pa.types.is_dictionary(field.type):
            continue
        column = table.column(at).unify_dictionaries()
        chunks = column.chunks or [pa.nulls(0, field.type)]
        kept[str(at)] = _kept(field.name, field.type, chunks[0].dictionary)
        values = column.cast(field.type.value_type)
        table = table.set_column(at, field.with_type(values.type), values)
    if not kept:
        return table
    notes = {**table.schema.metadata, KEY: json.dumps(kept).encode()}
    return table.replace_schema_metadata(notes)


def put_back(table: Any) -> Any:
    """Return the table that `take_out` was given. May raise anything for what it never made."""
    notes = dict(table.schema.metadata or {})
    for key, text in json.loads(notes.pop(KEY, b"{}")).items():
        sample = read_stream(base64.b64decode(text, validate=True)).column(0).chunk(0)
        field = table.schema.field(int(key))
        column = _encoded(table.column(int(key)), sample)
        table = table.set_column(int(key), field.with_type(column.type), column)
    return table.replace_schema_metadata(notes)


def _kept(name: str, arrow_type: Any, dictionary: Any) -> str:
    pa = pyarrow()
    try:
        found = _indices(dictionary, dictionary)
        unique = not dictionary.null_count and found.equals(_numbers(len(dictionary)))
    except pa.ArrowException:
        unique = False
    if not unique:
        raise UnsupportedType(
            f"The dictionary of column {name[:100]!r} has values that are null, that repeat or"
            " that cannot be compared.",
            fix='Use "arrow"; or cast the column to the type of its values.',
        )
    none = pa.nulls(1, arrow_type.index_type)
    sample = pa.DictionaryArray.from_arrays(none, dictionary, ordered=arrow_type.ordered)
    return base64.b64encode(stream_of(pa.table([sample], names=["sample"]))).decode()


def _encoded(column: Any, sample: Any) -> Any:
    pa = pyarrow()
    chunks = []
    for values in column.chunks:
        indices = _indices(values, sample.dictionary)
        if indices.null_count != values.null_count:
            raise CorruptData("A column has values that are not in its dictionary.")
        chunks.append(
            pa.DictionaryArray.from_arrays(
                indices.cast(sample.type.index_type), sample.dictionary, ordered=sample.type.ordered
            )
        )
    return pa.chunked_array(chunks, sample.type)


def _indices(values: Any, dictionary: Any) -> Any:
    from pyarrow import compute

    return compute.index_in(values, value_set=dictionary)


def _numbers(count: int) -> Any:
    return pyarrow().array(range(count), pyarrow().int32())
