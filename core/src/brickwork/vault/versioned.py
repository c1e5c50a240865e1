"""``Versions``: what a `Vault` does with the versions of its blocks."""

from typing import TYPE_CHECKING, cast

from brickwork.block import Address
from brickwork.errors import BlockError
from brickwork.store import Store
from brickwork.vault.document import Document
from brickwork.vault.keys import KeyRing
from brickwork.vault.reading import Reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from brickwork.errors import BrickworkError
    from brickwork.store import Record
    from brickwork.vault.checking import Checked
    from brickwork.vault.diff import Diff
    from brickwork.vault.migrating import MigrationOutcome
    from brickwork.vault.notes import Notes
    from brickwork.vault.vault import Vault
    from brickwork.vault.writing import Writer


class Versions:
    """The part of `Vault` that compares, rolls back, prunes, annotates and migrates."""

    store: Store
    keys: KeyRing
    _reader: Reader

    def _writer(self, keep: int | None = None) -> "Writer":
        raise NotImplementedError

    def diff(self, address: Address | str, a: int | None = None, b: int | None = None) -> "Diff":
        """Compare two versions of a block: what is public by its values, secrets without.

        Args:
            address: ``slug/name``; with a version, that one is ``a``.
            a: The older version; the one before ``b`` where it is None.
            b: The newer version; the newest where it is None.

        Returns:
            What differs. A version that cannot be opened, be it for want of the key, is named there
            as unverified; its public fields are compared all the same.

        Raises:
            BlockNotFound: Nothing, or no such version, is saved there.
            TamperedCiphertext: The public part of one of them is no document at all.
        """
        from brickwork.vault.diff import diff

        target = address_of(address)
        a = target.version if a is None else a
        return diff(self._reader, target._replace(version=None), a, b)

    def rollback(self, address: Address | str, version: int) -> Document:
        """Add a version with the content of an old one; none where that is the newest already.

        What it refers to stays referred to, a pinned version stays pinned. The description, tags
        and expiry of the old version come back with it. A version of an old schema comes back as
        one of today's schema.

        Raises:
            BlockNotFound: There is no such version, or a block that it refers to is gone.
            MigrationError: The version does not fit its class any more.
            BlockError: It would refer to itself, through what it refers to now.
            VaultError: It cannot be decrypted.
        """
        from brickwork.vault.versions import roll_back

        target = whole(address, "rolled back")
        return Document(roll_back(self._reader, self._writer(), target, version))

    def prune(self, address: Address | str | None = None, *, keep: int) -> list[Address]:
        """Remove old versions of one block or of all, in one transaction; return what is gone.

        The newest ``keep`` versions of each stay; so does every version to which another block, in
        one of its own versions that stay, refers by its number. Their sealed secrets are
        overwritten in the database's file; what is left elsewhere (in SQLite's log, until it is
        written into the file) goes with ``vault.store.compact()``.

        Raises:
            BlockNotFound: Nothing is saved there.
            BlockError: ``keep`` is less than 1.
        """
        from brickwork.vault.audit import AuditTrail
        from brickwork.vault.pruning import prune

        target = None if address is None else whole(address, "pruned")
        heads = self._heads(target)
        if not heads:
            return []
        with self.store.transaction():
            heads = self._heads(target)
            return prune(self.store, AuditTrail(self.store, self.keys), heads, keep)

    def annotate(self, address: Address | str, notes: "Notes") -> Document:
        """Add a version with other notes and the same content; none where they are the same.

        Needs no class, so a block of a plugin that is not installed can be annotated, too.

        Raises:
            BlockNotFound: Nothing is saved there.
            BlockError: The notes have something that cannot stand there.
            VaultError: It cannot be decrypted.
        """
        from brickwork.vault.versions import annotate

        target = whole(address, "annotated")
        return Document(annotate(self._reader, self._writer(), target, notes))

    def migrate(
        self, address: Address | str | None = None, *, dry_run: bool = False
    ) -> "list[MigrationOutcome]":
        """Save documents of old schema versions anew, as their classes are today.

        Each is loaded through its migrations and saved as a new version, in a transaction of its
        own, unless somebody saves it in between. What fails hinders no other.

        Args:
            address: One block; all where it is None.
            dry_run: Change nothing, but tell what would happen.

        Returns:
            The documents that were behind their class, or that cannot be told; not the others.

        Raises:
            BlockNotFound: Nothing is saved at ``address``.
        """
        from brickwork.vault.migrating import migrate

        target = None if address is None else whole(address, "migrated")
        return list(migrate(self._reader, self._writer(), self._heads(target), dry_run=dry_run))

    def check(
        self,
        addresses: "Iterable[Address | str] | None" = None,
        *,
        seconds: float = 60.0,
        at_once: int = 16,
    ) -> "list[Checked]":
        """Load and check blocks, many at once; those that have expired fail, too.

        Never raises for a block: one that cannot be loaded has failed, and says why.

        Args:
            addresses: Which ones; all where it is None.
            seconds: How long each may take, loading included.
            at_once: How many are checked at the same time.

        Returns:
            What each gave, in the order of the addresses.
        """
        from brickwork.vault.checking import check_blocks

        if addresses is None:
            wanted = [f"{head.slug}/{head.name}" for head in self._heads(None)]
        else:
            wanted = list(dict.fromkeys(map(str, addresses)))
        vault = cast("Vault", self)  # which is what this is a part of
        done = check_blocks(vault, wanted, seconds=seconds, at_once=at_once)
        found = {checked.address: checked for checked in done}
        return [found[address] for address in wanted]

    def problems(self, documents: "Sequence[Document]") -> "list[BrickworkError | None]":
        """Find out why documents cannot be loaded; None for each of which no reason is known.

        Opens them, looks up their classes, and takes those of an old schema version through their
        migrations. What references lead to is not looked at otherwise.
        """
        from brickwork.vault.examining import problems_of

        return list(problems_of(self._reader, [each.address for each in documents]))

    def _heads(self, target: Address | None) -> "Sequence[Record]":
        """Return the newest version of one block, or of all. Raises BlockNotFound."""
        if target is not None:
            return [self._reader.record(target)]
        return self.store.heads() if self.store.exists() else []


def address_of(address: Address | str) -> Address:
    """Return an address, read from text if it is one. Raises InvalidName."""
    return Address.parse(address) if isinstance(address, str) else address


def whole(address: Address | str, what: str) -> Address:
    """Return the address of a block; one of a version is refused. Raises BlockError."""
    target = address_of(address)
    if target.version is None:
        return target
    block = target._replace(version=None)
    raise BlockError(
        f"{target} names one version; a block is {what} with all of them.", fix=f"Name {block}."
    )
