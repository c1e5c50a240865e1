"""``LiveMessage``: a message that says how a piece of work goes on, changed in place.

Slack lets an app change messages about 50 times a minute
(https://docs.slack.dev/apis/web-api/rate-limits), and work may have news more often. So the news
are collected, and the last state is what is sent: by a thread, or a task of the event loop, that
neither the end of the work nor its time-out stops before.
"""

import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from brickwork import BrickworkError, Progress, Scope, TaskCancelled, mask, on_progress
from brickwork_slack.blockkit import (
    Message,
    Mrkdwn,
    Part,
    code,
    context,
    date,
    header,
    message,
    mrkdwn,
    progress,
)
from brickwork_slack.calls import ask
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.errors import SlackConflict, SlackNotFound
from brickwork_slack.live_sending import LoopSender, ThreadSender
from brickwork_slack.messages.posting import post_once
from brickwork_slack.tasks import driven

_WORKING, _DONE, _FAILED = "\U0001f535", "\U0001f7e2", "\U0001f534"
_MOST_ERROR = 1000


@dataclass(frozen=True)
class _State:
    """What a message is to say."""

    parts: tuple[Part, ...] = ()
    done: float | None = None
    total: float | None = None
    text: str = ""
    sign: str = _WORKING
    end: str = ""
    error: str = ""


class LiveMessage:
    """A message that says how a piece of work goes on, changed in place; its replies are a thread.

    ::

        with LiveMessage(credentials, "#data", "Nightly load") as live:
            for number, file in enumerate(files):
                live.update(f"Reading {file}", done=number, total=len(files))
                load(file)
            live.say("The numbers are in the dashboard.")

    It is posted when the block begins; then a sign says whether the work goes on, has ended, or
    failed, and with which error. In ``async with`` nothing blocks the event loop; say things there
    with `asay`. What tasks of Brickwork report as their progress is shown, too.

    Only the first post, and `say`, raise errors of Slack: a work is not to fail since Slack cannot
    be told of it. What went wrong after that is in `problem`, and logged. Neither is posted twice
    where its answer is lost, as of `post_message`.

    Args:
        credentials: Who posts; needs ``chat:write``.
        channel: The id of a channel, or its name with ``#``.
        title: What the work is.
        thread_ts: Post as a reply to this message.
        interval_seconds: Change it no more often than this.
        end_seconds: How long the end of the block waits for the last change, at most.
        follow: Show the progress that tasks report inside the block.

    Attributes:
        channel: The id of the channel, once it is posted.
        ts: What Slack knows the message by, once it is posted.
        problem: The last error of changing it; None if all is well.
    """

    def __init__(
        self,
        credentials: SlackCredentials,
        channel: str,
        title: str,
        *,
        thread_ts: str | None = None,
        interval_seconds: float = 1.5,
        end_seconds: float = 15.0,
        follow: bool = True,
    ) -> None:
        self.channel = channel
        self.ts = ""
        self.problem: BrickworkError | None = None
        self._credentials = credentials
        self._title = title
        self._thread_ts = thread_ts
        self._interval = interval_seconds
        self._patience = end_seconds
        self._follow = follow
        self._state = _State()
        self._began = 0.0
        self._since = Mrkdwn("")
        self._sending: tuple[Scope, _State] | None = None
        self._lock = threading.Lock()
        self._sent: _State | None = None
        self._around = ExitStack()
        self._sender: ThreadSender | LoopSender | None = None

    # What a user says

    def update(self, *parts: Part, done: float | None = None, total: float | None = None) -> None:
        """Say what the work does now; returns at once, and may be called from any thread.

        Args:
            parts: Texts and blocks, as of `brickwork_slack.blockkit.message`, instead of those
                before; what is not given stays.
            done: How much is done.
            total: How much there is to do.

        Raises:
            SlackInvalid: A block is not one that Slack takes.
        """
        parts = tuple(_kept(part) for part in parts)
        if parts:
            message(*parts)
        with self._lock:
            now = self._state
            self._state = replace(
                now,
                parts=parts or now.parts,
                done=now.done if done is None else done,
                total=now.total if total is None else total,
            )
        if self._sender is not None:
            self._sender.wake()

    def say(self, *parts: Part) -> str:
        """Reply in the thread of the message, and return the reply's ``ts``.

        Raises:
            SlackError: It was not posted.
        """
        return driven(self._reply(message(*parts)))

    async def asay(self, *parts: Part) -> str:
        """`say`, without blocking the event loop."""
        return await self._reply(message(*parts))

    def fail(self, reason: str = "") -> None:
        """Let the message say at the end that the work failed, though nothing is raised.

        Args:
            reason: Why.
        """
        with self._lock:
            self._state = replace(self._state, sign=_FAILED, error=reason[:_MOST_ERROR])

    # with, and async with

    def __enter__(self) -> Self:
        driven(self._post())
        self._begin(ThreadSender(self, self._interval))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end(error)
        if isinstance(self._sender, ThreadSender):
            self._sender.finish(self._patience)

    async def __aenter__(self) -> Self:
        await self._post()
        self._begin(LoopSender(self, self._interval))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end(error)
        if isinstance(self._sender, LoopSender):
            await self._sender.finish(self._patience)

    # How it is done

    def _begin(self, sender: ThreadSender | LoopSender) -> None:
        self._sender = sender
        sender.start()
        if self._follow:
            self._around.enter_context(on_progress(self._progressed))

    def _end(self, error: BaseException | None) -> None:
        self._around.close()
        with self._lock:
            now = self._state
            if error is not None:
                # The text may quote what it was about; secrets that are known are masked.
                said = mask(f"{type(error).__name__}: {error}")[:_MOST_ERROR]
                now = replace(now, sign=_FAILED, error=said)
            failed = now.sign == _FAILED
            took = _time(time.monotonic() - self._began)
            end = f"failed after {took}" if failed else f"done in {took}"
            self._state = replace(now, sign=_FAILED if failed else _DONE, end=end)

    def _progressed(self, report: Progress) -> None:
        with self._lock:
            self._state = replace(
                self._state, done=report.done, total=report.total, text=report.text
            )
        if self._sender is not None:
            self._sender.wake()

    def _rendered(self, state: _State) -> Message:
        blocks: list[Part] = [header(f"{state.sign} {self._title}"), *state.parts]
        if state.total and state.done is not None:
            blocks.append(progress(state.done, state.total, mask(state.text)))
        elif state.text and not state.end:
            blocks.append(mask(state.text))
        if state.error:
            blocks.append(code(mask(state.error)))
        blocks.append(context(state.end or self._since))
        return message(*blocks, text=f"{state.sign} {self._title}")

    async def _post(self) -> None:
        self._began = time.monotonic()
        self._since = mrkdwn("at work since {}", date(datetime.now(UTC)))
        with self._lock:
            state = self._state
        answer = await self._posted(self._rendered(state), self._thread_ts)
        self.channel, self.ts = str(answer["channel"]), str(answer["ts"])
        self._sent = state

    async def _reply(self, said: Message) -> str:
        answer = await self._posted(said, self._thread_ts or self.ts)
        return str(answer["ts"])

    async def _posted(self, said: Message, thread_ts: str | None) -> dict[str, Any]:
        arguments = {"channel": self.channel, "thread_ts": thread_ts, **said.arguments()}
        return await post_once(self._credentials, arguments)

    async def change(self) -> None:
        """Send the state of now, unless it was sent; for what sends. Raises no error of ours."""
        with self._lock:
            state = self._state
            scope = Scope("live message", seconds=self._patience)
            self._sending = scope, state
        if state == self._sent or isinstance(self.problem, SlackNotFound | SlackConflict):
            return
        self._sent = state
        try:
            with scope:
                await ask(
                    self._credentials,
                    "chat.update",
                    channel=self.channel,
                    ts=self.ts,
                    **self._rendered(state).arguments(),
                )
            self.problem = None
        except TaskCancelled:
            self._sent = None  # the last state is sent next
        except BrickworkError as error:
            self.problem = error
            _log(error)

    def hurry(self) -> None:
        """Wait no longer for what is being sent, unless it is the last; for what sends."""
        with self._lock:
            sending = self._sending
        if sending is not None and not sending[1].end:
            sending[0].cancel()


def _kept(part: Part) -> Part:
    """Return a part that can be read more than once."""
    return part if isinstance(part, str | Mrkdwn | Mapping) else tuple(part)


def _time(seconds: float) -> str:
    """Return a time as people say it."""
    minutes, left = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {left} s" if minutes else f"{left} s"


def _log(error: BrickworkError) -> None:
    import logging

    logging.getLogger("brickwork_slack.live_message").warning("not changed: %s", error.what)
