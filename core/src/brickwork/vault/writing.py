"""``Writer``: what changes documents. Every method runs inside a transaction of the store."""

import json
import os
from collections import deque
from datetime import UTC, datetime
from typing import Any

from brickwork.block import Address, Block, place_of
from brickwork.errors import (
    BlockError,
    BlockExists,
    BlockInUse,
    BlockNotFound,
    MigrationError,
    TamperedCiphertext,
    TruncatedCiphertext,
    UnsupportedFormat,
    VersionConflict,
)
from brickwork.store import Record
from brickwork.vault.audit import AuditTrail
from brickwork.vault.codec import Encoded, canonical, renamed, uses_of
from brickwork.vault.defining import Definition
from brickwork.vault.envelope import Identity, Secrets, seal_secrets
from brickwork.vault.notes import Notes, annotated
from brickwork.vault.reading import Reader
from brickwork.vault.who import who
from brickwork.vault.written import rename_sealed

_UNREADABLE = (TamperedCiphertext, TruncatedCiphertext, UnsupportedFormat)


class Writer:
    """Writes to a vault, inside transactions that its caller begins.

    Args:
        reader: Reads the same vault.
        keep: How many versions of a block stay when one is added; None for all.
    """

    def __init__(self, reader: Reader, keep: int | None = None) -> None:
        self._reader = reader
        self._store = reader.store
        self._keys = reader.keys
        self._trail = AuditTrail(reader.store, reader.keys)
        self._keep = keep

    def put(
        self,
        block: Block,
        name: str,
        encoded: Encoded,
        *,
        overwrite: bool,
        notes: Notes | None = None,
        action: str = "save",
        **detail: Any,
    ) -> Record:
        """Add a version, if it differs from the newest; see `Vault.save`.

        ``action`` is what the audit trail calls it, and ``detail`` what else it says.
        """
        current = self._store.get(encoded.slug, name)
        before = None if current is None else current.public
        encoded = encoded._replace(public=annotated(encoded.public, before, notes))
        if current is not None:
            based = self.based_on(block, encoded.slug, name)
            overtaken = based is not None and based != current.version
            # Two who make the same change to the same version have made it twice, not once.
            meant_as_change = overwrite and block.address is None
            if not (overtaken and meant_as_change) and self.same(current, encoded):
                return current
            if not overwrite:
                raise BlockExists(
                    f"{encoded.slug}/{name} exists already, with other values.",
                    fix="Choose another name, or pass overwrite=True to add a version.",
                )
            if overtaken:
                raise VersionConflict(
                    f"{encoded.slug}/{name} is at version {current.version}; this block is based "
                    f"on version {based}.",
                    fix="Load it again, make the change on what is there now, and save that.",
                )
        return self._add(current, name, encoded, block, action, **detail)

    def define(
        self,
        address: Address,
        definition: Definition,
        *,
        overwrite: bool,
        notes: Notes | None = None,
    ) -> Record:
        """Add a version of what written fields mean, if it differs; see `Vault.define`."""
        current = self._store.get(address.slug, address.name)
        before = None if current is None else current.public
        encoded = definition.encoded
        encoded = encoded._replace(public=annotated(encoded.public, before, notes))
        if current is not None:
            if self.same(current, encoded):
                return current
            if not overwrite:
                raise BlockExists(
                    f"{address.slug}/{address.name} exists already, with other values.",
                    fix="Choose another name, or pass overwrite=True to add a version.",
                )
        return self._add(current, address.name, encoded, definition.block)

    def _add(
        self,
        current: Record | None,
        name: str,
        encoded: Encoded,
        block: Block | None,
        action: str = "save",
        **detail: Any,
    ) -> Record:
        self._check_uses(encoded, name)
        identity = Identity(
            self._store.store_id,
            encoded.slug,
            os.urandom(16) if current is None else current.block_id,
            name,
            encoded.schema_version,
            1 if current is None else current.version + 1,
        )
        record = self._sealed(identity, encoded.public, encoded.secrets, encoded.uses)
        if block is not None:
            self._read_back(record, block, encoded)
        return self._added(record, action, **detail)

    def put_over(
        self,
        newest: Record,
        encoded: Encoded,
        action: str,
        *,
        block: Block | None = None,
        check: bool = True,
        **detail: Any,
    ) -> Record:
        """Add a version after the newest one, whatever that holds.

        Args:
            newest: The newest version, as read in this transaction.
            encoded: The content of the new one.
            action: What the audit trail calls it.
            block: What must come back equal; None where the content is that of a stored version.
            check: Whether to refuse references to what is not there, and circles.
            detail: What else the audit trail says.
        """
        if check:
            self._check_uses(encoded, newest.name)
        identity = self._reader.identity_of(newest)._replace(
            schema_version=encoded.schema_version, version=newest.version + 1
        )
        record = self._sealed(identity, encoded.public, encoded.secrets, encoded.uses)
        if block is not None:
            self._read_back(record, block, encoded)
        return self._added(record, action, **detail)

    def remove(self, address: Address) -> None:
        """Remove a block with all its versions; see `Vault.delete`."""
        record = self._reader.record(address)
        users = self._store.users_of(address.slug, address.name)
        if users:
            names = ", ".join(f"{user.slug}/{user.name}@{user.version}" for user in users)
            raise BlockInUse(f"{address} is used by {names}.", fix="Change or delete those first.")
        self._store.remove(record.block_id)
        self._trail.append("delete", record)

    def rename(self, old: Address, name: str) -> Record:
        """Reseal every version under another name, and all that refers to it."""
        new = Address(old.slug, name)
        versions = self._reader.versions(old)
        if name == old.name:
            return versions[-1]
        if self._store.get(new.slug, name):
            raise BlockExists(
                f"{new} exists already.", fix="Choose another name, or delete that first."
            )
        users = self._store.users_of(old.slug, old.name, history=True)
        moved = [self._reseal(record, record.public, name) for record in versions]
        resealed = [
            self._reseal(record, renamed(record.public, old, new), record.name, (old, new))
            for record in users
        ]
        current = [each for each in resealed if self._is_newest(each)]
        self._trail.append("rename", moved[-1], also=current, old=str(old))
        return moved[-1]

    def based_on(self, block: Block, slug: str, name: str) -> int | None:
        """Return the version of an address that a block was loaded from; None for a fresh one."""
        place = place_of(block)
        if place is None or place.store_id != self._store.store_id:
            return None
        return place.address.version if place.address[:2] == (slug, name) else None

    def same(self, current: Record, encoded: Encoded) -> bool:
        """Tell whether a stored version has this content already."""
        if current.schema_version != encoded.schema_version:
            return False
        if canonical(current.public) != canonical(encoded.public):
            return False
        try:
            return self._reader.secrets_of(current) == encoded.secrets
        except _UNREADABLE:
            return False  # saving over a damaged version is how it is mended

    def _is_newest(self, record: Record) -> bool:
        newest = self._store.get(record.slug, record.name)
        return newest is not None and newest.version == record.version

    def _added(self, record: Record, action: str, **detail: Any) -> Record:
        self._store.put(record)
        self._trail.append(action, record, **detail)
        if self._keep is not None and record.version > self._keep:
            from brickwork.vault.pruning import prune

            prune(self._store, self._trail, [record], self._keep)
        return record

    def _read_back(self, record: Record, block: Block, encoded: Encoded) -> None:
        """Refuse what would not come back equal: found now, it is an error and no loss."""
        children, values = encoded.children, encoded.values
        try:
            back: object = self._reader.block_of(
                record, type(block), lambda at, _: children[at], lambda _: values
            )
        except MigrationError:
            back = None
        if back != block:
            raise BlockError(
                f"{record.slug}/{record.name} would not come back as it is: a field changes when "
                "it is written as JSON and read again.",
                fix="Use Secret instead of SecretStr, and types that pydantic reads back equal.",
            )

    def _check_uses(self, encoded: Encoded, name: str) -> None:
        """Refuse references to what is not there, and circles."""
        seen: set[str] = set()
        waiting = deque(encoded.uses)
        while waiting:
            text = waiting.popleft()
            if text in seen:
                continue
            seen.add(text)
            if text == f"{encoded.slug}/{name}":
                raise BlockError(
                    f"{text} would refer to itself, through {', '.join(sorted(encoded.uses))}.",
                    fix="Break the circle: save one of the blocks inside the other.",
                )
            address = Address.parse(text)
            record = self._store.get(address.slug, address.name)
            if record is None:
                raise BlockNotFound(
                    f"{encoded.slug}/{name} refers to {address}, which is not saved here.",
                    fix=f"Save {address} first.",
                )
            waiting.extend(uses_of(record.public))

    def _sealed(
        self, identity: Identity, public: bytes, secrets: Secrets, uses: tuple[str, ...]
    ) -> Record:
        key = self._keys.for_sealing()
        return Record(
            identity.block_id,
            identity.slug,
            identity.name,
            identity.version,
            identity.schema_version,
            datetime.now(UTC).isoformat(timespec="microseconds"),
            who(),
            key.kid,
            public,
            seal_secrets(key, identity, public, secrets),
            uses,
        )

    def _reseal(
        self,
        record: Record,
        public: bytes,
        name: str,
        renaming: tuple[Address, Address] | None = None,
    ) -> Record:
        identity = self._reader.identity_of(record)._replace(name=name)
        secrets = self._reader.secrets_of(record)
        if renaming is not None and b'"uses":' in public:
            marks = json.loads(record.public).get("references", {})
            secrets = rename_sealed(marks, secrets, *renaming)
        sealed = self._sealed(identity, public, secrets, uses_of(public))
        sealed = sealed._replace(saved_at=record.saved_at, saved_by=record.saved_by)
        self._store.replace(sealed)
        return sealed
