"""Notifications: what Brickwork adds to the request that carries one."""

import http.client
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.environments import Context
from benchmarks.measure import Row, each, quietest

_SERVER = """
import http.server

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


def measure(context: Context) -> Iterator[Row]:
    """Yield the rows of this part."""
    with receiver() as port, vault(context.folder):
        yield from _targets(context, port)
        yield _held(context)


@contextmanager
def receiver() -> Iterator[int]:
    """A receiver of webhooks on loopback, in a process of its own; gives its port."""
    command = [sys.executable, "-c", _SERVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


@contextmanager
def vault(folder: Path) -> Iterator[None]:
    """A fresh vault, in use."""
    from brickwork import Vault, use_vault

    opened = Vault.open(str(folder / "vault.db"), f"file:{folder / 'keys' / 'key'}")
    with opened, use_vault(opened):
        yield


def _targets(context: Context, port: int) -> Iterator[Row]:
    from brickwork import Notification, NotifyRoute, RouteTarget, Webhook

    hook = Webhook(url=f"http://127.0.0.1:{port}/hook", allow_private=True, allow_http=True)
    hook.save("ops")
    NotifyRoute(targets=[RouteTarget(to=Webhook.load("ops"))]).save("ops")
    route = NotifyRoute.load("ops")
    notification = Notification("Load failed", "3 of 40 files", fields={"run": "1742"})
    assert hook.send(notification).delivered
    assert route.send(notification).delivered

    def bare() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("POST", "/hook", b"x" * 400, {"content-type": "application/json"})
        assert connection.getresponse().read() == b""
        connection.close()

    times = context.some(2000)
    floor = quietest(each(bare, times)).median
    alone = quietest(each(lambda: hook.send(notification), times)).median
    routed = quietest(each(lambda: route.send(notification), times)).median
    name = "http.client, one request of the same size"
    yield Row("send to a webhook on loopback (p50)", ours=alone, other=floor, other_name=name)
    yield Row("the same by a saved route (p50)", ours=routed, other=alone, other_name="the webhook")


def _held(context: Context) -> Row:
    from brickwork import Console, Notification, NotifyRoute, RouteTarget

    os.environ["NO_COLOR"] = "1"
    NotifyRoute(targets=[RouteTarget(to=Console())], dedupe_seconds=3600).save("held")
    route = NotifyRoute.load("held")
    notification = Notification("Load failed", dedupe_key="load")
    shown, sys.stderr = sys.stderr, io.StringIO()
    try:
        route.send(notification)
        assert route.send(notification).status == "held"
        taken = quietest(each(lambda: route.send(notification), context.some(500))).median
    finally:
        sys.stderr = shown
    return Row("hold a repeated notification back (p50)", ours=taken, note="one durable commit")
