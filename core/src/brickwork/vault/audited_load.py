"""Loads that are recorded in the audit trail: where ``audit_loads`` is on."""

from typing import Any, TypeVar

from brickwork.block import Address, Block
from brickwork.errors import AuditUnavailable, VaultError
from brickwork.store import Record
from brickwork.vault.audit import AuditTrail
from brickwork.vault.envelope import Secrets
from brickwork.vault.reading import Reader

B = TypeVar("B", bound=Block)


def load(reader: Reader, trail: AuditTrail, address: Address, expect: type[B]) -> B:
    """Load a block; return when an entry for each document that was opened is durable.

    Raises:
        AuditUnavailable: It could not be recorded.
        BrickworkError: As `Vault.load`. That is recorded too, if anything was opened; where that
            cannot be done, as with a key that is wrong for all, the error says so.
    """
    opening = _Opening(reader)
    try:
        block = opening.load(address, expect)
    except Exception as error:
        try:
            opening.write_failure(trail, error)
        except VaultError as second:
            error.add_note(f"not recorded in the audit trail: {second.what}")
        raise
    opening.write(trail, address)
    return block


class _Opening(Reader):
    """A reader that remembers what it opened."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader.store, reader.keys)
        self.resolutions = reader.resolutions
        self._opened: dict[tuple[bytes, int], Record] = {}
        self._failed: Record | None = None

    def secrets_of(self, record: Record) -> Secrets:
        """Open a document, and remember it."""
        self._opened.setdefault((record.block_id, record.version), record)
        try:
            return super().secrets_of(record)
        except BaseException:
            self._failed = record
            raise

    def write(self, trail: AuditTrail, address: Address) -> None:
        """Add an entry for each document that was opened."""
        top, *children = self._opened.values()
        try:
            with self.store.transaction():
                trail.append("load", top)
                for child in children:
                    trail.append("load", child, **_within(top))
        except VaultError as error:
            raise AuditUnavailable(
                f"{address} was not loaded: the audit trail must have an entry for each load, and "
                f"could not be written. {error.what}",
                fix=f"{error.fix} Or set audit_loads = false.".strip(),
            ) from None

    def write_failure(self, trail: AuditTrail, error: Exception) -> None:
        """Add an entry for the document that could not be loaded."""
        if not self._opened:
            return  # nothing was found, or nothing was tried
        top = next(iter(self._opened.values()))
        failed = self._failed or top
        with self.store.transaction():
            within: dict[str, Any] = {} if failed is top else _within(top)
            trail.append("load.failed", failed, error=type(error).__name__, **within)


def _within(top: Record) -> dict[str, Any]:
    return {"for": f"{top.slug}/{top.name}@{top.version}"}
