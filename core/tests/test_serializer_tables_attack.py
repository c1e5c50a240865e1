"""Hostile and damaged tables: no crash, no code, no bomb; and how much memory a large one needs."""

import io
import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings, strategies as st

from brickwork.builtin.serializers.arrow import ArrowSerializer
from brickwork.builtin.serializers.parquet import ParquetSerializer
from brickwork.errors import BrickworkError, CorruptData, SerializerError, UnsupportedFormat
from brickwork.serializer import Serializer
from brickwork.testing.serializer_corpus import same

BOTH = pytest.mark.parametrize(
    "serializer", [ArrowSerializer(), ParquetSerializer()], ids=["arrow", "parquet"]
)
MARK = json.dumps({"v": 1, "kind": "pyarrow.Table"})


def marked(table: Any, mark: object = MARK) -> Any:
    """Return a table that says it is one of ours."""
    text = mark if isinstance(mark, str) else json.dumps(mark)
    return table.replace_schema_metadata({"brickwork": text})


def stream(table: Any, **options: Any) -> bytes:
    """Write a stream by pyarrow's own means."""
    file = io.BytesIO()
    with pa.ipc.new_stream(file, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write(table)
    return file.getvalue()


def parquet(table: Any, **options: Any) -> bytes:
    """Write a file by pyarrow's own means."""
    file = io.BytesIO()
    own: dict[str, Any] = {
        "use_dictionary": False,
        "compression": "zstd",
        "write_statistics": False,
    }
    pq.write_table(table, file, **own | options)
    return file.getvalue()


def forged(serializer: Serializer, table: Any) -> bytes:
    """Write a table as the serializer would, whatever its metadata are."""
    return stream(table) if serializer.name == "arrow" else parquet(table)


MUTATE = """
import random, sys
from brickwork import BrickworkError
from brickwork.builtin.serializers.arrow import ArrowSerializer
from brickwork.builtin.serializers.parquet import ParquetSerializer
from brickwork.testing.serializer_corpus import mutations
from brickwork.testing.tabular_corpus import TABLES

count = 0
for serializer in (ArrowSerializer(), ParquetSerializer()):
    for value in TABLES.values():
        found = list(mutations(serializer.dumps(value)))
        for data in random.Random(7).sample(found, min(len(found), 150)):
            count += 1
            try:
                serializer.loads(data)
            except BrickworkError:
                pass
print(count)
"""


def test_thousands_of_mutations_crash_nothing() -> None:
    """Cut and flipped bytes are typed errors or values; never a crash of a C++ library."""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", MUTATE],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 10_000


@BOTH
def test_every_cut_is_noticed(serializer: Serializer) -> None:
    """A payload that ends too early is CorruptData, wherever it ends; so is one that goes on."""
    data = serializer.dumps(pd.DataFrame({"a": [1, 2], "s": ["x", None]}))
    for changed in (*(data[:length] for length in range(len(data))), data + b"\0", data * 2):
        with pytest.raises(CorruptData):
            serializer.loads(changed)


class Canary(pa.ExtensionType):  # type: ignore[misc]  # pyarrow has no types
    """An extension type such as some programs register: its reader trusts the metadata."""

    fired: ClassVar[list[bytes]] = []

    def __init__(self) -> None:
        super().__init__(pa.int64(), "brickwork.tests.canary")

    def __arrow_ext_serialize__(self) -> bytes:
        return b"code"

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type: Any, serialized: bytes) -> "Canary":
        cls.fired.append(serialized)
        return cls()


@BOTH
def test_readers_of_extension_types_are_not_called(serializer: Serializer) -> None:
    """Code that a program registered for an extension type never sees what is read here."""
    table = marked(pa.table({"x": pa.ExtensionArray.from_storage(Canary(), pa.array([1]))}))
    data = forged(serializer, table)
    pa.register_extension_type(Canary())
    try:
        with pytest.raises(CorruptData, match="extension type"):
            serializer.loads(data)
        assert Canary.fired == []
        pa.ipc.open_stream(stream(table)).read_all()
        assert Canary.fired  # pyarrow alone would have
    finally:
        pa.unregister_extension_type("brickwork.tests.canary")
        Canary.fired.clear()


def test_pyarrow_has_no_type_that_pickles() -> None:
    """The old type whose metadata were a pickle is gone from pyarrow, and nothing reads it."""
    assert not hasattr(pa, "PyExtensionType")


@BOTH
def test_what_pandas_says_in_metadata_is_not_trusted(serializer: Serializer) -> None:
    """Metadata of pandas, which pyarrow evaluates on its way, are metadata like any other."""
    table = pa.table({"a": [1]}).replace_schema_metadata({"pandas": "__import__('os')"})
    assert same(serializer.loads(serializer.dumps(table)), table)


@BOTH
@pytest.mark.parametrize(
    ("mark", "error"),
    [
        ({"v": 2, "kind": "pandas.DataFrame"}, UnsupportedFormat),
        ({"v": 1, "kind": "os.system"}, CorruptData),
        ({"v": True, "kind": "pandas.Panel"}, CorruptData),
        ({"v": 1}, CorruptData),
        ([], CorruptData),
        ("{", CorruptData),
        ("[" * 100_000, CorruptData),
    ],
)
def test_a_mark_that_is_none_of_ours_is_refused(
    serializer: Serializer, mark: object, error: type[BrickworkError]
) -> None:
    """A table without our mark, of a newer version or of an unknown kind is a typed error."""
    with pytest.raises(error):
        serializer.loads(forged(serializer, marked(pa.table({"a": [1]}), mark)))


NOTES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=4)
    | st.sampled_from(
        ["number", "time", "zoned", "masked", "string", "arrow", "category", "period", "interval",
         "object", "int64", "Int64", "datetime64[us]", "str", "list", "ndarray", "nan", "None", "D"]
    ),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["range", "forms", "names", "multi", "freq", "labels", "dtype", "table"]),
        inner, max_size=4,
    ),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(
        ["pandas.DataFrame", "pandas.Series", "polars.DataFrame", "polars.Series"]
    ),
    notes=st.dictionaries(
        st.sampled_from(["forms", "index", "columns", "name", "attrs", "rows", "unique"]), NOTES
    ),
    column=st.sampled_from([pa.array([1]), pa.array(["x"]), pa.array([None]), pa.array([[1]])]),
)
def test_notes_of_others_are_a_typed_error_or_a_value(
    kind: str, notes: dict[str, object], column: Any
) -> None:
    """Whatever stands in the notes of a table, reading it raises no error of another library."""
    table = marked(pa.table({"a": column}), {"v": 1, "kind": kind, **notes})
    with suppress(BrickworkError):
        ArrowSerializer().loads(stream(table))


def test_a_compressed_stream_is_refused() -> None:
    """A message of a few bytes cannot become gigabytes: compression belongs to the chain."""
    table = marked(pa.table({"a": pa.array([0] * 1_000_000)}))
    words = marked(pa.table({"a": pa.array(["word"] * 9_000).dictionary_encode()}))
    for bomb, codec in ((table, "zstd"), (table, "lz4"), (words, "zstd")):
        with pytest.raises(CorruptData, match="compressed"):
            ArrowSerializer().loads(stream(bomb, compression=codec))


@BOTH
def test_more_nulls_than_any_memory_are_refused(serializer: Serializer) -> None:
    """Values that take no bytes, at any depth, are counted before anything is made of them."""
    nulls = pa.Array.from_buffers(pa.null(), 2**30, [None])
    for column in (nulls, pa.StructArray.from_arrays([nulls], ["n"])):
        table = pa.table({"n": column})
        with pytest.raises(SerializerError):
            serializer.dumps(table)
        if serializer.name == "arrow":
            with pytest.raises(CorruptData, match="no bytes"):
                serializer.loads(stream(marked(table)))
    inside = pa.LargeListArray.from_arrays(pa.array([0, 2**30]), nulls)
    with pytest.raises(SerializerError):
        serializer.dumps(pa.table({"n": inside}))


BOMBS = """
import io, json, resource, sys
import pyarrow as pa, pyarrow.parquet as pq
from brickwork import CorruptData
from brickwork.builtin.serializers.parquet import ParquetSerializer

MARK = {"brickwork": json.dumps({"v": 1, "kind": "pyarrow.Table"})}

def refused(columns, times, words, **options):
    table = pa.table(columns).replace_schema_metadata(MARK)
    file = io.BytesIO()
    own = {"use_dictionary": False, "compression": "zstd", "write_statistics": False}
    with pq.ParquetWriter(file, table.schema, **own | options) as writer:
        for _ in range(times):
            writer.write_table(table)
    data = file.getvalue()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        ParquetSerializer().loads(data)
    except CorruptData as error:
        assert words in str(error), error
    else:
        raise AssertionError("unpacked")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert len(data) < 8_000_000 and grown < 60_000, (len(data), grown)

refused({"zeros": pa.array([0] * 1_000_000)}, 150, "expands")
refused({"nulls": pa.nulls(4_000_000, pa.int64())}, 40, "expands")
refused({"long": pa.array(["x" * 100_000] * 200)}, 60, "expands")
refused({"long": pa.array(["x" * 1_000_000] * 20)}, 2, "never written", use_dictionary=True)
refused({"a": [1]}, 1, "never written", compression="gzip")
refused({"a": [1]}, 1, "never written", data_page_version="2.0")
"""


def test_parquet_bombs_are_refused_before_they_unpack() -> None:
    """A file of a few megabytes that would become more than a gigabyte costs no memory."""
    subprocess.run([sys.executable, "-c", BOMBS], check=True, timeout=300)


MEMORY = """
import resource, sys
import numpy as np
from brickwork import open_serializer

name, kind, path = sys.argv[1:]
made = {f"c{at}": np.random.default_rng(at).random(3_125_000) for at in range(4)}
if kind == "pandas":
    import pandas
    value = pandas.DataFrame(made)
elif kind == "polars":
    import polars
    value = polars.DataFrame(made)
else:
    import pyarrow
    value = pyarrow.table(made)
del made
chain = open_serializer(name)

def write(value):
    with open(path, "wb") as file:
        chain.dump(value, file)

def read():
    with open(path, "rb") as file:
        return chain.load(file)

def grown(work):
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak is as of now
    before = status("VmRSS")
    result = work()
    return result, (status("VmHWM") - before) / 1000

def status(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name))

write(value[:10])
read()  # all is imported
_, written = grown(lambda: write(value))
del value
found, was_read = grown(read)
print(round(written), round(was_read))
"""


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_a_large_table_is_copied_once(kind: str, tmp_path: Path) -> None:
    """100 MB are written with one copy in memory, and read with one besides the value itself."""
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("needs Linux to measure a peak")
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, "arrow", kind, str(tmp_path / "table")],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    written, was_read = map(int, done.stdout.split())
    assert 80 < written < 130, "one copy of 100 MB, and a little"
    assert 80 < was_read < 230, "the value, and at most one copy"
