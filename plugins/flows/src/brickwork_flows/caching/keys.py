"""Hashes of values that are the same in every process, today and tomorrow; or a clear refusal.

Nothing is pickled: what has no form of its own that says all about it is refused, since a key that
leaves something out would give back a wrong result.
"""

import sys
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from hashlib import blake2b
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MappingProxyType, ModuleType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from brickwork import Block, Secret, mask
from brickwork_flows.caching.source import code_parts
from brickwork_flows.errors import FlowError
from brickwork_flows.finding import entry_point

MAX_DEPTH = 100
MASKED_LENGTH = 10_000
"""Texts up to this length are searched for secrets. In a longer one nobody guesses a secret."""

JOINED_BYTES = 4096
"""Bytes up to this size are copied once more, which is faster than another call."""

_DIGEST_BYTES = 32
_FORM = b"brickwork-key-1"  # another one when values are hashed otherwise


class NotCacheable(FlowError):
    """A call has no key that could be trusted; the task runs, and its result is not cached."""


def digest(*values: Any) -> str:
    """Return a hash of values: the same for equal values of equal types, in every process.

    Raises:
        NotCacheable: A value has no stable form, or holds a secret.
    """
    hasher = Hasher()
    for value in values:
        hasher.add(value)
    return hasher.hexdigest()


class Hasher:
    """Hashes values one after another, each with its type and its length.

    Args:
        around: The one that a part of the values is hashed for.

    Attributes:
        depth: In how many containers the next value is.
        saved: Whether the values belong to a saved block, whose version stands for its secrets.
        unsaved: The slug of the block that they belong to, if it is not saved.
    """

    __slots__ = ("_hash", "depth", "saved", "unsaved")

    def __init__(self, around: "Hasher | None" = None) -> None:
        self._hash = blake2b(digest_size=_DIGEST_BYTES, person=_FORM)
        self.depth: int = 0 if around is None else around.depth
        self.saved: bool = around is not None and around.saved
        self.unsaved: str = "" if around is None else around.unsaved

    def hexdigest(self) -> str:
        """Return the hash of what was added so far."""
        return self._hash.hexdigest()

    def add(self, value: Any) -> None:
        """Add a value. Raises NotCacheable."""
        add = _EXACT.get(type(value))
        if add is None:
            add = _adder(value)
        if self.depth > MAX_DEPTH:
            raise NotCacheable("it is nested too deeply, or in itself")
        self.depth += 1
        add(self, value)
        self.depth -= 1

    def put(self, tag: str, data: bytes) -> None:
        """Add bytes under a tag, so that no two kinds of values look alike."""
        size = len(data)
        if size < JOINED_BYTES:
            self._hash.update(b"%s %d:%s" % (tag.encode(), size, data))
        else:
            self._hash.update(b"%s %d:" % (tag.encode(), size))
            self._hash.update(data)

    def put_all(self, tag: str, values: Iterable[Any], length: int) -> None:
        """Add values in their order."""
        self.put(tag, str(length).encode())
        for value in values:
            self.add(value)

    def put_unordered(self, tag: str, entries: Iterable[tuple[Any, ...]]) -> None:
        """Add tuples of values, in whatever order they come."""
        digests: list[bytes] = []
        for entry in entries:
            each = Hasher(self)
            for value in entry:
                each.add(value)
            digests.append(each._hash.digest())
        digests.sort()
        self.put(tag, b"".join(digests))


def named(kind: Any) -> str:
    """Return the module and the name of a class, a function or a task.

    Of what a program itself defines, its file and the name: `__main__` is every program's.
    """
    return entry_point(kind)


# Kinds of values


def _text(hasher: Hasher, value: str) -> None:
    if len(value) <= MASKED_LENGTH and mask(value) != value:
        _secret(hasher, value)
    else:
        hasher.put("str", value.encode("utf-8", "surrogatepass"))


def _secret(hasher: Hasher, _: Any) -> None:
    """Add that there is a secret, and nothing of it."""
    if hasher.saved:
        hasher.put("secret", b"")
    elif hasher.unsaved:
        raise NotCacheable(
            f"a block {hasher.unsaved} with secrets is not saved (a saved one counts by its "
            "address and version)"
        )
    else:
        raise NotCacheable("it is a secret, or holds one")


def _shown(tag: str, show: Callable[[Any], str]) -> Callable[[Hasher, Any], None]:
    def add(hasher: Hasher, value: Any) -> None:
        hasher.put(tag, show(value).encode("utf-8", "surrogatepass"))

    return add


def _bytes(hasher: Hasher, value: bytes) -> None:
    if len(value) <= MASKED_LENGTH:
        text = value.decode("utf-8", "replace")
        if mask(text) != text:
            _secret(hasher, value)
            return
    hasher.put("bytes", value)


def _path(hasher: Hasher, value: PurePath) -> None:
    hasher.put("path", named(type(value)).encode())
    _text(hasher, str(value))


def _mapping(hasher: Hasher, value: Mapping[Any, Any]) -> None:
    if all(type(key) is str for key in value):
        names = sorted(value)
        joined = "\n".join(names)
        if len(joined) <= MASKED_LENGTH and mask(joined) != joined:
            _secret(hasher, joined)
        hasher.put("dict", repr(names).encode())
        for name in names:
            hasher.add(value[name])
    else:
        hasher.put_unordered("any dict", value.items())


def _sequence(tag: str) -> Callable[[Hasher, Any], None]:
    return lambda hasher, value: hasher.put_all(tag, value, len(value))


def _set(hasher: Hasher, value: Any) -> None:
    hasher.put_unordered("set", ((each,) for each in value))


def _moment(hasher: Hasher, value: Any) -> None:
    hasher.put(type(value).__name__, f"{value.isoformat()} {value.fold}".encode())
    hasher.add(value.tzinfo)


def _zone(hasher: Hasher, value: ZoneInfo) -> None:
    if value.key is None:
        raise NotCacheable("a time zone without a name has no stable hash")
    hasher.put("zone", value.key.encode())


def _enum(hasher: Hasher, value: Enum) -> None:
    hasher.put("enum", f"{named(type(value))} {value.name}".encode())


def _class(hasher: Hasher, value: type) -> None:
    hasher.put("class", named(value).encode())


def _function(hasher: Hasher, value: FunctionType) -> None:
    if value.__closure__:
        raise NotCacheable(f"the function {named(value)} refers to variables around it")
    hasher.put("function", named(value).encode())
    for part in (*code_parts(value), value.__defaults__, value.__kwdefaults__):
        hasher.add(part)


def _builtin(hasher: Hasher, value: Any) -> None:
    if not isinstance(value.__self__, ModuleType):
        raise NotCacheable(f"the method {value.__qualname__} of an object has no stable hash")
    hasher.put("builtin", named(value).encode())


def _dataclass(hasher: Hasher, value: Any) -> None:
    held = {each.name: getattr(value, each.name) for each in fields(value)}
    hasher.put("dataclass", named(type(value)).encode())
    _mapping(hasher, held)


def _model(hasher: Hasher, value: Any) -> None:
    hasher.put("model", named(type(value)).encode())
    own = type(value).model_fields
    _mapping(hasher, {name: each for name, each in value.__dict__.items() if name in own})
    _mapping(hasher, value.__pydantic_extra__ or {})


def _attrs(hasher: Hasher, value: Any) -> None:
    held = {each.name: getattr(value, each.name) for each in type(value).__attrs_attrs__}
    hasher.put("attrs", named(type(value)).encode())
    _mapping(hasher, held)


def _named_tuple(hasher: Hasher, value: Any) -> None:
    hasher.put("named tuple", named(type(value)).encode())
    hasher.put_all("tuple", value, len(value))


def _own(hasher: Hasher, value: Any) -> None:
    own = value.__cache_key__()
    hasher.put("own", named(type(value)).encode())
    hasher.add(own)


def _block(hasher: Hasher, value: Block) -> None:
    """Add a block: a saved one by its address, its version and what is public in it.

    The public values count as well, since a reference may have another value today, and a block
    inside another may have another version.
    """
    key = value.__cache_key__()
    saved, unsaved = hasher.saved, hasher.unsaved
    if key is not None:
        hasher.saved = True
    elif not unsaved:
        hasher.unsaved = named(type(value)).partition(":")[2]
    hasher.put("block", f"{named(type(value))} {key}".encode())
    _mapping(hasher, {name: value.__dict__[name] for name in type(value).model_fields})
    hasher.saved, hasher.unsaved = saved, unsaved


def _array(hasher: Hasher, value: Any) -> None:
    if value.dtype.hasobject:
        raise NotCacheable("an array of Python objects has no stable hash")
    hasher.put("array", f"{value.dtype.descr} {value.shape}".encode())
    hasher.put("bytes", value.tobytes())


_EXACT: dict[type, Callable[[Hasher, Any], None]] = {
    type(None): _shown("none", repr),
    type(...): _shown("ellipsis", repr),
    bool: _shown("bool", repr),
    int: _shown("int", hex),
    float: _shown("float", repr),
    complex: _shown("complex", repr),
    str: _text,
    bytes: _bytes,
    bytearray: _bytes,
    list: _sequence("list"),
    tuple: _sequence("tuple"),
    dict: _mapping,
    MappingProxyType: _mapping,
    set: _set,
    frozenset: _set,
    range: _shown("range", repr),
    date: _shown("date", date.isoformat),
    datetime: _moment,
    time: _moment,
    timedelta: _shown("timedelta", repr),
    timezone: _shown("timezone", repr),
    ZoneInfo: _zone,
    UUID: _shown("uuid", str),
    Decimal: _shown("decimal", str),
    Fraction: _shown("fraction", str),
    FunctionType: _function,
    BuiltinFunctionType: _builtin,
    type: _class,
    OrderedDict: lambda hasher, value: hasher.put_all("ordered", value.items(), len(value)),
    Counter: _mapping,
    deque: _sequence("deque"),
    Secret: _secret,
}


def _adder(value: Any) -> Callable[[Hasher, Any], None]:
    """Return what adds a value whose very type is none of those above."""
    kind = type(value)
    if isinstance(value, Block):
        return _block
    if isinstance(value, Secret) or hasattr(kind, "get_secret_value"):
        return _secret
    if isinstance(value, type):
        return _class
    if hasattr(kind, "__cache_key__"):
        return _own
    if isinstance(value, Enum):
        return _enum
    if isinstance(value, PurePath):
        return _path
    if is_dataclass(kind):
        return _dataclass
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return _named_tuple
    if hasattr(kind, "__attrs_attrs__"):
        return _attrs
    if hasattr(kind, "model_fields") and hasattr(kind, "__pydantic_validator__"):
        return _model
    numpy = sys.modules.get("numpy")
    if numpy is not None and (kind is numpy.ndarray or isinstance(value, numpy.generic)):
        return _array
    raise NotCacheable(f"a value of type {named(kind)} has no stable hash")
