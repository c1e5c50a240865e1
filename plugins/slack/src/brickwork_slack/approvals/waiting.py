"""Which approvals are waited for in this process, and what people decided so far."""

import logging
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_urlsafe
from typing import Literal, Self

from brickwork import register_type
from brickwork_slack.errors import SlackError
from brickwork_slack.receivers.answers import Handler
from brickwork_slack.receivers.interactions import BlockActions
from brickwork_slack.response_url import respond

APPROVE, REFUSE = "brickwork_approve", "brickwork_refuse"
"""The ``action_id`` of the two buttons."""

COMMENT_BLOCK, COMMENT = "brickwork_comment", "comment"
"""The block, and the input in it, that a comment is written in."""

_MOST_COMMENT = 3000
_lock = threading.Lock()
_waiting: "dict[str, Waiting]" = {}
_log = logging.getLogger(__name__)


@register_type("slack.decision")
@dataclass(frozen=True)
class Decision:
    """What one person decided.

    Attributes:
        approved: Whether it was approval.
        by: The id of who decided.
        at: When, by the clock here.
        comment: What they wrote; empty for nothing.
    """

    approved: bool
    by: str
    at: datetime
    comment: str = ""


@dataclass
class Waiting:
    """One approval that is waited for. Safe to use from many threads.

    Attributes:
        channel: The id of the channel that the message is in.
        deciders: The ids of who may decide; empty: whoever sees the message.
        needed: How many have to approve.
        ts: The message; empty while it is not posted.
        key: What the buttons carry, which nobody can guess.
        decisions: What was decided, in order.
    """

    channel: str
    deciders: Collection[str]
    needed: int
    ts: str = ""
    key: str = field(default_factory=lambda: token_urlsafe(32), repr=False)
    decisions: list[Decision] = field(default_factory=list)
    _closed: bool = False

    def __enter__(self) -> Self:
        with _lock:
            _waiting[self.key] = self
        return self

    def __exit__(self, *_: object) -> None:
        with _lock:
            _waiting.pop(self.key, None)
            self._closed = True

    @property
    def approved(self) -> bool | None:
        """Whether enough approved, or one refused; None while that is open."""
        with _lock:
            return self._approved()

    def take(self, user: str, *, approved: bool, comment: str = "") -> str:
        """Take what somebody decided, and return why it does not count; empty where it does."""
        with _lock:
            if self._closed or self._approved() is not None:
                return "This was decided before, or nobody waits for it any more."
            if self.deciders and user not in self.deciders:
                return "You are not among those who may decide this."
            if approved and any(each.by == user for each in self.decisions):
                return "You approved this before; others have to as well."
            self.decisions.append(
                Decision(approved, user, datetime.now(UTC), comment[:_MOST_COMMENT])
            )
            return ""

    def withdraw(self, *, but: Collection[str]) -> None:
        """Forget approvals of people who took them back, where enough are not there yet."""
        with _lock:
            if self._approved() is None:
                self.decisions[:] = [each for each in self.decisions if each.by in but]

    def close(self) -> bool | None:
        """Take no more, and return what was decided until now."""
        with _lock:
            self._closed = True
            return self._approved()

    def _approved(self) -> bool | None:
        if any(not each.approved for each in self.decisions):
            return False
        return True if len(self.decisions) >= self.needed else None


def approval_handlers() -> Mapping[str, Handler]:
    """Return the handlers by which an app that runs in this process takes approvals.

    ::

        app = slack_app(credentials, {**approval_handlers(), "/deploy": deploy})

    Then ``ask_approval(..., by="app")`` waits for what comes to it. What nobody waits for in this
    process decides nothing: whoever pressed is told.
    """
    return {f"block_actions:{APPROVE}": decide, f"block_actions:{REFUSE}": decide}


def decide(request: BlockActions) -> None:
    """Take what somebody decided by a button, or tell them why it does not count."""
    with _lock:
        waiting = _waiting.get(str(request.action.value))
    if waiting is None or not _fits(request, waiting):
        why = "Nobody waits for this any more."
    else:
        written = request.values.get(COMMENT_BLOCK, {}).get(COMMENT)
        why = waiting.take(
            str(request.user),
            approved=request.action.action_id == APPROVE,
            comment=written if isinstance(written, str) else "",
        )
    if why:
        _log.info("%s by %s does not count: %s", request.action.action_id, request.user, why)
        _tell(request, why)


def _fits(request: BlockActions, waiting: Waiting) -> bool:
    """Tell whether a button was pressed in the message that was posted."""
    # Somebody may press before the answer to the post is here; the key is this message's alone.
    same = not waiting.ts or (request.channel, request.ts) == (waiting.channel, waiting.ts)
    return request.user is not None and same


def _tell(request: BlockActions, why: str) -> None:
    if request.response_url is None:
        return
    try:
        respond(request.response_url, why)
    except SlackError as error:
        _log.warning("%s could not be told: %s", request.user, error.what)


Way = Literal["socket", "app", "reactions"]
"""How what people decide comes here."""
