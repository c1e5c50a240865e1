"""The API of Example Weather, by HTTP.

Here goes the vendor's library, if there is a good one: import it inside the methods that use it, so
that finding this plugin stays quick, and raise the errors of `brickwork_weather.errors`.
"""

import json
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from brickwork import Secret, check_cancelled, remaining, sleep

from brickwork_weather.errors import (
    WeatherError,
    WeatherForbidden,
    WeatherNotFound,
    WeatherRateLimited,
    WeatherUnauthorized,
    WeatherUnavailable,
)

if TYPE_CHECKING:
    from http.client import HTTPResponse

_MOST_BYTES = 16 * 1024 * 1024  # of an answer in JSON; nothing honest is larger
_MOST_WAITS = 3
_SAFE = ("GET", "HEAD")


class WeatherClient:
    """Sends requests, with the token, to one host: redirects are not followed.

    Args:
        url: Where the API is.
        token: Who asks.
        timeout_seconds: How long to wait for an answer; never longer than the task around has.
    """

    def __init__(self, url: str, token: Secret[str], timeout_seconds: float) -> None:
        self._url = urlsplit(url)
        self._token = token
        self._timeout_seconds = timeout_seconds

    def json(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Send a request with JSON, and return the object that is the answer.

        Args:
            method: The HTTP method.
            path: What follows the API's URL, quoted.
            query: Parameters of the URL.
            body: What to send.

        Raises:
            WeatherError: It failed; one class for each reason.
        """
        data = None if body is None else json.dumps(body).encode()
        headers = {} if data is None else {"Content-Type": "application/json"}
        with self.open(method, path, query=query, body=data, headers=headers) as answer:
            text = self._read(answer, f"{method} {path}")
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise WeatherError(
                f"The answer is no object in JSON: {method} {path}.",
                fix="Check the URL: another service may answer there.",
                status=answer.status,
            )
        return found

    def open(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | IO[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> "HTTPResponse":
        """Send a request, and return the answer to be read; the reader closes it.

        What only reads is sent again when the service asks to wait, if there is time for it.

        Args:
            method: The HTTP method.
            path: What follows the API's URL, quoted.
            query: Parameters of the URL.
            body: What to send; a file must know its length in ``Content-Length``.
            headers: More headers.

        Raises:
            WeatherError: As in `json`.
        """
        target = path if not query else f"{path}?{urlencode(query)}"
        waits = 0
        while True:
            answer = self._send(method, target, body, headers or {})
            if answer.status < 300:
                return answer
            with answer:
                error = _error(method, path, answer)
            waits += 1
            if not isinstance(error, WeatherRateLimited) or method not in _SAFE:
                raise error
            if waits > _MOST_WAITS or not _fits(error.retry_after_seconds):
                raise error
            sleep(error.retry_after_seconds)

    def _send(
        self, method: str, target: str, body: bytes | IO[bytes] | None, headers: Mapping[str, str]
    ) -> "HTTPResponse":
        from http.client import HTTPConnection, HTTPException, HTTPSConnection

        check_cancelled()
        left = remaining()
        seconds = self._timeout_seconds if left is None else min(self._timeout_seconds, left)
        kind = HTTPSConnection if self._url.scheme == "https" else HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=max(seconds, 0.001))
        sent = {"Authorization": f"Bearer {self._token.reveal()}", "Connection": "close", **headers}
        what = f"{method} {target.partition('?')[0]}"
        connected = False
        try:
            connection.connect()
            connected = True
            connection.request(method, self._url.path + target, body, sent)
            return connection.getresponse()
        except (OSError, HTTPException) as error:
            connection.close()
            # `from None`: the frames below hold the token.
            raise _no_answer(what, error, never_sent=not connected) from None

    def _read(self, answer: "HTTPResponse", what: str) -> bytes:
        from http.client import HTTPException

        try:
            text = answer.read(_MOST_BYTES + 1)
        except (OSError, HTTPException) as error:
            raise _no_answer(what, error) from None
        if answer.length and len(text) <= _MOST_BYTES:
            raise _no_answer(what, EOFError())
        if len(text) > _MOST_BYTES:
            raise WeatherError(
                f"The answer is too large: {what}.",
                fix="Ask for less at once.",
            )
        return text


def _fits(wait: float) -> bool:
    left = remaining()
    return wait <= (60.0 if left is None else left)


def _no_answer(
    what: str,
    error: Exception,
    *,
    never_sent: bool = False,
) -> WeatherUnavailable:
    reason = getattr(error, "strerror", None) or type(error).__name__
    unavailable = WeatherUnavailable(
        f"Example Weather gave no answer ({reason}): {what}.",
        fix="Check the URL and the network, and try again.",
    )
    unavailable.never_sent = never_sent
    return unavailable


def _error(method: str, path: str, answer: "HTTPResponse") -> WeatherError:
    """Return the error that an answer means. Its body is not shown: it may quote what we sent."""
    what, status = f"{method} {path}", answer.status
    if status == 401:
        return WeatherUnauthorized(
            f"Example Weather does not know the token: {what}.",
            fix="Make a new token in the settings of the account, and save it.",
            status=status,
        )
    if status == 403:
        return WeatherForbidden(
            f"The token may not do this: {what}.",
            fix="Allow it in the settings of the account.",
            status=status,
        )
    if status == 404:
        return WeatherNotFound(
            f"Example Weather does not have what is asked for: {what}.",
            fix="Check the name, and the URL of the API.",
            status=status,
        )
    if status == 429:
        seconds = answer.headers.get("Retry-After", "")
        limited = WeatherRateLimited(
            f"Example Weather asks for a pause: {what}.",
            fix="Try again later.",
            status=status,
        )
        limited.retry_after_seconds = float(seconds) if seconds.isdecimal() else 1.0
        return limited
    if status >= 500:
        return WeatherUnavailable(
            f"Example Weather failed, with HTTP {status}: {what}.",
            fix="Try again later.",
            status=status,
        )
    return WeatherError(
        f"Example Weather refused, with HTTP {status}: {what}.",
        fix="Check what is sent against the documentation of the API.",
        status=status,
    )
