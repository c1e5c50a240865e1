"""The forms in which a secret turns up in texts."""

import base64
import json
import re
from collections.abc import Iterator
from urllib.parse import quote_from_bytes, quote_plus

from brickwork.masking.matching import SHORTEST

_SHORTEST_LINE = 12

# What the common HTTP clients leave as it is in a path or query.
_URL_SAFE = ("", "/", "!#$%&'()*+,/:;=?@[]~")

# What is the same in every escaped form.
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")

_MARKUP = (
    str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"}),
    str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}),
    str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}),
    str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;"}),
)


def variants(value: str | bytes) -> set[str]:
    """Return every text that a masker looks for, to find one secret; all have 6 characters or more.

    A secret that is bytes and no UTF-8 has no text of its own, only encoded ones.
    """
    forms: set[str] = set()
    for whole in {value, value.strip()}:
        raw = whole.encode("utf-8", "surrogatepass") if isinstance(whole, str) else whole
        text = _as_text(whole)
        forms.update(_encoded(raw))
        if text is not None and _PLAIN.fullmatch(text):
            forms.add(text)
            continue
        forms.update(_bytes_repr(raw))
        if text is not None:
            forms.update(_written(text))
            for line in _lines(text):
                forms.update(_escaped(line))
    # Bytes are masked as Latin-1, and texts are misread as that.
    forms |= {
        form.encode("utf-8", "surrogatepass").decode("latin-1")
        for form in forms
        if not form.isascii()
    }
    if isinstance(value, bytes):
        forms.add(value.decode("latin-1"))
    return {form for form in forms if len(form) >= SHORTEST and form.strip()}


def _as_text(value: str | bytes) -> str | None:
    if isinstance(value, str):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _lines(text: str) -> list[str]:
    """Return the lines that are worth hiding alone: of a private key each, its frame excepted."""
    lines = [line.strip() for line in text.splitlines()]
    if len(lines) < 2:
        return []
    return [line for line in lines if len(line) >= _SHORTEST_LINE and not line.startswith("-----")]


def _written(text: str) -> Iterator[str]:
    yield from _escaped(text)
    for escaped in {json.dumps(text)[1:-1], repr(text)[1:-1]}:
        yield from _escaped(escaped)  # JSON inside JSON, JSON inside a repr
    raw = text.encode("utf-8", "surrogatepass")
    for url in [*(quote_from_bytes(raw, safe) for safe in _URL_SAFE), quote_plus(raw)]:
        yield url
        yield _lower_escapes(url)
        yield url.replace("%", "%25")  # a URL as a part of another, or signed
    for table in _MARKUP:
        yield text.translate(table)


def _escaped(text: str) -> Iterator[str]:
    yield text
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    # Which quotes a repr escapes depends on the whole text that the secret is a part of.
    for show in (repr, ascii):
        yield show(text)[1:-1]
        yield show('"' + text)[2:-1]


def _bytes_repr(raw: bytes) -> Iterator[str]:
    yield repr(raw)[2:-1]
    yield repr(b'"' + raw)[3:-1]


def _encoded(raw: bytes) -> Iterator[str]:
    yield raw.hex()
    yield raw.hex().upper()
    for offset in range(3):
        # Of the base64 of something longer, the characters that depend on the secret alone.
        first, last = -(-offset * 8 // 6), (offset + len(raw)) * 8 // 6
        standard = base64.b64encode(bytes(offset) + raw)[first:last].decode()
        yield standard
        yield standard.replace("+", "-").replace("/", "_")


def _lower_escapes(url: str) -> str:
    head, *tail = url.split("%")
    return head + "".join(f"%{part[:2].lower()}{part[2:]}" for part in tail)
