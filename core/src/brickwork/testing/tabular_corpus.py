"""Tables of pyarrow, pandas and polars, with every type that ``arrow`` and ``parquet`` keep.

For the fixture ``values`` of a `SerializerContract`. Importing it imports the three libraries.
"""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

NAN = float("nan")
PARIS = "Europe/Paris"


def objects(*values: object) -> pd.Series:
    """Return a series of Python objects."""
    return pd.Series(values, dtype=object)


ARROW: Mapping[str, object] = {
    "one column": pa.table({"a": [1, None]}),
    "a batch": pa.record_batch({"a": [1]}),
    "no rows": pa.table({"a": pa.array([], pa.int8()), "b": pa.array([], pa.large_string())}),
    "no columns": pa.table({}),
    "a batch without rows": pa.RecordBatch.from_pylist([], pa.schema({"a": pa.int8()})),
    "metadata": pa.table(
        {"a": [1]},
        schema=pa.schema([pa.field("a", pa.int64(), metadata={"unit": "m"})], {"k": "v"}),
    ),
    "in pieces": pa.concat_tables([pa.table({"a": ["x", None]}), pa.table({"a": ["y"]})]),
    "NaN is not null": pa.table({"f": pa.array([NAN, None, -0.0])}),
    "times": pa.table(
        {
            "zoned": pa.array([dt.datetime(2026, 10, 25, 1), None], pa.timestamp("us", PARIS)),
            "ns": pa.array([1, None], pa.timestamp("ns")),
            "s": pa.array([-1, None], pa.timestamp("s", "UTC")),
            "duration": pa.array([1, None], pa.duration("ms")),
            "time": pa.array([dt.time(1, 2), None], pa.time64("us")),
            "date": pa.array([dt.date(1, 1, 1), None]),
        }
    ),
    "decimals and bytes": pa.table(
        {
            "d128": pa.array([Decimal("1.50"), None], pa.decimal128(38, 2)),
            "d256": pa.array([Decimal("-1.5"), None], pa.decimal256(60, 1)),
            "bytes": pa.array([b"\xff\0", None]),
            "fixed": pa.array([b"ab", None], pa.binary(2)),
            "half": pa.array([np.float16(1.5), None]),
            "null": pa.nulls(2),
        }
    ),
    "nested": pa.table(
        {
            "list": pa.array([[1, None], None, []]),
            "struct": pa.array([{"a": "x", "b": [1.5]}, None, {"a": None, "b": None}]),
            "map": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int8())),
            "fixed": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int8(), 2)),
        }
    ),
    "dictionaries": pa.table(
        {
            "text": pa.array(["b", None, "b"]).dictionary_encode(),
            "ordered": pa.DictionaryArray.from_arrays(
                pa.array([1, 0, None], pa.int16()), ["low", "high"], ordered=True
            ),
            "number": pa.DictionaryArray.from_arrays(pa.array([0, 0, 1], pa.uint8()), [7, 5]),
        }
    ),
}

PANDAS: Mapping[str, object] = {
    "small": pd.DataFrame({"a": [1, 2]}),
    "numbers": pd.DataFrame(
        {
            "i": np.array([1, -(2**63)], dtype="int64"),
            "u": np.array([0, 2**64 - 1], dtype="uint64"),
            "f": [NAN, -0.0],
            "f4": np.array([1.5, np.inf], dtype="float32"),
            "b": [True, False],
        }
    ),
    "text": pd.DataFrame({"s": ["ä€😀", None], "empty": ["", "\0"]}),
    "times": pd.DataFrame(
        {
            "naive": pd.to_datetime(["2026-01-01", None]),
            "zoned": pd.date_range("2026-10-25", periods=2, freq="h", tz=PARIS),
            "offset": pd.date_range("2026-10-25", periods=2, tz="-03:30"),
            "utc": pd.to_datetime(["2026-01-01", None], utc=True).as_unit("ns"),
            "delta": pd.to_timedelta(["1 day", None]).as_unit("s"),
        }
    ),
    "nullable": pd.DataFrame(
        {
            "i": pd.array([1, None], dtype="Int64"),
            "u": pd.array([1, None], dtype="UInt8"),
            "f": pd.array([1.5, None], dtype="Float32"),
            "b": pd.array([True, None], dtype="boolean"),
            "s": pd.array(["x", None], dtype="string"),
            "s2": pd.array(["x", None], dtype=pd.StringDtype("python")),
        }
    ),
    "arrow types": pd.DataFrame(
        {
            "list": pd.array([[1], None], dtype=pd.ArrowDtype(pa.list_(pa.int8()))),
            "decimal": pd.array([Decimal("1.5"), None], dtype=pd.ArrowDtype(pa.decimal128(5, 1))),
            "text": pd.array(["x", None], dtype=pd.ArrowDtype(pa.string())),
        }
    ),
    "categories": pd.DataFrame(
        {
            "ordered": pd.Categorical(["a", None], categories=["z", "a"], ordered=True),
            "numbers": pd.Categorical([3, 1]),
            "bins": pd.cut([1, 9], 3),
            "days": pd.Categorical(pd.to_datetime(["2026-01-01", "2025-01-01"])),
            "none": pd.Categorical([None, None], categories=["x"]),
        }
    ),
    "periods": pd.DataFrame(
        {
            "p": pd.array([pd.Period("2026-01", "M"), None], dtype="period[M]"),
            "i": pd.arrays.IntervalArray.from_tuples([(0, 1), None], closed="left"),
        }
    ),
    "objects": pd.DataFrame(
        {
            "list": objects([1, None], None),
            "dict": objects({"a": 1, "b": ["x"]}, {"a": None, "b": None}),
            "decimal": objects(Decimal("1.50"), None),
            "decimals": objects(Decimal("1.5"), Decimal("-0.00")),
            "uuid": objects(UUID(int=7), None),
            "date": objects(dt.date(2026, 1, 1), None),
            "time": objects(dt.time(1, 2, 3), None),
            "delta": objects(dt.timedelta(-1, 5), None),
            "bytes": objects(b"\xff", None),
            "bool": objects(True, None),
            "int": objects(2**62, None),
            "float": objects(NAN, None),
            "text": objects("x", NAN),
            "text NA": objects("x", pd.NA),
            "vector": objects(np.array([1.5, 2]), None),
            "none": objects(None, None),
        }
    ),
    "several indexes": pd.DataFrame(
        {("a", 1): [1, 2], ("a", 2): ["x", "y"]},
        index=pd.MultiIndex.from_tuples([(1, "a"), (2, None)], names=["n", None]),
    ),
    "named index": pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="key")),
    "index of days": pd.DataFrame(
        {"a": [1, 2]}, index=pd.date_range("2026", periods=2, freq="D", tz=PARIS, name="day")
    ),
    "index of categories": pd.DataFrame({"a": [1, 2]}, index=pd.CategoricalIndex(["b", "a"])),
    "range with a step": pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(9, 5, -2, name="r")),
    "twice the same label": pd.DataFrame([[1, "x", 2.5]], columns=["a", "a", "a#2"]),
    "labels of numbers": pd.DataFrame([[1, 2.5]]),
    "mixed labels": pd.DataFrame([[1, 2.5, 3, 4]], columns=["a", 1, None, ("t", 2)]),
    "labels of days": pd.DataFrame([[1, 2]], columns=pd.date_range("2026", periods=2, name="d")),
    "broken label": pd.DataFrame([[1]], columns=pd.Index(["\ud800"], dtype=object)),
    "nothing": pd.DataFrame(),
    "no rows": pd.DataFrame({"a": np.array([], "int8"), "c": pd.Categorical([], ["x"]), "s": []}),
    "no columns": pd.DataFrame(index=range(3)),
    "a series": pd.Series([1, 2], name="x"),
    "a series by days": pd.Series(["x"], index=[dt.date(2026, 1, 1)], name=("a", 1)),
    "an empty series": pd.Series([], dtype=object),
}

POLARS: Mapping[str, object] = {
    "small": pl.DataFrame({"a": [1, None]}),
    "all types": pl.DataFrame(
        {
            "u64": pl.Series([2**63, None], dtype=pl.UInt64),
            "f32": pl.Series([NAN, None], dtype=pl.Float32),
            "text": ["ä", None],
            "bytes": [b"\xff", None],
            "date": [dt.date(2026, 1, 1), None],
            "time": [dt.time(1, 2), None],
            "zoned": pl.Series([dt.datetime(2026, 1, 1), None], dtype=pl.Datetime("ms", PARIS)),
            "delta": [dt.timedelta(1), None],
            "decimal": [Decimal("1.50"), None],
            "null": [None, None],
            "category": pl.Series(["b", None], dtype=pl.Categorical),
            "enum": pl.Series(["a", None], dtype=pl.Enum(["z", "a"])),
        }
    ),
    "nested": pl.DataFrame(
        {
            "list": [[1, None], None],
            "array": pl.Series([[1, 2], None], dtype=pl.Array(pl.Int8, 2)),
            "struct": [{"a": 1, "b": [{"c": "x"}]}, {"a": None, "b": None}],
        }
    ),
    "no rows": pl.DataFrame(schema={"a": pl.Int8, "e": pl.Enum(["x"])}),
    "nothing": pl.DataFrame(),
    "no columns": pl.DataFrame(height=3),
    "a series": pl.Series("x", ["a", None], dtype=pl.Categorical),
}

TABLES: Mapping[str, object] = {
    f"{library} {name}": value
    for library, values in (("pyarrow", ARROW), ("pandas", PANDAS), ("polars", POLARS))
    for name, value in values.items()
}
"""All of them by library and name; small ones first."""
