"""``Vault``: saves and loads blocks, sealed, versioned, in a store."""

import os
from collections import deque
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

from brickwork.block import Address, Block, Place, check_name, place_of, stamp
from brickwork.config import Config
from brickwork.errors import (
    BlockError,
    BlockExists,
    BlockInUse,
    BlockNotFound,
    VersionConflict,
)
from brickwork.keyprovider import KeyProvider
from brickwork.registry.current import get_registry
from brickwork.store import Record, Store
from brickwork.vault.codec import Encoded, decode, encode
from brickwork.vault.document import Document
from brickwork.vault.envelope import Identity, Secrets, open_secrets, seal_secrets
from brickwork.vault.keys import KeyRing

B = TypeVar("B", bound=Block)
_ATTEMPTS = 100


class Vault:
    """Saves and loads blocks.

    It needs a store, which keeps documents, and a key provider, which guards the root key; neither
    is touched before the first use. Safe to use from many threads and processes at once.

    Attributes:
        store: Where the documents are.
        keys: The root keys; also a source of derived keys for results.
    """

    def __init__(self, store: Store, keys: KeyRing) -> None:
        self.store = store
        self.keys = keys

    @classmethod
    def open(cls, url: str | None = None, keys: str | None = None) -> Self:
        """Open a vault. Does no I/O but reading settings.

        Args:
            url: The vault: a URL, or the path of an SQLite file. Settings decide where it is None.
            keys: The key provider and its setting, such as ``file:/etc/app/key`` or
                ``env:APP_KEY``. Settings decide where it is None.

        Raises:
            ConfigError: A setting cannot be used.
            UnknownName: No plugin knows the store or the key provider.
        """
        config = Config.load(vault=url, keys=keys)
        scheme, colon, _ = config.vault.partition("://")
        store = get_registry().store(scheme if colon else "sqlite").open(config.vault)
        provider, _, setting = config.keys.partition(":")

        def make_provider() -> KeyProvider:
            return get_registry().key_provider(provider).open(setting)

        return cls(store, KeyRing(store, make_provider))

    # Saving

    def save(self, block: Block, name: str, *, overwrite: bool = False) -> Document:
        """Save a block, and stamp its address on it. One durable transaction.

        Saving what is already saved adds no version. With ``overwrite``, something else becomes a
        new version; if the block was loaded from there, or is a changed copy of one that was, only
        when nobody saved a newer one in between.

        Raises:
            BlockExists: Another block has the name, and ``overwrite`` is not set.
            VersionConflict: Somebody saved a newer version in between.
            BlockError: The block cannot be stored, or refers to one that is not saved here.
            KeyUnavailable: There is no key; nothing was written.
        """
        check_name(name)
        exists = self.store.exists()
        encoded = encode(block, self.store.store_id if exists else None)
        if not exists:
            self._make()
        for attempt in range(_ATTEMPTS):
            try:
                with self.store.transaction():
                    record = self._put(block, name, encoded, overwrite=overwrite)
            except VersionConflict:
                # Only a store whose transactions do not wait for each other comes here.
                if self._based_on(block, encoded.slug, name) or attempt == _ATTEMPTS - 1:
                    raise
            else:
                break
        address = Address(record.slug, record.name, record.version)
        stamp(block, Place(address, self.store.store_id))
        return Document(record)

    def rename(self, address: Address | str, name: str) -> Document:
        """Give a block another name. Every version of it, and every reference to it, is resealed.

        Raises:
            BlockNotFound: Nothing is saved there.
            BlockExists: The new name is taken.
        """
        old = _address(address)
        new = old._replace(name=check_name(name), version=None)
        with self.store.transaction():
            versions = self._versions(old)
            if new.name != old.name:
                if self.store.get(new.slug, new.name):
                    raise BlockExists(
                        f"{new} exists already.", fix="Choose another name, or delete that first."
                    )
                users = self.store.users_of(old.slug, old.name, history=True)
                for record in versions:
                    self._reseal(record, name=new.name)
                for record in users:
                    self._reseal(record, moved=(old, new))
            newest = self.store.get(new.slug, new.name)
        assert newest is not None  # noqa: S101  # written a moment ago
        return Document(newest)

    def delete(self, address: Address | str) -> None:
        """Delete a block with all its versions.

        Raises:
            BlockNotFound: Nothing is saved there.
            BlockInUse: The newest version of another block refers to it.
        """
        target = _address(address)
        if target.version is not None:
            raise BlockError(
                f"{target} names one version; a block is deleted with all of them.",
                fix=f"Delete {target._replace(version=None)}.",
            )
        with self.store.transaction():
            versions = self._versions(target)
            users = self.used_by(target)
            if users:
                raise BlockInUse(
                    f"{target} is used by {', '.join(map(str, users))}.",
                    fix="Change or delete those first.",
                )
            self.store.remove(versions[0].block_id)

    # Loading and looking

    def load(self, address: Address | str, *, expect: type[B] = Block) -> B:  # type: ignore[assignment]  # mypy: a default for a type variable
        """Load a block.

        Args:
            address: ``slug/name``, or ``slug/name@version``.
            expect: The class it must be of.

        Raises:
            BlockNotFound: Nothing is saved there.
            BlockError: What is saved there is not of that class, or does not fit its class.
            VaultError: It cannot be read or decrypted.
        """
        return self._load(_address(address), expect, ())

    def documents(self, slug: str | None = None) -> list[Document]:
        """List the newest version of every block, by slug and name. Decrypts nothing."""
        return [Document(r) for r in self.store.heads(slug)] if self.store.exists() else []

    def document(self, address: Address | str) -> Document:
        """Return what is public about one block. Raises BlockNotFound."""
        return Document(self._record(_address(address)))

    def history(self, address: Address | str) -> list[Document]:
        """List every version of a block, oldest first. Raises BlockNotFound."""
        return [Document(record) for record in self._versions(_address(address))]

    def used_by(self, address: Address | str) -> list[Address]:
        """Return the blocks whose newest version refers to this one."""
        target = _address(address)
        users = self.store.users_of(target.slug, target.name)
        return [Address(user.slug, user.name, user.version) for user in users]

    def close(self) -> None:
        """Close the connections and forget the keys."""
        self.keys.close()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Vault({self.store.location!r})"

    # Inside

    def _make(self) -> None:
        """Make the vault and its root key, and say so where a person can read it."""
        import sys

        made_key = self.keys.prepare()
        provider = self.keys.provider.describe()
        note = f"brickwork: making the vault {self.store.location}"
        note += f" and its key, {provider}; keep a copy of the key" if made_key else ""
        print(note, file=sys.stderr)  # noqa: T201  # announced: a new place for secrets
        with self.store.transaction():
            self.keys.for_sealing()

    def _put(self, block: Block, name: str, encoded: Encoded, *, overwrite: bool) -> Record:
        current = self.store.get(encoded.slug, name)
        if current is not None:
            if self._same(current, encoded):
                return current
            if not overwrite:
                raise BlockExists(
                    f"{encoded.slug}/{name} exists already, with other values.",
                    fix="Choose another name, or pass overwrite=True to add a version.",
                )
            based = self._based_on(block, encoded.slug, name)
            if based is not None and based != current.version:
                raise VersionConflict(
                    f"{encoded.slug}/{name} is at version {current.version}; this block is based "
                    f"on version {based}.",
                    fix="Load it again, make the change on what is there now, and save that.",
                )
        self._check_uses(encoded, name)
        identity = Identity(
            self.store.store_id,
            encoded.slug,
            os.urandom(16) if current is None else current.block_id,
            name,
            encoded.schema_version,
            1 if current is None else current.version + 1,
        )
        record = self._sealed(identity, encoded.public, encoded.secrets, encoded.uses)
        # What cannot be read back must not be saved: found here, it is an error and no loss.
        if self._decode(record, type(block), ()) != block:
            raise BlockError(
                f"{identity.slug}/{name} would not come back as it is: a field changes when it "
                "is written as JSON and read again.",
                fix="Use Secret instead of SecretStr, and types that pydantic reads back equal.",
            )
        self.store.put(record)
        return record

    def _sealed(
        self, identity: Identity, public: bytes, secrets: Secrets, uses: tuple[str, ...]
    ) -> Record:
        key = self.keys.for_sealing()
        return Record(
            identity.block_id,
            identity.slug,
            identity.name,
            identity.version,
            identity.schema_version,
            datetime.now(UTC).isoformat(timespec="microseconds"),
            _who(),
            key.kid,
            public,
            seal_secrets(key, identity, public, secrets),
            uses,
        )

    def _reseal(
        self,
        record: Record,
        *,
        name: str | None = None,
        moved: tuple[Address, Address] | None = None,
    ) -> None:
        secrets = self._open(record)
        public, uses = record.public, tuple(map(str, _uses(record)))
        if moved:
            public, uses = _renamed(record, *moved)
        identity = self._identity(record)._replace(name=name or record.name)
        sealed = self._sealed(identity, public, secrets, uses)
        self.store.replace(sealed._replace(saved_at=record.saved_at, saved_by=record.saved_by))

    def _same(self, current: Record, encoded: Encoded) -> bool:
        return (
            current.public == encoded.public
            and current.schema_version == encoded.schema_version
            and self._open(current) == encoded.secrets
        )

    def _based_on(self, block: Block, slug: str, name: str) -> int | None:
        place = place_of(block)
        if place is None or place.store_id != self.store.store_id:
            return None
        return place.address.version if place.address[:2] == (slug, name) else None

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
            record = self.store.get(address.slug, address.name)
            if record is None:
                raise BlockNotFound(
                    f"{encoded.slug}/{name} refers to {address}, which is not saved here.",
                    fix=f"Save {address} first.",
                )
            waiting.extend(map(str, _uses(record)))

    def _load(self, address: Address, expect: type[B], via: tuple[Address, ...]) -> B:
        record = self.store.get(*address)
        if record is None:
            raise self._not_found(address, via)
        cls = expect if expect.__dict__.get("slug") == record.slug else self._class_of(record.slug)
        block = self._decode(record, cls, via)
        if not isinstance(block, expect):
            raise BlockError(
                f"{address} is a {cls.__name__}, not a {expect.__name__}.",
                fix=f'Load it with Block.load("{address}") or with {cls.__name__}.',
            )
        place = Address(record.slug, record.name, record.version)
        stamp(block, Place(place, self.store.store_id, pinned=address.version is not None))
        return block

    def _decode(self, record: Record, cls: type[Block], via: tuple[Address, ...]) -> Block:
        here = Address(record.slug, record.name)

        def load_child(address: Address) -> Block:
            if address in via:  # written by somebody who went around _check_uses
                raise BlockError(f"{here} refers to itself, through {address}.")
            return self._load(address, Block, (*via, here))

        try:
            return decode(
                cls,
                record.schema_version,
                record.public,
                self._open(record),
                self._class_of,
                load_child,
            )
        except BlockError as error:
            error.add_note(f"in block {here}@{record.version}")
            raise

    def _open(self, record: Record) -> Secrets:
        return open_secrets(
            self.keys.wrapping_key, self._identity(record), record.public, record.sealed
        )

    def _identity(self, record: Record) -> Identity:
        return Identity(
            self.store.store_id,
            record.slug,
            record.block_id,
            record.name,
            record.schema_version,
            record.version,
        )

    def _class_of(self, slug: str) -> type[Block]:
        return get_registry().block_class(slug)

    def _record(self, address: Address) -> Record:
        record = self.store.get(*address) if self.store.exists() else None
        if record is None:
            raise self._not_found(address, ())
        return record

    def _versions(self, address: Address) -> list[Record]:
        versions = list(self.store.versions(address.slug, address.name))
        if not versions:
            raise self._not_found(address, ())
        return versions

    def _not_found(self, address: Address, via: tuple[Address, ...]) -> BlockNotFound:
        needed = f", which {via[-1]} refers to" if via else ""
        newest = self.store.get(address.slug, address.name) if self.store.exists() else None
        if newest is not None:
            return BlockNotFound(
                f"{address._replace(version=None)} has no version {address.version}{needed}; "
                f"the newest is {newest.version}.",
                fix=f"List them with `brickwork block history {address._replace(version=None)}`.",
            )
        return BlockNotFound(
            f"No block {address} is saved in {self.store.location}{needed}.",
            fix=f"{_near(address, self.documents())}List what there is with `brickwork block ls`.",
        )


def _near(address: Address, documents: list[Document]) -> str:
    from difflib import get_close_matches

    known = [f"{document.slug}/{document.name}" for document in documents]
    match = get_close_matches(f"{address.slug}/{address.name}", known, 1)
    return f"Did you mean {match[0]}? " if match else ""


def _address(address: Address | str) -> Address:
    return Address.parse(address) if isinstance(address, str) else address


def _uses(record: Record) -> list[Address]:
    return sorted({use._replace(version=None) for use in Document(record).uses})


def _renamed(record: Record, old: Address, new: Address) -> tuple[bytes, tuple[str, ...]]:
    """Return the public part with references to the old address leading to the new one."""
    import json

    document: dict[str, Any] = json.loads(record.public)
    uses = set()
    for mark in document["blocks"].values():
        if "ref" not in mark:
            continue
        ref = Address.parse(mark["ref"])
        if ref[:2] == old[:2]:
            ref = ref._replace(name=new.name)
            mark["ref"] = str(ref)
        uses.add(str(ref._replace(version=None)))
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode(), tuple(sorted(uses))


def _who() -> str:
    """Return user@host, for the record of who saved what; never fails."""
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
