"""``AuditTrail``: who did what to a vault, in a chain that shows where it was changed.

Every row has a code (HMAC-SHA256, a key derived from the root key) over its content, its position
and the code of the row before it. So a row cannot be changed, removed from the middle, or moved
without the key. Rows cut off from the end cannot be seen from the database alone: keep the head
(`verify` returns it) somewhere else.

A row says what it did to documents, so that `verify` can tell whether those in the store are the
ones that were saved last: ``print`` is the fingerprint of the version that was written, ``wrote``
has the id, the address and the fingerprint of each other one that was written with it, ``gone``
stands in an entry whose block was removed, ``resealed`` in one after which fingerprints of before
mean nothing any more.
"""

import json
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from brickwork.errors import AuditBroken, UnknownName
from brickwork.store import AuditRow, Record, Store
from brickwork.vault.audit_code import code, print_of
from brickwork.vault.keys import KeyRing
from brickwork.vault.who import actor, user_at_host

if TYPE_CHECKING:
    from brickwork.vault.audit_chain import Chain, Newest
    from brickwork.vault.audit_entry import AuditEntry, AuditHead

PURPOSE = "audit"
"""The purpose of the keys that make the codes."""

_BATCH = 500
_encode = json.JSONEncoder(separators=(",", ":")).encode


class Action(NamedTuple):
    """A kind of entry.

    Attributes:
        meaning: What happened.
        effect: What it does to the documents that it names: it ``wrote`` them as the newest
            versions of their blocks, their block is ``gone``, any document may have been
            ``resealed`` with what it had, or nothing.
    """

    meaning: str
    effect: Literal["wrote", "gone", "resealed", ""] = ""


ACTIONS = {
    "begin": Action("the trail begins, in a vault that had these documents already", "wrote"),
    "save": Action("a version was saved", "wrote"),
    "rename": Action("a block got another name, and what refers to it was resealed", "wrote"),
    "rollback": Action("an old version was saved again as the newest", "wrote"),
    "annotate": Action("a version was saved with other notes", "wrote"),
    "migrate": Action("a document was lifted to a newer schema version", "wrote"),
    "import": Action("a block was made from another tool's export", "wrote"),
    "copy": Action("documents came from another vault", "wrote"),
    "delete": Action("a block was removed with all its versions", "gone"),
    "prune": Action("old versions of a block were removed"),
    "export": Action("secrets were written out in clear"),
    "load": Action("a block was loaded; recorded where audit_loads is on"),
    "load.failed": Action("a document could not be loaded; recorded where audit_loads is on"),
    "keys.rotate": Action("a new root key was made, for documents to be rewrapped with"),
    "keys.rewrap": Action("the root keys were wrapped by another provider or key"),
    "keys.reencrypt": Action(
        "a new root key was made, for documents to be encrypted anew", "resealed"
    ),
    "keys.finished": Action("what keys.rotate or keys.reencrypt began came to its end"),
    "keys.destroy": Action("a root key was removed"),
    "keys.backup": Action("the root keys were written out, wrapped"),
    "keys.restore": Action("root keys came back from a backup"),
}
"""Every action. Whoever adds a way to change a vault adds its action here.

One entry belongs into each transaction that changes documents or keys, and names every newest
version that it writes: in `record`, or in `also`.
"""


class AuditTrail:
    """The audit trail of one vault; it is only added to."""

    def __init__(self, store: Store, keys: KeyRing) -> None:
        self._store = store
        self._keys = keys

    @property
    def _name(self) -> str:
        return f"the audit trail of {self._store.location}"

    # Adding

    def append(
        self,
        action: str,
        record: Record | None = None,
        *,
        also: Iterable[Record] = (),
        **detail: Any,
    ) -> None:
        """Add what happened; inside the transaction in which it happens, after it happened.

        Args:
            action: A key of `ACTIONS`.
            record: The document that it happened to; as it is stored now, if it was written.
            also: Other documents that were written with it, each the newest version of its block.
            detail: What else to say, as JSON; never a secret.

        Raises:
            UnknownName: No such action.
            KeyUnavailable: There is no key; the transaction must not be committed.
        """
        if action not in ACTIONS:
            raise UnknownName(
                f"The audit trail knows no action {action!r}.",
                fix="Add it to ACTIONS in brickwork/vault/audit.py.",
            )
        entry: dict[str, Any] = {
            "at": datetime.now(UTC).isoformat(timespec="microseconds"),
            "who": user_at_host(),
            "action": action,
        }
        if for_whom := actor():
            entry["actor"] = for_whom
        if record is not None:
            entry["address"] = _address(record)
            entry["block"] = record.block_id.hex()
            entry["kid"] = record.kid.hex()
        if detail:
            entry["detail"] = detail
        others = list(also)
        effect = ACTIONS[action].effect
        if effect == "wrote":
            if record is not None:
                entry["print"] = print_of(record)
            if others:
                entry["wrote"] = list(map(_written, others))
        elif effect:
            entry[effect] = True
        last = self._store.last_audit()
        if last is None:
            known = others if record is None else [record, *others]
            last = self._begin(entry, {each.block_id for each in known})
        # What was written just now was sealed with the root key that is active.
        fresh = record.kid if record is not None and effect == "wrote" else None
        self._add(last, entry, fresh)

    def _begin(self, first: dict[str, Any], known: Collection[bytes]) -> AuditRow | None:
        """Write down what there was before the trail began, in a vault of an older format."""
        heads = [head for head in self._store.heads() if head.block_id not in known]
        last: AuditRow | None = None
        for start in range(0, len(heads), _BATCH):
            batch = heads[start : start + _BATCH]
            whole = (self._store.get(head.slug, head.name, head.version) for head in batch)
            last = self._add(
                last,
                {
                    "at": first["at"],
                    "who": first["who"],
                    "action": "begin",
                    "detail": {"documents": len(batch)},
                    "wrote": [_written(each) for each in whole if each is not None],
                },
            )
        return last

    def _add(
        self, last: AuditRow | None, entry: dict[str, Any], kid: bytes | None = None
    ) -> AuditRow:
        position, before = (1, b"") if last is None else (last.position + 1, last.mac)
        content = _encode(entry).encode()
        kid = kid or self._keys.active()
        key = self._keys.by_id(kid, PURPOSE)
        mac = code(key, self._store.store_id, position, before, content)
        row = AuditRow(position, content, kid, mac)
        self._store.append_audit(row)
        return row

    # Reading

    def entries(
        self,
        *,
        address: str | None = None,
        action: str | Collection[str] | None = None,
        who: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        oldest_first: bool = False,
    ) -> "Iterator[AuditEntry]":
        """Yield entries, the newest first. Verifies nothing, and needs no key.

        An entry that somebody overwrote shows as not readable, whatever is asked for: it may have
        been anything.

        Args:
            address: ``slug/name``, ``slug/name@version``, or a slug. Renames are found by both
                names.
            action: One or several keys of `ACTIONS`; ``keys`` stands for all that begin with it.
            who: A part of user@host or of the actor.
            since: Not before; a time without a zone is local.
            until: Before.
            limit: At most so many.
            oldest_first: The oldest first.

        Raises:
            InvalidName: The address is none.
        """
        from itertools import islice

        from brickwork.vault.audit_entry import entry_of, filtered

        wanted = filtered(address=address, action=action, who=who, since=since, until=until)
        return islice(filter(wanted, map(entry_of, self._rows(oldest_first=oldest_first))), limit)

    def head(self) -> "AuditHead":
        """Return the end of the trail, and check its code against the entry before it; no others.

        Raises:
            AuditBroken: The last entry was changed.
            KeyUnavailable: There is no key for it.
        """
        from brickwork.vault.audit_chain import EMPTY
        from brickwork.vault.audit_entry import AuditHead

        if not self._store.exists():
            return EMPTY
        found = list(self._store.audit_rows_before(2**63 - 1, 2))[::-1]
        if not found:
            return EMPTY
        before = AuditHead(found[0].position, found[0].mac) if len(found) == 2 else EMPTY
        chain = self._chain(before)
        for _ in chain.checked(found[-1:]):
            pass
        return chain.end

    def verify(
        self, head: "AuditHead | str | None" = None, *, documents: bool = True
    ) -> "AuditHead":
        """Check the whole trail, and that the newest documents are those that it names.

        What is found, as `AuditBroken.reason`:

        - ``changed``: an entry, its code, or its place is not what was written;
        - ``missing``: rows were removed before the last one;
        - ``cut off``: the trail ends before the head that was kept, or it is gone;
        - ``rewritten``: it is whole, and does not come by the head that was kept;
        - ``document``: the trail is whole, and the newest version of a block is another one than
          was saved last: an old row was put back, one was put in, or removed.

        Without a head, an older copy of the whole database cannot be told from the vault.

        Args:
            head: What `verify` or `head` returned before, kept where nobody who can write to the
                vault's database can change it.
            documents: Whether to look at the documents too; takes memory for every block.

        Returns:
            The head of today, to be kept.

        Raises:
            AuditBroken: Something is wrong.
            KeyUnavailable: A root key is not there that entries need.
            WrongKey: A root key cannot be unlocked by the key that is configured.
            InvalidName: The head is none.
        """
        from brickwork.vault import audit_chain
        from brickwork.vault.audit_entry import AuditHead

        kept = AuditHead.parse(head) if isinstance(head, str) else head
        chain, newest = self._chain(audit_chain.EMPTY), audit_chain.Newest()
        passed = b"" if kept is not None and kept.position == 0 else None
        exists = self._store.exists()
        for row in chain.checked(self._rows() if exists else ()):
            if documents:
                newest.note(row)
            if kept is not None and row.position == kept.position:
                passed = row.mac
        if kept is not None:
            audit_chain.check_head(kept, passed, chain.end, self._name)
        if documents and exists:
            self._compare(chain, newest)
        return chain.end

    def attest(self, kid: bytes) -> dict[str, object]:
        """Check the trail, and sum up the entries whose codes a root key made.

        The entry that says that the key is destroyed has this as ``attests``, by the key's id; from
        then on it stands for those codes. Inside the transaction that destroys the key.

        Raises:
            AuditBroken: The trail is not whole; nobody should vouch for it.
            KeyUnavailable: A root key is not there that entries need.
        """
        from brickwork.vault import audit_chain

        attested = audit_chain.Attested()
        for row in self._chain(audit_chain.EMPTY).checked(self._rows()):
            if row.kid == kid:
                attested.add(row)
        return attested.as_json()

    def _compare(self, chain: "Chain", newest: "Newest") -> None:
        from brickwork.vault import audit_chain

        if chain.end.position == 0 and self._store.heads():
            raise AuditBroken(
                f"The vault {self._store.location} has documents, and no audit trail.",
                position=1,
                reason="cut off",
                fix="If it was made before Brickwork had one, the next save begins it. If not, "
                "somebody removed it.",
            )
        newest.touched_since()
        problems = newest.compare(self._store)
        while problems:
            # Others may have saved since the trail was read: what they saved has an entry now.
            for row in chain.checked(audit_chain.stored_rows(self._store, chain.end.position)):
                newest.note(row)
            touched = newest.touched_since()
            certain = [problem for block, problem in problems.items() if not touched(block)]
            if certain:
                raise audit_chain.differing(certain, self._name, chain.end)
            problems = newest.compare(self._store, problems)

    def _chain(self, start: "AuditHead") -> "Chain":
        from brickwork.vault.audit_chain import Chain

        store = self._store
        exists = store.exists()
        return Chain(
            store.store_id if exists else b"",
            lambda kid: self._keys.by_id(kid, PURPOSE),
            self._name,
            start,
        )

    def _rows(self, *, oldest_first: bool = True) -> Iterator[AuditRow]:
        from brickwork.vault.audit_chain import LOWEST, stored_rows

        if not self._store.exists():
            return
        if oldest_first:
            yield from stored_rows(self._store, LOWEST)
            return
        before = 2**63 - 1
        while rows := self._store.audit_rows_before(before, _BATCH):
            yield from rows
            before = rows[-1].position


def _address(record: Record) -> str:
    return f"{record.slug}/{record.name}@{record.version}"


def _written(record: Record) -> tuple[str, str, str]:
    return record.block_id.hex(), _address(record), print_of(record)
