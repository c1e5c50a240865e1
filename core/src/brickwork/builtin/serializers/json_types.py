"""The types that ``json`` knows from home: each becomes a simpler value and comes back.

A kind's ``encode`` returns a value made of kinds that are simpler than it; its ``decode`` gets
that value back. What ``decode`` raises is turned into CorruptData by the caller.
"""

import base64
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple
from uuid import UUID

from brickwork.errors import SecretExposed, UnsupportedType
from brickwork.secret import Secret
from brickwork.serializer import StoredException


class Kind(NamedTuple):
    """A type, its name in the type table, and how its values become simpler ones and back."""

    name: str
    cls: type[Any]
    encode: Callable[[Any], object]
    decode: Callable[[Any], object]


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise TypeError("text expected")
    return raw


def _list(raw: object) -> list[Any]:
    if not isinstance(raw, list):
        raise TypeError("list expected")
    return raw


def _from_base64(raw: object) -> bytes:
    return base64.b64decode(_text(raw), validate=True)


def _encode_moment(value: Any) -> object:
    # isoformat leaves out which of two equal wall times is meant, and the name of the zone.
    zone = _zone_key(value.tzinfo)
    if not zone and not value.fold:
        return value.isoformat()
    bare = value.replace(fold=0, tzinfo=None) if zone else value.replace(fold=0)
    return [bare.isoformat(), value.fold, zone]


def _zone_key(zone: object) -> str | None:
    module = sys.modules.get("zoneinfo")
    if module is not None and type(zone) is module.ZoneInfo:
        key: str | None = zone.key  # type: ignore[attr-defined]  # of ZoneInfo, checked above
        return key
    return None


def _decode_moment(cls: Any) -> Callable[[Any], object]:
    def decode(raw: Any) -> object:
        if isinstance(raw, str):
            return cls.fromisoformat(raw)
        text, fold, zone = _list(raw)
        value = cls.fromisoformat(_text(text)).replace(fold=fold)
        if zone is None:
            return value
        from zoneinfo import ZoneInfo

        return value.replace(tzinfo=ZoneInfo(_text(zone)))  # refuses keys that leave its folder

    return decode


def _decode_map(raw: Any) -> object:
    pairs = _list(raw)
    value = dict(map(_list, pairs))
    if len(value) != len(pairs):
        raise ValueError("a key stands there twice")
    return value


def _decode_set(cls: Any) -> Callable[[Any], object]:
    def decode(raw: Any) -> object:
        value = cls(_list(raw))
        if len(value) != len(raw):
            raise ValueError("an element stands there twice")
        return value

    return decode


def _decode_block(raw: Any) -> object:
    from brickwork.block import Block

    return Block.load(_text(raw))


KINDS = (
    # Floats that JSON has no words for, integers that Python does not print, broken text.
    Kind("float", float, repr, lambda raw: float(_text(raw))),
    Kind("int", int, hex, lambda raw: int(_text(raw), 16)),
    Kind(
        "str",
        str,
        lambda value: value.encode("utf-8", "surrogatepass").hex(),
        lambda raw: bytes.fromhex(_text(raw)).decode("utf-8", "surrogatepass"),
    ),
    Kind("map", dict, lambda value: [list(pair) for pair in value.items()], _decode_map),
    Kind("tuple", tuple, list, lambda raw: tuple(_list(raw))),
    Kind("set", set, list, _decode_set(set)),
    Kind("frozenset", frozenset, list, _decode_set(frozenset)),
    Kind("bytes", bytes, lambda value: base64.b64encode(value).decode(), _from_base64),
    Kind(
        "bytearray",
        bytearray,
        lambda value: base64.b64encode(value).decode(),
        lambda raw: bytearray(_from_base64(raw)),
    ),
    Kind(
        "complex",
        complex,
        lambda value: [repr(value.real), repr(value.imag)],
        lambda raw: complex(*[float(_text(part)) for part in _list(raw)]),
    ),
    Kind("date", date, date.isoformat, lambda raw: date.fromisoformat(_text(raw))),
    Kind("datetime", datetime, _encode_moment, _decode_moment(datetime)),
    Kind("time", time, _encode_moment, _decode_moment(time)),
    Kind(
        "timedelta",
        timedelta,
        lambda value: [value.days, value.seconds, value.microseconds],
        lambda raw: timedelta(*_list(raw)),
    ),
    Kind("decimal", Decimal, str, lambda raw: Decimal(_text(raw))),
    Kind("uuid", UUID, str, lambda raw: UUID(_text(raw))),
    Kind("path", type(Path()), str, lambda raw: Path(_text(raw))),
    Kind("pure-posix-path", PurePosixPath, str, lambda raw: PurePosixPath(_text(raw))),
    Kind("pure-windows-path", PureWindowsPath, str, lambda raw: PureWindowsPath(_text(raw))),
    Kind(
        "exception",
        StoredException,
        lambda error: [error.name, error.text],
        lambda raw: StoredException(*map(_text, _list(raw))),
    ),
    Kind("block", object, lambda block: str(block.address), _decode_block),
)

BY_NAME: Mapping[str, Kind] = {kind.name: kind for kind in KINDS}
BY_CLASS: Mapping[type[Any], Kind] = {kind.cls: kind for kind in KINDS if kind.cls is not object}


def kind_of(value: object) -> Kind:
    """Return the kind of a value whose exact class has none.

    Raises:
        SecretExposed: It is a secret, or a block that may hold some and is not saved.
        UnsupportedType: It has none.
    """
    if isinstance(value, BaseException):
        return _ANY_EXCEPTION
    if isinstance(value, Secret) or _is_foreign_secret(value):
        raise SecretExposed(
            "A secret cannot be written as JSON: its value would stand there in clear.",
            fix="Save it in a block and return the block, or reveal it where it must be written.",
        )
    if _is_block(value):
        if value.address is None:  # type: ignore[attr-defined]  # of Block
            raise SecretExposed(
                f"A {type(value).__name__} that is not saved cannot be written as JSON: its"
                " secrets would stand there in clear.",
                fix="Save it first, block.save(name): then its address is written.",
            )
        return BY_NAME["block"]
    raise _unsupported(value)


_ANY_EXCEPTION = Kind(
    "exception",
    BaseException,
    lambda error: BY_NAME["exception"].encode(StoredException.of(error)),
    BY_NAME["exception"].decode,
)


def _is_block(value: object) -> bool:
    module = sys.modules.get("brickwork.block")  # not imported: then it is none
    return module is not None and isinstance(value, module.Block)


def _is_foreign_secret(value: object) -> bool:
    module = sys.modules.get("pydantic.types")
    return module is not None and isinstance(value, module.SecretStr | module.SecretBytes)


def _unsupported(value: object) -> UnsupportedType:
    cls = type(value)
    name = cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__name__}"
    if isinstance(value, type):
        return UnsupportedType(
            f"'json' cannot store the class {value.__name__} itself.", fix="Return a value."
        )
    own = (
        hasattr(cls, "__dataclass_fields__")
        or hasattr(cls, "model_fields")
        or hasattr(cls, "__members__")
        or hasattr(cls, "_fields")
    )
    word = cls.__name__.lower()
    how = f'@register_type("{word}") above the class' if own else _how(value, word, cls.__name__)
    return UnsupportedType(f"'json' does not know the type {name}.", fix=f"{how}.")


def _how(value: object, word: str, class_name: str) -> str:
    if isinstance(value, dict | list | tuple | str | int | float | set | PurePath):
        return (
            f"Convert it to the built-in type that it extends, or"
            f' register_type("{word}", {class_name}, encode=..., decode=...)'
        )
    return (
        f'Return plain data, register_type("{word}", {class_name}, encode=..., decode=...), or'
        ' use the serializer "pickle"'
    )
