"""``arrow`` and ``parquet`` keep the contract of serializers, for tables of three libraries."""

import base64
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from brickwork import as_arrow_tables, open_serializer
from brickwork.builtin.serializers.arrow import ArrowSerializer
from brickwork.builtin.serializers.parquet import ParquetSerializer
from brickwork.errors import PluginMissing, SecretExposed, UnsupportedType
from brickwork.secret import Secret
from brickwork.serializer import Serializer
from brickwork.testing.serializer import Golden, SerializerContract
from brickwork.testing.serializer_corpus import same
from brickwork.testing.tabular_corpus import TABLES

VECTORS = Path(__file__).parent / "vectors" / "tables_v1.json"
EXTENSION = "ARROW:extension:name"
BOTH = pytest.mark.parametrize(
    "serializer", [ArrowSerializer(), ParquetSerializer()], ids=["arrow", "parquet"]
)


def golden(name: str) -> Golden:
    """Return what the first release wrote with a serializer."""
    data = json.loads(VECTORS.read_text())[name]
    return [(base64.b64decode(text), TABLES[value]) for value, text in data.items()]


class TestArrow(SerializerContract):
    """``arrow`` on its own."""

    @pytest.fixture
    def serializer(self) -> Serializer:
        return ArrowSerializer()

    @pytest.fixture
    def values(self) -> Sequence[object]:
        return list(TABLES.values())

    @pytest.fixture
    def golden(self) -> Golden:
        return golden("arrow")


class TestParquet(SerializerContract):
    """``parquet`` on its own."""

    @pytest.fixture
    def serializer(self) -> Serializer:
        return ParquetSerializer()

    @pytest.fixture
    def values(self) -> Sequence[object]:
        return list(TABLES.values())

    @pytest.fixture
    def golden(self) -> Golden:
        return golden("parquet")


class TestCompressedArrow(SerializerContract):
    """``arrow`` in a chain that compresses."""

    @pytest.fixture
    def serializer(self) -> Serializer:
        return open_serializer("arrow|zstd")

    @pytest.fixture
    def values(self) -> Sequence[object]:
        return list(TABLES.values())


@BOTH
@pytest.mark.parametrize(
    ("value", "words"),
    [
        (pd.DataFrame({"o": [1, "s3ntinel"]}, dtype=object), "'o' .*int, str"),
        (pd.DataFrame({"o": [object()]}), "'o' .*object"),
        (pd.DataFrame({"o": pd.Series(["s3ntinel\ud800"], dtype=object)}), "'o' .*broken text"),
        (pd.Series(["a", None, float("nan")], dtype=object), "NoneType, float, str"),
        (pd.DataFrame({"o": [{"a": 1}, {"b": 1}]}), "'o' .*dict"),
        (pd.Series([2**80], dtype=object), "int"),
        (pd.DataFrame({"s": pd.arrays.SparseArray([1])}), "'s' .*Sparse"),
        (pd.DataFrame({"c": [1j]}), "'c' .*complex128"),
        (pd.DataFrame([[1]], columns=[object()]), "A label"),
        (pl.DataFrame({"a": [1]}).lazy(), "a plan"),
        (pl.DataFrame({"o": [object()]}, schema={"o": pl.Object}), "Object .*'o'"),
        (pl.DataFrame({"i": [1]}, schema={"i": pl.Int128}), "Int128 .*'i'"),
        (pa.table({"u": pa.nulls(1, pa.uuid())}), "uuid.*'u'"),
        (pa.table({"u": pa.nulls(1, pa.list_(pa.list_view(pa.int8())))}), "list_view.*'u'"),
        (
            pa.table({"x": [1]}, pa.schema([pa.field("x", "int64", metadata={EXTENSION: "x"})])),
            "extension types",
        ),
        (pa.table({"a": [1]}).replace_schema_metadata({"brickwork": "1"}), "metadata"),
        ([{"a": 1}], "a table of pyarrow, pandas or polars"),
    ],
    ids=lambda value: "" if isinstance(value, str) else type(value).__name__,
)
def test_what_would_come_back_otherwise_is_refused(
    serializer: Serializer, value: object, words: str
) -> None:
    """The error names the column and its type and says what to do; it never shows a value."""
    with pytest.raises(UnsupportedType, match=words) as caught:
        serializer.dumps(value)
    assert caught.value.fix
    assert "s3ntinel" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (pa.table({"d": pa.nulls(1, pa.date64())}), "date64.*'d'"),
        (pa.table({"t": pa.nulls(1, pa.list_(pa.timestamp("s")))}), "timestamp.*'t'"),
        (pa.table({"e": pa.nulls(1, pa.struct([]))}), "struct.*'e'"),
        (pl.DataFrame({"l": [["a"]]}, schema={"l": pl.List(pl.Categorical)}), "dictionary.*'l'"),
    ],
)
def test_parquet_refuses_what_only_arrow_keeps(value: object, words: str) -> None:
    """Types that Parquet has not are refused, and kept by ``arrow``, as the error says."""
    assert same(ArrowSerializer().loads(ArrowSerializer().dumps(value)), value)
    with pytest.raises(UnsupportedType, match=words) as caught:
        ParquetSerializer().dumps(value)
    assert '"arrow"' in caught.value.fix


@BOTH
def test_a_secret_in_a_column_is_named_as_one(serializer: Serializer) -> None:
    """A column of secrets is SecretExposed, and so is one in what a frame carries along."""
    for frame in (pd.DataFrame({"s": [Secret("s3ntinel")]}), pd.DataFrame({"a": [1]})):
        if "a" in frame:
            frame.attrs["key"] = Secret("s3ntinel")
        with pytest.raises(SecretExposed) as caught:
            serializer.dumps(frame)
        assert "s3ntinel" not in str(caught.value)


@BOTH
def test_what_a_frame_carries_along_comes_back(serializer: Serializer) -> None:
    """``attrs`` and the ban on equal labels come back with a frame."""
    frame = pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False)
    frame.attrs = {"unit": "m", 1: [2.5]}
    found = serializer.loads(serializer.dumps(frame))
    assert isinstance(found, pd.DataFrame)
    assert found.attrs == frame.attrs
    assert not found.flags.allows_duplicate_labels


@BOTH
def test_a_frame_that_came_back_can_be_changed(serializer: Serializer) -> None:
    """No column is a read-only view of the bytes."""
    frame = pd.DataFrame(
        {
            "i": [1, 2],
            "f": [1.5, 2.5],
            "b": [True, False],
            "t": pd.date_range("2026", periods=2),
            "z": pd.date_range("2026", periods=2, tz="UTC"),
            "n": pd.array([1, 2], dtype="Int64"),
            "c": pd.Categorical(["a", "b"]),
            "p": pd.period_range("2026", periods=2, freq="D"),
        }
    )
    found: Any = serializer.loads(serializer.dumps(frame))
    for column in frame:
        found.loc[0, column] = found.loc[1, column]
        assert found.loc[0, column] == frame.loc[1, column]


@BOTH
def test_without_the_library_of_a_frame_it_says_what_to_install(
    serializer: Serializer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without pandas or polars the error names them, and the table can be had all the same."""
    for library, frame in (("pandas", pd.DataFrame({"a": [1]})), ("polars", pl.Series("a", [1]))):
        data = serializer.dumps(frame)
        with monkeypatch.context() as without:
            without.setitem(sys.modules, library, None)
            with pytest.raises(PluginMissing, match=f"pip install {library}.*as_arrow_tables"):
                serializer.loads(data)
            with as_arrow_tables():
                assert same(serializer.loads(data), pa.table({"a": [1]}))
        assert same(serializer.loads(data), frame)


@BOTH
def test_without_pyarrow_it_says_what_to_install(
    serializer: Serializer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without pyarrow nothing can be written or read, and the error names the extra."""
    frame = pl.DataFrame({"a": [1]})
    data = serializer.dumps(frame)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    missing = r"pip install 'brickwork\[arrow\]'"
    with pytest.raises(PluginMissing, match=missing):
        serializer.dumps(frame)
    with pytest.raises(PluginMissing, match=missing):
        serializer.loads(data)


def test_only_the_library_of_a_value_is_imported() -> None:
    """Opening a chain imports no library of tables, and a table of polars does not need pandas."""
    code = """
import sys
from brickwork import open_serializer
chain = open_serializer("arrow|zstd")
assert not {"pyarrow", "pandas", "polars"} & set(sys.modules)
import polars
chain.loads(chain.dumps(polars.DataFrame({"a": [1]})))
assert "pandas" not in sys.modules
import pyarrow
chain.loads(chain.dumps(pyarrow.table({"a": [1]})))
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=120)


_BESIDE_READERS = """
import faulthandler, sys, threading
import polars as pl
from brickwork import open_serializer

faulthandler.dump_traceback_later(100, exit=True)
sys.setswitchinterval(1e-6)
kinds = pl.Series(["x", "y"], dtype=pl.Enum(["x", "y"]))
frame = pl.DataFrame({"kind": kinds, "number": [1, 2]})
chain = open_serializer("arrow")
ended = threading.Event()

def read():
    while not ended.is_set():
        frame.schema

reader = threading.Thread(target=read)
reader.start()
for _ in range(300):
    chain.dumps(frame)
ended.set()
reader.join()
"""


def test_a_frame_is_written_while_others_read_it() -> None:
    """Polars alone waits for ever where one thread looks at a frame that another one converts."""
    done = subprocess.run(
        [sys.executable, "-c", _BESIDE_READERS], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr


def test_a_parquet_file_is_one_for_others() -> None:
    """What ``parquet`` writes, pyarrow and polars read with their own means."""
    import io

    data = ParquetSerializer().dumps(pd.DataFrame({"a": [1, 2], "c": pd.Categorical(["x", "y"])}))
    assert pl.read_parquet(io.BytesIO(data)).to_dict(as_series=False) == {
        "a": [1, 2],
        "c": ["x", "y"],
    }
