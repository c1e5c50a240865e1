"""The contract of checks catches each check that does not tell what is wrong."""

import asyncio
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import Field

from brickwork import Block, CheckReport, Finding, Secret
from brickwork.testing import CheckContract

TOKEN = "a-token-that-is-taken"


class Service(Block):
    """A service on a port, as a good check sees it."""

    slug: ClassVar[str] = "checktest-service"

    token: Secret[str] = Field(description="The token.")
    port: int = Field(0, description="Where it is; 0 for one that answers.")
    rights: bool = Field(True, description="Whether it may do something.")

    def check(self) -> CheckReport:
        """Tell all that is wrong."""
        return CheckReport((self.found(),))

    def found(self) -> Finding:
        """Look."""
        if self.port:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 0.2) as there:
                    there.recv(1)
            except OSError:
                return Finding("failed", "reach", "nobody answers", "Mend the port.")
        if self.token.reveal() != TOKEN:
            return Finding("failed", "token", "it is refused", "Make a new one.")
        if not self.rights:
            return Finding("warning", "rights", "it may do nothing", "Give it rights.")
        return Finding("ok", "token", "it is taken")


class TestGoodCheck(CheckContract):
    """A check that tells everything keeps the contract."""

    of: ClassVar[type[Service]] = Service
    check_seconds = 2.0

    @pytest.fixture
    def working(self) -> Block:
        return self.of(token=TOKEN)

    @pytest.fixture
    def wrong(self) -> Block:
        return self.of(token="a-token-of-somebody")

    @pytest.fixture
    def unreachable(self) -> Block:
        return self.of(token=TOKEN, port=1)

    @pytest.fixture
    def silent(self, silent_port: int) -> Block:
        return self.of(token=TOKEN, port=silent_port)

    @pytest.fixture
    def denied(self) -> Block:
        return self.of(token=TOKEN, rights=False)

    @pytest.fixture
    def ended(self) -> Block:
        return self.of(token=TOKEN)


class Content(Service):
    """Is content with everything."""

    slug: ClassVar[str] = "checktest-content"

    def found(self) -> Finding:
        return Finding("ok", "token")


class Blind(Service):
    """Looks at nothing."""

    slug: ClassVar[str] = "checktest-blind"

    def found(self) -> Finding:
        return Finding("skipped", "token")


class Sullen(Service):
    """Never says what to do, and the same of everything."""

    slug: ClassVar[str] = "checktest-sullen"

    def found(self) -> Finding:
        return Finding("failed", "it", "does not work")


class Chatty(Service):
    """Quotes the token."""

    slug: ClassVar[str] = "checktest-chatty"

    def found(self) -> Finding:
        return Finding("ok", "token", self.token.reveal())


class Raising(Service):
    """Raises."""

    slug: ClassVar[str] = "checktest-raising"

    def found(self) -> Finding:
        raise ConnectionError


class Slow(Service):
    """Waits for too long."""

    slug: ClassVar[str] = "checktest-slow"

    def found(self) -> Finding:
        time.sleep(0.2)
        return super().found()


class Endless(Service):
    """Never ends."""

    slug: ClassVar[str] = "checktest-endless"

    def found(self) -> Finding:
        threading.Event().wait()
        return Finding("ok", "token")


class OwnAsync(Service):
    """Has another answer for those who await it."""

    slug: ClassVar[str] = "checktest-ownasync"

    async def acheck(self) -> CheckReport:
        await asyncio.sleep(0)
        return CheckReport((Finding("ok", "token"),))


class Signed(Block):
    """A secret with which a sender signs: no service can be asked about it."""

    slug: ClassVar[str] = "checktest-signed"

    secret: Secret[str] = Field(description="The secret.")

    def check(self) -> CheckReport:
        """Look at the secret."""
        if len(self.secret.reveal()) < len(TOKEN):
            return CheckReport((Finding("warning", "secret", "short", self.mend()),))
        return CheckReport((Finding("ok", "secret", "long enough"),))

    def mend(self) -> str:
        """Say what to do."""
        return "Use a longer one."


class TestCheckWithoutAService(CheckContract):
    """A check that has nobody to ask keeps the contract, too."""

    asks_service = False

    @pytest.fixture
    def working(self) -> Block:
        return Signed(secret=TOKEN)

    @pytest.fixture
    def wrong(self) -> Block:
        return Signed(secret="a-short-one")


class Vague(Signed):
    """Does not say what to do."""

    slug: ClassVar[str] = "checktest-vague"

    def mend(self) -> str:
        return ""


class Asking(Signed):
    """Asks a service after all."""

    slug: ClassVar[str] = "checktest-asking"

    def mend(self) -> str:
        try:
            socket.create_connection(("127.0.0.1", 1), 0.2).close()
        except OSError:
            return "Start it."
        return "Use a longer one."


def test_who_asks_no_service_must_ask_none() -> None:
    """The capability flag is no way around what has to be told of a service."""
    made = TestCheckWithoutAService()
    good = Signed(secret=TOKEN)
    with pytest.raises(AssertionError, match=r"check.. tried .*let asks_service be True"):
        made.test_a_check_that_asks_no_service_reaches_nobody(good, Asking(secret="short"))
    made.test_a_check_that_asks_no_service_reaches_nobody(good, Signed(secret="short"))


def test_a_bad_secret_is_told_also_where_nobody_can_be_asked() -> None:
    """At least as a warning, with what to do."""
    made = TestCheckWithoutAService()
    with pytest.raises(AssertionError, match="found nothing wrong"):
        made.test_a_refused_secret_is_told(Signed(secret=TOKEN))
    with pytest.raises(AssertionError, match="must say what to do next"):
        made.test_a_refused_secret_is_told(Vague(secret="short"))


def contract(cls: type[Service], seconds: float = 2.0) -> Any:
    """Return the contract for another class."""
    return type("Of", (TestGoodCheck,), {"of": cls, "check_seconds": seconds, "__test__": False})()


GOOD: dict[str, Any] = {"token": TOKEN}


@pytest.mark.parametrize(
    ("cls", "test", "fields", "told"),
    [
        (Content, "test_a_refused_secret_is_told", {"token": "another-token"}, "is content with"),
        (Content, "test_a_service_that_is_not_there_is_told", {"port": 1}, "nobody listens"),
        (Content, "test_a_service_that_never_answers_is_told", {}, "never answers"),
        (Content, "test_missing_rights_are_told", {"rights": False}, "look at its rights"),
        (Blind, "test_what_works_is_all_right", {}, "ask the service who it is"),
        (Sullen, "test_what_works_is_all_right", {}, "it: does not work"),
        (Sullen, "test_a_refused_secret_is_told", {}, "what to do next"),
        (Sullen, "test_a_token_that_ended_is_renewed", {}, "was not renewed"),
        (Raising, "test_a_refused_secret_is_told", {}, "raised ConnectionError"),
        (Slow, "test_a_refused_secret_is_told", {"token": "another-token"}, "took longer"),
        (Endless, "test_the_async_check_says_the_same", {}, "took longer"),
        (OwnAsync, "test_the_async_check_says_the_same", {"token": "another-token"}, "override"),
    ],
)
def test_each_fault_is_caught(
    cls: type[Service], test: str, fields: dict[str, Any], told: str
) -> None:
    """By the assertion meant for it, in words that say what to mend."""
    block = cls(**{**GOOD, **fields})
    with pytest.raises(AssertionError, match=told):
        getattr(contract(cls, 0.1 if cls in (Slow, Endless) else 2.0), test)(block)


UNTRIED = """
import pytest
from brickwork import Block, CheckReport, Finding
from brickwork.testing import CheckContract


class Plain(Block):
    slug = "checktest-plain"

    def check(self):
        return CheckReport((Finding("failed", "it", "does not work", "Mend it."),))


class TestCheck(CheckContract):
    @pytest.fixture
    def working(self):
        return Plain()

    wrong = unreachable = working


class TestCheckOfNobody(TestCheck):
    asks_service = False
"""


def test_who_asks_a_service_must_try_one_that_is_silent(tmp_path: Path) -> None:
    """A contract without `silent` fails, and says what to give; nothing is skipped in its place."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_untried.py").write_text(UNTRIED)
    command = [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", "-k", "never"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    told = done.stdout.splitlines()[-1]
    assert "1 skipped" in told, done.stdout + done.stderr
    assert "1 error" in told, done.stdout + done.stderr
    assert "Give a fixture `silent`: one for a service that takes the connection" in done.stdout
    assert "declared: no service is asked" in done.stdout


def test_faults_that_sound_alike_are_caught() -> None:
    """Who reads the report must know which one it is."""
    block = Sullen(**GOOD)
    with pytest.raises(AssertionError, match="says the same of unreachable as of wrong"):
        contract(Sullen).test_each_fault_is_told_apart(block, block, None)
    good = Service(**GOOD)
    with pytest.raises(AssertionError, match="found nothing wrong"):
        contract(Service).test_each_fault_is_told_apart(good, good, None)


def test_a_report_that_shows_the_secret_is_caught() -> None:
    """In any of the reports."""
    block = Chatty(**GOOD)
    with pytest.raises(AssertionError, match="A secret shows in the report"):
        contract(Chatty).test_reports_show_no_secret(block, block, block, None)
