"""Reading a URL, strictly: what is unusual is refused before anything is resolved."""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import quote, urlsplit

from brickwork.errors import OutboundRefused

MAX_URL_LENGTH = 8192

# Space, control characters, and what two readers of a URL may understand in two ways.
_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029\ud800-\udfff]")
_NETLOC = re.compile(r"(?:\[[^\[\]%]+\]|[^\[\]:]+)(?::[0-9]*)?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
# The old and the new IDNA standard send these to different hosts.
_IDNA_DEVIATIONS = frozenset("\u00df\u1e9e\u03c2\u200c\u200d")


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that was read, ready to be resolved.

    Attributes:
        scheme: ``https`` or ``http``, or what `server_target` was given.
        host: ASCII, in lower case, without brackets: a name or a canonical IP address.
        port: The port, also when the URL leaves it out.
        resource: Path and query as they are sent. May be a secret, and so is not in the repr.
    """

    scheme: str
    host: str
    port: int
    resource: str

    @property
    def origin(self) -> str:
        """Scheme, host and port, if it is not the usual one: what messages may show."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == _PORTS.get(self.scheme)
        return f"{self.scheme}://{host}" if usual else f"{self.scheme}://{host}:{self.port}"

    def __repr__(self) -> str:
        return f"Target({self.origin!r})"


_PORTS = {"https": 443, "http": 80}


def parse_url(url: str, *, allow_http: bool = False) -> Target:
    """Read a URL.

    Args:
        url: An absolute URL. Names with other than ASCII letters are encoded with IDNA.
        allow_http: Take ``http`` as well as ``https``.

    Raises:
        OutboundRefused: It is no URL, has another scheme or a user part, or is ambiguous.
    """
    if len(url) > MAX_URL_LENGTH or _AMBIGUOUS.search(url):
        raise OutboundRefused(
            "The URL has blanks, control characters or backslashes, or is too long.",
            fix="Give an absolute URL such as https://example.com/hook; encode blanks as %20.",
        )
    try:
        parts = urlsplit(url)
        port = parts.port
        hostname = parts.hostname or ""
    except ValueError:
        raise _unreadable() from None
    if parts.scheme not in _PORTS:
        raise OutboundRefused(
            "Only https URLs are allowed.", fix="Give a URL that begins with https://."
        )
    if parts.scheme == "http" and not allow_http:
        raise OutboundRefused(
            "The URL is http, which anybody on the way can read and change.",
            fix="Use https, or pass allow_http=True for a server on your own network.",
        )
    if "@" in parts.netloc:
        raise OutboundRefused(
            "The URL has a user part before its host.",
            fix="Leave it out, and pass credentials as a header such as Authorization.",
        )
    if port == 0 or not _NETLOC.fullmatch(parts.netloc):
        raise _unreadable()
    host = _host(hostname, bracketed=parts.netloc.startswith("["))
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~?[]")
    resource = f"{path}?{query}" if query else path
    return Target(parts.scheme, host, port or _PORTS[parts.scheme], resource)


def server_target(scheme: str, host: str, port: int) -> Target:
    """Read the name or the IP address of a server that is reached by another protocol than HTTP.

    Args:
        scheme: What the protocol is called in messages.
        host: As for `parse_url`; an IPv6 address without brackets.
        port: The port.

    Raises:
        OutboundRefused: It is neither, or is ambiguous.
    """
    return Target(scheme, _host(host, bracketed=":" in host), port, "")


def _host(hostname: str, *, bracketed: bool) -> str:
    if bracketed:
        try:
            return str(IPv6Address(hostname))
        except AddressValueError:
            raise _unreadable() from None
    name = _ascii(hostname)
    labels = name.removesuffix(".").split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _unreadable()
    if _NUMERIC.fullmatch(labels[-1]):
        # Resolvers read 0x7f.1, 127.1 and 2130706433 as addresses; only the usual form is taken.
        try:
            return str(IPv4Address(".".join(labels)))
        except AddressValueError:
            raise OutboundRefused(
                "The host is an IP address in an unusual notation.",
                fix="Write it as four decimal numbers, or use the host's name.",
            ) from None
    return name


def _ascii(hostname: str) -> str:
    if hostname.isascii():
        return hostname.lower()
    if _IDNA_DEVIATIONS.intersection(hostname):
        raise OutboundRefused(
            "The host has a letter that stands for two hosts in two standards.",
            fix="Write the host in its ASCII form, which begins with xn--.",
        )
    try:
        return hostname.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise _unreadable() from None


def _unreadable() -> OutboundRefused:
    return OutboundRefused(
        "The host or the port of the URL cannot be read.",
        fix="Give an absolute URL such as https://example.com/hook.",
    )
