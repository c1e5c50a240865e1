"""Routes under load: nothing is lost or doubled, whatever the targets do and whoever shares them.

``BRICKWORK_ATTACK_SCALE`` of 10 repeats the shared part with ten times as many notifications.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict

import pytest

from brickwork import Notification, NotifyRoute, Receipt, RouteTarget, Severity, Webhook
from brickwork.testing.concurrent import in_threads, peak_memory
from brickwork.testing.loopback import LoopbackServer, Peer, Request, reply

pytestmark = pytest.mark.attack

SCALE = int(os.environ.get("BRICKWORK_ATTACK_SCALE", "1"))
COUNT = 1000
SENDERS = 8
THREADS = 20
MEMORY = 32 * 1024 * 1024


class Taking:
    """A server that takes notifications, and now and then asks all to wait."""

    def __init__(self, *, every: int | None = None) -> None:
        self._every = every
        self._lock = threading.Lock()
        self._until = 0.0
        self._seen = 0
        self.taken: list[tuple[str | None, str]] = []
        self.refused = 0

    def __call__(self, peer: Peer, request: Request) -> None:
        with self._lock:
            self._seen += 1
            if self._every and self._seen % self._every == 0:
                self._until = time.monotonic() + 1.0
            if time.monotonic() < self._until:
                self.refused += 1
                answer = reply(429, headers={"Retry-After": "1"})
            else:
                sent = json.loads(request.body)
                self.taken.append((sent["thread_key"], sent["title"]))
                answer = reply(204)
        answer(peer, request)


def hook(port: int) -> Webhook:
    """A webhook on loopback."""
    url = f"http://127.0.0.1:{port}/hook"
    return Webhook(url=url, allow_private=True, allow_http=True, retry_seconds=30)


def closed_port() -> int:
    """A port where nobody listens."""
    with LoopbackServer(reply()) as gone:
        return gone.port


def test_a_thousand_notifications() -> None:
    """One target takes all, one is down and has a stand-in, one answers 429 with Retry-After.

    None is lost, none doubled, each thread keeps its order at each target, and memory is bounded.
    """
    good, limited, standby = Taking(), Taking(every=150), Taking()
    receipts: list[Receipt] = []
    with (
        LoopbackServer(good) as one,
        LoopbackServer(limited) as two,
        LoopbackServer(standby) as three,
    ):
        hook(one.port).save("good")
        # It is found to be down once, and that must not take as long as its retries.
        hook(closed_port()).model_copy(update={"retry_seconds": 0}).save("down")
        hook(three.port).save("standby")
        hook(two.port).save("limited")
        NotifyRoute(
            targets=[
                RouteTarget(to=Webhook.load("good")),
                RouteTarget(to=Webhook.load("down")),
                RouteTarget(to=Webhook.load("standby"), backup=True),
                RouteTarget(to=Webhook.load("limited")),
            ],
            rest_seconds=600,
        ).save("load")
        route = NotifyRoute.load("load")

        def send(sender: int) -> None:
            # A thread of notifications belongs to one sender: so its order is known.
            for number in range(COUNT // SENDERS):
                key = f"{sender}-{number % (THREADS // 4)}"
                title = str(number + 1)
                receipts.append(route.send(Notification(title, thread_key=key)))

        peak = peak_memory(lambda: in_threads([lambda s=s: send(s) for s in range(SENDERS)]))  # type: ignore[misc]  # mypy cannot infer the lambda

    assert len(receipts) == COUNT
    assert all(receipt.delivered for receipt in receipts)
    assert limited.refused > 0, "the limit was never reached, so nothing is shown"
    expected = Counter(
        (f"{sender}-{number % (THREADS // 4)}", str(number + 1))
        for sender in range(SENDERS)
        for number in range(COUNT // SENDERS)
    )
    for server in (good, standby, limited):
        assert Counter(server.taken) == expected
        order: dict[str | None, list[int]] = defaultdict(list)
        for key, number in server.taken:
            order[key].append(int(number))
        assert all(numbers == sorted(numbers) for numbers in order.values())
    down = [part for receipt in receipts for part in receipt.parts if part.target == "webhook/down"]
    assert len(down) == COUNT
    assert all(part.status == "failed" for part in down)
    assert sum(part.attempts for part in down) <= SENDERS, "a target that is down was not rested"
    assert peak < MEMORY, f"{peak / 2**20:.1f} MiB"


_PROCESS = """
import sys
from brickwork import Notification, NotifyRoute, Severity

route = NotifyRoute.load("shared")
key, count = sys.argv[1], int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
for number in range(count):
    receipt = route.send(Notification("1", severity=Severity.ERROR, dedupe_key=key or None))
    print(receipt.status.value, receipt.detail)
"""


def shared(key: str, count: int) -> list[str]:
    """Send from four processes at once; return what became of each notification."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _PROCESS, key, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    lines: list[str] = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        lines += out.splitlines()
    return lines


def test_four_processes_tell_an_incident_once() -> None:
    """Four processes that share a route tell one incident once; all the others are counted."""
    server = Taking()
    count = 50 * SCALE
    with LoopbackServer(server) as one:
        NotifyRoute(targets=[RouteTarget(to=hook(one.port))], dedupe_seconds=3600).save("shared")
        statuses = Counter(line.split()[0] for line in shared("db", count))
        (told,) = NotifyRoute.load("shared").flush()

    assert statuses == {"delivered": 1, "held": 4 * count - 1}
    assert told.delivered
    body = json.loads(one.requests[-1].body)["body"]
    assert body.startswith(f"{4 * count - 1} more like this since ")


def test_four_processes_share_a_throttle() -> None:
    """Four processes that share a route together send no more than it allows."""
    server = Taking()
    count = 50 * SCALE
    with LoopbackServer(server) as one:
        NotifyRoute(
            targets=[RouteTarget(to=hook(one.port))], max_notifications=10, throttle_seconds=3600
        ).save("shared")
        statuses = Counter(line.split()[0] for line in shared("", count))
        NotifyRoute.load("shared").flush()

    assert statuses == {"delivered": 10, "held": 4 * count - 10}
    told = json.loads(one.requests[-1].body)
    assert told["title"] == f"{4 * count - 10} notifications were held back"
    assert told["severity"] == Severity.ERROR
