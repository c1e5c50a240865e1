"""Columns of Python objects: of one type that Arrow has, with one kind of missing value."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import starmap
from math import isnan
from typing import Any
from uuid import UUID

from brickwork.builtin.serializers.tabular.arrow import pyarrow
from brickwork.errors import SecretExposed
from brickwork.secret import Secret

_SCALARS = (str, bytes, bool, int, float, Decimal, date, datetime, time, timedelta)
_NATURAL = {cls.__name__: cls for cls in (*_SCALARS, list, dict)}
_FROM_TEXT: dict[str, Callable[[str], object]] = {"Decimal as text": Decimal, "UUID as text": UUID}
_PIECE = 65_536  # values that are compared at once


def encode(values: Any) -> tuple[Any, list[Any]]:
    """Return objects as an Arrow array, with the name of their type and of what stands for none.

    Raises:
        SecretExposed: There is a secret among them.
        ValueError, TypeError, OverflowError, pyarrow.ArrowException: They would not come back as
            they were.
    """
    items, missing = _without_missing(list(values.to_numpy()))
    classes = set(map(type, items)) - {type(None)}
    if any(issubclass(cls, Secret) for cls in classes):
        raise SecretExposed(
            "A secret cannot be written in a table: its value would stand there in clear.",
            fix="Take the column out, or reveal what must be written.",
        )
    name = classes.pop().__name__ if classes else "str"
    if classes:
        raise ValueError("objects of several types")
    if name == "ndarray":
        return _encode_arrays(items), [name, missing]
    if name in _NATURAL:
        array = _natural(name, items)
        if _come_back(items, array, name):
            return array, [name, missing]
    name += " as text"
    if name not in _FROM_TEXT:
        raise ValueError("objects of no type that is kept")
    texts = [None if item is None else str(item) for item in items]
    return pyarrow().array(texts, pyarrow().large_string()), [name, missing]


def decode(array: Any, name: str, missing: str) -> Any:
    """Return the objects. May raise anything for data that do not fit."""
    import numpy as np

    found = np.empty(len(array), dtype=object)
    none = _missing_values()[missing]
    items = _decode_arrays(array) if name == "ndarray" else _decode_items(array, name)
    for at, item in enumerate(items):
        found[at] = none if item is None else item
    return found


def _without_missing(items: list[Any]) -> tuple[list[Any], str]:
    """Return the objects with None for those that stand for none, and the name of what does."""
    classes = set(map(type, items))
    names = {id(value): name for name, value in _missing_values().items() if name != "nan"}
    nan_is_missing = float in classes and not classes <= {float, type(None)}
    found = set()
    for at, item in enumerate(items):
        name = names.get(id(item))
        if name is None and nan_is_missing and type(item) is float and isnan(item):
            name = "nan"
        if name is not None:
            items[at] = None
            found.add(name)
    if len(found) > 1:
        raise ValueError("several values stand for none")
    return items, found.pop() if found else "None"


def _missing_values() -> dict[str, Any]:
    import pandas as pd

    return {"None": None, "nan": float("nan"), "NA": pd.NA, "NaT": pd.NaT}


def _natural(name: str, items: list[Any]) -> Any:
    """Return objects as an array of the type that Arrow has for them; None if there is none."""
    pa = pyarrow()
    wide = {"str": pa.large_string(), "bytes": pa.large_binary()}
    try:
        return pa.array(items, wide.get(name))
    except (ValueError, TypeError, OverflowError, pa.ArrowException):
        if f"{name} as text" in _FROM_TEXT:
            return None
        raise


def _come_back(items: list[Any], array: Any, name: str) -> bool:
    if array is None or name in ("str", "bytes"):
        return array is not None
    for at in range(0, len(items), _PIECE):
        found = array.slice(at, _PIECE).to_pylist()
        if not all(starmap(_same, zip(items[at : at + _PIECE], found, strict=True))):
            if f"{name} as text" in _FROM_TEXT:
                return False
            raise ValueError("the objects would not come back as they were")
    return True


def _same(left: Any, right: Any) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(starmap(_same, zip(left, right, strict=True)))
    if isinstance(left, dict):
        return list(left) == list(right) and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, float | Decimal | datetime | time):
        return repr(left) == repr(right)
    return bool(left == right)


def _decode_items(array: Any, name: str) -> list[Any]:
    make = _FROM_TEXT.get(name)
    if make is not None:
        return [None if text is None else make(text) for text in array.to_pylist()]
    items: list[Any] = array.to_pylist()
    cls = _NATURAL[name]
    if not all(item is None or type(item) is cls for item in items):
        raise ValueError("objects of another type than their note says")
    return items


def _encode_arrays(items: list[Any]) -> Any:
    pa = pyarrow()
    arrays = [item for item in items if item is not None]
    dtypes = {item.dtype for item in arrays}
    if len(dtypes) > 1 or any(item.ndim != 1 for item in arrays):
        raise ValueError("arrays of several dtypes or dimensions")
    dtype = dtypes.pop()
    inner = pa.from_numpy_dtype(dtype)
    if not (pa.types.is_primitive(inner) and dtype.isnative) or inner.to_pandas_dtype() != dtype:
        raise ValueError("arrays of a dtype that is not kept")
    return pa.array(items, pa.large_list(inner))


def _decode_arrays(array: Any) -> list[Any]:
    inner = array.type.value_type
    if not pyarrow().types.is_primitive(inner):
        raise ValueError("no arrays of numbers")
    dtype = inner.to_pandas_dtype()
    found = []
    for item in array.to_numpy():
        if item is not None and (item.dtype != dtype):
            raise ValueError("arrays with missing numbers")
        found.append(None if item is None else item.copy())
    return found
