"""Python's values as parameters of the Data API of RDS."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import Any
from uuid import UUID

from brickwork import InvalidArguments
from brickwork_aws.operations import revealed
from brickwork_aws.payloads import to_json

_LONG = range(-(2**63), 2**63)


def sent_parameters(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the values of parameters as they are sent.

    See https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/API_SqlParameter.html.

    Raises:
        InvalidArguments: The Data API knows no such value.
    """
    return [_sent(name, revealed(value)) for name, value in values.items()]


def sent_sets(sets: Iterable[Mapping[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return sets of parameters as they are sent. As `sent_parameters`."""
    return [sent_parameters(each) for each in sets]


def _sent(name: str, value: Any) -> dict[str, Any]:
    kind, sent, hint = _typed(name, value)
    hinted = {} if hint is None else {"typeHint": hint}
    return {"name": name, "value": {kind: sent}, **hinted}


def _typed(name: str, value: Any) -> tuple[str, Any, str | None]:
    """Return the kind of a field, what is in it, and what the database shall take it for."""
    if value is None:
        return "isNull", True, None
    if isinstance(value, bool):
        return "booleanValue", value, None
    if isinstance(value, int) and value in _LONG:
        return "longValue", int(value), None
    if isinstance(value, str):
        return "stringValue", str.__str__(value), None  # of a member of an Enum, too
    if isinstance(value, bytes | bytearray | memoryview):
        return "blobValue", bytes(value), None
    if isinstance(value, float) and isfinite(value):
        return "doubleValue", value, None
    text, hint = _hinted(name, value)
    return "stringValue", text, hint


def _hinted(name: str, value: Any) -> tuple[str, str]:
    if isinstance(value, int | Decimal) and Decimal(value).is_finite():
        return format(Decimal(value), "f"), "DECIMAL"
    if isinstance(value, datetime):
        # The Data API's session is in UTC, and a text of its has no zone.
        plain = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
        return plain.isoformat(" ", _digits(value)), "TIMESTAMP"
    if isinstance(value, date):
        return value.isoformat(), "DATE"
    if isinstance(value, time) and value.tzinfo is None:
        return value.isoformat(_digits(value)), "TIME"
    if isinstance(value, UUID):
        return str(value), "UUID"
    if isinstance(value, Mapping | list | tuple):
        return to_json(value, f"The parameter {name}"), "JSON"
    what = "number that is none" if isinstance(value, float | Decimal) else type(value).__name__
    raise InvalidArguments(
        f"The parameter {name} is a {what}, which the Data API does not take.",
        fix="Give text, a number, a bool, None, bytes, a date or a time without a zone, a UUID, a "
        "list or a dict; or a text, and cast it in the statement.",
    )


def _digits(value: datetime | time) -> str:
    # More than three behind the point are not taken.
    return "milliseconds" if value.microsecond else "seconds"
