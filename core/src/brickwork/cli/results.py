"""What a task returned, as JSON or as text; never a secret."""

import dataclasses
import enum
import json
from base64 import b64encode
from collections.abc import Mapping, Set as AbstractSet
from typing import Any

from pydantic import BaseModel

from brickwork.block import Block
from brickwork.secret import HIDDEN, Secret

_DEEPEST = 50


def jsonable(value: Any, depth: int = 0) -> Any:
    """Return a value as JSON: a secret hidden, bytes as base64, others as their ``str``."""
    if depth > _DEEPEST:
        return "..."
    if isinstance(value, Secret):
        return HIDDEN
    if isinstance(value, enum.Enum):
        return jsonable(value.value, depth + 1)
    if value is None or isinstance(value, bool | int | float | str):
        finite = not isinstance(value, float) or abs(value) < float("inf")
        return value if finite else str(value)
    if isinstance(value, bytes | bytearray):
        return {"base64": b64encode(value).decode()}
    if isinstance(value, Block) and value.address is not None:
        return {"$block": str(value.address)}
    fields = _fields(value)
    if fields is not None:
        return {str(key): jsonable(item, depth + 1) for key, item in fields.items()}
    if isinstance(value, list | tuple | AbstractSet):
        return [jsonable(item, depth + 1) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def as_text(value: Any) -> str:
    """Return a value as text for people: a text as it is, anything else as readable JSON."""
    plain = jsonable(value)
    if isinstance(plain, str):
        return plain
    return json.dumps(plain, indent=2, ensure_ascii=False)


def _fields(value: Any) -> Mapping[Any, Any] | None:
    if isinstance(value, Mapping):
        return value
    if isinstance(value, BaseModel):
        return value.__dict__
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        named: Mapping[Any, Any] = value._asdict()
        return named
    return None
