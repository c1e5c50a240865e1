"""Types in words, and as annotations."""

import json
import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from uuid import UUID

from pydantic import AnyUrl

from brickwork.block import Block
from brickwork.secret import Secret
from brickwork.tasks.parameters import EMPTY
from brickwork.vault.shapes import REQUIRED, Shape

_WORDS: tuple[tuple[type, str], ...] = (
    (str, "text"),
    (bool, "yes or no"),
    (int, "whole number"),
    (float, "number"),
    (Decimal, "decimal number"),
    (bytes, "bytes"),
    (datetime, "date and time"),
    (date, "date"),
    (time, "time of day"),
    (timedelta, "duration"),
    (PurePath, "path"),
    (UUID, "UUID"),
    (AnyUrl, "URL"),
)
_SPELLED = {
    "Aws": "AWS",
    "Ses": "SES",
    "Sns": "SNS",
    "Sqs": "SQS",
    "Url": "URL",
    "Git Hub": "GitHub",
}
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def words(shape: Shape) -> str:
    """Say in words what may stand in a place."""
    bare = shape.bare
    if shape.kind == "secret":
        return "secret"
    if shape.kind == "block":
        return "block" if bare is Block else f"block {bare.__dict__.get('slug', bare.__name__)}"
    if shape.kind == "union":
        return " or ".join(dict.fromkeys(words(each) for each in shape.options))
    if shape.kind == "choice":
        return f"one of {', '.join(str(each) for each in shape.choices)}"
    if shape.kind == "list":
        return f"list of {words(shape.options[0])}"
    if shape.kind == "dict":
        return f"mapping to {words(shape.options[0])}"
    if shape.kind == "any":
        return "anything"
    if isinstance(bare, type):
        for cls, word in _WORDS:
            if issubclass(bare, cls):
                return word
    return str(getattr(bare, "__name__", bare))


def title(name: str) -> str:
    """Return the words of a class's name: ``S3Bucket`` is ``S3 bucket``."""
    parts = re.findall(r"[A-Z]+(?![a-z])[0-9]*|[A-Z][a-z]*[0-9]*|[a-z0-9]+", name)
    text = " ".join(parts)
    for wrong, right in _SPELLED.items():
        text = re.sub(rf"\b{wrong}\b", right, text)
    first, *rest = text.split(" ")
    kept = [each if each in _SPELLED.values() else each[:1].lower() + each[1:] for each in rest]
    return " ".join([first, *kept])


def default(value: Any) -> str:
    """Return a field's default as JSON; empty where it has none, or is None or empty."""
    if value is REQUIRED or value is None or isinstance(value, Secret | Block):
        return ""
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    value = getattr(value, "value", value)  # a member of an Enum
    if isinstance(value, dict | list | tuple) and not value:
        return ""
    try:
        return json.dumps(value, default=_text, ensure_ascii=False)
    except (TypeError, ValueError):
        return ""


def shown_default(value: Any) -> str:
    """Return a parameter's default as in Python; empty where it has none."""
    if value is EMPTY:
        return ""
    text = repr(value)
    return "..." if _ADDRESS.search(text) else text


def annotation(kind: Any) -> str:
    """Return an annotation as a person would write it."""
    if kind is EMPTY:
        return ""
    if isinstance(kind, type) and not hasattr(kind, "__origin__"):
        return kind.__name__
    text = _ADDRESS.sub("", str(kind))
    return re.sub(r"\b(?:[a-z_][A-Za-z0-9_]*\.)+(?=[A-Za-z_])", "", text)


def _text(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    text = str(value)
    if hasattr(value, "model_dump") or _ADDRESS.search(text):
        raise TypeError("a model, whose fields say it, or an object without a text of its own")
    return text
