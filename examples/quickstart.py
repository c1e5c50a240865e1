"""Brickwork in one run: a vault, credentials loaded by name, and a flow over S3 that is killed.

Starts what it needs on 127.0.0.1 (an S3 server and a webhook's receiver), keeps everything else in
a temporary folder, and ends both when it is done. Run it with ``hatch run demo``.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from brickwork import NotifyRoute, RouteTarget, Webhook, verify_signature
from brickwork_aws import AwsCredentials, S3Bucket, s3_presign
from brickwork_aws.testing import seaweedfs
from brickwork_flows import flow, task
from publish import Published, publish

BRICKWORK = (sys.executable, "-m", "brickwork")
SOURCES = Path(__file__).parents[1] / "core" / "src"
SIGNING_SECRET = "whsec_" + "ZGVtby1vbmx5LXNpZ25pbmctc2VjcmV0LTMyLWJ5dGVz"
IN_ANOTHER_PROCESS = """
from brickwork_aws import S3Bucket
bucket = S3Bucket.load("reports")
print(f"{bucket.address} with {bucket.credentials.address}, {bucket.check().ok}")
"""


@task
def be_killed(marker: Path) -> None:
    """Kill this process as the system would, the first time."""
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)


@flow
def interrupted(folder: Path, marker: Path) -> Published:
    """Publish a folder, in a process that is killed before the end, once."""
    published = publish(folder)
    be_killed(marker)
    return published


def main() -> None:
    """Run the whole story, and print what happened."""
    out = Console()
    steps = Table("step", "what happened", "seconds", title="Brickwork quickstart")
    began = time.monotonic()

    def done(step: str, what: str) -> None:
        nonlocal began
        steps.add_row(step, what, f"{time.monotonic() - began:.2f}")
        out.print(f"[green]done[/] {step}: {what}")
        began = time.monotonic()

    with tempfile.TemporaryDirectory() as home, seaweedfs() as server, receiver() as inbox:
        # A fresh vault: its database and its key are in two folders below this one.
        os.environ["BRICKWORK_HOME"] = home
        done("start S3", f"SeaweedFS at {server.endpoint_url}")

        AwsCredentials(
            region=server.region,
            access_key_id=server.access_key_id,
            secret_access_key=server.secret_access_key,
            endpoint_url=server.endpoint_url,
        ).save("prod")
        name = server.create_bucket("reports")
        S3Bucket(bucket=name, credentials=AwsCredentials.load("prod")).save("reports")
        Webhook(
            url=inbox.url, signing_secret=SIGNING_SECRET, allow_private=True, allow_http=True
        ).save("ops")
        NotifyRoute(targets=[RouteTarget(to=Webhook.load("ops"))]).save("ops")
        done("save blocks", "credentials and a bucket of S3, a webhook, a route to it")

        answer = subprocess.run(
            [sys.executable, "-c", IN_ANOTHER_PROCESS], check=True, capture_output=True, text=True
        )
        done("load by name elsewhere", answer.stdout.strip())

        marker = Path(home) / "killed"
        target = [f"{__file__}:interrupted", "-p", f"folder={SOURCES}", "-p", f"marker={marker}"]
        killed = subprocess.run([*BRICKWORK, "flow", "run", *target, "--quiet"], check=False)
        assert killed.returncode == -signal.SIGKILL
        (run,) = asked("run", "ls", "--state", "crashed")["runs"]
        done("run a flow", f"{run['run_name']}: killed in the middle, its state is {run['state']}")

        resumed = asked("run", "resume", run["id"])["result"]
        uploads = [
            each
            for each in asked("run", "show", run["id"])["tasks"]
            if each["name"] == "s3_upload_folder"
        ]
        assert [each["attempts"] for each in uploads] == [1]
        done(
            "resume it", f"{resumed['files']} files, {resumed['size']:,} bytes; uploaded only once"
        )

        again = asked("flow", "run", *target)["id"]
        states = [each["states"][-1]["name"] for each in asked("run", "show", again)["tasks"]]
        done("run it again", f"of {len(states)} tasks {states.count('Cached')} were cached")

        chosen = "sources/brickwork/__init__.py"
        url = s3_presign(S3Bucket.load("reports"), chosen, expires_seconds=60)
        with urllib.request.urlopen(url) as response:
            content = response.read()
        assert content == (SOURCES / "brickwork" / "__init__.py").read_bytes()
        done("download by presigned URL", f"{len(content):,} bytes, equal to the file")

        assert inbox.received == ["publish completed"]
        done("notify by a route", "the signature was right; what came a second time was held back")

    out.print(steps)


def asked(*arguments: str) -> Any:
    """Return what ``brickwork`` prints as JSON, in a process of its own."""
    done = subprocess.run(
        [*BRICKWORK, *arguments, "--json"], check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout)


class Inbox(ThreadingHTTPServer):
    """What the webhook's receiver got, verified."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.received: list[str] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}/hook"


class Receiver(BaseHTTPRequestHandler):
    """Takes only what is signed with the secret that both sides know."""

    server: Inbox

    def do_POST(self) -> None:
        """Receive one notification."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        genuine = verify_signature(dict(self.headers), body, SIGNING_SECRET)
        if genuine:
            self.server.received.append(json.loads(body)["title"])
        self.send_response(204 if genuine else 401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the terminal for the story."""


@contextmanager
def receiver() -> Iterator[Inbox]:
    """Listen on loopback while the block runs."""
    with Inbox() as inbox:
        threading.Thread(target=inbox.serve_forever, daemon=True).start()
        try:
            yield inbox
        finally:
            inbox.shutdown()


if __name__ == "__main__":
    main()
