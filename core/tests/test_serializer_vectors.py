"""Golden envelopes: what any release wrote is read for ever, and what must fail fails.

The file was made once with ``python core/tests/test_serializer_vectors.py``, which refuses to
write over it. A new format gets a file of its own.
"""

import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brickwork import errors
from brickwork.builtin.serializers.bytes import BytesSerializer
from brickwork.builtin.serializers.gzip import GzipCodec
from brickwork.builtin.serializers.json import JsonSerializer
from brickwork.builtin.serializers.pickle import PickleSerializer
from brickwork.builtin.serializers.text import TextSerializer
from brickwork.builtin.serializers.zstd import ZstdCodec
from brickwork.errors import BrickworkError
from brickwork.serializer import Chain, build_chain, inspect
from brickwork.serializer.envelope import Content, Head, build
from brickwork.testing.serializer import FixedKeys

ROOT = bytes(range(32))
CONTEXT = b"run 7, key load"
VALUES: dict[str, object] = {
    "json": {"rows": [1, 2.5, None, "x"], "pair": (1, 2)},
    "json|gzip": {"rows": [1, 2.5, None, "x"], "pair": (1, 2)},
    "json|zstd": {"rows": [1, 2.5, None, "x"], "pair": (1, 2)},
    "text|zstd": "a value " * 8,
    "bytes": b"a value " * 8,
    "json|aes256gcm": [{1: "one"}],
    "json|zstd|aes256gcm": [{1: "one"}],
    "pickle": [1, {2}],
    "pickle|zstd|aes256gcm": [1, {2}],
}
VECTORS = Path(__file__).parent / "vectors" / "envelope_v1.json"
CLASSES: dict[str, type[Any]] = {
    "json": JsonSerializer,
    "text": TextSerializer,
    "bytes": BytesSerializer,
    "pickle": PickleSerializer,
    "gzip": GzipCodec,
    "zstd": ZstdCodec,
}


def chain(text: str, keys: FixedKeys | None = None, *, allow_pickle: bool = True) -> Chain:
    """Build a chain of the core's stages."""
    keys = keys or FixedKeys(ROOT)
    return build_chain(text, CLASSES.__getitem__, keys=keys, allow_pickle=allow_pickle)


def golden() -> dict[str, Any]:
    """Return what the file holds."""
    vectors: dict[str, Any] = json.loads(VECTORS.read_text())
    return vectors


def test_golden_payloads_are_read() -> None:
    """Every payload of the file decodes to its value, with the file's key and context."""
    vectors = golden()
    keys, context = FixedKeys(bytes.fromhex(vectors["root_key"])), vectors["context"].encode()
    assert {case["chain"] for case in vectors["must_decode"]} == set(VALUES)
    for case in vectors["must_decode"]:
        data = base64.b64decode(case["data"])
        assert chain("json", keys).loads(data, context=context) == VALUES[case["chain"]]
        assert inspect(data).chain == case["chain"]


def test_golden_failures_fail_as_before() -> None:
    """Every broken payload of the file fails with the error that the file names."""
    vectors = golden()
    keys, context = FixedKeys(bytes.fromhex(vectors["root_key"])), vectors["context"].encode()
    assert len(vectors["must_fail"]) >= 20
    for case in vectors["must_fail"]:
        reader = chain("json", keys, allow_pickle=case["allow_pickle"])
        with pytest.raises(getattr(errors, case["error"])):
            reader.loads(base64.b64decode(case["data"]), context=context)


def recheck(data: bytes) -> bytes:
    """Make the checksum of a plain envelope fit again."""
    return data[:-32] + hashlib.sha256(data[:-32]).digest()


def put(data: bytes, at: int, new: bytes) -> bytes:
    """Overwrite."""
    return data[:at] + new + data[at + len(new) :]


def failures() -> Iterator[tuple[str, bytes]]:
    """Yield broken envelopes: what is wrong, and the bytes."""
    plain = chain("json").dumps([1], context=CONTEXT)
    sealed = chain("json|aes256gcm").dumps([1], context=CONTEXT)
    signed = chain("pickle").dumps([1], context=CONTEXT)
    yield "pickle: no consent", signed
    yield "sealed: no flags", put(sealed, 5, b"\0")
    yield "signed: no flags", put(signed, 5, b"\0")
    for name, data in (("plain", plain), ("sealed", sealed), ("signed", signed)):
        yield f"{name}: other magic", put(data, 0, b"X")
        yield f"{name}: newer format", put(data, 4, b"\2")
        yield f"{name}: unknown flag", put(data, 5, b"\x84")
        yield f"{name}: cut in the header", data[:40]
        yield f"{name}: cut at the end", data[:-1]
        yield f"{name}: more at the end", data + b"\0"
        yield f"{name}: last bit", put(data, len(data) - 1, bytes([data[-1] ^ 1]))
        yield f"{name}: chain with capitals", put(data, 47, b"J")
        yield f"{name}: other type name", data.replace(b"\4list", b"\4dict", 1)
    for name, data in (("plain", plain), ("signed", signed)):
        yield f"{name}: checksum made to fit a changed payload", recheck(put(data, -34, b"}"))
    yield "sealed: of another context", chain("json|aes256gcm").dumps([1], context=b"run 8")
    other = FixedKeys(bytes(32))
    yield "sealed: with another key", chain("json|aes256gcm", other).dumps(1, context=CONTEXT)
    yield "signed: with another key", chain("pickle", other).dumps(1, context=CONTEXT)
    payload = PickleSerializer().unsafe_dumps([1])
    content = Content(payload, len(payload), hashlib.sha256(payload).digest())
    head = Head(0, b"", hashlib.sha256(CONTEXT).digest(), "pickle", "list")
    yield "plain: a pickle that is not signed", build(head, content, None)


def main() -> None:
    """Write the file: once per format, never to make a failing test pass."""
    assert not VECTORS.exists(), f"{VECTORS} exists: golden payloads are kept, not made anew"
    decode, fail = [], []
    for text, value in VALUES.items():
        data = chain(text).dumps(value, context=CONTEXT)
        decode.append({"chain": text, "data": base64.b64encode(data).decode()})
    for name, data in failures():
        allow = "no consent" not in name
        try:
            chain("json", allow_pickle=allow).loads(data, context=CONTEXT)
        except BrickworkError as error:
            kind = type(error).__name__
        else:
            raise AssertionError(f"{name} was accepted")
        encoded = base64.b64encode(data).decode()
        fail.append({"name": name, "error": kind, "allow_pickle": allow, "data": encoded})
    vectors = {
        "format": 1,
        "root_key": ROOT.hex(),
        "context": CONTEXT.decode(),
        "must_decode": decode,
        "must_fail": fail,
    }
    VECTORS.write_text(json.dumps(vectors, indent=1) + "\n")
    sys.stdout.write(f"{len(decode)} to decode, {len(fail)} to fail\n")


if __name__ == "__main__":
    main()
