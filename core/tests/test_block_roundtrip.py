"""Blocks of random classes come back equal, or saving them is a typed error."""

import dataclasses
import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from pydantic import AnyUrl, BaseModel, Field, create_model

from brickwork import Block, BlockError, Secret, Vault
from brickwork.block import defined_blocks
from brickwork.builtin.blocks import BasicAuth, SecretBlock, Settings

# Secrets here are short on purpose.
pytestmark = pytest.mark.filterwarnings("ignore::brickwork.MaskingWarning")

_numbers = itertools.count()


class Colour(Enum):
    """An enumeration."""

    RED = "red"
    NUMBER = 1


class Level(IntEnum):
    """An enumeration of numbers."""

    LOW = 1
    HIGH = 2


class Point(NamedTuple):
    """A named tuple."""

    x: int
    y: float = 0.0


@dataclasses.dataclass(frozen=True)
class Range:
    """A dataclass."""

    start: date
    days: int = 1


class Camel(BaseModel):
    """A model that validates by alias only."""

    some_name: str = Field(default="", alias="someName")
    token: Secret[str] | None = None


class Kind(NamedTuple):
    """A type and the values for it."""

    annotation: Any
    values: st.SearchStrategy[Any]


TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8)
SECRETS = st.text(max_size=12).map(Secret)

LEAVES: list[Kind] = [
    Kind(str, TEXT),
    Kind(int, st.integers(-(2**80), 2**80)),
    Kind(float, st.floats(allow_nan=False)),
    Kind(bool, st.booleans()),
    Kind(bytes, st.binary(max_size=6)),
    Kind(date, st.dates()),
    # JSON has no word for the second hour of a clock that is set back; Python calls them equal.
    Kind(time, st.times().map(lambda each: each.replace(fold=0))),
    Kind(
        datetime,
        st.datetimes(timezones=st.none() | st.just(UTC)).map(lambda each: each.replace(fold=0)),
    ),
    Kind(timedelta, st.timedeltas()),
    Kind(Decimal, st.decimals(allow_nan=False, allow_infinity=False)),
    Kind(UUID, st.uuids()),
    Kind(Path, TEXT.filter(bool).map(Path)),
    Kind(IPv4Address, st.ip_addresses(v=4)),
    Kind(AnyUrl, st.sampled_from(["https://a.example/x?y=1", "s3://b/c"]).map(AnyUrl)),
    Kind(Colour, st.sampled_from(Colour)),
    Kind(Level, st.sampled_from(Level)),
    Kind(Point, st.builds(Point, st.integers(), st.floats(allow_nan=False))),
    Kind(Range, st.builds(Range, st.dates())),
    Kind(Camel, st.builds(lambda n, t: Camel(someName=n, token=t), TEXT, SECRETS)),
    Kind(Any, TEXT | st.integers() | st.lists(st.booleans()) | st.tuples(st.integers())),
    Kind(Secret[str], SECRETS),
    Kind(Secret[bytes], st.binary(max_size=12).map(Secret)),
    Kind(SecretBlock, SECRETS.map(lambda secret: SecretBlock(value=secret))),
    Kind(Settings, TEXT.map(lambda text: Settings(value={text: [text]}))),
    Kind(
        Block,
        st.one_of(
            st.builds(lambda u, p: BasicAuth(username=u, password=p), st.just("me"), SECRETS),
            st.integers().map(lambda number: Settings(value=number)),
        ),
    ),
]


def _hashable(kind: Kind) -> bool:
    return kind.annotation not in (Any, Camel, SecretBlock, Settings, Block, float)


def _combined(kinds: st.SearchStrategy[Kind]) -> st.SearchStrategy[Kind]:
    return st.one_of(
        kinds.map(lambda k: Kind(list[k.annotation], st.lists(k.values, max_size=3))),  # type: ignore[name-defined]  # made at run time
        kinds.map(
            lambda k: Kind(dict[str, k.annotation], st.dictionaries(TEXT, k.values, max_size=3))  # type: ignore[name-defined]  # as above
        ),
        kinds.map(lambda k: Kind(k.annotation | None, st.none() | k.values)),
        st.lists(kinds, min_size=2, max_size=3).map(
            lambda ks: Kind(
                tuple[tuple(k.annotation for k in ks)],  # type: ignore[misc]  # as above
                st.tuples(*(k.values for k in ks)),
            )
        ),
        st.tuples(kinds, kinds).map(
            lambda pair: Kind(
                _union(pair[0].annotation, pair[1].annotation), pair[0].values | pair[1].values
            )
        ),
        st.lists(kinds, min_size=1, max_size=3).map(_model),
    )


def _union(one: Any, two: Any) -> Any:
    return Any if Any in (one, two) else one | two


def _model(kinds: list[Kind]) -> Kind:
    fields: Any = {f"field_{n}": (kind.annotation, ...) for n, kind in enumerate(kinds)}
    model = create_model(f"Model{next(_numbers)}", **fields)
    values = st.fixed_dictionaries({f"field_{n}": k.values for n, k in enumerate(kinds)})
    return Kind(model, values.map(lambda held: model(**held)))


SETS = st.sampled_from([kind for kind in LEAVES if _hashable(kind)]).map(
    lambda k: Kind(frozenset[k.annotation], st.frozensets(k.values, max_size=4))  # type: ignore[name-defined]  # as above
)
KINDS = st.recursive(st.sampled_from(LEAVES) | SETS, _combined, max_leaves=4)


@st.composite
def blocks(draw: Callable[..., Any]) -> Block:
    """Define a block class and make an instance."""
    kinds = draw(st.lists(KINDS, min_size=1, max_size=4))
    number = next(_numbers)
    annotations = {f"field_{n}": kind.annotation for n, kind in enumerate(kinds)}
    cls = type(
        f"Random{number}",
        (Block,),
        {
            "__module__": __name__,
            "__annotations__": {**annotations, "slug": ClassVar[str]},
            "slug": f"roundtrip-{number}",
        },
    )
    del defined_blocks[f"roundtrip-{number}"]  # thousands are made, and one is needed at a time
    values = {f"field_{n}": draw(kind.values) for n, kind in enumerate(kinds)}
    block: Block = cls(**values)
    return block


def secrets_of(value: object) -> list[str | bytes]:
    """Return the values of all secrets in a value."""
    if isinstance(value, Secret):
        return [value.reveal()]
    if isinstance(value, BaseModel):
        value = dict(value)
    if isinstance(value, dict):
        return [secret for item in value.values() for secret in secrets_of(item)]
    if isinstance(value, list | tuple | set | frozenset):
        return [secret for item in value for secret in secrets_of(item)]
    return []


outcomes = {"saved": 0, "refused": 0}


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(blocks())
def _round_trip(memory_vault: Vault, block: Block) -> None:
    slug = type(block).slug
    defined_blocks[slug] = type(block)
    try:
        document = block.save("it")
    except BlockError:
        assert memory_vault.documents(slug) == [], "refused, and saved all the same"
        outcomes["refused"] += 1
        return
    else:
        back = type(block).load("it")
        assert back == block
        assert _told(back) == _told(block) or _has_set(block)
        assert type(block)(**dict(block)).save("it").version == 1, "the same again is no version"
        assert len(document.secrets) == len(secrets_of(block))
        memory_vault.delete(document.address._replace(version=None))
        outcomes["saved"] += 1
    finally:
        del defined_blocks[slug]


def _told(block: Block) -> str:
    return repr(block).replace("datetime.timezone.utc", "TzInfo(0)")  # pydantic's own


def _has_set(block: Block) -> bool:
    return "frozenset" in repr(block)  # its repr has no order


def test_random_blocks_come_back_equal_or_are_refused(memory_vault: Vault) -> None:
    """Equal, of the same types all the way down, or a typed error: never a silent change."""
    outcomes.update(saved=0, refused=0)
    _round_trip(memory_vault)
    assert outcomes["saved"] > 5 * outcomes["refused"], f"{outcomes}: most types should work"
