"""A notifier without a fault, and its service, in memory: for tests that break it on purpose.

A fault is proven to be caught by running the whole contract on a notifier that has it::

    Fault(broken(check=lambda self: CheckReport()), "check_says_ok", "looked at nothing").prove()
"""

import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from types import new_class
from typing import Any, ClassVar, NamedTuple

import pytest
from pydantic import Field

from brickwork.block import Block, CheckReport, Finding
from brickwork.builtin.notifiers.attempts import Attempt, Attempts
from brickwork.notifier import DeliveryStatus, Limits, Notification, Notifier, Overflow, Receipt
from brickwork.secret import Secret
from brickwork.testing.notifier import NotifierContract
from brickwork.testing.notifier_counterpart import Behaviour, Counterpart

WAIT = 0.2
"""How long the service asks to wait, in seconds."""

TOKEN = "counterpart-token-5b1d"  # noqa: S105  # looked for where it must not be

_LONGEST_ATTEMPT = 1.2  # of a notifier without a time-out
_REFUSED, _FAILED = DeliveryStatus.REFUSED, DeliveryStatus.FAILED
_STATUSES = {200: DeliveryStatus.DELIVERED, 404: _REFUSED, 429: _FAILED, 500: _FAILED}


class Answer(NamedTuple):
    """What the service answers, in the words of HTTP."""

    status: int
    retry_after: float | None = None


_ANSWERS = {
    Behaviour.REFUSING: Answer(404),
    Behaviour.BROKEN: Answer(500),
    Behaviour.BUSY: Answer(429, 3600),
}


class Service:
    """A service in memory, which behaves to each token as it was told."""

    def __init__(self) -> None:
        self.received: list[str] = []
        self.connections = 0
        self.behaviours: dict[str, Behaviour] = {}
        self._lock = threading.Lock()
        self._limited: set[str] = set()

    def connect(self, token: str) -> Behaviour:
        """Return how it behaves. Raises ConnectionRefusedError."""
        behaviour = self.behaviours[token]
        if behaviour is Behaviour.UNREACHABLE:
            raise ConnectionRefusedError
        with self._lock:
            self.connections += 1
        return behaviour

    def take(self, token: str, text: str, seconds: float) -> Answer:
        """Take a message. Raises ConnectionRefusedError and TimeoutError."""
        behaviour = self.connect(token)
        with self._lock:
            self.received.append(text)
            limited = behaviour is Behaviour.RATE_LIMITING and token not in self._limited
            self._limited.add(token)
        if behaviour is Behaviour.SILENT:
            time.sleep(min(seconds, _LONGEST_ATTEMPT))
            raise TimeoutError
        return Answer(429, WAIT) if limited else _ANSWERS.get(behaviour, Answer(200))


_services: dict[str, Service] = {}
_numbers = count()


class Faithful(Block, Notifier):
    """Sends text to a service in memory."""

    slug: ClassVar[str] = "faithful"

    token: Secret[str] = Field(description="Which service, and how it behaves.")
    overflow: Overflow = Field(default=Overflow.CUT, description="What to do with long bodies.")
    timeout_seconds: float = Field(default=0.05, description="Time limit of one attempt.")
    allow_private: bool = Field(default=True, description="Allow what is in this process.")

    @property
    def service(self) -> Service:
        """The service that it sends to."""
        return _services[self.token.reveal()]

    def describe(self) -> str:
        """Return a name."""
        return "faithful:memory"

    def limits(self) -> Limits:
        """Return small ones."""
        return Limits(
            title=300,
            body=12_000,
            fields=20,
            attachments=3,
            attachment_bytes=1_000_000,
            overflow=self.overflow,
        )

    def deliver(self, notification: Notification) -> Receipt:
        """Send it, again where the service asks for that."""
        text = self.render(notification)
        attempts = Attempts(self.describe(), self.token.reveal(), self.timeout_seconds, 60)
        return attempts.run(lambda seconds: self.attempt(text, seconds))

    def attempt(self, text: str, seconds: float) -> Attempt:
        """Send it once."""
        if not self.allow_private:
            return Attempt(_REFUSED, "it is in this process", left=False)
        try:
            answer = self.service.take(self.token.reveal(), text, seconds)
        except TimeoutError:
            return Attempt(_FAILED, "no answer")
        except ConnectionRefusedError:
            return Attempt(_FAILED, "nothing listens")
        return self.judged(answer)

    def judged(self, answer: Answer) -> Attempt:
        """Return what an answer means."""
        return Attempt(
            _STATUSES[answer.status],
            f"it says {answer.status}",
            http_status=answer.status,
            again=answer.status == 429,
            retry_after=answer.retry_after,
        )

    def parts(self, one: Notification) -> dict[str, Any]:
        """Return what is sent of a notification, by name."""
        return {
            "title": one.title,
            "severity": one.severity.value,
            "body": one.body,
            "fields": list(one.fields.items()),
            "url": one.url,
            "links": list(one.links.items()),
            "tags": sorted(one.tags),
            "keys": [one.thread_key, one.dedupe_key],
            "attachments": [[file.name, str(file.content, "latin-1")] for file in one.attachments],
        }

    def render(self, notification: Notification) -> str:
        """Return the text that is sent."""
        return "\n".join(_lines(list(self.parts(notification).values())))

    def check(self) -> CheckReport:
        """Connect to the service."""
        try:
            self.service.connect(self.token.reveal())
        except ConnectionRefusedError:
            return CheckReport((Finding("failed", "connection", "nothing listens", "Start it."),))
        return CheckReport((Finding("ok", "connection"),))


def _lines(value: object) -> Iterator[str]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _lines(item)
    elif value is not None:
        yield str(value)


class MemoryCounterpart(Counterpart):
    """Makes notifiers of a class for a service in memory."""

    secrets = (TOKEN,)
    wait_seconds = WAIT

    def __init__(self, make: Callable[..., Faithful]) -> None:
        self._make = make
        self._service = Service()

    def notifier(self, behaviour: Behaviour) -> Notifier:
        """Return one with a token of its own."""
        token = f"{TOKEN}-{next(_numbers)}"
        _services[token] = self._service
        self._service.behaviours[token] = behaviour
        return self._make(token=token)

    def received(self) -> str:
        """Return all messages."""
        return "\n".join(self._service.received)

    def arrivals(self) -> int:
        """Return how many messages came."""
        return len(self._service.received)

    def connections(self) -> int:
        """Return how often somebody connected."""
        return self._service.connections


class HastyContract(NotifierContract):
    """The contract for services in memory, which need no patience."""

    @property
    def patience_seconds(self) -> float:
        """Less than `Faithful` takes without a time-out."""
        return 1.0


ASSERTIONS = sorted(
    name.removeprefix("test_") for name in dir(NotifierContract) if name.startswith("test_")
)
"""The names of all assertions of the contract."""


def broken(**methods: Any) -> type[Faithful]:
    """Make a notifier that does something in another way."""
    return new_class("Broken", (Faithful,), exec_body=lambda names: names.update(methods))


def failures(make: Callable[..., Faithful]) -> dict[str, str]:
    """Run the whole contract; return the message of each assertion that fails."""
    failed: dict[str, str] = {}
    for name in ASSERTIONS:
        test = getattr(HastyContract(), f"test_{name}")
        marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
        argument, values = marks[0].args if marks else ("", [None])
        for value in values:
            arguments = {argument: value} if argument else {}
            try:
                test(counterpart=MemoryCounterpart(make), **arguments)
            except pytest.skip.Exception:
                continue
            except Exception as error:  # noqa: BLE001  # whatever a broken notifier raises
                failed.setdefault(name, str(error))
    return failed


class Fault(NamedTuple):
    """A notifier that is broken on purpose.

    Attributes:
        notifier: The notifier.
        fails: The names of all assertions that must fail, with spaces between.
        says: A pattern of what one of them must say.
    """

    notifier: type[Faithful]
    fails: str
    says: str

    def prove(self) -> None:
        """Assert that the contract catches it, with these assertions and no other."""
        import re

        failed = failures(self.notifier)
        expected = set(self.fails.split())
        differ = {name: failed.get(name, "passes") for name in failed.keys() ^ expected}
        assert not differ, f"not as expected: {differ}"
        assert any(re.search(self.says, message) for message in failed.values()), failed
