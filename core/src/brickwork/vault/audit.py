"""``AuditTrail``: who did what to a vault, in a chain that shows where it was changed.

Every row has a code (HMAC-SHA256, a key derived from the root key) over its content, its position
and the code of the row before it. So a row cannot be changed, removed from the middle, or moved
without the key. Rows cut off from the end cannot be seen from the database alone: keep the head
(`verify` returns it) somewhere else.
"""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

from brickwork.crypto import pack
from brickwork.store import AuditRow, Record, Store
from brickwork.vault.keys import KeyRing
from brickwork.vault.who import who

_PURPOSE = "audit"


class AuditTrail:
    """The audit trail of one vault; it is only added to."""

    def __init__(self, store: Store, keys: KeyRing) -> None:
        self._store = store
        self._keys = keys

    def append(self, action: str, record: Record | None = None, **detail: Any) -> None:
        """Add what happened; inside the transaction in which it happens.

        Args:
            action: For example ``save``.
            record: The document that it happened to.
            detail: What else to say, as JSON; never a secret.
        """
        entry: dict[str, Any] = {
            "at": datetime.now(UTC).isoformat(timespec="microseconds"),
            "who": who(),
            "action": action,
        }
        if record is not None:
            entry["address"] = f"{record.slug}/{record.name}@{record.version}"
            entry["block"] = record.block_id.hex()
            entry["kid"] = record.kid.hex()
        if detail:
            entry["detail"] = detail
        last = self._store.last_audit()
        position, before = (1, b"") if last is None else (last.position + 1, last.mac)
        content = json.dumps(entry, separators=(",", ":"), ensure_ascii=False).encode()
        key = self._keys.current(_PURPOSE)
        mac = self._code(key.key, position, before, content)
        self._store.append_audit(AuditRow(position, content, key.kid, mac))

    def _code(self, key: bytes, position: int, before: bytes, content: bytes) -> bytes:
        bound = pack(
            b"brickwork/audit", self._store.store_id, position.to_bytes(8, "big"), before, content
        )
        return hmac.digest(key, bound, hashlib.sha256)
