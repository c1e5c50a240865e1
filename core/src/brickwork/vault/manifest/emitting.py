"""JSON values as YAML that reads the same by YAML 1.1 and 1.2, and that people can edit."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_WORD = r"(?:[A-Za-z0-9_./@+={}$-]|:(?=[A-Za-z0-9_/])|(?<=[A-Za-z0-9_])#(?=[A-Za-z0-9_]))+"
_PLAIN = re.compile(rf"(?=[A-Za-z_/$]){_WORD}(?: {_WORD})*")
_PLAIN_KEY = re.compile(r"[A-Za-z_$/][A-Za-z0-9_./$-]*")
_MEANS_MORE = re.compile(r"y|n|yes|no|on|off|true|false|null", re.IGNORECASE)
_LINES = re.compile(r"(?! )[^\n]+(?:\n[^\n]*)*?[^\n]\n?")
_LONGEST_KEY = 200  # YAML wants what is longer than 1,024 characters to be marked
_MARKS = ({"$block"}, {"$kept"})


def yaml_lines(value: Mapping[str, Any], indent: int = 0) -> Iterator[str]:
    """Yield the lines of a mapping of JSON values.

    Args:
        value: The mapping; its order stays.
        indent: How many spaces to begin each line with.
    """
    pad = " " * indent
    for key, item in value.items():
        text = _key(key)
        if len(text) > _LONGEST_KEY:
            yield f"{pad}? {text}"
            text = ""
        yield from _after(f"{pad}{text}:", item, indent)


def quoted(text: str) -> str:
    """Return a text in double quotes."""
    escaped = json.dumps(text, ensure_ascii=False)
    return "".join(each if _printable(each) else _escape(each) for each in escaped)


def _after(start: str, value: Any, indent: int) -> Iterator[str]:
    """Yield a value after a key or a dash, on the same line or below it."""
    if isinstance(value, Mapping):
        if not value:
            yield f"{start} {{}}"
        elif set(value) in _MARKS and isinstance(next(iter(value.values())), str):
            [(mark, what)] = value.items()
            yield f"{start} {{{mark}: {_key(what)}}}"
        elif start.endswith("-"):
            first, *others = yaml_lines(value, indent + 2)
            yield start + first[len(start) :]
            yield from others
        else:
            yield start
            yield from yaml_lines(value, indent + 2)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        if not value:
            yield f"{start} []"
            return
        yield start
        for item in value:
            yield from _after(f"{' ' * (indent + 2)}-", item, indent + 2)
    elif isinstance(value, str) and _in_lines(value):
        yield f"{start} |{'' if value.endswith(chr(10)) else '-'}"
        for line in value.removesuffix("\n").split("\n"):
            yield f"{' ' * (indent + 2)}{line}" if line else ""
    else:
        yield f"{start} {_scalar(value)}"


def _key(text: str) -> str:
    plain = _PLAIN_KEY.fullmatch(text) and not _MEANS_MORE.fullmatch(text)
    return text if plain else quoted(text)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    if isinstance(value, int | float):
        return repr(value)
    text = str(value)
    plain = _PLAIN.fullmatch(text) and not _MEANS_MORE.fullmatch(text)
    return text if plain else quoted(text)


def _in_lines(text: str) -> bool:
    """Tell whether a text can stand as its lines, as a private key does."""
    if "\n" not in text.removesuffix("\n") or not _LINES.fullmatch(text):
        return False
    lines = text.removesuffix("\n").split("\n")
    return all(line == line.rstrip() and all(map(_printable, line)) for line in lines)


def _printable(character: str) -> bool:
    return character.isprintable() or character == " "


def _escape(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
