"""Cuts and splits texts where nothing is torn: words, entities, links, emoji, code.

A text is seen as pieces that stay whole. Marks and fences that are open at a cut are closed there,
and in a text that is split opened again.
"""

import re
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from brickwork_slack.blockkit.limits import size

_EMOJI = r":[a-z0-9_+'-]{1,64}:(?::skin-tone-[2-6]:)?"
# A letter with its accents, a flag, an emoji of several with joiners, a mark and what mutes it.
_JOINED = "[\u0300-\u036f\u200b\u200d\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff]"
_LETTER = rf"(?:[\U0001f1e6-\U0001f1ff]{{2}}|.)(?:{_JOINED}|(?<=\u200d).){{0,24}}"
_PLAIN = re.compile(rf"\n+|[ \t]+|{_EMOJI}|{_LETTER}", re.DOTALL)
_MARKUP = re.compile(rf"\n+|[ \t]+|<[^<>\n]*>|&(?:amp|lt|gt);|```|{_EMOJI}|{_LETTER}", re.DOTALL)
_MARK = re.compile(r"<[^<>\n]*>|```|\n|[`*_~]")

_FENCE = "```"
_LONGEST_CLOSE = 4  # a newline and a fence, or four marks
_COUNTED = 400  # shorter texts are cut without a count, which would take too much of them


class _Open(NamedTuple):
    """What is open at a place of a text."""

    fence: bool = False
    marks: str = ""

    @property
    def closing(self) -> str:
        return f"\n{_FENCE}" if self.fence else self.marks[::-1]

    @property
    def opening(self) -> str:
        return f"{_FENCE}\n" if self.fence else self.marks


def cut(text: str, limit: int, *, markup: bool = False) -> str:
    """Return a text that is not longer than a limit, with a mark where it had to be cut.

    The mark is an ellipsis, and in a longer text how many characters are left out.

    Args:
        text: The text.
        limit: As `size` counts; 16 or more.
        markup: Whether it is Slack's markup.
    """
    if size(text) <= limit:
        return text
    longest = _left_out(len(text), limit)
    room = limit - size(longest) - _LONGEST_CLOSE
    pieces = _enough(_pieces(text, room, markup=markup), room)
    kept = "".join(pieces[: _end(pieces, 0, room)])
    head = kept.rstrip()
    closing = _open_at(head).closing if markup else ""
    return f"{head}{closing}{_left_out(len(text) - len(kept), limit)}"


def split(text: str, limit: int, *, markup: bool = False) -> list[str]:
    """Return a text in parts that are not longer than a limit; none for one that is blank.

    Args:
        text: The text.
        limit: As `size` counts; 32 or more.
        markup: Whether it is Slack's markup.
    """
    if size(text) <= limit:
        return [text] if text.strip() else []
    room = limit - 2 * _LONGEST_CLOSE
    pieces = list(_pieces(text, room, markup=markup))
    return list(_parts(pieces, room, markup=markup))


def _parts(pieces: list[str], room: int, *, markup: bool) -> Iterator[str]:
    begin, still = 0, _Open()
    while begin < len(pieces):
        end = _end(pieces, begin, room)
        part = "".join(pieces[begin:end])
        begin = end
        # In code the spaces at the begin of a line count.
        part = part.strip("\n") if still.fence else part.strip()
        if not part:
            continue
        part = still.opening + part
        still = _open_at(part) if markup else still
        closed = part + still.closing
        if still.fence:
            begin, still = _beyond_fence(pieces, begin, still)
        if closed.replace(_FENCE, "").strip():
            yield closed


def _beyond_fence(pieces: list[str], at: int, still: _Open) -> tuple[int, _Open]:
    """Go beyond the end of a fence that comes next, since the part before has closed it."""
    next_at = at + (at < len(pieces) and not pieces[at].strip("\n"))
    if pieces[next_at : next_at + 1] == [_FENCE]:
        return next_at + 1, _Open()
    return at, still


def _pieces(text: str, room: int, *, markup: bool) -> Iterator[str]:
    """Yield what stays whole, but where one alone is longer than there is room."""
    pattern = _MARKUP if markup else _PLAIN
    for found in pattern.finditer(text):
        piece = found[0]
        if size(piece) <= room:
            yield piece
        elif markup and piece[0] == "<":
            # A link that is too long is shown as what it says; without brackets it has no effect.
            yield from pattern.findall(piece[1:-1])
        else:
            yield from piece


def _enough(pieces: Iterator[str], room: int) -> list[str]:
    """Return the pieces there is room for, and one more."""
    found: list[str] = []
    for piece in pieces:
        found.append(piece)
        room -= size(piece)
        if room < 0:
            break
    return found


def _end(pieces: list[str], begin: int, room: int) -> int:
    """Return before which piece to end: the last that fits, better the last end of a word."""
    fits = begin
    used = 0
    for used in accumulate(map(size, pieces[begin : begin + room])):
        if used > room:
            break
        fits += 1
    if fits >= len(pieces):
        return fits
    fits = max(fits, begin + 1)
    for part, blank in (2, "\n\n"), (2, "\n"), (4, ""):
        for end in range(fits, begin + (fits - begin) // part, -1):
            if pieces[end].isspace() and blank in pieces[end]:
                return end
    return fits


def _open_at(text: str) -> _Open:
    """Return what is open at the end of a text in markup."""
    fence, marks = False, ""
    for found in _MARK.finditer(text):
        sign = found[0]
        if sign == _FENCE:
            if "`" not in marks:
                fence, marks = not fence, ""
        elif sign == "\n":
            marks = ""
        elif fence or len(sign) > 1 or ("`" in marks and sign != "`"):
            continue
        elif sign in marks:
            if _closes(text, found.start()):
                marks = marks[: marks.index(sign)]
        elif _opens(text, found.start()):
            marks += sign
    return _Open(fence, marks)


def _opens(text: str, at: int) -> bool:
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    return not before.isalnum() and bool(after) and not (after.isspace() or after == "\u200b")


def _closes(text: str, at: int) -> bool:
    return not text[at - 1].isspace() and not text[at + 1 : at + 2].isalnum()


def _left_out(count: int, limit: int) -> str:
    return f"\u2026 ({count:,} characters more)" if limit >= _COUNTED else "\u2026"
