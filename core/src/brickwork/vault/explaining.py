"""Where the value of each field of a saved block comes from; never the value."""

import json
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from brickwork.block import Address
from brickwork.errors import BrickworkError
from brickwork.registry.current import get_registry
from brickwork.store import Record
from brickwork.vault.envelope import Secrets
from brickwork.vault.pointers import dotted, escape
from brickwork.vault.reading import Reader
from brickwork.vault.written import template_at

Origin = Literal["saved", "sealed", "reference", "block", "default", "migration", "missing"]


class FieldOrigin(NamedTuple):
    """Where the value of one field comes from.

    Attributes:
        path: The field, with dots: ``credentials.region``.
        origin: ``saved`` in clear, ``sealed``, fetched by a ``reference``, another ``block``; the
            ``default`` of the class, or made by a ``migration``, for what is not in the document;
            ``missing`` for another block that is not there.
        source: The reference as it was written, less its literal text where that is sealed; the
            address of the other block.
        secret: Whether it is a secret.
        saved_in: The document that says so.
    """

    path: str
    origin: Origin
    source: str
    secret: bool
    saved_in: Address


def explain(reader: Reader, address: Address) -> list[FieldOrigin]:
    """See `Vault.explain`."""
    return list(_origins(reader, reader.record(address), "", ()))


def _origins(
    reader: Reader, record: Record, prefix: str, path: tuple[Address, ...]
) -> Iterator[FieldOrigin]:
    here = Address(record.slug, record.name, record.version)
    document: dict[str, Any] = json.loads(record.public)
    references = document.get("references", {})
    sealed = set(document["secrets"])
    blocks = document["blocks"]

    def origin(
        pointer: str, kind: Origin, source: str = "", *, secret: bool = False
    ) -> FieldOrigin:
        return FieldOrigin(prefix + dotted(pointer), kind, source, secret, here)

    for pointer, value in _leaves(document["fields"], "", {*references, *sealed, *_whole(blocks)}):
        if pointer in references:
            mark = references[pointer]
            source = mark.get("text") or _sealed_references(reader, record, pointer, references)
            yield origin(pointer, "reference", source, secret=mark.get("secret", False))
        elif pointer in sealed:
            yield origin(pointer, "sealed", secret=True)
        elif "ref" in blocks.get(pointer, {}):
            yield from _child(
                reader, origin(pointer, "block", blocks[pointer]["ref"]), (*path, here)
            )
        else:
            del value
            yield origin(pointer, "saved")
    for name, kind in _not_saved(record, document["fields"]):
        yield origin(f"/{escape(name)}", kind)


def _child(reader: Reader, found: FieldOrigin, path: tuple[Address, ...]) -> Iterator[FieldOrigin]:
    child = Address.parse(found.source)
    record = reader.store.get(*child)
    if record is None:
        yield found._replace(origin="missing")
        return
    yield found
    if Address(record.slug, record.name, record.version) not in path:
        yield from _origins(reader, record, f"{found.path}.", path)


def _whole(blocks: dict[str, Any]) -> set[str]:
    return {pointer for pointer, mark in blocks.items() if "ref" in mark}


def _leaves(value: Any, pointer: str, ends: set[str]) -> Iterator[tuple[str, Any]]:
    if pointer not in ends and isinstance(value, dict | list) and value:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from _leaves(item, f"{pointer}/{escape(str(key))}", ends)
    elif pointer:
        yield pointer, value


def _sealed_references(
    reader: Reader, record: Record, pointer: str, references: dict[str, Any]
) -> str:
    try:
        secrets: Secrets = reader.secrets_of(record)
        found = template_at(pointer, references, secrets).references
    except (BrickworkError, ValueError, LookupError):
        return "sealed"
    return ", ".join(map(str, found))


def _not_saved(record: Record, fields: dict[str, Any]) -> Iterator[tuple[str, Origin]]:
    """Yield the fields of the class of today that the document does not have."""
    try:
        cls = get_registry().block_class(record.slug)
    except BrickworkError:
        return
    older = record.schema_version != cls.schema_version
    for name in cls.model_fields:
        if name not in fields:
            yield name, "migration" if older else "default"
