"""``Rotation``: brings every document under another root key, while others read and write.

First a new root key becomes the active one, in one transaction; from then on no new document comes
under an old one. Then the documents of the old root keys follow, some hundred in a transaction,
each only if it is still what was read. So at every moment each document can be opened, a rotation
that was killed is one in which some documents have not followed yet, and another one goes on with
those. Several at once do no harm: all work towards the root key that is active.

The data keys can follow in two ways. Rotating wraps them with the new root key, and opens no
secret. Encrypting anew makes new ones, and afterwards leaves nothing of the old ciphertexts in the
store, nor of what blocks remembered (their ledgers begin anew); until that is done, the new root
key says so (``renews``), and nothing is only rewrapped.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from brickwork.crypto import NamedKey
from brickwork.errors import (
    BrickworkError,
    KeyUnavailable,
    TamperedCiphertext,
    TruncatedCiphertext,
    UnsupportedFormat,
    WrongKey,
)
from brickwork.store import Record, Rewrap, WrappedKey
from brickwork.vault.audit import AuditTrail
from brickwork.vault.envelope import Identity, WrappingKey, renewed, rewrapped
from brickwork.vault.keys import KeyRing

BATCH = 500
"""How many documents follow in one transaction."""

_NOT_OPENED = (TamperedCiphertext, TruncatedCiphertext, UnsupportedFormat, KeyUnavailable, WrongKey)

Report = Callable[[int, int], object]


class Left(NamedTuple):
    """What could not follow.

    Attributes:
        what: A document's address with its version, or the root key of several.
        documents: How many they are.
        error: Why.
    """

    what: str
    documents: int
    error: BrickworkError


class Rotated(NamedTuple):
    """What a rotation did.

    Attributes:
        kid: The id of the root key that is active now.
        made: Whether it was made for this; if not, there was something to finish, or nothing.
        renewed: Whether documents were encrypted anew, not only rewrapped.
        documents: How many, of all versions, were brought under it.
        left: What is still under another root key.
    """

    kid: bytes
    made: bool
    renewed: bool
    documents: int
    left: tuple[Left, ...]


class _Overtaken(Exception):
    """Somebody else made another root key in the meantime."""


class _Batch(NamedTuple):
    """What can follow, what cannot, and where the next batch begins; None after the last."""

    changes: list[Rewrap]
    left: dict[object, Left]
    last: Record | None


def unfinished(keys: KeyRing) -> tuple[int, bool]:
    """Tell what an interrupted rotation left.

    Returns:
        How many documents are not under the active root key, and whether an encryption anew is
        not finished, be it only that the store was not compacted.
    """
    active = next((key for key in keys.status() if key.active), None)
    if active is None:
        return 0, False
    counts = keys.store.documents_by_key()
    return sum(counts.values()) - counts.get(active.kid, 0), active.renews


class Rotation:
    """One rotation or encryption anew, of one vault.

    Args:
        keys: The root keys; their store has the documents.
        report: Called with how many documents are done, and of how many.
    """

    def __init__(self, keys: KeyRing, report: Report | None = None) -> None:
        self._keys = keys
        self._store = keys.store
        self._trail = AuditTrail(keys.store, keys)
        self._report = report
        self._done = 0
        self._total = 0
        self._left: dict[object, Left] = {}
        self._renew = False
        self._target: WrappingKey
        self._store_id = b""

    def run(self, *, renew: bool = False, new: bool = False, resume: bool = False) -> Rotated:
        """Do it; see `KeyRing.rotate` and `KeyRing.reencrypt`.

        Args:
            renew: Encrypt anew.
            new: Make another root key even though something is unfinished.
            resume: Only finish what is unfinished.
        """
        made = self._begin(renew=renew, new=new, resume=resume)
        self._store_id = self._store.store_id
        while not self._move_all():
            pass
        self._end(made)
        return Rotated(self._target.kid, made, self._renew, self._done, tuple(self._left.values()))

    def _begin(self, *, renew: bool, new: bool, resume: bool) -> bool:
        """Make the new root key the active one, if one is to be made; tell whether it was."""
        # Else another key than the vault's, configured by mistake, would guard the new root key.
        self._keys.wrapping_key(self._keys.active())
        # Made before the transaction: the provider may be far away, or ask a person.
        root = self._keys.make_root(renews=renew) if self._wants_new(renew, new, resume) else None
        if root is not None:
            with self._store.transaction():
                before = self._keys.active()
                if self._wants_new(renew, new, resume):
                    self._store.put_key(root)
                    counts = self._store.documents_by_key()
                    action = "keys.reencrypt" if renew else "keys.rotate"
                    self._append(action, root.kid, sum(counts.values()), replaces=before.hex())
                else:
                    root = None
        self._aim()
        return root is not None

    def _wants_new(self, renew: bool, new: bool, resume: bool) -> bool:
        documents, renewing = unfinished(self._keys)
        return new or not (resume or renewing or (documents and not renew))

    def _aim(self) -> None:
        """Take the root key that is active as the one that all documents go to."""
        active = self._active()
        self._renew = active.renews
        self._target = self._wrapping(active.kid)

    def _active(self) -> WrappedKey:
        kid = self._keys.active()
        return next(key for key in self._keys.status() if key.kid == kid)

    def _wrapping(self, kid: bytes) -> WrappingKey:
        return WrappingKey.of(NamedKey(kid, self._keys.wrapping_key(kid)))

    def _move_all(self) -> bool:
        """Go through the documents under other root keys; tell whether nothing is left to do."""
        others = self._others()
        self._total = max(self._total, self._done + sum(others.values()))
        self._left.clear()
        self._tell()
        try:
            for kid, count in others.items():
                self._move(kid, count)
        except _Overtaken:
            self._aim()
            return False
        rest = sum(self._others().values())
        hidden = rest - sum(each.documents for each in self._left.values())
        if hidden <= 0 and self._keys.active() == self._target.kid:
            return True
        if rest < sum(others.values()) or self._keys.active() != self._target.kid:
            self._aim()
            return False  # once more, for what changed while it was under way
        error = TamperedCiphertext(
            f"{hidden} document(s) cannot be found by their root key, or not be changed: their "
            "rows in the database are not what Brickwork writes.",
            fix="Find out who wrote to the database, and restore it from a backup.",
        )
        self._left[None] = Left("changed rows", hidden, error)
        return True

    def _others(self) -> dict[bytes, int]:
        counts = dict(self._store.documents_by_key())
        counts.pop(self._target.kid, None)
        return counts

    def _move(self, kid: bytes, count: int) -> None:
        """Bring the documents of one root key under the new one."""
        try:
            old = self._wrapping(kid)
        except _NOT_OPENED as error:
            self._left[kid] = Left(f"root key {kid.hex()}", count, error)
            return
        from concurrent.futures import ThreadPoolExecutor

        # The next batch is read and wrapped while the disk is waited for to keep this one.
        with ThreadPoolExecutor(1, "brickwork-keys") as ahead:
            coming = ahead.submit(self._batch, old, None)
            while (batch := coming.result()).last is not None:
                coming = ahead.submit(self._batch, old, batch.last)
                self._left.update(batch.left)
                if batch.changes:
                    with self._store.transaction():
                        if self._keys.active() != self._target.kid:
                            raise _Overtaken
                        self._done += self._store.rewrap(batch.changes)
                        self._store.count_wrap(self._target.kid, len(batch.changes))
                self._tell()

    def _batch(self, old: WrappingKey, after: Record | None) -> _Batch:
        """Read some documents of a root key, and wrap their data keys by the new one."""
        records = self._store.sealed_with(old.kid, BATCH, after)
        changes: list[Rewrap] = []
        left: dict[object, Left] = {}
        for record in records:
            identity = Identity.of(record, self._store_id)
            try:
                if self._renew:
                    sealed = renewed(old, self._target, identity, record.public, record.sealed)
                else:
                    sealed = rewrapped(old, self._target, identity, record.sealed)
            except _NOT_OPENED as error:
                left[record.block_id, record.version] = Left(str(identity), 1, error)
            else:
                changes.append(Rewrap(record, self._target.kid, sealed))
        return _Batch(changes, left, records[-1] if records else None)

    def _end(self, made: bool) -> None:
        if self._renew:
            # What blocks remember is for a short time, and not worth encrypting anew.
            with self._store.transaction():
                self._store.remove_ended(math.inf)
            self._store.compact()  # also where nothing was left: a kill may have come before this
        finished = self._renew and not self._left
        if not self._done and not finished and not (made and self._left):
            return
        with self._store.transaction():
            active = self._active()
            if active.kid != self._target.kid:
                return  # the one who made that goes on
            if finished:
                self._store.put_key(active._replace(renews=False))
            left = sum(each.documents for each in self._left.values())
            self._append("keys.finished", active.kid, self._done, left=left)

    def _append(self, action: str, kid: bytes, documents: int, **detail: str | int) -> None:
        said: dict[str, Any] = {"kid": kid.hex(), "documents": documents, **detail}
        self._trail.append(action, None, **said)

    def _tell(self) -> None:
        done = self._done + sum(each.documents for each in self._left.values())
        self._total = max(self._total, done)
        if self._report is not None:
            self._report(done, self._total)
