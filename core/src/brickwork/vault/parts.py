"""Taking a block apart: its fields as JSON, its secrets, its references, the blocks in it."""

import os
from typing import Any

from pydantic import BaseModel

from brickwork.block import Block, place_of
from brickwork.errors import BlockError, DuplicateName
from brickwork.masking import masker
from brickwork.secret import Secret
from brickwork.vault.codec import ClassOf, Encoded, Marks, text_of, uses_in
from brickwork.vault.envelope import Secrets
from brickwork.vault.pointers import escape, get_at, put_at
from brickwork.vault.written import mark_of, templates_of


def encode(block: Block, store_id: bytes | None, class_of: ClassOf) -> Encoded:
    """Take a block apart into public fields, secrets and references.

    Raises:
        BlockError: A value in it cannot be stored so that it comes back as it was.
        DuplicateName: Its slug, or that of a block inside it, means another class.
    """
    parts = Parts(store_id, class_of)
    slug = parts.slug_of(block)
    return parts.encoded(type(block), slug, parts.dump(block, ""))


class Parts:
    """Collects what a dump finds: secrets and blocks, by where they stood."""

    def __init__(self, store_id: bytes | None, class_of: ClassOf) -> None:
        self.store_id = store_id
        self.class_of = class_of
        self.secrets = Secrets()
        self.blocks: Marks = {}
        self.references: Marks = {}
        self.children: dict[str, Block] = {}
        self.values: dict[str, Any] = {}

    def slug_of(self, block: Block) -> str:
        """Return the slug under which a block is saved, if it leads back to the block's class."""
        return self.slug_of_class(type(block))

    def slug_of_class(self, cls: type[Block]) -> str:
        """Return the slug of a class, if it leads back to the class."""
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
            raise _cannot_store(type(block), masker.mask(str(error).splitlines()[0])) from None
        replaced: dict[str, Any] = self._walk(_settled(block, tree, swap), pointer, swap)
        self._keep_references(block, replaced, pointer)
        return replaced

    def _keep_references(self, block: Block, tree: dict[str, Any], pointer: str) -> None:
        """Put the references that a block was loaded with in place of what they gave."""
        for inside, template in templates_of(block).items():
            here = pointer + inside
            try:
                plain = get_at(tree, inside)
            except (LookupError, TypeError, ValueError):
                continue  # a migration dropped the field
            secret = here in self.secrets
            mark = mark_of(template, secret=secret)
            self.values[here] = Secret(self.secrets.pop(here)) if secret else plain
            if "text" not in mark:
                self.secrets[here] = template.text
            self.references[here] = mark
            put_at(tree, inside, None)

    def _walk(self, value: Any, pointer: str, swap: "_Swap") -> Any:
        if isinstance(value, dict):
            return {k: self._walk(v, f"{pointer}/{escape(k)}", swap) for k, v in value.items()}
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

    def encoded(self, cls: type[Block], slug: str, tree: dict[str, Any]) -> Encoded:
        """Return what was found, ready to be sealed."""
        public: dict[str, Any] = {
            "fields": tree,
            "secrets": sorted(self.secrets),
            "blocks": self.blocks,
        }
        if self.references:
            public["references"] = dict(sorted(self.references.items()))
        try:
            text = text_of(public)
        except ValueError:  # a lone surrogate, or NaN in a field of type Any
            raise _cannot_store(cls, "a field has a value that JSON cannot carry") from None
        uses = uses_in(self.blocks, self.references)
        return Encoded(
            slug, cls.schema_version, text, self.secrets, uses, self.children, self.values
        )


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


def _cannot_store(cls: type[Block], why: str) -> BlockError:
    return BlockError(
        f"A {cls.__name__} cannot be stored: {why}.",
        fix="Use types that pydantic can write as JSON and read back, and Secret for secrets.",
    )
