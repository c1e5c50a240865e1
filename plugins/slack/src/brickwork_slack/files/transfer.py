"""Moves bytes to and from Slack piece by piece: blocking, or in an event loop.

slack_sdk's clients, which hold whole files in memory and download none, are no help here. How to
connect is theirs all the same: proxy, certificates and time-outs of the credentials.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from brickwork import check_cancelled, remaining
from brickwork_slack.clients import Client
from brickwork_slack.errors import SlackError
from brickwork_slack.files.sources import PIECE_BYTES, Source
from brickwork_slack.network import is_permanent, unreachable
from brickwork_slack.tasks import is_blocking

if TYPE_CHECKING:
    from urllib.request import OpenerDirector

T = TypeVar("T")

_AGENT = "brickwork-slack"
_LEAST_TIMEOUT = 0.1


class Sending(NamedTuple):
    """A request.

    Attributes:
        name: What to call it in a message, as ``files.upload``.
        verb: ``GET`` or ``POST``.
        url: Where to.
        headers: What stands above it.
        source: The body; None for none.
        advance: Is told how many bytes of the body were sent.
    """

    name: str
    verb: str
    url: str
    headers: Mapping[str, str] = {}
    source: Source | None = None
    advance: Callable[[int], None] = lambda _: None


class Incoming:
    """An answer, whose body is still to be read; redirects are answers.

    Attributes:
        status: The HTTP status.
        headers: By their names in lower case.
    """

    def __init__(self, wire: "_Wire", status: int, headers: Mapping[str, Any]) -> None:
        self._wire = wire
        self.status = status
        self.headers = {name.lower(): str(value) for name, value in headers.items()}

    async def read(self) -> bytes:
        """Return the next piece of the body; none at its end.

        Raises:
            SlackUnavailable: The connection broke.
            TaskCancelled: The task was cancelled.
            TaskTimeout: Its time is up.
        """
        check_cancelled()
        return await self._wire.guarded(self._wire.read)


@asynccontextmanager
async def exchange(client: Client, sending: Sending) -> AsyncIterator[Incoming]:
    """Send a request, and give its answer.

    Raises:
        SlackUnavailable: None came.
        SlackError: None will come.
        InvalidArguments: The body cannot be read.
    """
    wire: _Wire = _Blocking(client, sending) if is_blocking() else _Waiting(client, sending)
    try:
        status, headers = await wire.guarded(wire.send)
        yield Incoming(wire, status, headers)
    finally:
        await wire.close()


async def aside(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function that works on files: in an event loop by a thread, else at once."""
    if is_blocking():
        return function(*arguments)
    import asyncio

    return await asyncio.to_thread(function, *arguments)


class _Wire:
    """One request, in one of both ways."""

    def __init__(self, client: Client, sending: Sending) -> None:
        self.client, self.sending = client, sending
        self.headers = {**sending.headers, "Accept-Encoding": "identity", "User-Agent": _AGENT}
        if sending.source is not None:
            self.headers["Content-Length"] = str(sending.source.size)
            self.headers["Content-Type"] = "application/octet-stream"

    @property
    def seconds(self) -> float:
        """How long to wait for the connection, and for each piece."""
        most, left = self.client.options.timeout, remaining()
        return max(most if left is None else min(most, left), _LEAST_TIMEOUT)

    async def guarded(self, step: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Take a step, and say what its failure means."""
        try:
            return await step()
        except Exception as caught:  # noqa: BLE001  # of urllib and aiohttp, which may quote the token
            failure = caught
        # Here, where the failure, whose frames hold the token, is not the context of the error.
        failure.__traceback__ = failure.__context__ = None
        check_cancelled()  # which may be why it broke off
        raise self._meant(failure) from None

    def _meant(self, failure: Exception) -> Exception:
        source = self.sending.source
        if source is not None and source.failure is not None:
            return source.failure
        # Without the path, which lets anybody upload.
        parts = urlsplit(self.sending.url)
        error = unreachable(self.sending.name, failure, f"{parts.scheme}://{parts.netloc}")
        if is_permanent(failure):
            told = SlackError(error.what, fix=error.fix)
            told.method = error.method
            return told
        return error

    async def send(self) -> tuple[int, Mapping[str, Any]]:
        """Send it, and return the status and the headers of the answer."""
        raise NotImplementedError

    async def read(self) -> bytes:
        """Return a piece of the answer's body."""
        raise NotImplementedError

    async def close(self) -> None:
        """End the connection."""
        raise NotImplementedError


class _Blocking(_Wire):
    """By urllib, as slack_sdk's own client; the coroutine is driven by hand."""

    _answer: Any = None

    async def send(self) -> tuple[int, Mapping[str, Any]]:
        from urllib.request import Request

        sending = self.sending
        body: Any = None if sending.source is None else sending.source.pieces(sending.advance)
        request = Request(sending.url, body, method=sending.verb)  # noqa: S310  # http(s), see `addresses`
        for name, value in self.headers.items():
            request.add_unredirected_header(name, value)
        self._answer = self._opener().open(request, timeout=self.seconds)
        return self._answer.status, self._answer.headers

    async def read(self) -> bytes:
        piece: bytes = self._answer.read(PIECE_BYTES)
        if not piece and self._answer.length:
            raise ConnectionError  # which http.client does not notice when it reads in pieces
        return piece

    async def close(self) -> None:
        if self._answer is not None:
            self._answer.close()

    def _opener(self) -> "OpenerDirector":
        """Return what opens a URL and nothing else: neither redirects nor errors are followed."""
        from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler

        proxy = self.client.proxy
        opener = OpenerDirector()
        for handler in (
            ProxyHandler({} if proxy is None else {"http": proxy, "https": proxy}),
            HTTPHandler(),
            HTTPSHandler(context=self.client.ssl),
        ):
            opener.add_handler(handler)
        return opener


class _Waiting(_Wire):
    """By aiohttp, as slack_sdk's async client."""

    _connector: Any = None
    _session: Any = None
    _answer: Any = None
    _limit: Any = None

    async def send(self) -> tuple[int, Mapping[str, Any]]:
        import aiohttp

        sending = self.sending
        self._connector = _connector_kind()()
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            # `_soon` limits each step, and not the whole.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None, sock_read=None),
            auto_decompress=False,
        )
        async with self._soon():
            self._answer = await self._session.request(
                sending.verb,
                sending.url,
                data=None if sending.source is None else self._pieces(sending.source),
                headers=self.headers,
                proxy=self.client.proxy,
                ssl=True if self.client.ssl is None else self.client.ssl,
                allow_redirects=False,
            )
        return self._answer.status, self._answer.headers

    async def read(self) -> bytes:
        async with self._soon():
            piece: bytes = await self._answer.content.read(PIECE_BYTES)
            return piece

    async def close(self) -> None:
        import asyncio

        if self._session is not None:
            self._connector.abort()
            if self._answer is not None:
                self._answer.close()
            await self._session.close()
            await asyncio.sleep(0)  # then the socket is closed

    async def _pieces(self, source: Source) -> AsyncIterator[bytes]:
        offset = 0
        while piece := await aside(source.read, offset):
            yield piece
            offset += len(piece)
            self.sending.advance(offset)
            self._go_on()

    def _soon(self) -> Any:
        """Return a limit for the time until the next piece was sent, or came."""
        import asyncio

        self._limit = asyncio.timeout(self.seconds)
        return self._limit

    def _go_on(self) -> None:
        import asyncio

        self._limit.reschedule(asyncio.get_running_loop().time() + self.seconds)


@cache
def _connector_kind() -> Any:
    import aiohttp

    class Connector(aiohttp.TCPConnector):
        """Ends its connection at once: aiohttp would wait until the rest of a body was taken."""

        _transport: Any = None

        async def connect(self, *args: Any, **options: Any) -> Any:
            connection = await super().connect(*args, **options)
            self._transport = connection.transport
            return connection

        def abort(self) -> None:
            if self._transport is not None:
                self._transport.abort()

    return Connector
