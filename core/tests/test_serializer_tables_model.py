"""Tables of any types and values come back as they were, or are refused when they are written."""

from datetime import timedelta
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.strategies import DrawFn
from polars.testing.parametric import dataframes

from brickwork.builtin.serializers.arrow import ArrowSerializer
from brickwork.builtin.serializers.parquet import ParquetSerializer
from brickwork.errors import CorruptData, UnsupportedType
from brickwork.serializer import Serializer, build_chain
from brickwork.testing.serializer_corpus import same

BOTH = pytest.mark.parametrize(
    "serializer", [ArrowSerializer(), ParquetSerializer()], ids=["arrow", "parquet"]
)
MANY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
DAYS = timedelta(1)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "int8": st.integers(-128, 127),
    "uint64": st.integers(0, 2**64 - 1),
    "float64": st.floats(),
    "bool": st.booleans(),
    "Int64": st.none() | st.integers(-(2**63), 2**63 - 1),
    "boolean": st.none() | st.booleans(),
    "str": st.none() | TEXT,
    "string": st.none() | TEXT,
    "category": st.none() | TEXT,
    "datetime64[us]": st.none() | st.datetimes(),
    "datetime64[us, America/New_York]": st.none() | st.integers(-(2**52), 2**52),
    "timedelta64[us]": st.none() | st.timedeltas(DAYS * -100_000, DAYS * 100_000),
}
OBJECTS = st.sampled_from(
    [
        st.decimals(),
        st.decimals(allow_nan=False, places=2),
        st.dates(),
        st.times(),
        st.datetimes(),
        st.timedeltas(),
        st.uuids(),
        st.binary(max_size=8),
        st.integers(),
        st.booleans(),
        TEXT,
        st.text(max_size=4),
        st.lists(st.none() | st.integers(-9, 9), max_size=3),
        st.fixed_dictionaries({"a": st.integers(-9, 9), "b": st.none() | TEXT}),
    ]
)
LABELS = st.none() | TEXT | st.integers() | st.dates() | st.tuples(TEXT, st.integers())


@st.composite
def frames(draw: DrawFn) -> pd.DataFrame:
    """Draw a frame of pandas."""
    rows = draw(st.integers(0, 6))
    columns = []
    for _ in range(draw(st.integers(0, 4))):
        dtype = draw(st.sampled_from([*VALUES, "object"]))
        inner = draw(OBJECTS) | st.none() if dtype == "object" else VALUES[dtype]
        values = draw(st.lists(inner, min_size=rows, max_size=rows))
        columns.append(pd.Series(values, dtype=dtype))
    frame = pd.DataFrame(dict(enumerate(columns)), index=range(rows))
    labels = draw(st.lists(LABELS, min_size=len(columns), max_size=len(columns)))
    frame.columns = pd.Index(labels, dtype=object, tupleize_cols=False)
    if draw(st.booleans()) and columns:
        frame.index = pd.Index(columns[0].array, name=draw(LABELS))
    return frame


def keeps(serializer: Serializer, value: object) -> bool:
    """Tell whether a serializer takes a value, after looking that it comes back if it does."""
    try:
        data = serializer.dumps(value)
    except UnsupportedType:
        return False
    found = serializer.loads(data)
    assert same(found, value), (value, found)
    return True


@BOTH
@MANY
@given(frame=frames())
def test_any_frame_of_pandas_comes_back_or_is_refused(
    serializer: Serializer, frame: pd.DataFrame
) -> None:
    """Whatever the dtypes, labels and index: what is written comes back the same."""
    dtypes = [*frame.dtypes, frame.index.dtype]
    assert keeps(serializer, frame) or "object" in map(str, dtypes)


@BOTH
@MANY
@given(
    frame=dataframes(
        min_cols=0, max_cols=3, max_size=6,
        excluded_dtypes=[pl.Object, pl.Int128, pl.UInt128, pl.Extension],
    )
)  # fmt: skip
def test_any_frame_of_polars_comes_back_or_is_refused(
    serializer: Serializer, frame: pl.DataFrame
) -> None:
    """Whatever the types, nested ones too: what is written comes back; Arrow takes them all."""
    assert keeps(serializer, frame) or serializer.name == "parquet"


def types() -> st.SearchStrategy[Any]:
    """Return types of pyarrow, also nested ones, with those that are refused."""
    plain = st.sampled_from(
        [
            *(pa.null(), pa.bool_(), pa.int16(), pa.uint64(), pa.float32(), pa.date32()),
            *(pa.date64(), pa.timestamp("s"), pa.timestamp("ns", "Europe/Paris"), pa.time32("s")),
            *(pa.duration("us"), pa.decimal128(9, 2), pa.string(), pa.large_binary(), pa.binary(3)),
            *(
                pa.string_view(),
                pa.dictionary(pa.int8(), pa.string()),
                pa.month_day_nano_interval(),
            ),
            *(pa.uuid(), pa.binary(0)),
        ]
    )
    return st.recursive(
        plain,
        lambda inner: st.one_of(
            inner.map(pa.list_),
            inner.map(pa.large_list),
            inner.map(lambda item: pa.list_(item, 2)),
            inner.map(lambda item: pa.map_(pa.string(), item)),
            st.lists(inner, min_size=1, max_size=2).map(
                lambda items: pa.struct([(f"f{at}", item) for at, item in enumerate(items)])
            ),
        ),
        max_leaves=3,
    )


@BOTH
@MANY
@given(columns=st.lists(types(), max_size=3), rows=st.integers(0, 3))
def test_any_table_of_pyarrow_comes_back_or_is_refused(
    serializer: Serializer, columns: list[Any], rows: int
) -> None:
    """Whatever the types: what is written comes back with the same schema, or was refused."""
    arrays = [pa.nulls(rows, column) for column in columns]
    keeps(serializer, pa.table(arrays, names=[f"c{at}" for at in range(len(columns))]))


@settings(max_examples=200, deadline=None)
@given(data=st.data())
@BOTH
def test_any_change_of_an_envelope_is_corrupt_data(serializer: Serializer, data: Any) -> None:
    """In a chain, bytes that were cut or changed anywhere are an error before any is read."""
    classes = {serializer.name: type(serializer)}
    chain = build_chain(serializer.name, classes.__getitem__)
    written = bytearray(chain.dumps(pd.DataFrame({"a": [1], "s": ["x"]})))
    at = data.draw(st.integers(100, len(written) - 1))
    if data.draw(st.booleans()):
        del written[at:]
    else:
        written[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CorruptData):
        chain.loads(written)
