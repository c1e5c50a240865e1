"""``Address``: where a block is saved; and what slugs and names look like."""

import re
from typing import NamedTuple

from brickwork.errors import InvalidName
from brickwork.masking import masker

_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
_LARGEST = 2**63 - 1  # of what databases keep as a whole number


class Address(NamedTuple):
    """Where a block is saved: ``slug/name``, with a version ``slug/name@3``."""

    slug: str
    name: str
    version: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read an address from text. Raises InvalidName."""
        slug, slash, rest = text.partition("/")
        if not slash:
            raise _no_address(text)
        name, version = parse_name(rest)
        return cls(check_slug(slug), name, version)

    def __str__(self) -> str:
        version = "" if self.version is None else f"@{self.version}"
        return f"{self.slug}/{self.name}{version}"


def parse_name(text: str) -> tuple[str, int | None]:
    """Read ``name`` or ``name@version``. Raises InvalidName."""
    name, at, version = text.partition("@")
    if not at:
        return check_name(name), None
    number = int(version) if version.isascii() and version.isdigit() and len(version) < 20 else 0
    if not 0 < number <= _LARGEST:
        raise _no_address(text)
    return check_name(name), number


def check_slug(text: str) -> str:
    """Return the text if it is a slug. Raises InvalidName."""
    if not _SLUG.match(text):
        raise InvalidName(
            f"{masker.mask(repr(text))} is not a slug.",
            fix="A slug is lower-case words with hyphens between them, such as aws-s3-bucket; "
            "the first word is the plugin's entry-point name.",
        )
    return text


def check_name(text: str) -> str:
    """Return the text if it is a block's name. Raises InvalidName."""
    given: object = text
    if not (isinstance(given, str) and _NAME.match(given)):
        raise InvalidName(
            f"{masker.mask(repr(text))} is not a name for a block.",
            fix="A name has 1 to 100 of the characters A-Z a-z 0-9 . _ - and starts with a "
            "letter or a digit.",
        )
    return text


def _no_address(text: str) -> InvalidName:
    return InvalidName(
        f"{masker.mask(repr(text))} is not an address.",
        fix="Write slug/name or slug/name@version, for example aws-credentials/prod.",
    )
