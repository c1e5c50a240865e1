"""Makes PyGithub clients from credentials, and keeps them."""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from brickwork import BlockError, Secret
from brickwork_github.app_tokens import InstallationTokens
from brickwork_github.hiding import Unshown
from brickwork_github.sending import USER_AGENT, Sender
from brickwork_github.transport import Exchange, Transport

if TYPE_CHECKING:
    from github import Github

    from brickwork_github.credentials import GitHubCredentials

PER_PAGE = 100
OVERRIDE = "BRICKWORK_GITHUB_API_URL"
"""A variable that says where the API is, of all credentials that do not: for tests of programs."""

MAX_CLIENTS = 64
"""How many clients are kept; the one that was not used for longest goes first."""

_lock = threading.RLock()
_kept: "OrderedDict[tuple[object, ...], Client]" = OrderedDict()


class Client:
    """A PyGithub client for many threads, with its connections and its token.

    Args:
        credentials: Whose.

    Attributes:
        transport: How requests get there.
        installation: The token, where it is that of an App.
        requester: PyGithub's, by which the client asks.
        github: PyGithub's client.
        sender: What sends the requests of tasks.
    """

    def __init__(self, credentials: "GitHubCredentials") -> None:
        app = credentials.app
        self.transport = Transport(credentials, api_url(credentials))
        self.installation = None if app is None else InstallationTokens(app, self._app_sender)
        self._token = credentials.token or token_of_environment(credentials)
        kinds = _kinds()
        self.requester = kinds.requester(
            self.transport,
            auth=kinds.auth(self.token, self._forget_token),
            base_url=self.transport.api_url,
            timeout=credentials.client_options.timeout,
            user_agent=USER_AGENT,
            per_page=PER_PAGE,
            verify=self.transport.verify,
            retry=None,  # the transport retries, within the time of the task,
            pool_size=None,
            seconds_between_requests=None,  # and minds GitHub's limits, so that
            seconds_between_writes=None,  # nobody sleeps where GitHub did not ask for it
        )
        self.github: Github = kinds.github(self.requester)
        self.sender = Sender(self.requester, self.transport, describe(credentials))

    def token(self) -> Secret[str]:
        """Return a token that is good for some minutes at least.

        Raises:
            BlockError: There is none, or the App's key is none.
            GitHubError: GitHub gives the App none.
        """
        if self.installation is not None:
            return self.installation.token()
        if self._token is None:
            raise no_token()
        return self._token

    def _forget_token(self) -> bool:
        """Fetch another token for the next request; tell whether there is another one."""
        if self.installation is not None:
            self.installation.forget()
        return self.installation is not None

    def _app_sender(self, jwt: Secret[str], whose: str) -> Sender:
        """Return what sends as the App itself."""
        signed = self.requester.withAuth(_kinds().auth(lambda: jwt))
        return Sender(signed, self.transport, whose)


def client_for(credentials: "GitHubCredentials") -> Client:
    """Return the client of credentials: those of equal value share one."""
    token = token_of_environment(credentials)
    key = (api_url(credentials), token, credentials.address, *credentials.__dict__.values())
    with _lock:
        if key not in _kept:
            _kept[key] = Client(credentials)
            while len(_kept) > MAX_CLIENTS:
                _kept.popitem(last=False)
        _kept.move_to_end(key)
        return _kept[key]


def api_url(credentials: "GitHubCredentials") -> str:
    """Return where the API of a host is.

    See https://docs.github.com/en/enterprise-server@latest/rest/using-the-rest-api/getting-started-with-the-rest-api
    and https://docs.github.com/en/enterprise-cloud@latest/admin/data-residency/network-details-for-ghecom.
    """
    host = credentials.host
    if credentials.api_url is not None:
        return credentials.api_url
    if host is None:
        # A token that was saved goes to no server that only its surroundings name.
        given = credentials.token is not None or credentials.app is not None
        names = (OVERRIDE,) if given else (OVERRIDE, "GITHUB_API_URL")
        found = next((os.environ[name] for name in names if os.environ.get(name)), "")
        return found.rstrip("/") or "https://api.github.com"
    if host == "github.com" or host.endswith(".ghe.com"):
        return f"https://api.{host}"
    return f"https://{host}/api/v3"


def web_url(credentials: "GitHubCredentials") -> str:
    """Return where git finds the repositories of a host: ``https://github.com``."""
    parts = urlsplit(api_url(credentials))
    host = parts.netloc
    if host == "api.github.com" or host.endswith(".ghe.com"):
        host = host.removeprefix("api.")
    return f"{parts.scheme}://{host}"


def token_of_environment(credentials: "GitHubCredentials") -> Secret[str] | None:
    """Return the token that the environment has for a host, as GitHub's own command line does.

    See https://cli.github.com/manual/gh_help_environment.

    Raises:
        BlockError: What it has is no token.
    """
    if credentials.token is not None or credentials.app is not None:
        return None
    host = credentials.host or "github.com"
    names = ["GH_TOKEN", "GITHUB_TOKEN"]
    if host != "github.com" and not host.endswith(".ghe.com"):
        names = ["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"]
    for name in names:
        found = os.environ.get(name, "").strip()  # files of secrets end with a line's end
        if found:
            if not (found.isascii() and found.isprintable()) or " " in found:
                raise BlockError(
                    f"{name} of the environment is no token: it has characters that no token has.",
                    fix=f"Set {name} to the token alone.",
                )
            return Secret(found)
    return None


def no_token() -> BlockError:
    """Return the error for credentials that have no token."""
    return BlockError(
        "The GitHub credentials have no token, and the environment has none for this host.",
        fix="Give token or app; or set GITHUB_TOKEN or GH_TOKEN (GH_ENTERPRISE_TOKEN for a server"
        " of your own).",
    )


def describe(credentials: "GitHubCredentials") -> str:
    """Name credentials in a message: by address, or by what they are; never by a secret."""
    if credentials.address is not None:
        return str(credentials.address)
    if credentials.app is not None:
        return f"github-credentials of the App {credentials.app.app_id}"
    if credentials.token is not None:
        return "github-credentials with a token"
    return "github-credentials with the token of the environment"


class _Kinds(NamedTuple):
    auth: Any
    requester: Any
    github: Any


@cache
def _kinds() -> _Kinds:
    """Return PyGithub's classes, as far as they must be others here."""
    from github import Github
    from github.Auth import Auth
    from github.Requester import Requester

    class KeptAuth(Auth):
        """Gives each request a good token."""

        def __init__(
            self,
            token: Callable[[], Secret[str]],
            forget: Callable[[], bool] = bool,  # says False
        ) -> None:
            self._good_token, self.forget = token, forget

        def authentication(self, headers: dict[str, Any]) -> None:
            # PyGithub's frames keep the headers, and some tracebacks show local variables.
            headers["Authorization"] = Unshown(f"{self.token_type} {self.token}")

        @property
        def token_type(self) -> str:
            return "Bearer"

        @property
        def token(self) -> str:
            return self._good_token().reveal()

        @property
        def _masked_token(self) -> str:
            return "Bearer (removed)"

    class KeptRequester(Requester):
        """Sends each request by an exchange of its own, over connections that threads may share."""

        def __init__(self, transport: Transport, **options: Any) -> None:
            super().__init__(**options)
            self._transport = transport

        def _Requester__createConnection(self, _hostname: str | None = None) -> Exchange:  # noqa: N802  # PyGithub's
            return Exchange(self._transport)

        def requestJson(self, *request: Any, **options: Any) -> Any:  # noqa: N802  # as above
            answer = super().requestJson(*request, **options)
            if answer[0] == 401 and isinstance(self.auth, KeptAuth) and self.auth.forget():
                # It was revoked, or is so new that not all of GitHub knows it.
                answer = super().requestJson(*request, **options)
            return answer

        def _with(self, **changes: Any) -> "KeptRequester":
            return KeptRequester(self._transport, **{**self.kwargs, **changes})

        def withAuth(self, auth: Any) -> "KeptRequester":  # noqa: N802  # as above
            return self._with(auth=auth)

        def withLazy(self, lazy: Any) -> "KeptRequester":  # noqa: N802  # as above
            return self._with(lazy=bool(lazy))

        def withApiVersion(self, api_version: str | None) -> "KeptRequester":  # noqa: N802  # as above
            return self._with(api_version=api_version)

    class KeptGithub(Github):
        """Asks by a requester that is given."""

        def __init__(self, requester: Requester) -> None:  # PyGithub's would make its own
            self._Github__requester = requester

        def withLazy(self, lazy: Any) -> "KeptGithub":  # noqa: N802  # as above
            return KeptGithub(self.requester.withLazy(lazy))

    return _Kinds(KeptAuth, KeptRequester, KeptGithub)


def _forget() -> None:
    # A forked child must not write into its parent's connections, nor wait for its threads.
    global _lock
    _lock = threading.RLock()
    _kept.clear()


os.register_at_fork(after_in_child=_forget)
