"""What the contracts of serializers feed them: values of every type, and hostile bytes."""

import enum
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from brickwork.serializer import StoredException, register_type


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
    if type(left).__module__.partition(".")[0] in ("pandas", "polars", "pyarrow"):
        from brickwork.testing.tabular import same_table

        return same_table(left, right)
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
