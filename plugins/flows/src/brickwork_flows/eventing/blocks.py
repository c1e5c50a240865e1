"""Changes of blocks as events: read from the vault's audit trail, which has them already.

No block is opened for that, and no key needed.
"""

from collections.abc import Iterator
from typing import Any

from brickwork import AuditEntry, AuditTrail, current_vault
from brickwork_flows.eventing.recorded import ID, NAME, PREFIX, RecordedEvent

NAMES = {
    "save": "block.updated",
    "rename": "block.renamed",
    "rollback": "block.rolled-back",
    "annotate": "block.annotated",
    "migrate": "block.migrated",
    "import": "block.imported",
    "copy": "block.copied",
    "delete": "block.deleted",
    "prune": "block.pruned",
    "export": "block.exported",
    "keys.rotate": "keys.rotated",
    "keys.rewrap": "keys.rewrapped",
    "keys.reencrypt": "keys.reencrypted",
    "keys.finished": "keys.finished",
    "keys.destroy": "keys.destroyed",
    "keys.backup": "keys.backed-up",
    "keys.restore": "keys.restored",
}
"""By action of the audit trail, the event. Loads are no changes, and not among them."""


def trail() -> AuditTrail:
    """Return the audit trail of the vault in use. Raises BrickworkError if none can be opened."""
    return current_vault().audit


def position(of: AuditTrail) -> int:
    """Return the position of the newest entry; 0 if there is none."""
    return next((each.position for each in of.entries(limit=1)), 0)


def block_events(of: AuditTrail, after: int = 0) -> Iterator[tuple[int, RecordedEvent]]:
    """Yield positions and events, the oldest first; an entry that cannot be read is left out.

    Args:
        of: The trail.
        after: The position after which to begin.
    """
    for entry in _entries(of, after):
        event = event_of(entry)
        if event is not None:
            yield entry.position, event


def _entries(of: AuditTrail, after: int) -> Iterator[AuditEntry]:
    if not after:
        yield from of.entries(oldest_first=True)
        return
    newest: list[AuditEntry] = []
    for entry in of.entries():
        if entry.position <= after:
            break
        newest.append(entry)
    yield from reversed(newest)


def event_of(entry: AuditEntry) -> RecordedEvent | None:
    """Return an entry as an event; None for what is no change, or not readable."""
    name = NAMES.get(entry.action)
    if name is None or entry.at is None:
        return None
    payload: dict[str, Any] = {"who": entry.who}
    if entry.actor:
        payload["actor"] = entry.actor
    resource = {ID: f"{PREFIX}vault"}
    place = entry.address
    if place is not None:
        resource = {ID: f"{PREFIX}block.{place.slug}/{place.name}", NAME: place.name}
        payload["version"] = place.version
        if entry.action == "save" and place.version == 1:
            name = "block.created"
    payload.update(entry.detail)
    return RecordedEvent(f"audit:{entry.position}", f"{PREFIX}{name}", entry.at, resource, payload)
