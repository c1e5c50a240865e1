"""Servers on 127.0.0.1 that behave, or misbehave, as a test says; with TLS if it wants."""

import json
import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey as _Key


@dataclass(frozen=True)
class Request:
    """A request as it came over the wire.

    Attributes:
        line: The first line: method, resource, version.
        headers: Names in lower case.
        body: The body.
    """

    line: str
    headers: dict[str, str]
    body: bytes


class Peer:
    """The server's side of one connection."""

    def __init__(self, sock: socket.socket, closing: Event) -> None:
        self._sock = sock
        self._closing = closing

    def send(self, data: bytes) -> None:
        """Send bytes, as they are."""
        self._sock.sendall(data)

    def pause(self, seconds: float | None = None) -> bool:
        """Wait, at most until the test ends; tell whether it did."""
        return self._closing.wait(seconds)

    def reset(self) -> None:
        """Break the connection off, as a crash would."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()


Serve = Callable[[Peer, Request], None]


class LoopbackServer:
    """Reads one request of each connection and hands it to ``serve``.

    Args:
        serve: Answers; called in a thread of its own for each connection.
        tls: Server-side TLS settings, for example of `LoopbackAuthority.server_context`.

    Attributes:
        port: The port that it listens on.
        connections: How many connections were made.
        requests: What was received.
    """

    def __init__(self, serve: Serve, *, tls: ssl.SSLContext | None = None) -> None:
        self._serve = serve
        self._tls = tls
        self._closing = Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[Thread] = []
        self.connections = 0
        self.requests: list[Request] = []

    def bodies(self) -> list[Any]:
        """Return what was received, for requests whose bodies are JSON."""
        return [json.loads(request.body) for request in self.requests]

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        # A listener that is only closed leaves accept() waiting.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:  # closed
                return
            self.connections += 1
            self._start(self._talk, sock)

    def _talk(self, sock: socket.socket) -> None:
        sock.settimeout(5)
        # What the other side does to the connection is the test's matter, not an error here.
        with suppress(OSError), sock:
            if self._tls is None:
                self._answer(sock)
            else:
                with self._tls.wrap_socket(sock, server_side=True) as secure:
                    self._answer(secure)

    def _answer(self, sock: socket.socket) -> None:
        request = _read_request(sock)
        if request is not None:
            self.requests.append(request)
            self._serve(Peer(sock, self._closing), request)


def _read_request(sock: socket.socket) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        part = sock.recv(65536)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    line, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (h.partition(":") for h in rest)}
    while len(body) < int(headers.get("content-length", "0")):
        part = sock.recv(65536)
        if not part:
            return None
        body += part
    return Request(line, headers, body)


def reply(status: int = 200, body: bytes = b"", headers: dict[str, str] | None = None) -> Serve:
    """Make a function that answers every request in the same way."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    answer = "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    def serve(peer: Peer, request: Request) -> None:  # noqa: ARG001  # what Serve takes
        peer.send(answer)

    return serve


def in_turn(*answers: Serve) -> Serve:
    """Make a function that answers each request in another way, in this order."""
    rest = iter(answers)
    return lambda peer, request: next(rest)(peer, request)


class LoopbackAuthority:
    """A certificate authority for tests, new each time.

    Attributes:
        pem: Its certificate.
    """

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.asymmetric import ec

        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = "Loopback test authority"
        self.pem = self._certificate(self._name, self._key, []).decode("ascii")

    def server_context(self, *names: str) -> ssl.SSLContext:
        """Return TLS settings of a server with a certificate for these names or IP addresses."""
        from tempfile import NamedTemporaryFile

        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        key_pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with NamedTemporaryFile(suffix=".pem") as file:  # the ssl module reads only files
            file.write(key_pem + self._certificate(names[0], key, list(names)))
            file.flush()
            context.load_cert_chain(file.name)
        return context

    def _certificate(self, common_name: str, key: "_Key", names: list[str]) -> bytes:
        from datetime import UTC, datetime, timedelta

        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.x509.oid import NameOID

        def named(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(named(common_name))
            .issuer_name(named(self._name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )
        if names:
            alternative = x509.SubjectAlternativeName([_general_name(name) for name in names])
            builder = builder.add_extension(alternative, critical=False)
        signed = builder.sign(self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)


def _general_name(text: str) -> "x509.GeneralName":
    from ipaddress import ip_address

    from cryptography import x509

    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)
