"""Notifiers of the core keep the contract; that it catches faults is tested beside this."""

from collections.abc import Iterator

import pytest

from brickwork import Notifier
from brickwork.builtin.notifiers.console import Console
from brickwork.builtin.notifiers.webhook import Webhook
from brickwork.testing.notifier import (
    Behaviour,
    Counterpart,
    HttpCounterpart,
    NotifierContract,
    readable,
)


def webhook(url: str) -> Webhook:
    """Make a webhook for loopback."""
    return Webhook(
        url=url, allow_private=True, allow_http=True, timeout_seconds=0.5, retry_seconds=1
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


def test_replacing_an_assertion_is_refused() -> None:
    """An assertion of any part of the contract cannot be dropped in silence."""
    with pytest.raises(TypeError, match="replaces an assertion of its contract"):

        class TestLoose(NotifierContract):
            def test_dry_run_sends_nothing(self, counterpart: Counterpart) -> None:
                """Replaces an assertion, which is the fault."""


def test_a_readable_body() -> None:
    """What a counterpart received can be searched as people read it, whatever its form."""
    forms = {
        "application/json": '{"a": ["\\u00fc\\ud83d\\udc4d", {"b": "aGVsbG8gaGVsbG8gw7w="}]}',
        "application/x-www-form-urlencoded": "payload=%7B%22a%22%3A+%22%C3%BC%F0%9F%91%8D%22%7D"
        "&x=hello+hello+%C3%BC",
        "multipart/form-data; boundary=x": "--x\r\nContent-Disposition: form-data; name=a; "
        'filename="hello hello \u00fc"\r\nContent-Type: application/json\r\n\r\n'
        '"\u00fc\ud83d\udc4d"\r\n--x--\r\n',
    }
    for kind, body in forms.items():
        raw = body.encode("utf-16-le", "surrogatepass").decode("utf-16-le").encode()
        text = readable(raw, {"Content-Type": kind})
        assert "\u00fc\U0001f44d" in text, kind
        assert "hello hello \u00fc" in text, kind
