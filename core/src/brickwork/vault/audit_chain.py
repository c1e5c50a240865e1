"""Whether a vault's audit trail is whole, and whether its documents are those that it names."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from hashlib import sha256
from hmac import compare_digest
from typing import NamedTuple, NoReturn

from brickwork.crypto import pack
from brickwork.errors import AuditBroken, KeyUnavailable
from brickwork.store import AuditRow, Record, Store
from brickwork.vault.audit_code import code, print_of
from brickwork.vault.audit_entry import AuditHead

LOWEST = -(2**63)
"""Before every row, also those that somebody put before the first."""

EMPTY = AuditHead(0, b"")
"""The head of a trail without entries."""

_MOST_NAMED = 10

Problem = tuple[int, str]
"""The position of the entry that something contradicts, and what does."""


def stored_rows(store: Store, after: int, batch: int = 1000) -> Iterator[AuditRow]:
    """Yield the rows beyond a position, in order, with the memory of one batch."""
    while batch_rows := store.audit_rows(after, batch):
        yield from batch_rows
        after = batch_rows[-1].position


class Attested:
    """The rows whose codes one root key made, summed up so that another key can vouch for them.

    When a root key is destroyed, the entry that says so carries the sum: from then on, the code of
    that entry stands for the codes that nobody can check any more.
    """

    def __init__(self) -> None:
        self.entries = 0
        self._digest = sha256()

    def add(self, row: AuditRow) -> None:
        """Take in the next row of that key."""
        self.entries += 1
        self._digest.update(pack(row.position.to_bytes(8, "big"), row.content, row.mac))

    def as_json(self) -> dict[str, object]:
        """Return what stands in the entry."""
        return {"entries": self.entries, "digest": self._digest.hexdigest()}


class _Lost(Attested):
    """The rows of a root key that is not there, until an entry vouches for them."""

    def __init__(self, first: int, error: KeyUnavailable) -> None:
        super().__init__()
        self.first = first
        self.error = error
        self.proven = False


class Chain:
    """Walks along an audit trail and checks every code.

    Attributes:
        end: The last row that was found good.
    """

    def __init__(
        self,
        store_id: bytes,
        key_of: Callable[[bytes], bytes],
        name: str,
        start: AuditHead = EMPTY,
    ) -> None:
        self._store_id = store_id
        self._key_of = key_of
        self._name = name
        self._lost: dict[bytes, _Lost] = {}
        self._from_the_first = start == EMPTY
        self.end = start

    def checked(self, rows: Iterable[AuditRow]) -> Iterator[AuditRow]:
        """Yield rows that are good, one after the other.

        Those of a root key that was destroyed are proven by a later entry only: nothing is certain
        about them before the last row was yielded.

        Raises:
            AuditBroken: A row was changed, or rows are missing.
            KeyUnavailable: The root key of a row is not there, and no entry vouches for the row.
            WrongKey: The root key of a row cannot be unlocked.
        """
        for row in rows:
            expected = self.end.position + 1
            if row.position > expected:
                self._missing(expected, row.position)
            if row.position != expected or not self._is_good(row):
                self._changed(row.position)
            self._take_word(row)
            self.end = AuditHead(row.position, row.mac)
            yield row
        for lost in self._lost.values():
            if not lost.proven:
                raise lost.error

    def _is_good(self, row: AuditRow) -> bool:
        lost = self._lost.get(row.kid)
        if lost is None:
            try:
                return compare_digest(row.mac, self._code_of(row))
            except KeyUnavailable as error:
                lost = self._lost[row.kid] = _Lost(row.position, error)
        lost.add(row)
        return not lost.proven  # a key that was destroyed makes no more codes

    def _take_word(self, row: AuditRow) -> None:
        """Compare the rows of lost keys with what a later row says of them."""
        if not self._lost or b'"attests"' not in row.content:
            return
        try:
            attested = json.loads(row.content)["detail"]["attests"]
            said = {bytes.fromhex(kid): sum_ for kid, sum_ in attested.items()}
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return  # as in `Newest.note`
        for kid, sum_ in said.items():
            lost = self._lost.get(kid)
            if lost is None:
                continue
            if lost.as_json() == sum_:
                lost.proven = True
            elif self._from_the_first:
                self._changed(lost.first)

    def _code_of(self, row: AuditRow) -> bytes:
        try:
            key = self._key_of(row.kid)
        except KeyUnavailable as error:
            raise KeyUnavailable(
                f"Entry {row.position} of {self._name} needs the root key "
                f"{row.kid.hex()}. {error.what}",
                kid=row.kid.hex(),
                tried=error.tried,
                fix="Restore the vault's key table from a backup. If no backup has that key, the "
                f"entry was changed. The entries before {row.position} are good.",
            ) from None
        return code(key, self._store_id, row.position, self.end.mac, row.content)

    def _missing(self, first: int, next_one: int) -> NoReturn:
        last = next_one - 1
        which = f"Entry {first} is" if first == last else f"Entries {first} to {last} are"
        raise AuditBroken(
            f"{which} missing from {self._name}: somebody removed rows.",
            position=first,
            reason="missing",
            fix="Find out who can write to the database. Compare with an export or a backup.",
        )

    def _changed(self, position: int) -> NoReturn:
        raise AuditBroken(
            f"Entry {position} of {self._name} was changed, or does not "
            "follow the one before it: somebody wrote, moved, or put in a row.",
            position=position,
            reason="changed",
            fix="Find out who can write to the database. Compare with an export or a backup; "
            f"the entries before {position} are good.",
        )


def check_head(kept: AuditHead, passed: bytes | None, end: AuditHead, name: str) -> None:
    """Compare a head that was kept elsewhere with a chain that is good in itself.

    Args:
        kept: The head.
        passed: The code of the row at its position; None where there is none.
        end: Where the chain ends.
        name: What it is, for messages.

    Raises:
        AuditBroken: The chain does not come by the head.
    """
    if passed is None:
        raise AuditBroken(
            f"{_capital(name)} ends at entry {end.position}; it had {kept.position} when "
            "the head was kept. The end was cut off, or an older copy was put back.",
            position=end.position + 1,
            reason="cut off",
            fix="Find out who restored or cut it. Blocks saved since may be back at old values.",
        )
    if passed != kept.mac:
        raise AuditBroken(
            f"Entry {kept.position} of {name} is not the one whose head was "
            "kept, though the trail is whole in itself: the entries were written anew.",
            position=kept.position,
            reason="rewritten",
            fix="Is it the head of this vault? If so, an older copy was put back and used since, "
            "or somebody with the key made another trail.",
        )


class _Said(NamedTuple):
    """What the trail says of a block: the entry that says it, the address, the fingerprint."""

    position: int
    address: str
    print: str


class _Wrote(NamedTuple):
    """What an entry says of a document that was written."""

    block: str
    address: str
    print: str


class Newest:
    """The newest version of each block, as the trail tells it, beside what the store has.

    Takes memory for every block, not for every entry.
    """

    def __init__(self) -> None:
        self._said: dict[str, _Said] = {}
        self._touched: set[str] = set()
        self._all_touched = False

    def note(self, row: AuditRow) -> None:
        """Take in a row whose code is good."""
        try:
            content = json.loads(row.content)
            wrote = [_Wrote(*each) for each in content.get("wrote", ())]
            if "print" in content:
                wrote.append(_Wrote(content["block"], content["address"], content["print"]))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return  # only who has the key can write such a row so that its code is good
        if content.get("resealed"):
            # New ciphertexts of what was there; which ones, nobody wrote down.
            self._said = {block: said._replace(print="") for block, said in self._said.items()}
            self._all_touched = True
        if content.get("gone"):
            block = str(content.get("block"))
            self._said.pop(block, None)
            self._touched.add(block)
        for block, address, shape in wrote:
            self._said[block] = _Said(row.position, address, shape)
            self._touched.add(block)

    def touched_since(self) -> Callable[[str], bool]:
        """Return what tells whether a block was named since the last call."""
        touched, self._touched = self._touched, set()
        every, self._all_touched = self._all_touched, False
        return lambda block: every or block in touched

    def compare(self, store: Store, only: Collection[str] | None = None) -> dict[str, Problem]:
        """Return what differs, by block; of all blocks, or only of some."""
        found = {head.block_id.hex(): head for head in store.heads()}
        problems = {}
        for block in {*found, *self._said} if only is None else only:
            problem = self._problem(store, block, found.get(block))
            if problem is not None:
                problems[block] = problem
        return problems

    def _problem(self, store: Store, block: str, head: Record | None) -> Problem | None:
        said = self._said.get(block)
        if head is None:
            if said is None:  # deleted since it was looked at
                return None
            return said.position, f"{said.address} is gone, and no entry says that it was deleted"
        address = f"{head.slug}/{head.name}@{head.version}"
        if said is None:
            return 0, f"{address} is there, and no entry says who saved it"
        if said.address != address:
            return said.position, f"{address} is there; {said.address} was saved last"
        if not said.print:
            return None
        whole = store.get(head.slug, head.name, head.version)
        if whole is None or print_of(whole) != said.print:
            return said.position, f"{address} does not hold what was saved as that"
        return None


def differing(problems: Iterable[Problem], name: str, end: AuditHead) -> AuditBroken:
    """Return the error for documents that are not what the trail says."""
    listed = sorted(problems, key=lambda each: (each[0] or end.position + 1, each[1]))
    lines = [f"  - {text} (entry {position})" if position else f"  - {text}"
             for position, text in listed[:_MOST_NAMED]]  # fmt: skip
    if len(listed) > _MOST_NAMED:
        lines.append(f"  - and {len(listed) - _MOST_NAMED} more")
    return AuditBroken(
        f"{_capital(name)} is whole, but documents are not those that it says were "
        "saved last:\n" + "\n".join(lines),
        position=listed[0][0] or end.position,
        reason="document",
        fix="Somebody changed, put back or removed rows: find out who can write to the database. "
        "Look at each with `brickwork block history`, and save what is right again.",
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
