"""An old version is made the newest again, or the newest gets other notes."""

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from brickwork.block import Address, Block
from brickwork.errors import ResolveError
from brickwork.registry.current import get_registry
from brickwork.store import Record
from brickwork.vault.codec import Encoded, canonical, uses_of
from brickwork.vault.migrating import lifted, steps_of
from brickwork.vault.notes import Notes, annotated, bare, notes_of
from brickwork.vault.reading import Reader

if TYPE_CHECKING:
    from brickwork.vault.writing import Writer


def roll_back(reader: Reader, writer: "Writer", address: Address, version: int) -> Record:
    """Add a version with the content of an old one; see `Vault.rollback`."""
    there = reader.record(address._replace(version=version))
    block: Block | None = None
    encoded: Encoded | None = None
    # Before the transaction: it may take long, where references lead outside.
    if steps_of(there, get_registry().block_class):
        block, encoded = lifted(reader, there)
    else:
        _check_it_loads(reader, there)
    with reader.store.transaction():
        newest = reader.record(address)
        old = reader.record(address._replace(version=version))
        if old.version == newest.version:
            return newest
        encoded = encoded or _stored(reader, old)
        # Who owns the block is no matter of a version.
        owner = notes_of(json.loads(newest.public)).manifest
        notes = notes_of(json.loads(old.public))._replace(manifest=owner)
        encoded = encoded._replace(public=annotated(bare(encoded.public), None, notes))
        if writer.same(newest, encoded):
            return newest
        return writer.put_over(newest, encoded, "rollback", block=block, to=version)


def annotate(reader: Reader, writer: "Writer", address: Address, notes: Notes) -> Record:
    """Add a version with other notes; see `Vault.annotate`. Needs no class."""
    reader.record(address)
    with reader.store.transaction():
        newest = reader.record(address)
        public = annotated(bare(newest.public), None, notes)
        encoded = _stored(reader, newest)._replace(public=public)
        if canonical(public) == canonical(newest.public):
            return newest
        # What the block refers to stays as it is, also where that is gone.
        return writer.put_over(newest, encoded, "annotate", check=False)


def _check_it_loads(reader: Reader, old: Record) -> None:
    with suppress(ResolveError):  # what a reference leads to outside is no part of the version
        reader.load(Address(old.slug, old.name, old.version), Block)


def _stored(reader: Reader, record: Record) -> Encoded:
    """Return the content of a stored version, to be sealed anew as it is."""
    return Encoded(
        slug=record.slug,
        schema_version=record.schema_version,
        public=record.public,
        secrets=reader.secrets_of(record),  # first: nothing of a changed document is trusted
        uses=uses_of(record.public),
        children={},
        values={},
    )
