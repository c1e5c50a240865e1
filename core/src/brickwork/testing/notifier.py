"""The contract of notifiers: what arrives, and what a receipt may say about it.

::

    class TestTeamChat(NotifierContract):
        @pytest.fixture
        def counterpart(self):
            with HttpCounterpart(lambda url: TeamChat(url=url, timeout_seconds=0.5)) as server:
                yield server

A notifier that is not reached by HTTP brings a `Counterpart` of its own.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self
from urllib.parse import unquote

import pytest

from brickwork.fanout import notify
from brickwork.notifier import DeliveryStatus, Notification, Notifier, Receipt, Severity
from brickwork.secret import Secret
from brickwork.testing.base import Contract

URL_SECRET = "T0-counterpart-path-secret-9f2c"  # noqa: S105  # looked for where it must not be

_SENTINEL = "sentinel-that-must-not-leave-71c4d0"


class Behaviour(StrEnum):
    """How the service that a notifier talks to behaves."""

    OK = "ok"
    """Takes everything."""
    REFUSING = "refusing"
    """Says no for good: HTTP 404."""
    RATE_LIMITING = "rate-limiting"
    """Asks to try again at once, HTTP 429 with ``Retry-After: 0``, and takes the next one."""
    BROKEN = "broken"
    """Answers HTTP 500, always."""
    SILENT = "silent"
    """Takes the connection and never answers."""


class Counterpart(ABC):
    """What stands for the service in the contract, on loopback."""

    @abstractmethod
    def notifier(self, behaviour: Behaviour) -> Notifier:
        """Return a notifier whose service behaves like this."""

    @abstractmethod
    def received(self) -> str:
        """Return everything that has arrived, as text."""


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # with the usual 5, many senders at once wait a second


class HttpCounterpart(Counterpart):
    """An HTTP server on 127.0.0.1, for notifiers that take the URL of their service.

    Args:
        make: Makes the notifier for a URL; the URL's path holds `URL_SECRET`. Its time-out should
            be short.
        answer: The body of the answer to what is taken.
    """

    def __init__(self, make: Callable[[str], Notifier], *, answer: bytes = b"ok") -> None:
        self._make = make
        self._answer = answer
        self._lock = Lock()
        self._received: list[str] = []
        self._limited: set[str] = set()
        self._made = 0
        self._closing = Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def notifier(self, behaviour: Behaviour) -> Notifier:
        """Return a notifier for a URL of its own on this server."""
        self._made += 1
        port = self._server.server_address[1]
        return self._make(f"http://127.0.0.1:{port}/{behaviour}/{self._made}/{URL_SECRET}")

    def received(self) -> str:
        """Return the paths, headers and bodies of all requests, as they came and decoded."""
        with self._lock:
            text = "\n".join(self._received)
        return f"{text}\n{unquote(text)}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        counterpart = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                with suppress(ConnectionError):  # a client that gave up
                    counterpart._serve(self)

            do_PUT = do_POST  # noqa: N815  # the name that http.server looks for

            def log_message(self, *args: object) -> None:
                """Keep the test's output clean."""

        return Handler

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        behaviour = Behaviour(request.path.split("/")[1])
        with self._lock:
            self._received.append(f"{request.headers}\n{body.decode('utf-8', 'replace')}")
            limited = behaviour is Behaviour.RATE_LIMITING and request.path not in self._limited
            self._limited.add(request.path)
        if behaviour is Behaviour.SILENT:
            self._closing.wait()
            return
        if behaviour is Behaviour.REFUSING:
            # Many servers quote the path that they do not know.
            _reply(request, 404, f"Cannot POST {request.path}".encode())
        elif behaviour is Behaviour.BROKEN:
            _reply(request, 500, b"Internal Server Error")
        elif limited:
            _reply(request, 429, b"slow down", {"Retry-After": "0"})
        else:
            _reply(request, 200, self._answer)


def _reply(
    request: BaseHTTPRequestHandler,
    status: int,
    body: bytes,
    headers: dict[str, str] | None = None,
) -> None:
    request.send_response(status)
    for name, value in (headers or {}).items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


class NotifierContract(Contract):
    """What every notifier keeps to."""

    @pytest.fixture
    def counterpart(self) -> Iterator[Counterpart]:
        """Give the service that the notifier talks to."""
        raise NotImplementedError("the contract needs a fixture named counterpart")

    @property
    def behaviours(self) -> frozenset[Behaviour]:
        """What the service can do; leave out of it only what cannot happen to this notifier."""
        return frozenset(Behaviour)

    @property
    def patience_seconds(self) -> float:
        """How long `send` may take when the service never answers."""
        return 15.0

    def test_delivers(self, counterpart: Counterpart) -> None:
        """A notification that the service takes is reported as delivered, and arrives whole."""
        receipt = counterpart.notifier(Behaviour.OK).send(
            Notification(
                "title-7a1",
                body="body-7a2",
                severity=Severity.WARNING,
                fields={"name-7a3": "value-7a4"},
                url="https://example.com/7a5",
            )
        )

        _check(receipt)
        assert receipt.delivered, f"the service took it, and the receipt says {receipt}"
        arrived = counterpart.received()
        for part in ("title-7a1", "body-7a2", "name-7a3", "value-7a4", "https://example.com/7a5"):
            assert part in arrived, f"{part} did not arrive; send every part of a notification"

    def test_title_alone_delivers(self, counterpart: Counterpart) -> None:
        """Everything but the title may be left out."""
        assert counterpart.notifier(Behaviour.OK).send(Notification("just this")).delivered
        assert "just this" in counterpart.received()

    @pytest.mark.parametrize("severity", list(Severity))
    def test_takes_every_severity(self, counterpart: Counterpart, severity: Severity) -> None:
        """A service that knows fewer severities maps them; none is an error."""
        receipt = counterpart.notifier(Behaviour.OK).send(Notification("x", severity=severity))

        assert receipt.delivered, f"severity {severity}: {receipt}"

    def test_refused_is_not_delivered(self, counterpart: Counterpart) -> None:
        """What the service refuses is a receipt that says so and why; nothing is raised."""
        receipt = self._send(counterpart, Behaviour.REFUSING)

        assert receipt.status is DeliveryStatus.REFUSED, (
            f"the service refused for good, and the receipt says {receipt.status}; "
            "return a Receipt with DeliveryStatus.REFUSED"
        )
        assert receipt.detail, "the receipt does not say why; give it a detail"

    def test_rate_limit_is_waited_for(self, counterpart: Counterpart) -> None:
        """When the service asks to try again, it is tried again, and the receipt counts it."""
        receipt = self._send(counterpart, Behaviour.RATE_LIMITING)

        assert receipt.delivered, f"after one 429 the service takes it, but: {receipt}"
        assert receipt.attempts == 2, f"it was sent twice; the receipt counts {receipt.attempts}"

    def test_broken_service_is_not_delivered(self, counterpart: Counterpart) -> None:
        """An error of the service is never reported as success."""
        receipt = self._send(counterpart, Behaviour.BROKEN)

        assert receipt.status is DeliveryStatus.FAILED, (
            f"the service answers 500, and the receipt says {receipt.status}; look at the answer "
            "before reporting, and return a Receipt with DeliveryStatus.FAILED"
        )
        assert receipt.detail, "the receipt does not say why; give it a detail"

    def test_silent_service_is_given_up(self, counterpart: Counterpart) -> None:
        """A service that never answers is given up in time, and not reported as success."""
        receipt = self._send(counterpart, Behaviour.SILENT)

        assert receipt.status is DeliveryStatus.FAILED, f"nobody answered, and: {receipt}"
        assert receipt.seconds < self.patience_seconds, (
            f"it took {receipt.seconds:.1f} s; set a time-out in the client"
        )

    def test_secrets_do_not_leave(self, counterpart: Counterpart) -> None:
        """A secret that got into a text is hidden before the text leaves."""
        secret = Secret(_SENTINEL)
        notification = Notification(
            f"title {secret.reveal()}",
            body=f"beside-it {secret.reveal()}",
            fields={f"name {secret.reveal()}": f"value {secret.reveal()}"},
            url=f"https://example.com/?token={secret.reveal()}",
            thread_key=f"thread {secret.reveal()}",
            dedupe_key=f"dedupe {secret.reveal()}",
        )
        receipt = counterpart.notifier(Behaviour.OK).send(notification)

        arrived = counterpart.received()
        assert receipt.delivered, f"not delivered, so nothing is shown by this test: {receipt}"
        assert "beside-it" in arrived, "the text beside the secret did not arrive"
        assert _SENTINEL not in arrived, (
            "a secret was sent; implement deliver(), which is given masked texts, and not send()"
        )

    def test_receipts_show_no_secret(self, counterpart: Counterpart) -> None:
        """No receipt and no description carries the secret part of the service's URL."""
        receipts = 0
        for behaviour in sorted(self.behaviours):
            notifier = counterpart.notifier(behaviour)
            receipt = notifier.send(Notification("hello"))
            _check(receipt)
            receipts += 1
            for text in (repr(receipt), notifier.describe()):
                assert URL_SECRET not in text, f"{behaviour}: {text} shows the URL's secret"
            assert receipt.target == notifier.describe(), "a receipt's target is describe()"
        assert receipts, "no behaviour is declared"

    def test_one_failure_stops_no_other(self, counterpart: Counterpart) -> None:
        """With several targets, each has its receipt in order, whatever the others do."""
        good = counterpart.notifier(Behaviour.OK)
        receipts = notify([_Raising(), good, "no-such-scheme:x", good], title="to all")

        assert [receipt.delivered for receipt in receipts] == [False, True, False, True]

    def test_sends_from_many_threads(self, counterpart: Counterpart) -> None:
        """One notifier may be used by several threads at once."""
        notifier = counterpart.notifier(Behaviour.OK)
        receipts = notify([notifier] * 8, title="from a thread")

        assert len(receipts) == 8
        assert all(receipt.delivered for receipt in receipts), receipts
        assert counterpart.received().count("from a thread") >= 8

    def _send(self, counterpart: Counterpart, behaviour: Behaviour) -> Receipt:
        if behaviour not in self.behaviours:
            pytest.skip(f"declared: the service of this notifier is never {behaviour}")
        receipt = counterpart.notifier(behaviour).send(Notification("hello", body="there"))
        _check(receipt)
        return receipt


def _check(receipt: object) -> None:
    assert isinstance(receipt, Receipt), f"send() returned {type(receipt).__name__}, no Receipt"
    assert receipt.target, "the receipt names no target; return a name from describe()"
    assert receipt.attempts >= 1, "it was sent, and the receipt counts no attempt"
    assert receipt.seconds > 0, "the receipt does not say how long it took; do not override send()"


class _Raising(Notifier):
    """A notifier with a fault."""

    def deliver(self, notification: Notification) -> Receipt:
        raise RuntimeError(notification.title)

    def describe(self) -> str:
        return "raising"
