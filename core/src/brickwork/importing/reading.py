"""Reading what comes from outside: bounded in size, depth and number, with typed errors only."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from brickwork.errors import ConfigError, CorruptData

MAX_BYTES = 64 * 1024 * 1024
MAX_ENTRIES = 50_000
MAX_DEPTH = 60


def read_bytes(path: str) -> bytes:
    """Read a file, or standard input for ``-``.

    Raises:
        ConfigError: It cannot be read.
        CorruptData: It is too large.
    """
    try:
        if path == "-":
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise ConfigError(
            f"{path} cannot be read: {reason}.", fix="Name a file, or - for standard input."
        ) from None
    if len(data) > MAX_BYTES:
        raise CorruptData(
            f"{path} is larger than {MAX_BYTES // 1024**2} MB.", fix="Split it into several files."
        )
    return data


def parse_json(data: bytes | str, what: str) -> Any:
    """Read JSON.

    Args:
        data: The text; UTF-8.
        what: What it is, for messages.

    Raises:
        CorruptData: It is no JSON, or nested too deep; says where, and no value.
    """
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        value = json.loads(text, parse_constant=_no_number)
        _check_tree(value)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise CorruptData(f"{what} is no JSON: {where}.", fix="Export it again.") from None
    except UnicodeError:
        raise CorruptData(f"{what} is no UTF-8.", fix="Export it again as UTF-8.") from None
    except RecursionError:
        raise CorruptData(
            f"{what} is nested deeper than {MAX_DEPTH} levels.", fix="Take out what is so deep."
        ) from None
    except ValueError:  # a number of thousands of digits, or none
        raise CorruptData(f"{what} has a number that is none.", fix="Export it again.") from None
    return value


def check_count(entries: Sequence[Any] | dict[str, Any], what: str) -> None:
    """Refuse more than anybody has. Raises CorruptData."""
    if len(entries) > MAX_ENTRIES:
        raise CorruptData(
            f"{what} has more than {MAX_ENTRIES} entries, which are not taken at once.",
            fix="Split it into several files.",
        )


def _no_number(_: str) -> None:
    raise ValueError("NaN and Infinity are no JSON")


def _check_tree(value: Any) -> None:
    """Refuse what is too deep, and text that no encoding can carry."""
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                item.encode()
            elif isinstance(item, dict):
                for name in item:
                    name.encode()
                below += item.values()
            elif isinstance(item, list):
                below += item
        if not below:
            return
        level = below
    raise RecursionError
