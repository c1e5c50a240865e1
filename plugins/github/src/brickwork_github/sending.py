"""Sends requests through PyGithub, and says what is wrong with the answers."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final, NamedTuple

from brickwork import InvalidArguments, Secret
from brickwork_github.errors import GitHubError
from brickwork_github.faults import explained, limited
from brickwork_github.hiding import hide
from brickwork_github.limits import pause_asked
from brickwork_github.transport import Exchange, Reply, Transport

API_VERSION: Final = "2022-11-28"
"""See https://docs.github.com/en/rest/about-the-rest-api/api-versions."""

USER_AGENT: Final = "brickwork-github"
JSON: Final = "application/vnd.github+json"
NULL: Final = object()
"""Sent as ``null``, where None is left out: to take something away."""


class Answer(NamedTuple):
    """What GitHub answered.

    Attributes:
        status: The HTTP status.
        headers: By their names in lower case.
        data: The body, read as JSON where it is; None where there is none.
    """

    status: int
    headers: Mapping[str, str]
    data: Any


class Sender:
    """Sends requests as one client, and says what is wrong.

    Args:
        requester: PyGithub's, which signs.
        transport: By which it sends.
        whose: What to call the credentials in messages.
    """

    def __init__(self, requester: Any, transport: Transport, whose: str) -> None:
        self._requester, self._transport, self._whose = requester, transport, whose

    def send(
        self,
        name: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        safe: bool | None = None,
        accept: str = JSON,
    ) -> Answer:
        """Send a request; see `Request.send`.

        Args:
            name: The method and the path, filled.
            query: Parameters behind the path.
            body: What goes as JSON.
            safe: As of `Request`.
            accept: The media type to answer with.
        """
        method, _, path = name.partition(" ")
        status, headers, text = self._requester.requestJson(
            method,
            path,
            parameters=_queried(query),
            headers={"Accept": accept, "X-GitHub-Api-Version": API_VERSION},
            input=None if body is None else sendable(body),
            cnx=Exchange(self._transport, safe=safe),
        )
        return self._judged(name, status, headers, text)

    def path_of(self, url: str) -> str:
        """Return the path of a URL in an answer, which must be one of the API's.

        Raises:
            GitHubError: It is none, and will not be sent the token.
        """
        if not url.startswith(f"{self._transport.api_url}/"):
            raise self._elsewhere("the next page")
        return url.removeprefix(self._transport.api_url)

    def stream(
        self, name: str, *, query: Mapping[str, Any] | None = None, accept: str = JSON
    ) -> Reply:
        """Send a request, and return the answer with its body unread; see `Request.stream`."""
        exchange = Exchange(self._transport)
        reply = self._exchanged(exchange, name, query, {"Accept": accept}, stream=True)
        if reply.status >= 400:
            self._judged(name, reply.status, reply.headers, reply.read())
        return reply

    def upload(
        self,
        name: str,
        file: BinaryIO,
        content_type: str,
        *,
        to: str,
        query: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Send a file; see `Request.upload`."""
        path, url = name.partition(" ")[2], to.partition("{")[0]
        if not url.endswith(path) or not self._transport.may_have_token(url):
            raise self._elsewhere("an upload")
        exchange = Exchange(self._transport, base=url.removesuffix(path))
        headers = {"Accept": JSON, "Content-Type": content_type}
        reply = self._exchanged(exchange, name, query, headers, file=file)
        return self._judged(name, reply.status, reply.headers, reply.read())

    def _elsewhere(self, what: str) -> GitHubError:
        return GitHubError(
            f"{self._transport.api_url} leads to another host for {what}.",
            fix="Correct `host`, or `api_url`, to the name that the server gives itself.",
        )

    def _exchanged(
        self,
        exchange: Exchange,
        name: str,
        query: Mapping[str, Any] | None,
        headers: dict[str, str],
        *,
        file: BinaryIO | None = None,
        stream: bool = False,
    ) -> Reply:
        # Not by PyGithub, which reads whole answers and closes files.
        method, _, path = name.partition(" ")
        headers |= {"User-Agent": USER_AGENT, "X-GitHub-Api-Version": API_VERSION}
        url = self._requester.add_parameters_to_url(path, _queried(query))

        def sent() -> Reply:
            self._requester.auth.authentication(headers)
            exchange.request(method, f"{exchange.prefix}{url}", file, headers, stream)
            return exchange.getresponse()

        reply = sent()
        return sent() if reply.status == 401 and self._requester.auth.forget() else reply

    def _judged(self, name: str, status: int, headers: Mapping[str, str], text: str) -> Answer:
        """Return an answer, or raise what it means."""
        data: Any = None
        if text:
            try:
                data = json.loads(text)
            except ValueError:
                data = text
        if status < 400:
            return Answer(status, headers, data)
        asked = pause_asked(status, headers, text.encode(), 0)
        if asked is not None:
            raise limited(name, asked)
        raise explained(name, status, headers, data, self._whose)


def sendable(value: Any) -> Any:
    """Return a value as it is sent: times in UTC, secrets in clear, without what is None."""
    if value is NULL:
        return None
    if isinstance(value, Secret):
        text = value.reveal()
        hide(text)
        return text
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise InvalidArguments(
                "A time has no time zone.", fix="Write datetime(..., tzinfo=UTC)."
            )
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, Mapping):
        return {name: sendable(each) for name, each in value.items() if each is not None}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [sendable(each) for each in value]
    return value


def _queried(query: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        name: ",".join(map(str, value)) if isinstance(value, list) else value
        for name, value in sendable(query or {}).items()
    }
