"""The envelope: what it shows, what it binds, what it refuses; mutations."""

import hashlib
import os
import random
import time
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
from brickwork.crypto import key_id
from brickwork.errors import (
    BrickworkError,
    ConfigError,
    CorruptData,
    KeyUnavailable,
    TamperedCiphertext,
    TruncatedCiphertext,
    UnknownName,
    UnsupportedFormat,
    WrongKey,
)
from brickwork.serializer import Chain, Codec, EnvelopeInfo, build_chain, inspect, reencrypt
from brickwork.serializer.envelope import VERSION
from brickwork.testing.serializer import FixedKeys

pytestmark = pytest.mark.attack

ROOT = bytes(range(32))
CONTEXT = b"run 7, key load"
CHAINS = (
    "json",
    "json|gzip",
    "json|zstd",
    "text|zstd",
    "bytes",
    "json|aes256gcm",
    "json|zstd|aes256gcm",
    "pickle",
    "pickle|zstd|aes256gcm",
)
SCALE = float(os.environ.get("BRICKWORK_ATTACK_SCALE", "1"))


class Reverse(Codec):
    """A plugin's codec, which may be gone when its data is found."""

    name = "reverse"

    def encode(self, data: bytes) -> bytes:
        return data[::-1]

    def decode(self, data: bytes, max_size: int) -> bytes:
        return data[::-1]


class Careless(Reverse):
    """A plugin's codec that lets errors of other libraries out."""

    name = "careless"

    def decode(self, data: bytes, max_size: int) -> bytes:
        raise IndexError("a s3ntinel from the data")


CLASSES: dict[str, type[Any]] = {
    cls.name: cls
    for cls in (
        JsonSerializer,
        TextSerializer,
        BytesSerializer,
        PickleSerializer,
        GzipCodec,
        ZstdCodec,
        Reverse,
        Careless,
    )
}


def lookup(name: str) -> type[Any]:
    """Find a stage, as the registry does."""
    if name not in CLASSES:
        raise UnknownName(f"No serializer {name!r}.", fix="Install it.")
    return CLASSES[name]


def lookup_core_only(name: str) -> type[Any]:
    """Find a stage where the plugin is not installed."""
    if name in ("reverse", "careless"):
        raise UnknownName(f"No serializer {name!r}.", fix="Install it.")
    return lookup(name)


def chain(text: str, keys: FixedKeys | None = None, **options: Any) -> Chain:
    """Build a chain that may do everything."""
    options.setdefault("allow_pickle", True)
    return build_chain(text, lookup, keys=keys or FixedKeys(ROOT), **options)


def value_for(text: str) -> object:
    """Return a value that the chain's serializer takes."""
    return {"text": "a value " * 8, "bytes": b"a value " * 8}.get(
        text.split("|")[0], {"rows": [1, 2.5, None, "x"], "ok": True}
    )


# What it shows


def test_inspect_tells_without_keys_and_plugins_what_is_inside() -> None:
    """An envelope tells its chain, key, type and sizes; of what is encrypted, not the hash."""
    payload = JsonSerializer().dumps([1, 2])
    plain = inspect(chain("json|reverse").dumps([1, 2], context=CONTEXT))
    assert plain == EnvelopeInfo(
        version=1,
        chain="json|reverse",
        encrypted=False,
        signed=False,
        kid="",
        type_name="list",
        context_hash=hashlib.sha256(CONTEXT).hexdigest(),
        content_hash=hashlib.sha256(payload).hexdigest(),
        content_size=len(payload),
        size=plain.size,
    )

    sealed = inspect(chain("pickle|aes256gcm").dumps(Path("x"), context=CONTEXT))
    assert (sealed.encrypted, sealed.signed, sealed.kid) == (True, True, key_id(ROOT).hex())
    assert sealed.type_name.startswith("pathlib.")
    assert (sealed.content_hash, sealed.content_size) == ("", None)


def test_encrypted_envelope_does_not_tell_small_results_apart() -> None:
    """True and False, yes and no: the same length, and no hash to compare a guess with."""
    chain_ = chain("json|aes256gcm")
    yes, no = chain_.dumps(True), chain_.dumps(False)
    assert len(yes) == len(no)
    for data in (yes, no):
        for guess in (b'{"v":1,"value":true}', b'{"v":1,"value":false}'):
            assert hashlib.sha256(guess).digest() not in data


def test_encryption_is_fresh_each_time() -> None:
    """The same value twice shares nothing after the header."""
    chain_ = chain("json|aes256gcm")
    first, second = chain_.dumps([1]), chain_.dumps([1])
    assert first[-60:] != second[-60:]
    assert len({chain_.dumps([1])[-140:-100] for _ in range(50)}) == 50


# What it binds


@pytest.mark.parametrize("text", CHAINS)
def test_envelope_is_read_with_its_own_context_only(text: str) -> None:
    """A result that was copied to another run or key is refused."""
    chain_ = chain(text)
    data = chain_.dumps(value_for(text), context=CONTEXT)
    assert chain_.loads(data, context=CONTEXT) == value_for(text)
    assert chain_.loads(memoryview(data), context=CONTEXT) == value_for(text)
    for context in (b"", CONTEXT + b"\0", CONTEXT[:-1], b"run 8, key load"):
        with pytest.raises((TamperedCiphertext, CorruptData), match="something else"):
            chain_.loads(data, context=context)


@pytest.mark.parametrize("text", ["json|aes256gcm", "pickle", "pickle|aes256gcm"])
def test_forged_context_does_not_verify(text: str) -> None:
    """Who rewrites the context in the header, checksum and all, is caught by tag or MAC."""
    chain_ = chain(text)
    data = bytearray(chain_.dumps([1], context=CONTEXT))
    data[14:46] = hashlib.sha256(b"run 8").digest()
    if "aes" not in text:
        data[-32:] = hashlib.sha256(data[:-32]).digest()
    with pytest.raises(TamperedCiphertext):
        chain_.loads(bytes(data), context=b"run 8")


def test_unencrypted_forgery_is_refused_by_a_chain_that_encrypts() -> None:
    """Fail closed: what is not encrypted does not pass for what should be."""
    forged = build_chain("json", lookup).dumps("attacker's")
    with pytest.raises(TamperedCiphertext, match="not encrypted") as caught:
        chain("json|aes256gcm").loads(forged)
    assert "'json'" in caught.value.fix
    signed = chain("pickle").dumps("signed, not encrypted")
    with pytest.raises(TamperedCiphertext, match="not encrypted"):
        chain("json|aes256gcm").loads(signed)


def test_result_of_another_chain_is_still_read() -> None:
    """Changing the setting does not orphan what is stored."""
    keys = FixedKeys()
    for old in ("json", "json|gzip", "json|reverse", "json|zstd|aes256gcm"):
        assert chain("json|zstd", keys).loads(chain(old, keys).dumps([1])) == [1]


# Keys


def test_missing_wrong_and_lost_keys_are_told_apart() -> None:
    """No keys at all, no key of that id, and another key under that id: three clear errors."""
    data = chain("json|aes256gcm").dumps([1])
    with pytest.raises(KeyUnavailable, match="no key to encrypt") as caught:
        build_chain("json", lookup).loads(data)
    assert caught.value.kid == key_id(ROOT).hex()
    with pytest.raises(KeyUnavailable, match=key_id(ROOT).hex()):
        chain("json|aes256gcm", FixedKeys()).loads(data)

    class Mixed(FixedKeys):
        def by_id(self, kid: bytes, purpose: str) -> bytes:
            return self.current(purpose).key

    with pytest.raises(WrongKey, match="not the one") as wrong:
        chain("json|aes256gcm", Mixed()).loads(data)
    assert wrong.value.kid == key_id(ROOT).hex()


@pytest.mark.parametrize("text", ["json|aes256gcm", "pickle"])
def test_chain_that_needs_keys_is_not_built_without(text: str) -> None:
    """The error comes when the chain is opened, not when the work is done; and says the fix."""
    with pytest.raises(KeyUnavailable) as caught:
        build_chain(text, lookup, allow_pickle=True)
    assert "keys=" in caught.value.fix


@pytest.mark.parametrize(
    "text", ["json|reverse|aes256gcm", "pickle|reverse", "pickle|zstd|aes256gcm"]
)
def test_reencrypt_needs_neither_plugin_nor_payload(text: str) -> None:
    """After rotation everything is sealed and signed anew, and the old key can be destroyed."""
    keys = FixedKeys(ROOT)
    old = chain(text, keys).dumps({"a": 1}, context=CONTEXT)
    keys.rotate()
    CLASSES.pop("reverse")
    try:
        new = reencrypt(old, keys)
    finally:
        CLASSES["reverse"] = Reverse
    keys.forget(key_id(ROOT))

    assert inspect(new)._replace(kid="") == inspect(old)._replace(kid="")
    assert inspect(new).kid == keys.current("results").kid.hex()
    assert chain(text, keys).loads(new, context=CONTEXT) == {"a": 1}
    with pytest.raises(TamperedCiphertext):
        chain(text, keys).loads(new, context=b"another")
    with pytest.raises(KeyUnavailable):
        chain(text, keys).loads(old, context=CONTEXT)


def test_reencrypt_seals_nothing_that_does_not_verify() -> None:
    """A forged pickle does not become a signed one by rotation."""
    keys = FixedKeys(ROOT)
    for text in ("pickle", "json|aes256gcm"):
        data = bytearray(chain(text, keys).dumps([1]))
        data[-40] ^= 1
        if text == "pickle":
            data[-32:] = hashlib.sha256(data[:-32]).digest()
        with pytest.raises(TamperedCiphertext):
            reencrypt(bytes(data), keys)
    plain = chain("json", keys).dumps([1])
    assert reencrypt(plain, keys) == plain


# What it refuses


@pytest.mark.parametrize(
    "text",
    [
        *("", "|json", "json|", "json||zstd", "JSON", "json zstd", "os.system"),
        *("json|" * 17 + "zstd", "json|json", "zstd", "zstd|json", "aes256gcm"),
        *("json|aes256gcm|zstd", "json|aes256gcm|aes256gcm", "json|" + "a" * 250),
    ],
)
def test_chain_that_makes_no_sense_is_refused(text: str) -> None:
    """Stages in the wrong order, twice, or none: an error that shows how to write it."""
    with pytest.raises((ConfigError, UnknownName)) as caught:
        chain(text)
    assert caught.value.fix


def test_plugin_that_is_gone_is_named() -> None:
    """Data of a codec that is not installed says which."""
    data = chain("json|reverse").dumps([1])
    reader = build_chain("json", lookup_core_only)
    with pytest.raises(UnknownName, match="reverse"):
        reader.loads(data)


def test_careless_plugin_raises_our_error_without_the_data() -> None:
    """Whatever a plugin's codec raises is CorruptData that names the codec."""
    with pytest.raises(CorruptData, match=r"'careless'.*IndexError") as caught:
        chain("json|careless").loads(chain("json|careless").dumps([1]))
    assert "s3ntinel" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_newer_format_says_upgrade() -> None:
    """A newer format, and what is no envelope, are UnsupportedFormat."""
    data = bytearray(chain("json").dumps([1]))
    data[4] = VERSION + 1
    with pytest.raises(UnsupportedFormat, match="format 2") as caught:
        inspect(bytes(data))
    assert "pip install" in caught.value.fix
    for other in (b"", b"BWEV", b"{}", b"BLK1" + bytes(100)):
        with pytest.raises(UnsupportedFormat):
            inspect(other)


def test_every_byte_value_at_every_place_of_the_header_is_refused() -> None:
    """Downgrades: no other header is accepted for a sealed body, and none makes pickle run."""
    chain_ = chain("json|aes256gcm")
    data = chain_.dumps([1], context=CONTEXT)
    header = data.index(b"list") + len(b"list") + 8
    tried = 0
    for at in range(header):
        for byte in range(256):
            if data[at] != byte:
                changed = data[:at] + bytes([byte]) + data[at + 1 :]
                with pytest.raises(BrickworkError):
                    chain_.loads(changed, context=CONTEXT)
                tried += 1
    assert tried == header * 255


def test_truncated_and_extended_sealed_data_have_their_own_errors() -> None:
    """Cut off is told from changed."""
    chain_ = chain("json|aes256gcm")
    data = chain_.dumps([1])
    with pytest.raises(TruncatedCiphertext):
        chain_.loads(data[:-1])
    with pytest.raises(TamperedCiphertext):
        chain_.loads(data + b"\0")


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_bomb_is_refused(codec: str) -> None:
    """A payload larger than allowed is refused by its announced size, or when it passes it."""
    data = chain(f"bytes|{codec}").dumps(bytes(5_000_000))
    with pytest.raises(CorruptData, match="5000000 bytes; 1000 are allowed"):
        chain(f"bytes|{codec}", max_size=1000).loads(data)
    announced = data.index((5_000_000).to_bytes(8, "big"))
    lying = bytearray(data[:announced] + (999).to_bytes(8, "big") + data[announced + 8 :])
    lying[-32:] = hashlib.sha256(lying[:-32]).digest()
    with pytest.raises(CorruptData, match="more than the 999 bytes"):
        chain(f"bytes|{codec}", max_size=1000).loads(bytes(lying))


def test_what_could_not_be_read_again_is_not_written() -> None:
    """The limit holds at writing too, so that it does not hit when the work is long done."""
    chain_ = chain("bytes", max_size=1000)
    assert chain_.loads(chain_.dumps(bytes(1000))) == bytes(1000)
    with pytest.raises(errors.SerializerError, match="1001 bytes") as caught:
        chain_.dumps(bytes(1001))
    assert "max_size" in caught.value.fix


def test_type_name_cannot_write_to_a_terminal() -> None:
    """Control characters in a type name are neither written nor read."""
    odd = type("A\x1b[2J", (str,), {})
    data = chain("pickle").dumps(Path())
    assert inspect(data).type_name.isprintable()
    with pytest.raises(errors.UnsupportedType):
        chain("json").dumps(odd("x"))
    plain = bytearray(chain("json").dumps([1]))
    plain[plain.index(b"list")] = 0x1B
    with pytest.raises(CorruptData):
        inspect(bytes(plain))


# Mutations


def test_mutated_envelopes_are_never_accepted() -> None:
    """Random edits of envelopes of every chain: typed errors only, nothing accepted."""
    rng = random.Random(7)
    readers = [chain(text, max_size=10**6) for text in CHAINS]
    originals = [
        reader.dumps(value_for(text), context=CONTEXT)
        for reader, text in zip(readers, CHAINS, strict=True)
    ]
    rounds, accepted, kinds = int(100_000 * SCALE), 0, set()
    start = time.perf_counter()
    for index in range(rounds):
        at = index % len(readers)
        data = mutate(rng, originals[at], originals)
        forged = index % 4 == 0 and not readers[at].encrypts
        if forged:  # by somebody who knows the format, and has no key
            data = data[:-32] + hashlib.sha256(data[:-32]).digest()
        try:
            readers[at].loads(data, context=CONTEXT)
        except BrickworkError as error:
            kinds.add(type(error).__name__)
        else:
            accepted += data not in originals and not (forged and not readers[at].signs)
    print(f"{rounds} mutations in {time.perf_counter() - start:.1f} s: {sorted(kinds)}")
    assert accepted == 0
    assert {"CorruptData", "TamperedCiphertext", "UnsupportedFormat"} <= kinds


def mutate(rng: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """Flip, overwrite, cut, splice or extend, once to three times."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at, kind = rng.randrange(len(changed) or 1), rng.randrange(6)
        if kind == 0 and changed:
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and changed:
            changed[at] = rng.randrange(256)
        elif kind == 2:
            del changed[at : at + rng.randint(1, 20)]
        elif kind == 3:
            changed[at:at] = rng.randbytes(rng.randint(1, 20))
        elif kind == 4:
            other = rng.choice(others)
            changed[at:] = other[rng.randrange(len(other)) :]
        else:
            changed[at : at + 8] = rng.choice([bytes(8), b"\xff" * 8])
    return bytes(changed)
