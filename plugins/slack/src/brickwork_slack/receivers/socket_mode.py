"""Socket Mode: what Slack sends comes over a websocket that the app opens, without a public URL.

https://docs.slack.dev/apis/events-api/using-socket-mode/
"""

import logging
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from brickwork import InvalidArguments, ledger_of, sleep, sleep_async
from brickwork_slack.errors import SlackError, SlackTimeout
from brickwork_slack.receivers.answers import Handler
from brickwork_slack.receivers.sockets import Sockets

if TYPE_CHECKING:
    import asyncio

    from brickwork_slack.credentials import SlackCredentials
    from brickwork_slack.receivers.handling import Handling

_LOOK_SECONDS = 0.02
_log = logging.getLogger(__name__)


def socket_mode(
    credentials: "SlackCredentials",
    handlers: Mapping[str, Handler],
    *,
    answer_seconds: float = 2.5,
    max_requests: int = 1000,
    threads: int = 10,
    ping_seconds: float = 10.0,
    shutdown_seconds: float = 30.0,
) -> "SocketMode":
    """Return what receives events, interactions and slash commands over Socket Mode.

    Handlers are those of `slack_app`, and run in the same way: a program can change from one to the
    other. A socket that breaks, or that Slack replaces as it does every few hours, is opened anew;
    the new one is there before the old one goes.

    Args:
        credentials: Those with the app's ``app_token``, which has the scope ``connections:write``.
        handlers: By what they are for; see `slack_app`.
        answer_seconds: How long a handler that answers is waited for; Slack itself waits for 3 s.
        max_requests: How many may be handled, or wait for it, at once; more are not acknowledged.
        threads: How many handlers without ``async`` run at once.
        ping_seconds: How often to ask whether the socket still stands.
        shutdown_seconds: How long handlers are waited for at the end.

    Raises:
        InvalidArguments: The credentials have no app token, or a handler cannot be called.
    """
    from brickwork_slack.receivers.handling import Handling
    from brickwork_slack.receivers.replay import ReplayGuard

    if credentials.app_token is None:
        raise InvalidArguments(
            "The credentials have no app token.",
            fix="Make one with the scope connections:write under Basic Information in the app's"
            " settings, and give it as app_token.",
        )

    def handling() -> Handling:
        return Handling(
            handlers,
            ReplayGuard(ledger_of(credentials)),
            answer_seconds=answer_seconds,
            max_requests=max_requests,
            threads=threads,
        )

    return SocketMode(credentials, handling(), ping_seconds, shutdown_seconds)


class SocketMode:
    """Receives requests over Socket Mode, once; made by `socket_mode`.

    - ``receiver.listen()`` blocks, until Ctrl-C or until what it runs in is cancelled;
    - ``await receiver.run()`` does the same in an event loop, which runs async handlers;
    - ``with receiver:`` receives while the block runs, in a thread.
    """

    def __init__(
        self,
        credentials: "SlackCredentials",
        handling: "Handling",
        ping_seconds: float,
        shutdown_seconds: float,
    ) -> None:
        self._sockets = Sockets(credentials, handling, ping_seconds)
        self._handling = handling
        self._shutdown_seconds = shutdown_seconds
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._stopped = False
        self._work: tuple[asyncio.AbstractEventLoop, asyncio.Task[None]] | None = None
        self._failure: BaseException | None = None

    async def run(self) -> None:
        """Receive until the task of the event loop, or the scope that it runs in, is cancelled.

        Raises:
            SlackError: Slack does not take the app token, or Socket Mode is turned off.
            TaskCancelled: What it runs in was cancelled.
            TaskTimeout: The time of that is up.
        """
        import asyncio

        received = asyncio.ensure_future(self._receive())
        over = asyncio.ensure_future(_until_over())
        try:
            done, _ = await asyncio.wait({received, over}, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                each.result()
        finally:
            over.cancel()
            received.cancel()
            await asyncio.wait({received, over})

    def listen(self) -> None:
        """Receive until Ctrl-C, or until what it runs in is cancelled; blocks meanwhile.

        Raises:
            SlackError: Slack does not take the app token, or Socket Mode is turned off.
            TaskCancelled: What it runs in was cancelled.
            TaskTimeout: The time of that is up.
        """
        with self:
            while True:
                self.is_connected()
                sleep(0.2)

    def start(self) -> None:
        """Begin to receive, in a thread; does not wait until the socket stands.

        Raises:
            InvalidArguments: It was begun before.
        """
        if self._thread is not None:
            raise InvalidArguments("It was begun before.", fix="Call socket_mode again.")
        # Without the caller's scope: this thread ends by `close`, after the handlers.
        self._thread = threading.Thread(
            target=self._in_thread, name="brickwork-slack-socket-mode", daemon=True
        )
        self._thread.start()

    def is_connected(self) -> bool:
        """Return whether a socket stands.

        Raises:
            SlackError: Slack does not take the app token, or Socket Mode is turned off.
        """
        if self._failure is not None:
            raise self._failure
        return self._sockets.connected

    def close(self) -> None:
        """Stop what `start` began; waits for handlers, and for the socket to be closed.

        Raises:
            SlackTimeout: It did not end; its handlers do not.
        """
        with self._lock:
            stopped, self._stopped = self._stopped, True
            # Once: a second time would end the wait for handlers.
            if self._work is not None and not stopped:
                loop, work = self._work
                with suppress(RuntimeError):  # the loop has ended
                    loop.call_soon_threadsafe(work.cancel)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(self._shutdown_seconds + 5)
            if self._thread.is_alive():
                raise SlackTimeout(
                    "A handler of Socket Mode does not end.", fix="Let handlers end in time."
                )

    def __enter__(self) -> Self:
        self.start()
        try:
            while not self.is_connected():
                sleep(_LOOK_SECONDS)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        if error is None and self._failure is not None:
            raise self._failure

    def _in_thread(self) -> None:
        import asyncio

        try:
            with suppress(asyncio.CancelledError):
                asyncio.run(self._stoppable())
        except BaseException as error:  # noqa: BLE001  # for whoever asks, in another thread
            self._failure = error

    async def _stoppable(self) -> None:
        import asyncio

        work = asyncio.ensure_future(self._receive())
        with self._lock:
            self._work = asyncio.get_running_loop(), work
            if self._stopped:
                work.cancel()
        try:
            await work
        finally:
            with self._lock:
                self._work = None

    async def _receive(self) -> None:
        try:
            await self._sockets.keep()
        except SlackError as error:
            _log.error("Socket Mode ended: %s", error)
            raise
        finally:
            try:
                await self._handling.finish(self._shutdown_seconds)
            finally:
                await self._sockets.close()


async def _until_over() -> None:
    """Wait until the scope around is over, and raise why."""
    while True:
        await sleep_async(3600)
