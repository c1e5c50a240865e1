"""One HTTP request under the outbound policy."""

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from brickwork.builtin.outbound.headers import checked_headers
from brickwork.builtin.outbound.target import Target, parse_url
from brickwork.builtin.outbound.transport import (
    Deadline,
    Resolve,
    TimedSocket,
    connect,
    judged_addresses,
    reason_of,
    system_resolve,
    tls_context,
)
from brickwork.errors import OutboundFailed

MAX_RESPONSE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to a request.

    Attributes:
        status: The HTTP status.
        headers: Names in lower case; the last one of a name that comes twice.
        body: At most ``max_response_bytes``.
        truncated: Whether the body is not whole: it was larger than that, or broke off.
        origin: Scheme and host that answered, for messages.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    truncated: bool
    origin: str


@dataclass(frozen=True, slots=True)
class Probe:
    """What `probe` connected to.

    Attributes:
        origin: Scheme and host.
        tls: The version of TLS, for example ``TLSv1.3``; None without TLS.
    """

    origin: str
    tls: str | None


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    timeout_seconds: float = 10.0,
    allow_private: bool = False,
    allow_http: bool = False,
    max_redirects: int = 0,
    max_response_bytes: int = MAX_RESPONSE_BYTES,
    ca_certificates: str | None = None,
    resolve: Resolve = system_resolve,
) -> Response:
    """Make one HTTP request. Whatever the status is, it is returned and not raised.

    Args:
        method: The HTTP method.
        url: An absolute URL.
        headers: Sent as they are; ``Host``, ``Content-Length``, ``Connection`` are set here.
        body: What is sent.
        timeout_seconds: For everything together: resolving, connecting, redirects, the answer.
        allow_private: Allow loopback and private networks. Never metadata services.
        allow_http: Allow ``http``.
        max_redirects: How many redirects are followed, each judged like a new URL. A redirect
            that would turn another method into GET is returned instead. Headers given here are
            not sent to another origin; the body is.
        max_response_bytes: How much of the body is kept.
        ca_certificates: Authorities to trust instead of the system's, as PEM.
        resolve: Where addresses come from.

    Raises:
        OutboundRefused: The policy does not allow it; nothing was connected to that address.
        OutboundFailed: No answer; ``sent`` says whether the request may have arrived.
    """
    given = checked_headers(method, headers or {})
    deadline = Deadline(timeout_seconds)
    for followed in range(max_redirects + 1):
        target = parse_url(url, allow_http=allow_http)
        context = tls_context(ca_certificates) if target.scheme == "https" else None
        addresses = judged_addresses(target, deadline, allow_private=allow_private, resolve=resolve)
        sock = connect(target, addresses, deadline, context)
        with sock:
            response = _exchange(
                TimedSocket(sock, deadline), target, method, given, body, max_response_bytes
            )
        location = response.headers.get("location")
        if followed == max_redirects or not location or not _follows(method, response.status):
            return response
        url = urljoin(url, location)
        if _origin_of(url, allow_http=allow_http) != target.origin:
            given = {}
    raise AssertionError("unreachable")  # pragma: no cover  # for type checkers


def probe(
    url: str,
    *,
    timeout_seconds: float = 5.0,
    allow_private: bool = False,
    allow_http: bool = False,
    ca_certificates: str | None = None,
    resolve: Resolve = system_resolve,
) -> Probe:
    """Connect to a URL's server, with TLS for ``https``, and send nothing.

    Takes the same arguments and raises the same errors as `request`.
    """
    target = parse_url(url, allow_http=allow_http)
    deadline = Deadline(timeout_seconds)
    context = tls_context(ca_certificates) if target.scheme == "https" else None
    addresses = judged_addresses(target, deadline, allow_private=allow_private, resolve=resolve)
    with connect(target, addresses, deadline, context) as sock:
        return Probe(target.origin, sock.version() if isinstance(sock, ssl.SSLSocket) else None)


def _exchange(
    sock: TimedSocket,
    target: Target,
    method: str,
    headers: Mapping[str, str],
    body: bytes,
    max_response_bytes: int,
) -> Response:
    connection = http.client.HTTPConnection(target.host.removesuffix("."), target.port)
    # Given a socket, http.client neither resolves nor connects.
    connection.sock = sock  # all that it uses is in TimedSocket
    host = target.origin.partition("://")[2]
    try:
        connection.putrequest(method, target.resource, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", host)
        connection.putheader("Connection", "close")
        if body or method not in ("GET", "HEAD"):
            connection.putheader("Content-Length", str(len(body)))
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body or None)
        answer = connection.getresponse()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _no_answer(target, error) from None
    sock.allowance = float("inf")  # the body has its own limit
    content, truncated = _body(answer, max_response_bytes)
    return Response(
        answer.status,
        {name.lower(): value for name, value in answer.getheaders()},
        content,
        truncated,
        target.origin,
    )


def _no_answer(target: Target, error: Exception) -> OutboundFailed:
    if isinstance(error, OSError):
        return OutboundFailed(f"{target.origin} did not answer: {reason_of(error)}.", sent=True)
    return OutboundFailed(
        f"{target.origin} did not answer with HTTP that can be read.",
        sent=True,
        fix="Check that the URL is the one of an HTTP server.",
    )


def _body(answer: http.client.HTTPResponse, limit: int) -> tuple[bytes, bool]:
    """Read a body up to a limit; what breaks off is kept, since the status was received."""
    content = bytearray()
    expected: Any = answer.length  # None for a chunked body, and one that ends with the connection
    try:
        while len(content) <= limit:
            part = answer.read1(min(64 * 1024, limit + 1 - len(content)))
            if not part:
                short = expected is not None and len(content) < expected
                return bytes(content), short
            content += part
    except (OSError, http.client.HTTPException, ValueError):
        return bytes(content[:limit]), True
    return bytes(content[:limit]), True


def _follows(method: str, status: int) -> bool:
    return status in (307, 308) or (status in (301, 302, 303) and method in ("GET", "HEAD"))


def _origin_of(url: str, *, allow_http: bool) -> str:
    return parse_url(url, allow_http=allow_http).origin
