"""Texts for services that take JSON: what they choke on, how long they are, what is a link."""

import json
import re

# Control characters but tab and newline, and halves of surrogate pairs, which UTF-8 does not have.
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

_HOST = r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
_LINK = re.compile(rf"https?://{_HOST}(?::[0-9]{{1,5}})?(?:[/?#][!#-;=?-\[\]_a-z~]*)?\Z")


def plain(text: str) -> str:
    """Return a text with newlines of one kind, and a mark for what is no character of a text."""
    return _UNFIT.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def json_bytes(value: object) -> bytes:
    """Return JSON in UTF-8 in the shortest form."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def json_size(text: str) -> int:
    """Return how many bytes a text, made `plain`, is within JSON."""
    return len(json_bytes(plain(text))) - 2


def cut(text: str, limit: int) -> str:
    """Return a text of at most so many characters, with a mark where it had to be cut."""
    return text if len(text) <= limit else text[: limit - 1] + "\u2026"


def host_of_link(url: str) -> str | None:
    """Return the host if it is a web address that every service reads in the same way, else None.

    That is http or https, in ASCII, to a name or an IPv4 address.
    """
    found = _LINK.match(url)
    return None if found is None else found["host"]


def json_object(body: bytes) -> dict[str, object]:
    """Return the JSON object that an answer is; an empty one if it is something else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
