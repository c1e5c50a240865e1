"""``Vault``: saves and loads blocks, sealed, versioned, in a store."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from brickwork.block import Address, Block, Place, check_name, stamp
from brickwork.config import Config
from brickwork.errors import ResolveError, VersionConflict
from brickwork.keyprovider import KeyProvider
from brickwork.masking import MaskingWarning, masker
from brickwork.registry.current import get_registry
from brickwork.secret import Secret
from brickwork.store import Store
from brickwork.vault.document import Document
from brickwork.vault.envelope import Secrets
from brickwork.vault.keys import KeyRing
from brickwork.vault.manifested import Manifests
from brickwork.vault.reading import Reader
from brickwork.vault.versioned import Versions, address_of as _address, whole as _whole

if TYPE_CHECKING:
    from brickwork.ledger import Ledger
    from brickwork.vault.audit import AuditTrail
    from brickwork.vault.batch import Saving
    from brickwork.vault.explaining import FieldOrigin
    from brickwork.vault.notes import Notes
    from brickwork.vault.writing import Writer

B = TypeVar("B", bound=Block)
_ATTEMPTS = 100


class Vault(Versions, Manifests):
    """Saves and loads blocks.

    It needs a store, which keeps documents, and a key provider, which guards the root key; neither
    is touched before the first use. Safe to use from many threads and processes at once.

    Attributes:
        store: Where the documents are.
        keys: The root keys; also a source of derived keys for results.
        keep_versions: How many versions of a block stay when one is added; None for all.
        audit_loads: Whether each load is recorded in the audit trail; it then is one more durable
            transaction, and fails with AuditUnavailable where it cannot be recorded.
    """

    def __init__(
        self,
        store: Store,
        keys: KeyRing,
        *,
        keep_versions: int | None = None,
        audit_loads: bool = False,
    ) -> None:
        self.store = store
        self.keys = keys
        self.keep_versions = keep_versions
        self.audit_loads = audit_loads
        self._reader = Reader(store, keys)

    @classmethod
    def open(
        cls, url: str | None = None, keys: str | None = None, *, audit_loads: bool | None = None
    ) -> Self:
        """Open a vault. Does no I/O but reading settings.

        Args:
            url: The vault: a URL, or the path of an SQLite file. Settings decide where it is None.
            keys: The key provider and its setting, such as ``file:/etc/app/key`` or
                ``env:APP_KEY``. Settings decide where it is None.
            audit_loads: Whether to record loads in the audit trail. Settings decide where it is
                None.

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

        return cls(
            store,
            KeyRing(store, make_provider),
            keep_versions=config.keep_versions,
            audit_loads=config.audit_loads if audit_loads is None else audit_loads,
        )

    # Saving

    def save(
        self,
        block: Block,
        name: str,
        *,
        overwrite: bool = False,
        notes: "Notes | None" = None,
        keep: int | None = None,
    ) -> Document:
        """Save a block, and stamp its address on it. One durable transaction.

        Saving what is already saved adds no version; the order of entries of a dict is no
        difference. With ``overwrite``, something else becomes a new version; if the block was
        loaded from there, or is a changed copy of one that was, only when nobody saved a newer one
        in between, be it the same change. ``notes`` say what it is for; without them, those of the
        version before stay. Where a version is added, ``keep`` is how many stay: older ones are
        removed in the same transaction, as `prune` does; without it, `keep_versions` counts.

        Raises:
            BlockExists: Another block has the name, and ``overwrite`` is not set.
            VersionConflict: Somebody saved a newer version in between.
            BlockError: The block cannot be stored so that it comes back equal, or refers to itself.
            BlockNotFound: It refers to a block that is not saved here.
            DuplicateName: A plugin, or the core, has another class for the slug.
            KeyUnavailable: There is no key; nothing was written.

        Warns:
            MaskingWarning: A secret in it is too short to be hidden in logs.
        """
        from brickwork.vault.parts import encode  # only what saves pays for importing it

        check_name(name)
        exists = self.store.exists()
        encoded = encode(block, self.store.store_id if exists else None, get_registry().block_class)
        if not exists:
            self._make()
        writer = self._writer(keep)
        for attempt in range(_ATTEMPTS):
            try:
                with self.store.transaction():
                    record = writer.put(block, name, encoded, overwrite=overwrite, notes=notes)
            except VersionConflict:
                # Only a store whose transactions do not wait for each other comes here.
                if writer.based_on(block, encoded.slug, name) or attempt == _ATTEMPTS - 1:
                    raise
            else:
                break
        address = Address(record.slug, record.name, record.version)
        stamp(block, Place(address, self.store.store_id, block_id=record.block_id))
        _warn_of_short(encoded.secrets, address)
        return Document(record)

    def save_all(self, savings: "Iterable[Saving]", *, action: str = "save") -> list[Document]:
        """Save many blocks in one durable transaction: all of them, or none.

        A block that another one of them refers to comes before that. ``action`` is what the audit
        trail calls it. Raises and warns as `save`.
        """
        from brickwork.vault.batch import save_all

        done = save_all(self.store, self._writer(), self._make, list(savings), action)
        for document, secrets in done:
            _warn_of_short(secrets, document.address)
        return [document for document, _ in done]

    def define(
        self,
        address: Address | str,
        fields: Mapping[str, Any],
        *,
        overwrite: bool = False,
        notes: "Notes | None" = None,
    ) -> Document:
        """Save a block by its written fields, in which texts may be references.

        Args:
            address: ``slug/name``.
            fields: JSON values as in a manifest: ``{"token": "${env:TOKEN}"}``; a child that is
                saved on its own is ``{"$block": "slug/name"}``. A literal ``${`` is ``$${``.
            overwrite: Add a version when something else is saved under the name.
            notes: Description, tags and expiry; those of the version before stay without them.

        Raises:
            InvalidBlock: The class has no such fields, or they do not fit it: all that can be
                known without what cannot be fetched here.
            BlockExists: Another block has the name, and ``overwrite`` is not set.
            BlockNotFound: It refers to a block that is not saved here.
            BlockError: It refers to itself, or is otherwise wrong.
            KeyUnavailable: There is no key; nothing was written.

        Warns:
            MaskingWarning: A secret in it is too short to be hidden in logs.
        """
        from brickwork.vault.defining import define

        target = _whole(address, "defined")
        if not self.store.exists():
            define(self._reader, target.slug, fields)  # what is wrong makes no vault
            self._make()
        with self.store.transaction():
            current = self.store.get(target.slug, target.name)
            definition = define(self._reader, target.slug, fields, current)
            record = self._writer().define(target, definition, overwrite=overwrite, notes=notes)
        document = Document(record)
        _warn_of_short(definition.encoded.secrets, document.address)
        return document

    def rename(self, address: Address | str, name: str) -> Document:
        """Give a block another name. Every version of it, and every reference to it, is resealed.

        Raises:
            BlockNotFound: Nothing is saved there.
            BlockExists: The new name is taken.
        """
        old, new = _whole(address, "renamed"), check_name(name)
        self._reader.record(old)
        with self.store.transaction():
            return Document(self._writer().rename(old, new))

    def delete(self, address: Address | str) -> None:
        """Delete a block with all its versions.

        Raises:
            BlockNotFound: Nothing is saved there.
            BlockInUse: The newest version of another block refers to it.
        """
        target = _whole(address, "deleted")
        self._reader.record(target)
        with self.store.transaction():
            self._writer().remove(target)

    # Loading and looking

    def load(self, address: Address | str, *, expect: type[B] = Block) -> B:  # type: ignore[assignment]  # mypy: a default for a type variable
        """Load a block.

        Args:
            address: ``slug/name``, or ``slug/name@version``.
            expect: The class it must be of.

        Raises:
            BlockNotFound: Nothing is saved there.
            BlockError: What is saved there is not of that class, or does not fit its class.
            VaultError: It cannot be read or decrypted, or not recorded where that is asked for.
        """
        place = _address(address)
        if self.audit_loads:
            from brickwork.vault.audited_load import recorded

            return recorded(self._reader, self.audit, str(place), lambda r: r.load(place, expect))
        return self._reader.load(place, expect)

    def documents(self, slug: str | None = None) -> list[Document]:
        """List the newest version of every block, by slug and name. Decrypts nothing."""
        return [Document(r) for r in self.store.heads(slug)] if self.store.exists() else []

    def document(self, address: Address | str) -> Document:
        """Return what is public about one block. Raises BlockNotFound."""
        return Document(self._reader.record(_address(address)))

    def history(self, address: Address | str) -> list[Document]:
        """List every version of a block, oldest first. Raises BlockNotFound."""
        return [Document(record) for record in self._reader.versions(_address(address))]

    def used_by(self, address: Address | str) -> list[Address]:
        """Return the blocks whose newest version refers to this one. Raises BlockNotFound."""
        target = _address(address)
        self._reader.record(target)
        users = self.store.users_of(target.slug, target.name)
        return [Address(user.slug, user.name, user.version) for user in users]

    def resolve(self, text: str) -> Secret[str]:
        """Fetch what a text with references, such as ``${env:NAME}``, stands for now.

        Raises:
            BlockError: There is a ``${`` in it that begins no reference.
            ResolveError: There is no such value, or it cannot be fetched.
        """
        from brickwork.vault.references import parse

        template = parse(text)
        if isinstance(template, str):
            return Secret(template)
        if self.audit_loads:
            from brickwork.vault.audited_load import recorded

            values = recorded(
                self._reader, self.audit, "A reference", lambda r: r.values({"": template}, ())
            )
        else:
            values = self._reader.values({"": template}, ())
        return Secret(values[""])

    def write_reference(self, text: str, value: Secret[str]) -> None:
        """Write a value where a reference such as ``${aws-sm:app/db#password}`` points.

        Blocks with that reference have the value when they are loaded next. For services only
        that can be written, see their pages.

        Raises:
            BlockError: The text is something else than one reference.
            ResolveError: Values of that scheme can only be read, or writing failed.
        """
        from brickwork.vault.references import BLOCK, only_reference

        reference = only_reference(text)
        if reference.scheme == BLOCK:
            raise ResolveError(
                f"{reference} is a field of another block.", fix="Change and save that block."
            )
        self._reader.resolutions.write(reference, value)

    def explain(self, address: Address | str) -> "list[FieldOrigin]":
        """Tell where the value of each field comes from, through other blocks too; no values.

        Raises:
            BlockNotFound: Nothing is saved there.
        """
        from brickwork.vault.explaining import explain

        return explain(self._reader, _address(address))

    def ledger(self, block: Block) -> "Ledger":
        """Return what a block that is saved here remembers; see `brickwork.ledger_of`.

        What is kept in it is no change of a block: it makes no version, and no entry in the audit
        trail.

        Raises:
            BlockNotFound: The block was not loaded from here, nor saved here.
        """
        from brickwork.vault.ledger import ledger_in

        return ledger_in(self.keys, block)

    @property
    def audit(self) -> "AuditTrail":
        """Who did what to this vault."""
        from brickwork.vault.audit import AuditTrail

        return AuditTrail(self.store, self.keys)

    def close(self) -> None:
        """Close the connections, and forget the keys and what references gave."""
        self._reader.forget()
        self.keys.close()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Vault({self.store.location!r})"

    # Inside

    def _writer(self, keep: int | None = None) -> "Writer":
        from brickwork.vault.writing import Writer

        return Writer(self._reader, self.keep_versions if keep is None else keep)

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


def _warn_of_short(secrets: Secrets, address: Address) -> None:
    short = [path for path in secrets if secrets[path] and masker.too_short(secrets[path])]
    if short:
        import warnings

        warnings.warn(
            f"{address}: {', '.join(short)} is too short to be hidden in logs, where it may be "
            "part of other words. Use a secret of 6 characters or more.",
            MaskingWarning,
            stacklevel=4,  # who called Block.save
        )
