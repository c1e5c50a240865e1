"""``json``: JSON text with a table of types beside the data.

::

    {"v":1,"value":{"day":"2026-01-31","total":"1.50"},"types":{"day":"date","total":"decimal"}}

``value`` is the user's data, in JSON; ``types`` says where a value is not what JSON says, and
is left out if there is none. Since no mark ever stands inside the data, data that looks like a
mark is data. A node of the table is

- a text: the value here is of that type; names of `register_type` begin with ``@``
- ``[type, node]``: first the node is applied, then the type: a tuple of dates
- an object: nodes of the parts, by key or by index; ``"*"`` in a list is the node of them all

A type is a name that this program knows. Nothing is imported because data names it.
"""

import json
from collections.abc import Callable
from typing import Any, Final, NoReturn

from brickwork.builtin.serializers.json_types import BY_CLASS, BY_NAME, kind_of
from brickwork.errors import (
    BrickworkError,
    CorruptData,
    UnsupportedFormat,
    UnsupportedType,
)
from brickwork.serializer import Serializer, registered_name, registered_type

MAX_DEPTH: Final = 200
"""Levels of nesting that are written: far less than what Python can read on a deep stack."""

_VERSION: Final = 1
_START: Final = b'{"v":1,"value":'
_LEAVES: Final = frozenset({str, int, float, bool, type(None)})
_TEXT: Final = frozenset({str})
_UNORDERED: Final = frozenset({set, frozenset})
_MAX_PRINTED_INT: Final = 10**600  # every limit that sys.set_int_max_str_digits takes is above

Node = str | list[Any] | dict[str, Any]
Encoded = tuple[Any, Node | None]

_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class JsonSerializer(Serializer):
    """Dates, UUIDs, decimals, bytes, paths, sets, tuples, registered types, beside plain JSON.

    The bytes are UTF-8 and deterministic: dicts keep their order, sets are sorted. Exceptions come
    back as `StoredException`, blocks that are saved as their address, and are loaded from the
    vault. An aware datetime keeps its `ZoneInfo`; of other zones, its offset.
    """

    name = "json"

    def dumps(self, value: object) -> bytes:
        """Return the value as JSON. Raises UnsupportedType, SecretExposed."""
        plain = _dump_plain(value)
        if plain is not None:
            return plain
        try:
            raw, node = _encode(value)
            _is_plain(raw)  # only for its depth
            data = _START + _encoder.encode(raw).encode()
            if node is not None:
                data += b',"types":' + _encoder.encode(node).encode()
        except RecursionError:
            raise _too_deep() from None
        return data + b"}"

    def loads(self, data: bytes) -> object:
        """Return the value.

        Raises:
            CorruptData: No JSON of this kind.
            UnsupportedFormat: Made by a newer version.
            UnsupportedType: Of a registered type that this program has not registered.
        """
        value, node = _parse(data)
        if node is None:
            return value
        try:
            return _decode(value, node)
        except BrickworkError:
            raise
        except Exception as error:  # noqa: BLE001 - decoders meet data of any shape
            # From None: the cause may quote the data.
            raise _corrupt(f"its types and values disagree ({type(error).__name__})") from None


def _dump_plain(value: object) -> bytes | None:
    """Return JSON as the C encoder makes it, or None if that would lose something."""
    try:
        # First, since it notices what contains itself; the pass below would not end.
        text = _encoder.encode(value)
        return _START + text.encode() + b"}" if _is_plain(value) else None
    except (TypeError, ValueError, RecursionError):
        return None


def _is_plain(value: object) -> bool:
    """Whether all parts are exactly the types of JSON: no tuple, subclass, or key of other type.

    Level by level, and with ``issuperset``, since both run in C over many parts at once. Raises
    UnsupportedType if there are too many levels.
    """
    level = [value]
    for _ in range(MAX_DEPTH):
        deeper: list[object] = []
        for node in level:
            cls = type(node)
            parts: Any
            if cls is dict:
                if not _TEXT.issuperset(map(type, node)):  # type: ignore[call-overload]  # a dict
                    return False
                parts = node.values()  # type: ignore[attr-defined]  # a dict
            elif cls is list:
                parts = node
            elif cls in _LEAVES:
                continue
            else:
                return False
            if not _LEAVES.issuperset(map(type, parts)):
                deeper.extend([part for part in parts if type(part) not in _LEAVES])
        if not deeper:
            return True
        level = deeper
    raise _too_deep()


def _too_deep() -> UnsupportedType:
    return UnsupportedType(
        f"The value is nested deeper than {MAX_DEPTH} levels, or contains itself.",
        fix="Return it in a flatter form, as a list of rows for example.",
    )


def _encode(value: Any) -> Encoded:
    """Return a value for the C encoder, and its node of the table."""
    cls = type(value)
    if cls is dict:
        return _encode_dict(value)
    if cls is list:
        return _encode_list(value)
    if cls in _LEAVES and _fits(value):
        return value, None
    registered = registered_type(cls)
    if registered is not None:
        name, simpler = "@" + registered.name, registered.encode(value)
    else:
        kind = BY_CLASS.get(cls) or kind_of(value)
        name, simpler = kind.name, kind.encode(value)
    raw, inner = _encode_list(simpler, ordered=False) if cls in _UNORDERED else _encode(simpler)
    return raw, name if inner is None else [name, inner]


def _fits(value: Any) -> bool:
    """Whether JSON has words for a value of a leaf type."""
    cls = type(value)
    if cls is str:
        return bool(value.isascii()) or _is_unicode(value)
    if cls is float:
        return bool(value - value == 0)  # neither infinite nor NaN
    return cls is not int or -_MAX_PRINTED_INT < value < _MAX_PRINTED_INT


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _encode_dict(value: dict[Any, Any]) -> Encoded:
    if not all(type(key) is str and (key.isascii() or _is_unicode(key)) for key in value):
        raw, inner = _encode_list(BY_NAME["map"].encode(value))
        return raw, "map" if inner is None else ["map", inner]
    raws: dict[str, Any] = {}
    nodes: dict[str, Node] = {}
    for key, part in value.items():
        raws[key], node = _encode(part)
        if node is not None:
            nodes[key] = node
    return raws, nodes or None


def _encode_list(value: Any, *, ordered: bool = True) -> Encoded:
    parts = [_encode(part) for part in value]
    if not ordered:
        parts.sort(key=_encoder.encode)
    raws = [raw for raw, _ in parts]
    nodes = [node for _, node in parts]
    if nodes and nodes[0] is not None and all(node == nodes[0] for node in nodes):
        return raws, {"*": nodes[0]}
    return raws, {str(at): node for at, node in enumerate(nodes) if node is not None} or None


def _parse(data: bytes) -> tuple[Any, Node | None]:
    try:
        document = _decoder.decode(data.decode())
    except (ValueError, RecursionError):
        raise _corrupt("it is not JSON, or cut short") from None
    if type(document) is not dict or type(document.get("v")) is not int:
        raise _corrupt("it is JSON of something else")
    if document["v"] > _VERSION:
        raise UnsupportedFormat(
            f"The JSON has format {document['v']}; this Brickwork reads format {_VERSION}.",
            fix="Upgrade brickwork: python -m pip install -U brickwork",
        )
    if document["v"] != _VERSION or not {"v", "value"} <= document.keys() <= _FIELDS:
        raise _corrupt("it is JSON of something else")
    return document["value"], document.get("types")


_FIELDS: Final = {"v", "value", "types"}


def _decode(value: Any, node: Any) -> Any:
    if type(node) is str:
        return _decoder_of(node)(value)
    if type(node) is list:
        name, inner = node
        return _decoder_of(name)(_decode(value, inner))
    if type(value) is dict:
        for key, part in node.items():
            value[key] = _decode(value[key], part)
    elif node.keys() == {"*"}:
        return _decode_all(value, node["*"])
    else:
        for at, part in node.items():
            value[int(at)] = _decode(value[int(at)], part)
    return value


def _decode_all(values: Any, node: Any) -> Any:
    if type(values) is not list:
        raise TypeError("list expected")
    if type(node) is str:
        return list(map(_decoder_of(node), values))
    return [_decode(value, node) for value in values]


def _decoder_of(name: str) -> Callable[[Any], object]:
    if name.startswith("@"):
        return registered_name(name[1:]).decode
    return BY_NAME[name].decode


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


_decoder = json.JSONDecoder(parse_constant=_refuse_constant)


def _corrupt(why: str) -> CorruptData:
    return CorruptData(
        f"The JSON is damaged: {why}.",
        fix="Run the work again, or bring the file back from a backup.",
    )
