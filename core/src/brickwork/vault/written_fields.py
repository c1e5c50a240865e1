"""Reads written fields: texts to templates, marks to what they mean, references to values."""

from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from brickwork.block import Address, Block
from brickwork.errors import (
    BlockError,
    BlockNotFound,
    BrickworkError,
    InvalidBlock,
    Problem,
    ResolveError,
)
from brickwork.registry.current import get_registry
from brickwork.secret import Secret
from brickwork.store import Record
from brickwork.vault.envelope import Secrets
from brickwork.vault.pointers import dotted, escape
from brickwork.vault.reading import Reader
from brickwork.vault.references import Template, parse
from brickwork.vault.shapes import Field, Shape, fields_of
from brickwork.vault.written import keep_templates, template_at

ANY = Shape(Any)
"""What may stand where nothing is known."""


class Embedded(NamedTuple):
    """A block that stands inside another one."""

    cls: type[Block]
    fields: dict[str, Any]


class WrittenFields:
    """Reads written fields: texts to templates, marks to what they mean, references to values."""

    def __init__(self, reader: Reader, current: Record | None) -> None:
        self._reader = reader
        self._current = current
        self._saved: tuple[dict[str, Any], Secrets] | None = None
        self.problems: list[Problem] = []
        self.missing: dict[str, str] = {}
        self.children: dict[str, Block | None] = {}
        self.templates: dict[str, Template] = {}
        self.values: dict[str, str] = {}

    def refuse(self, cls: type[Block]) -> None:
        """Raise InvalidBlock for all problems found until now."""
        if self.problems:
            raise InvalidBlock(
                cls.slug,
                tuple(self.problems),
                fix=f"Mend those fields; `brickwork block types {cls.slug}` says what they take.",
            )

    def fields(self, cls: type[Block], written: Mapping[str, Any], pointer: str) -> dict[str, Any]:
        """Read the fields of a block."""
        known = fields_of(cls)
        read: dict[str, Any] = {}
        for key, value in written.items():
            field = known.get(key)
            here = f"{pointer}/{escape(key)}"
            if field is None:
                self._problem(here, _no_such_field(key, known), "extra_forbidden")
            elif field.name in read:
                self._problem(here, "the field is given twice", "extra_forbidden")
            else:
                read[field.name] = self._value(
                    value, field.shape, f"{pointer}/{escape(field.name)}"
                )
        return read

    def _value(self, value: Any, shape: Shape, pointer: str) -> Any:
        if isinstance(value, str):
            return self._text(value, pointer)
        if isinstance(value, list | tuple):
            return [
                self._value(item, shape.at([str(i)]) or ANY, f"{pointer}/{i}")
                for i, item in enumerate(value)
            ]
        if not isinstance(value, dict):
            return value
        marks = [key for key in value if isinstance(key, str) and key[:1] == "$" != key[1:2]]
        if marks:
            return self._marked(value, marks, pointer)
        classes = shape.block_classes()
        if len(classes) == 1 and "slug" in classes[0].__dict__:
            return Embedded(classes[0], self.fields(classes[0], value, pointer))
        if classes and shape.kind in ("block", "union"):
            self._problem(pointer, "it could be several kinds of block: say $type", "block_type")
            return None
        own = {
            key[1:] if isinstance(key, str) and key.startswith("$$") else key: item
            for key, item in value.items()
        }
        return {
            key: self._value(item, shape.at([str(key)]) or ANY, f"{pointer}/{escape(str(key))}")
            for key, item in own.items()
        }

    def _text(self, text: str, pointer: str) -> Any:
        try:
            found = parse(text)
        except BlockError as error:
            self._problem(pointer, f"{error.what} {error.fix or ''}".strip(), "reference")
            return None
        if isinstance(found, Template):
            self.templates[pointer] = found
        return found

    def _marked(self, value: dict[str, Any], marks: list[str], pointer: str) -> Any:
        mark, given = marks[0], value[marks[0]]
        alone = len(value) == 1
        if mark == "$type" and len(marks) == 1 and isinstance(given, str):
            try:
                cls = get_registry().block_class(given)
            except BrickworkError as error:
                self._problem(pointer, f"{error.what}", "block_type")
                return None
            inside = {key: item for key, item in value.items() if key != mark}
            return Embedded(cls, self.fields(cls, inside, pointer))
        if mark == "$block" and alone and isinstance(given, str):
            return self._child(given, pointer)
        if mark == "$kept" and alone and given == "secret":
            return self._kept(pointer)
        if mark == "$bytes" and alone and isinstance(given, str):
            try:
                return Secret(b64decode(given, validate=True))
            except (NoBase64, ValueError):
                self._problem(pointer, "$bytes is no base64", "value_error")
                return None
        self._problem(
            pointer,
            f"{' and '.join(marks)} cannot stand here; a key of your own that begins with $ is "
            "written with $$",
            "mark",
        )
        return None

    def _child(self, text: str, pointer: str) -> Any:
        try:
            address = Address.parse(text)
        except BrickworkError as error:
            self._problem(pointer, error.what, "block_type")
            return None
        child = None
        try:
            child = self._reader.load(address, Block)
        except BlockNotFound:
            self.missing[dotted(pointer)] = f"{address} is not saved here yet"
        except BrickworkError as error:
            self.missing[dotted(pointer)] = error.what
        self.children[pointer] = child
        return address

    def _kept(self, pointer: str) -> Any:
        """Return the secret that is saved there now."""
        if self._saved is None and self._current is not None:
            import json

            marks = json.loads(self._current.public).get("references", {})
            self._saved = (marks, self._reader.secrets_of(self._current))
        marks, secrets = self._saved or ({}, Secrets())
        if pointer not in secrets:
            self._problem(pointer, "there is no saved secret that could be kept", "kept")
            return None
        if pointer in marks:
            self.templates[pointer] = template_at(pointer, marks, secrets)
            return self.templates[pointer]
        return Secret(secrets[pointer])

    # Building

    def built(self, whole: Embedded) -> Block | None:
        """Return the block, or None where something that it needs cannot be had here."""
        self._fetch()
        if self.missing:
            return None
        return self._block(whole, "")

    def _fetch(self) -> None:
        for pointer, template in self.templates.items():
            try:
                self.values.update(self._reader.values({pointer: template}, (_HERE,)))
            except ResolveError as error:
                self.missing[dotted(pointer)] = error.what.partition(": ")[2] or error.what
            except BrickworkError as error:
                self.missing[dotted(pointer)] = error.what

    def _block(self, node: Embedded, pointer: str) -> Block | None:
        fields = {
            name: self._plain(v, f"{pointer}/{escape(name)}") for name, v in node.fields.items()
        }
        try:
            block = node.cls.model_validate(fields)
        except InvalidBlock as error:
            self.add(dotted(pointer), error.problems)
            return None
        keep_templates(block, dict(_templates_in(node.fields, "")))
        return block

    def _plain(self, value: Any, pointer: str) -> Any:
        """Return a value with references replaced by what they gave."""
        if isinstance(value, Template):
            return self.values[pointer]
        if isinstance(value, Address):
            return self.children[pointer]
        if isinstance(value, Embedded):
            return self._block(value, pointer)
        if isinstance(value, list):
            return [self._plain(item, f"{pointer}/{i}") for i, item in enumerate(value)]
        if isinstance(value, dict):
            return {k: self._plain(v, f"{pointer}/{escape(str(k))}") for k, v in value.items()}
        return value

    def add(self, path: str, problems: Iterable[Problem]) -> None:
        """Note problems below a path, but one for each place: the first says why."""
        known = {_plain_path(problem.path) for problem in self.problems}
        for problem in problems:
            joint = "." if path and problem.path[:1] not in ("", "[") else ""
            whole = f"{path}{joint}{problem.path}"
            if _plain_path(whole) not in known:
                self.problems.append(Problem(whole, problem.message, problem.kind))

    def _problem(self, pointer: str, message: str, kind: str) -> None:
        self.problems.append(Problem(dotted(pointer), message, kind))


_HERE = Address("block", "being-defined")


def _templates_in(value: Any, pointer: str) -> "list[tuple[str, Template]]":
    """Return the templates in a value by pointer; not those of blocks inside it."""
    if isinstance(value, Template):
        return [(pointer, value)]
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    return [each for k, v in items for each in _templates_in(v, f"{pointer}/{escape(str(k))}")]


def _plain_path(path: str) -> str:
    return path.replace("[", ".").replace("]", "")


def _no_such_field(name: str, known: Mapping[str, Field]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, 1)
    return f"no such field; did you mean {near[0]}?" if near else "no such field"
