"""Tables, in whatever form a program has them, as columns and rows of what JSON has."""

import enum
import math
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from brickwork_flows.errors import InvalidArtifact

_DEEPEST = 20
_MISSING = frozenset({"NAType", "NaTType"})
"""What pandas has for no value, by the name of its type."""


def table_of(table: Any) -> dict[str, Any]:
    """Return a table as a dict with ``columns`` and ``rows``.

    Args:
        table: A list of dicts, a dict of lists, a list of lists, or a table of pandas, polars or
            pyarrow.

    Raises:
        InvalidArtifact: It is none of these, or its columns differ in length.
    """
    columns, rows = _framed(table) or _plain(table)
    return {
        "columns": [str(column) for column in columns],
        "rows": [[cell(value) for value in row] for row in rows],
    }


def _framed(table: Any) -> tuple[Iterable[Any], Iterable[Iterable[Any]]] | None:
    pandas, polars, pyarrow = map(sys.modules.get, ("pandas", "polars", "pyarrow"))
    if pandas is not None and isinstance(table, pandas.DataFrame):
        names = [name for name in table.index.names if name is not None]
        if not names:  # numbers that say nothing
            return table.columns, table.itertuples(index=False, name=None)
        index = table.index.to_frame(index=False).itertuples(index=False, name=None)
        rows = table.itertuples(index=False, name=None)
        return [*table.index.names, *table.columns], (
            (*first, *rest) for first, rest in zip(index, rows, strict=True)
        )
    if polars is not None and isinstance(table, polars.DataFrame):
        return table.columns, table.iter_rows()
    if pyarrow is not None and isinstance(table, pyarrow.Table | pyarrow.RecordBatch):
        columns = [column.to_pylist() for column in table.columns]
        return table.schema.names, zip(*columns, strict=True)
    return None


def _plain(table: Any) -> tuple[Iterable[Any], Iterable[Iterable[Any]]]:
    if isinstance(table, Mapping):
        columns = [_values(values, f"the column {name!r}") for name, values in table.items()]
        if len({len(values) for values in columns}) > 1:
            raise _misfit("its columns differ in length")
        return table.keys(), zip(*columns, strict=True)
    rows = _values(table, "it")
    if all(isinstance(row, Mapping) for row in rows):
        names = list(dict.fromkeys(name for row in rows for name in row))
        return names, ([row.get(name) for name in names] for row in rows)
    lists = [_values(row, f"the row {number}") for number, row in enumerate(rows)]
    width = max(map(len, lists), default=0)
    return range(width), ([*row, *[None] * (width - len(row))] for row in lists)


def _values(values: Any, what: str) -> list[Any]:
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise _misfit(f"{what} is a {type(values).__name__}")
    return list(values)


def _misfit(why: str) -> InvalidArtifact:
    return InvalidArtifact(
        f"The table cannot be used: {why}.",
        fix="Pass a list of dicts, a dict of lists, a list of lists, or a table of pandas, polars"
        " or pyarrow.",
    )


def cell(value: Any, depth: int = 0) -> Any:
    """Return a cell as what JSON has: no value for NaN, others as their text."""
    if value is None or type(value).__name__ in _MISSING:
        return None
    if isinstance(value, enum.Enum):
        return cell(value.value, depth)
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else float(value) if math.isfinite(value) else str(value)
    if depth < _DEEPEST:
        if isinstance(value, Mapping):
            return {str(key): cell(each, depth + 1) for key, each in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [cell(each, depth + 1) for each in value]
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return cell(value.tolist(), depth + 1)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
