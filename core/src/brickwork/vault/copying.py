"""``copy_vault``: every block of one vault into another, sealed anew, verified, resumable.

A block keeps its id, its versions, and who saved them when; so a second copy recognises what the
first one brought. Whole batches of blocks are one transaction each, children before the blocks that
refer to them: whatever ends a copy, what is there then is complete, and the next copy goes on.
"""

import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from brickwork.crypto import pack
from brickwork.errors import (
    BlockExists,
    BlockNotFound,
    KeyUnavailable,
    StoreError,
    TamperedCiphertext,
    TruncatedCiphertext,
    UnsupportedFormat,
    VaultError,
    VersionConflict,
    WrongKey,
)
from brickwork.store import Record
from brickwork.tasks import Scope, check_cancelled, progress
from brickwork.vault.audit import AuditTrail
from brickwork.vault.codec import uses_of
from brickwork.vault.envelope import Secrets, seal_secrets
from brickwork.vault.reading import Reader
from brickwork.vault.vault import Vault

Action = Literal["copied", "same", "conflict", "failed"]
_BATCH = 64  # blocks in one transaction
_ATTEMPTS = 5
_UNREADABLE = (
    KeyUnavailable,
    TamperedCiphertext,
    TruncatedCiphertext,
    UnsupportedFormat,
    WrongKey,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


class CopiedBlock(NamedTuple):
    """What became of one block.

    Attributes:
        address: ``slug/name``.
        action: ``copied``; ``same``, if all was there already; ``conflict``, if something else is
            there; ``failed``, if it cannot be read or uses what was not copied.
        versions: The versions that were written; on a dry run, that would be.
        unreadable: The versions of the source that cannot be read, and are not in the target.
        reason: Why, for a conflict or a failure.
    """

    address: str
    action: Action
    versions: tuple[int, ...] = ()
    unreadable: tuple[int, ...] = ()
    reason: str = ""


class CopyReport(NamedTuple):
    """What a copy did, block by block, children first.

    Attributes:
        blocks: Every block of the source.
        dry_run: Whether it only looked.
    """

    blocks: tuple[CopiedBlock, ...]
    dry_run: bool

    def having(self, action: Action) -> list[CopiedBlock]:
        """Return the blocks with one outcome."""
        return [block for block in self.blocks if block.action == action]

    @property
    def unreadable(self) -> list[CopiedBlock]:
        """The blocks that could not be copied, or not with every version."""
        return [block for block in self.blocks if block.action == "failed" or block.unreadable]

    @property
    def complete(self) -> bool:
        """Whether the target has now, or had before, every version of every block."""
        return not self.unreadable and not self.having("conflict")


def copy_vault(
    source: Vault,
    target: Vault,
    *,
    on_conflict: Literal["skip", "error"] = "skip",
    dry_run: bool = False,
) -> CopyReport:
    """Copy every block with all its versions, notes and references into another vault.

    Works on documents and needs no block class. Each is opened with the source's key, sealed anew
    for the target, read back and compared. It can be run again at any time: what is there already
    is not written again, and what was saved since is added. The audit trail of the source is not
    copied; that of the target says what was. Reports its progress; stops where its scope is
    cancelled.

    Args:
        source: Where the blocks are; only read.
        target: Where they go; made, with its key, if there is no vault yet.
        on_conflict: What to do about a block whose address or id has other content in the target:
            ``skip`` it, or raise before anything is written.
        dry_run: Only say what would be done.

    Raises:
        BlockNotFound: There is no vault to copy from.
        BlockExists: There is a conflict, and ``on_conflict`` is ``error``; nothing was written.
        VaultError: Both are the same vault, a key is missing, or a store cannot be used.
    """
    _refuse(source, target)
    with Scope("copy"):
        if dry_run or on_conflict == "error":
            report = CopyReport(tuple(_Copy(source, target).looked_at()), dry_run=True)
            conflicts = report.having("conflict")
            if conflicts and on_conflict == "error":
                raise _conflicting(conflicts, target)
            if dry_run:
                return report
        return CopyReport(tuple(_Copy(source, target).copied()), dry_run=False)


def _refuse(source: Vault, target: Vault) -> None:
    if not source.store.exists():
        raise BlockNotFound(
            f"There is no vault at {source.store.location}.", fix="Check its URL or path."
        )
    if target.store.exists() and target.store.store_id == source.store.store_id:
        raise VaultError(
            f"{source.store.location} and {target.store.location} are the same vault, or one is a "
            "copy of the other's file.",
            fix="Name another target; blocks that were lost come back from the file itself.",
        )


def _conflicting(conflicts: Sequence[CopiedBlock], target: Vault) -> BlockExists:
    named = "; ".join(f"{each.address}: {each.reason}" for each in conflicts[:10])
    more = f"; and {len(conflicts) - 10} more" if len(conflicts) > 10 else ""
    return BlockExists(
        f"Nothing was copied to {target.store.location}, which has other blocks: {named}{more}.",
        fix="Rename or delete those in one of the two, or leave them out with on_conflict='skip'.",
    )


class _Opened(NamedTuple):
    """A version that could be opened, and a digest of its content."""

    record: Record
    secrets: Secrets
    digest: bytes


class _Work(NamedTuple):
    """What is to be done about a block, and with what."""

    outcome: CopiedBlock
    head: Record
    missing: tuple[_Opened, ...] = ()
    newest: int = 0


class _Copy:
    """One run."""

    def __init__(self, source: Vault, target: Vault) -> None:
        self._source = source
        self._target = target
        self._reading = Reader(source.store, source.keys)
        self._checking = Reader(target.store, target.keys)
        self._salt = os.urandom(32)
        self._outcomes: dict[str, CopiedBlock] = {}
        self._there: dict[bytes, str] = {}

    def looked_at(self) -> Iterator[CopiedBlock]:
        """Yield what would become of each block; changes nothing."""
        heads = self._heads()
        self._look()
        for done, head in enumerate(heads):
            check_cancelled()
            progress(done, len(heads), f"looking at {head.slug}/{head.name}")
            yield self._note(self._work(head).outcome)
        progress(len(heads), len(heads))

    def copied(self) -> Iterator[CopiedBlock]:
        """Copy the blocks, and yield what became of each."""
        heads = self._heads()
        if heads:
            self._make_ready()
        self._look()
        for done in range(0, len(heads), _BATCH):
            check_cancelled()
            batch = heads[done : done + _BATCH]
            progress(done, len(heads), f"{batch[0].slug}/{batch[0].name}")
            yield from self._batch(batch)
        progress(len(heads), len(heads))

    def _heads(self) -> list[Record]:
        heads = self._source.store.heads()
        if heads:  # a key that is missing is one error, not one for each block
            self._source.keys.wrapping_key(self._source.keys.active())
        return list(_children_first(heads))

    def _make_ready(self) -> None:
        store, keys = self._target.store, self._target.keys
        if not store.exists():
            keys.prepare()
        elif any(key.active for key in keys.status()):
            keys.wrapping_key(keys.active())
            return
        with store.transaction():
            keys.for_sealing()

    def _look(self) -> None:
        store = self._target.store
        heads = store.heads() if store.exists() else ()
        self._there = {head.block_id: _address(head) for head in heads}

    def _batch(self, heads: Sequence[Record]) -> list[CopiedBlock]:
        before = dict(self._outcomes)
        for attempt in range(_ATTEMPTS):
            try:
                with self._target.store.transaction():
                    works = [self._put(head) for head in heads]
            except VersionConflict:  # somebody writes to the target, or renamed a block there
                if attempt == _ATTEMPTS - 1:
                    raise
                self._outcomes = dict(before)
                self._look()
            else:
                break
        for work in works:
            self._verify(work)
        return [work.outcome for work in works]

    def _note(self, outcome: CopiedBlock) -> CopiedBlock:
        self._outcomes[outcome.address] = outcome
        return outcome

    # What is to be done

    def _work(self, head: Record) -> _Work:
        """Compare a block with what the target has."""
        address = _address(head)
        versions = self._source.store.versions(head.slug, head.name)
        opened = {v.record.version: v for v in self._open(self._reading, versions)}
        lost = tuple(record.version for record in versions if record.version not in opened)
        if not versions or versions[-1].version in lost:
            reason = "it cannot be read" if versions else "it was deleted or renamed meanwhile"
            return _Work(CopiedBlock(address, "failed", (), lost, reason), head)
        known = self._there.get(head.block_id, address)
        if known != address:
            return _conflict(head, lost, f"it is saved there as {known}")
        exists = self._target.store.exists()
        there = self._target.store.versions(head.slug, head.name) if exists else ()
        reason = self._difference(opened, there)
        if reason:
            return _conflict(head, lost, reason)
        newest = there[-1].version if there else 0
        missing = tuple(opened[version] for version in sorted(opened) if version > newest)
        if not missing:
            return _Work(CopiedBlock(address, "same", (), lost), head)
        reason = self._lacking(missing[-1].record)
        if reason:
            return _Work(CopiedBlock(address, "failed", (), lost, reason), head)
        numbers = tuple(each.record.version for each in missing)
        return _Work(CopiedBlock(address, "copied", numbers, lost), head, missing, newest)

    def _difference(self, ours: dict[int, _Opened], there: Sequence[Record]) -> str:
        """Say how what the target has at an address is not the same block."""
        numbers = {record.version for record in there}
        theirs = {v.record.version: v for v in self._open(self._checking, there)}
        for version in sorted(numbers & ours.keys()):
            if version not in theirs:
                return f"version {version} cannot be read there"
            if not hmac.compare_digest(ours[version].digest, theirs[version].digest):
                return f"version {version} has other content there"
        other = there and there[0].block_id != next(iter(ours.values())).record.block_id
        if other and ours.keys() - numbers:
            return "another block has that name there"
        return ""

    def _lacking(self, record: Record) -> str:
        for child in uses_of(record.public):
            outcome = self._outcomes.get(child)
            if outcome is None or outcome.action not in ("copied", "same"):
                return f"it uses {child}, which was not copied"
        return ""

    def _open(self, reader: Reader, records: Iterable[Record]) -> Iterator[_Opened]:
        for record in records:
            try:
                secrets = reader.secrets_of(record)
                uses_of(record.public)
            except _UNREADABLE:
                continue
            yield _Opened(record, secrets, self._digest(record, secrets))

    def _digest(self, record: Record, secrets: Secrets) -> bytes:
        parts = [record.schema_version.to_bytes(8, "big"), record.public]
        for path in sorted(secrets):
            value = secrets[path]
            kind, text = (b"bytes", value) if isinstance(value, bytes) else (b"text", _raw(value))
            parts += [_raw(path), kind, text]
        return hmac.digest(self._salt, pack(*parts), hashlib.sha256)

    # Doing it

    def _put(self, head: Record) -> _Work:
        """Write what is missing of a block; inside a transaction."""
        work = self._work(head)
        self._note(work.outcome)
        if not work.missing:
            return work
        at, pruned = work.newest, []
        for version in work.missing:
            record = self._sealed(version)
            for gap in range(at + 1, record.version):
                # Versions count without a gap when they are written, so what the source has lost
                # is written empty and then removed.
                empty = record._replace(version=gap, public=b"{}", sealed=b"", uses=())
                self._target.store.put(empty)
                pruned.append(gap)
            self._target.store.put(record)
            at = record.version
        if pruned:
            self._target.store.remove_versions(head.block_id, pruned)
        trail = AuditTrail(self._target.store, self._target.keys)
        source = self._source.store.store_id.hex()
        trail.append("copy", record, source=source, versions=list(work.outcome.versions))
        return work

    def _sealed(self, version: _Opened) -> Record:
        record = version.record
        key = self._target.keys.for_sealing()
        identity = self._checking.identity_of(record)
        return record._replace(
            kid=key.kid,
            sealed=seal_secrets(key, identity, record.public, version.secrets),
            uses=uses_of(record.public),
        )

    def _verify(self, work: _Work) -> None:
        """Read back what was written, and compare. Raises StoreError."""
        if not work.missing:
            return
        head = work.head
        back = self._target.store.versions(head.slug, head.name)
        read = {each.record.version: each for each in self._open(self._checking, back)}
        for version in work.missing:
            found = read.get(version.record.version)
            # All but what sealing anew changes: the root key's id, what is sealed; and the uses,
            # which follow from the public part.
            if found is None or (
                found.record[:7] != version.record[:7]
                or not hmac.compare_digest(found.digest, version.digest)
            ):
                raise StoreError(
                    f"{work.outcome.address}@{version.record.version} did not come back from "
                    f"{self._target.store.location} as it was written.",
                    fix="Do not use that vault; check its disk, then copy to a new one.",
                )


def _children_first(heads: Sequence[Record]) -> Iterator[Record]:
    """Yield the blocks so that each comes after those that it refers to."""
    waiting = {_address(head): head for head in heads}
    for start in list(waiting):
        # A stack of our own: chains may be longer than Python's.
        path = [(start, iter(_uses(waiting[start])))] if start in waiting else []
        seen = {start}
        while path:
            here, children = path[-1]
            child = next((c for c in children if c in waiting and c not in seen), None)
            if child is not None:
                seen.add(child)
                path.append((child, iter(_uses(waiting[child]))))
            else:
                path.pop()
                yield waiting.pop(here)


def _uses(head: Record) -> tuple[str, ...]:
    try:
        return uses_of(head.public)
    except (ValueError, LookupError, TypeError, AttributeError):
        return ()  # found to be unreadable when its turn comes


def _conflict(head: Record, lost: tuple[int, ...], reason: str) -> _Work:
    return _Work(CopiedBlock(_address(head), "conflict", (), lost, reason), head)


def _address(record: Record) -> str:
    return f"{record.slug}/{record.name}"


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
