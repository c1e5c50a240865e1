"""Many blocks saved in one transaction."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from brickwork.block import Address, Block, Place, check_name, place_of, stamp
from brickwork.registry.current import get_registry
from brickwork.store import Store
from brickwork.vault.document import Document
from brickwork.vault.envelope import Secrets
from brickwork.vault.notes import Notes
from brickwork.vault.parts import encode

if TYPE_CHECKING:
    from brickwork.vault.writing import Writer


class Saving(NamedTuple):
    """A block that is to be saved.

    Attributes:
        block: The block; one that another one of the same batch refers to comes before that.
        name: The name.
        overwrite: Add a version when something else is saved under the name.
        notes: Description, tags and expiry; those of the version before stay without them.
        source: Where it comes from, for the audit trail.
    """

    block: Block
    name: str
    overwrite: bool = False
    notes: Notes | None = None
    source: str = ""


def save_all(
    store: Store,
    writer: "Writer",
    make: Callable[[], None],
    savings: Sequence[Saving],
    action: str,
) -> list[tuple[Document, Secrets]]:
    """Save blocks and stamp their addresses on them; see `Vault.save_all`.

    Args:
        store: Of the vault.
        writer: Writes to it.
        make: Makes the vault; called if there is none yet.
        savings: What to save.
        action: What the audit trail calls it.
    """
    class_of = get_registry().block_class
    for saving in savings:
        check_name(saving.name)
    if not store.exists():
        # What cannot be stored makes no vault. Blocks that refer to others are encoded below.
        for saving in savings:
            encode(saving.block, None, class_of)
        make()
    before = [(saving.block, place_of(saving.block)) for saving in savings]
    done = []
    try:
        with store.transaction():
            for saving in savings:
                encoded = encode(saving.block, store.store_id, class_of)
                detail = {"source": saving.source} if saving.source else {}
                record = writer.put(
                    saving.block,
                    saving.name,
                    encoded,
                    overwrite=saving.overwrite,
                    notes=saving.notes,
                    action=action,
                    **detail,
                )
                address = Address(record.slug, record.name, record.version)
                # The next ones may refer to it.
                there = Place(address, store.store_id, block_id=record.block_id)
                stamp(saving.block, there)
                done.append((Document(record), encoded.secrets))
    except BaseException:
        for block, place in before:
            private = block.__pydantic_private__
            if private is not None:
                private["_place"] = place
        raise
    return done
