"""``Plan``: what applying a manifest would do, block by block, without a secret's value."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

from brickwork._address import Address
from brickwork.vault.diff import Change

if TYPE_CHECKING:
    from brickwork.vault.defining import Definition
    from brickwork.vault.document import Document
    from brickwork.vault.notes import Notes

Action = Literal["create", "change", "take over", "replace", "delete", "unreadable", "same"]


class Drift(NamedTuple):
    """Somebody saved a block since its manifest was applied last.

    Attributes:
        applied: The version that the manifest saved.
        version: The newest one.
        saved_by: Who saved that.
        saved_at: When; None where it cannot be read.
    """

    applied: int
    version: int
    saved_by: str
    saved_at: datetime | None


class Base(NamedTuple):
    """What a block was when it was planned; applying needs it to be that still.

    Attributes:
        block_id: Of the block.
        version: The newest one.
    """

    block_id: bytes
    version: int


@dataclass(frozen=True)
class Step:
    """What becomes of one block.

    Attributes:
        address: The block.
        action: ``create``, ``change``, ``take over`` (from another manifest), ``replace`` (what
            cannot be read), ``delete``, ``unreadable``, or ``same``: nothing.
        changes: Of its fields, by JSON pointer; secrets without their values.
        notes: Changes of ``description``, ``tags``, ``expires_at``, ``manifest``.
        schema_versions: Of what is saved and of its class, where they differ.
        drift: Who changed it since this manifest was applied, where what is saved differs.
        owner: The manifest that owns it now.
        reason: Why it cannot be read.
        refusal: Why it cannot be applied; empty where it can.
        missing: References that could not be fetched here, by field, with the reason; they are
            fetched where the block is loaded.
    """

    address: Address
    action: Action
    changes: tuple[Change, ...] = ()
    notes: tuple[Change, ...] = ()
    schema_versions: tuple[int, int] | None = None
    drift: Drift | None = None
    owner: str | None = None
    reason: str = ""
    refusal: str = ""
    missing: dict[str, str] = field(default_factory=dict)
    base: Base | None = field(default=None, repr=False)
    definition: "Definition | None" = field(default=None, repr=False)
    saved_notes: "Notes | None" = field(default=None, repr=False)


class Plan:
    """What applying a manifest would do.

    Attributes:
        manifest: The name of the manifest; None where it has none.
        steps: One for each block, in the order in which they are applied.
    """

    def __init__(
        self,
        manifest: str | None,
        steps: list[Step],
        apply: "Callable[[Plan], list[Document]]",
    ) -> None:
        self.manifest = manifest
        self.steps = tuple(steps)
        self._apply = apply

    @property
    def changes(self) -> tuple[Step, ...]:
        """The steps that are not ``same``."""
        return tuple(step for step in self.steps if step.action != "same")

    @property
    def refused(self) -> tuple[Step, ...]:
        """The steps that cannot be applied; with one of them, nothing can."""
        return tuple(step for step in self.steps if step.refusal)

    @property
    def counts(self) -> dict[str, int]:
        """How many steps there are of each action."""
        return dict(Counter(step.action for step in self.steps))

    def apply(self) -> "list[Document]":
        """Do it, in one durable transaction. With nothing to do, does nothing.

        Returns:
            What was saved, in order.

        Raises:
            ApplyRefused: Some step cannot be applied.
            VersionConflict: A block is not any more what it was when this was planned.
            VaultError: It could not be written. Nothing was changed, as with the others.

        Warns:
            MaskingWarning: A secret that was saved is too short to be hidden in logs.
        """
        return self._apply(self)

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {action}" for action, count in self.counts.items())
        return f"Plan({counts or 'empty'})"
