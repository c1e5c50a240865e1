"""Python's values as DynamoDB's, and back.

See https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html.
"""

from collections.abc import Mapping, Set as AbstractSet
from decimal import Decimal, DecimalException
from typing import Any

from brickwork import InvalidArguments, Secret

_FIX = (
    "Give text, numbers, bools, None, bytes, lists, dicts, or sets of only texts, numbers or bytes."
)

_KINDS: tuple[tuple[type, ...], ...] = ((str,), (bytes,), (int, Decimal))


def sent_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item, or a key, as it is sent.

    Raises:
        InvalidArguments: A value in it is none of DynamoDB's; says where, not which.
    """
    return {_name(name, ""): sent(value, name) for name, value in item.items()}


def sent(value: Any, where: str) -> dict[str, Any]:
    """Return a value as it is sent: ``{"N": "1"}``. Raises as `sent_item`.

    Args:
        value: The value.
        where: What it is the value of, for the message.
    """
    from boto3.dynamodb.types import TypeSerializer

    value = plain(value, where)
    try:
        made: dict[str, Any] = TypeSerializer().serialize(value)
    except DecimalException:  # of a number within the value
        raise _refused(
            where,
            "has a number of more than 38 digits, or too large or small",
            "Round it, or give text",
        ) from None
    return made


def plain(value: Any, where: str = "") -> Any:
    """Return a value with only such types in it as boto3 takes: floats are decimals, and so on.

    Raises:
        InvalidArguments: There is one that DynamoDB has not.
    """
    if isinstance(value, Secret):
        return value.reveal()
    if value is None or isinstance(value, bool | str | bytes):
        return value
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if isinstance(value, int | float | Decimal):
        return _number(value, where)
    if isinstance(value, Mapping):
        return {_name(name, where): plain(each, f"{where}.{name}") for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each, f"{where}[{place}]") for place, each in enumerate(value)]
    if isinstance(value, AbstractSet):
        return _set(value, where)
    raise _refused(where, f"is a {type(value).__name__}, which DynamoDB has not", _FIX)


def received_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item as Python's values: numbers without a fraction are int, others Decimal."""
    from boto3.dynamodb.types import TypeDeserializer

    deserializer = TypeDeserializer()
    return {name: _received(deserializer.deserialize(value)) for name, value in item.items()}


def is_key(value: Any) -> bool:
    """Tell whether a value can be that of a key: text, a number or bytes."""
    return any(_is(kind, plain(value)) for kind in _KINDS)


def _received(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value
    if isinstance(value, dict):
        return {name: _received(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_received(each) for each in value]
    if isinstance(value, set):
        return {_received(each) for each in value}
    # Bytes come in a class of boto3's own.
    return bytes(value) if type(value).__name__ == "Binary" else value


def _number(value: float | Decimal, where: str) -> int | Decimal:
    if isinstance(value, int):
        return value
    # By its shortest text: 0.1 is 0.1, and not the 55 digits of the nearest binary fraction.
    number = Decimal(str(value)) if isinstance(value, float) else value
    if number.is_finite():
        return number
    raise _refused(
        where, "is NaN or infinite, which no number of DynamoDB is", "Leave it out, or give None"
    )


def _set(values: AbstractSet[Any], where: str) -> set[Any]:
    found = {plain(each, f"{where}{{}}") for each in values}
    if not found:
        raise _refused(where, "is an empty set, which DynamoDB has not", "Leave it out")
    if not any(all(_is(kind, each) for each in found) for kind in _KINDS):
        raise _refused(where, "is a set of other things than texts, numbers or bytes alone", _FIX)
    return found


def _is(kind: tuple[type, ...], value: Any) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _name(name: Any, where: str) -> str:
    if isinstance(name, str):
        return name
    raise _refused(where, f"has a name that is a {type(name).__name__}, not a text", _FIX)


def _refused(where: str, what: str, fix: str) -> InvalidArguments:
    return InvalidArguments(f"{where or 'The item'} {what}.", fix=f"{fix.rstrip('.')}.")
