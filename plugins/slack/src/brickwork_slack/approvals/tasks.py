"""The prebuilt task that asks people for approval, and waits."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from brickwork import (
    BrickworkError,
    InvalidArguments,
    Scope,
    TaskCancelled,
    TaskTimeout,
    progress,
    register_type,
    remaining,
)
from brickwork_slack.approvals import wording
from brickwork_slack.approvals.waiting import Decision, Waiting, Way, approval_handlers
from brickwork_slack.blockkit import Block, Mrkdwn
from brickwork_slack.calls import ask, pause
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.errors import (
    SlackInvalid,
    SlackRateLimited,
    SlackTimeout,
    SlackUnavailable,
)
from brickwork_slack.messages.posting import post_once
from brickwork_slack.receivers.socket_mode import SocketMode, socket_mode
from brickwork_slack.resolving import channel_id, group_id, user_ids
from brickwork_slack.tasks import is_blocking, slack_task

_LOOK_SECONDS = 0.1
_LAST_SECONDS = 2.0  # what is kept of the task's time for saying in the message how it ended
_ENDING_SECONDS = 5.0
_CONNECT_SECONDS = 60.0
_TOO_LATE = "Nobody decided in time."
_log = logging.getLogger(__name__)


@register_type("slack.approval")
@dataclass(frozen=True)
class Approval:
    """What people decided.

    Attributes:
        approved: Whether they approved.
        by: The id of who decided: the last who approved, or who refused.
        at: When, by the clock here.
        comment: What they wrote; empty for nothing.
        decisions: What each decided, in order.
        channel: The id of the channel that the message is in.
        ts: The message.
    """

    approved: bool
    by: str
    at: datetime
    comment: str
    decisions: tuple[Decision, ...]
    channel: str
    ts: str


@slack_task("chat:write", "reactions:read", "usergroups:read", "users:read", retried=False)
async def ask_approval(
    credentials: SlackCredentials,
    channel: str,
    text: str,
    *,
    blocks: Sequence[Block] = (),
    users: Sequence[str] = (),
    groups: Sequence[str] = (),
    approvals: int = 1,
    by: Way | None = None,
    comment: bool = False,
    wait_seconds: float = 3600.0,
    poll_seconds: float = 5.0,
    thread_ts: str | None = None,
) -> Approval:
    """Ask people for approval by a message, and wait until they decide.

    What they decide comes by Socket Mode, where the credentials have an ``app_token``; to an app in
    this process that has `approval_handlers` (``by="app"``); else by reactions, which are asked
    for. Who may not decide is told, and decides nothing; so is who presses a button after the end.
    One refusal is enough. At the end the message has no buttons, and says who decided and when, or
    that nobody did in time, or that the task was cancelled. While Slack is away, or lets nobody
    ask for reactions, the wait goes on.

    Not retried: people would be asked twice. See
    https://docs.slack.dev/reference/block-kit/block-elements/button-element and
    https://docs.slack.dev/reference/methods/reactions.get.

    Args:
        credentials: Who asks.
        channel: An id, or the name of a channel; a user's id, ``@name`` or e-mail address to ask
            them alone.
        text: What is asked, in Slack's markup.
        blocks: What stands below it, as `brickwork_slack.blockkit` makes it.
        users: Who may decide: ids, ``@name`` or e-mail addresses. Without users and groups,
            whoever sees the message may.
        groups: User groups whose members may decide, as they are now.
        approvals: How many different people have to approve.
        by: How decisions come: ``socket``, ``app`` or ``reactions``; None: as said above.
        comment: Let people write a comment; not with reactions.
        wait_seconds: How long to wait; the task's time counts as well.
        poll_seconds: How often to ask for reactions.
        thread_ts: The message to ask below.

    Returns:
        What was decided. A refusal is no error.

    Raises:
        SlackTimeout: Nobody decided in time.
        SlackNotFound: There is no such channel, user or group.
        SlackDenied: The app is not in the channel, or its app token is not taken.
        SlackInvalid: Slack does not take the message, or fewer may decide than have to approve.
        InvalidArguments: A number is not possible, or reactions are to have a comment.
        SlackUnavailable: Slack is away, and nobody was asked.
        SlackError: It cannot be asked.

    Examples:
        >>> decided = ask_approval(credentials, channel, "Deploy *1.4*?", poll_seconds=1)
        >>> decided.approved
        True
        >>> decided.by
        'U...'
    """
    way = _way(credentials, by, comment=comment)
    if approvals < 1:
        raise InvalidArguments("approvals is less than 1.", fix="Say how many have to approve.")
    if not (wait_seconds > 0 and poll_seconds > 0):  # also where one is not a number
        raise InvalidArguments("wait_seconds or poll_seconds is not above 0.", fix="Give seconds.")
    if not text.strip() and not blocks:
        raise SlackInvalid("Nothing is asked.", fix="Give a text or blocks.")
    deciders = await _deciders(credentials, users, groups, approvals)
    where = await channel_id(credentials, channel)
    with Waiting(where, deciders, approvals) as waiting:
        async with _receiving(credentials, way, wait_seconds) as receiver:
            shown = wording.question(Mrkdwn(text), blocks, waiting, way, comment=comment)
            posted = await post_once(
                credentials, {"channel": where, "thread_ts": thread_ts, **shown}
            )
            # Slack's answer has the conversation, also where a user was given.
            waiting.channel, waiting.ts = str(posted["channel"]), str(posted["ts"])
            asked = _Asked(credentials, waiting, text, blocks, wait_seconds, poll_seconds)
            return await asked.wait(way, receiver)


class _Asked:
    """A message that asks, and the wait for it."""

    def __init__(
        self,
        credentials: SlackCredentials,
        waiting: Waiting,
        text: str,
        blocks: Sequence[Block],
        wait_seconds: float,
        poll_seconds: float,
    ) -> None:
        self._credentials = credentials
        self._waiting = waiting
        self._text = Mrkdwn(text)
        self._blocks = blocks
        self._poll_seconds = poll_seconds
        left = remaining()
        seconds = wait_seconds if left is None else min(wait_seconds, left - _LAST_SECONDS)
        self._limit = Scope("approval", seconds=seconds)

    async def wait(self, way: Way, receiver: SocketMode | None) -> Approval:
        try:
            in_time = await self._decided(way, receiver)
        except BaseException as error:
            self._waiting.close()
            await self._say_last(wording.ended(self._text, self._blocks, _why(error)))
            raise
        decided = self._waiting.close()
        if decided is None:
            assert not in_time  # noqa: S101  # else it was decided
            await self._say_last(wording.ended(self._text, self._blocks, _TOO_LATE))
            raise SlackTimeout(
                f"Nobody decided within the time; {len(self._waiting.decisions)} of "
                f"{self._waiting.needed} approved.",
                fix="Ask again, or raise wait_seconds and the task's timeout_seconds.",
            )
        decisions = tuple(self._waiting.decisions)
        await self._say_last(wording.outcome(self._text, self._blocks, decided, decisions))
        last = decisions[-1]
        return Approval(
            decided,
            last.by,
            last.at,
            last.comment,
            decisions,
            self._waiting.channel,
            self._waiting.ts,
        )

    async def _decided(self, way: Way, receiver: SocketMode | None) -> bool:
        """Wait, and tell whether there was a decision in time."""
        seconds = self._poll_seconds if way == "reactions" else _LOOK_SECONDS
        while True:
            if way == "reactions":
                try:
                    await self._read_reactions()
                except (SlackUnavailable, SlackRateLimited) as error:
                    # People decide while Slack is away, too.
                    _log.warning("reactions are asked for again later: %s", error.what)
            if self._waiting.approved is not None:
                return True
            if receiver is not None:
                receiver.is_connected()  # raises what ended it
            left = self._limit.remaining()
            if not left:
                return False
            count = len(self._waiting.decisions)
            progress(count, self._waiting.needed, "waiting for approval")
            await pause(min(seconds, left))

    async def _read_reactions(self) -> None:
        answer = await ask(
            self._credentials,
            "reactions.get",
            channel=self._waiting.channel,
            timestamp=self._waiting.ts,
            full=True,
        )
        message = answer.get("message") or {}
        found = {each["name"]: each["users"] for each in message.get("reactions") or []}
        own = message.get("user")
        self._waiting.withdraw(but=found.get(wording.YES, ()))
        for name in (wording.NO, wording.YES):  # who gives both refuses
            for user in found.get(name, ()):
                if user != own:
                    self._waiting.take(user, approved=name == wording.YES)

    async def _say_last(self, shown: dict[str, Any]) -> None:
        """Say in the message how it ended: what was decided counts, also where that fails."""
        try:
            with Scope("the end of an approval", seconds=_ENDING_SECONDS):
                await ask(
                    self._credentials,
                    "chat.update",
                    channel=self._waiting.channel,
                    ts=self._waiting.ts,
                    **shown,
                )
        except BrickworkError as error:
            _log.warning("the message of an approval could not be changed: %s", error.what)


def _why(error: BaseException) -> str:
    if isinstance(error, TaskTimeout):
        return _TOO_LATE
    if isinstance(error, Exception) and not isinstance(error, TaskCancelled):
        return "No longer asked for: an error ended it."
    return "Cancelled."


def _way(credentials: SlackCredentials, by: Way | None, *, comment: bool) -> Way:
    way = by or ("reactions" if credentials.app_token is None else "socket")
    if comment and way == "reactions":
        raise InvalidArguments(
            "Reactions have no comment.",
            fix="Leave out comment, or give the credentials an app_token.",
        )
    return way


async def _deciders(
    credentials: SlackCredentials, users: Sequence[str], groups: Sequence[str], needed: int
) -> frozenset[str]:
    found = set(await user_ids(credentials, users))
    for group in groups:
        key = await group_id(credentials, group)
        answer = await ask(credentials, "usergroups.users.list", usergroup=key)
        found.update(map(str, answer.get("users") or ()))
    # A group without members must not let everybody decide.
    if (users or groups) and len(found) < needed:
        raise SlackInvalid(
            f"{len(found)} people may decide, and {needed} have to approve.",
            fix="Name more users, or groups that have more members.",
        )
    return frozenset(found)


def _without_socket() -> SlackUnavailable:
    error = SlackUnavailable(
        "No socket to Slack came to stand; nobody was asked.",
        fix="Check the network, and proxies between here and Slack; the log says what failed.",
    )
    error.method = "apps.connections.open"
    return error


@asynccontextmanager
async def _receiving(
    credentials: SlackCredentials, way: Way, wait_seconds: float
) -> AsyncIterator[SocketMode | None]:
    """Have a socket for the wait, where decisions come by one; nobody is asked without it."""
    if way != "socket":
        yield None
        return
    receiver = socket_mode(credentials, approval_handlers(), shutdown_seconds=_ENDING_SECONDS)
    receiver.start()
    try:
        limit = Scope("a socket", seconds=min(wait_seconds, _CONNECT_SECONDS))
        while not receiver.is_connected():
            if not limit.remaining():
                raise _without_socket()
            await pause(_LOOK_SECONDS / 5)
        yield receiver
    finally:
        if is_blocking():
            receiver.close()
        else:
            import asyncio

            await asyncio.to_thread(receiver.close)
