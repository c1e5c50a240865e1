"""What a block in a manifest changes of what is saved."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from brickwork.secret import HIDDEN
from brickwork.store import Record
from brickwork.vault.codec import Encoded, canonical, uses_of
from brickwork.vault.diff import Change, Content, changes_between, notes_between
from brickwork.vault.envelope import Secrets
from brickwork.vault.manifest.plan import Drift
from brickwork.vault.notes import Notes, annotated, notes_of
from brickwork.vault.reading import Reader


class Difference(NamedTuple):
    """What differs.

    Attributes:
        changes: Of fields.
        notes: Of what is said about the block.
        schema_versions: Of the old and of the new, where they differ.
    """

    changes: tuple[Change, ...] = ()
    notes: tuple[Change, ...] = ()
    schema_versions: tuple[int, int] | None = None

    def __bool__(self) -> bool:
        return any(self)


def difference(reader: Reader, record: Record | None, new: Encoded, notes: Notes) -> Difference:
    """Compare what a manifest gives with what is saved.

    Raises:
        VaultError: What is saved cannot be opened or read.
    """
    name = new.slug if record is None else f"{record.slug}/{record.name}@{record.version}"
    if record is None:
        after = Content(new.public, new.secrets, name)
        return Difference(tuple(changes_between(None, after)), tuple(notes_between(None, notes)))
    secrets = reader.secrets_of(record)
    if _same(record, secrets, new, notes):
        return Difference()
    before = Content(record.public, secrets, name)
    after = Content(new.public, new.secrets, name)
    changes = [each for each in changes_between(before, after) if each.kind != "unchanged"]
    changes += _sealed_references(record.public, new.public, {each.pointer for each in changes})
    versions = (record.schema_version, new.schema_version)
    return Difference(
        tuple(changes),
        tuple(notes_between(before.notes, notes)),
        None if versions[0] == versions[1] else versions,
    )


def _same(record: Record, secrets: Secrets, new: Encoded, notes: Notes) -> bool:
    """Tell quickly that nothing differs, as for most blocks of most manifests."""
    if record.schema_version != new.schema_version or secrets != new.secrets:
        return False
    now = notes_on(record)
    return now is not None and canonical(record.public) == canonical(
        annotated(new.public, None, notes._replace(applied=now.applied))
    )


def _sealed_references(old: bytes, new: bytes, known: set[str]) -> Iterator[Change]:
    """Yield secrets that are a text on one side, and a reference of that same text on the other."""
    one, two = (_references(public) for public in (old, new))
    for pointer in sorted(one.keys() | two.keys()):
        if one.get(pointer) != two.get(pointer) and pointer not in known:
            yield Change(pointer, "changed", "secret", HIDDEN, HIDDEN)


def _references(public: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if b'"references":' in public:
        found = json.loads(public).get("references", {})
    return found


def notes_on(record: Record) -> Notes | None:
    """Return the notes of a record without opening it; None where they cannot be read."""
    try:
        return notes_of(json.loads(record.public))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def used_by(record: Record) -> tuple[str, ...]:
    """Return the addresses that a record refers to, without opening it; none if unreadable."""
    try:
        return uses_of(record.public)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ()


def drift_of(record: Record, notes: Notes) -> Drift | None:
    """Return who saved a block since its manifest saved it; None where nobody did."""
    if notes.applied is None or notes.applied == record.version:
        return None
    try:
        saved_at = datetime.fromisoformat(record.saved_at)
    except ValueError:
        saved_at = None
    return Drift(notes.applied, record.version, record.saved_by, saved_at)
