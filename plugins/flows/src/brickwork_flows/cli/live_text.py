"""Lines for a terminal: cut to its width, with and without colours."""

import unicodedata
from typing import Literal, NamedTuple

Style = Literal["", "green", "red", "yellow", "cyan", "dim"]

_CODES = {"green": "32", "red": "31", "yellow": "33", "cyan": "36", "dim": "2"}


class Row(NamedTuple):
    """A line.

    Attributes:
        depth: How deep it stands in the tree.
        sign: What stands before it.
        style: The sign's colour.
        label: What it is.
        about: What there is to say of it.
        ended: Whether nothing more happens there.
    """

    depth: int
    sign: str
    style: Style
    label: str
    about: str
    ended: bool

    def text(self, width: int, *, colours: bool) -> str:
        """Return it as text of at most so many cells."""
        head, sign = "  " * self.depth, f"{self.sign} " if self.sign else ""
        about = f"  {self.about}" if self.about else ""
        text = cut(f"{head}{sign}{self.label}{about}".rstrip(), width)
        if not colours:
            return text
        signed = len(head) + len(sign)
        named = signed + len(self.label)
        return (
            text[: len(head)]
            + _styled(text[len(head) : signed], self.style)
            + text[signed:named]
            + _styled(text[named:], "dim")
        )


def _styled(text: str, style: Style) -> str:
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if style and text.strip() else text


def cells(text: str) -> int:
    """Return how many cells of a terminal a text of one line takes, without colours."""
    if text.isascii():
        return len(text)
    return sum(map(_cell, text))


def _cell(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cut(text: str, width: int) -> str:
    """Return as much of a text as fits into so many cells, with an ellipsis where it was cut."""
    if cells(text) <= width:
        return text
    kept, taken = [], 0
    for char in text:
        taken += _cell(char)
        if taken > width - 1:
            break
        kept.append(char)
    return f"{''.join(kept)}~" if width > 0 else ""
