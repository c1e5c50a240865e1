"""The way to the service: by a proxy, and by TLS with a certificate authority of one's own."""

import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from brickwork import BrickworkError, Secret
from brickwork.testing.task import no_waiting
from brickwork_aws import (
    AwsCredentials,
    AwsError,
    ClientOptions,
    S3Bucket,
    dynamodb_get_item,
    lambda_invoke,
    s3_list,
    s3_read,
    s3_write,
    sqs_send_message,
    sts_get_identity,
)
from brickwork_aws.testing.sts import Sts, sts_server


def _block(url: str, **options: Any) -> AwsCredentials:
    return AwsCredentials(
        access_key_id="AKIAEXAMPLE",
        secret_access_key=Secret("sentinel-secret-1"),
        region="eu-west-1",
        endpoint_url=url,
        client_options=ClientOptions(max_attempts=1, **options),
    )


class _Proxy(ThreadingHTTPServer):
    """Refuses all, and notes what it was asked for and by whom."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Refusal)
        self.asked: list[tuple[str, str]] = []


class _Refusal(BaseHTTPRequestHandler):
    server: _Proxy

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, self.headers.get("Proxy-Authorization", "")))
        self.send_response(403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def proxy() -> Iterator[_Proxy]:
    """A proxy on loopback."""
    with _Proxy() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_requests_go_by_the_proxy(proxy: _Proxy) -> None:
    """With the user and the password that its URL has; the error shows neither."""
    through = Secret(f"http://user:sentinel-pass@127.0.0.1:{proxy.server_port}")
    with pytest.raises(AwsError) as caught:
        sts_get_identity(_block("http://sts.invalid", proxy=through))
    assert proxy.asked == [("http://sts.invalid/", "Basic dXNlcjpzZW50aW5lbC1wYXNz")]
    assert "sentinel" not in str(caught.value)


def test_answers_come_by_the_proxy(sts: Sts) -> None:
    """Of a host whose name nobody here knows."""
    found = sts_get_identity(_block("http://sts.invalid", proxy=Secret(sts.url)))
    assert found.account == "123456789012"


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """The file of a certificate for 127.0.0.1, which signed itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    loopback = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(loopback, critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding, none = serialization.Encoding.PEM, serialization.NoEncryption()
    pem = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, none)
    path = tmp_path / "authority.pem"
    path.write_bytes(made.public_bytes(encoding) + pem)
    return path


def test_a_certificate_authority_of_ones_own_is_trusted(authority: Path) -> None:
    """Only by whom its file is given; else the error says so, and nothing is asked again."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority)
    with sts_server() as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        url = f"https://127.0.0.1:{server.server_port}"
        found = sts_get_identity(_block(url, ca_bundle=str(authority)))
        assert found.account == "123456789012"
        with no_waiting() as waits, pytest.raises(AwsError, match="No trusted TLS") as caught:
            sts_get_identity(_block(url))
    assert "ca_bundle" in caught.value.fix
    assert waits == []


class _Portal(ThreadingHTTPServer):
    """Answers everybody with the same page, as the login page of a network does."""

    daemon_threads = True
    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Page)


class _Page(BaseHTTPRequestHandler):
    server: _Portal

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        data = b"\n<!DOCTYPE html><html><body>Log in, please</body></html>"
        self.send_response(self.server.status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_POST  # noqa: N815  # as http.server calls them

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize("status", [200, 302, 403, 404])
def test_the_page_of_a_network_is_no_answer(status: int) -> None:
    """An empty bucket, an item that lacks and a permission that lacks are something else."""
    with _Portal() as portal:
        threading.Thread(target=portal.serve_forever, daemon=True).start()
        portal.status = status
        block = _block(f"http://127.0.0.1:{portal.server_port}")
        bucket = S3Bucket(bucket="reports", credentials=block)
        asking: list[Callable[[], object]] = [
            lambda: s3_list(bucket),
            lambda: s3_read(bucket, "a"),
            lambda: s3_write(bucket, "a", "text"),
            lambda: dynamodb_get_item(block, "orders", {"id": 1}),
            lambda: sqs_send_message(block, "orders", "text"),
            lambda: sts_get_identity(block),
            lambda: lambda_invoke(block, "nightly"),
        ]
        for ask in asking:
            with no_waiting() as waits, pytest.raises(BrickworkError) as caught:
                ask()
            assert "What answered is not the service" in caught.value.what
            assert "endpoint_url" in caught.value.fix
            assert waits == []
        finding = block.check().findings[-1]
        assert (finding.status, finding.what) == ("failed", "identity")
        assert "What answered is not the service" in finding.detail
        portal.shutdown()


def test_pages_of_html_can_be_kept_in_s3(s3_bucket: S3Bucket) -> None:
    """They are no strangers."""
    page = "<!DOCTYPE html><html></html>"
    s3_write(s3_bucket, "index.html", page)
    assert s3_read(s3_bucket, "index.html") == page.encode()
