"""``json``: what comes back, what stays data, what is refused."""

import json
import math
import os
import random
import subprocess
import sys
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from dataclasses import InitVar, dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import IntEnum
from typing import Any, ClassVar, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from pydantic import BaseModel, Field, RootModel, SecretStr, field_validator

from brickwork.block import Address, Block, Place, stamp
from brickwork.builtin.serializers.json import JsonSerializer
from brickwork.builtin.serializers.json_types import KINDS
from brickwork.errors import (
    BrickworkError,
    CorruptData,
    DuplicateName,
    SecretExposed,
    UnsupportedFormat,
    UnsupportedType,
)
from brickwork.secret import Secret
from brickwork.serializer import StoredException, register_type, types
from brickwork.testing.serializer_corpus import CORPUS, same

pytestmark = pytest.mark.attack

SCALE = float(os.environ.get("BRICKWORK_ATTACK_SCALE", "1"))
JSON = JsonSerializer()


@pytest.fixture(autouse=True)
def _fresh_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(types, "_by_name", dict(types._by_name))
    monkeypatch.setattr(types, "_by_class", dict(types._by_class))


def back(value: object) -> Any:
    """Write and read."""
    return JSON.loads(JSON.dumps(value))


# Hypothesis

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None, exclude_categories=()))
    | st.binary()
    | st.decimals()
    | st.dates()
    | st.times(timezones=st.none() | st.just(UTC))
    | st.datetimes(timezones=st.none() | st.timezones())
    | st.timedeltas()
    | st.uuids()
    | st.complex_numbers()
)
keys = st.text() | st.integers() | st.dates() | st.none() | st.tuples(st.integers(), st.text())
tags = st.sampled_from(
    ["__class__", "$type", "type", "types", "value", "v", "*", "0", "tuple", "date", "@order"]
)
marks: st.SearchStrategy[Any] = st.recursive(
    tags | st.sampled_from(["", 1, None]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(tags, inner, max_size=4),
)
values: st.SearchStrategy[Any] = st.recursive(
    leaves | marks,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(keys, inner)
        | st.dictionaries(tags, inner)
        | st.lists(inner).map(tuple)
        | st.frozensets(keys)
        | st.sets(keys)
    ),
    max_leaves=20,
)


@settings(max_examples=int(300 * SCALE), deadline=None, suppress_health_check=list(HealthCheck))
@given(values)
def test_any_value_comes_back(value: object) -> None:
    """Nested data of every built-in type, with keys and texts that look like marks."""
    data = JSON.dumps(value)
    assert same(JSON.loads(data), value)
    assert JSON.dumps(value) == data
    data.decode()


@settings(max_examples=int(300 * SCALE), deadline=None)
@given(marks)
def test_plain_data_is_stored_as_plain_json(value: object) -> None:
    """Data of JSON's own types stands in the bytes as json.dumps writes it, whatever its keys."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert JSON.dumps(value).decode() == f'{{"v":1,"value":{text}}}'


# Bytes


def test_bytes_are_the_same_in_every_process() -> None:
    """Sets are sorted: the seed of the hash does not show."""
    code = (
        "from brickwork.builtin.serializers.json import JsonSerializer\n"
        "import sys, pathlib, datetime\n"
        "value = {'s': {'a', 'b', 'c', ('d', 1), None, 1.5}, 'f': frozenset(map(str, range(50)))}\n"
        "value['n'] = {frozenset('xyz'), frozenset('uvw'), datetime.date(2026, 1, 1)}\n"
        "sys.stdout.buffer.write(JsonSerializer().dumps(value))\n"
    )
    outputs = set()
    for seed in ("1", "2", "3"):
        env = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, check=True
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1


def test_dict_keeps_its_order() -> None:
    """The order of a dict is part of it."""
    assert list(back({"b": 1, "a": date.min})) == ["b", "a"]


def test_table_of_a_column_is_one_entry() -> None:
    """Ten thousand dates cost one word in the table, not ten thousand."""
    data = JSON.dumps([{"day": date(2026, 1, 1), "n": n} for n in range(10_000)])
    assert data.endswith(b'"types":{"*":{"day":"date"}}}')


def test_only_strict_json_is_written_and_read() -> None:
    """NaN is text with a type, as JSON has no such word; and the word is not read."""
    assert JSON.dumps([math.nan]) == b'{"v":1,"value":["nan"],"types":{"*":"float"}}'
    with pytest.raises(CorruptData):
        JSON.loads(b'{"v":1,"value":NaN}')


# Types


class Zone(tzinfo):
    """A zone of another library."""

    def utcoffset(self, moment: datetime | None) -> timedelta:
        return timedelta(hours=2)

    def dst(self, moment: datetime | None) -> timedelta:
        return timedelta(0)

    def tzname(self, moment: datetime | None) -> str:
        return "ZONE"


def test_moments_keep_zone_fold_and_instant() -> None:
    """The second 02:30 of the day the clocks go back is the second one still."""
    second = datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Paris"))
    found = back([second, second.replace(fold=0)])
    assert [moment.utcoffset() for moment in found] == [timedelta(hours=1), timedelta(hours=2)]
    assert found[0].tzinfo is ZoneInfo("Europe/Paris")
    assert back(datetime(2026, 1, 1, tzinfo=UTC)).tzinfo is UTC
    assert back(time(2, 30, fold=1)).fold == 1

    foreign = datetime(2026, 1, 1, tzinfo=Zone())
    assert back(foreign) == foreign
    assert back(foreign).tzinfo == timezone(timedelta(hours=2))


@dataclass
class Inner:
    """Part of an order."""

    amount: Decimal


@dataclass(slots=True, kw_only=True)
class Sent:
    """An order with all that dataclasses can do."""

    count: ClassVar[int] = 0
    inner: Inner
    when: date = date(2026, 1, 1)
    notes: list[tuple[int, str]] = field(default_factory=list)
    total: Decimal = field(init=False)

    def __post_init__(self) -> None:
        self.total = self.inner.amount * 2


class Level(IntEnum):
    """An enum that is an int."""

    LOW = 1


class Row(BaseModel):
    """A model with an alias, a validator and a nested dataclass."""

    model_config = {"frozen": True, "extra": "allow"}
    number: int = Field(alias="No", ge=0)
    inner: Inner | None = None
    level: Level = Level.LOW

    @field_validator("number")
    @classmethod
    def _even(cls, number: int) -> int:
        if number % 2:
            raise ValueError(f"odd: {number}")
        return number


class Rows(RootModel[list[Row]]):
    """A model that is a list."""


class Pair(NamedTuple):
    """A named tuple."""

    a: int
    b: Any


def register_all() -> None:
    """Register the types above."""
    for cls in (Inner, Sent, Level, Row, Rows, Pair):
        register_type(cls.__name__.lower(), cls)


def test_registered_types_come_back_as_themselves() -> None:
    """Dataclasses, models, enums and named tuples, inside each other."""
    register_all()
    row = Row(No=2, inner=Inner(Decimal("1.5")), more={"free": date.min})
    for value in (
        Sent(inner=Inner(Decimal(1)), notes=[(1, "a")]),
        [row, Row(No=4)],
        Rows([row]),
        Pair(1, Pair(2, {3})),
        Level.LOW,
    ):
        found = back(value)
        assert found == value
        assert type(found) is type(value)
    assert back(row).model_fields_set == row.model_fields_set
    assert back(Row(No=4)).model_fields_set == {"number"}
    assert type(back({Level.LOW: 1}).popitem()[0]) is Level


def test_field_with_a_default_may_be_added_later() -> None:
    """A result that was stored before the class got a field is still read."""
    register_all()
    data = JSON.dumps(Sent(inner=Inner(Decimal(1)))).replace(b'"when":"2026-01-01",', b"")
    data = data.replace(b'"when":"date",', b"")
    assert b"when" not in data
    assert JSON.loads(data) == Sent(inner=Inner(Decimal(1)))


def test_stored_model_is_validated_again() -> None:
    """Whoever can write to the storage cannot make a model that its class refuses."""
    register_all()
    data = JSON.dumps(Row(No=2)).replace(b'"number":2', b'"number":3')
    with pytest.raises(CorruptData, match="ValidationError") as caught:
        JSON.loads(data)
    assert "odd: 3" not in str(caught.value)


def test_class_with_functions_of_its_own() -> None:
    """Any class can be stored once somebody says how."""
    register_type("ordered", OrderedDict, encode=dict, decode=lambda raw: OrderedDict(raw))
    assert back([OrderedDict(a=1)]) == [OrderedDict(a=1)]
    assert type(back(OrderedDict())) is OrderedDict


def test_unregistered_types_are_refused_and_told_how() -> None:
    """Nothing is stored as something else: subclasses, models, enums, objects."""
    for value, hint in (
        (Inner(Decimal(1)), '@register_type("inner")'),
        (Level.LOW, '@register_type("level")'),
        (Pair(1, 2), '@register_type("pair")'),
        (OrderedDict(a=1), "Convert it to the built-in type"),
        (defaultdict(int), "Convert it to the built-in type"),
        (object(), "pickle"),
        (Inner, "Return a value"),
        ({"deep": [{1: (range(3),)}]}, "encode=..."),
    ):
        with pytest.raises(UnsupportedType) as caught:
            JSON.dumps(value)
        assert hint in caught.value.fix


def test_one_name_means_one_class() -> None:
    """A name that two classes want is refused with both; the same class again is fine."""
    register_type("inner", Inner)
    register_type("inner", Inner)
    with pytest.raises(DuplicateName, match=r"Inner;.*Sent"):
        register_type("inner", Sent)
    with pytest.raises(DuplicateName, match="already"):
        register_type("other", Inner)
    for name in ("", "a b", "@x", "-x", "x" * 101):
        with pytest.raises(UnsupportedType):
            register_type(name, Sent)


def test_class_that_cannot_come_back_is_refused_when_it_is_registered() -> None:
    """Not a record class, one function of two, an InitVar: told at once, not with the result."""

    @dataclass
    class Needs:
        seed: InitVar[int]

    for arguments in ({}, {"encode": str}):
        with pytest.raises(UnsupportedType):
            register_type("thing", Zone, **arguments)
    with pytest.raises(UnsupportedType, match="InitVar"):
        register_type("needs", Needs)


def test_exceptions_come_back_as_name_and_text() -> None:
    """An exception is a result like others; its class is not imported to make it again."""

    class Own(ValueError):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    found = back({"error": KeyError("k"), "own": Own("x")})
    assert found["error"] == StoredException("KeyError", "'k'")
    assert str(found["error"]) == "KeyError: 'k'"
    assert found["own"].name.endswith("Own")
    assert found["own"].text == ""
    assert back(found) == found


# Secrets and blocks


def test_secrets_are_refused_wherever_they_are() -> None:
    """Ours and pydantic's, also inside registered classes; and the error does not show them."""

    @dataclass
    class Login:
        password: object

    register_type("login", Login)
    for secret in (Secret("s3ntinel"), SecretStr("s3ntinel")):
        for value in (secret, Login(secret), {(1, secret): 1}, [date.min, {"a": secret}]):
            with pytest.raises(SecretExposed) as caught:
                JSON.dumps(value)
            assert "s3ntinel" not in str(caught.value)


class Service(Block):
    """A block of this test."""

    slug: ClassVar[str] = "serializertest"
    token: Secret[str] = Field(description="The token.")


def test_saved_block_is_stored_as_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address and version travel, the reader's vault gives the block; no secret is written."""
    block = Service(token="s3ntinel-token")
    stamp(block, Place(Address("serializertest", "prod", 3), b"store"))
    data = JSON.dumps({"service": block})
    assert b'"serializertest/prod@3"' in data
    assert b"s3ntinel" not in data

    asked: list[str] = []

    def load(name: str, *, version: int | None = None) -> Block:
        asked.append(name)
        return block

    monkeypatch.setattr(Block, "load", load)
    assert JSON.loads(data) == {"service": block}
    assert asked == ["serializertest/prod@3"]


def test_block_that_is_not_saved_is_refused() -> None:
    """Its secrets would stand in the result: save it first."""
    with pytest.raises(SecretExposed, match="not saved") as caught:
        JSON.dumps([Service(token="s3ntinel-token")])
    assert "save" in caught.value.fix
    assert "s3ntinel" not in str(caught.value)


# What is read


def test_type_named_in_data_is_never_imported() -> None:
    """Import paths, dunders and unregistered names as types: an error, and nothing imported."""
    before = set(sys.modules)
    for name in ("os.system", "@os.system", "@antigravity", "builtins.eval", "__class__", "@", ""):
        for node in (name, [name, "tuple"], {"*": name}, ["tuple", name]):
            data = json.dumps({"v": 1, "value": ["true"], "types": node}).encode()
            with pytest.raises((CorruptData, UnsupportedType)):
                JSON.loads(data)
    assert set(sys.modules) - before == set()
    with pytest.raises(UnsupportedType, match=r"'os.system'.*nothing here has registered"):
        JSON.loads(b'{"v":1,"value":1,"types":"@os.system"}')


@pytest.mark.parametrize(
    "data",
    [
        *(
            b"",
            b"1",
            b"[]",
            b"{}",
            b"null",
            b'{"v":1}',
            b'{"v":true,"value":1}',
            b'{"v":0,"value":1}',
        ),
        *(b'{"v":1,"value":1,"more":2}', b'{"v":1,"value":1,"types":1}', b'\xff{"v":1,"value":1}'),
        *(b'{"v":1,"value":1}x', b"[" * 100_000, b'{"v":1,"value":' + b"9" * 5000 + b"}"),
        *(b'{"v":1,"value":[],"types":{"0":"date"}}', b'{"v":1,"value":{},"types":{"a":"date"}}'),
        *(b'{"v":1,"value":1,"types":["date"]}', b'{"v":1,"value":[1],"types":{"x":"date"}}'),
        *(b'{"v":1,"value":"x","types":"date"}', b'{"v":1,"value":"a","types":"tuple"}'),
        *(b'{"v":1,"value":[[1]],"types":"set"}', b'{"v":1,"value":[1,1],"types":"set"}'),
        *(b'{"v":1,"value":[[1,1],[1,2]],"types":"map"}', b'{"v":1,"value":"!","types":"bytes"}'),
        b'{"v":1,"value":["2026-01-01",0,"../../etc/passwd"],"types":"datetime"}',
        b'{"v":1,"value":["2026-01-01",0,"Europe"],"types":"datetime"}',
        b'{"v":1,"value":[999999999999,0,0],"types":"timedelta"}',
        b'{"v":1,"value":1,"types":' + b'["tuple",' * 20_000 + b'"x"' + b"]" * 20_000 + b"}",
    ],
    ids=lambda data: data[:40].decode("ascii", "replace"),
)
def test_what_is_not_ours_is_corrupt_data(data: bytes) -> None:
    """Other JSON, tables that do not fit, hostile values: one error, with a fix."""
    with pytest.raises(CorruptData) as caught:
        JSON.loads(data)
    assert caught.value.fix


def test_newer_json_says_upgrade() -> None:
    """A newer version of the format is told from damage."""
    with pytest.raises(UnsupportedFormat, match="format 2"):
        JSON.loads(b'{"v":2,"value":1}')


def documents() -> Iterator[bytes]:
    """Yield typed documents to mutate."""
    yield from (JSON.dumps(value) for value in CORPUS)
    yield JSON.dumps({"a": list(CORPUS[10:40]), "b": {1: CORPUS[5]}})


def test_mutated_documents_are_typed_errors_or_values() -> None:
    """Random edits of JSON with type tables, which a checksum would not catch if forged."""
    rng, originals = random.Random(3), [data for data in documents() if len(data) < 2000]
    pieces = [b'"date"', b'"@x"', b"[", b"]", b"{", b"}", b'"*"', b"1e999", b"-1", b'"tuple"', b","]
    read = refused = 0
    for _ in range(int(30_000 * SCALE)):
        data = bytearray(rng.choice(originals))
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(data) or 1)
            if rng.random() < 0.5:
                data[at : at + rng.randint(0, 6)] = rng.choice(pieces)
            else:
                data[at : at + 1] = rng.randbytes(1)
        try:
            JSON.loads(bytes(data))
            read += 1
        except BrickworkError:
            refused += 1
    assert read > 100 * SCALE
    assert refused > 1000 * SCALE


def test_what_is_written_can_be_read_on_a_deep_stack() -> None:
    """The limit on depth is at writing, so a result is not found unreadable later."""

    def nested(levels: int, leaf: object) -> Any:
        return nested(levels - 1, [leaf]) if levels > 1 else leaf

    def read_below(frames: int, data: bytes) -> object:
        return read_below(frames - 1, data) if frames else JSON.loads(data)

    for leaf in (1, date.min, (1, 2), {1: (2,)}):
        depth = max(n for n in range(150, 201) if _writes(nested(n, leaf)))
        assert depth >= 190
        assert read_below(350, JSON.dumps(nested(depth, leaf))) == nested(depth, leaf)


def _writes(value: object) -> bool:
    try:
        JSON.dumps(value)
    except UnsupportedType:
        return False
    return True


def test_too_deep_nesting_is_a_typed_error() -> None:
    """Too deep, or endless: UnsupportedType, plain or typed."""
    deep: list[Any] = [1]
    for _ in range(100_000):
        deep = [deep]
    endless: dict[str, Any] = {"day": date.min}
    endless["again"] = endless
    for value in (deep, endless, [deep, (1,)], [date.min, deep]):
        with pytest.raises(UnsupportedType, match="deeper than 200"):
            JSON.dumps(value)


def test_corpus_has_every_type() -> None:
    """The corpus that contracts use has a value of every type the serializer knows."""
    known = {kind.cls for kind in KINDS if kind.name != "block"}
    assert known - {type(value) for value in CORPUS} == set()
