"""The end of a command's output, kept in bounded memory and made fit to be shown."""

import re
from collections import deque

from brickwork.masking import masker

_MAX_LINE = 64 * 1024
_MAX_BYTES = 1024 * 1024
# Lines above those that are shown: a secret of several lines is recognised as a whole.
_MORE_LINES = 100
_CHARACTERS_A_LINE = 100

# ECMA-48: control sequences; command strings such as titles and hyperlinks; all other escapes.
_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]"
)
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


class Tail:
    """Keeps the last lines of several streams, in the order in which they were completed.

    Args:
        lines: How many to show. They are shown with at most 100 characters for each on average, so
            that what a service cuts from a long message is not its end.
    """

    def __init__(self, lines: int) -> None:
        self._shown = lines
        self._characters = lines * _CHARACTERS_A_LINE
        self._lines: deque[bytes] = deque()
        self._bytes = 0
        self._begun: dict[int, bytearray] = {}

    def add(self, stream: int, data: bytes) -> None:
        """Take what came from a stream; streams are told apart by a number."""
        if not self._shown:
            return
        *complete, rest = data.split(b"\n")
        begun = self._begun.setdefault(stream, bytearray())
        if complete:
            complete[0] = (bytes(begun) + complete[0])[-_MAX_LINE:]
            begun.clear()
            self._keep(complete)
        begun += rest
        if len(begun) > _MAX_LINE:
            del begun[:-_MAX_LINE]

    def _keep(self, lines: list[bytes]) -> None:
        most = self._shown + _MORE_LINES
        lines = lines[-most:]
        self._lines.extend(lines)
        self._bytes += sum(map(len, lines))
        while len(self._lines) > most or self._bytes > _MAX_BYTES:
            self._bytes -= len(self._lines.popleft())

    def text(self) -> str:
        """Return the last lines: plain text without control characters, known secrets hidden."""
        lines = [*self._lines, *filter(None, map(bytes, self._begun.values()))]
        text = "\n".join(map(self._decoded, lines))
        # Before, since a secret may hold what is taken out; and after, since one may have been
        # coloured in its middle.
        text = masker.mask(plain(masker.mask(text))).rstrip()
        text = "\n".join(text.split("\n")[-self._shown :])
        return text if len(text) <= self._characters else f"…{text[1 - self._characters :]}"

    def _decoded(self, line: bytes) -> str:
        """Decode a line; of one whose beginning is gone, only an end that begins with no secret."""
        text = line.decode("utf-8", "replace")
        if len(line) < _MAX_LINE:
            return text
        cut = max(0, len(text) - self._characters)
        for start, end in masker.needles.find(text):
            if start < cut < end:
                cut = end
        return text[cut:]


def plain(text: str) -> str:
    """Return a text without escape sequences and control characters, but with tabs and newlines.

    What a program has overwritten by a carriage return, as progress bars do, is left out.
    """
    text = _ESCAPE.sub("", text)
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return _CONTROL.sub("", "\n".join(lines))
