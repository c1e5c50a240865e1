"""Documents of old schema versions are loaded through their migrations and saved anew."""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from brickwork.block import Address, Block
from brickwork.errors import (
    BlockError,
    BlockNotFound,
    BrickworkError,
    MigrationError,
    TamperedCiphertext,
    VersionConflict,
)
from brickwork.registry.current import get_registry
from brickwork.store import Record
from brickwork.vault.codec import ClassOf, Encoded, decode
from brickwork.vault.diff import Content, changes_between
from brickwork.vault.notes import annotated
from brickwork.vault.parts import encode
from brickwork.vault.reading import Reader

if TYPE_CHECKING:
    from brickwork.vault.writing import Writer

_ATTEMPTS = 10


class SchemaStep(NamedTuple):
    """A block, saved on its own or inside another one, that is not of its class's schema version.

    Attributes:
        pointer: Where it stands in the document: a JSON pointer; empty for the document itself.
        slug: Its slug.
        saved: The schema version that it was saved with.
        current: The schema version of its class.
    """

    pointer: str
    slug: str
    saved: int
    current: int


class MigrationOutcome(NamedTuple):
    """What became of one document, or what would.

    Attributes:
        address: The document, with the version that it has now.
        status: ``migrated``; ``pending``, in a dry run; or ``failed``, which changed nothing.
        steps: What is not of today's schema version.
        added: JSON pointers of fields that the migration adds.
        removed: Of those that it removes.
        changed: Of those whose values it changes.
        error: Why it failed.
    """

    address: Address
    status: Literal["migrated", "pending", "failed"]
    steps: tuple[SchemaStep, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    error: BrickworkError | None = None


def steps_of(record: Record, class_of: ClassOf) -> tuple[SchemaStep, ...]:
    """Return what in a document is not of today's schema version. Opens nothing.

    Raises:
        PluginError, UnknownBlock: A class in it is not to be had.
        TamperedCiphertext: Its public part cannot be read.
    """
    found = [SchemaStep("", record.slug, record.schema_version, 0)]
    if b'"schema":' in record.public:
        try:
            marks = json.loads(record.public)["blocks"].items()
            found += [SchemaStep(at, m["slug"], m["schema"], 0) for at, m in marks if "slug" in m]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise TamperedCiphertext(
                f"What is public about {record.slug}/{record.name} was changed outside Brickwork.",
                fix="Find out who wrote to the database, then restore it or save it again.",
            ) from None
    known = (each._replace(current=class_of(each.slug).schema_version) for each in found)
    return tuple(each for each in known if each.saved != each.current)


def lifted(reader: Reader, record: Record) -> tuple[Block, Encoded]:
    """Load a document through its migrations, and take the block apart as it is saved today.

    Raises what `Vault.load` and `Vault.save` raise.
    """
    class_of = get_registry().block_class
    block = reader.load(Address(record.slug, record.name, record.version), Block)
    return block, encode(block, reader.store.store_id, class_of)


def foreign(address: str, slug: str, error: Exception) -> BrickworkError:
    """Return an error of somebody else's code as one of ours, without what it may quote."""
    from brickwork.registry.plugins import told

    return MigrationError(
        f"{address} cannot be loaded: {told(error)}", fix=f"Tell the author of the {slug} block."
    )


def migrate(
    reader: Reader, writer: "Writer", heads: Sequence[Record], *, dry_run: bool
) -> Iterator[MigrationOutcome]:
    """Migrate documents, one transaction each; yields those that are behind, or cannot be told."""
    from brickwork.tasks import progress

    for number, head in enumerate(heads, 1):
        try:
            outcome = _migrated(reader, writer, head, dry_run=dry_run)
        except BrickworkError as error:
            outcome = _failed(head, error)
        except Exception as error:  # noqa: BLE001  # the code of a plugin, or what is in the database
            name = f"{head.slug}/{head.name}@{head.version}"
            outcome = _failed(head, foreign(name, head.slug, error))
        progress(number, len(heads), f"migrating {head.slug}/{head.name}")
        if outcome is not None:
            yield outcome


def _migrated(
    reader: Reader, writer: "Writer", head: Record, *, dry_run: bool
) -> MigrationOutcome | None:
    class_of = get_registry().block_class
    if not steps_of(head, class_of):
        return None
    for attempt in range(_ATTEMPTS):
        record = reader.store.get(head.slug, head.name)
        steps = () if record is None else steps_of(record, class_of)
        if record is None or not steps:
            return None  # deleted, or saved by somebody else, in between
        block, encoded = lifted(reader, record)
        encoded = encoded._replace(public=annotated(encoded.public, record.public, None))
        outcome = _outcome(reader, record, steps, encoded)
        if dry_run:
            _check_comes_back(block, encoded)
            return outcome
        try:
            with reader.store.transaction():
                new = _put(reader, writer, record, encoded, block, steps)
        except (VersionConflict, BlockNotFound):
            # Saved again, or a block that it refers to was renamed, in between.
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            address = outcome.address._replace(version=new.version)
            return outcome._replace(address=address, status="migrated")
    raise AssertionError("the last attempt returns or raises")


def _put(
    reader: Reader,
    writer: "Writer",
    record: Record,
    encoded: Encoded,
    block: Block,
    steps: tuple[SchemaStep, ...],
) -> Record:
    newest = reader.store.get(record.slug, record.name)
    if newest is None or (newest.block_id, newest.version) != (record.block_id, record.version):
        raise VersionConflict(
            f"{record.slug}/{record.name} was saved by somebody else in between.",
            fix="Migrate it again.",
        )
    lifts = [{"at": s.pointer, "slug": s.slug, "from": s.saved, "to": s.current} for s in steps]
    return writer.put_over(newest, encoded, "migrate", block=block, schemas=lifts)


def _outcome(
    reader: Reader, record: Record, steps: tuple[SchemaStep, ...], encoded: Encoded
) -> MigrationOutcome:
    address = Address(record.slug, record.name, record.version)
    old = Content(record.public, reader.secrets_of(record), str(address))
    new = Content(encoded.public, encoded.secrets, str(address))
    fields: dict[str, list[str]] = {"added": [], "removed": [], "changed": []}
    for change in changes_between(old, new):
        if change.kind in fields and change.what != "class":
            fields[change.kind].append(change.pointer)
    return MigrationOutcome(
        address,
        "pending",
        steps,
        tuple(fields["added"]),
        tuple(fields["removed"]),
        tuple(fields["changed"]),
    )


def _check_comes_back(block: Block, encoded: Encoded) -> None:
    """Find out what saving would find out, without saving."""
    back = decode(
        type(block),
        encoded.schema_version,
        encoded.public,
        encoded.secrets,
        get_registry().block_class,
        lambda at, _: encoded.children[at],
        lambda _: encoded.values,
    )
    if back != block:
        raise BlockError(
            f"A {encoded.slug} block would not come back as it is after its migration.",
            fix="Use Secret instead of SecretStr, and types that pydantic reads back equal.",
        )


def _failed(head: Record, error: BrickworkError) -> MigrationOutcome:
    try:
        steps = steps_of(head, get_registry().block_class)
    except BrickworkError:
        steps = ()
    return MigrationOutcome(
        Address(head.slug, head.name, head.version), "failed", steps, error=error
    )
