"""Blocks to stored fields and back.

The public part of a document is JSON in which user data and our own marks never mix::

    {"fields": {...}, "secrets": [pointer, ...], "blocks": {pointer: {...}}}

``fields`` are the block's fields; where a secret or a block stood, they have null. Pointers are
JSON pointers (RFC 6901). A block is ``{"ref": "slug/name"}`` where it has an address of its own,
else ``{"slug": ..., "schema": ...}`` with its fields in place.
"""

import json
import os
from collections.abc import Callable
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from brickwork._block_schema import problems_of
from brickwork._secret_schema import Hidden
from brickwork.block import Address, Block, lift, place_of
from brickwork.errors import BlockError, DuplicateName, MigrationError
from brickwork.masking import masker
from brickwork.secret import Secret
from brickwork.vault.envelope import Secrets

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
    """

    slug: str
    schema_version: int
    public: bytes
    secrets: Secrets
    uses: tuple[str, ...]
    children: dict[str, Block]


def encode(block: Block, store_id: bytes | None, class_of: ClassOf) -> Encoded:
    """Take a block apart into public fields, secrets and references.

    Raises:
        BlockError: A value in it cannot be stored so that it comes back as it was.
        DuplicateName: Its slug, or that of a block inside it, means another class.
    """
    parts = _Parts(store_id, class_of)
    slug = parts.slug_of(block)
    tree = parts.dump(block, "")
    public = {"fields": tree, "secrets": sorted(parts.secrets), "blocks": parts.blocks}
    try:
        text = _text(public)
    except ValueError:  # a lone surrogate, or NaN in a field of type Any
        raise _cannot_store(block, "a field has a value that JSON cannot carry") from None
    uses = uses_in(parts.blocks)
    return Encoded(slug, block.schema_version, text, parts.secrets, uses, parts.children)


def decode(
    cls: type[Block],
    schema_version: int,
    public: bytes,
    secrets: Secrets,
    class_of: ClassOf,
    child_at: Callable[[str, str], Block],
) -> Block:
    """Put a block together again.

    Args:
        cls: The class of the block itself.
        schema_version: The one it was saved with.
        public: The public part, as `encode` made it.
        secrets: Pointer to value.
        class_of: Gives the class of an embedded block.
        child_at: Gives a block that is referred to, by pointer and address.

    Raises:
        MigrationError: The fields do not fit the class of today.
    """
    try:
        document = from_json(public, cache_strings="keys")  # twice as fast as json
    except ValueError:  # nested deeper than it can read
        document = json.loads(public)
    fields = document["fields"]
    for pointer in secrets:  # no value gets a name: a traceback may show local variables
        put_at(fields, pointer, Secret(secrets[pointer]))  # type: ignore[type-var]  # one of two
    marks = document["blocks"]
    # The innermost first, so that an embedded block is whole before the one around it is built.
    for pointer in sorted(marks, key=lambda pointer: -pointer.count("/")):
        mark = marks[pointer]
        if "ref" in mark:
            child = child_at(pointer, mark["ref"])
        else:
            child = build(class_of(mark["slug"]), mark["schema"], _get(fields, pointer))
        put_at(fields, pointer, child)
    return build(cls, schema_version, fields)


def build(cls: type[Block], schema_version: int, fields: dict[str, Any]) -> Block:
    """Make a block of stored fields, lifted to the class of today. Raises MigrationError."""
    if schema_version != cls.schema_version:
        fields = lift(cls, fields, schema_version)
    boxed = Hidden(fields)
    try:
        # By name: models inside that are not ours may accept only their aliases otherwise.
        block: Block = cls.__pydantic_validator__.validate_python(
            boxed, by_name=True, by_alias=True
        )
    except ValidationError as error:
        problems = "; ".join(map(str, problems_of(cls, error, boxed)[0]))
    else:
        return block
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
    return uses_in(json.loads(public)["blocks"])


def uses_in(blocks: Marks) -> tuple[str, ...]:
    """Return the addresses in the marks of blocks, as ``slug/name``, sorted."""
    return tuple(
        sorted({mark["ref"].partition("@")[0] for mark in blocks.values() if "ref" in mark})
    )


def renamed(public: bytes, old: Address, new: Address) -> bytes:
    """Return a public part with its references to the old address leading to the new one."""
    document: dict[str, Any] = json.loads(public)
    for mark in document["blocks"].values():
        ref = Address.parse(mark["ref"]) if "ref" in mark else None
        if ref and ref[:2] == old[:2]:
            mark["ref"] = str(ref._replace(name=new.name))
    return _text(document)


def _text(public: dict[str, Any]) -> bytes:
    # Not sorted: the order of a dict of the user's is kept.
    text = json.dumps(public, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


class _Parts:
    """Collects what a dump finds: secrets and blocks, by where they stood."""

    def __init__(self, store_id: bytes | None, class_of: ClassOf) -> None:
        self.store_id = store_id
        self.class_of = class_of
        self.secrets = Secrets()
        self.blocks: Marks = {}
        self.children: dict[str, Block] = {}

    def slug_of(self, block: Block) -> str:
        """Return the slug under which a block is saved, if it leads back to the block's class."""
        cls = type(block)
        slug: str | None = cls.__dict__.get("slug")
        if slug is None:
            raise BlockError(
                f"{cls.__qualname__} has no slug of its own, so a saved one could not be loaded "
                "again.",
                fix=f"Give {cls.__qualname__} a `slug: ClassVar[str]`.",
            )
        known = self.class_of(slug)
        # A class that was defined anew, as in a notebook, has the same name.
        if (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise DuplicateName(
                f"The slug {slug!r} of {cls.__module__}.{cls.__qualname__} means "
                f"{known.__module__}.{known.__qualname__}.",
                fix=f"Give {cls.__qualname__} another slug.",
            )
        return slug

    def dump(self, block: Block, pointer: str) -> dict[str, Any]:
        """Return the fields of a block, with nothing where secrets and other blocks were."""
        swap = _Swap(block)
        try:
            tree = block.model_dump(mode="json", context=swap, round_trip=True, warnings="error")
        except ValueError as error:  # also PydanticSerializationError; and fields nested too deep
            raise _cannot_store(block, masker.mask(str(error).splitlines()[0])) from None
        replaced: dict[str, Any] = self._walk(_settled(block, tree, swap), pointer, swap)
        return replaced

    def _walk(self, value: Any, pointer: str, swap: "_Swap") -> Any:
        if isinstance(value, dict):
            return {k: self._walk(v, f"{pointer}/{_escape(k)}", swap) for k, v in value.items()}
        if isinstance(value, list):
            return [self._walk(v, f"{pointer}/{i}", swap) for i, v in enumerate(value)]
        found = swap.of(value)
        if isinstance(found, Secret):
            self.secrets[pointer] = found.reveal()
            return None
        return self._child(found, pointer) if isinstance(found, Block) else value

    def _child(self, child: Block, pointer: str) -> Any:
        if child.address is None:
            self.blocks[pointer] = {"slug": self.slug_of(child), "schema": child.schema_version}
            return self.dump(child, pointer)
        place = place_of(child)
        if place is None or place.store_id != self.store_id:
            raise BlockError(
                f"{child.address} is saved in another vault, so nothing here can refer to it.",
                fix="Save it in this vault first, or use a copy: model_copy(update={...}).",
            )
        ref = place.address if place.pinned else place.address._replace(version=None)
        self.blocks[pointer] = {"ref": str(ref)}
        self.children[pointer] = child
        return None


def _settled(value: object, dumped: Any, swap: "_Swap") -> Any:
    """Give sets an order, since that of Python's changes from process to process."""
    if isinstance(value, set | frozenset) and isinstance(dumped, list):
        return sorted(dumped, key=swap.sort_key)
    if isinstance(value, list | tuple) and isinstance(dumped, list) and len(value) == len(dumped):
        return [_settled(*pair, swap) for pair in zip(value, dumped, strict=True)]
    if not isinstance(dumped, dict):
        return dumped
    if isinstance(value, BaseModel):
        held = value.__dict__
        return {name: _settled(held.get(name), item, swap) for name, item in dumped.items()}
    if isinstance(value, dict) and len(value) == len(dumped):
        pairs = zip(value.values(), dumped.items(), strict=True)
        return {name: _settled(held, item, swap) for held, (name, item) in pairs}
    return dumped


class _Swap:
    """Serialization context: secrets and inner blocks become placeholders that nobody can guess."""

    def __init__(self, root: Block) -> None:
        self.root = root
        self.mark = f"{os.urandom(16).hex()}:"
        self.found: list[Secret[Any] | Block] = []

    def swap(self, value: Secret[Any] | Block) -> str:
        self.found.append(value)
        return f"{self.mark}{len(self.found) - 1}"

    def of(self, dumped: object) -> Secret[Any] | Block | None:
        """Return what a placeholder stands for; None for anything else."""
        if not isinstance(dumped, str) or not dumped.startswith(self.mark):
            return None
        return self.found[int(dumped.removeprefix(self.mark))]

    def sort_key(self, dumped: object) -> str:
        found = self.of(dumped)
        if found is None:
            return repr(dumped)
        return repr(found.reveal() if isinstance(found, Secret) else found)


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
