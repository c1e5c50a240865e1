"""Telling whether a call has the arguments that it had before, at little cost."""

import sys
from collections.abc import Mapping
from typing import Any

from brickwork import Secret

_SCALARS = frozenset({type(None), bool, int, float, str, bytes})
_NONE = ""


def fingerprint(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """Return a fingerprint of arguments: other for other plain values, sizes and types.

    Values that have no plain form count by their type alone: it is to notice a flow that takes
    another way when it is replayed, and not to prove that it does not.
    """
    if not args and not kwargs:
        return _NONE
    from hashlib import blake2b

    parts: list[str] = []
    for value in args:
        _add(parts, value, 3)
    for name in kwargs:
        parts.append(name)
        _add(parts, kwargs[name], 3)
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _add(parts: list[str], value: Any, depth: int) -> None:
    kind = type(value)
    if kind in _SCALARS:
        parts.append(repr(value) if kind is not str else value)
    elif _is_block(value):
        # Of whatever version: a secret that was rotated since is no reason to refuse a replay.
        address = value.address
        parts.append(f"{kind.__name__} {address and f'{address.slug}/{address.name}'}")
    elif isinstance(value, Secret):
        parts.append("secret")
    elif kind in (list, tuple):
        parts.append(f"{kind.__name__} {len(value)}")
        if depth:
            for each in value[:100]:
                _add(parts, each, depth - 1)
    elif kind is dict:
        parts.append(f"dict {len(value)}")
        if depth:
            for key in list(value)[:100]:
                _add(parts, key, depth - 1)
                _add(parts, value[key], depth - 1)
    else:
        parts.append(kind.__qualname__)


def _is_block(value: Any) -> bool:
    # A program without blocks has not imported them, and does not pay for that here.
    if "brickwork.block" not in sys.modules:
        return False
    from brickwork import Block

    return isinstance(value, Block)
