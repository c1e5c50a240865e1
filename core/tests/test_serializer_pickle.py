"""Pickle runs nothing that was not allowed, signed here, and meant for this place (bar 11)."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from brickwork.builtin.serializers.bytes import BytesSerializer
from brickwork.builtin.serializers.gzip import GzipCodec
from brickwork.builtin.serializers.json import JsonSerializer
from brickwork.builtin.serializers.pickle import PickleSerializer
from brickwork.builtin.serializers.text import TextSerializer
from brickwork.builtin.serializers.zstd import ZstdCodec
from brickwork.crypto import NamedKey
from brickwork.errors import (
    BrickworkError,
    CorruptData,
    KeyUnavailable,
    PickleRefused,
    SecretExposed,
    TamperedCiphertext,
    UnsupportedType,
)
from brickwork.secret import Secret
from brickwork.serializer import Chain, build_chain, inspect, reencrypt
from brickwork.serializer.envelope import Content, Head, build
from brickwork.testing.serializer import FixedKeys
from brickwork.testing.serializer_corpus import Canary, canaries, fired

pytestmark = pytest.mark.attack

CLASSES: dict[str, type[Any]] = {
    "json": JsonSerializer,
    "text": TextSerializer,
    "bytes": BytesSerializer,
    "pickle": PickleSerializer,
    "gzip": GzipCodec,
    "zstd": ZstdCodec,
}
KEYS = FixedKeys(bytes(range(32)))
ATTACKER = FixedKeys(b"\x01" * 32)
PICKLES = ("pickle", "pickle|gzip", "pickle|zstd", "pickle|aes256gcm", "pickle|zstd|aes256gcm")
READERS = ("json", "text", "bytes", "json|gzip", "json|zstd|aes256gcm")


def chain(text: str, keys: FixedKeys | None = KEYS, *, allow: bool = True) -> Chain:
    """Build a chain of the core's stages."""
    return build_chain(text, CLASSES.__getitem__, keys=keys, allow_pickle=allow)


@pytest.fixture(autouse=True)
def _no_canary_fired() -> Iterator[None]:
    fired.clear()
    yield
    assert not fired, "a canary ran"


def refused(reader: Chain, data: bytes, context: bytes = b"run 7") -> None:
    """Assert a typed error, and that nothing ran."""
    with pytest.raises(BrickworkError):
        reader.loads(data, context=context)
    assert not fired


def test_the_canary_can_fire() -> None:
    """With consent, key and context the canary does run: the other tests are not blind."""
    for text in PICKLES:
        fired.clear()
        chain(text).loads(chain(text).dumps(Canary(), context=b"run 7"), context=b"run 7")
        assert fired == ["canary"]
    fired.clear()


def test_no_reader_without_consent_runs_it() -> None:
    """A signed, genuine canary is refused by every chain that was opened without consent."""
    for text in PICKLES:
        data = chain(text).dumps(Canary(), context=b"run 7")
        for name in READERS:
            with pytest.raises((PickleRefused, TamperedCiphertext)):
                chain(name, allow=False).loads(data, context=b"run 7")
        for keys in (KEYS, None):
            with pytest.raises(PickleRefused) as caught:
                chain("json", keys, allow=False).loads(data, context=b"run 7")
            assert "allow_pickle=True" in caught.value.fix
        inspect(data)
        reencrypt(data, KEYS)


def test_no_chain_is_opened_for_writing_or_reading_without_consent() -> None:
    """Both sides must say allow_pickle=True; nothing is pickled before they do."""
    for text in PICKLES:
        with pytest.raises(PickleRefused):
            chain(text, allow=False)


def test_wrong_mac_is_refused_with_consent() -> None:
    """Consent is for what was signed here: forged, changed and swapped pickles do not run."""
    for text in PICKLES:
        genuine = chain(text).dumps(Canary(), context=b"run 7")
        foreign = chain(text, ATTACKER).dumps(Canary(), context=b"run 7")
        for name in (*READERS, *PICKLES):
            refused(chain(name), genuine, b"run 8")
            refused(chain(name), genuine, b"")
            refused(chain(name), foreign)
            refused(chain(name), foreign.replace(kid(ATTACKER), kid(KEYS)))
            refused(chain(name), recheck(foreign.replace(kid(ATTACKER), kid(KEYS))))


def test_forged_context_is_refused_with_consent() -> None:
    """The header of another run, checksum made to fit, does not carry a pickle over."""
    mine = chain("pickle").dumps([1], context=b"run 8")
    theirs = chain("pickle").dumps(Canary(), context=b"run 7")
    spliced = recheck(mine[:46] + theirs[46:])
    refused(chain("pickle"), spliced, b"run 8")


def test_every_flipped_bit_is_refused_with_consent() -> None:
    """Also by somebody who makes the checksum fit again."""
    for text in ("pickle", "pickle|aes256gcm"):
        data = chain(text).dumps(Canary(), context=b"run 7")
        reader = chain(text)
        for at in range(len(data) * 8):
            changed = bytearray(data)
            changed[at // 8] ^= 1 << at % 8
            refused(reader, bytes(changed))
            if "aes" not in text and at // 8 < len(data) - 32:
                refused(reader, recheck(bytes(changed)))


def test_unsigned_pickles_are_refused_with_consent() -> None:
    """An envelope that names pickle and has no MAC is not loaded, encrypted or not."""
    tried = 0
    for payload in canaries():
        content = Content(payload, len(payload), hashlib.sha256(payload).digest())
        for text, flags in (("pickle", 0), ("pickle|aes256gcm", 1), ("json", 0), ("text", 0)):
            head = Head(flags, b"", hashlib.sha256(b"run 7").digest(), text, "list")
            data = build(head, content, KEYS)
            if text != "text":
                refused(chain("pickle"), data)
            tried += 1
    assert tried == len(canaries()) * 4


def test_bytes_that_are_no_envelope_run_nothing() -> None:
    """Bare pickles are refused by every chain and every serializer."""
    for payload in canaries():
        for name in (*READERS, *PICKLES):
            refused(chain(name), payload)
        with pytest.raises((CorruptData, UnsupportedType)):
            JsonSerializer().loads(payload)
        with pytest.raises(PickleRefused):
            PickleSerializer().loads(payload)


def test_the_serializer_alone_neither_writes_nor_reads() -> None:
    """Without a chain there is no MAC, so there is no way in."""
    with pytest.raises(PickleRefused, match="in a chain only") as caught:
        PickleSerializer().dumps(1)
    assert "open_serializer" in caught.value.fix


def test_signing_and_encryption_have_separate_keys() -> None:
    """Who could only encrypt results cannot sign a pickle."""

    class NoPickleKey(FixedKeys):
        def by_id(self, kid: bytes, purpose: str) -> bytes:
            if purpose == "pickle":
                raise KeyUnavailable("No key for that.", fix="Ask.")
            return super().by_id(kid, purpose)

        def current(self, purpose: str) -> NamedKey:
            if purpose == "pickle":
                raise KeyUnavailable("No key for that.", fix="Ask.")
            return super().current(purpose)

    for text in ("pickle", "pickle|aes256gcm"):
        with pytest.raises(KeyUnavailable):
            chain(text, NoPickleKey()).dumps([1])


def test_secret_is_not_pickled() -> None:
    """A secret refuses to be pickled, however deep it is."""
    for value in (Secret("s3ntinel"), {"a": [Secret("s3ntinel")]}, ValueError(Secret("s3ntinel"))):
        with pytest.raises(SecretExposed):
            chain("pickle").dumps(value)


def test_lambdas_need_cloudpickle_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """With cloudpickle a closure comes back and works; without, the error names the extra."""
    add = chain("pickle").loads(chain("pickle").dumps(lambda a: a + 1))
    assert callable(add)
    assert add(1) == 2
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    assert chain("pickle").loads(chain("pickle").dumps({"plain": 1})) == {"plain": 1}
    with pytest.raises(UnsupportedType) as caught:
        chain("pickle").dumps(lambda a: a + 1)
    assert "brickwork[pickle]" in caught.value.fix


def test_pickle_of_a_missing_module_names_it() -> None:
    """What cannot be imported here is named, with the fix, not an ImportError."""
    code = (
        "import sys, types; m = types.ModuleType('gone_module'); sys.modules['gone_module'] = m\n"
        "exec('class Gone: pass', m.__dict__); import pickle\n"
        "sys.stdout.buffer.write(pickle.dumps(m.Gone()))"
    )
    payload = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    with pytest.raises(UnsupportedType, match="'gone_module'") as caught:
        PickleSerializer().unsafe_loads(payload)
    assert "Install" in caught.value.fix


def kid(keys: FixedKeys) -> bytes:
    """Return the id of the current key."""
    return keys.current("pickle").kid


def recheck(data: bytes) -> bytes:
    """Make the checksum of a plain envelope fit again."""
    return data[:-32] + hashlib.sha256(data[:-32]).digest()
