"""The notifiers of the core keep the contract, and the contract catches those that lie."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from brickwork import Notification, Notifier, Receipt
from brickwork.builtin.notifiers.console import Console
from brickwork.builtin.notifiers.webhook import Webhook
from brickwork.notifier import DeliveryStatus
from brickwork.testing.notifier import Behaviour, Counterpart, HttpCounterpart, NotifierContract

pytestmark = pytest.mark.usefixtures("only_own_secrets")


def webhook(url: str) -> Webhook:
    """Make a webhook for loopback."""
    return Webhook(
        url=url, allow_private=True, allow_http=True, timeout_seconds=0.5, retry_seconds=5
    )


class TestWebhook(NotifierContract):
    @pytest.fixture
    def counterpart(self) -> Iterator[Counterpart]:
        with HttpCounterpart(webhook) as server:
            yield server


class CapturedConsole(Counterpart):
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._written = ""

    def notifier(self, behaviour: Behaviour) -> Notifier:
        return Console()

    def received(self) -> str:
        self._written += self._capsys.readouterr().err
        return self._written


class TestConsole(NotifierContract):
    @property
    def behaviours(self) -> frozenset[Behaviour]:
        return frozenset({Behaviour.OK})  # a stream takes what it is given, or is closed

    @pytest.fixture
    def counterpart(self, capsys: pytest.CaptureFixture[str]) -> Counterpart:
        return CapturedConsole(capsys)


class Lying(Notifier):
    """Posts, and reports success whatever the answer is."""

    def __init__(self, url: str) -> None:
        self._inner = webhook(url)

    def deliver(self, notification: Notification) -> Receipt:
        self._inner.deliver(notification)
        return Receipt(self.describe(), DeliveryStatus.DELIVERED)

    def describe(self) -> str:
        return "lying"


class Talkative(Lying):
    """Shows the whole URL in its receipts."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._url = url

    def describe(self) -> str:
        return self._url.partition("://")[2]  # the masker knows only the whole URL


class Unmasked(Lying):
    """Overrides ``send``, where texts are masked."""

    def send(  # type: ignore[misc]  # the fault
        self, notification: Notification, *, dry_run: bool = False
    ) -> Receipt:
        return replace(self.deliver(notification), seconds=0.1)


@pytest.mark.parametrize(
    ("notifier", "assertion", "says"),
    [
        (Lying, "test_broken_service_is_not_delivered", "answers 500"),
        (Lying, "test_refused_is_not_delivered", "refused for good"),
        (Lying, "test_silent_service_is_given_up", "nobody answered"),
        (Lying, "test_rate_limit_is_waited_for", "counts 1"),
        (Talkative, "test_shows_no_secret_of_the_service", "shows a secret of the service"),
        (Unmasked, "test_secrets_do_not_leave", "a secret was sent"),
    ],
)
def test_contract_catches_faults(notifier: type[Lying], assertion: str, says: str) -> None:
    """Each fault fails the assertion that is about it, with a message that says what is wrong."""
    with HttpCounterpart(notifier) as counterpart, pytest.raises(AssertionError, match=says):
        getattr(NotifierContract(), assertion)(counterpart)
