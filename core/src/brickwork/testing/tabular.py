"""Tables of pyarrow, pandas and polars, compared to the last detail."""

from typing import Any


def same_table(left: Any, right: Any) -> bool:
    """Whether two tables, frames, series or record batches are the same.

    Types, order, names, metadata and indexes count, and how a pyarrow table is cut into pieces
    does not. NaN is equal to NaN, and null to null.
    """
    if type(left) is not type(right):
        return False
    compare = {"pandas": _same_pandas, "polars": _same_polars, "pyarrow": _same_pyarrow}
    return compare[type(left).__module__.partition(".")[0]](left, right)


def _same_pandas(left: Any, right: Any) -> bool:
    import pandas as pd

    if isinstance(left, pd.Series):
        left, right = left.to_frame(), right.to_frame()
    try:
        pd.testing.assert_frame_equal(left, right, check_exact=True, check_freq=True)
    except AssertionError:
        return False
    # In a column of objects, 1 is equal to True.
    return left.attrs == right.attrs and all(
        list(map(type, left.iloc[:, at])) == list(map(type, right.iloc[:, at]))
        for at in range(left.shape[1])
        if left.iloc[:, at].dtype == object
    )


def _same_polars(left: Any, right: Any) -> bool:
    import polars

    if isinstance(left, polars.Series):
        left, right = left.to_frame(), right.to_frame()
    same_form = left.schema == right.schema and left.shape == right.shape
    return same_form and bool(left.equals(right, null_equal=True))


def _same_pyarrow(left: Any, right: Any) -> bool:
    if not left.schema.equals(right.schema, check_metadata=True) or left.num_rows != right.num_rows:
        return False
    # Not equal where there is a NaN; then by value.
    return bool(left.equals(right)) or repr(left.to_pylist()) == repr(right.to_pylist())
