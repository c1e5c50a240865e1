"""The part of the default store that keeps the ledgers of blocks."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from brickwork.store import LedgerRow, Store

_ROWS = (
    "SELECT CAST(scope AS BLOB), CAST(key AS BLOB), CAST(kid AS BLOB), CAST(sealed AS BLOB),"
    " CAST(expires_at AS REAL) FROM ledger WHERE scope = ?"
)
_PUT = "INSERT OR REPLACE INTO ledger (scope, key, kid, sealed, expires_at) VALUES (?, ?, ?, ?, ?)"
_REMOVE = "DELETE FROM ledger WHERE scope = ? AND key = ?"
_REMOVE_SCOPE = "DELETE FROM ledger WHERE scope = ?"
_REMOVE_ENDED = (
    "DELETE FROM ledger WHERE (scope, key) IN (SELECT scope, key FROM ledger"
    " WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)"
)


class LedgerTable(Store):
    """The table of ledgers; `SqliteStore` brings the connection."""

    def ledger(self, scope: bytes, keys: Sequence[bytes] | None = None) -> Sequence[LedgerRow]:
        if keys is None:
            rows = self._read_from("ledger", _ROWS, scope)
        else:
            query = f"{_ROWS} AND key IN ({', '.join('?' * len(keys))})"
            rows = self._read_from("ledger", query, scope, *keys)
        return [LedgerRow._make(row) for row in rows]

    def put_ledger(self, row: LedgerRow) -> None:
        self._write(_PUT, *row)

    def remove_ledger(self, scope: bytes, keys: Sequence[bytes]) -> None:
        for key in keys:
            self._write(_REMOVE, scope, key)

    def remove_ended(self, moment: float, limit: int | None = None) -> int:
        return self._write(_REMOVE_ENDED, moment, -1 if limit is None else limit)

    def _remove_scope(self, scope: bytes) -> None:
        self._write(_REMOVE_SCOPE, scope)

    @abstractmethod
    def _read_from(self, table: str, query: str, *values: Any) -> list[Any]:
        """Read a table that a vault of an older format has not yet: as if it were empty."""

    @abstractmethod
    def _write(self, query: str, *values: Any) -> int:
        """Change rows, and return how many."""
