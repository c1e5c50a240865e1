"""Blocks from written fields: JSON in which texts may be references and blocks stand by address.

This is how a manifest, and `Vault.define`, say what a block is::

    {"region": "${env:REGION}", "credentials": {"$block": "aws-credentials/prod"}}

A reference stays a reference: only what it stands for is checked, if it can be fetched here. So a
block can be defined on a machine that lacks what it needs where it is loaded. What is stored is
the same whether it could be fetched or not.
"""

from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from brickwork._block_schema import problems_of
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
from brickwork.vault.codec import Encoded
from brickwork.vault.envelope import Secrets
from brickwork.vault.parts import Parts
from brickwork.vault.pointers import dotted, escape
from brickwork.vault.reading import Reader
from brickwork.vault.references import Template, parse
from brickwork.vault.shapes import Field, Shape, fields_of
from brickwork.vault.written import keep_templates, mark_of, template_at

ANY = Shape(Any)


class Definition(NamedTuple):
    """What written fields mean.

    Attributes:
        encoded: What is stored.
        block: The block, if all that it needs could be fetched here.
        missing: Why not, by path of the field.
    """

    encoded: Encoded
    block: Block | None
    missing: dict[str, str]


class Embedded(NamedTuple):
    """A block that stands inside another one."""

    cls: type[Block]
    fields: dict[str, Any]


def define(
    reader: Reader, slug: str, fields: Mapping[str, Any], current: Record | None = None
) -> Definition:
    """Work out what written fields mean. Changes nothing.

    Args:
        reader: The vault that the block is for.
        slug: The block class's slug.
        fields: As a manifest has them: JSON values; ``{"$block": address}`` for a child that is
            saved on its own, ``"$type": slug`` among the fields of one that is not, where the
            field could hold several; ``{"$kept": "secret"}`` for a secret that stays as it is
            saved; ``{"$bytes": base64}``; a further ``$`` before a key of one's own that begins
            with ``$``.
        current: What is saved under the name now.

    Raises:
        InvalidBlock: Fields that the class does not have, or that do not fit it: all at once.
        BlockError: Other things about the block are wrong.
        UnknownBlock: Nobody knows the slug.
    """
    cls = get_registry().block_class(slug)
    reading = _Reading(reader, current)
    whole = Embedded(cls, reading.fields(cls, fields, ""))
    block = reading.built(whole)
    if not reading.missing:
        reading.refuse(cls)
    parts = Parts(
        reader.store.store_id if reader.store.exists() else None, get_registry().block_class
    )
    writing = _Writing(parts, reading)
    try:
        tree = writing.tree(whole, block, "")
    except BlockError:
        reading.refuse(cls)  # what does not fit cannot be written either
        raise
    reading.refuse(cls)
    encoded = parts.encoded(cls, parts.slug_of_class(cls), tree)
    return Definition(encoded, block, reading.missing)


class _Reading:
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


class _Writing:
    """Makes what is stored of fields that were read."""

    def __init__(self, parts: Parts, reading: _Reading) -> None:
        self._parts = parts
        self._reading = reading

    def tree(self, node: Embedded, block: Block | None, pointer: str) -> dict[str, Any]:
        """Return the stored fields of a block: those with references as they are written."""
        written = {name: value for name, value in node.fields.items() if _is_written(value)}
        plain = self._plain(node, block, written, pointer)
        tree = self._parts.dump(_partial(node.cls, plain), pointer)
        known = fields_of(node.cls)
        for name, value in written.items():
            held = None if block is None else getattr(block, name)
            here = f"{pointer}/{escape(name)}"
            tree[name] = self._raw(value, held, known[name].shape, here)
        return {name: tree[name] for name in node.cls.model_fields if name in tree}

    def _plain(
        self, node: Embedded, block: Block | None, written: Mapping[str, Any], pointer: str
    ) -> dict[str, Any]:
        """Return the values of the fields that need nothing fetched, defaults too."""
        if block is not None:
            return {n: getattr(block, n) for n in node.cls.model_fields if n not in written}
        values: dict[str, Any] = {}
        known = fields_of(node.cls)
        for name, info in node.cls.model_fields.items():
            path = dotted(f"{pointer}/{escape(name)}")
            if name in written:
                continue
            if name in node.fields:
                values[name] = self._checked(known[name], node.fields[name], path)
            elif info.is_required():
                self._reading.problems.append(Problem(path, "Field required", "missing"))
            else:
                values[name] = info.get_default(call_default_factory=True, validated_data=values)
        return values

    def _checked(self, field: Field, value: Any, path: str) -> Any:
        adapter = field.shape.adapter
        if adapter is None:
            return value
        try:
            return adapter.validate_python(_instances(value))
        except ValidationError as error:
            self._reading.add(path, problems_of(Block, error)[0])
        except InvalidBlock as error:
            self._reading.add(path, error.problems)
        return None

    def _raw(self, value: Any, held: Any, shape: Shape, pointer: str) -> Any:
        """Return what is stored of a value with references in it."""
        if isinstance(value, Template):
            return self._template(value, shape, pointer)
        if isinstance(value, Address):
            self._parts.blocks[pointer] = {"ref": str(value)}
            child = self._reading.children[pointer]
            if child is not None:
                self._parts.children[pointer] = child
            return None
        if isinstance(value, Embedded):
            slug = self._parts.slug_of_class(value.cls)
            self._parts.blocks[pointer] = {"slug": slug, "schema": value.cls.schema_version}
            return self.tree(value, held if isinstance(held, Block) else None, pointer)
        if isinstance(value, list):
            return [
                self._raw(item, _at(held, i), shape.at([str(i)]) or ANY, f"{pointer}/{i}")
                for i, item in enumerate(value)
            ]
        if isinstance(value, dict):
            return {
                key: self._raw(
                    item,
                    _at(held, key),
                    shape.at([str(key)]) or ANY,
                    f"{pointer}/{escape(str(key))}",
                )
                for key, item in value.items()
            }
        if value is not None and (isinstance(value, Secret) or shape.takes_secret()):
            plain = value.reveal() if isinstance(value, Secret) else value
            self._parts.secrets[pointer] = plain if isinstance(plain, str | bytes) else str(plain)
            return None
        return value

    def _template(self, template: Template, shape: Shape, pointer: str) -> None:
        secret = shape.takes_secret()
        mark = mark_of(template, secret=secret)
        self._parts.references[pointer] = mark
        if "text" not in mark:
            self._parts.secrets[pointer] = template.text
        if pointer in self._reading.values:
            value = self._reading.values[pointer]
            self._parts.values[pointer] = Secret(value) if secret else value


_HERE = Address("block", "being-defined")


def _is_written(value: Any) -> bool:
    """Tell whether a value holds a reference, or a block by its address, at any depth."""
    if isinstance(value, Template | Address):
        return True
    if isinstance(value, Embedded):
        return any(map(_is_written, value.fields.values()))
    if isinstance(value, dict):
        return any(map(_is_written, value.values()))
    return isinstance(value, list) and any(map(_is_written, value))


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


def _instances(value: Any) -> Any:
    """Return a value with the blocks that stand in it made. Raises InvalidBlock."""
    if isinstance(value, Embedded):
        fields = {name: _instances(each) for name, each in value.fields.items()}
        return value.cls.model_validate(fields)
    if isinstance(value, dict):
        return {key: _instances(each) for key, each in value.items()}
    return [_instances(each) for each in value] if isinstance(value, list) else value


def _partial(cls: type[Block], values: dict[str, Any]) -> Block:
    """Return a block of some of its fields, only to be written as JSON."""
    block = cls.__new__(cls)
    setter: Callable[[Any, str, Any], None] = object.__setattr__
    setter(block, "__dict__", values)
    setter(block, "__pydantic_fields_set__", set(values))
    setter(block, "__pydantic_extra__", None)
    setter(block, "__pydantic_private__", None)
    return block


def _at(held: Any, key: Any) -> Any:
    try:
        return held[key]
    except (LookupError, TypeError):
        return None


def _plain_path(path: str) -> str:
    return path.replace("[", ".").replace("]", "")


def _no_such_field(name: str, known: Mapping[str, Field]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, 1)
    return f"no such field; did you mean {near[0]}?" if near else "no such field"
