"""From the nodes of YAML to written fields: the JSON values that `define` reads."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from uuid import UUID

from brickwork._address import Address
from brickwork._safe_yaml import Items, Node, Scalar, plain
from brickwork.block import Block
from brickwork.errors import BlockError, BrickworkError, InvalidYaml
from brickwork.registry.current import get_registry
from brickwork.vault.manifest.model import (
    BLOCK,
    DESCRIPTION,
    EXPIRES,
    KEPT,
    NOTES,
    TAGS,
    TYPE,
    Entry,
    Problems,
    near,
)
from brickwork.vault.notes import Notes
from brickwork.vault.references import Template, parse
from brickwork.vault.shapes import Shape, fields_of

_TEXTS = (str, bytes, bytearray, Decimal, date, time, PurePath, UUID)
"""Types of fields that want the text as it was written, though it may look like a number."""


def fields_in(entry: Entry, cls: type[Block], problems: Problems) -> dict[str, Any]:
    """Return what an entry gives for the fields of a class; what cannot be read is noted."""
    known = fields_of(cls)
    fields: dict[str, Any] = {}
    for name, given in entry.fields.items():
        if name.startswith("$"):
            if name not in NOTES:
                problems.of(entry, f"{name} means nothing here{near(name, NOTES)}", name)
            continue
        field = known.get(name)
        try:
            fields[name] = _value(given.node, field.shape if field else None)
        except InvalidYaml as error:
            problems.error(entry, error, name)
    return fields


def notes_in(entry: Entry, owner: str | None, problems: Problems) -> Notes:
    """Return what an entry says about the block."""
    description = _note(entry, DESCRIPTION, "")
    tags = _note(entry, TAGS, [])
    expires = _note(entry, EXPIRES, None)
    expires_at = None
    if expires is not None:
        try:
            expires_at = datetime.fromisoformat(str(expires))
        except ValueError:
            problems.of(entry, "write a time such as 2027-06-30 or 2027-06-30T12:00Z", EXPIRES)
    if expires_at is not None and expires_at.tzinfo is None:
        expires_at = expires_at.replace(tzinfo=UTC)
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        problems.of(entry, "tags are a list of words", TAGS)
        tags = []
    if not isinstance(description, str):
        problems.of(entry, "a description is a text", DESCRIPTION)
        description = ""
    for path, part in (
        (DESCRIPTION, Notes(description)),
        (TAGS, Notes(tags=tuple(tags))),
    ):
        try:
            part.checked()
        except BlockError as error:
            problems.error(entry, error, path)
            return Notes()
    return Notes(description, tuple(tags), expires_at, owner).checked()


def uses_in(value: Any, path: str = "") -> Iterator[tuple[str, Address]]:
    """Yield the blocks that written fields refer to, with the path; bad addresses are left out."""
    if isinstance(value, dict):
        target = value.get(BLOCK)
        if isinstance(target, str):
            yield from _address(path, target)
        for key, item in value.items():
            yield from uses_in(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from uses_in(item, f"{path}.{index}")
    elif isinstance(value, str) and "${block:" in value:
        yield from _in_text(path, value)


def keeps(value: Any) -> bool:
    """Tell whether written fields leave a secret as it is saved."""
    if isinstance(value, dict):
        return KEPT in value or any(map(keeps, value.values()))
    return isinstance(value, list) and any(map(keeps, value))


def check_kinds(entry: Entry, cls: type[Block], fields: Mapping[str, Any], p: Problems) -> None:
    """Note where a block of another class is referred to than a field takes.

    For blocks that are not saved yet: whether one that is saved fits, is seen when it is loaded.
    """
    for path, value in fields.items():
        field = fields_of(cls).get(path)
        if field is not None:
            for place, message in _misfits(value, field.shape, path):
                p.of(entry, message, place)


def _value(node: Node, shape: Shape | None) -> Any:
    """Return what a node means in its place. Raises InvalidYaml."""
    if isinstance(node, Scalar):
        if node.null or not node.plain or shape is None:
            return node.value()
        return node.text if _wants_text(node, shape) else node.value()
    if isinstance(node, Items):
        return [
            _value(item, None if shape is None else shape.at([str(index)]))
            for index, item in enumerate(node.items)
        ]
    kind = node.entries.get(TYPE)
    if isinstance(kind, Scalar):
        shape = _shape_of(kind.text) or shape
    return {
        key: plain(item)
        if key.startswith("$") and not key.startswith("$$")
        else _value(item, None if shape is None else shape.at([key]))
        for key, item in node.entries.items()
    }


def _wants_text(node: Scalar, shape: Shape) -> bool:
    """Tell whether a place takes a text, so that what looks like a number is one too."""
    if shape.kind == "secret":
        return True
    if shape.kind == "leaf":
        return isinstance(shape.bare, type) and issubclass(shape.bare, _TEXTS)
    if shape.kind == "choice":
        return node.text in shape.choices
    if shape.kind == "union":
        others = [each for each in shape.options if not _wants_text(node, each)]
        if len(others) == len(shape.options):
            return False
        value = node.value()
        return isinstance(value, str) or not any(_takes(each, value) for each in others)
    return False


def _takes(shape: Shape, value: object) -> bool:
    """Tell whether a place is of a value's own type: not whether it can be made of it."""
    if shape.kind in ("any", "bool"):
        return shape.kind == "any" or isinstance(value, bool)
    if shape.kind == "choice":
        return any(type(each) is type(value) and each == value for each in shape.choices)
    if not isinstance(shape.bare, type) or isinstance(value, bool):
        return False
    return issubclass(shape.bare, (int, float) if isinstance(value, int) else float)


def _shape_of(slug: str) -> Shape | None:
    try:
        return Shape(get_registry().block_class(slug))
    except BrickworkError:
        return None  # said by `define`


def _note(entry: Entry, name: str, default: Any) -> Any:
    given = entry.fields.get(name)
    if given is None or (isinstance(given.node, Scalar) and given.node.null):
        return default
    return _texts(given.node)


def _texts(node: Node) -> Any:
    if isinstance(node, Scalar):
        return node.text
    return [_texts(each) for each in node.items] if isinstance(node, Items) else node


def _in_text(path: str, text: str) -> Iterator[tuple[str, Address]]:
    try:
        found = parse(text)
    except BlockError:
        return  # said by `define`
    if isinstance(found, Template):
        for reference in found.references:
            if reference.scheme == "block":
                yield from _address(path, reference.path)


def _address(path: str, text: str) -> Iterator[tuple[str, Address]]:
    try:
        yield path, Address.parse(text)
    except BrickworkError:
        return  # said by `define`


def _misfits(value: Any, shape: Shape, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            below = shape.at([str(index)])
            if below is not None:
                yield from _misfits(item, below, f"{path}.{index}")
        return
    if not isinstance(value, dict):
        return
    target = value.get(BLOCK)
    if isinstance(target, str):
        message = _misfit(target, shape)
        if message:
            yield path, message
        return
    if isinstance(value.get(TYPE), str):
        shape = _shape_of(value[TYPE]) or shape
    for key, item in value.items():
        below = shape.at([key])
        if below is not None:
            yield from _misfits(item, below, f"{path}.{key}")


def _misfit(target: str, shape: Shape) -> str:
    if shape.kind == "any":
        return ""
    try:
        cls = get_registry().block_class(Address.parse(target).slug)
    except BrickworkError:
        return ""  # said elsewhere, or of a block that is saved and cannot be loaded here
    classes = shape.block_classes()
    if not classes:
        return "no block can stand here"
    if issubclass(cls, classes):
        return ""
    wanted = " or ".join(each.__dict__.get("slug", each.__name__) for each in classes)
    return f"{target} is no {wanted}"
