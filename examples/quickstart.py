"""Brickwork in one run: a vault, credentials loaded by name, S3, a notification.

Starts what it needs on 127.0.0.1 (an S3 server and a webhook's receiver), keeps everything else in
a temporary folder, and ends both when it is done. Run it with ``hatch run demo``.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from rich.console import Console
from rich.progress import Progress as Bar
from rich.table import Table

from brickwork import (
    NotifyRoute,
    Progress,
    RouteTarget,
    Webhook,
    notify,
    on_progress,
    verify_signature,
)
from brickwork_aws import (
    AwsCredentials,
    S3Bucket,
    s3_list,
    s3_presign,
    s3_upload_folder,
)
from brickwork_aws.testing import seaweedfs

SOURCES = Path(__file__).parents[1] / "core" / "src"
SIGNING_SECRET = "whsec_" + "ZGVtby1vbmx5LXNpZ25pbmctc2VjcmV0LTMyLWJ5dGVz"
IN_ANOTHER_PROCESS = """
from brickwork_aws import S3Bucket
bucket = S3Bucket.load("reports")
print(f"{bucket.address} with {bucket.credentials.address}, {bucket.check().ok}")
"""


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

        bucket = S3Bucket.load("reports")
        with Bar(console=out) as bar, on_progress(shown_on(bar)):
            keys = s3_upload_folder(bucket, SOURCES, "sources", include=["*.py"])
        done("upload a folder", f"{len(keys)} files, in parallel")

        objects = s3_list(bucket, "sources/")
        assert {found.key for found in objects} == set(keys)
        done("list", f"{len(objects)} objects, {sum(found.size for found in objects):,} bytes")

        chosen = "sources/brickwork/__init__.py"
        url = s3_presign(bucket, chosen, expires_seconds=60)
        with urllib.request.urlopen(url) as response:
            content = response.read()
        assert content == (SOURCES / "brickwork" / "__init__.py").read_bytes()
        done("download by presigned URL", f"{len(content):,} bytes, equal to the file")

        title, text = "Reports uploaded", f"{len(keys)} files"
        told, again = (
            notify("notify-route/ops", title=title, body=text, dedupe_key="reports")[0]
            for _ in range(2)
        )
        assert told.delivered, told.detail
        assert inbox.received == [title]
        done(
            "notify by a route",
            f"{told.status}, signature verified; the same again: {again.status}",
        )

    out.print(steps)


def shown_on(bar: Bar) -> Callable[[Progress], None]:
    """Return a listener that shows a task's progress on a bar."""
    row = bar.add_task("uploading", total=None)

    def show(progress: Progress) -> None:
        bar.update(row, completed=progress.done, total=progress.total)

    return show


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
