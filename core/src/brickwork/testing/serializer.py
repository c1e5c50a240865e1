"""The contracts of serializers, codecs and chains."""

import contextlib
import copy
import enum
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel, Field

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
    StoredException,
    build_chain,
    register_type,
)
from brickwork.testing.base import Contract

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


@register_type("brickwork.testing.colour")
class Colour(enum.Enum):
    """An enum of the corpus."""

    RED = 1
    CRIMSON = 1  # noqa: PIE796 - an alias on purpose
    BLUE = "blue"


@register_type("brickwork.testing.access")
class Access(enum.IntFlag):
    """A flag of the corpus."""

    READ = 1
    WRITE = 2


@register_type("brickwork.testing.point")
class Point(NamedTuple):
    """A named tuple of the corpus."""

    x: int
    y: Decimal


@register_type("brickwork.testing.order")
@dataclass(frozen=True)
class Order:
    """A dataclass of the corpus, with a field that its constructor does not take."""

    number: int
    day: date
    lines: tuple[Point, ...] = ()
    total: Decimal = field(init=False, default=Decimal(0))


@register_type("brickwork.testing.report")
class Report(BaseModel):
    """A pydantic model of the corpus, with an alias and a model inside."""

    title: str = Field(alias="Title")
    order: Order | None = None
    part: "Report | None" = None


TAG_SHAPED: Sequence[object] = (
    {"__class__": "os.system", "data": "true"},
    {"__class__": {"__class__": "Decimal"}, "__exc_type__": "SystemExit"},
    {"$type": "date", "value": "2026-01-01"},
    {"type": "date", "types": {"value": "date"}, "value": {"v": 1}, "v": 1},
    {"v": 1, "value": "2026-01-01", "types": "date"},
    {"py/object": "os.system", "py/reduce": []},
    {"lc": 1, "type": "secret", "id": ["HOME"]},
    ["tuple", {"0": "date"}],
    ["date", "@brickwork.testing.order"],
    {"*": "date", "0": "tuple", "@brickwork.testing.order": None},
    "@brickwork.testing.order",
    "${env:HOME}",
)
"""Data that looks like the marks of one serializer or another."""

CORPUS: Sequence[object] = (
    {"a": [1, None, "x"]},
    None,
    True,
    *(0, -1, 2**53 + 1, -(2**64), 10**700, 10**5000),
    *(0.1, -0.0, 1e-320, 1.7976931348623157e308, float("nan"), float("inf"), float("-inf")),
    *("", "ä€😀", "a\0b", "\u2028", "\ud800", "\ud83d\ude00", "\udcff.csv"),
    *([], {}, (), set(), frozenset(), b"", bytearray()),
    {"nested": {"list": [[], [{}], [[1.5]]]}},
    {1: "int", None: "none", (1, "a"): "tuple", "1": "str", 2.5: 0, b"k": 1, date(2026, 1, 1): 2},
    {"\ud800": "key", "*": [1], "0": [2]},
    (1, (2, [3, (4,)]), {"k": ()}),
    [(1, 2), (3, 4)],
    date(2026, 1, 31),
    [date(2026, 1, 31), date(1, 1, 1), date(9999, 12, 31)],
    {1, 2, 3, "a", None, (1, 2)},
    {frozenset({1, 2}), frozenset({"x"})},
    *(b"\x00\xff", bytearray(b"abc"), complex(-0.0, 2.5), complex(float("inf"), -0.0)),
    *(time(1, 2, 3, 4), time(1, 2, tzinfo=UTC), time(1, 2, tzinfo=ZoneInfo("Europe/Paris"))),
    datetime(2026, 1, 31, 12, 30, 59, 999999),
    datetime(2026, 1, 31, fold=1),
    datetime(2026, 1, 31, tzinfo=UTC),
    datetime(2026, 1, 31, tzinfo=timezone(timedelta(hours=-3, minutes=-30, seconds=-5))),
    datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Paris"), fold=1),
    *(timedelta(-1, 2, 3), timedelta.max),
    *(Decimal("1.50"), Decimal("-0"), Decimal("NaN"), Decimal("1e-999999"), Decimal("-Infinity")),
    UUID("12345678-1234-5678-1234-567812345678"),
    *(Path("a/ä"), Path("/x/\udcff"), PurePosixPath("x/y"), PureWindowsPath("C:\\x")),
    *(Colour.CRIMSON, Colour.BLUE, Access.READ | Access.WRITE, Access(0)),
    Point(1, Decimal("2.0")),
    Order(7, date(2026, 1, 1), (Point(1, Decimal(2)),)),
    Report(Title="r", order=Order(1, date.min), part=Report(Title="inner")),
    StoredException("ValueError", "it failed"),
    *TAG_SHAPED,
)
"""Values of every type that a general serializer takes; the first ones are small."""


def same(left: object, right: object) -> bool:
    """Whether two values are equal, of the same types all the way down, with NaN equal to NaN."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float) and isinstance(right, float):
        return repr(left) == repr(right)
    if isinstance(left, complex | Decimal):
        return repr(left) == repr(right)
    if isinstance(left, dict) and isinstance(right, dict):
        return same(list(left.items()), list(right.items()))
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, set | frozenset) and isinstance(right, set | frozenset):
        return left == right and sorted(map(_kind, left)) == sorted(map(_kind, right))
    if isinstance(left, datetime | time) and isinstance(right, datetime | time):
        return repr(left) == repr(right)
    return left == right


def _kind(value: object) -> str:
    return f"{type(value).__qualname__} {value!r}"


fired: list[str] = []
"""What the canaries wrote: anything here means that reading ran code."""


def fire(*names: str) -> None:
    """Be called by a canary."""
    fired.append(" ".join(names) or "canary")


class Canary:
    """An object whose pickle calls `fire` when it is loaded."""

    def __reduce__(self) -> tuple[Callable[..., None], tuple[str, ...]]:
        return fire, ("canary",)


_FIRE = f"{__name__}.fire"


def canaries() -> list[bytes]:
    """Return bytes that run code in readers that trust what they read."""
    pickles = [pickle.dumps(Canary(), protocol) for protocol in range(6)]
    texts = [
        f'{{"__class__": "{_FIRE}", "__init__": []}}',
        f'{{"py/reduce": [{{"py/function": "{_FIRE}"}}, {{"py/tuple": []}}]}}',
        f'{{"v": 1, "value": [], "types": "{_FIRE}"}}',
        f'{{"v": 1, "value": [], "types": "@{_FIRE}"}}',
        f"!!python/object/apply:{_FIRE} []",
        f"__import__({__name__!r}, fromlist=['fire']).fire()",
    ]
    return [*pickles, *(text.encode() for text in texts)]


def mutations(data: bytes) -> Iterator[bytes]:
    """Yield the data cut at every length, with every single bit flipped, and with more after it."""
    for length in range(len(data)):
        yield data[:length]
    for at in range(len(data) * 8):
        changed = bytearray(data)
        changed[at // 8] ^= 1 << at % 8
        yield bytes(changed)
    yield data + b"\0"


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
            with pytest.raises(UnsupportedType) as caught:
                serializer.dumps(value)
            assert caught.value.fix, "Say in `fix` what to do instead."

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
                with pytest.raises((SecretExposed, UnsupportedType)) as caught:
                    serializer.dumps(value)
                assert "s3ntinel" not in str(caught.value), "The error shows the secret."

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
        assert same(chain.loads(data), values[0])
        for changed in mutations(data):
            ok, _ = _read(chain, changed)
            assert not ok, "The envelope accepted damaged bytes."

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
            with pytest.raises(CorruptData):
                codec.decode(bomb, 1_000_000)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 10_000_000, f"{peak} bytes were held to refuse 1,000,000: decode in steps."

    def test_max_size_is_exact(self, codec: Codec) -> None:
        """As many bytes as allowed may come out, and not one more."""
        data = codec.encode(bytes(1000))
        assert codec.decode(data, 1000) == bytes(1000)
        with pytest.raises(CorruptData):
            codec.decode(data, 999)


_BYTES = (b"", b"\0", b"text " * 1000, bytes(range(256)) * 40, bytes(200_000))


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
