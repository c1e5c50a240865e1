"""Frames and series of pandas: data columns first, then those of the index."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from brickwork.builtin.serializers.json import JsonSerializer
from brickwork.builtin.serializers.tabular.arrow import pyarrow
from brickwork.builtin.serializers.tabular.columns import (
    decode_column,
    encode_column,
    string_dtype,
)
from brickwork.builtin.serializers.tabular.stream import read_stream, stream_of
from brickwork.errors import SecretExposed, UnsupportedType


def encode_frame(frame: Any) -> tuple[Any, Mapping[str, Any]]:
    """Return a frame as a table. Raises UnsupportedType, SecretExposed."""
    names = [str(label) for label in frame.columns]
    arrays = [frame.iloc[:, at].array for at in range(len(names))]
    return _encode(frame, names, arrays, {"columns": _encode_labels(frame.columns)})


def decode_frame(table: Any, notes: Mapping[str, Any]) -> object:
    """Return the frame."""
    import pandas as pd

    arrays, index = _decode(table, notes)
    columns = _decode_labels(notes["columns"])
    series = [pd.Series(values, index, values.dtype, copy=False) for values in arrays]
    frame = pd.DataFrame(dict(enumerate(series)), index, copy=False)
    frame.columns = columns
    return _with_extras(frame, notes)


def encode_series(series: Any) -> tuple[Any, Mapping[str, Any]]:
    """Return a series as a table of one column. Raises UnsupportedType, SecretExposed."""
    name = "values" if series.name is None else str(series.name)
    return _encode(series, [name], [series.array], {"name": _json([series.name])})


def decode_series(table: Any, notes: Mapping[str, Any]) -> object:
    """Return the series."""
    import pandas as pd

    (values,), index = _decode(table, notes)
    (name,) = _from_json(notes["name"])
    return _with_extras(pd.Series(values, index, values.dtype, name, copy=False), notes)


def _encode(
    value: Any, names: Sequence[str], columns: Sequence[Any], notes: Mapping[str, Any]
) -> tuple[Any, Mapping[str, Any]]:
    encoded = [encode_column(name, array) for name, array in zip(names, columns, strict=True)]
    forms = [form for _, form in encoded]
    index, index_names, index_note = _encode_index(value.index)
    arrays = [*(array for array, _ in encoded), *index]
    table = pyarrow().table(arrays, names=_distinct([*names, *index_names]))
    notes = {**notes, "forms": forms, "index": index_note}
    if value.attrs:
        notes["attrs"] = _json(value.attrs)
    if not value.flags.allows_duplicate_labels:
        notes["unique"] = True
    return table, notes


def _decode(table: Any, notes: Mapping[str, Any]) -> tuple[list[Any], Any]:
    forms = notes["forms"]
    columns = table.columns
    arrays = [decode_column(*pair) for pair in zip(columns[: len(forms)], forms, strict=True)]
    return arrays, _decode_index(columns[len(forms) :], notes["index"])


def _with_extras(value: Any, notes: Mapping[str, Any]) -> Any:
    if "attrs" in notes:
        value.attrs = _from_json(notes["attrs"])
    return value.set_flags(allows_duplicate_labels=False) if notes.get("unique") else value


def _distinct(names: Sequence[str]) -> list[str]:
    """Return names for the table, where pandas may have the same one twice; and no broken text."""
    found: dict[str, None] = {}
    for name in names:
        clean = distinct = name.encode(errors="replace").decode()
        count = 1
        while distinct in found:
            count += 1
            distinct = f"{clean}#{count}"
        found[distinct] = None
    return list(found)


def _encode_index(index: Any) -> tuple[list[Any], list[str], dict[str, Any]]:
    """Return the arrays of an index, their names for the table, and a note."""
    import pandas as pd

    note: dict[str, Any] = {"names": _json(list(index.names))}
    if type(index) is pd.RangeIndex:
        return [], [], {**note, "range": [index.start, index.stop, index.step]}
    levels = [index]
    if isinstance(index, pd.MultiIndex):
        note["multi"] = True
        levels = [index.get_level_values(at) for at in range(index.nlevels)]
    elif getattr(index, "freq", None) is not None and not isinstance(index, pd.PeriodIndex):
        note["freq"] = _frequency(index.freq)
    names = [f"index {at}" if n is None else str(n) for at, n in enumerate(index.names)]
    pairs = [encode_column(n, level.array) for n, level in zip(names, levels, strict=True)]
    note["forms"] = [form for _, form in pairs]
    return [array for array, _ in pairs], names, note


def _decode_index(arrays: Sequence[Any], note: Mapping[str, Any]) -> Any:
    import pandas as pd

    names = _from_json(note["names"])
    if "range" in note:
        start, stop, step = map(int, note["range"])
        return pd.RangeIndex(start, stop, step, name=names[0])
    decoded = [decode_column(*pair) for pair in zip(arrays, note["forms"], strict=True)]
    levels = [pd.Index(values, dtype=values.dtype, copy=False) for values in decoded]
    if "multi" in note:
        return pd.MultiIndex.from_arrays(levels, names=names)
    (index,) = levels
    index.names = names
    if "freq" in note:
        index.freq = pd.tseries.frequencies.to_offset(note["freq"])
    return index


def _frequency(freq: Any) -> str:
    import pandas as pd

    text: str = freq.freqstr
    try:
        if pd.tseries.frequencies.to_offset(text) == freq:
            return text
    except ValueError:
        pass
    raise UnsupportedType(
        f"The index has a frequency of its own ({text[:100]}), which cannot be kept.",
        fix="Take it off: index.freq = None.",
    )


def _encode_labels(columns: Any) -> dict[str, Any]:
    """Return the labels of columns, all of it for JSON."""
    import pandas as pd

    if isinstance(columns.dtype, pd.StringDtype) and not isinstance(columns, pd.MultiIndex):
        missing = "NA" if columns.dtype.na_value is pd.NA else "nan"
        dtype = [columns.dtype.storage, missing]
    elif columns.dtype == object and not isinstance(columns, pd.MultiIndex):
        dtype = []
    else:
        arrays, names, note = _encode_index(columns)
        if arrays:
            table = pyarrow().table(arrays, names=_distinct(names))
            note["table"] = base64.b64encode(stream_of(table)).decode()
        return note
    return {"names": _json(list(columns.names)), "labels": _json(list(columns)), "dtype": dtype}


def _decode_labels(note: Mapping[str, Any]) -> Any:
    import pandas as pd

    if "labels" in note:
        dtype: Any = string_dtype(*note["dtype"]) if note["dtype"] else object
        (name,) = _from_json(note["names"])
        labels = _from_json(note["labels"])
        return pd.Index(labels, dtype=dtype, name=name, tupleize_cols=False)
    if "table" not in note:
        return _decode_index([], note)
    return _decode_index(read_stream(base64.b64decode(note["table"], validate=True)).columns, note)


def _json(value: object) -> str:
    try:
        return JsonSerializer().dumps(value).decode()
    except SecretExposed:
        raise
    except UnsupportedType:
        raise UnsupportedType(
            "A label of a column, the name of an index or series, or something in attrs cannot be"
            " kept.",
            fix="Make it text, a number, a date or a tuple of these.",
        ) from None


def _from_json(text: str) -> Any:
    return JsonSerializer().loads(text.encode())
