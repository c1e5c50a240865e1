"""What the core ships passes its contracts; serializers that are broken on purpose do not."""

import inspect
import json
import pickle
import threading
from collections.abc import Sequence
from typing import Any, BinaryIO

import pytest

from brickwork.builtin.serializers.bytes import BytesSerializer
from brickwork.builtin.serializers.gzip import GzipCodec
from brickwork.builtin.serializers.json import JsonSerializer
from brickwork.builtin.serializers.pickle import PickleSerializer
from brickwork.builtin.serializers.text import TextSerializer
from brickwork.builtin.serializers.zstd import ZstdCodec, _zstd
from brickwork.errors import BrickworkError, CorruptData, SecretExposed, UnsupportedType
from brickwork.secret import Secret
from brickwork.serializer import Chain, Codec, Serializer, build_chain
from brickwork.serializer.interface import BytesLike
from brickwork.testing.serializer import CodecContract, FixedKeys, SerializerContract
from brickwork.testing.serializer_corpus import CORPUS, fired

CLASSES: dict[str, type[Any]] = {
    cls.name: cls
    for cls in (
        JsonSerializer,
        TextSerializer,
        BytesSerializer,
        PickleSerializer,
        GzipCodec,
        ZstdCodec,
    )
}
zstd = _zstd()
TEXTS = ("short", "", "ä€😀\0\r\n", "long " * 10_000)


def chain(text: str, **options: Any) -> Chain:
    """Build a chain of the core's own stages."""
    return build_chain(text, CLASSES.__getitem__, keys=FixedKeys(), **options)


class TestJson(SerializerContract):
    """``json`` on its own."""

    @pytest.fixture
    def serializer(self) -> Serializer:
        return JsonSerializer()


class TestText(SerializerContract):
    """``text`` on its own."""

    @pytest.fixture
    def serializer(self) -> Serializer:
        return TextSerializer()

    @pytest.fixture
    def values(self) -> Sequence[object]:
        return TEXTS


class TestBytes(SerializerContract):
    """``bytes`` on its own."""

    @pytest.fixture
    def serializer(self) -> Serializer:
        return BytesSerializer()

    @pytest.fixture
    def values(self) -> Sequence[object]:
        return [text.encode() for text in TEXTS] + [bytes(range(256))]


class TestCompressedChains(SerializerContract):
    """Chains that compress."""

    @pytest.fixture(params=["json", "json|zstd", "json|gzip", "json|gzip|zstd"])
    def serializer(self, request: pytest.FixtureRequest) -> Serializer:
        return chain(request.param)


class TestEncryptedChains(SerializerContract):
    """Chains that encrypt."""

    @pytest.fixture(params=["json|aes256gcm", "json|zstd|aes256gcm"])
    def serializer(self, request: pytest.FixtureRequest) -> Serializer:
        return chain(request.param)


class TestPickleChains(SerializerContract):
    """Pickle where it is allowed: signed, and encrypted too."""

    @pytest.fixture(params=["pickle", "pickle|zstd", "pickle|zstd|aes256gcm"])
    def serializer(self, request: pytest.FixtureRequest) -> Serializer:
        return chain(request.param, allow_pickle=True)

    @pytest.fixture
    def values(self) -> Sequence[object]:
        # The order of a pickled set is that of its table: equal sets may differ in bytes.
        return [value for value in CORPUS if not isinstance(value, set | frozenset)]


class TestGzip(CodecContract):
    """``gzip``."""

    @pytest.fixture
    def codec(self) -> Codec:
        return GzipCodec()


class TestZstd(CodecContract):
    """``zstd``."""

    @pytest.fixture
    def codec(self) -> Codec:
        return ZstdCodec()


class Broken(JsonSerializer):
    """Base of the broken ones: right in all but one thing."""

    name = "broken"


class LosesTuples(Broken):
    def dumps(self, value: object) -> bytes:
        return super().dumps(list(value) if isinstance(value, tuple) else value)


class ExecutesOnLoad(Serializer):
    name = "executes"

    def dumps(self, value: object) -> bytes:
        return pickle.dumps(value)

    def loads(self, data: bytes) -> object:
        try:
            return pickle.loads(data)
        except Exception:  # noqa: BLE001 - broken in one way only
            raise CorruptData("not a pickle") from None


class UntypedError(Broken):
    def loads(self, data: bytes) -> object:
        json.loads(data)
        return super().loads(data)


class TagsInBand(Broken):
    def loads(self, data: bytes) -> object:
        value = super().loads(data)
        if isinstance(value, dict) and "__class__" in value:
            raise CorruptData("of another class")
        return value


class WritesSecrets(Broken):
    def dumps(self, value: object) -> bytes:
        return super().dumps(value.reveal() if isinstance(value, Secret) else value)


class NeverTheSame(Broken):
    count = 0

    def dumps(self, value: object) -> bytes:
        NeverTheSame.count += 1
        return super().dumps(value) + b" " * self.count

    def loads(self, data: bytes) -> object:
        return super().loads(data.rstrip())


class ChangesItsInput(Broken):
    def dumps(self, value: object) -> bytes:
        data = super().dumps(value)
        if isinstance(value, dict):
            value["seen"] = True
        return data


class MixesThreads(Broken):
    value: object = None
    pairs = threading.Barrier(2)

    def dumps(self, value: object) -> bytes:
        self.value = value
        self.pairs.wait(10)  # both have stored theirs: one of the two writes the other's
        return super().dumps(self.value)


class CrashesOnCycles(Broken):
    def dumps(self, value: object) -> bytes:
        depth(value)
        return super().dumps(value)


def depth(value: object) -> int:
    """Walk a value, forgetting that it may contain itself."""
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


class StoresRepr(Broken):
    def dumps(self, value: object) -> bytes:
        try:
            return super().dumps(value)
        except UnsupportedType:
            return super().dumps(repr(value))


class ForgotOldFormat(Broken):
    def loads(self, data: bytes) -> object:
        return super().loads(data.replace(b'"tuple"', b'{"*":"tuple"}'))


class UncheckedChain(Chain):
    """A chain that reads what is cut off as far as it goes."""

    def __init__(self) -> None:
        super().__init__("json", CLASSES.__getitem__, keys=None, allow_pickle=False, max_size=10**6)

    def loads(self, data: BytesLike, *, context: bytes = b"") -> object:
        try:
            return super().loads(data, context=context)
        except CorruptData:
            return None


class WritesNoContext(UncheckedChain):
    """A chain that binds what it writes to a file to nothing."""

    def dump(self, value: object, file: BinaryIO, *, context: bytes = b"") -> None:
        super().dump(value, file)


class BelievesFiles(UncheckedChain):
    """A chain that does not look how a file ends."""

    def load(self, file: BinaryIO, *, context: bytes = b"") -> object:
        try:
            return super().load(file, context=context)
        except CorruptData:
            return None


BROKEN = [
    (LosesTuples, "test_values_come_back_equal_and_of_their_type"),
    (ExecutesOnLoad, "test_bytes_of_others_run_nothing"),
    (UntypedError, "test_damaged_bytes_are_a_typed_error_or_a_value"),
    (TagsInBand, "test_data_that_looks_like_a_mark_is_data"),
    (WritesSecrets, "test_a_secret_is_refused"),
    (NeverTheSame, "test_the_same_value_gives_the_same_bytes"),
    (ChangesItsInput, "test_values_stay_as_they_are"),
    (MixesThreads, "test_many_threads_can_use_one"),
    (CrashesOnCycles, "test_what_contains_itself_is_no_crash"),
    (StoresRepr, "test_what_it_cannot_take_is_a_typed_error"),
    (ForgotOldFormat, "test_golden_bytes_are_still_read"),
    (UncheckedChain, "test_in_an_envelope_all_damage_is_noticed"),
    (WritesNoContext, "test_files_hold_the_same_envelope"),
    (BelievesFiles, "test_in_a_file_all_damage_is_noticed"),
]
GOLDEN = [(b'{"v":1,"value":[1,2],"types":"tuple"}', (1, 2))]


@pytest.mark.parametrize(("cls", "test"), BROKEN, ids=lambda item: getattr(item, "__name__", item))
def test_contract_catches_a_broken_serializer(cls: type[Serializer], test: str) -> None:
    """Each of these breaks one promise, and the assertion that is about it fails."""
    assertion = getattr(SerializerContract(), test)
    fixtures = {"serializer": cls(), "values": CORPUS, "golden": GOLDEN}
    wanted = inspect.signature(assertion).parameters
    with pytest.raises((AssertionError, RecursionError, BrickworkError)):
        assertion(**{name: fixtures[name] for name in wanted})
    fired.clear()


def test_every_assertion_of_the_contract_can_fail() -> None:
    """No assertion is there that no broken serializer fails."""
    assertions = {name for name in vars(SerializerContract) if name.startswith("test_")}
    assert assertions - {test for _, test in BROKEN} == set()


def test_secret_in_text_and_bytes_is_named_as_one() -> None:
    """The error for a bare secret is SecretExposed, not just a wrong type."""
    for serializer in (TextSerializer(), BytesSerializer()):
        with pytest.raises(SecretExposed, match="cannot be written"):
            serializer.dumps(Secret("s3ntinel-value"))
        with pytest.raises(UnsupportedType, match="takes"):
            serializer.dumps(1)


def test_zstd_frame_that_does_not_announce_its_size_is_capped() -> None:
    """A streamed frame has no size in its header: it is cut off at the limit all the same."""
    compressor = zstd.ZstdCompressor()
    frame = b"".join(compressor.compress(bytes(100_000)) for _ in range(50)) + compressor.flush()
    assert zstd.get_frame_info(frame).decompressed_size is None
    assert ZstdCodec().decode(frame, 5_000_000) == bytes(5_000_000)
    with pytest.raises(CorruptData, match="more than the 4999999 bytes"):
        ZstdCodec().decode(frame, 4_999_999)


def test_zstd_frame_that_wants_a_huge_window_is_refused() -> None:
    """A frame may not ask for gigabytes of memory before it gives a byte."""
    options = {zstd.CompressionParameter.window_log: 30}
    compressor = zstd.ZstdCompressor(options=options)
    frame = compressor.compress(b"small") + compressor.flush()
    with pytest.raises(CorruptData, match="damaged"):
        ZstdCodec().decode(frame, 100)


def test_text_that_is_not_unicode_is_refused_both_ways() -> None:
    """A lone surrogate is not written, and what is not UTF-8 is not read; neither is quoted."""
    with pytest.raises(UnsupportedType, match="surrogate") as caught:
        TextSerializer().dumps("s3ntinel\ud800")
    assert "s3ntinel" not in str(caught.value)
    with pytest.raises(CorruptData, match="UTF-8"):
        TextSerializer().loads(b"\xff")
