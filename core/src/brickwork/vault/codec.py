"""Blocks to stored fields and back.

The public part of a document is canonical JSON in which user data and our own marks never mix::

    {"fields": {...}, "secrets": [pointer, ...], "blocks": {pointer: {...}}}

``fields`` are the block's fields; where a secret or a block stood, they have null. Pointers are
JSON pointers (RFC 6901). A block is ``{"ref": "slug/name"}`` where it has an address of its own,
else ``{"slug": ..., "schema": ...}`` with its fields in place.
"""

import json
import os
from collections.abc import Callable
from typing import Any, NamedTuple

from pydantic_core import PydanticSerializationError

from brickwork.block import Address, Block, lift, place_of
from brickwork.errors import BlockError, InvalidBlock, MigrationError
from brickwork.secret import Secret
from brickwork.vault.envelope import Secrets


class Encoded(NamedTuple):
    """A block, ready to be sealed and stored."""

    slug: str
    schema_version: int
    public: bytes
    secrets: Secrets
    uses: tuple[str, ...]


def encode(block: Block, store_id: bytes | None) -> Encoded:
    """Take a block apart into public fields, secrets and references.

    Raises:
        BlockError: A value in it cannot be stored so that it comes back as it was.
    """
    parts = _Parts(store_id)
    tree = parts.dump(block, "")
    public = {"fields": tree, "secrets": sorted(parts.secrets), "blocks": parts.blocks}
    try:
        text = json.dumps(
            public, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        ).encode()
    except ValueError:  # a lone surrogate, or NaN in a field of type Any
        raise _cannot_store(block, "a field has a value that JSON cannot carry") from None
    uses = sorted({Address.parse(ref)._replace(version=None) for ref in parts.refs()})
    return Encoded(slug_of(block), block.schema_version, text, parts.secrets, tuple(map(str, uses)))


def decode(
    cls: type[Block],
    schema_version: int,
    public: bytes,
    secrets: Secrets,
    class_of: Callable[[str], type[Block]],
    load: Callable[[Address], Block],
) -> Block:
    """Put a block together again.

    Args:
        cls: The class of the block itself.
        schema_version: The one it was saved with.
        public: The public part, as `encode` made it.
        secrets: Pointer to value.
        class_of: Gives the class of an embedded block by its slug.
        load: Loads a block that is referred to.

    Raises:
        MigrationError: The fields do not fit the class of today.
    """
    document = json.loads(public)
    fields = document["fields"]
    for pointer, value in secrets.items():
        put_at(fields, pointer, Secret[Any](value))
    # The innermost first, so that an embedded block is whole before the one around it is built.
    for pointer, mark in sorted(document["blocks"].items(), key=lambda item: -item[0].count("/")):
        if "ref" in mark:
            child = load(Address.parse(mark["ref"]))
        else:
            child = build(class_of(mark["slug"]), mark["schema"], _get(fields, pointer))
        put_at(fields, pointer, child)
    return build(cls, schema_version, fields)


def build(cls: type[Block], schema_version: int, fields: dict[str, Any]) -> Block:
    """Make a block of stored fields, lifted to the class of today. Raises MigrationError."""
    if schema_version != cls.schema_version:
        fields = lift(cls, fields, schema_version)
    try:
        return cls(**fields)
    except InvalidBlock as error:
        problems = "; ".join(map(str, error.problems))
    raise MigrationError(
        f"A {cls.slug} block saved with schema version {schema_version} does not fit "
        f"{cls.__name__} of schema version {cls.schema_version}: {problems}.",
        fix=f"Raise schema_version of {cls.__module__}.{cls.__qualname__} by one and add a "
        f"function marked @migration({cls.schema_version}) that makes the old fields fit.",
    )


def slug_of(block: Block) -> str:
    """Return the slug under which a block is saved. Raises BlockError for a class without one."""
    slug: str | None = type(block).__dict__.get("slug")
    if slug is None:
        raise BlockError(
            f"{type(block).__qualname__} has no slug of its own, so a saved one could not be "
            "loaded again.",
            fix=f"Give {type(block).__qualname__} a `slug: ClassVar[str]`.",
        )
    return slug


class _Parts:
    """Collects what a dump finds: secrets and blocks, by where they stood."""

    def __init__(self, store_id: bytes | None) -> None:
        self.store_id = store_id
        self.secrets: Secrets = {}
        self.blocks: dict[str, dict[str, Any]] = {}

    def refs(self) -> list[str]:
        return [mark["ref"] for mark in self.blocks.values() if "ref" in mark]

    def dump(self, block: Block, pointer: str) -> dict[str, Any]:
        swap = _Swap(block)
        try:
            tree = block.model_dump(mode="json", context=swap, round_trip=True, warnings="error")
        except PydanticSerializationError as error:
            raise _cannot_store(block, str(error).splitlines()[0]) from None
        replaced: dict[str, Any] = self._walk(tree, pointer, swap)
        return replaced

    def _walk(self, value: Any, pointer: str, swap: "_Swap") -> Any:
        if isinstance(value, dict):
            return {k: self._walk(v, f"{pointer}/{_escape(k)}", swap) for k, v in value.items()}
        if isinstance(value, list):
            return [self._walk(v, f"{pointer}/{i}", swap) for i, v in enumerate(value)]
        if not isinstance(value, str) or not value.startswith(swap.mark):
            return value
        found = swap.found[int(value.removeprefix(swap.mark))]
        if isinstance(found, Secret):
            self.secrets[pointer] = found.reveal()
            return None
        return self._child(found, pointer)

    def _child(self, child: Block, pointer: str) -> Any:
        if child.address is None:
            self.blocks[pointer] = {"slug": slug_of(child), "schema": child.schema_version}
            return self.dump(child, pointer)
        place = place_of(child)
        if place is None or place.store_id != self.store_id:
            raise BlockError(
                f"{child.address} is saved in another vault, so nothing here can refer to it.",
                fix="Save it in this vault first, or use a copy: model_copy(update={...}).",
            )
        ref = place.address if place.pinned else place.address._replace(version=None)
        self.blocks[pointer] = {"ref": str(ref)}
        return None


class _Swap:
    """Serialization context: secrets and inner blocks become placeholders that nobody can guess."""

    def __init__(self, root: Block) -> None:
        self.root = root
        self.mark = f"{os.urandom(16).hex()}:"
        self.found: list[Any] = []

    def swap(self, value: Any) -> str:
        self.found.append(value)
        return f"{self.mark}{len(self.found) - 1}"


def _cannot_store(block: Block, why: str) -> BlockError:
    return BlockError(
        f"A {type(block).__name__} cannot be stored: {why}.",
        fix="Use types that pydantic can write as JSON and read back, and Secret for secrets.",
    )


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _get(tree: Any, pointer: str) -> Any:
    for step in _steps(pointer):
        tree = tree[int(step)] if isinstance(tree, list) else tree[step]
    return tree


def put_at(tree: Any, pointer: str, value: object) -> None:
    """Set what stands at a JSON pointer."""
    parent, _, last = pointer.rpartition("/")
    holder = _get(tree, parent)
    holder[int(last) if isinstance(holder, list) else _steps(f"/{last}")[0]] = value
