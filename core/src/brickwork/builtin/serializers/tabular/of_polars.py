"""Frames and series of polars, which says in the metadata of columns what Arrow has no type for."""

from collections.abc import Mapping
from typing import Any

from brickwork.builtin.serializers.tabular.arrow import pyarrow
from brickwork.errors import UnsupportedType


def encode_frame(frame: Any) -> tuple[Any, Mapping[str, Any]]:
    """Return a frame as a table. Raises UnsupportedType."""
    # A copy, which shares the data: to_arrow waits for whoever looks at the same object in another
    # thread, and does not let that one go on.
    frame = frame.clone()
    for name, dtype in frame.schema.items():
        _check_type(name, dtype)
    return frame.to_arrow(), {"rows": frame.height}


def decode_frame(table: Any, notes: Mapping[str, Any]) -> object:
    """Return the frame."""
    import polars

    if not table.num_columns:
        return polars.DataFrame(height=notes["rows"]) if notes["rows"] else polars.DataFrame()
    return _frame_of(table)


def encode_series(series: Any) -> tuple[Any, Mapping[str, Any]]:
    """Return a series as a table of one column. Raises UnsupportedType."""
    return encode_frame(series.to_frame())


def decode_series(table: Any, notes: Mapping[str, Any]) -> object:
    """Return the series."""
    frame: Any = decode_frame(table, notes)
    if frame.width != 1:
        raise ValueError("not one column")
    return frame.to_series(0)


def _frame_of(table: Any) -> Any:
    import polars

    try:
        frame: Any = polars.from_arrow(table)
    except polars.exceptions.PanicException:  # no Exception
        raise ValueError("no frame") from None
    if not isinstance(frame, polars.DataFrame) or frame.height != table.num_rows:
        raise ValueError("no frame")
    return frame


def _check_type(name: str, dtype: Any) -> None:
    """Refuse what polars itself would bring back as something else, such as the type Object."""
    import polars

    empty = polars.DataFrame(schema={"column": dtype})
    try:
        if not _has_objects(dtype) and _frame_of(empty.to_arrow()).schema == empty.schema:
            return
    except (ValueError, pyarrow().ArrowException, polars.exceptions.PolarsError):
        pass
    raise UnsupportedType(
        f"The polars type {str(dtype)[:100]} of column {name[:100]!r} has no form in Arrow.",
        fix="Cast the column to a type that Arrow has: integers to at most 64 bits, objects to"
        " text or structs.",
    )


def _has_objects(dtype: Any) -> bool:
    import polars

    if isinstance(dtype, polars.Struct):
        return any(_has_objects(field.dtype) for field in dtype.fields)
    inner = getattr(dtype, "inner", None)
    return bool(dtype == polars.Object) or (inner is not None and _has_objects(inner))
