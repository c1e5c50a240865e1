"""What is found in another tool's export, and the blocks that it would become."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from brickwork.secret import Secret

# Names under which people keep secrets; Airflow masks by a list like this one too.
_SECRET_NAME = re.compile(
    r"passw|passphrase|secret|token|api_?key|private_?key|key_?file|keyfile|credential|authoriz"
    r"|\bauth|cookie|signature|access_?key|account_?key|(^|[._-])key$",
    re.IGNORECASE,
)
_URL_WITH_PASSWORD = re.compile(r"://[^/\s]*:[^/\s]*@")
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_MASKED = re.compile(r"\*{8,}\Z")


class CannotMap(Exception):
    """Something has no block here; the text says why, and holds no value."""


class Child(NamedTuple):
    """Where a block goes that another entry becomes."""

    key: str


class Proposal(NamedTuple):
    """A block that an entry would become.

    Attributes:
        slug: The class.
        name: The name, as the other tool has it, before it is made valid.
        fields: Values for the class; secrets as `Secret`, other entries as `Child`, blocks that
            have no name of their own as `Proposal`.
        part: What follows the name, where an entry becomes more than one block.
    """

    slug: str
    name: str
    fields: Mapping[str, Any]
    part: str = ""


class Entry(NamedTuple):
    """One thing in an export.

    Attributes:
        key: What other entries call it.
        source: How the other tool calls it, for people: ``aws-credentials/prod``.
        proposals: The blocks that it becomes; the first is the one that others refer to.
        problem: Why it becomes none.
        fields: The names of its fields.
        notes: What differs, for people.
        description: What it is for, if the other tool knows.
        fallback: What it becomes where its values fit no block.
    """

    key: str
    source: str
    proposals: tuple[Proposal, ...] = ()
    problem: str = ""
    fields: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    description: str = ""
    fallback: tuple[Proposal, ...] = ()


class Fields:
    """Fields from outside, taken out one by one; what nobody took would be lost.

    Args:
        values: JSON values.
        path: Where they stand, for messages.
    """

    def __init__(self, values: Mapping[str, Any], path: str = "") -> None:
        self._values = dict(values)
        self._path = path

    def take(self, name: str) -> Any:
        """Take a value out; None where there is none."""
        return self._values.pop(name, None)

    def put(self, name: str, value: Any) -> None:
        """Put a value back."""
        self._values[name] = value

    def text(self, name: str) -> str | None:
        """Take a text out; a number becomes one, an empty one is none."""
        value = self.take(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise CannotMap(f"{self._path}{name} is no text")
        return value

    def secret(self, name: str) -> Secret[str] | None:
        """Take a secret text out. Refuses what was masked when it was exported."""
        value = self.text(name)
        if value is None:
            return None
        refuse_masked(value, f"{self._path}{name}")
        return Secret(value)

    def number(self, name: str) -> int | float | None:
        """Take a number out, that may be written as text."""
        value = self.take(name)
        if value is None or value == "":
            return None
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
            return float(value) if "." in value else int(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise CannotMap(f"{self._path}{name} is no number")
        return value

    def flag(self, name: str) -> bool | None:
        """Take a truth value out, that may be written as text."""
        value = self.take(name)
        if isinstance(value, str):
            value = {"true": True, "1": True, "false": False, "0": False, "": None}.get(
                value.lower(), value
            )
        if value is not None and not isinstance(value, bool):
            raise CannotMap(f"{self._path}{name} is neither true nor false")
        return value

    def inside(self, name: str) -> "Fields":
        """Take fields of a field out; none where there is none."""
        value = self.take(name)
        if value is None or value == "":
            value = {}
        if not isinstance(value, dict):
            raise CannotMap(f"{self._path}{name} has no fields")
        return Fields(value, f"{self._path}{name}.")

    def left(self) -> dict[str, Any]:
        """Return what nobody took, less what is empty."""
        return {
            name: value for name, value in self._values.items() if value not in (None, "", {}, [])
        }

    def lost(self) -> list[str]:
        """Return the names of what nobody took, with their path."""
        return [f"{self._path}{name}" for name in self.left()]


def refuse_masked(value: object, name: str) -> None:
    """Refuse a value that the other tool hid. Raises CannotMap."""
    if isinstance(value, str) and _MASKED.match(value):
        raise CannotMap(f"{name} was exported without its secret")


def looks_secret(name: str, value: object = None) -> bool:
    """Tell whether a field's name, or a URL in it, says that it is a secret."""
    in_url = isinstance(value, str) and _URL_WITH_PASSWORD.search(value) is not None
    return in_url or _SECRET_NAME.search(name) is not None


def left_out(fields: Fields, *more: Fields) -> tuple[str, ...]:
    """Return the note on what nobody took."""
    names = [name for each in (fields, *more) for name in each.lost()]
    return (f"left out: {', '.join(sorted(names))}",) if names else ()


def literal_notes(fields: Mapping[str, Any]) -> Iterator[str]:
    """Yield a note for each value that the other tool, or a manifest here, might have filled in."""
    for path, text in _texts(fields, ""):
        if _TEMPLATE.search(text):
            yield f"{path} looks like a Jinja template; it is kept as it is"
        elif "${" in text:
            yield f"{path} has ${{ in it; it is kept as it is, and is no reference"


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Secret):
        value = value.reveal()
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Proposal):
        yield from _texts(value.fields, path)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _texts(item, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{path}.{index}")
