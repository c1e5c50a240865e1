"""The websockets of Socket Mode: opened, replaced, and listened to.

Over aiohttp itself: slack_sdk's client asks forever with a token that Slack does not take, and
leaves sockets open when it opens new ones.
"""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from brickwork import sleep_async
from brickwork_slack.calls import ask
from brickwork_slack.clients import client_for
from brickwork_slack.errors import (
    SlackDenied,
    SlackError,
    SlackRateLimited,
    SlackRequestRefused,
    SlackUnavailable,
)
from brickwork_slack.receivers.handling import Outcome
from brickwork_slack.receivers.reading import read_request

if TYPE_CHECKING:
    import asyncio

    from aiohttp import ClientSession, ClientWebSocketResponse

    from brickwork_slack.credentials import SlackCredentials
    from brickwork_slack.receivers.handling import Handling

_OLD_SECONDS = 30.0  # how long a socket that is replaced may go on; Slack ends it after ten
_REPLACED = ("refresh_requested", "warning")
_CLOSE_SECONDS = 1.0
_LONGEST_PAUSE = 30.0
_MOST_BYTES = 16 * 1024 * 1024
_log = logging.getLogger(__name__)


class Sockets:
    """Keeps a socket to Slack, and hands on what comes.

    Args:
        credentials: Those with the app token.
        handling: Who handles what comes.
        ping_seconds: How often to ask whether the socket still stands.
    """

    def __init__(
        self, credentials: "SlackCredentials", handling: "Handling", ping_seconds: float
    ) -> None:
        self._credentials = credentials
        self._handling = handling
        self._ping_seconds = ping_seconds
        self._open: set[ClientWebSocketResponse] = set()
        self._listening: set[asyncio.Task[None]] = set()
        self._taking: set[asyncio.Task[None]] = set()
        self._ending = False
        self._session: ClientSession | None = None
        self._tries = 0
        self._failure: SlackError | None = None

    @property
    def connected(self) -> bool:
        """Whether a socket stands, on which Slack has said hello."""
        return self._tries == 0 and bool(self._open)

    async def keep(self) -> None:
        """Keep a socket open until cancelled, and hand on what comes.

        Raises:
            SlackError: Slack does not take the token, or Socket Mode is turned off.
        """
        import asyncio

        import aiohttp

        self._tries = 1
        self._session = aiohttp.ClientSession()
        try:
            while True:
                socket = await self._connected(self._session)
                if socket is not None:
                    over = asyncio.Event()
                    self._begin(self._listen(socket, over), self._listening)
                    await over.wait()
                if self._failure is not None:
                    raise self._failure
                if self._tries:
                    await sleep_async(_pause_after(self._tries))
                    self._tries += 1
        finally:
            self._ending = True

    async def close(self) -> None:
        """Close all sockets, once what was handled is acknowledged."""
        import asyncio

        if self._taking:
            await asyncio.wait(set(self._taking), timeout=_CLOSE_SECONDS)
        tasks = self._taking | self._listening
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._session is not None:
            await self._session.close()

    async def _connected(self, session: "ClientSession") -> "ClientWebSocketResponse | None":
        """Return a new socket; None where that has to be tried again."""
        import asyncio

        import aiohttp

        client = client_for(self._credentials)
        try:
            answer = await ask(
                self._credentials, "apps.connections.open", app_token=self._credentials.app_token
            )
            async with asyncio.timeout(client.options.timeout):
                return await session.ws_connect(
                    str(answer["url"]),
                    heartbeat=self._ping_seconds,
                    proxy=client.proxy,
                    ssl=client.ssl if client.ssl is not None else True,
                    max_msg_size=_MOST_BYTES,
                )
        except (SlackUnavailable, SlackRateLimited) as error:
            _log.warning("Socket Mode: %s", error.what)
        except SlackError:  # some are an OSError as well
            raise
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            # Not its words: they hold the URL, which is a ticket.
            _log.warning("Socket Mode: no socket was opened: %s", type(error).__name__)
        self._tries = max(self._tries, 1)
        return None

    async def _listen(self, socket: "ClientWebSocketResponse", over: "asyncio.Event") -> None:
        import asyncio

        self._open.add(socket)
        try:
            async with asyncio.timeout(None) as limit:
                async for message in socket:
                    envelope = _read(message)
                    if envelope.get("type") == "hello":
                        self._tries = 0
                    elif envelope.get("type") == "disconnect":
                        self._disconnected(str(envelope.get("reason")))
                        # What is on its way here still comes, beside the next socket.
                        limit.reschedule(asyncio.get_running_loop().time() + _OLD_SECONDS)
                        over.set()
                    elif "envelope_id" in envelope and not self._ending:
                        self._begin(self._take(socket, envelope), self._taking)
        except TimeoutError:
            pass
        finally:
            self._open.discard(socket)
            if not over.is_set():  # it broke
                self._tries = max(self._tries, 1)
                over.set()
            await _shut(socket)

    def _disconnected(self, reason: str) -> None:
        _log.info("Socket Mode: Slack wants another socket: %s", reason)
        if reason == "link_disabled":
            self._failure = SlackDenied(
                "Socket Mode is turned off for the app.",
                fix="Turn it on under Socket Mode in the app's settings.",
            )
            self._failure.error = reason
        elif reason not in _REPLACED:  # too_many_websockets
            self._tries = max(self._tries, 1)

    async def _take(self, socket: "ClientWebSocketResponse", envelope: Mapping[str, Any]) -> None:
        """Handle an envelope, and acknowledge it unless Slack is to know that it failed."""
        try:
            request = read_request(
                envelope.get("payload") or {},
                retry=int(envelope.get("retry_attempt") or 0),
                retry_reason=str(envelope.get("retry_reason") or ""),
            )
        except SlackRequestRefused as error:
            _log.warning("an envelope was refused: %s", error)
            return
        taken = await self._handling.take(request, f"envelope:{envelope['envelope_id']}")
        if taken.outcome in (Outcome.FAILED, Outcome.BUSY):
            return
        answer = {"envelope_id": envelope["envelope_id"]}
        if taken.answer is not None and envelope.get("accepts_response_payload"):
            answer["payload"] = taken.answer
        elif taken.answer is not None:
            _log.warning("%s takes no answer", request.handled_by[0])
        try:
            await socket.send_json(answer)
        except (ConnectionError, RuntimeError):  # closed meanwhile: an event comes again
            _log.info("%s could not be acknowledged: the socket is gone", request.handled_by[0])

    def _begin(self, work: Any, among: "set[asyncio.Task[None]]") -> None:
        import asyncio

        task = asyncio.ensure_future(work)
        among.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._listening.discard(task)
        self._taking.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("Socket Mode: %r", error, exc_info=error)


def _read(message: Any) -> Mapping[str, Any]:
    """Return what a frame says; nothing for one that is no JSON object."""
    import json

    try:
        value = json.loads(message.data)
    except (TypeError, ValueError, RecursionError):
        value = None
    return value if isinstance(value, Mapping) else {}


async def _shut(socket: "ClientWebSocketResponse") -> None:
    import asyncio
    from contextlib import suppress

    with suppress(TimeoutError):
        await asyncio.wait_for(socket.close(), _CLOSE_SECONDS)


def _pause_after(tries: int) -> float:
    import random

    longest = min(2.0 ** (tries - 1), _LONGEST_PAUSE)
    return random.uniform(longest / 2, longest)  # noqa: S311  # spreads apps, no secret
