"""Reads payloads into dataclasses whose fields say where they stand in the payload."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from brickwork_github.errors import GitHubWebhookRefused

T = TypeVar("T")


@dataclass(frozen=True)
class At:
    """Where a field stands in a payload, written behind its type in ``Annotated``.

    Attributes:
        path: Names with dots between: ``pull_request.head.sha``; ``[]`` behind one means each of a
            list: ``issue.labels[].name``.
    """

    path: str


class Place(NamedTuple):
    """A field and where it is read.

    Attributes:
        name: The field's.
        path: See `At`.
        kind: The type of the value, without None.
        nullable: Whether None is a value.
        optional: Whether it may be missing; the field's default counts then.
    """

    name: str
    path: str
    kind: Any
    nullable: bool
    optional: bool


def places(cls: type[Any]) -> tuple[Place, ...]:
    """Return where the fields of a dataclass are read; those without `At` are not."""
    return _places(cls)  # type: ignore[arg-type]  # mypy doubts that a class has a hash


@cache
def _places(cls: type[Any]) -> tuple[Place, ...]:
    hints = get_type_hints(cls, include_extras=True)
    found = []
    for field in fields(cls):
        if get_origin(hints[field.name]) is Annotated:
            kind, at = get_args(hints[field.name])
            nullable = get_origin(kind) in (Union, UnionType) and NoneType in get_args(kind)
            if nullable:
                (kind,) = (each for each in get_args(kind) if each is not NoneType)
            optional = field.default is not MISSING or field.default_factory is not MISSING
            found.append(Place(field.name, at.path, kind, nullable, optional))
    return tuple(found)


def read(cls: type[T], payload: Mapping[str, Any], /, **others: Any) -> T:
    """Make a dataclass of a payload.

    Args:
        cls: The dataclass.
        payload: The payload, or the part of it that the paths begin in.
        **others: The fields that are not read from it.

    Raises:
        GitHubWebhookRefused: A field is missing, or of another type.
    """
    values = dict(others)
    for place in places(cls):
        value = _found(payload, place.path.split("."))
        if value is None:
            if place.optional:
                continue
            if not place.nullable:
                raise _contradicts(place.path, "is missing")
        values[place.name] = None if value is None else _converted(place.kind, value, place.path)
    return cls(**values)


def _found(node: Any, path: list[str]) -> Any:
    """Return what stands at a path; None where something lacks on the way."""
    for number, name in enumerate(path):
        if not isinstance(node, Mapping):
            return None
        node = node.get(name.removesuffix("[]"))
        if name.endswith("[]") and isinstance(node, list) and path[number + 1 :]:
            each = (_found(one, path[number + 1 :]) for one in node)
            return [found for found in each if found is not None]  # of users who are gone
    return node


def _converted(kind: Any, value: Any, path: str) -> Any:
    if get_origin(kind) is tuple:
        inner = get_args(kind)[0]
        if isinstance(value, list):
            return tuple(_converted(inner, each, path) for each in value)
    elif is_dataclass(kind) and isinstance(kind, type):
        if isinstance(value, Mapping):
            return read(kind, value)
    elif kind is Any:
        return value
    else:
        cls, convert = _PLAIN[get_origin(kind) or kind]
        if isinstance(value, cls) and (cls is not int or not isinstance(value, bool)):
            try:
                return convert(value)
            except ValueError:  # of a moment that is none
                raise _contradicts(path, "is no moment of time") from None
    raise _contradicts(path, f"is of the type {type(value).__name__}")


def _as_is(value: Any) -> Any:
    return value


_PLAIN: Mapping[Any, tuple[type[Any], Callable[[Any], Any]]] = {
    str: (str, _as_is),
    int: (int, _as_is),
    bool: (bool, _as_is),
    Mapping: (dict, _as_is),
    datetime: (str, datetime.fromisoformat),
}


def _contradicts(path: str, how: str) -> GitHubWebhookRefused:
    return GitHubWebhookRefused(
        f"The payload is not what GitHub sends: {path} {how}.",
        status=400,
        fix="Look at the delivery on GitHub, in the webhook's settings under Recent Deliveries.",
    )
