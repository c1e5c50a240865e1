"""Answers that are asked for by their ETag the next time: GitHub counts no 304 to the limit.

See https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate.
"""

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brickwork_github.transport import Reply

MOST, LARGEST = 200, 64 * 1024
"""How many answers are kept, and of how many bytes each at most."""


class Remembered:
    """The last answers of one client that have an ETag."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Reply] = OrderedDict()

    def known(self, key: str | None) -> "Reply | None":
        """Return the answer that is kept under a key."""
        if key is None:
            return None
        with self._lock:
            return self._kept.get(key)

    def keep(self, key: str, reply: "Reply") -> None:
        """Keep an answer, if it has an ETag and is not too large."""
        with self._lock:
            self._kept.pop(key, None)
            if "etag" in reply.headers and len(reply.body) <= LARGEST:
                self._kept[key] = reply
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
