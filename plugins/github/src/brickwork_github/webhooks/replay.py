"""What was delivered before: each delivery is handled once, however often it comes.

GitHub signs neither the time of a delivery nor its id, and a delivery that is sent again, by a
click on GitHub or by its API, has the id of the first one. So deliveries are remembered for as long
as GitHub can send them again, which is three days
(https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks).
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from brickwork import Ledger, Page

REMEMBER_SECONDS = 3 * 24 * 3600.0
"""For how long GitHub can send a delivery again."""


class Claim(Enum):
    """What is known of a delivery that has come."""

    FRESH = "fresh"
    """It is new, and now to be handled."""
    RUNNING = "running"
    """It came before, and is being handled."""
    DONE = "done"
    """It came before, and was handled."""
    COPY = "copy"
    """Its body came before, under another id: somebody else sent it again."""


class ReplayGuard:
    """Remembers deliveries in a ledger. Safe to use from many threads.

    The ledger of a saved block is shared by all processes that use the vault; any other is that of
    the process, and forgets the oldest of more than 10,000 entries.

    Args:
        ledger: Where they are kept.
        keep_seconds: For how long they are known.
        running_seconds: How long handling may take; a delivery whose process has died can be
            handled anew after it.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        keep_seconds: float = REMEMBER_SECONDS,
        running_seconds: float = 3600.0,
    ) -> None:
        self._ledger = ledger
        self._keep = keep_seconds
        self._running = running_seconds

    def claim(self, delivery: str, body: str | None = None) -> Claim:
        """Say that a delivery is to be handled now, unless it came before.

        Args:
            delivery: Its id, and where it was delivered to.
            body: What its body is known by; None where two deliveries may rightly have the same.

        Raises:
            VaultError: The ledger cannot be read or written.
        """
        with self._ledger.transaction() as page:
            known = page.get(_id_key(delivery))
            if known is not None:
                return Claim(known["state"])
            first = None if body is None else page.get(_body_key(body))
            if first is not None and first["delivery"] != delivery:
                return Claim.COPY
            self._put(page, delivery, body, Claim.RUNNING, self._running)
            return Claim.FRESH

    def done(self, delivery: str, body: str | None = None) -> None:
        """Say that it was handled. Raises VaultError."""
        with self._ledger.transaction() as page:
            self._put(page, delivery, body, Claim.DONE, self._keep)

    def failed(self, delivery: str, body: str | None = None) -> None:
        """Say that it was not handled: it is, when it comes again. Raises VaultError."""
        with self._ledger.transaction() as page:
            page.remove(_id_key(delivery))
            if body is not None:
                page.remove(_body_key(body))

    def _put(
        self, page: Page, delivery: str, body: str | None, state: Claim, seconds: float
    ) -> None:
        value: Mapping[str, Any] = {"state": state.value}
        page.put(_id_key(delivery), value, keep_seconds=seconds)
        if body is not None:
            page.put(_body_key(body), {"delivery": delivery}, keep_seconds=seconds)


def _id_key(delivery: str) -> str:
    return f"delivery:{delivery}"


def _body_key(body: str) -> str:
    return f"body:{body}"
