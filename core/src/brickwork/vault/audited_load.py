"""Loads that are recorded in the audit trail: where ``audit_loads`` is on."""

from collections.abc import Callable
from typing import Any, TypeVar

from brickwork.errors import AuditUnavailable, VaultError
from brickwork.store import Record
from brickwork.vault.audit import AuditTrail
from brickwork.vault.envelope import Secrets
from brickwork.vault.reading import Reader

T = TypeVar("T")


def recorded(reader: Reader, trail: AuditTrail, what: str, read: Callable[[Reader], T]) -> T:
    """Read documents; return when an entry for each that was opened is durable.

    Args:
        reader: The vault's.
        trail: The vault's.
        what: What is read, for messages.
        read: Does it, with the reader that it is given.

    Raises:
        AuditUnavailable: It could not be recorded.
        Exception: As ``read``. That is recorded too, if anything was opened; where that cannot be
            done, as with a key that is wrong for all, the error says so.
    """
    opening = _Opening(reader)
    try:
        found = read(opening)
    except Exception as error:
        try:
            opening.write_failure(trail, error)
        except VaultError as second:
            error.add_note(f"not recorded in the audit trail: {second.what}")
        raise
    opening.write(trail, what)
    return found


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

    def write(self, trail: AuditTrail, what: str) -> None:
        """Add an entry for each document that was opened."""
        if not self._opened:
            return  # a reference to something else than a block
        top, *children = self._opened.values()
        try:
            with self.store.transaction():
                trail.append("load", top)
                for child in children:
                    trail.append("load", child, **_within(top))
        except VaultError as error:
            raise AuditUnavailable(
                f"{what} was not loaded: the audit trail must have an entry for each load, and "
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
