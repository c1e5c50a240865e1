"""What the contract of stores puts into stores."""

from typing import Any

from brickwork import Record, Store, WrappedKey

KID = b"\x00kid\xff\x01\x02\x03"
OLD = "2020-01-01T00:00:00.000001+00:00"


def record(name: str = "a", version: int = 1, **fields: Any) -> Record:
    """Return a document; the same for the same arguments."""
    plain = Record(
        block_id=name.encode().ljust(16, b"\x00"),
        slug="secret",
        name=name,
        version=version,
        schema_version=1,
        saved_at=OLD,
        saved_by="me@here",
        kid=KID,
        public=b'{"fields":{}}',
        sealed=f"sealed {name} {version}".encode(),
    )
    return plain._replace(**fields)


def key(kid: bytes = KID, *, active: bool = True, renews: bool = False) -> WrappedKey:
    """Return a root key that wrapped nothing yet."""
    return WrappedKey(kid, "file", b"wrapped \x00\xff", OLD, active, 0, renews)


def put(store: Store, *records: Record) -> None:
    """Add documents, in one transaction."""
    with store.transaction():
        for each in records:
            store.put(each)
