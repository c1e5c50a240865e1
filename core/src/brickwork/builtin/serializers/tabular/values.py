"""From a value to a pyarrow table that says in its metadata what it was, and back."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from brickwork.builtin.serializers.tabular.arrow import (
    EMPTY_VALUES,
    EXTENSION,
    count_empty,
    damaged,
    needed,
    pyarrow,
    refused_type,
)
from brickwork.builtin.serializers.text import wrong_type
from brickwork.errors import CorruptData, UnsupportedFormat, UnsupportedType

KEY = b"brickwork"
VERSION = 1

_as_arrow: ContextVar[bool] = ContextVar("brickwork_as_arrow_tables", default=False)


@contextmanager
def as_arrow_tables() -> Iterator[None]:
    """Let ``arrow`` and ``parquet`` give a ``pyarrow.Table`` for whatever was written.

    For a program that has no pandas or polars, or wants no conversion::

        with as_arrow_tables():
            table = chain.loads(data)

    What of the value stands in no column (an index of consecutive numbers, labels that are no
    text) is not in the table.
    """
    token = _as_arrow.set(True)
    try:
        yield
    finally:
        _as_arrow.reset(token)


class Kind(NamedTuple):
    """One kind of tabular value.

    Attributes:
        name: Stands in the metadata; also module and class of the value.
        encode: Returns a table, and what else is needed to make the value again, for JSON.
        decode: Makes the value again. May raise anything for data that do not fit.
    """

    name: str
    encode: Callable[[Any], tuple[Any, Mapping[str, Any]]]
    decode: Callable[[Any, Mapping[str, Any]], object]

    @property
    def module(self) -> str:
        """The package of the class."""
        return self.name.partition(".")[0]


def _encode_batch(batch: Any) -> tuple[Any, Mapping[str, Any]]:
    return pyarrow().Table.from_batches([batch]), {}


def _decode_batch(table: Any, _: Mapping[str, Any]) -> object:
    batches = table.combine_chunks().to_batches()
    if len(batches) == 1:
        return batches[0]
    if batches:
        raise ValueError("more than one batch")
    return pyarrow().RecordBatch.from_pylist([], schema=table.schema)


def _pandas(function: str) -> Callable[..., Any]:
    return _later("brickwork.builtin.serializers.tabular.of_pandas", function)


def _polars(function: str) -> Callable[..., Any]:
    return _later("brickwork.builtin.serializers.tabular.of_polars", function)


def _later(module: str, function: str) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        from importlib import import_module

        return getattr(import_module(module), function)(*arguments)

    return call


KINDS = (
    Kind("pyarrow.Table", lambda table: (table, {}), lambda table, _: table),
    Kind("pyarrow.RecordBatch", _encode_batch, _decode_batch),
    Kind("pandas.DataFrame", _pandas("encode_frame"), _pandas("decode_frame")),
    Kind("pandas.Series", _pandas("encode_series"), _pandas("decode_series")),
    Kind("polars.DataFrame", _polars("encode_frame"), _polars("decode_frame")),
    Kind("polars.Series", _polars("encode_series"), _polars("decode_series")),
)
_TAKES = "a table of pyarrow, pandas or polars"


def table_of(value: object, serializer: str) -> Any:
    """Return a table for a value; its metadata say what the value was.

    Raises:
        UnsupportedType: The value is no table, or something in it would not come back as it was.
        SecretExposed: There is a secret in it.
        PluginMissing: pyarrow is not installed.
    """
    kind = _kind_of(value, serializer)
    table, notes = kind.encode(value)
    metadata = dict(table.schema.metadata or {})
    if KEY in metadata:
        raise UnsupportedType(
            "The table's metadata have the key 'brickwork', which the serializer needs.",
            fix="Take it out: table.replace_schema_metadata(...).",
        )
    for field in table.schema:
        check_type(field.name, field.type, serializer)
    if count_empty(table) > EMPTY_VALUES:
        raise UnsupportedType(
            f"The table has more than {EMPTY_VALUES} values of the type null.",
            fix="Give the column a type.",
        )
    mark = {"v": VERSION, "kind": kind.name, **notes}
    metadata[KEY] = json.dumps(mark, separators=(",", ":")).encode()
    table = table.replace_schema_metadata(metadata)
    if EXTENSION in table.schema.serialize().to_pybytes():
        raise UnsupportedType(
            f"{serializer!r} cannot keep extension types: no code that a program registered for"
            " one is called.",
            fix="Cast the column to its storage.",
        )
    return table


def check_type(column: str, arrow_type: Any, serializer: str) -> None:
    """Refuse a type that cannot come back. Raises UnsupportedType."""
    refused = refused_type(arrow_type)
    if refused is not None:
        raise UnsupportedType(
            f"{serializer!r} cannot keep the type {str(refused)[:100]} of column {column[:100]!r}.",
            fix="Cast the column to a type without extension, union or run-ends; an extension"
            " type to its storage.",
        )


def value_of(table: Any) -> object:
    """Return the value that a table was made from.

    Raises:
        CorruptData: The table was not made by `table_of`, or its metadata do not fit it.
        UnsupportedFormat: It was made by a newer version.
        PluginMissing: pandas or polars is needed, and not installed.
    """
    metadata = dict(table.schema.metadata or {})
    kind, notes = _read_mark(metadata.pop(KEY, None))
    table = table.replace_schema_metadata(metadata or None)
    if _as_arrow.get():
        return table
    if kind.module != "pyarrow":
        needed(
            kind.module,
            f"The value is a {kind.name} and needs {kind.module}",
            kind.module,
            "; or read it as a pyarrow.Table, inside `with brickwork.as_arrow_tables():`",
        )
    with damaged(f"{kind.name} in the table"):
        return kind.decode(table, notes)


def _read_mark(raw: bytes | None) -> tuple[Kind, Mapping[str, Any]]:
    try:
        mark = json.loads(raw or b"")
        version, name = mark["v"], mark["kind"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise CorruptData("The table does not say what it was made from.") from None
    if isinstance(version, int) and version > VERSION:
        raise UnsupportedFormat(
            "The table was written by a newer Brickwork.",
            fix="Upgrade brickwork: python -m pip install -U brickwork",
        )
    kind = next((kind for kind in KINDS if kind.name == name), None)
    if kind is None or version != VERSION:
        raise CorruptData("The table does not say what it was made from.")
    return kind, mark


def _kind_of(value: object, serializer: str) -> Kind:
    cls = type(value)
    for kind in KINDS:
        # A value of a class means that its module is imported already.
        module = sys.modules.get(kind.module)
        if module is not None and cls is getattr(module, kind.name.partition(".")[2], None):
            return kind
    polars = sys.modules.get("polars")
    if polars is not None and cls is getattr(polars, "LazyFrame", None):
        raise UnsupportedType(
            f"A polars.LazyFrame is a plan, not a table: {serializer!r} cannot store it.",
            fix="Return frame.collect().",
        )
    raise wrong_type(serializer, _TAKES, value)
