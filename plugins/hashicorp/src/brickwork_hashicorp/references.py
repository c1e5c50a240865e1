"""Reads the path of a reference: ``kv/app``, ``kv/app?version=3&block=hashicorp-vault/prod``."""

from typing import NamedTuple
from urllib.parse import parse_qsl

MAX_LENGTH = 1024
"""The longest path; servers have limits of their own."""


class Wanted(NamedTuple):
    """A secret that is referred to.

    Attributes:
        path: Where it is; begins with ``/`` where its mount is to be named although the block has
            one.
        version: Which version; None for the newest.
        block: The block to log in with, a name or an address; None for the usual one.
    """

    path: str
    version: int | None = None
    block: str | None = None


def parse(text: str) -> Wanted:
    """Read what stands between ``${vault:`` and ``#``.

    Raises:
        ValueError: It is none; says why, in words that follow on "it".
    """
    path, question, query = text.partition("?")
    _check(path)
    version: int | None = None
    block: str | None = None
    seen: set[str] = set()
    for name, value in _parameters(query) if question else ():
        if name in seen:
            raise ValueError(f"gives {name} twice")
        seen.add(name)
        if name == "version":
            number = value.isascii() and value.isdecimal() and len(value) < 19
            if not number or int(value) == 0:
                raise ValueError("gives a version that is no number from 1 on")
            version = int(value)
        elif name == "block":
            block = value
        else:
            raise ValueError("has a parameter other than version and block after the ?")
    return Wanted(path, version, block)


def _parameters(query: str) -> list[tuple[str, str]]:
    try:
        found = parse_qsl(query, strict_parsing=True)
    except ValueError:
        found = []
    if not found:
        raise ValueError("has something other than version=... and block=... after the ?")
    return found


def _check(path: str) -> None:
    if not path.removeprefix("/"):
        raise ValueError("is empty")
    if len(path) > MAX_LENGTH:
        raise ValueError(f"is longer than {MAX_LENGTH} characters")
    if not path.isprintable():
        raise ValueError("has characters that cannot be printed")
    if "#" in path:
        raise ValueError("has a # in it")
    steps = path.removeprefix("/").split("/")
    if any(step in ("", ".", "..") for step in steps):
        raise ValueError("has an empty part, or one that is . or ..")
