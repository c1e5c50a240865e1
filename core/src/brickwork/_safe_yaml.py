"""YAML from people and other programs, read safely, with the place of every value.

What is allowed is what a configuration needs: texts, numbers, lists, mappings. Aliases and anchors
(which can make a small file enormous), tags (which can name classes), merge keys and keys that
stand twice are refused, as is a file that is too large or too deep.

Plain texts mean what YAML 1.2 says, so ``no``, ``on``, ``12:30`` and ``2026-01-01`` are texts, not
what YAML 1.1 made of them. Digits after a leading zero are a text too, since nobody agrees whether
``010`` is 8. The original text of a value stays with it, for who knows that a text is wanted.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from brickwork.errors import InvalidYaml

MAX_BYTES = 10 * 1024 * 1024
MAX_DEPTH = 100
MAX_VALUES = 500_000

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)"
    r"|\.(nan|NaN|NAN)"
)
_MAX_DIGITS = 4300  # as many as Python makes a number of
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|#x[0-9a-f]+")


class Place(NamedTuple):
    """Where something stands in a file; both count from 1."""

    line: int
    column: int


class Scalar(NamedTuple):
    """A text, a number, a truth value or nothing.

    Attributes:
        at: Where it begins.
        text: As it was written, without quotes and escapes.
        plain: Whether it had no quotes, so that it may be a number.
    """

    at: Place
    text: str
    plain: bool

    def value(self) -> str | int | float | bool | None:
        """Return what it means by YAML 1.2. Raises InvalidYaml for a number that is too long."""
        text = self.text
        if not self.plain or not (text == "" or text[0] in "~nNtTfF+-.0123456789"):
            return text
        if _NULL.fullmatch(text):
            return None
        if _BOOL.fullmatch(text):
            return text[0] in "tT"
        if not (whole := _INT.fullmatch(text)) and not _BASED.fullmatch(text):
            return _float(text) if _FLOAT.fullmatch(text) else text
        if len(text) > _MAX_DIGITS:
            raise _invalid("a number is too long", self.at, "Put it in quotes if it is a text.")
        return int(text, 10 if whole else 0)

    @property
    def null(self) -> bool:
        """Whether it is nothing: empty, ``~`` or ``null`` without quotes."""
        return self.plain and _NULL.fullmatch(self.text) is not None


class Items(NamedTuple):
    """A list."""

    at: Place
    items: "tuple[Node, ...]"


class Mapping(NamedTuple):
    """A mapping; its keys are texts, whatever they look like."""

    at: Place
    entries: "dict[str, Node]"
    keys: dict[str, Place]


Node = Scalar | Items | Mapping


def parse(data: bytes) -> list[Node]:
    """Read all documents of a YAML file.

    Args:
        data: The file; UTF-8, at most 10 MB.

    Raises:
        InvalidYaml: It is no YAML, or uses what is not allowed; with line and column, and never a
            value.
    """
    if len(data) > MAX_BYTES:
        raise InvalidYaml(
            f"It is larger than {MAX_BYTES // 1024**2} MB.", fix="Split it into several files."
        )
    return list(_Parser(_decoded(data)).documents())


def plain(node: Node) -> Any:
    """Return what a node means, as JSON values. Raises InvalidYaml."""
    if isinstance(node, Scalar):
        return node.value()
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    return {key: plain(item) for key, item in node.entries.items()}


def load_all(data: bytes) -> list[Any]:
    """Return what the documents of a YAML file mean, as JSON values. Raises as `parse`."""
    return [plain(node) for node in parse(data)]


def _decoded(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidYaml(
            f"Line {line}: this is no UTF-8.", line=line, fix="Save the file as UTF-8."
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InvalidYaml(
            f"Line {line}: a NUL character.",
            line=line,
            fix="Save the file as UTF-8 text; UTF-16 and binary files cannot be read.",
        )
    return text


class _Parser:
    """Makes nodes of the events of PyYAML; no constructor or resolver of it is ever used."""

    def __init__(self, text: str) -> None:
        import yaml

        self._yaml = yaml
        self._text = text
        self._events: Any = None
        self._values = 0

    def documents(self) -> Iterator[Node]:
        """Yield the root of each document. Raises InvalidYaml."""
        # The one in C is ten times as fast, and not in every build.
        loader = getattr(self._yaml, "CSafeLoader", self._yaml.SafeLoader)
        try:
            self._events = loader(self._text)
            while True:
                event = self._events.get_event()
                if isinstance(event, self._yaml.StreamEndEvent):
                    return
                if isinstance(event, self._yaml.DocumentStartEvent):
                    yield self._node(self._events.get_event(), 0)
        except self._yaml.MarkedYAMLError as error:
            raise _broken(error) from None
        except self._yaml.YAMLError:  # a character that may not stand in YAML; it quotes it
            raise InvalidYaml(
                "It has control characters that cannot stand in YAML.",
                fix='Write them as escapes in double quotes: "\\x1b".',
            ) from None
        finally:
            self._events = None

    def _node(self, event: Any, depth: int) -> Node:
        mark = event.start_mark
        at = Place(mark.line + 1, mark.column + 1)
        if isinstance(event, self._yaml.AliasEvent):
            raise _refused("an alias (*)", at)
        if event.anchor is not None:
            raise _refused("an anchor (&)", at)
        if event.tag is not None:
            raise _refused("a tag (!)", at)
        self._values += 1
        if self._values > MAX_VALUES:
            raise _invalid(
                f"more than {MAX_VALUES:,} values", at, "Split the file into several files."
            )
        if isinstance(event, self._yaml.ScalarEvent):
            return Scalar(at, event.value, event.style in (None, ""))
        if depth == MAX_DEPTH:
            raise _invalid(f"nested deeper than {MAX_DEPTH} levels", at, "Make it flatter.")
        if isinstance(event, self._yaml.SequenceStartEvent):
            return self._items(at, depth)
        return self._mapping(at, depth)

    def _items(self, at: Place, depth: int) -> Items:
        items = []
        while not isinstance(event := self._events.get_event(), self._yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return Items(at, tuple(items))

    def _mapping(self, at: Place, depth: int) -> Mapping:
        entries: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        while not isinstance(event := self._events.get_event(), self._yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            if not isinstance(key, Scalar):
                raise _invalid(
                    "a list or a mapping as a key", key.at, "Text with { or [ in it needs quotes."
                )
            if key.plain and key.text == "<<":
                raise _refused("a merge key (<<)", key.at)
            if key.text in entries:
                raise _invalid(
                    f"the key {key.text!r:.80} stands twice, first in line {keys[key.text].line}",
                    key.at,
                    "Remove or rename one of them.",
                )
            keys[key.text] = key.at
            entries[key.text] = self._node(self._events.get_event(), depth + 1)
        return Mapping(at, entries, keys)


def _float(text: str) -> float:
    # Python writes infinity and not-a-number without the point.
    return float(text.replace(".", "") if text[-1] in "fFnN" else text)


def _refused(what: str, at: Place) -> InvalidYaml:
    return _invalid(
        f"{what}, which is not allowed here",
        at,
        "Write the value out; a text that begins with * & ! needs quotes.",
    )


def _invalid(what: str, at: Place, fix: str) -> InvalidYaml:
    return InvalidYaml(
        f"Line {at.line}, column {at.column}: {what}.", line=at.line, column=at.column, fix=fix
    )


def _broken(error: Any) -> InvalidYaml:
    """Say what PyYAML says, without the pieces of the file that it quotes."""
    mark = error.problem_mark or error.context_mark
    parts = [text for text in (error.context, error.problem) if text]
    what = _QUOTED.sub("...", ", ".join(parts)) or "it cannot be read"
    if mark is None:
        return InvalidYaml(f"This is no YAML: {what}.", fix="Mend the file.")
    return _invalid(
        f"no YAML: {what}",
        Place(mark.line + 1, mark.column + 1),
        "Mend the indentation, or put texts with special characters in quotes.",
    )
