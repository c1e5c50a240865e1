"""How requests get to GitHub: from many threads, again where that may help, within the time.

PyGithub builds and reads requests; what it sends them by is replaced here. Its own connection keeps
the request on an object that threads share, so that two threads may send each other's; its retries
and pauses sleep without an end, whatever time a task has left; and it follows no redirect of a
write to a renamed repository. So PyGithub is told neither to retry nor to pause.
"""

import random
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urljoin, urlsplit

from brickwork import remaining, sleep
from brickwork_github.errors import GitHubTimeout, GitHubUnavailable
from brickwork_github.faults import about, limited, unreachable
from brickwork_github.hiding import hide_secrets
from brickwork_github.limits import Gate, pause_asked, resource_of
from brickwork_github.remembering import Remembered

if TYPE_CHECKING:
    from requests import RequestException

    from brickwork_github.credentials import GitHubCredentials

SAFE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
"""Methods that mean the same when they come twice."""

_PASSING = frozenset({500, 502, 503, 504})
_REDIRECTS = frozenset({301, 307, 308})
_MOST_REDIRECTS = 3
_MOST_LIMITS = 5
_STILL_COMPUTING, _MOST_LOOKS = 202, 8
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0


class Reply:
    """An answer, as PyGithub wants it."""

    def __init__(self, status: int, headers: Mapping[str, str], raw: Any, body: bytes) -> None:
        self.status = status
        self.headers = dict(headers)
        self.body = body
        self._raw = raw

    def getheaders(self) -> list[tuple[str, str]]:
        """Return the headers."""
        return list(self.headers.items())

    def read(self) -> str:
        """Return the body."""
        return self.body.decode("utf-8", "replace")

    def pause_asked(self, tries: int) -> float | None:
        """Return how long a rate limit asks one to wait; None where it is no rate limit's."""
        return pause_asked(self.status, self.headers, self.body, tries)

    def iter_content(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Give the body of a streamed answer piece by piece."""
        chunks: Iterator[bytes] = self._raw.iter_content(chunk_size)
        return chunks

    def raise_for_status(self) -> None:
        """Raise requests' error for a status of failure; without the request, and its token."""
        from requests import HTTPError

        if self.status >= 400:
            raise HTTPError(f"GitHub answered {self.status}")

    def close(self) -> None:
        """Give the connection of a streamed answer back."""
        if self._raw is not None:
            self._raw.close()


class Transport:
    """The connections of one client, with what its threads know of the limits.

    Args:
        credentials: Whose; their options count, not their token.
        api_url: Where the API is.
    """

    def __init__(self, credentials: "GitHubCredentials", api_url: str) -> None:
        import requests
        from requests.adapters import HTTPAdapter

        options = credentials.client_options
        self.options, self.api_url = options, api_url
        self.gate = Gate(options.max_concurrency, options.rate_limit_wait_seconds)
        self.remembered = Remembered()
        self.session = requests.Session()
        self.session.auth = _as_it_is  # else a .netrc would replace our header
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, HTTPAdapter(pool_maxsize=options.max_concurrency))
        proxy = None if options.proxy is None else options.proxy.reveal()
        self.proxies = None if proxy is None else {"https": proxy, "http": proxy}
        self.verify: bool | str = options.ca_bundle or options.verify

    def may_have_token(self, url: str) -> bool:
        """Tell whether a URL leads to the API's host, or to the one for uploads beside it."""
        ours, theirs = urlsplit(self.api_url), urlsplit(url)
        if (theirs.scheme, theirs.netloc) == (ours.scheme, ours.netloc):
            return True
        beside = "uploads." + ours.netloc.removeprefix("api.")
        return theirs.scheme == "https" and theirs.netloc == beside


class Exchange:
    """One request and its answer, in the form of PyGithub's connections.

    Args:
        transport: What to send it by.
        safe: Whether it may be sent again where nobody knows if it was received; by default as
            its method says.
        base: Where to send it instead of to the API: ``https://uploads.github.com``.
    """

    def __init__(
        self, transport: Transport, *, safe: bool | None = None, base: str | None = None
    ) -> None:
        parts = urlsplit(base or transport.api_url)
        self.host, self.prefix = parts.hostname or "", parts.path
        self._home = self._origin = f"{parts.scheme}://{parts.netloc}"
        self._transport, self._given_safe = transport, safe
        self.reply: Reply | None = None

    def request(
        self,
        verb: str,
        url: str,
        input: Any,  # noqa: A002  # PyGithub's names
        headers: Mapping[str, str],
        stream: bool = False,
    ) -> None:
        """Take what to send.

        Args:
            verb: The method.
            url: The path and the query.
            input: The body: text, or an open file.
            headers: With the token.
            stream: Whether the body of the answer is read later.
        """
        self._origin = self._home  # the one before may have led elsewhere
        self.verb, self.url, self.input, self.stream = verb, url, input, stream
        self.headers = dict(headers)
        self.safe = verb in SAFE if self._given_safe is None else self._given_safe
        self.name = f"{verb} {urlsplit(url).path}"

    def getresponse(self) -> Reply:
        """Send it, and return the answer; a failure that GitHub answers with is one, too.

        Raises:
            GitHubUnavailable: No answer came.
            GitHubRateLimited: A rate limit lasts for longer than there is time.
            TaskCancelled, TaskTimeout: The task was stopped meanwhile.
        """
        remembered, key = self._transport.remembered, self._key()
        known = None if self.stream else remembered.known(key)
        if known is not None:
            self.headers["If-None-Match"] = known.headers["etag"]
        reply = self._settled()
        if not self.stream:
            hide_secrets(reply.status, reply.body)
            if known is not None and reply.status == 304:
                headers = {**known.headers, **reply.headers}
                reply = Reply(known.status, headers, None, known.body)
            if key is not None and reply.status == 200:
                remembered.keep(key, reply)
        self.reply = reply
        return reply

    def close(self) -> None:
        """Do nothing: connections are the transport's."""

    def _key(self) -> str | None:
        """Return what the answer is remembered by; None where the caller has conditions."""
        if self.verb != "GET" or any(name.lower().startswith("if-") for name in self.headers):
            return None
        form = [self.headers.get(name, "") for name in ("Accept", "X-GitHub-Api-Version")]
        return " ".join([*form, f"{self._origin}{self.url}"])

    def _settled(self) -> Reply:
        """Send it until what comes is an answer to stay with."""
        limits, failures, redirects, looks = 0, 0, 0, 0
        lost = False  # an answer to what was sent, so that it may have been done
        while True:
            self._pass_gate()
            reply = self._sent()
            if not isinstance(reply, Reply):
                harmless = self.safe or _never_connected(reply)
                if not (harmless and _may_pass(reply) and self._has_time(failures)):
                    raise unreachable(self.name, reply, self._origin, harmless) from None
                lost = lost or not _never_connected(reply)
                failures += 1
                self._pause(failures)
                continue
            asked = reply.pause_asked(limits)
            if asked is not None and limits < _MOST_LIMITS:
                limits += 1
                self._close_gate(reply, asked)
            elif reply.status in _PASSING and self.safe and self._has_time(failures):
                failures += 1
                self._pause(failures)
            elif reply.status == 404 and self.verb == "DELETE" and lost:
                return Reply(204, reply.headers, None, b"")
            elif self._leads_on(reply) and redirects < _MOST_REDIRECTS:
                redirects += 1
                self._follow(reply)
            elif reply.status == _STILL_COMPUTING and self.verb == "GET":
                looks += 1
                if looks > _MOST_LOOKS:
                    self._give_up()
                self._pause(looks)
            else:
                return reply

    def _pass_gate(self) -> None:
        for resource in ("all", resource_of(self.url)):
            lacking = self._transport.gate.wait(resource)
            if lacking is not None:
                raise limited(self.name, lacking)

    def _close_gate(self, reply: Reply, seconds: float) -> None:
        primary = reply.headers.get("x-ratelimit-remaining") == "0"
        primary = primary and "retry-after" not in reply.headers
        self._transport.gate.close(resource_of(self.url) if primary else "all", seconds)

    def _sent(self) -> "Reply | RequestException":
        """Send it once; return what failed on the way."""
        from requests.exceptions import RequestException

        transport, left = self._transport, remaining()
        timeout = (
            transport.options.timeout if left is None else min(left, transport.options.timeout)
        )
        if hasattr(self.input, "seek"):
            self.input.seek(0)
        with transport.gate.passed():
            try:
                raw = transport.session.request(
                    self.verb,
                    f"{self._origin}{self.url}",
                    headers=self.headers,
                    data=self.input,
                    timeout=max(timeout, 0.001),
                    verify=transport.verify,
                    proxies=transport.proxies,  # here, since the environment beats a session's
                    allow_redirects=False,
                    stream=self.stream,
                )
                body = b"" if self.stream and raw.ok else raw.content
            except RequestException as failure:
                failure.request = None  # it shows the token
                return failure
        headers = {name.lower(): value for name, value in raw.headers.items()}
        return Reply(raw.status_code, headers, raw, body)

    def _has_time(self, number: int) -> bool:
        """Tell whether there may be another attempt after so many, and time to wait for it."""
        left = remaining()
        return number < self._transport.options.retries and (
            left is None or _longest_pause(number + 1) < left
        )

    def _pause(self, number: int) -> None:
        longest = _longest_pause(number)
        sleep(random.uniform(longest / 2, longest))  # noqa: S311  # spreads clients, hides nothing

    def _leads_on(self, reply: Reply) -> bool:
        return reply.status in _REDIRECTS or (self.stream and reply.status == 302)

    def _follow(self, reply: Reply) -> None:
        """Go where a repository was renamed to, or a file is stored; no other host gets the token.

        Raises:
            GitHubUnavailable: A request other than for a file was sent to another host.
        """
        reply.close()
        target = urljoin(f"{self._origin}{self.url}", reply.headers.get("location", ""))
        parts = urlsplit(target)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin != self._origin:
            if not (self.stream and parts.scheme in ("https", urlsplit(self._origin).scheme)):
                raise about(
                    GitHubUnavailable(
                        f"{self.name}: {self._origin} sends us to another host.",
                        fix="Correct `host`, or `api_url`, to the server that answers itself.",
                    ),
                    self.name,
                    reply.status,
                )
            self.headers.pop("Authorization", None)
        self._origin, self.url = origin, target.removeprefix(origin)

    def _give_up(self) -> NoReturn:
        raise about(
            GitHubTimeout(
                f"{self.name}: GitHub still computes the answer.", fix="Ask again in some minutes."
            ),
            self.name,
            _STILL_COMPUTING,
        )


def _longest_pause(number: int) -> float:
    return min(_FIRST_PAUSE * 2.0 ** (number - 1), _LONGEST_PAUSE)


def _may_pass(failure: Exception) -> bool:
    """Tell whether the same request may succeed a little later."""
    from requests import exceptions as requests

    return not isinstance(failure, requests.SSLError | requests.ProxyError | requests.InvalidURL)


def _never_connected(failure: Exception) -> bool:
    """Tell whether surely nothing was sent."""
    from requests.exceptions import ConnectTimeout
    from urllib3.exceptions import NewConnectionError

    reason = getattr(failure.args[0] if failure.args else None, "reason", None)
    return isinstance(failure, ConnectTimeout) or isinstance(reason, NewConnectionError)


def _as_it_is(request: Any) -> Any:
    return request
