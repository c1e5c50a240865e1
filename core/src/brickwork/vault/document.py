"""``Document``: what can be said of a saved block without decrypting it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from brickwork.block import Address
from brickwork.errors import TamperedCiphertext
from brickwork.secret import HIDDEN
from brickwork.store import Record
from brickwork.vault.pointers import put_at

if TYPE_CHECKING:
    from brickwork.vault.notes import Notes


class Document:
    """One saved version of a block: what is public about it. Cheap to list; never decrypts."""

    __slots__ = ("__dict__", "_record")

    def __init__(self, record: Record) -> None:
        self._record = record

    @property
    def address(self) -> Address:
        """Where it is saved, with its version."""
        return Address(self._record.slug, self._record.name, self._record.version)

    @property
    def slug(self) -> str:
        """The block class's slug."""
        return self._record.slug

    @property
    def name(self) -> str:
        """The block's name."""
        return self._record.name

    @property
    def version(self) -> int:
        """1 for the first, then one more for each save."""
        return self._record.version

    @property
    def schema_version(self) -> int:
        """The class's schema version when it was saved."""
        return self._record.schema_version

    @property
    def saved_at(self) -> datetime:
        """When it was saved, in UTC."""
        with self._readable():
            return datetime.fromisoformat(self._record.saved_at)

    @property
    def saved_by(self) -> str:
        """Who saved it: user@host, and BRICKWORK_ACTOR in brackets where it was set."""
        return self._record.saved_by

    @property
    def kid(self) -> str:
        """The id, in hex, of the root key that protects it."""
        return self._record.kid.hex()

    @cached_property
    def fields(self) -> dict[str, Any]:
        """The fields as JSON: secrets hidden, references as they are written.

        A secret is ``********``, a block ``{"$block": address}``.
        """
        with self._readable():
            document = json.loads(self._record.public)
            tree: dict[str, Any] = document["fields"]
            for pointer in document["secrets"]:
                put_at(tree, pointer, HIDDEN)
            for pointer, mark in document.get("references", {}).items():
                put_at(tree, pointer, mark.get("text", HIDDEN))
            for pointer, mark in document["blocks"].items():
                if "ref" in mark:
                    put_at(tree, pointer, {"$block": mark["ref"]})
            return tree

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """The JSON pointers of its secrets."""
        with self._readable():
            return tuple(json.loads(self._record.public)["secrets"])

    @cached_property
    def uses(self) -> tuple[Address, ...]:
        """The blocks that it refers to, as it refers to them."""
        with self._readable():
            document = json.loads(self._record.public)
            marks = document["blocks"].values()
            found = {Address.parse(mark["ref"]) for mark in marks if "ref" in mark}
            if "references" in document:
                from brickwork.vault.written import uses_of_mark

                for mark in document["references"].values():
                    found.update(map(Address.parse, uses_of_mark(mark)))
            return tuple(sorted(found))

    @cached_property
    def notes(self) -> "Notes":
        """What people say about it."""
        from brickwork.vault.notes import notes_of

        with self._readable():
            return notes_of(json.loads(self._record.public))

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Turn what goes wrong with a record that somebody edited into an error with a type."""
        try:
            yield
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise TamperedCiphertext(
                f"What is public about {self.address} was changed outside Brickwork.",
                fix="Find out who wrote to the database, then restore it or save it again.",
            ) from None

    def __repr__(self) -> str:
        return f"Document({str(self.address)!r})"

    def __eq__(self, other: object) -> bool:
        # Not what is sealed: listings leave it out.
        return isinstance(other, Document) and self._record[:9] == other._record[:9]

    def __hash__(self) -> int:
        return hash((self._record.block_id, self._record.version))
