"""Blocks from written fields: JSON in which texts may be references and blocks stand by address.

This is how a manifest, and `Vault.define`, say what a block is::

    {"region": "${env:REGION}", "credentials": {"$block": "aws-credentials/prod"}}

A reference stays a reference: only what it stands for is checked, if it can be fetched here. So a
block can be defined on a machine that lacks what it needs where it is loaded. What is stored is
the same whether it could be fetched or not.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from brickwork._block_schema import problems_of
from brickwork.block import Address, Block
from brickwork.errors import (
    BlockError,
    InvalidBlock,
    Problem,
)
from brickwork.registry.current import get_registry
from brickwork.secret import Secret
from brickwork.store import Record
from brickwork.vault.codec import Encoded
from brickwork.vault.parts import Parts
from brickwork.vault.pointers import dotted, escape
from brickwork.vault.reading import Reader
from brickwork.vault.references import Template
from brickwork.vault.shapes import Field, Shape, fields_of
from brickwork.vault.written import mark_of
from brickwork.vault.written_fields import ANY, Embedded, WrittenFields


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
    reading = WrittenFields(reader, current)
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


class _Writing:
    """Makes what is stored of fields that were read."""

    def __init__(self, parts: Parts, reading: WrittenFields) -> None:
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


def _is_written(value: Any) -> bool:
    """Tell whether a value holds a reference, or a block by its address, at any depth."""
    if isinstance(value, Template | Address):
        return True
    if isinstance(value, Embedded):
        return any(map(_is_written, value.fields.values()))
    if isinstance(value, dict):
        return any(map(_is_written, value.values()))
    return isinstance(value, list) and any(map(_is_written, value))


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
