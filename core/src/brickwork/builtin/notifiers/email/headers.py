"""Headers of an e-mail, written here.

The standard library reads what it is given as a header, and decodes it: with a title, or the name
of a file, such as ``=?utf-8?q?=0D=0ABcc:_...?=`` Python 3.11 writes a header more. Here a text only
ever becomes words of the header that it is for.
"""

import base64
import re
from collections.abc import Iterable
from urllib.parse import quote

from brickwork.builtin.notifiers.email.addresses import Mailbox

_LINE = 76
_CHUNK_BYTES = 39  # with its frame and the longest name before it, below the length of a line

_PLAIN_FILE = re.compile(r"[A-Za-z0-9_-](?:[A-Za-z0-9 ._-]{0,58}[A-Za-z0-9_-])?")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")


def header(name: str, value: str) -> str:
    """Return the lines of a header, ended by CR LF; the value is written already."""
    return f"{name}: {value}\r\n"


def words(text: str) -> str:
    """Write any text of one line (RFC 2047)."""
    if text.isascii() and text.isprintable() and "=?" not in text:
        parts = text.split(" ")
        # A word that is longer than a line can only be folded when it is encoded.
        if all(parts) and max(map(len, parts)) < _LINE // 2:
            return _folded(parts)
    return _encoded(text)


def mailboxes(everybody: Iterable[Mailbox]) -> str:
    """Write addresses, each on a line of its own."""
    return ",\r\n ".join(_mailbox(each) for each in everybody)


def attached(name: str) -> str:
    """Write the value of ``Content-Disposition`` for a file (RFC 2183, RFC 2231)."""
    if _PLAIN_FILE.fullmatch(name):
        return f'attachment; filename="{name}"'
    pieces = ["utf-8''"]
    for letter in name:
        if len(pieces[-1]) > _LINE - 32:
            pieces.append("")
        pieces[-1] += quote(letter.encode("utf-8", "replace"), safe="")
    if len(pieces) == 1:
        return f"attachment;\r\n filename*={pieces[0]}"
    numbered = [f"filename*{number}*={piece}" for number, piece in enumerate(pieces)]
    return ";\r\n ".join(["attachment", *numbered])


def _mailbox(mailbox: Mailbox) -> str:
    name = mailbox.name
    if not name:
        return mailbox.address
    if not name.isascii() or "=?" in name:
        return f"{_encoded(name)}\r\n <{mailbox.address}>"
    if not _PLAIN_NAME.fullmatch(name) or "  " in name:
        name = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return f"{name} <{mailbox.address}>"


def _folded(parts: list[str]) -> str:
    lines = [""]
    for part in parts:
        # The name of the header stands on the first line.
        room = _LINE if len(lines) > 1 else _LINE // 2
        if lines[-1] and len(lines[-1]) + 1 + len(part) > room:
            lines.append(part)
        else:
            lines[-1] = f"{lines[-1]} {part}" if lines[-1] else part
    return "\r\n ".join(lines)


def _encoded(text: str) -> str:
    chunks = [b""]
    for letter in text:
        data = letter.encode("utf-8", "replace")
        if len(chunks[-1]) + len(data) > _CHUNK_BYTES:
            chunks.append(b"")
        chunks[-1] += data
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(each).decode()}?=" for each in chunks)
