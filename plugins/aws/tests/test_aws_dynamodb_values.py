"""What is sent to DynamoDB for Python's values and for paths, and what comes of the answers."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from brickwork import InvalidArguments, Secret
from brickwork_aws.dynamodb.expressions import Expressions
from brickwork_aws.dynamodb.values import received_item, sent_item


def test_what_is_no_value_of_dynamodb_becomes_one() -> None:
    """A float is the number that it is shown as, 3.0 is an int, a tuple a list, a secret text."""
    item = {"f": 0.1, "whole": 3.0, "t": (1, 2), "b": bytearray(b"x"), "s": Secret("the-secret")}
    back = received_item(sent_item({**item, "frozen": frozenset({1.5})}))
    assert back == {
        "f": Decimal("0.1"),
        "whole": 3,
        "t": [1, 2],
        "b": b"x",
        "s": "the-secret",
        "frozen": {Decimal("1.5")},
    }
    assert type(back["whole"]) is int


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (float("nan"), r"price\.net is NaN or infinite"),
        (float("-inf"), r"price\.net is NaN or infinite"),
        (Decimal("NaN"), r"price\.net is NaN or infinite"),
        ([1, [float("nan")]], r"price\.net\[1\]\[0\] is NaN"),
        (10**38 + 1, "price has a number of more than 38 digits"),
        (1e-200, "price has a number of more than 38 digits, or too large or small"),
        (set(), r"price\.net is an empty set"),
        ({1, "a"}, r"price\.net is a set of other things"),
        ({True}, r"price\.net is a set of other things"),
        ({None}, r"price\.net is a set of other things"),
        ({1: 2}, r"price\.net has a name that is a int"),
        (object(), r"price\.net is a object"),
    ],
)
def test_what_dynamodb_has_not_is_refused(value: object, said: str) -> None:
    """With the place of it, and before anything is sent."""
    with pytest.raises(InvalidArguments, match=said):
        sent_item({"customer": "c1", "price": {"net": value}})


numbers = st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=8
)
scalars = st.none() | st.booleans() | st.integers(-(10**37), 10**37) | numbers | st.text()
sets = st.sets(st.text(), min_size=1) | st.sets(st.binary(), min_size=1)
trees = st.recursive(
    scalars | st.binary() | sets,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), trees))
def test_every_value_survives(item: dict[str, Any]) -> None:
    """Whatever is sent is equal when it is received."""
    assert received_item(sent_item(item)) == item


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e100, max_value=1e100))
def test_floats_survive(value: float) -> None:
    """To the last bit, if they are turned into floats again."""
    if value == 0 or abs(value) > 1e-120:
        assert float(received_item(sent_item({"f": value}))["f"]) == value


# Paths and placeholders


@given(st.text(min_size=1), st.integers(0, 99))
def test_any_name_can_be_a_path(name: str, place: int) -> None:
    """None of them gets into the expression; only placeholders do."""
    escaped = "".join(f"\\{each}" if each in r".[]\\" else each for each in name)
    made = Expressions()
    assert made.path(f"{escaped}[{place}].in") == f"#_0[{place}].#_1"
    assert (
        made.parameters()["ExpressionAttributeNames"]
        in (
            {"#_0": name, "#_1": "in"},
            {"#_0": "in"},  # is the same name
        )
        or name == "in"
    )


@pytest.mark.parametrize("path", ["", ".", ".a", "a.", "a..b", "[0]", "a[x]", "a[0]b", "a]", "a["])
def test_what_is_no_path_is_refused(path: str) -> None:
    """Rather than sent as a name that nobody meant."""
    with pytest.raises(InvalidArguments, match="is no path"):
        Expressions().path(path)
