"""Columns of pandas as Arrow arrays, with a note of what pandas has and Arrow has not.

A note is a list for JSON: the name of a form below, then what else the form needs. A column is
read by the form that wrote it, which looks first whether the array has the type it writes.
"""

import base64
import re
from collections.abc import Callable
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from brickwork.builtin.serializers.tabular import objects
from brickwork.builtin.serializers.tabular.arrow import pyarrow
from brickwork.builtin.serializers.tabular.stream import read_stream, stream_of
from brickwork.errors import BrickworkError, UnsupportedType

Note = list[Any]

_BITS = ("8", "16", "32", "64")
_NUMBERS = {"bool", "float16", "float32", "float64"}
_NUMBERS |= {f"{sign}int{bits}" for sign in ("", "u") for bits in _BITS}
_MASKED = {"boolean", "Float32", "Float64"}
_MASKED |= {f"{sign}Int{bits}" for sign in ("", "U") for bits in _BITS}
_TIMES = {f"{kind}64[{u}]" for kind in ("datetime", "timedelta") for u in ("s", "ms", "us", "ns")}


class Form(NamedTuple):
    """How the columns of some dtypes are written and read.

    Attributes:
        encode: Returns an Arrow array for a pandas array, and the rest of the note.
        decode: Returns a pandas array for an Arrow chunked array and the rest of the note.
    """

    encode: Callable[[Any], tuple[Any, Note]]
    decode: Callable[..., Any]


def encode_column(name: str, values: Any) -> tuple[Any, Note]:
    """Return a column as an Arrow array, and its note.

    Args:
        name: What errors call it.
        values: What ``series.array`` or ``index.array`` is.

    Raises:
        UnsupportedType: It would not come back as it was.
        SecretExposed: There is a secret in it.
    """
    dtype = values.dtype
    form = _form_of(dtype)
    if form is None:
        raise UnsupportedType(
            f"Column {name[:100]!r} has the dtype {str(dtype)[:100]}, which cannot be kept.",
            fix="Convert it with astype() to one of numbers, times, text or categories.",
        )
    try:
        array, rest = FORMS[form].encode(values)
    except BrickworkError:  # some are ValueError or TypeError, too
        raise
    except (ValueError, TypeError, OverflowError, pyarrow().ArrowException):
        # From None: the error may quote the data.
        raise UnsupportedType(
            f"Column {name[:100]!r} has values that cannot be kept ({_describe(values)}): of more"
            " than one type, of one that Arrow has not, or broken text.",
            fix="Make all of them text, bytes, numbers, Decimal, dates, times, lists or dicts.",
        ) from None
    return array, [form, *rest]


def decode_column(array: Any, note: Note) -> Any:
    """Return the pandas array of a chunked array. May raise anything for data that do not fit."""
    form, *rest = note
    return FORMS[form].decode(array, *rest)


def _form_of(dtype: Any) -> str | None:
    import pandas as pd

    extensions = {
        pd.DatetimeTZDtype: "zoned",
        pd.StringDtype: "string",
        pd.ArrowDtype: "arrow",
        pd.CategoricalDtype: "category",
        pd.PeriodDtype: "period",
        pd.IntervalDtype: "interval",
    }
    form = extensions.get(type(dtype))
    if form or not dtype.name:
        return form
    names = {"object": {"object"}, "number": _NUMBERS, "time": _TIMES, "masked": _MASKED}
    native = getattr(dtype, "isnative", True)
    return next((form for form in names if native and dtype.name in names[form]), None)


def _describe(values: Any) -> str:
    if values.dtype.name != "object":
        return str(values.dtype)[:100]
    classes = sorted({type(value).__name__ for value in values})
    return f"{', '.join(classes[:5])}{' ...' if classes[5:] else ''}"


def _encode_number(values: Any) -> tuple[Any, Note]:
    array = values.to_numpy()
    return pyarrow().array(array, from_pandas=False), [array.dtype.name]


def _decode_number(array: Any, name: str) -> Any:
    _expect(name in _NUMBERS and not array.null_count)
    return _decode_numpy(array, name)


def _encode_time(values: Any) -> tuple[Any, Note]:
    array = values.to_numpy()
    return pyarrow().array(array), [array.dtype.name]


def _decode_time(array: Any, name: str) -> Any:
    _expect(name in _TIMES)
    return _decode_numpy(array, name)


def _decode_numpy(array: Any, name: str) -> Any:
    import numpy as np

    dtype = np.dtype(name)
    _expect(array.type == pyarrow().from_numpy_dtype(dtype))
    return _own(array.to_numpy().astype(dtype, copy=False))


def _own(array: Any) -> Any:
    """Return an array that can be written to: what refers to the bytes that were read cannot."""
    return array if array.flags.writeable else array.copy()


def _encode_zoned(values: Any) -> tuple[Any, Note]:
    import pandas as pd

    moment = pyarrow().timestamp(values.dtype.unit, tz=values.dtype.tz)
    _expect(pd.DatetimeTZDtype(moment.unit, _zone(moment.tz)) == values.dtype)
    plain = values.tz_convert("UTC").tz_localize(None).to_numpy()
    return pyarrow().array(plain).view(moment), []


def _decode_zoned(array: Any) -> Any:
    import pandas as pd

    moment = array.type
    _expect(pyarrow().types.is_timestamp(moment) and moment.tz)
    plain = array.cast(pyarrow().timestamp(moment.unit))
    plain = _decode_numpy(plain, f"datetime64[{moment.unit}]")
    return pd.DatetimeIndex(plain).tz_localize("UTC").tz_convert(_zone(moment.tz)).array


def _zone(text: str) -> str:
    """Return the name of a time zone if it is one: pandas would look for files by other names."""
    if not re.fullmatch(r"[+-]\d\d:\d\d", text):
        ZoneInfo(text)
    return text


def _encode_masked(values: Any) -> tuple[Any, Note]:
    return pyarrow().array(values), [values.dtype.name]


def _decode_masked(array: Any, name: str) -> Any:
    import pandas as pd

    _expect(name in _MASKED)
    dtype: Any = pd.api.types.pandas_dtype(name)
    _expect(array.type == pyarrow().from_numpy_dtype(dtype.numpy_dtype))
    return dtype.__from_arrow__(array).copy()


def _encode_string(values: Any) -> tuple[Any, Note]:
    import pandas as pd

    missing = "NA" if values.dtype.na_value is pd.NA else "nan"
    return pyarrow().array(values, type=pyarrow().large_string()), [values.dtype.storage, missing]


def _decode_string(array: Any, storage: str, missing: str) -> Any:
    return string_dtype(storage, missing).__from_arrow__(_typed(array, pyarrow().large_string()))


def string_dtype(storage: str, missing: str) -> Any:
    """Return the dtype of the form ``string``."""
    import pandas as pd

    return pd.StringDtype(storage, na_value=pd.NA if missing == "NA" else float("nan"))


def _encode_arrow(values: Any) -> tuple[Any, Note]:
    return pyarrow().array(values), []


def _decode_arrow(array: Any) -> Any:
    import pandas as pd

    return pd.arrays.ArrowExtensionArray(array)


def _encode_category(values: Any) -> tuple[Any, Note]:
    pa = pyarrow()
    dtype = values.dtype
    categories, note = encode_column("categories", dtype.categories.array)
    codes = pa.array(values.codes, mask=values.codes == -1)
    if categories.type == pa.large_string() and len(codes):
        if isinstance(categories, pa.ChunkedArray):
            categories = categories.combine_chunks()
        array = pa.DictionaryArray.from_arrays(codes, categories, ordered=dtype.ordered)
        return array, [dtype.ordered, note, None]
    # Not in the column: Parquet keeps dictionaries of text only, a stream none without rows.
    table = pa.table([categories], names=["categories"])
    return codes, [dtype.ordered, note, base64.b64encode(stream_of(table)).decode()]


def _decode_category(array: Any, ordered: bool, note: Note, apart: str | None) -> Any:
    import pandas as pd

    pa = pyarrow()
    if apart is None:
        _expect(pa.types.is_dictionary(array.type))
        whole = array.unify_dictionaries().combine_chunks()
        codes, found = whole.indices, pa.chunked_array([whole.dictionary])
    else:
        _expect(pa.types.is_signed_integer(array.type))
        codes, found = array, read_stream(base64.b64decode(apart, validate=True)).column(0)
    values = decode_column(found, note)
    categories = pd.Index(values, dtype=values.dtype, copy=False)
    dtype = pd.CategoricalDtype(categories, ordered=ordered is True)
    return pd.Categorical.from_codes(_own(codes.fill_null(-1).to_numpy()), dtype=dtype)


def _encode_period(values: Any) -> tuple[Any, Note]:
    import pandas as pd

    freq = values.dtype.name.removeprefix("period[").removesuffix("]")
    _expect(pd.PeriodDtype(freq) == values.dtype)
    return pyarrow().array(values.asi8, mask=values.isna()), [freq]


def _decode_period(array: Any, freq: str) -> Any:
    import pandas as pd

    numbers = _typed(array, pyarrow().int64()).fill_null(pd.NaT._value)  # noqa: SLF001 - what PeriodArray itself uses
    return pd.arrays.PeriodArray(_own(numbers.to_numpy()), dtype=pd.PeriodDtype(freq))


def _encode_interval(values: Any) -> tuple[Any, Note]:
    pa = pyarrow()
    left, note = encode_column("left", values.left.array)
    right, _ = encode_column("right", values.right.array)
    array = pa.StructArray.from_arrays([left, right], ["left", "right"])
    return array, [values.closed, note]


def _decode_interval(array: Any, closed: Any, note: Note) -> Any:
    import pandas as pd

    _expect(pyarrow().types.is_struct(array.type) and not array.null_count)
    sides = [pd.Index(decode_column(side, note)) for side in array.flatten()]
    return pd.arrays.IntervalArray.from_arrays(*sides, closed=closed)


def _typed(array: Any, arrow_type: Any) -> Any:
    _expect(array.type == arrow_type)
    return array


def _expect(fits: object) -> None:
    if not fits:
        raise ValueError("the column does not fit its note")


FORMS = {
    "number": Form(_encode_number, _decode_number),
    "time": Form(_encode_time, _decode_time),
    "zoned": Form(_encode_zoned, _decode_zoned),
    "masked": Form(_encode_masked, _decode_masked),
    "string": Form(_encode_string, _decode_string),
    "arrow": Form(_encode_arrow, _decode_arrow),
    "category": Form(_encode_category, _decode_category),
    "period": Form(_encode_period, _decode_period),
    "interval": Form(_encode_interval, _decode_interval),
    "object": Form(objects.encode, objects.decode),
}
