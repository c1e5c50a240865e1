"""Blocks to stored fields and back.

The public part of a document is JSON in which user data and our own marks never mix::

    {"fields": {...}, "secrets": [pointer, ...], "blocks": {pointer: {...}}}

``fields`` are the block's fields; where a secret or a block stood, they have null. Pointers are
JSON pointers (RFC 6901). A block is ``{"ref": "slug/name"}`` where it has an address of its own,
else ``{"slug": ..., "schema": ...}`` with its fields in place.

``references`` is there if there are any: pointer to ``{"text": "${env:NAME}"}``, with ``"secret":
true`` where the field is a secret. A secret's text that is more than references is sealed like
other secrets; then the mark has no text, only what it uses: ``{"secret": true, "uses": [...]}``.
``notes`` are those of `brickwork.vault.notes`.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import from_json

from brickwork._block_schema import problems_of
from brickwork._secret_schema import Hidden
from brickwork.block import Address, Block, lift
from brickwork.errors import BlockError, MigrationError
from brickwork.secret import Secret
from brickwork.vault.envelope import Secrets
from brickwork.vault.pointers import get_at, put_at

if TYPE_CHECKING:
    from brickwork.vault.written import Resolve, Written

Marks = dict[str, dict[str, Any]]
"""Pointer to what is known of the block that stands there."""
ClassOf = Callable[[str], type[Block]]
"""Gives the class of a block by its slug."""


class Encoded(NamedTuple):
    """A block, ready to be sealed and stored.

    Attributes:
        slug: Its class's slug.
        schema_version: Its class's schema version.
        public: The public part.
        secrets: Pointer to value.
        uses: The addresses that it refers to, as ``slug/name``, sorted.
        children: Pointer to the block there that is saved on its own.
        values: Pointer to what the reference there gave, if that is known.
    """

    slug: str
    schema_version: int
    public: bytes
    secrets: Secrets
    uses: tuple[str, ...]
    children: dict[str, Block]
    values: dict[str, Any]


def decode(
    cls: type[Block],
    schema_version: int,
    public: bytes,
    secrets: Secrets,
    class_of: ClassOf,
    child_at: Callable[[str, str], Block],
    resolve: "Resolve",
) -> Block:
    """Put a block together again.

    Args:
        cls: The class of the block itself.
        schema_version: The one it was saved with.
        public: The public part, as `encode` made it.
        secrets: Pointer to value.
        class_of: Gives the class of an embedded block.
        child_at: Gives a block that is referred to, by pointer and address.
        resolve: Gives the values of references.

    Raises:
        MigrationError: The fields do not fit the class of today.
        ResolveError: The value of a reference cannot be had.
    """
    try:
        document = from_json(public, cache_strings="keys")  # twice as fast as json
    except ValueError:  # nested deeper than it can read
        document = json.loads(public)
    fields = document["fields"]
    references = document.get("references")
    for pointer in secrets:  # no value gets a name: a traceback may show local variables
        if not references or pointer not in references:
            put_at(fields, pointer, Secret(secrets[pointer]))  # type: ignore[type-var]  # one of two
    written = None
    if references:  # only blocks that have some pay for importing what handles them
        from brickwork.vault.written import put_references

        written = put_references(fields, references, secrets, resolve)
    marks = document["blocks"]
    # The innermost first, so that an embedded block is whole before the one around it is built.
    for pointer in sorted(marks, key=lambda pointer: -pointer.count("/")):
        mark = marks[pointer]
        if "ref" in mark:
            child = child_at(pointer, mark["ref"])
        else:
            inside = get_at(fields, pointer)
            child = build(class_of(mark["slug"]), mark["schema"], inside, written)
        put_at(fields, pointer, child)
    return build(cls, schema_version, fields, written)


def build(
    cls: type[Block],
    schema_version: int,
    fields: dict[str, Any],
    written: "Written | None" = None,
) -> Block:
    """Make a block of stored fields, lifted to the class of today. Raises MigrationError.

    Args:
        cls: The block's class.
        schema_version: The one it was saved with.
        fields: Its fields.
        written: Which of the values in them came from references.
    """
    if schema_version != cls.schema_version:
        fields = lift(cls, fields, schema_version)
    templates = written.found_in(fields) if written else None
    boxed = Hidden(fields)
    try:
        # By name: models inside that are not ours may accept only their aliases otherwise.
        block: Block = cls.__pydantic_validator__.validate_python(
            boxed, by_name=True, by_alias=True
        )
    except ValidationError as error:
        problems = "; ".join(map(str, problems_of(cls, error, boxed)[0]))
    else:
        if templates:
            from brickwork.vault.written import keep_templates

            keep_templates(block, templates)
        return block
    if templates:
        raise BlockError(
            f"A {cls.slug} block does not fit {cls.__name__} with what its references give now: "
            f"{problems}.",
            fix="Correct the values where the references lead, or the references.",
        )
    raise MigrationError(
        f"A {cls.slug} block saved with schema version {schema_version} does not fit "
        f"{cls.__name__} of schema version {cls.schema_version}: {problems}.",
        fix=f"Raise schema_version of {cls.__module__}.{cls.__qualname__} by one and add a "
        f"function marked @migration({cls.schema_version}) that makes the old fields fit.",
    )


def canonical(public: bytes) -> str:
    """Return a form that two public parts share if they differ in the order of entries only."""
    return json.dumps(json.loads(public), sort_keys=True)


def uses_of(public: bytes) -> tuple[str, ...]:
    """Return the addresses that a public part refers to, as ``slug/name``, sorted."""
    document = json.loads(public)
    return uses_in(document["blocks"], document.get("references", {}))


def uses_in(blocks: Marks, references: Marks) -> tuple[str, ...]:
    """Return the addresses in the marks of blocks and references, as ``slug/name``, sorted."""
    found = {mark["ref"].partition("@")[0] for mark in blocks.values() if "ref" in mark}
    if references:
        from brickwork.vault.written import uses_of_mark

        for mark in references.values():
            found.update(uses_of_mark(mark))
    return tuple(sorted(found))


def renamed(public: bytes, old: Address, new: Address) -> bytes:
    """Return a public part with its references to the old address leading to the new one."""
    document: dict[str, Any] = json.loads(public)
    for mark in document["blocks"].values():
        ref = Address.parse(mark["ref"]) if "ref" in mark else None
        if ref and ref[:2] == old[:2]:
            mark["ref"] = str(ref._replace(name=new.name))
    if "references" in document:
        from brickwork.vault.written import rename_references

        rename_references(document["references"], old, new)
    return text_of(document)


def text_of(public: dict[str, Any]) -> bytes:
    """Return a public part as it is stored."""
    # Not sorted: the order of a dict of the user's is kept.
    text = json.dumps(public, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()
