"""``Diff``: what two versions of a block differ in, without a secret's value."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, NamedTuple

from brickwork.block import Address
from brickwork.errors import BlockNotFound, TamperedCiphertext, VaultError
from brickwork.secret import HIDDEN
from brickwork.store import Record
from brickwork.vault.envelope import Secrets
from brickwork.vault.notes import Notes, notes_of
from brickwork.vault.pointers import escape
from brickwork.vault.reading import Reader

Kind = Literal["added", "removed", "changed", "unchanged", "unknown"]
What = Literal["value", "secret", "block", "reference", "class"]


class Change(NamedTuple):
    """What became of one field, or of one part of it.

    Attributes:
        pointer: Where it stands: a JSON pointer (RFC 6901) such as ``/options/timeout``.
        kind: What became of it. ``unchanged`` is said of secrets only; ``unknown`` of secrets that
            are in both versions, one of which cannot be opened.
        what: A public value, a secret, a block that is referred to, a reference such as
            ``${env:NAME}``, or the class of a block that is saved inside.
        before: What stood there, as JSON; ``********`` for a secret, None for nothing.
        after: What stands there now.
    """

    pointer: str
    kind: Kind
    what: What
    before: Any = None
    after: Any = None


class Diff(NamedTuple):
    """What two versions of a block differ in. Holds no secret.

    Attributes:
        address: The block.
        before: The older version; None where the other is the first one there is.
        after: The newer version.
        changes: By pointer; every secret of both versions is among them.
        notes: What was said about it: ``description``, ``tags``, ``expires_at``, ``manifest``.
        schema_versions: That of the older version, or None, and that of the newer.
        unverified: Version to the reason why it cannot be opened. What is said of its public
            fields is what the database says, and may have been changed there.
    """

    address: Address
    before: int | None
    after: int
    changes: tuple[Change, ...]
    notes: tuple[Change, ...]
    schema_versions: tuple[int | None, int]
    unverified: Mapping[int, VaultError]

    @property
    def different(self) -> bool:
        """Whether anything is known to differ."""
        first, second = self.schema_versions
        return (
            bool(self.notes)
            or first != second
            or any(change.kind not in ("unchanged", "unknown") for change in self.changes)
        )


class Leaf(NamedTuple):
    """What stands at one pointer."""

    what: What
    value: Any
    text: str  # what tells it from others; for a secret, nothing


class Content:
    """A stored version, taken apart into leaves.

    Raises:
        TamperedCiphertext: Its public part cannot be read at all.
    """

    def __init__(self, public: bytes, secrets: Secrets | None, name: str) -> None:
        self.secrets = secrets
        try:
            self._document: dict[str, Any] = json.loads(public)
            self.notes = notes_of(self._document)
            self.leaves = dict(self._leaves())
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise TamperedCiphertext(
                f"What is public about {name} was changed outside Brickwork.",
                fix="Find out who wrote to the database, then restore it or save it again.",
            ) from None

    def _leaves(self) -> Iterator[tuple[str, Leaf]]:
        hidden = set(self._document["secrets"])
        blocks = self._document["blocks"]
        references = self._document.get("references", {})
        waiting: list[tuple[str, Any]] = [("", self._document["fields"])]
        while waiting:
            pointer, value = waiting.pop()
            block = blocks.get(pointer, {})
            if pointer in hidden:
                yield pointer, Leaf("secret", HIDDEN, "")
            elif pointer in references:
                text = references[pointer]["text"]
                yield pointer, Leaf("reference", text, text)
            elif "ref" in block:
                yield pointer, Leaf("block", {"$block": block["ref"]}, block["ref"])
            elif isinstance(value, dict | list) and (value or not pointer or block):
                if block:
                    known = {"slug": block["slug"], "schema_version": block["schema"]}
                    yield pointer, Leaf("class", known, json.dumps(known))
                items = value.items() if isinstance(value, dict) else enumerate(value)
                waiting += [(f"{pointer}/{escape(str(key))}", item) for key, item in items]
            else:
                yield pointer, Leaf("value", value, repr(value))  # a scalar, or empty

    @cached_property
    def schema(self) -> dict[str, tuple[str, int]]:
        """Pointer of each block inside to its slug and schema version."""
        marks = self._document["blocks"].items()
        return {at: (mark["slug"], mark["schema"]) for at, mark in marks if "ref" not in mark}


def changes_between(old: Content | None, new: Content) -> Iterator[Change]:
    """Yield what differs, and what became of every secret, by pointer."""
    before = {} if old is None else old.leaves
    for pointer in sorted({*before, *new.leaves}):
        one, two = before.get(pointer), new.leaves.get(pointer)
        if one is None:
            assert two is not None  # noqa: S101  # it is in one of them
            yield Change(pointer, "added", two.what, None, two.value)
        elif two is None:
            yield Change(pointer, "removed", one.what, one.value, None)
        elif one.what == two.what == "secret":
            kind = _secret(None if old is None else old.secrets, new.secrets, pointer)
            yield Change(pointer, kind, "secret", HIDDEN, HIDDEN)
        elif (one.what, one.text) != (two.what, two.text):
            yield Change(pointer, "changed", two.what, one.value, two.value)


def _secret(one: Secrets | None, two: Secrets | None, pointer: str) -> Kind:
    if one is None or two is None:
        return "unknown"
    return "unchanged" if one.get(pointer) == two.get(pointer) else "changed"


def diff(reader: Reader, address: Address, a: int | None, b: int | None) -> Diff:
    """Compare two versions of a block; see `Vault.diff`."""
    versions = {record.version: record for record in reader.versions(address)}
    old, new = _chosen(reader, address, sorted(versions), a, b)
    unverified: dict[int, VaultError] = {}

    def content(version: int) -> Content:
        record = versions[version]
        return Content(record.public, _opened(reader, record, unverified), str(here(version)))

    def here(version: int) -> Address:
        return Address(address.slug, address.name, version)

    before = None if old is None else content(old)
    after = content(new)
    return Diff(
        address._replace(version=None),
        old,
        new,
        tuple(changes_between(before, after)),
        tuple(notes_between(None if before is None else before.notes, after.notes)),
        (None if old is None else versions[old].schema_version, versions[new].schema_version),
        unverified,
    )


def _chosen(
    reader: Reader, address: Address, known: list[int], a: int | None, b: int | None
) -> tuple[int | None, int]:
    """Return the versions to compare: those that are named, else the newest and the one before."""
    for version in (a, b):
        if version is not None and version not in known:
            reader.record(address._replace(version=version))
            raise BlockNotFound(f"{address} has no version {version}.")  # removed in between
    new = known[-1] if b is None else b
    if a is None:
        a = max((each for each in known if each < new), default=None)
    return a, new


def _opened(reader: Reader, record: Record, unverified: dict[int, VaultError]) -> Secrets | None:
    try:
        return reader.secrets_of(record)
    except VaultError as error:
        unverified[record.version] = error
        return None


def notes_between(old: Notes | None, new: Notes) -> Iterator[Change]:
    """Yield what differs in what is said about a block."""
    before = (old or Notes())._asdict()
    for name, value in new._asdict().items():
        if before[name] == value or name == "applied":  # of use to manifests only
            continue
        kind: Kind = "changed" if before[name] and value else "added" if value else "removed"
        yield Change(name, kind, "value", _plain(before[name]), _plain(value))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) or None if isinstance(value, tuple) else value or None
