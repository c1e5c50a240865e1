"""The contracts of serializers, codecs and chains."""

import contextlib
import copy
import io
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, BinaryIO, cast

import pytest

from brickwork.crypto import NamedKey, derive, key_id, new_key
from brickwork.errors import (
    BrickworkError,
    CorruptData,
    KeyUnavailable,
    SecretExposed,
    UnsupportedType,
)
from brickwork.secret import Secret
from brickwork.serializer import (
    Chain,
    Codec,
    Serializer,
    build_chain,
)
from brickwork.testing.base import Contract, assert_raises
from brickwork.testing.serializer_corpus import (
    CORPUS,
    TAG_SHAPED,
    canaries,
    fired,
    mutations,
    same,
)

Golden = Sequence[tuple[bytes, object]]


class FixedKeys:
    """A `brickwork.crypto.KeySource` with root keys in memory; the last one is current."""

    def __init__(self, *roots: bytes) -> None:
        self._roots = {key_id(root): root for root in roots or (new_key(),)}

    def rotate(self) -> None:
        """Add a new root key; the old ones stay for reading."""
        root = new_key()
        self._roots[key_id(root)] = root

    def forget(self, kid: bytes) -> None:
        """Destroy one root key."""
        del self._roots[kid]

    def current(self, purpose: str) -> NamedKey:
        """Return the newest key."""
        kid, root = list(self._roots.items())[-1]
        return NamedKey(kid, derive(root, purpose))

    def by_id(self, kid: bytes, purpose: str) -> bytes:
        """Return the key with that id. Raises KeyUnavailable."""
        if kid not in self._roots:
            raise KeyUnavailable(
                f"There is no key {kid.hex()}.", kid=kid.hex(), fix="Read with the vault's keys."
            )
        return derive(self._roots[kid], purpose)


class SerializerContract(Contract):
    """What every serializer and every chain must do.

    Give the fixture ``serializer``: an instance, or what ``open_serializer`` returned. Give
    ``values`` if it takes only some types, and ``golden`` once there has been a release.
    """

    @pytest.fixture
    def serializer(self) -> Serializer:
        """The serializer or chain."""
        raise NotImplementedError("the contract needs a fixture `serializer`")

    @pytest.fixture
    def values(self) -> Sequence[object]:
        """Values that it takes, small ones first; all the corpus, unless overridden."""
        return CORPUS

    @pytest.fixture
    def golden(self) -> Golden:
        """Bytes that earlier releases wrote, each with its value."""
        return ()

    @pytest.fixture(autouse=True)
    def _nothing_ran(self) -> Iterator[None]:
        fired.clear()
        yield
        assert not fired, (
            "Reading ran code that the data named. Never import, call or construct what data"
            " names; look types up by a registered name. For pickle, be an UnsafeSerializer."
        )

    def test_values_come_back_equal_and_of_their_type(
        self, serializer: Serializer, values: Sequence[object]
    ) -> None:
        """What was written comes back: equal, and of the same type at every depth."""
        assert values, "Give at least one value."
        for value in values:
            data = serializer.dumps(value)
            assert type(data) is bytes, "dumps() must return bytes."
            found = serializer.loads(data)
            assert same(found, value), (
                f"{value!r:.300} came back as {found!r:.300}. Keep its type beside the data, or"
                " refuse it with UnsupportedType: a value must not change in silence."
            )

    def test_the_same_value_gives_the_same_bytes(
        self, serializer: Serializer, values: Sequence[object]
    ) -> None:
        """Bytes are deterministic, so results can be compared by hash; sealed ones never repeat."""
        encrypted = isinstance(serializer, Chain) and serializer.encrypts
        for value in values:
            first, second = serializer.dumps(value), serializer.dumps(copy.deepcopy(value))
            assert (first == second) is not encrypted, (
                f"{value!r:.300} gave {'the same' if encrypted else 'different'} bytes twice. Sort"
                " what has no order, and write no time and no random value; encrypt with a fresh"
                " nonce."
            )

    def test_values_stay_as_they_are(
        self, serializer: Serializer, values: Sequence[object]
    ) -> None:
        """Writing does not change the value."""
        for value in values:
            before = copy.deepcopy(value)
            serializer.dumps(value)
            assert same(value, before), "dumps() changed its input: work on a copy."

    def test_data_that_looks_like_a_mark_is_data(self, serializer: Serializer) -> None:
        """A dict from a web API with keys such as __class__ or $type comes back as it was."""
        for value in TAG_SHAPED:
            try:
                data = serializer.dumps(value)
            except UnsupportedType:
                continue
            assert same(serializer.loads(data), value), (
                f"{value!r} came back as something else: keep type marks outside the user's data."
            )

    def test_what_it_cannot_take_is_a_typed_error(self, serializer: Serializer) -> None:
        """A value that cannot come back is refused by name, before anything is written."""
        for value in ((number for number in range(3)), [{"rows": (n for n in range(3))}]):
            dump = partial(serializer.dumps, value)
            error = assert_raises(UnsupportedType, dump, "writing a generator")
            assert getattr(error, "fix", ""), "Say in `fix` what to do instead."

    def test_what_contains_itself_is_no_crash(self, serializer: Serializer) -> None:
        """A list that contains itself comes back, or is refused as UnsupportedType."""
        endless: list[Any] = [1]
        endless.append(endless)
        with contextlib.suppress(UnsupportedType):
            serializer.loads(serializer.dumps(endless))

    def test_a_secret_is_refused(self, serializer: Serializer) -> None:
        """A secret, at any depth, is never written, and the error does not show it."""
        for secret in (Secret("s3ntinel-value"), Secret(b"s3ntinel-value")):
            for value in (secret, [secret], {"k": (1, secret)}, [{"a": [secret]}]):
                dump = partial(serializer.dumps, value)
                error = assert_raises((SecretExposed, UnsupportedType), dump, "writing a secret")
                assert "s3ntinel" not in str(error), "The error shows the secret."

    def test_bytes_of_others_run_nothing(self, serializer: Serializer) -> None:
        """Pickles, YAML tags and class paths in foreign bytes are not executed."""
        for data in canaries():
            _read(serializer, data)
            assert not fired, f"loads() executed {data[:60]!r}."

    def test_damaged_bytes_are_a_typed_error_or_a_value(
        self, serializer: Serializer, values: Sequence[object]
    ) -> None:
        """Bytes that were cut, changed or extended never cause an error of another library."""
        for value in values[:2]:
            for data in mutations(serializer.dumps(value)):
                _read(serializer, data)

    def test_in_an_envelope_all_damage_is_noticed(
        self, serializer: Serializer, values: Sequence[object]
    ) -> None:
        """In the envelope, every cut, every flipped bit and every added byte is an error."""
        chain = serializer if isinstance(serializer, Chain) else _chain_of(serializer)
        data = chain.dumps(values[0])
        assert same(chain.loads(data), values[0]), "What was not damaged must come back."
        for changed in mutations(data):
            ok, _ = _read(chain, changed)
            assert not ok, "The envelope accepted damaged bytes."

    def test_files_hold_the_same_envelope(
        self, serializer: Serializer, values: Sequence[object]
    ) -> None:
        """What is written to a file is read as bytes and from a file, in pieces of any size."""
        chain = serializer if isinstance(serializer, Chain) else _chain_of(serializer)
        for value in values:
            file = io.BytesIO()
            chain.dump(value, file, context=b"here")
            found = chain.loads(file.getvalue(), context=b"here")
            assert same(found, value), f"dump() wrote another value than {value!r:.300}."
            scanty = cast("BinaryIO", _Scanty(file.getvalue()))
            assert same(chain.load(scanty, context=b"here"), value), (
                f"load() read another value than {value!r:.300}: a file may give less than asked."
            )

    def test_in_a_file_all_damage_is_noticed(
        self, serializer: Serializer, values: Sequence[object]
    ) -> None:
        """From a file, too, every cut, every flipped bit and every added byte is an error."""
        chain = serializer if isinstance(serializer, Chain) else _chain_of(serializer)
        file = io.BytesIO()
        chain.dump(values[0], file)
        for changed in mutations(file.getvalue()):
            try:
                chain.load(io.BytesIO(changed))
            except BrickworkError:
                continue
            raise AssertionError("load() accepted damaged bytes, or did not read to the end.")

    def test_many_threads_can_use_one(
        self, serializer: Serializer, values: Sequence[object]
    ) -> None:
        """One instance works in many threads at once."""
        some = list(values[:40])

        def round_trip(index: int) -> bool:
            value = some[index % len(some)]
            return same(serializer.loads(serializer.dumps(value)), value)

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(round_trip, range(400))), (
                "Values were mixed up between threads: keep no state on the instance."
            )

    def test_golden_bytes_are_still_read(self, serializer: Serializer, golden: Golden) -> None:
        """What earlier releases wrote is still read."""
        for data, value in golden:
            assert same(serializer.loads(data), value), (
                f"{data[:60]!r} is read as another value than the release that wrote it meant."
            )


class CodecContract(Contract):
    """What every codec must do. Give the fixture ``codec``."""

    @pytest.fixture
    def codec(self) -> Codec:
        """The codec."""
        raise NotImplementedError("the contract needs a fixture `codec`")

    def test_bytes_come_back(self, codec: Codec) -> None:
        """Bytes of any kind and size come back, and the same input gives the same output."""
        for data in _BYTES:
            encoded = codec.encode(data)
            assert codec.decode(encoded, len(data)) == data, "decode() must undo encode()."
            assert codec.encode(data) == encoded, "Write no time and no random value."

    def test_damaged_bytes_are_a_typed_error(self, codec: Codec) -> None:
        """Cut or extended input is CorruptData; a flipped bit is too, or gives some bytes."""
        data = codec.encode(b"twelve bytes")
        for changed in mutations(data):
            try:
                codec.decode(changed, 100)
            except CorruptData:
                continue
            assert len(changed) == len(data), "Cut or extended input was accepted."

    def test_a_bomb_is_refused_before_it_is_in_memory(self, codec: Codec) -> None:
        """Data that expands beyond max_size is refused, and never held."""
        import tracemalloc

        bomb = codec.encode(bytes(50_000_000))
        tracemalloc.start()
        try:
            decode = partial(codec.decode, bomb, 1_000_000)
            assert_raises(CorruptData, decode, "decoding more than max_size")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 10_000_000, f"{peak} bytes were held to refuse 1,000,000: decode in steps."

    def test_max_size_is_exact(self, codec: Codec) -> None:
        """As many bytes as allowed may come out, and not one more."""
        data = codec.encode(bytes(1000))
        assert codec.decode(data, 1000) == bytes(1000), "As many bytes as max_size are allowed."
        assert_raises(CorruptData, partial(codec.decode, data, 999), "decoding one byte too many")


_BYTES = (b"", b"\0", b"text " * 1000, bytes(range(256)) * 40, bytes(200_000))


class _Scanty:
    """A file that gives one to three bytes at a time, as a slow connection may."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)
        self._turn = 0

    def read(self, size: int = -1) -> bytes:
        self._turn = self._turn % 3 + 1
        return self._file.read(self._turn if size < 0 else min(size, self._turn))


def _read(serializer: Serializer, data: bytes) -> tuple[bool, object]:
    """Return whether reading gave a value, and that value; only our errors are allowed."""
    try:
        return True, serializer.loads(data)
    except BrickworkError:
        return False, None
    except Exception as error:
        raise AssertionError(
            f"loads() of damaged bytes raised {type(error).__name__}: raise CorruptData instead."
        ) from error


def _chain_of(serializer: Serializer) -> Chain:
    classes: Mapping[str, type[Serializer]] = {serializer.name: type(serializer)}
    return build_chain(serializer.name, classes.__getitem__)
