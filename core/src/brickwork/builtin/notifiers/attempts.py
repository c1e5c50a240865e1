"""Sending again: when, how often, and how long all who send to one place wait together."""

import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Event, Lock

from brickwork.notifier import DeliveryStatus, Receipt

MAX_ATTEMPTS = 6
FIRST_DELAY_SECONDS = 0.5
MAX_DELAY_SECONDS = 10.0

_MAX_PAUSES = 1024
_LONGEST_PAUSE_SECONDS = 3600.0  # whatever a service says, it is asked again after an hour

# Some services give fractions, which the RFC does not have.
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")

_once: ContextVar[bool] = ContextVar("brickwork_one_attempt", default=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of one attempt to hand a notification over, and whether another may follow.

    Attributes:
        status: Delivered, refused or failed.
        detail: Why it was not delivered.
        http_status: The status of the answer, for HTTP.
        message_id: What the service calls the message.
        again: Whether it may be sent again: it surely was not taken, or would be recognised.
        retry_after: The seconds that the service asked to wait.
        left: Whether anything left this machine.
    """

    status: DeliveryStatus
    detail: str = ""
    http_status: int | None = None
    message_id: str | None = None
    again: bool = False
    retry_after: float | None = None
    left: bool = True

    def delay(self, attempts: int) -> float | None:
        """Return the seconds to wait before the next attempt; None if there must be none."""
        if not self.again:
            return None
        longest = min(FIRST_DELAY_SECONDS * 2.0 ** (attempts - 1), MAX_DELAY_SECONDS)
        usual = random.uniform(longest / 2, longest)  # noqa: S311  # spreads senders, no secret
        return max(usual, self.retry_after or 0.0)


@dataclass(frozen=True, slots=True)
class Attempts:
    """How long and how often one notification is tried.

    Inside a task it ends within the task's time, and is not sent again once that is cancelled.
    When a service asks to wait, all threads that send to the same place wait with it.

    Attributes:
        target: Named in the receipt.
        place: What the service limits, for example a URL: who has the same one waits together.
        timeout_seconds: The time of one attempt.
        retry_seconds: No attempt is begun later than this after the first.
    """

    target: str
    place: str
    timeout_seconds: float
    retry_seconds: float

    def run(self, attempt: Callable[[float], Attempt]) -> Receipt:
        """Call ``attempt`` with its time-out until it need not, or must not, be called again."""
        from brickwork.tasks import remaining

        retry_seconds = 0.0 if _once.get() else self.retry_seconds
        latest = time.monotonic() + _shorter(retry_seconds, remaining())
        made: Attempt | None = None
        attempts = 0
        delay = waited = 0.0
        while (end := self._wait_for(delay, waited, latest)) is not None:
            waited = end
            made = attempt(_shorter(self.timeout_seconds, remaining()))
            attempts += 1
            if made.again and made.retry_after:
                _pauses.begin(self.place, made.retry_after)
            next_delay = made.delay(attempts)
            if next_delay is None or attempts == MAX_ATTEMPTS or _once.get():
                break
            delay = next_delay
        return self._not_tried() if made is None else self._receipt(made, attempts)

    def _wait_for(self, delay: float, waited: float, latest: float) -> float | None:
        """Wait as long as this sender, and all who send to the place, were asked to.

        Args:
            delay: How long this sender waits.
            waited: The end of the pause that it has waited for already.
            latest: When it gives up.

        Returns:
            The end of the pause that it has waited for; None, at once, if that is too long.
        """
        while True:
            now = time.monotonic()
            pause_end = _pauses.end(self.place)  # which may come to lie further off meanwhile
            wait = max(delay, pause_end - now if pause_end > waited else 0.0)
            if not wait:
                return waited
            if now + wait > latest or not _wait(wait):
                return None
            waited, delay = max(waited, pause_end), 0.0

    def _not_tried(self) -> Receipt:
        from brickwork.tasks import cancelled

        left = _seconds(_pauses.left(self.place))
        why = "cancelled" if cancelled() else f"the service asked all who send to wait, {left} more"
        detail = f"not tried: {why}"
        return Receipt(self.target, DeliveryStatus.FAILED, attempts=0, detail=detail)

    def _receipt(self, made: Attempt, attempts: int) -> Receipt:
        detail = made.detail
        if made.again and made.retry_after:
            detail += f" (it asked to wait {_seconds(made.retry_after)})"
        return Receipt(
            self.target,
            made.status,
            attempts=attempts if made.left else 0,
            message_id=made.message_id,
            http_status=made.http_status,
            detail=detail,
        )


@contextmanager
def one_attempt(once: bool = True) -> Iterator[None]:
    """Make every notifier in the ``with`` block try once only: for targets known to be down."""
    token = _once.set(once or _once.get())
    try:
        yield
    finally:
        _once.reset(token)


def retry_after(value: str | None) -> float | None:
    """Read ``Retry-After``: seconds or a date (RFC 9110, 10.2.3); None if it is neither."""
    if value is None:
        return None
    value = value.strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _wait(seconds: float) -> bool:
    """Wait; return False, at once, when the task or scope around is cancelled."""
    from brickwork.tasks import Scope, cancelled

    if cancelled():
        return False
    over = Event()
    with Scope().waking(over.set):
        pause(seconds, over)
    return not cancelled()


def pause(seconds: float, over: Event) -> None:
    """Wait until the time is up or the event is set."""
    from brickwork.tasks import clock

    clock.clock.wait(seconds, over)  # which tests replace


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= 1 else f"{seconds:.1g} s"


def _shorter(seconds: float, left: float | None) -> float:
    return seconds if left is None else min(seconds, left)


class _Pauses:
    """Until when a place wants to be left alone."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._until: dict[str, float] = {}

    def begin(self, place: str, seconds: float) -> None:
        with self._lock:
            now = time.monotonic()
            end = now + min(seconds, _LONGEST_PAUSE_SECONDS)
            end = max(self._until.pop(place, 0.0), end)
            if len(self._until) >= _MAX_PAUSES:
                self._until = {each: until for each, until in self._until.items() if until > now}
            if len(self._until) >= _MAX_PAUSES:
                del self._until[min(self._until, key=self._until.__getitem__)]
            self._until[place] = end

    def end(self, place: str) -> float:
        """Return when a place may be sent to again, on the monotonic clock; 0 for now."""
        if not self._until:
            return 0.0
        with self._lock:
            end = self._until.get(place, 0.0)
            if end <= time.monotonic():
                self._until.pop(place, None)
                return 0.0
        return end

    def left(self, place: str) -> float:
        return max(0.0, self.end(place) - time.monotonic())


_pauses = _Pauses()
