"""What commands print: tables, JSON, notes. Plain unless a terminal reads it.

Texts are masked first and made harmless second, before any layout cuts or wraps them: half a
secret is not recognised, and a saved value must not be able to move the cursor.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import click

from brickwork.masking import masker

F = TypeVar("F", bound=Callable[..., Any])

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_STYLES = {"ok": "green", "failed": "bold red", "warning": "yellow", "skipped": "dim"}


def json_option(command: F) -> F:
    """Give a command ``--json``; it arrives as ``as_json``."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print JSON; its shape is named in it."
    )(command)


def print_json(shape: str, content: Mapping[str, object]) -> None:
    """Print one JSON object.

    Args:
        shape: Its shape and the version of that: ``block.list/1``.
        content: What it holds, already made of JSON values.
    """
    whole = {"schema": f"brickwork.{shape}", **content}
    text = json.dumps(whole, indent=2, ensure_ascii=False, default=str)
    # Between the tokens of JSON stand only spaces and newlines, so this changes only strings.
    print_text(re.sub(r"[\x7f-\x9f\u200e-\u202e\u2066-\u2069\ud800-\udfff]", _escaped, text))


def print_text(text: str) -> None:
    """Print text as it is, but for secrets."""
    sys.stdout.write(f"{text}\n")


def note(text: str) -> None:
    """Tell something about the work, beside the output: on standard error."""
    sys.stderr.write(f"{harmless_lines(text)}\n")
    sys.stderr.flush()


def harmless_lines(text: str) -> str:
    """Return a text of several lines, masked, with control characters written out."""
    return "\n".join(_CONTROL.sub(_visible, line) for line in masker.mask(text).split("\n"))


def harmless(value: object) -> str:
    """Return a value as one line of text: masked, control characters written out."""
    return _CONTROL.sub(_visible, masker.mask(str(value)))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table: by rich on a terminal, else aligned with spaces and never cut."""
    columns = [harmless(column) for column in columns]
    cells = [[harmless(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _print_rich(columns, cells)
        return
    lines = [[column.upper() for column in columns], *cells]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    for line in lines:
        padded = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print_text(padded.rstrip())


def _print_rich(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    Console(file=sys.stdout).print(table)


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _visible(found: re.Match[str]) -> str:
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(found[0], _escaped(found))
