"""Envelopes in files: written and read in pieces, as strictly as in memory, with little memory."""

import io
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from brickwork import open_serializer
from brickwork.errors import BrickworkError, CorruptData, UnknownName
from brickwork.serializer import Chain, build_chain
from brickwork.testing.serializer import FixedKeys
from brickwork.testing.serializer_corpus import mutations

KEYS = FixedKeys(bytes(range(32)))
CHAINS = ["json", "bytes|zstd", "text|gzip|aes256gcm", "pickle", "pickle|zstd|aes256gcm"]
MEGABYTE = 1 << 20


def chain(text: str) -> Chain:
    """Build a chain that may do everything."""
    lookup: Any = open_serializer("json")._lookup
    return build_chain(text, lookup, keys=KEYS, allow_pickle=True)


def value_for(text: str, size: int) -> object:
    """Return a value of about a size that the chain's serializer takes."""
    return bytes(range(256)) * (size // 256) if text.startswith("bytes") else "ä" * size


@pytest.mark.parametrize("text", CHAINS)
@pytest.mark.parametrize("size", [0, 1000, MEGABYTE - 300, 3 * MEGABYTE + 17])
def test_values_of_every_size_come_back(text: str, size: int) -> None:
    """Pieces fit together, whatever size is left for the last one."""
    value, file = value_for(text, size), io.BytesIO()
    chain(text).dump(value, file, context=b"key")
    data = file.getvalue()

    assert chain(text).loads(data, context=b"key") == value
    assert chain(text).load(io.BytesIO(data), context=b"key") == value
    if "aes256gcm" not in text:
        assert data == chain(text).dumps(value, context=b"key")


@settings(max_examples=200, deadline=None)
@given(text=st.sampled_from(CHAINS), data=st.data())
def test_files_are_read_as_strictly_as_bytes(text: str, data: st.DataObject) -> None:
    """What is refused in memory is refused in a file, with the same kind of error."""
    envelope = chain(text).dumps(value_for(text, 300))
    changed = data.draw(st.sampled_from([*mutations(envelope)]))
    with pytest.raises(BrickworkError) as whole:
        chain(text).loads(changed)
    with pytest.raises(BrickworkError) as read:
        chain(text).load(io.BytesIO(changed))

    # Which of two faults is found first may differ; what is encrypted never turns into damage.
    assert (type(whole.value) is CorruptData) == (type(read.value) is CorruptData)


def test_announced_sizes_reserve_no_memory() -> None:
    """A header that announces more than there is is refused, and nothing is made ready for it."""
    import tracemalloc

    envelope = bytearray(chain("bytes").dumps(b"x" * 100))
    for at in (46 + 6 + 6, 46 + 6 + 6 + 8 + 40):  # the size of the body, and of what is stored
        envelope[at : at + 8] = (2**62).to_bytes(8, "big")
    tracemalloc.start()
    try:
        with pytest.raises(CorruptData):
            chain("bytes").load(io.BytesIO(envelope))
        assert tracemalloc.get_traced_memory()[1] < MEGABYTE
    finally:
        tracemalloc.stop()


def test_payload_needs_no_serializer() -> None:
    """The payload is given back, verified, where what wrote it is not installed; nothing runs."""
    fired: list[str] = []

    class Canary:
        def __reduce__(self) -> Any:
            return fired.append, ("ran",)

    file = io.BytesIO()
    chain("pickle|zstd").dump(Canary(), file)

    def codecs_only(name: str) -> type[Any]:
        if name == "pickle":
            raise UnknownName("There is no pickle.", fix="Install it.")
        found: type[Any] = chain("json")._lookup(name)
        return found

    reader = build_chain("json", codecs_or_json(codecs_only), keys=KEYS, allow_pickle=True)
    payload = reader.load_payload(io.BytesIO(file.getvalue()))

    assert payload == chain("pickle").serialize(Canary())
    assert not fired
    for changed in mutations(file.getvalue()):
        with pytest.raises(BrickworkError):
            reader.load_payload(io.BytesIO(changed))


def codecs_or_json(lookup: Any) -> Any:
    """Return a lookup with json for the reader itself."""
    return lambda name: chain("json")._lookup(name) if name == "json" else lookup(name)


PROGRAM = """
import os, resource, sys
from pathlib import Path
from brickwork import open_serializer

what, text, folder = sys.argv[1:]
size = 100 * 2**20
path = Path(folder) / "file"
chain = open_serializer(text)

def rss():
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss begins with the peak of whoever started this process
        return int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

def some():
    return b"x" * size if text.startswith("bytes") else "x" * size

if what == "write":
    chain.dumps(b"" if text.startswith("bytes") else "")
    value = some()
    before = rss()
    with path.open("wb") as file:
        chain.dump(value, file)
else:
    chain.loads(chain.dumps(b"" if text.startswith("bytes") else ""))
    before = rss()
    with path.open("rb") as file:
        value = chain.load(file)
    assert len(value) == size and value[:1] in ("x", b"x")
print((rss() - before) / size)
"""


@pytest.mark.slow
@pytest.mark.parametrize("text", ["bytes", "text", "text|aes256gcm", "bytes|zstd"])
def test_100_mb_need_one_copy(text: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """100 MB are written with at most one copy besides the value, and read with at most one."""
    monkeypatch.setenv("BRICKWORK_HOME", str(tmp_path / "home"))
    if "aes256gcm" in text:
        from brickwork import SecretBlock

        SecretBlock(value="makes the vault and its key").save("first")

    def peak(what: str) -> float:
        command = [sys.executable, "-c", PROGRAM, what, text, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        return float(done.stdout)

    written, read = peak("write"), peak("read")
    print(f"{text}: besides the value {written:.2f} written; with the value {read:.2f} read")

    assert written < 1.2
    assert read < 2.2  # the value itself, and one more
