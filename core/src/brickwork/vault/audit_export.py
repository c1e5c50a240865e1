"""The audit trail as JSON lines, which another machine can verify given the key.

The first line says whose trail it is and where it starts::

    {"schema": "brickwork.audit.export/1", "store": "9f...", "vault": "...", "after": "0:"}

Each other line is a row: its ``position``, ``kid`` and ``mac``, and what it says as ``entry``. The
bytes that the code was made over are the entry written as JSON without spaces, with everything
outside ASCII escaped (Python: ``json.dumps(entry, separators=(",", ":"))``); a content that is not
just that stands as base64 in ``raw`` instead.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from brickwork.crypto import KeySource, derive, key_id, pack
from brickwork.errors import AuditBroken, CorruptData, KeyUnavailable, UnsupportedFormat
from brickwork.keyprovider import KeyProvider
from brickwork.store import AuditRow, Store, WrappedKey
from brickwork.vault.audit import PURPOSE
from brickwork.vault.audit_chain import Chain, check_head, stored_rows
from brickwork.vault.audit_entry import AuditHead

SCHEMA = "brickwork.audit.export/1"

_dumps = json.JSONEncoder(separators=(",", ":")).encode


def exported(store: Store, after: AuditHead, *, keys: Iterable[WrappedKey] = ()) -> Iterator[str]:
    """Yield the lines of an export, without line ends.

    Args:
        store: Where the trail is.
        after: The end of what was exported before; ``AuditHead(0, b"")`` for all.
        keys: Root keys to give along, wrapped as they are in the vault.
    """
    first: dict[str, Any] = {
        "schema": SCHEMA,
        "store": store.store_id.hex(),
        "vault": store.location,
        "after": str(after),
    }
    wrapped = [
        {
            "kid": key.kid.hex(),
            "provider": key.provider,
            "wrapped": b64encode(key.wrapped).decode(),
        }
        for key in keys
    ]
    if wrapped:
        first["keys"] = wrapped
    yield _dumps(first)
    for row in stored_rows(store, after.position):
        yield _dumps(_line(row))


def _line(row: AuditRow) -> dict[str, Any]:
    line = {"position": row.position, "kid": row.kid.hex(), "mac": row.mac.hex()}
    try:
        entry = json.loads(row.content)
        if _dumps(entry).encode() == row.content:
            return {**line, "entry": entry}
    except (ValueError, RecursionError):
        pass
    return {**line, "raw": b64encode(row.content).decode()}


class Export:
    """An export that is read back.

    Attributes:
        after: Where it starts: the end of the export before it.
        vault: Where the vault was.

    Raises:
        UnsupportedFormat: It is none, or one of a newer Brickwork.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        try:
            first = json.loads(next(self._lines, ""))
            schema = first["schema"]
            self._store_id = bytes.fromhex(first["store"])
            self.vault = str(first["vault"])
            self.after = AuditHead.parse(first["after"])
            self._wrapped = {
                bytes.fromhex(key["kid"]): (str(key["provider"]), b64decode(key["wrapped"]))
                for key in first.get("keys", ())
            }
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            schema = None
        if schema != SCHEMA:
            raise UnsupportedFormat(
                "This is no export of an audit trail, or one of a newer Brickwork.",
                fix="Give a file that `brickwork audit export` wrote, whole from its first line.",
            )

    def verify(self, key_of: Callable[[bytes], bytes], head: AuditHead | None = None) -> AuditHead:
        """Check every line, and that the chain comes by a head that was kept.

        Args:
            key_of: Gives the audit key for a kid; see `keys_with`. Raises KeyUnavailable.
            head: A head that was kept elsewhere.

        Returns:
            The head of its last line.

        Raises:
            AuditBroken: A line was changed or is missing.
            CorruptData: A line is not what an export has.
            KeyUnavailable: A root key is not there that entries need.
        """
        name = f"the exported audit trail of {self.vault}"
        chain = Chain(self._store_id, key_of, name, self.after)
        if head is not None and head.position < self.after.position:
            raise AuditBroken(
                f"Entries {head.position + 1} to {self.after.position} are not in this export: it "
                "begins after the head that was kept.",
                position=head.position + 1,
                reason="missing",
                fix="Verify the exports before it first; each begins where the last one ended.",
            )
        passed = (
            self.after.mac if head is not None and head.position == self.after.position else None
        )
        for row in chain.checked(self._rows()):
            if head is not None and row.position == head.position:
                passed = row.mac
        if head is not None:
            check_head(head, passed, chain.end, name)
        return chain.end

    def keys_with(
        self, provider: Callable[[], KeyProvider], otherwise: KeySource
    ) -> Callable[[bytes], bytes]:
        """Return what gives the audit keys: those in the export, unwrapped; else a vault's.

        Args:
            provider: The key provider that is configured.
            otherwise: The root keys of a vault.
        """
        known: dict[bytes, bytes] = {}

        def key_of(kid: bytes) -> bytes:
            if kid not in known:
                known[kid] = (
                    self._unwrapped(kid, provider())
                    if kid in self._wrapped
                    else otherwise.by_id(kid, PURPOSE)
                )
            return known[kid]

        return key_of

    def _unwrapped(self, kid: bytes, provider: KeyProvider) -> bytes:
        name, wrapped = self._wrapped[kid]
        if name not in {provider.name, *provider.also_opens}:
            raise KeyUnavailable(
                f"It is wrapped by the key provider {name!r}, and {provider.name!r} is configured.",
                kid=kid.hex(),
                tried=[provider.describe()],
                fix=f"Name that provider: --keys {name}:...",
            )
        root = provider.unwrap(wrapped, pack(b"brickwork/root-key", self._store_id, kid))
        if key_id(root) != kid:
            raise CorruptData(
                f"Root key {kid.hex()} in the export is not what it says.",
                fix="The export was changed; get it again.",
            )
        return derive(root, PURPOSE)

    def _rows(self) -> Iterator[AuditRow]:
        for number, text in enumerate(self._lines, 2):
            try:
                line = json.loads(text)
                content = (
                    b64decode(line["raw"]) if "raw" in line else _dumps(line["entry"]).encode()
                )
                row = AuditRow(
                    int(line["position"]),
                    content,
                    bytes.fromhex(line["kid"]),
                    bytes.fromhex(line["mac"]),
                )
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
                raise CorruptData(
                    f"Line {number} of the export is not a row of an audit trail.",
                    fix="It was cut or changed; get the export again.",
                ) from None
            yield row
