"""Resolving once, judging every address, and connecting to what was judged."""

import io
import os
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from http.client import HTTPException
from threading import Thread
from typing import Any

from brickwork.builtin.outbound.addresses import Address, parse_address, refusal
from brickwork.builtin.outbound.target import Target
from brickwork.errors import OutboundFailed, OutboundRefused

MAX_ADDRESSES = 8  # that are tried, one after the other
MAX_HEADER_BYTES = 64 * 1024

Resolve = Callable[[str, int], Sequence[str]]
"""Takes host and port, returns IP addresses; raises OSError when there are none."""


class Deadline:
    """A point in time until which everything has to be done."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds left. Raises TimeoutError when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def system_resolve(host: str, port: int) -> Sequence[str]:
    """Ask the operating system."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def judged_addresses(
    target: Target, deadline: Deadline, *, allow_private: bool, resolve: Resolve
) -> list[Address]:
    """Resolve a target's host once, and return its addresses if all of them are allowed.

    Raises:
        OutboundRefused: One of them is not.
        OutboundFailed: The host has none, or the resolver took too long.
    """
    try:
        addresses = [parse_address(text) for text in _resolve(target, deadline, resolve)]
    except TimeoutError:
        raise OutboundFailed(
            f"{target.origin}: resolving the host took too long.", sent=False
        ) from None
    except OSError:
        addresses = []
    except ValueError:
        raise OutboundRefused(f"{target.origin}: the resolver gave no IP address.") from None
    if not addresses:
        raise OutboundFailed(
            f"{target.origin}: the host has no address.",
            sent=False,
            fix="Check the name of the host, and that this machine's DNS works.",
        )
    for address in addresses:
        reason = refusal(address, allow_private=allow_private)
        if reason is not None:
            opens = not allow_private and refusal(address, allow_private=True) is None
            raise OutboundRefused(
                f"{target.origin} has the address {address}, and {reason}.",
                fix="Pass allow_private=True if the server is on your own network."
                if opens
                else "Give the URL of a public server.",
            )
    return addresses[:MAX_ADDRESSES]


def _resolve(target: Target, deadline: Deadline, resolve: Resolve) -> Sequence[str]:
    try:
        return [str(parse_address(target.host))]
    except ValueError:
        pass  # a name
    answer: list[Sequence[str] | Exception] = []

    def ask() -> None:
        try:
            answer.append(resolve(target.host, target.port))
        except Exception as error:  # noqa: BLE001  # raised again in the caller's thread
            answer.append(error)

    # getaddrinfo has no time-out, so it is waited for in a thread of its own.
    thread = Thread(target=ask, name="brickwork-resolve", daemon=True)
    thread.start()
    thread.join(deadline.remaining())
    if not answer:
        raise TimeoutError
    if isinstance(answer[0], Exception):
        raise answer[0]
    return answer[0]


def connect(
    target: Target, addresses: Sequence[Address], deadline: Deadline, context: ssl.SSLContext | None
) -> socket.socket:
    """Connect to the first of the addresses that answers; with TLS where a context is given.

    The certificate is checked against the host of the target, not against the address.

    Raises:
        OutboundFailed: None of them answers, or TLS fails.
    """
    sock = _connect_tcp(target, addresses, deadline)
    return sock if context is None else secured(sock, target, deadline, context)


def secured(
    sock: socket.socket, target: Target, deadline: Deadline, context: ssl.SSLContext
) -> ssl.SSLSocket:
    """Begin TLS on a connection, which is closed where that fails.

    Raises:
        OutboundFailed: TLS fails.
    """
    try:
        sock.settimeout(deadline.remaining())
        return context.wrap_socket(sock, server_hostname=target.host.removesuffix("."))
    except ssl.SSLCertVerificationError as error:
        failure = OutboundFailed(
            f"{target.origin}: the server's certificate is not trusted: {error.verify_message}.",
            sent=False,
            fix="Mend the certificate, or give the authority that signed it as ca_certificates.",
        )
    except (OSError, ValueError) as error:
        failure = OutboundFailed(f"{target.origin}: TLS failed: {reason_of(error)}.", sent=False)
    sock.close()
    raise failure


def _connect_tcp(target: Target, addresses: Sequence[Address], deadline: Deadline) -> socket.socket:
    reason = "time-out"
    for tried, address in enumerate(addresses):
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(deadline.remaining() / (len(addresses) - tried))
            sock.connect((str(address), target.port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            reason = reason_of(error)
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise OutboundFailed(f"{target.origin} cannot be reached: {reason}.", sent=False)


def reason_of(error: Exception) -> str:
    """Say in some words why something failed; only words of the system, none of the data."""
    if isinstance(error, TimeoutError):
        return "time-out"
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no TLS").lower().replace("_", " ")
    if isinstance(error, ConnectionResetError):
        return "the server closed the connection"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return type(error).__name__


@lru_cache(maxsize=8)
def tls_context(ca_certificates: str | None, protocol: str | None = "http/1.1") -> ssl.SSLContext:
    """Make the TLS settings: TLS 1.2 or newer, certificate and host name checked.

    Args:
        ca_certificates: Authorities to trust instead of the system's, as PEM.
        protocol: What will be spoken, by its name for ALPN; None where it has none.

    Raises:
        OutboundRefused: They cannot be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks certificate and host name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if protocol is not None:
        context.set_alpn_protocols([protocol])
    if ca_certificates is None:
        context.load_default_certs()
        return context
    try:
        context.load_verify_locations(cadata=ca_certificates)
    except (ssl.SSLError, ValueError):
        raise OutboundRefused(
            "The certificates of the authorities to trust cannot be read.",
            fix="Give them as PEM: texts that begin with -----BEGIN CERTIFICATE-----.",
        ) from None
    return context


class TimedSocket:
    """What ``http.client`` needs of a socket, with one deadline for everything.

    A socket's own time-out begins anew with every byte, so a server could hold on for ever.
    """

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline
        self.allowance: float = MAX_HEADER_BYTES
        """How many more bytes may be read."""

    def sendall(self, data: Any) -> None:
        """Send everything."""
        view = memoryview(data).cast("B")
        while view:
            self._sock.settimeout(self._deadline.remaining())
            view = view[self._sock.send(view) :]

    def makefile(self, *_mode: Any) -> io.BufferedReader:
        """Return a reader of bytes."""
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        """Do nothing: who made the socket closes it."""

    def receive_into(self, buffer: Any) -> int:
        """Read some bytes."""
        if self.allowance <= 0:
            raise HTTPException("more header bytes than allowed")
        self._sock.settimeout(self._deadline.remaining())
        count = self._sock.recv_into(buffer)
        self.allowance -= count
        return count


class _Reader(io.RawIOBase):
    def __init__(self, sock: TimedSocket) -> None:
        self._sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._sock.receive_into(buffer)
