"""What the audit trail computes when something is added to it."""

import hmac

from brickwork.crypto import pack
from brickwork.store import Record
from brickwork.vault.envelope import fingerprint


def code(key: bytes, store_id: bytes, position: int, before: bytes, content: bytes) -> bytes:
    """Return the code of a row: over its vault, its position, the code before it, its content."""
    bound = pack(b"brickwork/audit", store_id, position.to_bytes(8, "big"), before, content)
    return hmac.digest(key, bound, "sha256")


def print_of(record: Record) -> str:
    """Return, in hex, what tells one saved document from any other."""
    return fingerprint(record.public, record.sealed).hex()
