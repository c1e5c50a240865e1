"""A manifest: the blocks that somebody wants to be saved, with the place of everything in it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from brickwork._address import Address
from brickwork._safe_yaml import Items, Mapping, Node, Place
from brickwork.errors import BrickworkError, InvalidManifest, ManifestProblem

BLOCK = "$block"
TYPE = "$type"
KEPT = "$kept"
DESCRIPTION = "$description"
TAGS = "$tags"
EXPIRES = "$expires_at"
NOTES = (DESCRIPTION, TAGS, EXPIRES)

_INDEX = re.compile(r"[.\[](\d{1,9})\]?")


class Given(NamedTuple):
    """A field as a file gives it.

    Attributes:
        file: The file.
        at: Where the field's name stands.
        node: What follows it.
    """

    file: str
    at: Place
    node: Node


@dataclass
class Entry:
    """A block as the manifest gives it.

    Attributes:
        address: Where it is to be saved.
        file: The file that names it first.
        at: Where its address stands.
        fields: What is given, by name; notes with their ``$``.
    """

    address: Address
    file: str
    at: Place
    fields: dict[str, Given] = field(default_factory=dict)

    def place_of(self, path: str) -> tuple[str, Place]:
        """Return the file and the place of a field, or of the nearest there is.

        Args:
            path: With dots, and indexes as ``headers[0]`` or ``headers.0``.
        """
        for name in sorted(self.fields, key=len, reverse=True):
            rest = _below(path, name)
            if rest is not None:
                given = self.fields[name]
                return given.file, _place_in(given.node, rest, given.at)
        return self.file, self.at


@dataclass
class Manifest:
    """What the files of a manifest say together.

    Attributes:
        name: Of the owner; None where no file gives it.
        entries: The blocks, by ``slug/name``, in the order of the files.
    """

    name: str | None = None
    entries: dict[str, Entry] = field(default_factory=dict)


class Problems:
    """Collects what is wrong, so that all of it is reported at once."""

    def __init__(self) -> None:
        self.found: list[ManifestProblem] = []

    def add(
        self, message: str, file: str, at: Place, *, address: object = "", field: str = ""
    ) -> None:
        """Note what is wrong, and where."""
        self.found.append(ManifestProblem(file, at.line, at.column, str(address), field, message))

    def of(self, entry: Entry, message: str, path: str = "") -> None:
        """Note what is wrong with a block, or with a field of it."""
        file, at = entry.place_of(path)
        dotted = path.replace("[", ".").replace("]", "")
        self.add(message, file, at, address=entry.address, field=dotted)

    def error(self, entry: Entry, error: BrickworkError, path: str = "") -> None:
        """Note an error about a block, or about a field of it."""
        self.of(entry, told(error), path)

    def raise_if_any(self) -> None:
        """Raise InvalidManifest, with the problems in the order of their places."""
        if self.found:
            raise InvalidManifest(sorted(set(self.found)))


def told(error: BrickworkError) -> str:
    """Return an error on one line: what happened, and what to do."""
    return " ".join(f"{error.what} {error.fix}".split())


def near(word: str, words: Iterable[str]) -> str:
    """Return a question whether another word was meant; nothing where none is near."""
    from difflib import get_close_matches

    match = get_close_matches(word, list(words), 1)
    return f"; did you mean {match[0]}?" if match else ""


def _below(path: str, name: str) -> str | None:
    """Return what a path says below a name; None where it does not begin with it."""
    rest = path.removeprefix(name)
    if rest == path or (rest and rest[0] not in ".["):
        return None
    return rest


def _place_in(node: Node, path: str, key: Place) -> Place:
    """Return the place of the name of what is at a path in a node, or of the nearest around it."""
    index = _INDEX.match(path)
    if isinstance(node, Items) and index and int(index[1]) < len(node.items):
        item = node.items[int(index[1])]
        return _place_in(item, path[index.end() :], item.at)
    if isinstance(node, Mapping):
        inside = path.removeprefix(".")
        for name in sorted(node.entries, key=len, reverse=True):
            rest_or_none = _below(inside, name)
            if rest_or_none is not None:
                return _place_in(node.entries[name], rest_or_none, node.keys[name])
    return key
