"""Makes slack_sdk's clients from credentials, and keeps them.

slack_sdk opens a connection for each request, in both clients: so a client may be used by many
threads and event loops, and nothing has to be closed.
"""

import os
import threading
from collections import OrderedDict
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from brickwork_slack.hiding import Unshown
from brickwork_slack.limits import Gates

if TYPE_CHECKING:
    from ssl import SSLContext
    from urllib.request import Request

    from slack_sdk import WebClient
    from slack_sdk.web.async_client import AsyncWebClient

    from brickwork_slack.credentials import SlackCredentials

OVERRIDE = "BRICKWORK_SLACK_API_URL"
"""A variable that says where the API is, of all credentials that do not: for tests of programs."""

MAX_CLIENTS = 64
"""How many clients are kept; the one that was not used for longest goes first."""

_lock = threading.RLock()
_kept: "OrderedDict[tuple[object, ...], Client]" = OrderedDict()


class Client:
    """What is kept for credentials: how to reach Slack, and what is known of their workspace.

    Args:
        credentials: Whose.

    Attributes:
        url: Where the API is.
        options: How to connect, retry and wait.
        whose: What to call the credentials in a message.
        gates: What is known of rate limits.
        names: What is known of names; see `brickwork_slack.resolving`.
        team_id: The workspace to name to methods that take one; None: the token's own.
    """

    def __init__(self, credentials: "SlackCredentials") -> None:
        self.url = api_url(credentials)
        self.options = credentials.client_options
        self.whose = describe(credentials)
        self.gates = Gates()
        self.names: dict[str, Any] = {}
        self.team_id = credentials.team_id
        self._token = credentials.token

    @property
    def proxy(self) -> str | None:
        """The proxy for the API, as given or as the environment says; None: none."""
        if self.options.proxy is not None:
            return self.options.proxy.reveal()
        from urllib.request import getproxies, proxy_bypass

        parts = urlsplit(self.url)
        if proxy_bypass(parts.netloc):
            return None
        return getproxies().get(parts.scheme)

    @cached_property
    def ssl(self) -> "SSLContext | None":
        """What says which certificates are trusted; None: as the SDK does."""
        from brickwork_slack.certificates import context

        return context(self.options.verify, self.options.ca_bundle)

    def blocking(
        self, timeout: float, handlers: list[Any], *, team_id: str | None = None
    ) -> "WebClient":
        """Return a new client that blocks; it costs some microseconds.

        Args:
            timeout: Seconds to wait for a connection, and for an answer.
            handlers: What sends requests again.
            team_id: What the SDK adds to every call, also of methods that do not take it.
        """
        made: WebClient = self._made(_kinds().blocking, timeout, handlers, team_id)
        return made

    def waiting(
        self, timeout: float, handlers: list[Any], *, team_id: str | None = None
    ) -> "AsyncWebClient":
        """Return a new client for event loops; the arguments are as above."""
        made: AsyncWebClient = self._made(_async_kind(), timeout, handlers, team_id)
        return made

    def _made(self, kind: Any, timeout: float, handlers: list[Any], team_id: str | None) -> Any:
        client = kind(
            base_url=self.url,
            timeout=timeout,
            ssl=self.ssl,
            team_id=team_id,
            retry_handlers=handlers,
        )
        # Here, since the SDK's constructor makes a plain text of the one, and would take any proxy
        # of the environment for the other, also for hosts that NO_PROXY names.
        client.token = Unshown(self._token.reveal())
        client.proxy = self.proxy
        return client

    @cached_property
    def shared(self) -> "WebClient":
        """The client for users."""
        from brickwork_slack.retrying import handlers

        given = self.options
        repeating = handlers(given.retries, given.rate_limit_wait_seconds)
        return self.blocking(given.timeout, repeating, team_id=self.team_id)

    @cached_property
    def shared_async(self) -> "AsyncWebClient":
        """The client for users' event loops."""
        from brickwork_slack.retrying import async_handlers

        given = self.options
        repeating = async_handlers(given.retries, given.rate_limit_wait_seconds)
        return self.waiting(given.timeout, repeating, team_id=self.team_id)


def client_for(credentials: "SlackCredentials") -> Client:
    """Return what is kept for credentials: those of equal value share it."""
    key = (api_url(credentials), credentials.address, *credentials.__dict__.values())
    with _lock:
        if key not in _kept:
            _kept[key] = Client(credentials)
            while len(_kept) > MAX_CLIENTS:
                _kept.popitem(last=False)
        _kept.move_to_end(key)
        return _kept[key]


def api_url(credentials: "SlackCredentials") -> str:
    """Return where the API is, with a slash at its end."""
    given = credentials.base_url or os.environ.get(OVERRIDE) or "https://slack.com/api"
    return given.rstrip("/") + "/"


def describe(credentials: "SlackCredentials") -> str:
    """Name credentials in a message: by address, or by what they are; never by a secret."""
    if credentials.address is not None:
        return str(credentials.address)
    kind = credentials.kind
    return "slack-credentials" if kind == "other" else f"slack-credentials with a {kind}'s token"


class _Kinds(NamedTuple):
    blocking: Any
    quiet: Any


@cache
def _kinds() -> _Kinds:
    """Return slack_sdk's classes, as far as they must be others here."""
    from logging import CRITICAL, Logger
    from urllib.error import HTTPError

    from slack_sdk import WebClient

    class KeptClient(WebClient):
        """Shows no token in its frames, and gives it to no other host."""

        def api_call(self, api_method: str, **options: Any) -> Any:
            return super().api_call(api_method, **_authorized(self.token, options))

        def _perform_urllib_http_request_internal(self, url: str, req: "Request") -> dict[str, Any]:
            authorization = req.headers.pop("Authorization", None)
            if authorization is not None:
                req.add_unredirected_header("Authorization", authorization)
            try:
                return super()._perform_urllib_http_request_internal(url, req)
            except HTTPError:
                raise  # an answer
            except OSError as failure:
                bare = failure
            # http.client's frames hold the bytes that were to be sent, with the token.
            bare.__traceback__ = bare.__context__ = None
            raise bare from None

    return _Kinds(KeptClient, Logger("brickwork_slack.quiet", CRITICAL))


@cache
def _async_kind() -> Any:
    from slack_sdk.web.async_client import AsyncWebClient

    class KeptAsyncClient(AsyncWebClient):
        """Shows no token in its frames."""

        async def api_call(self, api_method: str, **options: Any) -> Any:
            return await super().api_call(api_method, **_authorized(self.token, options))

    return KeptAsyncClient


def _authorized(token: str | None, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a request with a header that shows no token, unless one is given."""
    given = any("token" in (options.get(name) or ()) for name in ("params", "json", "data"))
    if given or token is None or options.get("auth") is not None:
        return options
    header = {"Authorization": Unshown(f"Bearer {token}")}
    return {**options, "headers": {**header, **(options.get("headers") or {})}}


def _forget() -> None:
    # A forked child must not wait for its parent's threads.
    global _lock
    _lock = threading.RLock()
    _kept.clear()


os.register_at_fork(after_in_child=_forget)
