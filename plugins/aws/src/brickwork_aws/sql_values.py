"""What databases answer, as Python's values and as Arrow tables: of Athena, Redshift and Aurora."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from brickwork import PluginMissing


class Column(NamedTuple):
    """A column of a result.

    Attributes:
        name: Its name; of several with one name the later ones have a number.
        type: The database's name of the type, in small letters: ``timestamptz``.
        precision: How many digits a decimal number has; 0 if nobody says so.
        scale: How many of them are behind the point.
    """

    name: str
    type: str = ""
    precision: int = 0
    scale: int = 0


class _Kind(NamedTuple):
    """How the texts of a type are read, and what the type is in Arrow; None: a text."""

    read: Callable[[str], Any]
    arrow: Callable[[Any, Column], Any] | None


Record = Sequence[Any]


def columns_of(described: Iterable[Mapping[str, Any]], **keys: str) -> list[Column]:
    """Return the columns that an answer describes.

    Args:
        described: A description a column.
        keys: Under which name it has what: ``type="typeName"``, and so for ``name``, ``label``,
            ``precision`` and ``scale``.
    """
    columns: list[Column] = []
    taken: set[str] = set()
    for each in described:
        wanted = each.get(keys["label"]) or each.get(keys["name"]) or ""
        name, number = wanted, 1
        while name in taken:  # as of a join
            number += 1
            name = f"{wanted}_{number}"
        taken.add(name)
        columns.append(
            Column(
                name,
                str(each.get(keys["type"]) or "").lower().removesuffix(" unsigned"),
                each.get(keys["precision"]) or 0,
                each.get(keys["scale"]) or 0,
            )
        )
    return columns


def data_columns(described: Iterable[Mapping[str, Any]]) -> list[Column]:
    """Return the columns that an answer of a Data API describes."""
    return columns_of(
        described,
        name="name",
        label="label",
        type="typeName",
        precision="precision",
        scale="scale",
    )


def data_values(record: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> list[Any]:
    """Return the values of a record of a Data API."""
    return [field_value(each, column.type) for each, column in zip(record, columns, strict=True)]


def rows_of(
    columns: Sequence[Column], records: Iterable[Record], limit: int | None = None
) -> list[dict[str, Any]]:
    """Return records as rows, by the names of the columns; at most so many."""
    names = [column.name for column in columns]
    return [dict(zip(names, record, strict=True)) for record in islice(records, limit)]


def table_of(columns: Sequence[Column], records: Iterable[Record]) -> Any:
    """Return records as an Arrow table, whose types are those of the columns; needs pyarrow.

    A column with a value that its type does not hold in Arrow is one of texts.

    Raises:
        PluginMissing: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
    except ImportError:
        raise PluginMissing(
            "Arrow tables are made with pyarrow, which is not installed.",
            fix="pip install 'brickwork[arrow]', or read the rows.",
        ) from None

    cells: list[list[Any]] = [[] for _ in columns]
    for record in records:
        for cell, value in zip(cells, record, strict=True):
            cell.append(value)
    arrays = [_array(pa, *each) for each in zip(columns, cells, strict=True)]
    return pa.Table.from_arrays(arrays, names=[column.name for column in columns])


def value_of(text: str | None, kind: str) -> Any:
    """Return what a text means that a database gave for a value; what it cannot mean stays text.

    Args:
        text: The text; None for NULL.
        kind: The database's name of the type, in small letters.
    """
    known = _KINDS.get(kind)
    if text is None or known is None:
        return text
    try:
        return known.read(text)
    except (ValueError, ArithmeticError):  # such as the date infinity
        return text


def field_value(field: Mapping[str, Any], kind: str) -> Any:
    """Return the value of a field of the Data APIs: ``{"longValue": 1}``."""
    if field.get("isNull") or not field:
        return None
    ((name, value),) = ((key, each) for key, each in field.items() if key != "isNull")
    if name == "stringValue":
        return value_of(value, kind)
    if name == "arrayValue":
        return _array_value(value, kind.removeprefix("_"))
    return value


def _array_value(found: Mapping[str, Any], kind: str) -> list[Any]:
    ((name, values),) = found.items()
    if name == "arrayValues":
        return [None if each is None else _array_value(each, kind) for each in values]
    if name == "stringValues":
        return [value_of(each, kind) for each in values]
    return list(values)


def _array(pa: Any, column: Column, cells: list[Any]) -> Any:
    kind = _KINDS.get(column.type)
    if kind is not None and kind.arrow is None:
        return _texts(pa, cells, json.dumps if kind.read is json.loads else str)
    try:
        if kind is not None and kind.arrow is not None:
            return pa.array(cells, kind.arrow(pa, column))
        only_texts = all(cell is None or isinstance(cell, str) for cell in cells)
        return pa.array(cells, pa.string() if only_texts else None)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return _texts(pa, cells, str)


def _texts(pa: Any, cells: list[Any], write: Callable[[Any], str]) -> Any:
    return pa.array([None if cell is None else write(cell) for cell in cells], pa.string())


def _truth(text: str) -> bool:
    return text.lower() in {"true", "t", "1"}


def _in_utc(text: str) -> datetime:
    # The Data APIs give the time in UTC, mostly without saying so.
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _decimal(pa: Any, column: Column) -> Any:
    # Without a precision, Arrow finds out.
    return pa.decimal128(column.precision, column.scale) if column.precision else None


def _named(
    names: str, read: Callable[[str], Any], arrow: Callable[[Any, Column], Any] | None
) -> dict[str, _Kind]:
    return dict.fromkeys(names.split(), _Kind(read, arrow))


# https://docs.aws.amazon.com/athena/latest/ug/data-types.html,
# https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html,
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api-operations.html.
_KINDS = {
    **_named("tinyint", int, lambda pa, _: pa.int8()),
    **_named("smallint int2", int, lambda pa, _: pa.int16()),
    **_named("integer int int4 mediumint serial", int, lambda pa, _: pa.int32()),
    **_named("bigint int8 bigserial", int, lambda pa, _: pa.int64()),
    **_named("float real float4", float, lambda pa, _: pa.float32()),
    **_named("double float8", float, lambda pa, _: pa.float64()),
    **_named("decimal numeric", Decimal, _decimal),
    **_named("boolean bool", _truth, lambda pa, _: pa.bool_()),
    **_named("date", date.fromisoformat, lambda pa, _: pa.date32()),
    **_named("time", time.fromisoformat, lambda pa, _: pa.time64("us")),
    **_named("timetz", time.fromisoformat, None),  # Arrow's times have no zone
    **_named("timestamp datetime", datetime.fromisoformat, lambda pa, _: pa.timestamp("us")),
    **_named("timestamptz", _in_utc, lambda pa, _: pa.timestamp("us", "UTC")),
    **_named("uuid", UUID, None),
    **_named("json jsonb super", json.loads, None),
}
