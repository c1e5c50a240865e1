"""Hands a notification over to GitHub, again where that can do no harm, and says what became of it.

GitHub knows no double. So what is sent carries an id of its delivery; before anything is sent again
that may have been taken, it is looked for.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from brickwork import Attempt, Attempts, DeliveryStatus, Receipt, check_cancelled
from brickwork_github.errors import GitHubError, GitHubRateLimited, GitHubUnavailable

if TYPE_CHECKING:
    from brickwork_github.credentials import GitHubCredentials

_NO_LIMIT = float("inf")  # each request has its own, see `once`
_SLACK_SECONDS = 0.05  # clocks differ, and a gate that opens a little later is closed
_LOOK_SECONDS = 0.5
_LOCKS = 64


class Sent(NamedTuple):
    """What became of a notification that GitHub did not refuse.

    Attributes:
        message_id: The page of what it became.
        detail: What else to know.
        status: Delivered, or skipped where there was nothing to do.
    """

    message_id: str | None
    detail: str = ""
    status: DeliveryStatus = DeliveryStatus.DELIVERED


def once(credentials: "GitHubCredentials", timeout_seconds: float) -> "GitHubCredentials":
    """Return credentials whose requests are sent once: `handed_over` waits and repeats."""
    changes = {"timeout": timeout_seconds, "retries": 0, "rate_limit_wait_seconds": 0.0}
    options = credentials.client_options.model_copy(update=changes)
    return credentials.model_copy(update={"client_options": options})


def handed_over(
    target: str, place: str, retry_seconds: float, send: Callable[[bool], Sent]
) -> Receipt:
    """Send a notification until it is taken, refused, or the time is up.

    Args:
        target: Named in the receipt.
        place: What GitHub limits: who has the same one waits together.
        retry_seconds: No attempt is begun later than this after the first.
        send: Sends it; is told whether it is sent again, and must look then what was taken before.
    """
    sent_before = False

    def attempt(_: float) -> Attempt:
        nonlocal sent_before
        again, sent_before = sent_before, True
        try:
            sent = send(again)
        except GitHubError as error:
            return _failed(error)
        left = sent.status is not DeliveryStatus.SKIPPED
        return Attempt(sent.status, sent.detail, message_id=sent.message_id, left=left)

    return Attempts(target, place, _NO_LIMIT, retry_seconds).run(attempt)


def _failed(error: GitHubError) -> Attempt:
    later = isinstance(error, GitHubRateLimited | GitHubUnavailable)
    return Attempt(
        DeliveryStatus.FAILED if later or not error.status else DeliveryStatus.REFUSED,
        f"{error.what} {error.fix}".rstrip(),
        http_status=error.status or None,
        again=later,
        retry_after=error.retry_after_seconds + _SLACK_SECONDS
        if isinstance(error, GitHubRateLimited)
        else None,
    )


@contextmanager
def one_at_a_time(key: str) -> Iterator[None]:
    """Let one thread of this process at a time look for what has a key, and make it.

    Raises:
        TaskCancelled, TaskTimeout: The task was stopped meanwhile.
    """
    lock = _locks[hash(key) % _LOCKS]
    while not lock.acquire(timeout=_LOOK_SECONDS):
        check_cancelled()
    try:
        yield
    finally:
        lock.release()


_locks = [threading.Lock() for _ in range(_LOCKS)]


def _renew() -> None:
    # A forked child must not wait for its parent's threads.
    _locks[:] = [threading.Lock() for _ in range(_LOCKS)]


os.register_at_fork(after_in_child=_renew)
