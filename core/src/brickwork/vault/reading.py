"""``Reader``: finds documents in a store, opens them, and puts blocks together."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from brickwork.block import Address, Block, Place, stamp
from brickwork.errors import BlockError, BlockNotFound, ResolveError
from brickwork.registry.current import get_registry
from brickwork.store import Record, Store
from brickwork.vault.codec import decode
from brickwork.vault.envelope import Identity, Secrets, open_secrets
from brickwork.vault.keys import KeyRing

if TYPE_CHECKING:
    from brickwork.vault.references import Reference, Template
    from brickwork.vault.resolving import Resolutions
    from brickwork.vault.written import Resolve

B = TypeVar("B", bound=Block)
Path = tuple[Address, ...]
"""The blocks that lead to the one being loaded, each of which refers to the next."""


class Reader:
    """Reads a vault. Changes nothing.

    Attributes:
        store: Where the documents are.
        keys: What opens them.
        warns: Whether it warns of blocks that have expired, as is due where they are used.
    """

    def __init__(self, store: Store, keys: KeyRing) -> None:
        self.store = store
        self.keys = keys
        self.warns = True
        self._kept: dict[str, Resolutions] = {}

    @property
    def resolutions(self) -> "Resolutions":
        """What the references in the documents gave."""
        if not self._kept:
            from brickwork.vault.resolving import Resolutions

            self._kept.setdefault("", Resolutions())  # at once, since threads share them
        return self._kept[""]

    @resolutions.setter
    def resolutions(self, value: "Resolutions") -> None:
        self._kept = {"": value}

    def forget(self) -> None:
        """Forget what references gave."""
        if self._kept:
            self.resolutions.forget()

    def record(self, address: Address) -> Record:
        """Return one version, the newest where none is given. Raises BlockNotFound."""
        record = self.store.get(*address) if self.store.exists() else None
        if record is None:
            raise self._not_found(address)
        return record

    def versions(self, address: Address) -> list[Record]:
        """Return every version, oldest first. Raises BlockNotFound."""
        exists = self.store.exists()
        records = list(self.store.versions(address.slug, address.name)) if exists else []
        if not records:
            raise self._not_found(address)
        return records

    def load(self, address: Address, expect: type[B]) -> B:
        """Load a block and what it refers to; see `Vault.load`."""
        while True:
            record = self.store.get(*address)
            if record is None:
                raise self._not_found(address)
            try:
                return self._block(record, address, expect, ())
            except BlockNotFound:
                # A block that this one refers to was renamed after this one was read? Then this
                # one was written anew. If not, it is true that the other is missing.
                if self.store.get(*address) == record:
                    raise

    def block_of(
        self,
        record: Record,
        cls: type[Block],
        child_at: Callable[[str, str], Block],
        resolve: "Resolve",
    ) -> Block:
        """Open a document and build its block, which has no address yet."""
        return decode(
            cls,
            record.schema_version,
            record.public,
            self.secrets_of(record),
            get_registry().block_class,
            child_at,
            resolve,
        )

    def secrets_of(self, record: Record) -> Secrets:
        """Open a document. Raises what `open_secrets` raises."""
        return open_secrets(
            self.keys.wrapping_key,
            self.identity_of(record),
            record.public,
            record.sealed,
            self.keys.unwrapped,
        )

    def identity_of(self, record: Record) -> Identity:
        """Return what a document must have been sealed for."""
        return Identity(
            self.store.store_id,
            record.slug,
            record.block_id,
            record.name,
            record.schema_version,
            record.version,
        )

    def _block(self, record: Record, address: Address, expect: type[B], path: Path) -> B:
        here = Address(record.slug, record.name, record.version)
        if here in path:  # only by versions that refer to each other's past
            raise BlockError(
                f"{here} refers to itself, through {path[-1]}.",
                fix=f"Save {path[-1]} anew without it.",
            )
        known = expect.__dict__.get("slug") == record.slug
        cls = expect if known else get_registry().block_class(record.slug)
        if not issubclass(cls, expect):
            raise BlockError(
                f"{address} is a {cls.__name__}, not a {expect.__name__}.",
                fix=f'Load it with Block.load("{address}") or with {cls.__name__}.',
            )

        def child_at(_: str, ref: str) -> Block:
            child = Address.parse(ref)
            found = self.store.get(*child)
            if found is None:
                raise self._not_found(child, needed_by=here)
            return self._block(found, child, Block, (*path, here))

        try:
            block = self.block_of(
                record, cls, child_at, lambda templates: self.values(templates, (*path, here))
            )
        except BlockError as error:
            error.add_note(f"in block {here}")
            raise
        pinned = address.version is not None
        stamp(block, Place(here, self.store.store_id, pinned, block_id=record.block_id))
        if self.warns and b'"notes":' in record.public:
            from brickwork.vault.expiry import warn_if_expired

            warn_if_expired(record)
        return block  # type: ignore[return-value]  # issubclass(cls, expect), and it is a cls

    def values(self, templates: "Mapping[str, Template]", path: Path) -> dict[str, str]:
        """Fetch what templates stand for, by pointer.

        Args:
            templates: By pointer.
            path: The block that they stand in, after those that lead to it; empty for none.

        Raises:
            ResolveError: Some of them cannot be had; names each field and its reference.
        """
        from brickwork.vault.references import BLOCK
        from brickwork.vault.resolving import filled

        wanted = [ref for template in templates.values() for ref in template.references]
        found = self.resolutions.fetch(ref for ref in wanted if ref.scheme != BLOCK)
        for ref in wanted:
            if ref.scheme == BLOCK and ref not in found:
                found[ref] = self._field(ref, path)
        return filled(templates, found, path[-1] if path else None)

    def _field(self, reference: "Reference", path: Path) -> str | ResolveError:
        """Return the field of another block that a reference names."""
        address = Address.parse(reference.path)
        record = self.store.get(*address)
        if record is None:
            return ResolveError(
                f"{reference}: no block {address} is saved here.",
                fix="Save it, or correct the reference.",
            )
        from brickwork.vault.resolving import field_of

        return field_of(self._block(record, address, Block, path), reference)

    def _not_found(self, address: Address, needed_by: Address | None = None) -> BlockNotFound:
        needed = f", which {needed_by} refers to" if needed_by else ""
        newest = self.store.get(address.slug, address.name) if self.store.exists() else None
        if newest is not None:
            return BlockNotFound(
                f"{address._replace(version=None)} has no version {address.version}{needed}; "
                f"the newest is {newest.version}.",
                fix=f"List them with `brickwork block history {address._replace(version=None)}`.",
            )
        return BlockNotFound(
            f"No block {address} is saved in {self.store.location}{needed}.",
            fix=f"{self._near(address)}List what there is with `brickwork block ls`.",
        )

    def _near(self, address: Address) -> str:
        from difflib import get_close_matches

        heads = self.store.heads() if self.store.exists() else ()
        known = [f"{head.slug}/{head.name}" for head in heads]
        match = get_close_matches(f"{address.slug}/{address.name}", known, 1)
        return f"Did you mean {match[0]}? " if match else ""
