"""Writing what is saved as a manifest."""

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from brickwork._address import Address
from brickwork._safe_yaml import MAX_DEPTH
from brickwork.errors import BlockError, BrickworkError, KeyUnavailable, TamperedCiphertext
from brickwork.registry.current import get_registry
from brickwork.store import Record
from brickwork.vault.audit import AuditTrail
from brickwork.vault.defining import define
from brickwork.vault.manifest.comparing import notes_on
from brickwork.vault.manifest.emitting import quoted, yaml_lines
from brickwork.vault.manifest.model import DESCRIPTION, EXPIRES, TAGS, told
from brickwork.vault.migrating import lifted, steps_of
from brickwork.vault.notes import Notes
from brickwork.vault.reading import Reader
from brickwork.vault.rewriting import written_fields


class Export(NamedTuple):
    """Blocks as a manifest.

    Attributes:
        text: The manifest, as YAML.
        blocks: The blocks in it.
        revealed: Of those, the ones whose secrets stand in it in clear.
        unreadable: Blocks that are not in it, with the reason.
    """

    text: str
    blocks: tuple[Address, ...]
    revealed: tuple[Address, ...]
    unreadable: tuple[tuple[Address, str], ...]

    def __repr__(self) -> str:
        return f"Export({len(self.blocks)} blocks, {len(self.revealed)} revealed)"


class Selection(NamedTuple):
    """Which blocks to export.

    Attributes:
        patterns: Any of these addresses, with ``*`` and ``?``; all where there are none.
        tags: All of these tags.
        manifest: Owned by this manifest.
    """

    patterns: Sequence[str] = ()
    tags: Sequence[str] = ()
    manifest: str | None = None

    def takes(self, head: Record) -> bool:
        """Tell whether a block is among them."""
        name = f"{head.slug}/{head.name}"
        if self.patterns and not any(fnmatchcase(name, each) for each in self.patterns):
            return False
        if not self.tags and self.manifest is None:
            return True
        notes = notes_on(head)
        if notes is None:
            return False
        owned = self.manifest is None or notes.manifest == self.manifest
        return owned and set(self.tags) <= set(notes.tags)


def export(reader: Reader, selection: Selection, *, reveal: bool) -> Export:
    """Write blocks as a manifest; see `Vault.export`."""
    heads = list(reader.store.heads()) if reader.store.exists() else []
    quiet = Reader(reader.store, reader.keys)
    quiet.resolutions, quiet.warns = reader.resolutions, False
    parts = [_Part(quiet, head, reveal=reveal) for head in heads if selection.takes(head)]
    without_key = [part.error for part in parts if isinstance(part.error, KeyUnavailable)]
    if without_key and len(without_key) == len(parts):
        raise without_key[0]
    revealed = tuple(part.address for part in parts if part.revealed)
    if revealed:
        with reader.store.transaction():
            AuditTrail(reader.store, reader.keys).append(
                "export", revealed=list(map(str, revealed))
            )
    return Export(
        "".join(f"{line}\n" for line in _lines(parts, selection.manifest)),
        tuple(part.address for part in parts if part.error is None),
        revealed,
        tuple((part.address, told(part.error)) for part in parts if part.error is not None),
    )


class _Part:
    """One block of an export."""

    def __init__(self, reader: Reader, head: Record, *, reveal: bool) -> None:
        self.address = Address(head.slug, head.name)
        self.revealed = False
        self.keeps = False
        self.fields: dict[str, Any] = {}
        self.error: BrickworkError | None = None
        try:
            self._read(reader, head, reveal=reveal)
        except BrickworkError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001  # the code of a plugin, or what is in the database
            from brickwork.registry.plugins import told as told_of

            self.error = BlockError(f"It cannot be exported: {told_of(error)}")

    def _read(self, reader: Reader, head: Record, *, reveal: bool) -> None:
        record = reader.record(self.address)
        secrets = reader.secrets_of(record)
        notes = notes_on(record) or Notes()
        if steps_of(record, get_registry().block_class):
            _, encoded = lifted(reader, record)
            secrets = encoded.secrets
            record = record._replace(public=encoded.public, schema_version=encoded.schema_version)
        try:
            fields = written_fields(record, secrets)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise TamperedCiphertext(
                f"What is public about {self.address} was changed outside Brickwork."
            ) from None
        define(reader, head.slug, fields)  # what it refuses, applying would refuse
        if not reveal:
            fields = written_fields(record)
        if _depth(fields) > MAX_DEPTH - 3:
            raise BlockError("Its fields are nested too deep for YAML.")
        self.fields = {**_notes(notes), **fields}
        self.revealed = reveal and bool(secrets)
        self.keeps = not reveal and bool(secrets)


def _notes(notes: Notes) -> dict[str, Any]:
    found = {
        DESCRIPTION: notes.description,
        TAGS: list(notes.tags),
        EXPIRES: notes.expires_at and notes.expires_at.isoformat(),
    }
    return {name: value for name, value in found.items() if value}


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


def _lines(parts: Iterable[_Part], manifest: str | None) -> Iterator[str]:
    yield "# Written by `brickwork export`; `brickwork apply -f` takes it."
    parts = list(parts)
    if any(part.keeps for part in parts):
        yield "# {$kept: secret} stands for a secret that stays as it is saved."
    if manifest is not None:
        yield from yaml_lines({"manifest": manifest})
    yield "version: 1"
    yield "blocks:" if any(part.error is None for part in parts) else "blocks: {}"
    for part in parts:
        if part.error is not None:
            yield f"  # {part.address} is left out: {quoted(told(part.error))[1:-1]}"
        else:
            yield from yaml_lines({str(part.address): part.fields}, 2)
