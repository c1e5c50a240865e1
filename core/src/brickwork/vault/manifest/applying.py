"""Doing what a plan says, in one transaction."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from brickwork.block import Address
from brickwork.errors import ApplyRefused, VersionConflict
from brickwork.masking import MaskingWarning, masker
from brickwork.store import Record, Store
from brickwork.tasks import progress
from brickwork.vault.document import Document
from brickwork.vault.manifest.plan import Base, Plan, Step
from brickwork.vault.notes import annotated

if TYPE_CHECKING:
    from brickwork.vault.writing import Writer


def apply(
    plan: Plan, store: Store, writer: "Callable[[], Writer]", make: Callable[[], None]
) -> list[Document]:
    """Do what a plan says; see `Plan.apply`.

    Args:
        plan: What to do.
        store: Of the vault.
        writer: Makes what writes to it.
        make: Makes the vault, if there is none yet.
    """
    if plan.refused:
        raise ApplyRefused([(str(step.address), step.refusal) for step in plan.refused])
    if not plan.changes:
        return []
    if not store.exists():
        make()
    saved: list[Document] = []
    with store.transaction():
        records = [_current(store, step) for step in plan.steps]
        write = writer()
        for done, (step, record) in enumerate(zip(plan.steps, records, strict=True)):
            progress(done, len(plan.steps), str(step.address))
            written = _do(write, step, record)
            if written is not None:
                saved.append(Document(written))
    progress(len(plan.steps), len(plan.steps))
    for step in plan.changes:
        _warn_of_short(step)
    return saved


def _current(store: Store, step: Step) -> Record | None:
    """Return what is saved, if it is what it was when the step was planned."""
    record = store.get(step.address.slug, step.address.name)
    base = None if record is None else Base(record.block_id, record.version)
    if base != step.base:
        what = "deleted" if record is None else "saved"
        raise VersionConflict(
            f"{step.address} was {what} by somebody else since this was planned; nothing was "
            "changed.",
            fix="Plan again, and apply that.",
        )
    return record


def _do(writer: "Writer", step: Step, record: Record | None) -> Record | None:
    if step.action == "same":
        return None
    if step.action == "delete":
        writer.remove(step.address)
        return None
    definition, notes = step.definition, step.saved_notes
    assert definition is not None and notes is not None  # noqa: S101, PT018  # of all other steps
    if step.action != "replace" or record is None:
        return writer.define(step.address, definition, overwrite=True, notes=notes)
    encoded = definition.encoded
    encoded = encoded._replace(public=annotated(encoded.public, None, notes))
    return writer.put_over(record, encoded, "save", block=definition.block)


def _warn_of_short(step: Step) -> None:
    secrets = {} if step.definition is None else step.definition.encoded.secrets
    short = [path for path in secrets if secrets[path] and masker.too_short(secrets[path])]
    if short:
        import warnings

        whole = Address(step.address.slug, step.address.name)
        warnings.warn(
            f"{whole}: {', '.join(short)} is too short to be hidden in logs, where it may be "
            "part of other words. Use a secret of 6 characters or more.",
            MaskingWarning,
            stacklevel=4,  # who called Plan.apply
        )
