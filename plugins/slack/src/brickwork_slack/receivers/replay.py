"""What came before: each request is handled once, however often it comes.

Slack sends an event up to three times again, with the same ``event_id``, where it was not answered
with 200 within three seconds, and for an app with delayed events every hour for a day
(https://docs.slack.dev/apis/events-api/#retries). It never sends anything else again: who does is
somebody else, and is known by the signature, which is good for five minutes.
"""

from brickwork import Ledger

EVENT_SECONDS = 26 * 3600.0
"""For how long Slack can send an event again."""

REQUEST_SECONDS = 900.0
"""For how long a signature is good, and some more: five minutes before and after its time."""

RUNNING_SECONDS = 45.0
"""For how long a handler that answers may run; Slack's second retry comes after a minute."""


class ReplayGuard:
    """Remembers requests in a ledger. Safe to use from many threads.

    The ledger of saved credentials is shared by all processes that use the vault; any other is that
    of the process, and forgets the oldest of more than 10,000 entries.

    Args:
        ledger: Where they are kept.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def claim(self, key: str, keep_seconds: float) -> bool:
        """Say that a request is to be handled now; False where it came before.

        Args:
            key: What it is known by.
            keep_seconds: For how long it is known.

        Raises:
            VaultError: The ledger cannot be read or written.
        """
        with self._ledger.transaction() as page:
            if page.get(key) is not None:
                return False
            page.put(key, {}, keep_seconds=keep_seconds)
            return True

    def keep(self, key: str, keep_seconds: float) -> None:
        """Say that it was handled. Raises VaultError."""
        with self._ledger.transaction() as page:
            page.put(key, {}, keep_seconds=keep_seconds)

    def forget(self, key: str) -> None:
        """Say that it was not handled: it is, when it comes again. Raises VaultError."""
        with self._ledger.transaction() as page:
            page.remove(key)
