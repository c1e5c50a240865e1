"""How bytes go: through proxies, with the certificates that are trusted, as long as they go on."""

import asyncio
import datetime
import http.client
import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest

from brickwork.testing.listening import Exchange, Reply, listening
from brickwork.testing.task import no_waiting
from brickwork_slack import (
    File,
    SlackError,
    SlackUnavailable,
    download_file,
    read_file,
    upload_file,
)
from brickwork_slack.files import transfer
from brickwork_slack.testing import SlackServer
from brickwork_slack.testing.faults import Fault

BRICKS = b"bricks, " * 100_000


@pytest.fixture(params=["plain", "aio"])
def way(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """What calls a task, or awaits it."""
    if request.param == "plain":
        return lambda task, *args, **kwargs: task(*args, **kwargs)
    return lambda task, *args, **kwargs: asyncio.run(task.aio(*args, **kwargs))


@contextmanager
def proxy() -> Iterator[tuple[str, list[str]]]:
    """Run a proxy for http, and give its URL and the paths that it was asked for."""
    seen: list[str] = []

    def serve(exchange: Exchange) -> Reply:
        parts = urlsplit(exchange.target)
        seen.append(parts.path)
        onward = http.client.HTTPConnection(parts.netloc, timeout=30)
        headers = {name: value for name, value in exchange.headers.items() if name != "Host"}
        try:
            path = parts._replace(scheme="", netloc="").geturl()
            onward.request(exchange.method, path, exchange.body(), headers)
            answer = onward.getresponse()
            body = answer.read()
        finally:
            onward.close()
        kept = {name: value for name, value in answer.getheaders() if name != "Content-Length"}
        return Reply(answer.status, kept, body)

    with listening(serve, threading.Event()) as url:
        yield url, seen


def test_bytes_go_through_the_proxy(slack_server: SlackServer, way: Callable[..., Any]) -> None:
    """That of the credentials, both ways."""
    with proxy() as (url, seen):
        behind = slack_server.credentials(client_options={"proxy": url})
        file: File = way(upload_file, behind, BRICKS, name="wall.txt")
        assert way(read_file, behind, file.id) == BRICKS
    places = [path.split("/")[1] for path in seen]
    assert places == ["api", "upload", "api", "api", "files-pri"]


def test_a_proxy_of_the_environment_counts_where_none_is_given(
    slack_server: SlackServer, way: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless NO_PROXY names the host."""
    with proxy() as (url, seen):
        monkeypatch.setenv("http_proxy", url)
        way(upload_file, slack_server.credentials(), BRICKS, name="wall.txt")
        assert len(seen) == 3
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        way(upload_file, slack_server.credentials(), BRICKS, name="wall.txt")
        assert len(seen) == 3


def test_an_event_loop_is_not_blocked(
    slack_server: SlackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is awaited never moves bytes by urllib."""

    def blocks(*_: object) -> None:
        raise AssertionError("bytes were moved by what blocks")

    monkeypatch.setattr(transfer, "_Blocking", blocks)
    robot = slack_server.credentials()

    async def there_and_back() -> bytes:
        file = await upload_file.aio(robot, BRICKS, name="wall.txt")
        await download_file.aio(robot, file.id, tmp_path / "copy.txt")
        return await read_file.aio(robot, file.id)

    assert asyncio.run(there_and_back()) == BRICKS
    assert (tmp_path / "copy.txt").read_bytes() == BRICKS


def certificate(folder: Path) -> Path:
    """Write a certificate for 127.0.0.1 with its key, which is its own authority."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.UTC)
    host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(host, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "loopback.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


class _Keeps(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        cast("Any", self.server).kept.append(body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""


@contextmanager
def encrypted(certificate: Path) -> Iterator[tuple[str, list[bytes]]]:
    """Run a server with TLS, and give its URL and what it was sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Keeps)
    kept: list[bytes] = []
    cast("Any", server).kept = kept
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}", kept
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_server_must_be_one_that_is_trusted(
    slack_server: SlackServer, way: Callable[..., Any], tmp_path: Path
) -> None:
    """By the credentials' authorities; a strange one is refused at once, with what to do."""
    path = certificate(tmp_path)
    slack_server.answer("files.completeUploadExternal", {"files": []})
    with encrypted(path) as (url, kept):
        ticket = {"upload_url": f"{url}/upload", "file_id": "F0001"}
        slack_server.answer("files.getUploadURLExternal", ticket)
        trusting = slack_server.credentials(client_options={"ca_bundle": str(path)})
        way(upload_file, trusting, BRICKS, name="wall.txt")
        careless = slack_server.credentials(client_options={"verify": False})
        way(upload_file, careless, b"x", name="x.txt")
        assert kept == [BRICKS, b"x"]
        asked = len(slack_server.requests)
        with pytest.raises(SlackError) as caught:
            way(upload_file, slack_server.credentials(), b"y", name="y.txt")
        assert not isinstance(caught.value, SlackUnavailable)
        assert "ca_bundle" in caught.value.fix
        assert len(slack_server.requests) == asked + 1
        assert len(kept) == 2


def test_a_host_that_is_not_there_is_named(
    slack_server: SlackServer, way: Callable[..., Any]
) -> None:
    """Without the path, by which anybody could upload."""
    ticket = {"upload_url": "http://127.0.0.1:1/upload/v1/secret", "file_id": "F0001"}
    slack_server.answer("files.getUploadURLExternal", ticket)
    with no_waiting(), pytest.raises(SlackUnavailable) as caught:
        way(upload_file, slack_server.credentials(), b"x", name="x.txt")
    assert "http://127.0.0.1:1 (" in str(caught.value)
    assert "secret" not in str(caught.value)


@contextmanager
def stalling(first: bytes) -> Iterator[str]:
    """Run a server that sends a begin, and then nothing more; or takes nothing, for no begin."""
    over = threading.Event()

    class Stalls(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            self.wfile.write(first)
            over.wait(30)

        def do_POST(self) -> None:
            over.wait(30)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Stalls)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_transfer_that_stalls_is_given_up(
    slack_server: SlackServer, way: Callable[..., Any]
) -> None:
    """In its midst, after the time-out of the credentials: downloads and uploads."""
    hasty = slack_server.credentials(client_options={"timeout": 0.3, "retries": 0})
    file = upload_file(slack_server.credentials(), BRICKS, name="wall.txt")
    with stalling(b"bricks") as url:
        slack_server.fail("download", Fault(302, b"", {"Location": f"{url}/x"}), times=3)
        with no_waiting(), pytest.raises(SlackUnavailable, match="took too long"):
            way(read_file, hasty, file.id)
        ticket = {"upload_url": f"{url}/upload", "file_id": "F0001"}
        slack_server.answer("files.getUploadURLExternal", ticket)
        with no_waiting(), pytest.raises(SlackUnavailable, match="took too long"):
            way(upload_file, hasty, bytes(64 << 20), name="large.bin")
